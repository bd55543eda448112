"""The loop of a search, with an executor whose jobs end as the test says: what is tried, counted, scored and kept."""

import signal
import time
from collections import Counter
from contextlib import nullcontext
from zlib import crc32

import numpy as np
import pytest
from numba.core.event import trigger_event

from gamac_meta.automl._journal import Journal
from gamac_meta.automl._judge import Judge
from gamac_meta.automl._landmarks import Start
from gamac_meta.automl._search import Limits, Search
from gamac_meta.automl._space import Fit
from gamac_meta.automl._trials import filled, renumbered
from gamac_meta.automl._workers import Ended, Item
from gamac_meta.exceptions import BackendUnavailableError
from metafeatures import LANDMARKS

X = np.random.default_rng(0).normal(size=(40, 2)) + 9.0 * np.repeat(np.arange(2), 20)[:, None]


def cut_at(place):
    """Two clusters, the first of so many points."""
    return (np.arange(40) >= place).astype(np.int32)


class Leaving:
    """Fits that end with an exception of the executor after so many."""

    def __init__(self, error, after):
        self.error, self.left = error, after

    def __call__(self, algorithm, setting):
        self.left -= 1
        if self.left < 0:
            raise self.error
        return by_setting(algorithm, setting)


class Stub:
    """Ends the first of the jobs that wait with what `fit` says of each setting: labels, or the state of the end."""

    def __init__(self, fit, idle=1, last_first=False):
        self.fit, self.slots, self.last_first = fit, idle, last_first
        self.jobs, self.submitted, self.most_at_once = [], [], 0

    @property
    def idle(self):
        return self.slots - len(self.jobs)

    def submit(self, job):
        assert self.idle > 0
        self.jobs.append(job)
        self.submitted.append(job)
        self.most_at_once = max(self.most_at_once, len(self.jobs))

    def wait(self, _):
        job = self.jobs.pop(-1 if self.last_first else 0)
        come = []
        for place, setting in enumerate(job.payload.settings):
            labels = self.fit(job.payload.algorithm, setting)
            if isinstance(labels, str):
                return [*come, Ended(job.number, 0.1, labels, f"planted at {place}")]
            come.append(Item(job.number, Fit(place, labels, dict(setting), 0.01), 0.01))
        return [*come, Ended(job.number, 0.1, "ok", "")]


def first_share(_, labels):
    """Greater where the clusters are of like size."""
    return -abs(float(np.mean(labels == 0)) - 0.5)


def searched(
    executor, *, measure=first_share, spaces=("none",), seed=0, journal=None, landmarks=None, apart=False, **limits
):
    standard = {
        "time_budget": None, "n_trials": 60, "trial_seconds": 5.0, "patience": 20, "fill": True,
        "min_cluster_share": 0.0, "max_noise_share": 0.5,
    }  # fmt: skip
    search = Search(
        X, Judge(X, measure, None, "numpy"), executor, Limits(**standard | limits), spaces, seed, journal,
        landmarks=landmarks, apart=apart,
    )  # fmt: skip
    search.run()
    return search


class Silent:
    """Workers that do not answer."""

    idle = 1

    def submit(self, _):
        self.idle = 0

    def wait(self, timeout):
        time.sleep(timeout)
        return []


def three_landmarks():
    """Numbers 0, 1 and 4; the last is the best there is."""
    places = {0: 7, 1: 13, 4: 20}
    return [Start(number, "kmeans", {"n_clusters": 2}, {}, cut_at(place)) for number, place in places.items()]


def slow_share(points, labels):
    time.sleep(0.1)
    return first_share(points, labels)


def by_setting(algorithm, setting):
    """Another partition for every setting, nearly."""
    return cut_at(1 + crc32(f"{algorithm} {sorted(setting.items())}".encode()) % 39)


def settings_of(search):
    return [(trial.algorithm, trial.preprocessing, tuple(sorted(trial.setting.items()))) for trial in search.trials]


