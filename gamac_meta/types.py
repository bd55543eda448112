"""The records that flow between stages. Frozen, checked once, here.

One alphabet of dimensions: n points, d dimensions, p partitions, k clusters,
m measures, f meta-features, g pair features, q data sets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gamac_meta.exceptions import InvalidInputError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Labels = npt.NDArray[np.int32]

NOISE = -1
MIN_POINTS = 10
LARGEST = 1e300  # differences of greater numbers overflow


def frozen_array(values: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    """A read-only C-contiguous copy."""
    copy = np.array(values, dtype=dtype, order="C", copy=True)
    copy.flags.writeable = False
    return copy


def _freeze(record: object, **arrays: tuple[npt.ArrayLike, npt.DTypeLike]) -> None:
    for name, (values, dtype) in arrays.items():
        object.__setattr__(record, name, frozen_array(values, dtype))


def _require_shape(name: str, array: npt.NDArray[Any], *shape: int) -> None:
    if array.shape != shape:
        raise InvalidInputError(f"{name} must have shape {shape}, got {array.shape}")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Points to be clustered."""

    X: Floats  # (n, d) finite, read-only
    name: str = "unnamed"
    origin: str = "user"  # generator recipe, or where it came from

    def __post_init__(self) -> None:
        X = np.asarray(self.X)
        if X.ndim != 2:
            raise InvalidInputError(f"X must have 2 dimensions (points, columns), got shape {X.shape}")
        if X.shape[0] < MIN_POINTS:
            raise InvalidInputError(f"X must have at least {MIN_POINTS} points, got n={X.shape[0]}")
        if X.shape[1] < 1:
            raise InvalidInputError(f"X must have at least one column, got shape {X.shape}")
        _freeze(self, X=(X, np.float64))
        bad = ~np.isfinite(self.X)
        if bad.any():
            row, column = np.argwhere(bad)[0]
            raise InvalidInputError(
                f"X must be finite, got {int(bad.sum())} NaN or infinite value(s), "
                f"the first at row {row}, column {column}; drop or impute them"
            )
        largest = float(np.abs(self.X).max())
        if largest > LARGEST:
            raise InvalidInputError(f"X must be at most {LARGEST:g} in size, got {largest:g}; rescale it")
        if np.ptp(self.X, axis=0).max() == 0.0:
            raise InvalidInputError(f"X must not be constant, got {self.n} equal points {self.X[0].tolist()[:5]}")

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    @property
    def d(self) -> int:
        return int(self.X.shape[1])

    @cached_property
    def fingerprint(self) -> str:
        """Content hash of shape and points, the key in every store."""
        digest = blake2b(repr(self.X.shape).encode(), digest_size=16)
        digest.update(self.X.astype("<f8").tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, eq=False)
class PartitionSet:
    """Candidate partitions of one data set; labels are renumbered 0..k-1, noise stays -1."""

    labels: Labels  # (p, n) int32
    makers: tuple[str, ...] = ()  # (p,) clusterer and parameters behind each row

    def __post_init__(self) -> None:
        labels = np.asarray(self.labels)
        if labels.ndim != 2 or labels.shape[0] == 0 or labels.shape[1] == 0:
            raise InvalidInputError(f"labels must have shape (p, n) with p, n >= 1, got {labels.shape}")
        if labels.dtype.kind not in "iub":
            whole = labels.dtype.kind == "f" and bool(np.all(np.isfinite(labels) & (labels == np.floor(labels))))
            if not whole:
                raise InvalidInputError(f"labels must be whole numbers, -1 for noise, got dtype {labels.dtype}")
        if labels.min() < NOISE:
            row = int(np.argmax(labels.min(axis=1) < NOISE))
            raise InvalidInputError(f"labels must be >= -1 (-1 is noise), got {labels[row].min()} in partition {row}")
        renumbered = np.empty(labels.shape, dtype=np.int32)
        for row, values in enumerate(labels):
            renumbered[row] = _renumbered(values)
        _freeze(self, labels=(renumbered, np.int32))
        makers = self.makers or tuple(f"partition {row}" for row in range(labels.shape[0]))
        if len(makers) != labels.shape[0]:
            raise InvalidInputError(f"makers must name each of {labels.shape[0]} partitions, got {len(makers)}")
        object.__setattr__(self, "makers", tuple(makers))

    def __len__(self) -> int:
        return int(self.labels.shape[0])

    @property
    def n(self) -> int:
        return int(self.labels.shape[1])

    @cached_property
    def n_clusters(self) -> Ints:
        """(p,) clusters in each partition, noise not counted."""
        return np.asarray(self.labels.max(axis=1), dtype=np.int64) + 1

    @cached_property
    def noise_share(self) -> Floats:
        """(p,) share of points called noise."""
        return np.asarray((self.labels == NOISE).mean(axis=1), dtype=np.float64)


