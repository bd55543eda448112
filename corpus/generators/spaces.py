"""Clusters in 3 to 64 dimensions: clouds, curved shapes, and clusters that few directions show."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import directions, log_uniform, student, sum_of_products
from gamac_meta.types import Floats

_DIMS = Whole(3, 64, log=True)


def _centers(rng: np.random.Generator, k: int, dims: int, apart: float) -> Floats:
    """(k, dims) normal centers, `apart` spreads of a cloud from one another on average."""
    # the distance of two normal points in d dimensions is about sqrt(2 d), the width of a cloud sqrt(d)
    return np.asarray(rng.normal(size=(k, dims)) * apart / np.sqrt(2.0 * dims))


@generator(
    "high_clouds",
    collection="high_dimensional",
    most=1000,
    k=Whole(1, 30, log=True),
    dims=_DIMS,
    apart=Real(3.0, 12.0),
    ratio=Real(1.0, 5.0, log=True),
)
def round_clouds(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, ratio: float) -> Blocks:
    """Round clouds of different spread."""
    centers = _centers(rng, len(sizes), dims, apart)
    spreads = log_uniform(rng, ratio, len(sizes))
    return [
        center + spread * rng.normal(size=(size, dims))
        for center, spread, size in zip(centers, spreads, sizes, strict=True)
    ]


@generator(
    "high_clouds",
    collection="high_dimensional",
    most=1000,
    k=Whole(1, 16, log=True),
    dims=_DIMS,
    apart=Real(4.0, 16.0),
    unequal=Real(3.0, 30.0, log=True),
)
def tilted_clouds(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, unequal: float) -> Blocks:
    """Clouds longer in some directions than in others, each in its own."""
    centers = _centers(rng, len(sizes), dims, apart)
    return [
        center + sum_of_products(rng.normal(size=(size, dims)) * log_uniform(rng, unequal, dims), axes.T)
        for center, size in zip(centers, sizes, strict=True)
        for axes in [directions(rng, dims, dims)]
    ]


@generator(
    "high_clouds",
    collection="high_dimensional",
    most=1000,
    k=Whole(2, 30, log=True),
    dims=_DIMS,
    apart=Real(5.0, 16.0),
    freedom=Real(2.0, 8.0),
)
def heavy_clouds(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, freedom: float) -> Blocks:
    """Clouds with far tails (multivariate Student)."""
    return [
        center + student(rng, size, dims, freedom)
        for center, size in zip(_centers(rng, len(sizes), dims, apart), sizes, strict=True)
    ]


@generator(
    "high_clouds",
    collection="high_dimensional",
    most=1000,
    k=Whole(4, 24, log=True),
    dims=_DIMS,
    apart=Real(3.0, 9.0),
    step=Real(2.0, 5.0),
)
def clouds_of_clouds(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, step: float) -> Layers:
    """Groups of near clouds, `step` times as far from other groups."""
    groups = max(2, round(np.sqrt(len(sizes))))
    owners = [place % groups for place in range(len(sizes))]
    middles = _centers(rng, groups, dims, apart * step)
    centers = _centers(rng, len(sizes), dims, apart)
    blocks = [
        middles[owner] + center + rng.normal(size=(size, dims))
        for owner, center, size in zip(owners, centers, sizes, strict=True)
    ]
    return Layers(blocks, (owners,))


@generator(
    "high_shapes",
    collection="high_dimensional",
    most=1000,
    per_cluster=40,
    k=Whole(1, 10, log=True),
    dims=_DIMS,
    inner=Whole(1, 2),
    bend=Real(0.5, 3.0),
    fuzz=Real(0.01, 0.12, log=True),
    apart=Real(0.0, 2.5),
)
def curved_sheets(
    rng: np.random.Generator, sizes: list[int], *, dims: int, inner: int, bend: float, fuzz: float, apart: float
) -> Blocks:
    """Curves and sheets, bent by waves into all dimensions."""
    blocks = []
    for size in sizes:
        place = rng.uniform(-1.0, 1.0, size=(size, inner))
        waves = sum_of_products(place, bend * rng.normal(size=(inner, dims))) + rng.uniform(0.0, 2.0 * np.pi, dims)
        center = apart * rng.normal(size=dims)
        blocks.append(center + np.sin(waves) + fuzz * np.sqrt(dims) * rng.normal(size=(size, dims)))
    return blocks


@generator(
    "high_shapes",
    collection="high_dimensional",
    most=1000,
    per_cluster=50,
    k=Whole(2, 4),
    dims=Whole(3, 24, log=True),
    step=Real(1.5, 3.0),
    fuzz=Real(0.02, 0.12),
    off=Real(0.0, 0.3),
)
def shells(rng: np.random.Generator, sizes: list[int], *, dims: int, step: float, fuzz: float, off: float) -> Blocks:
    """Spheres one inside another, more or less off center."""
    blocks = []
    for place, size in enumerate(sizes):
        surface = rng.normal(size=(size, dims))
        radius = step**place * (1.0 + fuzz * rng.normal(size=(size, 1)))
        surface = surface / np.sqrt(np.sum(surface**2, axis=1, keepdims=True)) * radius
        blocks.append(surface + off * step**place * rng.normal(size=dims) / np.sqrt(dims))
    return blocks


@generator(
    "high_subspaces",
    collection="high_dimensional",
    most=1000,
    k=Whole(2, 20, log=True),
    dims=Whole(6, 64, log=True),
    telling=Whole(2, 5),
    apart=Real(5.0, 14.0),
    chaff=Real(0.3, 2.0),
)
def clouds_beside_chaff(
    rng: np.random.Generator, sizes: list[int], *, dims: int, telling: int, apart: float, chaff: float
) -> Blocks:
    """Two to five columns tell the clouds apart; the others are noise, of `chaff` times a cloud's spread."""
    centers = _centers(rng, len(sizes), telling, apart)
    columns = rng.permutation(dims)
    return [
        np.column_stack([center + rng.normal(size=(size, telling)), chaff * rng.normal(size=(size, dims - telling))])[
            :, columns
        ]
        for center, size in zip(centers, sizes, strict=True)
    ]


@generator(
    "high_subspaces",
    collection="high_dimensional",
    most=1000,
    per_cluster=30,
    k=Whole(2, 8),
    dims=Whole(4, 64, log=True),
    inner=Whole(1, 3),
    fuzz=Real(0.02, 0.2, log=True),
    off=Real(0.0, 2.0),
)
def own_subspaces(
    rng: np.random.Generator, sizes: list[int], *, dims: int, inner: int, fuzz: float, off: float
) -> Blocks:
    """Each cluster lies near a line, plane or room of its own; they cross, or nearly."""
    blocks = []
    for size in sizes:
        flat = sum_of_products(rng.normal(size=(size, inner)), directions(rng, dims, inner).T)
        shift = off * rng.normal(size=dims) / np.sqrt(dims)
        blocks.append(flat + shift + fuzz * rng.normal(size=(size, dims)) / np.sqrt(dims / inner))
    return blocks
