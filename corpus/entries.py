"""One entry of a corpus: a data set, its pool of partitions, their measures, which of them are the candidates
and how those were ordered; to and from Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np

from corpus.assessors import external_rand
from corpus.candidates import taken
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Dataset, Floats, Ints, Labels, MeasureTable, PartitionSet, Ranking, frozen_array

METADATA = b"gamac_meta"


@dataclass(frozen=True, eq=False)
class Entry:
    """Everything a corpus knows of one data set."""

    index: int  # place in the corpus
    data: Dataset  # n points
    references: Labels  # (r, n) generating labels, the finest first
    family: str  # generator
    group: str  # of families, for honest folds
    base: str  # the table that a view shows; the family of generated data
    scheme: str  # how the candidates were chosen
    pool: PartitionSet  # (P, n)
    pool_table: MeasureTable  # (P, m)
    chosen: Ints  # (p,) rows of the pool that are the candidates
    orders: tuple[Ranking, ...] = ()  # of the p candidates

    def __post_init__(self) -> None:
        references = np.asarray(self.references)
        if references.ndim != 2 or references.shape[0] < 1 or references.shape[1] != self.data.n:
            raise InvalidInputError(f"references must have shape (r, {self.data.n}), got {references.shape}")
        object.__setattr__(self, "references", frozen_array(references, np.int32))
        if self.index < 0:
            raise InvalidInputError(f"index must be at least 0, got {self.index}")
        if self.pool.n != self.data.n:
            raise InvalidInputError(f"pool must label each of {self.data.n} points, got {self.pool.n}")
        if len(self.pool_table) != len(self.pool):
            raise InvalidInputError(
                f"table must measure each of the {len(self.pool)} partitions of the pool, got {len(self.pool_table)}"
            )
        chosen = np.asarray(self.chosen)
        rows = np.arange(len(self.pool))
        if chosen.ndim != 1 or chosen.size < 1 or len(set(chosen.tolist()) & set(rows.tolist())) < chosen.size:
            raise InvalidInputError(f"chosen must be distinct rows of 0..{rows[-1]}, got {chosen.tolist()}")
        object.__setattr__(self, "chosen", frozen_array(chosen, np.int64))
        for order in self.orders:
            if order.ranks.size != chosen.size:
                raise InvalidInputError(
                    f"{order.assessor} must rank each of {chosen.size} candidates, got {order.ranks.size}"
                )

    @property
    def picture(self) -> Floats:
        """(n, 2) the points as they are drawn: their first two principal components where there are more columns."""
        if self.data.d <= 2:
            return self.data.X
        centered = self.data.X - self.data.X.mean(axis=0)
        return np.asarray(centered @ np.linalg.svd(centered, full_matrices=False)[2][:2].T)

    @cached_property
    def candidates(self) -> PartitionSet:
        """(p, n) the partitions of the pool that assessors compare."""
        return taken(self.pool, self.chosen)

    @cached_property
    def table(self) -> MeasureTable:
        """(p, m) measures of the candidates; a measure's value does not depend on the other rows."""
        return _rows_of(self.pool_table, self.chosen)

    @cached_property
    def truth_agreement(self) -> Floats:
        """(P,) adjusted Rand index of each partition of the pool with the finest generating labels."""
        return np.array([external_rand(row, self.truth) for row in self.pool.labels])

    @cached_property
    def best_truth_agreement(self) -> Floats:
        """(P,) the same with the generating labels at the granularity that agrees best."""
        agreement = [[external_rand(row, reference) for row in self.pool.labels] for reference in self.references]
        return np.max(agreement, axis=0)

    @property
    def truth(self) -> Labels:
        """(n,) the finest generating labels."""
        return np.asarray(self.references[0])

    @property
    def content_hash(self) -> str:
        """Of all but the orders; the same on every machine and for every Parquet version."""
        digest, table = blake2b(digest_size=16), self.pool_table
        texts = [
            *(self.index, self.data.name, self.data.origin, self.data.fingerprint),
            *(self.family, self.group, self.base, self.scheme, self.references.shape),
            *(self.pool.makers, self.pool.labels.shape, self.chosen.tolist()),
            *(table.measures, table.greater_is_better, table.approximate, _reasons(table)),
        ]
        digest.update(json.dumps(texts).encode())
        # every NaN is the same NaN
        values = np.where(np.isnan(table.values), np.nan, table.values)
        for array, kind in (
            (self.references, "<i4"),
            (self.pool.labels, "<i4"),
            (values, "<f8"),
            (table.noise_share, "<f8"),
        ):
            digest.update(array.astype(kind).tobytes())
        return digest.hexdigest()


