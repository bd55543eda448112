"""How well what a model says of structure tells data with clusters from data without, beside other ways to tell.

    python benchmarks/structure.py --corpus corpora/default [--archive labelled-2d.npz] [--jobs 2] [--real-only]

Everything is judged on data sets whose generator group was left out, the bar included (below it no structure is
claimed: LOST of those with structure fall under it), and weighted so that in the plane and in more dimensions, with
many points and with few, data with and without structure weigh the same. Intervals are 95 % bootstrap intervals over
data sets. Then the head that was fitted to everything looks at real data: the archive (NAME/X and NAME/labels; seen are
clusters where the best landmark reaches VISIBLE of the adjusted Rand index with the labels), tables that scikit-learn
ships, and what is left of these tables without structure.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits
from tqdm import tqdm

from corpus.assessors import external_rand
from gamac_meta.inputs import prepare
from gamac_meta.types import Dataset, Floats, Labels
from metafeatures import LANDMARKS, NAMES, describe
from rankers._lightgbm import PARTITION_PARAMETERS
from rankers._partitions import partition_feature_names
from rankers.assembly import assemble
from rankers.cases import folds
from rankers.learned import fit_learned
from rankers.structure import StructureHead
from rankers.structure_examples import VISIBLE, Example, drawn_data
from rankers.structure_training import (
    Examples,
    auc,
    cross_calibrated,
    fit_head,
    learn_structure,
    leave_groups_out,
    structure_examples,
)
from rankers.validation import FOLDS, Lesson

RESAMPLES = 500
GAP_CLUSTERS = (2, 3, 4, 6, 8)
GAP_REFERENCES = 5
GAP_POINTS = 400
ROUNDS = 300
COPIES = 5  # of each table without its structure
MOST_POINTS = 3000


def by_trees(table: Examples) -> Floats:
    """(q,) log-odds by LightGBM on the same features, groups left out in five folds."""
    import lightgbm

    parameters = PARTITION_PARAMETERS | {"objective": "binary", "num_leaves": 7, "min_data_in_leaf": 20}
    parameters |= {"seed": 0, "num_threads": 1}
    fold = folds([str(group) for group in table.group], FOLDS)
    said = np.empty(len(fold))
    for part in range(FOLDS):
        held = fold == part
        seen = table.only(~held)
        data = lightgbm.Dataset(
            seen.features, seen.structured.astype(float), weight=seen.weight, params={"verbosity": -1, "max_bin": 63}
        )
        said[held] = lightgbm.train(parameters, data, ROUNDS).predict(
            table.features[held], raw_score=True, num_threads=1
        )
    return said


def in_folds(table: Examples) -> Floats:
    """(q,) log-odds by the same regression, groups left out in five folds, so that it compares with the trees."""
    fold = folds([str(group) for group in table.group], FOLDS)
    said = np.empty(len(fold))
    for part in range(FOLDS):
        held = fold == part
        said[held] = fit_head(table.only(~held)).log_odds(table.features[held])
    return said


def with_likeness(examples: Sequence[Example], table: Examples, measures: tuple[str, ...]) -> Examples:
    """The features, and the adjusted Rand index of every two landmarks."""
    names = partition_feature_names(measures)
    columns = [names.index(f"like_{name}") for name in LANDMARKS]
    upper = np.triu_indices(len(LANDMARKS), 1)
    pairs = np.stack([example.landmark_partitions[:, columns][upper] for example in examples])
    pair_names = tuple(f"{LANDMARKS[first]} {LANDMARKS[second]}" for first, second in zip(*upper, strict=True))
    return Examples(
        np.hstack([table.features, pairs]),
        table.structured,
        table.group,
        table.kind,
        (*table.feature_names, *pair_names),
    )


def by_choice(examples: Sequence[Example], lesson: Lesson) -> Floats:
    """(q,) the greatest score that the learned choice, fitted without the group, gives to a landmark."""
    fold = folds([case.group for case in lesson.cases], FOLDS)
    of_group = {case.group: int(part) for case, part in zip(lesson.cases, fold, strict=True)}
    said = np.empty(len(examples))
    for part in tqdm(range(FOLDS), desc="learned choice"):
        seen = [case for case, out in zip(lesson.cases, fold == part, strict=True) if not out]
        learned = fit_learned(seen, lesson.feature_names, lesson.measures, 0)
        for place, example in enumerate(examples):
            if of_group.get(example.group, 0) == part:
                said[place] = learned.choice(example.features, example.landmark_partitions).max()
    return said


def gap(X: Floats, seed: int) -> float:
    """How far k-means in several clusters gains more than on points spread evenly over the box of principal axes,
    against one cluster (Tibshirani, Walther and Hastie 2001, doi:10.1111/1467-9868.00293)."""
    rng = np.random.default_rng(seed)
    X = X[rng.permutation(len(X))[:GAP_POINTS]]
    centered = X - X.mean(axis=0)
    axes = np.linalg.svd(centered, full_matrices=False)[2]
    low, high = (centered @ axes.T).min(axis=0), (centered @ axes.T).max(axis=0)
    even = [_within(rng.uniform(low, high, size=(len(X), len(axes))), seed) for _ in range(GAP_REFERENCES)]
    gaps = np.mean(even, axis=0) - _within(centered, seed)
    return float(np.max(gaps[1:]) - gaps[0])


def _within(X: Floats, seed: int) -> Floats:
    """(c,) logs of the sums of squares within 1 and GAP_CLUSTERS clusters."""
    from sklearn.cluster import KMeans

    sums = [np.sum((X - X.mean(axis=0)) ** 2)]
    sums += [KMeans(k, n_init=1, random_state=seed).fit(X).inertia_ for k in GAP_CLUSTERS]
    return np.asarray(np.log(np.maximum(sums, 1e-12)))


def judged(score: Floats, table: Examples, head: Floats) -> list[str]:
    """Cells: area under the curve, what it is less than the head's, and rates at the bar."""
    rng = np.random.default_rng(0)
    scores = (score - score.mean()) / score.std()
    called = cross_calibrated(scores, table)[1]
    drawn = rng.integers(0, len(score), (RESAMPLES, len(score)))
    weight, structured = table.weight, table.structured
    areas = np.array([[auc(structured[rows], by[rows], weight[rows]) for by in (score, head)] for rows in drawn])
    behind = areas[:, 0] - areas[:, 1]
    cells = [f"{auc(structured, score, weight):.3f} {_ends(areas[:, 0])}"]
    cells.append(f"{auc(structured, score, weight) - auc(structured, head, weight):+.3f} {_ends(behind)}")
    for of in (structured, ~structured):
        rates = [np.average(called[rows][of[rows]], weights=weight[rows][of[rows]]) for rows in drawn if of[rows].any()]
        cells.append(f"{np.average(called[of], weights=weight[of]):.3f} {_ends(np.array(rates))}")
    return cells