@pytest.mark.parametrize("state", ["failed", "crashed", "timed out", "out of memory"])
def test_a_fault_ends_its_trial_and_the_number_of_trials_is_made_all_the_same(state):
    def fit(algorithm, setting):
        faulty = algorithm == "kmeans" and setting["n_clusters"] > 2
        return state if faulty else by_setting(algorithm, setting)

    search = searched(Stub(fit))
    assert len(search.trials) == 60
    assert search.ending == "the trials were made"
    bad = [trial for trial in search.trials if trial.state == state]
    assert bad
    assert {trial.algorithm for trial in bad} == {"kmeans"}
    # what came before the fault is kept, and the fault is put to the setting that did it
    assert all(trial.setting["n_clusters"] > 2 for trial in bad)
    assert {trial.reason for trial in bad} <= {"planted at 0", "planted at 1"}
    assert any(trial.algorithm == "kmeans" and trial.state == "ok" for trial in search.trials)


def test_a_fit_of_several_may_take_no_more_time_than_one_alone():
    executor = Stub(by_setting)
    searched(executor, spaces=("none", "umap"), n_trials=40, trial_seconds=4.0)
    space_and_limits = {(job.payload.preprocessing, job.each) for job in executor.submitted}
    # the first to ask for that space makes it, which is no fit
    assert space_and_limits == {("none", 4.0), ("umap", 34.0)}
    assert all(job.seconds == job.each * len(job.payload.settings) for job in executor.submitted)


def test_the_seconds_of_a_fault_are_its_own():
    search = searched(Stub(lambda _, setting: "crashed" if setting.get("n_clusters") == 3 else cut_at(20)))
    bad = [trial for trial in search.trials if trial.state == "crashed"]
    # the stub's jobs take 0.1 seconds, of which a fit that came took 0.01
    assert {round(trial.seconds, 3) for trial in bad} <= {0.1, 0.09}
    assert 0.09 in {round(trial.seconds, 3) for trial in bad}


def test_where_everything_fails_every_trial_is_recorded_and_there_is_no_best():
    search = searched(Stub(lambda *_: "crashed"))
    assert len(search.trials) == 60
    assert {trial.state for trial in search.trials} == {"crashed"}
    assert search.best() is None


@pytest.mark.parametrize("last_first", [False, True])
def test_several_workers_all_get_work_and_no_result_is_lost(last_first):
    executor = Stub(by_setting, idle=3, last_first=last_first)
    search = searched(executor, n_trials=50)
    assert executor.most_at_once == 3
    assert sorted(trial.number for trial in search.trials) == list(range(50))
    assert sum(len(job.payload.settings) for job in executor.submitted) == 50


def test_what_still_runs_when_patience_ends_is_waited_for():
    executor = Stub(lambda *_: cut_at(20), idle=3)
    search = searched(executor, n_trials=None, time_budget=300.0, patience=5)
    assert search.ending == "no better partition in 5 trials"
    assert executor.jobs == []
    assert len(search.trials) == sum(len(job.payload.settings) for job in executor.submitted)


@pytest.mark.parametrize(
    ("error", "ending"),
    [
        (KeyboardInterrupt(), "it was interrupted"),
        (BackendUnavailableError("a cluster must"), "it was left without workers: a cluster must"),
    ],
)
def test_what_was_found_stays_when_a_search_is_cut_short(error, ending):
    search = searched(Stub(Leaving(error, after=9)))
    assert search.ending == ending
    assert search.trials
    assert search.best() is not None


def test_without_workers_from_the_start_the_error_says_so():
    with pytest.raises(BackendUnavailableError, match="a cluster must"):
        searched(Stub(Leaving(BackendUnavailableError("a cluster must"), after=0)))


def test_an_algorithm_that_only_hangs_is_not_the_first_in_the_second_wave():
    search = searched(Stub(lambda name, _: "timed out" if name == "hdbscan" else cut_at(20)), n_trials=200)
    portfolio = [trial.algorithm for trial in search.trials if trial.stage == "portfolio"]
    assert portfolio.count("hdbscan") > 1
    assert portfolio[-1] == "hdbscan"


def test_the_clock_of_a_search_that_goes_on_does_not_start_anew(tmp_path):
    path = tmp_path / "search.jsonl"
    with Journal.open(path, {"n": 40}) as journal:
        first = searched(Stub(by_setting), journal=journal, n_trials=20)
    end = max(trial.started + trial.seconds for trial in first.trials)
    with Journal.open(path, {"n": 40}) as journal:
        second = searched(Stub(by_setting), journal=journal, n_trials=30)
    assert min(trial.started for trial in second.trials[20:]) >= end


