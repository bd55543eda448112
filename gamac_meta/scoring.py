"""score_partitions(X, partitions): how good each partition is, by the learned measure or by one that is named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.backend import device_for
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.inputs import as_partitions, prepare
from gamac_meta.measures import MEASURES, evaluate
from gamac_meta.recommend import load_model, refuse_many_clusters
from gamac_meta.types import Floats, PartitionSet

if TYPE_CHECKING:
    from rankers.persistence import Model

LEARNED = "learned"
RECOMMENDED = "recommended"


class PartitionScorer:
    """Scores partitions of one X as they come: what depends on X alone is made once.

    X, model, scale, backend: as for `gamac_meta.recommend_measure`. by: "learned", the learned measure;
    "recommended", the measure recommended for X; or a measure's name. `measure` is the measure that
    scores, None for the learned one.
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
        if by not in (LEARNED, RECOMMENDED):
            MEASURES[by]  # refuses what there is none of, and names what is near
        device_for(backend, 0)  # refuses what is not there before any work
        self.prepared = prepare(X, scale)
        self._backend = backend
        self.measure: str | None = None if by == LEARNED else by
        if by not in (LEARNED, RECOMMENDED):
            return
        trained = load_model(model)
        from rankers.reading import Reading

        self._reading = Reading(trained, self.prepared.data)
        if by == RECOMMENDED:
            ranker = trained.recommenders["points"]
            best = ranker.predict(self._reading.features, self._reading.pairs()).order[0]
            self.measure = ranker.measures[int(best)]

    @property
    def title(self) -> str:
        """What scores, in words."""
        if self.measure is None:
            return f"the learned measure of {self._reading.model.name}"
        return f"{MEASURES[self.measure].title} ({self.measure})"

    def score(self, partitions: Any) -> Floats:
        """(p,) scores of partitions (p, n), greater is better; NaN where a partition has fewer than two
        clusters or the measure is undefined."""
        labels = refuse_many_clusters(as_partitions(partitions, self.prepared.data.n))
        scores = np.full(len(labels), np.nan)
        several = np.flatnonzero(labels.n_clusters > 1)
        if not several.size:
            raise InvalidInputError("partitions must hold one with at least 2 clusters, got none")
        compared = PartitionSet(labels.labels[several], tuple(labels.makers[row] for row in several))
        if self.measure is None:
            scores[several] = self._reading.score(compared)
        else:
            table = evaluate(self.prepared.data, compared, [self.measure], backend=self._backend)
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
    partitions that people would put behind one; "recommended", the measure recommended for X; or a
    measure's name. A score does not depend on the other partitions.

    The learned measure looks at no more than 1000 points of X, the same for every call.
    NaN where a partition has fewer than two clusters or the measure is undefined.
    Raises InvalidInputError, ModelError, BackendUnavailableError; nothing is computed before the checks.
    """
    scorer = PartitionScorer(X, by, model=model, scale=scale, backend=backend)
    return scorer.score(partitions)
