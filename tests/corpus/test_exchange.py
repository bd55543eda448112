"""What people said leaves a database and comes into another whole, once, and as it was; what does not fit stays out."""

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pandas as pd
import pytest
from assessing import batch, work
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata

from corpus.entries import candidates_hash
from corpus.exchange import (
    answers_table,
    export_orders,
    export_sessions,
    import_orders,
    import_sessions,
    orders_table,
)
from corpus.order_files import read_csv, read_gamac
from corpus.protocols import PROTOCOLS, make_plan, replay
from corpus.session_lines import Imported
from corpus.sessions import PRACTICE, SessionBook
from corpus.store import CorpusStore
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Ranking

NEXT_YEAR = datetime.now(UTC) + timedelta(days=365)
NOTHING = Imported(0, 0, 0, 0)


def fill(book, seed=0):
    """Three people on four data sets each and the practice: some sessions finished, some declined, some left open."""
    rng = np.random.default_rng(seed)
    for number, name in enumerate(("heron", "Зоя", 'o\'neil, "x"')):
        invitation = book.invite(name, expires=NEXT_YEAR, protocol=PROTOCOLS[number % 2], language="en")
        if number == 1:
            book.revoke(invitation.id)
            book.invite(name, expires=NEXT_YEAR, quota=3)
        for key in (PRACTICE, *((f"data-{index}", "candidates") for index in range(4))):
            items = 6 if key == PRACTICE else 4
            session = book.open(name, key, make_plan(PROTOCOLS[number % 2], items, int(rng.integers(1000))))
            if rng.random() < 0.6:
                work(book, session, rng)
            elif events := batch(session.plan, [], rng, int(rng.integers(6))):
                book.append(session.id, events)
    book.orders.add(("data-9", "candidates"), [Ranking(np.array([2.0, 1.0, 3.5, 3.5]), "visitor")])
    book.orders.add(("data-9", "candidates"), [Ranking(np.array([1.0, 2.0, 3.0, 4.0]), "simulated-0")])


def lines(book, path):
    """What is exported, a record a line."""
    export_sessions(book, path)
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture(params=["into", "out of"])
def books(request, tmp_path, orders_url):
    """Two databases, one of them a SQLite file, the other what there is: where it was filled, and where it goes."""
    places = [tmp_path / "one.sqlite", orders_url or tmp_path / "two.sqlite"]
    source, target = places if request.param == "into" else reversed(places)
    with SessionBook(source) as filled, SessionBook(target) as empty:
        fill(filled)
        yield filled, empty


@pytest.fixture
def filled(tmp_path):
    with SessionBook(tmp_path / "filled.sqlite") as book:
        fill(book)
        yield book


@pytest.fixture
def empty(tmp_path):
    with SessionBook(tmp_path / "empty.sqlite") as book:
        yield book


@pytest.fixture
def exported(filled, tmp_path):
    """The file of the filled book."""
    export_sessions(filled, tmp_path / "sessions.jsonl")
    return tmp_path / "sessions.jsonl"


# ---- sessions ------------------------------------------------------------------------------------


def test_what_was_exported_is_imported_once_and_comes_out_as_it_was(books, tmp_path):
    source, target = books
    before = lines(source, tmp_path / "before.jsonl")
    imported = import_sessions(target, tmp_path / "before.jsonl")
    finished = [each for each in source.sessions() if each.status == "finished" and each.key != PRACTICE]
    assert imported.invitations == 4
    assert imported.sessions == 15
    assert imported.events == sum(len(source.events(each.id)) for each in source.sessions()) > 100
    assert imported.orders == len(finished) + 1
    assert lines(target, tmp_path / "after.jsonl") == before
    assert target.sessions() == source.sessions()
    assert target.invitations() == source.invitations()
    pd.testing.assert_frame_equal(answers_table(target), answers_table(source))
    assert import_sessions(target, tmp_path / "before.jsonl") == NOTHING
    assert import_sessions(source, tmp_path / "before.jsonl") == NOTHING
    assert lines(target, tmp_path / "after.jsonl") == before


