"""Active Bradley-Terry: the pair whose comparison is expected to tell most about the strengths."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from corpus.protocols.events import Answer
from corpus.protocols.plans import Plan
from corpus.protocols.strengths import fit, information

# the page's twin adds in another sequence; what differs less than this is a tie, and the plan decides
DIGITS = 6
PRIOR = 0.2  # games; benchmarks/protocols.py: half as many or twice as many do no better


@dataclass(frozen=True)
class Active:
    """So many comparisons, each chosen by what the answers so far leave open."""

    plan: Plan
    asked: int

    prior = PRIOR
    binding = False  # rounding must not lose an answer given offline: any pair can be answered

    @classmethod
    def start(cls, plan: Plan) -> Active:
        return cls(plan, 0)

    @property
    def over(self) -> bool:
        return self.asked >= self.plan.comparisons

    @property
    def remaining(self) -> int:
        return self.plan.comparisons - self.asked

    def propose(self, answers: Sequence[Answer]) -> tuple[int, int, str]:
        """Two items to compare, and what for.

        Pairs that were asked come only where there are no others: people repeat themselves.
        """
        units = self.unit(answers)
        strengths = fit(units, answers, PRIOR)
        gains = _gains(strengths, information(units, answers, strengths, PRIOR))
        asked = Counter(answer.pair for answer in answers)

        def preference(pair: tuple[int, int]) -> tuple[int, float]:
            return asked[frozenset(pair)], -gains[pair]

        # of equals the first, in the sequence of the plan
        first, second = min(combinations(self.plan.order, 2), key=preference)
        return first, second, "active"

    def take(self, _: str) -> Active:
        return replace(self, asked=self.asked + 1)

    def unit(self, _: Sequence[Answer]) -> list[int]:
        """(p,) each item has a strength of its own."""
        return list(range(self.plan.items))


def _gains(strengths: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(p, p) information of a comparison, p(1 - p) times the variance of the difference of strengths."""
    covariance = np.linalg.inv(matrix)
    variances = np.diag(covariance)
    spread = variances[:, None] + variances - 2 * covariance
    chances = 1 / (1 + np.exp(strengths - strengths[:, None]))
    return np.round(chances * (1 - chances) * spread, DIGITS)
