"""How far a recommender that learned from two-dimensional data carries in more dimensions.

    python benchmarks/tables.py [--model DIR] [--draws 4] [--only real|made]

First, real tables with known classes, every column to unit variance but for the pixels of digits.
Classes are not clusters: where no candidate comes near them, nobody can choose well. Second, made
data of 3 to 200 columns with known clusters, by shape and by number of columns. At most 1000 points
are taken; each data set is judged on several choices of 15 candidates, as _judging.py says.

A model whose corpus holds views of these tables has seen the points of the first part, though in two
dimensions; the second part is new to any model.
"""

import argparse
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from _judging import cases, judge, listed, mean_of, report
from sklearn import datasets
from tqdm import tqdm

import rankers
from gamac_meta import MEASURES
from gamac_meta.inputs import prepare

MOST_POINTS = 1000
PENGUINS = Path(__file__).parent.parent / "examples"
WIDTHS = (3, 6, 12, 25, 50, 100, 200)


def real() -> Iterator[tuple[str, np.ndarray, np.ndarray, str]]:
    """Name, points, classes and scale of each table."""
    import pandas as pd

    for name in ("iris", "wine", "breast_cancer"):
        table = getattr(datasets, f"load_{name}")()
        yield name, table.data, table.target, "standard"
    penguins = pd.read_csv(PENGUINS / "penguins.csv")
    species = pd.read_csv(PENGUINS / "penguins-species.csv")["species"]
    whole = penguins.notna().all(axis=1)
    yield "penguins", penguins[whole].to_numpy(), species[whole].astype("category").cat.codes.to_numpy(), "standard"
    digits = datasets.load_digits()
    for name, kept in (
        ("digits", range(10)),
        ("digits 0 to 4", range(5)),
        ("digits 0, 1, 6", (0, 1, 6)),
        ("digits 3, 5, 8, 9", (3, 5, 8, 9)),
    ):
        rows = np.isin(digits.target, list(kept))
        yield name, digits.data[rows], digits.target[rows], "common"


def round_clouds(d, k, sizes, rng):
    return [center + rng.normal(size=(n, d)) for center, n in zip(_centers(d, k, 4.0, rng), sizes, strict=True)]


def stretched_clouds(d, k, sizes, rng):
    """Each with axes of its own."""
    return [
        center + rng.normal(size=(n, d)) * np.exp(rng.uniform(-1.2, 1.2, size=d)) @ _turn(d, rng)
        for center, n in zip(_centers(d, k, 6.0, rng), sizes, strict=True)
    ]


def unequal_clouds(d, k, sizes, rng):
    """Widths from one to five."""
    widths = np.geomspace(1.0, 5.0, k)
    return [
        center + width * rng.normal(size=(n, d))
        for center, width, n in zip(_centers(d, k, 8.0, rng), widths, sizes, strict=True)
    ]


def shells(d, k, sizes, rng):
    """Spheres around one center."""
    directions = [rng.normal(size=(n, d)) for n in sizes]
    return [
        (radius + 0.1 * rng.normal(size=(len(way), 1))) * way / np.linalg.norm(way, axis=1, keepdims=True)
        for radius, way in zip(1.0 + 1.5 * np.arange(k), directions, strict=True)
    ]


def few_telling_columns(d, k, sizes, rng):
    """Clusters in a third of the columns, noise in the others."""
    telling = np.arange(d) < max(2, d // 3)
    return [
        center * telling + rng.normal(size=(n, d)) for center, n in zip(_centers(d, k, 6.0, rng), sizes, strict=True)
    ]


def curves(d, k, sizes, rng):
    """Smooth closed or open curves that bend through all columns."""
    blocks = []
    for center, n in zip(_centers(d, k, 3.0, rng), sizes, strict=True):
        along = rng.uniform(0.0, rng.uniform(0.5, 1.0), size=(n, 1)) * 2.0 * np.pi
        waves = [np.concatenate([np.sin(f * along), np.cos(f * along)], axis=1) / f for f in (1, 2)]
        path = np.concatenate(waves, axis=1) @ rng.normal(size=(4, d))
        blocks.append(center + 2.0 * path + 0.1 * rng.normal(size=(n, d)))
    return blocks


SHAPES: tuple[Callable, ...] = (
    round_clouds,
    stretched_clouds,
    unequal_clouds,
    shells,
    few_telling_columns,
    curves,
)


def _centers(d, k, gap, rng):
    """(k, d) about `gap` apart, whatever d."""
    return gap * rng.normal(size=(k, d)) / np.sqrt(2.0 * d) * np.sqrt(np.minimum(d, 4))


def _turn(d, rng):
    return np.linalg.qr(rng.normal(size=(d, d)))[0]


def made() -> Iterator[tuple[str, np.ndarray, np.ndarray, str]]:
    """Every shape in every width; shells have few clusters."""
    for shape in SHAPES:
        for d in WIDTHS:
            rng = np.random.default_rng([d, SHAPES.index(shape)])
            k = int(rng.integers(2, 4 if shape is shells else 13))
            weights = rng.dirichlet(np.full(k, 3.0))
            n = int(rng.integers(300, MOST_POINTS + 1))
            sizes = np.maximum((weights * n).astype(int), 12)
            X = np.concatenate(shape(d, k, sizes, rng))
            yield f"{shape.__name__.replace('_', ' ')}, d={d}", X, np.repeat(np.arange(k), sizes), "common"


def judged_all(tables, model, draws):
    """Name -> Judged."""
    found = {}
    for seed, (name, X, labels, scale) in enumerate(tqdm(list(tables))):
        rows = np.random.default_rng(seed).permutation(len(X))[:MOST_POINTS]
        with warnings.catch_warnings():
            # columns of one value and of uneven spread are part of these tables
            warnings.simplefilter("ignore", UserWarning)
            data = prepare(X[rows], scale, name).data
            found[name] = mean_of([judge(*pair) for pair in cases(data, labels[rows], seed, model, draws)])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--only", choices=("real", "made"))
    options = parser.parse_args()
    model = rankers.load(options.model)
    measures = tuple(MEASURES)
    print(f"model {model.name}; each data set is the mean of {options.draws} choices of 15 candidates")
    if options.only != "made":
        found = judged_all(real(), model, options.draws)
        print(f"\n{len(found)} real tables, tau and regret by table\n{listed(found)}")
        learned_from = model.card["corpus"]["tables"]
        unseen = {name: each for name, each in found.items() if name.split()[0] not in learned_from}
        print(f"{len(unseen)} tables of which the model has seen no views\n{report(list(unseen.values()), measures)}")
    if options.only != "real":
        found = judged_all(made(), model, options.draws)
        print(f"\n{len(found)} made data sets\n{report(list(found.values()), measures)}")
        parts = {shape.__name__.replace("_", " "): shape.__name__.replace("_", " ") + "," for shape in SHAPES}
        groups = {
            part: [each for name, each in found.items() if name.startswith(start)] for part, start in parts.items()
        }
        groups |= {f"d={d}": [each for name, each in found.items() if name.endswith(f" d={d}")] for d in WIDTHS}
        print(
            f"\nmade data sets, tau and regret by shape and width\n{listed({n: mean_of(g) for n, g in groups.items()})}"
        )


if __name__ == "__main__":
    main()
