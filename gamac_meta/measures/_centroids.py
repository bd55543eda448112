"""Measures from distances of points to centroids and of centroids to each other."""

from math import inf

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.measures._registry import measure

HALKIDI_2000 = "Halkidi, Vazirgiannis & Batistakis 2000, doi:10.1007/3-540-45372-5_26"


@measure(
    "Davies-Bouldin",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Davies & Bouldin 1979, doi:10.1109/TPAMI.1979.4766909",
)
def davies_bouldin(xp, mean_to_centroid, centroid_distances):
    r"""Mean over clusters of the worst ratio of two clusters' scatter to the distance of their centroids.

    .. math:: \frac1k \sum_a \max_{b \ne a} \frac{s_a + s_b}{d(a, b)}

    with :math:`s` the mean distance to the centroid.
    """
    scatter = mean_to_centroid[:, None] + mean_to_centroid[None, :]
    return xp.mean(xp.max(scatter / centroid_distances, axis=1))


@measure(
    "Davies-Bouldin*",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Kim & Ramakrishna 2005, doi:10.1016/j.patrec.2005.04.007",
)
def davies_bouldin_star(xp, mean_to_centroid, centroid_distances):
    r"""Davies-Bouldin with the largest scatter and the smallest distance taken separately.

    .. math:: \frac1k \sum_a \frac{\max_{b \ne a} (s_a + s_b)}{\min_{b \ne a} d(a, b)}
    """
    return starred(xp, mean_to_centroid, centroid_distances)


def starred(xp, scatter, centroid_distances):
    """Kim & Ramakrishna's form of Davies-Bouldin over any scatter (k,)."""
    sums = scatter[:, None] + scatter[None, :]
    others = xp.where(xp.isinf(centroid_distances), -inf, sums)
    return xp.mean(xp.max(others, axis=1) / xp.min(centroid_distances, axis=1))


@measure(
    "Score function",
    greater_is_better=True,
    bounds=(0.0, 1.0),
    reference="Saitta, Raphael & Smith 2007, doi:10.1007/978-3-540-73499-4_14",
    scale_free=False,
)
def score_function(xp, mean_to_centroid, centroid_to_center, sizes, n, k):
    r"""Between-cluster minus within-cluster distance, through a double exponential.

    .. math:: 1 - e^{-e^{b - w}}, \quad b = \frac{1}{n k} \sum_c n_c\, d(c, \bar x), \quad w = \sum_c s_c
    """
    between = xp.sum(sizes * centroid_to_center) / (n * k)
    return -xp.expm1(-xp.exp(between - xp.sum(mean_to_centroid)))


@measure(
    "SV",
    greater_is_better=True,
    bounds=(0.0, inf),
    reference="Žalik & Žalik 2011, doi:10.1016/j.patrec.2010.08.007",
)
def sv(xp, centroid_distances, border_distances):
    r"""Separation of nearest centroids over the reach of the clusters' borders.

    .. math:: \frac{\sum_a \min_{b \ne a} d(a, b)}{\sum_c r_c}

    with :math:`r_c` the mean distance to the centroid of the tenth of the cluster farthest from it.
    The tenth is rounded up; for sizes divisible by ten this is the published formula as given by
    Arbelaitz et al. 2013, doi:10.1016/j.patcog.2012.07.021.
    """
    return xp.sum(xp.min(centroid_distances, axis=1)) / xp.sum(border_distances)


@measure(
    "PBM",
    greater_is_better=True,
    bounds=(0.0, inf),
    reference="Pakhira, Bandyopadhyay & Maulik 2004, doi:10.1016/j.patcog.2003.06.005",
    scale_free=False,
)
def pbm(xp, to_center, to_centroid, centroid_distances, k):
    r"""Squared product of compactness and the largest separation.

    .. math:: \Big( \frac1k \cdot \frac{\sum_i d(x_i, \bar x)}{\sum_i d(x_i, c_i)} \cdot \max_{a, b} d(a, b) \Big)^2
    """
    widest = xp.max(xp.where(xp.isinf(centroid_distances), 0.0, centroid_distances))
    return (xp.sum(to_center) / xp.sum(to_centroid) * widest / k) ** 2


@measure(
    "Ray-Turi",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Ray & Turi 1999; for crisp clusters the index of Xie & Beni 1991, doi:10.1109/34.85677",
)
def ray_turi(xp, within_ss, centroid_distances, n):
    r"""Mean squared distance to the centroid over the smallest squared distance of two centroids.

    .. math:: \frac{\tfrac1n \sum_i d(x_i, c_i)^2}{\min_{a \ne b} d(a, b)^2}
    """
    return xp.sum(within_ss) / n / xp.min(centroid_distances) ** 2


