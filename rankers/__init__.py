"""Rankers: models that order measures for a data set. `load` reads one."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from rankers._pairs import describe_pair_feature
from rankers._partitions import settled

if TYPE_CHECKING:
    from rankers.persistence import Model

__all__ = ["DEFAULT_MODEL", "describe_pair_feature", "load", "settled"]

DEFAULT_MODEL = "default"


def load(directory: str | Path | None = None) -> Model:
    """The model in a directory, or the one that is shipped. Raises ModelError."""
    from rankers.persistence import load as read

    return _shipped() if directory is None else read(Path(directory))


@cache
def _shipped() -> Model:
    from rankers.persistence import load as read

    return read(Path(str(files("gamac_meta") / "models" / DEFAULT_MODEL)))
