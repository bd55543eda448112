"""Whatever happens between the page and the database: every answer is stored once, none is lost, none is invented."""

import random
from datetime import datetime

import pytest
from playwright.sync_api import Error, expect
from studio_browser import PHONE

from corpus.sessions import PRACTICE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize(
        "served", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)], indirect=True
    ),
]

EVENTS = "**/api/sessions/*/events"


def test_double_click_and_held_key_are_one_answer(desk, newcomer):
    name, work = newcomer()
    work.begin()
    work.page.evaluate("() => { const left = document.querySelector('.choose-left'); left.click(); left.click(); }")
    expect(work.page.locator("#pair")).to_contain_text("pair 2 ")
    work.ready()
    work.page.keyboard.down("ArrowRight")
    expect(work.page.locator("#pair")).to_contain_text("pair 3 ")
    work.ready()
    for _ in range(20):
        work.page.keyboard.down("ArrowRight")  # still the same press
    work.page.keyboard.up("ArrowRight")
    work.answer("tie")
    work.saved()
    assert desk.verdicts(name) == ["left", "right", "tie"]


def test_a_click_just_after_a_drawing_was_meant_for_the_question_before(desk, newcomer):
    name, work = newcomer()
    work.begin()
    work.page.evaluate(
        """() => new Promise((resolve) => {
            document.querySelector(".choose-left").click();
            // in the frame in which the next pair is drawn
            requestAnimationFrame(() => { document.querySelector(".choose-right").click(); resolve(); });
        })"""
    )
    work.answer("tie")
    work.saved()
    assert desk.verdicts(name) == ["left", "tie"]


def test_reload_in_the_middle(desk, newcomer):
    name, work = newcomer()
    work.begin()
    work.answer("left")
    work.answer("right")
    work.page.reload()
    work.at("compare")
    assert work.pair() == 3
    given = work.compare()
    work.finish()
    work.saved()
    assert desk.verdicts(name) == ["left", "right", *given, "finish"]


def test_closed_before_anything_was_sent(desk):
    name, link = desk.invite()
    context = desk.context()
    work = desk.sit(link, context)
    work.begin()
    context.route(EVENTS, lambda route: route.abort())
    work.answer("left")
    work.answer("tie")
    expect(work.page.locator("#status-text")).to_have_text("Offline, to send: 2")
    work.page.close()
    context.unroute(EVENTS)
    again = desk.sit(link, context).at("compare").saved()
    assert again.pair() == 3
    assert desk.verdicts(name) == ["left", "tie"]


def test_two_tabs_follow_each_other(desk):
    name, link = desk.invite()
    context = desk.context()
    one = desk.sit(link, context)
    one.begin()
    two = desk.sit(link, context)
    two.begin()
    given = []
    for verdict, (mine, other) in zip(("left", "tie", "right", "skip"), ((one, two), (two, one)) * 2, strict=True):
        mine.page.bring_to_front()
        mine.answer(verdict)
        given.append(verdict)
        expect(other.page.locator("#pair")).to_have_text(mine.page.text_content("#pair"))
    one.saved()
    two.saved()
    assert desk.verdicts(name) == given


def test_two_devices_that_answer_the_same_question(desk):
    name, link = desk.invite()
    one, two = desk.sit(link), desk.sit(link, **PHONE)
    one.begin()
    two.begin()
    one.answer("left")
    one.saved()
    two.page.tap("[data-verdict=right]")
    expect(two.page.locator("#toast-text")).to_contain_text("You went on in another window")
    assert desk.verdicts(name) == ["left"]
    two.page.tap("#toast-close")
    assert two.pair() == 2
    two.answer("tie", "fingers")
    two.saved()
    assert desk.verdicts(name) == ["left", "tie"]


