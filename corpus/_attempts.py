"""Attempts at partitions: many algorithms over structures of the points that are computed once.

Each family is a generator of (maker, thunk) pairs; a thunk returns (n,) labels, -1 is noise, or
raises. Families draw their parameters from the generator of `Points`, so a seed fixes them all.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus._points import Points
from gamac_meta.clusterers import CLUSTERERS
from gamac_meta.estimators import cut, cut_guarded, mutual_components, of_peaks, reachability_tree
from gamac_meta.types import NOISE, Floats, Ints

Partition = npt.NDArray[np.integer[Any]]
Attempt = tuple[str, Callable[[], Partition]]

# Mean shift and affinity propagation are quadratic per iteration: they see this many points, the
# others join the cluster of the nearest seen point
SAMPLE = 200


def _described(name: str, **parameters: object) -> str:
    shown = ((key, f"{value:.4g}" if isinstance(value, float) else repr(value)) for key, value in parameters.items())
    return f"{name}({', '.join(f'{key}={value}' for key, value in shown)})"


def _estimated(points: Points, name: str, **parameters: Any) -> Attempt:
    """An attempt by a clusterer of the table."""
    seed = points.seed()
    return _described(name, **parameters), lambda: _fit(points.X, name, seed, **parameters)


def _fit(X: Floats, name: str, seed: int, **parameters: Any) -> Partition:
    from sklearn.exceptions import ConvergenceWarning

    estimator = CLUSTERERS[name].make(seed, **parameters)
    with warnings.catch_warnings():
        # an unfinished or smaller partition is a candidate like any other
        warnings.simplefilter("ignore", ConvergenceWarning)
        return np.asarray(estimator.fit_predict(X))


def centroids(points: Points) -> Iterator[Attempt]:
    for k in points.some_k(5):
        yield _estimated(points, "kmeans", n_clusters=k, n_init=3)
    for k in points.some_k(2, telling=False):
        yield _estimated(points, "mini_batch_kmeans", n_clusters=k, n_init=1)
    for k in points.some_k(2, telling=False):
        yield _estimated(points, "bisecting_kmeans", n_clusters=k, n_init=1)
    for k in points.some_k(2):
        yield _described("kmedoids", n_clusters=k), _bound(_kmedoids, points, k, points.seed())


def _bound(function: Callable[..., Partition], *arguments: Any) -> Callable[[], Partition]:
    return lambda: function(*arguments)


def _kmedoids(points: Points, k: int, seed: int) -> Partition:
    """Voronoi iteration from spread seeds.  Park & Jun 2009, doi:10.1016/j.eswa.2008.01.039."""
    rng = np.random.default_rng(seed)
    medoids = [int(rng.integers(points.n))]
    while len(medoids) < k:
        gap = points.square[:, medoids].min(axis=1) ** 2
        if not gap.any():
            raise ValueError(f"the points have fewer than {k} distinct places")
        medoids.append(int(rng.choice(points.n, p=gap / gap.sum())))
    for _ in range(30):
        labels = points.square[:, medoids].argmin(axis=1)
        members = [np.flatnonzero(labels == cluster) for cluster in range(k)]
        moved = [int(own[points.square[np.ix_(own, own)].sum(axis=1).argmin()]) for own in members]
        if moved == medoids:
            break
        medoids = moved
    return np.asarray(labels)


def mixtures(points: Points) -> Iterator[Attempt]:
    for kind, count, most in (("full", 3, 20), ("diag", 2, 50), ("tied", 2, 20), ("spherical", 2, 50)):
        for k in points.some_k(count, most, telling=kind == "full"):
            yield _estimated(points, "gaussian_mixture", n_components=k, covariance_type=kind, max_iter=50)


def trees(points: Points) -> Iterator[Attempt]:
    for method, count in (("ward", 4), ("average", 3), ("complete", 2), ("single", 3), ("weighted", 2)):
        for k in points.some_k(count, telling=method != "weighted"):
            yield _described(method, n_clusters=k), _bound(_cut_at, points, method, k)
    threshold = 2 * float(np.median(points.nearest[0][:, min(5, points.n - 1) - 1]))
    for k in points.some_k(2, telling=False):
        yield _estimated(points, "birch", threshold=threshold, n_clusters=k)


def _cut_at(points: Points, method: str, k: int) -> Partition:
    return cut(points.trees[method], points.n - k)


def densities(points: Points) -> Iterator[Attempt]:
    """Noise is given both ways: left as it is, and to the cluster of the nearest clustered point."""
    n = points.n
    attempts = []
    reach = points.nearest[0][:, min(5, n - 1) - 1]
    for quantile in (0.5, 0.75, 0.9, 0.97, 1.0):
        eps = float(np.quantile(reach, quantile))
        if eps > 0:
            attempts.append(_estimated(points, "dbscan", eps=eps, min_samples=5))
    attempts += [
        _estimated(points, "hdbscan", min_cluster_size=size, min_samples=min(5, size))
        for size in sorted({5, 10, max(5, n // 50), max(5, n // 20), max(5, n // 10)})
    ]
    attempts.append(
        _estimated(points, "hdbscan", min_cluster_size=max(5, n // 40), min_samples=3, cluster_selection_method="leaf")
    )
    for samples in (1, 8):
        tree = reachability_tree(points.condensed, points.nearest[0][:, min(samples, n - 1) - 1])
        for k in points.some_k(4, telling=samples > 1):
            maker = _described("robust_single", n_clusters=k, min_samples=samples)
            attempts.append((maker, _bound(cut_guarded, tree, k, max(3, n // 50))))
    attempts += [
        (
            _described("mutual_neighbors", n_neighbors=count),
            _bound(mutual_components, points.nearest[1][:, :count], max(3, n // 100)),
        )
        for count in (5, 10, 20)
        if count < n
    ]
    for maker, thunk in attempts:
        labels = _once(thunk)
        yield maker, labels
        yield f"{maker[:-1]}, noise='nearest')", _bound(_without_noise, points, labels)


def _once(thunk: Callable[[], Partition]) -> Callable[[], Partition]:
    """A thunk whose result is kept for the second reader."""
    kept: list[Partition] = []

    def cached() -> Partition:
        if not kept:
            kept.append(thunk())
        return kept[0]

    return cached


def _without_noise(points: Points, labels: Callable[[], Partition]) -> Partition:
    filled = labels().copy()
    noise = filled == NOISE
    if noise.all():
        return filled
    clustered = np.flatnonzero(~noise)
    filled[noise] = filled[clustered[points.square[np.ix_(noise, ~noise)].argmin(axis=1)]]
    return filled


def modes(points: Points) -> Iterator[Attempt]:
    for k in points.some_k(3):
        yield _described("density_peaks", n_clusters=k), _bound(_of_peaks, points, k)
    sample = np.sort(points.rng.choice(points.n, min(SAMPLE, points.n), replace=False))
    between = points.square[np.ix_(sample, sample)]
    for quantile in (0.02, 0.1):
        bandwidth = float(np.quantile(between[np.triu_indices(len(sample), k=1)], quantile))
        if bandwidth > 0:
            yield _described("mean_shift", bandwidth=bandwidth), _bound(_mean_shift, points, sample, bandwidth)
    for factor in (1.0, 20.0):
        # the median similarity gives many exemplars; lower preferences give fewer
        preference = -factor * float(np.median(between**2))
        maker = _described("affinity_propagation", preference=preference)
        yield maker, _bound(_affinity, points, sample, preference, points.seed())


def _of_peaks(points: Points, k: int) -> Partition:
    return of_peaks(*points.peaks, k)


def _mean_shift(points: Points, sample: Ints, bandwidth: float) -> Partition:
    """Gaussian mean shift of a sample.  Comaniciu & Meer 2002, doi:10.1109/34.1000236."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import cdist

    seen = points.X[sample]
    climbing = seen
    for _ in range(100):
        weights = np.exp(-0.5 * cdist(climbing, seen, "sqeuclidean") / bandwidth**2)
        higher = weights @ seen / weights.sum(axis=1, keepdims=True)
        step = np.abs(higher - climbing).max()
        climbing = higher
        if step < 1e-3 * bandwidth:
            break
    labels = fcluster(linkage(climbing, "single"), 0.5 * bandwidth, "distance")
    return _of_nearest(points, sample, labels)


