"""What is written is what is read; what goes wrong is said in one line and loses nothing."""

import errno
import json
import os
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.entries import Entry, candidates_hash, from_parquet, to_parquet
from corpus.orders import OrderBook
from corpus.store import CorpusStore
from gamac_meta.exceptions import CorpusError, InvalidInputError, StorageFullError
from gamac_meta.types import Dataset, MeasureTable, PartitionSet, Ranking


def assert_equal_entries(left, right):
    for name in ("index", "family", "group", "base", "scheme"):
        assert getattr(left, name) == getattr(right, name)
    assert (left.data.name, left.data.origin) == (right.data.name, right.data.origin)
    np.testing.assert_array_equal(left.data.X, right.data.X)
    np.testing.assert_array_equal(left.references, right.references)
    np.testing.assert_array_equal(left.chosen, right.chosen)
    np.testing.assert_array_equal(left.pool.labels, right.pool.labels)
    assert left.pool.makers == right.pool.makers
    for name in ("measures", "greater_is_better", "makers", "reasons", "approximate"):
        assert getattr(left.pool_table, name) == getattr(right.pool_table, name)
    np.testing.assert_array_equal(left.pool_table.values, right.pool_table.values)
    np.testing.assert_array_equal(left.pool_table.noise_share, right.pool_table.noise_share)
    assert [order.assessor for order in left.orders] == [order.assessor for order in right.orders]
    for mine, other in zip(left.orders, right.orders, strict=True):
        np.testing.assert_array_equal(mine.ranks, other.ranks)


def reopened(store):
    return CorpusStore(store.directory, store._url)


def files_of(store):
    return {path.relative_to(store.directory) for path in store.directory.rglob("*") if path.suffix != ".sqlite"}


