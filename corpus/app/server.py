"""The web application."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.types import Scope

from corpus.app import admin, api, dashboard, pages
from corpus.app.refusals import Refusal
from corpus.app.security import HEADERS, HSTS, BodyLimit, Limits, RateLimit, Shield, answer_of, shown
from corpus.app.studio import Studio
from gamac_meta import __version__
from gamac_meta.exceptions import CorpusError, InvalidInputError

logger = logging.getLogger(__name__)

CODES = {400: "bad_request", 403: "forbidden", 404: "not_found", 405: "method_not_allowed"}
RETRY_SECONDS = "5"


def create_app(
    corpus: Path,
    *,
    db: str | None = None,
    secret: str,
    admin_token: str | None = None,
    base_url: str = "http://127.0.0.1:8000",
    wanted: int = 5,
    indices: Sequence[int] | None = None,
    limits: Limits | None = None,
) -> FastAPI:
    """The studio for one corpus; see `Studio` for what the arguments mean.

    Raises CorpusError where there is no corpus or its database cannot be used, InvalidInputError for settings
    that break a rule.
    """
    studio = Studio(
        corpus,
        db=db,
        secret=secret,
        admin_token=admin_token,
        base_url=base_url,
        wanted=wanted,
        indices=indices,
        limits=limits or Limits(),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        studio.close()

    app = FastAPI(
        title="gamac-meta assessment studio",
        version=__version__,
        docs_url=None,  # they load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
    )
    app.state.studio = studio
    for router in (pages.router, api.router, admin.router, dashboard.router):
        app.include_router(router)
    app.mount("/static", Revalidated(directory=pages.STATIC), name="static")
    for error, handler in (
        (Refusal, refused),
        (RequestValidationError, invalid),
        (HTTPException, http_error),
        (InvalidInputError, broken_rule),
        (CorpusError, unusable_storage),
    ):
        app.add_exception_handler(error, handler)
    # the last one added is the outermost
    app.add_middleware(BodyLimit, most=studio.limits.body)
    app.add_middleware(RateLimit, rates=studio.rates)
    app.add_middleware(Shield, headers=HEADERS | (HSTS if studio.secure else {}))
    _document(app)
    return app


class Revalidated(StaticFiles):
    """Files that a browser keeps, and asks about before it uses them again."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, or 404."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        return response


# ---- errors ------------------------------------------------------------------------------------


async def refused(request: Request, error: Exception) -> Response:
    """An answer to a person who looks for a page, otherwise to a program."""
    assert isinstance(error, Refusal)
    if "text/html" in request.headers.get("Accept", "") and not request.url.path.startswith("/api/"):
        answer: Response = pages.notice(request, "home" if error.status == 404 else "error", error.status)
        answer.headers.update(error.headers)
        return answer
    return answer_of(error)


async def invalid(request: Request, error: Exception) -> Response:
    """The first rule that a request breaks; what was sent is not repeated."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return await refused(request, Refusal(400, "invalid", f"{place}: {first['msg']}"[:300]))


async def http_error(request: Request, error: Exception) -> Response:
    """What the framework refuses: an unknown address, a method that is not offered."""
    assert isinstance(error, HTTPException)
    code = CODES.get(error.status_code, "refused")
    headers = {**(error.headers or {}), **({"Allow": _allowed(request)} if error.status_code == 405 else {})}
    return await refused(request, Refusal(error.status_code, code, str(error.detail), headers))


async def broken_rule(request: Request, error: Exception) -> Response:
    """A rule that is checked further inside."""
    return await refused(request, Refusal(400, "invalid", str(error)[:300]))


async def unusable_storage(request: Request, error: Exception) -> Response:
    """Where the storage is and what is wrong with it is for the log alone."""
    logger.error("%s %s: %s", request.method, shown(request.url.path), error)
    message = "the storage cannot be used at the moment; what was acknowledged is stored"
    return await refused(request, Refusal(503, "storage", message, {"Retry-After": RETRY_SECONDS}))


def _allowed(request: Request) -> str:
    """The methods of an address; the framework would name those of one of its routes."""
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template)), request.url.path):
            return ", ".join(sorted(method.upper() for method in operations))
    return "GET, HEAD"


# ---- OpenAPI -----------------------------------------------------------------------------------


def _document(app: FastAPI) -> None:
    """Make the OpenAPI document say what the framework does not know: how requests are refused, and what they need."""
    generate = app.openapi

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            for operations in schema["paths"].values():
                for operation in operations.values():
                    operation["responses"].pop("422", None)
                    _require_together(operation)
            for name in ("HTTPValidationError", "ValidationError"):
                schema["components"]["schemas"].pop(name, None)
        return app.openapi_schema or {}

    app.openapi = document  # type: ignore[method-assign]


def _require_together(operation: dict[str, Any]) -> None:
    """Several schemes of one route are alternatives in FastAPI's document; the page's token only comes on top."""
    schemes = {name for choice in operation.get("security", ()) for name in choice}
    changes = "page" in schemes
    if schemes:
        choices: list[dict[str, list[str]]] = []
        if "admin_token" in schemes:
            choices = [{"admin_token": []}, {"admin_login": [], **({"page": []} if changes else {})}]
        else:
            choices = [{"invitation": [], **({"page": []} if changes else {})}]
        operation["security"] = choices
