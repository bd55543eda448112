"""Assessors' orders of candidates, in SQLite or PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from corpus.database import Database
from gamac_meta.exceptions import CorpusError, InvalidInputError
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

    place: path of an SQLite file, made where there is none, the URL of a database, or one that is open already.
    """

    def __init__(self, place: str | Path | Database) -> None:
        self.database = place if isinstance(place, Database) else Database(place)

    def add(self, key: Key, orders: Sequence[Ranking]) -> None:
        """Store the orders of one set of candidates, all or none; those that are there already stay.

        Raises InvalidInputError where an assessor is on record with other ranks.
        """
        with self.database.writing() as connection:
            self.add_within(connection, key, orders)

    def add_within(self, connection: sa.Connection, key: Key, orders: Sequence[Ranking]) -> None:
        """The same in a transaction that the caller began."""
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
        add_missing(connection, CANDIDATE_SETS, [{"dataset": dataset, "candidates": candidates, "size": size}])
        of_set = (CANDIDATE_SETS.c.dataset == dataset) & (CANDIDATE_SETS.c.candidates == candidates)
        known_size = connection.scalar(sa.select(CANDIDATE_SETS.c.size).where(of_set))
        if known_size != size:
            raise InvalidInputError(f"data set {dataset} has {known_size} candidates, got orders of {size}")
        add_missing(connection, ORDERS, rows)
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
        with self.database.reading() as connection:
            return self._read(connection, keys)

    def counts(self, keys: Collection[Key]) -> tuple[int, int]:
        """(simulated, real) orders of these sets of candidates."""
        columns = ORDERS.c.dataset, ORDERS.c.candidates, ORDERS.c.simulated
        query = sa.select(*columns, sa.func.count()).group_by(*columns)
        found = {True: 0, False: 0}
        with self.database.reading() as connection:
            for dataset, candidates, simulated, count in connection.execute(query):
                # a database may serve several corpora
                found[bool(simulated)] += count if (dataset, candidates) in keys else 0
        return found[True], found[False]

    def ranked_by(self, assessor: str) -> frozenset[Key]:
        """The sets of candidates that an assessor has ranked."""
        query = sa.select(ORDERS.c.dataset, ORDERS.c.candidates).where(ORDERS.c.assessor == assessor)
        with self.database.reading() as connection:
            return frozenset((dataset, candidates) for dataset, candidates in connection.execute(query))

    def ranked_by_people(self) -> frozenset[Key]:
        """The sets of candidates that anybody but simulated assessors has ranked."""
        query = sa.select(ORDERS.c.dataset, ORDERS.c.candidates).where(ORDERS.c.simulated.is_(False)).distinct()
        with self.database.reading() as connection:
            return frozenset((dataset, candidates) for dataset, candidates in connection.execute(query))

    def close(self) -> None:
        """Let go of the database."""
        self.database.close()

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
        return str(self.database)


def is_simulated(order: Ranking) -> bool:
    """Whether an order is a simulated assessor's."""
    return order.assessor.startswith(SIMULATED)


def add_missing(connection: sa.Connection, table: sa.TableClause, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert the rows whose keys are not there yet."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    connection.execute(insert(table).on_conflict_do_nothing(), rows)
