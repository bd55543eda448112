"""recommend_measure(X): which measure to trust for this data, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.backend import device_for
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.inputs import Prepared, as_partitions, prepare
from gamac_meta.measures import MEASURES, evaluate
from gamac_meta.types import Floats, Ints, Labels, PartitionSet

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

    from rankers.model import Recommender
    from rankers.persistence import Model

# Candidates of more points than this are compared on a random sample of so many
CANDIDATE_POINTS = 2000
# Of fewer, tau takes so few values that an interval of it says little
FEW_CANDIDATES = 8
# More make every measure a comparison of single points, and tables of cluster pairs too large to hold
MOST_CLUSTERS = 1000


@dataclass(frozen=True, eq=False)
class Recommendation:
    """Measures ordered by how well their ranking of partitions is expected to agree with people's."""

    measures: tuple[str, ...]  # (m,) best first: one of the ranker's trios, then all others
    scores: Floats  # (m,) of the ranker, descending in the first trio and in the rest
    agreement: Floats  # (m,) predicted Kendall tau with the assessors' consensus
    low: Floats  # (m,) lower end of the 90 % interval
    high: Floats  # (m,) upper end
    model: str  # name and version of the ranker
    assessors: str  # "simulated" or "real": whose orders the ranker learned from
    cautions: tuple[str, ...]  # in what these points are unlike the data sets the ranker learned from
    prepared: Prepared  # the points as they were computed on, and what was done to them
    _ranker: Recommender
    _features: Floats  # (f,)
    _pair_features: Floats  # (m, g) in the ranker's order of measures
    structure: float = float("nan")  # how sure it is that there are clusters at all, 0 to 1; NaN where unknown

    @property
    def best(self) -> str:
        """The recommended measure."""
        return self.measures[0]

    @property
    def trio(self) -> tuple[str, ...]:
        """The three measures in front, which come there together; empty where the model puts single ones first."""
        trios = self._ranker.trios
        return self.measures[: trios.shape[1]] if len(trios) else ()

    def to_frame(self) -> pd.DataFrame:
        """One row per measure, best first."""
        import pandas as pd

        return pd.DataFrame(
            {
                "measure": self.measures,
                "title": [MEASURES[name].title for name in self.measures],
                "agreement": self.agreement,
                "low": self.low,
                "high": self.high,
                "greater_is_better": [MEASURES[name].greater_is_better for name in self.measures],
            },
            index=pd.RangeIndex(1, len(self.measures) + 1, name="rank"),
        )

    def explain(self, measure: str | None = None) -> Explanation:
        """What moved a measure (the best by default) up or down against the others.

        Effects are SHAP values of the ranker, less their mean over all measures.
        Lundberg et al. 2020, doi:10.1038/s42256-019-0138-9.
        """
        chosen = self.best if measure is None else measure
        if chosen not in self.measures:
            raise InvalidInputError(f"measure must be one of those ranked, got {measure!r}")
        row = self._ranker.measures.index(chosen)
        effects = self._ranker.contributions(self._features, self._pair_features)[row]
        values = np.concatenate([self._features, self._pair_features[row], [np.nan]])
        order = np.argsort(-np.abs(effects), kind="stable")
        names = self._ranker.columns
        together = self.trio if chosen in self.trio else ()
        return Explanation(chosen, tuple(names[i] for i in order), values[order], effects[order], together)

    def plot(self, ax: Axes | None = None, top: int = 12) -> Axes:
        """Predicted agreement of the first measures with its interval."""
        from gamac_meta.plots import plot_recommendation

        titles = [MEASURES[name].title for name in self.measures[:top]]
        axes = plot_recommendation(titles, self.agreement[:top], self.low[:top], self.high[:top], ax=ax)
        axes.set_xlabel(f"predicted Kendall tau with the consensus of {self.assessors} assessors, 90 % interval")
        return axes

    def __repr__(self) -> str:
        return (
            f"<Recommendation: {self.best}, predicted tau {self.agreement[0]:.2f} "
            f"[{self.low[0]:.2f}, {self.high[0]:.2f}] with {self.assessors} assessors, {len(self.measures)} measures>"
        )

    def _repr_html_(self) -> str:
        best = MEASURES[self.best]
        direction = "greater" if best.greater_is_better else "smaller"
        return (
            f"<p><b>{escape(best.title)}</b> (<code>{self.best}</code>, {direction} is better): predicted agreement "
            f"{self.agreement[0]:.2f} [{self.low[0]:.2f}, {self.high[0]:.2f}] with the consensus of "
            f"{self.assessors} assessors, for {self.prepared.data.n} points in {self.prepared.data.d} columns. "
            f"Model: {escape(self.model)}.</p>"
            + "".join(f"<p>Caution: {escape(caution)}.</p>" for caution in self.cautions)
            + str(self.to_frame().head(10).to_html(float_format="{:.2f}".format))
        )


