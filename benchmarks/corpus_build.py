"""CPU-seconds per data set of a corpus build, by stage.

python benchmarks/corpus_build.py [DATASETS]
"""

import sys
import time

from corpus.assessors import simulate
from corpus.candidates import SCHEMES, choose, pool, taken
from corpus.generators import draw_recipe, generate
from gamac_meta.measures import evaluate
from metafeatures import describe


def main(datasets: int = 40, seed: int = 1) -> None:
    spent: dict[str, float] = {}

    def clock(stage, call):
        start = time.process_time()
        result = call()
        spent[stage] = spent.get(stage, 0.0) + time.process_time() - start
        return result

    def one(index):
        sample = clock("generate", lambda: generate(draw_recipe(index, seed)))
        partitions = clock("pool", lambda: pool(sample.data, seed))
        chosen = clock("choice", lambda: taken(partitions, choose(partitions, SCHEMES[index % 2], seed)))
        clock("measures", lambda: evaluate(sample.data, partitions))
        clock("assessors", lambda: simulate(sample.data.X, sample.references, chosen, seed))
        clock("meta-features", lambda: describe(sample.data))

    one(0)  # compiles and imports
    spent.clear()
    for index in range(1, datasets + 1):
        one(index)
    for stage, seconds in spent.items():
        print(f"{stage:14s} {seconds / datasets:7.3f} CPU-s per data set")
    print(f"{'all':14s} {sum(spent.values()) / datasets:7.3f} CPU-s per data set")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
