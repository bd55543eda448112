"""Generated data: made again bit for bit, balanced, within the promised ranges, with references that fit."""

import hashlib
import json
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.generators import (
    COLLECTIONS,
    GENERATORS,
    MODIFIERS,
    Recipe,
    collection_of,
    draw_recipe,
    families,
    generate,
    generator,
)
from corpus.generators._references import coarser_references
from corpus.generators._registry import Real, Whole
from gamac_meta.exceptions import InvalidInputError, UnknownNameError
from gamac_meta.types import NOISE

PLANE = families("plane")
FAMILIES = len(PLANE)
SEED = 20


@pytest.fixture(scope="module")
def samples():
    """Three rounds of a corpus: (recipe, sample) by index."""
    recipes = [draw_recipe(index, SEED) for index in range(3 * FAMILIES)]
    return [(recipe, generate(recipe)) for recipe in recipes]


def plain(family, seed=0, **params):
    """A recipe of a family without modifiers, its own parameters in the middle of their ranges."""
    middle = {name: type(p.low)((p.low + p.high) / 2) for name, p in GENERATORS[family].parameters.items()}
    none = {name: value for name, (_, _, value) in MODIFIERS.items()}
    return Recipe(family, seed, tuple((middle | none | {"n": 600} | params).items()))


def test_families_and_groups_are_many_and_even():
    groups = Counter(GENERATORS[name].group for name in PLANE)
    assert FAMILIES >= 26
    assert len(groups) >= 13
    assert max(groups.values()) == min(groups.values())
    wanted = (
        "gaussians elongated hierarchies arcs rings spirals lines curves areas grids nested densities bridges tails "
        "walks warped projections mixtures structureless"
    )
    assert set(wanted.split()) <= groups.keys()


@settings(max_examples=20, deadline=None)
@given(index=st.integers(0, 5000), seed=st.integers(0, 2**32))
def test_a_recipe_makes_the_same_data_again(index, seed):
    recipe = draw_recipe(index, seed)
    first, second = generate(recipe), generate(Recipe.from_json(recipe.to_json()))
    assert first.data.X.tobytes() == second.data.X.tobytes()
    assert first.references.tobytes() == second.references.tobytes()
    assert Recipe.from_json(first.data.origin) == recipe == draw_recipe(index, seed)


def test_another_process_makes_the_same_data(samples):
    code = (
        "import sys; from corpus.generators import draw_recipe, generate\n"
        f"for i in range({FAMILIES}): print(generate(draw_recipe(i, {SEED})).data.fingerprint)"
    )
    # one thread there and as many as there are here: sums must not depend on it
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PATH": ""},
    )
    assert done.stdout.split() == [sample.data.fingerprint for _, sample in samples[:FAMILIES]]


def test_no_two_data_sets_are_alike(samples):
    assert len({sample.data.fingerprint for _, sample in samples}) == len(samples)
    assert generate(draw_recipe(0, 1)).data.fingerprint != generate(draw_recipe(0, 2)).data.fingerprint


def test_generating_leaves_global_randomness_alone():
    np.random.seed(3)  # noqa: NPY002 - the global state is what is tested
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    generate(draw_recipe(7, 0))
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


@pytest.mark.parametrize("length", [1, 33, FAMILIES, FAMILIES + 7, 3 * FAMILIES - 1])
def test_any_prefix_is_balanced(length):
    counts = Counter(dict.fromkeys(PLANE, 0))
    counts.update(draw_recipe(index, 5).family for index in range(length))
    assert max(counts.values()) - min(counts.values()) <= 1


def test_rounds_come_in_different_orders():
    rounds = [[draw_recipe(cycle * FAMILIES + i, 0).family for i in range(FAMILIES)] for cycle in range(2)]
    assert sorted(rounds[0]) == sorted(rounds[1])
    assert rounds[0] != rounds[1]