def test_offline_for_the_rest_of_a_data_set(desk):
    name, link = desk.invite()
    context = desk.context()
    work = desk.sit(link, context)
    work.begin()
    work.answer("left")
    work.saved()
    context.set_offline(True)
    given = work.compare()
    work.finish()
    expect(work.page.locator("#status-text")).to_have_text(f"Offline, to send: {len(given) + 1}")
    assert desk.verdicts(name) == ["left"]
    context.set_offline(False)
    work.saved()
    assert desk.verdicts(name) == ["left", *given, "finish"]
    assert desk.session(name).status == "finished"
    assert not work.errors


def test_next_data_set_is_there_before_it_is_needed(desk):
    name, link = desk.invite()
    context = desk.context()
    work = desk.sit(link, context)
    work.begin()
    with context.expect_event("response", lambda answer: answer.url.endswith("/picture")) as fetched:
        given = work.compare()
    fetched.value.finished()
    work.saved()
    context.set_offline(True)
    work.finish()
    work.page.click("#next")
    work.at("compare")
    work.answer("tie")
    expect(work.page.locator("#status-text")).to_have_text("Offline, to send: 2")
    context.set_offline(False)
    work.saved()
    sessions = [session for session in desk.book.sessions(name) if session.key != PRACTICE]
    assert [session.status for session in sessions] == ["finished", "open"]
    assert [len(desk.book.events(session.id)) for session in sessions] == [len(given) + 1, 1]


def test_reload_without_a_network(desk):
    name, link = desk.invite()
    context = desk.context()
    work = desk.sit(link, context)
    work.begin()
    work.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    work.answer("left")
    work.saved()
    context.set_offline(True)
    work.answer("tie")
    work.page.reload()
    work.at("compare")
    assert work.pair() == 3
    expect(work.page.locator("#status-text")).to_have_text("Offline, to send: 1")
    given = work.compare()
    work.finish()
    context.set_offline(False)
    work.saved()
    assert desk.verdicts(name) == ["left", "tie", *given, "finish"]


def test_server_is_killed_in_the_middle(desk, newcomer):
    name, work = newcomer()
    work.begin()
    given = []
    for verdict in ("left", "right", "tie"):
        work.answer(verdict)
        given.append(verdict)
        desk.server.kill()
        work.ready()
        work.answer("skip")
        given.append("skip")
        desk.server.start()
        work.saved()
        assert desk.verdicts(name) == given
    given += work.compare()
    work.finish()
    work.saved()
    assert desk.verdicts(name) == [*given, "finish"]


def test_answers_of_the_server_are_lost(desk, newcomer):
    name, work = newcomer()
    lost = []

    def lose_every_second(route):
        answer = route.fetch()
        if len(lost) % 2 == 0:
            lost.append(answer.status)
            route.abort()
        else:
            lost.append(None)
            route.fulfill(response=answer)

    work.begin()
    work.page.route(EVENTS, lose_every_second)
    given = work.compare()
    work.finish()
    work.saved()
    assert lost[0] == 200  # stored, but the page never heard of it
    assert desk.verdicts(name) == [*given, "finish"]


def test_server_asks_for_patience(desk, newcomer):
    name, work = newcomer()
    work.begin()
    refused = []

    def refuse_at_first(route):
        if len(refused) < 2:
            refused.append(route.request.post_data_json)
            route.fulfill(status=429, headers={"Retry-After": "1"}, json={"error": {"code": "too_many_requests"}})
        else:
            route.continue_()

    work.page.route(EVENTS, refuse_at_first)
    work.answer("left")
    expect(work.page.locator("#status-text")).to_have_text("To send: 1")
    work.saved()
    assert len(refused) == 2
    assert desk.verdicts(name) == ["left"]


def test_events_that_this_page_cannot_replay(desk):
    name, link = desk.invite()
    context = desk.context()
    work = desk.sit(link, context)
    work.begin()
    work.answer("left")
    work.answer("tie")
    work.saved()
    # as another version of the page may have left them
    work.page.evaluate(
        """() => {
            const key = Object.keys(localStorage).find((each) => each.endsWith("/0"));
            const event = JSON.parse(localStorage[key]);
            localStorage[key] = JSON.stringify({ ...event, kind: "guess" });
        }"""
    )
    work.page.reload()
    assert work.at("compare").pair() == 3
    work.answer("right")
    work.saved()
    assert desk.verdicts(name) == ["left", "tie", "right"]


