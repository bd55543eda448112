"""evaluate: noise, missing values, and what is refused."""

import re

import numpy as np
import pandas as pd
import polars as pl
import pytest

from gamac_meta import backend, concordance
from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError, UnknownNameError
from gamac_meta.measures import MEASURES, apply_noise_policy, evaluate
from gamac_meta.pair_pass import PairPass
from gamac_meta.types import PartitionSet

CHEAP = ("calinski_harabasz", "davies_bouldin", "silhouette")


@pytest.fixture
def blobs():
    rng = np.random.default_rng(2)
    labels = np.repeat([0, 1, 2], 20)
    return rng.normal(size=(60, 2)) + 6.0 * np.array([[0, 0], [1, 0], [0, 1]])[labels], labels


def test_table_has_a_row_per_partition_and_a_column_per_measure(blobs):
    X, labels = blobs
    table = evaluate(X, [labels, np.minimum(labels, 1)])
    assert table.values.shape == (2, len(MEASURES))
    assert table.measures == tuple(MEASURES)
    assert np.isfinite(table.values).all()
    assert table.ranks()[:, table.measures.index("silhouette")].tolist() == [1.0, 2.0]


def test_many_partitions_are_measured_as_if_alone(blobs):
    X, labels = blobs
    rng = np.random.default_rng(0)
    candidates = np.array([labels, *(rng.permutation(np.arange(60) % k) for k in (2, 5, 9))])
    together = evaluate(X, candidates).values
    apart = np.concatenate([evaluate(X, row).values for row in candidates])
    assert together == pytest.approx(apart, rel=1e-12, nan_ok=True)


def test_order_of_measures_is_the_callers(blobs):
    X, labels = blobs
    table = evaluate(X, labels, ["silhouette", "calinski_harabasz"])
    assert table.measures == ("silhouette", "calinski_harabasz")
    assert table.values[0] == pytest.approx(evaluate(X, labels, ["calinski_harabasz", "silhouette"]).values[0, ::-1])


def test_names_of_clusters_may_have_gaps(blobs):
    X, labels = blobs
    assert evaluate(X, 10 * labels + 3).values == pytest.approx(evaluate(X, labels).values)


def test_frames_give_what_arrays_give(blobs):
    X, labels = blobs
    expected = evaluate(X, [labels, np.minimum(labels, 1)], CHEAP)
    columns = {"ward": labels, "coarse": np.minimum(labels, 1)}
    for frame in (pd.DataFrame, pl.DataFrame):
        table = evaluate(frame({"a": X[:, 0], "b": X[:, 1]}), frame(columns), CHEAP)
        assert table.values == pytest.approx(expected.values)
        assert table.makers == ("ward", "coarse")
    assert table.to_frame().loc["ward", "silhouette"] == table.values[0, 2]


def test_inputs_are_left_alone_and_may_be_read_only(blobs):
    X, labels = (np.array(part) for part in blobs)
    before = X.copy(), labels.copy()
    X.flags.writeable = labels.flags.writeable = False
    for noise in ("drop", "nearest", "cluster"):
        evaluate(X, labels, noise=noise)
    assert np.array_equal(X, before[0])
    assert np.array_equal(labels, before[1])


def test_nothing_is_walked_that_no_measure_needs(blobs, monkeypatch):
    def refuse(self):
        raise AssertionError("the pass over pairs was made")

    monkeypatch.setattr(PairPass, "sums", property(refuse))
    evaluate(*blobs, ["calinski_harabasz", "davies_bouldin"])
    with pytest.raises(AssertionError, match="the pass over pairs"):
        evaluate(*blobs, ["silhouette"])


def test_estimates_are_named(blobs, monkeypatch):
    assert evaluate(*blobs).approximate == ()
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 50)
    table = evaluate(*blobs)
    assert set(table.approximate) == {"gamma", "g_plus", "tau"}
    exact = np.isin(table.measures, table.approximate, invert=True)
    assert table.values[:, exact] == pytest.approx(evaluate(*blobs).values[:, exact])


@pytest.mark.parametrize("alone", [1, 30])
def test_bounds_enclose_the_exact_values_where_most_distances_are_equal(monkeypatch, alone):
    X = np.zeros((60, 2))
    X[:alone] = 1.0
    partitions = [np.arange(60) < alone, np.arange(60) % 3, np.arange(60) < 2]
    names = ("gamma", "tau", "g_plus")
    exact = evaluate(X, partitions, names).values
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 50)
    table = evaluate(X, partitions, names)
    assert np.isnan(table.values).tolist() == np.isnan(exact).tolist()
    for column, name in enumerate(names):
        lowest, highest = MEASURES[name].bounds
        for low, value, high in zip(table.low[:, column], exact[:, column], table.high[:, column], strict=True):
            assert np.isnan(value) or lowest <= low <= value <= high <= highest, name


# ---- noise --------------------------------------------------------------------------------------


def noisy(blobs):
    X, labels = blobs
    marked = labels.copy()
    marked[[0, 25, 59]] = -1
    return X, labels, marked


