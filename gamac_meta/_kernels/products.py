"""The same searches as in trees.py in many dimensions: distances come from a matrix product of centered points.

What a product leaves of a short distance is rounding, so pairs that are near for the length of their
vectors are measured again, coordinate by coordinate.
"""

from contextlib import nullcontext

import numpy as np

from gamac_meta._kernels.compiler import kernel, one_product_thread, vectorized

BLOCK = 128
# in more dimensions than this distances come from products
DIFFERENCES = 8
# and of more points than this: the product has its overhead
FEW = 100
# rows of products at a time
ROWS = 64
# points up to which a byte is kept for each pair
CODED = 5500
# squared distances below this share of the squared lengths of both vectors are measured again
CLOSE = 1e-4
INFINITE = np.float64(np.inf).view(np.int64)
# bits of a squared distance below those that its code is made of: four of the mantissa stay
CODE_SHIFT = 48
# codes of squared distances are bytes above the code of the row's smallest
LARGEST_CODE = 255


@vectorized
def _square(first, second):
    """Squared distance of two points (d,)."""
    total = 0.0
    for column in range(first.size):
        gap = first[column] - second[column]
        total += gap * gap
    return total


@vectorized
def _close(squares, norms, norm):
    """Whether any squared distance of a block is small for the norms."""
    count = 0
    for j in range(squares.size):
        count += squares[j] <= CLOSE * (norm + norms[j])
    return count > 0


@vectorized
def _smallest(patterns):
    """The smallest of bit patterns of distances, infinity's if there are none."""
    smallest = INFINITE
    for j in range(patterns.size):
        smallest = min(smallest, patterns[j])
    return smallest


@kernel
def mend_rows(X, norms, largest, first, squares, patterns, nearest, shortest):
    """Measure again what is short in squares (rows, m), by a product, of points first, ... from all; make those
    of points from themselves infinite and shortest (rows,) the smallest of each row.

    X (m, d) points, norms (m,) squared lengths of the centered ones and the largest of them; patterns and
    nearest are the bits of squares and shortest.
    """
    m = norms.size
    for row in range(nearest.size):
        i = first + row
        squares[row, i] = np.inf
        nearest[row] = _smallest(patterns[row])
        norm = norms[i]
        if shortest[row] > CLOSE * (norm + largest):
            continue
        for start in range(0, m, BLOCK):
            stop = min(start + BLOCK, m)
            if _close(squares[row, start:stop], norms[start:stop], norm):
                for j in range(start, stop):
                    if squares[row, j] <= CLOSE * (norm + norms[j]):
                        squares[row, j] = _square(X[i], X[j])
        nearest[row] = _smallest(patterns[row])


@vectorized
def _powers(squares, nearest, exponent, rooted, base, powers):
    """Sum over a block of (nearest / square)^exponent, of its root if rooted; base and powers are scratch."""
    size = squares.size
    for j in range(size):
        base[j] = nearest / squares[j]
    if rooted:
        for j in range(size):
            base[j] = np.sqrt(base[j])
    bit = 1
    while 2 * bit <= exponent:
        bit *= 2
    for j in range(size):
        powers[j] = base[j]
    while bit > 1:
        bit //= 2
        if exponent & bit:
            for j in range(size):
                powers[j] *= powers[j] * base[j]
        else:
            for j in range(size):
                powers[j] *= powers[j]
    total = 0.0
    for j in range(size):
        total += powers[j]
    return total


@kernel
def power_means(squares, shortest, d, core):
    """core (rows,): power mean, with exponent -d, of the roots of squares (rows, m), all but one finite.

    In units of shortest (rows,), the smallest in each row; zero where that is.
    """
    rows, m = squares.shape
    base = np.empty(BLOCK)
    powers = np.empty(BLOCK)
    rooted = d % 2 == 1
    exponent = d if rooted else d // 2
    for row in range(rows):
        core[row] = 0.0
        if shortest[row] > 0.0:
            total = 0.0
            for start in range(0, m, BLOCK):
                stop = min(start + BLOCK, m)
                total += _powers(squares[row, start:stop], shortest[row], exponent, rooted, base, powers)
            core[row] = np.sqrt(shortest[row]) * (total / (m - 1)) ** (-1.0 / d)


# ---- spanning trees -----------------------------------------------------------------------------


@vectorized
def _encode(patterns, base, codes):
    for j in range(codes.size):
        codes[j] = max(min((patterns[j] >> CODE_SHIFT) - base, LARGEST_CODE), 0)


