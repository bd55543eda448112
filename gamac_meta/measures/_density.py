"""Measures from near neighbors, spanning trees and density."""

from math import inf

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.measures._registry import measure

PURITY_NEIGHBORS = 7


@measure(
    "Neighbor purity",
    greater_is_better=True,
    bounds=(-inf, 1.0),
    reference="k-nearest-neighbor consistency, Ding & He 2004, doi:10.1145/967900.968021",
)
def neighbor_purity(xp, neighbor_labels, row_labels, row_mean, sizes, n):
    r"""Share of a point's seven nearest neighbors that lie in its cluster, beyond chance.

    .. math:: \frac{q - \sum_c p_c^2}{1 - \sum_c p_c^2}

    with q the mean share and :math:`p_c` the clusters' shares of the points. Without the correction
    few large clusters always win. Which of equally distant neighbors count is arbitrary, but the
    same in any order of rows.
    """
    same = share_of_row(xp, neighbor_labels[:, :PURITY_NEIGHBORS] == row_labels[:, None])
    chance = xp.sum((sizes / n) ** 2)
    return (row_mean(same) - chance) / (1.0 - chance)


def share_of_row(xp, flags):
    """(r,) share of true among the flags (r, m) of each row."""
    # by a product: means along short rows take several times as long
    return xp.matmul(xp.astype(flags, xp.float64), xp.ones(flags.shape[1])) / flags.shape[1]


@measure(
    "Connectivity",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Handl, Knowles & Kell 2005, doi:10.1093/bioinformatics/bti517",
)
def connectivity(xp, neighbor_labels, row_labels, row_mean, n):
    r"""Near neighbors that lie in other clusters, the j-th nearest of ten weighing 1/j.

    .. math:: \sum_i \sum_{j=1}^{10} \frac1j \, [\text{the j-th neighbor of i is in another cluster}]

    Which of equally distant neighbors count is arbitrary, but the same in any order of rows.
    """
    count = neighbor_labels.shape[1]
    if count < 1:
        raise UndefinedMeasureError("points have no neighbors")
    apart = xp.astype(neighbor_labels != row_labels[:, None], xp.float64)
    return n * row_mean(xp.matmul(apart, 1.0 / xp.arange(1, count + 1, dtype=xp.float64)))


@measure(
    "Spanning-tree gap",
    greater_is_better=True,
    bounds=(0.0, inf),
    reference="after Zahn 1971, doi:10.1109/T-C.1971.223083",
)
def spanning_tree_gap(xp, tree_edges):
    r"""Mean length of the minimum spanning tree's edges between clusters over that of its edges inside.

    .. math:: \frac{\tfrac{1}{|B|} \sum_{e \in B} |e|}{\tfrac{1}{|W|} \sum_{e \in W} |e|}

    with B the edges between clusters and W those inside. Zahn cuts inconsistently long edges of the
    tree; this asks of a partition whether it cuts such edges. Which of equally distant neighbors
    count is arbitrary, but the same in any order of rows.
    """
    inside, crossing = tree_edges
    if inside.shape[0] == 0:
        raise UndefinedMeasureError("no edge of the minimum spanning tree lies inside a cluster")
    return xp.mean(crossing) / xp.mean(inside)


@measure(
    "DBCV",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Moulavi et al. 2014, doi:10.1137/1.9781611973440.96",
)
def dbcv(xp, density_structure, sizes, n_given):
    r"""Density-based validity: density separation against density sparseness of each cluster.

    .. math:: \sum_c \frac{n_c}{N} \cdot \frac{\min_b S(c, b) - D(c)}{\max(\min_b S(c, b), D(c))}

    D is the longest edge between internal points of the cluster's spanning tree of mutual
    reachability, S the smallest mutual reachability of two clusters' internal points. A cluster of
    one point has no density and counts 0; one without internal edges counts all its edges. N counts
    all points, noise included, so that calling points noise costs their share of the value. Which
    of equally distant neighbors count is arbitrary, but the same in any order of rows.
    """
    sparseness, separation = density_structure
    if xp.sum(xp.astype(sizes > 1, xp.int64)) < 2:
        raise UndefinedMeasureError("fewer than two clusters have more than one point")
    validity = (separation - sparseness) / xp.maximum(separation, sparseness)
    return xp.sum(xp.where(sizes > 1, sizes * validity, 0.0)) / n_given
