"""Inner loops over rows of the distance matrix, folded by cluster for all partitions at once.

Points are given as columns (d, n) in the order of their atoms: the cells of the common refinement of
a group of partitions (gamac_meta/refinement.py), so that every cluster of every partition is a union
of contiguous slices. Each distance is folded once, into its atom; clusters are folded from atoms.

Every kernel handles rows [start, stop) and writes only what belongs to those rows or to its own
tile, so that tiles may run in any number of threads and be combined in order: the result does not
depend on the thread count.
"""

import numpy as np

from gamac_meta._kernels.compiler import vectorized

# Bins of one row's distances, by the leading bits of their pattern: 128 an octave.
ROW_BIN_SHIFT = 52 - 7
ROW_BINS = 32 << 7
SELECTED_BY_INSERTION = 24
# A difference of sums keeps 12 digits as long as it is this share of them.
TRUSTED = 1e-4


@vectorized
def _distances_from(columns, i, out):
    d, n = columns.shape
    rest = (d - 1) % 4 + 1
    for column in range(rest):
        here = columns[column, i]
        row = columns[column]
        if column == 0:
            for j in range(n):
                gap = here - row[j]
                out[j] = gap * gap
        else:
            for j in range(n):
                gap = here - row[j]
                out[j] += gap * gap
    # four columns at a time: storing the sums costs more than making them
    for column in range(rest, d, 4):
        first = columns[column]
        second = columns[column + 1]
        third = columns[column + 2]
        fourth = columns[column + 3]
        x = first[i]
        y = second[i]
        z = third[i]
        w = fourth[i]
        for j in range(n):
            a = x - first[j]
            b = y - second[j]
            c = z - third[j]
            e = w - fourth[j]
            out[j] += (a * a + b * b) + (c * c + e * e)
    for j in range(n):
        out[j] = np.sqrt(out[j])


@vectorized
def fold_rows(
    columns, start, stop, starts, atom_of, labels, cluster_starts, cluster_atoms, offsets,
    sizes, corners, extremes,
    own_mean, other_mean, own_farthest, pair_sums, pair_minima, pair_maxima, cover,
):  # fmt: skip
    """Distances of each row, folded by cluster, for a group of g partitions.

    starts (A + 1,) where each atom begins, atom_of (n,), labels (g, A) the cluster of each atom or -1.
    cluster_atoms lists the atoms of each cluster of each partition, cluster_starts (K + 1,) where
    each list begins, offsets (g + 1,) where each partition's first. sizes (K,) points; corners (g,)
    where a partition's (k, k) table starts.
    Written by row, in the order of columns: own_mean, other_mean, own_farthest (g, n); a mean of no
    distances is -1, as this kernel may not make NaN.
    Written by tile: pair_sums, pair_minima, pair_maxima (sum of k*k,), cover (K,).
    Without extremes only the sums are made, and the other arrays are not touched.
    """
    n = columns.shape[1]
    atoms = starts.size - 1
    distances = np.empty(n)
    slice_sum = np.empty(atoms)
    slice_max = np.zeros(atoms)
    # of all rows of one atom so far
    atom_sum = np.zeros(atoms)
    atom_min = np.empty(atoms)
    atom_max = np.zeros(atoms)
    for a in range(atoms):
        atom_min[a] = np.inf
    for i in range(start, stop):
        _distances_from(columns, i, distances)
        # slices, as numba would otherwise check every index for counting from the end; sums in a loop
        # of their own, so that they are the same to the last digit with and without extremes
        for a in range(atoms):
            cell = distances[starts[a] : starts[a + 1]]
            total = 0.0
            for j in range(cell.size):
                total += cell[j]
            slice_sum[a] = total
            atom_sum[a] += total
        if extremes:
            for a in range(atoms):
                cell = distances[starts[a] : starts[a + 1]]
                smallest = np.inf
                largest = 0.0
                for j in range(cell.size):
                    smallest = min(smallest, cell[j])
                    largest = max(largest, cell[j])
                slice_max[a] = largest
                atom_min[a] = min(atom_min[a], smallest)
                atom_max[a] = max(atom_max[a], largest)
        home = atom_of[i]
        for q in range(labels.shape[0]):
            own = labels[q, home]
            if own < 0:
                continue
            first = offsets[q]
            k = offsets[q + 1] - first
            best = np.inf
            for c in range(first, first + k):
                members = cluster_atoms[cluster_starts[c] : cluster_starts[c + 1]]
                total = 0.0
                largest = 0.0
                for s in range(members.size):
                    total += slice_sum[members[s]]
                    largest = max(largest, slice_max[members[s]])
                if c == first + own:
                    own_mean[q, i] = total / (sizes[c] - 1) if sizes[c] > 1 else -1.0
                    if extremes:
                        own_farthest[q, i] = largest
                else:
                    best = min(best, total / sizes[c])
                    if extremes:
                        cover[c] = min(cover[c], largest)
            other_mean[q, i] = best if k > 1 else -1.0
        if i + 1 == stop or atom_of[i + 1] != home:
            for q in range(labels.shape[0]):
                own = labels[q, home]
                if own < 0:
                    continue
                line = corners[q] + own * (offsets[q + 1] - offsets[q])
                for a in range(atoms):
                    c = labels[q, a]
                    if c < 0:
                        continue
                    pair_sums[line + c] += atom_sum[a]
                    if extremes:
                        pair_minima[line + c] = min(pair_minima[line + c], atom_min[a])
                        pair_maxima[line + c] = max(pair_maxima[line + c], atom_max[a])
            for a in range(atoms):
                atom_sum[a] = 0.0
                atom_min[a] = np.inf
                atom_max[a] = 0.0


