"""Moons and other arcs, rings, spirals."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import (
    CURVE_POINTS,
    along,
    arc,
    disc,
    gaussian,
    moved,
    packed,
    scattered,
    turned,
)


@generator("arcs", per_cluster=40, k=Whole(2, 2), width=Real(0.02, 0.16), across=Real(0.6, 1.3), down=Real(-0.2, 0.6))
def moons(rng: np.random.Generator, sizes: list[int], *, width: float, across: float, down: float) -> Blocks:
    """Two half circles that reach into each other."""
    upper = along(rng, sizes[0], arc(0.0, np.pi), width)
    lower = along(rng, sizes[1], arc(np.pi, 2.0 * np.pi), width)
    return [upper, moved(lower, across, down)]


@generator("arcs", per_cluster=40, k=Whole(2, 6), width=Real(0.02, 0.22), opening=Real(0.8, 5.5), step=Real(0.6, 1.4))
def concentric_arcs(rng: np.random.Generator, sizes: list[int], *, width: float, opening: float, step: float) -> Blocks:
    """Arcs about one center, like a rainbow, each opened in its own direction or all in one."""
    drift = rng.uniform(0.0, 1.5)
    blocks = []
    for place, size in enumerate(sizes):
        start = rng.normal() * drift
        blocks.append(along(rng, size, arc(start, start + opening, 1.0 + step * place), width * step))
    return blocks


@generator("arcs", per_cluster=35, k=Whole(3, 14), width=Real(0.03, 0.15), step=Real(0.75, 1.3), lift=Real(0.0, 0.4))
def interleaved_arcs(rng: np.random.Generator, sizes: list[int], *, width: float, step: float, lift: float) -> Blocks:
    """A chain of half circles, by turns open above and below."""
    return [
        moved(
            along(rng, size, arc(0.0, np.pi) * [1.0, 1.0 if place % 2 else -1.0], width),
            step * place,
            lift if place % 2 == 0 else 0.0,
        )
        for place, size in enumerate(sizes)
    ]


@generator("arcs", per_cluster=30, k=Whole(4, 24), width=Real(0.02, 0.15), opening=Real(1.5, 4.5), gap=Real(-0.3, 0.3))
def strewn_arcs(rng: np.random.Generator, sizes: list[int], *, width: float, opening: float, gap: float) -> Blocks:
    """Arcs of all sizes thrown about."""
    blocks = [
        rng.uniform(0.6, 1.5) * along(rng, size, arc(0.0, opening * rng.uniform(0.7, 1.3)), width) for size in sizes
    ]
    return scattered(rng, blocks, gap)


@generator("rings", per_cluster=50, k=Whole(2, 6), width=Real(0.03, 0.3), step=Real(0.4, 1.6), core=Whole(0, 1))
def concentric_rings(rng: np.random.Generator, sizes: list[int], *, width: float, step: float, core: int) -> Blocks:
    """Rings about one center, with a filled core or without; width in units of the step."""
    blocks = []
    for place, size in enumerate(sizes):
        if core and place == 0:
            blocks.append(0.5 * disc(rng, size))
        else:
            blocks.append(along(rng, size, arc(0.0, 2.0 * np.pi, 1.0 + step * place), width * step))
    return blocks


@generator("rings", per_cluster=50, k=Whole(2, 7), width=Real(0.015, 0.12), step=Real(1.1, 1.9), round_trip=Whole(0, 1))
def linked_rings(rng: np.random.Generator, sizes: list[int], *, width: float, step: float, round_trip: int) -> Layers:
    """Rings that cross their neighbors, in a row or in a circle."""
    k = len(sizes)
    blocks = []
    for place, size in enumerate(sizes):
        ring = along(rng, size, arc(0.0, 2.0 * np.pi), width)
        if round_trip and k > 2:
            angle = 2.0 * np.pi * place / k
            radius = step / (2.0 * np.sin(np.pi / k))
            blocks.append(moved(ring, radius * np.cos(angle), radius * np.sin(angle)))
        else:
            blocks.append(moved(ring, step * place, rng.normal() * 0.2))
    return Layers(blocks, ([0] * k,))


@generator("rings", per_cluster=35, k=Whole(2, 16), width=Real(0.02, 0.15), core=Real(0.15, 0.45), gap=Real(0.05, 0.6))
def rings_with_cores(rng: np.random.Generator, sizes: list[int], *, width: float, core: float, gap: float) -> Layers:
    """Rings apart from each other, each about a dense core."""
    k = len(sizes)
    owners = [place // 2 for place in range(k)]
    scale = rng.uniform(0.5, 1.5, size=owners[-1] + 1)
    centers = packed(rng, scale, gap)
    blocks = []
    for place, (size, owner) in enumerate(zip(sizes, owners, strict=True)):
        # an odd one out is a ring alone
        ring = place % 2 == 0
        block = along(rng, size, arc(0.0, 2.0 * np.pi), width) if ring else 0.5 * core * gaussian(rng, size)
        blocks.append(moved(scale[owner] * block, *centers[owner]))
    return Layers(blocks, (owners,))


@generator("rings", per_cluster=35, k=Whole(3, 15), width=Real(0.01, 0.15), gap=Real(-0.05, 0.4), oval=Real(1.0, 2.5))
def strewn_rings(rng: np.random.Generator, sizes: list[int], *, width: float, gap: float, oval: float) -> Blocks:
    """Rings and ovals of all sizes, apart."""
    blocks = [
        rng.uniform(0.5, 1.6) * along(rng, size, arc(0.0, 2.0 * np.pi) * [rng.uniform(1.0, oval), 1.0], width)
        for size in sizes
    ]
    return scattered(rng, blocks, gap)


def _spiral(turns: float, inner: float, power: float) -> np.ndarray:
    """(c, 2) a spiral from radius `inner` to one."""
    t = np.linspace(0.0, 1.0, CURVE_POINTS)
    radius = inner + (1.0 - inner) * t**power
    angle = 2.0 * np.pi * turns * t
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


@generator(
    "spirals",
    per_cluster=60,
    k=Whole(2, 5),
    turns=Real(0.4, 2.2),
    inner=Real(0.05, 0.35),
    power=Real(0.7, 1.3),
    width=Real(0.02, 0.16),
)
def spirals(
    rng: np.random.Generator, sizes: list[int], *, turns: float, inner: float, power: float, width: float
) -> Blocks:
    """Arms that wind about one center; width in units of the distance between arms."""
    k = len(sizes)
    apart = (1.0 - inner) / max(turns * k, 1.0)
    return [
        turned(along(rng, size, _spiral(turns, inner, power), width * apart), 2.0 * np.pi * place / k)
        for place, size in enumerate(sizes)
    ]


@generator("spirals", per_cluster=70, k=Whole(2, 4), turns=Real(0.8, 2.2), width=Real(0.02, 0.14), core=Real(0.08, 0.3))
def spiral_about_core(rng: np.random.Generator, sizes: list[int], *, turns: float, width: float, core: float) -> Blocks:
    """Spiral arms about a compact core, or one arm that coils round it."""
    arms = len(sizes) - 1
    apart = (1.0 - core - 0.15) / max(turns * arms, 1.0)
    blocks = [0.5 * core * gaussian(rng, sizes[0])]
    for place, size in enumerate(sizes[1:]):
        arm = along(rng, size, _spiral(turns, core + 0.15, 1.0), width * apart)
        blocks.append(turned(arm, 2.0 * np.pi * place / arms))
    return blocks


@generator("spirals", per_cluster=60, k=Whole(2, 8), turns=Real(0.6, 1.8), width=Real(0.01, 0.06), gap=Real(-0.1, 0.4))
def separate_coils(rng: np.random.Generator, sizes: list[int], *, turns: float, width: float, gap: float) -> Blocks:
    """Coils wound up each about its own center, some left and some right."""
    blocks = []
    for size in sizes:
        coil = along(rng, size, _spiral(turns * rng.uniform(0.8, 1.2), 0.1, 1.0), width)
        blocks.append(rng.uniform(0.6, 1.4) * coil * [1.0, rng.choice([-1.0, 1.0])])
    return scattered(rng, blocks, gap)


@generator(
    "spirals", per_cluster=60, k=Whole(2, 4), turns=Real(0.3, 0.8), spread=Real(0.05, 0.22), bulge=Real(0.1, 0.4)
)
def galaxies(rng: np.random.Generator, sizes: list[int], *, turns: float, spread: float, bulge: float) -> Blocks:
    """Arms that widen and thin out as they wind outward from near the center."""
    k = len(sizes)
    blocks = []
    for place, size in enumerate(sizes):
        t = rng.uniform(0.0, 1.0, size)
        angle = 2.0 * np.pi * (turns * t + place / k) + rng.normal(size=size) * spread * 3.0 / k
        radius = bulge + t + 0.3 * spread * rng.normal(size=size)
        blocks.append(np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))
    return blocks
