"""The SQLite file or PostgreSQL database of a corpus: its connections, its schema, its errors in one line."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import sqlalchemy as sa

from corpus.migrations import WRITES, migrate
from gamac_meta.exceptions import CorpusError, InvalidInputError, StorageFullError

# of one process; a server's default limit is 100 over all
POOL = {"pool_size": 10, "max_overflow": 30, "pool_timeout": 60}
PATIENCE = 60  # seconds to wait for another writer of an SQLite file


class Database:
    """Transactions on the newest schema.

    place: path of an SQLite file, made where there is none, or the URL of a database.
    pooled: connections stay open between transactions, for a server; otherwise each transaction opens
    and closes its own, and one that is forgotten holds none open.
    """

    def __init__(self, place: str | Path, *, pooled: bool = False) -> None:
        self.engine = make_engine(place, pooled=pooled)
        self._writer = self.engine.execution_options(**WRITES)
        # SQLite has one writer at a time and lets the others poll; threads of one process need not
        self._turn = threading.Lock() if pooled and self.engine.dialect.name == "sqlite" else nullcontext()
        with self._reporting():
            migrate(self.engine)
            if pooled and self.engine.dialect.name == "sqlite":
                self._write_ahead()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that changes nothing."""
        with self._reporting(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """A transaction that is stored whole when the block ends well; on SQLite one at a time."""
        with self._reporting(), self._turn, self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Let go of the connections."""
        self.engine.dispose()

    def __str__(self) -> str:
        return self.engine.url.render_as_string(hide_password=True)

    def _write_ahead(self) -> None:
        """Let readers and a writer work side by side; the file remembers it."""
        until = monotonic() + PATIENCE
        while True:
            try:
                # not in a transaction
                with self.engine.execution_options(begins=None).connect() as connection:
                    connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                return
            except sa.exc.OperationalError as error:
                # this alone does not wait for others, who may be opening the file just now
                if getattr(error.orig, "sqlite_errorcode", None) != sqlite3.SQLITE_BUSY or monotonic() > until:
                    raise
                sleep(0.01)

    @contextmanager
    def _reporting(self) -> Iterator[None]:
        """Errors of the database as errors of the corpus, in one line."""
        try:
            yield
        except sa.exc.SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            if is_full(cause):
                raise StorageFullError(f"no room on the disk of {self}; nothing was changed") from None
            reason = (str(cause).strip() or type(cause).__name__).splitlines()[0]
            raise CorpusError(
                f"orders database {self} cannot be used: {reason}; check the URL and the server, "
                "or restore the database from a copy"
            ) from None


def is_full(error: BaseException) -> bool:
    """Whether a driver's error says that there is no room on the disk."""
    # SQLSTATE 53100 is disk_full
    return (
        getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL or getattr(error, "sqlstate", None) == "53100"
    )


def make_engine(place: str | Path, *, pooled: bool = False) -> sa.Engine:
    """What connects to a database, without a look at its schema; for `place` and `pooled` see `Database`."""
    if isinstance(place, Path):
        return _sqlite(sa.URL.create("sqlite", database=str(place)), pooled)
    try:
        url = sa.make_url(place)
    except sa.exc.ArgumentError:
        raise InvalidInputError(
            "the orders URL must look like postgresql://user:password@host/name or sqlite:///file, got none of them"
        ) from None
    dialect = url.get_backend_name()
    if dialect == "sqlite":
        return _sqlite(url, pooled)
    if dialect != "postgresql":
        raise InvalidInputError(f"orders are kept in sqlite or postgresql, got a URL of {dialect!r}")
    # a server may have been restarted since a connection was last used
    pool: dict[str, Any] = {**POOL, "pool_pre_ping": True} if pooled else {"poolclass": sa.pool.NullPool}
    try:
        return sa.create_engine(url.set(drivername="postgresql+psycopg"), **pool)
    except ImportError:
        raise CorpusError(
            "orders in PostgreSQL need the package psycopg: pip install 'gamac-meta[postgresql]'"
        ) from None


def _sqlite(url: sa.URL, pooled: bool) -> sa.Engine:
    pool: dict[str, Any] = {**POOL, "poolclass": sa.pool.QueuePool} if pooled else {"poolclass": sa.pool.NullPool}
    engine = sa.create_engine(url, connect_args={"timeout": PATIENCE}, **pool)

    @sa.event.listens_for(engine, "connect")
    def configure(connection: Any, _: Any) -> None:
        # the driver would commit around schema changes; transactions are begun below instead
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        # with a log written ahead, less would lose the last transactions to a power cut
        connection.execute("PRAGMA synchronous = FULL")

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        statement = connection.get_execution_options().get("begins", "BEGIN")
        if statement:
            connection.exec_driver_sql(statement)

    return engine
