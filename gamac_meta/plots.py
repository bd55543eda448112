"""Records in, matplotlib Axes or Figures out. What a figure shows is computed apart from drawing it.

Colors are Okabe and Ito's, told apart by color-blind readers; beyond eight clusters the marker
changes too. Noise is a hollow gray ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from math import ceil
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gamac_meta.agreement import kendall_tau
from gamac_meta.types import NOISE, Floats, Labels, MeasureTable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OKABE_ITO = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
MARKERS = "os^DvPX*"
BEST, OTHER, FAINT = "#0072B2", "#5A5A5A", "#BBBBBB"
LONGEST_NAME = 40  # characters of a partition's name that a picture shows


class RankMap(NamedTuple):
    """Ranks of partitions by measures, ordered for the eye: like measures side by side, good partitions on top."""

    ranks: Floats  # (p, m) 1 is best, NaN where the measure is undefined
    partitions: tuple[str, ...]  # (p,) by mean rank over the measures that order anything, the best first
    measures: tuple[str, ...]  # (m,) in the order of the dendrogram's leaves
    branches: Floats  # (m - 1, 4, 2) corners of its forks: place among the measures, 1 - Kendall tau


def rank_map(table: MeasureTable) -> RankMap:
    """The ranks of a table, and its measures clustered by how alike they rank: average linkage of 1 - Kendall tau.

    Undefined values rank last, as in `MeasureTable.ranks`; a measure that orders nothing has tau 0 with all.
    """
    from scipy.cluster.hierarchy import dendrogram, linkage
    from scipy.spatial.distance import squareform

    ranks = table.ranks()
    columns, branches = np.arange(ranks.shape[1]), np.empty((0, 4, 2))
    if columns.size > 1:
        distances = 1.0 - kendall_tau(ranks, ranks)
        tree = linkage(squareform(distances, checks=False), "average", optimal_ordering=True)
        drawn = dendrogram(tree, no_plot=True)
        columns = np.array(drawn["leaves"])
        # scipy places leaves at 5, 15, 25, ...
        branches = np.stack([np.array(drawn["icoord"]) / 10.0 - 0.5, np.array(drawn["dcoord"])], axis=2)
    orders = np.ptp(ranks, axis=0) > 0.0
    rows = np.argsort(ranks[:, orders].mean(axis=1) if orders.any() else np.zeros(len(ranks)), kind="stable")
    shown = np.where(np.isnan(table.values), np.nan, ranks)[np.ix_(rows, columns)]
    return RankMap(
        shown, tuple(table.makers[row] for row in rows), tuple(table.measures[column] for column in columns), branches
    )


def plot_rank_map(info: RankMap, ax: Axes | None = None) -> Axes:
    """Heat map of ranks, a row per partition and a column per measure, with the dendrogram of measures above it."""
    from matplotlib.colors import LinearSegmentedColormap

    p, m = info.ranks.shape
    if ax is None:
        import matplotlib.pyplot as plt

        size = (2.5 + 0.23 * m + 0.06 * min(LONGEST_NAME, max(map(len, info.partitions))), 4.0 + 0.26 * p)
        figure = plt.figure(figsize=size, layout="constrained")
        tree, ax = figure.subplots(2, 1, height_ratios=(1.5, 0.26 * p))
    else:
        tree = ax.inset_axes((0.0, 1.01, 1.0, 0.28))
    colors = LinearSegmentedColormap.from_list("ranks", ["#08306B", BEST, "#9CCBE8", "#F4F4F0"])
    image = ax.imshow(np.ma.masked_invalid(info.ranks), cmap=colors, vmin=1, vmax=max(p, 2), aspect="auto")
    rows, columns = np.nonzero(np.isnan(info.ranks))
    ax.scatter(columns, rows, marker="x", s=14, c=FAINT, linewidths=0.9)
    rows, columns = np.nonzero(info.ranks == np.nanmin(np.where(np.isnan(info.ranks), np.inf, info.ranks), axis=0))
    ax.scatter(columns, rows, marker="o", s=11, c="#FFFFFF", linewidths=0)
    ax.set_xticks(range(m), list(info.measures), rotation=90, fontsize=8)
    ax.set_yticks(range(p), [_shortened(name) for name in info.partitions], fontsize=8)
    ax.set_xticks(np.arange(0.5, m - 1), minor=True)
    ax.set_yticks(np.arange(0.5, p - 1), minor=True)
    ax.grid(which="minor", color="#FFFFFF", linewidth=0.8)
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
    ticks = sorted({1, (p + 1) // 2, p})
    legend = ax.figure.colorbar(image, ax=ax, label="rank (dot: best, cross: undefined)", ticks=ticks, pad=0.01)
    legend.ax.invert_yaxis()
    legend.ax.yaxis.label.set_fontsize(8)
    legend.outline.set_visible(False)
    tree.set_visible(m > 1)
    for fork in info.branches:
        tree.plot(fork[:, 0], fork[:, 1], color=OTHER, linewidth=0.9)
    tree.set_xlim(-0.5, m - 0.5)
    tree.set_ylim(0.0, 1.05 * max(1.0, info.branches[:, :, 1].max(initial=0.0)))
    tree.set_xticks([])
    tree.set_ylabel("1 \u2212 Kendall \u03c4", fontsize=8)
    tree.tick_params(labelsize=7)
    tree.spines[["top", "right", "bottom"]].set_visible(False)
    return ax


def _shortened(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}\u2026"


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


def plot_critical_difference(
    names: Sequence[str],
    mean_ranks: Floats,
    cliques: Sequence[Sequence[int]],
    ax: Axes | None = None,
) -> Axes:
    """Critical-difference diagram: names (c,) on a line of their mean ranks (c,), in ascending order, the best left.

    A bar joins each clique of places in names that cannot be told apart; dots mark its members, as a bar may pass
    others.  After Demsar 2006, jmlr.org/papers/v7/demsar06a.html.
    """
    c = len(names)
    left = (c + 1) // 2
    if ax is None:
        import matplotlib.pyplot as plt

        _, ax = plt.subplots(figsize=(9.0, 1.3 + 0.24 * (left + len(cliques))), layout="constrained")
    first, last = np.floor(mean_ranks[0]), np.ceil(mean_ranks[-1])
    last = max(last, first + 1.0)
    margin = 0.03 * (last - first)
    ax.plot([first, last], [0, 0], color=OTHER, linewidth=1.2)
    for tick in np.arange(first, last + 1.0):
        ax.plot([tick, tick], [0, 0.25], color=OTHER, linewidth=1.2)
        ax.text(tick, 0.4, f"{tick:.0f}", ha="center", va="bottom", fontsize=9, color=OTHER)
    below = 0.5 * len(cliques) + 0.9
    for place, (name, rank) in enumerate(zip(names, mean_ranks, strict=True)):
        best_side = place < left
        # the outermost names stand nearest to the line, so that no two leads cross
        height = -(below + 0.8 * (place if best_side else c - 1 - place))
        end = first - margin if best_side else last + margin
        color = BEST if place == 0 else OTHER
        ax.plot([rank, rank, end], [0, height, height], color=color, linewidth=1.0)
        ax.annotate(
            f"{name}  {rank:.2f}" if best_side else f"{rank:.2f}  {name}",
            (end, height),
            xytext=(-4 if best_side else 4, 0),
            textcoords="offset points",
            ha="right" if best_side else "left",
            va="center",
            fontsize=9,
            color=color,
            fontweight="bold" if place == 0 else "normal",
            annotation_clip=False,
        )
    for row, clique in enumerate(cliques, start=1):
        members = mean_ranks[list(clique)]
        ax.plot(
            [members.min(), members.max()], [-0.5 * row] * 2, color="#000000", linewidth=3.0, solid_capstyle="round"
        )
        ax.scatter(members, [-0.5 * row] * len(members), s=30, c="#000000", zorder=3)
    ax.set_xlim(first - margin, last + margin)
    ax.set_ylim(-(below + 0.8 * left), 1.2)
    ax.set_title("mean rank, 1 is best", fontsize=9, color=OTHER, pad=2)
    ax.set_axis_off()
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
