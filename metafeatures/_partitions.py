"""The landmarks: fixed cheap partitions of the sample, all read off structures that they share.

Nothing here is random: seeds are fixed, and points come in canonical order.
"""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats, Ints, Labels, PartitionSet
from metafeatures._sample import rounded
from metafeatures._view import DataView, Tree

SEED = 20240229
KMEANS_ROUNDS = 40
MIXTURE_ROUNDS = 25
MIXTURE_AXES = 8
LINK = 1e-3  # weight that keeps the neighbor graph in one piece along the spanning tree

# name, algorithm, argument: clusters, a share of the points, or points
TABLE: tuple[tuple[str, str, int], ...] = (
    *((f"kmeans_{k}", "kmeans", k) for k in (2, 3, 5, 8, 15, 30)),
    *((f"ward_{k}", "ward", k) for k in (3, 8, 30)),
    *((f"average_{k}", "average", k) for k in (3, 8)),
    *((f"mixture_{k}", "mixture", k) for k in (3, 8)),
    *((f"spectral_{k}", "spectral", k) for k in (3, 8)),
    ("single_5", "tree", 5),
    *((f"guarded_tree_{k}", "guarded", k) for k in (3, 8)),
    ("dbscan", "dbscan", 5),
    ("hdbscan_50th", "hdbscan_share", 50),
    ("hdbscan_10", "hdbscan", 10),
)
LANDMARKS: tuple[str, ...] = tuple(name for name, _, _ in TABLE)


