"""Simulated assessors: orders of candidate partitions that agree with one another about as people do.

A simulated assessor likes a partition for what can be seen of it: agreement with the generating
labels at each granularity, agreement with the groups that visible gaps set apart, few neighbors
across a border, compact clusters, not too many of them, few stray points. How much each of these
counts is personal taste; what is left of people's disagreement is noise. Each judgment depends on
the partition alone, never on its row or on the other candidates.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import NOISE, Floats, Ints, Labels, PartitionSet, Ranking

# what counts, and how much on average over assessors
TASTE = {"labels": 0.50, "gaps": 0.20, "borders": 0.15, "compactness": 0.07, "fewness": 0.05, "tidiness": 0.03}
_AVERAGE_TASTE = np.array(list(TASTE.values()))
FIRMNESS = 8.0  # of taste: greater is more alike; concentration of Dirichlet weights
# standard deviation of the noise; benchmarks/assessors.py prints what agreement it leads to
NOISE_SCALE = 0.148

BORDER_NEIGHBORS = 7
GAP_NEIGHBORS = (7, 12)  # two sensitivities: the fewer neighbors, the narrower a gap may be
FEW_POINTS = 0.01  # share of all points below which a group is stray points, not a cluster
MOST_CLUSTERS = 50  # as many as nobody wants without need


def simulate(X: Floats, references: Labels, partitions: PartitionSet, seed: int, count: int = 5) -> tuple[Ranking, ...]:
    """The orders of `count` simulated assessors, "simulated-0" and on, 1 is best.

    X: (n, d) points. references: (r, n) generating labels, the finest first, -1 is noise; one
    cluster means no structure, and then what is seen decides. The seed determines the persons:
    the same seed gives the same tastes on other data. Ranks are 1..p without ties, save for
    partitions that are equal up to the numbering of clusters.
    """
    if count < 1:
        raise InvalidInputError(f"count must be at least 1, got {count}")
    terms = _terms(X, references, partitions)
    contents = [_content(row) for row in partitions.labels]
    orders = []
    for person in range(count):
        rng = np.random.default_rng([seed, person])
        taste = rng.dirichlet(FIRMNESS * _AVERAGE_TASTE)
        focus = rng.dirichlet(np.ones(len(references)))  # which granularity a person has in mind
        noise = np.array([np.random.default_rng([seed, person, *content]).normal() for content in contents])
        orders.append(_order(_utility(terms, taste, focus) + NOISE_SCALE * noise, f"simulated-{person}"))
    return tuple(orders)


def true_order(X: Floats, references: Labels, partitions: PartitionSet) -> Ranking:
    """The order that the mean of many simulated assessors tends to: average taste, no noise."""
    terms = _terms(X, references, partitions)
    focus = np.full(len(references), 1 / len(references))
    return _order(_utility(terms, _AVERAGE_TASTE, focus), "noise-free simulated")


def external_rand(first: Labels, second: Labels) -> float:
    """Adjusted Rand index of two labellings (n,), each noise point a group of its own; 0 where one has one group.

    Hubert and Arabie 1985, doi:10.1007/BF01908075.
    """
    n = first.size
    codes = (first + 1).astype(np.int64) * (int(second.max()) + 2) + (second + 1)
    clustered = (first != NOISE) & (second != NOISE)
    both, ones, twos = (
        float(counts @ (counts - 1.0)) / 2
        for counts in (
            np.bincount(codes[clustered]),
            np.bincount(first[first != NOISE]),
            np.bincount(second[second != NOISE]),
        )
    )
    expected = ones * twos / (n * (n - 1) / 2)
    greatest = (ones + twos) / 2
    return (both - expected) / (greatest - expected) if greatest > expected else 0.0


# ---- what is seen of a partition -----------------------------------------------------------------


def _terms(X: Floats, references: Labels, partitions: PartitionSet) -> dict[str, Floats]:
    """What each entry of TASTE is of each partition: labels (r, p), gaps (2, p), the others (1, p).

    All are unitless, at most 1, and greater is better. Labels or gaps that show a single cluster
    at most say nothing, and are left out.
    """
    if references.ndim != 2 or references.shape[0] < 1 or references.shape[1] != len(X):
        raise InvalidInputError(f"references must have shape (r, {len(X)}), got {references.shape}")
    if partitions.n != len(X):
        raise InvalidInputError(f"partitions must label each of {len(X)} points, got {partitions.n}")
    distances, indices = _neighbors(X, max(BORDER_NEIGHBORS, *GAP_NEIGHBORS))
    gaps = [_groups_between_gaps(X, distances, indices, count) for count in GAP_NEIGHBORS]
    rows = partitions.labels
    seen = {
        "labels": [[external_rand(row, reference) for row in rows] for reference in references],
        "gaps": [[external_rand(row, groups) for row in rows] for groups in gaps],
        "borders": [[_border_purity(row, indices[:, :BORDER_NEIGHBORS]) for row in rows]],
        "compactness": [[_compactness(X, row) for row in rows]],
        "fewness": [1 - np.log(np.maximum(partitions.n_clusters, 1)) / np.log(MOST_CLUSTERS)],
        "tidiness": [[_tidiness(row) for row in rows]],
    }
    silent = {name for name, groups in (("labels", references), ("gaps", gaps)) if np.max(groups) < 1}
    return {name: np.asarray(values, dtype=np.float64) for name, values in seen.items() if name not in silent}


def _neighbors(X: Floats, count: int) -> tuple[Floats, Ints]:
    """(n, count) distances and rows of the nearest others of each point."""
    from scipy.spatial import cKDTree

    distances, indices = cKDTree(X).query(X, k=min(count, len(X) - 1) + 1)
    return distances[:, 1:], indices[:, 1:]


def _groups_between_gaps(X: Floats, distances: Floats, indices: Ints, count: int) -> Labels:
    """(n,) components of the mutual `count`-neighbor graph; stray points join the nearest group."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    n, width = indices.shape
    reach = distances[:, min(count, width) - 1]
    linked = distances <= np.minimum(reach[:, None], reach[indices])
    rows = np.repeat(np.arange(n), linked.sum(axis=1))
    graph = csr_matrix((np.ones(rows.size), (rows, indices[linked])), shape=(n, n))
    groups = connected_components(graph, directed=False)[1]
    stray = np.bincount(groups)[groups] < max(4, FEW_POINTS * n)
    if stray.all():
        return np.zeros(n, dtype=np.int32)
    if stray.any():
        groups[stray] = groups[~stray][cKDTree(X[~stray]).query(X[stray])[1]]
    return np.asarray(groups, dtype=np.int32)


