"""One variant of what a ranker learns, tried on data sets of groups that it never saw: a row of benchmarks/study.py.

With default settings the predictions are those of rankers.pipeline; tests insist on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from corpus.generators import GENERATORS
from corpus.store import CorpusStore
from gamac_meta.agreement import kendall_tau, kendall_w
from gamac_meta.measures import MEASURES
from gamac_meta.types import Floats, Ints
from metafeatures import BLOCKS, NAMES
from rankers._borders import BORDER_FEATURES
from rankers._lightgbm import BINS, SETTINGS, TOP_GRADE, design_matrix, fit_top, grades
from rankers._pairs import learned_pairs, pair_feature_names
from rankers._partitions import FACTS, partition_feature_names
from rankers.assembly import assemble
from rankers.cases import Case, case_pairs, folds
from rankers.descriptions import describe_corpus
from rankers.learned import ORDERING, POOL_ROWS, LearnedScores, head_columns, head_rows
from rankers.metrics import regret_of_first
from rankers.mixing import heard_orders
from rankers.pipeline import INNER_FOLDS

if TYPE_CHECKING:
    import lightgbm

FOLDS = 5
FEATURE_BLOCKS = ("distance profile", "structure", "statistical", "landmarks")
PARTITION_BLOCKS = ("places", "facts", "likeness", *FEATURE_BLOCKS)
CHOICE_BLOCKS = ("places", "facts", "likeness", "values", "borders")
FEATURES = "features of the data set"  # which the choice does not look at
PAIR_BLOCKS = ("own facts", "orders of landmarks", "learned measure", "identity", *FEATURE_BLOCKS)
# GaMAC's; the classics are what else does not look at neighbors
REFERENCE = (
    *("banfield_raftery", "c_index", "calinski_harabasz", "cop", "cs", "davies_bouldin", "davies_bouldin_star"),
    *("gamma", "gd11", "gd13", "gd31", "gd33", "gd41", "gd43", "mcclain_rao", "os_index", "pbm", "point_biserial"),
    *("ray_turi", "score_function", "silhouette", "sv", "sym", "sym_11", "sym_33", "sym_db", "sym_db_star"),
    *("wemmert_gancarski", "xie_beni"),
)
_OF_NEIGHBORS = ("_density", "_neighborhood", "_connected")
MEASURE_SETS: Mapping[str, Callable[[str], bool]] = {
    "all": lambda _: True,
    "reference": lambda name: name in REFERENCE,
    "reference and classics": lambda name: (
        not MEASURES[name].formula.__module__.endswith(_OF_NEIGHBORS) and name != "gaussian_bic"
    ),
}
RANKING = ("lambdarank", "rank_xendcg")
CLEAR_PAIRS = "clear pairs"
# grades of shares for ranking objectives
SHARE_GRADES = 30


class Facts(NamedTuple):
    """What a data set is."""

    collection: str
    scheme: str
    k: int


@dataclass(frozen=True)
class Lessons:
    """Which of the data sets that are not held out are learned from."""

    taught: str = "all"  # one of KINDS
    size: int | None = None  # this many of them, drawn at random
    by: str = "group"  # what is held out whole: "group" or "base"


# kinds of data sets to learn from, or to be tested on
KINDS: Mapping[str, Callable[[Facts], bool]] = {
    "all": lambda _: True,
    "plane": lambda facts: facts.collection == "plane",
    "views": lambda facts: facts.collection == "views",
    "high-dimensional": lambda facts: facts.collection == "high_dimensional",
    "heavy noise": lambda facts: facts.collection == "noisy",
    "all but views": lambda facts: facts.collection != "views",
    "all but high-dimensional": lambda facts: facts.collection != "high_dimensional",
    "all but heavy noise": lambda facts: facts.collection != "noisy",
    "k <= 10": lambda facts: facts.k <= 10,
    "k > 30": lambda facts: facts.k > 30,
    "diverse": lambda facts: facts.scheme == "diverse",
    "random": lambda facts: facts.scheme == "random",
}


@dataclass(frozen=True)
class LearnedSettings(Lessons):
    """A learned measure."""

    heads: tuple[str, ...] = ORDERING
    amounts: bool = False  # the mean rank and the index themselves are the target, not the ranks of them
    accord: bool = False  # data sets weigh as much as their assessors agree
    assessors: int | None = None  # so many in the consensus; None is all
    objective: str = SETTINGS["learned"]["objective"]
    parameters: tuple[tuple[str, Any], ...] = ()
    rounds: int = SETTINGS["learned"]["rounds"]
    pool_rows: int = POOL_ROWS
    kept: tuple[str, ...] = PARTITION_BLOCKS
    measures: str = "all"
    increasing: bool = False  # whether a better place by a measure may never lower the score
    seeds: tuple[int, ...] = (0,)  # scores are averaged


@dataclass(frozen=True)
class RecommenderSettings(Lessons):
    """An order of measures."""

    basis: str = "points"  # or "candidates", or "both"
    objective: str = SETTINGS["order"]["objective"]  # "none" takes the measure that is most like the learned one
    parameters: tuple[tuple[str, Any], ...] = ()
    rounds: int = SETTINGS["order"]["rounds"]
    grading: str = "default"  # one of GRADINGS
    kept: tuple[str, ...] = PAIR_BLOCKS
    turned: bool = False  # whether features that change when the picture is turned are learned from, too
    measures: str = "all"
    seed: int = 0


@dataclass(frozen=True)
class ChoiceSettings(Lessons):
    """The head of the learned measure that chooses, taught by generating labels alone."""

    kept: tuple[str, ...] = CHOICE_BLOCKS
    parameters: tuple[tuple[str, Any], ...] = ()  # "rounds" among them
    signed: bool = True  # whether a weaker border may never raise the score
    seed: int = 0


Settings = LearnedSettings | RecommenderSettings | ChoiceSettings


class Grading(NamedTuple):
    """Grades of relevance (q, m), and what each grade is worth."""

    grades: Callable[[Floats], Floats]
    gains: tuple[int, ...]


def _behind(relevance: Floats, top: int, steps: float) -> Floats:
    """(q, m) grades: every 1 / steps of tau behind the best costs one."""
    behind = relevance.max(axis=1, keepdims=True) - relevance
    return np.clip(np.round(top - steps * behind), 0, top)


GRADINGS: Mapping[str, Grading] = {
    "default": Grading(grades, tuple(range(TOP_GRADE + 1))),
    "coarse": Grading(lambda relevance: _behind(relevance, 5, 10.0), tuple(range(6))),
    "wide": Grading(lambda relevance: _behind(relevance, 30, 20.0), tuple(range(31))),
    "doubling": Grading(lambda relevance: _behind(relevance, 5, 10.0), tuple(2**grade - 1 for grade in range(6))),
}


class Tried(NamedTuple):
    """What came of a variant; NaN where nothing is planted, or the data set was not predicted."""

    tau: Floats  # (q,) with the consensus
    regret: Floats  # (q,) on the whole pool


@dataclass(eq=False)
class Material:
    """Everything variants learn from and are judged by."""

    cases: tuple[Case, ...]  # (q,)
    feature_names: tuple[str, ...]  # (f,)
    measures: tuple[str, ...]  # (m,)
    all_features: Floats  # (q, 200)
    orders: tuple[Floats, ...]  # (q,) of (p, a) ranks by assessors
    pool_ranks: tuple[Floats, ...]  # (q,) of (P, m)
    facts: tuple[Facts, ...]  # (q,)
    corpus_hash: str
    kind: str  # whose orders: "simulated", "real" or both
    _scores: dict[Any, dict[int, LearnedScores]] = field(default_factory=dict)

    @cached_property
    def pools(self) -> list[Floats]:
        """(q,) of (P, columns) rows of the pools."""
        return [self._rows(case.features.astype(np.float32), case.pool_partitions) for case in self.cases]

    @cached_property
    def landmarks(self) -> list[Floats]:
        """(q,) of (l, columns)."""
        return [self._rows(case.features, case.landmark_partitions).astype(np.float32) for case in self.cases]

    @property
    def columns(self) -> tuple[str, ...]:
        """Of the rows of partitions."""
        return head_columns(ORDERING[0], self.measures, self.feature_names)

    def _rows(self, features: Floats, partitions: Floats) -> Floats:
        return head_rows(ORDERING[0], self.measures, features, partitions)

    def part(self, step: int) -> Material:
        """Every step-th data set, evenly over groups and schemes."""
        keys = [(case.group, facts.scheme) for case, facts in zip(self.cases, self.facts, strict=True)]
        rows = sorted(range(len(keys)), key=lambda row: (keys[row], row))[::step]
        return Material(
            tuple(self.cases[row] for row in rows),
            self.feature_names,
            self.measures,
            self.all_features[rows],
            tuple(self.orders[row] for row in rows),
            tuple(self.pool_ranks[row] for row in rows),
            tuple(self.facts[row] for row in rows),
            self.corpus_hash,
            self.kind,
        )


def gather(directory: Path) -> Material:
    """The material of a corpus."""
    assembled, described = assemble(directory), describe_corpus(directory)
    with CorpusStore(directory) as store:
        entries = list(store.entries())
    return Material(
        assembled.lesson.cases,
        assembled.lesson.feature_names,
        assembled.lesson.measures,
        np.stack([described[entry.index].features for entry in entries]),
        tuple(np.column_stack([order.ranks for order in heard_orders(entry.orders)]) for entry in entries),
        tuple(table.ranks() for table in assembled.tables),
        tuple(
            Facts(GENERATORS[entry.family].collection, entry.scheme, int(entry.truth.max()) + 1) for entry in entries
        ),
        assembled.corpus_hash,
        assembled.kind,
    )


def attempt(material: Material, settings: Settings) -> Tried:
    """Predict every data set by what was fitted without its group."""
    q = len(material.cases)
    tau, regret = np.full(q, np.nan), np.full(q, np.nan)
    for held, seen in splits(material, settings):
        for row, (found, ranks) in predict(material, settings, held, seen):
            tau[row] = found
            agreement = material.cases[row].agreement
            if agreement is not None:
                regret[row] = regret_of_first(ranks[:, None], agreement[:, None])[0, 0]
    return Tried(tau, regret)


def splits(material: Material, lessons: Lessons) -> Iterator[tuple[Ints, Ints]]:
    """Rows that are predicted, and rows that are learned from."""
    fold = folds([getattr(case, lessons.by) for case in material.cases], FOLDS)
    may_teach = np.array([KINDS[lessons.taught](facts) for facts in material.facts])
    for part in range(int(fold.max()) + 1):
        seen = np.flatnonzero((fold != part) & may_teach)
        if lessons.size is not None:
            seen = np.sort(np.random.default_rng([lessons.size, part]).permutation(seen)[: lessons.size])
        yield np.flatnonzero(fold == part), seen


Judged = Iterator[tuple[int, tuple[float, Floats]]]  # row, tau, ranks of the pool


def predict(material: Material, settings: Settings, held: Ints, seen: Ints) -> Judged:
    """What becomes of data sets held by what was fitted to those seen."""
    if isinstance(settings, LearnedSettings):
        return _learned_fold(material, settings, held, seen)
    if isinstance(settings, ChoiceSettings):
        return _choice_fold(material, settings, held, seen)
    return _recommender_fold(material, settings, held, seen)


def _learned_fold(material: Material, settings: LearnedSettings, held: Ints, seen: Ints) -> Judged:
    score = fit_scores(material, settings, seen)
    for row in held.tolist():
        yield row, _judged(material.cases[row], score(material.pools[row]))


def _judged(case: Case, scores: Floats) -> tuple[float, Floats]:
    """Tau of the candidates' order by scores (P,) of the pool with the consensus, and ranks of the pool."""
    tau = kendall_tau(scores[case.chosen, None], -case.consensus[:, None])[0, 0]
    return float(tau), rankdata(-scores)


