"""Whatever happens to processes, networks and clocks: what was acknowledged is stored once, nothing by halves."""

import json
import subprocess
import sys
from collections import Counter, defaultdict, deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from threading import Barrier

import assessing
import numpy as np
import pytest
import sqlalchemy as sa
from assessing import batch, submitted, work

from corpus.app.messages import LANGUAGES as LANGUAGES_OF_THE_PAGE
from corpus.orders import OrderBook
from corpus.protocols import PROTOCOLS, Event, make_plan, replay
from corpus.sessions import LANGUAGES, PRACTICE, Appended, SessionBook, Submission
from gamac_meta.exceptions import CorpusError, InvalidInputError, StorageFullError, UnexpectedEventError
from gamac_meta.types import Ranking

KEY = ("data", "candidates")
PLAN = make_plan("binary_insertion", 5, 1)
TOMORROW = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
def place(tmp_path, orders_url):
    return orders_url or tmp_path / "orders.sqlite"


@pytest.fixture
def book(place):
    with SessionBook(place) as opened:
        yield opened


@pytest.fixture
def session(book):
    return book.open("heron", KEY, PLAN)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def whole_session(plan, rng):
    """Submissions from the first to the last."""
    return batch(plan, [], rng, 10_000)


def stored_ids(book, session):
    return [each.client_id for each in book.events(session.id)]


def execute(book, statement, **values):
    with book.orders.database.writing() as connection:
        connection.execute(sa.text(statement), values)


def assert_orders_follow_from_events(place):
    """Every finished session, and nothing else, gave the order that its events give."""
    with SessionBook(place) as book:
        expected = {}
        for session in book.sessions():
            state = replay(session.plan, [each.event for each in book.events(session.id)])
            assert session.status == (state.stage if state.stage in ("finished", "declined") else "open")
            assert (session.closed is None) == (session.status == "open")
            if state.final is not None and session.key != PRACTICE:
                expected[session.key, session.assessor] = state.final.tolist()
        orders = book.orders.read([session.key for session in book.sessions()])
        found = {(key, each.assessor): each.ranks.tolist() for key, several in orders.items() for each in several}
        assert found == expected
        return expected


