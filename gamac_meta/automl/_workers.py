"""Jobs in processes of their own: one that hangs, crashes or eats memory ends alone, and its worker is replaced.

A worker is a fresh interpreter that talks over a private socket. It never imports the user's main module, so a
script without a guard, `python -c` and a notebook all do.
"""

from __future__ import annotations

import mmap
import os
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import connection
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Any, Protocol, Self

import cloudpickle

from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError
from gamac_meta.executor import _obey, require_jobs

Work = Callable[[Any, Any], Iterator[Any]]

OVER_MEMORY = 79  # exit status of a worker that found itself over its memory
STARTS = 3  # so many in a row may fail
MEMORY_SHARE = 0.5  # of what there is, that workers may take together
TICK = 0.5  # s between looks at processes that may have died without a word

ONE_THREAD = dict.fromkeys(
    (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "BLIS_NUM_THREADS",
        "VECLIB_MAXIMUM_THREADS",
        "NUMBA_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
    ),
    "1",
)


@dataclass(frozen=True)
class Job:
    """What to do, and for how long at most."""

    number: int  # names the job; unique among those that run
    payload: Any
    seconds: float  # limit of wall time from when a worker begins it
    each: float = 9e7  # limit of wall time for each of its items, from the one before

    def __post_init__(self) -> None:
        for seconds in (self.seconds, self.each):
            if not 0 < seconds < 1e8:
                raise InvalidInputError(f"seconds of a job must be above 0 and below 1e8, got {seconds}")


@dataclass(frozen=True)
class Item:
    """One result of a job that may give several."""

    number: int
    value: Any
    seconds: float  # since the job began


@dataclass(frozen=True)
class Ended:
    """The last word on a job; every job submitted gets one."""

    number: int
    seconds: float  # since the job began; 0 if it never did
    state: str  # "ok", "failed", "timed out", "out of memory", "crashed" or "stopped"
    reason: str  # first cause, one line; empty for "ok"


