"""benchmarks/search_pools.py: losses, stability and picks on planted pools."""

import numpy as np
import pandas as pd
import pytest
from benchmark_modules import loaded
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs


@pytest.fixture(scope="module")
def pools():
    with loaded("search_pools") as module:
        yield module


def pool_of(pools, worth, choice):
    """All other judgements go by no more than the order of the partitions."""
    rest = dict.fromkeys(("learned", "recommended", "silhouette", "dbcv"), np.arange(len(worth), dtype=float))
    return pools.Pool(worth, choice=choice, **rest, likeness=np.eye(len(worth)), prior=None)


def test_a_right_score_loses_nothing_and_a_reversed_one_all(pools):
    worth = np.random.default_rng(0).permutation(400) / 400.0
    right, wrong = (pools.losses_of(pool_of(pools, worth, choice)) for choice in (worth, -worth))
    assert set(right) == {*map(str, pools.SIZES), "all"}
    assert {lost["learned choice"] for lost in right.values()} == {0.0}
    reversed_ones = [wrong[size]["learned choice"] for size in ("10", "40", "150", "all")]
    assert reversed_ones == sorted(reversed_ones)
    assert reversed_ones[-1] == pytest.approx(399 / 400)


def test_parts_larger_than_the_pool_are_not_drawn(pools):
    assert set(pools.losses_of(pool_of(pools, np.arange(30.0), np.arange(30.0)))) == {"10", "20", "all"}


def test_the_prior_is_the_plain_one_among_the_trials(pools):
    trials = pd.DataFrame(
        [
            ("landmark", "hdbscan", "none", {"min_cluster_size": 6}),
            ("portfolio", "hdbscan", "standard", {"min_cluster_size": 6}),
            ("portfolio", "kmeans", "none", {"n_clusters": 6}),
            ("portfolio", "hdbscan", "none", {"min_cluster_size": 12}),
            ("portfolio", "hdbscan", "none", {"min_cluster_size": 6}),
        ],
        columns=["stage", "algorithm", "preprocessing", "parameters"],
    )
    assert [pools.prior(trials, n) for n in (300, 600, 900)] == [4, 3, None]


def test_clusters_that_are_there_are_found_again_and_others_are_not(pools):
    X, planted = make_blobs(300, centers=[[0, 0], [9, 0], [0, 9]], random_state=0)

    def trial(k):
        return pd.Series({"algorithm": "kmeans", "preprocessing": "none", "parameters": {"n_clusters": k, "n_init": 1}})

    assert pools.stability(X, trial(3), planted) == (1.0, 1.0)
    many = KMeans(12, random_state=0).fit_predict(X)
    assert max(pools.stability(X, trial(12), many)) < 0.9


def test_stability_overturns_the_score_only_with_weight(pools):
    each = pools.Searched(
        "set", 2, 1.0, {}, scores=(0.6, 0.5), worth=(0.2, 0.9), between=(0.1, 1.0), kept=(1.0, float("nan"))
    )
    assert [pools.picked(each, "between", weight) for weight in (0.0, 0.1, 0.2)] == [0.2, 0.2, 0.9]
    assert pools.picked(each, "kept", 0.5) == 0.2


def test_sets_in_which_only_landmarks_came_in_time_have_no_dozen(pools):
    losses = {size: dict.fromkeys(pools.JUDGEMENTS, 0.1) for size in ("10", "20", "40", "80", "150", "all")}
    found = [
        pools.Searched("one", 160, 1.0, losses, (), (), (), ()),
        pools.Searched("two", 20, 1.0, losses, (0.5,), (0.7,), (1.0,), (1.0,)),
    ]
    printed = pools.report(found)
    assert "times (1 sets)" in printed
    assert "150 | 300 (0 sets) | all" in printed
