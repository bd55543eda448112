"""Results do not depend on the number of processes; nothing outlives the iteration."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.executor import run

both = pytest.mark.parametrize("n_jobs", [1, 2])


def square(number):
    return number * number


def refuse_three(number):
    if number == 3:
        raise InvalidInputError(f"number must not be 3, got {number}")
    return number


def native_threads(_):
    import numba
    from threadpoolctl import threadpool_info

    return [pool["num_threads"] for pool in threadpool_info()], numba.config.NUMBA_NUM_THREADS, os.getpid()


def first_is_slow(number):
    time.sleep(0.8 if number == 0 else 0.0)
    return number


def sleep_long(number):
    time.sleep(60 * number)
    return number


@both
def test_every_item_once_with_its_position(n_jobs):
    items = [5, 3, 5, 0, 7]
    assert sorted(run(square, items, n_jobs=n_jobs)) == [(0, 25), (1, 9), (2, 25), (3, 0), (4, 49)]


@both
def test_nothing_to_do(n_jobs):
    assert list(run(square, [], n_jobs=n_jobs)) == []


def test_results_come_as_they_complete():
    assert [position for position, _ in run(first_is_slow, range(4), n_jobs=2)][-1] == 0


@both
def test_an_error_is_the_functions_own(n_jobs):
    with pytest.raises(InvalidInputError, match="number must not be 3, got 3"):
        list(run(refuse_three, range(6), n_jobs=n_jobs))


@both
def test_native_code_has_one_thread(n_jobs):
    for _, (threads, _, _) in run(native_threads, range(3), n_jobs=n_jobs):
        assert threads
        assert set(threads) == {1}


def test_two_jobs_are_other_processes_with_numba_at_one_thread():
    seen = [result for _, result in run(native_threads, range(4), n_jobs=2)]
    assert os.getpid() not in {pid for _, _, pid in seen}
    assert {threads for _, threads, _ in seen} == {1}


@pytest.mark.parametrize("n_jobs", [0, -2])
def test_number_of_jobs_is_checked_at_the_call(n_jobs):
    with pytest.raises(InvalidInputError, match=f"at least 1, or -1 for all cores, got {n_jobs}"):
        run(square, [1], n_jobs=n_jobs)


@both
def test_bar_on_standard_error_counts_to_the_end(n_jobs, capsys):
    list(run(square, range(3), n_jobs=n_jobs, progress="squares"))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "squares: 100%" in captured.err
    assert "3/3" in captured.err
    list(run(square, range(3), n_jobs=n_jobs))
    assert capsys.readouterr().err == ""


def test_leaving_early_stops_the_work():
    start = time.monotonic()
    for position, _ in run(sleep_long, [0, 1, 1, 1], n_jobs=2):
        assert position == 0
        break
    assert list(run(square, [1, 2], n_jobs=2)) in ([(0, 1), (1, 4)], [(1, 4), (0, 1)])
    assert time.monotonic() - start < 30


def is_gone(group, seconds=10):
    """Whether no process of the group is left; the last helpers take a moment."""
    for _ in range(10 * seconds):
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


INTERRUPTED = """
import sys
sys.path.insert(0, {folder!r})
from gamac_meta.executor import run
from test_executor import sleep_long

try:
    for position, _ in run(sleep_long, [0, 1, 1, 1], n_jobs={n_jobs}):
        print("first", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def started(n_jobs):
    """The script in a process group of its own, in the midst of its work."""
    script = INTERRUPTED.format(folder=str(Path(__file__).parent), n_jobs=n_jobs)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout.readline() == "first\n"
    return process


def test_workers_end_with_a_killed_parent():
    with started(n_jobs=2) as process:
        process.kill()
        process.wait()
        assert is_gone(process.pid)


@both
def test_interrupt_ends_it_at_once_and_in_silence(n_jobs):
    with started(n_jobs) as process:
        start = time.monotonic()
        # a terminal interrupts the whole group, workers included
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=40)
    assert (out, err) == ("interrupted\n", "")
    assert process.returncode == 0
    assert time.monotonic() - start < 30
    assert is_gone(process.pid)
