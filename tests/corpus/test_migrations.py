"""Whatever version made a database, it is brought to the newest schema whole, once, and loses nothing."""

import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import sleep

import assessing
import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory

from corpus.database import Database, make_engine
from corpus.migrations import FORMER_TABLE, LOCK, SCRIPTS, VERSION_TABLE, WRITES, migrate
from corpus.orders import OrderBook
from gamac_meta.exceptions import CorpusError
from gamac_meta.types import Ranking

# as the first version of the store made them
FORMER_SCHEMA = """
CREATE TABLE schema_changes (number INTEGER NOT NULL, name TEXT NOT NULL, applied TEXT NOT NULL, PRIMARY KEY (number));
CREATE TABLE candidate_sets (
    dataset VARCHAR(32) NOT NULL, candidates VARCHAR(32) NOT NULL, size INTEGER NOT NULL,
    PRIMARY KEY (dataset, candidates), CHECK (size > 0)
);
CREATE TABLE orders (
    id {id} NOT NULL, dataset VARCHAR(32) NOT NULL, candidates VARCHAR(32) NOT NULL, assessor TEXT NOT NULL,
    ranks TEXT NOT NULL, simulated BOOLEAN NOT NULL, created TEXT NOT NULL,
    PRIMARY KEY (id), UNIQUE (dataset, candidates, assessor),
    FOREIGN KEY(dataset, candidates) REFERENCES candidate_sets (dataset, candidates)
);
INSERT INTO schema_changes VALUES (1, 'candidates_and_orders', '2026-01-01T00:00:00+00:00');
INSERT INTO candidate_sets VALUES ('data', 'candidates', 3);
INSERT INTO orders (dataset, candidates, assessor, ranks, simulated, created)
    VALUES ('data', 'candidates', 'heron', '[2.0, 1.0, 3.0]', false, 'then');
INSERT INTO orders (dataset, candidates, assessor, ranks, simulated, created)
    VALUES ('data', 'candidates', 'simulated-0', '[1.5, 1.5, 3.0]', true, 'then');
"""
KEY = ("data", "candidates")


@pytest.fixture
def place(tmp_path, orders_url):
    return orders_url or tmp_path / "orders.sqlite"


@pytest.fixture
def engine(place):
    """Without a schema."""
    return make_engine(place)


@pytest.fixture
def former(engine):
    kind = "SERIAL" if engine.dialect.name == "postgresql" else "INTEGER"
    with engine.execution_options(**WRITES).begin() as connection:
        for statement in FORMER_SCHEMA.format(id=kind).split(";")[:-1]:
            connection.exec_driver_sql(statement)


def schema_of(engine):
    tables = sa.inspect(engine)
    return {
        name: {
            "columns": {
                (column["name"], str(column["type"]), column["nullable"]) for column in tables.get_columns(name)
            },
            "key": tables.get_pk_constraint(name)["constrained_columns"],
            "unique": {tuple(each["column_names"]) for each in tables.get_unique_constraints(name)},
            "foreign": {
                (*each["constrained_columns"], each["referred_table"], *each["referred_columns"])
                for each in tables.get_foreign_keys(name)
            },
            "checks": len(tables.get_check_constraints(name)),
        }
        for name in tables.get_table_names()
    }


def version_of(engine):
    with engine.connect() as connection:
        return connection.scalar(sa.text(f"SELECT version_num FROM {VERSION_TABLE}"))


def assert_former_orders(place):
    orders = OrderBook(place).read([KEY])[KEY]
    assert [(order.assessor, order.ranks.tolist()) for order in orders] == [
        ("heron", [2, 1, 3]),
        ("simulated-0", [1.5, 1.5, 3]),
    ]


def test_the_scripts_are_one_chain_numbered_in_its_sequence():
    chain = [script.revision for script in ScriptDirectory(SCRIPTS).walk_revisions()][::-1]
    assert chain == sorted(path.name.split("_")[0] for path in (SCRIPTS / "versions").glob("0*.py"))
    assert chain == [f"{number:04d}" for number in range(1, len(chain) + 1)]


def test_a_database_of_the_former_schema_is_adopted(place, engine, former, tmp_path):
    assert_former_orders(place)
    new = tmp_path / "new.sqlite"
    OrderBook(new)
    fresh = schema_of(sa.create_engine(f"sqlite:///{new}", poolclass=sa.pool.NullPool))
    adopted = schema_of(engine)
    assert adopted.keys() == fresh.keys()
    if engine.dialect.name == "sqlite":
        assert adopted == fresh
    assert FORMER_TABLE not in adopted
    # and goes on being used
    OrderBook(place).add(KEY, [Ranking([3, 2, 1], "egret")])
    assert len(OrderBook(place).read([KEY])[KEY]) == 3


@pytest.mark.parametrize("made_by", ["alembic", "former"])
def test_a_later_schema_is_refused(place, engine, made_by):
    with engine.execution_options(**WRITES).begin() as connection:
        if made_by == "alembic":
            connection.exec_driver_sql(f"CREATE TABLE {VERSION_TABLE} (version_num VARCHAR(32) NOT NULL)")
            connection.exec_driver_sql(f"INSERT INTO {VERSION_TABLE} VALUES ('0099')")
        else:
            connection.exec_driver_sql(f"CREATE TABLE {FORMER_TABLE} (number INTEGER NOT NULL)")
            connection.exec_driver_sql(f"INSERT INTO {FORMER_TABLE} VALUES (1), (99)")
    before = schema_of(engine)
    with pytest.raises(
        CorpusError, match=r"must have schema 0\d+ or earlier, got (00)?99; upgrade gamac-meta"
    ) as caught:
        OrderBook(place)
    assert engine.url.database in str(caught.value)
    assert schema_of(engine) == before


