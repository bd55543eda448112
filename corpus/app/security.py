"""What stands between the network and every route: headers on all answers, limits of rate and of size.

Plain ASGI, from the outside in: `Shield` (headers; an error that nobody foresaw becomes an answer), `RateLimit` by
address, `BodyLimit`. What depends on who is asking is in `corpus.app.visitors`.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from corpus.app.refusals import Refusal, problem

logger = logging.getLogger(__name__)

HEADERS = {
    # data: images are drawings of the dashboard; nothing is executed but files of the studio
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
HSTS = {"Strict-Transport-Security": "max-age=31536000"}


@dataclass(frozen=True)
class Limits:
    """How much one may ask for; rates as the package `limits` writes them, "60/minute"."""

    assessor: str = "600/minute"  # one person answers about 60 times, pictures and other tabs included
    address: str = "12000/minute"  # a hundred people may sit behind one
    entry: str = "300/minute"  # links followed from one address
    login: str = "10/minute"  # attempts to be the administrator from one address
    body: int = 512 * 1024  # bytes; 500 events take about 150 000


class Rates:
    """Counts requests in memory, by kind and by who asks."""

    def __init__(self, limits: Limits) -> None:
        self._limiter = FixedWindowRateLimiter(MemoryStorage())
        self._items: dict[str, RateLimitItem] = {
            kind: parse(getattr(limits, kind)) for kind in ("assessor", "address", "entry", "login")
        }

    def spend(self, kind: str, who: str) -> None:
        """Count one request; Refusal 429 where there were too many."""
        if not self._limiter.hit(self._items[kind], kind, who):
            raise self._refusal(kind, who)

    def require(self, kind: str, who: str) -> None:
        """Refusal 429 where there were too many requests; counts none."""
        if not self._limiter.test(self._items[kind], kind, who):
            raise self._refusal(kind, who)

    def _refusal(self, kind: str, who: str) -> Refusal:
        item = self._items[kind]
        reset = self._limiter.get_window_stats(item, kind, who).reset_time
        seconds = max(1, math.ceil(reset - time.time()))
        return Refusal(
            429,
            "too_many_requests",
            f"at most {item.amount} requests are answered in {item.get_expiry()} s; come back in {seconds} s",
            {"Retry-After": str(seconds)},
        )


class Shield:
    """Puts the security headers on every answer, and answers where the application broke."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception:
            logger.exception("%s %s failed", scope["method"], shown(scope["path"]))
            if begun:
                raise
            answer = JSONResponse(problem("internal", "the studio failed; the administrator finds why in its log"), 500)
            await answer(scope, receive, send_with_headers)


class RateLimit:
    """Refuses requests of an address that sends too many."""

    def __init__(self, app: ASGIApp, rates: Rates) -> None:
        self._app = app
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self._rates.spend("address", address_of(scope))
            except Refusal as refusal:
                await answer_of(refusal)(scope, receive, send)
                return
        await self._app(scope, receive, send)


class BodyLimit:
    """Reads the body before the application does, and refuses one that is too large, whatever its header says."""

    def __init__(self, app: ASGIApp, most: int) -> None:
        self._app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await self._read(scope, receive)
        except Refusal as refusal:
            await answer_of(refusal)(scope, receive, send)
            return
        if body is None:
            return
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive_again() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, receive_again, send)

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole body; None where the client left before it was sent."""
        declared = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
        if not declared.isdigit() or int(declared[:20]) > self._most:
            raise self._refusal()
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._most:
                raise self._refusal()
            if not message.get("more_body", False):
                return bytes(body)

    def _refusal(self) -> Refusal:
        # the rest of the body is on its way and is not waited for
        return Refusal(413, "body_too_large", f"a request has at most {self._most} bytes", {"Connection": "close"})


def answer_of(refusal: Refusal) -> JSONResponse:
    """A refusal as an answer."""
    return JSONResponse(problem(refusal.code, refusal.message), refusal.status, refusal.headers)


def shown(path: str) -> str:
    """A path for the log: in one line, not endless, and without the token that would let its reader in."""
    return "/join/..." if path.startswith("/join/") else ascii(path[:200])[1:-1]


def address_of(scope: Scope) -> str:
    """Who asks, as far as the network tells; an IPv6 customer has a whole /64 of addresses."""
    host = (scope.get("client") or ("unknown", 0))[0]
    try:
        parsed = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(ip_network((parsed, 64), strict=False))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)
