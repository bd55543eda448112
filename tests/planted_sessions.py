"""Sessions of simulated assessors whose habits are known, through the real protocol."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np

from corpus.habits import Work
from corpus.protocols import Event, make_plan, replay
from gamac_meta.types import Ranking

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def honest(values, noise=0.7):
    """Sees the values (p,) with noise in each answer; the decoy is far worse than all."""
    values = np.append(values, values.min() - 5.0)

    def choose(question, plan, rng):
        ahead = values[question.left] - values[question.right] + rng.normal(scale=noise)
        return "left" if ahead > 0 else "right"

    return choose


def at_random(question, plan, rng):
    return str(rng.choice(["left", "right"]))


def always_left(question, plan, rng):
    return "left"


def later_is_better(values, bonus=0.25):
    """Honest, but each place later in the sequence of entry makes an item look better by so much."""

    def choose(question, plan, rng):
        places = np.argsort(plan.order) * bonus
        return honest(np.asarray(values) + places)(question, plan, rng)

    return choose


def events_of(plan, choose, rng):
    """All events of a session that is finished as the answers have it."""
    state, events = replay(plan, []), []
    while (question := state.question) is not None:
        body = {"left": question.left, "right": question.right, "verdict": choose(question, plan, rng)}
        events.append(Event(len(events), "answer", body))
        state = replace(state.answer(body), steps=len(events))
    return [*events, Event(len(events), "finish", {"ranks": state.ranks.tolist()})]


def work_of(assessor, key, plan, events):
    """What `corpus.habits.read_work` makes of a finished session; 4 seconds an answer."""
    state = replay(plan, events)
    times = tuple(START + timedelta(seconds=4 * answer.step) for answer in state.answers)
    return Work(assessor, key, "finished", plan, state.answers, (4.0,) * len(times), times, state.final)


def study(habits, datasets, seed, *, items=12, taste=0.8):
    """Works and orders of assessors, each ranking every data set.

    habits: of each assessor's name, what makes `choose` of the values that this assessor sees: the data set's
    own and a personal deviation of standard deviation `taste`.
    """
    rng = np.random.default_rng(seed)
    works, orders = [], {}
    for number in range(datasets):
        key = (f"dataset-{number:02d}", "candidates")
        values = rng.normal(size=items)
        for name, habit in habits.items():
            plan = make_plan("binary_insertion", items, int(rng.integers(2**31)))
            events = events_of(plan, habit(values + rng.normal(scale=taste, size=items)), rng)
            works.append(work_of(name, key, plan, events))
            orders.setdefault(key, []).append(Ranking(works[-1].final, name))
    return works, orders
