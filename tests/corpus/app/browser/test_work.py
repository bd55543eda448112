"""A person's way through the page: what is stored is what they did, by whatever means and on whatever screen."""

import numpy as np
import pytest
from playwright.sync_api import expect
from studio_browser import DESKTOP, PHONE

from corpus.sessions import PRACTICE

pytestmark = pytest.mark.browser

RUSSIAN = "Какая группировка естественнее?"


@pytest.mark.parametrize(
    ("screen", "means", "protocol"),
    [
        (DESKTOP, "mouse", "binary_insertion"),
        (DESKTOP, "keys", "bradley_terry"),
        (PHONE, "fingers", "binary_insertion"),
    ],
    ids=["mouse", "keys", "fingers"],
)
def test_whole_data_set(desk, screen, means, protocol):
    name, link = desk.invite(practiced=False, protocol=protocol)
    work = desk.sit(link, **screen)
    work.at("welcome").page.click("#start-practice")
    work.at("compare")
    while work.ready():
        if means == "keys":
            work.page.keyboard.press("ArrowLeft")
        else:
            work.page.click("[data-verdict=left]")
        expect(work.page.locator("#feedback")).to_be_visible()
        work.ready()
        if means == "keys":
            work.page.keyboard.press("Enter")
        else:
            work.page.click("#feedback-continue")
    work.finish(means)
    work.page.click("#next")
    work.at("compare")

    given = work.compare(means=means)
    work.saved()
    assert desk.verdicts(name) == given
    letters = [letter for group in work.at("arrange").places() for letter in group]
    assert sorted(letters) == list("ABCDE")
    work.finish(means)
    work.saved()

    stored = desk.state(name)
    assert stored.stage == "finished"
    assert stored.final.tolist() == stored.ranks.tolist()
    by_rank = sorted(range(5), key=lambda item: stored.final[item])
    assert [stored.final[ord(letter) - ord("A")] for letter in letters] == [stored.final[item] for item in by_rank]
    key = desk.session(name).key
    ranking = next(order for order in desk.book.orders.read([key])[key] if order.assessor == name)
    assert ranking.ranks.tolist() == stored.final.tolist()
    practice = next(session for session in desk.book.sessions(name) if session.key == PRACTICE)
    assert practice.status == "finished"
    took = [event.took_ms for event in desk.book.events(desk.session(name).id) if event.event.kind == "answer"]
    assert all(250 <= each < 60_000 for each in took)
    assert not work.errors


def test_practice_says_how_others_see_it(newcomer):
    _, work = newcomer(practiced=False)
    work.at("welcome").page.click("#start-practice")
    titles = set()
    work.at("compare")
    while work.ready():
        work.page.click("[data-verdict=left]")
        feedback = work.page.locator("#feedback")
        expect(feedback).to_be_visible()
        titles.add(work.page.text_content("#feedback-title"))
        better = "left" in work.page.text_content("#feedback-text")
        assert feedback.get_attribute("data-kind") == ("agree" if better else "differ")
        expect(work.page.locator("#feedback-continue")).to_be_focused()
        work.ready()
        work.page.click("#feedback-continue")
    assert titles == {"We see it the same way", "We see it differently"}


def test_practice_can_be_skipped(desk, newcomer):
    name, work = newcomer(practiced=False)
    work.at("welcome").page.click("#start-practice")
    work.ready()
    work.page.click("#leave-practice")
    work.at("done").page.click("#next")
    work.at("compare")
    assert desk.session(name).status == "open"


def order_of(work):
    return "|".join("".join(sorted(group)) for group in work.places())


