"""Agreement of orders against scipy, brute force and published worked examples."""

from itertools import permutations

import krippendorff
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from gamac_meta.agreement import (
    kendall_tau,
    kendall_w,
    krippendorff_alpha,
    leave_one_out_tau,
    pairwise_tau,
    same_best_share,
    spearman,
    top1_regret,
    weighted_footrule,
    weighted_tau,
)


@st.composite
def rank_tables(draw, most_partitions=9, most_columns=5):
    """(p, a) ranks in columns, ties likely."""
    p = draw(st.integers(2, most_partitions))
    a = draw(st.integers(2, most_columns))
    values = draw(st.lists(st.integers(0, 5), min_size=p * a, max_size=p * a))
    return stats.rankdata(np.reshape(values, (p, a)), axis=0)


def varied(column):
    return np.ptp(column) > 0


@settings(max_examples=30, deadline=None)
@given(ranks=rank_tables())
def test_tau_and_rho_are_those_of_scipy(ranks):
    taus, rhos = kendall_tau(ranks, ranks[:, :2]), spearman(ranks, ranks[:, :2])
    for i, first in enumerate(ranks.T):
        for j, second in enumerate(ranks.T[:2]):
            if varied(first) and varied(second):
                assert taus[i, j] == pytest.approx(stats.kendalltau(first, second).statistic, abs=1e-12)
                assert rhos[i, j] == pytest.approx(stats.spearmanr(first, second).statistic, abs=1e-12)
            else:
                assert taus[i, j] == rhos[i, j] == 0.0


@settings(max_examples=30, deadline=None)
@given(ranks=rank_tables(), data=st.data())
def test_numbering_of_partitions_does_not_matter(ranks, data):
    order = data.draw(st.permutations(range(len(ranks))))
    for pair in (kendall_tau, weighted_tau, spearman, weighted_footrule, top1_regret):
        np.testing.assert_allclose(pair(ranks[order], ranks[order]), pair(ranks, ranks), atol=1e-12)
    for together in (kendall_w, krippendorff_alpha, pairwise_tau, leave_one_out_tau, same_best_share):
        assert together(ranks[order]) == pytest.approx(together(ranks), abs=1e-12, nan_ok=True)


@settings(max_examples=30, deadline=None)
@given(ranks=rank_tables())
def test_footrule_and_regret_stay_between_zero_and_one(ranks):
    for distance in (weighted_footrule(ranks, ranks), top1_regret(ranks, ranks)):
        assert distance.min() >= 0.0
        assert distance.max() <= 1.0 + 1e-12
    np.testing.assert_array_equal(np.diag(weighted_footrule(ranks, ranks)), 0.0)


@pytest.mark.parametrize("p", [2, 3, 4, 5, 6])
def test_reverse_is_the_farthest_order_by_footrule(p):
    orders = np.array(list(permutations(range(1, p + 1))), dtype=float).T
    reference = np.arange(1.0, p + 1)[:, None]
    distances = weighted_footrule(orders, reference)[:, 0]
    assert distances.max() == pytest.approx(1.0)
    assert weighted_footrule(reference[::-1], reference)[0, 0] == pytest.approx(1.0)


def test_footrule_by_hand():
    # p = 4, center 2.5: swapping the first two moves each by 1, weights 1.5^2 and .5^2;
    # the reverse moves by 3 1 1 3 with weights 2.25 .25 .25 2.25, in all 14
    reference = np.array([[1.0], [2.0], [3.0], [4.0]])
    assert weighted_footrule(reference[[1, 0, 2, 3]], reference)[0, 0] == pytest.approx(2.5 / 14)
    # an exchange at the ends weighs more than one in the middle
    assert weighted_footrule(reference[[0, 2, 1, 3]], reference)[0, 0] == pytest.approx(0.5 / 14)


@pytest.mark.parametrize("p", [2, 3, 8, 15])
def test_weighted_tau_of_orders_without_ties_is_that_of_scipy(p):
    rng = np.random.default_rng(p)
    first, second = (rng.permuted(np.tile(np.arange(1.0, p + 1), (4, 1)), axis=1).T for _ in range(2))
    taus = weighted_tau(first, second)
    for i, j in np.ndindex(4, 4):
        # scipy takes greater values for better
        expected = stats.weightedtau(-first[:, i], -second[:, j]).statistic
        assert taus[i, j] == pytest.approx(expected, abs=1e-12)


def weighted_tau_by_loops(first, second, weighing):
    """The quotient of Vigna's definition with weights of the ranks `weighing`."""
    product = first_square = second_square = 0.0
    for i in range(len(first)):
        for j in range(i):
            weight = 1 / weighing[i] + 1 / weighing[j]
            x, y = np.sign(first[i] - first[j]), np.sign(second[i] - second[j])
            product += weight * x * y
            first_square += weight * x * x
            second_square += weight * y * y
    root = np.sqrt(first_square * second_square)
    return product / root if root else 0.0


@settings(max_examples=30, deadline=None)
@given(ranks=rank_tables())
def test_weighted_tau_by_loops(ranks):
    taus = weighted_tau(ranks, ranks[:, :2])
    for i, first in enumerate(ranks.T):
        for j, second in enumerate(ranks.T[:2]):
            both = [weighted_tau_by_loops(first, second, weighing) for weighing in (first, second)]
            assert taus[i, j] == pytest.approx(np.mean(both), abs=1e-12)