def _choice_fold(material: Material, settings: ChoiceSettings, held: Ints, seen: Ints) -> Judged:
    names = partition_feature_names(material.measures)
    kept = [place for place, name in enumerate(names) if _choice_block(name) in settings.kept]
    columns = [names[place] for place in kept] + list(material.feature_names) * (FEATURES in settings.kept)
    changes = dict(settings.parameters) | ({} if settings.signed else {"monotone_constraints": None})

    def rows(case: Case) -> Floats:
        found = case.pool_partitions[:, kept]
        if FEATURES not in settings.kept:
            return found
        return np.hstack([found, np.broadcast_to(case.features.astype(np.float32), (len(found), case.features.size))])

    taught = [case for case in (material.cases[row] for row in seen) if case.agreement is not None]
    lesson = [rows(case) for case in taught], [case.agreement for case in taught], tuple(columns)
    booster = fit_top(*lesson, settings.seed, **changes)
    for row in held.tolist():
        case = material.cases[row]
        yield row, _judged(case, np.asarray(booster.predict(rows(case), num_threads=1)))


def _choice_block(name: str) -> str:
    """One of CHOICE_BLOCKS."""
    if name in FACTS or name in BORDER_FEATURES:
        return "facts" if name in FACTS else "borders"
    return {"place": "places", "value": "values", "like": "likeness"}[name.split("_", 1)[0]]


