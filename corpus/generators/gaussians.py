"""Gaussian clusters: round, unequal, overlapping; long, parallel, fanned out; crowds of twenty and more."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Real, Whole, generator
from corpus.generators._shapes import along, arc, box, disc, gaussian, log_uniform, moved, scattered, turned


@generator("gaussians", k=Whole(2, 12), gap=Real(-0.35, 0.7))
def isotropic_gaussians(rng: np.random.Generator, sizes: list[int], *, gap: float) -> Blocks:
    """Round clouds of one spread, apart or just touching."""
    return scattered(rng, [gaussian(rng, size) for size in sizes], gap)


@generator("gaussians", k=Whole(2, 12), ratio=Real(3.0, 30.0, log=True), gap=Real(-0.15, 0.6))
def unequal_gaussians(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float) -> Blocks:
    """Round clouds whose spreads differ up to `ratio`-fold."""
    spreads = log_uniform(rng, ratio, len(sizes))
    return scattered(rng, [spread * gaussian(rng, size) for spread, size in zip(spreads, sizes, strict=True)], gap)


@generator("gaussians", k=Whole(2, 8), gap=Real(-0.55, -0.2), ratio=Real(1.0, 3.0))
def overlapping_gaussians(rng: np.random.Generator, sizes: list[int], *, gap: float, ratio: float) -> Blocks:
    """Clouds that run into each other, some beyond telling apart."""
    spreads = log_uniform(rng, ratio, len(sizes))
    blocks = [s * gaussian(rng, size, rng.uniform(1.0, ratio)) for s, size in zip(spreads, sizes, strict=True)]
    return scattered(rng, blocks, gap)


@generator("gaussians", k=Whole(2, 10), ratio=Real(4.0, 40.0, log=True), gap=Real(-0.3, 0.5))
def main_and_minor_gaussians(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float) -> Blocks:
    """Clouds equally dense whatever their size, so that the small ones are easily swallowed."""
    k = len(sizes)
    weights = ratio ** -rng.permutation(np.linspace(0.0, 1.0, k))
    # regroup the same points by other weights; each cloud keeps eight
    cuts = np.round(np.cumsum(weights) / weights.sum() * (sum(sizes) - 8 * k)).astype(int)
    counts = 8 + np.diff(cuts, prepend=0)
    return scattered(rng, [np.sqrt(count) * gaussian(rng, int(count)) for count in counts], gap)


@generator("elongated", k=Whole(2, 12), ratio=Real(2.0, 12.0, log=True), gap=Real(-0.5, 0.2))
def anisotropic_gaussians(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float) -> Blocks:
    """Long clouds, each in its own direction."""
    return scattered(rng, [gaussian(rng, size, ratio * rng.uniform(0.6, 1.4)) for size in sizes], gap)


@generator("elongated", k=Whole(2, 8), ratio=Real(3.0, 25.0, log=True), gap=Real(3.0, 9.0), shift=Real(0.0, 1.0))
def parallel_ellipses(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float, shift: float) -> Blocks:
    """Long clouds side by side, shifted along their length; gap in units of their thickness."""
    length = np.sqrt(ratio)
    return [
        moved(
            gaussian(rng, size, ratio),
            shift * length * rng.normal(),
            gap / length * (place + rng.uniform(-0.15, 0.15)),
        )
        for place, size in enumerate(sizes)
    ]


@generator("elongated", k=Whole(2, 7), ratio=Real(4.0, 20.0, log=True), hub=Real(0.6, 2.5), spread=Real(0.4, 1.0))
def fans(rng: np.random.Generator, sizes: list[int], *, ratio: float, hub: float, spread: float) -> Blocks:
    """Long clouds that point to one center, like petals or the ribs of a fan."""
    angles = 2.0 * np.pi * spread * np.arange(len(sizes)) / len(sizes)
    return [
        turned(moved(gaussian(rng, size, ratio), (1.3 + hub) * np.sqrt(ratio), 0.0), angle)
        for angle, size in zip(angles, sizes, strict=True)
    ]


@generator("elongated", per_cluster=30, k=Whole(2, 6), ratio=Real(4.0, 40.0, log=True), off=Real(0.0, 0.6))
def crossing_ellipses(rng: np.random.Generator, sizes: list[int], *, ratio: float, off: float) -> Blocks:
    """Long clouds that cross, at one point or nearly."""
    k = len(sizes)
    return [
        moved(
            gaussian(rng, size, ratio, np.pi * (place + rng.uniform(-0.25, 0.25)) / k),
            *(off * np.sqrt(ratio) * rng.normal(size=2)),
        )
        for place, size in enumerate(sizes)
    ]


@generator("crowds", k=Whole(20, 50), gap=Real(-0.45, 0.3), ratio=Real(1.0, 4.0), length=Real(1.0, 4.0))
def many_gaussians(rng: np.random.Generator, sizes: list[int], *, gap: float, ratio: float, length: float) -> Blocks:
    """Twenty to fifty clouds."""
    spreads = log_uniform(rng, ratio, len(sizes))
    blocks = [s * gaussian(rng, size, rng.uniform(1.0, length)) for s, size in zip(spreads, sizes, strict=True)]
    return scattered(rng, blocks, gap)


@generator("crowds", k=Whole(15, 45), gap=Real(-0.05, 0.5), ratio=Real(1.0, 5.0), hard=Real(0.0, 1.0))
def many_patches(rng: np.random.Generator, sizes: list[int], *, gap: float, ratio: float, hard: float) -> Blocks:
    """Fifteen to forty-five small discs, boxes and clouds; a share `hard` has sharp edges."""
    blocks = []
    for spread, size in zip(log_uniform(rng, ratio, len(sizes)), sizes, strict=True):
        if rng.uniform() > hard:
            block = 0.5 * gaussian(rng, size, rng.uniform(1.0, 3.0))
        elif rng.uniform() < 0.5:
            block = disc(rng, size)
        else:
            block = box(rng, size, rng.uniform(1.0, 3.0), 1.5)
        blocks.append(spread * block)
    return scattered(rng, blocks, gap)


@generator("crowds", k=Whole(8, 36), spread=Real(0.08, 0.28), wobble=Real(0.0, 0.2))
def circle_of_blobs(rng: np.random.Generator, sizes: list[int], *, spread: float, wobble: float) -> Blocks:
    """Clouds on the rim of a circle; spread is in units of the distance between neighbors."""
    k = len(sizes)
    angles = 2.0 * np.pi * (np.arange(k) + rng.uniform(-wobble, wobble, k)) / k
    spacing = 2.0 * np.sin(np.pi / k)
    return [
        turned(moved(spread * spacing * gaussian(rng, size), 1.0 + wobble * spacing * rng.normal(), 0.0), angle)
        for angle, size in zip(angles, sizes, strict=True)
    ]


@generator(
    "crowds", per_cluster=20, k=Whole(12, 40), gap=Real(-0.25, 0.3), width=Real(0.03, 0.15), straight=Real(0.0, 1.0)
)
def many_strokes(rng: np.random.Generator, sizes: list[int], *, gap: float, width: float, straight: float) -> Blocks:
    """Twelve to forty short strokes, straight or bent, and loops."""
    blocks = []
    for size in sizes:
        opening = rng.uniform(0.2, 0.6) if rng.uniform() < straight else rng.uniform(1.5, 6.28)
        blocks.append(rng.uniform(0.7, 1.4) * along(rng, size, arc(0.0, opening, 1.5 / np.sqrt(opening)), width))
    return scattered(rng, blocks, gap)
