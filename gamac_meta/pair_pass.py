"""The tile pass: statistics of pairs of points, for all partitions of the same points at once.

The distance matrix is never stored. A walk folds distances by atom of the partitions' common refinement, then
by cluster; tiles of rows run in threads and are combined in order, so that the result does not depend on the
thread count. For sums alone it measures each pair once. With extremes or outsiders it makes all distances of
a point and folds them by cell of near points first.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

import numpy as np

from gamac_meta._kernels import pairs as kernels
from gamac_meta.concordance import Concordance, ExtremeSums, PairDistances
from gamac_meta.points import SharedPoints
from gamac_meta.refinement import Refinement, Refinements
from gamac_meta.types import Floats, Ints, Labels

TILE_ROWS = 128
FEWEST_TILES = 8
# whose distances are told by their extremes and their sum, where that is enough
CELL_POINTS = 32
# numbers that may be kept, the sums of each point's distances to each atom, so that each pair is measured once:
# 64 MB; where there are more, the walk takes twice as long
SUMS_KEPT = 1 << 23


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
    """Pairwise statistics of several partitions of the same points, each made at most once.

    together: which of "extremes" and "outsider_means" the walk that makes sums makes too, as they will be asked for.
    Asked for by itself, either takes another walk. shared: structures of the same points, where there are any.
    once: whether a walk for sums alone measures each pair once; by default, where SUMS_KEPT allows it.
    """

    def __init__(
        self,
        X: Floats,
        labels: Labels,
        threads: int | None = None,
        tile_rows: int = TILE_ROWS,
        together: Collection[str] = ("extremes",),
        shared: SharedPoints | None = None,
        once: bool | None = None,
    ) -> None:
        self.X = np.ascontiguousarray(X, dtype=np.float64)
        self._shared = shared or SharedPoints(self.X)
        self.labels = np.ascontiguousarray(labels, dtype=np.int32)
        self.refinements = Refinements(self.labels)
        self.n_clusters: Ints = self.labels.max(axis=1).astype(np.int64) + 1
        self.offsets: Ints = np.concatenate([[0], np.cumsum(self.n_clusters)])
        self.corners: Ints = np.concatenate([[0], np.cumsum(self.n_clusters**2)])
        self.tile_rows = tile_rows
        self.together = frozenset(together)
        self._once = once
        # below ~500 points a thread costs more than it saves
        self.threads = threads or (processors() if len(X) > 500 else 1)

    @cached_property
    def sizes(self) -> Ints:
        """(K,) points of each cluster of each partition."""
        return np.concatenate(
            [np.bincount(row[row >= 0], minlength=k) for row, k in zip(self.labels, self.n_clusters, strict=True)]
        ).astype(np.int64)

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

    # ---- sums, extremes and outsiders -------------------------------------------------------

    @cached_property
    def sums(self) -> Sums:
        """Distances summed by cluster."""
        return cast(Sums, self._made("sums"))

    @cached_property
    def extremes(self) -> Extremes:
        """Smallest and largest distances by cluster."""
        return cast(Extremes, self._made("extremes"))

    @cached_property
    def outsider_means(self) -> Floats:
        """(p, n) mean distance to the |own cluster| nearest points of other clusters."""
        return cast(Floats, self._made("outsider_means"))

    def _made(self, name: str) -> Sums | Extremes | Floats:
        """One of the above. The walk makes sums in any case, and what else will be asked for; all of it is kept."""
        wanted = self.together.difference(self.__dict__) | {name}
        made = self._folded(wanted)
        for other, value in made.items():
            self.__dict__.setdefault(other, value)
        return made[name]

    def _folded(self, wanted: frozenset[str]) -> dict[str, Sums | Extremes | Floats]:
        """Sums, and those of extremes and outsider_means that are wanted."""
        if wanted != {"sums"}:
            return self._folded_by_rows(wanted)
        once = sums_fit(self.refinements) if self._once is None else self._once
        return {"sums": self._summed()} if once else self._folded_by_rows(wanted)

    def _summed(self) -> Sums:
        """Sums, each pair measured once."""
        p, n = self.labels.shape
        own_mean, other_mean = np.full((2, p, n), np.nan)
        pair_sums = np.zeros(int(self.corners[-1]))
        for group in self.refinements.groups:
            columns, atom_of = group.columns(self.X), group.atom_of
            # to the points of each atom, from each point
            sums = np.zeros((group.starts.size - 1, n))

            def tile(
                start: int, stop: int, group: Refinement = group, columns: Floats = columns, atom_of: Ints = atom_of
            ) -> tuple[int, Floats, Floats]:
                rows = np.zeros((group.starts.size - 1, stop - start))
                others = np.zeros((atom_of[stop - 1] - atom_of[start] + 1, n - start))
                kernels.sum_pairs(columns, start, stop, group.starts, atom_of, rows, others)
                return start, rows, others

            # combined in tile order, so the thread count cannot change the last digits
            for start, rows, others in self._walk(tile, self.tile_rows):
                sums[:, start : start + rows.shape[1]] += rows
                sums[atom_of[start] : atom_of[start] + len(others), start:] += others
            places = np.concatenate([np.arange(self.offsets[q], self.offsets[q + 1]) for q in group.rows])
            folded = np.full((2, group.rows.size, n), -1.0)
            kernels.sum_atoms(
                sums, group.starts, group.labels, *group.clusters, self.sizes[places], self.corners[group.rows],
                *folded, pair_sums,
            )  # fmt: skip
            for values, found in zip((own_mean, other_mean), folded, strict=True):
                values[np.ix_(group.rows, group.order)] = np.where(found < 0.0, np.nan, found)
        return Sums(own_mean, other_mean, pair_sums)

    def _folded_by_rows(self, wanted: frozenset[str]) -> dict[str, Sums | Extremes | Floats]:
        """The same from all distances of each point."""
        p, n = self.labels.shape
        extremes, outsiders = "extremes" in wanted, "outsider_means" in wanted
        made = {"own_mean": True, "other_mean": True, "own_farthest": extremes, "outsider_mean": outsiders}
        rows = {name: np.full((p, n), np.nan) for name, there in made.items() if there}
        tables = int(self.corners[-1])
        sums, bounded = np.zeros(tables), tables if extremes else 0
        minima, maxima, cover = np.full(bounded, np.inf), np.zeros(bounded), np.full(self.sizes.size, np.inf)
        # many clusters make large tables: adding them up must not cost more than the tile itself, unless it
        # would leave fewer than FEWEST_TILES, for as many threads
        tile_rows = max(self.tile_rows, min(tables // n, n // FEWEST_TILES))
        nearby = self._shared.near_order
        for group in self.refinements.groups:
            order, cells, first_cells = group.cells(nearby, CELL_POINTS)
            places = np.concatenate([np.arange(self.offsets[q], self.offsets[q + 1]) for q in group.rows])
            # means of nothing, and the rows of noise, stay -1
            folded = [np.full((group.rows.size, n) if there else (0, 0), -1.0) for there in made.values()]
            told = (
                np.ascontiguousarray(self.X[order].T), cells, first_cells, group.atom_of, group.labels, *group.clusters,
                self.sizes[places], self.corners[group.rows], extremes, outsiders, *folded,
            )  # fmt: skip

            def tile(start: int, stop: int, told: tuple[Any, ...] = told, size: int = places.size) -> list[Floats]:
                columns, *rest = told
                partial = [np.zeros(tables), np.full(bounded, np.inf), np.zeros(bounded), np.full(size, np.inf)]
                kernels.fold_rows(columns, start, stop, *rest, *partial)
                return partial

            # combined in tile order, so the thread count cannot change the last digits
            for more, lower, upper, near in self._walk(tile, tile_rows):
                sums += more
                np.minimum(minima, lower, out=minima)
                np.maximum(maxima, upper, out=maxima)
                cover[places] = np.minimum(cover[places], near)
            for name, values in zip(made, folded, strict=True):
                if name in rows:
                    rows[name][np.ix_(group.rows, order)] = np.where(values < 0.0, np.nan, values)
        found: dict[str, Sums | Extremes | Floats] = {"sums": Sums(rows["own_mean"], rows["other_mean"], sums)}
        if extremes:
            found["extremes"] = Extremes(rows["own_farthest"], minima, maxima, cover)
        if outsiders:
            found["outsider_means"] = rows["outsider_mean"]
        return found

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


def sums_fit(refinements: Refinements) -> bool:
    """Whether the sums of each point's distances to each atom may be kept."""
    atoms = max(group.starts.size - 1 for group in refinements.groups)
    return atoms * refinements.labels.shape[1] <= SUMS_KEPT


def processors() -> int:
    """Processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
