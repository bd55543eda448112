import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy.sparse import csr_matrix

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.inputs import as_dataset, as_partitions, prepare
from gamac_meta.types import Dataset, PartitionSet

POINTS = np.random.default_rng(3).normal(size=(12, 2)) * [1.0, 3.0] + 5.0


# ---- what is a table of points --------------------------------------------------------------------


@pytest.mark.parametrize(
    "X",
    [
        POINTS,
        POINTS.tolist(),
        POINTS.astype(object),
        pd.DataFrame(POINTS, columns=["a", "b"]),
        pd.DataFrame({"a": pd.array(POINTS[:, 0], dtype="Float64"), "b": POINTS[:, 1].astype(object)}),
        pl.DataFrame(POINTS, schema=["a", "b"]),
        Dataset(POINTS),
    ],
    ids=["array", "lists", "objects", "pandas", "pandas nullable", "polars", "data set"],
)
def test_all_kinds_of_tables_give_the_same_points(X):
    data, names = as_dataset(X)
    assert np.array_equal(data.X, POINTS)
    assert names == (("a", "b") if hasattr(X, "columns") else ("0", "1"))


def test_whole_numbers_and_booleans_are_numbers():
    frame = pd.DataFrame({"count": np.arange(12), "flag": np.arange(12) % 2 == 0})
    assert as_dataset(frame)[0].X[2].tolist() == [2.0, 1.0]


def test_missing_values_of_a_nullable_column_are_found_as_missing():
    frame = pd.DataFrame({"a": pd.array([1, None, *range(10)], dtype="Int64"), "b": np.arange(12)})
    with pytest.raises(InvalidInputError, match=r"1 NaN or infinite .* row 1, column 0"):
        as_dataset(frame)
    with pytest.raises(InvalidInputError, match=r"1 NaN or infinite .* row 1, column 0"):
        as_dataset(pl.DataFrame({"a": [1, None, *range(10)], "b": np.arange(12)}))


@pytest.mark.parametrize("library", [pd, pl], ids=["pandas", "polars"])
def test_columns_of_text_are_named_with_what_to_do(library):
    frame = library.DataFrame({"size": np.arange(12), "color": ["red"] * 12, "shape": ["round"] * 12})
    with pytest.raises(InvalidInputError, match=r"2 non-numeric column\(s\): 'color', 'shape'; drop them or encode"):
        as_dataset(frame)


def test_dates_are_no_numbers():
    frame = pd.DataFrame({"a": np.arange(12), "when": pd.date_range("2024-01-01", periods=12)})
    with pytest.raises(InvalidInputError, match="'when'"):
        as_dataset(frame)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        ([[1.0, 2.0], [3.0]], "rectangular table of numbers"),
        ([["a", "b"]] * 12, "X must be numeric, got dtype <U1"),
        (POINTS.astype(complex), "X must be numeric, got dtype complex128"),
        (csr_matrix(POINTS), r"X must be dense, got a sparse matrix of shape \(12, 2\)"),
        (pd.DataFrame(index=range(12)), r"at least one column, got a frame of shape \(12, 0\)"),
        (None, "2 dimensions"),
    ],
)
def test_what_is_no_table_is_refused(X, message):
    with pytest.raises(InvalidInputError, match=message):
        as_dataset(X)


# ---- scaling --------------------------------------------------------------------------------------


def test_common_scale_keeps_the_shape():
    prepared = prepare(POINTS)
    X = prepared.data.X
    assert X.mean(axis=0) == pytest.approx(0.0, abs=1e-12)
    assert np.mean(X**2) == pytest.approx(1.0)
    ratios = np.ptp(X, axis=0) / np.ptp(POINTS, axis=0)
    assert ratios[0] == pytest.approx(ratios[1])
    assert prepared.scale == "common"


def test_the_other_scales():
    assert prepare(POINTS, "standard").data.X.std(axis=0) == pytest.approx(1.0)
    unit = prepare(POINTS, "minmax").data.X
    assert unit.min(axis=0) == pytest.approx(0.0)
    assert unit.max(axis=0) == pytest.approx(1.0)
    assert np.array_equal(prepare(POINTS, None).data.X, POINTS)


def test_an_unknown_scale_is_refused():
    with pytest.raises(InvalidInputError, match=r"scale must be one of .* got 'log'"):
        prepare(POINTS, "log")


