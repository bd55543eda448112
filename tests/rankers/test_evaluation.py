"""Judging contenders: by hand on small cases, by planted contenders on many."""

import numpy as np
import pytest

from gamac_meta.agreement import kendall_tau
from gamac_meta.exceptions import InvalidInputError
from gamac_meta.types import MeasureTable
from rankers.evaluation import Standard, judge
from rankers.judgement import (
    ASSESSORS,
    BORDA,
    LUCK,
    RANDOM,
    SINGLE,
    SINGLE_OF_ALL,
    SINGLE_OF_GROUP,
    VIRTUAL,
    YARDSTICKS,
)

NAMES = ("silhouette", "dbcv", "davies_bouldin")


def standard(chosen, consensus, agreement, group="a", **facts):
    facts = {"family": f"{group}-family", "base": group, "n": 500, "k": 3, "noise": 0.0, "assessors": 0.3} | facts
    return Standard(np.array(chosen), np.array(consensus, dtype=float), agreement, group, **facts)


def table(*columns, names=NAMES):
    return MeasureTable(
        np.column_stack(columns).astype(float), names, tuple(name != "davies_bouldin" for name in names)
    )


def row(judgement, contender, dataset):
    frame = judgement.frame
    return frame[(frame["contender"] == contender) & (frame["dataset"] == dataset)].iloc[0]


@pytest.fixture(scope="module")
def by_hand():
    """A pool of four, of which the first three are candidates, best first; then a set without clusters."""
    standards = [
        standard([0, 1, 2], [1, 2, 3], np.array([0.8, 0.5, 0.1, 0.9])),
        standard([1, 2, 0], [1, 2, 3], None, group="b", k=1, assessors=np.nan),
    ]
    tables = [
        # in order; reversed, the last undefined; smaller is better: the first two tie
        table([3, 2, 1, 0], [1, 2, 3, np.nan], [0, 0, 2, 1]),
        table([1, 2, 3, 4], [2, 2, 2, 2], [1, 2, 3, 4]),
    ]
    scores = {"own": [np.array([1.0, 1.0, np.nan, 5.0]), np.array([0.0, 2.0, 1.0, 0.0])]}
    return judge(standards, tables, picks={"picker": np.array([2, 0])}, scores=scores)


def test_figures_by_hand(by_hand):
    silhouette, dbcv = row(by_hand, "silhouette", 0), row(by_hand, "dbcv", 0)
    assert (silhouette["tau"], silhouette["negative"], silhouette["regret"]) == pytest.approx((1, 0, 0))
    # first of the pool is a candidate of .8, the best of the pool has .9
    assert silhouette["pool_regret"] == pytest.approx(0.1)
    assert (dbcv["tau"], dbcv["weighted_tau"], dbcv["negative"]) == pytest.approx((-1, -1, 1))
    assert (dbcv["regret"], dbcv["pool_regret"]) == pytest.approx((0.7, 0.8))


def test_ties_share_and_undefined_scores_come_last(by_hand):
    # two of three pairs in order, one tied: 2 / sqrt(2 * 3); the first two share the first place
    for contender, measure in (("picker", "davies_bouldin"), ("own", "")):
        seen = row(by_hand, contender, 0)
        assert seen["tau"] == pytest.approx(2 / np.sqrt(6))
        assert seen["regret"] == pytest.approx(0.8 - (0.8 + 0.5) / 2)
        assert seen["measure"] == measure
    # the fourth of the pool is the first by its own scores
    assert row(by_hand, "own", 0)["pool_regret"] == 0.0
    assert row(by_hand, "picker", 0)["pool_regret"] == pytest.approx(0.9 - (0.8 + 0.5) / 2)


def test_candidates_stand_in_their_own_order(by_hand):
    # the candidates are rows 1, 2 and 0 of the pool, scored 2, 1 and 0
    assert row(by_hand, "own", 1)["tau"] == pytest.approx(1.0)
    # of values 2, 3 and 1 two of three pairs are in order
    assert row(by_hand, "silhouette", 1)["tau"] == pytest.approx(1 / 3)
    assert row(by_hand, "dbcv", 1)["tau"] == 0.0


def test_regret_is_unknown_where_nothing_is_planted(by_hand):
    seen = by_hand.frame[by_hand.frame["dataset"] == 1]
    assert seen[["regret", "pool_regret"]].isna().all(axis=None)
    assert by_hand.overall("regret")["silhouette"].mean == 0.0
    assert by_hand.overall("pool_regret")["silhouette"].mean == pytest.approx(0.1)
    assert np.isnan(by_hand.by("k", "regret").loc["1", "silhouette"])


