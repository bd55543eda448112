"""How recommenders and learned measures are judged: by their orders of the candidates of data sets they never saw,
beside what else one could do, what hindsight could do, and what luck does.

That the contenders never saw a data set's group is up to who made their predictions; the baselines here keep to it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Sized
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gamac_meta.agreement import kendall_tau, weighted_tau
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Floats, Ints, MeasureTable
from rankers.judgement import (
    ASSESSORS,
    BORDA,
    FIGURES,
    LUCK,
    RANDOM,
    SINGLE,
    SINGLE_OF_ALL,
    SINGLE_OF_GROUP,
    USUAL,
    VIRTUAL,
    Judgement,
)
from rankers.metrics import regret_of_first

if TYPE_CHECKING:
    import pandas as pd

DEALS = 20  # random orders of each data set against which the virtual best shows its luck


class Standard(NamedTuple):
    """What contenders are judged by on one data set."""

    chosen: Ints  # (p,) rows of the pool that are the candidates
    consensus: Floats  # (p,) ranks of the candidates, 1 is best
    agreement: Floats | None  # (P,) adjusted Rand index of the pool with the generating labels; None without clusters
    group: str
    family: str
    base: str
    n: int  # points
    k: int  # planted clusters
    noise: float  # share of planted noise
    assessors: float  # tau of one assessor with the others; NaN where there is one order only


def judge(
    standards: Sequence[Standard],
    tables: Sequence[MeasureTable],
    *,
    picks: Mapping[str, Ints],
    scores: Mapping[str, Sequence[Floats]],
    controls: Collection[str] = (),
    by: str = "group",
    seed: int = 0,
) -> Judgement:
    """All figures of all contenders and baselines on q data sets.

    tables: of the pools (P, m), the same measures everywhere. picks: contender -> (q,) which measure it trusts.
    scores: contender -> its own score of each partition of each pool (P,), greater is better, ties allowed; NaN
    comes last, as an undefined value of a measure does. Orders of candidates are made of their rows of the pool.
    controls: those of the contenders that learned from noise; they are neither ranked nor compared.
    by: what was left out whole when the contenders learned, "group" or "base"; the best single measure is left
    the same.

    Raises InvalidInputError.
    """
    _check(standards, tables, picks, scores, controls)
    measures, m = tables[0].measures, len(tables[0].measures)
    rng = np.random.default_rng(seed)
    figures, luck = [], []
    for row, (standard, table) in enumerate(zip(standards, tables, strict=True)):
        own = [_ranks(np.asarray(values[row], dtype=np.float64)[:, None]) for values in scores.values()]
        pool = np.hstack([table.ranks(), *own])
        candidates = _ranks(-pool[standard.chosen])
        candidates, pool = (np.column_stack([ranks, ranks[:, :m].mean(axis=1)]) for ranks in (candidates, pool))
        figures.append(_figures(candidates, pool, _target(standard, len(table)))[..., 0])
        luck.append(_figures(candidates[:, :m], pool[:, :m], _dealt(_target(standard, len(table)), rng)))
    everything = np.stack(figures, axis=1)  # (figures, q, m + contenders + 1), Borda last
    of_measures = everything[:, :, :m]

    columns = {name: np.asarray(picked) for name, picked in picks.items()}
    columns |= {name: np.full(len(standards), m + place) for place, name in enumerate((*scores, BORDA))}
    columns |= {name: np.full(len(standards), measures.index(name)) for name in USUAL if name in measures}
    rows = np.arange(len(standards))
    values = {name: everything[:, rows, column] for name, column in columns.items()}
    singles = _best_singles(of_measures, [getattr(each, by) for each in standards], [each.group for each in standards])
    for name, chosen in singles.items():
        values[name] = np.take_along_axis(of_measures, chosen[:, :, None], axis=2)[:, :, 0]
        columns[name] = chosen[0]  # named by what is best by tau
    values[RANDOM] = of_measures.mean(axis=2)
    values[VIRTUAL] = _best(of_measures, axis=2)
    values[LUCK] = np.stack([_best(each, axis=1).mean(axis=1) for each in luck], axis=1)
    values[ASSESSORS] = _of_assessors(standards)
    trusted = {
        name: [measures[place] if place < m else "" for place in column.tolist()] for name, column in columns.items()
    }
    contenders = tuple(name for name in (*picks, *scores) if name not in controls)
    return Judgement(_frame(standards, values, trusted), contenders, tuple(controls), seed, by)


def _check(
    standards: Sequence[Standard],
    tables: Sequence[MeasureTable],
    picks: Mapping[str, Ints],
    scores: Mapping[str, Sequence[Floats]],
    controls: Collection[str],
) -> None:
    q = len(standards)
    groups = len({each.group for each in standards})
    if groups < 2:
        raise InvalidInputError(f"data sets must be of 2 groups at least, to leave groups out, got {groups}")
    given: dict[str, Sized] = {"tables": tables, **picks, **scores}
    for name, values in given.items():
        if len(values) != q:
            raise InvalidInputError(f"{name} must have one entry for each of {q} data sets, got {len(values)}")
    if len({table.measures for table in tables}) > 1:
        raise InvalidInputError("tables must all have the same measures in the same order")
    m = len(tables[0].measures)
    for name, picked in picks.items():
        if min(picked) < 0 or max(picked) >= m:
            raise InvalidInputError(f"{name} must pick measures 0 to {m - 1}, got {min(picked)} to {max(picked)}")
    taken = {RANDOM, SINGLE, SINGLE_OF_ALL, SINGLE_OF_GROUP, BORDA, VIRTUAL, LUCK, ASSESSORS, *USUAL}
    names = [*picks, *scores]
    twice = sorted({name for name in names if names.count(name) > 1 or name in taken})
    if twice:
        raise InvalidInputError(f"contenders must have names of their own, got {', '.join(twice)} twice")
    strangers = sorted(set(controls) - set(names))
    if strangers:
        raise InvalidInputError(f"controls must be contenders, got {', '.join(strangers)}")
    for row, (standard, table) in enumerate(zip(standards, tables, strict=True)):
        if min(standard.chosen) < 0 or max(standard.chosen) >= len(table):
            raise InvalidInputError(f"candidates of data set {row} must be rows 0 to {len(table) - 1} of its pool")
        sizes = {"consensus": (standard.consensus, len(standard.chosen))}
        sizes |= {name: (values[row], len(table)) for name, values in scores.items()}
        if standard.agreement is not None:
            sizes["agreement"] = (standard.agreement, len(table))
        for name, (array, size) in sizes.items():
            if np.shape(array) != (size,):
                raise InvalidInputError(f"{name} of data set {row} must have shape ({size},), got {np.shape(array)}")


def _ranks(scores: Floats) -> Floats:
    """(p, a) ranks of scores (p, a): 1 is best, ties share the mean rank, NaN ranks last."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(np.where(np.isnan(scores), np.inf, -scores), axis=0), dtype=np.float64)


