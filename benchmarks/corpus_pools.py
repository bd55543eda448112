"""By what to pick one of some 200 partitions of a data set of the corpus, and what a choice taught on so many gains.

    python benchmarks/corpus_pools.py --corpus corpora/default [--jobs 2] [--step 4] [--seconds 12] [--out TABLES.md]

Every step-th data set of the corpus with planted clusters is searched once by AutoClusterer, its scores being those of
a choice that saw nothing of the data set's generator group. The distinct partitions that it saw and those that the
corpus holds are the pool; pools are kept in the corpus's folder search_pools, so an interrupted run goes on where it
stopped. Delete the folder to begin anew.

First table: of each pool, parts of 10 to all are drawn; a judgement of judgement.py, fitted without the data set's
generator group, picks one, and loses the adjusted Rand index with the generating labels of the best of the part less
that of its pick. Means [95 % bootstrap interval over data sets].

Second table: the same of choices taught in other ways, each without the group, and what they lose more than the shipped
way, paired. That one learns from the some 80 partitions that the corpus holds of every data set. Searches of other data
sets were guided by choices that had seen the group; what they saw was judged by none of these.

Third table: the stability under resampling of the dozen with the greatest scores, as in search_pools.py.
"""

from __future__ import annotations

import argparse
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from judgement import JUDGEMENTS, Pool, likeness
from search_pools import PATIENCE, SIZES, Searched, losses_of, prior, stabilities, stability_table

from corpus.assessors import external_rand
from corpus.store import CorpusStore, Entry
from gamac_meta import AutoClusterer
from gamac_meta.automl._trials import renumbered
from gamac_meta.executor import run
from gamac_meta.files import replacing
from gamac_meta.inputs import prepare
from gamac_meta.recommend import load_model
from gamac_meta.types import Floats, Ints, Labels, PartitionSet
from rankers._lightgbm import fit_top
from rankers._partitions import partition_feature_names
from rankers.assembly import assemble
from rankers.cases import folds
from rankers.metrics import bootstrap_mean
from rankers.persistence import Model
from rankers.pipeline import Fitted
from rankers.reading import Reading
from rankers.validation import FOLDS, Lesson, fit_without

FOLDER = "search_pools"
CHOICE = "learned choice"
SHIPPED = "corpus's pools of all data sets (as shipped)"


@dataclass(frozen=True, eq=False)
class Seen:
    """Distinct partitions of one data set: those that a search saw, then others that the corpus holds."""

    partitions: Floats  # (P, c) features
    agreement: Floats  # (P,) adjusted Rand index with the generating labels
    likeness: Floats  # (P, P)
    prior: Ints  # (1,) place of HDBSCAN n/50, (0,) where it was not tried
    dozen: Ints  # places of those that the search gave the greatest scores
    scores: Floats  # (dozen,)
    between: Floats  # (dozen,) stability: index of the two parts
    kept: Floats  # (dozen,) stability: index of the parts with the partition


# ---- searches ----------------------------------------------------------------------------------------


class Search(NamedTuple):
    """One search to be made."""

    path: Path
    entry: Entry
    model: Model
    seconds: float


def search(task: Search) -> Seen:
    """What was seen, read where it is known."""
    try:
        with np.load(task.path, allow_pickle=False) as arrays:
            return Seen(**{field.name: arrays[field.name] for field in fields(Seen)})
    except (FileNotFoundError, KeyError, zipfile.BadZipFile):
        pass  # derived data: what is damaged or of an earlier way is made again
    data = task.entry.data
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scales that were not given
        found = AutoClusterer(time_budget=task.seconds, patience=PATIENCE, scale=None, model=task.model).fit(data.X)
    trials = found.trials_
    trials = trials[trials.score.notna() & trials.same_as.isna()]
    searched = np.array([found.partition(number) for number in trials.number])
    dozen, between, kept = stabilities(prepare(data.X, None).data.X, trials, searched)
    # what the search saw is distinct and comes first, so places of it stay
    labels = distinct(np.vstack([searched, task.entry.pool.labels]))
    place = prior(trials, data.n)
    seen = Seen(
        Reading(task.model, data).partition_features(PartitionSet(labels)).astype(np.float32),
        np.array([external_rand(row, task.entry.truth) for row in labels]),
        likeness(labels),
        np.array([] if place is None else [place], dtype=np.int64),
        np.array(dozen, dtype=np.int64),
        trials.score.to_numpy()[dozen],
        np.array(between),
        np.array(kept),
    )
    task.path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(task.path) as beside:
        np.savez_compressed(beside, **vars(seen))
    return seen


