"""What is seen of a partition at its borders, against slow and obvious definitions, and on plain pictures."""

import numpy as np
import pytest
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist
from scipy.stats import ortho_group
from sklearn.datasets import make_blobs

from gamac_meta.types import PartitionSet
from rankers._borders import APART, BORDER_FEATURES, LINKS, NEAR, NEARER, SIGNS, Borders


def seen(X, labels):
    """name -> value, for one partition."""
    row = Borders(X).features(PartitionSet(np.asarray(labels)[None, :]))[0]
    return dict(zip(BORDER_FEATURES, row, strict=True))


@pytest.fixture(scope="module")
def cloud():
    """Points, and a partition with four clusters of different size and some noise."""
    rng = np.random.default_rng(5)
    X = np.concatenate([rng.normal(size=(90, 3)), rng.normal(loc=2.0, scale=0.4, size=(60, 3))])
    labels = np.where(X[:, 0] > 1.0, 2, np.where(X[:, 1] > 0.5, 1, 0))
    labels[X[:, 2] < -1.0] = 3
    labels[::17] = -1
    return X, labels


def obvious_meetings(X, labels):
    """Dictionaries by pair of clusters: links among the near, among the nearer, and points at the border."""
    links, nearer, at = {}, {}, {}
    near = cKDTree(X).query(X, NEAR + 1)[1][:, 1:]
    for i, row in enumerate(near):
        for place, j in enumerate(row):
            if min(labels[i], labels[j]) >= 0 and labels[i] != labels[j]:
                pair = frozenset((labels[i], labels[j]))
                links[pair] = links.get(pair, 0) + 1
                nearer[pair] = nearer.get(pair, 0) + (place < NEARER)
                at.setdefault(pair, set()).add(i)
    return {pair: (links[pair], nearer[pair], at[pair]) for pair in links if links[pair] >= LINKS}


