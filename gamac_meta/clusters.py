"""describe_clusters(X, labels): what is in each cluster, in time linear in the size of X."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.inputs import as_dataset, as_partitions
from gamac_meta.types import NOISE, Floats, Ints

if TYPE_CHECKING:
    import pandas as pd

FEATURES = 3  # that a cluster is told by, at most
NOTABLE = 0.5  # standard deviations from the rest that are worth a word
LARGEST_DEVIATION = 99.0  # beyond, the rest does not overlap and the number says nothing
EXAMPLES = 3


def describe_clusters(X: Any, labels: Any, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """A row per cluster, by label, noise (-1) last.

    X: (n, d) array-like or frame, in the units that are to be shown. labels: (n,), -1 is noise. columns: (d,)
    names; those of the frame, or the columns' numbers, by default. The frame has the columns

    - size, share: points, and their share of n
    - features: the columns whose mean differs most from that of all other points, in pooled standard
      deviations, at most three, as in "body_mass_g high (+1.8 sd)"; empty where none differs by half of one
    - spread: root mean variance over the columns, each of unit variance in X: 0 for equal points, 1 for
      points as wide as the table
    - examples: row numbers of the three points nearest to the centroid, over columns of unit variance; the
      first is the medoid by squared distances
    - mean NAME, for every column: the centroid

    Raises InvalidInputError for what is no table, or not one label for each of its rows.
    """
    import pandas as pd

    data, names = as_dataset(X)
    names = tuple(map(str, columns)) if columns is not None else names
    if len(names) != data.d:
        raise InvalidInputError(f"columns must name each of {data.d} columns, got {len(names)}")
    partitions = as_partitions(labels, data.n)
    if len(partitions) != 1:
        raise InvalidInputError(f"labels must be one partition, got {len(partitions)}")
    given, codes = np.unique(np.asarray(labels).reshape(data.n), return_inverse=True)
    if given[0] == NOISE:
        given, codes = np.roll(given, -1), (codes - 1) % len(given)

    sizes = np.bincount(codes)
    unit, Z = _standardized(data.X)
    means = _means(Z, codes, sizes)
    squared = (Z - means[codes]) ** 2
    spread = np.sqrt(_means(squared, codes, sizes).mean(axis=1))
    nearest = _nearest(squared.sum(axis=1), codes, sizes)
    center = data.X[0] + (means - Z[0]) * unit
    frame = pd.DataFrame(
        {
            "size": sizes,
            "share": sizes / data.n,
            "features": [_in_words(row, names) for row in _deviations(means, sizes)],
            "spread": spread,
            "examples": nearest,
        },
        index=pd.Index(given.astype(np.int64), name="cluster"),
    )
    centroids = pd.DataFrame(center, columns=[f"mean {name}" for name in names], index=frame.index)
    return pd.concat([frame, centroids], axis=1)


def _standardized(X: Floats) -> tuple[Floats, Floats]:
    """(d,) standard deviations, and (n, d) columns of zero mean and unit variance; a constant one is 0."""
    # by the size first: squares of very large numbers overflow
    largest = np.abs(X).max(axis=0)
    size = np.where(largest > 0.0, largest, 1.0)
    Z = X / size
    Z -= Z.mean(axis=0)
    varies = np.ptp(X, axis=0) > 0.0
    deviation = np.where(varies, Z.std(axis=0), 1.0)
    return deviation * size, np.where(varies, Z / deviation, 0.0)


def _means(values: Floats, codes: Ints, sizes: Ints) -> Floats:
    """(k, d) means of the rows with each code."""
    sums = [np.bincount(codes, column, len(sizes)) for column in values.T]
    return np.column_stack(sums) / sizes[:, None]


def _deviations(means: Floats, sizes: Ints) -> Floats:
    """(k, d) mean of a cluster less that of all other points, in their pooled standard deviations.

    means: of columns of zero mean and unit variance, so that the squares of both groups follow from the means.
    """
    n = sizes.sum()
    inside, outside = sizes[:, None], n - sizes[:, None]
    if len(sizes) == 1:
        return np.zeros_like(means)
    difference = means * n / outside
    pooled = (n - inside * outside / n * difference**2) / (n - 2)
    # groups that hold one value each leave rounding errors
    return np.asarray(difference / np.sqrt(np.maximum(pooled, 1e-12)))


def _in_words(deviations: Floats, names: Sequence[str]) -> str:
    order = np.argsort(-np.abs(deviations), kind="stable")[:FEATURES]
    return ", ".join(
        f"{names[column]} {'high' if deviations[column] > 0 else 'low'} ({_amount(deviations[column])} sd)"
        for column in order
        if abs(deviations[column]) >= NOTABLE
    )


def _amount(deviation: float) -> str:
    if abs(deviation) > LARGEST_DEVIATION:
        return f"beyond {np.copysign(LARGEST_DEVIATION, deviation):+.0f}"
    return f"{deviation:+.1f}"


def _nearest(distances: Floats, codes: Ints, sizes: Ints) -> list[list[int]]:
    """The rows of each code with the least distances (n,), the nearest first."""
    order = np.lexsort((distances, codes))
    starts = np.cumsum(sizes) - sizes
    return [order[start : start + min(EXAMPLES, size)].tolist() for start, size in zip(starts, sizes, strict=True)]
