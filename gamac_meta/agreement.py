"""How alike orders are, always on ranks, never on the numbers of partitions.

Functions of `first` and `second` compare every column of one with every column of the other;
functions of `ranks` look at all its columns together. A column is one order of p partitions.
"""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats


def kendall_tau(first: Floats, second: Floats) -> Floats:
    """Kendall tau-b between the columns of first (p, a) and second (p, b): (a, b).

    Inputs are ranks or values of the same orientation, without NaN. A column of equal values
    orders nothing: its tau is 0.  Kendall 1945, doi:10.2307/2332303.
    """
    rows, columns = np.triu_indices(len(first), k=1)
    a = np.sign(first[rows] - first[columns])
    b = np.sign(second[rows] - second[columns])
    untied = np.sqrt(np.outer(np.sum(a != 0, axis=0), np.sum(b != 0, axis=0)))
    return np.asarray(np.divide(a.T @ b, untied, out=np.zeros_like(untied), where=untied > 0))


def weighted_tau(first: Floats, second: Floats) -> Floats:
    r"""Kendall tau in which the top counts most, between the columns of first (p, a) and second (p, b): (a, b).

    .. math:: \sum_{i<j} w_{ij} \operatorname{sgn}(r_i - r_j) \operatorname{sgn}(s_i - s_j) \Big/
        \sqrt{\sum_{i<j} w_{ij} [r_i \ne r_j] \sum_{i<j} w_{ij} [s_i \ne s_j]}, \quad w_{ij} = 1/t_i + 1/t_j

    The mean of two such quotients: that whose weights come from the ranks t = r, and that from t = s.
    Inputs are ranks, or values the smaller the better, without NaN. Ties share the mean rank and so
    their weight: the result does not depend on the numbering of partitions. Without ties it is scipy's
    `weightedtau` of the negated ranks. A column of equal values has tau 0.
    Vigna 2015, doi:10.1145/2736277.2741088.
    """
    from scipy.stats import rankdata

    rows, columns = np.triu_indices(len(first), k=1)
    signs, weights = [], []
    for values in (first, second):
        ranks = rankdata(values, axis=0)
        signs.append(np.sign(ranks[rows] - ranks[columns]))
        weights.append(1.0 / ranks[rows] + 1.0 / ranks[columns])
    (a, b), (v, w) = signs, weights
    by_first = _quotient((v * a).T @ b, np.sum(v * a * a, axis=0)[:, None] * (v.T @ (b * b)))
    by_second = _quotient(a.T @ (w * b), np.sum(w * b * b, axis=0) * ((a * a).T @ w))
    return np.asarray((by_first + by_second) / 2.0)


def _quotient(product: Floats, squares: Floats) -> Floats:
    """product over the root of squares, 0 where that is 0."""
    return np.divide(product, np.sqrt(squares), out=np.zeros_like(product), where=squares > 0)


def spearman(first: Floats, second: Floats) -> Floats:
    """Spearman's rho between the columns of first (p, a) and second (p, b): (a, b).

    Inputs as for `kendall_tau`; a column of equal values has rho 0.
    Spearman 1904, doi:10.2307/1412159.
    """
    from scipy.stats import rankdata

    a, b = rankdata(first, axis=0), rankdata(second, axis=0)
    a, b = a - a.mean(axis=0), b - b.mean(axis=0)
    spread = np.sqrt(np.outer(np.sum(a * a, axis=0), np.sum(b * b, axis=0)))
    return np.asarray(np.divide(a.T @ b, spread, out=np.zeros_like(spread), where=spread > 0))


def weighted_footrule(first: Floats, second: Floats) -> Floats:
    r"""Extreme-weighted footrule from ranks first (p, a) to reference ranks second (p, b): (a, b).

    .. math:: \sum_i (s_i - c)^2 |r_i - s_i| \Big/ 2 \sum_i |i - c|^3, \quad c = (p + 1) / 2

    A distance: 0 for equal orders, 1 for the reverse of an order without ties. What the reference
    puts first or last weighs most, what it puts in the middle nothing, so it is not symmetric.
    GaMAC subtracts numbers of partitions where this subtracts ranks. After Diaconis and Graham
    1977, doi:10.1111/j.2517-6161.1977.tb01624.x.
    """
    p = len(first)
    center = (p + 1) / 2
    moved = np.abs(first[:, :, None] - second[:, None, :])
    farthest = 2 * np.sum(np.abs(np.arange(1, p + 1) - center) ** 3)
    total = np.einsum("pab,pb->ab", moved, (second - center) ** 2)
    return np.asarray(total / farthest) if p > 1 else total


