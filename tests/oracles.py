"""Slow, obvious definitions of the measures, from the papers. Imports nothing from the project.

Each function takes points X (n, d) and labels (n,), clusters named 0..k-1, at least two of them,
and returns the value, or something not finite where there is none. Only dbcv and the measures of
connection take noise, -1.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
from oracles_connected import dcsi, disco, lccv  # noqa: F401
from oracles_neighborhood import (  # noqa: F401
    cvnn,
    density_valley,
    dunn_owa,
    medoid_silhouette,
    neighbor_silhouette,
    viasckde,
    wcnn,
)


def distance(x, y):
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))


def ratio(numerator, denominator):
    if denominator == 0:
        return math.nan if numerator == 0 else math.copysign(math.inf, numerator)
    return numerator / denominator


def log(value):
    return math.log(value) if value > 0 else -math.inf


def mean(values):
    values = list(values)
    return math.fsum(values) / len(values)


def clusters(X, labels):
    return [X[labels == c] for c in range(labels.max() + 1)]


def centroid(points):
    return points.mean(axis=0)


def centroids(X, labels):
    return [centroid(points) for points in clusters(X, labels)]


def scatter(points):
    return mean(distance(x, centroid(points)) for x in points)


def squares(points):
    return math.fsum(distance(x, centroid(points)) ** 2 for x in points)


def within(X, labels):
    return math.fsum(squares(points) for points in clusters(X, labels))


def nearest_centroids(X, labels):
    """For each cluster, the distance of its centroid to the nearest other one."""
    middles = centroids(X, labels)
    return [min(distance(middles[a], middles[b]) for b in range(len(middles)) if b != a) for a in range(len(middles))]


def pairs(X, labels):
    """Distances of pairs within clusters, and of pairs between."""
    inside, outside = [], []
    for i, j in itertools.combinations(range(len(X)), 2):
        (inside if labels[i] == labels[j] else outside).append(distance(X[i], X[j]))
    return inside, outside


# ---- sums of squares ----------------------------------------------------------------------------


def calinski_harabasz(X, labels):
    n, k = len(X), labels.max() + 1
    between = sum(len(points) * distance(centroid(points), X.mean(axis=0)) ** 2 for points in clusters(X, labels))
    return ratio(between / (k - 1), within(X, labels) / (n - k))


def log_ss_ratio(X, labels):
    between = sum(len(points) * distance(centroid(points), X.mean(axis=0)) ** 2 for points in clusters(X, labels))
    return log(ratio(between, within(X, labels)))


def trace_w(X, labels):
    return within(X, labels)


def ball_hall(X, labels):
    return mean(squares(points) / len(points) for points in clusters(X, labels))


def banfield_raftery(X, labels):
    return sum(len(points) * log(squares(points) / len(points)) for points in clusters(X, labels))


def scatter_matrix(points):
    return sum(np.outer(x - centroid(points), x - centroid(points)) for x in points)


def log_determinant(groups):
    """Of the sum of the groups' scatter matrices, in fractions: nearly singular ones lose no digits."""
    total = sum(exact_scatter_matrix(points) for points in groups)
    eigenvalues = np.linalg.eigvalsh(total.astype(float))
    if eigenvalues[0] <= 1e-12 * eigenvalues[-1]:
        return math.nan
    determinant = Fraction(1)
    for place in range(len(total)):
        determinant *= total[place, place]
        shares = total[place + 1 :, place] / total[place, place]
        total[place + 1 :] -= np.outer(shares, total[place])
    return log(determinant)


def exact_scatter_matrix(points):
    exact = np.array([[Fraction(value) for value in x] for x in points.tolist()])
    deviations = exact - exact.sum(axis=0) / len(points)
    return deviations.T @ deviations


def log_det_ratio(X, labels):
    return len(X) * (log_determinant([X]) - log_determinant(clusters(X, labels)))


def scott_symons(X, labels):
    return sum(
        len(points) * (log_determinant([points]) - X.shape[1] * math.log(len(points))) for points in clusters(X, labels)
    )


def ratkowsky_lance(X, labels):
    shares = []
    for column in X.T:
        total = sum((x - column.mean()) ** 2 for x in column)
        inside = sum(
            sum((x - column[labels == c].mean()) ** 2 for x in column[labels == c]) for c in range(labels.max() + 1)
        )
        shares.append(ratio(total - inside, total))
    return math.sqrt(mean(shares) / (labels.max() + 1))


