"""Orders of people in files that others made: plain CSV in two layouts, and GaMAC's assessor files.

CSV has a header and a row per order. The column `dataset` says which data set of the corpus: its number, its name or
its fingerprint. The column `assessor` says whose order it is; it may be left out where one assessor gave all. The
order is

- either in columns `0`, `1`, ..., one per candidate: its rank, 1 is best, ties share the mean rank (1, 2.5, 2.5, 4);
- or in the column `order`: the candidates' numbers, best first, with spaces between them and `=` between tied ones
  (`2 0=3 1`).

GaMAC's files have a line per data set: its path, a semicolon and the candidates' numbers, listed from the worst to the
best (`data/views/wine-tsne2;[3, 0, 2, 1]`). They do not say whose they are.

Candidates are numbered from 0, in the sequence in which the corpus lists them.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import Floats

DATASET, ASSESSOR, ORDER = "dataset", "assessor", "order"
PATH = "path"
# the path may hold anything, semicolons too
GAMAC_LINE = re.compile(r"(?P<path>.*\S)\s*;\s*(?P<numbers>\[[^\[\]]*\])")


class Line(NamedTuple):
    """An order as a file has it."""

    number: int  # of the line, from 1
    dataset: str  # however the file names it
    assessor: str
    ranks: Floats  # 1 is best


def refuse(path: Path, number: int, why: str) -> InvalidInputError:
    """The error of a line."""
    return InvalidInputError(f"{path}, line {number}: {why}")


def read_csv(path: Path, assessor: str | None) -> list[Line]:
    """Orders in either layout; assessor: whose they are, where the file does not say."""
    rows = _rows(path)
    number, header = next(rows, (1, []))
    columns = [name.strip() for name in header]
    ranked = [name for name in columns if name.isdecimal()]
    if DATASET not in columns or len(set(columns)) < len(columns) or (ORDER in columns) == bool(ranked):
        raise refuse(
            path,
            number,
            f"the header must name {DATASET}, {ASSESSOR}, and either {ORDER} or the candidates 0, 1, ..., "
            f"got {', '.join(columns) or 'nothing'}",
        )
    if ranked and sorted(map(int, ranked)) != list(range(len(ranked))):
        raise refuse(path, number, f"columns of candidates must be 0 to {len(ranked) - 1}, got {', '.join(ranked)}")
    strange = sorted(set(columns) - {DATASET, ASSESSOR, ORDER} - set(ranked))
    if strange:
        raise refuse(path, number, f"columns must be known ones, got {strange[0]!r}")
    lines = []
    for number, cells in rows:
        if len(cells) != len(columns):
            raise refuse(path, number, f"a row must have {len(columns)} cells, got {len(cells)}")
        row = {name: cell.strip() for name, cell in zip(columns, cells, strict=True)}
        name = row.get(ASSESSOR) or assessor
        if not name:
            raise refuse(path, number, "an order must have an assessor, in the file or given beside it; got none")
        ranks = _listed(path, number, row[ORDER]) if ORDER in row else _ranked(path, number, row, len(ranked))
        lines.append(Line(number, row[DATASET], name, ranks))
    return lines


def read_gamac(path: Path, assessor: str | None) -> list[Line]:
    """GaMAC's lines, of one assessor."""
    if not assessor:
        raise InvalidInputError(f"{path} does not say whose orders it holds; give the assessor beside it, got none")
    lines = []
    for number, text in enumerate(_text(path).split("\n"), start=1):
        if not text.strip():
            continue
        found = GAMAC_LINE.fullmatch(text.strip())
        try:
            numbers = json.loads(found["numbers"]) if found else None
        except ValueError:
            numbers = None
        if found is None or not numbers or any(type(each) is not int for each in numbers):
            raise refuse(path, number, f"a line must be path;[whole numbers], got {text.strip()[:80]!r}")
        # listed worst to best
        lines.append(Line(number, found["path"], assessor, _placed(path, number, [[each] for each in numbers[::-1]])))
    return lines


def read_mapping(path: Path) -> dict[str, str]:
    """Which data set of the corpus a path means: a CSV file with the columns `path` and `dataset`."""
    rows = _rows(path)
    number, header = next(rows, (1, []))
    columns = [name.strip() for name in header]
    if sorted(columns) != [DATASET, PATH]:
        raise refuse(path, number, f"the header must name {PATH} and {DATASET}, got {', '.join(columns) or 'nothing'}")
    found: dict[str, str] = {}
    for number, cells in rows:
        if len(cells) != 2:
            raise refuse(path, number, f"a row must have 2 cells, got {len(cells)}")
        row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
        if found.setdefault(row[PATH], row[DATASET]) != row[DATASET]:
            raise refuse(path, number, f"a path must mean one data set, got {row[DATASET]!r} for {row[PATH]!r} as well")
    return found


def names_of(path_in_file: str, mapping: Mapping[str, str]) -> Iterator[str]:
    """By what a data set may be known that GaMAC's file gives a path of: as the mapping has it, else its last part
    with and without a suffix."""
    if path_in_file in mapping:
        yield mapping[path_in_file]
        return
    last = re.split(r"[/\\]", path_in_file.rstrip("/\\"))[-1]
    yield last
    yield last.rpartition(".")[0] or last


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with the number of its last line."""
    separator = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(_text(path).splitlines(keepends=True), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise refuse(path, reader.line_num, f"a row must be CSV: {error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InvalidInputError(f"{path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise InvalidInputError(f"{path} must be UTF-8, got other bytes at position {error.start}") from None


def _listed(path: Path, number: int, text: str) -> Floats:
    """Ranks from numbers, best first, tied ones joined by `=`."""
    groups = [group.split("=") for group in text.split()]
    if not groups or not all(each.isdecimal() and each.isascii() for group in groups for each in group):
        raise refuse(path, number, f"an order must be numbers of candidates such as 2 0=3 1, got {text[:80]!r}")
    return _placed(path, number, [[int(each) for each in group] for group in groups])


def _placed(path: Path, number: int, groups: Sequence[Sequence[int]]) -> Floats:
    """Ranks from groups of tied candidates, the best first."""
    candidates = [each for group in groups for each in group]
    if sorted(candidates) != list(range(len(candidates))):
        raise refuse(
            path,
            number,
            f"an order must name each of the candidates 0 to {len(candidates) - 1} once, got {candidates[:30]}",
        )
    ranks = np.empty(len(candidates))
    before = 0
    for group in groups:
        ranks[list(group)] = before + (len(group) + 1) / 2
        before += len(group)
    return ranks


def _ranked(path: Path, number: int, row: Mapping[str, str], count: int) -> Floats:
    """Ranks from a column per candidate; the last ones are empty where a data set has fewer."""
    from scipy.stats import rankdata

    cells = [row[str(candidate)] for candidate in range(count)]
    while cells and not cells[-1]:
        cells.pop()
    try:
        ranks = np.array([float(cell) for cell in cells])
    except ValueError:
        raise refuse(path, number, f"ranks must be numbers, got {', '.join(cells)[:80]}") from None
    if not ranks.size or not np.array_equal(ranks, rankdata(ranks)):
        raise refuse(
            path,
            number,
            f"ranks must be 1..{ranks.size}, 1 is best, ties share the mean rank, got {ranks.tolist()[:30]}",
        )
    return ranks
