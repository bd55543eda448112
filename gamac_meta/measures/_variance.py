"""Measures from sums of squares and covariances, inside clusters and between them."""

from math import inf, log, pi

from gamac_meta.exceptions import UndefinedMeasureError
from gamac_meta.measures._registry import measure

# A standard deviation below one hundredth of the data's is taken as that: thinner is a matter of few
# points in a cluster, not of its shape, and without a floor its likelihood has no bound.
VARIANCE_FLOOR = 1e-4

MILLIGAN_COOPER = "Milligan & Cooper 1985, doi:10.1007/BF02294245"
SCOTT_SYMONS = "Scott & Symons 1971, doi:10.2307/2529003"


@measure(
    "Calinski-Harabasz",
    greater_is_better=True,
    bounds=(0.0, inf),
    reference="Calinski & Harabasz 1974, doi:10.1080/03610927408827101",
)
def calinski_harabasz(xp, between_ss, within_ss, n, k):
    r"""Between-cluster over within-cluster variance.

    .. math:: \frac{B / (k - 1)}{W / (n - k)}
    """
    return (between_ss / (k - 1)) / (xp.sum(within_ss) / (n - k))


@measure(
    "Log SS ratio",
    greater_is_better=True,
    bounds=(-inf, inf),
    reference="Hartigan 1975, in " + MILLIGAN_COOPER,
)
def log_ss_ratio(xp, between_ss, within_ss):
    r"""Logarithm of the between-cluster over the within-cluster sum of squares: :math:`\log(B / W)`."""
    return xp.log(between_ss / xp.sum(within_ss))


@measure(
    "Trace W",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Edwards & Cavalli-Sforza 1965, doi:10.2307/2528096",
    scale_free=False,
)
def trace_w(xp, within_ss):
    r"""Sum of squared distances of points to their centroids: :math:`\sum_i d(x_i, c_i)^2`."""
    return xp.sum(within_ss)


@measure(
    "Ball-Hall",
    greater_is_better=False,
    bounds=(0.0, inf),
    reference="Ball & Hall 1965, in " + MILLIGAN_COOPER,
    scale_free=False,
)
def ball_hall(xp, within_ss, sizes):
    r"""Mean over clusters of the mean squared distance to the centroid.

    .. math:: \frac1k \sum_c \frac{1}{n_c} \sum_{i \in c} d(x_i, c)^2
    """
    return xp.mean(within_ss / sizes)


@measure(
    "Banfield-Raftery",
    greater_is_better=False,
    bounds=(-inf, inf),
    reference="Banfield & Raftery 1993, doi:10.2307/2532201",
    scale_free=False,
)
def banfield_raftery(xp, within_ss, sizes):
    r"""Likelihood criterion of spherical clusters of unequal volume.

    .. math:: \sum_c n_c \log(\operatorname{tr} W_c / n_c)

    A cluster of equal points has no logarithm, hence no value.
    """
    return xp.sum(sizes * xp.log(within_ss / sizes))


@measure(
    "Log determinant ratio",
    greater_is_better=True,
    bounds=(0.0, inf),
    reference=SCOTT_SYMONS,
)
def log_det_ratio(xp, scatter_roots, centroids, sizes, n, d):
    r"""Log-likelihood ratio of one common within-cluster covariance: :math:`n \log(\det T / \det W)`."""
    within = xp.reshape(scatter_roots, (-1, d))
    # T is W and the scatter of the centroids, each as often as its cluster has points
    total = xp.concat([within, xp.sqrt(sizes)[:, None] * centroids])
    return n * (
        _log_determinants(xp, total, "the total scatter matrix")
        - _log_determinants(xp, within, "the within-cluster scatter matrix")
    )


def _log_determinants(xp, roots, what):
    """(...) logarithms of the determinants of covariances R'R, from R (..., m, d), refused where singular."""
    deviations = xp.linalg.svdvals(roots)
    if xp.any(deviations[..., -1] <= 1e-6 * deviations[..., 0]):
        raise UndefinedMeasureError(f"{what} is singular")
    return 2.0 * xp.sum(xp.log(deviations), axis=-1)


@measure(
    "Scott-Symons",
    greater_is_better=False,
    bounds=(-inf, inf),
    reference=SCOTT_SYMONS,
    scale_free=False,
)
def scott_symons(xp, scatter_roots, sizes):
    r"""Likelihood criterion of clusters with covariances of their own: :math:`\sum_c n_c \log\det(W_c / n_c)`.

    A cluster of at most d points, or one in a hyperplane, has a singular covariance, hence no value.
    """
    roots = scatter_roots / xp.sqrt(sizes)[:, None, None]
    return xp.sum(sizes * _log_determinants(xp, roots, "the covariance of a cluster"))


@measure(
    "Ratkowsky-Lance",
    greater_is_better=True,
    bounds=(0.0, 1.0),
    reference="Ratkowsky & Lance 1978, in " + MILLIGAN_COOPER,
    rotation_free=False,
)
def ratkowsky_lance(xp, centroids, sizes, column_variances, n, k):
    r"""Between-cluster share of the variance, averaged over columns, for the number of clusters.

    .. math:: \sqrt{\frac1k \cdot \frac1d \sum_j \frac{B_{jj}}{T_{jj}}}
    """
    between = xp.sum(sizes[:, None] * centroids**2, axis=0)
    return xp.sqrt(xp.mean(between / (n * column_variances)) / k)


@measure(
    "Gaussian BIC per point",
    greater_is_better=True,
    bounds=(-inf, inf),
    reference="Fraley & Raftery 2002, doi:10.1198/016214502760047131",
    scale_free=False,
)
def gaussian_bic(xp, scatter_matrices, sizes, total_ss, n, d, k):
    r"""Bayesian information criterion of one Gaussian per cluster, per point.

    .. math:: \frac1n \Big( \sum_c \big[ -\tfrac{n_c}{2} (\log |S_c| + d + d \log 2\pi)
        + n_c \log \tfrac{n_c}{n} \big] - \tfrac{p}{2} \log n \Big),
        \quad p = k \big(1 + d + \tfrac{d (d + 1)}{2}\big) - 1

    with :math:`S_c` the covariance of cluster c. Its eigenvalues are not less than VARIANCE_FLOOR
    times the mean variance of a column, so that clusters of few points keep a value.
    """
    eigenvalues = xp.linalg.eigvalsh(scatter_matrices / sizes[:, None, None])
    floor = VARIANCE_FLOOR * total_ss / (n * d)
    log_determinants = xp.sum(xp.log(xp.maximum(eigenvalues, floor)), axis=-1)
    parameters = k * (1 + d + d * (d + 1) / 2) - 1
    likelihood = xp.sum(-sizes / 2 * (log_determinants + d + d * log(2 * pi)) + sizes * xp.log(sizes / n))
    return (likelihood - parameters / 2 * log(n)) / n
