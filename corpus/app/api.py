"""What the page asks of the server: who am I, what next, the picture, and here is what I did."""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from corpus.app.drawing import encode, seed_of
from corpus.app.models import (
    EventView,
    Health,
    Incoming,
    LanguageChoice,
    Me,
    SentEvents,
    SessionFacts,
    SessionView,
    StateView,
    Stored,
)
from corpus.app.practice import practice
from corpus.app.refusals import Problems, Refusal, documented, problem
from corpus.app.studio import Studio
from corpus.app.visitors import ChangingVisitor, SharedStudio, Visitor
from corpus.sessions import PRACTICE, Invitation, Session
from gamac_meta.exceptions import UnexpectedEventError

router = APIRouter()

SessionId = Annotated[str, Path(min_length=1, max_length=80, pattern="^[A-Za-z0-9_-]+$")]


class NextSession(Incoming):
    """Which session is wanted."""

    after: Annotated[str, Field(min_length=1, max_length=80, pattern="^[A-Za-z0-9_-]+$")] | None = None


class Conflict(Problems):
    """Where the server stands instead."""

    steps: int
    events: list[EventView]


@router.get("/health", summary="Whether the server answers", responses=documented())
async def health() -> Health:
    return Health(status="ok")


@router.get("/api/me", summary="Who I am and how far", responses=documented(401))
def me(studio: SharedStudio, invitation: Visitor) -> Me:
    return _me(studio, invitation)


@router.put("/api/me", summary="Choose the language", responses=documented(400, 401, 403))
def choose_language(choice: LanguageChoice, studio: SharedStudio, invitation: ChangingVisitor) -> Me:
    studio.book.set_language(invitation.assessor, choice.language)
    changed = studio.book.invitation(invitation.id)
    return _me(studio, changed or invitation)


@router.post("/api/sessions", summary="Go on, or begin the next data set", responses=documented(400, 401, 403))
def next_session(wanted: NextSession, studio: SharedStudio, invitation: ChangingVisitor) -> SessionView:
    session = studio.current(invitation, wanted.after)
    return SessionView(session=None if session is None else _facts(studio, invitation, session))


@router.get("/api/sessions/{session_id}", summary="One of my sessions", responses=documented(400, 401, 404))
def one_session(session_id: SessionId, studio: SharedStudio, invitation: Visitor) -> SessionView:
    return SessionView(session=_facts(studio, invitation, _own(studio, invitation, session_id)))


@router.get(
    "/api/sessions/{session_id}/picture",
    summary="What to draw",
    description=encode.__doc__ or "",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}},
        304: {"description": "What the browser has is still right"},
        **documented(400, 401, 404),
    },
)
def picture(request: Request, session_id: SessionId, studio: SharedStudio, invitation: Visitor) -> Response:
    session = _own(studio, invitation, session_id)
    content = encode(studio.pictures[session.key], session.plan.decoy_of, seed_of(session.id))
    tag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=31536000, immutable"}
    if tag in request.headers.get("If-None-Match", ""):
        return Response(status_code=304, headers=headers)
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.post(
    "/api/sessions/{session_id}/events",
    summary="Store what I did, all or nothing; what is stored already is acknowledged again",
    response_model=Stored,
    responses=documented(400, 401, 403, 404) | {409: {"description": "The events do not fit", "model": Conflict}},
)
def store_events(
    session_id: SessionId, sent: SentEvents, studio: SharedStudio, invitation: ChangingVisitor
) -> Stored | JSONResponse:
    session = _stored(studio, invitation, session_id)
    try:
        appended = studio.book.append(session.id, sent.submissions())
    except UnexpectedEventError as error:
        events = _events(studio, session)
        conflict = Conflict(**problem("unexpected_event", str(error)), steps=len(events), events=events)
        return JSONResponse(conflict.model_dump(), 409)
    return Stored(steps=appended.steps, state=StateView.of(appended.state))


def _me(studio: Studio, invitation: Invitation) -> Me:
    trial, mine = studio.history(invitation.assessor)
    statuses = [session.status for session in mine]
    return Me.model_validate(
        {
            "assessor": invitation.assessor,
            "language": invitation.language,
            "quota": invitation.quota,
            "finished": statuses.count("finished"),
            "declined": statuses.count("declined"),
            "practiced": trial is not None and trial.status != "open",
            "seconds_per_answer": studio.pace(mine),
        }
    )


def _stored(studio: Studio, invitation: Invitation, session_id: str) -> Session:
    """The session, if it is this assessor's: nobody learns which ids others have."""
    session = studio.book.session(session_id)
    if session is None or session.assessor != invitation.assessor:
        raise Refusal(404, "not_found", "you have no such session")
    return session


def _own(studio: Studio, invitation: Invitation, session_id: str) -> Session:
    """The same, if its data set is served: what was answered before it was taken out is still stored."""
    session = _stored(studio, invitation, session_id)
    if session.key not in studio.pictures:
        raise Refusal(404, "not_found", "you have no such session")
    return session


def _facts(studio: Studio, invitation: Invitation, session: Session) -> SessionFacts:
    trial = session.key == PRACTICE
    _, mine = studio.history(invitation.assessor)
    numbers = {known.id: number for number, known in enumerate(mine, start=1)}
    return SessionFacts.of(
        session,
        number=numbers.get(session.id, 0),
        quota=invitation.quota,
        practice=trial,
        events=_events(studio, session),
        practice_ranks=list(practice().ranks) if trial else None,
    )


def _events(studio: Studio, session: Session) -> list[EventView]:
    return [EventView.of(stored) for stored in studio.book.events(session.id)]
