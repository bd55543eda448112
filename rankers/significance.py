"""Which contenders can be told apart over many data sets: mean ranks, tests, and what the diagram of them shows.

After Demsar 2006, jmlr.org/papers/v7/demsar06a.html, but every pair is judged by itself, by Wilcoxon's
signed-rank test: whether two contenders differ must not hang on which others took part (Benavoli, Corani
and Mangili 2016, jmlr.org/papers/v17/benavoli16a.html).
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np

from gamac_meta.agreement import kendall_w
from gamac_meta.types import Floats

LEVEL = 0.05


class Ranks(NamedTuple):
    """Contenders by mean rank over data sets, the best first, and which of them cannot be told apart."""

    names: tuple[str, ...]  # (c,)
    mean_ranks: Floats  # (c,) ascending, 1 is best
    friedman: float  # chi-squared with c - 1 degrees of freedom, NaN where all tie everywhere
    p_value: float  # of it: that all are alike
    pairwise: Floats  # (c, c) Wilcoxon's p-values after Holm's correction, 1 on the diagonal
    cliques: tuple[tuple[int, ...], ...]  # of places in names, each largest set of which no two are told apart
    units: int  # data sets, or groups of them, that were ranked


def rank_contenders(names: tuple[str, ...], values: Floats) -> Ranks:
    """Ranks of contenders by values (q, c) without NaN, greater is better; of ties each has the mean rank."""
    from scipy.stats import rankdata
    from scipy.stats.distributions import chi2

    q, c = values.shape
    ranks = rankdata(-values, axis=1)
    order = np.argsort(ranks.mean(axis=0), kind="stable")
    friedman = q * (c - 1) * kendall_w(ranks.T)
    pairwise = signed_rank_tests(values[:, order])
    return Ranks(
        tuple(names[column] for column in order),
        ranks.mean(axis=0)[order],
        friedman,
        float(chi2.sf(friedman, c - 1)),
        pairwise,
        cliques(pairwise >= LEVEL),
        q,
    )


def signed_rank_tests(values: Floats) -> Floats:
    """(c, c) p-values that two columns of values (q, c) are alike, after Holm's correction; 1 on the diagonal.

    Wilcoxon 1945, doi:10.2307/3001968; data sets on which both are equal count half for each, as Demsar
    has it. Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    from scipy.stats import wilcoxon

    c = values.shape[1]
    corrected = np.ones((c, c))
    rows, columns = np.triu_indices(c, k=1)
    p_values = np.ones(rows.size)
    for pair, (first, second) in enumerate(combinations(values.T, 2)):
        if np.any(first != second):
            p_values[pair] = wilcoxon(first, second, zero_method="zsplit", method="approx").pvalue
    corrected[rows, columns] = corrected[columns, rows] = holm(p_values)
    return corrected


def holm(p_values: Floats) -> Floats:
    """(t,) p-values of t tests, such that rejecting below a level errs anywhere no more often than that level."""
    order = np.argsort(p_values, kind="stable")
    corrected = np.empty_like(p_values)
    corrected[order] = np.maximum.accumulate(p_values[order] * np.arange(p_values.size, 0, -1))
    return np.minimum(corrected, 1.0)


def cliques(alike: np.ndarray) -> tuple[tuple[int, ...], ...]:
    """The largest sets, of two and more places, of which all pairs are alike (c, c), in order of their places."""
    c = len(alike)
    found = []
    grown: list[tuple[int, ...]] = [(place,) for place in range(c)]
    while grown:
        # each set grows by later places only, and so is met once
        joining = [(members, np.flatnonzero(alike[list(members)].all(axis=0))) for members in grown]
        found += [members for members, able in joining if len(members) > 1 and set(able) <= set(members)]
        grown = [(*members, int(place)) for members, able in joining for place in able if place > members[-1]]
    return tuple(sorted(found))
