"""Out-of-sample figures of the recommender, beside its baselines and its noise control.

Each generator group is left out in turn; nothing fitted sees it: not the rankers, not the choice
of the best single measure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.executor import run
from gamac_meta.types import Floats, Ints, MetaDataset
from rankers.metrics import Interval, bootstrap_mean, chosen_agreement, regret
from rankers.model import Calibration

if TYPE_CHECKING:
    import pandas as pd

BASELINES = {
    "random": "random measure",
    "best_single": "best single measure",
    "silhouette": "silhouette",
    "borda": "Borda of all measures",
    "virtual_best": "virtual best measure",
    "assessors": "one assessor with the others",
    "shuffled": "shuffled targets",
}
METHODS = ("recommender", *BASELINES)


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What heads trained without a data set's group predict for it."""

    scores: Floats  # (q, m) of the order head
    agreement: Floats  # (q, m) of the agreement head


@dataclass(frozen=True, eq=False)
class Validation:
    """Kendall tau with the consensus, per data set, of the recommender and of what it is compared with."""

    taus: Mapping[str, Floats]  # method -> (q,)
    regrets: Mapping[str, Floats]  # method -> (q,)
    groups: tuple[str, ...]  # (q,)
    best_single: str  # the measure chosen in most folds
    group_coverage: Mapping[str, float]  # of the calibrated 90 % interval of the recommended measure
    calibration: Calibration

    @property
    def coverage(self) -> float:
        """Share of data sets whose recommended measure is inside its interval."""
        return float(np.mean([self.group_coverage[group] for group in self.groups]))

    def overall(self) -> dict[str, Interval]:
        """Mean and 95 % bootstrap interval over data sets, by method."""
        return {method: bootstrap_mean(values) for method, values in self.taus.items()}

    def to_frame(self) -> pd.DataFrame:
        """Mean tau by generator group (rows) and method (columns), and over all data sets."""
        import pandas as pd

        frame = pd.DataFrame(dict(self.taus))
        frame.insert(0, "group", list(self.groups))
        table = frame.groupby("group").mean()
        table.insert(0, "n", frame.groupby("group").size())
        table.loc["ALL"] = [len(frame), *frame.drop(columns="group").mean()]
        return table.astype({"n": int})

    def report(self, kind: str) -> str:
        """The tables as text; kind says whose orders the consensus is made of."""
        lines = [
            f"Mean Kendall tau with the consensus of {kind} assessors, each generator group left out in turn",
            self.to_frame().to_string(float_format="%.3f"),
            "",
            f"{'':29s} tau, mean [95 % bootstrap interval]   top-1 regret",
        ]
        for method, interval in self.overall().items():
            behind = f"{self.regrets[method].mean():.3f}" if method in self.regrets else "-"
            lines.append(f"{BASELINES.get(method, method):29s} {interval!s:>36s}   {behind:>12s}")
        lines += [
            f"best single measure in most folds: {self.best_single}",
            f"coverage of the recommended measure's 90 % interval: {self.coverage:.3f}, "
            f"in the worst group {min(self.group_coverage.values()):.3f}",
        ]
        return "\n".join(lines)


def leave_group_out(meta: MetaDataset, *, seed: int = 0, n_jobs: int = 1, progress: bool = False) -> HeldOut:
    """Predictions for every data set by heads that saw nothing of its generator group."""
    groups = np.array(meta.groups)
    names = sorted(set(meta.groups))
    scores, agreement = np.empty_like(meta.relevance), np.empty_like(meta.relevance)
    tasks = [(meta, groups == name, seed) for name in names]
    for _, (held, fold_scores, fold_agreement) in run(
        _fold, tasks, n_jobs=n_jobs, progress="leaving groups out" if progress else None
    ):
        scores[held], agreement[held] = fold_scores, fold_agreement
    return HeldOut(scores, agreement)


