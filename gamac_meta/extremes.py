"""Smallest and largest distances by cluster, exact without a walk over all pairs, while time lasts.

Rows (gamac_meta/sampling.py) give a first guess from the wrong side. Bounds then tell which points
could improve on it: few of them, in few dimensions or where clusters are apart. Where they are many
the search is given up, and the guess stays an estimate.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from threading import Event

import numpy as np

from gamac_meta._kernels import extremes as kernels
from gamac_meta.executor import in_threads
from gamac_meta.farthest import far_out, farthest_pair
from gamac_meta.sampling import SampledView
from gamac_meta.types import Floats

CHUNK = 256  # points searched between two looks at the clock
PIECE = 1 << 12  # points copied at once
PAIRS_PER_LOOK = 25_000_000

OutOfTime = Callable[[], bool]


def exact_extremes(
    view: Callable[[int], SampledView],
    count: int,
    wanted: Sequence[str],
    threads: int,
    patience: float,
    clock: Callable[[], float],
    advance: Callable[[], object],
) -> list[dict[str, Floats]]:
    """For each of `count` views those of the wanted statistics that could be made exact for all of them.

    patience: seconds that each statistic may take. A column of a table is then exact for all
    partitions or for none, and they remain comparable.
    """
    left = dict.fromkeys(wanted, patience * min(threads, count))

    def search(row: int, stop: Event) -> dict[str, Floats]:
        here = view(row)
        found = {}
        for name in wanted:
            out_of_time = _spending(left, name, clock, stop)
            table = None if out_of_time() else SEARCHES[name](here, out_of_time)
            if table is None:
                left[name] = -1.0
            else:
                out_of_time()  # what it took since it looked last
                found[name] = table
        return found

    results = []
    for found in in_threads(search, range(count), threads):
        results.append(found)
        advance()
    kept = [name for name in wanted if all(name in found for found in results)]
    return [{name: found[name] for name in kept} for found in results]


def _spending(left: dict[str, float], name: str, clock: Callable[[], float], stop: Event) -> OutOfTime:
    """Tells whether the seconds left[name] are spent, by this thread and the others that take from them."""
    last = clock()

    def out_of_time() -> bool:
        nonlocal last
        now = clock()
        left[name] -= now - last
        last = now
        return stop.is_set() or left[name] < 0.0

    return out_of_time


def diameters(view: SampledView, out_of_time: OutOfTime) -> Floats | None:
    """(k,) largest distance inside each cluster; None if out of time.

    In the plane corners of hulls are compared. A pair farther apart than the guess has summed distances to the
    centroid greater than it.
    """
    if out_of_time():
        return None
    if view.hulls and view.hulls.pairs <= 2 * PAIRS_PER_LOOK:
        return view.hulls.diameters()
    found = view.diameters.copy()
    for c, (start, size) in enumerate(zip(view.starts, view.sizes.astype(np.int64), strict=True)):
        reach = view.to_centroid[start : start + size]
        kept, pairs = far_out(reach, found[c])
        if pairs > PAIRS_PER_LOOK or out_of_time():
            return None
        found[c] = farthest_pair(view.taken(start + kept), reach[kept], found[c])
    return found


def gaps(view: SampledView, out_of_time: OutOfTime) -> Floats | None:
    """(k, k) smallest distance between points of two clusters, infinite on the diagonal; None if out of time."""
    from scipy.spatial import cKDTree

    found = view.gaps.copy()
    edges = np.append(view.starts, view.n)
    clusters = [slice(start, stop) for start, stop in pairwise(edges)]
    corners = [(points.min(axis=0), points.max(axis=0)) for points in map(view.taken, clusters)]
    by_size = np.argsort(view.sizes, kind="stable")
    for place, larger in enumerate(by_size):
        if place == 0:
            continue  # smaller than all
        tree = cKDTree(view.taken(clusters[larger]))
        for smaller in by_size[:place]:
            if out_of_time():
                return None
            guess = found[larger, smaller]
            for start in range(edges[smaller], edges[smaller + 1], PIECE):
                points = view.taken(slice(start, min(start + PIECE, edges[smaller + 1])))
                beside = points - np.clip(points, *corners[larger])
                points = points[np.sum(beside**2, axis=1) < guess**2]
                for first in range(0, len(points), CHUNK):
                    if out_of_time():
                        return None
                    nearest = tree.query(points[first : first + CHUNK], distance_upper_bound=guess)[0]
                    guess = min(guess, float(np.min(nearest)))
            found[larger, smaller] = found[smaller, larger] = guess
    return found


def cover(view: SampledView, out_of_time: OutOfTime) -> Floats | None:
    """(k,) smallest, over points outside the cluster, of the largest distance to its points; None if out of time.

    The outsider with the least lower bound is measured; the point farthest from it raises the bounds of all. In the
    plane all are measured, against the corners of hulls.
    """
    X, order, middle = view.placed
    if view.hulls:
        return view.hulls.cover(X[order], view.labels, out_of_time)
    found = view.cover.copy()
    bounds = np.empty(view.n)
    for c, (start, size) in enumerate(zip(view.starts, view.sizes.astype(np.int64), strict=True)):
        members = slice(start, start + size)
        # no maximum is below the root of the mean square
        kernels.distances_to(X, order, view.centroids[c] + middle, bounds)
        np.hypot(bounds, np.sqrt(np.mean(bounds[members] ** 2)), out=bounds)
        bounds[members] = np.inf
        distances = np.empty(size)
        while True:
            if out_of_time():
                return None
            outsider = int(np.argmin(bounds))
            if bounds[outsider] >= found[c]:
                break
            kernels.distances_to(X, order[members], X[order[outsider]], distances)
            farthest = start + int(np.argmax(distances))
            found[c] = min(found[c], distances.max())
            kernels.raise_to_distances(X, order, X[order[farthest]], bounds)
            bounds[members] = np.inf
            bounds[outsider] = np.inf
    return found


SEARCHES: dict[str, Callable[[SampledView, OutOfTime], Floats | None]] = {
    "diameters": diameters,
    "gaps": gaps,
    "cover": cover,
}