def full(*_):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class TestEveryStore:
    """The same on SQLite and on PostgreSQL."""

    def test_reads_what_was_written(self, store, small_entry):
        written = small_entry(7)
        store.write(written)
        assert_equal_entries(store.read(7), written)
        again = reopened(store)
        assert_equal_entries(again.read(7), written)

    def test_entries_come_by_index_whatever_the_sequence_of_writing(self, store, small_entry):
        for index in (4, 0, 11, 2):
            store.write(small_entry(index))
        assert store.indices() == (0, 2, 4, 11)
        read = list(store.entries())
        assert [entry.index for entry in read] == [0, 2, 4, 11]
        for entry in read:
            assert_equal_entries(entry, small_entry(entry.index))

    def test_corpus_hash_does_not_depend_on_the_sequence_of_writing(self, store, small_entry, tmp_path):
        for index in (0, 1, 2):
            store.write(small_entry(index))
        other = CorpusStore(tmp_path / "other", create=True)
        for index in (2, 0, 1):
            other.write(small_entry(index))
        assert other.corpus_hash() == store.corpus_hash()
        other.write(small_entry(1, seed=9))
        assert other.corpus_hash() != store.corpus_hash()

    def test_writing_twice_is_writing_once(self, store, small_entry):
        store.write(small_entry(0))
        before = store.corpus_hash(), files_of(store)
        store.write(small_entry(0))
        assert (store.corpus_hash(), files_of(store)) == before
        assert len(store.read(0).orders) == 3

    def test_an_entry_is_replaced_whole(self, store, small_entry):
        store.write(small_entry(0))
        count = len(files_of(store))
        store.write(small_entry(0, seed=1))
        assert_equal_entries(store.read(0), small_entry(0, seed=1))
        assert len(files_of(store)) == count

    def test_orders_of_people_join_the_simulated_ones(self, store, small_entry):
        entry = small_entry(0)
        store.write(entry)
        before = store.corpus_hash()
        key = entry.data.fingerprint, candidates_hash(entry.candidates)
        store.orders.add(key, [Ranking([4, 3, 2, 1], "heron")])
        assert [order.assessor for order in store.read(0).orders][-1] == "heron"
        summary = store.summary()
        assert (summary.simulated_orders, summary.real_orders) == (3, 1)
        assert store.corpus_hash() == before
        assert store.verify() == ()

    def test_an_assessor_cannot_say_two_things(self, store, small_entry):
        entry = small_entry(0, assessors=0)
        store.write(entry)
        key = entry.data.fingerprint, candidates_hash(entry.candidates)
        store.orders.add(key, [Ranking([1, 2, 3, 4], "heron")])
        store.orders.add(key, [Ranking([1, 2, 3, 4], "heron")])
        with pytest.raises(InvalidInputError, match=r"heron has ranked .* as \[1.0, 2.0, 3.0, 4.0\], got \[2.0"):
            store.orders.add(key, [Ranking([4, 3, 2, 1], "egret"), Ranking([2, 1, 3, 4], "heron")])
        # all or none: egret came in the same call
        assert [(order.assessor, order.ranks.tolist()) for order in store.read(0).orders] == [("heron", [1, 2, 3, 4])]

    def test_orders_belong_to_their_candidates(self, store, small_entry):
        entry = small_entry(0)
        store.write(entry)
        reordered = PartitionSet(entry.candidates.labels[::-1], entry.candidates.makers[::-1])
        key = entry.data.fingerprint, candidates_hash(reordered)
        assert store.orders.read([key])[key] == ()
        with pytest.raises(InvalidInputError, match="has 4 candidates, got orders of 3"):
            store.orders.add((key[0], candidates_hash(entry.candidates)), [Ranking([1, 2, 3], "heron")])

    def test_an_order_needs_its_candidates_on_record(self, store):
        with store.orders.database.engine.connect() as connection, pytest.raises(sa.exc.IntegrityError):
            connection.execute(
                sa.text(
                    "INSERT INTO orders (dataset, candidates, assessor, ranks, simulated, created) "
                    "VALUES ('a', 'b', 'heron', '[1.0]', false, 'now')"
                )
            )

    def test_verify_names_changed_orders(self, store, small_entry):
        for index in range(3):
            store.write(small_entry(index))
        dataset = store.read(1).data.fingerprint
        with store.orders.database.writing() as connection:
            connection.execute(
                sa.text("UPDATE orders SET ranks = '[1.0, 2.0, 3.0, 4.0]' WHERE dataset = :dataset"),
                {"dataset": dataset},
            )
        (line,) = store.verify()
        assert line.startswith("orders of data set 1 in ")
        assert "\n" not in line

    def test_damaged_ranks_are_named(self, store, small_entry):
        store.write(small_entry(0))
        with store.orders.database.writing() as connection:
            connection.execute(sa.text("UPDATE orders SET ranks = '[1.0, 7.0]' WHERE assessor = 'simulated-1'"))
        with pytest.raises(CorpusError, match=r"ranks of simulated-1 for data set \w+ are damaged"):
            store.read(0)

    def test_summary_counts(self, store, small_entry):
        store.claim({"seed": 3, "measures": ["dunn", "davies_bouldin", "silhouette"]}, requested=10)
        for index in range(5):
            store.write(small_entry(index))
        text = str(store.summary())
        assert "5 of 10 data sets, seed 3" in text
        assert "3 families in 2 groups; candidates chosen by scheme: 3 diverse, 2 random" in text
        assert "3 measures; orders: 15 simulated, 0 of people" in text

    def test_two_processes_may_write_at_once(self, store, small_entry):
        other = reopened(store)
        store.write(small_entry(0))
        other.write(small_entry(1))
        store.write(small_entry(2))
        assert reopened(store).indices() == (0, 1, 2)

    def test_no_room_for_orders(self, store, small_entry, monkeypatch):
        store.write(small_entry(0))
        before = files_of(store), store.corpus_hash()

        class Full(Exception):
            sqlstate = "53100"

        def refuse(*_):
            raise sa.exc.OperationalError("INSERT", {}, Full("could not extend file"))

        monkeypatch.setattr(OrderBook, "_read", refuse)
        with pytest.raises(StorageFullError, match=r"no room .*; nothing was changed"):
            store.write(small_entry(1))
        monkeypatch.undo()
        assert (files_of(store), store.corpus_hash()) == before
        assert len(reopened(store).read(0).orders) == 3
        key = small_entry(1).data.fingerprint, candidates_hash(small_entry(1).candidates)
        assert store.orders.read([key])[key] == ()


