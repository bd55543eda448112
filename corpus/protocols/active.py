"""Active Bradley-Terry: the pair whose comparison is expected to tell most about the strengths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from corpus.protocols.events import Answer
from corpus.protocols.plans import REPEAT_APART, Plan
from corpus.protocols.strengths import fit, information

# the page's twin adds in another sequence; what differs less than this is a tie, and the plan decides
DIGITS = 6


@dataclass(frozen=True)
class Active:
    """So many comparisons, each chosen by what the answers so far leave open."""

    plan: Plan
    asked: int

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

        Skipped pairs and those asked just now come only where there are no others.
        """
        units = self.unit(answers)
        strengths = fit(units, answers)
        gains = _gains(strengths, information(units, answers, strengths))
        recent = {answer.pair for answer in answers[-REPEAT_APART + 1 :]}
        skipped = {answer.pair for answer in answers if answer.verdict == "skip"}

        def preference(pair: tuple[int, int]) -> tuple[bool, bool, float]:
            return frozenset(pair) in recent, frozenset(pair) in skipped, -gains[pair]

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
