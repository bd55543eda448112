"""The table of clusterers: every home exists, every tunable is real, both ends of a space work."""

import inspect
import sys
from importlib.util import find_spec
from types import SimpleNamespace

import numpy as np
import pytest

from gamac_meta.clusterers import CLUSTERERS, Choice, Clusterer, Float, Int
from gamac_meta.exceptions import InvalidInputError, UnknownNameError

LIBRARIES = {"cpu": "home"} | ({"cuml": "cuml"} if find_spec("cuml") else {})
every_clusterer = pytest.mark.parametrize("name", list(CLUSTERERS))


@pytest.fixture
def blobs():
    rng = np.random.default_rng(7)
    return (rng.normal(scale=0.05, size=(3, 20, 2)) + np.array([[[-1, -1]], [[1, -1]], [[0, 1.5]]])).reshape(60, 2)


def test_the_contract_is_covered():
    assert {
        "kmeans", "mini_batch_kmeans", "bisecting_kmeans", "gaussian_mixture", "agglomerative", "dbscan", "hdbscan",
        "optics", "birch", "mean_shift", "spectral", "affinity_propagation",
    } <= set(CLUSTERERS)  # fmt: skip


@every_clusterer
def test_every_installed_home_has_every_tunable(name):
    clusterer = CLUSTERERS[name]
    for library, home in LIBRARIES.items():
        if getattr(clusterer, home) is not None:
            taken = inspect.signature(clusterer.load(library)).parameters
            assert set(clusterer.space) <= set(taken), library
    assert set(clusterer.fixed) <= set(inspect.signature(clusterer.load()).parameters)
    assert clusterer.space


@every_clusterer
def test_spaces_are_ordered_and_strictly_positive_where_logarithmic(name):
    for parameter in CLUSTERERS[name].space_on(1000).values():
        if isinstance(parameter, Choice):
            assert len(set(parameter.values)) == len(parameter.values) >= 2
        else:
            assert parameter.low < parameter.high
            assert parameter.low > 0 or not parameter.log


@every_clusterer
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore:Graph is not fully connected")
def test_both_ends_of_a_space_are_accepted(name, blobs):
    clusterer = CLUSTERERS[name]

    def at(end):
        return {key: p.values[end] if isinstance(p, Choice) else (p.low, p.high)[end] for key, p in space.items()}

    space = clusterer.space_on(len(blobs))
    for end in (0, -1):
        parameters = clusterer.parameters(at(end), blobs)
        assert clusterer.make(0, **parameters).fit_predict(blobs).shape == (60,)


def test_lengths_follow_the_points(blobs):
    """Ten times as far apart, ten times the reach: fixed ranges would miss one of the two."""
    for name, parameter, power in (("dbscan", "eps", 1), ("mean_shift", "bandwidth", 1), ("birch", "threshold", 1)):
        near, far = (CLUSTERERS[name].parameters({parameter: 0.6}, X)[parameter] for X in (blobs, 10.0 * blobs))
        assert far == pytest.approx(10.0**power * near)
    reach = np.sort(np.sort(np.linalg.norm(blobs[:, None] - blobs[None], axis=2), axis=1)[:, 5])
    assert CLUSTERERS["dbscan"].parameters({"eps": 1.0, "min_samples": 5}, blobs) == {
        "eps": pytest.approx(reach[-1]),
        "min_samples": 5,
    }
    assert CLUSTERERS["affinity_propagation"].parameters({"preference": 0.5}, blobs)["preference"] < 0


def test_duplicates_leave_a_length_positive():
    X = np.repeat(np.arange(5.0)[:, None], 20, axis=0)
    assert CLUSTERERS["dbscan"].parameters({"eps": 0.3}, np.append(X, [[5.5]], axis=0))["eps"] == pytest.approx(1.5)
    assert CLUSTERERS["dbscan"].parameters({"eps": 0.3}, np.zeros((20, 1)))["eps"] == 1.0


def test_numbers_of_clusters_and_of_points_follow_the_points():
    assert CLUSTERERS["kmeans"].space_on(400)["n_clusters"] == Int(2, 20, log=True)
    assert CLUSTERERS["kmeans"].space_on(10**6)["n_clusters"] == Int(2, 50, log=True)
    assert CLUSTERERS["hdbscan"].space_on(1000)["min_cluster_size"] == Int(4, 150, log=True)


class TestOnADevice:
    """cuML's parity rules, on a stand-in for its modules."""

    @pytest.fixture
    def made(self, monkeypatch):
        class Estimator:
            def __init__(self, **parameters):
                self.parameters = parameters

        stand_in = SimpleNamespace(**dict.fromkeys(("HDBSCAN", "AgglomerativeClustering", "KMeans"), Estimator))
        monkeypatch.setitem(sys.modules, "cuml", stand_in)
        monkeypatch.setitem(sys.modules, "cuml.cluster", stand_in)
        return lambda name, **parameters: getattr(CLUSTERERS[name].make_on_device(0, **parameters), "parameters", None)

    def test_a_point_is_not_its_own_neighbor(self, made):
        assert made("hdbscan", min_cluster_size=20, min_samples=5)["min_samples"] == 4
        assert made("hdbscan", min_cluster_size=20)["min_samples"] == 19
        assert made("hdbscan", min_cluster_size=20, min_samples=1)["min_samples"] == 1

    def test_only_single_linkage(self, made):
        assert made("agglomerative", n_clusters=3, linkage="single") == {"n_clusters": 3, "linkage": "single"}
        assert made("agglomerative", n_clusters=3, linkage="ward") is None

    def test_what_it_lacks(self, made):
        assert made("gaussian_mixture", n_components=3) is None
        assert made("kmeans", n_clusters=3)["n_clusters"] == 3


def test_the_seed_reaches_those_that_draw_and_spares_the_others():
    assert CLUSTERERS["kmeans"].make(5, n_clusters=3).random_state == 5
    assert not hasattr(CLUSTERERS["dbscan"].make(5, eps=0.1), "random_state")


def test_given_parameters_win_over_fixed_ones():
    assert CLUSTERERS["kmeans"].make(0).n_init == 5
    assert CLUSTERERS["kmeans"].make(0, n_init=1).n_init == 1


def test_well_separated_blobs_are_found(blobs):
    labels = CLUSTERERS["agglomerative"].make(n_clusters=3, linkage="average").fit_predict(blobs).reshape(3, 20)
    assert all(len(set(row)) == 1 for row in labels.tolist())
    assert len(set(labels[:, 0].tolist())) == 3


def test_refusals_name_the_rule_and_the_value():
    with pytest.raises(UnknownNameError, match="did you mean 'kmeans'"):
        CLUSTERERS["kmean"]
    with pytest.raises(InvalidInputError, match="KMeans has no parameter eps"):
        CLUSTERERS["kmeans"].make(eps=0.1)
    with pytest.raises(InvalidInputError, match="got 'cuml'"):
        CLUSTERERS["optics"].load("cuml")
    with pytest.raises(ValueError, match="registered twice"):
        CLUSTERERS.add("kmeans", Clusterer("a:b", None, {"k": Int(1, 2), "eps": Float(0.0, 1.0)}))
