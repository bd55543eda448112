"""How alike two orders are, always on ranks, never on the numbers of partitions."""

from __future__ import annotations

import numpy as np

from gamac_meta.types import Floats


def kendall_tau(first: Floats, second: Floats) -> Floats:
    """Kendall tau-b between the columns of first (p, a) and second (p, b): (a, b).

    Inputs are ranks or values of the same orientation, without NaN. A column of equal values
    orders nothing: its tau is 0.  Kendall 1945, doi:10.2307/2332303.
    """
    rows, columns = np.triu_indices(len(first), k=1)
    a = np.sign(first[rows] - first[columns])
    b = np.sign(second[rows] - second[columns])
    untied = np.sqrt(np.outer(np.sum(a != 0, axis=0), np.sum(b != 0, axis=0)))
    return np.divide(a.T @ b, untied, out=np.zeros_like(untied), where=untied > 0)
