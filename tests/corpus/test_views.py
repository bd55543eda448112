"""Views of real tables: the same for a seed, with classes only where they can be seen."""

import subprocess
import sys

import numpy as np
import pytest

from corpus.generators import MODIFIERS, Recipe, draw_recipe, families, generate, views
from corpus.generators._tables import TABLES, table

METHODS = families("views")
FIRST = 100_000
SEED = 3


@pytest.fixture(scope="module")
def samples():
    """A round of views, a method each: (recipe, sample)."""
    recipes = [draw_recipe(index, SEED) for index in range(FIRST, FIRST + len(METHODS))]
    return [(recipe, generate(recipe)) for recipe in recipes]


def view(family, seed=0, **params):
    """A view of the whole of a table, with standard columns."""
    none = {name: value for name, (_, _, value) in MODIFIERS.items()}
    whole = {"k": 10, "columns": 1.0, "scaling": "standard", "n": 1000}
    return generate(Recipe(family, seed, tuple((none | whole | params).items())))


def test_the_methods_people_use_are_there(samples):
    assert METHODS == ["lle_views", "mds_views", "pca_views", "spectral_views", "tsne_views", "umap_views"]
    assert {recipe.family for recipe, _ in samples} == set(METHODS)


def test_another_process_makes_the_same_views(samples):
    code = (
        "from corpus.generators import draw_recipe, generate\n"
        f"for i in range({FIRST}, {FIRST + len(METHODS)}): print(generate(draw_recipe(i, {SEED})).data.fingerprint)"
    )
    # one thread there and as many as there are here: sums must not depend on it
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PATH": ""},
    )
    assert done.stdout.split() == [sample.data.fingerprint for _, sample in samples]


def test_tables_kept_for_examination_are_not_learned_from():
    assert not {"iris", "wine", "breast_cancer", "penguins"} & set(TABLES)


def test_a_view_knows_its_table(samples):
    for recipe, sample in samples:
        assert sample.base == dict(recipe.params)["table"]
        assert (sample.family, sample.group) == (recipe.family, "views")
        assert sample.data.X.shape[1] == 2
        assert views.FEWEST_ROWS <= sample.data.n <= dict(recipe.params)["n"]
        assert np.isfinite(sample.data.X).all()


@pytest.mark.parametrize("name", list(TABLES))
def test_every_table_is_whole(name):
    found = table(name)
    assert found.X.ndim == 2
    assert found.X.shape[0] >= 150
    assert found.X.shape[1] >= 3
    assert np.isfinite(found.X).all()
    assert found.classes.shape == (len(found.X),)
    assert set(found.classes.tolist()) == set(range(found.classes.max() + 1))
    assert np.count_nonzero(np.ptp(found.X, axis=0)) >= 3


def test_classes_that_are_seen_are_the_labels():
    seen = view("pca_views", table="digits", first=0, k=2)
    X, labels = seen.data.X, seen.references[0]
    centers = np.stack([X[labels == label].mean(axis=0) for label in range(2)])
    assert np.ptp(centers, axis=0).max() > 2.0 * X[labels == 0].std()


def test_classes_that_are_not_seen_are_one_cluster():
    assert np.unique(view("pca_views", table="digits", first=1, k=10).references).tolist() == [0]
    assert np.unique(view("pca_views", table="diabetes", first=0).references).tolist() == [0]


def test_purity_is_one_for_clean_classes_and_zero_for_chance():
    rng = np.random.default_rng(0)
    classes = np.repeat([0, 1, 2], [200, 100, 60])
    X = rng.normal(size=(360, 2))
    assert abs(views._purity(X, classes)) < 0.1
    assert views._purity(X + 50.0 * classes[:, None], classes) == 1.0
    assert views._purity(X, np.zeros(360, dtype=int)) == 0.0


def test_fewer_classes_and_rows_are_shown_when_fewer_are_asked_for():
    few = view("pca_views", table="digits", first=0, k=2, n=150)
    assert few.data.n == 150
    assert few.references[0].max() == 1


def test_the_second_pair_of_components_has_less_variance():
    first, second = (view("pca_views", table="cars", first=place).data.X for place in (0, 1))
    # pictures are brought to one size, so the share of the larger component tells them apart
    assert first.var(axis=0).max() / first.var() != pytest.approx(second.var(axis=0).max() / second.var(), rel=0.01)


def test_majorization_lowers_stress():
    from scipy.spatial.distance import pdist

    X = table("cars").X[:, :5]
    X = (X - X.mean(axis=0)) / X.std(axis=0)

    def stress(Y):
        return np.sum((pdist(X, "cityblock") - pdist(Y)) ** 2)

    assert stress(views._majorized(X, "cityblock")) < 0.7 * stress(views._principal(X))
