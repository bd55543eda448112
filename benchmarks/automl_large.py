"""AutoClusterer on many points: time against the budget, memory, agreement with what was planted.

    python benchmarks/automl_large.py [--points 1000000] [--columns 16] [--budget 120] [--jobs 2]

Eight normal clouds. The search sees a sample, and says so; the others join the nearest of it.
"""

import argparse
import resource
import time

from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

from gamac_meta import AutoClusterer

CLOUDS = 8
SPREAD = 3.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=1_000_000)
    parser.add_argument("--columns", type=int, default=16)
    parser.add_argument("--budget", type=float, default=120.0)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    X, planted = make_blobs(options.points, options.columns, centers=CLOUDS, cluster_std=SPREAD, random_state=0)
    start = time.perf_counter()
    found = AutoClusterer(time_budget=options.budget, n_jobs=options.jobs, random_state=0).fit(X)
    wall = time.perf_counter() - start
    own, child = (resource.getrusage(who).ru_maxrss / 1e6 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    agreement = adjusted_rand_score(planted, found.labels_)
    print(
        f"{options.points} points, {options.columns} columns, budget {options.budget:g} s: {wall:.1f} s, "
        f"{len(found.trials_)} trials, {found.n_clusters_} clusters, ARI {agreement:.3f}, "
        f"peak {own:.2f} GB, largest worker {child:.2f} GB"
    )
    for notice in found.notices_:
        print(f"  {notice}")


if __name__ == "__main__":
    main()
