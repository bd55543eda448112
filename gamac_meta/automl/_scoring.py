"""Work that is done one piece after the other, in a thread beside the caller's or in the caller's own."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any


class Bench:
    """Takes one call at a time; what comes of it is handed over in the caller's thread, what it raises comes out there.

    apart: calls run in a thread of their own and are handed over by `take`; else at once, by `begin`.
    """

    def __init__(self, apart: bool) -> None:
        self._thread = ThreadPoolExecutor(1, "gamac-meta-scoring") if apart else None
        self._call: tuple[Future[Any], Callable[[Any], None]] | None = None

    @property
    def busy(self) -> bool:
        """Whether there is a call that was not handed over yet."""
        return self._call is not None

    def begin(self, call: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Have call() done, and what it gives handed to then."""
        assert self._call is None
        if self._thread is None:
            then(call())
        else:
            self._call = self._thread.submit(call), then

    def take(self, timeout: float | None) -> None:
        """Hand over what is done within so many seconds; None waits for it."""
        if self._call is None:
            return
        future, then = self._call
        if wait([future], timeout).done:
            self._call = None
            then(future.result())

    def close(self) -> None:
        """What still runs is not waited for."""
        if self._thread is not None:
            self._thread.shutdown(wait=False)
