"""The Generator record, its decorator, the registry they fill, the collections, and how parameters are drawn."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.registry import Registry
from gamac_meta.types import Floats

GENERATORS: Registry[Generator] = Registry("generator")

Value = int | float | str
Blocks = list[Floats]  # one (n_c, d) array of points per cluster


@dataclass(frozen=True)
class Whole:
    """An integer parameter, uniform on low..high, or log-uniform."""

    low: int
    high: int
    log: bool = False

    def holds(self, value: Value) -> bool:
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

    def holds(self, value: Value) -> bool:
        return not isinstance(value, str) and self.low <= value <= self.high

    def draw(self, rng: np.random.Generator) -> float:
        if self.log:
            return float(f"{np.exp(rng.uniform(np.log(self.low), np.log(self.high))):.4g}")
        return float(f"{rng.uniform(self.low, self.high):.4g}")


@dataclass(frozen=True)
class Choice:
    """One of several names."""

    names: tuple[str, ...]

    def holds(self, value: Value) -> bool:
        return value in self.names

    def draw(self, rng: np.random.Generator) -> str:
        return self.names[int(rng.integers(len(self.names)))]


Range = Whole | Real | Choice

# What may be done to the data of a family: (share of the data sets that get one, its range, value that means none)
MODIFIERS: dict[str, tuple[float, Whole | Real, int | float]] = {
    "imbalance": (0.4, Real(1.5, 20.0, log=True), 1.0),  # largest over smallest cluster
    "noise": (0.3, Real(0.01, 0.15, log=True), 0.0),  # share of points uniform over the picture
    "duplicates": (0.1, Real(0.02, 0.3, log=True), 0.0),  # share of points that copy another point
    "rounding": (0.08, Whole(35, 200, log=True), 0),  # cells across the picture that coordinates are rounded to
    "turn": (0.75, Real(0.0, 6.283), 0.0),  # rotation in radians
    "stretch": (0.3, Real(1.2, 3.0, log=True), 1.0),  # of one random direction
    "scale": (1.0, Real(0.01, 1000.0, log=True), 1.0),  # root mean square radius
}


@dataclass(frozen=True)
class Collection:
    """A part of a corpus, with a range of indices of its own, so that one can grow and the others stay."""

    name: str
    start: int  # index of its first data set
    title: str
    modifiers: tuple[str, ...] = ()  # which of MODIFIERS its data get
    noise: Real | None = None  # share of noise of every data set, where it is not that of MODIFIERS
    packages: Mapping[str, str] = field(default_factory=dict)  # module -> distribution that its families need

    def modifier(self, name: str) -> tuple[float, Whole | Real]:
        """Share of the data sets that get it, and its range."""
        share, parameter, _ = MODIFIERS[name]
        if name == "noise" and self.noise is not None:
            return 1.0, self.noise
        return (share, parameter) if name in self.modifiers else (0.0, parameter)


LARGEST_COLLECTION = 100_000
_PLANE = tuple(MODIFIERS)
_SPACE = ("imbalance", "noise", "duplicates", "scale")
COLLECTIONS: dict[str, Collection] = {
    "plane": Collection("plane", 0, "data generated in two dimensions", _PLANE),
    "views": Collection(
        "views",
        LARGEST_COLLECTION,
        "views of real tables",
        packages={"umap": "umap-learn", "bokeh_sampledata": "bokeh-sampledata"},
    ),
    "high_dimensional": Collection(
        "high_dimensional", 2 * LARGEST_COLLECTION, "data generated in 3 to 64 dimensions", _SPACE
    ),
    "noisy": Collection("noisy", 3 * LARGEST_COLLECTION, "data under heavy noise", _PLANE, Real(0.15, 0.5)),
    "borders": Collection("borders", 4 * LARGEST_COLLECTION, "data with faint borders", _PLANE),
    "overlaps": Collection(
        "overlaps", 5 * LARGEST_COLLECTION, "data with overlapping clouds in 2 to 30 dimensions", _SPACE
    ),
}


def collection_of(index: int) -> Collection:
    """The part of a corpus that a data set belongs to."""
    if not 0 <= index < len(COLLECTIONS) * LARGEST_COLLECTION:
        raise InvalidInputError(f"index must be from 0 to {len(COLLECTIONS) * LARGEST_COLLECTION - 1}, got {index}")
    return list(COLLECTIONS.values())[index // LARGEST_COLLECTION]


def families(collection: str) -> list[str]:
    """Names of the families of a collection, sorted."""
    return [name for name, member in GENERATORS.items() if member.collection == collection]


class Layers(NamedTuple):
    """What a family draws when it has more to say than its clusters."""

    blocks: Blocks  # the finest clusters
    coarser: tuple[list[int], ...] = ()  # each: (k,) the coarser cluster that holds each block
    stray: Floats | None = None  # (m, d) points of no cluster
    base: str | None = None  # the real table that is shown


@dataclass(frozen=True)
class Generator:
    """A family of data sets: parameters with ranges, and how points are made from them."""

    name: str
    group: str  # families of one group are never split between folds
    doc: str
    parameters: Mapping[str, Range]
    per_cluster: int  # points a cluster needs on average to be seen
    most: int  # points of the largest data set, unless its clusters need more
    collection: str
    formula: Callable[..., Blocks | Layers]

    def draw(self, rng: np.random.Generator) -> dict[str, Value]:
        """One value per parameter."""
        return {name: parameter.draw(rng) for name, parameter in self.parameters.items()}

    def make(self, rng: np.random.Generator, sizes: list[int], params: Mapping[str, Value]) -> Layers:
        """Clusters of the given sizes; params holds a value for each of `parameters`."""
        made = self.formula(rng, sizes, **{name: params[name] for name in self.parameters if name != "k"})
        return made if isinstance(made, Layers) else Layers(made)


def generator(
    group: str, *, per_cluster: int = 12, most: int = 1500, collection: str = "plane", **parameters: Range
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
        GENERATORS.add(name, Generator(name, group, doc, dict(parameters), per_cluster, most, collection, formula))
        return formula

    return register
