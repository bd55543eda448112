import numpy as np
import pytest
from matplotlib import pyplot as plt

from gamac_meta import plots
from gamac_meta.agreement import kendall_tau
from gamac_meta.types import MeasureTable


@pytest.fixture
def axes():
    from matplotlib.figure import Figure

    return Figure().subplots()


@pytest.fixture
def ranked():
    agreement = np.linspace(0.6, -0.2, 15)
    return [f"measure {i}" for i in range(15)], agreement, agreement - 0.1, agreement + 0.15


def test_recommendation_draws_the_first_measures_best_on_top(axes, ranked):
    titles, agreement, low, high = ranked
    plots.plot_recommendation(titles, agreement, low, high, ax=axes, top=12)
    assert [text.get_text() for text in axes.get_yticklabels()] == titles[:12]
    bottom, top = axes.get_ylim()
    assert bottom > top  # row 0 is above row 1
    intervals, dots = axes.collections[:2]
    drawn = np.array([segment[:, 0] for segment in intervals.get_segments()])
    assert np.allclose(drawn, np.column_stack([low, high])[:12])
    assert np.allclose(dots.get_offsets()[:, 0], agreement[:12])


def test_recommendation_says_whose_agreement(axes, ranked):
    plots.plot_recommendation(*ranked, assessors="simulated", ax=axes)
    assert "simulated assessors" in axes.get_xlabel()


def test_recommendation_of_fewer_measures_than_asked_for(axes, ranked):
    plots.plot_recommendation(*(values[:3] for values in ranked), ax=axes)
    assert len(axes.get_yticklabels()) == 3


def drawn_styles(axes):
    """(point, face color, marker shape) of everything drawn."""
    for collection in axes.collections:
        offsets = np.asarray(collection.get_offsets())
        faces = collection.get_facecolors()
        shape = tuple(collection.get_paths()[0].vertices.ravel().round(6)) if len(offsets) else ()
        for i, point in enumerate(offsets):
            face = tuple(faces[i % len(faces)]) if len(faces) else None
            yield tuple(point), face, shape


@pytest.mark.parametrize("k", [1, 8, 9, 50])
def test_every_cluster_has_a_style_of_its_own(axes, k):
    labels = np.repeat(np.arange(k, dtype=np.int32), 3)
    X = np.random.default_rng(0).normal(size=(3 * k, 2))
    plots.plot_clusters(X, labels, ax=axes)
    styles = {}
    for point, face, shape in drawn_styles(axes):
        cluster = labels[np.flatnonzero((np.abs(X - point) == 0).all(axis=1))[0]]
        styles.setdefault(cluster, set()).add((face, shape))
    assert all(len(style) == 1 for style in styles.values())
    assert len({next(iter(style)) for style in styles.values()}) == len(styles) == k


def test_noise_is_hollow(axes):
    X = np.arange(8.0).reshape(4, 2)
    plots.plot_clusters(X, np.array([0, -1, 0, -1], dtype=np.int32), ax=axes)
    hollow = [point for point, face, _ in drawn_styles(axes) if face is None]
    assert hollow == [(2.0, 3.0), (6.0, 7.0)]


def test_all_noise_no_labels_and_one_column_are_drawn(axes):
    X = np.arange(6.0).reshape(6, 1)
    plots.plot_clusters(X, np.full(6, -1, dtype=np.int32), ax=axes)
    plots.plot_clusters(X, None, ax=axes)
    assert sum(len(collection.get_offsets()) for collection in axes.collections) == 12


def test_colors_are_distinct_for_color_blind_readers():
    from matplotlib import colors

    # Machado et al. 2009, doi:10.1109/TVCG.2009.113: full deuteranopia in linear RGB
    deuteranopia = np.array([[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]])
    rgb = np.array([colors.to_rgb(color) for color in plots.OKABE_ITO])
    seen = rgb**2.2 @ deuteranopia.T
    gaps = np.linalg.norm(seen[:, None] - seen[None], axis=2)[np.triu_indices(len(seen), 1)]
    assert gaps.min() > 0.05


def test_contact_sheet_has_a_panel_for_each_data_set():
    rng = np.random.default_rng(0)
    datasets = [rng.normal(size=(20, 2)) for _ in range(7)]
    labels = [rng.integers(-1, 3, 20).astype(np.int32) for _ in datasets]
    figure = plots.contact_sheet(datasets, labels, [f"family {i}" for i in range(7)], columns=3)
    panels = [axes for axes in figure.axes if axes.axison]
    assert [axes.get_title() for axes in panels] == [f"family {i}" for i in range(7)]
    for axes, X in zip(panels, datasets, strict=True):
        assert sum(len(collection.get_offsets()) for collection in axes.collections) == len(X)


def test_partitions_side_by_side():
    X = np.random.default_rng(0).normal(size=(30, 2))
    labels = np.array([np.arange(30) % k for k in (2, 3, 4)], dtype=np.int32)
    figure = plots.plot_partitions(X, labels, ["a", "b", "c"])
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c"]


# ---- rank map -------------------------------------------------------------------------------------


