"""Rows: a sample of the points, each measured exactly against all others.

Where all pairs are too many, means over points and pairs are estimated from rows, with intervals
by a delete-a-group jackknife (Kott 2001, Journal of Official Statistics 17: 521). The sample is one
for all partitions: every point has one random priority, and a row is what is among the first of all
points or among the first of its cluster in any partition (bottom-k samples of several populations,
coordinated: Cohen 2015, doi:10.48550/arXiv.1509.07445). Within a cluster rows weigh by the inverse
of their chance to be drawn, and each cluster by its known size.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from threading import Event
from typing import Any

import numpy as np

from gamac_meta._kernels import sampled as kernels
from gamac_meta.concordance import Concordance, from_histogram
from gamac_meta.executor import in_threads
from gamac_meta.farthest import HULL_DIMENSIONS, ClusterHulls
from gamac_meta.near_pass import FEW
from gamac_meta.pair_pass import processors
from gamac_meta.pairwise import NEIGHBORHOOD, STATISTIC_KINDS, PartitionView, most_central
from gamac_meta.points import NEIGHBORS, SharedPoints
from gamac_meta.refinement import refine
from gamac_meta.types import Floats, Ints, Labels

# of rows, that the jackknife deletes in turn
GROUPS = 32
NEAR = frozenset(name for name, what in STATISTIC_KINDS.items() if what == "near")
# rows of every cluster that has them: at least so many, and this share of the rows of all points
LEAST_PER_CLUSTER = 32
SHARE_PER_CLUSTER = 16
BUFFER = 4_000_000  # distances held by one thread
ROWS_AT_ONCE = 8


# ---- the sample --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RowSample:
    """Rows in the order of their groups."""

    rows: Ints  # (r,) which points
    chance: Floats  # (r,) of each to be drawn
    edges: Ints  # (GROUPS + 1,) where each group begins

    @property
    def stakes(self) -> Floats:
        """(r,) share of a row's weight that the deletion of its group moves.

        The root of the finite population correction: what is certain to be drawn varies nothing.
        """
        return np.sqrt(1.0 - self.chance)


def draw(labels: Labels, count: int, per_cluster: int, rng: np.random.Generator) -> tuple[Ints, Floats]:
    """Points (r,), ascending, and the chance of each: `count` of all, and of each cluster of labels (p, n),
    numbered below 2**15, at least `per_cluster` or all it has."""
    priorities = rng.random((labels.shape[1],))
    first = np.argsort(priorities)
    limits = np.full(priorities.size, priorities[first[count]] if count < priorities.size else 1.0)
    for row in labels:
        # small numbers sort ten times faster
        order = first[np.argsort(row[first].astype(np.int16), kind="stable")][np.count_nonzero(row < 0) :]
        sizes = np.bincount(row[order])
        starts = np.cumsum(sizes) - sizes
        larger = sizes > per_cluster
        # noise, -1, is last
        limit = np.append(np.ones(sizes.size), 0.0)
        limit[:-1][larger] = priorities[order[starts[larger] + per_cluster]]
        np.maximum(limits, limit[row], out=limits)
    rows = np.flatnonzero(priorities < limits)
    return rows, limits[rows]


def draw_rows(labels: Labels, count: int, rng: np.random.Generator, per_cluster: int | None = None) -> RowSample:
    """`count` rows of all points, more for small clusters, dealt to groups."""
    if per_cluster is None:
        per_cluster = max(LEAST_PER_CLUSTER, count // SHARE_PER_CLUSTER)
    rows, chance = draw(labels, count, per_cluster, rng)
    # at random, not evenly over clusters: groups as alike as that would hide how much samples differ
    group = rng.permutation(np.arange(rows.size) % GROUPS)
    order = np.argsort(group, kind="stable")
    edges = np.searchsorted(group[order], np.arange(GROUPS + 1))
    return RowSample(rows[order], chance[order], edges)


# ---- their statistics --------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RowStatistics:
    """What is known of the rows of a sample, for p partitions of K clusters in all."""

    sample: RowSample
    offsets: Ints  # (p + 1,) first cluster of each partition
    weights: Floats  # (p, r) points of its own cluster that a row stands for, 0 for noise
    sums: Floats  # (r, K) summed distances to the points of each cluster
    minima: Floats  # (r, K) smallest of them
    maxima: Floats  # (r, K) largest
    outsiders: Floats  # (p, r) mean distance to as many nearest outsiders as the own cluster has points
    centers: Floats  # (bins,) distance in the middle of each bin
    histograms: Floats  # (2, p, bins) weighted distances to the own cluster, to all clustered points
    staked: Floats  # (GROUPS, 2, p, bins) the same of each group, weighted by what is at stake
    near: Floats  # (p, 4, r) nearest own and foreign point, mean of the few nearest of each
    neighborhood: tuple[Floats, Labels]  # (r, p, m) distances to nearest clustered points, and their clusters
    reflections: Floats  # (p, r) as PartitionView.reflections
    to_centroid: Floats  # (p, r) distance to the own centroid


class RowPass:
    """Measures rows against all points, for p partitions (p, n) of the same points."""

    def __init__(self, X: Floats, labels: Labels, threads: int | None = None) -> None:
        self.labels = labels
        self.threads = threads or processors()
        self.atoms = refine(labels)
        self.columns = self.atoms.columns(X)
        self.place = np.empty(self.atoms.order.size, dtype=np.int64)
        self.place[self.atoms.order] = np.arange(self.atoms.order.size)
        self.clusters = self.atoms.clusters
        self.offsets = self.clusters[2]
        self.sizes = np.concatenate([np.bincount(row[row >= 0]) for row in labels]).astype(np.int64)
        # largest distance 1 to 2 radii
        squares = np.zeros(self.place.size)
        for column in self.columns:
            squares += (column - column.mean()) ** 2
        radius = float(np.sqrt(squares.max()))
        largest = np.float64(2.0 * radius * (1.0 + 1e-12) or 1.0)
        self.lowest = (int(largest.view(np.int64)) >> kernels.BIN_SHIFT) - (kernels.BINS - 1)

    def measure(
        self, sample: RowSample, needs: frozenset[str], advance: Callable[[], Any] = lambda: None
    ) -> RowStatistics:
        """Statistics of the rows; those of order and of symmetry only if needs ask for them.

        advance is called GROUPS times, and p times more for symmetry.
        """
        p, r, bins = len(self.labels), sample.rows.size, kernels.BINS
        weights = np.stack(
            [_weights(row[sample.rows], sample.chance, self._sizes(q)) for q, row in enumerate(self.labels)]
        )
        ordered = not needs.isdisjoint(["concordance", "extreme_sums", "outsider_mean"])
        sums, minima, maxima = (np.empty((r, self.sizes.size)) for _ in range(3))
        outsiders = np.full((p, r), np.nan)
        near = np.full((p, 4, r), np.nan)
        listed = NEIGHBORHOOD if not needs.isdisjoint(NEAR) else 0
        lengths = np.full((r, p, listed), np.inf)
        clusters = np.full((r, p, listed), -1, dtype=np.int32)
        noise = self.atoms.noise
        at_once = max(1, min(ROWS_AT_ONCE, BUFFER // self.place.size))

        def group(g: int, stop: Event) -> Floats:
            counted = np.zeros((4, p, bins if ordered else 0))
            distances = np.empty((at_once, self.place.size))
            atom_minima = np.empty((at_once, self.atoms.starts.size - 1))
            for start in range(sample.edges[g], sample.edges[g + 1], at_once):
                if stop.is_set():
                    break
                mine = slice(start, min(start + at_once, int(sample.edges[g + 1])))
                places = self.place[sample.rows[mine]]
                points = np.ascontiguousarray(self.columns[:, places].T)
                here = distances[: places.size]
                kernels.fold_points(
                    self.columns, points, self.atoms.starts, *self.clusters[:2], here, atom_minima,
                    sums[mine], minima[mine], maxima[mine],
                )  # fmt: skip
                if listed:
                    nearest = np.full((p, 4, places.size), -1.0)
                    kernels.near_points(
                        here, atom_minima, places, self.atoms.starts, self.atoms.atom_of, self.atoms.labels,
                        self.offsets, self.sizes, FEW, nearest, lengths[mine], clusters[mine],
                    )  # fmt: skip
                    near[:, :, mine] = np.where(nearest < 0.0, np.nan, nearest)
                if not ordered:
                    continue
                found = np.empty((p, places.size))
                staked = weights[:, mine] * sample.stakes[mine]
                kernels.order_points(
                    here, places, np.ascontiguousarray(weights[:, mine]), staked,
                    self.atoms.starts, self.atoms.atom_of, self.atoms.labels, *self.clusters, *noise,
                    self.sizes, self.lowest, *counted, found,
                )  # fmt: skip
                outsiders[:, mine] = np.where(found < 0.0, np.nan, found)
            return counted

        whole = np.zeros((2, p, bins if ordered else 0))
        staked = np.zeros((GROUPS, *whole.shape))
        # added up in the order of groups, so that the result does not depend on the thread count
        for g, counted in enumerate(in_threads(group, range(GROUPS), self.threads)):
            whole += counted[:2]
            staked[g] = counted[2:]
            advance()
        edges = (np.arange(bins + 1) + self.lowest) << kernels.BIN_SHIFT
        centers = np.convolve(edges.view(np.float64), [0.5, 0.5], mode="valid")
        centers[0] = 0.0  # whatever is too small for the others, in effect zero
        return RowStatistics(
            sample, self.offsets, weights, sums, minima, maxima, outsiders, centers, whole, staked,
            near, (lengths, clusters), *self._mirrored(sample, needs, advance),
        )  # fmt: skip

    def _sizes(self, q: int) -> Ints:
        return np.asarray(self.sizes[self.offsets[q] : self.offsets[q + 1]])

    def _mirrored(self, sample: RowSample, needs: frozenset[str], advance: Callable[[], Any]) -> tuple[Floats, Floats]:
        """(p, r) reflections and distances to the own centroid, NaN for noise."""
        p = len(self.labels)
        reflections, to_centroid = (np.full((p, sample.rows.size), np.nan) for _ in range(2))
        if needs.isdisjoint(["reflections", "symmetry_distances"]):
            return reflections, to_centroid
        sums = np.add.reduceat(self.columns, self.atoms.starts[:-1], axis=1)
        starts, members = self.clusters[:2]
        points = np.ascontiguousarray(self.columns[:, self.place[sample.rows]].T)

        def partition(q: int, stop: Event) -> None:
            labels = self.labels[q, sample.rows]
            for c, size in enumerate(self._sizes(q)):
                mine = np.flatnonzero(labels == c)
                if stop.is_set():
                    return
                atoms = members[starts[self.offsets[q] + c] : starts[self.offsets[q] + c + 1]]
                center = sums[:, atoms].sum(axis=1) / size
                to_centroid[q, mine] = np.sqrt(np.sum((points[mine] - center) ** 2, axis=1))
                if size > 1:
                    out = np.empty(mine.size)
                    kernels.nearest_to_images(self.columns, 2.0 * center - points[mine], self.atoms.starts, atoms, out)
                    reflections[q, mine] = out

        for _ in in_threads(partition, range(p), self.threads):
            advance()
        return reflections, to_centroid


def _weights(labels: Labels, chance: Floats, sizes: Ints) -> Floats:
    """(r,) points of its cluster that each row stands for, labels (r,) with -1 outside."""
    weights = np.where(labels < 0, 0.0, 1.0 / chance)
    found = np.bincount(labels[labels >= 0], weights=weights[labels >= 0], minlength=sizes.size)
    return np.asarray(weights * np.append(sizes / found, 0.0)[labels])


# ---- views -------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class ClusteredRows:
    """The rows that a partition clusters, ordered by cluster."""

    labels: Labels  # (r,) cluster of each
    starts: Ints  # (k,) where each cluster begins
    sums: Floats  # (r, k) summed distances to the points of each cluster
    sizes: Floats  # (k,) points, not rows, of each cluster
    centers: Floats  # (bins,) distance in the middle of each bin of the histograms


class Weighted:
    """Statistics of rows under one choice of their weights."""

    def __init__(self, rows: ClusteredRows, weights: Floats, histograms: Callable[[], Floats]) -> None:
        self._rows = rows
        self._n = float(np.sum(rows.sizes))
        found = np.add.reduceat(weights, rows.starts)
        self._weights = weights * (rows.sizes / found)[rows.labels]
        self._histograms = histograms

    def row_mean(self, values: Floats) -> float:
        """Mean over all clustered points of values of rows (r,)."""
        return float(np.sum(self._weights * values) / self._n)

    def row_cluster_means(self, values: Floats) -> Floats:
        """(k,) mean over each cluster of values of rows (r,)."""
        return np.asarray(np.add.reduceat(self._weights * values, self._rows.starts) / self._rows.sizes)

    @cached_property
    def pair_sums(self) -> Floats:
        """(k, k) sum of distances over ordered pairs (a point of a, a point of b), from rows of both."""
        sums = np.add.reduceat(self._weights[:, None] * self._rows.sums, self._rows.starts, axis=0)
        return 0.5 * (sums + sums.T)

    @cached_property
    def mean_gaps(self) -> Floats:
        """(k, k) mean distance between points of two clusters, infinite on the diagonal."""
        means = self.pair_sums / np.outer(self._rows.sizes, self._rows.sizes)
        np.fill_diagonal(means, np.inf)
        return means

    @cached_property
    def _counts(self) -> tuple[Floats, Floats]:
        """(bins,) pairs within clusters and pairs between them, by their distance; the totals are exact."""
        within, clustered = self._histograms()
        between = np.maximum(clustered - within, 0.0)
        inside = np.sum(self._rows.sizes * (self._rows.sizes - 1.0)) / 2.0
        across = self._n * (self._n - 1.0) / 2.0 - inside
        return within * (inside / within.sum()), between * (across / between.sum())

    @cached_property
    def concordance(self) -> Concordance:
        """Comparisons of within with between distances."""
        return from_histogram(*self._counts)

    @cached_property
    def extreme_sums(self) -> tuple[float, float]:
        """Smallest and largest sum of as many distances between clustered points as lie within clusters."""
        within, between = self._counts
        centers = self._rows.centers
        clustered, wanted = within + between, float(within.sum())
        return _sum_of_first(clustered, centers, wanted), _sum_of_first(clustered[::-1], centers[::-1], wanted)


def _sum_of_first(counts: Floats, distances: Floats, wanted: float) -> float:
    """Sum of the first `wanted` of distances that occur so many times."""
    before = np.cumsum(counts) - counts
    return float(np.sum(np.clip(wanted - before, 0.0, counts) * distances))


# statistics that depend on the weights of rows, and so vary when a group is deleted
WEIGHTED = ("row_mean", "row_cluster_means", "pair_sums", "mean_gaps", "concordance", "extreme_sums")


class SampledView(PartitionView):
    """A PartitionView whose statistics of rows are those of a sample, and whose sums of pairs are estimates.

    Minima and maxima are those among the rows, unless `exact` has them: gaps and cover too large or right,
    diameters too small or right. What is linear is exact, of all points.
    """

    def __init__(
        self,
        labels: Labels,
        statistics: RowStatistics,
        row: int,
        shared: SharedPoints,
        exact: Mapping[str, Floats] | None = None,
    ) -> None:
        super().__init__(shared.X, labels, shared=shared)
        self._partition = row
        self._exact = exact or {}
        self._statistics = statistics
        own = np.asarray(labels)[statistics.sample.rows]
        order = np.argsort(own, kind="stable")
        self._rows = order[np.count_nonzero(own < 0) :]
        self._own = own

    @cached_property
    def row_labels(self) -> Labels:
        """(r,) cluster of each row, ascending."""
        return np.asarray(self._own[self._rows])

    @property
    def certain(self) -> bool:
        """Whether all clustered points are rows."""
        return self._rows.size == self.n

    @property
    def rows_drawn(self) -> int:
        """Rows of the sample, those that are noise here included."""
        return int(self._statistics.sample.rows.size)

    @cached_property
    def _columns(self) -> slice:
        return slice(int(self._statistics.offsets[self._partition]), int(self._statistics.offsets[self._partition + 1]))

    @cached_property
    def _clustered(self) -> ClusteredRows:
        return ClusteredRows(
            self.row_labels,
            np.searchsorted(self.row_labels, np.arange(self.k)),
            self._statistics.sums[self._rows, self._columns],
            self.sizes,
            self._statistics.centers,
        )

    @cached_property
    def _is_own(self) -> Any:
        return np.arange(self.k) == self.row_labels[:, None]

    # ---- all clustered points, for those who search them --------------------------------------

    @property
    def placed(self) -> tuple[Floats, Ints, Floats]:
        """X as kernels take it: row i is points[order[i]] - middle."""
        return self._placed

    def taken(self, rows: slice | Ints) -> Floats:
        """Rows of X, without a copy of the others."""
        return self._taken(rows)

    @property
    def hulls(self) -> ClusterHulls | None:
        """The hulls of the clusters in the plane, None in more dimensions."""
        return self._hulls if self.d <= HULL_DIMENSIONS else None

    # ---- weights ----------------------------------------------------------------------------

    # What follows holds no reference to the view, or its arrays would outlive it until a garbage collection.

    @cached_property
    def _row_weights(self) -> Floats:
        return self._statistics.weights[self._partition, self._rows]

    @cached_property
    def _full(self) -> Weighted:
        histograms = self._statistics.histograms[:, self._partition]
        return Weighted(self._clustered, self._row_weights, lambda: histograms)

    @cached_property
    def replicates(self) -> list[Weighted]:
        """The estimates with each group of rows deleted, as far as the sample is not certain."""
        group = np.searchsorted(self._statistics.sample.edges, self._rows, side="right") - 1
        stakes = self._statistics.sample.stakes[self._rows]
        histograms = self._statistics.histograms[:, self._partition]
        staked = self._statistics.staked[:, :, self._partition]
        # the deleted group loses what is at stake, the others gain a share each
        gain = 1.0 / (GROUPS - 1)
        gained = histograms + gain * staked.sum(axis=0)
        return [
            Weighted(
                self._clustered,
                self._row_weights * (1.0 + stakes * np.where(group == g, -1.0, gain)),
                partial(np.subtract, gained, (1.0 + gain) * staked[g]),
            )
            for g in range(GROUPS)
        ]

    def row_mean(self, values: Floats) -> float:
        """Mean over all clustered points of values of rows (r,)."""
        return self._full.row_mean(values)

    def row_cluster_means(self, values: Floats) -> Floats:
        """(k,) mean over each cluster of values of rows (r,)."""
        return self._full.row_cluster_means(values)

    def row_cluster_maxima(self, values: Floats) -> Floats:
        """(k,) largest in each cluster of values of rows (r,)."""
        return np.asarray(np.maximum.reduceat(values, self._clustered.starts))

    # ---- statistics -------------------------------------------------------------------------

    @property
    def pair_sums(self) -> Floats:
        """(k, k) sum of distances over ordered pairs (a point of a, a point of b)."""
        return self._full.pair_sums

    @property
    def concordance(self) -> Concordance:
        """Comparisons of within with between distances."""
        return self._full.concordance

    @property
    def extreme_sums(self) -> tuple[float, float]:
        """Smallest and largest sum of as many distances between clustered points as lie within clusters."""
        return self._full.extreme_sums

    @cached_property
    def own_mean(self) -> Floats:
        """(r,) mean distance to the other points of the own cluster, NaN for a single point."""
        others = self.sizes[self.row_labels] - 1.0
        sums = np.sum(self._clustered.sums, axis=1, where=self._is_own)
        return np.where(others > 0.0, sums / np.maximum(others, 1.0), np.nan)

    @cached_property
    def other_mean(self) -> Floats:
        """(r,) smallest mean distance to the points of another cluster."""
        return np.asarray(np.min(self._clustered.sums / self.sizes, axis=1, where=~self._is_own, initial=np.inf))

    @cached_property
    def own_farthest(self) -> Floats:
        """(r,) largest distance to a point of the own cluster, zero for a single point."""
        return np.asarray(np.max(self._maxima, axis=1, where=self._is_own, initial=0.0))

    @cached_property
    def _maxima(self) -> Floats:
        return self._statistics.maxima[self._rows, self._columns]

    @cached_property
    def gaps(self) -> Floats:
        """(k, k) smallest distance from a row to a point of another cluster, infinite on the diagonal."""
        if "gaps" in self._exact:
            return self._exact["gaps"]
        gaps = np.minimum.reduceat(self._statistics.minima[self._rows, self._columns], self._clustered.starts, axis=0)
        np.fill_diagonal(gaps, np.inf)
        return np.minimum(gaps, gaps.T)

    @cached_property
    def diameters(self) -> Floats:
        """(k,) largest distance from a row to a point of its cluster."""
        if "diameters" in self._exact:
            return self._exact["diameters"]
        return self.row_cluster_maxima(self.own_farthest)

    @cached_property
    def cover(self) -> Floats:
        """(k,) smallest, over rows outside the cluster, of the largest distance to its points."""
        if "cover" in self._exact:
            return self._exact["cover"]
        return np.asarray(np.min(self._maxima, axis=0, where=~self._is_own, initial=np.inf))

    @cached_property
    def medoid_distances(self) -> tuple[Floats, Floats]:
        """(n,) distance of each point to the most central row of its cluster, and (n,) to the nearest of the others."""
        central = most_central(self.own_mean, self.row_labels, self._clustered.starts, self.other_mean)
        medoids = self._statistics.sample.rows[self._rows[central]]
        return self._distances_to_centers(self._all_X[medoids] - self._middle)

    @cached_property
    def outsider_mean(self) -> Floats:
        """(r,) mean distance to as many nearest points of other clusters as the own cluster has points."""
        return self._statistics.outsiders[self._partition, self._rows]

    @cached_property
    def neighborhood(self) -> tuple[Floats, Labels]:
        """Distances to the nearest other points (r, up to NEIGHBORHOOD), nearest first, and their clusters."""
        count = min(NEIGHBORHOOD, self.n - 1)
        lengths, clusters = self._statistics.neighborhood
        return lengths[self._rows, self._partition, :count], clusters[self._rows, self._partition, :count]

    @cached_property
    def neighbor_labels(self) -> Labels:
        """(r, up to NEIGHBORS) clusters of the nearest other points, nearest first."""
        return np.asarray(self.neighborhood[1][:, :NEIGHBORS])

    def _near_points(self, which: int) -> Floats:
        return self._statistics.near[self._partition, which, self._rows]

    @cached_property
    def nearest_own(self) -> Floats:
        """(r,) distance to the nearest point of the own cluster, NaN for a single point."""
        return self._near_points(0)

    @cached_property
    def nearest_foreign(self) -> Floats:
        """(r,) distance to the nearest point of another cluster."""
        return self._near_points(1)

    @cached_property
    def few_own_mean(self) -> Floats:
        """(r,) mean distance to a few nearest points of the own cluster, NaN for a single point."""
        return self._near_points(2)

    @cached_property
    def few_foreign_mean(self) -> Floats:
        """(r,) mean distance to as many nearest points of other clusters, NaN for a single point."""
        return self._near_points(3)

    @cached_property
    def reflections(self) -> Floats:
        """(r,) mean distance from a row's mirror image to its two nearest points of the cluster, NaN for one."""
        return self._statistics.reflections[self._partition, self._rows]

    @cached_property
    def symmetry_distances(self) -> Floats:
        """(r,) point symmetry distance to the own centroid within the own cluster, zero for a single point."""
        reach = self._statistics.to_centroid[self._partition, self._rows]
        return np.where((reach > 0.0) & ~np.isnan(self.reflections), self.reflections * reach, 0.0)
