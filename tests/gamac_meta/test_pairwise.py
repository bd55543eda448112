"""The tile pass against brute force, and its independence of how it is walked."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist, pdist, squareform
from strategies import clusterings

from gamac_meta import concordance, farthest, pair_pass, pairwise
from gamac_meta._kernels import concordance as bins
from gamac_meta._kernels import pairs, trees
from gamac_meta.clustered_points import PIECE
from gamac_meta.farthest import ClusterHulls
from gamac_meta.measures import MEASURES
from gamac_meta.pair_pass import PairPass
from gamac_meta.pairwise import STATISTIC_COSTS, PartitionView, views
from gamac_meta.points import SharedPoints

few = settings(max_examples=20, deadline=None)


def blocks(X, labels):
    return [X[labels == c] for c in range(labels.max() + 1)]


@few
@given(data=clusterings(distinct=False))
def test_folds_are_those_of_the_distance_matrix(data):
    X, labels = data
    view = PartitionView(X, labels)
    groups = blocks(X, labels)
    for a, first in enumerate(groups):
        for b, second in enumerate(groups):
            distances = cdist(first, second)
            assert view.pair_sums[a, b] == pytest.approx(distances.sum())
            if a == b:
                assert view.diameters[a] == pytest.approx(distances.max())
                outside = cdist(X[labels != a], first)
                assert view.cover[a] == pytest.approx(outside.max(axis=1).min())
            else:
                assert view.gaps[a, b] == pytest.approx(distances.min())
    assert np.all(np.isinf(np.diagonal(view.gaps)))


@few
@given(data=clusterings())
def test_points_are_in_cluster_order_about_the_origin(data):
    X, labels = data
    view = PartitionView(X, labels)
    assert np.all(np.diff(view.labels) >= 0)
    assert view.X.mean(axis=0) == pytest.approx(0.0, abs=1e-12)
    for c, block in enumerate(np.split(view.X, view.starts[1:])):
        assert len(block) == view.sizes[c]
        centered = X[labels == c] - X.mean(axis=0)
        assert np.sort(block, axis=0) == pytest.approx(np.sort(centered, axis=0))


@few
@given(data=clusterings())
def test_between_and_within_make_the_total(data):
    view = PartitionView(*data)
    assert view.within_ss.sum() + view.between_ss == pytest.approx(view.total_ss)
    assert np.trace(view.scatter_matrices.sum(axis=0)) == pytest.approx(view.within_ss.sum())


@pytest.mark.parametrize("n", [7, 60, 3 * PIECE + 1])
def test_roots_are_those_of_the_scatter_matrices(n):
    labels = np.minimum(np.arange(n), 2)  # two single points
    view = PartitionView(np.random.default_rng(n).normal(size=(n, 3)), labels)
    assert view.scatter_roots.shape == (3, 3, 3)
    assert np.swapaxes(view.scatter_roots, 1, 2) @ view.scatter_roots == pytest.approx(view.scatter_matrices)


@few
@given(data=clusterings(), seed=st.integers(0, 99), threads=st.integers(1, 3), rows=st.integers(1, 40))
def test_result_depends_on_neither_threads_nor_company(data, seed, threads, rows):
    X, labels = data
    other = np.random.default_rng(seed).permutation(np.arange(len(X)) % 4)
    together = PairPass(X, np.array([other, labels]), threads, rows)
    again = PairPass(X, np.array([other, labels]), 1, rows)
    alone = PairPass(X, labels[None, :], 1)
    for part in ("sums", "extremes"):
        for name, values in vars(getattr(together, part)).items():
            assert np.array_equal(values, getattr(getattr(again, part), name), equal_nan=True), "not even a digit"
    for part, name in (("sums", "pair_sums"), ("extremes", "pair_minima"), ("extremes", "pair_maxima")):
        cells = getattr(getattr(together, part), name)[together.corners[1] :]
        assert cells == pytest.approx(getattr(getattr(alone, part), name))
    assert together.outsider_means[1] == pytest.approx(alone.outsider_means[0])


@pytest.mark.parametrize("together", [("extremes",), ("outsider_means",), ("extremes", "outsider_means")])
def test_what_a_walk_makes_does_not_depend_on_what_else_it_makes(monkeypatch, together):
    # all distances of each point, even where sums are all there is to make
    monkeypatch.setattr(pair_pass, "SUMS_KEPT", 0)
    X, labels = large()
    made, alone = PairPass(X, labels, together=together), PairPass(X, labels, together=())
    assert made.sums.pair_sums.any()
    for part in ("sums", "extremes"):
        for name, values in vars(getattr(alone, part)).items():
            assert np.array_equal(getattr(getattr(made, part), name), values, equal_nan=True), "not even a digit"
    assert np.array_equal(made.outsider_means, alone.outsider_means, equal_nan=True), "not even a digit"


@few
@given(data=clusterings(distinct=False, noise=True), threads=st.integers(1, 3), rows=st.integers(1, 40))
def test_sums_alone_are_those_of_the_distance_matrix(data, threads, rows):
    X, labels = data
    distances = cdist(X, X)
    # another partition, which cuts the clusters of the first
    both = np.array([labels, np.arange(len(X)) % 3])
    made = PairPass(X, both, threads, rows, together=())
    again = PairPass(X, both, 1, rows, together=()).sums
    for name, values in vars(made.sums).items():
        assert np.array_equal(values, getattr(again, name), equal_nan=True), "not even a digit"
    for row, first, corner in zip(range(2), both, made.corners, strict=False):
        member = first[:, None] == np.arange(first.max() + 1)
        sums, sizes = distances @ member, member.sum(axis=0)
        assert made.sums.pair_sums[corner : made.corners[row + 1]] == pytest.approx((member.T @ sums).ravel())
        for i, own in enumerate(first):
            if own < 0:
                assert np.isnan([made.sums.own_mean[row, i], made.sums.other_mean[row, i]]).all()
                continue
            inside = sums[i, own] / (sizes[own] - 1) if sizes[own] > 1 else np.nan
            assert made.sums.own_mean[row, i] == pytest.approx(inside, nan_ok=True)
            assert made.sums.other_mean[row, i] == pytest.approx(np.delete(sums[i] / sizes, own).min())


@pytest.mark.parametrize("rows", [1, 2, 5, 64, 4000])
def test_sums_alone_are_those_of_whole_rows(monkeypatch, rows):
    X, labels = large()
    once = PairPass(X, labels, tile_rows=rows, together=()).sums
    monkeypatch.setattr(pair_pass, "SUMS_KEPT", 0)
    for name, values in vars(PairPass(X, labels, tile_rows=rows, together=()).sums).items():
        assert getattr(once, name) == pytest.approx(values, rel=1e-13, nan_ok=True), name


def test_sums_alone_measure_each_pair_once(monkeypatch):
    measured = []
    original = pairs.sum_pairs

    def counted(columns, start, stop, *rest):
        # blocks of four rows, each against what is not before it
        measured.append(sum(4 * (columns.shape[1] - i) for i in range(start, stop, 4)))
        return original(columns, start, stop, *rest)

    monkeypatch.setattr(pairs, "sum_pairs", counted)
    X, labels = large()
    assert PairPass(X, labels, together=()).sums.pair_sums.all()
    assert sum(measured) == pytest.approx(len(X) ** 2 / 2, rel=0.01)


# ---- extremes without a walk ------------------------------------------------------------------------


def shape(name, n, d):
    """(n, d) points."""
    rng = np.random.default_rng([n, d])
    if name == "ring":  # all are corners
        angles = rng.uniform(0.0, 2.0 * np.pi, n)
        return np.stack([np.cos(angles + turn) for turn in range(d)], axis=1)
    if name == "grid":  # repeated, and many on a line
        return rng.integers(0, 6, (n, d)).astype(float)
    if name == "line":  # up to rounding
        return np.outer(rng.integers(0, 50, n) * 0.1, 1.0 / np.arange(3, 3 + d)) + 1.0 / 3.0
    if name == "point":
        return np.full((n, d), 0.1)
    return rng.normal(size=(n, d))


@pytest.mark.parametrize("at_once", [farthest.PAIRS_AT_ONCE, 300])
@pytest.mark.parametrize("name", ["cloud", "ring", "grid", "line", "point"])
@pytest.mark.parametrize("d", [1, 2, 3, 8, 9, 40])
def test_extremes_that_are_searched_for_are_those_of_the_walk(monkeypatch, name, d, at_once):
    monkeypatch.setattr(farthest, "PAIRS_AT_ONCE", at_once)
    # whatever it costs
    monkeypatch.setattr(pairwise, "SEARCHED_SHARE", np.inf)
    X = shape(name, 120, d)
    rng = np.random.default_rng(d)
    labels = np.array([(X[:, 0] > 0.2) + 0, rng.integers(-1, 6, 120), np.minimum(np.arange(120), 80)])
    labels[0, :2] = 0, 1
    extremes = ("gaps", "diameters", "own_farthest", "cover")
    for row in labels:
        walked = PartitionView(X, row)
        for wanted in [*((one,) for one in extremes), extremes[:2], extremes]:
            (view,) = views(X, row[None], wanted)
            for one in wanted:
                assert getattr(view, one) == pytest.approx(getattr(walked, one), rel=1e-13, abs=1e-15), one


@pytest.mark.parametrize(
    ("kind", "d", "wanted", "partitions", "walks"),
    [
        ("cloud", 2, "cover", 2, False),
        ("cloud", 2, "own_farthest", 2, False),
        ("cloud", 3, "own_farthest", 2, True),
        ("cloud", 8, "gaps", 2, False),
        ("cloud", 9, "gaps", 1, False),
        ("cloud", 9, "gaps", 2, True),
        ("cloud", 9, "diameters", 1, False),
        ("cloud", 9, "diameters", 2, True),
        # points at the same distance from the middle: nearly every pair may be the farthest
        ("sphere", 8, "diameters", 1, True),
        ("sphere", 8, "gaps", 1, False),
        ("sphere", 200, "gaps", 1, True),
        ("sphere", 200, "diameters", 1, True),
    ],
)
def test_extremes_are_walked_for_only_where_searches_take_longer(monkeypatch, kind, d, wanted, partitions, walks):
    made = []
    original = PairPass._walk

    def walk(self, *arguments):
        made.append(arguments)
        return original(self, *arguments)

    monkeypatch.setattr(PairPass, "_walk", walk)
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, d)) * np.exp(rng.normal(size=(600, 1)))
    if kind == "sphere":
        X /= np.linalg.norm(X, axis=1)[:, None]
    labels = np.array([np.arange(600) % 3, np.arange(600) % 5])[:partitions]
    for view in views(X, labels, [wanted]):
        expected = getattr(PartitionView(X, labels[view._row], pairs=PairPass(X, labels[[view._row]])), wanted)
        made.clear()
        assert getattr(view, wanted) == pytest.approx(expected, rel=1e-13)
        assert bool(made) == (walks and view._row == 0), "one walk serves all partitions"


@pytest.mark.parametrize("name", ["cloud", "ring", "grid"])
def test_corners_are_those_of_the_convex_hull(name):
    from scipy.spatial import ConvexHull

    X, labels = shape(name, 300, 2), np.arange(300) % 3 - 1
    hulls = ClusterHulls(SharedPoints(X), labels, np.array([0, 100, 200]))
    for c, corners in enumerate(np.split(hulls.corners, hulls.edges[1:-1])):
        expected = X[labels == c][ConvexHull(X[labels == c]).vertices]
        assert np.array_equal(np.unique(corners, axis=0), np.unique(expected, axis=0))
        assert len(corners) == len(expected)


@pytest.mark.parametrize("columns", [(1e-260, 1e-80), (1e-99, 1e-250), (1e-320, 1.0), (1.0, 0.0)])
def test_hulls_withstand_columns_of_very_different_size(columns):
    rng = np.random.default_rng(0)
    X = np.stack([rng.permutation(np.arange(-20.0, 20.0)) * unit for unit in columns], axis=1)
    labels = np.arange(40) % 2
    hulls = ClusterHulls(SharedPoints(X), labels, np.array([0, 20, 40]))
    assert hulls.diameters() == pytest.approx([np.ptp(X[labels == c], axis=0).max() for c in (0, 1)], rel=1e-13)


@pytest.mark.parametrize("unit", [1e-95, 1.0, 1e95])
def test_hulls_withstand_points_on_a_line_up_to_rounding(unit):
    # by rounding some are left of it and some right
    along = np.random.default_rng(0).random(2000)
    X = unit * (np.outer(along, [1.0, 1.0 / 3.0]) + 0.1)
    labels = np.arange(2000) % 2
    hulls = ClusterHulls(SharedPoints(X), labels, np.array([0, 1000, 2000]))
    assert hulls.diameters() == pytest.approx([pdist(X[labels == c]).max() for c in (0, 1)], rel=1e-13)


def large(n=1200, seed=0):
    rng = np.random.default_rng(seed)
    labels = np.array([rng.permutation(np.arange(n) % k) for k in (2, 7)])
    labels[0, :50] = -1
    return rng.normal(size=(n, 2)) + 3.0 * rng.normal(size=(7, 2))[labels[1]], labels


@pytest.mark.parametrize("unit", [1.0, 0.1, 3.7e-5])
@pytest.mark.parametrize("d", [1, 2, 5])
def test_extreme_sums_are_those_of_sorted_distances(d, unit):
    # whole numbers: many distances are equal
    rng = np.random.default_rng(d)
    X = unit * rng.integers(0, 1024, (300, d))
    labels = np.array([rng.integers(0, k, 300) for k in (2, 3, 20)])
    labels[1, :40] = -1
    for row, sums in zip(labels, PairPass(X, labels).extreme_sums, strict=True):
        wanted = sum(size * (size - 1) // 2 for size in np.bincount(row[row >= 0]).tolist())
        distances = np.sort(pdist(X[row >= 0]))
        assert sums.smallest == pytest.approx(distances[:wanted].sum(), rel=1e-13)
        assert sums.largest == pytest.approx(distances[-wanted:].sum(), rel=1e-13)


def test_bins_of_squares_hold_the_squares_of_all_distances_searched():
    lowest = (1023 - 40) << 9
    steps = np.arange(-8, 9)
    for b in (*range(1200), bins.BINS - 1):
        searched = np.arange(bins.BINS) == b
        base, marked = bins._squares_searched(searched, lowest)
        edges = (np.array([lowest + b, lowest + b + 1]) << bins.BIN_SHIFT).view(np.float64)
        # around both edges, inside, and, where the bin takes all smaller ones, far below
        around = ((edges**2).view(np.int64)[:, None] + steps).ravel().view(np.float64)
        squares = np.append(around, [edges.prod(), edges.prod() * (1e-6 if b == 0 else 1.0)])
        found = np.maximum((np.sqrt(squares).view(np.int64) >> bins.BIN_SHIFT) - lowest, 0) == b
        places = np.maximum((squares.view(np.int64) >> bins.BIN_SHIFT) - base, 0)
        assert found[-2:].all()
        assert marked[places[found]].all(), b
        assert marked.sum() <= 4 or b == 0


def test_histograms_bracket_the_sorted_counts(monkeypatch):
    X, labels = large()
    exact = PairPass(X, labels).concordance
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 100)
    binned = PairPass(X, labels).concordance
    for truth, estimate in zip(exact, binned, strict=True):
        assert (estimate.within, estimate.between) == (truth.within, truth.between)
        comparisons = truth.within * truth.between
        assert abs(estimate.concordant - truth.concordant) < 1e-4 * comparisons
        assert abs(estimate.discordant - truth.discordant) < 1e-4 * comparisons
        low, _, high, _ = estimate.corners
        assert low.concordant <= truth.concordant <= high.concordant
        assert high.discordant <= truth.discordant <= low.discordant
        assert truth.ties <= estimate.perhaps_tied


def one_outlier(n):
    X = np.random.default_rng(0).normal(size=(n, 2)) + 3.0 * np.eye(3, 2)[np.arange(n) % 3]
    X[0] = 1e5
    return X


def cauchy(n):
    return np.random.default_rng(1).standard_cauchy(size=(n, 2)) + 5.0 * np.eye(3, 2)[np.arange(n) % 3]


@pytest.mark.parametrize("make", [one_outlier, cauchy])
def test_histograms_withstand_outliers(monkeypatch, make):
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 900)
    X, labels = make(901), np.arange(901) % 3
    gamma, c_index = (MEASURES[name](PartitionView(X, labels)) for name in ("gamma", "c_index"))
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 901)
    view = PartitionView(X, labels)
    assert gamma == pytest.approx(MEASURES["gamma"](view), abs=0.005)
    assert c_index == pytest.approx(MEASURES["c_index"](view), rel=1e-3)


def test_histograms_do_not_depend_on_threads(monkeypatch):
    monkeypatch.setattr(concordance, "EXACT_CONCORDANCE_POINTS", 100)
    X, labels = large(n=700)
    assert PairPass(X, labels, threads=1).concordance == PairPass(X, labels, threads=3).concordance


def test_distances_equal_up_to_rounding_are_ties():
    # on a grid most distances recur, and centering makes their last digits differ
    grid = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0)), axis=-1).reshape(-1, 2)
    labels = (grid[:, 0] > 2).astype(np.int32)[None, :]
    plain = PairPass(grid, labels).concordance[0]
    moved = PairPass(grid * 0.1 - 0.7, labels).concordance[0]
    assert (plain.concordant, plain.discordant, plain.ties) == (moved.concordant, moved.discordant, moved.ties)


def test_nearly_as_many_clusters_as_points_stay_affordable():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(800, 2))
    labels = np.minimum(np.arange(800), 798).astype(np.int32)[None, :]
    view = next(views(X, labels))
    assert view.k == 799
    assert np.isfinite(MEASURES["silhouette"](view))


@few
@given(data=clusterings(max_points=40, distinct=False), count=st.integers(1, 12))
def test_neighbors_are_other_points_by_distance(data, count):
    X, _ = data
    count = min(count, len(X) - 1)
    distances, indices = SharedPoints(X).neighbors(count)
    full = squareform(pdist(X))
    np.fill_diagonal(full, np.inf)
    assert indices.shape == (len(X), count)
    assert not np.any(indices == np.arange(len(X))[:, None]), "no point is its own neighbor"
    assert all(len(set(row)) == count for row in indices.tolist())
    assert distances == pytest.approx(np.sort(full, axis=1)[:, :count])
    assert np.take_along_axis(full, indices, axis=1) == pytest.approx(distances)


def test_neighbors_among_more_duplicates_than_asked_for():
    X = np.concatenate([np.zeros((30, 2)), np.ones((2, 2))])
    distances, indices = SharedPoints(X).neighbors(5)
    assert not np.any(indices == np.arange(32)[:, None])
    assert np.all(distances[:30] == 0)
    assert distances[30].tolist() == pytest.approx([0.0] + [2**0.5] * 4)


def test_neighbors_of_a_partition_with_noise_are_clustered_points():
    rng = np.random.default_rng(1)
    X, labels = rng.normal(size=(60, 2)), (np.arange(60) % 3).astype(np.int32)
    labels[::4] = -1
    keep = labels >= 0
    with_noise = PartitionView(X, labels)
    without = PartitionView(X[keep], labels[keep])
    assert np.array_equal(with_noise.neighbor_labels, without.neighbor_labels)
    assert [lengths.sum() for lengths in with_noise.tree_edges] == pytest.approx(
        [lengths.sum() for lengths in without.tree_edges]
    )


@few
@given(data=clusterings(max_points=40, distinct=False))
def test_spanning_tree_is_minimal_and_spans(data):
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    X, _ = data
    edges, lengths = trees.spanning_tree(X, np.zeros(len(X)))
    adjacency = np.zeros((len(X), len(X)))
    adjacency[edges[:, 0], edges[:, 1]] = 1
    assert connected_components(adjacency, directed=False)[0] == 1
    assert lengths == pytest.approx(np.linalg.norm(X[edges[:, 0]] - X[edges[:, 1]], axis=1))
    # scipy reads a zero as no edge; a constant added to every edge moves no tree
    reference = minimum_spanning_tree(squareform(pdist(X) + 1.0)).sum() - (len(X) - 1)
    assert lengths.sum() == pytest.approx(reference)


def grid(side, columns=2):
    return np.stack(np.meshgrid(*[np.arange(float(side))] * columns), axis=-1).reshape(-1, columns)


def several_blocks(kind):
    """Points that fill more than one block of the kernels, most of them with many equal distances."""
    rng = np.random.default_rng(3)
    return {
        "random": lambda: rng.normal(size=(400, 3)),
        "far apart": lambda: rng.normal(size=(400, 2)) + 1e3 * np.eye(4, 2)[np.arange(400) % 4],
        "duplicates": lambda: rng.integers(0, 6, size=(400, 2)).astype(float),
        "one point": lambda: np.ones((300, 2)),
        "grid": lambda: grid(18),
        "collinear": lambda: np.outer(rng.permutation(300), [1.0, 2.0]),
        "one column": lambda: rng.normal(size=(300, 1)),
        "many columns": lambda: rng.normal(size=(300, 33)),
        "many columns, bunches": lambda: 1e4 * np.eye(3, 9)[np.arange(400) % 3] + rng.normal(size=(400, 9)),
        "many columns, duplicates": lambda: rng.integers(0, 2, size=(400, 10)).astype(float),
        "many columns, outliers": lambda: rng.standard_cauchy(size=(400, 12)),
        "ten points": lambda: rng.normal(size=(10, 2)),
        "exactly two blocks": lambda: rng.normal(size=(2 * trees.BLOCK, 2)),
        "a block and a point": lambda: rng.normal(size=(trees.BLOCK + 1, 2)),
    }[kind]()


every_kind = pytest.mark.parametrize(
    "kind",
    [
        "random",
        "far apart",
        "duplicates",
        "one point",
        "grid",
        "collinear",
        "one column",
        "many columns",
        "many columns, bunches",
        "many columns, duplicates",
        "many columns, outliers",
        "ten points",
        "exactly two blocks",
        "a block and a point",
    ],
)


@every_kind
@pytest.mark.parametrize("cores", ["none", "all points"])
def test_trees_of_several_blocks_are_minimal_and_span(kind, cores):
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree

    X = several_blocks(kind)
    core = np.zeros(len(X)) if cores == "none" else trees.core_distances(X)
    edges, lengths = trees.spanning_tree(X, core)
    joined = np.zeros((len(X), len(X)))
    joined[edges[:, 0], edges[:, 1]] = 1
    assert edges.shape == (len(X) - 1, 2)
    assert connected_components(joined, directed=False)[0] == 1
    reach = np.maximum(squareform(pdist(X)), np.maximum.outer(core, core))
    assert lengths == pytest.approx(reach[edges[:, 0], edges[:, 1]], rel=1e-12)
    # scipy reads a zero as no edge; a constant added to every edge moves no tree
    reference = minimum_spanning_tree(reach + 1.0).data - 1.0
    assert np.sort(lengths) == pytest.approx(np.sort(reference), abs=1e-9)


@pytest.mark.parametrize("cores", ["none", "all points", "near points", "few values", "of one point"])
@pytest.mark.parametrize("kind", ["random", "far apart", "duplicates", "one point", "grid", "collinear", "ten points"])
def test_trees_grown_and_joined_are_least_by_reachability_and_then_by_distance(kind, cores):
    from scipy.sparse.csgraph import minimum_spanning_tree

    X = several_blocks(kind)
    n = len(X)
    distances = squareform(pdist(X))
    core = {
        "none": lambda: np.zeros(n),
        "all points": lambda: trees.core_distances(X),
        "near points": lambda: np.sort(distances)[:, 4],
        "few values": lambda: np.random.default_rng(0).integers(0, 4, n) / 2.0,
        "of one point": lambda: np.where(np.arange(n) == n // 2, 0.0, 1.0 + distances.max()),
    }[cores]()
    # places of all pairs in the order of their keys, equal up to rounding
    reach = np.maximum(distances, np.maximum.outer(core, core))
    places = np.unique(np.stack([reach, distances], axis=-1).reshape(-1, 2).round(9), axis=0, return_inverse=True)[1]
    places = places.reshape(n, n) + 1.0
    least = np.sort(minimum_spanning_tree(places).data)
    for tree in (trees._grown_tree, trees._joined_tree):
        edges, lengths = tree(trees._blocks(X), core)
        assert np.array_equal(np.sort(places[edges[:, 0], edges[:, 1]]), least)
        assert lengths == pytest.approx(reach[edges[:, 0], edges[:, 1]], rel=1e-12)
        joined = np.zeros((n, n))
        joined[edges[:, 0], edges[:, 1]] = 1.0
        assert minimum_spanning_tree(joined).nnz == n - 1


def test_trees_of_points_whose_squared_distances_overflow_are_refused():
    with pytest.raises(OverflowError, match="squared distances"):
        trees.spanning_tree(np.array([[0.0], [1e200], [3e200], [-2e200]]), np.zeros(4))


@every_kind
def test_core_distances_are_power_means_of_all_others(kind):
    X = several_blocks(kind)
    distances = squareform(pdist(X))
    np.fill_diagonal(distances, np.inf)
    nearest = distances.min(axis=1)
    with np.errstate(invalid="ignore"):
        ratios = nearest[:, None] / distances
    mean = np.sum(ratios ** X.shape[1], axis=1) / (len(X) - 1)
    expected = np.where(nearest > 0, nearest * mean ** (-1.0 / X.shape[1]), 0.0)
    assert trees.core_distances(X) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("scale", [1e-140, 1e-70, 1.0, 1e70, 1e140])
@pytest.mark.parametrize("gap", [0.0, 1e-170, 1e-150, 1e-120, 1e-70])
def test_core_distances_in_the_plane_keep_their_digits_beside_points_that_all_but_coincide(scale, gap):
    X = np.random.default_rng(0).normal(size=(101, 2))
    # two that share a division meet one that nearly coincides with the first, and is near the second
    X[64], X[65], X[70], X[71] = (0.0, 0.0), (1e-8, 0.0), (gap, 0.0), (gap, gap)
    X *= scale
    distances = np.hypot(*(X[:, None] - X[None, :]).transpose(2, 0, 1))
    np.fill_diagonal(distances, np.inf)
    nearest = distances.min(axis=1)
    with np.errstate(invalid="ignore"):
        ratios = np.where(nearest[:, None] > 0.0, nearest[:, None] / distances, 1.0)
    expected = nearest * np.mean(ratios**2, axis=1, where=~np.eye(101, dtype=bool)) ** -0.5
    # squares of the smallest vanish: distances by which nothing can be told from zero
    expected[nearest < 1e-162] = 0.0
    assert trees.core_distances(X) == pytest.approx(expected, rel=1e-13, abs=0.0)


@every_kind
def test_the_tree_made_with_core_distances_is_that_of_their_reachabilities(kind):
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    X = several_blocks(kind)
    core, (edges, lengths) = trees._core_and_tree(X, *trees.blocks_of_clusters(X, [0, len(X)]))
    assert np.array_equal(core, trees.core_distances(X))
    reach = np.maximum(squareform(pdist(X)), np.maximum.outer(core, core))
    assert lengths == pytest.approx(reach[edges[:, 0], edges[:, 1]], rel=1e-12)
    assert np.sort(lengths) == pytest.approx(np.sort(trees.spanning_tree(X, core)[1]), rel=1e-12)
    assert connected_components(csr_array((np.ones(len(edges)), edges.T), 2 * [len(X)]))[0] == 1


@every_kind
@pytest.mark.parametrize("k", [2, 7])
def test_separations_are_smallest_reachabilities_between_clusters(kind, k):
    X = several_blocks(kind)
    rng = np.random.default_rng(0)
    cluster = rng.integers(0, k, len(X))
    core = rng.uniform(0.0, 0.3, len(X))
    reach = np.maximum(cdist(X, X), np.maximum.outer(core, core))
    expected = [reach[np.ix_(cluster == c, cluster != c)].min(initial=np.inf) for c in range(k)]
    assert np.sqrt(trees._separations(X, core**2, cluster, k)) == pytest.approx(expected)


@every_kind
def test_reflections_are_distances_to_the_two_points_nearest_the_mirror_image(kind):
    X = several_blocks(kind)
    labels = (X[:, 0] > np.median(X[:, 0])).astype(np.int32)
    labels[0] = labels.max() + 1
    view = PartitionView(X, labels)
    for c, members in enumerate(np.split(view.X, view.starts[1:])):
        images = cdist(2.0 * members.mean(axis=0) - members, members)
        expected = np.sort(images, axis=1)[:, :2].mean(axis=1) if len(members) > 1 else [np.nan]
        assert view.reflections[view.labels == c] == pytest.approx(expected, abs=1e-9, nan_ok=True)


def test_the_tree_does_not_depend_on_where_the_points_lie():
    # equal up to rounding: the blocks differ, the tree does not
    X = np.random.default_rng(5).normal(size=(500, 2))
    turned = X @ np.array([[0.6, 0.8], [-0.8, 0.6]])
    first, second = (trees.spanning_tree(points, np.zeros(500))[0] for points in (X, turned))
    assert {frozenset(edge) for edge in first.tolist()} == {frozenset(edge) for edge in second.tolist()}


def test_core_distances_survive_many_dimensions():
    X = np.random.default_rng(0).normal(size=(50, 400)) * 1e-3
    core = trees.core_distances(X)
    nearest = np.sort(squareform(pdist(X)), axis=1)[:, 1]
    assert np.all(core >= nearest), "the mean over others is reached beyond the nearest"
    assert np.all(core <= nearest * 49 ** (1 / 400) * (1 + 1e-9))


def test_every_public_statistic_has_a_cost_and_every_cost_a_statistic():
    public = {name for name in dir(PartitionView) if not name.startswith("_")} - {"nearest"}
    assert public == set(STATISTIC_COSTS)


def test_compiled_code_is_not_kept_beside_the_package():
    # what numba leaves there survives an uninstall and hides an editable installation
    kept = Path(pairs.fold_rows.stats.cache_path)
    assert Path(pairs.__file__).parent not in [kept, *kept.parents]
    assert list(kept.glob("pairs.fold_rows-*"))


@pytest.mark.parametrize("gap", [0.0, 1e-12, 1e-9, 1e-6, 1e-3])
def test_a_near_outsider_among_many_points_keeps_its_digits(gap):
    # its distance must not be what is left of the difference of two large sums
    for seed in range(20):
        rng = np.random.default_rng(seed)
        X, labels = rng.normal(size=(300, 2)), rng.integers(0, 3, 300)
        labels[0] = 3
        X[0] = X[5] + [gap, 0.0]
        near = np.linalg.norm(X - X[0], axis=1)[1:].min()
        assert PairPass(X, labels[None, :]).outsider_means[0, 0] == pytest.approx(near, rel=1e-12, abs=0.0)


@few
@given(data=clusterings(distinct=False, noise=True))
def test_outsiders_are_the_nearest_of_other_clusters(data):
    X, labels = data
    distances = cdist(X, X)
    means = PairPass(X, labels[None, :]).outsider_means[0]
    for i, (own, mean) in enumerate(zip(labels, means, strict=True)):
        if own < 0:
            assert np.isnan(mean)
        else:
            others = np.sort(distances[i, (labels >= 0) & (labels != own)])[: np.sum(labels == own)]
            assert mean == pytest.approx(others.mean(), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda X: X, id="plain"),
        pytest.param(np.round, id="tied"),
        pytest.param(lambda X: np.cumsum(X, axis=0) ** 3, id="uneven"),
        pytest.param(lambda X: 1e154 * X, id="overflowing"),
    ],
)
@pytest.mark.parametrize("d", [2, 7])
def test_outsiders_among_many_points_are_the_nearest_wherever_they_were_looked_for(change, d):
    rng = np.random.default_rng(d)
    X = change(rng.normal(size=(500, d)))
    places = np.argsort(np.argsort(X[:, 0]))
    labels = np.stack([places * k // 500 for k in (2, 5, 11)] + [rng.integers(0, k, 500) for k in (3, 6)])
    distances = cdist(X, X)
    for row, means in zip(labels, PairPass(X, labels).outsider_means, strict=True):
        for i, own in enumerate(row):
            others = np.sort(distances[i, row != own])[: np.sum(row == own)]
            assert means[i] == pytest.approx(others.mean(), rel=1e-12, abs=0.0)
