import json
import subprocess
import sys

import pytest

import gamac_meta

HEAVY = (
    "cupy",
    "lightgbm",
    "matplotlib",
    "numba",
    "optuna",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "torch",
)


def fresh(code):
    """What a fresh interpreter prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    return json.loads(done.stdout)


@pytest.mark.parametrize("name", gamac_meta.__all__)
def test_every_facade_name_resolves(name):
    assert getattr(gamac_meta, name) is not None
    assert name in dir(gamac_meta)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'gamac_meta' has no attribute 'recomend'"):
        _ = gamac_meta.recomend


def test_import_is_instant():
    # the least of three: the machine may be busy, the import may not be slow
    code = "import time; t = time.perf_counter(); import gamac_meta; print(time.perf_counter() - t)"
    assert min(fresh(code) for _ in range(3)) < 0.3


@pytest.mark.parametrize("module", ["gamac_meta", "gamac_meta.cli"])
def test_import_loads_nothing_heavy(module):
    loaded = fresh(f"import {module}, json, sys; print(json.dumps(sorted(sys.modules)))")
    assert module in loaded
    assert not set(HEAVY) & set(loaded)


def test_every_module_imports_alone():
    # the facade is lazy so that the companions can be imported first
    for module in ("metafeatures", "rankers", "corpus", "gamac_meta.types", "gamac_meta.measures"):
        assert fresh(f"import {module}; print(1)") == 1
