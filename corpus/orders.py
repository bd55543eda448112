"""Assessors' orders of candidates, in SQLite or PostgreSQL."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from corpus.migrations import migrate
from gamac_meta.exceptions import CorpusError, InvalidInputError, StorageFullError
from gamac_meta.types import Ranking

SIMULATED = "simulated"  # begins the name of every simulated assessor, and of no person

CANDIDATE_SETS = sa.table("candidate_sets", *map(sa.column, ("dataset", "candidates", "size")))
ORDERS = sa.table(
    "orders",
    sa.column("id", sa.Integer),
    sa.column("dataset", sa.Text),
    sa.column("candidates", sa.Text),
    sa.column("assessor", sa.Text),
    sa.column("ranks", sa.Text),
    sa.column("simulated", sa.Boolean),
    sa.column("created", sa.Text),
)

Key = tuple[str, str]  # fingerprint of a data set, hash of its candidates


class OrderBook:
    """Who ranked which candidates how. The key is (data set, candidates, assessor); nothing is overwritten.

    place: path of an SQLite file, made where there is none, or the URL of a database.
    Every call opens and closes its own connection: a store that is forgotten holds none open.
    """

    def __init__(self, place: str | Path) -> None:
        self._engine = (
            _sqlite(sa.URL.create("sqlite", database=str(place))) if isinstance(place, Path) else _engine(place)
        )
        # SQLite upgrades a reading transaction to a writing one only if nobody else writes
        self._writer = self._engine.execution_options(writes=True)
        with self._reporting():
            migrate(self._writer)

    def add(self, key: Key, orders: Sequence[Ranking]) -> None:
        """Store the orders of one set of candidates, all or none; those that are there already stay.

        Raises InvalidInputError where an assessor is on record with other ranks.
        """
        if not orders:
            return
        dataset, candidates = key
        sizes = {order.ranks.size for order in orders}
        if len(sizes) > 1:
            raise InvalidInputError(f"orders of one set of candidates must be equally long, got {sorted(sizes)} ranks")
        size = sizes.pop()
        created = datetime.now(UTC).isoformat()
        rows = [
            {
                "dataset": dataset,
                "candidates": candidates,
                "assessor": order.assessor,
                "ranks": json.dumps(order.ranks.tolist()),
                "simulated": is_simulated(order),
                "created": created,
            }
            for order in orders
        ]
        with self._reporting(), self._writer.begin() as connection:
            insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
            connection.execute(
                insert(CANDIDATE_SETS).on_conflict_do_nothing(),
                {"dataset": dataset, "candidates": candidates, "size": size},
            )
            of_set = (CANDIDATE_SETS.c.dataset == dataset) & (CANDIDATE_SETS.c.candidates == candidates)
            known_size = connection.scalar(sa.select(CANDIDATE_SETS.c.size).where(of_set))
            if known_size != size:
                raise InvalidInputError(f"data set {dataset} has {known_size} candidates, got orders of {size}")
            connection.execute(insert(ORDERS).on_conflict_do_nothing(), rows)
            stored = {order.assessor: order for order in self._read(connection, [key])[key]}
            for order in orders:
                known = stored[order.assessor].ranks
                if known.tolist() != order.ranks.tolist():
                    raise InvalidInputError(
                        f"{order.assessor} has ranked data set {dataset} already as {known.tolist()}, "
                        f"got {order.ranks.tolist()}"
                    )

    def read(self, keys: Sequence[Key]) -> dict[Key, tuple[Ranking, ...]]:
        """The orders of each set of candidates, in the sequence they came in."""
        with self._reporting(), self._engine.connect() as connection:
            return self._read(connection, keys)

    def counts(self, keys: Collection[Key]) -> tuple[int, int]:
        """(simulated, real) orders of these sets of candidates."""
        columns = ORDERS.c.dataset, ORDERS.c.candidates, ORDERS.c.simulated
        query = sa.select(*columns, sa.func.count()).group_by(*columns)
        found = {True: 0, False: 0}
        with self._reporting(), self._engine.connect() as connection:
            for dataset, candidates, simulated, count in connection.execute(query):
                # a database may serve several corpora
                found[bool(simulated)] += count if (dataset, candidates) in keys else 0
        return found[True], found[False]

    def close(self) -> None:
        """Let go of the engine."""
        self._engine.dispose()

    def _read(self, connection: sa.Connection, keys: Sequence[Key]) -> dict[Key, tuple[Ranking, ...]]:
        query = (
            sa.select(ORDERS.c.dataset, ORDERS.c.candidates, ORDERS.c.assessor, ORDERS.c.ranks)
            .where(ORDERS.c.dataset.in_({dataset for dataset, _ in keys}))
            .order_by(ORDERS.c.id)
        )
        found: dict[Key, list[Ranking]] = {key: [] for key in keys}
        for dataset, candidates, assessor, ranks in connection.execute(query):
            if (dataset, candidates) in found:
                found[dataset, candidates].append(self._ranking(assessor, ranks, dataset))
        return {key: tuple(orders) for key, orders in found.items()}

    def _ranking(self, assessor: str, ranks: str, dataset: str) -> Ranking:
        try:
            return Ranking(json.loads(ranks), assessor)
        except (ValueError, TypeError):
            raise CorpusError(
                f"orders database {self}: the ranks of {assessor} for data set {dataset} are damaged; "
                "restore the database from a copy"
            ) from None

    def __str__(self) -> str:
        return self._engine.url.render_as_string(hide_password=True)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Errors of the database as errors of the corpus, in one line."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            if is_full(cause):
                raise StorageFullError(f"no room on the disk of {self} to store orders; nothing was changed") from None
            reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
            raise CorpusError(
                f"orders database {self} cannot be used: {reason}; check the URL and the server, "
                "or restore the database from a copy"
            ) from None


def is_simulated(order: Ranking) -> bool:
    """Whether an order is a simulated assessor's."""
    return order.assessor.startswith(SIMULATED)


def is_full(error: BaseException) -> bool:
    """Whether a driver's error says that there is no room on the disk."""
    # SQLSTATE 53100 is disk_full
    return (
        getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", None) == "53100"
    )


def _engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise InvalidInputError(
            "the orders URL must look like postgresql://user:password@host/name or sqlite:///file, got none of them"
        ) from None
    dialect = parsed.get_backend_name()
    if dialect == "sqlite":
        return _sqlite(parsed)
    if dialect != "postgresql":
        raise InvalidInputError(f"orders are kept in sqlite or postgresql, got a URL of {dialect!r}")
    try:
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), poolclass=sa.pool.NullPool)
    except ImportError:
        raise CorpusError(
            "orders in PostgreSQL need the package psycopg: pip install 'gamac-meta[postgresql]'"
        ) from None


def _sqlite(url: sa.URL) -> sa.Engine:
    engine = sa.create_engine(url, poolclass=sa.pool.NullPool, connect_args={"timeout": 60})

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # the driver would commit around schema changes; transactions are begun below instead
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine
