"""The crowd of simulated assessors in benchmarks/studio_load.py works, and notices answers that are lost."""

import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from corpus.sessions import SessionBook
from corpus.store import CorpusStore

PROGRAM = Path(__file__).parents[1] / "benchmarks" / "studio_load.py"


@pytest.fixture(scope="module")
def tiny_corpus(tmp_path_factory, small_entry):
    with CorpusStore(tmp_path_factory.mktemp("load") / "corpus", create=True) as store:
        for index in range(4):
            store.write(small_entry(index, n=60))
    return store.directory


def test_a_small_crowd_loses_nothing(tiny_corpus):
    # how long requests took is not judged here: the machine may be busy
    options = ["--corpus", str(tiny_corpus), "--assessors", "4", "--seconds", "4", "--pace", "0.02"]
    done = subprocess.run([sys.executable, str(PROGRAM), *options], capture_output=True, text=True, timeout=300)
    assert done.stderr == ""
    assert "4 simulated assessors" in done.stdout
    assert "failed: none" in done.stdout
    acknowledged = re.search(r"(\d+) answers acknowledged; each is stored exactly once", done.stdout)
    # practice alone takes more than five
    assert int(acknowledged[1]) > 20


def test_an_answer_that_is_not_stored_is_noticed(tiny_corpus):
    program = runpy.run_path(str(PROGRAM))
    liar = program["Assessor"](0, "", 1.0)
    liar.acknowledged["an answer that nobody stored"] = "some session"
    place = tiny_corpus / "orders.sqlite"
    assert program["check"](place, [liar]) == [
        "answer an answer that nobody stored of session some session is stored 0 times"
    ]
    with SessionBook(place) as book:
        assert book.sessions() == ()