def test_points_and_clusters_are_in_range(samples):
    for recipe, sample in samples:
        params = dict(recipe.params)
        X, labels = sample.data.X, sample.references[0]
        sizes = np.bincount(labels[labels != NOISE])
        assert X.shape == (params["n"], 2)
        assert 150 <= params["n"] <= 1500
        assert np.isfinite(X).all()
        assert sizes.size == params["k"]
        assert 1 <= sizes.size <= 50
        assert sizes.min() >= 8, recipe
        assert (labels == NOISE).mean() < 0.3


def test_cluster_numbers_spread_widely():
    drawn = np.array([dict(draw_recipe(index, 0).params)["k"] for index in range(10 * FAMILIES)])
    assert drawn.min() == 1
    assert drawn.max() >= 45
    # crowds are more than a curiosity, and pictures a person takes in at once are still the rule
    assert np.mean(drawn >= 30) > 0.02
    assert np.mean(drawn <= 10) > 0.6


def test_references_are_labellings_that_coarsen_the_first(samples):
    for recipe, sample in samples:
        rows = sample.references
        assert rows.dtype == np.int32
        assert rows.shape[1] == sample.data.n
        assert sample.family == recipe.family
        assert sample.group == GENERATORS[recipe.family].group
        assert sample.data.name == f"{recipe.family}-{recipe.number:04d}"
        for row in rows:
            used = np.unique(row)
            assert set(used) - {NOISE} == set(range(used.max() + 1))
        for row in rows[1:]:
            assert row.max() < rows[0].max()
            assert np.array_equal(row == NOISE, rows[0] == NOISE)
            # each finest cluster lies in one coarser cluster
            assert len({*zip(rows[0], row, strict=True)}) == len(np.unique(rows[0]))
        assert len({row.tobytes() for row in rows}) == len(rows)


def test_hierarchies_have_references_at_several_granularities():
    sample = generate(plain("three_levels", k=24, n=900))
    counts = {int(row.max()) + 1 for row in sample.references}
    assert len(counts) >= 3
    assert 24 in counts


