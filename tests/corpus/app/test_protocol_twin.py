"""The page's protocol.js does with every session what corpus.protocols does."""

import json
import random
from importlib import resources

import numpy as np
import pytest

from corpus.protocols import PROTOCOLS, VERDICTS, Event, UnexpectedEventError, make_plan, replay
from corpus.protocols.strengths import mean_ranks

pytestmark = pytest.mark.browser

SESSIONS = 2000
REFUSED = "refused"

# replay all sessions [plan, events, prefix lengths]: their states, or that they are refused
REPLAY_ALL = """
async ([source, sessions]) => {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const { replay } = await import(url);
  return JSON.stringify(JSON.parse(sessions).map(([plan, events, lengths]) => lengths.map((length) => {
    try {
      return replay(plan, events.slice(0, length));
    } catch (error) {
      return error.constructor === Error ? "refused" : String(error);
    }
  })));
}
"""


@pytest.fixture(scope="module")
def in_browser(browser):
    """A function: sessions to the states that protocol.js gives."""
    source = (resources.files("corpus.app") / "static" / "protocol.js").read_text()
    page = browser.new_page()
    # about:blank may not import; any page of its own origin may
    page.route("**/*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    page.goto("http://studio.test/")
    # as text: playwright's own way of passing values takes longer than the sessions
    yield lambda sessions, js=source: json.loads(page.evaluate(REPLAY_ALL, [js, json.dumps(sessions)]))
    page.close()


def random_session(rng):
    """A plan and the events of an assessor with a true order, ties in it, who also errs, skips, undoes, declines."""
    items = rng.choice((2, 3, 4, 5, 6, 8)) if rng.random() < 0.97 else 15
    plan = make_plan(
        rng.choice(PROTOCOLS),
        items,
        rng.getrandbits(32),
        repeats=rng.choice((0, 0.1, 0.5)),
        attention=rng.choice((0, 1, 2)),
    )
    true = [rng.randrange(items) for _ in range(items)]
    true.append(items)
    carelessness, undoing = rng.choice((0, 0.1, 1)), rng.choice((0, 0.05, 0.3))
    events, state, before = [], replay(plan, []), []
    while state.stage in ("compare", "arrange") and len(events) < 150:
        kind, body = "answer", {}
        if before and rng.random() < undoing:
            kind = "undo"
        elif rng.random() < 0.003:
            kind = "decline"
        elif state.stage == "arrange":
            kind, body = "finish", {"ranks": mean_ranks(np.array(rng.choices(range(items), k=items))).tolist()}
        else:
            left, right = state.question.left, state.question.right
            if state.question.purpose == "active" and rng.random() < 0.2:
                left, right = rng.sample(range(items), 2)
            verdict = "tie" if true[left] == true[right] else "left" if true[left] < true[right] else "right"
            careless = rng.random() < carelessness
            body = {"left": left, "right": right, "verdict": rng.choice(VERDICTS) if careless else verdict}
        events.append(Event(len(events), kind, body))
        if kind == "answer":
            before.append(state)
            state = state.answer(body)
        elif kind == "undo":
            state = before.pop()
        else:
            break
    return plan, events


def broken(plan, events, rng):
    """The events with something wrong in one of them, or in their sequence; a few still fit."""
    records = [{"step": event.step, "kind": event.kind, "body": dict(event.body)} for event in events]
    place = rng.randrange(len(records))
    record = records[place]
    odd = (-1, plan.items, plan.items + 1, True, None, "left", [], {}, 0.5)
    match rng.randrange(8):
        case 0:
            record["step"] = rng.choice((place + 1, *odd))
        case 1:
            record["kind"] = rng.choice(("answer", "undo", "finish", "decline", "toString", None))
        case 2:
            record["body"] = rng.choice(({}, {"ranks": []}, None, [], "body"))
        case 3:
            record["body"][rng.choice(("left", "right", "verdict", "ranks"))] = rng.choice(odd)
        case 4 if "left" in record["body"]:
            record["body"] |= {"left": record["body"]["right"], "right": record["body"]["left"]}
        case 5:
            records = renumbered([*records[:place], *records[place + 1 :]])
        case 6:
            records = renumbered([*records[:place], record, *records[place:]])
        case _ if "ranks" in records[-1]["body"]:
            records[-1]["body"]["ranks"][0] = rng.choice((0, 1, 2, 1.5, 1e300, *odd))
        case _:
            records.append({"step": len(records), "kind": "undo", "body": {}})
    return records


def renumbered(records):
    return [record | {"step": step} for step, record in enumerate(records)]


def in_python(plan, records):
    try:
        state = replay(plan, [Event(**record) for record in records])
    except UnexpectedEventError:
        return REFUSED
    answers = [
        {name: getattr(answer, name) for name in ("step", "left", "right", "verdict", "purpose")}
        for answer in state.answers
    ]
    return state.to_record() | {"answers": answers}


def drawn_sessions(count, seed):
    """Sessions [plan, events, lengths of the prefixes to replay] and what Python makes of them."""
    rng = random.Random(seed)
    sessions, states = [], []
    for _ in range(count):
        plan, events = random_session(rng)
        fine = [{"step": event.step, "kind": event.kind, "body": dict(event.body)} for event in events]
        lengths = sorted({0, len(fine), *(rng.randrange(len(fine) + 1) for _ in range(4))})
        for records, ends in ((fine, lengths), (wrong := broken(plan, events, rng), [len(wrong)])):
            sessions.append([plan.to_record(), records, ends])
            states.append([in_python(plan, records[:end]) for end in ends])
    return sessions, states


@pytest.fixture(scope="module")
def drawn():
    return drawn_sessions(SESSIONS, 0)


def test_random_sessions_are_the_same_in_the_browser(drawn, in_browser):
    sessions, states = drawn
    for session, here, there in zip(sessions, states, in_browser(sessions), strict=True):
        assert there == here, session


def test_the_random_sessions_visit_everything(drawn):
    _, states = drawn
    met = [state for prefixes in states for state in prefixes]
    assert REFUSED in met
    met = [state for state in met if state != REFUSED]
    assert {state["stage"] for state in met} == {"compare", "arrange", "finished", "declined"}
    asked = {state["question"]["purpose"] for state in met if state["question"]}
    assert asked == {"insert", "check", "active", "repeat", "attention"}
    assert {answer["verdict"] for state in met for answer in state["answers"]} == set(VERDICTS)
    assert any(state["final"] and len(set(state["final"])) < len(state["final"]) for state in met)
    assert 0.5 < sum(prefixes[-1] == REFUSED for prefixes in states[1::2]) / SESSIONS < 1


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("const REPEAT_APART = 3", "const REPEAT_APART = 2"),
        ("ACTIVE_PRIOR = 0.2", "ACTIVE_PRIOR = 0.5"),
        ('if (verdict === "second") [groups', 'if (verdict === "first") [groups'),
        ("state.plan.sides[shown %", "state.plan.sides[(shown + 1) %"),
        ("gain > best.gain", "gain >= best.gain"),
        ('answer.verdict === "skip") continue', 'answer.verdict === "tie") continue'),
        ("after = undone.pop()", "after = undone[0]"),
        ("right: choice.left", "right: choice.right"),
    ],
)
def test_a_fault_in_the_twin_is_noticed(right, wrong, drawn, in_browser):
    source = (resources.files("corpus.app") / "static" / "protocol.js").read_text()
    assert source.count(right) == 1
    sessions, states = drawn
    part = slice(SESSIONS // 4)
    assert in_browser(sessions[part], source.replace(right, wrong)) != states[part]