@pytest.mark.parametrize("seed", range(5))
def test_whatever_is_exported_can_be_imported(tmp_path, seed):
    with SessionBook(tmp_path / "source.sqlite") as source, SessionBook(tmp_path / "target.sqlite") as target:
        fill(source, seed)
        before = lines(source, tmp_path / "before.jsonl")
        import_sessions(target, tmp_path / "before.jsonl")
        assert lines(target, tmp_path / "after.jsonl") == before


def test_work_goes_on_from_the_later_of_two_places(books, tmp_path):
    source, target = books
    export_sessions(source, tmp_path / "early.jsonl")
    import_sessions(target, tmp_path / "early.jsonl")
    open_sessions = [each for each in source.sessions() if each.status == "open"]
    there, here = open_sessions[:2]
    work(source, there, np.random.default_rng(1))
    work(target, here, np.random.default_rng(2))
    export_sessions(source, tmp_path / "late.jsonl")
    imported = import_sessions(target, tmp_path / "late.jsonl")
    assert (imported.sessions, imported.events > 0) == (0, True)
    assert target.session(there.id) == source.session(there.id)
    assert target.events(there.id) == source.events(there.id)
    assert target.session(here.id).status == "finished"
    # and back
    export_sessions(target, tmp_path / "latest.jsonl")
    import_sessions(source, tmp_path / "latest.jsonl")
    assert sorted(lines(source, tmp_path / "a.jsonl")) == sorted(lines(target, tmp_path / "b.jsonl"))


def test_an_invitation_that_was_revoked_anywhere_is_revoked(filled, empty, tmp_path):
    export_sessions(filled, tmp_path / "before.jsonl")
    import_sessions(empty, tmp_path / "before.jsonl")
    invitation = filled.invitations()[0]
    filled.revoke(invitation.id)
    export_sessions(filled, tmp_path / "after.jsonl")
    import_sessions(empty, tmp_path / "after.jsonl")
    assert empty.invitation(invitation.id).revoked == filled.invitation(invitation.id).revoked is not None
    import_sessions(empty, tmp_path / "before.jsonl")
    assert empty.invitation(invitation.id).revoked is not None


def test_simulated_assessors_are_not_exported(exported):
    assert "simulated" not in exported.read_text()
    assert "visitor" in exported.read_text()


def records(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def rewrite(path, changed):
    path.write_text("".join(json.dumps(record) + "\n" for record in changed))


def of_kind(found, kind):
    return [record for record in found if record.get("record") == kind]


def other_event(found):
    events = of_kind(found, "event")
    chosen = next(event for event in events if event["body"].get("verdict") == "left")
    chosen["body"]["verdict"] = "tie"
    # what follows from another answer is not what was asked: the session ends with it
    session, step = chosen["session"], chosen["step"]
    gone = [event for event in events if event["session"] == session and event["step"] > step]
    for record in found:
        if record.get("id") == session:
            record |= {"status": "open", "closed": None}
            orders = [
                each
                for each in of_kind(found, "order")
                if (each["assessor"], each["dataset"]) == (record["assessor"], record["dataset"])
            ]
    for record in (*gone, *orders):
        found.remove(record)
        found[-1]["records"][record["record"]] -= 1


def other_session_id(found):
    chosen = of_kind(found, "session")[0]
    for record in found:
        if record.get("session") == chosen["id"]:
            record["session"] = "f" * 32
    chosen["id"] = "f" * 32


def other_plan(found):
    chosen = next(each for each in of_kind(found, "session") if each["status"] == "open")
    chosen["plan"]["decoy_of"] = (chosen["plan"]["decoy_of"] + 1) % chosen["plan"]["items"]


def other_quota(found):
    of_kind(found, "invitation")[0]["quota"] += 1


def other_order(found):
    next(each for each in of_kind(found, "order") if each["assessor"] == "visitor")["ranks"] = [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (other_event, r"did something else at step \d+ of session"),
        (other_session_id, "heron on data set practice: a session is on record with id"),
        (other_plan, "has another plan on record"),
        (other_quota, "is on record with quota 20, got 21"),
        (other_order, r"visitor has ranked data set data-9 already as \[2.0, 1.0, 3.5, 3.5\], got"),
    ],
)
def test_what_contradicts_the_record_is_refused_by_name_and_nothing_is_stored(
    books, tmp_path, exported, change, message
):
    _, target = books
    import_sessions(target, exported)
    before = lines(target, tmp_path / "before.jsonl")
    with SessionBook(tmp_path / "more.sqlite") as more:
        # something new stands before what is refused
        import_sessions(more, exported)
        more.open("newcomer", ("data-1", "candidates"), make_plan(PROTOCOLS[0], 4, 3))
        export_sessions(more, exported)
    changed = records(exported)
    change(changed)
    rewrite(exported, changed)
    with pytest.raises(InvalidInputError, match=rf"sessions\.jsonl, line \d+: .*{message}"):
        import_sessions(target, exported)
    assert lines(target, tmp_path / "after.jsonl") == before


