"""Which other clusterings people might see: clusters that mix are one, and so are clusters with small gaps."""

from __future__ import annotations

import numpy as np

from gamac_meta.types import NOISE, Floats, Labels

MIXED = 0.5  # share of the neighbor links across, over what it would be if two clusters were one
JUMP = 1.8  # ratio of successive gaps that makes groups of clusters visible
NEIGHBORS = 10


def labels_of_noise(X: Floats, labels: Labels, specks: Floats) -> Labels:
    """Label of each background point: one that fell among the points of a cluster cannot be told from them."""
    from scipy.spatial import cKDTree

    points, owners = X[labels != NOISE], labels[labels != NOISE]
    tree = cKDTree(points)
    spacing = tree.query(points, k=5)[0][:, -1]
    reach = np.array([np.median(spacing[owners == owner]) for owner in range(owners.max() + 1)])
    distance, nearest = tree.query(specks)
    owner = owners[nearest]
    return np.where(distance <= reach[owner], owner, NOISE).astype(np.int32)


def coarser_references(X: Floats, labels: Labels, known: tuple[list[int], ...]) -> list[Labels]:
    """Distinct coarser labellings of X: those known from the making, then the mixed and the near ones merged."""
    k = int(labels.max()) + 1
    maps = [np.asarray(mapping) for mapping in known]
    if k > 1:
        maps += [_merged_if_mixed(X, labels), _merged_if_near(X, labels)]
    references: list[Labels] = []
    seen = {tuple(range(k))}
    for mapping in maps:
        canonical = tuple(np.unique(mapping, return_index=True, return_inverse=True)[2].tolist())
        if canonical not in seen:
            seen.add(canonical)
            references.append(np.where(labels == NOISE, NOISE, np.asarray(canonical)[labels]).astype(np.int32))
    return references


def _components(linked: np.ndarray) -> np.ndarray:
    from scipy.sparse.csgraph import connected_components

    return np.asarray(connected_components(linked, directed=False)[1])


def _merged_if_mixed(X: Floats, labels: Labels) -> np.ndarray:
    """(k,) groups of clusters so interspersed that neighbors hardly tell them apart."""
    from scipy.spatial import cKDTree

    points, owners = X[labels != NOISE], labels[labels != NOISE]
    k = int(owners.max()) + 1
    _, nearest = cKDTree(points).query(points, k=NEIGHBORS + 1)
    links = np.zeros((k, k))
    np.add.at(links, (np.repeat(owners, NEIGHBORS), owners[nearest[:, 1:].ravel()]), 1.0)
    sizes = np.bincount(owners).astype(float)
    across = links + links.T
    own = np.diagonal(links)
    among = across + own[:, None] + own[None, :]
    observed = np.divide(across, among, out=np.zeros_like(across), where=among > 0.0)
    expected = 2.0 * np.outer(sizes, sizes) / np.add.outer(sizes, sizes) ** 2
    return _components(observed > MIXED * expected)


def _merged_if_near(X: Floats, labels: Labels) -> np.ndarray:
    """(k,) groups of clusters, cut at the greatest jump between gaps; each its own where none stands out."""
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import cdist, squareform

    order = np.argsort(labels, kind="stable")
    order = order[labels[order] != NOISE]
    points, owners = X[order], labels[order]
    k = int(owners.max()) + 1
    starts = np.searchsorted(owners, np.arange(k))
    distances = cdist(points, points)
    gaps = np.minimum.reduceat(np.minimum.reduceat(distances, starts, axis=0), starts, axis=1)
    # gaps below the usual spacing of distinct points are no gaps
    floor = 2.0 * np.median(np.where(distances > 0.0, distances, np.inf).min(axis=1))
    np.fill_diagonal(gaps, 0.0)
    tree = linkage(squareform(gaps, checks=False), "single")
    heights = np.maximum(tree[:, 2], floor)
    jumps = heights[1:] / heights[:-1]
    if jumps.size == 0 or jumps.max() < JUMP:
        return np.arange(k)
    return np.asarray(fcluster(tree, heights[jumps.argmax()], criterion="distance"))