def distinct(labels: Labels) -> Labels:
    """The first of all partitions (p, n) that are the same up to the numbers of clusters, noise being one more."""
    kept = {}
    for row in labels:
        kept.setdefault(renumbered(row + 1).tobytes(), row)
    return np.stack(list(kept.values()))


# ---- judgements --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Material:
    """All cases, the folds that hold them out, what was fitted without each fold, and their large pools."""

    lesson: Lesson
    fold: Ints  # (q,)
    fitted: Sequence[Fitted]  # by fold
    seen: Mapping[int, Seen]  # by place of the case


def pools(material: Material) -> dict[int, Pool]:
    """The searched data sets, judged by what was fitted without their folds."""
    names = partition_feature_names(material.lesson.measures)
    found = {}
    for place, seen in material.seen.items():
        case, fitted = material.lesson.cases[place], material.fitted[material.fold[place]]
        recommended = material.lesson.measures[fitted.predict(case).listed("points")[0]]
        values = {
            name: seen.partitions[:, names.index(f"value_{name}")] for name in (recommended, "silhouette", "dbcv")
        }
        found[place] = Pool(
            seen.agreement,
            learned=fitted.learned.score(case.features, seen.partitions),
            choice=fitted.learned.choice(case.features, seen.partitions),
            recommended=values[recommended],
            silhouette=values["silhouette"],
            dbcv=values["dbcv"],
            likeness=seen.likeness,
            prior=int(seen.prior[0]) if seen.prior.size else None,
        )
    return found


# ---- ways to teach -----------------------------------------------------------------------------------


class Way(NamedTuple):
    """What a choice learns from, and how."""

    searched: bool = True  # whether it hears the large pools, where there are some
    others: bool = True  # whether it hears the data sets of which there is no large pool
    shuffled: bool = False  # the noise control
    changes: Mapping[str, Any] = {}  # parameters of the booster that differ from the shipped ones


WAYS: Mapping[str, Way] = {
    "corpus's pools of the searched data sets": Way(searched=False, others=False),
    "large pools of these": Way(others=False),
    "large pools of these, corpus's of the others": Way(),
    "the same, only the first 3 places count": Way(changes={"lambdarank_truncation_level": 3}),
    "the same, the first 30 places count": Way(changes={"lambdarank_truncation_level": 30}),
    "the same, shuffled targets": Way(shuffled=True),
}


def lessons(material: Material, way: Way, held: int) -> tuple[list[Floats], list[Floats]]:
    """Features (P, c) and worth (P,) of every pool that a way hears where a fold is held out."""
    rows, worth = [], []
    for place, case in enumerate(material.lesson.cases):
        if case.agreement is None or material.fold[place] == held:
            continue
        seen = material.seen.get(place)
        if seen is not None and way.searched:
            rows.append(seen.partitions)
            worth.append(seen.agreement)
        elif seen is not None or way.others:
            rows.append(case.pool_partitions)
            worth.append(case.agreement)
    if way.shuffled:
        rng = np.random.default_rng(held)
        worth = [rng.permutation(each) for each in worth]
    return rows, worth


class Teaching(NamedTuple):
    """What one process needs to teach a choice, and to ask it."""

    rows: list[Floats]  # of each pool that is heard: (P, c)
    worth: list[Floats]  # (P,)
    columns: tuple[str, ...]  # (c,)
    changes: Mapping[str, Any]
    asked: Mapping[int, Floats]  # data set -> (P, c) features of its pool


def teach(task: Teaching) -> dict[int, Floats]:
    """(P,) scores of each pool that is asked for."""
    booster = fit_top(task.rows, task.worth, task.columns, 0, **task.changes)
    return {place: np.asarray(booster.predict(rows, num_threads=1)) for place, rows in task.asked.items()}


# ---- tables ------------------------------------------------------------------------------------------

Losses = Mapping[int, Mapping[str, float]]  # of one judgement: data set -> size of the part, or "all" -> loss


