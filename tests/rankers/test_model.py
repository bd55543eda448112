import numpy as np
import pytest

from rankers._lightgbm import TOP_GRADE, design_matrix, grades
from rankers.model import PLACES, Calibration, descending, place_of


def test_places_partition_the_list():
    assert place_of(20).tolist() == [0, 1, 1, 2, 2, 2, 2, 2, *[3] * 8, *[4] * 4]
    assert set(place_of(3).tolist()) == {0, 1}


def test_descending_keeps_order_and_mean():
    values = np.array([0.3, 0.5, 0.1, 0.2, -0.4])
    result = descending(values)
    assert np.all(np.diff(result) <= 0)
    assert result.mean() == pytest.approx(values.mean())
    assert descending(np.sort(values)[::-1]) == pytest.approx(np.sort(values)[::-1])


def test_calibration_removes_the_winners_curse_and_covers():
    rng = np.random.default_rng(0)
    q, m = 400, 30
    truth = rng.normal(scale=0.1, size=(q, m))
    guess = truth + rng.normal(scale=0.1, size=(q, m))
    order = np.argsort(-guess, axis=1)
    listed, true = np.take_along_axis(guess, order, 1), np.take_along_axis(truth, order, 1)
    assert (listed[:, 0] - true[:, 0]).mean() > 0.05  # the curse is there
    calibration = Calibration.fit(listed[:200], true[:200])
    said = [calibration.apply(row) for row in listed[200:]]
    errors = np.array([agreement[0] for agreement, _, _ in said]) - true[200:, 0]
    assert abs(errors.mean()) < 0.03
    inside = [low[0] <= value <= high[0] for (_, low, high), value in zip(said, true[200:, 0], strict=True)]
    assert 0.83 <= np.mean(inside) <= 0.97


def test_calibration_of_a_short_list_has_every_place():
    calibration = Calibration.fit(np.zeros((4, 2)), np.ones((4, 2)))
    assert calibration.shift == pytest.approx(np.ones(len(PLACES)))


def test_grades_follow_the_distance_from_the_best():
    assert grades(np.array([[0.5, 0.45, 0.0, -1.0]])).tolist() == [[TOP_GRADE, TOP_GRADE - 1, 5, 0]]


def test_design_matrix_puts_each_measure_on_its_row():
    features = np.array([[1.0, 2.0], [3.0, 4.0]])
    pairs = np.arange(12.0).reshape(2, 3, 2)
    rows = design_matrix(features, pairs)
    assert rows.shape == (6, 5)
    assert rows[4].tolist() == [3.0, 4.0, 8.0, 9.0, 1.0]
