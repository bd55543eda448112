"""Whose orders are heard, and that features and targets mean the same measures."""

import json
import sqlite3
from shutil import copytree
from types import SimpleNamespace

import numpy as np
import pytest

from corpus.build import build
from corpus.consensus import consensus
from corpus.store import CorpusStore
from gamac_meta import MEASURES
from gamac_meta.exceptions import CorpusError, InvalidInputError, ModelError, PromotionRefusedError
from rankers._pairs import pair_feature_names
from rankers.assembly import assemble
from rankers.persistence import load
from rankers.reading import Reading
from rankers.training import evaluate_pipeline, train


@pytest.fixture(scope="module")
def directory(tmp_path_factory):
    place = tmp_path_factory.mktemp("training") / "corpus"
    build(place, datasets=4, seed=2, assessors=1, progress=False)
    return place


def test_features_stand_beside_the_measures_they_are_of(directory):
    lesson = assemble(directory).lesson
    case, row = lesson.cases[0], lesson.measures.index("silhouette")
    column = pair_feature_names("points").index("landmark_tau_to_silhouette")
    assert case.landmark_pairs[row, column] == pytest.approx(1.0)
    greater = case.landmark_pairs[:, pair_feature_names("points").index("greater_is_better")]
    assert greater.tolist() == [float(MEASURES[name].greater_is_better) for name in lesson.measures]


def test_partitions_are_placed_among_the_landmarks_by_values_on_the_same_points(directory):
    # whether the corpus's own tables were used or the sample was measured again
    lesson = assemble(directory).lesson
    with CorpusStore(directory) as store:
        entry = store.read(0)
    model = SimpleNamespace(learned=SimpleNamespace(measures=lesson.measures, feature_names=lesson.feature_names))
    reading = Reading(model, entry.data)
    assert reading.features == pytest.approx(lesson.cases[0].features)
    found = reading.partition_features(entry.pool)
    m = len(lesson.measures)
    off = np.abs(found - lesson.cases[0].pool_partitions)
    assert off[:, m:].max() < 1e-6
    # the corpus measures points in another frame: these look at columns, or are not free of scale under noise
    framed = {"ratkowsky_lance", "s_dbw", "sd_scat", "banfield_raftery", "scott_symons"}
    others = [column for column, name in enumerate(lesson.measures) if name not in framed]
    # one landmark's worth where values tie but for the snapping of points
    assert np.mean(off[:, others] > 1e-6) < 0.01
    assert off[:, others].max() < 0.1


def test_one_order_has_no_others_to_agree_with(directory, few_trees):
    with few_trees():
        training = train(directory)
    figures = training.model.card["figures"]["tau"]
    assert not any("assessor" in name for name in figures)
    json.dumps(training.model.card, allow_nan=False)
    report = training.report()
    for words in ("learned measure, shuffled targets", "random measure", "silhouette", "virtual best", "simulated"):
        assert words in report


def test_what_is_left_out_must_be_known(directory):
    with pytest.raises(InvalidInputError, match="by must be one of group, base, got 'family'"):
        evaluate_pipeline(directory, by="family")


def test_a_full_directory_is_refused_before_any_work(directory, tmp_path, monkeypatch):
    (tmp_path / "thesis.txt").write_text("years of work")
    monkeypatch.setattr("rankers.training.assemble", lambda *_, **__: pytest.fail("work was done before the check"))
    with pytest.raises(ModelError, match=r"must be empty or hold a model, got 'thesis\.txt'"):
        train(directory, out=tmp_path)


def test_a_corpus_of_too_few_groups_is_refused(tmp_path):
    build(tmp_path / "two", datasets=2, seed=1, progress=False)
    with pytest.raises(CorpusError, match="needs at least 3, got 2; build more data sets"):
        assemble(tmp_path / "two")


def test_a_corpus_of_unknown_measures_is_refused_by_name(directory, monkeypatch):
    monkeypatch.delitem(MEASURES._members, "cop")
    with pytest.raises(CorpusError, match="this installation lacks its measures cop; build it anew"):
        assemble(directory)


def test_a_person_changes_the_target_of_that_data_set_only(asked, simulated_corpus):
    before = assemble(simulated_corpus)
    after = assemble(asked({"anna": lambda entry: 16 - entry.orders[0].ranks if entry.index == 0 else None}))
    changed = np.any(after.lesson.relevance != before.lesson.relevance, axis=1)
    assert changed.tolist() == [True, *[False] * 11]
    assert after.teachers.counts == {"real": 1, "simulated": 36}
    assert [case.people is None for case in after.lesson.cases] == [False, *[True] * 11]


