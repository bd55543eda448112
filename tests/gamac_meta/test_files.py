import errno
import os
import pickle

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from gamac_meta.exceptions import InvalidInputError, StorageFullError
from gamac_meta.files import READERS, read_labels, read_table, replacing, select_columns, write_table

NUMBERS = pd.DataFrame({"a": [1.5, 2.0, -3.0], "b": [4.0, 5.25, 1e300]})
ARFF = "@relation r\n@attribute a numeric\n@attribute b numeric\n@data\n1.5,4\n2,5.25\n-3,1e300\n"


def write(path, frame=NUMBERS):
    match path.suffix:
        case ".csv":
            frame.to_csv(path, index=False)
        case ".tsv":
            frame.to_csv(path, index=False, sep="\t")
        case ".parquet":
            frame.to_parquet(path)
        case ".npy":
            np.save(path, frame.to_numpy())
        case ".npz":
            np.savez(path, frame.to_numpy())
        case ".arff":
            path.write_text(ARFF)
    return path


@pytest.mark.parametrize("suffix", READERS)
def test_every_format_reads_back_what_was_written(tmp_path, suffix):
    frame = read_table(write(tmp_path / f"table{suffix}"))
    assert np.array_equal(frame.to_numpy(), NUMBERS.to_numpy())
    assert list(frame.columns) == (["0", "1"] if suffix.startswith(".np") else ["a", "b"])


@pytest.mark.parametrize("suffix", READERS)
def test_every_format_refuses_missing_empty_and_damaged_files(tmp_path, suffix):
    path = tmp_path / f"table{suffix}"
    with pytest.raises(InvalidInputError, match="must be an existing file"):
        read_table(path)
    path.touch()
    with pytest.raises(InvalidInputError, match=r"must not be empty, got .* of 0 bytes"):
        read_table(path)
    path.write_bytes(b"\x00\xff\xfe broken \x80" * 7)
    with pytest.raises(InvalidInputError, match="table"):
        read_table(path)


@settings(max_examples=25)
@given(X=arrays.arrays(np.float64, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(-1e9, 1e9)))
def test_a_csv_of_bare_numbers_keeps_its_first_row(tmp_path_factory, X):
    path = tmp_path_factory.mktemp("bare") / "x.csv"
    path.write_text("".join(",".join(map(repr, row)) + "\n" for row in X.tolist()))
    assert np.array_equal(read_table(path).to_numpy(dtype=float), X)


def test_headers_are_told_from_numbers(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("x1,x2\n1,2\n3,4\n")
    assert list(read_table(path).columns) == ["x1", "x2"]
    path.write_text("1,,NA\n3,4,5\n")  # a missing value does not make a header
    assert read_table(path).shape == (2, 3)
    pd.DataFrame([[0.5, 1.0], [2.0, 3.0]]).to_csv(path, index=False)  # pandas counts columns without names
    assert read_table(path).to_numpy().tolist() == [[0.5, 1.0], [2.0, 3.0]]
    path.write_text("0\n1\n2\n")
    assert read_table(path).shape == (3, 1)


@pytest.mark.parametrize("text", ["a;b\n1;2\n3;4\n", "a\tb\n1\t2\n3\t4\n", "\ufeffa,b\r\n1,2\r\n\r\n3,4\r\n"])
def test_delimiters_byte_order_marks_and_blank_lines(tmp_path, text):
    path = tmp_path / "x.csv"
    path.write_bytes(text.encode())
    frame = read_table(path)
    assert list(frame.columns) == ["a", "b"]
    assert frame.to_numpy().tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(("text", "line"), [("a,b\n1,2\n3\n", 3), ("a,b\n1,2,9\n3,4,9\n", 2), ("1,2\n3,4\n5,6,7\n", 3)])
def test_ragged_rows_are_refused_with_their_line(tmp_path, text, line):
    path = tmp_path / "x.csv"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=f"rows must have equal length, got 2 fields .* in line {line} of"):
        read_table(path)


def test_a_saved_row_number_is_no_column(tmp_path):
    path = tmp_path / "x.csv"
    NUMBERS.to_csv(path)
    with pytest.warns(UserWarning, match="dropped the unnamed first column: it numbers the rows"):
        assert list(read_table(path).columns) == ["a", "b"]


