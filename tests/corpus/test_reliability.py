"""Reports on planted studies: who is not to be relied on is found, who is honest is not accused."""

import json
from datetime import UTC, datetime, timedelta
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from planted_sessions import always_left, at_random, events_of, honest, later_is_better, study, work_of
from scipy.stats import binom, binomtest, kendalltau, norm

from corpus.habits import Count, Work, attention, entry_bias, lefts, repeats, side_p
from corpus.protocols import Answer, Event, make_plan
from corpus.reliability import LEVEL, RULES, agreement_report, report_of
from corpus.sessions import PRACTICE, SessionBook, Submission
from gamac_meta.agreement import kendall_w, krippendorff_alpha, leave_one_out_tau, pairwise_tau
from gamac_meta.types import Ranking

HONEST = {f"person-{number}": honest for number in range(5)}


@pytest.fixture(scope="module")
def planted():
    """The report on eight assessors of ten data sets, three of whom have a planted habit, and what it is on."""
    habits = {
        **HONEST,
        "clicker": lambda _: at_random,
        "leftist": lambda _: always_left,
        "late": later_is_better,
    }
    works, orders = study(habits, datasets=10, seed=7)
    return report_of(works, orders), works, orders


def flags(report):
    return {row.assessor: row.flags for row in report.assessors}


def test_planted_habits_are_flagged_and_honest_assessors_are_not(planted):
    found = flags(planted[0])
    assert "agreement" in found["clicker"]
    assert {"side", "consistency"} <= set(found["leftist"])
    assert found["late"] == ("order",)
    assert not any(found[name] for name in HONEST)


def test_habits_go_the_way_they_were_planted(planted):
    rows = {row.assessor: row for row in planted[0].assessors}
    assert rows["leftist"].left_share == 1.0
    assert rows["leftist"].consistency == 0.0  # sides are swapped
    assert rows["late"].order_tau > 0.2
    assert rows["clicker"].consistency < min(rows[name].consistency for name in HONEST)
    for name, row in rows.items():
        assert (row.weight > 0.5) == (name in HONEST or name == "late")
        assert row.finished == row.datasets == 10
        assert row.seconds_per_answer == 4.0


def test_everybody_preferring_what_comes_later_is_seen_over_all():
    biased, fair = (
        report_of(*study({f"person-{number}": habit for number in range(3)}, datasets=4, seed=3)).overall
        for habit in (later_is_better, honest)
    )
    assert biased.order_tau > 0.2
    assert biased.order_p < 1e-6
    assert fair.order_p > 0.01
    assert biased.order_sessions == 12


def test_no_more_honest_assessors_are_accused_than_stated():
    studies, size = 60, 4
    accused, p_values = 0, {"agreement": [], "consistency": [], "left": [], "order": []}
    for seed in range(studies):
        report = report_of(*study(dict(list(HONEST.items())[:size]), datasets=6, seed=seed, items=7))
        accused += any(row.flags for row in report.assessors)
        for name, values in p_values.items():
            # one of each study: those of the others depend on it
            values.append(getattr(report.assessors[0], f"{name}_p"))
    assert accused <= binom.ppf(0.99, studies, LEVEL)
    for values in p_values.values():
        assert np.sum(np.array(values) < 0.1) <= binom.ppf(0.99, studies, 0.1)
        assert np.median(values) < 0.99


def test_agreement_is_that_of_the_orders(planted):
    report, _, orders = planted
    for row in report.datasets:
        ranks = np.column_stack([order.ranks for order in orders[row.dataset, row.candidates]])
        expected = [measure(ranks) for measure in (kendall_w, krippendorff_alpha, pairwise_tau, leave_one_out_tau)]
        got = [row.kendall_w, row.krippendorff_alpha, row.pairwise_tau, row.leave_one_out_tau]
        assert got == pytest.approx(expected)
        assert row.assessors == 8
    assert report.overall.kendall_w == pytest.approx(np.mean([row.kendall_w for row in report.datasets]))
    for row in report.assessors:
        taus = []
        for group in orders.values():
            own = next(order.ranks for order in group if order.assessor == row.assessor)
            others = np.mean([order.ranks for order in group if order.assessor != row.assessor], axis=0)
            taus.append(kendalltau(own, np.round(others, 9)).statistic)
        assert row.leave_one_out_tau == pytest.approx(np.mean(taus))


