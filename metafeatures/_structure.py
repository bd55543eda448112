"""Structure, first half: the neighbor graph, the spanning tree and the local density."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gamac_meta.types import Floats, Ints
from metafeatures._registry import metafeatures
from metafeatures._view import Tree

EDGE_RANKS = (1, 2, 4, 8, 16, 32)
DIP_POINTS = 256


def neighbor_matrix(neighbors: Ints, count: int) -> npt.NDArray[np.float32]:
    """(n, n) 1 where the column is among the first `count` neighbors of the row."""
    n = len(neighbors)
    matrix = np.zeros((n, n), dtype=np.float32)
    np.put_along_axis(matrix, neighbors[:, :count], 1.0, axis=1)
    return matrix


def pieces(matrix: npt.NDArray[np.float32]) -> Ints:
    """(n,) connected component of each point of a graph; direction does not count."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(csr_array(matrix), directed=False)[1], dtype=np.int64)


@metafeatures("in_degree_sd", "in_degree_skew", "orphan_share", "mutual_share", "triangle_share")
def neighbor_graph(neighbors: Ints) -> tuple[float, ...]:
    """How evenly points are neighbors of others (hubness), how often both ways, how often of each other.

    Hubness: Radovanovic et al. 2010, doi:10.5555/1756006.1953015.
    """
    n, count = neighbors.shape
    degree = np.bincount(neighbors.ravel(), minlength=n) / count
    matrix = neighbor_matrix(neighbors, count)
    spread = float(degree.std())
    closed = float(matrix[neighbors[:, :, None], neighbors[:, None, :]].sum())
    return (
        spread,
        float(np.mean((degree - 1.0) ** 3)) / spread**3 if spread > 0 else 0.0,
        float(np.mean(degree == 0)),
        float(np.sum(matrix * matrix.T)) / (n * count),
        closed / (n * count * max(count - 1, 1)),
    )


@metafeatures("mutual_5_components", "mutual_10_components", "mutual_10_largest", "nearest_5_components")
def components(neighbors: Ints) -> tuple[float, ...]:
    """Logs of the numbers of components of neighbor graphs, and the share of points in the largest."""
    five, ten = neighbor_matrix(neighbors, 5), neighbor_matrix(neighbors, 10)
    mutual_five, mutual_ten, nearest_five = (np.bincount(pieces(graph)) for graph in (five * five.T, ten * ten.T, five))
    return (
        np.log(len(mutual_five)),
        np.log(len(mutual_ten)),
        mutual_ten.max() / len(neighbors),
        np.log(len(nearest_five)),
    )


def _log_ratios(edges: Floats) -> Floats:
    """(6,) log of the 1st, 2nd, 4th ... longest edge over the median; the shortest where there are fewer."""
    positive = edges[edges > 0]
    unit = np.median(positive)
    ranked = positive[np.minimum(np.array(EDGE_RANKS) - 1, positive.size - 1)]
    return np.asarray(np.log(ranked / unit))


@metafeatures(*(f"tree_edge_{rank}" for rank in EDGE_RANKS))
def tree_edges(tree: Tree) -> Floats:
    """Logs of the longest spanning-tree edges over the median edge that is not between duplicates."""
    return _log_ratios(tree.edges)


@metafeatures(*(f"tree_local_edge_{rank}" for rank in EDGE_RANKS))
def tree_local_edges(tree: Tree, local_scale: Floats) -> Floats:
    """The same for edges in units of the local scale at their ends, so that density does not count."""
    return _log_ratios(-np.sort(-_local_lengths(tree, local_scale)))


def _local_lengths(tree: Tree, local_scale: Floats) -> Floats:
    child = tree.order[1:]
    return np.asarray(tree.length[child] / np.sqrt(local_scale[child] * local_scale[tree.parent[child]]))


