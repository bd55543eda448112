"""Many points: exact while a stated time lasts, else estimates that say what they are.

What a measure needs decides (STATISTIC_KINDS): means over points and pairs come from rows, with
intervals; minima and maxima are searched for exactly; trees and whatever else is a structure of all
points is that of a subsample.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from threading import Event

import numpy as np

from gamac_meta.executor import in_threads
from gamac_meta.extremes import SEARCHES, exact_extremes
from gamac_meta.measures._registry import Measure
from gamac_meta.pair_pass import processors, sums_fit
from gamac_meta.pairwise import KINDS, STATISTIC_KINDS, PartitionView, views
from gamac_meta.points import SharedPoints
from gamac_meta.refinement import Refinements
from gamac_meta.sampling import GROUPS, NEAR, WEIGHTED, RowPass, RowSample, RowStatistics, SampledView, draw, draw_rows
from gamac_meta.types import NOISE, Floats, Labels, PartitionSet

# seconds
TIME_LIMIT = 120.0
# so many points are always measured exactly, whatever the clock says
EXACT_POINTS = 5000
# of fewer points partitions are measured one after the other: threads would wait for the interpreter
THREADED_POINTS = 10_000
# partitions measured at once, each with arrays of its own
AT_ONCE = 4
# clusters that a sample of rows can tell apart
MOST_CLUSTERS = 500
# points of trial runs, of which the last two tell the time for all, and rows of a trial walk
TRIALS = (1000, 4000, 16000)
TRIAL_ROWS = 32
# at so many points a walk over pairs takes at least half the time, and a larger share of that for more: trials that
# were held up must not tell that all is linear
HALF_QUADRATIC = 40_000
# what only a walk over all pairs makes
WALKED = frozenset(
    [
        "pair_sums",
        "mean_gaps",
        "own_mean",
        "other_mean",
        "outsider_mean",
        "medoid_distances",
        "concordance",
        "extreme_sums",
    ]
)
# times the time must fit, or not fit, for a trial to be enough
CERTAINLY = 8.0
# fewest and most; powers of two, so that another run takes as many unless the clock is twice off
ROWS = (256, 1 << 15)
SUBSAMPLE = (1024, 1 << 14)
# lists of neighbors take a kilobyte a point
NEAR_POINTS = 200_000
# of the time limit
TRIAL_SHARE = 0.05
ROW_SHARE, NEAR_SHARE, SUBSAMPLE_SHARE, SEARCH_SHARE = 0.5, 0.2, 0.1, 0.06
# rows of every cluster where there are many clusters: the usual number, or as few as fit the time and
# CELLS, the sums, minima and maxima that are kept for each row and cluster of all partitions
FEWER_PER_CLUSTER = (None, 8, 2)
CELLS = 1 << 24
# groups of rows that must make the deviation of an estimate for an interval
FEWEST_GROUPS = 2.0
# seconds before a progress bar appears
DELAY = 3.0

BINNED = "distances ordered up to the bins of a histogram, with the bounds that these leave"
BY_ROWS = "means over {rows} of {n} points, each measured against all, with 95 % intervals"
BY_EXTREMES = "least and greatest among {rows} of {n} points; the other points may hold less and greater ones"
BY_SUBSAMPLE = "measured on {points} of {n} points"
FINE = "the partition has {k} clusters, more than a sample of the points can tell apart"

clock: Callable[[], float] = time.perf_counter


@dataclass(frozen=True)
class Cell:
    """One measure of one partition."""

    value: float
    low: float
    high: float
    reason: str | None  # why the value is NaN
    method: str | None = None  # how an estimate was made, None where the value is exact


def exact_cell(measure: Measure, view: PartitionView) -> Cell:
    """The value from all points, with bounds where the order of distances is known up to bins."""
    value, why = measure.explain(view)
    low, high = measure.bounds_of(view, value)
    return Cell(value, low, high, why, BINNED if low < high else None)


def exact_cells(
    made: Iterator[PartitionView], measures: Sequence[Measure], n: int, threads: int | None
) -> Iterator[list[Cell]]:
    """The cells of each view of n points, in order; of many points those of several views at once.

    threads: how many at the most; by default as many as there are processors.
    """

    def cells(view: PartitionView, stop: Event) -> list[Cell]:
        return [exact_cell(measure, view) for measure in measures if not stop.is_set()]

    threads = threads or processors()
    if threads == 1 or n < THREADED_POINTS:
        yield from (cells(view, Event()) for view in made)
        return
    # the first makes what all share, which several at once would make several times
    yield from (cells(view, Event()) for view in islice(made, 1))
    yield from in_threads(cells, made, min(threads, AT_ONCE))


def interval_cell(measure: Measure, view: SampledView, method: str) -> Cell:
    """The estimate from rows, with the interval of a delete-a-group jackknife beyond what bins leave open."""
    value, why = measure.explain(view)
    if why:
        return Cell(value, value, value, why)
    low, high = measure.bounds_of(view, value)
    weighted = [need for need in measure.needs if need in WEIGHTED]
    # a group may hold the only rows that a statistic is made of: then there is no interval
    with np.errstate(all="ignore"):
        statistics = [{need: getattr(rows, need) for need in weighted} for rows in view.replicates]
    without = [measure.explain(view, given)[0] for given in statistics]
    deviations = np.array(without) - value
    # sums of other weights differ by rounding
    deviations[np.abs(deviations) < 1e-12 * abs(value)] = 0.0
    half = _half_width(deviations, view.certain)
    # by the middles of bins the C-index may miss its bounds by a millionth
    value, low, high = (min(max(end, measure.bounds[0]), measure.bounds[1]) for end in (value, low - half, high + half))
    if low == high and "extreme_sums" in measure.needs:
        low = high = np.nan  # all clustered points are rows, but the order of their distances is known up to bins
    return Cell(value, low, high, None, None if low == high else method)


def _half_width(deviations: Floats, certain: bool) -> float:
    """Half a 95 % interval, from deviations (GROUPS,) of the estimates that lack a group.

    The fewer groups make most of the deviation, as where tails are heavy, the fewer degrees of freedom
    Student's distribution has: as many as fit the fourth moment of the deviations. NaN where a few
    rows make it all, as these may as well have been missed, or where an estimate is undefined.
    """
    from scipy.special import stdtrit

    unit = float(np.max(np.abs(deviations)))  # or powers overflow or vanish where coordinates are huge or tiny
    if unit == 0.0:
        return 0.0 if certain else np.nan
    squares = (deviations / unit) ** 2
    second, fourth = float(np.sum(squares)), float(np.sum(squares**2))
    if not second**2 > FEWEST_GROUPS * fourth:
        return np.nan
    freedom = min(3.0 * second**2 / fourth - 2.0, GROUPS - 1.0)
    return unit * float(stdtrit(freedom, 0.975) * np.sqrt((GROUPS - 1) / GROUPS * second))


def kind(measure: Measure, known: frozenset[str] = frozenset()) -> str:
    """What becomes of a measure: the least exact of KINDS among its needs, those known being as good as "all"."""
    kinds = {"all"} | {STATISTIC_KINDS[need] for need in measure.needs if need not in known}
    # maxima over rows are exact where all rows are known
    return max(kinds - {"maxima"} if kinds <= {"all", "maxima"} else kinds, key=KINDS.index)


def estimated_rows(
    shared: SharedPoints,
    labels: Labels,
    measures: Sequence[Measure],
    *,
    time_limit: float,
    threads: int | None,
    seed: int,
) -> Iterator[list[Cell]] | None:
    """Cells of each partition of labels (p, n), or None where all can be exact within the limit."""
    if shared.X.shape[0] <= EXACT_POINTS or all(kind(measure) == "all" for measure in measures):
        return None
    work = _Estimation(shared, labels, measures, time_limit, threads, seed)
    return None if work.predicted(work.exactly, measures) <= time_limit else work.rows_of_cells()


Run = Callable[[SharedPoints, Labels, Sequence[Measure]], Iterator[list[Cell]]]


class _Estimation:
    """An evaluation that is too long to be exact."""

    def __init__(
        self,
        shared: SharedPoints,
        labels: Labels,
        measures: Sequence[Measure],
        time_limit: float,
        threads: int | None,
        seed: int,
    ) -> None:
        self.shared, self.measures, self.limit, self.threads, self.seed = shared, measures, time_limit, threads, seed
        self.n = shared.X.shape[0]
        self.given = labels
        self.fine = labels.max(axis=1) >= MOST_CLUSTERS
        # what a sample cannot tell apart must not make it larger
        self.coarse = np.where(self.fine[:, None], np.int32(NOISE), labels) if self.fine.any() else labels

    @cached_property
    def _once(self) -> bool:
        """Whether all the points' sums would be kept: trials on few must not do what cannot be done for all."""
        return sums_fit(Refinements(self.given))

    # ---- what it would take ---------------------------------------------------------------------

    def exactly(self, points: SharedPoints, labels: Labels, measures: Sequence[Measure]) -> Iterator[list[Cell]]:
        """Cells from all the points, all partitions in one walk."""
        needs = {need for measure in measures for need in measure.needs}
        made = views(points.X, labels, needs, threads=self.threads, shared=points, once=self._once)
        return exact_cells(made, measures, len(points.X), self.threads)

    def one_by_one(self, points: SharedPoints, labels: Labels, measures: Sequence[Measure]) -> Iterator[list[Cell]]:
        """The same, with nothing kept from one partition to the next."""
        for row in labels:
            view = PartitionView(points.X, row, shared=points)
            yield [exact_cell(measure, view) for measure in measures]

    def predicted(self, run: Run, measures: Sequence[Measure]) -> float:
        """Seconds for all points: a linear and a quadratic part, told apart by trials on few."""
        walked = any(not WALKED.isdisjoint(measure.needs) for measure in measures)
        # compiled and loaded first, which is not part of the work
        self._timed(run, TRIALS[0], measures)
        # a short trial that something else held up would hide the quadratic part
        n, short = min(self._timed(run, TRIALS[0], measures) for _ in range(2))
        seconds = short * (self.n / n) ** 2
        for count, further in zip(TRIALS[1:], [*TRIALS[2:], self.n], strict=True):
            # where it is as good as certain that all fits, a longer trial would take more time than it tells
            if CERTAINLY * short * (self.n / n) ** 2 <= self.limit:
                break
            m, long = self._timed(run, count, measures)
            if m == n:  # both drew all points, as some of every cluster
                return long * (self.n / n) ** 2
            least = m / (m + HALF_QUADRATIC) if walked else 0.0
            quadratic = max((long / m - short / n) / (m - n), least * long / m**2)
            linear = max(long / m - quadratic * m, 0.0)
            seconds = linear * self.n + quadratic * self.n**2
            too_long = linear * further + quadratic * further**2 > TRIAL_SHARE * self.limit
            if further >= self.n or too_long or seconds > CERTAINLY * self.limit:
                break
            n, short = m, long
        return seconds

    def _timed(self, run: Run, count: int, measures: Sequence[Measure]) -> tuple[int, float]:
        points, labels = self._subsample(count)
        start = clock()
        for _ in run(points, labels, measures):
            pass
        return len(points.X), clock() - start

    def _subsample(self, count: int) -> tuple[SharedPoints, Labels]:
        """About `count` points, some of every cluster, as points and partitions of their own."""
        rows = draw(self.coarse, count, 2, np.random.default_rng([self.seed, 0]))[0]
        X = self.shared.X[rows]
        return SharedPoints(np.ascontiguousarray(X - X.mean(axis=0))), PartitionSet(self.given[:, rows]).labels

    # ---- what is done instead -------------------------------------------------------------------

    def rows_of_cells(self) -> Iterator[list[Cell]]:
        """Cells of each partition."""
        from tqdm import tqdm

        p = len(self.given)
        # hidden where standard error is no terminal
        with tqdm(total=GROUPS + 3 * p, desc="measures", unit="", delay=DELAY, disable=None, leave=False) as bar:
            near = self._near()
            kinds = {measure.name: kind(measure, near) for measure in self.measures}
            rows = self._rows(self._needs(what not in ("all", "structure") for what in kinds.values()), bar.update)
            extremes = self._extremes(
                rows, self._needs(what in ("extremes", "maxima") for what in kinds.values()), bar.update
            )
            subsampled = self._subsampled([measure for measure in self.measures if kinds[measure.name] == "structure"])
            for q, others in enumerate(subsampled):
                yield self._partition(q, rows, near, extremes[q], others)
                bar.update()

    def _partition(
        self,
        q: int,
        rows: RowStatistics | None,
        near: frozenset[str],
        extremes: dict[str, Floats],
        others: dict[str, Cell],
    ) -> list[Cell]:
        whole = PartitionView(self.shared.X, self.given[q], shared=self.shared)
        sampled = None if rows is None or self.fine[q] else SampledView(self.given[q], rows, q, self.shared, extremes)
        cells = []
        for measure in self.measures:
            what = kind(measure, near.union(extremes))
            if what == "all":
                # what is near is known of all points, so that all are rows
                cells.append(exact_cell(measure, sampled if sampled and near.isdisjoint(measure.needs) else whole))
            elif self.fine[q]:
                cells.append(Cell(np.nan, np.nan, np.nan, FINE.format(k=whole.k)))
            elif what == "structure":
                cells.append(others[measure.name])
            else:
                assert sampled is not None
                cells.append(self._of_rows(measure, sampled, what))
        return cells

    def _of_rows(self, measure: Measure, view: SampledView, what: str) -> Cell:
        counts = {"rows": view.rows_drawn, "n": self.n}
        if what in ("near", "rows"):
            return interval_cell(measure, view, BY_ROWS.format(**counts))
        value, why = measure.explain(view)
        return Cell(value, np.nan, np.nan, why, BY_EXTREMES.format(**counts))

    def _needs(self, chosen: Iterable[bool]) -> frozenset[str]:
        """What the chosen measures need."""
        return frozenset(
            need for measure, taken in zip(self.measures, chosen, strict=True) if taken for need in measure.needs
        )

    def _near(self) -> frozenset[str]:
        """The statistics of kind "near", if the time allows to make them of all points; else none."""
        asking = [m for m in self.measures if not NEAR.isdisjoint(m.needs) and kind(m, NEAR) == "all"]
        if not asking or self.n > NEAR_POINTS or self.predicted(self.one_by_one, asking) > NEAR_SHARE * self.limit:
            return frozenset()
        return NEAR

    def _rows(self, needs: frozenset[str], advance: Callable[[], object]) -> RowStatistics | None:
        """Statistics of as many rows as the time allows, None where nothing asks for any."""
        if not needs or self.fine.all():
            return None
        rng = np.random.default_rng([self.seed, 1])
        # compiled and loaded first
        points, labels = self._subsample(TRIALS[0] // 4)
        RowPass(points.X, labels, 1).measure(draw_rows(labels, TRIAL_ROWS, rng), needs)
        walk = RowPass(self.shared.X, self.coarse, self.threads)
        trial = draw_rows(self.coarse, TRIAL_ROWS, rng, per_cluster=1)
        start = clock()
        walk.measure(trial, needs)
        each = (clock() - start) / trial.rows.size
        clusters = int((self.coarse.max(axis=1) + 1).sum())

        def drawn(count: int, per_cluster: int | None) -> RowSample:
            # always the same priorities: rows do not depend on what was tried before
            return draw_rows(self.coarse, count, np.random.default_rng([self.seed, 2]), per_cluster)

        for per_cluster in FEWER_PER_CLUSTER:
            sample = drawn(ROWS[0], per_cluster)
            if sample.rows.size * each <= ROW_SHARE * self.limit and sample.rows.size * clusters <= CELLS:
                break
        affordable = ROW_SHARE * self.limit / each / sample.rows.size
        count = min(ROWS[0] << max(0, int(np.log2(affordable))), ROWS[1], self.n) if affordable > 1.0 else ROWS[0]
        # CELLS may hold less than the time allows, but more than the fewest
        while count > ROWS[0]:
            more = drawn(count, per_cluster)
            if more.rows.size * clusters <= CELLS:
                sample = more
                break
            count //= 2
        return walk.measure(sample, needs, advance)

    def _extremes(
        self, rows: RowStatistics | None, needs: frozenset[str], advance: Callable[[], object]
    ) -> list[dict[str, Floats]]:
        """For each partition the smallest and largest distances that could be made exact for all."""
        wanted = [name for name in SEARCHES if name in needs]
        tables: list[dict[str, Floats]] = [{} for _ in self.given]
        if rows is None or not wanted:
            return tables
        coarse = np.flatnonzero(self.coarse.max(axis=1) > 0)
        exact = exact_extremes(
            lambda place: SampledView(self.given[coarse[place]], rows, int(coarse[place]), self.shared),
            coarse.size,
            wanted,
            self.threads or processors(),
            SEARCH_SHARE * self.limit,
            clock,
            advance,
        )
        for q, table in zip(coarse, exact, strict=True):
            tables[q] = table
        return tables

    def _subsampled(self, measures: Sequence[Measure]) -> Iterator[dict[str, Cell]]:
        """For each partition the measures' cells on a subsample of the points, by name."""
        if not measures:
            yield from ({} for _ in self.given)
            return
        self._timed(self.exactly, TRIALS[0] // 4, measures)
        count, seconds = self._timed(self.exactly, TRIALS[0], measures)
        # at most quadratic
        affordable = count * np.sqrt(SUBSAMPLE_SHARE * self.limit / seconds)
        size = min(max(SUBSAMPLE[0], 1 << max(0, int(np.log2(affordable)))), SUBSAMPLE[1])
        points, labels = self._subsample(size)
        method = BY_SUBSAMPLE.format(points=len(points.X), n=self.n)
        for cells in self.exactly(points, labels, measures):
            yield {
                measure.name: Cell(cell.value, np.nan, np.nan, cell.reason and f"{cell.reason}, {method}", method)
                for measure, cell in zip(measures, cells, strict=True)
            }
