"""Protocols: which question comes next, and what order the answers give."""

import json
from collections import Counter
from dataclasses import replace
from itertools import cycle

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from corpus.protocols import PROTOCOLS, VERDICTS, Event, Plan, UnexpectedEventError, make_plan, replay
from corpus.protocols.plans import REPEAT_APART, SIDES, most_comparisons
from corpus.protocols.strengths import mean_ranks
from gamac_meta.agreement import kendall_tau
from gamac_meta.exceptions import InvalidInputError

BESIDES = ("repeat", "attention")

plans = st.builds(
    make_plan,
    st.sampled_from(PROTOCOLS),
    st.integers(2, 7),
    st.integers(0, 2**32),
    repeats=st.sampled_from((0.0, 0.1, 0.5)),
    attention=st.integers(0, 2),
)
insertion_plans = plans.filter(lambda plan: plan.protocol == "binary_insertion")
verdicts = st.sampled_from(VERDICTS)
habits = st.lists(verdicts, min_size=1, max_size=30)  # given over and over
in_any_case = settings(deadline=None, max_examples=60)


def answer(state, verdict):
    body = {"left": state.question.left, "right": state.question.right, "verdict": verdict}
    return Event(state.steps, "answer", body)


def by_habit(habit):
    verdict = cycle(habit)
    return lambda _: next(verdict)


def by_order(true):
    """Verdicts of a perfect assessor; true[item] is the smaller the better, the decoy is worst."""
    values = [*true, max(true) + 1]

    def verdict(question):
        left, right = values[question.left], values[question.right]
        return "tie" if left == right else "left" if left < right else "right"

    return verdict


def session(plan, verdict):
    """Events until the comparisons are over; verdict: question -> verdict."""
    events, state = [], replay(plan, [])
    while state.stage == "compare":
        assert len(events) < longest(plan)
        events.append(answer(state, verdict(state.question)))
        state = replace(state.answer(events[-1].body), steps=len(events))
    return events, state


def longest(plan):
    """No session has more answers."""
    comparisons = plan.comparisons or most_comparisons(plan.items)
    return comparisons + sum(count <= comparisons for count in plan.repeats) + len(plan.attention)


# ---- plans -----------------------------------------------------------------------------------------


@in_any_case
@given(plans)
def test_plan_survives_json(plan):
    assert Plan.from_record(json.loads(json.dumps(plan.to_record()))) == plan


def test_plan_is_determined_by_its_seed():
    assert make_plan("bradley_terry", 15, 3) == make_plan("bradley_terry", 15, 3)
    assert make_plan("bradley_terry", 15, 3) != make_plan("bradley_terry", 15, 4)


@in_any_case
@given(plans)
def test_planned_sides_are_balanced_everywhere(plan):
    sides = np.array(plan.sides * 2)
    assert sides.mean() == 0.5
    # any stretch of questions, as far as it has whole blocks
    for stretch in (16, 50):
        shares = [sides[start : start + stretch].mean() for start in range(SIDES)]
        assert np.abs(np.array(shares) - 0.5).max() <= 4 / stretch


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"protocol": "guessing"}, "protocol must be one of"),
        ({"items": 1, "order": [0]}, "items must be at least 2"),
        ({"items": 4.0}, "items must be a whole number"),
        ({"order": [0, 1, 2, 2]}, "order must hold each of"),
        ({"order": "0123"}, "order of a plan must be a list"),
        ({"order": [True, 0, 2, 3]}, "order must hold whole numbers"),
        ({"sides": []}, "sides must be zeros and ones"),
        ({"sides": [0, 2]}, "sides must be zeros and ones"),
        ({"repeats": [4, 4]}, "repeats must be positive and increasing"),
        ({"attention": [0]}, "attention must be positive and increasing"),
        ({"decoy_of": 4}, "decoy_of must be one of"),
        ({"rules": 0}, "rules must be a version, 1 or later, got 0"),
        ({"comparisons": 5}, "comparisons must be positive for bradley_terry and 0 otherwise"),
        ({"protocol": "bradley_terry"}, "comparisons must be positive for bradley_terry and 0 otherwise"),
        ({"surprise": 1}, "a plan must have the entries"),
    ],
)
def test_malformed_plan_is_refused(changes, rule):
    with pytest.raises(InvalidInputError, match=rule):
        Plan.from_record(make_plan("binary_insertion", 4, 0).to_record() | changes)


