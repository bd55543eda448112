"""A data set and its candidates as the bytes that the page draws.

The page gets numbers of colors, not labels: they are matched between the candidates, so that a cluster that two of
them share looks the same in both, and what differs catches the eye.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from corpus.candidates import fowlkes_mallows
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import NOISE, Floats, Ints, Labels, PartitionSet

PLAIN_COLORS = 8  # of the page's palette; further numbers are drawn in other shades and shapes
Shorts = npt.NDArray[np.int16]
MOST_COLORS = int(np.iinfo(np.int16).max) + 1


@dataclass(frozen=True, eq=False)
class Drawing:
    """Points and colors in the sequence in which they are drawn, the same for every candidate."""

    points: Floats  # (n, 2) in the unit square, aspect ratio kept, y upwards
    colors: Shorts  # (p, n) number of a color for each point, -1 for noise


def draw(points: Floats, partitions: PartitionSet, seed: int) -> Drawing:
    """The drawing of points (n, d <= 2), shuffled, so that no cluster covers the others."""
    sequence = np.random.default_rng(seed).permutation(len(points))
    return Drawing(in_unit_square(points)[sequence], matched_colors(partitions)[:, sequence].astype(np.int16))


def encode(drawing: Drawing, decoy_of: int, seed: int) -> bytes:
    """One block of bytes: header, coordinates, and colors of the candidates and of a decoy.

    uint32 length of the header, JSON header {"n", "rows", "colors"} filled up with spaces to a multiple of 8 with
    the length before it, float32 x[n], float32 y[n], int16 colors[rows][n]; all little endian. The decoy is the last
    row: the colors of candidate `decoy_of`, dealt to the points at random.
    """
    decoy = np.random.default_rng(seed).permutation(drawing.colors[decoy_of])
    colors = np.vstack([drawing.colors, decoy])
    facts = {"n": colors.shape[1], "rows": colors.shape[0], "colors": len(np.unique(colors[colors != NOISE]))}
    header = json.dumps(facts).encode()
    header += b" " * (-(4 + len(header)) % 8)
    return b"".join(
        (
            len(header).to_bytes(4, "little"),
            header,
            np.ascontiguousarray(drawing.points.T, dtype="<f4").tobytes(),
            colors.astype("<i2").tobytes(),
        )
    )


def in_unit_square(points: Floats) -> Floats:
    """(n, 2) points (n, 1 or 2), moved and scaled alike in both directions, centered where they are narrower."""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = high - low
    placed = np.full((len(points), 2), 0.5)
    placed[:, : points.shape[1]] = (points - low) / extent.max() + (1.0 - extent / extent.max()) / 2
    return placed


def matched_colors(partitions: PartitionSet) -> Ints:
    """(p, n) number of a color for each point, -1 for noise: like clusters of different partitions get the same.

    The partition nearest to all others is numbered first, the largest cluster 0, then the others, the nearest to it
    first, each by the assignment that is most alike (Jaccard) to those numbered before. A partition of k clusters
    uses numbers below max(k, 8), so that up to 8 clusters differ in plain color.
    Kuhn 1955, doi:10.1002/nav.3800020109.
    """
    from scipy.optimize import linear_sum_assignment

    if partitions.n_clusters.max() > MOST_COLORS:
        raise InvalidInputError(f"at most {MOST_COLORS} clusters can be drawn, got {partitions.n_clusters.max()}")
    alike = fowlkes_mallows(partitions)
    first = int(alike.sum(axis=1).argmax())
    # the numbering of an algorithm must not show, not even where sizes are equal
    rows = [_renamed(labels, _by_first_point(labels)) for labels in partitions.labels]
    colors = np.full(partitions.labels.shape, NOISE, dtype=np.int64)
    colors[first] = _renamed(rows[first], _by_size(rows[first]))
    done = [first]
    for row in np.argsort(-alike[first], kind="stable"):
        if row == first:
            continue
        labels, k = rows[row], int(partitions.n_clusters[row])
        likeness = np.max([jaccard(labels, colors[other], max(k, PLAIN_COLORS)) for other in done], axis=0)
        clusters, numbers = linear_sum_assignment(likeness, maximize=True)
        colors[row] = _renamed(labels, numbers[np.argsort(clusters)])
        done.append(int(row))
    return colors


def jaccard(labels: Ints, colors: Ints, width: int) -> Floats:
    """(k, width) points that cluster and color have in common, over the points of either; noise is neither."""
    columns = max(width, int(colors.max()) + 1) + 1
    cells = np.bincount((labels + 1) * columns + (colors + 1), minlength=(int(labels.max()) + 2) * columns)
    table = cells.reshape(-1, columns)  # noise first
    shared = table[1:, 1 : width + 1]
    sizes, painted = table[1:].sum(axis=1), table[:, 1 : width + 1].sum(axis=0)
    return np.asarray(shared / (sizes[:, None] + painted - shared))


def seed_of(*texts: str) -> int:
    """A seed that follows from texts alone."""
    return int.from_bytes(blake2b(json.dumps(texts).encode(), digest_size=8).digest(), "little")


def _by_first_point(labels: Labels) -> Ints:
    """(k,) place of each cluster when they are put in order of their first points."""
    names, first = np.unique(labels, return_index=True)
    return np.argsort(np.argsort(first[names != NOISE]))


def _by_size(labels: Ints) -> Ints:
    """(k,) place of each cluster when they are put in order of size, the largest first."""
    sizes = np.bincount(labels[labels != NOISE])
    return np.argsort(np.argsort(-sizes, kind="stable"))


def _renamed(labels: Labels | Ints, names: Ints) -> Ints:
    # noise, -1, finds the last
    return np.append(names, NOISE)[labels]
