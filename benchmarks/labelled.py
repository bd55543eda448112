"""How the recommender does on labelled two-dimensional data that it was never trained on.

    python benchmarks/labelled.py labelled-2d.npz [--pictures DIR] [--model DIR]

The archive holds NAME/X and NAME/labels (-1 is noise); at most 2000 points are taken. For each data
set, 15 candidates come from
the project's own pool; the target is their agreement with the labels (adjusted Rand index over the
points that are not noise), and a measure is right as far as its order of the candidates agrees with
the target's (Kendall tau). Printed: means with 95 % bootstrap intervals over data sets.
"""

import argparse
from pathlib import Path

import numpy as np
from sklearn.metrics import adjusted_rand_score
from tqdm import tqdm

import rankers
from corpus.candidates import partition
from gamac_meta import MEASURES, evaluate, recommend_measure
from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Dataset
from rankers.metrics import bootstrap_mean

MOST_POINTS = 2000


def judge(X, labels, seed, model):
    """The candidates, their target, their table and the two recommendations."""
    data = Dataset(X.astype(np.float64))
    candidates = partition(data, seed)
    known = labels >= 0
    target = np.array([adjusted_rand_score(labels[known], row[known]) for row in candidates.labels])
    table = evaluate(data, candidates)
    advice = {
        "from X": recommend_measure(data.X, model=model),
        "candidates given": recommend_measure(data.X, partitions=candidates, model=model),
    }
    return candidates, target, table, advice


def draw(path, X, labels, name, candidates, target, table, advice):
    """Labels, what the recommended measure ranks first, what silhouette does, and the best there is."""
    import matplotlib as mpl

    mpl.use("Agg")
    from gamac_meta.plots import plot_partitions

    ranks = dict(zip(table.measures, table.ranks().T, strict=True))
    picks = {
        f"{advice['from X'].best} (from X)": ranks[advice["from X"].best].argmin(),
        f"{advice['candidates given'].best} (given)": ranks[advice["candidates given"].best].argmin(),
        "silhouette": ranks["silhouette"].argmin(),
        "best of 15": target.argmax(),
    }
    shown = np.vstack([labels[None, :], candidates.labels[list(picks.values())]])
    titles = [name, *(f"{title}\nARI {target[row]:.2f}" for title, row in picks.items())]
    plot_partitions(X, shown, titles, columns=5).savefig(path / f"{name}.png", dpi=70)


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
    taus, regrets = [], []
    for seed, name in enumerate(tqdm(names)):
        X, labels = archive[f"{name}/X"], archive[f"{name}/labels"]
        rows = np.random.default_rng(seed).permutation(len(X))[:MOST_POINTS]
        X, labels = X[rows], labels[rows]
        candidates, target, table, advice = judge(X, labels, seed, model)
        ranks = table.ranks()
        tau = kendall_tau(-ranks, target[:, None])[:, 0]
        best_ari = [target[column == column.min()].mean() for column in ranks.T]
        chosen = {key: table.measures.index(value.best) for key, value in advice.items()}
        chosen["silhouette"] = table.measures.index("silhouette")
        row = {key: tau[index] for key, index in chosen.items()}
        row |= {"random": tau.mean(), "virtual best": tau.max(), "per measure": tau}
        row["Borda"] = kendall_tau(-ranks.mean(axis=1)[:, None], target[:, None])[0, 0]
        taus.append(row)
        regrets.append({key: target.max() - best_ari[index] for key, index in chosen.items()})
        if options.pictures:
            draw(options.pictures, X, labels, name, candidates, target, table, advice)
    per_measure = np.array([row.pop("per measure") for row in taus])
    best = int(per_measure.mean(axis=0).argmax())
    print(f"{len(names)} labelled data sets, Kendall tau of 15 candidates' order with their ARI")
    for key in taus[0]:
        print(f"{key:32s} {bootstrap_mean(np.array([row[key] for row in taus]))}")
    print(f"{'best single, in hindsight':32s} {bootstrap_mean(per_measure[:, best])}  ({list(MEASURES)[best]})")
    print("ARI behind the best candidate (top-1 regret)")
    for key in regrets[0]:
        print(f"{key:32s} {bootstrap_mean(np.array([row[key] for row in regrets]))}")


if __name__ == "__main__":
    main()
