"""Largest and smallest distances found by bounds, without a look at all pairs.

Where points are read where they lie, the i-th is X[order[i]]: X (m, d), order (n,).
"""

import numpy as np

from gamac_meta._kernels.compiler import vectorized


@vectorized
def farthest_pair(X, reach, least, start, stop):
    """Largest distance of points X[start:stop] to those before them, if it is more than `least`, else that.

    reach (m,) distance of each to some common point, descending: two points are not farther apart
    than the sum of theirs.
    """
    d = X.shape[1]
    square = least * least
    farthest = least
    for i in range(start, stop):
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
def distances_to(X, order, point, out):
    """out (n,): distances of points to a point (d,)."""
    d = X.shape[1]
    for i in range(order.size):
        here = X[order[i]]
        total = 0.0
        for c in range(d):
            step = here[c] - point[c]
            total += step * step
        out[i] = np.sqrt(total)


@vectorized
def raise_to_distances(X, order, point, bounds):
    """Raise bounds (n,) to the distances of points to a point (d,), where those are greater."""
    d = X.shape[1]
    for i in range(order.size):
        here = X[order[i]]
        total = 0.0
        for c in range(d):
            step = here[c] - point[c]
            total += step * step
        bounds[i] = max(bounds[i], np.sqrt(total))
