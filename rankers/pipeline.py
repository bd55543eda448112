"""From cases to everything that advice needs: the learned measure, and the heads that order measures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from gamac_meta.types import Floats, Ints
from rankers.cases import Case, case_pairs, folds, meta_dataset
from rankers.learned import ORDERING, LearnedMeasure, LearnedScores, fit_learned
from rankers.model import BASES
from rankers.trios import find_trios, listed

if TYPE_CHECKING:
    import lightgbm

# Parts of the cases, each scored by a learned measure that was fitted to the others: the order heads must
# learn how far to trust scores of data sets that the learned measure has not seen.
INNER_FOLDS = 4


@dataclass(frozen=True, eq=False)
class Heads:
    """What orders measures on one basis."""

    order: lightgbm.Booster
    agreement: lightgbm.Booster


@dataclass(frozen=True, eq=False)
class Fitted:
    """Everything fitted to some cases."""

    learned: LearnedMeasure
    heads: Mapping[str, Heads]  # by basis
    trios: Ints  # (t, 3) measures

    def predict(self, case: Case) -> Predicted:
        """What it says of a case."""
        from rankers._lightgbm import design_matrix

        scores = self.learned.scores_of(case)
        order, agreement = {}, {}
        for basis, heads in self.heads.items():
            rows = design_matrix(case.features[None, :], case_pairs(case, scores, basis)[None, :, :])
            order[basis] = np.asarray(heads.order.predict(rows, num_threads=1))
            agreement[basis] = np.asarray(heads.agreement.predict(rows, num_threads=1))
        return Predicted(scores, order, agreement, self.trios)


@dataclass(frozen=True, eq=False)
class Predicted:
    """What fitted heads say of one case."""

    learned: LearnedScores
    order: Mapping[str, Floats]  # basis -> (m,) scores of the order head
    agreement: Mapping[str, Floats]  # basis -> (m,) of the agreement head
    trios: Ints  # (t, 3) measures

    def listed(self, basis: str) -> Ints:
        """(m,) measures as they are advised, best first."""
        return listed(self.order[basis], self.trios)


def fit(cases: Sequence[Case], feature_names: tuple[str, ...], measures: tuple[str, ...], seed: int) -> Fitted:
    """Fit everything to the cases. One thread, so that the trees do not depend on the machine's core count."""
    from rankers._lightgbm import fit_agreement, fit_order

    scores = cross_scores(cases, feature_names, measures, seed)
    heads = {}
    for basis in BASES:
        meta = meta_dataset(cases, scores, basis, feature_names, measures)
        heads[basis] = Heads(fit_order(meta, seed, 1), fit_agreement(meta, seed, 1))
    trios = find_trios(np.stack([case.relevance for case in cases]))
    return Fitted(fit_learned(cases, feature_names, measures, seed), heads, trios)


def cross_scores(
    cases: Sequence[Case], feature_names: tuple[str, ...], measures: tuple[str, ...], seed: int
) -> list[LearnedScores]:
    """Scores of every case by a learned measure that saw nothing of its group."""
    fold = folds([case.group for case in cases], INNER_FOLDS)
    found: dict[int, LearnedScores] = {}
    for part in range(int(fold.max()) + 1):
        learned = fit_learned(
            [case for case, out in zip(cases, fold == part, strict=True) if not out],
            feature_names,
            measures,
            seed,
            ORDERING,
        )
        found |= {int(place): learned.scores_of(cases[int(place)]) for place in np.flatnonzero(fold == part)}
    return [found[place] for place in range(len(cases))]
