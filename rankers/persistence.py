"""Model directories: LightGBM text and a JSON card, written whole or not at all, loaded without pickle."""

from __future__ import annotations

import errno
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gamac_meta.exceptions import ModelError, StorageFullError
from gamac_meta.measures import MEASURES
from gamac_meta.types import Ints
from metafeatures import NAMES, SCHEMA_VERSION
from rankers._pairs import pair_feature_names
from rankers.learned import HEADS as LEARNED_HEADS
from rankers.learned import LearnedMeasure, head_columns
from rankers.model import BASES, Calibration, Recommender
from rankers.structure import StructureHead
from rankers.trios import SIZE

if TYPE_CHECKING:
    import lightgbm

FORMAT = 2
CARD = "card.json"
HEADS = ("order", "agreement")
LEARNED = "learned"
STRUCTURE = "structure"
RANGES = ("points", "columns")  # of the corpus, outside which advice comes with a caution


@dataclass(frozen=True, eq=False)
class Model:
    """The recommenders of one training, by basis, its learned measure, its card, and what tells structure from none."""

    recommenders: Mapping[str, Recommender]
    learned: LearnedMeasure
    card: Mapping[str, Any]
    structure: StructureHead | None = None  # a model may not have learned it

    @property
    def name(self) -> str:
        """Name and version, as printed."""
        return f"{self.card['name']} {self.card['version']}"


def save(model: Model, directory: Path) -> Path:
    """Write a model directory. An older model there is replaced only when the new one is complete.

    Raises StorageFullError when the disk has no room, ModelError where the directory holds anything
    but a model; what was there before stays.
    """
    directory = Path(directory)
    refuse_foreign(directory)
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    except OSError as error:
        raise _storage_error(error, directory) from error
    try:
        card = dict(model.card) | {"format": FORMAT, "recommenders": {}}
        card[LEARNED] = {
            "heads": {head: _write_head(beside, LEARNED, head, tree) for head, tree in model.learned.heads.items()},
            "columns": {head: list(model.learned.columns(head)) for head in model.learned.heads},
        }
        for basis, recommender in model.recommenders.items():
            files = {head: _write_head(beside, basis, head, getattr(recommender, f"{head}_head")) for head in HEADS}
            calibration = recommender.calibration
            card["recommenders"][basis] = {
                "heads": files,
                "pair_features": list(recommender.pair_feature_names),
                "trios": [[recommender.measures[place] for place in trio] for trio in recommender.trios],
                "calibration": {name: getattr(calibration, name).tolist() for name in ("shift", "low", "high")},
            }
        if model.structure is not None:
            card[STRUCTURE] = _structure_record(model.structure)
        _write(beside / CARD, json.dumps(card, indent=1, sort_keys=True, allow_nan=False) + "\n")
        _replace(beside, directory)
    except OSError as error:
        raise _storage_error(error, directory) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return directory


def _write_head(beside: Path, of: str, head: str, tree: lightgbm.Booster) -> dict[str, str]:
    """Write a head; its file and hash, for the card."""
    text, name = tree.model_to_string(), _file(of, head)
    _write(beside / name, text)
    return {"file": name, "sha256": sha256(text.encode()).hexdigest()}


def _file(of: str, head: str) -> str:
    return f"{of}-{head}.txt"


