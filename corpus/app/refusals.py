"""What the studio refuses, in one shape: {"error": {"code", "message"}} and a status."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from gamac_meta.exceptions import GamacMetaError


class Refusal(GamacMetaError):
    """A request that is answered by an error."""

    def __init__(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = dict(headers or {})


class Problem(BaseModel):
    """What went wrong: a word for programs, a sentence for people."""

    code: str
    message: str


class Problems(BaseModel):
    """The body of every error."""

    error: Problem


# what each status says in the OpenAPI document
MEANINGS = {
    400: "The request breaks a rule that the message states",
    401: "No invitation, or one that expired or was revoked",
    403: "The request does not come from the studio's page, or asks for what is another's",
    404: "There is no such thing",
    409: "The request does not fit what is stored",
    413: "The body is too large",
    429: "Too many requests; Retry-After says in how many seconds to come back",
    503: "The storage cannot be used at the moment; nothing was lost that was acknowledged",
}


def problem(code: str, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": code, "message": message}}


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The errors of a route for its OpenAPI document; every route may meet the limits and a broken storage."""
    return {
        status: {"description": MEANINGS[status], "model": Problems} for status in sorted({*statuses, 413, 429, 503})
    }
