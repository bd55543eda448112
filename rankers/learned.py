"""The learned measure: scores a partition directly, from what measures, landmarks and its shape say of it.

Two heads share the features and are averaged. One learned where assessors put the candidates; the other
how far partitions of a whole pool agree with the generating labels, so that it is right among hundreds of
partitions too, where one measure is best where it errs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gamac_meta.types import Floats
from rankers._partitions import partition_feature_names

if TYPE_CHECKING:
    import lightgbm

    from rankers.cases import Case

HEADS = ("consensus", "labels")
# partitions of each pool that the labels head learns from
POOL_ROWS = 40


class LearnedScores(NamedTuple):
    """Scores of one case by a learned measure."""

    landmarks: Floats  # (l,)
    pool: Floats  # (P,)


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
        rows = design_rows(features, partitions)
        return np.mean([head.predict(rows, num_threads=1) for head in self.heads.values()], axis=0)

    def scores_of(self, case: Case) -> LearnedScores:
        """Scores of a case's landmarks and pool."""
        return LearnedScores(
            self.score(case.features, case.landmark_partitions), self.score(case.features, case.pool_partitions)
        )


def fit_learned(
    cases: Sequence[Case], feature_names: tuple[str, ...], measures: tuple[str, ...], seed: int
) -> LearnedMeasure:
    """Both heads; the labels head only where some cases have generating labels."""
    from rankers._lightgbm import fit_partitions

    columns = (*partition_feature_names(measures), *feature_names)
    lessons = {"consensus": [_of_candidates(case) for case in cases]}
    planted = [(place, case) for place, case in enumerate(cases) if case.agreement is not None]
    if planted:
        lessons["labels"] = [_of_pool(case, np.random.default_rng([seed, place])) for place, case in planted]
    heads = {}
    for name, parts in lessons.items():
        rows, targets = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        heads[name] = fit_partitions(rows, targets, columns, seed)
    return LearnedMeasure(measures, feature_names, heads)


def design_rows(features: Floats, partitions: Floats) -> Floats:
    """(p, c + f) one row per partition."""
    repeated = np.broadcast_to(features, (len(partitions), features.size))
    return np.concatenate([partitions, repeated], axis=1)


def _of_candidates(case: Case) -> tuple[Floats, Floats]:
    """Rows of the candidates and the share of the others that the consensus puts behind each."""
    rows = design_rows(case.features.astype(np.float32), case.pool_partitions[case.chosen])
    return rows, (len(case.consensus) - case.consensus) / (len(case.consensus) - 1.0)


def _of_pool(case: Case, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Rows of some of the pool and the share of the pool that agrees less with the generating labels."""
    from scipy.stats import rankdata

    if case.agreement is None:
        raise ValueError("a case without generating labels has no such target")
    shares = (rankdata(case.agreement) - 1.0) / (case.agreement.size - 1.0)
    taken = rng.permutation(case.agreement.size)[:POOL_ROWS]
    return design_rows(case.features.astype(np.float32), case.pool_partitions[taken]), shares[taken]
