"""From a corpus to a validated model directory."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.consensus import consensus
from corpus.orders import is_simulated
from corpus.store import CorpusStore
from gamac_meta.agreement import leave_one_out_tau
from gamac_meta.exceptions import CorpusError, InvalidInputError
from gamac_meta.measures import MEASURES
from gamac_meta.types import Floats, MetaDataset, Ranking
from metafeatures import LANDMARKS, NAMES, SCHEMA_VERSION
from rankers._pairs import pair_feature_names
from rankers.descriptions import borda_agreement, describe_corpus, measure_agreement
from rankers.model import BASES, Recommender
from rankers.persistence import Model, refuse_foreign, save
from rankers.validation import BASELINES, Validation, validate

MIN_GROUPS = 3


@dataclass(frozen=True, eq=False)
class Assembled:
    """Everything learnt from, and what the figures are compared with."""

    meta: dict[str, MetaDataset]  # by basis
    borda: Floats  # (q,) tau of the Borda order over measures with the consensus
    assessors: Floats  # (q,) tau of one assessor with the consensus of the others, mean over assessors
    orders: dict[str, int]  # orders learned from, "real" and "simulated"
    per_dataset: tuple[int, int]  # fewest and most orders of a data set
    ranges: dict[str, tuple[float, float]]  # of points, columns and clusters in the corpus
    settings: dict[str, Any]  # what the corpus was built with
    corpus_hash: str


@dataclass(frozen=True, eq=False)
class Training:
    """What `train` made."""

    model: Model
    validations: dict[str, Validation]  # by basis
    directory: Path | None

    def report(self) -> str:
        """The validation tables as text."""
        kind = self.model.card["assessors"]["kind"]
        titles = {"points": "from X alone", "candidates": "with the candidates given"}
        return "\n\n".join(
            f"Recommender {titles[basis]}\n{validation.report(kind)}" for basis, validation in self.validations.items()
        )


def assemble(directory: Path, *, orders: str | None = None, n_jobs: int = 1, progress: bool = False) -> Assembled:
    """Targets from the assessors' orders, features from the data sets.

    orders: URL of the database that holds the orders, the corpus's own by default.
    Raises CorpusError where the corpus is damaged or too small to validate on.
    """
    with CorpusStore(directory, url=orders) as store:
        entries = list(store.entries())
        corpus_hash, settings = store.corpus_hash(), dict(store.settings)
    if not entries:
        raise CorpusError(f"corpus {directory} holds no data sets; build some first")
    unknown = sorted({name for entry in entries for name in entry.table.measures} - set(MEASURES))
    if unknown:
        raise CorpusError(
            f"corpus {directory}: this installation lacks its measures {', '.join(unknown)}; build it anew"
        )
    unordered = [entry.index for entry in entries if not entry.orders]
    if unordered:
        raise CorpusError(
            f"corpus {directory}: every data set needs assessors' orders, "
            f"{len(unordered)} have none, the first is number {unordered[0]}"
        )
    groups = {entry.group for entry in entries}
    if len(groups) < MIN_GROUPS:
        raise CorpusError(
            f"corpus {directory}: validation leaves generator groups out and needs at least {MIN_GROUPS}, "
            f"got {len(groups)}; build more data sets"
        )
    described = describe_corpus(directory, n_jobs=n_jobs, progress=progress)
    heard = [heard_orders(entry.orders) for entry in entries]
    targets = [consensus(orders).ranks for orders in heard]
    measures = entries[0].table.measures
    common: dict[str, Any] = {
        "features": np.stack([described[entry.index].features for entry in entries]),
        "relevance": np.stack([measure_agreement(e.table, target) for e, target in zip(entries, targets, strict=True)]),
        "datasets": tuple(entry.data.fingerprint for entry in entries),
        "families": tuple(entry.family for entry in entries),
        "groups": tuple(entry.group for entry in entries),
        "feature_names": NAMES,
        "measures": measures,
    }
    points = np.stack([described[entry.index].landmark_pairs for entry in entries])
    candidates = np.stack([described[entry.index].candidate_pairs for entry in entries])
    return Assembled(
        {
            "points": MetaDataset(**common, pair_features=points, pair_feature_names=pair_feature_names("points")),
            "candidates": MetaDataset(
                **common,
                pair_features=np.concatenate([points, candidates], axis=2),
                pair_feature_names=pair_feature_names("candidates"),
            ),
        },
        np.array([borda_agreement(e.table, target) for e, target in zip(entries, targets, strict=True)]),
        np.array([leave_one_out_tau(np.column_stack([order.ranks for order in orders])) for orders in heard]),
        dict(Counter("simulated" if is_simulated(order) else "real" for orders in heard for order in orders)),
        (min(map(len, heard)), max(map(len, heard))),
        {
            "points": _range([entry.data.n for entry in entries]),
            "columns": _range([entry.data.d for entry in entries]),
            "clusters": _range([entry.truth.max() + 1 for entry in entries]),
        },
        {name: settings.get(name) for name in ("seed", "assessors", "schemes")},
        corpus_hash,
    )


def heard_orders(orders: Sequence[Ranking]) -> tuple[Ranking, ...]:
    """Those of people where there are any, else those of simulated assessors."""
    return tuple(order for order in orders if not is_simulated(order)) or tuple(orders)


def _range(values: Sequence[float]) -> tuple[float, float]:
    return int(min(values)), int(max(values))


def train(
    directory: Path,
    *,
    orders: str | None = None,
    out: Path | None = None,
    name: str = "default",
    version: str = "1",
    seed: int = 0,
    n_jobs: int = 1,
    progress: bool = False,
) -> Training:
    """Validate by leaving generator groups out, train on everything, and write the model directory.

    The same corpus, orders and seed give the same model and the same figures.
    """
    if seed < 0:
        raise InvalidInputError(f"seed must be >= 0, got {seed}")
    if out is not None:
        refuse_foreign(Path(out))
    assembled = assemble(Path(directory), orders=orders, n_jobs=n_jobs, progress=progress)
    validations = {
        basis: validate(
            assembled.meta[basis],
            assembled.borda,
            assembled.assessors,
            seed=seed,
            n_jobs=n_jobs,
            progress=progress,
        )
        for basis in BASES
    }
    card = _card(assembled, validations, name, version, seed)
    recommenders = {basis: _fit(assembled.meta[basis], basis, validations[basis], card, seed) for basis in BASES}
    model = Model(recommenders, card)
    return Training(model, validations, save(model, Path(out)) if out is not None else None)


def _fit(meta: MetaDataset, basis: str, validation: Validation, card: dict[str, Any], seed: int) -> Recommender:
    from rankers._lightgbm import fit_agreement, fit_order

    return Recommender(
        meta.measures,
        meta.feature_names,
        meta.pair_feature_names,
        basis,
        # one thread, so that the trees do not depend on the machine's core count
        fit_order(meta, seed, 1),
        fit_agreement(meta, seed, 1),
        validation.calibration,
        card,
    )


def _card(
    assembled: Assembled, validations: dict[str, Validation], name: str, version: str, seed: int
) -> dict[str, Any]:
    import lightgbm

    from rankers._lightgbm import AGREEMENT_PARAMETERS, AGREEMENT_ROUNDS, ORDER_PARAMETERS, ORDER_ROUNDS

    meta = assembled.meta["points"]
    kind = " and ".join(sorted(assembled.orders))
    return {
        "name": name,
        "version": version,
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "schema_version": SCHEMA_VERSION,
        "features": list(meta.feature_names),
        "measures": list(meta.measures),
        "landmarks": list(LANDMARKS),
        "corpus": {
            "hash": assembled.corpus_hash,
            "datasets": len(meta.datasets),
            "families": len(set(meta.families)),
            "groups": sorted(set(meta.groups)),
            "built_with": assembled.settings,
            "ranges": {name: list(ends) for name, ends in assembled.ranges.items()},
        },
        "assessors": {"kind": kind, "orders": assembled.orders, "per_dataset": list(assembled.per_dataset)},
        "consensus": "mean rank (Borda); the orders of people alone where a data set has any",
        "seed": seed,
        "lightgbm": {
            "version": lightgbm.__version__,
            "order": ORDER_PARAMETERS | {"rounds": ORDER_ROUNDS},
            "agreement": AGREEMENT_PARAMETERS | {"rounds": AGREEMENT_ROUNDS},
        },
        "figures": {basis: _figures(validation, kind) for basis, validation in validations.items()},
    }


def _figures(validation: Validation, kind: str) -> dict[str, Any]:
    """What the card says of a basis: leave-generator-group-out means with 95 % intervals."""
    return {
        "what": f"mean Kendall tau with the consensus of {kind} assessors, leave-generator-group-out, "
        "[mean, low, high] of the 95 % bootstrap interval over data sets",
        "tau": {method: [round(x, 4) for x in interval] for method, interval in validation.overall().items()},
        "regret": {method: round(float(np.mean(values)), 4) for method, values in validation.regrets.items()},
        "methods": BASELINES,
        "best_single": validation.best_single,
        "interval_coverage": round(validation.coverage, 4),
        "interval_coverage_worst_group": round(min(validation.group_coverage.values()), 4),
    }
