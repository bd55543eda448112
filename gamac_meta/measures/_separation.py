"""Measures from distances between and inside clusters: silhouette, generalised Dunn, COP, CS, ..."""

from gamac_meta.measures._registry import measure


@measure(
    "Silhouette",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Rousseeuw 1987, doi:10.1016/0377-0427(87)90125-7",
)
def silhouette(xp, own_mean, other_mean):
    r"""Mean over points of how much nearer the own cluster is than the nearest other one.

    .. math:: \frac1n \sum_i \frac{b_i - a_i}{\max(a_i, b_i)}

    A point that is alone in its cluster counts 0, as in the paper.
    """
    larger = xp.maximum(own_mean, other_mean)
    width = xp.where(larger > 0.0, (other_mean - own_mean) / larger, 0.0)
    return xp.mean(xp.where(xp.isnan(own_mean), 0.0, width))
