"""Many points: estimates say what they are, and their intervals hold the exact values as often as they say."""

import itertools
import os
import signal
import threading
import time
from functools import cache

import numpy as np
import pytest

from gamac_meta import evaluate, extremes, farthest, pair_pass, sampling
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.extremes import SEARCHES, exact_extremes
from gamac_meta.measures import MEASURES, MeasureEngine, _large
from gamac_meta.measures._large import interval_cell, kind
from gamac_meta.pair_pass import PairPass
from gamac_meta.pairwise import KINDS, STATISTIC_COSTS, STATISTIC_KINDS, views
from gamac_meta.points import SharedPoints
from gamac_meta.sampling import GROUPS, RowPass, SampledView, draw, draw_rows

BY_ROWS = sorted(name for name, measure in MEASURES.items() if kind(measure) in ("near", "rows"))
NEVER = 1e-6  # seconds in which nothing can be exact


def two_and_three_blobs(rng, n=3000):
    member = rng.choice(5, n, p=[0.4, 0.3, 0.2, 0.07, 0.03])
    X = rng.normal(size=(n, 2)) * rng.uniform(0.4, 1.6, 5)[member, None] + 5.0 * rng.normal(size=(5, 2))[member]
    return X, member


def rings_in_noise(rng, n=3000):
    member = rng.integers(0, 3, n)
    angle, radius = rng.uniform(0.0, 2.0 * np.pi, n), 1.0 + member + 0.1 * rng.normal(size=n)
    X = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)
    stray = rng.random(n) < 0.15
    X[stray] = rng.uniform(-4.0, 4.0, (stray.sum(), 2))
    return X, np.where(stray, -1, member)


def skewed_in_eight_dimensions(rng, n=3000):
    member = rng.choice(4, n, p=[0.7, 0.2, 0.08, 0.02])
    return np.exp(0.6 * rng.normal(size=(n, 8)) + np.eye(4, 8)[member]), member


SHAPES = (two_and_three_blobs, rings_in_noise, skewed_in_eight_dimensions)


def partitions(X, member, rng):
    """(4, n) the true labels, halves, a fine cut, and chance."""
    from scipy.cluster.vq import kmeans2

    fine = kmeans2(X, 9, seed=1, minit="++")[1]
    fine = np.unique(fine, return_inverse=True)[1]
    return np.stack([member, (X[:, 0] > np.median(X[:, 0])).astype(int), fine, rng.integers(0, 3, len(X))])


@cache
def known(shape):
    """Points, partitions and exact values (p, m) of the measures by rows."""
    rng = np.random.default_rng(7)
    X, member = shape(rng)
    X = X - X.mean(axis=0)
    labels = partitions(X, member, rng).astype(np.int32)
    exact = [[MEASURES[name](view) for name in BY_ROWS] for view in views(X, labels)]
    return X, labels, np.array(exact)


def sampled(X, labels, count, seed, needs=frozenset(STATISTIC_COSTS), threads=2):
    statistics = RowPass(X, labels, threads).measure(draw_rows(labels, count, np.random.default_rng(seed)), needs)
    return [SampledView(row, statistics, q, SharedPoints(X)) for q, row in enumerate(labels)]


def intervals(X, labels, count, seed):
    """(2, p, m) ends of the intervals of the measures by rows."""
    cells = [[interval_cell(MEASURES[name], view, "") for name in BY_ROWS] for view in sampled(X, labels, count, seed)]
    return np.array([[[cell.low for cell in row] for row in cells], [[cell.high for cell in row] for row in cells]])


@cache
def trials(shape, count=300, seeds=range(48)):
    """(seeds, 2, p, m) intervals of many samples."""
    X, labels, _ = known(shape)
    return np.array([intervals(X, labels, count, seed) for seed in seeds])


def coverage(ends, exact):
    """Share of the intervals (seeds, 2, p, m) given that hold the exact value (p, m), by measure."""
    held = (ends[:, 0] <= exact) & (exact <= ends[:, 1])
    return np.nanmean(np.where(np.isnan(ends[:, 0]), np.nan, held), axis=(0, 1))


# ---- intervals ------------------------------------------------------------------------------------


