"""The benchmark of searches: what is scored and how, what is killed, what a rerun passes over."""

import fcntl
import importlib
import importlib.util
import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score, silhouette_score

import gamac_meta

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"

# stands in for the script of the contenders; the contender's name says what it does
PLANTED = """
import fcntl, subprocess, sys, time
from pathlib import Path
name, budget, jobs, folder = sys.argv[1:]
here = Path(__file__).parent
with (here / "calls").open("a") as calls:
    print(name, budget, jobs, file=calls)
if name in ("kmeans", "hdbscan"):  # a worker holds the lock, and both would sleep, or only the worker
    lock = (here / "lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], pass_fds=[lock.fileno()])
    (here / "locked").touch()
    if name == "kmeans":
        time.sleep(600)
import numpy as np
n = len(np.load(Path(folder) / "points.npy"))
answer = np.arange(n) % 3 - 1
np.savez(Path(folder) / "answer.npz", partitions=[answer, np.arange(n) % 3, np.zeros(n, int)], seconds=1.25)
"""


@pytest.fixture(scope="module")
def peers():
    """benchmarks/_automl_peers.py as a module, its folder on the path as for a script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("_automl_peers")
    for name in ("_automl_peers", "_judging", "tables"):
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def benchmark(peers):
    """benchmarks/automl.py as a module; tests/automl would be found by its own name."""
    spec = importlib.util.spec_from_file_location("automl_benchmark", BENCHMARKS / "automl.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    sys.modules.pop(spec.name)


@pytest.fixture
def planted(benchmark, tmp_path, monkeypatch):
    """A folder with the script that now runs instead of the contenders."""
    (tmp_path / "child.py").write_text(PLANTED)
    monkeypatch.setattr(benchmark, "CHILD", tmp_path / "child.py")
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def blobs(benchmark):
    """Three clouds, some points of which are noise by the labels."""
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 40)
    X = np.array([[0.0, 0.0], [9.0, 0.0], [0.0, 9.0]])[labels] + rng.normal(size=(120, 2))
    labels[::10] = -1
    return benchmark.Table("blobs", "2-D", X, labels)


def freed(path):
    """Wait until nobody holds the lock."""
    deadline = time.monotonic() + 60.0
    with path.open() as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                assert time.monotonic() < deadline, "the worker is alive"
                time.sleep(0.05)


def made_run(benchmark, data, contender, ari, *, budget=20.0, state="ok", seconds=1.0, **facts):
    part = "tables" if data.startswith(("digits", "wine")) else "2-D"
    return benchmark.Run(data, part, contender, budget, 2, state, seconds, ari=ari, **facts)


def test_data_sets_are_cut_and_shuffled_with_their_labels(benchmark, tmp_path, monkeypatch):
    monkeypatch.setattr(benchmark, "MOST_POINTS", 50)
    labels = np.repeat([-1, 0, 1], 40).astype(np.int16)
    X = np.column_stack([labels, np.arange(120)]).astype(np.float32)
    np.savez(tmp_path / "sets.npz", **{"b/X": X, "b/labels": labels, "a/X": X[:30], "a/labels": labels[:30]})
    found = list(benchmark.tables(tmp_path / "sets.npz"))
    assert [(table.name, table.part) for table in found[:3]] == [("a", "2-D"), ("b", "2-D"), ("iris", "tables")]
    assert [len(table.X) for table in found[:3]] == [30, 50, 50]
    np.testing.assert_array_equal(found[1].X[:, 0], found[1].labels)
    assert np.any(np.diff(found[1].X[:, 1]) < 0)
    again = list(benchmark.tables(tmp_path / "sets.npz"))
    np.testing.assert_array_equal(again[1].X, found[1].X)


def test_a_contender_finds_planted_clusters(benchmark, blobs):
    found = benchmark.run(blobs, "kmeans", 20.0, 1)
    assert (found.state, found.ari, found.best_seen, found.clusters, found.noise) == ("ok", 1.0, 1.0, 3, 0.0)
    assert found.seen == 9  # 2 to sqrt(120)
    assert found.seconds > 0.0


def test_noise_of_the_answer_is_a_cluster_and_noise_of_the_truth_is_left_out(benchmark, blobs, planted):
    found = benchmark.run(blobs, "genie", 20.0, 3)
    known = blobs.labels >= 0
    answers = [np.arange(120) % 3, np.zeros(120)]
    expected = [adjusted_rand_score(blobs.labels[known], answer[known]) for answer in answers]
    assert found.ari == pytest.approx(expected[0])
    assert found.best_seen == pytest.approx(max(expected))
    assert (found.seen, found.clusters, found.noise, found.seconds) == (3, 2, pytest.approx(1 / 3), 1.25)
    assert (planted / "calls").read_text() == "genie 20.0 3\n"


@pytest.mark.parametrize(("contender", "state"), [("kmeans", "killed"), ("hdbscan", "ok")])
def test_nothing_outlives_its_run(benchmark, blobs, planted, monkeypatch, contender, state):
    monkeypatch.setattr(benchmark, "GRACE", 5.0)
    found = benchmark.run(blobs, contender, 0.1, 1)
    assert found.state == state
    assert (planted / "locked").exists()
    freed(planted / "lock")


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_an_ended_benchmark_takes_its_contender_along(planted, sent):
    np.savez(planted / "sets.npz", **{"a/X": np.zeros((4, 2)), "a/labels": np.zeros(4)})
    code = f"""if True:
        import sys
        from pathlib import Path
        sys.path.insert(0, {str(BENCHMARKS)!r})
        import automl
        automl.CHILD = Path({str(planted / "child.py")!r})
        sys.argv = ["automl.py", "sets.npz", "--only", "a", "--contenders", "kmeans", "--seconds", "300"]
        automl.main()
    """
    command = subprocess.Popen([sys.executable, "-c", code], cwd=planted, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60.0
    while not (planted / "locked").exists():
        assert command.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    command.send_signal(sent)
    assert command.wait(60.0) != 0
    freed(planted / "lock")


def test_a_failure_has_its_reason(benchmark, blobs):
    broken = benchmark.Table("broken", "2-D", np.full((120, 2), np.nan), blobs.labels)
    found = benchmark.run(broken, "mixture-bic", 20.0, 1)
    assert (found.state, found.ari) == ("failed", 0.0)
    assert "NaN" in found.reason


def test_labels_of_another_length_are_a_failure(peers, tmp_path, monkeypatch):
    np.save(tmp_path / "points.npy", np.zeros((5, 2)))
    monkeypatch.setitem(peers.CONTENDERS, "short", peers.Contender(lambda *_: [np.zeros(4)], ()))
    with pytest.raises(ValueError, match=r"labels must have shape \(5,\), got \(4,\)"):
        peers.main("short", 1.0, 1, tmp_path)
    assert not (tmp_path / "answer.npz").exists()


def test_ours_answers_first_and_then_with_all_it_scored(peers, monkeypatch):
    asked = []

    class Search:
        labels_ = np.array([0, 0, 1])
        trials_ = pd.DataFrame({"number": [3, 5, 8], "state": ["ok", "failed", "ok"]})

        def __init__(self, **options):
            asked.append(options)

        def fit(self, _):
            return self

        def partition(self, number):
            return np.full(3, number)

    monkeypatch.setattr(gamac_meta, "AutoClusterer", Search, raising=False)
    answer, *seen = peers.CONTENDERS["ours-learned"].run(np.zeros((3, 2)), 7.0, 2)
    assert asked == [{"time_budget": 7.0, "n_jobs": 2, "random_state": 0, "measure": "learned"}]
    np.testing.assert_array_equal(answer, [0, 0, 1])
    np.testing.assert_array_equal(seen, [[3, 3, 3], [8, 8, 8]])


def test_the_best_landmark_is_the_answer_before_any_fit(peers):
    X = np.random.default_rng(0).normal(size=(90, 2)) + 9.0 * np.repeat(np.eye(3)[:, :2], 30, axis=0)
    answer, *seen = peers.CONTENDERS["ours-landmarks"].run(X, 1.0, 1)
    np.testing.assert_array_equal(answer, np.repeat([0, 1, 2], 30))
    assert 10 < len(seen) < 21


@pytest.mark.parametrize(("deadline", "expected"), [(-1.0, 1), (4.5, 2), (6.0, 3), (99.0, 5)])
def test_no_candidate_begins_that_would_end_too_late(peers, monkeypatch, deadline, expected):
    clock = [0.0]
    monkeypatch.setattr(peers.time, "monotonic", lambda: clock[0])

    def candidates():
        for number in range(5):
            clock[0] += 2.0
            yield number

    assert list(peers.in_time(candidates(), deadline)) == list(range(expected))


def test_greatest_silhouette_is_first_and_undefined_last(peers, blobs):
    rng = np.random.default_rng(1)
    candidates = [np.zeros(120, int), *(rng.integers(0, k, 120) for k in (2, 5)), blobs.labels]
    ordered = peers.by_silhouette(blobs.X, iter(candidates), 60.0)
    scores = [silhouette_score(blobs.X, labels) for labels in ordered[:-1]]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) == 3
    assert not ordered[-1].any()


def test_noise_goes_to_the_nearest_cluster(peers, blobs):
    X = np.concatenate([blobs.X, [[25.0, 3.0]]])
    plain, filled = peers.hdbscan(X, min_cluster_size=5), peers.hdbscan_filled(X)
    clustered = plain >= 0
    assert not clustered[-1]
    assert filled.min() == 0
    np.testing.assert_array_equal(filled[clustered], plain[clustered])
    assert filled[-1] == plain[clustered][np.linalg.norm(X[clustered] - X[-1], axis=1).argmin()]


def test_summary_counts_what_failed_as_nothing_found(benchmark):
    runs = [
        made_run(benchmark, "one", "ours", 0.9, seconds=21.0, seen=4, best_seen=1.0),
        made_run(benchmark, "two", "ours", 0.7, seconds=23.0, seen=4, best_seen=0.7),
        made_run(benchmark, "one", "genie", 0.4),
        made_run(benchmark, "two", "genie", 0.0, state="killed", seconds=40.0),
        made_run(benchmark, "one", "kmeans", 0.0, state="failed", reason="status 1: no memory"),
    ]
    header, *lines = benchmark.summary(runs).splitlines()
    assert header.split()[:6] == ["sets", "ARI", "failed", "killed", "overrun", "seconds"]
    ours, genie, kmeans, *paired = (" ".join(line.split()) for line in lines)
    assert ours == "ours 2 0.800 [0.700, 0.900] 0 0 50% 22.0 0.050 [0.000, 0.100]"
    assert genie == "genie 2 0.200 [0.000, 0.400] 0 1 50% 20.5"
    assert kmeans == "kmeans 1 0.000 [0.000, 0.000] 1 0 0% 1.0"
    assert paired == [
        "ours over genie: 0.600 [0.500, 0.700]",
        "ours over kmeans: 0.900 [0.900, 0.900]",
    ]


def test_digits_and_its_subsets_are_one_data_set(benchmark):
    together = benchmark.mean({"digits": 0.2, "digits 0 to 4": 0.6})
    apart = benchmark.mean({"iris": 0.2, "wine": 0.6})
    assert together == pytest.approx((0.4, 0.4, 0.4))
    assert apart == pytest.approx((0.4, 0.2, 0.6))


def test_report_has_every_part_and_what_a_greater_budget_gave(benchmark):
    runs = [
        made_run(benchmark, data, "ours", ari + budget / 100.0, budget=budget)
        for data, ari in (("one", 0.5), ("wine", 0.1))
        for budget in (20.0, 5.0)
    ]
    runs.append(made_run(benchmark, "wine", "genie", 0.0, state="failed", reason="status 1: no memory"))
    sections = benchmark.report(runs).split("\n\n")
    titles = [section.splitlines()[0] for section in sections]
    assert titles == [
        *(f"{part}, {budget} s a data set" for budget in (5, 20) for part in ("2-D", "tables", "all")),
        "failures",
        "ours at 20 s over 5 s: 0.150 [0.150, 0.150]",
    ]
    assert "genie: status 1: no memory" in sections[-2]


def test_a_rerun_does_what_is_missing(benchmark, planted, monkeypatch, capsys):
    X, labels = np.random.default_rng(0).normal(size=(30, 2)), np.repeat([0, 1], 15)
    np.savez(
        planted / "sets.npz", **{f"{name}/{key}": each for name in "ab" for key, each in (("X", X), ("labels", labels))}
    )
    out = planted / "results.jsonl"

    def command(*options):
        monkeypatch.setattr(sys, "argv", ["automl.py", str(planted / "sets.npz"), *options, "--out", str(out)])
        benchmark.main()
        return capsys.readouterr().out

    def calls():
        return (planted / "calls").read_text().splitlines()

    command("--only", "a", "--contenders", "genie", "--jobs", "1")
    assert calls() == ["genie 20.0 1"]
    printed = command("--only", "a", "b", "--contenders", "genie,mixture-bic", "--jobs", "1")
    assert calls()[1:] == ["mixture-bic 20.0 1", "genie 20.0 1", "mixture-bic 20.0 1"]
    assert [json.loads(line)["data"] for line in out.read_text().splitlines()] == ["a", "a", "b", "b"]
    assert "2-D, 20 s a data set" in printed
    command("--step", "90", "--seconds", "20", "5", "--contenders", "genie", "--jobs", "1")
    assert calls()[4:] == ["genie 5.0 1"]


@pytest.mark.parametrize(
    "options", [["--only", "c"], ["--contenders", "ours,theirs"], ["--peer-python", "theirs=python"]]
)
def test_unknown_names_are_refused(benchmark, planted, monkeypatch, capsys, options):
    np.savez(planted / "sets.npz", **{"a/X": np.zeros((4, 2)), "a/labels": np.zeros(4)})
    monkeypatch.setattr(sys, "argv", ["automl.py", str(planted / "sets.npz"), *options])
    with pytest.raises(SystemExit, match="2"):
        benchmark.main()
    assert "unknown: " in capsys.readouterr().err
    assert not (planted / "calls").exists()
