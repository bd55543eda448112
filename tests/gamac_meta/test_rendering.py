"""A measure table as text and HTML: what is shown is what the table holds."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest

from gamac_meta.rendering import as_html, as_page, as_text, best_partitions
from gamac_meta.types import MeasureTable

EVIL = '<script>alert("x")</script> & co'


@pytest.fixture
def table():
    return MeasureTable(
        np.array([[0.25, 3.0, 1e-9], [0.5, np.nan, 2e-9], [0.5, 1.0, np.nan]]),
        ("silhouette", "davies_bouldin", "gamma"),
        (True, False, True),
        ("coarse", "fine", EVIL),
        np.array([0.0, 0.125, 0.0]),
        {(1, "davies_bouldin"): "a < b", (2, "gamma"): "a < b"},
        ("gamma",),
        np.array([[0.25, 3.0, 0.5e-9], [0.5, np.nan, np.nan], [0.5, 1.0, np.nan]]),
        np.array([[0.25, 3.0, 4e-9], [0.5, np.nan, np.nan], [0.5, 1.0, np.nan]]),
        {"gamma": "from few & far points"},
    )


def wide(p, m, length=20):
    values = np.random.default_rng(0).normal(size=(p, m))
    makers = tuple(f"partition {row} ".ljust(length, ".") for row in range(p))
    return MeasureTable(values, tuple(f"measure_{column}" for column in range(m)), (True,) * m, makers)


class Rows(HTMLParser):
    """The rows of a page's table: (tag, attributes, text) of each cell."""

    def __init__(self, text):
        super().__init__()
        self.rows, self.cell, self.tags = [], None, set()
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.cell = [tag, dict(attrs), ""]
            self.rows[-1].append(self.cell)

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.cell = None

    def handle_data(self, data):
        if self.cell:
            self.cell[2] += data


def test_best_is_best_by_orientation_ties_included_and_never_undefined(table):
    assert best_partitions(table).tolist() == [[False, False, False], [True, False, True], [True, True, False]]


def test_text_has_a_row_per_measure_with_its_best_marked(table):
    lines = {line.split()[0]: line.split() for line in as_text(table, 200).splitlines()}
    assert lines["silhouette"][:5] == ["silhouette", "greater", "0.25", "0.5*", "0.5*"]
    assert lines["davies_bouldin"][:5] == ["davies_bouldin", "smaller", "3", "-", "1*"]
    assert lines["gamma"] == ["gamma", "greater", "~1e-09", "~2e-09*", "-", "fine"]
    assert " ".join(lines["silhouette"][5:]) == f"fine, {EVIL}"


def test_text_says_why_a_value_is_undefined_and_which_are_estimates(table):
    text = as_text(table, 200)
    assert "undefined: davies_bouldin on fine: a < b" in text
    assert f"undefined: gamma on {EVIL}: a < b" in text
    assert text.endswith("~ estimate: gamma: from few & far points")


def test_reasons_that_partitions_and_measures_share_are_said_once():
    table = MeasureTable(
        np.full((2, 2), np.nan), ("u", "v"), (True, True), ("a", "b"), reasons=dict.fromkeys(
            [(0, "u"), (0, "v"), (1, "u"), (1, "v")], "one cluster"
        )
    )  # fmt: skip
    assert [line for line in as_text(table, 80).splitlines() if "one cluster" in line] == [
        "undefined: all measures on a, b: one cluster"
    ]


@pytest.mark.parametrize(("p", "m"), [(1, 60), (3, 60), (15, 3), (15, 60), (40, 12)])
@pytest.mark.parametrize("width", [60, 100, 160])
def test_text_fits_the_terminal_and_holds_every_value(p, m, width):
    table = wide(p, m)
    text = as_text(table, width)
    assert max(map(len, text.splitlines())) <= width
    shown = re.findall(r"(?<= )-?\d[\d.]*(?:e-\d+)?(?=\*| |$)", text, re.MULTILINE)
    for value in table.values.ravel():
        assert f"{value:.4g}" in shown
    for maker in table.makers:
        assert maker in text
    assert text.count("*") == (m + 1 if p > 1 else 0)


def test_few_measures_of_many_partitions_stand_in_columns():
    lines = as_text(wide(15, 3), 80).splitlines()
    assert lines[0].split() == ["partition", "measure_0", "measure_1", "measure_2"]
    assert lines[2].startswith("partition 0")


def test_html_shows_values_ranks_best_reasons_and_estimates(table):
    text = as_html(table)
    header, silhouette, davies_bouldin, gamma, noise = Rows(text).rows
    assert [cell[2] for cell in header] == ["measure", "better", *table.makers]
    assert [cell[2] for cell in silhouette] == ["silhouette", "greater", "0.25 (3)", "0.5 (1.5)", "0.5 (1.5)"]
    assert [cell[2] for cell in davies_bouldin[2:]] == ["3 (2)", "\N{EN DASH}1", "1 (1)"]
    assert davies_bouldin[3][1]["title"] == "a < b"
    assert [cell[2] for cell in gamma[2:4]] == [
        "1e-09 (2)estimate, 5e-10 to 4e-09",
        "2e-09 (1)estimate",  # nothing is known of the exact value
    ]
    assert [cell[1].get("class") for cell in gamma[2:]] == [None, "best", "undefined"]
    assert [cell[2] for cell in noise[2:]] == ["0.0%", "12.5%", "0.0%"]
    assert '<li value="1">a &lt; b</li>' in text
    assert "Estimates: gamma: from few &amp; far points." in text


def test_a_page_is_whole_and_nothing_in_it_is_taken_for_markup(table):
    page = as_page(table, EVIL)
    assert page.startswith("<!DOCTYPE html>")
    parsed = Rows(page)
    assert "script" not in parsed.tags
    assert [cell[2] for cell in parsed.rows[0]][-1] == EVIL
    assert not {"link", "img", "iframe"} & parsed.tags  # it needs no other file
    assert "http" not in page


def test_exact_values_are_never_called_estimates(table):
    exact = MeasureTable(table.values, table.measures, table.greater_is_better)
    assert "~" not in as_text(exact, 200)
    assert "stimate" not in as_html(exact)


def test_notebooks_show_the_table(table):
    assert table._repr_html_() == as_html(table)
