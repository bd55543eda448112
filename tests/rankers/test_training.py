"""Whose orders are heard, and that features and targets mean the same measures."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from corpus.build import build
from corpus.store import CorpusStore
from gamac_meta import MEASURES
from gamac_meta.exceptions import CorpusError, InvalidInputError, ModelError
from gamac_meta.types import Ranking
from rankers._pairs import pair_feature_names
from rankers.reading import Reading
from rankers.training import assemble, evaluate_pipeline, heard_orders, train


def order(assessor, *ranks):
    return Ranking(np.array(ranks, dtype=float), assessor)


def test_people_are_heard_alone_where_there_are_any():
    simulated, person = order("simulated-0", 1, 2, 3), order("anna", 3, 2, 1)
    assert heard_orders((simulated, person)) == (person,)
    assert heard_orders((simulated,)) == (simulated,)


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


def test_a_person_changes_the_target_of_that_data_set_only(directory, tmp_path):
    from shutil import copytree

    place = copytree(directory, tmp_path / "copy")
    before = assemble(place)
    with CorpusStore(place) as store:
        entry = store.read(0)
        reversed_order = Ranking(16 - entry.orders[0].ranks, "anna")
        key = (entry.data.fingerprint, store._manifest.entries[0].candidates)
        store.orders.add(key, [reversed_order])
    after = assemble(place)
    changed = np.any(after.lesson.relevance != before.lesson.relevance, axis=1)
    assert changed.tolist() == [True, False, False, False]
    assert after.orders == {"real": 1, "simulated": 3}
