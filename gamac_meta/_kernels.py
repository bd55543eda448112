"""Inner loops over rows of the distance matrix, compiled by numba, free of the GIL.

Every kernel handles rows [start, stop) and writes only what belongs to those rows or to its own
tile, so that tiles may run in any number of threads and be combined in order: the result does not
depend on the thread count.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numba import config, njit

# A distance's bin is its binary exponent and leading 9 mantissa bits, the top of its bit pattern:
# 512 bins an octave, so that one far outlier cannot push all other distances into one bin.
BINS_PER_OCTAVE = 1 << 9
BIN_SHIFT = 52 - 9


def kernel(function: Callable[..., Any]) -> Any:
    """Compile at the first call, and keep the machine code in the user's cache (or NUMBA_CACHE_DIR).

    Beside the package, where numba would keep it, it outlives an uninstall, and what is left of the
    folder then hides an editable installation.
    """
    settings: Any = config  # numba makes its attributes at run time
    chosen = settings.CACHE_DIR
    caches = os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser()
    settings.CACHE_DIR = chosen or str(Path(caches) / "gamac-meta")
    try:
        return njit(nogil=True, cache=True)(function)
    finally:
        settings.CACHE_DIR = chosen


@kernel
def _distances_from(X, i, out):
    n, d = X.shape
    for j in range(n):
        total = 0.0
        for c in range(d):
            step = X[i, c] - X[j, c]
            total += step * step
        out[j] = np.sqrt(total)


@kernel
def fold_rows(
    X, start, stop, labels, n_clusters, sizes, offsets, corners,
    own_mean, other_mean, own_farthest, pair_sums, pair_minima, pair_maxima, cover,
):  # fmt: skip
    """Distances of each row, folded by cluster, for all partitions at once.

    labels (p, n) with -1 outside; offsets (p,) where a partition's clusters start in the
    concatenated (K,) cluster axis; corners (p,) where its (k, k) table starts.
    Written by row: own_mean, other_mean, own_farthest (p, n).
    Written by tile: pair_sums, pair_minima, pair_maxima (sum of k*k,), cover (K,).
    """
    n = X.shape[0]
    p = labels.shape[0]
    widest = 0
    for q in range(p):
        widest = max(widest, n_clusters[q])
    distances = np.empty(n)
    row_sum = np.empty(widest)
    row_min = np.empty(widest)
    row_max = np.empty(widest)
    for i in range(start, stop):
        _distances_from(X, i, distances)
        for q in range(p):
            own = labels[q, i]
            k = n_clusters[q]
            if own < 0 or k == 0:
                continue
            for c in range(k):
                row_sum[c] = 0.0
                row_min[c] = np.inf
                row_max[c] = -np.inf
            for j in range(n):
                c = labels[q, j]
                if c < 0 or j == i:
                    continue
                v = distances[j]
                row_sum[c] += v
                row_min[c] = min(row_min[c], v)
                row_max[c] = max(row_max[c], v)
            first = offsets[q]
            line = corners[q] + own * k
            best = np.inf
            for c in range(k):
                pair_sums[line + c] += row_sum[c]
                pair_minima[line + c] = min(pair_minima[line + c], row_min[c])
                pair_maxima[line + c] = max(pair_maxima[line + c], row_max[c])
                if c != own:
                    best = min(best, row_sum[c] / sizes[first + c])
                    cover[first + c] = min(cover[first + c], row_max[c])
            members = sizes[first + own] - 1
            own_mean[q, i] = row_sum[own] / members if members > 0 else np.nan
            own_farthest[q, i] = row_max[own] if members > 0 else 0.0
            other_mean[q, i] = best if k > 1 else np.nan


@kernel
def outsider_means(distances, order, start, labels, sizes, offsets, out):
    """out (p, n): mean of the |c| smallest distances from a point of cluster c to points of others.

    distances (rows, n) from points start, start + 1, ...; order (rows, n) sorts each row.
    """
    rows, n = distances.shape
    for row in range(rows):
        i = start + row
        for q in range(labels.shape[0]):
            own = labels[q, i]
            if own < 0:
                continue
            wanted = sizes[offsets[q] + own]
            found = 0
            total = 0.0
            for rank in range(n):
                j = order[row, rank]
                c = labels[q, j]
                if c >= 0 and c != own:
                    total += distances[row, j]
                    found += 1
                    if found == wanted:
                        break
            # fewer outsiders than members: the mean of all there are
            out[q, i] = total / found if found > 0 else np.nan


@kernel
def concordance_sorted(distances, first, second, labels, within, between):
    """Counts over pairs sorted by distance, for one partition of `within` and `between` pairs.

    Returns (concordant, discordant, within ties, between ties, smallest sum, largest sum):
    concordant is the number of (within, between) pairs of pairs whose within distance is smaller;
    the tie counts are pairs of pairs with equal distance inside each kind; the sums are of the
    `within` smallest and largest distances between clustered points.
    """
    total = distances.size
    concordant = 0
    discordant = 0
    within_ties = 0
    between_ties = 0
    within_seen = 0
    between_seen = 0
    taken = 0
    smallest = 0.0
    largest = 0.0
    t = 0
    while t < total:
        stop = t
        within_here = 0
        between_here = 0
        # distances that differ by rounding only are equal, or grids would be ordered by chance
        limit = distances[t] * (1.0 + 1e-12)
        while stop < total and distances[stop] <= limit:
            a = labels[first[stop]]
            b = labels[second[stop]]
            if a >= 0 and b >= 0:
                if a == b:
                    within_here += 1
                else:
                    between_here += 1
                if taken < within:
                    smallest += distances[stop]
                if taken >= between:
                    largest += distances[stop]
                taken += 1
            stop += 1
        concordant += within_here * (between - between_seen - between_here)
        discordant += within_here * between_seen
        within_ties += within_here * (within_here - 1) // 2
        between_ties += between_here * (between_here - 1) // 2
        within_seen += within_here
        between_seen += between_here
        t = stop
    return concordant, discordant, within_ties, between_ties, smallest, largest


@kernel
def histogram_rows(X, start, stop, labels, lowest, within, between, sums):
    """Histograms of distances of pairs (i, j > i): within, between, sums (p, bins).

    Bins are log-linear (BINS_PER_OCTAVE); bin 0 holds the pattern `lowest` and all below it.
    """
    n = X.shape[0]
    bins = within.shape[1]
    distances = np.empty(n)
    patterns = distances.view(np.int64)
    for i in range(start, stop):
        _distances_from(X, i, distances)
        for q in range(labels.shape[0]):
            own = labels[q, i]
            if own < 0:
                continue
            for j in range(i + 1, n):
                c = labels[q, j]
                if c < 0:
                    continue
                b = min(max((patterns[j] >> BIN_SHIFT) - lowest, 0), bins - 1)
                sums[q, b] += distances[j]
                if c == own:
                    within[q, b] += 1
                else:
                    between[q, b] += 1


@kernel
def reflected_distances(X, labels, centroids, out):
    """out (n,): mean distance from a point's mirror image in its centroid to the image's two
    nearest points of the same cluster.  X must be ordered by cluster; labels (n,) ascending."""
    n, d = X.shape
    start = 0
    while start < n:
        stop = start
        while stop < n and labels[stop] == labels[start]:
            stop += 1
        c = labels[start]
        for i in range(start, stop):
            nearest = np.inf
            second = np.inf
            for j in range(start, stop):
                total = 0.0
                for column in range(d):
                    step = 2.0 * centroids[c, column] - X[i, column] - X[j, column]
                    total += step * step
                if total < nearest:
                    second = nearest
                    nearest = total
                elif total < second:
                    second = total
            out[i] = 0.5 * (np.sqrt(nearest) + np.sqrt(second)) if stop - start > 1 else np.nan
        start = stop


@kernel
def midpoint_densities(X, starts, centroids, radius):
    """(pairs,) for each pair of clusters a < b, points of both within radius of the midpoint of their
    centroids, over the larger of the counts around either centroid; NaN where there are none.
    X must be ordered by cluster, starts (k + 1,)."""
    k, d = centroids.shape
    ratios = np.empty(k * (k - 1) // 2)
    cell = 0
    for a in range(k):
        for b in range(a + 1, k):
            middle = 0
            first = 0
            second = 0
            for c in (a, b):
                for i in range(starts[c], starts[c + 1]):
                    to_middle = 0.0
                    to_first = 0.0
                    to_second = 0.0
                    for column in range(d):
                        x = X[i, column]
                        u = centroids[a, column]
                        v = centroids[b, column]
                        to_middle += (x - 0.5 * (u + v)) ** 2
                        to_first += (x - u) ** 2
                        to_second += (x - v) ** 2
                    middle += to_middle <= radius * radius
                    first += to_first <= radius * radius
                    second += to_second <= radius * radius
            most = max(first, second)
            ratios[cell] = middle / most if most > 0 else np.nan
            cell += 1
    return ratios


@kernel
def spanning_tree(X, core):
    """Prim's minimum spanning tree of the mutual reachabilities max(d(i, j), core_i, core_j).

    core (n,); zeros give the Euclidean tree. Returns (edges (n - 1, 2), lengths (n - 1,)).
    Many reachabilities equal a core distance: the nearer pair goes first. Pairs that tie in both, as
    on a grid, are taken in the order of the points, so that the tree then depends on that order.
    """
    n, d = X.shape
    edges = np.empty((max(n - 1, 0), 2), dtype=np.int64)
    lengths = np.empty(max(n - 1, 0))
    reach = np.full(n, np.inf)  # squared, to the tree so far
    apart = np.full(n, np.inf)  # squared distance of the pair that reaches
    parent = np.zeros(n, dtype=np.int64)
    outside = np.arange(1, n)
    last = 0
    for step in range(n - 1):
        remaining = n - 1 - step
        nearest = 0
        best = np.inf
        best_apart = np.inf
        for slot in range(remaining):
            j = outside[slot]
            total = 0.0
            for column in range(d):
                gap = X[last, column] - X[j, column]
                total += gap * gap
            mutual = max(total, core[last] * core[last], core[j] * core[j])
            if mutual < reach[j] or (mutual == reach[j] and total < apart[j]):
                reach[j] = mutual
                apart[j] = total
                parent[j] = last
            if reach[j] < best or (reach[j] == best and apart[j] < best_apart):
                best = reach[j]
                best_apart = apart[j]
                nearest = slot
        last = outside[nearest]
        outside[nearest] = outside[remaining - 1]
        edges[step, 0] = parent[last]
        edges[step, 1] = last
        lengths[step] = np.sqrt(best)
    return edges, lengths


@kernel
def core_distances(X):
    """(n,) all-points core distance: the power mean, with exponent -d, of distances to all others.

    Taken in units of the nearest distance, so that no power overflows in many dimensions.
    """
    n, d = X.shape
    core = np.zeros(n)
    squares = np.empty(n)
    for i in range(n):
        nearest = np.inf
        for j in range(n):
            total = 0.0
            for column in range(d):
                gap = X[i, column] - X[j, column]
                total += gap * gap
            squares[j] = total
            if j != i:
                nearest = min(nearest, total)
        if n < 2 or nearest == 0.0:
            continue  # a duplicate is infinitely dense
        mean = 0.0
        for j in range(n):
            if j == i:
                continue
            ratio = nearest / squares[j]
            power = np.sqrt(ratio) if d % 2 else 1.0
            for _ in range(d // 2):
                power *= ratio
            mean += power
        core[i] = np.sqrt(nearest) * (mean / (n - 1)) ** (-1.0 / d)
    return core


@kernel
def density_structure(X, starts):
    """Density sparseness (k,) and separation (k,) of each cluster, as DBCV defines them.

    X must be ordered by cluster, starts (k + 1,). Clusters of one point take no part: NaN.
    """
    n, d = X.shape
    k = starts.size - 1
    core = np.zeros(n)
    internal = np.zeros(n, dtype=np.bool_)
    cluster = np.empty(n, dtype=np.int64)
    sparseness = np.full(k, np.nan)
    separation = np.full(k, np.inf)
    for c in range(k):
        start = starts[c]
        stop = starts[c + 1]
        cluster[start:stop] = c
        size = stop - start
        if size < 2:
            continue
        core[start:stop] = core_distances(X[start:stop])
        edges, lengths = spanning_tree(X[start:stop], core[start:stop])
        degree = np.zeros(size, dtype=np.int64)
        for e in range(size - 1):
            degree[edges[e, 0]] += 1
            degree[edges[e, 1]] += 1
        longest = 0.0
        longest_inside = -1.0
        for e in range(size - 1):
            longest = max(longest, lengths[e])
            if degree[edges[e, 0]] > 1 and degree[edges[e, 1]] > 1:
                longest_inside = max(longest_inside, lengths[e])
        # a star has no edge between internal points, a pair no internal points: all then count
        sparseness[c] = longest_inside if longest_inside >= 0.0 else longest
        for i in range(size):
            internal[start + i] = degree[i] > 1 or size == 2
    inner = np.flatnonzero(internal)
    for s in range(inner.size):
        i = inner[s]
        a = cluster[i]
        for t in range(s + 1, inner.size):
            j = inner[t]
            b = cluster[j]
            if a == b:
                continue
            total = 0.0
            for column in range(d):
                gap = X[i, column] - X[j, column]
                total += gap * gap
            total = max(total, core[i] * core[i], core[j] * core[j])
            separation[a] = min(separation[a], total)
            separation[b] = min(separation[b], total)
    return sparseness, np.sqrt(separation)
