"""The contenders of automl.py; run as a script, one of them on one table, by the interpreter that has it.

    PYTHON _automl_peers.py NAME SECONDS JOBS FOLDER

FOLDER/points.npy goes in, FOLDER/answer.npz comes out. Nothing of this project but what users call
is imported, and only where a contender needs it, so the interpreter may belong to a peer's own environment.

What other tools did in a new environment of Python 3.11, November 2026:

    clusteval 2.2.7      works
    optuclust 0.0.2      works; Optuna over one algorithm after another
    clustermatic 0.0.3   works, with numpy 1 and pandas 2.0
    pycaret 3.3.2        works once six is installed, which it forgets to ask for
    hypercluster 0.1.13  installs (5 minutes of building); calls DataFrame.append, gone since pandas 2;
                         with pandas 1 refused by scikit-learn 1.9, with 1.4 by its hdbscan
    autocluster 0.5.3    installs only with SKLEARN_ALLOW_DEPRECATED_SKLEARN_PACKAGE_INSTALL, without the
                         smac that it imports; smac below 1 has to be built with swig
    AutoClusterML 0.1.2  asks for the number of clusters
    pyclustering 0.10.1.2  algorithms, no search
    ML2DAC               not on PyPI
"""

import importlib
import itertools
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SKLEARN = ("sklearn.cluster", "sklearn.metrics", "sklearn.mixture", "sklearn.neighbors", "sklearn.preprocessing")


@dataclass(frozen=True)
class Contender:
    """A way to labels.

    run: points (n, d), seconds allowed, processes allowed -> partitions (n,) each, -1 is noise; the first
        is the answer, the others are what was seen on the way to it, or none.
    needs: modules imported before the clock starts.
    """

    run: Callable[[np.ndarray, float, int], Iterable[np.ndarray]]
    needs: tuple[str, ...] = SKLEARN


# ---- ours --------------------------------------------------------------------------------------


def ours(X: np.ndarray, seconds: float, jobs: int, **options) -> Iterable[np.ndarray]:
    """Every trial with a score is part of what was seen."""
    from gamac_meta import AutoClusterer

    search = AutoClusterer(time_budget=seconds, n_jobs=jobs, random_state=0, **options).fit(X)
    trials = search.trials_
    scored = trials.loc[trials["state"] == "ok", "number"]
    return itertools.chain([search.labels_], (search.partition(number) for number in scored))


def landmarks(X: np.ndarray) -> list[np.ndarray]:
    """What a search has before any fit: its best landmark first."""
    from gamac_meta import AutoClusterer

    search = AutoClusterer(time_budget=None, n_trials=1, random_state=0).fit(X)
    trials = search.trials_
    scored = trials[(trials["stage"] == "landmark") & (trials["state"] == "ok")]
    return [search.partition(number) for number in scored.sort_values("score", ascending=False)["number"]]


# ---- baselines: those that try several partitions stop in time ---------------------------------


def in_time(candidates: Iterable, deadline: float) -> Iterator:
    """At least one; none begins that, taking as long as the longest so far, would end too late."""
    longest = 0.0
    began = time.monotonic()
    for candidate in candidates:
        # the time that the caller takes to score it is part of it
        yield candidate
        ended = time.monotonic()
        longest = max(longest, ended - began)
        if ended + longest > deadline:
            return
        began = ended


def standardized(X: np.ndarray) -> np.ndarray:
    from sklearn.preprocessing import StandardScaler

    return StandardScaler().fit_transform(X)


def by_silhouette(X: np.ndarray, candidates: Iterable[np.ndarray], seconds: float) -> list[np.ndarray]:
    """The greatest silhouette first; noise counts as one more cluster, as in a plain call of scikit-learn."""
    from sklearn.metrics import pairwise_distances, silhouette_score

    deadline = time.monotonic() + seconds
    distances = pairwise_distances(X)
    scored = []
    for labels in in_time(candidates, deadline):
        defined = 1 < np.unique(labels).size < len(X)
        scored.append((silhouette_score(distances, labels, metric="precomputed") if defined else -1.0, labels))
    return [labels for _, labels in sorted(scored, key=lambda each: -each[0])]


def kmeans(X: np.ndarray, seconds: float) -> list[np.ndarray]:
    from sklearn.cluster import KMeans

    most = min(30, int(len(X) ** 0.5))
    return by_silhouette(X, (KMeans(k, n_init=10, random_state=0).fit_predict(X) for k in range(2, most + 1)), seconds)


def genie(X: np.ndarray, seconds: float) -> list[np.ndarray]:
    from genieclust import Genie

    return by_silhouette(X, (Genie(n_clusters=k).fit_predict(X) for k in range(2, 21)), seconds)


def hdbscan(X: np.ndarray, **options) -> np.ndarray:
    from sklearn.cluster import HDBSCAN

    return HDBSCAN(copy=True, **options).fit_predict(X)


