"""The corpus on disk: data sets, candidates and measures as Parquet, orders in a database.

DIRECTORY/manifest.json              settings, and the entries with their hashes
DIRECTORY/points/000007-HASH.parquet    a row per point: coordinates, reference labels, the pool's labels
DIRECTORY/measures/000007-HASH.parquet  a row per partition of the pool, a column per measure
DIRECTORY/orders.sqlite              assessors' orders, unless a database URL is given

Files are named by content and listed in the manifest last, so what is listed is always whole: a
writer killed at any moment leaves at most a file that nothing points to.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from corpus.entries import Entry, candidates_hash, from_parquet, orders_hash, to_parquet
from corpus.generators import COLLECTIONS, collection_of
from corpus.manifest import NAME, Listed, Manifest
from corpus.orders import Key, OrderBook
from gamac_meta import __version__
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.files import replacing
from gamac_meta.types import Ranking

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CorpusStore", "Entry", "Summary"]

FOLDERS = ("points", "measures")
ORDERS = "orders.sqlite"
CHUNK = 100  # data sets whose orders are fetched at once
REPAIR = "restore it from a copy, or run the same gamac-meta corpus build again, which makes it anew"


@dataclass(frozen=True)
class Summary:
    """What a corpus holds."""

    directory: Path
    datasets: int
    requested: int
    collections: Mapping[str, int]
    families: Mapping[str, int]
    groups: Mapping[str, int]
    schemes: Mapping[str, int]
    measures: int
    simulated_orders: int
    real_orders: int
    seed: int | None
    corpus_hash: str

    def __str__(self) -> str:
        collections = ", ".join(f"{count} {COLLECTIONS[name].title}" for name, count in self.collections.items())
        schemes = ", ".join(f"{count} {name}" for name, count in sorted(self.schemes.items()))
        return (
            f"corpus {self.directory}: {self.datasets} of {self.requested} data sets, seed {self.seed}, "
            f"hash {self.corpus_hash}\n"
            f"{collections}\n"
            f"{len(self.families)} families in {len(self.groups)} groups; candidates chosen by scheme: {schemes}\n"
            f"{self.measures} measures; orders: {self.simulated_orders} simulated, {self.real_orders} of people"
        )


class CorpusStore:
    """A corpus directory; the manifest is read when the store is opened.

    directory: where it is. create: make it where there is none.
    url: database of the orders, orders.sqlite in the directory by default.

    Raises CorpusError where there is no corpus, or it is damaged or of another format.
    """

    def __init__(self, directory: str | Path, url: str | None = None, create: bool = False) -> None:
        self.directory = Path(directory)
        self._url = url
        self._book: OrderBook | None = None
        self._create = create
        if create and not (self.directory / NAME).exists():
            self._found()
        self._manifest = Manifest.load(self.directory)

    def _found(self) -> None:
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            foreign = sorted(path.name for path in self.directory.iterdir() if not path.name.startswith("."))
        except OSError as error:
            raise CorpusError(f"{self.directory} cannot hold a corpus: {error.strerror or error}") from None
        if foreign:
            raise CorpusError(
                f"{self.directory} must be empty or a corpus, got {foreign[0]!r} and no {NAME}; "
                "choose another directory"
            )
        Manifest(own_orders=self._url is None).save(self.directory)

    def __enter__(self) -> CorpusStore:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the database; a later call opens it anew."""
        if self._book is not None:
            self._book.close()
            self._book = None

    @property
    def orders(self) -> OrderBook:
        """The database of the orders, opened on first use."""
        if self._book is None:
            self._book = OrderBook(self.orders_place)
        return self._book

    @property
    def orders_place(self) -> str | Path:
        """Where that database is: a URL that was given, or a file in the directory."""
        if self._url is not None:
            return self._url
        if not self._manifest.own_orders:
            raise CorpusError(
                f"{self.directory} keeps its orders in a database of its own; give the URL it was built with"
            )
        place = self.directory / ORDERS
        if not (self._create or place.exists()):
            raise CorpusError(f"{place} is missing; {REPAIR}")
        return place

    @property
    def settings(self) -> Mapping[str, Any]:
        """What every entry was made with."""
        return self._manifest.settings

    def corpus_hash(self) -> str:
        """Of all data sets, candidates, measures and of the orders they were written with."""
        return self._manifest.corpus_hash

    def indices(self) -> tuple[int, ...]:
        """Places in the corpus that are filled."""
        return tuple(sorted(self._manifest.entries))

    def read(self, index: int, *, orders: bool = True) -> Entry:
        """One entry; without its orders if these are not needed."""
        key = _key(self._listed(index))
        return self._read(index, self.orders.read([key])[key] if orders else ())

    def entries(self, *, orders: bool = True) -> Iterator[Entry]:
        """Every entry, by index, one in memory at a time."""
        indices = self.indices()
        for start in range(0, len(indices), CHUNK):
            keys = {index: _key(self._listed(index)) for index in indices[start : start + CHUNK]}
            found = self.orders.read(list(keys.values())) if orders else {}
            for index, key in keys.items():
                yield self._read(index, found.get(key, ()))

    def claim(self, settings: Mapping[str, Any], requested: int) -> None:
        """Say what every entry is made with and how many are wanted; a corpus has one answer for all its life."""
        wanted = json.loads(json.dumps(dict(settings)))
        with self._locked():
            manifest = Manifest.load(self.directory)
            if manifest.entries and manifest.package != __version__:
                raise InvalidInputError(
                    f"corpus {self.directory} was made by gamac-meta {manifest.package} and is continued by no other, "
                    f"got {__version__}; build into another directory"
                )
            if manifest.own_orders != (self._url is None):
                where = "in its directory" if manifest.own_orders else "in a database given by URL"
                raise InvalidInputError(f"corpus {self.directory} keeps its orders {where}, and only there")
            for name in sorted(wanted.keys() | manifest.settings.keys()) if manifest.settings else ():
                if wanted.get(name) != manifest.settings.get(name):
                    raise InvalidInputError(
                        f"corpus {self.directory} was made with {name} {_short(manifest.settings.get(name))}, "
                        f"got {_short(wanted.get(name))}; build into another directory"
                    )
            self._manifest = replace(
                manifest, settings=wanted, requested=max(requested, manifest.requested), package=__version__
            )
            self._manifest.save(self.directory)

    def write(self, entry: Entry) -> None:
        """Add an entry, or put it in the place of one with its index; whole or not at all.

        Raises StorageFullError where there is no room; what was there stays.
        """
        expected, given = self.settings.get("measures"), list(entry.pool_table.measures)
        if expected is not None and given != expected:
            raise InvalidInputError(f"table must hold the measures {_short(expected)}, got {_short(given)}")
        contents = to_parquet(entry)
        listed = Listed(
            dataset=entry.data.fingerprint,
            candidates=candidates_hash(entry.candidates),
            content=entry.content_hash,
            files=_files_hash(contents),
            orders=orders_hash(entry.orders),
            assessors=tuple(order.assessor for order in entry.orders),
            family=entry.family,
            group=entry.group,
            base=entry.base,
            scheme=entry.scheme,
        )
        # orders first: they may be there without their entry, and adding them twice adds them once
        self.orders.add(_key(listed), entry.orders)
        with self._locked():
            manifest = Manifest.load(self.directory)
            before = self._paths(entry.index, manifest.entries.get(entry.index))
            paths = self._paths(entry.index, listed)
            try:
                for path, content in zip(paths, contents, strict=True):
                    path.parent.mkdir(exist_ok=True)
                    with replacing(path) as file:
                        file.write(content)
                manifest = manifest.with_entry(entry.index, listed)
                manifest.save(self.directory)
            except Exception:
                # an interrupt may come after the manifest was saved, an error may not
                _remove(set(paths) - set(before))
                raise
            self._manifest = manifest
            _remove(set(before) - set(paths))

    def problem(self, index: int) -> str | None:
        """What is wrong with an entry, in one line; None where it is whole."""
        try:
            entry = self.read(index)
        except CorpusError as error:
            return str(error)
        listed = self._listed(index)
        written = [order for order in entry.orders if order.assessor in listed.assessors]
        if orders_hash(written) != listed.orders:
            return f"orders of data set {index} in {self.orders} are missing or were changed; {REPAIR}"
        return None

    def verify(self) -> tuple[str, ...]:
        """A line for each damaged entry: files against their hashes, orders against those written."""
        return tuple(problem for index in self.indices() if (problem := self.problem(index)))

    def sweep(self) -> None:
        """Remove files that a killed writer left and nothing points to."""
        with self._locked():
            listed = {
                path
                for index, entry in Manifest.load(self.directory).entries.items()
                for path in self._paths(index, entry)
            }
            for name in FOLDERS:
                _remove(set((self.directory / name).glob("*")) - listed)
            _remove(self.directory.glob(f".{NAME}.*.part"))

    def summary(self) -> Summary:
        """Counts, from the manifest and the database alone."""
        listed = self._manifest.entries.values()
        simulated, real = self.orders.counts({_key(entry) for entry in listed})
        return Summary(
            self.directory,
            len(listed),
            self._manifest.requested,
            Counter(collection_of(index).name for index in self.indices()),
            Counter(entry.family for entry in listed),
            Counter(entry.group for entry in listed),
            Counter(entry.scheme for entry in listed),
            len(self.settings.get("measures", ())),
            simulated,
            real,
            self.settings.get("seed"),
            self.corpus_hash(),
        )

    def to_frame(self) -> pd.DataFrame:
        """A row per candidate of every data set: where it is from, its cluster count, its measures."""
        import pandas as pd

        frames = []
        for entry in self.entries(orders=False):
            facts = {
                "index": entry.index,
                "dataset": entry.data.fingerprint,
                "family": entry.family,
                "group": entry.group,
                "base": entry.base,
                "scheme": entry.scheme,
                "candidate": entry.candidates.makers,
                "n_clusters": entry.candidates.n_clusters,
                "noise_share": entry.candidates.noise_share,
            }
            frames.append(pd.concat([pd.DataFrame(facts), entry.table.to_frame().reset_index(drop=True)], axis=1))
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _listed(self, index: int) -> Listed:
        try:
            return self._manifest.entries[index]
        except KeyError:
            raise InvalidInputError(
                f"index must be one of the {len(self._manifest.entries)} entries of {self.directory}, got {index}"
            ) from None

    def _paths(self, index: int, listed: Listed | None) -> tuple[Path, ...]:
        if listed is None:
            return ()
        return tuple(self.directory / name / f"{index:06d}-{listed.content[:12]}.parquet" for name in FOLDERS)

    def _read(self, index: int, orders: tuple[Ranking, ...]) -> Entry:
        listed = self._listed(index)
        paths = self._paths(index, listed)
        contents = []
        for path in paths:
            try:
                contents.append(path.read_bytes())
            except FileNotFoundError:
                raise CorpusError(f"{path} is missing; {REPAIR}") from None
            except OSError as error:
                raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from None
        # before Parquet sees it: its readers trust their input
        for path, content, expected in zip(paths, contents, listed.files.split("-"), strict=True):
            if _file_hash(content) != expected:
                raise CorpusError(f"{path} is damaged; {REPAIR}")
        return from_parquet(contents[0], contents[1], orders)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time, of all processes; given up by the system if the writer is killed."""
        try:
            import fcntl
        except ImportError:  # Windows: one writer is up to the user
            yield
            return
        handle = os.open(self.directory, os.O_RDONLY)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)


def _key(listed: Listed) -> Key:
    return listed.dataset, listed.candidates


def _file_hash(content: bytes) -> str:
    return blake2b(content, digest_size=8).hexdigest()


def _files_hash(contents: Iterable[bytes]) -> str:
    return "-".join(map(_file_hash, contents))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _remove(paths: Iterable[Path]) -> None:
    for path in paths:
        path.unlink(missing_ok=True)
