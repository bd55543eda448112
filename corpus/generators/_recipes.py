"""Recipes: a family, its parameters and a seed, from which a data set is made again bit for bit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.generators._registry import (
    COLLECTIONS,
    GENERATORS,
    MODIFIERS,
    Choice,
    Generator,
    Range,
    Value,
    Whole,
    collection_of,
    families,
)
from gamac_meta.exceptions import InvalidInputError

FEWEST = 150
LARGEST = 1_000_000  # for recipes written by hand


@dataclass(frozen=True)
class Recipe:
    """All that is needed to make a data set; hashable, and plain JSON outside."""

    family: str
    seed: int
    params: tuple[tuple[str, Value], ...]  # of the family, the modifiers, and n
    number: int = 0  # place in the corpus, part of the name only

    @property
    def name(self) -> str:
        return f"{self.family}-{self.number:04d}"

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps(
            {"family": self.family, "seed": self.seed, "params": dict(self.params), "number": self.number}
        )

    @classmethod
    def from_json(cls, text: str) -> Recipe:
        """The recipe that `to_json` wrote; refused if it is not complete."""
        try:
            content = json.loads(text)
        except ValueError:
            raise InvalidInputError(f"a recipe must be JSON, got {text[:80]!r}") from None
        if not isinstance(content, dict) or not {"family", "seed", "params"} <= content.keys():
            raise InvalidInputError(f"a recipe must be a JSON object with family, seed and params, got {text[:80]!r}")
        params = content["params"]
        if not isinstance(params, dict) or not all(map(_is_value, params.values())):
            raise InvalidInputError(f"a recipe's params must map names to numbers or words, got {params!r:.80}")
        seed, number = content["seed"], content.get("number", 0)
        if not all(isinstance(value, int) and value >= 0 for value in (seed, number)):
            raise InvalidInputError(f"a recipe's seed and number must be integers >= 0, got {seed!r} and {number!r}")
        recipe = cls(str(content["family"]), seed, tuple(params.items()), number)
        checked_params(recipe)
        return recipe


def _is_value(value: Any) -> bool:
    if isinstance(value, str):
        return True
    return isinstance(value, int | float) and not isinstance(value, bool) and bool(np.isfinite(value))


def checked_params(recipe: Recipe) -> Mapping[str, Any]:
    """The recipe's parameters, complete and within sizes that can be made."""
    params = dict(recipe.params)
    expected = {"n", *MODIFIERS, *GENERATORS[recipe.family].parameters}
    if params.keys() != expected:
        missing, unknown = sorted(expected - params.keys()), sorted(params.keys() - expected)
        raise InvalidInputError(f"recipe of {recipe.family!r} lacks parameter(s) {missing} or has unknown {unknown}")
    member = GENERATORS[recipe.family]
    for name, parameter in member.parameters.items():
        _require(recipe, name, params[name], parameter)
    for name, (_, _, none) in MODIFIERS.items():
        if params[name] != none:
            share, parameter = COLLECTIONS[member.collection].modifier(name)
            _require(recipe, name, params[name], parameter if share else Whole(int(none), int(none)))
    _require(recipe, "n", params["n"], Whole(_fewest(member, params), LARGEST))
    return params


def _require(recipe: Recipe, name: str, value: Value, allowed: Range) -> None:
    if isinstance(allowed, Choice):
        if not allowed.holds(value):
            raise InvalidInputError(
                f"{name} of {recipe.family!r} must be one of {', '.join(allowed.names)}, got {value!r}"
            )
    elif not allowed.holds(value):
        kind = "a whole number" if isinstance(allowed, Whole) else "a number"
        raise InvalidInputError(
            f"{name} of {recipe.family!r} must be {kind} from {allowed.low:g} to {allowed.high:g}, got {value!r}"
        )


def _fewest(member: Generator, params: Mapping[str, Any]) -> int:
    """Points needed so that each cluster can be seen beside the noise and the duplicates."""
    own = 1.0 - params["noise"] - params["duplicates"]
    return max(FEWEST, int(np.ceil(member.per_cluster * params["k"] / own)))


def draw_recipe(index: int, seed: int) -> Recipe:
    """Data set number `index` of the corpus seeded `seed`.

    The index tells the collection. Its families come in rounds, each in its own shuffled order, so
    that in any prefix their counts differ by one at most; the result depends on index, seed and the
    collection's families only.
    """
    if index < 0 or seed < 0:
        raise InvalidInputError(f"index and seed must be >= 0, got {index} and {seed}")
    collection = collection_of(index)
    names = families(collection.name)
    cycle, place = divmod(index - collection.start, len(names))
    family = names[np.random.default_rng([seed, cycle, 0]).permutation(len(names))[place]]
    rng = np.random.default_rng([seed, index, 1])
    member = GENERATORS[family]
    params: dict[str, Value] = member.draw(rng)
    for name, (_, _, none) in MODIFIERS.items():
        share, parameter = collection.modifier(name)
        value = parameter.draw(rng)
        params[name] = value if rng.uniform() < share else none
    fewest = _fewest(member, params)
    params["n"] = Whole(fewest, max(fewest, member.most), log=True).draw(rng)
    return Recipe(family, int(rng.integers(2**32)), tuple(params.items()), index)
