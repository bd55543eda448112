"""Inner loops over a sample of rows of the distance matrix, each row measured against all points.

Points are columns (d, n) in the order of their atoms, as in gamac_meta/_kernels/pairs.py. Several rows
are handled at a time, so that the columns are read once for all of them.
"""

import numpy as np

from gamac_meta._kernels.compiler import vectorized

TILE = 1024  # columns of points that stay in the cache while several rows pass over them
# Bins of distances by the leading bits of their pattern: 256 an octave, 32 octaves.
BIN_SHIFT = 52 - 8
BINS = 32 << 8


@vectorized
def _distances_from(columns, points, out):
    """out (b, n): distances of points (b, d) to all."""
    d, n = columns.shape
    for start in range(0, n, TILE):
        stop = min(start + TILE, n)
        for s in range(points.shape[0]):
            # slices, as numba would otherwise check every index for counting from the end
            row = out[s, start:stop]
            here = points[s, 0]
            column = columns[0, start:stop]
            for j in range(row.size):
                step = here - column[j]
                row[j] = step * step
            for c in range(1, d):
                here = points[s, c]
                column = columns[c, start:stop]
                for j in range(row.size):
                    step = here - column[j]
                    row[j] += step * step
            for j in range(row.size):
                row[j] = np.sqrt(row[j])


@vectorized
def fold_points(
    columns, points, starts, cluster_starts, cluster_atoms, distances, atom_minima, sums, minima, maxima
):  # fmt: skip
    """Distances of points (b, d) to all, and folded by cluster.

    starts (A + 1,) where each atom begins; cluster_atoms lists the atoms of each cluster of each
    partition, cluster_starts (K + 1,) where each list begins. Written: distances (b, n); atom_minima
    (b, A); sums, minima, maxima (b, K).
    """
    atoms = starts.size - 1
    _distances_from(columns, points, distances)
    total = np.empty(atoms)
    largest = np.empty(atoms)
    for s in range(points.shape[0]):
        row = distances[s]
        smallest = atom_minima[s]
        for a in range(atoms):
            cell = row[starts[a] : starts[a + 1]]
            t = 0.0
            low = np.inf
            high = 0.0
            for j in range(cell.size):
                t += cell[j]
                low = min(low, cell[j])
                high = max(high, cell[j])
            total[a] = t
            smallest[a] = low
            largest[a] = high
        for c in range(cluster_starts.size - 1):
            members = cluster_atoms[cluster_starts[c] : cluster_starts[c + 1]]
            t = 0.0
            low = np.inf
            high = 0.0
            for m in range(members.size):
                t += total[members[m]]
                low = min(low, smallest[members[m]])
                high = max(high, largest[members[m]])
            sums[s, c] = t
            minima[s, c] = low
            maxima[s, c] = high


@vectorized
def _binned(bins, distances, binned):
    for j in range(bins.size):
        binned[bins[j], 0] += 1.0
        binned[bins[j], 1] += distances[j]