@metafeatures("tree_edge_variation", "tree_leaf_share", "tree_branch_share", "tree_gap", "tree_gap_position")
def tree_shape(tree: Tree) -> tuple[float, ...]:
    """Variation of edges, shares of leaves and branchings; largest log step down among the 60 longest
    edges, and the log of the number of clusters that cutting above it leaves."""
    edges = tree.edges
    positive = edges[edges > 0][:60]
    steps = np.log(positive[:-1] / positive[1:]) if positive.size > 1 else np.zeros(1)
    return (
        np.log1p(edges.std() / edges.mean()),
        float(np.mean(tree.degree == 1)),
        float(np.mean(tree.degree > 2)),
        float(steps.max()),
        float(np.log(2 + int(np.argmax(steps)))),
    )


@metafeatures("tree_balanced_edge")
def tree_balanced_edge(tree: Tree, local_scale: Floats) -> float:
    """Log of the longest locally scaled edge with a fiftieth of the points on both sides, over the median."""
    child = tree.order[1:]
    n = len(tree.order)
    lengths = _local_lengths(tree, local_scale)
    balanced = np.minimum(tree.below[child], n - tree.below[child]) >= max(2, n // 50)
    positive = lengths[lengths > 0]
    longest = lengths[balanced].max(initial=0.0)
    return float(np.log1p(longest / np.median(positive)))


@metafeatures("density_sd", "density_skew", "density_dip", "density_peaks", "outlier_share")
def density(local_scale: Floats, neighbors: Ints) -> tuple[float, ...]:
    """Spread, skew and dip of the log distance to the 5th neighbor, log of the number of points
    denser than all their neighbors, share of points with that distance above 3 medians."""
    sparsity = np.log(local_scale)
    spread = float(sparsity.std())
    centered = sparsity - sparsity.mean()
    peaks = np.sum(np.all(sparsity[:, None] < sparsity[neighbors], axis=1))
    return (
        spread,
        float(np.mean(centered**3)) / spread**3 if spread > 1e-9 else 0.0,
        dip(sparsity),
        float(np.log1p(peaks)),
        float(np.mean(local_scale > 3 * np.median(local_scale))),
    )


@metafeatures("distance_dip")
def distance_dip(condensed: Floats) -> float:
    """Dip of the pairwise distances, a test of clusterability (Adolfsson et al. 2019,
    doi:10.1016/j.patcog.2018.10.026)."""
    return dip(condensed)


def dip(values: Floats) -> float:
    """Largest distance of the distribution to the nearest unimodal one, on 256 quantiles of values.

    Hartigan and Hartigan 1985, doi:10.1214/aos/1176346577. For a mode at the m-th value the nearest
    is convex before and concave after it: half the largest excess of the distribution over the
    greatest convex minorant before m, or over the mirrored one after m. The first grows with m and
    the second falls, so the best mode is found by bisection.
    """
    if len(values) > DIP_POINTS:
        values = np.quantile(values, (np.arange(DIP_POINTS) + 0.5) / DIP_POINTS)
    places, counts = np.unique(values, return_counts=True)
    upto = np.cumsum(counts) / counts.sum()
    before = upto - counts / counts.sum()
    size = len(places)
    mirrored = (-places[::-1], 1.0 - upto[::-1], 1.0 - before[::-1])
    best, low, high = 1.0, 0, size - 1
    while low <= high:
        mode = (low + high) // 2
        left = _convex_excess(places, before, upto, mode)
        right = _convex_excess(*mirrored, size - 1 - mode)
        best = min(best, max(left, right))
        if left < right:
            low = mode + 1
        else:
            high = mode - 1
    return best / 2.0


def _convex_excess(places: Floats, before: Floats, upto: Floats, mode: int) -> float:
    """Largest excess of upto over the greatest convex minorant of before, at places ahead of the mode."""
    hull: list[int] = []
    for point in range(mode + 1):
        while len(hull) > 1:
            a, b = hull[-2], hull[-1]
            rise = (before[b] - before[a]) * (places[point] - places[a])
            if rise < (before[point] - before[a]) * (places[b] - places[a]):
                break
            hull.pop()
        hull.append(point)
    if mode == 0:
        return 0.0
    return float(np.max(upto[:mode] - np.interp(places[:mode], places[hull], before[hull])))
