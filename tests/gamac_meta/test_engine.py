"""MeasureEngine: built once, it scores partitions as they come and does no work that they do not need."""

import os
import subprocess
import sys
import threading
import tracemalloc

import numpy as np
import pytest

from gamac_meta import (
    MeasureEngine,
    clustered_points,
    concordance,
    evaluate,
    extremes,
    pairwise,
    points,
    refinement,
)
from gamac_meta.exceptions import InvalidInputError, UnknownNameError
from gamac_meta.measures import MEASURES, _evaluate, _large
from gamac_meta.measures._registry import Measure
from gamac_meta.pair_pass import PairPass
from gamac_meta.points import SharedPoints


def data(n=300, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.array([np.arange(n) % 3, rng.integers(0, 4, n), rng.integers(-1, 5, n)])
    return rng.normal(size=(n, 2)) + 5.0 * np.eye(3, 2)[labels[0]], labels


@pytest.fixture
def walks(monkeypatch):
    """Names of the walks made, in order, and what those over all pairs make."""
    made = []
    for owner, name in ((PairPass, "_folded"), (PairPass, "_walk"), (SharedPoints, "neighbors")):
        original = getattr(owner, name)

        def counted(self, *arguments, original=original, name=name):
            made.append((name, *[a for a in arguments if isinstance(a, frozenset)]))
            return original(self, *arguments)

        monkeypatch.setattr(owner, name, counted)
    return made


def test_partitions_that_come_one_by_one_score_as_in_one_table():
    X, labels = data()
    table = evaluate(X, labels)
    engine = MeasureEngine(X)
    for row, partition in enumerate(labels):
        for column, name in enumerate(table.measures):
            score = engine.score(partition, name)
            assert type(score) is float
            assert score == pytest.approx(table.values[row, column], rel=1e-9, abs=1e-12, nan_ok=True), name


def test_what_needs_no_pairs_copies_no_points(monkeypatch):
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(20_000, 128)), np.array([np.arange(20_000) % 3, rng.integers(-1, 5, 20_000)])
    linear = [name for name, measure in MEASURES.items() if _large.kind(measure) == "all"]
    assert {"calinski_harabasz", "davies_bouldin", "s_dbw", "log_det_ratio"} < set(linear)
    monkeypatch.setattr(clustered_points, "PIECE", 512)
    engine = MeasureEngine(X)
    # compiled and loaded first
    engine.evaluate(labels, linear)
    tracemalloc.start()
    try:
        engine.evaluate(labels, linear)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 0.4 * X.nbytes


def test_an_engine_keeps_no_copy_of_the_points_for_a_walk():
    rng = np.random.default_rng(0)
    X, labels = rng.normal(size=(1500, 256)), np.arange(1500) % 3
    MeasureEngine(X).score(labels, "silhouette")
    engine = MeasureEngine(X)
    tracemalloc.start()
    try:
        engine.score(labels, "silhouette")
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 0.2 * X.nbytes


def test_pieces_add_up_to_the_whole(monkeypatch):
    rng = np.random.default_rng(0)
    # duplicates and noise
    X = np.round(rng.normal(size=(400, 3)) + 4.0 * np.eye(4, 3)[np.arange(400) % 4], 1)
    labels = np.array([np.arange(400) % 4, rng.integers(-1, 3, 400)])
    monkeypatch.setattr(_large, "EXACT_POINTS", 0)
    monkeypatch.setattr(_large, "SEARCH_SHARE", 1000.0)

    def tables():
        exact = evaluate(X, labels, time_limit=None)
        with monkeypatch.context() as planted:
            planted.setattr(_large._Estimation, "predicted", lambda *_: np.inf)
            return exact, evaluate(X, labels, ["gd11", "cop", "xie_beni"], time_limit=1.0)

    whole = tables()
    assert whole[1].approximate == ()
    for owner, name in (
        (clustered_points, "PIECE"),
        (extremes, "PIECE"),
        (refinement, "PIECE"),
        (points, "SEARCHED_AT_ONCE"),
        (pairwise, "CORES_AT_ONCE"),
    ):
        monkeypatch.setattr(owner, name, 7)
    for pieces, table in zip(tables(), whole, strict=True):
        assert pieces.values == pytest.approx(table.values, rel=1e-12, nan_ok=True)
        assert pieces.reasons == table.reasons


