import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons

from gamac_meta.measures import MEASURES, evaluate
from gamac_meta.types import PartitionSet
from metafeatures import LANDMARKS
from rankers._pairs import (
    candidate_pair_names,
    candidate_pairs,
    describe_pair_feature,
    landmark_pair_names,
    partition_facts,
)


@pytest.fixture(scope="module")
def compared():
    from sklearn.cluster import KMeans

    X, _ = make_blobs(150, centers=4, random_state=1)
    labels = [KMeans(k, n_init=1, random_state=k).fit_predict(X) for k in range(2, 10)]
    candidates = PartitionSet(np.array(labels))
    return X, candidates, evaluate(X, candidates)


def column(name, values):
    return values[:, candidate_pair_names().index(f"candidate_{name}")]


def test_shape_matches_names(compared):
    _X, candidates, table = compared
    assert candidate_pairs(table, candidates).shape == (len(MEASURES), len(candidate_pair_names()))


def test_row_order_of_candidates_is_never_an_input(compared):
    X, candidates, table = compared
    order = np.random.default_rng(0).permutation(len(candidates))
    again = PartitionSet(candidates.labels[order])
    expected = candidate_pairs(table, candidates)
    assert candidate_pairs(evaluate(X, again), again) == pytest.approx(expected, abs=1e-9)


def test_row_order_does_not_matter_when_measures_tie():
    # duplicated columns of values: a measure that ties all partitions puts all of them first
    X, y = make_moons(60, random_state=0)
    labels = np.array([y, 1 - y, np.where(np.arange(60) < 30, 0, 1)])
    candidates = PartitionSet(labels)
    expected = candidate_pairs(evaluate(X, candidates), candidates)
    for order in ([1, 0, 2], [2, 1, 0], [2, 0, 1]):
        again = PartitionSet(labels[order])
        assert candidate_pairs(evaluate(X, again), again) == pytest.approx(expected, abs=1e-9)


def test_an_anchor_agrees_with_itself(compared):
    _X, candidates, table = compared
    row = table.measures.index("silhouette")
    assert column("tau_to_silhouette", candidate_pairs(table, candidates))[row] == pytest.approx(1.0)


def test_the_favorite_is_the_partition_ranked_first(compared):
    _X, candidates, table = compared
    favorite = table.ranks()[:, table.measures.index("silhouette")].argmin()
    facts = partition_facts(candidates)[favorite]
    values = candidate_pairs(table, candidates)[table.measures.index("silhouette")]
    names = candidate_pair_names()
    assert values[names.index("candidate_top_log_k")] == pytest.approx(facts[0])
    assert values[names.index("candidate_top_largest_share")] == pytest.approx(facts[1])


def test_partition_facts_by_hand():
    facts = partition_facts(PartitionSet(np.array([[0, 0, 0, 1, -1], [0, 0, 0, 0, 0]])))
    shares = np.array([0.75, 0.25])
    evenness = -np.sum(shares * np.log(shares)) / np.log(2)
    assert facts[0] == pytest.approx([np.log(2), 0.75, 0.25, 0.2, evenness])
    assert facts[1] == pytest.approx([0.0, 1.0, 1.0, 0.0, 1.0])


def test_every_pair_feature_has_words():
    for name in (*landmark_pair_names(LANDMARKS), *candidate_pair_names()):
        assert len(describe_pair_feature(name)) > 8
