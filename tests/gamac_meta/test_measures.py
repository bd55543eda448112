"""Every measure passes the same checks, generated from MEASURES: facts are tested, not stated."""

import inspect
import math

import numpy as np
import oracles
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from sklearn.cluster import KMeans
from sklearn.datasets import load_iris
from strategies import clusterings

from gamac_meta.measures import MEASURES, evaluate, measure
from gamac_meta.pairwise import PartitionView, views

REFERENCE_SET = [
    "calinski_harabasz",
    "davies_bouldin",
    "davies_bouldin_star",
    "gd11",
    "gd31",
    "gd41",
    "gd13",
    "gd33",
    "gd43",
    "score_function",
    "silhouette",
    "sv",
    "os_index",
    "c_index",
    "gamma",
    "cop",
    "cs",
    "sym",
    "sym_db",
    "sym_db_star",
    "sym_11",
    "sym_33",
    "banfield_raftery",
    "mcclain_rao",
    "pbm",
    "ray_turi",
    "wemmert_gancarski",
    "point_biserial",
    "xie_beni",
]

every_measure = pytest.mark.parametrize("measure", [pytest.param(m, id=m.name) for m in MEASURES.values()])
few = settings(max_examples=15, deadline=None)


def close(value, rel=1e-9, abs=1e-11):  # noqa: A002  the names of pytest.approx
    return pytest.approx(value, rel=rel, abs=abs, nan_ok=True)


def value_of(measure, X, labels):
    return measure(PartitionView(X, np.asarray(labels)))


def arbitrary_among_equals(measure):
    """Whether exact duplicates leave the value open: their nearest neighbors and trees are not unique."""
    return not {"neighbor_labels", "tree_edges", "density_structure", "local_cores"}.isdisjoint(measure.needs)


def weighs_noise(measure):
    """Whether points called noise change the value."""
    return "n_given" in measure.needs


def sees_noise(measure):
    """Whether points called noise are part of what is measured: paths may lead over them."""
    return not {"connectivity_means", "local_cores"}.isdisjoint(measure.needs)


def blobs(size=30):
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(4), size)
    return rng.normal(size=(4 * size, 3)) * [1.0, 0.7, 0.4] + 7.0 * np.eye(4, 3)[labels], labels


# ---- what a measure is ----------------------------------------------------------------------------


def test_the_reference_set_is_there():
    assert len(REFERENCE_SET) == 29
    assert set(REFERENCE_SET) <= set(MEASURES)


@every_measure
def test_says_what_it_is_and_where_it_comes_from(measure):
    assert len(inspect.getdoc(measure.formula)) > 30
    assert "doi:10." in measure.reference
    assert measure.bounds[0] < measure.bounds[1]
    assert callable(getattr(oracles, measure.name)), "every measure has an oracle"


def test_titles_are_distinct():
    titles = [m.title for m in MEASURES.values()]
    assert len(set(titles)) == len(titles)


# ---- values ---------------------------------------------------------------------------------------


@every_measure
@few
@given(data=st.data())
def test_agrees_with_its_oracle(measure, data):
    distinct = arbitrary_among_equals(measure) or data.draw(st.booleans(), label="distinct")
    noise = weighs_noise(measure) and data.draw(st.booleans(), label="noise")
    X, labels = data.draw(clusterings(distinct=distinct, noise=noise))
    expected = float(getattr(oracles, measure.name)(X, labels))
    assert value_of(measure, X, labels) == close(expected if math.isfinite(expected) else math.nan)


@pytest.mark.parametrize("name", ["log_det_ratio", "scott_symons"])
@pytest.mark.parametrize("share", [1e-4, 1e-7, 1e-10])
@pytest.mark.parametrize("d", [2, 4])
def test_nearly_singular_covariances_keep_their_digits(name, share, d):
    # columns correlated to 1 - share
    rng = np.random.default_rng(0)
    labels = np.arange(90) % 3
    common, own = rng.normal(size=(90, 1)), rng.normal(size=(90, d))
    X = math.sqrt(1.0 - share) * common + math.sqrt(share) * own + labels[:, None] + 0.001 * np.eye(3, d)[labels]
    expected = getattr(oracles, name)(X, labels)
    assert math.isfinite(expected)
    assert value_of(MEASURES[name], X, labels) == close(expected)


