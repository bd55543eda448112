"""Variants are tried on groups they never saw, defaults are what is shipped, and the page says what rows support."""

import dataclasses
import importlib
import sys
from pathlib import Path

import numpy as np
import pytest
from planted import planted_lesson
from scipy.stats import rankdata

from corpus.build import build
from gamac_meta import MEASURES
from gamac_meta.agreement import kendall_tau
from metafeatures import NAMES
from rankers.metrics import Interval
from rankers.model import BASES
from rankers.pipeline import fit

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(scope="module")
def variants():
    """benchmarks/_study.py as a module, its folder on the path as for a script."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("_study")
    sys.modules.pop("_study", None)


@pytest.fixture(scope="module")
def command(variants):
    """benchmarks/study.py as a module."""
    yield importlib.import_module("study")
    sys.modules.pop("study", None)


@pytest.fixture(scope="module")
def material(variants):
    """72 planted cases of 6 groups; every third is taught by one scheme, every second has many clusters."""
    lesson, rng = planted_lesson(72), np.random.default_rng(5)
    return variants.Material(
        lesson.cases,
        lesson.feature_names,
        lesson.measures,
        rng.normal(size=(72, len(NAMES))),
        tuple(np.column_stack([rng.permutation(case.consensus) for _ in range(4)]) for case in lesson.cases),
        tuple(rankdata(-case.pool_partitions[:, : len(MEASURES)], axis=0) for case in lesson.cases),
        tuple(
            variants.Facts("views" if place % 6 == 5 else "plane", ("diverse", "random")[place // 6 % 2], place)
            for place in range(72)
        ),
        "0123456789abcdef",
        "simulated",
    )


def one_fold(variants, material, settings):
    """Row of each held-out data set and its tau, and what was learned from."""
    held, seen = next(variants.splits(material, settings))
    return {row: tau for row, (tau, _) in variants.predict(material, settings, held, seen)}, seen


def test_defaults_are_what_is_shipped(variants, material):
    taus, seen = one_fold(variants, material, variants.LearnedSettings())
    fitted = fit([material.cases[row] for row in seen], material.feature_names, material.measures, 0)
    predicted = {row: fitted.predict(material.cases[row]) for row in taus}
    for row, tau in taus.items():
        case = material.cases[row]
        scores = predicted[row].learned.pool[case.chosen]
        assert tau == pytest.approx(kendall_tau(scores[:, None], -case.consensus[:, None])[0, 0])
    for basis in BASES:
        taus, _ = one_fold(variants, material, variants.RecommenderSettings(basis=basis))
        for row, tau in taus.items():
            assert tau == pytest.approx(material.cases[row].relevance[predicted[row].order[basis].argmax()])
    held, seen = next(variants.splits(material, variants.ChoiceSettings()))
    for row, (_, ranks) in variants.predict(material, variants.ChoiceSettings(), held, seen):
        assert np.array_equal(ranks, rankdata(-predicted[row].learned.choice))


def test_the_choice_learns_from_the_blocks_that_it_is_given(variants, material):
    def regret(**changes):
        settings = variants.ChoiceSettings(**changes)
        return np.nanmean(variants.attempt(material, settings).regret)

    # half of the places tell, which half a feature says; nothing else does
    assert regret() < regret(kept=("values", "borders")) - 0.2
    assert len({regret(), regret(seed=1), regret(signed=False), regret(parameters=(("rounds", 5),))}) == 4
    names = variants.partition_feature_names(material.measures)
    assert {variants._choice_block(name) for name in names} == set(variants.CHOICE_BLOCKS)


def test_what_is_held_out_never_teaches(variants, material):
    for by in ("group", "base"):
        names = np.array([getattr(case, by) for case in material.cases])
        predicted = []
        for held, seen in variants.splits(material, variants.Lessons(by=by)):
            assert not set(names[held]) & set(names[seen])
            predicted += held.tolist()
        assert sorted(predicted) == list(range(72))


def test_who_teaches_can_be_chosen_and_how_many(variants, material):
    whole = [seen for _, seen in variants.splits(material, variants.Lessons())]
    few = [seen for _, seen in variants.splits(material, variants.Lessons(size=20))]
    for seen, drawn in zip(whole, few, strict=True):
        assert drawn.size == 20
        assert set(drawn.tolist()) < set(seen.tolist())
    for kind, expected in (("k <= 10", set(range(11))), ("plane", {row for row in range(72) if row % 6 != 5})):
        taught = {int(row) for _, seen in variants.splits(material, variants.Lessons(taught=kind)) for row in seen}
        assert taught == expected


def test_a_part_is_even_over_groups_and_schemes(material):
    part = material.part(2)
    kinds = [(case.group, facts.scheme) for case, facts in zip(part.cases, part.facts, strict=True)]
    assert len(kinds) == 36
    assert {kinds.count(kind) for kind in kinds} == {3}


def test_targets_and_features_matter(variants, material):
    def mean(**changes):
        return np.mean(list(one_fold(variants, material, variants.LearnedSettings(**changes))[0].values()))

    default = mean()
    assert default > 0.4
    assert mean(kept=("facts", "likeness")) < default - 0.3
    assert len({default, mean(heads=("labels",)), mean(amounts=True), mean(assessors=1), mean(seeds=(1,))}) == 5
    # their orders are dealt at random here, the consensus that is tested is not
    assert mean(heads=("consensus",), assessors=1) < mean(heads=("consensus",)) - 0.3


@pytest.mark.parametrize("objective", ["lambdarank", "rank_xendcg", "clear pairs", "huber"])
def test_other_objectives_learn_the_planted_rule_too(variants, material, objective):
    taus, _ = one_fold(variants, material, variants.LearnedSettings(objective=objective))
    assert np.mean(list(taus.values())) > 0.35


def test_places_that_may_only_raise_the_score_never_lower_it(variants, material):
    score = variants.fit_scores(material, variants.LearnedSettings(increasing=True), np.arange(60))
    rows = np.repeat(material.pools[70][:1], 11, axis=0)
    rows[:, 0] = np.linspace(0, 1, 11)
    found = score(rows)
    assert np.all(np.diff(found) >= 0)
    assert found[-1] > found[0]


def test_the_loss_of_pairs_has_its_gradient(variants):
    rng = np.random.default_rng(3)
    targets = [rng.permutation(5) / 4.0, rng.random(4), rng.random(5)]

    def loss(scores):
        total, start = 0.0, 0
        for worth in targets:
            own = scores[start : start + worth.size]
            gaps = np.maximum(worth[:, None] - worth[None, :], 0.0)
            wrong = np.log1p(np.exp(own[None, :] - own[:, None]))
            total += worth.size * np.sum(gaps * wrong) / gaps.sum()
            start += worth.size
        return total

    scores, step = rng.normal(size=14), 1e-5
    slope, curvature = variants.clear_pairs(targets)(scores, None)
    for place, shift in enumerate(step * np.eye(14)):
        ends = loss(scores + shift), loss(scores - shift)
        assert slope[place] == pytest.approx((ends[0] - ends[1]) / (2 * step), abs=1e-6)
        assert curvature[place] == pytest.approx((sum(ends) - 2 * loss(scores)) / step**2, rel=1e-3)


def test_recommenders_differ_by_what_they_see(variants, material):
    def taus(**changes):
        return one_fold(variants, material, variants.RecommenderSettings(**changes))[0]

    default = taus()
    assert taus(kept=("identity",)) != default
    assert taus(turned=True) != default
    assert taus(grading="coarse") != default
    given = taus(basis="candidates", objective="none")
    held = list(given)
    scores = variants.learned_scores(
        material, variants.RecommenderSettings(), *next(variants.splits(material, variants.RecommenderSettings()))
    )
    for row in held:
        case = material.cases[row]
        likeness = kendall_tau(-case.candidate_ranks, scores[row].pool[case.chosen, None])[:, 0]
        assert given[row] == pytest.approx(case.relevance[likeness.argmax()])


def test_fewer_measures_are_never_recommended_beyond(variants, material):
    known = {name for name in MEASURES if variants.MEASURE_SETS["reference"](name)}
    assert known == set(variants.REFERENCE)
    assert len(known) == 29
    assert known < {name for name in MEASURES if variants.MEASURE_SETS["reference and classics"](name)} < set(MEASURES)
    taus, _ = one_fold(variants, material, variants.RecommenderSettings(measures="reference"))
    for row, tau in taus.items():
        of_known = [material.cases[row].relevance[material.measures.index(name)] for name in known]
        assert np.isclose(of_known, tau).any()


def test_all_predictions_come_from_attempt(variants, material):
    tried = variants.attempt(material, variants.LearnedSettings(rounds=20))
    assert not np.isnan(tried.tau).any()
    unplanted = [case.agreement is None for case in material.cases]
    assert np.isnan(tried.regret).tolist() == unplanted
    assert np.nanmin(tried.regret) >= 0.0


def test_material_comes_from_a_corpus(variants, tmp_path):
    build(tmp_path / "corpus", datasets=4, seed=2, assessors=2, progress=False)
    found = variants.gather(tmp_path / "corpus")
    assert len(found.cases) == len(found.facts) == len(found.orders) == 4
    assert found.kind == "simulated"
    for case, orders, ranks, facts in zip(found.cases, found.orders, found.pool_ranks, found.facts, strict=True):
        assert np.array_equal(rankdata(np.round(orders.mean(axis=1), 9)), case.consensus)
        assert ranks.shape == (len(case.pool_partitions), len(found.measures))
        assert facts.collection == "plane"
        assert facts.scheme in ("diverse", "random")
    assert found.all_features.shape == (4, len(NAMES))


# ---- the command ----------------------------------------------------------------------------------


def quick(variants, **changes):
    return variants.LearnedSettings(rounds=10, heads=("consensus",), **changes)


@pytest.fixture
def section(command, variants):
    return command.Section(
        "Learned measure: noise",
        "Seeds.",
        (command.Row("default", quick(variants)), command.Row("seed 1", quick(variants, seeds=(1,)))),
    )


def test_an_interrupted_study_goes_on(command, material, section, tmp_path, monkeypatch):
    first = command.Study(tmp_path, material).results(section, progress=False)
    assert len(list((tmp_path / command.FOLDER).iterdir())) == 2
    monkeypatch.setattr(command, "attempt", lambda *_: pytest.fail("it was computed again"))
    assert command.Study(tmp_path, material).results(section, progress=False) == first
    changed = dataclasses.replace(material, corpus_hash="another")
    with pytest.raises(pytest.fail.Exception):
        command.Study(tmp_path, changed).results(section, progress=False)


def test_rows_are_compared_with_what_they_vary(command, variants, material, section, tmp_path):
    study = command.Study(tmp_path, material)
    default, seed = study.results(section, progress=False)
    assert default.gain is None
    assert seed.gain.low < seed.gain.mean < seed.gain.high
    assert seed.gain.mean == pytest.approx(seed.tau.mean - default.tau.mean)
    assert default.datasets == 24
    tested = command._tested("Kinds", "", [("views", quick(variants, taught="plane"), quick(variants))])
    base, variant = study.results(tested, progress=False)
    assert (base.datasets, variant.datasets) == (4, 4)
    assert base.gain is None
    assert variant.gain is not None


def result(command, title, settings, gain, loss=(0.0, -0.1, 0.1)):
    interval = Interval(0.5, 0.4, 0.6)
    return command.Result(command.Row(title, settings), 36, interval, interval, Interval(*gain), Interval(*loss))


def test_a_difference_must_exceed_its_interval_and_luck(command, variants):
    settings = variants.LearnedSettings()
    seeds = [
        result(command, "seed 1", settings, (-0.01, -0.02, 0.01), (0.002, -0.01, 0.01)),
        result(command, "seed 2", settings, (0.004, -0.01, 0.01), (-0.003, -0.01, 0.01)),
    ]
    noise = command.noise_of({"seeds": seeds})
    assert noise == {"learned measure": (0.01, 0.003)}
    rows = [
        result(command, "up", settings, (0.03, 0.01, 0.05)),
        result(command, "lucky", settings, (0.005, 0.001, 0.01), (0.002, 0.001, 0.003)),
        result(command, "wide", settings, (0.03, -0.01, 0.05)),
        result(command, "down", settings, (-0.03, -0.05, -0.01), (0.02, 0.01, 0.03)),
        result(command, "safe", settings, (0.0, -0.05, 0.01), (-0.02, -0.03, -0.01)),
    ]
    assert command.finding(rows, noise) == (
        "Better: up (+0.030). Worse: down (-0.030). Less regret: safe (-0.020). More regret: down (+0.020). "
        "Not told apart: lucky; wide."
    )


def test_every_section_has_a_default_and_variants_of_it(command, variants, material):
    titles = [section.title for section in command.SECTIONS]
    assert len(set(titles)) == len(titles)
    assert set(command.CURVES) < set(titles)
    for section in command.SECTIONS:
        assert len({row.title for row in section.rows}) == len(section.rows) > 1
        for place, row in enumerate(section.rows):
            rival = section.rival(place)
            assert row.settings.taught in variants.KINDS
            if rival is not None:
                assert row.settings != section.rows[rival].settings, row.title
                assert section.rows[rival].tested == row.tested
    default = command.SECTIONS[0].rows[0].settings
    kept = variants._partition_columns(material, default)
    assert kept.size == len(material.columns)
    assert all(
        variants._partition_columns(material, dataclasses.replace(default, kept=(block,))).size
        for block in variants.PARTITION_BLOCKS
    )


def test_the_command_writes_the_page_and_the_curves(command, variants, material, section, tmp_path, monkeypatch):
    sizes = {"default": quick(variants), "30 data sets": quick(variants, size=30)}
    curves = [
        command.Section(title, "Sizes.", tuple(map(command.Row, sizes, sizes.values())), step=1)
        for title in command.CURVES
    ]
    monkeypatch.setattr(command, "SECTIONS", (section, *curves))
    monkeypatch.setattr(command, "gather", lambda _: material)
    out = tmp_path / "study.md"
    monkeypatch.setattr(sys, "argv", ["study.py", str(tmp_path), "--out", str(out)])
    command.main()
    page = out.read_text()
    for words in ("## Learned measure: noise", "| seed 1 | 24 |", "simulated assessors", "study_curves.png"):
        assert words in page
    assert max(map(len, (line for line in page.splitlines() if not line.startswith("|")))) <= 120
    assert (tmp_path / "study_curves.png").stat().st_size > 1000
    results = command.Study(tmp_path, material).results(curves[0], progress=False)
    taught, taus = command.curve(results, material)
    assert taught.tolist() == [
        30.0,
        pytest.approx(np.mean([s.size for _, s in variants.splits(material, quick(variants))])),
    ]
    assert taus[:, 0].tolist() == [results[1].tau.mean, results[0].tau.mean]


def test_a_page_of_sections_without_curves_has_no_picture(command, material, section, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "SECTIONS", (section,))
    monkeypatch.setattr(command, "gather", lambda _: material)
    out = tmp_path / "study.md"
    monkeypatch.setattr(sys, "argv", ["study.py", str(tmp_path), "--out", str(out), "--only", "Learned"])
    command.main()
    assert "## Learned measure: noise" in out.read_text()
    assert not (tmp_path / "study_curves.png").exists()
