"""CUDA sources of the tile pass, and beside each a NumPy twin of the same index arithmetic.

A twin runs the grid's blocks one after another and a block's threads as one array, on the same
arguments as the source, so that what is launched on a device can be tested without one. Arrays are
flat and row-major; every count is a `long long`. What several threads write at once is a smallest
value, a largest value or a whole number, so that no result depends on their order; the one sum of
floats, in outsider_means, is added up in a fixed order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from gamac_meta._kernels.concordance import BIN_SHIFT, EXCESS_SHIFT, FINE_BINS, FINE_SHIFT
from gamac_meta.types import Ints

DIGIT_BITS = 8
DIGITS = 1 << DIGIT_BITS
THREADS = 128  # of a block

# the patterns of numbers >= 0 are ordered like the numbers
PRELUDE = (
    f"""
#define BIN_SHIFT {BIN_SHIFT}
#define EXCESS_SHIFT {EXCESS_SHIFT}
#define FINE_SHIFT {FINE_SHIFT}
#define FINE_BINS {FINE_BINS}
#define DIGIT_BITS {DIGIT_BITS}
#define DIGITS {DIGITS}
#define THREADS {THREADS}
"""
    + r"""
typedef long long whole;
typedef unsigned long long counter;

__device__ void lower(double* cell, double value) {
    // another thread may be quicker: the read only saves hopeless attempts
    if (value < *cell) atomicMin((whole*)cell, __double_as_longlong(value));
}

__device__ void lift(double* cell, double value) {
    if (value > *cell) atomicMax((whole*)cell, __double_as_longlong(value));
}

__device__ double apart(const double* columns, whole n, whole d, whole i, whole j) {
    double square = 0.0;
    for (whole c = 0; c < d; c++) {
        double step = columns[c * n + i] - columns[c * n + j];
        square += step * step;
    }
    return sqrt(square);
}
"""
)


@dataclass(frozen=True)
class DeviceKernel:
    """A CUDA function and its twin, which is called with grid, block and the same arguments."""

    name: str
    body: str
    twin: Callable[..., None]

    @property
    def source(self) -> str:
        """All that the compiler needs."""
        return PRELUDE + self.body


def _blocks(grid: tuple[int, int]) -> Iterator[tuple[int, int]]:
    return ((x, y) for y in range(grid[1]) for x in range(grid[0]))


def _threads(x: int, block: tuple[int], bound: int) -> Ints:
    """blockIdx.x * blockDim.x + threadIdx.x of the threads of block x that are below the bound."""
    index = x * block[0] + np.arange(block[0])
    return index[index < bound]


def _flat(*arrays: Any) -> Iterator[Any]:
    for array in arrays:
        assert array.flags.c_contiguous, "a copy would take the results"
        yield array.reshape(-1)


# ---- distances from inner products ------------------------------------------------------------


def _finish_distances(
    grid, block, tile, row_norms, column_norms, row_points, column_points, columns, d, close
):  # fmt: skip
    tile, row_points, column_points = _flat(tile, row_points, column_points)
    for x, row in _blocks(grid):
        column = _threads(x, block, columns)
        norms = row_norms[row] + column_norms[column]
        square = norms - 2.0 * tile[row * columns + column]
        near = square <= close * norms
        exact = np.zeros(column.size)
        for c in range(d):
            step = row_points[row * d + c] - column_points[column * d + c]
            exact += step * step
        tile[row * columns + column] = np.sqrt(np.where(near, exact, square))


FINISH_DISTANCES = DeviceKernel(
    "finish_distances",
    r"""
