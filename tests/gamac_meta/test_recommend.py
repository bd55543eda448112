import json
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_iris, make_blobs, make_moons

import rankers
from gamac_meta import MEASURES, backend, evaluate, recommend_measure, score_partitions
from gamac_meta.advice import as_record
from gamac_meta.agreement import kendall_tau
from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError, ModelError
from gamac_meta.recommend import CANDIDATE_POINTS, _sample, block_of
from gamac_meta.types import PartitionSet
from rankers.structure import StructureHead


@pytest.fixture(scope="module")
def moons():
    return make_moons(200, noise=0.05, random_state=0)[0]


@pytest.fixture(scope="module")
def advice(moons):
    return recommend_measure(moons)


def test_all_measures_of_the_model_best_first(advice):
    model = rankers.load()
    assert sorted(advice.measures) == sorted(model.card["measures"])
    assert advice.best == advice.measures[0]
    first = len(advice.trio)
    assert advice.trio == advice.measures[:first]
    assert np.all(np.diff(advice.scores[:first]) <= 0)
    assert np.all(np.diff(advice.scores[first:]) <= 0)
    assert np.all(np.diff(advice.agreement) <= 1e-12)


def test_the_interval_holds_the_prediction(advice):
    assert np.all(advice.low <= advice.agreement)
    assert np.all(advice.agreement <= advice.high)
    assert np.all((advice.low >= -1) & (advice.high <= 1))


def test_no_structure_is_a_caution(moons):
    names = rankers.load().learned.feature_names
    zeros, ones = np.zeros(len(names)), np.ones(len(names))
    for intercept, is_missing in ((-2.0, True), (2.0, False)):
        model = replace(rankers.load(), structure=StructureHead(names, zeros, ones, zeros, intercept, 0.3))
        advice = recommend_measure(moons, model=model)
        assert advice.structure == pytest.approx(1.0 / (1.0 + np.exp(-intercept)))
        assert any(caution.startswith("no structure found: 12% sure") for caution in advice.cautions) == is_missing
        assert as_record(advice)["structure"] == pytest.approx(advice.structure, abs=1e-4)
    unknown = recommend_measure(moons, model=replace(rankers.load(), structure=None))
    assert np.isnan(unknown.structure)
    assert as_record(unknown)["structure"] is None
    assert unknown.cautions == ()


def test_frame(advice):
    frame = advice.to_frame()
    assert list(frame.columns) == ["measure", "title", "agreement", "low", "high", "greater_is_better"]
    assert frame.index[0] == 1
    assert frame["title"].iloc[0] == MEASURES[advice.best].title


def test_html_names_measure_model_and_simulated_assessors(advice):
    html = advice._repr_html_()
    for words in (MEASURES[advice.best].title, advice.model, "simulated assessors", "<table"):
        assert words in html


def test_explanation_is_in_words_and_largest_first(advice):
    explanation = advice.explain()
    frame = explanation.to_frame()
    assert np.all(np.diff(frame["effect"].abs()) <= 0)
    assert frame["meaning"].str.len().min() > 8
    assert MEASURES[advice.best].title in explanation.text


def test_effects_sum_to_the_lead_over_the_mean_score(advice):
    # SHAP values are additive: effects against the mean over measures add up to the score against its mean
    total = advice.explain().effects.sum()
    assert total == pytest.approx(advice.scores[0] - advice.scores.mean(), abs=1e-6)


def test_explain_any_measure_but_not_an_unknown_one(advice):
    assert advice.explain("silhouette").measure == "silhouette"
    with pytest.raises(InvalidInputError, match="measure must be one of those ranked, got 'nonsense'"):
        advice.explain("nonsense")


