"""Families of data without clusters: `make(number, seed)` draws one, the same to the last bit every time.

The corpus has a few of these among its families. Here are more, in few and in many dimensions, for what tells
structure from none: `rankers.structure`. They are no part of a corpus, whose recipes do not change with them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from corpus.generators._shapes import along, ball, log_uniform, sum_of_products, wandering_curve
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.registry import Registry
from gamac_meta.types import Dataset, Floats

Formula = Callable[[np.random.Generator, int, int], Floats]

FAMILIES: Registry[Family] = Registry("structureless family")
POINTS = (50, 1500)
DIMENSIONS = (3, 64)  # of every other data set; the rest lie in the plane
# what may be done to the points of any family: share of the data sets, and its range
BLEMISHES = {
    "stray": (0.2, 0.01, 0.15),  # share of points uniform over the box of the others
    "rounded": (0.1, 35.0, 200.0),  # cells across the widest column, tails left out
    "repeated": (0.1, 0.02, 0.3),  # share of points that copy another
}


@dataclass(frozen=True)
class Family:
    """Points (n, d) of one piece."""

    name: str
    group: str  # families of one group are never split between folds
    doc: str
    formula: Formula


@dataclass(frozen=True, eq=False)
class Unstructured:
    """A data set without clusters."""

    data: Dataset
    family: str
    group: str


def make(number: int, seed: int) -> Unstructured:
    """Data set `number` of those seeded `seed`; families take turns. Raises InvalidInputError below 0."""
    if number < 0 or seed < 0:
        raise InvalidInputError(f"number and seed must be >= 0, got {number} and {seed}")
    names = list(FAMILIES)
    cycle, place = divmod(number, len(names))
    chosen = FAMILIES[names[np.random.default_rng([seed, cycle, 0]).permutation(len(names))[place]]]
    rng = np.random.default_rng([seed, number, 1])
    n = _between(rng, *POINTS)
    d = _between(rng, *DIMENSIONS) if rng.uniform() < 0.5 else 2
    X = _blemished(rng, chosen.formula(rng, n, d))
    origin = json.dumps({"family": chosen.name, "number": number, "seed": seed})
    data = Dataset(X[rng.permutation(len(X))], f"{chosen.name}-{number:04d}", origin)
    return Unstructured(data, chosen.name, chosen.group)


def _between(rng: np.random.Generator, low: int, high: int) -> int:
    """A whole number, log-uniform from low to high."""
    return int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))


def _real(rng: np.random.Generator, low: float, high: float) -> float:
    """A number, log-uniform from low to high."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _blemished(rng: np.random.Generator, X: Floats) -> Floats:
    n = len(X)
    drawn = {name: (rng.uniform() < share, _real(rng, low, high)) for name, (share, low, high) in BLEMISHES.items()}
    has_stray, stray = drawn["stray"]
    if has_stray:
        # far tails do not stretch the box
        low, high = np.quantile(X, [0.01, 0.99], axis=0)
        rows = rng.permutation(n)[: round(stray * n)]
        X[rows] = rng.uniform(low, high, size=(len(rows), X.shape[1]))
    is_rounded, cells = drawn["rounded"]
    if is_rounded:
        cell = np.ptp(np.quantile(X, [0.01, 0.99], axis=0), axis=0).max() / round(cells)
        X = np.round(X / cell) * cell
    is_repeated, share = drawn["repeated"]
    if is_repeated:
        rows = rng.permutation(n)[: round(share * n)]
        X[rows] = X[rng.integers(n, size=len(rows))]
    return X


def family(group: str) -> Callable[[Formula], Formula]:
    """Register a function of a random generator, the number of points and that of columns, which gives points."""

    def register(formula: Formula) -> Formula:
        name, doc = formula.__name__, formula.__doc__
        if not doc:
            raise TypeError(f"structureless family {name!r} has no docstring")
        FAMILIES.add(name, Family(name, group, doc, formula))
        return formula

    return register


def _mixing(rng: np.random.Generator, d: int) -> Floats:
    """(d, d) a random matrix between none and strong correlation of columns."""
    return np.asarray(np.eye(d) + rng.uniform(0.0, 1.5) * rng.normal(size=(d, d)) / np.sqrt(d))


