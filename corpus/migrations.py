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
        if _is_newest(connection, known):
            return
    with _ONE_THREAD, engine.execution_options(**WRITES).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        # another process may have been first
        if not _is_newest(connection, known):
            _upgrade(connection, scripts)


def _revisions(scripts: Path) -> list[str]:
    """Numbers of all schemas, the newest last; alembic itself takes longer to load than a database to open."""
    return sorted(path.name.split("_")[0] for path in (scripts / "versions").glob("[0-9]*_*.py"))


def _is_newest(connection: sa.Connection, known: list[str]) -> bool:
    found = _version(connection)
    if found not in (None, FORMER_SCHEMA, *known):
        raise CorpusError(
            f"orders database {connection.engine.url!r} must have schema {known[-1]} or earlier, got {found}; "
            "upgrade gamac-meta to read it"
        )
    return found == known[-1]


def _version(connection: sa.Connection) -> str | None:
    """The number of the schema, None in an empty database."""
    tables = sa.inspect(connection)
    if tables.has_table(VERSION_TABLE):
        return connection.scalar(sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE)))
    if tables.has_table(FORMER_TABLE):
        return str(connection.scalar(sa.select(sa.func.max(sa.column("number"))).select_from(sa.table(FORMER_TABLE))))
    return None


def _upgrade(connection: sa.Connection, scripts: Path) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    # a percent sign would begin a substitution
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.attributes["connection"] = connection
    if _version(connection) == FORMER_SCHEMA:
        command.stamp(config, "0001")
        sa.Table(FORMER_TABLE, sa.MetaData()).drop(connection)
    command.upgrade(config, "head")
