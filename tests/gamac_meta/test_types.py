import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Dataset, MeasureTable, MetaDataset, PartitionSet, Ranking

POINTS = np.random.default_rng(0).normal(size=(12, 3))


# ---- Dataset --------------------------------------------------------------------------------------


def test_a_data_set_keeps_a_read_only_copy():
    X = POINTS.copy()
    data = Dataset(X)
    X[0, 0] = 99.0
    assert data.X[0, 0] == POINTS[0, 0]
    with pytest.raises(ValueError, match="read-only"):
        data.X[0, 0] = 1.0
    assert (data.n, data.d) == (12, 3)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.zeros(12), r"2 dimensions \(points, columns\), got shape \(12,\)"),
        (POINTS[:9], "at least 10 points, got n=9"),
        (np.empty((0, 2)), "at least 10 points, got n=0"),
        (np.empty((12, 0)), r"at least one column, got shape \(12, 0\)"),
        (np.ones((12, 2)), r"must not be constant, got 12 equal points \[1.0, 1.0\]"),
    ],
)
def test_a_data_set_refuses_what_cannot_be_clustered(X, message):
    with pytest.raises(InvalidInputError, match=message):
        Dataset(X)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_missing_and_infinite_values_are_counted_and_located(bad):
    X = POINTS.copy()
    X[7, 1] = X[9, 0] = bad
    with pytest.raises(InvalidInputError, match=r"got 2 NaN or infinite .* first at row 7, column 1"):
        Dataset(X)


def test_the_fingerprint_is_of_the_content():
    data = Dataset(POINTS, name="a")
    assert data.fingerprint == Dataset(np.asfortranarray(POINTS), name="b").fingerprint
    assert data.fingerprint != Dataset(POINTS + 1e-9).fingerprint
    assert data.fingerprint != Dataset(POINTS.reshape(18, 2)).fingerprint


# ---- PartitionSet ---------------------------------------------------------------------------------


def test_clusters_are_renumbered_in_order_and_noise_stays():
    partitions = PartitionSet([[7, 7, 3, -1, 12], [-1, -1, -1, -1, -1], [0, 0, 0, 0, 0]])
    assert partitions.labels.tolist() == [[1, 1, 0, -1, 2], [-1] * 5, [0] * 5]
    assert partitions.n_clusters.tolist() == [3, 0, 1]
    assert partitions.noise_share.tolist() == [0.2, 1.0, 0.0]
    assert partitions.makers == ("partition 0", "partition 1", "partition 2")


@settings(max_examples=30, deadline=None)
@given(labels=st.lists(st.integers(-1, 30), min_size=1, max_size=20))
def test_renumbering_keeps_who_is_with_whom(labels):
    before = np.array(labels)
    after = PartitionSet([labels]).labels[0]
    assert np.array_equal(before == -1, after == -1)
    assert np.array_equal(before[:, None] == before, after[:, None] == after)
    assert set(after[after >= 0].tolist()) == set(range(after.max() + 1))


def test_whole_floats_and_booleans_are_labels():
    assert PartitionSet([[0.0, 2.0, -1.0]]).labels.tolist() == [[0, 1, -1]]
    assert PartitionSet(np.array([[True, False, True]])).labels.tolist() == [[1, 0, 1]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 1], [0, -2]], "labels must be >= -1 .* got -2 in partition 1"),
        ([[0.5, 1.0]], "labels must be whole numbers"),
        ([[np.nan, 1.0]], "labels must be whole numbers"),
        ([["a", "b"]], "labels must be whole numbers"),
        ([0, 1], r"shape \(p, n\) with p, n >= 1, got \(2,\)"),
        (np.empty((0, 5)), r"got \(0, 5\)"),
    ],
)
def test_labels_that_are_none_are_refused(labels, message):
    with pytest.raises(InvalidInputError, match=message):
        PartitionSet(labels)


def test_each_partition_has_a_maker():
    with pytest.raises(InvalidInputError, match="makers must name each of 2 partitions, got 1"):
        PartitionSet([[0, 1], [1, 0]], ("k-means",))


# ---- MeasureTable ---------------------------------------------------------------------------------


def table(**change):
    given = {
        "values": [[1.0, 5.0], [2.0, np.nan], [2.0, 3.0]],
        "measures": ("up", "down"),
        "greater_is_better": (True, False),
    }
    return MeasureTable(**given | change)


def test_a_table_has_no_reason_for_what_it_lacks():
    assert table(reasons={(1, "down"): "too few"}).reason(1, "down") == "too few"
    assert table().reason(0, "down") is None
    with pytest.raises(InvalidInputError, match="the table lacks the measure 'sideways'"):
        table().reason(0, "sideways")
    for row in (-1, 3):
        with pytest.raises(InvalidInputError, match=f"partition must be one of the rows 0 to 2, got {row}"):
            table().reason(row, "down")


def test_ranks_follow_the_direction_share_ties_and_put_missing_values_last():
    assert table().ranks().tolist() == [[3.0, 2.0], [1.5, 3.0], [1.5, 1.0]]
    assert table().oriented()[0].tolist() == [1.0, -5.0]


def test_a_table_becomes_a_frame():
    frame = table(makers=("a", "b", "c")).to_frame()
    assert frame.loc["c", "down"] == 3.0
    assert frame.index.name == "partition"


def test_a_table_has_a_column_per_measure():
    with pytest.raises(InvalidInputError, match=r"values must have shape \(3, 1\), got \(3, 2\)"):
        table(measures=("up",))
    with pytest.raises(InvalidInputError, match="one entry per measure"):
        table(greater_is_better=(True,))


# ---- Ranking and MetaDataset ----------------------------------------------------------------------


def test_ranks_share_the_mean_of_tied_places():
    assert Ranking([1.0, 2.5, 2.5], "simulated-1").ranks.tolist() == [1.0, 2.5, 2.5]
    with pytest.raises(InvalidInputError, match=r"ranks must be 1..3 .* got \[0.0, 1.0, 2.0\]"):
        Ranking([0.0, 1.0, 2.0], "simulated-1")


def meta(**change):
    given = {
        "features": np.zeros((2, 3)),
        "pair_features": np.zeros((2, 4, 1)),
        "relevance": np.zeros((2, 4)),
        "datasets": ("x", "y"),
        "families": ("moons", "rings"),
        "groups": ("curved", "curved"),
        "feature_names": ("a", "b", "c"),
        "pair_feature_names": ("g",),
        "measures": ("m1", "m2", "m3", "m4"),
    }
    return MetaDataset(**given | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.zeros((2, 2))}, r"features must have shape \(2, 3\)"),
        ({"pair_features": np.zeros((2, 4, 2))}, r"pair_features must have shape \(2, 4, 1\)"),
        ({"relevance": np.zeros((2, 3))}, r"relevance must have shape \(2, 4\)"),
        ({"groups": ("curved",)}, "families and groups must name each of 2"),
    ],
)
def test_a_meta_data_set_agrees_with_its_names(change, message):
    assert meta().relevance.shape == (2, 4)
    with pytest.raises(InvalidInputError, match=message):
        meta(**change)
