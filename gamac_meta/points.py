"""Structures of the points alone: neighbors, spanning tree. Computed once, shared by all partitions."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gamac_meta._kernels import connected, core_points, neighborhood, neighbors, trees, valleys
from gamac_meta.types import Floats, Ints, Labels

NEIGHBORS = 10
# length of the lists of nearest others: the 25 that measures ask for, and as many again as may be noise
LISTED = 40
# points within the core distance of a point, itself counted
CORE_POINTS = 5
# nearest others whose distance tells the density at a point
DENSITY_POINTS = 5
# in more dimensions than this a k-d tree visits most points
TREE_DIMENSIONS = 8
# rows whose nearest points are listed at once
SEARCHED_AT_ONCE = 1 << 14

# points by cluster, which they are, where clusters begin, and where all points are: as _grouped makes them
Grouped = tuple[Floats, Ints, Ints, Ints]
# where each cluster's tree begins, and the corners of all nodes
Boxes = tuple[Ints, Floats, Floats]


class SearchTree(NamedTuple):
    """A balanced k-d tree, its nodes in heap order."""

    points: Floats  # (n, d) in the order of the leaves
    order: Ints  # (n,) which points they are
    edges: Ints  # (nodes, 2) where in it a node begins and ends
    lower: Floats  # (nodes, d) corner of the box around a node's points
    upper: Floats  # (nodes, d) the opposite corner


class ValleyTree(NamedTuple):
    """Merges of a spanning tree, the densest first, and what sums over pairs of points need of them."""

    children: Ints  # (n - 1, 2) points, and n + t for what merge t makes; the larger part first
    heights: Floats  # (n - 1,) inverse density at each
    leaves: Ints  # (n,) points, in an order in which every merge is contiguous
    parents: Ints  # (2 n - 1,) merge that a node goes into, -1 for the last
    spans: Ints  # (2 n - 1, 2) where in the order a node begins, and its size
    weights: Floats  # (n,) root of the inverse density at each point
    whole: float  # sum, over all pairs of points, of the ratio that mean_ratios speaks of

    def mean_ratios(self, labels: Labels, sizes: Floats) -> tuple[float, float]:
        """Means over pairs of points in one cluster of labels (n,), and in two, of the lowest density on the
        way between them over the geometric mean of the densities at both."""
        n, together = labels.size, float(np.sum(sizes * (sizes - 1.0))) / 2.0
        # a copy, writable as the labels in valley_tree_of are, so that one compiled kernel serves both
        inside = valleys.meeting_sum(*self[:-1], labels.copy(), sizes.size)
        return inside / together, (self.whole - inside) / (n * (n - 1.0) / 2.0 - together)


def order_of_points(X: Floats) -> Ints:
    """(n,) rows by their first column, equal ones by their second, and so on: whatever the order of rows was, the
    points come in the same. Rows that are equal stay as they are."""
    d = X.shape[1]
    columns = 1
    while True:
        order = np.lexsort(X[:, :columns].T[::-1])
        if columns >= d:
            return order
        # mostly the first columns tell rows apart
        before, after = order[:-1], order[1:]
        tied = np.all(X[before, :columns] == X[after, :columns], axis=1)
        if np.array_equal(X[before[tied]], X[after[tied]]):
            return order
        columns *= 2


class SharedPoints:
    """Structures of the points alone, computed once however many partitions are measured."""

    def __init__(self, X: Floats) -> None:
        self.X = X
        self._nearest: tuple[Floats, Ints] | None = None

    def neighbors(self, count: int) -> tuple[Floats, Ints]:
        """Distances and indices (n, count) of each point's nearest other points."""
        if self._nearest is None or count > self._nearest[1].shape[1]:
            self._nearest = nearest_others(self.X, max(count, min(LISTED, len(self.X) - 1)))
        distances, indices = self._nearest
        return distances[:, :count], indices[:, :count]

    @cached_property
    def search_tree(self) -> SearchTree:
        """The points in a k-d tree."""
        order, *nodes = neighborhood.build_tree(self.X)
        return SearchTree(self.X[order], order, *nodes)

    @cached_property
    def near_order(self) -> Ints:
        """(n,) points in an order in which near ones mostly follow one another: that of the search tree's leaves."""
        # the tree holds a copy of the points, which the order alone does not need
        return self.search_tree.order if "search_tree" in self.__dict__ else neighborhood.build_tree(self.X)[0]

    @cached_property
    def left_to_right(self) -> Ints:
        """(n,) points of one column or two in the order that makes the convex hulls of all clusters linear."""
        return order_of_points(self.X)

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
    def valley_tree(self) -> ValleyTree:
        """The valleys of density between all points."""
        distances, _ = self.neighbors(min(DENSITY_POINTS, len(self.X) - 1))
        return valley_tree_of(self.spanning_tree, distances[:, -1])

    @cached_property
    def local_cores(self) -> tuple[Ints, Ints, Floats]:
        """The m local cores (m,) of Cheng et al. 2019, doi:10.1109/TNNLS.2018.2853710, the number among them
        of the one that stands for each point (n,), and how far (m, m) they are along natural neighbors;
        the outermost first.

        Cores without a path between them are as far apart as the farthest that have one.
        """
        size, popularity = self._natural_neighbors
        sums, members = neighborhoods(self, popularity)
        # of two points that are each other's only neighbor, distances to farther ones tell which is denser
        listed, _ = self.neighbors(max(size, min(LISTED, len(self.X) - 1)))
        starts = np.concatenate([[0], np.cumsum(popularity)])
        standing = connected.representatives(self.X, _densest_first(sums, listed), members, starts)
        cores, number = np.unique(standing, return_inverse=True)
        # the outermost first: a search ends when it has reached the rest
        outward = np.argsort(-np.sum((self.X[cores] - self.X.mean(axis=0)) ** 2, axis=1), kind="stable")
        cores, number = cores[outward], np.argsort(outward)[number]
        # near points near in memory, too
        order = self.near_order
        place = np.argsort(order)
        distances, indices = self.neighbors(size)
        graph = connected.neighbor_graph(place[indices[order]], distances[order])
        paths = connected.path_lengths(*graph, place[cores])
        reached = np.isfinite(paths)
        paths[~reached] = np.max(paths, where=reached, initial=0.0)
        return cores, number, paths

    @cached_property
    def _natural_neighbors(self) -> tuple[int, Ints]:
        """How many nearest others are natural neighbors, and (n,) how many points have each among theirs."""
        count = min(LISTED, len(self.X) - 1)
        while True:
            size, popularity = connected.natural_size(self.neighbors(count)[1])
            if size:
                return size, popularity
            count = min(2 * count, len(self.X) - 1)


