"""Distance profile, 80 features: how each point's distances to the others are spread."""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats
from metafeatures._registry import metafeatures

BUCKETS = 20
STATISTICS = ("mean", "range", "mean_gap", "largest_gap")


@metafeatures(*(f"distance_{bucket:02}_{name}" for bucket in range(BUCKETS) for name in STATISTICS))
def distance_profile(sorted_distances: Floats) -> Floats:
    """Each point's sorted distances in 20 buckets of equal count: mean, range, mean and largest gap.

    Averaged over points, in units of the largest distance. A gap is the step up to the next
    distance, in the next bucket for the last one, so no gap is lost between buckets. With fewer
    distances than buckets, neighboring buckets share one.
    """
    count = sorted_distances.shape[1]
    distances = sorted_distances / sorted_distances.max()
    gaps = np.diff(distances, axis=1, append=distances[:, -1:])
    edges = np.arange(BUCKETS + 1) * count // BUCKETS
    starts = np.minimum(edges[:-1], count - 1)
    widths = np.maximum(np.diff(edges), 1)
    stops = starts + widths
    profile = distances.mean(axis=0)
    totals = np.concatenate([[0.0], np.cumsum(profile)])
    gap_totals = np.concatenate([[0.0], np.cumsum(gaps.mean(axis=0))])
    largest = [gaps[:, start:stop].max(axis=1).mean() for start, stop in zip(starts, stops, strict=True)]
    return np.stack(
        [
            (totals[stops] - totals[starts]) / widths,
            profile[stops - 1] - profile[starts],
            (gap_totals[stops] - gap_totals[starts]) / widths,
            largest,
        ],
        axis=1,
    ).ravel()
