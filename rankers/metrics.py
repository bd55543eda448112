"""How rankers are judged: by the agreement of the measure they put first."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from gamac_meta.types import Floats


class Interval(NamedTuple):
    """A mean over data sets with its bootstrap interval."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def bootstrap_mean(values: Floats, *, seed: int = 0, resamples: int = 2000, level: float = 0.95) -> Interval:
    """Mean of values (q,) and the percentile interval over resampled data sets."""
    rng = np.random.default_rng(seed)
    means = values[rng.integers(0, len(values), (resamples, len(values)))].mean(axis=1)
    low, high = np.quantile(means, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return Interval(float(values.mean()), float(low), float(high))


def chosen_agreement(relevance: Floats, scores: Floats) -> Floats:
    """(q,) relevance of the measure that scores (q, m) put first; ties share."""
    first = scores == scores.max(axis=1, keepdims=True)
    return np.asarray((relevance * first).sum(axis=1) / first.sum(axis=1))


def regret(relevance: Floats, scores: Floats) -> Floats:
    """(q,) relevance of the best measure minus that of the chosen one."""
    # the mean of tied measures may exceed them by rounding
    return np.maximum(relevance.max(axis=1) - chosen_agreement(relevance, scores), 0.0)
