"""The work of assessors as JSON lines, and back.

The first line names the format and its version, the last one says how many records there are of each kind, so that a
file that was cut short is noticed. Between them stand, in this sequence, invitations, sessions, events and the orders
of people, one record a line. An invitation's id lets nobody in without the studio's secret, which is not here.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from corpus.order_files import refuse
from corpus.orders import ORDERS, Key
from corpus.protocols import PROTOCOLS, Event, Plan, State, replay
from corpus.session_records import GREATEST, LANGUAGES, LONGEST_KEY, LONGEST_NAME, require_person, require_text
from corpus.sessions import EVENTS, INVITATIONS, PRACTICE, SESSIONS, SessionBook, is_ordering
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.types import Ranking

if TYPE_CHECKING:
    import sqlalchemy as sa

FORMAT, VERSION = "gamac-meta assessment sessions", 1
STATUSES = ("open", "finished", "declined")


def session_lines(book: SessionBook) -> Iterator[str]:
    """Everything people did, as of one moment; each line ends with a line feed."""
    yield _line({"format": FORMAT, "version": VERSION})
    counts = dict.fromkeys(KINDS, 0)
    with book.orders.database.reading() as connection:
        if connection.dialect.name == "postgresql":
            # else each query would see its own moment
            connection = connection.execution_options(isolation_level="REPEATABLE READ")
        for kind, query in _queries().items():
            for row in connection.execute(query).mappings():
                counts[kind] += 1
                yield _line({"record": kind} | _record(kind, dict(row), book))
    yield _line({"records": counts})


def _queries() -> dict[str, sa.Select[Any]]:
    return {
        "invitation": INVITATIONS.select().order_by(INVITATIONS.c.created, INVITATIONS.c.id),
        "session": SESSIONS.select().order_by(SESSIONS.c.opened, SESSIONS.c.id),
        "event": EVENTS.select().order_by(EVENTS.c.session, EVENTS.c.step),
        "order": ORDERS.select().where(ORDERS.c.simulated.is_(False)).order_by(ORDERS.c.id),
    }


def _record(kind: str, row: Mapping[str, Any], book: SessionBook) -> dict[str, Any]:
    try:
        return {name: json.loads(row[name]) if name in JSON else row[name] for name in KINDS[kind]}
    except ValueError:
        raise CorpusError(f"database {book}: a record of kind {kind} is damaged; restore it from a copy") from None


def _line(record: Mapping[str, Any]) -> str:
    return json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n"


# ---- what a record holds -------------------------------------------------------------------------


Check = Callable[[str, Any], Any]  # of a field's name and value: the value to be stored; raises InvalidInputError


def _text(longest: int) -> Check:
    def check(name: str, value: Any) -> Any:
        require_text(name, value, longest)
        return value

    return check


def _person(_: str, value: Any) -> Any:
    require_person(value)
    return value


def _time(name: str, value: Any) -> str:
    try:
        time = datetime.fromisoformat(value)
        if time.tzinfo is not None:
            return time.astimezone(UTC).isoformat()
    except (TypeError, ValueError, OverflowError):
        pass
    raise InvalidInputError(f"{name} must be a time with its zone, in ISO 8601, got {value!r:.80}")


def _number(least: int) -> Check:
    def check(name: str, value: Any) -> Any:
        if type(value) is not int or not least <= value <= GREATEST:
            raise InvalidInputError(f"{name} must be a whole number from {least} to {GREATEST}, got {value!r:.80}")
        return value

    return check


def _one_of(names: tuple[str, ...]) -> Check:
    def check(name: str, value: Any) -> Any:
        if value not in names:
            raise InvalidInputError(f"{name} must be one of {', '.join(names)}, got {value!r:.80}")
        return value

    return check


def _maybe(check: Check) -> Check:
    return lambda name, value: None if value is None else check(name, value)


def _object(name: str, value: Any) -> Any:
    if not isinstance(value, dict):
        raise InvalidInputError(f"{name} must be an object, got {value!r:.80}")
    return value


def _ranks(name: str, value: Any) -> list[float]:
    from scipy.stats import rankdata

    numbers = isinstance(value, list) and all(type(each) in (int, float) and abs(each) <= GREATEST for each in value)
    ranks = np.array(value if numbers else [], dtype=np.float64)
    if not ranks.size or not np.array_equal(ranks, rankdata(ranks)):
        raise InvalidInputError(f"{name} must be 1..p, 1 is best, ties share the mean rank, got {value!r:.80}")
    return list(ranks.tolist())


_ID, _KEY, _NAME = _text(LONGEST_KEY), _text(LONGEST_KEY), _text(LONGEST_NAME)
KINDS: Mapping[str, Mapping[str, Check]] = {
    "invitation": {
        "id": _ID,
        "assessor": _person,
        "created": _time,
        "expires": _time,
        "revoked": _maybe(_time),
        "quota": _number(1),
        "protocol": _one_of(PROTOCOLS),
        "language": _one_of(LANGUAGES),
    },
    "session": {
        "id": _ID,
        "assessor": _person,
        "dataset": _KEY,
        "candidates": _KEY,
        "plan": _object,
        "opened": _time,
        "closed": _maybe(_time),
        "status": _one_of(STATUSES),
    },
    "event": {
        "session": _ID,
        "step": _number(0),
        "client_id": _NAME,
        "kind": _NAME,
        "body": _object,
        "took_ms": _maybe(_number(0)),
        "client_time": _maybe(_NAME),
        "received": _time,
    },
    "order": {"dataset": _KEY, "candidates": _KEY, "assessor": _person, "ranks": _ranks},
}
JSON = frozenset({"plan", "body", "ranks"})  # columns that hold JSON text
# what an invitation is; the rest of it changes
LASTING = ("assessor", "created", "expires", "quota", "protocol")


# ---- from a file ---------------------------------------------------------------------------------


class Read(NamedTuple):
    """A record and the line it stands on."""

    number: int
    row: dict[str, Any]


@dataclass(frozen=True)
class ReadSession:
    """A session with its events, and where they lead."""

    number: int
    row: dict[str, Any]
    plan: Plan
    events: list[Read] = field(default_factory=list)

    @property
    def key(self) -> Key:
        return self.row["dataset"], self.row["candidates"]

    def replayed(self, path: Path) -> State:
        """Raises InvalidInputError where the events do not fit the plan, or the status does not follow from them."""
        steps = [each.row["step"] for each in self.events]
        if steps != list(range(len(steps))):
            raise refuse(path, self.number, f"events of a session must have steps 0, 1, ..., got {steps[:20]}")
        try:
            events = (Event(each.row["step"], each.row["kind"], each.row["body"]) for each in self.events)
            state = replay(self.plan, events)
        except InvalidInputError as error:
            raise refuse(path, self.number, f"events of session {self.row['id']} do not fit: {error}") from None
        status = state.stage if state.stage in STATUSES else "open"
        if status != self.row["status"] or (self.row["closed"] is None) != (status == "open"):
            raise refuse(
                path, self.number, f"the status of session {self.row['id']} must be {status}, got {self.row['status']}"
            )
        return state


@dataclass(frozen=True)
class Content:
    """Everything in a file, checked as far as it goes without the database."""

    invitations: list[Read]
    sessions: dict[str, ReadSession]
    orders: list[tuple[int, Key, Ranking]]  # those of finished sessions too


def read_lines(path: Path) -> Content:
    """Raises InvalidInputError with the line number of what does not fit."""
    records: dict[str, list[Read]] = {kind: [] for kind in KINDS}
    for number, record in _records(path):
        kind = record.pop("record")
        records[kind].append(Read(number, _checked(path, number, kind, record)))
    for kind, name in (("invitation", "id"), ("session", "id"), ("event", "client_id")):
        _refuse_twice(path, records[kind], (name,))
    _refuse_twice(path, records["order"], ("assessor", "dataset", "candidates"))
    _refuse_twice(path, records["session"], ("assessor", "dataset", "candidates"))
    sessions = {}
    for number, row in records["session"]:
        try:
            plan = Plan.from_record(row["plan"])
        except InvalidInputError as error:
            raise refuse(path, number, str(error)) from None
        sessions[row["id"]] = ReadSession(number, row, plan)
    for event in records["event"]:
        if event.row["session"] not in sessions:
            raise refuse(path, event.number, f"an event must be of a session in the file, got {event.row['session']}")
        sessions[event.row["session"]].events.append(event)
    orders = []
    for session in sessions.values():
        state = session.replayed(path)
        if state.final is not None and session.key != PRACTICE:
            orders.append((session.number, session.key, Ranking(state.final, session.row["assessor"])))
    for number, row in records["order"]:
        key = row["dataset"], row["candidates"]
        if key == PRACTICE:
            raise refuse(path, number, "an order must be of a data set of a corpus, got the practice")
        orders.append((number, key, Ranking(row["ranks"], row["assessor"])))
    return Content(records["invitation"], sessions, orders)


def _records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Numbered records between the first line and the last, which are checked."""
    counts = dict.fromkeys(KINDS, 0)
    expected: Any = None
    number = 0
    for number, record in _objects(path):
        if number == 1:
            if record.get("format") != FORMAT or record.get("version") != VERSION:
                raise refuse(path, 1, f"the file must be {FORMAT}, version {VERSION}, got {str(record)[:80]}")
        elif expected is not None:
            raise refuse(path, number, "nothing must stand behind the line with the numbers of records")
        elif "records" in record:
            expected = record["records"]
        elif not isinstance(record.get("record"), str) or record["record"] not in KINDS:
            raise refuse(path, number, f"a record must be one of {', '.join(KINDS)}, got {record.get('record')!r:.50}")
        else:
            counts[record["record"]] += 1
            yield number, record
    if expected != counts:
        raise refuse(path, number, f"the file must end with the numbers of its records {counts}, got {expected}")


