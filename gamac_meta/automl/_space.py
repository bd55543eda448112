"""What is tried: spaces that points are clustered in, a portfolio of settings known to serve, and how one is run."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np

from gamac_meta.clusterers import CLUSTERERS, Value
from gamac_meta.types import Floats, Labels

WIDE = 10  # columns from which on fewer are tried, too
PCA_SHARE = 0.9  # of the variance that is kept
UNEVEN = 1.3  # columns whose spreads differ by more are tried at equal spread, too
UMAP_BUDGET = 30.0  # seconds of a search below which UMAP, which takes ten to start, is left out


@dataclass(frozen=True)
class Task:
    """Settings of one algorithm in one space, run one after the other by one worker."""

    algorithm: str  # in CLUSTERERS
    preprocessing: str  # in PREPROCESSINGS
    settings: tuple[Mapping[str, Value], ...]  # values of the algorithm's space
    seed: int


class Fit(NamedTuple):
    """One partition as a worker found it."""

    place: int  # of its setting in the task
    labels: Labels  # (n,)
    parameters: dict[str, Any]  # of the estimator
    seconds: float


# ---- spaces ------------------------------------------------------------------------------------------


def preprocessings(X: Floats, scale: str | None, budget: float | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the spaces that are worth a try for the points, and notices of those left out."""
    spreads = X.std(axis=0)
    # a rare value may leave a column constant among few points
    spreads = spreads[np.ptp(X, axis=0) > 0.0]
    found, notices = ["none"], []
    if scale != "standard" and spreads.max() > UNEVEN * spreads.min():
        found.append("standard")
    if X.shape[1] >= WIDE:
        found.append("pca")
        if find_spec("umap") is None:
            notices.append("UMAP was not tried: umap-learn is not installed (extra 'corpus')")
        elif budget is not None and budget < UMAP_BUDGET:
            notices.append(f"UMAP was not tried: it takes a budget of at least {UMAP_BUDGET:.0f} s")
        else:
            found.append("umap")
    return tuple(found), tuple(notices)


def transformed(X: Floats, preprocessing: str, seed: int) -> Floats:
    """The points (n, d) in one of the spaces."""
    if preprocessing == "none":
        return X
    if preprocessing == "standard":
        return np.asarray((X - X.mean(axis=0)) / np.where(np.ptp(X, axis=0) > 0.0, X.std(axis=0), 1.0))
    if preprocessing == "pca":
        from sklearn.decomposition import PCA

        return np.asarray(PCA(PCA_SHARE, svd_solver="full").fit_transform(X))
    import umap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of the single thread that a seed needs
        return np.asarray(umap.UMAP(min_dist=0.0, n_neighbors=15, random_state=seed).fit_transform(X), np.float64)


# ---- running -----------------------------------------------------------------------------------------


@dataclass(eq=False)
class Context:
    """What every worker holds."""

    X: Floats  # (n, d) as partitions are judged
    seed: int
    device: bool  # whether cuML's estimators are taken where they exist

    @cached_property
    def spaces(self) -> dict[str, Floats]:
        """Spaces made so far."""
        return {}

    @cached_property
    def memory(self) -> Memory:
        return Memory()

    def space(self, preprocessing: str) -> Floats:
        """The points in a space, made when first asked for."""
        if preprocessing not in self.spaces:
            self.spaces[preprocessing] = transformed(self.X, preprocessing, self.seed)
        return self.spaces[preprocessing]

    def __getstate__(self) -> dict[str, Any]:
        return {"X": self.X, "seed": self.seed, "device": self.device}


class Memory:
    """Keeps the last few results of functions, as scikit-learn's `memory` does on a disk: one tree, many cuts."""

    KEPT = 4

    def cache(self, function: Any) -> Any:
        """The function with its last results kept."""
        from joblib import hash as digest

        def kept(*arguments: Any, **keywords: Any) -> Any:
            key = (function.__name__, digest((arguments, keywords)))
            if key not in self._results:
                while len(self._results) >= self.KEPT:
                    del self._results[next(iter(self._results))]
                self._results[key] = function(*arguments, **keywords)
            return self._results[key]

        return kept

    @cached_property
    def _results(self) -> dict[Any, Any]:
        return {}


def run_task(context: Context, task: Task) -> Iterator[Fit]:
    """Fit every setting in turn. What goes wrong with the first ends the task."""
    from time import perf_counter

    X = context.space(task.preprocessing)
    for place, setting in enumerate(task.settings):
        start = perf_counter()
        parameters = CLUSTERERS[task.algorithm].parameters(setting, X)
        with warnings.catch_warnings():
            # an unfinished or smaller partition is a candidate like any other
            warnings.simplefilter("ignore")
            labels = np.asarray(estimator(task.algorithm, parameters, context, task.seed).fit_predict(X))
        yield Fit(place, labels.astype(np.int32), parameters, perf_counter() - start)