def test_other_unnamed_first_columns_stay(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text(",a\n5,1\n7,2\n")
    assert read_table(path).shape == (2, 2)


def test_header_alone_is_no_table(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n")
    with pytest.raises(InvalidInputError, match=r"must have rows and columns, got .* of shape \(0, 2\)"):
        read_table(path)


def test_not_utf8_is_refused_with_the_byte(tmp_path):
    path = tmp_path / "x.csv"
    path.write_bytes("größe\n1\n".encode("latin-1"))
    with pytest.raises(InvalidInputError, match="must be UTF-8 text, got byte 0xf6"):
        read_table(path)


def test_an_unknown_suffix_lists_the_known_ones(tmp_path):
    with pytest.raises(InvalidInputError, match=r"one of \.csv, .*\.arff, got .*x\.xlsx"):
        read_table(tmp_path / "x.xlsx")


class Bomb:
    def __reduce__(self):
        return (os.abort, ())


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickled_objects_are_refused_and_never_loaded(tmp_path, suffix):
    path = tmp_path / f"x{suffix}"
    (np.save if suffix == ".npy" else np.savez)(path, np.array([Bomb()], dtype=object))
    with pytest.raises(InvalidInputError, match=r"pickled objects in .* which are never loaded"):
        read_table(path)


def test_a_bare_pickle_is_refused(tmp_path):
    path = tmp_path / "x.npy"
    path.write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(InvalidInputError, match=r"x\.npy"):
        read_table(path)


def test_npz_of_several_arrays_is_read_from_X(tmp_path):
    path = tmp_path / "x.npz"
    np.savez(path, X=np.ones((2, 3)), y=np.zeros(2))
    assert read_table(path).shape == (2, 3)
    np.savez(path, data=np.ones((2, 3)), y=np.zeros(2))
    with pytest.raises(InvalidInputError, match="one array or one named X, got 'data', 'y'"):
        read_table(path)


def test_arrays_of_three_dimensions_are_refused(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, np.ones((2, 3, 4)))
    with pytest.raises(InvalidInputError, match=r"got \(2, 3, 4\)"):
        read_table(path)


def test_nominal_arff_columns_are_text(tmp_path):
    path = tmp_path / "x.arff"
    path.write_text("@relation r\n@attribute a numeric\n@attribute c {u,v}\n@data\n1,u\n2,v\n")
    assert read_table(path)["c"].tolist() == ["u", "v"]


def test_columns_are_selected_in_order_and_dropped():
    frame = pd.DataFrame([[1, 2, 3]], columns=["a", "b", "c"])
    assert list(select_columns(frame, ["c", "a"]).columns) == ["c", "a"]
    assert list(select_columns(frame, drop=["b"]).columns) == ["a", "c"]
    with pytest.raises(InvalidInputError, match="columns must be among 'a', 'b', 'c', got 'd'"):
        select_columns(frame, drop=["d"])
    with pytest.raises(InvalidInputError, match="at least one column must remain"):
        select_columns(frame, drop=["a", "b", "c"])


def test_labels_may_be_text_or_whole_numbers(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_text("species,k2,noisy\nowl,1,x\nant,0.0,noise\nowl,-1,-1\n")
    labels = read_labels(path, 3)
    assert labels["species"].tolist() == [1, 0, 1]
    assert labels["k2"].tolist() == [1, 0, -1]
    assert labels["noisy"].tolist() == [0, -1, -1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n0\n1\n", r"a row per point \(3\) and a column per partition, got shape \(2, 1\)$"),
        ("0,1,1\n0,0,1\n", "it looks transposed"),
        ("a\n0\n0.5\n1\n", "whole numbers or text, got fractions in 'a'"),
        ("a,b\n0,1\n,1\n1,1\n", "must not be missing, got 1 in column 'a'"),
    ],
)
def test_labels_are_refused_with_the_reason(tmp_path, text, message):
    path = tmp_path / "labels.csv"
    path.write_text(text)
    with pytest.raises(InvalidInputError, match=message):
        read_labels(path, 3)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_tables_written_are_read_back(tmp_path, suffix):
    path = tmp_path / f"out{suffix}"
    write_table(NUMBERS.set_index("a"), path)
    frame = read_table(path).reset_index()
    assert frame["b"].tolist() == NUMBERS["b"].tolist()


def test_row_numbers_are_not_written(tmp_path):
    write_table(NUMBERS, tmp_path / "out.csv")
    assert list(read_table(tmp_path / "out.csv").columns) == ["a", "b"]


def test_html_is_a_table(tmp_path):
    write_table(NUMBERS, tmp_path / "out.html")
    assert "<table" in (tmp_path / "out.html").read_text()


def test_a_full_disk_leaves_the_old_file_and_nothing_beside_it(tmp_path, monkeypatch):
    path = tmp_path / "out.csv"
    path.write_text("old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFullError, match=r"no room on the disk to write .*out\.csv"):
        write_table(NUMBERS, path)
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["out.csv"]


def test_an_interrupted_write_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "out.csv"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_a_device_is_written_into_and_not_replaced():
    with pytest.raises(StorageFullError, match="/dev/full"), replacing("/dev/full") as file:
        file.write(b"x")
    assert not os.path.isfile("/dev/full")  # noqa: PTH113


def test_a_link_stays_a_link(tmp_path):
    target, link = tmp_path / "target.csv", tmp_path / "link.csv"
    target.write_text("old")
    link.symlink_to(target)
    with replacing(link) as file:
        file.write(b"new")
    assert link.is_symlink()
    assert target.read_text() == "new"


def test_a_file_is_no_directory(tmp_path):
    (tmp_path / "file").touch()
    message = "cannot be written: Not a directory"
    with pytest.raises(InvalidInputError, match=message), replacing(tmp_path / "file" / "out.csv") as file:
        file.write(b"x")


def test_a_directory_is_no_output(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be written: Is a directory"), replacing(tmp_path) as file:
        file.write(b"x")