def test_many_measures_have_intervals():
    expected = ("silhouette", "macro_silhouette", "mcclain_rao", "point_biserial", "c_index", "gamma", "tau", "g_plus")
    expected += ("os_index", "cs", "sym", "sym_db", "sym_db_star", "sym_33", "gd33", "neighbor_purity", "connectivity")
    assert set(expected) <= set(BY_ROWS)


def test_intervals_hold_the_exact_values():
    shares = np.mean([coverage(trials(shape), known(shape)[2]) for shape in SHAPES], axis=0)
    too_few = {name: share for name, share in zip(BY_ROWS, shares.round(3), strict=True) if share < 0.9}
    assert too_few == {}
    assert np.mean(shares) > 0.92
    # where a few rows make all of the deviation there is none
    none = np.mean([np.isnan(trials(shape)[:, 0]).mean(axis=(0, 1)) for shape in SHAPES], axis=0)
    assert dict(zip(BY_ROWS, none, strict=True)) == {name: pytest.approx(0.0, abs=0.15) for name in BY_ROWS}


def test_too_narrow_intervals_are_found_out():
    # a check of the check: with half the variance the same test must fail
    shares = []
    for shape in SHAPES:
        ends = trials(shape)
        middle, half = ends.mean(axis=1), np.diff(ends, axis=1)[:, 0] / 2.0
        narrow = np.stack([middle - half / np.sqrt(2.0), middle + half / np.sqrt(2.0)], axis=1)
        shares.append(coverage(narrow, known(shape)[2]))
    assert np.min(np.mean(shares, axis=0)) < 0.9


def test_intervals_are_not_wide_and_narrow_with_more_rows():
    X, labels, _ = known(two_and_three_blobs)
    halves = labels[1:2]
    half = {count: np.diff([intervals(X, halves, count, seed) for seed in range(6)], axis=1) for count in (150, 600)}
    assert np.all(half[600][..., BY_ROWS.index("silhouette")] / 2.0 < 0.05)
    assert np.all(half[600][..., BY_ROWS.index("gamma")] / 2.0 < 0.1)
    # four times the rows of 3000 points: half as wide, and narrower by the share that is known
    expected = 0.5 * np.sqrt((1.0 - 600 / 3000) / (1.0 - 150 / 3000))
    assert np.nanmedian(half[600] / half[150]) == pytest.approx(expected, rel=0.2)


@pytest.mark.parametrize("shape", SHAPES)
def test_estimates_from_all_rows_are_exact(shape):
    X, labels, exact = known(shape)
    for view, row in zip(sampled(X, labels, len(X), 0), exact, strict=True):
        for name, value in zip(BY_ROWS, row, strict=True):
            cell = interval_cell(MEASURES[name], view, "")
            # the order of distances is known up to bins, and their sums up to the middles of bins
            rel = {"gamma": 1e-2, "g_plus": 1e-2, "tau": 1e-2, "c_index": 1e-4, "os_index": 1e-3}.get(name, 1e-9)
            assert cell.value == pytest.approx(value, rel=rel, abs=1e-4 if rel == 1e-2 else 1e-9), name
            if name in ("gamma", "g_plus", "tau"):
                assert cell.low < value < cell.high, name
            elif name == "c_index":
                assert np.isnan([cell.low, cell.high]).all(), "nothing bounds what the middles of bins are off"
            else:
                assert cell.low == cell.value == cell.high, name


# ---- rows -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_rows_are_measured_exactly(shape):
    X, labels, _ = known(shape)
    names = ["own_mean", "other_mean", "own_farthest", "reflections", "symmetry_distances", "outsider_mean"]
    names += ["nearest_own", "nearest_foreign", "few_own_mean", "few_foreign_mean"]
    place = np.arange(len(X))
    for q, (view, exact) in enumerate(zip(sampled(X, labels, 100, 0), views(X, labels), strict=True)):
        order = np.argsort(labels[q], kind="stable")[np.count_nonzero(labels[q] < 0) :]
        place[order] = np.arange(order.size)
        rows = place[view._statistics.sample.rows[view._rows]]
        assert np.array_equal(view.row_labels, exact.row_labels[rows])
        for name in names:
            # in one bin of distances outsiders count as its mean
            rel = 1e-3 if name == "outsider_mean" else 1e-9
            assert getattr(view, name) == pytest.approx(getattr(exact, name)[rows], rel=rel, nan_ok=True), name
        assert view.neighborhood[0] == pytest.approx(exact.neighborhood[0][rows])
        assert np.array_equal(view.neighborhood[1], exact.neighborhood[1][rows])
        assert np.array_equal(view.neighbor_labels, exact.neighbor_labels[rows])


