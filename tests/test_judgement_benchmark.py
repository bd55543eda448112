"""benchmarks/judgement.py: a judgement loses what it should on planted pools."""

import numpy as np
import pytest
from benchmark_modules import loaded


@pytest.fixture(scope="module")
def judgement():
    with loaded("judgement") as module:
        yield module


@pytest.fixture
def pool(judgement):
    """The choice is right, the learned measure takes the second, silhouette the worst; the prior is the third."""
    agreement = np.array([0.1, 0.9, 0.7, 0.5])
    return judgement.Pool(
        agreement,
        learned=np.array([0.0, 0.4, 0.8, 0.1]),
        choice=np.array([0.1, 0.8, 0.76, 0.73]),
        recommended=np.array([0.0, 0.9, 0.0, 0.0]),
        silhouette=np.array([1.0, 0.0, 0.0, 0.0]),
        dbcv=np.array([0.0, 0.0, 0.0, 1.0]),
        likeness=np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0.9], [0, 0, 0.9, 1]], dtype=float),
        prior=3,
    )


def test_losses_are_what_was_planted(judgement, pool):
    lost = judgement.losses(pool, 1000, 0)
    assert set(lost) == set(judgement.JUDGEMENTS)
    expected = {
        "learned choice": 0.0,
        "learned choice, margin .05": 0.0,
        "learned choice, margin .1": 0.4,  # .73 + .1 > .8
        "learned choice, shrunk": 0.2,  # two that are alike hold together
        "learned measure": 0.2,
        "learned choice, then learned measure": 0.2,
        "silhouette": 0.8,
        "HDBSCAN n/50, noise filled": 0.4,
        "recommended measure": 0.0,
    }
    assert {name: lost[name] for name in expected} == pytest.approx(expected)


def test_a_part_holds_the_prior_and_is_judged_by_its_own_best(judgement, pool):
    for seed in range(20):
        lost = judgement.losses(pool, 1, seed)
        # one row only: nothing to lose, whatever judges
        assert set(lost.values()) == {0.0}


def test_only_the_shortlist_is_decided_on(judgement):
    first, second = np.arange(10.0), np.arange(10.0)[::-1]
    assert np.argmax(judgement.in_two(first, second)) == 10 - judgement.SHORTLIST
