"""Many rankings become one: mean rank, Kemeny's median order, Bradley-Terry strengths."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Floats, Ranking

KEMENY_ITEMS = 16  # the exact search visits 2^p sets
SAME = 1e-9  # of all votes: costs of orders that are no farther apart are the same
PRIOR_GAMES = 0.1


def consensus(
    rankings: Sequence[Ranking], method: str = "borda", weights: Sequence[float] | Floats | None = None
) -> Ranking:
    """One ranking from several of the same partitions; method is a key of METHODS.

    weights: (a,) how many votes each ranking has, 1 by default; a weight of 2 does the same as
    giving the ranking twice. `corpus.reliability.reliability_weights` finds some.

    Whatever the method, partitions that it cannot tell apart share a rank, so the row order of
    partitions does not matter.
    """
    from scipy.stats import rankdata

    if method not in METHODS:
        raise InvalidInputError(f"method must be one of {', '.join(METHODS)}, got {method!r}")
    if not rankings:
        raise InvalidInputError("a consensus needs at least one ranking, got none")
    lengths = sorted({ranking.ranks.size for ranking in rankings})
    if len(lengths) > 1:
        raise InvalidInputError(f"rankings must order the same partitions, got lengths {lengths}")
    ranks = np.column_stack([ranking.ranks for ranking in rankings])
    votes = None if weights is None else _votes(weights, len(rankings))
    # rounding joins what only the order of summation told apart
    return Ranking(rankdata(np.round(METHODS[method](ranks, votes), 9)), "consensus")


def _votes(weights: Sequence[float] | Floats, count: int) -> Floats:
    votes = np.asarray(weights, dtype=np.float64)
    if votes.shape != (count,):
        raise InvalidInputError(f"weights must be one for each of {count} rankings, got shape {votes.shape}")
    if not (np.isfinite(votes).all() and votes.min() >= 0 and votes.max() > 0):
        raise InvalidInputError(f"weights must be finite, >= 0 and not all 0, got {votes.tolist()[:20]}")
    return votes


def borda(ranks: Floats, weights: Floats | None = None) -> Floats:
    """(p,) mean over the assessors of ranks (p, a), each with weights (a,) votes; smaller is better.

    Emerson 2013, doi:10.1007/s00355-011-0603-9.
    """
    return np.asarray(np.average(ranks, axis=1, weights=weights))


def preferences(ranks: Floats, weights: Floats | None = None) -> Floats:
    """(p, p) votes of the assessors of ranks (p, a) who put row before column; a tie is half a vote for each."""
    votes = np.ones(ranks.shape[1]) if weights is None else weights
    ahead = (ranks[:, None] < ranks[None]) @ votes + 0.5 * ((ranks[:, None] == ranks[None]) @ votes)
    np.fill_diagonal(ahead, 0.0)
    return np.asarray(ahead)


def kemeny(ranks: Floats, weights: Floats | None = None) -> Floats:
    """(p,) mean position over all orders that contradict the fewest judgements in ranks (p, a), by votes.

    Exact, by dynamic programming over sets of partitions: the set placed first decides what the
    rest costs. There are often several best orders, and their mean does not depend on row order.
    Costs less than SAME of all votes apart count as equal.  Kemeny 1959, doi:10.2307/20026529.
    """
    p = len(ranks)
    if p > KEMENY_ITEMS:
        raise InvalidInputError(f"kemeny orders at most {KEMENY_ITEMS} partitions exactly, got {p}; use borda")
    against = preferences(ranks, weights)  # placing column before row contradicts these
    sets = np.arange(1 << p)
    sizes = np.bitwise_count(sets)
    # added[i, s]: judgements contradicted by placing i after all of the set s
    added = np.zeros((p, 1 << p))
    for other in range(p):
        half = 1 << other
        added[:, half : 2 * half] = added[:, :half] + against[:, other, None]
    layers = [sets[sizes == size] for size in range(p + 1)]
    least = np.full(1 << p, np.inf)
    least[0] = 0.0
    for layer in layers[:-1]:
        for item in range(p):
            before = layer[(layer >> item) & 1 == 0]
            after = before | (1 << item)
            least[after] = np.minimum(least[after], least[before] + added[item, before])
    # Orders are counted from both ends. Costs without weights are multiples of one half, and exact. With weights they
    # are sums of at most p^2 numbers of votes: in another order of summation they differ by 1e-13 of all votes or so.
    slack = SAME * (against[0, 1] + against[1, 0]) if p > 1 else 0.0
    ways_to, ways_from = np.zeros(1 << p), np.zeros(1 << p)
    ways_to[0] = ways_from[-1] = 1.0
    steps = []
    for layer in layers[:-1]:
        for item in range(p):
            before = layer[(layer >> item) & 1 == 0]
            after = before | (1 << item)
            best = least[before] + added[item, before] <= least[after] + slack
            steps.append((item, before[best], after[best]))
            ways_to[after[best]] += ways_to[before[best]]
    for _, before, after in reversed(steps):
        ways_from[before] += ways_from[after]
    positions = np.zeros(p)
    for item, before, after in steps:
        positions[item] += np.sum(ways_to[before] * ways_from[after] * (sizes[before] + 1.0))
    return np.asarray(positions / ways_to[-1])


def bradley_terry(wins: Floats, prior: float = PRIOR_GAMES) -> Floats:
    """(p,) log strengths from wins (p, p), how often row was preferred to column.

    Each partition also wins and loses `prior` games against one of strength 1, which keeps the
    strengths finite where a partition never lost or was never compared. Newton's method on the
    concave log likelihood.  Bradley and Terry 1952, doi:10.2307/2334029.
    """
    from scipy.special import expit, log_expit

    if wins.ndim != 2 or wins.shape[0] != wins.shape[1] or not np.all(wins >= 0):
        raise InvalidInputError(f"wins must be a square table of counts >= 0, got shape {wins.shape}")
    if not prior > 0:
        raise InvalidInputError(f"prior must be > 0, got {prior}")
    games = wins + wins.T
    np.fill_diagonal(games, 0.0)
    won = wins.sum(axis=1) - np.diag(wins)

    def likelihood(strengths: Floats) -> float:
        contests = wins * log_expit(strengths[:, None] - strengths)
        np.fill_diagonal(contests, 0.0)
        return float(contests.sum() + prior * np.sum(log_expit(strengths) + log_expit(-strengths)))

    strengths = np.zeros(len(wins))
    for _ in range(100):
        expected = expit(strengths[:, None] - strengths)
        alone = expit(strengths)
        gradient = won - np.sum(games * expected, axis=1) + prior * (1 - 2 * alone)
        information = -games * expected * (1 - expected)
        np.fill_diagonal(information, -information.sum(axis=1) + 2 * prior * alone * (1 - alone))
        step = np.linalg.solve(information, gradient)
        here = likelihood(strengths)
        size = 1.0
        while size > 1e-9 and likelihood(strengths + size * step) < here:
            size /= 2
        strengths = strengths + size * step
        if np.abs(step).max() < 1e-12:
            break
    return np.asarray(strengths)


METHODS: dict[str, Callable[[Floats, Floats | None], Floats]] = {
    "borda": borda,
    "kemeny": kemeny,
    "bradley_terry": lambda ranks, weights: -bradley_terry(preferences(ranks, weights)),
}
