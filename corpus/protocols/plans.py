"""Everything that decides which question comes next, apart from the answers. All randomness is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from math import log2
from typing import Any

import numpy as np

from gamac_meta.exceptions import InvalidInputError

PROTOCOLS = ("binary_insertion", "bradley_terry")  # the first is the default
# Raised by every change of what is asked after the same answers, in this package and in the page's twin of it;
# what follows under earlier rules must then stay to be replayed, for sessions that are stored
RULES = 1
FEWEST_ITEMS = 2
REPEAT_APART = 3  # questions from a pair to its repeat, at least
SIDES = 128  # questions until the sides start over
SIDES_BLOCK = 8  # in each block of so many questions half the pairs are swapped
# budget of bradley_terry over p log2 p; benchmarks/protocols.py prints what it gives
COMPARISONS_PER_ITEM = 0.85


@dataclass(frozen=True)
class Plan:
    """How one assessor compares the candidates of one data set."""

    protocol: str  # one of PROTOCOLS
    items: int  # p candidates, 0..p-1 are rows of the candidates
    order: tuple[int, ...]  # (p,) a permutation of the items: the sequence in which they enter
    sides: tuple[int, ...]  # question n, repeats not counted, swaps its pair where sides[n % len(sides)] is 1
    repeats: tuple[int, ...]  # after so many comparisons an earlier pair is asked again, its sides swapped
    attention: tuple[int, ...]  # after so many comparisons, or after the last, the decoy is shown
    decoy_of: int  # the decoy is item number `items`: the labels of this item dealt to the points at random
    comparisons: int  # how many bradley_terry asks, repeats and attention checks not counted; else 0
    rules: int = RULES  # by which questions follow: a session goes on by those that it began by

    def __post_init__(self) -> None:
        if type(self.rules) is not int or self.rules < 1:
            raise InvalidInputError(f"rules must be a version, 1 or later, got {self.rules!r:.50}")
        if self.protocol not in PROTOCOLS:
            raise InvalidInputError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {self.protocol!r}")
        for name in ("items", "decoy_of", "comparisons"):
            if type(getattr(self, name)) is not int:
                raise InvalidInputError(f"{name} must be a whole number, got {getattr(self, name)!r}")
        for name in ("order", "sides", "repeats", "attention"):
            if any(type(value) is not int for value in getattr(self, name)):
                raise InvalidInputError(f"{name} must hold whole numbers, got {getattr(self, name)[:20]}")
        if self.items < FEWEST_ITEMS:
            raise InvalidInputError(f"items must be at least {FEWEST_ITEMS}, got {self.items}")
        if sorted(self.order) != list(range(self.items)):
            raise InvalidInputError(f"order must hold each of 0..{self.items - 1} once, got {self.order[:20]}")
        if not self.sides or not set(self.sides) <= {0, 1}:
            raise InvalidInputError(f"sides must be zeros and ones, at least one, got {self.sides[:20]}")
        for name in ("repeats", "attention"):
            counts = getattr(self, name)
            if any(after <= before for before, after in pairwise((0, *counts))):
                raise InvalidInputError(f"{name} must be positive and increasing, got {counts[:20]}")
        if not 0 <= self.decoy_of < self.items:
            raise InvalidInputError(f"decoy_of must be one of 0..{self.items - 1}, got {self.decoy_of}")
        if (self.comparisons > 0) != (self.protocol == "bradley_terry") or self.comparisons < 0:
            raise InvalidInputError(
                f"comparisons must be positive for bradley_terry and 0 otherwise, got {self.comparisons} "
                f"for {self.protocol}"
            )

    def to_record(self) -> dict[str, Any]:
        """For JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Plan:
        """The inverse of `to_record`; raises InvalidInputError where the record is not one of a plan."""
        names = [field.name for field in fields(cls)]
        if not isinstance(record, Mapping) or set(record) != set(names):
            raise InvalidInputError(f"a plan must have the entries {', '.join(names)}, got {str(record)[:200]}")
        values = dict(record)
        for name in ("order", "sides", "repeats", "attention"):
            if not isinstance(values[name], Sequence) or isinstance(values[name], str):
                raise InvalidInputError(f"{name} of a plan must be a list, got {str(values[name])[:200]}")
            values[name] = tuple(values[name])
        return cls(**values)


def make_plan(protocol: str, items: int, seed: int, *, repeats: float = 0.1, attention: int = 1) -> Plan:
    """The plan of a seed.

    repeats: share of comparisons that are asked again with sides swapped, 0 to 0.5. attention: how
    many attention checks, in the middle half of the session.
    """
    if protocol not in PROTOCOLS:
        raise InvalidInputError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {protocol!r}")
    if items < FEWEST_ITEMS:
        raise InvalidInputError(f"there must be at least {FEWEST_ITEMS} candidates to compare, got {items}")
    if not 0 <= repeats <= 0.5:
        raise InvalidInputError(f"repeats must be a share from 0 to 0.5, got {repeats}")
    if attention < 0:
        raise InvalidInputError(f"attention must be a number of checks >= 0, got {attention}")
    rng = np.random.default_rng(seed)
    budget = max(1, round(COMPARISONS_PER_ITEM * items * log2(items))) if protocol == "bradley_terry" else 0
    likely = budget or round(items * log2(items))
    longest = budget or most_comparisons(items)
    block = np.tile((0, 1), SIDES_BLOCK // 2)
    return Plan(
        protocol,
        items,
        order=tuple(rng.permutation(items).tolist()),
        sides=tuple(np.concatenate([rng.permutation(block) for _ in range(SIDES // SIDES_BLOCK)]).tolist()),
        repeats=_one_per_block(rng, REPEAT_APART, longest, round(repeats * (longest - REPEAT_APART))),
        attention=_one_per_block(rng, likely // 4, max(likely * 3 // 4, likely // 4 + attention), attention),
        decoy_of=int(rng.integers(items)),
        comparisons=budget,
    )


def most_comparisons(items: int) -> int:
    """More than this binary insertion never asks: each item against each before it, and the adjacent checks."""
    return items * (items - 1) // 2 + items - 1


def _one_per_block(rng: np.random.Generator, start: int, stop: int, count: int) -> tuple[int, ...]:
    """`count` increasing numbers from start + 1 to stop, one at a random place of each equal share."""
    edges = [start + (stop - start) * block // count for block in range(count + 1)] if count > 0 else []
    return tuple(int(rng.integers(low, high)) + 1 for low, high in pairwise(edges))
