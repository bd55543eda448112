"""What the administrator asks of the server: who is invited, and how far they are."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel

from corpus.app.links import admin_cookie, invitation_link
from corpus.app.models import NewInvitation
from corpus.app.pages import HTML, page
from corpus.app.refusals import Refusal, documented
from corpus.app.studio import Studio
from corpus.app.visitors import (
    ADMIN_COOKIE,
    ADMIN_SECONDS,
    SharedStudio,
    administrator,
    require_token,
    required_admin_token,
)
from corpus.session_lines import session_lines
from corpus.sessions import PRACTICE, Invitation

JSON_LINES = "application/x-ndjson"

router = APIRouter()
only_administrator = Depends(administrator)

InvitationId = Annotated[str, Path(min_length=1, max_length=80, pattern="^[A-Za-z0-9_-]+$")]


class InvitationView(BaseModel):
    """An invitation and its link."""

    id: str
    assessor: str
    created: datetime
    expires: datetime
    revoked: datetime | None
    quota: int
    protocol: str
    language: str
    link: str | None  # of one that is good

    @classmethod
    def of(cls, studio: Studio, invitation: Invitation) -> InvitationView:
        """As the administrator sees it."""
        good = invitation.refusal(datetime.now(UTC)) is None
        link = invitation_link(studio.origin, studio.secret, invitation) if good else None
        return cls.model_validate({**vars(invitation), "link": link})


class Invitations(BaseModel):
    """All of them, the first made first."""

    invitations: list[InvitationView]


class Counts(BaseModel):
    """Sessions by how they stand."""

    open: int
    finished: int
    declined: int

    @classmethod
    def of(cls, statuses: Counter[str]) -> Counts:
        """From counts by status."""
        return cls(open=statuses["open"], finished=statuses["finished"], declined=statuses["declined"])


class AssessorStatus(Counts):
    """How far one assessor is."""

    assessor: str
    practiced: bool


class StatusView(BaseModel):
    """How far all are."""

    datasets: int  # in the corpus, as far as they are served
    wanted: int  # assessors of each
    complete: int  # data sets that so many have finished
    sessions: Counts
    assessors: list[AssessorStatus]


@router.post(
    "/admin/login",
    summary="Log in with the administrator's token",
    status_code=303,
    response_class=RedirectResponse,
    responses={401: {"description": "The form again", **HTML}, **documented(400, 404)},
)
def login(
    request: Request, studio: SharedStudio, token: Annotated[str, Form(min_length=1, max_length=500)]
) -> Response:
    expected = required_admin_token(studio)
    try:
        require_token(request, studio, token)
    except Refusal as refusal:
        if refusal.status != 401:
            raise
        return login_form(failed=True)
    answer = RedirectResponse("/admin", 303)
    answer.set_cookie(
        ADMIN_COOKIE,
        admin_cookie(studio.secret, expected),
        max_age=ADMIN_SECONDS,
        httponly=True,
        samesite="strict",
        secure=studio.secure,
    )
    return answer


@router.get(
    "/api/admin/status",
    summary="How far the assessors are",
    responses=documented(401, 404),
    dependencies=[only_administrator],
)
def status(studio: SharedStudio) -> StatusView:
    activity = {key: counts for key, counts in studio.book.activity().items() if key in studio.places}
    of_assessor: dict[str, Counter[str]] = {each.assessor: Counter() for each in studio.book.invitations()}
    practiced = set()
    for session in studio.book.sessions():
        if session.key == PRACTICE and session.status != "open":
            practiced.add(session.assessor)
        elif session.key in studio.places:
            of_assessor.setdefault(session.assessor, Counter())[session.status] += 1
    return StatusView(
        datasets=len(studio.places),
        wanted=studio.wanted,
        complete=sum(counts["finished"] >= studio.wanted for counts in activity.values()),
        sessions=Counts.of(sum(activity.values(), Counter())),
        assessors=[
            AssessorStatus(assessor=assessor, practiced=assessor in practiced, **Counts.of(counts).model_dump())
            for assessor, counts in sorted(of_assessor.items())
        ],
    )


@router.get(
    "/api/admin/invitations",
    summary="All invitations",
    responses=documented(401, 404),
    dependencies=[only_administrator],
)
def invitations(studio: SharedStudio) -> Invitations:
    return Invitations(invitations=[InvitationView.of(studio, each) for each in studio.book.invitations()])


@router.post(
    "/api/admin/invitations",
    summary="Invite an assessor",
    status_code=201,
    responses=documented(400, 401, 403, 404),
    dependencies=[only_administrator],
)
def invite(wanted: NewInvitation, studio: SharedStudio) -> InvitationView:
    invitation = studio.book.invite(
        wanted.assessor,
        expires=datetime.now(UTC) + timedelta(days=wanted.days),
        quota=wanted.quota,
        protocol=wanted.protocol,
        language=wanted.language,
    )
    return InvitationView.of(studio, invitation)


@router.post(
    "/api/admin/invitations/{invitation_id}/revoke",
    summary="Let nobody in by this invitation any more",
    responses=documented(400, 401, 403, 404),
    dependencies=[only_administrator],
)
def revoke(invitation_id: InvitationId, studio: SharedStudio) -> InvitationView:
    if studio.book.invitation(invitation_id) is None:
        raise Refusal(404, "not_found", "there is no such invitation")
    studio.book.revoke(invitation_id)
    revoked = studio.book.invitation(invitation_id)
    assert revoked is not None
    return InvitationView.of(studio, revoked)


@router.get(
    "/api/admin/export",
    summary="Everything people did, as JSON lines",
    response_class=Response,
    responses={200: {"content": {JSON_LINES: {"schema": {"type": "string"}}}}, **documented(401, 404)},
    dependencies=[only_administrator],
)
def export(studio: SharedStudio) -> Response:
    # whole before it is sent: a storage that breaks halfway is an error, not a short file
    content = "".join(session_lines(studio.book))
    name = f"assessors-{datetime.now(UTC):%Y-%m-%d}.jsonl"
    return Response(content, media_type=JSON_LINES, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def login_form(*, failed: bool) -> HTMLResponse:
    """The page that asks for the token."""
    return page("login.html", 401, language="en", failed=failed)
