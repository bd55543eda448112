"""Whatever a job does, it alone ends, its results so far are kept, and the next job runs."""

import ctypes
import mmap
import os
import signal
import subprocess
import sys
import time
import warnings

import numpy as np
import pytest

from gamac_meta.automl._workers import Ended, Item, Job, Workers
from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError

MIB = 2**20
PATIENCE = 60  # s; a worker is up after two


def multiples(context, payload):
    """Values 0 .. payload - 1 times the context."""
    for value in range(payload):
        yield value * context


def multiples_of_all(context, payload):
    """The payload times the context, twice."""
    yield payload * context
    yield payload * context


def call(context, payload):
    """Do the planted thing."""
    function, *arguments = payload
    yield from function(*arguments) or ()


def busy():
    while True:
        pass


def sleepy(seconds=3600):
    time.sleep(seconds)


def three_then_busy():
    yield from (1, 2, 3)
    busy()


def products():
    from scipy.linalg.blas import dgemm

    square = np.ones((400, 400))
    yield float((square @ square)[0, 0])
    yield float(dgemm(1.0, square, square)[0, 0])


def slow_four_then_busy():
    for value in range(4):
        time.sleep(0.4)
        yield value
    busy()


def native_hang():
    # PyDLL keeps the interpreter's lock: no Python thread of the worker runs
    ctypes.PyDLL(None).sleep(3600)


