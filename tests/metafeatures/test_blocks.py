"""Single features against oracles, and against data made to have what they look for."""

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.stats import expon, norm, shapiro
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score

from gamac_meta.types import Dataset
from metafeatures import NAMES, adjusted_rand, describe, extract
from metafeatures._distances import distance_profile
from metafeatures._partitions import LANDMARKS, TABLE, cut_tree, kmeans, landmarks
from metafeatures._registry import compute
from metafeatures._structure import dip
from metafeatures._view import DataView


def features(X):
    return dict(zip(NAMES, extract(Dataset(X)), strict=True))


# ---- distance profile --------------------------------------------------------------------


@pytest.mark.parametrize("n", [10, 21, 47, 200])
def test_distance_profile_by_its_definition(n):
    X = np.random.default_rng(n).normal(size=(n, 2))
    distances = np.sort(np.linalg.norm(X[:, None] - X[None], axis=2), axis=1)[:, 1:]
    relative = distances / distances.max()
    m = n - 1
    expected = []
    for bucket in range(20):
        start = min(bucket * m // 20, m - 1)
        stop = max((bucket + 1) * m // 20, start + 1)
        rows = [
            (
                row[start:stop].mean(),
                row[stop - 1] - row[start],
                np.mean([row[min(i + 1, m - 1)] - row[i] for i in range(start, stop)]),
                np.max([row[min(i + 1, m - 1)] - row[i] for i in range(start, stop)]),
            )
            for row in relative
        ]
        expected.append(np.mean(rows, axis=0))
    assert distance_profile(distances) == pytest.approx(np.concatenate(expected), abs=1e-12)


# ---- structure ---------------------------------------------------------------------------


def test_spanning_tree_has_the_least_length():
    view = DataView(Dataset(np.random.default_rng(0).normal(size=(80, 3))))
    tree = view.tree
    assert tree.edges.sum() == pytest.approx(minimum_spanning_tree(view.distances).sum())
    assert tree.degree.sum() == 2 * (view.n - 1)
    assert tree.below[0] == view.n


def test_guarded_cuts_pass_over_outliers():
    X = np.concatenate([np.linspace(0, 1, 30), np.linspace(2, 3, 30), [9.0, 14.0]])[:, None]
    view = DataView(Dataset(X))
    place = np.argsort(view.rows)  # back to the order of X
    plain, guarded = cut_tree(view.tree, 3, 1)[place], cut_tree(view.tree, 2, 5)[place]
    assert np.bincount(plain).tolist() in ([60, 1, 1], [1, 60, 1], [1, 1, 60])
    assert len(set(guarded[:30])) == len(set(guarded[30:])) == 1
    assert guarded[0] != guarded[-1]


@pytest.mark.parametrize("n", [8, 50])
def test_dip_of_even_steps_is_the_least_possible(n):
    assert dip(np.arange(float(n))) == pytest.approx(1 / (2 * n))


def test_dip_of_two_values_is_a_quarter():
    assert dip(np.repeat([0.0, 1.0], 10)) == pytest.approx(0.25)
    assert dip(np.repeat([0.0, 1.0], [15, 5])) == pytest.approx(0.125)


def test_dip_tells_two_modes_from_one():
    rng = np.random.default_rng(0)
    one, two = rng.normal(size=600), rng.normal(size=600) + 8 * rng.integers(0, 2, size=600)
    assert dip(one) < 0.02 < 0.1 < dip(two)
    assert dip(two) == pytest.approx(dip(-3 * two + 5), abs=1e-9)


def test_clusters_lift_hopkins_and_the_longest_edges(blobs, uniform):
    even, clustered = features(uniform), features(blobs(n=400, gap=20.0).X)
    assert even["hopkins"] == pytest.approx(0.5, abs=0.07)
    assert clustered["hopkins"] > 0.85
    assert clustered["tree_local_edge_1"] > even["tree_local_edge_1"] + 1.0
    assert clustered["mutual_10_components"] >= np.log(4) - 1e-9
    assert clustered["occupancy"] < 0.7 < even["occupancy"]
    assert clustered["distance_dip"] > 2 * even["distance_dip"]


def test_a_ring_is_linear_not_convex_and_of_dimension_one(ring, uniform):
    curve, square = features(ring), features(uniform)
    assert curve["linearity"] > 0.95 > 0.8 > square["linearity"]
    assert curve["linear_share"] > 0.9
    assert np.expm1(curve["intrinsic_dimension"]) == pytest.approx(1.0, abs=0.15)
    assert np.expm1(square["intrinsic_dimension"]) == pytest.approx(2.0, abs=0.25)
    assert curve["convexity"] > square["convexity"] + 0.5


def test_a_gap_is_found_where_it_is():
    X = np.concatenate([np.arange(40.0), 200 + np.arange(40.0), 500 + np.arange(40.0)])[:, None]
    found = features(X)
    assert found["tree_gap_position"] == pytest.approx(np.log(3))
    assert found["tree_gap"] == pytest.approx(np.log(161))
    assert found["tree_edge_1"] == pytest.approx(np.log(261))


def test_half_the_points_thinned_out_widen_the_density():
    rng = np.random.default_rng(3)
    even = rng.normal(size=(300, 2))
    mixed = even * np.where(np.arange(300) < 150, 0.02, 1.0)[:, None] + np.where(np.arange(300) < 150, 20, 0)[:, None]
    assert features(mixed)["density_sd"] > 2 * features(even)["density_sd"]
    assert features(mixed)["density_dip"] > 0.05


# ---- statistical -------------------------------------------------------------------------


def test_statistics_by_their_definitions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 4))
    X[:, 3] = np.exp(X[:, 3])
    found = features(X)
    pairs = np.triu_indices(4, k=1)
    correlation = np.abs(np.corrcoef(X.T))[pairs]
    assert found["correlation_mean"] == pytest.approx(correlation.mean())
    assert found["correlation_sd"] == pytest.approx(correlation.std())
    assert found["correlated_share"] == pytest.approx(np.mean(correlation > 0.5))
    covariance = np.cov(X.T)
    assert found["covariance_mean"] == pytest.approx(np.abs(covariance)[pairs].mean() / np.trace(covariance) * 4)
    eigenvalues = np.linalg.eigvalsh(covariance)
    assert found["first_axis_share"] == pytest.approx(eigenvalues[-1] / eigenvalues.sum())
    assert found["effective_axes"] == pytest.approx(eigenvalues.sum() ** 2 / np.sum(eigenvalues**2) / 4)
    quartiles = np.subtract(*np.quantile(X, (0.75, 0.25), axis=0)) / X.std(axis=0)
    assert found["quartile_range_mean"] == pytest.approx(quartiles.mean())
    assert found["deviation_ratio_log"] == pytest.approx(np.log(X.std(axis=0).max() / X.std(axis=0).min()))
    assert found["points_log"] == pytest.approx(np.log(300))


