"""What the page draws: nothing distorted, nothing hidden, like clusters in like colors."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from studio_server import read_picture

from corpus.app.drawing import PLAIN_COLORS, draw, encode, in_unit_square, jaccard, matched_colors, seed_of
from corpus.app.pictures import Pictures
from corpus.app.practice import practice
from corpus.assessors import external_rand
from corpus.sessions import PRACTICE
from corpus.store import CorpusStore
from gamac_meta.types import PartitionSet

coordinates = st.floats(-1e6, 1e6, width=32)


def partition_sets(most_clusters=12):
    shapes = st.tuples(st.integers(2, 5), st.integers(20, 40))
    return hnp.arrays(np.int64, shapes, elements=st.integers(-1, most_clusters - 1)).map(PartitionSet)


def pairs_of(labels, colors):
    return set(zip(labels.tolist(), colors.tolist(), strict=True))


class TestColors:
    @given(partition_sets())
    def test_a_cluster_has_one_color_and_noise_none(self, partitions):
        colors = matched_colors(partitions)
        for labels, row in zip(partitions.labels, colors, strict=True):
            pairs = pairs_of(labels, row)
            assert len(pairs) == len({label for label, _ in pairs}) == len({color for _, color in pairs})
            np.testing.assert_array_equal(labels == -1, row == -1)

    @given(partition_sets())
    def test_numbers_go_on_only_where_plain_colors_do_not_suffice(self, partitions):
        colors = matched_colors(partitions)
        assert np.all(colors.max(axis=1) < np.maximum(partitions.n_clusters, PLAIN_COLORS))

    @given(partition_sets(), st.randoms())
    def test_colors_do_not_tell_how_an_algorithm_numbers_its_clusters(self, partitions, random):
        names = list(range(30))
        random.shuffle(names)
        renamed = PartitionSet(np.where(partitions.labels == -1, -1, np.array(names)[partitions.labels]))
        np.testing.assert_array_equal(matched_colors(partitions), matched_colors(renamed))

    def test_equal_partitions_look_alike(self):
        labels = np.repeat([0, 1, 2], [20, 10, 5])
        colors = matched_colors(PartitionSet(np.stack([labels, 2 - labels, (labels + 1) % 3])))
        assert (colors == colors[0]).all()
        assert colors[0].tolist() == labels.tolist(), "the largest is number 0"

    def test_what_is_split_or_joined_leaves_the_rest_as_it_was(self):
        groups = np.repeat([0, 1, 2, 3], [40, 30, 20, 10])
        split = np.where((groups == 1) & (np.arange(100) < 50), 4, groups)
        joined = np.where(groups == 3, 2, groups)
        colors = matched_colors(PartitionSet(np.stack([3 - groups, split, joined])))
        same = groups == 0
        assert len(np.unique(colors[:, same])) == 1
        assert len(np.unique(colors[0][groups == 2])) == 1
        assert colors[2][groups == 2][0] == colors[0][groups == 2][0]

    def test_a_cluster_that_only_others_than_the_nearest_have_keeps_its_color_too(self):
        rng = np.random.default_rng(0)
        base = np.repeat([0, 1], [60, 40])
        corner = np.arange(100) < 12
        with_corner = np.where(corner, 2, base)
        near = [base, 1 - base, np.where(rng.random(100) < 0.02, 1 - base, base)]
        colors = matched_colors(PartitionSet(np.stack([*near, with_corner, np.where(corner, 3, base)])))
        assert colors[3].tolist() == colors[4].tolist()

    def test_few_clusters_have_plain_colors_beside_a_reference_with_many(self):
        many = np.arange(200) % 20
        colors = matched_colors(PartitionSet(np.stack([many, many, many, many // 7])))
        assert colors[3].max() < PLAIN_COLORS
        assert colors[0].max() == 19

    @given(partition_sets())
    def test_jaccard_is_what_sets_say(self, partitions):
        first, second = partitions.labels[:2]
        for cluster, row in enumerate(jaccard(first, second, 12)):
            mine = set(np.flatnonzero(first == cluster).tolist())
            for color, value in enumerate(row):
                its = set(np.flatnonzero(second == color).tolist())
                assert value == pytest.approx(len(mine & its) / len(mine | its))


class TestPoints:
    @given(hnp.arrays(np.float64, st.tuples(st.integers(3, 30), st.integers(1, 2)), elements=coordinates))
    def test_fill_the_unit_square_undistorted(self, points):
        if np.ptp(points, axis=0).max() == 0:
            points[0] += 1
        placed = in_unit_square(points)
        assert placed.shape == (len(points), 2)
        assert placed.min() >= -1e-12
        assert placed.max() <= 1 + 1e-12
        extent = np.ptp(placed, axis=0)
        assert extent.max() == pytest.approx(1)
        scale = np.ptp(points, axis=0).max()
        for axis in range(points.shape[1]):
            np.testing.assert_allclose(np.ptp(points[:, axis]) / scale, extent[axis], atol=1e-9)
        np.testing.assert_allclose((placed.min(axis=0) + placed.max(axis=0)) / 2, 0.5, atol=1e-9)

    def test_greatest_numbers_do_not_overflow(self):
        assert np.isfinite(in_unit_square(np.array([[-1e300, 0], [1e300, 1e299], [0, 0]]))).all()


class TestBytes:
    def test_hold_points_candidates_and_the_decoy(self, small_entry):
        entry = small_entry(n=50)
        drawing = draw(entry.picture, entry.candidates, seed=3)
        header, x, y, colors = read_picture(encode(drawing, 2, seed=4))
        assert header == {"n": 50, "rows": 5, "colors": len(np.unique(drawing.colors[drawing.colors >= 0]))}
        np.testing.assert_array_equal(np.column_stack([x, y]), drawing.points.astype(np.float32))
        np.testing.assert_array_equal(colors[:4], drawing.colors)
        assert sorted(colors[4]) == sorted(colors[2])
        assert colors[4].tolist() != colors[2].tolist()

    def test_points_keep_their_labels_in_the_shuffled_sequence(self, small_entry):
        entry = small_entry(n=50)
        drawing = draw(entry.picture, entry.candidates, seed=3)
        order = np.lexsort(in_unit_square(entry.picture).T)
        drawn = np.lexsort(drawing.points.T)
        np.testing.assert_array_equal(drawing.points[drawn], in_unit_square(entry.picture)[order])
        expected = entry.candidates.labels[:, order]
        for row in range(4):
            assert external_rand(drawing.colors[row][drawn], expected[row]) == pytest.approx(1.0)
        assert order.tolist() != drawn.tolist()

    def test_follow_from_the_seeds(self, small_entry):
        entry = small_entry()
        make = lambda first, second: encode(draw(entry.picture, entry.candidates, first), 0, second)  # noqa: E731
        assert make(1, 2) == make(1, 2)
        assert make(1, 2) != make(3, 2)
        assert make(1, 2) != make(1, 3)

    def test_more_columns_are_shown_by_their_principal_components(self, tmp_path, small_entry):
        with CorpusStore(tmp_path, create=True) as store:
            store.write(small_entry(0, d=5))
            drawing = Pictures(store, {("a", "b"): 0})["a", "b"]
        assert drawing.points.shape == (30, 2)

    def test_one_column_is_a_line(self, small_entry):
        entry = small_entry(d=1)
        drawing = draw(entry.picture, entry.candidates, 0)
        assert set(drawing.points[:, 1]) == {0.5}


class TestKept:
    def test_within_bounds_the_last_used_stays(self, tmp_path, small_entry):
        with CorpusStore(tmp_path, create=True) as store:
            for index in range(3):
                store.write(small_entry(index))
            size = 30 * (2 * 8 + 4 * 2)
            pictures = Pictures(store, {(str(index), "x"): index for index in range(3)}, most=2 * size)
        first = pictures["0", "x"]
        second = pictures["1", "x"]
        assert pictures["0", "x"] is first
        pictures["2", "x"]
        assert pictures["0", "x"] is first
        assert pictures["1", "x"] is not second

    def test_one_that_is_larger_than_the_bound_is_drawn_all_the_same(self, tmp_path, small_entry):
        with CorpusStore(tmp_path, create=True) as store:
            store.write(small_entry(0))
            pictures = Pictures(store, {("0", "x"): 0}, most=1)
        assert pictures["0", "x"] is pictures["0", "x"]

    def test_practice_needs_no_corpus(self, tmp_path):
        with CorpusStore(tmp_path, create=True) as store:
            pictures = Pictures(store, {})
        assert PRACTICE in pictures
        assert pictures[PRACTICE].colors.shape[0] == len(practice().ranks)


class TestPractice:
    def test_is_the_same_for_everybody(self):
        np.testing.assert_array_equal(practice().points, practice().points)
        np.testing.assert_array_equal(practice().partitions.labels, practice().partitions.labels)

    def test_each_partition_is_further_from_the_groups_than_the_one_before(self):
        example = practice()
        by_rank = np.argsort(example.ranks)
        groups = example.partitions.labels[by_rank[0]]
        agreement = [external_rand(example.partitions.labels[row], groups) for row in by_rank]
        assert sorted(example.ranks) == [1, 2, 3, 4]
        assert agreement[0] == 1
        assert all(before > after for before, after in pairwise(agreement)), agreement

    def test_the_groups_are_far_apart(self):
        example = practice()
        groups = example.partitions.labels[example.ranks.index(1.0)]
        distances = np.linalg.norm(example.points[:, None] - example.points[None], axis=2)
        other = groups[:, None] != groups[None]
        nearest_mate = np.where(other | np.eye(len(groups), dtype=bool), np.inf, distances).min(axis=1)
        assert distances[other].min() > 2 * nearest_mate.max()


def test_seeds_differ_where_texts_do():
    assert seed_of("a", "bc") != seed_of("ab", "c")
    assert seed_of("a") == seed_of("a")
