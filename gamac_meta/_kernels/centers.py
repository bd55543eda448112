"""Means and squares by cluster, distances from points to the centers of clusters, and to what these define: midpoints.

Points are read where they lie: the i-th in the order of clusters is X[order[i]] - middle, X (m, d), order (n,),
middle (d,). A cluster c is what is from edges[c] to edges[c + 1], edges (k + 1,).
"""

import numpy as np

from gamac_meta._kernels.compiler import kernel, vectorized


@kernel
def means_by_cluster(X, order, middle, edges):
    """(k, d) mean of each cluster's points; of equal points that point itself, to the last digit."""
    d = X.shape[1]
    means = np.empty((edges.size - 1, d))
    apart = np.empty(d)
    for c in range(edges.size - 1):
        members = order[edges[c] : edges[c + 1]]
        first = X[members[0]]
        apart[:] = 0.0
        for i in members:
            for column in range(d):
                apart[column] += X[i, column] - first[column]
        for column in range(d):
            means[c, column] = (first[column] - middle[column]) + apart[column] / members.size
    return means


@kernel
def squares_by_cluster(X, order, middle, edges, centers):
    """(k, d) sum over each cluster's points of squared deviations from its center (k, d), by column."""
    d = X.shape[1]
    sums = np.zeros((edges.size - 1, d))
    for c in range(edges.size - 1):
        for i in order[edges[c] : edges[c + 1]]:
            for column in range(d):
                sums[c, column] += ((X[i, column] - middle[column]) - centers[c, column]) ** 2
    return sums


@kernel
def _read(X, i, middle, point):
    """Put X[i] - middle into point (d,). Not reassociated: a point that is its own center must be at distance zero."""
    for column in range(point.size):
        point[column] = X[i, column] - middle[column]


@vectorized
def distances_to_own(X, order, middle, labels, centers, out):
    """out (n,): distance of each point to the center (k, d) that its label (n,) names."""
    point = np.empty(X.shape[1])
    for i in range(order.size):
        _read(X, order[i], middle, point)
        center = centers[labels[i]]
        square = 0.0
        for column in range(point.size):
            gap = point[column] - center[column]
            square += gap * gap
        out[i] = np.sqrt(square)


@vectorized
def distances_to_centers(X, order, middle, labels, centers, own, other):
    """own (n,): distance of each point to the center (k, d) of its cluster; other (n,): to the nearest of the other
    centers, infinite where there is none."""
    point = np.empty(X.shape[1])
    for i in range(order.size):
        _read(X, order[i], middle, point)
        nearest = np.inf
        for c in range(centers.shape[0]):
            square = 0.0
            for column in range(point.size):
                gap = point[column] - centers[c, column]
                square += gap * gap
            if c == labels[i]:
                own[i] = np.sqrt(square)
            else:
                nearest = min(nearest, square)
        other[i] = np.sqrt(nearest)


@kernel
def midpoint_densities(X, order, middle, edges, centroids, radius):
    """(pairs,) for each pair of clusters a < b, points of both within radius of the midpoint of their
    centroids, over the larger of the counts around either centroid; NaN where there are none."""
    k, d = centroids.shape
    ratios = np.empty(k * (k - 1) // 2)
    cell = 0
    for a in range(k):
        for b in range(a + 1, k):
            between = 0
            first = 0
            second = 0
            for c in (a, b):
                for i in order[edges[c] : edges[c + 1]]:
                    to_between = 0.0
                    to_first = 0.0
                    to_second = 0.0
                    for column in range(d):
                        x = X[i, column] - middle[column]
                        u = centroids[a, column]
                        v = centroids[b, column]
                        to_between += (x - 0.5 * (u + v)) ** 2
                        to_first += (x - u) ** 2
                        to_second += (x - v) ** 2
                    between += to_between <= radius * radius
                    first += to_first <= radius * radius
                    second += to_second <= radius * radius
            most = max(first, second)
            ratios[cell] = between / most if most > 0 else np.nan
            cell += 1
    return ratios
