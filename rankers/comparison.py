"""Is a new model better than the former one? Both are asked about data sets that neither learned from, and judged
by the same orders, paired by data set.

`compare_pipelines` asks what other teachers change: everything is taught twice on the same folds of one corpus, once
by the orders that the former model was taught by, once by all. `compare_models` asks two saved models about a corpus
that is foreign to both. The rule by which `train` promotes a model is in `PairedComparison.objections`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from corpus.orders import is_simulated
from gamac_meta.agreement import kendall_tau, top1_regret
from gamac_meta.exceptions import InvalidInputError, ModelError
from gamac_meta.types import Floats, MeasureTable
from rankers.assembly import Assembled, assemble
from rankers.cases import Case
from rankers.judgement import Figure
from rankers.metrics import Interval, bootstrap_means, regret_of_first
from rankers.mixing import PERSON_WEIGHT, Target, orders_of, short, target_of
from rankers.persistence import Model, load
from rankers.pipeline import Fitted, Heads, Predicted
from rankers.validation import CHOICE, LEARNED, TITLES, HeldOut, Lesson, leave_out

if TYPE_CHECKING:
    import pandas as pd

CONTENDERS = (*TITLES.values(), LEARNED, CHOICE)
# a model is not promoted where one of these became worse
DECIDING = (LEARNED, *TITLES.values())
FIGURES: Mapping[str, Figure] = {
    "tau": Figure("tau", True),
    "regret": Figure("regret", False),
    "pool_regret": Figure("regret on the pool", False),
}
PEOPLE, FORMER, ALL = "people", "former", "all"
JUDGES: Mapping[str, str] = {
    PEOPLE: "By the consensus of people, on the data sets they ordered",
    FORMER: "By the consensus of those who taught the former, on all data sets",
    ALL: "By people where they ordered a data set, by simulated assessors elsewhere",
}


class Change(NamedTuple):
    """What changed of one figure of one contender, by one judge."""

    judge: str
    contender: str
    figure: str
    datasets: int
    former: float  # mean
    new: float
    difference: Interval  # new less former, data sets resampled
    groups: Interval  # the same, whole groups resampled

    def __str__(self) -> str:
        return f"{FIGURES[self.figure].title} {self.former:.3f} -> {self.new:.3f}, {_signed(self.difference)}"


@dataclass(frozen=True, eq=False)
class PairedComparison:
    """A former and a new model, or pipeline, judged on the same data sets that neither learned from."""

    former: str  # what it is
    new: str
    changes: tuple[Change, ...]
    remarks: tuple[str, ...] = ()

    def change(self, judge: str, contender: str, figure: str = "tau") -> Change | None:
        """One of the changes; None where the judge had nothing to judge by."""
        asked: dict[str, tuple[str, Collection[str]]] = {
            "judge": (judge, JUDGES),
            "contender": (contender, CONTENDERS),
            "figure": (figure, FIGURES),
        }
        for what, (name, known) in asked.items():
            if name not in known:
                raise InvalidInputError(f"{what} must be one of {', '.join(known)}, got {name!r}")
        return next((each for each in self.changes if each[:3] == (judge, contender, figure)), None)

    def objections(self) -> tuple[str, ...]:
        """Why the new one should not take the former's place; none where nothing speaks against it.

        One for the learned measure and for each recommender if the 95 % interval of its change in tau lies below 0
        by the consensus of people; or if it lies below 0 by those who taught the former, and people do not see it
        rise, that is, their interval does not lie above 0.
        """
        found = []
        for contender in DECIDING:
            by_people, by_former = (self.change(judge, contender) for judge in (PEOPLE, FORMER))
            if by_people is not None and by_people.difference.high < 0:
                found.append(f"{contender}, judged by people: {by_people}")
                continue
            seen_rising = by_people is not None and by_people.difference.low > 0
            if by_former is not None and by_former.difference.high < 0 and not seen_rising:
                seen = "" if by_people is None else f"; judged by people: {by_people}"
                found.append(f"{contender}, judged by those who taught the former: {by_former}{seen}")
        return tuple(found)

    def to_frame(self) -> pd.DataFrame:
        """A row for each judge, contender and figure: means, difference and its 95 % intervals."""
        import pandas as pd

        return pd.DataFrame(self.to_record())

    def to_record(self) -> list[dict[str, Any]]:
        """The same rows as JSON."""
        return [
            {
                **dict(zip(Change._fields[:4], each[:4], strict=True)),
                "former": round(each.former, 4),
                "new": round(each.new, 4),
                **dict(zip(("difference", "low", "high"), (round(x, 4) for x in each.difference), strict=True)),
                **dict(zip(("groups_low", "groups_high"), (round(x, 4) for x in each.groups[1:]), strict=True)),
            }
            for each in self.changes
        ]

    def report(self) -> str:
        """Everything as text."""
        lines = [f"Former: {self.former}", f"New:    {self.new}", *self.remarks]
        lines.append(
            "Mean change [95 % bootstrap interval over data sets], new less former. Regret: the share of places that "
            "are lost, by the judge, in taking what is put first; on the pool: adjusted Rand index with the generating "
            "labels."
        )
        for judge, title in JUDGES.items():
            own = [each for each in self.changes if each.judge == judge]
            if own:
                lines += ["", f"{title} ({own[0].datasets})", self._table(own)]
        return "\n".join(lines)

    def _table(self, changes: Sequence[Change]) -> str:
        import pandas as pd

        cells: dict[str, dict[str, str]] = {name: {} for name in CONTENDERS}
        for each in changes:
            title = FIGURES[each.figure].title
            if each.figure == "tau":
                cells[each.contender] |= {"former tau": f"{each.former:.3f}", "new tau": f"{each.new:.3f}"}
            cells[each.contender][f"{title} change"] = _signed(each.difference)
            if each.figure == "tau":
                cells[each.contender]["groups resampled"] = f"[{each.groups.low:+.3f}, {each.groups.high:+.3f}]"
        return pd.DataFrame.from_dict(cells, orient="index").fillna("-").to_string()


def _signed(interval: Interval) -> str:
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def compare_pipelines(
    directory: Path,
    *,
    orders: str | None = None,
    person_weight: float = PERSON_WEIGHT,
    former: Path | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> PairedComparison:
    """What the orders of people change: everything is taught without and with them, on the same folds.

    former: directory of a model; it stands for the orders of simulated assessors and of the people that its card
    names. Without it, for those of simulated assessors alone.
    Costs two trainings on each of five folds. Raises InvalidInputError where both are taught the same.
    """
    card = load(former).card if former is not None else None
    assembled = assemble(Path(directory), orders=orders, person_weight=person_weight, n_jobs=n_jobs, progress=progress)
    taught = former_teaching(assembled, card)
    if not taught.differs:
        raise InvalidInputError(f"nothing to compare: {taught.what} taught the former, and nobody else is on record")
    held_out = leave_out(
        assembled.lesson, seed=seed, n_jobs=n_jobs, progress="leaving each group out" if progress else None
    )
    return compare_teaching(assembled, held_out, taught, seed=seed, n_jobs=n_jobs, progress=progress)


class Teaching(NamedTuple):
    """What the former model was taught on the data sets of a corpus."""

    targets: tuple[Target, ...]  # (q,)
    what: str  # by whom
    differs: bool  # from what is taught now
    lost: int  # orders of people that taught the former and are not on record here
    remarks: tuple[str, ...]


def former_teaching(assembled: Assembled, card: Mapping[str, Any] | None) -> Teaching:
    """Of a model with this card, or of one taught by simulated assessors alone.

    Raises InvalidInputError where a data set has no order of those who taught it.
    """
    assessors = {} if card is None else card["assessors"]
    ordered: Mapping[str, str] = assessors.get("ordered", {})
    cases = assembled.lesson.cases
    orders = orders_of(assembled.orders, [case.dataset for case in cases], ordered)
    lacking = sum(not each for each in orders)
    if lacking:
        raise InvalidInputError(
            f"a comparison needs orders that taught the former on every data set, {lacking} have none"
        )
    targets = tuple(target_of(each, assessors.get("person_weight", PERSON_WEIGHT)) for each in orders)
    differs = any(
        target.people_share != case.people_share or target.consensus.tolist() != case.consensus.tolist()
        for target, case in zip(targets, cases, strict=True)
    )
    found = sum(not is_simulated(order) for each in orders for order in each)
    what = f"{found} orders of {', '.join(sorted(ordered))} and simulated assessors" if found else "simulated assessors"
    remarks = []
    if card is not None and card["corpus"]["hash"] != assembled.corpus_hash:
        remarks.append(
            f"The former model learned from another corpus (hash {card['corpus']['hash']}): in its place stands this "
            f"one, taught by {what}."
        )
    lost = sum(len(datasets.split()) for datasets in ordered.values()) - found
    if lost:
        remarks.append(f"{lost} orders of people that taught the former are not on record here.")
    return Teaching(targets, what, differs, lost, tuple(remarks))


def compare_teaching(
    assembled: Assembled,
    held_out: HeldOut,
    taught: Teaching,
    *,
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> PairedComparison:
    """held_out, predicted by what all orders teach, against the same folds taught as the former was."""
    label = "the same as the former was taught" if progress else None
    before = leave_out(assembled.taught(taught.targets), seed=seed, n_jobs=n_jobs, progress=label)
    references = _references(assembled) | {FORMER: [target.consensus for target in taught.targets]}
    return PairedComparison(
        f"taught by {taught.what}",
        f"taught by {assembled.teachers.summary}",
        tuple(_changes(assembled, before.predicted, held_out.predicted, references, seed)),
        taught.remarks,
    )


def compare_models(
    former: Path,
    new: Path,
    directory: Path,
    *,
    orders: str | None = None,
    person_weight: float = PERSON_WEIGHT,
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> PairedComparison:
    """Two saved models on a corpus that is foreign to both.

    Data sets that a card names as learned from are left out, and the report says how many. A card of an earlier
    version names none: then a corpus that was built with the same seed brings a warning.
    Raises ModelError where a model learned from this very corpus, or from other measures than it has, or no two
    groups of data sets are left.
    """
    models = [load(Path(each)) for each in (former, new)]
    assembled = assemble(Path(directory), orders=orders, person_weight=person_weight, n_jobs=n_jobs, progress=progress)
    seen, remarks = set(), []
    for model, place in zip(models, (former, new), strict=True):
        _require_foreign(model, Path(place), assembled, Path(directory))
        corpus = model.card["corpus"]
        seen |= set(corpus.get("fingerprints", "").split())
        if "fingerprints" not in corpus and corpus["built_with"]["seed"] == assembled.settings["seed"]:
            remarks.append(
                f"WARNING: {model.name} in {place} may have learned from these data sets: its corpus was built with "
                f"the same seed {assembled.settings['seed']}, and its card does not name them."
            )
    rows = [row for row, case in enumerate(assembled.lesson.cases) if short(case.dataset) not in seen]
    left_out = len(assembled.lesson.cases) - len(rows)
    if left_out:
        remarks.append(f"WARNING: {left_out} data sets are left out, since one of the models learned from them.")
    if len({assembled.lesson.cases[row].group for row in rows}) < 2:
        raise ModelError(
            f"models are compared on data sets of 2 groups at least that neither learned from, got {len(rows)} data "
            f"sets of corpus {directory}"
        )
    assembled = assembled.only(rows)
    before, after = (_predictions(model, assembled.lesson) for model in models)
    names = [f"{model.name} in {place}" for model, place in zip(models, (former, new), strict=True)]
    changes = _changes(assembled, before, after, _references(assembled), seed)
    return PairedComparison(names[0], names[1], tuple(changes), tuple(remarks))


def _require_foreign(model: Model, place: Path, assembled: Assembled, directory: Path) -> None:
    if model.card["corpus"]["hash"] == assembled.corpus_hash:
        raise ModelError(
            f"model {place} must be foreign to corpus {directory}, got one that learned from it; "
            "build another corpus with another seed"
        )
    if model.learned.measures != assembled.lesson.measures:
        strange = sorted(set(model.learned.measures) ^ set(assembled.lesson.measures)) or ["their sequence"]
        raise ModelError(f"model {place} must have the measures of corpus {directory}, they differ in {strange[0]}")
    unknown = sorted(set(model.learned.feature_names) - set(assembled.lesson.feature_names))
    if unknown:
        raise ModelError(f"model {place} must have features that rankers learn from now, got {unknown[0]}")


def _predictions(model: Model, lesson: Lesson) -> tuple[Predicted, ...]:
    heads = {basis: Heads(each.order_head, each.agreement_head) for basis, each in model.recommenders.items()}
    fitted = Fitted(model.learned, heads, model.recommenders["points"].trios)
    columns = [lesson.feature_names.index(name) for name in model.learned.feature_names]
    return tuple(fitted.predict(replace(case, features=case.features[columns])) for case in lesson.cases)


def _references(assembled: Assembled) -> dict[str, list[Floats | None]]:
    """Judge -> (q,) ranks of the candidates by which contenders are judged; None where the judge is silent."""
    cases = assembled.lesson.cases
    people = [case.people for case in cases]
    if all(each is None for each in people):
        return {ALL: [case.consensus for case in cases]}
    references: dict[str, list[Floats | None]] = {PEOPLE: people}
    if any(each is None for each in people):
        references[ALL] = [case.consensus if case.people is None else case.people for case in cases]
    return references


def _changes(
    assembled: Assembled,
    former: Sequence[Predicted],
    new: Sequence[Predicted],
    references: Mapping[str, Sequence[Floats | None]],
    seed: int,
) -> list[Change]:
    groups = np.array([case.group for case in assembled.lesson.cases])
    orders = [
        [_pool_orders(table, predicted) for table, predicted in zip(assembled.tables, side, strict=True)]
        for side in (former, new)
    ]
    changes = []
    for judge in (name for name in JUDGES if name in references):
        rows = [row for row, reference in enumerate(references[judge]) if reference is not None]
        # (2, q', figures, contenders)
        values = np.array(
            [
                [_figures(assembled.lesson.cases[row], side[row], references[judge][row]) for row in rows]
                for side in orders
            ]
        )
        for place, figure in enumerate(FIGURES):
            before, after = values[:, :, place]
            difference = after - before
            data_sets = bootstrap_means(difference, seed=seed)
            whole = bootstrap_means(difference, units=groups[rows].tolist(), seed=seed)
            for column, contender in enumerate(CONTENDERS):
                known = ~np.isnan(difference[:, column])
                if known.any():
                    means = [float(side[known, column].mean()) for side in (before, after)]
                    intervals = data_sets[column], whole[column]
                    changes.append(Change(judge, contender, figure, int(known.sum()), means[0], means[1], *intervals))
    return changes


def _pool_orders(table: MeasureTable, predicted: Predicted) -> Floats:
    """(P, c) ranks of the pool by each of CONTENDERS."""
    from scipy.stats import rankdata

    picks = [int(predicted.listed(basis)[0]) for basis in TITLES]
    own = np.column_stack([predicted.learned.pool, predicted.learned.choice])
    return np.hstack([table.ranks()[:, picks], rankdata(-own, axis=0)])


def _figures(case: Case, pool: Floats, reference: Floats | None) -> Floats:
    """(figures, c) of FIGURES, from ranks of the pool (P, c) and of the candidates by a judge (p,)."""
    candidates = pool[case.chosen]
    judged = np.asarray(reference)[:, None]
    worth = np.full((len(pool), 1), np.nan) if case.agreement is None else case.agreement[:, None]
    return np.stack(
        [
            kendall_tau(candidates, judged)[:, 0],
            top1_regret(candidates, judged)[:, 0],
            regret_of_first(pool, worth)[:, 0],
        ]
    )
