"""Clusters under heavy noise: the collection adds 15 to 50 % of points that belong to none."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Real, Whole, generator
from corpus.generators._shapes import (
    along,
    arc,
    box,
    disc,
    gaussian,
    log_uniform,
    scattered,
    wandering_curve,
    wobbly_loop,
)


@generator("heavy_noise", collection="noisy", per_cluster=25, k=Whole(2, 12), ratio=Real(1.0, 5.0), gap=Real(-0.1, 0.8))
def clouds_in_noise(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float) -> Blocks:
    """Round and long clouds of different spread."""
    spreads = log_uniform(rng, ratio, len(sizes))
    return scattered(
        rng, [s * gaussian(rng, size, rng.uniform(1.0, 4.0)) for s, size in zip(spreads, sizes, strict=True)], gap
    )


@generator("heavy_noise", collection="noisy", per_cluster=35, k=Whole(1, 8), gap=Real(0.0, 0.5), hard=Real(0.0, 1.0))
def areas_in_noise(rng: np.random.Generator, sizes: list[int], *, gap: float, hard: float) -> Blocks:
    """Discs, boxes and rings of even density; a share `hard` is filled."""
    blocks = []
    for size in sizes:
        if rng.uniform() > hard:
            blocks.append(along(rng, size, wobbly_loop(rng, 0.2), rng.uniform(0.03, 0.12)))
        elif rng.uniform() < 0.5:
            blocks.append(disc(rng, size))
        else:
            blocks.append(box(rng, size, rng.uniform(0.8, 2.5), 1.5))
    return scattered(rng, blocks, gap)


@generator("heavy_noise", collection="noisy", per_cluster=40, k=Whole(1, 6), bend=Real(0.0, 2.0), gap=Real(-0.5, 0.2))
def curves_in_noise(rng: np.random.Generator, sizes: list[int], *, bend: float, gap: float) -> Blocks:
    """Lines, arcs and wandering curves."""
    blocks = []
    for size in sizes:
        curve = wandering_curve(rng, bend) if rng.uniform() < 0.6 else 0.4 * arc(0.0, rng.uniform(1.0, 5.5))
        blocks.append(along(rng, size, curve, rng.uniform(0.008, 0.03)))
    return scattered(rng, blocks, gap)


@generator("heavy_noise", collection="noisy", per_cluster=20, k=Whole(15, 40), gap=Real(0.0, 0.8), ratio=Real(1.0, 4.0))
def crowds_in_noise(rng: np.random.Generator, sizes: list[int], *, gap: float, ratio: float) -> Blocks:
    """Fifteen to forty small clouds."""
    spreads = log_uniform(rng, ratio, len(sizes))
    return scattered(rng, [s * gaussian(rng, size) for s, size in zip(spreads, sizes, strict=True)], gap)
