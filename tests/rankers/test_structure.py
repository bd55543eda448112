"""What tells structure from none: learned where it is planted, calibrated, kept with the model, else silent."""

import json
from shutil import copytree

import numpy as np
import pytest
from planted import planted_model

from corpus.structureless import FAMILIES
from gamac_meta.exceptions import ModelError
from metafeatures import NAMES
from rankers.assembly import FEATURES
from rankers.persistence import load, save
from rankers.reading import Reading
from rankers.structure import LOST, UNKNOWN, StructureHead
from rankers.structure_examples import VISIBLE, Example, corpus_examples, drawn_data, drawn_examples
from rankers.structure_training import COUNTS, Examples, fit_head, learn_structure, structure_examples

POINTS, COLUMNS = (FEATURES.index(name) for name in COUNTS[:2])
TELLING = FEATURES.index("hopkins")


def planted_examples(q=400, seed=0, telling=3.0):
    """q examples of 8 groups, of which one feature tells, and the number of points as well, by accident."""
    rng = np.random.default_rng(seed)
    found = []
    for place in range(q):
        structured = bool(rng.uniform() < 0.7)
        features = rng.normal(size=len(FEATURES))
        features[TELLING] += telling * structured
        features[POINTS] = np.log(rng.integers(100, 500) + 80 * structured)
        features[COLUMNS] = np.log(rng.choice([2, 5]))
        found.append(Example(features, np.empty((0, 0)), structured, f"group-{place % 8}", f"family-{place % 16}"))
    return found


@pytest.fixture(scope="module")
def learned():
    return learn_structure(planted_examples(), FEATURES)


def test_what_tells_is_learned_and_how_sure_it_is(learned):
    head, held = learned
    figures = held.figures()
    assert figures["auc"] > 0.85
    assert np.argmax(np.abs(head.weight)) == TELLING
    # what is said to be 80 % sure is so four times of five, about
    assert all(abs(said - true) < 0.15 for said, true in held.calibration)
    fresh = planted_examples(seed=9)
    said = np.array([head.structure(each.features).probability for each in fresh])
    table = Examples.of(fresh, FEATURES)
    assert np.average(said[~table.structured], weights=table.weight[~table.structured]) < 0.4
    assert np.average(said[table.structured], weights=table.weight[table.structured]) > 0.6


def test_few_with_structure_are_said_to_have_none(learned):
    _, held = learned
    assert held.rate(held.structured) == pytest.approx(LOST, abs=0.03)
    assert held.rate(~held.structured) > 0.3
    assert held.figures()["lost"] == pytest.approx(held.rate(held.structured), abs=1e-4)
    assert "none is claimed" in held.report()
    json.dumps(held.figures(), allow_nan=False)


def test_shuffled_targets_teach_nothing():
    examples = planted_examples(seed=3, telling=0.0)
    held = learn_structure(examples, FEATURES)[1]
    assert held.figures()["auc"] == pytest.approx(0.5, abs=0.1)


def test_sizes_are_no_sign_of_structure(learned):
    head, _ = learned
    assert [head.weight[FEATURES.index(name)] for name in COUNTS] == [0.0, 0.0, 0.0]
    table = Examples.of(planted_examples(), FEATURES)
    for kind in np.unique(table.kind):
        of = table.kind == kind
        with_structure, without = (table.weight[of & (table.structured == value)].sum() for value in (True, False))
        assert with_structure == pytest.approx(without)


def test_a_group_is_judged_by_what_saw_nothing_of_it():
    # in one group the sign is reversed: what learned from it would know
    examples = planted_examples(telling=4.0)
    turned = [
        Example(each.features, each.landmark_partitions, not each.structured, each.group, each.family)
        if each.group == "group-3"
        else each
        for each in examples
    ]
    held = learn_structure(turned, FEATURES)[1]
    of = np.array([each.group == "group-3" for each in turned])
    right = (held.probability > 0.5) == held.structured
    assert right[of].mean() < 0.3
    assert right[~of].mean() > 0.65


def test_a_feature_that_never_varies_is_of_no_account():
    examples = planted_examples(60)
    for each in examples:
        each.features[0] = 3.0
    head = fit_head(Examples.of(examples, FEATURES))
    assert head.weight[0] == 0.0
    assert np.isfinite(head.log_odds(examples[0].features))