def spanning_tree_of(X: Floats) -> tuple[Ints, Floats]:
    """Edges (n - 1, 2) and lengths (n - 1,) of the Euclidean minimum spanning tree of X."""
    edges, lengths = trees.spanning_tree(X, np.zeros(len(X)))
    return edges, lengths


def valley_tree_of(tree: tuple[Ints, Floats], radii: Floats) -> ValleyTree:
    """The valleys along a spanning tree, given the radius (n,) of a point's neighborhood, inverse to density.

    The density at an edge is inverse to the largest of its length and the radii of its ends.
    """
    edges, lengths = tree
    # repeated points would be infinitely dense
    radii = np.maximum(radii, 1e-9 * lengths.max() or 1.0)
    heights = np.maximum(lengths, np.max(radii[edges], axis=1))
    order = np.argsort(heights, kind="stable")
    children = connected.merge_tree(edges[order])
    leaves, parents, spans = valleys.lay_out(children)
    tree_of_merges = children, heights[order], leaves, parents, spans, np.sqrt(radii)
    everyone = np.zeros(len(radii), dtype=np.int32)
    return ValleyTree(*tree_of_merges, valleys.meeting_sum(*tree_of_merges, everyone, 1))


def nearest_others(X: Floats, count: int) -> tuple[Floats, Ints]:
    """Distances and indices (n, count) of each point's nearest other points."""
    if count < 1:
        return np.empty((len(X), 0)), np.empty((len(X), 0), dtype=np.int64)
    if X.shape[1] > TREE_DIMENSIONS:
        squares, nearest = neighbors.nearest_by_scan(np.ascontiguousarray(X.T), count)
        return np.sqrt(squares), nearest
    everyone = np.arange(len(X))
    return nearest_among(X, everyone, everyone, count)


