"""Filled areas with sharp edges, and clusters on grids."""

from __future__ import annotations

import numpy as np

from corpus.generators._registry import Blocks, Layers, Real, Whole, generator
from corpus.generators._shapes import box, disc, gaussian, log_uniform, moved, polygon, scattered, turned


def _even(sizes: list[int], evenness: float) -> np.ndarray:
    """(k,) scales: for 1 the clusters are equally dense, for 0 equally large."""
    return np.asarray((np.asarray(sizes) / np.mean(sizes)) ** (0.5 * evenness))


def _regular(corners: int, roughness: float, rng: np.random.Generator) -> np.ndarray:
    angle = 2.0 * np.pi * (np.arange(corners) + roughness * rng.uniform(-0.4, 0.4, corners)) / corners
    radius = 1.0 - roughness * rng.uniform(0.0, 0.5, corners)
    return np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])


@generator("areas", k=Whole(2, 14), gap=Real(-0.12, 0.4), roughness=Real(0.0, 1.0), evenness=Real(0.0, 1.0))
def polygons(rng: np.random.Generator, sizes: list[int], *, gap: float, roughness: float, evenness: float) -> Blocks:
    """Filled triangles, quadrangles and so on, regular or not."""
    blocks = [
        scale * polygon(rng, size, _regular(int(rng.integers(3, 9)), roughness, rng))
        for scale, size in zip(_even(sizes, evenness), sizes, strict=True)
    ]
    return scattered(rng, blocks, gap)


@generator("areas", k=Whole(2, 20), gap=Real(0.01, 0.25), least=Real(0.15, 0.45), evenness=Real(0.0, 1.0))
def tiles(rng: np.random.Generator, sizes: list[int], *, gap: float, least: float, evenness: float) -> Blocks:
    """A rectangle cut again and again into rectangles, with narrow gaps between them."""
    pieces = [(0.0, 0.0, rng.uniform(1.0, 2.0), 1.0)]
    while len(pieces) < len(sizes):
        # the largest is cut across its longer side, so that none becomes a sliver
        x, y, width, height = pieces.pop(int(np.argmax([piece[2] * piece[3] for piece in pieces])))
        share = rng.uniform(least, 1.0 - least)
        if width > height:
            pieces += [(x, y, width * share, height), (x + width * share, y, width * (1.0 - share), height)]
        else:
            pieces += [(x, y, width, height * share), (x, y + height * share, width, height * (1.0 - share))]
    margin = gap / np.sqrt(len(sizes))
    area = np.array([piece[2] * piece[3] for piece in pieces])
    share = evenness * area / area.sum() + (1.0 - evenness) / len(pieces)
    counts = np.asarray(sizes)[np.argsort(np.argsort(share))] if evenness < 0.3 else _apportioned(share, sum(sizes))
    return [
        moved(
            box(rng, int(count), max(width - margin, 0.3 * width), max(height - margin, 0.3 * height)),
            x + width / 2.0,
            y + height / 2.0,
        )
        for (x, y, width, height), count in zip(pieces, counts, strict=True)
    ]