// tile (rows, columns): in, inner products of centered points; out, their distances. Where the square
// is no more than the share `close` of the norms, too few of its digits are left: it is made again
// from the points themselves. Grid (columns / THREADS, rows).
extern "C" __global__ void finish_distances(
    double* tile, const double* row_norms, const double* column_norms,
    const double* row_points, const double* column_points, whole columns, whole d, double close)
{
    whole row = blockIdx.y;
    whole column = (whole)blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= columns) return;
    double norms = row_norms[row] + column_norms[column];
    double square = norms - 2.0 * tile[row * columns + column];
    if (square <= close * norms) {
        square = 0.0;
        for (whole c = 0; c < d; c++) {
            double step = row_points[row * d + c] - column_points[column * d + c];
            square += step * step;
        }
    }
    tile[row * columns + column] = sqrt(square);
}
""",
    _finish_distances,
)


# ---- smallest and largest distances -----------------------------------------------------------


def _tile_extremes(
    grid, block, tile, atom_of, labels, offsets, others, points, atoms, partitions, share, minima, maxima
):  # fmt: skip
    tile, labels, minima, maxima = _flat(tile, labels, minima, maxima)
    for x, y in _blocks(grid):
        point = _threads(x, block, points)
        start = y * share
        stop = min(start + share, others)
        smallest = largest = np.zeros(point.size)
        for j in range(start, stop):
            atom = atom_of[j]
            opens = j == start or atom_of[j - 1] != atom
            closes = j + 1 == stop or atom_of[j + 1] != atom
            value = tile[j * points + point]
            smallest = value if opens else np.minimum(value, smallest)
            largest = value if opens else np.maximum(value, largest)
            if not closes:
                continue
            for q in range(partitions):
                c = labels[q * atoms + atom]
                if c < 0:
                    continue
                cell = (offsets[q] + c) * points + point
                minima[cell] = np.minimum(minima[cell], smallest)
                maxima[cell] = np.maximum(maxima[cell], largest)


TILE_EXTREMES = DeviceKernel(
    "tile_extremes",
    r"""
// tile (others, points), the others in the order of their atoms, atom_of (others,); labels (partitions,
// atoms) the cluster of an atom or -1; minima, maxima (K, points) by cluster of the others. A thread
// folds `share` others of one point, atom by atom. Grid (points / THREADS, others / share).
extern "C" __global__ void tile_extremes(
    const double* tile, const int* atom_of, const int* labels, const whole* offsets,
    whole others, whole points, whole atoms, whole partitions, whole share, double* minima, double* maxima)
{
    whole point = (whole)blockIdx.x * blockDim.x + threadIdx.x;
    if (point >= points) return;
    whole start = blockIdx.y * share;
    whole stop = start + share < others ? start + share : others;
    double smallest = 0.0, largest = 0.0;
    for (whole j = start; j < stop; j++) {
        int atom = atom_of[j];
        bool opens = j == start || atom_of[j - 1] != atom;
        bool closes = j + 1 == stop || atom_of[j + 1] != atom;
        double value = tile[j * points + point];
        smallest = opens || value < smallest ? value : smallest;
        largest = opens || value > largest ? value : largest;
        if (!closes) continue;
        for (whole q = 0; q < partitions; q++) {
            int c = labels[q * atoms + atom];
            if (c < 0) continue;
            whole cell = (offsets[q] + c) * points + point;
            lower(minima + cell, smallest);
            lift(maxima + cell, largest);
        }
    }
}
""",
    _tile_extremes,
)


def _fold_extremes(
    grid, block, minima, maxima, atom_of, labels, n_clusters, offsets, corners, points, atoms,
    pair_minima, pair_maxima, cover, own_farthest,
):  # fmt: skip
    minima, maxima, labels, own_farthest = _flat(minima, maxima, labels, own_farthest)
    for x, q in _blocks(grid):
        for point in _threads(x, block, points):
            own = labels[q * atoms + atom_of[point]]
            if own < 0:
                continue
            for c in range(n_clusters[q]):
                cell = (offsets[q] + c) * points + point
                line = corners[q] + own * n_clusters[q] + c
                pair_minima[line] = min(pair_minima[line], minima[cell])
                pair_maxima[line] = max(pair_maxima[line], maxima[cell])
                if c == own:
                    own_farthest[q * points + point] = maxima[cell]
                else:
                    cover[offsets[q] + c] = min(cover[offsets[q] + c], maxima[cell])


FOLD_EXTREMES = DeviceKernel(
    "fold_extremes",
    r"""
