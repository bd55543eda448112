"""A server in a process of its own, killed as the power goes, and twenty people at once, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier, Semaphore

import httpx
import pytest
from studio_server import SECRET, Assessor, next_event, serve

from corpus.app.links import invitation_link
from corpus.protocols import Plan, replay
from corpus.sessions import SessionBook
from corpus.store import CorpusStore

GENEROUS = {"assessor": "100000/minute", "address": "100000/minute"}
PEOPLE = 20


@pytest.fixture
def place(tiny_corpus, answers_url):
    return answers_url or CorpusStore(tiny_corpus).orders_place


@pytest.fixture
def book(place):
    with SessionBook(place) as book:
        yield book


@pytest.fixture
def server(tiny_corpus, answers_url):
    with serve(tiny_corpus, db=answers_url, limits=GENEROUS) as server:
        yield server


def link_for(book, server, name):
    invitation = book.invite(name, expires=datetime.now(UTC) + timedelta(days=1))
    return invitation_link(server.url, SECRET, invitation)


def client_of(server):
    # a server that starts on a loaded machine may take its time
    return httpx.Client(base_url=server.url, timeout=90)


def insistent(person, session, *events):
    """Sends until it is answered, as the page does; the same request each time."""
    while True:
        try:
            # while the server is down this waits for the next one
            return person.send(session["id"], *events)
        except httpx.TransportError:
            continue


def taste(name):
    """A different order of any items for every name."""
    return lambda item: hash((len(name), name, item * 7919 % 101))


class TestKilled:
    def test_between_two_answers_it_goes_on_where_it_was(self, server, book):
        with client_of(server) as client:
            ann = Assessor(client, link_for(book, server, "ann"))
            session = ann.past_practice()
            plan, events = Plan.from_record(session["plan"]), []
            while (done := next_event(plan, events, judge=lambda item: item)) is not None:
                answer = ann.send(session["id"], done)
                assert answer.status_code == 200
                events.append(done)
                if len(events) in (1, 4) or done["kind"] == "finish":
                    server.kill()
                    stored = book.events(session["id"])
                    assert [each.client_id for each in stored] == [each["client_id"] for each in events]
                    server.start()
                    again = insistent(ann, session, *events)
                    assert (again.status_code, again.json()) == (200, answer.json()), "acknowledged, and stored once"
            assert ann.session(session["id"])["status"] == "finished"
        key = book.session(session["id"]).key
        order = book.orders.read([key])[key][-1]
        assert order.assessor == "ann"
        assert order.ranks.tolist() == [1, 2, 3, 4]


class TestManyPeople:
    def test_at_once_lose_nothing(self, server, book):
        links = {name: link_for(book, server, name) for name in (f"assessor-{number}" for number in range(PEOPLE))}
        acknowledged = {}

        def work(name):
            with client_of(server) as client:
                person = Assessor(client, links[name])
                session = person.past_practice()
                person.work(session, taste(name), sent=acknowledged.setdefault(session["id"], []))

        with ThreadPoolExecutor(PEOPLE) as pool:
            list(pool.map(work, links))
        assert_stored_once(book, acknowledged)
        assert {book.session(session).status for session in acknowledged} == {"finished"}
        assert len({book.session(session).assessor for session in acknowledged}) == PEOPLE

    def test_at_once_while_the_server_is_killed_lose_nothing(self, server, book):
        links = {name: link_for(book, server, name) for name in (f"assessor-{number}" for number in range(6))}
        acknowledged, progress = {}, Semaphore(0)

        def work(name):
            with client_of(server) as client:
                person = Assessor(client, links[name])
                session = person.past_practice()
                plan, mine = Plan.from_record(session["plan"]), acknowledged.setdefault(session["id"], [])
                ready.wait()
                while (done := next_event(plan, mine, taste(name))) is not None:
                    answer = insistent(person, session, done)
                    assert answer.status_code == 200, answer.text
                    mine.append(done)
                    progress.release()

        ready = Barrier(len(links))
        with ThreadPoolExecutor(len(links)) as pool:
            working = [pool.submit(work, name) for name in links]
            for _ in range(3):
                for _ in range(7):
                    assert progress.acquire(timeout=90)
                server.kill()
                server.start()
            for each in working:
                each.result()
        assert_stored_once(book, acknowledged)
        assert {book.session(session).status for session in acknowledged} == {"finished"}


def assert_stored_once(book, acknowledged):
    """What was acknowledged is stored, once, in its place, and gives the order that is on record."""
    for name, sent in acknowledged.items():
        stored, session = book.events(name), book.session(name)
        assert [(each.client_id, each.event.step) for each in stored] == [
            (each["client_id"], each["step"]) for each in sent
        ]
        final = replay(session.plan, [each.event for each in stored]).final
        order = next(
            order for order in book.orders.read([session.key])[session.key] if order.assessor == session.assessor
        )
        assert order.ranks.tolist() == final.tolist()