def _apportioned(share: np.ndarray, total: int) -> np.ndarray:
    """(k,) whole numbers near share * total, each 8 or more, that sum to total."""
    base = min(8, total // len(share))
    reached = np.round(np.cumsum(share) / share.sum() * (total - base * len(share))).astype(int)
    return np.asarray(base + np.diff(reached, prepend=0))


_CELLS = {
    "L": [(0, 0), (0, 1), (0, 2), (1, 0)],
    "U": [(0, 0), (0, 1), (1, 0), (2, 0), (2, 1)],
    "T": [(0, 1), (1, 1), (2, 1), (1, 0)],
    "plus": [(1, 0), (0, 1), (1, 1), (2, 1), (1, 2)],
    "S": [(0, 0), (1, 0), (1, 1), (2, 1)],
    "C": [(0, 0), (1, 0), (0, 1), (0, 2), (1, 2)],
}


@generator("areas", per_cluster=40, k=Whole(2, 8), gap=Real(-0.3, 0.25), soft=Real(0.0, 0.12))
def concave_areas(rng: np.random.Generator, sizes: list[int], *, gap: float, soft: float) -> Blocks:
    """Areas like the letters L, U, T, S, C and the plus sign."""
    names = sorted(_CELLS)
    blocks = []
    for size in sizes:
        cells = np.array(_CELLS[names[rng.integers(len(names))]], dtype=float)
        points = cells[rng.integers(len(cells), size=size)] + rng.uniform(0.0, 1.0, size=(size, 2))
        blocks.append((points + soft * rng.normal(size=(size, 2))) * [rng.uniform(0.6, 1.4), rng.uniform(0.6, 1.4)])
    return scattered(rng, blocks, gap)


@generator("areas", k=Whole(2, 10), ratio=Real(1.0, 12.0, log=True), gap=Real(-0.1, 0.3), evenness=Real(0.0, 1.0))
def discs_and_ellipses(
    rng: np.random.Generator, sizes: list[int], *, ratio: float, gap: float, evenness: float
) -> Blocks:
    """Evenly filled discs and ellipses of all sizes, some just touching."""
    scales = log_uniform(rng, ratio, len(sizes)) * _even(sizes, evenness)
    return scattered(
        rng, [s * disc(rng, size) * [rng.uniform(0.4, 1.0), 1.0] for s, size in zip(scales, sizes, strict=True)], gap
    )


def _grid(k: int, rng: np.random.Generator) -> np.ndarray:
    """(k, 2) cells of the squarest grid, or of a longer one; a few cells stay empty."""
    rows = max(1, int(np.sqrt(k)) - int(rng.integers(0, 2)))
    columns = -(-k // rows)
    cells = np.array([(column, row) for row in range(rows) for column in range(columns)], dtype=float)
    return cells[np.sort(rng.permutation(len(cells))[:k])]


@generator("grids", k=Whole(4, 50), spread=Real(0.05, 0.26), wobble=Real(0.0, 0.15), slant=Real(0.0, 0.6))
def grid_of_clouds(rng: np.random.Generator, sizes: list[int], *, spread: float, wobble: float, slant: float) -> Blocks:
    """Clouds on a square or slanted grid."""
    cells = _grid(len(sizes), rng) + wobble * rng.normal(size=(len(sizes), 2))
    cells[:, 0] += slant * cells[:, 1]
    return [moved(spread * gaussian(rng, size), *cell) for cell, size in zip(cells, sizes, strict=True)]


@generator("grids", k=Whole(4, 48), fill=Real(0.4, 0.95), hollow=Whole(0, 1))
def grid_of_boxes(rng: np.random.Generator, sizes: list[int], *, fill: float, hollow: int) -> Blocks:
    """Boxes on a grid with alleys between them, or on the black fields of a chessboard."""
    cells = _grid(len(sizes), rng)
    if hollow:
        cells = np.column_stack([2.0 * cells[:, 0] + cells[:, 1] % 2, cells[:, 1]])
    return [moved(box(rng, size, fill, fill), *cell) for cell, size in zip(cells, sizes, strict=True)]


@generator("grids", k=Whole(2, 9), gap=Real(-0.1, 0.4), ratio=Real(1.0, 4.0), jitter=Real(0.0, 0.25))
def point_lattices(rng: np.random.Generator, sizes: list[int], *, gap: float, ratio: float, jitter: float) -> Blocks:
    """Patches whose points lie on lattices, of different mesh and direction."""
    blocks = []
    for mesh, size in zip(log_uniform(rng, ratio, len(sizes)), sizes, strict=True):
        columns = max(2, int(np.sqrt(size * rng.uniform(0.5, 2.0))))
        lattice = np.column_stack([np.arange(size) % columns, np.arange(size) // columns]).astype(float)
        lattice[:, 0] += 0.5 * (lattice[:, 1] % 2) * (rng.uniform() < 0.5)
        blocks.append(mesh * (lattice + jitter * rng.normal(size=(size, 2))))
    return scattered(rng, blocks, gap)


@generator("grids", k=Whole(6, 48), rings=Whole(1, 4), spread=Real(0.08, 0.24))
def radial_grids(rng: np.random.Generator, sizes: list[int], *, rings: int, spread: float) -> Layers:
    """Clouds on the crossings of circles and rays."""
    k = len(sizes)
    rays = -(-k // rings)
    spacing = 2.0 * np.pi / max(rays, 6)
    blocks = []
    for place, size in enumerate(sizes):
        ring, ray = divmod(place, rays)
        radius = (1.0 + spacing) ** ring
        cloud = moved(spread * spacing * radius * gaussian(rng, size), radius, 0.0)
        blocks.append(turned(cloud, 2.0 * np.pi * ray / rays))
    return Layers(blocks, ([place // rays for place in range(k)],))
