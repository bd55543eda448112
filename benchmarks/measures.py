"""CPU-seconds and peak memory of all measures on 15 partitions, beside installed peers and the arithmetic floor.

    python benchmarks/measures.py
    python benchmarks/measures.py --cases 5000x2 5000x2:random --repeats 5
    python benchmarks/measures.py --cases 5000x2 --no-peers --by-measure

A case is POINTSxCOLUMNS; its partitions follow clusters, as k-means, agglomerative, Gaussian mixtures and HDBSCAN make
them (k 2 to 20, some with noise). With `:random` labels have nothing to do with the points: the worst case for memory
caches and branches. Contenders run in turns on the same data in one process, after one run on 1000 points that compiles
and loads; what takes long is not repeated. CPU-seconds count all threads. Peak memory is that of a fresh process with
only one contender in it, so it includes Python and libraries. The floor is 3/2 n^2 d operations for the distances
(each pair once) and 2 n^2 K for their sums by cluster (K clusters in all partitions), at the speed at which the linear
algebra library multiplies float64 matrices in this run.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from gamac_meta.measures import MEASURES, MeasureEngine, evaluate
from gamac_meta.pairwise import views

COUNT = 15
SAMPLE = 1500  # points that the clusterers see; the others follow their nearest
LONG = 20.0  # CPU-seconds beyond which a contender is not repeated
SLOW_PEERS = 5000  # points beyond which only scikit-learn is asked
SETTLE = 0.5  # seconds before each run: threads of a peer's libraries spin for a while, on the account of the next
CASES = ("1000x2", "5000x2", "5000x2:random", "5000x32", "20000x2")
# CPU-seconds at most, times scikit-learn's three at least, MB at most; half the time is the stretch goal
TARGETS = {
    "1000x2": (0.2, None, None),
    "5000x2": (2.0, 10.0, None),
    "5000x32": (3.0, None, None),
    "20000x2": (20.0, 6.0, 300.0),
}
# CPU-seconds at most of one partition by one measure on a prepared engine, at this many points; None: no target
ENGINE_POINTS = 5000
ENGINE_TARGETS = {
    "silhouette": 0.05,
    "davies_bouldin": 0.001,
    "calinski_harabasz": 0.001,
    "simplified_silhouette": 0.001,
    "gd11": None,
    "cop": None,
}


# ---- data --------------------------------------------------------------------------------------------


def points(n, d):
    """(n, d) eight Gaussian clusters of unequal size and spread, and a tenth of the points everywhere."""
    rng = np.random.default_rng([n, d])
    member = rng.choice(8, n, p=np.arange(1, 9) / 36.0)
    X = 6.0 * rng.normal(size=(8, d))[member] + rng.normal(size=(n, d)) * rng.uniform(0.5, 2.0, 8)[member, None]
    astray = rng.random(n) < 0.1
    X[astray] = rng.uniform(X.min(axis=0), X.max(axis=0), (astray.sum(), d))
    return X


def clustered(X):
    """(15, n) labels by several algorithms, -1 is noise."""
    from scipy.spatial import cKDTree
    from sklearn.cluster import HDBSCAN, AgglomerativeClustering, KMeans
    from sklearn.mixture import GaussianMixture

    rows = np.random.default_rng(0).permutation(len(X))[:SAMPLE]
    sample = X[rows]
    makers = [KMeans(k, n_init=1, random_state=0) for k in (2, 5, 10, 20)]
    makers += [AgglomerativeClustering(k) for k in (3, 6, 12)]
    makers += [AgglomerativeClustering(k, linkage="average") for k in (4, 8)]
    makers += [GaussianMixture(k, random_state=0) for k in (2, 4, 7, 14)]
    makers += [HDBSCAN(min_cluster_size=size, copy=True) for size in (8, 20)]
    nearest = cKDTree(sample).query(X)[1]
    return np.stack([maker.fit_predict(sample)[nearest] for maker in makers]).astype(np.int32)


def make(case):
    """Points and partitions of a case."""
    shape, _, labels = case.partition(":")
    X = points(*map(int, shape.split("x")))
    if labels != "random":
        return X, clustered(X)
    rng = np.random.default_rng(0)
    return X, np.stack([rng.integers(0, k, len(X)) for k in np.linspace(2, 20, COUNT).round().astype(int)])


# ---- contenders --------------------------------------------------------------------------------------


def ours(X, partitions):
    evaluate(X, partitions, time_limit=None)  # exact


def our_three(X, partitions):
    evaluate(X, partitions, ["silhouette", "calinski_harabasz", "davies_bouldin"], time_limit=None)


def scikit_learn(X, partitions):
    from sklearn.metrics import calinski_harabasz_score, davies_bouldin_score, silhouette_score

    for labels in partitions:
        kept = labels >= 0
        for score in (silhouette_score, calinski_harabasz_score, davies_bouldin_score):
            score(X[kept], labels[kept])


def genieclust(X, partitions):
    from genieclust import cluster_validity as validity

    plain = (
        validity.calinski_harabasz_index,
        validity.negated_davies_bouldin_index,
        validity.negated_ball_hall_index,
        validity.negated_wcss_index,
        validity.silhouette_index,
        validity.silhouette_w_index,
        validity.wcnn_index,
    )
    for labels in partitions:
        kept = labels >= 0
        points, dense = X[kept], labels[kept]
        for index in plain:
            index(points, dense)
        for separation in range(1, 7):
            for extent in range(1, 4):
                validity.generalised_dunn_index(points, dense, separation, extent)
        validity.dunnowa_index(points, dense)


PERMETRICS = ("BHI", "CHI", "XBI", "DBI", "BRI", "DRI", "KDI", "DI", "LDRI", "LSRI", "SI", "SSEI", "MSEI", "DHI", "BI")
PERMETRICS += ("RSI", "DBCVI", "HI")


def permetrics(X, partitions):
    from permetrics import ClusteringMetric

    for labels in partitions:
        kept = labels >= 0
        metric = ClusteringMetric(X=X[kept], y_pred=labels[kept])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            metric.get_metrics_by_list_names(list(PERMETRICS))


# what it is called, the distribution, how many measures on each partition
PEERS: dict[str, tuple[Callable, int]] = {
    "scikit-learn": (scikit_learn, 3),
    "genieclust": (genieclust, 26),
    "permetrics": (permetrics, len(PERMETRICS)),
}


def contenders(case, with_peers):
    """(title, function, measures) of those installed that finish the case in reasonable time."""
    chosen = [
        (f"gamac-meta {metadata.version('gamac-meta')}", ours, len(MEASURES)),
        ("  of them scikit-learn's", our_three, 3),
    ]
    n = int(case.split("x")[0])
    for name, (run, measures) in PEERS.items() if with_peers else ():
        installed = name == "scikit-learn" or find_spec(name) is not None
        if installed and (name == "scikit-learn" or n <= SLOW_PEERS):
            chosen.append((f"{name} {metadata.version(name)}", run, measures))
    return chosen


# ---- clocks ------------------------------------------------------------------------------------------


def clocked(run, *arguments):
    """CPU-seconds of all threads, and seconds on the wall."""
    time.sleep(SETTLE)
    cpu, wall = time.process_time(), time.perf_counter()
    run(*arguments)
    return time.process_time() - cpu, time.perf_counter() - wall


def gemm_rate(size=1536, repeats=5):
    """Operations per CPU-second of a float64 matrix product, the best of several."""
    a = np.random.default_rng(0).normal(size=(size, size))
    return 2.0 * size**3 / min(clocked(np.matmul, a, a)[0] for _ in range(repeats))


def floor(X, partitions, rate):
    """CPU-seconds of the distances and of their sums by cluster at the speed of a matrix product."""
    n, d = X.shape
    clusters = int((partitions.max(axis=1) + 1).sum())
    return (1.5 * n * n * d + 2.0 * n * n * clusters) / rate


def peak_mb():
    """Most memory this process had resident."""
    # not ru_maxrss where there is a choice: it starts from the size of the process that made this one
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def peak_of_fresh_process(run, archive):
    done = subprocess.run(
        [sys.executable, __file__, "--memory", run.__name__, str(archive)], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


# ---- tables ------------------------------------------------------------------------------------------


def compare(case, X, partitions, repeats, with_peers):
    rate = gemm_rate()
    bound = floor(X, partitions, rate)
    k = partitions.max(axis=1) + 1
    print(
        f"\n{case}: {len(partitions)} partitions, k {k.min()} to {k.max()}, {int((partitions < 0).any(axis=1).sum())} "
        f"with noise; floor {bound:.3f} CPU-s at {rate / 1e9:.1f} GFLOP per CPU-s"
    )
    rows = contenders(case, with_peers)
    times = {title: [] for title, _, _ in rows}
    for _ in range(repeats):
        for title, run, _ in reversed(rows):
            if not times[title] or times[title][0][0] <= LONG:
                times[title].append(clocked(run, X, partitions))
    with tempfile.TemporaryDirectory() as folder:
        archive = Path(folder) / "case.npz"
        np.savez(archive, X=X, partitions=partitions)
        memory = {title: peak_of_fresh_process(run, archive) for title, run, _ in rows}
    own = min(cpu for cpu, _ in times[rows[0][0]])
    print(f"{'':24s} measures runs  CPU-s best  median  wall best  times ours  times floor  peak MB")
    for title, _, measures in rows:
        cpu, wall = (np.array(column) for column in zip(*times[title], strict=True))
        print(
            f"{title:24s} {measures:8d} {len(cpu):4d} {cpu.min():11.3f} {np.median(cpu):7.3f} {wall.min():10.3f} "
            f"{cpu.min() / own:11.2f} {cpu.min() / bound:12.1f} {memory[title]:8.0f}"
        )
    if case in TARGETS:
        reference = next((min(cpu for cpu, _ in times[t]) for t in times if t.startswith("scikit-learn")), None)
        judge(*TARGETS[case], own, reference, memory[rows[0][0]])


def judge(seconds, ratio, megabytes, own, reference, peak):
    """Targets beside the figures."""
    stretch = "met" if own <= seconds / 2 else "missed"
    print(f"target: {own:.3f} <= {seconds:g} CPU-s: {verdict(own, seconds)}; stretch {seconds / 2:g}: {stretch}")
    if ratio and reference:
        times = reference / own
        print(f"target: {times:.1f} >= {ratio:g} times less than scikit-learn's three: {verdict(-times, -ratio)}")
    if megabytes:
        print(f"target: {peak:.0f} <= {megabytes:g} MB: {verdict(peak, megabytes)}")


def verdict(figure, most):
    """Whether a target was met."""
    return "met" if figure <= most else "MISSED"


def on_an_engine(X, partitions, repeats):
    """CPU-seconds of one partition by one measure, the mean over partitions, where the points were seen before."""
    engine = MeasureEngine(X)

    def score(name):
        for labels in partitions:
            engine.score(labels, name)

    print("one partition by one measure on a prepared engine, CPU-s:")
    for name, seconds in ENGINE_TARGETS.items():
        score(name)
        taken = min(clocked(score, name)[0] for _ in range(repeats)) / len(partitions)
        judged = seconds is not None and len(X) == ENGINE_POINTS
        print(f"{name:24s} {taken:9.5f}" + (f"  target <= {seconds:g}: {verdict(taken, seconds)}" if judged else ""))


def by_measure(X, partitions, repeats):
    """CPU-seconds of each measure alone: on statistics that are there already, and from nothing."""
    ready = list(views(X, partitions))
    for view in ready:
        for measure in MEASURES.values():
            measure(view)

    def formula(measure):
        for view in ready:
            measure(view)

    def exactly(name):
        evaluate(X, partitions, [name], time_limit=None)

    rows = []
    for name, measure in MEASURES.items():
        warm = min(clocked(formula, measure)[0] for _ in range(repeats))
        cold = min(clocked(exactly, name)[0] for _ in range(repeats))
        rows.append((cold, warm, name, measure.cost))
    print(f"{'':24s} {'cost':10s} alone CPU-s  formula CPU-s")
    for cold, warm, name, cost in sorted(rows, reverse=True):
        print(f"{name:24s} {cost:10s} {cold:11.4f} {warm:14.4f}")
    print(f"{'sum':24s} {'':10s} {sum(row[0] for row in rows):11.4f} {sum(row[1] for row in rows):14.4f}")


def main() -> None:
    if sys.argv[1:2] == ["--memory"]:
        archive = np.load(sys.argv[3])
        globals()[sys.argv[2]](archive["X"], archive["partitions"])
        print(json.dumps(peak_mb()))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=CASES, metavar="NxD[:random]", help=f"default: {' '.join(CASES)}")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--by-measure", action="store_true", help="also the time of each measure alone")
    options = parser.parse_args()
    X, partitions = make("1000x2")
    for _, run, _ in contenders("1000x2", not options.no_peers):
        run(X, partitions)
    for case in options.cases:
        X, partitions = make(case)
        compare(case, X, partitions, options.repeats, not options.no_peers)
        on_an_engine(X, partitions, options.repeats)
        if options.by_measure:
            by_measure(X, partitions, options.repeats)


if __name__ == "__main__":
    main()