def _ends(values: Floats) -> str:
    low, high = np.quantile(values, [0.025, 0.975])
    return f"[{low:.3f}, {high:.3f}]"


def real_data(archive: Path | None) -> Iterator[tuple[str, str, Floats, str, Labels | None]]:
    """Kind, name, points, scale, and labels where they tell of which kind the data are."""
    from sklearn import datasets

    if archive is not None:
        held = np.load(archive)
        for name in sorted({key.split("/")[0] for key in held.files}):
            X = held[f"{name}/X"].astype(np.float64)
            rows = np.random.default_rng(0).permutation(len(X))[:MOST_POINTS]
            yield "labelled, two-dimensional", name, X[rows], "common", held[f"{name}/labels"][rows].astype(np.int32)
    tables = {name: getattr(datasets, f"load_{name}")() for name in ("iris", "wine", "breast_cancer", "digits")}
    scales = {"wine": "standard", "breast_cancer": "standard"}
    for name, table in tables.items():
        yield "tables with classes", name, table.data, scales.get(name, "common"), None
    for digit in range(10):
        X = tables["digits"].data[tables["digits"].target == digit]
        yield "one class of digits", str(digit), X, "common", None
    for name, table in tables.items():
        for seed in range(COPIES):
            rng = np.random.default_rng(seed)
            X, scale = table.data, scales.get(name, "common")
            cloud = rng.multivariate_normal(X.mean(axis=0), np.cov(X.T), size=len(X), method="svd")
            yield "normal clouds like tables", name, cloud, scale, None
            yield "columns of tables shuffled", name, rng.permuted(X, axis=0), scale, None


