"""The steps of the pass over pairs on a device: formulas of any array namespace, or CUDA kernels.

Both do the same. On CuPy the kernels run; everywhere else, and in tests of the pass, the formulas.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from gamac_meta import _device_kernels as kernels
from gamac_meta._kernels.concordance import BIN_SHIFT, EXCESS_SHIFT, FINE_BINS, FINE_SHIFT
from gamac_meta.backend import Device
from gamac_meta.types import Ints

PANEL_ROWS = 16384  # of pairs counted by one launch, so that none holds the device for long
ROWS_A_THREAD = 64
OTHERS_A_THREAD = 256


@dataclass(frozen=True, eq=False)
class Clusters:
    """All clusters of p partitions, points in the order of their A atoms; arrays of the device."""

    atom_labels: Any  # (p, A) int32 cluster of each atom, -1 outside
    labels: Any  # (p, n) int32
    n_clusters: Any  # (p,)
    offsets: Any  # (p,) where a partition's clusters start among all K
    corners: Any  # (p,) where its table of k*k cells starts
    sizes: Any  # (K,)
    clustered: Any  # (p,) points in clusters
    spans: Sequence[tuple[int, int, int]]  # (p,) first cluster, k and corner of each partition, on the host


class Steps(Protocol):
    """What differs between formulas and kernels."""

    def finish_distances(
        self, products: Any, row_norms: Any, column_norms: Any, rows: Any, columns: Any, close: float
    ) -> Any:
        """(rows, columns) distances from inner products of centered points and their squared norms.

        Where a square is no more than the share `close` of the norms it is made again from the points
        (rows, d) and (columns, d).
        """

    def tile_extremes(self, tile: Any, atom_of: Any, clusters: Clusters, minima: Any, maxima: Any) -> tuple[Any, Any]:
        """minima and maxima (K, points) with a tile (others, points) folded in, atom_of (others,)."""

    def fold_extremes(
        self, minima: Any, maxima: Any, atom_of: Any, clusters: Clusters, lowest: Any, highest: Any, cover: Any
    ) -> Any:
        """(p, points) own_farthest; the pairs' minima, maxima (sum of k*k,) and cover (K,) are updated."""

    def outsider_means(self, tile: Any, first: int, clusters: Clusters) -> Any:
        """(p, points) mean distance to the |own cluster| nearest outsiders, from full rows (points, n)."""

    def histograms(self, columns: Any, labels: Any, population: Ints, lowest: int, within: Any, clustered: Any) -> None:
        """Add the pairs of the points in columns (d, n) to within (p, bins) and clustered (populations, bins, 2)."""

    def refine(self, columns: Any, labels: Any, lowest: int, slots: Ints, counts: Any, excess: Any) -> None:
        """Add the pairs in the bins that slots (1 + p, bins) names to counts and excess (slots, FINE_BINS)."""


def steps_on(device: Device, side: int) -> Steps:
    """Kernels where the device starts them, else formulas on tiles of at most side x side pairs."""
    return Formulas(device, side) if device.launch is None else Launches(device)


def tiles(n: int, side: int) -> Iterator[slice]:
    """Slices of at most `side` points."""
    return (slice(start, min(start + side, n)) for start in range(0, n, side))


# ---- formulas ---------------------------------------------------------------------------------