def nearest_among(X: Floats, rows: Ints, members: Ints, count: int) -> tuple[Floats, Ints]:
    """Distances and indices (r, count) of the members nearest to each of some rows of X, but for the row itself."""
    from scipy.spatial import cKDTree

    tree = cKDTree(X[members])
    distances, nearest = np.empty((len(rows), count)), np.empty((len(rows), count), dtype=np.int64)
    for start in range(0, len(rows), SEARCHED_AT_ONCE):
        some = rows[start : start + SEARCHED_AT_ONCE]
        found, indices = tree.query(X[some], k=count + 1)
        places = members[indices]
        # among duplicates a point need not come first in its own list: drop it wherever it is, else the last
        own = places == some[:, None]
        own[~own.any(axis=1), -1] = True
        distances[start : start + len(some)] = found[~own].reshape(len(some), count)
        nearest[start : start + len(some)] = places[~own].reshape(len(some), count)
    return distances, nearest


def sorted_within(values: Floats, labels: Ints | Labels) -> Floats:
    """(n,) values in ascending order within each cluster, cluster by cluster."""
    order = np.argsort(values)
    clusters = labels[order]
    # numbers of 16 bits are sorted by counting them
    few = clusters.max(initial=0) <= np.iinfo(np.int16).max
    return np.asarray(values[order[np.argsort(clusters.astype(np.int16) if few else clusters, kind="stable")]])


def _densest_first(sums: Floats, distances: Floats) -> Ints:
    """(n,) order of points by summed distances (n,), equal ones by distances (n, s) to the nearest, the second, ...

    Sums that differ by rounding only are equal: those of neighbors on a line often are.
    """
    order = np.argsort(sums, kind="stable")
    ordered = sums[order]
    level = np.concatenate([[0], np.cumsum(ordered[1:] > ordered[:-1] * (1.0 + 1e-12))])
    tied = np.flatnonzero(np.bincount(level)[level] > 1)
    rows = order[tied]
    order[tied] = rows[np.lexsort((*distances[rows].T[::-1], level[tied]))]
    return order


def neighborhoods(points: SharedPoints, counts: Ints) -> tuple[Floats, Ints]:
    """(n,) summed distances to as many nearest others as the largest of counts (n,), and one after another
    each point's counts[i] nearest others, in any order."""
    widest = int(counts.max())
    if points.X.shape[1] > TREE_DIMENSIONS:
        listed = points.neighbors(min(LISTED, len(points.X) - 1))[1]
        sums, members = neighbors.neighborhoods_by_scan(np.ascontiguousarray(points.X.T), counts, widest, listed)
        return sums, members
    distances, indices = points.neighbors(widest)
    return distances.sum(axis=1), indices[np.arange(widest) < counts[:, None]]


def cluster_gaps(points: SharedPoints, labels: Labels) -> Floats:
    """(k, k) smallest distance between points of two clusters of labels (n,) with -1 outside, zero on the diagonal.

    Lists of neighbors, which many points have no room for, are not needed.
    """
    clusters = _grouped(points.X, labels, _by_cluster(points, labels, labels >= 0))
    k = clusters[2].size - 1
    # nothing is known yet
    return _lowered_gaps(clusters, np.full(k, -np.inf), _boxes_around(clusters), np.full((k, k), np.inf))


def core_separation(points: SharedPoints, labels: Labels, sizes: Floats) -> tuple[Floats, Floats]:
    """Smallest distances (k', k') between the core points of clusters, and longest edges (k',) of the spanning
    trees of each one's, for the clusters of two points or more; labels (n,) with -1 outside, sizes (k,)."""
    distances, indices = points.neighbors(min(LISTED, len(points.X) - 1))
    ids = _by_cluster(points, labels, np.append(sizes > 1, False)[labels])
    ids = ids[_core_members(_grouped(points.X, labels, ids), indices)]
    cores = _grouped(points.X, labels, ids)
    boxes = _boxes_around(cores)
    reach = distances[ids, -1] ** 2
    return _shortest_gaps(cores, indices, reach, boxes), _longest_links(
        cores, points.spanning_tree[0], indices, reach, boxes
    )