def test_the_finest_labelling_is_seen_in_easy_data():
    """Where clouds lie far apart, each point's nearest neighbors share its label; a shuffle of labels would fail."""
    sample = generate(plain("isotropic_gaussians", k=6, gap=0.7))
    X, labels = sample.data.X, sample.references[0]
    distances = np.linalg.norm(X[:, None] - X[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    assert np.mean(labels[distances.argmin(axis=1)] == labels) > 0.99


def test_clusters_no_one_can_tell_apart_are_merged():
    rng = np.random.default_rng(0)
    X = np.concatenate([rng.normal(size=(200, 2)), rng.normal(size=(100, 2)) + 20.0])
    labels = np.repeat([0, 1, 2], 100).astype(np.int32)  # 0 and 1 halve one cloud at random
    labels[:200] = rng.permutation(labels[:200])
    merged = coarser_references(X, labels, ())
    assert [row.max() for row in merged] == [1]
    assert len(np.unique(merged[0][:200])) == 1


def test_near_clusters_are_grouped_only_if_a_gap_stands_out():
    rng = np.random.default_rng(1)
    near = [place + 0.2 * rng.uniform(size=(60, 2)) for place in ([0, 0], [1, 0], [0, 1])]
    labels = np.repeat([0, 1, 2], 60).astype(np.int32)
    assert coarser_references(np.concatenate(near), labels, ()) == []
    far = np.concatenate([*near, 9.0 + 0.2 * rng.uniform(size=(60, 2)), [[30.0, 0.0]]])
    (grouped,) = coarser_references(far, np.append(np.repeat([0, 1, 2, 3], 60), NOISE).astype(np.int32), ())
    assert np.array_equal(grouped, np.append(np.repeat([0, 0, 0, 1], 60), NOISE))


def test_structureless_data_are_one_cluster():
    for name, member in GENERATORS.items():
        if member.group == "structureless":
            assert not generate(plain(name)).references.any()


def test_row_order_says_nothing_of_clusters(samples):
    for _, sample in samples[:40]:
        labels = sample.references[0]
        if labels.max() == 0:
            continue
        half = labels[: len(labels) // 2]
        assert len(np.unique(half[half >= 0])) > 1


class TestModifiers:
    """Each one planted alone does what it says, and a corpus holds each about as often as promised."""

    def test_each_occurs_as_often_as_promised(self):
        drawn = [dict(draw_recipe(index, 3).params) for index in range(1000)]
        for name, (share, parameter, none) in MODIFIERS.items():
            values = [params[name] for params in drawn]
            assert np.mean([value != none for value in values]) == pytest.approx(share, abs=0.06), name
            assert all(value == none or parameter.holds(value) for value in values), name

    def test_noise_adds_points_of_no_cluster(self):
        labels = generate(plain("isotropic_gaussians", noise=0.1)).references[0]
        assert 0.04 < np.mean(labels == NOISE) <= 0.1
        assert NOISE not in generate(plain("isotropic_gaussians")).references

    def test_duplicates_repeat_points_with_their_labels(self):
        sample = generate(plain("isotropic_gaussians", duplicates=0.25))
        distinct, owner = np.unique(sample.data.X, axis=0, return_inverse=True)
        assert len(distinct) == 450
        assert len({*zip(owner.ravel(), sample.references[0], strict=True)}) == 450

    def test_imbalance_makes_sizes_differ_by_the_given_ratio(self):
        sizes = np.bincount(generate(plain("isotropic_gaussians", k=4, n=1500, imbalance=10.0)).references[0])
        assert 5.0 < sizes.max() / sizes.min() <= 10.0
        even = np.bincount(generate(plain("isotropic_gaussians", k=4)).references[0])
        assert even.max() - even.min() <= 1

    def test_rounding_leaves_few_different_coordinates(self):
        X = generate(plain("single_cloud", rounding=40)).data.X
        assert len(np.unique(np.round(X[:, 0] - X[:, 0].min(), 9))) <= 41

    def test_stretch_makes_a_round_cloud_long(self):
        def longest_over_shortest(stretch):
            X = generate(plain("single_cloud", n=1500, ratio=1.0, tail=30.0, turn=1.0, stretch=stretch)).data.X
            axes = np.linalg.eigvalsh(np.cov(X.T))
            return np.sqrt(axes[1] / axes[0])

        assert longest_over_shortest(1.0) == pytest.approx(1.0, abs=0.1)
        assert longest_over_shortest(3.0) == pytest.approx(3.0, rel=0.1)

    def test_turn_and_scale_are_similarities(self):
        still = generate(plain("moons")).data.X
        moved = generate(plain("moons", turn=2.0, scale=100.0)).data.X
        first, second = (np.linalg.norm(X[:50, None] - X[None, :50], axis=2) for X in (still, moved))
        np.testing.assert_allclose(second, 100.0 * first, rtol=1e-9, atol=1e-9)
        assert not np.allclose(moved - moved.mean(axis=0), 100.0 * (still - still.mean(axis=0)), atol=1.0)


class TestRefusals:
    def test_unknown_family_is_refused_with_a_suggestion(self):
        with pytest.raises(UnknownNameError, match="unknown generator 'moon'; did you mean 'moons'"):
            generate(Recipe("moon", 0, ()))

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            ({"k": 3}, "k of 'moons' must be a whole number from 2 to 2, got 3"),
            ({"width": 7.0}, r"width of 'moons' must be a number from 0\.02 to 0\.16, got 7\.0"),
            ({"width": "wide"}, r"width of 'moons' must be a number from 0\.02 to 0\.16, got 'wide'"),
            ({"n": 20}, "n of 'moons' must be a whole number from 150 to"),
            ({"noise": 0.9}, r"noise of 'moons' must be a number from 0\.01 to 0\.15, got 0\.9"),
            ({"color": 1}, r"lacks parameter\(s\) \[\] or has unknown \['color'\]"),
        ],
    )
    def test_parameters_out_of_range_are_refused(self, change, message):
        with pytest.raises(InvalidInputError, match=message):
            generate(plain("moons", **change))

    def test_missing_parameters_are_named(self):
        with pytest.raises(InvalidInputError, match=r"lacks parameter\(s\) \['across'"):
            generate(Recipe("moons", 0, (("n", 200), ("k", 2))))

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("{", "a recipe must be JSON"),
            ("[1]", "must be a JSON object with family, seed and params"),
            ('{"family": "moons", "seed": 1}', "must be a JSON object with family, seed and params"),
            ('{"family": "moons", "seed": -1, "params": {}}', "seed and number must be integers >= 0, got -1"),
            ('{"family": "moons", "seed": 1, "params": {"n": [1]}}', "must map names to numbers or words"),
            ('{"family": "moons", "seed": 1, "params": {"n": NaN}}', "must map names to numbers"),
        ],
    )
    def test_broken_json_is_refused(self, text, message):
        with pytest.raises(InvalidInputError, match=message):
            Recipe.from_json(text)

    def test_negative_index_or_seed_is_refused(self):
        with pytest.raises(InvalidInputError, match="index and seed must be >= 0, got -1 and 0"):
            draw_recipe(-1, 0)

    def test_a_family_must_be_documented_and_have_ranges_of_its_own(self):
        def undocumented(rng, sizes):
            return []

        def family(rng, sizes, *, width):
            """Documented."""

        with pytest.raises(TypeError, match="no docstring"):
            generator("arcs", k=Whole(1, 2))(undocumented)
        with pytest.raises(TypeError, match=r"takes \['k', 'width'\] but has ranges for \['k'\]"):
            generator("arcs", k=Whole(1, 2))(family)

        def shadowing(rng, sizes, *, noise):
            """Documented."""

        with pytest.raises(TypeError, match=r"gives another meaning to \['noise'\]"):
            generator("arcs", k=Whole(1, 2), noise=Real(0.0, 1.0))(shadowing)
        assert len(families("plane")) == FAMILIES


