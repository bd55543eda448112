"""What the heads of the learned measure learn where people and generating labels disagree."""

from dataclasses import replace

import numpy as np
import pytest
from planted import planted_lesson

from gamac_meta.agreement import kendall_tau
from rankers import _lightgbm
from rankers.learned import fit_learned, head_rows

SHARES = (0.0, 0.1, 0.9, 1.0)


def contradicted(case, share):
    """People put last what the generating labels put first; the consensus is as it was."""
    if share == 0 or case.agreement is None:
        return case
    worth = case.agreement[case.chosen]
    return replace(case, people=worth.argsort().argsort() + 1.0, people_share=share)


def fitted_to(lesson, cases):
    return fit_learned(cases, lesson.feature_names, lesson.measures, seed=0)


@pytest.fixture(scope="module")
def lesson():
    return planted_lesson(60)


@pytest.fixture(scope="module")
def fitted(lesson, few_trees):
    """Share of people in the consensus -> what is learned."""
    with few_trees():
        return {
            share: fit_learned(
                [contradicted(case, share) for case in lesson.cases], lesson.feature_names, lesson.measures, seed=0
            )
            for share in SHARES
        }


@pytest.fixture(scope="module")
def followed(lesson, fitted):
    """(head, share) -> mean tau of its order of the candidates with the generating labels."""
    cases = [case for case in lesson.cases if case.agreement is not None]
    found = {}
    for share, learned in fitted.items():
        for name, head in learned.heads.items():
            rows = [head_rows(name, lesson.measures, case.features, case.pool_partitions) for case in cases]
            scores = [head.predict(each)[case.chosen] for each, case in zip(rows, cases, strict=True)]
            taus = [
                kendall_tau(each[:, None], case.agreement[case.chosen][:, None])[0, 0]
                for each, case in zip(scores, cases, strict=True)
            ]
            found[name, share] = np.mean(taus)
    return found


@pytest.mark.parametrize("head", ["labels", "top"])
def test_labels_give_way_to_people_by_their_share(followed, head):
    alone, some, most, all_ = (followed[head, share] for share in SHARES)
    assert alone > 0.5
    assert alone > some > most
    assert some > 0.2
    assert most < -0.2
    assert all_ < -0.5


def test_the_consensus_head_learns_from_the_consensus_alone(fitted):
    texts = {learned.heads["consensus"].model_to_string() for learned in fitted.values()}
    assert len(texts) == 1


def test_without_people_rows_have_no_weights(lesson, few_trees, monkeypatch):
    # weights of 1 would be harmless, but what is learned must stay the same to the last bit
    plain, weights = _lightgbm.lightgbm.Dataset, []
    monkeypatch.setattr(
        _lightgbm.lightgbm, "Dataset", lambda *a, **k: weights.append(k.get("weight")) or plain(*a, **k)
    )
    with few_trees():
        fitted_to(lesson, lesson.cases)
    assert weights == [None, None, None]


def test_people_are_heard_where_nothing_was_planted(lesson, few_trees):
    def with_people(case):
        return replace(case, people=case.consensus, people_share=0.9) if case.agreement is None else case

    with few_trees():
        heard = fitted_to(lesson, [with_people(case) for case in lesson.cases])
        unheard = fitted_to(lesson, lesson.cases)
    assert heard.heads["labels"].model_to_string() != unheard.heads["labels"].model_to_string()


def test_a_weaker_border_never_raises_the_choice_whatever_the_pools_say():
    rng = np.random.default_rng(0)
    pools = [rng.uniform(size=(20, 2)) for _ in range(40)]
    # greater is better here, which is against the sign of the first column
    worth = [pool.sum(axis=1) / 2.0 for pool in pools]
    lesson = pools, worth, ("crossing_worst", "value_dunn"), 0
    path = np.column_stack([np.linspace(0.0, 1.0, 50), np.full(50, 0.5)])
    signed = _lightgbm.fit_top(*lesson, rounds=30)
    free = _lightgbm.fit_top(*lesson, rounds=30, monotone_constraints=None)
    assert np.all(np.diff(signed.predict(path)) <= 0.0)
    assert free.predict(path)[-1] > free.predict(path)[0]
    assert np.ptp(signed.predict(path[:, ::-1])) > 0.0