def test_one_order_is_no_agreement_of_assessors(by_hand):
    assert by_hand.overall()[ASSESSORS].mean == pytest.approx(0.3)
    assert np.isnan(row(by_hand, ASSESSORS, 1)["tau"])
    only = [standard([0, 1], [1, 2], None, group=group, assessors=np.nan) for group in "ab"]
    judged = judge(only, [table([2, 1], [1, 2], [1, 2])] * 2, picks={}, scores={})
    assert ASSESSORS not in judged.names
    assert ASSESSORS not in judged.report("simulated")


def test_means_over_measures_and_the_best_of_them(by_hand):
    taus = [row(by_hand, name, 0)["tau"] for name in ("silhouette", "dbcv", "picker")]
    assert row(by_hand, RANDOM, 0)["tau"] == pytest.approx(np.mean(taus))
    assert row(by_hand, RANDOM, 0)["negative"] == pytest.approx(1 / 3)
    assert row(by_hand, VIRTUAL, 0)["tau"] == 1.0
    assert row(by_hand, VIRTUAL, 0)["regret"] == 0.0
    assert row(by_hand, VIRTUAL, 0)["pool_regret"] == pytest.approx(0.1)


def test_borda_is_the_mean_rank_of_what_is_ranked():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(9, 3))
    chosen = [0, 3, 4, 6, 8]
    standards = [standard(chosen, [1, 2, 3, 4, 5], rng.uniform(size=9), group=group) for group in "ab"]
    measured = table(*values.T)
    seen = row(judge(standards, [measured] * 2, picks={}, scores={}), BORDA, 0)
    among = table(*values[chosen].T).ranks().mean(axis=1)
    assert seen["tau"] == pytest.approx(kendall_tau(among[:, None], np.arange(1.0, 6)[:, None])[0, 0])
    first = measured.ranks().mean(axis=1)
    agreement = standards[0].agreement
    assert seen["pool_regret"] == pytest.approx(agreement.max() - agreement[first == first.min()].mean())


# ---- many data sets ------------------------------------------------------------------------------


def planted(q=120, size=30, p=15, groups=6, seed=0):
    """Measures of rising merit, silhouette the best; in the first group the worst is the best."""
    rng = np.random.default_rng(seed)
    standards, tables = [], []
    for i in range(q):
        quality = rng.uniform(size=size)
        chosen = rng.choice(size, p, replace=False)
        group = f"group {i % groups}"
        merits = (4.0, 0.5, 0.0) if group != "group 0" else (0.0, 0.5, 4.0)
        columns = [merit * quality + rng.normal(scale=0.7, size=size) for merit in merits]
        ranks = (-quality[chosen]).argsort().argsort() + 1.0
        standards.append(
            standard(chosen, ranks, quality, group, n=int(rng.integers(100, 1500)), k=1 + i % 40, noise=0.05 * (i % 5))
        )
        tables.append(table(columns[0], columns[1], -columns[2]))
    return standards, tables


@pytest.fixture(scope="module")
def many():
    standards, tables = planted()
    rng = np.random.default_rng(1)
    scores = {
        "perfect": [each.agreement for each in standards],
        "reversed": [-each.agreement for each in standards],
        "noise": [rng.normal(size=each.agreement.size) for each in standards],
    }
    return judge(standards, tables, picks={"third": np.full(len(standards), 2)}, scores=scores)


def test_planted_contenders_fall_into_their_places(many):
    overall = {figure: many.overall(figure) for figure in ("tau", "weighted_tau", "negative", "regret", "pool_regret")}
    for figure, (perfect, reversed_) in {"tau": (1, -1), "weighted_tau": (1, -1), "negative": (0, 1)}.items():
        assert overall[figure]["perfect"].mean == pytest.approx(perfect)
        assert overall[figure]["reversed"].mean == pytest.approx(reversed_)
    assert overall["regret"]["perfect"] == overall["pool_regret"]["perfect"] == (0, 0, 0)
    assert overall["pool_regret"]["reversed"].mean > overall["regret"]["reversed"].mean > 0.8
    # four standard errors of the mean of 120 random orders of 15
    assert abs(overall["tau"]["noise"].mean) < 0.07
    assert overall["negative"]["noise"].mean == pytest.approx(0.5, abs=0.15)
    assert many.names[0] == "perfect"
    assert many.names[-1] == "reversed"


