"""An assessor's way through the studio, and everything that is refused on it."""

import json
import re
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote
from uuid import uuid4

import numpy as np
import pytest
from markupsafe import escape
from studio_server import HEADER, SECRET, event, next_event, read_picture, state_of

from corpus.app.links import cookie_value, page_token
from corpus.app.practice import practice
from corpus.app.security import HEADERS, Limits
from corpus.app.server import create_app
from corpus.app.visitors import COOKIE
from corpus.protocols import PROTOCOLS, Plan, make_plan
from corpus.sessions import PRACTICE
from corpus.store import CorpusStore
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.types import Ranking


def code_of(answer):
    return answer.json()["error"]["code"]


class TestJourney:
    def test_from_the_link_to_a_stored_order(self, studio):
        ann = studio.join("ann")
        assert ann.me() == {
            "assessor": "ann",
            "language": "en",
            "quota": 20,
            "finished": 0,
            "declined": 0,
            "practiced": False,
            "seconds_per_answer": None,
        }
        trial = ann.next()
        assert trial["practice"]
        assert trial["number"] == 0
        ann.work(trial, judge=lambda item: trial["practice_ranks"][item])
        assert ann.me()["practiced"]
        assert studio.book.orders.counts([PRACTICE]) == (0, 0)

        session = ann.next()
        assert not session["practice"]
        assert session["practice_ranks"] is None
        assert session["number"] == 1
        assert ann.next() == session, "what was begun comes back"
        taste = [2, 0, 3, 1]
        sent = ann.work(session, judge=lambda item: taste[item] if item < 4 else 9)
        stored = ann.session(session["id"])
        assert stored["status"] == "finished"
        assert [each["client_id"] for each in stored["events"]] == [each["client_id"] for each in sent]
        key = studio.book.session(session["id"]).key
        order = next(order for order in studio.book.orders.read([key])[key] if order.assessor == "ann")
        assert order.ranks.tolist() == [3, 1, 4, 2]
        assert state_of(stored).final.tolist() == [3, 1, 4, 2], "the order follows from the events alone"
        me = ann.me()
        assert (me["finished"], me["seconds_per_answer"]) == (1, 1.5)
        assert ann.next()["number"] == 2

    @pytest.mark.parametrize("protocol", PROTOCOLS)
    def test_every_protocol_is_served(self, studio, protocol):
        ann = studio.join("ann", protocol=protocol)
        session = ann.past_practice()
        assert session["plan"]["protocol"] == protocol
        ann.work(session, judge=lambda item: item)
        assert ann.session(session["id"])["status"] == "finished"

    def test_ends_with_the_quota(self, studio):
        ann = studio.join("ann", quota=2)
        for _ in range(2):
            ann.work(ann.past_practice(), judge=lambda item: item)
        assert ann.next() is None

    def test_ends_with_the_corpus(self, studio):
        ann = studio.join("ann")
        had = []
        for _ in range(3):
            session = ann.past_practice()
            had.append(studio.book.session(session["id"]).key)
            assert ann.send(session["id"], event(0, "decline")).status_code == 200
        assert ann.next() is None
        assert len(set(had)) == 3
        assert ann.me()["declined"] == 3

    def test_a_new_link_leads_to_the_same_work(self, studio):
        ann = studio.join("ann")
        session = ann.past_practice()
        assert ann.send(session["id"], next_event(Plan.from_record(session["plan"]), [], abs)).status_code == 200
        again = studio.join("ann")
        assert again.next() == ann.next()
        assert len(again.next()["events"]) == 1

    def test_nothing_is_asked_twice_that_came_from_elsewhere(self, studio):
        keys = sorted(studio.inner.places)
        for key in keys[:2]:
            studio.book.orders.add(key, [Ranking(np.arange(4) + 1.0, "ann")])
        session = studio.join("ann").past_practice()
        assert studio.book.session(session["id"]).key == keys[2]

    def test_two_tabs_begin_one_session(self, studio):
        ann = studio.join("ann")
        ann.past_practice()
        bob = studio.join("bob")
        bob.send(bob.next()["id"], event(0, "decline"))
        other = studio.join("bob")
        with ThreadPoolExecutor(8) as pool:
            ids = set(pool.map(lambda tab: tab.next()["id"], [bob, other] * 4))
        assert len(ids) == 1
        assert len(studio.book.sessions("bob")) == 2

    def test_only_the_data_sets_that_are_served_are_given(self, open_studio):
        studio = open_studio(indices=[1])
        ann = studio.join("ann")
        ann.work(ann.past_practice(), judge=lambda item: item)
        assert ann.next() is None
        assert set(studio.inner.places.values()) == {1}

    def test_answers_to_a_data_set_that_is_served_no_more_are_stored(self, open_studio):
        before = open_studio()
        ann = before.join("ann")
        session = ann.past_practice()
        served = before.inner.places[before.book.session(session["id"]).key]
        studio = open_studio(indices=[index for index in range(3) if index != served])
        ann.client = studio.client(cookies=dict(ann.client.cookies))
        assert ann.next()["id"] != session["id"]
        # given without a network while it was served
        ann.work(session, judge=lambda item: item)
        assert studio.book.session(session["id"]).status == "finished"

    def test_language_is_chosen_once_for_page_and_next_time(self, studio):
        ann = studio.join("ann", language="ru")
        assert '<html lang="ru">' in ann.get("/studio").text
        answer = ann.put("/api/me", {"language": "en"})
        assert answer.json()["language"] == "en"
        assert ann.me()["language"] == "en"
        assert '<html lang="en">' in ann.get("/studio").text

    def test_pages_for_nobody_speak_the_browsers_language(self, studio):
        client = studio.client()
        assert '<html lang="en">' in client.get("/").text
        assert '<html lang="ru">' in client.get("/", headers={"Accept-Language": "fr, ru-RU;q=0.9, en;q=0.8"}).text

    def test_reading_changes_nothing(self, studio, tiny_corpus):
        ann = studio.join("ann")
        session = ann.past_practice()
        before = list(sqlite3.connect(tiny_corpus / "orders.sqlite").iterdump())
        for path in ("/api/me", f"/api/sessions/{session['id']}", f"/api/sessions/{session['id']}/picture", "/studio"):
            assert ann.get(path).status_code == 200
        ann.get(studio.link(studio.book.invitations()[0]))
        assert list(sqlite3.connect(tiny_corpus / "orders.sqlite").iterdump()) == before


