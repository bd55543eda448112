"""What the ranker knows of each data set of a corpus: extracted once, in parallel, kept beside it."""

from __future__ import annotations

import os
import tempfile
import zipfile
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np

from corpus.store import CorpusStore
from gamac_meta.agreement import kendall_tau
from gamac_meta.executor import run
from gamac_meta.measures import MEASURES
from gamac_meta.types import Floats, MeasureTable
from metafeatures import NAMES, SCHEMA_VERSION, describe
from rankers._pairs import candidate_pair_names, candidate_pairs, landmark_pair_names, landmark_pairs

FOLDER = "descriptions"


@dataclass(frozen=True, eq=False)
class Description:
    """One data set of the corpus as the ranker sees it."""

    features: Floats  # (f,)
    landmark_pairs: Floats  # (m, g)
    candidate_pairs: Floats  # (m, g')


def describe_corpus(directory: Path, *, n_jobs: int = 1, progress: bool = False) -> dict[int, Description]:
    """A description of every data set, by its index in the corpus. What is there already is read, the
    rest is made and kept at once, so that an interrupted run goes on where it stopped."""
    store = CorpusStore(directory)
    folder = Path(directory) / FOLDER / _key()
    folder.mkdir(parents=True, exist_ok=True)
    described = {}
    missing = []
    for index in store.indices():
        known = _read(_path(folder, index))
        if known is None:
            missing.append((Path(directory), folder, index))
        else:
            described[index] = known
    if missing:
        label = "describing data sets" if progress else None
        for _, (index, description) in run(_describe_entry, missing, n_jobs=n_jobs, progress=label):
            described[index] = description
    return dict(sorted(described.items()))


def _key() -> str:
    """Changes with whatever changes a description: schema, measures, pair features."""
    landmarks = landmark_pair_names(())
    digest = blake2b(repr((NAMES, tuple(MEASURES), landmarks, candidate_pair_names())).encode(), digest_size=6)
    return f"schema-{SCHEMA_VERSION}-{digest.hexdigest()}"


def _path(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.npz"


def _describe_entry(task: tuple[Path, Path, int]) -> tuple[int, Description]:
    directory, folder, index = task
    entry = CorpusStore(directory).read(index)
    seen = describe(entry.data)
    table = entry.table
    description = Description(
        seen.features,
        landmark_pairs(seen.landmark_table, seen.landmarks),
        candidate_pairs(table, entry.candidates),
    )
    _write(_path(folder, index), description)
    return index, description


def _write(path: Path, description: Description) -> None:
    handle, name = tempfile.mkstemp(prefix=".writing-", dir=path.parent)
    beside = Path(name)
    try:
        with os.fdopen(handle, "wb") as stream:
            np.savez_compressed(
                stream,
                features=description.features,
                landmark_pairs=description.landmark_pairs,
                candidate_pairs=description.candidate_pairs,
            )
            stream.flush()
            os.fsync(stream.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)


def _read(path: Path) -> Description | None:
    """None where there is nothing usable: a description is derived data and is simply made again."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return Description(arrays["features"], arrays["landmark_pairs"], arrays["candidate_pairs"])
    except (FileNotFoundError, KeyError, ValueError, zipfile.BadZipFile, EOFError):
        return None


def borda_agreement(table: MeasureTable, consensus: Floats) -> float:
    """Tau of the mean rank over all measures with the consensus ranks (p,)."""
    return float(kendall_tau(table.ranks().mean(axis=1)[:, None], consensus[:, None])[0, 0])


def measure_agreement(table: MeasureTable, consensus: Floats) -> Floats:
    """(m,) tau of each measure's order with the consensus ranks (p,)."""
    return kendall_tau(table.ranks(), consensus[:, None])[:, 0]