@every_measure
def test_prefers_planted_clusters_to_chance(measure):
    # a cluster that needs but one local core counts 0 in LCCV, whatever the labels
    X, labels = blobs(200 if "local_cores" in measure.needs else 30)
    planted = value_of(measure, X, labels)
    chance = value_of(measure, X, np.random.default_rng(0).permutation(labels))
    assert math.isfinite(planted)
    if math.isfinite(chance):  # else it ranks last
        assert planted > chance if measure.greater_is_better else planted < chance


@every_measure
@few
@given(data=clusterings(distinct=False))
def test_stays_within_its_bounds(measure, data):
    value = value_of(measure, *data)
    low, high = measure.bounds
    assert math.isnan(value) or low - 1e-9 <= value <= high + 1e-9
    assert type(value) is float


# ---- invariance -----------------------------------------------------------------------------------


@every_measure
@few
@given(data=clusterings(), seed=st.integers(0, 99))
def test_ignores_label_names_and_point_order(measure, data, seed):
    X, labels = data
    rng = np.random.default_rng(seed)
    renamed, order = rng.permutation(labels.max() + 1)[labels], rng.permutation(len(X))
    assert value_of(measure, X[order], renamed[order]) == close(value_of(measure, X, labels))


@pytest.mark.parametrize("kind", ["grid", "iris", "repeated"])
def test_no_value_depends_on_the_order_of_rows_where_many_points_are_equally_near(kind):
    rng = np.random.default_rng(0)
    X = {
        "grid": lambda: rng.integers(0, 12, (300, 2)).astype(float),
        "iris": lambda: load_iris().data,
        "repeated": lambda: rng.integers(0, 3, (90, 8)).astype(float),
    }[kind]()
    # the last cuts points that are equal
    labels = np.stack([KMeans(3, n_init=1, random_state=0).fit_predict(X), (X[:, 0] > 1.5) + 0, np.arange(len(X)) % 4])
    labels[1, ::7] = -1
    table = evaluate(X, labels)
    for order in (np.arange(len(X))[::-1], rng.permutation(len(X))):
        again = evaluate(X[order], labels[:, order])
        for name, before, after in zip(table.measures, table.values.T, again.values.T, strict=True):
            assert np.array_equal(before, after, equal_nan=True), f"{name}, not even in the last digit"


