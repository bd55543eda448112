"""Whose orders are learned from, and how much each weighs: people's and simulated ones, from one or two places.

On a data set, one person's order weighs as much as `person_weight` simulated ones. Simulated assessors share one idea
of a good partition, however many of them there are: their noise averages out, what is wrong with the idea does not.
`benchmarks/person_weight.py` shows what other weights give.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from corpus.consensus import consensus
from corpus.entries import candidates_hash, orders_hash
from corpus.manifest import Manifest
from corpus.orders import is_simulated
from corpus.store import CorpusStore, Entry
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.types import Floats, Ranking

# a person weighs as much as all simulated assessors of the shipped model's corpus together
PERSON_WEIGHT = 25.0

Orders = tuple[Ranking, ...]  # of the candidates of one data set


class Target(NamedTuple):
    """What is learned of the candidates of one data set."""

    consensus: Floats  # (p,) ranks of all who ordered them, weighted
    people: Floats | None  # (p,) ranks of the people's consensus alone; None where nobody spoke
    people_share: float  # of the weight in the consensus, from 0 to 1


@dataclass(frozen=True)
class Teachers:
    """Whose orders a model learns from: counts, never addresses or passwords."""

    simulated: int  # orders
    ordered: dict[str, tuple[str, ...]]  # person -> data sets that they ordered, by the beginning of the fingerprint
    datasets: int  # learned from
    per_dataset: tuple[int, int]  # fewest and most orders of a data set
    person_weight: float
    orders_hash: str  # of all orders and what they are of, wherever they are kept

    @property
    def kind(self) -> str:
        """Whose orders: "simulated", "real" or both."""
        return " and ".join(name for name, count in sorted(self.counts.items()) if count)

    @property
    def counts(self) -> dict[str, int]:
        """Orders that are "real" and "simulated"."""
        return {"real": sum(self.people.values()), "simulated": self.simulated}

    @property
    def people(self) -> dict[str, int]:
        """Orders of each person, by pseudonym."""
        return {name: len(datasets) for name, datasets in sorted(self.ordered.items())}

    @property
    def people_datasets(self) -> int:
        """Data sets that people ordered."""
        return len({dataset for datasets in self.ordered.values() for dataset in datasets})

    def to_record(self) -> dict[str, Any]:
        """What a model card says of them."""
        return {
            "kind": self.kind,
            "orders": {name: count for name, count in self.counts.items() if count},
            "per_dataset": list(self.per_dataset),
            "people": self.people,
            "people_datasets": self.people_datasets,
            "ordered": {name: " ".join(datasets) for name, datasets in sorted(self.ordered.items())},
            "person_weight": self.person_weight,
            "orders_hash": self.orders_hash,
        }

    @property
    def rule(self) -> str:
        """How orders become one."""
        return f"mean rank (Borda); one person's order weighs as much as {self.person_weight:g} simulated ones"

    @property
    def summary(self) -> str:
        """Who, in words."""
        simulated = f"{self.simulated} orders of simulated assessors"
        if not self.people:
            return f"{simulated} on {self.datasets} data sets"
        real, count = self.counts["real"], len(self.people)
        named = ", ".join(f"{name} {count}" for name, count in self.people.items())
        return (
            f"{real} {'order' if real == 1 else 'orders'} of {count} {'person' if count == 1 else 'people'} "
            f"on {self.people_datasets} of {self.datasets} data sets ({named}), and {simulated}"
        )

    def __str__(self) -> str:
        return f"Learned from {self.summary}. Consensus: {self.rule}."


def read_entries(directory: Path, url: str | None) -> list[Entry]:
    """Every entry with the orders of the corpus's own place, where it has one, and those of the database at a URL.

    An order on record in both counts once. Raises CorpusError where one assessor is on record in both with different
    ranks, or the database holds no order of this corpus.
    """
    own = Manifest.load(Path(directory)).own_orders
    if url is None or not own:
        with CorpusStore(directory, url=url) as store:
            entries = list(store.entries())
        found = any(entry.orders for entry in entries)
    else:
        with CorpusStore(directory) as store, CorpusStore(directory, url=url) as beside:
            entries = list(store.entries())
            keys = [(entry.data.fingerprint, candidates_hash(entry.candidates)) for entry in entries]
            more = beside.orders.read(keys)
            place = str(beside.orders)
        found = any(more.values())
        entries = [
            replace(entry, orders=_joined(entry, more[key], place)) for entry, key in zip(entries, keys, strict=True)
        ]
    if url is not None and entries and not found:
        raise CorpusError(f"the orders database must hold orders of corpus {directory}, got none; check the URL")
    return entries


def _joined(entry: Entry, more: Orders, place: str) -> Orders:
    known = {order.assessor: order for order in entry.orders}
    for order in more:
        before = known.setdefault(order.assessor, order)
        if before.ranks.tolist() != order.ranks.tolist():
            raise CorpusError(
                f"{order.assessor} must have one order of data set {entry.index}, got {before.ranks.tolist()} "
                f"in the corpus and {order.ranks.tolist()} in {place}"
            )
    return tuple(known.values())


def require_weight(person_weight: float) -> None:
    """Refuse what is no weight of a person."""
    if not (np.isfinite(person_weight) and person_weight > 0):
        raise InvalidInputError(f"person_weight must be a finite number > 0, got {person_weight}")


def target_of(orders: Orders, person_weight: float) -> Target:
    """What the orders of one data set teach together."""
    people, simulated = parted(orders)
    if not people:
        return Target(consensus(simulated).ranks, None, 0.0)
    of_people = consensus(people).ranks
    if not simulated:
        return Target(of_people, of_people, 1.0)
    weights = [1.0 if is_simulated(order) else person_weight for order in orders]
    share = person_weight * len(people) / sum(weights)
    return Target(consensus(orders, weights=weights).ranks, of_people, share)


def parted(orders: Orders) -> tuple[Orders, Orders]:
    """Orders of people, and of simulated assessors."""
    return (
        tuple(order for order in orders if not is_simulated(order)),
        tuple(order for order in orders if is_simulated(order)),
    )


def heard_orders(orders: Orders) -> Orders:
    """By which a data set is judged: people's where there are any, else those of simulated assessors."""
    people, simulated = parted(orders)
    return people or simulated