def _fold(task: tuple[MetaDataset, Any, int]) -> tuple[Ints, Floats, Floats]:
    from rankers._lightgbm import design_matrix, fit_agreement, fit_order

    meta, held, seed = task
    train = subset(meta, np.flatnonzero(~held))
    rows = design_matrix(meta.features[held], meta.pair_features[held])
    shape = (int(held.sum()), len(meta.measures))
    order, agreement = (fit(train, seed, 1) for fit in (fit_order, fit_agreement))
    return (
        np.flatnonzero(held),
        np.asarray(order.predict(rows, num_threads=1)).reshape(shape),
        np.asarray(agreement.predict(rows, num_threads=1)).reshape(shape),
    )


def subset(meta: MetaDataset, rows: Ints) -> MetaDataset:
    """The data sets at the given positions."""

    def pick(values: Sequence[str]) -> tuple[str, ...]:
        return tuple(values[row] for row in rows)

    return replace(
        meta,
        features=meta.features[rows],
        pair_features=meta.pair_features[rows],
        relevance=meta.relevance[rows],
        datasets=pick(meta.datasets),
        families=pick(meta.families),
        groups=pick(meta.groups),
    )


def shuffled(meta: MetaDataset, seed: int) -> MetaDataset:
    """The noise control: on each data set the targets are dealt to the measures at random, so that
    there is nothing to learn about measures."""
    rng = np.random.default_rng(seed)
    return replace(meta, relevance=rng.permuted(meta.relevance, axis=1))


def validate(
    meta: MetaDataset,
    borda: Floats,
    assessors: Floats,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Validation:
    """Leave-generator-group-out figures.

    borda, assessors (q,): tau with the consensus of the Borda order over all measures, and of one
    assessor with the consensus of the others.
    """
    held_out = leave_group_out(meta, seed=seed, n_jobs=n_jobs, progress=progress)
    control = leave_group_out(shuffled(meta, seed), seed=seed, n_jobs=n_jobs, progress=progress)
    relevance = meta.relevance
    single = _best_single(meta)
    silhouette = np.zeros_like(relevance)
    silhouette[:, meta.measures.index("silhouette")] = 1.0
    scores = {
        "recommender": held_out.scores,
        "random": np.zeros_like(relevance),
        "best_single": np.eye(len(meta.measures))[single],
        "silhouette": silhouette,
        "virtual_best": relevance,
        "shuffled": control.scores,
    }
    taus = {method: chosen_agreement(relevance, values) for method, values in scores.items()}
    calibration, coverage = _calibrate(meta, held_out)
    taus |= {"borda": borda, "assessors": assessors}
    # where a data set has one order only, there are no others to compare it with
    taus = {method: taus[method] for method in METHODS if not np.isnan(taus[method]).any()}
    names, counts = np.unique(single, return_counts=True)
    return Validation(
        taus,
        {method: regret(relevance, values) for method, values in scores.items()},
        meta.groups,
        meta.measures[int(names[counts.argmax()])],
        coverage,
        calibration,
    )


def _best_single(meta: MetaDataset) -> Ints:
    """(q,) the measure that is best on average over the other groups."""
    groups = np.array(meta.groups)
    best = np.empty(len(groups), dtype=np.int64)
    for name in set(meta.groups):
        best[groups == name] = meta.relevance[groups != name].mean(axis=0).argmax()
    return best


def _calibrate(meta: MetaDataset, held_out: HeldOut) -> tuple[Calibration, dict[str, float]]:
    """A calibration from all held-out predictions, and the coverage that calibrations fitted without
    a group reach on it."""
    order = np.argsort(-held_out.scores, axis=1, kind="stable")
    predicted = np.take_along_axis(held_out.agreement, order, axis=1)
    truth = np.take_along_axis(meta.relevance, order, axis=1)
    groups = np.array(meta.groups)
    coverage = {}
    for name in sorted(set(meta.groups)):
        held = groups == name
        fold = Calibration.fit(predicted[~held], truth[~held])
        inside = []
        for guess, true in zip(predicted[held], truth[held], strict=True):
            _, low, high = fold.apply(guess)
            inside.append(low[0] <= true[0] <= high[0])
        coverage[name] = float(np.mean(inside))
    return Calibration.fit(predicted, truth), coverage
