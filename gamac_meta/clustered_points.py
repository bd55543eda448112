"""One partition of points: its clusters, and what their centroids and scatter tell of it, in O(nd).

Kernels read the points where they lie, through an order in which clusters are contiguous: however many
there are, no copy of them is made for these statistics.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from gamac_meta._kernels import centers
from gamac_meta.points import sorted_within
from gamac_meta.types import Floats, Ints, Labels

# points copied at once, where matrix products need them side by side
PIECE = 4096


class ClusteredPoints:
    """One partition of one data set, and every statistic that needs no pairs of points.

    Points are centered, and ordered by cluster, so that each cluster is one contiguous slice;
    noise (-1) is left out of everything but n_given.
    """

    def __init__(self, X: Floats, labels: Labels) -> None:
        self._all_X = np.ascontiguousarray(X, dtype=np.float64)
        self._all_labels = np.ascontiguousarray(labels, dtype=np.int32)

    # ---- the partition itself -------------------------------------------------------------

    @property
    def xp(self) -> Any:
        """The array namespace in which the formula computes."""
        return np

    @cached_property
    def _order(self) -> Ints:
        order = np.argsort(self._all_labels, kind="stable")
        return order[np.count_nonzero(self._all_labels < 0) :]

    @cached_property
    def X(self) -> Floats:
        """(n, d) clustered points in cluster order, their mean at the origin; a copy of them all."""
        return self._taken(slice(None))

    @cached_property
    def labels(self) -> Labels:
        """(n,) cluster of each row of X, ascending."""
        return self._all_labels[self._order]

    @cached_property
    def n(self) -> int:
        """Clustered points."""
        return int(self._order.size)

    @cached_property
    def n_given(self) -> int:
        """All points, noise included."""
        return int(self._all_labels.size)

    @cached_property
    def d(self) -> int:
        """Dimensions."""
        return int(self._all_X.shape[1])

    @cached_property
    def k(self) -> int:
        """Clusters."""
        return int(self._all_labels.max()) + 1

    @cached_property
    def sizes(self) -> Floats:
        """(k,) points in each cluster; floats, as formulas divide by them and no array library mixes kinds."""
        return np.bincount(self.labels, minlength=self.k).astype(np.float64)

    @cached_property
    def starts(self) -> Ints:
        """(k,) where each cluster begins in X."""
        return np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)

    @cached_property
    def _edges(self) -> Ints:
        """(k + 1,) where each cluster begins in X, and where the last ends."""
        return np.append(self.starts, self.n)

    @cached_property
    def _middle(self) -> Floats:
        """(d,) mean of the clustered points."""
        if self.n == 0:
            return np.zeros(self.d)
        return np.asarray(
            centers.means_by_cluster(self._all_X, self._order, np.zeros(self.d), np.array([0, self.n]))[0]
        )

    @property
    def _placed(self) -> tuple[Floats, Ints, Floats]:
        """X as kernels take it: row i is points[order[i]] - middle."""
        return self._all_X, self._order, self._middle

    def _taken(self, rows: slice | Ints) -> Floats:
        """Rows of X, without a copy of the others."""
        points = self._all_X[self._order[rows]]
        points -= self._middle
        return points

    def cluster_sums(self, values: Floats) -> Floats:
        """(k, ...) sum over each cluster of per-point values (n, ...)."""
        return np.add.reduceat(values, self.starts, axis=0)

    def cluster_means(self, values: Floats) -> Floats:
        """(k, ...) mean over each cluster of per-point values (n, ...)."""
        return (self.cluster_sums(values).T / self.sizes).T

    def cluster_maxima(self, values: Floats) -> Floats:
        """(k,) largest in each cluster of per-point values (n,)."""
        return np.maximum.reduceat(values, self.starts)

    # ---- centroids ------------------------------------------------------------------------

    @cached_property
    def centroids(self) -> Floats:
        """(k, d) mean of each cluster."""
        return np.asarray(centers.means_by_cluster(*self._placed, self._edges))

    @cached_property
    def centroid_distances(self) -> Floats:
        """(k, k) distances between centroids, infinite on the diagonal."""
        from scipy.spatial.distance import cdist

        distances = cdist(self.centroids, self.centroids)
        # centroids that differ by rounding only are one
        distances[distances < 1e-13 * np.sqrt(self.total_ss / self.n)] = 0.0
        np.fill_diagonal(distances, np.inf)
        return distances

    @cached_property
    def to_centroid(self) -> Floats:
        """(n,) distance of each point to its own centroid."""
        return self._distances_to_own(self.labels, self.centroids)

    @cached_property
    def to_center(self) -> Floats:
        """(n,) distance of each point to the mean of all."""
        return self._distances_to_own(np.zeros_like(self.labels), np.zeros((1, self.d)))

    def _distances_to_own(self, labels: Labels, middles: Floats) -> Floats:
        """(n,) distance of each point to the middle (k, d) that its label (n,) names."""
        out = np.empty(self.n)
        centers.distances_to_own(*self._placed, labels, middles, out)
        return out

    def _distances_to_centers(self, middles: Floats) -> tuple[Floats, Floats]:
        """(n,) distance of each point to the middle (k, d) of its cluster, and (n,) to the nearest of the other
        middles, infinite where there is none."""
        own, other = np.empty(self.n), np.empty(self.n)
        centers.distances_to_centers(*self._placed, self.labels, middles, own, other)
        return own, other

    @cached_property
    def centroid_to_center(self) -> Floats:
        """(k,) distance of each centroid to the mean of all points."""
        return np.sqrt(np.sum(self.centroids**2, axis=1))

    @cached_property
    def to_nearest_other_centroid(self) -> Floats:
        """(n,) smallest distance of each point to the centroid of another cluster, infinite where there is none."""
        return self._distances_to_centers(self.centroids)[1]

    @cached_property
    def mean_to_centroid(self) -> Floats:
        """(k,) mean distance of a cluster's points to its centroid."""
        return self.cluster_means(self.to_centroid)

    @cached_property
    def border_distances(self) -> Floats:
        """(k,) mean distance to the centroid of the tenth of a cluster farthest from it, rounded up."""
        ordered = sorted_within(self.to_centroid, self.labels)
        wanted = np.ceil(self.sizes / 10)
        beyond = self.starts + (self.sizes - wanted)
        return self.cluster_sums(np.where(np.arange(self.n) >= beyond[self.labels], ordered, 0.0)) / wanted

    def midpoint_densities(self, radius: float) -> Floats:
        """(k (k - 1) / 2,) for each pair of clusters, points of both within radius of the midpoint of
        their centroids, over the larger of the counts around either centroid; NaN for none."""
        return centers.midpoint_densities(*self._placed, self._edges, self.centroids, radius)

    # ---- scatter --------------------------------------------------------------------------

    @cached_property
    def column_variances(self) -> Floats:
        """(d,) variance of each column over all clustered points."""
        whole = np.array([0, self.n])
        return np.asarray(centers.squares_by_cluster(*self._placed, whole, np.zeros((1, self.d)))[0] / self.n)

    @cached_property
    def cluster_variances(self) -> Floats:
        """(k, d) variance of each column over each cluster."""
        squares = centers.squares_by_cluster(*self._placed, self._edges, self.centroids)
        return np.asarray(squares / self.sizes[:, None])

    @cached_property
    def within_ss(self) -> Floats:
        """(k,) sum of squared distances of a cluster's points to its centroid."""
        return self.cluster_sums(self.to_centroid**2)

    @cached_property
    def between_ss(self) -> float:
        """Sum over clusters of size times squared distance of centroid to the mean of all."""
        return float(np.sum(self.sizes * self.centroid_to_center**2))

    @cached_property
    def total_ss(self) -> float:
        """Sum of squared distances to the mean of all."""
        return float(np.sum(self.to_center**2))

    def _deviations(self, cluster: int) -> Iterator[Floats]:
        """The cluster's points minus their centroid, some (m, d) at a time."""
        stop = int(self._edges[cluster + 1])
        for start in range(int(self._edges[cluster]), stop, PIECE):
            piece = self._taken(slice(start, min(start + PIECE, stop)))
            piece -= self.centroids[cluster]
            yield piece

    @cached_property
    def scatter_matrices(self) -> Floats:
        """(k, d, d) sum over each cluster of outer products of deviations from its centroid."""
        matrices = np.zeros((self.k, self.d, self.d))
        for c, matrix in enumerate(matrices):
            for piece in self._deviations(c):
                matrix += piece.T @ piece
        return matrices

    @cached_property
    def scatter_roots(self) -> Floats:
        """(k, d, d) triangular R of each cluster, whose scatter matrix is R'R: it keeps the digits that
        a nearly singular product loses."""
        roots = np.zeros((self.k, self.d, self.d))
        for c, root in enumerate(roots):
            for piece in self._deviations(c):
                root[:] = np.linalg.qr(np.concatenate([root, piece]), mode="r")
        return roots
