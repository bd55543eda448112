"""What the ranker knows of each data set of a corpus: extracted once, in parallel, kept beside it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, fields
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from corpus.store import CorpusStore, Entry
from gamac_meta import __version__
from gamac_meta.executor import run
from gamac_meta.files import replacing
from gamac_meta.measures import evaluate
from gamac_meta.types import Floats
from metafeatures import LANDMARKS, NAMES, SCHEMA_VERSION, describe
from metafeatures import Description as Seen
from rankers._borders import Borders
from rankers._pairs import landmark_pair_names, landmark_pairs
from rankers._partitions import in_sample, partition_feature_names, partition_features

FOLDER = "descriptions"
# counts changes in how descriptions are made: those of earlier ways are made anew
MADE = 3


@dataclass(frozen=True, eq=False)
class Description:
    """One data set of the corpus as the ranker sees it."""

    features: Floats  # (f,)
    landmark_pairs: Floats  # (m, g)
    landmark_ranks: Floats  # (l, m) of the landmarks by each measure, 1 is best
    landmark_partitions: Floats  # (l, c) features of the landmarks as partitions
    pool_partitions: Floats  # (P, c) features of the pool


def describe_corpus(directory: Path, *, n_jobs: int = 1, progress: bool = False) -> dict[int, Description]:
    """A description of every data set, by its index in the corpus. What is there already is read, the
    rest is made and kept at once, so that an interrupted run goes on where it stopped."""
    described = {}
    missing = []
    with CorpusStore(directory) as store:
        folder = Path(directory) / FOLDER / _key(store.settings)
        for entry in store.entries(orders=False):
            path = folder / f"{entry.index:06d}-{entry.content_hash}.npz"
            known = _read(path)
            if known is None:
                missing.append((path, entry))
            else:
                described[entry.index] = known
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        label = "describing data sets" if progress else None
        for _, (index, description) in run(_describe_entry, missing, n_jobs=n_jobs, progress=label):
            described[index] = description
    return dict(sorted(described.items()))


def _key(settings: Mapping[str, Any]) -> str:
    """Changes with the release, and with the names of features, measures and pair features."""
    measures = tuple(settings.get("measures") or ())
    parts = (MADE, __version__, NAMES, measures, landmark_pair_names(LANDMARKS), partition_feature_names(measures))
    return f"schema-{SCHEMA_VERSION}-{blake2b(repr(parts).encode(), digest_size=6).hexdigest()}"


def _describe_entry(task: tuple[Path, Entry]) -> tuple[int, Description]:
    path, entry = task
    seen = describe(entry.data)
    # the corpus decides which measures there are, and in which order
    table = seen.landmark_table.select(entry.pool_table.measures)
    borders = Borders(seen.points.X)
    description = Description(
        seen.features,
        landmark_pairs(table, seen.landmarks),
        table.ranks(),
        partition_features(table.oriented(), seen.landmarks, table.oriented(), seen.landmarks, borders),
        _pool_features(entry, seen, borders).astype(np.float32),
    )
    with replacing(path) as beside:
        np.savez_compressed(beside, **vars(description))
    return entry.index, description


def _pool_features(entry: Entry, seen: Seen, borders: Borders) -> Floats:
    """(P, c) features of the pool, measured on the same points as the landmarks are, as where advice is given."""
    pool = in_sample(entry.pool, seen)
    table = evaluate(seen.points, pool, entry.pool_table.measures)
    landmark_table = seen.landmark_table.select(entry.pool_table.measures)
    return partition_features(table.oriented(), pool, landmark_table.oriented(), seen.landmarks, borders)


def _read(path: Path) -> Description | None:
    """None where there is nothing usable: a description is derived data and is simply made again."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Description(**{field.name: arrays[field.name] for field in fields(Description)})
    except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile, EOFError):
        return None