def test_the_best_single_measure_is_chosen_without_the_group(many):
    chosen = many.frame[many.frame["contender"] == SINGLE]
    assert set(chosen["measure"]) == {"silhouette"}
    in_hindsight = many.frame[many.frame["contender"] == SINGLE_OF_GROUP]
    odd = in_hindsight["group"] == "group 0"
    assert set(in_hindsight.loc[odd, "measure"]) == {"davies_bouldin"}
    assert set(in_hindsight.loc[~odd, "measure"]) == {"silhouette"}
    by_group = many.by("group")
    assert abs(by_group.loc["group 0", SINGLE]) < 0.2 < 0.5 < by_group.loc["group 0", SINGLE_OF_GROUP]


def test_left_out_choices_alternate_where_two_measures_do():
    # each of two groups likes another measure, which is therefore chosen for the other group only
    rows = [standard([0, 1, 2], [1, 2, 3], None, group=group) for group in "ab"]
    good, bad = [3, 2, 1], [1, 2, 3]
    judged = judge(rows, [table(good, bad, [1, 1, 1]), table(bad, good, [1, 1, 1])], picks={}, scores={})
    taus = {name: interval.mean for name, interval in judged.overall().items()}
    assert (taus[SINGLE], taus[SINGLE_OF_ALL], taus[SINGLE_OF_GROUP]) == (-1.0, 0.0, 1.0)


def test_shuffled_orders_show_the_luck_of_the_virtual_best(many):
    taus, regrets = many.overall(), many.overall("regret")
    assert 0.1 < taus[LUCK].mean < taus[VIRTUAL].mean - 0.2
    assert regrets[VIRTUAL].mean < regrets[LUCK].mean


def test_without_anything_to_know_the_virtual_best_is_all_luck():
    standards, tables = planted(seed=2)
    rng = np.random.default_rng(3)
    dealt = [
        each._replace(consensus=rng.permutation(each.consensus), agreement=rng.permutation(each.agreement))
        for each in standards
    ]
    judged = judge(dealt, tables, picks={}, scores={})
    for figure in ("tau", "weighted_tau", "regret", "pool_regret"):
        found = judged.overall(figure)
        assert found[VIRTUAL].low <= found[LUCK].mean <= found[VIRTUAL].high


def test_numbering_of_the_pool_does_not_matter():
    standards, tables = planted(q=20)
    rng = np.random.default_rng(4)
    scores = [rng.integers(0, 5, 30).astype(float) for _ in standards]
    before = judge(standards, tables, picks={}, scores={"own": scores})
    again, moved, rescored = [], [], []
    for each, measured, values in zip(standards, tables, scores, strict=True):
        order = rng.permutation(30)
        again.append(each._replace(chosen=order.argsort()[each.chosen], agreement=each.agreement[order]))
        moved.append(MeasureTable(measured.values[order], measured.measures, measured.greater_is_better))
        rescored.append(values[order])
    after = judge(again, moved, picks={}, scores={"own": rescored})
    for figure in ("tau", "weighted_tau", "regret", "pool_regret"):
        same = [name for name in before.names if name not in (LUCK, ASSESSORS)]
        assert after.of(figure)[same].to_numpy() == pytest.approx(before.of(figure)[same].to_numpy())


def test_the_same_seed_gives_the_same_frame(many):
    standards, tables = planted()
    one, two, other = (judge(standards, tables, picks={}, scores={}, seed=seed).frame for seed in (0, 0, 1))
    assert one.equals(two)
    assert not one.equals(other)


# ---- summaries -----------------------------------------------------------------------------------


def test_tables_hold_every_data_set_once(many):
    for what in ("group", "family", "base", "n", "k", "noise"):
        by = many.by(what)
        assert by["data sets"].iloc[:-1].sum() == by.loc["all", "data sets"] == 120
        assert by.loc["all", "third"] == pytest.approx(many.overall()["third"].mean)
        weighted = (by["third"] * by["data sets"]).iloc[:-1].sum() / 120
        assert weighted == pytest.approx(by.loc["all", "third"])


def test_bins_end_where_they_say(many):
    by = many.by("k")
    assert by.index.tolist() == ["1", "2-4", "5-10", "11-30", "> 30", "all"]
    # 1 to 40, three times each
    assert by["data sets"].tolist() == [3, 9, 18, 60, 30, 120]
    assert many.by("noise").index.tolist() == ["none", "to 5 %", "5-10 %", "10-20 %", "all"]