def answers(*rows):
    return tuple(Answer(step, *row) for step, row in enumerate(rows))


def work(given, order=(0, 1, 2, 3), final=None, items=4):
    plan = make_plan("binary_insertion", items, 0)
    plan = type(plan)(**{**plan.to_record(), "order": order, "decoy_of": 1})
    final = None if final is None else np.array(final, dtype=float)
    return Work("person", ("dataset", "candidates"), "open", plan, answers(*given), (), (), final)


def test_repeats_are_counted_by_what_was_preferred_whatever_the_side():
    asked = [
        *((0, 1, "left", "insert"), (1, 0, "right", "repeat")),  # alike
        *((2, 0, "left", "insert"), (0, 2, "left", "repeat")),  # not
        *((2, 1, "tie", "insert"), (1, 2, "tie", "repeat")),  # alike
        *((3, 1, "tie", "insert"), (1, 3, "left", "repeat")),  # half
        *((3, 2, "right", "insert"), (2, 3, "skip", "repeat")),  # out
        *((4, 1, "right", "attention"), (0, 3, "left", "check")),
        *((3, 0, "right", "check"), (0, 3, "right", "repeat")),  # not: the one with swapped sides counts
    ]
    assert repeats(work(asked)) == (2.5, 5)
    assert lefts(work(asked)) == (5, 10)


def test_an_attention_check_is_passed_by_preferring_what_is_not_the_decoy():
    checks = [(1, 4, "left", "attention"), (4, 1, "left", "attention"), (4, 1, "tie", "attention"),
              (4, 1, "right", "attention"), (1, 4, "left", "attention"), (4, 1, "skip", "attention"),
              (1, 4, "left", "insert")]  # fmt: skip
    assert attention(work(checks)) == (3, 5)


def test_interval_and_side_test_are_those_of_scipy():
    for hits, of in ((0, 5), (3, 7), (60, 100), (9, 9)):
        expected = binomtest(hits, of).proportion_ci(method="wilson")
        assert Count(hits, of).interval() == pytest.approx((expected.low, expected.high), abs=1e-12)
        assert side_p(Count(hits, of)) == pytest.approx(binomtest(hits, of).pvalue)
    assert np.isnan([*Count(0, 0).interval(), side_p(Count(0, 0))]).all()


@pytest.mark.parametrize("final", [[1, 2, 3, 4, 5], [1.5, 1.5, 3, 4.5, 4.5], [3, 3, 3, 5, 1]])
def test_entry_bias_is_compared_with_orders_dealt_at_random(final):
    dealt = [kendalltau(places, np.negative(final)).statistic for places in permutations(range(5))]
    latest_is_best = work((), order=np.argsort(np.negative(final)).tolist(), final=final, items=5)
    bias = entry_bias([latest_is_best])
    assert bias.tau == pytest.approx(max(dealt))
    assert bias.p == pytest.approx(2 * norm.sf(bias.tau / np.std(dealt)))


def test_entry_bias_needs_an_order():
    unordered = work((), final=[2.5] * 4)
    assert entry_bias([work(()), unordered]).sessions == 0
    assert np.isnan(entry_bias([unordered]).p)


def test_places_are_low_by_the_exact_chance():
    # of three alike assessors one is last on all of four data sets with chance 3^-4
    low, high = Ranking([3, 2, 1, 4], "low"), [1, 2, 3, 4]
    orders = {(f"d{i}", "c"): [low, Ranking(high, "a"), Ranking(high, "b")] for i in range(4)}
    rows = {row.assessor: row for row in report_of([], orders).assessors}
    assert rows["low"].agreement_p == pytest.approx(3.0**-4)
    assert rows["a"].agreement_p == pytest.approx(1.0)
    assert rows["a"].finished == rows["a"].answers == 0


def test_a_report_on_nothing_says_so():
    report = report_of([], {})
    assert "0 assessors" in str(report)
    assert report.to_record()["overall"]["kendall_w"] is None
    assert [len(frame) for frame in report.to_frames().values()] == [0, 0]
    assert "leave_one_out_tau" in report.to_frames()["assessors"].columns


