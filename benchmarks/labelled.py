"""How the recommender does on labelled two-dimensional data that it was never trained on.

    python benchmarks/labelled.py labelled-2d.npz [--pictures DIR] [--model DIR]

The archive holds NAME/X and NAME/labels (-1 is noise); at most 2000 points are taken. For each data
set, 15 candidates come from the project's own pool; _judging.py says how contenders are judged.
Printed: means with 95 % bootstrap intervals over data sets.
"""

import argparse
from pathlib import Path

import numpy as np
from _judging import cases, judge, report
from tqdm import tqdm

import rankers
from gamac_meta import recommend_measure
from gamac_meta.types import Dataset

MOST_POINTS = 2000


def draw(path, case, labels, name):
    """Labels, what the recommended measure ranks first, what silhouette does, and the best there is."""
    import matplotlib as mpl

    mpl.use("Agg")
    from gamac_meta.plots import plot_partitions

    from_points = recommend_measure(case.data.X, model=case.model).best
    given = recommend_measure(case.data.X, partitions=case.candidates, model=case.model).best
    picks = {
        f"{from_points} (from X)": case.by(from_points).argmax(),
        f"{given} (given)": case.by(given).argmax(),
        "silhouette": case.by("silhouette").argmax(),
        "best of 15": case.target.argmax(),
    }
    shown = np.vstack([labels[None, :], case.candidates.labels[list(picks.values())]])
    titles = [name, *(f"{title}\nARI {case.target[row]:.2f}" for title, row in picks.items())]
    plot_partitions(case.data.X, shown, titles, columns=5).savefig(path / f"{name}.png", dpi=70)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--pictures", type=Path)
    parser.add_argument("--model", type=Path)
    options = parser.parse_args()
    model = rankers.load(options.model)
    archive = np.load(options.archive)
    names = sorted({key.split("/")[0] for key in archive.files})
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    judged = []
    for seed, name in enumerate(tqdm(names)):
        X, labels = archive[f"{name}/X"], archive[f"{name}/labels"]
        rows = np.random.default_rng(seed).permutation(len(X))[:MOST_POINTS]
        ((case, whole),) = cases(Dataset(X[rows].astype(np.float64)), labels[rows], seed, model)
        judged.append(judge(case, whole))
        if options.pictures:
            draw(options.pictures, case, labels[rows], name)
    print(f"{len(names)} labelled data sets, 15 candidates each, model {model.name}")
    print(report(judged, case.table.measures))


if __name__ == "__main__":
    main()