@pytest.fixture
def table():
    """Two families of measures, one of smaller-is-better, one measure of equal values, one value undefined."""
    rng = np.random.default_rng(1)
    first, second = rng.permutation(8).astype(float), rng.permutation(8).astype(float)
    values = np.column_stack([first, second, -first, 3.0 * second, np.ones(8), np.exp(first)])
    values[2, 5] = np.nan
    names = ("a", "b", "minus_a", "b3", "flat", "exp_a")
    return MeasureTable(values, names, (True, True, False, True, True, True), reasons={(2, "exp_a"): "too large"})


def test_rank_map_puts_measures_that_rank_alike_side_by_side(table):
    places = {name: place for place, name in enumerate(plots.rank_map(table).measures)}
    assert sorted(places) == sorted(table.measures)
    assert abs(places["a"] - places["minus_a"]) == 1
    assert abs(places["b"] - places["b3"]) == 1
    assert abs(places["exp_a"] - (places["a"] + places["minus_a"]) / 2) == 1.5


def test_rank_map_forks_where_the_rank_correlation_says(table):
    info = plots.rank_map(table.select(["a", "b"]))
    ranks = table.select(["a", "b"]).ranks()
    height = 1.0 - kendall_tau(ranks[:, :1], ranks[:, 1:])[0, 0]
    assert info.branches == pytest.approx(np.array([[[0, 0], [0, height], [1, height], [1, 0]]]))
    assert plots.rank_map(table).branches.shape == (5, 4, 2)
    assert plots.rank_map(table.select(["a", "minus_a"])).branches[0, :, 1] == pytest.approx(0.0, abs=1e-12)


def test_rank_map_puts_good_partitions_on_top_and_keeps_the_undefined_apart(table):
    info = plots.rank_map(table)
    ordering = [name for name in table.measures if name != "flat"]
    ranks = table.ranks()[:, [table.measures.index(name) for name in ordering]]
    means = dict(zip(table.makers, ranks.mean(axis=1), strict=True))
    assert [means[maker] for maker in info.partitions] == sorted(means.values())
    assert [(info.partitions[row], info.measures[column]) for row, column in np.argwhere(np.isnan(info.ranks))] == [
        ("partition 2", "exp_a")
    ]
    for column, name in enumerate(info.measures):
        rows = [table.makers.index(maker) for maker in info.partitions]
        expected = table.ranks()[rows, table.measures.index(name)]
        defined = ~np.isnan(info.ranks[:, column])
        assert info.ranks[defined, column].tolist() == expected[defined].tolist()


@pytest.mark.parametrize(("p", "m"), [(1, 1), (1, 3), (4, 1), (2, 2), (15, 60)])
def test_a_table_of_any_size_is_drawn(p, m):
    values = np.random.default_rng(0).normal(size=(p, m))
    values[0, 0] = np.nan
    table = MeasureTable(values, tuple(f"m{column}" for column in range(m)), (True,) * m)
    axes = table.plot()
    axes.figure.canvas.draw()
    (image,) = axes.get_images()
    info = plots.rank_map(table)
    assert np.array_equal(np.ma.filled(image.get_array(), np.nan), info.ranks, equal_nan=True)
    assert [label.get_text() for label in axes.get_xticklabels()] == list(info.measures)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(info.partitions)
    plt.close(axes.figure)


def test_a_rank_map_is_drawn_into_given_axes_with_its_dendrogram(axes, table):
    assert table.plot(axes) is axes
    (tree,) = axes.child_axes
    assert len(tree.lines) == len(table.measures) - 1


def test_long_names_of_partitions_are_shortened_in_the_picture(axes, table):
    names = ("x" * 60, *table.makers[1:])
    MeasureTable(table.values, table.measures, table.greater_is_better, names).plot(axes)
    shown = [label.get_text() for label in axes.get_yticklabels()]
    assert max(map(len, shown)) == plots.LONGEST_NAME


# ---- critical differences ---------------------------------------------------------------------------


def test_critical_differences_stand_at_their_mean_ranks(axes):
    names, mean_ranks = ["first", "second", "third", "fourth", "last"], np.array([1.4, 2.0, 3.1, 3.9, 4.6])
    plots.plot_critical_difference(names, mean_ranks, [(0, 2), (3, 4)], axes)
    shown = {text.get_text() for text in axes.texts}
    assert {"first  1.40", "third  3.10", "3.90  fourth", "4.60  last"} <= shown
    leads = [line.get_xdata()[0] for line in axes.lines if len(line.get_xdata()) == 3]
    assert leads == mean_ranks.tolist()
    # a bar passes the second, which is no member: only dots say who is
    assert [dots.get_offsets()[:, 0].tolist() for dots in axes.collections] == [[1.4, 3.1], [3.9, 4.6]]


@pytest.mark.parametrize("c", [1, 2, 7, 14])
def test_names_of_contenders_never_share_a_line_on_their_side(c):
    ranks = np.sort(np.random.default_rng(c).uniform(1, c, c))
    axes = plots.plot_critical_difference([f"contender {i}" for i in range(c)], ranks, [tuple(range(c))])
    axes.figure.canvas.draw()
    places = [(note.xy[0], note.xy[1]) for note in axes.texts if "contender" in note.get_text()]
    assert len(set(places)) == c
    plt.close(axes.figure)
