"""How well assessors agree, with each other and with themselves: what the studio's administrator looks at.

An assessor is flagged by four rules, each a test at LEVEL / 4 over the number of assessors (Bonferroni), so that
in a study of honest assessors who are alike the chance that anybody is flagged is at most LEVEL. What is significant
but small is not flagged. Attention checks are counted and flag nobody.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from math import ceil, floor, isfinite, isnan, nan
from typing import TYPE_CHECKING, Any

import numpy as np

from corpus.habits import Count, Work, attention, entry_bias, lefts, read_work, repeats, side_p, total
from corpus.weights import FEWEST, reliability_weights
from gamac_meta.agreement import kendall_w, krippendorff_alpha, leave_one_out_taus, pairwise_tau
from gamac_meta.types import Floats, Ranking

if TYPE_CHECKING:
    import pandas as pd

    from corpus.orders import Key
    from corpus.sessions import SessionBook

__all__ = [
    "AgreementReport",
    "AssessorReliability",
    "DatasetAgreement",
    "OverallAgreement",
    "agreement_report",
    "reliability_weights",
    "report_of",
]

LEVEL = 0.05  # chance that anybody is flagged where nobody should be
SIDE_EXCESS = 0.15  # of the share of answers for the left, above or below one half
ORDER_TAU = 0.2
RULES = {
    "agreement": "places by agreement with the others' mean rank, among those who ranked the same data sets, are lower "
    "than chance (exact test on their sum), and the agreement is less than half of theirs",
    "consistency": "repeated questions are answered alike less often than by the others (Fisher's exact test), and by "
    "less than half as much above one half",
    "side": f"one side is chosen more often (exact binomial test), by {SIDE_EXCESS} above one half at least",
    "order": "what entered later is ranked higher, or lower (tau of places dealt at random, normal law), with a mean "
    f"tau of {ORDER_TAU} at least",
}


@dataclass(frozen=True)
class DatasetAgreement:
    """The assessors' orders of one set of candidates; NaN where there are too few."""

    dataset: str
    candidates: str
    open: int  # sessions
    declined: int
    assessors: int  # who ranked it
    kendall_w: float
    krippendorff_alpha: float
    pairwise_tau: float
    leave_one_out_tau: float


@dataclass(frozen=True)
class AssessorReliability:
    """What is known of one assessor; NaN where nothing is."""

    assessor: str
    finished: int  # sessions
    open: int
    declined: int
    answers: int  # that stand
    seconds_per_answer: float  # median
    tie_share: float  # of the answers
    skip_share: float
    repeats: int  # questions asked again
    consistency: float  # share of them answered alike
    consistency_low: float  # 95 %
    consistency_high: float
    attention_checks: int
    attention_passed: int
    datasets: int  # ranked by others, too
    leave_one_out_tau: float  # with the others' mean rank, mean over these
    agreement_p: float  # of so low places among those who ranked the same, one-sided
    consistency_p: float  # of so few repeats alike, one-sided
    sided_answers: int  # for the left or the right one
    left_share: float
    left_low: float  # 95 %
    left_high: float
    left_p: float  # two-sided
    order_tau: float  # entered later, ranked higher
    order_p: float  # two-sided
    weight: float  # votes by `reliability_weights`
    flags: tuple[str, ...]  # the RULES by which this assessor stands out


@dataclass(frozen=True)
class OverallAgreement:
    """All data sets and assessors together; means are over data sets ranked by two or more."""

    assessors: int
    finished: int  # sessions
    open: int
    declined: int
    answers: int
    datasets: int  # with a session or an order
    shared_datasets: int  # ranked by two or more
    kendall_w: float
    krippendorff_alpha: float
    pairwise_tau: float
    leave_one_out_tau: float
    seconds_per_answer: float
    repeats: int
    consistency: float
    consistency_low: float
    consistency_high: float
    attention_checks: int
    attention_passed: int
    sided_answers: int
    left_share: float
    left_p: float
    order_sessions: int
    order_tau: float
    order_p: float
    answers_by_day: tuple[tuple[str, int], ...]  # ISO dates (UTC)


