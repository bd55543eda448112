"""Contenders on labelled data: how their order of candidates agrees with the labels, and what they put first.

The target is the candidates' adjusted Rand index with the labels, over the points that are not
noise. A contender gives each candidate a score; it is right as far as the order by its scores
agrees with the target's (Kendall tau), and its regret is the index of the best candidate less that
of the one it puts first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.metrics import adjusted_rand_score

from corpus.candidates import SCHEMES, choose, pool
from gamac_meta import evaluate, recommend_measure
from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Dataset, Floats, Ints, MeasureTable, PartitionSet
from rankers.metrics import bootstrap_mean
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
    "silhouette": lambda case: case.by("silhouette"),
    "Borda of all measures": lambda case: -case.table.ranks().mean(axis=1),
}
BASELINES = ("silhouette", "Borda of all measures")


@dataclass(frozen=True, eq=False)
class Judged:
    """Kendall tau and regret of each contender, and of each measure, on one data set."""

    taus: dict[str, float]
    regrets: dict[str, float]
    measure_taus: Floats  # (m,)
    measure_regrets: Floats  # (m,)


def cases(data: Dataset, labels: Ints, seed: int, model: Model, draws: int = 1) -> Iterator[Case]:
    """`draws` choices of 15 candidates from one pool, by the schemes in turn; labels (n,), -1 is noise."""
    found = pool(data, seed)
    known = labels >= 0
    for draw in range(draws):
        candidates = choose(found, SCHEMES[draw % len(SCHEMES)], seed + draw)
        target = np.array([adjusted_rand_score(labels[known], row[known]) for row in candidates.labels])
        yield Case(data, candidates, evaluate(data, candidates), target, model)


def judge(case: Case) -> Judged:
    """All contenders and all measures on one case."""
    scores = np.column_stack([score(case) for score in CONTENDERS.values()])
    preference = -case.table.ranks()
    taus, measure_taus = (kendall_tau(values, case.target[:, None])[:, 0] for values in (scores, preference))
    regrets, measure_regrets = (_regrets(values, case.target) for values in (scores, preference))
    return Judged(
        dict(zip(CONTENDERS, taus.tolist(), strict=True))
        | {RANDOM: float(measure_taus.mean()), VIRTUAL: float(measure_taus.max())},
        dict(zip(CONTENDERS, regrets.tolist(), strict=True))
        | {RANDOM: float(measure_regrets.mean()), VIRTUAL: float(measure_regrets.min())},
        measure_taus,
        measure_regrets,
    )


def _regrets(scores: Floats, target: Floats) -> Floats:
    """(c,) of the columns of scores (p, c); candidates that tie for first share."""
    first = scores == scores.max(axis=0)
    return np.asarray(target.max() - (target @ first) / first.sum(axis=0))


def mean_of(judged: Sequence[Judged]) -> Judged:
    """Of several cases of one data set."""
    return Judged(
        {name: float(np.mean([each.taus[name] for each in judged])) for name in judged[0].taus},
        {name: float(np.mean([each.regrets[name] for each in judged])) for name in judged[0].regrets},
        np.mean([each.measure_taus for each in judged], axis=0),
        np.mean([each.measure_regrets for each in judged], axis=0),
    )


def report(judged: Sequence[Judged], measures: Sequence[str]) -> str:
    """Means over data sets with 95 % bootstrap intervals, and contenders against the rest, paired."""
    every = np.array([each.measure_taus for each in judged])
    best = int(every.mean(axis=0).argmax())
    taus = {name: np.array([each.taus[name] for each in judged]) for name in judged[0].taus}
    regrets = {name: np.array([each.regrets[name] for each in judged]) for name in judged[0].regrets}
    taus[SINGLE] = every[:, best]
    regrets[SINGLE] = np.array([each.measure_regrets[best] for each in judged])
    lines = [f"{'':32s}{'tau':24s}{'regret (ARI)':24s}"]
    lines += [
        f"{name:32s}{bootstrap_mean(values)!s:24s}{bootstrap_mean(regrets[name])!s:24s}"
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
    columns = [name for name in next(iter(judged.values())).taus if name != RANDOM]
    lines = [f"{'':30s}" + "".join(f"{name:>{len(name) + 2}s}" for name in columns)]
    lines += [
        f"{name:30s}" + "".join(f"{f'{each.taus[c]:.2f} {each.regrets[c]:.2f}':>{len(c) + 2}s}" for c in columns)
        for name, each in judged.items()
    ]
    return "\n".join(lines)
