"""What is shown of a search: the page needs no other file, says what the facts hold, and takes no name for markup."""

import re
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from planted_trials import planted_trials

from gamac_meta.automl._account import Report, RunnerUp, summary_text
from gamac_meta.automl._report import LEADERS, MOST_DESCRIBED, report_html
from gamac_meta.clusters import describe_clusters
from rankers.structure import Structure

EVIL = '<script>alert("x")</script>\n& co'


class Page(HTMLParser):
    """Sections, tables, pictures and tags of a page."""

    VOID = ("meta", "img", "br", "wbr")

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.attributes, self.pictures = [], set(), [], []
        self.section, self.text, self.tables = "", {"": ""}, {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        self.tags.add(tag)
        self.attributes += attrs.items()
        if tag == "section":
            self.section = attrs["id"]
            self.text[self.section] = ""
        if tag == "table":
            self.tables.setdefault(self.section, []).append([])
        if tag == "tr":
            self.tables[self.section][-1].append([])
        if tag in ("td", "th"):
            self.tables[self.section][-1][-1].append("")
        if tag == "img":
            self.pictures.append((self.section, attrs["alt"], attrs["src"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" in self.open:
            return
        self.text[self.section] += data
        if self.open and {"td", "th"} & set(self.open):
            self.tables[self.section][-1][-1][-1] += data


@pytest.fixture
def facts():
    """Three planted clusters of 40, 30 and 20 points, two of them filled noise; two runners-up; nine trials."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.array([0, 1, 2], dtype=np.int32), [40, 30, 20])
    space = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 9.0]])[labels] + rng.normal(size=(90, 2))
    X = np.column_stack([100.0 * space[:, 0], np.full(90, 7.0), space[:, 1]])
    filled = np.zeros(90, dtype=bool)
    filled[[5, 41]] = True
    trials = planted_trials()
    two, five = np.minimum(labels, 1), labels + 2 * (np.arange(90) % 2).astype(np.int32) * (labels == 0)
    return Report(
        name="points.csv",
        X=X,
        columns=("mass", "flat", "length"),
        space=space,
        labels=labels,
        filled_noise=filled,
        scored_by="the planted measure",
        recommendation="silhouette, predicted agreement 0.52, 90 % interval 0.21 to 0.74",
        trials=trials,
        best=trials.loc[3],
        runners_up=(RunnerUp(five, trials.loc[2], 0.75), RunnerUp(two, trials.loc[0], 0.5)),
        notices=("genie was skipped", "the model learned from simulated assessors"),
        budget=20.0,
        spent=6.6,
        versions={"gamac-meta": "1.2", "Python": "3.11"},
        code="AutoClusterer(time_budget=20).fit(X)",
    )


def test_the_page_needs_no_other_file_and_runs_nothing(facts):
    text = report_html(facts)
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>")
    assert page.open == []
    assert not page.tags & {"script", "link", "iframe", "object", "base", "form"}
    assert "http" not in re.sub(r'"data:[^"]*"', "", text)
    assert [
        value for name, value in page.attributes if name in ("src", "href") and value[:5] not in ("data:", "#noti")
    ] == []
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    for _, alt, source in page.pictures:
        assert alt
        assert b64decode(source.removeprefix("data:image/png;base64,"), validate=True).startswith(b"\x89PNG")


def test_the_answer_comes_first_with_how_sure_it_is(facts):
    first = Page(report_html(facts)).text[""]
    assert "3 clusters found by hdbscan in 90 points" in first
    assert "90 points, 3 columns. 9 trials (4 scored, 1 repeated, 4 without a partition) in 6.6 of 20 seconds." in first
    assert "best different answer, 5 clusters by gaussian_mixture, scores 0.7, which is 0.2 less" in first
    assert "2 notices below" in first
    assert "close call" not in first


def test_why_names_the_score_the_measure_and_the_recommended_one(facts):
    text = Page(report_html(facts)).text["why-this-answer"]
    assert "hdbscan(min_cluster_size=7) has the greatest score 0.9 by the planted measure." in text
    assert "The median trial has 0.7." in text
    assert f"Recommended for this table: {facts.recommendation}." in text


def test_a_runner_up_that_is_nearly_as_good_is_called_so(facts):
    near = facts.trials.loc[2].copy()
    near["score"] = 0.899
    facts = replace(facts, runners_up=(RunnerUp(facts.runners_up[0].labels, near, 0.75),))
    assert "A close call, look at both" in Page(report_html(facts)).text[""]
    assert "A close call, look at both" in summary_text(facts, 200)


def test_every_cluster_is_described_as_describe_clusters_does(facts):
    rows, centroids = Page(report_html(facts)).tables["what-is-in-each-cluster"]
    found = describe_clusters(facts.X, facts.labels, facts.columns)
    assert rows[0] == [
        "cluster",
        "points",
        "share",
        "of them noise",
        "what tells it from the rest",
        "spread",
        "examples",
    ]
    for row, centers, (label, cluster), noise in zip(rows[1:], centroids[1:], found.iterrows(), (1, 1, 0), strict=True):
        examples = ", ".join(map(str, cluster["examples"]))
        assert row[0].split()[1] == centers[0].split()[1] == str(label)
        assert row[1:] == [
            str(cluster["size"]),
            f"{cluster['share']:.1%}",
            str(noise),
            cluster["features"] or "no column by itself",
            f"{cluster['spread']:.2f}",
            examples,
        ]
        assert centers[1:] == [f"{cluster[f'mean {name}']:.4g}" for name in facts.columns]


def test_the_leaderboard_has_each_partition_once_the_best_first(facts):
    (rows,) = Page(report_html(facts)).tables["leaderboard"]
    assert [row[:4] for row in rows[1:]] == [
        ["1 (trial 3)", "0.9", "3", "hdbscan(min_cluster_size=7)"],
        ["2 (trial 2)", "0.7", "5", "gaussian_mixture(n_components=5, covariance_type=full) after PCA"],
        ["3 (trial 0)", "0.5", "2", "kmeans(n_clusters=2)"],
        ["4 (trial 1)", "0.4", "3", "kmeans(n_clusters=3) on standardized columns"],
    ]


def test_an_answer_that_is_not_of_the_greatest_score_is_shown_as_such(facts):
    best, first = facts.trials.loc[2], facts.trials.loc[3]
    text = report_html(replace(facts, best=best, runners_up=(RunnerUp(facts.runners_up[0].labels, first, 0.75),)))
    assert "3 clusters by hdbscan, scores 0.9, which is 0.2 more" in Page(text).text[""]
    assert "has the score 0.7 (the greatest: 0.9) by the planted measure" in Page(text).text["why-this-answer"]
    (marked,) = re.findall('<tr class="best">(.*?)</tr>', text)
    assert "(trial 2)" in marked


def test_failures_are_grouped_by_reason_the_most_frequent_first(facts):
    trials = facts.trials.copy()
    trials.loc[6, "reason"] = "fewer than 2 clusters"
    trials.loc[5, "reason"] = "fewer than 2.5 clusters"
    (rows,) = Page(report_html(replace(facts, trials=trials))).tables["trials-without-a-partition"]
    assert rows[1:] == [
        ["2", "refused", "fewer than 2.5 clusters", "dbscan"],
        ["1", "timed out", "more than 3 s", "spectral"],
        ["1", "failed", "ValueError: <b>bad</b>", "birch"],
    ]


def test_each_runner_up_has_a_picture_and_the_page_ends_with_how_to_repeat_it(facts):
    page = Page(report_html(facts))
    assert [alt for section, alt, _ in page.pictures if section == "other-answers"] == [
        "Scatter plot of the answer of trial 3",
        "Scatter plot of the answer of trial 2",
        "Scatter plot of the answer of trial 0",
        "Heat map of the adjusted Rand index between the answers",
    ]
    assert "number 2: 5 clusters, score 0.7, adjusted Rand with the best 0.75" in page.text["other-answers"]
    assert "AutoClusterer(time_budget=20).fit(X)" in page.text["to-repeat-it"]
    assert [notice in page.text["notices"] for notice in facts.notices] == [True, True]
    assert "gamac-meta 1.2, Python 3.11" in page.text["notices"]


def test_no_text_is_taken_for_markup(facts):
    trials = facts.trials.assign(algorithm=EVIL, reason=EVIL, parameters=[{EVIL: EVIL}] * len(facts.trials))
    evil = replace(
        facts,
        name=EVIL,
        columns=(EVIL,) * 3,
        scored_by=EVIL,
        recommendation=EVIL,
        trials=trials,
        best=trials.loc[3],
        runners_up=tuple(runner._replace(trial=trials.loc[0]) for runner in facts.runners_up),
        notices=(EVIL,),
        versions={EVIL: EVIL},
        code=EVIL,
    )
    page, plain = Page(report_html(evil)), Page(report_html(facts))
    assert page.tags == plain.tags
    for section in ("", "what-is-in-each-cluster", "why-this-answer", "other-answers", "leaderboard", "notices"):
        assert EVIL in page.text[section]
    assert EVIL in page.text["to-repeat-it"]


def test_no_structure_is_an_answer(facts):
    for labels in (np.zeros(90, dtype=np.int32), np.full(90, -1, dtype=np.int32)):
        none = replace(facts, labels=labels, filled_noise=np.zeros(90, dtype=bool), runners_up=())
        page = Page(report_html(none))
        assert "No clusters found in 90 points" in page.text[""]
        assert "how-well-points-sit-in-their-clusters" not in page.text
        assert "other-answers" not in page.text
        assert summary_text(none, 100).startswith("No clusters found in 90 points\n")


def test_pictures_tell_noise_that_was_filled_from_noise_that_was_kept(facts):
    assert "Hollow gray points were called noise" in Page(report_html(facts)).text[""]
    kept = replace(facts, labels=facts.shown_labels, filled_noise=np.zeros(90, dtype=bool))
    page = Page(report_html(kept))
    assert "Hollow gray points are noise" in page.text[""]
    assert page.tables["what-is-in-each-cluster"][0][-1][0] == "○ noise"
    plain = replace(facts, filled_noise=np.zeros(90, dtype=bool))
    assert "Hollow" not in Page(report_html(plain)).text[""]


def test_a_search_without_failures_runners_up_notices_or_budget_is_shown_without_them(facts):
    trials = facts.trials.iloc[:4]
    bare = replace(facts, trials=trials, runners_up=(), notices=(), budget=None)
    page = Page(report_html(bare))
    assert not {"notices", "other-answers", "trials-without-a-partition"} & set(page.text)
    assert "4 trials (4 scored) in 6.6 seconds" in page.text[""]
    assert "No other answer that differs was kept." in page.text[""]


def test_long_tables_are_cut_and_say_so(facts):
    k = MOST_DESCRIBED + 20
    labels = np.arange(4 * k, dtype=np.int32) % k
    X = np.random.default_rng(0).normal(size=(4 * k, 40))
    trials = facts.trials.iloc[[0] * 50].reset_index(drop=True)
    wide = replace(
        facts, X=X, columns=tuple(f"c{i}" for i in range(40)), space=X, labels=labels, trials=trials, runners_up=(),
        filled_noise=np.zeros(4 * k, dtype=bool),
    )  # fmt: skip
    page = Page(report_html(wide))
    rows, centroids = page.tables["what-is-in-each-cluster"]
    assert len(rows) == MOST_DESCRIBED + 1
    assert len(centroids[0]) == 31
    assert "20 more clusters are not shown. 10 more columns are not shown." in page.text["what-is-in-each-cluster"]
    assert len(page.tables["leaderboard"][0]) == LEADERS + 1
    assert "30 more in the frame of trials" in page.text["leaderboard"]


def test_the_summary_says_clusters_score_measure_and_effort(facts):
    lines = summary_text(facts, 200).splitlines()
    assert lines[0] == "3 clusters found by hdbscan in 90 points"
    assert lines[1].startswith("cluster 0: 40 points (44%), ")
    assert "score 0.9 by the planted measure: hdbscan(min_cluster_size=7)" in lines
    assert "recommended for this table: silhouette, predicted agreement 0.52, 90 % interval 0.21 to 0.74" in lines
    assert "9 trials (4 scored, 1 repeated, 4 without a partition) in 6.6 of 20 seconds" in lines
    assert "note (and 1 more): genie was skipped" in lines


def test_no_structure_is_said_first_and_once(facts):
    doubted = replace(facts, structure=Structure(0.04, 0.18), notices=(Structure(0.04, 0.18).notice, "short"))
    lines = summary_text(doubted, 200).splitlines()
    assert lines[0].startswith("no structure found: 4% sure that there are clusters at all; of data with clusters, 5%")
    assert lines[1] == "3 clusters found by hdbscan in 90 points"
    assert sum("at all" in line for line in lines) == 1
    assert "note: short" in lines
    first = Page(report_html(doubted)).text[""]
    assert first.index("no structure found: 4% sure") < first.index("best different answer")
    assert first.count("at all") == 1


def test_structure_is_said_quietly_and_what_is_unknown_not_at_all(facts):
    sure = replace(facts, structure=Structure(0.99, 0.18))
    lines = summary_text(sure, 200).splitlines()
    assert lines[0] == "3 clusters found by hdbscan in 90 points"
    assert "clusters at all: 99% sure" in lines
    assert "That there are clusters at all: 99% sure." in Page(report_html(sure)).text[""]
    for text in (summary_text(facts, 200), Page(report_html(facts)).text[""]):
        assert "at all" not in text
        assert "no structure" not in text


@pytest.mark.parametrize("k", [1, 2, 4, 5, 6, 40])
@pytest.mark.parametrize("width", [30, 100])
@pytest.mark.parametrize("noise", [False, True])
def test_the_summary_is_at_most_ten_lines_that_fit_the_terminal(facts, k, width, noise):
    labels = np.arange(90, dtype=np.int32) % k
    labels[:10] = np.where(noise, -1, labels[:10])
    for notices in ((), ("short",), ("a\nb" * 50, "c")):
        doubted = replace(facts, labels=labels, notices=notices, structure=Structure(0.04, 0.18))
        lines = summary_text(doubted, width).splitlines()
        assert len(lines) <= 10
        assert max(map(len, lines)) <= width
