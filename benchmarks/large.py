"""Many points: time, memory, and what is an estimate, of all or some measures on 15 partitions within a time limit.

    python benchmarks/large.py
    python benchmarks/large.py --cases 100000x2 --time-limit 30 --exact
    python benchmarks/large.py --cases 1000000x2 --measures gd11 cop

A case is POINTSxCOLUMNS, with the points and partitions of benchmarks/measures.py. Each runs in a fresh process.
Memory is the most that was resident beyond Python, the libraries, the points and the labels. With --exact everything
is measured again without a limit, and the intervals are held against the values.
"""

import argparse
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from measures import make, peak_mb

from gamac_meta import evaluate

CASES = ("100000x2", "1000000x16")


def resident_mb():
    """What this process has resident now."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) / 1024


def measure(case, limit, exact, names):
    X, partitions = make(case)
    k = partitions.max(axis=1) + 1
    print(
        f"\n{case}: {len(partitions)} partitions, k {k.min()} to {k.max()}, {int((partitions < 0).any(axis=1).sum())} "
        f"with noise; time limit {limit:g} s"
    )
    # compiled and loaded first: what is exact, and what is not
    for count, little in ((1000, None), (6000, 1e-3)):
        evaluate(X[:count], partitions[:, :count], names, time_limit=little)
    before, wall, cpu = resident_mb(), time.perf_counter(), time.process_time()
    table = evaluate(X, partitions, names, time_limit=limit)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"wall {wall:.1f} s, CPU {cpu:.1f} s, memory {peak_mb() - before:.0f} MB")
    print(f"exact: {len(table.measures) - len(table.approximate)} of {len(table.measures)} measures")
    for method in dict.fromkeys(table.methods.values()):
        print(f"{method}: {sum(how == method for how in table.methods.values())} measures")
    truth = evaluate(X, partitions, names, time_limit=None) if exact else None
    print(f"{'':24s} half an interval over the spread of values {'':10s}" + ("inside" if exact else ""))
    for column, name in enumerate(table.measures):
        low, high = table.low[:, column], table.high[:, column]
        if name not in table.approximate or np.isnan(high).all():
            continue
        # what it is to tell apart
        spread = np.nanstd(table.values[:, column])
        half = (high - low) / 2
        inside = ""
        if truth is not None:
            values = truth.values[:, column]
            held = (low <= values) & (values <= high)
            inside = f"{held.sum():3d} of {np.isfinite(values).sum()}"
        print(f"{name:24s} {np.nanmedian(half):10.4g} {np.nanmedian(half) / spread:10.3f} {'':24s}{inside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=CASES, metavar="NxD", help=f"default: {' '.join(CASES)}")
    parser.add_argument("--time-limit", type=float, default=120.0, metavar="SECONDS")
    parser.add_argument("--exact", action="store_true", help="also the exact values, and how many lie inside")
    parser.add_argument("--measures", nargs="+", metavar="NAME", help="default: all")
    options = parser.parse_args()
    if len(options.cases) == 1:
        measure(options.cases[0], options.time_limit, options.exact, options.measures)
        return
    rest = ["--time-limit", str(options.time_limit), *(["--exact"] if options.exact else [])]
    rest += ["--measures", *options.measures] if options.measures else []
    for case in options.cases:
        subprocess.run([sys.executable, __file__, "--cases", case, *rest], check=True)


if __name__ == "__main__":
    main()
