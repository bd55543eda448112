"""The table of clusterers: every home exists, every tunable is real, both ends of a space work."""

import inspect
from importlib.util import find_spec

import numpy as np
import pytest

from gamac_meta.clusterers import CLUSTERERS, Choice, Clusterer, Float, Int
from gamac_meta.exceptions import InvalidInputError, UnknownNameError

INSTALLED = [library for library in ("sklearn", "cuml") if find_spec(library)]
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
    for library in INSTALLED:
        if getattr(clusterer, library) is not None:
            taken = inspect.signature(clusterer.load(library)).parameters
            assert set(clusterer.space) <= set(taken), library
    assert set(clusterer.fixed) <= set(inspect.signature(clusterer.load()).parameters)
    assert clusterer.space


@every_clusterer
def test_spaces_are_ordered_and_strictly_positive_where_logarithmic(name):
    for parameter in CLUSTERERS[name].space.values():
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

    space = clusterer.space
    for end in (0, -1):
        assert clusterer.make(0, **at(end)).fit_predict(blobs).shape == (60,)


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
