"""Different shapes in one picture, and pictures without clusters."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import (
    along,
    arc,
    box,
    disc,
    gaussian,
    log_uniform,
    moved,
    packed,
    polygon,
    random_angle,
    scattered,
    segment,
    turned,
    wandering_curve,
    wobbly_loop,
)
from gamac_meta.types import Floats

Shape = Callable[[np.random.Generator, int], Floats]

COMPACT: tuple[Shape, ...] = (
    lambda rng, n: 0.5 * gaussian(rng, n, rng.uniform(1.0, 3.0)),
    lambda rng, n: disc(rng, n) * [rng.uniform(0.4, 1.0), 1.0],
    lambda rng, n: box(rng, n, rng.uniform(0.6, 2.0), 1.2),
    lambda rng, n: polygon(rng, n, arc(0.0, 2.0 * np.pi)[:: int(rng.integers(60, 134))]),
)
THIN: tuple[Shape, ...] = (
    lambda rng, n: along(rng, n, arc(0.0, rng.uniform(2.0, 4.5)), rng.uniform(0.03, 0.12)),
    lambda rng, n: along(rng, n, arc(0.0, 2.0 * np.pi), rng.uniform(0.02, 0.1)),
    lambda rng, n: along(rng, n, segment(np.array([-1.0, 0.0]), np.array([1.0, 0.0])), rng.uniform(0.01, 0.08)),
    lambda rng, n: 1.8 * along(rng, n, wandering_curve(rng, rng.uniform(0.5, 1.8)), rng.uniform(0.01, 0.04)),
    lambda rng, n: 0.8 * along(rng, n, wobbly_loop(rng, 0.4), rng.uniform(0.02, 0.08)),
)


def _any(rng: np.random.Generator, shapes: tuple[Shape, ...], size: int) -> Floats:
    return shapes[int(rng.integers(len(shapes)))](rng, size)


@generator("mixtures", per_cluster=30, k=Whole(2, 14), gap=Real(-0.15, 0.4), ratio=Real(1.0, 6.0))
def mixed_shapes(rng: np.random.Generator, sizes: list[int], *, gap: float, ratio: float) -> Blocks:
    """Clouds, areas, lines, arcs and rings side by side."""
    scales = log_uniform(rng, ratio, len(sizes))
    return scattered(rng, [s * _any(rng, COMPACT + THIN, size) for s, size in zip(scales, sizes, strict=True)], gap)


@generator("mixtures", per_cluster=35, k=Whole(3, 10), thin=Real(0.2, 0.7), crowding=Real(0.35, 0.8))
def tangled_shapes(rng: np.random.Generator, sizes: list[int], *, thin: float, crowding: float) -> Blocks:
    """Compact and thin shapes that reach into each other's room."""
    blocks = [_any(rng, THIN if rng.uniform() < thin else COMPACT, size) for size in sizes]
    return scattered(rng, blocks, -crowding)


@generator("mixtures", per_cluster=25, k=Whole(3, 16), ratio=Real(5.0, 25.0, log=True), gap=Real(0.0, 0.3))
def giants_and_dwarfs(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float) -> Blocks:
    """One or two very large shapes among small ones; the large have more points, but not in proportion."""
    giants = 1 + int(rng.integers(2))
    order = np.argsort(-np.asarray(sizes), kind="stable")
    blocks: Blocks = [np.empty((0, 2))] * len(sizes)
    for rank, cluster in enumerate(order):
        scale = np.sqrt(ratio) * rng.uniform(0.7, 1.3) if rank < giants else rng.uniform(0.7, 1.3)
        blocks[cluster] = scale * _any(rng, COMPACT + THIN[:2], sizes[cluster])
    return scattered(rng, blocks, gap)


@generator("mixtures", per_cluster=30, k=Whole(3, 9), size=Real(0.1, 0.3), inside=Whole(0, 1))
def signs(rng: np.random.Generator, sizes: list[int], *, size: float, inside: int) -> Layers:
    """Marks within an outline, or around one: rows of small shapes framed by a loop."""
    frame, marks = sizes[0], sizes[1:]
    scales = size * rng.uniform(0.7, 1.3, len(marks))
    centers = packed(rng, scales, 0.4)
    blocks = [
        moved(turned(scale * _any(rng, COMPACT + THIN, count), random_angle(rng)), *center)
        for scale, center, count in zip(scales, centers, marks, strict=True)
    ]
    reach = np.max([np.quantile(np.hypot(*block.T), 0.98) for block in blocks])
    if inside:
        outline = along(rng, frame, wobbly_loop(rng, 0.1) * (reach + 0.25), 0.03)
    else:
        outline = moved(along(rng, frame, arc(0.3, 2.8, 1.2 * reach + 0.3), 0.04), 0.0, 0.0)
    return Layers([outline, *blocks], ([0] + [1] * len(marks),))


@generator("structureless", k=Whole(1, 1), sides=Whole(2, 7), ratio=Real(1.0, 5.0, log=True), hollow=Real(-0.5, 0.7))
def uniform_field(rng: np.random.Generator, sizes: list[int], *, sides: int, ratio: float, hollow: float) -> Blocks:
    """Points spread evenly over a disc, a disc with a hole, or a polygon."""
    if sides == 2:
        points = disc(rng, sizes[0], max(hollow, 0.0))
    else:
        angle = 2.0 * np.pi * np.arange(sides) / sides
        points = polygon(rng, sizes[0], np.column_stack([np.cos(angle), np.sin(angle)]))
    return [points * [ratio, 1.0]]


@generator("structureless", k=Whole(1, 1), ratio=Real(1.0, 8.0, log=True), tail=Real(2.0, 30.0, log=True))
def single_cloud(rng: np.random.Generator, sizes: list[int], *, ratio: float, tail: float) -> Blocks:
    """One cloud, normal or with heavier tails."""
    stretch = np.sqrt(tail / rng.chisquare(tail, sizes[0]))
    return [gaussian(rng, sizes[0], ratio) * np.minimum(stretch, 6.0)[:, None]]


@generator("structureless", k=Whole(1, 1), bend=Real(0.2, 2.0), width=Real(0.01, 0.15), closed=Whole(0, 1))
def single_curve(rng: np.random.Generator, sizes: list[int], *, bend: float, width: float, closed: int) -> Blocks:
    """One band, open or closed."""
    curve = wobbly_loop(rng, 0.3 * bend) if closed else 2.0 * wandering_curve(rng, bend)
    return [along(rng, sizes[0], curve, width, hard=width > 0.08)]


@generator("structureless", k=Whole(1, 1), power=Real(1.2, 4.0), slant=Real(0.0, 1.0))
def density_gradient(rng: np.random.Generator, sizes: list[int], *, power: float, slant: float) -> Blocks:
    """A field that grows denser toward one side or corner."""
    points = rng.uniform(0.0, 1.0, size=(sizes[0], 2))
    return [np.column_stack([points[:, 0] ** power, points[:, 1] ** (1.0 + (power - 1.0) * slant)])]
