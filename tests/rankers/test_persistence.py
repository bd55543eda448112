import errno
import json
import os

import numpy as np
import pytest
from planted import planted_model

from gamac_meta.exceptions import ModelError, StorageFullError
from rankers import load
from rankers._partitions import partition_feature_names
from rankers.persistence import save


@pytest.fixture(scope="module")
def model(few_trees):
    with few_trees():
        return planted_model()


@pytest.fixture
def saved(model, tmp_path):
    return save(model, tmp_path / "model")


def edit_card(directory, **changes):
    card = json.loads((directory / "card.json").read_text())
    (directory / "card.json").write_text(json.dumps(card | changes))


def test_save_and_load_predict_alike(model, saved):
    rng = np.random.default_rng(5)
    for basis, recommender in model.recommenders.items():
        features = rng.normal(size=len(recommender.feature_names))
        pairs = rng.normal(size=(len(recommender.measures), len(recommender.pair_feature_names)))
        before, after = recommender.predict(features, pairs), load(saved).recommenders[basis].predict(features, pairs)
        for old, new in zip(before, after, strict=True):
            assert np.array_equal(old, new)


def test_the_learned_measure_scores_alike(model, saved):
    rng = np.random.default_rng(6)
    again = load(saved).learned
    features = rng.normal(size=len(again.feature_names))
    partitions = rng.normal(size=(7, len(partition_feature_names(again.measures))))
    assert np.array_equal(model.learned.score(features, partitions), again.score(features, partitions))
    assert np.array_equal(model.learned.choice(features, partitions), again.choice(features, partitions))


def edit_trios(directory, change):
    card = json.loads((directory / "card.json").read_text())
    for part in card["recommenders"].values():
        change(part)
    edit_card(directory, recommenders=card["recommenders"])


def test_trios_are_kept_by_name_and_a_model_without_any_puts_single_measures_first(model, saved):
    before = model.recommenders["points"].trios
    assert len(before) > 0
    assert np.array_equal(load(saved).recommenders["points"].trios, before)
    edit_trios(saved, lambda part: part.pop("trios"))
    single = load(saved).recommenders["points"]
    rng = np.random.default_rng(7)
    rows = rng.normal(size=len(single.feature_names)), rng.normal(size=(len(single.measures), len(single.columns)))
    said = single.predict(rows[0], rows[1][:, : len(single.pair_feature_names)])
    assert np.all(np.diff(said.scores) <= 0)


@pytest.mark.parametrize("trio", [["silhouette", "dunn"], ["silhouette", "dunn", "no_such_measure"], "dbcv"])
def test_damaged_trios_are_refused(saved, trio):
    edit_trios(saved, lambda part: part.update(trios=[trio] * 3))
    with pytest.raises(ModelError, match=r"card\.json is damaged"):
        load(saved)


def test_a_number_too_large_to_compute_with_is_refused(saved):
    card = json.loads((saved / "card.json").read_text())
    edit_card(saved, structure={name: [10**400] * len(card["features"]) for name in ("center", "spread", "weight")})
    with pytest.raises(ModelError, match=r"card\.json is damaged \(OverflowError"):
        load(saved)


def test_damaged_learned_measure_is_refused(saved):
    path = saved / "learned-labels.txt"
    path.write_text(path.read_text().replace("leaf_value", "leaf_valve", 1))
    with pytest.raises(ModelError, match=r"learned-labels\.txt is damaged, its hash differs"):
        load(saved)


@pytest.mark.parametrize(
    "change",
    [
        lambda columns: columns | {"consensus": columns["consensus"][::-1]},
        lambda columns: columns | {"top": columns["top"][:-1]},
        # as models named them whose heads all saw the same
        lambda columns: columns["consensus"],
    ],
)
def test_features_of_partitions_of_another_installation_are_refused(saved, change):
    card = json.loads((saved / "card.json").read_text())
    card["learned"]["columns"] = change(card["learned"]["columns"])
    edit_card(saved, learned=card["learned"])
    with pytest.raises(ModelError, match="its features of partitions are not those known here; retrain it"):
        load(saved)


def test_nothing_but_the_model_is_left_behind(model, tmp_path):
    save(model, tmp_path / "model")
    save(model, tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_missing_model(tmp_path):
    with pytest.raises(ModelError, match=r"no model at .*nowhere: card\.json is missing"):
        load(tmp_path / "nowhere")


def test_damaged_trees_are_refused_before_lightgbm_reads_them(saved):
    path = saved / "points-order.txt"
    path.write_text(path.read_text()[:-500])
    with pytest.raises(ModelError, match=r"points-order\.txt is damaged, its hash differs"):
        load(saved)


def test_missing_trees(saved):
    (saved / "candidates-agreement.txt").unlink()
    with pytest.raises(ModelError, match=r"candidates-agreement\.txt cannot be read"):
        load(saved)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"format": 2}', "[" * 100_000])
def test_damaged_card(saved, text):
    (saved / "card.json").write_text(text)
    with pytest.raises(ModelError, match=r"model .*"):
        load(saved)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": 99}, "format must be 2, got 99"),
        ({"schema_version": 0}, "meta-feature schema 0, this installation has schema"),
        ({"measures": ["silhouette", "no_such_measure"]}, "lacks: no_such_measure"),
        ({"features": ["other"]}, "needs meta-features that schema 1 lacks: other"),
        ({"recommenders": {}}, "the card must describe points, candidates, got"),
        ({"recommenders": {"points": {}}}, r"card\.json is damaged"),
        ({"assessors": None}, r"card\.json is damaged"),
        ({"corpus": {}}, r"card\.json is damaged \(KeyError: 'ranges'\)"),
    ],
)
def test_cards_of_another_kind_are_refused_by_name(saved, changes, message):
    edit_card(saved, **changes)
    with pytest.raises(ModelError, match=message):
        load(saved)


def test_full_disk_leaves_the_old_model_whole(model, saved, monkeypatch):
    before = {path.name: path.read_bytes() for path in saved.iterdir()}

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFullError, match="no room left to write the model"):
        save(model, saved)
    assert {path.name: path.read_bytes() for path in saved.iterdir()} == before
    assert [path.name for path in saved.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["thesis.txt", "card.json.bak", "deeper"])
def test_a_directory_of_other_things_is_left_alone(model, tmp_path, name):
    place = tmp_path / "work"
    (place / "deeper").mkdir(parents=True)
    (place / name).mkdir(exist_ok=True) if name == "deeper" else (place / name).write_text("years of work")
    with pytest.raises(ModelError, match=r"must be empty or hold a model, got .*; choose another directory"):
        save(model, place)
    assert (place / name).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_an_older_model_and_an_empty_directory_are_replaced(model, saved, tmp_path):
    (tmp_path / "empty").mkdir()
    for place in (saved, tmp_path / "empty"):
        assert load(save(model, place)).name == "planted 1"


def test_pair_features_of_another_installation_are_refused(saved):
    card = json.loads((saved / "card.json").read_text())
    names = card["recommenders"]["points"]["pair_features"]
    names[0], names[1] = names[1], names[0]
    edit_card(saved, recommenders=card["recommenders"])
    with pytest.raises(ModelError, match="its pair features for points are not those known here; retrain it"):
        load(saved)