def _renumbered(labels: np.ndarray) -> np.ndarray:
    """(n,) labels >= -1 without gaps, -1 left as it is."""
    if labels.dtype.kind == "b" or labels.max() > 4 * labels.size:
        names, codes = np.unique(labels, return_inverse=True)
        return codes - (1 if names[0] == NOISE else 0)
    codes = labels.astype(np.int64)
    present = np.bincount(codes + 1) > 0
    present[0] = False
    return (np.cumsum(present) - 1)[codes + 1]


@dataclass(frozen=True, eq=False)
class MeasureTable:
    """Values of m measures on p partitions, as published; NaN where undefined."""

    values: Floats  # (p, m)
    measures: tuple[str, ...]  # (m,)
    greater_is_better: tuple[bool, ...]  # (m,)
    makers: tuple[str, ...] = ()  # (p,)
    noise_share: Floats = field(default_factory=lambda: np.empty(0))  # (p,)
    reasons: Mapping[tuple[int, str], str] = field(default_factory=dict)  # (row, measure) -> why NaN
    approximate: tuple[str, ...] = ()  # measures that are estimates here, not exact values
    # (p, m) ends of the interval in which an estimate's exact value lies, NaN where none can be given;
    # the values themselves where they are exact, and by default
    low: Floats = field(default_factory=lambda: np.empty(0))
    high: Floats = field(default_factory=lambda: np.empty(0))
    methods: Mapping[str, str] = field(default_factory=dict)  # measure -> how its estimates were made

    def __post_init__(self) -> None:
        _freeze(self, values=(self.values, np.float64))
        p = self.values.shape[0]
        _require_shape("values", self.values, p, len(self.measures))
        for end in ("low", "high"):
            given = getattr(self, end)
            _freeze(self, **{end: (given if np.size(given) else self.values, np.float64)})
            _require_shape(end, getattr(self, end), p, len(self.measures))
        if len(self.greater_is_better) != len(self.measures):
            raise InvalidInputError("greater_is_better must have one entry per measure")
        share = self.noise_share if np.size(self.noise_share) else np.zeros(p)
        _freeze(self, noise_share=(share, np.float64))
        object.__setattr__(self, "makers", self.makers or tuple(f"partition {row}" for row in range(p)))

    def __len__(self) -> int:
        return int(self.values.shape[0])

    def oriented(self) -> Floats:
        """(p, m) values with sign such that greater is better."""
        return np.asarray(self.values * np.where(self.greater_is_better, 1.0, -1.0))

    def ranks(self) -> Floats:
        """(p, m) 1 is best, ties share the mean rank, NaN ranks last.

        Values tie that agree to 9 significant digits, or to 12 digits of the column's median size: the
        same clusters under other numbers differ by rounding.
        """
        from scipy.stats import rankdata

        oriented = self.oriented()
        known = np.where(np.isnan(oriented).all(axis=0), 0.0, np.abs(oriented))
        mantissas, exponents = np.frexp(oriented)
        rounded = np.ldexp(np.round(mantissas * 2.0**30) / 2.0**30, exponents)
        rounded = np.where(np.abs(oriented) < 1e-12 * np.nanmedian(known, axis=0), 0.0, rounded)
        losses = np.where(np.isnan(rounded), np.inf, -rounded)
        return np.asarray(rankdata(losses, axis=0), dtype=np.float64)

    def select(self, measures: Sequence[str]) -> MeasureTable:
        """The same rows, the named measures only, in the given order."""
        missing = [name for name in measures if name not in self.measures]
        if missing:
            raise InvalidInputError(f"the table lacks the measure(s) {', '.join(missing)}")
        columns = [self.measures.index(name) for name in measures]
        return replace(
            self,
            values=self.values[:, columns],
            low=self.low[:, columns],
            high=self.high[:, columns],
            measures=tuple(measures),
            greater_is_better=tuple(self.greater_is_better[column] for column in columns),
            reasons={key: why for key, why in self.reasons.items() if key[1] in measures},
            approximate=tuple(name for name in self.approximate if name in measures),
            methods={name: how for name, how in self.methods.items() if name in measures},
        )

    def reason(self, partition: int, measure: str) -> str | None:
        """Why a value is NaN; None where it is defined.

        Raises InvalidInputError.
        """
        if measure not in self.measures:
            raise InvalidInputError(f"the table lacks the measure {measure!r}")
        if not 0 <= partition < len(self):
            raise InvalidInputError(f"partition must be one of the rows 0 to {len(self) - 1}, got {partition!r}")
        return self.reasons.get((partition, measure))

    def to_frame(self) -> pd.DataFrame:
        """One row per partition, one column per measure; `attrs["estimates"]` says which are and how they were made."""
        import pandas as pd

        frame = pd.DataFrame(self.values, columns=list(self.measures), index=pd.Index(self.makers, name="partition"))
        if self.approximate:
            frame.attrs["estimates"] = {name: self.methods.get(name, "estimate") for name in self.approximate}
        return frame

    def plot(self, ax: Axes | None = None) -> Axes:
        """Heat map of the ranks; measures stand in the order of their dendrogram by rank correlation, drawn above."""
        from gamac_meta.plots import plot_rank_map, rank_map

        return plot_rank_map(rank_map(self), ax)

    def _repr_html_(self) -> str:
        from gamac_meta.rendering import as_html

        return as_html(self)


