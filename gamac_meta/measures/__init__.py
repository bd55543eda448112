"""MEASURES and `evaluate`: internal validity measures, all partitions in one pass."""

# each family registers its members
from gamac_meta.measures import (  # noqa: F401
    _centroids,
    _concordance,
    _connected,
    _density,
    _neighborhood,
    _separation,
    _symmetry,
    _variance,
)
from gamac_meta.measures._evaluate import NOISE_POLICIES, MeasureEngine, apply_noise_policy, evaluate
from gamac_meta.measures._registry import MEASURES, Measure, measure

__all__ = ["MEASURES", "NOISE_POLICIES", "Measure", "MeasureEngine", "apply_noise_policy", "evaluate", "measure"]
