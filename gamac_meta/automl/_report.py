"""A search and its answer as one HTML page, with all pictures inside and nothing fetched or run."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.automl._account import Report, clusters_of, confidence, configuration, effort, headline, name_of
from gamac_meta.cluster_plots import (
    NO_PARTITION,
    cluster_style,
    cluster_view,
    matched_labels,
    plot_history,
    plot_likeness,
    plot_parameters,
    plot_partition,
    plot_silhouettes,
)
from gamac_meta.clusters import describe_clusters
from gamac_meta.plots import MARKERS, plot_clusters
from gamac_meta.rendering import PAGE_STYLE, STYLE
from gamac_meta.types import NOISE
from metafeatures import adjusted_rand

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LEADERS = 20
MOST_DESCRIBED = 100  # clusters in the page's tables
MOST_COLUMNS = 30  # of the table of centroids
SYMBOLS = dict(zip(MARKERS, "●■▲◆▼✚✖★", strict=True))  # the markers of the pictures in the text

REPORT_STYLE = """\
body { max-width: 62em; margin: 2em auto; padding: 0 1em; }
h1 { font-size: 1.8em; line-height: 1.2; margin-bottom: .2em; }
h2 { font-size: 1.2em; margin-top: 2.2em; border-bottom: 2px solid #0072B2; padding-bottom: .2em; }
.lead { font-size: 1.1em; }
.aside, figcaption, footer { color: #555; }
figure { margin: 1em 0; }
img { max-width: 100%; height: auto; }
figcaption { font-size: .9em; overflow-wrap: anywhere; }
.small { display: grid; grid-template-columns: repeat(auto-fill, minmax(10.5em, 1fr)); gap: 1em; }
.small figure { margin: 0; }
.measures thead th { overflow-wrap: normal; }
.measures thead .words { font-weight: bold; }
.measures td.words { white-space: normal; min-width: 11em; }
.measures th:first-child, .measures td:first-child { text-align: left; }
.notices { background: #FFF6E0; border-left: 4px solid #E69F00; padding: .6em 1em .6em 2em; }
pre { background: #f4f4f0; padding: .8em 1em; overflow-x: auto; }
footer { margin: 3em 0 1em; font-size: .9em; }
"""


def report_html(facts: Report) -> str:
    """One HTML page with all pictures inside; nothing in it is fetched or run."""
    title = escape(f"{facts.name}: {headline(facts)}")
    sections = (
        ("What is in each cluster", _contents(facts)),
        ("Why this answer", _reasons(facts)),
        ("Other answers", _others(facts)),
        ("The search", _search(facts)),
        ("How well points sit in their clusters", _silhouettes(facts)),
        ("Leaderboard", _leaderboard(facts)),
        ("Trials without a partition", _failures(facts)),
        ("To repeat it", f"<pre>{escape(facts.code)}</pre>"),
        ("Notices", _notices(facts)),
    )
    body = "".join(f'<section id="{_anchor(name)}"><h2>{name}</h2>{text}</section>' for name, text in sections if text)
    versions = ", ".join(f"{name} {version}" for name, version in facts.versions.items())
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{title}</title>'
        f"<style>{STYLE}{PAGE_STYLE}{REPORT_STYLE}</style></head><body>{_answer(facts)}{body}"
        f"<footer>{escape(versions)}</footer></body></html>\n"
    )


def _anchor(name: str) -> str:
    return name.lower().replace(" ", "-")


def _answer(facts: Report) -> str:
    n, d = facts.X.shape
    count = len(facts.notices)
    mind = f' <a href="#{_anchor("Notices")}">{count} notice{"s" * (count != 1)}</a> below.' if count else ""
    hollow = ""
    if facts.filled_noise.any():
        hollow = (
            " Hollow gray points were called noise and count with the nearest cluster in every number on this page."
        )
    elif (facts.labels == NOISE).any():
        hollow = " Hollow gray points are noise."
    wide = f"The first two principal axes of {facts.space.shape[1]} columns." if facts.space.shape[1] > 2 else ""
    picture = _figure(
        lambda ax: plot_partition(facts.space, facts.shown_labels, columns=_space_columns(facts), ax=ax),
        (8.4, 5.4),
        f"Scatter plot of {n} points colored by cluster",
        f"{wide}{hollow}".strip(),
    )
    doubt = facts.structure.notice
    warning = f'<p class="notices">{escape(doubt)}</p>' if doubt else ""
    sure = ""
    if not warning and not np.isnan(facts.structure.probability):
        sure = f" That there are clusters at all: {facts.structure.probability:.0%} sure."
    return (
        f"<h1>{escape(headline(facts))}</h1>{warning}"
        f'<p class="aside">{escape(facts.name)}: {n} points, {d} columns. {escape(effort(facts))}.{mind}</p>'
        f'<p class="lead">{escape(confidence(facts))}{sure}</p>{picture}'
    )


def _space_columns(facts: Report) -> Sequence[str]:
    varying = [name for name, spread in zip(facts.columns, np.ptp(facts.X, axis=0), strict=True) if spread > 0.0]
    return varying if len(varying) == facts.space.shape[1] else ()


def _contents(facts: Report) -> str:
    found = describe_clusters(facts.X, facts.labels, facts.columns)
    filled = bool(facts.filled_noise.any())
    rows, centers = [], []
    for label, row in found.head(MOST_DESCRIBED).iterrows():
        color, marker = cluster_style(int(label))  # type: ignore[call-overload]
        symbol = "○" if label == NOISE else SYMBOLS[marker]
        name = f'<span style="color:{color}">{symbol}</span> {name_of(label)}'
        noise = [str(int(facts.filled_noise[facts.labels == label].sum()))] if filled else []
        examples = ", ".join(map(str, row["examples"]))
        told = escape(row["features"]) or '<span class="aside">no column by itself</span>'
        rows.append([name, str(row["size"]), f"{row['share']:.1%}", *noise, told, f"{row['spread']:.2f}", examples])
        centers.append([name, *(f"{value:.4g}" for value in row.iloc[5 : 5 + MOST_COLUMNS])])
    head = [
        "cluster",
        "points",
        "share",
        *["of them noise"] * filled,
        "what tells it from the rest",
        "spread",
        "examples",
    ]
    table = _table(head, rows, words=(head.index("what tells it from the rest"),))
    left_out = []
    if len(found) > MOST_DESCRIBED:
        left_out.append(f"{len(found) - MOST_DESCRIBED} more clusters are not shown.")
    if len(facts.columns) > MOST_COLUMNS:
        left_out.append(f"{len(facts.columns) - MOST_COLUMNS} more columns are not shown.")
    centroids = _table(["cluster", *map(escape, facts.columns[:MOST_COLUMNS])], centers)
    return (
        f"{table}<p class='aside'>sd: pooled standard deviations from the mean of all other points. Spread: 0 for "
        "equal points, 1 as wide as the table. Examples: rows, from 0, of the points nearest to the centroid. "
        f"{' '.join(left_out)}</p><details><summary>Centroids</summary>{centroids}</details>"
    )


def _reasons(facts: Report) -> str:
    score, scores = facts.best["score"], facts.trials["score"]
    place = "the greatest score" if score >= scores.max() else "the score"
    greatest = "" if score >= scores.max() else f" (the greatest: {scores.max():.4g})"
    return (
        f"<p>{escape(configuration(facts.best))} has {place} <b>{score:.4g}</b>{greatest} by "
        f"{escape(facts.scored_by)}. The median trial has {scores.median():.4g}.</p>"
        f"<p>Recommended for this table: {escape(facts.recommendation)}.</p>"
    )


def _others(facts: Report) -> str:
    if not facts.runners_up:
        return ""
    view = cluster_view(facts.space, facts.shown_labels)
    answers = [("the best", facts.shown_labels, facts.best, 1.0)] + [
        (f"number {place}", matched_labels(runner.labels, facts.labels), runner.trial, runner.likeness)
        for place, runner in enumerate(facts.runners_up, start=2)
    ]
    pictures = "".join(
        _figure(
            lambda ax, labels=labels: plot_clusters(view.points, labels[view.rows], ax=ax),  # type: ignore[misc]
            (3.0, 3.0),
            f"Scatter plot of the answer of trial {trial['number']}",
            f"<b>{name}: {clusters_of(trial)}</b>, score {trial['score']:.4g}"
            + f", adjusted Rand with the best {likeness:.2f}" * (name != "the best")
            + f"<br>{_breakable(trial)}",
        )
        for name, labels, trial, likeness in answers
    )
    partitions = [facts.labels, *(runner.labels for runner in facts.runners_up)]
    likeness = np.array([[adjusted_rand(first, second) for second in partitions] for first in partitions])
    names = [f"{trial['algorithm']} ({trial['number']})" for _, _, trial, _ in answers]
    matrix = _figure(
        lambda ax: plot_likeness(likeness, names, ax=ax),
        (2.8 + 0.6 * len(names), 1.7 + 0.5 * len(names)),
        "Heat map of the adjusted Rand index between the answers",
        "Adjusted Rand index between the answers, by algorithm and trial: 1 the same, 0 as alike as by chance.",
    )
    return f'<div class="small">{pictures}</div>{matrix}'


def _search(facts: Report) -> str:
    scored = facts.trials["score"].notna().any()
    history = _figure(
        lambda ax: plot_history(facts.trials, ax=ax),
        (8.4, 3.6),
        "Score of each trial against time",
        "The line is the best score so far.",
    )
    if not scored:
        return history
    return history + _figure(
        lambda ax: plot_parameters(facts.trials, ax=ax),
        (8.4, max(3.6, 0.8 + 0.24 * facts.trials["algorithm"].nunique())),
        "Parallel coordinates of the trials",
        "Each line is a scored trial, darker with its score; the thick one has the greatest.",
    )


def _silhouettes(facts: Report) -> str:
    if facts.n_clusters < 2:
        return ""
    return _figure(
        lambda ax: plot_silhouettes(facts.space, facts.labels, ax=ax),
        (8.4, min(2.2 + 0.35 * facts.n_clusters, 9.0)),
        "Silhouettes of the points by cluster",
        "A guide for round clusters: long or curved ones have small silhouettes however well they are separated.",
    )


def _leaderboard(facts: Report) -> str:
    distinct = facts.trials[facts.trials["score"].notna() & (facts.trials["state"] != "same")]
    leaders = distinct.nlargest(LEADERS, "score")
    rows = [
        [
            f"{place} <small>(trial {trial['number']})</small>",
            f"{trial['score']:.4g}",
            f"{trial['n_clusters']:.0f}",
            _breakable(trial),
            f"{trial['noise_share']:.1%}",
            f"{trial['seconds']:.2g}",
        ]
        for place, (_, trial) in enumerate(leaders.iterrows(), start=1)
    ]
    if not rows:
        return ""
    chosen = np.flatnonzero(leaders["number"] == facts.best["number"])
    table = _table(["place", "score", "clusters", "what", "noise", "seconds"], rows, words=(3,), marked=chosen)
    more = len(distinct) - len(rows)
    return table + (f'<p class="aside">{more} more in the frame of trials.</p>' if more else "")


def _breakable(trial: Any) -> str:
    # a line may break after the algorithm, or long names would leave narrow columns
    return escape(configuration(trial)).replace("(", "(<wbr>", 1)


def _failures(facts: Report) -> str:
    failed = facts.trials[facts.trials["state"].isin(NO_PARTITION)]
    if failed.empty:
        return ""
    # reasons that differ in a number are one
    kind = failed["reason"].str.replace(r"\d+(\.\d+)?", "0", regex=True)
    groups = failed.groupby(["state", kind.rename("kind")], sort=False)
    told = groups.agg(
        trials=("number", "size"),
        reason=("reason", "first"),
        algorithms=("algorithm", lambda names: ", ".join(sorted(set(names)))),
    ).reset_index()
    rows = [
        [str(group["trials"]), *(escape(group[name]) for name in ("state", "reason", "algorithms"))]
        for _, group in told.sort_values("trials", ascending=False, kind="stable").head(LEADERS).iterrows()
    ]
    return _table(["trials", "how it ended", "why the first of them", "algorithms"], rows, words=(1, 2, 3))


def _notices(facts: Report) -> str:
    if not facts.notices:
        return ""
    return f'<ul class="notices">{"".join(f"<li>{escape(notice)}</li>" for notice in facts.notices)}</ul>'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], words: Sequence[int] = (), marked: Any = ()) -> str:
    """A table of cells that are HTML already; words: columns of text; marked: rows."""
    kinds = [' class="words"' if column in words else "" for column in range(len(head))]
    titles = "".join(f'<th scope="col"{kind}>{cell}</th>' for cell, kind in zip(head, kinds, strict=True))
    body = ""
    for place, row in enumerate(rows):
        cells = "".join(f"<td{kind}>{cell}</td>" for cell, kind in zip(row, kinds, strict=True))
        body += f'<tr class="best">{cells}</tr>' if place in marked else f"<tr>{cells}</tr>"
    head_row = f"<thead><tr>{titles}</tr></thead>"
    return f'<div class="scroll"><table class="measures">{head_row}<tbody>{body}</tbody></table></div>'


def _figure(draw: Callable[[Axes], Any], size: tuple[float, float], alt: str, caption: str) -> str:
    """What is drawn as a PNG inside the page; size in inches, caption as HTML."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.subplots())
    image = BytesIO()
    figure.savefig(image, format="png", dpi=110)
    data = b64encode(image.getvalue()).decode()
    said = f"<figcaption>{caption}</figcaption>" if caption else ""
    return f'<figure><img alt="{escape(alt)}" src="data:image/png;base64,{data}">{said}</figure>'