def test_recipes_are_plain_json():
    recipe = draw_recipe(11, 0)
    content = json.loads(recipe.to_json())
    assert content["family"] == recipe.family
    assert all(type(value) in (int, float) for value in content["params"].values())
    assert hash(recipe) == hash(Recipe.from_json(recipe.to_json()))


class TestCollections:
    """Each has indices and families of its own, and what one gets says nothing to the others."""

    def test_the_index_tells_the_collection(self):
        for collection in COLLECTIONS.values():
            assert collection_of(collection.start) == collection
            assert collection_of(collection.start + 99_999) == collection
            assert GENERATORS[draw_recipe(collection.start, 7).family].collection == collection.name
        assert [collection.start for collection in COLLECTIONS.values()] == list(range(0, 600_000, 100_000))
        with pytest.raises(InvalidInputError, match="index must be from 0 to 599999, got 600000"):
            draw_recipe(600_000, 0)

    def test_families_and_groups_are_of_one_collection(self):
        assert sorted(name for collection in COLLECTIONS for name in families(collection)) == sorted(GENERATORS)
        groups = [{GENERATORS[name].group for name in families(collection)} for collection in COLLECTIONS]
        assert len(set.union(*groups)) == sum(map(len, groups))

    @pytest.mark.parametrize("name", list(COLLECTIONS))
    def test_any_prefix_is_balanced(self, name):
        counts = Counter(dict.fromkeys(families(name), 0))
        counts.update(draw_recipe(COLLECTIONS[name].start + index, 5).family for index in range(50))
        assert max(counts.values()) - min(counts.values()) <= 1

    def test_the_plane_keeps_its_recipes(self):
        # of the corpus that the first models were trained on; figures compare only while these stay
        lines = "".join(draw_recipe(index, 0).to_json() for index in range(1000))
        assert hashlib.sha1(lines.encode()).hexdigest() == "69cff5e505f106df1befb4e353e09aa20f2cd3b8"

    def test_points_in_space(self):
        dims = set()
        for index in range(200_000, 200_040):
            recipe = draw_recipe(index, SEED)
            params, sample = dict(recipe.params), generate(recipe)
            assert sample.data.X.shape == (params["n"], params["dims"])
            assert np.bincount(sample.references[0][sample.references[0] != NOISE]).size == params["k"]
            assert (params["turn"], params["stretch"], params["rounding"]) == (0.0, 1.0, 0)
            assert sample.base == recipe.family
            dims.add(params["dims"])
        assert min(dims) <= 5
        assert max(dims) >= 32

    def test_tilted_clouds_have_directions_of_their_own(self):
        params = {"k": 1, "dims": 5, "apart": 9.0, "unequal": 9.0, "n": 900}
        none = {name: value for name, (_, _, value) in MODIFIERS.items()}
        X = generate(Recipe("tilted_clouds", 1, tuple((none | params).items()))).data.X
        covariance = np.cov(X.T)
        assert np.abs(np.corrcoef(X.T) - np.eye(5)).max() > 0.1
        assert 2.0 < np.sqrt(np.linalg.cond(covariance)) <= 9.5

    @pytest.mark.parametrize("name", families("overlaps"))
    def test_overlapping_clouds_are_as_near_as_asked_and_run_into_one_another(self, name):
        params = {"k": 4, "dims": 3, "apart": 2.5, "unequal": 1.0, "freedom": 8.0}
        member = GENERATORS[name]
        known = {each: params[each] for each in member.parameters}
        blocks = member.make(np.random.default_rng(3), [20_000] * 4, known).blocks
        centers = np.array([block.mean(axis=0) for block in blocks])
        apart = np.linalg.norm(centers[:, None] - centers[None], axis=2)[np.triu_indices(4, k=1)]
        assert apart.min() == pytest.approx(2.5, abs=0.06)
        tails = 8.0 / 6.0 if "freedom" in known else 1.0  # Student's variance
        for block in blocks:
            np.testing.assert_allclose(np.cov(block.T), tails * np.eye(3), atol=0.1)
        # of the two nearest, some points lie beyond the middle, on the other's side
        a, b = (place[apart.argmin()] for place in np.triu_indices(4, k=1))
        along = (blocks[a] - centers[b]) @ (centers[a] - centers[b]) / 2.5**2
        assert 0.02 < np.mean(along < 0.5) < 0.2

    def test_overlaps_are_of_two_columns_and_of_many(self):
        dims = []
        for index in range(500_000, 500_040):
            recipe = draw_recipe(index, SEED)
            params, sample = dict(recipe.params), generate(recipe)
            assert sample.data.X.shape == (params["n"], params["dims"])
            assert np.bincount(sample.references[0][sample.references[0] != NOISE]).size == params["k"] >= 2
            dims.append(params["dims"])
        assert min(dims) == 2
        assert max(dims) >= 16

    def test_heavy_noise_is_heavy(self):
        shares = []
        for index in range(300_000, 300_040):
            recipe = draw_recipe(index, SEED)
            noise = dict(recipe.params)["noise"]
            assert 0.15 <= noise <= 0.5
            sample = generate(recipe)
            assert (sample.references[0] == NOISE).mean() <= 0.5
            shares.append((sample.references[0] == NOISE).mean() / noise)
        # what falls among a cluster's points cannot be told from them
        assert np.median(shares) > 0.7

    def test_modifiers_of_other_collections_are_refused(self):
        recipe = draw_recipe(100_000, 0)
        params = {**dict(recipe.params), "noise": 0.1}
        with pytest.raises(
            InvalidInputError, match="noise of 'spectral_views' must be a whole number from 0 to 0, got"
        ):
            generate(Recipe(recipe.family, 0, tuple(params.items())))
        params = {**dict(recipe.params), "table": "irises"}
        with pytest.raises(
            InvalidInputError, match=r"table of 'spectral_views' must be one of digits, diabetes, .*'irises'"
        ):
            generate(Recipe(recipe.family, 0, tuple(params.items())))