// minima, maxima (K, points) of each point to each cluster; atom_of (points,). They are folded into
// pair_minima, pair_maxima (sum of k*k,), cover (K,) and own_farthest (partitions, points).
// Grid (points / THREADS, partitions).
extern "C" __global__ void fold_extremes(
    const double* minima, const double* maxima, const int* atom_of, const int* labels, const whole* n_clusters,
    const whole* offsets, const whole* corners, whole points, whole atoms,
    double* pair_minima, double* pair_maxima, double* cover, double* own_farthest)
{
    whole q = blockIdx.y;
    whole point = (whole)blockIdx.x * blockDim.x + threadIdx.x;
    if (point >= points) return;
    int own = labels[q * atoms + atom_of[point]];
    if (own < 0) return;
    for (whole c = 0; c < n_clusters[q]; c++) {
        whole cell = (offsets[q] + c) * points + point;
        whole line = corners[q] + own * n_clusters[q] + c;
        lower(pair_minima + line, minima[cell]);
        lift(pair_maxima + line, maxima[cell]);
        if (c == own) own_farthest[q * points + point] = maxima[cell];
        else lower(cover + offsets[q] + c, maxima[cell]);
    }
}
""",
    _fold_extremes,
)


# ---- nearest outsiders ------------------------------------------------------------------------


def _outsider_means(grid, block, tile, labels, clustered, sizes, offsets, first, n, points, out):
    tile, labels, out = _flat(tile, labels, out)
    for point, q in _blocks(grid):
        own = labels[q * n + first + point]
        if own < 0:
            continue
        members = sizes[offsets[q] + own]
        wanted = min(members, clustered[q] - members)
        if wanted == 0:
            continue
        row = tile[point * n : point * n + n]
        cluster = labels[q * n : q * n + n]
        outside = (cluster >= 0) & (cluster != own)
        prefix, rank = np.int64(0), wanted
        for shift in range(64 - DIGIT_BITS, -1, -DIGIT_BITS):
            pattern = row.view(np.int64) >> shift
            alike = outside & (pattern >> DIGIT_BITS == prefix)
            counts = np.bincount(pattern[alike] & (DIGITS - 1), minlength=DIGITS)
            digit = 0
            while rank > counts[digit]:
                rank -= counts[digit]
                digit += 1
            prefix = np.int64(prefix << DIGIT_BITS | digit)
        limit = prefix.view(np.float64)
        partial = np.zeros(block[0])
        for thread in range(block[0]):
            for j in range(thread, n, block[0]):
                if outside[j] and row[j] < limit:
                    partial[thread] += row[j]
        half = block[0] // 2
        while half > 0:
            partial[:half] += partial[half : 2 * half]
            half //= 2
        out[q * points + point] = (partial[0] + rank * limit) / wanted


OUTSIDER_MEANS = DeviceKernel(
    "outsider_means",
    r"""
