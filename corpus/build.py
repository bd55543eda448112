"""The whole corpus: generate, partition, measure, order, store. Resumable at any kill."""

from __future__ import annotations

import sys
from contextlib import closing
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from corpus.assessors import simulate
from corpus.candidates import SCHEMES, choose_rows, pool, taken
from corpus.generators import COLLECTIONS, GENERATORS, LARGEST_COLLECTION, draw_recipe, generate
from corpus.store import CorpusStore, Entry, Summary
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.executor import require_jobs, run
from gamac_meta.inputs import scaled
from gamac_meta.measures import MEASURES, evaluate


@dataclass(frozen=True)
class Task:
    """One data set to make; everything random in it follows from seed and index."""

    index: int
    seed: int
    assessors: int

    @property
    def scheme(self) -> str:
        """The schemes take turns."""
        return SCHEMES[self.index % len(SCHEMES)]

    @property
    def candidates_seed(self) -> int:
        """A seed of its own for each data set."""
        return int(np.random.SeedSequence(self.seed, spawn_key=(0, self.index)).generate_state(1)[0])

    @property
    def persons_seed(self) -> int:
        """One seed for the corpus: "simulated-3" has the same taste on every data set."""
        return int(np.random.SeedSequence(self.seed, spawn_key=(1,)).generate_state(1)[0])


def build(
    directory: str | Path,
    datasets: int = 1000,
    seed: int = 0,
    n_jobs: int = 1,
    assessors: int = 5,
    progress: bool = True,
    url: str | None = None,
    views: int = 0,
    high_dimensional: int = 0,
    noisy: int = 0,
    borders: int = 0,
    overlaps: int = 0,
) -> Summary:
    """Fill a corpus directory up to the given numbers of data sets, and say what is in it.

    Entries that are there and whole are kept, so the same call after an interruption goes on where
    it stopped, and a greater number extends. The content depends on seed and assessors only.
    datasets, views, high_dimensional, noisy, borders, overlaps: of each collection; they do not change one another.
    n_jobs: processes, -1 for all cores. assessors: simulated assessors per data set.
    progress: a bar on standard error. url: database of the orders, SQLite in the directory by default.

    Raises InvalidInputError where the directory was built with other settings, CorpusError where it
    is damaged beyond repair or a data set cannot be made, StorageFullError where there is no room.
    """
    wanted = {
        "plane": datasets,
        "views": views,
        "high_dimensional": high_dimensional,
        "noisy": noisy,
        "borders": borders,
        "overlaps": overlaps,
    }
    for name, value, least in (("datasets", datasets, 1), ("seed", seed, 0), ("assessors", assessors, 1)):
        if value < least:
            raise InvalidInputError(f"{name} must be at least {least}, got {value}")
    indices = [index for name, count in wanted.items() for index in _indices(name, count)]
    require_jobs(n_jobs)
    settings = {
        "seed": seed,
        "assessors": assessors,
        "schemes": SCHEMES,
        "families": list(GENERATORS),
        "measures": list(MEASURES),
    }
    with CorpusStore(directory, url, create=True) as store:
        store.claim(settings, requested=len({*indices, *store.indices()}))
        store.sweep()
        filled = {index for index in store.indices() if store.problem(index) is None}
        tasks = [Task(index, seed, assessors) for index in indices if index not in filled]
        try:
            # closed before anything is said, so that processes are stopped and the bar has its line
            with closing(run(make_entry, tasks, n_jobs=n_jobs, progress="data sets" if progress else None)) as results:
                for _, entry in results:
                    store.write(entry)
        except KeyboardInterrupt:
            # from the disk: the interrupt may have come between saving an entry and knowing of it
            done = len(CorpusStore(directory).indices())
            print(
                f"stopped: {done} of {len({*indices, *filled})} data sets are stored; the same command resumes",
                file=sys.stderr,
            )
            raise
        return store.summary()


def _indices(name: str, count: int) -> range:
    """Indices of the first data sets of a collection.

    Raises InvalidInputError where packages are not installed that they are made with.
    """
    collection = COLLECTIONS[name]
    if not 0 <= count <= LARGEST_COLLECTION:
        raise InvalidInputError(f"{name} must be from 0 to {LARGEST_COLLECTION}, got {count}")
    missing = [package for module, package in collection.packages.items() if not find_spec(module)]
    if count and missing:
        raise InvalidInputError(
            f"{collection.title} need {' and '.join(missing)}; install with: pip install 'gamac-meta[corpus]'"
        )
    return range(collection.start, collection.start + count)


def make_entry(task: Task) -> Entry:
    """One entry from its task alone.

    Raises CorpusError naming the recipe: a corpus must not lose its difficult families in silence.
    """
    recipe = draw_recipe(task.index, task.seed)
    try:
        sample = generate(recipe)
        partitions = pool(sample.data, task.candidates_seed)
        chosen = choose_rows(partitions, task.scheme, task.candidates_seed)
        # as the recommender scales the points of its users, since not every measure is scale-free
        table = evaluate(scaled(sample.data.X, "common"), partitions)
        candidates = taken(partitions, chosen)
        orders = simulate(sample.data.X, sample.references, candidates, task.persons_seed, task.assessors)
    except Exception as error:
        raise CorpusError(
            f"data set {task.index} cannot be made, {type(error).__name__}: {error}; recipe {recipe.to_json()}"
        ) from error
    return Entry(
        task.index,
        sample.data,
        sample.references,
        sample.family,
        sample.group,
        sample.base,
        task.scheme,
        partitions,
        table,
        chosen,
        orders,
    )
