"""Measures from distances between and inside clusters: silhouette, generalized Dunn, COP, CS, ..."""

from math import inf

from gamac_meta.measures._registry import measure

ROUSSEEUW = "Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7"


@measure("Silhouette", greater_is_better=True, bounds=(-1.0, 1.0), reference=ROUSSEEUW)
def silhouette(xp, own_mean, other_mean, row_mean):
    r"""Mean over points of how much nearer the own cluster is than the nearest other one.

    .. math:: \frac1n \sum_i \frac{b_i - a_i}{\max(a_i, b_i)}

    A point that is alone in its cluster counts 0, as in the paper.
    """
    return row_mean(silhouette_widths(xp, own_mean, other_mean))


@measure("Macro silhouette", greater_is_better=True, bounds=(-1.0, 1.0), reference=ROUSSEEUW)
def macro_silhouette(xp, own_mean, other_mean, row_cluster_means):
    r"""Mean over clusters of the mean silhouette width, so that small clusters count as much as large ones.

    .. math:: \frac1k \sum_c \frac{1}{n_c} \sum_{i \in c} \frac{b_i - a_i}{\max(a_i, b_i)}
    """
    return xp.mean(row_cluster_means(silhouette_widths(xp, own_mean, other_mean)))


def silhouette_widths(xp, own_mean, other_mean):
    """(n,) silhouette width of each point."""
    larger = xp.maximum(own_mean, other_mean)
    width = xp.where(larger > 0.0, (other_mean - own_mean) / larger, 0.0)
    return xp.where(xp.isnan(own_mean), 0.0, width)


@measure(
    "Medoid silhouette",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Lenssen & Schubert 2022, doi:10.1007/978-3-031-17849-8_15",
)
def medoid_silhouette(xp, medoid_distances, labels, sizes):
    r"""Silhouette with distances to medoids in place of mean distances to points.

    .. math:: \frac1n \sum_i \frac{b_i - a_i}{\max(a_i, b_i)}

    with :math:`a_i` the distance to the medoid of the own cluster, its point of least mean distance to
    the others, and :math:`b_i` that to the nearest other medoid. Where every point is in the cluster of
    its nearest medoid, as in the paper, a width is :math:`1 - a_i / b_i`. Of points equally central in
    their cluster, as any two are, the medoid is the one farther from the mean of all points. A point
    that is alone in its cluster counts 0, as in the silhouette, where the paper's formula gives 1.
    """
    return xp.mean(xp.where(sizes[labels] == 1, 0.0, silhouette_widths(xp, *medoid_distances)))


# Generalized Dunn: the smallest separation of two clusters over the largest extent of one, by the
# numbers of Bezdek & Pal: statistic, what it is in words and as a formula, and for extents a factor.
SEPARATIONS = {
    1: ("gaps", "smallest distance between points of the two", r"\min_{i \in a, j \in b} d(x_i, x_j)"),
    3: (
        "mean_gaps",
        "mean distance between points of the two",
        r"\frac{1}{n_a n_b} \sum_{i \in a, j \in b} d(x_i, x_j)",
    ),
    4: ("centroid_distances", "distance between their centroids", "d(a, b)"),
}
EXTENTS = {
    1: ("diameters", 1.0, "largest distance inside it", r"\max_{i, j \in c} d(x_i, x_j)"),
    3: (
        "mean_to_centroid",
        2.0,
        "twice the mean distance to its centroid",
        r"\frac{2}{n_c} \sum_{i \in c} d(x_i, c)",
    ),
}


def _generalized_dunn(separation: int, extent: int) -> None:
    apart, separation_text, between = SEPARATIONS[separation]
    across, factor, extent_text, inside = EXTENTS[extent]

    def formula(xp, **given):
        return xp.min(given[apart]) / (factor * xp.max(given[across]))

    formula.__doc__ = (
        f"Smallest separation of two clusters ({separation_text}) over the largest extent of one ({extent_text}).\n\n"
        rf".. math:: \frac{{\min_{{a \ne b}} {between}}}{{\max_c {inside}}}"
    )
    measure(
        "Dunn" if separation == extent == 1 else f"Generalized Dunn {separation}{extent}",
        name=f"gd{separation}{extent}",
        needs=("xp", apart, across),
        greater_is_better=True,
        bounds=(0.0, inf),
        reference="Bezdek & Pal 1998, doi:10.1109/3477.678624",
    )(formula)


for _separation in SEPARATIONS:
    for _extent in EXTENTS:
        _generalized_dunn(_separation, _extent)


@measure(
    "Xie-Beni",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Xie & Beni 1991, doi:10.1109/34.85677",
)
def xie_beni(xp, within_ss, gaps, n):
    r"""Mean squared distance to the centroid over the smallest squared distance between two clusters' points.

    .. math:: \frac{\tfrac1n \sum_i d(x_i, c_i)^2}{\min_{a \ne b} \min_{i \in a, j \in b} d(x_i, x_j)^2}

    The usual reading for crisp clusters; separation by centroids, as in the paper, is `ray_turi`.
    """
    return xp.sum(within_ss) / n / xp.min(gaps) ** 2


@measure(
    "OS",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Žalik & Žalik 2011, doi:10.1016/j.patrec.2010.08.007",
    scale_free=False,
)
def os_index(xp, own_mean, outsider_mean, sizes, row_labels, row_mean, n, centroid_distances):
    r"""Overlap of points with other clusters over the separation of nearest centroids.

    .. math:: \frac{\sum_i o_i}{\sum_a \min_{b \ne a} d(a, b)}, \quad
        o_i = \frac{a_i}{b_i} \text{ if } \frac{b_i - a_i}{b_i + a_i} < 0.4 \text{ else } 0

    with :math:`a_i` the summed distance to the own cluster over its size, and :math:`b_i` the mean
    distance to as many nearest points of other clusters. The overlap is written as by Arbelaitz et
    al. 2013, doi:10.1016/j.patcog.2012.07.021; the ratio and its direction, smaller is better, are
    those of the paper.
    """
    size = sizes[row_labels]
    inside = xp.where(size == 1, 0.0, own_mean) * (size - 1) / size
    near = (outsider_mean - inside) / (outsider_mean + inside) < 0.4
    overlap = n * row_mean(xp.where(near, inside / outsider_mean, 0.0))
    return overlap / xp.sum(xp.min(centroid_distances, axis=1))


@measure(
    "COP",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Gurrutxaga et al. 2010, doi:10.1016/j.patcog.2010.04.021",
)
def cop(xp, mean_to_centroid, cover, sizes, n):
    r"""Mean over points of the cluster's scatter over its distance from the nearest outsider.

    .. math:: \frac1n \sum_c n_c \frac{s_c}{\min_{i \notin c} \max_{j \in c} d(x_i, x_j)}
    """
    return xp.sum(sizes * mean_to_centroid / cover) / n


@measure(
    "CS",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Chou, Su & Lai 2004, doi:10.1007/s10044-004-0218-1",
)
def cs(xp, own_farthest, row_cluster_means, centroid_distances):
    r"""Mean farthest distance inside clusters over the distance to the nearest centroid.

    .. math:: \frac{\sum_c \tfrac{1}{n_c} \sum_{i \in c} \max_{j \in c} d(x_i, x_j)}
        {\sum_a \min_{b \ne a} d(a, b)}
    """
    return xp.sum(row_cluster_means(own_farthest)) / xp.sum(xp.min(centroid_distances, axis=1))
