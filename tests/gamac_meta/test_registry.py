import pytest

from gamac_meta.exceptions import GamacMetaError, UnknownNameError
from gamac_meta.registry import Registry


@pytest.fixture
def shapes():
    registry = Registry("shape")
    for name in ("square", "circle", "triangle"):
        registry.add(name, name.upper())
    return registry


def test_iteration_is_sorted_whatever_the_order_of_entry(shapes):
    assert list(shapes) == ["circle", "square", "triangle"]
    assert list(shapes.values()) == ["CIRCLE", "SQUARE", "TRIANGLE"]
    assert len(shapes) == 3


def test_a_name_cannot_be_taken_twice(shapes):
    with pytest.raises(ValueError, match="shape 'circle' is registered twice"):
        shapes.add("circle", "another")
    assert shapes["circle"] == "CIRCLE"


def test_a_wrong_name_suggests_near_ones_in_one_readable_line(shapes):
    with pytest.raises(UnknownNameError) as caught:
        shapes["circel"]
    assert str(caught.value) == "unknown shape 'circel'; did you mean 'circle'?"


def test_a_name_unlike_any_lists_what_there_is(shapes):
    with pytest.raises(UnknownNameError, match="unknown shape 'zzz'; known: circle, square, triangle"):
        shapes["zzz"]


@pytest.mark.parametrize("error", [KeyError, ValueError, GamacMetaError])
def test_the_refusal_is_caught_as_any_of_its_kinds(shapes, error):
    with pytest.raises(error):
        shapes["zzz"]


def test_is_a_mapping_that_cannot_be_written_to(shapes):
    assert "circle" in shapes
    assert "oval" not in shapes
    assert shapes.get("oval") is None
    with pytest.raises(TypeError):
        shapes["oval"] = "OVAL"


def test_something_that_is_no_name_is_refused_too(shapes):
    with pytest.raises(UnknownNameError, match="unknown shape"):
        shapes[["circle"]]