class _Target(NamedTuple):
    """What orders are compared with; b variants of it side by side."""

    consensus: Floats  # (p, b) ranks of the candidates
    worth: Floats  # (p, b) agreement of the candidates with the generating labels
    pool_worth: Floats  # (P, b)


def _target(standard: Standard, size: int) -> _Target:
    worth = np.full(size, np.nan) if standard.agreement is None else standard.agreement
    return _Target(standard.consensus[:, None], worth[standard.chosen, None], worth[:, None])


def _dealt(target: _Target, rng: np.random.Generator) -> _Target:
    """The same values dealt to the partitions at random, DEALS times."""
    p, size = len(target.consensus), len(target.pool_worth)
    rows, pool_rows = (rng.permuted(np.tile(np.arange(length), (DEALS, 1)), axis=1).T for length in (p, size))
    return _Target(target.consensus[rows, 0], target.worth[rows, 0], target.pool_worth[pool_rows, 0])


def _figures(candidates: Floats, pool: Floats, target: _Target) -> Floats:
    """(figures, a, b) in the order of FIGURES, of orders of the candidates (p, a) and of the pool (P, a)."""
    tau = kendall_tau(candidates, target.consensus)
    return np.stack(
        [
            tau,
            weighted_tau(candidates, target.consensus),
            (tau < 0.0).astype(np.float64),
            regret_of_first(candidates, target.worth),
            regret_of_first(pool, target.pool_worth),
        ]
    )


def _best(values: Floats, axis: int) -> Floats:
    """The best of each figure (figures, ...) along an axis: the greatest or the least, as the figure is."""
    return np.stack(
        [
            each.max(axis=axis - 1) if figure.greater_is_better else each.min(axis=axis - 1)
            for each, figure in zip(values, FIGURES.values(), strict=True)
        ]
    )


def _best_singles(values: Floats, units: Sequence[str], groups: Sequence[str]) -> dict[str, Ints]:
    """(figures, q) the measure of values (figures, q, m) with the best mean of each figure: over the other units,
    over the own group, and over all data sets."""
    signs = np.array([1.0 if figure.greater_is_better else -1.0 for figure in FIGURES.values()])
    oriented = signs[:, None, None] * values
    known = ~np.isnan(oriented[:, :, :1])
    oriented = np.where(known, oriented, 0.0)

    def best(rows: NDArray[np.bool_]) -> Ints:
        """(figures,) by the mean over the data sets on which the figure is known."""
        count = np.maximum(known[:, rows].sum(axis=1), 1)
        return np.asarray((oriented[:, rows].sum(axis=1) / count).argmax(axis=1))

    shape = values.shape[:2]
    found = {name: np.empty(shape, dtype=np.int64) for name in (SINGLE, SINGLE_OF_GROUP)}
    for name, names, others in ((SINGLE, units, True), (SINGLE_OF_GROUP, groups, False)):
        for unit in set(names):
            here = np.array(names) == unit
            found[name][:, here] = best(~here if others else here)[:, None]
    everywhere = best(np.ones(shape[1], dtype=bool))
    return found | {SINGLE_OF_ALL: np.broadcast_to(everywhere[:, None], shape)}


def _of_assessors(standards: Sequence[Standard]) -> Floats:
    """(figures, q) with the tau of assessors; the other figures are of orders that nobody kept."""
    tau = np.array([each.assessors for each in standards], dtype=np.float64)
    values = np.full((len(FIGURES), len(standards)), np.nan)
    values[0] = tau
    return values


def _frame(
    standards: Sequence[Standard], values: Mapping[str, Floats], trusted: Mapping[str, Sequence[str]]
) -> pd.DataFrame:
    """A row for each contender and data set; a contender of which nothing is known is left out."""
    import pandas as pd

    facts = pd.DataFrame(
        {name: [getattr(each, name) for each in standards] for name in ("group", "family", "base", "n", "k", "noise")}
    )
    facts.insert(0, "dataset", np.arange(len(standards)))
    frames = []
    for name, table in values.items():
        if np.isnan(table[0]).all():
            continue
        own = pd.DataFrame({"contender": name, "measure": trusted.get(name, "")}, index=facts.index)
        frames.append(pd.concat([own, pd.DataFrame(dict(zip(FIGURES, table, strict=True))), facts], axis=1))
    return pd.concat(frames, ignore_index=True)
