"""Inner loops over distances of pairs of points i < j: histograms, and sorted comparisons.

Points are columns (d, n) in the order of their atoms, as in gamac_meta/_kernels/pairs.py. Everything
counted is a whole number, so that any number of threads may add up in any order.

A distance's bin is the leading part of its bit pattern, binary exponent and 9 mantissa bits: 512
bins an octave, so that one far outlier cannot push all other distances into one bin. What the bin
leaves out, the excess, is summed as a whole number too.
"""

import numpy as np

from gamac_meta._kernels.compiler import kernel

MANTISSA = 52
BIN_SHIFT = MANTISSA - 9
BINS = 64 << 9  # numbered in 16 bits; what lies 64 octaves below the largest distance is in effect zero
SQUARE_BINS = 2 * BINS  # of squared distances: as many an octave, twice as many octaves
ROUNDING = 1e-14  # more than it can change a square
EXCESS_SHIFT = 12  # so that the excesses of 4e9 pairs can be added up
REST = (1 << BIN_SHIFT) - 1
# numbers above, excesses below: this many pairs can be counted at once
ONE_SHIFT = 47
ONE = 1 << ONE_SHIFT
COUNTED = 1 << 15
FINE_SHIFT = BIN_SHIFT - 14
FINE_BINS = 1 << 14
TIE_SHIFT = 15  # distances are compared in 37 mantissa bits
KEY_BITS = 20  # of a key that tell what the pair is; 64 octaves of 37 bits fill the others
DIGIT = 10


@kernel
def _patterns_from(columns, i, first, last, distances, squared):
    """Distances of point i to the points from first up to last, in their places of distances (n,), or their squares."""
    # slices, as numba would otherwise check every index for counting from the end
    out = distances[first:last]
    d = columns.shape[0]
    rest = (d - 1) % 4 + 1
    for column in range(rest):
        here = columns[column, i]
        later = columns[column, first:last]
        if column == 0:
            for j in range(out.size):
                gap = here - later[j]
                out[j] = gap * gap
        else:
            for j in range(out.size):
                gap = here - later[j]
                out[j] += gap * gap
    # four columns at a time, as storing the sums costs more than making them; added one by one, so that
    # a device that does the same gets the same numbers
    for column in range(rest, d, 4):
        row0 = columns[column, first:last]
        row1 = columns[column + 1, first:last]
        row2 = columns[column + 2, first:last]
        row3 = columns[column + 3, first:last]
        x = columns[column, i]
        y = columns[column + 1, i]
        z = columns[column + 2, i]
        w = columns[column + 3, i]
        for j in range(out.size):
            a = x - row0[j]
            b = y - row1[j]
            c = z - row2[j]
            e = w - row3[j]
            out[j] = (((out[j] + a * a) + b * b) + c * c) + e * e
    if squared:
        return
    for j in range(out.size):
        out[j] = np.sqrt(out[j])


@kernel
def _count(histogram, bins, excess):
    """Number and excess of each bin, side by side (bins, 2)."""
    for j in range(bins.size):
        histogram[bins[j], 0] += 1
        histogram[bins[j], 1] += excess[j]


@kernel
def histogram_rows(
    columns, start, stop, starts, atom_of, labels, cluster_starts, cluster_atoms, offsets,
    noise_starts, noise_atoms, noisy, lowest, total, within, outside,
):  # fmt: skip
    """Histograms of distances of pairs i < j with i in [start, stop), row by row: for atoms of few points.

    cluster_atoms lists the atoms of each cluster of each partition, cluster_starts (K + 1,) where
    each list begins; noise_atoms and noise_starts (g + 1,) those outside; noisy (g,) the row of
    a partition in outside, -1 where it has no noise. lowest is the leading part of bin 0.
    Added to: total (bins, 2), number and excess of all pairs, unless empty; within (g, bins), number of
    pairs in one cluster; outside (noisy partitions, bins, 2), of pairs with a noise point.
    """
    n = columns.shape[1]
    distances = np.empty(n)
    patterns = distances.view(np.int64)
    bins = np.empty(n, dtype=np.uint16)
    excess = np.empty(n, dtype=np.int64)
    for i in range(start, stop):
        _patterns_from(columns, i, i + 1, n, distances, False)
        later = patterns[i + 1 :]
        later_bins = bins[i + 1 :]
        later_excess = excess[i + 1 :]
        for j in range(later.size):
            b = (later[j] >> BIN_SHIFT) - lowest
            later_bins[j] = max(b, 0)
            later_excess[j] = (later[j] & REST) >> EXCESS_SHIFT if b > 0 else 0
        if total.size > 0:
            _count(total, later_bins, later_excess)
        home = atom_of[i]
        for q in range(labels.shape[0]):
            own = labels[q, home]
            row = noisy[q]
            if own < 0:
                _count(outside[row], later_bins, later_excess)
                continue
            counts = within[q]
            cell = offsets[q] + own
            for s in range(cluster_starts[cell], cluster_starts[cell + 1]):
                a = cluster_atoms[s]
                mates = bins[max(starts[a], i + 1) : max(starts[a + 1], i + 1)]
                for j in range(mates.size):
                    counts[mates[j]] += 1
            if row < 0:
                continue
            for s in range(noise_starts[q], noise_starts[q + 1]):
                a = noise_atoms[s]
                first = max(starts[a], i + 1)
                last = max(starts[a + 1], i + 1)
                _count(outside[row], bins[first:last], excess[first:last])


