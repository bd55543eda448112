"""Largest and smallest distances found by bounds, without a look at all pairs."""

import numpy as np

from gamac_meta._kernels.compiler import vectorized


@vectorized
def farthest_pair(X, reach, least):
    """Largest distance between points X (m, d), if it is more than `least`, else that.

    reach (m,) distance of each to some common point, descending: two points are not farther apart
    than the sum of theirs.
    """
    m, d = X.shape
    square = least * least
    farthest = least
    for i in range(m):
        if reach[i] + reach[0] <= farthest:
            break
        for j in range(i):
            if reach[i] + reach[j] <= farthest:
                break
            total = 0.0
            for c in range(d):
                step = X[i, c] - X[j, c]
                total += step * step
            if total > square:
                square = total
                farthest = np.sqrt(total)
    return farthest


@vectorized
def distances_to(X, point, out):
    """out (n,): distances of X (n, d) to a point (d,)."""
    n, d = X.shape
    for i in range(n):
        total = 0.0
        for c in range(d):
            step = X[i, c] - point[c]
            total += step * step
        out[i] = np.sqrt(total)


@vectorized
def raise_to_distances(X, point, bounds):
    """Raise bounds (n,) to the distances of X (n, d) to a point (d,), where those are greater."""
    n, d = X.shape
    for i in range(n):
        total = 0.0
        for c in range(d):
            step = X[i, c] - point[c]
            total += step * step
        bounds[i] = max(bounds[i], np.sqrt(total))