def landmarks(view: DataView) -> PartitionSet:
    """(l, n) the landmark partitions; where an algorithm finds no two clusters, k-means stands in.

    The stand-in has the k asked for, or 2 where k is not an argument. There are never more clusters
    than distinct points, nor than half the points.
    """
    distinct = len(np.unique(view.X, axis=0))
    most = max(2, min(distinct, view.n // 2))
    linkages: dict[str, Floats] = {}
    means: dict[int, Ints] = {}
    embedding: Floats | None = None

    def kmeans_of(k: int) -> Ints:
        if k not in means:
            means[k] = kmeans(view.X, k)
        return means[k]

    rows = []
    for name, algorithm, argument in TABLE:
        k = min(argument, most)
        if algorithm == "kmeans":
            labels = kmeans_of(k)
        elif algorithm in ("ward", "average"):
            if algorithm not in linkages:
                linkages[algorithm] = _linkage(view.condensed, algorithm)
            labels = _cut(linkages[algorithm], k)
        elif algorithm == "mixture":
            labels = mixture(view.X[:, :MIXTURE_AXES], kmeans_of(k), k)
        elif algorithm == "spectral":
            if embedding is None:
                embedding = spectral_embedding(view, min(8, most))
            leading = embedding[:, :k]
            length = np.sqrt(np.sum(leading**2, axis=1, keepdims=True))
            labels = kmeans(leading / np.maximum(length, 1e-12), k)
        elif algorithm == "tree":
            labels = cut_tree(view.tree, k, 1)
        elif algorithm == "guarded":
            labels = cut_tree(view.tree, k, max(2, view.n // 50))
        else:
            k = 2
            labels = view.density_labels[name]
        rows.append(labels if _clusters(labels) > 1 else kmeans_of(k))
    return PartitionSet(np.stack(rows), LANDMARKS)


def density_labels(view: DataView) -> dict[str, Ints]:
    """What the density-based landmarks find by themselves, were it one cluster or none: name -> (n,)."""
    found = {}
    for name, algorithm, argument in TABLE:
        if algorithm == "dbscan":
            found[name] = dbscan(view)
        elif algorithm in ("hdbscan", "hdbscan_share"):
            smallest = view.n // argument if algorithm == "hdbscan_share" else argument
            smallest = max(3, min(smallest, view.n // 3))
            found[name] = hdbscan(view, smallest, smallest if algorithm == "hdbscan_share" else min(5, smallest))
    return found


def _clusters(labels: Ints) -> int:
    return len(np.unique(labels[labels >= 0]))


def kmeans(X: Floats, k: int) -> Ints:
    """(n,) labels by Lloyd's algorithm from greedy k-means++ seeds, doi:10.1145/1283383.1283494."""
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(SEED)
    trials = 2 + int(np.log(k))
    centers = X[[int(rng.integers(len(X)))]]
    nearest = cdist(X, centers, "sqeuclidean")[:, 0]
    while len(centers) < k and nearest.max() > 0:
        reached = np.cumsum(nearest)
        tried = np.minimum(np.searchsorted(reached, rng.random(trials) * reached[-1]), len(X) - 1)
        potential = np.minimum(nearest[:, None], cdist(X, X[tried], "sqeuclidean"))
        best = int(np.argmin(rounded(potential.sum(axis=0))))
        nearest = potential[:, best]
        centers = np.concatenate([centers, X[tried[[best]]]])
    labels = np.full(len(X), -1)
    for _ in range(KMEANS_ROUNDS):
        renewed = np.argmin(rounded(cdist(X, centers, "sqeuclidean")), axis=1)
        if np.array_equal(renewed, labels):
            break
        labels = renewed
        members = np.eye(len(centers))[labels]
        sizes = members.sum(axis=0)
        kept = sizes > 0
        centers[kept] = (members.T @ X)[kept] / sizes[kept, None]
    return labels


def mixture(X: Floats, start: Ints, k: int) -> Ints:
    """(n,) most probable component of a Gaussian mixture with full covariances, by EM from start."""
    n, q = X.shape
    ridge = 1e-6 * np.mean(X**2) * np.eye(q)
    belongs = np.eye(k)[start]
    for _ in range(MIXTURE_ROUNDS):
        weights = belongs.sum(axis=0) + 1e-9
        means = belongs.T @ X / weights[:, None]
        deviations = X[None] - means[:, None]  # (k, n, q)
        scatter = np.matmul((deviations * belongs.T[:, :, None]).transpose(0, 2, 1), deviations)
        factor = np.linalg.cholesky(scatter / weights[:, None, None] + ridge)
        whitened = np.matmul(deviations, np.linalg.inv(factor).transpose(0, 2, 1))
        volume = np.sum(np.log(np.diagonal(factor, axis1=1, axis2=2)), axis=1)
        density = (np.log(weights / n) - volume)[:, None] - 0.5 * np.sum(whitened**2, axis=2)  # (k, n)
        density -= density.max(axis=0)
        renewed = np.exp(density)
        renewed = (renewed / renewed.sum(axis=0)).T
        if np.abs(renewed - belongs).max() < 1e-3:
            break
        belongs = renewed
    return np.asarray(np.argmax(rounded(belongs), axis=1))


def spectral_embedding(view: DataView, k: int) -> Floats:
    """(n, k) leading eigenvectors of the normalized affinity of the neighbor graph.

    Affinities are scaled locally (Zelnik-Manor and Perona 2004, NIPS 17); edges of the spanning
    tree join what the neighbors leave apart, since a graph in pieces has no definite eigenvectors.
    """
    from scipy.sparse import csr_array, diags_array, eye_array
    from scipy.sparse.linalg import LinearOperator, eigsh, splu

    n, scale = view.n, view.local_scale
    count = view.neighbors.shape[1]
    child = view.tree.order[1:]
    start = np.concatenate([np.repeat(np.arange(n), count), child])
    stop = np.concatenate([view.neighbors.ravel(), view.tree.parent[child]])
    weights = np.exp(-(view.distances[start, stop] ** 2) / (scale[start] * scale[stop]))
    weights = np.maximum(weights, LINK)
    graph = csr_array((weights, (start, stop)), shape=(n, n))
    # an edge named twice is summed by the constructor; the affinity of a pair counts once
    graph = graph.minimum(csr_array((np.ones(len(start)), (start, stop)), shape=(n, n)).minimum(1.0))
    graph = graph.maximum(graph.T)
    root = 1.0 / np.sqrt(graph.sum(axis=1))
    normalized = diags_array(root) @ graph @ diags_array(root)
    if n <= 64:
        return np.asarray(np.linalg.eigh(normalized.toarray())[1][:, ::-1][:, :k])
    # inverse iteration about 1 separates the eigenvalues that crowd below it in clustered data
    shift = 1.0 + 1e-4
    solve = splu((shift * eye_array(n) - normalized).tocsc()).solve
    inverse = LinearOperator((n, n), matvec=solve, dtype=np.float64)
    begin = np.random.default_rng(SEED).standard_normal(n)
    values, vectors = eigsh(inverse, k=k, which="LM", v0=begin, tol=1e-6)
    return np.asarray(vectors[:, np.argsort(-values)])


def cut_tree(tree: Tree, k: int, smallest: int) -> Ints:
    """(n,) labels after cutting the longest edges that leave at least `smallest` points on both sides."""
    n = len(tree.order)
    below = tree.below.copy()
    top = np.zeros(n, dtype=bool)  # points cut off from their parent, each the root of a piece
    top[0] = True
    left = k - 1
    for point in np.argsort(-tree.length, kind="stable"):
        if left == 0 or tree.length[point] == 0:
            break
        if top[point] or below[point] < smallest:
            continue
        above = [int(tree.parent[point])]
        while not top[above[-1]]:
            above.append(int(tree.parent[above[-1]]))
        if below[above[-1]] - below[point] < smallest:
            continue
        below[above] -= below[point]
        top[point] = True
        left -= 1
    labels = np.zeros(n, dtype=np.int64)
    for point in tree.order:
        labels[point] = point if top[point] else labels[tree.parent[point]]
    return np.unique(labels, return_inverse=True)[1]


def dbscan(view: DataView) -> Ints:
    """(n,) labels of DBSCAN, doi:10.5555/3001460.3001507; the radius reaches the 5th neighbor of 9 points in 10."""
    from sklearn.cluster import DBSCAN

    radius = float(np.quantile(view.local_scale, 0.9))
    return np.asarray(DBSCAN(eps=radius, min_samples=6, metric="precomputed").fit_predict(view.distances))


def hdbscan(view: DataView, smallest: int, cores: int) -> Ints:
    """(n,) labels of HDBSCAN, doi:10.1007/978-3-642-37456-2_14; `cores` is its min_samples."""
    from sklearn.cluster import HDBSCAN

    model = HDBSCAN(min_cluster_size=smallest, min_samples=cores, metric="precomputed", copy=True)
    return np.asarray(model.fit_predict(view.distances))


def _linkage(condensed: Floats, method: str) -> Floats:
    from scipy.cluster.hierarchy import linkage

    return np.asarray(linkage(condensed, method))


def _cut(merges: Floats, k: int) -> Ints:
    from scipy.cluster.hierarchy import fcluster

    return np.asarray(fcluster(merges, k, criterion="maxclust"), dtype=np.int64) - 1


def adjusted_rand(first: Labels | Ints, second: Labels | Ints) -> float:
    """Adjusted Rand index of labels (n,) from -1 up, noise taken as one more cluster.

    Hubert and Arabie 1985, doi:10.1007/BF01908075.
    """
    width = int(second.max()) + 2
    table = np.bincount((first.astype(np.int64) + 1) * width + second + 1, minlength=(int(first.max()) + 2) * width)
    table = table.reshape(-1, width).astype(np.float64)
    pairs, rows, columns = (
        float(np.sum(counts * (counts - 1.0)) / 2.0) for counts in (table, table.sum(axis=1), table.sum(axis=0))
    )
    n = table.sum()
    expected = rows * columns / (n * (n - 1.0) / 2.0)
    possible = (rows + columns) / 2.0 - expected
    return (pairs - expected) / possible if possible > 0 else 1.0