@kernel
def _count_block(columns, top, bottom, first, last, lowest, distances, bins, marks, counted):
    """Count the pairs i < j with i from top up to bottom and j from first up to last into counted (bins,), each as
    one and its excess; returns the first bin used and the one behind the last. Others are scratch (n,)."""
    patterns = distances.view(np.int64)
    low = BINS
    high = 0
    for i in range(top, bottom):
        begin = max(first, i + 1)
        _patterns_from(columns, i, begin, last, distances, False)
        later = patterns[begin:last]
        later_bins = bins[begin:last]
        later_marks = marks[begin:last]
        for j in range(later.size):
            b = max((later[j] >> BIN_SHIFT) - lowest, 0)
            low = min(low, b)
            high = max(high, b + 1)
            later_bins[j] = b
            later_marks[j] = ONE | ((later[j] & REST) >> EXCESS_SHIFT if b > 0 else 0)
        for j in range(later.size):
            counted[later_bins[j]] += later_marks[j]
    return low, high


@kernel
def _add(counted, counts):
    """Add what is counted (bins,) to the number and excess of each bin (bins, 2)."""
    for b in range(counted.size):
        counts[b, 0] += counted[b] >> ONE_SHIFT
        counts[b, 1] += counted[b] & (ONE - 1)


@kernel
def histogram_atoms(columns, start, stop, starts, atom_of, labels, noisy, lowest, total, within, outside):
    """The same as histogram_rows, atom by atom.

    All partitions join, or part, the pairs of two atoms alike: these are counted once, then added wherever they belong.
    """
    n = columns.shape[1]
    distances = np.empty(n)
    bins = np.empty(n, dtype=np.uint16)
    marks = np.empty(n, dtype=np.int64)
    counted = np.zeros(BINS, dtype=np.int64)
    top = start
    while top < stop:
        home = atom_of[top]
        end = min(stop, starts[home + 1])
        for a in range(home, starts.size - 1):
            for first in range(starts[a], starts[a + 1], COUNTED):
                last = min(first + COUNTED, starts[a + 1])
                # so few rows that numbers and excesses do not meet
                rows = COUNTED // (last - first)
                for upper in range(top, end, rows):
                    lower = min(upper + rows, end)
                    low, high = _count_block(
                        columns, upper, min(lower, last), first, last, lowest, distances, bins, marks, counted
                    )
                    used = counted[low:high]
                    if total.size > 0:
                        _add(used, total[low:high])
                    for q in range(labels.shape[0]):
                        own = labels[q, home]
                        if own >= 0 and labels[q, a] == own:
                            mates = within[q, low:high]
                            for b in range(used.size):
                                mates[b] += used[b] >> ONE_SHIFT
                        elif own < 0 or labels[q, a] < 0:
                            _add(used, outside[noisy[q], low:high])
                    used[:] = 0
        top = end


