"""Contenders on labelled data: how their order of candidates agrees with the labels, and what they put first.

The target is the candidates' adjusted Rand index with the labels, over the points that are not
noise. A contender gives each candidate a score; it is right as far as the order by its scores
agrees with the target's (Kendall tau), and its regret is the index of the best candidate less that
of the one it puts first. The regret on the pool is the same among all of the some 80 partitions
from which the candidates were chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from corpus.candidates import SCHEMES, choose_rows, pool, taken
from gamac_meta import evaluate, recommend_measure, score_partitions
from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Dataset, Floats, Ints, MeasureTable, PartitionSet
from rankers.metrics import bootstrap_mean, regret_of_first
from rankers.persistence import Model

RANDOM, VIRTUAL, SINGLE = "random measure", "virtual best measure", "best single in hindsight"


@dataclass(frozen=True, eq=False)
class Case:
    """Candidates of one data set, all that contenders may look at, and the target, which they may not."""

    data: Dataset
    candidates: PartitionSet
    table: MeasureTable  # (p, m)
    target: Floats  # (p,)
    model: Model

    def by(self, measure: str) -> Floats:
        """(p,) greater is better, undefined least."""
        return -self.table.ranks()[:, self.table.measures.index(measure)]


# A further contender is one line here
CONTENDERS: Mapping[str, Callable[[Case], Floats]] = {
    "recommender, from X": lambda case: case.by(recommend_measure(case.data.X, model=case.model).best),
    "recommender, candidates given": lambda case: case.by(
        recommend_measure(case.data.X, partitions=case.candidates, model=case.model).best
    ),
    "learned measure": lambda case: score_partitions(case.data.X, case.candidates, model=case.model),
    "silhouette": lambda case: case.by("silhouette"),
    "dbcv": lambda case: case.by("dbcv"),
    "Borda of all measures": lambda case: -case.table.ranks().mean(axis=1),
}
BASELINES = ("silhouette", "dbcv", "Borda of all measures")


@dataclass(frozen=True, eq=False)
class Judged:
    """Kendall tau and regret of each contender, and of each measure, on one data set."""

    taus: dict[str, float]
    regrets: dict[str, float]
    pool_regrets: dict[str, float]
    measure_taus: Floats  # (m,)
    measure_regrets: Floats  # (m,)
    measure_pool_regrets: Floats  # (m,)


def cases(data: Dataset, labels: Ints, seed: int, model: Model, draws: int = 1) -> Iterator[tuple[Case, Case]]:
    """`draws` choices of 15 candidates from one pool, by the schemes in turn, each with the case of the whole
    pool; labels (n,), -1 is noise."""
    found = pool(data, seed)
    known = labels >= 0
    target = np.array([adjusted_rand_score(labels[known], row[known]) for row in found.labels])
    whole = Case(data, found, evaluate(data, found), target, model)
    for draw in range(draws):
        rows = choose_rows(found, SCHEMES[draw % len(SCHEMES)], seed + draw)
        candidates = taken(found, rows)
        yield Case(data, candidates, evaluate(data, candidates), target[rows], model), whole


def judge(case: Case, whole: Case) -> Judged:
    """All contenders and all measures on one case, and on the case of the pool that it was taken from."""
    scores = np.column_stack([score(case) for score in CONTENDERS.values()])
    preference = -case.table.ranks()
    taus, measure_taus = (kendall_tau(values, case.target[:, None])[:, 0] for values in (scores, preference))
    regrets, measure_regrets = (regret_of_first(-values, case.target[:, None])[:, 0] for values in (scores, preference))
    pool_scores = np.column_stack([score(whole) for score in CONTENDERS.values()])
    pool_regrets, measure_pool_regrets = (
        regret_of_first(-values, whole.target[:, None])[:, 0] for values in (pool_scores, -whole.table.ranks())
    )
    return Judged(
        dict(zip(CONTENDERS, taus.tolist(), strict=True))
        | {RANDOM: float(measure_taus.mean()), VIRTUAL: float(measure_taus.max())},
        dict(zip(CONTENDERS, regrets.tolist(), strict=True))
        | {RANDOM: float(measure_regrets.mean()), VIRTUAL: float(measure_regrets.min())},
        dict(zip(CONTENDERS, pool_regrets.tolist(), strict=True))
        | {RANDOM: float(measure_pool_regrets.mean()), VIRTUAL: float(measure_pool_regrets.min())},
        measure_taus,
        measure_regrets,
        measure_pool_regrets,
    )


def mean_of(judged: Sequence[Judged]) -> Judged:
    """Of several cases of one data set."""
    return Judged(
        {name: float(np.mean([each.taus[name] for each in judged])) for name in judged[0].taus},
        {name: float(np.mean([each.regrets[name] for each in judged])) for name in judged[0].regrets},
        {name: float(np.mean([each.pool_regrets[name] for each in judged])) for name in judged[0].pool_regrets},
        np.mean([each.measure_taus for each in judged], axis=0),
        np.mean([each.measure_regrets for each in judged], axis=0),
        np.mean([each.measure_pool_regrets for each in judged], axis=0),
    )


def report(judged: Sequence[Judged], measures: Sequence[str]) -> str:
    """Means over data sets with 95 % bootstrap intervals, and contenders against the rest, paired."""
    every = np.array([each.measure_taus for each in judged])
    best = int(every.mean(axis=0).argmax())
    taus = {name: np.array([each.taus[name] for each in judged]) for name in judged[0].taus}
    regrets = {name: np.array([each.regrets[name] for each in judged]) for name in judged[0].regrets}
    pool_regrets = {name: np.array([each.pool_regrets[name] for each in judged]) for name in judged[0].pool_regrets}
    taus[SINGLE] = every[:, best]
    regrets[SINGLE] = np.array([each.measure_regrets[best] for each in judged])
    pool_regrets[SINGLE] = np.array([each.measure_pool_regrets[best] for each in judged])
    lines = [f"{'':32s}{'tau':24s}{'regret (ARI)':24s}{'regret on the pool':24s}"]
    lines += [
        f"{name:32s}{bootstrap_mean(values)!s:24s}{bootstrap_mean(regrets[name])!s:24s}"
        f"{bootstrap_mean(pool_regrets[name])!s:24s}"
        for name, values in sorted(taus.items(), key=lambda item: -item[1].mean())
    ]
    lines.append(f"best single in hindsight is {measures[best]}; gains in tau, paired by data set:")
    lines += [
        f"  {name} over {other}: {bootstrap_mean(taus[name] - taus[other])}"
        for name in CONTENDERS
        if name not in BASELINES
        for other in ("silhouette", SINGLE)
    ]
    return "\n".join(lines)


def listed(judged: Mapping[str, Judged]) -> str:
    """Tau and regret of every contender on each data set."""
    widths = {name: max(len(name), 10) + 2 for name in next(iter(judged.values())).taus if name != RANDOM}
    lines = [f"{'':30s}" + "".join(f"{name:>{width}s}" for name, width in widths.items())]
    lines += [
        f"{name:30s}"
        + "".join(f"{f'{each.taus[c]:.2f} {each.regrets[c]:.2f}':>{width}s}" for c, width in widths.items())
        for name, each in judged.items()
    ]
    return "\n".join(lines)
