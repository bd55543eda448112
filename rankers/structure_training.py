"""Learns and judges what tells structure from none.

The probability is calibrated on data sets of generator groups that were left out, and so is the bar below which no
structure is claimed: the one under which LOST of the data sets with structure fall. It is meant for data of which every
other one has clusters, in the plane as in more dimensions, with few points as with many.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from gamac_meta.types import Floats, Ints
from rankers.structure import LOST, StructureHead, squashed
from rankers.structure_examples import Example, corpus_examples, drawn_examples
from rankers.validation import Lesson

DRAWN_SHARE = 3  # one data set without structure is drawn for so many of the corpus
FEWEST = 60  # of them, below which nothing is learned
PENALTY = 0.03  # inverse strength of the ridge; .01 and .1 do as well
# how large data are says nothing of their structure, and users' are larger than any learned from
COUNTS = ("points_log", "columns_log", "columns_to_points_log")
MANY_POINTS = 200
BINS = (0.05, 0.2, 0.5, 0.8, 0.95)  # of probabilities, for the figures

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Examples:
    """What is learned from, as arrays."""

    features: Floats  # (q, f)
    structured: Bools  # (q,)
    group: Ints  # (q,) by number
    kind: Ints  # (q,) in the plane or not, few points or many
    feature_names: tuple[str, ...]  # (f,)

    @classmethod
    def of(cls, examples: Sequence[Example], feature_names: tuple[str, ...]) -> Examples:
        """From single ones."""
        features = np.stack([example.features for example in examples])
        points, columns = (np.exp(features[:, feature_names.index(name)]) for name in COUNTS[:2])
        return cls(
            features,
            np.array([example.structured for example in examples]),
            np.unique([example.group for example in examples], return_inverse=True)[1],
            2 * (np.round(columns) > 2) + (np.round(points) >= MANY_POINTS),
            feature_names,
        )

    def only(self, rows: Any) -> Examples:
        """These of them."""
        return replace(
            self,
            features=self.features[rows],
            structured=self.structured[rows],
            group=self.group[rows],
            kind=self.kind[rows],
        )

    @property
    def weight(self) -> Floats:
        """(q,) such that of each kind, those with structure weigh as much as those without: a number of points or of
        columns must not be a sign of structure."""
        weight = np.ones(len(self.kind))
        for kind in np.unique(self.kind):
            for structured in (False, True):
                rows = (self.kind == kind) & (self.structured == structured)
                weight[rows] = np.sum(self.kind == kind) / (2.0 * max(1, np.sum(rows)))
        return weight


@dataclass(frozen=True, eq=False)
class HeldOutStructure:
    """What was said of every example by a head, its calibration and its bar that saw nothing of its group."""

    examples: tuple[Example, ...]  # (q,)
    structured: Bools  # (q,)
    weight: Floats  # (q,)
    probability: Floats  # (q,)
    called: Bools  # (q,) of whom no structure was claimed

    def rate(self, rows: Bools) -> float:
        """Weighted share of these of which no structure was claimed; NaN of none."""
        return float(np.average(self.called[rows], weights=self.weight[rows])) if rows.any() else float("nan")

    def figures(self) -> dict[str, Any]:
        """What the card says."""
        groups = np.array([example.group for example in self.examples])
        by_group = {
            what: {str(name): round(self.rate(of & (groups == name)), 4) for name in np.unique(groups[of])}
            for what, of in (("lost", self.structured), ("found", ~self.structured))
        }
        return {
            "what": "said by what saw nothing of a generator group; of data sets in the plane and in more dimensions, "
            f"with at least {MANY_POINTS} points and with fewer, each half with structure and half without; lost: "
            "share of those with structure that are said to have none, found: of those without",
            "structured": int(self.structured.sum()),
            "structureless": int((~self.structured).sum()),
            "auc": round(auc(self.structured, self.probability, self.weight), 4),
            "brier": round(float(np.average((self.probability - self.structured) ** 2, weights=self.weight)), 4),
            "lost": round(self.rate(self.structured), 4),
            "found": round(self.rate(~self.structured), 4),
            "lost_by_group": by_group["lost"],
            "found_by_group": by_group["found"],
            # [mean probability, share with structure] of each part of the scale
            "calibration": [[round(x, 4) for x in pair] for pair in self.calibration],
        }

    @property
    def calibration(self) -> list[tuple[float, float]]:
        """Mean probability and weighted share with structure, by parts of the scale of probabilities."""
        part = np.searchsorted(BINS, self.probability, side="right")
        return [
            (
                float(np.average(self.probability[part == place], weights=self.weight[part == place])),
                float(np.average(self.structured[part == place], weights=self.weight[part == place])),
            )
            for place in np.unique(part)
        ]

    def report(self) -> str:
        """The figures in a line."""
        said = self.figures()
        return (
            f"Structure or none, of {said['structured']} data sets with and {said['structureless']} without: area "
            f"under the curve {said['auc']:.3f}; of {said['lost']:.1%} of the former and {said['found']:.1%} of the "
            "latter none is claimed."
        )


def auc(structured: Bools, score: Floats, weight: Floats) -> float:
    """Chance that an example with structure scores higher than one without."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(structured, score, sample_weight=weight))