@dataclass(frozen=True, eq=False)
class Ranking:
    """One order of the candidate partitions of one data set."""

    ranks: Floats  # (p,) 1 is best, ties share the mean rank
    assessor: str  # a person's pseudonym, "simulated-3", or "consensus"

    def __post_init__(self) -> None:
        _freeze(self, ranks=(self.ranks, np.float64))
        p = self.ranks.size
        if self.ranks.ndim != 1 or not np.isclose(self.ranks.sum(), p * (p + 1) / 2):
            raise InvalidInputError(
                f"ranks must be 1..{p} with ties sharing the mean rank, got {self.ranks.tolist()[:20]}"
            )


@dataclass(frozen=True, eq=False)
class MetaDataset:
    """What a ranker learns from: one query per data set, one item per measure."""

    features: Floats  # (q, f)
    pair_features: Floats  # (q, m, g) what is known of each measure on each data set
    relevance: Floats  # (q, m) agreement (Kendall tau-b) of the measure's order with the consensus
    datasets: tuple[str, ...]  # (q,) fingerprints
    families: tuple[str, ...]  # (q,) generator families
    groups: tuple[str, ...]  # (q,) generator groups, for honest folds
    feature_names: tuple[str, ...]  # (f,)
    pair_feature_names: tuple[str, ...]  # (g,)
    measures: tuple[str, ...]  # (m,)

    def __post_init__(self) -> None:
        _freeze(
            self,
            features=(self.features, np.float64),
            pair_features=(self.pair_features, np.float64),
            relevance=(self.relevance, np.float64),
        )
        q, m = len(self.datasets), len(self.measures)
        _require_shape("features", self.features, q, len(self.feature_names))
        _require_shape("pair_features", self.pair_features, q, m, len(self.pair_feature_names))
        _require_shape("relevance", self.relevance, q, m)
        if not len(self.families) == len(self.groups) == q:
            raise InvalidInputError(f"families and groups must name each of {q} data sets")