def _recommender_fold(material: Material, settings: RecommenderSettings, held: Ints, seen: Ints) -> Judged:
    known = np.array([MEASURE_SETS[settings.measures](name) for name in material.measures])
    scores = learned_scores(material, settings, held, seen)
    pairs = {row: _pairs(material.cases[row], scores[row], settings.basis)[known] for row in scores}
    if settings.objective == "none":
        place = _pair_names(settings.basis).index("candidate_tau_to_learned")
        preferences = {row: pairs[row][:, place] for row in held.tolist()}
    else:
        order = _fit_order(material, settings, seen, pairs, known)
        preferences = {row: order(row, pairs[row]) for row in held.tolist()}
    for row, preference in preferences.items():
        pick = int(np.flatnonzero(known)[preference.argmax()])
        yield row, (float(material.cases[row].relevance[pick]), material.pool_ranks[row][:, pick])


def fit_scores(material: Material, settings: LearnedSettings, seen: Ints) -> Callable[[Floats], Floats]:
    """A learned measure: rows (r, columns) -> scores (r,)."""
    mask = _partition_columns(material, settings)
    one = replace(settings, heads=(), seeds=())
    boosters = [
        booster
        for seed in settings.seeds
        for name in settings.heads
        if (booster := _booster(material, one, name, seed, tuple(seen.tolist()))) is not None
    ]
    return lambda rows: np.mean([booster.predict(rows[:, mask], num_threads=1) for booster in boosters], axis=0)


