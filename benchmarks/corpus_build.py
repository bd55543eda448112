"""CPU-seconds per data set of a corpus build and of what the ranker asks of it, by collection and stage.

    python benchmarks/corpus_build.py [DATASETS] [--train CORPUS]

and what that makes of a corpus as large as the shipped model's, which CONTRIBUTING.md says how to build: every
data set is made by itself, so the time is theirs added up, over as many processes as there are cores. --train:
instead, time and CPU time of training alone, from a built corpus with descriptions to a model in memory, in one
process and without the validation, which fits everything ten times more.
"""

import argparse
import time
from pathlib import Path

from corpus.assessors import simulate
from corpus.candidates import SCHEMES, choose, pool
from corpus.generators import COLLECTIONS, draw_recipe, generate
from gamac_meta.measures import evaluate
from metafeatures import describe
from rankers.assembly import assemble
from rankers.pipeline import fit

WARM = 6  # data sets that compile and import
ASSESSORS = 25
SHIPPED = {"plane": 1000, "views": 160, "high_dimensional": 80, "noisy": 40, "borders": 60}


def clock_building(datasets: int, seed: int = 1) -> None:
    minutes = 0.0
    for collection in COLLECTIONS.values():
        spent = {}
        for index in range(collection.start, collection.start + datasets + WARM):
            if index == collection.start + WARM:
                spent.clear()
            clock_one(index, seed, spent)
        print(collection.name)
        for stage, seconds in [*spent.items(), ("all", sum(spent.values()))]:
            print(f"  {stage:14s} {seconds / datasets:7.3f} CPU-s per data set")
        minutes += SHIPPED[collection.name] * sum(spent.values()) / datasets / 60.0
    print(f"{sum(SHIPPED.values())} data sets, {SHIPPED}: {minutes:.1f} CPU-minutes")


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
    clock("assessors", lambda: simulate(sample.data.X, sample.references, chosen, seed, ASSESSORS))
    clock("meta-features", lambda: describe(sample.data))


def clock_training(directory: Path) -> None:
    wall, spent = time.perf_counter(), time.process_time()
    lesson = assemble(directory).lesson
    read = time.process_time()
    fit(lesson.cases, lesson.feature_names, lesson.measures, 0)
    wall, end = time.perf_counter() - wall, time.process_time()
    print(f"{directory}, {len(lesson.cases)} data sets, one process, no validation")
    print(f"  read and assemble {read - spent:7.1f} CPU-s")
    print(f"  fit everything    {end - read:7.1f} CPU-s")
    print(f"  all               {end - spent:7.1f} CPU-s, {wall:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="?", type=int, default=24)
    parser.add_argument("--train", type=Path, metavar="CORPUS")
    options = parser.parse_args()
    if options.train:
        clock_training(options.train)
    else:
        clock_building(options.datasets)