@vectorized
def order_points(
    distances, places, weights, stakes, starts, atom_of, labels, cluster_starts, cluster_atoms, offsets,
    noise_starts, noise_atoms, sizes, lowest, within, clustered, staked_within, staked_clustered, outsiders,
):  # fmt: skip
    """The order of distances (b, n) of points at places (b,), for each of p partitions.

    labels (p, A), weights and stakes (p, b), lowest the leading part of bin 0; the others as in
    fold_points and gamac_meta/_kernels/pairs.py.
    Added to, weighted by weights, and by stakes: within and staked_within (p, bins) of distances to
    the own cluster, clustered and staked_clustered of those to all clustered points.
    Written: outsiders (p, b) mean of as many smallest distances to other clusters as the own has
    points, or of all there are; -1 for noise and where there are none. In the bin in which the last
    of them lies all count as its mean.
    """
    n = distances.shape[1]
    bins = np.empty(n, dtype=np.int32)
    # count and sum side by side, so that both are one vector
    whole = np.zeros((BINS, 2))
    own = np.zeros((BINS, 2))
    noise = np.zeros((BINS, 2))
    for s in range(places.size):
        row = distances[s]
        patterns = row.view(np.int64)
        low = BINS
        high = 0
        for j in range(n):
            b = min(max((patterns[j] >> BIN_SHIFT) - lowest, 0), BINS - 1)
            bins[j] = b
            high = max(high, b)
        here = places[s]
        home = atom_of[here]
        # a point is not compared with itself
        bins[here] = high
        for j in range(n):
            low = min(low, bins[j])
        top = high + 1
        whole[low:top] = 0.0
        _binned(bins, row, whole)
        whole[bins[here], 0] -= 1.0
        whole[bins[here], 1] -= row[here]
        for q in range(labels.shape[0]):
            mine = labels[q, home]
            outsiders[q, s] = -1.0
            if mine < 0:
                continue
            own[low:top] = 0.0
            cell = offsets[q] + mine
            for t in range(cluster_starts[cell], cluster_starts[cell + 1]):
                a = cluster_atoms[t]
                _binned(bins[starts[a] : starts[a + 1]], row[starts[a] : starts[a + 1]], own)
            own[bins[here], 0] -= 1.0
            own[bins[here], 1] -= row[here]
            noisy = noise_starts[q] < noise_starts[q + 1]
            if noisy:
                noise[low:top] = 0.0
                for t in range(noise_starts[q], noise_starts[q + 1]):
                    a = noise_atoms[t]
                    _binned(bins[starts[a] : starts[a + 1]], row[starts[a] : starts[a + 1]], noise)
            weight = weights[q, s]
            stake = stakes[q, s]
            for b in range(low, top):
                inside = own[b, 0]
                all_there = whole[b, 0] - noise[b, 0] if noisy else whole[b, 0]
                within[q, b] += weight * inside
                clustered[q, b] += weight * all_there
                staked_within[q, b] += stake * inside
                staked_clustered[q, b] += stake * all_there
            wanted = float(sizes[cell])
            found = 0.0
            total = 0.0
            b = low
            while b < top and found < wanted:
                count = whole[b, 0] - own[b, 0]
                length = whole[b, 1] - own[b, 1]
                if noisy:
                    count -= noise[b, 0]
                    length -= noise[b, 1]
                # exactly nothing where all are inside, or rounding would leave a trace
                if count > 0.0:
                    taken = min(count, wanted - found)
                    total += length * (taken / count)
                    found += taken
                b += 1
            if found > 0.0:
                outsiders[q, s] = total / found


@vectorized
def _insert(value, place, heap, places):
    """Put a value below the largest of a heap in its stead."""
    slot = 0
    while True:
        child = 2 * slot + 1
        if child >= heap.size:
            break
        if child + 1 < heap.size and heap[child + 1] > heap[child]:
            child += 1
        if heap[child] <= value:
            break
        heap[slot] = heap[child]
        places[slot] = places[child]
        slot = child
    heap[slot] = value
    places[slot] = place


@vectorized
def _nearest_in_atom(row, start, stop, here, heap, places):
    """Take the points of one atom into a heap of the nearest, the point itself left out."""
    for block in range(start, stop, TILE):
        cell = row[block : min(block + TILE, stop)]
        least = np.inf
        for j in range(cell.size):
            least = min(least, cell[j])
        if least >= heap[0]:
            continue
        for j in range(cell.size):
            if cell[j] < heap[0] and block + j != here:
                _insert(cell[j], block + j, heap, places)


@vectorized
def _mean_of_smallest(heap, count):
    """Mean of the `count` smallest of a heap, -1 of none."""
    if count < 1:
        return -1.0
    total = 0.0
    ordered = np.sort(heap)
    for j in range(count):
        total += ordered[j]
    return total / count


