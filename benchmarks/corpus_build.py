"""CPU-seconds per data set of a corpus build and of what the ranker asks of it, by collection and stage.

python benchmarks/corpus_build.py [DATASETS]
"""

import sys
import time

from corpus.assessors import simulate
from corpus.candidates import SCHEMES, choose, pool
from corpus.generators import COLLECTIONS, draw_recipe, generate
from gamac_meta.measures import evaluate
from metafeatures import describe

WARM = 6  # data sets that compile and import


def main(datasets: int = 24, seed: int = 1) -> None:
    for collection in COLLECTIONS.values():
        spent = {}
        for index in range(collection.start, collection.start + datasets + WARM):
            if index == collection.start + WARM:
                spent.clear()
            clock_one(index, seed, spent)
        print(collection.name)
        for stage, seconds in [*spent.items(), ("all", sum(spent.values()))]:
            print(f"  {stage:14s} {seconds / datasets:7.3f} CPU-s per data set")


def clock_one(index: int, seed: int, spent: dict[str, float]) -> None:
    """Make one data set, and add what each stage takes."""

    def clock(stage, call):
        start = time.process_time()
        result = call()
        spent[stage] = spent.get(stage, 0.0) + time.process_time() - start
        return result

    sample = clock("generate", lambda: generate(draw_recipe(index, seed)))
    partitions = clock("pool", lambda: pool(sample.data, seed))
    chosen = clock("choice", lambda: choose(partitions, SCHEMES[index % 2], seed))
    clock("measures", lambda: evaluate(sample.data, partitions))
    clock("assessors", lambda: simulate(sample.data.X, sample.references, chosen, seed))
    clock("meta-features", lambda: describe(sample.data))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