@kernel
def _squares_searched(searched, lowest):
    """Leading part of bin 0 of squared distances, and (SQUARE_BINS,) which of their bins may hold the square of a
    distance in a bin that is searched (bins,)."""
    edge = np.empty(1)
    pattern = edge.view(np.int64)
    # above all squares of distances in a bin
    pattern[0] = np.int64(lowest + searched.size) << BIN_SHIFT
    edge[0] = edge[0] * edge[0] * (1.0 + ROUNDING)
    base = (pattern[0] >> BIN_SHIFT) - (SQUARE_BINS - 1)
    marked = np.zeros(SQUARE_BINS, dtype=np.bool_)
    for b in range(searched.size):
        if not searched[b]:
            continue
        first = 0
        if b > 0:
            pattern[0] = np.int64(lowest + b) << BIN_SHIFT
            edge[0] = edge[0] * edge[0] * (1.0 - ROUNDING)
            first = max((pattern[0] >> BIN_SHIFT) - base, 0)
        pattern[0] = np.int64(lowest + b + 1) << BIN_SHIFT
        edge[0] = edge[0] * edge[0] * (1.0 + ROUNDING)
        last = max((pattern[0] >> BIN_SHIFT) - base, 0)
        for place in range(first, last + 1):
            marked[place] = True
    return base, marked


@kernel
def refine_rows(columns, start, stop, atom_of, labels, lowest, searched, slots, counts, excess):
    """Finer histograms of the pairs in a few bins.

    searched (bins,) says which bins any population asks for; slots (1 + g, bins) the row of a bin in
    counts and excess (slots, fine bins), or -1: row 0 for all pairs, row q + 1 for pairs clustered in
    partition q.
    """
    n = columns.shape[1]
    squares = np.empty(n)
    square_patterns = squares.view(np.int64)
    square_bins = np.empty(n, dtype=np.uint16)
    kept = np.empty(n, dtype=np.int64)
    distances = np.empty(n)
    patterns = distances.view(np.int64)
    bins = np.empty(n, dtype=np.int64)
    rest = (1 << FINE_SHIFT) - 1
    base, marked = _squares_searched(searched, lowest)
    for i in range(start, stop):
        _patterns_from(columns, i, i + 1, n, squares, True)
        later = square_patterns[i + 1 :]
        later_bins = square_bins[i + 1 :]
        for j in range(later.size):
            later_bins[j] = max((later[j] >> BIN_SHIFT) - base, 0)
        near = 0
        for j in range(later.size):
            kept[near] = i + 1 + j
            near += marked[later_bins[j]]
        # roots of these few only: they cost more than all else
        size = 0
        for s in range(near):
            j = kept[s]
            distances[size] = np.sqrt(squares[j])
            b = max((patterns[size] >> BIN_SHIFT) - lowest, 0)
            bins[size] = b
            kept[size] = j
            size += searched[b]
        home = atom_of[i]
        for population in range(slots.shape[0]):
            q = population - 1
            if q >= 0 and labels[q, home] < 0:
                continue
            for s in range(size):
                slot = slots[population, bins[s]]
                if slot < 0 or (q >= 0 and labels[q, atom_of[kept[s]]] < 0):
                    continue
                fine = (patterns[s] >> FINE_SHIFT) & (FINE_BINS - 1)
                counts[slot, fine] += 1
                excess[slot, fine] += patterns[s] & rest


@kernel
def gather_keys(columns, atom_of, labels, within_bits, present_bits, lowest, chunk_of, positions, keys):
    """Keys of all pairs, chunk by chunk: the distance in 37 mantissa bits, above KEY_BITS that tell which
    partitions join the pair (within_bits (g,)) and, where a partition has noise, which have both
    points in clusters (present_bits (g,), -1 without noise).

    chunk_of (bins,) the chunk of each bin, positions (chunks,) where each begins in keys.
    """
    n = columns.shape[1]
    atoms = labels.shape[1]
    distances = np.empty(n)
    patterns = distances.view(np.int64)
    together = np.zeros(atoms, dtype=np.int32)
    half = 1 << (TIE_SHIFT - 1)
    # the first bin of a chunk, whose edge its keys count from
    edges = np.full(positions.size, -1, dtype=np.int64)
    for b in range(chunk_of.size):
        if edges[chunk_of[b]] < 0:
            edges[chunk_of[b]] = ((b + lowest) << BIN_SHIFT) >> TIE_SHIFT
    following = positions.copy()
    for i in range(n - 1):
        _patterns_from(columns, i, i + 1, n, distances, False)
        home = atom_of[i]
        if i == 0 or atom_of[i - 1] != home:
            for a in range(atoms):
                together[a] = 0
            for q in range(labels.shape[0]):
                own = labels[q, home]
                if own < 0:
                    continue
                bit = np.int32(1) << np.int32(within_bits[q])
                for a in range(atoms):
                    together[a] |= bit if labels[q, a] == own else 0
                if present_bits[q] >= 0:
                    bit = np.int32(1) << np.int32(present_bits[q])
                    for a in range(atoms):
                        together[a] |= bit if labels[q, a] >= 0 else 0
        later = patterns[i + 1 :]
        atoms_later = atom_of[i + 1 :]
        for j in range(later.size):
            chunk = chunk_of[max((later[j] >> BIN_SHIFT) - lowest, 0)]
            key = max(((later[j] + half) >> TIE_SHIFT) - edges[chunk], 0)
            keys[following[chunk]] = (key << KEY_BITS) | together[atoms_later[j]]
            following[chunk] += 1


