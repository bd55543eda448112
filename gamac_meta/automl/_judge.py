"""What a search maximizes: the learned choice, the recommended measure, any measure, several, or the user's own."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import rankdata

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.measures import MEASURES
from gamac_meta.recommend import load_model
from gamac_meta.scoring import CHOICE, LEARNED, RECOMMENDED, PartitionScorer
from gamac_meta.types import Dataset, Floats, Ints, Labels, PartitionSet
from metafeatures import landmarks_of

if TYPE_CHECKING:
    from pathlib import Path

    from rankers.persistence import Model
    from rankers.structure import Structure

AUTO = "auto"
Measure = str | Callable[[Floats, Labels], float] | Sequence[str]


class Judge:
    """Scores partitions of the points X (n, d), which are taken as they are.

    measure: "auto", "learned", "recommended", a measure's name, a function of (X, labels) whose greater values
    are better, or several names, whose ranks are averaged.
    """

    def __init__(self, X: Floats, measure: Measure, model: str | Path | Model | None, backend: str) -> None:
        self._X, self._model = X, model
        self._function = measure if callable(measure) else None
        names = () if callable(measure) else (measure,) if isinstance(measure, str) else tuple(measure)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # said when the table was prepared
            self._scorers = [
                PartitionScorer(X, CHOICE if name == AUTO else name, model=model, scale=None, backend=backend)
                for name in names
            ]

    @cached_property
    def measure(self) -> str:
        """The name of what scores; several are joined by +."""
        if self._function is not None:
            return getattr(self._function, "__name__", type(self._function).__name__)
        return "+".join(scorer.measure or scorer.by for scorer in self._scorers)

    @property
    def title(self) -> str:
        """What scores, in words."""
        if self._function is not None:
            return f"your function {self.measure}"
        titles = [scorer.title for scorer in self._scorers]
        return titles[0] if len(titles) == 1 else f"mean rank by {', '.join(titles)}"

    def landmarks(self) -> tuple[Ints, PartitionSet]:
        """Rows (n',) of X in the sample of the meta-features, and the landmark partitions (l, n') of the sample."""
        known = next((found for scorer in self._scorers if (found := scorer.landmarks) is not None), None)
        return landmarks_of(Dataset(self._X)) if known is None else known

    @cached_property
    def structure(self) -> Structure:
        """How sure the model is that X has clusters at all, whatever scores."""
        known = next((found for scorer in self._scorers if (found := scorer.structure) is not None), None)
        if known is not None:
            return known
        from rankers.reading import Reading
        from rankers.structure import UNKNOWN

        model = load_model(self._model)
        return UNKNOWN if model.structure is None else Reading(model, Dataset(self._X)).structure

    def values(self, labels: Labels) -> Floats:
        """(p, c) what each measure says of partitions (p, n); greater is better, NaN where undefined.

        What a user's function raises comes out of it; InvalidInputError where it gives no number.
        """
        if self._function is not None:
            return np.array([[_number(self._function(self._X, row))] for row in labels])
        partitions = PartitionSet(labels)
        return np.column_stack([scorer.score(partitions) for scorer in self._scorers])

    def totals(self, values: Floats) -> Floats:
        """(p,) one score from what the measures say (p, c): with several, the mean share of partitions beaten."""
        if values.shape[1] == 1:
            return np.asarray(values[:, 0])
        ranks = rankdata(np.where(np.isnan(values), -np.inf, values), axis=0)
        return np.where(np.isnan(values).all(axis=1), np.nan, (ranks - 1.0).mean(axis=1) / max(1, len(values) - 1))


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InvalidInputError(f"a function that is the measure must give a number, got {value!r}") from None


def require_measure(measure: Any) -> None:
    """Refuse what no Judge can be made of."""
    if callable(measure):
        return
    names = [measure] if isinstance(measure, str) else measure
    if not isinstance(names, Sequence) or not names or not all(isinstance(name, str) for name in names):
        raise InvalidInputError(
            f"measure must be 'auto', 'learned', 'recommended', a measure's name, a function of (X, labels), or "
            f"several names, got {measure!r}"
        )
    for name in names:
        if name not in (AUTO, LEARNED, RECOMMENDED):
            MEASURES[name]  # refuses what there is none of, and names what is near
