"""Records in, matplotlib Axes or Figures out; computes nothing.

Colors are Okabe and Ito's, told apart by color-blind readers; beyond eight clusters the marker
changes too. Noise is a hollow gray ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.types import NOISE, Floats, Labels

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = "os^DvPX*"
BEST, OTHER, FAINT = "#0072B2", "#5A5A5A", "#BBBBBB"


def plot_recommendation(
    titles: Sequence[str],
    agreement: Floats,
    low: Floats,
    high: Floats,
    *,
    assessors: str = "simulated",
    top: int = 12,
    ax: Axes | None = None,
) -> Axes:
    """Predicted agreement of the first measures as dots with their intervals, the best on top.

    titles, agreement, low, high: (m,) in the order of the recommendation.
    """
    shown = min(top, len(titles))
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(7.5, 0.9 + 0.32 * shown), layout="constrained")
    rows = np.arange(shown)
    colors = [BEST] + [OTHER] * (shown - 1)
    ax.hlines(rows, low[:shown], high[:shown], colors=colors, linewidth=2.2, alpha=0.45)
    ax.scatter(agreement[:shown], rows, c=colors, s=46, zorder=3)
    if min(low[:shown]) < 0:
        ax.axvline(0, color=FAINT, linewidth=1, zorder=0)
    for row in rows:
        ax.annotate(
            f"{agreement[row]:.2f}",
            (1.0, row),
            xycoords=ax.get_yaxis_transform(),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=colors[row],
            fontweight="bold" if row == 0 else "normal",
            annotation_clip=False,
        )
    ax.set_yticks(rows, list(titles[:shown]))
    ax.get_yticklabels()[0].set(color=BEST, fontweight="bold")
    ax.set_ylim(shown - 0.4, -0.6)
    ax.set_xlabel(f"Predicted agreement with {assessors} assessors (Kendall's tau; line: 90 % interval)")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="x", color="#EEEEEE")
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    return ax


def plot_clusters(X: Floats, labels: Labels | None = None, title: str = "", ax: Axes | None = None) -> Axes:
    """Scatter plot of the first two columns of X, (n, 2) or wider, colored by labels (n,)."""
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(4, 4), layout="constrained")
    x = X[:, 0]
    # one column is drawn along a line
    y = X[:, 1] if X.shape[1] > 1 else np.zeros(len(X))
    size = float(np.clip(2500 / len(X), 1.5, 22))
    labels = np.zeros(len(X), dtype=np.int32) if labels is None else labels
    noise = labels == NOISE
    ax.scatter(x[noise], y[noise], s=size, facecolors="none", edgecolors="#999999", linewidths=0.6)
    palette = np.array(OKABE_ITO)
    for turn in range(ceil((labels.max(initial=0) + 1) / len(palette))):
        member = labels // len(palette) == turn
        ax.scatter(
            x[member],
            y[member],
            s=size,
            c=palette[labels[member] % len(palette)],
            marker=MARKERS[turn % len(MARKERS)],
            linewidths=0,
        )
    ax.set_title(title, fontsize="small")
    ax.set_xticks([])
    ax.set_yticks([])
    ax.set_aspect("equal", adjustable="datalim")
    ax.spines[:].set_color("#DDDDDD")
    return ax


def plot_partitions(X: Floats, labels: Labels, titles: Sequence[str] = (), *, columns: int = 5) -> Figure:
    """Candidates (p, n) of one data set side by side; X is (n, 2), a projection where there are more columns."""
    return contact_sheet([X] * len(labels), list(labels), titles, columns=columns)


def contact_sheet(
    datasets: Sequence[Floats],
    labels: Sequence[Labels] | None = None,
    titles: Sequence[str] = (),
    *,
    columns: int = 6,
) -> Figure:
    """Small scatter plots of many data sets, each (n, 2), in rows of `columns`."""
    from matplotlib.figure import Figure

    columns = max(1, min(columns, len(datasets)))
    rows = max(1, ceil(len(datasets) / columns))
    figure = Figure(figsize=(1.9 * columns, 2.05 * rows), layout="constrained", dpi=120)
    axes: np.ndarray[Any, Any] = figure.subplots(rows, columns, squeeze=False).ravel()
    colored: Any = repeat(None) if labels is None else labels
    named: Any = titles or repeat("")
    for ax, X, row, title in zip(axes, datasets, colored, named, strict=False):
        plot_clusters(X, row, title, ax)
    for ax in axes[len(datasets) :]:
        ax.set_axis_off()
    return figure
