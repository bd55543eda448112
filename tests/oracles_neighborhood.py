"""Oracles of the measures of nearest points. Imports nothing from the project."""

import itertools
import math


def width(own, other):
    return (other - own) / max(own, other) if max(own, other) > 0 else 0.0


def members(labels):
    return [[i for i in range(len(labels)) if labels[i] == c] for c in range(max(labels) + 1)]


def nearest_of_both(X, labels, i):
    """Distances of point i to the other points of its cluster and to those of others, ascending."""
    others = [j for j in range(len(X)) if j != i]
    own = sorted(math.dist(X[i], X[j]) for j in others if labels[j] == labels[i])
    return own, sorted(math.dist(X[i], X[j]) for j in others if labels[j] != labels[i])


def viasckde(X, labels):
    n, d = X.shape
    deviation = n ** (-1 / (d + 4)) * math.sqrt(X.var(axis=0).mean())
    density = [
        math.fsum(math.exp(-(math.dist(x, y) ** 2) / (2 * deviation**2)) for j, y in enumerate(X) if j != i)
        for i, x in enumerate(X)
    ]
    total = 0.0
    for cluster in members(labels):
        low, high = min(density[i] for i in cluster), max(density[i] for i in cluster)
        for i in cluster:
            own, other = nearest_of_both(X, labels, i)
            weight = (density[i] - low) / (high - low) if high - low > 1e-4 * high else 1.0
            total += weight * width(own[0], other[0]) if own else 0.0
    return total / n


def neighbor_silhouette(X, labels):
    total = 0.0
    for i in range(len(X)):
        own, other = nearest_of_both(X, labels, i)
        count = min(5, len(own), len(other))
        total += width(sum(own[:count]) / count, sum(other[:count]) / count) if own else 0.0
    return total / len(X)


def nearest_others(X, i, count):
    return sorted((j for j in range(len(X)) if j != i), key=lambda j: math.dist(X[i], X[j]))[:count]


def cvnn(X, labels):
    foreign = []
    for cluster in members(labels):
        shares = [[labels[j] != labels[i] for j in nearest_others(X, i, 10)] for i in cluster]
        foreign.append(sum(sum(share) / len(share) for share in shares) / len(cluster))
    pairs = list(itertools.combinations(range(len(X)), 2))
    inside = [math.dist(X[i], X[j]) for i, j in pairs if labels[i] == labels[j]]
    everywhere = [math.dist(X[i], X[j]) for i, j in pairs]
    return max(foreign) + (math.fsum(inside) / len(inside)) / (math.fsum(everywhere) / len(everywhere))


def near_edges(X, labels):
    """Lengths of the edges (i, one of its 25 nearest) inside clusters and between them, ascending."""
    edges = [(i, j) for i in range(len(X)) for j in nearest_others(X, i, 25)]
    inside = sorted(math.dist(X[i], X[j]) for i, j in edges if labels[i] == labels[j])
    return inside, sorted(math.dist(X[i], X[j]) for i, j in edges if labels[i] != labels[j])


def wcnn(X, labels):
    inside, between = near_edges(X, labels)
    return len(inside) / (len(inside) + len(between))


def dunn_owa(X, labels):
    """SMin:5 of the edges between clusters over the longest inside."""
    inside, between = near_edges(X, labels)
    if not inside:
        return math.nan
    if not between:
        between = sorted(nearest_of_both(X, labels, i)[1][0] for i in range(len(X)))
    weights = [math.exp(-((rank / 5) ** 2) / 2) for rank in range(15)][: len(between)]
    smooth = sum(w * b for w, b in zip(weights, between, strict=False)) / sum(weights)
    return smooth / inside[-1] if inside[-1] > 0 else math.inf


def medoid_silhouette(X, labels):
    medoids = []
    for cluster in members(labels):
        spread = {i: math.fsum(math.dist(X[i], X[j]) for j in cluster) for i in cluster}
        central = [i for i in cluster if spread[i] <= min(spread.values()) * (1 + 1e-12)]
        medoids.append(max(central, key=lambda i: math.dist(X[i], X.mean(axis=0))))
    total = 0.0
    for i in range(len(X)):
        if sum(labels == labels[i]) > 1:
            apart = [math.dist(X[i], X[m]) for m in medoids]
            total += width(apart[labels[i]], min(a for c, a in enumerate(apart) if c != labels[i]))
    return total / len(X)


def tree_paths(X):
    """For each pair of points the edges on the way between them along the minimum spanning tree, by Prim."""
    paths = {(0, 0): []}
    while len(paths) < len(X) ** 2:
        inside = sorted({i for i, _ in paths})
        edges = [(i, j) for i in inside for j in range(len(X)) if j not in inside]
        i, j = min(edges, key=lambda edge: math.dist(X[edge[0]], X[edge[1]]))
        for other in inside:
            paths[other, j] = [*paths[other, i], (i, j)]
            paths[j, other] = paths[other, j]
        paths[j, j] = []
    return paths


def density_valley(X, labels):
    n = len(X)
    paths = tree_paths(X)
    longest = max(math.dist(X[i], X[j]) for path in paths.values() for i, j in path)
    radius = [max(math.dist(X[i], X[nearest_others(X, i, 5)[-1]]), 1e-9 * longest or 1.0) for i in range(n)]

    def density(edge):
        i, j = edge
        return 1 / max(math.dist(X[i], X[j]), radius[i], radius[j])

    valleys = {True: [], False: []}
    for i, j in itertools.combinations(range(n), 2):
        lowest = min(density(edge) for edge in paths[i, j])
        valleys[bool(labels[i] == labels[j])].append(1 - lowest * math.sqrt(radius[i] * radius[j]))
    return math.fsum(valleys[False]) / len(valleys[False]) - math.fsum(valleys[True]) / len(valleys[True])