def test_requests_are_delayed_repeated_and_reordered(desk, newcomer):
    name, work = newcomer()
    chance = random.Random(0)
    earlier = []
    work.begin()

    def delay(route):
        earlier.append(route.request.post_data_json)
        answers = [route.fetch(post_data=body) for body in chance.sample(earlier, len(earlier))]
        own = route.fetch()
        assert {answer.status for answer in answers} <= {200, 409}
        route.fulfill(response=own)

    work.page.route(EVENTS, delay)
    given = work.compare()
    work.finish()
    work.saved()
    assert desk.verdicts(name) == [*given, "finish"]
    assert not work.page.is_visible("#toast")


@pytest.mark.parametrize("year", [1999, 2099])
def test_clock_of_the_device_is_wrong(desk, year):
    name, link = desk.invite()
    context = desk.context()
    context.clock.set_system_time(datetime(year, 5, 6))
    work = desk.sit(link, context)
    work.begin()
    given = work.compare()
    work.finish()
    work.saved()
    assert desk.verdicts(name) == [*given, "finish"]
    stored = desk.book.events(desk.session(name).id)
    assert all(event.client_time.startswith(str(year)) for event in stored)
    assert all(0 < event.took_ms < 60_000 for event in stored)


def test_link_is_withdrawn_while_somebody_works(desk):
    name, link = desk.invite()
    context = desk.context()
    work = desk.sit(link, context)
    work.begin()
    work.answer("left")
    work.saved()
    for invitation in desk.book.invitations():
        if invitation.assessor == name:
            desk.book.revoke(invitation.id)
    work.ready()
    work.page.click("[data-verdict=tie]")
    work.at("over")
    expect(work.page.locator("#over-waiting")).to_contain_text("Answers kept on this device: 1.")
    assert desk.verdicts(name) == ["left"]
    _, link = desk.invite(name, practiced=False)
    again = desk.sit(link, context).at("compare").saved()
    assert again.pair() == 3
    assert desk.verdicts(name) == ["left", "tie"]


@pytest.mark.parametrize(
    "trouble",
    [
        "Storage.prototype.setItem = () => { throw new DOMException('full'); };",
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('forbidden'); } });",
    ],
    ids=["full", "forbidden"],
)
def test_browser_that_keeps_nothing(desk, trouble):
    name, link = desk.invite()
    context = desk.context()
    context.add_init_script(trouble)
    context.add_init_script("delete Window.prototype.indexedDB; delete window.indexedDB;")
    work = desk.sit(link, context)
    work.begin()
    context.route(EVENTS, lambda route: route.abort())
    work.answer("left")
    expect(work.page.locator("#toast-text")).to_contain_text("This browser cannot keep answers")
    work.page.click("#toast-close")
    context.unroute(EVENTS)
    work.answer("tie")
    work.saved()
    assert desk.verdicts(name) == ["left", "tie"]
    assert not work.errors


def test_people_who_share_a_browser_do_not_mix(desk):
    context = desk.context()
    first, link_of_first = desk.invite()
    work = desk.sit(link_of_first, context)
    work.begin()
    context.route(EVENTS, lambda route: route.abort())
    work.answer("left")
    second, link_of_second = desk.invite()
    other = desk.sit(link_of_second, context).at("ready")
    context.unroute(EVENTS)
    other.page.click("#start")
    other.answer("right")
    other.saved()
    assert desk.verdicts(second) == ["right"]
    assert desk.verdicts(first) == []
    work.page.close()
    back = desk.sit(link_of_first, context).at("compare").saved()
    assert back.pair() == 2
    assert desk.verdicts(first) == ["left"]


