"""Measures from near neighbours."""

from math import inf

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.measures._registry import measure

PURITY_NEIGHBOURS = 7


@measure(
    "Neighbour purity",
    greater_is_better=True,
    bounds=(-inf, 1.0),
    reference="k-nearest-neighbour consistency, Ding & He 2004, doi:10.1145/967900.968021",
)
def neighbour_purity(xp, neighbour_labels, labels, sizes, n):
    r"""Share of a point's seven nearest neighbours that lie in its cluster, beyond chance.

    .. math:: \frac{q - \sum_c p_c^2}{1 - \sum_c p_c^2}

    with q the mean share and :math:`p_c` the clusters' shares of the points. Without the correction
    few large clusters always win. Among equally distant neighbours the choice is arbitrary.
    """
    same = neighbour_labels[:, :PURITY_NEIGHBOURS] == labels[:, None]
    chance = xp.sum((sizes / n) ** 2)
    return (xp.mean(xp.astype(same, xp.float64)) - chance) / (1.0 - chance)


@measure(
    "Connectivity",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Handl, Knowles & Kell 2005, doi:10.1093/bioinformatics/bti517",
)
def connectivity(xp, neighbour_labels, labels):
    r"""Near neighbours that lie in other clusters, the j-th nearest of ten weighing 1/j.

    .. math:: \sum_i \sum_{j=1}^{10} \frac1j \, [\text{the j-th neighbour of i is in another cluster}]
    """
    count = neighbour_labels.shape[1]
    if count < 1:
        raise UndefinedMeasureError("points have no neighbours")
    apart = neighbour_labels != labels[:, None]
    return xp.sum(xp.where(apart, 1.0 / xp.arange(1, count + 1)[None, :], 0.0))
