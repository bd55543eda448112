"""How sure it is that data have clusters at all: what a model says of it, and the head that says it.

A logistic regression on the meta-features, each of them squashed so that none can decide alone. How it is fitted,
calibrated and judged is in `rankers.structure_training`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from gamac_meta.types import Floats

LOST = 0.05  # share of the data sets with structure that may be said to have none
SPREADS = 2.0  # a feature so many spreads from the median counts about three quarters of what it can


class Structure(NamedTuple):
    """How sure it is that some points have clusters."""

    probability: float  # NaN where the model cannot say
    bar: float  # below it no structure is claimed

    @property
    def is_missing(self) -> bool:
        return self.probability < self.bar

    @property
    def notice(self) -> str:
        """What to say where there is none; empty where none is missing."""
        if not self.is_missing:
            return ""
        return (
            f"no structure found: {self.probability:.0%} sure that there are clusters at all; of data with clusters, "
            f"{LOST:.0%} get less than {self.bar:.0%}"
        )


UNKNOWN = Structure(float("nan"), float("nan"))  # of a model that never learned it


@dataclass(frozen=True, eq=False)
class StructureHead:
    """A logistic regression on squashed features."""

    feature_names: tuple[str, ...]  # (f,)
    center: Floats  # (f,)
    spread: Floats  # (f,)
    weight: Floats  # (f,)
    intercept: float
    bar: float

    def log_odds(self, features: Floats) -> Floats:
        """(q,) of structure, from features (q, f)."""
        return np.asarray(np.sum(self.weight * squashed(features, self.center, self.spread), axis=-1) + self.intercept)

    def structure(self, features: Floats) -> Structure:
        """Of one data set, from its features (f,)."""
        return Structure(float(expit(self.log_odds(features))), self.bar)


def squashed(features: Floats, center: Floats, spread: Floats) -> Floats:
    """(..., f) features from -1 to 1."""
    return np.asarray(np.tanh((features - center) / (SPREADS * spread)))
