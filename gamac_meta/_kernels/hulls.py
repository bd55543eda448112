"""Convex hulls of clusters in the plane, and largest distances, which end at their corners."""

import numpy as np

from gamac_meta._kernels.compiler import kernel, vectorized


@kernel
def _turns_left(X, a, b, c):
    """Whether the way from point a over b to c turns left."""
    # of a single column, both coordinates: points on a diagonal, which turns nowhere
    y = X.shape[1] - 1
    return (X[b, 0] - X[a, 0]) * (X[c, y] - X[a, y]) > (X[b, y] - X[a, y]) * (X[c, 0] - X[a, 0])


@kernel
def corners_of_clusters(X, order, labels, starts):
    """Corners of the convex hull of each cluster, counterclockwise, and (k + 1,) where those of each begin.

    X (n, d) of one or two columns of about the same size, order (n,) from left to right, equal ones upward; labels
    (n,) with -1 outside, starts (k + 1,) as many points before each cluster.

    Andrew 1979, doi:10.1016/0020-0190(79)90072-3.
    """
    k = starts.size - 1
    members = np.empty(starts[k], dtype=np.int64)
    ends = starts[:k].copy()
    for i in order:
        c = labels[i]
        if c >= 0:
            members[ends[c]] = i
            ends[c] += 1
    # by rounding, points on a line may be on both sides of it
    corners = np.empty(2 * starts[k], dtype=np.int64)
    edges = np.zeros(k + 1, dtype=np.int64)
    for c in range(k):
        some = members[starts[c] : starts[c + 1]]
        chain = np.empty(2 * some.size, dtype=np.int64)
        size = 0
        base = 1
        for step in range(2 * some.size - 1):
            # below from left to right, above back again
            point = some[step] if step < some.size else some[2 * some.size - 2 - step]
            if step == some.size:
                base = size
            while size > base and not _turns_left(X, chain[size - 2], chain[size - 1], point):
                size -= 1
            chain[size] = point
            size += 1
        # the way ends where it began
        size = max(size - 1, 1)
        first = edges[c]
        corners[first : first + size] = chain[:size]
        edges[c + 1] = first + size
    return corners[: edges[k]], edges


@vectorized
def farthest_corners(points, labels, corners, edges, out):
    """out (m,): largest distance from each of points (m, d) to the corners (h, d) of the cluster that its label
    (m,) names; edges (k + 1,) as from corners_of_clusters."""
    for i in range(points.shape[0]):
        farthest = 0.0
        for j in range(edges[labels[i]], edges[labels[i] + 1]):
            square = 0.0
            for column in range(points.shape[1]):
                step = points[i, column] - corners[j, column]
                square += step * step
            farthest = max(farthest, square)
        out[i] = np.sqrt(farthest)


@vectorized
def nearest_cover(points, labels, cluster, corners, bound):
    """Smallest, over points (m, d) with other labels (m,) than the cluster's, of the largest distance to its corners
    (h, d), if it is less than the bound, else that."""
    least = bound * bound
    nearest = bound
    last = 0
    for i in range(points.shape[0]):
        if labels[i] == cluster:
            continue
        farthest = 0.0
        # the corner that decided last mostly decides again
        for turn in range(-1, corners.shape[0]):
            j = last if turn < 0 else turn
            square = 0.0
            for column in range(points.shape[1]):
                step = points[i, column] - corners[j, column]
                square += step * step
            if square >= least:
                last = j
                farthest = np.inf
                break
            farthest = max(farthest, square)
        if farthest < least:
            least = farthest
            nearest = np.sqrt(farthest)
    return nearest
