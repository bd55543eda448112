"""The learned measure: scores a partition directly, from what measures, landmarks and its shape say of it.

Three heads. One learned where assessors put the candidates, one how far partitions of a whole pool agree with the
generating labels: their mean is the learned measure. The third learned from the same pools to put the best partition
first, whatever the order of the rest: it chooses among hundreds, where one measure is best where it errs. It alone
looks at borders and at the values of measures, and does not look at features of the data set, which gain it nothing
(docs/study.md).

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
from rankers._partitions import partition_feature_names, standing_names

if TYPE_CHECKING:
    import lightgbm

    from rankers.cases import Case

HEADS = ("consensus", "labels", "top")
ORDERING = ("consensus", "labels")  # heads of the learned measure
CHOOSING = "top"  # head of the choice
# partitions of each pool that the labels head learns from
POOL_ROWS = 40
# the head that ranks has scores of any size; so spread, they lie between 0 and 1 without crowding at the ends
TOP_SPREAD = 2.0


class LearnedScores(NamedTuple):
    """Scores of one case by a learned measure."""

    landmarks: Floats  # (l,)
    pool: Floats  # (P,)
    choice: Floats  # (P,) by the head that chooses


@dataclass(frozen=True, eq=False)
class LearnedMeasure:
    """Scores partitions: about the share of other partitions that people would put behind one."""

    measures: tuple[str, ...]  # (m,)
    feature_names: tuple[str, ...]  # (f,)
    heads: Mapping[str, lightgbm.Booster]  # by name, some of HEADS

    def columns(self, head: str) -> tuple[str, ...]:
        """What a head looks at."""
        return head_columns(head, self.measures, self.feature_names)

    def score(self, features: Floats, partitions: Floats) -> Floats:
        """(p,) scores, greater is better, from features (f,) and standing (or all) features of partitions (p, c)."""
        return np.asarray(
            np.mean([self._said(head, features, partitions) for head in ORDERING if head in self.heads], axis=0)
        )

    def choice(self, features: Floats, partitions: Floats) -> Floats:
        """(p,) scores between 0 and 1 of which the greatest marks the partition to take; without generating labels
        to learn from, those of `score`."""
        if CHOOSING not in self.heads:
            return self.score(features, partitions)
        return np.asarray(expit(self._said(CHOOSING, features, partitions) / TOP_SPREAD))

    def _said(self, head: str, features: Floats, partitions: Floats) -> Floats:
        rows = head_rows(head, self.measures, features, partitions)
        return np.asarray(self.heads[head].predict(rows, num_threads=1))

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

    lessons = {"consensus": [_of_candidates(case, case.consensus) for case in cases]}
    planted = any(case.agreement is not None for case in cases)
    if planted:
        lessons["labels"] = [part for place, case in enumerate(cases) for part in _of_labels(case, (seed, place))]
    if planted and CHOOSING in heads:
        lessons[CHOOSING] = [part for case in cases for part in _of_pools(case)]
    fitted = {}
    for head, parts in lessons.items():
        rows = [head_rows(head, measures, part.features.astype(np.float32), part.partitions) for part in parts]
        worth, columns = [part.worth for part in parts], head_columns(head, measures, feature_names)
        fitter = fit_top if head == CHOOSING else fit_partitions
        fitted[head] = fitter(rows, worth, columns, seed, _weights(parts))
    return LearnedMeasure(measures, feature_names, fitted)


def head_columns(head: str, measures: tuple[str, ...], feature_names: tuple[str, ...]) -> tuple[str, ...]:
    """Names of what a head looks at."""
    return partition_feature_names(measures) if head == CHOOSING else (*standing_names(measures), *feature_names)


def head_rows(head: str, measures: tuple[str, ...], features: Floats, partitions: Floats) -> Floats:
    """(p, columns) what a head looks at, of features (f,) and partition features (p, c)."""
    if head == CHOOSING:
        return partitions
    repeated = np.broadcast_to(features, (len(partitions), features.size))
    return np.concatenate([partitions[:, : len(standing_names(measures))], repeated], axis=1)


class Part(NamedTuple):
    """Partitions of one data set that a head learns from."""

    features: Floats  # (f,)
    partitions: Floats  # (r, c)
    worth: Floats  # (r,) greater is better
    weight: float = 1.0  # of each row


def _weights(parts: Sequence[Part]) -> Floats | None:
    """Of all rows of the parts; None where all are the same."""
    weights = np.repeat([part.weight for part in parts], [len(part.worth) for part in parts])
    return weights if np.ptp(weights) > 0 else None


def _of_candidates(case: Case, ranks: Floats) -> Part:
    """The candidates, and the share of the others that ranks (p,) put behind each."""
    shares = (len(ranks) - ranks) / (len(ranks) - 1.0)
    return Part(case.features, case.pool_partitions[case.chosen], shares)


def _of_labels(case: Case, seeds: tuple[int, int]) -> Iterator[Part]:
    """For the labels head: some of the pool, as far as labels count, and the candidates, as far as people do."""
    from scipy.stats import rankdata

    if case.agreement is not None and case.people_share < 1:
        size = case.agreement.size
        shares = (rankdata(case.agreement) - 1.0) / (size - 1.0)
        taken = np.random.default_rng(seeds).permutation(size)[:POOL_ROWS]
        yield Part(case.features, case.pool_partitions[taken], shares[taken], 1.0 - case.people_share)
    if case.people is not None:
        # fewer rows than of a pool, and yet the data set counts as much
        scale = POOL_ROWS / len(case.people)
        yield _of_candidates(case, case.people)._replace(weight=case.people_share * scale)


def _of_pools(case: Case) -> Iterator[Part]:
    """For the top head, which counts a data set as one whatever its size: the same, with the whole pool."""
    if case.agreement is not None and case.people_share < 1:
        yield Part(case.features, case.pool_partitions, case.agreement, 1.0 - case.people_share)
    if case.people is not None:
        yield _of_candidates(case, case.people)._replace(weight=case.people_share)
