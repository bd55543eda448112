"""Inner loops over rows of the distance matrix, folded by cluster for all partitions at once.

Points are given as columns (d, n) in the order of their atoms: the pieces of the common refinement of
a group of partitions (gamac_meta/refinement.py), so that every cluster of every partition is a union
of contiguous slices. Where sums are all that is asked for, each pair of points is measured once
(sum_pairs). Else rows are whole, and a pair is measured from both of its points: outsiders are selected
from all distances of a point, and making these is a small part of the walk. Each distance is then folded
once, into its cell of near points; atoms are folded from cells, clusters from atoms.

Every kernel handles rows [start, stop) and writes only what belongs to those rows or to its own
tile, so that tiles may run in any number of threads and be combined in order: the result does not
depend on the thread count.
"""

import numpy as np

from gamac_meta._kernels.compiler import kernel, vectorized

ROWS = 4  # whose distances are made together
SELECTED_BY_INSERTION = 24
# counts of distances, each a sweep, before what is left is selected among
GUESSES = 16
# of a distance, more than rounding can add to it
ROUNDING = 1e-10
# errors of earlier guesses around the next one, where a distance is looked for first
MARGIN = 3.0
# of such an error, what counts one guess later
MEMORY = 0.75
# beyond all distances, which are ordered as their bits: extremes of these, unlike of floats, are found in vector lanes
INFINITE_BITS = int(np.array(np.inf).view(np.int64))


@vectorized
def _distances_from(columns, i, begin, out):
    """out[:, : n - begin]: distances of ROWS points i, i + 1, ... to points begin, begin + 1, ...; those of the
    last point in place of what is behind it.

    Four rows and four columns at a time: loading points and storing sums costs more than making them.
    """
    d, n = columns.shape
    i1 = min(i + 1, n - 1)
    i2 = min(i + 2, n - 1)
    i3 = min(i + 3, n - 1)
    # slices, as numba would otherwise check every index for counting from the end
    out0 = out[0, : n - begin]
    out1 = out[1, : n - begin]
    out2 = out[2, : n - begin]
    out3 = out[3, : n - begin]
    rest = (d - 1) % 4 + 1
    for column in range(rest):
        x0 = columns[column, i]
        x1 = columns[column, i1]
        x2 = columns[column, i2]
        x3 = columns[column, i3]
        first = columns[column, begin:]
        if column == 0:
            for j in range(first.size):
                x = first[j]
                out0[j] = (x0 - x) * (x0 - x)
                out1[j] = (x1 - x) * (x1 - x)
                out2[j] = (x2 - x) * (x2 - x)
                out3[j] = (x3 - x) * (x3 - x)
        else:
            for j in range(first.size):
                x = first[j]
                out0[j] += (x0 - x) * (x0 - x)
                out1[j] += (x1 - x) * (x1 - x)
                out2[j] += (x2 - x) * (x2 - x)
                out3[j] += (x3 - x) * (x3 - x)
    for column in range(rest, d, 4):
        x0, y0, z0, w0 = columns[column, i], columns[column + 1, i], columns[column + 2, i], columns[column + 3, i]
        x1, y1, z1, w1 = columns[column, i1], columns[column + 1, i1], columns[column + 2, i1], columns[column + 3, i1]
        x2, y2, z2, w2 = columns[column, i2], columns[column + 1, i2], columns[column + 2, i2], columns[column + 3, i2]
        x3, y3, z3, w3 = columns[column, i3], columns[column + 1, i3], columns[column + 2, i3], columns[column + 3, i3]
        first = columns[column, begin:]
        second = columns[column + 1, begin:]
        third = columns[column + 2, begin:]
        fourth = columns[column + 3, begin:]
        for j in range(first.size):
            x = first[j]
            y = second[j]
            z = third[j]
            w = fourth[j]
            out0[j] += ((x0 - x) * (x0 - x) + (y0 - y) * (y0 - y)) + ((z0 - z) * (z0 - z) + (w0 - w) * (w0 - w))
            out1[j] += ((x1 - x) * (x1 - x) + (y1 - y) * (y1 - y)) + ((z1 - z) * (z1 - z) + (w1 - w) * (w1 - w))
            out2[j] += ((x2 - x) * (x2 - x) + (y2 - y) * (y2 - y)) + ((z2 - z) * (z2 - z) + (w2 - w) * (w2 - w))
            out3[j] += ((x3 - x) * (x3 - x) + (y3 - y) * (y3 - y)) + ((z3 - z) * (z3 - z) + (w3 - w) * (w3 - w))
    for row in range(ROWS):
        values = out[row, : n - begin]
        for j in range(values.size):
            values[j] = np.sqrt(values[j])