def _affinity(points: Points, sample: Ints, preference: float, seed: int) -> Partition:
    labels = _fit(points.X[sample], "affinity_propagation", seed, preference=preference, damping=0.8)
    return _of_nearest(points, sample, labels)


def _of_nearest(points: Points, sample: Ints, labels: Partition) -> Partition:
    return np.asarray(labels[points.square[:, sample].argmin(axis=1)])


def spectra(points: Points) -> Iterator[Attempt]:
    for k in points.some_k(3):
        yield _described("spectral", n_clusters=k, n_neighbors=10), _bound(_spectral, points, k, points.seed())


def _spectral(points: Points, k: int, seed: int) -> Partition:
    rows = points.embedding[:, :k]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    return _fit(rows, "kmeans", seed, n_clusters=k, n_init=3)


def oddities(points: Points) -> Iterator[Attempt]:
    """Plausible but poor: people compare bad with good, so measures must see both."""
    for k in points.some_k(2, 15, telling=False):
        yield _described("voronoi", n_clusters=k), _bound(_voronoi, points, k, points.seed())
    for k in points.some_k(2, 8, telling=False):
        yield _described("slices", n_clusters=k), _bound(_slices, points, k, points.seed())
    for k in points.some_k(2, 12):
        if k > 2:  # three different clusters are touched
            yield _described("regrouped_ward", n_clusters=k), _bound(_regrouped, points, k, points.seed())