def gaussian_bic(X, labels):
    n, d = X.shape
    k = labels.max() + 1
    floor = 1e-4 * squares(X) / (n * d)  # smallest variance, of the mean variance of a column
    total = 0.0
    for points in clusters(X, labels):
        share = len(points)
        eigenvalues = np.linalg.eigvalsh(scatter_matrix(points) / share)
        log_det = sum(math.log(max(value, floor)) for value in eigenvalues)
        total += -share / 2 * (log_det + d + d * math.log(2 * math.pi)) + share * math.log(share / n)
    parameters = k * d + k * d * (d + 1) // 2 + (k - 1)
    return (total - parameters / 2 * math.log(n)) / n


# ---- centroids ----------------------------------------------------------------------------------


def davies_bouldin(X, labels, spread=scatter):
    groups = clusters(X, labels)
    worst = []
    for a in groups:
        others = [b for b in groups if b is not a]
        # NumPy's maximum is NaN where any ratio is 0 / 0
        worst.append(np.max([ratio(spread(a) + spread(b), distance(centroid(a), centroid(b))) for b in others]))
    return mean(worst)


def davies_bouldin_star(X, labels, spread=scatter):
    groups = clusters(X, labels)
    terms = []
    for a in groups:
        others = [b for b in groups if b is not a]
        widest = max(spread(a) + spread(b) for b in others)
        terms.append(ratio(widest, min(distance(centroid(a), centroid(b)) for b in others)))
    return mean(terms)


def score_function(X, labels):
    groups = clusters(X, labels)
    between = sum(len(g) * distance(centroid(g), X.mean(axis=0)) for g in groups) / (len(X) * len(groups))
    return -math.expm1(-math.exp(between - sum(scatter(g) for g in groups)))


def sv(X, labels):
    reach = 0.0
    for points in clusters(X, labels):
        farthest = sorted((distance(x, centroid(points)) for x in points), reverse=True)
        reach += mean(farthest[: math.ceil(len(points) / 10)])
    return ratio(sum(nearest_centroids(X, labels)), reach)


def pbm(X, labels):
    groups = clusters(X, labels)
    total = sum(distance(x, X.mean(axis=0)) for x in X)
    inside = sum(distance(x, centroid(g)) for g in groups for x in g)
    widest = max(distance(a, b) for a, b in itertools.combinations(centroids(X, labels), 2))
    return (ratio(total, inside) * widest / len(groups)) ** 2


def ray_turi(X, labels):
    return ratio(within(X, labels) / len(X), min(nearest_centroids(X, labels)) ** 2)


def wemmert_gancarski(X, labels):
    middles = centroids(X, labels)
    total = 0.0
    for c, points in enumerate(clusters(X, labels)):
        shares = []
        for x in points:
            own = distance(x, middles[c])
            other = min(distance(x, m) for b, m in enumerate(middles) if b != c)
            shares.append(ratio(own, other) if own > 0 else 0.0)
        total += max(0.0, len(points) - sum(shares))
    return total / len(X)


def simplified_silhouette(X, labels):
    middles = centroids(X, labels)
    widths = []
    for x, c in zip(X, labels, strict=True):
        a = distance(x, middles[c])
        b = min(distance(x, m) for other, m in enumerate(middles) if other != c)
        alone = np.sum(labels == c) == 1 or max(a, b) == 0
        widths.append(0.0 if alone else (b - a) / max(a, b))
    return mean(widths)


def sd_scat(X, labels):
    whole = math.hypot(*X.var(axis=0))
    return mean(ratio(math.hypot(*points.var(axis=0)), whole) for points in clusters(X, labels))


def sd_dis(X, labels):
    middles = centroids(X, labels)
    apart = [distance(a, b) for a, b in itertools.combinations(middles, 2)]
    return ratio(max(apart), min(apart)) * sum(ratio(1.0, sum(distance(a, b) for b in middles)) for a in middles)


def s_dbw(X, labels):
    groups = clusters(X, labels)
    k = len(groups)
    radius = math.sqrt(sum(math.hypot(*points.var(axis=0)) for points in groups)) / k
    density = []
    for a, b in itertools.combinations(groups, 2):
        both = np.concatenate([a, b])
        counts = [
            sum(distance(x, u) <= radius for x in both)
            for u in ((centroid(a) + centroid(b)) / 2, centroid(a), centroid(b))
        ]
        if max(counts[1:]) == 0:
            return math.nan
        density.append(counts[0] / max(counts[1:]))
    return sd_scat(X, labels) + mean(density)