# variants that are parts of each other, or means, share boosters
@lru_cache(maxsize=64)
def _booster(
    material: Material, settings: LearnedSettings, name: str, seed: int, seen: tuple[int, ...]
) -> lightgbm.Booster | None:
    """One head with one seed; None where there is nothing that it could learn."""
    mask = _partition_columns(material, settings)
    rows, parts = _head_rows(material, settings, name, seen, seed)
    return _fit_head(material, settings, np.concatenate(rows)[:, mask], parts, mask, seed) if rows else None


class _Part(NamedTuple):
    """What one data set teaches a head."""

    target: Floats  # (r,)
    weight: float


def _head_rows(
    material: Material, settings: LearnedSettings, name: str, seen: tuple[int, ...], seed: int
) -> tuple[list[Floats], list[_Part]]:
    """Rows and targets by data set; the same rows as rankers.learned takes."""
    rows, parts = [], []
    for place, row in enumerate(seen):
        case, pool = material.cases[row], material.pools[row]
        if name == "consensus":
            ranks = _heard(material, settings, row)
            accord = kendall_w(material.orders[row]) if settings.accord else 1.0
            rows.append(pool[case.chosen])
            parts.append(_Part((len(ranks) - ranks) / (len(ranks) - 1.0), accord))
        elif case.agreement is not None:
            taken = np.random.default_rng([seed, place]).permutation(case.agreement.size)[: settings.pool_rows]
            shares = (rankdata(case.agreement) - 1.0) / (case.agreement.size - 1.0)
            rows.append(pool[taken])
            parts.append(_Part((case.agreement if settings.amounts else shares)[taken], 1.0))
    return rows, parts


