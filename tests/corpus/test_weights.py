"""Votes by reliability: they help where some answer at random, and cost little where all are alike."""

import numpy as np
import pytest
from scipy.stats import rankdata

from corpus.consensus import METHODS, consensus
from corpus.weights import LEAST_WEIGHT, reliability_weights
from gamac_meta.agreement import kendall_tau
from gamac_meta.types import Ranking

SEES, GUESSES = 1.5, np.inf  # standard deviation of noise; the values have 1


def planted(seed, noises, *, datasets=8, p=12, asked=4):
    """Orders of assessors "a0" and on of each data set, the true orders, and repeats answered alike."""
    rng = np.random.default_rng(seed)
    groups, truths = [], []
    repeats = {f"a{person}": (0, 0) for person in range(len(noises))}
    for _ in range(datasets):
        values = rng.normal(size=p)
        truths.append(rankdata(-values))
        groups.append([])
        for person, noise in enumerate(noises):
            seen = values + rng.normal(scale=noise, size=p) if np.isfinite(noise) else rng.normal(size=p)
            groups[-1].append(Ranking(rankdata(-seen), f"a{person}"))
            alike, before = repeats[f"a{person}"]
            chance = 0.8 if np.isfinite(noise) else 0.5
            repeats[f"a{person}"] = (alike + int(rng.binomial(asked, chance)), before + asked)
    return groups, truths, repeats


def gains(noises, method="borda", studies=30, **options):
    """By how much the consensus is nearer to the truth with weights than without, paired, in each study."""
    found = []
    for seed in range(studies):
        groups, truths, repeats = planted(seed, noises, **options)
        weights = reliability_weights(groups, repeats)
        taus = []
        for group, truth in zip(groups, truths, strict=True):
            votes = [weights[order.assessor] for order in group]
            both = np.column_stack([consensus(group, method, votes).ranks, consensus(group, method).ranks])
            taus.append(kendall_tau(both, truth[:, None])[:, 0])
        weighted, plain = np.mean(taus, axis=0)
        found.append(weighted - plain)
    return np.array(found)


def assert_greater(values, than, errors=3.0):
    assert values.mean() - errors * values.std(ddof=1) / np.sqrt(values.size) > than


@pytest.mark.parametrize("method", METHODS)
def test_weights_help_where_some_answer_at_random(method):
    studies, p = (30, 12) if method == "borda" else (12, 8)
    assert_greater(gains([SEES] * 5 + [GUESSES] * 3, method, studies, p=p), 0.03)


def test_weights_help_where_some_are_better_than_others():
    assert_greater(gains([0.7, 1.0, 1.5, 2.0, 3.0, 4.0]), 0.02)


# the fewer there are, the more of their differences is chance
@pytest.mark.parametrize(("count", "cost"), [(3, 0.03), (5, 0.015), (8, 0.015)])
def test_weights_cost_little_where_all_are_alike(count, cost):
    assert_greater(gains([SEES] * count), -cost)


def test_repeats_tell_more_where_few_data_sets_are_ranked():
    noises = [SEES] * 5 + [GUESSES] * 3
    differences = []
    for seed in range(40):
        groups, _, repeats = planted(seed, noises, datasets=1, asked=8)
        with_repeats, without = reliability_weights(groups, repeats), reliability_weights(groups)
        contrast = [np.mean([w[f"a{i}"] for i in range(5)]) - np.mean([w[f"a{i}"] for i in range(5, 8)])
                    for w in (with_repeats, without)]  # fmt: skip
        differences.append(contrast[0] - contrast[1])
    assert_greater(np.array(differences), 0.0)


def test_a_constant_assessor_of_another_opinion_has_little_weight():
    groups, _, _ = planted(0, [SEES] * 6)
    contrary = [[*group[:-1], Ranking(13 - group[-1].ranks, "contrary")] for group in groups]
    weights = reliability_weights(contrary, {"contrary": (100, 100), **{f"a{i}": (80, 100) for i in range(5)}})
    assert weights["contrary"] == LEAST_WEIGHT
    assert min(weights[f"a{i}"] for i in range(5)) > 0.5


def test_nothing_known_or_nothing_to_tell_apart_is_a_weight_of_one():
    order = Ranking([1, 2, 3, 4], "a")
    assert reliability_weights([]) == {}
    assert reliability_weights([[order], [order, Ranking([2, 1, 3, 4], "b")]]) == {"a": 1.0, "b": 1.0}
    same = [[Ranking([1, 2, 3, 4], name) for name in "abc"]]
    assert reliability_weights(same) == {"a": 1.0, "b": 1.0, "c": 1.0}
    opposed = [[Ranking([1, 2, 3], "a"), Ranking([2, 3, 1], "b"), Ranking([3, 1, 2], "c")]]
    assert reliability_weights(opposed) == {"a": 1.0, "b": 1.0, "c": 1.0}
    groups, _, repeats = planted(0, [SEES] * 4)
    assert reliability_weights([*groups, [Ranking(np.arange(1.0, 13), "new")]], repeats)["new"] == 1.0


def test_weights_do_not_depend_on_sequence_or_on_names():
    groups, _, repeats = planted(1, [SEES] * 3 + [GUESSES])
    weights = reliability_weights(groups, repeats)
    renamed = {"a0": "zoe", "a1": "b", "a2": "a3", "a3": "a0"}
    shuffled = [[Ranking(order.ranks, renamed[order.assessor]) for order in group[::-1]] for group in groups[::-1]]
    found = reliability_weights(shuffled, {renamed[name]: count for name, count in repeats.items()})
    assert {renamed[name]: pytest.approx(weight) for name, weight in weights.items()} == found
