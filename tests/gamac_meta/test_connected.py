"""What is special to the measures of connection: paths, noise, and data on which they must be right."""

import numpy as np
import oracles
import pytest
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial.distance import cdist

from gamac_meta import points
from gamac_meta._kernels import connected
from gamac_meta.measures import MEASURES
from gamac_meta.pairwise import PartitionView
from gamac_meta.points import SharedPoints


def value_of(name, X, labels):
    return MEASURES[name](PartitionView(X, np.asarray(labels, dtype=np.int32)))


def rings(rng, sizes=(60, 120)):
    """Two rings, one inside the other, and which is which."""
    labels = np.repeat([0, 1], sizes)
    angles = rng.uniform(0.0, 2 * np.pi, len(labels))
    radii = np.array([1.0, 3.0])[labels] + rng.normal(0.0, 0.05, len(labels))
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]), labels


@pytest.mark.parametrize("name", ["disco", "lccv", "dcsi"])
def test_rings_are_better_than_halves(name):
    X, labels = rings(np.random.default_rng(0))
    halves = (X[:, 0] > 0.0).astype(int)
    assert value_of(name, X, labels) > value_of(name, X, halves) + 0.2
    assert value_of("silhouette", X, labels) < value_of("silhouette", X, halves)


def test_disco_rewards_noise_that_is_noise():
    rng = np.random.default_rng(1)
    X, labels = rings(rng)
    far = rng.uniform(-12.0, 12.0, size=(30, 2))
    everything = np.concatenate([X, far])
    as_noise = np.concatenate([labels, np.full(30, -1)])
    as_members = np.concatenate([labels, np.full(30, 1)])
    assert value_of("disco", everything, as_noise) > value_of("disco", everything, as_members)
    hidden = labels.copy()
    hidden[rng.choice(len(X), 30, replace=False)] = -1  # members called noise
    assert value_of("disco", X, hidden) < value_of("disco", X, labels)
    assert value_of("disco", everything, as_noise) == pytest.approx(oracles.disco(everything, as_noise), rel=1e-9)


def test_disco_lets_paths_lead_over_noise():
    # two clumps, a bridge of noise between them: the bridge brings the clumps closer
    clump = np.random.default_rng(2).normal(0.0, 0.1, size=(20, 2))
    bridge = np.column_stack([np.linspace(0.5, 9.5, 60), np.zeros(60)])
    X = np.concatenate([clump, np.add(clump, [10.0, 0.0]), bridge])
    labels = np.repeat([0, 1, -1], [20, 20, 60])
    alone, bridged = (PartitionView(X[:count], labels[:count]).connectivity_means[1] for count in (40, 100))
    assert np.all(bridged < 0.2 * alone)


def test_lccv_counts_noise_against_the_partition():
    X, labels = rings(np.random.default_rng(3))
    hidden = labels.copy()
    hidden[::3] = -1
    values = [value_of("lccv", X, given) for given in (labels, hidden)]
    assert values[1] < 0.9 * values[0]
    assert values[1] == pytest.approx(oracles.lccv(X, hidden), rel=1e-9)


def test_lccv_needs_local_cores_in_two_clusters():
    X, _ = rings(np.random.default_rng(4))
    cores = SharedPoints(X).local_cores[0]
    outside = np.setdiff1d(np.arange(len(X)), cores)
    value, reason = MEASURES["lccv"].explain(PartitionView(X, np.isin(np.arange(len(X)), outside[:40]).astype(int)))
    assert np.isnan(value)
    assert reason == "fewer than two clusters have local cores"


@pytest.mark.parametrize("d", [2, 12])
def test_neighbors_are_the_same_by_tree_and_by_scan(d, monkeypatch):
    X = np.random.default_rng(5).normal(size=(80, d))
    found = {}
    monkeypatch.setattr(points, "LISTED", 3)  # popular points need more neighbors than are listed
    for limit in (1, 100):
        monkeypatch.setattr(points, "TREE_DIMENSIONS", limit)
        shared = SharedPoints(X)
        cores = shared.local_cores
        found[limit] = [*shared.neighbors(7), cores[0], cores[1], cores[2]]
    for scanned, searched in zip(*found.values(), strict=True):
        assert np.allclose(scanned, searched, rtol=1e-12, atol=0.0)