@vectorized
def near_points(
    distances, atom_minima, places, starts, atom_of, labels, offsets, sizes, few, near, lengths, clusters
):  # fmt: skip
    """The points nearest to points at places (b,), for each of p partitions.

    distances, atom_minima, labels (p, A), offsets and sizes as in fold_points and order_points.
    Written: near (p, 4, b) smallest distance to the own and to another cluster, then mean of the `few`
    smallest of each, or of as many as there are of both; -1 where there are none. lengths and clusters
    (b, p, m) distances to the m nearest clustered points, nearest first, and their clusters, infinite
    and -1 beyond the last.
    """
    atoms = starts.size - 1
    m = lengths.shape[2]
    own = np.empty(few)
    other = np.empty(few)
    heap = np.empty(m)
    own_places = np.empty(few, dtype=np.int64)
    other_places = np.empty(few, dtype=np.int64)
    heap_places = np.empty(m, dtype=np.int64)
    for s in range(places.size):
        here = places[s]
        home = atom_of[here]
        row = distances[s]
        for q in range(labels.shape[0]):
            mine = labels[q, home]
            if mine < 0:
                continue
            own[:] = np.inf
            other[:] = np.inf
            heap[:] = np.inf
            heap_places[:] = -1
            members = 0
            for c in range(offsets[q], offsets[q + 1]):
                members += sizes[c]
            for turn in range(atoms):
                # the atom at home first, where most of the nearest are
                a = home if turn == 0 else turn - 1 if turn <= home else turn
                c = labels[q, a]
                if c < 0:
                    continue
                least = atom_minima[s, a]
                if least < heap[0]:
                    _nearest_in_atom(row, starts[a], starts[a + 1], here, heap, heap_places)
                if c == mine and least < own[0]:
                    _nearest_in_atom(row, starts[a], starts[a + 1], here, own, own_places)
                if c != mine and least < other[0]:
                    _nearest_in_atom(row, starts[a], starts[a + 1], here, other, other_places)
            size = sizes[offsets[q] + mine]
            both = min(few, size - 1, members - size)
            near[q, 0, s] = np.min(own) if size > 1 else -1.0
            near[q, 1, s] = np.min(other) if members > size else -1.0
            near[q, 2, s] = _mean_of_smallest(own, both)
            near[q, 3, s] = _mean_of_smallest(other, both)
            order = np.argsort(heap)
            for j in range(m):
                place = heap_places[order[j]]
                lengths[s, q, j] = heap[order[j]]
                clusters[s, q, j] = labels[q, atom_of[place]] if place >= 0 else -1


@vectorized
def nearest_to_images(columns, images, starts, atoms, out):
    """out (b,): mean distance of images (b, d) to the two nearest of the points in some atoms.

    columns (d, n), starts (A + 1,) where each atom begins, atoms those searched. Infinite for a single point.
    """
    d = columns.shape[0]
    squares = np.empty(TILE)
    nearest = np.full(images.shape[0], np.inf)
    second = np.full(images.shape[0], np.inf)
    for a in atoms:
        for start in range(starts[a], starts[a + 1], TILE):
            stop = min(start + TILE, starts[a + 1])
            row = squares[: stop - start]
            for s in range(images.shape[0]):
                here = images[s, 0]
                column = columns[0, start:stop]
                for j in range(row.size):
                    step = here - column[j]
                    row[j] = step * step
                for c in range(1, d):
                    here = images[s, c]
                    column = columns[c, start:stop]
                    for j in range(row.size):
                        step = here - column[j]
                        row[j] += step * step
                least = np.inf
                for j in range(row.size):
                    least = min(least, row[j])
                if least >= second[s]:
                    continue
                for j in range(row.size):
                    if row[j] < nearest[s]:
                        second[s] = nearest[s]
                        nearest[s] = row[j]
                    elif row[j] < second[s]:
                        second[s] = row[j]
    for s in range(images.shape[0]):
        out[s] = 0.5 * (np.sqrt(nearest[s]) + np.sqrt(second[s]))
