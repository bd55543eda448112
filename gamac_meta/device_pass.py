"""The tile pass on a device: what PairPass makes, from matrix products and the steps of device_steps.

Points are in the order of their atoms, as on the CPU. A tile of distances comes from one product of
centered points, its sums by cluster, for all partitions and clusters at once, from one more. Tiles
are as large as a byte budget allows and never stored; results come back as NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from typing import Any

import numpy as np

from gamac_meta._kernels.concordance import BINS, FINE_BINS
from gamac_meta.backend import Device, device_for
from gamac_meta.concordance import PairDistances
from gamac_meta.device_steps import Clusters, steps_on, tiles
from gamac_meta.pair_pass import TILE_ROWS, Extremes, PairPass, Sums
from gamac_meta.points import SharedPoints
from gamac_meta.refinement import Refinement
from gamac_meta.types import Floats, Ints, Labels

TILE_BYTES = 1 << 29
LONGEST_SIDE = 65535  # rows of blocks in a grid
# Relative error of a distance, in the worst case, that matrix products may leave.
PRECISION = 1e-10


class DevicePass(PairPass):
    """Pairwise statistics of several partitions of the same points, made on a device.

    Distances agree with those of the CPU to PRECISION, counts of distances exactly. Up to
    EXACT_CONCORDANCE_POINTS points Gamma, Tau and G+ are sorted on the CPU.
    """

    def __init__(
        self,
        X: Floats,
        labels: Labels,
        device: Device,
        *,
        threads: int | None = None,
        together: Collection[str] = ("extremes",),
        tile_bytes: int = TILE_BYTES,
    ) -> None:
        super().__init__(X, labels, threads, together=together)
        self.device = device
        self._doubles = tile_bytes // 8
        self._steps = steps_on(device, _side(self._doubles, 0))

    def _array(self, values: Any) -> Any:
        return self.device.xp.asarray(values, **self.device.place)

    def _full(self, shape: tuple[int, ...], value: float) -> Any:
        return self.device.xp.full(shape, value, dtype=self.device.xp.float64, **self.device.place)

    def _in_given_order(self, values: Any) -> Floats:
        """(p, n) values of points in atom order, as the points were given."""
        out = np.empty(self.labels.shape)
        out[:, self._refinement.order] = self.device.to_numpy(values)
        return out

    @property
    def _refinement(self) -> Refinement:
        return self.refinements.whole

    @cached_property
    def _clusters(self) -> Clusters:
        spans = list(zip(self.offsets[:-1].tolist(), self.n_clusters.tolist(), self.corners[:-1].tolist(), strict=True))
        group = self._refinement
        return Clusters(
            self._array(group.labels),
            self._array(np.ascontiguousarray(self.labels[:, group.order])),
            self._array(self.n_clusters),
            self._array(self.offsets[:-1]),
            self._array(self.corners[:-1]),
            self._array(self.sizes),
            self._array(np.count_nonzero(self.labels >= 0, axis=1)),
            spans,
        )

    @cached_property
    def _points(self) -> tuple[Any, Any, Any]:
        """(n, d) points, the same about their mean, and (n,) squared norms of the latter."""
        points = self.X[self._refinement.order]
        centered = points - points.mean(axis=0)
        return self._array(points), self._array(centered), self._array(np.sum(centered**2, axis=1))

    def _tile(self, rows: slice, columns: slice) -> Any:
        """(rows, columns) distances."""
        points, centered, norms = self._points
        d = self.X.shape[1]
        # An inner product of d terms, two norms and what centering rounds off: the square's error is at
        # most 2 (d + 5) units of the last digit of the norms' sum, the distance's half as much.
        close = (d + 5) * 2.0**-53 / PRECISION
        products = self.device.xp.matmul(centered[rows, :], centered[columns, :].T)
        return self._steps.finish_distances(
            products, norms[rows], norms[columns], points[rows, :], points[columns, :], close
        )

    # ---- sums and extremes ------------------------------------------------------------------

    @cached_property
    def _one_hot(self) -> tuple[Any, Any]:
        """(K,) partition of each cluster, (K, 1) its number there."""
        partition = np.repeat(np.arange(len(self.labels)), self.n_clusters)
        number = np.arange(partition.size) - self.offsets[:-1][partition]
        return self._array(partition), self._array(number.astype(np.int32)[:, None])

    def _members(self, points: slice) -> Any:
        """(K, points) whether a point is in a cluster."""
        partition, number = self._one_hot
        return self.device.xp.take(self._clusters.labels[:, points], partition, axis=0) == number

    def _folded(self, wanted: frozenset[str]) -> dict[str, Sums | Extremes | Floats]:
        with_extremes = "extremes" in wanted
        xp, (p, n) = self.device.xp, self.labels.shape
        cells, K = int(self.corners[-1]), int(self.offsets[-1])
        own_mean, other_mean, own_farthest = (self._full((p, n), np.nan) for _ in range(3))
        pair_sums, lowest, highest = (self._full((cells,), value) for value in (0.0, np.inf, 0.0))
        cover = self._full((K,), np.inf)
        atom_of = self._array(self._refinement.atom_of.astype(np.int32))
        side = _side(self._doubles, K)
        for points in tiles(n, side) if K > 0 else ():
            shape = K, points.stop - points.start
            sums = self._full(shape, 0.0)
            if with_extremes:
                minima, maxima = self._full(shape, np.inf), self._full(shape, 0.0)
            for others in tiles(n, side):
                tile = self._tile(others, points)
                sums += xp.matmul(xp.astype(self._members(others), xp.float64), tile)
                if with_extremes:
                    minima, maxima = self._steps.tile_extremes(tile, atom_of[others], self._clusters, minima, maxima)
            own_mean[:, points], other_mean[:, points] = self._fold_sums(points, sums, pair_sums)
            if with_extremes:
                own_farthest[:, points] = self._steps.fold_extremes(
                    minima, maxima, atom_of[points], self._clusters, lowest, highest, cover
                )
        folds = Sums(self._in_given_order(own_mean), self._in_given_order(other_mean), self.device.to_numpy(pair_sums))
        if not with_extremes:
            return {"sums": folds}
        tables = (self.device.to_numpy(table) for table in (lowest, highest, cover))
        return {"sums": folds, "extremes": Extremes(self._in_given_order(own_farthest), *tables)}

    def _fold_sums(self, points: slice, sums: Any, pair_sums: Any) -> tuple[Any, Any]:
        """(p, points) own_mean and other_mean from sums (K, points); pair_sums is added to."""
        xp = self.device.xp
        members = self._members(points)
        sizes = xp.astype(self._clusters.sizes, xp.float64)[:, None]
        own_means, other_means = [], []
        for first, k, corner in self._clusters.spans:
            mine = slice(first, first + k)
            total, member, size = sums[mine, :], members[mine, :], sizes[mine, :]
            if k == 0:
                own_means.append(self._full((sums.shape[1],), np.nan))
                other_means.append(own_means[-1])
                continue
            tables = xp.matmul(xp.astype(member, xp.float64), total.T)
            pair_sums[corner : corner + k * k] += xp.reshape(tables, (-1,))
            mates = xp.sum(xp.where(member, size, 0.0), axis=0) - 1.0
            own_sum = xp.sum(xp.where(member, total, 0.0), axis=0)
            own_means.append(xp.where(mates > 0.0, own_sum / xp.where(mates > 0.0, mates, 1.0), xp.nan))
            nearest = xp.min(xp.where(member, xp.inf, total / size), axis=0)
            other_means.append(xp.where((mates >= 0.0) & xp.isfinite(nearest), nearest, xp.nan))
        return xp.stack(own_means), xp.stack(other_means)

    @cached_property
    def outsider_means(self) -> Floats:
        """(p, n) mean distance to the |own cluster| nearest points of other clusters."""
        p, n = self.labels.shape
        out = self._full((p, n), np.nan)
        if self.sizes.size > 0:
            for rows in tiles(n, min(max(self._doubles // (2 * n), 1), LONGEST_SIDE)):
                out[:, rows] = self._steps.outsider_means(self._tile(rows, slice(0, n)), rows.start, self._clusters)
        return self._in_given_order(out)

    # ---- order of distances -----------------------------------------------------------------

    @cached_property
    def _distances(self) -> PairDistances:
        return _DeviceDistances(self)


class _DeviceDistances(PairDistances):
    """Histograms of the distances of all pairs, counted on a device.

    Made by differences and rounded as on the CPU, so that every count is the same.
    """

    def __init__(self, owner: DevicePass) -> None:
        super().__init__(owner.X, owner.refinements, owner.threads)
        self._owner = owner

    @cached_property
    def _on_device(self) -> tuple[Any, Any]:
        """(d, n) points and (p, n) labels."""
        return self._owner._array(np.ascontiguousarray(self.X.T)), self._owner._array(self.labels)

    def _zeros(self, *shape: int) -> Any:
        xp = self._owner.device.xp
        return xp.zeros(shape, dtype=xp.int64, **self._owner.device.place)

    def _histograms(self, lowest: int, population: Ints) -> tuple[Ints, Ints]:
        within = self._zeros(len(self.labels), BINS)
        clustered = self._zeros(1 + int(population.max()), BINS, 2)
        self._owner._steps.histograms(*self._on_device, population, lowest, within, clustered)
        return self._owner.device.to_numpy(within), self._owner.device.to_numpy(clustered)

    def _refined(self, slots: Ints, size: int) -> tuple[Ints, Ints]:
        counts, excess = self._zeros(size, FINE_BINS), self._zeros(size, FINE_BINS)
        self._owner._steps.refine(*self._on_device, self._counts.lowest, slots, counts, excess)
        return self._owner.device.to_numpy(counts), self._owner.device.to_numpy(excess)


def pass_over_pairs(
    X: Floats,
    labels: Labels,
    backend: str = "auto",
    *,
    threads: int | None = None,
    tile_rows: int = TILE_ROWS,
    together: Collection[str] = ("extremes",),
    shared: SharedPoints | None = None,
    once: bool | None = None,
) -> PairPass:
    """The pass on the device that the backend means for so many points, else on the CPU.

    Raises InvalidInputError, BackendUnavailableError.
    """
    device = device_for(backend, len(X))
    if device is None:
        return PairPass(X, labels, threads, tile_rows, together, shared, once)
    return DevicePass(X, labels, device, threads=threads, together=together)


def _side(doubles: int, clusters: int) -> int:
    """Points a side of a tile, so that two tiles (one is freed when the next is made) and five rows of
    so many clusters fit the budget."""
    rows = 5 * clusters
    side = (np.sqrt(rows * rows + 8.0 * doubles) - rows) / 4.0
    return int(np.clip(side, 1, LONGEST_SIDE))
