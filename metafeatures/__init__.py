"""200 numbers that describe a data set without labels, and the landmark partitions behind some of them.

Names, order, blocks and descriptions are in schema.json. A feature that is undefined on degenerate
data (no spread, no second cluster, no neighbors at a distance) is 0.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING

from gamac_meta.types import Dataset, Floats, Ints, MeasureTable, PartitionSet
from metafeatures._partitions import LANDMARKS, adjusted_rand
from metafeatures._sample import MAX_POINTS, canonical_order, canonical_points, rounded

if TYPE_CHECKING:
    from metafeatures._view import DataView

_SCHEMA = json.loads(files("metafeatures").joinpath("schema.json").read_text(encoding="utf-8"))
SCHEMA_VERSION: int = _SCHEMA["version"]
NAMES: tuple[str, ...] = tuple(feature["name"] for feature in _SCHEMA["features"])
BLOCKS: dict[str, str] = {feature["name"]: feature["block"] for feature in _SCHEMA["features"]}
DESCRIPTIONS: dict[str, str] = {feature["name"]: feature["description"] for feature in _SCHEMA["features"]}
ROTATION_FREE: dict[str, bool] = {feature["name"]: feature["rotation"] for feature in _SCHEMA["features"]}

__all__ = [
    "BLOCKS",
    "DESCRIPTIONS",
    "LANDMARKS",
    "MAX_POINTS",
    "NAMES",
    "ROTATION_FREE",
    "SCHEMA_VERSION",
    "Description",
    "adjusted_rand",
    "canonical_order",
    "canonical_points",
    "describe",
    "extract",
    "landmarks_of",
    "rounded",
]


@dataclass(frozen=True, eq=False)
class Description:
    """The meta-features of a data set, with the landmarks for features of measures and partitions."""

    features: Floats  # (200,) in the order of NAMES
    points: Dataset  # (n', r) the sample: at most 1000 points along their principal axes, mean square radius 1
    rows: Ints  # (n',) where the sample's points are in the data set
    landmarks: PartitionSet  # (l, n') fixed cheap partitions of the sample
    landmark_table: MeasureTable  # (l, m) every measure of every landmark


def extract(data: Dataset) -> Floats:
    """The 200 meta-features in the order of NAMES; all finite."""
    from threadpoolctl import threadpool_limits

    from metafeatures._view import DataView

    # matrices are small: idle BLAS threads would burn more time than they save
    with threadpool_limits(1):
        return _features(DataView(data))


def describe(data: Dataset) -> Description:
    """Meta-features, the sample they are computed on, its landmark partitions and all their measures."""
    from threadpoolctl import threadpool_limits

    from gamac_meta.measures import evaluate
    from metafeatures._view import DataView

    with threadpool_limits(1):
        view = DataView(data)
        points = Dataset(view.points, data.name, data.origin)
        view.landmark_table = evaluate(points, view.landmarks)
        return Description(_features(view), points, view.rows, view.landmarks, view.landmark_table)


def landmarks_of(data: Dataset) -> tuple[Ints, PartitionSet]:
    """Rows (n',) of the sample and its landmark partitions (l, n'), as of `describe`, without what it says of them."""
    from threadpoolctl import threadpool_limits

    from metafeatures._view import DataView

    with threadpool_limits(1):
        view = DataView(data)
        return view.rows, view.landmarks


def _features(view: DataView) -> Floats:
    import numpy as np

    from metafeatures._registry import compute

    values = compute(view)
    features = np.array([values[name] for name in NAMES])
    return np.asarray(np.where(np.isfinite(features), features, 0.0))
