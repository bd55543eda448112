"""From a recipe to points and reference labels: the family draws, the modifiers act, the rows are shuffled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from corpus.generators._recipes import Recipe, checked_params
from corpus.generators._references import coarser_references, labels_of_noise
from corpus.generators._registry import GENERATORS
from corpus.generators._shapes import turned
from gamac_meta.types import NOISE, Dataset, Floats, Labels, frozen_array

SMALLEST_CLUSTER = 8


@dataclass(frozen=True, eq=False)
class Sample:
    """A generated data set with the clusterings that its making suggests."""

    data: Dataset
    references: Labels  # (r, n) row 0 the finest natural labelling, then coarser ones; -1 is noise
    family: str
    group: str
    base: str  # the table that a view shows; the family where points were drawn

    def __post_init__(self) -> None:
        object.__setattr__(self, "references", frozen_array(self.references, np.int32))


def generate(recipe: Recipe) -> Sample:
    """The data set of a recipe, the same to the last bit every time."""
    params = checked_params(recipe)
    member = GENERATORS[recipe.family]
    rng = np.random.default_rng(recipe.seed)
    n = int(params["n"])
    copies, noise = round(params["duplicates"] * n), round(params["noise"] * n)
    smallest = max(SMALLEST_CLUSTER, member.per_cluster // 3)
    sizes = cluster_sizes(rng, n - copies - noise, int(params["k"]), params["imbalance"], smallest)
    layers = member.make(rng, sizes, params)

    X = np.concatenate([*layers.blocks, *([] if layers.stray is None else [layers.stray])])
    labels = np.full(len(X), NOISE, dtype=np.int32)
    clustered = sum(map(len, layers.blocks))
    labels[:clustered] = np.repeat(np.arange(len(layers.blocks)), list(map(len, layers.blocks)))
    X = _posed(X, labels != NOISE, params["turn"], params["stretch"])
    if noise:
        specks = _background(rng, X, noise)
        labels = np.concatenate([labels, labels_of_noise(X, labels, specks)])
        X = np.concatenate([X, specks])
    if copies:
        chosen = rng.integers(len(X), size=copies)
        X, labels = np.concatenate([X, X[chosen]]), np.concatenate([labels, labels[chosen]])
    if params["rounding"]:
        cell = np.ptp(X, axis=0).max() / params["rounding"]
        X = np.round(X / cell) * cell
    order = rng.permutation(len(X))
    X, labels = X[order] * params["scale"] + rng.uniform(-3.0, 3.0, size=X.shape[1]) * params["scale"], labels[order]
    return Sample(
        Dataset(X, recipe.name, recipe.to_json()),
        np.stack([labels, *coarser_references(X, labels, layers.coarser)]),
        recipe.family,
        member.group,
        layers.base or recipe.family,
    )


def cluster_sizes(rng: np.random.Generator, n: int, k: int, imbalance: float, smallest: int) -> list[int]:
    """(k,) sizes that sum to n, spread log-uniformly such that the largest is `imbalance` times the smallest."""
    place = rng.permutation(np.linspace(0.0, 1.0, k)) if k > 1 else np.zeros(1)
    weights = imbalance**-place
    base = min(smallest, n // k)
    cumulative = np.round(np.cumsum(weights) / weights.sum() * (n - base * k)).astype(int)
    return [base + int(size) for size in np.diff(cumulative, prepend=0)]


def _posed(X: Floats, clustered: np.ndarray, turn: float, stretch: float) -> Floats:
    """Points centered, turned and stretched in the plane, and brought to root mean square radius one."""
    X = X - X[clustered].mean(axis=0)
    if X.shape[1] == 2:
        X = turned(X, turn) * np.array([stretch, 1.0])
        # turned on by half the angle, so that the stretched direction is not always the first axis
        X = turned(X, turn / 2.0)
    return np.asarray(X / np.sqrt(np.mean(np.sum(X[clustered] ** 2, axis=1))))


def _background(rng: np.random.Generator, X: Floats, count: int) -> Floats:
    """(count, d) points uniform over the picture and a margin."""
    # far tails do not stretch the box, else noise would be too thin to be met
    low, high = np.quantile(X, [0.01, 0.99], axis=0)
    margin = 0.15 * (high - low)
    return rng.uniform(low - margin, high + margin, size=(count, X.shape[1]))
