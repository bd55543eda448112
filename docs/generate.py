"""Renews what the documentation takes from the code: `python docs/generate.py`.

docs/measures.md: every measure, with docs/elsewhere.toml. docs/model.md: the shipped model, from its card.
docs/recommendation.png: the README's picture, by the command in docs/cli.md.

docs/model.md also says how the model does where only base data sets are left out, which is not on the card:

    gamac-meta evaluate-model --corpus corpora/default --by base --out judgement.csv
    python docs/generate.py --by-base judgement.csv

keeps these figures in docs/by_base.json.
"""

import argparse
import inspect
import json
import math
import re
import tomllib
from pathlib import Path
from typing import Any

import rankers
from gamac_meta import MEASURES
from gamac_meta.cli import main
from gamac_meta.measures import Measure
from rankers.judgement import FIGURES, Judgement

HERE = Path(__file__).parent
BY_BASE = HERE / "by_base.json"


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
No value depends on the order of rows, not even in the last digit: points are sorted first.
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


MODEL = """\
# The shipped model

Model `{name} {version}`, trained {date} with LightGBM {lightgbm}, seed {seed}. Made by `docs/generate.py` from
`gamac_meta/models/default/card.json`; [CONTRIBUTING.md](../CONTRIBUTING.md) has the command that makes the model anew.

- **Data**: {datasets} data sets of {families} families in {groups} groups (hash `{hash}`): generated ones in two and
  more dimensions, with heavy noise too, and two-dimensional views of real tables ({tables}). {points} points, {columns}
  columns, {clusters} clusters. Outside the ranges of points and columns advice comes with a caution.
- **Assessors**: {kind}, {per_dataset} per data set. Nothing here was measured on people. Simulated assessors agree with
  one another as little as people did in a published study (`python benchmarks/assessors.py`); what they like is our
  guess: agreement with the generating labels, visible gaps, clean borders, compactness, few clusters. Borders and gaps
  are close relatives of the measures `neighbor_purity` and `spanning_tree_gap`, whose task is easier here than it would
  be with people.
- **Consensus**: {consensus}.
- **Inputs**: {features} of the 200 features of the data set (schema {schema}; those that do not change when a picture
  is turned), and how each of {measures} measures orders fixed cheap partitions of it (landmarks).
- **Learned measure**: scores one partition from its place among the landmarks by each measure, its likeness to each of
  them, its sizes, and the features of the data set. Half of the score was learned from the consensus on the candidates,
  half from agreement with the generating labels over whole pools.
- **Learned choice**: picks one of many (`AutoClusterer`). It learned to put the best of a pool first, whatever the
  order of the rest, and looks at values of measures and at borders, too, but not at features of the data set
  ([automl.md](automl.md)).
- **With candidates given**, the recommender looks for the measure that orders them as the learned measure does.
- **Trios**: measures are in {trios} threes that agree with people on the same data sets, and one of these comes first
  as a whole, so that the same three stay in front where points change a little ([robustness.md](robustness.md)).

Figures: means over data sets with the 95 % bootstrap interval over data sets in brackets; resampling whole groups,
which are alike inside, widens it two to four times (`gamac-meta evaluate-model` prints both). Five folds leave five
or six of the generator groups out whole. *Tau*: Kendall's, of the order of 15 candidates with the consensus;
*top-weighted* counts the top most. *Regret*: the adjusted Rand index with the generating labels that is lost by taking
the candidate put first, or the one put first in the whole pool of some 80 partitions.

- *Shuffled targets*: the same training on targets dealt at random to the partitions, judged by the true ones. The
  learned measure must fall to 0, a recommender to the random measure or below: trained on noise it settles on some
  measures for many data sets at once, and that is one draw of luck.
- *Best single measure*: for each figure, the best on the groups not left out. *Virtual best* knows the answer, and
  part of it is luck, as the same on shuffled orders shows.
- *One assessor with the others* is judged by the mean of the other assessors, everything else by that of all, which is
  steadier: it is a yardstick of how much people differ, not a rival.

[labelled.md](labelled.md) says how it does on labelled data that it never saw, [study.md](study.md) what other settings
give, [robustness.md](robustness.md) how stable the advice is.

| | tau | top-weighted tau | tau < 0 | regret | regret on the pool |
|---|---|---|---|---|---|
"""
COVERAGE = """
The 90 % interval of the recommended measure holds {points:.1%} of left-out data sets from X alone and {candidates:.1%}
with the candidates given; in the worst group {worst_points:.1%} and {worst_candidates:.1%}.
"""
STRUCTURE = """
**Structure or none**: the model also says how sure it is that data have clusters at all ([automl.md](automl.md)). Of
{structured} data sets with clusters that can be seen and {structureless} without any, each judged by what saw nothing
of its generator group: area under the curve {auc:.3f}, Brier score {brier:.3f}; none is claimed of {lost:.1%} of the
former (most in {worst}, {worst_lost:.0%}) and of {found:.1%} of the latter (fewest in {hidden}, {hidden_found:.0%}).
"""
BASE = """
## Base data sets left out

The same with families and real tables left out whole instead of generator groups ({datasets} data sets of {bases} base
data sets): the training then holds relatives of what is predicted, as it does for data like the corpus's.

| | tau | top-weighted tau | tau < 0 | regret | regret on the pool |
|---|---|---|---|---|---|
"""
TIME = """
## Time

Of building the corpus and of training alone, as `python benchmarks/corpus_build.py 12` and
`python benchmarks/corpus_build.py --train corpora/default` print it. Every data set is made by itself: twice as many
take twice as long, and as many processes as there are cores share them. `gamac-meta train` also validates, for which it
fits everything ten times more, to four fifths of the data sets.

```
plane
  all              1.362 CPU-s per data set
views
  all              0.850 CPU-s per data set
high_dimensional
  all              1.356 CPU-s per data set
noisy
  all              1.353 CPU-s per data set
borders
  all              1.503 CPU-s per data set
1340 data sets, {'plane': 1000, 'views': 160, 'high_dimensional': 80, 'noisy': 40, 'borders': 60}: 29.2 CPU-minutes
corpora/default, 1340 data sets, one process, no validation
  read and assemble    23.7 CPU-s
  fit everything       76.0 CPU-s
  all                  99.7 CPU-s, 100.5 s
```
"""
CONTENDERS = ("recommender", "learned measure")


