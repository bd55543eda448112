"""The work of assessors: who is invited, their sessions, and everything they did in them, in SQLite or PostgreSQL.

Events are only ever added, and determine everything else: the state of a session is what `replay`
makes of its plan and its events, and the order in the order book is written with the last of them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex
from typing import Any

import sqlalchemy as sa

from corpus.database import Database
from corpus.orders import CANDIDATE_SETS, Key, OrderBook, add_missing
from corpus.protocols import PROTOCOLS, Event, Plan, State, replay
from corpus.session_records import (
    GREATEST,
    LANGUAGES,
    LONGEST_KEY,
    Invitation,
    Session,
    StoredEvent,
    Submission,
    require_language,
    require_person,
    require_text,
)
from gamac_meta.exceptions import CorpusError, InvalidInputError, UnexpectedEventError
from gamac_meta.types import Ranking

PRACTICE: Key = ("practice", "1")  # a session on it never becomes an order

__all__ = [
    "LANGUAGES",
    "PRACTICE",
    "Appended",
    "Invitation",
    "Session",
    "SessionBook",
    "StoredEvent",
    "Submission",
    "is_ordering",
]

INVITATIONS = sa.table(
    "invitations",
    *map(sa.column, ("id", "assessor", "created", "expires", "revoked", "quota", "protocol", "language")),
)
SESSIONS = sa.table(
    "sessions",
    *map(sa.column, ("id", "assessor", "dataset", "candidates", "plan", "opened", "closed", "status")),
)
EVENTS = sa.table(
    "events",
    *map(sa.column, ("session", "step", "client_id", "kind", "body", "took_ms", "client_time", "received")),
)


@dataclass(frozen=True)
class Appended:
    """Where a session stands once submissions are stored."""

    state: State
    steps: int  # events stored in all


class SessionBook:
    """The invitations, sessions and events in a database, and the orders that come of them.

    place: path of an SQLite file, made where there is none, or the URL of a database.
    Threads may share one; connections stay open until it is closed.
    """

    def __init__(self, place: str | Path) -> None:
        self._database = Database(place, pooled=True)
        self.orders = OrderBook(self._database)

    def __enter__(self) -> SessionBook:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __str__(self) -> str:
        return str(self._database)

    def close(self) -> None:
        """Let go of the database."""
        self._database.close()

    # ---- invitations -----------------------------------------------------------------------------

    def invite(
        self,
        assessor: str,
        *,
        expires: datetime,
        quota: int = 20,
        protocol: str = PROTOCOLS[0],
        language: str = LANGUAGES[0],
    ) -> Invitation:
        """A new invitation; one who is invited already may have several."""
        require_person(assessor)
        if expires.tzinfo is None:
            raise InvalidInputError(f"expires must have a time zone, got {expires}")
        if type(quota) is not int or not 1 <= quota <= GREATEST:
            raise InvalidInputError(f"quota must be a whole number of at least 1, got {quota!r}")
        if protocol not in PROTOCOLS:
            raise InvalidInputError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")
        require_language(language)
        row = {
            "id": token_hex(16),
            "assessor": assessor,
            "created": _now(),
            "expires": expires.astimezone(UTC).isoformat(),
            "revoked": None,
            "quota": quota,
            "protocol": protocol,
            "language": language,
        }
        with self._database.writing() as connection:
            connection.execute(sa.insert(INVITATIONS), row)
        return self._invitation(row)

    def invitations(self) -> tuple[Invitation, ...]:
        """All of them, the first made first."""
        query = sa.select(INVITATIONS).order_by(INVITATIONS.c.created, INVITATIONS.c.id)
        with self._database.reading() as connection:
            return tuple(map(self._invitation, _rows(connection, query)))

    def invitation(self, invitation_id: str) -> Invitation | None:
        """The one with this id."""
        with self._database.reading() as connection:
            row = _with_id(connection, INVITATIONS, invitation_id)
        return None if row is None else self._invitation(row)

    def revoke(self, invitation_id: str) -> None:
        """Let nobody in by this invitation any more; what came by it stays."""
        if self.invitation(invitation_id) is None:
            raise InvalidInputError(f"an invitation must be made before it is revoked, got {invitation_id!r:.50}")
        chosen = (INVITATIONS.c.id == invitation_id) & INVITATIONS.c.revoked.is_(None)
        with self._database.writing() as connection:
            connection.execute(sa.update(INVITATIONS).where(chosen).values(revoked=_now()))

    def set_language(self, assessor: str, language: str) -> None:
        """The language in which an assessor wants the page."""
        require_language(language)
        with self._database.writing() as connection:
            connection.execute(
                sa.update(INVITATIONS).where(INVITATIONS.c.assessor == assessor).values(language=language)
            )

    # ---- sessions --------------------------------------------------------------------------------

    def open(self, assessor: str, key: Key, plan: Plan) -> Session:
        """The assessor's session on these candidates; where there is one, it is that, with its own plan.

        Raises InvalidInputError where the candidates are not as many as in the plan, or the assessor has ranked
        them elsewhere: the order at the end of the session could not be stored.
        """
        require_person(assessor)
        dataset, candidates = key
        for name, value in (("data set", dataset), ("candidates", candidates)):
            require_text(name, value, LONGEST_KEY)
        of_key = _of_session(assessor, key)
        with self._database.reading() as connection:
            known = _rows(connection, of_key)
        if known:
            return self._session(known[0])
        if key in self.orders.ranked_by(assessor):
            raise InvalidInputError(f"a session must be on what its assessor has not ranked, got data set {dataset}")
        row = {
            "id": token_hex(16),
            "assessor": assessor,
            "dataset": dataset,
            "candidates": candidates,
            "plan": json.dumps(plan.to_record()),
            "opened": _now(),
            "closed": None,
            "status": "open",
        }
        of_set = (CANDIDATE_SETS.c.dataset == dataset) & (CANDIDATE_SETS.c.candidates == candidates)
        with self._database.writing() as connection:
            size = connection.scalar(sa.select(CANDIDATE_SETS.c.size).where(of_set))
            if size not in (None, plan.items):
                raise InvalidInputError(f"data set {dataset} has {size} candidates, got a plan for {plan.items}")
            add_missing(connection, SESSIONS, [row])
            # another process may have been first
            (stored,) = _rows(connection, of_key)
        return self._session(stored)

    def session(self, session_id: str) -> Session | None:
        """The one with this id."""
        with self._database.reading() as connection:
            row = _with_id(connection, SESSIONS, session_id)
        return None if row is None else self._session(row)

    def sessions(self, assessor: str | None = None) -> tuple[Session, ...]:
        """Those of an assessor, or all; the first opened first."""
        query = sa.select(SESSIONS).order_by(SESSIONS.c.opened, SESSIONS.c.id)
        if assessor is not None:
            query = query.where(SESSIONS.c.assessor == assessor)
        with self._database.reading() as connection:
            return tuple(map(self._session, _rows(connection, query)))

    def activity(self) -> Mapping[Key, Counter[str]]:
        """For each set of candidates, how many sessions are open, finished and declined."""
        columns = SESSIONS.c.dataset, SESSIONS.c.candidates, SESSIONS.c.status
        found: defaultdict[Key, Counter[str]] = defaultdict(Counter)
        with self._database.reading() as connection:
            query = sa.select(*columns, sa.func.count()).group_by(*columns)
            for dataset, candidates, status, count in connection.execute(query):
                found[dataset, candidates][status] = count
        return dict(found)

    # ---- events ----------------------------------------------------------------------------------

    def append(self, session_id: str, submissions: Sequence[Submission]) -> Appended:
        """Store what is new among the submissions, all or none of it, in the sequence of their steps.

        What is stored already, by client_id, is left out: sending something again changes nothing. With
        "finish" the order of the candidates is stored in the same transaction.

        Raises UnexpectedEventError where one does not fit what is stored, StorageFullError where there is no
        room; nothing is changed then.
        """
        while True:
            # replayed before the lock is taken, so that nobody waits for it
            session, stored = self._load(session_id)
            new = _new(stored, submissions)
            state = self._replayed(session, stored, new)
            if not new or self._stored(session, len(stored), new, state):
                return Appended(state, len(stored) + len(new))

    def events(self, session_id: str) -> tuple[StoredEvent, ...]:
        """All that was stored in a session, by step."""
        return self._load(session_id)[1]

    def _load(self, session_id: str) -> tuple[Session, tuple[StoredEvent, ...]]:
        of_session = sa.select(EVENTS).where(EVENTS.c.session == session_id).order_by(EVENTS.c.step)
        with self._database.reading() as connection:
            found = _with_id(connection, SESSIONS, session_id)
            rows = _rows(connection, of_session) if found else []
        if found is None:
            raise InvalidInputError(f"a session must have been opened, got {session_id!r:.50}")
        with self._whole(f"an event of session {session_id}"):
            return self._session(found), tuple(map(_stored_event, rows))

    def _replayed(self, session: Session, stored: Sequence[StoredEvent], new: Sequence[Submission]) -> State:
        before = [submission.event for submission in stored]
        try:
            return replay(session.plan, [*before, *(submission.event for submission in new)])
        except UnexpectedEventError:
            with self._whole(f"an event of session {session.id}"):
                replay(session.plan, before)
            raise

    def _stored(self, session: Session, steps: int, new: Sequence[Submission], state: State) -> bool:
        """Whether they were stored; they are not where the session has other than so many steps by now."""
        received = _now()
        with self._database.writing() as connection:
            # SQLite has the whole database locked
            connection.execute(sa.select(SESSIONS.c.id).where(SESSIONS.c.id == session.id).with_for_update())
            count = sa.select(sa.func.count()).select_from(EVENTS).where(EVENTS.c.session == session.id)
            if connection.scalar(count) != steps:
                return False
            try:
                connection.execute(sa.insert(EVENTS), [_row(session.id, submission, received) for submission in new])
            except sa.exc.IntegrityError:
                # the steps are free, so it is the other key
                raise UnexpectedEventError("client_id must be new, got that of an event in another session") from None
            if state.stage in ("finished", "declined"):
                self._close(connection, session, state, received)
        return True

    def _close(self, connection: sa.Connection, session: Session, state: State, now: str) -> None:
        connection.execute(
            sa.update(SESSIONS).where(SESSIONS.c.id == session.id).values(status=state.stage, closed=now)
        )
        if state.final is not None and session.key != PRACTICE:
            self.orders.add_within(connection, session.key, [Ranking(state.final, session.assessor)])

    # ---- rows ------------------------------------------------------------------------------------

    def _invitation(self, row: Mapping[str, Any]) -> Invitation:
        with self._whole(f"invitation {row['id']}"):
            times = {"created": _time(row["created"]), "expires": _time(row["expires"])}
            return Invitation(**{**row, **times, "revoked": _time_or_none(row["revoked"])})

    def _session(self, row: Mapping[str, Any]) -> Session:
        with self._whole(f"session {row['id']}"):
            return Session(
                row["id"],
                row["assessor"],
                (row["dataset"], row["candidates"]),
                Plan.from_record(json.loads(row["plan"])),
                _time(row["opened"]),
                _time_or_none(row["closed"]),
                row["status"],
            )

    @contextmanager
    def _whole(self, what: str) -> Iterator[None]:
        """Whatever is wrong with a row means that it is damaged: none was stored that way."""
        try:
            yield
        except (ValueError, TypeError, RecursionError):
            raise CorpusError(f"database {self}: {what} is damaged; restore the database from a copy") from None


def _new(stored: Sequence[StoredEvent], submissions: Sequence[Submission]) -> list[Submission]:
    """Those that are not stored, each once, by step."""
    known: dict[str, Submission] = {each.client_id: each for each in stored}
    new = []
    for submission in submissions:
        before = known.get(submission.client_id)
        if before is None:
            known[submission.client_id] = submission
            new.append(submission)
        elif before.event != submission.event:
            raise UnexpectedEventError(
                f"client_id must be of one event, got {submission.client_id} for step {before.event.step} "
                f"and another event at step {submission.event.step}"
            )
    return sorted(new, key=lambda each: each.event.step)


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> list[dict[str, Any]]:
    return [dict(row) for row in connection.execute(query).mappings()]


def _with_id(connection: sa.Connection, table: sa.TableClause, row_id: str) -> dict[str, Any] | None:
    # ids come from addresses and cookies; what cannot be one may not even be text to a database
    rows = _rows(connection, sa.select(table).where(table.c.id == row_id)) if row_id.isprintable() else []
    return rows[0] if rows else None


def _stored_event(row: Mapping[str, Any]) -> StoredEvent:
    event = Event(row["step"], row["kind"], dict(json.loads(row["body"])))
    return StoredEvent(row["client_id"], event, row["took_ms"], row["client_time"], _time(row["received"]))


def _row(session_id: str, submission: Submission, received: str) -> dict[str, Any]:
    event = submission.event
    return {
        "session": session_id,
        "step": event.step,
        "client_id": submission.client_id,
        "kind": event.kind,
        "body": json.dumps(dict(event.body), allow_nan=False),
        "took_ms": submission.took_ms,
        "client_time": submission.client_time,
        "received": received,
    }


def _of_session(assessor: str, key: Key) -> sa.Select[Any]:
    dataset, candidates = key
    return sa.select(SESSIONS).where(
        (SESSIONS.c.assessor == assessor) & (SESSIONS.c.dataset == dataset) & (SESSIONS.c.candidates == candidates)
    )


def is_ordering(connection: sa.Connection, assessor: str, key: Key) -> bool:
    """Whether a session is open, so that no order from elsewhere may come: the one at its end could not be stored."""
    of_key = _of_session(assessor, key).where(SESSIONS.c.status == "open")
    return connection.execute(of_key).first() is not None


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        raise ValueError("a time without its zone")
    return time


def _time_or_none(text: str | None) -> datetime | None:
    return None if text is None else _time(text)