def hdbscan_filled(X: np.ndarray) -> np.ndarray:
    """min_cluster_size = n/50; noise goes to the cluster of the nearest clustered point."""
    from sklearn.neighbors import KNeighborsClassifier

    labels = hdbscan(X, min_cluster_size=max(5, len(X) // 50))
    noise = labels < 0
    if noise.any() and not noise.all():
        labels[noise] = KNeighborsClassifier(1).fit(X[~noise], labels[~noise]).predict(X[noise])
    return labels


def mixture(X: np.ndarray, seconds: float) -> np.ndarray:
    """Full covariances, 1 to 20 components by BIC."""
    from sklearn.mixture import GaussianMixture

    deadline = time.monotonic() + seconds
    fitted = in_time((GaussianMixture(k, random_state=0).fit(X) for k in range(1, 21)), deadline)
    return min(fitted, key=lambda model: model.bic(X)).predict(X)


def random_partitions(X: np.ndarray) -> Iterator[np.ndarray]:
    """Without end, by five algorithms with the usual ranges for standardized columns."""
    from sklearn.cluster import DBSCAN, HDBSCAN, AgglomerativeClustering, KMeans
    from sklearn.mixture import GaussianMixture

    rng = np.random.default_rng(0)
    makers: tuple[Callable, ...] = (
        lambda: KMeans(rng.integers(2, 21), random_state=0),
        lambda: AgglomerativeClustering(
            rng.integers(2, 21), linkage=rng.choice(["ward", "complete", "average", "single"])
        ),
        lambda: DBSCAN(eps=rng.uniform(0.05, 1.0), min_samples=rng.integers(2, 21)),
        lambda: HDBSCAN(min_cluster_size=rng.integers(2, 51), copy=True),
        lambda: GaussianMixture(
            rng.integers(2, 21), covariance_type=rng.choice(["full", "tied", "diag", "spherical"]), random_state=0
        ),
    )
    while True:
        yield makers[rng.integers(len(makers))]().fit_predict(X)


def random_search(X: np.ndarray, seconds: float) -> list[np.ndarray]:
    points = standardized(X)
    return by_silhouette(points, random_partitions(points), seconds)


# ---- peers: by their own interface, as it comes where nothing else is said ---------------------


def clusteval(X: np.ndarray) -> np.ndarray:
    from clusteval import clusteval

    return clusteval().fit(X)["labx"]


def clustermatic(X: np.ndarray) -> np.ndarray:
    """Random search over four algorithms; the other two and the Bayesian search take minutes on 300 points."""
    import pandas as pd
    from clustermatic import AutoClusterizer

    search = AutoClusterizer(optimization_method="random", exclude_algorithms=["OPTICS", "SpectralClustering"])
    return search.fit_cluster(pd.DataFrame(X), save_model=False)


def optuclust(X: np.ndarray) -> np.ndarray:
    """By its short list, k-means and HDBSCAN; the long one takes more than a minute on 300 points."""
    from optuclust import ClustGridSearch

    return ClustGridSearch(mode="fast", show_progress_bar=False).fit(X).labels_


def pycaret(X: np.ndarray, seconds: float) -> list[np.ndarray]:
    """The greatest silhouette that it prints for its models first; none begins after half the time."""
    import pandas as pd
    from pycaret.clustering import ClusteringExperiment

    began = time.monotonic()
    experiment = ClusteringExperiment()
    table = pd.DataFrame(X, columns=[f"x{column}" for column in range(X.shape[1])])
    experiment.setup(table, session_id=0, verbose=False, html=False)
    scored = []
    for name in ("kmeans", "hclust", "dbscan", "birch", "meanshift", "sc", "optics", "ap"):
        if scored and time.monotonic() - began > seconds / 2:
            break
        model = experiment.create_model(name, verbose=False)
        scored.append((experiment.pull()["Silhouette"].iloc[0], model.labels_))
    return [labels for _, labels in sorted(scored, key=lambda each: -each[0])]


# A further contender is one line here
OURS = ("gamac_meta.automl.estimator",)
CONTENDERS: dict[str, Contender] = {
    "ours": Contender(ours, OURS),
    "ours-recommended": Contender(lambda X, s, j: ours(X, s, j, measure="recommended"), OURS),
    "ours-learned": Contender(lambda X, s, j: ours(X, s, j, measure="learned"), OURS),
    "ours-silhouette": Contender(lambda X, s, j: ours(X, s, j, measure="silhouette"), OURS),
    "ours-landmarks": Contender(lambda X, *_: landmarks(X), OURS),
    "kmeans": Contender(lambda X, s, _: kmeans(X, s)),
    "kmeans-standardized": Contender(lambda X, s, _: kmeans(standardized(X), s)),
    "hdbscan": Contender(lambda X, *_: [hdbscan(X)]),
    "hdbscan-filled": Contender(lambda X, *_: [hdbscan_filled(X)]),
    "mixture-bic": Contender(lambda X, s, _: [mixture(X, s)]),
    "genie": Contender(lambda X, s, _: genie(X, s), (*SKLEARN, "genieclust")),
    "random-search": Contender(lambda X, s, _: random_search(X, s)),
}

# Run only by an interpreter that --peer-python names
PEERS: dict[str, Contender] = {
    "clusteval": Contender(lambda X, *_: [clusteval(X)], ("clusteval",)),
    "clustermatic": Contender(lambda X, *_: [clustermatic(X)], ("clustermatic",)),
    "optuclust": Contender(lambda X, *_: [optuclust(X)], ("optuclust",)),
    "pycaret": Contender(lambda X, s, _: pycaret(X, s), ("pycaret.clustering",)),
}


def main(name: str, seconds: float, jobs: int, folder: Path) -> None:
    contender = (CONTENDERS | PEERS)[name]
    for module in contender.needs:
        importlib.import_module(module)
    X = np.load(folder / "points.npy")
    began = time.monotonic()
    found = iter(contender.run(X, seconds, jobs))
    answer = next(found)
    took = time.monotonic() - began
    seen = [answer, *found]
    for labels in seen:
        if np.shape(labels) != (len(X),):
            raise ValueError(f"labels must have shape {(len(X),)}, got {np.shape(labels)}")
    np.savez(folder / "answer.npz", partitions=np.array(seen).astype(np.int32), seconds=took)


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