@dataclass(frozen=True)
class AgreementReport:
    """Who agrees with whom, and how far the work is. Prints as a summary."""

    datasets: tuple[DatasetAgreement, ...]
    assessors: tuple[AssessorReliability, ...]  # by name
    overall: OverallAgreement

    def to_record(self) -> dict[str, Any]:
        """For JSON: NaN becomes null."""
        return {
            "overall": _record(self.overall),
            "datasets": [_record(row) for row in self.datasets],
            "assessors": [_record(row) for row in self.assessors],
            "rules": dict(RULES),
        }

    def to_frames(self) -> dict[str, pd.DataFrame]:
        """ "datasets" and "assessors", a row for each."""
        import pandas as pd

        return {
            "datasets": pd.DataFrame(map(asdict, self.datasets), columns=_names(DatasetAgreement)),
            "assessors": pd.DataFrame(map(asdict, self.assessors), columns=_names(AssessorReliability)),
        }

    def __str__(self) -> str:
        all_ = self.overall
        lines = [
            f"{all_.assessors} assessors: {all_.finished} sessions finished, {all_.open} open, {all_.declined} "
            f"declined; {all_.answers} answers, {_said(all_.seconds_per_answer, '.1f')} s each (median)",
            f"{all_.datasets} data sets, {all_.shared_datasets} ranked by two or more: "
            f"Kendall W {_said(all_.kendall_w)}, Krippendorff alpha {_said(all_.krippendorff_alpha)}, "
            f"tau of two {_said(all_.pairwise_tau)}, of one with the others' mean {_said(all_.leave_one_out_tau)}",
            f"repeated questions answered alike: {_said(all_.consistency)} of {all_.repeats} "
            f"({_said(all_.consistency_low)} to {_said(all_.consistency_high)}); attention checks passed: "
            f"{all_.attention_passed} of {all_.attention_checks}",
            f"answers for the left: {_said(all_.left_share)} ({_said_p(all_.left_p)}); "
            f"later entered, higher ranked: tau {_said(all_.order_tau)} ({_said_p(all_.order_p)})",
        ]
        width = max((len(row.assessor) for row in self.assessors), default=0)
        lines += [
            f"  {row.assessor:{width}s}  {row.finished} finished, {row.open} open, {row.declined} declined; "
            f"tau {_said(row.leave_one_out_tau)}, alike {_said(row.consistency)} of {row.repeats}, "
            f"left {_said(row.left_share)}, {_said(row.seconds_per_answer, '.1f')} s, weight {row.weight:.2f}"
            + (f"  FLAGGED: {', '.join(row.flags)}" if row.flags else "")
            for row in self.assessors
        ]
        return "\n".join(lines)


def agreement_report(book: SessionBook, read: MutableMapping[str, Work] | None = None) -> AgreementReport:
    """Of all sessions in the book, practice left out, and all people's orders, those from elsewhere too.

    read: what was read of closed sessions before, by their ids, since these do not change; those read now are added.
    """
    from corpus.orders import is_simulated
    from corpus.sessions import PRACTICE

    read = {} if read is None else read
    works = []
    for session in book.sessions():
        if session.key == PRACTICE:
            continue
        work = read.get(session.id) or read_work(session, book.events(session.id))
        if work.status != "open":
            read[session.id] = work
        works.append(work)
    stored = book.orders.read(sorted(book.orders.ranked_by_people()))
    return report_of(
        works, {key: [order for order in orders if not is_simulated(order)] for key, orders in stored.items()}
    )