def test_every_cluster_has_rows_and_chances_are_those_of_drawing():
    labels = np.stack([np.repeat([0, 1, 2], [900, 80, 20]), np.arange(1000) % 4, np.full(1000, -1)]).astype(np.int32)
    drawn = np.zeros(1000)
    stated = np.zeros(1000)
    for seed in range(400):
        rows, chance = draw(labels, 50, 16, np.random.default_rng(seed))
        assert np.all(np.bincount(labels[0, rows]) >= 16)
        drawn[rows] += 1.0 / 400
        stated[rows] += chance / 400
    for cluster in range(3):
        mine = labels[0] == cluster
        assert np.mean(drawn[mine]) == pytest.approx(np.mean(stated[mine] / drawn[mine]), rel=0.05)
    assert np.mean(drawn[:900]) == pytest.approx(16 * 4 / 1000, rel=0.1), "clusters of the other partition"
    # inverse chances count the points
    totals = [np.sum(1.0 / draw(labels, 50, 16, np.random.default_rng(seed))[1]) for seed in range(400)]
    assert np.mean(totals) == pytest.approx(1000.0, rel=0.02)


def test_rows_are_dealt_to_groups_of_one_size():
    labels = np.zeros((1, 2000), dtype=np.int32)
    sizes = np.diff(draw_rows(labels, 330, np.random.default_rng(0)).edges)
    assert sizes.size == GROUPS
    assert np.ptp(sizes) <= 1


# ---- smallest and largest distances ---------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_extremes_of_rows_err_to_one_side(shape):
    X, labels, _ = known(shape)
    for view, exact in zip(sampled(X, labels, 100, 0), views(X, labels), strict=True):
        slack = 1.0 + 1e-12
        assert np.all(view.gaps * slack >= exact.gaps)
        assert np.all(view.diameters <= exact.diameters * slack)
        assert np.all(view.cover * slack >= exact.cover)
        for name, over in [("gd11", True), ("gd13", True), ("xie_beni", False), ("cop", False)]:
            estimate, value = MEASURES[name](view), MEASURES[name](exact)
            assert estimate * slack >= value if over else estimate <= value * slack, name
        assert MEASURES["gd11"](view) > MEASURES["gd11"](exact)


def searched(X, labels, patience=60.0, clock=lambda: 0.0):
    rows = sampled(X, labels, 64, 0)
    return exact_extremes(rows.__getitem__, len(rows), tuple(SEARCHES), 2, patience, clock, lambda: None)


@pytest.mark.parametrize("shape", SHAPES)
def test_searches_find_the_exact_extremes(shape):
    X, labels, _ = known(shape)
    for found, exact in zip(searched(X, labels), views(X, labels), strict=True):
        assert set(found) == {"gaps", "diameters", "cover"}
        for name, table in found.items():
            assert table == pytest.approx(getattr(exact, name), rel=1e-9), name


def test_a_ring_has_diameters_though_all_its_points_are_as_far_out(monkeypatch):
    angles = np.random.default_rng(0).uniform(0.0, 2.0 * np.pi, 900)
    X = np.stack([np.cos(angles), np.sin(angles)], axis=1) * np.linspace(0.9, 1.0, 900)[:, None]
    labels = np.stack([np.arange(900) % 2, np.arange(900) % 3]).astype(np.int32)
    exact = [view.diameters for view in views(X, labels)]
    # too few for all pairs of the points, enough for those of the corners
    monkeypatch.setattr(extremes, "PAIRS_PER_LOOK", 15_000)
    found = [SEARCHES["diameters"](view, lambda: False) for view in sampled(X, labels, 64, 0)]
    assert found == [pytest.approx(diameters, rel=1e-12) for diameters in exact]
    monkeypatch.setattr(extremes, "PAIRS_PER_LOOK", 10)
    assert [SEARCHES["diameters"](view, lambda: False) for view in sampled(X, labels, 64, 0)] == [None, None]


