"""How far advice changes when the points change little, or not at all but in how they are written.

    python benchmarks/robustness.py [--datasets 40] [--given] [--model DIR]
    python benchmarks/robustness.py --left-out corpora/default [--jobs N]

Data sets are drawn from the families of the corpus with another seed, so no model has seen them.
Each is written anew (reordered, moved, scaled, turned), and changed: a tenth of the points left out,
three times, and 5 % of uniform noise added. Printed, against the advice for the data set as it is:

    same list      share of cases with the same order of all measures
    same best      ... with the same recommended measure
    same top 3     ... with the same three measures in front, in any order
    of top 3       share of the three that stay among them
    tau            Kendall tau of the two lists
    in 5th         share of recommended measures that stay among the first five
    true           agreement with the consensus of 25 simulated assessors that the changed advice loses on the
                   data set as it is: tau of its first measure's order of 15 candidates, less that of the other's
    true of 3      the same for the mean of the first three
    predicted      how far the predicted agreement of the recommended measure moves, absolute

Rows "by score" are of what the same ranker would advise without trios: measures by their single scores. What trios
cost is printed below: how far the measures that they put first agree with the consensus, less those by score.

--given: the advice is for the 15 candidates, which keep their labels; noise is not added then.
--left-out: instead, what trios cost on the data sets of a corpus, each predicted by what was fitted, and by trios
that were found, without its generator group; data sets resampled, and whole groups.
"""

import argparse
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from tqdm import tqdm

import rankers
from corpus.build import Task, make_entry
from corpus.consensus import consensus
from gamac_meta import recommend_measure
from gamac_meta.agreement import kendall_tau
from rankers.assembly import assemble
from rankers.evaluation import judge as judge_picks
from rankers.judgement import FIGURES
from rankers.metrics import bootstrap_mean, bootstrap_means
from rankers.validation import TITLES, leave_out

SEED = 104_729  # of the recipes; corpora are built with small ones
ASSESSORS = 25
NOISE = 0.05
LEFT_OUT = 0.1
COLUMNS = ("same list", "same best", "same top 3", "of top 3", "tau", "in 5th", "true", "true of 3", "predicted")


def reordered(X, rng):
    rows = rng.permutation(len(X))
    return X[rows], rows


def moved(X, rng):
    return X + 100.0 * X.std() * rng.normal(size=X.shape[1]), np.arange(len(X))


def scaled(X, rng):
    return X * 10.0 ** rng.uniform(-3.0, 3.0), np.arange(len(X))


def turned(X, rng):
    turn, _ = np.linalg.qr(rng.normal(size=(X.shape[1], X.shape[1])))
    return X @ turn, np.arange(len(X))


def subsample(X, rng):
    rows = np.sort(rng.permutation(len(X))[: round((1.0 - LEFT_OUT) * len(X))])
    return X[rows], rows


def noisy(X, rng):
    low, high = X.min(axis=0), X.max(axis=0)
    return np.concatenate([X, rng.uniform(low, high, size=(round(NOISE * len(X)), X.shape[1]))]), None


# name, change (points and their rows in the data set, None where there are new ones), times
CHANGES: tuple[tuple[str, Callable, int], ...] = (
    ("reordered", reordered, 1),
    ("moved", moved, 1),
    ("scaled", scaled, 1),
    ("turned", turned, 1),
    ("90 % of the points", subsample, 3),
    ("5 % uniform noise", noisy, 1),
)
CHANGED = ("90 % of the points", "5 % uniform noise")
BY_SCORE = ", by score"


def by_score(advice):
    """Measures as they would be advised without trios."""
    return tuple(advice.measures[place] for place in np.argsort(-advice.scores, kind="stable"))


def compare(before, after, relevance, predicted):
    """One row of COLUMNS from two lists of measures; relevance: measure -> its agreement with the consensus on the
    data set as it is; predicted: agreements of the first, before and after."""
    place = {name: position for position, name in enumerate(after)}
    places = np.array([place[name] for name in before], dtype=float)
    kept = len(set(before[:3]) & set(after[:3]))
    true = [relevance[name] for name in before[:3]], [relevance[name] for name in after[:3]]
    return (
        before == after,
        before[0] == after[0],
        kept == 3,
        kept / 3,
        kendall_tau(np.arange(len(places), dtype=float)[:, None], places[:, None])[0, 0],
        place[before[0]] < 5,
        true[1][0] - true[0][0],
        np.mean(true[1]) - np.mean(true[0]),
        abs(predicted[1] - predicted[0]),
    )


