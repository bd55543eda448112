"""What is asked and what assessors do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

VERDICTS = ("left", "right", "tie", "skip")


@dataclass(frozen=True)
class Event:
    """One thing an assessor did. Nothing is ever changed or removed, an undo is an event too."""

    step: int  # 0, 1, ... within the session, without gaps
    # "answer": {"left": item, "right": item, "verdict": one of VERDICTS}
    # "undo": {} takes back the last answer that stands
    # "finish": {"ranks": p numbers, 1 is best, ties share the mean rank} confirms the order
    # "decline": {} the assessor cannot judge this data set
    kind: str
    body: Mapping[str, Any]


@dataclass(frozen=True)
class Question:
    """Two items to be compared; the number after the last candidate is the decoy."""

    left: int
    right: int
    purpose: str  # "insert", "check", "active", "repeat" or "attention": for analysis, never shown


@dataclass(frozen=True)
class Answer:
    """A question and the verdict on it."""

    step: int  # of its event
    left: int
    right: int
    verdict: str
    purpose: str

    @property
    def pair(self) -> frozenset[int]:
        """The two items, whatever their sides."""
        return frozenset((self.left, self.right))
