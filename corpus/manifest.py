"""The manifest of a corpus: what it was asked to be, and what is in it. An entry exists once it is listed here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from gamac_meta import __version__
from gamac_meta.exceptions import CorpusError
from gamac_meta.files import replacing

FORMAT = 2
NAME = "manifest.json"


@dataclass(frozen=True)
class Listed:
    """One entry as the manifest knows it."""

    dataset: str  # fingerprint of the points
    candidates: str  # hash of the candidates' labels
    content: str  # hash of the entry without its orders
    files: str  # hash of the bytes of its two files
    orders: str  # hash of the orders it was written with
    assessors: tuple[str, ...]  # who gave them
    family: str
    group: str
    base: str
    scheme: str


@dataclass(frozen=True)
class Manifest:
    """Replaced, never changed: what is on the disk is always one whole manifest."""

    settings: Mapping[str, Any] = field(default_factory=dict)  # what every entry was made with, seed included
    requested: int = 0  # data sets asked for
    entries: Mapping[int, Listed] = field(default_factory=dict)
    package: str = __version__
    own_orders: bool = True  # in the corpus directory, not in a database of its own

    @property
    def corpus_hash(self) -> str:
        """Of all content, orders as written included; the same for a seed on every machine."""
        parts = [[index, listed.content, listed.orders] for index, listed in sorted(self.entries.items())]
        return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()

    def with_entry(self, index: int, listed: Listed) -> Manifest:
        return replace(self, entries={**self.entries, index: listed})

    def save(self, directory: Path) -> None:
        """Whole or not at all."""
        content = {
            "format": FORMAT,
            "package": self.package,
            "requested": self.requested,
            "settings": dict(self.settings),
            "own_orders": self.own_orders,
            "corpus_hash": self.corpus_hash,
            "entries": {str(index): asdict(listed) for index, listed in sorted(self.entries.items())},
        }
        with replacing(directory / NAME) as file:
            file.write(json.dumps({**content, "check": _check(content)}).encode())

    @classmethod
    def load(cls, directory: Path) -> Manifest:
        """Raises CorpusError where it is missing, damaged, or of another format."""
        path = directory / NAME
        try:
            content = json.loads(path.read_bytes())
        except FileNotFoundError:
            raise CorpusError(
                f"{directory} is not a corpus: it has no {NAME}; make one with gamac-meta corpus build"
            ) from None
        except OSError as error:
            raise CorpusError(f"{path} cannot be read: {error.strerror or error}") from None
        except ValueError:
            raise _damaged(path) from None
        if not isinstance(content, dict):
            raise _damaged(path)
        if content.get("format") != FORMAT:
            raise CorpusError(
                f"{path} must be of format {FORMAT}, got format {content.get('format')!r}; "
                "read it with the version of gamac-meta that wrote it, or build the corpus again elsewhere"
            )
        if content.pop("check", None) != _check(content):
            raise _damaged(path)
        return cls(
            content["settings"],
            content["requested"],
            {
                int(index): Listed(**{**listed, "assessors": tuple(listed["assessors"])})
                for index, listed in content["entries"].items()
            },
            content["package"],
            content["own_orders"],
        )


def _check(content: Mapping[str, Any]) -> str:
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=8).hexdigest()


def _damaged(path: Path) -> CorpusError:
    return CorpusError(f"{path} is damaged; restore it from a copy, or delete the corpus and build it again")
