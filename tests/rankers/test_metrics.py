import numpy as np
import pytest

from rankers.metrics import bootstrap_mean, chosen_agreement, regret


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