def test_normal_columns_agree_with_shapiro_on_clear_cases():
    levels = (np.arange(300) + 0.5) / 300
    X = np.column_stack([norm.ppf(levels), expon.ppf(levels), levels, 2 * norm.ppf(levels) - 5])
    share = np.mean([shapiro(column).pvalue > 0.05 for column in X.T])
    assert features(X)["normal_columns"] == pytest.approx(share)


# ---- landmarks ---------------------------------------------------------------------------


def test_adjusted_rand_agrees_with_scikit_learn():
    rng = np.random.default_rng(0)
    for k in (1, 2, 5, 30):
        first, second = rng.integers(-1, k, size=60), rng.integers(-1, 4, size=60)
        assert adjusted_rand(first, second) == pytest.approx(adjusted_rand_score(first, second))
        assert adjusted_rand(first, first) == pytest.approx(1.0)


@pytest.mark.parametrize("k", [2, 5, 15])
def test_kmeans_is_about_as_good_as_scikit_learn(blobs, k):
    X = blobs(n=400, d=3, k=6).X
    labels = kmeans(X, k)
    inertia = sum(np.sum((X[labels == c] - X[labels == c].mean(axis=0)) ** 2) for c in range(k))
    reference = KMeans(k, n_init=5, random_state=0).fit(X).inertia_
    assert inertia < 1.25 * reference


def test_every_algorithm_finds_planted_blobs():
    rng = np.random.default_rng(0)
    truth = np.arange(300) % 3
    view = DataView(Dataset(rng.normal(size=(300, 2)) + 30.0 * np.array([[0, 0], [1, 0], [0, 1]])[truth]))
    partitions = landmarks(view)
    for name in ("kmeans_3", "ward_3", "average_3", "mixture_3", "spectral_3", "guarded_tree_3", "hdbscan_50th"):
        assert adjusted_rand(partitions.labels[LANDMARKS.index(name)], truth[view.rows]) > 0.97, name
    for (name, algorithm, k), found in zip(TABLE, partitions.n_clusters, strict=True):
        if algorithm in ("kmeans", "ward", "average", "tree"):
            assert found == k, name


def test_density_and_graph_landmarks_find_rings():
    rng = np.random.default_rng(1)
    angle = 2 * np.pi * rng.random(400)
    truth = np.repeat([0, 1], [130, 270])
    X = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(truth, 4.0, 1.0)[:, None]
    view = DataView(Dataset(X + 0.05 * rng.normal(size=X.shape)))
    labels = landmarks(view).labels
    scores = {name: adjusted_rand(labels[row], truth[view.rows]) for row, name in enumerate(LANDMARKS)}
    assert max(scores[name] for name in ("dbscan", "hdbscan_50th", "hdbscan_10")) > 0.9
    assert scores["kmeans_2"] < 0.5


def test_kmeans_stands_in_where_no_two_clusters_are_found():
    view = DataView(Dataset(np.repeat([[0.0], [1.0]], [98, 2], axis=0)))
    labels = landmarks(view).labels
    assert labels[LANDMARKS.index("hdbscan_50th")].max() == 1
    assert labels[LANDMARKS.index("guarded_tree_8")].max() == 1


def test_agreement_and_anchors_on_clear_clusters(blobs):
    clear, none = compute(DataView(blobs(n=300, k=3, gap=40.0))), compute(DataView(blobs(n=300, gap=0.0)))
    assert clear["agreement_kmeans_3_ward_3"] == pytest.approx(1.0)
    assert none["agreement_kmeans_3_ward_3"] < 0.9
    assert clear["landmark_silhouette_clusters"] == pytest.approx(np.log(3))
    assert clear["landmark_silhouette_best"] > none["landmark_silhouette_best"] + 0.3


def test_density_features_tell_what_was_found_not_its_stand_in():
    X = np.random.default_rng(0).normal(size=(400, 2))
    seen = describe(Dataset(X))
    values = dict(zip(NAMES, seen.features, strict=True))
    row = LANDMARKS.index("dbscan")
    assert seen.landmarks.n_clusters[row] == 2  # k-means stands in for one cluster
    assert values["dbscan_clusters"] == pytest.approx(np.log(2))
    assert values["dbscan_noise"] > 0
