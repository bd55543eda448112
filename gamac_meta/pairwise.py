"""PartitionView, the vocabulary in which measures are written.

`views(X, labels)` makes one `PartitionView` per partition. What needs no pairs of points is
computed for each by itself (gamac_meta/clustered_points.py). What needs pairs is computed for *all*
partitions together by the tile pass, the first time any view asks.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from gamac_meta._kernels import connected, trees
from gamac_meta.backend import device_for
from gamac_meta.clustered_points import ClusteredPoints
from gamac_meta.concordance import Concordance
from gamac_meta.device_pass import pass_over_pairs
from gamac_meta.farthest import HULL_DIMENSIONS, ClusterHulls, far_out, farthest_pair
from gamac_meta.near_pass import NearPass, nearest_clustered
from gamac_meta.pair_pass import TILE_ROWS, PairPass
from gamac_meta.points import (
    DENSITY_POINTS,
    NEIGHBORS,
    TREE_DIMENSIONS,
    SharedPoints,
    cluster_gaps,
    core_separation,
    spanning_tree_of,
    valley_tree_of,
)
from gamac_meta.types import Floats, Ints, Labels

# What a statistic costs: "linear" O(nd), "neighbors" O(n log n), "pairs" O(n^2 d), "sort" O(n^2 log n)
COSTS = ("linear", "neighbors", "pairs", "sort")
# nearest others that make a neighborhood
NEIGHBORHOOD = 25
# of all pairs of points, those that searches for diameters of all partitions may look at: more take longer than a walk
SEARCHED_SHARE = 0.1
# local cores whose paths to all others are copied at once
CORES_AT_ONCE = 256


class PartitionView(ClusteredPoints):
    """One partition of one data set and every statistic a measure may ask for.

    Public properties, those of ClusteredPoints among them, are the vocabulary of the `@measure` decorator.
    """

    def __init__(
        self,
        X: Floats,
        labels: Labels,
        *,
        pairs: PairPass | None = None,
        row: int = 0,
        shared: SharedPoints | None = None,
        near: NearPass | None = None,
    ) -> None:
        super().__init__(X, labels)
        self._shared = shared or SharedPoints(self._all_X)
        self._pairs = pairs or PairPass(self._all_X, self._all_labels[None, :], shared=self._shared)
        self._row = row
        self._near = near or NearPass(self._shared, self._all_labels[None, :])
        self._near_row = row if near else 0

    # ---- rows: the points whose distances to all others are known ---------------------------

    # Here all points; a sample of them in gamac_meta/sampling.py. Statistics of rows have an axis r.

    @cached_property
    def row_labels(self) -> Labels:
        """(r,) cluster of each row, ascending."""
        return self.labels

    def row_mean(self, values: Floats) -> float:
        """Mean over all clustered points of values of rows (r,)."""
        return float(np.mean(values))

    def row_cluster_means(self, values: Floats) -> Floats:
        """(k,) mean over each cluster of values of rows (r,)."""
        return self.cluster_means(values)

    def row_cluster_maxima(self, values: Floats) -> Floats:
        """(k,) largest in each cluster of values of rows (r,)."""
        return np.maximum.reduceat(values, self.starts)

    # ---- pairs of points, one walk for all partitions ---------------------------------------

    def _table(self, cells: Floats) -> Floats:
        corner = int(self._pairs.corners[self._row])
        return np.asarray(cells[corner : corner + self.k**2].reshape(self.k, self.k))

    def _points(self, values: Floats) -> Floats:
        return np.asarray(values[self._row][self._order])

    def _is_searched(self, name: str) -> bool:
        """Whether an extreme is searched for, as the walk over pairs does not make it with what else it makes."""
        p, n = self._pairs.labels.shape
        if "extremes" in self._pairs.together or name not in searched_extremes(self.d, p):
            return False
        if self.d <= HULL_DIMENSIONS or (name == "gaps" and self.d <= TREE_DIMENSIONS):
            return True
        return p * sum(pairs for _, pairs in self._far_out) <= SEARCHED_SHARE * n**2

    @cached_property
    def _hulls(self) -> ClusterHulls:
        return ClusterHulls(self._shared, self._all_labels, self._edges)

    @cached_property
    def _far_out(self) -> list[tuple[Ints, int]]:
        """For each cluster the rows of X that may be in its farthest pair, and how many pairs of these may be that."""
        found = []
        for start, stop in pairwise(self._edges):
            reach = self.to_centroid[start:stop]
            # the distance of the outermost point to the one farthest from it is a good guess
            points = self._taken(slice(start, stop))
            points -= points[np.argmax(reach)]
            rows, pairs = far_out(reach, float(np.sqrt(np.max(np.sum(points**2, axis=1)))) * (1.0 - 1e-12))
            found.append((start + rows, pairs))
        return found

    def _farthest_pairs(self) -> Floats:
        """(k,) largest distance inside each cluster."""
        pairs = [farthest_pair(self._taken(rows), self.to_centroid[rows], 0.0) for rows, _ in self._far_out]
        return np.array(pairs)

    @cached_property
    def gaps(self) -> Floats:
        """(k, k) smallest distance between points of two clusters, infinite on the diagonal."""
        if self._is_searched("gaps"):
            gaps = cluster_gaps(self._shared, self._all_labels)
        else:
            gaps = self._table(self._pairs.extremes.pair_minima).copy()
        np.fill_diagonal(gaps, np.inf)
        return gaps

    @cached_property
    def diameters(self) -> Floats:
        """(k,) largest distance inside each cluster, zero for a single point."""
        if self._is_searched("diameters"):
            return self._hulls.diameters() if self.d <= HULL_DIMENSIONS else self._farthest_pairs()
        return np.maximum(np.diagonal(self._table(self._pairs.extremes.pair_maxima)), 0.0)

    @cached_property
    def pair_sums(self) -> Floats:
        """(k, k) sum of distances over ordered pairs (a point of a, a point of b)."""
        return self._table(self._pairs.sums.pair_sums)

    @cached_property
    def mean_gaps(self) -> Floats:
        """(k, k) mean distance between points of two clusters, infinite on the diagonal."""
        means = self.pair_sums / np.outer(self.sizes, self.sizes)
        np.fill_diagonal(means, np.inf)
        return means

    @cached_property
    def own_mean(self) -> Floats:
        """(r,) mean distance to the other points of the own cluster, NaN for a single point."""
        return self._points(self._pairs.sums.own_mean)

    @cached_property
    def other_mean(self) -> Floats:
        """(r,) smallest mean distance to the points of another cluster."""
        return self._points(self._pairs.sums.other_mean)

    @cached_property
    def own_farthest(self) -> Floats:
        """(r,) largest distance to a point of the own cluster, zero for a single point."""
        if self._is_searched("own_farthest"):
            return self._hulls.farthest(self._all_X[self._order], self.labels)
        return self._points(self._pairs.extremes.own_farthest)

    @cached_property
    def cover(self) -> Floats:
        """(k,) smallest, over points outside the cluster, of the largest distance to its points."""
        if self._is_searched("cover"):
            found = self._hulls.cover(self._all_X[self._order], self.labels)
            assert found is not None
            return found
        first = int(self._pairs.offsets[self._row])
        return np.asarray(self._pairs.extremes.cover[first : first + self.k])

    @cached_property
    def outsider_mean(self) -> Floats:
        """(r,) mean distance to as many nearest points of other clusters as the own cluster has points."""
        return self._points(self._pairs.outsider_means)

    @cached_property
    def concordance(self) -> Concordance:
        """Comparisons of within with between distances."""
        return self._pairs.concordance[self._row]

    @cached_property
    def extreme_sums(self) -> tuple[float, float]:
        """Smallest and largest sum of as many distances between clustered points as lie within clusters."""
        sums = self._pairs.extreme_sums[self._row]
        return sums.smallest, sums.largest

    @cached_property
    def _blocks(self) -> tuple[Ints, list[Any]]:
        """(k + 1,) where clusters begin in X and the last ends, and their points in blocks of near ones."""
        return self._edges, trees.blocks_of_clusters(self.X, self._edges)

    @cached_property
    def reflections(self) -> Floats:
        """(r,) mean distance from the mirror image of a point in its own centroid to the image's two
        nearest points of that cluster, NaN for a single point."""
        out = np.empty(self.n)
        trees.reflected_distances(self.X, *self._blocks, self.centroids, out)
        return out

    @cached_property
    def symmetry_distances(self) -> Floats:
        """(r,) point symmetry distance to the own centroid within the own cluster, zero for a single point.

        The mean distance from the mirror image to its two nearest points, times the distance to
        the centroid: Bandyopadhyay & Saha 2008, doi:10.1109/TKDE.2008.79.
        """
        return np.where(self.to_centroid > 0.0, self.reflections * self.to_centroid, 0.0)

    @cached_property
    def density_structure(self) -> tuple[Floats, Floats]:
        """(k,) density sparseness of each cluster and (k,) its density separation from the others,
        NaN and infinite where a cluster is a single point."""
        sparseness, separation = trees.density_structure(self.X, *self._blocks)
        return sparseness, separation

    # ---- neighbors ------------------------------------------------------------------------

    @cached_property
    def _spanning_tree(self) -> tuple[Ints, Floats]:
        """The minimum spanning tree of all points, or, where some are noise, of the rows of X."""
        return spanning_tree_of(self.X) if self.n < len(self._all_X) else self._shared.spanning_tree

    @cached_property
    def tree_edges(self) -> tuple[Floats, Floats]:
        """Lengths of the minimum spanning tree's edges inside clusters, and of those between clusters."""
        edges, lengths = self._spanning_tree
        labels = self.labels if self.n < len(self._all_X) else self._all_labels
        crossing = labels[edges[:, 0]] != labels[edges[:, 1]]
        return lengths[~crossing], lengths[crossing]

    def _listed(self, count: int) -> tuple[Floats, Ints]:
        """Distances and indices (all points, count) of each clustered point's nearest others, among points as given;
        rows of noise have no meaning."""
        count = min(count, self.n - 1)
        if self.n < len(self._all_X):
            return nearest_clustered(self._shared, self._all_labels >= 0, count)
        return self._shared.neighbors(count)

    @cached_property
    def neighbor_labels(self) -> Labels:
        """(r, up to NEIGHBORS) clusters of the nearest other points, nearest first."""
        return np.asarray(self.neighborhood[1][:, :NEIGHBORS])

    @cached_property
    def neighborhood(self) -> tuple[Floats, Labels]:
        """Distances to the nearest other points (r, up to NEIGHBORHOOD), nearest first, and their clusters."""
        distances, indices = self._listed(NEIGHBORHOOD)
        return distances.take(self._order, axis=0), self._all_labels.take(indices.take(self._order, axis=0))

    @cached_property
    def nearest_own(self) -> Floats:
        """(r,) distance to the nearest point of the own cluster, NaN for a single point."""
        return np.asarray(self._near.near[self._near_row, 0][self._order])

    @cached_property
    def nearest_foreign(self) -> Floats:
        """(r,) distance to the nearest point of another cluster."""
        return np.asarray(self._near.near[self._near_row, 1][self._order])

    @cached_property
    def few_own_mean(self) -> Floats:
        """(r,) mean distance to the five nearest points of the own cluster, NaN for a single point.

        Of a cluster too small for five, or with fewer points outside: to as many as there are of both.
        """
        return np.asarray(self._near.near[self._near_row, 2][self._order])

    @cached_property
    def few_foreign_mean(self) -> Floats:
        """(r,) mean distance to as many nearest points of other clusters, NaN for a single point."""
        return np.asarray(self._near.near[self._near_row, 3][self._order])

    @cached_property
    def densities(self) -> Floats:
        """(n,) Gaussian kernel density at each point, the point itself left out, in a unit of its own.

        The kernel's width is Scott's factor n^(-1/(d + 4)) times the root mean variance of the columns.
        """
        return self._near.densities(self._near_row)[self._order]

    @cached_property
    def valley_ratios(self) -> tuple[float, float]:
        """Lowest density on the way between two points along the spanning tree, over the geometric mean of the
        densities at both: its mean over pairs in one cluster, and over pairs in two.

        The density at a point is inverse to the distance of its fifth nearest other.
        """
        if self.n == len(self._all_X):
            return self._shared.valley_tree.mean_ratios(self._all_labels, self.sizes)
        distances, _ = self._listed(DENSITY_POINTS)
        radii = distances[self._order, -1]
        return valley_tree_of(self._spanning_tree, radii).mean_ratios(self.labels, self.sizes)

    @cached_property
    def medoid_distances(self) -> tuple[Floats, Floats]:
        """(n,) distance of each point to the medoid of its cluster, the point of least mean distance to the others,
        and (n,) to the nearest medoid of another.

        Of points equally central, as any two are, the one farther from the mean of all points.
        """
        central = most_central(self.own_mean, self.labels, self.starts, self.to_center)
        return self._distances_to_centers(self._taken(central))

    @cached_property
    def connectivity_means(self) -> tuple[Floats, Floats]:
        """(n,) mean density-connectivity distance to the other points of the own cluster, NaN for a single
        point, and (n,) smallest mean of it to the points of another cluster.

        The distance is the longest step of the path that keeps it shortest, in mutual reachability;
        paths may lead over noise.
        """
        own, other = connected.merge_distances(*self._shared.connectivity_tree, self._all_labels, self.sizes)
        return own[self._order], other[self._order]

    @cached_property
    def local_cores(self) -> tuple[Floats, Floats, Floats]:
        """For each local core in a cluster: mean distance along natural neighbors to the cluster's other
        cores, NaN for a single one; smallest mean of it to another cluster's cores, infinite if no
        other has any; clustered points that the core stands for.

        Cores are those of all points, noise included.
        """
        cores, number, paths = self._shared.local_cores
        labels = self._all_labels[cores]
        members = np.bincount(number[self._all_labels >= 0], minlength=len(cores))
        rows = np.flatnonzero(labels >= 0)
        names, codes, sizes = np.unique(labels[rows], return_inverse=True, return_counts=True)
        order = np.argsort(codes, kind="stable")
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
        sums = np.empty((len(rows), len(names)))
        for start in range(0, len(rows), CORES_AT_ONCE):
            some = slice(start, start + CORES_AT_ONCE)
            sums[some] = np.add.reduceat(paths[np.ix_(rows[some], rows[order])], starts, axis=1)
        own = np.arange(len(names)) == codes[:, None]
        with np.errstate(invalid="ignore"):
            own_mean = np.sum(sums, axis=1, where=own) / (sizes[codes] - 1)
        other_mean = np.min(sums / sizes, axis=1, where=~own, initial=np.inf)
        return own_mean, other_mean, members[rows].astype(np.float64)

    @cached_property
    def core_separation(self) -> tuple[Floats, Floats]:
        """Of the clusters of two points or more: (k', k') smallest distance between core points of two of them,
        zero on the diagonal, and (k',) longest edge of the spanning tree of each one's core points.

        A core point has its CORE_POINTS-th nearest member of the cluster no farther than the median, over
        the cluster, of the distance to the (2 CORE_POINTS)-th.
        """
        return core_separation(self._shared, self._all_labels, self.sizes)

    @cached_property
    def core_distances(self) -> Floats:
        """(n,) distance of each clustered point to the CORE_POINTS-th nearest of all points, itself counted."""
        return self._shared.core_distances[self._order]

    @cached_property
    def noise_core_distances(self) -> Floats:
        """(noise points,) the same of each noise point."""
        return self._shared.core_distances[self._all_labels < 0]


