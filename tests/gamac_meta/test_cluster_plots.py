from io import BytesIO

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.colors import to_rgba
from planted_trials import planted_trials
from sklearn.datasets import make_blobs
from sklearn.metrics import silhouette_samples, silhouette_score

from gamac_meta import cluster_plots as plots
from gamac_meta.exceptions import InvalidInputError


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


def blobs(k, n=300, d=2, noise=0):
    X, labels = make_blobs(n, n_features=d, centers=k, random_state=0)
    labels[:noise] = -1
    return X, labels.astype(np.int32)


# ---- the partition ---------------------------------------------------------------------------------


def test_two_columns_are_drawn_as_they_are_and_named():
    X, labels = blobs(3)
    view = plots.cluster_view(X, labels, ["length", "mass"])
    assert np.array_equal(view.points, X)
    assert view.axes == ("length", "mass")
    assert view.note == ""


def test_more_columns_are_drawn_along_the_axes_of_most_variance():
    rng = np.random.default_rng(0)
    plane = rng.normal(size=(500, 2)) * [3.0, 2.0]
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    X = np.column_stack([plane, 0.1 * rng.normal(size=(500, 4))]) @ turn
    view = plots.cluster_view(X, np.zeros(500, dtype=np.int32))
    for drawn, planted in zip(view.points.T, plane.T, strict=True):
        assert abs(np.corrcoef(drawn, planted)[0, 1]) > 0.99
    shares = np.sort(np.linalg.eigvalsh(np.cov(X.T)))[::-1] / np.trace(np.cov(X.T))
    assert view.axes == tuple(f"principal axis {i + 1} ({shares[i]:.0%} of variance)" for i in range(2))


def test_every_drawn_point_keeps_its_cluster_and_small_clusters_are_not_lost():
    labels = np.zeros(50_000, dtype=np.int32)
    labels[100:130], labels[300:304], labels[7] = 1, -1, 2
    X = np.column_stack([np.arange(50_000), labels]).astype(float)
    view = plots.cluster_view(X, labels)
    assert len(view.points) == plots.MOST_DRAWN
    assert len(np.unique(view.points[:, 0])) == plots.MOST_DRAWN
    assert np.array_equal(view.points[:, 1], view.labels)
    assert np.array_equal(view.points[:, 0], view.rows)
    drawn = {label: int((view.labels == label).sum()) for label in (1, -1, 2)}
    assert drawn == {1: 30, -1: 4, 2: 1}
    assert view.sizes == {0: 50_000 - 35, 1: 30, 2: 1, -1: 4}
    assert view.note == "20000 of 50000 points drawn, small clusters more densely"


def test_the_number_of_a_ring_stands_on_the_ring(axes):
    angles = np.linspace(0, 6, 60)
    rings = [radius * np.column_stack([np.cos(angles), np.sin(angles)]) for radius in (1.0, 5.0)]
    plots.plot_partition(np.vstack(rings), np.repeat(np.array([0, 1], dtype=np.int32), 60), ax=axes)
    places = {text.get_text(): np.hypot(*text.get_position()) for text in axes.texts}
    assert places == {"0": pytest.approx(1.0), "1": pytest.approx(5.0)}


def test_the_legend_gives_every_cluster_its_points_color_and_hollow_noise(axes):
    X, labels = blobs(3, noise=10)
    plots.plot_partition(X, labels, "three", ax=axes)
    legend = axes.get_legend()
    entries = dict(zip([text.get_text() for text in legend.get_texts()], legend.legend_handles, strict=True))
    assert list(entries) == [f"{c}: {(labels == c).sum()}" for c in range(3)] + ["noise: 10"]
    assert entries["noise: 10"].get_markerfacecolor() == "none"
    for cluster in range(3):
        color = to_rgba(entries[f"{cluster}: {(labels == cluster).sum()}"].get_color())
        point = X[labels == cluster][0]
        drawn = [
            tuple(face)
            for collection in axes.collections
            for place, face in zip(collection.get_offsets(), collection.get_facecolors(), strict=False)
            if np.array_equal(place, point)
        ]
        assert drawn == [color]
    assert axes.get_title() == "three"