# ---- what is learned from ------------------------------------------------------------------------


def test_what_is_drawn_is_kept_and_what_cannot_be_seen_is_left_out(tmp_path, simulated_corpus):
    from rankers.assembly import assemble

    lesson = assemble(simulated_corpus).lesson
    found = drawn_examples(tmp_path, 2, lesson.feature_names, lesson.measures)
    without = [each for each in found if not each.structured]
    assert {each.family for each in without} <= set(FAMILIES) | {"uniform_field", "single_cloud"}
    assert len(without) >= 2
    files = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.npz")}
    assert len(files) == 4
    damaged = next(iter(files))
    damaged.write_bytes(b"half a file")
    again = drawn_examples(tmp_path, 2, lesson.feature_names, lesson.measures)
    assert all(np.array_equal(one.features, two.features) for one, two in zip(found, again, strict=True))
    assert sum(path.stat().st_mtime_ns != time for path, time in files.items()) == 1
    # and is what advice on the same points looks at
    data, labels, group, family = drawn_data(*without[0].drawn)
    assert (without[0].group, without[0].family, labels.max()) == (group, family, 0)
    from metafeatures import extract

    columns = [NAMES.index(name) for name in lesson.feature_names]
    assert extract(data)[columns] == pytest.approx(without[0].features)


def test_views_without_classes_and_clusters_nobody_sees_are_not_learned_from(simulated_corpus):
    from dataclasses import replace

    from rankers.assembly import assemble

    case = assemble(simulated_corpus).lesson.cases[0]
    seen, unseen = (replace(case, agreement=np.array([0.0, worth])) for worth in (VISIBLE, VISIBLE - 0.01))
    plain, view = (replace(case, agreement=None, base=base) for base in (case.family, "a table"))
    assert [each.structured for each in corpus_examples([seen, unseen, plain, view])] == [True, False]


def test_a_small_corpus_teaches_no_structure(tmp_path, simulated_corpus):
    from rankers.assembly import assemble

    assert structure_examples(tmp_path, assemble(simulated_corpus).lesson) is None
    assert not any(tmp_path.iterdir())


def test_training_learns_it_and_the_card_says_how_well(tmp_path, simulated_corpus, few_trees, monkeypatch):
    from rankers.training import train

    monkeypatch.setattr("rankers.structure_training.FEWEST", 4)
    corpus = copytree(simulated_corpus, tmp_path / "corpus")
    with few_trees():
        training = train(corpus, out=tmp_path / "model", n_jobs=2)
    figures = load(training.directory).card["figures"]["structure"]
    assert figures == training.structure.figures()
    assert figures["structureless"] >= 4
    assert training.structure.report() in training.report()
    assert load(training.directory).structure.bar == training.model.structure.bar


# ---- in a model ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def model(few_trees, learned):
    from dataclasses import replace

    with few_trees():
        return replace(planted_model(), structure=learned[0])


def test_a_saved_head_says_the_same(model, tmp_path):
    again = load(save(model, tmp_path / "model")).structure
    features = np.random.default_rng(1).normal(size=len(FEATURES))
    assert isinstance(again, StructureHead)
    assert again.structure(features) == model.structure.structure(features)


def test_a_model_without_a_head_claims_nothing(model, tmp_path):
    from dataclasses import replace

    from gamac_meta.types import Dataset

    directory = save(replace(model, structure=None), tmp_path / "model")
    former = load(directory)
    assert former.structure is None
    data = Dataset(np.random.default_rng(0).normal(size=(80, 2)))
    said = Reading(former, data).structure
    assert said is UNKNOWN
    assert np.isnan(said.probability)
    assert not said.is_missing
    told = Reading(model, data).structure
    assert 0.0 <= told.probability <= 1.0
    assert told.is_missing == (told.probability < model.structure.bar)


@pytest.mark.parametrize(
    "change",
    [
        lambda part: part.pop("weight"),
        lambda part: part["center"].pop(),
        lambda part: part.update(spread=[None] * len(FEATURES)),
        lambda part: part.update(bar="high"),
    ],
)
def test_a_damaged_head_is_refused(model, tmp_path, change):
    directory = save(model, tmp_path / "model")
    card = json.loads((directory / "card.json").read_text())
    change(card["structure"])
    (directory / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match=r"card\.json is damaged"):
        load(directory)
