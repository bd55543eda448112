"""Determinism, invariances and finiteness of all 200 features, and what `describe` returns."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.distance import pdist

from gamac_meta.measures import MEASURES, evaluate
from gamac_meta.types import Dataset
from metafeatures import NAMES, ROTATION_FREE, canonical_points, describe, extract
from metafeatures._partitions import LANDMARKS
from metafeatures._registry import compute
from metafeatures._sample import MAX_POINTS, sample_rows
from metafeatures._view import DataView

FREE = np.array([ROTATION_FREE[name] for name in NAMES])
SIZES = pytest.mark.parametrize(("n", "d"), [(150, 2), (90, 1), (120, 6), (1600, 3)])


def changed(before, after):
    """Names of the features that differ by more than rounding."""
    return [name for name, a, b in zip(NAMES, before, after, strict=True) if not np.isclose(a, b, rtol=1e-6, atol=1e-7)]


@SIZES
def test_ignores_point_order_translation_and_scale(blobs, n, d):
    data = blobs(n, d)
    features = extract(data)
    order = np.random.default_rng(5).permutation(n)
    assert np.array_equal(features, extract(Dataset(data.X.copy())))
    assert changed(features, extract(Dataset(data.X[order]))) == []
    assert changed(features, extract(Dataset(data.X + 321.0))) == []
    assert changed(features, extract(Dataset(data.X * 0.037))) == []


@pytest.mark.parametrize(("n", "d"), [(150, 2), (120, 6), (1600, 3)])
def test_a_rotation_changes_no_feature_declared_free_of_it(blobs, n, d):
    data = blobs(n, d, seed=3)
    turn = np.linalg.qr(np.random.default_rng(9).normal(size=(d, d)))[0]
    features, turned = extract(data), extract(Dataset(data.X @ turn))
    assert changed(features * FREE, turned * FREE) == []


def test_a_rotation_changes_features_not_declared_free_of_it():
    rng = np.random.default_rng(4)
    X = np.exp(rng.normal(size=(200, 3))) * [1.0, 3.0, 9.0]
    X[:, 1] += X[:, 0]
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    moved = set(changed(extract(Dataset(X)), extract(Dataset(X @ turn))))
    dependent = {name for name in NAMES if not ROTATION_FREE[name]}
    assert moved <= dependent
    # shares of columns are coarse and may well stay
    assert len(moved) >= len(dependent) - 3


def test_ties_fall_the_same_way_wherever_the_grid_lies():
    X = np.stack(np.meshgrid(np.arange(12.0), np.arange(15.0)), axis=-1).reshape(-1, 2)
    features = extract(Dataset(X))
    assert changed(features, extract(Dataset(X[::-1]))) == []
    assert changed(features, extract(Dataset(X / 3 + 0.1))) == []


def turned(X, rng):
    return X @ np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))[0]


WRITTEN = {
    "reordered": lambda X, rng: rng.permutation(X),
    "moved": lambda X, rng: X + 50.0 * rng.normal(size=X.shape[1]),
    "scaled": lambda X, rng: X * rng.uniform(0.01, 100.0),
    "turned": turned,
    "mirrored": lambda X, rng: X * rng.choice([-1.0, 1.0], size=X.shape[1]),
    "columns shuffled": lambda X, rng: rng.permutation(X, axis=1),
}


@st.composite
def tables(draw):
    """(n, d) points: Gaussian clusters, cells of a lattice, a table of few values, or repeated points."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    n, d = draw(st.integers(30, 120), label="n"), draw(st.sampled_from([2, 3, 8]), label="d")
    X = rng.normal(size=(n, d)) + draw(st.sampled_from([0.0, 5.0])) * rng.integers(0, 3, (n, 1))
    kind = draw(st.sampled_from(["plain", "rounded", "counts", "repeated"]), label="kind")
    if kind == "rounded":
        return np.round(X, 1)
    if kind == "counts":
        return rng.poisson(3.0, size=(n, d)).astype(float)
    return np.repeat(X, 3, axis=0) if kind == "repeated" else X


@pytest.mark.parametrize("change", [pytest.param(change, id=name) for name, change in WRITTEN.items()])
# in one table of a hundred, a coordinate is so near the border of a cell that a turn moves it across
@settings(max_examples=5, deadline=None, derandomize=True)
@given(X=tables(), seed=st.integers(0, 1000))
def test_measures_of_landmarks_are_the_same_however_the_points_are_written(change, X, seed):
    before, after = describe(Dataset(X)), describe(Dataset(change(X, np.random.default_rng(seed))))
    assert changed(before.features * FREE, after.features * FREE) == []
    assert after.landmark_table.values == pytest.approx(before.landmark_table.values, rel=1e-5, abs=1e-8, nan_ok=True)


def test_a_lattice_that_is_its_own_image_stays_where_it_is():
    # equal spread along all axes: only the columns tell which axis is which
    X = np.stack(np.meshgrid(np.arange(11.0), np.arange(11.0)), axis=-1).reshape(-1, 2)
    rows = np.random.default_rng(2).permutation(len(X))
    before, after = describe(Dataset(X)), describe(Dataset(X[rows] / 7 + 31.7))
    assert np.array_equal(before.landmark_table.ranks(), after.landmark_table.ranks())


