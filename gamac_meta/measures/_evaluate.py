"""evaluate(X, partitions): the table of all measures on all partitions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np

from gamac_meta._kernels.compiler import interruptible, one_product_thread
from gamac_meta.backend import device_for
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.inputs import as_dataset, as_partitions
from gamac_meta.measures._large import TIME_LIMIT, Cell, estimated_rows, exact_cells
from gamac_meta.measures._registry import MEASURES, Measure
from gamac_meta.pairwise import PartitionView, views
from gamac_meta.points import SharedPoints, order_of_points
from gamac_meta.types import NOISE, Floats, Labels, MeasureTable, PartitionSet

NOISE_POLICIES = ("drop", "nearest", "cluster")
# beyond, squares of distances and their products overflow or vanish
SPREADS = (1e-100, 1e100)


def evaluate(
    X: Any,
    partitions: Any,
    measures: Sequence[str] | None = None,
    *,
    noise: str = "drop",
    backend: str = "auto",
    time_limit: float | None = TIME_LIMIT,
    random_state: int = 0,
) -> MeasureTable:
    """Measure every partition of X by every measure, in one pass over pairs of points.

    X: (n, d) array-like or frame; it is not rescaled, and its widest column must spread over 1e-100
    to 1e+100. partitions: (p, n) labels, -1 is noise; one (n,) labelling; a frame with a column per
    partition; or a PartitionSet.
    measures: names from MEASURES, all of them by default.
    noise: "drop" leaves noise points out (only DBCV and LCCV count them, against the partition, and DISCO
    judges them), "nearest" gives each to the cluster of the nearest clustered point, "cluster" makes
    them one more cluster.

    backend: "numpy" is the CPU; "cupy" walks over pairs on a CUDA device; "auto" takes a device that
    answers where there are enough points to pay.

    Values do not depend on the order of rows, to the last digit: of points that are equally near, as many are
    where coordinates are whole numbers, always the same are taken.

    Undefined values are NaN with a reason (`MeasureTable.reason`); a partition of one cluster is
    such a case, and only if no partition has two clusters is the call refused.

    time_limit: seconds of wall time, about, that pairs of points may take; None for as long as it takes.
    Up to 5000 points all is exact whatever the limit, but for Gamma, Tau and G+, which carry bounds above
    4096 points. Beyond, where trial runs on few points predict
    that it will not do, means are estimated from rows with 95 % intervals, smallest and largest
    distances are searched for while time lasts, and what no sample of rows can tell is measured on a
    subsample of the points. What is linear in n is exact always, and so is all on a device.
    random_state: seed of the samples.
    Where a value is an estimate, `MeasureTable.approximate` names the measure, `methods` says how it
    was made, and `low` and `high` enclose the exact value, or are NaN where no interval can be given.

    Raises InvalidInputError, UnknownNameError, BackendUnavailableError.
    """
    engine = MeasureEngine(X, backend=backend)
    return engine.evaluate(partitions, measures, noise=noise, time_limit=time_limit, random_state=random_state)


class MeasureEngine:
    """Measures of partitions of the same points, as the partitions come.

    Neighbors, spanning tree and whatever else depends on the points alone is made when first needed
    and kept. Every call does the work that its measures need, and no other.

    X: (n, d) array-like or frame, as for `evaluate`. threads: how many the walks over pairs use, all
    processors by default; no value depends on it.

    Raises InvalidInputError, BackendUnavailableError.
    """

    def __init__(self, X: Any, *, backend: str = "auto", threads: int | None = None) -> None:
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise InvalidInputError(f"threads must be at least 1, got {threads!r}")
        data, _ = as_dataset(X)
        _require_measurable_spread(data.X)
        self.n = data.n
        self._on_device = device_for(backend, data.n) is not None
        self._backend = backend
        self._threads = threads
        # sums round, and of points that are equally near some are taken, in an order that is not that of the rows
        self._order = order_of_points(data.X)
        points = data.X[self._order]
        differ = np.any(points[1:] != points[:-1], axis=1)
        # (n,) equal points have the same number
        self._equal = None if differ.all() else np.append(0, np.cumsum(differ))
        points -= points.mean(axis=0)
        self._shared = SharedPoints(points)

    def evaluate(
        self,
        partitions: Any,
        measures: Sequence[str] | None = None,
        *,
        noise: str = "drop",
        time_limit: float | None = TIME_LIMIT,
        random_state: int = 0,
    ) -> MeasureTable:
        """The table of all partitions and measures; arguments and errors are those of `evaluate`."""
        if isinstance(measures, str):
            raise InvalidInputError(f"measures must be a sequence of names, got the string {measures!r}")
        names = tuple(MEASURES) if measures is None else tuple(measures)
        chosen = [MEASURES[name] for name in names]
        if not chosen:
            raise InvalidInputError("measures must name at least one measure, got none")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise InvalidInputError(f"measures must name each measure once, got {', '.join(twice)} more than once")
        if time_limit is not None and not (isinstance(time_limit, Real) and time_limit > 0.0):
            raise InvalidInputError(f"time_limit must be more than 0 seconds or None, got {time_limit!r}")
        if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
            raise InvalidInputError(f"random_state must be a whole number >= 0, got {random_state!r}")
        given = self._given(partitions, noise)
        values, low, high = (np.full((len(given), len(chosen)), np.nan) for _ in range(3))
        reasons = {}
        methods = {}
        # the walks have threads of their own: those of matrix products would only wait and burn time
        with interruptible(), one_product_thread():
            for row, cells in enumerate(self._cells(given, chosen, noise, time_limit, random_state)):
                for column, (measure, cell) in enumerate(zip(chosen, cells, strict=True)):
                    values[row, column], low[row, column], high[row, column] = cell.value, cell.low, cell.high
                    if cell.reason:
                        reasons[row, measure.name] = cell.reason
                    elif cell.method:
                        methods[measure.name] = cell.method
        return MeasureTable(
            values,
            names,
            tuple(measure.greater_is_better for measure in chosen),
            given.makers,
            given.noise_share,
            reasons,
            tuple(name for name in names if name in methods),
            low,
            high,
            methods,
        )

    def score(self, labels: Any, measure: str, *, noise: str = "drop") -> float:
        """One partition (n,) by one measure, as published; NaN where undefined. Exact, however long it takes.

        Raises InvalidInputError, UnknownNameError.
        """
        formula = MEASURES[measure]
        given = self._given(labels, noise)
        if len(given) != 1:
            raise InvalidInputError(f"score takes one partition, got {len(given)}; evaluate takes several")
        with interruptible():
            labels = apply_noise_policy(self._shared.X, given, noise)
            return formula(next(self._views(labels, [formula])))

    def _cells(
        self, given: PartitionSet, chosen: Sequence[Measure], noise: str, time_limit: float | None, seed: int
    ) -> Iterator[list[Cell]]:
        """Cells of each partition, exact if the time limit allows."""
        labels = apply_noise_policy(self._shared.X, given, noise)
        if time_limit is not None and not self._on_device:
            estimated = estimated_rows(
                self._shared, labels, chosen, time_limit=time_limit, threads=self._threads, seed=seed
            )
            if estimated is not None:
                return estimated
        return exact_cells(self._views(labels, chosen), chosen, self.n, self._threads)

    def _given(self, partitions: Any, noise: str) -> PartitionSet:
        """Partitions of the points in the engine's order."""
        given = as_partitions(partitions, self.n)
        labels = given.labels[:, self._order]
        if self._equal is not None:
            # which of several equal points is in which cluster is all one
            labels = np.stack([row[np.lexsort((row, self._equal))] for row in labels])
        given = PartitionSet(labels, given.makers)
        if given.n_clusters.max() < 2 and not (noise == "cluster" and np.any(given.noise_share > 0)):
            raise InvalidInputError(
                f"partitions must include one with at least 2 clusters, got at most {int(given.n_clusters.max())}"
            )
        return given

    def _views(self, labels: Labels, measures: Sequence[Measure]) -> Iterator[PartitionView]:
        needs = {need for measure in measures for need in measure.needs}
        return views(self._shared.X, labels, needs, threads=self._threads, shared=self._shared, backend=self._backend)


def _require_measurable_spread(X: Floats) -> None:
    spread = float(np.max(np.ptp(X, axis=0)))
    if not SPREADS[0] <= spread <= SPREADS[1]:
        raise InvalidInputError(
            f"X must have a spread between {SPREADS[0]:g} and {SPREADS[1]:g}, got {spread:g}; rescale it"
        )


def apply_noise_policy(X: Floats, partitions: PartitionSet, noise: str) -> Labels:
    """(p, n) labels in which noise is left (-1), attached to the nearest clustered point, or a cluster."""
    if noise not in NOISE_POLICIES:
        raise InvalidInputError(f"noise must be one of {', '.join(NOISE_POLICIES)}, got {noise!r}")
    if noise == "drop" or not partitions.noise_share.any():
        return partitions.labels
    labels = partitions.labels.copy()
    for row, k in zip(labels, partitions.n_clusters, strict=True):
        outside = row == NOISE
        if not outside.any():
            continue
        if noise == "cluster":
            row[outside] = k
        elif k > 0:
            from scipy.spatial import cKDTree

            nearest = cKDTree(X[~outside]).query(X[outside])[1]
            row[outside] = row[~outside][nearest]
    return labels
