import json
import subprocess
import sys
from collections import Counter
from hashlib import blake2b
from importlib.resources import files

import pytest

import metafeatures
from metafeatures._distances import distance_profile
from metafeatures._landmarks import ANCHORS
from metafeatures._partitions import LANDMARKS
from metafeatures._registry import GROUPS, load_blocks
from metafeatures._registry import metafeatures as register


def test_names_of_version_1_never_change():
    """A model stores the version alone: other names, or another order, need another version."""
    assert metafeatures.SCHEMA_VERSION == 1
    assert blake2b("\n".join(metafeatures.NAMES).encode(), digest_size=8).hexdigest() == "925e1397bc4239ac"


def test_two_hundred_names_in_four_blocks():
    assert len(metafeatures.NAMES) == len(set(metafeatures.NAMES)) == 200
    assert Counter(metafeatures.BLOCKS[name] for name in metafeatures.NAMES) == {
        "distance profile": 80,
        "structure": 40,
        "statistical": 24,
        "landmarks": 56,
    }


def test_every_feature_is_described():
    schema = json.loads(files("metafeatures").joinpath("schema.json").read_text(encoding="utf-8"))
    for feature in schema["features"]:
        assert set(feature) == {"name", "block", "rotation", "description"}
        assert len(feature["description"]) > 15
        assert isinstance(feature["rotation"], bool)
    assert len({feature["description"] for feature in schema["features"]}) == 200


def test_the_blocks_compute_what_the_schema_names():
    computed = [name for group in load_blocks().values() for name in group.names]
    assert sorted(computed) == sorted(metafeatures.NAMES)


def test_landmarks_are_distinct_and_anchors_turn_with_the_data():
    from gamac_meta.measures import MEASURES

    assert len(LANDMARKS) == len(set(LANDMARKS)) == 21
    assert all(MEASURES[anchor].rotation_free for anchor in ANCHORS)


def test_a_misspelt_statistic_fails_at_import():
    with pytest.raises(TypeError, match=r"unknown statistic\(s\) \['distance'\]"):

        @register("nothing")
        def of_distance(distance):
            """Not registered."""

    assert "of_distance" not in GROUPS


def test_a_feature_needs_a_docstring_and_an_own_name():
    with pytest.raises(TypeError, match="no docstring"):
        register("nothing")(lambda X: X[0, 0])
    with pytest.raises(ValueError, match="registered twice"):
        register("nothing")(distance_profile)


def test_names_come_without_heavy_imports():
    code = (
        "import sys, metafeatures; "
        "print([m for m in ('sklearn', 'numba', 'scipy.stats', 'scipy.cluster', 'lightgbm') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