def test_an_event_with_the_id_of_another_is_refused(filled, empty, exported):
    import_sessions(empty, exported)
    changed = records(exported)
    rng = np.random.default_rng(0)
    plan = make_plan(PROTOCOLS[0], 4, 0)
    (new,) = batch(plan, [], rng)
    session = of_kind(changed, "session")[0] | {"id": "e" * 32, "assessor": "egret", "plan": plan.to_record()}
    session |= {"status": "open", "closed": None}
    event = of_kind(changed, "event")[0]
    taken = event["client_id"]
    event |= {"session": "e" * 32, "step": 0, "kind": new.event.kind, "body": dict(new.event.body)}
    rewrite(
        exported,
        [changed[0], session, event, {"records": {"invitation": 0, "session": 1, "event": 1, "order": 0}}],
    )
    assert event["client_id"] == taken
    with pytest.raises(InvalidInputError, match="line 3: client_id must be new, got one of session"):
        import_sessions(empty, exported)
    assert empty.sessions("egret") == ()


def test_a_session_on_what_was_ranked_elsewhere_is_refused(filled, empty, exported):
    session = next(each for each in filled.sessions() if each.status == "open" and each.key != PRACTICE)
    empty.orders.add(session.key, [Ranking(np.array([1.0, 2.0, 3.0, 4.0]), session.assessor)])
    with pytest.raises(InvalidInputError, match=f"has ranked data set {session.key[0]} already, outside the session"):
        import_sessions(empty, exported)
    assert empty.sessions() == ()


def test_an_exported_order_of_what_is_being_ordered_here_is_refused(empty, exported):
    session = empty.open("visitor", ("data-9", "candidates"), make_plan(PROTOCOLS[0], 4, 0))
    with pytest.raises(InvalidInputError, match="visitor is ordering data set data-9 in the studio"):
        import_sessions(empty, exported)
    # else the end of this one could not be stored
    work(empty, session, np.random.default_rng(0))
    assert empty.session(session.id).status == "finished"


def test_a_file_that_was_cut_short_is_refused(empty, exported):
    whole = exported.read_bytes()
    rng = np.random.default_rng(0)
    ends = [0, len(whole) - 2, *rng.integers(1, len(whole) - 2, size=15).tolist()]
    for end in ends:
        exported.write_bytes(whole[:end])
        with pytest.raises(InvalidInputError, match=r"sessions\.jsonl, line \d+: "):
            import_sessions(empty, exported)
    exported.write_bytes(whole + b'{"record": "order"}\n')
    with pytest.raises(InvalidInputError, match="nothing must stand behind"):
        import_sessions(empty, exported)
    assert empty.sessions() == empty.invitations() == ()


def refusal(book, path):
    """Why a file is refused; None where it is not."""
    try:
        import_sessions(book, path)
    except InvalidInputError as error:
        return str(error)


JUNK = (None, True, -1, 1.5, 2**70, "", " x", "\u0000", "\ud800", "x" * 500, [], {}, [1, [2]], {"a": {}}, "1999-01-01")


