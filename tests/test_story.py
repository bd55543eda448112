"""The whole story on a few small data sets: build, train, save, load, recommend."""

import numpy as np
import pytest
from sklearn.datasets import make_blobs

from corpus.build import build
from corpus.store import CorpusStore
from gamac_meta import MEASURES, recommend_measure
from rankers.training import train


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    directory = tmp_path_factory.mktemp("story") / "corpus"
    build(directory, datasets=12, seed=5, n_jobs=2, progress=False)
    return directory


@pytest.fixture(scope="module")
def training(corpus):
    return train(corpus, out=corpus.parent / "model", n_jobs=2)


def test_from_corpus_to_advice(corpus, training):
    X, _ = make_blobs(120, centers=3, random_state=0)
    advice = recommend_measure(X, model=training.directory)
    assert set(advice.measures) == set(MEASURES)
    assert advice.model == "default 1"
    assert advice.assessors == "simulated"


def test_card_tells_where_the_model_comes_from(corpus, training):
    card = training.model.card
    assert card["corpus"]["hash"] == CorpusStore(corpus).corpus_hash()
    assert card["corpus"]["datasets"] == 12
    assessors = card["assessors"]
    assert (assessors["kind"], assessors["orders"], assessors["people"]) == ("simulated", {"simulated": 60}, {})
    assert assessors["per_dataset"] == [5, 5]
    assert card["corpus"]["built_with"]["seed"] == 5
    assert card["corpus"]["ranges"]["columns"] == [2, 2]
    assert "simulated assessors" in card["figures"]["what"]
    shown = {"random measure", "silhouette", "Borda of all measures", "learned measure, shuffled targets"}
    assert shown | {"recommender, from X", "recommender, candidates given", "learned measure"} <= set(
        card["figures"]["tau"]
    )
    assert set(card["figures"]["coverage"]) == {"points", "candidates"}


def test_training_again_gives_the_same_model_and_figures(corpus, training):
    again = train(corpus, n_jobs=1)
    for basis, recommender in training.model.recommenders.items():
        assert again.model.recommenders[basis].order_head.model_to_string() == recommender.order_head.model_to_string()
    for name, head in training.model.learned.heads.items():
        assert again.model.learned.heads[name].model_to_string() == head.model_to_string()
    assert again.model.card["figures"] == training.model.card["figures"]


def test_report_holds_every_group_and_both_bases(corpus, training):
    text = training.report()
    for entry in CorpusStore(corpus).entries():
        assert entry.group in text
    assert "recommender, from X" in text
    assert "recommender, candidates given" in text


def test_relevance_is_the_agreement_of_ranks(corpus, training):
    # an oracle of one cell: scipy's tau between a measure's order and the mean rank of the assessors
    from scipy.stats import kendalltau

    from rankers.training import assemble

    lesson = assemble(corpus).lesson
    entry = next(iter(CorpusStore(corpus).entries()))
    mean_rank = np.mean([order.ranks for order in entry.orders], axis=0)
    column = entry.table.measures.index("silhouette")
    expected = kendalltau(entry.table.ranks()[:, column], mean_rank).statistic
    assert lesson.relevance[0, lesson.measures.index("silhouette")] == pytest.approx(expected)