def _border_purity(labels: Labels, indices: Ints) -> float:
    """Share of neighbors in the own cluster, over what chance gives: 1 is clean borders, 0 chance."""
    clustered = labels != NOISE
    if not clustered.any():
        return 0.0
    purity = np.mean(labels[indices[clustered]] == labels[clustered, None])
    chance = np.sum((np.bincount(labels[clustered]) / labels.size) ** 2)
    return float(max((purity - chance) / (1 - chance), 0.0)) if chance < 1 else 0.0


def _compactness(X: Floats, labels: Labels) -> float:
    """1 / (1 + k^(2/d) W / T) of within and total squares: cutting an even cloud compactly gives 1/2 at any k.

    After Marriott 1971, doi:10.2307/2528592, who multiplies the within determinant by k squared.
    """
    clustered = labels != NOISE
    points, owners = X[clustered], labels[clustered]
    if not owners.size:
        return 0.0
    sizes = np.bincount(owners)
    centroids = np.stack([np.bincount(owners, column) / sizes for column in points.T], axis=1)
    within = np.sum((points - centroids[owners]) ** 2)
    total = np.sum((points - points.mean(axis=0)) ** 2)
    return float(total / (total + within * sizes.size ** (2 / X.shape[1]))) if total > 0 else 0.0


def _tidiness(labels: Labels) -> float:
    """Share of points that are neither noise nor in a cluster of few points."""
    sizes = np.bincount(labels[labels != NOISE], minlength=1)
    return float(sizes[sizes >= max(4, FEW_POINTS * labels.size)].sum() / labels.size)


# ---- from what is seen to an order ---------------------------------------------------------------


def _utility(terms: dict[str, Floats], taste: Floats, focus: Floats) -> Floats:
    """(p,) mean of the terms weighted by taste (in the order of TASTE); focus (r,) weighs the references."""
    weights = {name: weight for name, weight in zip(TASTE, taste, strict=True) if name in terms}
    seen = {name: focus @ values if name == "labels" else values.mean(axis=0) for name, values in terms.items()}
    # the rest counts in full where labels or gaps are silent
    return np.asarray(sum(weight * seen[name] for name, weight in weights.items()) / sum(weights.values()))


def _order(utility: Floats, assessor: str) -> Ranking:
    from scipy.stats import rankdata

    return Ranking(rankdata(-utility), assessor)


def _content(labels: Labels) -> tuple[int, ...]:
    """A key of the partition whatever the numbers of its clusters: they are numbered by first appearance."""
    _, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    canonical = np.where(labels == NOISE, NOISE, first.argsort().argsort()[codes])
    digest = blake2b(canonical.astype("<i4").tobytes(), digest_size=16).digest()
    return tuple(np.frombuffer(digest, dtype="<u4").tolist())
