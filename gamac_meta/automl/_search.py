"""The search: a portfolio first, then one sampler per algorithm under a bandit, until the budget is spent."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import zip_longest
from typing import Any

import numpy as np

from gamac_meta._kernels.compiler import compilation
from gamac_meta.automl._bandit import OVERHEAD, Arm
from gamac_meta.automl._journal import Journal
from gamac_meta.automl._judge import Judge
from gamac_meta.automl._landmarks import Start
from gamac_meta.automl._scoring import Bench
from gamac_meta.automl._space import UMAP_BUDGET, Fit, Task, available, portfolio
from gamac_meta.automl._trials import LANDMARK, PORTFOLIO, SEARCH, Trial, filled, renumbered
from gamac_meta.automl._workers import Ended, Executor, Item, Job
from gamac_meta.clusterers import Value
from gamac_meta.exceptions import BackendUnavailableError
from gamac_meta.recommend import MOST_CLUSTERS
from gamac_meta.types import Floats, Labels
from metafeatures import LANDMARKS

SCORED_AT_ONCE = 16
LOOK = 0.05  # seconds after which scores that were made apart are taken
REPEATS = 20  # settings in a row that were tried before, after which an algorithm has no others to speak of
TOP = 4.0  # power of the share of partitions beaten: only what is near the top is a reward


@dataclass(frozen=True)
class Limits:
    """What a search may take, and what counts as a partition."""

    time_budget: float | None  # seconds
    n_trials: int | None  # fits, the landmarks not among them
    trial_seconds: float  # of one fit
    patience: int  # trials after the portfolio without a better partition
    fill: bool  # whether noise is given to the nearest cluster before anything is judged
    min_cluster_share: float
    max_noise_share: float


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
    # gives the landmarks, which are the first trials, their numbers their own
    landmarks: Callable[[], Sequence[Start]] | None = None
    # whether landmarks and scores are made in a thread of their own, while workers get more to do: then what is
    # tried next depends on which scores have come
    apart: bool = False
    began: float = field(default_factory=time.monotonic)
    trials: list[Trial] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    ending: str = ""  # why it ended

    def __post_init__(self) -> None:
        self._known: dict[bytes, int] = {}  # partitions by their canonical labels
        self._running: dict[int, tuple[Task, str, list[float]]] = {}  # task, stage, seconds of the fits that came
        self._waiting: list[Trial] = []  # to be scored and recorded, in the order in which they came
        self._scoring: Sequence[Trial] = ()  # those of them that are at work
        self._started = len(LANDMARKS) if self.landmarks is not None else 0  # settings, which are numbered so
        self._tried: set[tuple[Any, ...]] = set()  # what was begun, as `_as_tried` says it
        self._since_best = 0
        self._next: tuple[Task, str] | None = None  # planned, and to be started
        self._bench = Bench(self.apart)
        self._late = 0.0  # seconds until which is scored what had come by the end of the time
        self._seconds_each = 0.0  # that a partition of the latest batch took to be scored
        self._interrupted = False
        self._end_of_plan = "all was tried"
        self._arms: dict[str, Arm] = {}
        usable, notices = available(len(self.X))
        self._usable = {name for name, possible in usable.items() if possible}
        self.notices += notices
        for record, labels in self.journal.records if self.journal is not None else ():
            self._take(Trial.from_record(record, labels))
        self._started = max([self._started, *(trial.number + 1 for trial in self.trials)])
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
        with self._noted_interrupts(), closing(self._bench):
            self._run()
        self._running.clear()

    def _run(self) -> None:
        plan = self._plan()
        try:
            # the first settings depend on nothing, and workers have them while the landmarks are made
            self._fill_workers(plan)
            if self.landmarks is not None:
                self._bench.begin(self.landmarks, self._start_from)
            while not self.ending:
                self._fill_workers(plan)
                if not self._running and not self._waiting and not self._bench.busy:
                    self.ending = self._why_idle()
                    break
                if self._running:
                    self._receive(min(self._left(), LOOK if self._bench.busy else 0.5))
                self._score(0.0 if self._running else LOOK)
                if self.progress is not None:
                    self.progress(self.elapsed, self.trials, self.best())
                if self._interrupted:
                    self.ending = "it was interrupted"
                elif self._left() <= 0.0:
                    self.ending = "the time was spent"
            self._score_the_rest()
        except KeyboardInterrupt:
            self.ending = "it was interrupted"
        except BackendUnavailableError as error:
            # what was found stays
            self._score_the_rest()
            if all(trial.stage == LANDMARK for trial, _ in zip(*self.scored(), strict=True)):
                raise
            self.ending = f"it was left without workers: {error}"

    def _fill_workers(self, plan: Iterator[tuple[Task, str] | None]) -> None:
        # what is begun now could not be scored before the end, where that takes all the time that is left
        while self.executor.idle and self._left() > OVERHEAD + self._seconds_each * len(self._waiting):
            self._next = self._next or next(plan, None)
            if self._next is None or not self._submit(*self._next):
                return
            self._next = None

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
        made = sum(trial.stage != LANDMARK for trial in (*self.trials, *self._scoring, *self._waiting))
        return max(0, self.limits.n_trials - made - running)

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

    def _start_from(self, landmarks: Sequence[Start]) -> None:
        """Take the landmarks for trials, to be scored first, but for those that a journal holds."""
        known = {trial.number for trial in self.trials}
        waiting, self._waiting = self._waiting, []
        for start in landmarks:
            if start.number not in known:
                facts = (start.algorithm, "none", start.setting, start.parameters, self._before + self.elapsed, 0.0)
                self._sort(Trial(start.number, LANDMARK, *facts, "ok"), start.labels)
        self._waiting += waiting

    def _found(self, number: int, fit: Fit) -> None:
        self._running[number][2].append(fit.seconds)
        self._sort(self._trial(number, fit.place, fit.seconds, "ok", parameters=fit.parameters), fit.labels)

    def _sort(self, trial: Trial, raw: Labels) -> None:
        """Have a trial wait to be scored, or recorded as one that is not."""
        noise = raw < 0
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

    def _score(self, timeout: float) -> None:
        """Take the scores that come within so many seconds, and have what waits scored, as far as time allows."""
        self._bench.take(timeout)
        while self._waiting and not self._bench.busy and self._may_score():
            count = self._at_once()
            batch, self._waiting = self._waiting[:count], self._waiting[count:]
            partitions = [trial.labels for trial in batch if trial.labels is not None]
            self._scoring = batch
            if partitions:
                self._bench.begin(partial(self._scores, np.stack(partitions)), partial(self._scored, batch))
            else:
                self._scored(batch, np.empty((0, 0)))

    def _at_once(self) -> int:
        """How many partitions are scored at once: no more than the time allows, and one where that is not known."""
        if self.limits.time_budget is None:
            return SCORED_AT_ONCE
        left = max(self._left(), self._late - self.elapsed)
        return 1 if not self._seconds_each else int(np.clip(left / self._seconds_each, 1, SCORED_AT_ONCE))

    def _may_score(self) -> bool:
        """Whether there is time; without one score there would be no answer, and one that came late should not be of
        one partition alone."""
        return self._left() > 0.0 or self.elapsed < self._late or not self.scored()[0]

    def _scores(self, partitions: Labels) -> Floats:
        compiled: list[float] = []
        start = time.monotonic()
        with compilation(compiled.append):
            values = self.judge.values(partitions)
        # kernels are compiled once; what comes next takes less
        self._seconds_each = max(time.monotonic() - start - sum(compiled), 0.0) / len(partitions)
        return values

    def _scored(self, batch: Sequence[Trial], values: Floats) -> None:
        rows = iter(values)
        self._scoring = ()
        is_late = self._left() <= 0.0 and not self.scored()[0]
        for trial in batch:
            known = trial.labels is not None
            self._record(replace(trial, values=tuple(map(float, next(rows)))) if known else trial)
        if is_late and self.limits.time_budget is not None:
            self._late = self.elapsed + max(1.0, 0.1 * self.limits.time_budget)

    def _score_the_rest(self) -> None:
        """Score what has come by the end; what is at work then was made to fit into the time."""
        while self._bench.busy or (self._waiting and self._may_score()):
            self._score(LOOK)

    def _record(self, trial: Trial) -> None:
        if self.journal is not None:
            self.journal.append(*trial.to_record())
        self._take(trial)

    def _take(self, trial: Trial) -> None:
        before = self.best()
        self.trials.append(trial)
        if trial.stage != LANDMARK:
            # a clusterer that is like a landmark is not the same
            self._tried.add(_as_tried(trial, trial.setting))
        if trial.labels is not None:
            self._known.setdefault(renumbered(trial.labels).tobytes(), trial.number)
        after = self.best()
        self._since_best = 0 if after is not before or trial.stage != SEARCH else self._since_best + 1
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

    def _plan(self) -> Iterator[tuple[Task, str] | None]:
        """What to begin, and in which stage; None where that is better asked again when more is scored."""
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
                yield pending.pop(place), PORTFOLIO
        yield from self._sampled()

    def _most_promising(self, tasks: Sequence[Task]) -> int:
        """The first task of the algorithm with the best partition so far; before them the first of one that is new."""
        trials, totals = self.scored()
        scores = {trial.number: float(total) for trial, total in zip(trials, totals, strict=True)}
        best: dict[str, float] = {}
        for trial in self.trials:
            if trial.stage == LANDMARK:
                continue
            score = scores.get(trial.number if trial.same_as is None else trial.same_as, -np.inf)
            best[trial.algorithm] = max(best.get(trial.algorithm, -np.inf), score)
        # in the first wave every algorithm is new to the search when it comes
        return int(np.argmax([best.get(task.algorithm, np.inf) for task in tasks]))

    def _sampled(self) -> Iterator[tuple[Task, str] | None]:
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
            if len(self._waiting) >= SCORED_AT_ONCE:
                yield None
                continue
            is_timed = self.limits.n_trials is None
            total = sum(arm.pulls for arm in self._arms.values())
            arms = [self._arm(name) for name in names]
            # where all have to rest, the one that is the first to have rested
            least = min(arm.rest for arm in arms)
            arm = max((arm for arm in arms if arm.rest == least), key=lambda arm: arm.index(total, is_timed))
            for other in arms:
                other.sit_out()
            space, setting = arm.ask()
            task = Task(arm.name, space, (setting,), self.seed)
            if self._untried(task).settings:
                repeats[arm.name] = 0
                yield task, SEARCH
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