def _heard(material: Material, settings: LearnedSettings, row: int) -> Floats:
    """(p,) ranks by the consensus of some assessors, or their mean ranks."""
    if settings.assessors is None and not settings.amounts:
        return material.cases[row].consensus
    orders = material.orders[row]
    count = settings.assessors or orders.shape[1]
    heard = np.random.default_rng(row).permutation(orders.shape[1])[:count]
    mean = np.round(orders[:, heard].mean(axis=1), 9)
    return mean if settings.amounts else np.asarray(rankdata(mean))


def _fit_head(
    material: Material, settings: LearnedSettings, rows: Floats, parts: Sequence[_Part], mask: Ints, seed: int
) -> lightgbm.Booster:
    import lightgbm

    columns = [material.columns[place] for place in mask]
    targets = [part.target for part in parts]
    target, sizes = np.concatenate(targets), np.array([len(each) for each in targets])
    parameters = SETTINGS["learned"] | dict(settings.parameters) | {"seed": seed, "num_threads": 1}
    parameters |= {"objective": settings.objective}
    if settings.objective == CLEAR_PAIRS:
        parameters |= {"objective": clear_pairs(targets)}
    if settings.objective in RANKING:
        target = np.round(SHARE_GRADES * target)
        parameters |= {"label_gain": list(range(SHARE_GRADES + 1)), "lambdarank_truncation_level": int(sizes.max())}
    if settings.increasing:
        parameters |= {"monotone_constraints": [int(name.startswith("place_")) for name in columns]}
    data = lightgbm.Dataset(
        rows,
        target,
        weight=np.repeat([part.weight for part in parts], sizes) if settings.accord else None,
        group=sizes if settings.objective in RANKING else None,
        feature_name=columns,
        params={"verbosity": -1, "max_bin": BINS},
    )
    return lightgbm.train(_without_rounds(parameters), data, settings.rounds)


def clear_pairs(targets: Sequence[Floats]) -> Callable[[Floats, lightgbm.Dataset], tuple[Floats, Floats]]:
    """Logistic loss over the pairs of each data set, weighted by how far their targets are apart.

    Burges et al. 2005, doi:10.1145/1102351.1102363.
    """
    sizes = np.array([len(each) for each in targets])
    starts = np.cumsum(sizes) - sizes
    # data sets with equally many rows are computed together
    batches = []
    for size in np.unique(sizes):
        places = starts[sizes == size][:, None] + np.arange(size)
        worth = np.stack([each for each in targets if len(each) == size])
        weights = np.maximum(worth[:, :, None] - worth[:, None, :], 0.0)
        batches.append((places, weights * size / np.maximum(weights.sum(axis=(1, 2), keepdims=True), 1e-12)))

    def objective(scores: Floats, _: lightgbm.Dataset) -> tuple[Floats, Floats]:
        slope, curvature = np.zeros(scores.size), np.zeros(scores.size)
        for places, weights in batches:
            own = scores[places]
            wrong = expit(own[:, None, :] - own[:, :, None])
            pull, bend = weights * wrong, weights * wrong * (1.0 - wrong)
            slope[places] = pull.sum(axis=1) - pull.sum(axis=2)
            curvature[places] = bend.sum(axis=1) + bend.sum(axis=2)
        return slope, curvature

    return objective


def _partition_columns(material: Material, settings: LearnedSettings) -> Ints:
    known = MEASURE_SETS[settings.measures]

    def wanted(name: str) -> bool:
        if name.startswith("place_"):
            return "places" in settings.kept and known(name.removeprefix("place_"))
        if name in FACTS:
            return "facts" in settings.kept
        return ("likeness" if name.startswith("like_") else BLOCKS[name]) in settings.kept

    return np.flatnonzero([wanted(name) for name in material.columns])


