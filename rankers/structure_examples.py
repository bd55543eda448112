"""Data sets with and without clusters: what `rankers.structure` learns from.

Structured is a data set in which clusters were planted and can be seen: where the best of its partitions agrees with
the generating labels by VISIBLE at least. What was planted and cannot be seen is neither learned from nor judged by.
Without structure are the families of `corpus.structureless`, and what the corpus has of one piece; a view of a real
table in which no classes are seen may have other clusters, and is left out.
"""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

import numpy as np

from corpus import structureless
from corpus.assessors import external_rand
from corpus.generators import COLLECTIONS, draw_recipe, generate
from gamac_meta import __version__
from gamac_meta.executor import run
from gamac_meta.files import replacing
from gamac_meta.types import Dataset, Floats, Labels
from metafeatures import LANDMARKS, NAMES, SCHEMA_VERSION, describe
from rankers._borders import Borders
from rankers._partitions import partition_feature_names, partition_features
from rankers.cases import Case

FOLDER = "structure"  # in the corpus's directory
# counts changes in what is drawn and how: what was made in earlier ways is made anew
MADE = 1
SEED = 20_011  # of the data sets drawn for it, which is no corpus's own
# Adjusted Rand index with the generating labels. Two equal normal clouds have two peaks from a distance of two spreads
# on, where the best cut between them reaches .47.
VISIBLE = 0.5
# collections that planted data sets are drawn from, in turns
PLANTED = ("plane", "high_dimensional", "plane", "high_dimensional", "borders", "high_dimensional", "plane", "noisy")
THINNED = 0.5  # share of them of which some points are taken, so that few points are no sign of anything
FEWEST_POINTS = 50


@dataclass(frozen=True, eq=False)
class Example:
    """A data set that has clusters, or has none."""

    features: Floats  # (f,) those of the lesson
    landmark_partitions: Floats  # (l, c) features of its landmarks as partitions
    structured: bool
    group: str  # of families, for honest folds
    family: str
    drawn: tuple[int, bool] | None = None  # what `drawn_data` makes it of again


def corpus_examples(cases: Sequence[Case]) -> list[Example]:
    """The data sets of the corpus of which it is known."""
    found = []
    for case in cases:
        best = None if case.agreement is None else float(case.agreement.max())
        is_view = case.base != case.family
        if (best is None and not is_view) or (best is not None and best >= VISIBLE):
            found.append(Example(case.features, case.landmark_partitions, best is not None, case.group, case.family))
    return found


def drawn_examples(
    directory: Path,
    count: int,
    feature_names: tuple[str, ...],
    measures: tuple[str, ...],
    *,
    n_jobs: int = 1,
    progress: bool = False,
) -> list[Example]:
    """`count` data sets without structure, and of as many with planted clusters those that can be seen, of few and
    many points and columns.

    directory: of the corpus, where what is known of them is kept, so that an interrupted run goes on where it stopped.
    feature_names, measures: of the lesson.
    """
    parts = (MADE, SEED, __version__, NAMES, SCHEMA_VERSION, LANDMARKS, partition_feature_names(measures))
    folder = Path(directory) / FOLDER / blake2b(repr(parts).encode(), digest_size=6).hexdigest()
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(folder, number, is_planted, measures) for is_planted in (False, True) for number in range(count)]
    label = "data with and without structure" if progress else None
    drawn = dict(run(_drawn, tasks, n_jobs=n_jobs, progress=label))
    columns = np.array([NAMES.index(name) for name in feature_names])
    return [
        Example(
            seen.features[columns],
            seen.landmark_partitions,
            seen.best is not None,
            seen.group,
            seen.family,
            (number, is_planted),
        )
        for seen, (_, number, is_planted, _) in ((drawn[place], task) for place, task in enumerate(tasks))
        if seen.best is None or seen.best >= VISIBLE
    ]


class _Drawn(NamedTuple):
    """What is known of a data set that was drawn."""

    features: Floats  # (200,)
    landmark_partitions: Floats  # (l, c)
    best: float | None  # agreement of the best landmark with the generating labels; None where nothing is planted
    group: str
    family: str


def _drawn(task: tuple[Path, int, bool, tuple[str, ...]]) -> _Drawn:
    folder, number, is_planted, measures = task
    path = folder / f"{'planted' if is_planted else 'plain'}-{number:05d}.npz"
    known = _read(path)
    if known is not None:
        return known
    data, labels, group, family = drawn_data(number, is_planted)
    seen = describe(data)
    best = None
    if labels.max() > 0:
        best = max(external_rand(row, labels[seen.rows]) for row in seen.landmarks.labels)
    table = seen.landmark_table.select(measures).oriented()
    partitions = partition_features(table, seen.landmarks, table, seen.landmarks, Borders(seen.points.X))
    made = _Drawn(seen.features, partitions, best, group, family)
    with replacing(path) as beside:
        np.savez_compressed(beside, **made._replace(best=np.nan if best is None else best)._asdict())
    return made


def drawn_data(number: int, is_planted: bool) -> tuple[Dataset, Labels, str, str]:
    """A data set, its generating labels (n,), group and family: of one piece, or of a corpus's families."""
    if not is_planted:
        made = structureless.make(number, SEED)
        return made.data, np.zeros(made.data.n, dtype=np.int32), made.group, made.family
    collection = COLLECTIONS[PLANTED[number % len(PLANTED)]]
    sample = generate(draw_recipe(collection.start + number, SEED))
    rng = np.random.default_rng([SEED, number])
    rows = np.arange(sample.data.n)
    if rng.uniform() < THINNED:
        size = int(np.exp(rng.uniform(np.log(FEWEST_POINTS), np.log(sample.data.n))))
        rows = np.sort(rng.permutation(sample.data.n)[:size])
    data = Dataset(sample.data.X[rows], sample.data.name, sample.data.origin)
    return data, sample.references[0][rows], sample.group, sample.family


def _read(path: Path) -> _Drawn | None:
    """None where there is nothing usable: it is derived data and is simply made again."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            best = float(arrays["best"])
            return _Drawn(
                arrays["features"],
                arrays["landmark_partitions"],
                None if np.isnan(best) else best,
                str(arrays["group"]),
                str(arrays["family"]),
            )
    except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile, EOFError):
        return None
