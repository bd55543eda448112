"""What the studio's protocols ask of an assessor and how near they come to the assessor's true order, beside others.

    python benchmarks/protocols.py [--runs 200] [--items 15] [--noise 1.3] [--seed 1] [--jobs 1]

Assessors are simulated. Each has a true order of the candidates, evenly spaced. Of a pair they prefer the one that
is d ranks better with chance 1 / (1 + exp(-d / noise)): at 1.3 neighbors are told right 68 times of 100. Of a set
they choose the best by the same law (Luce's), then the worst of the rest. "Fresh" noise is drawn for each answer;
a "stubborn" assessor gives the same answer whenever the same pair is asked. Real ones are between the two.
At a noise of 1.3 binary insertion alone reaches a tau of .84, as in the study that DESIGN's protocols come from.
The default takes about 70 CPU-s.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from corpus.consensus import bradley_terry
from corpus.protocols import PROTOCOLS, make_plan, replay
from corpus.protocols.strengths import mean_ranks
from gamac_meta.agreement import kendall_tau
from gamac_meta.executor import run
from rankers.metrics import bootstrap_means

PAIRS = 56  # of random pairs
SETS = {4: 28, 5: 22}  # sets by size: as many candidates are looked at as in PAIRS pairs
PRIOR = 0.2  # games, in fits of all methods that are not the studio's


class Assessor:
    """A simulated one; counts questions and the candidates looked at."""

    def __init__(self, items: int, noise: float, stubborn: bool, rng: np.random.Generator) -> None:
        self.true = rng.permutation(items) + 1.0  # (p,) ranks, 1 is best
        self.liking = -np.append(self.true, 3.0 * items) / noise  # the last is the decoy, plainly bad
        self.answers: dict[tuple[int, int], bool] | None = {} if stubborn else None
        self.rng = rng
        self.questions = self.looked_at = 0

    def prefers(self, first: int, second: int) -> bool:
        self.questions += 1
        self.looked_at += 2
        if self.answers is not None and (first, second) in self.answers:
            return self.answers[first, second]
        better = bool(self.rng.random() < 1 / (1 + np.exp(self.liking[second] - self.liking[first])))
        if self.answers is not None:
            self.answers |= {(first, second): better, (second, first): not better}
        return better

    def best_and_worst(self, shown: np.ndarray) -> tuple[int, int]:
        self.questions += 1
        self.looked_at += shown.size
        best = shown[np.argmax(self.liking[shown] + self.rng.gumbel(size=shown.size))]
        rest = shown[shown != best]
        return int(best), int(rest[np.argmax(self.rng.gumbel(size=rest.size) - self.liking[rest])])


def positions(order: list[int]) -> np.ndarray:
    ranks = np.empty(len(order))
    ranks[order] = np.arange(len(order))
    return ranks


def fitted(wins: np.ndarray) -> np.ndarray:
    return mean_ranks(-np.round(bradley_terry(wins, PRIOR), 6))


def linear_insertion(assessor: Assessor, items: int) -> np.ndarray:
    """From the best down, until the first that is worse."""
    order: list[int] = []
    for item in assessor.rng.permutation(items).tolist():
        place = next((place for place, other in enumerate(order) if assessor.prefers(item, other)), len(order))
        order.insert(place, item)
    return positions(order)


def binary_insertion(assessor: Assessor, items: int) -> np.ndarray:
    order: list[int] = []
    for item in assessor.rng.permutation(items).tolist():
        low, high = 0, len(order)
        while low < high:
            middle = (low + high) // 2
            if assessor.prefers(item, order[middle]):
                high = middle
            else:
                low = middle + 1
        order.insert(low, item)
    return positions(order)


def random_pairs(assessor: Assessor, items: int) -> np.ndarray:
    wins = np.zeros((items, items))
    rows, columns = np.triu_indices(items, k=1)
    for pair in assessor.rng.permutation(rows.size)[:PAIRS]:
        first, second = int(rows[pair]), int(columns[pair])
        winner, loser = (first, second) if assessor.prefers(first, second) else (second, first)
        wins[winner, loser] += 1
    return fitted(wins)


def best_worst_scaling(assessor: Assessor, items: int, size: int) -> np.ndarray:
    """Sets dealt from shuffled decks; each choice is as many pairs as it decides."""
    wins = np.zeros((items, items))
    decks = dealt(assessor.rng, items, size)
    for _ in range(SETS[size]):
        shown = next(decks)
        best, worst = assessor.best_and_worst(shown)
        middle = shown[(shown != best) & (shown != worst)]
        wins[best, [*middle, worst]] += 1
        wins[middle, worst] += 1
    return fitted(wins)


def dealt(rng: np.random.Generator, items: int, size: int) -> Iterator[np.ndarray]:
    """Sets of different items, each item about equally often."""
    waiting: list[int] = []
    while True:
        shown: list[int] = []
        while len(shown) < size:
            fresh = [item for item in waiting if item not in shown]
            if fresh:
                shown.append(fresh[0])
                waiting.remove(fresh[0])
            else:
                waiting += rng.permutation(items).tolist()
        yield np.array(shown)


def studio(assessor: Assessor, items: int, protocol: str, **options) -> np.ndarray:
    state = replay(make_plan(protocol, items, int(assessor.rng.integers(2**32)), **options), [])
    while state.stage == "compare":
        question = state.question
        verdict = "left" if assessor.prefers(question.left, question.right) else "right"
        state = state.answer({"left": question.left, "right": question.right, "verdict": verdict})
    return state.ranks


METHODS: dict[str, Callable[[Assessor, int], np.ndarray]] = {
    "linear insertion": linear_insertion,
    "binary insertion": binary_insertion,
    "random pairs, fit": random_pairs,
    **{f"best-worst of {size}, fit": partial(best_worst_scaling, size=size) for size in SETS},
    **{f"studio: {protocol}": partial(studio, protocol=protocol) for protocol in PROTOCOLS},
    **{
        f"  its comparisons only: {protocol}": partial(studio, protocol=protocol, repeats=0.0, attention=0)
        for protocol in PROTOCOLS
    },
}


def session(number: int, seed: int, items: int, noise: float) -> dict[str, list[float]]:
    """Per method: questions, candidates looked at, tau by fresh noise, is the best first, tau by stubborn noise."""
    figures = {}
    for name, method in METHODS.items():
        row: list[float] = []
        for stubborn in (False, True):
            assessor = Assessor(items, noise, stubborn, np.random.default_rng([seed, number]))
            ranks = method(assessor, items)
            tau = float(kendall_tau(ranks[:, None], assessor.true[:, None])[0, 0])
            best = float(ranks[assessor.true == 1.0][0] == ranks.min())
            row += [tau] if stubborn else [assessor.questions, assessor.looked_at, tau, best]
        figures[name] = row
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--items", type=int, default=15)
    parser.add_argument("--noise", type=float, default=1.3, help="of the logistic law, in ranks")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    start = time.monotonic()
    work = partial(session, seed=arguments.seed, items=arguments.items, noise=arguments.noise)
    sessions = [figures for _, figures in run(work, range(arguments.runs), n_jobs=arguments.jobs)]
    print(
        f"{arguments.runs} simulated assessors, {arguments.items} candidates, noise {arguments.noise} ranks, "
        f"seed {arguments.seed}; mean tau with the true order [95 % bootstrap interval]\n"
    )
    print(f"{'':40}{'questions':>10}{'looked at':>10}{'tau, fresh noise':>22}{'best first':>12}{'stubborn':>22}")
    for name in METHODS:
        values = np.array([figures[name] for figures in sessions])
        questions, looked_at, tau, best, stubborn = bootstrap_means(values)
        intervals = [str(tau), str(stubborn)]
        # of sets nobody was asked the same twice
        again = "" if name.startswith("best-worst") else intervals[1]
        print(f"{name:40}{questions.mean:10.1f}{looked_at.mean:10.1f}{intervals[0]:>22}{best.mean:12.2f}{again:>22}")
    print(f"\n{time.monotonic() - start:.0f} s")


if __name__ == "__main__":
    main()
