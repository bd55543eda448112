"""Trios: three measures each that agree with people on the same data sets. Advice puts one trio first, as a whole.

Many measures order candidates nearly alike, so which three single ones have the highest scores turns on few points.
Trios are few and far apart: the same one stays in front where points change a little. docs/robustness.md has what
that costs, and what other rules do.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from gamac_meta.types import Floats, Ints

SIZE = 3
DATASETS_AT_ONCE = 64  # bounds the memory of the search


def find_trios(relevance: Floats) -> Ints:
    """(m // 3, 3) measures that are together, from relevance (q, m). Up to two measures are left over.

    One after the other, from what is left: each the trio that most raises the mean over data sets of what the best
    trio so far is worth, which is the mean agreement of its members.
    """
    found = np.empty((0, SIZE), dtype=np.int64)
    best = np.full(len(relevance), -1.0)
    free = np.arange(relevance.shape[1])
    while len(free) >= SIZE:
        possible = np.array(list(combinations(free.tolist(), SIZE)))
        gain = np.zeros(len(possible))
        for rows in np.array_split(np.arange(len(relevance)), -(-len(relevance) // DATASETS_AT_ONCE)):
            gain += np.maximum(_means(relevance[rows], possible) - best[rows, None], 0.0).sum(axis=0)
        chosen = possible[gain.argmax()][None]
        best = np.maximum(best, _means(relevance, chosen)[:, 0])
        free = np.setdiff1d(free, chosen)
        found = np.vstack([found, chosen])
    return found


def _means(values: Floats, trios: Ints) -> Floats:
    """(q, t) of the members of each trio, values (q, m)."""
    return np.asarray((values[:, trios[:, 0]] + values[:, trios[:, 1]] + values[:, trios[:, 2]]) / SIZE)


def listed(scores: Floats, trios: Ints) -> Ints:
    """(m,) measures, best first: those of the best trio, then all others, in both parts by score.

    What a trio scores is the mean of what its best member and what its average member scores. Without trios the
    order is that of the scores.
    """
    order = np.argsort(-scores, kind="stable")
    if not len(trios):
        return np.asarray(order)
    of_trios = scores[trios].max(axis=1) + scores[trios].mean(axis=1)
    first = np.isin(order, trios[of_trios.argmax()])
    return np.concatenate([order[first], order[~first]])
