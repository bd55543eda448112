"""Nearest points of the own and of other clusters, and densities, for all partitions of the same points."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gamac_meta._kernels import neighborhood as kernels
from gamac_meta.points import LISTED, SearchTree, SharedPoints, nearest_among
from gamac_meta.types import Floats, Ints, Labels

# points of the own and of other clusters whose mean distances are taken
FEW = 5
# in more dimensions than this whole rows of distances are scanned
TREE_DIMENSIONS = kernels.COLUMNS
# from this many points in the plane on, kernel sums go by way of a grid, its nodes so many widths apart,
# unless far outliers make it larger than so many nodes
GRID_POINTS = 1000
SPACING = 0.4
GRID_NODES = 1_000_000


class NearPass:
    """Nearest points and densities of several partitions of the same points, made when first asked for."""

    def __init__(self, shared: SharedPoints, labels: Labels) -> None:
        self.shared = shared
        self.labels = labels

    @cached_property
    def near(self) -> Floats:
        """(p, 4, n) distance to the nearest own and the nearest foreign point, then mean distances to the
        FEW nearest of each, or to as many as there are of both; NaN where there are none."""
        p, n = self.labels.shape
        tree = self.shared.search_tree
        lists = self.shared.neighbors(min(LISTED, n - 1))
        sizes = [np.bincount(row[row >= 0]) for row in self.labels]
        out = np.full((p, 4, n), np.nan)
        if tree.points.shape[1] <= TREE_DIMENSIONS:
            padded = _padded(tree)
            for q, size in enumerate(sizes):
                kernels.near_clusters(*padded, *lists, self.labels, q, size, FEW, out[q])
        else:
            offsets = np.concatenate([[0], np.cumsum([size.size for size in sizes])])
            columns = np.ascontiguousarray(tree.points.T)
            joined = np.concatenate(sizes)
            kernels.near_clusters_all(columns, tree.order, *lists, self.labels, joined, offsets, FEW, out)
        return out

    def densities(self, row: int) -> Floats:
        """(n,) kernel density of the points that partition row clusters, each point itself left out.

        The kernel is Gaussian, its width Scott's factor times the root mean variance of the columns. In
        a unit of its own; zero at noise.
        """
        group, densities = self._densities
        return np.asarray(densities[group[row]])

    @cached_property
    def _densities(self) -> tuple[Ints, Floats]:
        """(p,) which set of points each partition clusters, and (sets, n) densities of each."""
        X, tree = self.shared.X, self.shared.search_tree
        inside = self.labels >= 0
        # by their bytes: numpy would sort rows as records of n fields
        codes: dict[bytes, int] = {}
        group = np.array([codes.setdefault(row.tobytes(), len(codes)) for row in inside])
        first = np.unique(group, return_index=True)[1]
        kept = inside[first]
        # where all points are equal, or none is left, any width will do
        variances = np.array([X[row].var(axis=0).mean() if row.any() else 0.0 for row in kept])
        widths = np.sqrt(variances) * np.maximum(kept.sum(axis=1), 1) ** (-1.0 / (X.shape[1] + 4))
        widths[widths == 0.0] = 1.0
        densities = np.zeros(kept.shape)
        by_grid = np.array([_suits_a_grid(X[row], width) for row, width in zip(kept, widths, strict=True)])
        for g in np.flatnonzero(by_grid):
            sums = np.empty(kept[g].sum())
            kernels.gridded_densities(X[kept[g]], widths[g], SPACING * widths[g], sums)
            densities[g, kept[g]] = sums - 1.0
        rest = np.flatnonzero(~by_grid)
        if rest.size:
            nearest = np.nan_to_num(np.fmin(self.near[first[rest], 0], self.near[first[rest], 1])) ** 2
            columns = np.ascontiguousarray(tree.points.T)
            included = kept[rest][:, tree.order].astype(np.float64)
            sums = kernels.kernel_densities(columns, included, nearest[:, tree.order], 0.5 / widths[rest] ** 2)
            densities[np.ix_(rest, tree.order)] = sums
        return group, densities


def _suits_a_grid(X: Floats, width: float) -> bool:
    """Whether kernel sums over X, in two dimensions, are had faster from a grid that is not too large."""
    if X.shape[1] != 2 or len(X) < GRID_POINTS:
        return False
    nodes = np.ptp(X, axis=0) / (SPACING * width)
    return bool(nodes[0] * nodes[1] <= GRID_NODES)


def nearest_clustered(shared: SharedPoints, inside: NDArray[np.bool_], count: int) -> tuple[Floats, Ints]:
    """Distances and indices (n, count) of each inside point's nearest other points inside (n,)."""
    n = inside.size
    lists, places = np.empty((n, count)), np.empty((n, count), dtype=np.int64)
    found = kernels.listed_among(*shared.neighbors(min(max(LISTED, count), n - 1)), inside, lists, places)
    short = np.flatnonzero(found < count)
    if short.size:
        lists[short], places[short] = nearest_among(shared.X, short, np.flatnonzero(inside), count)
    return lists, places


def _padded(tree: SearchTree) -> SearchTree:
    """The tree with as many columns as the searches in it have, further ones zero."""
    more = ((0, 0), (0, kernels.COLUMNS - tree.points.shape[1]))
    return tree._replace(
        points=np.pad(tree.points, more), lower=np.pad(tree.lower, more), upper=np.pad(tree.upper, more)
    )