def _tilted(rng: np.random.Generator, X: Floats) -> Floats:
    """Points stretched along their columns and mixed."""
    spread = log_uniform(rng, _real(rng, 1.0, 6.0), X.shape[1])
    return sum_of_products(X * spread, _mixing(rng, X.shape[1]))


def _correlated(rng: np.random.Generator, n: int, d: int) -> Floats:
    """(n, d) normal points whose columns have spread one."""
    X = sum_of_products(rng.normal(size=(n, d)), _mixing(rng, d))
    return np.asarray((X - X.mean(axis=0)) / X.std(axis=0))


def _shares(X: Floats) -> Floats:
    """(n, d) normal columns as numbers evenly between 0 and 1."""
    from scipy.special import ndtr

    return np.asarray(np.clip(ndtr(X), 1e-6, 1.0 - 1e-6))


@family("even_bodies")
def even_box(rng: np.random.Generator, n: int, d: int) -> Floats:
    """A box or a slanted one, evenly filled."""
    return _tilted(rng, rng.uniform(-1.0, 1.0, size=(n, d)))


@family("even_bodies")
def even_ball(rng: np.random.Generator, n: int, d: int) -> Floats:
    """A ball or an ellipsoid, evenly filled."""
    return _tilted(rng, ball(rng, n, d))


@family("even_bodies")
def even_simplex(rng: np.random.Generator, n: int, d: int) -> Floats:
    """A triangle, or what it is in more dimensions, evenly filled."""
    shares = rng.exponential(size=(n, d + 1))
    return _tilted(rng, (shares / shares.sum(axis=1, keepdims=True))[:, :d])


@family("normal_clouds")
def normal_cloud(rng: np.random.Generator, n: int, d: int) -> Floats:
    """One normal cloud, round to long."""
    return _tilted(rng, rng.normal(size=(n, d)))