def test_weighted_tau_counts_the_top_most():
    reference = np.arange(1.0, 9)[:, None]
    top, bottom = reference[[1, 0, 2, 3, 4, 5, 6, 7]], reference[[0, 1, 2, 3, 4, 5, 7, 6]]
    assert kendall_tau(top, reference) == pytest.approx(kendall_tau(bottom, reference))
    assert weighted_tau(top, reference)[0, 0] < weighted_tau(bottom, reference)[0, 0] < 1.0
    assert weighted_tau(reference, reference)[0, 0] == pytest.approx(1.0)
    assert weighted_tau(-reference, reference)[0, 0] == pytest.approx(-1.0)


def test_regret_by_hand():
    reference = np.array([[2.0], [1.0], [3.0], [4.0]])
    third_first = np.array([[2.0], [3.0], [1.0], [4.0]])
    tied_for_best = np.array([[1.5], [1.5], [3.0], [4.0]])
    assert top1_regret(reference, reference)[0, 0] == 0.0
    assert top1_regret(third_first, reference)[0, 0] == pytest.approx(2 / 3)
    assert top1_regret(tied_for_best, reference)[0, 0] == pytest.approx(0.5 / 3)


@settings(max_examples=30, deadline=None)
@given(ranks=rank_tables())
def test_w_is_friedmans_statistic_over_its_maximum(ranks):
    p, a = ranks.shape
    if p < 3 or a < 3 or not any(varied(column) for column in ranks.T):
        return
    # Friedman's chi-squared, corrected for ties, is a (p - 1) W
    friedman = stats.friedmanchisquare(*ranks).statistic
    assert kendall_w(ranks) == pytest.approx(friedman / (a * (p - 1)), abs=1e-12)


def test_w_of_like_and_of_opposite_orders():
    order = np.arange(1.0, 8)
    assert kendall_w(np.column_stack([order] * 4)) == pytest.approx(1.0)
    assert kendall_w(np.column_stack([order, order[::-1]])) == pytest.approx(0.0)
    assert np.isnan(kendall_w(np.full((7, 3), 4.0)))


@settings(max_examples=60, deadline=None)
@given(ranks=rank_tables(), data=st.data())
def test_alpha_is_that_of_the_package_krippendorff(ranks, data):
    missing = data.draw(st.lists(st.booleans(), min_size=ranks.size, max_size=ranks.size))
    for table in (ranks, np.where(np.reshape(missing, ranks.shape), np.nan, ranks)):
        several = table[np.sum(~np.isnan(table), axis=1) > 1]
        if np.unique(several[~np.isnan(several)]).size > 1:
            expected = krippendorff.alpha(reliability_data=table.T, level_of_measurement="ordinal")
            assert krippendorff_alpha(table) == pytest.approx(expected, abs=1e-12)
        else:
            assert np.isnan(krippendorff_alpha(table))


def test_alpha_and_w_of_whole_rankings_say_the_same():
    # without ties the places are a multiple of the ranks apart, and both split the same squares
    p, a = 15, 4
    ranks = np.random.default_rng(0).permuted(np.tile(np.arange(1.0, p + 1), (a, 1)), axis=1).T
    expected = 1 - (p * a - 1) / (p * (a - 1)) * (1 - kendall_w(ranks))
    assert krippendorff_alpha(ranks) == pytest.approx(expected, abs=1e-12)


def test_alpha_of_like_orders_and_of_too_few():
    order = np.arange(1.0, 8)
    assert krippendorff_alpha(np.column_stack([order] * 3)) == pytest.approx(1.0)
    assert np.isnan(krippendorff_alpha(order[:, None]))
    assert np.isnan(krippendorff_alpha(np.full((7, 3), 4.0)))
    assert np.isnan(krippendorff_alpha(np.array([[1.0, np.nan], [np.nan, 2.0]])))


@settings(max_examples=20, deadline=None)
@given(ranks=rank_tables())
def test_means_over_assessors_by_loops(ranks):
    a = ranks.shape[1]

    def tau(first, second):
        return float(kendall_tau(first[:, None], second[:, None])[0, 0])

    pairs = [(i, j) for i in range(a) for j in range(i)]
    assert pairwise_tau(ranks) == pytest.approx(np.mean([tau(ranks[:, i], ranks[:, j]) for i, j in pairs]))
    # rounded: the mean of the others must tie what is equal
    left = [tau(ranks[:, i], np.round(np.delete(ranks, i, axis=1).mean(axis=1), 9)) for i in range(a)]
    assert leave_one_out_tau(ranks) == pytest.approx(np.mean(left))


def test_same_best_counts_pairs_and_shares_ties():
    strict = np.array([[1, 1, 2.0], [2, 2, 1], [3, 3, 3]])
    assert same_best_share(strict) == pytest.approx(1 / 3)
    tied = np.array([[1.5, 1.0], [1.5, 2.0], [3.0, 3.0]])
    assert same_best_share(tied) == pytest.approx(0.5)


def test_one_assessor_agrees_with_nobody():
    alone = np.array([[1.0], [2.0], [3.0]])
    assert np.isnan([pairwise_tau(alone), leave_one_out_tau(alone), same_best_share(alone)]).all()