@pytest.mark.parametrize("seed", range(4))
def test_junk_in_any_field_is_refused_or_harmless(empty, exported, tmp_path, seed):
    rng = np.random.default_rng(seed)
    whole = records(exported)
    nothing = lines(empty, tmp_path / "nothing.jsonl")
    refused = 0
    for _ in range(60):
        changed = json.loads(json.dumps(whole))
        record = changed[rng.integers(len(changed))]
        while True:
            name = str(rng.choice(list(record)))
            if not (isinstance(record[name], dict) and rng.random() < 0.7 and record[name]):
                break
            record = record[name]
        record[name] = JUNK[rng.integers(len(JUNK))]
        rewrite(exported, changed)
        message = refusal(empty, exported)
        if message is None:
            for session in empty.sessions():
                replay(session.plan, [each.event for each in empty.events(session.id)])
            break
        assert re.fullmatch(r"[^\n]*sessions\.jsonl, line \d+: [^\n]+", message)
        assert lines(empty, tmp_path / "after.jsonl") == nothing
        refused += 1
    assert refused > 5


def test_an_order_that_does_not_follow_from_the_events_is_refused(empty, exported):
    changed = records(exported)
    order = next(each for each in of_kind(changed, "order") if each["assessor"] == "heron")
    order["ranks"] = [5 - rank for rank in order["ranks"]]
    rewrite(exported, changed)
    with pytest.raises(InvalidInputError, match=r"heron has ranked data set data-\d already as"):
        import_sessions(empty, exported)
    assert empty.sessions() == ()


# ---- tables --------------------------------------------------------------------------------------


def test_answers_are_a_table_in_which_what_was_taken_back_does_not_stand(filled, tmp_path):
    export_sessions(filled, tmp_path / "answers.parquet")
    table = pd.read_parquet(tmp_path / "answers.parquet")
    assert len(table) == len(answers_table(filled))
    events = {each.id: filled.events(each.id) for each in filled.sessions()}
    kinds = [each.event.kind for several in events.values() for each in several]
    assert len(table) == kinds.count("answer")
    assert (~table["stands"]).sum() == kinds.count("undo") > 0
    assert table["practice"].sum() > 0
    assert set(table["purpose"]) >= {"insert", "active", "attention"}
    for name, rows in table.groupby("session"):
        state = replay(filled.session(name).plan, [each.event for each in events[name]])
        standing = rows[rows["stands"]]
        assert [*zip(standing["step"], standing["left"], standing["right"], standing["verdict"], strict=True)] == [
            (answer.step, answer.left, answer.right, answer.verdict) for answer in state.answers
        ]


def test_nobody_answered_anything(empty, tmp_path):
    export_sessions(empty, tmp_path / "answers.parquet")
    assert len(pd.read_parquet(tmp_path / "answers.parquet")) == 0
    export_orders(empty, tmp_path / "orders.csv")
    assert (tmp_path / "orders.csv").read_text().split() == ["dataset,assessor"]


# ---- orders from elsewhere -----------------------------------------------------------------------


@pytest.fixture
def corpus(store, small_entry):
    """Three data sets, blobs-0 to blobs-2, with four candidates each, on SQLite or PostgreSQL."""
    for index in range(3):
        store.write(small_entry(index))
    yield store
    store.close()


def key_of(store, index):
    entry = store.read(index, orders=False)
    return entry.data.fingerprint, candidates_hash(entry.candidates)


def people(store):
    """(data set, assessor) -> ranks, of people."""
    keys = {key_of(store, index): index for index in store.indices()}
    found = store.orders.read(list(keys))
    return {
        (keys[key], order.assessor): order.ranks.tolist()
        for key, orders in found.items()
        for order in orders
        if not order.assessor.startswith("simulated")
    }


@pytest.fixture
def written(tmp_path):
    """Write a file of orders."""
    numbers = count()

    def write(text, suffix=".csv"):
        path = tmp_path / f"orders-{next(numbers)}{suffix}"
        path.write_bytes(text.encode())
        return path

    return write


