"""Where a session stands: rebuilt from its plan and its events alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from corpus.protocols.active import Active
from corpus.protocols.events import VERDICTS, Answer, Event, Question
from corpus.protocols.insertion import Insertion
from corpus.protocols.plans import REPEAT_APART, RULES, Plan
from corpus.protocols.strengths import fit, mean_ranks, ranks_of
from gamac_meta.exceptions import InvalidInputError, UnexpectedEventError
from gamac_meta.types import Floats

METHODS: dict[str, type[Insertion] | type[Active]] = {"binary_insertion": Insertion, "bradley_terry": Active}
ENTRIES = {"answer": {"left", "right", "verdict"}, "undo": set(), "finish": {"ranks"}, "decline": set()}


@dataclass(frozen=True, eq=False)
class State:
    """After the events so far; what takes a fit of strengths is computed when it is asked for."""

    plan: Plan
    steps: int  # events so far: the step of the next one
    answers: tuple[Answer, ...]  # those that stand
    method: Insertion | Active
    comparisons: int = 0  # answers that are neither repeats nor attention checks
    attended: int = 0  # answers that are attention checks
    repeat_due: bool = False
    closed: str | None = None  # "finished" or "declined"
    final: Floats | None = None  # (p,) the confirmed ranks, 1 is best

    @property
    def stage(self) -> str:
        """ "compare", "arrange", "finished" or "declined"."""
        if self.closed is not None:
            return self.closed
        return "compare" if self._planned is not None or not self.method.over else "arrange"

    @cached_property
    def question(self) -> Question | None:
        """What is asked next, None when the comparisons are over."""
        if self.stage != "compare" or self._planned is not None:
            return self._planned if self.stage == "compare" else None
        return self._sided(*self.method.propose(self.answers))

    @property
    def answered(self) -> int:
        return len(self.answers)

    @property
    def expected(self) -> int:
        """About how many answers there will be in all; `answered` when the comparisons are over."""
        if self.stage != "compare":
            return self.answered
        last = self.comparisons + self.method.remaining
        repeats = sum(self.comparisons < count <= last for count in self.plan.repeats)
        due = int(self.repeat_due and self._repeat is not None)
        attention = len(self.plan.attention) - self.attended
        return self.answered + self.method.remaining + repeats + due + attention

    @cached_property
    def ranks(self) -> Floats:
        """(p,) the order so far, 1 is best, by Bradley-Terry on all answers that stand."""
        return ranks_of(fit(self.method.unit(self.answers), self.answers, self.method.prior))

    def to_record(self) -> dict[str, Any]:
        """For JSON."""
        question = self.question
        return {
            "stage": self.stage,
            "question": None
            if question is None
            else {"left": question.left, "right": question.right, "purpose": question.purpose},
            "answered": self.answered,
            "expected": self.expected,
            "ranks": self.ranks.tolist(),
            "final": None if self.final is None else self.final.tolist(),
        }

    # ---- one event further -----------------------------------------------------------------------

    def answer(self, body: Mapping[str, Any]) -> State:
        """With the answer to the question that is asked; raises UnexpectedEventError where it is to another."""
        left, right, verdict = body["left"], body["right"], body["verdict"]
        if verdict not in VERDICTS:
            raise UnexpectedEventError(f"verdict must be one of {', '.join(VERDICTS)}, got {verdict!r:.50}")
        if self.stage != "compare":
            raise UnexpectedEventError(f"an answer must come before the comparisons are over, they are at {self.stage}")
        question = self._planned
        if question is None and not self.method.binding and self._is_pair(left, right):
            question = Question(left, right, "active")
        elif question is None:
            question = self.question
        assert question is not None
        if (type(left), type(right)) != (int, int) or (left, right) != (question.left, question.right):
            raise UnexpectedEventError(
                f"an answer must be to the question that is asked, {question.left} or {question.right}, "
                f"got {left!r:.50} or {right!r:.50}"
            )
        answers = (*self.answers, Answer(self.steps, left, right, verdict, question.purpose))
        if question.purpose == "repeat":
            return replace(self, answers=answers, repeat_due=False)
        if question.purpose == "attention":
            return replace(self, answers=answers, attended=self.attended + 1)
        if self._swapped:
            verdict = {"left": "second", "right": "first"}.get(verdict, verdict)
        else:
            verdict = {"left": "first", "right": "second"}.get(verdict, verdict)
        return replace(
            self,
            answers=answers,
            method=self.method.take(verdict),
            comparisons=self.comparisons + 1,
            repeat_due=self.comparisons + 1 in self.plan.repeats,
        )

    def finish(self, ranks: object) -> State:
        """With these ranks confirmed; raises UnexpectedEventError before the last screen or where they are none."""
        if self.stage != "arrange":
            raise UnexpectedEventError(f"ranks must be confirmed after the comparisons, the session is at {self.stage}")
        items = self.plan.items
        numbers = isinstance(ranks, (list, tuple)) and all(type(rank) in (int, float) for rank in ranks)
        if not numbers or len(ranks) != items:  # type: ignore[arg-type]
            raise UnexpectedEventError(f"ranks must be {items} numbers, got {str(ranks)[:200]}")
        # cut off first: a greater whole number may not fit a float
        final = np.array([min(max(rank, 0), items + 1) for rank in ranks], dtype=np.float64)  # type: ignore[attr-defined]
        if not np.array_equal(final, mean_ranks(final)):
            raise UnexpectedEventError(f"ranks must be 1..{items}, ties share the mean rank, got {str(ranks)[:200]}")
        return replace(self, closed="finished", final=final)

    # ---- what is asked besides the comparisons ---------------------------------------------------

    @cached_property
    def _planned(self) -> Question | None:
        """An attention check or a repeat, where one is due."""
        waiting = self.plan.attention[self.attended :]
        if waiting and (waiting[0] <= self.comparisons or self.method.over):
            return self._sided(self.plan.decoy_of, self.plan.items, "attention")
        return self._repeat if self.repeat_due else None

    @cached_property
    def _repeat(self) -> Question | None:
        """An earlier pair that was judged, once, and is not in fresh memory; the plan says which of them."""
        now = len(self.answers)
        again = {answer.pair for answer in self.answers if answer.purpose == "repeat"}
        recent = {answer.pair for answer in self.answers[max(now - REPEAT_APART + 1, 0) :]}
        earlier = [
            answer
            for answer in self.answers[: max(now - REPEAT_APART + 1, 0)]
            if answer.purpose not in ("repeat", "attention")
            and answer.verdict != "skip"
            and answer.pair not in again
            and answer.pair not in recent
        ]
        if not earlier:
            return None
        turn = self.plan.repeats.index(self.comparisons)
        choice = earlier[self.plan.order[turn % self.plan.items] * len(earlier) // self.plan.items]
        return Question(choice.right, choice.left, "repeat")

    @property
    def _swapped(self) -> bool:
        shown = self.comparisons + self.attended
        return self.plan.sides[shown % len(self.plan.sides)] == 1

    def _sided(self, first: int, second: int, purpose: str) -> Question:
        return Question(second, first, purpose) if self._swapped else Question(first, second, purpose)

    def _is_pair(self, left: object, right: object) -> bool:
        whole = type(left) is int and type(right) is int
        return whole and left != right and all(0 <= item < self.plan.items for item in (left, right))  # type: ignore[operator]


def replay(plan: Plan, events: Iterable[Event]) -> State:
    """Where a session stands after these events, all from its first.

    Raises UnexpectedEventError at the first event that does not fit, InvalidInputError for a plan of other rules.
    """
    if plan.rules != RULES:
        raise InvalidInputError(f"sessions are replayed by rules {RULES}, got a plan of rules {plan.rules}")
    state = State(plan, 0, (), METHODS[plan.protocol].start(plan))
    undone: list[State] = []  # the states before each answer that stands
    for event in events:
        if type(event.step) is not int or event.step != state.steps:
            raise UnexpectedEventError(f"the next event must be step {state.steps}, got {event.step!r:.50}")
        if not isinstance(event.kind, str) or event.kind not in ENTRIES:
            raise UnexpectedEventError(f"kind must be one of {', '.join(ENTRIES)}, got {event.kind!r:.50}")
        if not isinstance(event.body, Mapping) or set(event.body) != ENTRIES[event.kind]:
            entries = ", ".join(sorted(ENTRIES[event.kind])) or "no entries"
            raise UnexpectedEventError(f"the body of {event.kind} must have {entries}, got {str(event.body)[:200]}")
        if state.closed is not None:
            raise UnexpectedEventError(f"nothing can follow once a session is {state.closed}, got {event.kind}")
        match event.kind:
            case "answer":
                after = state.answer(event.body)
                undone.append(state)
            case "undo":
                if not undone:
                    raise UnexpectedEventError("an undo must follow an answer that stands, there is none")
                after = undone.pop()
            case "finish":
                after = state.finish(event.body["ranks"])
            case _:
                after = replace(state, closed="declined")
        state = replace(after, steps=event.step + 1)
    return state
