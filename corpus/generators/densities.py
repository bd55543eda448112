"""Clusters inside others, clusters that differ in density alone, and clusters joined by bridges."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import along, arc, box, disc, gaussian, moved, packed, random_angle, scattered, segment


@generator("nested", per_cluster=25, k=Whole(2, 9), hole=Real(1.15, 1.8), small=Real(0.08, 0.25))
def islands_in_a_lake(rng: np.random.Generator, sizes: list[int], *, hole: float, small: float) -> Blocks:
    """A wide area with holes, and a compact cluster in each."""
    islands = len(sizes) - 1
    radii = small * rng.uniform(0.7, 1.3, islands)
    centers = packed(rng, hole * radii, 0.25)
    side = 2.4 * max(np.abs(centers).max() + hole * radii.max(), 0.5)
    shore: list[np.ndarray] = []
    # rejection: points of the area that fall into a hole are drawn again
    while len(shore) < sizes[0]:
        point = rng.uniform(-side / 2.0, side / 2.0, size=2)
        if np.all(np.hypot(*(centers - point).T) > hole * radii):
            shore.append(point)
    blocks = [np.array(shore)]
    for radius, center, size in zip(radii, centers, sizes[1:], strict=True):
        cloud = disc(rng, size) if rng.uniform() < 0.5 else 0.4 * gaussian(rng, size)
        blocks.append(moved(0.8 * radius * cloud, *center))
    return blocks


@generator("nested", per_cluster=40, k=Whole(2, 5), width=Real(0.03, 0.3), step=Real(0.4, 1.2), core=Whole(0, 1))
def nested_frames(rng: np.random.Generator, sizes: list[int], *, width: float, step: float, core: int) -> Blocks:
    """Square frames one inside another, about a filled box or empty; width in units of the step."""
    corners = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0], [-1.0, -1.0]])
    blocks = []
    for place, size in enumerate(sizes):
        if core and place == 0:
            blocks.append(box(rng, size, 1.0, 1.0))
        else:
            blocks.append(along(rng, size, (1.0 + step * place) * corners, width * step))
    return blocks


@generator("nested", per_cluster=30, k=Whole(2, 8), width=Real(0.05, 0.2), opening=Real(2.5, 5.2), gap=Real(0.0, 0.4))
def cups(rng: np.random.Generator, sizes: list[int], *, width: float, opening: float, gap: float) -> Layers:
    """Arcs that hold a cloud, as a cup holds a ball."""
    owners = [place // 2 for place in range(len(sizes))]
    scale = rng.uniform(0.6, 1.4, size=owners[-1] + 1)
    tilt = [random_angle(rng) for _ in scale]
    centers = packed(rng, 1.2 * scale, gap)
    blocks = []
    for place, (size, owner) in enumerate(zip(sizes, owners, strict=True)):
        if place % 2:
            block = rng.uniform(0.15, 0.28) * gaussian(rng, size)
        else:
            block = along(rng, size, arc(tilt[owner], tilt[owner] + opening), width)
        blocks.append(moved(scale[owner] * block, *centers[owner]))
    return Layers(blocks, (owners,))


@generator("nested", per_cluster=30, k=Whole(2, 4), step=Real(1.6, 3.5), hard=Whole(0, 1), off=Real(0.0, 0.35))
def onion_layers(rng: np.random.Generator, sizes: list[int], *, step: float, hard: int, off: float) -> Blocks:
    """Thick shells about a core with thin gaps or none, more or less off center."""
    blocks = []
    inner, outer = 0.0, 1.0
    for size in sizes:
        shell = outer * disc(rng, size, inner / outer)
        blocks.append(moved(shell, off * outer * 0.5, 0.0) if hard else shell + 0.06 * rng.normal(size=(size, 2)))
        inner, outer = outer * 1.25 + off * outer * 0.5, outer * step
        outer = max(outer, inner * 1.15)
    return blocks


@generator("densities", per_cluster=30, k=Whole(2, 9), small=Real(0.05, 0.2), soft=Whole(0, 1), share=Real(0.15, 0.6))
def dense_in_sparse(rng: np.random.Generator, sizes: list[int], *, small: float, soft: int, share: float) -> Layers:
    """Dense knots inside a thin wide cloud."""
    total, k = sum(sizes), len(sizes)
    field = max(sizes[0], int(share * total))
    rest = np.maximum(8, (np.asarray(sizes[1:]) * (total - field) / sum(sizes[1:])).astype(int))
    wide = gaussian(rng, total - int(rest.sum())) if soft else 1.8 * disc(rng, total - int(rest.sum()))
    radii = small * rng.uniform(0.6, 1.4, k - 1)
    centers = packed(rng, 2.5 * radii, 0.3)
    knots = [
        moved(radius * gaussian(rng, int(size)), *center)
        for radius, center, size in zip(radii, centers, rest, strict=True)
    ]
    return Layers([wide, *knots], ([0] * k,))


@generator("densities", per_cluster=40, k=Whole(2, 6), ratio=Real(3.0, 15.0), gap=Real(0.0, 0.06))
def density_steps(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float) -> Layers:
    """Adjoining fields of a band that differ in density, from step to step by up to `ratio`."""
    # the number of points is given, so a field is made dense by making it narrow
    k = len(sizes)
    density = ratio ** (rng.permutation(k) / max(k - 1, 1))
    widths = np.asarray(sizes) / density
    widths = widths / widths.sum() * k
    height = rng.uniform(0.6, 1.6) * np.sqrt(k)
    starts = np.concatenate([[0.0], np.cumsum(widths + gap)[:-1]])
    blocks = [
        moved(box(rng, size, width, height), start + width / 2.0, 0.0)
        for size, width, start in zip(sizes, widths, starts, strict=True)
    ]
    return Layers(blocks, ([0] * k,))


@generator("densities", k=Whole(2, 12), ratio=Real(4.0, 60.0, log=True), gap=Real(-0.15, 0.5))
def unequal_densities(rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float) -> Blocks:
    """Clouds and discs of equal numbers, from dense specks to thin veils."""
    blocks = []
    for area, size in zip(log_uniform_areas(rng, ratio, len(sizes)), sizes, strict=True):
        cloud = disc(rng, size) if rng.uniform() < 0.4 else 0.5 * gaussian(rng, size, rng.uniform(1.0, 3.0))
        blocks.append(np.sqrt(area) * cloud)
    return scattered(rng, blocks, gap)


def log_uniform_areas(rng: np.random.Generator, ratio: float, k: int) -> np.ndarray:
    """(k,) areas of which the extremes differ exactly `ratio`-fold."""
    return np.asarray(ratio ** rng.permutation(np.linspace(-0.5, 0.5, k)))


@generator("densities", per_cluster=40, k=Whole(2, 5), power=Real(1.5, 4.0), gap=Real(-0.1, 0.3))
def graded_clusters(rng: np.random.Generator, sizes: list[int], *, power: float, gap: float) -> Blocks:
    """Boxes and discs that thin out from one side to the other, or from the middle outward."""
    blocks = []
    for size in sizes:
        if rng.uniform() < 0.5:
            points = rng.uniform(0.0, 1.0, size=(size, 2))
            points[:, 0] = points[:, 0] ** power
            blocks.append(2.0 * points * [rng.uniform(1.0, 2.0), 1.0])
        else:
            points = disc(rng, size)
            blocks.append(points * np.hypot(*points.T)[:, None] ** (power - 1.0))
    return scattered(rng, blocks, gap)


def _bridge(rng: np.random.Generator, first: np.ndarray, second: np.ndarray, share: float, width: float) -> Blocks:
    """Two clusters with `share` of their points moved onto the line between their centers, to the nearer end."""
    ends = [first.mean(axis=0), second.mean(axis=0)]
    middle = (ends[0] + ends[1]) / 2.0
    joined = []
    for block, end in zip((first, second), ends, strict=True):
        count = max(2, round(share * len(block)))
        joined.append(np.concatenate([block[count:], along(rng, count, segment(end, middle), width)]))
    return joined


@generator("bridges", per_cluster=30, k=Whole(2, 6), gap=Real(0.1, 0.8), share=Real(0.03, 0.2), width=Real(0.02, 0.3))
def bridged_clouds(rng: np.random.Generator, sizes: list[int], *, gap: float, share: float, width: float) -> Layers:
    """Clouds in a row of near neighbors, joined by thin bridges."""
    blocks = scattered(rng, [rng.uniform(0.6, 1.4) * gaussian(rng, size) for size in sizes], gap)
    order = np.argsort([block[:, 0].mean() for block in blocks])
    for left, right in pairwise(order):
        blocks[left], blocks[right] = _bridge(rng, blocks[left], blocks[right], share, width)
    return Layers(blocks, ([0] * len(sizes),))


@generator(
    "bridges", per_cluster=30, k=Whole(3, 12), spread=Real(0.12, 0.26), share=Real(0.05, 0.25), open_end=Whole(0, 1)
)
def necklaces(rng: np.random.Generator, sizes: list[int], *, spread: float, share: float, open_end: int) -> Layers:
    """Beads on a closed or an open string."""
    k = len(sizes)
    angles = 2.0 * np.pi * np.arange(k) / (k + open_end)
    radius = 0.5 / np.sin(np.pi / max(k + open_end, 2))
    centers = radius * np.column_stack([np.cos(angles), np.sin(angles)])
    blocks = []
    for place, (center, size) in enumerate(zip(centers, sizes, strict=True)):
        count = max(2, round(share * size))
        half = np.pi / (k + open_end)
        ends = [angles[place] - half, angles[place] + half]
        if open_end:
            ends = [max(ends[0], angles[0]), min(ends[1], angles[-1])]
        string = along(rng, count, arc(ends[0], ends[1], radius), 0.015)
        blocks.append(np.concatenate([moved(spread * disc(rng, size - count), *center), string]))
    return Layers(blocks, ([0] * k,))


@generator("bridges", per_cluster=40, k=Whole(2, 5), neck=Real(0.03, 0.2), ratio=Real(1.0, 5.0))
def touching_discs(rng: np.random.Generator, sizes: list[int], *, neck: float, ratio: float) -> Layers:
    """Filled discs of different size in a winding row, each cutting a little into the next."""
    radii = ratio ** rng.uniform(-0.5, 0.5, len(sizes))
    heading, center = 0.0, np.zeros(2)
    blocks = []
    for place, size in enumerate(sizes):
        if place:
            heading += rng.normal() * 0.6
            step = (1.0 - neck) * (radii[place - 1] + radii[place])
            center = center + step * np.array([np.cos(heading), np.sin(heading)])
        blocks.append(moved(radii[place] * disc(rng, size), *center))
    return Layers(blocks, ([0] * len(sizes),))


@generator("bridges", per_cluster=40, k=Whole(2, 6), links=Real(0.3, 1.0), share=Real(0.02, 0.12), gap=Real(0.1, 0.6))
def bridged_rings_and_boxes(
    rng: np.random.Generator, sizes: list[int], *, links: float, share: float, gap: float
) -> Blocks:
    """Rings and boxes, some pairs of which are joined by a string of points."""
    blocks = scattered(
        rng,
        [
            along(rng, size, arc(0.0, 2.0 * np.pi), 0.08) if rng.uniform() < 0.4 else box(rng, size, 1.6, 1.6)
            for size in sizes
        ],
        gap,
    )
    for first in range(len(blocks) - 1):
        if rng.uniform() < links:
            blocks[first], blocks[first + 1] = _bridge(rng, blocks[first], blocks[first + 1], share, 0.04)
    return blocks