def allocate(mib):
    blocks = [np.ones(MIB // 8) for _ in range(mib)]
    yield sum(block.nbytes for block in blocks) // MIB


def shared_memory(mib):
    with mmap.mmap(-1, mib * MIB) as memory:
        for place in range(0, mib * MIB, mmap.PAGESIZE):
            memory[place] = 1
        time.sleep(5)
    yield mib


def kill_itself(number):
    os.kill(os.getpid(), number)
    sleepy()


def refuse(text):
    raise ValueError(text)


def leave():
    sys.exit("library leaves")


def unpicklable():
    yield 1
    yield lambda: None


def loud():
    print("to standard output", flush=True)
    os.system("echo to file 1; echo to file 2 >&2")
    warnings.warn("to standard error", UserWarning, stacklevel=1)
    yield "said"


def threads():
    import numba
    from threadpoolctl import threadpool_info

    yield {pool["num_threads"] for pool in threadpool_info()} | {numba.config.NUMBA_NUM_THREADS}


def pid():
    yield os.getpid()


def child():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
    yield process.pid
    sleepy()


def leave_a_child():
    """Crash, while a child that was forked keeps the worker's socket open."""
    if os.fork():
        os._exit(4)
    sleepy()


def planted(workers, function, *arguments, number=0, seconds=PATIENCE):
    """Its values and its end, after the job ran alone."""
    workers.submit(Job(number, (function, *arguments), seconds))
    items, ends = all_of(workers, 1)
    assert [item.number for item in items] == [number] * len(items)
    assert ends[0].number == number
    return [item.value for item in items], ends[0]


def all_of(workers, jobs):
    """Items and ends until so many jobs have ended."""
    items, ends = [], []
    until = time.monotonic() + PATIENCE
    while len(ends) < jobs:
        assert time.monotonic() < until, f"{len(ends)} of {jobs} jobs have ended"
        for one in workers.wait(5.0):
            (ends if isinstance(one, Ended) else items).append(one)
    return items, ends


def is_gone(process, seconds=20):
    """Whether the process ended; one that nobody waited for still answers."""
    for _ in range(10 * seconds):
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


@pytest.fixture(scope="module")
def worker():
    """One worker place, shared by the tests: each also shows that the one before did no harm."""
    with Workers(call, None, n_jobs=1, memory_limit=300 * MIB) as workers:
        yield workers


def test_fifty_short_jobs_on_two_workers():
    with Workers(multiples, 10, n_jobs=2, memory_limit=None) as workers:
        assert workers.idle == 2
        items, ends, number = [], [], 0
        until = time.monotonic() + PATIENCE
        while len(ends) < 50:
            assert time.monotonic() < until
            while number < 50 and workers.idle:
                workers.submit(Job(number, number % 4, PATIENCE))
                number += 1
            for one in workers.wait(5.0):
                (ends if isinstance(one, Ended) else items).append(one)
        assert sorted(end.number for end in ends) == list(range(50))
        assert {(end.state, end.reason) for end in ends} == {("ok", "")}
        for number in range(50):
            assert [item.value for item in items if item.number == number] == [0, 10, 20, 30][: number % 4]
        assert workers.wait(0.0) == []
        assert workers.idle == 2


def test_large_payloads_and_values():
    with Workers(multiples_of_all, 2.0, n_jobs=1, memory_limit=None) as workers:
        # to a worker that still starts
        workers.submit(Job(0, np.ones(5_000_000), PATIENCE))
        items, ends = all_of(workers, 1)
    assert ends[0].state == "ok"
    assert [item.value.sum() for item in items] == [1e7, 1e7]


def test_context_and_values_may_be_arrays_and_what_a_caller_defines_inside():
    points = np.arange(12.0).reshape(6, 2)

    def shifted(context, payload):
        yield context + payload(1.0)

    with Workers(shifted, points, n_jobs=1, memory_limit=None) as workers:
        workers.submit(Job(0, lambda value: 2 * value, PATIENCE))
        items, ends = all_of(workers, 1)
    assert ends[0].state == "ok"
    np.testing.assert_array_equal(items[0].value, points + 2)


@pytest.mark.parametrize("hang", [busy, sleepy, native_hang])
def test_what_hangs_is_ended_at_its_limit(worker, hang):
    start = time.monotonic()
    values, end = planted(worker, hang, seconds=0.5)
    assert (values, end.state, end.reason) == ([], "timed out", "over its time of 0.5 s")
    assert end.seconds == pytest.approx(0.5)
    assert time.monotonic() - start < PATIENCE / 2
    assert planted(worker, pid)[1].state == "ok"


def test_results_before_the_limit_are_kept(worker):
    values, end = planted(worker, three_then_busy, seconds=1.0)
    assert (values, end.state) == ([1, 2, 3], "timed out")


def test_each_result_has_a_limit_of_its_own(worker):
    worker.submit(Job(0, (slow_four_then_busy,), PATIENCE, each=1.0))
    start = time.monotonic()
    items, ends = all_of(worker, 1)
    # each came in time, all of them later than one may
    assert [item.value for item in items] == [0, 1, 2, 3]
    assert items[-1].seconds > 1.0
    assert (ends[0].state, ends[0].reason) == ("timed out", "over its time of 1 s")
    assert ends[0].seconds >= items[-1].seconds + 1.0
    assert time.monotonic() - start < PATIENCE / 2


def test_the_limit_holds_while_the_parent_does_other_things(worker):
    worker.submit(Job(0, (sleepy, 1.5), 0.5))
    time.sleep(4)
    _, ends = all_of(worker, 1)
    assert ends[0].state == "timed out"
    assert ends[0].seconds == 0.5


def test_a_job_queued_in_a_starting_worker_has_its_whole_time():
    with Workers(call, None, n_jobs=1, memory_limit=None) as workers:
        # a start takes longer
        values, end = planted(workers, pid, seconds=0.2)
        assert (len(values), end.state) == (1, "ok")


def test_memory_beyond_the_limit_fails_and_the_worker_lives(worker):
    before = planted(worker, pid)[0]
    _, end = planted(worker, allocate, 1000)
    assert end.state == "out of memory"
    assert "MemoryError" in end.reason
    assert "\n" not in end.reason
    assert planted(worker, allocate, 100)[0] == [100]
    assert planted(worker, pid)[0] == before


def test_algebra_works_within_a_small_memory_limit():
    with Workers(call, None, n_jobs=1, memory_limit=20 * MIB) as workers:
        values, end = planted(workers, products, seconds=20.0)
    assert (values, end.state) == ([400.0, 400.0], "ok")


def test_memory_that_no_allocation_refuses_ends_the_worker(worker):
    _, end = planted(worker, shared_memory, 1000)
    assert (end.state, end.reason) == ("out of memory", "over its memory limit")


def test_a_kill_by_the_system_for_memory_is_told_from_any_other(worker, monkeypatch):
    kills = iter([3, 4])
    monkeypatch.setattr("gamac_meta.automl._workers._oom_kills", lambda: next(kills))
    _, end = planted(worker, kill_itself, signal.SIGKILL)
    assert (end.state, end.reason) == ("out of memory", "killed by the system, which ran out of memory")


@pytest.mark.parametrize(
    ("fault", "arguments", "reason"),
    [
        (kill_itself, (signal.SIGKILL,), "killed by SIGKILL"),
        (kill_itself, (signal.SIGSEGV,), "killed by SIGSEGV"),
        (kill_itself, (signal.SIGRTMIN + 1,), f"killed by signal {signal.SIGRTMIN + 1}"),
        (os._exit, (3,), "ended with exit status 3"),
        (leave_a_child, (), "ended with exit status 4"),
    ],
)
def test_a_crash_is_named(worker, fault, arguments, reason):
    _, end = planted(worker, fault, *arguments)
    assert (end.state, end.reason) == ("crashed", reason)
    assert planted(worker, pid)[1].state == "ok"


def test_a_kill_from_outside_ends_the_job_or_if_it_is_idle_nothing(worker):
    ((idle,), _) = planted(worker, pid)
    os.kill(idle, signal.SIGKILL)
    ((other,), end) = planted(worker, pid)
    assert end.state == "ok"
    assert other != idle
    os.kill(other, signal.SIGKILL)
    assert worker.wait(1.0) == []
    assert planted(worker, pid)[1].state == "ok"


def test_a_worker_killed_in_its_start_gives_its_job_to_the_next():
    with Workers(multiples, 1, n_jobs=1, memory_limit=None) as workers:
        workers.submit(Job(0, 1, PATIENCE))
        os.kill(workers._workers[0].process.pid, signal.SIGKILL)
        items, ends = all_of(workers, 1)
        assert ([item.value for item in items], ends[0].state) == ([0], "ok")


@pytest.mark.parametrize(
    ("fault", "arguments", "values", "reason"),
    [
        (refuse, ("k must be\n  2",), [], "ValueError: k must be 2"),
        (refuse, ("",), [], "ValueError"),
        (leave, (), [], "SystemExit: library leaves"),
        (unpicklable, (), [1], "pickle"),
    ],
)
def test_an_exception_is_told_in_a_line(worker, fault, arguments, values, reason):
    got, end = planted(worker, fault, *arguments)
    assert (got, end.state) == (values, "failed")
    assert reason in end.reason
    assert "\n" not in end.reason


def test_what_jobs_say_reaches_neither_the_protocol_nor_the_parent(worker, capfd):
    values, end = planted(worker, loud)
    assert (values, end.state) == (["said"], "ok")
    assert capfd.readouterr() == ("", "")


def test_native_code_has_one_thread(worker):
    assert planted(worker, threads)[0] == [{1}]


def test_a_job_can_be_stopped_with_what_it_started(worker):
    worker.submit(Job(7, (child,), PATIENCE))
    (item,) = worker.wait(PATIENCE)
    assert isinstance(item, Item)
    worker.stop(7)
    (end,) = worker.wait(PATIENCE)
    assert (end.number, end.state, end.reason) == (7, "stopped", "stopped")
    assert is_gone(item.value)
    # it has ended
    worker.stop(7)
    assert worker.wait(0.0) == []


def test_close_leaves_no_process_and_no_zombie():
    with Workers(call, None, n_jobs=2, memory_limit=None) as workers:
        started = [one.process.pid for one in workers._workers]
        workers.submit(Job(0, (busy,), PATIENCE))
        # the third one replaces what stop kills, and is killed in its start
        workers.stop(0)
        started += [one.process.pid for one in workers._workers]
    assert len(set(started)) == 3
    for process in started:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)
    assert workers.wait(0.0) == [Ended(0, 0.0, "stopped", "stopped")]
    with pytest.raises(InvalidInputError, match="idle worker, got 0 workers, all busy or closed"):
        workers.submit(Job(1, (pid,), 1.0))


def test_options_and_jobs_are_checked():
    with pytest.raises(InvalidInputError, match="n_jobs must be at least 1, or -1 for all cores, got 0"):
        Workers(call, None, n_jobs=0, memory_limit=None)
    with pytest.raises(InvalidInputError, match="memory_limit must be at least 1 byte, or None, got 0"):
        Workers(call, None, n_jobs=1, memory_limit=0)
    for seconds in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InvalidInputError, match=f"above 0 and below 1e8, got {seconds}"):
            Job(0, None, seconds)