def losses_by(pools: Mapping[int, Pool]) -> dict[str, Losses]:
    """Of every judgement."""
    lost = {place: losses_of(pool) for place, pool in pools.items()}
    return {
        name: {place: {size: each[name] for size, each in found.items()} for place, found in lost.items()}
        for name in JUDGEMENTS
    }


def table(rows: Mapping[str, Losses], less: Losses | None = None) -> list[str]:
    """A row for each way to judge, in Markdown; less: with what it loses more than these, paired, among all."""
    known = next(iter(rows.values()))
    # the same data sets at every size but the largest
    large = [place for place, lost in known.items() if str(SIZES[-2]) in lost]
    largest = sum(str(SIZES[-1]) in known[place] for place in large)
    heads = [f"judgement ({len(large)} sets)", *map(str, SIZES[:-1]), f"{SIZES[-1]} ({largest} sets)", "all"]
    if less is not None:
        heads.append("all, more than as shipped")
    lines = ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for name, lost in rows.items():
        cells = []
        for size in (*map(str, SIZES), "all"):
            found = [lost[place][size] for place in large if size in lost[place]]
            cells.append(str(bootstrap_mean(np.array(found))) if found else "")
        if less is not None:
            cells.append(str(bootstrap_mean(np.array([lost[place]["all"] - less[place]["all"] for place in large]))))
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def gather(directory: Path, step: int, seconds: float, jobs: int) -> Material:
    """Fit without every fold, and search."""
    lesson = assemble(directory, n_jobs=jobs, progress=True).lesson
    fold = folds([case.group for case in lesson.cases], FOLDS)
    fitted = dict(
        run(fit_without, [(lesson, fold == part, 0) for part in range(FOLDS)], n_jobs=jobs, progress="fitting without")
    )
    shipped = load_model(None)
    models = [replace(shipped, learned=fitted[part].learned) for part in range(FOLDS)]
    tasks = {}
    with CorpusStore(directory) as store:
        for place, entry in enumerate(store.entries(orders=False)):
            if place % step == 0 and lesson.cases[place].agreement is not None:
                path = directory / FOLDER / f"{entry.index:06d}-{entry.content_hash}-{seconds:g}.npz"
                tasks[place] = Search(path, entry, models[fold[place]], seconds)
    places = list(tasks)
    seen = {
        places[position]: each for position, each in run(search, list(tasks.values()), n_jobs=jobs, progress="searches")
    }
    return Material(lesson, fold, [fitted[part] for part in range(FOLDS)], dict(sorted(seen.items())))


def report(material: Material, jobs: int) -> str:
    """All tables."""
    judged = pools(material)
    lost = losses_by(judged)
    counts = [len(each.agreement) for each in material.seen.values()]
    lines = [
        f"{len(counts)} data sets; partitions: {min(counts)} to {max(counts)}, median {int(np.median(counts))}",
        "",
        *table(lost),
    ]
    taught = {SHIPPED: lost[CHOICE]}
    for name, way in WAYS.items():
        tasks = [
            Teaching(
                *lessons(material, way, part),
                partition_feature_names(material.lesson.measures),
                way.changes,
                {place: seen.partitions for place, seen in material.seen.items() if material.fold[place] == part},
            )
            for part in range(FOLDS)
        ]
        scores = {
            place: each for _, found in run(teach, tasks, n_jobs=jobs, progress=name) for place, each in found.items()
        }
        rescored = {place: replace(pool, choice=scores[place]) for place, pool in judged.items()}
        taught[name] = losses_by(rescored)[CHOICE]
    return "\n".join([*lines, "", *table(taught, lost[CHOICE]), "", *stability_table(searches(material))])


def searches(material: Material) -> list[Searched]:
    """What the stability of the dozen is told by."""
    return [
        Searched(
            str(place),
            len(seen.agreement),
            float(seen.agreement.max()),
            {},
            tuple(seen.scores.tolist()),
            tuple(seen.agreement[seen.dozen].tolist()),
            tuple(seen.between.tolist()),
            tuple(seen.kept.tolist()),
        )
        for place, seen in material.seen.items()
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--step", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=12.0, help="allowed to each search")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    text = report(gather(options.corpus, options.step, options.seconds, options.jobs), options.jobs) + "\n"
    print(text)
    if options.out is not None:
        with replacing(options.out) as stream:
            stream.write(text.encode())


if __name__ == "__main__":
    main()
