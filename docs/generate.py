"""Renews what the documentation takes from the code: `python docs/generate.py`.

docs/measures.md: every measure. docs/recommendation.png: the README's picture, by the command in docs/cli.md.
"""

from pathlib import Path

from gamac_meta import MEASURES
from gamac_meta.cli import main

HERE = Path(__file__).parent


def measures_page() -> str:
    """All measures as a Markdown table, from their own facts."""
    lines = [
        "# Measures",
        "",
        f"The {len(MEASURES)} measures, by the name that `evaluate` and the tables use. Made by `docs/generate.py`.",
        "Undefined values are NaN with a reason (`MeasureTable.reason`). *Scale* and *rotation*: whether the value is",
        "unchanged when all coordinates are multiplied by one number, or turned. *Cost*: the dearest thing it needs.",
        "",
        "| name | title | better | bounds | scale | rotation | cost | source |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| `{name}` | {_escaped(measure.title)} | {'greater' if measure.greater_is_better else 'smaller'} "
        f"| {measure.bounds[0]:g} to {measure.bounds[1]:g} | {'free' if measure.scale_free else 'depends'} "
        f"| {'free' if measure.rotation_free else 'depends'} | {measure.cost} | {measure.reference} |"
        for name, measure in MEASURES.items()
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    return text.replace("*", "\\*")


if __name__ == "__main__":
    (HERE / "measures.md").write_text(measures_page(), encoding="utf-8")
    table, picture = HERE.parent / "examples" / "penguins.csv", HERE / "recommendation.png"
    raise SystemExit(main(["recommend", str(table), "--scale", "standard", "--plot", str(picture)]))
