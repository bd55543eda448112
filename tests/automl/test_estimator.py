"""AutoClusterer from the outside: it finds planted clusters, keeps its promises, and refuses what it must."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import make_moons
from sklearn.exceptions import NotFittedError
from sklearn.metrics import adjusted_rand_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from gamac_meta import AutoClusterer
from gamac_meta.automl import estimator as module
from gamac_meta.automl._landmarks import starts
from gamac_meta.exceptions import InvalidInputError, SearchError
from rankers import load
from rankers.structure import StructureHead

FEW = {"time_budget": None, "n_trials": 12}


def fits(found):
    """The trials that are no landmarks."""
    return found.trials_[found.trials_["stage"] != "landmark"]


@pytest.fixture(scope="module")
def clouds():
    rng = np.random.default_rng(4)
    member = np.repeat(np.arange(3), 50)
    return rng.normal(size=(150, 2)) + 8.0 * np.array([[0, 0], [1, 0], [0, 1]])[member], member


@pytest.fixture(scope="module")
def fitted(clouds):
    return AutoClusterer(time_budget=None, n_trials=40).fit(clouds[0])


def test_planted_clouds_are_found(clouds, fitted):
    assert adjusted_rand_score(clouds[1], fitted.labels_) == 1.0
    assert fitted.n_clusters_ == 3
    assert fitted.labels_.shape == fitted.noise_mask_.shape == (150,)
    assert fitted.score_ == fitted.trials_["score"].max()
    assert fitted.measure_ == "choice"
    assert fitted.recommendation_.best in fitted.recommendation_.measures


@pytest.mark.parametrize("measure", ["auto", "silhouette", lambda _, labels: float(labels.max())])
def test_no_structure_is_said_beside_the_labels(clouds, measure):
    names = load().learned.feature_names
    zeros, ones = np.zeros(len(names)), np.ones(len(names))
    for intercept, is_missing in ((-2.0, True), (2.0, False)):
        model = replace(load(), structure=StructureHead(names, zeros, ones, zeros, intercept, 0.3))
        found = AutoClusterer(measure, model=model, **FEW | {"n_trials": 2}).fit(clouds[0])
        assert found.structure_ == pytest.approx(1.0 / (1.0 + np.exp(-intercept)))
        assert found.notices_[0].startswith("no structure found: 12% sure") == is_missing
        assert found.account().structure.is_missing == is_missing
        assert sum("no structure" in notice for notice in found.account().notices) == is_missing
        assert found.labels_.max() >= 1


def test_a_model_that_never_learned_structure_claims_nothing(clouds):
    found = AutoClusterer(model=replace(load(), structure=None), **FEW | {"n_trials": 2}).fit(clouds[0])
    assert np.isnan(found.structure_)
    assert not any("structure" in notice for notice in found.notices_)


def test_new_points_join_the_nearest(clouds, fitted):
    X, _ = clouds
    assert np.array_equal(fitted.predict(X), fitted.labels_)
    assert fitted.predict([[8.0, 0.1]])[0] == fitted.labels_[75]
    with pytest.raises(ValueError, match="3 features"):
        fitted.predict([[1.0, 2.0, 3.0]])


def test_the_trials_tell_the_whole_story(fitted):
    trials = fitted.trials_
    assert len(fits(fitted)) == 40
    assert set(trials["stage"]) == {"landmark", "portfolio"}
    assert trials["number"].is_unique
    assert set(trials["state"]) <= {"ok", "same", "refused", "failed", "timed out"}
    assert (trials.loc[trials["state"] == "ok", "score"].notna()).all()
    same = trials[trials["state"] == "same"].iloc[0]
    assert np.array_equal(fitted.partition(int(same["number"])), fitted.partition(int(same["same_as"])))
    best = trials.loc[trials["score"].idxmax()]
    assert (best["algorithm"], best["parameters"]) == (
        fitted.best_params_["algorithm"],
        fitted.best_params_["parameters"],
    )


def test_the_best_estimator_makes_the_best_partition(clouds, fitted):
    made = fitted.best_estimator_
    labels = made.labels_ if hasattr(made, "labels_") else made.predict(clouds[0])
    assert adjusted_rand_score(labels, fitted.labels_) == 1.0


def test_runners_up_differ(fitted):
    assert fitted.runners_up_
    for runner in fitted.runners_up_:
        assert runner.likeness < 0.8
        assert adjusted_rand_score(runner.labels, fitted.labels_) == pytest.approx(runner.likeness)


def test_the_page_holds_the_answer(fitted, tmp_path):
    path = fitted.save_report(tmp_path / "report.html", "<clouds>")
    page = path.read_text()
    assert "3 clusters found by" in page
    assert "<clouds>" not in page
    assert "data:image/png" in page


def test_a_seed_fixes_the_outcome(clouds):
    def story():
        found = AutoClusterer(time_budget=None, n_trials=130, random_state=5).fit(clouds[0])
        assert (found.trials_["stage"] == "search").any()
        frame = found.trials_[["number", "algorithm", "preprocessing", "parameters", "score", "state", "same_as"]]
        return frame.to_json(), found.labels_.tolist()

    first = story()
    assert story() == first


@pytest.mark.parametrize(
    ("measure", "name"),
    [("silhouette", "silhouette"), (["silhouette", "dbcv"], "silhouette+dbcv"), ("learned", "learned")],
)
def test_measures_by_name(clouds, measure, name):
    found = AutoClusterer(measure, **FEW).fit(clouds[0])
    assert found.measure_ == name
    assert adjusted_rand_score(clouds[1], found.labels_) == 1.0


def test_the_recommended_measure_is_the_one_recommended(clouds):
    found = AutoClusterer("recommended", **FEW).fit(clouds[0])
    assert found.measure_ == found.recommendation_.best


def test_a_function_scores(clouds):
    found = AutoClusterer(lambda _, labels: -abs(labels.max() - 4), **FEW).fit(clouds[0])
    assert found.n_clusters_ == 5


def test_noise_is_filled_or_kept():
    X, _ = make_moons(200, noise=0.03, random_state=0)
    X = np.vstack([X, np.random.default_rng(0).uniform(-3, 4, size=(20, 2))])
    kept = AutoClusterer(lambda _, labels: float(np.mean(labels < 0)), noise="keep", **FEW).fit(X)
    assert np.array_equal(kept.labels_ < 0, kept.noise_mask_)
    assert kept.noise_mask_.any()
    filled = AutoClusterer(lambda _, labels: float(-labels.max()), noise="fill", **FEW).fit(X)
    assert filled.labels_.min() == 0


def test_many_points_are_searched_on_few(monkeypatch, clouds):
    monkeypatch.setattr(module, "SEARCH_POINTS", 60)
    X, member = clouds
    found = AutoClusterer(**FEW).fit(X)
    assert found.labels_.shape == (150,)
    assert adjusted_rand_score(member, found.labels_) == 1.0
    assert "searched on 60 of 150 points" in found.notices_[0]


def test_units_do_not_decide(clouds):
    X, member = clouds
    found = AutoClusterer(**FEW).fit(X * [1.0, 1e5])
    assert found.scale_ == "standard"
    assert "columns were given unit variance" in found.notices_[0]
    assert adjusted_rand_score(member, found.labels_) == 1.0
    assert np.array_equal(found.predict(X * [1.0, 1e5]), found.labels_)
    assert AutoClusterer(scale="common", **FEW).fit(X).scale_ == "common"


def test_frames_pipelines_and_clones(clouds):
    X, member = clouds
    frame = pd.DataFrame(X, columns=["a", "b"])
    found = clone(AutoClusterer(**FEW)).fit(frame)
    assert list(found.feature_names_in_) == ["a", "b"]
    assert np.array_equal(found.predict(frame.head(5)), found.labels_[:5])
    assert np.array_equal(found.labels_, AutoClusterer(**FEW).fit(pl.from_pandas(frame)).labels_)
    piped = make_pipeline(StandardScaler().set_output(transform="pandas"), AutoClusterer(**FEW)).fit_predict(frame)
    assert adjusted_rand_score(member, piped) == 1.0


IN_OUR_WORDS = "refused, as all of the package does, by rule and value, not in scikit-learn's words"


@parametrize_with_checks(
    [AutoClusterer(time_budget=None, n_trials=6)],
    expected_failed_checks=lambda _: {
        "check_complex_data": IN_OUR_WORDS,
        "check_dtype_object": IN_OUR_WORDS,
        "check_estimators_empty_data_messages": IN_OUR_WORDS,
        "check_fit2d_1sample": IN_OUR_WORDS,
    },
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"time_budget": 0}, "time_budget must be above 0, or None, got 0"),
        ({"time_budget": -1.0}, "time_budget must be above 0, or None, got -1.0"),
        ({"time_budget": float("nan")}, "time_budget must be above 0, or None, got nan"),
        ({"time_budget": None}, "time_budget or n_trials must be given, got None for both"),
        ({"n_trials": 0}, "n_trials must be at least 1, or None, got 0"),
        ({"n_jobs": 0}, "n_jobs must be at least 1, or -1 for all cores, got 0"),
        ({"patience": None}, "patience must be at least 1, got None"),
        ({"random_state": -1}, r"random_state must be a whole number from 0 to 2\*\*31 - 1, got -1"),
        ({"random_state": 2**32 - 1}, r"random_state must be a whole number from 0 to 2\*\*31 - 1, got 4294967295"),
        ({"noise": "drop"}, "noise must be one of fill, keep, got 'drop'"),
        ({"min_cluster_share": 0.9}, "min_cluster_share must be from 0 to 0.5, got 0.9"),
        ({"max_noise_share": -0.1}, "max_noise_share must be from 0 to 1, got -0.1"),
        ({"trial_time_limit": 0}, "trial_time_limit must be above 0, or None, got 0"),
        ({"memory_limit": 0}, "memory_limit must be at least 1, or None, got 0"),
        ({"measure": "silhouete"}, "did you mean 'silhouette'"),
        ({"measure": []}, "measure must be 'auto', 'learned'"),
        ({"measure": 3}, "measure must be 'auto', 'learned'"),
        ({"backend": "gpu"}, "backend must be one of auto, numpy, cupy, got 'gpu'"),
        ({"scale": "log"}, "scale must be one of"),
    ],
)
def test_options_that_break_a_rule_are_refused_before_any_work(monkeypatch, clouds, options, match):
    monkeypatch.setattr(module, "Workers", None)
    with pytest.raises(InvalidInputError, match=match):
        AutoClusterer(**options).fit(clouds[0])


def test_text_columns_are_refused_by_name(clouds):
    frame = pd.DataFrame(clouds[0], columns=["a", "b"]).assign(kind="x")
    with pytest.raises(InvalidInputError, match=r"non-numeric column.*'kind'; drop them or encode them"):
        AutoClusterer(**FEW).fit(frame)


def test_columns_of_one_name_are_refused(clouds):
    with pytest.raises(InvalidInputError, match="columns of different names, got 'a' twice"):
        AutoClusterer(**FEW).fit(pd.DataFrame(clouds[0], columns=["a", "a"]))


def test_very_large_numbers_are_no_matter(clouds):
    found = AutoClusterer(**FEW).fit(clouds[0] * 5e298)
    assert adjusted_rand_score(clouds[1], found.labels_) == 1.0
    assert np.array_equal(found.predict(clouds[0] * 5e298), found.labels_)


def test_a_measure_that_is_never_defined_is_named_and_leaves_no_half_fitted_estimator(clouds):
    def unknown(_, labels):
        return np.nan

    found = AutoClusterer(unknown, **FEW)
    with pytest.raises(SearchError, match=r"none of \d+ trials has a score: your function unknown is undefined on all"):
        found.fit(clouds[0])
    with pytest.raises(NotFittedError):
        found.predict(clouds[0])


def test_a_journal_of_another_model_is_refused(clouds, tmp_path):
    path = tmp_path / "search.jsonl"
    AutoClusterer(journal=path, **FEW).fit(clouds[0])
    other = load()
    other = replace(other, card={**other.card, "name": "another"})
    with pytest.raises(InvalidInputError, match="the journal of the same search, got another scored by "):
        AutoClusterer(journal=path, model=other, **FEW).fit(clouds[0])


def test_a_journal_of_another_function_is_refused(clouds, tmp_path):
    def nearest_to(count):
        return lambda _, labels: -abs(labels.max() + 1 - count)

    few = {"time_budget": None, "journal": tmp_path / "search.jsonl"}
    first = AutoClusterer(nearest_to(4), n_trials=4, **few).fit(clouds[0])
    again = AutoClusterer(nearest_to(4), n_trials=6, **few).fit(clouds[0])
    assert again.trials_.head(len(first.trials_)).equals(first.trials_)
    with pytest.raises(InvalidInputError, match="the journal of the same search, got another measure "):
        AutoClusterer(nearest_to(5), n_trials=6, **few).fit(clouds[0])


def test_where_no_trial_gives_a_partition_the_first_cause_is_named(clouds):
    with pytest.raises(SearchError, match=r"none of \d+ trials gave a partition; the first: \w+ refused: "):
        AutoClusterer(min_cluster_share=0.5, **FEW).fit(np.random.default_rng(0).normal(size=(60, 1)) ** 9)


def test_a_journal_is_gone_on_with(clouds, tmp_path):
    path = tmp_path / "search.jsonl"
    first = AutoClusterer(time_budget=None, n_trials=10, journal=path).fit(clouds[0])
    second = AutoClusterer(time_budget=None, n_trials=20, journal=path).fit(clouds[0])
    assert len(fits(first)) == 10
    assert len(fits(second)) == 20
    assert second.trials_.head(len(first.trials_)).equals(first.trials_)
    assert second.trials_["number"].is_unique
    assert (second.trials_["stage"] == "landmark").sum() == (first.trials_["stage"] == "landmark").sum()
    tried = fits(second)[["algorithm", "preprocessing", "parameters"]].astype(str)
    assert not tried.duplicated().any()
    assert second.score_ >= first.score_
    with pytest.raises(InvalidInputError, match="must be the journal of the same search"):
        AutoClusterer("silhouette", journal=path, **FEW).fit(clouds[0])


def test_the_budget_is_kept_and_an_interrupt_keeps_the_best(clouds):
    """In a process of its own, that gets Ctrl-C after a few trials."""
    code = """
