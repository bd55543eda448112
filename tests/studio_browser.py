"""Somebody who works in the studio's page, with a mouse, with keys or with fingers."""

import itertools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
from playwright.sync_api import expect
from studio_server import SECRET, Assessor, Server

from corpus.app.links import invitation_link
from corpus.protocols import replay
from corpus.sessions import PRACTICE, SessionBook

DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "has_touch": True,
    "is_mobile": True,
}
KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "tie": "ArrowDown", "skip": "s"}

_numbers = itertools.count()


@dataclass
class Desk:
    """A running studio, its browser, and what a test needs to look behind them."""

    server: Server
    browser: object
    corpus: Path
    place: Path | str  # of the answers

    def __post_init__(self):
        self.book = SessionBook(self.place)

    def invite(self, name=None, *, practiced=True, days=1.0, **options):
        """(name, link); practiced: the practice was declined before."""
        name = name or f"assessor {next(_numbers)}"
        invitation = self.book.invite(name, expires=datetime.now(UTC) + timedelta(days=days), **options)
        link = invitation_link(self.server.url, SECRET, invitation)
        if practiced:
            with httpx.Client(base_url=self.server.url, timeout=60) as client:
                Assessor(client, link).past_practice()
        return name, link

    def context(self, **options):
        """A browser of somebody's own: no cookies, nothing stored."""
        context = self.browser.new_context(**({"reduced_motion": "reduce"} | DESKTOP | options))
        context.set_default_timeout(20_000)
        return context

    def sit(self, link, context=None, **options):
        """Follow a link."""
        page = (context or self.context(**options)).new_page()
        work = Work(page)
        page.goto(link)
        return work

    def session(self, name):
        """The assessor's last session that something was done in; practice does not count."""
        mine = [session for session in self.book.sessions(name) if session.key != PRACTICE]
        return ([session for session in mine if self.book.events(session.id)] or mine)[-1]

    def verdicts(self, name):
        """What is stored of the last session, answers and undos in their sequence."""
        events = [stored.event for stored in self.book.events(self.session(name).id)]
        return [event.body["verdict"] if event.kind == "answer" else event.kind for event in events]

    def state(self, name):
        """Where the last session stands by what is stored."""
        session = self.session(name)
        return replay(session.plan, [stored.event for stored in self.book.events(session.id)])


class Work:
    """One page."""

    def __init__(self, page):
        self.page = page
        self.errors = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    @property
    def stage(self):
        return self.page.evaluate("() => document.body.dataset.stage")

    def at(self, stage):
        """Wait for a stage."""
        self.page.wait_for_selector(f"body[data-stage={stage}]")
        return self

    def ready(self):
        """Wait until an answer would be heard, or there is none to give."""
        self.page.wait_for_selector("#compare[aria-busy=false]:not([hidden]), body:not([data-stage=compare])")
        return self.stage == "compare"

    def begin(self):
        """From the screen before a data set to its first pair."""
        self.at("ready").page.click("#start")
        self.at("compare").ready()
        return self

    def answer(self, verdict, means="mouse"):
        """Answer the pair that is shown, and wait for what comes next."""
        assert self.ready()
        before = self.page.text_content("#pair")
        if means == "keys":
            self.page.keyboard.press(KEYS[verdict])
        elif means == "fingers":
            self.page.tap(f"[data-verdict={verdict}]")
        else:
            self.page.click(f"[data-verdict={verdict}]")
        expect(self.page.locator("#pair")).not_to_have_text(before)

    def compare(self, verdicts=("left", "right", "tie", "right", "skip"), means="mouse"):
        """Answer until the comparisons are over, with these verdicts again and again; what was answered."""
        given = []
        while self.ready():
            given.append(verdicts[len(given) % len(verdicts)])
            self.answer(given[-1], means)
        return given

    def saved(self):
        """Wait until nothing waits to be sent."""
        self.page.wait_for_selector("#status[data-state=saved]")
        return self

    def finish(self, means="mouse"):
        """Confirm the order that is shown."""
        self.at("arrange")
        if means == "keys":
            self.page.focus("#confirm")
            self.page.keyboard.press("Enter")
        else:
            self.page.click("#confirm")
        self.at("done")

    def pair(self):
        """Which pair is shown, from 1."""
        return int("".join(filter(str.isdigit, self.page.text_content("#pair").split("of")[0])))

    def journal(self):
        """What the browser has kept of events, by key."""
        stored = self.page.evaluate("() => JSON.stringify(localStorage)")
        return {key: json.loads(value) for key, value in json.loads(stored).items() if "/event/" in key}

    def untie(self):
        """Split all groups of the last screen."""
        tied = self.page.locator(".place.tied .take")
        while tied.count():
            tied.first.click()
            self.page.click("#split")
        return self.places()

    def places(self):
        """The groups of cards on the last screen, by name, best first."""
        return self.page.evaluate(
            """() => [...document.querySelectorAll("#places > li")].map((place) => [
                ...place.querySelectorAll("button")].map((card) => card.getAttribute("aria-label").split(/[ ,]/)[1]))"""
        )
