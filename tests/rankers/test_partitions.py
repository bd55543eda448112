import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from gamac_meta.measures import MEASURES, evaluate
from gamac_meta.types import Dataset, PartitionSet
from metafeatures import LANDMARKS, describe
from rankers._borders import Borders
from rankers._partitions import UNDEFINED, in_sample, partition_feature_names, partition_features, settled

NAMES = partition_feature_names(tuple(MEASURES))


@pytest.fixture(scope="module")
def seen():
    return describe(Dataset(make_blobs(200, centers=4, cluster_std=0.6, random_state=2)[0]))


def features(partitions, seen):
    among = PartitionSet(np.vstack([partitions.labels, seen.landmarks.labels[:1]]))
    values = evaluate(seen.points, among).oriented()[:-1]
    borders = Borders(seen.points.X)
    return partition_features(values, partitions, seen.landmark_table.oriented(), seen.landmarks, borders)


def test_a_landmark_stands_where_it_is_among_the_landmarks(seen):
    found = features(seen.landmarks, seen)
    assert found.shape == (len(LANDMARKS), len(NAMES))
    values = seen.landmark_table.oriented()
    column = seen.landmark_table.measures.index("silhouette")
    mine = values[:, column]
    expected = [
        (np.sum(mine < value - 1e-9) + 0.5 * np.sum(np.abs(mine - value) <= 1e-9)) / mine.size for value in mine
    ]
    assert found[:, NAMES.index("place_silhouette")] == pytest.approx(expected)


def test_likeness_is_the_adjusted_rand_index(seen):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, size=(2, 200))
    found = features(PartitionSet(labels), seen)
    row = LANDMARKS.index("ward_3")
    expected = [adjusted_rand_score(seen.landmarks.labels[row], each) for each in labels]
    assert found[:, NAMES.index("like_ward_3")] == pytest.approx(expected)
    nearest = found[:, [NAMES.index(f"like_{place}_nearest") for place in range(1, 6)]]
    assert np.all(np.diff(nearest, axis=1) <= 0)
    likeness = found[:, [NAMES.index(f"like_{name}") for name in LANDMARKS]]
    assert nearest[:, 0] == pytest.approx(likeness.max(axis=1))


def test_a_partitions_features_do_not_depend_on_the_others(seen):
    rng = np.random.default_rng(1)
    labels = rng.integers(0, 4, size=(5, 200))
    together = features(PartitionSet(labels), seen)
    alone = np.vstack([features(PartitionSet(row[None, :]), seen) for row in labels])
    assert alone == pytest.approx(together, abs=1e-12)


def test_numbering_of_clusters_is_no_input(seen):
    labels = np.random.default_rng(2).integers(0, 3, size=(1, 200))
    assert features(PartitionSet(2 - labels), seen) == pytest.approx(features(PartitionSet(labels), seen), abs=1e-12)


def test_one_cluster_is_placed_behind_all_landmarks_where_it_is_undefined(seen):
    found = features(PartitionSet(np.zeros((1, 200), dtype=int)), seen)
    assert found[0, NAMES.index("place_silhouette")] == 0.0
    assert np.isfinite(found).all()


def test_equal_points_go_by_their_labels():
    points = np.repeat(np.arange(4.0)[:, None], 3, axis=0)
    labels = np.random.default_rng(3).integers(0, 3, size=(2, 12))
    rows = np.concatenate([3 * place + np.random.default_rng(place).permutation(3) for place in range(4)])
    assert np.array_equal(
        settled(points, PartitionSet(labels)).labels, settled(points, PartitionSet(labels[:, rows])).labels
    )


def test_points_outside_the_sample_are_left_out():
    seen = describe(Dataset(np.random.default_rng(0).normal(size=(1500, 2))))
    labels = np.arange(1500)[None, :] % 7
    assert np.array_equal(np.sort(in_sample(PartitionSet(labels), seen).labels[0]), np.sort(labels[0, seen.rows]))


def test_values_tell_how_far_a_partition_surpasses_the_landmarks(seen):
    labels = np.vstack([seen.landmarks.labels[LANDMARKS.index("ward_3")], np.zeros(200, dtype=int)])
    found = features(PartitionSet(labels), seen)
    table = evaluate(seen.points, PartitionSet(labels[:1]))
    score = table.oriented()[0, table.measures.index("calinski_harabasz")]
    assert found[0, NAMES.index("value_calinski_harabasz")] == pytest.approx(np.log1p(score))
    assert found[1, NAMES.index("value_calinski_harabasz")] == UNDEFINED
