"""Real tables projected to the plane, by the methods people look at data with.

A view shows some rows, columns and classes of a table. Its labels are the classes if they can be
seen in it, else one cluster: then what is seen decides.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from corpus.generators._registry import Choice, Layers, Real, Whole, generator
from corpus.generators._tables import TABLES, table
from gamac_meta.types import Floats, Ints

# share of the neighbors of the own class, over what chance gives, above which the classes are seen
SEEN = 0.6
NEIGHBORS = 7
FEWEST_ROWS, FEWEST_COLUMNS, FEWEST_OF_CLASS = 60, 3, 12

_TABLE = Choice(tuple(TABLES))
_SCALING = Choice(("standard", "minmax", "none"))
_CLASSES = Whole(1, 10)
_COLUMNS = Real(0.5, 1.0)


def _seed(rng: np.random.Generator) -> int:
    return int(rng.integers(2**31))


def _viewed(
    rng: np.random.Generator,
    sizes: list[int],
    name: str,
    columns: float,
    scaling: str,
    project: Callable[[Floats], Floats],
) -> Layers:
    """A picture of about sum(sizes) rows of at most len(sizes) classes; fewer where the table has fewer."""
    from threadpoolctl import threadpool_limits

    whole = table(name)
    rows = _some_rows(rng, whole.classes, sum(sizes), len(sizes))
    wanted = max(FEWEST_COLUMNS, round(columns * whole.X.shape[1]))
    X = whole.X[np.ix_(rows, np.sort(rng.permutation(whole.X.shape[1])[:wanted]))]
    if scaling != "none":
        spread = X.std(axis=0) if scaling == "standard" else np.ptp(X, axis=0)
        X = (X - X.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    # sums over several threads differ in the last digits
    with threadpool_limits(limits=1):
        picture = np.asarray(project(X), dtype=np.float64)
    classes = np.unique(whole.classes[rows], return_inverse=True)[1]
    if _purity(picture, classes) < SEEN:
        classes = np.zeros_like(classes)
    return Layers([picture[classes == owner] for owner in range(classes.max() + 1)], base=name)


def _some_rows(rng: np.random.Generator, classes: Ints, n: int, k: int) -> Ints:
    """Rows of k classes that are large enough, in the proportions of the table."""
    order = rng.permutation(np.flatnonzero(np.bincount(classes) >= FEWEST_OF_CLASS))
    of_class = np.bincount(classes)
    kept = order[:k]
    # classes are added until there is something to look at
    while of_class[kept].sum() < FEWEST_ROWS:
        kept = order[: len(kept) + 1]
    rows = rng.permutation(np.flatnonzero(np.isin(classes, kept)))[:n]
    return np.sort(rows)


def _purity(picture: Floats, classes: Ints) -> float:
    """Share of neighbors of the own class, over what chance gives; 0 for one class."""
    from scipy.spatial import cKDTree

    shares = np.bincount(classes) / len(classes)
    chance = float(np.sum(shares**2))
    nearest = cKDTree(picture).query(picture, k=NEIGHBORS + 1)[1][:, 1:]
    own = float(np.mean(classes[nearest] == classes[:, None]))
    return (own - chance) / (1.0 - chance) if chance < 1.0 else 0.0


def _principal(X: Floats, first: int = 0) -> Floats:
    """(n, 2) scores on two successive principal components."""
    left, values, right = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    # signs as the largest weight has them, not as the library happens to give them
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    return np.asarray((left * values * signs)[:, first : first + 2])


@generator(
    "views",
    collection="views",
    most=1000,
    k=_CLASSES,
    table=_TABLE,
    columns=_COLUMNS,
    scaling=_SCALING,
    first=Whole(0, 1),
)
def pca_views(
    rng: np.random.Generator, sizes: list[int], *, table: str, columns: float, scaling: str, first: int
) -> Layers:
    """The first and second principal component, or the second and third.  Pearson 1901."""
    return _viewed(rng, sizes, table, columns, scaling, lambda X: _principal(X, first))


@generator(
    "views",
    collection="views",
    most=400,
    k=_CLASSES,
    table=_TABLE,
    columns=_COLUMNS,
    scaling=_SCALING,
    metric=Choice(("euclidean", "cityblock", "chebyshev")),
)
def mds_views(
    rng: np.random.Generator, sizes: list[int], *, table: str, columns: float, scaling: str, metric: str
) -> Layers:
    """Distances kept as well as the plane allows, by majorization.  De Leeuw 1977, doi:10.1007/BF01896814."""
    return _viewed(rng, sizes, table, columns, scaling, lambda X: _majorized(X, metric))


def _majorized(X: Floats, metric: str) -> Floats:
    from scipy.spatial.distance import pdist, squareform

    wanted = squareform(pdist(X, metric))
    Y = _principal(X)
    for _ in range(60):
        distances = squareform(pdist(Y))
        ratio = np.divide(wanted, distances, out=np.zeros_like(wanted), where=distances > 0.0)
        # the Guttman transform of equal weights
        Y = (ratio.sum(axis=1)[:, None] * Y - ratio @ Y) / len(Y)
    return Y


@generator(
    "views",
    collection="views",
    most=800,
    k=_CLASSES,
    table=_TABLE,
    columns=_COLUMNS,
    scaling=_SCALING,
    neighbors=Whole(6, 40, log=True),
    modified=Whole(0, 1),
)
def lle_views(
    rng: np.random.Generator,
    sizes: list[int],
    *,
    table: str,
    columns: float,
    scaling: str,
    neighbors: int,
    modified: int,
) -> Layers:
    """Locally linear embedding.  Roweis & Saul 2000, doi:10.1126/science.290.5500.2323."""

    def project(X: Floats) -> Floats:
        from sklearn.manifold import LocallyLinearEmbedding

        method = "modified" if modified else "standard"
        return np.asarray(
            LocallyLinearEmbedding(n_neighbors=neighbors, method=method, eigen_solver="dense").fit_transform(X)
        )

    return _viewed(rng, sizes, table, columns, scaling, project)


@generator(
    "views",
    collection="views",
    most=800,
    k=_CLASSES,
    table=_TABLE,
    columns=_COLUMNS,
    scaling=_SCALING,
    reach=Real(1.5, 5.0, log=True),
)
def spectral_views(
    rng: np.random.Generator, sizes: list[int], *, table: str, columns: float, scaling: str, reach: float
) -> Layers:
    """Eigenvectors of the graph of similarities; reach in units of the distances to the seventh neighbors.

    Belkin & Niyogi 2003, doi:10.1162/089976603321780317; the units are Zelnik-Manor & Perona's 2004.
    """
    return _viewed(rng, sizes, table, columns, scaling, lambda X: _eigenmap(X, reach))


def _eigenmap(X: Floats, reach: float) -> Floats:
    from scipy.linalg import eigh
    from scipy.spatial.distance import pdist, squareform

    distances = squareform(pdist(X))
    usual = np.sort(distances, axis=1)[:, NEIGHBORS]
    # rows that repeat have neighbors at no distance
    usual = np.maximum(usual, max(np.median(usual), 0.05 * distances.mean()))
    similar = np.exp(-(distances**2) / (reach**2 * np.outer(usual, usual)))
    root = np.sqrt(similar.sum(axis=1))
    vectors = eigh(similar / np.outer(root, root), subset_by_index=[len(X) - 3, len(X) - 2])[1]
    return np.asarray(vectors / root[:, None])


@generator(
    "views",
    collection="views",
    most=600,
    k=_CLASSES,
    table=_TABLE,
    columns=_COLUMNS,
    scaling=_SCALING,
    perplexity=Real(5.0, 50.0, log=True),
    start=Choice(("pca", "random")),
)
def tsne_views(
    rng: np.random.Generator,
    sizes: list[int],
    *,
    table: str,
    columns: float,
    scaling: str,
    perplexity: float,
    start: str,
) -> Layers:
    """t-SNE.  Van der Maaten & Hinton 2008; van der Maaten 2014 (Barnes-Hut)."""
    seed = _seed(rng)

    def project(X: Floats) -> Floats:
        from sklearn.manifold import TSNE

        most = min(perplexity, len(X) / 4.0)
        return np.asarray(TSNE(perplexity=most, max_iter=750, init=start, random_state=seed, n_jobs=1).fit_transform(X))

    return _viewed(rng, sizes, table, columns, scaling, project)


@generator(
    "views",
    collection="views",
    most=800,
    k=_CLASSES,
    table=_TABLE,
    columns=_COLUMNS,
    scaling=_SCALING,
    neighbors=Whole(5, 50, log=True),
    closeness=Real(0.0, 0.6),
)
def umap_views(
    rng: np.random.Generator,
    sizes: list[int],
    *,
    table: str,
    columns: float,
    scaling: str,
    neighbors: int,
    closeness: float,
) -> Layers:
    """UMAP; closeness is its least distance.  McInnes, Healy & Melville 2018, doi:10.21105/joss.00861."""
    seed = _seed(rng)

    def project(X: Floats) -> Floats:
        with warnings.catch_warnings():
            # it warns that TensorFlow is not installed, which nothing here uses
            warnings.simplefilter("ignore", ImportWarning)
            from umap import UMAP

        fewer = min(neighbors, len(X) - 2)
        maker = UMAP(n_neighbors=fewer, min_dist=closeness, init="pca", random_state=seed, n_jobs=1)
        return np.asarray(maker.fit_transform(X))

    return _viewed(rng, sizes, table, columns, scaling, project)
