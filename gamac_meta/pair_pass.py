"""The tile pass: statistics of pairs of points, for all partitions of the same points at once.

The distance matrix is never stored. Each walk makes a point's distances once and folds them by
cluster for every partition; tiles of rows run in threads and are combined in order, so that the
result does not depend on the thread count.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from gamac_meta._kernels import pairs as kernels
from gamac_meta.types import Floats, Ints, Labels

# Above this many points the concordance family is read off fine histograms instead of a full sort
# of all pairs: 8.4 million pairs take 200 MB.
EXACT_CONCORDANCE_POINTS = 4096
HISTOGRAM_BINS = 32 * kernels.BINS_PER_OCTAVE  # 32 octaves below the largest possible distance
TILE_ROWS = 128


@dataclass(frozen=True)
class Concordance:
    """Comparisons of within-cluster with between-cluster distances."""

    concordant: float  # (within, between) pairs of pairs with within < between
    discordant: float  # ... with within > between
    ties: float  # pairs of pairs, of any kind, with equal distances
    within: float  # pairs of points in one cluster
    between: float  # pairs of points in different clusters
    smallest_sum: float  # sum of the `within` smallest distances
    largest_sum: float  # sum of the `within` largest distances


class PairPass:
    """Pairwise statistics of several partitions of the same points, each walk made at most once."""

    def __init__(self, X: Floats, labels: Labels, threads: int | None = None, tile_rows: int = TILE_ROWS) -> None:
        self.X = np.ascontiguousarray(X, dtype=np.float64)
        self.labels = np.ascontiguousarray(labels, dtype=np.int32)
        self.n_clusters: Ints = self.labels.max(axis=1).astype(np.int64) + 1
        self.offsets: Ints = np.concatenate([[0], np.cumsum(self.n_clusters)])
        self.corners: Ints = np.concatenate([[0], np.cumsum(self.n_clusters**2)])
        self.sizes: Ints = np.concatenate(
            [np.bincount(row[row >= 0], minlength=k) for row, k in zip(self.labels, self.n_clusters, strict=True)]
        ).astype(np.int64)
        self.tile_rows = tile_rows
        # below ~500 points a thread costs more than it saves
        self.threads = threads or (_processors() if len(X) > 500 else 1)

    def _walk(self, tile: Callable[[int, int], Any]) -> Iterator[Any]:
        """Results of all tiles in order, few of them alive at a time."""
        n = self.X.shape[0]
        starts = range(0, n, self.tile_rows)

        def run(start: int) -> Any:
            return tile(start, min(start + self.tile_rows, n))

        if self.threads == 1:
            yield from map(run, starts)
            return
        group = 2 * self.threads
        with ThreadPoolExecutor(self.threads) as pool:
            for head in range(0, len(starts), group):
                yield from pool.map(run, starts[head : head + group])

    @cached_property
    def folds(self) -> dict[str, Any]:
        """Distances folded by cluster: per point (p, n) and per pair of clusters (sum of k*k,)."""
        p, n = self.labels.shape
        rows = {name: np.full((p, n), np.nan) for name in ("own_mean", "other_mean", "own_farthest")}
        cells, clusters = int(self.corners[-1]), int(self.offsets[-1])

        def tile(start: int, stop: int) -> tuple[Floats, Floats, Floats, Floats]:
            partial = (np.zeros(cells), np.full(cells, np.inf), np.full(cells, -np.inf), np.full(clusters, np.inf))
            kernels.fold_rows(
                self.X, start, stop, self.labels, self.n_clusters, self.sizes, self.offsets, self.corners,
                rows["own_mean"], rows["other_mean"], rows["own_farthest"], *partial,
            )  # fmt: skip
            return partial

        # combined in tile order, so the thread count cannot change the last digits
        results = self._walk(tile)
        sums, minima, maxima, cover = next(results)
        for more, lower, upper, near in results:
            sums += more
            np.minimum(minima, lower, out=minima)
            np.maximum(maxima, upper, out=maxima)
            np.minimum(cover, near, out=cover)
        return rows | {"pair_sums": sums, "pair_minima": minima, "pair_maxima": maxima, "cover": cover}

    @cached_property
    def outsider_means(self) -> Floats:
        """(p, n) mean distance to the |own cluster| nearest points of other clusters."""
        from scipy.spatial.distance import cdist

        out = np.full(self.labels.shape, np.nan)

        def tile(start: int, stop: int) -> None:
            distances = cdist(self.X[start:stop], self.X)
            order = np.argsort(distances, axis=1)  # several times faster than numba's
            kernels.outsider_means(distances, order, start, self.labels, self.sizes, self.offsets, out)

        for _ in self._walk(tile):
            pass  # each tile writes its own rows of out
        return out

    @cached_property
    def concordance(self) -> list[Concordance]:
        """One record per partition; exact up to EXACT_CONCORDANCE_POINTS points, else from histograms."""
        if self.X.shape[0] <= EXACT_CONCORDANCE_POINTS:
            return self._sorted_concordance()
        return self._binned_concordance()

    def _sorted_concordance(self) -> list[Concordance]:
        from scipy.spatial.distance import pdist

        distances = pdist(self.X)
        order = np.argsort(distances)
        first, second = (index.astype(np.int32)[order] for index in np.triu_indices(self.X.shape[0], k=1))
        distances = distances[order]
        records = []
        for labels, k, offset in zip(self.labels, self.n_clusters, self.offsets[:-1], strict=True):
            sizes = self.sizes[offset : offset + k]
            clustered = int(sizes.sum())
            pairs = clustered * (clustered - 1) // 2
            within = int(np.sum(sizes * (sizes - 1))) // 2
            between = pairs - within
            plus, minus, tied_within, tied_between, small, large = kernels.concordance_sorted(
                distances, first, second, labels, within, between
            )
            mixed = within * between - plus - minus
            ties = tied_within + tied_between + mixed
            assert 0 <= ties <= pairs * (pairs - 1) // 2
            records.append(Concordance(plus, minus, ties, within, between, small, large))
        return records

    def _binned_concordance(self) -> list[Concordance]:
        p = self.labels.shape[0]
        radius = np.sqrt(np.max(np.sum((self.X - self.X.mean(axis=0)) ** 2, axis=1)))
        largest = np.float64(2.0 * radius * (1.0 + 1e-12))
        lowest = (int(largest.view(np.int64)) >> kernels.BIN_SHIFT) - (HISTOGRAM_BINS - 1)

        def tile(start: int, stop: int) -> tuple[Ints, Ints, Floats]:
            partial = (
                np.zeros((p, HISTOGRAM_BINS), dtype=np.int64),
                np.zeros((p, HISTOGRAM_BINS), dtype=np.int64),
                np.zeros((p, HISTOGRAM_BINS)),
            )
            kernels.histogram_rows(self.X, start, stop, self.labels, lowest, *partial)
            return partial

        results = self._walk(tile)
        within, between, sums = next(results)
        for w, b, total in results:
            within += w
            between += b
            sums += total
        return [_from_histogram(*rows) for rows in zip(within, between, sums, strict=True)]


def _processors() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _from_histogram(within: Ints, between: Ints, sums: Floats) -> Concordance:
    """Midpoints of the bounds that the bins leave: pairs in one bin count half each way."""
    w, b = within.astype(np.float64), between.astype(np.float64)
    below = np.concatenate([[0.0], np.cumsum(b)[:-1]])
    above = b.sum() - below - b
    undecided = float(np.sum(w * b)) / 2.0
    counts = w + b
    return Concordance(
        float(np.sum(w * above)) + undecided,
        float(np.sum(w * below)) + undecided,
        0.0,
        float(w.sum()),
        float(b.sum()),
        _sum_of_first(counts, sums, float(w.sum())),
        _sum_of_first(counts[::-1], sums[::-1], float(w.sum())),
    )


def _sum_of_first(counts: Floats, sums: Floats, wanted: float) -> float:
    """Sum of the first `wanted` values, the last bin taken at its mean."""
    reached = np.cumsum(counts)
    last = int(np.searchsorted(reached, wanted))
    before = reached[last - 1] if last else 0.0
    mean = sums[last] / counts[last] if counts[last] else 0.0
    return float(sums[:last].sum() + (wanted - before) * mean)
