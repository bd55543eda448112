"""score_partitions(X, partitions): how good each partition is, by the learned measure or by one that is named."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.backend import device_for
from gamac_meta.inputs import as_partitions, prepare
from gamac_meta.measures import MEASURES, MeasureEngine
from gamac_meta.recommend import load_model, refuse_many_clusters
from gamac_meta.types import Floats, Ints, PartitionSet

if TYPE_CHECKING:
    from rankers.persistence import Model
    from rankers.reading import Reading
    from rankers.structure import Structure

LEARNED = "learned"
RECOMMENDED = "recommended"
CHOICE = "choice"
OF_THE_MODEL = (LEARNED, RECOMMENDED, CHOICE)


class PartitionScorer:
    """Scores partitions of one X as they come: what depends on X alone is made once.

    X, model, scale: as for `gamac_meta.recommend_measure`. by: "learned", the learned measure; "choice", its head that
    marks the one to take of many; "recommended", the measure recommended for X; or a measure's name. backend: for a
    measure; the learned one looks at few points and stays on the processor.
    """

    def __init__(
        self,
        X: Any,
        by: str = LEARNED,
        *,
        model: str | Path | Model | None = None,
        scale: str | None = "common",
        backend: str = "auto",
    ) -> None:
        if by not in OF_THE_MODEL:
            MEASURES[by]  # refuses what there is none of, and names what is near
        device_for(backend, 0)  # refuses what is not there before any work
        self.prepared = prepare(X, scale)
        self.by, self._backend = by, backend
        if by in OF_THE_MODEL:
            self._model = load_model(model)

    @cached_property
    def measure(self) -> str | None:
        """The measure that scores, None for the learned one."""
        if self.by != RECOMMENDED:
            return None if self.by in OF_THE_MODEL else self.by
        ranker = self._model.recommenders["points"]
        best = ranker.predict(self._reading.features, self._reading.pairs()).order[0]
        return ranker.measures[int(best)]

    @property
    def title(self) -> str:
        """What scores, in words."""
        if self.measure is None:
            return f"the learned {'choice' if self.by == CHOICE else 'measure'} of model {self._model.name}"
        return f"{MEASURES[self.measure].title} ({self.measure})"

    @property
    def landmarks(self) -> tuple[Ints, PartitionSet] | None:
        """Rows (n',) of X that the model looks at, and their landmark partitions (l, n'); None where none scores."""
        return self._reading.landmarks if self.by in OF_THE_MODEL else None

    @property
    def structure(self) -> Structure | None:
        """How sure the model is that X has clusters at all; None where none scores."""
        return self._reading.structure if self.by in OF_THE_MODEL else None

    @cached_property
    def _reading(self) -> Reading:
        from rankers.reading import Reading

        return Reading(self._model, self.prepared.data)

    @cached_property
    def _engine(self) -> MeasureEngine:
        return MeasureEngine(self.prepared.data, backend=self._backend)

    def score(self, partitions: Any) -> Floats:
        """(p,) scores of partitions (p, n), greater is better; NaN where a partition has fewer than two
        clusters or the measure is undefined."""
        labels = refuse_many_clusters(as_partitions(partitions, self.prepared.data.n))
        scores = np.full(len(labels), np.nan)
        several = np.flatnonzero(labels.n_clusters > 1)
        if not several.size:
            return scores
        compared = PartitionSet(labels.labels[several], tuple(labels.makers[row] for row in several))
        if self.measure is None:
            scores[several] = self._reading.score(compared, choosing=self.by == CHOICE)
        else:
            # exact however long it takes: an estimate would depend on how many are scored at once
            table = self._engine.evaluate(compared, [self.measure], time_limit=None)
            scores[several] = table.oriented()[:, 0]
        return scores


def score_partitions(
    X: Any,
    partitions: Any,
    by: str = LEARNED,
    *,
    model: str | Path | Model | None = None,
    scale: str | None = "common",
    backend: str = "auto",
) -> Floats:
    """Say how good each partition is: (p,) scores, greater is better.

    X: (n, d) as for `gamac_meta.recommend_measure`, scaled likewise. partitions: (p, n) labels, -1 is noise.
    by: "learned" (the default), a measure learned from assessors' orders, about the share of other
    partitions that people would put behind one; "choice", to take one of many, right at the top rather
    than in the order of all; "recommended", the measure recommended for X; or a
    measure's name. A score does not depend on the other partitions; values of measures are exact,
    however long that takes.

    The learned measure looks at no more than 1000 points of X, the same for every call. Where there
    are more and some are equal but bear different labels, it may depend on the order of rows.
    NaN where a partition has fewer than two clusters or the measure is undefined.
    Raises InvalidInputError, ModelError, BackendUnavailableError; nothing is computed before the checks.
    """
    return PartitionScorer(X, by, model=model, scale=scale, backend=backend).score(partitions)
