"""From a corpus to a validated model directory."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gamac_meta.exceptions import InvalidInputError, ModelError, PromotionRefusedError
from metafeatures import LANDMARKS, SCHEMA_VERSION
from rankers._pairs import pair_feature_names
from rankers.assembly import Assembled, assemble
from rankers.cases import shuffled
from rankers.comparison import PairedComparison, Teaching, compare_teaching, former_teaching
from rankers.evaluation import judge
from rankers.judgement import FIGURES, Judgement
from rankers.mixing import PERSON_WEIGHT, Teachers, short
from rankers.model import BASES, Recommender
from rankers.persistence import CARD, Model, load, refuse_foreign, save
from rankers.pipeline import fit
from rankers.structure_training import HeldOutStructure, learn_structure, structure_examples
from rankers.validation import (
    FOLDS,
    KINDS,
    SHUFFLED,
    TITLES,
    Calibrated,
    HeldOut,
    calibrate,
    contenders,
    dealt_agreement,
    leave_out,
)

REMEDY = "force it, or choose another directory"


@dataclass(frozen=True, eq=False)
class Training:
    """What `train` made."""

    model: Model
    judgement: Judgement
    calibrated: dict[str, Calibrated]  # by basis
    teachers: Teachers
    comparison: PairedComparison | None  # with the former teaching; None where nothing else was taught
    structure: HeldOutStructure | None  # None where the corpus is too small to learn it
    directory: Path | None

    def report(self) -> str:
        """The validation tables, and what changed against the former model, as text."""
        lines = [str(self.teachers), "", self.judgement.report(self.teachers.kind), *_coverage_lines(self.calibrated)]
        if self.structure is not None:
            lines.append(self.structure.report())
        if self.comparison is not None:
            lines += ["", "What the orders of people changed", self.comparison.report()]
        return "\n".join(lines)


def train(
    directory: Path,
    *,
    orders: str | None = None,
    person_weight: float = PERSON_WEIGHT,
    out: Path | None = None,
    force: bool = False,
    name: str = "default",
    version: str = "1",
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Training:
    """Validate by leaving generator groups out, train on everything, and write the model directory.

    The same corpus, orders and seed give the same model and the same figures. Where people ordered data sets, the
    same folds are also taught as the former model was, that in `out` or one of simulated assessors alone, and the two
    compared: that costs half as much again.

    Raises PromotionRefusedError where `out` holds a model and the comparison objects to the new one
    (`PairedComparison.objections`), unless forced. Whatever is raised, a model that was there before stays whole.
    """
    _require_seed(seed)
    former = None
    if out is not None:
        refuse_foreign(Path(out))
        former = _former_card(Path(out))
    how: dict[str, Any] = {"seed": seed, "n_jobs": n_jobs, "progress": progress}
    assembled = assemble(Path(directory), orders=orders, person_weight=person_weight, n_jobs=n_jobs, progress=progress)
    taught = _former_teaching(assembled, former, must=former is not None and not force)
    held_out, judgement = _judged(assembled, "group", 1, **how)
    comparison = compare_teaching(assembled, held_out, taught, **how) if taught is not None else None
    if former is not None and comparison is not None and not force:
        _refuse_worse(comparison, Path(str(out)))
    lesson = assembled.lesson
    calibrated = {basis: calibrate(lesson, held_out, basis) for basis in BASES}
    examples = structure_examples(Path(directory), lesson, n_jobs=n_jobs, progress=progress)
    structure, told = (None, None) if examples is None else learn_structure(examples, lesson.feature_names)
    card = _card(assembled, judgement, calibrated, comparison, told, name, version, seed)
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
            fitted.trios,
            card,
        )
        for basis in BASES
    }
    model = Model(recommenders, fitted.learned, card, structure)
    written = save(model, Path(out)) if out is not None else None
    return Training(model, judgement, calibrated, assembled.teachers, comparison, told, written)


def _former_card(out: Path) -> Mapping[str, Any] | None:
    """Of the model there; None where there is none that could be used."""
    try:
        return load(out).card if (out / CARD).exists() else None
    except ModelError:
        # damaged or of another schema: anything is better
        return None


def _former_teaching(assembled: Assembled, former: Mapping[str, Any] | None, *, must: bool) -> Teaching | None:
    """What the former model was taught, to be compared with; None where that is all there is, or nobody taught it here.

    must: refuse what cannot be compared, before any work.
    """
    try:
        taught = former_teaching(assembled, former)
    except InvalidInputError as error:
        if must:
            raise PromotionRefusedError(f"the former model stays: {error}; {REMEDY}") from None
        return None
    if must and taught.lost:
        raise PromotionRefusedError(
            f"the former model stays: {taught.lost} orders of people that taught it must be on record, got none of "
            f"them; give the database that holds them. Else {REMEDY}"
        )
    return taught if taught.differs else None


def _refuse_worse(comparison: PairedComparison, out: Path) -> None:
    objections = comparison.objections()
    if objections:
        raise PromotionRefusedError(
            f"the new model must not be worse than the one in {out}, which stays: {'; '.join(objections)}; {REMEDY}",
            comparison.report(),
        )


def evaluate_pipeline(
    directory: Path,
    *,
    orders: str | None = None,
    person_weight: float = PERSON_WEIGHT,
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
    _require_seed(seed)
    if by not in KINDS:
        raise InvalidInputError(f"by must be one of {', '.join(KINDS)}, got {by!r}")
    if shuffles < 1:
        raise InvalidInputError(f"shuffles must be at least 1, got {shuffles}")
    assembled = assemble(Path(directory), orders=orders, person_weight=person_weight, n_jobs=n_jobs, progress=progress)
    return assembled, *_judged(assembled, by, shuffles, seed=seed, n_jobs=n_jobs, progress=progress)


def _require_seed(seed: int) -> None:
    if seed < 0:
        raise InvalidInputError(f"seed must be >= 0, got {seed}")


def _judged(
    assembled: Assembled, by: str, shuffles: int, *, seed: int, n_jobs: int, progress: bool
) -> tuple[HeldOut, Judgement]:
    """Predictions of every data set by what was taught without its like, and how good they are."""
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
    return held_out, replace(judgement, remarks=tuple(remarks))


def _card(
    assembled: Assembled,
    judgement: Judgement,
    calibrated: dict[str, Calibrated],
    comparison: PairedComparison | None,
    told: HeldOutStructure | None,
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
            # by which a later comparison knows what the model has seen
            "fingerprints": " ".join(short(case.dataset) for case in lesson.cases),
        },
        "assessors": assembled.teachers.to_record(),
        "consensus": assembled.teachers.rule,
        "compared": None if comparison is None else comparison.to_record(),
        "seed": seed,
        "lightgbm": {"version": lightgbm.__version__, **SETTINGS},
        "figures": _figures(assembled, judgement, calibrated) | ({} if told is None else {"structure": told.figures()}),
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
