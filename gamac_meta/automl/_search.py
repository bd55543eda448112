"""The search: a portfolio first, then one sampler per algorithm under a bandit, until the budget is spent."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.automl._journal import Journal
from gamac_meta.automl._judge import Judge
from gamac_meta.automl._space import UMAP_BUDGET, Fit, Task, available, portfolio
from gamac_meta.automl._workers import Ended, Executor, Item, Job
from gamac_meta.clusterers import CLUSTERERS, Choice, Int, Value
from gamac_meta.exceptions import BackendUnavailableError
from gamac_meta.recommend import MOST_CLUSTERS
from gamac_meta.types import NOISE, Floats, Labels

if TYPE_CHECKING:
    import numpy.typing as npt
    import optuna

OVERHEAD = 0.2  # seconds that a trial costs beside its own; with less left, none is begun
SCORED_AT_ONCE = 16
REPEATS = 20  # settings in a row that were tried before, after which an algorithm has no others to speak of
TOP = 4.0  # power of the share of partitions beaten: only what is near the top is a reward


@dataclass(frozen=True)
class Limits:
    """What a search may take, and what counts as a partition."""

    time_budget: float | None  # seconds
    n_trials: int | None
    trial_seconds: float  # of one fit
    patience: int  # trials after the portfolio without a better partition
    fill: bool  # whether noise is given to the nearest cluster before anything is judged
    min_cluster_share: float
    max_noise_share: float


@dataclass(frozen=True, eq=False)
class Trial:
    """One fit and what came of it."""

    number: int
    stage: str  # "portfolio" or "search"
    algorithm: str
    preprocessing: str
    setting: Mapping[str, Value]  # values of the algorithm's space
    parameters: Mapping[str, Any]  # of the estimator, as far as it was made
    started: float  # seconds since the search began
    seconds: float
    state: str  # "ok", "same", "refused", "failed", "timed out", "out of memory", "crashed"
    reason: str = ""
    same_as: int | None = None  # number of the trial with the same partition
    values: tuple[float, ...] = ()  # of the measures
    labels: Labels | None = None  # (n,) as judged
    noise: npt.NDArray[np.bool_] | None = None  # (n,) which points were noise before they were given to a cluster

    def to_record(self) -> tuple[dict[str, Any], Labels | None]:
        """For the journal: JSON values, and labels of which those that were noise are marked."""
        names = ("number", "stage", "algorithm", "preprocessing", "started", "seconds", "state", "reason", "same_as")
        record = {name: getattr(self, name) for name in names}
        record |= {
            "setting": dict(self.setting),
            "parameters": {name: _plain(value) for name, value in self.parameters.items()},
            "values": list(self.values),
        }
        if self.labels is None or self.noise is None:
            return record, None
        # -1 is noise that stayed, -2 - c is noise that was given to cluster c
        return record, np.where(self.noise & (self.labels >= 0), -2 - self.labels, self.labels)

    @classmethod
    def from_record(cls, record: Mapping[str, Any], marked: Labels | None) -> Trial:
        """What `to_record` wrote."""
        fields = dict(record) | {"values": tuple(record["values"])}
        if marked is None:
            return cls(**fields)
        labels = np.where(marked < NOISE, -2 - marked, marked).astype(np.int32)
        return cls(**fields, labels=labels, noise=marked < 0)


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


@dataclass(eq=False)
class Search:
    """Trials on the points X (n, d), run by an executor and scored by a judge."""

    X: Floats
    judge: Judge
    executor: Executor
    limits: Limits
    spaces: Sequence[str]
    seed: int
    journal: Journal | None = None
    # called with seconds since the start, the trials so far, and the best of them
    progress: Callable[[float, Sequence[Trial], Trial | None], None] | None = None
    began: float = field(default_factory=time.monotonic)
    trials: list[Trial] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    ending: str = ""  # why it ended

    def __post_init__(self) -> None:
        self._known: dict[bytes, int] = {}  # partitions by their canonical labels
        self._running: dict[int, tuple[Task, str, list[float]]] = {}  # task, stage, seconds of the fits that came
        self._waiting: list[Trial] = []  # to be scored and recorded, in the order in which they came
        self._started = 0  # settings, which are numbered so
        self._tried: set[tuple[Any, ...]] = set()  # what was begun, as `_as_tried` says it
        self._since_best = 0
        self._interrupted = False
        self._end_of_plan = "all was tried"
        self._arms: dict[str, Arm] = {}
        usable, notices = available(len(self.X))
        self._usable = {name for name, possible in usable.items() if possible}
        self.notices += notices
        for record, labels in self.journal.records if self.journal is not None else ():
            self._take(Trial.from_record(record, labels))
        self._started = max((trial.number + 1 for trial in self.trials), default=0)
        # the clock of one that goes on does not start anew
        self._before = max((trial.started + trial.seconds for trial in self.trials), default=0.0)

    # ---- what is known -----------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def scored(self) -> tuple[list[Trial], Floats]:
        """Trials with a score, and the scores."""
        found = [trial for trial in self.trials if trial.values]
        if not found:
            return [], np.empty(0)
        totals = self.judge.totals(np.array([trial.values for trial in found]))
        kept = ~np.isnan(totals)
        return [trial for trial, good in zip(found, kept, strict=True) if good], totals[kept]

    def best(self) -> Trial | None:
        """The trial with the greatest score, the first of equals."""
        trials, totals = self.scored()
        return trials[int(totals.argmax())] if trials else None

    # ---- the loop ------------------------------------------------------------------------------------

    def run(self) -> None:
        """Until budget or trials are spent, nothing better comes, or an interrupt; what was found stays."""
        with self._noted_interrupts():
            self._run()
        self._running.clear()

    def _run(self) -> None:
        plan = self._plan()
        waiting: tuple[Task, str] | None = None
        try:
            while not self.ending:
                while self.executor.idle and self._left() > OVERHEAD:
                    waiting = waiting or next(plan, None)
                    if waiting is None or not self._submit(*waiting):
                        break
                    waiting = None
                if not self._running:
                    self.ending = self._why_idle()
                    break
                self._receive(min(self._left(), 0.5))
                self._score()
                if self.progress is not None:
                    self.progress(self.elapsed, self.trials, self.best())
                if self._interrupted:
                    self.ending = "it was interrupted"
                elif self._left() <= 0.0:
                    self.ending = "the time was spent"
        except KeyboardInterrupt:
            self.ending = "it was interrupted"
        except BackendUnavailableError as error:
            # what was found stays
            if self.best() is None:
                raise
            self.ending = f"it was left without workers: {error}"

    @contextmanager
    def _noted_interrupts(self) -> Iterator[None]:
        """The first interrupt is noted, and ends the loop between two steps: raised wherever it arrives, it may be
        lost in a callback of a library. The second is raised."""

        def note(number: int, frame: Any) -> None:
            if self._interrupted:
                signal.default_int_handler(number, frame)
            self._interrupted = True

        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            yield
            return
        signal.signal(signal.SIGINT, note)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _why_idle(self) -> str:
        if self._left() <= OVERHEAD:
            return "the time was spent"
        return "the trials were made" if self._allowed() == 0 else self._end_of_plan

    def _allowed(self) -> float:
        """How many more settings may be started. Those of a task that ended before they began do not count."""
        if self.limits.n_trials is None:
            return np.inf
        running = sum(len(task.settings) - len(came) for task, _, came in self._running.values())
        return max(0, self.limits.n_trials - len(self.trials) - len(self._waiting) - running)

    def _left(self) -> float:
        budget = self.limits.time_budget
        return 3600.0 if budget is None else budget - self.elapsed

    def _submit(self, task: Task, stage: str) -> bool:
        """Start a task, as much of it as the number of trials allows; False where that is nothing."""
        settings = task.settings[: int(min(self._allowed(), len(task.settings)))]
        if not settings:
            return False
        number = self._started
        self._started += len(settings)
        self._tried.update(_as_tried(task, setting) for setting in settings)
        # a worker may have to make the space first
        each = self.limits.trial_seconds + (UMAP_BUDGET if task.preprocessing == "umap" else 0.0)
        seconds = min(max(self._left(), 0.01), each * len(settings))
        self._running[number] = (replace(task, settings=settings), stage, [])
        self.executor.submit(Job(number, self._running[number][0], seconds, each))
        return True

    def _receive(self, timeout: float) -> None:
        for event in self.executor.wait(max(timeout, 0.0)):
            if event.number not in self._running:
                continue
            if isinstance(event, Item):
                self._found(event.number, event.value)
            else:
                self._ended(event)

    def _found(self, number: int, fit: Fit) -> None:
        self._running[number][2].append(fit.seconds)
        raw = fit.labels
        noise = raw < 0
        trial = self._trial(number, fit.place, fit.seconds, "ok", parameters=fit.parameters)
        refusal = self._refusal(raw)
        if refusal:
            self._waiting.append(replace(trial, state="refused", reason=refusal))
            return
        labels = filled(self.X, raw) if self.limits.fill else renumbered(raw)
        smallest = np.bincount(labels[labels >= 0]).min() / len(labels)
        if smallest < self.limits.min_cluster_share:
            why = (
                f"its smallest cluster has {smallest:.2%} of the points, less than {self.limits.min_cluster_share:.2%}"
            )
            self._waiting.append(replace(trial, state="refused", reason=why))
            return
        key = renumbered(labels).tobytes()
        if key in self._known:
            self._waiting.append(replace(trial, state="same", same_as=self._known[key]))
            return
        self._known[key] = trial.number
        self._waiting.append(replace(trial, labels=labels, noise=noise))

    def _refusal(self, raw: Labels) -> str:
        clusters = len(np.unique(raw[raw >= 0]))
        if clusters < 2:
            return f"it has {clusters} cluster{'s' * (clusters != 1)}"
        if clusters > MOST_CLUSTERS:
            return f"it has {clusters} clusters, more than {MOST_CLUSTERS}"
        share = float(np.mean(raw < 0))
        if share > self.limits.max_noise_share:
            return f"it calls {share:.1%} of the points noise, more than {self.limits.max_noise_share:.0%}"
        return ""

    def _ended(self, event: Ended) -> None:
        task, _, came = self._running[event.number]
        place = len(came)
        self._tried.difference_update(_as_tried(task, setting) for setting in task.settings[place + 1 :])
        if event.state not in ("ok", "stopped") and place < len(task.settings):
            # the first that did not come is to blame; the others were never begun
            seconds = max(0.0, event.seconds - sum(came))
            trial = self._trial(event.number, place, seconds, event.state, reason=event.reason)
            self._waiting.append(trial)
        del self._running[event.number]

    def _trial(
        self, number: int, place: int, seconds: float, state: str, reason: str = "", parameters: Any = None
    ) -> Trial:
        task, stage, _ = self._running[number]
        setting = task.settings[place]
        started = self._before + max(0.0, self.elapsed - seconds)
        return Trial(
            number + place,
            stage,
            task.algorithm,
            task.preprocessing,
            setting,
            dict(setting) if parameters is None else parameters,
            started,
            seconds,
            state,
            reason,
        )

    def _score(self) -> None:
        while self._waiting and (self._left() > 0.0 or not self.scored()[0]):
            batch, self._waiting = self._waiting[:SCORED_AT_ONCE], self._waiting[SCORED_AT_ONCE:]
            partitions = [trial.labels for trial in batch if trial.labels is not None]
            values = iter(self.judge.values(np.stack(partitions)) if partitions else ())
            for trial in batch:
                known = trial.labels is not None
                self._record(replace(trial, values=tuple(map(float, next(values)))) if known else trial)

    def _record(self, trial: Trial) -> None:
        if self.journal is not None:
            self.journal.append(*trial.to_record())
        self._take(trial)

    def _take(self, trial: Trial) -> None:
        before = self.best()
        self.trials.append(trial)
        self._tried.add(_as_tried(trial, trial.setting))
        if trial.labels is not None:
            self._known.setdefault(renumbered(trial.labels).tobytes(), trial.number)
        after = self.best()
        self._since_best = 0 if after is not before or trial.stage == "portfolio" else self._since_best + 1
        self._arm(trial.algorithm).learn(trial, self._reward(trial))

    def _reward(self, trial: Trial) -> float:
        """Share of the scored partitions that it beats, to a power; nothing for what gave no partition."""
        if not trial.values:
            return 0.0
        _, totals = self.scored()
        own = self.judge.totals(np.array([known.values for known in self.trials if known.values]))[-1]
        return 0.0 if np.isnan(own) else float(np.mean(totals <= own)) ** TOP

    def _arm(self, name: str) -> Arm:
        if name not in self._arms:
            self._arms[name] = Arm(name, tuple(self.spaces), len(self.X), self.seed + len(self._arms))
        return self._arms[name]

    # ---- what to try next ----------------------------------------------------------------------------

    def _plan(self) -> Iterator[tuple[Task, str]]:
        for wave in portfolio(len(self.X)):
            tasks = [
                [
                    left
                    for batch in wave
                    if batch.algorithm in self._usable
                    and (left := self._untried(Task(batch.algorithm, space, batch.settings, self.seed))).settings
                ]
                for space in self.spaces
            ]
            # the spaces take turns
            pending = [task for turn in zip_longest(*tasks) for task in turn if task is not None]
            while pending:
                place = self._most_promising(pending)
                yield pending.pop(place), "portfolio"
        yield from self._sampled()

    def _most_promising(self, tasks: Sequence[Task]) -> int:
        """The first task of the algorithm with the best partition so far; before them the first of one that is new."""
        trials, totals = self.scored()
        scores = {trial.number: float(total) for trial, total in zip(trials, totals, strict=True)}
        best: dict[str, float] = {}
        for trial in self.trials:
            score = scores.get(trial.number if trial.same_as is None else trial.same_as, -np.inf)
            best[trial.algorithm] = max(best.get(trial.algorithm, -np.inf), score)
        # in the first wave every algorithm is new to the search when it comes
        return int(np.argmax([best.get(task.algorithm, np.inf) for task in tasks]))

    def _sampled(self) -> Iterator[tuple[Task, str]]:
        from importlib.util import find_spec

        if find_spec("optuna") is None:
            self.notices.append("only the portfolio was tried: optuna is not installed (extra 'automl')")
            return
        names = sorted(self._usable)
        repeats = dict.fromkeys(names, 0)  # in a row
        while names and self._left() > OVERHEAD:
            if self.limits.n_trials is None and self._since_best >= self.limits.patience:
                self._end_of_plan = f"no better partition in {self.limits.patience} trials"
                return
            is_timed = self.limits.n_trials is None
            total = sum(arm.pulls for arm in self._arms.values())
            arm = max((self._arm(name) for name in names), key=lambda arm: arm.index(total, is_timed))
            space, setting = arm.ask()
            task = Task(arm.name, space, (setting,), self.seed)
            if self._untried(task).settings:
                repeats[arm.name] = 0
                yield task, "search"
                continue
            arm.forget_last()
            repeats[arm.name] += 1
            if repeats[arm.name] == REPEATS:
                names.remove(arm.name)

    def _untried(self, task: Task) -> Task:
        """The task without the settings that were begun before."""
        left = tuple(setting for setting in task.settings if _as_tried(task, setting) not in self._tried)
        return replace(task, settings=left)


def _as_tried(what: Task | Trial, setting: Mapping[str, Value]) -> tuple[Any, ...]:
    return what.algorithm, what.preprocessing, tuple(sorted(setting.items()))


class Arm:
    """One algorithm: what it earned, and a sampler of its settings."""

    def __init__(self, name: str, spaces: tuple[str, ...], n: int, seed: int) -> None:
        self.name = name
        self.pulls = 0
        self._reward = 0.0
        self._seconds = 0.0
        self._seed = seed
        self._spaces = spaces
        self._n = n
        self._asked: list[optuna.Trial] = []
        self._history: list[tuple[Trial, float]] = []  # what came before the sampler was made
        self._study: optuna.Study | None = None

    def index(self, total: int, is_timed: bool) -> float:
        """Upper confidence bound of the reward, per second where time counts.  Auer et al. 2002,
        doi:10.1023/A:1013689704352."""
        pulls = max(self.pulls, 1)
        bound = self._reward / pulls + float(np.sqrt(0.5 * np.log(total + 2) / pulls))
        return bound / (self._seconds / pulls + OVERHEAD) if is_timed else bound

    def learn(self, trial: Trial, reward: float) -> None:
        """Count a trial, and tell the sampler if it asked for it."""
        self.pulls += 1
        self._reward += reward
        self._seconds += trial.seconds
        asked = next(
            (known for known in self._asked if self._read(known) == (trial.preprocessing, trial.setting)), None
        )
        if asked is not None and self._study is not None:
            self._asked.remove(asked)
            self._study.tell(asked, reward)
        elif self._study is not None:
            self._add(self._study, trial, reward)
        else:
            self._history.append((trial, reward))

    def forget_last(self) -> None:
        """Leave untried what was asked for last."""
        from optuna.trial import TrialState

        assert self._study is not None
        self._study.tell(self._asked.pop(), state=TrialState.FAIL)

    def ask(self) -> tuple[str, dict[str, Value]]:
        """A space and a setting to try."""
        if self._study is None:
            import optuna

            optuna.logging.set_verbosity(optuna.logging.WARNING)
            sampler = optuna.samplers.TPESampler(seed=self._seed, constant_liar=True)
            self._study = optuna.create_study(direction="maximize", sampler=sampler)
            for trial, reward in self._history:
                self._add(self._study, trial, reward)
            self._history.clear()
        asked = self._study.ask(self._distributions)
        self._asked.append(asked)
        return self._read(asked)

    def _read(self, asked: optuna.Trial) -> tuple[str, dict[str, Value]]:
        setting = dict(asked.params)
        return str(setting.pop(SPACE)), setting

    def _add(self, study: optuna.Study, trial: Trial, reward: float) -> None:
        import optuna

        distributions = self._distributions
        params = {**trial.setting, SPACE: trial.preprocessing}
        # a portfolio may set what the sampler leaves alone, or reach beyond its ranges
        inside = params.keys() == distributions.keys() and all(
            distributions[name]._contains(distributions[name].to_internal_repr(value)) for name, value in params.items()
        )
        if inside:
            study.add_trial(optuna.trial.create_trial(params=params, distributions=distributions, value=reward))

    @property
    def _distributions(self) -> dict[str, Any]:
        from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

        found: dict[str, Any] = {SPACE: CategoricalDistribution(self._spaces)}
        for name, dimension in CLUSTERERS[self.name].space_on(self._n).items():
            if isinstance(dimension, Choice):
                found[name] = CategoricalDistribution(dimension.values)
            elif isinstance(dimension, Int):
                found[name] = IntDistribution(dimension.low, dimension.high, log=dimension.log)
            else:
                found[name] = FloatDistribution(dimension.low, dimension.high, log=dimension.log)
        return found


SPACE = "preprocessing"


# ---- labels ----------------------------------------------------------------------------------------------


def renumbered(labels: Labels) -> Labels:
    """Clusters numbered from 0 by first appearance, so that equal partitions are equal arrays; noise stays -1."""
    names, first, codes = np.unique(labels, return_index=True, return_inverse=True)
    clusters = names >= 0
    order = np.full(len(names), NOISE)
    order[clusters] = np.argsort(np.argsort(first[clusters]))
    return order[codes].astype(np.int32)


def filled(X: Floats, labels: Labels) -> Labels:
    """Labels renumbered, with noise given to the cluster of the nearest clustered point."""
    labels = renumbered(labels)
    noise = labels < 0
    if not noise.any():
        return labels
    labels[noise] = nearest_labels(X[~noise], labels[~noise], X[noise])
    return labels


def nearest_labels(X: Floats, labels: Labels, others: Floats) -> Labels:
    """(m,) the label of the nearest of the points X (n, d) to each of others (m, d)."""
    from sklearn.neighbors import NearestNeighbors

    return labels[NearestNeighbors(n_neighbors=1).fit(X).kneighbors(others, return_distance=False)[:, 0]]