class Formulas:
    """The steps in functions that every array namespace has."""

    def __init__(self, device: Device, side: int) -> None:
        self.device = device
        self.xp = device.xp
        self.side = side

    def _array(self, values: Any) -> Any:
        return self.xp.asarray(values, **self.device.place)

    def _range(self, points: slice) -> Any:
        return self.xp.arange(points.start, points.stop, **self.device.place)

    def finish_distances(
        self, products: Any, row_norms: Any, column_norms: Any, rows: Any, columns: Any, close: float
    ) -> Any:
        xp = self.xp
        norms = row_norms[:, None] + column_norms[None, :]
        squares = norms - 2.0 * products
        return xp.sqrt(xp.where(squares <= close * norms, _squares(rows.T, columns.T), squares))

    def tile_extremes(self, tile: Any, atom_of: Any, clusters: Clusters, minima: Any, maxima: Any) -> tuple[Any, Any]:
        xp = self.xp
        labels = xp.take(clusters.atom_labels, atom_of, axis=1)
        smallest, largest = [], []
        for q, (_, k, _) in enumerate(clusters.spans):
            for c in range(k):
                member = (labels[q, :] == c)[:, None]
                smallest.append(xp.min(xp.where(member, tile, xp.inf), axis=0))
                largest.append(xp.max(xp.where(member, tile, 0.0), axis=0))
        return xp.minimum(minima, xp.stack(smallest)), xp.maximum(maxima, xp.stack(largest))

    def fold_extremes(
        self, minima: Any, maxima: Any, atom_of: Any, clusters: Clusters, lowest: Any, highest: Any, cover: Any
    ) -> Any:
        xp = self.xp
        labels = xp.take(clusters.atom_labels, atom_of, axis=1)
        farthest = []
        for q, (first, k, corner) in enumerate(clusters.spans):
            own_farthest = xp.full(atom_of.shape, xp.nan, **self.device.place)
            for own in range(k):
                member = labels[q, :] == own
                for c in range(k):
                    near, far, line = minima[first + c, :], maxima[first + c, :], corner + own * k + c
                    lowest[line] = xp.minimum(lowest[line], xp.min(xp.where(member, near, xp.inf)))
                    highest[line] = xp.maximum(highest[line], xp.max(xp.where(member, far, 0.0)))
                    if c == own:
                        own_farthest = xp.where(member, far, own_farthest)
                    else:
                        cell = first + c
                        cover[cell] = xp.minimum(cover[cell], xp.min(xp.where(member, far, xp.inf)))
            farthest.append(own_farthest)
        return xp.stack(farthest)

    def outsider_means(self, tile: Any, first: int, clusters: Clusters) -> Any:
        xp = self.xp
        points, n = tile.shape
        means = []
        for q, (offset, k, _) in enumerate(clusters.spans):
            if k == 0:
                means.append(xp.full((points,), xp.nan, **self.device.place))
                continue
            labels = clusters.labels[q, :]
            own = labels[first : first + points]
            members = xp.take(clusters.sizes, offset + xp.maximum(own, self._array(np.int32(0))))
            wanted = xp.minimum(members, clusters.clustered[q] - members)
            outside = (labels >= 0)[None, :] & (labels[None, :] != own[:, None])
            nearest = xp.sort(xp.where(outside, tile, xp.inf), axis=1)
            taken = self._range(slice(0, n))[None, :] < wanted[:, None]
            total = xp.sum(xp.where(taken, nearest, 0.0), axis=1)
            defined = (own >= 0) & (wanted > 0)
            means.append(xp.where(defined, total / xp.astype(xp.where(defined, wanted, 1), xp.float64), xp.nan))
        return xp.stack(means)

    def histograms(self, columns: Any, labels: Any, population: Ints, lowest: int, within: Any, clustered: Any) -> None:
        xp = self.xp
        bins = within.shape[1]
        edges, units = self._edges(lowest, bins)
        for distances, i, j in self._pairs(columns):
            b, excess = self._binned(distances, edges, units * 2.0**EXCESS_SHIFT)
            clustered[0, :, :] += self._tally(b, excess, bins)
            for q, row in enumerate(population.tolist()):
                first, second = xp.take(labels[q, :], i), xp.take(labels[q, :], j)
                same = (first == second) & (first >= 0)
                within[q, :] += self._tally(b[same], excess[same], bins)[:, 0]
                if row > 0:
                    inside = (first >= 0) & (second >= 0)
                    clustered[row, :, :] += self._tally(b[inside], excess[inside], bins)

    def refine(self, columns: Any, labels: Any, lowest: int, slots: Ints, counts: Any, excess: Any) -> None:
        xp = self.xp
        edges, units = self._edges(lowest, slots.shape[1])
        for distances, i, j in self._pairs(columns):
            b, beyond = self._binned(distances, edges, units)
            for population, row in enumerate(slots):
                slot = xp.take(self._array(row), b)
                chosen = slot >= 0
                if population > 0:
                    mine = labels[population - 1, :]
                    chosen = chosen & (xp.take(mine, i) >= 0) & (xp.take(mine, j) >= 0)
                fine = beyond[chosen] // 2**FINE_SHIFT
                rest = beyond[chosen] - fine * 2**FINE_SHIFT
                found = self._tally(slot[chosen] * FINE_BINS + fine, rest, counts.shape[0] * FINE_BINS)
                counts[:, :] += xp.reshape(found[:, 0], counts.shape)
                excess[:, :] += xp.reshape(found[:, 1], excess.shape)

    def _pairs(self, columns: Any) -> Iterator[tuple[Any, Any, Any]]:
        """Distances, first and second point of all pairs i < j, tile by tile."""
        xp = self.xp
        n = columns.shape[1]
        for rows in tiles(n, self.side):
            for others in tiles(n - rows.start, self.side):
                later = slice(rows.start + others.start, rows.start + others.stop)
                i, j = self._range(rows)[:, None], self._range(later)[None, :]
                upper = i < j
                distances = xp.sqrt(_squares(columns[:, rows], columns[:, later]))
                i, j = (xp.broadcast_to(index, upper.shape)[upper] for index in (i, j))
                yield distances[upper], i, j

    def _edges(self, lowest: int, bins: int) -> tuple[Any, Any]:
        """(bins,) smallest distance of each bin, and the unit of its last digit."""
        edges = ((np.arange(bins) + lowest) << BIN_SHIFT).view(np.float64)
        return self._array(edges), self._array(np.spacing(edges))

    def _binned(self, distances: Any, edges: Any, units: Any) -> tuple[Any, Any]:
        """Bin of each distance, and its whole units beyond the bin's edge; below all edges bin 0 and none."""
        xp = self.xp
        b = xp.searchsorted(edges, distances, side="right") - 1
        b = xp.where(b > 0, b, 0)
        beyond = xp.floor((distances - xp.take(edges, b)) / xp.take(units, b))
        return b, xp.astype(xp.where(beyond > 0.0, beyond, 0.0), xp.int64)

    def _tally(self, keys: Any, weights: Any, size: int) -> Any:
        """(size, 2) how often each of the keys 0..size-1 occurs, and the sum of its weights."""
        xp = self.xp
        order = xp.argsort(keys)
        ends = xp.searchsorted(xp.take(keys, order), self._range(slice(0, size + 1)))
        sums = xp.cumulative_sum(xp.take(weights, order), include_initial=True)
        totals = xp.take(sums, ends)
        return xp.stack([xp.diff(ends), xp.diff(totals)], axis=1)


