"""Tables in and out: the reader is chosen by suffix, and no write leaves half a file."""

from __future__ import annotations

import csv
import errno
import io
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from gamac_meta.exceptions import InvalidInputError, StorageFullError

if TYPE_CHECKING:
    import pandas as pd

DELIMITERS = {".csv": ",;\t", ".tsv": "\t"}


def read_table(path: str | Path) -> pd.DataFrame:
    """A frame from a CSV, TSV, Parquet, NPY, NPZ or ARFF file, a row per point.

    A CSV or TSV whose first row is all numbers has no header, unless it counts the columns 0, 1, ...; they
    are then named so.
    An NPZ with several arrays is read from the one named X. Nothing is ever unpickled.

    Raises InvalidInputError for a file that is missing, empty, damaged, ragged, or of unknown suffix.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise InvalidInputError(f"a table must end in one of {', '.join(READERS)}, got {str(path)!r}")
    if not path.is_file():
        raise InvalidInputError(f"a table must be an existing file, got {str(path)!r}")
    if path.stat().st_size == 0:
        raise InvalidInputError(f"a table must not be empty, got {str(path)!r} of 0 bytes")
    try:
        frame = READERS[suffix](path)
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or _first_line(error)}") from None
    if frame.shape[0] == 0 or frame.shape[1] == 0:
        raise InvalidInputError(f"a table must have rows and columns, got {path} of shape {frame.shape}")
    return frame


def select_columns(
    frame: pd.DataFrame, columns: Sequence[str] | None = None, drop: Sequence[str] | None = None
) -> pd.DataFrame:
    """The named columns in the order given, without those in drop."""
    for name in (*(columns or ()), *(drop or ())):
        if name not in frame.columns:
            raise InvalidInputError(f"columns must be among {_shown(frame.columns)}, got {name!r}")
    kept = [name for name in (columns or frame.columns) if name not in set(drop or ())]
    if not kept:
        raise InvalidInputError(f"at least one column must remain, got none of {_shown(frame.columns)}")
    return frame[kept]


def read_labels(path: str | Path, n: int) -> pd.DataFrame:
    """(n, p) integer labels from a table: a row per point, a column per partition; -1 is noise.

    Text labels are numbered in alphabetical order; the text "-1" or "noise" is noise.
    """
    import pandas as pd

    frame = read_table(path)
    if frame.shape[0] != n:
        turned = "; it looks transposed" if frame.shape[1] == n else ""
        raise InvalidInputError(
            f"{path} must have a row per point ({n}) and a column per partition, got shape {frame.shape}{turned}"
        )
    return pd.DataFrame({name: _numbered(frame[name], str(path)) for name in frame.columns})


def write_table(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame as CSV, TSV, Parquet or HTML, chosen by suffix, whole or not at all."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in WRITERS:
        raise InvalidInputError(f"a table is written as one of {', '.join(WRITERS)}, got {str(path)!r}")
    with replacing(path) as file:
        WRITERS[suffix](frame, file)


@contextmanager
def replacing(path: str | Path) -> Iterator[BinaryIO]:
    """A binary file that takes the place of path when the block ends well, and vanishes when it does not.

    Raises StorageFullError when the disk has no room; what path held before is then intact.
    """
    path = Path(path).resolve()
    beside = path.with_name(f".{path.name}.{token_hex(4)}.part")
    try:
        if path.exists() and not path.is_file():
            # a device or a pipe is written into; a directory is refused by open
            with path.open("wb") as stream:
                yield stream
            return
        with beside.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFullError(f"no room on the disk to write {path}; nothing was changed") from None
        raise InvalidInputError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            beside.unlink()


def _read_delimited(path: Path) -> pd.DataFrame:
    import pandas as pd

    try:
        delimiter, fields = _require_rectangle(path)
        # counted columns are what pandas writes where columns have no names
        counted = len(fields) > 1 and fields == [str(column) for column in range(len(fields))]
        headed = counted or not all(map(_is_number_or_missing, fields))
        frame = pd.read_csv(
            path,
            sep=delimiter,
            header=0 if headed else None,
            index_col=False,
            encoding="utf-8-sig",
            low_memory=False,
        )
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} must be UTF-8 text, got byte {error.object[error.start]:#04x}") from None
    except (csv.Error, pd.errors.ParserError) as error:
        raise InvalidInputError(f"{path} is not delimited text: {_first_line(error)}") from None
    if headed and not fields[0].strip() and frame.shape[1] > 1:
        numbers = frame.iloc[:, 0].to_numpy()
        if any(np.array_equal(numbers, np.arange(start, start + len(numbers))) for start in (0, 1)):
            warnings.warn("dropped the unnamed first column: it numbers the rows", UserWarning, stacklevel=2)
            frame = frame.iloc[:, 1:]
    frame.columns = [str(name).strip() for name in frame.columns]
    return frame


def _require_rectangle(path: Path) -> tuple[str, list[str]]:
    """The delimiter and the first row, after a check that all rows are as long."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        start = next((line for line in file if line.strip()), "")
        if not start:
            raise InvalidInputError(f"a table must not be empty, got only blank lines in {str(path)!r}")
        delimiter = max(DELIMITERS[path.suffix.lower()], key=start.count)
        file.seek(0)
        reader = csv.reader(file, delimiter=delimiter)
        first: list[str] = []
        # pandas fills short rows with NaN and takes a surplus column for an index, so they are counted here
        for row in reader:
            if len(row) < 2 and not "".join(row).strip():
                continue
            first = first or row
            if len(row) != len(first):
                raise InvalidInputError(
                    f"rows must have equal length, got {len(first)} fields in the first row "
                    f"and {len(row)} in line {reader.line_num} of {path}"
                )
    return delimiter, first