def look_at_real_data(head: StructureHead, archive: Path | None) -> list[str]:
    """What the head says of each kind of data."""
    columns = np.array([NAMES.index(name) for name in head.feature_names])
    said: dict[str, list[tuple[float, str]]] = {}
    for kind, name, X, scale, labels in tqdm(list(real_data(archive)), desc="real data"):
        seen = describe(Dataset(prepare(X, scale).data.X))
        probability = head.structure(seen.features[columns]).probability
        if labels is not None:
            best = max(external_rand(row, labels[seen.rows]) for row in seen.landmarks.labels)
            kind += ", seen" if best >= VISIBLE else ", not seen"
        said.setdefault(kind, []).append((probability, name))
    lines = ["| | data sets | none is claimed of | median probability | least sure of |", "|---|---|---|---|---|"]
    for kind, found in said.items():
        values = np.array([probability for probability, _ in found])
        least = ", ".join(f"{name} {probability:.2f}" for probability, name in sorted(found)[:6])
        lines.append(f"| {kind} | {len(found)} | {np.sum(values < head.bar)} | {np.median(values):.2f} | {least} |")
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--archive", type=Path)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--real-only", action="store_true", help="only look at real data")
    options = parser.parse_args()
    lesson = assemble(options.corpus, n_jobs=options.jobs, progress=True).lesson
    examples = structure_examples(options.corpus, lesson, n_jobs=options.jobs, progress=True)
    if examples is None:
        parser.error("the corpus is too small to learn structure from")
    head, held = learn_structure(examples, lesson.feature_names)
    if options.real_only:
        print("\n".join(look_at_real_data(head, options.archive)))
        return
    table = Examples.of(examples, lesson.feature_names)
    shuffled = replace(table, structured=np.random.default_rng(0).permutation(table.structured))

    def feature(name: str) -> Floats:
        return np.asarray(table.features[:, lesson.feature_names.index(name)])

    said = leave_groups_out(table)
    contenders = {
        "the head": said,
        "the head, five folds": in_folds(table),
        "LightGBM on the same features, five folds": by_trees(table),
        "the head, likeness of landmarks too, five folds": in_folds(with_likeness(examples, table, lesson.measures)),
        "learned choice of the best landmark": by_choice(examples, lesson),
        "silhouette of the best landmark": feature("landmark_silhouette_best"),
        "dip of distances": feature("distance_dip"),
        "Hopkins": feature("hopkins"),
        "the head, shuffled targets": leave_groups_out(shuffled),
    }
    print(held.report())
    print(f"bar {head.bar:.3f}; probability said and share with structure: {held.figures()['calibration']}\n")
    print("| | area under the curve | less the head's | structured, none claimed | structureless, found |")
    print("|---|---|---|---|---|")
    for name, score in contenders.items():
        print(f"| {name} | {' | '.join(judged(score, table, said))} |", flush=True)
    is_drawn = np.array([example.drawn is not None for example in examples])
    drawn = [example.drawn for example in examples if example.drawn is not None]
    with threadpool_limits(1):
        gaps = [gap(drawn_data(*each)[0].X, place) for place, each in enumerate(tqdm(drawn, desc="gap statistic"))]
    few = table.only(is_drawn)
    print(f"\nOn the {len(drawn)} of them that were drawn:\n")
    print("| gap statistic | " + " | ".join(judged(np.array(gaps), few, said[is_drawn])) + " |")
    print("\n| group | data sets | none is claimed of |\n|---|---|---|")
    groups = np.array([example.group for example in examples])
    for structured in (True, False):
        for name in np.unique(groups[held.structured == structured]):
            rows = (groups == name) & (held.structured == structured)
            what = "with structure" if structured else "without"
            print(f"| {name}, {what} | {np.sum(rows)} | {held.rate(rows):.2f} |")
    print()
    print("\n".join(look_at_real_data(head, options.archive)))


if __name__ == "__main__":
    main()