def learned_scores(
    material: Material, settings: RecommenderSettings, held: Ints, seen: Ints
) -> dict[int, LearnedScores]:
    """Scores by the default learned measure of cases that it has not seen: of those learned from, by parts of
    them, as in rankers.pipeline. Kept, as many variants need the same."""
    key = (held.tobytes(), seen.tobytes(), settings.seed, settings.measures)
    if key not in material._scores:
        learned = LearnedSettings(seeds=(settings.seed,), measures=settings.measures)
        fold = folds([material.cases[row].group for row in seen], INNER_FOLDS)
        parts = [(seen[fold != part], seen[fold == part]) for part in range(int(fold.max()) + 1)]
        found: dict[int, LearnedScores] = {}
        for teachers, rows in [*parts, (seen, held)]:
            score = fit_scores(material, learned, teachers)
            found |= {row: _scored(material, score, row) for row in rows.tolist()}
        material._scores[key] = found
    return material._scores[key]


def _scored(material: Material, score: Callable[[Floats], Floats], row: int) -> LearnedScores:
    pool = score(material.pools[row])
    return LearnedScores(score(material.landmarks[row]), pool, pool)


def _pairs(case: Case, scores: LearnedScores, basis: str) -> Floats:
    """(m, g)"""
    if basis != "both":
        return case_pairs(case, scores, basis)
    given = learned_pairs(case.candidate_ranks, scores.pool[case.chosen])
    return np.column_stack([case_pairs(case, scores, "points"), given])


def _pair_names(basis: str) -> tuple[str, ...]:
    if basis != "both":
        return pair_feature_names(basis)
    given = [name for name in pair_feature_names("candidates") if name.startswith("candidate_")]
    return (*pair_feature_names("points"), *given)


def _fit_order(
    material: Material, settings: RecommenderSettings, seen: Ints, pairs: Mapping[int, Floats], known: Floats
) -> Callable[[int, Floats], Floats]:
    """An order head: data set and pair features (m, g) -> scores (m,)."""
    import lightgbm

    names = NAMES if settings.turned else material.feature_names
    features = material.all_features if settings.turned else np.stack([case.features for case in material.cases])
    columns = (*names, *_pair_names(settings.basis), "measure")
    mask = np.flatnonzero([_pair_block(name) in settings.kept for name in columns])
    relevance = np.stack([material.cases[row].relevance[known] for row in seen])
    m = int(known.sum())
    parameters = SETTINGS["order"] | {"objective": settings.objective, "lambdarank_truncation_level": m}
    parameters |= {"seed": settings.seed, "num_threads": 1, **dict(settings.parameters)}
    target = relevance
    if settings.objective in RANKING:
        grading = GRADINGS[settings.grading]
        target = grading.grades(relevance)
        parameters |= {"label_gain": list(grading.gains)}

    def rows_of(places: Ints, given: Floats) -> Floats:
        return design_matrix(features[places], given)[:, mask]

    data = lightgbm.Dataset(
        rows_of(seen, np.stack([pairs[row] for row in seen.tolist()])),
        target.ravel(),
        group=np.full(len(seen), m) if settings.objective in RANKING else None,
        feature_name=[columns[place] for place in mask],
        categorical_feature=["measure"] if "identity" in settings.kept else [],
        params={"verbosity": -1, "max_bin": BINS},
    )
    booster = lightgbm.train(_without_rounds(parameters), data, settings.rounds)
    return lambda row, given: np.asarray(booster.predict(rows_of(np.array([row]), given[None]), num_threads=1))


def _pair_block(name: str) -> str:
    if name == "measure":
        return "identity"
    if name in BLOCKS:
        return BLOCKS[name]
    if name.endswith("_learned"):
        return "learned measure"
    return "orders of landmarks" if name.startswith(("landmark_", "rank_of_")) else "own facts"


def _without_rounds(parameters: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameters.items() if name != "rounds"}