import numpy as np, sys
from gamac_meta import AutoClusterer
rng = np.random.default_rng(4)
X = rng.normal(size=(150, 2)) + 8.0 * np.array([[0, 0], [1, 0], [0, 1]])[np.repeat(np.arange(3), 50)]
found = AutoClusterer(time_budget=600, patience=10**6, verbose=True).fit(X)
print(found.n_clusters_, found.notices_[-1])
"""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], start_new_session=True, **pipes) as process:
        said = next(line for line in process.stderr if "clusters by" in line)
        process.send_signal(signal.SIGINT)
        out, rest = process.communicate(timeout=120)
    assert process.returncode == 0, said + rest
    assert "the search ended because it was interrupted" in out


def test_the_time_budget_is_kept(clouds):
    start = time.monotonic()
    found = AutoClusterer(time_budget=8.0, patience=10**6).fit(clouds[0])
    # generous: a loaded machine may be slow to stop
    assert time.monotonic() - start < 16.0
    assert "the time was spent" in found.notices_[-1]


@pytest.mark.parametrize(("n", "noise"), [(300, "fill"), (1500, "fill"), (1500, "keep")])
def test_a_landmark_that_wins_is_an_answer_like_any_other(n, noise, tmp_path):
    X, _ = make_moons(n, noise=0.1, random_state=0)

    def thirty(_, labels):
        return -abs(int(labels.max()) + 1 - 30)

    found = AutoClusterer(thirty, time_budget=None, n_trials=1, noise=noise).fit(X)
    assert found.best_params_ == {"algorithm": "kmeans", "preprocessing": "none", "parameters": {"n_clusters": 30}}
    assert found.n_clusters_ == 30
    assert adjusted_rand_score(found.best_estimator_.labels_, found.labels_) == 1.0
    assert np.array_equal(found.predict(X), found.labels_)
    best = found.trials_.loc[found.trials_["score"].idxmax()]
    assert (best["stage"], best["seconds"]) == ("landmark", 0.0)
    assert "30 clusters found by kmeans" in found.save_report(tmp_path / "report.html").read_text()


@pytest.mark.parametrize("measure", ["auto", "silhouette"])
def test_a_budget_in_which_no_worker_can_answer_gives_an_answer(monkeypatch, clouds, measure):
    class Starting:
        """Workers that never get up."""

        idle = 1

        def __init__(self, *_, **__):
            pass

        def submit(self, _):
            self.idle = 0

        def wait(self, timeout):
            time.sleep(timeout)
            return []

        def close(self):
            pass

    monkeypatch.setattr(module, "Workers", Starting)
    found = AutoClusterer(measure, time_budget=0.5).fit(clouds[0])
    assert set(found.trials_["stage"]) == {"landmark"}
    assert adjusted_rand_score(clouds[1], found.labels_) == 1.0


def test_compilation_that_the_answer_waits_for_is_told(monkeypatch, clouds):
    def compiling(*arguments):
        from numba import njit

        njit(lambda x: x + 1)(1)
        time.sleep(0.7)
        return starts(*arguments)

    monkeypatch.setattr(module, "starts", compiling)
    monkeypatch.setattr(module, "NOTED", 0.0)
    found = AutoClusterer("silhouette", time_budget=0.3).fit(clouds[0])
    assert adjusted_rand_score(clouds[1], found.labels_) == 1.0
    told = [
        notice for notice in found.notices_ if "kernels were compiled" in notice or "the answer came after" in notice
    ]
    assert len(told) == 2
    monkeypatch.setattr(module, "starts", starts)
    again = AutoClusterer(time_budget=None, n_trials=1).fit(clouds[0])
    assert not any("compiled" in notice for notice in again.notices_)


@pytest.mark.parametrize("lines", [4, 30])
def test_a_search_killed_among_the_landmarks_or_later_goes_on_without_a_trial_lost_or_made_twice(
    clouds, tmp_path, lines
):
    """In a process of its own, that is killed when its journal holds so many lines."""
    path, points = tmp_path / "search.jsonl", tmp_path / "points.npy"
    np.save(points, clouds[0])
    code = f"""
import numpy as np
from gamac_meta import AutoClusterer
AutoClusterer(time_budget=600, n_jobs=2, patience=10**6, journal={str(path)!r}).fit(np.load({str(points)!r}))
"""
    with subprocess.Popen([sys.executable, "-c", code]) as process:
        until = time.monotonic() + 120
        while not path.exists() or path.read_bytes().count(b"\n") < lines:
            assert time.monotonic() < until
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    whole = [json.loads(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")][1:]
    held = [line["record"]["number"] for line in whole]
    found = AutoClusterer(time_budget=None, n_trials=60, journal=path).fit(clouds[0])
    plain = AutoClusterer(time_budget=None, n_trials=1).fit(clouds[0])
    stages = [each.trials_[each.trials_["stage"] == "landmark"] for each in (found, plain)]
    assert sorted(stages[0]["number"]) == sorted(stages[1]["number"])
    assert found.trials_["number"].tolist()[: len(held)] == held
    assert found.trials_["number"].is_unique
    assert not fits(found)[["algorithm", "preprocessing", "parameters"]].astype(str).duplicated().any()
    assert len(fits(found)) == 60
    assert adjusted_rand_score(clouds[1], found.labels_) == 1.0
