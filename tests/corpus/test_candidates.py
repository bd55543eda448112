"""Candidates: valid, distinct, varied, the same for a seed, and never too few."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus import candidates
from corpus._attempts import attempts
from corpus._points import Points
from corpus.candidates import SCHEMES, choose, choose_rows, fowlkes_mallows, partition, pool
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Dataset, PartitionSet


def blobs(k, each, seed=0, d=2, scale=0.02):
    """Well separated groups on a jittered grid, and their labels."""
    rng = np.random.default_rng(seed)
    side = int(np.ceil(np.sqrt(k)))
    centers = np.zeros((k, d))
    centers[:, 0], centers[:, 1] = np.arange(k) % side, np.arange(k) // side
    centers += rng.uniform(-0.2, 0.2, size=centers.shape)
    labels = np.repeat(np.arange(k), each)
    return Dataset(centers[labels] + rng.normal(scale=scale, size=(k * each, d))), labels


def moons(n, seed=0):
    rng = np.random.default_rng(seed)
    angle = rng.uniform(0, np.pi, n)
    labels = np.arange(n) % 2
    X = np.column_stack([np.cos(angle), np.sin(angle)])
    X[labels == 1] = [1.0, 0.4] - X[labels == 1]
    return Dataset(X + rng.normal(scale=0.04, size=X.shape)), labels


def same(first, second):
    """Whether two labellings are one partition."""
    pairs = set(zip(first.tolist(), second.tolist(), strict=True))
    return len(pairs) == len(set(first.tolist())) == len(set(second.tolist()))


def assert_valid(partitions, n):
    assert partitions.n == n
    assert partitions.n_clusters.min() >= 2
    assert partitions.noise_share.max() <= 0.15
    for i in range(len(partitions)):
        for j in range(i):
            assert not same(partitions.labels[i], partitions.labels[j]), (partitions.makers[i], partitions.makers[j])


def degenerate():
    rng = np.random.default_rng(3)
    line = np.column_stack([np.linspace(0, 1, 40), np.linspace(0, 2, 40)])
    return {
        "n=30": rng.normal(size=(30, 2)),
        "n=10": rng.normal(size=(10, 2)),
        "a line": line,
        "one column": rng.normal(size=(60, 1)),
        "four places": rng.integers(0, 2, size=(80, 2)).astype(float),
        "two places": np.repeat([[0.0, 0.0], [1.0, 1.0]], [9, 1], axis=0),
        "half duplicates": np.concatenate([np.zeros((50, 2)), rng.normal(size=(50, 2))]),
        "one far outlier": np.concatenate([rng.normal(size=(60, 2)), [[1e6, 1e6]]]),
        "more columns than points": rng.normal(size=(20, 40)),
        "a lattice": np.stack(np.meshgrid(np.arange(9.0), np.arange(9.0)), axis=-1).reshape(-1, 2),
        "tiny": rng.normal(scale=1e-200, size=(40, 2)),
        "huge and shifted": rng.normal(scale=1e9, size=(40, 2)) + 1e12,
    }


DEGENERATE = degenerate()


@pytest.fixture(scope="module")
def small_pool():
    return pool(blobs(5, 40, scale=0.15)[0], seed=1)


# ---- the pool ----------------------------------------------------------------------------------


def test_the_pool_is_large_varied_and_valid(small_pool):
    assert_valid(small_pool, 200)
    assert 50 <= len(small_pool) <= 110
    assert len({maker.split("(")[0] for maker in small_pool.makers}) >= 12
    assert len(set(small_pool.n_clusters.tolist())) >= 6
    assert len(set(small_pool.makers)) == len(small_pool)


@pytest.mark.parametrize(("k", "each"), [(2, 60), (3, 60), (7, 40), (13, 25), (40, 15)])
def test_planted_blobs_are_found_whatever_their_number(k, each):
    data, truth = blobs(k, each)
    found = pool(data, seed=k)
    finders = {m.split("(")[0] for m, row in zip(found.makers, found.labels, strict=True) if same(row, truth)}
    assert finders


def test_moons_are_found_though_no_centroid_finds_them():
    data, truth = moons(400)
    found = pool(data, seed=0)
    assert any(same(row, truth) for row in found.labels)
    assert not any(
        same(row, truth) for m, row in zip(found.makers, found.labels, strict=True) if m.startswith("kmeans")
    )


def test_noise_is_kept_up_to_its_share():
    rng = np.random.default_rng(5)
    X = np.concatenate([blobs(4, 60)[0].X, rng.uniform(-1, 3, size=(20, 2))])
    shares = pool(Dataset(X), seed=0).noise_share
    assert 0 < shares.max() <= 0.15
    assert (shares == 0).any()


def test_dozens_of_clusters_are_tried():
    assert pool(blobs(36, 15)[0], seed=0).n_clusters.max() >= 30


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(10, 90), d=st.integers(1, 4), kinds=st.integers(2, 200))
def test_any_data_give_fifteen_valid_candidates(seed, n, d, kinds):
    X = np.random.default_rng(seed).integers(0, kinds, size=(n, d)).astype(float)
    X[0, 0] = -1.0  # never constant
    for scheme in SCHEMES:
        chosen = partition(Dataset(X), seed, scheme)
        assert len(chosen) == 15
        assert_valid(chosen, n)


@pytest.mark.parametrize("kind", list(DEGENERATE))
def test_degenerate_data_give_valid_candidates(kind):
    data = Dataset(DEGENERATE[kind])
    assert_valid(pool(data, seed=0), data.n)
    for scheme in SCHEMES:
        assert len(partition(data, 0, scheme)) == 15


def test_what_is_missing_is_made_by_moving_points_and_says_so():
    chosen = pool(Dataset(DEGENERATE["two places"]), seed=0, at_least=20)
    assert len(chosen) == 20
    assert any(maker.startswith("perturbed(") for maker in chosen.makers)
    assert not any("perturbed(perturbed" in maker for maker in chosen.makers)


def test_a_failing_library_costs_only_its_own_attempt(monkeypatch):
    data = blobs(3, 30, scale=0.2)[0]
    before = pool(data, seed=0)

    def breaking(points):
        for maker, thunk in attempts(points):
            yield maker, (lambda: [][0]) if maker.startswith("kmeans") else thunk

    monkeypatch.setattr(candidates, "attempts", breaking)
    after = pool(data, seed=0)
    assert any(maker.startswith("kmeans") for maker in before.makers)
    assert not any(maker.startswith("kmeans") for maker in after.makers)
    assert {m.split("(")[0] for m in before.makers} - {m.split("(")[0] for m in after.makers} == {"kmeans"}


def test_one_cluster_and_much_noise_are_left_out(monkeypatch):
    ring = np.arange(100) % 4
    rows = {
        "one": np.zeros(100, int),
        "one and noise": np.where(ring == 0, 0, -1),
        "16 noise": np.where(np.arange(100) < 16, -1, ring),
        "15 noise": np.where(np.arange(100) < 15, -1, ring),
        "renumbered": np.where(np.arange(100) < 15, -1, 3 - ring),
        "gapped": np.arange(100) % 3 * 7,
    }
    monkeypatch.setattr(candidates, "attempts", lambda _: ((m, lambda r=r: r) for m, r in rows.items()))
    found = pool(blobs(4, 25)[0], seed=0, at_least=2)
    assert found.makers == ("15 noise", "gapped")


# ---- the same for a seed -----------------------------------------------------------------------


def test_a_seed_fixes_everything_and_another_changes_it():
    data = blobs(6, 40, scale=0.2)[0]
    first, again, other = partition(data, 4), partition(data, 4), partition(data, 5)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert first.makers == again.makers
    assert first.makers != other.makers


def test_the_thread_count_changes_nothing():
    from threadpoolctl import threadpool_limits

    data = blobs(6, 100, scale=0.3)[0]
    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(pool(data, seed=2))
    np.testing.assert_array_equal(results[0].labels, results[1].labels)


def test_global_random_state_is_neither_read_nor_moved():
    data = blobs(3, 30, scale=0.2)[0]
    state = np.random.get_state()[1].copy()  # noqa: NPY002  the point of this test
    first = pool(data, seed=0)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002
    np.random.seed(1)  # noqa: NPY002
    np.testing.assert_array_equal(first.labels, pool(data, seed=0).labels)


def test_units_and_position_of_the_data_do_not_matter():
    data = blobs(4, 50, scale=0.2)[0]
    moved = Dataset(data.X * 1024.0 + 4096.0)
    first, second = pool(data, seed=3), pool(moved, seed=3)
    assert {m.split("(")[0] for m in first.makers} == {m.split("(")[0] for m in second.makers}
    shared = sum(any(same(a, b) for b in second.labels) for a in first.labels)
    assert shared >= 0.9 * len(first)


# ---- the choice --------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_choice_is_a_shuffled_subset(small_pool, scheme):
    rows = choose_rows(small_pool, scheme, seed=0)
    assert len(set(rows.tolist())) == 15
    assert rows.tolist() != sorted(rows)
    chosen = choose(small_pool, scheme, seed=0)
    assert chosen.makers == tuple(small_pool.makers[row] for row in rows)
    np.testing.assert_array_equal(chosen.labels, small_pool.labels[rows])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_row_order_tells_nothing_of_when_a_candidate_was_chosen(small_pool, scheme):
    chosen = [choose_rows(small_pool, scheme, seed).tolist() for seed in range(60)]
    often = max(range(len(small_pool)), key=lambda row: sum(row in rows for rows in chosen))
    places = np.bincount([rows.index(often) for rows in chosen if often in rows], minlength=15)
    assert places.sum() >= 15
    assert (places > 0).sum() >= 8


def test_schemes_differ_and_diverse_is_more_diverse(small_pool):
    def closest(scheme, seed):
        alike = fowlkes_mallows(choose(small_pool, scheme, seed))
        return (alike - np.eye(len(alike))).max()

    assert set(choose_rows(small_pool, "diverse", 0)) != set(choose_rows(small_pool, "random", 0))
    assert all(closest("diverse", seed) < closest("random", seed) for seed in range(5))


def test_diverse_takes_the_medoid_of_each_group():
    """Three groups of like partitions and an outlier: each gives one, and the planted medoids win."""
    rng = np.random.default_rng(0)
    centers = [np.arange(120) // 30, np.arange(120) % 3, np.arange(120) // 10]
    rows, medoids = [], []
    for center in centers:
        medoids.append(len(rows))
        rows.append(center)
        for change in range(6):
            row = center.copy()
            row[rng.choice(120, 6, replace=False)] = change % 3
            rows.append(row)
    rows.append(rng.integers(0, 40, 120))
    chosen = choose_rows(PartitionSet(np.array(rows)), "diverse", seed=0, count=4)
    assert sorted(chosen.tolist()) == [*medoids, len(rows) - 1]


def test_random_gives_every_algorithm_a_turn(small_pool):
    chosen = choose(small_pool, "random", 0)
    algorithms = [maker.split("(")[0] for maker in chosen.makers]
    assert len(set(algorithms)) == 15  # the pool has more algorithms than places
    assert len(set(np.log2(chosen.n_clusters).astype(int).tolist())) >= 3


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.integers(-1, 3), min_size=12, max_size=12), min_size=2, max_size=4))
def test_likeness_agrees_with_its_definition(rows):
    alike = fowlkes_mallows(PartitionSet(np.array(rows)))
    for i, a in enumerate(rows):
        for j, b in enumerate(rows):
            pairs = [(x, y) for x in range(12) for y in range(x)]
            in_a, in_b = ({(x, y) for x, y in pairs if r[x] == r[y]} for r in (a, b))
            if in_a and in_b:
                assert alike[i, j] == pytest.approx(len(in_a & in_b) / np.sqrt(len(in_a) * len(in_b)), abs=1e-12)


# ---- refusals ----------------------------------------------------------------------------------


def test_refusals_name_the_rule_and_the_value(small_pool):
    data = blobs(2, 10)[0]
    with pytest.raises(InvalidInputError, match="scheme must be one of diverse, random, got 'best'"):
        partition(data, 0, "best")
    with pytest.raises(InvalidInputError, match="count must be between 2 and 50, got 1"):
        partition(data, 0, count=1)
    with pytest.raises(InvalidInputError, match=r"count must be at most the 3 partitions .* got 15"):
        choose(PartitionSet(small_pool.labels[:3]), "random", 0)
    for seed in (-1, 1.5, None):
        with pytest.raises(InvalidInputError, match="seed must be a whole number >= 0"):
            pool(data, seed)
    with pytest.raises(InvalidInputError, match="at most 5000 points, got n=5001"):
        pool(Dataset(np.random.default_rng(0).random((5001, 1))), 0)


def test_clusters_are_not_sought_where_points_or_places_are_too_few():
    rng = np.random.default_rng(0)
    few_points = Points(rng.normal(size=(30, 2)), rng)
    few_places = Points(rng.normal(size=(4, 2))[np.arange(200) % 4], rng)
    assert (few_points.most, few_places.most) == (6, 4)
    assert all(2 <= k <= 6 for k in few_points.some_k(5))
    assert all(2 <= k <= 4 for k in few_places.some_k(5))


def test_another_process_finds_the_same_eigenvectors_of_a_graph_in_pieces():
    # 978 of seed 0 falls into pieces: without ties between them every process had eigenvectors of its own
    code = (
        "import numpy as np, sys\n"
        "from threadpoolctl import threadpool_limits\n"
        "from corpus._points import Points\n"
        "from corpus.generators import draw_recipe, generate\n"
        "moved = np.zeros(int(sys.argv[1]))\n"
        "X = generate(draw_recipe(978, 0)).data.X\n"
        "with threadpool_limits(1):\n"
        "    found = Points(X, np.random.default_rng(0)).embedding\n"
        "print(np.round(found, 6).sum(axis=0).tolist())"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code, size], capture_output=True, text=True, check=True).stdout
        for size in ("10", "70001")
    ]
    assert runs[0] == runs[1]
