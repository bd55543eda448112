"""A corpus and the orders of its assessors, as what rankers learn from and are judged by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus.store import CorpusStore, Entry
from gamac_meta.agreement import leave_one_out_tau
from gamac_meta.exceptions import CorpusError
from gamac_meta.measures import MEASURES
from gamac_meta.types import Ints, MeasureTable
from metafeatures import NAMES, ROTATION_FREE
from rankers.cases import Case
from rankers.descriptions import Description, describe_corpus
from rankers.evaluation import Standard
from rankers.mixing import (
    PERSON_WEIGHT,
    Orders,
    Target,
    Teachers,
    heard_orders,
    read_entries,
    require_weight,
    target_of,
    teachers_of,
)
from rankers.validation import Lesson

MIN_GROUPS = 3
# a turned picture is the same picture: features that change with a turn are not learned from
FEATURES = tuple(name for name in NAMES if ROTATION_FREE[name])


@dataclass(frozen=True, eq=False)
class Assembled:
    """Everything learned from, and what it is judged by."""

    lesson: Lesson  # q cases
    standards: tuple[Standard, ...]  # (q,)
    tables: tuple[MeasureTable, ...]  # (q,) of the pools
    orders: tuple[Orders, ...]  # (q,) of everybody
    teachers: Teachers
    ranges: dict[str, tuple[float, float]]  # of points, columns and clusters in the corpus
    settings: dict[str, Any]  # what the corpus was built with
    corpus_hash: str

    @property
    def kind(self) -> str:
        """Whose orders: "simulated", "real" or both."""
        return self.teachers.kind

    def taught(self, targets: Sequence[Target]) -> Lesson:
        """The same lesson with other targets (q,)."""
        cases = (replace(case, **each._asdict()) for case, each in zip(self.lesson.cases, targets, strict=True))
        return replace(self.lesson, cases=tuple(cases))

    def only(self, rows: Sequence[int]) -> Assembled:
        """These of the q data sets; counts and ranges stay those of the whole corpus."""
        return replace(
            self,
            lesson=replace(self.lesson, cases=tuple(self.lesson.cases[row] for row in rows)),
            standards=tuple(self.standards[row] for row in rows),
            tables=tuple(self.tables[row] for row in rows),
            orders=tuple(self.orders[row] for row in rows),
        )


def assemble(
    directory: Path,
    *,
    orders: str | None = None,
    person_weight: float = PERSON_WEIGHT,
    n_jobs: int = 1,
    progress: bool = False,
) -> Assembled:
    """Targets from the assessors' orders, features from the data sets.

    orders: URL of a database whose orders are heard together with the corpus's own. person_weight: of one person's
    order, that of a simulated assessor being 1.
    Raises CorpusError where the corpus is damaged or too small to validate on.
    """
    require_weight(person_weight)
    with CorpusStore(directory) as store:
        corpus_hash, settings = store.corpus_hash(), dict(store.settings)
    entries = read_entries(directory, orders)
    if not entries:
        raise CorpusError(f"corpus {directory} holds no data sets; build some first")
    unknown = sorted({name for entry in entries for name in entry.table.measures} - set(MEASURES))
    if unknown:
        raise CorpusError(
            f"corpus {directory}: this installation lacks its measures {', '.join(unknown)}; build it anew"
        )
    unordered = [entry.index for entry in entries if not entry.orders]
    if unordered:
        raise CorpusError(
            f"corpus {directory}: every data set needs assessors' orders, "
            f"{len(unordered)} have none, the first is number {unordered[0]}"
        )
    groups = {entry.group for entry in entries}
    if len(groups) < MIN_GROUPS:
        raise CorpusError(
            f"corpus {directory}: validation leaves generator groups out and needs at least {MIN_GROUPS}, "
            f"got {len(groups)}; build more data sets"
        )
    described = describe_corpus(directory, n_jobs=n_jobs, progress=progress)
    columns = np.array([NAMES.index(name) for name in FEATURES])
    cases = [_case(entry, described[entry.index], target_of(entry.orders, person_weight), columns) for entry in entries]
    return Assembled(
        Lesson(tuple(cases), FEATURES, entries[0].pool_table.measures),
        tuple(_standard(entry, case) for entry, case in zip(entries, cases, strict=True)),
        tuple(entry.pool_table for entry in entries),
        tuple(entry.orders for entry in entries),
        teachers_of(entries, person_weight),
        {
            "points": _range([entry.data.n for entry in entries]),
            "columns": _range([entry.data.d for entry in entries]),
            "clusters": _range([entry.truth.max() + 1 for entry in entries]),
        },
        {name: settings.get(name) for name in ("seed", "assessors", "schemes")},
        corpus_hash,
    )


def _case(entry: Entry, described: Description, target: Target, columns: Ints) -> Case:
    planted = entry.truth.max() > 0
    return Case(
        described.features[columns],
        described.landmark_pairs,
        described.landmark_ranks,
        described.landmark_partitions,
        described.pool_partitions,
        entry.table.ranks(),
        np.asarray(entry.chosen),
        target.consensus,
        entry.truth_agreement if planted else None,
        entry.data.fingerprint,
        entry.family,
        entry.group,
        entry.base,
        target.people,
        target.people_share,
    )


def _standard(entry: Entry, case: Case) -> Standard:
    heard = heard_orders(entry.orders)
    return Standard(
        case.chosen,
        case.consensus,
        case.agreement,
        entry.group,
        entry.family,
        entry.base,
        entry.data.n,
        int(entry.truth.max()) + 1,
        float(np.mean(entry.truth < 0)),
        leave_one_out_tau(np.column_stack([order.ranks for order in heard])),
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    return int(min(values)), int(max(values))
