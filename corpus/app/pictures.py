"""Drawings of the data sets that assessors are working on, each made once and kept while there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from threading import Lock

from corpus.app.drawing import Drawing, draw, seed_of
from corpus.app.practice import practice
from corpus.orders import Key
from corpus.sessions import PRACTICE
from corpus.store import CorpusStore

MOST_BYTES = 256 * 2**20  # eight data sets of 100 000 points, or thousands of usual ones


class Pictures:
    """Drawings by key, from the corpus when they are first asked for.

    places: index in the corpus of each key. most: bytes that are kept, the drawing used last in any case.
    """

    def __init__(self, store: CorpusStore, places: Mapping[Key, int], most: int = MOST_BYTES) -> None:
        self._store = store
        self._places = places
        self._most = most
        self._kept: OrderedDict[Key, Drawing] = OrderedDict()
        self._held = Lock()
        self._making = Lock()

    def __contains__(self, key: Key) -> bool:
        return key == PRACTICE or key in self._places

    def __getitem__(self, key: Key) -> Drawing:
        found = self._find(key)
        if found is None:
            # one at a time: twenty assessors who begin together wait for one drawing, not for twenty
            with self._making:
                found = self._find(key) or self._keep(key, self._make(key))
        return found

    def _find(self, key: Key) -> Drawing | None:
        with self._held:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def _make(self, key: Key) -> Drawing:
        seed = seed_of(*key)
        if key == PRACTICE:
            example = practice()
            return draw(example.points, example.partitions, seed)
        entry = self._store.read(self._places[key], orders=False)
        return draw(entry.picture, entry.candidates, seed)

    def _keep(self, key: Key, drawing: Drawing) -> Drawing:
        with self._held:
            self._kept[key] = drawing
            while len(self._kept) > 1 and sum(map(_size, self._kept.values())) > self._most:
                self._kept.popitem(last=False)
        return drawing


def _size(drawing: Drawing) -> int:
    return drawing.points.nbytes + drawing.colors.nbytes
