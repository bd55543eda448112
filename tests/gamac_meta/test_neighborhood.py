"""Nearest own and foreign points, densities and valleys against brute force, on every way they are found."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from strategies import clusterings

from gamac_meta import near_pass
from gamac_meta.measures import MEASURES
from gamac_meta.near_pass import FEW, NearPass, nearest_clustered
from gamac_meta.pairwise import PartitionView
from gamac_meta.points import SharedPoints

few = settings(max_examples=25, deadline=None)


def blobs(n, d, k=6, seed=0):
    """Points far more than lists are long, in clusters far enough apart that lists decide nothing."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(n) % k)
    return rng.normal(size=(n, d)) + 9.0 * rng.normal(size=(k, d))[labels], labels.astype(np.int32)


def marked(labels, share, seed=1):
    """The same labels with noise, the clusters that remain renumbered."""
    noise = np.random.default_rng(seed).random(labels.size) < share
    names, codes = np.unique(np.where(noise, -1, labels), return_inverse=True)
    return (codes - (names[0] == -1)).astype(np.int32)


def nearest_by_sorting(X, labels):
    """(4, n) as NearPass.near, for one partition."""
    distances = cdist(X, X)
    np.fill_diagonal(distances, np.inf)
    out = np.full((4, len(X)), np.nan)
    for i in np.flatnonzero(labels >= 0):
        own = labels == labels[i]
        own[i] = False
        both = [np.sort(distances[i, own]), np.sort(distances[i, (labels >= 0) & (labels != labels[i])])]
        count = min(FEW, both[0].size, both[1].size)
        for kind, found in enumerate(both):
            if found.size:
                out[kind, i] = found[0]
                out[2 + kind, i] = found[:count].mean() if count else np.nan
    return out


@pytest.mark.parametrize("d", [1, 2, 3, 4, 9])
@pytest.mark.parametrize("share", [0.0, 0.6])
def test_nearest_points_where_lists_do_not_decide(d, share):
    X, labels = blobs(400, d)
    several = np.array([labels, labels // 2, np.arange(400) % 40, np.arange(400) // 399], dtype=np.int32)
    several = np.array([marked(row, share) for row in several])
    near = NearPass(SharedPoints(X), several).near
    for row, found in zip(several, near, strict=True):
        assert found == pytest.approx(nearest_by_sorting(X, row), rel=1e-12, nan_ok=True)


@few
@given(data=clusterings(max_points=60, distinct=False, noise=True), scan=st.booleans())
def test_nearest_points_by_tree_and_by_scan(data, scan):
    X, labels = data
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(near_pass, "TREE_DIMENSIONS", 0 if scan else 3)
        patch.setattr(near_pass, "LISTED", 2)
        near = NearPass(SharedPoints(X), labels.astype(np.int32)[None, :]).near[0]
    assert near == pytest.approx(nearest_by_sorting(X, labels), rel=1e-12, nan_ok=True)


@pytest.mark.parametrize("d", [2, 12])
def test_lists_among_clustered_points(d):
    # noise in patches: some lists hold nothing else
    X, labels = blobs(500, d)
    inside = (labels > 0) & (np.random.default_rng(2).random(500) < 0.7)
    distances, indices = nearest_clustered(SharedPoints(X), inside, 25)
    full = cdist(X, X)
    np.fill_diagonal(full, np.inf)
    full[:, ~inside] = np.inf
    assert distances[inside] == pytest.approx(np.sort(full[inside], axis=1)[:, :25], rel=1e-12)
    assert np.take_along_axis(full[inside], indices[inside], axis=1) == pytest.approx(distances[inside], rel=1e-12)


def densities_by_definition(X):
    n, d = X.shape
    width = n ** (-1 / (d + 4)) * np.sqrt(X.var(axis=0).mean())
    kernel = np.exp(-0.5 * (cdist(X, X) / width) ** 2)
    np.fill_diagonal(kernel, 0.0)
    return kernel.sum(axis=1)


@pytest.mark.parametrize("d", [1, 2, 3, 20])
def test_densities_are_gaussian_sums_with_a_width_by_scott(d):
    # noise makes further sets of points, each with a width of its own
    X, labels = blobs(1500, d, seed=d)
    several = np.array([labels, marked(labels, 0.2), marked(labels, 0.5)])
    found = NearPass(SharedPoints(X), several)
    for row in range(3):
        inside = several[row] >= 0
        expected = densities_by_definition(X[inside])
        densities = found.densities(row)
        assert densities[inside] / densities[inside].max() == pytest.approx(expected / expected.max(), rel=1e-9)
        assert not densities[~inside].any()


def test_densities_with_a_far_outlier_need_no_large_grid():
    X, labels = blobs(1500, 2)
    X[0] = 1e7
    densities = NearPass(SharedPoints(X), labels[None, :]).densities(0)
    expected = densities_by_definition(X)
    assert densities / densities.max() == pytest.approx(expected / expected.max(), rel=1e-9)


def test_a_spread_out_partition_with_noise_is_that_of_its_points():
    X, labels = blobs(1200, 2)
    noisy = marked(labels, 0.3)
    inside = noisy >= 0
    for name in ("viasckde", "neighbor_silhouette", "cvnn", "wcnn", "dunn_owa", "density_valley", "medoid_silhouette"):
        alone = MEASURES[name](PartitionView(X[inside], noisy[inside]))
        assert MEASURES[name](PartitionView(X, noisy)) == pytest.approx(alone, rel=1e-9), name


def test_a_valley_is_deep_between_modes_and_nowhere_else():
    rng = np.random.default_rng(0)
    side = np.repeat([0, 1], 300)
    modes = rng.normal(size=(600, 2)) + 8.0 * side[:, None]
    valley = MEASURES["density_valley"]
    assert valley(PartitionView(modes, side)) > 0.6
    assert abs(valley(PartitionView(modes, np.arange(600) % 2))) < 0.01
    one_mode = rng.normal(size=(600, 2))
    assert abs(valley(PartitionView(one_mode, (one_mode[:, 0] > 0).astype(np.int64)))) < 0.1


def test_a_medoid_of_two_points_is_the_one_farther_from_the_middle():
    X = np.array([[0.0], [1.0], [5.0], [6.0], [7.5]])
    labels = np.array([0, 0, 1, 1, 1])
    # medoids at 0 and 6: widths 1, 4/5, 4/5, 1, 4/5 or so
    widths = [1.0, 1 - 1 / 5, 1 - 1 / 5, 1.0, 1 - 1.5 / 7.5]
    for order in ([0, 1, 2, 3, 4], [1, 0, 4, 2, 3]):
        assert MEASURES["medoid_silhouette"](PartitionView(X[order], labels[order])) == pytest.approx(np.mean(widths))


GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "neighborhood.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", [pytest.param(case, id=case["id"]) for case in GOLDEN["cases"]])
def test_agrees_with_the_authors_package(case):
    # clusters of more than 25 points and edges between them: elsewhere the package has no finite value
    view = PartitionView(np.array(case["X"]), np.array(case["labels"]))
    for name in ("wcnn", "dunn_owa"):
        assert MEASURES[name](view) == pytest.approx(case[name], rel=1e-9)
