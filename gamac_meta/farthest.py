"""What is farthest inside clusters and from them: corners of their hulls in the plane, what is far out elsewhere.

All of it is done in pieces, between which an interrupt is heard and the clock may be looked at.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from gamac_meta._kernels import extremes, hulls
from gamac_meta.points import SharedPoints
from gamac_meta.types import Floats, Ints, Labels

# in more dimensions hulls have too many corners
HULL_DIMENSIONS = 2
# pairs of points looked at in one piece
PAIRS_AT_ONCE = 1 << 23


class ClusterHulls:
    """The hulls of the clusters of one partition: labels (n,) with -1 outside, edges (k + 1,) as many clustered
    points before each cluster, and all of them. X has one column or two."""

    def __init__(self, points: SharedPoints, labels: Labels, edges: Ints) -> None:
        # columns of one size, or products of tiny ones would vanish: a hull has the same corners
        level = np.ldexp(points.X, -np.frexp(np.max(np.abs(points.X), axis=0))[1])
        corners, self.edges = hulls.corners_of_clusters(level, points.left_to_right, labels, edges)
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
        for piece in _pieces(len(points), int(np.max(np.diff(self.edges)))):
            hulls.farthest_corners(points[piece], labels[piece], self.corners, self.edges, out[piece])
        return out

    def cover(self, points: Floats, labels: Labels, out_of_time: Callable[[], bool] = lambda: False) -> Floats | None:
        """(k,) smallest, over points (m, d) of other clusters by labels (m,), of the largest distance to a cluster's
        points; None if out of time."""
        found = np.full(self.edges.size - 1, np.inf)
        for cluster, (start, stop) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
            for piece in _pieces(len(points), int(stop - start)):
                if out_of_time():
                    return None
                found[cluster] = hulls.nearest_cover(
                    points[piece], labels[piece], cluster, self.corners[start:stop], found[cluster]
                )
        return found


def far_out(reach: Floats, least: float) -> tuple[Ints, int]:
    """Points that may be in a pair farther apart than `least`, the farthest out first, and how many such pairs.

    reach (m,) distance of each to some common point: two points are not farther apart than the sum of theirs.
    """
    kept = np.flatnonzero(reach > least - reach.max())
    kept = kept[np.argsort(-reach[kept], kind="stable")]
    ascending = reach[kept][::-1]
    return kept, int(np.sum(kept.size - np.searchsorted(ascending, least - ascending))) // 2


def farthest_pair(points: Floats, reach: Floats, least: float) -> float:
    """Largest distance between points (m, d), if it is more than `least`, else that; reach (m,) descending."""
    for piece in _pieces(len(points), len(points)):
        least = extremes.farthest_pair(points, reach, least, piece.start, piece.stop)
    return least


def _pieces(rows: int, columns: int) -> list[slice]:
    step = max(1, PAIRS_AT_ONCE // max(columns, 1))
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]
