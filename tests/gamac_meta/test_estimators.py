"""Our own clusterers obey scikit-learn's rules and find what they are made for."""

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, pdist
from sklearn.datasets import make_moons
from sklearn.metrics import adjusted_rand_score
from sklearn.utils.estimator_checks import parametrize_with_checks

from gamac_meta.estimators import DensityPeaks, MutualNeighbors, RobustSingleLinkage


@parametrize_with_checks([RobustSingleLinkage(), MutualNeighbors(), DensityPeaks()])
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.fixture
def moons():
    return make_moons(300, noise=0.05, random_state=3)


@pytest.mark.parametrize("estimator", [RobustSingleLinkage(2), MutualNeighbors(12)])
def test_moons_are_told_apart(estimator, moons):
    X, y = moons
    labels = estimator.fit_predict(X)
    assert adjusted_rand_score(y[labels >= 0], labels[labels >= 0]) > 0.99
    assert np.mean(labels < 0) < 0.1


def test_single_linkage_is_the_special_case_without_core_distances(moons):
    X, _ = moons
    distances = cdist(X, X)
    core = np.sort(distances, axis=1)[:, 3]
    reach = np.maximum(distances, np.maximum(core[:, None], core[None]))
    expected = fcluster(linkage(reach[np.triu_indices(len(X), 1)], "single"), 3, "maxclust")
    labels = RobustSingleLinkage(3, min_samples=3, min_cluster_size=1).fit_predict(X)
    assert adjusted_rand_score(expected, labels) == 1.0
    assert fcluster(linkage(pdist(X), "single"), 3, "maxclust").max() == 3


def test_small_pieces_are_noise(moons):
    X, _ = moons
    labels = RobustSingleLinkage(2).fit_predict(np.vstack([X, [[9.0, 9.0]]]))
    assert labels[-1] == -1
    assert set(labels.tolist()) == {-1, *labels[labels >= 0].tolist()}


def test_as_many_as_there_are(moons):
    X, _ = moons
    labels = RobustSingleLinkage(40, min_cluster_size=60).fit_predict(X)
    counts = np.bincount(labels[labels >= 0])
    assert 1 <= np.count_nonzero(counts) < 40
    assert counts[counts > 0].min() >= 60


def test_peaks_gather_round_clouds():
    rng = np.random.default_rng(0)
    member = np.repeat(np.arange(4), 60)
    X = 0.4 * rng.normal(size=(240, 2)) + 4.0 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])[member]
    assert adjusted_rand_score(member, DensityPeaks(4).fit_predict(X)) == 1.0
