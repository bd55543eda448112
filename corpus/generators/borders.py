"""Clusters that a faint border parts: a belt hardly wider than the spacing of points, or a step of density."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Real, Whole, generator
from corpus.generators._shapes import box, disc, moved


@generator(
    "faint_borders",
    collection="borders",
    per_cluster=200,
    k=Whole(2, 3),
    belt=Real(0.0, 4.0),
    ratio=Real(0.2, 8.0, log=True),
    flat=Real(1.0, 2.0),
    square=Whole(0, 1),
)
def rims(rng: np.random.Generator, sizes: list[int], *, belt: float, ratio: float, flat: float, square: int) -> Blocks:
    """A disc or a box in a rim, perhaps in another: each `ratio` times as dense as the next, a belt between.

    belt: in units of the spacing of points on its denser side.
    """
    density = ratio ** -np.arange(len(sizes), dtype=np.float64)
    blocks: Blocks = []
    inner = 0.0
    for size, own in zip(sizes, density, strict=True):
        # of the unit disc or box, radius 1: as many points on the area as the density asks for
        area = 4.0 if square else np.pi
        outer = float(np.sqrt(inner**2 + size / own / area))
        blocks.append(_rim(rng, size, inner / outer, square) * outer * [flat, 1.0])
        inner = outer + belt / np.sqrt(max(own, own / ratio))
    return blocks


def _rim(rng: np.random.Generator, size: int, hole: float, square: int) -> np.ndarray:
    """(size, 2) even in the disc or box of radius 1, but for a hole of the same shape."""
    if not square:
        return disc(rng, size, hole)
    kept: list[np.ndarray] = []
    while len(kept) < size:
        drawn = rng.uniform(-1.0, 1.0, size=(size, 2))
        kept += list(drawn[np.abs(drawn).max(axis=1) >= hole])
    return np.array(kept[:size])


@generator(
    "faint_borders",
    collection="borders",
    per_cluster=120,
    k=Whole(2, 5),
    belt=Real(0.5, 5.0),
    wave=Real(0.0, 0.3),
    tall=Real(0.6, 2.0),
)
def wavy_stripes(rng: np.random.Generator, sizes: list[int], *, belt: float, wave: float, tall: float) -> Blocks:
    """A field cut into stripes by winding belts; as dense everywhere, belts in units of the spacing of points."""
    height = tall * np.sqrt(sum(sizes) / len(sizes))
    turns, phase = rng.uniform(0.3, 1.5), rng.uniform(0.0, 2.0 * np.pi)
    blocks: Blocks = []
    start = 0.0
    for size in sizes:
        width = size / height
        block = moved(box(rng, size, width, height), start + width / 2.0, 0.0)
        block[:, 0] += wave * height * np.sin(2.0 * np.pi * turns * block[:, 1] / height + phase)
        blocks.append(block)
        start += width + belt
    return blocks


@generator(
    "faint_borders",
    collection="borders",
    per_cluster=120,
    k=Whole(2, 6),
    belt=Real(0.5, 5.0),
    hole=Real(0.0, 0.6),
)
def sectors(rng: np.random.Generator, sizes: list[int], *, belt: float, hole: float) -> Blocks:
    """A disc or ring cut into sectors that are moved apart by a belt, in units of the spacing of points."""
    edges = 2.0 * np.pi * np.concatenate([[0.0], np.cumsum(sizes)]) / sum(sizes) + rng.uniform(0.0, 2.0 * np.pi)
    radius = np.sqrt(sum(sizes) / np.pi / (1.0 - hole**2))
    blocks: Blocks = []
    for size, start, stop in zip(sizes, edges[:-1], edges[1:], strict=True):
        angle = rng.uniform(start, stop, size)
        distance = radius * np.sqrt(rng.uniform(hole**2, 1.0, size))
        sector = distance[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
        # moved along its middle until its sides stand half a belt from where they were
        apart = 0.5 * belt / max(float(np.sin(min(stop - start, np.pi) / 2.0)), 0.2)
        middle = (start + stop) / 2.0
        blocks.append(moved(sector, apart * float(np.cos(middle)), apart * float(np.sin(middle))))
    return blocks
