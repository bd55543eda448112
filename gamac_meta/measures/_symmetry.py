"""Measures in which scatter is point symmetry about the centroid.

All use the distance :math:`d^*_{ps}` of Bandyopadhyay & Saha 2008, doi:10.1109/TKDE.2008.79: the mean
distance from a point's mirror image to its two nearest points of the same cluster, times the point's
distance to the centroid. It is a squared length, so none of these is free of scale.
"""

from math import inf

from gamac_meta.measures._centroids import starred
from gamac_meta.measures._registry import measure

SAHA = "Saha & Bandyopadhyay 2009, doi:10.1109/TSMCC.2009.2013335"


@measure(
    "Sym",
    greater_is_better=True,
    bounds=(0.0, inf),
    reference="Bandyopadhyay & Saha 2008, doi:10.1109/TKDE.2008.79",
    scale_free=False,
)
def sym(xp, symmetry_distances, row_mean, centroid_distances, n, k):
    r"""Largest distance of two centroids over the clusters' asymmetry.

    .. math:: \frac{\max_{a, b} d(a, b)}{k \sum_i d^*_{ps}(x_i, c_i)}
    """
    widest = xp.max(xp.where(xp.isinf(centroid_distances), 0.0, centroid_distances))
    return widest / (k * n * row_mean(symmetry_distances))


@measure("Sym-DB", greater_is_better=False, bounds=(0.0, inf), reference=SAHA, scale_free=False)
def sym_db(xp, symmetry_distances, row_cluster_means, centroid_distances):
    r"""Davies-Bouldin with the mean symmetry distance as a cluster's scatter.

    .. math:: \frac1k \sum_a \max_{b \ne a} \frac{s_a + s_b}{d(a, b)},
        \quad s_c = \frac{1}{n_c} \sum_{i \in c} d^*_{ps}(x_i, c)
    """
    scatter = row_cluster_means(symmetry_distances)
    return xp.mean(xp.max((scatter[:, None] + scatter[None, :]) / centroid_distances, axis=1))


@measure(
    "Sym-DB*",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference=f"{SAHA}, with Kim & Ramakrishna 2005",
    scale_free=False,
)
def sym_db_star(xp, symmetry_distances, row_cluster_means, centroid_distances):
    r"""Davies-Bouldin* with the mean symmetry distance as a cluster's scatter.

    .. math:: \frac1k \sum_a \frac{\max_{b \ne a} (s_a + s_b)}{\min_{b \ne a} d(a, b)},
        \quad s_c = \frac{1}{n_c} \sum_{i \in c} d^*_{ps}(x_i, c)
    """
    return starred(xp, row_cluster_means(symmetry_distances), centroid_distances)


@measure("Sym-11", greater_is_better=True, bounds=(0.0, inf), reference=SAHA, scale_free=False)
def sym_11(xp, symmetry_distances, row_cluster_maxima, gaps):
    r"""Dunn with the largest symmetry distance as a cluster's extent.

    .. math:: \frac{\min_{a \ne b} \min_{i \in a, j \in b} d(x_i, x_j)}{\max_c \max_{i \in c} d^*_{ps}(x_i, c)}
    """
    return xp.min(gaps) / xp.max(row_cluster_maxima(symmetry_distances))


@measure("Sym-33", greater_is_better=True, bounds=(0.0, inf), reference=SAHA, scale_free=False)
def sym_33(xp, symmetry_distances, row_cluster_means, mean_gaps):
    r"""Generalized Dunn 33 with twice the mean symmetry distance as a cluster's extent.

    .. math:: \frac{\min_{a \ne b} \frac{1}{n_a n_b} \sum_{i \in a, j \in b} d(x_i, x_j)}
        {\max_c \frac{2}{n_c} \sum_{i \in c} d^*_{ps}(x_i, c)}
    """
    return xp.min(mean_gaps) / (2.0 * xp.max(row_cluster_means(symmetry_distances)))
