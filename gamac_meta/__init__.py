"""gamac-meta: which clustering quality measure to trust for your data, learned from people.

Names load on first use, so `import gamac_meta` is instant.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_HOME = {
    "AutoClusterer": "gamac_meta.automl.estimator",
    "CLUSTERERS": "gamac_meta.clusterers",
    "Dataset": "gamac_meta.types",
    "GENERATORS": "corpus.generators",
    "MEASURES": "gamac_meta.measures",
    "MeasureEngine": "gamac_meta.measures",
    "MeasureTable": "gamac_meta.types",
    "PartitionScorer": "gamac_meta.scoring",
    "PartitionSet": "gamac_meta.types",
    "Recommendation": "gamac_meta.recommend",
    "evaluate": "gamac_meta.measures",
    "recommend_measure": "gamac_meta.recommend",
    "score_partitions": "gamac_meta.scoring",
}
__all__ = sorted(_HOME)

try:
    __version__ = version("gamac-meta")
except PackageNotFoundError:  # a source tree on the path without an installation
    __version__ = "0+source"


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'gamac_meta' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
