"""What is kept of the work of assessors, and what their names and the like may be."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from corpus.orders import SIMULATED, Key
from corpus.protocols import Event, Plan
from gamac_meta.exceptions import InvalidInputError

LANGUAGES = ("en", "ru")
LONGEST_NAME = 100  # characters
LONGEST_KEY = 32
GREATEST = 2**31 - 1  # whole number that a column holds


@dataclass(frozen=True)
class Invitation:
    """What lets one assessor in."""

    id: str
    assessor: str
    created: datetime
    expires: datetime
    revoked: datetime | None
    quota: int  # data sets to be ordered
    protocol: str  # one of PROTOCOLS
    language: str  # one of LANGUAGES

    def refusal(self, now: datetime) -> str | None:
        """Why it lets nobody in any more, "revoked" or "expired"; None while it does."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires <= now else None


@dataclass(frozen=True)
class Session:
    """One assessor's work on the candidates of one data set."""

    id: str
    assessor: str
    key: Key
    plan: Plan
    opened: datetime
    closed: datetime | None
    status: str  # "open", "finished" or "declined"


@dataclass(frozen=True)
class Submission:
    """An event as it comes from the assessor's page."""

    client_id: str  # made by the page, so that what is sent twice is stored once
    event: Event
    took_ms: int | None  # from the question to the event, as the page measured it
    client_time: str | None  # what the page's clock said; clocks are wrong, so nothing depends on it

    def __post_init__(self) -> None:
        require_text("client_id", self.client_id, LONGEST_NAME)
        if not (type(self.event.step) is int and 0 <= self.event.step <= GREATEST):
            raise InvalidInputError(f"step must be a whole number from 0 to {GREATEST}, got {self.event.step!r:.50}")
        if self.client_time is not None:
            require_text("client_time", self.client_time, LONGEST_NAME)
        if self.took_ms is not None and not (type(self.took_ms) is int and 0 <= self.took_ms <= GREATEST):
            raise InvalidInputError(f"took_ms must be a whole number from 0 to {GREATEST}, got {self.took_ms!r:.50}")


@dataclass(frozen=True)
class StoredEvent(Submission):
    """A submission that was acknowledged."""

    received: datetime


def require_person(assessor: str) -> None:
    require_text("an assessor's name", assessor, LONGEST_NAME)
    if assessor.casefold().startswith(SIMULATED):
        raise InvalidInputError(f"a person's name must not begin with {SIMULATED!r}, got {assessor!r}")


def require_language(language: str) -> None:
    if language not in LANGUAGES:
        raise InvalidInputError(f"language must be one of {', '.join(LANGUAGES)}, got {language!r:.50}")


def require_text(name: str, value: object, longest: int) -> None:
    whole = isinstance(value, str) and value == value.strip() and value.isprintable()
    if not whole or not 1 <= len(value) <= longest:  # type: ignore[arg-type]
        raise InvalidInputError(
            f"{name} must have 1 to {longest} printable characters and no space around them, got {value!r:.120}"
        )
