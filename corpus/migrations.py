"""The schema of a database of orders and answers, brought to the newest by alembic.

To change the schema, add a file to `alembic/versions`; its name begins with the next number.
"""

from __future__ import annotations

import threading
from pathlib import Path

import sqlalchemy as sa

from gamac_meta.exceptions import CorpusError

SCRIPTS = Path(__file__).with_name("alembic")

# a name of its own: other programs that use alembic may share the database
VERSION_TABLE = "schema_version"
# where changes were counted before alembic; the first of them is revision 0001
FORMER_TABLE, FORMER_SCHEMA = "schema_changes", "1"

# execution options of a transaction that changes something: SQLite locks the database at its beginning,
# since it upgrades a reading transaction to a writing one only if nobody else writes
WRITES = {"begins": "BEGIN IMMEDIATE"}
# one number for all who migrate, so that two processes do not migrate at once
LOCK = 7_365_020
# alembic keeps what it works on in global variables
_ONE_THREAD = threading.Lock()


def migrate(engine: sa.Engine, scripts: Path = SCRIPTS) -> None:
    """Bring the database to the newest schema, all changes or none; one that is there already is only read.

    engine: made by `corpus.database.make_engine`.
    Raises CorpusError where the database was written by a later version.
    """
    known = _revisions(scripts)
    with engine.connect() as connection:
        # the former table is not looked for here: another process may drop it between two looks
        found = _number_of_revision(connection)
    _require_known(engine, found, known)
    if found == known[-1]:
        return
    with _ONE_THREAD, engine.execution_options(**WRITES).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        found = _number_of_revision(connection) or _former_number(connection)
        _require_known(engine, found, known)
        # another process may have been first
        if found != known[-1]:
            _upgrade(connection, scripts, adopts=found == FORMER_SCHEMA)


def _revisions(scripts: Path) -> list[str]:
    """Numbers of all schemas, the newest last; alembic itself takes longer to load than a database to open."""
    return sorted(path.name.split("_")[0] for path in (scripts / "versions").glob("[0-9]*_*.py"))


def _require_known(engine: sa.Engine, found: str | None, known: list[str]) -> None:
    """Refuse a schema of a later version."""
    if found not in (None, FORMER_SCHEMA, *known):
        raise CorpusError(
            f"orders database {engine.url!r} must have schema {known[-1]} or earlier, got {found}; "
            "upgrade gamac-meta to read it"
        )


def _number_of_revision(connection: sa.Connection) -> str | None:
    """The number of the schema as alembic left it."""
    if sa.inspect(connection).has_table(VERSION_TABLE):
        return connection.scalar(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE)))
    return None


def _former_number(connection: sa.Connection) -> str | None:
    """The number of a schema from before alembic."""
    if sa.inspect(connection).has_table(FORMER_TABLE):
        return str(connection.scalar(sa.select(sa.func.max(sa.column("number"))).select_from(sa.table(FORMER_TABLE))))
    return None


def _upgrade(connection: sa.Connection, scripts: Path, *, adopts: bool) -> None:
    """Make all changes that are missing; adopts: the first was made before alembic."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    # a percent sign would begin a substitution
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    if adopts:
        command.stamp(config, "0001")
        sa.Table(FORMER_TABLE, sa.MetaData()).drop(connection)
    command.upgrade(config, "head")
