"""Points to be partitioned, and the structures that many algorithms share, each computed once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from gamac_meta.estimators import density_peaks
from gamac_meta.points import SharedPoints
from gamac_meta.types import Floats, Ints

LINK = 1e-3  # weight of the spanning tree's edges between pieces of the neighbor graph
MOST_CLUSTERS = 50
NEIGHBORS = 30
LINKAGES = ("ward", "average", "complete", "single", "weighted")


class Points:
    """Points (n, d) at unit mean variance, and what several algorithms share."""

    def __init__(self, X: Floats, rng: np.random.Generator) -> None:
        centered = X - X.mean(axis=0)
        centered /= np.abs(centered).max()  # squares of very small or large units leave the range of floats
        self.X: Floats = np.ascontiguousarray(centered / np.sqrt(centered.var(axis=0).mean()))
        self.n = len(X)
        self.rng = rng
        # more clusters than places would divide equal points
        self.most = max(2, min(MOST_CLUSTERS, self.n // 5, len(np.unique(X, axis=0))))
        # most data have few clusters, some have dozens: each seed looks up to another number
        self.usual = min(self.most, round(8 * (self.most / 8) ** rng.random()))

    def seed(self) -> int:
        return int(self.rng.integers(2**31))

    @cached_property
    def condensed(self) -> Floats:
        from scipy.spatial.distance import pdist

        return np.asarray(pdist(self.X))

    @cached_property
    def square(self) -> Floats:
        """(n, n) distances."""
        from scipy.spatial.distance import squareform

        return np.asarray(squareform(self.condensed))

    @cached_property
    def nearest(self) -> tuple[Floats, Ints]:
        """Distances and indices (n, up to NEIGHBORS) of the nearest other points."""
        from sklearn.neighbors import NearestNeighbors

        distances, indices = NearestNeighbors(n_neighbors=min(NEIGHBORS, self.n - 1)).fit(self.X).kneighbors()
        return distances, indices

    @cached_property
    def trees(self) -> dict[str, Floats]:
        """Linkage matrices (n - 1, 4) by method."""
        from scipy.cluster.hierarchy import linkage

        return {method: linkage(self.condensed, method) for method in LINKAGES}

    @cached_property
    def telling(self) -> list[int]:
        """Numbers of clusters after which a tree's merges grow most, so that planted groups are hit."""
        found: set[int] = set()
        for method, count in (("ward", 2), ("average", 1)):
            heights = self.trees[method][:, 2]
            k = np.arange(2, self.most + 1)
            # cutting into k clusters undoes the last k - 1 merges; flat heights (duplicates) tell nothing
            growth = heights[1 - k] / np.maximum(heights[-k], 1e-9 * heights[-1])
            found |= set(k[np.argsort(-growth, kind="stable")[:count]].tolist())
        return sorted(found)

    def some_k(self, count: int, most: int = MOST_CLUSTERS, telling: bool = True) -> list[int]:
        """Numbers of clusters: the telling ones, and one from each of `count` ranges of equal ratio."""
        draws = (np.arange(count) + self.rng.random(count)) / count
        spread = np.floor(2 * ((min(most, self.usual) + 1) / 2) ** draws).astype(int).tolist()
        return sorted({*spread, *([k for k in self.telling if k <= most] if telling else [])})

    @cached_property
    def embedding(self) -> Floats:
        """(n, c) leading eigenvectors of the normalized 10-neighbor graph, its pieces tied along the spanning tree.

        Ng, Jordan & Weiss 2001; von Luxburg 2007, doi:10.1007/s11222-007-9033-z.
        """
        from scipy.sparse import csr_matrix, diags, identity
        from scipy.sparse.linalg import eigsh

        indices = self.nearest[1][:, :10]
        rows = np.repeat(np.arange(self.n), indices.shape[1])
        graph = csr_matrix((np.ones(rows.size), (rows, indices.ravel())), shape=(self.n, self.n))
        graph = graph + graph.T
        # a graph in pieces has eigenvectors that no rule but the last digits of sums sets apart
        first, second = SharedPoints(self.X).spanning_tree[0].T
        weak = csr_matrix((np.full(first.size, LINK), (first, second)), shape=(self.n, self.n))
        graph = graph.maximum(weak + weak.T)
        scale = diags(1.0 / np.sqrt(np.asarray(graph.sum(axis=1)).ravel()))
        laplacian = identity(self.n) - scale @ graph @ scale
        if self.n <= 4 * MOST_CLUSTERS:
            return np.linalg.eigh(laplacian.toarray())[1][:, : self.most]
        # ARPACK would start from a vector of its own
        start = np.random.default_rng(0).random(self.n)
        values, vectors = eigsh(laplacian.tocsc(), k=self.most, sigma=-1e-2, which="LM", v0=start)
        return np.asarray(vectors[:, np.argsort(values)])

    @cached_property
    def peaks(self) -> tuple[Floats, Ints]:
        """(n,) peakedness and the nearest denser point, as of `gamac_meta.estimators.density_peaks`."""
        return density_peaks(self.condensed, self.square)
