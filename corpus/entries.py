"""One entry of a corpus: a data set, its candidates, their measures, their orders; to and from Parquet."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Dataset, Floats, Labels, MeasureTable, PartitionSet, Ranking, frozen_array

METADATA = b"gamac_meta"


@dataclass(frozen=True, eq=False)
class Entry:
    """Everything a corpus knows of one data set."""

    index: int  # place in the corpus
    data: Dataset  # n points
    references: Labels  # (r, n) generating labels, the finest first
    family: str  # generator
    group: str  # of families, for honest folds
    scheme: str  # how the candidates were chosen
    candidates: PartitionSet  # (p, n)
    table: MeasureTable  # (p, m)
    orders: tuple[Ranking, ...] = ()  # of the p candidates

    def __post_init__(self) -> None:
        references = np.asarray(self.references)
        if references.ndim != 2 or references.shape[0] < 1 or references.shape[1] != self.data.n:
            raise InvalidInputError(f"references must have shape (r, {self.data.n}), got {references.shape}")
        object.__setattr__(self, "references", frozen_array(references, np.int32))
        if self.index < 0:
            raise InvalidInputError(f"index must be at least 0, got {self.index}")
        if self.candidates.n != self.data.n:
            raise InvalidInputError(f"candidates must label each of {self.data.n} points, got {self.candidates.n}")
        if len(self.table) != len(self.candidates):
            raise InvalidInputError(
                f"table must measure each of {len(self.candidates)} candidates, got {len(self.table)}"
            )
        for order in self.orders:
            if order.ranks.size != len(self.candidates):
                raise InvalidInputError(
                    f"{order.assessor} must rank each of {len(self.candidates)} candidates, got {order.ranks.size}"
                )

    @property
    def truth(self) -> Labels:
        """(n,) the finest generating labels."""
        return np.asarray(self.references[0])

    @property
    def content_hash(self) -> str:
        """Of all but the orders; the same on every machine and for every Parquet version."""
        digest = blake2b(digest_size=16)
        texts = [
            *(self.index, self.data.name, self.data.origin, self.data.fingerprint),
            *(self.family, self.group, self.scheme, self.candidates.makers, self.references.shape),
            *(self.table.measures, self.table.greater_is_better, self.table.approximate, _reasons(self.table)),
        ]
        digest.update(json.dumps(texts).encode())
        # every NaN is the same NaN
        values = np.where(np.isnan(self.table.values), np.nan, self.table.values)
        for array, kind in (
            (self.references, "<i4"),
            (self.candidates.labels, "<i4"),
            (values, "<f8"),
            (self.table.noise_share, "<f8"),
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


def to_parquet(entry: Entry) -> tuple[bytes, bytes]:
    """Two files: a row per point (coordinates, references, candidates); a row per candidate (measures)."""
    points = {f"x{column}": entry.data.X[:, column] for column in range(entry.data.d)}
    points |= {f"reference{row}": labels for row, labels in enumerate(entry.references)}
    points |= {f"candidate{row}": labels for row, labels in enumerate(entry.candidates.labels)}
    measures = {"candidate": list(entry.table.makers), "noise_share": entry.table.noise_share}
    measures |= {name: entry.table.values[:, column] for column, name in enumerate(entry.table.measures)}
    return (
        _encode(
            points,
            index=entry.index,
            name=entry.data.name,
            origin=entry.data.origin,
            family=entry.family,
            group=entry.group,
            scheme=entry.scheme,
            makers=entry.candidates.makers,
        ),
        _encode(
            measures,
            measures=entry.table.measures,
            greater_is_better=entry.table.greater_is_better,
            approximate=entry.table.approximate,
            reasons=_reasons(entry.table),
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
        facts["scheme"],
        PartitionSet(np.stack(_numbered(columns, "candidate")), tuple(facts["makers"])),
        MeasureTable(
            np.column_stack([values[name] for name in table_facts["measures"]]),
            tuple(table_facts["measures"]),
            tuple(table_facts["greater_is_better"]),
            tuple(values["candidate"].tolist()),
            values["noise_share"],
            {(row, name): why for row, name, why in table_facts["reasons"]},
            tuple(table_facts["approximate"]),
        ),
        orders,
    )


def _reasons(table: MeasureTable) -> list[list[Any]]:
    return sorted([row, name, why] for (row, name), why in table.reasons.items())


def _numbered(columns: dict[str, Any], prefix: str) -> list[Floats]:
    """The columns prefix0, prefix1, ... in this order."""
    return [column for name, column in columns.items() if name.rstrip("0123456789") == prefix]


def _encode(columns: dict[str, Any], /, **facts: Any) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table(columns).replace_schema_metadata({METADATA: json.dumps(facts)})
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _decode(content: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(pa.BufferReader(content)).read(use_threads=False)
    columns = {name: column.to_numpy() for name, column in zip(table.column_names, table.columns, strict=True)}
    return columns, json.loads(table.schema.metadata[METADATA])