def test_more_clusters_than_can_be_measured_are_refused(monkeypatch):
    monkeypatch.setattr("gamac_meta.automl._search.MOST_CLUSTERS", 30)
    search = searched(Stub(lambda *_: np.arange(40, dtype=np.int32)), n_trials=1)
    assert search.trials[0].reason == "it has 40 clusters, more than 30"


def test_equal_partitions_are_scored_once():
    scored = []

    def measure(_, labels):
        scored.append(labels.tobytes())
        return 1.0

    search = searched(Stub(lambda _, setting: 1 - cut_at(20) if "linkage" in setting else cut_at(20)), measure=measure)
    assert len(scored) == 1
    assert Counter(trial.state for trial in search.trials) == {"ok": 1, "same": 59}
    assert {trial.same_as for trial in search.trials[1:]} == {0}


def test_an_order_of_arrival_is_all_that_a_seed_does_not_fix():
    first, second = (searched(Stub(by_setting), seed=3, n_trials=160) for _ in range(2))
    assert settings_of(first) == settings_of(second)
    assert first.best().number == second.best().number
    assert "search" in {trial.stage for trial in first.trials}


def test_no_setting_is_tried_twice_and_a_search_that_has_tried_all_ends(monkeypatch):
    usable = {"kmeans": True, "agglomerative": True}
    monkeypatch.setattr("gamac_meta.automl._search.available", lambda _: (usable, ()))
    search = searched(Stub(by_setting, idle=2), n_trials=500, spaces=("none", "standard"))
    tried = settings_of(search)
    assert len(set(tried)) == len(tried)
    assert search.ending == "all was tried"
    # of 5 numbers of clusters by k-means and by 4 linkages, in 2 spaces; a sampler may leave some out
    assert 40 <= len(tried) <= 50


def test_a_search_tries_nothing_again_that_a_journal_holds(tmp_path):
    path = tmp_path / "search.jsonl"
    with Journal.open(path, {"n": 40}) as journal:
        first = searched(Stub(by_setting), journal=journal, n_trials=150)
    with Journal.open(path, {"n": 40}) as journal:
        second = searched(Stub(by_setting), journal=journal, n_trials=200)
    assert settings_of(second)[:150] == settings_of(first)
    assert len(set(settings_of(second))) == 200


def test_labels_are_numbered_by_first_appearance_and_noise_joins_the_nearest():
    assert renumbered(np.array([7, 7, -1, 2, 7])).tolist() == [0, 0, -1, 1, 0]
    points = np.array([[0.0], [1.0], [5.0], [6.0], [4.0]])
    assert filled(points, np.array([3, 3, 1, 1, -1])).tolist() == [0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        (np.zeros(40, dtype=np.int32), "it has 1 cluster"),
        (np.full(40, -1, dtype=np.int32), "it has 0 clusters"),
        (np.where(np.arange(40) < 10, cut_at(5), -1), "it calls 75.0% of the points noise, more than 50%"),
        (cut_at(1), "its smallest cluster has 2.50% of the points, less than 10.00%"),
    ],
)
def test_what_is_no_partition_is_refused_with_the_reason(labels, reason):
    search = searched(Stub(lambda *_: labels), n_trials=3, min_cluster_share=0.1)
    assert {(trial.state, trial.reason) for trial in search.trials} == {("refused", reason)}


def test_an_interrupt_ends_the_search_between_two_steps_wherever_it_arrives():
    """Here in a finalizer, where Python drops what is raised."""

    class Interrupted:
        def __del__(self):
            signal.raise_signal(signal.SIGINT)

    tried = []

    def work(name, setting):
        tried.append(name)
        if len(tried) == 9:
            Interrupted()
        return by_setting(name, setting)

    search = searched(Stub(work), n_trials=None, time_budget=300.0)
    assert search.ending == "it was interrupted"
    # all that had come was scored
    assert 9 <= len(search.trials) == len(tried)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


