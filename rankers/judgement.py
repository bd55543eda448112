"""What came of judging contenders on many data sets: means with intervals, tables, comparisons, ranks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from rankers.metrics import Interval, bootstrap_means
from rankers.significance import LEVEL, Ranks, rank_contenders

if TYPE_CHECKING:
    import pandas as pd

RANDOM = "random measure"
SINGLE = "best single measure"
SINGLE_OF_ALL = "best single measure of all (in hindsight)"
SINGLE_OF_GROUP = "best single measure of the group (in hindsight)"
BORDA = "Borda of all measures"
VIRTUAL = "virtual best measure (in hindsight)"
LUCK = "virtual best measure, orders shuffled"
ASSESSORS = "one assessor with the others"
USUAL = ("silhouette", "dbcv")  # measures that people take as a matter of course
# what nobody could use on new data: means, hindsight, people
YARDSTICKS = (RANDOM, SINGLE_OF_ALL, SINGLE_OF_GROUP, VIRTUAL, LUCK, ASSESSORS)


class Figure(NamedTuple):
    """What is said of a contender on a data set."""

    title: str
    greater_is_better: bool


FIGURES: Mapping[str, Figure] = {
    "tau": Figure("tau", True),
    "weighted_tau": Figure("top-weighted tau", True),
    "negative": Figure("tau < 0", False),
    "regret": Figure("regret", False),
    "pool_regret": Figure("regret on the pool", False),
}
# greatest value of each bin but the last, and their names
BINS: Mapping[str, tuple[tuple[float, ...], tuple[str, ...]]] = {
    "n": ((299, 599, 999), ("< 300", "300-599", "600-999", ">= 1000")),
    "k": ((1, 4, 10, 30), ("1", "2-4", "5-10", "11-30", "> 30")),
    "noise": ((0.0, 0.05, 0.1, 0.2), ("none", "to 5 %", "5-10 %", "10-20 %", "> 20 %")),
}
# what may be left out whole
WORDS = {"group": "generator group", "base": "base data set"}
PLURALS = {"group": "groups", "base": "base data sets"}
TABLES = ("group", "k", "n", "noise", "family")


class Comparison(NamedTuple):
    """Mean of first minus second over data sets that know both, and two intervals of it."""

    first: str
    second: str
    datasets: Interval  # data sets resampled
    groups: Interval  # whole groups resampled

    def __str__(self) -> str:
        return f"{self.first} over {self.second}: {self.datasets}, groups resampled {_ends(self.groups)}"


@dataclass(frozen=True, eq=False)
class Judgement:
    """Every figure of every contender on every data set.

    `frame` has a row for each contender and data set: `tau` and `weighted_tau` of its order of the candidates with
    the consensus; `negative`, whether that tau is below 0, or in what share of cases where several orders are
    averaged; `regret`, the adjusted Rand index with the generating labels of the best candidate minus that of the
    candidate it puts first, and `pool_regret`, the same on the whole pool; NaN where nothing is known. Further
    columns say which `measure` it trusts, and what the data set is.
    """

    frame: pd.DataFrame
    contenders: tuple[str, ...]  # what was to be judged; the others in the frame are its baselines
    controls: tuple[str, ...]  # what learned from noise: neither ranked nor compared
    seed: int
    left_out: str = "group"  # or "base": what was left out whole when the contenders learned
    remarks: tuple[str, ...] = ()  # further notes of who judged

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Contenders and baselines by mean tau, the best first."""
        means = self.frame.groupby("contender", sort=False)["tau"].mean()
        return tuple(means.sort_values(ascending=False, kind="stable").index)

    def of(self, figure: str) -> pd.DataFrame:
        """A figure: data sets are rows, contenders columns, the best by mean tau first."""
        self._require(figure, FIGURES)
        return self.frame.pivot(index="dataset", columns="contender", values=figure)[list(self.names)]

    def overall(self, figure: str = "tau", *, over: str | None = None) -> dict[str, Interval]:
        """Mean of a figure over data sets by contender, with its 95 % bootstrap interval.

        over: "group", "family" or "base", to resample whole ones of these instead of data sets.
        """
        values = self.of(figure)
        units = None if over is None else self._facts(over).tolist()
        intervals = bootstrap_means(values.to_numpy(), units=units, seed=self.seed)
        return dict(zip(values.columns, intervals, strict=True))

    def by(self, what: str, figure: str = "tau") -> pd.DataFrame:
        """Mean of a figure by contender (columns) and group, family or base, or bin of n, k or noise (rows)."""
        import pandas as pd

        self._require(what, ("group", "family", "base", *BINS))
        values, facts = self.of(figure), self._facts(what)
        if what in BINS:
            greatest, labels = BINS[what]
            facts = pd.cut(facts, [-np.inf, *greatest, np.inf], labels=list(labels))
        rows = values.groupby(facts, observed=True)
        table = rows.mean()
        table.insert(0, "data sets", rows.size())
        table.index = pd.Index([str(name) for name in table.index], name=what)
        table.loc["all"] = [len(values), *values.mean()]
        return table.astype({"data sets": int})

    def compare(self, first: str, second: str, figure: str = "tau") -> Comparison:
        """Of two contenders, paired by data set: the mean difference with its 95 % bootstrap intervals."""
        values = self.of(figure)
        for name in (first, second):
            self._require(name, tuple(values.columns))
        difference = (values[first] - values[second]).to_numpy()[:, None]
        datasets, groups = (
            bootstrap_means(difference, units=units, seed=self.seed)[0]
            for units in (None, self._facts("group").tolist())
        )
        return Comparison(first, second, datasets, groups)

    def ranks(self, figure: str = "tau", *, over: str | None = None) -> Ranks:
        """Mean ranks of what could be used on new data, and which of it cannot be told apart.

        Data sets on which the figure is unknown are left out. over: "group", "family" or "base", to rank the means
        over each instead of data sets: data sets that resemble each other then count as one.
        """
        values = self.of(figure)
        unranked = {*YARDSTICKS, *self.controls}
        values = values[[name for name in values.columns if name not in unranked]].dropna()
        if over is not None:
            values = values.groupby(self._facts(over)).mean()
        sign = 1.0 if FIGURES[figure].greater_is_better else -1.0
        return rank_contenders(tuple(values.columns), sign * values.to_numpy())

    def report(self, kind: str) -> str:
        """Everything as text; kind says whose orders the consensus is made of: "simulated" or "real"."""
        lines = [self.title(kind), "", self.summary().to_string(justify="right"), "", *self.notes(kind), ""]
        lines += ["Gain in tau, paired by data set", *(f"  {each}" for each in self.comparisons()), ""]
        for over, units in ((None, "data sets"), ("group", "groups")):
            lines += [*self._ranked(units, self.ranks(over=over)), ""]
        for what in TABLES:
            lines += [f"Mean tau by {what}", self.numbered(what).to_string(float_format="%.3f"), ""]
        return "\n".join(lines)

    def to_html(self, kind: str) -> str:
        """The same as a page of its own, with critical-difference diagrams."""
        from rankers._judgement_page import as_page

        return as_page(self, kind)

    def title(self, kind: str) -> str:
        """What was judged, and on what."""
        facts = self.frame.drop_duplicates("dataset")
        return (
            f"Agreement with the consensus of {kind} assessors on {len(facts)} data sets "
            f"of {facts['group'].nunique()} groups, each {WORDS[self.left_out]} left out whole"
        )

    def summary(self) -> pd.DataFrame:
        """All figures in words: a row for each contender with its number, the best by mean tau first."""
        import pandas as pd

        columns = {}
        for figure, (title, _) in FIGURES.items():
            means = self.overall(figure)
            columns[title] = [_shown(means[name], share=figure == "negative") for name in self.names]
            if figure == "tau":
                groups = self.overall(figure, over="group")
                columns["groups resampled"] = [_ends(groups[name]) for name in self.names]
        return pd.DataFrame(columns, index=[f"({place}) {name}" for place, name in enumerate(self.names, start=1)])

    def numbered(self, what: str, figure: str = "tau") -> pd.DataFrame:
        """The table of `by` with the numbers of `summary` for names, which are too long to stand side by side."""
        numbers = {name: f"({place})" for place, name in enumerate(self.names, start=1)}
        return self.by(what, figure).rename(columns=numbers).rename_axis(index=None, columns=None)

    def notes(self, kind: str) -> list[str]:
        """What the columns and the baselines are."""
        chosen, best = (self._trusted(name) for name in (SINGLE, SINGLE_OF_ALL))
        notes = [
            "Means over data sets [95 % bootstrap interval over data sets]. Regret: adjusted Rand index with the "
            "generating labels lost by taking what is put first.",
            f"{SINGLE}: for each figure, the best by its mean over all other {PLURALS[self.left_out]}; by tau mostly "
            f"{chosen}. {SINGLE_OF_ALL}: likewise over all; by tau {best}. {RANDOM}: mean over measures.",
            f"{VIRTUAL}: the best of all measures for each data set and figure. {LUCK}: the same where orders are "
            "dealt at random, so that all it has is luck.",
        ]
        if ASSESSORS in self.names:
            notes.append(
                f"{ASSESSORS}: {kind} assessors, each with the mean rank of the others, not with the consensus."
            )
        return [*notes, *self.remarks]

    def comparisons(self) -> list[Comparison]:
        """Each contender with those behind it, with the baselines that could be used on new data, and with the best
        single measure even in hindsight."""
        against = (SINGLE, SINGLE_OF_ALL, *USUAL, BORDA)
        rivals = [name for name in self.names if name in self.contenders or name in against]
        return [
            self.compare(name, rival)
            for name in self.names
            if name in self.contenders
            for rival in rivals
            if rival not in self.contenders or rivals.index(rival) > rivals.index(name)
        ]

    def _trusted(self, name: str) -> str:
        """The measure that a contender trusts on most data sets."""
        return str(self.frame.loc[self.frame["contender"] == name, "measure"].mode()[0])

    def _ranked(self, units: str, ranks: Ranks) -> list[str]:
        return [
            f"Mean ranks over {ranks.units} {units} (Friedman {ranks.friedman:.1f}, p {ranks.p_value:.2g})",
            *(f"  {mean:5.2f}  {name}" for name, mean in zip(ranks.names, ranks.mean_ranks, strict=True)),
            *(f"  not told apart: {'; '.join(ranks.names[place] for place in clique)}" for clique in ranks.cliques),
            f"  (pairs by Wilcoxon's signed-rank test at level {LEVEL} after Holm's correction)",
        ]

    def _facts(self, what: str) -> pd.Series:
        """A fact of each data set, in the order of the rows of `of`."""
        return self.frame.drop_duplicates("dataset").set_index("dataset")[what].sort_index()

    def _require(self, name: str, known: Mapping[str, Figure] | tuple[str, ...]) -> None:
        if name not in known:
            raise InvalidInputError(f"must be one of {', '.join(known)}, got {name!r}")


def _shown(interval: Interval, *, share: bool = False) -> str:
    if np.isnan(interval.mean):
        return "-"
    return f"{interval.mean:.1%}" if share else str(interval)


def _ends(interval: Interval) -> str:
    return f"[{interval.low:.3f}, {interval.high:.3f}]"
