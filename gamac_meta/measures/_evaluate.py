"""evaluate(X, partitions): the table of all measures on all partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gamac_meta import concordance
from gamac_meta.backend import namespace
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.inputs import as_dataset, as_partitions
from gamac_meta.measures._registry import MEASURES
from gamac_meta.pairwise import views
from gamac_meta.types import NOISE, Floats, Labels, MeasureTable, PartitionSet

NOISE_POLICIES = ("drop", "nearest", "cluster")
# beyond, squares of distances and their products overflow or vanish
SPREADS = (1e-100, 1e100)


def evaluate(
    X: Any,
    partitions: Any,
    measures: Sequence[str] | None = None,
    *,
    noise: str = "drop",
    backend: str = "auto",
) -> MeasureTable:
    """Measure every partition of X by every measure, in one pass over pairs of points.

    X: (n, d) array-like or frame; it is not rescaled, and its widest column must spread over 1e-100
    to 1e+100. partitions: (p, n) labels, -1 is noise; one (n,) labelling; a frame with a column per
    partition; or a PartitionSet.
    measures: names from MEASURES, all of them by default.
    noise: "drop" leaves noise points out (only DBCV counts them, against the partition), "nearest"
    gives each to the cluster of the nearest clustered point, "cluster" makes them one more cluster.

    Undefined values are NaN with a reason (`MeasureTable.reason`); a partition of one cluster is
    such a case, and only if no partition has two clusters is the call refused.

    Raises InvalidInputError, UnknownNameError, BackendUnavailableError.
    """
    namespace(backend)
    if isinstance(measures, str):
        raise InvalidInputError(f"measures must be a sequence of names, got the string {measures!r}")
    names = tuple(MEASURES) if measures is None else tuple(measures)
    chosen = [MEASURES[name] for name in names]
    if not chosen:
        raise InvalidInputError("measures must name at least one measure, got none")
    data, _ = as_dataset(X)
    _require_measurable_spread(data.X)
    given = as_partitions(partitions, data.n)
    if given.n_clusters.max() < 2 and not (noise == "cluster" and np.any(given.noise_share > 0)):
        raise InvalidInputError(
            f"partitions must include one with at least 2 clusters, got at most {int(given.n_clusters.max())}"
        )
    labels = apply_noise_policy(data.X, given, noise)
    values = np.full((len(given), len(chosen)), np.nan)
    reasons = {}
    for row, view in enumerate(views(data.X, labels)):
        for column, measure in enumerate(chosen):
            values[row, column], why = measure.explain(view)
            if why:
                reasons[row, measure.name] = why
    estimated = data.n > concordance.EXACT_CONCORDANCE_POINTS
    return MeasureTable(
        values,
        names,
        tuple(measure.greater_is_better for measure in chosen),
        given.makers,
        given.noise_share,
        reasons,
        tuple(measure.name for measure in chosen if estimated and "concordance" in measure.needs),
    )


def _require_measurable_spread(X: Floats) -> None:
    spread = float(np.max(np.ptp(X, axis=0)))
    if not SPREADS[0] <= spread <= SPREADS[1]:
        raise InvalidInputError(
            f"X must have a spread between {SPREADS[0]:g} and {SPREADS[1]:g}, got {spread:g}; rescale it"
        )


def apply_noise_policy(X: Floats, partitions: PartitionSet, noise: str) -> Labels:
    """(p, n) labels in which noise is left (-1), attached to the nearest clustered point, or a cluster."""
    if noise not in NOISE_POLICIES:
        raise InvalidInputError(f"noise must be one of {', '.join(NOISE_POLICIES)}, got {noise!r}")
    if noise == "drop" or not partitions.noise_share.any():
        return partitions.labels
    labels = partitions.labels.copy()
    for row, k in zip(labels, partitions.n_clusters, strict=True):
        outside = row == NOISE
        if not outside.any():
            continue
        if noise == "cluster":
            row[outside] = k
        elif k > 0:
            from scipy.spatial import cKDTree

            nearest = cKDTree(X[~outside]).query(X[outside])[1]
            row[outside] = row[~outside][nearest]
    return labels
