"""How many simulated orders should one person's order weigh as much as?

    python benchmarks/person_weight.py

Made-up worlds of 15 candidates: people see what candidates are worth, with noise such that two of them agree as people
did in a published study (tau .228). Simulated assessors have the same noise around another idea of worth, which is
shared by all of them and resembles that of people more or less. Each cell is the mean tau of the mixed consensus with
what candidates are worth to people. The last column is people alone.

Two things speak for more weight than is best here: learning averages the noise of many data sets, and does not average
an idea that is wrong; and people are asked so that they are followed.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

import numpy as np

from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Floats, Ranking
from rankers.mixing import PERSON_WEIGHT, target_of

CANDIDATES = 15
NOISE = 1.35  # of worth's standard deviation: two people agree with tau .228
WEIGHTS = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 1e9)
CROWDS, PEOPLE = (5, 25), (1, 2, 3, 5)
LIKENESS = (0.0, 0.3, 0.5, 0.7, 0.9)  # correlation of the two ideas


def order(worth: Floats, assessor: str, rng: np.random.Generator) -> Ranking:
    """What an assessor makes of it."""
    seen = worth + NOISE * rng.normal(size=worth.size)
    return Ranking((-seen).argsort().argsort() + 1.0, assessor)


def agreement(crowd: int, people: int, likeness: float, weights: Sequence[float], worlds: int) -> Floats:
    """(weights,) mean tau of the consensus with the worth of candidates to people."""
    found = np.zeros(len(weights))
    for world in range(worlds):
        rng = np.random.default_rng(world)
        worth, other = rng.normal(size=(2, CANDIDATES))
        idea = likeness * worth + np.sqrt(1 - likeness**2) * other
        orders = [order(idea, f"simulated-{number}", rng) for number in range(crowd)]
        orders += [order(worth, f"person-{number}", rng) for number in range(people)]
        ranks = np.column_stack([target_of(tuple(orders), weight).consensus for weight in weights])
        found += kendall_tau(ranks, -worth[:, None])[:, 0] / worlds
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", metavar="N", type=int, default=400, help="of each kind (default: 400)")
    arguments = parser.parse_args()
    print(f"simulated  people  likeness  {''.join(f'{weight:>8g}' for weight in WEIGHTS)}")
    for crowd in CROWDS:
        for people in PEOPLE:
            for likeness in LIKENESS:
                taus = agreement(crowd, people, likeness, WEIGHTS, arguments.worlds)
                print(f"{crowd:9}  {people:6}  {likeness:8}  {''.join(f'{tau:8.3f}' for tau in taus)}", flush=True)
    print(f"the default weight is {PERSON_WEIGHT:g}")


if __name__ == "__main__":
    main()
