"""Measures of connection: silhouettes and separations along paths through dense regions."""

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.measures._registry import measure
from gamac_meta.measures._separation import silhouette_widths


@measure(
    "DISCO",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Beer, Krieger, Weber, Ritzert, Assent & Plant 2025, doi:10.48550/arXiv.2503.00127",
)
def disco(xp, connectivity_means, core_distances, noise_core_distances, n_given):
    r"""Silhouette of density-connectivity distances, in which noise points score as well.

    .. math:: \frac1N \Big( \sum_{i \text{ clustered}} \frac{b_i - a_i}{\max(a_i, b_i)}
        + \sum_{i \text{ noise}} \frac{\kappa_i - \kappa}{\max(\kappa_i, \kappa)} \Big)

    The distance of two points is the longest step of the path between them that keeps it shortest, a
    step being as long as the mutual reachability, and noise points lying on paths too; a and b are the
    means of it that a silhouette compares. :math:`\kappa_i` is a point's core distance, to the fifth
    nearest, itself counted, and :math:`\kappa` the largest in any cluster: noise is noise where it is
    sparser than every cluster. The paper's second condition on noise, to be farther from each cluster
    than that, follows, as no distance is below the core distance. A point that is alone in its cluster
    counts 0. One cluster with noise, which the paper scores too, has no value here.
    """
    own_mean, other_mean = connectivity_means
    sparsest = xp.max(core_distances)
    larger = xp.maximum(noise_core_distances, sparsest)
    noise = xp.where(larger > 0.0, (noise_core_distances - sparsest) / larger, 0.0)
    return (xp.sum(silhouette_widths(xp, own_mean, other_mean)) + xp.sum(noise)) / n_given


@measure(
    "LCCV",
    greater_is_better=True,
    bounds=(-1.0, 1.0),
    reference="Cheng, Zhu, Huang, Wu & Yang 2019, doi:10.1109/TNNLS.2018.2853710",
)
def lccv(xp, local_cores, n_given):
    r"""Silhouette of local cores, each weighing as much as the points it stands for.

    .. math:: \frac1N \sum_{\text{cores } i} n_i \frac{b_i - a_i}{\max(a_i, b_i)}

    The number s of natural neighbors grows until every point is among the s nearest of some other,
    or one more changes nothing; a point is popular with those that have it among theirs. Its
    density is inverse to the mean distance to as many nearest points as the most popular is popular
    with; its neighborhood has as many nearest points as it is popular with itself. By falling
    density each point offers its neighborhood the core that stands for the densest point there, at
    first that point, and who has a core takes the nearer. Distances between cores are lengths of
    shortest paths over s nearest neighbors, either way, where the authors' program walks one way
    only; cores without a path are as far apart as the farthest with one. Noise lies on paths and
    counts in N, as in that program. A core alone in its cluster counts 0; clusters without cores
    are passed over. Which of equally distant neighbors count is arbitrary, but the same in any
    order of rows.
    """
    own_mean, other_mean, members = local_cores
    if own_mean.shape[0] == 0 or xp.any(xp.isinf(other_mean)):
        raise UndefinedMeasureError("fewer than two clusters have local cores")
    return xp.sum(members * silhouette_widths(xp, own_mean, other_mean)) / n_given


@measure(
    "DCSI",
    greater_is_better=True,
    bounds=(0.0, 1.0),
    reference="Gauss, Scheipl & Herrmann 2023, doi:10.48550/arXiv.2310.12806",
)
def dcsi(xp, core_separation):
    r"""Mean over pairs of clusters of how far apart their core points are, beside the gaps among them.

    .. math:: \frac{2}{k (k - 1)} \sum_{a < b} \frac{q_{ab}}{1 + q_{ab}},
        \quad q_{ab} = \frac{\min d(\text{core of } a, \text{core of } b)}{\max(g_a, g_b)}

    with g the longest edge of the spanning tree of a cluster's core points. A core point has its fifth
    nearest member of the cluster within the median, over the cluster, of the distance to the tenth;
    in a smaller cluster the farthest member takes that place. A cluster of one point has no core
    points and is passed over. Core points in the same place count 0.
    """
    gaps, links = core_separation
    k = links.shape[0]
    if k < 2:
        raise UndefinedMeasureError("fewer than two clusters have more than one point")
    ratios = xp.where(gaps > 0.0, gaps / (gaps + xp.maximum(links[:, None], links[None, :])), 0.0)
    return xp.sum(ratios) / (k * (k - 1))
