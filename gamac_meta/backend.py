"""Where arrays live. The one module that knows whether there is a GPU."""

from __future__ import annotations

import importlib.util
from types import ModuleType

import numpy as np

from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError

BACKENDS = ("auto", "numpy", "cupy")


def gpu_status() -> tuple[bool, str]:
    """Whether a CUDA device answers through CuPy, and why not."""
    if importlib.util.find_spec("cupy") is None:
        return False, "cupy is not installed (extra 'gpu')"
    import cupy

    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return False, f"cupy is installed but no device answers: {error}"
    return (True, f"{count} device(s)") if count else (False, "cupy is installed but finds no device")


def namespace(backend: str = "auto") -> ModuleType:
    """The array namespace to compute in.

    This release computes on the CPU: "auto" is NumPy, and asking for CuPy by name is refused
    rather than silently answered by the CPU.
    """
    if backend not in BACKENDS:
        raise InvalidInputError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if backend == "cupy":
        raise BackendUnavailableError("backend='cupy' is not available: this release computes on the CPU only")
    return np
