"""The administrator's page: how far the assessors are, how well they agree, who stands out, who is invited."""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from io import BytesIO
from math import isnan
from typing import Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from corpus.app.admin import login_form
from corpus.app.links import page_token
from corpus.app.pages import HTML, page
from corpus.app.refusals import Refusal, documented
from corpus.app.studio import Studio
from corpus.app.visitors import ADMIN, AdminCookieValue, Bearer, SharedStudio, administrator
from corpus.habits import Work
from corpus.protocols import PROTOCOLS
from corpus.reliability import LEVEL, RULES, AgreementReport, agreement_report
from corpus.reliability_plots import PLOTS
from corpus.sessions import LANGUAGES, SessionBook

FIGURE = 5.0, 3.2  # inches
CAPTIONS = {
    "agreement": "How well an assessor agrees with the others, by data set",
    "consistency": "Agreement with oneself and with the others; diamonds are flagged",
    "answers": "Answers over time (UTC)",
    "sides": "Side bias: gray is where chance leaves 95 % of assessors",
}

router = APIRouter()
# what was read of closed sessions: they do not change, and a big study has thousands
_read: WeakKeyDictionary[SessionBook, dict[str, Work]] = WeakKeyDictionary()


@router.get(
    "/admin",
    summary="The administrator's page",
    response_class=HTMLResponse,
    responses={401: {"description": "A page that asks for the token", **HTML}, **documented(404)},
)
def dashboard(request: Request, studio: SharedStudio, bearer: Bearer, cookie: AdminCookieValue) -> HTMLResponse:
    try:
        administrator(request, studio, bearer, cookie, None)
    except Refusal as refusal:
        if refusal.status != 401:
            raise
        return login_form(failed=False)
    context = dashboard_context(studio, report_on(studio.book))
    return page("admin.html", language="en", csrf_token=page_token(studio.secret, ADMIN), **context)


@router.get(
    "/api/admin/agreement",
    summary="How well the assessors agree, with each other and with themselves",
    responses=documented(401, 404),
    dependencies=[Depends(administrator)],
)
def agreement(studio: SharedStudio) -> dict[str, Any]:
    return report_on(studio.book).to_record()


def report_on(book: SessionBook) -> AgreementReport:
    """As of now; what was read before of closed sessions is not read again."""
    return agreement_report(book, _read.setdefault(book, {}))


def dashboard_context(studio: Studio, report: AgreementReport) -> dict[str, Any]:
    """What the template admin.html shows."""
    activity = {key: counts for key, counts in studio.book.activity().items() if key in studio.places}
    return {
        "report": report,
        "assessors": sorted(report.assessors, key=lambda row: -len(row.flags)),
        "made": datetime.now(UTC),
        "datasets": len(studio.places),
        "complete": sum(counts["finished"] >= studio.wanted for counts in activity.values()),
        "wanted": studio.wanted,
        "answered": sum(min(counts["finished"], studio.wanted) for counts in activity.values()),
        "places": studio.places,
        "quotas": _quotas(studio.book),
        "captions": CAPTIONS,
        "plots": {name: b64encode(plot_svg(name, report)).decode() for name in PLOTS},
        "rules": RULES,
        "level": LEVEL,
        "protocols": PROTOCOLS,
        "languages": LANGUAGES,
        "said": _said,
        "percent": _percent,
        "p_value": _p_value,
    }


def plot_svg(name: str, report: AgreementReport) -> bytes:
    """One of PLOTS as an SVG file, the same for the same report."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(FIGURE, layout="constrained")
    ax = figure.subplots()
    ax.spines[["top", "right"]].set_visible(False)
    PLOTS[name](report, ax)
    sink = BytesIO()
    with rc_context({"svg.hashsalt": name}):
        figure.savefig(sink, format="svg", metadata={"Date": None})
    return sink.getvalue()


def _quotas(book: SessionBook) -> dict[str, int]:
    """Of each assessor, the greatest of the invitations that still let them in."""
    now = datetime.now(UTC)
    found: dict[str, int] = {}
    for invitation in book.invitations():
        if invitation.refusal(now) is None:
            found[invitation.assessor] = max(invitation.quota, found.get(invitation.assessor, 0))
    return found


def _said(value: float, digits: int = 2) -> str:
    """A number, or a dash for what is not known."""
    return "\u2013" if isnan(value) else f"{value:.{digits}f}".replace("-", "\u2212")


def _percent(value: float) -> str:
    return "\u2013" if isnan(value) else f"{value:.0%}"


def _p_value(value: float) -> str:
    if isnan(value):
        return "p unknown"
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"