class TestPicture:
    def test_shows_the_candidates_and_the_decoy_in_one_sequence(self, studio):
        ann = studio.join("ann")
        session = ann.past_practice()
        answer = ann.get(f"/api/sessions/{session['id']}/picture")
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        header, x, _, colors = read_picture(answer.content)
        index = studio.inner.places[studio.book.session(session["id"]).key]
        with CorpusStore(studio.corpus) as store:
            entry = store.read(index, orders=False)
        assert header["n"] == entry.data.n
        assert colors.shape == (5, entry.data.n)
        assert sorted(colors[4]) == sorted(colors[session["plan"]["decoy_of"]])
        np.testing.assert_allclose(np.ptp(x), np.ptp(entry.picture[:, 0]) / np.ptp(entry.picture, axis=0).max())

    def test_is_not_sent_again_where_it_is_known(self, studio):
        ann = studio.join("ann")
        path = f"/api/sessions/{ann.next()['id']}/picture"
        first = ann.get(path)
        again = ann.get(path, headers={"If-None-Match": first.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert ann.get(path).content == first.content

    def test_practice_comes_with_its_answers(self, studio):
        ann = studio.join("ann")
        session = ann.next()
        assert session["practice_ranks"] == list(practice().ranks)
        header, *_ = read_picture(ann.get(f"/api/sessions/{session['id']}/picture").content)
        assert header["rows"] == len(practice().ranks) + 1

    def test_no_text_tells_how_partitions_were_made_or_of_how_many_clusters(self, studio):
        ann = studio.join("ann")
        session = ann.past_practice()
        with CorpusStore(studio.corpus) as store:
            entry = store.read(0, orders=False)
        texts = [ann.get(path).text for path in ("/studio", "/api/me", f"/api/sessions/{session['id']}")]
        for text in texts:
            for secret in ("kmeans", *studio.book.session(session["id"]).key, entry.family, entry.data.name):
                assert secret not in text
        assert set(session) == {"id", "number", "quota", "practice", "status", "plan", "events", "practice_ranks"}


class TestEvents:
    @pytest.fixture
    def ann(self, studio):
        return studio.join("ann")

    @pytest.fixture
    def session(self, ann):
        return ann.past_practice()

    def first(self, session):
        return next_event(Plan.from_record(session["plan"]), session["events"], judge=lambda item: item)

    def test_sent_again_are_acknowledged_again(self, ann, session):
        first = self.first(session)
        answers = [ann.send(session["id"], first) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200] * 3
        assert [answer.json() for answer in answers] == [answers[0].json()] * 3
        assert answers[0].json()["steps"] == 1
        assert len(ann.session(session["id"])["events"]) == 1

    def test_a_double_click_is_stored_once(self, ann, session):
        first = self.first(session)
        second = first | {"client_id": str(uuid4())}
        assert ann.send(session["id"], first).status_code == 200
        refused = ann.send(session["id"], second)
        assert refused.status_code == 409
        assert code_of(refused) == "unexpected_event"
        assert refused.json()["steps"] == 1
        assert [each["client_id"] for each in refused.json()["events"]] == [first["client_id"]]

    def test_come_in_bulk_in_any_sequence_after_a_time_without_network(self, ann, session):
        plan, events = Plan.from_record(session["plan"]), []
        while (done := next_event(plan, events, judge=lambda item: item)) is not None:
            events.append(done)
        answer = ann.send(session["id"], *reversed(events))
        assert answer.json()["steps"] == len(events)
        assert answer.json()["state"]["final"] == [1, 2, 3, 4]

    def test_all_or_none(self, ann, session):
        first = self.first(session)
        wrong = event(1, "finish", {"ranks": [1, 2, 3, 4]})
        assert ann.send(session["id"], first, wrong).status_code == 409
        assert ann.session(session["id"])["events"] == []

    def test_undo_takes_back_and_stays_on_record(self, ann, session):
        first = self.first(session)
        answer = ann.send(session["id"], first, event(1, "undo"))
        assert answer.json()["steps"] == 2
        assert answer.json()["state"]["answered"] == 0

    def test_nothing_follows_the_end(self, ann, session):
        ann.work(session, judge=lambda item: item)
        steps = len(ann.session(session["id"])["events"])
        assert ann.send(session["id"], event(steps, "undo")).status_code == 409
        assert ann.send(session["id"], event(steps, "decline")).status_code == 409

    @pytest.mark.parametrize(
        "change",
        [
            {"step": -1},
            {"step": 1.5},
            {"step": "0"},
            {"step": True},
            {"step": None},
            {"step": 10**400},
            {"kind": "drop"},
            {"kind": None},
            {"client_id": "1"},
            {"client_id": "' OR 1=1 --" + "x" * 25},
            {"client_id": "B617D607-1A17-404A-8FCE-1343C49BA0A2"},
            {"client_id": "b617d607-1a17-404a-8fce-1343c49ba0a2\n"},
            {"took_ms": -1},
            {"took_ms": 1e400},
            {"took_ms": 10**12},
            {"at": "yesterday"},
            {"at": "2026-02-03T04:05:06"},
            {"at": "٢٠٢٦-02-03T04:05:06Z"},
            {"body": {"left": 0, "right": 1}},
            {"body": {"left": 0, "right": 1, "verdict": "best"}},
            {"body": {"left": 0, "right": 1, "verdict": "left", "more": 1}},
            {"body": {"left": -1, "right": 1, "verdict": "left"}},
            {"body": {"left": "0", "right": 1, "verdict": "left"}},
            {"body": []},
            {"surplus": 1},
        ],
        ids=str,
    )
    def test_malformed_ones_are_refused(self, ann, session, change):
        content = json.dumps({"events": [self.first(session) | change]})
        headers = ann.headers | {"Content-Type": "application/json"}
        answer = ann.client.post(f"/api/sessions/{session['id']}/events", content=content, headers=headers)
        assert answer.status_code == 400
        assert code_of(answer) == "invalid"
        assert ann.session(session["id"])["events"] == []

    @pytest.mark.parametrize("ranks", [[1, 2], [1, 2, 3, 3], [0.5, 2, 3, 4], [float("nan")] * 4, ["1", "2", "3", "4"]])
    def test_ranks_that_are_none_finish_nothing(self, ann, session, ranks):
        plan, events = Plan.from_record(session["plan"]), []
        while (done := next_event(plan, events, judge=lambda item: item))["kind"] != "finish":
            events.append(done)
        ann.send(session["id"], *events)
        content = json.dumps({"events": [event(len(events), "finish", {"ranks": ranks})]})
        headers = ann.headers | {"Content-Type": "application/json"}
        answer = ann.client.post(f"/api/sessions/{session['id']}/events", content=content, headers=headers)
        assert answer.status_code in (400, 409)
        assert ann.session(session["id"])["status"] == "open"

    @pytest.mark.parametrize("events", [[], [{}], None, {}, "x"])
    def test_a_list_of_events_is_wanted(self, ann, session, events):
        assert ann.post(f"/api/sessions/{session['id']}/events", {"events": events}).status_code == 400

    def test_no_more_than_500_at_once(self, ann, session):
        assert ann.send(session["id"], *[event(step, "undo") for step in range(501)]).status_code == 400

    def test_an_id_of_another_session_is_not_taken(self, studio, ann, session):
        first = self.first(session)
        ann.send(session["id"], first)
        bob = studio.join("bob")
        other = bob.past_practice()
        mine = self.first(other) | {"client_id": first["client_id"]}
        assert bob.send(other["id"], mine).status_code == 409


class TestOthersWork:
    def test_is_neither_seen_nor_changed(self, studio):
        ann, bob = studio.join("ann"), studio.join("bob")
        session = ann.past_practice()
        first = next_event(Plan.from_record(session["plan"]), [], judge=lambda item: item)
        mine = f"/api/sessions/{session['id']}"
        unknown = f"/api/sessions/{'0' * 32}"
        for path in ("", "/picture"):
            assert bob.get(mine + path).status_code == 404
            assert bob.get(mine + path).json() == bob.get(unknown + path).json(), "not even that it exists"
        assert bob.post(f"{mine}/events", {"events": [first]}).status_code == 404
        assert ann.session(session["id"])["events"] == []

    def test_a_page_token_of_another_is_worth_nothing(self, studio):
        ann, bob = studio.join("ann"), studio.join("bob")
        answer = ann.client.post("/api/sessions", json={}, headers=bob.headers)
        assert (answer.status_code, code_of(answer)) == (403, "foreign_page")

    def test_sessions_of_another_corpus_in_the_same_database_stay_out(self, studio):
        ann = studio.join("ann")
        elsewhere = studio.book.open("ann", ("elsewhere", "x"), make_plan("binary_insertion", 4, 0))
        assert ann.get(f"/api/sessions/{elsewhere.id}").status_code == 404
        assert ann.past_practice()["id"] != elsewhere.id
        assert ann.me()["finished"] == 0


class TestInvitations:
    def test_nobody_gets_in_without(self, studio):
        client = studio.client()
        page = client.get("/studio")
        assert page.status_code == 401
        assert "invitation" in page.text.lower()
        for method, path in (
            ("GET", "/api/me"),
            ("PUT", "/api/me"),
            ("POST", "/api/sessions"),
            ("GET", "/api/sessions/0"),
            ("GET", "/api/sessions/0/picture"),
        ):
            answer = client.request(method, path, json={"language": "en"} if method == "PUT" else {})
            assert (answer.status_code, code_of(answer)) == (401, "no_invitation")

    def test_expired_is_said(self, studio):
        link = studio.link(studio.invite(days=-0.001))
        answer = studio.client().get(link, follow_redirects=False)
        assert answer.status_code == 401
        assert "expired" in answer.text
        assert "Set-Cookie" not in answer.headers

    def test_revoked_is_said(self, studio):
        invitation = studio.invite()
        studio.book.revoke(invitation.id)
        answer = studio.client().get(studio.link(invitation), follow_redirects=False)
        assert answer.status_code == 401
        assert "withdrawn" in answer.text

    def test_revoking_ends_what_is_open(self, studio):
        ann = studio.join("ann")
        session = ann.past_practice()
        studio.book.revoke(studio.book.invitations()[0].id)
        for answer in (
            ann.get("/api/me"),
            ann.get(f"/api/sessions/{session['id']}/picture"),
            ann.post("/api/sessions", {}),
            ann.send(session["id"], event(0, "decline")),
        ):
            assert (answer.status_code, code_of(answer)) == (401, "revoked")
        assert "withdrawn" in ann.get("/studio").text

    @pytest.mark.parametrize(
        "token",
        [
            "x",
            "%00",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e",
            quote("' OR '1'='1"),
            quote("<script>alert(1)</script>"),
            quote("Иван"),
            "%ff%fe",
            "a" * 5000,
        ],
    )
    def test_forged_links_open_nothing(self, studio, token):
        answer = studio.client().get(f"/join/{token}", follow_redirects=False)
        assert answer.status_code in (401, 404)
        assert "Set-Cookie" not in answer.headers
        assert "<script>alert" not in answer.text

    def test_a_link_of_another_secret_or_of_nobody_opens_nothing(self, studio):
        from corpus.app.links import _sealed

        for secret, name in (("another secret of this length", studio.invite().id), (SECRET, "0" * 32)):
            answer = studio.client().get(f"/join/{_sealed(secret, 'link', name)}", follow_redirects=False)
            assert answer.status_code == 401

    @pytest.mark.parametrize("value", ["x", "", "a.b.c", "\x7f", '"quoted"', cookie_value("b" * 16, "0" * 32)])
    def test_garbled_cookies_open_nothing(self, studio, value):
        answer = studio.client().get("/api/me", headers={"Cookie": f"{COOKIE}={value}"})
        assert answer.status_code == 401

    @pytest.mark.parametrize(("url", "secure"), [("http://127.0.0.1:8000", False), ("https://studio.example", True)])
    def test_the_cookie_is_for_this_server_alone(self, open_studio, url, secure):
        studio = open_studio(base_url=url)
        invitation = studio.invite(days=2)
        cookie = studio.client().get(studio.link(invitation), follow_redirects=False).headers["Set-Cookie"]
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert ("secure" in flags) is secure
        age = int(re.search(r"max-age=(\d+)", cookie.lower())[1])
        assert 2 * 86400 - 600 < age <= 2 * 86400
        assert "domain" not in cookie.lower()
        assert "ann" not in cookie


class TestForeignPages:
    def test_nothing_changes_without_the_pages_token(self, studio):
        ann = studio.join("ann")
        session = ann.past_practice()
        path = f"/api/sessions/{session['id']}/events"
        content = {"events": [event(0, "decline")]}
        for headers in ({}, {HEADER: ""}, {HEADER: "x" * 43}, {HEADER: page_token(SECRET, "0" * 32)}):
            answer = ann.client.post(path, json=content, headers=headers)
            assert (answer.status_code, code_of(answer)) == (403, "foreign_page")
        assert ann.client.put("/api/me", json={"language": "ru"}).status_code == 403
        assert ann.client.post("/api/sessions", json={}).status_code == 403
        assert ann.session(session["id"])["events"] == []

    def test_nothing_changes_when_the_browser_says_that_another_site_asks(self, studio):
        ann = studio.join("ann")
        for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 200)):
            answer = ann.client.post("/api/sessions", json={}, headers=ann.headers | {"Sec-Fetch-Site": site})
            assert answer.status_code == status

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
    def test_what_a_form_can_send_is_not_taken(self, studio, kind):
        ann = studio.join("ann")
        session = ann.past_practice()
        answer = ann.client.post(
            f"/api/sessions/{session['id']}/events",
            content=json.dumps({"events": [event(0, "decline")]}),
            headers=ann.headers | {"Content-Type": kind},
        )
        assert answer.status_code == 400
        assert ann.session(session["id"])["events"] == []

    @pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[" * 100_000, b'{"language": "en\\ud800"}', b"1" * 5000])
    def test_what_is_no_json_is_refused(self, studio, content):
        ann = studio.join("ann")
        answer = ann.client.put("/api/me", content=content, headers=ann.headers | {"Content-Type": "application/json"})
        assert answer.status_code == 400


class TestLimits:
    def test_of_a_body_that_says_its_size(self, open_studio):
        studio = open_studio(limits=Limits(body=2000))
        ann = studio.join("ann")
        session = ann.past_practice()
        answer = ann.send(session["id"], *[event(step, "undo") for step in range(50)])
        assert (answer.status_code, code_of(answer)) == (413, "body_too_large")

    def test_of_a_body_that_says_another_size_or_none(self, open_studio):
        studio = open_studio(limits=Limits(body=2000))
        ann = studio.join("ann")
        session = ann.past_practice()
        content = json.dumps({"events": [event(step, "undo") for step in range(50)]}).encode()
        chunks = [content[start : start + 500] for start in range(0, len(content), 500)]
        for headers in ({}, {"Content-Length": "100"}, {"Content-Length": "-1"}, {"Content-Length": "9" * 5000}):
            answer = ann.client.post(
                f"/api/sessions/{session['id']}/events",
                content=iter(chunks),
                headers=ann.headers | {"Content-Type": "application/json"} | headers,
            )
            assert (answer.status_code, code_of(answer)) == (413, "body_too_large")

    def test_of_an_assessor(self, open_studio):
        studio = open_studio(limits=Limits(assessor="5/hour"))
        ann, bob = studio.join("ann"), studio.join("bob")
        answers = [ann.get("/api/me") for _ in range(6)]
        assert [answer.status_code for answer in answers] == [200] * 4 + [429] * 2
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 3600
        assert code_of(answers[-1]) == "too_many_requests"
        assert bob.get("/api/me").status_code == 200

    def test_of_an_address(self, open_studio):
        studio = open_studio(limits=Limits(address="3/hour"))
        client = studio.client()
        assert [client.get("/health").status_code for _ in range(4)] == [200] * 3 + [429]
        assert int(client.get("/health").headers["Retry-After"]) >= 1

    def test_of_links_that_are_tried(self, open_studio):
        studio = open_studio(limits=Limits(entry="2/hour"))
        client = studio.client()
        assert [client.get("/join/x").status_code for _ in range(3)] == [401, 401, 429]


class TestEveryAnswer:
    def test_has_the_headers(self, studio):
        ann = studio.join("ann")
        studio.app.add_api_route("/broken", lambda: 1 / 0)
        session = ann.past_practice()
        answers = {
            "page": ann.get("/studio"),
            "json": ann.get("/api/me"),
            "picture": ann.get(f"/api/sessions/{session['id']}/picture"),
            "static": ann.get("/static/icon.svg"),
            "schema": ann.get("/openapi.json"),
            "join": ann.get(studio.link(studio.invite()), follow_redirects=False),
            "401": studio.client().get("/api/me"),
            "403": ann.client.post("/api/sessions", json={}),
            "404": ann.get("/nowhere"),
            "static 404": ann.get("/static/nowhere.js"),
            "405": ann.client.request("DELETE", "/api/me"),
            "400": ann.put("/api/me", {}),
            "413": ann.client.put("/api/me", content=b"x" * 600_000, headers=ann.headers),
            "500": ann.get("/broken"),
        }
        assert answers["500"].status_code == 500
        assert answers["413"].status_code == 413
        for name, answer in answers.items():
            for header in HEADERS:
                assert header in answer.headers, (name, header)
            policy = answer.headers["Content-Security-Policy"]
            assert "unsafe" not in policy
            assert "frame-ancestors 'none'" in policy
            if name not in ("picture", "static"):
                assert answer.headers["Cache-Control"] == "no-store", name
            if answer.status_code >= 400:
                assert set(answer.json()) == {"error"}, name

    def test_comes_from_https_alone_once_it_did(self, open_studio):
        assert "Strict-Transport-Security" in open_studio(base_url="https://a.example").client().get("/health").headers
        assert "Strict-Transport-Security" not in open_studio().client().get("/health").headers

    def test_pages_hold_nothing_that_runs_inline(self, studio):
        for page in (studio.join("ann").get("/studio").text, studio.client().get("/").text):
            for script in re.findall(r"<script\b[^>]*>", page):
                assert "src=" in script or 'type="application/json"' in script
            assert not re.search(r"\son[a-z]+=|\sstyle=|<style|javascript:", page)

    def test_a_person_who_looks_for_a_page_gets_a_page(self, studio):
        answer = studio.client().get("/nowhere", headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert "<html" in answer.text


class TestInjection:
    NAMES = ("<script>alert(1)</script>", "\"'><img src=x>", "'; DROP TABLE sessions; --", "{{ 7 * 7 }}", "Иван é")

    @pytest.mark.parametrize("name", NAMES)
    def test_names_are_text_and_nothing_else(self, studio, name):
        someone = studio.join(name)
        someone.work(someone.past_practice(), judge=lambda item: item)
        assert someone.me()["assessor"] == name
        page = someone.get("/studio").text
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert len(studio.book.sessions(name)) == 2
        overview = studio.admin().get("/admin").text
        assert str(escape(name)) in overview
        assert name not in overview or escape(name) == name
        listed = studio.admin().get("/api/admin/status").json()["assessors"]
        assert [each["assessor"] for each in listed] == [name]

    @pytest.mark.parametrize(
        "path",
        [
            "/static/../server.py",
            "/static/%2e%2e/server.py",
            "/static/..%2fserver.py",
            "/static/%2e%2e%2fserver.py",
            "/static/..%5cserver.py",
            "/static/....//server.py",
            "/static//etc/passwd",
            "/static/%2fetc%2fpasswd",
            "/static/%00",
            "/static/icon.svg%00.js",
            "/static/" + "a" * 5000,
            "/static/",
            "/static",
            "/templates/studio.html",
            "/sw.js/../server.py",
        ],
    )
    def test_no_file_but_the_static_ones_is_given(self, studio, path):
        # a browser's client would resolve the dots before it asks
        answer = _raw(studio.app, path)
        assert answer["status"] == 404
        assert b"def create_app" not in answer["body"]
        assert b"root:" not in answer["body"]

    @pytest.mark.parametrize("name", ["%2e%2e", "..%2f..", "%00", quote("' OR 1=1 --"), "0" * 5000, quote("\u202e")])
    def test_ids_are_looked_up_and_nothing_else(self, studio, name):
        ann = studio.join("ann")
        for path in (f"/api/sessions/{name}", f"/api/sessions/{name}/picture"):
            assert ann.get(path).status_code in (400, 404)
        assert ann.post(f"/api/sessions/{name}/events", {"events": [event(0, "undo")]}).status_code in (400, 404)

    def test_a_refusal_does_not_repeat_what_was_sent(self, studio):
        ann = studio.join("ann")
        answer = ann.put("/api/me", {"language": "<script>alert(1)</script>"})
        assert answer.status_code == 400
        assert "script" not in answer.text


class TestStorage:
    def test_that_breaks_is_said_without_telling_where_it_is(self, studio, tiny_corpus, caplog):
        ann = studio.join("ann")
        session = ann.past_practice()
        database = sqlite3.connect(tiny_corpus / "orders.sqlite")
        database.execute("ALTER TABLE events RENAME TO elsewhere")
        answer = ann.send(session["id"], event(0, "decline"))
        assert (answer.status_code, code_of(answer)) == (503, "storage")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "sqlite" not in answer.text
        assert "no such table" in caplog.text
        database.execute("ALTER TABLE elsewhere RENAME TO events")
        database.close()
        assert ann.send(session["id"], event(0, "decline")).status_code == 200

    def test_a_corpus_that_lost_a_file_is_said_too(self, studio, tiny_corpus, caplog):
        ann = studio.join("ann")
        ann.send(ann.next()["id"], event(0, "decline"))
        for path in (tiny_corpus / "points").iterdir():
            path.unlink()
        answer = ann.post("/api/sessions", {})
        assert answer.status_code == 503
        assert "is missing" in caplog.text


class TestSettings:
    def test_no_corpus_no_studio(self, tmp_path):
        with pytest.raises(CorpusError):
            create_app(tmp_path / "nowhere", secret=SECRET)
        assert not (tmp_path / "nowhere").exists()

    def test_an_empty_corpus_is_refused(self, tmp_path):
        with CorpusStore(tmp_path / "empty", create=True) as store:
            assert store.orders
        with pytest.raises(InvalidInputError, match="needs a corpus with data sets"):
            create_app(tmp_path / "empty", secret=SECRET)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"indices": [0, 99]}, r"must be among the 3 data sets .* got \[99\]"),
            ({"indices": []}, "must be among the 3 data sets"),
            ({"wanted": 0}, "wanted must be at least 1 assessor, got 0"),
            ({"secret": "short"}, "at least 16 characters"),
            ({"base_url": "nowhere"}, "base_url must look like"),
        ],
    )
    def test_wrong_ones_are_refused_in_words(self, tiny_corpus, settings, message):
        with pytest.raises(InvalidInputError, match=message):
            create_app(tiny_corpus, **{"secret": SECRET} | settings)


def test_packages_do_not_load_the_web():
    import subprocess
    import sys

    code = "import sys, corpus, corpus.sessions, gamac_meta, gamac_meta.cli; print('fastapi' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


def _raw(app, path):
    """What the application answers to a path that no client has tidied up."""
    import asyncio
    from urllib.parse import unquote

    answer = {"body": b""}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        answer["status"] = message.get("status", answer.get("status"))
        answer["body"] += message.get("body", b"")

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 8000),
    }
    asyncio.run(app(scope, receive, send))
    return answer
