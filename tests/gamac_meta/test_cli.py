import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from planted import planted_model
from sklearn.datasets import make_blobs
from sklearn.metrics import adjusted_rand_score

import gamac_meta.recommend
from gamac_meta import MEASURES, cli, evaluate, score_partitions
from gamac_meta._kernels import compiler
from gamac_meta.exceptions import ModelError, PromotionRefusedError
from gamac_meta.files import read_table
from gamac_meta.inputs import prepare
from gamac_meta.recommend import Explanation, Recommendation
from gamac_meta.types import MeasureTable
from rankers.mixing import PERSON_WEIGHT
from rankers.persistence import save

EXAMPLES = Path(__file__).parents[2] / "examples"
PENGUINS = str(EXAMPLES / "penguins.csv")
SPECIES = str(EXAMPLES / "penguins-species.csv")
RUN = [sys.executable, "-m", "gamac_meta.cli"]


def refused(capsys, *argv):
    """The one line that a refused command prints."""
    try:
        status = cli.main([str(part) for part in argv])
    except SystemExit as error:
        status = error.code
    out, err = capsys.readouterr()
    assert status == 2
    assert out == ""
    assert err.startswith("gamac-meta: error: ")
    assert err.count("\n") == 1
    return err


class StubAdvice(Recommendation):
    """Advice without a model: what the command prints is tested here, not what a ranker learned."""

    def explain(self, measure=None):
        return Explanation(measure or self.best, ("measure",), np.array([np.nan]), np.array([0.25]))


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """The line about compilation is as on a machine that has run a command before."""
    monkeypatch.setattr(compiler, "nothing_kept", lambda _: False)


