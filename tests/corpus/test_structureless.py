"""Data without clusters: made again bit for bit, of many kinds and sizes, and nothing in them falls apart."""

import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.generators import GENERATORS
from corpus.structureless import DIMENSIONS, FAMILIES, POINTS, family, make
from gamac_meta.exceptions import InvalidInputError

ROUND = len(FAMILIES)


@settings(max_examples=30, deadline=None)
@given(number=st.integers(0, 3000), seed=st.integers(0, 2**32))
def test_any_number_makes_the_same_data_again(number, seed):
    first, second = make(number, seed), make(number, seed)
    assert first.data.X.tobytes() == second.data.X.tobytes()
    assert first.data.origin == second.data.origin
    n, d = first.data.X.shape
    assert POINTS[0] <= n <= POINTS[1]
    assert d == 2 or DIMENSIONS[0] <= d <= DIMENSIONS[1]
    assert np.all(np.ptp(first.data.X, axis=0) > 0)


def test_another_process_makes_the_same_data():
    code = f"from corpus.structureless import make\nfor i in range({ROUND}): print(make(i, 4).data.fingerprint)"
    # one thread there and as many as there are here: sums must not depend on it
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.stdout.split() == [make(number, 4).data.fingerprint for number in range(ROUND)]


def test_families_take_turns_and_half_of_the_data_lie_in_the_plane():
    made = [make(number, 0) for number in range(4 * ROUND)]
    assert set(Counter(each.family for each in made).values()) == {4}
    assert all(each.group == FAMILIES[each.family].group for each in made)
    assert 0.3 < np.mean([each.data.d == 2 for each in made]) < 0.7
    assert len({each.group for each in made}) >= 8


def test_they_are_no_families_of_a_corpus():
    assert not set(FAMILIES) & set(GENERATORS)


@pytest.mark.parametrize("name", FAMILIES)
def test_no_empty_belt_parts_the_points(name):
    # of a spanning tree cut at any edge far longer than the rest, one side is a handful of points
    from scipy.sparse.csgraph import connected_components, minimum_spanning_tree
    from scipy.spatial.distance import pdist, squareform

    for d in (2, 5):
        X = FAMILIES[name].formula(np.random.default_rng(7), 400, d)
        assert X.shape == (400, d)
        tree = minimum_spanning_tree(squareform(pdist(X)))
        tree.data[tree.data > 6.0 * np.median(tree.data)] = 0.0
        tree.eliminate_zeros()
        sizes = np.bincount(connected_components(tree, directed=False)[1])
        assert np.sort(sizes)[-2:][0] < 20 or sizes.size == 1


def test_numbers_below_zero_and_families_without_a_word_are_refused():
    with pytest.raises(InvalidInputError, match="number and seed must be >= 0, got -1 and 0"):
        make(-1, 0)
    with pytest.raises(TypeError, match="structureless family 'nameless' has no docstring"):

        @family("nothing")
        def nameless(rng, n, d):
            return rng.normal(size=(n, d))