def model_page() -> str:
    """The shipped model's card in words."""
    model = rankers.load()
    card = model.card
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
        tables=", ".join(corpus["tables"]),
        schema=card["schema_version"],
        trios=len(model.recommenders["points"].trios),
    )
    figures = card["figures"]
    page += _rows(figures)
    page += COVERAGE.format(
        **figures["coverage"], **{f"worst_{basis}": share for basis, share in figures["coverage_worst_group"].items()}
    )
    # a model may not have learned it
    if "structure" in figures:
        page += _structure(figures["structure"])
    by_base = json.loads(BY_BASE.read_text(encoding="utf-8"))
    return page + BASE.format(**by_base) + _rows(by_base["figures"]) + TIME


def _structure(figures: dict[str, Any]) -> str:
    lost, found = figures["lost_by_group"], figures["found_by_group"]
    worst, hidden = max(lost, key=lambda group: lost[group]), min(found, key=lambda group: found[group])
    return STRUCTURE.format(
        **{name: figures[name] for name in ("structured", "structureless", "auc", "brier", "lost", "found")},
        worst=worst.replace("_", " "),
        worst_lost=lost[worst],
        hidden=hidden.replace("_", " "),
        hidden_found=found[hidden],
    )


def _rows(figures: dict[str, dict[str, list[float]]]) -> str:
    """A line of a table for each contender, the best by tau first."""
    lines = []
    for name in sorted(figures["tau"], key=lambda name: -figures["tau"][name][0]):
        cells = [_cell(figures[figure].get(name), figure) for figure in FIGURES]
        shown = f"**{name}**" if name.startswith(CONTENDERS) and "shuffled" not in name else name
        lines.append(f"| {shown} | {' | '.join(cells)} |\n")
    return "".join(lines)


def keep_by_base(judged: Path) -> None:
    """Figures of `gamac-meta evaluate-model --by base`, from its table."""
    import pandas as pd

    frame = pd.read_csv(judged)
    overall = {figure: Judgement(frame, (), (), 0, "base").overall(figure) for figure in FIGURES}
    figures = {
        figure: {
            name: [round(x, 6) for x in interval] for name, interval in means.items() if not math.isnan(interval.mean)
        }
        for figure, means in overall.items()
    }
    kept = {"datasets": frame["dataset"].nunique(), "bases": frame["base"].nunique(), "figures": figures}
    BY_BASE.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")


def _cell(interval: list[float] | None, figure: str) -> str:
    if interval is None:
        return ""
    mean, low, high = interval
    return f"{mean:.1%}" if figure == "negative" else f"{mean:.3f} [{low:.3f}, {high:.3f}]"


def _escaped(text: str) -> str:
    return text.replace("*", "\\*")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--by-base", type=Path, metavar="CSV")
    options = parser.parse_args()
    if options.by_base:
        keep_by_base(options.by_base)
    (HERE / "measures.md").write_text(measures_page(), encoding="utf-8")
    (HERE / "model.md").write_text(model_page(), encoding="utf-8")
    table, picture = HERE.parent / "examples" / "penguins.csv", HERE / "recommendation.png"
    raise SystemExit(main(["recommend", str(table), "--scale", "standard", "--plot", str(picture)]))
