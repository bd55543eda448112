"""AutoClusterer: from a table to labels, the measure chosen for the data, the search kept to its budget."""

from __future__ import annotations

import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from functools import partial
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, ClusterMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from gamac_meta.automl._judge import AUTO, Judge, Measure, require_measure
from gamac_meta.automl._landmarks import Landmark, starts
from gamac_meta.automl._search import Limits, Search
from gamac_meta.automl._space import Context, estimator, preprocessings, run_task, transformed
from gamac_meta.automl._trials import LANDMARK, Trial, nearest_labels, nearest_rows
from gamac_meta.automl._workers import Workers, memory_part
from gamac_meta.backend import BACKENDS, device_for
from gamac_meta.exceptions import BackendUnavailableError, InvalidInputError, SearchError
from gamac_meta.executor import require_jobs
from gamac_meta.inputs import SCALES, UNEVEN_SPREAD, as_dataset, prepare
from gamac_meta.types import NOISE, Dataset, Floats, Labels
from metafeatures import LANDMARKS

if TYPE_CHECKING:
    import pandas as pd

    from gamac_meta.automl._account import Report, RunnerUp
    from gamac_meta.recommend import Recommendation

# The most that are searched on; all others join the cluster of the nearest of them. A belt that is hardly wider than
# the spacing of points is not there among fewer.
SEARCH_POINTS = 5000
LABELED_PER_SECOND = 50_000  # points that join in a second, about: so much of the budget is kept back
KEPT_BACK = 0.3  # seconds for the end, besides
TRIAL_SHARE = 0.15  # of the budget that one fit may take
TRIAL_SECONDS = (3.0, 60.0)  # but no less and no more
NOTED = 1.0  # seconds of compilation that are worth a notice
OVERRUN = 1.1  # of the budget
RUNNERS_UP = 4
DIFFERENT = 0.8  # adjusted Rand index below which a partition is another answer
NOISE_WAYS = ("fill", "keep")


