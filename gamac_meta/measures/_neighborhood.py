"""Measures from the nearest points of a point's own and of other clusters."""

from math import inf

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.measures._density import share_of_row
from gamac_meta.measures._registry import measure
from gamac_meta.measures._separation import silhouette_widths

GAGOLEWSKI_2021 = "Gagolewski, Bartoszuk & Cena 2021, doi:10.1016/j.ins.2021.10.004"

# Degree of smoothness of the minimum in DuNN-OWA: its weights are a normal density of this deviation.
SMOOTHNESS = 5
# Densities that differ by less than this share of the largest are equal: rounding must not order points.
EQUAL_DENSITIES = 1e-4


@measure(
    "VIASCKDE",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Şenol 2022, doi:10.1155/2022/4059302",
)
def viasckde(xp, nearest_own, nearest_foreign, densities, cluster_maxima, labels):
    r"""Nearest foreign against nearest own point, weighted by density within the cluster.

    .. math:: \frac1n \sum_i w_i \frac{b_i - a_i}{\max(a_i, b_i)}, \quad
        w_i = \frac{\rho_i - \min_{j \in c} \rho_j}{\max_{j \in c} \rho_j - \min_{j \in c} \rho_j}

    with :math:`\rho` a Gaussian kernel density estimate from all points. The paper's algorithm gives the
    kernel no width, its author's package 0.05 in units of the data; here it is Scott's factor
    :math:`n^{-1/(d + 4)}` times the root mean variance of the columns, free of scale and rotation. Where
    the densities of a cluster are equal to a ten-thousandth, its weights are 1. A point that is alone in
    its cluster counts 0.
    """
    highest = cluster_maxima(densities)[labels]
    lowest = -cluster_maxima(-densities)[labels]
    distinct = highest - lowest > EQUAL_DENSITIES * highest
    weights = xp.where(distinct, (densities - lowest) / xp.where(distinct, highest - lowest, 1.0), 1.0)
    return xp.mean(weights * silhouette_widths(xp, nearest_own, nearest_foreign))


@measure(
    "Near-neighbor silhouette",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="after Lengyel & Botta-Dukát 2019, doi:10.1002/ece3.5774",
)
def neighbor_silhouette(xp, few_own_mean, few_foreign_mean, row_mean):
    r"""Silhouette whose means run over the five nearest points of the own cluster and of all others.

    .. math:: \frac1n \sum_i \frac{b_i - a_i}{\max(a_i, b_i)}

    Lengyel and Botta-Dukát take generalized means of distances, which near the minimum no longer favor
    round clusters; the mean over few points does the same and depends on no exponent. Where the cluster
    or its outside has fewer than five other points, both means run over as many as both have. A point
    that is alone in its cluster counts 0.
    """
    return row_mean(silhouette_widths(xp, few_own_mean, few_foreign_mean))


@measure(
    "CVNN",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Liu et al. 2013, doi:10.1109/TSMCB.2012.2220543",
)
def cvnn(xp, neighbor_labels, row_labels, row_cluster_means, pair_sums, sizes, n):
    r"""Clustering validation by nearest neighbors: foreign neighbors plus mean distance inside clusters.

    .. math:: \max_c \frac{1}{n_c} \sum_{i \in c} \frac{q_i}{10}
        + \frac{\sum_c \sum_{i, j \in c} d(x_i, x_j) \,/\, \sum_c n_c (n_c - 1)}
            {\sum_{i, j} d(x_i, x_j) \,/\, n (n - 1)}

    with :math:`q_i` the number of a point's ten nearest neighbors that lie in other clusters. The
    paper divides both terms by their largest values over the partitions compared. Here a value
    depends on one partition alone: the first term is at most 1 as it is, the second is divided by
    its value for all points as one cluster. The mean distance runs over all pairs inside clusters,
    as by Halkidi, Vazirgiannis & Hennig 2015, doi:10.1201/b19706; the paper adds up the means of
    clusters, which grows with their number. Which of equally distant neighbors count is arbitrary,
    but the same in any order of rows.
    """
    foreign = share_of_row(xp, neighbor_labels != row_labels[:, None])
    separation = xp.max(row_cluster_means(foreign))
    inside = xp.sum(xp.linalg.diagonal(pair_sums)) / xp.sum(sizes * (sizes - 1))
    return separation + inside / (xp.sum(pair_sums) / (n * (n - 1)))


