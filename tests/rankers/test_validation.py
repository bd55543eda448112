import numpy as np
import pytest

from rankers.validation import METHODS, leave_group_out, shuffled, subset, validate


@pytest.fixture(scope="module")
def validation(planted):
    return validate(planted, np.zeros(180), np.full(180, 0.3), n_jobs=1)


def test_learns_the_planted_rule_beyond_any_single_measure(validation):
    overall = validation.overall()
    assert overall["recommender"].low > overall["best_single"].high + 0.1
    assert overall["recommender"].mean > 0.45


def test_shuffled_targets_fall_to_the_random_level(validation):
    overall = validation.overall()
    assert abs(overall["shuffled"].mean - overall["random"].mean) < 0.06


def test_every_baseline_is_printed(validation):
    text = validation.report("simulated")
    assert list(validation.taus) == list(METHODS)
    for words in ("random measure", "best single measure", "silhouette", "Borda", "virtual best", "one assessor"):
        assert words in text
    assert "simulated assessors" in text
    assert set(validation.to_frame().index) == {f"group-{i}" for i in range(6)} | {"ALL"}


def test_virtual_best_is_never_beaten(validation):
    for method, values in validation.taus.items():
        if method not in ("borda", "assessors"):
            assert np.all(values <= validation.taus["virtual_best"] + 1e-12)


def test_interval_covers_about_as_often_as_it_says(validation):
    assert 0.8 <= validation.coverage <= 0.98


def test_a_left_out_group_is_never_seen(planted):
    # a group whose rule is the opposite of all others must be predicted by the others' rule
    relevance = planted.relevance.copy()
    odd = np.array(planted.groups) == "group-0"
    relevance[odd] = -relevance[odd]
    import dataclasses

    held_out = leave_group_out(dataclasses.replace(planted, relevance=relevance))
    chosen = held_out.scores[odd].argmax(axis=1)
    assert relevance[odd, chosen].mean() < 0


def test_shuffling_keeps_each_data_sets_values(planted):
    control = shuffled(planted, 3)
    assert np.sort(control.relevance, axis=1) == pytest.approx(np.sort(planted.relevance, axis=1))
    assert not np.array_equal(control.relevance, planted.relevance)


def test_worker_count_changes_nothing(planted):
    small = subset(planted, np.arange(60))
    one, two = leave_group_out(small, n_jobs=1), leave_group_out(small, n_jobs=2)
    assert np.array_equal(one.scores, two.scores)
    assert np.array_equal(one.agreement, two.agreement)