@dataclass(frozen=True, eq=False)
class Explanation:
    """Features by the size of their effect on one measure's place."""

    measure: str
    features: tuple[str, ...]
    values: Floats  # of the features; NaN for the measure's identity
    effects: Floats  # on the ranker's score, against the mean over measures
    trio: tuple[str, ...] = ()  # measures that it came first with, itself among them

    def to_frame(self) -> pd.DataFrame:
        """One row per feature, largest effect first."""
        import pandas as pd

        return pd.DataFrame(
            {
                "feature": self.features,
                "value": self.values,
                "effect": self.effects,
                "meaning": [meaning(name) for name in self.features],
            }
        )

    def by_block(self) -> pd.DataFrame:
        """Effects summed over blocks of features, the largest first."""
        import pandas as pd

        frame = pd.DataFrame({"block": [block_of(name) for name in self.features], "effect": self.effects})
        summed = frame.groupby("block", sort=False)["effect"].sum()
        return summed.reindex(summed.abs().sort_values(ascending=False, kind="stable").index).reset_index()

    @property
    def text(self) -> str:
        """The blocks of features, then the strongest single reasons, one line each."""
        lines = [f"Why {MEASURES[self.measure].title}:"]
        shares = [f"{row.block} ({row.effect:+.2f})" for row in self.by_block().head(4).itertuples()]
        lines.append(f"  by kind: {', '.join(shares)}")
        for name, value, effect in list(zip(self.features, self.values, self.effects, strict=True))[:6]:
            shown = "" if np.isnan(value) else f" = {value:.3g}"
            lines.append(f"  {'for' if effect > 0 else 'against'} ({effect:+.3f})  {meaning(name)}{shown}")
        if self.trio:
            others = " and ".join(MEASURES[name].title for name in self.trio if name != self.measure)
            lines.append(f"  First together with {others}: the best trio by score comes first as a whole.")
        lines.append("  Landmarks are fixed cheap partitions of these points. Effects are on the ranker's score.")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return f"<pre>{escape(self.text)}</pre>"


# Blocks of columns of the ranker, in words
_BLOCK_WORDS = {
    "distance profile": "distances between points",
    "structure": "neighbors, gaps and density",
    "statistical": "statistics of the columns",
    "landmarks": "what landmarks look like",
}


def block_of(feature: str) -> str:
    """The kind of a column of the ranker, in words."""
    import metafeatures

    if feature == "measure":
        return "the measure's record in general"
    if feature in metafeatures.BLOCKS:
        block = metafeatures.BLOCKS[feature]
        return _BLOCK_WORDS[block]
    if feature.endswith("_learned"):
        return "agreement with the learned measure"
    return "how the measure orders landmarks"


def meaning(feature: str) -> str:
    """A column of the ranker, in words."""
    import metafeatures
    import rankers

    if feature == "measure":
        return "how it does on data sets in general"
    if feature in metafeatures.NAMES:
        return metafeatures.DESCRIPTIONS[feature]
    return rankers.describe_pair_feature(feature)