def test_the_cover_of_a_ring_is_looked_for_with_an_eye_on_the_clock(monkeypatch):
    angles = np.linspace(0.0, 2.0 * np.pi, 900, endpoint=False)
    X, labels = np.stack([np.cos(angles), np.sin(angles)], axis=1), (np.arange(900) % 2).astype(np.int32)[None]
    (exact,), (view,) = views(X, labels), sampled(X, labels, 64, 0)
    # a hundred points against 450 corners
    monkeypatch.setattr(farthest, "PAIRS_AT_ONCE", 45_000)
    looks = []
    assert SEARCHES["cover"](view, lambda: looks.append(1)) == pytest.approx(exact.cover, rel=1e-12)
    assert len(looks) == 2 * 9
    assert SEARCHES["cover"](view, lambda: len(looks) == 20 or looks.append(1)) is None


@pytest.mark.parametrize("kept", [10**9, 0])
def test_trials_do_what_all_points_will_do(monkeypatch, kept):
    monkeypatch.setattr(pair_pass, "SUMS_KEPT", kept)
    X, labels, _ = known(two_and_three_blobs)
    monkeypatch.setattr(_large, "EXACT_POINTS", 0)
    made = []
    for name in ("_summed", "_folded_by_rows"):
        original = getattr(PairPass, name)

        def counted(self, *arguments, original=original, name=name):
            made.append(name)
            return original(self, *arguments)

        monkeypatch.setattr(PairPass, name, counted)
    # so that they would do otherwise
    monkeypatch.setattr(pair_pass, "sums_fit", lambda refinements: (refinements.labels.shape[1] < 3000) == (kept == 0))
    table = evaluate(X, labels, ["silhouette"], time_limit=60.0)
    assert table.approximate == ()
    assert set(made[:-1]) == {"_summed" if kept else "_folded_by_rows"}


def test_searches_that_take_too_long_are_given_up_for_all_partitions():
    X, labels, _ = known(skewed_in_eight_dimensions)
    ticks = iter(range(10**9))
    assert searched(X, labels, patience=1.0, clock=lambda: float(next(ticks))) == [{}] * len(labels)


@pytest.mark.parametrize(("threads", "count"), [(4, 1), (2, 2), (2, 6)])
def test_searches_at_once_take_no_longer_than_one_may(monkeypatch, threads, count):
    times = threading.local()
    together = threading.Barrier(min(threads, count))

    def clock():
        times.now = getattr(times, "now", 0.0) + 1.0
        return times.now

    seconds = []

    def endless(_, out_of_time):
        if len(seconds) < together.parties:
            together.wait()
        start = clock()
        while not out_of_time():
            time.sleep(1e-5)
        seconds.append(clock() - start)

    monkeypatch.setitem(SEARCHES, "gaps", endless)
    exact_extremes(lambda row: row, count, ["gaps"], threads, 100.0, clock, lambda: None)
    assert sum(seconds) == pytest.approx(100.0 * together.parties, abs=20.0)


def test_a_search_for_gaps_looks_at_the_clock_where_there_is_nothing_to_find():
    # all gaps are zero, and known to be from any rows
    X, labels = np.repeat(np.eye(2), 60, axis=0), np.tile(np.arange(30), 4)
    view = sampled(X, labels[None].astype(np.int32), 120, 0)[0]
    looks = []
    assert SEARCHES["gaps"](view, lambda: looks.append(1)) is not None
    assert len(looks) == 30 * 29 / 2


def test_repeated_and_collinear_points_have_extremes():
    X = np.repeat(np.arange(40.0), 3)[:, None] * [1.0, 2.0]
    labels = np.stack([np.repeat([0, 1, 2], 40), np.arange(120) % 3, np.repeat([0, 1], [119, 1])]).astype(np.int32)
    for found, exact in zip(searched(X, labels), views(X, labels), strict=True):
        for name, table in found.items():
            assert table == pytest.approx(getattr(exact, name), abs=1e-12), name


@pytest.mark.parametrize("far", [1e3, 1e12])
def test_estimates_withstand_an_outlier(far):
    X, labels, _ = known(two_and_three_blobs)
    X = X.copy()
    X[0] = far
    X -= X.mean(axis=0)
    for view in sampled(X, labels, 200, 0):
        for name in BY_ROWS:
            cell = interval_cell(MEASURES[name], view, "")
            low, high = MEASURES[name].bounds
            assert low <= cell.value <= high, name
            assert np.isnan(cell.low) or cell.low <= cell.value <= cell.high, name


