"""Invitation links, the cookie they are exchanged for, and what proves that a request comes from the studio's own page.

A link carries the id of its invitation and a signature, nothing else. Until when it holds and whether it was revoked
stands in the store and is asked at every request, so both work at once, on every device.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from urllib.parse import urlsplit

from itsdangerous import BadSignature, Signer, TimestampSigner, URLSafeSerializer

from corpus.sessions import Invitation
from gamac_meta.exceptions import InvalidInputError

SHORTEST_SECRET = 16
LONGEST_TOKEN = 300  # an id and a signature take about 100
STRONG: dict[str, Any] = {"key_derivation": "hmac", "digest_method": sha256}


def invitation_link(base_url: str, secret: str, invitation: Invitation) -> str:
    """The address that lets one assessor in."""
    return f"{origin(base_url)}/join/{_sealed(secret, 'link', invitation.id)}"


def read_link(secret: str, token: str) -> str:
    """The invitation's id in the last part of a link; InvalidInputError where it was not signed with the secret."""
    return _opened(secret, "link", token)


def cookie_value(secret: str, invitation: str) -> str:
    """What the browser keeps once an invitation's link was followed."""
    return _sealed(secret, "cookie", invitation)


def read_cookie(secret: str, value: str) -> str:
    """The invitation's id in a cookie; InvalidInputError where it was not signed with the secret."""
    return _opened(secret, "cookie", value)


def page_token(secret: str, holder: str) -> str:
    """What the page sends with all that changes something: no other site can read it."""
    return _signer(secret, "page").get_signature(holder.encode()).decode()


def origin(base_url: str) -> str:
    """Scheme, host and port of the address under which assessors reach the studio."""
    try:
        parts = urlsplit(base_url)
        valid = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        valid = False
    if not valid or parts.path.strip("/") or parts.query or parts.fragment or parts.username:
        raise InvalidInputError(f"base_url must look like https://host or http://host:port, got {base_url!r}")
    return f"{parts.scheme}://{parts.netloc}"


def require_secret(secret: str) -> str:
    """The secret, if it is long enough to sign with."""
    if len(secret) < SHORTEST_SECRET:
        raise InvalidInputError(f"the secret must have at least {SHORTEST_SECRET} characters, got {len(secret)}")
    return secret


def _sealed(secret: str, purpose: str, text: str) -> str:
    sealed = _serializer(secret, purpose).dumps(text)
    return sealed if isinstance(sealed, str) else sealed.decode()


def _opened(secret: str, purpose: str, sealed: str) -> str:
    if len(sealed) > LONGEST_TOKEN:
        raise InvalidInputError(f"a {purpose} has at most {LONGEST_TOKEN} characters, got {len(sealed)}")
    try:
        opened = _serializer(secret, purpose).loads(sealed)
    except (BadSignature, UnicodeError):
        raise InvalidInputError(f"this {purpose} was not made here, or only in part") from None
    if not isinstance(opened, str):
        raise InvalidInputError(f"a {purpose} must carry the id of an invitation")
    return opened


def _serializer(secret: str, purpose: str) -> URLSafeSerializer:
    # a signature made for one purpose is worth nothing for another
    return URLSafeSerializer(require_secret(secret), salt=f"gamac-meta studio {purpose}", signer_kwargs=STRONG)


def _signer(secret: str, purpose: str) -> Signer:
    return Signer(require_secret(secret), salt=f"gamac-meta studio {purpose}".encode(), **STRONG)


def admin_cookie(secret: str, token: str) -> str:
    """What the administrator's browser keeps: worth nothing once the token is another, or after a while."""
    return _admin_signer(secret, token).sign(b"admin").decode()


def is_admin_cookie(secret: str, token: str, value: str, seconds: int) -> bool:
    """Whether a cookie was made from this token at most so many seconds ago."""
    try:
        return _admin_signer(secret, token).unsign(value, max_age=seconds) == b"admin"
    except BadSignature:
        return False


def _admin_signer(secret: str, token: str) -> TimestampSigner:
    return TimestampSigner([require_secret(secret) + token], salt=b"gamac-meta studio admin", **STRONG)