def test_order_is_adjusted_by_keys_and_buttons(desk, newcomer):
    name, work = newcomer()
    work.begin().compare(("left", "right", "right"))
    page = work.at("arrange").page
    first = order_of(work)
    alone = work.untie()
    last = page.locator(".take").last
    last.focus()
    for _ in range(4):
        page.keyboard.press("ArrowUp")
    moved = order_of(work)
    name_of_last = alone[-1][0]
    assert moved.startswith(name_of_last)
    expect(page.locator("#live")).to_have_text(f"Grouping {name_of_last}, place 1 of 5")
    assert page.evaluate("() => document.activeElement.classList.contains('take')")

    page.keyboard.press("ArrowDown")
    page.click("#join")
    tied = order_of(work)
    assert len(tied.split("|")[0]) == 2
    page.click("#split")
    assert len(order_of(work).split("|")[0]) == 1
    page.click("#join")
    assert order_of(work) == tied

    page.reload()
    assert order_of(work.at("arrange")) == tied  # what was adjusted outlives a reload
    page.click("#restore")
    assert order_of(work) == first
    work.untie()
    page.locator(".take").last.click()
    page.click("#join")
    tied = order_of(work)
    work.finish()
    work.saved()
    final = desk.state(name).final
    groups = [[ord(letter) - ord("A") for letter in group] for group in tied.split("|")]
    ranks = [final[group].tolist() for group in groups]
    assert all(len(set(group)) == 1 for group in ranks)
    assert np.all(np.diff([group[0] for group in ranks]) > 0)