// tile (points, n) distances of the points first, first + 1, ... to all; labels (partitions, n);
// clustered (partitions,) points in clusters. out (partitions, points): mean of the |c| smallest
// distances of a point of cluster c to points of other clusters, of all where there are fewer.
// A block finds the pattern of the last of them, digit by digit, then adds up. Grid (points, partitions).
extern "C" __global__ void outsider_means(
    const double* tile, const int* labels, const whole* clustered, const whole* sizes, const whole* offsets,
    whole first, whole n, whole points, double* out)
{
    __shared__ int counts[DIGITS];
    __shared__ double partial[THREADS];
    whole point = blockIdx.x;
    whole q = blockIdx.y;
    int own = labels[q * n + first + point];
    if (own < 0) return;
    whole members = sizes[offsets[q] + own];
    whole wanted = members < clustered[q] - members ? members : clustered[q] - members;
    if (wanted == 0) return;
    const double* row = tile + point * n;
    const int* cluster = labels + q * n;
    whole prefix = 0, rank = wanted;
    for (int shift = 64 - DIGIT_BITS; shift >= 0; shift -= DIGIT_BITS) {
        for (int digit = threadIdx.x; digit < DIGITS; digit += blockDim.x) counts[digit] = 0;
        __syncthreads();
        for (whole j = threadIdx.x; j < n; j += blockDim.x) {
            whole pattern = __double_as_longlong(row[j]) >> shift;
            bool outside = cluster[j] >= 0 && cluster[j] != own;
            if (outside && pattern >> DIGIT_BITS == prefix) atomicAdd(counts + (pattern & (DIGITS - 1)), 1);
        }
        __syncthreads();
        int digit = 0;
        while (rank > counts[digit]) {
            rank -= counts[digit];
            digit += 1;
        }
        prefix = prefix << DIGIT_BITS | digit;
        __syncthreads();
    }
    double limit = __longlong_as_double(prefix);
    double total = 0.0;
    for (whole j = threadIdx.x; j < n; j += blockDim.x) {
        bool outside = cluster[j] >= 0 && cluster[j] != own;
        if (outside && row[j] < limit) total += row[j];
    }
    partial[threadIdx.x] = total;
    __syncthreads();
    for (int half = blockDim.x / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) out[q * points + point] = (partial[0] + rank * limit) / wanted;
}
""",
    _outsider_means,
)


# ---- histograms of distances ------------------------------------------------------------------


def _patterns(columns, n, d, i, j):
    square = np.zeros(j.size)
    for c in range(d):
        step = columns[c * n + i] - columns[c * n + j]
        square += step * step
    return np.sqrt(square).view(np.int64)


def _histogram_pairs(
    grid, block, columns, labels, population, n, d, partitions, bins, lowest, first, last, rows, within, clustered
):  # fmt: skip
    columns, labels, within, clustered = _flat(columns, labels, within, clustered)
    for x, y in _blocks(grid):
        start = first + y * rows
        for i in range(start, min(start + rows, last)):
            j = _threads(x, block, n)
            j = j[j > i]
            pattern = _patterns(columns, n, d, i, j)
            b = (pattern >> BIN_SHIFT) - lowest
            rest = np.where(b > 0, (pattern & ((1 << BIN_SHIFT) - 1)) >> EXCESS_SHIFT, 0)
            b = np.maximum(b, 0)
            np.add.at(clustered, 2 * b, 1)
            np.add.at(clustered, 2 * b + 1, rest)
            for q in range(partitions):
                own = labels[q * n + i]
                if own < 0:
                    continue
                c = labels[q * n + j]
                np.add.at(within, q * bins + b[c == own], 1)
                if population[q] > 0:
                    cell = population[q] * bins + b[c >= 0]
                    np.add.at(clustered, 2 * cell, 1)
                    np.add.at(clustered, 2 * cell + 1, rest[c >= 0])


HISTOGRAM_PAIRS = DeviceKernel(
    "histogram_pairs",
    r"""
