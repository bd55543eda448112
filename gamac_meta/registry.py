"""A mapping from names to members that refuses duplicates and suggests near misses."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Generic, TypeVar

from gamac_meta.exceptions import UnknownNameError

Member = TypeVar("Member")


class Registry(Mapping[str, Member], Generic[Member]):
    """Read-only for its users; iteration is sorted, so nothing depends on import order."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._members: dict[str, Member] = {}

    def add(self, name: str, member: Member) -> None:
        if name in self._members:
            raise ValueError(f"{self.kind} {name!r} is registered twice")
        self._members[name] = member

    def __getitem__(self, name: str) -> Member:
        try:
            return self._members[name]
        except (KeyError, TypeError):
            near = get_close_matches(str(name), self._members, n=3)
            hint = f"; did you mean {' or '.join(map(repr, near))}?" if near else f"; known: {', '.join(self)}"
            raise UnknownNameError(f"unknown {self.kind} {name!r}{hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._members))

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"<Registry of {len(self)} {self.kind}s: {', '.join(self)}>"