@kernel
def _bounds(bits):
    """Smallest and largest of distances by their bits, infinite and 0 of none."""
    smallest = INFINITE_BITS
    largest = 0
    for j in range(bits.size):
        smallest = min(smallest, bits[j])
        largest = max(largest, bits[j])
    return smallest, largest


@kernel
def _sum_spending(values):
    """Sum of the values, which are spent: quarters are added up, value by value, until few values are left.

    Vector lanes then keep the order. Left to the compiler, it would be another in each copy that it makes of a helper.
    """
    size = values.size
    while size > 16:
        quarter = size // 4
        a = values[:quarter]
        b = values[quarter : 2 * quarter]
        c = values[2 * quarter : 3 * quarter]
        d = values[3 * quarter : 4 * quarter]
        for j in range(quarter):
            a[j] = (a[j] + b[j]) + (c[j] + d[j])
        for j in range(4 * quarter, size):
            values[j - 3 * quarter] = values[j]
        size -= 3 * quarter
    total = 0.0
    for j in range(size):
        total += values[j]
    return total


@kernel
def _measure_cells(distances, cells, bounds, nearest, farthest, sums):
    """Sum of the distances in each cell (C,), and with bounds the smallest and the largest."""
    # one by one: cells are too small for lanes
    for c in range(cells.size - 1):
        members = distances[cells[c] : cells[c + 1]]
        total = 0.0
        for j in range(members.size):
            total += members[j]
        sums[c] = total
    if bounds:
        bits = distances.view(np.int64)
        nearest_bits = nearest.view(np.int64)
        farthest_bits = farthest.view(np.int64)
        for c in range(cells.size - 1):
            nearest_bits[c], farthest_bits[c] = _bounds(bits[cells[c] : cells[c + 1]])


@vectorized
def _cross(low, high, outside, populations, nearest, farthest, sums, crossed, kept):
    """Points of the cells outside whose distances are all up to low, and the sum of these; crossed (C,) are cells
    outside that reach from low or less to more, up to high. kept (C,) is scratch."""
    count = 0
    for c in range(outside.size):
        whole = outside[c] & (farthest[c] <= low)
        count += populations[c] if whole else 0
        kept[c] = sums[c] if whole else 0.0
        crossed[c] = outside[c] & (nearest[c] <= high) & (farthest[c] > low)
    return count, _sum_spending(kept)


@vectorized
def _gather(low, high, distances, cells, crossed, turned, edges, chosen):
    """Put the distances in crossed cells into chosen; returns how many, and how many of them are up to low and to
    high. turned (C,), edges (C + 1,) are scratch."""
    # such cells are copied in runs: where these begin and end
    turned[0] = crossed[0]
    for c in range(1, crossed.size):
        turned[c] = crossed[c] ^ crossed[c - 1]
    count = 0
    for c in range(crossed.size):
        edges[count] = cells[c]
        count += turned[c]
    edges[count] = cells[crossed.size]
    size = 0
    below = 0
    upto = 0
    for place in range(0, count, 2):
        run = distances[edges[place] : edges[place + 1]]
        room = chosen[size : size + run.size]
        for j in range(run.size):
            room[j] = run[j]
            below += run[j] <= low
            upto += run[j] <= high
        size += run.size
    return size, below, upto


@vectorized
def _count_to(limit, values):
    """How many values are up to limit."""
    count = 0
    for j in range(values.size):
        count += values[j] <= limit
    return count


@kernel
def _sum_to(limit, values):
    """Sum of the values up to limit; values are spent."""
    for j in range(values.size):
        values[j] = values[j] if values[j] <= limit else 0.0
    return _sum_spending(values)


@kernel
def _sum_and_last(limit, values):
    """Sum of the values up to limit, and the largest of these; values are spent."""
    bits = values.view(np.int64)
    largest = 0
    for j in range(values.size):
        largest = max(largest, bits[j] if values[j] <= limit else 0)
    total = _sum_to(limit, values)
    bits[0] = largest
    return total, values[0]


