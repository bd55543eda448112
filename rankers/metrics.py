"""How rankers are judged: by the agreement of the measure they put first, and how sure a mean over data sets is."""

from __future__ import annotations

from collections.abc import Sequence
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
    return bootstrap_means(values[:, None], seed=seed, resamples=resamples, level=level)[0]


def bootstrap_means(
    values: Floats,
    *,
    units: Sequence[str] | None = None,
    seed: int = 0,
    resamples: int = 2000,
    level: float = 0.95,
) -> list[Interval]:
    """Means of the columns of values (q, c) and their percentile intervals; NaN is left out.

    Data sets are resampled, all columns of one together; with units (q,) whole units of them, so that
    likeness within a unit does not pass for certainty. A column of NaN has mean NaN.
    Efron 1979, doi:10.1214/aos/1176344552; Cameron, Gelbach and Miller 2008, doi:10.1162/rest.90.3.414.
    """
    q = len(values)
    owner = np.arange(q) if units is None else np.unique(np.asarray(units), return_inverse=True)[1]
    known = ~np.isnan(values)
    totals, counts = (
        np.stack([np.bincount(owner, column) for column in table.T], axis=1)
        for table in (np.where(known, values, 0.0), known.astype(np.float64))
    )
    u = len(totals)
    drawn = np.random.default_rng(seed).integers(0, u, (resamples, u))
    times = np.bincount((drawn + u * np.arange(resamples)[:, None]).ravel(), minlength=resamples * u)
    times = times.reshape(resamples, u).astype(np.float64)
    sums, sizes = times @ totals, times @ counts
    means = np.divide(sums, sizes, out=np.full_like(sums, np.nan), where=sizes > 0)
    ends = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    return [_interval(*columns, ends) for columns in zip(values.T, means.T, strict=True)]


def _interval(values: Floats, means: Floats, ends: Sequence[float]) -> Interval:
    """Of values (q,) and of their resampled means; where few are known, a resample may hold none of them."""
    known = values[~np.isnan(values)]
    if not known.size:
        return Interval(np.nan, np.nan, np.nan)
    low, high = np.quantile(means[~np.isnan(means)], ends)
    return Interval(float(known.mean()), float(low), float(high))


def chosen_agreement(relevance: Floats, scores: Floats) -> Floats:
    """(q,) relevance of the measure that scores (q, m) put first; ties share."""
    first = scores == scores.max(axis=1, keepdims=True)
    return np.asarray((relevance * first).sum(axis=1) / first.sum(axis=1))


def regret(relevance: Floats, scores: Floats) -> Floats:
    """(q,) relevance of the best measure minus that of the chosen one."""
    # the mean of tied measures may exceed them by rounding
    return np.maximum(relevance.max(axis=1) - chosen_agreement(relevance, scores), 0.0)


def regret_of_first(ranks: Floats, worth: Floats) -> Floats:
    """Worth (p, b) of the best partition minus the mean worth of those that ranks (p, a) put first: (a, b)."""
    first = (ranks == ranks.min(axis=0)).astype(np.float64)
    taken = first.T @ worth / first.sum(axis=0)[:, None]
    # the mean of tied partitions may exceed them by rounding
    return np.maximum(worth.max(axis=0) - taken, 0.0)