def estimator(algorithm: str, parameters: Mapping[str, Any], context: Context, seed: int) -> Any:
    """The estimator of a setting, cuML's where the device has one, with trees kept where it can."""
    clusterer = CLUSTERERS[algorithm]
    on_device = clusterer.make_on_device(seed, **parameters) if context.device else None
    if on_device is not None:
        return on_device
    made = clusterer.make(seed, **parameters)
    if "memory" in made.get_params():
        made.set_params(memory=context.memory)
        if algorithm == "agglomerative":
            made.set_params(compute_full_tree=True)  # else the tree depends on where it is cut
    return made


# ---- portfolio ---------------------------------------------------------------------------------------


class Batch(NamedTuple):
    """Settings of one algorithm, in the order in which they are worth a try."""

    algorithm: str
    settings: tuple[Mapping[str, Value], ...]


def counts(n: int, most: int, spaced: int) -> list[int]:
    """About `spaced` numbers of clusters from 2 to the least of `most` and the square root of n."""
    top = max(2, min(most, int(np.sqrt(n))))
    return sorted({int(k) for k in np.round(np.geomspace(2, top, spaced))} | {k for k in (3, 4, 5) if k <= top})


@lru_cache(maxsize=16)
def portfolio(n: int) -> tuple[tuple[Batch, ...], ...]:
    """Waves of batches for n points: a few settings of every algorithm first, then the others.

    About a hundred partitions; together they reach nearly what any search does (docs/automl.md).
    """
    sizes = sorted({max(4, n // part) for part in (200, 100, 50, 25, 12)} | {5, 10})

    def hdbscan(size: int, samples: int | None = None, method: str = "eom") -> dict[str, Value]:
        return {
            "min_cluster_size": size,
            "min_samples": min(5, size) if samples is None else samples,
            "cluster_selection_method": method,
        }

    def each(name: str, ks: list[int], **fixed: Value) -> tuple[dict[str, Value], ...]:
        return tuple({name: k, **fixed} for k in ks)

    guard = max(3, n // 50)
    few, many = counts(n, 12, 5), counts(n, 50, 9)
    first = (
        Batch("hdbscan", tuple(hdbscan(max(4, n // 50), samples) for samples in (max(4, n // 50), 5))),
        Batch("kmeans", each("n_clusters", few)),
        Batch("robust_single", each("n_clusters", few, min_samples=8, min_cluster_size=guard)),
        Batch("agglomerative", each("n_clusters", many, linkage="ward")),
        Batch("gaussian_mixture", each("n_components", few, covariance_type="full")),
        Batch("spectral", each("n_clusters", few, n_neighbors=10)),
        Batch("dbscan", tuple({"eps": q, "min_samples": 5} for q in (0.75, 0.9, 0.97, 1.0))),
        Batch("genie", each("n_clusters", few, gini_threshold=0.3)),
    )
    second = (
        Batch("hdbscan", tuple(hdbscan(size) for size in sizes)),
        Batch("hdbscan", tuple(hdbscan(size, method="leaf") for size in sizes[1::2])),
        Batch("hdbscan", tuple(hdbscan(size, 1) for size in sizes[::2])),
        Batch(
            "mutual_neighbors",
            tuple({"n_neighbors": count, "min_cluster_size": max(3, n // 100)} for count in (5, 10, 20, 35)),
        ),
        Batch("agglomerative", each("n_clusters", many, linkage="average")),
        Batch("robust_single", each("n_clusters", few, min_samples=1, min_cluster_size=guard)),
        Batch("agglomerative", each("n_clusters", few, linkage="single")),
        Batch("density_peaks", each("n_clusters", few)),
        Batch("spectral", each("n_clusters", [k for k in counts(n, 30, 7) if k not in few], n_neighbors=10)),
        Batch("genie", each("n_clusters", many, gini_threshold=0.1)),
        Batch("kmeans", each("n_clusters", [k for k in many if k not in few])),
        Batch(
            "gaussian_mixture",
            each("n_components", [k for k in counts(n, 20, 7) if k not in few], covariance_type="full"),
        ),
        Batch("gaussian_mixture", each("n_components", few, covariance_type="tied")),
        Batch("gaussian_mixture", each("n_components", few, covariance_type="diag")),
        Batch("dbscan", tuple({"eps": q, "min_samples": 10} for q in (0.9, 0.97, 1.0))),
        Batch("agglomerative", each("n_clusters", few, linkage="complete")),
    )
    return first, second


def available(n: int) -> tuple[dict[str, bool], tuple[str, ...]]:
    """Which algorithms can be tried on n points, and notices of those that cannot."""
    notices = [
        f"{name} was not tried: {clusterer.home.split(':')[0]} is not installed (extra '{clusterer.extra}')"
        for name, clusterer in CLUSTERERS.items()
        if not clusterer.installed
    ]
    slow = [name for name, clusterer in CLUSTERERS.items() if clusterer.installed and n > clusterer.most]
    if slow:
        notices.append(f"not tried on {n} points, for they would take too long: {', '.join(slow)}")
    return {name: clusterer.installed and n <= clusterer.most for name, clusterer in CLUSTERERS.items()}, tuple(notices)