def _objects(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    record = json.loads(line, parse_constant=_no_number)
                except (ValueError, RecursionError):
                    record = None
                if not isinstance(record, dict):
                    raise refuse(path, number, f"a line must be a JSON object, got {line[:60]!r}")
                yield number, record
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}") from None


def _no_number(text: str) -> float:
    raise ValueError(text)


def _checked(path: Path, number: int, kind: str, record: Mapping[str, Any]) -> dict[str, Any]:
    if record.keys() != KINDS[kind].keys():
        raise refuse(path, number, f"{kind} must have {', '.join(KINDS[kind])}, got {', '.join(record)}"[:300])
    try:
        return {name: check(name, record[name]) for name, check in KINDS[kind].items()}
    except InvalidInputError as error:
        raise refuse(path, number, str(error)) from None


def _refuse_twice(path: Path, records: list[Read], names: tuple[str, ...]) -> None:
    seen: dict[tuple[Any, ...], int] = {}
    for number, row in records:
        before = seen.setdefault(tuple(row[name] for name in names), number)
        if before != number:
            values = " ".join(str(row[name]) for name in names)
            raise refuse(path, number, f"{', '.join(names)} must differ, got {values} on line {before} already")


# ---- into a database -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Imported:
    """What was new."""

    invitations: int
    sessions: int
    events: int
    orders: int

    def __str__(self) -> str:
        return (
            f"imported {self.invitations} invitations, {self.sessions} sessions, {self.events} events, "
            f"{self.orders} orders; what was there already stays"
        )


