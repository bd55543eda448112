"""Inner loops over rows of the distance matrix.

Every kernel handles rows [start, stop) and writes only what belongs to those rows or to its own
tile, so that tiles may run in any number of threads and be combined in order: the result does not
depend on the thread count.
"""

import numpy as np

from gamac_meta._kernels.compiler import kernel

# A distance's bin is its binary exponent and leading 9 mantissa bits, the top of its bit pattern:
# 512 bins an octave, so that one far outlier cannot push all other distances into one bin.
BINS_PER_OCTAVE = 1 << 9
BIN_SHIFT = 52 - 9


@kernel
def _distances_from(X, i, out):
    n, d = X.shape
    for j in range(n):
        total = 0.0
        for c in range(d):
            step = X[i, c] - X[j, c]
            total += step * step
        out[j] = np.sqrt(total)


@kernel
def fold_rows(
    X, start, stop, labels, n_clusters, sizes, offsets, corners,
    own_mean, other_mean, own_farthest, pair_sums, pair_minima, pair_maxima, cover,
):  # fmt: skip
    """Distances of each row, folded by cluster, for all partitions at once.

    labels (p, n) with -1 outside; offsets (p,) where a partition's clusters start in the
    concatenated (K,) cluster axis; corners (p,) where its (k, k) table starts.
    Written by row: own_mean, other_mean, own_farthest (p, n).
    Written by tile: pair_sums, pair_minima, pair_maxima (sum of k*k,), cover (K,).
    """
    n = X.shape[0]
    p = labels.shape[0]
    widest = 0
    for q in range(p):
        widest = max(widest, n_clusters[q])
    distances = np.empty(n)
    row_sum = np.empty(widest)
    row_min = np.empty(widest)
    row_max = np.empty(widest)
    for i in range(start, stop):
        _distances_from(X, i, distances)
        for q in range(p):
            own = labels[q, i]
            k = n_clusters[q]
            if own < 0 or k == 0:
                continue
            for c in range(k):
                row_sum[c] = 0.0
                row_min[c] = np.inf
                row_max[c] = -np.inf
            for j in range(n):
                c = labels[q, j]
                if c < 0 or j == i:
                    continue
                v = distances[j]
                row_sum[c] += v
                row_min[c] = min(row_min[c], v)
                row_max[c] = max(row_max[c], v)
            first = offsets[q]
            line = corners[q] + own * k
            best = np.inf
            for c in range(k):
                pair_sums[line + c] += row_sum[c]
                pair_minima[line + c] = min(pair_minima[line + c], row_min[c])
                pair_maxima[line + c] = max(pair_maxima[line + c], row_max[c])
                if c != own:
                    best = min(best, row_sum[c] / sizes[first + c])
                    cover[first + c] = min(cover[first + c], row_max[c])
            members = sizes[first + own] - 1
            own_mean[q, i] = row_sum[own] / members if members > 0 else np.nan
            own_farthest[q, i] = row_max[own] if members > 0 else 0.0
            other_mean[q, i] = best if k > 1 else np.nan


@kernel
def outsider_means(distances, order, start, labels, sizes, offsets, out):
    """out (p, n): mean of the |c| smallest distances from a point of cluster c to points of others.

    distances (rows, n) from points start, start + 1, ...; order (rows, n) sorts each row.
    """
    rows, n = distances.shape
    for row in range(rows):
        i = start + row
        for q in range(labels.shape[0]):
            own = labels[q, i]
            if own < 0:
                continue
            wanted = sizes[offsets[q] + own]
            found = 0
            total = 0.0
            for rank in range(n):
                j = order[row, rank]
                c = labels[q, j]
                if c >= 0 and c != own:
                    total += distances[row, j]
                    found += 1
                    if found == wanted:
                        break
            # fewer outsiders than members: the mean of all there are
            out[q, i] = total / found if found > 0 else np.nan


@kernel
def concordance_sorted(distances, first, second, labels, within, between):
    """Counts over pairs sorted by distance, for one partition of `within` and `between` pairs.

    Returns (concordant, discordant, within ties, between ties, smallest sum, largest sum):
    concordant is the number of (within, between) pairs of pairs whose within distance is smaller;
    the tie counts are pairs of pairs with equal distance inside each kind; the sums are of the
    `within` smallest and largest distances between clustered points.
    """
    total = distances.size
    concordant = 0
    discordant = 0
    within_ties = 0
    between_ties = 0
    within_seen = 0
    between_seen = 0
    taken = 0
    smallest = 0.0
    largest = 0.0
    t = 0
    while t < total:
        stop = t
        within_here = 0
        between_here = 0
        # distances that differ by rounding only are equal, or grids would be ordered by chance
        limit = distances[t] * (1.0 + 1e-12)
        while stop < total and distances[stop] <= limit:
            a = labels[first[stop]]
            b = labels[second[stop]]
            if a >= 0 and b >= 0:
                if a == b:
                    within_here += 1
                else:
                    between_here += 1
                if taken < within:
                    smallest += distances[stop]
                if taken >= between:
                    largest += distances[stop]
                taken += 1
            stop += 1
        concordant += within_here * (between - between_seen - between_here)
        discordant += within_here * between_seen
        within_ties += within_here * (within_here - 1) // 2
        between_ties += between_here * (between_here - 1) // 2
        within_seen += within_here
        between_seen += between_here
        t = stop
    return concordant, discordant, within_ties, between_ties, smallest, largest


@kernel
def histogram_rows(X, start, stop, labels, lowest, within, between, sums):
    """Histograms of distances of pairs (i, j > i): within, between, sums (p, bins).

    Bins are log-linear (BINS_PER_OCTAVE); bin 0 holds the pattern `lowest` and all below it.
    """
    n = X.shape[0]
    bins = within.shape[1]
    distances = np.empty(n)
    patterns = distances.view(np.int64)
    for i in range(start, stop):
        _distances_from(X, i, distances)
        for q in range(labels.shape[0]):
            own = labels[q, i]
            if own < 0:
                continue
            for j in range(i + 1, n):
                c = labels[q, j]
                if c < 0:
                    continue
                b = min(max((patterns[j] >> BIN_SHIFT) - lowest, 0), bins - 1)
                sums[q, b] += distances[j]
                if c == own:
                    within[q, b] += 1
                else:
                    between[q, b] += 1
