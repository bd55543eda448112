"""Numbered changes to the schema of an orders database: each applied once, in order.

A change and the record that it was applied share one transaction. To change the schema, add a
function with the next number below the others; never edit one that was released.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

import sqlalchemy as sa

from gamac_meta.exceptions import CorpusError

Change = Callable[[sa.Connection], None]

CHANGES: dict[int, Change] = {}

# one number for all who migrate, so that two processes do not migrate at once
LOCK = 7_365_020

_RECORDS = sa.Table(
    "schema_changes",
    sa.MetaData(),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("applied", sa.Text, nullable=False),
)


def change(number: int) -> Callable[[Change], Change]:
    """Register a change under its number."""

    def register(function: Change) -> Change:
        if number != len(CHANGES) + 1:
            raise ValueError(f"the next schema change must be number {len(CHANGES) + 1}, got {number}")
        CHANGES[number] = function
        return function

    return register


@change(1)
def candidates_and_orders(connection: sa.Connection) -> None:
    """Sets of candidates, and what assessors think of them."""
    schema = sa.MetaData()
    sa.Table(
        "candidate_sets",
        schema,
        sa.Column("dataset", sa.String(32), primary_key=True),
        sa.Column("candidates", sa.String(32), primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.CheckConstraint("size > 0"),
    )
    sa.Table(
        "orders",
        schema,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("dataset", sa.String(32), nullable=False),
        sa.Column("candidates", sa.String(32), nullable=False),
        sa.Column("assessor", sa.Text, nullable=False),
        sa.Column("ranks", sa.Text, nullable=False),
        sa.Column("simulated", sa.Boolean, nullable=False),
        sa.Column("created", sa.Text, nullable=False),
        sa.UniqueConstraint("dataset", "candidates", "assessor"),
        sa.ForeignKeyConstraint(["dataset", "candidates"], ["candidate_sets.dataset", "candidate_sets.candidates"]),
    )
    schema.create_all(connection)


def migrate(writer: sa.Engine, changes: Mapping[int, Change] = CHANGES) -> None:
    """Bring the database to the newest schema; one that is there already is only read.

    writer: an engine whose transactions lock the database from their beginning on SQLite.
    Raises CorpusError where the database was written by a later version.
    """
    with writer.connect() as connection:
        applied = _applied(connection)
    later = sorted(applied - changes.keys())
    if later:
        raise CorpusError(
            f"orders database {writer.url!r} must have schema {max(changes)} or earlier, got {max(later)}; "
            "upgrade gamac-meta to read it"
        )
    for number in sorted(changes.keys() - applied):
        with writer.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
            # another process may have been first
            if number in _applied(connection):
                continue
            _RECORDS.create(connection, checkfirst=True)
            changes[number](connection)
            name = getattr(changes[number], "__name__", "")
            connection.execute(
                _RECORDS.insert().values(number=number, name=name, applied=datetime.now(UTC).isoformat())
            )


def _applied(connection: sa.Connection) -> set[int]:
    if not sa.inspect(connection).has_table(_RECORDS.name):
        return set()
    return set(connection.scalars(sa.select(_RECORDS.c.number)))
