"""Who is asking: an assessor by the cookie of an invitation, or the administrator by a token."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from corpus.app.links import is_admin_cookie, page_token, read_cookie
from corpus.app.refusals import Refusal
from corpus.app.security import address_of
from corpus.app.studio import Studio, studio_of
from corpus.sessions import Invitation
from gamac_meta.exceptions import InvalidInputError

COOKIE = "gamac_studio"
ADMIN_COOKIE = "gamac_studio_admin"
ADMIN_SECONDS = 12 * 3600
PAGE_HEADER = "X-CSRF-Token"
ADMIN = "administrator"  # holder of the administrator's page token; ids of invitations are longer
REASONS = {
    "revoked": "this invitation was withdrawn; ask the person who sent it",
    "expired": "this invitation has expired; ask for a new link, nothing is lost",
}

SharedStudio = Annotated[Studio, Depends(studio_of)]
CookieValue = Annotated[str | None, Depends(APIKeyCookie(name=COOKIE, scheme_name="invitation", auto_error=False))]
PageToken = Annotated[str | None, Depends(APIKeyHeader(name=PAGE_HEADER, scheme_name="page", auto_error=False))]
AdminCookieValue = Annotated[
    str | None, Depends(APIKeyCookie(name=ADMIN_COOKIE, scheme_name="admin_login", auto_error=False))
]
Bearer = Annotated[
    HTTPAuthorizationCredentials | None, Depends(HTTPBearer(scheme_name="admin_token", auto_error=False))
]


def valid_invitation(studio: Studio, invitation_id: str) -> Invitation:
    """The invitation, unless it expired or was revoked: Refusal 401."""
    invitation = studio.book.invitation(invitation_id)
    if invitation is None:
        raise Refusal(401, "invalid", "this invitation is unknown; ask for a new link")
    reason = invitation.refusal(datetime.now(UTC))
    if reason is not None:
        raise Refusal(401, reason, REASONS[reason])
    return invitation


def visitor(studio: SharedStudio, cookie: CookieValue) -> Invitation:
    """The assessor who asks."""
    if cookie is None:
        raise Refusal(401, "no_invitation", "open the studio by the link of your invitation")
    try:
        invitation_id = read_cookie(studio.secret, cookie)
    except InvalidInputError:
        raise Refusal(401, "invalid", "open the studio by the link of your invitation") from None
    invitation = valid_invitation(studio, invitation_id)
    studio.rates.spend("assessor", invitation.assessor)
    return invitation


Visitor = Annotated[Invitation, Depends(visitor)]


async def changing_visitor(request: Request, studio: SharedStudio, invitation: Visitor, token: PageToken) -> Invitation:
    """The assessor who asks for a change, from the studio's own page: Refusal 403 otherwise."""
    _require_own_page(request, studio, invitation.id, token)
    return invitation


ChangingVisitor = Annotated[Invitation, Depends(changing_visitor)]


def administrator(
    request: Request, studio: SharedStudio, bearer: Bearer, cookie: AdminCookieValue, token: PageToken
) -> None:
    """Lets only the administrator pass: 404 where there is none, 401 without the token, 403 from elsewhere."""
    expected = required_admin_token(studio)
    if bearer is not None:
        require_token(request, studio, bearer.credentials)
        return
    if cookie is None or not is_admin_cookie(studio.secret, expected, cookie, ADMIN_SECONDS):
        raise Refusal(
            401,
            "no_administrator",
            "send the administrator's token as Authorization: Bearer",
            {"WWW-Authenticate": "Bearer"},
        )
    if request.method not in ("GET", "HEAD"):
        _require_own_page(request, studio, ADMIN, token)


def required_admin_token(studio: Studio) -> str:
    """The administrator's token; Refusal 404 where the studio has no administrator."""
    if studio.admin_token is None:
        raise Refusal(404, "not_found", "there is nothing here")
    return studio.admin_token


def require_token(request: Request, studio: Studio, token: str) -> None:
    """Refusal 401 for a wrong administrator's token, 429 after too many of them."""
    address = address_of(request.scope)
    studio.rates.require("login", address)
    # digests are equally long whatever was sent
    given, expected = (sha256(text.encode()).digest() for text in (token, required_admin_token(studio)))
    if not hmac.compare_digest(given, expected):
        studio.rates.spend("login", address)
        raise Refusal(401, "wrong_token", "this is not the administrator's token", {"WWW-Authenticate": "Bearer"})


def _require_own_page(request: Request, studio: Studio, holder: str, token: str | None) -> None:
    expected = page_token(studio.secret, holder)
    own = request.headers.get("Sec-Fetch-Site", "same-origin") in ("same-origin", "none")
    if not own or not hmac.compare_digest((token or "").encode(), expected.encode()):
        raise Refusal(403, "foreign_page", f"changes must come from the studio's page, with its {PAGE_HEADER}")
