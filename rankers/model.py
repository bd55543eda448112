"""The recommender as it is used: two LightGBM heads, a calibration, a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gamac_meta.types import Floats, Ints
from rankers.trios import listed

if TYPE_CHECKING:
    import lightgbm

BASES = ("points", "candidates")
# Places in the list whose errors are calibrated together: the first is chosen for being the highest,
# so its prediction errs more upwards than that of the others.
PLACES = (0, 1, 3, 8, 16)
LEVEL = 0.9


class Prediction(NamedTuple):
    """What a recommender says of m measures, in the order in which it advises them."""

    order: Ints  # (m,) positions in the model's measures
    scores: Floats  # (m,) of the order head, descending in the first trio and in the rest
    agreement: Floats  # (m,) predicted Kendall tau with the assessors' consensus
    low: Floats  # (m,)
    high: Floats  # (m,)


@dataclass(frozen=True, eq=False)
class Calibration:
    """Errors of out-of-sample predictions by place in the list."""

    shift: Floats  # (places,) mean error
    low: Floats  # (places,) lower quantile of the error of what is said in the end
    high: Floats  # (places,)

    @classmethod
    def fit(cls, predicted: Floats, truth: Floats) -> Calibration:
        """From predictions (q, m) in listed order, best first, and what was true of them."""
        place = place_of(predicted.shape[1])
        shift = np.array([errors.mean() for errors in _by_place(truth - predicted, place)])
        listed = np.array([_settled(row, shift, place) for row in predicted])
        # the interval is around what is said in the end
        tails = [(1.0 - LEVEL) / 2.0, (1.0 + LEVEL) / 2.0]
        low, high = np.transpose([np.quantile(errors, tails) for errors in _by_place(truth - listed, place)])
        return cls(shift, low, high)

    def apply(self, predicted: Floats) -> tuple[Floats, Floats, Floats]:
        """Calibrated agreement that never rises along the list, and its interval, all (m,)."""
        place = place_of(len(predicted))
        agreement = _settled(predicted, self.shift, place)
        return (
            agreement,
            np.minimum(np.clip(agreement + self.low[place], -1.0, 1.0), agreement),
            np.maximum(np.clip(agreement + self.high[place], -1.0, 1.0), agreement),
        )


def _by_place(errors: Floats, place: Ints) -> list[Floats]:
    """Errors (q, m) of each place; a list too short to have a place lends it all errors."""
    parts = [errors[:, place == index].ravel() for index in range(len(PLACES))]
    return [part if part.size else errors.ravel() for part in parts]


def _settled(predicted: Floats, shift: Floats, place: Ints) -> Floats:
    return descending(np.clip(predicted + shift[place], -1.0, 1.0))


def place_of(m: int) -> Ints:
    """(m,) which of PLACES each position of a list of m belongs to."""
    return np.asarray(np.searchsorted(PLACES, np.arange(m), side="right") - 1, dtype=np.int64)


def descending(values: Floats) -> Floats:
    """The nearest sequence that never rises (pool adjacent violators)."""
    from scipy.optimize import isotonic_regression

    return np.asarray(isotonic_regression(values, increasing=False).x)


@dataclass(frozen=True, eq=False)
class Recommender:
    """Orders measures for a data set."""

    measures: tuple[str, ...]  # (m,)
    feature_names: tuple[str, ...]  # (f,)
    pair_feature_names: tuple[str, ...]  # (g,)
    basis: str  # one of BASES
    order_head: lightgbm.Booster
    agreement_head: lightgbm.Booster
    calibration: Calibration
    trios: Ints  # (t, 3) measures, one trio of which comes first
    card: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Name and version, as printed."""
        return f"{self.card['name']} {self.card['version']}"

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the design matrix."""
        return (*self.feature_names, *self.pair_feature_names, "measure")

    def predict(self, features: Floats, pair_features: Floats) -> Prediction:
        """From features (f,) and pair_features (m, g)."""
        from rankers._lightgbm import design_matrix

        rows = design_matrix(features[None, :], pair_features[None, :, :])
        scores = np.asarray(self.order_head.predict(rows, num_threads=1))
        raw = np.asarray(self.agreement_head.predict(rows, num_threads=1))
        order = listed(scores, self.trios)
        return Prediction(order, scores[order], *self.calibration.apply(raw[order]))

    def contributions(self, features: Floats, pair_features: Floats) -> Floats:
        """(m, columns) SHAP values of the order head, less their mean over measures: what moves a
        measure against the others, since what moves all alike changes no order."""
        from rankers._lightgbm import contributions, design_matrix

        values = contributions(self.order_head, design_matrix(features[None, :], pair_features[None, :, :]))
        return values - values.mean(axis=0)
