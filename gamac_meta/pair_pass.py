"""The tile pass: statistics of pairs of points, for all partitions of the same points at once.

The distance matrix is never stored. A walk makes a point's distances once and folds them by atom
of the partitions' common refinement, then by cluster; tiles of rows run in threads and are combined
in order, so that the result does not depend on the thread count.
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
from gamac_meta._kernels.neighborhood import build_tree
from gamac_meta.concordance import Concordance, ExtremeSums, PairDistances
from gamac_meta.refinement import Refinement, Refinements
from gamac_meta.types import Floats, Ints, Labels

TILE_ROWS = 128
# whose distances are told by their extremes and their sum, where that is enough
CELL_POINTS = 32


@dataclass(frozen=True, eq=False)
class Sums:
    """Distances summed by cluster."""

    own_mean: Floats  # (p, n) mean distance to the other points of the own cluster, NaN where there are none
    other_mean: Floats  # (p, n) smallest mean distance to another cluster, NaN where there is none
    pair_sums: Floats  # (sum of k*k,) sum over ordered pairs (a point of a, a point of b)


@dataclass(frozen=True, eq=False)
class Extremes:
    """Smallest and largest distances by cluster."""

    own_farthest: Floats  # (p, n) largest distance inside the own cluster, NaN for noise
    pair_minima: Floats  # (sum of k*k,) smallest distance between two clusters; the diagonal has no meaning
    pair_maxima: Floats  # (sum of k*k,) largest distance
    cover: Floats  # (K,) smallest, over points outside a cluster, of the largest distance to its points


class PairPass:
    """Pairwise statistics of several partitions of the same points, each walk made at most once.

    extremes: whether the walk that makes the sums makes the extremes too, as both will be asked for.
    """

    def __init__(
        self,
        X: Floats,
        labels: Labels,
        threads: int | None = None,
        tile_rows: int = TILE_ROWS,
        extremes: bool = True,
    ) -> None:
        self.X = np.ascontiguousarray(X, dtype=np.float64)
        self.labels = np.ascontiguousarray(labels, dtype=np.int32)
        self.refinements = Refinements(self.labels)
        self.n_clusters: Ints = self.labels.max(axis=1).astype(np.int64) + 1
        self.offsets: Ints = np.concatenate([[0], np.cumsum(self.n_clusters)])
        self.corners: Ints = np.concatenate([[0], np.cumsum(self.n_clusters**2)])
        self.tile_rows = tile_rows
        self.extremes_with_sums = extremes
        # below ~500 points a thread costs more than it saves
        self.threads = threads or (processors() if len(X) > 500 else 1)

    @cached_property
    def sizes(self) -> Ints:
        """(K,) points of each cluster of each partition."""
        return np.concatenate(
            [np.bincount(row[row >= 0], minlength=k) for row, k in zip(self.labels, self.n_clusters, strict=True)]
        ).astype(np.int64)

    @cached_property
    def _groups(self) -> list[tuple[Refinement, Floats, Ints]]:
        """Refinements, the points as columns in the order of each, and the places (K of the group,) of
        its clusters among all."""
        return [
            (
                group,
                group.columns(self.X),
                np.concatenate([np.arange(self.offsets[q], self.offsets[q + 1]) for q in group.rows]),
            )
            for group in self.refinements.groups
        ]

    def _walk(self, tile: Callable[[int, int], Any], tile_rows: int) -> Iterator[Any]:
        """Results of all tiles in order, few of them alive at a time."""
        n = self.X.shape[0]
        starts = range(0, n, tile_rows)

        def run(start: int) -> Any:
            return tile(start, min(start + tile_rows, n))

        if self.threads == 1:
            yield from map(run, starts)
            return
        group = 2 * self.threads
        with ThreadPoolExecutor(self.threads) as pool:
            for head in range(0, len(starts), group):
                yield from pool.map(run, starts[head : head + group])

    # ---- sums and extremes ------------------------------------------------------------------

    @cached_property
    def sums(self) -> Sums:
        """Distances summed by cluster."""
        sums, extremes = self._folded(self.extremes_with_sums)
        if extremes is not None:
            self.__dict__["extremes"] = extremes
        return sums

    @cached_property
    def extremes(self) -> Extremes:
        """Smallest and largest distances by cluster."""
        sums, extremes = self._folded(True)
        assert extremes is not None
        self.__dict__.setdefault("sums", sums)
        return extremes

    def _folded(self, with_extremes: bool) -> tuple[Sums, Extremes | None]:
        names = ("own_mean", "other_mean") + (("own_farthest",) if with_extremes else ())
        rows = {name: np.full(self.labels.shape, np.nan) for name in names}
        cells = int(self.corners[-1])
        sums, extremes = np.zeros(cells), cells if with_extremes else 0
        minima, maxima, cover = np.full(extremes, np.inf), np.zeros(extremes), np.full(self.sizes.size, np.inf)
        # many clusters make large tables: adding them up must not cost more than the tile itself
        tile_rows = max(self.tile_rows, cells // self.X.shape[0])
        for group, columns, places in self._groups:
            # means of nothing, and the rows of noise, stay -1
            folded = [np.full((group.rows.size, self.X.shape[0]), -1.0) for _ in names]
            told = (
                group.starts, group.atom_of, group.labels, *group.clusters, self.sizes[places],
                self.corners[group.rows], with_extremes, *folded[:2], folded[-1],
            )  # fmt: skip

            def tile(
                start: int, stop: int, columns: Floats = columns, told: tuple[Any, ...] = told, size: int = places.size
            ) -> list[Floats]:
                partial = [np.zeros(cells), np.full(extremes, np.inf), np.zeros(extremes), np.full(size, np.inf)]
                kernels.fold_rows(columns, start, stop, *told, *partial)
                return partial

            # combined in tile order, so the thread count cannot change the last digits
            for more, lower, upper, near in self._walk(tile, tile_rows):
                sums += more
                np.minimum(minima, lower, out=minima)
                np.maximum(maxima, upper, out=maxima)
                cover[places] = np.minimum(cover[places], near)
            for name, values in zip(names, folded, strict=True):
                rows[name][np.ix_(group.rows, group.order)] = np.where(values < 0.0, np.nan, values)
        folds = Sums(rows["own_mean"], rows["other_mean"], sums)
        return folds, Extremes(rows["own_farthest"], minima, maxima, cover) if with_extremes else None

    @cached_property
    def outsider_means(self) -> Floats:
        """(p, n) mean distance to the |own cluster| nearest points of other clusters."""
        out = np.full(self.labels.shape, np.nan)
        nearby = build_tree(self.X)[0]
        for group, _, places in self._groups:
            order, cells, labels = group.cells(nearby, CELL_POINTS)
            columns = np.ascontiguousarray(self.X[order].T)
            cell_of = np.repeat(np.arange(cells.size - 1), np.diff(cells))
            means = np.full((group.rows.size, self.X.shape[0]), -1.0)
            told = columns, cells, cell_of, labels, group.clusters[2], self.sizes[places], means

            def tile(start: int, stop: int, told: tuple[Any, ...] = told) -> None:
                kernels.outsider_means(told[0], start, stop, *told[1:])

            for _ in self._walk(tile, self.tile_rows):
                pass  # each tile writes its own rows of means
            out[np.ix_(group.rows, order)] = np.where(means < 0.0, np.nan, means)
        return out

    # ---- order of distances -----------------------------------------------------------------

    @cached_property
    def _distances(self) -> PairDistances:
        return PairDistances(self.X, self.refinements, self.threads)

    @property
    def concordance(self) -> list[Concordance]:
        """Comparisons of within with between distances, one record per partition."""
        return self._distances.concordance

    @property
    def extreme_sums(self) -> list[ExtremeSums]:
        """What as many distances as lie within clusters could sum up to, one record per partition."""
        return self._distances.extreme_sums


def processors() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
