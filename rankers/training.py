"""From a corpus to a validated model directory."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from corpus.consensus import consensus
from corpus.orders import is_simulated
from corpus.store import CorpusStore, Entry
from gamac_meta.agreement import leave_one_out_tau
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.measures import MEASURES
from gamac_meta.types import Floats, Ints, MeasureTable, Ranking
from metafeatures import LANDMARKS, NAMES, ROTATION_FREE, SCHEMA_VERSION
from rankers._pairs import pair_feature_names
from rankers.cases import Case, shuffled
from rankers.descriptions import Description, describe_corpus
from rankers.evaluation import Standard, judge
from rankers.judgement import FIGURES, Judgement
from rankers.model import BASES, Recommender
from rankers.persistence import Model, refuse_foreign, save
from rankers.pipeline import fit
from rankers.validation import (
    FOLDS,
    KINDS,
    SHUFFLED,
    TITLES,
    Calibrated,
    HeldOut,
    Lesson,
    calibrate,
    contenders,
    dealt_agreement,
    leave_out,
)

MIN_GROUPS = 3
# a turned picture is the same picture: features that change with a turn are not learned from
FEATURES = tuple(name for name in NAMES if ROTATION_FREE[name])


@dataclass(frozen=True, eq=False)
class Assembled:
    """Everything learned from, and what it is judged by."""

    lesson: Lesson  # q cases
    standards: tuple[Standard, ...]  # (q,)
    tables: tuple[MeasureTable, ...]  # (q,) of the pools
    orders: dict[str, int]  # orders learned from, "real" and "simulated"
    per_dataset: tuple[int, int]  # fewest and most orders of a data set
    ranges: dict[str, tuple[float, float]]  # of points, columns and clusters in the corpus
    settings: dict[str, Any]  # what the corpus was built with
    corpus_hash: str

    @property
    def kind(self) -> str:
        """Whose orders: "simulated", "real" or both."""
        return " and ".join(sorted(self.orders))


@dataclass(frozen=True, eq=False)
class Training:
    """What `train` made."""

    model: Model
    judgement: Judgement
    calibrated: dict[str, Calibrated]  # by basis
    directory: Path | None

    def report(self) -> str:
        """The validation tables as text."""
        return "\n".join(
            [self.judgement.report(self.model.card["assessors"]["kind"]), *_coverage_lines(self.calibrated)]
        )


def assemble(directory: Path, *, orders: str | None = None, n_jobs: int = 1, progress: bool = False) -> Assembled:
    """Targets from the assessors' orders, features from the data sets.

    orders: URL of the database that holds the orders, the corpus's own by default.
    Raises CorpusError where the corpus is damaged or too small to validate on.
    """
    with CorpusStore(directory, url=orders) as store:
        entries = list(store.entries())
        corpus_hash, settings = store.corpus_hash(), dict(store.settings)
    if not entries:
        raise CorpusError(f"corpus {directory} holds no data sets; build some first")
    unknown = sorted({name for entry in entries for name in entry.table.measures} - set(MEASURES))
    if unknown:
        raise CorpusError(
            f"corpus {directory}: this installation lacks its measures {', '.join(unknown)}; build it anew"
        )
    unordered = [entry.index for entry in entries if not entry.orders]
    if unordered:
        raise CorpusError(
            f"corpus {directory}: every data set needs assessors' orders, "
            f"{len(unordered)} have none, the first is number {unordered[0]}"
        )
    groups = {entry.group for entry in entries}
    if len(groups) < MIN_GROUPS:
        raise CorpusError(
            f"corpus {directory}: validation leaves generator groups out and needs at least {MIN_GROUPS}, "
            f"got {len(groups)}; build more data sets"
        )
    described = describe_corpus(directory, n_jobs=n_jobs, progress=progress)
    heard = [heard_orders(entry.orders) for entry in entries]
    targets = [consensus(orders).ranks for orders in heard]
    columns = np.array([NAMES.index(name) for name in FEATURES])
    cases = [
        _case(entry, described[entry.index], target, columns) for entry, target in zip(entries, targets, strict=True)
    ]
    return Assembled(
        Lesson(tuple(cases), FEATURES, entries[0].pool_table.measures),
        tuple(_standard(entry, case, orders) for entry, case, orders in zip(entries, cases, heard, strict=True)),
        tuple(entry.pool_table for entry in entries),
        dict(Counter("simulated" if is_simulated(order) else "real" for orders in heard for order in orders)),
        (min(map(len, heard)), max(map(len, heard))),
        {
            "points": _range([entry.data.n for entry in entries]),
            "columns": _range([entry.data.d for entry in entries]),
            "clusters": _range([entry.truth.max() + 1 for entry in entries]),
        },
        {name: settings.get(name) for name in ("seed", "assessors", "schemes")},
        corpus_hash,
    )


def _case(entry: Entry, described: Description, target: Floats, columns: Ints) -> Case:
    planted = entry.truth.max() > 0
    return Case(
        described.features[columns],
        described.landmark_pairs,
        described.landmark_ranks,
        described.landmark_partitions,
        described.pool_partitions,
        entry.table.ranks(),
        np.asarray(entry.chosen),
        target,
        entry.truth_agreement if planted else None,
        entry.data.fingerprint,
        entry.family,
        entry.group,
        entry.base,
    )


def _standard(entry: Entry, case: Case, orders: Sequence[Ranking]) -> Standard:
    return Standard(
        case.chosen,
        case.consensus,
        case.agreement,
        entry.group,
        entry.family,
        entry.base,
        entry.data.n,
        int(entry.truth.max()) + 1,
        float(np.mean(entry.truth < 0)),
        leave_one_out_tau(np.column_stack([order.ranks for order in orders])),
    )


def heard_orders(orders: Sequence[Ranking]) -> tuple[Ranking, ...]:
    """Those of people where there are any, else those of simulated assessors."""
    return tuple(order for order in orders if not is_simulated(order)) or tuple(orders)


def _range(values: Sequence[float]) -> tuple[float, float]:
    return int(min(values)), int(max(values))


def train(
    directory: Path,
    *,
    orders: str | None = None,
    out: Path | None = None,
    name: str = "default",
    version: str = "1",
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Training:
    """Validate by leaving generator groups out, train on everything, and write the model directory.

    The same corpus, orders and seed give the same model and the same figures.
    """
    if out is not None:
        refuse_foreign(Path(out))
    assembled, held_out, judgement = evaluate_pipeline(
        directory, orders=orders, seed=seed, n_jobs=n_jobs, progress=progress
    )
    lesson = assembled.lesson
    calibrated = {basis: calibrate(lesson, held_out, basis) for basis in BASES}
    card = _card(assembled, judgement, calibrated, name, version, seed)
    fitted = fit(lesson.cases, lesson.feature_names, lesson.measures, seed)
    recommenders = {
        basis: Recommender(
            lesson.measures,
            lesson.feature_names,
            pair_feature_names(basis),
            basis,
            fitted.heads[basis].order,
            fitted.heads[basis].agreement,
            calibrated[basis].calibration,
            card,
        )
        for basis in BASES
    }
    model = Model(recommenders, fitted.learned, card)
    return Training(model, judgement, calibrated, save(model, Path(out)) if out is not None else None)


def evaluate_pipeline(
    directory: Path,
    *,
    orders: str | None = None,
    by: str = "group",
    shuffles: int = 1,
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> tuple[Assembled, HeldOut, Judgement]:
    """Out-of-sample figures of what `train` would make, beside baselines and the noise control.

    by: what is left out whole, "group" (of generators) or "base" (data set). shuffles: of the targets,
    each a whole training on noise; their picks are judged together.
    """
    if seed < 0:
        raise InvalidInputError(f"seed must be >= 0, got {seed}")
    if by not in KINDS:
        raise InvalidInputError(f"by must be one of {', '.join(KINDS)}, got {by!r}")
    if shuffles < 1:
        raise InvalidInputError(f"shuffles must be at least 1, got {shuffles}")
    assembled = assemble(Path(directory), orders=orders, n_jobs=n_jobs, progress=progress)
    lesson = assembled.lesson
    common: dict[str, Any] = {"by": by, "seed": seed, "n_jobs": n_jobs}
    held_out = leave_out(lesson, progress=f"leaving each {by} out" if progress else None, **common)
    picks, scores = contenders(held_out)
    remarks = []
    for number in range(shuffles):
        dealt = replace(lesson, cases=tuple(shuffled(lesson.cases, seed + number)))
        control = leave_out(dealt, progress="the same on shuffled targets" if progress else None, **common)
        seen = ", ".join(f"{name} {tau:+.3f}" for name, tau in dealt_agreement(dealt, control).items())
        remarks.append(
            "Shuffled targets are judged by the true ones; by the dealt ones, where a leak would show as tau above 0: "
            f"{seen}."
        )
        suffix = SHUFFLED if shuffles == 1 else f"{SHUFFLED} {number + 1}"
        more_picks, more_scores = contenders(control, suffix)
        picks |= more_picks
        scores |= more_scores
    judgement = judge(
        assembled.standards,
        assembled.tables,
        picks=picks,
        scores=scores,
        controls=tuple(name for name in (*picks, *scores) if SHUFFLED in name),
        by=by,
        seed=seed,
    )
    return assembled, held_out, replace(judgement, remarks=tuple(remarks))


def _card(
    assembled: Assembled,
    judgement: Judgement,
    calibrated: dict[str, Calibrated],
    name: str,
    version: str,
    seed: int,
) -> dict[str, Any]:
    import lightgbm

    from rankers._lightgbm import SETTINGS

    lesson = assembled.lesson
    bases = {case.base for case in lesson.cases}
    return {
        "name": name,
        "version": version,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "schema_version": SCHEMA_VERSION,
        "features": list(lesson.feature_names),
        "measures": list(lesson.measures),
        "landmarks": list(LANDMARKS),
        "corpus": {
            "hash": assembled.corpus_hash,
            "datasets": len(lesson.cases),
            "families": len({case.family for case in lesson.cases}),
            "groups": sorted({case.group for case in lesson.cases}),
            "tables": sorted(bases - {case.family for case in lesson.cases}),
            "built_with": assembled.settings,
            "ranges": {name: list(ends) for name, ends in assembled.ranges.items()},
        },
        "assessors": {
            "kind": assembled.kind,
            "orders": assembled.orders,
            "per_dataset": list(assembled.per_dataset),
        },
        "consensus": "mean rank (Borda); the orders of people alone where a data set has any",
        "seed": seed,
        "lightgbm": {"version": lightgbm.__version__, **SETTINGS},
        "figures": _figures(assembled, judgement, calibrated),
    }


def _figures(assembled: Assembled, judgement: Judgement, calibrated: dict[str, Calibrated]) -> dict[str, Any]:
    """What the card says: out-of-sample means with 95 % intervals."""
    return {
        "what": f"Kendall tau with the consensus of {assembled.kind} assessors, {FOLDS} folds of whole generator "
        "groups, [mean, low, high] of the 95 % bootstrap interval over data sets; regret: adjusted Rand index "
        "with the generating labels that is lost by taking what is put first",
        **{
            figure: {
                name: [round(x, 4) for x in interval]
                for name, interval in judgement.overall(figure).items()
                if not np.isnan(interval.mean)
            }
            for figure in FIGURES
        },
        "coverage": {basis: round(found.coverage, 4) for basis, found in calibrated.items()},
        "coverage_worst_group": {
            basis: round(min(found.group_coverage.values()), 4) for basis, found in calibrated.items()
        },
    }


def _coverage_lines(calibrated: dict[str, Calibrated]) -> list[str]:
    return [
        f"The 90 % interval of the recommended measure ({TITLES[basis]}) holds {found.coverage:.1%} of left-out data "
        f"sets, in the worst group {min(found.group_coverage.values()):.1%}."
        for basis, found in calibrated.items()
    ]
