"""Straight lines and free curves."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import (
    CURVE_POINTS,
    along,
    moved,
    scattered,
    segment,
    turned,
    wandering_curve,
    wobbly_loop,
)


@generator(
    "lines", per_cluster=25, k=Whole(2, 14), step=Real(0.08, 0.5), width=Real(0.01, 0.25), stagger=Real(0.0, 0.5)
)
def parallel_lines(rng: np.random.Generator, sizes: list[int], *, step: float, width: float, stagger: float) -> Blocks:
    """Stripes side by side; width in units of their distance, which is in units of their length."""
    line = segment(np.array([-0.5, 0.0]), np.array([0.5, 0.0]))
    uneven = rng.uniform(0.0, 0.3)
    return [
        moved(
            along(rng, size, rng.uniform(1.0 - stagger, 1.0) * line, width * step),
            stagger * rng.normal() * 0.5,
            step * (place + uneven * rng.uniform(-1.0, 1.0)),
        )
        for place, size in enumerate(sizes)
    ]


@generator("lines", per_cluster=35, k=Whole(2, 6), width=Real(0.005, 0.04), off=Real(0.0, 0.4))
def crossing_lines(rng: np.random.Generator, sizes: list[int], *, width: float, off: float) -> Blocks:
    """Lines that cross, at one point or at several."""
    k = len(sizes)
    line = segment(np.array([-1.0, 0.0]), np.array([1.0, 0.0]))
    return [
        moved(
            turned(along(rng, size, rng.uniform(0.6, 1.0) * line, width), np.pi * (place + rng.uniform(-0.3, 0.3)) / k),
            *(off * rng.normal(size=2)),
        )
        for place, size in enumerate(sizes)
    ]


@generator("lines", per_cluster=20, k=Whole(5, 40), width=Real(0.01, 0.12), gap=Real(-0.6, 0.2))
def scattered_sticks(rng: np.random.Generator, sizes: list[int], *, width: float, gap: float) -> Blocks:
    """Short lines in all directions."""
    line = segment(np.array([-1.0, 0.0]), np.array([1.0, 0.0]))
    return scattered(rng, [along(rng, size, rng.uniform(0.4, 1.2) * line, width) for size in sizes], gap)


@generator("lines", per_cluster=30, k=Whole(2, 7), width=Real(0.01, 0.12), teeth=Whole(1, 5), step=Real(0.25, 1.0))
def zigzags(rng: np.random.Generator, sizes: list[int], *, width: float, teeth: int, step: float) -> Blocks:
    """Broken lines side by side."""
    corners = np.column_stack([np.arange(teeth + 2.0), np.arange(teeth + 2) % 2])
    corners[:, 1] *= rng.uniform(0.5, 1.5)
    return [moved(along(rng, size, corners, width * step), 0.0, step * place) for place, size in enumerate(sizes)]


@generator(
    "curves", per_cluster=35, k=Whole(2, 8), width=Real(0.03, 0.22), step=Real(0.25, 1.2), periods=Real(0.5, 2.5)
)
def waves(rng: np.random.Generator, sizes: list[int], *, width: float, step: float, periods: float) -> Blocks:
    """Sine waves one above the other, in phase or not; width in units of their distance."""
    t = np.linspace(0.0, 1.0, CURVE_POINTS)
    drift = rng.uniform(0.0, 0.6)
    blocks = []
    for place, size in enumerate(sizes):
        wave = 0.5 * np.sin(2.0 * np.pi * periods * t + drift * rng.normal()) + step * place
        blocks.append(along(rng, size, np.column_stack([3.0 * t, wave]), width * step))
    return blocks


@generator("curves", per_cluster=35, k=Whole(2, 12), bend=Real(0.3, 3.5), width=Real(0.005, 0.05), gap=Real(-0.5, 0.3))
def free_curves(rng: np.random.Generator, sizes: list[int], *, bend: float, width: float, gap: float) -> Blocks:
    """Smooth curves that wander, thrown about."""
    blocks = [
        rng.uniform(0.6, 1.4) * along(rng, size, wandering_curve(rng, bend), width, hard=rng.uniform() < 0.5)
        for size in sizes
    ]
    return scattered(rng, blocks, gap)


@generator("curves", per_cluster=50, k=Whole(2, 8), wobble=Real(0.1, 0.7), width=Real(0.01, 0.1), inside=Real(0.0, 1.0))
def closed_contours(
    rng: np.random.Generator, sizes: list[int], *, wobble: float, width: float, inside: float
) -> Layers:
    """Wobbly closed curves; a share `inside` encloses a smaller copy or a cloud."""
    outlines: Blocks = []
    owners: list[int] = []
    place = 0
    while place < len(sizes):
        owner = owners[-1] + 1 if owners else 0
        outline = wobbly_loop(rng, wobble)
        parts = [along(rng, sizes[place], outline, width)]
        if rng.uniform() < inside and place + 1 < len(sizes):
            size = sizes[place + 1]
            cloud = rng.uniform() < 0.5
            parts.append(0.12 * rng.normal(size=(size, 2)) if cloud else along(rng, size, 0.45 * outline, width * 0.6))
        outlines.append(np.concatenate(parts))
        owners += [owner] * len(parts)
        place += len(parts)
    placed = scattered(rng, outlines, rng.uniform(-0.05, 0.4))
    blocks: Blocks = []
    for owner, points in enumerate(placed):
        members = [size for size, parent in zip(sizes, owners, strict=True) if parent == owner]
        blocks += np.split(points, np.cumsum(members)[:-1])
    return Layers(blocks, (owners,))


@generator("curves", per_cluster=40, k=Whole(2, 6), bend=Real(0.2, 1.2), width=Real(0.05, 0.3), step=Real(0.08, 0.3))
def river_bands(rng: np.random.Generator, sizes: list[int], *, bend: float, width: float, step: float) -> Blocks:
    """Bands that follow one bend side by side; width in units of their distance."""
    course = wandering_curve(rng, bend)
    chord = course[-1] - course[0]
    # more or less across the course, else the bands would slide into one
    direction = np.arctan2(chord[1], chord[0]) + np.pi / 2.0 + rng.uniform(-0.6, 0.6)
    across = step * np.array([np.cos(direction), np.sin(direction)])
    return [
        along(rng, size, course + place * across, width * step, hard=rng.uniform() < 0.5)
        for place, size in enumerate(sizes)
    ]