@pytest.mark.parametrize("record", [None, [], "plan", {}])
def test_what_is_no_plan_is_refused(record):
    with pytest.raises(InvalidInputError, match="a plan must have the entries"):
        Plan.from_record(record)


@pytest.mark.parametrize(
    ("arguments", "options", "rule"),
    [
        (("guessing", 5, 0), {}, "protocol must be one of binary_insertion, bradley_terry, got 'guessing'"),
        (("bradley_terry", 1, 0), {}, "at least 2 candidates to compare, got 1"),
        (("bradley_terry", 5, 0), {"repeats": 0.6}, "repeats must be a share from 0 to 0.5, got 0.6"),
        (("bradley_terry", 5, 0), {"attention": -1}, "attention must be a number of checks >= 0, got -1"),
    ],
)
def test_impossible_plan_is_refused(arguments, options, rule):
    with pytest.raises(InvalidInputError, match=rule):
        make_plan(*arguments, **options)


# ---- every session ---------------------------------------------------------------------------------


@in_any_case
@given(plans, habits)
def test_every_sequence_of_verdicts_reaches_the_last_screen(plan, habit):
    events, state = session(plan, by_habit(habit))
    assert state.stage == "arrange"
    assert state.question is None
    assert state.answered == state.expected == len(events) <= longest(plan)
    assert sum(answer.purpose == "attention" for answer in state.answers) == len(plan.attention)
    assert np.array_equal(mean_ranks(state.ranks), state.ranks)


@pytest.mark.parametrize("verdict", VERDICTS)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_monotonous_assessors_come_to_an_end(protocol, verdict):
    plan = make_plan(protocol, 15, 5)
    _, state = session(plan, lambda _: verdict)
    assert state.stage == "arrange"
    assert state.answered <= longest(plan)


@in_any_case
@given(insertion_plans, st.data())
def test_perfect_assessor_is_understood_exactly(plan, data):
    true = data.draw(st.lists(st.integers(0, plan.items), min_size=plan.items, max_size=plan.items))
    _, state = session(plan, by_order(true))
    np.testing.assert_array_equal(state.ranks, mean_ranks(np.array(true)))


