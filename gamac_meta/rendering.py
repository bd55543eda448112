"""A measure table as text for a terminal, as HTML for a notebook, and as a page of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from gamac_meta.types import MeasureTable

if TYPE_CHECKING:
    import numpy.typing as npt

LONGEST_LIST = 3  # partitions tied for best that are listed
MARK, ESTIMATE = "*", "~"

STYLE = """\
.measures { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.measures th, .measures td { padding: .2em .6em; text-align: right; border-bottom: 1px solid #ddd; }
.measures td { white-space: nowrap; }
.measures th[scope=row], .measures .words { text-align: left; font-weight: normal; }
.measures thead th { vertical-align: bottom; max-width: 11em; overflow-wrap: anywhere; }
.measures small { color: #555; }
.measures .best { background: #cfe6f5; font-weight: bold; }
.measures .undefined { color: #888; }
"""
PAGE_STYLE = """\
body { font: 15px/1.4 system-ui, sans-serif; margin: 2em; color: #111; }
.scroll { overflow: auto; max-height: 90vh; }
.measures thead th, .measures th[scope=row] { position: sticky; background: #fff; }
.measures thead th { top: 0; z-index: 1; }
.measures th[scope=row] { left: 0; }
"""


# ---- text ------------------------------------------------------------------------------------------


def as_text(table: MeasureTable, width: int) -> str:
    """The values in lines of at most `width` characters, each measure's best marked, and what to know of them.

    A row per measure where that fits, else a row per partition, else blocks of numbered partitions.
    """
    lines = _grid(table, width)
    if len(table) > 1:
        lines.append(f"{MARK} best by this measure")
    lines += [f"undefined: {names} on {makers}: {why}" for names, makers, why in _grouped_reasons(table)]
    lines += [f"{ESTIMATE} estimate: {', '.join(names)}{way}" for names, way in _ways(table)]
    return "\n".join(lines)


def best_partitions(table: MeasureTable) -> npt.NDArray[np.bool_]:
    """(p, m) whether a partition is best by a measure, or tied for best; never where it is undefined."""
    ranks = np.where(np.isnan(table.values), np.inf, table.ranks())
    return np.asarray(np.isfinite(ranks) & (ranks == ranks.min(axis=0)))


def _grouped_reasons(table: MeasureTable) -> Iterator[tuple[str, str, str]]:
    """(measures, partitions, why), with all that share a reason in one."""
    measures: dict[tuple[int, str], list[str]] = {}
    for (row, name), why in table.reasons.items():
        measures.setdefault((row, why), []).append(name)
    partitions: dict[tuple[tuple[str, ...], str], list[str]] = {}
    for (row, why), names in measures.items():
        partitions.setdefault((tuple(names), why), []).append(table.makers[row])
    for (alike, why), makers in partitions.items():
        whole = len(alike) == len(table.measures) > 1
        yield "all measures" if whole else ", ".join(alike), ", ".join(makers), why


def _ways(table: MeasureTable) -> Iterator[tuple[list[str], str]]:
    """Measures that are estimates, with how they were made, said once for all that share it."""
    ways: dict[str, list[str]] = {}
    for name in table.approximate:
        ways.setdefault(table.methods.get(name, ""), []).append(name)
    for way, names in ways.items():
        yield names, f": {way}" if way else ""


def _grid(table: MeasureTable, width: int) -> list[str]:
    by_measure = _aligned(_measure_rows(table, range(len(table)), table.makers))
    if _fits(by_measure, width):
        return by_measure
    cells = _cells(table)
    by_partition = _aligned(
        [["partition", *table.measures]]
        + [["better", *_directions(table)]]
        + [[maker, *row] for maker, row in zip(table.makers, cells, strict=True)]
    )
    if _fits(by_partition, width):
        return by_partition
    numbers = [str(row + 1) for row in range(len(table))]
    lines, start = [], 0
    while start < len(table):
        stop = len(table)
        while stop > start + 1 and not _fits(_aligned(_measure_rows(table, range(start, stop), numbers)), width):
            stop -= 1
        lines += [*_aligned(_measure_rows(table, range(start, stop), numbers)), ""]
        start = stop
    return lines + [f"{number:>4}  {maker}" for number, maker in zip(numbers, table.makers, strict=True)]


def _measure_rows(table: MeasureTable, shown: Sequence[int], names: Sequence[str]) -> list[list[str]]:
    """Cells of a header and a row per measure, for the shown partitions."""
    cells = _cells(table)
    rows = [["measure", "better", *(names[row] for row in shown)]]
    rows += [
        [name, direction, *(cells[row][column] for row in shown)]
        for column, (name, direction) in enumerate(zip(table.measures, _directions(table), strict=True))
    ]
    if len(table) > 1:
        best = best_partitions(table)
        for cell, row in zip(["best partition", *(_listed(names, column) for column in best.T)], rows, strict=True):
            row.append(cell)
    return rows


def estimated(table: MeasureTable) -> npt.NDArray[np.bool_]:
    """(p, m) whether a value is an estimate and not exact."""
    exact = (table.low == table.values) & (table.high == table.values)
    return np.isin(table.measures, table.approximate) & ~np.isnan(table.values) & ~exact


def _cells(table: MeasureTable) -> list[list[str]]:
    marks, guesses = best_partitions(table) & (len(table) > 1), estimated(table)
    return [
        [
            "-" if np.isnan(value) else f"{ESTIMATE * bool(guess)}{value:.4g}{MARK * bool(mark)}"
            for value, mark, guess in zip(*rows, strict=True)
        ]
        for rows in zip(table.values, marks, guesses, strict=True)
    ]


def _directions(table: MeasureTable) -> list[str]:
    return ["greater" if greater else "smaller" for greater in table.greater_is_better]


def _listed(names: Sequence[str], best: npt.NDArray[np.bool_]) -> str:
    chosen = [name for name, taken in zip(names, best, strict=True) if taken]
    return (", ".join(chosen[:LONGEST_LIST]) + ", ..." * (len(chosen) > LONGEST_LIST)) or "-"


def _aligned(rows: list[list[str]]) -> list[str]:
    """Lines of columns: the first to the left, values to the right with room for the mark."""
    padded = [[cell if cell.endswith(MARK) else f"{cell} " for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*padded, strict=True)]
    return [
        " ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in padded
    ]


def _fits(lines: list[str], width: int) -> bool:
    return max(map(len, lines)) <= width


# ---- HTML ------------------------------------------------------------------------------------------


def as_html(table: MeasureTable) -> str:
    """A row per measure: value and rank on each partition, the best marked; then reasons and estimates."""
    best, guesses, ranks = best_partitions(table), estimated(table), table.ranks()
    reasons = list(dict.fromkeys(table.reasons.values()))
    head = "".join(f'<th scope="col">{escape(maker)}</th>' for maker in table.makers)
    body = ""
    for column, (name, direction) in enumerate(zip(table.measures, _directions(table), strict=True)):
        cells = ""
        for row, value in enumerate(table.values[:, column]):
            if np.isnan(value):
                cells += _undefined(table.reason(row, name), reasons)
                continue
            interval = ""
            if guesses[row, column]:
                interval = f"<br><small>{_interval(table.low[row, column], table.high[row, column])}</small>"
            kind = ' class="best"' if best[row, column] else ""
            cells += f"<td{kind}>{value:.4g} <small>({ranks[row, column]:g})</small>{interval}</td>"
        body += f'<tr><th scope="row">{escape(name)}</th><td class="words">{direction}</td>{cells}</tr>'
    noise = ""
    if table.noise_share.any():
        shares = "".join(f"<td>{share:.1%}</td>" for share in table.noise_share)
        noise = f'<tfoot><tr><th scope="row">noise</th><td></td>{shares}</tr></tfoot>'
    notes = "".join(f'<li value="{number}">{escape(why)}</li>' for number, why in enumerate(reasons, start=1))
    return (
        f'<style>{STYLE}</style><div class="scroll"><table class="measures"><thead><tr><th scope="row">measure</th>'
        f'<th class="words">better</th>{head}</tr></thead><tbody>{body}</tbody>{noise}</table></div>'
        "<p>Each cell: value and, in parentheses, rank (1 is best, undefined values come last)."
        + "</p>"
        + "".join(f"<p>Estimates: {escape(', '.join(names))}{escape(way)}.</p>" for names, way in _ways(table))
        + (f"<p>Undefined because:</p><ol>{notes}</ol>" if notes else "")
    )


def _undefined(why: str | None, reasons: Sequence[str]) -> str:
    note = f"<sup>{reasons.index(why) + 1}</sup>" if why else ""
    return f'<td class="undefined" title="{escape(why or "undefined")}">&ndash;{note}</td>'


def _interval(low: float, high: float) -> str:
    return "estimate" if np.isnan(low) or np.isnan(high) else f"estimate, {low:.4g} to {high:.4g}"


def as_page(table: MeasureTable, title: str) -> str:
    """A self-contained HTML page of the table."""
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{PAGE_STYLE}</style></head><body><h1>{escape(title)}</h1>{as_html(table)}</body></html>\n"
    )
