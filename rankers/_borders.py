"""What is seen of one partition where clusters meet and inside them: whether a person would part them there, and
nowhere else.

Values of measures are means over all points or clusters. One border too many, or one too few, is seen at once in a
picture and hardly moves a mean, so what counts here is the worst of all borders and of all insides. Everything is
unchanged when the points are moved, turned, or multiplied by one number.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import numpy as np

from gamac_meta.points import SharedPoints
from gamac_meta.types import Floats, Ints, Labels, PartitionSet

NEAR = 15  # nearest others among which a cluster meets another
NEARER = 5
LINKS = 3  # between two clusters, from which on they meet
TINY = 1e-3  # of the median distance to the NEAR-th other: nearer points are as good as equal
LEAST_SPREAD = 0.05  # of log distances to the NEAR-th other; a grid has none
# a cluster that holds less than this share of all points has no say in the worst unevenness and the worst waist, a part
# of a cluster with less of it none in its gaps
PART = 0.05
PART_OF_ALL, FEWEST_APART = 0.02, 3  # the least part of all points, and the fewest, that a gap parts from the rest
FEWEST = 8  # points of a cluster with an axis of its own
APART = 5.0  # the logarithm that stands for clusters that meet no other; greater ones are rare
# densities along a line, each point spread over some steps as a triangle
STEPS = 21
LINE_WIDTH, AXIS_WIDTH = 2.0, 2.5  # of its half, in steps
MOST_FILLED = 3.0  # how much denser the middle of a line need be than its ends to count no further

# name -> sign of its effect where only one is sensible: a greater value never lowers, or never raises, a score
SIGNS = {
    "crossing_worst": -1,
    "crossing_mean": -1,
    "nearer_crossing_worst": -1,
    "nearer_crossing_mean": -1,
    "valley_worst": 1,
    "valley_mean": 1,
    "drop_worst": 1,
    "drop_mean": 1,
    "edge_worst": 1,
    "edge_mean": 1,
    "edge_quarter": 1,
    "meetings": 0,
    "bordering": 0,
    "unevenness_mean": -1,
    "unevenness_worst": -1,
    "gap_inside": -1,
    "gap_inside_own": -1,
    "gap_inside_mean": -1,
    "scattered": -1,
    "pieces": 0,
    "gap_between_least": 1,
    "gap_between_mean": 1,
    "gap_between_quarter": 1,
    "gap_between_less_inside": 1,
    "filled_worst": -1,
    "filled_mean": -1,
    "waist_worst": -1,
    "waist_mean": -1,
}
BORDER_FEATURES = tuple(SIGNS)


class _Rooted(NamedTuple):
    """A spanning tree seen from its first point: what lies below a point is a run of the order of visits."""

    parents: Ints  # (n,) -1 for the first point
    contrasts: Floats  # (n,) log length of the edge to the parent over the spacing of points at its ends
    visits: Ints  # (n,) place of each point in the order
    last: Ints  # (n,) place after the last point below it


class _Grouping(NamedTuple):
    """A partition, noise left out."""

    labels: Labels  # (n,) -1 is noise
    members: Ints  # points by cluster
    starts: Ints  # (k,) where in them a cluster begins
    sizes: Ints  # (k,)

    @property
    def k(self) -> int:
        return self.sizes.size

    @property
    def owners(self) -> Labels:
        """(members,) cluster of each."""
        return self.labels[self.members]

    def mean(self, values: Floats) -> float:
        """Of values (k,), by size."""
        return float(values @ self.sizes / self.sizes.sum())

    def greatest(self, values: Floats, least: float) -> float:
        """Of values (k,) of clusters with at least PART of the points, `least` if there are none."""
        return float(np.max(values, where=self.sizes >= PART * self.sizes.sum(), initial=least))


class Borders:
    """Looks at partitions of points (n, d), which it prepares once."""

    def __init__(self, X: Floats) -> None:
        self._X = X
        points = SharedPoints(X)
        distances, self._nearest = points.neighbors(min(NEAR, len(X) - 1))
        self._nearer = min(NEARER, self._nearest.shape[1])
        widths = distances[:, [self._nearer - 1, -1]]
        typical = float(np.median(widths[:, 1])) or 1.0
        widths = np.log(np.maximum(widths, TINY * typical))
        self._sparsity: Floats = widths[:, 1]  # (n,) log distance to the last of the near
        edges, lengths = points.spanning_tree
        spacing = widths[:, 0][edges].mean(axis=1)
        self._tree = _rooted(edges, np.log(np.maximum(lengths, TINY * typical)) - spacing)

    @cached_property
    def _spread(self) -> float:
        return max(float(self._sparsity.std()), LEAST_SPREAD)

    def features(self, partitions: PartitionSet) -> Floats:
        """(p, features) of each partition (p, n), in the order of BORDER_FEATURES. With fewer than two clusters there
        is no border, and the features are worse than those of any."""
        from threadpoolctl import threadpool_limits

        # matrices are small: idle BLAS threads would burn more time than they save
        with threadpool_limits(1):
            return np.array([self._row(labels) for labels in partitions.labels])

    def _row(self, labels: Labels) -> tuple[float, ...]:
        order = np.argsort(labels, kind="stable")
        members = order[np.count_nonzero(labels < 0) :]
        sizes = np.bincount(labels[members])
        if sizes.size < 2:
            return tuple(-APART * sign for sign in SIGNS.values())
        grouping = _Grouping(labels, members, np.cumsum(sizes) - sizes, sizes)
        return (
            *self._meetings(grouping),
            *self._evenness(grouping),
            *self._gaps(grouping),
            *self._along_lines(grouping),
            *self._along_axes(grouping),
        )

    def _meetings(self, grouping: _Grouping) -> tuple[float, ...]:
        """How two clusters that meet are told apart: by few links between the near, by sparse points on both sides
        of the border (a valley), or by a change of density there."""
        labels, k = grouping.labels, grouping.k
        others = labels[self._nearest]
        crossing = (labels[:, None] >= 0) & (others >= 0) & (others != labels[:, None])
        rows, places = np.nonzero(crossing)
        one, other = labels[rows].astype(np.int64), others[rows, places]
        pairs = np.minimum(one, other) * k + np.maximum(one, other)
        kinds, which = np.unique(pairs, return_inverse=True)
        links = np.bincount(which)
        nearer_links = np.bincount(which, weights=places < self._nearer)
        # a point is at a border once, however many of its links cross it
        at, where = np.unique(which * len(labels) + rows, return_index=True)
        at_rows, at_which = at % len(labels), which[where]
        count = np.bincount(at_which)
        sparse = np.bincount(at_which, weights=self._sparsity[at_rows])
        bordering = np.unique(rows).size / grouping.members.size
        meets = links >= LINKS
        if not meets.any():
            return *(0.0,) * 4, *(APART,) * 7, 0.0, bordering
        kinds, count = kinds[meets], count[meets]
        typical = self._medians(grouping)
        ends = np.sort(np.stack([typical[kinds // k], typical[kinds % k]]), axis=0)
        border = sparse[meets] / count
        valley, drop = border - ends[1], border - ends[0]
        edge = np.maximum(valley, ends[1] - ends[0])
        crossed = links[meets] / (self._nearest.shape[1] * count)
        crossed_nearer = nearer_links[meets] / (self._nearer * count)
        weights = count / count.sum()
        return (
            *(summary for share in (crossed, crossed_nearer) for summary in (share.max(), share @ weights)),
            *(summary for log in (valley, drop, edge) for summary in (log.min(), log @ weights)),
            np.sort(edge)[edge.size // 4],
            kinds.size / k,
            bordering,
        )

    def _medians(self, grouping: _Grouping) -> Floats:
        """(k,) lower median of the sparsity of each cluster's points."""
        values = self._sparsity[grouping.members]
        ordered = values[np.lexsort((values, grouping.owners))]
        return ordered[grouping.starts + (grouping.sizes - 1) // 2]

    def _evenness(self, grouping: _Grouping) -> tuple[float, float]:
        """How uneven clusters are inside, compared with all points."""
        values = self._sparsity[grouping.members]
        means = np.add.reduceat(values, grouping.starts) / grouping.sizes
        squares = np.add.reduceat((values - means[grouping.owners]) ** 2, grouping.starts) / grouping.sizes
        unevenness = np.sqrt(squares) / self._spread
        return grouping.mean(unevenness), grouping.greatest(unevenness, 0.0)

    def _gaps(self, grouping: _Grouping) -> tuple[float, ...]:
        """Long edges of the spanning tree inside clusters, with much on both sides, and short ones between them."""
        tree, labels, sizes = self._tree, grouping.labels, grouping.sizes
        children = np.flatnonzero((tree.parents >= 0) & (labels >= 0))
        above = labels[tree.parents[children]]
        inside = children[above == labels[children]]
        between = np.sort(tree.contrasts[children[(above >= 0) & (above != labels[children])]])
        piece, counts = self._pieces(grouping, inside)
        below = self._below(piece, inside)
        side = np.minimum(below, counts[piece[inside]] - below)
        contrasts = tree.contrasts[inside]
        whole = grouping.members.size
        wide = np.full(grouping.k, -APART)
        own = side >= np.maximum(FEWEST_APART, PART * sizes[labels[inside]])
        np.maximum.at(wide, labels[inside][own], contrasts[own])
        in_all = float(np.max(contrasts, where=side >= max(FEWEST_APART, PART_OF_ALL * whole), initial=-APART))
        largest = np.zeros(grouping.k)
        np.maximum.at(largest, labels[grouping.members], counts[piece[grouping.members]])
        if not between.size:
            between = np.array([APART])
        return (
            in_all,
            float(wide.max()),
            grouping.mean(wide),
            1.0 - float(largest.sum()) / whole,
            (counts.size - np.count_nonzero(labels < 0) - grouping.k) / whole,
            between[0],
            between.mean(),
            between[between.size // 4],
            between[0] - in_all,
        )

    def _pieces(self, grouping: _Grouping, inside: Ints) -> tuple[Ints, Ints]:
        """(n,) which connected piece of its cluster each point is in, along the tree's edges inside, and sizes."""
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = grouping.labels.size
        links = coo_array((np.ones(inside.size, dtype=np.int8), (inside, self._tree.parents[inside])), shape=(n, n))
        _, piece = connected_components(links, directed=False)
        return piece, np.bincount(piece)

    def _below(self, piece: Ints, rows: Ints) -> Ints:
        """How many points of the piece of each row lie below it, itself counted."""
        n, visits = len(piece), self._tree.visits
        keys = np.sort(piece.astype(np.int64) * n + visits)
        base = piece[rows].astype(np.int64) * n
        last = np.searchsorted(keys, base + self._tree.last[rows])
        return np.asarray(last - np.searchsorted(keys, base + visits[rows]))

    def _along_lines(self, grouping: _Grouping) -> tuple[float, float]:
        """Density halfway from each cluster's center to the nearest other, over that at both ends."""
        from scipy.spatial.distance import cdist

        k, X = grouping.k, self._X
        centers = np.add.reduceat(X[grouping.members], grouping.starts) / grouping.sizes[:, None]
        squares = cdist(centers, centers, "sqeuclidean")
        np.fill_diagonal(squares, np.inf)
        partners = squares.argmin(axis=1)
        ways = (centers[partners] - centers) / np.maximum(squares.min(axis=1), np.finfo(float).tiny)[:, None]
        sides = [grouping.members[start : start + size] for start, size in zip(*grouping[2:], strict=True)]
        owners = np.concatenate([grouping.owners, np.repeat(np.arange(k), grouping.sizes[partners])])
        rows = np.concatenate([grouping.members, *(sides[partner] for partner in partners)])
        # one product for all lines: rows may be many times the points
        places = (X @ ways.T)[rows, owners] - np.sum(centers * ways, axis=1)[owners]
        # from half the way before the first center to as far behind the second
        densities = _spread_out((places + 0.5) * 10.0, owners, k, LINE_WIDTH)
        ends = np.minimum(densities[:, :9].max(axis=1), densities[:, 12:].max(axis=1))
        filled = densities[:, 7:14].min(axis=1) / np.maximum(ends, 1e-9)
        filled = np.minimum(filled, MOST_FILLED)
        return float(filled.max()), grouping.mean(filled)

    def _along_axes(self, grouping: _Grouping) -> tuple[float, float]:
        """How deep a valley of density lies across each cluster's longest axis (log, 0 is none)."""
        X = self._X[grouping.members]
        width, places = np.zeros(grouping.k), np.zeros(len(X))
        for cluster, (start, size) in enumerate(zip(grouping.starts, grouping.sizes, strict=True)):
            if size >= FEWEST:
                own = slice(start, start + size)
                offsets = X[own] - X[own].mean(axis=0)
                _, lengths, axes = np.linalg.svd(offsets, full_matrices=False)
                width[cluster] = lengths[0] / np.sqrt(size)
                places[own] = offsets @ axes[0] / (width[cluster] or 1.0)
        densities = _spread_out((places + 2.0) * 5.0, grouping.owners, grouping.k, AXIS_WIDTH)
        before = np.maximum.accumulate(densities, axis=1)[:, :-2]
        after = np.maximum.accumulate(densities[:, ::-1], axis=1)[:, ::-1][:, 2:]
        depth = np.log((np.minimum(before, after) + 1.0) / (densities[:, 1:-1] + 1.0))[:, 2:-2].max(axis=1)
        waist = np.where(width > 0.0, np.maximum(depth, 0.0), 0.0)
        return grouping.greatest(waist, 0.0), grouping.mean(waist)


def _rooted(edges: Ints, contrasts: Floats) -> _Rooted:
    """The tree of edges (n - 1, 2), with what is said of them (n - 1,), seen from point 0."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import breadth_first_order

    n = len(edges) + 1
    # zero is no edge
    numbered = coo_array((np.arange(1, n), (edges[:, 0], edges[:, 1])), shape=(n, n)).tocsr()
    numbered = numbered + numbered.T
    order, parents = breadth_first_order(numbered, 0, directed=False)
    parents = np.where(parents < 0, -1, parents).astype(np.int64)
    below = np.ones(n, dtype=np.int64)
    for point in order[:0:-1]:
        below[parents[point]] += below[point]
    visits = np.zeros(n, dtype=np.int64)
    free = np.ones(n, dtype=np.int64)  # where the next part below a point goes
    for point in order[1:]:
        parent = parents[point]
        visits[point] = free[parent]
        free[parent] += below[point]
        free[point] = visits[point] + 1
    said = np.zeros(n)
    said[order[1:]] = contrasts[numbered[order[1:], parents[order[1:]]] - 1]
    return _Rooted(parents, said, visits, visits + below)


def _spread_out(places: Floats, owners: Labels, k: int, half: float) -> Floats:
    """(k, STEPS) density along each owner's line of points at places (m,), counted in steps, as triangles."""
    densities = np.zeros(k * STEPS)
    nearest = np.floor(places)
    for shift in range(-int(half), int(half) + 2):
        step = nearest + shift
        weights = 1.0 - np.abs(places - step) / half
        good = (weights > 0.0) & (step >= 0) & (step < STEPS)
        densities += np.bincount(
            owners[good] * STEPS + step[good].astype(np.int64), weights=weights[good], minlength=k * STEPS
        )
    return densities.reshape(k, STEPS)
