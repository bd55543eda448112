"""What rankers learn from: one case per data set, with everything known of it and what people think."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Floats, Ints, MetaDataset
from rankers._pairs import candidates_basis, pair_feature_names, points_basis
from rankers.learned import LearnedScores


@dataclass(frozen=True, eq=False)
class Case:
    """One data set: l landmarks, a pool of P partitions, p of them ordered by assessors, m measures."""

    features: Floats  # (f,)
    landmark_pairs: Floats  # (m, g)
    landmark_ranks: Floats  # (l, m) by each measure, 1 is best
    landmark_partitions: Floats  # (l, c) features of partitions
    pool_partitions: Floats  # (P, c)
    candidate_ranks: Floats  # (p, m) by each measure
    chosen: Ints  # (p,) rows of the pool that are the candidates
    consensus: Floats  # (p,) ranks, 1 is best
    agreement: Floats | None  # (P,) of the pool with the generating labels; None where nothing is planted
    dataset: str  # fingerprint
    family: str
    group: str
    base: str
    people: Floats | None = None  # (p,) ranks by people alone; None where none ordered the candidates
    people_share: float = 0.0  # of people in the consensus, from 0 to 1

    @property
    def relevance(self) -> Floats:
        """(m,) Kendall tau of each measure's order with the consensus."""
        return kendall_tau(self.candidate_ranks, self.consensus[:, None])[:, 0]


def shuffled(cases: Sequence[Case], seed: int) -> list[Case]:
    """The noise control: on each data set the targets are dealt to the partitions at random, so that there
    is nothing to learn."""
    rng = np.random.default_rng(seed)
    return [
        replace(
            case,
            consensus=rng.permutation(case.consensus),
            agreement=None if case.agreement is None else rng.permutation(case.agreement),
            people=None if case.people is None else rng.permutation(case.people),
        )
        for case in cases
    ]


def meta_dataset(
    cases: Sequence[Case],
    scores: Sequence[LearnedScores],
    basis: str,
    feature_names: tuple[str, ...],
    measures: tuple[str, ...],
) -> MetaDataset:
    """The queries and items of the order and agreement heads.

    scores: of a learned measure that has not seen the case, one per case.
    """
    return MetaDataset(
        np.stack([case.features for case in cases]),
        np.stack([case_pairs(case, seen, basis) for case, seen in zip(cases, scores, strict=True)]),
        np.stack([case.relevance for case in cases]),
        tuple(case.dataset for case in cases),
        tuple(case.family for case in cases),
        tuple(case.group for case in cases),
        feature_names,
        pair_feature_names(basis),
        measures,
    )


def case_pairs(case: Case, scores: LearnedScores, basis: str) -> Floats:
    """(m, g) pair features of a case on a basis."""
    if basis == "points":
        return points_basis(case.landmark_pairs, case.landmark_ranks, scores.landmarks)
    return candidates_basis(case.landmark_ranks, scores.landmarks, case.candidate_ranks, scores.pool[case.chosen])


def folds(names: Sequence[str], count: int) -> Ints:
    """(q,) fold of each case: cases of one name are never parted, and folds are about equally large.

    names: (q,) groups, or base data sets. There are never more folds than names.
    """
    kinds, sizes = np.unique(np.array(names), return_counts=True)
    filled = np.zeros(min(count, kinds.size), dtype=np.int64)
    fold_of: dict[str, int] = {}
    for place in np.argsort(-sizes, kind="stable"):
        fold = int(filled.argmin())
        filled[fold] += sizes[place]
        fold_of[str(kinds[place])] = fold
    return np.array([fold_of[name] for name in names])