@every_measure
@few
@given(data=clusterings(), seed=st.integers(0, 99))
def test_ignores_translation(measure, data, seed):
    X, labels = data
    shift = 10.0 * np.random.default_rng(seed).normal(size=X.shape[1])
    assert value_of(measure, X + shift, labels) == close(value_of(measure, X, labels), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("measure", [pytest.param(m, id=m.name) for m in MEASURES.values() if m.scale_free])
@few
@given(data=clusterings(), factor=st.sampled_from([1e-3, 0.37, 210.0]))
def test_ignores_scale_where_it_says_so(measure, data, factor):
    X, labels = data
    assert value_of(measure, factor * X, labels) == close(value_of(measure, X, labels), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("measure", [pytest.param(m, id=m.name) for m in MEASURES.values() if not m.scale_free])
def test_depends_on_scale_where_it_says_so(measure):
    X, labels = blobs()
    assert value_of(measure, 1.5 * X, labels) != close(value_of(measure, X, labels), rel=1e-3)


def rotation(d, seed):
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


@pytest.mark.parametrize("measure", [pytest.param(m, id=m.name) for m in MEASURES.values() if m.rotation_free])
@few
@given(data=clusterings(), seed=st.integers(0, 99))
def test_ignores_rotation_where_it_says_so(measure, data, seed):
    X, labels = data
    turned = X @ rotation(X.shape[1], seed)
    assert value_of(measure, turned, labels) == close(value_of(measure, X, labels), rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("measure", [pytest.param(m, id=m.name) for m in MEASURES.values() if not m.rotation_free])
def test_depends_on_rotation_where_it_says_so(measure):
    X, labels = blobs()
    assert value_of(measure, X @ rotation(3, 1), labels) != close(value_of(measure, X, labels), rel=1e-3)


@every_measure
@settings(max_examples=5, deadline=None)
@given(data=clusterings(), seed=st.integers(0, 99))
def test_ignores_tiles_threads_and_company(measure, data, seed):
    X, labels = data
    other = np.random.default_rng(seed).permutation(np.arange(len(X)) % 3)
    alone = measure(next(views(X, labels[None, :], threads=1)))
    assert measure(list(views(X, np.array([other, labels]), threads=2, tile_rows=7))[1]) == close(alone)


@every_measure
def test_formulas_are_written_for_any_array_library(measure):
    # strict arrays refuse what only NumPy tolerates: methods on arrays, mixed kinds, masks with slices
    import array_api_strict as strict

    X, labels = blobs()
    view = PartitionView(X, labels)

    def carried(statistic):
        if isinstance(statistic, np.ndarray):
            return strict.asarray(statistic)
        if isinstance(statistic, tuple):
            return tuple(carried(part) for part in statistic)
        if callable(statistic):
            return lambda values: carried(statistic(np.asarray(values)))
        return statistic

    given = {need: strict if need == "xp" else carried(getattr(view, need)) for need in measure.needs}
    assert float(measure.formula(**given)) == close(measure(view))


# ---- where there is no value ----------------------------------------------------------------------


@every_measure
def test_is_undefined_with_a_reason_on_degenerate_partitions(measure):
    X = np.random.default_rng(0).normal(size=(12, 2))
    for labels, why in [
        (np.zeros(12), "one cluster"),
        (np.arange(12), "every cluster is a single point"),
        (np.full(12, -1), "every point is noise"),
    ]:
        value, reason = measure.explain(PartitionView(X, labels.astype(np.int32)))
        assert math.isnan(value)
        assert why in reason


@every_measure
@few
@given(data=clusterings(distinct=False), copies=st.integers(1, 9))
def test_never_crashes_nor_returns_infinity(measure, data, copies):
    X, labels = data
    X = X.copy()
    X[:copies] = X[0]
    value, reason = measure.explain(PartitionView(X, labels))
    assert math.isfinite(value) == (reason is None)


@pytest.mark.parametrize("size", [3, 7, 49, 1000])
def test_a_cluster_of_equal_points_scatters_nothing(size):
    rng = np.random.default_rng(size)
    X = np.concatenate([rng.normal(size=(30, 3)), np.tile([0.1, 1.0 / 3.0, -0.7], (size, 1))])
    labels = np.repeat([0, 1], [30, size])
    view = PartitionView(X, labels)
    assert view.within_ss[1] == 0.0, "not even by rounding"
    assert np.all(view.cluster_variances[1] == 0.0)
    table = evaluate(X, labels, ["banfield_raftery"])
    assert np.isnan(table.values[0, 0]), "a logarithm of what rounding leaves is made up"
    assert table.reason(0, "banfield_raftery")


@pytest.mark.parametrize("seed", range(5))
def test_the_least_c_index_is_zero_whatever_rounding_leaves(seed):
    rng = np.random.default_rng(seed)
    labels = np.arange(400) % 2
    assert evaluate(rng.normal(size=(400, 2)) + 100.0 * labels[:, None], labels, ["c_index"]).values[0, 0] == 0.0


@every_measure
def test_equal_points_everywhere_give_a_value_or_a_reason(measure):
    labels = np.array([0] * 6 + [1] * 6)
    value, reason = measure.explain(PartitionView(np.ones((12, 2)), labels))
    assert math.isfinite(value) == (reason is None)


# values that stay defined when a cluster is a single point: otherwise most candidate partitions of
# real pools would rank last
@every_measure
def test_one_single_point_cluster_is_no_obstacle(measure):
    X, labels = blobs()
    labels = labels.copy()
    labels[0] = 4
    undefined = measure.name in {"banfield_raftery", "scott_symons"}  # the logarithm of no variance
    assert math.isnan(value_of(measure, X, labels)) == undefined


@pytest.mark.parametrize("measure", [pytest.param(m, id=m.name) for m in MEASURES.values() if not sees_noise(m)])
@settings(max_examples=5, deadline=None)
@given(data=clusterings(), seed=st.integers(0, 99))
def test_noise_is_left_out(measure, data, seed):
    X, labels = data
    noise = np.random.default_rng(seed).random(len(X)) < 0.3
    assume(len(np.unique(labels[~noise])) > 1)
    marked = np.where(noise, -1, labels)
    names, codes = np.unique(marked, return_inverse=True)
    codes = codes - (names[0] == -1)
    weight = np.mean(~noise) if weighs_noise(measure) else 1.0
    assert value_of(measure, X, codes) == close(weight * value_of(measure, X[~noise], codes[~noise]))


def test_few_measures_weigh_noise():
    assert {name for name, measure in MEASURES.items() if weighs_noise(measure)} == {"dbcv", "disco", "lccv"}
    assert {name for name, measure in MEASURES.items() if sees_noise(measure)} == {"disco", "lccv"}


def test_dbcv_weighs_clusters_by_their_share_of_all_points():
    # Moulavi et al. 2014: with 75 % noise the clusters keep a quarter of their value
    X, labels = blobs()
    far = np.random.default_rng(1).uniform(-30.0, 30.0, size=(3 * len(X), 3))
    everything, marked = np.concatenate([X, far]), np.concatenate([labels, np.full(len(far), -1)])
    clean, noisy = (value_of(MEASURES["dbcv"], *data) for data in ((X, labels), (everything, marked)))
    assert clean > 0.3
    assert noisy == close(clean / 4)
    assert noisy == close(oracles.dbcv(everything, marked))


@every_measure
def test_leaves_its_inputs_unchanged(measure):
    X, labels = blobs()
    for array in (X, labels):
        array.flags.writeable = False
    before = X.copy(), labels.copy()
    value_of(measure, X, labels)
    assert np.array_equal(X, before[0])
    assert np.array_equal(labels, before[1])


# ---- the registry ---------------------------------------------------------------------------------


def test_cost_is_that_of_the_dearest_statistic():
    costs = {name: MEASURES[name].cost for name in ("calinski_harabasz", "connectivity", "silhouette", "gamma")}
    assert costs == {
        "calinski_harabasz": "linear",
        "connectivity": "neighbors",
        "silhouette": "pairs",
        "gamma": "sort",
    }


FACTS = {"greater_is_better": True, "bounds": (0.0, 1.0), "reference": "Nobody 2000, doi:10.1000/1"}


def test_a_misspelt_statistic_is_refused():
    def bad(xp, gap):
        """A formula."""

    with pytest.raises(TypeError, match=r"'bad' asks for unknown statistic\(s\) \['gap'\]"):
        measure("Bad", **FACTS)(bad)


def test_a_measure_without_docstring_or_source_is_refused():
    def bare(xp):
        pass

    def silhouette(xp):
        """A formula."""

    with pytest.raises(TypeError, match="'bare' has no docstring"):
        measure("Bare", **FACTS)(bare)
    with pytest.raises(TypeError, match="no DOI in its reference 'hearsay'"):
        measure("Bare", **FACTS | {"reference": "hearsay"})(silhouette)
    with pytest.raises(ValueError, match="measure 'silhouette' is registered twice"):
        measure("Silhouette", **FACTS)(silhouette)
    assert "bare" not in MEASURES
