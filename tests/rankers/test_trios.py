from itertools import combinations

import numpy as np
import pytest

from rankers import trios as module
from rankers.trios import find_trios, listed


@pytest.fixture
def relevance():
    return np.random.default_rng(1).uniform(-1.0, 1.0, size=(150, 9))


def test_planted_trios_are_found():
    rng = np.random.default_rng(0)
    planted = rng.permutation(12).reshape(4, 3)
    # on each data set one of them agrees with people, the first most often
    best = rng.choice(4, size=200, p=[0.4, 0.3, 0.2, 0.1])
    relevance = rng.normal(scale=0.02, size=(200, 12))
    for row, trio in enumerate(best):
        relevance[row, planted[trio]] += 0.7
    assert find_trios(relevance).tolist() == np.sort(planted, axis=1).tolist()


def test_the_first_trio_is_the_best_on_average_and_the_second_where_the_first_fails(relevance):
    trios = [tuple(trio) for trio in find_trios(relevance).tolist()]
    means = {trio: relevance[:, trio].mean(axis=1) for trio in combinations(range(9), 3)}
    assert trios[0] == max(means, key=lambda trio: means[trio].mean())
    others = [trio for trio in means if not set(trio) & set(trios[0])]
    assert trios[1] == max(others, key=lambda trio: np.maximum(means[trio], means[trios[0]]).mean())


def test_the_search_does_not_depend_on_its_steps(relevance, monkeypatch):
    found = find_trios(relevance)
    monkeypatch.setattr(module, "DATASETS_AT_ONCE", 1000)
    assert np.array_equal(find_trios(relevance), found)


@pytest.mark.parametrize(("m", "count"), [(2, 0), (3, 1), (8, 2), (15, 5)])
def test_no_measure_is_in_two_trios_and_at_most_two_are_in_none(m, count):
    trios = find_trios(np.random.default_rng(2).uniform(-1.0, 1.0, size=(5, m)))
    assert trios.shape == (count, 3)
    assert np.unique(trios).size == trios.size


def test_a_trio_comes_first_by_its_best_and_its_average_member_and_the_rest_by_score():
    trios = np.array([[0, 1, 2], [5, 4, 3]])
    scores = np.array([7.0, 0.0, 0.0, 4.0, 5.0, 6.0, 8.0])
    assert listed(scores, trios).tolist() == [5, 4, 3, 6, 0, 1, 2]  # 6 + 5 over 7 + 7 / 3
    scores[0] = 12.0
    assert listed(scores, trios).tolist() == [0, 1, 2, 6, 5, 4, 3]
    assert listed(scores, trios[:0]).tolist() == [0, 6, 5, 4, 3, 1, 2]


def test_the_first_three_stay_where_single_scores_change_places():
    rng = np.random.default_rng(3)
    trios = np.arange(12).reshape(4, 3)
    scores = np.repeat([0.0, 3.0, 1.0, 2.0], 3)
    for _ in range(50):
        order = listed(scores + rng.uniform(-0.45, 0.45, size=12), trios)
        assert sorted(order[:3].tolist()) == [3, 4, 5]
        assert sorted(order.tolist()) == list(range(12))
