"""The pages that assessors see: one to work on, and short notices; the link that lets them in."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from corpus.app.links import cookie_value, page_token, read_link
from corpus.app.messages import LANGUAGES, texts
from corpus.app.refusals import Refusal, documented
from corpus.app.security import address_of
from corpus.app.visitors import COOKIE, CookieValue, SharedStudio, valid_invitation, visitor
from gamac_meta.exceptions import InvalidInputError

HERE = Path(__file__).parent
STATIC = HERE / "static"
NOTICES = ("home", "invalid", "expired", "revoked", "error")
HTML: dict[str, Any] = {"content": {"text/html": {}}}

router = APIRouter(default_response_class=HTMLResponse)


@cache
def environment() -> Environment:
    """The templates; what is filled in is escaped."""
    return Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined)


@cache
def all_texts() -> dict[str, dict[str, str]]:
    """Every text of the page by language and key."""
    return {language: texts(language) for language in LANGUAGES}


def page(template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A template, filled in."""
    return HTMLResponse(environment().get_template(template).render(messages=all_texts(), **context), status)


def notice(request: Request, name: str, status: int = 200) -> HTMLResponse:
    """A page of a few lines, in the language of the browser."""
    return page("notice.html", status, notice=name, language=_language(request))


@router.get("/", summary="How to get in")
def home(request: Request) -> HTMLResponse:
    return notice(request, "home")


@router.get(
    "/join/{token}",
    summary="Let an assessor in by the link of an invitation",
    status_code=303,
    response_class=RedirectResponse,
    responses={401: {"description": "A page that says why the link does not work", **HTML}, **documented()},
)
def join(request: Request, token: str, studio: SharedStudio) -> Response:
    studio.rates.spend("entry", address_of(request.scope))
    try:
        invitation = valid_invitation(studio, read_link(studio.secret, token))
    except InvalidInputError:
        return notice(request, "invalid", 401)
    except Refusal as refusal:
        return notice(request, refusal.code, refusal.status)
    answer = RedirectResponse("/studio", 303)
    answer.set_cookie(
        COOKIE,
        cookie_value(studio.secret, invitation.id),
        max_age=max(0, int((invitation.expires - datetime.now(UTC)).total_seconds())),
        httponly=True,
        samesite="lax",
        secure=studio.secure,
    )
    return answer


@router.get(
    "/studio",
    summary="The page on which an assessor works",
    responses={401: {"description": "A page that says how to get in", **HTML}, **documented()},
)
def work(request: Request, studio: SharedStudio, cookie: CookieValue) -> HTMLResponse:
    try:
        invitation = visitor(studio, cookie)
    except Refusal as refusal:
        if refusal.status != 401:
            raise
        return notice(request, refusal.code if refusal.code in NOTICES else "home", 401)
    return page(
        "studio.html",
        language=invitation.language,
        assessor=invitation.assessor,
        csrf_token=page_token(studio.secret, invitation.id),
    )


@router.get("/sw.js", include_in_schema=False)
def service_worker() -> FileResponse:
    # at the root, since a worker serves what lies below it
    return FileResponse(STATIC / "sw.js", media_type="text/javascript", headers={"Cache-Control": "no-cache"})


def _language(request: Request) -> str:
    """The first language of the browser that the studio speaks."""
    for part in request.headers.get("Accept-Language", "").split(","):
        language = part.split(";")[0].strip().split("-")[0].lower()
        if language in LANGUAGES:
            return language
    return next(iter(LANGUAGES))
