"""The pieces that families are made of. All sample with a generator passed in; none uses a matrix product,
whose last digits depend on the number of threads."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks
from gamac_meta.types import Floats

CURVE_POINTS = 400


def turned(X: Floats, angle: float) -> Floats:
    """(n, 2) points turned about the origin."""
    cos, sin = np.cos(angle), np.sin(angle)
    return np.column_stack([cos * X[:, 0] - sin * X[:, 1], sin * X[:, 0] + cos * X[:, 1]])


def sum_of_products(X: Floats, matrix: Floats) -> Floats:
    """(n, e) points (n, d) times a matrix (d, e)."""
    # einsum keeps one order of summation whatever the number of threads; a matrix product does not
    return np.asarray(np.einsum("nd,de->ne", X, matrix))


def directions(rng: np.random.Generator, dims: int, count: int) -> Floats:
    """(dims, count) random orthonormal columns (Gram-Schmidt)."""
    columns: list[Floats] = []
    for column in rng.normal(size=(count, dims)):
        for _ in range(2):  # once more for the rounding of the first time
            for other in columns:
                column = column - np.sum(column * other) * other
        columns.append(column / np.sqrt(np.sum(column**2)))
    return np.column_stack(columns)


def moved(X: Floats, x: float, y: float) -> Floats:
    """(n, 2) points moved by (x, y)."""
    return np.asarray(X + np.array([x, y]))


def random_angle(rng: np.random.Generator) -> float:
    return float(rng.uniform(0.0, 2.0 * np.pi))


def log_uniform(rng: np.random.Generator, ratio: float, size: int) -> Floats:
    """(size,) factors between 1/sqrt(ratio) and sqrt(ratio)."""
    return np.asarray(ratio ** rng.uniform(-0.5, 0.5, size))


def gaussian(rng: np.random.Generator, n: int, ratio: float = 1.0, angle: float = 0.0) -> Floats:
    """(n, 2) normal points of unit area; the axes differ by `ratio`."""
    axes = np.array([np.sqrt(ratio), 1.0 / np.sqrt(ratio)])
    return turned(rng.normal(size=(n, 2)) * axes, angle)


def disc(rng: np.random.Generator, n: int, inner: float = 0.0) -> Floats:
    """(n, 2) points uniform in the unit disc without the disc of radius `inner`."""
    radius = np.sqrt(rng.uniform(inner**2, 1.0, size=n))
    angle = rng.uniform(0.0, 2.0 * np.pi, n)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def ball(rng: np.random.Generator, n: int, dims: int) -> Floats:
    """(n, dims) points uniform in the unit ball."""
    points = rng.normal(size=(n, dims))
    radius = rng.uniform(size=(n, 1)) ** (1.0 / dims)
    return np.asarray(points / np.sqrt(np.sum(points**2, axis=1, keepdims=True)) * radius)


def student(rng: np.random.Generator, n: int, dims: int, freedom: float) -> Floats:
    """(n, dims) points of the multivariate Student distribution: normal, with far tails."""
    points = rng.normal(size=(n, dims))
    return np.asarray(points / np.sqrt(rng.chisquare(freedom, size=(n, 1)) / freedom))


def box(rng: np.random.Generator, n: int, width: float = 2.0, height: float = 2.0) -> Floats:
    """(n, 2) points uniform in a rectangle about the origin."""
    return np.asarray(rng.uniform(-0.5, 0.5, size=(n, 2)) * np.array([width, height]))


def polygon(rng: np.random.Generator, n: int, corners: Floats) -> Floats:
    """(n, 2) points uniform in a polygon that is star-shaped about the mean of its corners (c, 2)."""
    center = corners.mean(axis=0)
    first, second = corners - center, np.roll(corners, -1, axis=0) - center
    area = np.abs(first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0])
    which = rng.choice(len(corners), size=n, p=area / area.sum())
    u, v = rng.uniform(size=(2, n))
    u, v = np.where(u + v > 1.0, 1.0 - u, u), np.where(u + v > 1.0, 1.0 - v, v)
    return np.asarray(center + u[:, None] * first[which] + v[:, None] * second[which])


def arc(start: float, stop: float, radius: float = 1.0) -> Floats:
    """(c, 2) a circular arc about the origin."""
    angle = np.linspace(start, stop, CURVE_POINTS)
    return np.asarray(radius * np.column_stack([np.cos(angle), np.sin(angle)]))


def segment(first: Floats, second: Floats) -> Floats:
    """(2, 2) a straight line."""
    return np.array([first, second], dtype=float)


def wandering_curve(rng: np.random.Generator, bend: float) -> Floats:
    """(c, 2) a smooth curve of length one about the origin; `bend` is the root mean square turn in radians."""
    t = np.linspace(0.0, 1.0, CURVE_POINTS)
    heading = np.zeros(CURVE_POINTS)
    for wave in range(1, 4):
        heading += rng.normal() * np.sin(np.pi * wave * t + random_angle(rng)) / wave
    heading *= bend
    steps = np.column_stack([np.cos(heading), np.sin(heading)]) / CURVE_POINTS
    curve = np.cumsum(steps, axis=0)
    return np.asarray(curve - curve.mean(axis=0))


def wobbly_loop(rng: np.random.Generator, wobble: float) -> Floats:
    """(c, 2) a closed curve about the origin, a circle for wobble 0."""
    angle = np.linspace(0.0, 2.0 * np.pi, CURVE_POINTS)
    radius = np.ones(CURVE_POINTS)
    for wave in range(2, 6):
        radius += wobble * rng.normal() / wave * np.cos(wave * angle + random_angle(rng))
    radius = np.maximum(radius, 0.15)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


def along(rng: np.random.Generator, n: int, curve: Floats, width: float, *, hard: bool = False) -> Floats:
    """(n, 2) points spread evenly along a curve (c, 2), `width` off it: normally, or uniformly if hard."""
    steps = np.diff(curve, axis=0)
    lengths = np.sqrt(np.sum(steps**2, axis=1))
    reached = np.concatenate([[0.0], np.cumsum(lengths)])
    place = rng.uniform(0.0, reached[-1], n)
    on_curve = np.column_stack([np.interp(place, reached, curve[:, axis]) for axis in (0, 1)])
    if hard:
        which = np.clip(np.searchsorted(reached, place, side="right") - 1, 0, len(steps) - 1)
        normal = steps[which][:, ::-1] * np.array([-1.0, 1.0]) / lengths[which][:, None]
        return np.asarray(on_curve + normal * rng.uniform(-width, width, size=(n, 1)))
    return np.asarray(on_curve + width * rng.normal(size=(n, 2)))


def packed(rng: np.random.Generator, radii: Floats, gap: float) -> Floats:
    """(k, 2) random centers of circles (k,) that stay apart by `gap` times the sum of their radii."""
    radii = np.asarray(radii, dtype=float)
    centers = np.zeros((len(radii), 2))
    side = 1.2 * np.sqrt(np.pi * np.sum(((1.0 + gap) * radii) ** 2))
    placed: list[int] = []
    for circle in np.argsort(-radii, kind="stable"):
        while True:
            trials = rng.uniform(-side / 2.0, side / 2.0, size=(30, 2))
            away = np.hypot(*(trials[:, None, :] - centers[placed][None, :, :]).transpose(2, 0, 1))
            free = np.all(away >= (1.0 + gap) * (radii[circle] + radii[placed]), axis=1)
            if free.any():
                break
            side *= 1.05
        centers[circle] = trials[free.argmax()]
        placed.append(int(circle))
    return centers


def scattered(rng: np.random.Generator, blocks: Blocks, gap: float, *, turn: bool = True) -> Blocks:
    """Blocks turned at random and moved apart; gap 0 lets their circles touch, below 0 overlap."""
    shapes = [turned(block - block.mean(axis=0), random_angle(rng) if turn else 0.0) for block in blocks]
    radii = np.array([np.quantile(np.hypot(*shape.T), 0.97) for shape in shapes])
    return [shape + center for shape, center in zip(shapes, packed(rng, radii, gap), strict=True)]
