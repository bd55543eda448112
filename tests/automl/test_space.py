"""The spaces that points are clustered in, the portfolio, and how a worker runs a task."""

import pickle

import numpy as np
import pytest
from sklearn.cluster import AgglomerativeClustering

from gamac_meta.automl._space import (
    Context,
    Task,
    available,
    counts,
    estimator,
    portfolio,
    preprocessings,
    run_task,
    transformed,
)
from gamac_meta.clusterers import CLUSTERERS

rng = np.random.default_rng(0)
X = rng.normal(size=(60, 2)) + 9.0 * np.repeat(np.arange(2), 30)[:, None]
WIDE = rng.normal(size=(60, 12)) * np.linspace(1.0, 5.0, 12)


def test_spaces_are_tried_where_they_are_worth_it():
    assert preprocessings(X / X.std(axis=0), "common", 60.0)[0] == ("none",)
    assert preprocessings(X * [1.0, 3.0], "common", 60.0)[0] == ("none", "standard")
    assert preprocessings(X * [1.0, 3.0], "standard", 60.0)[0] == ("none",)
    names, notices = preprocessings(WIDE, "common", 5.0)
    assert names == ("none", "standard", "pca")
    assert notices[0].startswith("UMAP was not tried: ")


def test_a_column_that_is_constant_among_the_points_searched_does_no_harm():
    rare = np.column_stack([X / X.std(axis=0), np.full(60, 0.3)])
    assert preprocessings(rare, "common", 60.0)[0] == ("none",)
    standard = transformed(rare, "standard", 0)
    np.testing.assert_allclose(standard[:, 2], 0.0, atol=1e-12)
    np.testing.assert_allclose(standard[:, :2].std(axis=0), 1.0)


def test_pca_keeps_nine_tenths_of_the_variance():
    space = transformed(WIDE, "pca", 0)
    assert space.shape[1] < 12
    assert space.var(axis=0).sum() >= 0.9 * WIDE.var(axis=0).sum()


@pytest.mark.parametrize("n", [10, 11, 50, 3000])
def test_the_portfolio_is_made_of_what_there_is_and_repeats_nothing_within_a_wave(n):
    for wave in portfolio(n):
        settings = [(batch.algorithm, tuple(sorted(setting.items()))) for batch in wave for setting in batch.settings]
        assert len(set(settings)) == len(settings)
        for batch in wave:
            assert all(setting.keys() <= CLUSTERERS[batch.algorithm].space.keys() for setting in batch.settings)


@pytest.mark.parametrize("n", [10, 100, 3000])
def test_numbers_of_clusters_end_at_the_square_root(n):
    assert counts(n, 50, 9)[0] == 2
    assert counts(n, 50, 9)[-1] == min(50, int(np.sqrt(n)))


def test_what_is_not_installed_or_too_slow_is_named(monkeypatch):
    monkeypatch.setattr("gamac_meta.clusterers.find_spec", lambda name: None if name == "genieclust" else name)
    usable, notices = available(6000)
    assert usable["kmeans"]
    assert not usable["genie"]
    assert not usable["mean_shift"]
    assert notices[0] == "genie was not tried: genieclust is not installed (extra 'genie')"
    assert notices[1].startswith("not tried on 6000 points, for they would take too long: ")
    assert "mean_shift" in notices[1]


def test_a_task_gives_each_partition_as_it_comes_and_lengths_in_units_of_the_points():
    task = Task("dbscan", "none", ({"eps": 1.0, "min_samples": 5}, {"eps": 0.5, "min_samples": 5}), 0)
    first, second = run_task(Context(X, 0, False), task)
    assert (first.place, second.place) == (0, 1)
    assert first.labels.dtype == np.int32
    assert first.parameters["eps"] > second.parameters["eps"] > 0.0
    assert (second.labels < 0).sum() > (first.labels < 0).sum()


def test_a_fault_comes_after_what_was_found():
    fits = run_task(Context(X, 0, False), Task("kmeans", "none", ({"n_clusters": 2}, {"n_clusters": 99}), 0))
    assert len(np.unique(next(fits).labels)) == 2
    with pytest.raises(ValueError, match="99"):
        next(fits)


@pytest.mark.parametrize("linkage", ["ward", "average", "complete", "single"])
def test_cuts_of_a_kept_tree_are_those_of_a_new_one(linkage):
    settings = tuple({"n_clusters": k, "linkage": linkage} for k in (2, 5, 9))
    context = Context(WIDE, 0, False)
    for fit, setting in zip(run_task(context, Task("agglomerative", "none", settings, 0)), settings, strict=True):
        alone = AgglomerativeClustering(**setting).fit_predict(WIDE)
        together = np.unique(np.column_stack([fit.labels, alone]), axis=0)
        assert len(together) == setting["n_clusters"]


@pytest.mark.parametrize("name", [name for name, clusterer in CLUSTERERS.items() if clusterer.installed])
@pytest.mark.parametrize("points", [X, X[::6], np.repeat(X[:6], 10, axis=0)], ids=["60", "10", "duplicates"])
def test_every_algorithm_labels_every_point_also_of_few_and_of_equal_points(name, points):
    space = CLUSTERERS[name].space_on(len(points))
    setting = {key: getattr(dimension, "low", None) or dimension.values[0] for key, dimension in space.items()}
    (fit,) = run_task(Context(points, 0, False), Task(name, "none", (setting,), 0))
    assert fit.labels.shape == (len(points),)
    assert fit.labels.min() >= -1


def test_what_a_worker_is_sent_is_the_points_alone():
    context = Context(WIDE, 3, False)
    context.space("pca")
    estimator("agglomerative", {"n_clusters": 2}, context, 0).fit(WIDE)
    sent = pickle.loads(pickle.dumps(context))
    assert sent.spaces == {}
    assert np.array_equal(sent.X, WIDE)
    assert sent.seed == 3
