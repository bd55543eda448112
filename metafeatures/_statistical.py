"""Statistical block, 24 features of the columns; most follow pymfe's definitions in a scale-free form.

pymfe: Alcobaca et al. 2020, JMLR 21(111), doi:10.5555/3455716.3455827. Its functions behind each
feature are named in schema.json. Columns without spread are left out.
"""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats
from metafeatures._registry import metafeatures

LARGE_CORRELATION = 0.5  # pymfe's nr_cor_attr
SIGNIFICANCE = 0.05  # pymfe's nr_norm
WHISKERS = 1.5  # pymfe's nr_outliers
TRIM = 0.2  # pymfe's t_mean, from each end


def _varying(X: Floats) -> Floats:
    """(n, d') columns with spread, each at zero mean and unit deviation."""
    deviation = X.std(axis=0)
    kept = deviation > 0
    return np.asarray((X[:, kept] - X[:, kept].mean(axis=0)) / deviation[kept])


@metafeatures("points_log", "columns_log", "columns_to_points_log")
def size(total_points: int, d: int) -> tuple[float, ...]:
    """Logs of the number of points (all, not the sample's), of columns, and of their ratio."""
    return np.log(total_points), np.log(d), np.log(d / total_points)


@metafeatures("correlation_mean", "correlation_sd", "correlated_share")
def correlations(columns: Floats) -> tuple[float, ...]:
    """Mean and deviation of absolute correlations between columns, share above 1/2."""
    columns = _varying(columns)
    d = columns.shape[1]
    if d < 2:
        return 0.0, 0.0, 0.0
    values = np.abs(columns.T @ columns / len(columns))[np.triu_indices(d, k=1)]
    return float(values.mean()), float(values.std()), float(np.mean(values > LARGE_CORRELATION))


@metafeatures("covariance_mean", "deviation_ratio_log")
def covariances(columns: Floats) -> tuple[float, float]:
    """Mean absolute covariance over the mean variance; log of the largest over the smallest deviation."""
    covariance = columns.T @ columns / len(columns)
    variances = np.diagonal(covariance)
    d = len(variances)
    between = (np.abs(covariance).sum() - variances.sum()) / max(d * (d - 1), 1)
    deviations = columns.std(axis=0)
    deviations = deviations[deviations > 0]
    return float(between / variances.mean()), float(np.log(deviations.max() / deviations.min()))


@metafeatures("first_axis_share", "effective_axes", "axes_entropy", "axes_for_95")
def eigenvalues(spectrum: Floats) -> tuple[float, ...]:
    """Of the covariance's eigenvalues: share of the first, participation ratio and entropy over the
    number of columns, share of columns that hold 95 % of the variance."""
    shares = spectrum / spectrum.sum()
    d = len(shares)
    positive = shares[shares > 0]
    entropy = -np.sum(positive * np.log(positive)) / np.log(d) if d > 1 else 0.0
    axes = 1 + int(np.searchsorted(np.cumsum(shares), 0.95))
    return float(shares[0]), float(1.0 / np.sum(shares**2) / d), float(entropy), min(axes, d) / d


@metafeatures("skewness_mean", "skewness_max", "kurtosis_mean", "kurtosis_max")
def moments(columns: Floats) -> tuple[float, ...]:
    """Absolute skewness and log of the kurtosis (3 for a normal column): mean and largest over columns."""
    columns = _varying(columns)
    skewness = np.abs(np.mean(columns**3, axis=0))
    kurtosis = np.log(np.mean(columns**4, axis=0))
    return skewness.mean(), skewness.max(), kurtosis.mean(), kurtosis.max()


@metafeatures(
    "quartile_range_mean", "median_deviation_mean", "range_log", "median_shift", "trimmed_shift",
    "outlier_columns", "outlier_cells",
)  # fmt: skip
def quantiles(columns: Floats) -> tuple[float, ...]:
    """Robust against plain spread and location of columns, and values beyond the whiskers."""
    columns = np.sort(_varying(columns), axis=0)
    n = len(columns)
    low, median, high = np.quantile(columns, (0.25, 0.5, 0.75), axis=0)
    reach = WHISKERS * (high - low) + 1e-9  # a value on the whisker is inside, whatever its last digits
    outside = (columns < low - reach) | (columns > high + reach)
    cut = int(TRIM * n)
    return (
        np.mean(high - low),
        np.median(np.abs(columns - median), axis=0).mean(),
        np.log(np.ptp(columns, axis=0)).mean(),
        np.abs(median).mean(),
        np.abs(columns[cut : n - cut].mean(axis=0)).mean(),
        outside.any(axis=0).mean(),
        outside.mean(),
    )


@metafeatures("normal_columns")
def normality(columns: Floats) -> float:
    """Share of columns whose normality a Jarque-Bera test does not reject at 5 %.

    Jarque and Bera 1987, doi:10.2307/1403192; pymfe's nr_norm uses Shapiro-Wilk.
    """
    columns = _varying(columns)
    excess = np.mean(columns**4, axis=0) - 3.0
    statistic = len(columns) / 6.0 * (np.mean(columns**3, axis=0) ** 2 + excess**2 / 4.0)
    # chi squared with two degrees of freedom has a closed tail: exp(-x / 2)
    return float(np.mean(np.exp(-statistic / 2.0) > SIGNIFICANCE))
