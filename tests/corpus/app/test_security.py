"""What stands before every route: limits by address and by size, headers on all answers."""

import asyncio

import pytest

from corpus.app.refusals import Refusal
from corpus.app.security import HEADERS, Limits, Rates, Shield, address_of, shown


def scope_from(host):
    return {"type": "http", "client": None if host is None else (host, 1234)}


class TestAddress:
    @pytest.mark.parametrize(
        ("host", "counted"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
            ("/run/studio.sock", "/run/studio.sock"),
            (None, "unknown"),
        ],
    )
    def test_is_counted_by_customer(self, host, counted):
        assert address_of(scope_from(host)) == counted


class TestRates:
    def test_each_has_an_account_of_their_own(self):
        rates = Rates(Limits(assessor="2/hour"))
        for name in ("ann", "bob"):
            rates.spend("assessor", name)
            rates.spend("assessor", name)
        with pytest.raises(Refusal, match="at most 2 requests are answered in 3600 s") as refused:
            rates.spend("assessor", "ann")
        assert refused.value.status == 429
        assert 1 <= int(refused.value.headers["Retry-After"]) <= 3600

    def test_asking_whether_there_is_room_takes_none(self):
        rates = Rates(Limits(login="1/hour"))
        for _ in range(3):
            rates.require("login", "here")
        rates.spend("login", "here")
        with pytest.raises(Refusal):
            rates.require("login", "here")


class TestShield:
    """Around an application that breaks."""

    def answer(self, app):
        sent = []

        async def send(message):
            sent.append(message)

        async def receive():
            return {"type": "http.request"}

        shield = Shield(app, HEADERS)
        asyncio.run(shield({"type": "http", "method": "GET", "path": "/"}, receive, send))
        return sent

    def test_an_unforeseen_error_becomes_an_answer_that_tells_nothing(self, caplog):
        async def broken(scope, receive, send):
            raise KeyError("postgresql://user:password@host")

        start, body = self.answer(broken)
        assert start["status"] == 500
        names = {name.decode().lower() for name, _ in start["headers"]}
        assert names >= {name.lower() for name in HEADERS}
        assert b"password" not in body["body"]
        assert "password" in caplog.text

    def test_an_answer_that_was_begun_is_cut_off(self):
        async def broken(scope, receive, send):
            await send({"type": "http.response.start", "status": 200, "headers": []})
            raise KeyError("broken")

        with pytest.raises(KeyError, match="broken"):
            self.answer(broken)

    def test_what_a_route_says_of_its_answer_stands(self):
        async def cached(scope, receive, send):
            headers = [(b"cache-control", b"private")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

        start, _ = self.answer(cached)
        assert [value for name, value in start["headers"] if name == b"cache-control"] == [b"private"]


class TestLog:
    def test_holds_no_token_and_no_lines_of_others(self):
        assert shown("/join/IjEi.abc") == "/join/..."
        assert shown("/x\nERROR forged\x1b[2J") == "/x\\nERROR forged\\x1b[2J"
        assert len(shown("/" + "a" * 5000)) == 200