@pytest.mark.parametrize("unit", [1e-95, 1e95])
def test_intervals_do_not_depend_on_the_unit(unit):
    X, labels, _ = known(two_and_three_blobs)
    for view, other in zip(sampled(X, labels, 200, 0), sampled(X * unit, labels, 200, 0), strict=True):
        for name, power in (("silhouette", 0), ("sym_db", 1), ("sym", -1), ("gd33", 0)):
            here, there = (interval_cell(MEASURES[name], which, "") for which in (view, other))
            scaled = np.array([here.value, here.low, here.high]) * unit**power
            assert [there.value, there.low, there.high] == pytest.approx(scaled, rel=1e-6, nan_ok=True), name


# ---- evaluate -------------------------------------------------------------------------------------


def many(n=6000, d=2):
    rng = np.random.default_rng(n)
    member = rng.integers(0, 4, n)
    X = rng.normal(size=(n, d)) + 6.0 * rng.normal(size=(4, d))[member]
    other = np.where(rng.random(n) < 0.1, -1, (X[:, 0] > 0).astype(int) + 2 * (X[:, 1] > 0))
    return X, np.stack([member, other, np.zeros(n, dtype=int)])


@pytest.fixture
def clock(monkeypatch):
    """A clock that a test may set; each look at it takes `tick` seconds."""

    class Clock:
        now = 0.0
        tick = 1.0

        def __call__(self):
            self.now += self.tick
            return self.now

    made = Clock()
    monkeypatch.setattr(_large, "clock", made)
    return made


def test_every_statistic_has_a_kind():
    assert set(STATISTIC_COSTS) <= set(STATISTIC_KINDS)
    assert set(STATISTIC_KINDS.values()) <= set(KINDS)


def test_few_points_are_exact_whatever_the_limit():
    X, labels = many(1000)
    table = evaluate(X, labels, time_limit=NEVER)
    assert table.approximate == ()
    assert table.methods == {}
    assert np.array_equal(table.values, evaluate(X, labels, time_limit=None).values, equal_nan=True)


def test_what_fits_the_limit_is_exact(clock):
    X, labels = many()
    clock.tick = 1e-6
    names = ["silhouette", "gd11", "connectivity"]
    table = evaluate(X, labels, names, time_limit=60.0)
    assert table.approximate == ()
    assert np.array_equal(table.values, evaluate(X, labels, names, time_limit=None).values, equal_nan=True)


def test_beyond_the_limit_estimates_say_what_they_are(clock):
    X, labels = many()
    table = evaluate(X, labels, time_limit=1.0)
    exact = evaluate(X, labels, time_limit=None)
    assert set(table.methods) == set(table.approximate)
    assert table.to_frame().attrs["estimates"] == table.methods
    for column, (name, measure) in enumerate(MEASURES.items()):
        values, low, high = (array[:2, column] for array in (table.values, table.low, table.high))
        what = kind(measure)
        if what == "all":
            assert name not in table.approximate
            assert np.array_equal(values, exact.values[:2, column], equal_nan=True), name
        elif what in ("near", "rows"):
            assert "of 6000 points, each measured against all, with 95 % intervals" in table.methods[name]
            given = ~np.isnan(low)
            assert np.all((low < values)[given] & (values < high)[given]), name
            assert given.any() or name == "connectivity", "clusters far apart: hardly a foreign neighbor"
        else:
            assert name in table.approximate
            assert np.all(np.isnan(low) & np.isnan(high)), "no interval is made up"
            assert "of 6000 points" in table.methods[name]
    assert np.all(np.isnan(table.values[2])), "one cluster"
    assert "one cluster" in table.reason(2, "silhouette")
    assert set(table.select(["silhouette", "trace_w"]).methods) == {"silhouette"}


@pytest.fixture
def too_many(monkeypatch):
    """The exact walk is always too long, and so are searches for neighbors."""
    monkeypatch.setattr(_large._Estimation, "predicted", lambda *_: np.inf)


