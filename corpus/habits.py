"""What the answers of a session say of the assessor: constancy, attention, side, pace, order of presentation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import sqrt
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from corpus.protocols import Answer, Plan, replay
from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Floats

if TYPE_CHECKING:
    from corpus.orders import Key
    from corpus.sessions import Session, StoredEvent


@dataclass(frozen=True, eq=False)
class Work:
    """What one assessor did with the candidates of one data set."""

    assessor: str
    key: Key
    status: str  # "open", "finished" or "declined"
    plan: Plan
    answers: tuple[Answer, ...]  # that stand
    seconds: tuple[float, ...]  # that those took of which it is known
    times: tuple[datetime, ...]  # when the server received them
    final: Floats | None  # (p,) the confirmed ranks, 1 is best


class Count(NamedTuple):
    """So many out of so many."""

    hits: float  # halves are possible
    of: int

    @property
    def share(self) -> float:
        """NaN of none."""
        return self.hits / self.of if self.of else float("nan")

    def interval(self) -> tuple[float, float]:
        """Of the chance behind the share, at 95 %.  Wilson 1927, doi:10.1080/01621459.1927.10502953."""
        if not self.of:
            return float("nan"), float("nan")
        z = 1.959963984540054
        center = (self.hits + z * z / 2) / (self.of + z * z)
        reach = z / (self.of + z * z) * sqrt(self.hits * (1 - self.share) + z * z / 4)
        return max(center - reach, 0.0), min(center + reach, 1.0)


class EntryBias(NamedTuple):
    """Whether what entered later ranks higher."""

    tau: float  # mean over sessions of Kendall's tau-b between place of entry and goodness; NaN of none
    p: float  # two-sided
    sessions: int


def read_work(session: Session, stored: Sequence[StoredEvent]) -> Work:
    """A session and all its events, as the store keeps them."""
    state = replay(session.plan, [submission.event for submission in stored])
    standing = [stored[answer.step] for answer in state.answers]
    return Work(
        session.assessor,
        session.key,
        session.status,
        session.plan,
        state.answers,
        tuple(submission.took_ms / 1000 for submission in standing if submission.took_ms is not None),
        tuple(submission.received for submission in standing),
        state.final,
    )


def total(counts: Iterable[Count]) -> Count:
    """All of them together."""
    counts = list(counts)
    return Count(sum(count.hits for count in counts), sum(count.of for count in counts))


def repeats(work: Work) -> Count:
    """Questions asked again, sides swapped, that were answered alike; a tie only once counts half, skips are out."""
    alike, asked = 0.0, 0
    earlier: dict[tuple[int, int], int | None] = {}  # the item preferred by its sides, None is a tie
    for answer in work.answers:
        if answer.purpose == "attention" or answer.verdict == "skip":
            continue
        preferred = {"left": answer.left, "right": answer.right}.get(answer.verdict)
        if answer.purpose != "repeat":
            earlier[answer.left, answer.right] = preferred
            continue
        before = earlier[answer.right, answer.left]
        asked += 1
        alike += 1.0 if preferred == before else 0.5 * (preferred is None or before is None)
    return Count(alike, asked)


def attention(work: Work) -> Count:
    """Attention checks in which the decoy, labels dealt at random, was not taken for as good or better."""
    checks = [answer for answer in work.answers if answer.purpose == "attention" and answer.verdict != "skip"]
    passed = sum(getattr(answer, answer.verdict, None) == work.plan.decoy_of for answer in checks)
    return Count(passed, len(checks))


def lefts(work: Work) -> Count:
    """Answers for the left one of those for either side."""
    sided = [answer.verdict for answer in work.answers if answer.verdict in ("left", "right")]
    return Count(sided.count("left"), len(sided))


def side_p(count: Count) -> float:
    """Chance of as uneven a share when sides do not matter, by the exact binomial test; NaN of none.

    The plan deals the sides, so an answer is for the left one in half the cases, whatever is preferred.
    """
    from scipy.stats import binomtest

    return float(binomtest(int(count.hits), count.of).pvalue) if count.of else float("nan")


def entry_bias(works: Iterable[Work]) -> EntryBias:
    """Test over finished sessions of whether the place at which an item entered has to do with its rank.

    A seed dealt the places, so a session's tau is that of a random order with the ranks: its mean is 0
    and its variance known, ties included. The mean over sessions is compared with the normal law.
    Kendall 1945, doi:10.2307/2332303.
    """
    from scipy.stats import norm

    taus, variances = [], []
    for work in works:
        if work.final is None or np.ptp(work.final) == 0:
            continue
        places = np.argsort(work.plan.order).astype(np.float64)
        taus.append(float(kendall_tau(places[:, None], -work.final[:, None])[0, 0]))
        variances.append(_tau_variance(work.final))
    if not taus:
        return EntryBias(float("nan"), float("nan"), 0)
    z = sum(taus) / sqrt(sum(variances))
    return EntryBias(float(np.mean(taus)), float(2 * norm.sf(abs(z))), len(taus))


def _tau_variance(ranks: Floats) -> float:
    """Variance of tau-b between ranks (p,), ties possible, and a random order without."""
    p = ranks.size
    ties = np.unique(ranks, return_counts=True)[1]
    sums = (p * (p - 1) * (2 * p + 5) - np.sum(ties * (ties - 1) * (2 * ties + 5))) / 18
    pairs = p * (p - 1) / 2
    return float(sums / (pairs * (pairs - np.sum(ties * (ties - 1)) / 2)))