// Pairs i < j of the points in columns (d, n), by bin of their distance: within (partitions, bins) those
// in one cluster; clustered (populations, bins, 2) their number and excess, in row 0 of all, in row
// population[q] > 0 of those with both points in clusters of partition q. A thread takes one j and `rows`
// of the values of i in [first, last). Grid (n / THREADS, (last - first) / rows).
extern "C" __global__ void histogram_pairs(
    const double* columns, const int* labels, const whole* population, whole n, whole d, whole partitions,
    whole bins, whole lowest, whole first, whole last, whole rows, counter* within, counter* clustered)
{
    whole j = (whole)blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= n) return;
    whole start = first + blockIdx.y * rows;
    whole stop = start + rows < last ? start + rows : last;
    stop = stop < j ? stop : j;
    for (whole i = start; i < stop; i++) {
        whole pattern = __double_as_longlong(apart(columns, n, d, i, j));
        whole b = (pattern >> BIN_SHIFT) - lowest;
        counter rest = b > 0 ? (pattern & ((1LL << BIN_SHIFT) - 1)) >> EXCESS_SHIFT : 0;
        b = b > 0 ? b : 0;
        atomicAdd(clustered + 2 * b, 1ULL);
        atomicAdd(clustered + 2 * b + 1, rest);
        for (whole q = 0; q < partitions; q++) {
            int own = labels[q * n + i];
            if (own < 0) continue;
            int c = labels[q * n + j];
            if (c == own) atomicAdd(within + q * bins + b, 1ULL);
            if (population[q] > 0 && c >= 0) {
                whole cell = population[q] * bins + b;
                atomicAdd(clustered + 2 * cell, 1ULL);
                atomicAdd(clustered + 2 * cell + 1, rest);
            }
        }
    }
}
""",
    _histogram_pairs,
)


def _refine_pairs(
    grid, block, columns, labels, slots, n, d, partitions, bins, lowest, first, last, rows, counts, excess
):  # fmt: skip
    columns, labels, slots, counts, excess = _flat(columns, labels, slots, counts, excess)
    for x, y in _blocks(grid):
        start = first + y * rows
        for i in range(start, min(start + rows, last)):
            j = _threads(x, block, n)
            j = j[j > i]
            pattern = _patterns(columns, n, d, i, j)
            b = np.maximum((pattern >> BIN_SHIFT) - lowest, 0)
            fine = (pattern >> FINE_SHIFT) & (FINE_BINS - 1)
            rest = pattern & ((1 << FINE_SHIFT) - 1)
            for population in range(partitions + 1):
                slot = slots[population * bins + b]
                q = population - 1
                clustered = (labels[q * n + i] >= 0) & (labels[q * n + j] >= 0) if q >= 0 else True
                chosen = (slot >= 0) & clustered
                np.add.at(counts, slot[chosen] * FINE_BINS + fine[chosen], 1)
                np.add.at(excess, slot[chosen] * FINE_BINS + fine[chosen], rest[chosen])


REFINE_PAIRS = DeviceKernel(
    "refine_pairs",
    r"""
// The pairs of a few bins by finer ones: slots (1 + partitions, bins) the row of a bin in counts and
// excess (slots, FINE_BINS), or -1: in row 0 for all pairs, in row q + 1 for those with both points in
// clusters of partition q. Threads and grid as in histogram_pairs.
extern "C" __global__ void refine_pairs(
    const double* columns, const int* labels, const int* slots, whole n, whole d, whole partitions,
    whole bins, whole lowest, whole first, whole last, whole rows, counter* counts, counter* excess)
{
    whole j = (whole)blockIdx.x * blockDim.x + threadIdx.x;
    if (j >= n) return;
    whole start = first + blockIdx.y * rows;
    whole stop = start + rows < last ? start + rows : last;
    stop = stop < j ? stop : j;
    for (whole i = start; i < stop; i++) {
        whole pattern = __double_as_longlong(apart(columns, n, d, i, j));
        whole b = (pattern >> BIN_SHIFT) - lowest;
        b = b > 0 ? b : 0;
        whole fine = (pattern >> FINE_SHIFT) & (FINE_BINS - 1);
        counter rest = pattern & ((1LL << FINE_SHIFT) - 1);
        for (whole population = 0; population <= partitions; population++) {
            int slot = slots[population * bins + b];
            if (slot < 0) continue;
            whole q = population - 1;
            if (q >= 0 && (labels[q * n + i] < 0 || labels[q * n + j] < 0)) continue;
            atomicAdd(counts + (whole)slot * FINE_BINS + fine, 1ULL);
            atomicAdd(excess + (whole)slot * FINE_BINS + fine, rest);
        }
    }
}
""",
    _refine_pairs,
)

KERNELS = (FINISH_DISTANCES, TILE_EXTREMES, FOLD_EXTREMES, OUTSIDER_MEANS, HISTOGRAM_PAIRS, REFINE_PAIRS)
