"""The door: what users pass in becomes a Dataset or a PartitionSet, or a clear refusal."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Dataset, Floats, PartitionSet

SCALES = ("common", "standard", "minmax", None)
UNEVEN_SPREAD = 20.0


@dataclass(frozen=True, eq=False)
class Prepared:
    """A data set as it will be computed on, and what was done to it."""

    data: Dataset
    columns: tuple[str, ...]  # kept columns, by name
    dropped: tuple[str, ...]  # constant columns
    scale: str | None


def as_dataset(X: Any, name: str = "unnamed") -> tuple[Dataset, tuple[str, ...]]:
    """A Dataset and its column names from an array-like, or a pandas or polars frame."""
    if isinstance(X, Dataset):
        return X, tuple(str(column) for column in range(X.d))
    if hasattr(X, "collect"):
        raise InvalidInputError(f"X must be in memory, got a {type(X).__name__}; call X.collect() first")
    X = _unmasked(X, "X")
    if hasattr(X, "columns") and hasattr(X, "dtypes"):
        return _from_frame(X, name)
    if hasattr(X, "toarray"):
        raise InvalidInputError(
            f"X must be dense, got a sparse matrix of shape {X.shape}; call X.toarray() or reduce its dimension first"
        )
    try:
        array = np.asarray(X)
    except ValueError as error:
        raise InvalidInputError(f"X must be a rectangular table of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        try:
            array = _numbers(array) if array.dtype.kind == "O" else _refuse_dtype(array)
        except (TypeError, ValueError):
            _refuse_dtype(array)
    data = Dataset(array, name=name)
    return data, tuple(str(column) for column in range(data.d))


def _unmasked(values: Any, name: str) -> Any:
    if not isinstance(values, np.ma.MaskedArray):
        return values
    masked = int(np.sum(np.asarray(values.mask)))
    if masked:
        raise InvalidInputError(f"{name} must be complete, got {masked} masked value(s); drop or fill them")
    return values.data


def _numbers(array: Any) -> Any:
    """Objects as floats, None as NaN; text is no number, whatever it spells."""
    if any(isinstance(value, str | bytes) for value in array.flat):
        _refuse_dtype(array)
    return array.astype(np.float64)


def _refuse_dtype(array: Any) -> Any:
    raise InvalidInputError(f"X must be numeric, got dtype {array.dtype}; encode text columns as numbers first")


def _from_frame(frame: Any, name: str) -> tuple[Dataset, tuple[str, ...]]:
    names = [str(column) for column in frame.columns]
    columns, bad = [], []
    for position, column in enumerate(frame.columns):
        values = frame.iloc[:, position] if hasattr(frame, "iloc") else frame[column]
        array = values.to_numpy()
        if array.dtype.kind == "O" and str(values.dtype) != "category":
            # nullable columns and decimals arrive as objects; what is missing becomes NaN
            try:
                array = _numbers(np.where(values.isna(), np.nan, array) if hasattr(values, "isna") else array)
            except (TypeError, ValueError):
                bad.append(names[position])
                continue
        if str(values.dtype) == "category":
            bad.append(names[position])
            continue
        if array.dtype.kind not in "fiub":
            bad.append(names[position])
            continue
        columns.append(np.asarray(array, dtype=np.float64))
    if bad:
        shown = ", ".join(map(repr, bad[:8])) + (", ..." if len(bad) > 8 else "")
        raise InvalidInputError(
            f"X must be numeric, got {len(bad)} non-numeric column(s): {shown}; drop them or encode them as numbers"
        )
    if not columns:
        raise InvalidInputError(f"X must have at least one column, got a frame of shape {frame.shape}")
    return Dataset(np.column_stack(columns), name=name), tuple(names)


def prepare(X: Any, scale: str | None = "common", name: str = "unnamed") -> Prepared:
    """Check X, drop constant columns with a warning, and scale.

    scale: "common" centers each column and divides all by one number (the root mean variance);
    "standard" gives each column unit variance; "minmax" maps each to [0, 1]; None leaves X as it is.
    """
    if scale not in SCALES:
        raise InvalidInputError(f"scale must be one of {SCALES}, got {scale!r}")
    data, names = as_dataset(X, name)
    spread = np.ptp(data.X, axis=0)
    constant = spread == 0.0
    dropped = tuple(column for column, gone in zip(names, constant, strict=True) if gone)
    if dropped:
        shown = ", ".join(map(repr, dropped[:8])) + (", ..." if len(dropped) > 8 else "")
        warnings.warn(f"dropped {len(dropped)} constant column(s): {shown}", UserWarning, stacklevel=3)
    kept = data.X[:, ~constant]
    columns = tuple(column for column, gone in zip(names, constant, strict=True) if not gone)
    spread = spread[~constant]
    ratio = spread.max() / spread.min()
    if scale in ("common", None) and ratio > UNEVEN_SPREAD:
        warnings.warn(
            f"columns differ {ratio:.0f}-fold in spread ({columns[int(spread.argmax())]!r} is widest, "
            f'{columns[int(spread.argmin())]!r} narrowest), so the widest dominate; scale="standard" evens them out',
            UserWarning,
            stacklevel=3,
        )
    return Prepared(Dataset(scaled(kept, scale), data.name, data.origin), columns, dropped, scale)


def scaled(X: Floats, scale: str | None) -> Floats:
    """X (n, d) without constant columns, scaled as `prepare` says."""
    if scale is None:
        return X
    # by a power of two, which is exact: squares of very large or small numbers would overflow or vanish
    X = np.ldexp(X, -int(np.frexp(np.abs(X).max())[1]))
    if scale == "minmax":
        return np.asarray((X - X.min(axis=0)) / np.ptp(X, axis=0))
    centered = X - X.mean(axis=0)
    if scale == "standard":
        centered = centered / np.abs(centered).max(axis=0)
    variance = np.mean(centered**2, axis=0)
    return np.asarray(centered / np.sqrt(variance if scale == "standard" else variance.mean()))


def as_partitions(partitions: Any, n: int) -> PartitionSet:
    """A PartitionSet of n points from a PartitionSet, a (p, n) array-like, one (n,) labelling or a frame."""
    if isinstance(partitions, PartitionSet):
        result = partitions
    else:
        makers: tuple[str, ...] = ()
        if hasattr(partitions, "columns") and hasattr(partitions, "to_numpy"):
            makers = tuple(str(column) for column in partitions.columns)
            partitions = partitions.to_numpy().T
        partitions = _unmasked(partitions, "partitions")
        try:
            labels = np.asarray(partitions)
        except ValueError as error:
            raise InvalidInputError(f"partitions must be rows of equal length: {error}") from None
        result = PartitionSet(labels[None, :] if labels.ndim == 1 else labels, makers)
    if result.n != n:
        raise InvalidInputError(f"partitions must label each of {n} points, got {result.n} labels per partition")
    return result
