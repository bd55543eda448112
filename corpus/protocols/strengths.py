"""The order that answers give: Bradley-Terry strengths, a tie is half a win for each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.consensus import bradley_terry
from corpus.protocols.events import Answer
from gamac_meta.types import Floats

DIGITS = 6  # of strengths that count: the page's twin adds in another sequence
SHARES = {"left": (1.0, 0.0), "right": (0.0, 1.0), "tie": (0.5, 0.5)}


def fit(units: Sequence[int], answers: Sequence[Answer], prior: float) -> Floats:
    """(p,) log strengths; items of one unit (p,), named by its first item, share theirs.

    prior: games that each unit wins and loses against one of strength 0. Skips and attention checks say nothing of
    strengths.
    """
    own = sorted(set(units))
    strengths = bradley_terry(_wins(units, answers)[np.ix_(own, own)], prior)
    return np.asarray(strengths[np.searchsorted(own, units)])


def lenient_prior(items: int) -> float:
    """A prior so small that a chain of wins from the best to the worst of p items is never overruled.

    Where answers do not contradict one another, the fit has then their order: at the greatest
    likelihood, what the first i units in a chain of wins exceed in their games with the others,
    at least 1/2 were the strengths of neighbors i and i + 1 in wrong order, is what the prior
    pulls them down by, less than prior * min(i, p - i) <= 1/2.
    """
    return 1 / items


def information(units: Sequence[int], answers: Sequence[Answer], strengths: Floats, prior: float) -> Floats:
    """(p, p) Fisher information of the log strengths, the prior included."""
    wins = _wins(units, answers)
    chances = 1 / (1 + np.exp(strengths - strengths[:, None]))
    matrix = -(wins + wins.T) * chances * (1 - chances)
    np.fill_diagonal(matrix, 0.0)
    alone = 1 / (1 + np.exp(-strengths))
    np.fill_diagonal(matrix, -matrix.sum(axis=1) + 2 * prior * alone * (1 - alone))
    return np.asarray(matrix)


def ranks_of(strengths: Floats) -> Floats:
    """(p,) 1 for the greatest strength, equal ones share the mean rank."""
    return mean_ranks(-np.round(strengths, DIGITS))


def mean_ranks(values: Floats) -> Floats:
    """(p,) 1 for the smallest value, equal ones share the mean rank."""
    before = np.sum(values[:, None] > values, axis=1)
    upto = np.sum(values[:, None] >= values, axis=1)
    return np.asarray((before + upto + 1) / 2)


def _wins(units: Sequence[int], answers: Sequence[Answer]) -> Floats:
    """(p, p) how often the unit of row was preferred to the unit of column."""
    wins = np.zeros((len(units), len(units)))
    for answer in answers:
        if answer.verdict in SHARES and answer.purpose != "attention":
            left, right = units[answer.left], units[answer.right]
            if left != right:
                for_left, for_right = SHARES[answer.verdict]
                wins[left, right] += for_left
                wins[right, left] += for_right
    return wins
