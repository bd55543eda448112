"""The pass over pairs on a CUDA device: agreement with the CPU, and seconds.

    python benchmarks/gpu.py
    python benchmarks/gpu.py --cases 10000x2 100000x16

A case is POINTSxCOLUMNS, with the points and the 15 partitions of benchmarks/measures.py. Up to CHECKED points every
measure of every partition is computed twice, from the pass on the CPU and from that on the device; beyond, statistics
of some points are compared with their distances to all others. Seconds are wall time, warm, of: sums of distances; the
same with the extremes; nearest outsiders; order of distances (histograms and the extreme sums, and up to 4096 points
the sort, which is the CPU's). Points and partitions are on the host before, results after. Without a device that
answers the program says why and ends with 1; it ends with 1, too, where a value differs by more than TOLERANCE.

Where cuML is installed, each of its clusterers is run on well separated clouds beside scikit-learn's, with parameters
translated as AutoClusterer does; labels must agree to an adjusted Rand index of ALIKE.
"""

import argparse
import datetime as dt
import importlib.util
import sys
import time

import numpy as np
from measures import make
from scipy.spatial.distance import cdist

from gamac_meta.backend import cupy_device, gpu_status
from gamac_meta.device_pass import DevicePass
from gamac_meta.measures import MEASURES
from gamac_meta.near_pass import NearPass
from gamac_meta.pair_pass import PairPass
from gamac_meta.pairwise import PartitionView
from gamac_meta.points import SharedPoints

CASES = ("10000x2", "10000x16", "100000x2", "100000x16", "1000000x2", "1000000x16")
CHECKED = 10_000  # points up to which the CPU makes every pair, too
SPOTS = 20  # points compared beyond
LONG = 200_000  # points beyond which only sums and extremes are made, unless --everything
ALIKE = 0.98  # adjusted Rand index of cuML's labels with scikit-learn's
TOLERANCE = 1e-9  # relative; of what is 0 on one side, absolute
TARGETS = {"100000x16": 1.0, "1000000x16": 30.0}  # seconds at most for the sums, on an H200


def difference(made, expected):
    """Largest relative difference of two arrays; infinite where only one is defined."""
    made, expected = np.asarray(made), np.asarray(expected)
    if np.any(np.isnan(made) != np.isnan(expected)):
        return np.inf
    size = np.maximum(np.abs(made), np.abs(expected))
    apart = np.abs(made - expected) / np.where(np.minimum(np.abs(made), np.abs(expected)) == 0.0, 1.0, size)
    return float(np.nanmax(np.where(made == expected, 0.0, apart), initial=0.0))


def measured(X, passed):
    """(p, m) values of all measures, from one pass over pairs."""
    shared = SharedPoints(X)
    near = NearPass(shared, passed.labels)
    rows = []
    for row, labels in enumerate(passed.labels):
        view = PartitionView(X, labels, pairs=passed, row=row, shared=shared, near=near)
        rows.append([measure(view) for measure in MEASURES.values()])
    return np.array(rows)


def compare_measures(X, partitions, device):
    """Largest relative difference of each measure between the CPU and the device."""
    here, there = measured(X, PairPass(X, partitions)), measured(X, DevicePass(X, partitions, device))
    return {name: difference(there[:, column], here[:, column]) for column, name in enumerate(MEASURES)}


def compare_spots(X, partitions, made):
    """Largest relative difference of each statistic at some points, from their distances to all others."""
    spots = np.random.default_rng(0).choice(len(X), SPOTS, replace=False)
    distances = cdist(X[spots], X)
    found = {"own_mean": [], "other_mean": [], "own_farthest": []}
    if "outsider_means" in made.__dict__:
        found["outsider_mean"] = []
    for q, labels in enumerate(partitions):
        for spot, row in zip(spots, distances, strict=True):
            own = labels[spot]
            if own < 0:
                continue
            clustered = labels >= 0
            counts = np.bincount(labels[clustered])
            sums = np.bincount(labels[clustered], weights=row[clustered])
            others = np.arange(counts.size) != own
            with np.errstate(invalid="ignore"):
                own_mean = sums[own] / (counts[own] - 1)
            found["own_mean"].append((made.sums.own_mean[q, spot], own_mean))
            found["other_mean"].append((made.sums.other_mean[q, spot], np.min(sums[others] / counts[others])))
            found["own_farthest"].append((made.extremes.own_farthest[q, spot], row[labels == own].max()))
            if "outsider_mean" in found:
                outside = row[clustered & (labels != own)]
                wanted = min(counts[own], outside.size)
                nearest = np.partition(outside, wanted - 1)[:wanted].mean()
                found["outsider_mean"].append((made.outsider_means[q, spot], nearest))
    return {name: difference(*np.array(pairs).T) for name, pairs in found.items()}