def store_lines(book: SessionBook, path: Path, content: Content) -> Imported:
    """All or none. Raises InvalidInputError, with line and name, where something else is on record."""
    added: Counter[str] = Counter()
    with book.orders.database.writing() as connection:
        for invitation in content.invitations:
            added["invitations"] += _store_invitation(connection, path, invitation)
        for session in content.sessions.values():
            known = _known_session(connection, path, session)
            if known is None:
                connection.execute(SESSIONS.insert(), session.row | {"plan": json.dumps(session.row["plan"])})
                added["sessions"] += 1
            added["events"] += _store_events(connection, path, session)
        for number, key, order in content.orders:
            if is_ordering(connection, order.assessor, key):
                raise refuse(path, number, f"{order.assessor} is ordering data set {key[0]} in the studio")
            of_order = (ORDERS.c.assessor == order.assessor) & (ORDERS.c.dataset == key[0])
            query = ORDERS.select().where(of_order & (ORDERS.c.candidates == key[1]))
            added["orders"] += connection.execute(query).first() is None
            try:
                book.orders.add_within(connection, key, [order])
            except InvalidInputError as error:
                raise refuse(path, number, str(error)) from None
    return Imported(**{name: added[name] for name in ("invitations", "sessions", "events", "orders")})


def _store_invitation(connection: sa.Connection, path: Path, read: Read) -> bool:
    """Whether it was new. One that was revoked in either place is revoked."""
    of_id = INVITATIONS.c.id == read.row["id"]
    known = connection.execute(INVITATIONS.select().where(of_id)).mappings().first()
    if known is None:
        connection.execute(INVITATIONS.insert(), read.row)
        return True
    for name in LASTING:
        if known[name] != read.row[name]:
            raise refuse(
                path,
                read.number,
                f"invitation {read.row['id']} is on record with {name} {known[name]}, got {read.row[name]}",
            )
    if read.row["revoked"] and not known["revoked"]:
        connection.execute(INVITATIONS.update().where(of_id).values(revoked=read.row["revoked"]))
    return False


