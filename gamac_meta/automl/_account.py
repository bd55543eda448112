"""What a search found: the record that is shown of it, and its answer in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gamac_meta.cluster_plots import NO_PARTITION
from gamac_meta.clusters import describe_clusters
from gamac_meta.types import NOISE, Floats, Labels
from rankers.structure import UNKNOWN, Structure

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

CLOSE = 0.1  # of the way from the median score to the best: a runner-up within it is as good an answer
SUMMARY_LINES = 10
PREPROCESSING = {"none": "", "standard": " on standardized columns", "pca": " after PCA", "umap": " after UMAP"}


class RunnerUp(NamedTuple):
    """Another answer that differs from the best."""

    labels: Labels  # (n,)
    trial: pd.Series[Any]  # its row of the trials
    likeness: float  # adjusted Rand index with the best


@dataclass(frozen=True, eq=False)
class Report:
    """All that is shown of a search."""

    name: str  # of the table
    X: Floats  # (n, d) as given, in its units
    columns: tuple[str, ...]  # (d,)
    space: Floats  # (n, e) as partitions were judged: scaled, constant columns left out
    labels: Labels  # (n,) of the best, 0..k-1, -1 is noise
    filled_noise: npt.NDArray[np.bool_]  # (n,) points that were noise and were given to the nearest cluster
    scored_by: str  # in words
    recommendation: str  # the measure recommended for X, its predicted agreement and interval, in words
    trials: pd.DataFrame
    best: pd.Series[Any]  # its row of the trials
    runners_up: tuple[RunnerUp, ...]  # by score
    notices: tuple[str, ...]
    budget: float | None  # seconds
    spent: float  # seconds
    versions: Mapping[str, str]
    code: str  # that repeats the search
    structure: Structure = UNKNOWN  # how sure it is that there are clusters at all

    @property
    def n_clusters(self) -> int:
        return int(self.labels.max(initial=NOISE)) + 1

    @property
    def shown_labels(self) -> Labels:
        """(n,) labels of the pictures: what was noise is noise again."""
        return np.where(self.filled_noise, NOISE, self.labels).astype(np.int32)


# ---- in words --------------------------------------------------------------------------------------


def headline(facts: Report) -> str:
    """The answer in one line."""
    n, k = len(facts.labels), facts.n_clusters
    if k < 2:
        return f"No clusters found in {n} points"
    return f"{k} clusters found by {facts.best['algorithm']} in {n} points"


def configuration(trial: Any) -> str:
    """Algorithm, parameters and preprocessing of a trial."""
    settings = ", ".join(
        f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in trial["parameters"].items()
        if value is not None
    )
    return f"{trial['algorithm']}({settings}){PREPROCESSING[trial['preprocessing']]}"


def confidence(facts: Report) -> str:
    """How far the next different answer is behind."""
    if not facts.runners_up:
        return "No other answer that differs was kept."
    second = facts.runners_up[0]
    behind = facts.best["score"] - second.trial["score"]
    lead = facts.best["score"] - facts.trials["score"].median()
    verdict = "A close call, look at both: the" if behind <= CLOSE * lead else "The"
    # more, where a search does not take the greatest score alone for its answer
    distance = f"{abs(behind):.2g} {'less' if behind >= 0.0 else 'more'}"
    return (
        f"{verdict} best different answer, {clusters_of(second.trial)} by {second.trial['algorithm']}, scores "
        f"{second.trial['score']:.4g}, which is {distance} (the median trial: {lead:.2g} less)."
    )


def effort(facts: Report) -> str:
    """Trials, how they ended, and time."""
    states = facts.trials["state"]
    counts = {
        "scored": int((states == "ok").sum()),
        "repeated": int((states == "same").sum()),
        "without a partition": int(states.isin(NO_PARTITION).sum()),
    }
    ended = ", ".join(f"{count} {words}" for words, count in counts.items() if count)
    limit = "" if facts.budget is None else f" of {facts.budget:g}"
    return f"{len(states)} trials ({ended}) in {facts.spent:.1f}{limit} seconds"


def summary_text(facts: Report, width: int) -> str:
    """The answer in at most ten lines of at most `width` characters."""
    lines = [
        f"score {facts.best['score']:.4g} by {facts.scored_by}: {configuration(facts.best)}",
        confidence(facts),
        f"recommended for this table: {facts.recommendation}",
        effort(facts),
    ]
    warning = [facts.structure.notice] if facts.structure.is_missing else []
    if not warning and not np.isnan(facts.structure.probability):
        lines.insert(0, f"clusters at all: {facts.structure.probability:.0%} sure")
    others = [notice for notice in facts.notices if notice not in warning]
    if others:
        more = len(others) - 1
        lines.append(f"note{f' (and {more} more)' * bool(more)}: {others[0]}")
    found = describe_clusters(facts.X, facts.labels, facts.columns)
    clusters = [_in_a_line(label, row) for label, row in found.iterrows()]
    if len(clusters) > SUMMARY_LINES - 1 - len(warning) - len(lines):
        clusters = ["sizes: " + ", ".join(str(size) for size in sorted(found["size"], reverse=True))]
    # a name may hold line breaks
    lines = [" ".join(line.split()) for line in [*warning, headline(facts), *clusters, *lines]]
    return "\n".join(_cut(line, width) for line in lines)


def clusters_of(trial: Any) -> str:
    """How many clusters a trial found, in words."""
    count = int(trial["n_clusters"])
    return f"{count} cluster{'s' * (count != 1)}"


def name_of(label: Any) -> str:
    """A cluster's number, or noise."""
    return "noise" if label == NOISE else str(label)


def _in_a_line(label: Any, cluster: Any) -> str:
    name = name_of(label) if label == NOISE else f"cluster {label}"
    size = f"{cluster['size']} point{'s' * (cluster['size'] != 1)} ({cluster['share']:.0%})"
    return ", ".join(part for part in (f"{name}: {size}", cluster["features"]) if part)


def _cut(line: str, width: int) -> str:
    return line if len(line) <= width else f"{line[: width - 1]}\N{HORIZONTAL ELLIPSIS}"
