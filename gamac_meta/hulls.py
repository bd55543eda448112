"""Convex hulls of clusters in the plane: what is farthest from any point is a corner of one."""

from __future__ import annotations

import numpy as np

from gamac_meta._kernels import hulls as kernels
from gamac_meta.points import SharedPoints
from gamac_meta.types import Floats, Ints, Labels

# in more dimensions hulls have too many corners
HULL_DIMENSIONS = 2


class ClusterHulls:
    """The hulls of the clusters of one partition: labels (n,) with -1 outside, edges (k + 1,) as many clustered
    points before each cluster, and all of them. X has one column or two."""

    def __init__(self, points: SharedPoints, labels: Labels, edges: Ints) -> None:
        corners, self.edges = kernels.corners_of_clusters(points.X, points.left_to_right, labels, edges)
        self.corners: Floats = points.X[corners]

    @property
    def pairs(self) -> int:
        """Pairs of corners of the same cluster, from both ends."""
        return int(np.sum(np.diff(self.edges) ** 2))

    def diameters(self) -> Floats:
        """(k,) largest distance inside each cluster."""
        sizes = np.diff(self.edges)
        farthest = self.farthest(self.corners, np.repeat(np.arange(sizes.size, dtype=np.int32), sizes))
        return np.maximum.reduceat(farthest, self.edges[:-1])

    def farthest(self, points: Floats, labels: Labels) -> Floats:
        """(m,) largest distance from each of points (m, d) to those of the cluster that its label (m,) names."""
        out = np.empty(len(points))
        kernels.farthest_corners(points, labels, self.corners, self.edges, out)
        return out

    def cover(self, points: Floats, labels: Labels, cluster: int) -> float:
        """Smallest, over points (m, d) with other labels (m,), of the largest distance to the cluster's points."""
        corners = self.corners[self.edges[cluster] : self.edges[cluster + 1]]
        return float(kernels.nearest_cover(points, labels, cluster, corners))
