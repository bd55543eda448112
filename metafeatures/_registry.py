"""Groups of named meta-features and the decorator that registers them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import numpy as np

from gamac_meta.registry import Registry
from gamac_meta.types import Floats
from metafeatures._view import DataView

GROUPS: Registry[Group] = Registry("meta-feature group")
BLOCK_MODULES = ("_distances", "_structure", "_shape", "_statistical", "_landmarks")


@dataclass(frozen=True)
class Group:
    """One function that returns the values of several named features."""

    names: tuple[str, ...]
    formula: Callable[..., Any]
    needs: tuple[str, ...]  # properties of DataView, read from the signature

    def __call__(self, view: DataView) -> Floats:
        """(len(names),) values; not finite where the data are too degenerate."""
        with np.errstate(all="ignore"):
            values = np.atleast_1d(self.formula(**{need: getattr(view, need) for need in self.needs}))
        if values.shape != (len(self.names),):
            raise TypeError(f"{self.formula.__name__} must return {len(self.names)} values, got shape {values.shape}")
        return np.asarray(values, dtype=np.float64)


def metafeatures(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function that returns the features called names, in that order.

    Its parameters are the properties of DataView that it needs.
    """

    def register(formula: Callable[..., Any]) -> Callable[..., Any]:
        needs = tuple(inspect.signature(formula).parameters)
        unknown = [need for need in needs if not hasattr(DataView, need)]
        if unknown:
            raise TypeError(f"meta-features {formula.__name__!r} ask for unknown statistic(s) {unknown}")
        if not inspect.getdoc(formula):
            raise TypeError(f"meta-features {formula.__name__!r} have no docstring")
        GROUPS.add(formula.__name__, Group(names, formula, needs))
        return formula

    return register


@cache
def load_blocks() -> Registry[Group]:
    """All groups; blocks are imported when features are first computed, so that names stay cheap."""
    for module in BLOCK_MODULES:
        import_module(f"metafeatures.{module}")
    return GROUPS


def compute(view: DataView) -> dict[str, float]:
    """Value of every feature by name; not finite where undefined."""
    return {
        name: float(value)
        for group in load_blocks().values()
        for name, value in zip(group.names, group(view), strict=True)
    }
