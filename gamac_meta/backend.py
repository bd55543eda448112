"""Where arrays live. The one module that knows whether there is a GPU."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy.typing as npt

from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError

BACKENDS = ("auto", "numpy", "cupy")
# From here on "auto" takes a device that answers. A guess until it is measured: below, the pass takes
# the CPU a few seconds, while kernels are compiled and the rest of a measure is the CPU's anyway.
GPU_POINTS = 20_000


@dataclass(frozen=True)
class Device:
    """A device beside the CPU: its arrays, the way back, and how kernels start there."""

    xp: Any  # array namespace
    to_numpy: Callable[[Any], npt.NDArray[Any]]
    place: Mapping[str, Any] = field(default_factory=dict)  # tells the creation functions of xp where
    # called with a kernel (.name, .source), grid, block and arguments; without it formulas do the same
    launch: Callable[..., None] | None = None


def gpu_status() -> tuple[bool, str]:
    """Whether a CUDA device answers through CuPy, and why not."""
    if importlib.util.find_spec("cupy") is None:
        return False, "cupy is not installed (extra 'gpu')"
    try:
        import cupy
    except ImportError as error:
        return False, f"cupy is installed but cannot be loaded: {error}"
    try:
        count = int(cupy.cuda.runtime.getDeviceCount())
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return False, f"cupy is installed but no device answers: {error}"
    return (True, f"{count} device(s)") if count else (False, "cupy is installed but finds no device")


def device_for(backend: str, n: int) -> Device | None:
    """The device that walks over the pairs of n points, None for the CPU.

    "cupy" is refused where no device answers; "auto" takes a device that does, from GPU_POINTS points on.
    """
    if backend not in BACKENDS:
        raise InvalidInputError(f"backend must be one of {', '.join(BACKENDS)}, got {backend!r}")
    if backend == "numpy" or (backend == "auto" and n < GPU_POINTS):
        return None
    available, why = gpu_status()
    if available:
        return cupy_device()
    if backend == "cupy":
        raise BackendUnavailableError(f"backend='cupy' is not available: {why}")
    return None


@cache
def cupy_device() -> Device:
    """The current CUDA device."""
    import cupy

    @cache
    def compiled(source: str, name: str) -> Any:
        # products and sums are rounded one by one, as on the CPU: a distance is the same number on both
        return cupy.RawKernel(source, name, options=("--fmad=false",))

    def launch(kernel: Any, grid: tuple[int, ...], block: tuple[int, ...], arguments: tuple[Any, ...]) -> None:
        compiled(kernel.source, kernel.name)(grid, block, arguments)

    return Device(cupy, cupy.asnumpy, launch=launch)
