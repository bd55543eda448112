"""Nearest neighbors by scanning all points: in many dimensions no tree is faster."""

import numpy as np

from gamac_meta._kernels.compiler import vectorized

BLOCK = 1024  # columns of points whose distances stay in the first cache
SAMPLE = 256


@vectorized
def _squares_from(columns, i, out):
    """out (n,): squared distances of point i to all, itself infinitely far; columns (d, n)."""
    d, n = columns.shape
    for start in range(0, n, BLOCK):
        stop = min(start + BLOCK, n)
        block = out[start:stop]
        block[:] = 0.0
        whole = d - d % 4
        # four columns at a time, or storing the sums costs more than making them
        for c in range(0, whole, 4):
            first = columns[c, start:stop]
            second = columns[c + 1, start:stop]
            third = columns[c + 2, start:stop]
            fourth = columns[c + 3, start:stop]
            for j in range(stop - start):
                block[j] += (
                    (first[j] - columns[c, i]) ** 2
                    + (second[j] - columns[c + 1, i]) ** 2
                    + (third[j] - columns[c + 2, i]) ** 2
                    + (fourth[j] - columns[c + 3, i]) ** 2
                )
        for c in range(whole, d):
            last = columns[c, start:stop]
            for j in range(stop - start):
                block[j] += (last[j] - columns[c, i]) ** 2
    out[i] = np.inf


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
    row = np.empty(n)
    heap = np.empty(count)
    places = np.empty(count, dtype=np.int64)
    for i in range(n):
        _squares_from(columns, i, row)
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
    row = np.empty(n)
    few = np.empty(n)
    filled = 0
    for i in range(n):
        _squares_from(columns, i, row)
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