@vectorized
def _smallest_positive(patterns):
    smallest = INFINITE
    for j in range(patterns.size):
        smallest = min(smallest, patterns[j] if patterns[j] > 0 else INFINITE)
    return smallest


@kernel
def encode_rows(patterns, nearest, bases, codes):
    """Write codes (rows, m) of squared distances by their bits: leading bits, less bases (rows,), those of
    the smallest positive of the row. nearest (rows,) is the smallest."""
    for row in range(nearest.size):
        least = nearest[row] if nearest[row] > 0 else _smallest_positive(patterns[row])
        bases[row] = least >> CODE_SHIFT
        _encode(patterns[row], bases[row], codes[row])


@vectorized
def _reaches(codes, limits, base):
    """Whether a point of a block may be reached better from one with these codes and base."""
    count = 0
    for j in range(codes.size):
        # a distance by a product may have the next code, and code 0 may stand for less
        count += codes[j] <= max(limits[j] - base + 1, 0)
    return count > 0


@kernel
def tree_by_codes(X, core, codes, bases, reach, apart, limits, edges, lengths):
    """Prim's tree of X (m, d) into edges (m - 1, 2) and lengths (m - 1,) by mutual reachability, and where
    that is equal by distance. core (m,) is squared.

    codes (m, m) and bases (m,) bound squared distances from below: only what may change the tree is measured.
    reach, apart (m,) start infinite, limits (m,) are their leading bits.
    """
    m = core.size
    count = (m + BLOCK - 1) // BLOCK
    parent = np.zeros(m, dtype=np.int64)
    lowest = np.empty(count)  # smallest reach in a block
    closest = np.empty(count)  # and smallest distance among points of that reach
    pattern = np.empty(1)
    bits = pattern.view(np.int64)
    newest = 0
    for step in range(m - 1):
        here = core[newest]
        base = bases[newest]
        reach[newest] = np.inf
        limits[newest] = -1
        best = np.inf
        nearest = np.inf
        block = 0
        for b in range(count):
            start = b * BLOCK
            stop = min(start + BLOCK, m)
            changed = start <= newest < stop
            if _reaches(codes[newest, start:stop], limits[start:stop], base):
                for j in range(start, stop):
                    if limits[j] < 0 or codes[newest, j] > max(limits[j] - base + 1, 0):
                        continue
                    square = _square(X[newest], X[j])
                    mutual = max(max(square, here), core[j])
                    if mutual < reach[j] or (mutual == reach[j] and square < apart[j]):
                        reach[j] = mutual
                        apart[j] = square
                        parent[j] = newest
                        # where it cannot be reached better, only nearer
                        pattern[0] = mutual if mutual > core[j] else square
                        limits[j] = bits[0] >> CODE_SHIFT
                        changed = True
            if changed:
                lowest[b] = np.inf
                closest[b] = np.inf
                for j in range(start, stop):
                    nearer = reach[j] < lowest[b] or (reach[j] == lowest[b] and apart[j] < closest[b])
                    if nearer and limits[j] >= 0:
                        lowest[b] = reach[j]
                        closest[b] = apart[j]
            if lowest[b] < best or (lowest[b] == best and closest[b] < nearest):
                best = lowest[b]
                nearest = closest[b]
                block = b
        newest = block * BLOCK
        while limits[newest] < 0 or reach[newest] != best or apart[newest] != nearest:
            newest += 1
        edges[step, 0] = parent[newest]
        edges[step, 1] = newest
        lengths[step] = np.sqrt(best)


# ---- mirror images ------------------------------------------------------------------------------


@vectorized
def _lowest(patterns):
    """The smallest of bit patterns of numbers."""
    lowest = patterns[0]
    for j in range(patterns.size):
        lowest = min(lowest, patterns[j])
    return lowest


@vectorized
def _mirrored_square(center, first, second):
    """Squared distance of the mirror image of the first point (d,) to the second."""
    total = 0.0
    for column in range(first.size):
        gap = 2.0 * center[column] - first[column] - second[column]
        total += gap * gap
    return total


