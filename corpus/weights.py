"""Votes of assessors in a consensus, by how far their orders can be relied on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from gamac_meta.agreement import leave_one_out_taus
from gamac_meta.types import Floats, Ranking

FEWEST = 3  # orders of a data set that tell one assessor from another: two always agree equally with each other
PRIOR_DATASETS = 5  # for how many data sets the variance of tau between random orders counts
MOST_TAU = 0.95  # the log odds of perfect agreement are infinite
LEAST_WEIGHT = 0.05  # nobody is silenced: a data set that only they ranked still has a consensus


def reliability_weights(
    orders: Iterable[Sequence[Ranking]], repeats: Mapping[str, tuple[float, int]] | None = None
) -> dict[str, float]:
    r"""Votes of each assessor in a consensus: 1 for one of whom nothing is known or who is like the others.

    orders: those of each data set together. repeats: of an assessor, how many repeated questions were answered
    alike, of how many.

    An order is so many votes, one for each pair of partitions. Votes that are right with probability
    :math:`(1 + \tau) / 2` are best weighted by their log odds:

    .. math:: w_j = \operatorname{artanh} \hat\tau_j / \operatorname{artanh} m, \quad
        \hat\tau_j = m_j + \frac{V}{V + s_j^2} (m + e_j - m_j), \quad m_j = m \sqrt{(2 \hat c_j - 1) / (2 c - 1)}

    Here m is the mean tau of an order with the others' mean rank, and e_j by how much more the
    assessor's orders agree with the others' than theirs do, mean over data sets with variance s_j^2. How
    constant the assessor is, c_j, against c for all, says what to expect of them before that: who gives
    another answer to the same question agrees with nobody. Both are drawn to what is expected the more,
    the less is known and the less assessors differ (V, by moments).

    Nitzan and Paroush 1982, doi:10.2307/2526438 (log odds); Efron and Morris 1975,
    doi:10.1080/01621459.1975.10479864 (shrinkage); DerSimonian and Laird 1986,
    doi:10.1016/0197-2456(86)90046-2 (V).
    """
    groups = list(orders)
    names = sorted({order.assessor for group in groups for order in group} | set(repeats or {}))
    tables = [group for group in groups if len(group) >= FEWEST]
    if not tables:
        return dict.fromkeys(names, 1.0)
    apart: dict[str, list[float]] = defaultdict(list)
    taus: list[float] = []
    chance = []
    for group in tables:
        ranks = np.column_stack([order.ranks for order in group])
        each = leave_one_out_taus(ranks)
        p, a = ranks.shape
        taus.extend(each)
        chance.append(_chance_variance(p))
        for order, deviation in zip(group, (each - each.mean()) * a / (a - 1), strict=True):
            apart[order.assessor].append(deviation)
    mean = float(np.mean(taus))
    if mean <= 0:
        return dict.fromkeys(names, 1.0)
    squares = sum(float(np.sum((np.array(values) - np.mean(values)) ** 2)) for values in apart.values())
    freedom = sum(len(values) - 1 for values in apart.values())
    variance = (PRIOR_DATASETS * np.mean(chance) + squares) / (PRIOR_DATASETS + freedom)
    expected = mean * _constancy(names, repeats or {})
    judged = np.array([name in apart for name in names])
    found = np.array([np.mean(apart[name]) for name in names if name in apart])
    counts = np.array([len(apart[name]) for name in names if name in apart])
    taus_hat = expected.copy()
    taus_hat[judged] = _shrunk(mean + found, variance / counts, expected[judged])
    odds = np.arctanh(np.clip(taus_hat, 0.0, MOST_TAU)) / np.arctanh(min(mean, MOST_TAU))
    return dict(zip(names, np.maximum(odds, LEAST_WEIGHT).tolist(), strict=True))


def _chance_variance(p: int) -> float:
    """Variance of Kendall's tau between random orders of p.  Kendall 1938, doi:10.1093/biomet/30.1-2.81."""
    return 2 * (2 * p + 5) / (9 * p * (p - 1)) if p > 1 else 0.0


def _constancy(names: Sequence[str], repeats: Mapping[str, tuple[float, int]]) -> Floats:
    """Of each name, how well one answer stands for their opinion, over how well it does on average."""
    asked = np.array([repeats.get(name, (0.0, 0))[1] for name in names], dtype=np.float64)
    alike = np.array([repeats.get(name, (0.0, 0))[0] for name in names], dtype=np.float64)
    ratio = np.ones(len(names))
    known = asked > 0
    share = alike.sum() / asked.sum() if known.any() else 0.0
    if 0.5 < share < 1.0:
        shares = _shrunk(alike[known] / asked[known], share * (1 - share) / asked[known], np.full(known.sum(), share))
        ratio[known] = np.sqrt(np.maximum(2 * shares - 1, 0.0) / (2 * share - 1))
    return ratio


def _shrunk(values: Floats, variances: Floats, centers: Floats) -> Floats:
    """Values drawn to their centers by as much of their spread as chance explains."""
    precisions = 1.0 / variances
    excess = np.sum(precisions * (values - centers) ** 2) - (len(values) - 1)
    scale = precisions.sum() - np.sum(precisions**2) / precisions.sum()
    between = max(excess / scale, 0.0) if scale > 0 else 0.0
    return centers + between / (between + variances) * (values - centers)