@family("normal_clouds")
def factor_cloud(rng: np.random.Generator, n: int, d: int) -> Floats:
    """Normal columns that hang on a few factors."""
    factors = int(rng.integers(1, max(2, d // 2) + 1))
    loads = rng.normal(size=(factors, d))
    return sum_of_products(rng.normal(size=(n, factors)), loads) + _real(rng, 0.05, 1.0) * rng.normal(size=(n, d))


@family("heavy_tails")
def student_cloud(rng: np.random.Generator, n: int, d: int) -> Floats:
    """One cloud with far tails (multivariate Student)."""
    freedom = _real(rng, 1.5, 10.0)
    return _tilted(rng, rng.normal(size=(n, d)) / np.sqrt(rng.chisquare(freedom, size=(n, 1)) / freedom))


@family("heavy_tails")
def peaked_columns(rng: np.random.Generator, n: int, d: int) -> Floats:
    """Columns with sharp peaks and long tails: crosses and stars."""
    return _tilted(rng, rng.standard_t(_real(rng, 2.0, 10.0), size=(n, d)) * rng.exponential(size=(n, d)) ** 0.5)


@family("heavy_tails")
def core_and_halo(rng: np.random.Generator, n: int, d: int) -> Floats:
    """A cloud in a wider one about the same center."""
    wider = np.where(rng.uniform(size=(n, 1)) < rng.uniform(0.05, 0.5), _real(rng, 1.5, 6.0), 1.0)
    return _tilted(rng, wider * rng.normal(size=(n, d)))


@family("skewed_clouds")
def skewed_columns(rng: np.random.Generator, n: int, d: int) -> Floats:
    """Columns with one long tail (log-normal, gamma), correlated."""
    from scipy.stats import gamma

    X = _correlated(rng, n, d)
    if rng.uniform() < 0.5:
        return np.asarray(np.exp(rng.uniform(0.2, 1.2) * X))
    return np.asarray(gamma(_real(rng, 0.5, 8.0)).ppf(_shares(X)))


@family("skewed_clouds")
def gradients(rng: np.random.Generator, n: int, d: int) -> Floats:
    """A body that grows denser toward a corner or an edge."""
    return np.asarray(_shares(_correlated(rng, n, d)) ** rng.uniform(1.0, 4.0, size=d))


@family("curved_pieces")
def banana(rng: np.random.Generator, n: int, d: int) -> Floats:
    """One bent cloud."""
    X = rng.normal(size=(n, d))
    X[:, 1] = _real(rng, 0.3, 2.0) * X[:, 0] ** 2 + _real(rng, 0.1, 1.0) * X[:, 1]
    X[:, 2:] *= _real(rng, 0.1, 1.0)
    return X


@family("curved_pieces")
def winding_band(rng: np.random.Generator, n: int, d: int) -> Floats:
    """One band that winds, or a sheet that bends into all dimensions."""
    width = _real(rng, 0.01, 0.15)
    if d == 2:
        return along(rng, n, 2.0 * wandering_curve(rng, rng.uniform(0.2, 2.0)), width)
    inner = int(rng.integers(1, min(3, d - 1) + 1))
    place = rng.uniform(-1.0, 1.0, size=(n, inner))
    waves = sum_of_products(place, rng.uniform(0.3, 1.5) * rng.normal(size=(inner, d)))
    return np.asarray(np.sin(waves + rng.uniform(0.0, 2.0 * np.pi, d)) + width * rng.normal(size=(n, d)))


@family("curved_pieces")
def shell(rng: np.random.Generator, n: int, d: int) -> Floats:
    """A ring, a sphere, or a part of one."""
    points = rng.normal(size=(n, d))
    points[:, 0] += rng.uniform(0.0, 3.0)  # more on one side
    points /= np.sqrt(np.sum(points**2, axis=1, keepdims=True))
    return np.asarray(points * (1.0 + _real(rng, 0.01, 0.2) * rng.normal(size=(n, 1))))


@family("mixed_columns")
def columns_of_many_laws(rng: np.random.Generator, n: int, d: int) -> Floats:
    """Correlated columns, each even, normal, skewed or heavy-tailed, of spreads that differ."""
    from scipy.stats import t

    X = _correlated(rng, n, d)
    shares = _shares(X)
    laws = (X, shares, np.exp(0.7 * X), -np.log(shares), t(3.0).ppf(shares), shares**2)
    columns = [laws[int(rng.integers(len(laws)))][:, column] for column in range(d)]
    table = np.column_stack(columns)
    return np.asarray(table / table.std(axis=0) * log_uniform(rng, _real(rng, 1.0, 9.0), d))


@family("grained_clouds")
def counts(rng: np.random.Generator, n: int, d: int) -> Floats:
    """Whole numbers: counts about a mean that varies."""
    mean = _real(rng, 20.0, 300.0)
    return rng.poisson(mean * np.exp(rng.uniform(0.0, 0.6) * _correlated(rng, n, d))).astype(np.float64)


@family("grained_clouds")
def jittered_lattice(rng: np.random.Generator, n: int, d: int) -> Floats:
    """Points near the nodes of a lattice, or evenly apart in many dimensions."""
    side = max(2, int(np.ceil(n ** (1.0 / min(d, 6)))))
    nodes = np.stack(np.unravel_index(rng.permutation(side ** min(d, 6))[:n], (side,) * min(d, 6)), axis=1)
    jitter = rng.uniform(0.05, 0.6)
    flat = np.column_stack([nodes, np.zeros((n, d - min(d, 6)))])
    return np.asarray(flat + jitter * rng.normal(size=(n, d)))


@family("outlying_points")
def body_and_outliers(rng: np.random.Generator, n: int, d: int) -> Floats:
    """An even body or a normal cloud, and a few points far off."""
    body = rng.normal(size=(n, d)) if rng.uniform() < 0.5 else 1.7 * rng.uniform(-1.0, 1.0, size=(n, d))
    X = _tilted(rng, body)
    rows = rng.permutation(n)[: max(1, round(rng.uniform(0.002, 0.05) * n))]
    X[rows] = rng.uniform(-1.0, 1.0, size=(len(rows), d)) * _real(rng, 3.0, 12.0) * X.std(axis=0)
    return X