@pytest.mark.parametrize("items", [15, 40])
@pytest.mark.parametrize("ties", [False, True])
def test_perfect_assessor_of_many_candidates_is_understood_exactly(items, ties):
    rng = np.random.default_rng(items)
    for seed in range(5):
        true = rng.integers(0, items // 2, items) if ties else rng.permutation(items)
        plan = make_plan("binary_insertion", items, seed)
        _, state = session(plan, by_order(true.tolist()))
        np.testing.assert_array_equal(state.ranks, mean_ranks(true))


def test_active_bradley_terry_comes_near_a_perfect_assessor():
    taus = []
    for seed in range(6):
        true = np.random.default_rng(seed).permutation(15)
        _, state = session(make_plan("bradley_terry", 15, seed), by_order(true.tolist()))
        taus.append(kendall_tau(state.ranks[:, None], true[:, None])[0, 0])
    assert np.mean(taus) > 0.95


@in_any_case
@given(plans, habits)
def test_states_grow_as_replay_builds_them(plan, habit):
    events, _ = session(plan, by_habit(habit))
    state = replay(plan, [])
    for count, event in enumerate(events):
        assert state.to_record() == replay(plan, events[:count]).to_record()
        state = replace(state.answer(event.body), steps=count + 1)
    assert state.to_record() == replay(plan, events).to_record()
    assert state.answers == replay(plan, events).answers


@in_any_case
@given(plans, st.data())
def test_undo_is_the_exact_inverse_of_an_answer(plan, data):
    events, _ = session(plan, by_habit(data.draw(habits)))
    keep = data.draw(st.integers(0, len(events) - 1))
    undone = events + [Event(step, "undo", {}) for step in range(len(events), 2 * len(events) - keep)]
    before, after = replay(plan, events[:keep]), replay(plan, undone)
    assert after.to_record() == before.to_record()
    assert after.answers == before.answers
    # the session goes on as if nothing had been undone
    again = [Event(len(undone) + place, "answer", event.body) for place, event in enumerate(events[keep:])]
    assert replay(plan, undone + again).to_record() == replay(plan, events).to_record()


@in_any_case
@given(plans, st.data())
def test_expected_is_near_and_never_below_what_was_answered(plan, data):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    events, end = session(plan, by_order(rng.permutation(plan.items).tolist()))
    for count in range(len(events)):
        state = replay(plan, events[:count])
        assert count < state.expected
        assert abs(state.expected - end.answered) <= plan.items


# ---- what is asked besides -------------------------------------------------------------------------


@in_any_case
@given(plans, habits)
def test_repeats_are_earlier_pairs_with_sides_swapped(plan, habit):
    _, state = session(plan, by_habit(habit))
    comparisons, repeated = 0, []
    for place, each in enumerate(state.answers):
        if each.purpose != "repeat":
            comparisons += each.purpose != "attention"
            continue
        assert comparisons in plan.repeats
        earlier = [
            old
            for old in state.answers[: place - REPEAT_APART + 1]
            if (old.left, old.right) == (each.right, each.left) and old.purpose not in BESIDES and old.verdict != "skip"
        ]
        assert earlier
        assert each.pair not in {old.pair for old in state.answers[place - REPEAT_APART + 1 : place]}
        repeated.append((comparisons, each.pair))
    # one at each planned count, and no pair repeated twice
    assert len({count for count, _ in repeated}) == len({pair for _, pair in repeated}) == len(repeated)


def test_a_tenth_of_the_comparisons_is_repeated():
    for protocol in PROTOCOLS:
        for seed in range(5):
            true = np.random.default_rng(seed).permutation(15).tolist()
            purposes = Counter(
                each.purpose for each in session(make_plan(protocol, 15, seed), by_order(true))[1].answers
            )
            others = sum(purposes.values()) - purposes["repeat"] - purposes["attention"]
            assert 0.07 <= purposes["repeat"] / others <= 0.13


def test_repeats_reach_back_near_and_far():
    distances = []
    for seed in range(10):
        _, state = session(make_plan("binary_insertion", 15, seed), by_order(list(range(15))))
        for place, each in enumerate(state.answers):
            if each.purpose == "repeat":
                first = next(old for old, other in enumerate(state.answers) if other.pair == each.pair)
                distances.append((place - first) / place)
    assert min(distances) < 0.25
    assert max(distances) > 0.75


@in_any_case
@given(plans, habits)
def test_attention_checks_come_when_planned_and_change_no_rank(plan, habit):
    def attentively(verdict):
        others = by_habit(habit)
        return lambda question: verdict if question.purpose == "attention" else others(question)

    states = [session(plan, attentively(verdict))[1] for verdict in VERDICTS]
    for state in states:
        total = sum(each.purpose not in BESIDES for each in state.answers)
        comparisons, due = 0, list(plan.attention)
        for each in state.answers:
            if each.purpose == "attention":
                assert comparisons == min(due.pop(0), total)
                assert each.pair == {plan.decoy_of, plan.items}
            else:
                comparisons += each.purpose != "repeat"
        assert not due
    assert len({tuple(state.ranks) for state in states}) == 1


@in_any_case
@given(plans, habits)
def test_only_attention_shows_the_decoy(plan, habit):
    _, state = session(plan, by_habit(habit))
    assert all((plan.items in each.pair) == (each.purpose == "attention") for each in state.answers)
    assert all(each.left != each.right for each in state.answers)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_sides_are_balanced_and_as_planned(protocol):
    """Someone who always takes the left side tells nothing of the items that enter."""
    for seed in range(3):
        plan = make_plan(protocol, 15, seed)
        mirrored = replace(plan, sides=tuple(1 - side for side in plan.sides))
        true = by_order(np.random.default_rng(seed).permutation(15).tolist())
        ours, theirs = session(plan, true)[1], session(mirrored, true)[1]
        assert [(each.right, each.left) for each in theirs.answers] == [
            (each.left, each.right) for each in ours.answers
        ]
        lefts = Counter(each.left for each in ours.answers if each.purpose not in BESIDES)
        rights = Counter(each.right for each in ours.answers if each.purpose not in BESIDES)
        entering = [each for each in ours.answers if each.purpose == "insert"]
        places = {item: place for place, item in enumerate(plan.order)}
        if entering:
            first = [places[each.left] > places[each.right] for each in entering]
            assert 0.35 < np.mean(first) < 0.65
        assert abs(sum((lefts - rights).values()) - sum((rights - lefts).values())) <= 1


# ---- binary insertion ------------------------------------------------------------------------------


@in_any_case
@given(insertion_plans, st.data())
def test_without_skips_binary_insertion_asks_no_more_than_the_logarithm(plan, data):
    _, state = session(plan, by_habit(data.draw(st.lists(st.sampled_from(("left", "right")), min_size=1, max_size=30))))
    asked = Counter(each.purpose for each in state.answers)
    assert asked["insert"] <= sum(int(sorted_so_far).bit_length() for sorted_so_far in range(1, plan.items))
    assert asked["check"] == plan.items - 1


def test_skip_tries_the_next_nearest_place():
    plan = replace(make_plan("binary_insertion", 5, 0, repeats=0, attention=0), order=(0, 1, 2, 3, 4), sides=(0,))
    prefer_earlier = by_order([0, 1, 2, 3, 4])
    events, seen = [], []
    while (state := replay(plan, events)).question.left != 4:
        events.append(answer(state, prefer_earlier(state.question)))
    while (state := replay(plan, events)).question.purpose == "insert":
        seen.append(state.question.right)
        events.append(answer(state, "skip"))
    assert seen == [1, 2, 0, 3]
    # placed in the middle of what was left: the checks, from the worst up, meet it there
    checks = []
    while (state := replay(plan, events)).stage == "compare":
        checks.append((state.question.left, state.question.right))
        events.append(answer(state, "skip"))
    assert checks == [(2, 3), (4, 2), (1, 4), (0, 1)]


@pytest.mark.parametrize("p", [6, 9])
def test_who_answers_at_random_ranks_early_and_late_alike(p):
    rng = np.random.default_rng(0)
    taus = []
    for seed in range(600):
        plan = make_plan("binary_insertion", p, seed, repeats=0, attention=0)
        state = replay(plan, [])
        while state.stage == "compare":
            state = replace(state.answer(answer(state, rng.choice(["left", "right"])).body), steps=state.steps + 1)
        entered = np.argsort(plan.order).astype(float)
        taus.append(kendall_tau(entered[:, None], state.ranks[:, None])[0, 0])
    assert abs(np.mean(taus)) < 4 * np.std(taus) / np.sqrt(len(taus))


def test_a_check_moves_up_what_was_placed_too_low():
    plan = replace(make_plan("binary_insertion", 4, 0, repeats=0, attention=0), order=(0, 1, 2, 3), sides=(0,))
    events = []
    while (state := replay(plan, events)).question.purpose == "insert":
        events.append(answer(state, by_order([0, 1, 2, 3])(state.question)))
    asked = []
    while (state := replay(plan, events)).stage == "compare":
        asked.append((state.question.left, state.question.right))
        events.append(answer(state, "right"))
    assert asked == [(2, 3), (1, 3), (0, 3)]
    assert state.ranks[3] < state.ranks[2]


def test_a_repeat_tells_a_tie_apart():
    plan = replace(make_plan("binary_insertion", 4, 0, attention=0), order=(0, 1, 2, 3), sides=(0,), repeats=(4,))
    tied = by_order([0, 0, 2, 3])

    def telling(verdict):
        return lambda question: verdict if question.purpose == "repeat" else tied(question)

    final = {}
    for verdict in ("tie", "left"):
        _, state = session(plan, telling(verdict))
        repeat = next(each for each in state.answers if each.purpose == "repeat")
        assert repeat.pair == {0, 1}
        final[verdict] = state.ranks[[repeat.left, repeat.right]].tolist()
    assert final["tie"] == [1.5, 1.5]
    assert final["left"] == [1.0, 2.0]


# ---- active Bradley-Terry --------------------------------------------------------------------------


def test_no_pair_is_chosen_again_before_all_others():
    plan = make_plan("bradley_terry", 5, 1, repeats=0, attention=0)
    plan = replace(plan, comparisons=20)
    _, state = session(plan, by_order([0, 1, 2, 3, 4]))
    pairs = [each.pair for each in state.answers]
    assert len(set(pairs[:10])) == len(set(pairs[10:])) == 10


def test_active_choice_prefers_what_is_open():
    """Late questions are about neighbors: that is where the answers leave doubt."""
    far, near = [], []
    for seed in range(4):
        true = np.random.default_rng(seed).permutation(15)
        _, state = session(make_plan("bradley_terry", 15, seed, repeats=0, attention=0), by_order(true.tolist()))
        gaps = [abs(int(true[each.left]) - int(true[each.right])) for each in state.answers]
        far += gaps[:10]
        near += gaps[-15:]
    assert np.mean(near) < 2.5 < np.mean(far)


@in_any_case
@given(st.integers(0, 999), st.data())
def test_bradley_terry_accepts_any_pair_of_candidates(seed, data):
    plan = make_plan("bradley_terry", 6, seed, repeats=0, attention=0)
    left, right = data.draw(st.permutations(range(6)))[:2]
    state = replay(plan, [Event(0, "answer", {"left": left, "right": right, "verdict": "left"})])
    assert state.answers[0].purpose == "active"
    assert state.ranks[left] < state.ranks[right]


def test_a_tie_is_half_a_win_for_each():
    plan = make_plan("bradley_terry", 4, 0, repeats=0, attention=0)
    bodies = [{"left": 2, "right": 0, "verdict": "left"}, {"left": 0, "right": 1, "verdict": "tie"}]
    state = replay(plan, [Event(step, "answer", body) for step, body in enumerate(bodies)])
    # the tie draws 1 towards 0, which lost; 3 was never shown
    assert state.ranks.tolist() == [4.0, 3.0, 1.0, 2.0]
    level = replay(plan, [Event(0, "answer", bodies[1])])
    assert level.ranks.tolist() == [2.5] * 4


# ---- ends ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared():
    """A plan and the events until its last screen."""
    plan = make_plan("binary_insertion", 4, 2)
    return plan, session(plan, by_order([3, 1, 2, 2]))[0]


def test_finish_confirms_any_order_of_the_assessor(compared):
    plan, events = compared
    state = replay(plan, [*events, Event(len(events), "finish", {"ranks": [1, 2.5, 2.5, 4]})])
    assert state.stage == "finished"
    assert state.final.tolist() == [1.0, 2.5, 2.5, 4.0]
    assert state.ranks.tolist() == [4.0, 1.0, 2.5, 2.5]
    assert json.loads(json.dumps(state.to_record()))["final"] == [1.0, 2.5, 2.5, 4.0]


@pytest.mark.parametrize(
    "ranks",
    [
        [1, 2, 3],
        [1, 2, 3, 4, 5],
        [1, 1, 3, 4],
        [0, 1, 2, 3],
        [4, 4, 4, 4],
        [1, 2, 3, float("nan")],
        [1, 2, 3, float("inf")],
        [1, 2, 3, 10**400],
        [True, 2, 3, 4],
        ["1", 2, 3, 4],
        [1, 2, 3, None],
        [[1], 2, 3, 4],
        "1234",
        None,
        {},
    ],
)
def test_malformed_ranks_are_refused(compared, ranks):
    plan, events = compared
    with pytest.raises(UnexpectedEventError, match="ranks must be"):
        replay(plan, [*events, Event(len(events), "finish", {"ranks": ranks})])


@pytest.mark.parametrize("place", ["start", "end"])
def test_decline_is_possible_until_the_end(compared, place):
    plan, events = compared
    events = events if place == "end" else []
    state = replay(plan, [*events, Event(len(events), "decline", {})])
    assert (state.stage, state.question, state.final) == ("declined", None, None)


@pytest.mark.parametrize("last", [("finish", {"ranks": [1, 2, 3, 4]}), ("decline", {})])
@pytest.mark.parametrize(
    "further", [("undo", {}), ("decline", {}), ("finish", {"ranks": [1, 2, 3, 4]}), ("answer", {})]
)
def test_nothing_follows_the_end(compared, last, further):
    plan, events = compared
    kind, body = further
    if kind == "answer":
        body = events[-1].body
    with pytest.raises(UnexpectedEventError, match="nothing can follow once a session is"):
        replay(plan, [*events, Event(len(events), *last), Event(len(events) + 1, kind, body)])


def test_answers_after_the_comparisons_are_refused(compared):
    plan, events = compared
    with pytest.raises(UnexpectedEventError, match="before the comparisons are over"):
        replay(plan, [*events, Event(len(events), "answer", events[-1].body)])


# ---- misfits ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "rule"),
    [
        (Event(1, "answer", {}), "the next event must be step 0, got 1"),
        (Event(True, "undo", {}), "the next event must be step 0, got True"),
        (Event(None, "undo", {}), "the next event must be step 0, got None"),
        (Event(0, "guess", {}), "kind must be one of answer, undo, finish, decline, got 'guess'"),
        (Event(0, ["undo"], {}), "kind must be one of"),
        (Event(0, "undo", {}), "an undo must follow an answer that stands"),
        (Event(0, "undo", {"why": 1}), "the body of undo must have no entries"),
        (Event(0, "decline", None), "the body of decline must have no entries"),
        (Event(0, "finish", {"ranks": [1, 2, 3]}), "ranks must be confirmed after the comparisons"),
        (Event(0, "answer", {"left": 0, "right": 1}), "the body of answer must have left, right, verdict"),
        (
            Event(0, "answer", {"left": 0, "right": 1, "verdict": "both"}),
            "verdict must be one of left, right, tie, skip",
        ),
        (Event(0, "answer", {"left": 0, "right": 1, "verdict": ["left"]}), "verdict must be one of"),
    ],
)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_misfits_are_refused(protocol, event, rule):
    with pytest.raises(UnexpectedEventError, match=rule):
        replay(make_plan(protocol, 3, 0), [event])


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(
    ("left", "right"), [(0, 0), (0, 3), (0, 4), (-1, 0), (0.0, 1.0), (True, False), ("0", "1"), (None, None), ([], {})]
)
def test_answers_to_what_is_no_pair_are_refused(protocol, left, right):
    with pytest.raises(UnexpectedEventError, match="an answer must be to the question that is asked"):
        replay(make_plan(protocol, 3, 0), [Event(0, "answer", {"left": left, "right": right, "verdict": "left"})])


