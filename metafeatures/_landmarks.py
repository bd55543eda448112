"""Landmark block, 56 features: what fixed cheap partitions look like, and how far they agree."""

from __future__ import annotations

import numpy as np

from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Floats, Ints, MeasureTable, PartitionSet
from metafeatures._partitions import LANDMARKS, adjusted_rand
from metafeatures._registry import metafeatures

ANCHORS = (
    "silhouette", "calinski_harabasz", "davies_bouldin", "gd33", "c_index", "xie_beni", "gaussian_bic",
    "neighbor_purity",
)  # fmt: skip
PAIRS = (
    ("kmeans_3", "ward_3"),
    ("kmeans_3", "mixture_3"),
    ("kmeans_3", "spectral_3"),
    ("kmeans_3", "guarded_tree_3"),
    ("kmeans_8", "ward_8"),
    ("kmeans_8", "mixture_8"),
    ("kmeans_8", "spectral_8"),
    ("kmeans_8", "average_8"),
    ("spectral_8", "guarded_tree_8"),
    ("dbscan", "hdbscan_50th"),
    ("hdbscan_50th", "hdbscan_10"),
    ("kmeans_30", "ward_30"),
)
TAUS = (
    ("silhouette", "calinski_harabasz"),
    ("silhouette", "gd33"),
    ("silhouette", "neighbor_purity"),
    ("silhouette", "gaussian_bic"),
    ("calinski_harabasz", "davies_bouldin"),
    ("gaussian_bic", "neighbor_purity"),
    ("c_index", "xie_beni"),
    ("gd33", "neighbor_purity"),
)
SQUASHED = ("davies_bouldin", "gd33", "xie_beni")  # from 0 without bound: x / (1 + x)
LOGGED = ("calinski_harabasz",)


@metafeatures(*(f"landmark_{anchor}_{what}" for anchor in ANCHORS for what in ("best", "median", "spread")))
def anchor_values(anchor_table: MeasureTable) -> Floats:
    """Best, median and interquartile range of anchor measures over the landmarks, on bounded scales.

    Gaussian BIC shifts with the unit of length: its best is the gain over the median, and its median
    the gain of that over k-means in two clusters.
    """
    features = []
    for anchor, column, better in zip(
        anchor_table.measures, anchor_table.values.T, anchor_table.greater_is_better, strict=True
    ):
        values = _bounded(anchor, column)
        defined = values[np.isfinite(values)]
        if not defined.size:
            features += [0.0, 0.0, 0.0]
            continue
        best = defined.max() if better else defined.min()
        low, median, high = np.quantile(defined, (0.25, 0.5, 0.75))
        if anchor == "gaussian_bic":
            best, median = best - median, median - values[0]
        features += [best, median, high - low]
    return np.asarray(np.clip(features, -50.0, 50.0))


def _bounded(anchor: str, values: Floats) -> Floats:
    if anchor in SQUASHED:
        return np.asarray(values / (1.0 + values))
    if anchor in LOGGED:
        return np.asarray(np.log1p(values))
    return np.asarray(values)


@metafeatures(*(f"landmark_{anchor}_clusters" for anchor in ANCHORS))
def best_clusters(anchor_table: MeasureTable, landmarks: PartitionSet) -> Floats:
    """Log of the number of clusters in the landmark that each anchor ranks first."""
    return np.asarray(np.log(landmarks.n_clusters[np.argmin(anchor_table.ranks(), axis=0)]))


@metafeatures(*(f"agreement_{first}_{second}" for first, second in PAIRS))
def agreement(landmarks: PartitionSet) -> list[float]:
    """Adjusted Rand index between landmarks, noise taken as one more cluster."""
    row = LANDMARKS.index
    return [adjusted_rand(landmarks.labels[row(first)], landmarks.labels[row(second)]) for first, second in PAIRS]


@metafeatures(*(f"tau_{first}_{second}" for first, second in TAUS))
def anchor_taus(anchor_table: MeasureTable) -> list[float]:
    """Kendall's tau-b between the orders in which two anchors put the landmarks."""
    ranks = anchor_table.ranks()
    tau = kendall_tau(ranks, ranks)
    column = anchor_table.measures.index
    return [float(tau[column(first), column(second)]) for first, second in TAUS]


@metafeatures("dbscan_clusters", "dbscan_noise", "hdbscan_clusters", "hdbscan_noise")
def density_clusters(density_labels: dict[str, Ints]) -> tuple[float, ...]:
    """Logs of 1 plus the clusters, and the shares of noise, that density-based landmarks find; one
    cluster or none too, where k-means stands in as a landmark."""
    features: list[float] = []
    for name in ("dbscan", "hdbscan_50th"):
        labels = density_labels[name]
        features += [float(np.log1p(np.unique(labels[labels >= 0]).size)), float(np.mean(labels < 0))]
    return tuple(features)