@kernel
def _sum_and_next(limit, values):
    """Sum of the values up to limit and of the smallest beyond it, and that one; values are spent."""
    bits = values.view(np.int64)
    smallest = INFINITE_BITS
    for j in range(values.size):
        smallest = min(smallest, bits[j] if values[j] > limit else INFINITE_BITS)
    total = _sum_to(limit, values)
    bits[0] = smallest
    return total + values[0], values[0]


@vectorized
def _sum_of_smallest(values, size, wanted):
    """Sum of the `wanted` smallest of values[:size], and the last of them; values are spent."""
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
    return _sum_and_last(np.inf, values[:wanted])


@vectorized
def _sum_of_nearest(values, wanted, low, below, guess, high, upto):
    """Sum of the `wanted` smallest values, and the last of them; -1 for it where it is not between low, excluded,
    and high, up to which there are below and upto values. values may be spent."""
    if below >= wanted or upto < wanted:
        return 0.0, -1.0
    # from the ends to the middle of the step in which the count becomes what is wanted
    missing = wanted - 0.5 - below
    beyond = upto + 0.5 - wanted
    limit = guess
    latest = guess
    for turn in range(GUESSES):
        if upto == wanted:
            return _sum_and_last(high, values)
        if below == wanted - 1:
            return _sum_and_next(low, values)
        # false position; an end that stays twice counts half, or the other would creep (Illinois)
        here = _count_to(limit, values)
        if here < wanted:
            beyond *= 0.5 if turn > 0 and low == latest else 1.0
            missing = wanted - 0.5 - here
            low = limit
            below = here
        else:
            missing *= 0.5 if turn > 0 and high == latest else 1.0
            beyond = here + 0.5 - wanted
            high = limit
            upto = here
        latest = limit
        limit = low + (high - low) * (missing / (missing + beyond))
    size = 0
    for s in range(values.size):
        value = values[s]
        values[size] = value
        size += value <= high
    return _sum_of_smallest(values, size, wanted)


@kernel
def _change(columns, i, before, slope, step):
    """What slope (d,) makes of the step (d,), written here, from the point before to point i."""
    change = 0.0
    for column in range(step.size):
        step[column] = columns[column, i] - columns[column, before]
        change += slope[column] * step[column]
    return change


@vectorized
def _outsider_means(
    i, distances, nearest, farthest, sums, columns, cells, populations, own, outside, outside_points, offsets, sizes,
    kept, crossed, turned, edges, chosen, latest, reach, slopes, errors, step, out,
):  # fmt: skip
    """out[:, i]: mean of the |c| smallest distances from point i of cluster c to points of others.

    Where there are fewer outsiders than members, the mean of all there are; -1 where there are none.
    The distance of the |c|-th outsider differs from that of another point of the cluster, met before, by
    no more than the two are apart, and mostly by what it did on the steps before: most cells are nearer
    or farther than it, and only points of the others are compared.
    own (g,) cluster of the point, outside (g, C) which cells are in others, outside_points (g,) how many points are.
    Kept from point to point, by cluster (K,): latest, the last point met; reach, the distance of its |c|-th outsider;
    slopes (K, d), how that changes; errors, by what share of a step guesses of it were wrong. Others are scratch.
    """
    for q in range(own.size):
        if own[q] < 0 or outside_points[q] == 0:
            continue
        cluster = offsets[q] + own[q]
        if outside_points[q] <= sizes[cluster]:
            found, total = _cross(np.inf, np.inf, outside[q], populations, nearest, farthest, sums, crossed, kept)
            out[q, i] = total / found
            continue
        before = latest[cluster]
        if before < 0:
            apart = 0.0
            lowest = low = -1.0
            highest = high = farthest.max()
            guess = 0.5 * high
        else:
            apart = distances[before]
            rounding = ROUNDING * (apart + reach[cluster])
            slack = apart + rounding
            lowest = reach[cluster] - slack if slack < reach[cluster] else -1.0
            highest = reach[cluster] + slack
            guess = reach[cluster] + _change(columns, i, before, slopes[cluster], step)
            guess = min(max(guess, lowest), highest)
            margin = MARGIN * errors[cluster] * apart + rounding
            low = max(guess - margin, lowest)
            high = min(guess + margin, highest)
        last = -1.0
        while last < 0.0:
            found, total = _cross(low, high, outside[q], populations, nearest, farthest, sums, crossed, kept)
            size, below, upto = _gather(low, high, distances, cells, crossed, turned, edges, chosen)
            more, last = _sum_of_nearest(chosen[:size], sizes[cluster] - found, low, below, guess, high, upto)
            # not there: between the bounds, and at last, as distances that overflow keep none, everywhere
            low = lowest
            high = highest
            lowest = -1.0
            highest = np.inf
        out[q, i] = (total + more) / sizes[cluster]
        # a shorter step would tell of rounding only
        if apart > ROUNDING * last:
            wrong = (last - guess) / apart
            for column in range(step.size):
                slopes[cluster, column] += wrong * (step[column] / apart)
            errors[cluster] = max(abs(wrong), MEMORY * errors[cluster])
        # an infinite one would bound nothing
        if last < np.inf:
            latest[cluster] = i
            reach[cluster] = last


