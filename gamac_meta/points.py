"""Structures of the points alone: neighbors, spanning tree. Computed once, shared by all partitions."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from gamac_meta._kernels import connected, trees
from gamac_meta.types import Floats, Ints

NEIGHBORS = 10
# points within the core distance of a point, itself counted
CORE_POINTS = 5


class SharedPoints:
    """Structures of the points alone, computed once however many partitions are measured."""

    def __init__(self, X: Floats) -> None:
        self.X = X

    def neighbors(self, count: int) -> tuple[Floats, Ints]:
        """Distances and indices (n, count) of each point's nearest other points."""
        if count > self._neighbors[1].shape[1]:
            return nearest_others(self.X, count)
        distances, indices = self._neighbors
        return distances[:, :count], indices[:, :count]

    @cached_property
    def spanning_tree(self) -> tuple[Ints, Floats]:
        """Edges (n - 1, 2) and lengths (n - 1,) of the Euclidean minimum spanning tree."""
        return spanning_tree_of(self.X)

    @cached_property
    def core_distances(self) -> Floats:
        """(n,) distance to the CORE_POINTS-th nearest point, the point itself being the first."""
        return np.max(self.neighbors(min(CORE_POINTS, len(self.X)) - 1)[0], axis=1, initial=0.0)

    @cached_property
    def connectivity_tree(self) -> tuple[Ints, Floats]:
        """Merges (n - 1, 2) of points and earlier merges as mutual reachability grows, and their heights (n - 1,)."""
        edges, lengths = trees.spanning_tree(self.X, self.core_distances)
        order = np.argsort(lengths, kind="stable")
        return connected.merge_tree(edges[order]), lengths[order]

    @cached_property
    def _neighbors(self) -> tuple[Floats, Ints]:
        return nearest_others(self.X, min(NEIGHBORS, len(self.X) - 1))


def spanning_tree_of(X: Floats) -> tuple[Ints, Floats]:
    """Edges (n - 1, 2) and lengths (n - 1,) of the Euclidean minimum spanning tree of X."""
    edges, lengths = trees.spanning_tree(X, np.zeros(len(X)))
    return edges, lengths


def nearest_others(X: Floats, count: int) -> tuple[Floats, Ints]:
    """Distances and indices (n, count) of each point's nearest other points, found by a k-d tree."""
    from scipy.spatial import cKDTree

    if count < 1:
        return np.empty((len(X), 0)), np.empty((len(X), 0), dtype=np.int64)
    distances, indices = cKDTree(X).query(X, k=count + 1)
    # among duplicates a point need not come first in its own list: drop it wherever it is, else the last
    own = indices == np.arange(len(X))[:, None]
    own[~own.any(axis=1), -1] = True
    shape = (len(X), count)
    return distances[~own].reshape(shape), indices[~own].reshape(shape).astype(np.int64)