@pytest.mark.parametrize("count", [0, 19])
def test_the_trio_in_front_comes_and_is_explained_together(moons, count):
    model = rankers.load()
    trios = np.arange(3 * count).reshape(-1, 3)
    together = {basis: replace(ranker, trios=trios) for basis, ranker in model.recommenders.items()}
    advice = recommend_measure(moons, model=replace(model, recommenders=together))
    assert advice.trio == (advice.measures[:3] if count else ())
    assert len({model.card["measures"].index(name) // 3 for name in advice.trio}) == bool(count)
    for name in advice.measures[:4]:
        others = [MEASURES[other].title for other in advice.trio if other != name]
        said = f"First together with {' and '.join(others)}:"
        assert (said in advice.explain(name).text) == (name in advice.trio)


def test_plot_draws_the_numbers_of_the_frame(advice):
    axes = advice.plot(top=5)
    labels = [text.get_text() for text in axes.get_yticklabels()]
    assert set(labels) == {MEASURES[name].title for name in advice.measures[:5]}
    assert "simulated" in axes.get_xlabel()


@pytest.mark.parametrize("change", ["reordered", "translated", "rescaled", "turned"])
def test_advice_does_not_depend_on_how_the_data_are_written(moons, advice, change):
    X = {
        "reordered": moons[np.random.default_rng(0).permutation(len(moons))],
        "translated": moons + np.array([100.0, -50.0]),
        "rescaled": moons * 8.0,
        "turned": moons @ np.array([[0.6, -0.8], [0.8, 0.6]]),
    }[change]
    assert recommend_measure(X).measures == advice.measures


def test_frames_give_the_same_advice(moons, advice):
    for frame in (pd.DataFrame(moons, columns=["a", "b"]), pl.DataFrame({"a": moons[:, 0], "b": moons[:, 1]})):
        assert recommend_measure(frame).measures == advice.measures


def test_input_is_left_alone(moons):
    X = moons.copy()
    X.flags.writeable = False
    recommend_measure(X)
    assert np.array_equal(X, moons)


def test_candidates_change_the_advice_and_their_order_does_not(moons):
    rng = np.random.default_rng(0)
    from sklearn.cluster import AgglomerativeClustering

    linkages = ("ward", "average", "single", "complete")
    labels = np.array(
        [AgglomerativeClustering(k, linkage=link).fit_predict(moons) for k in (2, 3, 5) for link in linkages]
    )
    advice = recommend_measure(moons, partitions=labels)
    again = recommend_measure(moons, partitions=labels[rng.permutation(len(labels))])
    assert advice.measures == again.measures
    assert advice.measures != recommend_measure(moons).measures


def test_sample_of_candidates_keeps_every_cluster():
    n = 5 * CANDIDATE_POINTS
    labels = np.zeros((2, n), dtype=np.int32)
    labels[0, :3] = 1
    labels[1, -1] = 1
    X = np.random.default_rng(0).normal(size=(n, 2))
    points, sampled = _sample(X, PartitionSet(labels), 0)
    assert len(points) == sampled.n <= CANDIDATE_POINTS + 10
    assert sampled.n_clusters.tolist() == [2, 2]


@pytest.mark.parametrize("n", [300, 2 * CANDIDATE_POINTS])
def test_points_of_candidates_are_the_same_however_they_are_written(n):
    rng = np.random.default_rng(1)
    X = np.round(rng.normal(size=(n, 3)) + 4.0 * rng.integers(0, 3, (n, 1)), 1)
    labels = rng.integers(0, 4, size=(3, n))
    rows = rng.permutation(n)
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    points, sampled = _sample(X, PartitionSet(labels), 0)
    for moved in (X[rows], X[rows] - 31.7, X[rows] @ turn):
        again, same = _sample(moved, PartitionSet(labels[:, rows]), 0)
        assert again.shape == points.shape
        assert again == pytest.approx(points, abs=1e-6)
        if n <= CANDIDATE_POINTS:
            counts = [np.unique(each.labels, axis=1, return_counts=True) for each in (sampled, same)]
            assert all(np.array_equal(a, b) for a, b in zip(*counts, strict=True))


def test_equal_points_of_candidates_go_by_their_labels():
    rng = np.random.default_rng(4)
    X = np.repeat(rng.normal(size=(40, 2)), 5, axis=0)
    labels = rng.integers(0, 3, size=(2, len(X)))
    rows = rng.permutation(len(X))
    points, sampled = _sample(X, PartitionSet(labels), 0)
    again, same = _sample(X[rows], PartitionSet(labels[:, rows]), 0)
    assert np.array_equal(points, again)
    assert np.array_equal(sampled.labels, same.labels)


def test_a_sample_of_candidates_is_not_all_one_point():
    X = np.zeros((3 * CANDIDATE_POINTS, 2))
    X[77] = 1.0
    points, _ = _sample(X, PartitionSet(np.arange(len(X))[None, :] % 2), 0)
    assert np.ptp(points, axis=0).max() > 0


def test_a_prepared_data_set_says_what_was_done():
    X = np.column_stack([load_iris().data, np.ones(150)])
    with pytest.warns(UserWarning, match="dropped 1 constant column"):
        advice = recommend_measure(X, scale="standard")
    assert advice.prepared.dropped == ("4",)
    assert advice.prepared.scale == "standard"
    assert advice.prepared.data.X.std(axis=0) == pytest.approx(np.ones(4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"partitions": np.zeros((3, 200), dtype=int)}, r"at least 2 clusters each, got fewer in row\(s\) 0, 1, 2"),
        ({"partitions": np.zeros((3, 10), dtype=int)}, "must label each of 200 points, got 10"),
        ({"partitions": np.arange(200) % 2}, "at least 2 candidates to be compared, got 1"),
        ({"scale": "robust"}, "scale must be one of .* got 'robust'"),
        ({"random_state": -1}, "random_state must be a whole number >= 0, got -1"),
        ({"random_state": 0.5}, "random_state must be a whole number >= 0, got 0.5"),
        ({"backend": "tpu"}, "backend must be one of auto, numpy, cupy, got 'tpu'"),
    ],
)
def test_bad_options_are_refused_before_any_work(moons, arguments, message, monkeypatch):
    import metafeatures

    monkeypatch.setattr(metafeatures, "describe", lambda *_: pytest.fail("work was done before the check"))
    with pytest.raises(InvalidInputError, match=message):
        recommend_measure(moons, **arguments)


