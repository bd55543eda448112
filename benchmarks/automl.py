"""Labels from a budget: AutoClusterer against simple answers and other tools, on labelled data.

    python benchmarks/automl.py labelled-2d.npz [--seconds 5 20 60] [--jobs 2] [--step 4] [--only NAME ...]
                                [--contenders ours,hdbscan-filled] [--peer-python clusteval=PYTHON]
                                [--out results.jsonl]

The archive holds NAME/X and NAME/labels (-1 is noise), of which at most 5000 points are taken; the
real tables of tables.py follow. Every contender gets the points as they are and the seconds
allowed, runs in a process of its own, and is killed with all that it started 10 s after half as
long again; its clock runs from the call to the labels. A peer runs by the interpreter that
--peer-python names, and only then. Results go to --out as they come; a rerun passes over what is
there.

Scored is what a tool delivers by default: the adjusted Rand index with the labels over the points
that are not noise by them, noise in the answer being one more cluster. A run without an answer
counts as 0, which is what one cluster of everything gets. Intervals are 95 % bootstraps over data
sets, digits and its subsets being one.
"""

import argparse
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from _automl_peers import CONTENDERS, PEERS
from sklearn.metrics import adjusted_rand_score
from tables import real
from tqdm import tqdm

from rankers.metrics import Interval, bootstrap_means

MOST_POINTS = 5000
OVERRUN = 1.1
GRACE = 10.0  # seconds, the start of the interpreter included
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
CHILD = Path(__file__).with_name("_automl_peers.py")


@dataclass(frozen=True, eq=False)
class Table:
    """Points (n, d) and reference labels (n,), -1 is noise; part: "2-D" or "tables"."""

    name: str
    part: str
    X: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Run:
    """One contender on one table, as a line of --out."""

    data: str
    part: str
    contender: str
    budget: float  # seconds allowed
    jobs: int
    state: Literal["ok", "failed", "killed"]
    seconds: float
    ari: float = 0.0
    clusters: int = 0
    noise: float = 0.0  # share of the points
    seen: int = 0  # partitions, the answer included
    best_seen: float = 0.0  # adjusted Rand of the best of them
    reason: str = ""


def tables(archive: Path) -> Iterator[Table]:
    """The archive's data sets by name, then the real tables, in an order of points that tells nothing."""
    with np.load(archive) as held:
        names = sorted({key.split("/")[0] for key in held})
        found = [("2-D", name, held[f"{name}/X"], held[f"{name}/labels"]) for name in names]
    found += [("tables", name, X, labels) for name, X, labels, _ in real()]
    for part, name, X, labels in found:
        rows = np.random.default_rng(0).permutation(len(X))[:MOST_POINTS]
        yield Table(name, part, X[rows].astype(np.float64), labels[rows].astype(np.int32))