def test_searches_make_extremes_exact_while_they_last(monkeypatch, clock, too_many):
    X, labels = many()
    monkeypatch.setattr(_large, "ROWS", (256, 256))
    names = ["gd11", "gd13", "gd31", "xie_beni", "cop", "silhouette", "sym_11"]
    exact = evaluate(X, labels, names, time_limit=None)
    clock.tick = 1e-6
    table = evaluate(X, labels, names, time_limit=60.0)
    assert set(table.approximate) == {"gd31", "silhouette", "sym_11"}
    found = [names.index(name) for name in names if name not in table.approximate]
    assert table.values[:, found] == pytest.approx(exact.values[:, found], rel=1e-9, nan_ok=True)
    clock.tick = 10.0
    assert set(evaluate(X, labels, names, time_limit=60.0).approximate) == set(names)


def test_neighbors_of_all_points_are_searched_while_that_lasts(monkeypatch, clock):
    X, labels = many()
    names = ["neighbor_purity", "dunn_owa", "cvnn", "silhouette"]
    exact = evaluate(X, labels, names, time_limit=None)
    # the walk over all pairs is too long, the search is not
    monkeypatch.setattr(_large._Estimation, "predicted", lambda self, run, _: np.inf if run == self.exactly else 0.0)
    table = evaluate(X, labels, names, time_limit=1.0)
    assert set(table.approximate) == {"cvnn", "silhouette"}, "CVNN needs a mean over pairs too"
    assert table.values[:, :2] == pytest.approx(exact.values[:, :2], rel=1e-9, nan_ok=True)


def test_a_short_trial_that_was_held_up_does_not_hide_what_many_points_take(monkeypatch):
    X, labels = many(50_000)
    calls = []

    def seconds(points):
        """Quadratic, but for the first trial of all, in which code is compiled, and one that something held up."""
        calls.append(points)
        return 1e-8 * points**2 + {1: 3.0, 3: 0.4}.get(len(calls), 0.0)

    monkeypatch.setattr(_large._Estimation, "_timed", lambda *given: (given[2], seconds(given[2])))
    measures = [MEASURES["silhouette"]]
    work = _large._Estimation(SharedPoints(X), labels, measures, 60.0, None, 0)
    assert work.predicted(work.exactly, measures) == pytest.approx(1e-8 * 50_000**2)
    assert calls == [1000, 1000, 1000, 4000, 16000]
    # a third trial would take too much of a short limit
    calls.clear()
    work = _large._Estimation(SharedPoints(X), labels, measures, 10.0, None, 0)
    assert work.predicted(work.exactly, measures) == pytest.approx(1e-8 * 50_000**2)
    assert calls == [1000, 1000, 1000, 4000]


@pytest.mark.parametrize(
    ("name", "fits"), [("silhouette", False), ("os_index", False), ("c_index", False), ("gd11", True)]
)
def test_trials_that_were_all_held_up_do_not_make_a_walk_linear(monkeypatch, name, fits):
    X, labels = many(5000)
    # the busier the sooner: a point takes ever less
    seconds = {1000: 0.2, 4000: 0.7, 16000: 2.6}
    monkeypatch.setattr(_large._Estimation, "_timed", lambda *given: (given[2], seconds[given[2]]))
    measures = [MEASURES[name], MEASURES["trace_w"]]
    work = _large._Estimation(SharedPoints(X), labels, measures, 120.0, None, 0)
    work.n = 500_000
    assert (work.predicted(work.exactly, measures) <= 120.0) == fits


def test_a_longer_limit_measures_more_rows(clock, too_many):
    X, labels = many(20000)

    def rows(limit):
        table = evaluate(X, labels, ["silhouette"], time_limit=limit)
        return int(table.methods["silhouette"].split()[2])

    # a trial of some rows seems to take a second
    counts = [rows(limit) for limit in (1.0, 60.0, 240.0)]
    assert 256 <= counts[0] < counts[1] < counts[2] < 20000
    assert counts[2] / counts[1] == pytest.approx(4.0, rel=0.3)


def test_many_clusters_get_fewer_rows_each_where_time_is_short(clock, too_many):
    X, _ = many()
    fine = np.random.default_rng(0).integers(0, 100, len(X))

    def rows(limit):
        return int(evaluate(X, fine, ["silhouette"], time_limit=limit).methods["silhouette"].split()[2])

    assert 200 <= rows(1.0) < 8 * 100
    assert rows(100.0) >= 32 * 100