def test_only_as_many_jobs_as_workers_and_each_number_once(worker):
    worker.submit(Job(1, (sleepy,), PATIENCE))
    with pytest.raises(InvalidInputError, match="unique, got 1 again"):
        worker.submit(Job(1, (pid,), 1.0))
    assert worker.idle == 0
    with pytest.raises(InvalidInputError, match="got 1 workers, all busy"):
        worker.submit(Job(2, (pid,), 1.0))
    worker.stop(1)
    assert [end.state for end in worker.wait(1.0)] == ["stopped"]


class NotThere:
    """Breaks where it is unpickled."""

    def __reduce__(self):
        return refuse, ("no such data",)


def test_workers_that_cannot_start_are_an_error_with_its_cause():
    with (
        Workers(call, NotThere(), n_jobs=1, memory_limit=None) as workers,
        pytest.raises(BackendUnavailableError, match="ended with exit status 1: ValueError: no such data"),
    ):
        all_of(workers, 1)


def test_processes_that_the_system_refuses_are_an_error(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(BackendUnavailableError, match="a worker must start, got No such file or directory"):
        Workers(call, None, n_jobs=1, memory_limit=None)


def test_a_payload_that_cannot_be_read_fails_its_job_alone(worker):
    _, end = planted(worker, NotThere())
    assert (end.state, end.reason) == ("failed", "ValueError: no such data")


# no guard, and what it defines lives in the main module alone
SCRIPT = """
import os, sys
from gamac_meta.automl._workers import Ended, Job, Workers

print("main runs", flush=True)

def work(context, payload):
    yield os.getpid()
    yield context * payload
    if payload == 3:
        import ctypes
        ctypes.PyDLL(None).sleep(3600)

workers = Workers(work, 2, n_jobs=2, memory_limit=None)
for number in (1, int(sys.argv[1])):
    workers.submit(Job(number, number, 5))
ends = 0
try:
    while ends < 2:
        for one in workers.wait(1.0):
            ends += isinstance(one, Ended)
            print(getattr(one, "value", getattr(one, "state", None)), flush=True)
except KeyboardInterrupt:
    workers.close()
    print("interrupted", flush=True)
"""


@pytest.mark.parametrize("way", ["file", "-c", "stdin"])
def test_a_script_without_a_guard_runs_once(tmp_path, way):
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    arguments, given = {"file": ([str(path)], None), "-c": (["-c", SCRIPT], None), "stdin": (["-"], SCRIPT)}[way]
    done = subprocess.run(
        [sys.executable, *arguments, "2"], input=given, capture_output=True, text=True, cwd=tmp_path, timeout=PATIENCE
    )
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "main runs"
    pids = [line for line in lines if line.isdecimal() and line not in ("2", "4")]
    assert sorted(set(lines) - set(pids) - {"main runs"}) == ["2", "4", "ok"]
    assert (lines.count("main runs"), lines.count("ok"), len(pids)) == (1, 2, 2)


def started(tmp_path):
    """The script with one idle worker and one in native code that holds the interpreter; their process ids."""
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, "3"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    lines = [process.stdout.readline().strip() for _ in range(6)]
    workers = {line for line in lines if line.isdecimal()} - {"2", "6"}
    assert set(lines) - workers == {"main runs", "2", "ok", "6"}
    assert len(workers) == 2
    return process, [int(worker) for worker in workers]


def test_ctrl_c_in_the_parent_leaves_nothing(tmp_path):
    process, workers = started(tmp_path)
    # a terminal interrupts the whole group
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=PATIENCE) == ("interrupted\n", "")
    assert process.returncode == 0
    assert all(is_gone(worker) for worker in workers)


def test_workers_end_with_a_killed_parent(tmp_path):
    process, workers = started(tmp_path)
    process.kill()
    process.communicate()
    # the one that holds its interpreter goes at its job's limit
    assert all(is_gone(worker) for worker in workers)
