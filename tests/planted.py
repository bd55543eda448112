"""A meta-dataset with a planted rule, and a model trained on it."""

import numpy as np

from gamac_meta.measures import MEASURES
from gamac_meta.types import MetaDataset
from metafeatures import NAMES, SCHEMA_VERSION
from rankers._lightgbm import fit_agreement, fit_order
from rankers._pairs import pair_feature_names
from rankers.model import BASES, Calibration, Recommender
from rankers.persistence import Model

GROUPS = 6


def planted_meta(seed: int = 0, q: int = 180, basis: str = "points") -> MetaDataset:
    """The first half of the measures is right where feature 0 is positive, the rest elsewhere."""
    rng = np.random.default_rng(seed)
    names = pair_feature_names(basis)
    m = len(MEASURES)
    features = rng.normal(size=(q, len(NAMES)))
    first_half = np.arange(m) < m // 2
    right = first_half[None, :] == (features[:, :1] > 0)
    return MetaDataset(
        features,
        rng.normal(size=(q, m, len(names))),
        np.clip(np.where(right, 0.5, -0.1) + rng.normal(scale=0.1, size=(q, m)), -1, 1),
        tuple(f"set-{i}" for i in range(q)),
        tuple(f"family-{i % (2 * GROUPS)}" for i in range(q)),
        tuple(f"group-{i % GROUPS}" for i in range(q)),
        NAMES,
        names,
        tuple(MEASURES),
    )


def planted_model(q: int = 60) -> Model:
    """A model of both bases, trained on the planted rule."""
    card = {
        "name": "planted",
        "version": "1",
        "schema_version": SCHEMA_VERSION,
        "measures": list(MEASURES),
        "features": list(NAMES),
        "assessors": {"kind": "simulated", "per_dataset": [1, 1]},
        "corpus": {"ranges": {"points": [10, 1000], "columns": [2, 2]}},
    }
    recommenders = {}
    for basis in BASES:
        meta = planted_meta(q=q, basis=basis)
        recommenders[basis] = Recommender(
            meta.measures,
            meta.feature_names,
            meta.pair_feature_names,
            basis,
            fit_order(meta, 0, 1),
            fit_agreement(meta, 0, 1),
            Calibration.fit(meta.relevance, meta.relevance + 0.1),
            card,
        )
    return Model(recommenders, card)
