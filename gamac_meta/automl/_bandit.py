"""Arms of the bandit that decides which algorithm is tried next, each with a sampler of its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.automl._trials import LANDMARK, Trial
from gamac_meta.clusterers import CLUSTERERS, Choice, Int, Value

if TYPE_CHECKING:
    import optuna

OVERHEAD = 0.2  # seconds that a trial costs beside its own; with less left, none is begun
SPACE = "preprocessing"
FAULTS = ("failed", "crashed", "timed out", "out of memory")
# faults in a row after which it is the algorithm's fault and not that of a setting
FAULTS_TO_REST = 3


class Arm:
    """One algorithm: what it earned, and a sampler of its settings."""

    def __init__(self, name: str, spaces: tuple[str, ...], n: int, seed: int) -> None:
        self.name = name
        self.pulls = 0
        self.rest = 0  # choices of others that it has to sit out
        self._faults = 0  # in a row
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

    def sit_out(self) -> None:
        """Another one was chosen."""
        self.rest = max(0, self.rest - 1)

    def learn(self, trial: Trial, reward: float) -> None:
        """Count a trial, and tell the sampler if it asked for it. A landmark is told, too, but nobody chose it."""
        if trial.stage != LANDMARK:
            self.pulls += 1
            self._reward += reward
            self._seconds += trial.seconds
            self._faults = self._faults + 1 if trial.state in FAULTS else 0
            # twice as long after every further one: it may be settings or a moment's lack of memory after all
            self.rest = 2**self._faults if self._faults >= FAULTS_TO_REST else 0
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
