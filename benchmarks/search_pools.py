"""What is picked of the partitions that a real search saw: by the size of the pool, and by how stable they are.

    python benchmarks/search_pools.py labelled-2d.npz [--seconds 20] [--jobs 2] [--step 1] [--out results.jsonl]

Each data set of benchmarks/automl.py, as many points of it as a search looks at, is searched once by AutoClusterer;
results go to --out as they come, and a rerun passes over what is there.

First table: of all partitions with a score that the search saw, parts of 10 to all are drawn (ten draws each); a
judgement picks one, and loses the adjusted Rand index of the best of the part less that of its pick.

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
from automl import Table, mean, tables
from sklearn.metrics import adjusted_rand_score
from tqdm import tqdm

from gamac_meta import AutoClusterer, score_partitions
from gamac_meta.automl._space import transformed
from gamac_meta.automl.estimator import SEARCH_POINTS
from gamac_meta.clusterers import CLUSTERERS
from gamac_meta.inputs import prepare
from gamac_meta.types import Floats, Labels

SIZES = (10, 20, 40, 80, 160)
DRAWS = 10
JUDGEMENTS = ("choice", "learned", "recommended", "silhouette", "dbcv")
DOZEN = 12
PARTS, SHARE = 2, 0.8
WEIGHTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Searched:
    """One data set, as a line of --out."""

    data: str
    seen: int  # partitions with a score
    best: float  # adjusted Rand index of the best
    losses: Mapping[str, Mapping[str, float]]  # judgement -> size -> mean loss
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
        search = AutoClusterer(time_budget=seconds, n_jobs=jobs, scale="auto", random_state=0).fit(X)
    trials = search.trials_
    trials = trials[trials.score.notna() & trials.same_as.isna()]
    partitions = np.array([search.partition(number) for number in trials.number])
    known = reference >= 0
    worth = np.array([adjusted_rand_score(reference[known], labels[known]) for labels in partitions])
    scores = {
        name: score_partitions(X, partitions, by=name, scale=search.scale_) for name in JUDGEMENTS if name != "choice"
    } | {"choice": trials.score.to_numpy()}
    losses = {name: losses_of(np.nan_to_num(scores[name], nan=-np.inf), worth) for name in JUDGEMENTS}
    points = prepare(X, search.scale_).data.X
    dozen = np.argsort(-scores["choice"], kind="stable")
    # landmarks are made by no clusterer of the search
    dozen = [row for row in dozen if trials.stage.iloc[row] != "landmark"][:DOZEN]
    stabilities = [stability(points, trials.iloc[row], partitions[row]) for row in dozen]
    return Searched(
        table.name,
        len(partitions),
        float(worth.max()),
        losses,
        tuple(scores["choice"][dozen].tolist()),
        tuple(worth[dozen].tolist()),
        tuple(between for between, _ in stabilities),
        tuple(kept for _, kept in stabilities),
    )


def losses_of(scores: Floats, worth: Floats) -> dict[str, float]:
    """Size of the part, as text, and the mean loss."""
    found = {"all": float(worth.max() - worth[scores.argmax()])}
    for size in SIZES:
        if size < len(worth):
            rng = np.random.default_rng(size)
            parts = [rng.permutation(len(worth))[:size] for _ in range(DRAWS)]
            lost = [worth[part].max() - worth[part][scores[part].argmax()] for part in parts]
            found[str(size)] = float(np.mean(lost))
    return found


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
    lines = [
        f"{len(found)} data sets; partitions seen: {min(seen)} to {max(seen)}, median {int(np.median(seen))}",
        "",
        "| judgement | " + " | ".join([*map(str, SIZES), "all"]) + " |",
        "|---" * (len(SIZES) + 2) + "|",
    ]
    for name in JUDGEMENTS:
        # the same data sets at every size
        whole = [each for each in found if len(each.losses[name]) == len(SIZES) + 1]
        cells = [str(mean({each.data: each.losses[name][str(size)] for each in whole})) for size in (*SIZES, "all")]
        lines.append(f"| {name} ({len(whole)} sets) | " + " | ".join(cells) + " |")
    refitted = [each for each in found if each.worth]  # not where only landmarks came in time
    lines += [
        "",
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
    return "\n".join(lines)


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
