"""What each choice in the rankers rests on: every variant beside the default, on groups that neither has seen.

    python benchmarks/study.py corpora/default --out docs/study.md

writes the page and, beside it, the picture of the learning curves. Each result is kept in the corpus's folder
study, so an interrupted run goes on where it stopped; --only TITLE ... computes some sections, for two processes
at once. Delete the folder to begin anew after changes of the code.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from textwrap import fill
from typing import NamedTuple

import numpy as np
from _study import (
    CHOICE_BLOCKS,
    CLEAR_PAIRS,
    FEATURE_BLOCKS,
    FEATURES,
    FOLDS,
    KINDS,
    PAIR_BLOCKS,
    PARTITION_BLOCKS,
    ChoiceSettings,
    LearnedSettings,
    Material,
    RecommenderSettings,
    Settings,
    Tried,
    attempt,
    gather,
    splits,
)
from tqdm import tqdm

from gamac_meta import __version__
from gamac_meta.files import replacing
from gamac_meta.types import Floats
from rankers._lightgbm import SETTINGS
from rankers.metrics import Interval, bootstrap_mean, bootstrap_means

FOLDER = "study"
DEFAULT = "default"
SIZES = (80, 160, 320, 640)
STEP = 3  # every third data set of a corpus of 1280 tells the variants apart at a third of the cost


class Row(NamedTuple):
    """One variant, or a default."""

    title: str
    settings: Settings
    tested: str = "all"  # one of KINDS


@dataclass(frozen=True)
class Section:
    """Variants of one choice; the first row is what the others are compared with, unless a row has its own."""

    title: str
    text: str
    rows: tuple[Row, ...]
    step: int = STEP  # every step-th data set of the corpus
    pairs: tuple[tuple[int, int], ...] = ()  # rows and what each is compared with, where that is not the first

    def rival(self, place: int) -> int | None:
        """The row that a row is compared with."""
        if self.pairs:
            return dict(self.pairs).get(place)
        return None if place == 0 else 0


LEARNED = LearnedSettings()
CHOICE = ChoiceSettings()
POINTS = RecommenderSettings()
CANDIDATES = RecommenderSettings(basis="candidates")


def _without(names: Sequence[str], *gone: str) -> tuple[str, ...]:
    return tuple(name for name in names if name not in gone)


def _section(title: str, text: str, base: Settings, variants: Mapping[str, Settings], step: int = STEP) -> Section:
    rows = (Row(DEFAULT, base), *(Row(name, settings) for name, settings in variants.items()))
    return Section(title, text, rows, step)


def _tested(title: str, text: str, trials: Sequence[tuple[str, Settings, Settings]]) -> Section:
    """Each trial: on what it is tested, the variant, and what it is compared with."""
    rows: list[Row] = []
    pairs = []
    for tested, variant, base in trials:
        rows += [
            Row(f"taught on {base.taught}, tested on {tested}", base, tested),
            Row(f"taught on {variant.taught}, tested on {tested}", variant, tested),
        ]
        pairs.append((len(rows) - 1, len(rows) - 2))
    return Section(title, text, tuple(rows), pairs=tuple(pairs))


def _trees(base: Settings, **parameters: float) -> Settings:
    return replace(base, parameters=tuple(parameters.items()))


def _by_base(taught: str) -> Settings:
    return LearnedSettings(taught=taught, by="base")


_COLLECTIONS = ("views", "high-dimensional", "heavy noise")
CURVES = ("Learned measure: size of the corpus", "Recommender: size of the corpus")

SECTIONS: tuple[Section, ...] = (
    _section(
        "Learned measure: noise",
        "The default with other seeds: what these rows differ by is luck. The last one averages the scores of three.",
        LEARNED,
        {f"seed {seed}": LearnedSettings(seeds=(seed,)) for seed in (1, 2)}
        | {"mean of 3 seeds": LearnedSettings(seeds=(0, 1, 2))},
    ),
    _section(
        "Learned measure: target",
        "Two heads are averaged: one learns where the consensus puts candidates, the other how far partitions of the "
        "pool agree with the generating labels. *Amounts*: mean ranks and indices themselves instead of ranks of "
        "them, so that what the assessors hardly told apart lies close together. *Weighted by accord*: a data set "
        "counts as much as its assessors agree (Kendall's W). *Clear pairs*: logistic loss over pairs of partitions, "
        "each weighted by how far the two are apart.",
        LEARNED,
        {
            "consensus only": LearnedSettings(heads=("consensus",)),
            "labels only": LearnedSettings(heads=("labels",)),
            "amounts": LearnedSettings(amounts=True),
            "consensus weighted by accord": LearnedSettings(accord=True),
            "clear pairs": LearnedSettings(objective=CLEAR_PAIRS, amounts=True),
        },
    ),
    _section(
        "Learned measure: objective",
        "The default is least squares. *Huber*: beyond .1 the loss grows linearly. Ranking objectives see whole grades "
        "of the target, a data set being a query.",
        LEARNED,
        {"huber": replace(_trees(LEARNED, alpha=0.1), objective="huber")}
        | {name: LearnedSettings(objective=name) for name in ("regression_l1", "lambdarank", "rank_xendcg")}
        | {"clear pairs, of ranks": LearnedSettings(objective=CLEAR_PAIRS)},
    ),
    _section(
        "Learned measure: features",
        "*Places*: where each measure puts a partition among the landmarks. *Facts*: number and sizes of clusters. "
        "*Likeness*: to each landmark. The other four are the blocks of meta-features, which say nothing of one "
        "partition against another by themselves. Further, places never allowed to lower the score.",
        LEARNED,
        {f"without {block}": LearnedSettings(kept=_without(PARTITION_BLOCKS, block)) for block in PARTITION_BLOCKS}
        | {
            "without any meta-features": LearnedSettings(kept=_without(PARTITION_BLOCKS, *FEATURE_BLOCKS)),
            "places alone": LearnedSettings(kept=("places",)),
            "likeness alone": LearnedSettings(kept=("likeness",)),
            "facts alone": LearnedSettings(kept=("facts",)),
            "increasing in places": LearnedSettings(increasing=True),
        },
    ),
    _section(
        "Learned measure: measures and assessors",
        "Fewer measures to place partitions by; fewer assessors in the consensus that is learned from (the test is "
        "always the consensus of all).",
        LEARNED,
        {
            "29 reference measures": LearnedSettings(measures="reference"),
            "reference and classics": LearnedSettings(measures="reference and classics"),
            "1 assessor": LearnedSettings(assessors=1),
            "5 assessors": LearnedSettings(assessors=5),
        },
    ),
    _section(
        "Learned measure: trees",
        f"Partitions of each pool that the labels head learns from (default {LEARNED.pool_rows}), rounds (default "
        f"{LEARNED.rounds}), leaves (default {SETTINGS['learned']['num_leaves']}).",
        LEARNED,
        {f"{rows} rows of each pool": LearnedSettings(pool_rows=rows) for rows in (20, 80)}
        | {f"{rounds} rounds": LearnedSettings(rounds=rounds) for rounds in (150, 600)}
        | {f"{leaves} leaves": _trees(LEARNED, num_leaves=leaves) for leaves in (7, 31)},
    ),
    _section(
        "Learned choice",
        "The head that learned to put the best of a pool first; every second data set. *Values*: of the measures "
        "themselves. *Borders*: what is seen where clusters meet, and inside them; a weaker border never raises the "
        "score, unless it says *unsigned*. The default does not look at features of the data set.",
        CHOICE,
        {f"seed {seed}": ChoiceSettings(seed=seed) for seed in (1, 2)}
        | {f"without {block}": ChoiceSettings(kept=_without(CHOICE_BLOCKS, block)) for block in CHOICE_BLOCKS}
        | {
            "without borders and values": ChoiceSettings(kept=_without(CHOICE_BLOCKS, "borders", "values")),
            f"with {FEATURES}": ChoiceSettings(kept=(*CHOICE_BLOCKS, FEATURES)),
            "borders unsigned": ChoiceSettings(signed=False),
            "15 leaves": _trees(CHOICE, num_leaves=15),
            "300 rounds": _trees(CHOICE, rounds=300),
        },
        step=2,
    ),
    _section(
        "Recommender from X: noise",
        "The default with other seeds, of the learned measure too.",
        POINTS,
        {f"seed {seed}": RecommenderSettings(seed=seed) for seed in (1, 2)},
    ),
    _section(
        "Recommender from X: objective",
        "The default is LambdaRank on 16 grades, .05 of tau each, with linear gain and no truncation. *Coarse*: 6 "
        "grades of .1; *doubling*: the same with gains 1, 3, 7, ...; *wide*: 31 of .05.",
        POINTS,
        {
            "rank_xendcg": RecommenderSettings(objective="rank_xendcg"),
            "regression of tau": RecommenderSettings(objective="regression", rounds=SETTINGS["agreement"]["rounds"]),
        }
        | {f"{name} grades": RecommenderSettings(grading=name) for name in ("coarse", "doubling", "wide")}
        | {"140 rounds": RecommenderSettings(rounds=140)},
    ),
    _section(
        "Recommender from X: features",
        "*Own facts* of a measure: direction and cost. *Orders of landmarks*: how it orders them, by likeness to other "
        "measures and by what it puts first. *Learned measure*: likeness of that order to the learned measure's. "
        "*Turned*: all 200 meta-features, with those that change when the picture is turned.",
        POINTS,
        {f"without {block}": RecommenderSettings(kept=_without(PAIR_BLOCKS, block)) for block in PAIR_BLOCKS}
        | {
            "without any meta-features": RecommenderSettings(kept=_without(PAIR_BLOCKS, *FEATURE_BLOCKS)),
            "without all of each measure but its name": RecommenderSettings(kept=("identity", *FEATURE_BLOCKS)),
            "turned": RecommenderSettings(turned=True),
            "29 reference measures": RecommenderSettings(measures="reference"),
        },
    ),
    _section(
        "Recommender, candidates given",
        "The default looks at how far a measure orders landmarks and candidates as the learned measure does.",
        CANDIDATES,
        {
            "seed 1": replace(CANDIDATES, seed=1),
            "seed 2": replace(CANDIDATES, seed=2),
            "the measure most like the learned one": replace(CANDIDATES, objective="none"),
            "with orders of landmarks": replace(CANDIDATES, basis="both"),
            "without any meta-features": replace(CANDIDATES, kept=_without(PAIR_BLOCKS, *FEATURE_BLOCKS)),
            "regression of tau": replace(CANDIDATES, objective="regression", rounds=SETTINGS["agreement"]["rounds"]),
        },
    ),
    _section(
        CURVES[0],
        "Learned from so many data sets drawn at random from the whole corpus, tested on the same ones.",
        LEARNED,
        {f"{size} data sets": LearnedSettings(size=size) for size in SIZES},
        step=1,
    ),
    _section(
        CURVES[1],
        "The same for the recommender from X, from the third of the corpus.",
        POINTS,
        {f"{size} data sets": RecommenderSettings(size=size) for size in SIZES[:2]},
    ),
    _tested(
        "Learned measure: which data sets teach",
        "Base data sets are left out and resampled here instead of groups, since all views are one group: with groups "
        "left out, none of them would teach in any row. Each second row lacks one collection, and is tested on it.",
        [(name, _by_base(f"all but {name}"), _by_base("all")) for name in _COLLECTIONS]
        + [("plane", _by_base("plane"), _by_base("all"))],
    ),
    _tested(
        "Learned measure: numbers of clusters, schemes of candidates",
        "Taught on sets of at most 10 clusters, tested on more than 30; taught on candidates of one scheme, tested on "
        "each. A scheme's sets are half of all, so that both rows on schemes learn from equally many.",
        [
            ("k > 30", LearnedSettings(taught="k <= 10"), LEARNED),
            ("diverse", LearnedSettings(taught="random"), LearnedSettings(taught="diverse")),
            ("random", LearnedSettings(taught="diverse"), LearnedSettings(taught="random")),
        ],
    ),
)


class Result(NamedTuple):
    """A row as it is printed."""

    row: Row
    datasets: int
    tau: Interval  # data sets resampled
    regret: Interval
    gain: Interval | None  # in tau, paired with what it is compared with; whole groups (or bases) resampled
    loss: Interval | None  # in regret


class Noise(NamedTuple):
    """The largest differences that another seed made."""

    gain: float
    loss: float


class Study:
    """Computes rows, and keeps what was computed."""

    def __init__(self, directory: Path, whole: Material) -> None:
        self.folder = directory / FOLDER
        self.part = cache(whole.part)
        self.seconds: dict[str, float] = {}  # CPU, by result

    def tried(self, settings: Settings, step: int) -> Tried:
        """What came of a variant, from the folder if it is there."""
        material = self.part(step)
        parts = (__version__, settings, SETTINGS, FOLDS, step, material.corpus_hash, material.columns)
        path = self.folder / f"{blake2b(repr(parts).encode(), digest_size=12).hexdigest()}.npz"
        if not path.exists():
            self.folder.mkdir(exist_ok=True)
            start = time.process_time()
            found = attempt(material, settings)
            with replacing(path) as beside:
                np.savez_compressed(beside, **found._asdict(), seconds=time.process_time() - start)
        with np.load(path, allow_pickle=False) as arrays:
            self.seconds[path.name] = float(arrays["seconds"])
            return Tried(arrays["tau"], arrays["regret"])

    def results(self, section: Section, progress: bool = True) -> list[Result]:
        """All rows of a section."""
        rows = tqdm(section.rows, desc=section.title, disable=not progress)
        tried = [self.tried(row.settings, section.step) for row in rows]
        material = self.part(section.step)
        results = []
        for place, row in enumerate(section.rows):
            tested = np.array([KINDS[row.tested](facts) for facts in material.facts])
            # what is left out whole is resampled whole
            units = np.array([getattr(case, row.settings.by) for case in material.cases])[tested].tolist()
            rival = section.rival(place)
            gain = loss = None
            if rival is not None:
                gain, loss = (
                    bootstrap_means((mine - other)[tested][:, None], units=units)[0]
                    for mine, other in zip(tried[place], tried[rival], strict=True)
                )
            tau, regret = (_known_mean(values[tested]) for values in tried[place])
            results.append(Result(row, int(tested.sum()), tau, regret, gain, loss))
        return results


def _known_mean(values: Floats) -> Interval:
    return bootstrap_mean(values[~np.isnan(values)])


def noise_of(results: Mapping[str, Sequence[Result]]) -> dict[str, Noise]:
    """What other seeds made, by kind of ranker."""
    noise: dict[str, Noise] = {}
    for found in results.values():
        for result in found:
            if result.row.title.startswith("seed ") and result.gain is not None and result.loss is not None:
                kind = _kind(result.row.settings)
                known = noise.get(kind, Noise(0.0, 0.0))
                changes = (abs(result.gain.mean), abs(result.loss.mean))
                noise[kind] = Noise(*map(max, known, changes))
    return noise


def _kind(settings: Settings) -> str:
    kinds = {LearnedSettings: "learned measure", ChoiceSettings: "learned choice", RecommenderSettings: "recommender"}
    return kinds[type(settings)]


def finding(results: Sequence[Result], noise: Mapping[str, Noise]) -> str:
    """What the rows support, in words."""
    gains: dict[str, list[str]] = {"Better": [], "Worse": []}
    losses: dict[str, list[str]] = {"Less regret": [], "More regret": []}
    alike = []
    for result in results:
        if result.gain is None or result.loss is None:
            continue
        luck = noise.get(_kind(result.row.settings), Noise(0.0, 0.0))
        better, less = _direction(result.gain, luck.gain), -_direction(result.loss, luck.loss)
        for direction, interval, found in ((better, result.gain, gains), (less, result.loss, losses)):
            if direction:
                found[list(found)[direction < 0]].append(f"{result.row.title} ({interval.mean:+.3f})")
        if not better and not less:
            alike.append(result.row.title)
    said = {**gains, **losses, "Not told apart": alike}
    return " ".join(f"{words}: {'; '.join(found)}." for words, found in said.items() if found)


def _direction(interval: Interval, luck: float) -> int:
    """1 or -1 where the interval excludes zero and the mean exceeds luck, else 0."""
    if abs(interval.mean) <= luck or interval.low <= 0.0 <= interval.high:
        return 0
    return 1 if interval.mean > 0 else -1


def page(results: Mapping[str, Sequence[Result]], material: Material, seconds: float, picture: str) -> str:
    """The whole page."""
    noise = noise_of(results)
    luck = ", ".join(f"{luck.gain:.3f} and {luck.loss:.3f} ({kind})" for kind, luck in noise.items())
    lines = [
        "# What each choice rests on",
        "",
        _filled(
            f"Made by `python benchmarks/study.py corpora/default --out docs/study.md`; nothing here is typed by hand. "
            f"Corpus {material.corpus_hash[:12]}, {len(material.cases)} data sets, targets of {material.kind} "
            f"assessors; {seconds / 60.0:.0f} CPU-minutes."
        ),
        "",
        _filled(
            f"One data set in {STEP} ({len(material.part(STEP).cases)}) is used, evenly over groups and schemes of "
            f"candidates, and predicted by what was fitted without its generator group ({FOLDS} folds of whole "
            "groups). What departs from that says so. The figures are to be compared with each other; the shipped "
            "model learns from more."
        ),
        "",
        _filled(
            "*Tau*: Kendall's with the consensus, mean over data sets and 95 % bootstrap interval. *Gain*: paired "
            "difference to the default, or to the row above where data sets are chosen, with whole groups resampled. "
            "*Regret*: adjusted Rand index with the generating labels that is lost by taking what is put first of the "
            "whole pool; *more regret* is a loss. Rows are told apart from what they are compared with where the "
            "interval of the difference excludes zero, and it is larger than the largest that another seed made, in "
            f"tau and in regret: {luck}. Of so many rows about one in twenty passes the interval by luck alone."
        ),
        "",
    ]
    for section in SECTIONS:
        if section.title in results:
            lines += [f"## {section.title}", "", _filled(section.text), "", *_table(results[section.title]), ""]
            lines += [_filled(finding(results[section.title], noise)), ""]
            if section.title == CURVES[-1]:
                lines += [f"![Tau against the number of data sets learned from]({picture})", ""]
    return "\n".join(lines)


def _filled(text: str) -> str:
    return fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _table(results: Sequence[Result]) -> list[str]:
    lines = ["| | data sets | tau | gain | regret on the pool | more regret |", "|---|---|---|---|---|---|"]
    for result in results:
        gain, loss = ("" if each is None else _interval(each) for each in (result.gain, result.loss))
        lines.append(f"| {result.row.title} | {result.datasets} | {result.tau} | {gain} | {result.regret} | {loss} |")
    return lines


def _interval(interval: Interval) -> str:
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def curve(results: Sequence[Result], material: Material) -> tuple[Floats, Floats]:
    """Numbers of data sets learned from (s,), and mean tau with the ends of its interval (s, 3); ascending."""
    sizes = [float(np.mean([seen.size for _, seen in splits(material, result.row.settings)])) for result in results]
    order = np.argsort(sizes)
    return np.array(sizes)[order], np.array([results[place].tau for place in order])


def draw(curves: Mapping[str, tuple[Floats, Floats]], path: Path) -> None:
    """The learning curves as a picture."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    from gamac_meta.plots import OKABE_ITO

    figure, ax = plt.subplots(figsize=(6.0, 3.6), layout="constrained")
    for color, (title, (sizes, taus)) in zip(OKABE_ITO, curves.items(), strict=False):
        ax.plot(sizes, taus[:, 0], "o-", color=color, label=title.partition(":")[0])
        ax.fill_between(sizes, taus[:, 1], taus[:, 2], color=color, alpha=0.15, linewidth=0.0)
    ax.set_xscale("log")
    ticks = max((sizes for sizes, _ in curves.values()), key=len)
    ax.set_xticks(ticks, [f"{tick:.0f}" for tick in ticks])
    ax.minorticks_off()
    ax.set(xlabel="data sets learned from", ylabel="tau with the consensus")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--out", type=Path, help="where the page goes; printed without it")
    parser.add_argument("--only", nargs="+", default=None, metavar="TITLE", help="beginnings of titles of sections")
    options = parser.parse_args()
    whole = gather(options.corpus)
    study = Study(options.corpus, whole)
    chosen = [section for section in SECTIONS if options.only is None or section.title.startswith(tuple(options.only))]
    results = {section.title: study.results(section) for section in chosen}
    out = options.out or Path("study.md")
    picture = out.with_name(f"{out.stem}_curves.png")
    text = page(results, whole, sum(study.seconds.values()), picture.name)
    if options.out is None:
        print(text)
        return
    out.write_text(text, encoding="utf-8")
    steps = {section.title: section.step for section in SECTIONS}
    curves = {title: curve(results[title], study.part(steps[title])) for title in CURVES if title in results}
    if curves:
        draw(curves, picture)


if __name__ == "__main__":
    main()