def test_comparison_is_paired(many):
    gain = many.compare("perfect", "silhouette")
    taus = many.of("tau")
    assert gain.datasets.mean == pytest.approx((taus["perfect"] - taus["silhouette"]).mean())
    back = many.compare("silhouette", "perfect")
    assert back.datasets == pytest.approx([-gain.datasets.mean, -gain.datasets.high, -gain.datasets.low])
    # one of six groups is unlike the others: that is less certain than 120 data sets make believe
    assert gain.groups.high - gain.groups.low > 1.5 * (gain.datasets.high - gain.datasets.low)
    assert many.compare("silhouette", SINGLE).datasets == (0, 0, 0)


def test_ranks_leave_out_what_nobody_could_use(many):
    ranks = many.ranks()
    assert set(ranks.names) == set(many.names) - set(YARDSTICKS)
    assert ranks.names[0] == "perfect"
    assert ranks.names[-1] == "reversed"
    assert ranks.units == 120
    assert many.ranks(over="group").units == 6
    # SINGLE is silhouette everywhere
    same = {ranks.names.index(name) for name in ("silhouette", SINGLE)}
    assert any(same <= set(clique) for clique in ranks.cliques)


def test_controls_are_shown_but_neither_ranked_nor_compared():
    standards, tables = planted(q=12)
    noise = [np.random.default_rng(i).normal(size=30) for i in range(12)]
    judged = judge(standards, tables, picks={}, scores={"own": noise, "control": noise}, controls=("control",))
    assert "control" in judged.names
    assert "control" in judged.summary().to_string()
    assert "control" not in judged.ranks().names
    compared = {name for each in judged.comparisons() for name in (each.first, each.second)}
    assert "own" in compared
    assert "control" not in compared


def test_little_regret_ranks_first(many):
    assert many.ranks("regret").names[0] == "perfect"
    assert many.ranks("regret").names[-1] == "reversed"


def test_report_says_whose_orders_and_names_every_contender(many):
    for kind in ("simulated", "real"):
        text = many.report(kind)
        assert f"{kind} assessors" in text
        assert all(name in text for name in many.names)
    for words in ("perfect over silhouette", "not told apart", "Mean tau by k", "group 5", "> 30"):
        assert words in text


def test_numbers_stand_for_the_names_of_the_summary(many):
    numbered, by = many.numbered("group"), many.by("group")
    for line in many.summary().index:
        number, name = line.split(" ", 1)
        assert numbered[number].tolist() == by[name].tolist()


def test_page_escapes_and_holds_diagrams(many):
    from dataclasses import replace

    frame = many.frame.assign(contender=many.frame["contender"].replace("third", "<b>third"))
    page = replace(many, frame=frame, contenders=("<b>third",)).to_html("simulated")
    assert page.count("<svg") == page.count("</svg>") == 2
    assert "simulated assessors" in page
    assert "&lt;b&gt;third" in page
    assert "<b>third" not in page


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"standards": 1}, "data sets must be of 2 groups at least, to leave groups out, got 1"),
        ({"tables": 1}, "tables must have one entry for each of 2 data sets, got 1"),
        ({"picks": {"a": np.array([0, 3])}}, "a must pick measures 0 to 2, got 0 to 3"),
        ({"picks": {BORDA: np.array([0, 0])}}, "contenders must have names of their own, got Borda of all measures"),
        ({"scores": {"s": [np.zeros(3), np.zeros(2)]}}, r"s of data set 1 must have shape \(3,\), got \(2,\)"),
        ({"controls": ("c",)}, "controls must be contenders, got c"),
        ({"scores": {"s": [np.zeros(3)]}}, "s must have one entry for each of 2 data sets, got 1"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given = {
        "standards": [standard([0, 1], [1, 2], np.zeros(3), group=group) for group in "ab"],
        "tables": [table([3, 2, 1], [1, 2, 3], [0, 0, 2])] * 2,
        "picks": {},
        "scores": {},
        "controls": (),
    }
    for name, value in change.items():
        given[name] = given[name][:value] if isinstance(value, int) else value
    with pytest.raises(InvalidInputError, match=message):
        judge(given.pop("standards"), given.pop("tables"), **given)


def test_unknown_names_are_refused(many):
    with pytest.raises(InvalidInputError, match=r"must be one of tau, weighted_tau, .*, got 'taus'"):
        many.overall("taus")
    with pytest.raises(InvalidInputError, match=r"must be one of group, .*, got 'color'"):
        many.by("color")
    with pytest.raises(InvalidInputError, match="got 'nobody'"):
        many.compare("perfect", "nobody")
