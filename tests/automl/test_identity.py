"""Two functions have one identity only where they do the same, in whatever process they were made."""

import functools
import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from gamac_meta.automl._identity import identity
from gamac_meta.exceptions import InvalidInputError


def above(limit, table=None):
    return lambda _X, labels: float(labels.max() > limit) + (0 if table is None else table.sum())


class Share:
    """Callable by its class."""

    def __init__(self, goal):
        self.goal = goal

    def __call__(self, _, labels):
        return -abs(np.mean(labels == 0) - self.goal)

    def of(self, X, labels):
        return self(X, labels) + 1.0


def nested(a):
    return lambda _X, _labels: (lambda: {a, "x", "y"})() and 1.0


MEASURES = {
    "one lambda": lambda _X, _labels: 1.0,
    "another constant": lambda _X, _labels: 2.0,
    "another name": lambda X, _labels: X.max(),
    "another method": lambda X, _labels: X.min(),
    "default": lambda _X, _labels, a=1: a,
    "another default": lambda _X, _labels, a=2: a,
    "keyword": lambda _X, _labels, *, a=1: a,
    "another keyword": lambda _X, _labels, *, a=2: a,
    "closed over 1": above(1),
    "closed over 2": above(2),
    "closed over zeros": above(1, np.zeros(3)),
    "closed over ones": above(1, np.ones(3)),
    "partial of 1": functools.partial(above, 1),
    "partial of 2": functools.partial(above, 2),
    "object of .1": Share(0.1),
    "object of .2": Share(0.2),
    "method of .1": Share(0.1).of,
    "method of .2": Share(0.2).of,
    "set in a nested function": nested(1),
    "builtin": max,
    "another builtin": min,
    "set": lambda X, _labels: X in {"a", "b", "c"},
    "another set": lambda X, _labels: X in {"a", "b", "d"},
}


def test_different_functions_differ():
    found = {name: identity(measure) for name, measure in MEASURES.items()}
    assert len(set(found.values())) == len(MEASURES)
    assert found["closed over 1"] == identity(above(1))
    assert found["object of .1"] == identity(Share(0.1))
    assert found["closed over zeros"] == identity(above(1, np.zeros(3)))


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_finds_the_same(seed):
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_identity as module\n"
        "for measure in module.MEASURES.values(): print(module.identity(measure))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    # this module has another name there
    assert said == [identity(measure) for measure in MEASURES.values()]


def test_the_line_that_a_function_stands_in_is_no_matter():
    first, second = {}, {}
    exec("def f(X, labels):\n    return 1.5", first)
    exec("\n\n# said\ndef f(X, labels):\n    return 1.5", second)
    assert identity(first["f"]) == identity(second["f"])


def test_what_cannot_be_written_down_is_refused():
    lock = threading.Lock()
    with pytest.raises(InvalidInputError, match=r"must hold what can be written down, got .*<lambda>: \w+: "):
        identity(lambda _X, _labels: lock.locked())
