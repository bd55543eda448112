"""Jobs over a Dask cluster, each in a process of its own there, too: a Dask worker that dies loses no job."""

from __future__ import annotations

import pickle
import time
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Lock
from types import TracebackType
from typing import Any, Self
from uuid import uuid4

import cloudpickle

from gamac_meta.automl._workers import Ended, Item, Job, Work, Workers, memory_part
from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError

PATIENCE = 60.0  # s that a cluster may be without workers
TICK = 0.5  # s between looks at what sends no message: workers gone, a search over
KEPT = 60.0  # s that an idle process is kept for its search when another one comes

GONE = ("lost", "cancelled")  # status of a future whose value was only on workers that died


class DaskWorkers:
    """The threads of a Dask cluster's workers as an Executor; a context manager, so that nothing runs on.

    work, context, memory_limit: as of Workers; the first two are sent once to each Dask worker. A memory_limit of None
    is half of the Dask worker's own limit, or of its machine's memory where it has none, parted among its threads.
    client: a distributed.Client; it stays open.

    The items of a job come with its end. A job whose Dask worker dies begins anew on another. Not to be shared
    between threads.

    Raises InvalidInputError for options that break a rule, BackendUnavailableError without the package or workers.
    """

    def __init__(self, work: Work, context: Any, *, client: Any, memory_limit: int | None) -> None:
        try:
            import distributed
        except ImportError:
            raise BackendUnavailableError("a cluster needs distributed: pip install gamac-meta[dist]") from None
        if not isinstance(client, distributed.Client):
            raise InvalidInputError(f"client must be a distributed.Client, got {type(client).__name__}")
        if memory_limit is not None and memory_limit < 1:
            raise InvalidInputError(f"memory_limit must be at least 1 byte, or None, got {memory_limit}")
        self._client = client
        self._search = uuid4().hex
        # as bytes, so that what a worker cannot read fails there, as a job's error
        self._sealed = cloudpickle.dumps((work, context))
        self._memory_limit = memory_limit
        self._running: dict[int, tuple[Job, Any]] = {}  # by number, with its future
        self._lost: dict[int, Job] = {}  # to be submitted again
        self._news: SimpleQueue[None] = SimpleQueue()
        self._alone_since: float | None = None
        try:
            self._sent = self._send()
        except (TimeoutError, OSError) as error:
            raise BackendUnavailableError(f"a cluster must have at least one worker, got none: {error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    @property
    def idle(self) -> int:
        """Threads of the cluster beyond this search's jobs."""
        if self._client.status != "running":
            return 0
        return max(0, sum(self._client.nthreads().values()) - len(self._running) - len(self._lost))

    def submit(self, job: Job) -> None:
        """Hand a job to the cluster."""
        if job.number in self._running or job.number in self._lost:
            raise InvalidInputError(f"numbers of running jobs must be unique, got {job.number} again")
        if not self.idle:
            raise InvalidInputError(f"a job needs an idle worker, got {len(self._running)} running jobs and none idle")
        self._submit(job)

    def wait(self, timeout: float) -> list[Item | Ended]:
        """What has come, after at most timeout seconds; at once when there is something.

        Raises BackendUnavailableError when the client is closed, the cluster has no worker for PATIENCE seconds, or
        processes cannot start there.
        """
        until = time.monotonic() + timeout
        while True:
            come = self._collect()
            if come:
                return come
            self._look_after()
            left = until - time.monotonic()
            if left <= 0:
                return []
            with suppress(Empty):
                self._news.get(timeout=min(TICK, left))

    def close(self) -> None:
        """Stop this search's jobs and processes on the cluster; what still runs is lost."""
        futures = [self._sent, *(future for _, future in self._running.values())]
        self._running.clear()
        self._lost.clear()
        if self._client.status == "running":
            self._client.cancel(futures)
            self._client.run(_finish, self._search, on_error="ignore")

    def _send(self) -> Any:
        return self._client.scatter(self._sealed, broadcast=True, hash=False, timeout=PATIENCE)

    def _submit(self, job: Job) -> None:
        future = self._client.submit(_run, job, self._sent, self._search, self._memory_limit, pure=False)
        self._running[job.number] = job, future
        future.add_done_callback(lambda _: self._news.put(None))

    def _collect(self) -> list[Item | Ended]:
        from distributed import CancelledError, KilledWorker

        come: list[Item | Ended] = []
        for number, (_, future) in list(self._running.items()):
            if future.status == "finished":
                try:
                    come += future.result(timeout=PATIENCE)
                except (CancelledError, OSError):
                    # its worker died with the result: Dask runs it again, or it is found lost
                    continue
            elif future.status == "error":
                error = future.exception()
                # faults of a job come as its end
                if not isinstance(error, KilledWorker):
                    cause = f"{type(error).__name__}: {' '.join(str(error).split())}"
                    raise BackendUnavailableError(f"Dask workers must be able to run jobs, got {cause}") from error
                come.append(Ended(number, 0.0, "crashed", "several Dask workers died while they ran it"))
            else:
                continue
            del self._running[number]
        return come

    def _look_after(self) -> None:
        """Submit again what was lost; an error where nobody is there to run it."""
        if self._client.status in ("closing", "closed"):
            raise BackendUnavailableError(f"a cluster's client must be open, got status {self._client.status!r}")
        is_sent = self._sent.status not in GONE
        for number, (job, future) in list(self._running.items()):
            if not is_sent or future.status in GONE:
                self._client.cancel([future])
                del self._running[number]
                self._lost[number] = job
        if self._client.status == "running" and self._client.nthreads():
            self._alone_since = None
            if not is_sent:
                # its workers may die at the same moment; then at the next look
                with suppress(TimeoutError, OSError):
                    self._sent = self._send()
            while self._lost and self._sent.status not in GONE:
                self._submit(self._lost.popitem()[1])
            return
        now = time.monotonic()
        self._alone_since = self._alone_since or now
        if now - self._alone_since > PATIENCE:
            raise BackendUnavailableError(f"a cluster must have at least one worker, got none for {PATIENCE:g} s")


# From here on: what runs on a Dask worker.


@dataclass
class _Kept:
    """A process between two jobs of its search."""

    search: str
    workers: Workers
    since: float


_kept: list[_Kept] = []
_finished: set[str] = set()
_lock = Lock()


def _run(job: Job, sealed: bytes, search: str, memory_limit: int | None) -> list[Item | Ended]:
    """The job's items and its end; an empty list where the search is over."""
    # from this package's own client
    limit = memory_limit or _own_part()
    workers = _taken(search) or Workers(*pickle.loads(sealed), n_jobs=1, memory_limit=limit)  # noqa: S301
    come: list[Item | Ended] = []
    try:
        workers.submit(job)
        while search not in _finished:
            come += workers.wait(TICK)
            if come and isinstance(come[-1], Ended):
                _keep(search, workers)
                return come
    except BaseException:
        workers.close()
        raise
    workers.close()
    return []


def _own_part() -> int:
    """Bytes for one of as many processes as this Dask worker has threads."""
    from distributed import get_worker

    worker = get_worker()
    return memory_part(worker.memory_manager.memory_limit, worker.state.nthreads)


def _taken(search: str) -> Workers | None:
    """A kept process of the search. Those of others that went away without a word are ended."""
    now = time.monotonic()
    with _lock:
        ours = [kept for kept in _kept if kept.search == search]
        old = [kept for kept in _kept if kept.search != search and now - kept.since > KEPT]
        for kept in [*ours[:1], *old]:
            _kept.remove(kept)
    for kept in old:
        kept.workers.close()
    return ours[0].workers if ours else None


def _keep(search: str, workers: Workers) -> None:
    with _lock:
        if search not in _finished:
            _kept.append(_Kept(search, workers, time.monotonic()))
            return
    workers.close()


def _finish(search: str) -> None:
    """The search is over: end its processes, also those that still run."""
    with _lock:
        _finished.add(search)
        over = [kept for kept in _kept if kept.search == search]
        for kept in over:
            _kept.remove(kept)
    for kept in over:
        kept.workers.close()
