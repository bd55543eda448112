"""CPU-seconds and peak memory of recommend_measure, cold (a fresh interpreter) and warm, and of score_partitions.

    python benchmarks/recommend.py

Each row is one fresh process: the first call includes imports and loading the model, and compiled
kernels come from numba's cache, as for any user after the first run. Scored are 15 partitions by the
learned measure, warm.
"""

import json
import resource
import subprocess
import sys
import time

CASES = [(1_000, 2), (1_000, 16), (5_000, 2), (100_000, 2), (100_000, 16)]


def measure(n: int, d: int, warm_calls: int = 3) -> dict[str, float]:
    """One process: the first call, then the mean of the next ones."""
    import numpy as np

    X = np.random.default_rng(0).normal(size=(n, d)) + 8.0 * np.random.default_rng(1).integers(0, 3, (n, 1))
    start = time.process_time()
    from gamac_meta import recommend_measure

    recommend_measure(X)
    cold = time.process_time() - start
    start, wall = time.process_time(), time.perf_counter()
    for _ in range(warm_calls):
        recommend_measure(X)
    warm, warm_wall = (time.process_time() - start) / warm_calls, (time.perf_counter() - wall) / warm_calls
    from gamac_meta import score_partitions

    # slices along the first column, 2 to 16 of them
    place = X[:, 0].argsort().argsort()
    partitions = np.array([place * k // n for k in range(2, 17)])
    score_partitions(X, partitions)
    start = time.process_time()
    score_partitions(X, partitions)
    return {
        "cold": cold,
        "warm": warm,
        "warm_wall": warm_wall,
        "scored": time.process_time() - start,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    if len(sys.argv) == 3:
        print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]))))
        return
    print(
        f"{'n':>8s} {'d':>4s} {'cold CPU-s':>11s} {'warm CPU-s':>11s} {'warm wall s':>12s} {'scored CPU-s':>13s} "
        f"{'peak MB':>8s}"
    )
    for n, d in CASES:
        command = [sys.executable, __file__, str(n), str(d)]
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        row = json.loads(run.stdout)
        print(
            f"{n:8d} {d:4d} {row['cold']:11.2f} {row['warm']:11.2f} {row['warm_wall']:12.2f} {row['scored']:13.2f} "
            f"{row['peak_mb']:8.0f}"
        )


if __name__ == "__main__":
    main()
