"""Distances from points to the centers of clusters, and to what these define: midpoints."""

import numpy as np

from gamac_meta._kernels.compiler import kernel, vectorized


@vectorized
def distances_to_centers(X, labels, centers, own, other):
    """own (n,): distance of each point of X (n, d) to the center (k, d) of its cluster; other (n,): to the nearest of
    the other centers, infinite where there is none."""
    n, d = X.shape
    for i in range(n):
        nearest = np.inf
        for c in range(centers.shape[0]):
            square = 0.0
            for column in range(d):
                gap = X[i, column] - centers[c, column]
                square += gap * gap
            if c == labels[i]:
                own[i] = np.sqrt(square)
            else:
                nearest = min(nearest, square)
        other[i] = np.sqrt(nearest)


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
