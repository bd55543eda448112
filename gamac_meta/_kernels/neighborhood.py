"""Nearest points of the own and of other clusters, and kernel densities.

A k-d tree whose nodes know whether they hold one cluster only: whole clusters are passed over while
a point looks for its nearest point of another.
"""

import numpy as np

from gamac_meta._kernels.compiler import kernel, vectorized

LEAF = 8
# of points and boxes where a tree is searched, fewer padded by zeros: loops of a length that the compiler knows
# take half the time
COLUMNS = 3
BLOCK = 64
# what a node or block holds, else the one cluster of its clustered points
NOTHING = -1
MIXED = -2
# whom a point looks for
OWN = 0
FOREIGN = 1
# terms below exp(-30) of a point's largest are lost in its sum anyway
NEGLIGIBLE = 30.0
# grid nodes on either side of a point to which it is spread
REACH = 13


@kernel
def _split(keys, order, start, stop, middle):
    """Reorder order[start:stop] so that no key before middle exceeds one from middle on (quickselect)."""
    low = start
    high = stop - 1
    while low < high:
        pivot = keys[order[(low + high) // 2]]
        i = low
        j = high
        while i <= j:
            while keys[order[i]] < pivot:
                i += 1
            while keys[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if middle <= j:
            high = j
        elif middle >= i:
            low = i
        else:
            return


@kernel
def build_tree(X):
    """Balanced k-d tree of X (n, d): nodes in heap order, the children of v being 2 v + 1 and 2 v + 2.

    Returns order (n,), the points as the leaves hold them; edges (nodes, 2), where in it a node begins
    and ends; lower and upper (nodes, d), the box around its points.
    """
    n, d = X.shape
    levels = 0
    while n >> levels > LEAF:
        levels += 1
    nodes = (2 << levels) - 1
    order = np.empty(n, dtype=np.int64)
    for i in range(n):
        order[i] = i
    edges = np.empty((nodes, 2), dtype=np.int64)
    edges[0, 0] = 0
    edges[0, 1] = n
    lower = np.empty((nodes, d))
    upper = np.empty((nodes, d))
    keys = np.empty(n)
    for v in range(nodes):
        start = edges[v, 0]
        stop = edges[v, 1]
        for column in range(d):
            lower[v, column] = np.inf
            upper[v, column] = -np.inf
        for s in range(start, stop):
            for column in range(d):
                x = X[order[s], column]
                lower[v, column] = min(lower[v, column], x)
                upper[v, column] = max(upper[v, column], x)
        if 2 * v + 2 >= nodes:
            continue
        widest = 0
        for column in range(1, d):
            if upper[v, column] - lower[v, column] > upper[v, widest] - lower[v, widest]:
                widest = column
        for s in range(start, stop):
            keys[order[s]] = X[order[s], widest]
        middle = (start + stop) // 2
        _split(keys, order, start, stop, middle)
        edges[2 * v + 1, 0] = start
        edges[2 * v + 1, 1] = middle
        edges[2 * v + 2, 0] = middle
        edges[2 * v + 2, 1] = stop
    return order, edges, lower, upper


@kernel
def _contents(edges, labels):
    """(nodes,) the one cluster of each node, or MIXED, or NOTHING. labels (n,) in the order of the leaves."""
    nodes = edges.shape[0]
    held = np.empty(nodes, dtype=np.int64)
    for v in range(nodes - 1, -1, -1):
        if 2 * v + 2 < nodes:
            first = held[2 * v + 1]
            second = held[2 * v + 2]
            held[v] = MIXED
            if second in (NOTHING, first):
                held[v] = first
            elif first == NOTHING:
                held[v] = second
            continue
        held[v] = NOTHING
        for s in range(edges[v, 0], edges[v, 1]):
            c = labels[s]
            if c < 0 or c == held[v]:
                continue
            held[v] = c if held[v] == NOTHING else MIXED
    return held


@kernel
def _keep(square, s, wanted, best, at, m):
    """Enter position s into the wanted smallest squares of row m so far, ascending."""
    place = wanted - 1
    while place > 0 and best[m, place - 1] > square:
        best[m, place] = best[m, place - 1]
        at[m, place] = at[m, place - 1]
        place -= 1
    best[m, place] = square
    at[m, place] = s


@kernel
def _sought(kind, c, own):
    """Whether a point of cluster own looks for one of cluster c, or for a node that holds c."""
    if c == NOTHING:
        return False
    return c == MIXED or (c == own) == (kind == OWN)


@kernel
def _square(points, first, second):
    """Squared distance of two of the points (n, COLUMNS)."""
    total = 0.0
    for column in range(COLUMNS):
        step = points[first, column] - points[second, column]
        total += step * step
    return total


@kernel
def _gap(low, high, lower, upper, v):
    """Squared distance of the box from low to high to the box of node v."""
    total = 0.0
    for column in range(COLUMNS):
        step = max(lower[v, column] - high[column], low[column] - upper[v, column], 0.0)
        total += step * step
    return total


@kernel
def _search(points, labels, edges, lower, upper, held, members, low, high, kind, wanted, best, at, stack, reach):
    """The wanted nearest points of a kind to each of some points of one cluster, that lie in the box from low to high.

    points (n, COLUMNS); members (m,) are positions in the leaves, as all are here. best, at (m, wanted) squared
    distances and positions found, nearest first; best comes filled with bounds that `wanted` points fall short of.
    stack and reach are scratch, two places for each level of the tree.
    """
    own = labels[members[0]]
    nodes = edges.shape[0]
    bound = 0.0
    for m in range(members.size):
        bound = max(bound, best[m, wanted - 1])
    stack[0] = 0
    reach[0] = 0.0
    depth = 1
    while depth > 0:
        depth -= 1
        if reach[depth] >= bound:
            continue
        v = stack[depth]
        if 2 * v + 2 >= nodes:
            bound = 0.0
            for m in range(members.size):
                t = members[m]
                for s in range(edges[v, 0], edges[v, 1]):
                    if s == t or not _sought(kind, labels[s], own):
                        continue
                    square = _square(points, t, s)
                    if square < best[m, wanted - 1]:
                        _keep(square, s, wanted, best, at, m)
            for m in range(members.size):
                bound = max(bound, best[m, wanted - 1])
            continue
        near = 2 * v + 1
        far = 2 * v + 2
        near_gap = _gap(low, high, lower, upper, near) if _sought(kind, held[near], own) else np.inf
        far_gap = _gap(low, high, lower, upper, far) if _sought(kind, held[far], own) else np.inf
        if far_gap < near_gap:
            near, far = far, near
            near_gap, far_gap = far_gap, near_gap
        # the nearer child last, so that it is opened first
        if far_gap < bound:
            stack[depth] = far
            reach[depth] = far_gap
            depth += 1
        if near_gap < bound:
            stack[depth] = near
            reach[depth] = near_gap
            depth += 1


@kernel
def _sum_listed(distances, indices, labels, q, i, kind, wanted):
    """Of the wanted nearest points of a kind among the listed neighbors of i: number, nearest distance, sum.

    labels (p, n) of all partitions, q which one.
    """
    found = 0
    first = np.nan
    total = 0.0
    for rank in range(indices.shape[1]):
        if _sought(kind, labels[q, indices[i, rank]], labels[q, i]):
            if found == 0:
                first = distances[i, rank]
            total += distances[i, rank]
            found += 1
            if found == wanted:
                break
    return found, first, total


@kernel
def near_clusters(points, order, edges, lower, upper, distances, indices, labels, q, sizes, most, out):
    """Nearest points of the own and of other clusters, for partition q, by the tree.

    points (n, COLUMNS) in the order of the leaves; distances, indices (n, .) nearest others of each point,
    by which most points are decided; labels (p, n) with -1 outside; sizes (k,). out (4, n): distance to
    the nearest own point and to the nearest foreign one, then the mean distances to the `most` nearest
    of each, or to as many as both are there. Where there are none it is left as it is.
    """
    n = points.shape[0]
    nodes = edges.shape[0]
    clustered = 0
    for c in range(sizes.size):
        clustered += sizes[c]
    placed = np.empty(n, dtype=labels.dtype)
    for t in range(n):
        placed[t] = labels[q, order[t]]
    held = _contents(edges, placed)
    best = np.empty((2 * LEAF, most))
    at = np.empty((2 * LEAF, most), dtype=np.int64)
    stack = np.empty(128, dtype=np.int64)
    reach = np.empty(128)
    members = np.empty(2 * LEAF, dtype=np.int64)
    before = np.empty((sizes.size, most), dtype=np.int64)
    for c in range(sizes.size):
        for place in range(most):
            before[c, place] = -1
    for v in range(nodes // 2, nodes):
        for kind in (OWN, FOREIGN):
            undecided = 0
            for t in range(edges[v, 0], edges[v, 1]):
                i = order[t]
                c = placed[t]
                if c < 0 or (sizes[c] - 1 if kind == OWN else clustered - sizes[c]) == 0:
                    continue
                count = min(most, sizes[c] - 1, clustered - sizes[c])
                found, first, total = _sum_listed(distances, indices, labels, q, i, kind, max(count, 1))
                if found < max(count, 1):
                    members[undecided] = t
                    undecided += 1
                    continue
                out[kind, i] = first
                if count > 0:
                    out[2 + kind, i] = total / count
            start = 0
            while start < undecided:
                # points of one leaf and cluster look together
                c = placed[members[start]]
                stop = start + 1
                while stop < undecided and placed[members[stop]] == c:
                    stop += 1
                count = min(most, sizes[c] - 1, clustered - sizes[c])
                wanted = max(count, 1)
                for m in range(stop - start):
                    bound = np.inf
                    if kind == FOREIGN and before[c, wanted - 1] >= 0:
                        # what was found last for the cluster bounds what this point will find
                        bound = 0.0
                        for place in range(wanted):
                            bound = max(bound, _square(points, members[start + m], before[c, place]))
                        bound = bound * (1.0 + 1e-12) + 1e-300
                    for place in range(wanted):
                        best[m, place] = bound
                _search(
                    points, placed, edges, lower, upper, held, members[start:stop], lower[v], upper[v],
                    kind, wanted, best, at, stack, reach,
                )  # fmt: skip
                for m in range(stop - start):
                    i = order[members[start + m]]
                    out[kind, i] = np.sqrt(best[m, 0])
                    if count > 0:
                        total = 0.0
                        for place in range(count):
                            total += np.sqrt(best[m, place])
                        out[2 + kind, i] = total / count
                if kind == FOREIGN:
                    for place in range(wanted):
                        before[c, place] = at[0, place]
                start = stop


@vectorized
def _squares_to(columns, t, start, squares):
    """Squared distances of point t to the points from start on, as many as squares holds. columns (d, n)."""
    d = columns.shape[0]
    stop = start + squares.size
    for s in range(squares.size):
        squares[s] = 0.0
    # four columns at once: the sums are then loaded and stored a quarter as often
    for column in range(0, d - 3, 4):
        x0 = columns[column, t]
        x1 = columns[column + 1, t]
        x2 = columns[column + 2, t]
        x3 = columns[column + 3, t]
        row0 = columns[column, start:stop]
        row1 = columns[column + 1, start:stop]
        row2 = columns[column + 2, start:stop]
        row3 = columns[column + 3, start:stop]
        for s in range(squares.size):
            step0 = row0[s] - x0
            step1 = row1[s] - x1
            step2 = row2[s] - x2
            step3 = row3[s] - x3
            squares[s] += step0 * step0 + step1 * step1 + step2 * step2 + step3 * step3
    for column in range(d - d % 4, d):
        x = columns[column, t]
        row = columns[column, start:stop]
        for s in range(squares.size):
            step = row[s] - x
            squares[s] += step * step


@vectorized
def _minima(values, width, out):
    """Smallest of each run of width values."""
    for b in range(out.size):
        least = np.inf
        for s in range(b * width, min((b + 1) * width, values.size)):
            least = min(least, values[s])
        out[b] = least


@kernel
def near_clusters_all(columns, order, distances, indices, labels, sizes, offsets, most, out):
    """The same as near_clusters for all partitions at once, by the distances of each point to all.

    For many dimensions, in which the boxes of a tree keep nothing out. columns (d, n) in the order of
    the leaves; labels (p, n), out (p, 4, n); sizes of all partitions one after another, offsets (p + 1,).
    """
    n = columns.shape[1]
    p = labels.shape[0]
    blocks = (n + LEAF - 1) // LEAF
    placed = np.empty((p, n), dtype=labels.dtype)
    held = np.full((p, blocks), NOTHING)
    clustered = np.empty(p, dtype=np.int64)
    for q in range(p):
        clustered[q] = 0
        for c in range(offsets[q], offsets[q + 1]):
            clustered[q] += sizes[c]
        for s in range(n):
            c = labels[q, order[s]]
            placed[q, s] = c
            b = s // LEAF
            if c >= 0 and c != held[q, b]:
                held[q, b] = c if held[q, b] == NOTHING else MIXED
    squares = np.empty(n)
    least = np.empty(blocks)
    best = np.empty((1, most))
    at = np.empty((1, most), dtype=np.int64)
    before = np.full((offsets[p], most), -1)
    for t in range(n):
        i = order[t]
        measured = False
        for q in range(p):
            c = placed[q, t]
            if c < 0:
                continue
            size = sizes[offsets[q] + c]
            count = min(most, size - 1, clustered[q] - size)
            for kind in (OWN, FOREIGN):
                if (size - 1 if kind == OWN else clustered[q] - size) == 0:
                    continue
                wanted = max(count, 1)
                found, first, total = _sum_listed(distances, indices, labels, q, i, kind, wanted)
                if found < wanted:
                    if not measured:
                        _squares_to(columns, t, 0, squares)
                        _minima(squares, LEAF, least)
                        measured = True
                    bound = np.inf
                    if kind == FOREIGN and before[offsets[q] + c, wanted - 1] >= 0:
                        bound = 0.0
                        for place in range(wanted):
                            bound = max(bound, squares[before[offsets[q] + c, place]])
                        bound = bound * (1.0 + 1e-12) + 1e-300
                    for place in range(wanted):
                        best[0, place] = bound
                    for b in range(blocks):
                        if least[b] >= best[0, wanted - 1] or not _sought(kind, held[q, b], c):
                            continue
                        for s in range(b * LEAF, min((b + 1) * LEAF, n)):
                            if squares[s] < best[0, wanted - 1] and s != t and _sought(kind, placed[q, s], c):
                                _keep(squares[s], s, wanted, best, at, 0)
                    first = np.sqrt(best[0, 0])
                    total = 0.0
                    for place in range(wanted):
                        total += np.sqrt(best[0, place])
                        if kind == FOREIGN:
                            before[offsets[q] + c, place] = at[0, place]
                out[q, kind, i] = first
                if count > 0:
                    out[q, 2 + kind, i] = total / count


@vectorized
def _exponentials(values, bits, scale):
    """Replace values x, from 0 to 700, by exp(-x). bits is scratch, scale the same memory as floats."""
    for s in range(values.size):
        whole = np.floor(values[s] * 1.4426950408889634 + 0.5)
        bits[s] = (1023 - np.int64(whole)) << 52
        values[s] -= whole * 0.6931471805599453
    for s in range(values.size):
        x = -values[s]
        total = 1.0 / 479001600.0
        total = total * x + 1.0 / 39916800.0
        total = total * x + 1.0 / 3628800.0
        total = total * x + 1.0 / 362880.0
        total = total * x + 1.0 / 40320.0
        total = total * x + 1.0 / 5040.0
        total = total * x + 1.0 / 720.0
        total = total * x + 1.0 / 120.0
        total = total * x + 1.0 / 24.0
        total = total * x + 1.0 / 6.0
        total = total * x + 0.5
        total = total * x + 1.0
        values[s] = (total * x + 1.0) * scale[s]


@vectorized
def kernel_densities(columns, included, nearest, factors):
    """(g, n) for each of g subsets of points, sums over its other points of exp(-factor (square - least)).

    columns (d, n) in an order in which points near each other mostly follow each other; included (g, n)
    one or zero; nearest (g, n) squared distance of each point to the nearest in the subset, least the
    smallest of them; factors (g,). Blocks of points too far apart to matter are passed over.
    """
    d, n = columns.shape
    groups = included.shape[0]
    blocks = (n + BLOCK - 1) // BLOCK
    lower = np.empty((blocks, d))
    upper = np.empty((blocks, d))
    matter = np.empty(blocks)
    least = np.empty(groups)
    densities = np.empty((groups, n))
    for b in range(blocks):
        matter[b] = 0.0
        for column in range(d):
            lower[b, column] = np.inf
            upper[b, column] = -np.inf
    for g in range(groups):
        least[g] = np.inf
        for s in range(n):
            densities[g, s] = 0.0
    for s in range(n):
        b = s // BLOCK
        for column in range(d):
            lower[b, column] = min(lower[b, column], columns[column, s])
            upper[b, column] = max(upper[b, column], columns[column, s])
        for g in range(groups):
            if included[g, s] > 0.0:
                matter[b] = max(matter[b], nearest[g, s] + NEGLIGIBLE / factors[g])
                least[g] = min(least[g], nearest[g, s])
    squares = np.empty(BLOCK)
    values = np.empty(BLOCK)
    bits = np.empty(BLOCK, dtype=np.int64)
    scale = bits.view(np.float64)
    for a in range(blocks):
        for b in range(a, blocks):
            apart = 0.0
            for column in range(d):
                step = max(lower[a, column] - upper[b, column], lower[b, column] - upper[a, column], 0.0)
                apart += step * step
            if apart > max(matter[a], matter[b]):
                continue
            for t in range(a * BLOCK, min((a + 1) * BLOCK, n)):
                start = max(b * BLOCK, t + 1)
                stop = min((b + 1) * BLOCK, n)
                count = stop - start
                _squares_to(columns, t, start, squares[:count])
                for g in range(groups):
                    if included[g, t] == 0.0:
                        continue
                    for s in range(count):
                        values[s] = min(max((squares[s] - least[g]) * factors[g], 0.0), 700.0)
                    _exponentials(values[:count], bits[:count], scale[:count])
                    kept = included[g, start:stop]
                    later = densities[g, start:stop]
                    total = 0.0
                    for s in range(count):
                        term = values[s] * kept[s]
                        total += term
                        later[s] += term
                    densities[g, t] += total
    return densities


@kernel
def listed_among(distances, indices, inside, lists, places):
    """(n,) how many of the wanted nearest points inside are among the listed neighbors of each point.

    Written to lists and places (n, wanted), nearest first; inside (n,) of bool. For points outside: all.
    """
    n, listed = indices.shape
    wanted = lists.shape[1]
    found = np.full(n, wanted)
    for i in range(n):
        if not inside[i]:
            continue
        count = 0
        for rank in range(listed):
            j = indices[i, rank]
            if inside[j]:
                lists[i, count] = distances[i, rank]
                places[i, count] = j
                count += 1
                if count == wanted:
                    break
        found[i] = count
    return found


@vectorized
def gridded_densities(X, width, spacing, out):
    """out (n,): sum over all points of exp(-r^2 / (2 width^2)), X (n, 2), by way of a grid.

    A Gaussian of distance is the sum over grid nodes of two Gaussians of half its variance, one about
    each point; at `spacing` 0.4 widths it is so to 13 digits. Each point is spread to the nodes within
    REACH of it, and then gathers what lies there: O(n) whatever the width.
    """
    n = X.shape[0]
    low = np.empty(2)
    shape = np.empty(2, dtype=np.int64)
    for axis in range(2):
        least = np.inf
        most = -np.inf
        for i in range(n):
            least = min(least, X[i, axis])
            most = max(most, X[i, axis])
        low[axis] = least - (REACH + 1) * spacing
        shape[axis] = np.int64((most - low[axis]) / spacing) + REACH + 3
    grid = np.zeros((shape[0], shape[1]))
    across = np.empty((2, 2 * REACH + 1))
    bits = np.empty(2 * REACH + 1, dtype=np.int64)
    scale = bits.view(np.float64)
    first = np.empty(2, dtype=np.int64)
    unit = 2.0 * spacing * spacing / (np.pi * width * width)
    for gather in range(2):
        for i in range(n):
            for axis in range(2):
                first[axis] = np.int64((X[i, axis] - low[axis]) / spacing + 0.5) - REACH
                for node in range(2 * REACH + 1):
                    step = (X[i, axis] - low[axis] - (first[axis] + node) * spacing) / width
                    across[axis, node] = step * step
                _exponentials(across[axis], bits, scale)
            total = 0.0
            for a in range(2 * REACH + 1):
                line = grid[first[0] + a, first[1] : first[1] + 2 * REACH + 1]
                if gather:
                    part = 0.0
                    for b in range(2 * REACH + 1):
                        part += line[b] * across[1, b]
                    total += part * across[0, a]
                else:
                    weight = across[0, a]
                    for b in range(2 * REACH + 1):
                        line[b] += weight * across[1, b]
            out[i] = total * unit
