"""The learned measure: scores a partition directly, from what measures, landmarks and its shape say of it.

Three heads share the features. One learned where assessors put the candidates, one how far partitions of a
whole pool agree with the generating labels: their mean is the learned measure. The third learned from the same
pools to put the best partition first, whatever the order of the rest: it chooses among hundreds, where one
measure is best where it errs.

Generating labels are what a designer meant, not what people see. Where people ordered the candidates of a data set,
labels give way: by the share that people have in the consensus, the second and third heads learn from the people's
order of the candidates instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    lessons = {"consensus": [_of_candidates(case, case.consensus) for case in cases]}
    planted = any(case.agreement is not None for case in cases)
    if planted:
        lessons["labels"] = [part for place, case in enumerate(cases) for part in _of_labels(case, (seed, place))]
    fitted = {}
    for name, parts in lessons.items():
        rows, worth = (
            np.concatenate(arrays) for arrays in zip(*((part.rows, part.worth) for part in parts), strict=True)
        )
        fitted[name] = fit_partitions(rows, worth, columns, seed, _weights(parts))
    if planted and "top" in heads:
        pools = [part for case in cases for part in _of_pools(case)]
        worths = [part.worth for part in pools]
        fitted["top"] = fit_top([part.rows for part in pools], worths, columns, seed, _weights(pools))
    return LearnedMeasure(measures, feature_names, fitted)


def design_rows(features: Floats, partitions: Floats) -> Floats:
    """(p, c + f) one row per partition."""
    repeated = np.broadcast_to(features, (len(partitions), features.size))
    return np.concatenate([partitions, repeated], axis=1)


class Part(NamedTuple):
    """Partitions of one data set that a head learns from."""

    rows: Floats  # (r, c + f)
    worth: Floats  # (r,) greater is better
    weight: float = 1.0  # of each row


def _weights(parts: Sequence[Part]) -> Floats | None:
    """Of all rows of the parts; None where all are the same."""
    weights = np.repeat([part.weight for part in parts], [len(part.rows) for part in parts])
    return weights if np.ptp(weights) > 0 else None


def _of_candidates(case: Case, ranks: Floats) -> Part:
    """The candidates, and the share of the others that ranks (p,) put behind each."""
    rows = design_rows(case.features.astype(np.float32), case.pool_partitions[case.chosen])
    return Part(rows, (len(ranks) - ranks) / (len(ranks) - 1.0))


def _of_labels(case: Case, seeds: tuple[int, int]) -> Iterator[Part]:
    """For the labels head: some of the pool, as far as labels count, and the candidates, as far as people do."""
    from scipy.stats import rankdata

    if case.agreement is not None and case.people_share < 1:
        size = case.agreement.size
        shares = (rankdata(case.agreement) - 1.0) / (size - 1.0)
        taken = np.random.default_rng(seeds).permutation(size)[:POOL_ROWS]
        rows = design_rows(case.features.astype(np.float32), case.pool_partitions[taken])
        yield Part(rows, shares[taken], 1.0 - case.people_share)
    if case.people is not None:
        # fewer rows than of a pool, and yet the data set counts as much
        scale = POOL_ROWS / len(case.people)
        yield _of_candidates(case, case.people)._replace(weight=case.people_share * scale)


def _of_pools(case: Case) -> Iterator[Part]:
    """For the top head, which counts a data set as one whatever its size: the same, with the whole pool."""
    if case.agreement is not None and case.people_share < 1:
        rows = design_rows(case.features.astype(np.float32), case.pool_partitions)
        yield Part(rows, case.agreement, 1.0 - case.people_share)
    if case.people is not None:
        yield _of_candidates(case, case.people)._replace(weight=case.people_share)
