"""Which contenders are told apart: against scipy, by brute force and by planted differences."""

from itertools import chain, combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rankers.significance import cliques, holm, rank_contenders, signed_rank_tests


@pytest.fixture(scope="module")
def values():
    """Two contenders alike, one a little and one far behind, on 200 data sets."""
    rng = np.random.default_rng(0)
    shared = rng.normal(size=(200, 1))
    return shared + rng.normal(size=(200, 4)) + np.array([-0.5, 0.0, 0.0, -3.0])


def test_friedmans_statistic_is_that_of_scipy(values):
    for case in (values, np.round(values)):  # the second has ties
        ranks = rank_contenders(("a", "b", "c", "d"), case)
        expected = stats.friedmanchisquare(*case.T)
        assert ranks.friedman == pytest.approx(expected.statistic)
        assert ranks.p_value == pytest.approx(expected.pvalue)


def test_the_planted_order_and_what_cannot_be_told_apart(values):
    ranks = rank_contenders(("little behind", "first", "alike", "far behind"), values)
    assert set(ranks.names[:2]) == {"first", "alike"}
    assert ranks.names[2:] == ("little behind", "far behind")
    assert ranks.cliques == ((0, 1),)
    assert ranks.mean_ranks.sum() == pytest.approx(1 + 2 + 3 + 4)
    assert np.all(np.diff(ranks.mean_ranks) >= 0)
    assert ranks.units == 200


def test_equal_contenders_share_ranks_and_are_never_told_apart():
    ranks = rank_contenders(("a", "b", "c"), np.tile(np.arange(30.0)[:, None], 3))
    assert ranks.mean_ranks.tolist() == [2.0, 2.0, 2.0]
    assert np.isnan(ranks.friedman)
    assert np.array_equal(ranks.pairwise, np.ones((3, 3)))
    assert ranks.cliques == ((0, 1, 2),)


def test_a_pair_is_judged_by_itself(values):
    alone = signed_rank_tests(values[:, :2])[0, 1]
    assert alone == pytest.approx(stats.wilcoxon(values[:, 0], values[:, 1]).pvalue, rel=0.01)
    crowd = np.hstack([values, np.random.default_rng(1).normal(size=(200, 3))])
    # only the correction for more tests is added
    assert alone <= signed_rank_tests(crowd)[0, 1] <= alone * 21


def test_holm_by_hand():
    # times 4, 3, 2, 1 in ascending order: .04, .06, .06 (.03 x 2), .06 (kept up by the one before)
    assert holm(np.array([0.03, 0.01, 0.02, 0.05])) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm(np.array([0.9, 0.8])).tolist() == [1.0, 1.0]


def test_holm_errs_no_more_often_than_its_level():
    rng = np.random.default_rng(2)
    wrong = [holm(rng.uniform(size=10)).min() < 0.05 for _ in range(1000)]
    assert np.mean(wrong) == pytest.approx(0.05, abs=0.02)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), c=st.integers(1, 6))
def test_cliques_by_brute_force(data, c):
    alike = np.eye(c, dtype=bool)
    for i, j in combinations(range(c), 2):
        alike[i, j] = alike[j, i] = data.draw(st.booleans())
    subsets = chain.from_iterable(combinations(range(c), size) for size in range(2, c + 1))
    full = [set(s) for s in subsets if all(alike[i, j] for i, j in combinations(s, 2))]
    expected = sorted(tuple(sorted(s)) for s in full if not any(s < other for other in full))
    assert cliques(alike) == tuple(expected)