@pytest.mark.postgresql
def test_two_corpora_share_a_database(tmp_path, postgresql_url, small_entry):
    first = CorpusStore(tmp_path / "a", postgresql_url, create=True)
    second = CorpusStore(tmp_path / "b", postgresql_url, create=True)
    first.write(small_entry(0))
    second.write(small_entry(0))
    second.write(small_entry(1))
    assert first.summary().simulated_orders == 3
    assert second.summary().simulated_orders == 6


@pytest.mark.postgresql
def test_a_corpus_with_its_orders_elsewhere_says_so(tmp_path, postgresql_url, small_entry):
    made = CorpusStore(tmp_path / "corpus", postgresql_url, create=True)
    made.write(small_entry(0))
    store = CorpusStore(tmp_path / "corpus")
    assert store.read(0, orders=False).orders == ()
    with pytest.raises(CorpusError, match="give the URL it was built with"):
        store.read(0)
    with pytest.raises(InvalidInputError, match="keeps its orders in a database given by URL"):
        store.claim({}, 1)


@st.composite
def entries(draw):
    n, d, r, p, m = (draw(st.integers(low, high)) for low, high in ((10, 14), (1, 12), (1, 12), (1, 12), (1, 4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = st.floats(allow_nan=True, allow_infinity=True)
    values = np.array(draw(st.lists(number, min_size=p * m, max_size=p * m))).reshape(p, m)
    words = st.text(max_size=8)
    return Entry(
        draw(st.integers(0, 10**6)),
        Dataset(rng.normal(size=(n, d)) * 10.0 ** rng.integers(-300, 300), draw(words), draw(words)),
        rng.integers(-1, 5, size=(r, n)),
        draw(words),
        draw(words),
        draw(words),
        draw(words),
        PartitionSet(rng.integers(-1, 4, size=(p, n)), tuple(draw(words) for _ in range(p))),
        MeasureTable(
            values,
            tuple(f"measure_{column}" for column in range(m)),
            tuple(bool(flag) for flag in rng.integers(0, 2, size=m)),
            reasons={(row, f"measure_{column}"): draw(words) for row, column in np.argwhere(np.isnan(values)).tolist()},
        ),
        rng.permutation(p)[: rng.integers(1, p + 1)],
    )


@given(entry=entries())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_entry_survives_parquet(entry):
    read = from_parquet(*to_parquet(entry), ())
    assert_equal_entries(read, entry)
    assert read.content_hash == entry.content_hash
    assert to_parquet(read) == to_parquet(entry)


def test_content_hash_sees_every_part(small_entry):
    whole = small_entry(0)

    def changed(**parts):
        names = ("index", "data", "references", "family", "group", "base", "scheme", "pool", "pool_table", "chosen")
        return Entry(**{name: parts.get(name, getattr(whole, name)) for name in names}).content_hash

    values = whole.pool_table.values.copy()
    values[-1, -1] = np.nextafter(values[-1, -1], np.inf)
    table = MeasureTable(values, whole.pool_table.measures, whole.pool_table.greater_is_better)
    labels = whole.pool.labels.copy()
    labels[0, -1] = 1 - labels[0, -1] % 2
    hashes = [
        changed(),
        changed(index=1),
        changed(data=Dataset(whole.data.X + 1e-12, whole.data.name, whole.data.origin)),
        changed(data=Dataset(whole.data.X, whole.data.name, "elsewhere")),
        changed(references=whole.references[:1]),
        changed(references=whole.references[::-1]),
        changed(family="other"),
        changed(group="other"),
        changed(base="other"),
        changed(scheme="other"),
        changed(pool=PartitionSet(labels, whole.pool.makers)),
        changed(pool_table=table),
        changed(chosen=whole.chosen[::-1]),
        changed(chosen=whole.chosen[:-1]),
    ]
    assert len(set(hashes)) == len(hashes)


def test_an_entry_must_fit_together(small_entry):
    whole, other = small_entry(0), small_entry(0, n=31, p=5)

    def refused(match, **parts):
        names = ("index", "data", "references", "family", "group", "base", "scheme", "pool", "pool_table", "chosen")
        with pytest.raises(InvalidInputError, match=match):
            Entry(**{name: getattr(whole, name) for name in names} | parts)

    refused(r"references must have shape \(r, 30\), got \(2, 31\)", references=other.references)
    refused("pool must label each of 30 points, got 31", pool=other.pool)
    refused("table must measure each of the 6 partitions of the pool, got 7", pool_table=other.pool_table)
    refused("simulated-0 must rank each of 4 candidates, got 5", orders=other.orders)
    refused("index must be at least 0, got -1", index=-1)
    for chosen in ([0, 6], [0, 0], [], [[0, 1]], [-1, 0]):
        refused(r"chosen must be distinct rows of 0\.\.5, got \[", chosen=np.array(chosen))


def test_candidates_are_rows_of_the_pool(small_entry):
    entry = small_entry(0)
    assert sorted(entry.chosen) != list(range(len(entry.pool)))
    np.testing.assert_array_equal(entry.candidates.labels, entry.pool.labels[entry.chosen])
    np.testing.assert_array_equal(entry.table.values, entry.pool_table.values[entry.chosen])
    np.testing.assert_array_equal(entry.table.noise_share, entry.candidates.noise_share)
    assert entry.candidates.makers == tuple(f"kmeans({row})" for row in entry.chosen)
    assert entry.table.makers == tuple(entry.pool_table.makers[row] for row in entry.chosen)
    # reasons move with their rows
    ((row, name),) = entry.table.reasons
    assert entry.chosen[row] == 0
    assert np.isnan(entry.table.values[row, entry.table.measures.index(name)])


def test_agreement_with_the_truth_is_of_each_partition_of_the_pool(small_entry):
    whole = small_entry(0)
    labels = whole.pool.labels.copy()
    finest, coarse = np.arange(30) % 6, np.arange(30) % 2
    labels[1], labels[4] = finest, coarse
    entry = replace(whole, references=np.stack([finest, coarse]), pool=PartitionSet(labels))
    assert entry.truth_agreement.shape == (6,)
    assert entry.truth_agreement[1] == 1.0
    assert 0.0 < entry.truth_agreement[4] < 1.0
    assert abs(entry.truth_agreement[0]) < 0.2
    assert entry.best_truth_agreement[[1, 4]].tolist() == [1.0, 1.0]
    assert np.all(entry.best_truth_agreement >= entry.truth_agreement)


class TestDamage:
    """One line names the file and what to do; the other entries stay readable."""

    @pytest.fixture
    def corpus(self, tmp_path, small_entry):
        made = CorpusStore(tmp_path / "corpus", create=True)
        for index in range(3):
            made.write(small_entry(index))
        return made.directory

    @pytest.mark.parametrize("folder", ["points", "measures"])
    @pytest.mark.parametrize("fault", ["flipped bit", "truncated", "empty", "missing"])
    def test_parquet(self, corpus, folder, fault):
        (path,) = (corpus / folder).glob("000001-*")
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        damaged = {"flipped bit": bytes(content), "truncated": path.read_bytes()[:-9], "empty": b""}
        if fault == "missing":
            path.unlink()
        else:
            path.write_bytes(damaged[fault])
        store = CorpusStore(corpus)
        expected = (
            f"{path} is {'missing' if fault == 'missing' else 'damaged'}; restore it from a copy, or run the same"
        )
        (line,) = store.verify()
        assert line.startswith(expected)
        assert "\n" not in line
        with pytest.raises(CorpusError, match="000001-"):
            store.read(1)
        assert store.read(0).index == 0
        assert store.read(2).index == 2

    @pytest.mark.parametrize("content", ["", "{", "[]", '{"format": 2}', '{"format": 2, "check": "00"}'])
    def test_manifest(self, corpus, content):
        (corpus / "manifest.json").write_text(content)
        with pytest.raises(CorpusError, match=r"manifest.json is damaged; restore it"):
            CorpusStore(corpus)

    def test_manifest_with_a_changed_word(self, corpus):
        path = corpus / "manifest.json"
        path.write_text(path.read_text().replace("family-1", "family-2"))
        with pytest.raises(CorpusError, match="is damaged"):
            CorpusStore(corpus)

    @pytest.mark.parametrize("version", [1, 3, "x", None])
    def test_another_format(self, corpus, version):
        path = corpus / "manifest.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), "format": version}))
        with pytest.raises(CorpusError, match=f"must be of format 2, got format {version!r}; read it with the version"):
            CorpusStore(corpus)

    def test_no_corpus(self, tmp_path):
        with pytest.raises(CorpusError, match=r"is not a corpus: it has no manifest.json; make one with"):
            CorpusStore(tmp_path)
        with pytest.raises(CorpusError, match="is not a corpus"):
            CorpusStore(tmp_path / "nowhere")
        assert not (tmp_path / "nowhere").exists()

    def test_a_folder_with_other_things_is_left_alone(self, tmp_path):
        (tmp_path / "thesis.tex").write_text("chapter")
        with pytest.raises(CorpusError, match=r"must be empty or a corpus, got 'thesis.tex'"):
            CorpusStore(tmp_path, create=True)
        assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]

    def test_a_file_is_no_directory(self, tmp_path):
        path = tmp_path / "corpus"
        path.write_text("")
        with pytest.raises(CorpusError, match="cannot hold a corpus: "):
            CorpusStore(path, create=True)

    def test_missing_orders(self, corpus):
        (corpus / "orders.sqlite").unlink()
        store = CorpusStore(corpus)
        with pytest.raises(CorpusError, match=r"orders.sqlite is missing; restore it"):
            store.read(0)
        # looking must not make an empty one
        assert not (corpus / "orders.sqlite").exists()

    def test_damaged_orders(self, corpus):
        path = corpus / "orders.sqlite"
        path.write_bytes(b"\xff" * 512 + path.read_bytes()[512:])
        with pytest.raises(
            CorpusError, match=r"orders database .*orders.sqlite cannot be used: file is not a database"
        ):
            CorpusStore(corpus).read(0)

    def test_unreachable_server(self, corpus):
        url = "postgresql://someone:secret@127.0.0.1:9/none?connect_timeout=2"
        with pytest.raises(CorpusError, match=r"cannot be used: .*check the URL and the server") as caught:
            CorpusStore(corpus, url).read(0)
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)

    @pytest.mark.parametrize(
        ("url", "match"),
        [("mysql://host/name", "sqlite or postgresql, got a URL of 'mysql'"), ("::", "must look like")],
    )
    def test_urls_of_other_kinds(self, corpus, url, match):
        with pytest.raises(InvalidInputError, match=match):
            CorpusStore(corpus, url).read(0)

    def test_an_index_that_is_not_there(self, corpus):
        with pytest.raises(InvalidInputError, match=r"one of the 3 entries of .*, got 8"):
            CorpusStore(corpus).read(8)


class TestFullDisk:
    """What was there stays, nothing new is visible, nothing is left behind."""

    @pytest.fixture
    def corpus(self, tmp_path, small_entry):
        made = CorpusStore(tmp_path / "corpus", create=True)
        made.write(small_entry(0))
        return made

    @pytest.mark.parametrize("after", [0, 1, 2])
    def test_at_each_file(self, corpus, small_entry, monkeypatch, after):
        # files are synced in this order: points, measures, manifest
        before = files_of(corpus), corpus.corpus_hash()
        room = iter(range(after))
        monkeypatch.setattr(os, "fsync", lambda _: full() if next(room, None) is None else None)
        with pytest.raises(StorageFullError, match="no room on the disk"):
            corpus.write(small_entry(1))
        monkeypatch.undo()
        assert (files_of(corpus), corpus.corpus_hash()) == before
        again = reopened(corpus)
        assert again.indices() == (0,)
        assert again.verify() == ()
        corpus.write(small_entry(1))
        assert_equal_entries(reopened(corpus).read(1), small_entry(1))

    def test_replacing_an_entry_keeps_the_old_one(self, corpus, small_entry, monkeypatch):
        monkeypatch.setattr(os, "fsync", full)
        for seed in (0, 1):
            with pytest.raises(StorageFullError):
                corpus.write(small_entry(0, seed=seed))
        monkeypatch.undo()
        assert reopened(corpus).verify() == ()
        assert_equal_entries(reopened(corpus).read(0), small_entry(0))

    def test_sqlite_without_room(self, corpus, small_entry):
        # a real limit instead of a planted one: the database may not grow
        with sqlite3.connect(corpus.directory / "orders.sqlite") as connection:
            pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.close()
        sa.event.listen(
            corpus.orders.database.engine,
            "connect",
            lambda opened, _: opened.execute(f"PRAGMA max_page_count = {pages}"),
        )
        with pytest.raises(StorageFullError, match=r"no room on the disk of .*orders.sqlite"):
            corpus.write(small_entry(1, p=15, assessors=400))
        again = reopened(corpus)
        assert again.verify() == ()
        assert_equal_entries(again.read(0), small_entry(0))


WRITE_FOR_EVER = """
import sys
import numpy as np
from corpus.store import CorpusStore, Entry
from gamac_meta.types import Dataset, MeasureTable, PartitionSet, Ranking

def entry(index):
    rng = np.random.default_rng(index)
    labels = rng.integers(0, 3, size=(4, 400))
    return Entry(
        index, Dataset(rng.normal(size=(400, 2))), labels[:1], "f", "g", "b", "s", PartitionSet(labels),
        MeasureTable(rng.normal(size=(4, 2)), ("a", "b"), (True, True)), np.arange(4),
        (Ranking([1, 2, 3, 4], "simulated-0"),),
    )

store = CorpusStore(sys.argv[1], create=True)
for index in range(10_000):
    store.write(entry(index % 20))
    print(index, flush=True)
"""


def test_killed_at_any_moment_every_listed_entry_is_whole(tmp_path):
    directory = tmp_path / "corpus"
    rng = np.random.default_rng(0)
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", WRITE_FOR_EVER, directory], stdout=subprocess.PIPE) as writer:
            for _ in range(rng.integers(2, 12)):
                writer.stdout.readline()
            writer.kill()
        store = CorpusStore(directory)
        assert store.indices()
        assert store.verify() == ()
        store.sweep()
        listed = 2 * len(store.indices())
        assert sum(len(list((directory / name).iterdir())) for name in ("points", "measures")) == listed
        assert not [path for path in Path(directory).iterdir() if path.name.endswith(".part")]


class TestClaim:
    """A corpus is made with one set of settings for all its life."""

    def test_other_settings_are_refused_by_name(self, tmp_path):
        store = CorpusStore(tmp_path, create=True)
        store.claim({"seed": 1, "schemes": ("a", "b")}, 5)
        store.claim({"seed": 1, "schemes": ("a", "b")}, 9)
        store.claim({"seed": 1, "schemes": ["a", "b"]}, 7)
        assert store.summary().requested == 9
        with pytest.raises(InvalidInputError, match="was made with seed 1, got 2; build into another directory"):
            store.claim({"seed": 2, "schemes": ("a", "b")}, 5)
        with pytest.raises(InvalidInputError, match=r'made with schemes \["a", "b"\], got null'):
            store.claim({"seed": 1}, 5)

    def test_tables_of_other_measures_are_refused(self, tmp_path, small_entry):
        store = CorpusStore(tmp_path, create=True)
        store.claim({"measures": ["dunn"]}, 1)
        with pytest.raises(InvalidInputError, match=r'must hold the measures \["dunn"\], got \["dunn", "davies'):
            store.write(small_entry(0))
        assert store.indices() == ()

    def test_another_version_does_not_continue(self, tmp_path, small_entry, monkeypatch):
        store = CorpusStore(tmp_path, create=True)
        store.claim({"seed": 1}, 5)
        store.write(small_entry(0))
        monkeypatch.setattr("corpus.store.__version__", "9.9.9")
        with pytest.raises(InvalidInputError, match=r"was made by gamac-meta .* continued by no other, got 9.9.9"):
            store.claim({"seed": 1}, 5)
        assert_equal_entries(CorpusStore(tmp_path).read(0), small_entry(0))


def test_frame_has_a_row_per_candidate(store, small_entry):
    for index in range(3):
        store.write(small_entry(index))
    frame = store.to_frame()
    assert frame["index"].tolist() == [0] * 4 + [1] * 4 + [2] * 4
    np.testing.assert_array_equal(frame[["dunn", "davies_bouldin", "silhouette"]][4:8], small_entry(1).table.values)
    assert set(frame["n_clusters"]) == {3}
