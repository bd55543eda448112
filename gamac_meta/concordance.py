"""The order of distances: within-cluster against between-cluster ones, and the extreme sums of both.

All pairs are counted into fine bins first. The extreme sums of the C-index are then exact after a
second look at the bins in which they end. The comparisons of Gamma, Tau and G+ are exact up to
EXACT_CONCORDANCE_POINTS points, where the pairs are sorted chunk by chunk; above, pairs of pairs in
different bins are decided exactly, and the others bound the result.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Event
from typing import Any

import numpy as np

from gamac_meta._kernels import concordance as kernels
from gamac_meta.executor import in_threads
from gamac_meta.refinement import Refinement, Refinements, refine
from gamac_meta.types import Floats, Ints

EXACT_CONCORDANCE_POINTS = 4096
# pairs are counted atom by atom where an atom has so many points or more
ATOM_POINTS = 24
CHUNK_PAIRS = 1 << 20  # sorted at once: 16 MB
# Bins end at round binary numbers, and so do distances on a grid, up to rounding. In a unit that is
# not round they do not meet.
UNIT = 1.2246467991473531


@dataclass(frozen=True)
class Concordance:
    """Comparisons of within-cluster with between-cluster distances.

    Where `undecided` is not 0, concordant and discordant count half of it each, and may each be that
    much smaller or larger.
    """

    concordant: float  # (within, between) pairs of pairs with within < between
    discordant: float  # ... with within > between
    ties: float  # pairs of pairs, of any kind, with equal distances
    within: float  # pairs of points in one cluster
    between: float  # pairs of points in different clusters
    undecided: float = 0.0  # half the (within, between) pairs of pairs in one bin
    perhaps_tied: float = 0.0  # pairs of pairs in one bin, of any kind

    @property
    def open(self) -> bool:
        """Whether the bins leave anything open: which of two distances is larger, or whether they are equal."""
        return self.undecided > 0.0 or self.perhaps_tied > 0.0

    @property
    def corners(self) -> list[Concordance]:
        """The least and the most concordant that the truth can be, with the fewest and the most ties."""
        return [
            replace(
                self,
                concordant=self.concordant + more,
                discordant=self.discordant - more,
                ties=self.ties + tied,
                undecided=0.0,
                perhaps_tied=0.0,
            )
            for more in (-self.undecided, self.undecided)
            for tied in (0.0, self.perhaps_tied)
        ]


@dataclass(frozen=True)
class ExtremeSums:
    """Sums of as many distances between clustered points as lie within clusters."""

    smallest: float
    largest: float


@dataclass(frozen=True, eq=False)
class _Counts:
    """Pairs of points by bin of their distance."""

    lowest: int  # leading part of bin 0
    open_below: bool  # whether bin 0 takes smaller distances too, which are in effect zero
    within: Ints  # (p, bins) pairs in one cluster
    clustered: Ints  # (1 + noisy partitions, bins) all pairs, then pairs of clustered points of each noisy partition
    sums: Floats  # like clustered: sum of the distances
    population: Ints  # (p,) row of clustered that a partition compares in


class PairDistances:
    """Distances of all pairs of points, as far as their order goes, for several partitions (p, n)."""

    def __init__(self, X: Floats, refinements: Refinements, threads: int) -> None:
        self.refinements = refinements
        self.labels = refinements.labels
        # largest distance 1 to 2 units, whatever the data's unit
        radius = np.sqrt(np.max(np.sum((X - X.mean(axis=0)) ** 2, axis=1)))
        self.unit = float(radius) / UNIT if radius > 0.0 else 1.0
        self.X = X / self.unit
        # adding up the counters of one more thread costs more than it saves on few points
        self.threads = threads if len(X) > 2000 else 1

    def _added(self, work: Callable[[int, int, list[Any]], Any], blank: Callable[[], list[Any]]) -> list[Any]:
        """Whole numbers counted by work(start, stop, counters) over all rows of the pairs' triangle."""
        n = self.X.shape[0]
        # rows get shorter: each worker takes every so many tiles
        tile = max(16, min(256, n // (4 * self.threads) + 1))

        def share(worker: int, stop: Event) -> list[Any]:
            counters = blank()
            for start in range(worker * tile, n, tile * self.threads):
                if stop.is_set():
                    break
                work(start, min(start + tile, n), counters)
            return counters

        if self.threads == 1:
            return share(0, Event())
        results = in_threads(share, range(self.threads), self.threads)
        counters = next(results)
        for more in results:
            for mine, other in zip(counters, more, strict=True):
                mine += other
        return counters

    @cached_property
    def _counts(self) -> _Counts:
        largest = np.float64(2.0 * UNIT * (1.0 + 1e-12))
        lowest = (int(largest.view(np.int64)) >> kernels.BIN_SHIFT) - (kernels.BINS - 1)
        noisy = np.flatnonzero((self.labels < 0).any(axis=1))
        population = np.zeros(len(self.labels), dtype=np.int64)
        population[noisy] = np.arange(noisy.size) + 1
        within, clustered = self._histograms(lowest, population)
        used = np.flatnonzero(clustered[0, :, 0])
        kept = slice(used[0], used[-1] + 1)
        counts, excess = np.ascontiguousarray(clustered[:, kept, 0]), clustered[:, kept, 1]
        sums = _sums(counts, excess, lowest + used[0])
        if used[0] == 0:
            sums[:, 0] = 0.0
        return _Counts(lowest + int(used[0]), used[0] == 0, within[:, kept], counts, sums, population)

    def _histograms(self, lowest: int, population: Ints) -> tuple[Ints, Ints]:
        """Pairs in one cluster (p, all bins); number and excess (1 + noisy partitions, all bins, 2) of all
        pairs, and of pairs of clustered points of each noisy partition."""
        within = np.zeros((len(self.labels), kernels.BINS), dtype=np.int64)
        clustered = np.zeros((1 + int(population.max()), kernels.BINS, 2), dtype=np.int64)
        for place, group in enumerate(self.refinements.groups):
            mine = np.flatnonzero(population[group.rows])
            width = kernels.BINS if place == 0 else 0  # all pairs are counted once

            def blank(group: Refinement = group, mine: Ints = mine, width: int = width) -> list[Any]:
                shapes = (width, 2), (group.rows.size, kernels.BINS), (mine.size, kernels.BINS, 2)
                return [np.zeros(shape, dtype=np.int64) for shape in shapes]

            row_of = np.full(group.rows.size, -1)
            row_of[mine] = np.arange(mine.size)
            many = group.starts.size * ATOM_POINTS > self.X.shape[0]
            count = kernels.histogram_rows if many else kernels.histogram_atoms
            clusters = (*group.clusters, *group.noise) if many else ()
            told = (
                group.columns(self.X), group.starts, group.atom_of, group.labels, *clusters, row_of, lowest,
            )  # fmt: skip

            def work(
                start: int, stop: int, counters: list[Any], count: Any = count, told: tuple[Any, ...] = told
            ) -> None:
                columns, *rest = told
                count(columns, start, stop, *rest, *counters)

            total, within[group.rows], outside = self._added(work, blank)
            if place == 0:
                clustered[:] = total
            clustered[population[group.rows[mine]]] -= outside
        return within, clustered

    # ---- extreme sums -----------------------------------------------------------------------

    @cached_property
    def extreme_sums(self) -> list[ExtremeSums]:
        """One record per partition, exact to rounding."""
        counts = self._counts
        bins = counts.within.shape[1]
        slots = np.full((1 + len(self.labels), bins), -1, dtype=np.int64)
        ends = []
        size = 0
        for q, row in enumerate(counts.population):
            wanted = int(counts.within[q].sum())
            held = counts.clustered[row]
            key = q + 1 if row else 0
            for backwards in (False, True):
                last = _reaching(held[::-1] if backwards else held, wanted)
                ends.append(bins - 1 - last if backwards else last)
                if slots[key, ends[-1]] < 0:
                    slots[key, ends[-1]] = size
                    size += 1
        fine, excess = self._refined(slots, size)
        records = []
        for q, row in enumerate(counts.population):
            wanted = int(counts.within[q].sum())
            key = q + 1 if row else 0
            parts = []
            for backwards, end in zip((False, True), ends[2 * q : 2 * q + 2], strict=True):
                beyond = slice(end + 1, None) if backwards else slice(0, end)
                missing = wanted - int(counts.clustered[row, beyond].sum())
                slot = slots[key, end]
                inner = _fine_sums(fine[slot], excess[slot], counts.lowest + end)
                if counts.open_below and end == 0:
                    inner[:] = 0.0
                order = slice(None, None, -1) if backwards else slice(None)
                parts.append(
                    float(counts.sums[row, beyond].sum()) + _sum_of_first(fine[slot][order], inner[order], missing)
                )
            records.append(ExtremeSums(parts[0] * self.unit, parts[1] * self.unit))
        return records

    def _refined(self, slots: Ints, size: int) -> tuple[Ints, Ints]:
        group = self.refinements.whole
        columns, atom_of = group.columns(self.X), group.atom_of
        searched = (slots >= 0).any(axis=0)

        def work(start: int, stop: int, counters: list[Any]) -> None:
            kernels.refine_rows(
                columns, start, stop, atom_of, group.labels, self._counts.lowest, searched, slots, *counters
            )

        def blank() -> list[Any]:
            return [np.zeros((size, kernels.FINE_BINS), dtype=np.int64) for _ in range(2)]

        fine, excess = self._added(work, blank)
        return fine, excess

    # ---- comparisons ------------------------------------------------------------------------

    @cached_property
    def concordance(self) -> list[Concordance]:
        """One record per partition: exact for few points, else with what remains undecided."""
        if self.X.shape[0] <= EXACT_CONCORDANCE_POINTS:
            return self._sorted_concordance()
        counts = self._counts
        return [
            from_histogram(counts.within[q], counts.clustered[row] - counts.within[q])
            for q, row in enumerate(counts.population)
        ]

    def _sorted_concordance(self) -> list[Concordance]:
        counts = self._counts
        records: dict[int, Concordance] = {}
        for batch in _batches(counts.population):
            group = self.refinements.whole if len(batch) == len(self.labels) else refine(self.labels[batch])
            tallies = self._tallies(group, counts.population[batch] > 0)
            for q, tally in zip(batch.tolist(), tallies, strict=True):
                within, between, larger, *ties = (int(value) for value in tally)
                records[q] = Concordance(
                    within * between - larger - ties[2], larger, sum(ties), float(within), float(between)
                )
        return [records[q] for q in range(len(self.labels))]

    def _tallies(self, group: Refinement, noisy: Any) -> list[list[int]]:
        """For each partition of the group, the tallies of compare_sorted over all pairs."""
        columns, atom_of = group.columns(self.X), group.atom_of
        within_bits = np.arange(noisy.size)
        present_bits = np.where(noisy, noisy.size + np.cumsum(noisy) - 1, -1)
        chunk_of, sizes = _chunks(self._counts.clustered[0])
        ends = np.cumsum(sizes)
        keys = np.empty(int(ends[-1]), dtype=np.int64)
        kernels.gather_keys(
            columns, atom_of, group.labels, within_bits, present_bits, self._counts.lowest, chunk_of, ends - sizes, keys
        )

        def compared(chunk: int) -> Ints:
            mine = keys[ends[chunk] - sizes[chunk] : ends[chunk]]
            tallies = np.zeros((noisy.size, 6), dtype=np.int64)
            ordered = kernels.sort_keys(mine.view(np.uint64), np.empty(mine.size, dtype=np.uint64))
            kernels.compare_sorted(ordered.view(np.int64), within_bits, present_bits, tallies)
            return tallies

        if self.threads == 1:
            results = [compared(chunk) for chunk in range(sizes.size)]
        else:
            with ThreadPoolExecutor(self.threads) as pool:
                results = list(pool.map(compared, range(sizes.size)))
        totals = [[0] * 6 for _ in range(noisy.size)]
        for tallies in results:
            for total, tally in zip(totals, tallies.tolist(), strict=True):
                # all between pairs of earlier chunks are nearer than the within pairs of this one
                tally[2] += tally[0] * total[1]
                total[:] = [a + b for a, b in zip(total, tally, strict=True)]
        return totals


def _batches(population: Ints) -> list[Ints]:
    """Partitions whose bits fit into one key: one bit each, and one more where there is noise."""
    batches: list[list[int]] = [[]]
    free = kernels.KEY_BITS
    for q, row in enumerate(population):
        bits = 2 if row else 1
        if bits > free:
            batches.append([])
            free = kernels.KEY_BITS
        batches[-1].append(q)
        free -= bits
    return [np.array(batch) for batch in batches]


def _chunks(pairs: Ints) -> tuple[Ints, Ints]:
    """(bins,) chunk of each bin and (chunks,) pairs in each: runs of bins of CHUNK_PAIRS pairs or a bin more."""
    before = np.cumsum(pairs) - pairs
    chunk_of = before // CHUNK_PAIRS
    chunk_of = np.unique(chunk_of, return_inverse=True)[1]
    return chunk_of, np.bincount(chunk_of, weights=pairs).astype(np.int64)


def _edges(leading: Ints) -> Floats:
    """The smallest number with each leading part."""
    return (leading << kernels.BIN_SHIFT).view(np.float64)


def _sums(counts: Ints, excess: Ints, lowest: int) -> Floats:
    """Sums of distances by bin, from their numbers and excesses."""
    edges = _edges(np.arange(counts.shape[-1]) + lowest)
    quantum = np.spacing(edges) * 2.0**kernels.EXCESS_SHIFT
    # half a unit for what the shift cut off
    return np.asarray(counts * edges + (excess + 0.5 * counts) * quantum)


def _fine_sums(counts: Ints, excess: Ints, leading: int) -> Floats:
    """(fine bins,) sums of distances in the parts of one bin."""
    patterns = (np.int64(leading) << kernels.BIN_SHIFT) + (np.arange(counts.size) << kernels.FINE_SHIFT)
    edges = patterns.view(np.float64)
    return np.asarray(counts * edges + excess * np.spacing(edges))


def _reaching(counts: Ints, wanted: int) -> int:
    """The bin in which the `wanted`-th pair lies."""
    return min(int(np.searchsorted(np.cumsum(counts), wanted)), counts.size - 1)


def _sum_of_first(counts: Ints, sums: Floats, wanted: int) -> float:
    """Sum of the first `wanted` values, the last bin taken at its mean."""
    last = _reaching(counts, wanted)
    missing = wanted - int(counts[:last].sum())
    return float(sums[:last].sum()) + (missing * float(sums[last] / counts[last]) if missing else 0.0)


def from_histogram(within: Ints | Floats, between: Ints | Floats) -> Concordance:
    """Midpoints of the bounds that the bins leave: pairs in one bin count half each way."""
    w, b = within.astype(np.float64), between.astype(np.float64)
    below = np.cumsum(b) - b
    undecided = float(np.sum(w * b)) / 2.0
    discordant = float(np.sum(w * below)) + undecided
    return Concordance(
        concordant=float(w.sum() * b.sum()) - discordant,
        discordant=discordant,
        ties=0.0,
        within=float(w.sum()),
        between=float(b.sum()),
        undecided=undecided,
        perhaps_tied=float(np.sum((w + b) * (w + b - 1.0))) / 2.0,
    )