def test_ranks_in_columns_and_lists_of_candidates_say_the_same(corpus, written):
    fingerprint = key_of(corpus, 2)[0]
    imported = import_orders(
        corpus,
        written(
            f"dataset,assessor,0,1,2,3\r\n0,ann,2,4,1,3\r\nblobs-1,ann,1.5,1.5,3,4\r\n{fingerprint},ben,4,3,2,1\r\n"
        ),
    )
    assert str(imported) == "imported 3 orders of ann, ben on 3 data sets; 0 were on record already"
    expected = {(0, "ann"): [2, 4, 1, 3], (1, "ann"): [1.5, 1.5, 3, 4], (2, "ben"): [4, 3, 2, 1]}
    assert people(corpus) == expected
    again = written(
        f"\ufeffassessor\tdataset\torder\n\nann\tblobs-0\t2 0 3 1\nann\t1\t0=1 2 3\nben\t{fingerprint}\t3 2 1 0", ".tsv"
    )
    assert import_orders(corpus, again).orders == 0
    assert import_orders(corpus, again).known == 3
    assert people(corpus) == expected


def test_whose_orders_they_are_may_be_said_beside_the_file(corpus, written):
    import_orders(corpus, written("dataset,order\n0,3 2 1 0\n"), assessor="ann")
    import_orders(corpus, written("dataset,assessor,order\n0,ben,3 2 1 0\n1,,3 2 1 0\n"), assessor="ann")
    assert sorted(people(corpus)) == [(0, "ann"), (0, "ben"), (1, "ann")]


GOOD = "dataset,assessor,order\n0,ann,0 1 2 3\n"
RANKED = "dataset,assessor,0,1,2,3\n0,ann,1,2,3,4\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header must name dataset, assessor, and either order or the candidates"),
        ("dataset,assessor\n0,ann\n", "line 1: the header must name"),
        ("dataset,order,0,1\n", "line 1: the header must name"),
        ("dataset,assessor,0,2\n", "line 1: columns of candidates must be 0 to 1, got 0, 2"),
        ("dataset,assessor,order,mood\n", "line 1: columns must be known ones, got 'mood'"),
        (GOOD + "7,ann,0 1 2 3\n", "line 3: a data set must be in corpus .*, got '7'"),
        (GOOD + "blobs-9,ann,0 1 2 3\n", "line 3: a data set must be in corpus .*, got 'blobs-9'"),
        (GOOD + "1,ann,0 1 2\n", "line 3: data set 1 has 4 candidates, got an order of 3"),
        (GOOD + "1,ann,0 1 2 3 4\n", "line 3: data set 1 has 4 candidates, got an order of 5"),
        (
            GOOD + "1,ann,0 1 2 2\n",
            r"line 3: an order must name each of .* 0 to 3 once, got \[0, 1, 2, 2\]",
        ),
        (GOOD + "1,ann,1 2 3 4\n", "line 3: an order must name each of the candidates 0 to 3 once"),
        (GOOD + "1,ann,0;1;2;3\n", "line 3: an order must be numbers of candidates"),
        (GOOD + "1,ann,0 -1 2 3\n", "line 3: an order must be numbers of candidates"),
        (GOOD + "1,ann,\n", "line 3: an order must be numbers of candidates"),
        (GOOD + "1,,0 1 2 3\n", "line 3: an order must have an assessor"),
        (GOOD + "1,simulated-7,0 1 2 3\n", "line 3: a person's name must not begin with 'simulated'"),
        (GOOD + "blobs-0,ann,3 2 1 0\n", "line 3: ann must order data set 0 once, did so on line 2 already"),
        (GOOD + "1,ann\n", "line 3: a row must have 3 cells, got 2"),
        (GOOD + '1,"ann,0 1 2 3\n', "line 3: a row must be CSV"),
        (RANKED + "1,ann,0,1,2,3\n", r"line 3: ranks must be 1..4, .* got \[0.0, 1.0, 2.0, 3.0\]"),
        (RANKED + "1,ann,1,1,3,4\n", "line 3: ranks must be 1..4, 1 is best, ties share the mean rank"),
        (RANKED + "1,ann,1,2,nan,3\n", "line 3: ranks must be 1..4"),
        (RANKED + "1,ann,1,2,3,\n", "line 3: data set 1 has 4 candidates, got an order of 3"),
        (RANKED + "1,ann,1,,2,3\n", "line 3: ranks must be numbers"),
        (RANKED + "1,ann,a,b,c,d\n", "line 3: ranks must be numbers, got a, b, c, d"),
    ],
)
def test_what_does_not_fit_is_refused_by_its_line_and_nothing_is_stored(corpus, written, text, message):
    with pytest.raises(InvalidInputError, match=rf"orders-0\.csv, {message}"):
        import_orders(corpus, written(text))
    assert people(corpus) == {}