def structure_examples(
    directory: Path, lesson: Lesson, *, n_jobs: int = 1, progress: bool = False
) -> list[Example] | None:
    """Those of the corpus in the directory and those drawn for it; None where the corpus is small."""
    count = len(lesson.cases) // DRAWN_SHARE
    if count < FEWEST:
        return None
    drawn = drawn_examples(directory, count, lesson.feature_names, lesson.measures, n_jobs=n_jobs, progress=progress)
    return [*corpus_examples(lesson.cases), *drawn]


def learn_structure(
    examples: Sequence[Example], feature_names: tuple[str, ...]
) -> tuple[StructureHead, HeldOutStructure]:
    """The head fitted to all examples and calibrated on what was said of each group left out."""
    table = Examples.of(examples, feature_names)
    log_odds = leave_groups_out(table)
    slope, shift, bar = _calibration(log_odds, table)
    head = fit_head(table)
    head = replace(head, weight=slope * head.weight, intercept=slope * head.intercept + shift, bar=bar)
    probability, called = cross_calibrated(log_odds, table)
    return head, HeldOutStructure(tuple(examples), table.structured, table.weight, probability, called)


def fit_head(table: Examples) -> StructureHead:
    """A head, not calibrated yet and without a bar."""
    from sklearn.linear_model import LogisticRegression

    center = np.median(table.features, axis=0)
    low, high = np.quantile(table.features, [0.1, 0.9], axis=0)
    deviation = table.features.std(axis=0)
    # that of a normal distribution with these quantiles
    spread = np.where(high > low, (high - low) / 2.563, np.where(deviation > 0.0, deviation, 1.0))
    rows = squashed(table.features, center, spread)
    mean, scale = rows.mean(axis=0), rows.std(axis=0)
    is_used = (scale > 0.0) & ~np.isin(table.feature_names, COUNTS)
    model = LogisticRegression(C=PENALTY, max_iter=5000)
    model.fit((rows - mean)[:, is_used] / scale[is_used], table.structured, sample_weight=table.weight)
    weight = np.zeros(len(scale))
    weight[is_used] = model.coef_[0] / scale[is_used]
    intercept = float(model.intercept_[0] - np.sum(weight * mean))
    return StructureHead(table.feature_names, center, spread, weight, intercept, float("nan"))


def leave_groups_out(table: Examples) -> Floats:
    """(q,) log-odds of every example by a head that saw nothing of its group."""
    log_odds = np.empty(len(table.group))
    for group in np.unique(table.group):
        held = table.group == group
        log_odds[held] = fit_head(table.only(~held)).log_odds(table.features[held])
    return log_odds


def cross_calibrated(log_odds: Floats, table: Examples) -> tuple[Floats, Bools]:
    """(q,) probabilities, and whether no structure is claimed, by the calibration and the bar of all other groups."""
    probability, called = np.empty(len(log_odds)), np.empty(len(log_odds), dtype=bool)
    for group in np.unique(table.group):
        held = table.group == group
        slope, shift, bar = _calibration(log_odds[~held], table.only(~held))
        probability[held] = expit(slope * log_odds[held] + shift)
        called[held] = probability[held] < bar
    return probability, called


def _calibration(log_odds: Floats, table: Examples) -> tuple[float, float, float]:
    """Slope and shift of the log-odds (Platt 1999, doi:10.7551/mitpress/1113.003.0008), and the bar."""
    from sklearn.linear_model import LogisticRegression

    weight = table.weight
    model = LogisticRegression(C=np.inf).fit(log_odds[:, None], table.structured, sample_weight=weight)
    slope, shift = float(model.coef_[0, 0]), float(model.intercept_[0])
    said = expit(slope * log_odds + shift)
    return slope, shift, _bar(said[table.structured], weight[table.structured])


def _bar(probability: Floats, weight: Floats) -> float:
    """The greatest of these probabilities under which no more than LOST of the weight lies."""
    order = np.argsort(probability, kind="stable")
    below = np.cumsum(weight[order]) - weight[order]
    return float(probability[order][np.searchsorted(below, LOST * weight.sum(), side="right") - 1])