def searched_extremes(d: int, partitions: int) -> frozenset[str]:
    """Smallest and largest distances that searches mostly find in less time than one walk over pairs takes for all."""
    if d <= HULL_DIMENSIONS:
        return TOGETHER["extremes"]
    return frozenset(["gaps", "diameters"]) if d <= TREE_DIMENSIONS or partitions == 1 else frozenset()


# statistics made of what the pass makes together with sums
TOGETHER = {
    "extremes": frozenset(["gaps", "diameters", "own_farthest", "cover"]),
    "outsider_means": frozenset(["outsider_mean"]),
}

STATISTIC_COSTS: dict[str, str] = {
    **dict.fromkeys(
        [
            "xp",
            "X",
            "labels",
            "n",
            "n_given",
            "d",
            "k",
            "sizes",
            "starts",
            "cluster_sums",
            "cluster_means",
            "cluster_maxima",
            "row_labels",
            "row_mean",
            "row_cluster_means",
            "row_cluster_maxima",
            "border_distances",
            "centroids",
            "centroid_distances",
            "to_centroid",
            "to_center",
            "centroid_to_center",
            "to_nearest_other_centroid",
            "mean_to_centroid",
            "column_variances",
            "cluster_variances",
            "within_ss",
            "between_ss",
            "total_ss",
            "scatter_matrices",
            "scatter_roots",
            "midpoint_densities",
        ],
        "linear",
    ),
    **dict.fromkeys(["neighbor_labels", "core_distances", "noise_core_distances", "neighborhood"], "neighbors"),
    **dict.fromkeys(["nearest_own", "nearest_foreign", "few_own_mean", "few_foreign_mean"], "neighbors"),
    **dict.fromkeys(["densities", "medoid_distances", "valley_ratios"], "pairs"),
    **dict.fromkeys(
        [
            "gaps",
            "diameters",
            "pair_sums",
            "mean_gaps",
            "own_mean",
            "other_mean",
            "own_farthest",
            "cover",
            "reflections",
            "symmetry_distances",
            "density_structure",
            "tree_edges",
            "connectivity_means",
            "local_cores",
            "core_separation",
        ],
        "pairs",
    ),
    **dict.fromkeys(["outsider_mean", "concordance", "extreme_sums"], "sort"),
}

