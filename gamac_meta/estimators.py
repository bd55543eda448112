"""Clusterers that no library has in this form, as scikit-learn estimators, and the steps they are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_memory, validate_data

from gamac_meta.types import NOISE, Floats, Ints

Labels = npt.NDArray[np.integer[Any]]
# what a density is measured in: this quantile of the distances between points
PEAK_WIDTH = 0.02


class RobustSingleLinkage(ClusterMixin, BaseEstimator):
    """Single linkage over mutual reachability, cut where it has n_clusters of at least min_cluster_size points,
    or as many as there are.

    Smaller pieces are noise (-1). n_clusters: of the cut. min_samples: the neighbor whose distance is a point's
    core distance; 1 is the nearest other point. min_cluster_size: None is a 50th of the points.
    memory: as of scikit-learn's AgglomerativeClustering: keeps the tree for other cuts.

    Campello et al. 2013, doi:10.1007/978-3-642-37456-2_14.
    """

    def __init__(
        self, n_clusters: int = 2, *, min_samples: int = 5, min_cluster_size: int | None = None, memory: Any = None
    ) -> None:
        self.n_clusters = n_clusters
        self.min_samples = min_samples
        self.min_cluster_size = min_cluster_size
        self.memory = memory

    def fit(self, X: Any, y: Any = None) -> RobustSingleLinkage:  # noqa: ARG002  scikit-learn passes y
        """Sets labels_ (n,)."""
        X = validate_data(self, X, ensure_min_samples=2, dtype=np.float64)
        tree = check_memory(self.memory).cache(_tree_of)(X, min(self.min_samples, len(X) - 1))
        least = max(3, len(X) // 50) if self.min_cluster_size is None else self.min_cluster_size
        found = _guarded_counts(tree, least)
        # after the last merge all is one cluster
        self.labels_ = _renumbered(cut_guarded(tree, int(found[found <= self.n_clusters].max()), least))
        return self


class MutualNeighbors(ClusterMixin, BaseEstimator):
    """Components of the graph that joins points which are among each other's nearest neighbors.

    Components of fewer than min_cluster_size points are noise (-1); None is a 100th of the points, at least 3.
    Brito et al. 1997, doi:10.1016/S0167-7152(96)00213-1.
    """

    def __init__(self, n_neighbors: int = 10, *, min_cluster_size: int | None = None) -> None:
        self.n_neighbors = n_neighbors
        self.min_cluster_size = min_cluster_size

    def fit(self, X: Any, y: Any = None) -> MutualNeighbors:  # noqa: ARG002
        """Sets labels_ (n,)."""
        from sklearn.neighbors import NearestNeighbors

        X = validate_data(self, X, ensure_min_samples=2, dtype=np.float64)
        neighbors = min(self.n_neighbors, len(X) - 1)
        indices = NearestNeighbors(n_neighbors=neighbors).fit(X).kneighbors(return_distance=False)
        least = max(3, len(X) // 100) if self.min_cluster_size is None else self.min_cluster_size
        self.labels_ = _renumbered(mutual_components(indices, least))
        return self


class DensityPeaks(ClusterMixin, BaseEstimator):
    """The points that are dense and far from denser ones gather the others, each after its nearest denser point.

    memory: as of scikit-learn's AgglomerativeClustering: keeps the peaks for other numbers of them.
    Rodriguez & Laio 2014, doi:10.1126/science.1242072.
    """

    def __init__(self, n_clusters: int = 2, *, memory: Any = None) -> None:
        self.n_clusters = n_clusters
        self.memory = memory

    def fit(self, X: Any, y: Any = None) -> DensityPeaks:  # noqa: ARG002
        """Sets labels_ (n,)."""
        X = validate_data(self, X, ensure_min_samples=2, dtype=np.float64)
        peakedness, parent = check_memory(self.memory).cache(_peaks_of)(X)
        self.labels_ = of_peaks(peakedness, parent, self.n_clusters)
        return self


def _peaks_of(X: Floats) -> tuple[Floats, Ints]:
    from scipy.spatial.distance import pdist, squareform

    condensed = pdist(X)
    return density_peaks(condensed, squareform(condensed))


def _tree_of(X: Floats, samples: int) -> Floats:
    from scipy.spatial.distance import pdist
    from sklearn.neighbors import NearestNeighbors

    core = NearestNeighbors(n_neighbors=samples).fit(X).kneighbors()[0][:, -1]
    return reachability_tree(pdist(X), core)


# ---- trees -------------------------------------------------------------------------------------------


def reachability_tree(condensed: Floats, core: Floats) -> Floats:
    """Linkage matrix (n - 1, 4) of single linkage over mutual reachability.

    condensed (n * (n - 1) / 2,) distances, core (n,) core distances.
    """
    from scipy.cluster.hierarchy import linkage

    first, second = np.triu_indices(len(core), k=1)
    return np.asarray(linkage(np.maximum(condensed, np.maximum(core[first], core[second])), "single"))


def cut(tree: Floats, merges: int) -> Labels:
    """(n,) labels after the first merges of a linkage matrix; exact where heights tie."""
    n = len(tree) + 1
    parent = np.arange(2 * n - 1)
    for side in (0, 1):
        parent[tree[:merges, side].astype(np.int64)] = np.arange(n, n + merges)
    return np.unique(_roots(parent)[:n], return_inverse=True)[1]


def cut_guarded(tree: Floats, k: int, least: int) -> Labels:
    """The highest cut with k clusters of at least `least` points; smaller ones are noise.

    Raises ValueError where there is none.
    """
    cuts = np.flatnonzero(_guarded_counts(tree, least) == k)
    if cuts.size == 0:
        raise ValueError(f"no cut has {k} clusters of at least {least} points")
    return _small_to_noise(cut(tree, int(cuts[-1]) + 1), least)


def _guarded_counts(tree: Floats, least: int) -> Ints:
    """(n - 1,) clusters of at least `least` points after each merge."""
    n = len(tree) + 1
    sizes = np.concatenate([np.ones(n), tree[:, 3]])
    big = (sizes >= least).astype(int)
    sides = tree[:, :2].astype(np.int64)
    return np.asarray(big[:n].sum() + np.cumsum(big[n:] - big[sides[:, 0]] - big[sides[:, 1]]))


def _roots(parent: Ints) -> Ints:
    """The root above each node; a root is its own parent."""
    while not np.array_equal(above := parent[parent], parent):
        parent = above
    return parent


def _small_to_noise(labels: Labels, least: int) -> Labels:
    return np.where(np.bincount(labels)[labels] >= least, labels, NOISE)


def _renumbered(labels: Labels) -> Labels:
    """Clusters numbered from 0 without gaps; noise stays -1."""
    return np.unique(np.append(labels, NOISE), return_inverse=True)[1][:-1] - 1


# ---- neighbors and peaks -------------------------------------------------------------------------------


def mutual_components(indices: Ints, least: int) -> Labels:
    """(n,) components of the mutual neighbor graph, indices (n, k) the neighbors; small components are noise."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components

    n = len(indices)
    rows = np.repeat(np.arange(n), indices.shape[1])
    graph = csr_matrix((np.ones(rows.size), (rows, indices.ravel())), shape=(n, n))
    labels = connected_components(graph.minimum(graph.T), directed=False)[1]
    return _small_to_noise(labels, least)


def density_peaks(condensed: Floats, square: Floats) -> tuple[Floats, Ints]:
    """(n,) density times distance to the nearest denser point, and that point; distances in both forms."""
    width = max(float(np.quantile(condensed, PEAK_WIDTH)), 1e-9)
    density = np.exp(-((square / width) ** 2)).sum(axis=1)
    n = len(square)
    rank = np.empty(n, dtype=np.int64)
    rank[np.argsort(-density, kind="stable")] = np.arange(n)
    denser = np.where(rank[None, :] < rank[:, None], square, np.inf)
    parent = denser.argmin(axis=1)
    gap = denser[np.arange(n), parent]
    # infinite peakedness: the densest point is the first peak, however far it is from the others
    return density * gap, parent


def of_peaks(peakedness: Floats, parent: Ints, k: int) -> Labels:
    """(n,) labels: the k highest peaks gather the points whose way up ends at them."""
    parent = parent.copy()
    peaks = np.argsort(-peakedness, kind="stable")[:k]
    parent[peaks] = peaks
    return np.unique(_roots(parent), return_inverse=True)[1]
