"""Oracles of the measures of connection. Imports nothing from the project; labels may hold noise, -1."""

import math

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