# What becomes of a statistic where there are too many pairs for the time (gamac_meta/measures/_large.py),
# the least exact last: "all" points make it all the same; "near" is made of all points while searches for
# neighbors last, else like "rows", which are measured for a sample of the points, so that means over them
# have intervals; "extremes" are searched for while time lasts, else those among the rows, as "maxima" over
# rows are; a "structure" is that of a subsample of the points.
KINDS = ("all", "near", "rows", "extremes", "maxima", "structure")
STATISTIC_KINDS: dict[str, str] = {
    **{name: "all" for name, cost in STATISTIC_COSTS.items() if cost == "linear"},
    **dict.fromkeys(["neighbor_labels", "neighborhood"], "near"),
    **dict.fromkeys(["nearest_own", "nearest_foreign", "few_own_mean", "few_foreign_mean"], "near"),
    **dict.fromkeys(
        [
            "pair_sums",
            "mean_gaps",
            "own_mean",
            "other_mean",
            "own_farthest",
            "outsider_mean",
            "reflections",
            "symmetry_distances",
            "concordance",
            "extreme_sums",
        ],
        "rows",
    ),
    **dict.fromkeys(["gaps", "diameters", "cover", "medoid_distances"], "extremes"),
    "row_cluster_maxima": "maxima",
    **dict.fromkeys(
        [
            "densities",
            "density_structure",
            "tree_edges",
            "valley_ratios",
            "connectivity_means",
            "local_cores",
            "core_separation",
            "core_distances",
            "noise_core_distances",
        ],
        "structure",
    ),
}


