"""evaluate on whatever people may pass: no crash, no warning, no value without meaning, no NaN without a reason.

Warnings are errors in every test.
"""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.measures import MEASURES, NOISE_POLICIES, _large, evaluate

POINTS = ("normal", "few values", "one place and outliers", "line", "lattice", "blobs", "uneven columns")
LABELS = (
    "random", "pairs", "one point and the rest", "all but one alone", "all alone", "one cluster", "noise only",
    "one cluster and noise", "mostly noise", "gapped", "sorted",
)  # fmt: skip


@st.composite
def points(draw, kinds=POINTS, sizes=(10, 40)):
    """(n, d) points, 10 <= n, some of them in degenerate positions; never all equal."""
    kind = draw(st.sampled_from(kinds), label="points")
    n = draw(st.one_of(st.just(sizes[0]), st.integers(*sizes)), label="n")
    d = draw(st.one_of(st.just(1), st.integers(1, 5)), label="d")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    X = rng.normal(size=(n, d))
    if kind == "few values":
        X = rng.integers(0, 3, (n, d)).astype(np.float64)
    elif kind == "one place and outliers":
        X[: n - 2] = X[0]
    elif kind == "line":
        X = np.linspace(0.0, 1.0, n)[:, None] * np.ones(d)
    elif kind == "lattice":
        X = np.stack([np.arange(n) // 4] * d, axis=1) + (np.arange(n) % 4)[:, None] * np.eye(1, d)
    elif kind == "blobs":
        X += 1e3 * rng.integers(0, 3, (n, 1))
    elif kind == "uneven columns":
        X *= 10.0 ** rng.integers(-4, 5, d)
    if np.ptp(X, axis=0).max() == 0.0:
        X[0] += 1.0
    return X


def labelling(draw, n):
    """(n,) labels, -1 is noise."""
    kind = draw(st.sampled_from(LABELS), label="labels")
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="label seed"))
    k = draw(st.integers(2, n), label="k")
    labels = rng.integers(0, k, n)
    if kind == "pairs":
        labels = rng.permutation(np.arange(n) // 2)
    elif kind == "one point and the rest":
        labels = np.arange(n) // (n - 1)
    elif kind == "all but one alone":  # k = n - 1
        labels = rng.permutation(np.maximum(np.arange(n) - 1, 0))
    elif kind == "all alone":
        labels = rng.permutation(n)
    elif kind == "one cluster":
        labels = np.zeros(n, dtype=np.int64)
    elif kind == "noise only":
        labels = np.full(n, -1)
    elif kind == "one cluster and noise":
        labels = np.arange(n) % 2 - 1
    elif kind == "mostly noise":
        labels = np.where(rng.random(n) < 0.8, -1, labels)
    elif kind == "gapped":
        labels = 7 * labels + 3
    elif kind == "sorted":
        labels = np.sort(labels)
    return labels


@st.composite
def inputs(draw, kinds=POINTS, sizes=(10, 40)):
    """(X, partitions, noise policy)."""
    X = draw(points(kinds, sizes))
    partitions = np.stack([labelling(draw, len(X)) for _ in range(draw(st.integers(1, 3), label="p"))])
    return X, partitions, draw(st.sampled_from(NOISE_POLICIES), label="noise")


def clusters(row, noise):
    """Clusters that a labelling has under a noise policy."""
    return len(set(row.tolist()) - (set() if noise == "cluster" else {-1}))


def refused(partitions, noise):
    """Whether no partition has two clusters to compare."""
    apart = max(clusters(row, "drop") for row in partitions)
    return apart < 2 and not (noise == "cluster" and np.any(partitions == -1))


def require_sense(table):
    """Values lie within bounds or are NaN with a reason."""
    assert not np.isinf(table.values).any()
    missing = {(row, table.measures[column]) for row, column in np.argwhere(np.isnan(table.values)).tolist()}
    assert set(table.reasons) == missing
    assert all(why.strip() for why in table.reasons.values())
    for column, name in enumerate(table.measures):
        low, high = MEASURES[name].bounds
        values = table.values[:, column]
        assert np.all(np.isnan(values) | ((values >= low - 1e-9) & (values <= high + 1e-9))), name


def same_table(table, other):
    assert np.array_equal(table.values, other.values, equal_nan=True)
    assert table.reasons == other.reasons
    assert table.noise_share.tolist() == other.noise_share.tolist()


@settings(max_examples=150, deadline=None)
@given(given=inputs())
def test_every_value_is_within_bounds_or_undefined_with_a_reason(given):
    X, partitions, noise = given
    before = X.copy(), partitions.copy()
    if refused(partitions, noise):
        with pytest.raises(InvalidInputError, match="at least 2 clusters"):
            evaluate(X, partitions, noise=noise)
        return
    table = evaluate(X, partitions, noise=noise)
    assert np.array_equal(X, before[0])
    assert np.array_equal(partitions, before[1])
    require_sense(table)
    for row, labels in enumerate(partitions):
        if clusters(labels, noise) < 2:
            assert np.isnan(table.values[row]).all()


LAYOUTS = {
    "Fortran order": np.asfortranarray,
    "every other row": lambda X: np.repeat(X, 2, axis=0)[::2],
    "every other column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards": lambda X: X[::-1].copy()[::-1],
    "transposed": lambda X: X.T.copy().T,
    "other byte order": lambda X: X.astype(X.dtype.newbyteorder()),
    "objects": lambda X: X.astype(object),
    "lists": lambda X: X.tolist(),
    "a pandas frame": lambda X: pd.DataFrame(X).rename(columns=str),
    "nullable columns": lambda X: pd.DataFrame(X).convert_dtypes(),
    "a polars frame": lambda X: pl.DataFrame(np.ascontiguousarray(X)),
    "long double": lambda X: X.astype(np.longdouble),
}


def read_only(array):
    array.flags.writeable = False
    return array


@settings(max_examples=60, deadline=None)
@given(given=inputs(), layout=st.sampled_from(sorted(LAYOUTS)))
def test_memory_layout_does_not_matter(given, layout):
    X, partitions, noise = given
    partitions[0] = np.arange(len(X)) % 3  # at least one can be measured
    expected = evaluate(X, partitions, noise=noise)
    same_table(evaluate(LAYOUTS[layout](X), partitions, noise=noise), expected)
    same_table(evaluate(read_only(X), read_only(partitions), noise=noise), expected)


WHOLE = ("int8", "uint8", "int16", "int32", "uint32", "int64", "uint64", "float16", "float32")


@settings(max_examples=60, deadline=None)
@given(given=inputs(("few values", "lattice")), dtype=st.sampled_from(WHOLE))
def test_whole_numbers_of_any_type_are_the_same_points(given, dtype):
    X, partitions, noise = given
    partitions[0] = np.arange(len(X)) % 3
    same_table(evaluate(X.astype(dtype), partitions, noise=noise), evaluate(X, partitions, noise=noise))


@settings(max_examples=30, deadline=None)
@given(given=inputs(("normal", "blobs")))
def test_single_precision_is_widened_and_not_computed_in(given):
    X, partitions, noise = given
    partitions[0] = np.arange(len(X)) % 3
    single = X.astype(np.float32)
    same_table(evaluate(single, partitions, noise=noise), evaluate(single.astype(np.float64), partitions, noise=noise))


LABEL_FORMS = {
    "lists": lambda rows: rows.tolist(),
    "tuple of arrays": tuple,
    "floats": lambda rows: rows.astype(np.float64),
    "small integers": lambda rows: rows.astype(np.int16),
    "Fortran order": np.asfortranarray,
    "every other column": lambda rows: np.repeat(rows, 2, axis=1)[:, ::2],
    "a pandas frame": lambda rows: pd.DataFrame(rows.T),
    "a polars frame": lambda rows: pl.DataFrame(np.ascontiguousarray(rows.T)),
    "with gaps": lambda rows: np.where(rows < 0, rows, 11 * rows + 5),
}


@settings(max_examples=60, deadline=None)
@given(given=inputs(), form=st.sampled_from(sorted(LABEL_FORMS)))
def test_labels_mean_the_same_in_any_form(given, form):
    X, partitions, noise = given
    partitions[0] = np.arange(len(X)) % 3
    same_table(evaluate(X, LABEL_FORMS[form](partitions), noise=noise), evaluate(X, partitions, noise=noise))


@settings(max_examples=40, deadline=None)
@given(given=inputs(("normal",)), exponent=st.integers(-90, 90))
def test_magnitude_changes_no_scale_free_value(given, exponent):
    X, partitions, _ = given
    partitions[0] = np.arange(len(X)) % 3
    free = [name for name, measure in MEASURES.items() if measure.scale_free]
    # a power of two scales without rounding
    scaled = np.ldexp(X, int(exponent * 3.3))
    values, expected = evaluate(scaled, partitions, free).values, evaluate(X, partitions, free).values
    assert values == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


FEW = {"EXACT_POINTS": 60, "TRIALS": (40, 80, 160), "TRIAL_ROWS": 8, "ROWS": (40, 80), "SUBSAMPLE": (40, 80)}


@settings(max_examples=30, deadline=None)
@given(given=inputs(sizes=(100, 160)), seed=st.integers(0, 9))
def test_estimates_have_intervals_or_none_and_make_the_same_sense(given, seed):
    X, partitions, noise = given
    partitions[0] = np.arange(len(X)) % 3
    with pytest.MonkeyPatch.context() as patch:
        for name, few in FEW.items():
            patch.setattr(_large, name, few)
        # no time at all: nothing is exact that can be estimated
        table, again = (evaluate(X, partitions, noise=noise, time_limit=1e-9, random_state=seed) for _ in range(2))
    same_table(table, again)
    require_sense(table)
    assert set(table.methods) == set(table.approximate)
    guessed = np.isin(table.measures, table.approximate)
    exact = (table.low == table.values) & (table.values == table.high)
    assert np.all(exact[:, ~guessed] | np.isnan(table.values[:, ~guessed]))
    known = ~np.isnan(table.low) & ~np.isnan(table.high) & ~np.isnan(table.values)
    # an interval ends at the measure's bounds, which a value may pass by rounding
    assert np.all((table.low - 1e-9 <= table.values)[known])
    assert np.all((table.values <= table.high + 1e-9)[known])


@st.composite
def broken(draw):
    """Inputs that break a rule, and words of the refusal."""
    X, labels = np.random.default_rng(0).normal(size=(12, 2)), np.arange(12) % 3
    place = draw(st.integers(0, 11), label="place"), draw(st.integers(0, 1), label="column")
    kind = draw(st.sampled_from(["nan", "inf", "fewer", "flat", "label", "fraction", "length", "text", "3-D"]))
    if kind in ("nan", "inf"):
        X[place] = float(kind)
        return X, labels, f"must be finite, got 1 .* row {place[0]}, column {place[1]}"
    if kind == "label":
        labels[place[0]] = draw(st.integers(-100, -2), label="label")
        return X, labels, "labels must be >= -1"
    return {
        "fewer": (X[: 9 - place[1]], labels[: 9 - place[1]], "at least 10 points"),
        "flat": (np.ones((12, 2)), labels, "must not be constant"),
        "fraction": (X, labels + 0.5, "whole numbers"),
        "length": (X, labels[: place[0] + 1][:11], "label each of 12 points"),
        "text": (np.full((12, 2), "a"), labels, "must be numeric"),
        "3-D": (X[None], labels, "must have 2 dimensions"),
    }[kind]


@settings(max_examples=60, deadline=None)
@given(case=broken())
def test_what_breaks_a_rule_is_refused_by_that_rule(case):
    X, labels, words = case
    with pytest.raises(InvalidInputError, match=words):
        evaluate(X, labels)
