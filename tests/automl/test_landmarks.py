"""Landmarks as trials: which algorithm and setting stands for which, and what the others of many points join."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

import metafeatures
from gamac_meta.automl._judge import Judge
from gamac_meta.automl._landmarks import Landmark, starts
from gamac_meta.automl._space import Context, Task, run_task
from gamac_meta.automl._trials import nearest_rows
from gamac_meta.clusterers import CLUSTERERS
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Dataset

rng = np.random.default_rng(3)
# clouds in haze, so that no two landmarks are the same
X = np.vstack([make_blobs(400, 2, centers=8, cluster_std=0.6, random_state=3)[0], rng.uniform(-12, 12, (60, 2))])
# algorithms without chance: the clusterer finds the same; the others are like it
SAME = ("ward", "average", "single", "dbscan", "hdbscan")


def named(found):
    return {metafeatures.LANDMARKS[start.number]: start for start in found}


@pytest.fixture(scope="module")
def judge():
    return Judge(X, "silhouette", None, "numpy")


def test_every_landmark_is_named_by_an_algorithm_that_finds_the_like(judge):
    found = named(starts(X, judge))
    assert set(found) == set(metafeatures.LANDMARKS)
    context = Context(X, 0, False)
    for name, start in found.items():
        ((_, labels, parameters, _),) = run_task(context, Task(start.algorithm, "none", (start.setting,), 0))
        likeness = adjusted_rand_score(labels, start.labels)
        # DBSCAN gives the border between two clusters to the first that comes
        assert likeness > (0.95 if name.startswith(SAME) else 0.25), name
        assert start.parameters == pytest.approx(parameters), name


@pytest.mark.parametrize("name", metafeatures.LANDMARKS)
def test_settings_are_of_the_space_of_their_algorithm(judge, name):
    start = named(starts(X, judge))[name]
    assert start.setting.keys() == CLUSTERERS[start.algorithm].space.keys()


def test_one_that_stands_in_for_what_was_not_found_is_left_out():
    # among so few points HDBSCAN finds nothing
    few = np.random.default_rng(0).uniform(size=(12, 2))
    found = starts(few, Judge(few, "silhouette", None, "numpy"))
    partitions = metafeatures.describe(Dataset(few)).landmarks.labels
    assert len(found) < len(partitions)
    assert len(found) == len(np.unique([start.labels for start in found], axis=0))


def test_points_beyond_the_sample_join_the_nearest_of_it():
    many = make_blobs(1300, 3, centers=5, cluster_std=0.5, random_state=0)[0]
    judge = Judge(many, "silhouette", None, "numpy")
    rows, landmarks = judge.landmarks()
    assert len(rows) == 1000
    start = named(starts(many, judge))["kmeans_5"]
    assert start.labels.shape == (1300,)
    assert np.array_equal(start.labels[rows], landmarks.labels[metafeatures.LANDMARKS.index("kmeans_5")])
    others = np.setdiff1d(np.arange(1300), rows)
    for row in others[:20]:
        nearest = rows[np.argmin(np.sum((many[rows] - many[row]) ** 2, axis=1))]
        assert start.labels[row] == start.labels[nearest]
    assert np.array_equal(Landmark("kmeans_5").fit(many).labels_, start.labels)


def test_a_point_of_the_sample_is_its_own_nearest_among_equal_ones():
    assert nearest_rows(np.zeros((4, 1)), np.array([2, 1])).tolist()[1:3] == [1, 0]


def test_a_landmark_that_there_is_not_is_refused():
    with pytest.raises(InvalidInputError, match=r"name must be one of kmeans_2, .*, got 'kmeans_4'"):
        Landmark("kmeans_4").fit(X)
