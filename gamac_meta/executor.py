"""Everything that fans out runs here: serially, or over processes; results as they complete."""

from __future__ import annotations

import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from gamac_meta.exceptions import InvalidInputError

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Numbered(Generic[Item, Result]):
    """The function with one native thread per call, and its result with the item's position."""

    function: Callable[[Item], Result]
    in_worker: bool

    def __call__(self, position: int, item: Item) -> tuple[int, Result]:
        # sklearn loads every native pool there is, and only loaded pools can be limited
        import sklearn  # noqa: F401
        from threadpoolctl import threadpool_limits

        if self.in_worker:
            # Ctrl-C reaches the whole process group; the parent alone decides what it means
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        with threadpool_limits(1):
            return position, self.function(item)


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
) -> Iterator[tuple[int, Result]]:
    """Yield (position, function(item)) for every item, in the order of completion.

    n_jobs: processes; 1 runs here, -1 takes all cores. Native code (BLAS, OpenMP) gets one thread per
    call either way, so a result does not depend on n_jobs.
    progress: label of a bar on standard error; none without it.

    An exception in the function is raised here; leaving the iteration early, by an exception or
    Ctrl-C in the consumer's loop too, stops the processes.
    """
    # at the call, not when the first result is asked for
    require_jobs(n_jobs)
    return _with_progress(_results(function, items, n_jobs), len(items), progress)


def _results(function: Callable[[Item], Result], items: Sequence[Item], n_jobs: int) -> Iterator[tuple[int, Result]]:
    from joblib import Parallel, delayed, effective_n_jobs, parallel_config

    workers = min(effective_n_jobs(n_jobs), len(items))
    task = _Numbered(function, in_worker=workers > 1)
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
    results: Iterator[tuple[int, Result]], total: int, label: str | None
) -> Iterator[tuple[int, Result]]:
    if label is None:
        yield from results
        return
    from tqdm import tqdm

    with tqdm(total=total, desc=label, unit="") as bar:
        for result in results:
            yield result
            bar.update()