def report_of(works: Sequence[Work], orders: Mapping[Key, Sequence[Ranking]]) -> AgreementReport:
    """The report on sessions and on the orders of each set of candidates."""
    by_assessor: dict[str, list[Work]] = defaultdict(list)
    by_key: dict[Key, Counter[str]] = defaultdict(Counter)
    for work in works:
        by_assessor[work.assessor].append(work)
        by_key[work.key][work.status] += 1
    for order in (order for group in orders.values() for order in group):
        by_assessor.setdefault(order.assessor, [])
    ranks = {key: np.column_stack([order.ranks for order in group]) for key, group in orders.items() if group}
    datasets = tuple(_dataset(key, by_key[key], ranks.get(key, np.empty((0, 0)))) for key in sorted({*by_key, *ranks}))
    standings = _standings(orders, ranks)
    alike = {name: total(map(repeats, sessions)) for name, sessions in by_assessor.items()}
    weights = reliability_weights(orders.values(), alike)
    assessors = tuple(
        _assessor(name, by_assessor[name], standings[name], alike, weights.get(name, 1.0))
        for name in sorted(by_assessor)
    )
    return AgreementReport(datasets, assessors, _overall(works, datasets, len(assessors)))


def _dataset(key: Key, sessions: Counter[str], ranks: Floats) -> DatasetAgreement:
    several = ranks.shape[1] > 1
    return DatasetAgreement(
        *key,
        open=sessions["open"],
        declined=sessions["declined"],
        assessors=ranks.shape[1],
        kendall_w=kendall_w(ranks) if several else nan,
        krippendorff_alpha=krippendorff_alpha(ranks) if several else nan,
        pairwise_tau=pairwise_tau(ranks),
        leave_one_out_tau=float(np.mean(leave_one_out_taus(ranks))) if several else nan,
    )


@dataclass
class _Standing:
    """One assessor among those who ranked the same data sets."""

    taus: list[float] = field(default_factory=list)  # with the others' mean rank
    of_others: list[float] = field(default_factory=list)  # mean of theirs, where there are enough to tell them apart
    places: list[tuple[int, int]] = field(default_factory=list)  # there, 1 is lowest, and among how many


def _standings(orders: Mapping[Key, Sequence[Ranking]], ranks: Mapping[Key, Floats]) -> dict[str, _Standing]:
    from scipy.stats import rankdata

    found: dict[str, _Standing] = defaultdict(_Standing)
    for key, table in ranks.items():
        count = table.shape[1]
        taus = leave_one_out_taus(table)
        # of equal taus all have the highest place: nobody is lower than chance by a tie
        places = rankdata(np.round(taus, 9), method="max")
        for order, tau, place in zip(orders[key], taus, places, strict=True):
            if count > 1:
                found[order.assessor].taus.append(float(tau))
            if count >= FEWEST:
                found[order.assessor].of_others.append(float((taus.sum() - tau) / (count - 1)))
                found[order.assessor].places.append((int(place), count))
    return found


def _assessor(
    name: str, works: Sequence[Work], standing: _Standing, alike: Mapping[str, Count], weight: float
) -> AssessorReliability:
    status = Counter(work.status for work in works)
    verdicts = Counter(answer.verdict for work in works for answer in work.answers)
    answers = sum(verdicts.values())
    own = alike[name]
    others = total(count for other, count in alike.items() if other != name)
    checks, sides, entry = total(map(attention, works)), total(map(lefts, works)), entry_bias(works)
    agreement_p, consistency_p, left_p = _lowest_p(standing.places), _fewer_p(own, others), side_p(sides)
    tau = _mean(standing.taus)
    limit = LEVEL / len(RULES) / len(alike)
    # a comparison with NaN is False
    stands_out = {
        "agreement": agreement_p < limit and tau < 0.5 * _mean(standing.of_others),
        "consistency": consistency_p < limit and own.share - 0.5 < 0.5 * (others.share - 0.5),
        "side": left_p < limit and abs(sides.share - 0.5) >= SIDE_EXCESS,
        "order": entry.p < limit and abs(entry.tau) >= ORDER_TAU,
    }
    low, high = own.interval()
    left_low, left_high = sides.interval()
    return AssessorReliability(
        name,
        finished=status["finished"],
        open=status["open"],
        declined=status["declined"],
        answers=answers,
        seconds_per_answer=_median(works),
        tie_share=verdicts["tie"] / answers if answers else nan,
        skip_share=verdicts["skip"] / answers if answers else nan,
        repeats=own.of,
        consistency=own.share,
        consistency_low=low,
        consistency_high=high,
        attention_checks=checks.of,
        attention_passed=int(checks.hits),
        datasets=len(standing.taus),
        leave_one_out_tau=tau,
        agreement_p=agreement_p,
        consistency_p=consistency_p,
        sided_answers=sides.of,
        left_share=sides.share,
        left_low=left_low,
        left_high=left_high,
        left_p=left_p,
        order_tau=entry.tau,
        order_p=entry.p,
        weight=weight,
        flags=tuple(rule for rule in RULES if stands_out[rule]),
    )