def recommend_measure(
    X: Any,
    *,
    partitions: Any = None,
    model: str | Path | Model | None = None,
    backend: str = "auto",
    random_state: int = 0,
    scale: str | None = "common",
) -> Recommendation:
    """Say which measure's ranking of candidate partitions will agree best with people's.

    X: (n, d) array-like or pandas or polars frame, numeric and finite, n >= 10. Constant columns are
    dropped with a warning. scale: "common" (each column centered, all divided by one number),
    "standard", "minmax" or None.
    partitions: (p, n) labels of the candidates to be compared, if known, -1 is noise; the advice is
    then for them. model: a model or its directory, the shipped one by default. random_state seeds
    the sample on which candidates of more than 2000 points are compared; nothing else is random.

    Raises InvalidInputError, ModelError, BackendUnavailableError; nothing is computed before the checks.
    """
    device_for(backend, 0)  # refuses what is not there before any work
    if isinstance(random_state, bool) or not isinstance(random_state, int | np.integer) or random_state < 0:
        raise InvalidInputError(f"random_state must be a whole number >= 0, got {random_state!r}")
    prepared = prepare(X, scale)
    candidates = None if partitions is None else checked_candidates(as_partitions(partitions, prepared.data.n))
    trained = load_model(model)

    from rankers.reading import Reading

    reading = Reading(trained, prepared.data)
    if candidates is None:
        ranker, pairs = trained.recommenders["points"], reading.pairs()
    else:
        ranker = trained.recommenders["candidates"]
        points, labels = _sample(prepared.data.X, candidates, int(random_state))
        compared = evaluate(points, labels, ranker.measures, backend=backend)
        pairs = reading.pairs_on(candidates, compared)
    prediction = ranker.predict(reading.features, pairs)
    return Recommendation(
        tuple(ranker.measures[position] for position in prediction.order),
        prediction.scores,
        prediction.agreement,
        prediction.low,
        prediction.high,
        trained.name,
        str(trained.card["assessors"]["kind"]),
        (*filter(None, [reading.structure.notice]), *_cautions(prepared, trained, candidates)),
        prepared,
        ranker,
        reading.features,
        pairs,
        reading.structure.probability,
    )


def _cautions(prepared: Prepared, trained: Model, candidates: PartitionSet | None) -> tuple[str, ...]:
    """Where the input lies outside what the corpus held: there the intervals were never checked."""
    ranges = trained.card["corpus"]["ranges"]
    found = []
    for what, value in (("points", prepared.data.n), ("columns", prepared.data.d)):
        low, high = ranges[what]
        if not low <= value <= high:
            held = f"{low}" if low == high else f"{low} to {high}"
            found.append(f"{value} {what}, the model learned from data sets of {held}: the intervals are a guess here")
    if candidates is not None:
        different = len(np.unique(candidates.labels, axis=0))
        if different < FEW_CANDIDATES:
            found.append(
                f"{different} different candidates, the model learned from 15 each: the intervals are a guess here"
            )
    return tuple(found)


def checked_candidates(candidates: PartitionSet) -> PartitionSet:
    """Candidates that can be compared; raises InvalidInputError."""
    if len(candidates) < 2:
        raise InvalidInputError(f"partitions must hold at least 2 candidates to be compared, got {len(candidates)}")
    single = np.flatnonzero(candidates.n_clusters < 2)
    if single.size:
        rows = ", ".join(map(str, single[:8])) + (", ..." if single.size > 8 else "")
        raise InvalidInputError(f"partitions must have at least 2 clusters each, got fewer in row(s) {rows}")
    return refuse_many_clusters(candidates)


def refuse_many_clusters(partitions: PartitionSet) -> PartitionSet:
    """Partitions of no more clusters than can be measured; raises InvalidInputError."""
    many = np.flatnonzero(partitions.n_clusters > MOST_CLUSTERS)
    if many.size:
        raise InvalidInputError(
            f"partitions must have at most {MOST_CLUSTERS} clusters each, "
            f"got {int(partitions.n_clusters[many[0]])} in row {int(many[0])}"
        )
    return partitions


def load_model(model: str | Path | Model | None) -> Model:
    """A model as it is given, from its directory, or the shipped one."""
    from rankers import load

    return load(model) if model is None or isinstance(model, str | Path) else model


def _sample(X: Floats, candidates: PartitionSet, seed: int) -> tuple[Floats, PartitionSet]:
    """At most about 2000 points and their labels, the same however X was ordered, moved or turned."""
    from metafeatures import canonical_order, canonical_points
    from rankers import settled

    rows = np.arange(len(X))
    if len(X) > CANDIDATE_POINTS:
        ordered = canonical_order(X)
        shuffled = ordered[np.random.default_rng(seed).permutation(len(X))]
        # two points of every cluster of every candidate, so that none vanishes from the sample
        kept = [_first_two(labels[shuffled]) for labels in candidates.labels]
        places = np.unique(np.concatenate([*kept, np.arange(CANDIDATE_POINTS)]))
        # and the outermost, so that they are not all equal
        rows = np.union1d(shuffled[places], ordered[-1:])
    order, points = canonical_points(X[rows])
    return points, settled(points, PartitionSet(candidates.labels[:, rows[order]], candidates.makers))


def _first_two(labels: Labels) -> Ints:
    order = np.argsort(labels, kind="stable")
    starts = np.flatnonzero(np.diff(labels[order], prepend=-2))
    sizes = np.diff(starts, append=len(labels))
    return np.concatenate([order[starts], order[starts[sizes > 1] + 1]])