def most_central(own_mean: Floats, labels: Labels, starts: Ints, apart: Floats) -> Ints:
    """(k,) which row of each cluster has the least mean distance to its other points; of equals the one most apart.

    own_mean, apart (r,) of rows by cluster, labels (r,) ascending, starts (k,) the first of each.
    """
    own = np.nan_to_num(own_mean)
    rows = np.flatnonzero(own <= np.minimum.reduceat(own, starts)[labels] * (1.0 + 1e-12))
    rows = rows[np.lexsort((-apart[rows], labels[rows]))]
    return np.asarray(rows[np.searchsorted(labels[rows], np.arange(starts.size))])


def views(
    X: Floats,
    labels: Labels,
    needs: Collection[str] = tuple(STATISTIC_COSTS),
    *,
    threads: int | None = None,
    tile_rows: int = TILE_ROWS,
    shared: SharedPoints | None = None,
    backend: str = "numpy",
    once: bool | None = None,
) -> Iterator[PartitionView]:
    """One view per row of labels (p, n); all share the walk over pairs and the structures of X.

    needs: the statistics that will be asked for, so that one walk makes all it can. shared: structures
    of the same points, from an earlier call. backend: where pairs are walked over. once: as for PairPass.
    """
    shared = shared or SharedPoints(np.ascontiguousarray(X - X.mean(axis=0), dtype=np.float64))
    near = NearPass(shared, np.ascontiguousarray(labels, dtype=np.int32))
    together = {made for made, asking in TOGETHER.items() if not asking.isdisjoint(needs)}
    searched = TOGETHER["extremes"].intersection(needs) <= searched_extremes(shared.X.shape[1], len(labels))
    # beside outsiders, and on a device, the walk makes extremes at little cost
    if searched and "outsider_means" not in together and device_for(backend, len(shared.X)) is None:
        together.discard("extremes")
    pairs = pass_over_pairs(
        shared.X, labels, backend, threads=threads, tile_rows=tile_rows, together=together, shared=shared, once=once
    )
    # one at a time: what a view has made of its points is freed with it
    for i, row in enumerate(pairs.labels):
        yield PartitionView(shared.X, row, pairs=pairs, row=i, shared=shared, near=near)