def started(*arguments):
    """A process that runs one of the programs of assessing.py, ready for its work."""
    process = subprocess.Popen(
        [sys.executable, assessing.__file__, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )
    assert process.stdout.readline() == '["ready"]\n'
    return process


class TestInvitations:
    def test_reads_what_was_written(self, place, book):
        expires = datetime(2027, 1, 1, 3, tzinfo=UTC) + timedelta(microseconds=5)
        made = book.invite("heron", expires=expires, quota=3, protocol="bradley_terry", language="ru")
        assert (made.assessor, made.expires, made.quota, made.protocol, made.language) == (
            *("heron", expires, 3, "bradley_terry", "ru"),
        )
        assert abs(made.created - datetime.now(UTC)) < timedelta(minutes=5)
        second = book.invite("heron", expires=TOMORROW)
        assert (second.quota, second.protocol, second.language) == (20, PROTOCOLS[0], "en")
        with SessionBook(place) as again:
            assert again.invitations() == (made, second)
            assert again.invitation(made.id) == made
            assert again.invitation(second.id[:-1]) is None

    def test_expires_and_is_revoked(self, book):
        made = book.invite("heron", expires=TOMORROW)
        other = book.invite("egret", expires=TOMORROW)
        assert made.refusal(datetime.now(UTC)) is None
        assert made.refusal(TOMORROW) == "expired"
        book.revoke(made.id)
        revoked = book.invitation(made.id)
        assert revoked.refusal(datetime.now(UTC)) == "revoked"
        # the first time stands
        book.revoke(made.id)
        assert book.invitation(made.id) == revoked
        assert book.invitation(other.id) == other
        with pytest.raises(InvalidInputError, match="must be made before it is revoked, got 'none'"):
            book.revoke("none")

    def test_language_is_the_assessors(self, book):
        first, second = (book.invite("heron", expires=TOMORROW) for _ in range(2))
        other = book.invite("egret", expires=TOMORROW)
        book.set_language("heron", "ru")
        assert [book.invitation(each.id).language for each in (first, second, other)] == ["ru", "ru", "en"]
        with pytest.raises(InvalidInputError, match="language must be one of en, ru, got 'de'"):
            book.set_language("heron", "de")
        assert list(LANGUAGES) == list(LANGUAGES_OF_THE_PAGE)

    @pytest.mark.parametrize(
        "name", ["simulated-3", "Simulated", "", " heron", "a\nb", "a\0b", "\ud800", "x" * 101, None]
    )
    def test_names_that_are_none_of_a_person(self, book, name):
        with pytest.raises(InvalidInputError, match=r"must (not begin with 'simulated'|have 1 to 100 printable)"):
            book.invite(name, expires=TOMORROW)
        with pytest.raises(InvalidInputError, match=r"must (not begin with 'simulated'|have 1 to 100 printable)"):
            book.open(name, KEY, PLAN)
        assert (book.invitations(), book.sessions()) == ((), ())

    @pytest.mark.parametrize(
        "name",
        [
            "../../etc/passwd",
            "'; DROP TABLE events; --",
            '" OR 1=1',
            "%s %(a)s :name {0} $1",
            "\\",
            "NULL",
            "цапля",
            "🦢",
            "<script>alert(1)</script>",
        ],
    )
    def test_any_other_name_is_text(self, book, name, rng):
        made = book.invite(name, expires=TOMORROW)
        session = book.open(name, KEY, PLAN)
        work(book, session, rng)
        assert book.invitation(made.id).assessor == name
        assert [each.assessor for each in book.sessions(name)] == [name]
        assert [each.assessor for each in book.orders.read([KEY])[KEY]] == [name]
        assert book.orders.ranked_by(name) == {KEY}

    @pytest.mark.parametrize("text", ["'; DROP TABLE events; --", "../..", "\0", "\ud800", "%00", "x" * 10_000, ""])
    def test_ids_that_are_none(self, book, session, text):
        assert book.session(text) is None
        assert book.invitation(text) is None
        with pytest.raises(InvalidInputError, match="a session must have been opened"):
            book.events(text)
        with pytest.raises(InvalidInputError, match="a session must have been opened"):
            book.append(text, [])
        assert book.sessions() == (session,)

    @pytest.mark.parametrize(
        ("options", "match"),
        [
            ({"expires": datetime(2027, 1, 1)}, "expires must have a time zone"),
            ({"quota": 0}, "quota must be a whole number of at least 1, got 0"),
            ({"quota": 2**40}, "quota must be"),
            ({"protocol": "best_worst"}, "protocol must be one of binary_insertion, bradley_terry, got 'best_worst'"),
            ({"language": "de"}, "language must be one of en, ru"),
        ],
    )
    def test_options(self, book, options, match):
        with pytest.raises(InvalidInputError, match=match):
            book.invite("heron", **{"expires": TOMORROW, **options})


class TestSessions:
    def test_the_first_plan_stands(self, place, book, session):
        assert (session.assessor, session.key, session.plan, session.status) == ("heron", KEY, PLAN, "open")
        assert book.open("heron", KEY, make_plan("bradley_terry", 5, 9)) == session
        with SessionBook(place) as again:
            assert again.session(session.id) == session
        other = book.open("egret", KEY, make_plan("bradley_terry", 5, 9))
        assert other.plan.protocol == "bradley_terry"
        assert book.sessions() == (session, other)
        assert book.sessions("egret") == (other,)
        assert book.sessions("owl") == ()

    def test_opened_by_many_at_once_there_is_one(self, book):
        barrier = Barrier(8)

        def open_it(seed):
            barrier.wait()
            return book.open("heron", KEY, make_plan("binary_insertion", 5, seed))

        with ThreadPoolExecutor(8) as threads:
            opened = list(threads.map(open_it, range(8)))
        assert {each.id for each in opened} == {book.session(opened[0].id).id}
        assert all(each == opened[0] for each in opened)

    def test_activity(self, book, rng):
        for number, assessor in enumerate(("heron", "egret", "owl")):
            session = book.open(assessor, KEY, PLAN)
            if number == 0:
                work(book, session, rng)
            if number == 1:
                book.append(session.id, [submitted(Event(0, "decline", {}), rng)])
        book.open("owl", PRACTICE, PLAN)
        assert book.activity() == {KEY: {"finished": 1, "declined": 1, "open": 1}, PRACTICE: {"open": 1}}
        assert [each.assessor for each in book.orders.read([KEY])[KEY]] == ["heron"]

    def test_no_work_is_begun_whose_order_could_not_be_stored(self, book):
        book.orders.add(KEY, [Ranking([1, 2, 3, 4, 5], "heron")])
        with pytest.raises(InvalidInputError, match="on what its assessor has not ranked, got data set data"):
            book.open("heron", KEY, PLAN)
        with pytest.raises(InvalidInputError, match="data set data has 5 candidates, got a plan for 4"):
            book.open("egret", KEY, make_plan("binary_insertion", 4, 0))
        for key in (("x" * 33, "c"), ("d", ""), ("d\0", "c")):
            with pytest.raises(InvalidInputError, match="must have 1 to 32 printable characters"):
                book.open("egret", key, PLAN)
        assert book.sessions() == ()


class TestAppend:
    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_step_by_step_to_the_order(self, place, book, protocol, rng):
        session = book.open("heron", KEY, make_plan(protocol, 6, 3))
        sent = []
        while submissions := batch(session.plan, sent, rng):
            appended = book.append(session.id, submissions)
            sent += submissions
            expected = replay(session.plan, [each.event for each in sent])
            assert isinstance(appended, Appended)
            assert appended.steps == len(sent)
            assert appended.state.to_record() == expected.to_record()
        stored = book.events(session.id)
        assert [(each.client_id, each.event, each.took_ms, each.client_time) for each in stored] == [
            (each.client_id, each.event, each.took_ms, each.client_time) for each in sent
        ]
        assert book.session(session.id).status == "finished"
        assert book.session(session.id).closed == stored[-1].received
        (order,) = book.orders.read([KEY])[KEY]
        assert order.ranks.tolist() == list(sent[-1].event.body["ranks"])
        assert assert_orders_follow_from_events(place).keys() == {(KEY, "heron")}

    def test_nothing_to_append(self, book, session):
        appended = book.append(session.id, [])
        assert (appended.steps, appended.state.to_record()) == (0, replay(PLAN, []).to_record())

    @pytest.mark.parametrize("seed", range(3))
    def test_replayed_reordered_and_overlapping_requests(self, place, book, session, seed):
        rng = np.random.default_rng(seed)
        sent = whole_session(PLAN, rng)
        delivered = 0
        while delivered < len(sent):
            start = int(rng.integers(0, delivered + 3))
            several = sent[start : start + int(rng.integers(1, 6))]
            shuffled = [several[place] for place in rng.permutation(len(several))]
            if start > delivered:
                # an earlier request is still on its way
                with pytest.raises(UnexpectedEventError, match=f"the next event must be step {delivered}"):
                    book.append(session.id, shuffled or [submitted(Event(delivered + 1, "decline", {}), rng)])
            else:
                delivered = max(delivered, start + len(several))
                assert book.append(session.id, shuffled + shuffled[:1]).steps == delivered
            assert stored_ids(book, session) == [each.client_id for each in sent[:delivered]]
        # a page that heard nothing sends everything once more
        before = book.events(session.id), book.session(session.id)
        assert book.append(session.id, sent).steps == len(sent)
        assert (book.events(session.id), book.session(session.id)) == before
        assert_orders_follow_from_events(place)

    def test_all_or_none(self, book, session, rng):
        good = batch(PLAN, [], rng, 3)
        question = replay(PLAN, [each.event for each in good[:2]]).question
        body = {"left": question.right, "right": question.left, "verdict": "left"}
        wrong = replace(good[2], event=Event(2, "answer", body))
        with pytest.raises(UnexpectedEventError, match="to the question that is asked"):
            book.append(session.id, [*good[:2], wrong])
        assert book.events(session.id) == ()
        assert book.append(session.id, good).steps == 3

    def test_nothing_follows_the_end(self, book, session, rng):
        sent = whole_session(PLAN, rng)
        book.append(session.id, sent)
        for kind in ("undo", "decline"):
            with pytest.raises(UnexpectedEventError, match="nothing can follow once a session is finished"):
                book.append(session.id, [submitted(Event(len(sent), kind, {}), rng)])
        assert book.append(session.id, sent[-1:]).steps == len(sent)

    def test_an_id_is_of_one_event(self, book, session, rng):
        (first,) = batch(PLAN, [], rng)
        book.append(session.id, [first])
        changed = replace(first, event=Event(1, "undo", {}))
        with pytest.raises(UnexpectedEventError, match="client_id must be of one event"):
            book.append(session.id, [changed])
        other = book.open("egret", KEY, PLAN)
        with pytest.raises(UnexpectedEventError, match="client_id must be new"):
            book.append(other.id, [first])
        assert (len(book.events(session.id)), len(book.events(other.id))) == (1, 0)

    def test_practice_never_becomes_an_order(self, place, book, rng):
        session = book.open("heron", PRACTICE, PLAN)
        work(book, session, rng)
        assert book.session(session.id).status == "finished"
        assert book.orders.read([PRACTICE])[PRACTICE] == ()
        assert book.orders.ranked_by("heron") == frozenset()
        assert assert_orders_follow_from_events(place) == {}

    def test_an_order_on_record_is_not_contradicted(self, book, session, rng):
        # imported while the session was open
        sent = whole_session(PLAN, rng)
        ranks = np.array(sent[-1].event.body["ranks"])
        book.orders.add(KEY, [Ranking(6 - ranks, "heron")])
        with pytest.raises(InvalidInputError, match="heron has ranked data set data already"):
            book.append(session.id, sent)
        assert book.events(session.id) == ()
        assert book.session(session.id) == session

    @pytest.mark.parametrize("clock", ["1970-01-01T00:00:00Z", "9999-12-31", "yesterday", "-1", "1e400", None])
    def test_clocks_of_pages_decide_nothing(self, place, book, session, rng, clock):
        before = datetime.now(UTC)
        times = iter([clock, "2030-01-01", "2020-01-01", *[clock] * 1000])
        sent = [replace(each, client_time=next(times)) for each in whole_session(PLAN, rng)]
        for each in sent:
            book.append(session.id, [each])
        stored = book.events(session.id)
        assert [each.client_time for each in stored] == [each.client_time for each in sent]
        assert [each.event for each in stored] == [each.event for each in sent]
        received = [before, *(each.received for each in stored), datetime.now(UTC)]
        assert received == sorted(received)
        assert_orders_follow_from_events(place)

    @pytest.mark.parametrize(
        ("parts", "match"),
        [
            ({"client_id": ""}, "client_id must have 1 to 100 printable"),
            ({"client_id": "a\0"}, "client_id must have 1 to 100 printable"),
            ({"client_id": 5}, "client_id must have 1 to 100 printable"),
            ({"client_time": "\0"}, "client_time must have 1 to 100 printable"),
            ({"client_time": "x" * 101}, "client_time must have 1 to 100 printable"),
            ({"took_ms": -1}, "took_ms must be a whole number from 0 to 2147483647, got -1"),
            ({"took_ms": 2**31}, "took_ms must be"),
            ({"took_ms": 1.5}, "took_ms must be"),
            ({"took_ms": True}, "took_ms must be"),
            ({"event": Event(2**31, "undo", {})}, "step must be"),
            ({"event": Event("0", "undo", {})}, "step must be"),
        ],
    )
    def test_what_no_page_sends(self, parts, match):
        whole = {"client_id": "a", "event": Event(0, "undo", {}), "took_ms": 0, "client_time": None}
        with pytest.raises(InvalidInputError, match=match):
            Submission(**{**whole, **parts})


class TestRaces:
    def test_threads_answer_the_same_question(self, place, book, session, rng):
        barrier = Barrier(4)

        def send(submission):
            barrier.wait()
            try:
                book.append(session.id, [submission])
            except UnexpectedEventError:
                return "refused", submission.client_id
            return "stored", submission.client_id

        winners = []
        with ThreadPoolExecutor(4) as threads:
            while submissions := batch(PLAN, book.events(session.id), rng):
                (event,) = (each.event for each in submissions)
                outcomes = list(threads.map(send, [submitted(event, rng) for _ in range(4)]))
                winners += [client_id for outcome, client_id in outcomes if outcome == "stored"]
                assert stored_ids(book, session) == winners
                assert Counter(outcome for outcome, _ in outcomes) == {"stored": 1, "refused": 3}
        assert_orders_follow_from_events(place)

    def test_a_click_sent_by_two_threads_is_stored_once(self, place, book, session, rng):
        barrier = Barrier(4)

        def send(submission):
            barrier.wait()
            return book.append(session.id, [submission]).steps

        with ThreadPoolExecutor(4) as threads:
            for step, submission in enumerate(whole_session(PLAN, rng)):
                assert list(threads.map(send, [submission] * 4)) == [step + 1] * 4
        assert_orders_follow_from_events(place)

    def test_two_processes_answer_the_same_question(self, place, book):
        plan = make_plan("binary_insertion", 6, 2)
        session = book.open("heron", KEY, plan)
        pages = [started("race", place, seed, session.id) for seed in (1, 2)]
        for step in range(8):
            for order in (f"{step}\n", "go\n"):
                for page in pages:
                    page.stdin.write(order)
                if order != "go\n":
                    assert [page.stdout.readline() for page in pages] == ['["set"]\n'] * 2
            outcomes = dict(json.loads(page.stdout.readline()) for page in pages)
            assert outcomes.keys() == {"stored", "refused"}
            assert stored_ids(book, session)[step:] == [outcomes["stored"]]
        for page in pages:
            page.stdin.close()
            page.stdout.close()
            assert page.wait(60) == 0

    def test_twenty_assessors_in_processes(self, place):
        subprocess.run(
            [sys.executable, assessing.__file__, "assess", str(place), "0", "20", "2"], check=True, timeout=300
        )
        orders = assert_orders_follow_from_events(place)
        assert len(orders) == 40
        with SessionBook(place) as book:
            for session in book.sessions():
                assert [each.event.step for each in book.events(session.id)] == list(
                    range(len(book.events(session.id)))
                )


def test_killed_at_any_moment(place):
    """kill -9 of forty processes, one after the other, that append one to five events at a time."""
    said = subprocess.run(
        [sys.executable, assessing.__file__, "be killed", str(place), "0", "40"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert said.stderr == ""
    batches = defaultdict(list)
    acknowledged = set()
    for line in said.stdout.splitlines():
        word, session_id, ids = json.loads(line)
        if word == "sends":
            batches[session_id].append(ids)
        else:
            acknowledged.add((session_id, tuple(ids)))
    cut = 0
    with SessionBook(place) as book:
        for session in book.sessions():
            stored = stored_ids(book, session)
            counted = Counter(stored)
            for ids in batches[session.id]:
                found = {counted[client_id] for client_id in ids}
                assert found == {1} if (session.id, tuple(ids)) in acknowledged else found in ({0}, {1})
                cut += (session.id, tuple(ids)) not in acknowledged
            assert set(stored) <= {client_id for ids in batches[session.id] for client_id in ids}
            # and the session goes on from there
            work(book, session, np.random.default_rng(1))
    assert len(acknowledged) >= 40
    # the test is none if all were killed between their appends
    assert cut >= 5
    assert len(assert_orders_follow_from_events(place)) == len(batches)


class TestDamage:
    @pytest.mark.parametrize(
        ("column", "value"),
        [
            ("body", "{"),
            ("body", "[1, 2]"),
            ("body", "[" * 100_000),
            ("received", "yesterday"),
            ("received", "2026-01-01"),
            ("client_id", ""),
            ("took_ms", -5),
            ("kind", "applause"),
            ("step", 999),
        ],
    )
    def test_events(self, book, session, rng, column, value):
        book.append(session.id, batch(PLAN, [], rng, 3))
        execute(book, f"UPDATE events SET {column} = :value WHERE step = 1", value=value)
        with pytest.raises(CorpusError, match=rf"an event of session {session.id} is damaged; restore the") as caught:
            book.append(session.id, [])
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(("column", "value"), [("plan", "{}"), ("plan", "x"), ("opened", ""), ("closed", "never")])
    def test_sessions(self, book, session, column, value):
        execute(book, f"UPDATE sessions SET {column} = :value", value=value)
        for use in (book.sessions, lambda: book.session(session.id), lambda: book.open("heron", KEY, PLAN)):
            with pytest.raises(CorpusError, match=f"session {session.id} is damaged; restore the database"):
                use()

    @pytest.mark.parametrize("column", ["created", "expires", "revoked"])
    def test_invitations(self, book, column):
        made = book.invite("heron", expires=TOMORROW)
        execute(book, f"UPDATE invitations SET {column} = 'soon'")
        with pytest.raises(CorpusError, match=f"invitation {made.id} is damaged"):
            book.invitations()

    def test_an_event_that_is_gone(self, book, session, rng):
        book.append(session.id, batch(PLAN, [], rng, 3))
        execute(book, "DELETE FROM events WHERE step = 1")
        with pytest.raises(CorpusError, match="an event of session"):
            book.append(session.id, [])


class TestFullDisk:
    def test_sqlite(self, tmp_path, rng):
        place = tmp_path / "orders.sqlite"
        with SessionBook(place) as book:
            session = book.open("heron", KEY, PLAN)
            sent = whole_session(PLAN, rng)
            book.append(session.id, sent[:2])
            with book.orders.database.reading() as connection:
                pages = connection.scalar(sa.text("PRAGMA page_count"))
            engine = book.orders.database.engine
            sa.event.listen(engine, "connect", lambda made, _: made.execute(f"PRAGMA max_page_count = {pages}"))
            engine.dispose()
            # what was made so far has room for some more
            others = (book.open("egret", (f"data-{number}", "candidates"), PLAN) for number in count())
            with pytest.raises(StorageFullError, match=r"no room on the disk of .*orders.sqlite; nothing was changed"):
                deque((work(book, other, rng) for other in others), maxlen=0)
        with SessionBook(place) as book:
            assert len(book.events(session.id)) == 2
            assert book.append(session.id, sent).steps == len(sent)
        assert_orders_follow_from_events(place)

    @pytest.mark.postgresql
    def test_postgresql(self, postgresql_url, rng):
        with SessionBook(postgresql_url) as book:
            session = book.open("heron", KEY, PLAN)
            sent = whole_session(PLAN, rng)
            book.append(session.id, sent[:2])
            # the server's own answer, at the last table that the last event changes
            execute(
                book,
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$",
            )
            execute(book, "CREATE TRIGGER no_room BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION refuse()")
            with pytest.raises(StorageFullError, match=r"no room on the disk of postgresql.*; nothing was changed"):
                book.append(session.id, sent)
            assert stored_ids(book, session) == [each.client_id for each in sent[:2]]
            assert book.session(session.id) == session
            execute(book, "DROP TRIGGER no_room ON orders")
            book.append(session.id, sent)
        assert_orders_follow_from_events(postgresql_url)


@pytest.mark.postgresql
def test_a_server_that_was_restarted_is_found_again(postgresql_url, rng):
    with SessionBook(postgresql_url) as book:
        session = book.open("heron", KEY, PLAN)
        sent = whole_session(PLAN, rng)
        book.append(session.id, sent[:2])
        server = sa.create_engine(postgresql_url, poolclass=sa.pool.NullPool)
        with server.connect() as connection:
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
            )
        assert book.append(session.id, sent).steps == len(sent)


def test_every_commit_reaches_the_disk(tmp_path):
    with SessionBook(tmp_path / "orders.sqlite") as book, book.orders.database.reading() as connection:
        assert connection.scalar(sa.text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(sa.text("PRAGMA synchronous")) == 2
        assert connection.scalar(sa.text("PRAGMA foreign_keys")) == 1


def test_the_order_book_of_a_corpus_reads_what_the_studio_writes(place, book, session, rng):
    beside = OrderBook(place)
    work(book, session, rng)
    (order,) = beside.read([KEY])[KEY]
    assert order.assessor == "heron"
    assert beside.counts([KEY]) == (0, 1)
    beside.add(KEY, [Ranking([1, 2, 3, 4, 5], "simulated-0")])
    assert len(book.orders.read([KEY])[KEY]) == 2
