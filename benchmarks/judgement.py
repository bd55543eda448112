"""By what to pick one partition of many: the adjusted Rand index that is lost, against the size of the pool.

    python benchmarks/judgement.py --corpus corpora/default [--jobs 2] [--step 1] [--out docs/judgement.md]

Every data set of the corpus with planted clusters, judged by a model that saw nothing of its generator group. Of the
pool of about 80 partitions, parts of 10, 20, 40 and all are drawn (three draws of each data set); a judgement picks
one, and loses the index of the best of the same part less that of its pick. Means [95 % bootstrap interval over data
sets]. "shrunk": to the score is added the mean likeness (adjusted Rand index) to the others of the part, weighted by
their scores. "margin": HDBSCAN with min_cluster_size n/50 and noise filled, unless the score of another is greater by
so much (it is always in the part, for all). "then": the five best by the first are decided by the second.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from corpus.store import CorpusStore
from gamac_meta.files import replacing
from gamac_meta.types import Floats, Ints, Labels
from metafeatures import adjusted_rand
from rankers.metrics import bootstrap_mean
from rankers.training import assemble
from rankers.validation import leave_out

SIZES = (10, 20, 40, 1000)
DRAWS = 3
SHORTLIST = 5
SHARPNESS = 8.0  # of weights: a score that is .1 greater weighs about twice as much


@dataclass(frozen=True, eq=False)
class Pool:
    """What is known of the partitions of a data set; greater is better in all of it."""

    agreement: Floats  # (P,) with the generating labels, which no judgement may look at
    learned: Floats  # (P,)
    choice: Floats  # (P,)
    recommended: Floats  # (P,)
    silhouette: Floats  # (P,)
    dbcv: Floats  # (P,)
    likeness: Floats  # (P, P)
    prior: int | None  # place of HDBSCAN n/50 with noise filled


def shrunk(scores: Floats, likeness: Floats) -> Floats:
    """Scores and the weighted mean likeness to all."""
    weights = np.exp(SHARPNESS * (scores - scores.max()))
    return scores + likeness @ weights / weights.sum()


def in_two(first: Floats, second: Floats) -> Floats:
    """The second, for the best by the first; all others are behind."""
    kept = np.argsort(-first, kind="stable")[:SHORTLIST]
    found = np.full(len(first), -np.inf)
    found[kept] = second[kept]
    return found


class Part(NamedTuple):
    """Some rows of a pool."""

    pool: Pool
    rows: Ints

    def __getattr__(self, name: str) -> Floats:
        values = getattr(self.pool, name)
        return values[np.ix_(self.rows, self.rows)] if name == "likeness" else values[self.rows]

    def guarded(self, margin: float) -> Floats:
        """The choice, with a bonus for what is the answer unless beaten."""
        bonus = np.where(self.rows == (-1 if self.pool.prior is None else self.pool.prior), margin, 0.0)
        return self.choice + bonus


JUDGEMENTS: Mapping[str, Callable[[Part], Floats]] = {
    "learned choice": lambda part: part.choice,
    "learned choice, shrunk": lambda part: shrunk(part.choice, part.likeness),
    "learned choice, margin .02": lambda part: part.guarded(0.02),
    "learned choice, margin .05": lambda part: part.guarded(0.05),
    "learned choice, margin .1": lambda part: part.guarded(0.1),
    "learned choice, then learned measure": lambda part: in_two(part.choice, part.learned),
    "learned measure": lambda part: part.learned,
    "learned measure, shrunk": lambda part: shrunk(part.learned, part.likeness),
    "learned measure, then learned choice": lambda part: in_two(part.learned, part.choice),
    "recommended measure": lambda part: part.recommended,
    "recommended measure, then learned choice": lambda part: in_two(part.recommended, part.choice),
    "dbcv": lambda part: part.dbcv,
    "silhouette": lambda part: part.silhouette,
    "HDBSCAN n/50, noise filled": lambda part: part.guarded(100.0),
    "any": lambda part: np.random.default_rng(len(part.rows)).random(len(part.rows)),
}


def likeness(partitions: Labels) -> Floats:
    """(P, P) adjusted Rand index of every two of the partitions (P, n)."""
    found = np.eye(len(partitions))
    for i in range(len(partitions)):
        for j in range(i):
            found[i, j] = found[j, i] = adjusted_rand(partitions[i], partitions[j])
    return found


def pools(directory: Path, jobs: int, step: int) -> list[Pool]:
    """Every step-th data set with planted clusters, scored by models that saw nothing of its group."""
    assembled = assemble(directory, n_jobs=jobs, progress=True)
    lesson = assembled.lesson
    held_out = leave_out(lesson, n_jobs=jobs, progress="leaving each group out")
    picks = held_out.picks("points")
    found = []
    with CorpusStore(directory) as store:
        for place, entry in enumerate(tqdm(store.entries(orders=False), total=len(lesson.cases), desc="pools")):
            agreement = lesson.cases[place].agreement
            if agreement is None or place % step:
                continue
            table, scores = entry.pool_table, held_out.predicted[place].learned
            preference = -table.ranks()
            labels = entry.pool.labels
            wanted = f"hdbscan(min_cluster_size={max(5, entry.data.n // 50)}, "
            names = [maker.startswith(wanted) and "nearest" in maker for maker in entry.pool.makers]
            # without noise, filled and not are one partition
            names = names if any(names) else [maker.startswith(wanted) for maker in entry.pool.makers]
            found.append(
                Pool(
                    agreement,
                    scores.pool,
                    scores.choice,
                    preference[:, picks[place]],
                    preference[:, table.measures.index("silhouette")],
                    preference[:, table.measures.index("dbcv")],
                    likeness(labels),
                    names.index(True) if any(names) else None,
                )
            )
    return found


def losses(pool: Pool, size: int, seed: int) -> dict[str, float]:
    """Mean loss of each judgement over parts of a pool."""
    rng = np.random.default_rng(seed)
    total = dict.fromkeys(JUDGEMENTS, 0.0)
    for _ in range(DRAWS):
        rows = rng.permutation(len(pool.agreement))[:size]
        if pool.prior is not None and pool.prior not in rows:
            rows[0] = pool.prior
        part = Part(pool, np.sort(rows))
        for name, judgement in JUDGEMENTS.items():
            total[name] += float(part.agreement.max() - part.agreement[int(np.argmax(judgement(part)))]) / DRAWS
    return total


def report(found: list[Pool]) -> str:
    """The table, in Markdown."""
    heads = [f"{size}" if size < 1000 else "all, about 80" for size in SIZES]
    lines = ["| judgement | " + " | ".join(heads) + " |", "|---" * (len(SIZES) + 1) + "|"]
    lost = [[losses(pool, size, place) for place, pool in enumerate(tqdm(found, desc=f"{size}"))] for size in SIZES]
    for name in JUDGEMENTS:
        cells = [str(bootstrap_mean(np.array([each[name] for each in column]))) for column in lost]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--step", type=int, default=1)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    found = pools(options.corpus, options.jobs, options.step)
    with_prior = sum(pool.prior is not None for pool in found)
    table = report(found)
    text = f"{len(found)} data sets, {with_prior} of them with HDBSCAN n/50 in the pool\n\n{table}\n"
    print(text)
    if options.out is not None:
        with replacing(options.out) as stream:
            stream.write(text.encode())


if __name__ == "__main__":
    main()
