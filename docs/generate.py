"""Renews what the documentation takes from the code: `python docs/generate.py`.

docs/measures.md: every measure, with docs/elsewhere.toml. docs/model.md: the shipped model, from its card.
docs/recommendation.png: the README's picture, by the command in docs/cli.md.
"""

import inspect
import re
import tomllib
from pathlib import Path

import rankers
from gamac_meta import MEASURES
from gamac_meta.cli import main
from gamac_meta.measures import Measure

HERE = Path(__file__).parent


COST_WORDS = {
    "linear": "O(nd)",
    "neighbors": "O(n log n) for near neighbors",
    "pairs": "O(n² d), all pairs of points",
    "sort": "O(n² log n), all pairs in order",
}
MEASURES_INTRO = """\
# Measures

The {count} measures, by the name that `evaluate` and the tables use. Made by `docs/generate.py` from the formulas'
own docstrings. Undefined values are NaN with a reason (`MeasureTable.reason`). *Scale* and *rotation*: whether the
value is unchanged when all coordinates are multiplied by one number, or turned. *Cost*: the dearest thing it needs.
Which of them rank given partitions alike is what `MeasureTable.plot()` shows.

| name | title | better | bounds | scale | rotation | cost | source |
|---|---|---|---|---|---|---|---|
"""
ELSEWHERE_INTRO = """
## Other packages

Where well-known packages return something else for a measure, it is said below the measure. What holds for all of a
package's measures, and how it was found out:

"""


def measures_page() -> str:
    """All measures: a table of their facts, then each with its formula and what other packages return instead."""
    elsewhere = tomllib.loads((HERE / "elsewhere.toml").read_text(encoding="utf-8"))
    page = MEASURES_INTRO.format(count=len(MEASURES))
    for name, measure in MEASURES.items():
        page += (
            f"| `{name}` | [{_escaped(measure.title)}](#{name}) | {_direction(measure)} | {_bounds(measure)} "
            f"| {'free' if measure.scale_free else 'depends'} | {'free' if measure.rotation_free else 'depends'} "
            f"| {measure.cost} | {measure.reference} |\n"
        )
    page += ELSEWHERE_INTRO
    for package, facts in elsewhere["packages"].items():
        page += f"- **{package}** ({facts['how']}). {facts['general']}\n"
    page += "\n## Formulas\n"
    for name, measure in MEASURES.items():
        page += (
            f'\n<a id="{name}"></a>\n\n### {_escaped(measure.title)}\n\n'
            f"{_markdown(inspect.getdoc(measure.formula) or '')}\n\n"
            f"`{name}`: {_direction(measure)} is better, {_bounds(measure)}. Cost: {COST_WORDS[measure.cost]}. "
            f"{measure.reference}.\n"
        )
        differences = elsewhere["measures"].get(name, {})
        if differences:
            page += "\n" + "".join(f"- *{package}*: {text}\n" for package, text in differences.items())
    return page


def _direction(measure: Measure) -> str:
    return "greater" if measure.greater_is_better else "smaller"


def _bounds(measure: Measure) -> str:
    return f"{measure.bounds[0]:g} to {measure.bounds[1]:g}"


def _markdown(docstring: str) -> str:
    """A docstring with its formulas as GitHub writes them."""
    blocks = []
    for block in docstring.split("\n\n"):
        if block.startswith(".. math::"):
            formula = block.removeprefix(".. math::").strip()
            blocks.append(f"```math\n{formula.replace(FORBIDDEN, ROMAN)}\n```")
        else:
            parts = re.split(r":math:`([^`]*)`", block)
            texts = [_escaped(part) if place % 2 == 0 else f"$`{part}`$" for place, part in enumerate(parts)]
            blocks.append("".join(texts).replace("``", "`"))
    return "\n\n".join(blocks)


# GitHub refuses the macro
FORBIDDEN, ROMAN = r"\operatorname", r"\mathrm"


BASES = {"points": "From X alone", "candidates": "With the candidates given"}
MODEL = """\
# The shipped model

Model `{name} {version}`, trained {date} with LightGBM {lightgbm}, seed {seed}. Made by `docs/generate.py` from
`gamac_meta/models/default/card.json`; [CONTRIBUTING.md](../CONTRIBUTING.md) has the command that makes the model anew.

- **Data**: {datasets} generated data sets of {families} families in {groups} groups (hash `{hash}`):
  {points} points, {columns} columns, {clusters} clusters. Outside the ranges of points and columns advice comes with
  a caution.
- **Assessors**: {kind}, {per_dataset} per data set. Nothing here was measured on people. Simulated assessors agree with
  one another as little as people did in a published study (`python benchmarks/assessors.py`); what they like is our
  guess: agreement with the generating labels, visible gaps, clean borders, compactness, few clusters. Borders and gaps
  are close relatives of the measures `neighbor_purity` and `spanning_tree_gap`, whose task is easier here than it would
  be with people.
- **Consensus**: {consensus}.
- **Inputs**: {features} features of the data set (schema {schema}), and how each of {measures} measures orders fixed
  cheap partitions of it (landmarks) and, if given, the candidates.

Figures below: mean Kendall tau with the consensus and, in brackets, the 95 % bootstrap interval over data sets; each
generator group is left out in turn. *Shuffled targets* is the same training on targets dealt at random to the measures:
it must not beat the random measure. *Virtual best* knows the answer, and part of it is luck.
"""
FIGURES = """
Best single measure in most folds: `{best_single}`. The 90 % interval of the recommended measure holds
{interval_coverage:.1%} of left-out data sets, {interval_coverage_worst_group:.1%} in the worst group.
"""


def model_page() -> str:
    """The shipped model's card in words."""
    card = rankers.load().card
    corpus, assessors = card["corpus"], card["assessors"]
    page = MODEL.format(
        **{name: card[name] for name in ("name", "version", "date", "seed", "consensus")},
        **{name: corpus[name] for name in ("datasets", "families", "hash")},
        **{what: " to ".join(map(str, dict.fromkeys(ends))) for what, ends in corpus["ranges"].items()},
        groups=len(corpus["groups"]),
        lightgbm=card["lightgbm"]["version"],
        kind=assessors["kind"],
        per_dataset=assessors["per_dataset"][-1],
        features=len(card["features"]),
        measures=len(card["measures"]),
        schema=card["schema_version"],
    )
    for basis, title in BASES.items():
        figures = card["figures"][basis]
        page += f"\n## {title}\n\n| method | tau | top-1 regret |\n|---|---|---|\n"
        for method, (mean, low, high) in sorted(figures["tau"].items(), key=lambda item: -item[1][0]):
            regret = f"{figures['regret'][method] + 0.0:.3f}" if method in figures["regret"] else ""
            words = figures["methods"].get(method, f"**{method}**")
            page += f"| {words} | {mean:.3f} [{low:.3f}, {high:.3f}] | {regret} |\n"
        page += FIGURES.format(**figures)
    return page


def _escaped(text: str) -> str:
    return text.replace("*", "\\*")


if __name__ == "__main__":
    (HERE / "measures.md").write_text(measures_page(), encoding="utf-8")
    (HERE / "model.md").write_text(model_page(), encoding="utf-8")
    table, picture = HERE.parent / "examples" / "penguins.csv", HERE / "recommendation.png"
    raise SystemExit(main(["recommend", str(table), "--scale", "standard", "--plot", str(picture)]))
