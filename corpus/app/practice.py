"""The practice data set: a few partitions from obviously right to obviously wrong, so that one learns the keys."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gamac_meta.types import Floats, PartitionSet

SEED = 1
SIZES = (60, 45, 35)
CENTERS = ((0.0, 0.0), (11.0, 1.0), (5.0, 10.0))
RANKS = (1.0, 3.0, 4.0, 2.0)


@dataclass(frozen=True, eq=False)
class Practice:
    """What an assessor practices on."""

    points: Floats  # (n, 2)
    partitions: PartitionSet  # (p, n)
    ranks: tuple[float, ...]  # (p,) 1 is best; nobody can be in doubt about them


def practice() -> Practice:
    """Three groups far apart, which each step breaks further: one is cut in two, another too, then all are torn."""
    rng = np.random.default_rng(SEED)
    groups = np.repeat(np.arange(len(SIZES)), SIZES)
    points = np.array(CENTERS)[groups] + rng.normal(size=(groups.size, 2))
    right = points[:, 0] > np.array(CENTERS)[groups, 0]
    one_cut = np.where((groups == 0) & right, 3, groups)
    two_cut = np.where((groups == 1) & right, 4, one_cut)
    dealt = rng.permutation(groups)
    makers = ("the groups", "two groups cut", "labels dealt at random", "one group cut")
    return Practice(points, PartitionSet(np.stack([groups, two_cut, dealt, one_cut]), makers), RANKS)