def test_many_clusters_get_as_many_rows_as_may_be_kept_where_time_is_ample(monkeypatch, clock, too_many):
    X, _ = many()
    fine = np.random.default_rng(0).integers(0, 40, len(X))

    def methods(cells):
        monkeypatch.setattr(_large, "CELLS", cells)
        return evaluate(X, fine, ["silhouette"], time_limit=600.0).methods

    least, few, more = (int(methods(cells)["silhouette"].split()[2]) for cells in (1 << 15, 1 << 16, 1 << 17))
    assert least < 32 * 40 == few
    assert few < more <= (1 << 17) // 40


def test_what_a_subsample_leaves_undefined_is_said_of_the_subsample(clock, too_many):
    X, _ = many()
    labels = np.zeros(len(X), dtype=int)
    labels[:2] = [1, 2]
    table = evaluate(X, labels, ["lccv"], time_limit=1.0)
    assert "measured on 1026 of 6000 points" in table.reason(0, "lccv")


def test_a_seed_decides_and_threads_do_not(clock, too_many):
    X, labels = many()
    names = ["silhouette", "gamma", "c_index", "sym", "dbcv", "connectivity"]
    one, two = (MeasureEngine(X, threads=threads).evaluate(labels, names, time_limit=1.0) for threads in (1, 3))
    for which in ("values", "low", "high"):
        assert np.array_equal(getattr(one, which), getattr(two, which), equal_nan=True), "not even in the last digit"
    other = MeasureEngine(X).evaluate(labels, names, time_limit=1.0, random_state=1)
    assert np.all(other.values[0] != one.values[0])


def test_estimates_do_not_depend_on_the_order_of_rows(clock, too_many):
    X, labels = many()
    X = np.round(X, 1)  # many are equally near, some equal
    names = ["silhouette", "gd11", "gamma", "c_index", "sym", "dbcv", "connectivity"]
    one = evaluate(X, labels, names, time_limit=1.0)
    order = np.random.default_rng(0).permutation(len(X))
    two = evaluate(X[order], labels[:, order], names, time_limit=1.0)
    assert one.approximate == two.approximate != ()
    for which in ("values", "low", "high"):
        assert np.array_equal(getattr(one, which), getattr(two, which), equal_nan=True), "not even in the last digit"


def test_more_clusters_than_rows_are_undefined_with_a_reason(clock):
    X, labels = many()
    fine = np.arange(len(X)) // 5
    table = evaluate(X, np.stack([labels[0], fine]), ["silhouette", "dbcv", "trace_w"], time_limit=1.0)
    assert np.isfinite(table.values[0]).all()
    assert (
        table.reason(1, "silhouette")
        == "the partition has 1200 clusters, more than a sample of the points can tell apart"
    )
    assert np.array_equal(np.isnan(table.values[1]), [True, True, False])


@pytest.mark.parametrize("at", [1, 40, 300])
def test_an_interrupt_ends_all_threads(monkeypatch, too_many, at):
    X, labels = many(20_000)
    before = set(threading.enumerate())
    steps = itertools.count()
    fold = sampling.kernels.fold_points

    def interrupted(*given):
        if next(steps) == at:
            # as a terminal does: it wakes the main thread, which waits for the others
            os.kill(os.getpid(), signal.SIGINT)
        return fold(*given)

    monkeypatch.setattr(sampling.kernels, "fold_points", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(X, labels, ["silhouette", "gamma"], time_limit=6000.0)
    # uninterrupted, 20 000 rows take 2500 steps of 8
    assert next(steps) < 2000
    # the first progress bar of a process starts a thread that watches bars, and stays
    assert {thread.name for thread in set(threading.enumerate()) - before} <= {"tqdm_monitor"}


@pytest.mark.parametrize("limit", [0, -1.0, float("nan"), "x"])
def test_a_limit_that_is_none_is_refused(limit):
    with pytest.raises(InvalidInputError, match="time_limit must be more than 0 seconds or None, got"):
        evaluate(*many(1000), time_limit=limit)


@pytest.mark.parametrize("seed", [-1, 0.5, "x", None, True])
def test_a_seed_that_is_none_is_refused(seed):
    with pytest.raises(InvalidInputError, match="random_state must be a whole number >= 0, got"):
        evaluate(*many(1000), random_state=seed)
