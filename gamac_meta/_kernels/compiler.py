"""The compiler of all kernels: numba, free of the GIL, its machine code kept in the user's cache."""

import os
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from numba import config, njit

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


def nothing_kept(compiled: Any) -> bool:
    """Whether the folder in which the machine code of a kernel is kept, and that of all others, is empty."""
    return not any(Path(compiled.stats.cache_path).glob("*.nbi"))


@contextmanager
def interruptible() -> Iterator[None]:
    """An interrupt stays one: numba reports it as a SystemError where it met a kernel that returns arrays."""
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise
