"""Binary insertion: each item finds its place among those sorted so far, then neighbors are checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from corpus.protocols.events import Answer
from corpus.protocols.plans import Plan
from corpus.protocols.strengths import lenient_prior


@dataclass(frozen=True)
class Insertion:
    """A sorted list of groups of tied items, and the search for the place of the item that enters.

    A group is compared by its first item.
    """

    plan: Plan
    groups: tuple[tuple[int, ...], ...]  # the best first
    entered: int  # items of plan.order in the groups
    low: int  # the item that enters is worse than the groups before this one
    high: int  # and better than this one and those after it
    skipped: frozenset[int]  # groups that the assessor would not compare it with
    checked: int  # adjacent pairs of groups checked

    binding = True  # only the pair that is proposed can be answered

    @classmethod
    def start(cls, plan: Plan) -> Insertion:
        return cls(plan, ((plan.order[0],),), 1, 0, 1, frozenset(), 0)

    @property
    def entering(self) -> bool:
        return self.entered < self.plan.items

    @property
    def over(self) -> bool:
        return not self.entering and self.checked >= len(self.groups) - 1

    @property
    def remaining(self) -> int:
        """About how many more comparisons, as if no item were tied or skipped from now on."""
        if not self.entering:
            return len(self.groups) - 1 - self.checked
        later = self.plan.items - self.entered - 1
        total = _comparisons(self.high - self.low)
        for more in range(1, later + 1):
            total += _comparisons(len(self.groups) + more)
        return int(total + len(self.groups) + later + 0.5)

    def propose(self, _: Sequence[Answer]) -> tuple[int, int, str]:
        """Two items to compare, and what for; only while it is not over."""
        if self.entering:
            return self.plan.order[self.entered], self.groups[self._place()][0], "insert"
        better = len(self.groups) - 2 - self.checked
        return self.groups[better][0], self.groups[better + 1][0], "check"

    def take(self, verdict: str) -> Insertion:
        """After the verdict on the proposed pair: "first", "second", "tie" or "skip"."""
        if not self.entering:
            return self._after_check(verdict)
        place = self._place()
        if verdict == "tie":
            joined = (*self.groups[place], self.plan.order[self.entered])
            return self._entered((*self.groups[:place], joined, *self.groups[place + 1 :]))
        if verdict == "first":
            after = replace(self, high=place)
        elif verdict == "second":
            after = replace(self, low=place + 1)
        else:
            after = replace(self, skipped=self.skipped | {place})
        if any(group not in after.skipped for group in range(after.low, after.high)):
            return after
        # in the middle of what is left, which is a single gap unless groups were skipped
        gap = (after.low + after.high + after._coin) // 2
        return self._entered((*self.groups[:gap], (self.plan.order[self.entered],), *self.groups[gap:]))

    @property
    def prior(self) -> float:
        return lenient_prior(self.plan.items)

    def unit(self, answers: Sequence[Answer]) -> list[int]:
        """(p,) the first item of each item's group: those share a strength, unless a repeat told them apart."""
        apart = {answer.pair for answer in answers if answer.verdict in ("left", "right")}
        units = list(range(self.plan.items))
        for first, *others in self.groups:
            for item in others:
                if frozenset((first, item)) not in apart:
                    units[item] = first
        return units

    @property
    def _coin(self) -> int:
        """Which of two middles is taken, 0 or 1, dealt by the plan's sequence of what entered before.

        Were it always the worse, whoever answers at random would rank lower what enters later.
        """
        place = (self.low + self.high) % self.entered
        return int(self.plan.order[place] > self.plan.order[(place + 1) % self.entered])

    def _place(self) -> int:
        """The group nearest to the middle of those left that was not skipped."""
        left = (group for group in range(self.low, self.high) if group not in self.skipped)
        toward = 2 * self._coin - 1
        return min(left, key=lambda group: (abs(2 * group + 1 - self.low - self.high), -toward * group))

    def _after_check(self, verdict: str) -> Insertion:
        """What was placed too low moves up by one, and is checked against the next."""
        groups, better = self.groups, len(self.groups) - 2 - self.checked
        if verdict == "second":
            groups = (*groups[:better], groups[better + 1], groups[better], *groups[better + 2 :])
        return replace(self, groups=groups, checked=self.checked + 1)

    def _entered(self, groups: tuple[tuple[int, ...], ...]) -> Insertion:
        return Insertion(self.plan, groups, self.entered + 1, 0, len(groups), frozenset(), 0)


def _comparisons(groups: int) -> float:
    """On average, to find one of the gaps between so many groups and at their ends, all equally likely."""
    gaps = groups + 1
    depth = gaps.bit_length() - 1
    return depth + 2 * (gaps - (1 << depth)) / gaps