# ---- landmarks -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("apart", [False, True])
def test_landmarks_are_the_first_trials_beside_the_number_of_fits(apart):
    executor = Stub(lambda *_: cut_at(20))
    search = searched(executor, landmarks=three_landmarks, apart=apart, n_trials=12)
    numbers = [trial.number for trial in search.trials]
    assert sorted(numbers) == [0, 1, 4, *range(len(LANDMARKS), len(LANDMARKS) + 12)]
    assert {trial.number for trial in search.trials if trial.stage == "landmark"} == {0, 1, 4}
    assert sum(len(job.payload.settings) for job in executor.submitted) == 12
    best = search.best()
    # what a worker finds again is the same, whichever came first
    assert np.array_equal(best.labels, cut_at(20))
    assert all(trial.same_as == best.number for trial in search.trials if trial.state == "same")
    if not apart:
        assert numbers[:3] == [0, 1, 4]
        assert best.number == 4


def test_an_algorithm_that_only_a_landmark_stands_for_is_still_new():
    plain, begun = (searched(Stub(by_setting), landmarks=given, n_trials=80) for given in (None, three_landmarks))
    fits = [trial for trial in begun.trials if trial.stage != "landmark"]
    firsts = [list(dict.fromkeys(trial.algorithm for trial in trials))[:8] for trials in (plain.trials, fits)]
    assert firsts[0] == firsts[1]
    # it was told to the sampler of its algorithm, which nobody chose for it
    assert begun._arms["kmeans"].pulls == sum(trial.algorithm == "kmeans" for trial in fits)


def test_a_journal_that_was_torn_among_the_landmarks_gets_the_others_only(tmp_path):
    path = tmp_path / "search.jsonl"
    with Journal.open(path, {"n": 40}) as journal:
        whole = searched(Stub(by_setting), journal=journal, landmarks=three_landmarks, n_trials=20)
    lines = path.read_bytes().splitlines(keepends=True)
    for kept in (2, 4, len(lines)):  # the header and so many records
        path.write_bytes(b"".join(lines[:kept]))
        with Journal.open(path, {"n": 40}) as journal:
            again = searched(Stub(by_setting), journal=journal, landmarks=three_landmarks, n_trials=20)
        assert settings_of(again) == settings_of(whole)
        assert [trial.number for trial in again.trials] == [trial.number for trial in whole.trials]


def test_landmarks_are_an_answer_where_no_worker_gives_one():
    search = searched(Silent(), landmarks=three_landmarks, apart=True, n_trials=None, time_budget=0.4)
    assert search.ending == "the time was spent"
    assert search.best().number == 4
    assert len(search.trials) == 3


def test_an_error_of_workers_is_not_hidden_by_landmarks():
    executor = Stub(Leaving(BackendUnavailableError("a cluster must"), after=0))
    with pytest.raises(BackendUnavailableError, match="a cluster must"):
        searched(executor, landmarks=three_landmarks)


# ---- scores apart ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("idle", [1, 3])
def test_scores_made_apart_are_those_made_at_once_and_none_is_lost(idle):
    limits = {"n_trials": 90, "landmarks": three_landmarks}
    at_once, apart = (searched(Stub(by_setting, idle=idle), apart=apart, **limits) for apart in (False, True))
    assert len(at_once.trials) == len(apart.trials) == 93
    values = [
        {trial.labels.tobytes(): trial.values for trial in each.trials if trial.values} for each in (at_once, apart)
    ]
    both = values[0].keys() & values[1].keys()
    assert len(both) > 10
    assert all(values[0][key] == values[1][key] for key in both)
    assert all(trial.values for trial in apart.trials if trial.labels is not None)


def test_workers_get_more_to_do_while_partitions_are_scored():
    most_waiting = []
    search = searched(
        Stub(lambda name, setting: most_waiting.append(0) or by_setting(name, setting)),
        measure=slow_share, apart=True, n_trials=None, time_budget=2.0,
    )  # fmt: skip
    # 0.1 s each: at once, only 20 of them could have been made
    assert len(most_waiting) > 25
    assert 5 <= sum(bool(trial.values) for trial in search.trials) <= 22


