import numpy as np
import pytest

from rankers.metrics import bootstrap_mean, bootstrap_means, chosen_agreement, regret, regret_of_first


def test_chosen_agreement_takes_the_first_and_shares_ties():
    relevance = np.array([[0.1, 0.5, 0.3], [0.2, 0.4, 0.9]])
    scores = np.array([[0.0, 2.0, 1.0], [5.0, 5.0, 0.0]])
    assert chosen_agreement(relevance, scores) == pytest.approx([0.5, 0.3])


def test_equal_scores_are_the_random_measure():
    relevance = np.random.default_rng(0).normal(size=(7, 5))
    assert chosen_agreement(relevance, np.zeros((7, 5))) == pytest.approx(relevance.mean(axis=1))


def test_regret_is_zero_for_the_clairvoyant_only():
    relevance = np.random.default_rng(1).normal(size=(7, 5))
    assert regret(relevance, relevance) == pytest.approx(np.zeros(7))
    assert np.all(regret(relevance, -relevance) > 0)


def test_bootstrap_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(2)
    inside = 0
    for trial in range(200):
        interval = bootstrap_mean(rng.exponential(size=60), seed=trial, resamples=300)
        inside += interval.low <= 1.0 <= interval.high
    # 95 % nominal; a percentile interval on 60 skewed values falls a little short
    assert 0.86 <= inside / 200 <= 1.0


def test_bootstrap_resamples_data_sets_or_whole_units():
    rng = np.random.default_rng(3)
    # 12 units of 25 data sets that differ between units only
    units = np.repeat([f"unit {i:02d}" for i in range(12)], 25)
    values = np.repeat(rng.normal(size=12), 25)
    alone, together = (bootstrap_means(values[:, None], units=given)[0] for given in (None, units))
    assert alone.mean == together.mean == pytest.approx(values.mean())
    widths = [interval.high - interval.low for interval in (alone, together)]
    assert widths[1] / widths[0] == pytest.approx(5.0, rel=0.25)  # the root of 25


def test_resampling_units_covers_where_resampling_data_sets_does_not():
    rng = np.random.default_rng(4)
    units = np.repeat([f"{i:02d}" for i in range(20)], 10)
    inside = {"sets": 0, "units": 0}
    for trial in range(150):
        values = (np.repeat(rng.normal(size=20), 10) + rng.normal(size=200))[:, None]
        for which, given in (("sets", None), ("units", units)):
            interval = bootstrap_means(values, units=given, seed=trial, resamples=300)[0]
            inside[which] += interval.low <= 0.0 <= interval.high
    assert inside["sets"] / 150 < 0.75
    assert inside["units"] / 150 > 0.85


def test_bootstrap_leaves_unknown_values_out():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 4.0, np.nan], [5.0, np.nan, np.nan]])
    full, single, unknown = bootstrap_means(values)
    assert full == bootstrap_mean(values[:, 0])
    assert single == (4.0, 4.0, 4.0)
    assert np.isnan(unknown).all()


def test_one_draw_serves_all_columns():
    values = np.random.default_rng(5).normal(size=(40, 1))
    first, second = bootstrap_means(np.hstack([values, values + 1.0]))
    assert np.subtract(second, first) == pytest.approx(np.ones(3))


def test_regret_of_first_by_hand():
    worth = np.array([[0.9, 0.0], [0.5, 0.2], [0.1, 1.0]])
    ranks = np.array([[1.0, 3.0, 2.0], [2.0, 2.0, 2.0], [3.0, 1.0, 2.0]])
    assert regret_of_first(ranks, worth) == pytest.approx(np.array([[0.0, 1.0], [0.8, 0.0], [0.4, 0.6]]))
    assert np.isnan(regret_of_first(ranks, np.full((3, 1), np.nan))).all()
