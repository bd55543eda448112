"""Clouds bent by smooth maps of the plane, and shadows of clouds from more dimensions."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Real, Whole, generator
from corpus.generators._shapes import gaussian, log_uniform, random_angle, scattered, sum_of_products
from gamac_meta.types import Floats


def _through(blocks: Blocks, points: Floats) -> Blocks:
    """The rows of points cut into the sizes of the blocks."""
    return np.split(points, np.cumsum([len(block) for block in blocks])[:-1])


def _unit(points: Floats) -> Floats:
    centered = points - points.mean(axis=0)
    return np.asarray(centered / np.sqrt(np.mean(np.sum(centered**2, axis=1))))


@generator("warped", k=Whole(2, 12), gap=Real(-0.2, 0.4), force=Real(0.2, 0.9), waves=Real(0.6, 1.8))
def warped_clouds(rng: np.random.Generator, sizes: list[int], *, gap: float, force: float, waves: float) -> Blocks:
    """Clouds pushed about by a smooth random field."""
    blocks = scattered(rng, [gaussian(rng, size, rng.uniform(1.0, 4.0)) for size in sizes], gap)
    points = _unit(np.concatenate(blocks))
    for _ in range(3):
        angle, phase = random_angle(rng), random_angle(rng)
        along_wave = points[:, 0] * np.cos(angle) + points[:, 1] * np.sin(angle)
        push = force / waves * 0.5 * np.sin(2.0 * waves * along_wave + phase)
        points = points + np.column_stack([-np.sin(angle) * push, np.cos(angle) * push])
    return _through(blocks, points)


@generator("warped", per_cluster=25, k=Whole(2, 10), gap=Real(-0.2, 0.3), curl=Real(0.8, 2.8), inner=Real(0.2, 1.0))
def polar_warp(rng: np.random.Generator, sizes: list[int], *, gap: float, curl: float, inner: float) -> Blocks:
    """A plane of clouds rolled up: their abscissa becomes an angle."""
    blocks = scattered(rng, [gaussian(rng, size, rng.uniform(1.0, 6.0)) for size in sizes], gap)
    points = np.concatenate(blocks)
    low, high = np.quantile(points, [0.01, 0.99], axis=0)
    angle = np.pi * curl * ((points[:, 0] - low[0]) / (high[0] - low[0]) - 0.5) * 0.8
    radius = np.maximum(inner + (points[:, 1] - low[1]) / (high[1] - low[1]), 0.02)
    return _through(blocks, np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))


@generator("warped", k=Whole(2, 12), gap=Real(-0.2, 0.4), strength=Real(0.4, 1.3), both=Whole(0, 1))
def exponential_warp(rng: np.random.Generator, sizes: list[int], *, gap: float, strength: float, both: int) -> Blocks:
    """Clouds on a scale that should have been logarithmic: crowded at one side, spread out at the other."""
    blocks = scattered(rng, [gaussian(rng, size, rng.uniform(1.0, 3.0)) for size in sizes], gap)
    points = _unit(np.concatenate(blocks))
    stretched = points.copy()
    stretched[:, 0] = np.exp(strength * points[:, 0])
    if both:
        stretched[:, 1] = np.exp(strength * points[:, 1])
    return _through(blocks, stretched)


@generator("warped", per_cluster=30, k=Whole(2, 6), bend=Real(0.25, 1.4), ratio=Real(2.0, 8.0), gap=Real(-0.4, 0.2))
def bananas(rng: np.random.Generator, sizes: list[int], *, bend: float, ratio: float, gap: float) -> Blocks:
    """Long clouds bent into bananas."""
    blocks = []
    for size in sizes:
        cloud = gaussian(rng, size, ratio)
        cloud[:, 1] += bend * rng.choice([-1.0, 1.0]) * (cloud[:, 0] ** 2 / ratio - 1.0)
        blocks.append(cloud)
    return scattered(rng, blocks, gap)


def _orthogonal(matrix: Floats) -> Floats:
    """Two orthonormal columns from two columns (Gram-Schmidt)."""
    first = matrix[:, 0] / np.sqrt(np.sum(matrix[:, 0] ** 2))
    second = matrix[:, 1] - np.sum(first * matrix[:, 1]) * first
    return np.column_stack([first, second / np.sqrt(np.sum(second**2))])


def principal_plane(points: Floats, start: Floats) -> Floats:
    """(n, 2) projection on the two leading principal axes, found by subspace iteration from start (d, 2)."""
    centered = points - points.mean(axis=0)
    plane = _orthogonal(start)
    covariance = np.einsum("nd,ne->de", centered, centered) / len(points)
    for _ in range(60):
        plane = _orthogonal(sum_of_products(covariance, plane))
    return sum_of_products(centered, plane)


def _clouds(rng: np.random.Generator, sizes: list[int], dims: int, apart: float, unequal: float) -> Blocks:
    """Clouds in `dims` dimensions, centers `apart` from the middle, each with its own axes."""
    blocks = []
    for size in sizes:
        center = rng.normal(size=dims)
        center *= apart / np.sqrt(np.sum(center**2))
        axes = log_uniform(rng, unequal, dims)
        mixing = rng.normal(size=(dims, dims)) / np.sqrt(dims)
        blocks.append(center + sum_of_products(rng.normal(size=(size, dims)) * axes, mixing))
    return blocks


@generator("projections", k=Whole(2, 10), dims=Whole(4, 30), apart=Real(5.0, 16.0, log=True), unequal=Real(1.0, 9.0))
def principal_views(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, unequal: float) -> Blocks:
    """Clouds in four to thirty dimensions, seen on their principal plane."""
    blocks = _clouds(rng, sizes, dims, apart, unequal)
    return _through(blocks, principal_plane(np.concatenate(blocks), rng.normal(size=(dims, 2))))


@generator("projections", k=Whole(2, 8), dims=Whole(4, 30), apart=Real(3.0, 11.0), unequal=Real(1.0, 9.0))
def random_views(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, unequal: float) -> Blocks:
    """Clouds in four to thirty dimensions, seen from a random side."""
    # a random plane shows 2/dims of the squared distance between centers
    blocks = _clouds(rng, sizes, dims, apart * np.sqrt(dims / 4.0), unequal)
    return _through(blocks, sum_of_products(np.concatenate(blocks), _orthogonal(rng.normal(size=(dims, 2)))))


@generator("projections", k=Whole(2, 10), dims=Whole(4, 30), apart=Real(5.0, 16.0), gain=Real(0.15, 0.8))
def curved_views(rng: np.random.Generator, sizes: list[int], *, dims: int, apart: float, gain: float) -> Blocks:
    """Clouds in four to thirty dimensions through a bounded map, seen on the principal plane of what comes out."""
    blocks = _clouds(rng, sizes, dims, apart, 3.0)
    inner = rng.normal(size=(dims, dims)) * gain
    hidden = np.tanh(sum_of_products(np.concatenate(blocks), inner) + rng.normal(size=dims))
    return _through(blocks, principal_plane(hidden, rng.normal(size=(dims, 2))))


@generator("projections", k=Whole(3, 16), dims=Whole(4, 12), fuzz=Real(0.08, 0.45, log=True), keep=Real(0.3, 0.7))
def corner_views(rng: np.random.Generator, sizes: list[int], *, dims: int, fuzz: float, keep: float) -> Blocks:
    """Clouds on corners of a box in many dimensions, as tables of yes and no give, on their principal plane."""
    size_of = 1.0 + rng.exponential(1.0, dims)
    blocks = [
        size_of * (rng.uniform(size=dims) < keep) + fuzz * size_of.mean() * rng.normal(size=(size, dims))
        for size in sizes
    ]
    return _through(blocks, principal_plane(np.concatenate(blocks), rng.normal(size=(dims, 2))))
