"""Cases with a planted rule, and a model trained on them."""

import numpy as np
from scipy.stats import rankdata

from gamac_meta.measures import MEASURES
from metafeatures import LANDMARKS, SCHEMA_VERSION
from rankers._pairs import landmark_pair_names, pair_feature_names
from rankers._partitions import partition_feature_names
from rankers.assembly import FEATURES
from rankers.cases import Case
from rankers.model import BASES, Calibration, Recommender
from rankers.persistence import Model
from rankers.pipeline import fit
from rankers.validation import Lesson

GROUPS = 6
POOL, CANDIDATES = 24, 12
NAMES = tuple(MEASURES)


def planted_case(place: int, seed: int = 0) -> Case:
    """A data set where the first half of the measures sees what partitions are worth if feature 0 is positive,
    the other half elsewhere; the rest of what there is to see is noise."""
    rng = np.random.default_rng([seed, place])
    m, first = len(NAMES), len(LANDMARKS)
    features = rng.normal(size=len(FEATURES))
    right = (np.arange(m) < m // 2) == (features[0] > 0)
    worth = rng.normal(size=first + POOL)
    values = np.where(right, worth[:, None], 0.0) + rng.normal(scale=np.where(right, 0.5, 1.0), size=(first + POOL, m))
    places = np.mean(values[:, None, :] > values[None, :first, :], axis=1)
    shapes = rng.normal(size=(first + POOL, len(partition_feature_names(NAMES)) - m))
    partitions = np.column_stack([places, shapes])
    chosen = rng.permutation(POOL)[:CANDIDATES]
    seen = worth[first:][chosen] + rng.normal(scale=0.2, size=CANDIDATES)
    return Case(
        features,
        rng.normal(size=(m, len(landmark_pair_names(LANDMARKS)))),
        rankdata(-values[:first], axis=0),
        partitions[:first],
        partitions[first:],
        rankdata(-values[first:][chosen], axis=0),
        chosen,
        rankdata(-seen),
        # on some data sets nothing is planted
        None if place % 10 == 0 else np.tanh(worth[first:]),
        f"set-{place}",
        f"family-{place % (2 * GROUPS)}",
        f"group-{place % GROUPS}",
        f"base-{place % (2 * GROUPS)}",
    )


def planted_lesson(q: int = 120, seed: int = 0) -> Lesson:
    """q planted cases of 6 groups."""
    return Lesson(tuple(planted_case(place, seed) for place in range(q)), FEATURES, NAMES)


def planted_model(q: int = 60) -> Model:
    """A model of both bases and a learned measure, trained on the planted rule."""
    card = {
        "name": "planted",
        "version": "1",
        "schema_version": SCHEMA_VERSION,
        "measures": list(NAMES),
        "features": list(FEATURES),
        "assessors": {"kind": "simulated", "per_dataset": [1, 1]},
        "corpus": {"ranges": {"points": [10, 1000], "columns": [2, 2]}},
    }
    lesson = planted_lesson(q)
    fitted = fit(lesson.cases, lesson.feature_names, lesson.measures, seed=0)
    calibration = Calibration.fit(lesson.relevance, lesson.relevance + 0.1)
    recommenders = {
        basis: Recommender(
            NAMES,
            FEATURES,
            pair_feature_names(basis),
            basis,
            fitted.heads[basis].order,
            fitted.heads[basis].agreement,
            calibration,
            fitted.trios,
            card,
        )
        for basis in BASES
    }
    return Model(recommenders, fitted.learned, card)
