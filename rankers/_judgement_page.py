"""A judgement as an HTML page of its own."""

from __future__ import annotations

from html import escape
from io import StringIO
from typing import TYPE_CHECKING

from gamac_meta.plots import plot_critical_difference
from gamac_meta.rendering import PAGE_STYLE, STYLE
from rankers.judgement import FIGURES, TABLES, Judgement
from rankers.significance import LEVEL, Ranks

if TYPE_CHECKING:
    import pandas as pd


def as_page(judgement: Judgement, kind: str) -> str:
    """Summary, comparisons, critical-difference diagrams and tables; kind says whose orders were agreed with."""
    title = escape(judgement.title(kind))
    diagrams = "".join(
        f"<h2>Mean ranks over {units}</h2>{_diagram(judgement.ranks(over=over), units)}"
        for over, units in ((None, "data sets"), ("group", "generator groups"))
    )
    tables = "".join(
        f"<h2>Mean {FIGURES[figure].title} by {what}</h2>{_table(judgement.numbered(what, figure))}"
        for what in TABLES
        for figure in ("tau", "pool_regret")
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in judgement.notes(kind))
    gains = "".join(f"<li>{escape(str(each))}</li>" for each in judgement.comparisons())
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f"<style>{PAGE_STYLE}{STYLE}</style></head><body><h1>{title}</h1>{_table(judgement.summary())}{notes}"
        f"<h2>Gain in tau, paired by data set</h2><ul>{gains}</ul>{diagrams}{tables}</body></html>\n"
    )


def _table(table: pd.DataFrame) -> str:
    shown = table.to_html(classes="measures", border=0, float_format="{:.3f}".format, na_rep="-")
    head, body = shown.split("<tbody>")
    rows = body.replace("<th>", '<th scope="row">')
    return f'<div class="scroll">{head}<tbody>{rows}</div>'


def _diagram(ranks: Ranks, units: str) -> str:
    """The critical-difference diagram as SVG inside the page, with what it shows in words."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.0, 1.3 + 0.24 * len(ranks.names)), layout="constrained")
    plot_critical_difference(ranks.names, ranks.mean_ranks, ranks.cliques, figure.subplots())
    drawing = StringIO()
    figure.savefig(drawing, format="svg", metadata={"Date": None})
    words = (
        f"Friedman's chi-squared over {ranks.units} {units} is {ranks.friedman:.1f}, p = {ranks.p_value:.2g}. A bar "
        f"joins those marked on it, which Wilcoxon's signed-rank test does not tell apart at level {LEVEL} after "
        "Holm's correction."
    )
    svg = drawing.getvalue()
    return f"{svg[svg.index('<svg') :]}<p>{escape(words)}</p>"