def test_constant_columns_go_with_a_warning():
    frame = pd.DataFrame({"a": POINTS[:, 0], "same": 4.0, "b": POINTS[:, 1]})
    with pytest.warns(UserWarning, match=r"dropped 1 constant column\(s\): 'same'"):
        prepared = prepare(frame)
    assert prepared.columns == ("a", "b")
    assert prepared.dropped == ("same",)
    assert prepared.data.d == 2


@pytest.mark.parametrize("scale", ["common", None])
def test_uneven_columns_are_pointed_out(scale):
    frame = pd.DataFrame({"grams": POINTS[:, 0] * 1000, "meters": POINTS[:, 1]})
    with pytest.warns(UserWarning, match=r"'grams' is widest, 'meters' narrowest.*scale=\"standard\""):
        prepare(frame, scale)


@pytest.mark.parametrize("scale", ["standard", "minmax"])
def test_scales_that_even_columns_out_do_not_warn(scale):
    prepare(POINTS * [1000.0, 1.0], scale)  # a warning would be an error here


# ---- partitions -----------------------------------------------------------------------------------


def test_one_labelling_many_and_frames_are_partitions():
    labels = np.arange(12) % 3
    assert as_partitions(labels, 12).labels.tolist() == [labels.tolist()]
    assert len(as_partitions([labels, labels], 12)) == 2
    framed = as_partitions(pd.DataFrame({"ward": labels, "mean": labels}), 12)
    assert framed.makers == ("ward", "mean")
    assert as_partitions(framed, 12) is framed


def test_partitions_of_other_points_are_refused():
    with pytest.raises(InvalidInputError, match="each of 12 points, got 11"):
        as_partitions(np.zeros(11), 12)
    with pytest.raises(InvalidInputError, match="each of 12 points, got 3"):
        as_partitions(PartitionSet([[0, 1, 1]]), 12)


def test_masked_values_are_never_read():
    X = np.ma.masked_equal(np.arange(40.0).reshape(20, 2), 3.0)
    with pytest.raises(InvalidInputError, match=r"X must be complete, got 1 masked value\(s\)"):
        as_dataset(X)
    assert as_dataset(np.ma.asarray(X.data))[0].n == 20
    with pytest.raises(InvalidInputError, match=r"partitions must be complete, got 2 masked"):
        as_partitions(np.ma.masked_equal([0, 0, 1, 2], 0), 4)


@pytest.mark.parametrize(
    "column",
    [
        ["1.5"] * 9 + ["2"],
        pd.Categorical(["1", "2"] * 5),
        pd.Categorical([1, 2] * 5),
        np.array([True, "2"] * 5, dtype=object),
    ],
)
def test_text_and_categories_are_no_numbers_whatever_they_spell(column):
    with pytest.raises(InvalidInputError, match=r"1 non-numeric column\(s\): 'a'"):
        as_dataset(pd.DataFrame({"a": column, "b": np.arange(10.0)}))
    with pytest.raises(InvalidInputError, match="X must be numeric, got dtype object"):
        as_dataset(np.array([["1.5", 2.0]] * 10, dtype=object))


def test_nullable_columns_say_what_is_missing():
    frame = pd.DataFrame({"a": pd.array([1, None] * 6, dtype="Int64"), "b": np.arange(12.0)})
    with pytest.raises(InvalidInputError, match=r"got 6 NaN or infinite value\(s\), the first at row 1, column 0"):
        as_dataset(frame)
    assert as_dataset(frame.fillna(0))[0].d == 2


def test_a_lazy_frame_is_asked_to_be_collected():
    with pytest.raises(InvalidInputError, match=r"got a LazyFrame; call X.collect\(\) first"):
        as_dataset(pl.LazyFrame({"a": [1.0]}))


@pytest.mark.parametrize("scale", ["common", "standard", "minmax"])
@pytest.mark.parametrize("size", [1e-290, 1e-160, 1e160, 1e290])
def test_size_makes_no_difference_to_scaled_points(scale, size):
    X = np.random.default_rng(0).normal(size=(30, 2)) * [1.0, 3.0]
    assert pytest.approx(prepare(X, scale).data.X, rel=1e-9, abs=1e-12) == prepare(X * size, scale).data.X


def test_standard_scaling_of_columns_of_any_size():
    X = np.random.default_rng(0).normal(size=(30, 2)) * [1.0, 1e-200]
    assert prepare(X, "standard").data.X.std(axis=0) == pytest.approx([1.0, 1.0])


def test_numbers_too_large_to_subtract_are_refused():
    with pytest.raises(InvalidInputError, match=r"X must be at most 1e\+300 in size, got 1.2e\+308"):
        as_dataset(np.linspace(-1.2e308, 1.0, 20)[:, None])
