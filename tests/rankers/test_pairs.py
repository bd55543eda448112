import numpy as np
import pytest
from sklearn.datasets import make_blobs, make_moons

from gamac_meta.measures import MEASURES, evaluate
from gamac_meta.types import PartitionSet
from metafeatures import LANDMARKS
from rankers._pairs import (
    describe_pair_feature,
    landmark_pair_names,
    landmark_pairs,
    learned_pairs,
    pair_feature_names,
)
from rankers._partitions import partition_facts
from rankers.model import BASES


@pytest.fixture(scope="module")
def compared():
    from sklearn.cluster import KMeans

    X, _ = make_blobs(150, centers=4, random_state=1)
    labels = [KMeans(k, n_init=1, random_state=k).fit_predict(X) for k in range(2, 10)]
    candidates = PartitionSet(np.array(labels))
    return X, candidates, evaluate(X, candidates)


def names_of(landmarks):
    return landmark_pair_names(tuple(map(str, range(len(landmarks)))))


def test_shape_matches_names(compared):
    _X, candidates, table = compared
    assert landmark_pairs(table, candidates).shape == (len(MEASURES), len(names_of(candidates)))


def test_row_order_does_not_matter_when_measures_tie():
    # duplicated columns of values: a measure that ties all partitions puts all of them first
    X, y = make_moons(60, random_state=0)
    labels = np.array([y, 1 - y, np.where(np.arange(60) < 30, 0, 1)])
    landmarks = PartitionSet(labels)
    expected = landmark_pairs(evaluate(X, landmarks), landmarks)[:, : -len(labels)]
    for order in ([1, 0, 2], [2, 1, 0], [2, 0, 1]):
        again = PartitionSet(labels[order])
        assert landmark_pairs(evaluate(X, again), again)[:, : -len(labels)] == pytest.approx(expected, abs=1e-9)


def test_an_anchor_agrees_with_itself(compared):
    _X, candidates, table = compared
    column = names_of(candidates).index("landmark_tau_to_silhouette")
    assert landmark_pairs(table, candidates)[table.measures.index("silhouette"), column] == pytest.approx(1.0)


def test_agreement_with_the_learned_measure_by_hand():
    ranks = np.array([[1.0, 3.0, 1.5], [2.0, 2.0, 1.5], [3.0, 1.0, 3.0]])
    pairs = learned_pairs(ranks, np.array([0.9, 0.5, 0.4]))
    assert pairs[:, 0] == pytest.approx([1.0, -1.0, 2.0 / np.sqrt(6.0)])
    # what they put first is worth .9, .4 and, tied, the mean of .9 and .5
    assert pairs[:, 1] == pytest.approx([0.0, -0.5, -0.2])


def test_order_of_partitions_is_no_input_of_agreement_with_the_learned_measure(compared):
    _X, _candidates, table = compared
    rng = np.random.default_rng(0)
    scores, order = rng.normal(size=len(table)), rng.permutation(len(table))
    expected = learned_pairs(table.ranks(), scores)
    assert learned_pairs(table.ranks()[order], scores[order]) == pytest.approx(expected)


def test_the_favorite_is_the_partition_ranked_first(compared):
    _X, candidates, table = compared
    favorite = table.ranks()[:, table.measures.index("silhouette")].argmin()
    facts = partition_facts(candidates)[favorite]
    values = landmark_pairs(table, candidates)[table.measures.index("silhouette")]
    names = names_of(candidates)
    assert values[names.index("landmark_top_log_k")] == pytest.approx(facts[0])
    assert values[names.index("landmark_top_largest_share")] == pytest.approx(facts[1])


def test_partition_facts_by_hand():
    facts = partition_facts(PartitionSet(np.array([[0, 0, 0, 1, -1], [0, 0, 0, 0, 0]])))
    shares = np.array([0.75, 0.25])
    evenness = -np.sum(shares * np.log(shares)) / np.log(2)
    assert facts[0] == pytest.approx([np.log(2), 0.75, 0.25, 0.2, evenness])
    assert facts[1] == pytest.approx([0.0, 1.0, 1.0, 0.0, 1.0])


def test_every_pair_feature_has_words():
    assert set(landmark_pair_names(LANDMARKS)) < set(pair_feature_names("points"))
    for name in {name for basis in BASES for name in pair_feature_names(basis)}:
        assert len(describe_pair_feature(name)) > 8
