"""What is known of one partition: how every measure places it among the landmarks, what it looks like, which
landmarks it resembles, the measures' values, and what is seen at its borders.

Nothing depends on the other partitions that are scored, so a score is defined for a single one.
"""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats, PartitionSet
from metafeatures import LANDMARKS, Description, adjusted_rand, rounded
from rankers._borders import BORDER_FEATURES, Borders

FACTS = ("log_k", "largest_share", "smallest_share", "noise_share", "evenness")
FACT_WORDS = {
    "log_k": "log number of clusters",
    "largest_share": "share of the largest cluster",
    "smallest_share": "share of the smallest cluster",
    "noise_share": "share of noise",
    "evenness": "evenness of cluster sizes",
}
# the landmarks that a partition is most like, by rank
NEAREST = 5
# stands for the value of an undefined measure: worse than any that is met
UNDEFINED = -100.0


def standing_names(measures: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of `standing_features`: how a partition stands among the landmarks, and its facts."""
    return (
        *(f"place_{name}" for name in measures),
        *FACTS,
        *(f"like_{name}" for name in LANDMARKS),
        "like_mean",
        *(f"like_{place}_nearest" for place in range(1, NEAREST + 1)),
    )


def partition_feature_names(measures: tuple[str, ...]) -> tuple[str, ...]:
    """Names of the columns of `partition_features`."""
    return (*standing_names(measures), *(f"value_{name}" for name in measures), *BORDER_FEATURES)


def partition_features(
    values: Floats, partitions: PartitionSet, landmark_values: Floats, landmarks: PartitionSet, borders: Borders
) -> Floats:
    """(p, c) features of each partition.

    values (p, m) and landmark_values (l, m) are of the same measures on the same points, those of `borders`,
    oriented so that greater is better.
    """
    standing = standing_features(values, partitions, landmark_values, landmarks)
    return np.hstack([standing, _magnitudes(values), borders.features(partitions)])


def standing_features(
    values: Floats, partitions: PartitionSet, landmark_values: Floats, landmarks: PartitionSet
) -> Floats:
    """(p, s) the first of the `partition_features`, which is all that is needed to order partitions."""
    likeness = np.array([[adjusted_rand(row, landmark) for landmark in landmarks.labels] for row in partitions.labels])
    nearest = -np.sort(-likeness, axis=1)[:, :NEAREST]
    return np.column_stack(
        [
            _places(values, landmark_values),
            partition_facts(partitions),
            likeness,
            likeness.mean(axis=1),
            nearest,
        ]
    )


def partition_facts(partitions: PartitionSet) -> Floats:
    """(p, facts) what can be said of a partition without looking at the points."""
    rows = []
    for labels, k, noise in zip(partitions.labels, partitions.n_clusters, partitions.noise_share, strict=True):
        counts = np.bincount(labels[labels >= 0], minlength=max(int(k), 1))
        shares = counts / max(int(counts.sum()), 1)
        entropy = -np.sum(shares * np.log(np.maximum(shares, 1e-300)))
        evenness = entropy / float(np.log(k)) if k > 1 else 1.0
        rows.append((np.log(max(int(k), 1)), shares.max(), shares.min(), noise, evenness))
    return np.array(rows)


def in_sample(partitions: PartitionSet, seen: Description) -> PartitionSet:
    """The partitions on the points of the description's sample, in its order."""
    return settled(seen.points.X, PartitionSet(partitions.labels[:, seen.rows], partitions.makers))


def settled(points: Floats, partitions: PartitionSet) -> PartitionSet:
    """The partitions with labels of equal points in ascending order, where measures may ask which of them is
    nearest. points (n, d) in canonical order, so that equal ones stand together."""
    place = np.cumsum(np.any(np.diff(points, axis=0, prepend=points[:1]) != 0, axis=1))
    return PartitionSet(partitions.labels[:, np.lexsort((*partitions.labels[::-1], place))], partitions.makers)


def _places(values: Floats, landmark_values: Floats) -> Floats:
    """(p, m) share of landmarks that are worse, ties count half; undefined is worse than all."""
    values, landmarks = (
        np.where(np.isnan(oriented), -np.inf, rounded(oriented)) for oriented in (values, landmark_values)
    )
    better = values[:, None, :] > landmarks[None, :, :]
    equal = values[:, None, :] == landmarks[None, :, :]
    return np.asarray(better.mean(axis=1) + equal.mean(axis=1) / 2.0)


def _magnitudes(values: Floats) -> Floats:
    """(p, m) the values themselves, large ones by their logarithm: the best landmark may be surpassed a little or by
    far, which places do not tell."""
    known = np.where(np.isnan(values), 0.0, rounded(values))
    return np.asarray(np.where(np.isnan(values), UNDEFINED, np.sign(known) * np.log1p(np.abs(known))))
