"""Oracles of the measures of connection. Imports nothing from the project; labels may hold noise, -1."""

import functools
import itertools
import math
import statistics

import numpy as np


def distance_table(X):
    return [[math.dist(x, y) for y in X] for x in X]


def silhouette_width(own, others):
    """own: distances to the rest of the own cluster; others: lists of distances to other clusters."""
    if not own:
        return 0.0
    a = sum(own) / len(own)
    b = min(sum(apart) / len(apart) for apart in others)
    return (b - a) / max(a, b) if max(a, b) > 0 else 0.0


def minimax_paths(weights):
    """Smallest longest step of any path between two points, by the recurrence of Floyd and Warshall."""
    paths = np.array(weights)
    for via in range(len(paths)):
        paths = np.minimum(paths, np.maximum(paths[:, [via]], paths[[via], :]))
    return paths


def disco(X, labels):
    """Beer et al. 2025 with min_pts 5, the point itself counted."""
    n = len(X)
    apart = distance_table(X)
    core = [sorted(row)[min(4, n - 1)] for row in apart]
    paths = minimax_paths([[max(apart[i][j], core[i], core[j]) for j in range(n)] for i in range(n)])
    groups = [[int(i) for i in np.flatnonzero(labels == c)] for c in range(labels.max() + 1)]
    scores = []
    for i in range(n):
        if labels[i] >= 0:
            own = [paths[i][j] for j in groups[labels[i]] if j != i]
            others = [[paths[i][j] for j in group] for c, group in enumerate(groups) if c != labels[i]]
            scores.append(silhouette_width(own, others))
            continue
        far, sparse = [], []
        for group in groups:
            reach = max(core[j] for j in group)
            nearest = min(paths[i][j] for j in group)
            far.append((nearest - reach) / max(nearest, reach) if max(nearest, reach) > 0 else 0.0)
            sparse.append((core[i] - reach) / max(core[i], reach) if max(core[i], reach) > 0 else 0.0)
        scores.append(min(*far, *sparse))
    return sum(scores) / n


def natural_neighbors(X):
    """Each point's others, nearest first; the natural number s; by how many points each is among the s nearest."""
    apart = distance_table(X)
    n = len(X)
    nearest = [sorted((j for j in range(n) if j != i), key=lambda j, row=apart[i]: row[j]) for i in range(n)]
    without = []
    for s in range(1, n):
        popularity = [sum(i in near[:s] for near in nearest) for i in range(n)]
        without.append(popularity.count(0))
        if without[-1] == 0 or (s > 1 and without[-1] == without[-2]):
            return nearest, s, popularity
    return nearest, n - 1, popularity


def lccv(X, labels):
    """Cheng et al. 2019. Noise is among the points, never among a cluster's cores or what they stand for."""
    n = len(X)
    apart = distance_table(X)
    nearest, s, popularity = natural_neighbors(X)
    reach = [[apart[i][j] for j in nearest[i]] for i in range(n)]
    sums = [sum(distances[: max(popularity)]) for distances in reach]

    def sparser(i, j):
        """Positive if i is sparser than j; equal sums are decided by the nearest distance, the second, ..."""
        if math.isclose(sums[i], sums[j], rel_tol=1e-12):
            return (reach[i][:s] > reach[j][:s]) - (reach[i][:s] < reach[j][:s])
        return sums[i] - sums[j]

    densest_first = sorted(range(n), key=functools.cmp_to_key(sparser))
    core = [None] * n
    for p in densest_first:
        hood = [p, *nearest[p][: popularity[p]]]
        densest = min(hood, key=densest_first.index)
        if core[densest] is None:
            core[densest] = densest
        for x in hood:
            if core[x] is None or apart[x][core[x]] > apart[x][core[densest]]:
                core[x] = core[densest]
    paths = np.full((n, n), math.inf)
    for i in range(n):
        for j in nearest[i][:s]:
            paths[i, j] = paths[j, i] = apart[i][j]
        paths[i, i] = 0.0
    for via in range(n):
        paths = np.minimum(paths, paths[:, [via]] + paths[[via], :])
    cores = [i for i in range(n) if core[i] == i]
    longest = max(paths[i, j] for i in cores for j in cores if paths[i, j] < math.inf)
    groups = {}
    for i in cores:
        if labels[i] >= 0:
            groups.setdefault(labels[i], []).append(i)
    if len(groups) < 2:
        return math.nan
    value = 0.0
    for name, group in groups.items():
        for i in group:
            own = [min(paths[i, j], longest) for j in group if j != i]
            others = [[min(paths[i, j], longest) for j in other] for c, other in groups.items() if c != name]
            members = sum(core[j] == i and labels[j] >= 0 for j in range(n))
            value += members * silhouette_width(own, others)
    return value / n


def dcsi(X, labels):
    """Gauss et al. 2023 with MinPts 5, and 1e-12 of room for rounding where distances are compared."""
    apart = distance_table(X)
    groups, links = [], []
    for c in range(labels.max() + 1):
        members = [int(i) for i in np.flatnonzero(labels == c)]
        if len(members) < 2:
            continue
        reach = {i: sorted(apart[i][j] for j in members if j != i) for i in members}
        radius = statistics.median(reach[i][min(10, len(members) - 1) - 1] for i in members)
        group = [i for i in members if reach[i][min(5, len(members) - 1) - 1] <= radius * (1 + 1e-12)]
        # the longest step that cannot be avoided: the longest edge of the spanning tree
        steps = minimax_paths([[apart[i][j] for j in group] for i in group])
        groups.append(group)
        links.append(steps.max())
    if len(groups) < 2:
        return math.nan
    ratios = []
    for a, b in itertools.combinations(range(len(groups)), 2):
        gap = min(apart[i][j] for i in groups[a] for j in groups[b])
        ratios.append(gap / (gap + max(links[a], links[b])) if gap > 0 else 0.0)
    return sum(ratios) / len(ratios)
