"""A trial, the partition that came of it, and how labels are numbered, filled and carried to other points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.clusterers import Value
from gamac_meta.types import NOISE, Floats, Ints, Labels

if TYPE_CHECKING:
    import numpy.typing as npt

LANDMARK, PORTFOLIO, SEARCH = "landmark", "portfolio", "search"  # stages


@dataclass(frozen=True, eq=False)
class Trial:
    """One fit and what came of it."""

    number: int
    stage: str  # LANDMARK, PORTFOLIO or SEARCH
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
    return labels[_nearest(X, others)]


def nearest_rows(X: Floats, rows: Ints) -> Ints:
    """(n,) for each of the points X (n, d) the place in rows of the nearest of X[rows]; their own for these."""
    own = np.arange(len(rows))
    found = np.empty(len(X), dtype=np.int64) if len(rows) == len(X) else _nearest(X[rows], X)
    found[rows] = own
    return found


def _nearest(X: Floats, others: Floats) -> Ints:
    """(m,) places of the nearest of the points X (n, d) to each of others (m, d)."""
    from sklearn.neighbors import NearestNeighbors

    return np.asarray(NearestNeighbors(n_neighbors=1).fit(X).kneighbors(others, return_distance=False)[:, 0])