def test_meetings_are_counted_pair_by_pair(cloud):
    X, labels = cloud
    found, met = seen(X, labels), obvious_meetings(X, labels)
    sparsity = np.log(np.sort(cdist(X, X), axis=1)[:, NEAR])
    typical = {c: np.quantile(sparsity[labels == c], 0.5, method="lower") for c in range(4)}
    weights = np.array([len(at) for _, _, at in met.values()], dtype=float)
    rows = []
    for pair, (links, nearer, at) in met.items():
        low, high = sorted(typical[c] for c in pair)
        here = np.mean([sparsity[i] for i in at])
        rows.append((links / NEAR / len(at), nearer / NEARER / len(at), here - high, here - low, high - low))
    crossing, nearer_crossing, valley, drop, step = np.array(rows).T
    edge = np.maximum(valley, step)
    assert found["crossing_worst"] == pytest.approx(crossing.max())
    assert found["crossing_mean"] == pytest.approx(np.average(crossing, weights=weights))
    assert found["nearer_crossing_worst"] == pytest.approx(nearer_crossing.max())
    assert found["nearer_crossing_mean"] == pytest.approx(np.average(nearer_crossing, weights=weights))
    assert found["valley_worst"] == pytest.approx(valley.min())
    assert found["valley_mean"] == pytest.approx(np.average(valley, weights=weights))
    assert found["drop_worst"] == pytest.approx(drop.min())
    assert found["drop_mean"] == pytest.approx(np.average(drop, weights=weights))
    assert found["edge_worst"] == pytest.approx(edge.min())
    assert found["edge_mean"] == pytest.approx(np.average(edge, weights=weights))
    assert found["edge_quarter"] == np.sort(edge)[len(edge) // 4]
    assert len(edge) > 4
    near = cKDTree(X).query(X, NEAR + 1)[1][:, 1:]
    others = (labels[near] >= 0) & (labels[near] != labels[:, None])
    assert found["bordering"] == np.mean(others.any(axis=1)[labels >= 0])
    assert found["meetings"] == len(met) / 4
    spread = sparsity.std()
    inside = [sparsity[labels == c].std() / spread for c in range(4)]
    sizes = np.bincount(labels[labels >= 0])
    assert found["unevenness_mean"] == pytest.approx(np.average(inside, weights=sizes))
    assert found["unevenness_worst"] == pytest.approx(max(inside))


def piece_of(point, edges):
    """The points that edges join with one."""
    found, fresh = {point}, {point}
    while fresh:
        fresh = {end for edge in edges if fresh & set(edge) for end in edge} - found
        found |= fresh
    return found


def test_gaps_are_edges_of_the_spanning_tree(cloud):
    X, labels = cloud
    found = seen(X, labels)
    distances = cdist(X, X)
    spacing = np.log(np.sort(distances, axis=1)[:, NEARER])
    edges = list(zip(*np.nonzero(minimum_spanning_tree(distances).toarray()), strict=True))
    contrast = {(i, j): np.log(distances[i, j]) - (spacing[i] + spacing[j]) / 2 for i, j in edges}
    inside = [(i, j) for i, j in edges if labels[i] == labels[j] >= 0]
    between = sorted(contrast[i, j] for i, j in edges if min(labels[i], labels[j]) >= 0 and labels[i] != labels[j])
    whole, wide, in_all = np.count_nonzero(labels >= 0), dict.fromkeys(range(4), -APART), -APART
    for i, j in inside:
        rest = [edge for edge in inside if edge != (i, j)]
        side = min(len(piece_of(i, rest)), len(piece_of(j, rest)))
        if side >= max(3, 0.02 * whole):
            in_all = max(in_all, contrast[i, j])
        if side >= max(3, 0.05 * np.count_nonzero(labels == labels[i])):
            wide[labels[i]] = max(wide[labels[i]], contrast[i, j])
    pieces = {frozenset(piece_of(i, inside)) for i in np.flatnonzero(labels >= 0)}
    largest = [max(len(piece) for piece in pieces if labels[min(piece)] == c) for c in range(4)]
    sizes = np.bincount(labels[labels >= 0])
    assert found["gap_inside"] == pytest.approx(in_all)
    assert found["gap_inside_own"] == pytest.approx(max(wide.values()))
    assert found["gap_inside_mean"] == pytest.approx(np.average([wide[c] for c in range(4)], weights=sizes))
    assert found["pieces"] == pytest.approx((len(pieces) - 4) / whole)
    assert found["scattered"] == pytest.approx(1 - sum(largest) / whole)
    assert found["gap_between_least"] == pytest.approx(between[0])
    assert found["gap_between_mean"] == pytest.approx(np.mean(between))
    assert found["gap_between_quarter"] == pytest.approx(between[len(between) // 4])
    assert found["gap_between_less_inside"] == pytest.approx(between[0] - in_all)


def test_a_cut_through_one_cloud_is_told_from_one_between_two():
    X, planted = make_blobs(400, centers=[[0, 0], [7, 0]], random_state=0)
    right, wrong = seen(X, planted), seen(X, (X[:, 1] > np.median(X[:, 1])).astype(int))
    for name, sign in SIGNS.items():
        if sign and not name.startswith("unevenness"):
            assert sign * right[name] >= sign * wrong[name], name
    assert right["filled_worst"] < 0.2 < 0.8 < wrong["filled_worst"]
    assert right["gap_inside"] < wrong["gap_inside"]
    assert wrong["waist_worst"] > right["waist_worst"] + 1.0


@pytest.mark.parametrize("labels", [np.zeros(60, dtype=int), np.full(60, -1), np.repeat([-1, 0], [59, 1])])
def test_no_border_is_worse_than_any(labels):
    X = np.random.default_rng(0).normal(size=(60, 2))
    none, poor = seen(X, labels), seen(X, np.arange(60) % 2)
    assert all(sign * none[name] < sign * poor[name] for name, sign in SIGNS.items() if sign)


def test_a_belt_hardly_wider_than_the_spacing_of_points_is_seen():
    # a disc in a ring, and a cut of the ring
    rng = np.random.default_rng(1)
    radius = np.sqrt(rng.uniform(0, 1, size=3000))
    angle = rng.uniform(-np.pi, np.pi, size=3000)
    belt = np.abs(radius - 0.5) > 0.04
    radius, angle = radius[belt], angle[belt]
    X = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    ring = radius > 0.5
    planted, cut = seen(X, ring.astype(int)), seen(X, np.where(ring, 1 + (angle > 0), 0))
    assert planted["nearer_crossing_worst"] < 0.5 * cut["nearer_crossing_worst"]
    assert planted["edge_worst"] > cut["edge_worst"] + 0.05
    assert planted["gap_between_least"] > cut["gap_between_least"] + 0.3


def test_valleys_along_lines_and_axes():
    # clusters on a line: two and two close ones, points at even steps, of the third half
    steps = np.linspace(-1.0, 1.0, 101)
    X = np.concatenate([steps, 2.0 + steps, 10.0 + steps, np.r_[14.0 + steps, 18.0 + steps]])[:, None]
    labels = np.repeat([0, 1, 2, 3], [101, 101, 101, 202])
    found = seen(X, labels)
    # even across the border of the first two, nothing halfway from the third to the fourth, nor across the fourth
    filled, waist = (1.0, 1.0, 0.0, 0.0), (0.0, 0.0, 0.0, found["waist_worst"])
    sizes = np.bincount(labels)
    assert found["filled_worst"] == pytest.approx(1.0, abs=0.05)
    assert found["filled_mean"] == pytest.approx(np.average(filled, weights=sizes), abs=0.05)
    assert found["waist_worst"] > 2.0
    assert found["waist_mean"] == pytest.approx(np.average(waist, weights=sizes), abs=0.1)


@pytest.mark.parametrize("d", [1, 2, 5])
def test_a_move_a_turn_and_another_unit_change_nothing(d):
    rng = np.random.default_rng(d)
    X = rng.normal(size=(150, d))
    labels = PartitionSet(rng.integers(-1, 4, size=(3, 150)))
    turn = ortho_group(d, seed=0).rvs() if d > 1 else np.eye(1)
    moved = 37.0 * X @ turn + rng.normal(size=d)
    assert Borders(moved).features(labels) == pytest.approx(Borders(X).features(labels), abs=1e-6)


def test_numbering_of_clusters_is_no_input(cloud):
    X, labels = cloud
    other = np.where(labels < 0, -1, 3 - labels)
    assert seen(X, other) == pytest.approx(seen(X, labels))


@pytest.mark.parametrize(
    ("X", "labels"),
    [
        (np.arange(10.0)[:, None], np.arange(10)),  # every point a cluster
        (np.arange(10.0)[:, None], np.full(10, -1)),  # all noise
        (np.repeat(np.eye(3), 4, axis=0), np.repeat([0, 1, 2], 4)),  # repeated points
        (np.zeros((6, 2)), np.array([0, 0, 0, 1, 1, 1])),  # all equal
        (np.array([[0.0], [1.0]]), np.array([0, 1])),
        (np.arange(30.0).reshape(10, 3), np.array([0] * 9 + [5])),  # numbers left out
    ],
)
def test_what_is_hardly_a_partition_has_finite_features(X, labels):
    assert np.isfinite(Borders(X).features(PartitionSet(labels[None, :]))).all()