@kernel
def sort_keys(keys, spare):
    """Sort unsigned keys by all but their KEY_BITS lowest bits; returns the array that holds the result."""
    largest = np.uint64(0)
    for t in range(keys.size):
        largest = max(largest, keys[t])
    bits = 0
    while KEY_BITS + bits < 64 and largest >> np.uint64(KEY_BITS + bits) > 0:
        bits += 1
    passes = (bits + DIGIT - 1) // DIGIT
    mask = np.uint64((1 << DIGIT) - 1)
    positions = np.zeros((passes, 1 << DIGIT), dtype=np.uint32)
    for t in range(keys.size):
        rest = keys[t] >> np.uint64(KEY_BITS)
        for step in range(passes):
            positions[step, rest & mask] += np.uint32(1)
            rest >>= np.uint64(DIGIT)
    for step in range(passes):
        place = positions[step]
        before = np.uint32(0)
        for digit in range(place.size):
            here = place[digit]
            place[digit] = before
            before += here
        shift = np.uint64(KEY_BITS + step * DIGIT)
        for t in range(keys.size):
            key = keys[t]
            digit = (key >> shift) & mask
            spare[place[digit]] = key
            place[digit] += np.uint32(1)
        keys, spare = spare, keys
    return keys


@kernel
def compare_sorted(keys, within_bits, present_bits, tallies):
    """Comparisons of within with between distances among sorted keys.

    within_bits, present_bits (g,) as in gather_keys. tallies (g, 6) receives: within pairs, between
    pairs, (within, between) pairs of pairs whose within distance is larger, and pairs of pairs of
    equal distance: both within, both between, one of each.
    Distances are equal if they differ by no more than one unit of the 37th mantissa bit: rounding
    must not order the pairs of a grid.
    """
    g = within_bits.size
    within_here = np.zeros(g, dtype=np.int64)
    between_here = np.zeros(g, dtype=np.int64)
    within_seen = np.zeros(g, dtype=np.int64)
    between_seen = np.zeros(g, dtype=np.int64)
    larger = np.zeros(g, dtype=np.int64)
    shows = np.zeros(g, dtype=np.int64)
    # without noise, the bit of presence is one that every key is given
    always = 1 << 62
    for q in range(g):
        shows[q] = present_bits[q] if present_bits[q] >= 0 else 62
    t = 0
    total = keys.size
    while t < total:
        limit = (keys[t] >> KEY_BITS) + 1
        stop = t + 1
        if stop == total or keys[stop] >> KEY_BITS > limit:
            key = keys[t] | always
            for q in range(g):
                within = (key >> within_bits[q]) & 1
                larger[q] += within * between_seen[q]
                within_seen[q] += within
                between_seen[q] += ((key >> shows[q]) & 1) - within
            t = stop
            continue
        while stop < total and keys[stop] >> KEY_BITS <= limit:
            stop += 1
        for q in range(g):
            within_here[q] = 0
            between_here[q] = 0
        for s in range(t, stop):
            key = keys[s] | always
            for q in range(g):
                within = (key >> within_bits[q]) & 1
                within_here[q] += within
                between_here[q] += ((key >> shows[q]) & 1) - within
        for q in range(g):
            w = within_here[q]
            b = between_here[q]
            larger[q] += w * between_seen[q]
            tallies[q, 3] += w * (w - 1) // 2
            tallies[q, 4] += b * (b - 1) // 2
            tallies[q, 5] += w * b
            within_seen[q] += w
            between_seen[q] += b
        t = stop
    for q in range(g):
        tallies[q, 0] += within_seen[q]
        tallies[q, 1] += between_seen[q]
        tallies[q, 2] += larger[q]
