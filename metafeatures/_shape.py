"""Structure, second half: how the points fill space."""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats, Ints
from metafeatures._partitions import SEED
from metafeatures._registry import metafeatures
from metafeatures._structure import neighbor_matrix, pieces
from metafeatures._view import NEIGHBORS

PROBES = 200


def _nearest(places: Floats, X: Floats) -> Floats:
    """(q,) distance of each place to the nearest point."""
    from scipy.spatial.distance import cdist

    return np.asarray(cdist(places, X).min(axis=1))


@metafeatures("hopkins")
def hopkins(X: Floats, sorted_distances: Floats) -> float:
    """Hopkins statistic: nearest points as seen from 200 uniform places in the box along the principal
    axes, against those seen from points; 1/2 for uniform data, near 1 for clusters.

    Hopkins and Skellam 1954, doi:10.1093/oxfordjournals.aob.a083391; distances, not their d-th powers.
    """
    rng = np.random.default_rng(SEED)
    low, high = X.min(axis=0), X.max(axis=0)
    places = low + (high - low) * rng.random((PROBES, len(low)))
    empty = _nearest(places, X).mean()
    return float(empty / (empty + sorted_distances[:, 0].mean()))


@metafeatures("occupancy")
def occupancy(X: Floats) -> float:
    """Occupied cells of a grid on the first two principal axes, over those of as many uniform points."""
    n = len(X)
    axes = X[:, :2]
    reach = np.ptp(axes, axis=0)
    axes = axes[:, reach > 0]
    side = max(2, int((n / 4) ** (1 / axes.shape[1])))
    cells = np.minimum((side * (axes - axes.min(axis=0)) / np.ptp(axes, axis=0)).astype(np.int64), side - 1)
    total = side ** axes.shape[1]
    occupied = len(np.unique(cells @ side ** np.arange(axes.shape[1])))
    return float(occupied / (total * (1.0 - np.exp(-n / total))))


@metafeatures("intrinsic_dimension")
def intrinsic_dimension(neighbor_distances: Floats) -> float:
    """Log of 1 plus the maximum-likelihood dimension from 10 neighbors, averaged in the inverse.

    Levina and Bickel 2004 (NIPS 17) as corrected by MacKay and Ghahramani 2005.
    """
    distances = neighbor_distances[neighbor_distances[:, 0] > 0]
    inverse = float(np.mean(np.log(distances[:, -1:] / distances[:, :-1]))) if len(distances) else 0.0
    return float(np.log1p(1.0 / inverse)) if inverse > 1e-6 else 0.0


@metafeatures("linearity", "linear_share")
def linearity(distances: Floats, neighbors: Ints) -> tuple[float, float]:
    """Variance of a point and its neighbors along their first axis, as a share: mean, and how often above .9.

    Local principal components from the distances alone, by double centring (Torgerson 1952,
    doi:10.1007/BF02288916).
    """
    members = np.concatenate([np.arange(len(neighbors))[:, None], neighbors], axis=1)
    squares = distances[members[:, :, None], members[:, None, :]] ** 2
    largest = squares.max(axis=(1, 2))
    squares = squares[largest > 0] / largest[largest > 0, None, None]
    if not len(squares):
        return 0.0, 0.0
    means = squares.mean(axis=1)
    gram = -0.5 * (squares - means[:, :, None] - means[:, None, :] + means.mean(axis=1)[:, None, None])
    first = np.linalg.eigvalsh(gram)[:, -1] / np.trace(gram, axis1=1, axis2=2)
    return float(first.mean()), float(np.mean(first > 0.9))


@metafeatures("symmetry")
def symmetry(X: Floats, sorted_distances: Floats) -> float:
    """Log of 1 plus the distance of mirror images in the mean to the nearest point, over that of points."""
    some = X[:: max(1, len(X) // PROBES)]
    return float(np.log1p(_nearest(-some, X).mean() / np.maximum(sorted_distances[:, 0].mean(), 1e-9)))


@metafeatures("convexity")
def convexity(X: Floats, neighbors: Ints, local_scale: Floats) -> float:
    """Mean log of 1 plus the distance from midpoints of pairs in one piece of the neighbor graph to the
    nearest point, over the local scale: small if pieces are convex, large for rings and arcs."""
    labels = pieces(neighbor_matrix(neighbors, NEIGHBORS))
    order = np.argsort(labels, kind="stable")
    sizes = np.bincount(labels)
    starts = np.cumsum(sizes) - sizes
    rng = np.random.default_rng(SEED)
    first = rng.integers(len(X), size=PROBES)
    own = labels[first]
    second = order[starts[own] + (rng.random(PROBES) * sizes[own]).astype(np.int64)]
    distances = _nearest((X[first] + X[second]) / 2.0, X)
    return float(np.mean(np.log1p(distances / np.sqrt(local_scale[first] * local_scale[second]))))
