"""Everything that fans out runs here: serially, over processes, with results as they complete, or over threads."""

from __future__ import annotations

import os
import signal
import time
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from threading import Event, Thread
from typing import Generic, TypeVar

from gamac_meta.exceptions import InvalidInputError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Numbered(Generic[Item, Result]):
    """The function with one native thread per call, and its result with the item's position."""

    function: Callable[[Item], Result]
    parent: int | None  # process that waits for the result, where it is not this one

    def __call__(self, position: int, item: Item) -> tuple[int, Result]:
        # sklearn loads every native pool there is, and only loaded pools can be limited
        import sklearn  # noqa: F401
        from threadpoolctl import threadpool_limits

        if self.parent is not None:
            _obey(self.parent)
        with threadpool_limits(1):
            return position, self.function(item)


@cache
def _obey(parent: int) -> None:
    """Once per worker: leave interrupts to the parent, and end when it is gone."""
    # Ctrl-C reaches the whole process group; the parent alone decides what it means
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        # without its parent a worker would wait for work for ever
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def require_jobs(n_jobs: int) -> None:
    """Refuse a number of processes that is none."""
    if n_jobs != -1 and n_jobs < 1:
        raise InvalidInputError(f"n_jobs must be at least 1, or -1 for all cores, got {n_jobs}")


def run(
    function: Callable[[Item], Result],
    items: Sequence[Item],
    *,
    n_jobs: int = 1,
    progress: str | None = None,
) -> Generator[tuple[int, Result], None, None]:
    """Yield (position, function(item)) for every item, in the order of completion.

    n_jobs: processes; 1 runs here, -1 takes all cores. Native code (BLAS, OpenMP) gets one thread per
    call either way, so a result does not depend on n_jobs.
    progress: label of a bar on standard error; none without it.

    An exception in the function is raised here. Closing the generator before its end stops the processes.
    """
    # at the call, not when the first result is asked for
    require_jobs(n_jobs)
    return _with_progress(_results(function, items, n_jobs), len(items), progress)


def _results(
    function: Callable[[Item], Result], items: Sequence[Item], n_jobs: int
) -> Generator[tuple[int, Result], None, None]:
    from joblib import Parallel, delayed, effective_n_jobs, parallel_config

    workers = min(effective_n_jobs(n_jobs), len(items))
    task = _Numbered(function, os.getpid() if workers > 1 else None)
    if workers <= 1:
        for position, item in enumerate(items):
            yield task(position, item)
        return
    # inner_max_num_threads also reaches pools that a worker loads later, and numba's
    with parallel_config(backend="loky", inner_max_num_threads=1):
        results = Parallel(n_jobs=workers, return_as="generator_unordered", batch_size=1)(
            delayed(task)(position, item) for position, item in enumerate(items)
        )
    try:
        # not "yield from", which would close the results itself
        for result in results:  # noqa: UP028
            yield result
    finally:
        with warnings.catch_warnings():
            # leaving early is allowed here; joblib takes it for an oversight
            warnings.filterwarnings("ignore", r".*You could benefit from adjusting the input task", UserWarning)
            results.close()


def _with_progress(
    results: Generator[tuple[int, Result], None, None], total: int, label: str | None
) -> Generator[tuple[int, Result], None, None]:
    if label is None:
        yield from results
        return
    from tqdm import tqdm

    with closing(results), tqdm(total=total, desc=label, unit="") as bar:
        for result in results:
            yield result
            bar.update()


def in_threads(work: Callable[[Item, Event], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """work(item, stop) of all items, in order, by threads: for compiled code that releases the interpreter.

    An interrupt or an error sets stop, which work should look at between steps, and drops what has not begun.
    """
    stop = Event()
    with ThreadPoolExecutor(threads) as pool:
        try:
            yield from pool.map(lambda item: work(item, stop), items)
        finally:
            stop.set()
            pool.shutdown(cancel_futures=True)