def test_nobody_goes_on_as_the_one_before_them_while_the_network_is_bad(desk):
    context = desk.context()
    first, link_of_first = desk.invite()
    work = desk.sit(link_of_first, context)
    work.begin()
    work.page.evaluate("async () => { await navigator.serviceWorker.ready; }")
    work.answer("left")
    work.saved()
    work.page.close()
    second, link_of_second = desk.invite()
    context.route("**/api/**", lambda route: route.abort())
    desk.sit(link_of_second, context).at("wait").page.close()
    context.unroute("**/api/**")
    desk.sit(link_of_first, context).at("compare").page.close()
    # now the page is lost, too: the kept one is of the first
    (worker,) = context.service_workers
    worker.evaluate(
        """() => {
            self.others = self.fetch;
            const lost = (request) => new URL(request.url).pathname === "/studio";
            self.fetch = (request) => lost(request) ? Promise.reject(new TypeError("lost")) : others(request);
        }"""
    )
    with pytest.raises(Error, match="ERR_FAILED"):
        desk.sit(link_of_second, context)
    worker.evaluate("() => { self.fetch = others; }")
    other = desk.sit(link_of_second, context).begin()
    other.answer("right")
    other.saved()
    assert desk.verdicts(second) == ["right"]
    assert desk.verdicts(first) == ["left"]


def test_a_session_that_the_server_does_not_know_is_in_nobodys_way(desk, newcomer):
    name, work = newcomer()
    work.begin()
    work.answer("left")
    work.saved()
    # as a studio that was at this address before may have left it
    work.page.evaluate(
        """() => {
            const key = Object.keys(localStorage).find((each) => each.includes("/session/"));
            const session = JSON.parse(localStorage[key]);
            const events = key.replace("/session/", "/event/");
            const event = localStorage[`${events}/0`];
            const [view, first] = [key, `${events}/0`].map((each) => each.replace(session.id, "0".repeat(32)));
            localStorage[view] = JSON.stringify({ ...session, id: "0".repeat(32), number: 0 });
            localStorage[first] = JSON.stringify({ ...JSON.parse(event), sent: false });
        }"""
    )
    work.page.reload()
    assert work.at("compare").pair() == 2
    expect(work.page.locator("#toast-text")).to_contain_text("Please reload the page")
    given = work.compare()
    work.finish()
    expect(work.page.locator("#status-text")).to_have_text("To send: 1")
    assert desk.verdicts(name) == ["left", *given, "finish"]
    assert sum(not event["sent"] for event in work.journal().values()) == 1


def test_a_network_that_comes_back_is_asked_once_however_often_it_was_tried(desk):
    _, link = desk.invite()
    context = desk.context()
    context.route("**/api/sessions", lambda route: route.abort())
    work = desk.sit(link, context).at("wait")
    for _ in range(5):
        with context.expect_event("requestfailed"):
            work.page.click("#retry")
        work.at("wait")
    context.unroute("**/api/sessions")
    asked = []
    context.on("request", lambda request: request.url.endswith("/api/sessions") and asked.append(request))
    work.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    work.begin()
    assert len(asked) == 1


def test_a_picture_that_takes_longer_than_an_answer_may_still_comes(desk):
    context = desk.context()
    context.add_init_script(
        """
        const [timeout, real] = [AbortSignal.timeout.bind(AbortSignal), window.fetch];
        AbortSignal.timeout = (duration) => timeout(duration / 20);
        window.fetch = async (path, options) => {
            const late = new Promise((resolve) => setTimeout(resolve, 2000));
            const lost = new Promise((_, reject) => options.signal.addEventListener("abort", reject));
            if (path.endsWith("/picture")) await Promise.race([late, lost]);
            return real(path, options);
        };
        """
    )
    _, link = desk.invite()
    work = desk.sit(link, context)
    work.page.wait_for_selector("body[data-stage=ready], body[data-stage=wait]")
    assert work.stage == "ready"
