"""The landmarks of the meta-features as the first partitions of a search: they are there when the judge is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import validate_data

from gamac_meta.automl._judge import Judge
from gamac_meta.automl._trials import nearest_rows, renumbered
from gamac_meta.clusterers import CLUSTERERS, Value
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Dataset, Floats, Ints, Labels, PartitionSet
from metafeatures import LANDMARKS, landmarks_of

KINDS: Mapping[str, tuple[str, str, Mapping[str, Value]]] = {
    # the algorithm, its number of clusters, and what else it is set to
    "kmeans": ("kmeans", "n_clusters", {}),
    "ward": ("agglomerative", "n_clusters", {"linkage": "ward"}),
    "average": ("agglomerative", "n_clusters", {"linkage": "average"}),
    "single": ("agglomerative", "n_clusters", {"linkage": "single"}),
    "mixture": ("gaussian_mixture", "n_components", {"covariance_type": "full"}),
    "spectral": ("spectral", "n_clusters", {"n_neighbors": 10}),
    "guarded_tree": ("robust_single", "n_clusters", {"min_samples": 1}),
}


class Start(NamedTuple):
    """A landmark as a search takes it."""

    number: int  # in LANDMARKS
    algorithm: str  # in CLUSTERERS, the one that is nearest to it
    setting: Mapping[str, Value]  # of its space
    parameters: Mapping[str, Any]  # of its estimator
    labels: Labels  # (n,) -1 is noise


def starts(X: Floats, judge: Judge) -> list[Start]:
    """The landmarks of the points X (n, d) that differ; where few of the points are in the sample of the
    meta-features, the others join the nearest of it."""
    rows, landmarks = judge.landmarks()
    found, known = [], set()
    for number, (name, labels) in enumerate(zip(landmarks.makers, _on_all(X, rows, landmarks), strict=True)):
        # where an algorithm found nothing, the landmark is one of the k-means before it
        key = renumbered(labels).tobytes()
        if key not in known:
            algorithm, setting = _likened(name, labels, len(rows))
            parameters = CLUSTERERS[algorithm].parameters(setting, X[rows])
            found.append(Start(number, algorithm, setting, parameters, labels))
        known.add(key)
    return found


def _on_all(X: Floats, rows: Ints, landmarks: PartitionSet) -> Labels:
    """(l, n) labels of all points, from those of the sample."""
    return np.asarray(landmarks.labels[:, nearest_rows(X, rows)])


def _likened(name: str, labels: Labels, n: int) -> tuple[str, dict[str, Value]]:
    """The algorithm in CLUSTERERS and its setting that a landmark is most like, on a sample of n points."""
    if name == "dbscan":
        return "dbscan", {"eps": 0.9, "min_samples": 6}
    if name.startswith("hdbscan"):
        by_share = name == "hdbscan_50th"
        size = max(3, min(n // 50 if by_share else 10, n // 3))
        samples = size if by_share else min(5, size)
        return "hdbscan", {"min_cluster_size": size, "min_samples": samples, "cluster_selection_method": "eom"}
    algorithm, count, others = KINDS[name.rpartition("_")[0]]
    setting = {count: len(np.unique(labels)), **others}
    return algorithm, setting | ({"min_cluster_size": max(2, n // 50)} if algorithm == "robust_single" else {})


class Landmark(ClusterMixin, BaseEstimator):
    """One of the landmark partitions of the meta-features, by name; points beyond its sample join the nearest of it.

    Raises InvalidInputError for a name that is not in `metafeatures.LANDMARKS`.
    """

    def __init__(self, name: str = "hdbscan_50th") -> None:
        self.name = name

    def fit(self, X: Any, y: Any = None) -> Landmark:  # noqa: ARG002  scikit-learn passes y
        """Sets labels_ (n,), -1 is noise."""
        if self.name not in LANDMARKS:
            raise InvalidInputError(f"name must be one of {', '.join(LANDMARKS)}, got {self.name!r}")
        X = validate_data(self, X, ensure_min_samples=10, dtype=np.float64)
        rows, landmarks = landmarks_of(Dataset(X))
        self.labels_ = _on_all(X, rows, landmarks)[LANDMARKS.index(self.name)]
        return self