def _read_parquet(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    try:
        frame = pd.read_parquet(path)
    except (pa.ArrowException, ValueError) as error:
        raise InvalidInputError(f"{path} is not a Parquet file: {_first_line(error)}") from None
    frame.columns = [str(name) for name in frame.columns]
    return frame


def _read_npy(path: Path) -> pd.DataFrame:
    try:
        return _as_frame(np.load(path, allow_pickle=False), path)
    except (ValueError, EOFError) as error:
        raise _refused_array(path, error) from None


def _read_npz(path: Path) -> pd.DataFrame:
    from zipfile import BadZipFile

    try:
        with np.load(path, allow_pickle=False) as archive:
            names = list(archive.files)
            if len(names) != 1 and "X" not in names:
                raise InvalidInputError(f"an NPZ must hold one array or one named X, got {_shown(names)} in {path}")
            return _as_frame(archive["X" if "X" in names else names[0]], path)
    except (BadZipFile, ValueError, EOFError, AttributeError) as error:
        # AttributeError: a bare NPY array under this suffix is no context manager
        raise _refused_array(path, error) from None


def _read_arff(path: Path) -> pd.DataFrame:
    import pandas as pd
    from scipy.io import arff

    try:
        # scipy reads line by line and wants text
        rows, _ = arff.loadarff(io.StringIO(path.read_text(encoding="utf-8-sig")))
        frame = pd.DataFrame(rows)
    except (ValueError, StopIteration, IndexError, arff.ArffError, NotImplementedError) as error:
        raise InvalidInputError(f"{path} is not an ARFF file: {_first_line(error)}") from None
    for name in frame.columns:
        if frame[name].dtype == object:
            # nominal values arrive as bytes, a missing one as b"?"
            frame[name] = [value.decode() if isinstance(value, bytes) else value for value in frame[name]]
    return frame


READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": _read_delimited,
    ".tsv": _read_delimited,
    ".parquet": _read_parquet,
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".arff": _read_arff,
}

WRITERS: dict[str, Callable[[pd.DataFrame, BinaryIO], Any]] = {
    ".csv": lambda frame, file: frame.to_csv(file, mode="wb", index=_is_indexed(frame)),
    ".tsv": lambda frame, file: frame.to_csv(file, mode="wb", sep="\t", index=_is_indexed(frame)),
    ".parquet": lambda frame, file: frame.to_parquet(file, index=_is_indexed(frame)),
    ".html": lambda frame, file: file.write(frame.to_html(index=_is_indexed(frame)).encode()),
}


def _is_indexed(frame: pd.DataFrame) -> bool:
    # an index without a name only numbers the rows
    return frame.index.name is not None


def _as_frame(array: np.ndarray[Any, Any], path: Path) -> pd.DataFrame:
    import pandas as pd

    if array.ndim not in (1, 2):
        raise InvalidInputError(f"an array must have shape (points, columns), got {array.shape} in {path}")
    frame = pd.DataFrame(array)
    frame.columns = [str(name) for name in frame.columns]
    return frame


def _refused_array(path: Path, error: Exception) -> InvalidInputError:
    if isinstance(error, InvalidInputError):
        return error
    if "allow_pickle" in str(error):
        return InvalidInputError(f"an array must hold numbers, got pickled objects in {path}, which are never loaded")
    return InvalidInputError(f"{path} is not a {path.suffix[1:].upper()} file: {_first_line(error)}")


def _numbered(values: pd.Series[Any], path: str) -> np.ndarray[Any, Any]:
    if values.isna().any():
        raise InvalidInputError(
            f"labels must not be missing, got {int(values.isna().sum())} in column {values.name!r} of {path}"
        )
    array = values.to_numpy()
    if array.dtype.kind in "iub":
        return array.astype(np.int64)
    if array.dtype.kind == "f":
        if not np.all(array == np.floor(array)):
            raise InvalidInputError(f"labels must be whole numbers or text, got fractions in {values.name!r} of {path}")
        return array.astype(np.int64)
    text = np.array([str(value) for value in array])
    names = [name for name in sorted(set(text)) if name not in ("-1", "noise")]
    codes = {name: code for code, name in enumerate(names)}
    return np.array([codes.get(value, -1) for value in text], dtype=np.int64)


def _is_number_or_missing(text: str) -> bool:
    if text.strip().lower() in ("", "na", "null", "?"):
        return True
    try:
        float(text)
    except ValueError:
        return False
    return True


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _shown(names: Iterable[Any]) -> str:
    listed = [repr(str(name)) for name in names]
    return ", ".join(listed[:12]) + (", ..." if len(listed) > 12 else "")
