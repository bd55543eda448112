import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import make_blobs

from gamac_meta.clusters import describe_clusters
from gamac_meta.exceptions import InvalidInputError


@pytest.fixture
def table():
    """Three clusters and noise in a frame of three columns: one tells them apart, one is random, one is constant."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2, -1], [40, 30, 20, 10])
    mass = np.array([10.0, 20.0, 30.0, 18.0])[np.repeat([0, 1, 2, 3], [40, 30, 20, 10])] + rng.normal(size=100)
    X = pd.DataFrame({"mass": 1000.0 * mass, "length": rng.normal(size=100), "flat": 7.0})
    order = rng.permutation(100)
    return X.iloc[order].reset_index(drop=True), labels[order]


def test_every_cluster_has_its_size_share_and_centroid_in_units_and_noise_is_last(table):
    X, labels = table
    found = describe_clusters(X, labels)
    assert found.index.tolist() == [0, 1, 2, -1]
    assert found["size"].tolist() == [40, 30, 20, 10]
    assert found["share"].tolist() == [0.4, 0.3, 0.2, 0.1]
    for label, row in found.iterrows():
        expected = X[labels == label].mean()
        assert row[["mean mass", "mean length", "mean flat"]].to_list() == pytest.approx(expected.to_list(), abs=1e-9)


def cohen(values, inside):
    """Difference of the means of two groups in their pooled standard deviations, as in the textbook."""
    first, second = values[inside], values[~inside]
    squares = ((first - first.mean()) ** 2).sum() + ((second - second.mean()) ** 2).sum()
    return (first.mean() - second.mean()) / np.sqrt(squares / (len(values) - 2))


def test_features_are_signed_deviations_from_the_rest(table):
    X, labels = table
    found = describe_clusters(X, labels)
    for label, word in ((0, "low"), (2, "high")):
        amount = cohen(X["mass"].to_numpy(), labels == label)
        assert found.loc[label, "features"] == f"mass {word} ({amount:+.1f} sd)"


def test_features_are_the_most_deviating_first_and_at_most_three():
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 200)
    X = rng.normal(size=(400, 5)) + np.outer(labels, [1.0, -4.0, 0.0, 2.0, 3.0])
    names = ["a", "b", "c", "d", "e"]
    words = describe_clusters(X, labels, names).loc[1, "features"].split(", ")
    assert [word.split(" (")[0] for word in words] == ["b low", "e high", "d high"]


def test_a_cluster_that_is_like_the_rest_has_no_features_and_groups_apart_have_no_absurd_numbers():
    X = np.random.default_rng(0).normal(size=(400, 2))
    halves = np.arange(400) % 2
    assert describe_clusters(X, halves)["features"].tolist() == ["", ""]
    X[:, 1] = halves
    assert describe_clusters(X, halves)["features"].tolist() == ["1 low (beyond -99 sd)", "1 high (beyond +99 sd)"]


def test_the_first_example_is_the_medoid_by_squared_distances():
    X, labels = make_blobs(150, n_features=3, centers=4, random_state=1)
    X *= [1.0, 1000.0, 0.01]
    Z = X / X.std(axis=0)
    for label, examples in describe_clusters(X, labels)["examples"].items():
        rows = np.flatnonzero(labels == label)
        squared = ((Z[rows, None] - Z[None, rows]) ** 2).sum(axis=(1, 2))
        assert examples == rows[np.argsort(squared)[:3]].tolist()


def test_spread_is_0_for_equal_points_and_1_for_the_whole_table():
    X = np.random.default_rng(0).normal(size=(100, 3)) * [1.0, 50.0, 1e-3]
    assert describe_clusters(X, np.zeros(100, dtype=int))["spread"].tolist() == pytest.approx([1.0])
    X[:50] = X[0]
    assert describe_clusters(X, np.repeat([4, 9], 50))["spread"].tolist()[0] == pytest.approx(0.0, abs=1e-12)


def test_spread_is_the_root_of_the_mean_variance():
    X, labels = make_blobs(90, n_features=3, random_state=0)
    X *= [1.0, 30.0, 0.1]
    within = np.array([X[labels == cluster].var(axis=0) for cluster in range(3)])
    expected = np.sqrt((within / X.var(axis=0)).mean(axis=1))
    assert describe_clusters(X, labels)["spread"].to_numpy() == pytest.approx(expected)


@pytest.mark.parametrize("factor", [1e-290, 1e-3, 1e150, 1e290])
def test_the_unit_of_the_columns_changes_the_centroids_alone(table, factor):
    X, labels = table
    found, plain = describe_clusters(X * factor, labels), describe_clusters(X, labels)
    kept = ["size", "features", "examples"]
    assert found[kept].equals(plain[kept])
    assert found["spread"].to_numpy() == pytest.approx(plain["spread"].to_numpy(), rel=1e-9)
    assert found["mean mass"].to_numpy() / factor == pytest.approx(plain["mean mass"].to_numpy(), rel=1e-9)


def test_a_distant_origin_does_not_blur_centroids(table):
    X, labels = table
    found, plain = describe_clusters(X["mass"].to_frame() + 1e12, labels), describe_clusters(X[["mass"]], labels)
    assert (found["mean mass"] - 1e12).to_numpy() == pytest.approx(plain["mean mass"].to_numpy(), abs=1e-2)
    assert found["features"].equals(plain["features"])


@pytest.mark.parametrize(
    ("labels", "rows"),
    [(np.full(12, -1), [-1]), (np.arange(12), list(range(12))), (np.array([3, 8, -1] * 4), [3, 8, -1])],
    ids=["all noise", "all singletons", "gaps"],
)
def test_any_partition_is_described_by_its_own_labels(labels, rows):
    found = describe_clusters(np.random.default_rng(0).normal(size=(12, 2)), labels)
    assert found.index.tolist() == rows
    assert found["size"].sum() == 12
    assert np.isfinite(found["spread"]).all()
    for label, examples in found["examples"].items():
        assert (labels[examples] == label).all()


def test_input_is_left_as_it_was(table):
    X, labels = table
    before = X.copy()
    describe_clusters(X, labels)
    assert X.equals(before)


@pytest.mark.parametrize(
    ("labels", "columns", "message"),
    [
        (np.zeros(99, dtype=int), None, "partitions must label each of 100 points, got 99"),
        (np.zeros((2, 100), dtype=int), None, "labels must be one partition, got 2"),
        (np.full(100, 0.5), None, "labels must be whole numbers"),
        (np.zeros(100, dtype=int), ["a"], "columns must name each of 2 columns, got 1"),
    ],
)
def test_what_breaks_a_rule_is_refused(labels, columns, message):
    with pytest.raises(InvalidInputError, match=message):
        describe_clusters(np.random.default_rng(0).normal(size=(100, 2)), labels, columns)