def test_a_report_is_json_and_frames_and_text(planted):
    report = planted[0]
    record = json.loads(json.dumps(report.to_record(), allow_nan=False))
    assert record["rules"].keys() == RULES.keys()
    assert record["overall"]["assessors"] == len(record["assessors"]) == 8
    assert sum(count for _, count in record["overall"]["answers_by_day"]) == record["overall"]["answers"]
    frames = report.to_frames()
    assert isinstance(frames["datasets"], pd.DataFrame)
    assert frames["assessors"].set_index("assessor").loc["late", "flags"] == ("order",)
    text = str(report)
    assert "FLAGGED: order" in text
    assert text.count("FLAGGED") == 3


@pytest.fixture
def book(tmp_path, orders_url):
    with SessionBook(orders_url or tmp_path / "orders.sqlite") as opened:
        yield opened


def submissions(session, events, timed=True):
    """Step n took n seconds."""
    return [
        Submission(f"{session.id}-{event.step}", event, 1000 * event.step if timed else None, None) for event in events
    ]


def test_the_report_of_a_book_is_that_of_its_sessions(book):
    rng = np.random.default_rng(0)
    values, works, orders = rng.normal(size=6), [], {}
    book.invite("ada", expires=datetime.now(UTC) + timedelta(days=1))
    for key in (("one", "c"), ("two", "c"), PRACTICE):
        for name in ("ada", "ben", "cleo"):
            plan = make_plan("binary_insertion", 6, int(rng.integers(2**31)))
            events = events_of(plan, honest(values), rng)
            session = book.open(name, key, plan)
            book.append(session.id, submissions(session, events))
            if key != PRACTICE:
                works.append(work_of(name, key, plan, events))
                orders.setdefault(key, []).append(Ranking(works[-1].final, name))
    book.orders.add(("one", "c"), [Ranking(np.arange(1.0, 7), "simulated-0")])
    declined = book.open("ada", ("three", "c"), make_plan("binary_insertion", 6, 1))
    book.append(declined.id, submissions(declined, [Event(0, "decline", {})]))
    begun = book.open("ben", ("three", "c"), plan)
    undone = [*events[:3], Event(3, "undo", {})]
    book.append(begun.id, submissions(begun, undone, timed=False))
    report, expected = agreement_report(book), report_of(works, orders)

    assert [row.dataset for row in report.datasets] == ["one", "three", "two"]
    assert report.datasets[0] == expected.datasets[0]
    assert (report.datasets[1].open, report.datasets[1].declined, report.datasets[1].assessors) == (1, 1, 0)
    assert report.overall.kendall_w == pytest.approx(expected.overall.kendall_w)
    rows = {row.assessor: row for row in report.assessors}
    assert rows.keys() == {"ada", "ben", "cleo"}
    assert rows["cleo"].answers == expected.assessors[2].answers
    steps = [answer.step for work in works if work.assessor == "cleo" for answer in work.answers]
    assert rows["cleo"].seconds_per_answer == np.median(steps)
    assert rows["ada"].declined == rows["ben"].open == 1
    assert rows["ben"].answers == expected.assessors[1].answers + 2  # the third was taken back
    assert rows["ben"].leave_one_out_tau == pytest.approx(expected.assessors[1].leave_one_out_tau)
    assert sum(count for _, count in report.overall.answers_by_day) == report.overall.answers


def test_orders_from_elsewhere_count_without_a_session(book):
    for name, ranks in (("ada", [1.0, 2.0, 3.0]), ("ben", [1.0, 3.0, 2.0]), ("simulated-0", [3.0, 2.0, 1.0])):
        book.orders.add(("one", "c"), [Ranking(np.array(ranks), name)])
    book.orders.add(("two", "c"), [Ranking(np.array([1.0, 2.0]), "simulated-0")])
    report = agreement_report(book)
    assert [(row.dataset, row.assessors, row.pairwise_tau) for row in report.datasets] == [
        ("one", 2, pytest.approx(1 / 3))
    ]
    assert [(row.assessor, row.finished, row.datasets) for row in report.assessors] == [("ada", 0, 1), ("ben", 0, 1)]