def test_points_for_measures_are_those_given_but_for_a_turn():
    X = np.random.default_rng(3).normal(size=(80, 4)) * [1.0, 2.0, 3.0, 0.0] + 7.0
    order, points = canonical_points(X)
    assert points.shape == (80, 3)
    assert pdist(points) == pytest.approx(pdist(X[order]), abs=1e-6)
    again, moved = canonical_points(turned(X, np.random.default_rng(1))[::-1] + 11.0)
    assert np.array_equal(X[order], X[::-1][again])
    assert moved == pytest.approx(points, abs=1e-6)


def test_nothing_is_undefined_on_plain_data(blobs):
    for data in (blobs(), blobs(n=60, d=1), blobs(n=80, d=12), blobs(gap=0.0)):
        assert all(np.isfinite(value) for value in compute(DataView(data)).values())


RNG = np.random.default_rng(0)
DEGENERATE = {
    "two distinct points": np.repeat([[0.0, 0.0], [1.0, 1.0]], [50, 50], axis=0),
    "one point apart": np.repeat([[0.0, 0.0], [1.0, 1.0]], [99, 1], axis=0),
    "three distinct points": np.repeat([[0.0], [1.0], [5.0]], 30, axis=0),
    "one point apart of many": np.repeat([[0.0, 0.0], [1.0, 1.0]], [3000, 1], axis=0),
    "ten points, two distinct": np.repeat([[0.0], [1.0]], [9, 1], axis=0),
    "ten points": RNG.normal(size=(10, 2)),
    "a line": np.outer(np.arange(80), [1.0, 2.0, -1.0]),
    "a grid": np.stack(np.meshgrid(np.arange(9.0), np.arange(9.0)), axis=-1).reshape(-1, 2),
    "one column": RNG.normal(size=(60, 1)),
    "a constant column": np.column_stack([RNG.normal(size=60), np.full(60, 0.1)]),
    "more columns than points": RNG.normal(size=(30, 200)),
    "zeros and ones": RNG.integers(0, 2, size=(300, 30)).astype(float),
    "an outlier": np.concatenate([RNG.normal(size=(100, 2)), [[1e9, 1e9]]]),
    "huge": 1e299 * RNG.normal(size=(50, 2)),
    "tiny": 1e-300 * RNG.normal(size=(50, 2)),
    "far away": 1e12 + RNG.normal(size=(50, 2)),
    "duplicates": np.repeat(RNG.normal(size=(5, 2)), 40, axis=0),
}


@pytest.mark.parametrize("X", [pytest.param(X, id=name) for name, X in DEGENERATE.items()])
def test_degenerate_data_give_finite_features_and_all_landmarks(X):
    description = describe(Dataset(X))
    assert np.isfinite(description.features).all()
    assert description.landmarks.makers == LANDMARKS
    assert description.landmarks.n_clusters.min() >= 2


@settings(max_examples=25, deadline=None)
@given(
    st.tuples(st.integers(10, 40), st.integers(1, 4)).flatmap(
        lambda shape: arrays(np.float64, shape, elements=st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0]))
    )
)
def test_whatever_the_points_features_are_finite_and_ignore_their_order(X):
    if np.ptp(X, axis=0).max() == 0:
        X[0] += 1.0
    features = extract(Dataset(X))
    assert features.shape == (200,)
    assert np.isfinite(features).all()
    assert changed(features, extract(Dataset(X[::-1]))) == []


def test_the_sample_stands_for_all_points():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(20000, 2)) + np.repeat([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]], [17000, 2600, 400], axis=0)
    rows = sample_rows(X)
    assert len(set(rows.tolist())) == MAX_POINTS
    shares = np.array([(rows < 17000).mean(), (rows >= 19600).mean()])
    assert shares == pytest.approx([0.85, 0.02], abs=0.006)
    assert int(np.argmax(np.sum((X - X.mean(axis=0)) ** 2, axis=1))) in rows


def test_the_features_of_many_points_are_near_those_of_a_thousand(blobs):
    few, many = extract(blobs(n=1000, k=5)), extract(blobs(n=30000, k=5))
    profile = slice(0, 80)
    assert np.abs(few[profile] - many[profile]).max() < 0.05
    position = NAMES.index("hopkins")
    assert few[position] == pytest.approx(many[position], abs=0.03)


def test_describe_goes_with_extract(blobs):
    data = blobs(n=1300, d=3)
    description = describe(data)
    points = description.points
    assert np.array_equal(description.features, extract(data))
    assert points.X.shape == (MAX_POINTS, 3)
    assert description.landmarks.labels.shape == (len(LANDMARKS), MAX_POINTS)
    # the sample is the data moved, turned and scaled, to about 7 digits: shape is kept
    own = data.X[description.rows]
    ratio = np.linalg.norm(np.diff(own, axis=0), axis=1) / np.linalg.norm(np.diff(points.X, axis=0), axis=1)
    assert ratio == pytest.approx(np.full(MAX_POINTS - 1, np.median(ratio)), rel=1e-5)
    table = description.landmark_table
    assert table.measures == tuple(MEASURES)
    assert table.makers == LANDMARKS
    again = evaluate(points, description.landmarks, ["silhouette"]).values[:, 0]
    assert table.values[:, table.measures.index("silhouette")] == pytest.approx(again, rel=1e-13)