def candidates_hash(candidates: PartitionSet) -> str:
    """Of the labels row by row: an order means nothing for other rows."""
    digest = blake2b(repr(candidates.labels.shape).encode(), digest_size=16)
    digest.update(candidates.labels.astype("<i4").tobytes())
    return digest.hexdigest()


def orders_hash(orders: Iterable[Ranking]) -> str:
    """Of assessors and ranks, whatever their sequence."""
    texts = sorted([order.assessor, order.ranks.tolist()] for order in orders)
    return blake2b(json.dumps(texts).encode(), digest_size=16).hexdigest()


def _rows_of(table: MeasureTable, rows: Ints) -> MeasureTable:
    place = {int(row): new for new, row in enumerate(rows)}
    return replace(
        table,
        values=table.values[rows],
        low=table.low[rows],
        high=table.high[rows],
        makers=tuple(table.makers[row] for row in rows),
        noise_share=table.noise_share[rows],
        reasons={(place[row], name): why for (row, name), why in table.reasons.items() if row in place},
    )


def to_parquet(entry: Entry) -> tuple[bytes, bytes]:
    """Two files: a row per point (coordinates, references, pool); a row per partition of the pool (measures)."""
    points = {f"x{column}": entry.data.X[:, column] for column in range(entry.data.d)}
    points |= {f"reference{row}": _narrow(labels) for row, labels in enumerate(entry.references)}
    points |= {f"partition{row}": _narrow(labels) for row, labels in enumerate(entry.pool.labels)}
    table = entry.pool_table
    measures = {"partition": list(table.makers), "noise_share": table.noise_share}
    measures |= {name: table.values[:, column] for column, name in enumerate(table.measures)}
    return (
        _encode(
            points,
            index=entry.index,
            name=entry.data.name,
            origin=entry.data.origin,
            family=entry.family,
            group=entry.group,
            base=entry.base,
            scheme=entry.scheme,
            makers=entry.pool.makers,
            chosen=entry.chosen.tolist(),
        ),
        _encode(
            measures,
            measures=table.measures,
            greater_is_better=table.greater_is_better,
            approximate=table.approximate,
            reasons=_reasons(table),
        ),
    )


def from_parquet(points: bytes, measures: bytes, orders: tuple[Ranking, ...]) -> Entry:
    """The entry that `to_parquet` wrote."""
    columns, facts = _decode(points)
    values, table_facts = _decode(measures)
    return Entry(
        facts["index"],
        Dataset(np.column_stack(_numbered(columns, "x")), facts["name"], facts["origin"]),
        np.stack(_numbered(columns, "reference")),
        facts["family"],
        facts["group"],
        facts["base"],
        facts["scheme"],
        PartitionSet(np.stack(_numbered(columns, "partition")), tuple(facts["makers"])),
        MeasureTable(
            np.column_stack([values[name] for name in table_facts["measures"]]),
            tuple(table_facts["measures"]),
            tuple(table_facts["greater_is_better"]),
            tuple(values["partition"].tolist()),
            values["noise_share"],
            {(row, name): why for row, name, why in table_facts["reasons"]},
            tuple(table_facts["approximate"]),
        ),
        np.array(facts["chosen"]),
        orders,
    )


def _reasons(table: MeasureTable) -> list[list[Any]]:
    return sorted([row, name, why] for (row, name), why in table.reasons.items())


def _narrow(labels: Labels) -> np.ndarray[Any, Any]:
    """The same numbers in half the bytes, where they fit."""
    return labels.astype(np.int16 if labels.max() <= np.iinfo(np.int16).max else np.int32)


def _numbered(columns: dict[str, Any], prefix: str) -> list[Floats]:
    """The columns prefix0, prefix1, ... in this order."""
    return [column for name, column in columns.items() if name.rstrip("0123456789") == prefix]


def _encode(columns: dict[str, Any], /, **facts: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns)
    sink = pa.BufferOutputStream()
    # dozens of narrow columns: what Parquet says of each would weigh as much as what is in it
    whole = [name for name in table.column_names if pa.types.is_integer(table.schema.field(name).type)]
    with pq.ParquetWriter(
        sink, table.schema, compression="zstd", use_dictionary=whole, write_statistics=False, store_schema=False
    ) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({METADATA: json.dumps(facts)})
    return bytes(sink.getvalue().to_pybytes())


def _decode(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(content))
    table = file.read(use_threads=False)
    columns = {name: column.to_numpy() for name, column in zip(table.column_names, table.columns, strict=True)}
    return columns, json.loads(file.metadata.metadata[METADATA])
