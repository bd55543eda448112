"""Clusterers: where each estimator lives and what of it can be tuned, as plain data."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.registry import Registry


@dataclass(frozen=True)
class Int:
    """Whole numbers low..high, both included; log where ratios matter more than differences."""

    low: int
    high: int
    log: bool = False


@dataclass(frozen=True)
class Float:
    """Real numbers from low to high; log where ratios matter more than differences."""

    low: float
    high: float
    log: bool = False


@dataclass(frozen=True)
class Choice:
    """One of a few values."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Clusterer:
    """An estimator by its home ("module:class") in each library, and its search space.

    Lengths in the space (eps, bandwidth, threshold) assume data of unit variance.
    """

    sklearn: str
    cuml: str | None
    space: Mapping[str, Int | Float | Choice]
    fixed: Mapping[str, Any] = field(default_factory=dict)  # what we set apart from scikit-learn's defaults

    def load(self, library: str = "sklearn") -> type[Any]:
        """The estimator's class, imported from "sklearn" or "cuml"."""
        home = {"sklearn": self.sklearn, "cuml": self.cuml}.get(library)
        if home is None:
            raise InvalidInputError(
                f"library must be one that has {self.sklearn.split(':')[1]}: sklearn{', cuml' if self.cuml else ''}; "
                f"got {library!r}"
            )
        module, name = home.split(":")
        return getattr(import_module(module), name)

    def make(self, seed: int | None = None, **parameters: Any) -> Any:
        """A scikit-learn estimator with these parameters; the seed is its random_state if it has one."""
        estimator = self.load()
        taken = inspect.signature(estimator).parameters
        unknown = sorted(parameters.keys() - taken.keys())
        if unknown:
            raise InvalidInputError(f"{estimator.__name__} has no parameter {', '.join(unknown)}")
        random = {"random_state": seed} if "random_state" in taken else {}
        return estimator(**{**self.fixed, **random, **parameters})


CLUSTERERS: Registry[Clusterer] = Registry("clusterer")

_N_CLUSTERS = Int(2, 50, log=True)

for _name, _clusterer in {
    "kmeans": Clusterer(
        "sklearn.cluster:KMeans",
        "cuml.cluster:KMeans",
        {"n_clusters": _N_CLUSTERS},
        {"n_init": 5},
    ),
    "mini_batch_kmeans": Clusterer(
        "sklearn.cluster:MiniBatchKMeans",
        None,
        {"n_clusters": _N_CLUSTERS},
        {"n_init": 3},
    ),
    "bisecting_kmeans": Clusterer(
        "sklearn.cluster:BisectingKMeans",
        None,
        {"n_clusters": _N_CLUSTERS, "bisecting_strategy": Choice(("biggest_inertia", "largest_cluster"))},
        {"n_init": 3},
    ),
    "gaussian_mixture": Clusterer(
        "sklearn.mixture:GaussianMixture",
        None,
        {"n_components": _N_CLUSTERS, "covariance_type": Choice(("full", "tied", "diag", "spherical"))},
        {"init_params": "k-means++"},
    ),
    "agglomerative": Clusterer(
        "sklearn.cluster:AgglomerativeClustering",
        "cuml.cluster:AgglomerativeClustering",  # single linkage only
        {"n_clusters": _N_CLUSTERS, "linkage": Choice(("ward", "average", "complete", "single"))},
    ),
    "dbscan": Clusterer(
        "sklearn.cluster:DBSCAN",
        "cuml.cluster:DBSCAN",
        {"eps": Float(1e-3, 10.0, log=True), "min_samples": Int(2, 50, log=True)},
    ),
    "hdbscan": Clusterer(
        "sklearn.cluster:HDBSCAN",
        "cuml.cluster:HDBSCAN",
        {
            "min_cluster_size": Int(2, 200, log=True),
            "min_samples": Int(1, 50, log=True),
            "cluster_selection_method": Choice(("eom", "leaf")),
        },
        {"copy": True},  # its default changes between releases of scikit-learn, with a warning
    ),
    "optics": Clusterer(
        "sklearn.cluster:OPTICS",
        None,
        {"min_samples": Int(3, 50, log=True), "xi": Float(0.01, 0.3, log=True)},
    ),
    "birch": Clusterer(
        "sklearn.cluster:Birch",
        None,
        {"threshold": Float(1e-2, 1.0, log=True), "n_clusters": _N_CLUSTERS},
    ),
    "mean_shift": Clusterer(
        "sklearn.cluster:MeanShift",
        None,
        {"bandwidth": Float(5e-2, 3.0, log=True)},
    ),
    "spectral": Clusterer(
        "sklearn.cluster:SpectralClustering",
        "cuml.cluster:SpectralClustering",
        {"n_clusters": _N_CLUSTERS, "n_neighbors": Int(4, 50, log=True)},
        {"affinity": "nearest_neighbors"},
    ),
    "affinity_propagation": Clusterer(
        "sklearn.cluster:AffinityPropagation",
        None,
        {"damping": Float(0.5, 0.99), "preference": Float(-200.0, -0.5)},
    ),
}.items():
    CLUSTERERS.add(_name, _clusterer)
