"""Shared by the tests of rankers."""

from contextlib import contextmanager

import pytest

from rankers import _lightgbm

ROUNDS = 50


@pytest.fixture(scope="session")
def few_trees():
    """Make a context in which heads have few trees: enough for what is planted. Other processes have all."""

    @contextmanager
    def few():
        names = [name for name in vars(_lightgbm) if name.endswith("_ROUNDS")]
        assert names
        with pytest.MonkeyPatch.context() as patch:
            for name in names:
                patch.setattr(_lightgbm, name, ROUNDS)
            yield

    return few
