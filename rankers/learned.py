"""The learned measure: scores a partition directly, from what measures, landmarks and its shape say of it.

Three heads share the features. One learned where assessors put the candidates, one how far partitions of a
whole pool agree with the generating labels: their mean is the learned measure. The third learned from the same
pools to put the best partition first, whatever the order of the rest: it chooses among hundreds, where one
measure is best where it errs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.special import expit

from gamac_meta.types import Floats
from rankers._partitions import partition_feature_names

if TYPE_CHECKING:
    import lightgbm

    from rankers.cases import Case

HEADS = ("consensus", "labels", "top")
ORDERING = ("consensus", "labels")  # heads of the learned measure
CHOOSING = ("labels", "top")  # heads of the choice
# partitions of each pool that the labels head learns from
POOL_ROWS = 40
# the head that ranks has scores of any size; so spread, they weigh about as much as the other head's shares
TOP_SPREAD = 2.0


class LearnedScores(NamedTuple):
    """Scores of one case by a learned measure."""

    landmarks: Floats  # (l,)
    pool: Floats  # (P,)
    choice: Floats  # (P,) by the heads that choose


@dataclass(frozen=True, eq=False)
class LearnedMeasure:
    """Scores partitions: about the share of other partitions that people would put behind one."""

    measures: tuple[str, ...]  # (m,)
    feature_names: tuple[str, ...]  # (f,)
    heads: Mapping[str, lightgbm.Booster]  # by name, some of HEADS

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of its rows."""
        return (*partition_feature_names(self.measures), *self.feature_names)

    def score(self, features: Floats, partitions: Floats) -> Floats:
        """(p,) scores, greater is better, from features (f,) and partition features (p, c)."""
        return self._mean(ORDERING, design_rows(features, partitions))

    def choice(self, features: Floats, partitions: Floats) -> Floats:
        """(p,) scores of which the greatest marks the partition to take; without generating labels to learn from,
        those of `score`."""
        return self._mean(CHOOSING if "top" in self.heads else ORDERING, design_rows(features, partitions))

    def _mean(self, names: Sequence[str], rows: Floats) -> Floats:
        present = [name for name in names if name in self.heads]
        scores = {name: np.asarray(self.heads[name].predict(rows, num_threads=1)) for name in present}
        if "top" in scores:
            scores["top"] = expit(scores["top"] / TOP_SPREAD)
        return np.asarray(np.mean(list(scores.values()), axis=0))

    def scores_of(self, case: Case) -> LearnedScores:
        """Scores of a case's landmarks and pool."""
        return LearnedScores(
            self.score(case.features, case.landmark_partitions),
            self.score(case.features, case.pool_partitions),
            self.choice(case.features, case.pool_partitions),
        )


def fit_learned(
    cases: Sequence[Case],
    feature_names: tuple[str, ...],
    measures: tuple[str, ...],
    seed: int,
    heads: Sequence[str] = HEADS,
) -> LearnedMeasure:
    """The named heads; those that learn from generating labels only where some cases have them."""
    from rankers._lightgbm import fit_partitions, fit_top

    columns = (*partition_feature_names(measures), *feature_names)
    lessons = {"consensus": [_of_candidates(case) for case in cases]}
    planted = [
        (case, case.agreement, np.random.default_rng([seed, place]))
        for place, case in enumerate(cases)
        if case.agreement is not None
    ]
    if planted:
        lessons["labels"] = [_of_pool(*parts) for parts in planted]
    fitted = {}
    for name, parts in lessons.items():
        rows, targets = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        fitted[name] = fit_partitions(rows, targets, columns, seed)
    if planted and "top" in heads:
        pools = [design_rows(case.features.astype(np.float32), case.pool_partitions) for case, _, _ in planted]
        fitted["top"] = fit_top(pools, [agreement for _, agreement, _ in planted], columns, seed)
    return LearnedMeasure(measures, feature_names, fitted)


def design_rows(features: Floats, partitions: Floats) -> Floats:
    """(p, c + f) one row per partition."""
    repeated = np.broadcast_to(features, (len(partitions), features.size))
    return np.concatenate([partitions, repeated], axis=1)


def _of_candidates(case: Case) -> tuple[Floats, Floats]:
    """Rows of the candidates and the share of the others that the consensus puts behind each."""
    rows = design_rows(case.features.astype(np.float32), case.pool_partitions[case.chosen])
    return rows, (len(case.consensus) - case.consensus) / (len(case.consensus) - 1.0)


def _of_pool(case: Case, agreement: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rows of some of the pool and the share of the pool that agrees less with the generating labels."""
    from scipy.stats import rankdata

    shares = (rankdata(agreement) - 1.0) / (agreement.size - 1.0)
    taken = rng.permutation(agreement.size)[:POOL_ROWS]
    return design_rows(case.features.astype(np.float32), case.pool_partitions[taken]), shares[taken]