# ---- separation ---------------------------------------------------------------------------------


def silhouette_widths(X, labels):
    widths = []
    for i, x in enumerate(X):
        own = [distance(x, X[j]) for j in range(len(X)) if labels[j] == labels[i] and j != i]
        if not own:
            widths.append(0.0)
            continue
        a = mean(own)
        b = min(mean(distance(x, y) for y in points) for c, points in enumerate(clusters(X, labels)) if c != labels[i])
        widths.append(0.0 if max(a, b) == 0 else (b - a) / max(a, b))
    return np.array(widths)


def silhouette(X, labels):
    return mean(silhouette_widths(X, labels))


def macro_silhouette(X, labels):
    widths = silhouette_widths(X, labels)
    return mean(mean(widths[labels == c]) for c in range(labels.max() + 1))


def _separation(kind, a, b):
    if kind == 4:
        return distance(centroid(a), centroid(b))
    cross = [distance(x, y) for x in a for y in b]
    return {1: min, 3: mean}[kind](cross)


def _extent(kind, points):
    if kind == 1:
        return max(distance(x, y) for x in points for y in points)
    return 2 * scatter(points)


def _generalized_dunn(separation, extent):
    def value(X, labels):
        groups = clusters(X, labels)
        apart = min(_separation(separation, a, b) for a, b in itertools.combinations(groups, 2))
        return ratio(apart, max(_extent(extent, points) for points in groups))

    return value


gd11, gd13 = _generalized_dunn(1, 1), _generalized_dunn(1, 3)
gd31, gd33 = _generalized_dunn(3, 1), _generalized_dunn(3, 3)
gd41, gd43 = _generalized_dunn(4, 1), _generalized_dunn(4, 3)


def xie_beni(X, labels):
    return ratio(within(X, labels) / len(X), min(pairs(X, labels)[1]) ** 2)


def os_index(X, labels):
    overlap = 0.0
    for x, c in zip(X, labels, strict=True):
        size = int(np.sum(labels == c))
        a = sum(distance(x, y) for y in X[labels == c]) / size
        b = mean(sorted(distance(x, y) for y in X[labels != c])[:size])
        if ratio(b - a, b + a) < 0.4:
            overlap += ratio(a, b)
    return ratio(overlap, sum(nearest_centroids(X, labels)))


def cop(X, labels):
    total = 0.0
    for c, points in enumerate(clusters(X, labels)):
        cover = min(max(distance(x, y) for y in points) for x in X[labels != c])
        total += len(points) * ratio(scatter(points), cover)
    return total / len(X)


def cs(X, labels):
    inside = sum(mean(max(distance(x, y) for y in points) for x in points) for points in clusters(X, labels))
    return ratio(inside, sum(nearest_centroids(X, labels)))


# ---- concordance --------------------------------------------------------------------------------


def _less(x, y):
    return x < y and not math.isclose(x, y, rel_tol=1e-12)


def comparisons(X, labels):
    """s+ and s-: within-cluster distances smaller, and larger, than between-cluster ones."""
    inside, outside = pairs(X, labels)
    plus = sum(_less(w, b) for w in inside for b in outside)
    return plus, sum(_less(b, w) for w in inside for b in outside)


def c_index(X, labels):
    inside, outside = pairs(X, labels)
    ordered = sorted(inside + outside)
    least, most = math.fsum(ordered[: len(inside)]), math.fsum(ordered[-len(inside) :])
    return ratio(math.fsum(inside) - least, most - least)


def gamma(X, labels):
    plus, minus = comparisons(X, labels)
    return ratio(plus - minus, plus + minus)


def tau(X, labels):
    inside, outside = pairs(X, labels)
    plus, minus = comparisons(X, labels)
    # tau-b: comparisons tied in distance, or tied in being within or between, leave the norms
    untied_distance = sum(_less(x, y) or _less(y, x) for x, y in itertools.combinations(inside + outside, 2))
    return ratio(plus - minus, math.sqrt(untied_distance * len(inside) * len(outside)))


def g_plus(X, labels):
    total = len(X) * (len(X) - 1) // 2
    return 2 * comparisons(X, labels)[1] / (total * (total - 1))


def mcclain_rao(X, labels):
    inside, outside = pairs(X, labels)
    return ratio(mean(inside), mean(outside))


def point_biserial(X, labels):
    inside, outside = pairs(X, labels)
    distances = np.array(inside + outside)
    apart = np.array([0.0] * len(inside) + [1.0] * len(outside))
    return np.corrcoef(distances, apart)[0, 1]


