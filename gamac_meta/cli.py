"""The command line: parse, call one public function, print. Heavy packages load inside the commands."""

from __future__ import annotations

import argparse
import errno
import json
import os
import shlex
import shutil
import sys
import warnings
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from gamac_meta import assess
from gamac_meta.arguments import PROGRAM, Parser, add_command, jobs, names, natural, positive, seconds, weight
from gamac_meta.exceptions import GamacMetaError, InvalidInputError, ModelError, PromotionRefusedError

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from corpus.store import CorpusStore, Entry

SCALES = ("common", "standard", "minmax", "none")
PERSON_WEIGHT = 25.0
IMAGES = (".png", ".pdf", ".svg")
# What doctor looks for: the distributions of the core, then those of each extra
EXTRAS = {
    "core": (
        *("numpy", "scipy", "scikit-learn", "pandas", "pyarrow", "lightgbm", "numba", "sqlalchemy", "alembic"),
        "matplotlib",
    ),
    "postgresql": ("psycopg",),
    "gpu": ("cupy-cuda13x",),
    "gpu-cuml": ("cuml-cu13",),
    "deep": ("torch",),
    "automl": ("optuna",),
    "dist": ("dask", "distributed"),
    "studio": ("fastapi", "itsdangerous", "jinja2", "limits", "python-multipart", "uvicorn"),
    "mlops": ("mlflow-skinny",),
    "pymfe": ("pymfe",),
    "corpus": ("umap-learn", "bokeh-sampledata"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; 0 is success, 2 a refused input, 130 an interrupt."""
    with warnings.catch_warnings():
        warnings.simplefilter("once", UserWarning)
        warnings.showwarning = _warn
        try:
            arguments = build_parser().parse_args(argv)
            status = int(arguments.run(arguments) or 0)
            sys.stdout.flush()
        except GamacMetaError as error:
            return _fail(str(error))
        except KeyboardInterrupt:
            print(f"{PROGRAM}: interrupted", file=sys.stderr)
            return 130
        except BrokenPipeError:
            _discard_output()
            return 128 + 13  # what a shell reports for a reader that left
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                _discard_output()
                return _fail("no room on the disk to write the output")
            return _fail(f"{error.filename or 'output'}: {error.strerror or error}")
        except MemoryError:
            return _fail("not enough memory for data of this size")
        return status


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = Parser(
        prog=PROGRAM,
        description="Which clustering quality measure (CVI) to trust for your data. FILE is CSV, TSV, Parquet, NPY, "
        "NPZ or ARFF.",
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {metadata.version(PROGRAM)}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = add_command(commands, "recommend", recommend, "rank the measures for a table")
    _add_table(command, scale="common")
    command.add_argument(
        "--partitions", metavar="FILE", type=Path, help="candidates to be compared: a row per point, a column for each"
    )
    command.add_argument("--model", metavar="DIR", type=Path, help="a trained model (default: the shipped one)")
    command.add_argument("--top", metavar="N", type=positive, default=10, help="measures to print (default: 10)")
    command.add_argument("--json", action="store_true", help="print all measures as JSON")
    command.add_argument("--plot", metavar="OUT", type=Path, help="also draw a chart: .png, .pdf or .svg")
    command.add_argument("--explain", action="store_true", help="print the features behind the advice as a table")

    command = add_command(commands, "evaluate", evaluate, "the values of the measures on given partitions")
    _add_table(command, scale="none")
    command.add_argument(
        "--labels", metavar="FILE", type=Path, required=True, help="a row per point, a column per partition"
    )
    command.add_argument("--measures", metavar="A,B", type=names, help="measures to compute (default: all)")
    command.add_argument("--noise", choices=("drop", "nearest", "cluster"), default="drop", help="what label -1 means")
    command.add_argument(
        "--time-limit",
        metavar="S",
        type=seconds,
        default=120.0,
        help="estimate beyond so long, or none (default: 120)",
    )
    command.add_argument("--seed", metavar="N", type=natural, default=0, help="of the samples (default: 0)")
    command.add_argument("--out", metavar="OUT", type=Path, help="also write it: .csv, .tsv, .parquet or .html")
    command.add_argument("--plot", metavar="OUT", type=Path, help="also draw the ranks: .png, .pdf or .svg")

    command = add_command(commands, "score", score, "how good given partitions are, by the learned measure or another")
    _add_table(command, scale="common")
    command.add_argument(
        "--labels", metavar="FILE", type=Path, required=True, help="a row per point, a column per partition"
    )
    command.add_argument("--by", metavar="A", default="learned", help="learned (default), recommended or a measure")
    command.add_argument("--model", metavar="DIR", type=Path, help="model directory (default: the shipped model)")
    command.add_argument("--out", metavar="OUT", type=Path, help="also write it: .csv, .tsv or .parquet")

    command = add_command(commands, "cluster", cluster, "search for the partition that people would choose")
    _add_table(command, scale="auto")
    command.add_argument(
        "--budget", metavar="S", type=seconds, default=60.0, help="seconds, or none with --trials (default: 60)"
    )
    command.add_argument("--trials", metavar="N", type=positive, help="fits to try at most, beside the landmarks")
    command.add_argument(
        "--measure", metavar="A,B", type=names, default=["auto"],
        help="what is maximized: auto (default), learned, recommended, a measure, or several whose ranks are averaged",
    )  # fmt: skip
    command.add_argument(
        "--noise", choices=("fill", "keep"), default="fill", help="give noise to the nearest cluster (default), or not"
    )
    command.add_argument("--jobs", metavar="N", type=jobs, default=1, help="processes, -1 for all cores (default: 1)")
    command.add_argument("--seed", metavar="N", type=natural, default=0, help="default: 0")
    command.add_argument("--model", metavar="DIR", type=Path, help="model directory (default: the shipped model)")
    command.add_argument("--journal", metavar="FILE", type=Path, help="where the search is kept, and goes on from")
    command.add_argument("--out", metavar="OUT", type=Path, help="the labels: .csv, .tsv or .parquet, a row per point")
    command.add_argument("--report", metavar="OUT", type=Path, help="a page about the answer and the search: .html")

    corpus = commands.add_parser("corpus", help="build, look at and export training data", description="Training data.")
    parts = corpus.add_subparsers(title="commands", metavar="COMMAND", required=True)

    command = add_command(parts, "build", corpus_build, "generate, partition, measure and order data sets; resumable")
    command.add_argument("--datasets", metavar="N", type=positive, required=True, help="generated in two dimensions")
    command.add_argument("--views", metavar="N", type=natural, default=0, help="and views of real tables (default: 0)")
    command.add_argument(
        "--high-dimensional", metavar="N", type=natural, default=0, help="and generated in 3 to 64 (default: 0)"
    )
    command.add_argument("--noisy", metavar="N", type=natural, default=0, help="and under heavy noise (default: 0)")
    command.add_argument("--borders", metavar="N", type=natural, default=0, help="and with faint borders (default: 0)")
    command.add_argument("--overlaps", metavar="N", type=natural, default=0, help="and overlapping clouds (default: 0)")
    command.add_argument("--out", metavar="DIR", type=Path, required=True, help="directory of the corpus")
    command.add_argument("--seed", metavar="N", type=natural, default=0, help="default: 0")
    command.add_argument("--jobs", metavar="N", type=jobs, default=1, help="processes, -1 for all cores (default: 1)")
    command.add_argument("--assessors", metavar="N", type=positive, default=5, help="simulated assessors (default: 5)")
    command.add_argument("--db", metavar="URL", help="database of the orders (default: SQLite in DIR)")

    command = add_command(parts, "show", corpus_show, "summary and a picture of every family")
    command.add_argument("corpus", metavar="DIR", type=Path)
    command.add_argument("--out", metavar="OUT", type=Path, help="the picture: .png, .pdf or .svg")
    command.add_argument("--db", metavar="URL", help="database of the orders, if it was built with one")

    command = add_command(parts, "export", corpus_export, "all measure tables as one file")
    command.add_argument("corpus", metavar="DIR", type=Path)
    command.add_argument("--out", metavar="OUT", type=Path, required=True, help=".parquet, .csv or .tsv")

    command = add_command(commands, "train", train, "train and validate a model on a corpus")
    command.add_argument("--corpus", metavar="DIR", type=Path, required=True, help="made by corpus build")
    _add_orders(command)
    command.add_argument("--out", metavar="DIR", type=Path, help="where to write the model (default: only validate)")
    command.add_argument(
        "--force", action="store_true", help="put it in the place of the model in --out, better or worse"
    )
    command.add_argument("--seed", metavar="N", type=natural, default=0, help="default: 0")
    command.add_argument("--jobs", metavar="N", type=jobs, default=1, help="processes, -1 for all cores (default: 1)")

    command = add_command(
        commands, "evaluate-model", evaluate_model, "judge what train makes of a corpus, out of sample"
    )
    command.add_argument("--corpus", metavar="DIR", type=Path, required=True, help="made by corpus build")
    _add_orders(command)
    command.add_argument("--by", choices=("group", "base"), default="group", help="what is left out whole")
    command.add_argument("--shuffles", metavar="N", type=positive, default=1, help="noise controls (default: 1)")
    command.add_argument("--out", metavar="OUT", type=Path, help="also write it: .html, or .csv, .tsv, .parquet")
    command.add_argument("--seed", metavar="N", type=natural, default=0, help="default: 0")
    command.add_argument("--jobs", metavar="N", type=jobs, default=1, help="processes, -1 for all cores (default: 1)")

    command = add_command(commands, "compare", compare, "two models on a corpus that neither learned from")
    command.add_argument("former", metavar="FORMER", type=Path, help="model directory")
    command.add_argument("new", metavar="NEW", type=Path, help="model directory")
    command.add_argument("--corpus", metavar="DIR", type=Path, required=True, help="made by corpus build")
    _add_orders(command)
    command.add_argument("--out", metavar="OUT", type=Path, help="also write it: .csv, .tsv or .parquet")
    command.add_argument("--seed", metavar="N", type=natural, default=0, help="default: 0")
    command.add_argument("--jobs", metavar="N", type=jobs, default=1, help="processes, -1 for all cores (default: 1)")

    assess.add_commands(commands)

    add_command(commands, "doctor", doctor, "what is installed, which backend is used, which model is shipped")
    return parser


def recommend(arguments: argparse.Namespace) -> None:
    """gamac-meta recommend FILE"""
    from gamac_meta.advice import as_record, as_text, next_steps, reasons_table
    from gamac_meta.recommend import recommend_measure

    if arguments.plot:
        _require_suffix(arguments.plot, IMAGES)
    frame, scale = _read(arguments)
    partitions = None
    if arguments.partitions:
        from gamac_meta.files import read_labels

        partitions = read_labels(arguments.partitions, len(frame))
    _announce_compilation()
    advice = recommend_measure(frame, partitions=partitions, model=arguments.model, scale=scale)
    if arguments.plot:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(8, 1.2 + 0.34 * min(12, len(advice.measures))), layout="constrained")
        advice.plot(ax=figure.subplots()).set_title(f"{arguments.file.name}: which measure to trust", loc="left")
        _save_figure(figure, arguments.plot)
    if arguments.json:
        print(json.dumps(as_record(advice), indent=1, allow_nan=False))
        return
    print(f"{arguments.file}: {as_text(advice, arguments.top)}")
    if arguments.explain:
        print(f"\n{reasons_table(advice)}")
    print(f"\n{next_steps(advice, _table_options(arguments), arguments.partitions)}")


def evaluate(arguments: argparse.Namespace) -> None:
    """gamac-meta evaluate FILE --labels FILE"""
    from gamac_meta.files import WRITERS, read_labels, replacing, write_table
    from gamac_meta.inputs import prepare
    from gamac_meta.measures import evaluate as evaluate_partitions
    from gamac_meta.rendering import as_page, as_text

    if arguments.out:
        _require_suffix(arguments.out, tuple(WRITERS))
    if arguments.plot:
        _require_suffix(arguments.plot, IMAGES)
    frame, scale = _read(arguments)
    labels = read_labels(arguments.labels, len(frame))
    X = frame if scale is None else prepare(frame, scale).data.X
    if arguments.measures is None:
        _announce_compilation()
    table = evaluate_partitions(
        X,
        labels,
        arguments.measures,
        noise=arguments.noise,
        time_limit=arguments.time_limit,
        random_state=arguments.seed,
    )
    if arguments.out and arguments.out.suffix.lower() == ".html":
        with replacing(arguments.out) as file:
            file.write(as_page(table, f"Measures of {arguments.labels.name} on {arguments.file.name}").encode())
    elif arguments.out:
        write_table(table.to_frame(), arguments.out)
    if arguments.plot:
        from matplotlib import pyplot as plt

        figure = cast("Figure", table.plot().figure)
        _save_figure(figure, arguments.plot)
        plt.close(figure)
    print(as_text(table, shutil.get_terminal_size((120, 24)).columns))


def score(arguments: argparse.Namespace) -> None:
    """gamac-meta score FILE --labels FILE"""
    import pandas as pd

    from gamac_meta.files import WRITERS, read_labels, write_table
    from gamac_meta.inputs import as_partitions
    from gamac_meta.scoring import PartitionScorer

    if arguments.out:
        _require_suffix(arguments.out, tuple(WRITERS))
    frame, scale = _read(arguments)
    partitions = as_partitions(read_labels(arguments.labels, len(frame)), len(frame))
    _announce_compilation()
    scorer = PartitionScorer(frame, arguments.by, model=arguments.model, scale=scale)
    table = pd.DataFrame(
        {
            "partition": partitions.makers,
            "score": scorer.score(partitions),
            "clusters": partitions.n_clusters,
            "noise": partitions.noise_share,
        }
    )
    table = table.sort_values("score", ascending=False, kind="stable")
    if arguments.out:
        write_table(table.set_index("partition"), arguments.out)
    print(f"{arguments.labels.name} on {arguments.file.name}, best first, by {scorer.title}")
    print(table.to_string(index=False, float_format="%.3f", na_rep="-"))


def cluster(arguments: argparse.Namespace) -> int:
    """gamac-meta cluster FILE"""
    import pandas as pd

    from gamac_meta.automl._account import summary_text
    from gamac_meta.automl._report import report_html
    from gamac_meta.automl.estimator import AutoClusterer
    from gamac_meta.files import replacing, write_table

    if arguments.out:
        _require_suffix(arguments.out, (".csv", ".tsv", ".parquet"))
    if arguments.report:
        _require_suffix(arguments.report, (".html",))
    frame, scale = _read(arguments)
    _announce_compilation()
    found = AutoClusterer(
        arguments.measure[0] if len(arguments.measure) == 1 else arguments.measure,
        time_budget=arguments.budget,
        n_trials=arguments.trials,
        n_jobs=arguments.jobs,
        random_state=arguments.seed,
        scale=scale,
        noise=arguments.noise,
        model=arguments.model,
        journal=arguments.journal,
        verbose=True,
    ).fit(frame)
    is_interrupted = "the search ended because it was interrupted" in found.notices_
    if is_interrupted:
        print(f"{PROGRAM}: interrupted; this is the best so far", file=sys.stderr, flush=True)
    if arguments.out:
        write_table(pd.DataFrame({"cluster": found.labels_, "was_noise": found.noise_mask_}), arguments.out)
    account = found.account(arguments.file.name)
    if arguments.report:
        with replacing(arguments.report) as file:
            file.write(report_html(account).encode())
    print(summary_text(account, shutil.get_terminal_size((120, 24)).columns))
    for path in (arguments.out, arguments.report):
        if path:
            print(f"wrote {path}")
    return 130 if is_interrupted else 0


def corpus_build(arguments: argparse.Namespace) -> None:
    """gamac-meta corpus build"""
    from corpus.build import build

    _announce_compilation()
    summary = build(
        arguments.out,
        datasets=arguments.datasets,
        seed=arguments.seed,
        n_jobs=arguments.jobs,
        assessors=arguments.assessors,
        progress=True,
        url=arguments.db,
        views=arguments.views,
        high_dimensional=arguments.high_dimensional,
        noisy=arguments.noisy,
        borders=arguments.borders,
        overlaps=arguments.overlaps,
    )
    print(summary)
    print(f"next: {PROGRAM} corpus show {arguments.out} --out sheet.png")
    print(f"      {PROGRAM} train --corpus {arguments.out} --out model")


def corpus_show(arguments: argparse.Namespace) -> None:
    """gamac-meta corpus show DIR"""
    from corpus.store import CorpusStore

    if arguments.out:
        _require_suffix(arguments.out, IMAGES)
    with CorpusStore(arguments.corpus, arguments.db) as store:
        summary = store.summary()
        print(summary)
        print("families:", ", ".join(f"{name} {count}" for name, count in sorted(summary.families.items())))
        if arguments.out:
            _draw_families(store, len(summary.families), arguments.out)


def corpus_export(arguments: argparse.Namespace) -> None:
    """gamac-meta corpus export DIR"""
    from corpus.store import CorpusStore
    from gamac_meta.files import WRITERS, write_table

    _require_suffix(arguments.out, tuple(WRITERS))
    with CorpusStore(arguments.corpus) as store:
        frame = store.to_frame()
    if frame.empty:
        raise InvalidInputError(f"a corpus must hold data sets to be exported, got none in {arguments.corpus}")
    write_table(frame, arguments.out)
    print(f"wrote {arguments.out}")


def train(arguments: argparse.Namespace) -> None:
    """gamac-meta train --corpus DIR"""
    from rankers.training import train as train_ranker

    _announce_compilation()
    try:
        trained = train_ranker(
            arguments.corpus,
            orders=arguments.orders,
            person_weight=arguments.person_weight,
            out=arguments.out,
            force=arguments.force,
            seed=arguments.seed,
            n_jobs=arguments.jobs,
            progress=True,
        )
    except PromotionRefusedError as error:
        if error.report:
            print(error.report)
        raise
    print(trained.report())
    if trained.directory:
        print(f"\nwrote {trained.directory}; use it: {PROGRAM} recommend FILE --model {trained.directory}")


def evaluate_model(arguments: argparse.Namespace) -> None:
    """gamac-meta evaluate-model --corpus DIR"""
    from gamac_meta.files import WRITERS, replacing, write_table
    from rankers.training import evaluate_pipeline

    if arguments.out:
        _require_suffix(arguments.out, tuple(WRITERS))
    _announce_compilation()
    assembled, _, judgement = evaluate_pipeline(
        arguments.corpus,
        orders=arguments.orders,
        person_weight=arguments.person_weight,
        by=arguments.by,
        shuffles=arguments.shuffles,
        seed=arguments.seed,
        n_jobs=arguments.jobs,
        progress=True,
    )
    if arguments.out and arguments.out.suffix.lower() == ".html":
        with replacing(arguments.out) as file:
            file.write(judgement.to_html(assembled.kind).encode())
    elif arguments.out:
        write_table(judgement.frame, arguments.out)
    print(judgement.report(assembled.kind))


def compare(arguments: argparse.Namespace) -> None:
    """gamac-meta compare FORMER NEW --corpus DIR"""
    from gamac_meta.files import write_table
    from rankers.comparison import compare_models

    if arguments.out:
        _require_suffix(arguments.out, (".csv", ".tsv", ".parquet"))
    _announce_compilation()
    comparison = compare_models(
        arguments.former,
        arguments.new,
        arguments.corpus,
        orders=arguments.orders,
        person_weight=arguments.person_weight,
        seed=arguments.seed,
        n_jobs=arguments.jobs,
        progress=True,
    )
    if arguments.out:
        write_table(comparison.to_frame(), arguments.out)
    print(comparison.report())


def doctor(arguments: argparse.Namespace) -> int:
    """gamac-meta doctor"""
    del arguments
    from gamac_meta.backend import gpu_status

    print(f"{PROGRAM} {metadata.version(PROGRAM)}, Python {sys.version.split()[0]} on {sys.platform}")
    for extra, distributions in EXTRAS.items():
        print(f"{extra:12}", ", ".join(map(_installed, distributions)))
    available, why = gpu_status()
    print("backend      numpy;", f"a GPU answers ({why}), taken for many points" if available else f"no GPU: {why}")
    try:
        from rankers import load

        card = load().card
    except ModelError as error:
        print(f"model        none: {error}")
        return 2
    corpus, assessors = card["corpus"], card["assessors"]
    print(
        f"model        {card['name']} {card['version']}, {len(card['measures'])} measures, trained on "
        f"{corpus['datasets']} data sets of {corpus['families']} families, "
        f"{'-'.join(map(str, sorted(set(assessors['per_dataset']))))} {assessors['kind']} assessors each"
    )
    figures = card["figures"]
    for name, (mean, low, high) in sorted(figures["tau"].items(), key=lambda item: -item[1][0]):
        print(f"             {mean:.3f} [{low:.3f}, {high:.3f}]  {name}")
    print(f"             {figures['what']}")
    return 0


def _add_orders(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--orders", metavar="URL", help="orders of people, beside those that the corpus itself keeps")
    parser.add_argument(
        "--person-weight",
        metavar="W",
        type=weight,
        default=PERSON_WEIGHT,
        help=f"simulated assessors that one person outweighs (default: {PERSON_WEIGHT:g})",
    )


def _add_table(parser: argparse.ArgumentParser, scale: str) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="the points: a row each, numeric columns")
    parser.add_argument(
        "--scale",
        choices=("auto", *SCALES) if scale == "auto" else SCALES,
        default=scale,
        help=f"how columns are scaled (default: {scale})",
    )
    parser.add_argument("--columns", metavar="A,B", type=names, help="use only these columns")
    parser.add_argument("--drop", metavar="A,B", type=names, help="leave these columns out")


def _read(arguments: argparse.Namespace) -> tuple[pd.DataFrame, str | None]:
    from gamac_meta.files import read_table, select_columns

    frame = select_columns(read_table(arguments.file), arguments.columns, arguments.drop)
    return frame, None if arguments.scale == "none" else arguments.scale


def _announce_compilation() -> None:
    """Say why the first command on a machine takes its time, as benchmarks/first_call.py measures it."""
    from gamac_meta._kernels.compiler import nothing_kept
    from gamac_meta._kernels.pairs import fold_rows

    if nothing_kept(fold_rows):
        print(f"{PROGRAM}: compiling kernels, once on this machine: about 25 seconds", file=sys.stderr, flush=True)


def _table_options(arguments: argparse.Namespace) -> str:
    """The table and its options again, to be pasted into the next command."""
    parts = [str(arguments.file)]
    for option in ("columns", "drop"):
        if vars(arguments)[option]:
            parts += [f"--{option}", ",".join(vars(arguments)[option])]
    return shlex.join([*parts, "--scale", arguments.scale])


def _draw_families(store: CorpusStore, families: int, path: Path) -> None:
    from gamac_meta.plots import contact_sheet

    first: dict[str, Entry] = {}
    for entry in store.entries(orders=False):
        first.setdefault(entry.family, entry)
        if len(first) == families:
            break
    shown = [first[family] for family in sorted(first)]
    titles = [
        f"{entry.family if entry.base == entry.family else f'{entry.family}: {entry.base}'}\n"
        f"n = {entry.data.n}, {f'd = {entry.data.d}, ' if entry.data.d > 2 else ''}"
        f"k = {len(set(entry.truth.tolist()) - {-1})}"
        for entry in shown
    ]
    points, truths = [entry.picture for entry in shown], [entry.truth for entry in shown]
    _save_figure(contact_sheet(points, truths, titles, columns=6 if len(shown) <= 30 else 10), path)


def _save_figure(figure: Figure, path: Path) -> None:
    from gamac_meta.files import replacing

    with replacing(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)


def _require_suffix(path: Path, known: tuple[str, ...]) -> None:
    # before anything is computed
    if path.suffix.lower() not in known:
        raise InvalidInputError(f"the output must end in one of {', '.join(known)}, got {str(path)!r}")
    if not path.absolute().parent.is_dir():
        raise InvalidInputError(f"the output's directory must exist, got {str(path)!r}")


def _installed(name: str) -> str:
    try:
        return f"{name} {metadata.version(name)}"
    except metadata.PackageNotFoundError:
        return f"{name} not installed"


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    print(f"{PROGRAM}: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _fail(message: str) -> int:
    print(f"{PROGRAM}: error: {' '.join(message.split())}", file=sys.stderr)
    return 2


def _discard_output() -> None:
    # the interpreter flushes once more at exit, and would print a traceback
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