@pytest.mark.parametrize(("k", "legend"), [(1, True), (20, True), (21, False), (50, False)])
def test_beyond_twenty_clusters_only_numbers_tell_them(axes, k, legend):
    X, labels = blobs(k, n=10 * k)
    plots.plot_partition(X, labels, ax=axes)
    assert (axes.get_legend() is not None) == legend
    assert {text.get_text() for text in axes.texts} == {str(c) for c in range(k)}


def test_names_of_columns_are_no_formulas(axes):
    X, labels = blobs(2)
    plots.plot_partition(X, labels, columns=["price in $ {", "$^{cost$"], ax=axes)
    axes.figure.savefig(BytesIO())
    assert axes.get_ylabel() == "$^{cost$"


@pytest.mark.parametrize("d", [1, 2, 9])
def test_all_noise_is_drawn_in_any_number_of_columns(d):
    axes = plots.plot_partition(np.random.default_rng(0).normal(size=(30, d)), np.full(30, -1, dtype=np.int32))
    axes.figure.canvas.draw()
    assert [t.get_text() for t in axes.get_legend().get_texts()] == ["noise: 30"]
    plt.close(axes.figure)


@pytest.mark.parametrize(
    ("labels", "like", "expected"),
    [
        ([1, 1, 0, 0, -1], [0, 0, 1, 1, 1], [0, 0, 1, 1, -1]),
        ([0, 0, 1, 1, 2], [1, 1, 1, 0, -1], [1, 1, 0, 0, 2]),
        ([0, 0, 0, 0, 0], [0, 0, 1, 1, 1], [1, 1, 1, 1, 1]),
        ([-1, -1, -1], [0, 1, 2], [-1, -1, -1]),
        ([0, 1, 1], [-1, -1, -1], [0, 1, 1]),
    ],
)
def test_clusters_that_share_most_points_bear_the_same_number(labels, like, expected):
    found = plots.matched_labels(np.array(labels, dtype=np.int32), np.array(like, dtype=np.int32))
    assert found.tolist() == expected


def test_silhouettes_are_those_of_the_textbook_without_noise():
    X, labels = blobs(4, d=3, noise=30)
    found = plots.silhouettes(X, labels)
    kept = labels >= 0
    expected = silhouette_samples(X[kept], labels[kept])
    assert found.values == pytest.approx(expected)
    assert found.mean == pytest.approx(silhouette_score(X[kept], labels[kept]))
    assert found.means == pytest.approx([expected[labels[kept] == c].mean() for c in range(4)])
    assert found.note == ""


def test_silhouettes_of_many_points_are_a_sample_near_to_all_of_them():
    X, labels = blobs(4, n=6000)
    labels[labels == 3] = np.where(np.arange((labels == 3).sum()) < 20, 3, 2)
    found = plots.silhouettes(X, labels)
    assert len(found.values) == plots.MOST_SILHOUETTES
    assert (found.labels == 3).sum() == 20
    assert found.mean == pytest.approx(silhouette_score(X, labels), abs=0.02)
    assert found.note == "sample of 2000 of 6000 points"


def test_singletons_and_equal_points_have_silhouette_0():
    X = np.array([[0.0], [0.0], [0.0], [0.0], [5.0]])
    assert plots.silhouettes(X, np.array([0, 0, 1, 1, 2], dtype=np.int32)).values.tolist() == [0.0] * 5


def test_silhouettes_of_one_cluster_are_refused():
    labels = np.repeat(np.array([0, -1], dtype=np.int32), 10)
    with pytest.raises(InvalidInputError, match="at least two clusters, got 1"):
        plots.plot_silhouettes(np.zeros((20, 2)), labels)


def test_bars_of_silhouettes_are_as_long_as_their_values(axes):
    X, labels = blobs(3, n=60)
    plots.plot_silhouettes(X, labels, ax=axes)
    found = plots.silhouettes(X, labels)
    for label, collection in enumerate(axes.collections):
        ends = collection.get_paths()[0].vertices[:, 0]
        assert set(np.round(found.values[labels == label], 9)) <= set(np.round(ends, 9))
    assert [text.get_text() for text in axes.get_yticklabels()] == [
        f"{label}  ({mean:+.2f})" for label, mean in enumerate(found.means)
    ]


