"""What a comparison says: figures, intervals, the rule of promotion, and what it refuses to compare."""

import json
from dataclasses import replace
from shutil import copytree

import numpy as np
import pytest
from scipy.stats import kendalltau

from corpus.build import build
from gamac_meta.exceptions import InvalidInputError, ModelError
from rankers.assembly import assemble
from rankers.comparison import (
    ALL,
    CONTENDERS,
    DECIDING,
    FIGURES,
    FORMER,
    PEOPLE,
    Change,
    PairedComparison,
    compare_models,
    compare_pipelines,
)
from rankers.metrics import Interval
from rankers.mixing import short
from rankers.training import train
from rankers.validation import LEARNED, leave_out


@pytest.fixture(autouse=True, scope="module")
def few_folds():
    """More folds take longer and show the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rankers.validation.FOLDS", 2)
        yield


def reversed_order(entry):
    return entry.orders[0].ranks.max() + 1 - entry.orders[0].ranks if entry.index < 7 else None


# ---- the rule ------------------------------------------------------------------------------------


def changed(judge, contender, low, high, figure="tau"):
    interval = Interval((low + high) / 2, low, high)
    return Change(judge, contender, figure, 10, 0.5, 0.5 + interval.mean, interval, interval)


UNSURE, WORSE, BETTER = (-0.1, 0.1), (-0.2, -0.1), (0.1, 0.2)


@pytest.mark.parametrize("contender", DECIDING)
@pytest.mark.parametrize(
    ("by_people", "by_former", "promoted"),
    [
        (UNSURE, UNSURE, True),
        (WORSE, UNSURE, False),
        (WORSE, BETTER, False),
        (UNSURE, WORSE, False),
        (BETTER, WORSE, True),
        (BETTER, BETTER, True),
        (None, WORSE, False),
        (None, UNSURE, True),
    ],
)
def test_who_is_promoted(contender, by_people, by_former, promoted):
    changes = [changed(FORMER, contender, *by_former)]
    if by_people:
        changes.append(changed(PEOPLE, contender, *by_people))
    objections = PairedComparison("a", "b", tuple(changes)).objections()
    assert (objections == ()) is promoted
    assert all(text.startswith(contender) for text in objections)


def test_what_does_not_decide_is_not_objected_to():
    changes = (
        changed(PEOPLE, "learned choice", *WORSE),
        changed(PEOPLE, LEARNED, *WORSE, figure="regret"),
        changed(ALL, LEARNED, *WORSE),
    )
    assert PairedComparison("a", "b", changes).objections() == ()


def test_only_what_is_known_can_be_asked_for():
    comparison = PairedComparison("a", "b", ())
    assert comparison.change(PEOPLE, LEARNED) is None
    with pytest.raises(InvalidInputError, match="judge must be one of people, former, all, got 'mother'"):
        comparison.change("mother", LEARNED)
    with pytest.raises(InvalidInputError, match="figure must be one of tau, regret, pool_regret, got 'rho'"):
        comparison.change(PEOPLE, LEARNED, "rho")


# ---- pipelines -----------------------------------------------------------------------------------


@pytest.fixture
def contradicted(asked):
    """A corpus on seven data sets of which a person contradicts the first simulated assessor."""
    return asked({"anna": reversed_order})


def test_both_are_judged_on_the_same_data_sets_that_neither_saw(contradicted, few_trees, simulated_corpus):
    with few_trees():
        comparison = compare_pipelines(contradicted)
        former, new = (assemble(place) for place in (simulated_corpus, contradicted))
        held_out = [leave_out(each.lesson) for each in (former, new)]
    rows = [row for row, case in enumerate(new.lesson.cases) if case.people is not None]
    assert len(rows) == 7
    judges = {
        PEOPLE: {row: new.lesson.cases[row].people for row in rows},
        FORMER: {row: case.consensus for row, case in enumerate(former.lesson.cases)},
    }
    judges[ALL] = judges[FORMER] | judges[PEOPLE]
    for judge, references in judges.items():
        change = comparison.change(judge, LEARNED)
        means = []
        for each in held_out:
            scores = {row: each.learned[row][new.lesson.cases[row].chosen] for row in references}
            means.append(np.mean([kendalltau(-scores[row], ranks).statistic for row, ranks in references.items()]))
        assert change.datasets == len(references)
        assert (change.former, change.new) == pytest.approx(tuple(means))
        assert change.difference.mean == pytest.approx(means[1] - means[0])
        assert change.difference.low < change.difference.mean < change.difference.high
    places = [
        (reference[np.argmax(scores[case.chosen])] - 1) / 14
        for case, scores in zip(new.lesson.cases, held_out[1].learned, strict=True)
        if (reference := case.people) is not None
    ]
    assert comparison.change(PEOPLE, LEARNED, "regret").new == pytest.approx(np.mean(places))


def test_a_comparison_says_everything_in_a_frame_and_in_words(contradicted, few_trees):
    with few_trees():
        comparison = compare_pipelines(contradicted)
    frame = comparison.to_frame()
    assert len(frame) == 3 * len(CONTENDERS) * len(FIGURES)
    assert (frame["low"] <= frame["difference"]).all()
    assert frame["new"].to_numpy() - frame["former"].to_numpy() == pytest.approx(frame["difference"], abs=2e-4)
    json.dumps(comparison.to_record(), allow_nan=False)
    report = comparison.report()
    for words in (*CONTENDERS, "taught by simulated assessors", "7 orders of 1 person", "data sets they ordered (7)"):
        assert words in report


def test_the_same_teaching_is_not_compared(simulated_corpus):
    with pytest.raises(InvalidInputError, match="nothing to compare: simulated assessors taught the former, and nob"):
        compare_pipelines(simulated_corpus)


def test_a_former_model_stands_for_those_whom_its_card_names(asked, few_trees, tmp_path):
    only_two = {"anna": lambda entry: reversed_order(entry) if entry.index < 2 else None}
    with few_trees():
        model = train(asked(only_two), out=tmp_path / "model").directory
        comparison = compare_pipelines(asked({"anna": reversed_order}), former=model)
    assert comparison.former == "taught by 2 orders of anna and simulated assessors"


# ---- saved models --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    place = tmp_path_factory.mktemp("foreign") / "corpus"
    build(place, datasets=5, seed=77, assessors=2, progress=False)
    return place


@pytest.fixture(scope="module")
def models(simulated_corpus, few_trees, tmp_path_factory):
    """Two models of one corpus that differ by their seed."""
    place = tmp_path_factory.mktemp("models")
    with few_trees():
        return tuple(train(simulated_corpus, out=place / f"{seed}", seed=seed).directory for seed in (0, 1))


def with_card(model, place, **corpus):
    """A copy of the model whose card says something else of its corpus; None takes away."""
    copy = copytree(model, place)
    card = json.loads((copy / "card.json").read_text())
    said = card["corpus"] | corpus
    card["corpus"] = {name: value for name, value in said.items() if value is not None}
    (copy / "card.json").write_text(json.dumps(card))
    return copy


def test_saved_models_are_compared_on_data_that_is_foreign_to_both(models, foreign):
    same = compare_models(models[0], models[0], foreign)
    assert {change.difference.mean for change in same.changes} == {0.0}
    assert {change.judge for change in same.changes} == {ALL}
    assert same.remarks == ()
    there, back = compare_models(*models, foreign), compare_models(*reversed(models), foreign)
    assert there.change(ALL, LEARNED).difference.mean == pytest.approx(-back.change(ALL, LEARNED).difference.mean)
    assert there.change(ALL, LEARNED).difference.mean != 0
    assert f"default 1 in {models[0]}" in there.report()


def test_a_model_is_not_judged_on_what_it_learned_from(models, simulated_corpus):
    with pytest.raises(ModelError, match=r"must be foreign to corpus .*, got one that learned from it"):
        compare_models(*models, simulated_corpus)


def test_data_sets_that_one_of_them_learned_from_are_left_out(models, foreign, tmp_path):
    cases = assemble(foreign).lesson.cases
    seen = " ".join(short(case.dataset) for case in cases[:2])
    comparison = compare_models(models[0], with_card(models[1], tmp_path / "seen", fingerprints=seen), foreign)
    assert comparison.change(ALL, LEARNED).datasets == 3
    assert "WARNING: 2 data sets are left out, since one of the models learned from them." in comparison.report()
    everything = " ".join(short(case.dataset) for case in cases)
    with pytest.raises(ModelError, match="2 groups at least that neither learned from, got 0 data sets"):
        compare_models(with_card(models[1], tmp_path / "all", fingerprints=everything), models[0], foreign)


def test_a_card_that_does_not_say_what_it_saw_brings_a_warning(models, foreign, tmp_path):
    silent = with_card(models[0], tmp_path / "silent", fingerprints=None)
    assert compare_models(silent, models[1], foreign).remarks == ()
    same_seed = with_card(models[0], tmp_path / "same", fingerprints=None, built_with={"seed": 77})
    report = compare_models(same_seed, models[1], foreign).report()
    assert "WARNING: default 1" in report
    assert "built with the same seed 77" in report


def test_a_model_of_other_measures_is_refused_by_name(models, foreign, monkeypatch):
    assembled = assemble(foreign)
    lesson = replace(assembled.lesson, measures=assembled.lesson.measures[1:])
    monkeypatch.setattr("rankers.comparison.assemble", lambda *_, **__: replace(assembled, lesson=lesson))
    with pytest.raises(ModelError, match=f"they differ in {assembled.lesson.measures[0]}"):
        compare_models(*models, foreign)
