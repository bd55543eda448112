"""The documentation says what the program does, or these tests fail."""

import argparse
import re
import runpy
import tomllib
from pathlib import Path

import pytest

from gamac_meta import MEASURES
from gamac_meta.cli import build_parser
from gamac_meta.files import READERS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
CLI = (ROOT / "docs" / "cli.md").read_text()


def commands(parser=None, path=()):
    """(words, parser) of every command that does something."""
    parser = parser or build_parser()
    groups = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield path, parser
    for group in groups:
        for name, child in group.choices.items():
            yield from commands(child, (*path, name))


every_command = pytest.mark.parametrize(
    ("words", "parser"), [pytest.param(words, parser, id=" ".join(words)) for words, parser in commands()]
)


@every_command
def test_every_command_and_option_is_documented(words, parser):
    assert re.search(rf"^## gamac-meta {' '.join(words)}\b", CLI, re.MULTILINE)
    section = re.split(rf"^## gamac-meta {' '.join(words)}\b", CLI, flags=re.MULTILINE)[1].split("\n## ")[0]
    title = re.search(rf"^## gamac-meta {' '.join(words)}\b.*", CLI, re.MULTILINE).group()
    for action in parser._actions:
        if action.option_strings and action.dest != "help":
            assert action.option_strings[0] in title + section
            assert f"{action.help}" not in ("None", "")


@every_command
def test_every_command_has_help(words, parser):
    assert parser.description
    assert parser.format_help().startswith("usage: gamac-meta")


def test_the_readme_names_every_command():
    for words, _ in commands():
        assert f"`{words[0]}`" in README


def test_no_command_is_documented_that_does_not_exist():
    known = {" ".join(words) for words, _ in commands()}
    documented = re.findall(r"^## gamac-meta ((?:[a-z]+(?:-[a-z]+)* ?)+)", CLI, re.MULTILINE)
    assert {name.strip() for name in documented} == known


def test_every_file_format_is_documented():
    for suffix in READERS:
        assert suffix[1:].upper().replace("PARQUET", "Parquet") in CLI


def test_the_measures_page_is_current():
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))["measures_page"]()
    for name in MEASURES:
        assert f"| `{name}` |" in page
    # renew it by: python docs/generate.py
    assert (ROOT / "docs" / "measures.md").read_text() == page


def test_every_measure_is_documented_with_its_formula():
    page = (ROOT / "docs" / "measures.md").read_text()
    for name, measure in MEASURES.items():
        section = page.split(f'<a id="{name}"></a>')[1].split("<a id=")[0]
        assert f"(#{name})" in page
        assert measure.reference in section
        formulas = re.findall(r"^```math\n(.+?)\n```$", section, re.MULTILINE | re.DOTALL)
        assert len(formulas) == measure.formula.__doc__.count(".. math::")
        assert ":math:" not in section
        assert all(line.isprintable() for line in section.splitlines()), name
        assert formulas or "$`" in section, name


def test_what_other_packages_return_names_measures_and_packages_that_exist():
    elsewhere = tomllib.loads((ROOT / "docs" / "elsewhere.toml").read_text())
    assert set(elsewhere["measures"]) <= set(MEASURES)
    for differences in elsewhere["measures"].values():
        assert set(differences) <= set(elsewhere["packages"])
    for package, facts in elsewhere["packages"].items():
        assert facts["how"]
        assert facts["general"].endswith(".")
        assert re.search(r" \d+\.\d+|commit", package + facts["how"]), "every claim is of a version"


def test_the_model_page_is_current():
    page = runpy.run_path(str(ROOT / "docs" / "generate.py"))["model_page"]()
    # renew it by: python docs/generate.py
    assert (ROOT / "docs" / "model.md").read_text() == page
    assert "simulated" in page


def shell_commands(text):
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line.strip()]


def test_the_readme_has_two_commands_and_the_server_runs_them():
    recommend, test = shell_commands(README)
    assert "gamac-meta recommend examples/" in recommend
    assert test.split(" && ")[-1].startswith(".venv/bin/pytest -n auto")
    for command in (recommend, test):
        assert command.startswith("python3 -m venv .venv && .venv/bin/pip install ")
    script = (ROOT / ".ci" / "run").read_text()
    # taken from the README by the script itself, so they cannot drift
    assert "README.md" in script
    assert all(command not in script for command in (recommend, test))
    assert ".ci/run" in (ROOT / ".github" / "workflows" / "ci.yml").read_text()


def test_the_examples_in_the_documentation_parse():
    examples = re.findall(r"^gamac-meta .*$", CLI + (ROOT / "examples" / "README.md").read_text(), re.MULTILINE)
    assert len(examples) >= 5
    for example in examples:
        build_parser().parse_args(example.split()[1:])


def test_relative_links_lead_somewhere():
    for page in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"), ROOT / "examples" / "README.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text()):
            assert "://" in target or (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_example_table_is_small_and_its_license_stated():
    text = (ROOT / "examples" / "README.md").read_text()
    assert "CC0 1.0" in text
    assert "doi:10.1371/journal.pone.0090081" in text
    assert sum(path.stat().st_size for path in (ROOT / "examples").glob("*.csv")) < 200_000
