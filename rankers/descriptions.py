"""What the ranker knows of each data set of a corpus: extracted once, in parallel, kept beside it."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from corpus.store import CorpusStore, Entry
from gamac_meta import __version__
from gamac_meta.agreement import kendall_tau
from gamac_meta.executor import run
from gamac_meta.files import replacing
from gamac_meta.types import Floats, MeasureTable
from metafeatures import LANDMARKS, NAMES, SCHEMA_VERSION, describe
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
    parts = (__version__, NAMES, settings.get("measures"), landmark_pair_names(LANDMARKS), candidate_pair_names())
    return f"schema-{SCHEMA_VERSION}-{blake2b(repr(parts).encode(), digest_size=6).hexdigest()}"


def _describe_entry(task: tuple[Path, Entry]) -> tuple[int, Description]:
    path, entry = task
    seen = describe(entry.data)
    # the corpus decides which measures there are, and in which order
    landmark_table = seen.landmark_table.select(entry.table.measures)
    description = Description(
        seen.features,
        landmark_pairs(landmark_table, seen.landmarks),
        candidate_pairs(entry.table, entry.candidates),
    )
    with replacing(path) as beside:
        np.savez_compressed(beside, **vars(description))
    return entry.index, description


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
