"""Pictures of one partition and of the search that found it. As in plots: numbers first, then their drawing.

`trials` is a frame with a row per trial, as `AutoClusterer.trials_` holds it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.plots import BEST, FAINT, MARKERS, OKABE_ITO, OTHER, plot_clusters
from gamac_meta.types import NOISE, Floats, Ints, Labels

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection

MOST_DRAWN = 20_000
MOST_SILHOUETTES = 2_000  # their distances are held whole
LONGEST_LEGEND = 20
NO_PARTITION = ("refused", "failed", "timed out", "out of memory", "crashed")  # states of trials without a score


def cluster_style(label: int) -> tuple[str, str]:
    """Color and marker of a cluster in every picture; noise is gray."""
    if label == NOISE:
        return "#999999", MARKERS[0]
    return OKABE_ITO[label % len(OKABE_ITO)], MARKERS[label // len(OKABE_ITO) % len(MARKERS)]


# ---- the partition ---------------------------------------------------------------------------------


class ClusterView(NamedTuple):
    """The points as they are drawn."""

    points: Floats  # (m, 2)
    labels: Labels  # (m,)
    rows: Ints  # (m,) of X that are drawn
    axes: tuple[str, str]  # what they are drawn along
    sizes: dict[int, int]  # points of each label among all n, noise last
    places: Floats  # (k, 2) the drawn point of each cluster that is nearest to its centroid: inside, also of a ring
    note: str  # what is not drawn


def cluster_view(X: Floats, labels: Labels, columns: Sequence[str] = ()) -> ClusterView:
    """X (n, d) in the plane: its two columns, or the first two principal axes; at most MOST_DRAWN of its points."""
    n, d = X.shape
    names = list(columns) or [f"column {column}" for column in range(d)]
    if d > 2:
        from sklearn.decomposition import PCA

        # a fixed seed: only very wide tables are projected by a randomized method
        axes = PCA(2, random_state=0).fit(X)
        points = axes.transform(X)
        names = [
            f"principal axis {place} ({share:.0%} of variance)"
            for place, share in enumerate(axes.explained_variance_ratio_, start=1)
        ]
    else:
        # one column is drawn along a line
        points, names = (X, names) if d == 2 else (np.column_stack([X, np.zeros(n)]), [*names, ""])
    drawn = _sample(labels, MOST_DRAWN)
    note = "" if len(drawn) == n else f"{len(drawn)} of {n} points drawn, small clusters more densely"
    present, sizes = np.unique(labels, return_counts=True)
    counted = {int(label): int(size) for label, size in zip(present, sizes, strict=True)}
    if NOISE in counted:
        counted[NOISE] = counted.pop(NOISE)
    points, labels = points[drawn], labels[drawn]
    places = np.array([_inside(points[labels == label]) for label in counted if label != NOISE]).reshape(-1, 2)
    return ClusterView(points, labels, drawn, (names[0], names[1]), counted, places, note)


def matched_labels(labels: Labels, like: Labels) -> Labels:
    """The same clusters (n,), numbered so that those which share most points with one of `like` bear its number."""
    from scipy.optimize import linear_sum_assignment

    k, other = int(labels.max(initial=NOISE)) + 1, int(like.max(initial=NOISE)) + 1
    both = (labels != NOISE) & (like != NOISE)
    shared = np.bincount(labels[both].astype(np.int64) * other + like[both], minlength=k * other).reshape(k, other)
    numbers = np.full(k, NOISE)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    numbers[rows] = columns
    free = np.setdiff1d(np.arange(k + other), columns)
    numbers[numbers == NOISE] = free[: k - len(rows)]
    return np.append(numbers, NOISE)[labels].astype(np.int32)


def _sample(labels: Labels, most: int) -> Ints:
    """(m,) at most `most` rows in ascending order: half of them shared evenly by the labels, half drawn from all."""
    n = len(labels)
    if n <= most:
        return np.arange(n)
    _, codes, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    shuffled = np.random.default_rng(0).permutation(n)
    by_label = shuffled[np.argsort(codes[shuffled], kind="stable")]
    later = np.ones(n, dtype=bool)
    later[by_label] = np.arange(n) - np.repeat(np.cumsum(sizes) - sizes, sizes) >= most // 2 // len(sizes)
    return np.sort(shuffled[np.argsort(later[shuffled], kind="stable")][:most])


def _inside(points: Floats) -> Floats:
    distances = ((points - points.mean(axis=0)) ** 2).sum(axis=1)
    return np.asarray(points[distances.argmin()])


def plot_partition(
    X: Floats, labels: Labels, title: str | None = None, *, columns: Sequence[str] = (), ax: Axes | None = None
) -> Axes:
    """Scatter plot of X (n, d) colored by labels (n,), with the number of each cluster inside it; noise is hollow.

    More than two columns are drawn along the first two principal axes. columns: (d,) names.
    """
    view = cluster_view(X, labels, columns)
    ax = plot_clusters(view.points, view.labels, title or "", ax=_axes(ax, (7.0, 5.2)))
    for drawn in cast("list[PathCollection]", ax.collections):
        drawn.set_sizes(2.0 * drawn.get_sizes())  # a picture of its own has room
    # a dollar in a column's name is no formula
    ax.set_xlabel(_with_note(view.axes[0], view.note), fontsize=9, parse_math=False)
    ax.set_ylabel(view.axes[1], fontsize=9, parse_math=False)
    clusters = [label for label in view.sizes if label != NOISE]
    for label, place in zip(clusters, view.places, strict=True):
        _haloed(ax, str(label), place, 10 if len(clusters) <= LONGEST_LEGEND else 7)
    if len(view.sizes) <= LONGEST_LEGEND:
        _legend(
            ax,
            {
                f"noise: {size}" if label == NOISE else f"{label}: {size}": cluster_style(label)
                for label, size in view.sizes.items()
            },
            "cluster: points",
            hollow="noise",
        )
    return ax


class Silhouettes(NamedTuple):
    """The silhouette of each shown point, noise left out."""

    values: Floats  # (m,) from -1 to 1, 0 where a cluster has one point
    labels: Labels  # (m,)
    clusters: Ints  # (k,)
    means: Floats  # (k,) of each cluster
    mean: float  # of all points, each cluster counted by its size
    note: str  # that it is a sample


def silhouettes(X: Floats, labels: Labels) -> Silhouettes:
    """Silhouettes of X (n, d) by labels (n,), among at most MOST_SILHOUETTES points.

    Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7. Raises InvalidInputError for fewer than two clusters.
    """
    from scipy.spatial.distance import cdist

    kept = np.flatnonzero(labels != NOISE)
    clusters, sizes = np.unique(labels[kept], return_counts=True)
    if len(clusters) < 2:
        raise InvalidInputError(f"silhouettes need at least two clusters, got {len(clusters)}")
    rows = kept[_sample(labels[kept], MOST_SILHOUETTES)]
    points = X[rows]
    shown, codes = np.unique(labels[rows], return_inverse=True)
    counts = np.bincount(codes)
    # (m, k) mean distance from each point to the points of each cluster
    sums = cdist(points, points) @ np.eye(len(shown))[codes]
    own = np.arange(len(rows)), codes
    inside = sums[own] / np.maximum(counts[codes] - 1, 1)
    means = sums / counts
    means[own] = np.inf
    outside = means.min(axis=1)
    width = np.maximum(inside, outside)
    alone = (counts[codes] == 1) | (width == 0.0)
    values = np.where(alone, 0.0, (outside - inside) / np.where(alone, 1.0, width))
    by_cluster = np.bincount(codes, values) / counts
    weights = sizes[np.isin(clusters, shown)]
    note = "" if len(rows) == len(kept) else f"sample of {len(rows)} of {len(kept)} points"
    return Silhouettes(
        values, labels[rows], shown.astype(np.int64), by_cluster, float(np.average(by_cluster, weights=weights)), note
    )


def plot_silhouettes(X: Floats, labels: Labels, *, ax: Axes | None = None) -> Axes:
    """Silhouettes of X (n, d) by labels (n,) as bars, sorted in each cluster, with their mean.

    Raises InvalidInputError for fewer than two clusters.
    """
    found = silhouettes(X, labels)
    ax = _axes(ax, (7.0, min(2.4 + 0.35 * len(found.clusters), 9.0)))
    gap = 0.02 * len(found.values)
    bottom, ticks = 0.0, []
    for label in found.clusters:
        bars = np.sort(found.values[found.labels == label])[::-1]
        heights = bottom + np.arange(len(bars) + 1)
        color, _ = cluster_style(int(label))
        ax.fill_betweenx(heights, 0.0, np.append(bars, bars[-1]), step="post", color=color, linewidth=0)
        ticks.append(bottom + len(bars) / 2)
        bottom += len(bars) + gap
    names = [f"{label}  ({mean:+.2f})" for label, mean in zip(found.clusters, found.means, strict=True)]
    ax.set_yticks(ticks, names, fontsize=9 if len(names) <= LONGEST_LEGEND else 6)
    ax.set_ylim(bottom, -gap)
    ax.set_xlim(min(-0.1, float(found.values.min())), 1.0)
    ax.axvline(found.mean, color=OTHER, linewidth=1.2, linestyle="--")
    ax.annotate(
        f"mean {found.mean:.2f}", (found.mean, 1.0), xycoords=("data", "axes fraction"), xytext=(0, 3),
        textcoords="offset points", ha="center", va="bottom", fontsize=9, color=OTHER,
    )  # fmt: skip
    ax.set_ylabel("cluster  (its mean)", fontsize=9)
    ax.set_xlabel(
        _with_note("silhouette: 1 well inside its cluster, below 0 nearer to another", found.note), fontsize=9
    )
    _plain(ax, "x")
    ax.tick_params(axis="y", length=0)
    return ax


# ---- the search ------------------------------------------------------------------------------------


class SearchHistory(NamedTuple):
    """When each trial ended, in seconds since the start of the search."""

    ended: Floats  # (t,) of scored trials, ascending
    scores: Floats  # (t,)
    algorithms: tuple[str, ...]  # (t,)
    best: Floats  # (t,) greatest score so far
    failed: Floats  # (f,) of trials that gave no partition


def search_history(trials: pd.DataFrame) -> SearchHistory:
    """The scores of the trials in the order in which they ended."""
    ended = trials.assign(ended=trials["started"] + trials["seconds"]).sort_values("ended", kind="stable")
    scored = ended[ended["score"].notna()]
    scores = scored["score"].to_numpy(dtype=np.float64)
    return SearchHistory(
        scored["ended"].to_numpy(dtype=np.float64),
        scores,
        tuple(scored["algorithm"]),
        np.maximum.accumulate(scores),
        ended.loc[ended["state"].isin(NO_PARTITION), "ended"].to_numpy(dtype=np.float64),
    )


def plot_history(trials: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Score of each trial against the seconds since the start, the best so far as a line; failed trials are ticks."""
    found = search_history(trials)
    ax = _axes(ax, (7.5, 3.6))
    styles = {name: cluster_style(place) for place, name in enumerate(dict.fromkeys(found.algorithms))}
    ax.step(found.ended, found.best, where="post", color=FAINT, linewidth=1.6, zorder=1)
    for name, (color, marker) in styles.items():
        member = np.array(found.algorithms) == name
        ax.scatter(found.ended[member], found.scores[member], s=20, c=color, marker=marker, linewidths=0, zorder=2)
    ax.scatter(
        found.failed, np.zeros(len(found.failed)), marker="|", s=90, c="#B00020", linewidths=1.2, clip_on=False,
        transform=ax.get_xaxis_transform(), zorder=3,
    )  # fmt: skip
    # the ticks stand on the edge, where they do not widen the picture by themselves
    ax.set_xlim(0.0, 1.03 * max((*found.ended, *found.failed), default=1.0))
    ax.set_xlabel("seconds since the start" + " (red ticks: trials without a partition)" * bool(found.failed.size))
    ax.set_ylabel("score")
    _plain(ax, "y")
    if styles:
        _legend(ax, styles, "")
    return ax


