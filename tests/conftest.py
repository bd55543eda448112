"""Shared fixtures: stores on SQLite, and on PostgreSQL where a server is given."""

import os
import signal
from uuid import uuid4

import numpy as np
import pytest

from corpus.store import CorpusStore, Entry
from gamac_meta.types import Dataset, MeasureTable, PartitionSet, Ranking

POSTGRESQL = "GAMAC_META_TEST_POSTGRESQL"
# markers of tests that need what is not on every machine, and the variables that say where it is
NEEDED = {"postgresql": POSTGRESQL, "browser": "GAMAC_META_TEST_CHROMIUM"}


@pytest.fixture(autouse=True)
def interrupts_are_heard():
    """A shell that runs the tests in the background has them ignored, by all that they start, too."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_collection_modifyitems(config, items):
    # deselected, not skipped: a run says by its environment whether they are part of it
    absent = [marker for marker, variable in NEEDED.items() if not os.environ.get(variable)]
    without = [item for item in items if any(item.get_closest_marker(marker) for marker in absent)]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in set(without)]


@pytest.fixture(scope="session")
def new_database():
    """Make a database of its own on the PostgreSQL server; its URL."""
    import sqlalchemy as sa

    server = sa.make_url(os.environ[POSTGRESQL])
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.pool.NullPool)
    made = []

    def make():
        made.append(f"test_{uuid4().hex}")
        with engine.connect() as connection:
            connection.execute(sa.text(f"CREATE DATABASE {made[-1]}"))
        return server.set(database=made[-1]).render_as_string(hide_password=False)

    yield make
    with engine.connect() as connection:
        for name in made:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def postgresql_url(new_database):
    """A database of the test's own."""
    return new_database()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def orders_url(request):
    """Where orders go: None is the corpus's own SQLite file."""
    return None if request.param == "sqlite" else request.getfixturevalue("postgresql_url")


@pytest.fixture
def store(tmp_path, orders_url):
    """An empty corpus."""
    return CorpusStore(tmp_path / "corpus", orders_url, create=True)


@pytest.fixture(scope="session")
def small_entry():
    """Make a small entry from its index: p candidates of a pool of p + 2, values with NaN and reasons, noise,
    tied ranks, two references."""

    def make(index=0, *, n=30, d=2, p=4, assessors=3, seed=0):
        rng = np.random.default_rng([seed, index])
        labels = rng.integers(-1, 3, size=(p + 2, n))
        labels[:, :4] = [-1, 0, 1, 2]
        values = rng.normal(size=(p + 2, 3))
        values[0, 1] = np.nan
        table = MeasureTable(
            values,
            ("dunn", "davies_bouldin", "silhouette"),
            (True, False, True),
            noise_share=(labels == -1).mean(axis=1),
            reasons={(0, "davies_bouldin"): "two centroids coincide"},
            approximate=("silhouette",),
        )
        orders = []
        for assessor in range(assessors):
            ranks = rng.permutation(p) + 1.0
            ranks[ranks <= 2] = 1.5
            orders.append(Ranking(ranks, f"simulated-{assessor}"))
        return Entry(
            index,
            Dataset(rng.normal(size=(n, d)), f"blobs-{index}", '{"family": "blobs"}'),
            np.stack([rng.integers(0, 3, size=n), np.zeros(n)]),
            f"family-{index % 3}",
            f"group-{index % 2}",
            f"base-{index % 3}",
            ("diverse", "random")[index % 2],
            PartitionSet(labels, tuple(f"kmeans({row})" for row in range(p + 2))),
            table,
            np.arange(p + 1, 1, -1) % (p + 1),
            tuple(orders),
        )

    return make