@measure("WCNN", greater_is_better=True, bounds=(0.0, 1.0), reference=GAGOLEWSKI_2021)
def wcnn(xp, neighborhood, row_labels, row_mean):
    r"""Within-cluster near neighbors: share of a point's 25 nearest neighbors that lie in its cluster.

    .. math:: \frac{1}{25 n} \sum_i \sum_{j \in N_{25}(i)} [\text{i and j are in one cluster}]

    The paper gives a partition with a cluster of 25 points or fewer no value (minus infinity). Here
    it keeps one: such clusters cannot fill the neighborhoods of their points, which lowers the
    share. Of 25 points or fewer all are neighbors. Which of equally distant neighbors count is
    arbitrary, but the same in any order of rows.
    """
    return row_mean(share_of_row(xp, neighborhood[1] == row_labels[:, None]))


@measure("DuNN-OWA", greater_is_better=True, bounds=(0.0, inf), reference=GAGOLEWSKI_2021)
def dunn_owa(xp, neighborhood, nearest_foreign, row_labels, row_cluster_maxima):
    r"""Dunn's index on the graph of 25 nearest neighbors, with a smoothed minimum.

    .. math:: \frac{\sum_{r=1}^{15} w_r\, b_{(r)}}{\max a}, \quad w_r \propto e^{-(r - 1)^2 / 50}

    with b the lengths of the graph's edges between clusters, ascending, and a those of its edges
    inside clusters; an edge counts once for each end whose neighbor the other is. Of the ordered
    weighted averages of the paper these are SMin:5 and Max. Where no edge runs between clusters,
    and the paper's value is infinite, each point's distance to the nearest other cluster stands in.
    The paper gives a partition with a cluster of 25 points or fewer no value; here it keeps one.
    Which of equally distant neighbors count is arbitrary, but the same in any order of rows.
    """
    lengths, clusters = neighborhood
    same = clusters == row_labels[:, None]
    if not xp.any(same):
        raise UndefinedMeasureError("no point has a near neighbor in its own cluster")
    mixed = share_of_row(xp, same) < 1.0
    (rows,) = xp.nonzero(mixed)
    longest = xp.max(row_cluster_maxima(xp.where(mixed, 0.0, lengths[:, -1])))
    between = nearest_foreign
    if rows.shape[0] > 0:
        same, lengths = xp.take(same, rows, axis=0), xp.take(lengths, rows, axis=0)
        longest = xp.maximum(longest, xp.max(xp.where(same, lengths, 0.0)))
        between = xp.where(same, inf, lengths)
        # the smallest of all lie in the rows with the smallest minima
        order = xp.argsort(xp.min(between, axis=1))
        between = xp.take(between, order[: min(3 * SMOOTHNESS, order.shape[0])], axis=0)
    smallest = xp.sort(xp.reshape(between, (-1,)))
    smallest = smallest[: min(3 * SMOOTHNESS, smallest.shape[0])]
    ranks = xp.arange(smallest.shape[0], dtype=xp.float64)
    weights = xp.where(xp.isfinite(smallest), xp.exp(-0.5 * (ranks / SMOOTHNESS) ** 2), 0.0)
    return xp.sum(weights * xp.where(weights > 0.0, smallest, 0.0)) / xp.sum(weights) / longest


@measure(
    "Density valley",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="after Stuetzle 2003, doi:10.1007/s00357-003-0004-6",
)
def density_valley(valley_ratios):
    r"""How much deeper the valleys of density are between clusters than inside them.

    .. math:: \operatorname{mean}_{i, j \text{ apart}} v_{ij} - \operatorname{mean}_{i, j \text{ together}} v_{ij},
        \quad v_{ij} = 1 - \frac{\min_{e \text{ on the way}} \rho_e}{\sqrt{\rho_i \rho_j}}

    The way between two points is that along the minimum spanning tree. The density :math:`\rho_i`
    at a point is the inverse of the distance :math:`r_i` to its fifth nearest other, that at an
    edge the inverse of the largest of its length and the radii :math:`r` of its ends; so a valley v
    is 0 where density nowhere falls on the way, and near 1 where it all but vanishes. Stuetzle
    reads the modes of a density off the same tree; this asks of a partition whether its borders lie
    between modes. Radii are at least a billionth of the longest edge, or repeated points would be
    infinitely dense. Which of equally distant neighbors count is arbitrary, but the same in any
    order of rows.
    """
    together, apart = valley_ratios
    return together - apart