def memory_part(available: int | None, workers: int) -> int:
    """Bytes that each of so many workers may take of what is available; None is the machine's memory."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return int(MEMORY_SHARE * (available or machine) / workers)


class Executor(Protocol):
    """Runs jobs apart from the caller: on this machine or over a cluster."""

    @property
    def idle(self) -> int:
        """How many jobs could be submitted now."""

    def submit(self, job: Job) -> None:
        """Hand over a job; refused when none is idle."""

    def wait(self, timeout: float) -> list[Item | Ended]:
        """What has come, after at most timeout seconds; at once when there is something."""

    def close(self) -> None:
        """Stop everything; what still runs is lost."""


class Workers:
    """n_jobs processes on this machine; a context manager, so that none is left.

    work(context, payload): generator function; its values must be picklable. It is sent, with the context, once
    to each worker.
    n_jobs: -1 takes all cores.
    memory_limit: bytes that a worker may take beyond what it has after its start; None sets no limit.

    Workers start in the background. Each has one native thread, and its output goes nowhere. Not to be shared
    between threads.

    Raises InvalidInputError for options that break a rule, BackendUnavailableError where processes cannot start.
    """

    def __init__(self, work: Work, context: Any, *, n_jobs: int, memory_limit: int | None) -> None:
        from joblib import effective_n_jobs

        require_jobs(n_jobs)
        if memory_limit is not None and memory_limit < 1:
            raise InvalidInputError(f"memory_limit must be at least 1 byte, or None, got {memory_limit}")
        if os.name != "posix" or not sys.executable:
            raise BackendUnavailableError(
                f"workers need Linux or macOS and a Python executable, got {sys.platform} and {sys.executable!r}"
            )
        self._memory_limit = memory_limit
        self._come: list[Item | Ended] = []
        self._failed_starts = 0
        self._workers: list[_Worker] = []
        # a file without a name: every worker maps it, no pipe has to be fed, and it is gone with the last of them
        self._context = tempfile.TemporaryFile()  # noqa: SIM115
        try:
            # by value where a module cannot be imported elsewhere: what a script or a notebook defines
            cloudpickle.dump((work, context), self._context)
            self._context.flush()
            for _ in range(effective_n_jobs(n_jobs)):
                self._workers.append(self._start())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def idle(self) -> int:
        """Workers that have no job; one that still starts counts, and takes its job when it is up."""
        return sum(worker.job is None for worker in self._workers)

    def submit(self, job: Job) -> None:
        """Hand a job to an idle worker; a large payload waits for one that still starts."""
        if any(worker.job is not None and worker.job.number == job.number for worker in self._workers):
            raise InvalidInputError(f"numbers of running jobs must be unique, got {job.number} again")
        free = [place for place, worker in enumerate(self._workers) if worker.job is None]
        if not free:
            raise InvalidInputError(f"a job needs an idle worker, got {len(self._workers)} workers, all busy or closed")
        # one that is up before one that still starts
        place = min(free, key=lambda place: not self._workers[place].ready)
        self._send(place, job, cloudpickle.dumps(job.payload))

    def wait(self, timeout: float) -> list[Item | Ended]:
        """What has come, after at most timeout seconds; at once when there is something.

        Kills what is over its time, and replaces workers that are gone.
        Raises BackendUnavailableError when workers repeatedly die before they are up.
        """
        until = time.monotonic() + timeout
        while True:
            self._look()
            now = time.monotonic()
            if self._come or now >= until or not self._workers:
                come, self._come = self._come, []
                return come
            limits = [worker.until - now for worker in self._workers]
            connection.wait([worker.connection for worker in self._workers], max(0.0, min(until - now, TICK, *limits)))

    def stop(self, number: int) -> None:
        """Kill a running job; its end as "stopped" comes with the next wait. One that has ended is left alone."""
        for place, worker in enumerate(self._workers):
            worker.read(self._come)
            if worker.job is not None and worker.job.number == number:
                self._replace(place, ("stopped", "stopped"))

    def close(self) -> None:
        """Kill all workers and what they started; what still runs is lost."""
        while self._workers:
            worker = self._workers.pop()
            worker.kill()
            worker.close()
        self._context.close()

    def _look(self) -> None:
        for place, worker in enumerate(self._workers):
            is_open = worker.read(self._come)
            if worker.ready:
                self._failed_starts = 0
            # what a job forked may hold the socket open after the worker's death, so both are asked
            if not is_open or worker.process.poll() is not None or time.monotonic() >= worker.until:
                self._replace(place)

    def _replace(self, place: int, cause: tuple[str, str] | None = None) -> None:
        """Another worker in the place of this one, whose job ends for the cause, or for what can be seen."""
        worker = self._workers.pop(place)
        is_over = worker.process.poll() is None and time.monotonic() >= worker.until
        worker.kill()
        # what was sent before the end counts
        worker.read(self._come)
        seen = cause or worker.cause(is_over)
        worker.close()
        if not worker.ready and cause is None:
            self._failed_starts += 1
            if self._failed_starts >= STARTS:
                raise BackendUnavailableError(f"a worker must start, but one was lost: {seen[1]}")
        self._workers.insert(place, self._start())
        if worker.job is None:
            return
        if worker.began is None and cause is None:
            # not the job's fault
            self._send(place, worker.job, worker.payload)
            return
        seconds = 0.0 if worker.began is None else min(time.monotonic() - worker.began, worker.job.seconds)
        self._come.append(Ended(worker.job.number, seconds, *seen))

    def _send(self, place: int, job: Job, payload: bytes) -> None:
        for _ in range(STARTS):
            try:
                self._workers[place].take(job, payload)
                return
            except OSError:
                # it died while it was idle
                self._workers[place].job = None
                self._replace(place)
        raise BackendUnavailableError(f"a worker must take its job, but {STARTS} in a row died before")

    def _start(self) -> _Worker:
        ours, theirs = connection.Pipe()
        # how a start fails is told there; an idle or running worker has nothing to say
        errors = tempfile.TemporaryFile()  # noqa: SIM115
        call = f"serve({theirs.fileno()}, {self._context.fileno()}, {os.getpid()}, {self._memory_limit})"
        path = [str(entry) for entry in sys.path]
        try:
            process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable,
                    "-c",
                    f"import sys; sys.path[:] = {path!r}; from gamac_meta.automl._workers import serve; {call}",
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(), self._context.fileno()),
                # a group of its own: Ctrl-C does not reach it, and a kill takes along what the job started
                process_group=0,
                env=os.environ | ONE_THREAD,
            )
        except OSError as error:
            ours.close()
            errors.close()
            raise BackendUnavailableError(f"a worker must start, got {error.strerror or error}") from None
        finally:
            theirs.close()
        return _Worker(process, ours, errors)


@dataclass(frozen=True)
class _Began:
    at: float  # time.monotonic(), one clock for all processes of a machine


@dataclass
class _Worker:
    """The parent's side of a worker."""

    process: subprocess.Popen[bytes]
    connection: Connection[Any, Any]
    errors: IO[bytes]
    ready: bool = False
    job: Job | None = None
    payload: bytes = b""
    began: float | None = None
    latest: float = 0.0  # seconds of its job's latest item
    oom_kills: int = 0

    @property
    def until(self) -> float:
        """When its job is over its time, by the monotonic clock."""
        if self.job is None or self.began is None:
            return float("inf")
        return self.began + min(self.job.seconds, self.latest + self.job.each)

    def take(self, job: Job, payload: bytes) -> None:
        self.job, self.payload, self.began, self.latest = job, payload, None, 0.0
        self.oom_kills = _oom_kills()
        self.connection.send((job.number, job.seconds, job.each, payload))

    def read(self, into: list[Item | Ended]) -> bool:
        """Take what has come; False when there will be no more."""
        try:
            while self.connection.poll():
                message = self.connection.recv()
                if isinstance(message, _Began):
                    self.began = message.at
                elif isinstance(message, Item | Ended):
                    into.append(message)
                    self.latest = message.seconds
                    if isinstance(message, Ended):
                        self.job = self.began = None
                else:
                    self.ready = True
        except (EOFError, OSError):
            # OSError: killed in the midst of a message
            return False
        return True

    def kill(self) -> None:
        # macOS refuses to signal a group of the dead
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def close(self) -> None:
        self.connection.close()
        self.errors.close()

    def cause(self, is_over: bool) -> tuple[str, str]:
        """Why it is dead: state and reason. is_over: it was killed for its time."""
        code = self.process.returncode
        if is_over or code == -signal.SIGALRM:
            limit = 0.0 if self.job is None else min(self.job.seconds - self.latest, self.job.each)
            return "timed out", f"over its time of {limit:.3g} s"
        if code == OVER_MEMORY:
            return "out of memory", "over its memory limit"
        if code == -signal.SIGKILL and _oom_kills() > self.oom_kills:
            return "out of memory", "killed by the system, which ran out of memory"
        if code < 0:
            name = next((known.name for known in signal.Signals if known == -code), f"signal {-code}")
            return "crashed", f"killed by {name}"
        reason = f"ended with exit status {code}"
        if self.ready:
            return "crashed", reason
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip().splitlines()
        return "crashed", reason + (f": {said[-1]}" if said else "")