def judge(index, model, given):
    """Change -> rows of COLUMNS for data set `index`; agreement of the first measure, and of that by score; and the
    means of the first three."""
    entry = make_entry(Task(index, SEED, ASSESSORS))
    target = consensus(entry.orders).ranks
    relevance = dict(zip(entry.table.measures, kendall_tau(entry.table.ranks(), target[:, None])[:, 0], strict=True))
    X, labels = entry.data.X, entry.candidates.labels
    before = recommend_measure(X, partitions=labels if given else None, model=model)
    rng = np.random.default_rng([SEED, index])
    rows = defaultdict(list)
    for name, change, times in CHANGES:
        for _ in range(times):
            points, kept = change(X, rng)
            if given and kept is None:
                continue
            after = recommend_measure(points, partitions=labels[:, kept] if given else None, model=model)
            lists = (before.measures, after.measures), (by_score(before), by_score(after))
            rows[name].append(compare(*lists[0], relevance, (before.agreement[0], after.agreement[0])))
            if name in CHANGED:
                rows[f"{name}{BY_SCORE}"].append(compare(*lists[1], relevance, (np.nan, np.nan)))
    return rows, worth(relevance, before.measures, by_score(before))


def worth(relevance, *lists):
    """(lists, 2) agreement of the first of each list of measures, and mean of its first three."""
    return [(relevance[each[0]], np.mean([relevance[name] for name in each[:3]])) for each in lists]


def left_out(directory, jobs):
    """What trios cost on data sets of a corpus, by basis."""
    assembled = assemble(directory, n_jobs=jobs)
    lesson = assembled.lesson
    held_out = leave_out(lesson, n_jobs=jobs, progress="leaving each group out")
    for basis, title in TITLES.items():
        lists = [(seen.listed(basis), np.argsort(-seen.order[basis], kind="stable")) for seen in held_out.predicted]
        picks = {name: np.array([each[place][0] for each in lists]) for place, name in enumerate(("trios", "single"))}
        judgement = judge_picks(assembled.standards, assembled.tables, picks=picks, scores={})
        three = [worth(case.relevance, *each) for each, case in zip(lists, lesson.cases, strict=True)]
        print(f"{title}, {len(three)} data sets")
        print_cost(np.array(three), [case.group for case in lesson.cases])
        for figure in FIGURES:
            print(f"  first measure, {FIGURES[figure].title}: {judgement.compare('trios', 'single', figure)}")


def print_cost(found, groups=None):
    """found (q, 2, 2): data sets, by trios and by score, the first and the first three."""
    for place, what in enumerate(("first measure", "first three, mean")):
        trios, single = found[:, :, place].T
        line = f"  {what:18s} by trios {trios.mean():.4f}, by score {single.mean():.4f}, difference "
        line += f"{(trios - single).mean():.4f}, data sets {ends(trios - single)}"
        print(line if groups is None else f"{line}, groups {ends(trios - single, groups)}")


def ends(values, units=None):
    interval = bootstrap_means(values[:, None], units=units)[0]
    return f"[{interval.low:.4f}, {interval.high:.4f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=40)
    parser.add_argument("--given", action="store_true")
    parser.add_argument("--model")
    parser.add_argument("--left-out", type=Path, metavar="CORPUS")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if options.left_out:
        left_out(options.left_out, options.jobs)
        return
    model = rankers.load(options.model)
    results, agreements = defaultdict(list), []
    for index in tqdm(range(options.datasets)):
        rows, agreement = judge(index, model, options.given)
        agreements.append(agreement)
        for name, found in rows.items():
            # a mean per data set: subsamples of one are no data sets of their own
            results[name].append(np.mean(found, axis=0))
    print(
        f"model {model.name}, {options.datasets} data sets, advice {'for candidates' if options.given else 'from X'};"
    )
    print(f"{'':28s}" + "".join(f"{column:>11s}" for column in COLUMNS))
    for name, found in results.items():
        values = "".join(" " * 11 if np.isnan(value) else f"{value:11.3f}" for value in np.mean(found, axis=0))
        print(f"{name:28s}{values}".rstrip())
    for name in results:
        if name.startswith(CHANGED):
            top, true = np.array(results[name])[:, [2, 6]].T
            print(f"{name}: same top 3 {bootstrap_mean(top)}, true agreement lost {bootstrap_mean(true)}")
    print("true agreement on the data sets as they are")
    print_cost(np.array(agreements))


if __name__ == "__main__":
    main()