@pytest.mark.parametrize("screen", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_order_is_adjusted_by_dragging(newcomer, screen):
    _, work = newcomer(**screen)
    work.begin().compare(("left", "right", "right"))
    page = work.at("arrange").page
    groups = work.untie()
    assert [len(group) for group in groups] == [1] * 5
    upright = page.evaluate("() => getComputedStyle(document.getElementById('places')).flexDirection") == "column"
    assert upright == (screen is PHONE)

    def drag(card, place, share):
        """From the grip of a card to a share of the way through a place."""
        grip = page.locator(".card-box").nth(card).locator(".grip" if upright else ".take")
        start, end = grip.bounding_box(), page.locator(".place").nth(place).bounding_box()
        across = (0.5, share) if upright else (share, 0.5)
        page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
        page.mouse.down()
        page.mouse.move(end["x"] + 30, end["y"] + 30, steps=4)
        page.mouse.move(end["x"] + end["width"] * across[0], end["y"] + end["height"] * across[1], steps=4)
        page.wait_for_selector(".place.before, .place.into, .place.after")
        page.mouse.up()

    drag(2, 0, 0.1)
    assert work.places() == [groups[2], groups[0], groups[1], groups[3], groups[4]]
    drag(0, 1, 0.5)
    assert set(work.places()[0]) == {*groups[2], *groups[0]}
    assert work.places()[1:] == [groups[1], groups[3], groups[4]]
    drag(0, 1, 0.9)
    assert len(work.places()) == 5


def test_undo_takes_back_one_answer_at_a_time(desk, newcomer):
    name, work = newcomer()
    work.begin()
    page = work.page
    assert page.get_attribute("#undo", "aria-disabled") == "true"
    work.answer("left")
    work.answer("tie")
    work.ready()
    page.click("#undo")
    expect(page.locator("#pair")).to_contain_text("pair 2 ")
    work.ready()
    page.keyboard.press("u")
    expect(page.locator("#pair")).to_contain_text("pair 1 ")
    work.saved()
    assert desk.verdicts(name) == ["left", "tie", "undo", "undo"]
    work.compare()
    work.at("arrange")
    page.click("#back")
    work.at("compare")
    work.saved()
    assert desk.state(name).stage == "compare"


def test_single_keys_can_be_switched_off(desk, newcomer):
    name, work = newcomer()
    work.begin()
    work.page.click("#open-settings")
    work.page.uncheck("#use-keys")
    work.page.click("#close-settings")
    work.page.keyboard.press("ArrowLeft")
    work.answer("skip")
    assert work.pair() == 2
    work.saved()
    assert desk.verdicts(name) == ["skip"]


def test_keys_work_in_a_russian_layout(desk, newcomer):
    name, work = newcomer(language="ru")
    work.begin()
    work.page.evaluate(
        "() => document.body.dispatchEvent(new KeyboardEvent('keydown', {key: 'ы', code: 'KeyS', bubbles: true}))"
    )
    expect(work.page.locator("#pair")).to_contain_text("пара 2")
    work.saved()
    assert desk.verdicts(name) == ["skip"]


def test_a_data_set_that_cannot_be_judged(desk, newcomer):
    name, work = newcomer()
    work.begin().answer("left")
    work.ready()
    work.page.click("#decline")
    work.page.click("#decline-no")
    assert work.pair() == 2
    work.page.click("#decline")
    work.page.click("#decline-yes")
    work.at("done").saved()
    declined = desk.session(name)
    assert declined.status == "declined"
    work.page.click("#next")
    work.at("compare").ready()
    work.answer("left")
    work.saved()
    assert desk.session(name).key != declined.key


def test_pause_here_and_resume_on_another_device(desk):
    name, link = desk.invite()
    here = desk.sit(link)
    here.begin()
    here.answer("left")
    here.answer("right")
    here.ready()
    here.page.keyboard.press("p")
    here.at("pause").saved()
    there = desk.sit(link, **PHONE)
    there.at("compare")
    assert there.pair() == 3
    there.compare(means="fingers")
    there.finish()
    there.saved()
    assert desk.verdicts(name)[:2] == ["left", "right"]
    here.page.click("#resume")
    here.page.reload()
    here.at("ready")  # the next data set
    assert desk.session(name).status == "finished"


def test_language_is_chosen_and_kept(desk):
    _, link = desk.invite()
    work = desk.sit(link)
    work.begin()
    work.page.click("#open-settings")
    with work.page.expect_response("**/api/me"):
        work.page.select_option("#language", "ru")
    work.page.click("#close-settings")
    expect(work.page.locator("#compare h1")).to_have_text(RUSSIAN)
    expect(work.page.locator("#pair")).to_contain_text("пара 1")
    assert work.page.get_attribute("html", "lang") == "ru"
    work.answer("left")
    elsewhere = desk.sit(link).at("compare")
    expect(elsewhere.page.locator("#compare h1")).to_have_text(RUSSIAN)


def test_quota_ends_the_work(newcomer):
    _, work = newcomer(quota=1)
    work.begin().compare()
    work.finish()
    work.page.click("#next")
    work.at("all")
    expect(work.page.locator("#all-text")).to_contain_text("Every answer has arrived")


def test_number_of_groups_is_shown_only_when_asked_for(newcomer):
    _, work = newcomer()
    work.begin()
    expect(work.page.locator("#left-groups")).to_have_text("")
    work.page.click("#open-settings")
    work.page.check("#show-groups")
    expect(work.page.locator("#left-groups")).to_have_text("groups: 3")
    work.page.reload()
    work.at("ready").page.click("#start")
    expect(work.page.locator("#right-groups")).to_have_text("groups: 3")


def test_time_leaves_out_hidden_pages_and_pauses(newcomer):
    _, work = newcomer()
    spent = work.at("ready").page.evaluate(
        """async () => {
          const { Stopwatch } = await import("/static/stopwatch.js");
          let now = 0;
          let hidden = false;
          performance.now = () => now;
          Object.defineProperty(document, "hidden", { get: () => hidden });
          const hide = (value) => { hidden = value; document.dispatchEvent(new Event("visibilitychange")); };
          const watch = new Stopwatch();
          now = 500; watch.start();
          now = 1500; hide(true);
          now = 9000; hide(false);
          now = 9200; watch.hold();
          now = 20000; hide(true); hide(false);
          now = 21000; watch.resume();
          now = 21030;
          return watch.elapsed;
        }"""
    )
    assert spent == 1000 + 200 + 30
