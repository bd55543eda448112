"""Consensus against brute force, and what every method must hold."""

from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from corpus.consensus import KEMENY_ITEMS, METHODS, borda, bradley_terry, consensus, kemeny, preferences
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Ranking

every_method = pytest.mark.parametrize("method", METHODS)


@st.composite
def ranking_lists(draw, most=6):
    """Some assessors' rankings of up to `most` partitions, ties likely."""
    p = draw(st.integers(2, most))
    a = draw(st.integers(1, 5))
    return [
        Ranking(rankdata(draw(st.lists(st.integers(0, 4), min_size=p, max_size=p))), f"person-{i}") for i in range(a)
    ]


def contradicted(position, ranks):
    """Judgments in ranks (p, a) that an order, given as positions (p,), puts the other way."""
    p = len(position)
    return sum(float(np.sum(ranks[j] < ranks[i])) for i in range(p) for j in range(p) if position[i] < position[j])


@every_method
def test_unanimous_assessors_get_their_order(method):
    order = np.array([4.0, 1, 3, 5, 2, 7, 6])
    result = consensus([Ranking(order, f"person-{i}") for i in range(3)], method)
    np.testing.assert_array_equal(result.ranks, order)
    assert result.assessor == "consensus"


@every_method
@settings(max_examples=25, deadline=None)
@given(rankings=ranking_lists(), data=st.data())
def test_row_order_and_assessor_order_do_not_matter(method, rankings, data):
    rows = data.draw(st.permutations(range(rankings[0].ranks.size)))
    shuffled = [Ranking(ranking.ranks[rows], ranking.assessor) for ranking in reversed(rankings)]
    expected = consensus(rankings, method).ranks[rows]
    np.testing.assert_array_equal(consensus(shuffled, method).ranks, expected)


@every_method
@settings(max_examples=25, deadline=None)
@given(rankings=ranking_lists())
def test_reversed_judgments_reverse_the_consensus(method, rankings):
    p = rankings[0].ranks.size
    reverse = [Ranking(p + 1 - ranking.ranks, ranking.assessor) for ranking in rankings]
    np.testing.assert_allclose(consensus(reverse, method).ranks, p + 1 - consensus(rankings, method).ranks)


@settings(max_examples=20, deadline=None)
@given(rankings=ranking_lists(most=5))
def test_kemeny_is_the_mean_of_all_best_orders(rankings):
    ranks = np.column_stack([ranking.ranks for ranking in rankings])
    orders = np.array(list(permutations(range(1, len(ranks) + 1))))
    costs = np.array([contradicted(order, ranks) for order in orders])
    np.testing.assert_allclose(kemeny(ranks), orders[costs == costs.min()].mean(axis=0))


def tenths(draw_from, rankings):
    """A weight in tenths for each ranking: most are no binary fractions, and many of their sums are equal."""
    return np.array(draw_from(st.lists(st.integers(1, 9), min_size=len(rankings), max_size=len(rankings)))) / 10


@every_method
@settings(max_examples=25, deadline=None)
@given(rankings=ranking_lists(), data=st.data())
def test_a_weight_is_a_number_of_votes(method, rankings, data):
    votes = data.draw(st.lists(st.integers(0, 3), min_size=len(rankings), max_size=len(rankings)).filter(any))
    spoken = [ranking for ranking, count in zip(rankings, votes, strict=True) for _ in range(count)]
    np.testing.assert_array_equal(consensus(rankings, method, votes).ranks, consensus(spoken, method).ranks)


@every_method
@settings(max_examples=25, deadline=None)
@given(rankings=ranking_lists())
def test_weights_of_one_change_no_bit(method, rankings):
    ranks = np.column_stack([ranking.ranks for ranking in rankings])
    if method != "borda":  # whose unweighted mean is numpy's own
        np.testing.assert_array_equal(METHODS[method](ranks, None), METHODS[method](ranks, np.ones(len(rankings))))
    np.testing.assert_array_equal(borda(ranks), ranks.mean(axis=1))
    np.testing.assert_array_equal(
        consensus(rankings, method).ranks, consensus(rankings, method, [1.0] * len(rankings)).ranks
    )


@every_method
@settings(max_examples=25, deadline=None)
@given(rankings=ranking_lists(), data=st.data())
def test_row_order_and_assessor_order_do_not_matter_with_weights(method, rankings, data):
    weights = tenths(data.draw, rankings)
    rows = data.draw(st.permutations(range(rankings[0].ranks.size)))
    shuffled = [Ranking(ranking.ranks[rows], ranking.assessor) for ranking in reversed(rankings)]
    expected = consensus(rankings, method, weights).ranks[rows]
    np.testing.assert_array_equal(consensus(shuffled, method, weights[::-1]).ranks, expected)


@settings(max_examples=30, deadline=None)
@given(rankings=ranking_lists(most=5), data=st.data())
def test_weighted_kemeny_is_the_mean_of_all_best_orders(rankings, data):
    weights = tenths(data.draw, rankings)
    exact = [Fraction(round(10 * weight), 10) for weight in weights]
    ranks = np.column_stack([ranking.ranks for ranking in rankings])
    orders = list(permutations(range(1, len(ranks) + 1)))
    costs = [
        sum(weight * int(contradicted(order, ranks[:, [j]])) for j, weight in enumerate(exact)) for order in orders
    ]
    best = [order for order, cost in zip(orders, costs, strict=True) if cost == min(costs)]
    np.testing.assert_allclose(kemeny(ranks, weights), np.mean(best, axis=0))


