"""The Measure record, its decorator, and the registry they fill."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.pairwise import COSTS, STATISTIC_COSTS, PartitionView
from gamac_meta.registry import Registry

MEASURES: Registry[Measure] = Registry("measure")


@dataclass(frozen=True)
class Measure:
    """An internal validity measure: a number for (points, partition), no ground truth."""

    name: str  # identifier, stable for ever: stored in corpora and models
    title: str  # as printed: "Calinski-Harabasz"
    formula: Callable[..., Any]
    needs: tuple[str, ...]  # statistics of PartitionView, read from the signature
    greater_is_better: bool
    bounds: tuple[float, float]
    scale_free: bool  # unchanged when all coordinates are multiplied by one number
    rotation_free: bool  # unchanged by an orthogonal map of the coordinates
    reference: str  # authors, year, doi

    @property
    def cost(self) -> str:
        """The dearest statistic it needs: one of COSTS."""
        return max((STATISTIC_COSTS[name] for name in self.needs), key=COSTS.index)

    def __call__(self, view: PartitionView) -> float:
        """The value as published; NaN where undefined."""
        return self.explain(view)[0]

    def bounds_of(self, view: PartitionView, value: float) -> tuple[float, float]:
        """Least and greatest the exact value can be, where the statistics leave it open; else the value."""
        if np.isnan(value) or "concordance" not in self.needs or not view.concordance.open:
            return value, value
        ends = [self.explain(view, {"concordance": corner})[0] for corner in view.concordance.corners]
        # no data have the most concordant and the most ties at once: such a corner may have no value, or one too far
        low, high = np.clip(self.bounds if np.isnan(ends).any() else (min(ends), max(ends)), *self.bounds)
        return float(low), float(high)

    def explain(self, view: PartitionView, instead: Mapping[str, Any] | None = None) -> tuple[float, str | None]:
        """The value, and where it is NaN the reason; some statistics of the view may be replaced."""
        instead = instead or {}
        if view.n == 0:
            return np.nan, "every point is noise"
        if view.k < 2:
            return np.nan, "the partition has one cluster; a measure compares at least two"
        if view.k == view.n:
            return np.nan, "every cluster is a single point"
        try:
            with np.errstate(all="ignore"):
                given = {name: instead[name] if name in instead else getattr(view, name) for name in self.needs}
                value = float(self.formula(**given))
        except UndefinedMeasureError as error:
            return np.nan, str(error)
        if not np.isfinite(value):
            return np.nan, f"the formula of {self.title} divides by zero or takes the logarithm of zero here"
        return value, None


def measure(
    title: str,
    *,
    greater_is_better: bool,
    bounds: tuple[float, float],
    reference: str,
    name: str | None = None,
    needs: tuple[str, ...] | None = None,
    scale_free: bool = True,
    rotation_free: bool = True,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a formula; its parameters are the statistics of PartitionView that it needs.

    name and needs are for members of a family made in a loop, whose parameters a signature cannot tell.
    """
    given = needs

    def register(formula: Callable[..., Any]) -> Callable[..., Any]:
        identifier = name or formula.__name__
        needs = given or tuple(inspect.signature(formula).parameters)
        unknown = [need for need in needs if need not in STATISTIC_COSTS]
        if unknown:
            raise TypeError(f"measure {identifier!r} asks for unknown statistic(s) {unknown}")
        if not inspect.getdoc(formula):
            raise TypeError(f"measure {identifier!r} has no docstring")
        if not re.search(r"doi:10\.\d+/", reference):
            raise TypeError(f"measure {identifier!r} has no DOI in its reference {reference!r}")
        MEASURES.add(
            identifier,
            Measure(identifier, title, formula, needs, greater_is_better, bounds, scale_free, rotation_free, reference),
        )
        return formula

    return register