def test_a_gpu_is_never_silently_replaced_by_the_cpu(moons, monkeypatch):
    monkeypatch.setattr(backend, "gpu_status", lambda: (False, "no device answers"))
    with pytest.raises(BackendUnavailableError, match="cupy"):
        recommend_measure(moons, backend="cupy")


def test_a_broken_model_is_refused_before_any_work(moons, tmp_path, monkeypatch):
    import metafeatures

    monkeypatch.setattr(metafeatures, "describe", lambda *_: pytest.fail("work was done before the check"))
    (tmp_path / "card.json").write_text(json.dumps({"format": 2, "schema_version": -3}))
    with pytest.raises(ModelError, match="schema -3"):
        recommend_measure(moons, model=tmp_path)


def test_wide_and_small_data_come_with_cautions(moons, advice):
    X, _ = make_blobs(60, n_features=120, centers=3, random_state=0)
    cautions = recommend_measure(X).cautions
    assert any(caution.startswith("120 columns, the model learned from data sets of 2 to 64") for caution in cautions)
    assert any(caution.startswith("60 points, ") for caution in cautions)
    assert advice.cautions == ()


def test_candidates_of_too_many_clusters_are_refused(moons):
    labels = np.arange(1200) % np.array([[2], [1001]])
    X = np.random.default_rng(0).normal(size=(1200, 2))
    with pytest.raises(InvalidInputError, match="at most 1000 clusters each, got 1001 in row 1"):
        recommend_measure(X, partitions=labels)


def test_kinds_of_reasons_add_up_to_all_effects(advice):
    explanation = advice.explain()
    blocks = explanation.by_block()
    assert blocks["effect"].sum() == pytest.approx(explanation.effects.sum())
    assert np.all(np.diff(blocks["effect"].abs()) <= 0)
    assert set(blocks["block"]) <= {block_of(name) for name in explanation.features}
    assert blocks["block"].iloc[0] in explanation.text


def test_candidates_are_judged_by_agreement_with_the_learned_measure(moons):
    rng = np.random.default_rng(2)
    labels = np.array(
        [(moons[:, 0] > cut).astype(int) + (moons[:, 1] > rng.normal()) for cut in np.linspace(-0.5, 1.5, 8)]
    )
    advice = recommend_measure(moons, partitions=labels)
    scores = score_partitions(moons, labels)
    table = evaluate(advice.prepared.data.X, labels)
    taus = dict(zip(table.measures, kendall_tau(-table.ranks(), scores[:, None])[:, 0], strict=True))
    assert np.mean([taus[name] for name in advice.measures[:5]]) > np.mean(
        [taus[name] for name in advice.measures[-20:]]
    )


def test_few_candidates_come_with_a_caution(moons):
    labels = np.array([moons[:, 0] > 0, moons[:, 1] > 0, moons[:, 0] > 0]).astype(int)
    cautions = recommend_measure(moons, partitions=labels).cautions
    assert cautions == ("2 different candidates, the model learned from 15 each: the intervals are a guess here",)
