"""benchmarks/search_pools.py: losses, stability and picks on planted pools."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def pools():
    sys.path.insert(0, str(BENCHMARKS))  # it imports its neighbors
    try:
        spec = importlib.util.spec_from_file_location("search_pools", BENCHMARKS / "search_pools.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))
        sys.modules.pop("search_pools", None)


def test_a_right_score_loses_nothing_and_a_reversed_one_all(pools):
    worth = np.random.default_rng(0).permutation(200) / 200.0
    right, wrong = pools.losses_of(worth, worth), pools.losses_of(-worth, worth)
    assert set(right) == {*map(str, pools.SIZES), "all"}
    assert set(right.values()) == {0.0}
    assert wrong["all"] == pytest.approx(199 / 200)
    assert wrong["10"] < wrong["40"] < wrong["160"] < wrong["all"]


def test_parts_larger_than_the_pool_are_not_drawn(pools):
    assert set(pools.losses_of(np.arange(30.0), np.arange(30.0))) == {"10", "20", "all"}


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
    losses = {name: {"10": 0.1, "all": 0.2} for name in pools.JUDGEMENTS}
    found = [
        pools.Searched("one", 20, 1.0, losses, (), (), (), ()),
        pools.Searched("two", 20, 1.0, losses, (0.5,), (0.7,), (1.0,), (1.0,)),
    ]
    assert "times (1 sets)" in pools.report(found)
