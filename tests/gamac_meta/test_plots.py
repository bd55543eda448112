import numpy as np
import pytest

from gamac_meta import plots


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