class ParallelAxes(NamedTuple):
    """Scored trials as lines over five axes, each from 0 to 1."""

    names: tuple[str, ...]  # (5,)
    heights: Floats  # (t, 5)
    scores: Floats  # (t,)
    best: int  # row of the best
    ticks: tuple[dict[str, float], ...]  # (5,) words and heights


def parallel_axes(trials: pd.DataFrame) -> ParallelAxes:
    """The scored trials along algorithm, clusters, noise, seconds and score; clusters and seconds on a log scale.

    Raises InvalidInputError where no trial was scored.
    """
    scored = trials[trials["score"].notna()]
    if scored.empty:
        raise InvalidInputError("parallel axes need at least one scored trial, got none")
    # by best score, so that lines of good trials run on one side
    order = scored.groupby("algorithm")["score"].max().sort_values(kind="stable").index.tolist()
    columns: list[Floats] = [scored["algorithm"].map(order.index).to_numpy(dtype=np.float64)]
    ticks = [dict(zip(order, _to_unit(np.arange(len(order)), np.arange(len(order))), strict=True))]
    for name in ("n_clusters", "noise_share", "seconds", "score"):
        values = scored[name].to_numpy(dtype=np.float64)
        if name in ("n_clusters", "seconds"):
            values = np.log10(np.maximum(values, 1e-3))
        marks = np.linspace(values.min(), values.max(), 3)
        if name == "n_clusters":
            marks = np.log10(np.unique(np.round(10.0**marks)))
        words = [_written(name, mark) for mark in marks]
        ticks.append(dict(zip(words, _to_unit(marks, values).tolist(), strict=True)))
        columns.append(values)
    scores = scored["score"].to_numpy(dtype=np.float64)
    return ParallelAxes(
        ("algorithm", "clusters", "noise", "seconds", "score"),
        np.column_stack([_to_unit(column, column) for column in columns]),
        scores,
        int(scores.argmax()),
        tuple(ticks),
    )


