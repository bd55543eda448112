"""What people said, out of a database and into another: sessions as JSON lines, answers and orders as tables, and
orders from files that others made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.entries import candidates_hash
from corpus.manifest import Manifest
from corpus.order_files import Line, names_of, read_csv, read_gamac, read_mapping, refuse
from corpus.orders import ORDERS, Key, is_simulated
from corpus.protocols import Answer, replay
from corpus.session_lines import Imported, read_lines, session_lines, store_lines
from corpus.session_records import require_person
from corpus.sessions import PRACTICE, Session, SessionBook, StoredEvent, is_ordering
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.files import replacing, write_table
from gamac_meta.types import Ranking

if TYPE_CHECKING:
    import pandas as pd

    from corpus.store import CorpusStore

FORMATS = ("csv", "gamac")
LINES = ".jsonl"


def export_sessions(book: SessionBook, path: str | Path) -> None:
    """Everything people did, as .jsonl; or their answers as a table (`answers_table`), as .parquet, .csv or .tsv.

    Whole or not at all. Secrets and links are not in it, orders of simulated assessors neither.
    """
    path = Path(path)
    if path.suffix.lower() != LINES:
        write_table(answers_table(book), path)
        return
    with replacing(path) as file:
        for line in session_lines(book):
            file.write(line.encode())


def export_orders(book: SessionBook, path: str | Path) -> None:
    """The orders of people as a table, .parquet, .csv or .tsv; `import_orders` reads the latter two."""
    write_table(orders_table(book), Path(path))


def import_sessions(book: SessionBook, path: str | Path) -> Imported:
    """What `export_sessions` wrote as .jsonl, into this database; all or none.

    What is there already stays, so that importing twice imports once, and sessions that went on in either place go on
    from the later one. Raises InvalidInputError, with the line and the name, where something else is on record, or the
    file is not whole, or a session's status or order does not follow from its events.
    """
    content = read_lines(Path(path))
    return store_lines(book, Path(path), content)


def answers_table(book: SessionBook) -> pd.DataFrame:
    """A row per answer: who, on which data set, between which candidates, how it fell, and how long it took.

    `right` and `left` number the candidates from 0, the number after the last is the decoy of an attention check.
    `stands` is false of an answer that was taken back.
    """
    import pandas as pd

    rows = [row for session in book.sessions() for row in _answers(session, book.events(session.id))]
    columns = ["assessor", "session", "dataset", "candidates", "practice", "protocol", "status"]
    columns += ["step", "purpose", "left", "right", "verdict", "stands", "took_ms", "client_time", "received"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"step": "int64", "left": "int64", "right": "int64", "stands": "bool", "took_ms": "Int64"})


def _answers(session: Session, stored: tuple[StoredEvent, ...]) -> Iterator[dict[str, Any]]:
    events = [each.event for each in stored]
    state = replay(session.plan, events)
    given: dict[int, tuple[Answer, bool]] = {answer.step: (answer, True) for answer in state.answers}
    for place, event in enumerate(events):
        if event.kind == "undo":
            # what it took back is known before it alone
            taken_back = replay(session.plan, events[:place]).answers[-1]
            given[taken_back.step] = taken_back, False
    for step, (answer, stands) in sorted(given.items()):
        yield {
            "assessor": session.assessor,
            "session": session.id,
            "dataset": session.key[0],
            "candidates": session.key[1],
            "practice": session.key == PRACTICE,
            "protocol": session.plan.protocol,
            "status": session.status,
            "step": step,
            "purpose": answer.purpose,
            "left": answer.left,
            "right": answer.right,
            "verdict": answer.verdict,
            "stands": stands,
            "took_ms": stored[step].took_ms,
            "client_time": stored[step].client_time,
            "received": stored[step].received,
        }


def orders_table(book: SessionBook) -> pd.DataFrame:
    """A row per order of a person: `dataset` (fingerprint), `assessor`, and the rank of each candidate, 1 is best."""
    import pandas as pd

    query = ORDERS.select().where(ORDERS.c.simulated.is_(False)).order_by(ORDERS.c.id)
    with book.orders.database.reading() as connection:
        keys = [(row.dataset, row.candidates) for row in connection.execute(query)]
    orders = book.orders.read(list(dict.fromkeys(keys)))
    people = [(key, order) for key, several in orders.items() for order in several if not is_simulated(order)]
    columns = [str(candidate) for candidate in range(max((order.ranks.size for _, order in people), default=0))]
    rows = [
        {"dataset": dataset, "assessor": order.assessor} | dict(zip(columns, order.ranks.tolist(), strict=False))
        for (dataset, _), order in people
    ]
    return pd.DataFrame(rows, columns=["dataset", "assessor", *columns])


# ---- orders from elsewhere -----------------------------------------------------------------------


@dataclass(frozen=True)
class ImportedOrders:
    """What was new."""

    orders: int
    known: int  # that were on record already
    assessors: tuple[str, ...]
    datasets: int

    def __str__(self) -> str:
        return (
            f"imported {self.orders} orders of {', '.join(self.assessors) or 'nobody'} on {self.datasets} data sets; "
            f"{self.known} were on record already"
        )


def import_orders(
    store: CorpusStore,
    path: str | Path,
    *,
    format: str = "csv",  # noqa: A002 - it is called what users call it
    assessor: str | None = None,
    mapping: str | Path | None = None,
) -> ImportedOrders:
    """Orders of people from a file of another's making, into the store's database; all or none.

    format: "csv" or "gamac", as `corpus.order_files` describes them. assessor: whose orders they are, where the file
    does not say. mapping: for "gamac", a CSV file that says which data set a path means (columns `path` and
    `dataset`); without it, the last part of the path must be the name of a data set.
    The candidates of the corpus must be the ones that were ordered, in the same sequence: nothing can check that.

    Raises InvalidInputError with the number of the line, before anything is stored: for an unknown data set, an order
    of another length, one given twice, one that contradicts what is on record or a session that is not finished.
    """
    path = Path(path)
    if format not in FORMATS:
        raise InvalidInputError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")
    if mapping is not None and format != "gamac":
        raise InvalidInputError(f"a mapping belongs to format gamac, got one for {format}")
    catalog = Catalog(store)
    if format == "csv":
        lines = read_csv(path, assessor)
        found = [catalog.find(path, line, (line.dataset,)) for line in lines]
    else:
        lines = read_gamac(path, assessor)
        paths = {} if mapping is None else read_mapping(Path(mapping))
        found = [
            catalog.find(path, line, tuple(names_of(line.dataset, paths)), numbers=line.dataset in paths)
            for line in lines
        ]
    seen: dict[tuple[str, int], int] = {}
    for line, index in zip(lines, found, strict=True):
        _check(path, line, index, catalog, seen)
    return _store(store, path, lines, [catalog.key(index) for index in found])


def _check(path: Path, line: Line, index: int, catalog: Catalog, seen: dict[tuple[str, int], int]) -> None:
    name, count = line.assessor, catalog.candidates(index)
    try:
        require_person(name)
    except InvalidInputError as error:
        raise refuse(path, line.number, str(error)) from None
    if line.ranks.size != count:
        raise refuse(path, line.number, f"data set {index} has {count} candidates, got an order of {line.ranks.size}")
    before = seen.setdefault((name, index), line.number)
    if before != line.number:
        raise refuse(path, line.number, f"{name} must order data set {index} once, did so on line {before} already")


class Catalog:
    """The data sets of a corpus, by whatever a file calls them; what was read is kept."""

    def __init__(self, store: CorpusStore) -> None:
        self._store = store
        self._listed = Manifest.load(store.directory).entries
        self._facts: dict[int, tuple[str, Key, int]] = {}  # name, key, candidates
        self._by_name: dict[str, list[int]] | None = None

    def key(self, index: int) -> Key:
        """Fingerprint and candidates' hash of a data set."""
        return self._of(index)[1]

    def candidates(self, index: int) -> int:
        """How many a data set has."""
        return self._of(index)[2]

    def find(self, path: Path, line: Line, names: tuple[str, ...], *, numbers: bool = True) -> int:
        """Index of the data set that a line of a file means by one of the names; numbers: they may be its index."""
        for name in names:
            if numbers and name.isdecimal() and name.isascii() and int(name) in self._listed:
                return int(name)
            found = [index for index, listed in self._listed.items() if listed.dataset == name] or self._named(name)
            if len(found) > 1:
                raise refuse(path, line.number, f"{name!r} must mean one data set, got {found[:10]}; give the number")
            if found:
                return found[0]
        raise refuse(path, line.number, f"a data set must be in corpus {self._store.directory}, got {line.dataset!r}")

    def _named(self, name: str) -> list[int]:
        if self._by_name is None:
            self._by_name = {}
            for index in self._listed:
                self._by_name.setdefault(self._of(index)[0], []).append(index)
        return self._by_name.get(name, [])

    def _of(self, index: int) -> tuple[str, Key, int]:
        if index not in self._facts:
            entry = self._store.read(index, orders=False)
            key = entry.data.fingerprint, candidates_hash(entry.candidates)
            self._facts[index] = entry.data.name, key, len(entry.candidates)
        return self._facts[index]


def _store(store: CorpusStore, path: Path, lines: list[Line], keys: list[Key]) -> ImportedOrders:
    known = 0
    book = store.orders
    ranked: Mapping[str, frozenset[Key]] = {line.assessor: book.ranked_by(line.assessor) for line in lines}
    with book.database.writing() as connection:
        for line, key in zip(lines, keys, strict=True):
            if is_ordering(connection, line.assessor, key):
                raise refuse(path, line.number, f"{line.assessor} is ordering data set {line.dataset} in the studio")
            known += key in ranked[line.assessor]
            try:
                book.add_within(connection, key, [Ranking(line.ranks, line.assessor)])
            except InvalidInputError as error:
                raise refuse(path, line.number, str(error)) from None
    return ImportedOrders(len(lines) - known, known, tuple(sorted(ranked)), len(set(keys)))
