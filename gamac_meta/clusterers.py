"""Clusterers: where each estimator lives and what of it can be tuned, as plain data.

What can be tuned is said relative to the points: fixed lengths would fit one data set and miss the next.
A value of a space is made a parameter of the estimator, on given points, by `Clusterer.parameters`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.registry import Registry
from gamac_meta.types import Floats


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
class Clusters:
    """Numbers of clusters, 2 to the square root of the number of points or `high`, whichever is less."""

    high: int = 50

    def on(self, n: int) -> Int:
        return Int(2, max(3, min(self.high, int(np.sqrt(n)))), log=True)


@dataclass(frozen=True)
class Points:
    """Whole numbers of points, from `low` to a share of all."""

    low: int
    share: float

    def on(self, n: int) -> Int:
        return Int(self.low, max(self.low + 1, int(self.share * n)), log=True)


@dataclass(frozen=True)
class Reach:
    """Lengths, as quantiles low..high of the distances from points to their fifth neighbor."""

    low: float
    high: float

    def length(self, quantile: float, X: Floats) -> float:
        """The length that a quantile means on the points."""
        from sklearn.neighbors import NearestNeighbors

        neighbors = min(5, len(X) - 1)
        distances = NearestNeighbors(n_neighbors=neighbors).fit(X).kneighbors()[0][:, -1]
        return _positive(float(np.quantile(distances, quantile)), distances)


@dataclass(frozen=True)
class Distance:
    """Lengths, as quantiles low..high of the distances between points; raised to `power` and turned about by `sign`."""

    low: float
    high: float
    power: int = 1
    sign: int = 1

    def length(self, quantile: float, X: Floats) -> float:
        """The length that a quantile means on the points, from at most 500 of them."""
        from scipy.spatial.distance import pdist

        distances = pdist(X[:: max(1, len(X) // 500)])
        return self.sign * _positive(float(np.quantile(distances, quantile)), distances) ** self.power


def _positive(length: float, lengths: Floats) -> float:
    """The smallest positive length where a quantile is zero, as among duplicates."""
    if length > 0.0:
        return length
    positive = lengths[lengths > 0.0]
    return float(positive.min()) if positive.size else 1.0


Dimension = Int | Float | Choice | Clusters | Points | Reach | Distance
Value = int | float | str


@dataclass(frozen=True)
class Clusterer:
    """An estimator by its home ("module:class") on the processor and in cuML, and its search space."""

    home: str
    cuml: str | None
    space: Mapping[str, Dimension]
    fixed: Mapping[str, Any] = field(default_factory=dict)  # what we set apart from the library's defaults
    extra: str | None = None  # the optional extra that brings its library
    most: int = 1_000_000  # points it is still tried on
    # parameters as cuML takes them, None where it has no such estimator
    to_cuml: Callable[[dict[str, Any]], dict[str, Any] | None] = dict

    @property
    def installed(self) -> bool:
        """Whether its library is there."""
        return find_spec(self.home.split(".")[0].split(":")[0]) is not None

    def space_on(self, n: int) -> dict[str, Int | Float | Choice]:
        """Plain ranges of what can be tuned on n points; lengths stay quantiles."""
        found: dict[str, Int | Float | Choice] = {}
        for name, dimension in self.space.items():
            if isinstance(dimension, Clusters | Points):
                found[name] = dimension.on(n)
            elif isinstance(dimension, Reach | Distance):
                found[name] = Float(dimension.low, dimension.high)
            else:
                found[name] = dimension
        return found

    def parameters(self, values: Mapping[str, Value], X: Floats) -> dict[str, Any]:
        """Parameters of the estimator from values of the space: quantiles become lengths on the points X (n, d)."""
        found: dict[str, Any] = dict(values)
        for name, dimension in self.space.items():
            if name in found and isinstance(dimension, Reach | Distance):
                found[name] = dimension.length(float(found[name]), X)
        return found

    def load(self, library: str = "cpu") -> type[Any]:
        """The estimator's class, imported from its home ("cpu") or from "cuml"."""
        home = {"cpu": self.home, "cuml": self.cuml}.get(library)
        if home is None:
            raise InvalidInputError(
                f"library must be one that has {self.home.split(':')[1]}: cpu{', cuml' if self.cuml else ''}; "
                f"got {library!r}"
            )
        module, name = home.split(":")
        return getattr(import_module(module), name)

    def make(self, seed: int | None = None, **parameters: Any) -> Any:
        """An estimator with these parameters; the seed is its random_state if it has one."""
        estimator = self.load()
        taken = inspect.signature(estimator).parameters
        unknown = sorted(parameters.keys() - taken.keys())
        if unknown:
            raise InvalidInputError(f"{estimator.__name__} has no parameter {', '.join(unknown)}")
        random = {"random_state": seed} if "random_state" in taken else {}
        return estimator(**{**self.fixed, **random, **parameters})

    def make_on_device(self, seed: int | None = None, **parameters: Any) -> Any | None:
        """The same of cuML, for the same parameters; None where it has none."""
        translated = self.to_cuml(dict(parameters)) if self.cuml else None
        if translated is None:
            return None
        estimator = self.load("cuml")
        random = {"random_state": seed} if "random_state" in inspect.signature(estimator).parameters else {}
        return estimator(**random, **translated)


