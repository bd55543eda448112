"""What is picked of the partitions that a real search saw: by the size of the pool, and by how stable they are.

    python benchmarks/search_pools.py labelled-2d.npz [--seconds 20] [--jobs 2] [--step 1] [--out results.jsonl]

Each data set of benchmarks/automl.py, as many points of it as a search looks at, is searched once by AutoClusterer,
which does not end early; results go to --out as they come, and a rerun passes over what is there.

First table: of all partitions with a score that the search saw, parts of 10 to all are drawn; a judgement of
judgement.py picks one, and loses the adjusted Rand index of the best of the part less that of its pick.

Second table: each of the dozen with the greatest scores is made again, with the same parameters, on two parts of 80 %
of the points. Its stability is the adjusted Rand index of the two on the points in both (by Ben-Hur et al. 2002,
doi:10.1142/9789812799623_0002), or their mean index with the partition itself. So much times the stability is added to
the score before the pick. Means over data sets [95 %
bootstrap interval, digits and its subsets being one].
"""

from __future__ import annotations

import argparse
import json
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from automl import Table, mean, tables
from judgement import JUDGEMENTS, Pool, likeness, losses
from sklearn.metrics import adjusted_rand_score
from tqdm import tqdm

from gamac_meta import AutoClusterer, score_partitions
from gamac_meta.automl._space import transformed
from gamac_meta.automl.estimator import SEARCH_POINTS
from gamac_meta.clusterers import CLUSTERERS
from gamac_meta.inputs import prepare
from gamac_meta.types import Floats, Labels

SIZES = (10, 20, 40, 80, 150, 300)
PATIENCE = 1_000_000  # trials without a better partition: the time ends a search
DOZEN = 12
PARTS, SHARE = 2, 0.8
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Searched:
    """One data set, as a line of --out."""

    data: str
    seen: int  # partitions with a score
    best: float  # adjusted Rand index of the best
    losses: Mapping[str, Mapping[str, float]]  # size, or "all" -> judgement -> mean loss
    scores: tuple[float, ...]  # of the dozen
    worth: tuple[float, ...]  # their adjusted Rand index with the labels
    between: tuple[float, ...]  # stability: index of the two parts; NaN where a part could not be clustered
    kept: tuple[float, ...]  # stability: index of the parts with the partition


