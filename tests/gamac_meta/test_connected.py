"""What is special to the measures of connection: paths, noise, and data on which they must be right."""

import numpy as np
import oracles
import pytest

from gamac_meta.measures import MEASURES
from gamac_meta.pairwise import PartitionView


def value_of(name, X, labels):
    return MEASURES[name](PartitionView(X, np.asarray(labels, dtype=np.int32)))


def rings(rng, sizes=(60, 120)):
    """Two rings, one inside the other, and which is which."""
    labels = np.repeat([0, 1], sizes)
    angles = rng.uniform(0.0, 2 * np.pi, len(labels))
    radii = np.array([1.0, 3.0])[labels] + rng.normal(0.0, 0.05, len(labels))
    return np.column_stack([radii * np.cos(angles), radii * np.sin(angles)]), labels


@pytest.mark.parametrize("name", ["disco"])
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