def test_what_contradicts_the_record_is_refused_by_its_line(corpus, written):
    corpus.orders.add(key_of(corpus, 1), [Ranking(np.array([1.0, 2.0, 3.0, 4.0]), "ann")])
    with pytest.raises(InvalidInputError, match="line 3: ann has ranked data set"):
        import_orders(corpus, written(GOOD + "1,ann,3 2 1 0\n"))
    assert sorted(people(corpus)) == [(1, "ann")]


def test_an_order_of_what_is_being_ordered_in_the_studio_is_refused(corpus, written):
    with SessionBook(corpus.orders_place) as book:
        session = book.open("ann", key_of(corpus, 0), make_plan(PROTOCOLS[0], 4, 0))
        with pytest.raises(InvalidInputError, match="line 2: ann is ordering data set 0 in the studio"):
            import_orders(corpus, written(GOOD))
        work(book, session, np.random.default_rng(0))
        assert book.session(session.id).status == "finished"


def test_a_name_of_two_data_sets_is_refused(tmp_path, small_entry, written):
    with CorpusStore(tmp_path / "twice", create=True) as store:
        store.write(small_entry(0))
        store.write(small_entry(0, seed=5))
        entry = small_entry(1)
        object.__setattr__(entry.data, "name", "blobs-0")
        store.write(entry)
        with pytest.raises(InvalidInputError, match=r"'blobs-0' must mean one data set, got \[0, 1\]; give the number"):
            import_orders(store, written("dataset,assessor,order\nblobs-0,ann,0 1 2 3\n"))


def test_gamac_lists_the_worst_first(corpus, written):
    text = "blobs-0;[3, 0, 2, 1]\ndata/views/blobs-1/;[0,1,2,3]\n\nC:\\views\\blobs-2.json ; [1,0,3,2]\r\n"
    imported = import_orders(corpus, written(text, ".txt"), format="gamac", assessor="igor")
    assert imported.orders == 3
    assert people(corpus) == {
        (0, "igor"): [3, 1, 2, 4],
        (1, "igor"): [4, 3, 2, 1],
        (2, "igor"): [3, 4, 1, 2],
    }


def test_paths_may_be_mapped(corpus, written):
    mapping = written("path,dataset\nwine;tsne/2,blobs-2\niris,0\n")
    file = written("wine;tsne/2;[0,1,2,3]\niris;[0,1,2,3]\n", ".txt")
    import_orders(corpus, file, format="gamac", assessor="igor", mapping=mapping)
    assert sorted(people(corpus)) == [(0, "igor"), (2, "igor")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("blobs-0;__import__('os').system('true')\n", "line 1: a line must be path;"),
        ("blobs-0;[__import__('os').getpid(), 1, 2, 3]\n", "line 1: a line must be path;"),
        ("blobs-0;[0, 1, 2, 3]\nblobs-1;[0, 1, 2, 3.0]\n", "line 2: a line must be path;"),
        ("blobs-0;[true, 1, 2, 3]\n", "line 1: a line must be path;"),
        ("blobs-0;[[0], 1, 2, 3]\n", "line 1: a line must be path;"),
        ("blobs-0;[]\n", "line 1: a line must be path;"),
        ("[0, 1, 2, 3]\n", "line 1: a line must be path;"),
        ("blobs-0;[0, 1, 2, 2]\n", "line 1: an order must name each of the candidates"),
        ("blobs-0;[0, 1, 2]\n", "line 1: data set 0 has 4 candidates, got an order of 3"),
        ("wine;[0, 1, 2, 3]\n", "line 1: a data set must be in corpus .*, got 'wine'"),
        # a number in a path is no number of this corpus
        ("views/0;[0, 1, 2, 3]\n", "line 1: a data set must be in corpus .*, got 'views/0'"),
        ("blobs-0;[0,1,2,3]\na/blobs-0;[0,1,2,3]\n", "line 2: igor must order data set 0 once, did so on line 1"),
    ],
)
def test_lines_of_gamac_that_do_not_fit_are_refused(corpus, written, text, message):
    with pytest.raises(InvalidInputError, match=rf"orders-0\.txt, {message}"):
        import_orders(corpus, written(text, ".txt"), format="gamac", assessor="igor")
    assert people(corpus) == {}


