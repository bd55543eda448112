"""What was appended is read again, whatever killed the writer; what is damaged or another's is refused by name."""

import base64
import errno
import json
import math
import os
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pytest

from gamac_meta.automl._journal import Journal
from gamac_meta.exceptions import InvalidInputError, StorageFullError

N = 40
HEADER = {"n": N, "fingerprint": "c0ffee", "settings": {"seed": 0, "measure": "auto"}}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "search.jsonl"


def written(path, records=3):
    with Journal.open(path, HEADER) as journal:
        for number in range(records):
            journal.append({"number": number}, np.arange(N) % (number + 1))
    return path.read_bytes()


def reopened(path, header=HEADER):
    with Journal.open(path, header) as journal:
        return journal.records


def with_labels(**changes):
    """A line whose labels are as they should be but for the changes."""
    data = base64.b64encode(zlib.compress(np.zeros(N, "<i2").tobytes())).decode()
    labels = {"dtype": "int16", "shape": [N], "data": data} | changes
    return json.dumps({"record": {}, "labels": labels}).encode() + b"\n"


def test_what_is_written_is_read(path):
    rng = np.random.default_rng(0)
    given = [
        (
            {"state": "ok", "params": {"k": 3, "eps": 0.25, "metric": None}, "names": ["a", "é\n"]},
            rng.integers(-1, 9, N),
        ),
        ({"state": "failed", "reason": "ValueError: no"}, None),
        ({}, np.where(np.arange(N) == 7, 2**31 - 1, -(2**31))),
        ({"score": math.inf}, np.zeros(N, np.uint8)),
    ]
    with Journal.open(str(path), HEADER) as journal:
        assert journal.records == []
        for record, labels in given:
            journal.append(record, labels)
    for (record, labels), (expected, given_labels) in zip(reopened(path), given, strict=True):
        assert record == expected
        if given_labels is None:
            assert labels is None
        else:
            assert labels.dtype == np.int32
            np.testing.assert_array_equal(labels, given_labels)


def test_nan_comes_back(path):
    with Journal.open(path, HEADER | {"margin": math.nan}) as journal:
        journal.append({"score": math.nan})
    ((record, _),) = reopened(path, HEADER | {"margin": math.nan})
    assert math.isnan(record["score"])


def test_a_resumed_journal_goes_on_behind(path):
    written(path, 2)
    with Journal.open(path, HEADER) as journal:
        assert [record["number"] for record, _ in journal.records] == [0, 1]
        journal.append({"number": 2})
    assert [record["number"] for record, _ in reopened(path)] == [0, 1, 2]


def test_labels_take_few_bytes(path):
    with Journal.open(path, HEADER | {"n": 100_000}) as journal:
        before = path.stat().st_size
        journal.append({}, np.repeat(np.arange(10), 10_000))
    assert path.stat().st_size - before < 2000


def test_every_torn_end_is_dropped(path):
    whole = written(path)
    last = len(whole.splitlines(keepends=True)[-1])
    for lost in range(1, last + 1):
        path.write_bytes(whole[:-lost])
        with Journal.open(path, HEADER) as journal:
            assert [record["number"] for record, _ in journal.records] == [0, 1]
            journal.append({"number": 2}, np.arange(N) % 3)
        assert path.read_bytes() == whole


def test_a_torn_header_is_written_again(path):
    whole = written(path, 0)
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert reopened(path) == []
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    "content", [b"a,b\n1,2\n", b"precious", b"[1]\n", b"{}\n", b"\xff\xfe\n", b"\n", b"[" * 100_000 + b"\n"]
)
def test_a_file_that_is_no_journal_is_refused_and_kept(path, content):
    path.write_bytes(content)
    with pytest.raises(InvalidInputError, match=r"line 1 of .*search\.jsonl is not a journal's header"):
        Journal.open(path, HEADER)
    assert path.read_bytes() == content


def test_another_format_is_refused(path):
    path.write_text(json.dumps({"format": 2, "what": HEADER}) + "\n")
    with pytest.raises(InvalidInputError, match="must have format 1, got 2"):
        Journal.open(path, HEADER)


