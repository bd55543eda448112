"""Shared by the tests of rankers."""

from contextlib import contextmanager
from shutil import copytree

import pytest

from corpus.build import build
from corpus.entries import candidates_hash
from corpus.store import CorpusStore
from gamac_meta.types import Ranking
from rankers import _lightgbm

ROUNDS = 50


@pytest.fixture(scope="session")
def few_trees():
    """Make a context in which heads have few trees: enough for what is planted. Other processes have all."""

    @contextmanager
    def few():
        names = [name for name in vars(_lightgbm) if name.endswith("_ROUNDS")]
        assert names
        with pytest.MonkeyPatch.context() as patch:
            for name in names:
                patch.setattr(_lightgbm, name, ROUNDS)
            yield

    return few


@pytest.fixture(scope="session")
def simulated_corpus(tmp_path_factory):
    """Twelve data sets, ordered by three simulated assessors each. Not to be written to."""
    place = tmp_path_factory.mktemp("simulated") / "corpus"
    build(place, datasets=12, seed=5, n_jobs=2, assessors=3, progress=False)
    return place


@pytest.fixture
def asked(simulated_corpus, tmp_path):
    """Make a copy of it in which people ordered data sets: asked({"anna": order}) where order(entry) gives ranks, or
    None for a data set that a person did not order. Asked again, the same copy."""

    def ask(people):
        directory = tmp_path / "corpus"
        if not directory.exists():
            copytree(simulated_corpus, directory)
        with CorpusStore(directory) as store:
            for entry in store.entries():
                key = entry.data.fingerprint, candidates_hash(entry.candidates)
                ranks = {name: order(entry) for name, order in people.items()}
                orders = [Ranking(given, name) for name, given in ranks.items() if given is not None]
                if orders:
                    store.orders.add(key, orders)
        return directory

    return ask
