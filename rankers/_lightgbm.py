"""LightGBM's part: learning to rank, where a data set is a query and a measure an item, and regression of the
worth of partitions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import lightgbm
import numpy as np

from gamac_meta.types import Floats, MetaDataset
from rankers._borders import SIGNS

TOP_GRADE = 15
BINS = 63
# docs/study.md has what other settings give.
_TREES: dict[str, Any] = {
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.35,
    "bagging_fraction": 0.7,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "cat_smooth": 20.0,
    "max_bin": BINS,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
ORDER_PARAMETERS: dict[str, Any] = {
    **_TREES,
    "objective": "lambdarank",
    "label_gain": list(range(TOP_GRADE + 1)),
}
AGREEMENT_PARAMETERS: dict[str, Any] = {**_TREES, "objective": "regression"}
PARTITION_PARAMETERS: dict[str, Any] = {**_TREES, "objective": "regression"}
# of a whole pool; what is .1 of the adjusted Rand index behind the best is worth .64 of it, and
# places beyond the tenth do not count
TOP_STEPS = 20
TOP_PARAMETERS: dict[str, Any] = {
    **_TREES,
    "objective": "lambdarank",
    "num_leaves": 31,
    "label_gain": [step**2 for step in range(TOP_STEPS + 1)],
    "lambdarank_truncation_level": 10,
}
ORDER_ROUNDS = 280
AGREEMENT_ROUNDS = 200
PARTITION_ROUNDS = 300
TOP_ROUNDS = 500
# as the card of a model names them
SETTINGS = {
    "order": ORDER_PARAMETERS | {"rounds": ORDER_ROUNDS},
    "agreement": AGREEMENT_PARAMETERS | {"rounds": AGREEMENT_ROUNDS},
    "learned": PARTITION_PARAMETERS | {"rounds": PARTITION_ROUNDS},
    "top": TOP_PARAMETERS | {"rounds": TOP_ROUNDS},
}


def design_matrix(features: Floats, pair_features: Floats) -> Floats:
    """(q * m, f + g + 1) one row per data set and measure; the last column is the measure's identity."""
    q, m, _ = pair_features.shape
    return np.column_stack(
        [
            np.repeat(features, m, axis=0),
            pair_features.reshape(q * m, -1),
            np.tile(np.arange(m, dtype=np.float64), q),
        ]
    )


def grades(relevance: Floats) -> Floats:
    """(q, m) whole grades 0..TOP_GRADE: the best measure of a data set has the top grade, and every
    .05 of tau behind it costs one."""
    behind = relevance.max(axis=1, keepdims=True) - relevance
    return np.clip(np.round(TOP_GRADE - 20.0 * behind), 0, TOP_GRADE)


def fit_order(meta: MetaDataset, seed: int, threads: int) -> lightgbm.Booster:
    """LambdaRank on the graded relevance."""
    m = len(meta.measures)
    parameters = ORDER_PARAMETERS | {"lambdarank_truncation_level": m, "seed": seed, "num_threads": threads}
    data = _dataset(meta, grades(meta.relevance).ravel(), group=np.full(len(meta.datasets), m))
    return lightgbm.train(parameters, data, ORDER_ROUNDS)


def fit_agreement(meta: MetaDataset, seed: int, threads: int) -> lightgbm.Booster:
    """Regression of Kendall tau with the consensus."""
    parameters = AGREEMENT_PARAMETERS | {"seed": seed, "num_threads": threads}
    return lightgbm.train(parameters, _dataset(meta, meta.relevance.ravel()), AGREEMENT_ROUNDS)


def fit_partitions(
    pools: Sequence[Floats],
    worth: Sequence[Floats],
    columns: tuple[str, ...],
    seed: int,
    weights: Floats | None = None,
) -> lightgbm.Booster:
    """Regression of the worth of partitions: rows (P, c) and worth (P,) of each pool, weights of all rows."""
    data = lightgbm.Dataset(
        np.concatenate(pools),
        np.concatenate(worth),
        weight=weights,
        feature_name=list(columns),
        params={"verbosity": -1, "max_bin": BINS},
    )
    return lightgbm.train(PARTITION_PARAMETERS | {"seed": seed, "num_threads": 1}, data, PARTITION_ROUNDS)


def fit_top(
    pools: Sequence[Floats],
    worth: Sequence[Floats],
    columns: tuple[str, ...],
    seed: int,
    weights: Floats | None = None,
    **changes: Any,
) -> lightgbm.Booster:
    """LambdaRank of pools, the best of each first: rows (P, c) and worth (P,) of each pool, weights of all rows.

    worth: adjusted Rand index with generating labels, or the share of other candidates that people put behind.
    changes: parameters that differ from the shipped ones.
    """
    behind = np.concatenate([found.max() - found for found in worth])
    data = lightgbm.Dataset(
        np.concatenate(pools),
        np.clip(np.round(TOP_STEPS - 40.0 * behind), 0, TOP_STEPS),
        group=[len(found) for found in worth],
        weight=weights,
        feature_name=list(columns),
        params={"verbosity": -1, "max_bin": BINS},
    )
    # a weaker border never raises a score, whatever the pools happen to say
    own = {"seed": seed, "num_threads": 1, "monotone_constraints": [SIGNS.get(name, 0) for name in columns]}
    rounds = changes.pop("rounds", TOP_ROUNDS)
    return lightgbm.train(TOP_PARAMETERS | own | changes, data, rounds)


def _dataset(meta: MetaDataset, target: Floats, group: Any = None) -> lightgbm.Dataset:
    names = [*meta.feature_names, *meta.pair_feature_names, "measure"]
    return lightgbm.Dataset(
        design_matrix(meta.features, meta.pair_features),
        target,
        group=group,
        feature_name=names,
        categorical_feature=["measure"],
        params={"verbosity": -1, "max_bin": BINS},
    )


def from_text(text: str) -> lightgbm.Booster:
    """A booster from LightGBM's text format."""
    return lightgbm.Booster(model_str=text)


def contributions(booster: lightgbm.Booster, rows: Floats) -> Floats:
    """(rows, columns) SHAP values, the constant left out."""
    return np.asarray(booster.predict(rows, pred_contrib=True, num_threads=1))[:, :-1]
