"""Everybody can use the page: axe on every stage, keys alone, small screens, reduced motion, high contrast."""

import re
from contextlib import contextmanager

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from studio_browser import DESKTOP, PHONE

pytestmark = pytest.mark.browser

TINY = {"viewport": {"width": 320, "height": 568}, "has_touch": True, "is_mobile": True}
LANDSCAPE = {"viewport": {"width": 844, "height": 390}, "has_touch": True, "is_mobile": True}
SESSIONS = "**/api/sessions"


@contextmanager
def refusing(work, pattern):
    work.page.route(pattern, lambda route: route.abort())
    yield
    work.page.unroute(pattern)


def walk(desk, look, **options):
    """Go through every stage, in each call look(work, name of the stage)."""
    name, link = desk.invite(practiced=False, quota=1, language=options.pop("language", "en"))
    work = desk.sit(link, **options)
    page = work.page
    look(work.at("welcome"), "welcome")
    page.click("#start-practice")
    work.at("compare").ready()
    look(work, "practice")
    page.click("[data-verdict=left]")
    page.wait_for_selector("#feedback:not([hidden])")
    look(work, "feedback")
    work.ready()
    page.click("#feedback-continue")
    work.ready()
    page.click("#leave-practice")
    look(work.at("done"), "done")
    page.click("#next")
    work.at("compare").ready()
    look(work, "compare")
    page.click("#open-settings")
    look(work, "settings")
    page.keyboard.press("Escape")
    page.click("#decline")
    look(work, "decline")
    page.click("#decline-no")
    page.click("#pause-compare")
    look(work.at("pause"), "pause")
    page.click("#resume")
    work.answer("left")
    work.compare()
    look(work.at("arrange"), "arrange")
    page.locator(".take").nth(2).click()
    page.click("#join")
    look(work, "arranged")
    with refusing(work, SESSIONS):
        work.finish()
        work.saved()
        page.click("#next")
        look(work.at("wait"), "wait")
    page.click("#retry")
    look(work.at("all"), "all")
    for invitation in desk.book.invitations():
        if invitation.assessor == name:
            desk.book.revoke(invitation.id)
    work.page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    page.goto(link)
    look(work, "notice")
    return work


def violations(work):
    found = Axe().run(work.page).response["violations"]
    return [(each["id"], [node["html"] for node in each["nodes"]]) for each in found]


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize(
    "looks",
    [DESKTOP, PHONE | {"color_scheme": "dark"}, DESKTOP | {"contrast": "more"}],
    ids=["light desktop", "dark phone", "more contrast"],
)
def test_axe_finds_nothing(desk, language, looks):
    seen = {}
    walk(desk, lambda work, stage: seen.update({stage: violations(work)}), language=language, **looks)
    assert {stage: found for stage, found in seen.items() if found} == {}
    assert len(seen) == 13


def test_axe_finds_nothing_where_it_ends(desk):
    name, link = desk.invite()
    work = desk.sit(link)
    work.begin()
    for invitation in desk.book.invitations():
        if invitation.assessor == name:
            desk.book.revoke(invitation.id)
    work.page.click("[data-verdict=left]")
    work.at("over")
    assert violations(work) == []
    work.page.evaluate("() => setTimeout(() => { throw new Error('planted'); })")
    work.at("trouble")
    assert violations(work) == []


def test_small_screens_need_no_scrolling_sideways(desk):
    wide = {}
    lacking = {}

    def measure(work, stage):
        width = work.page.evaluate("() => document.documentElement.scrollWidth")
        if width > 320:
            wide[stage] = width
        # a finger needs 44 px
        small = work.page.evaluate(
            """() => [...document.querySelectorAll("button, select")]
                .filter((each) => each.checkVisibility({ visibilityProperty: true }))
                .filter((each) => Math.min(each.offsetHeight, each.offsetWidth) < 44).map((each) => each.id)"""
        )
        if small:
            lacking[stage] = small

    walk(desk, measure, **TINY)
    assert wide == {}
    assert lacking == {}


@pytest.mark.parametrize("screen", [DESKTOP, PHONE, TINY, LANDSCAPE], ids=["desktop", "phone", "tiny", "landscape"])
def test_both_plots_and_all_answers_fit_the_screen(newcomer, screen):
    _, work = newcomer(**screen)
    work.begin()
    boxes = {name: work.page.locator(name).bounding_box() for name in ("#left-plot", "#right-plot", ".desk")}
    height = screen["viewport"]["height"]
    assert all(box["y"] >= 0 and box["y"] + box["height"] <= height for box in boxes.values())
    left, right = boxes["#left-plot"], boxes["#right-plot"]
    assert [left[each] for each in ("width", "height")] == pytest.approx(
        [right[each] for each in ("width", "height")], abs=0.1
    )
    covered = (left["height"] * left["width"] * 2) / (height * screen["viewport"]["width"])
    assert covered > (0.6 if height > 600 else 0.38)


def test_nothing_moves_while_somebody_works(desk):
    _, link = desk.invite(practiced=False, quota=1)
    context = desk.context(reduced_motion="no-preference")
    context.add_init_script(
        """window.shifts = [];
        new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => [
            entry.value, document.body.dataset.stage, entry.sources.map((source) => source.node?.id ?? "")])))
            .observe({ type: "layout-shift", buffered: true });"""
    )
    work = desk.sit(link, context)
    work.at("welcome").page.click("#start-practice")
    work.ready()
    work.page.click("[data-verdict=right]")
    work.ready()
    work.page.click("#feedback-continue")
    work.ready()
    work.page.click("#leave-practice")
    work.at("done").page.click("#next")
    work.at("compare").compare()
    work.finish()
    work.saved()
    # those that follow an input count as well
    assert work.page.evaluate("() => window.shifts") == []


def test_keys_alone_are_enough(desk):
    name, link = desk.invite()
    work = desk.sit(link)
    page = work.at("ready").page
    expect(page.locator("#ready-title")).to_be_focused()  # a screen reader begins with what is new
    page.keyboard.press("Tab")
    expect(page.locator("#start")).to_be_focused()
    outline = page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.press("Enter")
    work.at("compare").ready()
    expect(page.locator("#compare h1")).to_be_focused()
    expect(page.locator("#live")).to_have_text(re.compile("Pair 1 of about [0-9]+."))
    page.keyboard.press("Tab")
    expect(page.locator(".choose-left")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#pair")).to_contain_text("pair 2 ")
    expect(page.locator(".choose-left")).to_be_focused()  # one may stay on a button
    work.compare(means="keys")
    work.finish("keys")
    expect(page.locator("#done h1")).to_be_focused()
    work.saved()
    assert desk.session(name).status == "finished"


def test_skip_link_leads_past_the_bar(newcomer):
    _, work = newcomer()
    work.begin()
    skip = work.page.locator(".skip")
    expect(skip).not_to_be_in_viewport()
    work.page.focus("#open-settings")
    work.page.keyboard.press("Shift+Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    work.page.keyboard.press("Enter")
    expect(work.page.locator("#main")).to_be_focused()


def test_plots_have_names(newcomer):
    _, work = newcomer()
    work.begin()
    pictures = work.page.get_by_role("img")
    expect(pictures.first).to_have_accessible_name("Left grouping of 80 points, drawn as colored dots")
    expect(pictures.last).to_have_accessible_name("Right grouping of 80 points, drawn as colored dots")


def test_reduced_motion_moves_nothing(newcomer):
    _, work = newcomer(reduced_motion="reduce")
    work.begin().compare()
    work.at("arrange").page.locator(".take").last.press("ArrowUp")
    assert work.page.evaluate("() => document.getAnimations().length") == 0
