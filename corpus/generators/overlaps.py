"""Clusters that run into one another: no gap shows between them, hardly a valley, and yet two or a few they are."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Real, Whole, generator
from corpus.generators._shapes import ball, directions, log_uniform, student, sum_of_products

_DIMS = Whole(2, 30, log=True)
_FEW = Whole(2, 5)


def _placed(rng: np.random.Generator, clouds: Blocks, apart: float, unequal: float) -> Blocks:
    """Clouds of unit spread, each with axes of its own, longer in some directions than in others; the centers of the
    nearest two are `apart` spreads from one another."""
    dims = clouds[0].shape[1]
    centers = rng.normal(size=(len(clouds), dims))
    first, second = np.triu_indices(len(clouds), k=1)
    centers *= apart / np.sqrt(np.min(np.sum((centers[first] - centers[second]) ** 2, axis=1)))
    return [
        center + sum_of_products(cloud * log_uniform(rng, unequal, dims), directions(rng, dims, dims).T)
        for center, cloud in zip(centers, clouds, strict=True)
    ]


@generator(
    "mingled_clouds",
    collection="overlaps",
    per_cluster=60,
    k=_FEW,
    dims=_DIMS,
    apart=Real(1.6, 3.6),
    unequal=Real(1.0, 3.0, log=True),
)
def mingled_clouds(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, unequal: float) -> Blocks:
    """Normal clouds, the nearest two with one peak or hardly two."""
    return _placed(rng, [rng.normal(size=(size, dims)) for size in sizes], apart, unequal)


@generator(
    "mingled_tails",
    collection="overlaps",
    per_cluster=60,
    k=_FEW,
    dims=_DIMS,
    apart=Real(1.6, 4.0),
    unequal=Real(1.0, 3.0, log=True),
    freedom=Real(3.0, 10.0),
)
def mingled_tails(
    rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, unequal: float, freedom: float
) -> Blocks:
    """Clouds with far tails (multivariate Student) that lie in one another."""
    return _placed(rng, [student(rng, size, dims, freedom) for size in sizes], apart, unequal)


@generator(
    "mingled_bodies",
    collection="overlaps",
    per_cluster=60,
    k=_FEW,
    dims=Whole(2, 8, log=True),
    apart=Real(2.0, 4.0),
    unequal=Real(1.0, 3.0, log=True),
)
def mingled_bodies(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, unequal: float) -> Blocks:
    """Balls, even inside, that overlap: where they do, points are denser."""
    # so large that their spread is 1
    radius = np.sqrt(dims + 2.0)
    return _placed(rng, [radius * ball(rng, size, dims) for size in sizes], apart, unequal)