def test_rows_and_searches_copy_the_points_once(monkeypatch):
    rng = np.random.default_rng(0)
    member = rng.integers(0, 5, 20_000)
    # many columns, so that points outweigh what is kept of each, but a plane, so that searches end
    plane = rng.normal(size=(20_000, 2)) + 6.0 * rng.normal(size=(5, 2))[member]
    X = plane @ rng.normal(size=(2, 128))
    labels = np.array([member, plane[:, 0] > 0, np.where(rng.random(20_000) < 0.1, -1, member)])
    names = ["silhouette", "gd11", "cop", "sym", "medoid_silhouette"]
    engine = MeasureEngine(X, threads=1)
    monkeypatch.setattr(_large._Estimation, "predicted", lambda *_: np.inf)
    # searches that take as long as they need
    monkeypatch.setattr(_large, "SEARCH_SHARE", 1000.0)
    engine.evaluate(labels, names, time_limit=1.0)
    tracemalloc.start()
    try:
        table = engine.evaluate(labels, names, time_limit=1.0)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert "silhouette" in table.approximate
    assert {"gd11", "cop"}.isdisjoint(table.approximate)
    # the copy in the order of the walk, and a cluster at a time
    assert peak < 2.0 * X.nbytes


def test_noise_policies_are_those_of_evaluate():
    X, labels = data()
    engine = MeasureEngine(X)
    for noise in ("drop", "nearest", "cluster"):
        assert engine.score(labels[2], "silhouette", noise=noise) == pytest.approx(
            evaluate(X, labels[2], ["silhouette"], noise=noise).values[0, 0]
        )


@pytest.mark.parametrize("time_limit", [None, 60.0])
def test_noise_is_given_to_clusters_once(monkeypatch, time_limit):
    X, labels = data()
    given = []
    original = _evaluate.apply_noise_policy

    def counted(*arguments):
        given.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(_evaluate, "apply_noise_policy", counted)
    MeasureEngine(X).evaluate(labels, ["trace_w"], noise="nearest", time_limit=time_limit)
    assert len(given) == 1


def test_a_score_makes_no_walk_that_its_measure_does_not_need(walks):
    X, labels = data()
    engine = MeasureEngine(X)
    for name in ("calinski_harabasz", "davies_bouldin", "gaussian_bic"):
        engine.score(labels[0], name)
    assert walks == []
    for name in ("gd11", "gd13", "gd41", "cop", "cs", "xie_beni"):
        engine.score(labels[0], name)
    assert walks == [], "smallest and largest distances are searched for"
    for name in ("silhouette", "gd31"):
        engine.score(labels[0], name)
        assert walks == [("_folded", frozenset(["sums"])), ("_walk",)], "sums alone, no extremes"
        walks.clear()


@pytest.mark.parametrize("name", ["silhouette", "gd11", "gd31", "cop", "cs", "os_index"])
def test_a_score_is_that_of_the_walk_that_makes_everything(name):
    X, labels = data()
    score = MeasureEngine(X).score(labels[1], name)
    together = evaluate(X, labels[1], ["silhouette", "gd11", "gd31", "cop", "cs", "os_index"])
    # pairs measured once and pairs measured from both ends are summed in another order
    assert score == pytest.approx(together.values[0, together.measures.index(name)], rel=1e-14)


def test_sums_extremes_and_outsiders_of_all_partitions_are_one_walk(walks):
    X, labels = data()
    groups = len(refinement.Refinements(labels).groups)
    evaluate(X, labels, ["silhouette", "gd11", "gd33", "cop", "cs", "os_index"])
    assert walks == [("_folded", frozenset(["sums", "extremes", "outsider_means"])), *groups * [("_walk",)]]


def test_atoms_of_all_partitions_are_found_once(monkeypatch):
    X, labels = data()
    found = []
    original = refinement._atoms

    def counted(rows):
        found.append(rows)
        return original(rows)

    monkeypatch.setattr(refinement, "_atoms", counted)
    evaluate(X, labels, ["silhouette", "gd11", "os_index", "c_index", "gamma"])
    assert len(found) == 1


def test_what_depends_on_the_points_alone_is_made_once(monkeypatch):
    X, labels = data()
    made = []
    original = SharedPoints.__dict__["spanning_tree"].func
    counted = type(SharedPoints.__dict__["spanning_tree"])(lambda self: (made.append(1), original(self))[1])
    counted.__set_name__(SharedPoints, "spanning_tree")
    monkeypatch.setattr(SharedPoints, "spanning_tree", counted)
    engine = MeasureEngine(X)
    for partition in labels[:2]:
        engine.score(partition, "spanning_tree_gap")
    assert made == [1]


@pytest.mark.parametrize("threaded", [0, 10_000])
def test_values_do_not_depend_on_threads(monkeypatch, threaded):
    monkeypatch.setattr(_large, "THREADED_POINTS", threaded)
    X, labels = data(n=700)
    tables = [MeasureEngine(X, threads=threads).evaluate(labels) for threads in (1, 2, 5)]
    for table in tables[1:]:
        assert np.array_equal(table.values, tables[0].values, equal_nan=True), "not even in the last digit"