def _written(name: str, height: float) -> str:
    if name == "noise_share":
        return f"{100.0 * height:.3g} %"
    return f"{height if name == 'score' else 10.0**height:.3g}"


def _to_unit(values: Any, among: Any) -> Floats:
    """Values on the scale on which `among` runs from 0 to 1, or stands at 1/2 where all are equal."""
    low, width = float(np.min(among)), float(np.ptp(among))
    return (np.asarray(values, dtype=np.float64) - low) / width if width > 0.0 else np.full(len(values), 0.5)


def plot_parameters(trials: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """Parallel coordinates of the scored trials, darker with the score, the best as a thick line.

    Raises InvalidInputError where no trial was scored.
    """
    from matplotlib.collections import LineCollection
    from matplotlib.colors import LinearSegmentedColormap

    found = parallel_axes(trials)
    ax = _axes(ax, (8.0, max(3.6, 0.8 + 0.24 * len(found.ticks[0]))))
    places = np.arange(len(found.names))
    order = np.argsort(found.scores, kind="stable")
    lines = np.stack([np.broadcast_to(places, found.heights.shape), found.heights], axis=2)
    colors = LinearSegmentedColormap.from_list("score", ["#E8E8E8", "#9CCBE8", "#4A8DB7"])
    shades = colors(_to_unit(np.arange(len(order)), np.arange(len(order))))
    ax.add_collection(LineCollection(list(lines[order]), colors=shades, linewidths=0.9))
    ax.plot(places, found.heights[found.best], color=OKABE_ITO[5], linewidth=2.6, marker="o", zorder=4)
    for place, marks in enumerate(found.ticks):
        ax.axvline(place, color=OTHER, linewidth=0.9, zorder=3)
        for word, height in marks.items():
            left = place == 0
            ax.annotate(
                word, (place, height), xytext=(-7 if left else 6, 0), textcoords="offset points", fontsize=8,
                ha="right" if left else "left", va="center", color=OTHER, zorder=5, annotation_clip=False,
                bbox=None if left else {"boxstyle": "square,pad=0.1", "fc": "#FFFFFF", "ec": "none", "alpha": 0.8},
            )  # fmt: skip
    ax.set_xticks(places, list(found.names))
    ax.set_yticks([])
    ax.set_xlim(-0.02, places[-1] + 0.25)
    ax.set_ylim(-0.05, 1.05)
    ax.tick_params(axis="x", length=0)
    ax.spines[:].set_visible(False)
    return ax


def plot_likeness(likeness: Floats, names: Sequence[str], *, ax: Axes | None = None) -> Axes:
    """Heat map of the adjusted Rand index (p, p) between named partitions: 1 the same, 0 as alike as by chance."""
    from matplotlib.colors import LinearSegmentedColormap

    p = len(names)
    ax = _axes(ax, (2.6 + 0.62 * p, 1.6 + 0.5 * p))
    colors = LinearSegmentedColormap.from_list("likeness", ["#F4F4F0", "#9CCBE8", BEST])
    ax.imshow(likeness, cmap=colors, vmin=0.0, vmax=1.0)
    for row, column in np.ndindex(p, p):
        value = likeness[row, column]
        ax.text(
            column, row, f"{value:.2f}", ha="center", va="center", fontsize=8,
            color="#FFFFFF" if value > 0.7 else "#222222",
        )  # fmt: skip
    ax.set_xticks(range(p), list(names), rotation=35, ha="right", rotation_mode="anchor", fontsize=8)
    ax.set_yticks(range(p), list(names), fontsize=8)
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    return ax


# ---- what the drawings share -------------------------------------------------------------------------


def _axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=size, layout="constrained")[1]


def _plain(ax: Axes, axis: Any) -> None:
    ax.grid(axis=axis, color="#EEEEEE")
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)


def _legend(ax: Axes, styles: dict[str, tuple[str, str]], title: str, hollow: str | None = None) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D(
            [], [], linestyle="", marker=marker, color=color,
            markerfacecolor="none" if hollow and name.startswith(hollow) else color, label=name,
        )
        for name, (color, marker) in styles.items()
    ]  # fmt: skip
    ax.legend(handles=handles, title=title, fontsize=8, title_fontsize=8, frameon=False, loc="upper left",
              bbox_to_anchor=(1.0, 1.0), handletextpad=0.3, borderaxespad=0.2)  # fmt: skip


def _haloed(ax: Axes, word: str, place: Floats, size: int) -> None:
    from matplotlib.patheffects import withStroke

    ax.text(
        place[0], place[1], word, fontsize=size, fontweight="bold", ha="center", va="center",
        path_effects=[withStroke(linewidth=3.5, foreground="#FFFFFF")], zorder=5,
    )  # fmt: skip


def _with_note(words: str, note: str) -> str:
    return f"{words}\n{note}" if note else words
