from collections.abc import Callable

import numpy as np
import pytest

from gamac_meta.types import Dataset, Floats


@pytest.fixture
def blobs() -> Callable[..., Dataset]:
    """blobs(n, d, k, gap, seed): k round Gaussians with centers `gap` deviations wide."""

    def make(n: int = 200, d: int = 2, k: int = 4, gap: float = 6.0, seed: int = 0) -> Dataset:
        rng = np.random.default_rng(seed)
        centers = gap * rng.normal(size=(k, d))
        return Dataset(rng.normal(size=(n, d)) + centers[np.arange(n) % k])

    return make


@pytest.fixture
def ring() -> Floats:
    """(300, 2) points on a circle, at random angles."""
    angle = 2 * np.pi * np.random.default_rng(1).random(300)
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


@pytest.fixture
def uniform() -> Floats:
    """(400, 2) points in the unit square."""
    return np.random.default_rng(2).random((400, 2))