def test_dropped_noise_is_as_if_never_there(blobs):
    X, _, marked = noisy(blobs)
    keep = marked >= 0
    # the paths of DISCO and LCCV lead over noise
    names = [name for name in MEASURES if name not in ("disco", "lccv")]
    table, without = evaluate(X, marked, names), evaluate(X[keep], marked[keep], names)
    weights = np.where(np.array(names) == "dbcv", np.mean(keep), 1.0)  # it alone counts noise
    assert table.values == pytest.approx(weights * without.values, rel=1e-9)
    assert evaluate(X, marked).noise_share.tolist() == [3 / 60]


def test_nearest_gives_noise_to_the_cluster_it_lies_in(blobs):
    X, labels, marked = noisy(blobs)
    assert np.array_equal(apply_noise_policy(X, PartitionSet([marked]), "nearest"), [labels])
    assert evaluate(X, marked, noise="nearest").values == pytest.approx(evaluate(X, labels).values)


def test_calling_points_noise_earns_nothing_under_nearest(blobs):
    # a point between the clusters worsens the silhouette; dropping it must not be rewarded
    X, labels, _ = noisy(blobs)
    X = np.vstack([X, [[3.0, 0.0]]])
    kept, dropped = np.append(labels, 1), np.append(labels, -1)
    kept_value, dropped_value = evaluate(X, [kept, dropped], ["silhouette"]).values[:, 0]
    assert dropped_value > kept_value
    assert evaluate(X, dropped, ["silhouette"], noise="nearest").values[0, 0] < dropped_value


def test_cluster_makes_noise_one_more_cluster(blobs):
    X, _, marked = noisy(blobs)
    asked = np.where(marked < 0, 3, marked)
    assert evaluate(X, marked, noise="cluster").values == pytest.approx(evaluate(X, asked).values, nan_ok=True)
    only = np.where(np.arange(60) < 30, 0, -1)
    assert np.isfinite(evaluate(X, only, CHEAP, noise="cluster").values).all()


def test_all_noise_has_a_reason_under_every_policy(blobs):
    X, labels = blobs
    nothing = np.full(60, -1)
    for noise, why in [("drop", "every point is noise"), ("nearest", "every point is noise"), ("cluster", "one clus")]:
        table = evaluate(X, [labels, nothing], CHEAP, noise=noise)
        assert np.isfinite(table.values[0]).all()
        assert np.isnan(table.values[1]).all()
        assert why in table.reason(1, "silhouette")


def test_missing_values_have_reasons_and_rank_last(blobs):
    X, labels = blobs
    table = evaluate(X, [np.zeros(60), labels, np.arange(60)], CHEAP)
    assert np.isnan(table.values[[0, 2]]).all()
    assert "one cluster" in table.reason(0, "silhouette")
    assert "single point" in table.reason(2, "davies_bouldin")
    assert table.reason(1, "silhouette") is None
    assert table.ranks().tolist() == [[2.5] * 3, [1.0] * 3, [2.5] * 3]


# ---- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"partitions": np.zeros(60)}, "at least 2 clusters, got at most 1"),
        ({"partitions": np.zeros(59)}, "label each of 60 points, got 59"),
        ({"partitions": np.full(60, -2)}, "labels must be >= -1"),
        ({"partitions": [[0, 1], [0]]}, "partitions must be rows of equal length"),
        ({"partitions": np.linspace(0, 1, 60)}, "labels must be whole numbers"),
        ({"measures": "silhouette"}, "sequence of names, got the string 'silhouette'"),
        ({"measures": ()}, "at least one measure"),
        ({"measures": ["silhouette", "gamma", "silhouette"]}, "name each measure once, got silhouette more than once"),
        ({"noise": "ignore"}, "noise must be one of drop, nearest, cluster, got 'ignore'"),
        ({"backend": "torch"}, "backend must be one of auto, numpy, cupy, got 'torch'"),
    ],
)
def test_refuses_with_the_rule_and_the_value(blobs, change, message):
    X, labels = blobs
    with pytest.raises(InvalidInputError, match=message):
        evaluate(**{"X": X, "partitions": labels} | change)


@pytest.mark.parametrize("spread", [1e200, 1e101, 1e-101, 1e-162])
def test_refuses_magnitudes_it_cannot_measure(blobs, spread):
    X, labels = blobs
    message = f"X must have a spread between 1e-100 and 1e+100, got {spread:g}; rescale it"
    with pytest.raises(InvalidInputError, match=re.escape(message)):
        evaluate(X * (spread / np.ptp(X, axis=0).max()), labels)


@pytest.mark.parametrize("spread", [0.99e100, 1.01e-100])
def test_measures_all_magnitudes_it_accepts(blobs, spread):
    X, labels = blobs
    names = [name for name, measure in MEASURES.items() if measure.scale_free]
    scaled = X * (spread / np.ptp(X, axis=0).max())
    assert evaluate(scaled, labels, names).values == pytest.approx(evaluate(X, labels, names).values, rel=1e-9)


def test_a_wrong_name_suggests_the_nearest(blobs):
    with pytest.raises(UnknownNameError, match="unknown measure 'silhuete'; did you mean 'silhouette'"):
        evaluate(*blobs, ["silhuete"])


def test_a_gpu_is_never_pretended(blobs, monkeypatch):
    monkeypatch.setattr(backend, "gpu_status", lambda: (False, "no device answers"))
    with pytest.raises(BackendUnavailableError, match="backend='cupy' is not available: no device answers"):
        evaluate(*blobs, backend="cupy")