# ---- promotion -----------------------------------------------------------------------------------


def at_random(seed):
    return lambda entry: np.random.default_rng([seed, entry.index]).permutation(len(entry.candidates)) + 1.0


def like_the_others(entry):
    return consensus(entry.orders[:3]).ranks


def content(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture(autouse=True, scope="module")
def few_folds():
    """More folds take longer and show the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rankers.validation.FOLDS", 3)
        yield


@pytest.fixture(scope="module")
def former(simulated_corpus, few_trees, tmp_path_factory):
    """A model of simulated assessors."""
    with few_trees():
        return train(simulated_corpus, out=tmp_path_factory.mktemp("former") / "model").directory


@pytest.fixture
def out(former, tmp_path):
    """A directory that holds it."""
    return copytree(former, tmp_path / "model")


def test_people_who_answer_at_random_do_not_get_their_model_promoted(asked, out, few_trees):
    people = {name: at_random(seed) for seed, name in enumerate(("anna", "ben", "cleo"))}
    directory, before = asked(people), content(out)
    with few_trees(), pytest.raises(PromotionRefusedError) as refused:
        train(directory, out=out)
    message = str(refused.value)
    assert f"must not be worse than the one in {out}, which stays: learned measure, judged by those who" in message
    assert "\n" not in message
    assert "By the consensus of people, on the data sets they ordered (12)" in refused.value.report
    assert content(out) == before
    assert [path.name for path in out.parent.iterdir() if path.name.startswith(".")] == []
    with few_trees():
        forced = train(directory, out=out, force=True)
    assert load(out).card["assessors"]["people"] == {"anna": 12, "ben": 12, "cleo": 12}
    assert forced.comparison.objections()


def test_people_who_agree_get_their_model_promoted_and_are_named(asked, out, few_trees):
    directory = asked({"anna": like_the_others, "ben": lambda entry: like_the_others(entry) if entry.index else None})
    with few_trees():
        training = train(directory, out=out)
    card = load(out).card
    assert card["assessors"]["kind"] == "real and simulated"
    assert card["assessors"]["people"] == {"anna": 12, "ben": 11}
    assert card["assessors"]["people_datasets"] == 12
    assert "one person's order weighs as much as 25 simulated ones" in card["consensus"]
    assert card["compared"] == json.loads(json.dumps(training.comparison.to_record()))
    assert training.comparison.objections() == ()
    report = training.report()
    assert report.startswith(
        "Learned from 23 orders of 2 people on 12 of 12 data sets (anna 12, ben 11), and 36 orders"
    )
    assert "Former: taught by simulated assessors\n" in report


def test_the_former_is_what_it_was_taught_even_by_the_same_people(asked, out, few_trees):
    def only(rows):
        return {"anna": lambda entry: like_the_others(entry) if entry.index in rows else None}

    with few_trees():
        train(asked(only(range(3))), out=out)
        later = train(asked(only(range(12))), out=out, force=True)
        again = train(asked({}), out=out)
    assert later.comparison.former == "taught by 3 orders of anna and simulated assessors"
    assert again.comparison is None  # nobody else taught it


def test_a_model_is_not_replaced_by_one_that_lacks_its_people(asked, out, simulated_corpus, few_trees):
    with few_trees():
        train(asked({"anna": like_the_others}), out=out, force=True)
        before = content(out)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("rankers.training.leave_out", lambda *_, **__: pytest.fail("work was done before the check"))
            with pytest.raises(PromotionRefusedError, match="12 orders of people that taught it must be on record, go"):
                train(simulated_corpus, out=out)
        assert content(out) == before
        train(simulated_corpus, out=out, force=True)
    assert load(out).card["assessors"]["people"] == {}


def test_a_model_that_cannot_be_read_is_replaced(simulated_corpus, out, few_trees):
    (out / "card.json").write_text("{")
    with few_trees():
        train(simulated_corpus, out=out)
    assert load(out).card["compared"] is None


def test_people_alone_teach_a_model_that_is_compared_with_nothing(asked, tmp_path, out, few_trees):
    directory = asked({"anna": like_the_others})
    with sqlite3.connect(directory / "orders.sqlite") as connection:
        connection.execute("DELETE FROM orders WHERE simulated")
    connection.close()
    with few_trees():
        training = train(directory, out=tmp_path / "other")
        assert training.comparison is None
        assert training.teachers.kind == "real"
        with pytest.raises(PromotionRefusedError, match="needs orders that taught the former on every data set, 12 ha"):
            train(directory, out=out)
