"""What a search maximizes: one number a partition, whatever was asked for."""

import warnings

import numpy as np
import pytest

import metafeatures
from gamac_meta import score_partitions
from gamac_meta.automl._judge import Judge, require_measure
from gamac_meta.exceptions import InvalidInputError, UnknownNameError
from gamac_meta.types import Dataset

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2)) + 7.0 * np.repeat(np.arange(2), 30)[:, None]
LABELS = np.array([np.repeat([0, 1], 30), np.tile([0, 1], 30), np.repeat([0, 1, 2], 20)])


@pytest.mark.parametrize("name", ["silhouette", "davies_bouldin"])
def test_a_measure_is_turned_so_that_greater_is_better(name):
    judge = Judge(X, name, None, "numpy")
    values = judge.values(LABELS)
    assert values.shape == (3, 1)
    np.testing.assert_allclose(values[:, 0], score_partitions(X, LABELS, by=name, scale=None))
    totals = judge.totals(values)
    assert np.array_equal(totals, values[:, 0])
    assert totals.argmax() == 0
    assert judge.measure == name


def test_auto_is_the_learned_choice():
    values = Judge(X, "auto", None, "numpy").values(LABELS)
    np.testing.assert_allclose(values[:, 0], score_partitions(X, LABELS, by="choice", scale=None))


def test_several_measures_are_the_mean_share_of_partitions_beaten():
    judge = Judge(X, ["silhouette", "dbcv"], None, "numpy")
    assert judge.measure == "silhouette+dbcv"
    assert judge.title.startswith("mean rank by ")
    values = np.array([[0.9, 3.0], [0.1, 2.0], [0.5, np.nan], [np.nan, np.nan]])
    totals = judge.totals(values)
    # ranks 3, 1, 2 and 3, 2 of three that are beaten; what one measure does not know is last there
    np.testing.assert_allclose(totals[:3], [1.0, (1 + 2) / 6, (2 + 0.5) / 6])
    assert np.isnan(totals[3])


def test_a_function_gets_the_points_and_each_partition():
    seen = []

    def share(points, labels):
        seen.append(points is X)
        return np.float32(np.mean(labels == 0))

    judge = Judge(X, share, None, "numpy")
    np.testing.assert_allclose(judge.values(LABELS)[:, 0], [0.5, 0.5, 1 / 3], rtol=1e-6)
    assert seen == [True] * 3
    assert (judge.measure, judge.title) == ("share", "your function share")


@pytest.mark.parametrize("value", [None, "high", [1.0, 2.0]])
def test_a_function_must_give_a_number(value):
    with pytest.raises(InvalidInputError, match="the measure must give a number, got "):
        Judge(X, lambda *_: value, None, "numpy").values(LABELS)


def test_what_a_function_raises_comes_out_of_it():
    with pytest.raises(ZeroDivisionError):
        Judge(X, lambda *_: 1 / 0, None, "numpy").values(LABELS)


def test_nothing_is_said_twice_of_the_points():
    uneven = np.column_stack([X[:, 0], 1000.0 * X[:, 1], np.ones(60)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Judge(uneven, ["silhouette", "auto"], None, "numpy").values(LABELS)


@pytest.mark.parametrize("measure", [3, [], [3], None, {"silhouette"}])
def test_what_is_no_measure_is_refused(measure):
    with pytest.raises(InvalidInputError, match="measure must be 'auto', 'learned', 'recommended'"):
        require_measure(measure)


def test_a_name_that_there_is_none_of_is_refused_with_one_that_is_near():
    with pytest.raises(UnknownNameError, match="did you mean 'silhouette'"):
        require_measure(["dbcv", "silhouete"])


@pytest.mark.parametrize("measure", ["auto", "silhouette", ["silhouette", "learned"], lambda _, labels: labels.max()])
def test_landmarks_are_those_of_the_points_whatever_scores(measure):
    rows, landmarks = Judge(X, measure, None, "numpy").landmarks()
    seen = metafeatures.describe(Dataset(X))
    assert np.array_equal(rows, seen.rows)
    assert landmarks.makers == metafeatures.LANDMARKS
    assert np.array_equal(landmarks.labels, seen.landmarks.labels)


def test_what_the_model_has_seen_is_not_looked_for_again(monkeypatch):
    monkeypatch.setattr("gamac_meta.automl._judge.landmarks_of", None)
    assert Judge(X, ["silhouette", "learned"], None, "numpy").landmarks()
