"""The administrator's page and its numbers, after some simulated assessors have worked."""

import json
import re
from base64 import b64decode
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from planted_sessions import always_left, events_of, honest, study
from studio_server import TOKEN

from corpus.app.dashboard import plot_svg, report_on
from corpus.protocols import make_plan
from corpus.reliability import agreement_report, report_of
from corpus.reliability_plots import PLOTS
from corpus.sessions import Submission

NASTY = '<img src=x onerror="alert(1)">&amp;'


def work(studio, name, number, choose, *, events=None):
    """Somebody's session on a data set of the corpus; all of it, or its first events."""
    key = next(key for key, place in studio.inner.places.items() if place == number)
    plan = make_plan("binary_insertion", 4, seed=number)
    session = studio.book.open(name, key, plan)
    done = events_of(plan, choose, np.random.default_rng(0))[:events]
    already = len(studio.book.events(session.id))
    new = [Submission(f"{session.id}-{event.step}", event, 2500, None) for event in done[already:]]
    studio.book.append(session.id, new)


@pytest.fixture
def busy(studio):
    """Three assessors on two data sets, one session unfinished; one of them has a nasty name."""
    values = [3.0, 1.0, 4.0, 2.0]
    for name in ("ann", "bob", NASTY):
        studio.invite(name, quota=3)
        work(studio, name, 0, honest(np.array(values)))
    work(studio, "ann", 1, always_left)
    work(studio, "bob", 1, always_left, events=2)
    return studio


def numbers(page):
    """The figures of the page by their captions."""
    return dict(re.findall(r"<dt>([^<]+)</dt><dd>(\S+?)(?:</dd>| <small>)", page))


def test_the_page_shows_how_far_the_assessors_are(busy):
    answer = busy.admin().get("/admin")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/html")
    shown = numbers(answer.text)
    assert (shown["Sessions finished"], shown["Open"], shown["Declined"]) == ("4", "1", "0")
    assert shown["Seconds an answer"] == "2.5"
    assert shown["Data sets complete"] == "0"
    report = agreement_report(busy.book)
    assert shown["Kendall W"] == f"{report.overall.kendall_w:.2f}"
    assert shown["Answers"] == str(report.overall.answers)
    assert "4 of 15 orders wanted" in answer.text
    assert "number 1</th>" in answer.text


def test_names_are_text(busy):
    page = busy.admin().get("/admin").text
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=&#34;alert(1)&#34;&gt;&amp;amp;" in page


def test_nothing_in_the_page_needs_more_than_the_policy_allows(busy):
    page = busy.admin().get("/admin").text
    assert not re.search(r"\sstyle=|\son\w+=\"|<style|<script(?![^>]*\ssrc=)", page)


def test_the_page_of_an_empty_studio_and_without_sharing(studio):
    page = studio.admin().get("/admin").text
    assert numbers(page)["Kendall W"] == "\u2013"
    assert "Nobody has begun." in page
    assert "Nobody stands out." in page


def test_the_plots_in_the_page_are_pictures(busy):
    pictures = re.findall(r"data:image/svg\+xml;base64,([^\"]+)", busy.admin().get("/admin").text)
    assert len(pictures) == len(PLOTS)
    for picture in pictures:
        assert ET.fromstring(b64decode(picture)).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("name", PLOTS)
def test_plots_are_the_same_for_the_same_report(name):
    full = report_of(*study({"a": honest, "b": honest, "left": lambda _: always_left}, datasets=3, seed=0, items=6))
    assert plot_svg(name, full) == plot_svg(name, full) != plot_svg(name, report_of([], {}))


def test_the_numbers_of_the_page_for_programs(busy):
    answer = busy.admin().get("/api/admin/agreement")
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(agreement_report(busy.book).to_record()))
    assert [row["assessor"] for row in answer.json()["assessors"]] == [NASTY, "ann", "bob"]


def test_what_is_new_is_seen_at_once(busy):
    before = report_on(busy.book)
    work(busy, "bob", 1, always_left, events=3)
    work(busy, NASTY, 2, always_left)
    after = report_on(busy.book)
    assert after.to_record() == agreement_report(busy.book).to_record()
    assert after.overall.answers > before.overall.answers + 1
    assert after.overall.finished == before.overall.finished + 1


def test_without_the_token_there_is_a_form_and_nothing_else(busy):
    answer = busy.client().get("/admin")
    assert answer.status_code == 401
    assert 'name="token"' in answer.text
    assert "ann" not in answer.text
    assert busy.client().get("/api/admin/agreement").status_code == 401
    assert busy.join("carl").get("/admin").status_code == 401


def test_what_the_page_links_to_is_there(busy):
    page = busy.admin().get("/admin").text
    links = set(re.findall(r'(?:href|src)="(/[^"]+)"', page))
    assert "/api/admin/export" in links
    assert {link: busy.admin().get(link).status_code for link in links} == dict.fromkeys(links, 200)
    anchors = set(re.findall(r'href="#([^"]+)"', page))
    assert anchors <= set(re.findall(r'id="([^"]+)"', page))


def test_logging_in_leads_to_the_page(busy):
    client = busy.client()
    answer = client.post("/admin/login", data={"token": TOKEN})
    assert answer.status_code == 200
    assert answer.url.path == "/admin"
    assert "ann" in answer.text


def test_without_an_administrator_there_is_nothing(open_studio):
    client = open_studio(admin_token=None).client(headers={"Authorization": f"Bearer {TOKEN}"})
    assert client.get("/admin").status_code == 404
    assert client.get("/api/admin/agreement").status_code == 404
