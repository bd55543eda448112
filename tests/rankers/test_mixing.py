"""Whose orders are learned from, from which places, and how much each weighs."""

import json
from shutil import copytree

import numpy as np
import pytest

from corpus.build import build
from corpus.entries import candidates_hash
from corpus.orders import OrderBook
from corpus.store import CorpusStore
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.types import Ranking
from rankers.assembly import assemble
from rankers.mixing import heard_orders, orders_of, read_entries, short, target_of, teachers_of

UP, DOWN = (1, 2, 3, 4, 5), (5, 4, 3, 2, 1)


def order(assessor, *ranks):
    return Ranking(np.array(ranks, dtype=float), assessor)


def crowd(count, *ranks):
    return tuple(order(f"simulated-{number}", *ranks) for number in range(count))


def key_of(entry):
    return entry.data.fingerprint, candidates_hash(entry.candidates)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    place = tmp_path_factory.mktemp("mixing") / "corpus"
    build(place, datasets=4, seed=2, assessors=2, progress=False)
    return place


@pytest.fixture
def directory(built, tmp_path):
    return copytree(built, tmp_path / "corpus")


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path / 'people.sqlite'}"


@pytest.mark.parametrize(
    ("weight", "expected"), [(3.9, UP), (4.0, (3, 3, 3, 3, 3)), (4.1, DOWN)], ids=["less", "as much", "more"]
)
def test_one_person_weighs_as_much_as_so_many_simulated_assessors(weight, expected):
    target = target_of((*crowd(4, *UP), order("anna", *DOWN)), weight)
    assert target.consensus.tolist() == list(expected)
    assert target.people.tolist() == list(DOWN)
    assert target.people_share == pytest.approx(weight / (weight + 4))


def test_three_people_of_one_mind_outweigh_the_largest_crowd_by_default(built):
    people = tuple(order(name, *DOWN) for name in ("anna", "ben", "cleo"))
    weight = assemble(built).teachers.person_weight
    target = target_of((*crowd(25, *UP), *people), weight)
    assert target.consensus.tolist() == list(DOWN)
    assert target.people_share == pytest.approx(0.75)


def test_simulated_assessors_alone_are_their_plain_mean():
    orders = (order("simulated-0", 1, 2, 3), order("simulated-1", 2, 1, 3), order("simulated-2", 2, 1, 3))
    assert target_of(orders, 25.0).consensus.tolist() == [2, 1, 3]
    assert target_of(orders, 25.0)[1:] == (None, 0.0)


def test_people_alone_have_all_the_weight():
    target = target_of((order("anna", *DOWN),), 25.0)
    assert target.consensus.tolist() == target.people.tolist() == list(DOWN)
    assert target.people_share == 1.0


@pytest.mark.parametrize("weight", [0.0, -1.0, np.nan, np.inf])
def test_a_weight_that_is_none_is_refused_before_any_work(tmp_path, weight):
    with pytest.raises(InvalidInputError, match="person_weight must be a finite number > 0, got"):
        assemble(tmp_path / "nowhere", person_weight=weight)


def test_a_data_set_is_judged_by_people_where_there_are_any():
    simulated, person = crowd(1, 1, 2, 3), order("anna", 3, 2, 1)
    assert heard_orders((*simulated, person)) == (person,)
    assert heard_orders(simulated) == simulated


def test_orders_of_both_places_are_heard_and_those_in_both_once(directory, url):
    entries = read_entries(directory, None)
    with CorpusStore(directory) as store:
        store.orders.add(key_of(entries[1]), [Ranking(np.arange(15) + 1.0, "ben")])
    beside = OrderBook(url)
    beside.add(key_of(entries[0]), [entries[0].orders[0], Ranking(np.arange(15) + 1.0, "anna")])
    beside.add(key_of(entries[1]), [Ranking(np.arange(15) + 1.0, "ben")])
    found = [[order.assessor for order in entry.orders] for entry in read_entries(directory, url)]
    both = ["simulated-0", "simulated-1"]
    assert found == [[*both, "anna"], [*both, "ben"], both, both]
    assert assemble(directory, orders=url).teachers.people == {"anna": 1, "ben": 1}


def test_an_assessor_with_two_orders_of_one_data_set_is_refused_by_name(directory, url):
    entry = read_entries(directory, None)[2]
    with CorpusStore(directory) as store:
        store.orders.add(key_of(entry), [Ranking(np.arange(15) + 1.0, "anna")])
    OrderBook(url).add(key_of(entry), [Ranking(15.0 - np.arange(15), "anna")])
    with pytest.raises(CorpusError, match="anna must have one order of data set 2, got"):
        assemble(directory, orders=url)


def test_a_database_without_orders_of_the_corpus_is_refused(directory, url):
    OrderBook(url).add(("elsewhere", "1"), [order("anna", 1, 2)])
    with pytest.raises(CorpusError, match=r"must hold orders of corpus .*, got none; check the URL"):
        assemble(directory, orders=url)


def test_a_corpus_that_keeps_its_orders_elsewhere_is_read_from_there(tmp_path):
    url = f"sqlite:///{tmp_path / 'all.sqlite'}"
    build(tmp_path / "corpus", datasets=4, seed=2, assessors=1, progress=False, url=url)
    assert assemble(tmp_path / "corpus", orders=url).teachers.counts == {"real": 0, "simulated": 4}
    with pytest.raises(CorpusError, match="give the URL"):
        assemble(tmp_path / "corpus")


def test_teachers_are_named_and_addresses_are_not(directory):
    entries = read_entries(directory, None)
    with CorpusStore(directory) as store:
        for entry in entries[:3]:
            store.orders.add(key_of(entry), [Ranking(np.arange(15) + 1.0, "anna")])
        store.orders.add(key_of(entries[0]), [Ranking(np.arange(15) + 1.0, "ben")])
    teachers = teachers_of(read_entries(directory, None), 7.0)
    record = json.loads(json.dumps(teachers.to_record()))
    assert record["kind"] == "real and simulated"
    assert record["orders"] == {"real": 4, "simulated": 8}
    assert record["people"] == {"anna": 3, "ben": 1}
    assert record["people_datasets"] == 3
    assert record["per_dataset"] == [2, 4]
    assert record["person_weight"] == 7.0
    assert len(record["orders_hash"]) == 32
    assert str(teachers) == (
        "Learned from 4 orders of 2 people on 3 of 4 data sets (anna 3, ben 1), and 8 orders of simulated assessors. "
        "Consensus: mean rank (Borda); one person's order weighs as much as 7 simulated ones."
    )
    assert teachers_of(entries, 7.0).orders_hash != teachers.orders_hash


def test_the_orders_that_a_card_names_are_found_again(directory):
    entries = read_entries(directory, None)
    with CorpusStore(directory) as store:
        store.orders.add(key_of(entries[0]), [Ranking(np.arange(15) + 1.0, "anna")])
    card = teachers_of(read_entries(directory, None), 7.0).to_record()
    with CorpusStore(directory) as store:
        store.orders.add(key_of(entries[1]), [Ranking(np.arange(15) + 1.0, "anna")])
        store.orders.add(key_of(entries[0]), [Ranking(np.arange(15) + 1.0, "ben")])
    now = read_entries(directory, None)
    found = orders_of([entry.orders for entry in now], [entry.data.fingerprint for entry in now], card["ordered"])
    assert [[order.assessor for order in each if order.assessor[0] != "s"] for each in found] == [["anna"], [], [], []]
    assert card["ordered"] == {"anna": short(entries[0].data.fingerprint)}