def _single_linkage(parameters: dict[str, Any]) -> dict[str, Any] | None:
    """cuML's agglomerative clustering knows no other linkage."""
    return parameters if parameters.get("linkage") == "single" else None


def _without_itself(parameters: dict[str, Any]) -> dict[str, Any]:
    """cuML's HDBSCAN does not count a point among its own neighbors."""
    samples = parameters.get("min_samples") or parameters.get("min_cluster_size", 5)
    return parameters | {"min_samples": max(1, samples - 1)}


CLUSTERERS: Registry[Clusterer] = Registry("clusterer")

for _name, _clusterer in {
    "kmeans": Clusterer("sklearn.cluster:KMeans", "cuml.cluster:KMeans", {"n_clusters": Clusters()}, {"n_init": 5}),
    "mini_batch_kmeans": Clusterer("sklearn.cluster:MiniBatchKMeans", None, {"n_clusters": Clusters()}, {"n_init": 3}),
    "bisecting_kmeans": Clusterer(
        "sklearn.cluster:BisectingKMeans",
        None,
        {"n_clusters": Clusters(), "bisecting_strategy": Choice(("biggest_inertia", "largest_cluster"))},
        {"n_init": 3},
    ),
    "medoids": Clusterer(
        "kmedoids:KMedoids",
        None,
        {"n_clusters": Clusters()},
        {"metric": "euclidean"},
        extra="medoids",
        most=5000,
    ),
    "gaussian_mixture": Clusterer(
        "sklearn.mixture:GaussianMixture",
        None,
        {"n_components": Clusters(30), "covariance_type": Choice(("full", "tied", "diag", "spherical"))},
        {"init_params": "k-means++"},
    ),
    "agglomerative": Clusterer(
        "sklearn.cluster:AgglomerativeClustering",
        "cuml.cluster:AgglomerativeClustering",
        {"n_clusters": Clusters(), "linkage": Choice(("ward", "average", "complete", "single"))},
        most=10_000,
        to_cuml=_single_linkage,
    ),
    "robust_single": Clusterer(
        "gamac_meta.estimators:RobustSingleLinkage",
        None,
        {"n_clusters": Clusters(30), "min_samples": Int(1, 15), "min_cluster_size": Points(3, 0.05)},
        most=5000,
    ),
    "genie": Clusterer(
        "genieclust:Genie",
        None,
        {"n_clusters": Clusters(), "gini_threshold": Float(0.1, 0.7)},
        extra="genie",
    ),
    "dbscan": Clusterer(
        "sklearn.cluster:DBSCAN",
        "cuml.cluster:DBSCAN",
        {"eps": Reach(0.3, 1.0), "min_samples": Int(3, 20, log=True)},
    ),
    "hdbscan": Clusterer(
        "sklearn.cluster:HDBSCAN",
        "cuml.cluster:HDBSCAN",
        {
            "min_cluster_size": Points(4, 0.15),
            "min_samples": Int(1, 30, log=True),
            "cluster_selection_method": Choice(("eom", "leaf")),
        },
        {"copy": True},  # its default changes between releases of scikit-learn, with a warning
        to_cuml=_without_itself,
    ),
    "mutual_neighbors": Clusterer(
        "gamac_meta.estimators:MutualNeighbors",
        None,
        {"n_neighbors": Int(3, 40, log=True), "min_cluster_size": Points(3, 0.05)},
    ),
    "density_peaks": Clusterer("gamac_meta.estimators:DensityPeaks", None, {"n_clusters": Clusters()}, most=5000),
    "spectral": Clusterer(
        "sklearn.cluster:SpectralClustering",
        "cuml.cluster:SpectralClustering",
        {"n_clusters": Clusters(30), "n_neighbors": Int(5, 30, log=True)},
        {"affinity": "nearest_neighbors", "assign_labels": "cluster_qr"},
        most=5000,
    ),
    "optics": Clusterer(
        "sklearn.cluster:OPTICS", None, {"min_samples": Int(3, 50, log=True), "xi": Float(0.01, 0.3)}, most=5000
    ),
    "birch": Clusterer("sklearn.cluster:Birch", None, {"threshold": Reach(0.5, 1.0), "n_clusters": Clusters()}),
    "mean_shift": Clusterer(
        "sklearn.cluster:MeanShift", None, {"bandwidth": Distance(0.01, 0.3)}, {"bin_seeding": True}, most=5000
    ),
    "affinity_propagation": Clusterer(
        "sklearn.cluster:AffinityPropagation",
        None,
        {"damping": Float(0.6, 0.95), "preference": Distance(0.5, 1.0, power=2, sign=-1)},
        most=1500,
    ),
}.items():
    CLUSTERERS.add(_name, _clusterer)