def orders_of(orders: Sequence[Orders], datasets: Sequence[str], ordered: Mapping[str, str]) -> tuple[Orders, ...]:
    """(q,) those of simulated assessors, and of people those that a card names; datasets (q,) are fingerprints."""
    known = {(name, dataset) for name, those in ordered.items() for dataset in those.split()}
    return tuple(
        tuple(order for order in each if is_simulated(order) or (order.assessor, short(dataset)) in known)
        for each, dataset in zip(orders, datasets, strict=True)
    )


def teachers_of(entries: Sequence[Entry], person_weight: float) -> Teachers:
    """Those who ordered the candidates of the entries."""
    ordered: dict[str, list[str]] = {}
    for entry in entries:
        for order in parted(entry.orders)[0]:
            ordered.setdefault(order.assessor, []).append(short(entry.data.fingerprint))
    sizes = [len(entry.orders) for entry in entries]
    hashes = sorted(
        [entry.data.fingerprint, candidates_hash(entry.candidates), orders_hash(entry.orders)] for entry in entries
    )
    return Teachers(
        sum(sizes) - sum(map(len, ordered.values())),
        {name: tuple(datasets) for name, datasets in ordered.items()},
        len(entries),
        (min(sizes), max(sizes)),
        person_weight,
        blake2b(json.dumps(hashes).encode(), digest_size=16).hexdigest(),
    )


def short(fingerprint: str) -> str:
    """Enough of a data set's fingerprint to know it by, for a card."""
    return fingerprint[:12]