def test_what_is_not_said_is_asked_for(corpus, written):
    with pytest.raises(InvalidInputError, match="does not say whose orders it holds; give the assessor"):
        import_orders(corpus, written("blobs-0;[0,1,2,3]", ".txt"), format="gamac")
    with pytest.raises(InvalidInputError, match="format must be one of csv, gamac, got 'xml'"):
        import_orders(corpus, written(GOOD), format="xml")
    with pytest.raises(InvalidInputError, match="a mapping belongs to format gamac"):
        import_orders(corpus, written(GOOD), mapping=written(""))
    with pytest.raises(InvalidInputError, match="cannot be read: No such file"):
        import_orders(corpus, "nowhere.csv")
    with pytest.raises(InvalidInputError, match="line 4: a path must mean one data set, got '1' for 'a' as well"):
        import_orders(
            corpus, written(""), format="gamac", assessor="igor", mapping=written("path,dataset\na,0\n\na,1\n")
        )


def test_bytes_that_are_no_text_are_refused(corpus, tmp_path):
    (tmp_path / "orders.csv").write_bytes(b"dataset,assessor,order\n0,\xff\xfe,0 1 2 3\n")
    with pytest.raises(InvalidInputError, match="must be UTF-8, got other bytes at position 25"):
        import_orders(corpus, tmp_path / "orders.csv")


def test_orders_that_were_exported_are_imported_elsewhere(corpus, tmp_path, small_entry, written):
    import_orders(corpus, written(GOOD + "1,ben,0=3 1 2\n2,ann,3 1 0 2\n"))
    with SessionBook(corpus.orders_place) as book:
        assert list(orders_table(book)["assessor"]) == ["ann", "ben", "ann"]
        export_orders(book, tmp_path / "orders.csv")
    url = f"sqlite:///{tmp_path / 'elsewhere.sqlite'}"
    with CorpusStore(corpus.directory, url) as elsewhere:
        assert import_orders(elsewhere, tmp_path / "orders.csv").orders == 3
        assert people(elsewhere) == people(corpus)


@given(st.lists(st.lists(st.integers(0, 5), min_size=1, max_size=9), min_size=1, max_size=5), st.data())
def test_whatever_order_is_written_is_read(tmp_path_factory, worths, data):
    # equal worth is a tie
    path = tmp_path_factory.mktemp("orders") / "orders.csv"
    longest = max(map(len, worths))
    expected = [rankdata(worth) for worth in worths]
    ranked = [",".join(["dataset", *map(str, range(longest))])]
    listed = ["dataset,order"]
    for row, ranks in enumerate(expected):
        ranked.append(",".join([str(row), *map(str, ranks), *[""] * (longest - ranks.size)]))
        groups = ["=".join(map(str, np.flatnonzero(ranks == rank))) for rank in np.unique(ranks)]
        listed.append(f"{row},{' '.join(groups)}")
    for text in ("\n".join(ranked), "\n".join(listed)):
        path.write_text(text)
        found = read_csv(path, "ann")
        assert [line.ranks.tolist() for line in found] == [ranks.tolist() for ranks in expected]
        assert [line.number for line in found] == [row + 2 for row in range(len(expected))]
    order = data.draw(st.permutations(range(longest)))
    path.write_text(f"any;path;{list(order)}")
    (line,) = read_gamac(path, "ann")
    assert line.dataset == "any;path"
    assert line.ranks[list(order)].tolist() == list(range(longest, 0, -1))