# ---- symmetry -----------------------------------------------------------------------------------


def symmetry_distances(points):
    """d_ps of Bandyopadhyay & Saha 2008: mean of the two nearest to the mirror image, times d_e."""
    middle = centroid(points)
    values = []
    for x in points:
        nearest = sorted(distance(2 * middle - x, y) for y in points)[:2]
        values.append(mean(nearest) * distance(x, middle))
    return values


def mean_symmetry(points):
    return mean(symmetry_distances(points))


def sym(X, labels):
    groups = clusters(X, labels)
    widest = max(distance(a, b) for a, b in itertools.combinations(centroids(X, labels), 2))
    return ratio(widest, len(groups) * sum(sum(symmetry_distances(points)) for points in groups))


def sym_db(X, labels):
    return davies_bouldin(X, labels, mean_symmetry)


def sym_db_star(X, labels):
    return davies_bouldin_star(X, labels, mean_symmetry)


def sym_11(X, labels):
    return ratio(min(pairs(X, labels)[1]), max(max(symmetry_distances(points)) for points in clusters(X, labels)))


def sym_33(X, labels):
    groups = clusters(X, labels)
    apart = min(_separation(3, a, b) for a, b in itertools.combinations(groups, 2))
    return ratio(apart, max(2 * mean_symmetry(points) for points in groups))


# ---- neighbors, trees, density -----------------------------------------------------------------


def neighbors(X, i):
    """Other points, nearest first."""
    return sorted((j for j in range(len(X)) if j != i), key=lambda j: distance(X[i], X[j]))


def neighbor_purity(X, labels):
    purity = mean(mean(labels[j] == labels[i] for j in neighbors(X, i)[:7]) for i in range(len(X)))
    chance = sum(mean(labels == c) ** 2 for c in range(labels.max() + 1))
    return (purity - chance) / (1 - chance)


def connectivity(X, labels):
    return sum(
        1 / rank
        for i in range(len(X))
        for rank, j in enumerate(neighbors(X, i)[:10], start=1)
        if labels[i] != labels[j]
    )


def kruskal(n, weight):
    """Edges of the minimum spanning tree of the complete graph, by a key that orders edges."""
    component = list(range(n))
    edges = []
    for i, j in sorted(itertools.combinations(range(n), 2), key=lambda edge: weight(*edge)):
        if component[i] != component[j]:
            edges.append((i, j))
            old, new = component[i], component[j]
            component = [new if c == old else c for c in component]
    return edges


def spanning_tree_gap(X, labels):
    edges = kruskal(len(X), lambda i, j: distance(X[i], X[j]))
    inside = [distance(X[i], X[j]) for i, j in edges if labels[i] == labels[j]]
    crossing = [distance(X[i], X[j]) for i, j in edges if labels[i] != labels[j]]
    return ratio(mean(crossing), mean(inside)) if inside else math.nan


def dbcv(X, labels):
    """Noise (-1) has no cluster but counts in the denominator: |C| / |O| of Moulavi et al. 2014."""
    n, d = X.shape
    sparseness, internal, core = {}, {}, {}
    for c in range(labels.max() + 1):
        members = [int(i) for i in np.flatnonzero(labels == c)]
        if len(members) < 2:
            continue
        for i in members:
            others = [distance(X[i], X[j]) for j in members if j != i]
            core[i] = mean((1 / r) ** d for r in others) ** (-1 / d)

        def reach(i, j):
            return max(core[i], core[j], distance(X[i], X[j]))

        # equal reachabilities are frequent; the nearer pair first
        edges = [
            (members[s], members[t])
            for s, t in kruskal(
                len(members),
                lambda s, t, m=members: (reach(m[s], m[t]), distance(X[m[s]], X[m[t]])),
            )
        ]
        degree = {i: sum(i in edge for edge in edges) for i in members}
        internal[c] = [i for i in members if degree[i] > 1] or members
        inside = [reach(i, j) for i, j in edges if degree[i] > 1 and degree[j] > 1]
        sparseness[c] = max(inside or [reach(i, j) for i, j in edges])
    if len(internal) < 2:
        return math.nan
    total = 0.0
    for c, points in internal.items():
        apart = min(
            max(core[i], core[j], distance(X[i], X[j]))
            for other, others in internal.items()
            if other != c
            for i in points
            for j in others
        )
        total += np.sum(labels == c) / n * ratio(apart - sparseness[c], max(apart, sparseness[c]))
    return total
