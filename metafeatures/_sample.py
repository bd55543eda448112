"""At most a thousand points that stand for all, in an order that does not depend on the rows' order."""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats, Ints

MAX_POINTS = 1000
CELLS = 64
# What is equal must compare equal after a translation or rotation has disturbed its last digits.
KEPT_BITS = 30
SNAP_BITS = 46
# Points given to measures keep about 7 digits, covariances about 13: more than the first would meet the
# noise of a turn, and covariances that are equal by symmetry must stay so, else their axes are arbitrary.
POINT_BITS = 24
COVARIANCE_BITS = 44
NO_SPREAD = 1e-9  # of the widest axis: less is lost in the last digits


def rounded(values: Floats) -> Floats:
    """Values to 30 significant bits, about 9 digits."""
    mantissa, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, KEPT_BITS)), exponent - KEPT_BITS))


def centered(X: Floats) -> Floats:
    """(n, d) points about their mean, largest absolute coordinate 1; a constant column is exactly 0."""
    return _about_mean(_about_middle(X))


def _about_middle(X: Floats) -> Floats:
    """(n, d) points about the middle of their ranges, in which the order of rows has no part at all.

    Steps below 1e-14 of the largest range are lost: a later difference would lose them unevenly.
    """
    low, high = X.min(axis=0), X.max(axis=0)
    # halves, since the range of two doubles can overflow
    X = np.where(low == high, 0.0, X / 2 - (low / 2 + high / 2) / 2)
    return np.asarray(np.ldexp(np.round(np.ldexp(X / np.abs(X).max(), SNAP_BITS)), -SNAP_BITS))


def _about_mean(X: Floats) -> Floats:
    X = np.where(np.any(X[0] != X, axis=0), X - X.mean(axis=0), 0.0)
    return np.asarray(X / np.abs(X).max())


def principal_frame(X: Floats) -> Floats:
    """(n, r) points about their mean along their principal axes, widest first, root mean square radius 1.

    Each axis points where its third moment is positive; where that vanishes, where its largest part in
    a column is, and not so that the points are a mirror image by the first axis. Axes without spread
    are left out.
    """
    X = centered(X)
    if X.shape[1] > X.shape[0]:
        axes = np.linalg.svd(X, full_matrices=False)[2].T
    else:
        covariance = X.T @ X
        covariance = np.round(np.ldexp(covariance / np.abs(covariance).max(), COVARIANCE_BITS))
        axes = np.linalg.eigh(covariance)[1][:, ::-1]
    points = X @ axes
    spread = np.sqrt(np.mean(points**2, axis=0))
    kept = spread > NO_SPREAD * spread.max()
    points, axes, spread = points[:, kept] / spread[kept], axes[:, kept], spread[kept]
    skew = np.round(np.ldexp(np.mean(points**3, axis=0), KEPT_BITS))
    largest = axes[np.argmax(rounded(np.abs(axes)), axis=0), np.arange(axes.shape[1])]
    points *= np.where(skew != 0, np.sign(skew), np.sign(largest))
    lean = np.round(np.ldexp(np.mean(points[:, :1] ** 3 * points, axis=0), KEPT_BITS))
    points *= np.where((skew == 0) & (lean < 0), -1.0, 1.0)
    return np.asarray(points * spread / np.sqrt(np.sum(spread**2)))


def canonical(X: Floats) -> tuple[Ints, Floats]:
    """(n,) rows in canonical order and (n, r) these points along their principal axes.

    The points come out the same, but for their last digits, however X was ordered, moved, scaled or turned.
    """
    points = principal_frame(X)
    order = canonical_order(points)
    return order, points[order]


def snapped(points: Floats) -> Floats:
    """(n, r) points on a grid, about 1e7 cells across the bulk of them, however far an outlier is."""
    sizes = np.abs(points)
    bulk = np.median(sizes[sizes > 0])
    cell = np.ldexp(1.0, int(np.frexp(bulk)[1]) - POINT_BITS)
    return np.asarray(np.round(points / cell) * cell)


def canonical_points(X: Floats) -> tuple[Ints, Floats]:
    """(n,) rows in canonical order and (n, r) these points for measures to compare: along their principal
    axes, without their last digits, as wide as X."""
    order, points = canonical(X)
    radius = np.sqrt(np.mean(np.sum((X - X.mean(axis=0)) ** 2, axis=1)))
    return order, snapped(points) * rounded(radius)


def canonical_order(X: Floats) -> Ints:
    """(n,) rows by distance to the mean, equal distances by a fixed projection.

    Both are rounded, since the last digits of a mean depend on the order of rows. Points that rounding
    cannot tell apart, next to an outlier, go by the same projection from a middle that does not.
    """
    middle = _about_middle(X)
    X = _about_mean(middle)
    radius = np.sqrt(np.einsum("nd,nd->n", X, X))
    direction = np.cos(np.arange(1, X.shape[1] + 1) ** 2 + 0.5)
    along = np.divide(X @ direction, radius, out=np.zeros_like(radius), where=radius > 0)
    exact = np.zeros(len(X))
    for column, weight in zip(middle.T, direction, strict=True):
        exact += weight * column  # in the same order for every row, as a matrix product need not
    return np.lexsort((exact, np.round(np.ldexp(along, KEPT_BITS)), rounded(radius)))


def sample_rows(X: Floats, size: int = MAX_POINTS) -> Ints:
    """(n',) rows that represent X (n, d), in canonical order; all of them if n <= size.

    Strata are the cells of 64 anchor points spread over the canonical order. A systematic sample
    through the cells, and through the radii inside each, takes from each in proportion.
    """
    order = canonical_order(X)
    n = len(order)
    if n <= size:
        return order
    points = centered(X[order])
    anchors = points[_spread(n, CELLS)]
    squares = np.einsum("kd,kd->k", anchors, anchors)
    cells = np.concatenate(
        [
            np.argmin(np.round(np.ldexp(squares - 2.0 * part @ anchors.T, KEPT_BITS)), axis=1)
            for part in np.array_split(points, n // 8192 + 1)
        ]
    )
    by_cell = np.argsort(cells, kind="stable")
    chosen = np.sort(by_cell[_spread(n, size)])
    # the outermost point keeps a rare outlier, and a sample of equal points from being all there is
    chosen[-1] = n - 1
    if np.all(points[chosen] == points[chosen[0]]):
        chosen[0] = int(np.argmax(np.any(points != points[chosen[0]], axis=1)))
    return order[chosen]


def _spread(n: int, count: int) -> Ints:
    """(count,) indices evenly through range(n)."""
    return np.asarray((np.arange(count) + 0.5) * n / count, dtype=np.int64)