@measure(
    "Wemmert-Gancarski",
    greater_is_better=True,
    bounds=(0.0, 1.0),
    reference="Wemmert 2000, in Forestier, Gançarski & Wemmert 2010, doi:10.1016/j.datak.2009.10.004",
)
def wemmert_gancarski(xp, to_centroid, to_nearest_other_centroid, cluster_means, sizes, n):
    r"""How much nearer points are to their own centroid than to any other.

    .. math:: \frac1n \sum_c n_c \max\Big(0,
        1 - \frac{1}{n_c} \sum_{i \in c} \frac{d(x_i, c)}{\min_{b \ne c} d(x_i, b)}\Big)

    A point on its own centroid counts as nearest to it, even where another centroid lies there too.
    """
    ratios = xp.where(to_centroid > 0.0, to_centroid / to_nearest_other_centroid, 0.0)
    return xp.sum(sizes * xp.maximum(0.0, 1.0 - cluster_means(ratios))) / n


@measure(
    "Simplified silhouette",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Vendramin, Campello & Hruschka 2010, doi:10.1002/sam.10080",
)
def simplified_silhouette(xp, to_centroid, to_nearest_other_centroid, labels, sizes):
    r"""Silhouette with distances to centroids in place of mean distances to points.

    .. math:: \frac1n \sum_i \frac{b_i - a_i}{\max(a_i, b_i)},
        \quad a_i = d(x_i, c_i), \quad b_i = \min_{c \ne c_i} d(x_i, c)

    A point that is alone in its cluster counts 0.
    """
    nearest = to_nearest_other_centroid
    larger = xp.maximum(to_centroid, nearest)
    width = xp.where(larger > 0.0, (nearest - to_centroid) / larger, 0.0)
    return xp.mean(xp.where(sizes[labels] == 1, 0.0, width))


def _variance_lengths(xp, cluster_variances, column_variances):
    """(k,) lengths of the clusters' vectors of column variances, that of all points, and their unit."""
    unit = xp.max(column_variances)  # or the squares of variances overflow before anything else does
    clusters = xp.linalg.vector_norm(cluster_variances / unit, axis=1)
    return clusters, xp.linalg.vector_norm(column_variances / unit), unit


@measure(
    "SD scatter",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference=HALKIDI_2000,
    rotation_free=False,
)
def sd_scat(xp, cluster_variances, column_variances):
    r"""Mean length of a cluster's vector of column variances over that of all points.

    .. math:: \frac1k \sum_c \frac{\|\sigma(c)\|}{\|\sigma(X)\|}

    The first term of the SD index, whose weight depends on the set of partitions compared.
    """
    clusters, whole, _ = _variance_lengths(xp, cluster_variances, column_variances)
    return xp.mean(clusters) / whole


@measure(
    "SD separation",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference=HALKIDI_2000,
    scale_free=False,
)
def sd_dis(xp, centroid_distances):
    r"""Unevenness of the distances between centroids, the second term of the SD index.

    .. math:: \frac{\max_{a, b} d(a, b)}{\min_{a \ne b} d(a, b)} \sum_a \Big( \sum_b d(a, b) \Big)^{-1}
    """
    distances = xp.where(xp.isinf(centroid_distances), 0.0, centroid_distances)
    return xp.max(distances) / xp.min(centroid_distances) * xp.sum(1.0 / xp.sum(distances, axis=1))


@measure(
    "S_Dbw",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Halkidi & Vazirgiannis 2001, doi:10.1109/ICDM.2001.989517",
    rotation_free=False,
)
def s_dbw(xp, cluster_variances, column_variances, midpoint_densities, k):
    r"""Scatter inside clusters plus density between them.

    .. math:: \frac1k \sum_c \frac{\|\sigma(c)\|}{\|\sigma(X)\|}
        + \frac{2}{k (k - 1)} \sum_{a < b} \frac{\rho(u_{ab})}{\max(\rho(a), \rho(b))}

    with :math:`\sigma` the vector of column variances, u the midpoint of two centroids and
    :math:`\rho` the points of both clusters within :math:`\tfrac1k \sqrt{\sum_c \|\sigma(c)\|}`.
    Undefined where two clusters are empty around their centroids, as rings are.
    """
    clusters, whole, unit = _variance_lengths(xp, cluster_variances, column_variances)
    ratios = midpoint_densities(xp.sqrt(unit * xp.sum(clusters)) / k)
    if xp.any(xp.isnan(ratios)):
        raise UndefinedMeasureError("two clusters have no points near their centroids")
    return xp.mean(clusters) / whole + xp.mean(ratios)
