"""Measures that compare distances inside clusters with distances between them, pair by pair."""

from math import inf

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.measures._registry import measure

ROHLF = "Rohlf 1974, doi:10.1146/annurev.es.05.110174.000533"


def _pair_totals(xp, pair_sums, sizes, n):
    """Number of pairs and sum of distances within clusters, then between them."""
    within = xp.sum(sizes * (sizes - 1)) / 2
    inside = xp.sum(xp.linalg.diagonal(pair_sums)) / 2
    return within, inside, n * (n - 1) / 2 - within, xp.sum(pair_sums) / 2 - inside


@measure(
    "C-index",
    greater_is_better=False,
    bounds=(0.0, 1.0),
    reference="Hubert & Levin 1976, doi:10.1037/0033-2909.83.6.1072",
)
def c_index(xp, pair_sums, extreme_sums):
    r"""Sum of within-cluster distances between the least and the most that as many pairs could have.

    .. math:: \frac{S - S_{\min}}{S_{\max} - S_{\min}}
    """
    inside = xp.sum(xp.linalg.diagonal(pair_sums)) / 2
    smallest, largest = extreme_sums
    # the least but for rounding is the least
    beyond = xp.where(inside - smallest > 1e-12 * inside, inside - smallest, 0.0)
    return beyond / (largest - smallest)


@measure(
    "Gamma",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Baker & Hubert 1975, doi:10.1080/01621459.1975.10480256",
)
def gamma(concordance):
    r"""Goodman-Kruskal correlation of distance with lying in different clusters.

    .. math:: \frac{s^+ - s^-}{s^+ + s^-}

    Here, in Tau and in G+, distances that agree in 37 binary digits are equal.
    """
    agree, disagree = concordance.concordant, concordance.discordant
    if agree + disagree == 0:
        raise UndefinedMeasureError("all within-cluster distances equal all between-cluster distances")
    return (agree - disagree) / (agree + disagree)


@measure("Tau", greater_is_better=True, bounds=(-1.0, 1.0), reference=ROHLF)
def tau(concordance):
    r"""Kendall's tau-b of distance with lying in different clusters.

    .. math:: \frac{s^+ - s^-}{\sqrt{(v - t_d)(v - t_c)}}

    with v the pairs of pairs, and t those tied in distance and in lying together or apart.
    """
    pairs = concordance.within + concordance.between
    untied = pairs * (pairs - 1) / 2 - concordance.ties
    decided = concordance.within * concordance.between
    if untied == 0:
        raise UndefinedMeasureError("all distances are equal")
    return (concordance.concordant - concordance.discordant) / (untied * decided) ** 0.5


@measure("G+", greater_is_better=False, bounds=(0.0, 1.0), reference=ROHLF)
def g_plus(concordance):
    r"""Share of discordant comparisons among all pairs of pairs: :math:`2 s^- / (t (t - 1))`."""
    pairs = concordance.within + concordance.between
    return 2 * concordance.discordant / (pairs * (pairs - 1))


@measure(
    "McClain-Rao",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="McClain & Rao 1975, doi:10.1177/002224377501200410",
)
def mcclain_rao(xp, pair_sums, sizes, n):
    r"""Mean distance within clusters over mean distance between them.

    .. math:: \frac{S_w / t_w}{S_b / t_b}

    with S the sums of distances and t the numbers of pairs, within clusters and between them.
    """
    within, inside, between, across = _pair_totals(xp, pair_sums, sizes, n)
    return (inside / within) / (across / between)


@measure(
    "Point-biserial",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Milligan 1981, doi:10.1007/BF02293899",
)
def point_biserial(xp, pair_sums, total_ss, sizes, n):
    r"""Correlation of distance with lying in different clusters.

    .. math:: \frac{m_b - m_w}{s_d} \sqrt{\frac{t_w t_b}{t^2}}

    with m the mean and s the standard deviation of distances, t the numbers of pairs.
    """
    within, inside, between, across = _pair_totals(xp, pair_sums, sizes, n)
    pairs = within + between
    mean = (inside + across) / pairs
    # squared distances of all pairs sum to n times the total sum of squares
    variance = n * total_ss / pairs - mean**2
    if variance <= 1e-12 * mean**2:
        raise UndefinedMeasureError("all distances are equal")
    return (across / between - inside / within) / xp.sqrt(variance) * xp.sqrt(within * between) / pairs