@kernel
def mirrored_rows(X, center, first, patterns, unit, out):
    """out (rows,): mean distance from the mirror images, in center (d,), of points first, ... of X (m, d), to the
    two nearest of X.

    patterns (rows, m) are the bits of float32 numbers that no square, divided by unit, is below.
    """
    m = X.shape[0]
    count = (m + BLOCK - 1) // BLOCK
    lowest = np.empty(count, dtype=np.int32)
    ceiling = np.empty(1, dtype=np.float32)
    bits = ceiling.view(np.int32)
    for row in range(out.size):
        i = first + row
        for b in range(count):
            lowest[b] = _lowest(patterns[row, b * BLOCK : min(b * BLOCK + BLOCK, m)])
        # the best of two blocks bound the second nearest
        limit = -1.0
        visited = -1
        for _ in range(2):
            block = -1
            for b in range(count):
                if b != visited and (block < 0 or lowest[b] < lowest[block]):
                    block = b
            visited = block
            if block < 0:
                limit = np.inf
            else:
                j = block * BLOCK
                while patterns[row, j] != lowest[block]:
                    j += 1
                limit = max(limit, _mirrored_square(center, X[i], X[j]))
        ceiling[0] = limit / unit * (1.0 + 1e-6) + 1e-37
        nearest = np.inf
        second = np.inf
        for b in range(count):
            if lowest[b] > bits[0]:
                continue
            for j in range(b * BLOCK, min(b * BLOCK + BLOCK, m)):
                if patterns[row, j] <= bits[0]:
                    square = _mirrored_square(center, X[i], X[j])
                    if square < nearest:
                        second = nearest
                        nearest = square
                    elif square < second:
                        second = square
        out[row] = 0.5 * (np.sqrt(nearest) + np.sqrt(second))


# ---- what is asked for --------------------------------------------------------------------------


def one_thread(X):
    """Context in which a product runs in one thread: digits must not depend on how many there are."""
    return one_product_thread() if pays(X) else nullcontext()


def pays(X):
    """Whether distances of these points are made faster by a product than coordinate by coordinate."""
    return X.shape[1] > DIFFERENCES and len(X) > FEW


def codes_of(X):
    """Room for a byte (n, n) of each pair of points and a base (n,) of each point."""
    return np.empty((len(X), len(X)), dtype=np.uint8), np.empty(len(X), dtype=np.int64)


def walk(X, core, codes):
    """Fill all-points core distances (n,) and, where asked for, codes of distances (n, n) and their bases (n,)."""
    centered = X - X.mean(axis=0)
    norms = np.einsum("ij,ij->i", centered, centered)
    ones = np.ones(len(X))
    # their products are the squared distances
    left = np.column_stack([-2.0 * centered, norms, ones])
    right = np.ascontiguousarray(np.column_stack([centered, ones, norms]).T)
    tile = np.empty((min(ROWS, len(X)), len(X)))
    shortest = np.empty(len(tile))
    for first in range(0, len(X), len(tile)):
        rows = slice(first, min(first + len(tile), len(X)))
        squares, nearest = tile[: rows.stop - first], shortest[: rows.stop - first]
        np.matmul(left[rows], right, out=squares)
        patterns, bits = squares.view(np.int64), nearest.view(np.int64)
        mend_rows(X, norms, norms.max(), first, squares, patterns, bits, nearest)
        power_means(squares, nearest, X.shape[1], core[rows])
        if codes is not None:
            encode_rows(patterns, bits, codes[1][rows], codes[0][rows])
    return codes


def coded_tree(X, core, codes, bases):
    """Prim's tree where no more distances are measured than codes (n, n) call for."""
    n = len(X)
    edges, lengths = np.empty((n - 1, 2), dtype=np.int64), np.empty(n - 1)
    limits = np.full(n, INFINITE >> CODE_SHIFT)
    tree_by_codes(
        X, core**2, codes, bases, np.full(n, np.inf), np.full(n, np.inf), limits, edges, lengths
    )  # fmt: skip
    return edges, lengths


def reflect(X, centroid, out):
    """out (n,): mean distance from a point's mirror image in the centroid (d,) to the image's two nearest points."""
    n, d = X.shape
    centered = X - centroid
    norms = np.einsum("ij,ij->i", centered, centered)
    unit = norms.max() or 1.0
    centered, norms = centered / np.sqrt(unit), norms / unit
    # what single precision may add, taken off beforehand
    lowered = norms * (1.0 - (d + 8) * 4.0 * np.finfo(np.float32).eps)
    ones = np.ones(n)
    left = np.column_stack([2.0 * centered, lowered, ones]).astype(np.float32)
    right = np.ascontiguousarray(np.column_stack([centered, ones, lowered]).T, dtype=np.float32)
    tile = np.empty((min(ROWS, n), n), dtype=np.float32)
    for first in range(0, n, len(tile)):
        stop = min(first + len(tile), n)
        bounds = tile[: stop - first]
        np.matmul(left[first:stop], right, out=bounds)
        mirrored_rows(X, centroid, first, bounds.view(np.int32), unit, out[first:stop])