# ---- the search ------------------------------------------------------------------------------------


def test_history_is_in_order_of_ending_with_the_best_so_far():
    found = plots.search_history(planted_trials())
    assert found.ended.tolist() == pytest.approx([0.5, 0.7, 1.6, 2.1, 2.6])
    assert found.scores.tolist() == [0.5, 0.7, 0.4, 0.9, 0.9]
    assert found.best.tolist() == [0.5, 0.7, 0.7, 0.9, 0.9]
    assert found.algorithms == ("kmeans", "gaussian_mixture", "kmeans", "hdbscan", "dbscan")
    assert found.failed.tolist() == pytest.approx([2.8, 2.9, 6.0, 6.6])


def test_history_colors_by_algorithm_and_ticks_what_failed(axes):
    plots.plot_history(planted_trials(), ax=axes)
    *by_algorithm, ticks = axes.collections
    assert [len(dots.get_offsets()) for dots in by_algorithm] == [2, 1, 1, 1]
    assert len({tuple(dots.get_facecolors()[0]) for dots in by_algorithm}) == 4
    assert ticks.get_offsets()[:, 0].tolist() == pytest.approx([2.8, 2.9, 6.0, 6.6])
    assert axes.get_xlim()[0] == 0.0
    assert axes.get_xlim()[1] > 6.6
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    assert names == ["kmeans", "gaussian_mixture", "hdbscan", "dbscan"]


def test_parallel_axes_put_each_trial_where_its_values_are():
    found = plots.parallel_axes(planted_trials())
    assert found.best == 3
    columns = dict(zip(found.names, found.heights.T, strict=True))
    assert columns["algorithm"].tolist() == pytest.approx([0.0, 0.0, 1 / 3, 1.0, 2 / 3])
    assert columns["clusters"].tolist() == pytest.approx((np.log([2, 3, 5, 3, 3]) - np.log(2)) / np.log(2.5))
    assert columns["noise"].tolist() == pytest.approx([0, 0, 0, 1.0, 0.8])
    assert columns["score"].tolist() == pytest.approx([0.2, 0.0, 0.6, 1.0, 1.0])
    assert found.ticks[1] == pytest.approx({"2": 0.0, "3": np.log(1.5) / np.log(2.5), "5": 1.0})
    assert found.ticks[2] == pytest.approx({"0 %": 0.0, "6.25 %": 0.5, "12.5 %": 1.0})
    assert found.ticks[3] == pytest.approx({"0.1": 0.0, "0.316": 0.5, "1": 1.0})


def test_the_best_trial_is_the_thick_line(axes):
    trials = planted_trials()
    plots.plot_parameters(trials, ax=axes)
    (thick,) = [line for line in axes.lines if line.get_linewidth() > 2]
    assert thick.get_ydata().tolist() == plots.parallel_axes(trials).heights[3].tolist()
    (others,) = axes.collections
    assert len(others.get_segments()) == 5


@pytest.mark.parametrize("draw", [plots.plot_history, plots.plot_parameters])
def test_a_single_trial_is_drawn(draw):
    axes = draw(planted_trials().iloc[:1])
    axes.figure.canvas.draw()
    assert axes.lines
    plt.close(axes.figure)


def test_without_a_scored_trial_history_shows_the_failures_and_parallel_axes_are_refused(axes):
    failed = planted_trials().iloc[5:]
    plots.plot_history(failed, ax=axes)
    assert axes.collections[-1].get_offsets().shape == (4, 2)
    with pytest.raises(InvalidInputError, match="at least one scored trial"):
        plots.plot_parameters(failed, ax=axes)


def test_likeness_is_written_into_its_cells(axes):
    likeness = np.array([[1.0, 0.25], [0.25, 1.0]])
    plots.plot_likeness(likeness, ["best", "other"], ax=axes)
    cells = {text.get_position(): text.get_text() for text in axes.texts}
    assert cells == {(0, 0): "1.00", (1, 0): "0.25", (0, 1): "0.25", (1, 1): "1.00"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["best", "other"]
