"""The administrator's door: closed without a token, and what is behind it."""

import re

import pytest
from studio_server import HEADER, SECRET, TOKEN, Assessor, event

from corpus.app.links import admin_cookie, page_token
from corpus.app.security import Limits
from corpus.app.visitors import ADMIN, ADMIN_COOKIE
from corpus.exchange import export_sessions

ROUTES = (
    ("GET", "/api/admin/status"),
    ("GET", "/api/admin/agreement"),
    ("GET", "/api/admin/export"),
    ("GET", "/api/admin/invitations"),
    ("POST", "/api/admin/invitations"),
    ("POST", f"/api/admin/invitations/{'0' * 32}/revoke"),
)
NEW = {"assessor": "ann", "days": 3, "quota": 4, "protocol": "bradley_terry", "language": "ru"}


class TestDoor:
    @pytest.mark.parametrize(("method", "path"), ROUTES)
    def test_is_not_there_without_a_token(self, open_studio, method, path):
        for token in (None, ""):
            client = open_studio(admin_token=token).client(headers={"Authorization": f"Bearer {TOKEN}"})
            assert client.request(method, path, json=NEW).status_code == 404
            assert client.post("/admin/login", data={"token": "x"}).status_code == 404

    @pytest.mark.parametrize(("method", "path"), ROUTES)
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "Bearer "},
            {"Authorization": f"Basic {TOKEN}"},
            {"Authorization": TOKEN},
            {"Authorization": f"Bearer {TOKEN}x"},
            {"Cookie": f"{ADMIN_COOKIE}={TOKEN}"},
            {"Cookie": f"{ADMIN_COOKIE}={admin_cookie(SECRET, 'the token before')}"},
        ],
        # by what they are, as a signed cookie tells the time and would be another in each process
        ids=["none", "wrong", "empty", "basic", "bare", "longer", "cookie of the token", "cookie of the token before"],
    )
    def test_opens_for_the_token_alone(self, studio, method, path, headers):
        answer = studio.client().request(method, path, json=NEW, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert studio.book.invitations() == ()

    def test_an_assessor_is_no_administrator(self, studio):
        ann = studio.join("ann")
        assert ann.get("/api/admin/status").status_code == 401
        assert ann.post("/api/admin/invitations", NEW).status_code == 401

    def test_guessing_is_slow(self, open_studio):
        client = open_studio(limits=Limits(login="3/hour")).client()
        wrong = {"Authorization": "Bearer wrong"}
        assert [client.get("/api/admin/status", headers=wrong).status_code for _ in range(4)] == [401] * 3 + [429]
        right = {"Authorization": f"Bearer {TOKEN}"}
        assert client.get("/api/admin/status", headers=right).status_code == 429, "or guessing would go on unseen"
        assert client.post("/admin/login", data={"token": TOKEN}).status_code == 429

    def test_the_right_token_is_used_as_often_as_wanted(self, open_studio):
        studio = open_studio(limits=Limits(login="3/hour"))
        assert {studio.admin().get("/api/admin/status").status_code for _ in range(8)} == {200}


class TestLogin:
    def test_by_form_gives_a_cookie_for_this_server_alone(self, studio):
        client = studio.client()
        answer = client.post("/admin/login", data={"token": TOKEN}, follow_redirects=False)
        assert (answer.status_code, answer.headers["Location"]) == (303, "/admin")
        flags = {part.strip().lower() for part in answer.headers["Set-Cookie"].split(";")[1:]}
        assert {"httponly", "samesite=strict", "path=/", "max-age=43200"} <= flags
        assert TOKEN not in answer.headers["Set-Cookie"]
        assert client.get("/api/admin/status").status_code == 200

    def test_by_a_wrong_token_shows_the_form_again(self, studio):
        answer = studio.client().post("/admin/login", data={"token": "wrong"})
        assert answer.status_code == 401
        assert "<form" in answer.text
        assert "not the token" in answer.text
        assert "Set-Cookie" not in answer.headers

    def test_a_cookie_changes_something_only_from_the_studios_page(self, studio):
        client = studio.client()
        client.post("/admin/login", data={"token": TOKEN}, follow_redirects=False)
        assert client.post("/api/admin/invitations", json=NEW).status_code == 403
        own = {HEADER: page_token(SECRET, ADMIN)}
        foreign = own | {"Sec-Fetch-Site": "cross-site"}
        assert client.post("/api/admin/invitations", json=NEW, headers=foreign).status_code == 403
        assert studio.book.invitations() == ()
        assert client.post("/api/admin/invitations", json=NEW, headers=own).status_code == 201

    def test_an_assessors_page_token_is_not_the_administrators(self, studio):
        ann = studio.join("ann")
        client = studio.client(cookies={ADMIN_COOKIE: admin_cookie(SECRET, TOKEN)})
        assert client.post("/api/admin/invitations", json=NEW, headers=ann.headers).status_code == 403


class TestInvitations:
    def test_are_made_and_let_in(self, studio):
        answer = studio.admin().post("/api/admin/invitations", json=NEW)
        assert answer.status_code == 201
        made = answer.json()
        assert {name: made[name] for name in ("assessor", "quota", "protocol", "language", "revoked")} == {
            "assessor": "ann",
            "quota": 4,
            "protocol": "bradley_terry",
            "language": "ru",
            "revoked": None,
        }
        ann = Assessor(studio.client(), made["link"])
        assert ann.me()["quota"] == 4

    def test_are_revoked_and_have_no_link_any_more(self, studio):
        admin = studio.admin()
        made = admin.post("/api/admin/invitations", json=NEW).json()
        ann = Assessor(studio.client(), made["link"])
        revoked = admin.post(f"/api/admin/invitations/{made['id']}/revoke").json()
        assert revoked["revoked"] is not None
        assert revoked["link"] is None
        assert admin.get("/api/admin/invitations").json()["invitations"] == [revoked]
        assert ann.get("/api/me").status_code == 401
        assert studio.client().get(made["link"]).status_code == 401

    def test_that_are_unknown_are_not_revoked(self, studio):
        assert studio.admin().post(f"/api/admin/invitations/{'0' * 32}/revoke").status_code == 404

    @pytest.mark.parametrize(
        "change",
        [
            {"assessor": ""},
            {"assessor": " ann"},
            {"assessor": "a\x00b"},
            {"assessor": "a\nb"},
            {"assessor": "a" * 61},
            {"assessor": "simulated-1"},
            {"assessor": 7},
            {"days": 0},
            {"days": 10**9},
            {"quota": 0},
            {"quota": "4"},
            {"protocol": "linear"},
            {"language": "de"},
            {"surplus": 1},
        ],
        ids=str,
    )
    def test_malformed_ones_are_refused(self, studio, change):
        assert studio.admin().post("/api/admin/invitations", json=NEW | change).status_code == 400
        assert studio.book.invitations() == ()


def test_status_counts_what_was_done(open_studio):
    studio = open_studio(wanted=1)
    ann, bob = studio.join("ann"), studio.join("bob")
    studio.invite("eve")
    ann.work(ann.past_practice(), judge=lambda item: item)
    ann.next()
    bob.send(bob.past_practice()["id"], event(0, "decline"))
    status = studio.admin().get("/api/admin/status").json()
    assert status == {
        "datasets": 3,
        "wanted": 1,
        "complete": 1,
        "sessions": {"open": 1, "finished": 1, "declined": 1},
        "assessors": [
            {"assessor": "ann", "practiced": True, "open": 1, "finished": 1, "declined": 0},
            {"assessor": "bob", "practiced": True, "open": 0, "finished": 0, "declined": 1},
            {"assessor": "eve", "practiced": False, "open": 0, "finished": 0, "declined": 0},
        ],
    }


def test_export_is_what_the_command_line_writes(studio, tmp_path):
    ann = studio.join("ann")
    ann.work(ann.past_practice(), judge=lambda item: item)
    export_sessions(studio.book, tmp_path / "all.jsonl")
    answer = studio.admin().get("/api/admin/export")
    assert answer.content == (tmp_path / "all.jsonl").read_bytes()
    assert re.fullmatch(r'attachment; filename="assessors-[0-9-]{10}\.jsonl"', answer.headers["Content-Disposition"])
    assert SECRET not in answer.text


def test_pages_of_the_administrator_hold_nothing_that_runs_inline(studio):
    page = studio.client().post("/admin/login", data={"token": "wrong"}).text
    assert not re.search(r"<script(?![^>]*src=)|\son[a-z]+=|\sstyle=|<style", page)