def study(table: Table, seconds: float, jobs: int) -> Searched:
    """Search, judge by all judgements, and make the dozen anew on parts."""
    rows = np.sort(np.random.default_rng(0).permutation(len(table.X))[:SEARCH_POINTS])
    X, reference = table.X[rows], table.labels[rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scales that were not given
        search = AutoClusterer(time_budget=seconds, n_jobs=jobs, patience=PATIENCE, scale="auto", random_state=0).fit(X)
        trials = search.trials_
        trials = trials[trials.score.notna() & trials.same_as.isna()]
        partitions = np.array([search.partition(number) for number in trials.number])
        scores = {
            name: np.nan_to_num(score_partitions(X, partitions, by=name, scale=search.scale_), nan=-np.inf)
            for name in ("learned", "recommended", "silhouette", "dbcv")
        }
    known = reference >= 0
    worth = np.array([adjusted_rand_score(reference[known], labels[known]) for labels in partitions])
    choice = trials.score.to_numpy()
    pool = Pool(worth, choice=choice, **scores, likeness=likeness(partitions), prior=prior(trials, len(X)))
    dozen, between, kept = stabilities(prepare(X, search.scale_).data.X, trials, partitions)
    return Searched(
        table.name,
        len(partitions),
        float(worth.max()),
        losses_of(pool),
        tuple(choice[dozen].tolist()),
        tuple(worth[dozen].tolist()),
        between,
        kept,
    )


def prior(trials: pd.DataFrame, n: int) -> int | None:
    """Row of the first HDBSCAN with min_cluster_size n/50 on the points as they are, whatever its other settings."""
    wanted = max(5, n // 50)
    for row, trial in enumerate(trials.itertuples()):
        plain = trial.stage != "landmark" and trial.algorithm == "hdbscan" and trial.preprocessing == "none"
        if plain and trial.parameters["min_cluster_size"] == wanted:
            return row
    return None


def losses_of(pool: Pool) -> dict[str, dict[str, float]]:
    """Size of the part, as text, and the mean loss of each judgement."""
    count = len(pool.agreement)
    sizes = {str(size): size for size in SIZES if size < count} | {"all": count}
    return {name: losses(pool, size, size) for name, size in sizes.items()}


def stabilities(
    X: Floats, trials: pd.DataFrame, partitions: Labels
) -> tuple[list[int], tuple[float, ...], tuple[float, ...]]:
    """Rows of the dozen of greatest score, and both stabilities of each."""
    order = np.argsort(-trials.score.to_numpy(), kind="stable").tolist()
    # landmarks are made by no clusterer of the search
    dozen = [row for row in order if trials.stage.iloc[row] != "landmark"][:DOZEN]
    found = [stability(X, trials.iloc[row], partitions[row]) for row in dozen]
    return dozen, tuple(between for between, _ in found), tuple(kept for _, kept in found)


def stability(X: Floats, trial, labels: Labels) -> tuple[float, float]:
    """Of one trial: how alike the clusterings of two parts are, and how like the partition (n,)."""
    rng = np.random.default_rng(0)
    made = np.full((PARTS, len(X)), -1)
    for part in made:
        rows = np.sort(rng.permutation(len(X))[: int(SHARE * len(X))])
        points = transformed(X[rows], trial.preprocessing, 0)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                part[rows] = CLUSTERERS[trial.algorithm].make(0, **trial.parameters).fit_predict(points)
        except ValueError:
            # what needs more points than there are is as unstable as can be, and known to be so
            return float("nan"), float("nan")
    both = (made >= 0).all(axis=0)
    if not both.any():
        return 0.0, 0.0
    kept = [adjusted_rand_score(part[part >= 0], labels[part >= 0]) for part in made]
    return float(adjusted_rand_score(*made[:, both])), float(np.mean(kept))


def report(found: list[Searched]) -> str:
    """Both tables, in Markdown."""
    seen = [each.seen for each in found]
    # the same data sets at every size but the largest
    large = [each for each in found if str(SIZES[-2]) in each.losses]
    largest = sum(str(SIZES[-1]) in each.losses for each in large)
    heads = [*map(str, SIZES[:-1]), f"{SIZES[-1]} ({largest} sets)", "all"]
    lines = [
        f"{len(found)} data sets; partitions seen: {min(seen)} to {max(seen)}, median {int(np.median(seen))}",
        "",
        f"| judgement ({len(large)} sets) | " + " | ".join(heads) + " |",
        "|---" * (len(heads) + 1) + "|",
    ]
    for name in JUDGEMENTS:
        columns = [
            {each.data: each.losses[size][name] for each in large if size in each.losses}
            for size in [*map(str, SIZES), "all"]
        ]
        lines.append(f"| {name} | " + " | ".join(str(mean(column)) if column else "" for column in columns) + " |")
    return "\n".join([*lines, "", *stability_table(found)])


def stability_table(found: list[Searched]) -> list[str]:
    """What the pick gains by stability, in Markdown."""
    refitted = [each for each in found if each.worth]  # not where only landmarks came in time
    lines = [
        f"| stability, times ({len(refitted)} sets) | index of the pick | less the score alone |",
        "|---|---|---|",
    ]
    alone = {each.data: each.worth[0] for each in refitted}
    for title, name in (("between the parts", "between"), ("with the partition", "kept")):
        for weight in WEIGHTS[1:]:
            picks = {each.data: picked(each, name, weight) for each in refitted}
            gain = mean({data: picks[data] - alone[data] for data in picks})
            lines.append(f"| {title}, {weight:g} | {mean(picks)} | {gain} |")
    best = {each.data: max(each.worth) for each in refitted}
    lines.append(f"| score alone | {mean(alone)} | |")
    lines.append(f"| best of the dozen | {mean(best)} | {mean({data: best[data] - alone[data] for data in best})} |")
    return lines


def picked(each: Searched, name: str, weight: float) -> float:
    """The index of the one with the greatest sum."""
    stabilities = np.nan_to_num(np.array(getattr(each, name)), nan=0.0)
    return each.worth[int(np.argmax(np.array(each.scores) + weight * stabilities))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0, help="allowed to each search")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--step", type=int, default=1, help="take every so many data sets")
    parser.add_argument("--out", type=Path, help="JSON lines; all that it holds is summed up")
    options = parser.parse_args()
    found = []
    if options.out is not None and options.out.exists():
        found = [Searched(**json.loads(line)) for line in options.out.read_text().splitlines()]
    done = {each.data for each in found}
    for table in tqdm(list(tables(options.archive))[:: options.step], desc="searches"):
        if table.name in done:
            continue
        found.append(study(table, options.seconds, options.jobs))
        if options.out is not None:
            with options.out.open("a") as lines:
                lines.write(json.dumps(asdict(found[-1])) + "\n")
    print(report(found))


if __name__ == "__main__":
    main()