class AutoClusterer(ClusterMixin, BaseEstimator):
    """Search clustering algorithms and their parameters for the partition that people would choose.

    Noise counts as -1 in `labels_` where it is kept. Fits run in processes of their own: one that hangs, crashes or
    takes too much memory ends alone, and the search goes on.

    Parameters
    ----------
    measure : what the search maximizes. "auto" (default), the learned choice, which did best in docs/automl.md;
        "recommended", the measure recommended for X; "learned", the learned measure; a measure's name; several
        names, whose ranks are averaged; or a function of (X, labels) whose greater values are better.
    time_budget : seconds of wall time, all included; None needs n_trials.
    n_trials : fits to try at most, beside the landmarks. With it, and n_jobs=1, a seed fixes the outcome, as long as
        the time does not run out.
    backend : "numpy"; "cupy" takes cuML's estimators where a device answers; "auto" does where there are many points.
    n_jobs : processes, -1 for all cores. client : a Dask client, whose workers run the fits instead.
    random_state : seed.
    scale : as for `recommend_measure`, or "auto" (default): "standard" where the spreads of columns are far apart, and
        `notices_` say so, else "common". Partitions are always judged in this one space.
    noise : "fill" gives noise to the nearest cluster before partitions are judged, and in `labels_`; "keep" leaves it.
    min_cluster_share, max_noise_share : partitions with a smaller cluster or with more noise are refused.
    trial_time_limit : seconds of one fit, a part of the budget by default.
    memory_limit : bytes that one worker may take, by default its part of half of the machine's, or with a client
        of half of the Dask worker's own limit.
    patience : the search ends after so many trials beyond the portfolio that found nothing better.
    model : a trained model, the shipped one by default. journal : file from which a search that was stopped goes on.
    verbose : whether to say on standard error how far it is.

    Attributes
    ----------
    labels_ : (n,) cluster of each point. noise_mask_ : (n,) points that the best estimator called noise.
    n_clusters_, score_, measure_ : of the best partition; measure_ names what scored.
    recommendation_ : the `Recommendation` for X, whatever scored.
    structure_ : how sure it is that X has clusters at all, from 0 to 1; NaN where the model cannot say. Where it is
        low, notices_ begin with "no structure found"; labels_ are the best partition all the same.
    best_estimator_ : fitted on the points searched. best_params_ : algorithm, preprocessing and parameters; where a
        landmark is the best, those it is nearest to, and best_estimator_ is the landmark itself.
    trials_ : frame with a row per trial. runners_up_ : other answers that differ. notices_ : what to know.
    report_ : the page of `save_report`.
    n_features_in_, feature_names_in_ : as in scikit-learn.
    """

    def __init__(
        self,
        measure: Measure = AUTO,
        *,
        time_budget: float | None = 60.0,
        n_trials: int | None = None,
        backend: str = "auto",
        n_jobs: int = 1,
        random_state: int = 0,
        scale: str | None = AUTO,
        noise: str = "fill",
        min_cluster_share: float = 0.005,
        max_noise_share: float = 0.5,
        trial_time_limit: float | None = None,
        memory_limit: int | None = None,
        patience: int = 100,
        model: Any = None,
        journal: Any = None,
        client: Any = None,
        verbose: bool = False,
    ) -> None:
        self.measure = measure
        self.time_budget = time_budget
        self.n_trials = n_trials
        self.backend = backend
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.scale = scale
        self.noise = noise
        self.min_cluster_share = min_cluster_share
        self.max_noise_share = max_noise_share
        self.trial_time_limit = trial_time_limit
        self.memory_limit = memory_limit
        self.patience = patience
        self.model = model
        self.journal = journal
        self.client = client
        self.verbose = verbose

    # ---- fitting -------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> AutoClusterer:  # noqa: ARG002  scikit-learn passes y
        """Search; X (n, d) array-like or frame, as for `recommend_measure`.

        Ctrl-C ends the search and keeps the best so far. Raises InvalidInputError before any work is done,
        SearchError where no trial gave a partition.
        """
        from gamac_meta._kernels.compiler import compilation

        began = time.monotonic()
        self._check_parameters()
        data = self._checked(X)
        self.scale_ = _scale_for(data.X) if self.scale == AUTO else self.scale
        prepared = prepare(X, self.scale_)
        rows = self._searched(prepared.data.n)
        points = np.ascontiguousarray(prepared.data.X[rows])
        notices = self._notices(prepared.data.n, len(rows))
        spaces, more = preprocessings(points, self.scale_, self.time_budget)
        context = Context(points, self.random_state, self._takes_device(prepared.data.n))
        limits = self._limits(prepared.data.n)
        compiled: list[float] = []
        with closing(self._executor(context)) as executor, compilation(compiled.append):
            judge = Judge(points, self.measure, self.model, "numpy")
            with self._journal(data, len(rows), judge) as journal:
                search = Search(
                    points,
                    judge,
                    executor,
                    limits,
                    spaces,
                    self.random_state,
                    journal,
                    _said(limits) if self.verbose else None,
                    began=began,
                    landmarks=partial(starts, points, judge),
                    # a user's function is called where the user called, and a seed's order is one of one thread
                    apart=self.n_trials is None and not callable(self.measure),
                )
                search.run()
        if self.verbose and sys.stderr.isatty():
            print(file=sys.stderr)  # the line of progress stays
        best = search.best()
        if best is None or best.labels is None or best.noise is None:
            raise _nothing_found(search)
        self._searched_points, self._prepared, self._data, self._rows = points, prepared, data, rows
        self._nearest = nearest_rows(prepared.data.X, rows)
        self._trials, self._best = search.trials, best
        self._by_number = {trial.number: trial for trial in search.trials}
        self._structure = judge.structure
        late = self._why_late(time.monotonic() - began, sum(compiled))
        ending = f"the search ended because {search.ending}"
        said = (self._structure.notice, *notices, *more, *search.notices, *late, ending)
        self.notices_ = tuple(notice for notice in said if notice)
        self.measure_ = judge.measure
        self._scored_by = judge.title
        scored, totals = search.scored()
        self._totals = {trial.number: float(total) for trial, total in zip(scored, totals, strict=True)}
        self.score_ = self._totals[best.number]
        self.labels_ = self._on_all(best.labels)
        self.noise_mask_ = self._on_all(best.noise.astype(np.int32)).astype(bool)
        self.n_clusters_ = int(best.labels.max()) + 1
        self.best_params_ = {
            "algorithm": best.algorithm,
            "preprocessing": best.preprocessing,
            "parameters": dict(best.parameters),
        }
        self.spent_ = time.monotonic() - began
        return self

    def _check_parameters(self) -> None:
        require_measure(self.measure)
        for name in ("time_budget", "trial_time_limit"):
            value = getattr(self, name)
            _require(value is None or _is_positive(value), name, "above 0, or None", value)
        for name in ("n_trials", "memory_limit", "patience"):
            value = getattr(self, name)
            is_whole = isinstance(value, Integral) and not isinstance(value, bool) and int(value) >= 1
            may_be_none = name != "patience" and value is None
            _require(is_whole or may_be_none, name, "at least 1" + ", or None" * (name != "patience"), value)
        if self.time_budget is None and self.n_trials is None:
            raise InvalidInputError(
                "time_budget or n_trials must be given, got None for both; the search would not end"
            )
        if self.backend not in BACKENDS:
            raise InvalidInputError(f"backend must be one of {', '.join(BACKENDS)}, got {self.backend!r}")
        require_jobs(self.n_jobs)
        is_seed = isinstance(self.random_state, Integral) and 0 <= int(self.random_state) < 2**31
        _require(is_seed, "random_state", "a whole number from 0 to 2**31 - 1", self.random_state)
        if self.scale not in (AUTO, *SCALES):
            raise InvalidInputError(f"scale must be one of {(AUTO, *SCALES)}, got {self.scale!r}")
        if self.noise not in NOISE_WAYS:
            raise InvalidInputError(f"noise must be one of {', '.join(NOISE_WAYS)}, got {self.noise!r}")
        for name, most in (("min_cluster_share", 0.5), ("max_noise_share", 1.0)):
            value = getattr(self, name)
            _require(isinstance(value, Real) and 0.0 <= float(value) <= most, name, f"from 0 to {most:g}", value)

    def _checked(self, X: Any) -> Dataset:
        """X as a data set, with scikit-learn's record of its columns."""
        data, names = as_dataset(X)
        twice = next((name for name, count in Counter(names).items() if count > 1), None)
        if twice is not None:
            raise InvalidInputError(f"X must have columns of different names, got {twice!r} twice; rename one")
        # what scikit-learn keeps of names and number of columns; the values were checked above
        validate_data(self, X, skip_check_array=True)
        self._columns = names
        return data

    def _searched(self, n: int) -> Any:
        """Rows that the search looks at."""
        if n <= SEARCH_POINTS:
            return np.arange(n)
        return np.sort(np.random.default_rng(self.random_state).choice(n, SEARCH_POINTS, replace=False))

    def _notices(self, n: int, searched: int) -> list[str]:
        notices = []
        if searched < n:
            notices.append(
                f"searched on {searched} of {n} points; the others joined the cluster of the nearest of them"
            )
        if self.scale == AUTO and self.scale_ == "standard":
            notices.append(
                "columns were given unit variance, for their spreads are far apart; scale='common' keeps them"
            )
        return notices

    def _why_late(self, spent: float, compiled: float) -> list[str]:
        """Notices of what has no part in the search but takes of its time."""
        notices = []
        if compiled > NOTED:
            notices.append(f"kernels were compiled, which took {compiled:.0f} s, once on this machine")
        if self.time_budget is not None and spent > OVERRUN * self.time_budget:
            notices.append(f"the answer came after {spent:.1f} s of a budget of {self.time_budget:g} s")
        return notices

    def _takes_device(self, n: int) -> bool:
        if device_for(self.backend, n) is None:
            return False
        from importlib.util import find_spec

        if find_spec("cuml") is not None:
            return True
        if self.backend == "cupy":
            raise BackendUnavailableError("backend='cupy' needs cuML to cluster on a device (extra 'gpu-cuml')")
        return False

    def _limits(self, n: int) -> Limits:
        budget = self.time_budget
        if budget is not None:
            # what comes after the search, and what was spent before it
            budget = max(budget - KEPT_BACK - n / LABELED_PER_SECOND * (n > SEARCH_POINTS), 0.2 * budget)
        least, most = TRIAL_SECONDS
        share = most if budget is None else min(max(TRIAL_SHARE * budget, least), most)
        return Limits(
            budget,
            self.n_trials,
            share if self.trial_time_limit is None else self.trial_time_limit,
            self.patience,
            self.noise == "fill",
            self.min_cluster_share,
            self.max_noise_share,
        )

    def _executor(self, context: Context) -> Any:
        limit = self.memory_limit
        if self.client is not None:
            from gamac_meta.automl._dask import DaskWorkers

            return DaskWorkers(run_task, context, client=self.client, memory_limit=limit)
        if limit is None:
            from joblib import effective_n_jobs

            limit = memory_part(None, effective_n_jobs(self.n_jobs))
        return Workers(run_task, context, n_jobs=self.n_jobs, memory_limit=limit)

    def _journal(self, data: Dataset, searched: int, judge: Judge) -> Any:
        if self.journal is None:
            return nullcontext()
        from gamac_meta.automl._identity import identity
        from gamac_meta.automl._journal import Journal

        measure = identity(self.measure) if callable(self.measure) else self.measure
        header = {
            "n": searched,
            "points": data.fingerprint,
            "measure": measure if isinstance(measure, str) else list(measure),
            # with the model's name, whose scores do not compare with those of another
            "scored by": judge.title,
            **{name: getattr(self, name) for name in ("scale", "noise", "min_cluster_share", "max_noise_share")},
            "random_state": int(self.random_state),
        }
        return Journal.open(self.journal, header)

    def _on_all(self, labels: Labels) -> Labels:
        """(n,) labels of all points, from those of the points searched."""
        return labels[self._nearest]

    def __sklearn_is_fitted__(self) -> bool:
        """Not after a search that failed, though what it read of X is known."""
        return hasattr(self, "labels_")

    # ---- what was found --------------------------------------------------------------------------------

    def predict(self, X: Any) -> Labels:
        """(m,) clusters of new points (m, d): that of the nearest point searched; -1 where that is noise.

        Raises ValueError for points of another number of columns, or that are not finite.
        """
        check_is_fitted(self)
        new = validate_data(self, X, reset=False, dtype=np.float64)
        return nearest_labels(self._searched_points, self._labels_searched, self._placed(new))

    @property
    def _labels_searched(self) -> Labels:
        assert self._best.labels is not None
        return self._best.labels

    def _placed(self, new: Floats) -> Floats:
        """New points in the space that partitions are judged in: moved and scaled as the fitted ones were."""
        kept = [self._columns.index(name) for name in self._prepared.columns]
        old, scaled = self._data.X[:, kept], self._prepared.data.X
        first, last = old.argmin(axis=0), old.argmax(axis=0)
        every = np.arange(len(kept))
        slope = (scaled[last, every] - scaled[first, every]) / (old[last, every] - old[first, every])
        return np.ascontiguousarray(scaled[first, every] + (new[:, kept] - old[first, every]) * slope)

    @property
    def best_estimator_(self) -> Any:
        """The best trial's estimator, fitted to the points searched in its space."""
        check_is_fitted(self)
        if self._best.stage == LANDMARK:
            return Landmark(LANDMARKS[self._best.number]).fit(self._searched_points)
        context = Context(self._searched_points, self.random_state, False)
        space = transformed(self._searched_points, self._best.preprocessing, self.random_state)
        made = estimator(self._best.algorithm, self._best.parameters, context, self.random_state)
        if "memory" in made.get_params():
            made.set_params(memory=None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return made.fit(space)

    @property
    def trials_(self) -> pd.DataFrame:
        """A row per trial, in the order in which they ended."""
        check_is_fitted(self)
        import pandas as pd

        return pd.DataFrame([self._row(trial) for trial in self._trials])

    def _row(self, trial: Trial) -> dict[str, Any]:
        shown = trial if trial.same_as is None else self._by_number.get(trial.same_as, trial)
        labels = shown.labels
        return {
            "number": trial.number,
            "stage": trial.stage,
            "algorithm": trial.algorithm,
            "preprocessing": trial.preprocessing,
            "parameters": dict(trial.parameters),
            "n_clusters": np.nan if labels is None else float(labels.max() + 1),
            "noise_share": np.nan if shown.noise is None else float(shown.noise.mean()),
            "score": self._totals.get(shown.number, np.nan),
            "seconds": trial.seconds,
            "started": trial.started,
            "state": trial.state,
            "reason": trial.reason,
            "same_as": np.nan if trial.same_as is None else float(trial.same_as),
        }

    def partition(self, number: int) -> Labels:
        """(n,) labels of a trial by its number, as it was judged."""
        check_is_fitted(self)
        trial = self._by_number.get(number)
        if trial is not None and trial.same_as is not None:
            trial = self._by_number.get(trial.same_as)
        if trial is None or trial.labels is None:
            raise InvalidInputError(f"number must be that of a trial with a partition, got {number!r}")
        return self._on_all(trial.labels)

    @property
    def structure_(self) -> float:
        """How sure it is that X has clusters at all, from 0 to 1; NaN where the model cannot say."""
        check_is_fitted(self)
        return self._structure.probability

    @property
    def recommendation_(self) -> Recommendation:
        """The measure recommended for the points searched, whatever scored."""
        check_is_fitted(self)
        from gamac_meta.recommend import recommend_measure

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said when the table was prepared
            return recommend_measure(self._searched_points, model=self.model, scale=None)

    @property
    def runners_up_(self) -> tuple[RunnerUp, ...]:
        """The next best partitions that differ from the best and from one another, by score."""
        check_is_fitted(self)
        import pandas as pd

        from gamac_meta.automl._account import RunnerUp
        from metafeatures import adjusted_rand

        taken = [self._labels_searched]
        found: list[RunnerUp] = []
        for trial in sorted(self._trials, key=lambda trial: -self._totals.get(trial.number, -np.inf)):
            if trial.labels is None or trial.number not in self._totals or len(found) == RUNNERS_UP:
                continue
            likeness = [adjusted_rand(trial.labels, known) for known in taken]
            if max(likeness) < DIFFERENT:
                taken.append(trial.labels)
                found.append(RunnerUp(self._on_all(trial.labels), pd.Series(self._row(trial)), float(likeness[0])))
        return tuple(found)

    # ---- the report ------------------------------------------------------------------------------------

    def account(self, name: str = "the data") -> Report:
        """Everything that is shown of the search; name: of the table."""
        check_is_fitted(self)
        import platform
        from importlib.metadata import version

        import pandas as pd

        from gamac_meta.automl._account import Report

        advice = self.recommendation_
        trials = self.trials_
        return Report(
            name,
            self._data.X,
            self._columns,
            self._prepared.data.X,
            self.labels_,
            self.noise_mask_ & (self.labels_ != NOISE),
            self._scored_by,
            f"{advice.best}, predicted Kendall tau {advice.agreement[0]:.2f} "
            f"[{advice.low[0]:.2f}, {advice.high[0]:.2f}] with {advice.assessors} assessors",
            trials,
            pd.Series(self._row(self._best)),
            self.runners_up_,
            # that there is no structure is said by both
            tuple(dict.fromkeys((*self.notices_, *advice.cautions))),
            self.time_budget,
            self.spent_,
            {name: version(name) for name in ("gamac-meta", "scikit-learn", "numpy")}
            | {"Python": platform.python_version(), "model": advice.model},
            f"{self!r}.fit(X)",
            self._structure,
        )

    @property
    def report_(self) -> str:
        """One HTML page about the answer and the search, with all pictures inside."""
        from gamac_meta.automl._report import report_html

        return report_html(self.account())

    def save_report(self, path: str | Path, name: str | None = None) -> Path:
        """Write the page; an older file is replaced only by a whole one."""
        from gamac_meta.automl._report import report_html
        from gamac_meta.files import replacing

        page = report_html(self.account() if name is None else self.account(name))
        with replacing(Path(path)) as stream:
            stream.write(page.encode())
        return Path(path)


def _scale_for(X: Floats) -> str:
    """ "standard" where spreads are far apart and few columns hold nearly all of the variance, as where units differ,
    else "common": pixels at the rim hardly vary, and should not count as much as the others."""
    # squares of very large numbers overflow
    variances = (X / np.abs(X).max()).var(axis=0)
    variances = variances[variances > 0.0]
    if not variances.size or variances.max() <= UNEVEN_SPREAD**2 * variances.min():
        return "common"
    shares = variances / variances.sum()
    holding = 1.0 / np.sum(shares**2)  # columns, were the variance evenly on them
    return "standard" if holding < 1.0 + len(shares) / 8.0 else "common"


def _require(holds: bool, name: str, rule: str, value: Any) -> None:
    if not holds:
        raise InvalidInputError(f"{name} must be {rule}, got {value!r}")


def _is_positive(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool) and 0.0 < float(value) < float("inf")


def _nothing_found(search: Search) -> BaseException:
    """What to raise where no trial has a score."""
    if "interrupted" in search.ending:
        return KeyboardInterrupt()
    if any(trial.state == "ok" for trial in search.trials):
        return SearchError(f"none of {len(search.trials)} trials has a score: {search.judge.title} is undefined on all")
    causes = [f"{trial.algorithm} {trial.state}: {trial.reason}" for trial in search.trials if trial.reason]
    return SearchError(f"none of {len(search.trials)} trials gave a partition; the first: {causes[0]}")


def _said(limits: Limits) -> Callable[[float, Sequence[Trial], Trial | None], None]:
    """Tells on standard error how far a search is: one line on a terminal, a line every ten seconds in a file."""
    last = [-10.0]

    def say(elapsed: float, trials: Sequence[Trial], best: Trial | None) -> None:
        terminal = sys.stderr.isatty()
        if elapsed - last[0] < (0.2 if terminal else 10.0):
            return
        last[0] = elapsed
        of = "" if limits.time_budget is None else f" of {limits.time_budget:.0f}"
        found = "none yet"
        if best is not None and best.labels is not None:
            found = f"{best.labels.max() + 1} clusters by {best.algorithm}"
        text = f"{elapsed:.0f}{of} s, {len(trials)} trials, best: {found}"
        print(f"\r{text:<79}" if terminal else text, end="" if terminal else "\n", file=sys.stderr, flush=True)

    return say
