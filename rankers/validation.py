"""Out-of-sample predictions of the whole pipeline, and the calibration learned from them.

Cases are left out by generator group (or by base data set); nothing fitted sees them: not the learned
measure, not the heads that order measures, not the calibration whose coverage is reported.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gamac_meta.agreement import kendall_tau
from gamac_meta.executor import run
from gamac_meta.types import Floats, Ints
from rankers.cases import Case, folds
from rankers.model import Calibration
from rankers.pipeline import Fitted, Predicted, fit

FOLDS = 5
# what may be left out whole
KINDS = ("group", "base")


@dataclass(frozen=True, eq=False)
class Lesson:
    """Cases, and the names of what they hold."""

    cases: tuple[Case, ...]  # (q,)
    feature_names: tuple[str, ...]  # (f,)
    measures: tuple[str, ...]  # (m,)

    @property
    def relevance(self) -> Floats:
        """(q, m) Kendall tau of each measure's order with the consensus."""
        return np.stack([case.relevance for case in self.cases])


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What was predicted for every case by a pipeline that saw nothing of its group or base data set."""

    predicted: tuple[Predicted, ...]  # (q,)

    def picks(self, basis: str) -> Ints:
        """(q,) the measure put first."""
        return np.array([seen.listed(basis)[0] for seen in self.predicted])

    @property
    def learned(self) -> list[Floats]:
        """(q,) of (P,) scores of each pool by the learned measure."""
        return [seen.learned.pool for seen in self.predicted]


def leave_out(
    lesson: Lesson, *, by: str = "group", seed: int = 0, n_jobs: int = 1, progress: str | None = None
) -> HeldOut:
    """Predictions for every case. Groups (or base data sets) are spread over folds, none is parted."""
    fold = folds([getattr(case, by) for case in lesson.cases], FOLDS)
    tasks = [(lesson, fold == part, seed) for part in range(int(fold.max()) + 1)]
    found: dict[int, Predicted] = {}
    for _, part in run(_fold, tasks, n_jobs=n_jobs, progress=progress):
        found |= part
    return HeldOut(tuple(found[place] for place in range(len(lesson.cases))))


def fit_without(task: tuple[Lesson, Floats, int]) -> Fitted:
    """Everything, fitted to the cases of a lesson but those held out (q,), with a seed."""
    lesson, held, seed = task
    seen = [case for case, out in zip(lesson.cases, held, strict=True) if not out]
    return fit(seen, lesson.feature_names, lesson.measures, seed)


def _fold(task: tuple[Lesson, Floats, int]) -> dict[int, Predicted]:
    lesson, held, _ = task
    fitted = fit_without(task)
    return {int(place): fitted.predict(lesson.cases[place]) for place in np.flatnonzero(held)}


@dataclass(frozen=True, eq=False)
class Calibrated:
    """A calibration from all held-out predictions, and the coverage that calibrations fitted without a
    group reach on it."""

    calibration: Calibration
    group_coverage: Mapping[str, float]  # of the 90 % interval of the measure put first
    coverage: float  # over all cases


def calibrate(lesson: Lesson, held_out: HeldOut, basis: str) -> Calibrated:
    """Fit the calibration of a basis."""
    order = np.stack([seen.listed(basis) for seen in held_out.predicted])
    agreement = np.stack([seen.agreement[basis] for seen in held_out.predicted])
    predicted = np.take_along_axis(agreement, order, axis=1)
    truth = np.take_along_axis(lesson.relevance, order, axis=1)
    groups = np.array([case.group for case in lesson.cases])
    inside = np.zeros(len(groups), dtype=bool)
    for name in np.unique(groups):
        held = groups == name
        fold = Calibration.fit(predicted[~held], truth[~held])
        for place in np.flatnonzero(held):
            _, low, high = fold.apply(predicted[place])
            inside[place] = low[0] <= truth[place, 0] <= high[0]
    return Calibrated(
        Calibration.fit(predicted, truth),
        {str(name): float(inside[groups == name].mean()) for name in np.unique(groups)},
        float(inside.mean()),
    )


def contenders(held_out: HeldOut, suffix: str = "") -> tuple[dict[str, Ints], dict[str, Sequence[Floats]]]:
    """Picks of measures and scores of pools, by the names under which they are reported."""
    picks = {f"{title}{suffix}": held_out.picks(basis) for basis, title in TITLES.items()}
    return picks, {
        f"{LEARNED}{suffix}": held_out.learned,
        f"{CHOICE}{suffix}": [seen.learned.choice for seen in held_out.predicted],
    }


def dealt_agreement(dealt: Lesson, control: HeldOut) -> dict[str, float]:
    """Mean tau of a control with the shuffled consensus that it was trained on elsewhere, by contender: about 0,
    unless held-out targets leak into what is fitted. Orders of measures are compared by the measure put first,
    less the mean over measures."""
    relevance = dealt.relevance
    rows = np.arange(len(relevance))
    found = {
        title: float(np.mean(relevance[rows, control.picks(basis)] - relevance.mean(axis=1)))
        for basis, title in TITLES.items()
    }
    taus = [
        kendall_tau(scores[case.chosen][:, None], -case.consensus[:, None])[0, 0]
        for case, scores in zip(dealt.cases, control.learned, strict=True)
    ]
    return found | {LEARNED: float(np.mean(taus))}


TITLES = {"points": "recommender, from X", "candidates": "recommender, candidates given"}
LEARNED = "learned measure"
CHOICE = "learned choice"
SHUFFLED = ", shuffled targets"
