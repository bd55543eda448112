"""Skewed and heavy-tailed clouds, outliers, and the traces of walks."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import disc, gaussian, log_uniform, moved, random_angle, scattered, turned


@generator("tails", k=Whole(2, 9), skew=Real(0.3, 1.1), gap=Real(-0.4, 0.4), common=Whole(0, 1))
def skewed_clouds(rng: np.random.Generator, sizes: list[int], *, skew: float, gap: float, common: int) -> Blocks:
    """Log-normal clouds with a steep and a flat side, all leaning one way or each its own."""
    blocks = [np.exp(skew * rng.normal(size=(size, 2))) * [1.0, rng.uniform(0.4, 1.0)] for size in sizes]
    return scattered(rng, blocks, gap, turn=not common)


@generator("tails", k=Whole(2, 9), freedom=Real(1.5, 6.0), gap=Real(-0.4, 0.4))
def heavy_tails(rng: np.random.Generator, sizes: list[int], *, freedom: float, gap: float) -> Blocks:
    """Student clouds: a dense middle and stragglers far out."""
    blocks = []
    for size in sizes:
        stretch = np.sqrt(freedom / rng.chisquare(freedom, size))
        blocks.append(gaussian(rng, size, rng.uniform(1.0, 3.0)) * np.minimum(stretch, 8.0)[:, None])
    return scattered(rng, blocks, gap)


@generator("tails", k=Whole(2, 8), share=Real(0.01, 0.1), far=Real(2.0, 8.0), gap=Real(-0.1, 0.8))
def outliers(rng: np.random.Generator, sizes: list[int], *, share: float, far: float, gap: float) -> Layers:
    """Clouds and, far outside, single points that belong to none."""
    lost = [max(1, round(share * size)) for size in sizes]
    kept = [size - count for size, count in zip(sizes, lost, strict=True)]
    blocks = scattered(rng, [gaussian(rng, size, rng.uniform(1.0, 4.0)) for size in kept], gap)
    reach = np.abs(np.concatenate(blocks)).max()
    angle = rng.uniform(0.0, 2.0 * np.pi, sum(lost))
    radius = reach * (1.2 + (far - 1.2) * rng.uniform(0.0, 1.0, sum(lost)) ** 2)
    return Layers(blocks, stray=np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]))


@generator("tails", k=Whole(2, 8), decay=Real(0.3, 1.6), gap=Real(-0.2, 0.5))
def comets(rng: np.random.Generator, sizes: list[int], *, decay: float, gap: float) -> Blocks:
    """A round head with a tail that widens and thins out."""
    blocks = []
    for size in sizes:
        head = size // 2
        along_tail = rng.exponential(decay * 4.0, size - head)
        tail = np.column_stack([along_tail, (0.4 + 0.15 * along_tail) * rng.normal(size=size - head)])
        blocks.append(np.concatenate([0.5 * gaussian(rng, head), tail]))
    return scattered(rng, blocks, gap)


@generator("walks", per_cluster=40, k=Whole(2, 8), memory=Real(0.0, 0.95), gap=Real(-0.4, 0.2), blur=Real(0.0, 1.0))
def random_walks(rng: np.random.Generator, sizes: list[int], *, memory: float, gap: float, blur: float) -> Blocks:
    """Traces of walkers; with memory they keep their direction for a while."""
    blocks = []
    for size in sizes:
        steps = rng.normal(size=(size, 2))
        for row in range(1, size):
            steps[row] = memory * steps[row - 1] + np.sqrt(1.0 - memory**2) * steps[row]
        trace = np.cumsum(steps, axis=0) + blur * rng.normal(size=(size, 2))
        blocks.append(trace / np.sqrt(np.mean(np.sum((trace - trace.mean(axis=0)) ** 2, axis=1))))
    return scattered(rng, blocks, gap)


@generator("walks", per_cluster=60, k=Whole(2, 6), forks=Whole(2, 7), width=Real(0.01, 0.06), gap=Real(-0.3, 0.2))
def branching_trees(rng: np.random.Generator, sizes: list[int], *, forks: int, width: float, gap: float) -> Blocks:
    """Trees of twigs that fork from a stem."""
    blocks = []
    for size in sizes:
        nodes, twigs = [np.zeros(2)], []
        headings = [random_angle(rng)]
        for _ in range(2 * forks):
            parent = int(rng.integers(len(nodes)))
            heading = headings[parent] + rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 1.1)
            length = rng.uniform(0.4, 1.0)
            nodes.append(nodes[parent] + length * np.array([np.cos(heading), np.sin(heading)]))
            headings.append(heading)
            twigs.append((parent, len(nodes) - 1))
        which = rng.integers(len(twigs), size=size)
        place = rng.uniform(0.0, 1.0, size=(size, 1))
        corners, ends = np.array(nodes), np.array(twigs)
        points = (1.0 - place) * corners[ends[which, 0]] + place * corners[ends[which, 1]]
        blocks.append(points + 2.0 * width * rng.normal(size=(size, 2)))
    return scattered(rng, blocks, gap)


@generator("walks", per_cluster=25, k=Whole(3, 14), reach=Real(1.2, 2.2), gap=Real(-0.3, 0.3))
def clumpy_flights(rng: np.random.Generator, sizes: list[int], *, reach: float, gap: float) -> Blocks:
    """Flights of short steps and rare long ones: ragged clusters with clumps inside."""
    blocks = []
    for size in sizes:
        length = np.minimum(rng.pareto(reach, size) + 0.2, 6.0)
        angle = rng.uniform(0.0, 2.0 * np.pi, size)
        trace = np.cumsum(np.column_stack([length * np.cos(angle), length * np.sin(angle)]), axis=0)
        blocks.append(trace / np.sqrt(np.mean(np.sum((trace - trace.mean(axis=0)) ** 2, axis=1))))
    return scattered(rng, blocks, gap)


@generator("walks", per_cluster=20, k=Whole(3, 20), spread=Real(0.4, 1.3), ratio=Real(1.0, 6.0), rounds=Whole(2, 5))
def grown_colonies(rng: np.random.Generator, sizes: list[int], *, spread: float, ratio: float, rounds: int) -> Blocks:
    """Colonies in which each point settles near an earlier one: irregular outlines, uneven density."""
    blocks = []
    for scale, size in zip(log_uniform(rng, ratio, len(sizes)), sizes, strict=True):
        points = disc(rng, size)
        for row in range(min(rounds, size), size):
            points[row] = points[int(rng.integers(row))] + 0.35 * spread * rng.normal(size=2)
        blocks.append(scale * turned(points, random_angle(rng)))
    return scattered(rng, [moved(block, 0.0, 0.0) for block in blocks], 0.1)