def _core_members(grouped: Grouped, indices: Ints) -> NDArray[np.bool_]:
    """(m,) whether a point is a core point: its CORE_POINTS-th nearest in the cluster is no farther than
    the median, over the cluster, of the distance to the (2 CORE_POINTS)-th."""
    points, _, starts, _ = grouped
    squares = np.empty((2, len(points)))
    core_points.member_squares(
        *grouped, *core_points.boxes(points, starts), indices, CORE_POINTS, 2 * CORE_POINTS, squares
    )
    to_few, to_many = np.sqrt(squares)
    sizes = np.diff(starts)
    ordered = sorted_within(to_many, np.repeat(np.arange(sizes.size), sizes))
    medians = 0.5 * (ordered[starts[:-1] + (sizes - 1) // 2] + ordered[starts[:-1] + sizes // 2])
    # distances that differ by rounding only are equal
    return to_few <= np.repeat(medians, sizes) * (1.0 + 1e-12)


def _shortest_gaps(cores: Grouped, indices: Ints, reach: Floats, boxes: Boxes | tuple[()]) -> Floats:
    """(k, k) smallest distance between points of two clusters, zero on the diagonal.

    reach (m,) squared distance of each to the last of its nearest others; boxes around them, or none in
    many dimensions.
    """
    points, ids, starts, place = cores
    k = starts.size - 1
    squares = np.full((k, k), np.inf)
    core_points.gaps_listed(points, ids, np.repeat(np.arange(k), np.diff(starts)), place, indices, squares)
    return _lowered_gaps(cores, np.minimum.reduceat(reach, starts[:-1]), boxes, squares)


def _lowered_gaps(clusters: Grouped, loosest: Floats, boxes: Boxes | tuple[()], squares: Floats) -> Floats:
    """(k, k) shortest gaps from squares (k, k) that are not below theirs; what is not above loosest (k,) in squares
    is right already."""
    points, _, starts, _ = clusters
    if boxes:
        core_points.gaps_by_boxes(points, starts, *boxes, loosest, squares)
    else:
        core_points.gaps_by_projection(points, starts, loosest, squares)
    upper = np.triu(np.sqrt(squares), 1)
    return upper + upper.T


def _longest_links(cores: Grouped, edges: Ints, indices: Ints, reach: Floats, boxes: Boxes | tuple[()]) -> Floats:
    """(k,) longest edge of the minimum spanning tree of each cluster's points; arguments as for _shortest_gaps.

    Edges (n - 1, 2) of the spanning tree of all points with both ends in a cluster belong to its tree.
    What they leave apart is joined by rounds in which every group but the largest looks for its nearest
    stranger (Borůvka).
    """
    points, _, starts, place = cores
    m, k = len(points), starts.size - 1
    cluster = np.repeat(np.arange(k), np.diff(starts))
    parents, longest = np.arange(m), np.zeros(k)
    core_points.join_listed(points, cluster, place, edges, parents, longest)
    group, pairs = np.empty(m, dtype=np.int64), np.empty((m, 2), dtype=np.int64)
    nearest, unsure = np.empty(m), np.empty(m, dtype=np.bool_)
    while core_points.strangers_listed(*cores, indices, reach, parents, group, nearest, pairs, unsure):
        if unsure.any() and boxes:
            core_points.strangers_by_boxes(points, starts, *boxes, reach, group, nearest, pairs, unsure)
        elif unsure.any():
            core_points.strangers_by_projection(points, starts, reach, group, nearest, pairs, unsure)
        core_points.join_strangers(cluster, parents, nearest, pairs, longest)
    return np.sqrt(longest)


def _boxes_around(clusters: Grouped) -> Boxes | tuple[()]:
    """Trees of boxes around the points of clusters, none in many dimensions."""
    return core_points.boxes(clusters[0], clusters[2]) if clusters[0].shape[1] <= TREE_DIMENSIONS else ()


def _by_cluster(points: SharedPoints, labels: Labels, wanted: NDArray[np.bool_]) -> Ints:
    """The wanted (n,) points by cluster, near ones near one another."""
    ids = points.near_order[wanted[points.near_order]]
    return np.asarray(ids[np.argsort(labels[ids], kind="stable")])


def _grouped(X: Floats, labels: Labels, ids: Ints) -> Grouped:
    """Points ids (m,) that lie together by cluster, ids, where each cluster begins and the last ends, and (n,)
    where among them each of all points is, -1 if it is not."""
    sizes = np.bincount(labels[ids])
    place = np.full(len(X), -1)
    place[ids] = np.arange(len(ids))
    return X[ids], ids, np.concatenate([[0], np.cumsum(sizes[sizes > 0])]), place
