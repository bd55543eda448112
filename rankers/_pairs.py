"""What is known of one measure on one data set: how it orders partitions made from the points alone.

The landmarks exist for any X. Where the user has candidate partitions, what counts is how far a measure
orders them as the learned measure does.
"""

from __future__ import annotations

import numpy as np

from gamac_meta.agreement import kendall_tau
from gamac_meta.measures import MEASURES
from gamac_meta.pairwise import COSTS
from gamac_meta.types import Floats, MeasureTable, PartitionSet
from metafeatures import LANDMARKS
from rankers._partitions import FACT_WORDS, FACTS, partition_facts

# Measures of unlike kinds, to whose orders every other is compared
ANCHORS = (
    "silhouette",
    "calinski_harabasz",
    "davies_bouldin",
    "gd11",
    "c_index",
    "gamma",
    "gaussian_bic",
    "neighbor_purity",
)
_OWN = ("greater_is_better", "cost")
_SHARED = (
    *(f"tau_to_{anchor}" for anchor in ANCHORS),
    "tau_to_borda",
    *(f"tau_to_{fact}" for fact in FACTS),
    *(f"top_{fact}" for fact in FACTS),
    "top_three_log_k",
    "top_borda_rank",
    "top_margin",
    "undefined_share",
)
# of the landmarks or the candidates
_LEARNED = ("tau_to_learned", "top_learned")

_WORDS = {
    "greater_is_better": "whether its greater values are the better ones",
    "cost": "how costly it is to compute",
    "tau_to_borda": "how far its order of {} agrees with the mean rank over all measures",
    "top_three_log_k": "log of the clusters in the three of {} that it likes best",
    "top_borda_rank": "how other measures rank the one of {} that it likes best, 0 is first",
    "top_margin": "how clearly it prefers one of {}",
    "tau_to_learned": "how far its order of {} agrees with the learned measure's",
    "top_learned": "how far the one of {} that it likes best is behind the learned measure's best",
    "undefined_share": "the share of {} on which it is undefined",
    **{f"tau_to_{anchor}": f"how far its order of {{}} agrees with {anchor}'s" for anchor in ANCHORS},
    **{f"tau_to_{fact}": f"how far it prefers a greater {words} among {{}}" for fact, words in FACT_WORDS.items()},
    **{f"top_{fact}": f"the {words} in the one of {{}} that it likes best" for fact, words in FACT_WORDS.items()},
}


def describe_pair_feature(name: str) -> str:
    """A pair feature in words."""
    for prefix, which in (("landmark_", "the landmarks"), ("candidate_", "the candidates")):
        if name.startswith(prefix):
            return _WORDS[name.removeprefix(prefix)].format(which)
    if name.startswith("rank_of_"):
        return f"where it ranks the landmark {name.removeprefix('rank_of_')}, from 0 (first) to 1 (last)"
    return _WORDS[name]


def landmark_pair_names(landmarks: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of `landmark_pairs`."""
    return (*_OWN, *(f"landmark_{name}" for name in _SHARED), *(f"rank_of_{name}" for name in landmarks))


def pair_feature_names(basis: str) -> tuple[str, ...]:
    """Names of the columns of `points_basis` or `candidates_basis`."""
    learned = tuple(f"landmark_{name}" for name in _LEARNED)
    if basis == "candidates":
        return (*learned, *(f"candidate_{name}" for name in _LEARNED))
    return (*landmark_pair_names(LANDMARKS), *learned)


def points_basis(pairs: Floats, landmark_ranks: Floats, landmark_scores: Floats) -> Floats:
    """(m, g) features of each measure from X alone.

    pairs: of `landmark_pairs`. landmark_ranks (l, m), landmark_scores (l,) of the learned measure.
    """
    return np.column_stack([pairs, learned_pairs(landmark_ranks, landmark_scores)])


def candidates_basis(
    landmark_ranks: Floats, landmark_scores: Floats, candidate_ranks: Floats, candidate_scores: Floats
) -> Floats:
    """(m, g) features of each measure where the candidates are known: it is to order them as the learned
    measure does."""
    return np.column_stack(
        [learned_pairs(landmark_ranks, landmark_scores), learned_pairs(candidate_ranks, candidate_scores)]
    )


def learned_pairs(ranks: Floats, scores: Floats) -> Floats:
    """(m, 2) tau of each measure's order with that of the learned measure, and how far the mean score of
    the partitions that it puts first is behind the best.

    ranks (p, m), 1 is best; scores (p,), greater is better.
    """
    taus = kendall_tau(-ranks, scores[:, None])
    return np.column_stack([taus, _mean_of_top(-ranks, scores[:, None]) - scores.max()])


def landmark_pairs(table: MeasureTable, landmarks: PartitionSet) -> Floats:
    """(m, g) features of each measure of the table (l, m) on the landmarks."""
    own = [[float(MEASURES[name].greater_is_better), COSTS.index(MEASURES[name].cost)] for name in table.measures]
    ranks = (table.ranks() - 1.0) / (len(landmarks) - 1.0)
    return np.column_stack([np.array(own), _orders(table, landmarks), ranks.T])


def _orders(table: MeasureTable, partitions: PartitionSet) -> Floats:
    from scipy.stats import rankdata

    preference = -table.ranks()  # (p, m) greater is better, undefined last
    borda = preference.mean(axis=1)
    facts = partition_facts(partitions)
    anchors = np.column_stack([preference[:, table.measures.index(anchor)] for anchor in ANCHORS])
    taus = kendall_tau(preference, np.column_stack([anchors, borda, facts]))
    top = _mean_of_top(preference, facts)
    three = _mean_of_top(np.minimum(preference, -3.0), facts[:, :1])
    borda_rank = (rankdata(-borda) - 1.0) / max(len(borda) - 1, 1)
    top_borda = _mean_of_top(preference, borda_rank[:, None])
    return np.column_stack([taus, top, three, top_borda, _margins(table), np.isnan(table.values).mean(axis=0)])


def _mean_of_top(preference: Floats, facts: Floats) -> Floats:
    """(m, facts) mean over the partitions that a measure puts first, so that ties need no order."""
    first = (preference == preference.max(axis=0)).astype(np.float64)
    return (first.T @ facts) / first.sum(axis=0)[:, None]


def _margins(table: MeasureTable) -> Floats:
    """(m,) lead of the best partition over the second, in units of the spread of all."""
    margins = np.zeros(len(table.measures))
    for column, values in enumerate(table.oriented().T):
        known = np.sort(values[~np.isnan(values)])
        if known.size > 2 and known[-1] > known[0]:
            margins[column] = (known[-1] - known[-2]) / (known[-1] - known[0])
    return margins
