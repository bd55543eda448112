import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import AgglomerativeClustering, KMeans
from sklearn.datasets import load_iris, make_blobs, make_moons

import metafeatures
from gamac_meta import MeasureEngine, PartitionScorer, evaluate, recommend_measure, score_partitions
from gamac_meta.exceptions import InvalidInputError, UnknownNameError


@pytest.fixture(scope="module")
def moons():
    X, y = make_moons(300, noise=0.04, random_state=0)
    cut = [KMeans(k, n_init=1, random_state=0).fit_predict(X) for k in (2, 3, 5, 8)]
    chained = AgglomerativeClustering(2, linkage="single").fit_predict(X)
    return X, y, np.array([*cut, chained, np.random.default_rng(0).permutation(y)])


def test_the_learned_measure_prefers_the_moons_to_halves_and_noise(moons):
    X, y, labels = moons
    scores = score_partitions(X, np.vstack([labels, y]))
    assert scores.shape == (7,)
    assert np.isfinite(scores).all()
    assert scores[-1] == scores.max()
    assert scores[5] == scores.min()


def test_it_prefers_the_planted_blobs():
    X, y = make_blobs(400, centers=6, cluster_std=0.5, random_state=3)
    labels = [KMeans(k, n_init=5, random_state=0).fit_predict(X) for k in (2, 3, 4, 6, 9, 14)]
    assert score_partitions(X, np.array(labels)).argmax() == 3
    assert score_partitions(X, y)[0] > score_partitions(X, np.random.default_rng(0).permutation(y))[0]


def test_a_score_does_not_depend_on_the_other_partitions(moons):
    X, _, labels = moons
    scorer = PartitionScorer(X)
    together = scorer.score(labels)
    assert np.concatenate([scorer.score(row) for row in labels]) == pytest.approx(together, abs=1e-12)
    assert score_partitions(X, labels) == pytest.approx(together, abs=1e-12)


@pytest.mark.parametrize("change", ["reordered", "moved", "scaled", "turned", "frame"])
def test_scores_do_not_depend_on_how_the_data_are_written(moons, change):
    X, _, labels = moons
    order = np.random.default_rng(1).permutation(len(X))
    turn = np.array([[0.6, -0.8], [0.8, 0.6]])
    other, named = {
        "reordered": (X[order], labels[:, order]),
        "moved": (X + 40.0, labels),
        "scaled": (X * 1e3, labels),
        "turned": (X @ turn, labels),
        "frame": (pd.DataFrame(X), pd.DataFrame(labels.T)),
    }[change]
    assert score_partitions(other, named) == pytest.approx(score_partitions(X, labels), abs=1e-6)


def test_a_named_measure_scores_as_evaluate_says(moons):
    X, _, labels = moons
    found = score_partitions(X, labels, by="davies_bouldin", scale=None)
    assert found == pytest.approx(-evaluate(X, labels, ["davies_bouldin"]).values[:, 0])


def test_the_recommended_measure_is_the_recommended_one(moons):
    X, _, labels = moons
    scorer = PartitionScorer(X, by="recommended")
    advice = recommend_measure(X)
    assert scorer.measure == advice.best
    table = evaluate(advice.prepared.data.X, labels, [advice.best])
    assert scorer.score(labels) == pytest.approx(table.oriented()[:, 0], nan_ok=True)


def test_more_points_than_the_sample_holds():
    X, y = make_moons(3000, noise=0.04, random_state=1)
    cut = KMeans(2, n_init=1, random_state=0).fit_predict(X)
    good, bad = score_partitions(X, np.array([y, cut]))
    assert good > bad


@pytest.mark.parametrize("by", ["learned", "silhouette"])
def test_one_cluster_has_no_score(moons, by):
    X, y, _ = moons
    scores = score_partitions(X, np.array([np.zeros(300, dtype=int), y]), by=by)
    assert np.isnan(scores).tolist() == [True, False]
    # alone or in company
    assert np.isnan(score_partitions(X, np.zeros(300, dtype=int), by=by)).all()
    assert np.isnan(score_partitions(X, np.full(300, -1), by=by)).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"partitions": np.full((2, 300), 0.5)}, "labels must be"),
        ({"partitions": np.zeros((2, 20), dtype=int)}, "must label each of 300 points, got 20"),
        ({"by": "silhuette"}, "did you mean 'silhouette'"),
        ({"by": 3}, "unknown measure 3"),
        ({"backend": "tpu"}, "backend must be one of auto, numpy, cupy"),
    ],
)
def test_bad_options_are_refused_before_any_work(moons, arguments, message, monkeypatch):
    X, y, _ = moons
    monkeypatch.setattr(metafeatures, "describe", lambda *_: pytest.fail("work was done before the check"))
    with pytest.raises((InvalidInputError, UnknownNameError), match=message):
        score_partitions(X, **({"partitions": y} | arguments))


def test_tables_with_more_columns():
    X = load_iris().data
    labels = [KMeans(k, n_init=3, random_state=0).fit_predict(X) for k in (2, 3, 10)]
    scores = score_partitions(X, np.array([*labels, np.random.default_rng(0).permutation(labels[1])]))
    assert scores.argmin() == 3


def test_a_cluster_that_the_sample_misses_is_no_reason_to_refuse():
    X, y = make_blobs(20_000, centers=3, cluster_std=0.5, random_state=0)
    missed = np.setdiff1d(np.arange(20_000), metafeatures.describe(PartitionScorer(X).prepared.data).rows)[0]
    labels = np.zeros(20_000, dtype=int)
    labels[missed] = 1
    alone, good = score_partitions(X, labels)[0], score_partitions(X, y)[0]
    assert np.isfinite(alone)
    assert good > alone


def test_a_measures_score_is_exact_however_many_are_scored(monkeypatch):
    # a time limit would turn to estimates when many are scored at once
    given = []
    whole = MeasureEngine.evaluate
    monkeypatch.setattr(
        MeasureEngine, "evaluate", lambda self, *args, **options: given.append(options) or whole(self, *args, **options)
    )
    X, y = make_blobs(60, centers=3, random_state=0)
    score_partitions(X, y, by="gamma")
    assert given == [{"time_limit": None}]
