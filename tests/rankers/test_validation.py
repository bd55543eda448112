"""What is held out is never seen, what is planted is learned, and noise teaches nothing."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from planted import GROUPS, planted_lesson

from gamac_meta.agreement import kendall_tau
from rankers import validation
from rankers.cases import folds, shuffled
from rankers.model import BASES
from rankers.pipeline import cross_scores, fit
from rankers.validation import (
    CHOICE,
    LEARNED,
    SHUFFLED,
    TITLES,
    HeldOut,
    calibrate,
    contenders,
    dealt_agreement,
    leave_out,
)


@pytest.fixture(scope="module")
def lesson():
    return planted_lesson(90)


@pytest.fixture(scope="module")
def held_out(lesson, few_trees):
    with few_trees():
        return leave_out(lesson)


@pytest.fixture
def few_folds(monkeypatch):
    monkeypatch.setattr(validation, "FOLDS", 2)


def agreement(lesson, scores):
    """Mean tau of scores of pools with the consensus."""
    return np.mean(
        [
            kendall_tau(seen[case.chosen][:, None], -case.consensus[:, None])[0, 0]
            for case, seen in zip(lesson.cases, scores, strict=True)
        ]
    )


def test_both_bases_find_the_planted_rule(lesson, held_out):
    relevance = lesson.relevance
    best_single = relevance.mean(axis=0).max()
    for basis in BASES:
        found = relevance[np.arange(len(relevance)), held_out.picks(basis)].mean()
        assert found > best_single + 0.1, basis


def test_the_learned_measure_is_better_than_any_single_one(lesson, held_out):
    assert agreement(lesson, held_out.learned) > lesson.relevance.mean(axis=0).max() + 0.2


def test_shuffled_targets_fall_to_the_random_level(lesson, few_trees):
    dealt = dataclasses.replace(lesson, cases=tuple(shuffled(lesson.cases, 3)))
    with few_trees():
        control = leave_out(dealt)
    relevance = lesson.relevance
    assert all(abs(tau) < 0.1 for tau in dealt_agreement(dealt, control).values())
    for basis in BASES:
        found = relevance[np.arange(len(relevance)), control.picks(basis)].mean()
        assert found < relevance.mean() + 0.12, basis
    assert abs(agreement(lesson, control.learned)) < 0.15


def test_a_leak_of_held_out_targets_would_show_on_the_dealt_ones(few_trees):
    lesson = planted_lesson(40)
    dealt = dataclasses.replace(lesson, cases=tuple(shuffled(lesson.cases, 3)))
    # the planted fault: trained on everything, what is predicted included
    with few_trees():
        leaky = fit(dealt.cases, dealt.feature_names, dealt.measures, 0)
    control = HeldOut(tuple(leaky.predict(case) for case in dealt.cases))
    assert dealt_agreement(dealt, control)[LEARNED] > 0.3


def test_the_learned_measure_behind_the_order_heads_has_not_seen_the_group(few_trees):
    lesson = planted_lesson(30)
    cases = [dataclasses.replace(case, agreement=None) for case in lesson.cases]
    odd = cases[0].group
    flipped = [
        dataclasses.replace(case, consensus=case.consensus.size + 1.0 - case.consensus) if case.group == odd else case
        for case in cases
    ]
    with few_trees():
        before, after = (cross_scores(each, lesson.feature_names, lesson.measures, 0) for each in (cases, flipped))
    same = [np.array_equal(a.pool, b.pool) for a, b in zip(before, after, strict=True)]
    own = [case.group == odd for case in lesson.cases]
    assert all(kept for kept, mine in zip(same, own, strict=True) if mine)
    assert not all(same)


def test_shuffling_keeps_each_data_sets_targets(lesson):
    control = shuffled(lesson.cases, 3)
    for case, dealt in zip(lesson.cases, control, strict=True):
        assert np.array_equal(np.sort(case.consensus), np.sort(dealt.consensus))
        assert np.array_equal(case.candidate_ranks, dealt.candidate_ranks)
        assert (case.agreement is None) == (dealt.agreement is None)
    assert any(not np.array_equal(a.consensus, b.consensus) for a, b in zip(lesson.cases, control, strict=True))


@pytest.mark.parametrize("by", ["group", "base"])
def test_what_is_left_out_is_never_seen(lesson, few_trees, few_folds, by):
    # where the rule is the opposite of all others, the others' rule must be predicted
    odd = getattr(lesson.cases[1], by)
    cases = tuple(
        dataclasses.replace(
            case,
            consensus=case.consensus.size + 1.0 - case.consensus,
            agreement=None if case.agreement is None else -case.agreement,
        )
        if getattr(case, by) == odd
        else case
        for case in lesson.cases
    )
    changed = dataclasses.replace(lesson, cases=cases)
    with few_trees():
        held = leave_out(changed, by=by)
    rows = [place for place, case in enumerate(cases) if getattr(case, by) == odd]
    assert changed.relevance[rows, held.picks("points")[rows]].mean() < 0
    only = dataclasses.replace(lesson, cases=tuple(cases[row] for row in rows))
    assert agreement(only, [held.learned[row] for row in rows]) < 0


def test_worker_count_changes_nothing(few_folds):
    small = planted_lesson(18)
    one, two = leave_out(small, n_jobs=1), leave_out(small, n_jobs=2)
    for first, second in zip(one.predicted, two.predicted, strict=True):
        assert np.array_equal(first.learned.pool, second.learned.pool)
        for basis in BASES:
            assert np.array_equal(first.order[basis], second.order[basis])
            assert np.array_equal(first.agreement[basis], second.agreement[basis])


def test_folds_part_no_name_and_are_balanced():
    names = [f"group-{place % GROUPS}" for place in range(60)] + ["large"] * 30
    fold = folds(names, 4)
    assert {len(set(fold[[other == name for other in names]])) for name in set(names)} == {1}
    assert sorted(np.bincount(fold)) == [20, 20, 20, 30]
    assert folds(names, 50).max() == GROUPS


def test_calibrated_interval_covers_about_as_often_as_it_says(lesson, held_out):
    for basis in BASES:
        found = calibrate(lesson, held_out, basis)
        assert 0.8 <= found.coverage <= 0.98
        assert set(found.group_coverage) == {f"group-{place}" for place in range(GROUPS)}


def test_a_groups_own_cases_do_not_calibrate_it():
    # one group errs far more than the others: an interval that never saw it cannot cover it
    rng = np.random.default_rng(0)
    q, m = 120, 5
    groups = np.array([f"group-{place % 4}" for place in range(q)])
    relevance = rng.normal(scale=0.05, size=(q, m)) - np.where(groups == "group-0", 0.8, 0.0)[:, None]
    predicted = SimpleNamespace(listed=lambda _: np.arange(m), agreement={"points": np.zeros(m)})
    lesson = SimpleNamespace(relevance=relevance, cases=[SimpleNamespace(group=group) for group in groups])
    found = calibrate(lesson, HeldOut((predicted,) * q), "points")
    assert found.group_coverage["group-0"] < 0.1
    assert found.group_coverage["group-1"] > 0.8


def test_contenders_have_names_that_say_what_they_are(held_out):
    picks, scores = contenders(held_out, SHUFFLED)
    assert list(picks) == [f"{title}, shuffled targets" for title in TITLES.values()]
    assert list(scores) == [f"{name}, shuffled targets" for name in (LEARNED, CHOICE)]
