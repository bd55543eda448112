"""Hypothesis strategies: small data sets with a partition of them."""

import numpy as np
from hypothesis import strategies as st


@st.composite
def clusterings(draw, max_points=26, max_clusters=5, distinct=True, noise=False):
    """(X, labels): points in 1 to 4 dimensions, 2 <= k < n clusters, some of them single points.

    Labels follow blobs or cut across them. Unless distinct, some points are repeated exactly.
    With noise, up to as many points again are labelled -1.
    """
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1), label="seed"))
    n = draw(st.integers(10, max_points), label="n")
    d = draw(st.integers(1, 4), label="d")
    k = draw(st.integers(2, max_clusters), label="k")
    spread = draw(st.sampled_from([0.0, 1.0, 6.0]), label="spread")
    labels = rng.permutation(np.concatenate([np.arange(k), rng.integers(0, k, n - k)]))
    if draw(st.booleans(), label="uneven"):
        labels = rng.permutation(np.concatenate([np.arange(k), np.zeros(n - k, dtype=np.int64)]))
    X = rng.normal(size=(n, d)) + spread * rng.normal(size=(k, d))[labels]
    if draw(st.booleans(), label="skewed"):
        X = np.exp(X / (1.0 + spread))
    if not distinct:
        copies = draw(st.integers(1, n // 2), label="copies")
        X[rng.choice(n, copies, replace=False)] = X[rng.integers(0, n, copies)]
    if noise:
        extra = draw(st.integers(1, n), label="extra")
        order = rng.permutation(n + extra)
        X = np.concatenate([X, 2.0 * rng.normal(size=(extra, d))])[order]
        labels = np.concatenate([labels, np.full(extra, -1)])[order]
    return X, labels


def same_points(rows, columns=2):
    """(rows, columns) data in which few distinct points repeat."""
    return st.lists(st.tuples(*[st.integers(0, 2)] * columns), min_size=rows, max_size=rows).map(
        lambda points: np.array(points, dtype=np.float64)
    )