def _overall(works: Sequence[Work], datasets: Sequence[DatasetAgreement], assessors: int) -> OverallAgreement:
    status = Counter(work.status for work in works)
    alike, checks, sides = (total(map(count, works)) for count in (repeats, attention, lefts))
    entry = entry_bias(works)
    shared = [row for row in datasets if row.assessors > 1]
    days = Counter(time.date().isoformat() for work in works for time in work.times)
    low, high = alike.interval()
    return OverallAgreement(
        assessors,
        finished=status["finished"],
        open=status["open"],
        declined=status["declined"],
        answers=sum(len(work.answers) for work in works),
        datasets=len(datasets),
        shared_datasets=len(shared),
        kendall_w=_mean(row.kendall_w for row in shared),
        krippendorff_alpha=_mean(row.krippendorff_alpha for row in shared),
        pairwise_tau=_mean(row.pairwise_tau for row in shared),
        leave_one_out_tau=_mean(row.leave_one_out_tau for row in shared),
        seconds_per_answer=_median(works),
        repeats=alike.of,
        consistency=alike.share,
        consistency_low=low,
        consistency_high=high,
        attention_checks=checks.of,
        attention_passed=int(checks.hits),
        sided_answers=sides.of,
        left_share=sides.share,
        left_p=side_p(sides),
        order_sessions=entry.sessions,
        order_tau=entry.tau,
        order_p=entry.p,
        answers_by_day=tuple(sorted(days.items())),
    )


def _lowest_p(places: Sequence[tuple[int, int]]) -> float:
    """Chance that places, 1 is lowest, dealt evenly among so many each, sum to no more; NaN of none."""
    if not places:
        return nan
    # chances of the sum of places, each counted from 0
    chances = np.ones(1)
    for _, count in places:
        chances = np.convolve(chances, np.full(count, 1 / count))
    return float(min(chances[: sum(place - 1 for place, _ in places) + 1].sum(), 1.0))


def _fewer_p(own: Count, others: Count) -> float:
    """Chance of so few hits, or fewer, were both alike: Fisher's exact test, halves for the doubt; NaN of none."""
    from scipy.stats import hypergeom

    if not own.of or not others.of:
        return nan
    hits, more = ceil(own.hits), floor(others.hits)
    return float(hypergeom.cdf(hits, own.of + others.of, hits + more, own.of))


def _median(works: Iterable[Work]) -> float:
    seconds = [second for work in works for second in work.seconds]
    return float(np.median(seconds)) if seconds else nan


def _mean(values: Iterable[float]) -> float:
    """Of those that are defined; NaN of none."""
    known = [value for value in values if not isnan(value)]
    return float(np.mean(known)) if known else nan


def _said(value: float, form: str = ".2f") -> str:
    return format(value, form) if isfinite(value) else "unknown"


def _said_p(value: float) -> str:
    return "p unknown" if isnan(value) else f"p {value:.3f}" if value >= 0.001 else "p < 0.001"


def _names(kind: Any) -> list[str]:
    return [each.name for each in fields(kind)]


def _record(row: Any) -> dict[str, Any]:
    return {name: None if isinstance(value, float) and isnan(value) else value for name, value in asdict(row).items()}