def run(table: Table, contender: str, budget: float, jobs: int, python: str = sys.executable) -> Run:
    """Start the contender, wait for its answer or kill it, and score what it left."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        np.save(folder / "points.npy", table.X)
        began = time.monotonic()
        with (folder / "log").open("w") as log:
            child = subprocess.Popen(
                [python, CHILD, contender, str(budget), str(jobs), folder],
                cwd=folder,
                # threads that wait for each other by spinning are 20 times slower where a core is shared
                env=os.environ | dict.fromkeys(THREADS, str(jobs)) | {"OMP_WAIT_POLICY": "PASSIVE"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                code = child.wait(1.5 * budget + GRACE)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                # workers that outlive the child would take time from the next
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        took = time.monotonic() - began
        facts = (table.name, table.part, contender, budget, jobs)
        if code is None:
            return Run(*facts, "killed", took)
        if code != 0:
            said = (folder / "log").read_text(errors="replace").strip().splitlines() or [""]
            return Run(*facts, "failed", took, reason=f"status {code}: {said[-1]}")
        with np.load(folder / "answer.npz") as answer:
            partitions, seconds = answer["partitions"], float(answer["seconds"])
    known = table.labels >= 0
    scores = [float(adjusted_rand_score(table.labels[known], labels[known])) for labels in partitions]
    first = partitions[0]
    return Run(
        *facts,
        "ok",
        seconds,
        ari=scores[0],
        clusters=np.unique(first[first >= 0]).size,
        noise=float(np.mean(first < 0)),
        seen=len(scores),
        best_seen=max(scores),
    )


# ---- summary -----------------------------------------------------------------------------------


def mean(values: dict[str, float]) -> Interval:
    """Over data sets by name; those whose names begin with the same word are one."""
    return bootstrap_means(np.array(list(values.values()))[:, None], units=[name.split()[0] for name in values])[0]


def gained(ours: dict[str, float], others: dict[str, float]) -> Interval:
    """Ours minus others on the data sets that both have."""
    return mean({name: ours[name] - others[name] for name in ours if name in others})


def summary(runs: Iterable[Run]) -> str:
    """A line per contender, best first; then "ours" less every other; runs of one budget."""
    by: dict[str, list[Run]] = {}
    for each in runs:
        by.setdefault(each.contender, []).append(each)
    scores = {name: {each.data: each.ari for each in done} for name, done in by.items()}
    means = {name: mean(values) for name, values in scores.items()}
    lines = [
        f"{'':22s}{'sets':>5s}  {'ARI':22s}{'failed':>7s}{'killed':>7s}{'overrun':>8s}{'seconds':>8s}"
        "  best seen less answer"
    ]
    for name in sorted(by, key=lambda name: -means[name].mean):
        done = by[name]
        searched = {each.data: each.best_seen - each.ari for each in done if each.seen > 1}
        failed, killed = (sum(each.state == state for each in done) for state in ("failed", "killed"))
        overrun = np.mean([each.seconds > OVERRUN * each.budget for each in done])
        seconds = np.mean([each.seconds for each in done])
        lines.append(
            f"{name:22s}{len(done):5d}  {means[name]!s:22s}{failed:7d}{killed:7d}{overrun:8.0%}{seconds:8.1f}"
            + (f"  {mean(searched)}" if searched else "")
        )
    if "ours" in scores:
        lines += [
            f"  ours over {name}: {gained(scores['ours'], values)}"
            for name, values in scores.items()
            if name != "ours" and scores["ours"].keys() & values.keys()
        ]
    return "\n".join(lines)


def report(runs: list[Run]) -> str:
    """Summaries by budget and part, reasons of failures, and what the greater budgets gave ours."""
    sections = []
    budgets = sorted({each.budget for each in runs})
    for budget in budgets:
        allowed = [each for each in runs if each.budget == budget]
        for part in ("2-D", "tables", "all"):
            chosen = [each for each in allowed if part in (each.part, "all")]
            if chosen:
                sections.append(f"{part}, {budget:g} s a data set\n{summary(chosen)}")
    failures = sorted({f"  {each.contender}: {each.reason}" for each in runs if each.state == "failed"})
    if failures:
        sections.append("\n".join(["failures", *failures]))
    ours = {b: {each.data: each.ari for each in runs if (each.budget, each.contender) == (b, "ours")} for b in budgets}
    pairs = [(less, more) for less, more in itertools.pairwise(budgets) if ours[less].keys() & ours[more].keys()]
    sections += [f"ours at {more:g} s over {less:g} s: {gained(ours[more], ours[less])}" for less, more in pairs]
    return "\n\n".join(sections)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("archive", type=Path)
    parser.add_argument("--seconds", type=float, nargs="+", default=[20.0], help="allowed to each run")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="of data sets")
    parser.add_argument("--step", type=int, default=1, help="take every so many data sets")
    parser.add_argument("--contenders", help=f"comma-separated; {', '.join([*CONTENDERS, *PEERS])}")
    parser.add_argument("--peer-python", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--jobs", type=int, default=2, help="processes or threads of a contender")
    parser.add_argument("--out", type=Path, help="JSON lines; all that it holds is summed up")
    options = parser.parse_args()
    # ends like an interrupt, so that the contender ends too
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    pythons = dict(each.split("=", 1) for each in options.peer_python)
    contenders = options.contenders.split(",") if options.contenders else [*CONTENDERS, *pythons]
    found = list(tables(options.archive))
    for asked, known in (
        ({*contenders, *pythons}, {*CONTENDERS, *PEERS}),
        (set(options.only or ()), {table.name for table in found}),
    ):
        if asked - known:
            parser.error(f"unknown: {', '.join(sorted(asked - known))}; known: {', '.join(sorted(known))}")
    chosen = [table for table in found if not options.only or table.name in options.only][:: options.step]
    lines = options.out.read_text().splitlines() if options.out and options.out.exists() else []
    runs = [Run(**json.loads(line)) for line in lines]
    there = {(each.data, each.contender, each.budget, each.jobs) for each in runs}
    wanted = [
        (table, contender, budget, options.jobs)
        for table in chosen
        for budget in options.seconds
        for contender in contenders
        if (table.name, contender, budget, options.jobs) not in there
    ]
    with options.out.open("a") if options.out else contextlib.nullcontext() as out:
        for each in tqdm(wanted):
            runs.append(run(*each, pythons.get(each[1], sys.executable)))
            if out:
                print(json.dumps(asdict(runs[-1])), file=out, flush=True)
    print(report([each for each in runs if each.jobs == options.jobs]))


if __name__ == "__main__":
    main()
