"""Clusters of clusters: what is one at arm's length is several close by."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import gaussian, log_uniform, moved, packed, random_angle, scattered


def _regrouped(rng: np.random.Generator, blocks: Blocks, owners: list[int], gap: float) -> Blocks:
    """Blocks of one owner stay as they lie to each other; the owners are moved apart by `gap`."""
    members = [[c for c, parent in enumerate(owners) if parent == owner] for owner in range(max(owners) + 1)]
    moved_apart = scattered(rng, [np.concatenate([blocks[c] for c in children]) for children in members], gap)
    placed = list(blocks)
    for children, points in zip(members, moved_apart, strict=True):
        cuts = np.cumsum([len(blocks[c]) for c in children])[:-1]
        for child, part in zip(children, np.split(points, cuts), strict=True):
            placed[child] = part
    return placed


def _nested(rng: np.random.Generator, blocks: Blocks, owners: list[int], near: float, far: float) -> Blocks:
    """Blocks of one owner packed at `near`, then the owners at `far`."""
    packs = list(blocks)
    for owner in range(max(owners) + 1):
        children = [c for c, parent in enumerate(owners) if parent == owner]
        for child, block in zip(children, scattered(rng, [blocks[c] for c in children], near), strict=True):
            packs[child] = block
    return _regrouped(rng, packs, owners, far)


def _shared_out(rng: np.random.Generator, k: int, parents: int) -> list[int]:
    """(k,) parents, each with a child at least."""
    parents = min(parents, k)
    return [*range(parents), *(int(parent) for parent in rng.integers(parents, size=k - parents))]


@generator("hierarchies", k=Whole(4, 24), parents=Whole(2, 6), near=Real(-0.1, 0.4), far=Real(0.05, 0.7))
def two_levels(rng: np.random.Generator, sizes: list[int], *, parents: int, near: float, far: float) -> Layers:
    """Groups of clouds."""
    owners = _shared_out(rng, len(sizes), parents)
    blocks = [gaussian(rng, size, rng.uniform(1.0, 2.0)) for size in sizes]
    return Layers(_nested(rng, blocks, owners, near, far), (owners,))


@generator("hierarchies", k=Whole(8, 40), near=Real(-0.1, 0.3), far=Real(0.05, 0.35), ratio=Real(1.0, 4.0))
def three_levels(rng: np.random.Generator, sizes: list[int], *, near: float, far: float, ratio: float) -> Layers:
    """Groups of groups of clouds."""
    k = len(sizes)
    middle = max(4, k // 3)
    owners = _shared_out(rng, k, middle)
    grand = _shared_out(rng, middle, max(2, middle // 3))
    blocks = [s * gaussian(rng, size) for s, size in zip(log_uniform(rng, ratio, k), sizes, strict=True)]
    families = _nested(rng, blocks, owners, near, far)
    top = [grand[owner] for owner in owners]
    return Layers(_regrouped(rng, families, top, 2.0 * far), (owners, top))


@generator("hierarchies", k=Whole(3, 16), reach=Real(2.6, 5.0), small=Real(0.1, 0.4))
def satellites(rng: np.random.Generator, sizes: list[int], *, reach: float, small: float) -> Layers:
    """Large clouds with small ones about them."""
    k = len(sizes)
    suns = max(1, k // 5)
    owners = _shared_out(rng, k, suns)
    centers = packed(rng, np.full(suns, reach + 3.0 * small), 0.2)
    blocks: Blocks = []
    for body, (size, owner) in enumerate(zip(sizes, owners, strict=True)):
        if body < suns:
            blocks.append(moved(gaussian(rng, size), *centers[owner]))
            continue
        angle, distance = random_angle(rng), reach * rng.uniform(0.85, 1.15)
        center = centers[owner] + distance * np.array([np.cos(angle), np.sin(angle)])
        blocks.append(moved(small * gaussian(rng, size), *center))
    return Layers(blocks, (owners,))


@generator("hierarchies", k=Whole(4, 32), shrink=Real(0.42, 0.65), spread=Real(0.1, 0.35), turnabout=Whole(0, 1))
def cascades(rng: np.random.Generator, sizes: list[int], *, shrink: float, spread: float, turnabout: int) -> Layers:
    """Pairs of pairs of pairs of clouds, each pair closer than the one above."""
    k = len(sizes)
    depth = int(np.ceil(np.log2(k)))
    angles = np.pi / 2.0 * np.arange(depth) if turnabout else rng.uniform(0.0, np.pi, depth)
    blocks = []
    for place, size in enumerate(sizes):
        center = np.zeros(2)
        for level in range(depth):
            # the bit of the place at this level says which half
            side = 1.0 if place >> (depth - 1 - level) & 1 else -1.0
            reach = side * shrink**level * rng.uniform(0.92, 1.08)
            center = center + reach * np.array([np.cos(angles[level]), np.sin(angles[level])])
        blocks.append(moved(spread * 1.6 * shrink ** (depth - 1) * gaussian(rng, size), *center))
    return Layers(blocks, tuple([place >> up for place in range(k)] for up in range(1, depth)))