def test_paths_between_local_cores_are_shortest():
    X, _ = rings(np.random.default_rng(6), (300, 600))
    X = np.concatenate([X, [[40.0, 0.0], [40.1, 0.0]]])
    shared = SharedPoints(X)
    distances, indices = shared.neighbors(9)
    starts, ends, lengths = connected.neighbor_graph(indices, distances)
    graph = csr_array((lengths, ends, starts), shape=(len(X), len(X)))
    sources = np.arange(0, len(X), 13)
    expected = dijkstra(graph, indices=sources)[:, sources]
    assert np.array_equal(np.isinf(expected), np.isinf(connected.path_lengths(starts, ends, lengths, sources)))
    assert np.allclose(connected.path_lengths(starts, ends, lengths, sources), expected, rtol=1e-12)


@pytest.mark.parametrize("far", [0.0, 2000.0])
def test_paths_are_shortest_in_a_graph_of_many_ways(far):
    # a hub has more neighbors than there are places at first; most nodes are met again by a shorter way
    rng = np.random.default_rng(7)
    n = 600
    ends = np.array([*((0, node) for node in range(1, n)), *rng.integers(0, n, (3000, 2))])
    lengths = rng.uniform(0.0, 1.0, len(ends)) ** 2
    lengths[rng.integers(0, len(ends), 300)] = 0.0
    # some nodes are reached by one long way only
    ends = np.concatenate([ends, [[5, n], [n, n + 1]]])
    lengths = np.append(lengths, [far, 0.5])
    if far:
        mean = 2.0 * lengths.sum() / (2 * len(lengths))
        assert far > 2.0 * connected.BUCKETS * connected.BUCKET_WIDTH * mean, "beyond the ring of buckets"
    both = np.concatenate([ends, ends[:, ::-1]])
    order = np.argsort(both[:, 0], kind="stable")
    starts = np.searchsorted(both[order, 0], np.arange(n + 3))
    arcs = both[order, 1].astype(np.int32), np.concatenate([lengths, lengths])[order]
    expected = np.full((n + 2, n + 2), np.inf)
    np.minimum.at(expected, tuple(both.T), np.concatenate([lengths, lengths]))
    np.fill_diagonal(expected, 0.0)
    for way in range(n + 2):
        expected = np.minimum(expected, expected[:, way, None] + expected[way])
    sources = rng.permutation(n + 2)
    assert np.allclose(connected.path_lengths(starts, *arcs, sources), expected[np.ix_(sources, sources)], rtol=1e-12)


def plain_core_separation(X, labels):
    """What core_separation finds, from whole tables of distances."""
    groups, links = [], []
    for c in range(labels.max() + 1):
        members = X[labels == c]
        if len(members) < 2:
            continue
        reach = np.sort(cdist(members, members), axis=1)
        last = len(members) - 1
        core = members[reach[:, min(5, last)] <= np.median(reach[:, min(10, last)]) * (1 + 1e-12)]
        groups.append(core)
        links.append(minimum_spanning_tree(cdist(core, core)).max())
    gaps = [[0.0 if a is b else cdist(a, b).min() for b in groups] for a in groups]
    return np.array(gaps), np.array(links)


@pytest.mark.parametrize("d", [1, 2, 5, 12])
@pytest.mark.parametrize("kind", ["blobs", "overlapping", "chance", "fragments", "noise"])
def test_core_points_are_searched_for_exactly(d, kind):
    rng = np.random.default_rng(7)
    labels = rng.permutation(np.repeat(np.arange(6), [300, 150, 90, 12, 3, 1]))
    centers = rng.normal(0.0, {"blobs": 20.0, "overlapping": 2.0}.get(kind, 0.0), size=(6, d))
    X = rng.normal(size=(len(labels), d)) + centers[labels]
    if kind == "fragments":  # each cluster in two clumps, far apart
        X[rng.random(len(X)) < 0.3] += 100.0 * (1.0 + labels.max())
    if kind == "noise":
        labels[rng.choice(len(X), 200, replace=False)] = -1
        labels[np.flatnonzero(labels < 0)[:6]] = np.arange(6)
    for found, expected in zip(PartitionView(X, labels).core_separation, plain_core_separation(X, labels), strict=True):
        assert np.allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_dcsi_passes_over_single_points():
    X, labels = rings(np.random.default_rng(8))
    value = value_of("dcsi", X, labels)
    alone = np.concatenate([labels, [2]])
    assert value_of("dcsi", np.concatenate([X, [[50.0, 0.0]]]), alone) == pytest.approx(value, rel=1e-12)
    only = np.concatenate([np.zeros(len(X)), [1]])
    value, reason = MEASURES["dcsi"].explain(PartitionView(np.concatenate([X, [[50.0, 0.0]]]), only.astype(np.int32)))
    assert np.isnan(value)
    assert reason == "fewer than two clusters have more than one point"
