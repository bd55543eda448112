"""The compiler of all kernels: numba, free of the GIL, its machine code kept in the user's cache; and what
kernels run in: one thread for matrix products, interrupts that stay interrupts."""

import os
import signal
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any

from numba import config, njit
from numba.core.event import install_timer
from threadpoolctl import ThreadpoolController

# Sums may be reassociated, so that they run in vector lanes; every value is finite or infinite, never NaN.
VECTORIZED = frozenset({"reassoc", "nnan", "nsz", "contract"})


def kernel(function: Callable[..., Any], fastmath: Collection[str] = ()) -> Any:
    """Compile at the first call, and keep the machine code in the user's cache (or NUMBA_CACHE_DIR).

    Beside the package, where numba would keep it, it outlives an uninstall, and what is left of the
    folder then hides an editable installation. Each version has a folder of its own. A kernel calls
    kernels of its own module only: numba does not notice changes in another.
    """
    settings: Any = config  # numba makes its attributes at run time
    chosen = settings.CACHE_DIR
    caches = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    settings.CACHE_DIR = chosen or str(Path(caches) / "gamac-meta" / metadata.version("gamac-meta"))
    try:
        # a division by zero gives an infinity, as in NumPy: the check for it would keep loops from vector lanes
        return njit(nogil=True, cache=True, fastmath=set(fastmath), error_model="numpy")(function)
    finally:
        settings.CACHE_DIR = chosen


def vectorized(function: Callable[..., Any]) -> Any:
    """A kernel whose sums run in vector lanes and whose values are never NaN."""
    return kernel(function, VECTORIZED)


def compilation(done: Callable[[float], Any]) -> AbstractContextManager[Any]:
    """Context that at its end calls done with the seconds in which any thread compiled; not at all where none did."""
    return install_timer("numba:compile", done)


def nothing_kept(compiled: Any) -> bool:
    """Whether the folder in which the machine code of a kernel is kept, and that of all others, is empty."""
    return not any(Path(compiled.stats.cache_path).glob("*.nbi"))


@lru_cache(maxsize=1)
def _product_libraries(_modules: int) -> ThreadpoolController:
    return ThreadpoolController().select(user_api="blas")


def one_product_thread() -> AbstractContextManager[Any]:
    """Context in which matrix products run in one thread."""
    # looking libraries up takes longer than most products: again only where an import may have brought one more
    return _product_libraries(len(sys.modules)).limit(limits=1, user_api="blas")


@contextmanager
def interruptible() -> Iterator[None]:
    """An interrupt inside comes out as a KeyboardInterrupt, wherever it met the main thread.

    Raised in a finalizer, or in a callback of weak references, of the garbage collector or of C, Python prints
    it and goes on; a lock that was being waited for may turn it into a RuntimeError, and numba, where a kernel
    returns arrays, into a SystemError. A handler other than Python's own is left in place.
    """
    heard = []

    def hear(number: int, frame: Any) -> None:
        heard.append(number)
        signal.default_int_handler(number, frame)

    # other threads neither meet interrupts nor may set handlers
    listens = current_thread() is main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    try:
        if listens:
            signal.signal(signal.SIGINT, hear)
        yield
    except Exception as error:
        if heard or isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
    finally:
        if listens:
            signal.signal(signal.SIGINT, signal.default_int_handler)
    if heard:
        raise KeyboardInterrupt