@pytest.fixture
def stub(monkeypatch):
    """recommend_measure ranks by name and keeps its arguments."""
    calls = {}

    def recommend_measure(X, **options):
        calls.update(options, X=X)
        names = tuple(MEASURES)
        agreement = np.linspace(0.5, -0.5, len(names))
        prepared = prepare(X, options["scale"])
        nothing = np.zeros(0)
        return StubAdvice(
            names, agreement, agreement, agreement - 0.1, agreement + 0.1, "stub 7", "simulated", (), prepared, None,
            nothing, nothing,
        )  # fmt: skip

    monkeypatch.setattr(gamac_meta.recommend, "recommend_measure", recommend_measure)
    return calls


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The directory of a model with a planted rule."""
    return str(save(planted_model(), tmp_path_factory.mktemp("cli") / "model"))


def test_recommend_with_a_model_of_ones_own(model, capsys, tmp_path):
    out = tmp_path / "out.png"
    argv = ["recommend", PENGUINS, "--scale", "standard", "--model", model, "--explain", "--plot", str(out)]
    assert cli.main(argv) == 0
    printed, err = capsys.readouterr()
    assert "Model planted 1" in printed
    assert "how it does on data sets in general" in printed
    assert "Caution: 4 columns, the model learned from data sets of 2" in printed
    assert out.stat().st_size > 10_000
    assert err == ""


def test_recommend_prints_data_ranking_reasons_model_and_next_step(stub, capsys):
    assert cli.main(["recommend", PENGUINS, "--scale", "standard", "--top", "3"]) == 0
    out = capsys.readouterr().out
    names = list(MEASURES)
    for words in (
        "342 points, 4 columns (bill_length_mm",
        "scale standard",
        f"({names[0]};",
        "0.40 to 0.60",
        "Why ",
        "Model stub 7, learned from simulated assessors: agreement with real people was not measured",
        f"gamac-meta evaluate {PENGUINS} --scale standard --labels partitions.csv --measures {names[0]}",
    ):
        assert words in out
    for rank, name in enumerate(names[:3], start=1):
        assert any(line.startswith(f"{rank:>4}  ") and f"({name})" in line for line in out.splitlines())
    if len(names) > 3:
        assert f"{len(names) - 3} more: --top {len(names)}" in out


def test_the_next_step_runs_as_printed(stub, capsys, tmp_path):
    labels = tmp_path / "my labels.csv"
    labels.write_bytes(Path(SPECIES).read_bytes())
    table = tmp_path / "my table.csv"
    table.write_bytes(Path(PENGUINS).read_bytes())
    assert cli.main(["recommend", str(table), "--drop", "body_mass_g", "--partitions", str(labels)]) == 0
    command = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("  gamac-meta evaluate"))
    assert cli.main(shlex.split(command)[1:]) == 0
    assert next(iter(MEASURES)) in capsys.readouterr().out


def test_options_reach_the_library(stub, tmp_path):
    argv = ["recommend", PENGUINS, "--columns", "body_mass_g,bill_depth_mm", "--scale", "none", "--model", "m"]
    argv += ["--partitions", SPECIES]
    assert cli.main(argv) == 0
    assert list(stub["X"].columns) == ["body_mass_g", "bill_depth_mm"]
    assert stub["scale"] is None
    assert stub["model"] == Path("m")
    assert stub["partitions"]["species"].value_counts().tolist() == [151, 123, 68]


def test_json_holds_every_measure_and_no_nan(stub, capsys):
    assert cli.main(["recommend", PENGUINS, "--scale", "standard", "--json"]) == 0
    record = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert record["best"] == record["measures"][0]["measure"] == next(iter(MEASURES))
    assert len(record["measures"]) == len(MEASURES)
    assert record["assessors"] == "simulated"
    assert record["data"] == {
        "points": 342,
        "columns": ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"],
        "dropped": [],
        "scale": "standard",
    }
    assert record["reasons"][0]["value"] is None


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_plot_is_written(stub, tmp_path, suffix, magic):
    out = tmp_path / f"out.{suffix}"
    assert cli.main(["recommend", PENGUINS, "--scale", "standard", "--plot", str(out)]) == 0
    assert out.read_bytes().startswith(magic)


def test_warnings_are_one_line_each_on_standard_error(stub, capsys):
    assert cli.main(["recommend", PENGUINS]) == 0
    err = capsys.readouterr().err
    assert err.startswith("gamac-meta: warning: columns differ 429-fold in spread")
    assert err.count("\n") == 1


def test_the_first_command_on_a_machine_says_that_kernels_are_compiled(stub, capsys, monkeypatch):
    argv = ["recommend", PENGUINS, "--scale", "standard"]
    assert cli.main(argv) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(compiler, "nothing_kept", lambda _: True)
    assert cli.main(argv) == 0
    err = capsys.readouterr().err
    assert err.startswith("gamac-meta: compiling kernels, once on this machine: about ")
    assert err.count("\n") == 1


def test_machine_code_is_kept_once_a_kernel_has_run(tmp_path):
    program = (
        "import numpy as np\n"
        "from gamac_meta._kernels import compiler, extremes, pairs\n"
        "print(compiler.nothing_kept(pairs.fold_rows))\n"
        "extremes.distances_to(np.zeros((3, 2)), np.arange(3), np.zeros(2), np.zeros(3))\n"
        "print(compiler.nothing_kept(pairs.fold_rows))\n"
    )
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["True", "False"], done.stderr


def test_outputs_are_checked_before_anything_is_computed(stub, capsys, tmp_path):
    assert "must end in one of .png, .pdf, .svg" in refused(capsys, "recommend", PENGUINS, "--plot", "out.jpg")
    missing = tmp_path / "none" / "out.png"
    assert "directory must exist" in refused(capsys, "recommend", PENGUINS, "--plot", missing)
    assert "X" not in stub


def test_evaluate_prints_what_the_library_computes(capsys):
    assert cli.main(["evaluate", PENGUINS, "--labels", SPECIES, "--scale", "standard", "--measures", "silhouette"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("silhouette"))
    frame = pd.read_csv(PENGUINS)
    from sklearn.metrics import silhouette_score

    expected = silhouette_score((frame - frame.mean()) / frame.std(ddof=0), pd.read_csv(SPECIES)["species"])
    assert line.split() == ["silhouette", "greater", f"{expected:.4g}"]


def test_score_puts_the_best_partition_first(two_partitions, model, capsys, tmp_path):
    out = tmp_path / "scores.csv"
    argv = ["score", PENGUINS, "--labels", two_partitions, "--scale", "standard", "--model", model, "--out", str(out)]
    assert cli.main(argv) == 0
    printed = capsys.readouterr().out
    expected = score_partitions(pd.read_csv(PENGUINS), pd.read_csv(two_partitions), scale="standard", model=model)
    written = pd.read_csv(out, index_col="partition")["score"]
    assert written.tolist() == pytest.approx(sorted(expected, reverse=True))
    assert "by the learned measure of model planted 1" in printed
    assert printed.splitlines()[2].split()[0] == written.index[0]


def test_score_by_a_named_measure(two_partitions, capsys):
    assert cli.main(["score", PENGUINS, "--labels", two_partitions, "--by", "davies_bouldin"]) == 0
    assert "by Davies-Bouldin (davies_bouldin)" in capsys.readouterr().out


def test_evaluate_does_not_rescale_unless_told(capsys):
    assert cli.main(["evaluate", PENGUINS, "--labels", SPECIES, "--measures", "silhouette"]) == 0
    frame = pd.read_csv(PENGUINS)
    from sklearn.metrics import silhouette_score

    assert f"{silhouette_score(frame, pd.read_csv(SPECIES)['species']):.4g}" in capsys.readouterr().out


def test_evaluate_compares_partitions_and_says_why_a_value_is_undefined(capsys, tmp_path):
    labels = pd.DataFrame({"species": pd.read_csv(SPECIES)["species"].astype("category").cat.codes, "one": 0})
    labels.to_csv(tmp_path / "labels.csv", index=False)
    out = tmp_path / "table.csv"
    argv = ["evaluate", PENGUINS, "--labels", str(tmp_path / "labels.csv"), "--measures", "silhouette"]
    assert cli.main([*argv, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "undefined: silhouette on one: the partition has one cluster" in printed
    assert next(line for line in printed.splitlines() if line.startswith("silhouette")).split()[-2:] == ["-", "species"]
    written = pd.read_csv(out, index_col="partition")
    assert written.columns.tolist() == ["silhouette"]
    assert written["silhouette"].isna().tolist() == [False, True]


@pytest.fixture
def two_partitions(tmp_path):
    """A file of two partitions of the penguins, one of them with a name that is markup."""
    species = pd.read_csv(SPECIES)["species"].astype("category").cat.codes
    path = tmp_path / "labels.csv"
    pd.DataFrame({"species": species, "<i>adelie & rest": np.minimum(species, 1)}).to_csv(path, index=False)
    return str(path)


def test_evaluate_marks_the_best_partition_by_each_measure(two_partitions, capsys):
    argv = ["evaluate", PENGUINS, "--labels", two_partitions, "--measures", "silhouette,davies_bouldin"]
    assert cli.main(argv) == 0
    table = evaluate(pd.read_csv(PENGUINS), pd.read_csv(two_partitions), ["silhouette", "davies_bouldin"])
    printed = capsys.readouterr().out
    for column, name in enumerate(table.measures):
        line = next(line for line in printed.splitlines() if line.startswith(name))
        best = table.ranks()[:, column].argmin()
        assert f"{table.values[best, column]:.4g}*" in line
        assert line.endswith(table.makers[best])
        assert line.count("*") == 1


@pytest.mark.parametrize("columns", ["70", "250"])
def test_evaluate_keeps_to_the_width_of_the_terminal(two_partitions, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    assert cli.main(["evaluate", PENGUINS, "--labels", two_partitions, "--scale", "standard"]) == 0
    table = capsys.readouterr().out.split("\n*")[0]
    assert max(map(len, table.splitlines())) <= int(columns)


def test_evaluate_marks_estimates_where_time_is_short(tmp_path, capsys):
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1], 2600)
    points, partition = tmp_path / "points.npy", tmp_path / "labels.npy"
    np.save(points, rng.normal(size=(5200, 2)) + 4.0 * labels[:, None])
    np.save(partition, labels)
    argv = ["evaluate", str(points), "--labels", str(partition), "--measures", "calinski_harabasz,silhouette"]
    assert cli.main([*argv, "--time-limit", "none"]) == 0
    exact = capsys.readouterr().out.splitlines()
    assert cli.main([*argv, "--time-limit", "0.001", "--seed", "1"]) == 0
    estimated = capsys.readouterr().out.splitlines()
    assert estimated[1].split() == exact[1].split()  # what is linear in n is exact always
    assert estimated[2].split()[:2] == exact[2].split()[:2]
    value = estimated[2].split()[2]
    assert value.startswith("~")
    assert float(value[1:]) == pytest.approx(float(exact[2].split()[2]), rel=0.1)
    assert estimated[3].startswith("~ estimate: silhouette: means over ")


def test_evaluate_writes_a_page_of_its_own(two_partitions, tmp_path, capsys):
    out = tmp_path / "table.html"
    argv = ["evaluate", PENGUINS, "--labels", two_partitions, "--scale", "standard", "--out", str(out)]
    assert cli.main(argv) == 0
    capsys.readouterr()
    page = out.read_text()
    assert page.startswith("<!DOCTYPE html>")
    assert "&lt;i&gt;adelie &amp; rest" in page
    assert "<i>" not in page
    for name in MEASURES:
        assert f">{name}<" in page


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_evaluate_writes_the_values_as_a_table(two_partitions, tmp_path, suffix):
    out = tmp_path / f"table.{suffix}"
    argv = ["evaluate", PENGUINS, "--labels", two_partitions, "--measures", "silhouette,s_dbw", "--out", str(out)]
    assert cli.main(argv) == 0
    frame = pd.read_parquet(out) if suffix == "parquet" else read_table(out).set_index("partition")
    expected = evaluate(pd.read_csv(PENGUINS), pd.read_csv(two_partitions), ["silhouette", "s_dbw"])
    assert frame.index.tolist() == list(expected.makers)
    assert frame.to_numpy() == pytest.approx(expected.values)


def test_evaluate_draws_the_ranks(two_partitions, tmp_path):
    out = tmp_path / "ranks.png"
    argv = ["evaluate", PENGUINS, "--labels", two_partitions, "--scale", "standard", "--plot", str(out)]
    plt.close("all")
    assert cli.main(argv) == 0
    assert out.read_bytes().startswith(b"\x89PNG")
    assert plt.get_fignums() == []


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["recommend", "nowhere.csv"], "a table must be an existing file, got 'nowhere.csv'"),
        (["recommend", PENGUINS, "--drop", "island"], "columns must be among 'bill_length_mm', "),
        (["recommend", PENGUINS, "--columns", ","], "must be names separated by commas"),
        (["recommend", PENGUINS, "--top", "0"], "must be a whole number >= 1, got '0'"),
        (["recommend", PENGUINS, "--scale", "robust"], "invalid choice: 'robust'"),
        (["recommend", SPECIES], "X must be numeric, got 1 non-numeric column(s): 'species'"),
        (["evaluate", PENGUINS, "--labels", SPECIES, "--measures", "silhuete"], "did you mean 'silhouette'"),
        (["evaluate", PENGUINS, "--labels", SPECIES, "--out", "x.xlsx"], "must end in one of .csv"),
        (["evaluate", PENGUINS, "--labels", SPECIES, "--plot", "x.jpg"], "must end in one of .png, .pdf, .svg"),
        (["evaluate", PENGUINS, "--labels", "no.csv"], "a table must be an existing file, got 'no.csv'"),
        (["evaluate", PENGUINS, "--labels", SPECIES, "--time-limit", "0"], "must be seconds, more than 0, or none"),
        (["evaluate", PENGUINS, "--labels", SPECIES, "--time-limit", "soon"], "must be seconds, more than 0, or none"),
        (["recomend"], "invalid choice: 'recomend'"),
        ([], "COMMAND"),
    ],
)
def test_refused_input_is_one_line(stub, capsys, argv, message):
    assert message in refused(capsys, *argv)


def test_a_broken_model_is_one_line(capsys, tmp_path):
    (tmp_path / "card.json").write_text("{")
    argv = ["recommend", PENGUINS, "--scale", "standard", "--model", tmp_path]
    assert "card.json is damaged" in refused(capsys, *argv)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("cli") / "corpus"
    argv = ["corpus", "build", "--datasets", "1", "--high-dimensional", "1", "--assessors", "2"]
    assert cli.main([*argv, "--out", str(directory)]) == 0
    return directory


def test_corpus_show_counts_families_and_draws_them(corpus, capsys, tmp_path):
    out = tmp_path / "sheet.png"
    assert cli.main(["corpus", "show", str(corpus), "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "2 of 2 data sets, seed 0" in printed
    assert "1 data generated in two dimensions, 1 data generated in 3 to 64 dimensions" in printed
    assert "orders: 4 simulated, 0 of people" in printed
    assert out.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("suffix", [".parquet", ".csv"])
def test_corpus_export_has_a_row_for_each_candidate(corpus, tmp_path, suffix):
    out = tmp_path / f"tables{suffix}"
    assert cli.main(["corpus", "export", str(corpus), "--out", str(out)]) == 0
    frame = read_table(out)
    assert frame["dataset"].value_counts().tolist() == [15, 15]
    assert set(MEASURES) < set(frame.columns)


def test_a_build_with_another_seed_is_refused(corpus, capsys):
    argv = ["corpus", "build", "--datasets", "2", "--assessors", "2", "--seed", "1", "--out", corpus]
    assert "was made with seed 0, got 1" in refused(capsys, *argv)


def test_a_damaged_corpus_is_one_line(corpus, capsys, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(corpus, copy)
    damaged = next((copy / "measures").iterdir())
    damaged.write_bytes(damaged.read_bytes()[:-9])
    assert "is damaged" in refused(capsys, "corpus", "export", copy, "--out", tmp_path / "x.csv")
    assert not (tmp_path / "x.csv").exists()


def test_training_refuses_a_corpus_too_small_to_validate_on(corpus, capsys, tmp_path):
    assert "validation leaves generator groups out" in refused(
        capsys, "train", "--corpus", corpus, "--out", tmp_path / "model"
    )
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    "argv",
    [
        ["corpus", "show"],
        ["corpus", "export", "--out", "x.csv"],
        ["train", "--corpus"],
        ["evaluate-model", "--corpus"],
    ],
    ids=lambda a: a[0],
)
def test_a_missing_corpus_is_one_line(capsys, tmp_path, argv):
    assert "corpus" in refused(capsys, *argv, tmp_path / "nowhere")


@pytest.fixture
def judged(monkeypatch):
    """Four data sets judged at once, and how that was asked for."""
    from rankers.evaluation import Standard, judge

    rng = np.random.default_rng(0)
    facts = ("family", "base", 100, 3, 0.0, 0.3)
    ranks = np.array([1.0, 2.0, 3.0])
    standards = [Standard(np.arange(3), ranks, rng.uniform(size=3), group, *facts) for group in "aabb"]
    tables = [MeasureTable(rng.normal(size=(3, 2)), ("silhouette", "dbcv"), (True, True)) for _ in standards]
    judgement = judge(standards, tables, picks={"own <pick>": np.array([0, 1, 1, 0])}, scores={})
    asked = {}

    def evaluate_pipeline(directory, **options):
        asked.update(options)
        return SimpleNamespace(kind="simulated"), None, judgement

    monkeypatch.setattr("rankers.training.evaluate_pipeline", evaluate_pipeline)
    return asked


def test_evaluate_model_prints_the_report_and_writes_the_page(judged, capsys, tmp_path):
    out = tmp_path / "page.html"
    argv = ["evaluate-model", "--corpus", "corpus", "--by", "base", "--shuffles", "2", "--out", str(out)]
    assert cli.main(argv) == 0
    printed = capsys.readouterr().out
    assert "Agreement with the consensus of simulated assessors on 4 data sets of 2 groups" in printed
    assert "own <pick> over dbcv" in printed
    assert "own &lt;pick&gt; over dbcv" in out.read_text()
    assert (judged["by"], judged["shuffles"], judged["seed"]) == ("base", 2, 0)


def test_evaluate_model_writes_every_figure_as_a_table(judged, tmp_path):
    out = tmp_path / "figures.csv"
    assert cli.main(["evaluate-model", "--corpus", "corpus", "--out", str(out)]) == 0
    frame = read_table(out)
    assert (frame["contender"] == "own <pick>").sum() == 4
    assert {"tau", "weighted_tau", "regret", "pool_regret", "group", "k"} <= set(frame.columns)


def test_evaluate_model_refuses_what_it_cannot_write_before_any_work(judged, capsys, tmp_path):
    assert "must end in" in refused(capsys, "evaluate-model", "--corpus", "corpus", "--out", tmp_path / "page.doc")
    assert judged == {}


def test_a_full_disk_is_one_line_and_leaves_no_half_written_picture(stub, capsys, tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    argv = ["recommend", PENGUINS, "--scale", "standard", "--plot", tmp_path / "out.png"]
    assert "no room on the disk to write" in refused(capsys, *argv)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("argv", [["doctor"], ["evaluate", PENGUINS, "--labels", SPECIES]])
def test_a_full_disk_under_standard_output_is_one_line(argv):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = subprocess.run([*RUN, *argv], stdout=full, stderr=subprocess.PIPE, text=True, timeout=120)
    assert done.returncode == 2
    assert done.stderr == "gamac-meta: error: no room on the disk to write the output\n"


def test_a_reader_that_leaves_is_no_error():
    process = subprocess.Popen([*RUN, "doctor"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(timeout=60) != 0


def test_an_interrupt_is_one_line(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(gamac_meta.recommend, "recommend_measure", interrupted)
    assert cli.main(["recommend", PENGUINS]) == 130
    assert capsys.readouterr().err == "gamac-meta: interrupted\n"


def test_doctor_names_versions_backend_and_model(capsys):
    status = cli.main(["doctor"])
    out = capsys.readouterr().out
    assert f"numpy {np.__version__}" in out
    assert "backend      numpy" in out
    assert status == (2 if "model        none" in out else 0)


def test_doctor_survives_a_missing_model(monkeypatch, capsys):
    import rankers

    def missing():
        raise ModelError("no model at here")

    monkeypatch.setattr(rankers, "load", missing)
    assert cli.main(["doctor"]) == 2
    assert "model        none: no model at here" in capsys.readouterr().out


def test_help_is_quick():
    # the least of three: the machine may be busy, the start may not be slow
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([*RUN, "--help"], check=True, capture_output=True, timeout=60)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.5


def test_the_shipped_table_gets_a_recommendation(capsys):
    assert cli.main(["recommend", PENGUINS, "--scale", "standard"]) == 0
    out, err = capsys.readouterr()
    assert "Trust " in out
    assert "simulated assessors" in out
    assert err == ""


def test_the_signal_of_an_interrupt_ends_a_corpus_build_in_one_line(tmp_path):
    argv = [*RUN, "corpus", "build", "--datasets", "500", "--out", str(tmp_path / "corpus")]
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "corpus").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    # Python ends itself by the signal where it met the interrupt inside exec(); for a shell both are 130
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in err
    assert err.splitlines()[-1].endswith("gamac-meta: interrupted")


# ---- cluster ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clustered(tmp_path_factory):
    """What a search of a few trials on four far blobs printed and wrote."""
    folder = tmp_path_factory.mktemp("cluster")
    X, truth = make_blobs(120, centers=[[0, 0], [0, 9], [9, 0], [9, 9]], cluster_std=0.5, random_state=0)
    pd.DataFrame(X, columns=["length", "mass"]).to_csv(folder / "points.csv", index=False)
    argv = [*RUN, "cluster", "points.csv", "--budget", "none", "--trials", "12", "--measure", "calinski_harabasz"]
    argv += ["--out", "labels.csv", "--report", "report.html"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=300)
    return SimpleNamespace(folder=folder, done=done, truth=truth)


def test_cluster_finds_the_planted_clusters_and_writes_a_row_per_point(clustered):
    assert clustered.done.returncode == 0, clustered.done.stderr
    labels = pd.read_csv(clustered.folder / "labels.csv")
    assert list(labels.columns) == ["cluster", "was_noise"]
    assert adjusted_rand_score(clustered.truth, labels["cluster"]) == 1.0
    assert labels["was_noise"].dtype == bool


def test_cluster_prints_the_answer_and_what_it_wrote(clustered):
    lines = clustered.done.stdout.splitlines()
    assert lines[0].startswith("4 clusters found by ")
    assert lines[-2:] == ["wrote labels.csv", "wrote report.html"]
    assert max(map(len, lines)) <= 120
    assert "best: " in clustered.done.stderr
    assert "Traceback" not in clustered.done.stderr


def test_cluster_writes_a_page_about_the_table(clustered):
    page = (clustered.folder / "report.html").read_text()
    assert "points.csv: 120 points, 2 columns" in page
    assert "4 clusters found by" in page
    assert "calinski_harabasz" in page


def test_an_interrupted_search_still_writes_the_best_so_far(tmp_path):
    X, _ = make_blobs(300, centers=4, random_state=0)
    pd.DataFrame(X).to_csv(tmp_path / "points.csv", index=False)
    argv = [*RUN, "cluster", "points.csv", "--budget", "300", "--measure", "calinski_harabasz"]
    argv += ["--out", "labels.csv", "--report", "report.html", "--journal", "trials.jsonl"]
    process = subprocess.Popen(argv, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    journal = tmp_path / "trials.jsonl"
    # a header and three trials
    while process.poll() is None and time.monotonic() < deadline:
        if journal.exists() and journal.read_bytes().count(b"\n") >= 4:
            break
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert "gamac-meta: interrupted; this is the best so far" in err
    assert "Traceback" not in err
    assert "clusters found by" in out
    assert len(pd.read_csv(tmp_path / "labels.csv")) == 300
    assert (tmp_path / "report.html").read_text().endswith("</html>\n")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--budget", "0"], "seconds, more than 0"),
        (["--budget", "none"], "time_budget or n_trials must be given"),
        (["--trials", "0"], "whole number >= 1"),
        (["--measure", "silhuete"], "did you mean 'silhouette'"),
        (["--out", "labels.txt"], "must end in one of .csv, .tsv, .parquet"),
        (["--report", "report.pdf"], "must end in one of .html"),
    ],
)
def test_a_search_that_cannot_be_made_is_refused_in_one_line(capsys, options, message):
    assert message in refused(capsys, "cluster", PENGUINS, *options)


def test_the_default_weight_of_a_person_is_that_of_training():
    # written down once more, so that a command line costs no import
    assert cli.PERSON_WEIGHT == PERSON_WEIGHT


def test_a_model_that_is_not_promoted_is_reported_whole(tmp_path, capsys, monkeypatch):
    def refuse(*_, **settings):
        assert (settings["force"], settings["person_weight"], settings["orders"]) == (False, 3.5, "sqlite:///people")
        raise PromotionRefusedError("the new model is worse", report="all tables")

    monkeypatch.setattr("rankers.training.train", refuse)
    argv = ["train", "--corpus", str(tmp_path), "--person-weight", "3.5", "--orders", "sqlite:///people"]
    assert cli.main(argv) == 2
    out, err = capsys.readouterr()
    assert out == "all tables\n"
    assert err == "gamac-meta: error: the new model is worse\n"


@pytest.mark.parametrize("value", ["0", "-1", "inf", "nan", "many"])
def test_the_weight_of_a_person_is_a_number_above_0(tmp_path, capsys, value):
    assert f"must be a number above 0, got '{value}'" in refused(
        capsys, "train", "--corpus", tmp_path, f"--person-weight={value}"
    )