def top1_regret(first: Floats, second: Floats) -> Floats:
    """What is lost, by reference ranks second (p, b), in taking the best of ranks first (p, a): (a, b).

    The reference's rank of the partition taken, less its best rank, over p - 1: 0 is nothing lost,
    1 is the worst instead of the best. Of several tied for best any may be taken: their mean counts.
    """
    best = first == first.min(axis=0)
    taken = best.T.astype(np.float64) @ second / best.sum(axis=0)[:, None]
    return np.asarray((taken - second.min(axis=0)) / max(len(first) - 1, 1))


def kendall_w(ranks: Floats) -> float:
    """Concordance of the a columns of ranks (p, a), corrected for ties, from 0 to 1.

    NaN where every column is all ties.  Kendall and Babington Smith 1939, doi:10.1214/aoms/1177732186.
    """
    from scipy.stats import rankdata

    p, a = ranks.shape
    ranks = rankdata(ranks, axis=0)
    spread = np.sum((ranks.sum(axis=1) - a * (p + 1) / 2) ** 2)
    # the squared deviations of a column fall short of those of 1..p by just the tie correction
    greatest = a * np.sum((ranks - (p + 1) / 2) ** 2)
    return float(spread / greatest) if greatest > 0 else float("nan")


def krippendorff_alpha(ranks: Floats) -> float:
    r"""Krippendorff's alpha of the a columns of ranks (p, a) on the ordinal scale; NaN is a partition not ranked.

    .. math:: 1 - \frac{n - 1}{n} \sum_u \frac{m_u}{m_u - 1} \sum_i (s_{ui} - \bar s_u)^2 \Big/
        \sum_{u, i} (s_{ui} - \bar s)^2

    The sums run over the partitions u with m_u >= 2 ranks, n in all; s is the place of a rank among
    these n, ties sharing the mean: its differences are the distances of the ordinal scale. 1 is
    agreement, 0 chance. NaN where no partition has two ranks, or all ranks are the same.
    Hayes and Krippendorff 2007, doi:10.1080/19312450709336664.
    """
    from scipy.stats import rankdata

    counts = np.sum(~np.isnan(ranks), axis=1)
    ranks, counts = ranks[counts > 1], counts[counts > 1]
    places = np.reshape(rankdata(ranks, axis=None, nan_policy="omit"), ranks.shape)
    n = counts.sum()
    greatest = np.nansum((places - (n + 1) / 2) ** 2)
    if not greatest > 0:
        return float("nan")
    means = np.nansum(places, axis=1) / counts
    apart = np.nansum((places - means[:, None]) ** 2, axis=1)
    return float(1.0 - (n - 1) / n * np.sum(apart * counts / (counts - 1)) / greatest)


def pairwise_tau(ranks: Floats) -> float:
    """Mean Kendall tau-b over pairs of the columns of ranks (p, a); NaN for fewer than two."""
    a = ranks.shape[1]
    return float(kendall_tau(ranks, ranks)[np.triu_indices(a, k=1)].mean()) if a > 1 else float("nan")


def leave_one_out_taus(ranks: Floats) -> Floats:
    """(a,) Kendall tau-b of each column of ranks (p, a) with the mean rank of the others; NaN for fewer than two."""
    a = ranks.shape[1]
    if a < 2:
        return np.full(a, np.nan)
    others = (ranks.sum(axis=1, keepdims=True) - ranks) / (a - 1)
    return np.asarray(np.diag(kendall_tau(ranks, others)))


def leave_one_out_tau(ranks: Floats) -> float:
    """Mean Kendall tau-b of each column of ranks (p, a) with the mean rank of the others; NaN for fewer than two."""
    return float(leave_one_out_taus(ranks).mean()) if ranks.shape[1] > 1 else float("nan")


def same_best_share(ranks: Floats) -> float:
    """Chance that two columns of ranks (p, a) take the same best partition, mean over pairs; NaN for fewer than two.

    A column with several tied for best takes each of them equally often.
    """
    a = ranks.shape[1]
    best = (ranks == ranks.min(axis=0)).astype(np.float64)
    best /= best.sum(axis=0)
    return float((best.T @ best)[np.triu_indices(a, k=1)].mean()) if a > 1 else float("nan")