@in_any_case
@given(plans, st.data())
def test_answers_to_another_question_are_refused(plan, data):
    events, _ = session(plan, by_habit(data.draw(habits)))
    state = replay(plan, events[: data.draw(st.integers(0, len(events) - 1))])
    left, right = data.draw(st.lists(st.integers(0, plan.items), min_size=2, max_size=2, unique=True))
    assume((left, right) != (state.question.left, state.question.right))
    assume(state.question.purpose != "active" or plan.items in (left, right))
    with pytest.raises(UnexpectedEventError, match="an answer must be to the question that is asked"):
        state.answer({"left": left, "right": right, "verdict": "left"})


# ---- planted faults: what the tests above would say of a broken protocol -----------------------------


def test_a_greater_prior_would_overrule_a_perfect_assessor(monkeypatch):
    """What lenient_prior is for: the fit of consensus, with its usual prior, errs where chains are long."""
    from corpus.protocols import insertion

    true = list(range(40))
    right = []
    for prior in (insertion.lenient_prior(40), 2.0):
        monkeypatch.setattr(insertion, "lenient_prior", lambda _, prior=prior: prior)
        _, state = session(make_plan("binary_insertion", 40, 0), by_order(true))
        right.append(np.array_equal(state.ranks, mean_ranks(np.array(true))))
    assert right == [True, False]


def test_a_plan_of_later_rules_is_read_and_not_replayed():
    plan = replace(make_plan("binary_insertion", 4, 0), rules=2)
    assert Plan.from_record(plan.to_record()) == plan
    with pytest.raises(InvalidInputError, match="replayed by rules 1, got a plan of rules 2"):
        replay(plan, ())