def _write(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def refuse_foreign(directory: Path) -> None:
    """Raise ModelError unless the directory is free for a model: absent, empty, or holding one."""
    if directory.exists() and not directory.is_dir():
        raise ModelError(f"a model is a directory, got the file {directory}")
    held = sorted(path.name for path in directory.iterdir()) if directory.exists() else []
    files = {CARD, *(_file(basis, head) for basis in BASES for head in HEADS)}
    files |= {_file(LEARNED, head) for head in LEARNED_HEADS}
    foreign = [name for name in held if name not in files]
    if foreign:
        raise ModelError(f"{directory} must be empty or hold a model, got {foreign[0]!r}; choose another directory")


def _replace(beside: Path, directory: Path) -> None:
    beside.chmod(0o755)
    if not directory.exists():
        beside.rename(directory)
        return
    # a directory cannot be renamed over a full one: the old one steps aside, and back if the rename fails
    aside = Path(tempfile.mkdtemp(prefix=f".{directory.name}-old-", dir=directory.parent)) / "model"
    directory.rename(aside)
    try:
        beside.rename(directory)
    except OSError:
        aside.rename(directory)
        aside.parent.rmdir()
        raise
    shutil.rmtree(aside.parent)


def _storage_error(error: OSError, directory: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFullError(f"no room left to write the model to {directory}; what was there before is unchanged")
    return ModelError(f"the model could not be written to {directory}: {error.strerror or error}")


def load(directory: Path) -> Model:
    """Read a model directory and check it against this installation.

    Raises ModelError: no such model, damaged files, another format, another meta-feature schema,
    or a measure that this installation lacks.
    """
    directory = Path(directory)
    card = _read_card(directory)
    if card.get("format") != FORMAT:
        raise ModelError(f"model {directory}: format must be {FORMAT}, got {card.get('format')!r}; retrain it")
    schema = card.get("schema_version")
    if schema != SCHEMA_VERSION:
        raise ModelError(
            f"model {directory}: it was trained on meta-feature schema {schema!r}, "
            f"this installation has schema {SCHEMA_VERSION}; retrain it"
        )
    try:
        measures = tuple(str(name) for name in card["measures"])
        features = tuple(str(name) for name in card["features"])
        missing = [name for name in measures if name not in MEASURES]
        if missing:
            raise ModelError(f"model {directory}: it needs measures that this installation lacks: {', '.join(missing)}")
        strange = [name for name in features if name not in NAMES]
        if strange:
            raise ModelError(
                f"model {directory}: it needs meta-features that schema {SCHEMA_VERSION} lacks: {', '.join(strange)}"
            )
        recommenders = {
            str(basis): _recommender(directory, str(basis), part, card, measures, features)
            for basis, part in card["recommenders"].items()
        }
        structure = _structure(card[STRUCTURE], features) if STRUCTURE in card else None
        model = Model(recommenders, _learned(directory, card[LEARNED], measures, features), card, structure)
        said = (model.name, card["assessors"]["kind"], *(card["corpus"]["ranges"][what] for what in RANGES))
        if set(recommenders) != set(BASES) or None in said:
            raise ModelError(
                f"model {directory}: the card must describe {', '.join(BASES)}, got {sorted(recommenders)}"
            )
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise ModelError(f"model {directory}: {CARD} is damaged ({type(error).__name__}: {error})") from error
    return model


def _read_card(directory: Path) -> dict[str, Any]:
    path = directory / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError(f"no model at {directory}: {CARD} is missing") from None
    except OSError as error:
        raise ModelError(f"model {directory}: {CARD} cannot be read: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:
        raise ModelError(f"model {directory}: {CARD} is damaged: {error}") from error
    if not isinstance(card, dict):
        raise ModelError(f"model {directory}: {CARD} must hold an object, got {type(card).__name__}")
    return card


def _recommender(
    directory: Path,
    basis: str,
    part: Mapping[str, Any],
    card: Mapping[str, Any],
    measures: tuple[str, ...],
    features: tuple[str, ...],
) -> Recommender:
    pair_features = tuple(str(name) for name in part["pair_features"])
    if pair_features != pair_feature_names(basis):
        raise ModelError(f"model {directory}: its pair features for {basis} are not those known here; retrain it")
    columns = len(features) + len(pair_features) + 1
    boosters = {head: _read_head(directory, part["heads"][head], columns) for head in HEADS}
    arrays = {name: np.asarray(part["calibration"][name], dtype=np.float64) for name in ("shift", "low", "high")}
    return Recommender(
        measures,
        features,
        pair_features,
        basis,
        boosters["order"],
        boosters["agreement"],
        Calibration(**arrays),
        _trios(part.get("trios", []), measures),
        card,
    )


def _trios(named: Sequence[Sequence[str]], measures: tuple[str, ...]) -> Ints:
    """From names; a model made before there were any has none."""
    return np.array([[measures.index(name) for name in trio] for trio in named], dtype=np.int64).reshape(
        len(named), SIZE
    )


def _learned(
    directory: Path, part: Mapping[str, Any], measures: tuple[str, ...], features: tuple[str, ...]
) -> LearnedMeasure:
    names = set(part["heads"])
    if not {"consensus"} <= names <= set(LEARNED_HEADS):
        raise ModelError(
            f"model {directory}: the learned measure must have the head consensus, and beside it at most "
            f"{', '.join(LEARNED_HEADS[1:])}; got {sorted(names)}"
        )
    heads = {}
    for head, facts in part["heads"].items():
        columns = head_columns(head, measures, features)
        # a model of before heads had columns of their own lists them once
        if not isinstance(part["columns"], dict) or tuple(part["columns"][head]) != columns:
            raise ModelError(f"model {directory}: its features of partitions are not those known here; retrain it")
        heads[str(head)] = _read_head(directory, facts, len(columns))
    return LearnedMeasure(measures, features, heads)


def _structure_record(head: StructureHead) -> dict[str, Any]:
    """For the card; its features are those of the model, in their order."""
    arrays = {name: getattr(head, name).tolist() for name in ("center", "spread", "weight")}
    return arrays | {"intercept": head.intercept, "bar": head.bar}


def _structure(part: Mapping[str, Any], features: tuple[str, ...]) -> StructureHead:
    """From the card. Raises ValueError where numbers are missing or are none."""
    arrays = {name: np.asarray(part[name], dtype=np.float64) for name in ("center", "spread", "weight")}
    head = StructureHead(features, **arrays, intercept=float(part["intercept"]), bar=float(part["bar"]))
    for name, values in arrays.items():
        if values.shape != (len(features),) or not np.isfinite(values).all():
            raise ValueError(f"{STRUCTURE} must have {len(features)} finite numbers as {name}")
    return head


def _read_head(directory: Path, facts: Mapping[str, str], columns: int) -> lightgbm.Booster:
    from rankers._lightgbm import from_text

    path = directory / Path(facts["file"]).name
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ModelError(f"model {directory}: {path.name} cannot be read: {error.strerror or error}") from error
    # LightGBM aborts the process on some damaged texts, so the hash is checked before it sees them
    if sha256(text).hexdigest() != facts["sha256"]:
        raise ModelError(f"model {directory}: {path.name} is damaged, its hash differs from the card's")
    booster = from_text(text.decode("utf-8"))
    if booster.num_feature() != columns:
        raise ModelError(
            f"model {directory}: {path.name} has {booster.num_feature()} columns, the card names {columns}"
        )
    return booster