@pytest.fixture
def scripts(tmp_path):
    """A copy of the scripts, to which a test adds; its path has what a configuration file would take for its own."""
    return Path(shutil.copytree(SCRIPTS, tmp_path / "100%(here)s of it"))


def add_script(scripts, after="", number="0003"):
    (scripts / "versions" / f"{number}_notes.py").write_text(
        f"""
import sqlalchemy as sa
from alembic import op

revision, down_revision = {number!r}, "{int(number) - 1:04d}"

def upgrade():
    op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("INSERT INTO orders (dataset, candidates, assessor, ranks, simulated, created) "
               "VALUES ('data', 'candidates', 'owl', '[1.0, 2.0, 3.0]', false, 'now')")
    {after}
"""
    )


@pytest.mark.parametrize("start", ["former", "newest"])
def test_a_change_that_breaks_leaves_no_trace(place, engine, former, scripts, start):
    if start == "newest":
        OrderBook(place)
    before = schema_of(engine)
    add_script(scripts, after='raise RuntimeError("planted")')
    with pytest.raises(RuntimeError, match="planted"):
        migrate(engine, scripts)
    assert schema_of(engine) == before
    assert_former_orders(place)
    add_script(scripts)
    # once: the second time there is nothing to do
    migrate(engine, scripts)
    migrate(engine, scripts)
    assert version_of(engine) == "0003"
    assert "notes" in schema_of(engine)
    assert FORMER_TABLE not in schema_of(engine)
    with pytest.raises(CorpusError, match="got 0003; upgrade gamac-meta"):
        OrderBook(place)


KILLED_AT = """
import os, signal, sys
from pathlib import Path
from alembic import op
from corpus.orders import OrderBook

place, left = sys.argv[1], [int(sys.argv[2])]
create = op.create_table

def create_or_die(*arguments, **options):
    made = create(*arguments, **options)
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return made

op.create_table = create_or_die
OrderBook(place if "://" in place else Path(place))
"""


@pytest.mark.parametrize(("start", "at"), [("empty", 2), ("empty", 4), ("former", 1), ("former", 3)])
def test_killed_in_the_middle_nothing_happened(place, engine, start, at, request):
    if start == "former":
        request.getfixturevalue("former")
    before = schema_of(engine)
    done = subprocess.run([sys.executable, "-c", KILLED_AT, str(place), str(at)], timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert schema_of(engine) == before
    OrderBook(place)
    assert {"orders", "sessions", "events", "invitations"} < schema_of(engine).keys()
    if start == "former":
        assert_former_orders(place)


@pytest.mark.parametrize("start", ["empty", "former"])
def test_many_processes_open_at_once(place, engine, start, request):
    if start == "former":
        request.getfixturevalue("former")
    command = [sys.executable, assessing.__file__, "open", str(place), "0"]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout.readline() == '["ready"]\n'
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=120)[1] for process in processes]
    assert ([process.returncode for process in processes], errors) == ([0] * 4, [""] * 4)
    if start == "former":
        assert_former_orders(place)
    assert version_of(engine) == "0002"


def test_opened_while_another_adopts_it(place, engine, former, scripts, tmp_path):
    """Who looks at a database meets the change of another as not begun or as done."""
    adopted, looked = tmp_path / "adopted", tmp_path / "looked"
    waiting = f"""
    from pathlib import Path
    from time import sleep
    Path({str(adopted)!r}).touch()
    while not Path({str(looked)!r}).exists():
        sleep(0.01)
"""
    add_script(scripts, after=waiting)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(migrate, engine, scripts)
        while not adopted.exists() and not first.done():
            sleep(0.01)
        second = threads.submit(migrate, engine, scripts)
        # long enough to look at all there is to see, and to wait for it
        sleep(0.5)
        looked.touch()
        first.result(timeout=60)
        second.result(timeout=60)
    assert version_of(engine) == "0003"


def test_many_threads_open_databases_at_once(tmp_path):
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda number: OrderBook(tmp_path / f"{number % 4}.sqlite"), range(16)))
    for number in range(4):
        OrderBook(tmp_path / f"{number}.sqlite").add(KEY, [Ranking([1, 2], "heron")])


def test_a_later_schema_is_refused_while_another_writes(place, engine):
    OrderBook(place)
    with engine.execution_options(**WRITES).begin() as connection:
        connection.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0099'")
    impatient = make_engine(place)
    with engine.execution_options(**WRITES).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        with ThreadPoolExecutor(1) as threads:
            # whoever waited for the writer would wait longer
            assert "got 0099" in str(threads.submit(migrate, impatient).exception(timeout=20))


def test_the_newest_schema_is_only_read(place):
    first = Database(place)
    # whoever wants to change something would wait for this
    with first.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK)))
        code = """
import sys
from pathlib import Path
from corpus.orders import OrderBook
OrderBook(sys.argv[1] if "://" in sys.argv[1] else Path(sys.argv[1]))
print("alembic" in sys.modules)
"""
        done = subprocess.run([sys.executable, "-c", code, str(place)], capture_output=True, text=True, timeout=50)
    assert (done.stdout, done.stderr) == ("False\n", "")
