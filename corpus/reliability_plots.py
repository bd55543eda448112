"""Pictures of a report on assessors; what they show is computed in `corpus.reliability`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from corpus.reliability import AgreementReport, AssessorReliability
from gamac_meta.plots import BEST, FAINT, OKABE_ITO, OTHER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FLAGGED = OKABE_ITO[5]
CONFIDENCE = 1.96  # standard errors
LONGEST_NAME = 16  # characters of a name that a picture shows


def plot_agreement(report: AgreementReport, ax: Axes) -> Axes:
    """Histogram over data sets of the mean agreement of an assessor with the others."""
    from matplotlib.ticker import MaxNLocator

    taus = [row.leave_one_out_tau for row in report.datasets if not isnan(row.leave_one_out_tau)]
    ax.set(xlabel="Kendall tau of one with the others' mean rank", ylabel="Data sets")
    if not taus:
        return _empty(ax, "No data set is ranked by two yet")
    low = min(-0.2, np.floor(min(taus) * 10) / 10)
    ax.hist(taus, bins=np.arange(low, 1.05, 0.1).tolist(), color=BEST, alpha=0.85, edgecolor="white")
    ax.axvline(0, color=FAINT, linewidth=1, zorder=0)
    mean = report.overall.leave_one_out_tau
    ax.axvline(mean, color="black", linewidth=1.2, linestyle="--")
    ax.annotate(
        f"mean {mean:.2f}", (mean, 1), xycoords=("data", "axes fraction"), xytext=(4, -11), textcoords="offset points",
        fontsize=9,
    )  # fmt: skip
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def plot_consistency(report: AgreementReport, ax: Axes) -> Axes:
    """Each assessor's constancy, with its interval, against agreement with the others."""
    ax.set(xlabel="Repeated questions answered alike (95 %)", ylabel="Kendall tau with the others")
    rows = [row for row in report.assessors if not isnan(row.consistency) and not isnan(row.leave_one_out_tau)]
    if not rows:
        return _empty(ax, "Nobody has answered repeats and shares a data set yet")
    ax.axvline(0.5, color=FAINT, linewidth=1, zorder=0)
    ax.axhline(0, color=FAINT, linewidth=1, zorder=0)
    for row in rows:
        ax.hlines(row.leave_one_out_tau, row.consistency_low, row.consistency_high, color=_color(row), alpha=0.3)
        _dot(ax, row, row.consistency, row.leave_one_out_tau)
    ax.set_xlim(-0.02, 1.02)
    _name(ax, rows, [(row.consistency, row.leave_one_out_tau) for row in rows], {"agreement", "consistency"})
    return ax


def plot_answers(report: AgreementReport, ax: Axes) -> Axes:
    """Answers on each day, from the first to the last."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
    from matplotlib.ticker import MaxNLocator

    ax.set(ylabel="Answers a day")
    counts = {date.fromisoformat(day): count for day, count in report.overall.answers_by_day}
    if not counts:
        return _empty(ax, "No answers yet")
    first, last = min(counts), max(counts)
    ax.bar([date2num(day) for day in counts], list(counts.values()), color=BEST, alpha=0.85)
    # a single day is a bar, not a wall
    ax.set_xlim(date2num(first - timedelta(days=3)), date2num(last + timedelta(days=3)))
    locator = AutoDateLocator(minticks=2, maxticks=7)
    ax.xaxis.set_major_locator(locator)
    ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return ax


def plot_sides(report: AgreementReport, ax: Axes) -> Axes:
    """Each assessor's share of answers for the left against their number, and the funnel where chance leaves 95 %."""
    ax.set(xlabel="Answers for either side", ylabel="Share for the left")
    rows = [row for row in report.assessors if row.sided_answers]
    if not rows:
        return _empty(ax, "No answers yet")
    most = max(row.sided_answers for row in rows)
    numbers = np.linspace(1, 1.1 * most, 200)
    reach = CONFIDENCE * 0.5 / np.sqrt(numbers)
    ax.fill_between(
        numbers, np.maximum(0.5 - reach, 0), np.minimum(0.5 + reach, 1), color=FAINT, alpha=0.3, linewidth=0
    )
    ax.axhline(0.5, color=FAINT, linewidth=1)
    for row in rows:
        _dot(ax, row, row.sided_answers, row.left_share)
    ax.set(xlim=(0, 1.1 * most), ylim=(-0.03, 1.03))
    _name(ax, rows, [(row.sided_answers, row.left_share) for row in rows], {"side"})
    return ax


PLOTS: dict[str, Callable[[AgreementReport, Axes], Axes]] = {
    "agreement": plot_agreement,
    "consistency": plot_consistency,
    "answers": plot_answers,
    "sides": plot_sides,
}


def _color(row: AssessorReliability) -> str:
    return FLAGGED if row.flags else BEST


def _dot(ax: Axes, row: AssessorReliability, x: float, y: float) -> None:
    # told apart without color, too
    ax.scatter(x, y, marker="D" if row.flags else "o", s=34, color=_color(row), alpha=0.9, linewidths=0, zorder=3)


def _name(ax: Axes, rows: list[AssessorReliability], places: list[tuple[float, float]], rules: set[str]) -> None:
    """Put names to those who are flagged by one of the rules."""
    left, right = ax.get_xlim()
    for row, (x, y) in zip(rows, places, strict=True):
        if rules & set(row.flags):
            side = -1 if x > (left + right) / 2 else 1
            ax.annotate(
                row.assessor if len(row.assessor) <= LONGEST_NAME else f"{row.assessor[: LONGEST_NAME - 1]}\u2026",
                (x, y),
                xytext=(6 * side, 5),
                textcoords="offset points",
                ha="left" if side == 1 else "right",
                fontsize=8.5,
                color=OTHER,
            )


def _empty(ax: Axes, text: str) -> Axes:
    ax.text(0.5, 0.5, text, transform=ax.transAxes, ha="center", va="center", color=OTHER)
    ax.set(xticks=[], yticks=[])
    return ax