def test_another_search_is_refused_by_what_differs(path):
    before = written(path)
    other = {"n": 41, "fingerprint": "c0ffee", "settings": {"measure": "auto", "seed": 1}, "noise": "keep"}
    with pytest.raises(InvalidInputError) as refused:
        Journal.open(path, other)
    assert "n (40 there, 41 here)" in str(refused.value)
    assert '"seed": 0} there, {"measure": "auto", "seed": 1} here)' in str(refused.value)
    assert 'noise (nothing there, "keep" here)' in str(refused.value)
    assert "fingerprint" not in str(refused.value)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "line",
    [
        b"\n",
        b"no json\n",
        b"\x00\x00\x00\n",
        b"\xff\n",
        b"3\n",
        b"[]\n",
        b"{}\n",
        b'{"record": 3}\n',
        b'{"record": {}, "labels": 3}\n',
        b"[" * 100_000 + b"\n",
        with_labels(dtype="object"),
        with_labels(dtype="int32"),
        with_labels(shape=[N + 1]),
        with_labels(shape=[2, N // 2]),
        with_labels(data="?"),
        with_labels(data=3),
        with_labels(data=""),
        with_labels(data=base64.b64encode(b"not compressed").decode()),
        with_labels(data=base64.b64encode(zlib.compress(bytes(2 * N))[:-3]).decode()),
        with_labels(data=base64.b64encode(zlib.compress(bytes(2 * N - 1))).decode()),
        with_labels(data=base64.b64encode(zlib.compress(bytes(2 * N + 1))).decode()),
        with_labels(data=base64.b64encode(zlib.compress(bytes(2 * N)) + b"more").decode()),
    ],
)
@pytest.mark.parametrize("place", [1, 3])
def test_a_damaged_line_is_refused_by_its_number(path, line, place):
    written(path, 2)
    lines = path.read_bytes().splitlines(keepends=True)
    lines.insert(place, line)
    path.write_bytes(b"".join(lines))
    before = path.read_bytes()
    with pytest.raises(InvalidInputError, match=rf"line {place + 1} of .*search\.jsonl is damaged: "):
        Journal.open(path, HEADER)
    assert path.read_bytes() == before


def test_a_bomb_takes_no_memory(path):
    written(path, 0)
    bomb = base64.b64encode(zlib.compress(bytes(200 * 2**20))).decode()
    with path.open("ab") as file:
        file.write(with_labels(data=bomb))
    tracemalloc.start()
    try:
        with pytest.raises(
            InvalidInputError, match=r"line 2 .* is damaged: ValueError: labels must have 80 bytes, got more"
        ):
            Journal.open(path, HEADER)
        assert tracemalloc.get_traced_memory()[1] < 10 * 2**20
    finally:
        tracemalloc.stop()


def test_two_writers_are_refused(path):
    with Journal.open(path, HEADER):
        with pytest.raises(InvalidInputError, match="must have one writer"):
            Journal.open(path, HEADER)
        script = f"from gamac_meta.automl._journal import Journal; Journal.open({str(path)!r}, {HEADER!r})"
        other = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
        assert "InvalidInputError: a journal must have one writer" in other.stderr
    assert reopened(path) == []


def test_a_refused_journal_holds_no_lock(path):
    written(path, 0)
    with pytest.raises(InvalidInputError, match="same search"):
        Journal.open(path, HEADER | {"n": 3})
    assert reopened(path) == []


@pytest.mark.parametrize(
    ("record", "labels", "message"),
    [
        ({"value": np.int64(3)}, None, "a record must hold JSON values only, got another: .*int64"),
        ({"value": {1, 2}}, None, "JSON values only, got another: .*set"),
        ({}, np.zeros(N), rf"integers of shape \({N},\), got float64 of shape \({N},\)"),
        ({}, np.zeros(N + 1, int), rf"integers of shape \({N},\), got int64 of shape \({N + 1},\)"),
        ({}, np.full(N, 2**31), "must fit into 32 bits, got 2147483648 to 2147483648"),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_written(path, record, labels, message):
    before = written(path)
    with Journal.open(path, HEADER) as journal, pytest.raises(InvalidInputError, match=message):
        journal.append(record, labels)
    assert path.read_bytes() == before


@pytest.mark.parametrize("header", [{}, {"n": 0}, {"n": "3"}])
def test_a_header_without_points_is_refused(path, header):
    with pytest.raises(InvalidInputError, match="must hold n, the number of points, got"):
        Journal.open(path, header)
    assert not path.exists()


def test_paths_that_are_no_files_are_refused(tmp_path):
    with pytest.raises(InvalidInputError, match="cannot be opened: Is a directory"):
        Journal.open(tmp_path, HEADER)
    with pytest.raises(InvalidInputError, match="cannot be opened: No such file or directory"):
        Journal.open(tmp_path / "missing" / "search.jsonl", HEADER)
    with pytest.raises(InvalidInputError, match="must be a regular file, got /dev/null"):
        Journal.open(os.devnull, HEADER)


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [(errno.ENOSPC, StorageFullError, "no room on the disk"), (errno.EIO, InvalidInputError, "cannot be written")],
)
def test_a_full_disk_leaves_the_journal_as_it_was(path, monkeypatch, number, error, message):
    before = written(path)
    write = os.write

    def half(descriptor, data):
        if len(data) > 20:
            return write(descriptor, data[:20])
        raise OSError(number, os.strerror(number))

    with Journal.open(path, HEADER) as journal:
        with monkeypatch.context() as patched:
            patched.setattr(os, "write", half)
            with pytest.raises(error, match=message):
                journal.append({"number": 3, "more": "x" * 1000})
        assert path.read_bytes() == before
        journal.append({"number": 3})
    assert len(reopened(path)) == 4


WRITER = """
import sys
import numpy as np
from gamac_meta.automl._journal import Journal

with Journal.open(sys.argv[1], {header!r}) as journal:
    number = len(journal.records)
    while True:
        journal.append({{"number": number, "more": "x" * (number % 7 * 1000)}}, np.full({n}, number))
        print(number, flush=True)
        number += 1
"""


def test_a_writer_killed_again_and_again_loses_nothing(path):
    rng = np.random.default_rng(0)
    script = WRITER.format(header=HEADER, n=N)
    acknowledged = -1
    for _ in range(8):
        with subprocess.Popen([sys.executable, "-c", script, str(path)], stdout=subprocess.PIPE, text=True) as writer:
            for _ in range(int(rng.integers(1, 60))):
                acknowledged = int(writer.stdout.readline())
            writer.kill()
            for line in writer.stdout:
                acknowledged = int(line) if line.endswith("\n") else acknowledged
        records = reopened(path)
        assert [record["number"] for record, _ in records] == list(range(len(records)))
        assert all((labels == number).all() for number, (_, labels) in enumerate(records))
        # the one on its way at the kill may be there, too
        assert acknowledged < len(records) <= acknowledged + 2
