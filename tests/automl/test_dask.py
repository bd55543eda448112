"""The same faults over a cluster; what dies with a Dask worker is done again, once."""

import logging
import os
import signal
import sys
import time
from contextlib import contextmanager

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from gamac_meta import AutoClusterer
from gamac_meta.automl import _dask
from gamac_meta.automl._dask import DaskWorkers
from gamac_meta.automl._workers import Ended, Job
from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError
from metafeatures import LANDMARKS

distributed = pytest.importorskip("distributed")

PATIENCE = 120  # s


def call(context, payload):
    """The payload's function, called with the context and the rest."""
    function, *arguments = payload
    yield from function(context, *arguments)


def times(context, value):
    yield value
    yield context * value


def slowly(context, value, seconds):
    yield value
    time.sleep(seconds)
    yield context * value


def hang(context):
    yield 1
    while True:
        pass


def crash(context):
    os._exit(3)
    yield


def allocate(context, size):
    yield len(bytearray(size))


def process(context):
    yield os.getpid(), os.getppid()


def stay(context, folder):
    """Leave the process's number in the folder, and stay."""
    (folder / str(os.getpid())).touch()
    time.sleep(3600)
    yield


def refuse(text):
    raise ValueError(text)


class NotThere:
    """Breaks where it is unpickled."""

    def __reduce__(self):
        return refuse, ("no such data",)


@contextmanager
def cluster_of_two():
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        client.wait_for_workers(2, timeout=PATIENCE)
        yield client


@pytest.fixture(scope="module")
def client():
    with cluster_of_two() as client:
        yield client


@pytest.fixture
def client_to_kill():
    """One that no other test needs."""
    with cluster_of_two() as client:
        yield client


@pytest.fixture
def workers(client):
    with DaskWorkers(call, 10, client=client, memory_limit=300 * 2**20) as workers:
        yield workers


def all_of(workers, jobs, between=lambda: None):
    """Values by number and ends, after all jobs have ended; as many at a time as there are idle."""
    waiting, values, ends = list(jobs), {job.number: [] for job in jobs}, []
    until = time.monotonic() + PATIENCE
    while len(ends) < len(jobs):
        assert time.monotonic() < until, f"{len(ends)} of {len(jobs)} jobs have ended"
        while waiting and workers.idle:
            workers.submit(waiting.pop(0))
        for one in workers.wait(5.0):
            if isinstance(one, Ended):
                ends.append(one)
            else:
                values[one.number].append(one.value)
        between()
    assert workers.wait(0.0) == []
    return values, sorted(ends, key=lambda end: end.number)


def is_gone(number, seconds=30):
    for _ in range(10 * seconds):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_jobs_go_to_both_workers_into_processes_that_are_kept(workers):
    assert workers.idle == 2
    values, ends = all_of(workers, [Job(number, (times, number), PATIENCE) for number in range(12)])
    assert values == {number: [number, 10 * number] for number in range(12)}
    assert [(end.number, end.state) for end in ends] == [(number, "ok") for number in range(12)]
    values, _ = all_of(workers, [Job(number, (process,), PATIENCE) for number in range(8)])
    pids = {value for ((value, _),) in values.values()}
    parents = {value for ((_, value),) in values.values()}
    assert len(pids) <= 2
    assert os.getpid() not in parents
    assert not pids & parents


def test_faults_end_their_job_alone(workers):
    jobs = [
        Job(0, (hang,), 1.0),
        Job(1, (crash,), PATIENCE),
        Job(2, (allocate, 2**30), PATIENCE),
        Job(3, (int, "x"), PATIENCE),
        Job(4, (times, 4), PATIENCE),
    ]
    values, ends = all_of(workers, jobs)
    assert [end.state for end in ends] == ["timed out", "crashed", "out of memory", "failed", "ok"]
    assert ends[1].reason == "ended with exit status 3"
    assert values == {0: [1], 1: [], 2: [], 3: [], 4: [4, 40]}


def test_without_a_limit_of_memory_a_job_has_its_part_of_the_dask_workers_own():
    options = {"processes": True, "dashboard_address": ":0", "silence_logs": logging.CRITICAL}
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=2, memory_limit="1GiB", **options) as cluster,
        distributed.Client(cluster) as client,
        DaskWorkers(call, 10, client=client, memory_limit=None) as workers,
    ):
        # half of 1 GiB for two
        values, ends = all_of(
            workers, [Job(n, (allocate, size * 2**20), PATIENCE) for n, size in enumerate((150, 350))]
        )
    assert [(end.state, values[end.number]) for end in ends] == [("ok", [150 * 2**20]), ("out of memory", [])]


