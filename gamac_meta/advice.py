"""A recommendation as text and as plain data, for readers who are not in Python."""

from __future__ import annotations

import json
import math
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gamac_meta.recommend import Recommendation


def as_record(advice: Recommendation) -> dict[str, Any]:
    """Everything a program may want to read, ready for JSON."""
    prepared = advice.prepared
    # through pandas, which writes NaN as null
    tables = {
        "measures": advice.to_frame().reset_index(),
        "reasons": advice.explain().to_frame().head(10),
    }
    return {
        "best": advice.best,
        "data": {
            "points": prepared.data.n,
            "columns": list(prepared.columns),
            "dropped": list(prepared.dropped),
            "scale": prepared.scale,
        },
        "model": advice.model,
        "assessors": advice.assessors,
        "structure": None if math.isnan(advice.structure) else round(advice.structure, 4),
        "cautions": list(advice.cautions),
    } | {name: json.loads(frame.to_json(orient="records", double_precision=6)) for name, frame in tables.items()}


def as_text(advice: Recommendation, top: int = 10) -> str:
    """What was read, the first measures, why, and who the model learned from."""
    prepared, rows = advice.prepared, advice.to_frame()
    best = rows.iloc[0]
    width = max(len(row["title"]) + len(row["measure"]) for _, row in rows.head(top).iterrows()) + 3
    lines = [
        f"{prepared.data.n} points, {prepared.data.d} columns ({_listed(prepared.columns)}), "
        f"scale {prepared.scale or 'none'}"
        + (f", constant and dropped: {_listed(prepared.dropped)}" * bool(prepared.dropped)),
        "",
        f"Trust {best['title']} ({advice.best}; {_direction(best)} is better).",
        "",
        f"rank  {'measure':{width}}  better   agreement  90 % interval",
    ]
    lines += [
        f"{rank:>4}  {row['title'] + ' (' + row['measure'] + ')':{width}}  {_direction(row)}  "
        f"{row['agreement']:>9.2f}  {row['low']:.2f} to {row['high']:.2f}"
        for rank, row in rows.head(top).iterrows()
    ]
    if len(rows) > top:
        lines.append(f"      ... {len(rows) - top} more: --top {len(rows)}")
    lines += [
        "agreement: predicted Kendall tau between the order a measure gives to candidate partitions and the",
        f"consensus of {advice.assessors} assessors: 1 is the same order, 0 unrelated, below 0 misleading.",
        "",
        advice.explain().text,
        "",
        *(f"Caution: {caution}." for caution in advice.cautions),
        f"Model {advice.model}, learned from {advice.assessors} assessors"
        + (": agreement with real people was not measured." if advice.assessors == "simulated" else "."),
    ]
    return "\n".join(lines)


def reasons_table(advice: Recommendation, top: int = 30) -> str:
    """The features with the greatest effect on the recommended measure's place, a line each."""
    rows = advice.explain().to_frame().head(top)
    width = rows["feature"].str.len().max()
    lines = [f"{'effect':>8}  {'value':>10}  {'feature':{width}}  meaning"]
    lines += [
        f"{row['effect']:>+8.4f}  {'' if math.isnan(row['value']) else format(row['value'], '.4g'):>10}  "
        f"{row['feature']:{width}}  {row['meaning']}"
        for _, row in rows.iterrows()
    ]
    return "\n".join(lines)


def next_steps(advice: Recommendation, table: str, partitions: Path | None) -> str:
    """What to type next; table is the file with its options, as it was given on the command line."""
    labels = shlex.quote(str(partitions or "partitions.csv"))
    scale = advice.prepared.scale
    lines = ["Next: compare your partitions (a file with a row per point, a column per partition):"]
    lines.append(f"  gamac-meta evaluate {table} --labels {labels} --measures {advice.best}")
    if partitions is None:
        lines.append("Or ask for advice on just these partitions:")
        lines.append(f"  gamac-meta recommend {table} --partitions {labels}")
    lines += [
        "In Python:",
        f"  advice = gamac_meta.recommend_measure(X, partitions=partitions, scale={scale!r})",
        "  gamac_meta.evaluate(advice.prepared.data.X, partitions, [advice.best]).to_frame()",
    ]
    return "\n".join(lines)


def _direction(row: Any) -> str:
    return "greater" if row["greater_is_better"] else "smaller"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (", ..." if len(names) > 6 else "")