def _known_session(connection: sa.Connection, path: Path, session: ReadSession) -> Mapping[str, Any] | None:
    """The same session on record; raises InvalidInputError where it is another."""
    row = session.row
    of_key = (SESSIONS.c.dataset == row["dataset"]) & (SESSIONS.c.candidates == row["candidates"])
    same = (SESSIONS.c.id == row["id"]) | ((SESSIONS.c.assessor == row["assessor"]) & of_key)
    found = connection.execute(SESSIONS.select().where(same).with_for_update()).mappings().all()
    for known in found:
        for name in ("id", "assessor", "dataset", "candidates", "opened"):
            if known[name] != row[name]:
                raise refuse(
                    path,
                    session.number,
                    f"{row['assessor']} on data set {row['dataset']}: a session is on record with {name} "
                    f"{known[name]}, got {row[name]}",
                )
        if json.loads(known["plan"]) != row["plan"]:
            raise refuse(path, session.number, f"session {row['id']} of {row['assessor']} has another plan on record")
    of_order = (ORDERS.c.assessor == row["assessor"]) & (ORDERS.c.dataset == row["dataset"])
    ranked = connection.execute(ORDERS.select().where(of_order & (ORDERS.c.candidates == row["candidates"]))).first()
    if not found and ranked is not None and row["status"] != "finished":
        raise refuse(
            path, session.number, f"{row['assessor']} has ranked data set {row['dataset']} already, outside the session"
        )
    return dict(found[0]) if found else None


def _store_events(connection: sa.Connection, path: Path, session: ReadSession) -> int:
    """How many were new. Those on record must be the first of the file's, or the file's the first of them."""
    row = session.row
    query = EVENTS.select().where(EVENTS.c.session == row["id"]).order_by(EVENTS.c.step)
    stored = connection.execute(query).mappings().all()
    for known, read in zip(stored, session.events, strict=False):
        same = (known["client_id"], known["kind"], json.loads(known["body"]))
        if same != (read.row["client_id"], read.row["kind"], read.row["body"]):
            raise refuse(
                path,
                read.number,
                f"{row['assessor']} did something else at step {read.row['step']} of session {row['id']}, "
                f"which is on record as {known['kind']} {known['body']}"[:300],
            )
    new = session.events[len(stored) :]
    if new:
        ids = [read.row["client_id"] for read in new]
        taken = connection.execute(EVENTS.select().where(EVENTS.c.client_id.in_(ids))).mappings().first()
        if taken is not None:
            line = next(read.number for read in new if read.row["client_id"] == taken["client_id"])
            raise refuse(path, line, f"client_id must be new, got one of session {taken['session']}")
        connection.execute(EVENTS.insert(), [read.row | {"body": json.dumps(read.row["body"])} for read in new])
        closing = {"status": row["status"], "closed": row["closed"]}
        connection.execute(SESSIONS.update().where(SESSIONS.c.id == row["id"]).values(closing))
    return len(new)
