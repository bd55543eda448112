"""Which data set an assessor is given next."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from corpus.app.drawing import seed_of
from corpus.orders import Key


def next_key(
    assessor: str, keys: Sequence[Key], opened: Collection[Key], judged: Mapping[Key, int], wanted: int
) -> Key | None:
    """The data set to open next, None where the assessor has had all.

    keys: all there are. opened: those this assessor has had. judged: assessors who work on one or finished it.

    The one that has most assessors, but fewer than `wanted`, comes first: agreement can be computed only where
    several judge the same. Those that have enough come last, the least judged of them first. Where that leaves a
    choice, every assessor has a shuffle of their own.
    """
    left = [key for key in sorted(keys) if key not in opened]
    if not left:
        return None
    shuffled = [left[place] for place in np.random.default_rng(seed_of(assessor)).permutation(len(left))]

    def urgency(key: Key) -> tuple[bool, int]:
        count = judged.get(key, 0)
        return (True, count) if count >= wanted else (False, -count)

    return min(shuffled, key=urgency)
