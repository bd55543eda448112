"""DataView: the sample and every structure of it that a meta-feature may ask for, each made once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gamac_meta.types import Dataset, Floats, Ints, MeasureTable, PartitionSet
from metafeatures._sample import canonical, centered, rounded, sample_rows, snapped

NEIGHBORS = 10


@dataclass(frozen=True, eq=False)
class Tree:
    """Minimum spanning tree, rooted at the first point; parents come before children in order."""

    order: Ints  # (n,) points as they were reached
    parent: Ints  # (n,) the root is its own parent
    length: Floats  # (n,) distance to the parent, 0 at the root

    @cached_property
    def edges(self) -> Floats:
        """(n - 1,) lengths, longest first."""
        return -np.sort(-self.length[self.order[1:]])

    @cached_property
    def degree(self) -> Ints:
        """(n,) edges at each point."""
        child = self.order[1:]
        counts = np.bincount(self.parent[child], minlength=len(self.order)).astype(np.int64)
        counts[child] += 1
        return counts

    @cached_property
    def below(self) -> Ints:
        """(n,) points in the subtree under each point, itself included."""
        below = np.ones(len(self.order), dtype=np.int64)
        for point in self.order[:0:-1]:
            below[self.parent[point]] += below[point]
        return below


class DataView:
    """One data set as meta-features see it: a centered sample along its principal axes, in canonical order
    and common scale, and so the same however the data were ordered, moved, scaled or turned."""

    def __init__(self, data: Dataset) -> None:
        self._data = data

    @property
    def total_points(self) -> int:
        """Points of the whole data set."""
        return self._data.n

    @cached_property
    def rows(self) -> Ints:
        """(n,) rows of the data set in the sample."""
        return self._sample[0]

    @cached_property
    def X(self) -> Floats:
        """(n, r) the sample along its principal axes that have spread, its root mean square radius 1."""
        return self._sample[1]

    @cached_property
    def points(self) -> Floats:
        """(n, r) X without its last digits: measures, which compare distances to the last digit, see what does
        not change when the data are moved or turned."""
        return snapped(self.X)

    @cached_property
    def columns(self) -> Floats:
        """(n, d) the sample by the columns of the data, its mean at the origin."""
        return centered(self._data.X[self.rows])

    @cached_property
    def _sample(self) -> tuple[Ints, Floats]:
        rows = sample_rows(self._data.X)
        # ordered again: among points at one distance from the mean, the first order went by the columns
        order, points = canonical(self._data.X[rows])
        return rows[order], points

    @property
    def n(self) -> int:
        """Points in the sample."""
        return int(self.X.shape[0])

    @property
    def d(self) -> int:
        """Columns of the data."""
        return self._data.d

    @cached_property
    def condensed(self) -> Floats:
        """(n (n - 1) / 2,) distances of all pairs; ties are exact, and so fall to the canonical order."""
        from scipy.spatial.distance import pdist

        return rounded(pdist(self.X))

    @cached_property
    def distances(self) -> Floats:
        """(n, n) distances."""
        from scipy.spatial.distance import squareform

        return np.asarray(squareform(self.condensed))

    @cached_property
    def sorted_distances(self) -> Floats:
        """(n, n - 1) each point's distances to the others, ascending."""
        return np.asarray(np.sort(self.distances, axis=1)[:, 1:])

    @cached_property
    def neighbors(self) -> Ints:
        """(n, up to 10) nearest other points, nearest first."""
        others = self.distances.copy()
        np.fill_diagonal(others, np.inf)
        count = min(NEIGHBORS, self.n - 1)
        nearest = np.argpartition(others, count - 1, axis=1)[:, :count]
        nearest.sort(axis=1)
        order = np.argsort(np.take_along_axis(others, nearest, axis=1), axis=1, kind="stable")
        return np.asarray(np.take_along_axis(nearest, order, axis=1))

    @cached_property
    def neighbor_distances(self) -> Floats:
        """(n, up to 10) distances to the nearest other points."""
        return self.sorted_distances[:, : min(NEIGHBORS, self.n - 1)]

    @cached_property
    def local_scale(self) -> Floats:
        """(n,) distance to the 5th neighbor, positive: duplicates get the smallest positive one."""
        scale = self.neighbor_distances[:, min(4, self.n - 2)]
        positive = scale[scale > 0]
        if positive.size == 0:
            positive = self.condensed[self.condensed > 0]
        return np.asarray(np.maximum(scale, positive.min()))

    @cached_property
    def tree(self) -> Tree:
        """Minimum spanning tree by Prim's algorithm on the dense matrix, doi:10.1002/j.1538-7305.1957.tb01515.x."""
        n = self.n
        order, parent, length = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64), np.zeros(n)
        reach = self.distances[0].copy()
        reach[0] = np.inf
        outside = np.ones(n, dtype=bool)
        outside[0] = False
        for step in range(1, n):
            point = int(np.argmin(reach))
            order[step], length[point] = point, reach[point]
            outside[point] = False
            row = self.distances[point]
            closer = (row < reach) & outside
            reach[closer] = row[closer]
            parent[closer] = point
            reach[point] = np.inf
        return Tree(order, parent, length)

    @cached_property
    def spectrum(self) -> Floats:
        """(d,) eigenvalues of the covariance, descending."""
        spectrum = np.zeros(self.d)
        spectrum[: self.X.shape[1]] = np.mean(self.X**2, axis=0)
        return spectrum

    @cached_property
    def landmarks(self) -> PartitionSet:
        """The fixed landmark partitions of the sample."""
        from metafeatures._partitions import landmarks

        return landmarks(self)

    @cached_property
    def density_labels(self) -> dict[str, Ints]:
        """What the density-based landmarks find by themselves, -1 is noise: name -> (n,)."""
        from metafeatures._partitions import density_labels

        return density_labels(self)

    @cached_property
    def landmark_table(self) -> MeasureTable:
        """Measures of the landmarks, the anchors among them."""
        from gamac_meta.measures import evaluate
        from metafeatures._landmarks import ANCHORS

        return evaluate(self.points, self.landmarks, ANCHORS)

    @cached_property
    def anchor_table(self) -> MeasureTable:
        """(l, a) the anchor measures of the landmarks, equal for landmarks that are the same partition."""
        from metafeatures._landmarks import ANCHORS

        table = self.landmark_table
        columns = [table.measures.index(name) for name in ANCHORS]
        # a perfect C-index is 0 but for the last digits of a difference
        values = np.round(rounded(table.values[:, columns]), 10)
        return MeasureTable(
            values,
            ANCHORS,
            tuple(table.greater_is_better[column] for column in columns),
            table.makers,
            table.noise_share,
        )
