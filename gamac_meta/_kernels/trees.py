"""Spanning trees, core distances and what DBCV reads off them, mirror images: searches among near points.

Points are put into blocks of BLOCK by halving them at the median of their widest column. A block whose
box is too far away to matter is passed over, the others are measured in vector lanes. Squared distances
are compared by their bit patterns, which order as they do: of integers the smallest is found in lanes too.
"""

import math
from itertools import pairwise

import numpy as np

from gamac_meta._kernels import products
from gamac_meta._kernels.compiler import kernel, vectorized

BLOCK = 128
LANES = 32
DEPTH = 64  # of halving: more than any number of blocks needs
# boxes are as far as this share of their computed distance: rounding must not pass over a block that matters
CAUTION = 1.0 - 1e-12
INFINITE = np.float64(np.inf).view(np.int64)
# in more dimensions than this boxes hold back few of the searches that joining makes, unless core distances are large
PLAIN = 4


# ---- blocks -------------------------------------------------------------------------------------


@kernel
def _split(keys, order, start, stop, middle):
    """Reorder order[start:stop] so that no key before middle exceeds one from middle on (quickselect)."""
    low = start
    high = stop - 1
    while low < high:
        pivot = keys[order[(low + high) // 2]]
        left = low
        right = high
        while left <= right:
            while keys[order[left]] < pivot:
                left += 1
            while keys[order[right]] > pivot:
                right -= 1
            if left <= right:
                order[left], order[right] = order[right], order[left]
                left += 1
                right -= 1
        if middle <= right:
            high = right
        elif middle >= left:
            low = left
        else:
            return


@kernel
def _blocks(X):
    """Order (n,) in which each BLOCK of consecutive points lies together, the points (d, n) in it, and the
    corners (d, blocks) of the blocks' boxes."""
    n, d = X.shape
    count = (n + BLOCK - 1) // BLOCK
    order = np.empty(n, dtype=np.int64)
    for s in range(n):
        order[s] = s
    keys = np.empty(n)
    halves = np.empty((DEPTH, 2), dtype=np.int64)
    halves[0, 0] = 0
    halves[0, 1] = count
    height = 1
    while height > 0:
        height -= 1
        begin = halves[height, 0]
        end = halves[height, 1]
        if end - begin < 2:
            continue
        start = begin * BLOCK
        stop = min(end * BLOCK, n)
        widest = 0
        spread = -1.0
        for column in range(d):
            lower = np.inf
            upper = -np.inf
            for s in range(start, stop):
                lower = min(lower, X[order[s], column])
                upper = max(upper, X[order[s], column])
            if upper - lower > spread:
                spread = upper - lower
                widest = column
        for s in range(start, stop):
            keys[order[s]] = X[order[s], widest]
        middle = (begin + end) // 2
        _split(keys, order, start, stop, middle * BLOCK)
        halves[height, 0] = begin
        halves[height, 1] = middle
        halves[height + 1, 0] = middle
        halves[height + 1, 1] = end
        height += 2
    columns = np.empty((d, n))
    low = np.empty((d, count))
    high = np.empty((d, count))
    for column in range(d):
        for b in range(count):
            low[column, b] = np.inf
            high[column, b] = -np.inf
        for s in range(n):
            x = X[order[s], column]
            columns[column, s] = x
            low[column, s // BLOCK] = min(low[column, s // BLOCK], x)
            high[column, s // BLOCK] = max(high[column, s // BLOCK], x)
    return order, columns, low, high


@vectorized
def _box_squares(low, high, point, out):
    """out (blocks,): squared distance of a point to each box, less what rounding may add."""
    d, count = low.shape
    for b in range(count):
        out[b] = 0.0
    for column in range(d):
        x = point[column]
        lower = low[column]
        upper = high[column]
        for b in range(count):
            gap = max(max(lower[b] - x, x - upper[b]), 0.0)
            out[b] += gap * gap * CAUTION


@vectorized
def _squares(columns, start, stop, point, out):
    """out (at least stop - start,): squared distances of a point (d,) to points start, ..., stop - 1 of columns."""
    d = columns.shape[0]
    size = stop - start
    rest = d % 4
    for s in range(size):
        out[s] = 0.0
    for column in range(rest):
        x = point[column]
        block = columns[column, start:stop]
        for s in range(size):
            gap = x - block[s]
            out[s] += gap * gap
    # four columns at a time: storing the sums costs more than making them
    for column in range(rest, d, 4):
        x = point[column]
        y = point[column + 1]
        z = point[column + 2]
        w = point[column + 3]
        first = columns[column, start:stop]
        second = columns[column + 1, start:stop]
        third = columns[column + 2, start:stop]
        fourth = columns[column + 3, start:stop]
        for s in range(size):
            a = x - first[s]
            b = y - second[s]
            c = z - third[s]
            e = w - fourth[s]
            out[s] += (a * a + b * b) + (c * c + e * e)


@vectorized
def _smallest(patterns):
    """The smallest of bit patterns of distances, infinity's if there are none."""
    smallest = INFINITE
    for s in range(patterns.size):
        smallest = min(smallest, patterns[s])
    return smallest


# ---- nearest pairs of clusters ------------------------------------------------------------------


@vectorized
def _least_mutual(squares, here, core, cluster, own):
    """Smallest squared mutual reachability of a point to those of a block that are in other clusters, in patterns."""
    least = INFINITE
    for s in range(core.size):
        mutual = max(max(squares[s], here), core[s])
        least = min(least, mutual if cluster[s] != own else INFINITE)
    return least


@vectorized
def _nearest_within(squares, core, limit, cluster, own):
    """Smallest of squared distances, in patterns, to those points of a block that are in other clusters and whose
    squared core distance is at most the limit."""
    nearest = INFINITE
    for s in range(core.size):
        nearest = min(nearest, squares[s] if (core[s] <= limit) & (cluster[s] != own) else INFINITE)
    return nearest


@kernel
def _outline(cores, clusters, lowest, only):
    """lowest (blocks,): the smallest core in each block, only (blocks,): its one cluster, -1 if there are several."""
    for b in range(lowest.size):
        lowest[b] = np.inf
        only[b] = clusters[b * BLOCK]
        for s in range(b * BLOCK, min(b * BLOCK + BLOCK, cores.size)):
            lowest[b] = min(lowest[b], cores[s])
            if clusters[s] != only[b]:
                only[b] = -1


@kernel
def _nearest_pairs(columns, low, high, cores, clusters, separation):
    """For each cluster whose separation (k,) is infinite, the pair (k, 2) of a point of it and one of another at the
    smallest mutual reachability, of equal ones the nearest; separation is lowered to theirs, squared.

    Clusters of negative separation look for none. Their pairs are -1, as are those of clusters that have none because
    squares overflow. cores (m,), squared, and clusters (m,) of points in blocks.
    """
    d, m = columns.shape
    count = low.shape[1]
    lowest = np.empty(count)
    only = np.empty(count, dtype=np.int64)
    _outline(cores, clusters, lowest, only)
    core_bits = cores.view(np.int64)
    pairs = np.full((separation.size, 2), -1)
    apart = np.full(separation.size, np.inf)
    boxes = np.empty(count)
    squares = np.empty(BLOCK)
    square_bits = squares.view(np.int64)
    point = np.empty(d)
    mutual = np.empty(1)
    mutual_bits = mutual.view(np.int64)
    nearest = np.empty(1)
    nearest_bits = nearest.view(np.int64)
    for i in range(m):
        own = clusters[i]
        here = cores[i]
        if here > separation[own]:
            continue
        for column in range(d):
            point[column] = columns[column, i]
        _box_squares(low, high, point, boxes)
        home = i // BLOCK
        for turn in range(-1, count):
            b = home if turn < 0 else turn
            bound = max(max(boxes[b], lowest[b]), here)
            farther = bound > separation[own] or (bound == separation[own] and boxes[b] >= apart[own])
            if farther or only[b] == own or turn == home:
                continue
            start = b * BLOCK
            stop = min(start + BLOCK, m)
            core, cluster = cores[start:stop], clusters[start:stop]
            _squares(columns, start, stop, point, squares)
            # no reachability is less than the point's core distance, and most points find one that is no more
            mutual[0] = here
            nearest[0] = np.inf
            if boxes[b] < here and separation[own] == np.inf:
                nearest_bits[0] = _nearest_within(square_bits, core, here, cluster, own)
            if nearest[0] > here:
                mutual_bits[0] = _least_mutual(square_bits, mutual_bits[0], core_bits[start:stop], cluster, own)
                if mutual[0] > separation[own]:
                    continue
                nearest_bits[0] = _nearest_within(square_bits, core, mutual[0], cluster, own)
            if mutual[0] < separation[own] or nearest[0] < apart[own]:
                separation[own] = mutual[0]
                apart[own] = nearest[0]
                s = 0
                while squares[s] != nearest[0] or core[s] > mutual[0] or cluster[s] == own:
                    s += 1
                pairs[own, 0] = i
                pairs[own, 1] = start + s
    return pairs


# ---- spanning trees -----------------------------------------------------------------------------


@vectorized
def _reaches(squares, here, core, reach):
    """Whether any point of a block may be reached at least as well from a point with squared core distance here."""
    count = 0
    for s in range(core.size):
        count += (max(max(squares[s], here), core[s]) <= reach[s]) & (core[s] < np.inf)
    return count > 0


@vectorized
def _attach(squares, here, core, reach, apart, parent, newest):
    """Let the newest point of the tree, its squared core distance here, reach points of a block where it is nearer.

    By mutual reachability, and where that is equal by distance. squares, core, reach and apart are squared.
    """
    for s in range(core.size):
        mutual = max(max(squares[s], here), core[s])
        nearer = (mutual < reach[s]) | ((mutual == reach[s]) & (squares[s] < apart[s]))
        reach[s] = mutual if nearer else reach[s]
        apart[s] = squares[s] if nearer else apart[s]
        parent[s] = newest if nearer else parent[s]


@vectorized
def _summarize(core, reach, apart, out):
    """out (5,) of a block, in patterns: smallest reach, smallest distance among points of that reach,
    largest reach, largest above the point's core distance, largest distance."""
    smallest = INFINITE
    for s in range(core.size):
        smallest = min(smallest, reach[s])
    nearest = INFINITE
    for s in range(core.size):
        nearest = min(nearest, apart[s] if reach[s] == smallest else INFINITE)
    largest = 0
    loosest = 0
    farthest = 0
    for s in range(core.size):
        largest = max(largest, reach[s] if core[s] < INFINITE else 0)
        loosest = max(loosest, reach[s] if reach[s] > core[s] else 0)
        farthest = max(farthest, apart[s])
    out[0] = smallest
    out[1] = nearest
    out[2] = largest
    out[3] = loosest
    out[4] = farthest


@kernel
def _grow(order, columns, low, high, cores, reach, apart, summary, left, newest, edges, lengths):
    """Prim's tree of points in blocks from the newest on into edges (n - 1, 2) and lengths (n - 1,).

    All arrays are spent. cores, reach (to the tree so far) and apart (distance of the pair that reaches) are
    squared and in the order of the blocks, summary (blocks, 5) as _summarize makes it, left (blocks,) the
    points of each block that are not yet in the tree, which come first in it.
    """
    d, n = columns.shape
    count = low.shape[1]
    parent = np.zeros(n, dtype=np.int64)
    core_bits = cores.view(np.int64)
    reach_bits = reach.view(np.int64)
    apart_bits = apart.view(np.int64)
    boxes = np.empty(count)
    box_bits = boxes.view(np.int64)
    squares = np.empty(BLOCK)
    pattern = np.empty(1)
    bits = pattern.view(np.int64)
    point = np.empty(d)
    for step in range(n - 1):
        here = cores[newest]
        name = order[newest]
        home = newest // BLOCK
        left[home] -= 1
        last = home * BLOCK + left[home]
        for column in range(d):
            point[column] = columns[column, newest]
            columns[column, newest] = columns[column, last]
            columns[column, last] = np.inf
        cores[newest] = cores[last]
        reach[newest] = reach[last]
        apart[newest] = apart[last]
        parent[newest] = parent[last]
        order[newest] = order[last]
        # out of reach for good: infinitely far, and no tie is nearer than this distance
        cores[last] = np.inf
        reach[last] = np.inf
        apart[last] = -1.0
        pattern[0] = here
        _box_squares(low, high, point, boxes)
        best = INFINITE
        nearest = INFINITE
        for b in range(count):
            if left[b] == 0:
                continue
            mutual = max(box_bits[b], bits[0])
            nearer = mutual < summary[b, 3] or (mutual <= summary[b, 2] and box_bits[b] < summary[b, 4])
            if nearer or b == home:
                start = b * BLOCK
                # whole turns of the lanes: what is left over would go one by one
                stop = min(start + (left[b] + LANES - 1) // LANES * LANES, min(start + BLOCK, n))
                if nearer:
                    _squares(columns, start, stop, point, squares)
                    nearer = _reaches(squares, here, cores[start:stop], reach[start:stop])
                if nearer:
                    _attach(
                        squares, here, cores[start:stop], reach[start:stop], apart[start:stop], parent[start:stop], name
                    )
                if nearer or b == home:
                    _summarize(core_bits[start:stop], reach_bits[start:stop], apart_bits[start:stop], summary[b])
            if summary[b, 0] < best or (summary[b, 0] == best and summary[b, 1] < nearest):
                best = summary[b, 0]
                nearest = summary[b, 1]
        newest = -1
        for b in range(count):
            if left[b] == 0 or summary[b, 0] != best or summary[b, 1] != nearest:
                continue
            for s in range(b * BLOCK, b * BLOCK + left[b]):
                if reach_bits[s] == best and apart_bits[s] == nearest and (newest < 0 or order[s] < order[newest]):
                    newest = s
        edges[step, 0] = parent[newest]
        edges[step, 1] = order[newest]
        lengths[step] = np.sqrt(reach[newest])


def _grown_tree(blocks, core):
    """Prim's tree of points in blocks, all of which are spent; core (n,) in the order of the points."""
    order, columns, low, high = blocks
    n, count = order.size, low.shape[1]
    edges, lengths = np.empty((n - 1, 2), dtype=np.int64), np.empty(n - 1)
    left = np.minimum(n - BLOCK * np.arange(count), BLOCK)
    summary = np.full((count, 5), INFINITE)
    first = int(np.argmin(order))
    _grow(
        order, columns, low, high, core[order] ** 2, np.full(n, np.inf), np.full(n, np.inf), summary, left, first,
        edges, lengths,
    )  # fmt: skip
    return edges, lengths


@kernel
def _root(leaders, point):
    while leaders[point] != point:
        leaders[point] = leaders[leaders[point]]
        point = leaders[point]
    return point


@kernel
def _join(order, columns, low, high, cores, edges, lengths):
    """Borůvka's tree of points in blocks into edges (n - 1, 2) and lengths (n - 1,); cores (n,) are squared.

    In rounds, groups of points, at first each of one point, join the nearest other. Only those of mean size or
    less look for it: the others have many points to search from, and are found.
    """
    n = order.size
    leaders = np.arange(n)
    group = np.arange(n)
    sizes = np.ones(n, dtype=np.int64)
    reach = np.empty(n)
    k = n
    made = 0
    while k > 1:
        for c in range(k):
            reach[c] = np.inf if sizes[c] * k <= n else -1.0
        pairs = _nearest_pairs(columns, low, high, cores, group, reach[:k])
        for c in range(k):
            if reach[c] < 0.0:
                continue
            if pairs[c, 0] < 0:
                raise OverflowError("squared distances between the points overflow")
            a = _root(leaders, pairs[c, 0])
            b = _root(leaders, pairs[c, 1])
            # two that chose each other, or several in a ring of ties, are one by now
            if a != b:
                leaders[a] = b
                edges[made, 0] = order[pairs[c, 0]]
                edges[made, 1] = order[pairs[c, 1]]
                lengths[made] = np.sqrt(reach[c])
                made += 1
        k = 0
        for i in range(n):
            if leaders[i] == i:
                group[i] = k
                sizes[k] = 0
                k += 1
        for i in range(n):
            group[i] = group[_root(leaders, i)]
            sizes[group[i]] += 1


def _joined_tree(blocks, core):
    """Borůvka's tree of points in blocks; core (n,) in the order of the points.

    Where core distances are large, most points reach another at their own, and few rounds make the tree.
    """
    order, *boxed = blocks
    edges, lengths = np.empty((order.size - 1, 2), dtype=np.int64), np.empty(order.size - 1)
    _join(order, *boxed, core[order] ** 2, edges, lengths)
    return edges, lengths


# ---- core distances and what DBCV reads off them --------------------------------------------------


@kernel
def _sum(values):
    """Sum of the values, which are spent: quarters are added up until few are left.

    Vector lanes then keep the order. Left to the compiler, the order would be another in each copy that it
    makes of a helper, and a value another in the last digit once machine code is kept.
    """
    size = values.size
    while size > 16:
        quarter = size // 4
        first, second = values[:quarter], values[quarter : 2 * quarter]
        third, fourth = values[2 * quarter : 3 * quarter], values[3 * quarter : 4 * quarter]
        for s in range(quarter):
            first[s] = (first[s] + second[s]) + (third[s] + fourth[s])
        for s in range(4 * quarter, size):
            values[s - 3 * quarter] = values[s]
        size -= 3 * quarter
    total = 0.0
    for s in range(size):
        total += values[s]
    return total


@vectorized
def _raise(ratios, d, powers):
    """powers: ratios to the power d/2; ratios are spent."""
    for s in range(ratios.size):
        powers[s] = np.sqrt(ratios[s]) if d % 2 else 1.0
    exponent = d // 2
    while exponent > 0:
        if exponent % 2:
            for s in range(ratios.size):
                powers[s] *= ratios[s]
        exponent //= 2
        if exponent > 0:
            for s in range(ratios.size):
                ratios[s] *= ratios[s]


@kernel
def _inverse_squares_of_two(x, y, u, v, w, z, unit, shrink, first, second):
    """Inverse squared distances, in a unit, of (u, v) and of (w, z) to points (x, y), by one division for both: that
    by the product of the squares.

    shrink is a power of two that makes the largest square about 1, so that no product overflows. Where one
    is nearly zero, both come out infinite or NaN.
    """
    for s in range(x.size):
        a = x[s] - u
        b = y[s] - v
        c = x[s] - w
        e = y[s] - z
        one = (a * a + b * b) * shrink
        other = (c * c + e * e) * shrink
        inverse = unit * shrink / (one * other)
        first[s] = inverse * other
        second[s] = inverse * one


@kernel
def _power_sums_in_plane(x, y, unit, totals):
    """The same as _power_sums in two dimensions: two points at a time share the division, which costs most.

    Of a duplicate, one nearly that, or one that shared a division with such, the total is infinite or NaN.
    """
    n = x.size
    shrink = math.ldexp(1.0, -math.frexp(unit)[1])
    first = np.empty(n)
    second = np.empty(n)
    for i in range(0, n - 1, 2):
        a = x[i] - x[i + 1]
        b = y[i] - y[i + 1]
        inverse = unit / (a * a + b * b)
        totals[i] += inverse
        totals[i + 1] += inverse
        u, v = x[i + 2 :], y[i + 2 :]
        _inverse_squares_of_two(u, v, x[i], y[i], x[i + 1], y[i + 1], unit, shrink, first, second)
        others = totals[i + 2 :]
        for s in range(others.size):
            others[s] += first[s] + second[s]
        totals[i] += _sum(first[: others.size])
        totals[i + 1] += _sum(second[: others.size])


@kernel
def _power_sums(columns, unit, totals):
    """Add to totals (n,) the sum over all other points (d, n) of (unit / squared distance)^(d/2), each pair once."""
    d, n = columns.shape
    if d == 2:
        _power_sums_in_plane(columns[0], columns[1], unit, totals)
        return
    ratios = np.empty(BLOCK)
    powers = np.empty(BLOCK)
    point = np.empty(d)
    for i in range(n):
        for column in range(d):
            point[column] = columns[column, i]
        for start in range(i + 1, n, BLOCK):
            stop = min(start + BLOCK, n)
            size = stop - start
            _squares(columns, start, stop, point, ratios)
            for s in range(size):
                ratios[s] = np.divide(unit, ratios[s])
            _raise(ratios[:size], d, powers)
            others = totals[start:stop]
            for s in range(size):
                others[s] += powers[s]
            totals[i] += _sum(powers[:size])


@kernel
def _cores(order, columns, core):
    """core (n,): all-points core distances of two or more points in blocks, in the order of the points."""
    d, n = columns.shape
    unit = 0.0
    for column in range(d):
        unit += (columns[column].max() - columns[column].min()) ** 2
    totals = np.zeros(n)
    if unit > 0.0:
        _power_sums(columns, unit, totals)
    squares = np.empty(n)
    bits = squares.view(np.int64)
    powers = np.empty(n)
    point = np.empty(d)
    for i in range(n):
        core[order[i]] = 0.0
        nearest = unit
        if not totals[i] < np.inf:
            # a duplicate, one so near that its power overflows, or what shared a division with such: in units of
            # the nearest distance no power overflows
            for column in range(d):
                point[column] = columns[column, i]
            _squares(columns, 0, n, point, squares)
            squares[i] = np.inf
            bits[i] = _smallest(bits)
            nearest = squares[i]
            if nearest == 0.0:
                continue
            squares[i] = np.inf
            for s in range(n):
                squares[s] = np.divide(nearest, squares[s])
            _raise(squares, d, powers)
            totals[i] = _sum(powers)
        if nearest > 0.0:
            core[order[i]] = np.sqrt(nearest) * (totals[i] / (n - 1)) ** (-1.0 / d)


def _separations(X, core, cluster, k):
    """(k,) smallest mutual reachability between points of each cluster and those of the others, squared.

    core (m,) squared and cluster (m,) of points X (m, d).
    """
    separation = np.full(k, np.inf)
    if len(X):
        order, *boxed = _blocks(X)
        _nearest_pairs(*boxed, core[order], cluster[order], separation)
    return separation


# ---- mirror images ------------------------------------------------------------------------------


@kernel
def _reflect(order, columns, low, high, centroid, out):
    """out (n,): mean distance from a point's mirror image in the centroid (d,) to the image's two nearest points,
    of two or more points in blocks."""
    d, size = columns.shape
    count = low.shape[1]
    squares = np.empty(BLOCK)
    bits = squares.view(np.int64)
    image = np.empty(d)
    pattern = np.empty(1)
    pattern_bits = pattern.view(np.int64)
    boxes = np.empty(count)
    for i in range(size):
        for column in range(d):
            image[column] = 2.0 * centroid[column] - columns[column, i]
        _box_squares(low, high, image, boxes)
        nearest = np.inf
        second = np.inf
        closest = 0
        for b in range(count):
            if boxes[b] < boxes[closest]:
                closest = b
        for turn in range(-1, count):
            b = closest if turn < 0 else turn
            if boxes[b] >= second or turn == closest:
                continue
            start = b * BLOCK
            stop = min(start + BLOCK, size)
            _squares(columns, start, stop, image, squares)
            pattern_bits[0] = _smallest(bits[: stop - start])
            if pattern[0] >= second:
                continue
            for s in range(stop - start):
                total = squares[s]
                if total < nearest:
                    second = nearest
                    nearest = total
                elif total < second:
                    second = total
        out[order[i]] = 0.5 * (np.sqrt(nearest) + np.sqrt(second))


# ---- what is asked for --------------------------------------------------------------------------


def core_distances(X):
    """(n,) all-points core distance: the power mean, with exponent -d, of distances to all others.

    Taken in units of the nearest distance, so that no power overflows in many dimensions.
    """
    core = np.zeros(len(X))
    if products.pays(X):
        with products.one_thread(X):
            products.walk(X, core, None)
    elif len(X) > 1:
        order, columns, _, _ = _blocks(X)
        _cores(order, columns, core)
    return core


def spanning_tree(X, core):
    """A minimum spanning tree of the mutual reachabilities max(d(i, j), core_i, core_j).

    core (n,); zeros give the Euclidean tree. Returns (edges (n - 1, 2), lengths (n - 1,)).
    Many reachabilities equal a core distance: the nearer pair goes first. Which goes first of pairs that tie
    in both, as on a grid, depends on the order of the points, and so does the tree then.
    """
    if len(X) < 2:
        return np.empty((0, 2), dtype=np.int64), np.empty(0)
    return (_joined_tree if X.shape[1] <= PLAIN else _grown_tree)(_blocks(X), core)


def _core_and_tree(X, blocks):
    """Core distances (n,) of two or more points and the spanning tree of their mutual reachabilities."""
    core = np.zeros(len(X))
    if products.pays(X) and len(X) <= products.CODED:
        codes = products.walk(X, core, products.codes_of(X))
        return core, products.coded_tree(X, core, *codes)
    if products.pays(X):
        products.walk(X, core, None)
        return core, _grown_tree(_blocks(X), core)
    _cores(blocks[0], blocks[1], core)
    return core, _joined_tree(blocks, core)


def blocks_of_clusters(X, starts):
    """Blocks of each cluster's points, which both of the following search in; None where they search otherwise.

    X must be ordered by cluster, starts (k + 1,).
    """
    members = [X[start:stop] for start, stop in pairwise(starts)]
    return [_blocks(points) if len(points) > 1 and not products.pays(points) else None for points in members]


def density_structure(X, starts, blocks):
    """Density sparseness (k,) and separation (k,) of each cluster, as DBCV defines them.

    X, starts and blocks as of blocks_of_clusters. Clusters of one point take no part: NaN.
    """
    k = len(starts) - 1
    core, internal = np.zeros(len(X)), np.zeros(len(X), dtype=bool)
    sparseness = np.full(k, np.nan)
    with products.one_thread(X):
        for c in np.flatnonzero(np.diff(starts) > 1):
            start, stop = starts[c], starts[c + 1]
            core[start:stop], (edges, lengths) = _core_and_tree(X[start:stop], blocks[c])
            inner = np.bincount(edges.ravel(), minlength=stop - start) > 1
            # a star has no edge between internal points, a pair no internal points: all then count
            inside = lengths[inner[edges[:, 0]] & inner[edges[:, 1]]]
            sparseness[c] = (inside if inside.size else lengths).max()
            internal[start:stop] = inner if stop - start > 2 else True
    cluster = np.repeat(np.arange(k), np.diff(starts))
    return sparseness, np.sqrt(_separations(X[internal], core[internal] ** 2, cluster[internal], k))


def reflected_distances(X, starts, blocks, centroids, out):
    """out (n,): mean distance from a point's mirror image in its centroid to the image's two nearest points
    of the same cluster, NaN for a single point. X, starts and blocks as of blocks_of_clusters."""
    out[:] = np.nan
    with products.one_thread(X):
        for c in np.flatnonzero(np.diff(starts) > 1):
            members, told = X[starts[c] : starts[c + 1]], out[starts[c] : starts[c + 1]]
            if blocks[c] is None:
                products.reflect(members, centroids[c], told)
            else:
                _reflect(*blocks[c], centroids[c], told)
