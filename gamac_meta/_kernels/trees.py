"""Spanning trees, core distances and what DBCV reads off them."""

import numpy as np

from gamac_meta._kernels.compiler import kernel


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
