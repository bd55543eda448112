import numpy as np
import pytest

from gamac_meta.types import MeasureTable


def table(*values, greater=True):
    return MeasureTable(np.array(values)[:, None], ("some",), (greater,))


def test_orientation_ties_and_undefined():
    assert table(0.5, 0.9, np.nan, 0.5).ranks()[:, 0].tolist() == [2.5, 1.0, 4.0, 2.5]
    assert table(0.5, 0.9, np.nan, 0.5, greater=False).ranks()[:, 0].tolist() == [1.5, 3.0, 4.0, 1.5]


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_rounding_is_no_difference_but_a_small_one_is(scale):
    value = 0.123456789 * scale
    assert table(value, np.nextafter(value, np.inf), value * 1.001).ranks()[:, 0].tolist() == [2.5, 2.5, 1.0]
    assert table(value, value * (1 + 1e-7)).ranks()[:, 0].tolist() == [2.0, 1.0]


def test_negative_values_keep_their_order():
    assert table(-2.0, -1.0, 0.0, 1.0).ranks()[:, 0].tolist() == [4.0, 3.0, 2.0, 1.0]
