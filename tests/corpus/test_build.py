"""A corpus is the same for a seed, however many processes made it and however often they were stopped."""

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest

import corpus.build
from corpus.build import Task, build, make_entry
from corpus.generators import GENERATORS, draw_recipe, generate
from corpus.store import CorpusStore
from gamac_meta.exceptions import CorpusError, InvalidInputError, StorageFullError
from gamac_meta.inputs import scaled
from gamac_meta.measures import MEASURES, evaluate

DATASETS, SEED = 6, 3
BUILD = (
    "from corpus.build import build; "
    "build({directory!r}, datasets={datasets}, seed={seed}, n_jobs={n_jobs}, assessors=2, progress=False)"
)


def content_of(directory):
    """Every Parquet file by name and bytes; hash of the corpus."""
    files = {path.relative_to(directory): path.read_bytes() for path in directory.rglob("*.parquet")}
    return files, CorpusStore(directory).corpus_hash()


def extend(directory, datasets=DATASETS, **options):
    return build(directory, datasets, **{"seed": SEED, "assessors": 2, "progress": False, **options})


def start(directory, n_jobs):
    """A build in a process group of its own, once it has stored its first data set."""
    script = BUILD.format(directory=str(directory), datasets=DATASETS, seed=SEED, n_jobs=n_jobs)
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    while process.poll() is None:
        manifest = directory / "manifest.json"
        if manifest.exists() and json.loads(manifest.read_text())["entries"]:
            return process
        time.sleep(0.01)
    pytest.fail(process.communicate()[1])


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Made by one process, without interruption."""
    directory = tmp_path_factory.mktemp("built") / "corpus"
    extend(directory)
    return directory


@pytest.fixture
def copy(built, tmp_path):
    return shutil.copytree(built, tmp_path / "copy")


def test_every_entry_is_complete(built):
    store = CorpusStore(built)
    assert store.indices() == tuple(range(DATASETS))
    assert store.verify() == ()
    for entry in store.entries():
        recipe = draw_recipe(entry.index, SEED)
        sample = generate(recipe)
        np.testing.assert_array_equal(entry.data.X, sample.data.X)
        np.testing.assert_array_equal(entry.truth, sample.references[0])
        assert (entry.family, entry.data.origin) == (recipe.family, recipe.to_json())
        assert (entry.group, entry.base) == (GENERATORS[entry.family].group, entry.family)
        assert len(entry.candidates) == 15
        assert len(entry.pool) > 30
        assert entry.table.measures == tuple(MEASURES)
        assert [order.assessor for order in entry.orders] == ["simulated-0", "simulated-1"]
    assert Counter(entry.scheme for entry in store.entries()) == {"diverse": 3, "random": 3}


def test_killed_and_resumed_by_another_number_of_processes(built, tmp_path):
    directory = tmp_path / "corpus"
    process = start(directory, n_jobs=2)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = CorpusStore(directory).indices()
    assert 0 < len(done) < DATASETS
    assert CorpusStore(directory).verify() == ()
    kept = {path: path.stat().st_mtime_ns for path in (directory / "points").glob("*.parquet")}
    extend(directory, n_jobs=2)
    assert content_of(directory) == content_of(built)
    # what was whole was not made again
    assert len([path for path, made in kept.items() if path.exists() and path.stat().st_mtime_ns == made]) >= len(done)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_interrupted_it_says_how_to_go_on(built, tmp_path, n_jobs):
    directory = tmp_path / "corpus"
    process = start(directory, n_jobs)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    store = CorpusStore(directory)
    assert f"stopped: {len(store.indices())} of 6 data sets are stored; the same command resumes\n" in err
    # the interrupt is passed on: Python's own report of it comes last, whatever it interrupted
    assert err.rstrip().splitlines()[-1].startswith("KeyboardInterrupt")
    assert process.returncode == -signal.SIGINT
    assert store.verify() == ()
    expected = CorpusStore(built)
    for entry in store.entries():
        assert entry.content_hash == expected.read(entry.index).content_hash


def test_a_greater_number_extends_and_a_smaller_one_keeps(copy, built):
    summary = extend(copy, DATASETS + 1)
    assert (summary.datasets, summary.requested) == (DATASETS + 1, DATASETS + 1)
    whole = CorpusStore(copy).corpus_hash()
    assert whole != CorpusStore(built).corpus_hash()
    assert str(extend(copy, 2)) == str(summary)
    assert CorpusStore(copy).corpus_hash() == whole


@pytest.mark.parametrize(
    ("option", "match"), [({"seed": 4}, "seed 3, got 4"), ({"assessors": 9}, "assessors 2, got 9")]
)
def test_other_settings_are_refused_before_anything_is_made(copy, built, monkeypatch, option, match):
    monkeypatch.setattr(corpus.build, "make_entry", None)
    with pytest.raises(InvalidInputError, match=f"was made with {match}; build into another directory"):
        extend(copy, DATASETS + 1, **option)
    assert content_of(copy) == content_of(built)


@pytest.mark.parametrize(
    ("option", "match"),
    [
        ({"datasets": 0}, "datasets must be at least 1, got 0"),
        ({"seed": -1}, "seed must be at least 0, got -1"),
        ({"noisy": -1}, "noisy must be from 0 to 100000, got -1"),
        ({"datasets": 100_001}, "plane must be from 0 to 100000, got 100001"),
        ({"assessors": 0}, "assessors must be at least 1, got 0"),
        ({"n_jobs": 0}, "n_jobs must be at least 1, or -1 for all cores, got 0"),
    ],
)
def test_bad_options_leave_no_directory(tmp_path, option, match):
    with pytest.raises(InvalidInputError, match=match):
        extend(tmp_path / "corpus", **option)
    assert not (tmp_path / "corpus").exists()


def test_damaged_and_missing_files_are_made_anew(copy, built):
    path = next((copy / "points").glob("000002-*"))
    path.write_bytes(path.read_bytes()[:-100])
    next((copy / "measures").glob("000004-*")).unlink()
    assert len(CorpusStore(copy).verify()) == 2
    extend(copy)
    assert content_of(copy) == content_of(built)
    assert CorpusStore(copy).verify() == ()


def test_lost_orders_are_made_anew(copy, built):
    (copy / "orders.sqlite").unlink()
    extend(copy)
    assert CorpusStore(copy).verify() == ()
    assert content_of(copy) == content_of(built)


def test_leftovers_of_a_killed_writer_are_swept(copy, built):
    (copy / "points" / ".000009-abc.parquet.xyz.part").write_bytes(b"half")
    (copy / "measures" / "000009-abcdef012345.parquet").write_bytes(b"whole but not listed")
    (copy / "descriptions").mkdir()
    (copy / "descriptions" / "000000.npz").write_bytes(b"of others")
    extend(copy)
    assert content_of(copy) == content_of(built)
    assert sorted(path.name for path in copy.iterdir()) == [
        *("descriptions", "manifest.json", "measures", "orders.sqlite", "points")
    ]
    assert (copy / "descriptions" / "000000.npz").exists()


def test_full_disk_keeps_what_is_there_and_a_resumed_build_ends_the_same(copy, built, monkeypatch):
    shutil.rmtree(copy)
    extend(copy, 2)
    before = content_of(copy)

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    # the manifest is saved once to claim the corpus, then the third data set finds no room
    saved = iter(range(1))
    monkeypatch.setattr(os, "fsync", lambda handle: full(handle) if next(saved, None) is None else None)
    with pytest.raises(StorageFullError, match=r"no room on the disk to write .*000002-"):
        extend(copy)
    monkeypatch.undo()
    assert content_of(copy) == before
    extend(copy)
    assert content_of(copy) == content_of(built)


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_a_data_set_that_cannot_be_made_is_named(n_jobs):
    # a planted fault that reaches worker processes too: a number of assessors that there cannot be
    with pytest.raises(CorpusError, match=r"data set 1 cannot be made, \w+: .*; recipe \{\"family\": "):
        list(corpus.build.run(make_entry, [Task(1, SEED, assessors=-1)] * 2, n_jobs=n_jobs))


def test_a_failure_ends_the_build_and_keeps_the_rest(copy, built, monkeypatch):
    monkeypatch.setattr(corpus.build, "pool", lambda *_, **__: 1 / 0)
    with pytest.raises(CorpusError, match=f"data set {DATASETS} cannot be made, ZeroDivisionError: division by zero"):
        extend(copy, DATASETS + 2)
    assert content_of(copy) == content_of(built)


def test_collections_grow_beside_one_another(tmp_path):
    """At once by one process, or one after the other by two: the same corpus."""
    counts = {"views": 2, "high_dimensional": 2, "noisy": 1, "borders": 1, "overlaps": 1}
    summary = extend(tmp_path / "at once", 1, **counts)
    extend(tmp_path / "in turn", 1, high_dimensional=1)
    plane = next((tmp_path / "in turn" / "points").glob("000000-*")).stat().st_mtime_ns
    assert str(extend(tmp_path / "in turn", 1, n_jobs=2, **counts)).splitlines()[1:] == str(summary).splitlines()[1:]
    assert content_of(tmp_path / "in turn") == content_of(tmp_path / "at once")
    assert next((tmp_path / "in turn" / "points").glob("000000-*")).stat().st_mtime_ns == plane
    assert (summary.datasets, summary.requested) == (8, 8)
    assert summary.collections == {
        "plane": 1,
        "views": 2,
        "high_dimensional": 2,
        "noisy": 1,
        "borders": 1,
        "overlaps": 1,
    }
    entries = list(CorpusStore(tmp_path / "at once").entries())
    assert [entry.index for entry in entries] == [0, 100_000, 100_001, 200_000, 200_001, 300_000, 400_000, 500_000]
    assert [entry.base for entry in entries[1:3]] == ["countries", "countries"]
    for entry in entries:
        assert entry.picture.shape == (entry.data.n, 2)
        # overlapping clouds may have two columns or more
        assert entry.index >= 500_000 or (entry.data.d > 2) == (200_000 <= entry.index < 300_000)
        assert len(entry.orders) == 2
        # the table of the pool holds what measuring the candidates alone gives
        alone = evaluate(scaled(entry.data.X, "common"), entry.candidates)
        np.testing.assert_allclose(entry.table.values, alone.values, rtol=1e-9)


def test_views_need_their_packages(tmp_path, monkeypatch):
    monkeypatch.setattr(corpus.build, "find_spec", lambda module: None if module == "umap" else module)
    with pytest.raises(
        InvalidInputError, match=r"views of real tables need umap-learn; install with: pip install 'gam"
    ):
        extend(tmp_path / "corpus", 1, views=1)
    assert not (tmp_path / "corpus").exists()
    assert extend(tmp_path / "corpus", 1).datasets == 1


def test_seeds_differ_between_data_sets_and_seeds():
    tasks = [Task(index, seed, 1) for seed in range(3) for index in range(50)]
    assert len({task.candidates_seed for task in tasks}) == len(tasks)
    assert len({task.persons_seed for task in tasks}) == 3
    assert not {task.candidates_seed for task in tasks} & {task.persons_seed for task in tasks}


def test_bar_counts_on_standard_error(copy, capsys):
    extend(copy, DATASETS + 1, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "data sets: 100%" in captured.err


def test_orders_may_go_to_another_database(orders_url, tmp_path):
    directory = tmp_path / "corpus"
    summary = extend(directory, 1, url=orders_url)
    assert summary.simulated_orders == 2
    assert (directory / "orders.sqlite").exists() == (orders_url is None)
    assert len(CorpusStore(directory, orders_url).read(0).orders) == 2
    assert extend(directory, 1, url=orders_url) == summary
