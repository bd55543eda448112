"""Nearest neighbors by scanning all points: in many dimensions no tree is faster."""

import numpy as np

from gamac_meta._kernels.compiler import vectorized

ROWS = 4  # whose distances are made together
SAMPLE = 256


@vectorized
def _squares_from(columns, i, out):
    """out (ROWS, n): squared distances of points i, i + 1, ... to all, themselves infinitely far; of the last point
    in place of those behind it. columns (d, n).

    Four rows and four columns at a time: loading points and storing sums costs more than making them.
    """
    d, n = columns.shape
    i1 = min(i + 1, n - 1)
    i2 = min(i + 2, n - 1)
    i3 = min(i + 3, n - 1)
    out0 = out[0]
    out1 = out[1]
    out2 = out[2]
    out3 = out[3]
    out[:] = 0.0
    whole = d - d % 4
    for column in range(0, whole, 4):
        first = columns[column]
        second = columns[column + 1]
        third = columns[column + 2]
        fourth = columns[column + 3]
        x0, y0, z0, w0 = first[i], second[i], third[i], fourth[i]
        x1, y1, z1, w1 = first[i1], second[i1], third[i1], fourth[i1]
        x2, y2, z2, w2 = first[i2], second[i2], third[i2], fourth[i2]
        x3, y3, z3, w3 = first[i3], second[i3], third[i3], fourth[i3]
        for j in range(n):
            x = first[j]
            y = second[j]
            z = third[j]
            w = fourth[j]
            out0[j] += ((x0 - x) * (x0 - x) + (y0 - y) * (y0 - y)) + ((z0 - z) * (z0 - z) + (w0 - w) * (w0 - w))
            out1[j] += ((x1 - x) * (x1 - x) + (y1 - y) * (y1 - y)) + ((z1 - z) * (z1 - z) + (w1 - w) * (w1 - w))
            out2[j] += ((x2 - x) * (x2 - x) + (y2 - y) * (y2 - y)) + ((z2 - z) * (z2 - z) + (w2 - w) * (w2 - w))
            out3[j] += ((x3 - x) * (x3 - x) + (y3 - y) * (y3 - y)) + ((z3 - z) * (z3 - z) + (w3 - w) * (w3 - w))
    for column in range(whole, d):
        last = columns[column]
        x0, x1, x2, x3 = last[i], last[i1], last[i2], last[i3]
        for j in range(n):
            x = last[j]
            out0[j] += (x0 - x) * (x0 - x)
            out1[j] += (x1 - x) * (x1 - x)
            out2[j] += (x2 - x) * (x2 - x)
            out3[j] += (x3 - x) * (x3 - x)
    out0[i] = np.inf
    out1[i1] = np.inf
    out2[i2] = np.inf
    out3[i3] = np.inf


@vectorized
def _smallest(values, count, heap, places):
    """The `count` smallest values as a heap, largest first, and where they are."""
    n = values.size
    for slot in range(count):
        heap[slot] = np.inf
        places[slot] = -1
    for j in range(n):
        value = values[j]
        if value >= heap[0]:
            continue
        slot = 0
        while True:
            child = 2 * slot + 1
            if child >= count:
                break
            if child + 1 < count and heap[child + 1] > heap[child]:
                child += 1
            if heap[child] <= value:
                break
            heap[slot] = heap[child]
            places[slot] = places[child]
            slot = child
        heap[slot] = value
        places[slot] = j


@vectorized
def nearest_by_scan(columns, count):
    """Squared distances and indices (n, count) of each point's nearest others, nearest first; columns (d, n)."""
    n = columns.shape[1]
    squares = np.empty((n, count))
    indices = np.empty((n, count), dtype=np.int64)
    several = np.empty((ROWS, n))
    heap = np.empty(count)
    places = np.empty(count, dtype=np.int64)
    for i in range(n):
        if i % ROWS == 0:
            _squares_from(columns, i, several)
        row = several[i % ROWS]
        _smallest(row, count, heap, places)
        order = np.argsort(heap)
        squares[i] = heap[order]
        indices[i] = places[order]
    return squares, indices


@vectorized
def _select(values, count, few):
    """The `count` smallest values, in any order; few is scratch (n,).

    A sample tells how large they are; should it be wrong, all values are looked through.
    """
    n = values.size
    step = max(n // SAMPLE, 1)
    sample = values[::step].copy()
    rank = min(int(count / step + 2.0 * np.sqrt(count / step)), sample.size - 1)
    limit = np.partition(sample, rank)[rank]
    found = 0
    for j in range(n):
        few[found] = values[j]
        found += values[j] <= limit
    return np.partition(few[:found] if found >= count else values, count - 1)[:count]


@vectorized
def neighborhoods_by_scan(columns, counts, widest, indices):
    """Summed distances (n,) to the `widest` nearest others, and each point's counts[i] nearest, in any order.

    columns (d, n), counts (n,) at most widest, indices (n, .) nearest others, nearest first; the members
    one after another, (sum of counts,).
    """
    n = columns.shape[1]
    listed = indices.shape[1]
    sums = np.empty(n)
    members = np.empty(counts.sum(), dtype=np.int64)
    several = np.empty((ROWS, n))
    few = np.empty(n)
    filled = 0
    for i in range(n):
        if i % ROWS == 0:
            _squares_from(columns, i, several)
        row = several[i % ROWS]
        near = _select(row, widest, few)
        total = 0.0
        for slot in range(widest):
            total += np.sqrt(near[slot])
        sums[i] = total
        count = counts[i]
        if count <= listed:
            for slot in range(count):
                members[filled + slot] = indices[i, slot]
            filled += count
            continue
        limit = np.partition(near, count - 1)[count - 1]
        ties = count
        for slot in range(widest):
            ties -= near[slot] < limit
        for j in range(n):
            if row[j] < limit:
                members[filled] = j
                filled += 1
            elif row[j] == limit and ties > 0:
                members[filled] = j
                filled += 1
                ties -= 1
    return sums, members