def _oom_kills() -> int:
    """Processes that the kernel has killed for memory; 0 where it does not say."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in lines if line.startswith("oom_kill "))


def serve(socket: int, context: int, parent: int, memory_limit: int | None) -> None:
    """The life of a worker: read the context, then do jobs until the parent is gone."""
    # the parent may have blocked or ignored it, and it must end native code that holds the interpreter
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    _obey(parent)
    # sklearn loads every native pool there is, and only loaded pools can be limited
    import sklearn  # noqa: F401
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)
    with os.fdopen(context, "rb"), mmap.mmap(context, 0, access=mmap.ACCESS_READ) as content:
        work, context_value = pickle.loads(content)  # noqa: S301
    _take_buffers()
    _be_modest(memory_limit)
    with Connection(socket) as link:
        link.send("ready")
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.__stderr__.fileno() if sys.__stderr__ else 2)
        os.close(nowhere)
        while True:
            try:
                number, seconds, each, payload = link.recv()
            except EOFError:
                return
            began = time.monotonic()
            link.send(_Began(began))
            # the parent looks only when it waits, and may be gone: the kernel keeps the time
            signal.setitimer(signal.ITIMER_REAL, min(seconds, each))
            state, reason = _do(work, context_value, number, payload, began, began + seconds, each, link)
            signal.setitimer(signal.ITIMER_REAL, 0)
            link.send(Ended(number, time.monotonic() - began, state, reason))


def _do(
    work: Work, context: Any, number: int, payload: bytes, began: float, until: float, each: float,
    link: Connection[Any, Any],
) -> tuple[str, str]:  # fmt: skip
    try:
        for value in work(context, pickle.loads(payload)):  # noqa: S301
            now = time.monotonic()
            link.send(Item(number, value, now - began))
            # 0 would stop the clock
            signal.setitimer(signal.ITIMER_REAL, max(min(until - now, each), 1e-6))
    except MemoryError as error:
        return "out of memory", _in_a_line(error)
    except BaseException as error:
        # SystemExit, too: no library ends the worker by an exception
        return "failed", _in_a_line(error)
    return "ok", ""


def _in_a_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:500]}" if text else type(error).__name__


def _take_buffers() -> None:
    """Have both OpenBLAS libraries, NumPy's and SciPy's, take their working memory: refused it, they wait for ever."""
    import numpy as np
    from scipy.linalg.blas import dgemm

    square = np.ones((300, 300))
    dgemm(1.0, square @ square, square)


def _be_modest(memory_limit: int | None) -> None:
    """No core files; first in line when the system runs out of memory; an end at the limit."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    with suppress(OSError):
        # Linux alone has it
        Path("/proc/self/oom_score_adj").write_text("1000")
    if memory_limit is None:
        return
    if sys.platform == "linux":
        # allocation fails, which most libraries raise as MemoryError; other systems do not enforce it
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        limit = _memory()[1] + memory_limit
        resource.setrlimit(resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))
    most = _memory()[0] + memory_limit

    def watch() -> None:
        # shared memory counts nowhere else
        while _memory()[0] <= most:
            time.sleep(0.1)
        os._exit(OVER_MEMORY)

    Thread(target=watch, daemon=True).start()


def _memory() -> tuple[int, int]:
    """Bytes of this process: resident, and private and writable. Elsewhere than on Linux both are the resident peak."""
    if sys.platform == "linux":
        pages = Path("/proc/self/statm").read_text().split()
        return int(pages[1]) * mmap.PAGESIZE, int(pages[5]) * mmap.PAGESIZE
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak, peak