def _squares(rows: Any, columns: Any) -> Any:
    """(rows, columns) squared distances by differences, from coordinates (d, rows) and (d, columns)."""
    total = 0.0
    for c in range(rows.shape[0]):
        step = rows[c, :][:, None] - columns[c, :][None, :]
        total = step * step + total
    return total


# ---- kernels ----------------------------------------------------------------------------------


class Launches:
    """The steps as CUDA kernels."""

    def __init__(self, device: Device) -> None:
        assert device.launch is not None
        self.device = device
        self.xp = device.xp
        self._launch = device.launch

    def _start(self, kernel: kernels.DeviceKernel, blocks: int, height: int, *arguments: Any) -> None:
        """Start blocks x height blocks; numbers become the kernel's `long long` and `double`."""
        self._launch(kernel, (blocks, height), (kernels.THREADS,), tuple(_typed(value) for value in arguments))

    def finish_distances(
        self, products: Any, row_norms: Any, column_norms: Any, rows: Any, columns: Any, close: float
    ) -> Any:
        height, width = products.shape
        self._start(
            kernels.FINISH_DISTANCES, _blocks(width), height,
            products, row_norms, column_norms, rows, columns, width, rows.shape[1], close,
        )  # fmt: skip
        return products

    def tile_extremes(self, tile: Any, atom_of: Any, clusters: Clusters, minima: Any, maxima: Any) -> tuple[Any, Any]:
        others, points = tile.shape
        partitions, atoms = clusters.atom_labels.shape
        self._start(
            kernels.TILE_EXTREMES, _blocks(points), -(-others // OTHERS_A_THREAD),
            tile, atom_of, clusters.atom_labels, clusters.offsets,
            others, points, atoms, partitions, OTHERS_A_THREAD, minima, maxima,
        )  # fmt: skip
        return minima, maxima

    def fold_extremes(
        self, minima: Any, maxima: Any, atom_of: Any, clusters: Clusters, lowest: Any, highest: Any, cover: Any
    ) -> Any:
        points = atom_of.shape[0]
        partitions, atoms = clusters.atom_labels.shape
        own_farthest = self.xp.full((partitions, points), self.xp.nan)
        self._start(
            kernels.FOLD_EXTREMES, _blocks(points), partitions,
            minima, maxima, atom_of, clusters.atom_labels, clusters.n_clusters, clusters.offsets, clusters.corners,
            points, atoms, lowest, highest, cover, own_farthest,
        )  # fmt: skip
        return own_farthest

    def outsider_means(self, tile: Any, first: int, clusters: Clusters) -> Any:
        points, n = tile.shape
        partitions = clusters.labels.shape[0]
        out = self.xp.full((partitions, points), self.xp.nan)
        self._start(
            kernels.OUTSIDER_MEANS, points, partitions,
            tile, clusters.labels, clusters.clustered, clusters.sizes, clusters.offsets, first, n, points, out,
        )  # fmt: skip
        return out

    def histograms(self, columns: Any, labels: Any, population: Ints, lowest: int, within: Any, clustered: Any) -> None:
        d, n = columns.shape
        partitions, bins = within.shape
        rows_of = self.xp.asarray(population)
        for panel in tiles(n, PANEL_ROWS):
            self._start(
                kernels.HISTOGRAM_PAIRS, _blocks(n), -(-(panel.stop - panel.start) // ROWS_A_THREAD),
                columns, labels, rows_of, n, d, partitions, bins, lowest,
                panel.start, panel.stop, ROWS_A_THREAD, within, clustered,
            )  # fmt: skip

    def refine(self, columns: Any, labels: Any, lowest: int, slots: Ints, counts: Any, excess: Any) -> None:
        d, n = columns.shape
        partitions, bins = labels.shape[0], slots.shape[1]
        on_device = self.xp.asarray(slots.astype(np.int32))
        for panel in tiles(n, PANEL_ROWS):
            self._start(
                kernels.REFINE_PAIRS, _blocks(n), -(-(panel.stop - panel.start) // ROWS_A_THREAD),
                columns, labels, on_device, n, d, partitions, bins, lowest,
                panel.start, panel.stop, ROWS_A_THREAD, counts, excess,
            )  # fmt: skip


def _blocks(threads: int) -> int:
    return -(-threads // kernels.THREADS)


def _typed(value: Any) -> Any:
    """A Python number as the type that the kernels declare; arrays as they are, flat in memory."""
    if isinstance(value, int):
        return np.int64(value)
    if isinstance(value, float):
        return np.float64(value)
    assert value.flags.c_contiguous
    return value