def test_kemeny_sees_that_a_tenth_and_two_make_three():
    # 0.1 + 0.2 > 0.3 in binary: one group of votes against the other is a tie all the same
    up, down = np.arange(1.0, 8), np.arange(7.0, 0, -1)
    np.testing.assert_allclose(kemeny(np.column_stack([up, up, down]), np.array([0.1, 0.2, 0.3])), np.full(7, 4.0))


@every_method
def test_the_weightier_side_wins(method):
    rankings = [Ranking([1, 2, 3], "a"), Ranking([3, 2, 1], "b"), Ranking([3, 2, 1], "c")]
    np.testing.assert_array_equal(consensus(rankings, method).ranks, [3, 2, 1])
    np.testing.assert_array_equal(consensus(rankings, method, [2.5, 1, 1]).ranks, [1, 2, 3])
    np.testing.assert_array_equal(consensus(rankings, method, [1, 0, 0]).ranks, [1, 2, 3])


def test_kemeny_follows_the_majority_where_borda_does_not():
    # three of five put 0 before 1 everywhere, but the two others put 1 first and 0 last
    ranks = np.array([[1, 1, 1, 3, 3], [2, 2, 2, 1, 1], [3, 3, 3, 2, 2.0]])
    rankings = [Ranking(column, f"person-{i}") for i, column in enumerate(ranks.T)]
    np.testing.assert_array_equal(consensus(rankings, "kemeny").ranks, [1, 2, 3])
    np.testing.assert_array_equal(consensus(rankings, "borda").ranks, [2, 1, 3])


def test_kemeny_finds_the_order_of_every_majority_among_fifteen():
    order = np.arange(1.0, 16)
    ranks = np.column_stack([order] * 7)
    for person in range(5):
        ranks[3 * person : 3 * person + 3, person] = ranks[3 * person : 3 * person + 3, person][::-1]
    for person in (1, 2):  # a minority puts the first last
        ranks[:, person] -= 1
        ranks[0, person] = 15
    numbers = np.random.default_rng(0).permutation(15)
    np.testing.assert_array_equal(kemeny(ranks[numbers]), order[numbers])


def test_kemeny_refuses_more_than_it_can_order_exactly():
    ranking = Ranking(np.arange(1.0, KEMENY_ITEMS + 2), "person")
    with pytest.raises(InvalidInputError, match=rf"at most {KEMENY_ITEMS} partitions exactly, got {KEMENY_ITEMS + 1}"):
        consensus([ranking], "kemeny")


def test_bradley_terry_finds_planted_strengths():
    strengths = np.array([-1.5, -0.5, 0.0, 0.4, 1.6])
    wins = 1e5 / (1 + np.exp(strengths - strengths[:, None]))
    np.fill_diagonal(wins, 0.0)
    found = bradley_terry(wins)
    # only differences are comparable: the virtual opponent sets the origin
    np.testing.assert_allclose(found - found.mean(), strengths, atol=1e-3)


def test_bradley_terry_of_two_by_hand():
    # symmetry puts them at s and -s: 3 wins of 4 in the contest, one virtual game of 1 won and lost each,
    # 3 = 4 / (1 + exp(-2 s)) + tanh(s / 2), to be checked at the solution
    wins = np.array([[0.0, 3.0], [1.0, 0.0]])
    s, other = bradley_terry(wins, prior=1.0)
    assert s == pytest.approx(-other)
    assert 4 / (1 + np.exp(-2 * s)) + np.tanh(s / 2) == pytest.approx(3.0)


def test_bradley_terry_stays_finite_without_losses_or_comparisons():
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[1, 2] = 50.0  # the first never lost, the last was never compared
    strengths = bradley_terry(wins)
    assert np.isfinite(strengths).all()
    assert strengths[0] > strengths[1] > strengths[2]
    assert strengths[3] == pytest.approx(0.0, abs=1e-12)


def test_a_tie_is_half_a_vote_for_each():
    np.testing.assert_array_equal(preferences(np.array([[1.5, 1.0], [1.5, 2.0]])), [[0.0, 1.5], [0.5, 0.0]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: consensus([]), "at least one ranking, got none"),
        (lambda: consensus([Ranking([1, 2], "a"), Ranking([1, 2, 3], "b")]), r"got lengths \[2, 3\]"),
        (lambda: consensus([Ranking([1, 2], "a")], "median"), "one of borda, kemeny, bradley_terry, got 'median'"),
        (lambda: consensus([Ranking([1, 2], "a")], weights=[1, 1]), r"one for each of 1 rankings, got shape \(2,\)"),
        (lambda: consensus([Ranking([1, 2], "a")], weights=[0]), r"not all 0, got \[0.0\]"),
        (lambda: consensus([Ranking([1, 2], "a")] * 2, weights=[1, np.nan]), r"finite, .*got \[1.0, nan\]"),
        (lambda: consensus([Ranking([1, 2], "a")] * 2, weights=[2, -1]), r">= 0 .*got \[2.0, -1.0\]"),
        (lambda: bradley_terry(np.zeros((2, 3))), r"square table of counts >= 0, got shape \(2, 3\)"),
        (lambda: bradley_terry(np.zeros((2, 2)), prior=0.0), "prior must be > 0, got 0.0"),
    ],
)
def test_refusals_say_the_rule_and_the_value(call, message):
    with pytest.raises(InvalidInputError, match=message):
        call()
