"""Density-connectivity: the merge tree of a spanning tree and mean distances read off it."""

import numpy as np

from gamac_meta._kernels.compiler import kernel


@kernel
def _root(parents, node):
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node


@kernel
def merge_tree(edges):
    """(n - 1, 2) the two nodes that each edge (n - 1, 2) of a spanning tree joins, edges shortest first.

    Nodes 0 to n - 1 are the points, node n + t what edge t makes.
    """
    merges = edges.shape[0]
    n = merges + 1
    parents = np.arange(n)
    made = np.arange(n)  # node that the points below a root form by now
    children = np.empty((merges, 2), dtype=np.int64)
    for t in range(merges):
        a = _root(parents, edges[t, 0])
        b = _root(parents, edges[t, 1])
        children[t, 0] = made[a]
        children[t, 1] = made[b]
        parents[a] = b
        made[b] = n + t
    return children


@kernel
def merge_distances(children, heights, labels, sizes):
    """Mean distances to clusters, two points being as far apart as the height (n - 1,) of the merge that joins them.

    labels (n,) with -1 outside, sizes (k,). Returns (n,) mean to the other points of the own cluster,
    NaN for a single point, and (n,) smallest mean to another cluster. One pass up and down the tree
    for each cluster: O(n k) time, O(n) memory.
    """
    n = labels.size
    own_mean = np.full(n, np.nan)
    other_mean = np.full(n, np.inf)
    inside = np.empty(2 * n - 1)  # points of the cluster below a node
    total = np.empty(2 * n - 1)  # summed distances from a point below a node to the cluster's points elsewhere
    for c in range(sizes.size):
        for i in range(n):
            inside[i] = 1.0 if labels[i] == c else 0.0
        for t in range(n - 1):
            inside[n + t] = inside[children[t, 0]] + inside[children[t, 1]]
        total[2 * n - 2] = 0.0
        for t in range(n - 2, -1, -1):
            a = children[t, 0]
            b = children[t, 1]
            total[a] = total[n + t] + heights[t] * inside[b]
            total[b] = total[n + t] + heights[t] * inside[a]
        for i in range(n):
            if labels[i] != c:
                other_mean[i] = min(other_mean[i], total[i] / sizes[c])
            elif sizes[c] > 1:
                own_mean[i] = total[i] / (sizes[c] - 1)
    return own_mean, other_mean
