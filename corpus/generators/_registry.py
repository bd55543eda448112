"""The Generator record, its decorator, the registry they fill, and how parameters are drawn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from gamac_meta.registry import Registry
from gamac_meta.types import Floats

GENERATORS: Registry[Generator] = Registry("generator")

Number = int | float
Blocks = list[Floats]  # one (n_c, 2) array of points per cluster


@dataclass(frozen=True)
class Whole:
    """An integer parameter, uniform on low..high, or log-uniform."""

    low: int
    high: int
    log: bool = False

    def holds(self, value: Number) -> bool:
        return isinstance(value, int) and self.low <= value <= self.high

    def draw(self, rng: np.random.Generator) -> int:
        if self.log:
            return int(np.exp(rng.uniform(np.log(self.low), np.log(self.high + 1))))
        return int(rng.integers(self.low, self.high + 1))


@dataclass(frozen=True)
class Real:
    """A real parameter, uniform on low..high, or log-uniform; four digits, so that recipes stay readable."""

    low: float
    high: float
    log: bool = False

    def holds(self, value: Number) -> bool:
        return self.low <= value <= self.high

    def draw(self, rng: np.random.Generator) -> float:
        if self.log:
            return float(f"{np.exp(rng.uniform(np.log(self.low), np.log(self.high))):.4g}")
        return float(f"{rng.uniform(self.low, self.high):.4g}")


# What may be done to the data of every family: (share of the data sets that get one, its range, value that means none)
MODIFIERS: dict[str, tuple[float, Whole | Real, Number]] = {
    "imbalance": (0.4, Real(1.5, 20.0, log=True), 1.0),  # largest over smallest cluster
    "noise": (0.3, Real(0.01, 0.15, log=True), 0.0),  # share of points uniform over the picture
    "duplicates": (0.1, Real(0.02, 0.3, log=True), 0.0),  # share of points that copy another point
    "rounding": (0.08, Whole(35, 200, log=True), 0),  # cells across the picture that coordinates are rounded to
    "turn": (0.75, Real(0.0, 6.283), 0.0),  # rotation in radians
    "stretch": (0.3, Real(1.2, 3.0, log=True), 1.0),  # of one random direction
    "scale": (1.0, Real(0.01, 1000.0, log=True), 1.0),  # root mean square radius
}


class Layers(NamedTuple):
    """What a family draws when it has more to say than its clusters."""

    blocks: Blocks  # the finest clusters
    coarser: tuple[list[int], ...] = ()  # each: (k,) the coarser cluster that holds each block
    stray: Floats | None = None  # (m, 2) points of no cluster


@dataclass(frozen=True)
class Generator:
    """A family of data sets: parameters with ranges, and how points are made from them."""

    name: str
    group: str  # families of one group are never split between folds
    doc: str
    parameters: Mapping[str, Whole | Real]
    per_cluster: int  # points a cluster needs on average to be seen
    formula: Callable[..., Blocks | Layers]

    def draw(self, rng: np.random.Generator) -> dict[str, Number]:
        """One value per parameter."""
        return {name: parameter.draw(rng) for name, parameter in self.parameters.items()}

    def make(self, rng: np.random.Generator, sizes: list[int], params: Mapping[str, Number]) -> Layers:
        """Clusters of the given sizes; params holds a value for each of `parameters`."""
        made = self.formula(rng, sizes, **{name: params[name] for name in self.parameters if name != "k"})
        return made if isinstance(made, Layers) else Layers(made)


def generator(
    group: str, *, per_cluster: int = 12, **parameters: Whole | Real
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a family: a function of a random generator, k cluster sizes and its parameters as keywords.

    parameters: the range of k and of each keyword of the function.
    """

    def register(formula: Callable[..., Any]) -> Callable[..., Any]:
        name = formula.__name__
        doc = inspect.getdoc(formula)
        if not doc:
            raise TypeError(f"generator {name!r} has no docstring")
        keywords = {"k", *list(inspect.signature(formula).parameters)[2:]}
        if keywords != parameters.keys():
            raise TypeError(f"generator {name!r} takes {sorted(keywords)} but has ranges for {sorted(parameters)}")
        clash = parameters.keys() & {"n", *MODIFIERS}
        if clash:
            raise TypeError(f"generator {name!r} gives another meaning to {sorted(clash)}")
        GENERATORS.add(name, Generator(name, group, doc, dict(parameters), per_cluster, formula))
        return formula

    return register
