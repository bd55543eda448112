"""benchmarks/corpus_pools.py: pools of a real search, what a choice is taught, and what the tables hold."""

from types import SimpleNamespace

import numpy as np
import pytest
from benchmark_modules import loaded
from sklearn.cluster import KMeans
from sklearn.datasets import make_blobs

from gamac_meta.recommend import load_model
from gamac_meta.types import Dataset, PartitionSet


@pytest.fixture(scope="module")
def study():
    with loaded("corpus_pools") as module:
        yield module


def test_partitions_are_told_apart_by_their_groups_not_by_the_numbers_of_these(study):
    labels = np.array([[0, 0, 1, -1], [1, 1, 0, -1], [0, 0, 1, 2], [0, 1, 1, 1], [-1, 0, 0, 0]], dtype=np.int32)
    assert study.distinct(labels).tolist() == [[0, 0, 1, -1], [0, 1, 1, 1]]


def test_a_pool_is_what_a_search_saw_and_what_the_corpus_holds_and_is_read_the_second_time(study, tmp_path):
    X, truth = make_blobs(150, centers=[[0, 0], [12, 0], [0, 12]], random_state=0)
    held = PartitionSet(
        np.stack([KMeans(k, n_init=1, random_state=0).fit_predict(X) for k in (2, 37)]).astype(np.int32),
        ("kmeans(2)", "kmeans(37)"),
    )
    entry = SimpleNamespace(data=Dataset(X), truth=truth.astype(np.int32), pool=held)
    path = tmp_path / "pools" / "0.npz"
    seen = study.search(study.Search(path, entry, load_model(None), 4.0))
    count = len(seen.agreement)
    assert seen.partitions.shape[0] == count > 10
    assert seen.agreement.max() == 1.0
    assert seen.likeness.shape == (count, count)
    # no search merges so far, and none of 4 s makes so many clusters: the last partition is the corpus's
    column = study.partition_feature_names(load_model(None).learned.measures).index("log_k")
    assert seen.partitions[-1, column] == pytest.approx(np.log(37))
    again = study.search(study.Search(path, None, None, 4.0))
    for name, values in vars(seen).items():
        np.testing.assert_array_equal(getattr(again, name), values)


@pytest.fixture
def material(study):
    """Six data sets in three folds; every second one has a large pool. A row tells the data set and its pool."""
    cases, seen = [], {}
    for place in range(6):
        rows = np.full((4, 2), 10.0 * place)
        cases.append(SimpleNamespace(agreement=np.arange(4.0), pool_partitions=rows))
        if place % 2 == 0:
            seen[place] = study.Seen(np.full((9, 2), 10.0 * place + 1), np.arange(9.0), np.eye(9), *[np.array([])] * 5)
    cases[5].agreement = None
    return study.Material(SimpleNamespace(cases=cases), np.array([0, 0, 1, 1, 2, 2]), [], seen)


@pytest.mark.parametrize(
    ("way", "heard"),
    [
        ({}, [21.0, 30.0, 41.0]),
        ({"others": False}, [21.0, 41.0]),
        ({"searched": False, "others": False}, [20.0, 40.0]),
        ({"searched": False}, [20.0, 30.0, 40.0]),
    ],
)
def test_a_way_hears_what_it_says_and_nothing_of_the_fold_or_without_planted_clusters(study, material, way, heard):
    rows, worth = study.lessons(material, study.Way(**way), 0)
    assert [each[0, 0] for each in rows] == heard
    assert [len(each) for each in worth] == [len(each) for each in rows]


def test_the_control_deals_the_same_worth_at_random(study, material):
    worth = study.lessons(material, study.Way(shuffled=True), 0)[1]
    assert all(sorted(each) == list(range(len(each))) for each in worth)
    assert any(each.tolist() != list(range(len(each))) for each in worth)


def test_a_table_compares_on_the_same_data_sets_and_leaves_out_what_there_is_not(study):
    sizes = ("10", "20", "40", "80", "150", "all")
    shipped = {0: dict.fromkeys(sizes, 0.2), 1: dict.fromkeys(sizes, 0.4), 2: {"10": 9.0, "all": 9.0}}
    better = {place: {size: loss - 0.1 for size, loss in lost.items()} for place, lost in shipped.items()}
    head, _, first, second = study.table({"shipped": shipped, "better": better}, shipped)
    assert head.startswith("| judgement (2 sets) | 10 |")
    assert "300 (0 sets) | all |" in head
    cells = [cell.strip() for cell in second.split("|")[1:-1]]
    mean = "0.200 [0.100, 0.300]"
    assert cells == ["better", mean, mean, mean, mean, mean, "", mean, "-0.100 [-0.100, -0.100]"]
    assert first.endswith("| 0.000 [0.000, 0.000] |")