@pytest.mark.parametrize("victims", [1, 2])
def test_dask_workers_killed_in_the_midst_lose_nothing(client_to_kill, victims):
    killed = []

    def kill():
        if not killed:
            killed.extend(list(client_to_kill.run(os.getpid).values())[:victims])
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    jobs = [Job(number, (slowly, number, 1.0), PATIENCE) for number in range(6)]
    with DaskWorkers(call, 10, client=client_to_kill, memory_limit=None) as workers:
        values, ends = all_of(workers, jobs, between=kill)
    # with both of them the context was lost, too
    assert len(killed) == victims
    assert [(end.number, end.state) for end in ends] == [(number, "ok") for number in range(6)]
    assert values == {number: [number, 10 * number] for number in range(6)}


def test_a_search_loses_no_trial_with_a_dask_worker_that_is_killed_in_its_midst(client_to_kill):
    rng = np.random.default_rng(4)
    member = np.repeat(np.arange(3), 50)
    X = rng.normal(size=(150, 2)) + 8.0 * np.array([[0, 0], [1, 0], [0, 1]])[member]
    victims = list(client_to_kill.run(os.getpid).values())[:1]
    killed = []

    def agreement(_, labels):
        """Kills in its first call, when the first fits have come and others run."""
        while victims:
            killed.append(victims.pop())
            os.kill(killed[-1], signal.SIGKILL)
        return adjusted_rand_score(member, labels)

    found = AutoClusterer(agreement, time_budget=None, n_trials=60, client=client_to_kill).fit(X)
    trials = found.trials_
    assert len(killed) == 1
    trials = trials[trials["stage"] != "landmark"]
    assert sorted(trials["number"]) == list(range(len(LANDMARKS), len(LANDMARKS) + 60))
    assert set(trials["state"]) <= {"ok", "same", "refused"}
    settings = trials[["algorithm", "preprocessing", "parameters"]].astype(str)
    assert not settings.duplicated().any()
    assert found.score_ == 1.0
    assert np.array_equal(found.predict(X), found.labels_)


def test_close_ends_what_runs_and_the_next_search_runs(client, tmp_path):
    with DaskWorkers(call, 10, client=client, memory_limit=None) as workers:
        for number in range(2):
            workers.submit(Job(number, (stay, tmp_path), 3600))
        until = time.monotonic() + PATIENCE
        while len(list(tmp_path.iterdir())) < 2:
            assert time.monotonic() < until
            assert workers.wait(0.2) == []
        with pytest.raises(InvalidInputError, match="got 2 running jobs and none idle"):
            workers.submit(Job(2, (times, 1), 1.0))
        with pytest.raises(InvalidInputError, match="unique, got 1 again"):
            workers.submit(Job(1, (times, 1), 1.0))
    assert all(is_gone(int(path.name)) for path in tmp_path.iterdir())
    with DaskWorkers(call, 10, client=client, memory_limit=None) as workers:
        values, _ = all_of(workers, [Job(0, (times, 3), PATIENCE)])
        assert values == {0: [3, 30]}


def test_a_cluster_without_workers_is_an_error_in_the_end(monkeypatch):
    monkeypatch.setattr(_dask, "PATIENCE", 2.0)
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, processes=False, dashboard_address=":0", silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        with DaskWorkers(call, 10, client=client, memory_limit=None) as workers:
            workers.submit(Job(0, (slowly, 1, 600.0), PATIENCE))
            cluster.scale(0)
            with pytest.raises(BackendUnavailableError, match="at least one worker, got none for 2 s"):
                all_of(workers, [Job(1, (times, 1), PATIENCE)])
        with pytest.raises(BackendUnavailableError, match="at least one worker, got none: "):
            DaskWorkers(call, 10, client=client, memory_limit=None)
    with pytest.raises(BackendUnavailableError, match="client must be open, got status 'closed'"):
        workers.wait(1.0)
    assert workers.idle == 0


def test_a_context_that_workers_cannot_read_is_an_error_with_its_cause(client):
    with (
        DaskWorkers(call, NotThere(), client=client, memory_limit=None) as workers,
        pytest.raises(BackendUnavailableError, match="must be able to run jobs, got ValueError: no such data"),
    ):
        all_of(workers, [Job(0, (times, 1), PATIENCE)])


def test_options_are_checked(client):
    with pytest.raises(InvalidInputError, match=r"client must be a distributed\.Client, got str"):
        DaskWorkers(call, 10, client="tcp://127.0.0.1:8786", memory_limit=None)
    with pytest.raises(InvalidInputError, match="memory_limit must be at least 1 byte, or None, got 0"):
        DaskWorkers(call, 10, client=client, memory_limit=0)


def test_without_the_package_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BackendUnavailableError, match=r"pip install gamac-meta\[dist\]"):
        DaskWorkers(call, 10, client=None, memory_limit=None)