def test_partitions_measured_at_once_share_what_the_first_made(monkeypatch, walks):
    monkeypatch.setattr(_large, "THREADED_POINTS", 0)
    X, labels = data()
    names = ["silhouette", "gd11", "neighbor_purity"]
    together = threading.Barrier(2, timeout=30)
    exact_cell = _large.exact_cell

    def slow(measure, view):
        # no thread goes on before another has a partition in hand
        if threading.current_thread() is not threading.main_thread():
            together.wait()
        return exact_cell(measure, view)

    monkeypatch.setattr(_large, "exact_cell", slow)
    table = MeasureEngine(X, threads=2).evaluate(labels, names, time_limit=None)
    assert [walk for walk in walks if walk[0] == "_folded"] == [("_folded", frozenset({"sums"}))]
    assert np.array_equal(table.values, MeasureEngine(X, threads=1).evaluate(labels, names).values)


def test_an_error_in_a_thread_is_raised(monkeypatch):
    monkeypatch.setattr(_large, "THREADED_POINTS", 0)
    X, labels = data()
    explain = Measure.explain

    def failing(self, view, instead=None):
        if view.k == 5:
            raise MemoryError("planted")
        return explain(self, view, instead)

    monkeypatch.setattr(Measure, "explain", failing)
    with pytest.raises(MemoryError, match="planted"):
        MeasureEngine(X, threads=3).evaluate(labels)


@pytest.mark.parametrize("seed", range(4))
def test_bounds_enclose_the_exact_value(monkeypatch, seed):
    X, labels = data(seed=seed)
    if seed == 3:
        X = np.round(2.0 * X)  # a grid: most distances recur
    names = ["gamma", "tau", "g_plus"]
    exact = evaluate(X, labels, names)
    assert exact.approximate == ()
    assert np.array_equal(exact.low, exact.values)
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 50)
    table = evaluate(X, labels, [*names, "c_index"])
    assert set(table.approximate) == set(names)
    bounded = table.select(names)
    assert np.all(bounded.low <= exact.values)
    assert np.all(exact.values <= bounded.high)
    assert np.all((bounded.low < bounded.values) & (bounded.values < bounded.high))


def test_the_c_index_is_exact_at_any_size(monkeypatch):
    X, labels = data()
    exact = evaluate(X, labels, ["c_index"]).values
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 50)
    assert evaluate(X, labels, ["c_index"]).values == pytest.approx(exact, rel=1e-12)


def test_what_it_cannot_score_is_refused():
    X, labels = data()
    engine = MeasureEngine(X)
    with pytest.raises(UnknownNameError, match="did you mean 'silhouette'"):
        engine.score(labels[0], "silhouete")
    with pytest.raises(InvalidInputError, match="score takes one partition, got 3"):
        engine.score(labels, "silhouette")
    with pytest.raises(InvalidInputError, match="label each of 300 points, got 299"):
        engine.score(labels[0, 1:], "silhouette")
    with pytest.raises(InvalidInputError, match="threads must be at least 1, got 0"):
        MeasureEngine(X, threads=0)
    with pytest.raises(InvalidInputError, match=r"threads must be at least 1, got 1\.5"):
        MeasureEngine(X, threads=1.5)
    assert np.isnan(engine.score(np.arange(300), "silhouette"))


COMPARED = """
import sys
import numpy as np
from gamac_meta import evaluate
rng = np.random.default_rng(0)
tables = []
for d in (2, 12):
    X = rng.normal(size=(400, d))
    tables.append(evaluate(X, np.array([rng.integers(0, 4, 400), rng.integers(-1, 6, 400), X[:, 0] > 0])).values)
np.save(sys.argv[1], np.array(tables))
"""


def test_kept_machine_code_gives_the_digits_of_fresh_code(tmp_path):
    # copies of a helper that sum in another order would differ, and a corpus resumed with them
    tables = []
    for name in ("fresh.npy", "kept.npy"):
        told = [sys.executable, "-c", COMPARED, str(tmp_path / name)]
        subprocess.run(told, check=True, env=os.environ | {"NUMBA_CACHE_DIR": str(tmp_path / "cache")})
        tables.append(np.load(tmp_path / name))
    assert np.array_equal(*tables, equal_nan=True)


def reported(cause):
    """What numba makes of an exception that is pending when a kernel returns arrays."""
    error = SystemError("CPUDispatcher(kernel) returned a result with an exception set")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(("cause", "kind"), [(KeyboardInterrupt(), KeyboardInterrupt), (ValueError(), SystemError)])
def test_an_interrupt_in_a_kernel_stays_one(monkeypatch, cause, kind):
    X, labels = data()

    def refuse(self):
        raise reported(cause)

    monkeypatch.setattr(PairPass, "sums", property(refuse))
    engine = MeasureEngine(X)
    with pytest.raises(kind):
        engine.evaluate(labels, ["silhouette"])
    with pytest.raises(kind):
        engine.score(labels[0], "silhouette")