def test_the_first_scores_are_waited_for_beyond_the_time():
    search = searched(
        Silent(), measure=slow_share, landmarks=three_landmarks, apart=True, n_trials=None, time_budget=0.05
    )
    assert search.best().number == 4
    assert search.ending == "the time was spent"


def test_what_scoring_raises_apart_comes_out():
    def broken(*_):
        raise ZeroDivisionError("planted")

    with pytest.raises(ZeroDivisionError, match="planted"):
        searched(Stub(by_setting), measure=broken, apart=True)


def test_an_interrupt_keeps_what_has_come_when_scores_are_made_apart():
    tried = []

    def work(name, setting):
        tried.append(name)
        if len(tried) == 9:
            signal.raise_signal(signal.SIGINT)
        return by_setting(name, setting)

    search = searched(Stub(work), apart=True, n_trials=None, time_budget=300.0)
    assert search.ending == "it was interrupted"
    assert 9 <= len(search.trials) == len(tried)


# ---- the bandit ------------------------------------------------------------------------------------------


def asked_for(search, name):
    return [trial.state for trial in search.trials if (trial.stage, trial.algorithm) == ("search", name)]


@pytest.mark.parametrize("limits", [{"n_trials": 400}, {"n_trials": None, "time_budget": 3.0, "patience": 10**6}])
def test_an_algorithm_that_fails_again_and_again_rests(limits):
    search = searched(
        Stub(lambda name, setting: "out of memory" if name == "birch" else by_setting(name, setting)), **limits
    )
    asked = len(asked_for(search, "birch"))
    made = sum(trial.stage == "search" for trial in search.trials)
    assert made > 100
    # three faults, then one after 8, 16, 32, ... choices of others
    assert 1 <= asked <= 3 + np.log2(made / 8.0) + 1


def test_an_algorithm_that_has_recovered_is_asked_as_before():
    faults = iter(["failed"] * 4)

    def fit(name, setting):
        return next(faults, None) or by_setting(name, setting) if name == "birch" else by_setting(name, setting)

    search = searched(Stub(fit), n_trials=400)
    states = asked_for(search, "birch")
    assert states[:4] == ["failed"] * 4
    assert len(states) > 10
    assert search._arms["birch"].rest == 0


def test_where_every_algorithm_has_to_rest_the_search_goes_on():
    search = searched(Stub(lambda *_: "crashed"), n_trials=250)
    assert search.ending == "the trials were made"
    assert len(search.trials) == 250


def test_a_first_score_that_comes_late_does_not_decide_alone():
    """Several fits come within the time, each better than the one before, the first score after it."""
    scored, places = [], iter(range(1, 20))

    def slow_at_first(points, labels):
        time.sleep(0.0 if scored else 0.6)
        scored.append(labels)
        return first_share(points, labels)

    executor = Stub(lambda *_: cut_at(next(places)))
    search = searched(executor, measure=slow_at_first, apart=True, n_trials=10, time_budget=0.5)
    assert search.ending == "the time was spent"
    assert len(scored) == sum(len(job.payload.settings) for job in executor.submitted) > 1
    assert search.best() is search.trials[-1]


def test_one_partition_alone_is_scored_where_nobody_knows_how_long_it_takes():
    begun = time.monotonic()
    search = searched(Silent(), measure=slow_share, landmarks=three_landmarks, n_trials=None, time_budget=0.15)
    # 0.1 s each; a batch of all would be out at 0.3 s and more
    assert sum(bool(trial.values) for trial in search.trials) == 2
    assert time.monotonic() - begun < 5.0


def test_after_a_first_score_that_comes_late_the_others_are_scored_at_once(monkeypatch):
    sizes = []

    def values(judge, partitions):
        sizes.append(len(partitions))
        # nearly all of the first is spent on kernels, and what it takes beside leaves time for several
        with trigger_event("numba:compile") if len(sizes) == 1 else nullcontext():
            time.sleep(0.6 if len(sizes) == 1 else 0.0)
        time.sleep(0.01 * len(partitions))
        return np.array([[first_share(X, labels)] for labels in partitions])

    monkeypatch.setattr(Judge, "values", values)
    search = searched(Silent(), landmarks=three_landmarks, n_trials=None, time_budget=0.5)
    assert sizes == [1, 2]
    assert all(trial.values for trial in search.trials)