def _voronoi(points: Points, k: int, seed: int) -> Partition:
    """Cells of k random points: k-means before its first step."""
    centers = np.random.default_rng(seed).choice(points.n, k, replace=False)
    return np.asarray(points.square[:, centers].argmin(axis=1))


def _slices(points: Points, k: int, seed: int) -> Partition:
    """k slices of equal count across a random direction."""
    position = points.X @ np.random.default_rng(seed).normal(size=points.X.shape[1])
    edges = np.quantile(position, np.arange(1, k) / k)
    return np.searchsorted(edges, position)


def _regrouped(points: Points, k: int, seed: int) -> Partition:
    """Ward's clusters, two random ones joined and one random one halved along its long axis."""
    rng = np.random.default_rng(seed)
    labels = _cut_at(points, "ward", k)
    joined, into, halved = rng.permutation(k)[:3]
    labels[labels == joined] = into
    own = np.flatnonzero(labels == halved)
    centered = points.X[own] - points.X[own].mean(axis=0)
    axis = np.linalg.svd(centered, full_matrices=False)[2][0]
    labels[own[centered @ axis > 0]] = k
    return labels


FAMILIES = (centroids, mixtures, trees, densities, modes, spectra, oddities)


def attempts(points: Points) -> Iterator[Attempt]:
    """Every attempt of every family."""
    for family in FAMILIES:
        yield from family(points)


def perturbed(labels: Partition, rng: np.random.Generator) -> Partition:
    """A few random points moved to other clusters of the same partition."""
    moved = labels.copy()
    chosen = rng.choice(len(labels), max(1, int(len(labels) * rng.uniform(0.02, 0.3))), replace=False)
    moved[chosen] = rng.permutation(labels[labels != NOISE])[: len(chosen)] if (labels != NOISE).any() else 0
    return moved