@vectorized
def fold_rows(
    columns, start, stop, cells, first_cells, atom_of, labels, cluster_starts, cluster_atoms, offsets,
    sizes, corners, extremes, outsiders,
    own_mean, other_mean, own_farthest, outsider_mean, pair_sums, pair_minima, pair_maxima, cover,
):  # fmt: skip
    """Distances of each row, folded by cluster, for a group of g partitions.

    cells (C + 1,) where each begins, first_cells (A + 1,) the first of each atom, atom_of (n,), labels (g, A) the
    cluster of each atom or -1.
    cluster_atoms lists the atoms of each cluster of each partition, cluster_starts (K + 1,) where
    each list begins, offsets (g + 1,) where each partition's first. sizes (K,) points; corners (g,)
    where a partition's (k, k) table starts.
    Written by row, in the order of columns: own_mean, other_mean, own_farthest, outsider_mean (g, n); a mean of
    no distances is -1, as this kernel may not make NaN.
    Written by tile: pair_sums, pair_minima, pair_maxima (sum of k*k,), cover (K,).
    Without extremes own_farthest, pair_minima, pair_maxima and cover are not touched, without outsiders
    outsider_mean is not.
    """
    d, n = columns.shape
    g, atoms = labels.shape
    count = cells.size - 1
    several = np.empty((ROWS, n))
    bounds = extremes or outsiders
    nearest = np.empty(count)
    farthest = np.empty(count)
    sums = np.empty(count)
    nearest_bits = nearest.view(np.int64)
    farthest_bits = farthest.view(np.int64)
    slice_sum = np.empty(atoms)
    slice_max = np.zeros(atoms)
    slice_max_bits = slice_max.view(np.int64)
    # of all rows of one atom so far
    atom_sum = np.zeros(atoms)
    atom_min = np.empty(atoms)
    atom_min_bits = atom_min.view(np.int64)
    atom_max = np.zeros(atoms)
    atom_max_bits = atom_max.view(np.int64)
    for a in range(atoms):
        atom_min[a] = np.inf
    # of the atom's outsiders, and of those of points before: see _outsider_means
    watched, tracked, room = (count, sizes.size, n) if outsiders else (0, 0, 0)
    populations = cells[1:] - cells[:-1]
    outside = np.empty((g, watched), dtype=np.bool_)
    outside_points = np.empty(g, dtype=np.int64)
    kept = np.empty(watched)
    crossed = np.empty(watched, dtype=np.uint8)
    turned = np.empty(watched, dtype=np.uint8)
    edges = np.empty(watched + 1, dtype=np.int64)
    chosen = np.empty(room)
    step = np.empty(d)
    latest = np.full(tracked, -1)
    reach = np.empty(tracked)
    slopes = np.zeros((tracked, d))
    errors = np.ones(tracked)
    for i in range(start, stop):
        home = atom_of[i]
        if outsiders and (i == start or atom_of[i - 1] != home):
            for q in range(g):
                outside_points[q] = 0
                for a in range(atoms):
                    other = (labels[q, a] >= 0) & (labels[q, a] != labels[q, home])
                    for c in range(first_cells[a], first_cells[a + 1]):
                        outside[q, c] = other
                        outside_points[q] += populations[c] if other else 0
        if (i - start) % ROWS == 0:
            _distances_from(columns, i, 0, several)
        distances = several[(i - start) % ROWS]
        _measure_cells(distances, cells, bounds, nearest, farthest, sums)
        for a in range(atoms):
            total = 0.0
            for c in range(first_cells[a], first_cells[a + 1]):
                total += sums[c]
            slice_sum[a] = total
            atom_sum[a] += total
        if extremes:
            for a in range(atoms):
                low = INFINITE_BITS
                high = 0
                for c in range(first_cells[a], first_cells[a + 1]):
                    low = min(low, nearest_bits[c])
                    high = max(high, farthest_bits[c])
                slice_max_bits[a] = high
                atom_min_bits[a] = min(atom_min_bits[a], low)
                atom_max_bits[a] = max(atom_max_bits[a], high)
        for q in range(g):
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
        if outsiders:
            _outsider_means(
                i, distances, nearest, farthest, sums, columns, cells, populations, labels[:, home], outside,
                outside_points, offsets, sizes, kept, crossed, turned, edges, chosen, latest, reach, slopes, errors,
                step, outsider_mean,
            )  # fmt: skip
        if i + 1 == stop or atom_of[i + 1] != home:
            for q in range(g):
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