def clocked(X, partitions, device, everything):
    """The pass with all that it made, and wall seconds by part."""
    seconds = {}

    def clock(part, work):
        start = time.perf_counter()
        result = work()
        seconds[part] = time.perf_counter() - start
        return result

    clock("sums", lambda: DevicePass(X, partitions, device, together=()).sums)
    made = DevicePass(X, partitions, device)
    clock("extremes", lambda: made.extremes)
    if everything or len(X) <= LONG:
        clock("outsiders", lambda: made.outsider_means)
        clock("order", lambda: (made.concordance, made.extreme_sums))
    return made, seconds


def run(case, device, everything=False):
    """Print one case; returns whether it agrees."""
    X, partitions = make(case)
    X = X - X.mean(axis=0)
    made, seconds = clocked(X, partitions, device, everything)
    small = len(X) <= CHECKED
    differences = compare_measures(X, partitions, device) if small else compare_spots(X, partitions, made)
    worst = max(differences, key=lambda name: differences[name])
    times = " ".join(f"{seconds[part]:>9.3f}" if part in seconds else f"{'-':>9}" for part in PARTS)
    target = f"  (sums within {TARGETS[case]:g} s wanted)" if case in TARGETS else ""
    print(
        f"{case:>11} {times}   {len(differences):>3} compared, {differences[worst]:.1e} in {worst}{target}", flush=True
    )
    return differences[worst] <= TOLERANCE


# parameters that separate the clouds of `compare_clusterers`
PARITY = {
    "kmeans": {"n_clusters": 5},
    "agglomerative": {"n_clusters": 5, "linkage": "single"},
    "dbscan": {"eps": 0.5, "min_samples": 5},
    "hdbscan": {"min_cluster_size": 100, "min_samples": 5},
    "spectral": {"n_clusters": 5, "n_neighbors": 10},
}


def compare_clusterers(n=5000):
    """Adjusted Rand index and seconds of cuML's clusterers beside scikit-learn's, and whether all agree."""
    from sklearn.metrics import adjusted_rand_score

    from gamac_meta.clusterers import CLUSTERERS

    rng = np.random.default_rng(0)
    X = 0.3 * rng.normal(size=(n, 2)) + 4.0 * rng.permutation(np.mgrid[:3, :3].reshape(2, 9).T)[np.arange(n) % 5]
    agreed = True
    for name, parameters in PARITY.items():
        clusterer = CLUSTERERS[name]
        labels = {}
        seconds = {}
        for place, estimator in (
            ("cpu", clusterer.make(0, **parameters)),
            ("device", clusterer.make_on_device(0, **parameters)),
        ):
            start = time.perf_counter()
            labels[place] = np.asarray(estimator.fit_predict(X))
            seconds[place] = time.perf_counter() - start
        alike = adjusted_rand_score(labels["cpu"], labels["device"])
        agreed &= alike >= ALIKE
        print(f"{name:>16}  {alike:.3f} alike, {seconds['cpu']:.3f} s here, {seconds['device']:.3f} s on the device")
    return agreed


PARTS = ("sums", "extremes", "outsiders", "order")


def main(argv=None):
    """Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", nargs="+", default=CASES, metavar="NxD")
    parser.add_argument("--everything", action="store_true", help=f"outsiders and order beyond {LONG} points, too")
    arguments = parser.parse_args(argv)
    available, why = gpu_status()
    if not available:
        print(f"nothing was measured: {why}", file=sys.stderr)
        return 1
    device = cupy_device()
    runtime = device.xp.cuda.runtime
    name = runtime.getDeviceProperties(runtime.getDevice())["name"].decode()
    print(f"{name}, {dt.date.today().isoformat()}, cupy {device.xp.__version__}, tolerance {TOLERANCE:g}")
    clocked(*make("300x2"), device, everything=True)  # compiles
    print(f"{'case':>11} " + " ".join(f"{part:>9}" for part in PARTS) + "   largest relative difference from the CPU")
    agreed = [run(case, device, arguments.everything) for case in arguments.cases]
    if importlib.util.find_spec("cuml") is None:
        print("clusterers were not compared: cuml is not installed (extra 'gpu-cuml')")
    else:
        agreed.append(compare_clusterers())
    if not all(agreed):
        print("some values differ by more than the tolerance", file=sys.stderr)
    return 0 if all(agreed) else 1


if __name__ == "__main__":
    sys.exit(main())
