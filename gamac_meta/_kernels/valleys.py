"""Valleys of density: sums over pairs of points by the merge of a tree at which they meet."""

import numpy as np

from gamac_meta._kernels.compiler import kernel


@kernel
def lay_out(children):
    """Order the points so that what each merge joins is contiguous, the larger part first.

    children (n - 1, 2) as of connected.merge_tree. Returns leaves (n,), the points in order; parents
    (2 n - 1,), the root's -1; spans (2 n - 1, 2), where in the order a node begins and its size. In
    children the larger comes first thereafter.
    """
    merges = children.shape[0]
    n = merges + 1
    parents = np.empty(n + merges, dtype=np.int64)
    spans = np.empty((n + merges, 2), dtype=np.int64)
    parents[n + merges - 1] = -1
    spans[n + merges - 1, 0] = 0
    for i in range(n):
        spans[i, 1] = 1
    for t in range(merges):
        a = children[t, 0]
        b = children[t, 1]
        parents[a] = n + t
        parents[b] = n + t
        spans[n + t, 1] = spans[a, 1] + spans[b, 1]
        if spans[b, 1] > spans[a, 1]:
            children[t, 0] = b
            children[t, 1] = a
    for t in range(merges - 1, -1, -1):
        a = children[t, 0]
        spans[a, 0] = spans[n + t, 0]
        spans[children[t, 1], 0] = spans[n + t, 0] + spans[a, 1]
    leaves = np.empty(n, dtype=np.int64)
    for i in range(n):
        leaves[spans[i, 0]] = i
    return leaves, parents, spans


@kernel
def meeting_sum(children, heights, leaves, parents, spans, weights, labels, k):
    """Sum over pairs of points of one cluster of the product of their weights over the height where they meet.

    heights (n - 1,) of the merges; weights, labels (n,) with 0 to k - 1. Every merge adds its smaller
    part to the larger, O(n log n) whatever k.
    """
    n = leaves.size
    gathered = np.empty(k)  # weight of each cluster below the node reached
    for c in range(k):
        gathered[c] = 0.0
    total = 0.0
    for leaf in range(n):
        node = leaf
        while parents[node] >= 0 and children[parents[node] - n, 0] == node:
            if node == leaf:
                gathered[labels[leaf]] += weights[leaf]
            node = parents[node]
            smaller = children[node - n, 1]
            start = spans[smaller, 0]
            stop = start + spans[smaller, 1]
            met = 0.0
            for place in range(start, stop):
                i = leaves[place]
                met += gathered[labels[i]] * weights[i]
            total += met / heights[node - n]
            for place in range(start, stop):
                i = leaves[place]
                gathered[labels[i]] += weights[i]
        if node != leaf:
            for place in range(spans[node, 0], spans[node, 0] + spans[node, 1]):
                gathered[labels[leaves[place]]] = 0.0
    return total