# ---- sums alone -------------------------------------------------------------------------------------


@vectorized
def sum_pairs(columns, start, stop, starts, atom_of, row_sums, column_sums):
    """Distances of each row to the points that are not before it, summed by atom, each pair measured once.

    starts (A + 1,) where each atom begins, atom_of (n,). Written: row_sums (A, stop - start), of each row over the
    points of an atom from the row's block on; column_sums (B, n - start), of each point behind the block over
    the rows in the first, second, ... atom of the tile. They come as zeros.
    """
    n = columns.shape[1]
    several = np.empty((ROWS, n))
    for i in range(start, stop, ROWS):
        _distances_from(columns, i, i, several)
        rows = min(ROWS, stop - i)
        for r in range(rows):
            for a in range(atom_of[i], starts.size - 1):
                part = several[r, max(starts[a] - i, 0) : starts[a + 1] - i]
                total = 0.0
                for j in range(part.size):
                    total += part[j]
                row_sums[a, i + r - start] = total
        # pairs within the block are in the rows of both
        behind = i + rows - start
        if rows == ROWS and atom_of[i] == atom_of[i + ROWS - 1]:
            sums = column_sums[atom_of[i] - atom_of[start], behind:]
            row0 = several[0, ROWS : ROWS + sums.size]
            row1 = several[1, ROWS : ROWS + sums.size]
            row2 = several[2, ROWS : ROWS + sums.size]
            row3 = several[3, ROWS : ROWS + sums.size]
            for j in range(sums.size):
                sums[j] += (row0[j] + row1[j]) + (row2[j] + row3[j])
            continue
        for r in range(rows):
            sums = column_sums[atom_of[i + r] - atom_of[start], behind:]
            row = several[r, rows : rows + sums.size]
            for j in range(sums.size):
                sums[j] += row[j]


@vectorized
def sum_atoms(
    sums, starts, labels, cluster_starts, cluster_atoms, offsets, sizes, corners, own_mean, other_mean, pair_sums
):  # fmt: skip
    """What fold_rows writes to own_mean, other_mean (g, n) and pair_sums, from the summed distances (A, n) of each
    atom to each point; the other arguments are those of fold_rows and sum_pairs."""
    g, atoms = labels.shape
    total = np.empty(sums.shape[1])
    for q in range(g):
        k = offsets[q + 1] - offsets[q]
        for own in range(k):
            c = offsets[q] + own
            members = cluster_atoms[cluster_starts[c] : cluster_starts[c + 1]]
            total[:] = 0.0
            for s in range(members.size):
                more = sums[members[s]]
                for j in range(total.size):
                    total[j] += more[j]
            line = corners[q] + own * k
            for a in range(atoms):
                if labels[q, a] < 0:
                    continue
                part = total[starts[a] : starts[a + 1]]
                pairs = 0.0
                for j in range(part.size):
                    pairs += part[j]
                pair_sums[line + labels[q, a]] += pairs
                if labels[q, a] == own:
                    means = own_mean[q, starts[a] : starts[a + 1]]
                    for j in range(part.size):
                        means[j] = part[j] / (sizes[c] - 1) if sizes[c] > 1 else -1.0
                else:
                    means = other_mean[q, starts[a] : starts[a + 1]]
                    # the first mean takes the place of the -1 that stands for none
                    for j in range(part.size):
                        mean = part[j] / sizes[c]
                        means[j] = mean if means[j] < 0.0 else min(means[j], mean)
