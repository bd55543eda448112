"""How much simulated assessors agree with one another, beside what was found of people, and what they cost.

    python benchmarks/assessors.py [--datasets 60] [--seed 1] [--jobs 1]

The shipped noise scale (corpus.assessors.NOISE_SCALE) is the one whose pairwise agreement is that of
people; run this again after a change of tastes, generators or candidates, and set it anew.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from functools import partial

import numpy as np

from corpus import assessors
from corpus.candidates import SCHEMES, partition
from corpus.consensus import consensus
from corpus.generators import draw_recipe, generate
from gamac_meta.agreement import kendall_tau, kendall_w, leave_one_out_tau, pairwise_tau, same_best_share
from gamac_meta.executor import run

PEOPLE = {"pairwise tau": 0.228, "leave-one-out tau": 0.321, "same best": 0.20}  # five people, 400 views


def judged(index: int, seed: int) -> tuple[str, dict[str, float]]:
    """Generator group and figures of one data set."""
    sample = generate(draw_recipe(index, seed))
    candidates = partition(sample.data, seed=seed + index, scheme=SCHEMES[index % len(SCHEMES)])
    start = time.process_time()
    orders = assessors.simulate(sample.data.X, sample.references, candidates, seed + index)
    cost = time.process_time() - start
    ranks = np.column_stack([order.ranks for order in orders])
    true = assessors.true_order(sample.data.X, sample.references, candidates).ranks[:, None]
    likeness = [
        max(assessors.external_rand(row, reference) for reference in sample.references) for row in candidates.labels
    ]
    return sample.group, {
        "pairwise tau": pairwise_tau(ranks),
        "leave-one-out tau": leave_one_out_tau(ranks),
        "same best": same_best_share(ranks),
        "Kendall W": kendall_w(ranks),
        "tau of one with noise-free": float(kendall_tau(ranks, true).mean()),
        "tau of consensus with noise-free": float(kendall_tau(consensus(orders).ranks[:, None], true)[0, 0]),
        "tau of noise-free with label agreement": float(kendall_tau(-true, np.array(likeness)[:, None])[0, 0]),
        "CPU-s": cost,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    results = [
        result
        for _, result in run(
            partial(judged, seed=arguments.seed), list(range(arguments.datasets)), n_jobs=arguments.jobs
        )
    ]
    print(f"{'simulated assessors':40s} {'mean':>7s} {'s.e.':>6s} {'people':>7s}")
    for name in results[0][1]:
        values = np.array([figures[name] for _, figures in results])
        people = f"{PEOPLE[name]:7.3f}" if name in PEOPLE else ""
        print(f"{name:40s} {values.mean():7.3f} {values.std() / np.sqrt(values.size):6.3f} {people}")
    groups = defaultdict(list)
    for group, figures in results:
        groups[group].append(figures["pairwise tau"])
    print("pairwise tau by group: " + ", ".join(f"{name} {np.mean(groups[name]):.2f}" for name in sorted(groups)))


if __name__ == "__main__":
    main()