@vectorized
def _up_to(limit, bins, distances):
    """How many of a slice lie in bins up to limit, and their sum."""
    count = 0
    total = 0.0
    for j in range(bins.size):
        near = bins[j] <= limit
        count += near
        total += distances[j] if near else 0.0
    return count, total


@vectorized
def _outsiders_in(b, head, following, labels, atom_of, own, distances, chosen):
    """Distances to points of other clusters in one bin, put into chosen; returns how many and their sum."""
    size = 0
    total = 0.0
    j = head[b]
    while j >= 0:
        c = labels[atom_of[j]]
        if c >= 0 and c != own:
            chosen[size] = distances[j]
            total += distances[j]
            size += 1
        j = following[j]
    return size, total


@vectorized
def outsider_means(
    columns, start, stop, starts, atom_of, labels, cluster_starts, cluster_atoms, offsets,
    noise_starts, noise_atoms, sizes, out,
):  # fmt: skip
    """out (g, n): mean of the |c| smallest distances from a point of cluster c to points of others.

    Where there are fewer outsiders than members, the mean of all there are; -1 where there are none.
    The row is binned once. A partition guesses the bin in which the |c|-th outsider lies, as that of the
    row before, counts the points up to it less its members and noise, and moves on bin by bin.
    """
    n = columns.shape[1]
    distances = np.empty(n)
    patterns = distances.view(np.int64)
    bins = np.empty(n, dtype=np.uint16)
    counts = np.zeros(ROW_BINS, dtype=np.int64)  # up to and with each bin
    sums = np.zeros(ROW_BINS)
    head = np.empty(ROW_BINS, dtype=np.int32)  # of a list of the bin's points
    following = np.empty(n, dtype=np.int32)
    chosen = np.empty(n)
    largest = np.empty(1)
    # leading parts of the distances at which each partition's last search ended
    ended = np.zeros(labels.shape[0], dtype=np.int64)
    for i in range(start, stop):
        home = atom_of[i]
        _distances_from(columns, i, distances)
        largest[0] = 0.0
        for j in range(n):
            largest[0] = max(largest[0], distances[j])
        # the bin of the largest distance is the last; what is 32 octaves below it goes to the first
        lowest = (largest.view(np.int64)[0] >> ROW_BIN_SHIFT) - ROW_BINS + 1
        distances[i] = largest[0]
        low = ROW_BINS
        for j in range(n):
            b = max((patterns[j] >> ROW_BIN_SHIFT) - lowest, 0)
            bins[j] = b
            low = min(low, b)
        for b in range(low, ROW_BINS):
            counts[b] = 0
            sums[b] = 0.0
            head[b] = -1
        for j in range(n):
            if j != i:
                b = bins[j]
                following[j] = head[b]
                head[b] = j
                counts[b] += 1
                sums[b] += distances[j]
        for b in range(low + 1, ROW_BINS):
            counts[b] += counts[b - 1]
            sums[b] += sums[b - 1]
        for q in range(labels.shape[0]):
            own = labels[q, home]
            if own < 0:
                continue
            cell = offsets[q] + own
            wanted = sizes[cell]
            b = min(max(ended[q] - lowest, low), ROW_BINS - 1)
            inside = 0
            beside = 0.0
            for s in range(cluster_starts[cell], cluster_starts[cell + 1]):
                a = cluster_atoms[s]
                count, total = _up_to(b, bins[starts[a] : starts[a + 1]], distances[starts[a] : starts[a + 1]])
                inside += count
                beside += total
            if bins[i] <= b:
                inside -= 1
                beside -= distances[i]
            for s in range(noise_starts[q], noise_starts[q + 1]):
                a = noise_atoms[s]
                count, total = _up_to(b, bins[starts[a] : starts[a + 1]], distances[starts[a] : starts[a + 1]])
                inside += count
                beside += total
            found = counts[b] - inside
            total = sums[b] - beside
            doubtful = TRUSTED * sums[b]
            while found > wanted:
                size, here = _outsiders_in(b, head, following, labels[q], atom_of, own, distances, chosen)
                found -= size
                total -= here
                b -= 1
            if total <= doubtful:
                # a small difference of large sums: few near outsiders among many members
                total = 0.0
                for nearer in range(low, b + 1):
                    total += _outsiders_in(nearer, head, following, labels[q], atom_of, own, distances, chosen)[1]
            while found < wanted and b + 1 < ROW_BINS:
                b += 1
                size, here = _outsiders_in(b, head, following, labels[q], atom_of, own, distances, chosen)
                if found + size > wanted:
                    here = _sum_of_smallest(chosen, size, wanted - found)
                    size = wanted - found
                found += size
                total += here
            ended[q] = b + lowest
            out[q, i] = total / found if found > 0 else -1.0


@vectorized
def _sum_of_smallest(values, size, wanted):
    """Sum of the `wanted` smallest of values[:size], which is reordered."""
    low = 0
    high = size - 1
    # quickselect: values[:wanted] become the smallest
    while high - low > SELECTED_BY_INSERTION:
        middle = (low + high) // 2
        a = values[low]
        b = values[middle]
        c = values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if wanted <= j + 1:
            high = j
        elif wanted > i:
            low = i
        else:
            low = high
    for i in range(low + 1, high + 1):
        value = values[i]
        j = i
        while j > low and values[j - 1] > value:
            values[j] = values[j - 1]
            j -= 1
        values[j] = value
    total = 0.0
    for i in range(wanted):
        total += values[i]
    return total
