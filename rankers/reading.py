"""What a model sees of one data set: made once, then asked about measures and about partitions."""

from __future__ import annotations

from functools import cached_property

import numpy as np

import metafeatures
from gamac_meta.measures import MeasureEngine
from gamac_meta.types import Dataset, Floats, Ints, MeasureTable, PartitionSet
from rankers._borders import Borders
from rankers._pairs import candidates_basis, landmark_pairs, points_basis
from rankers._partitions import in_sample, partition_features, standing_features
from rankers.persistence import Model
from rankers.structure import UNKNOWN, Structure


class Reading:
    """Meta-features and landmarks of a data set, and what the model says of them."""

    def __init__(self, model: Model, data: Dataset) -> None:
        self.model = model
        self._seen = metafeatures.describe(data)
        self._table = self._seen.landmark_table.select(model.learned.measures)
        # a model may have learned from fewer features than there are
        columns = [metafeatures.NAMES.index(name) for name in model.learned.feature_names]
        self.features: Floats = self._seen.features[columns]

    @property
    def landmarks(self) -> tuple[Ints, PartitionSet]:
        """Rows (n',) of the sample in the data set, and the landmark partitions of the sample (l, n')."""
        return self._seen.rows, self._seen.landmarks

    def partition_features(self, partitions: PartitionSet, *, choosing: bool = True) -> Floats:
        """(p, c) features of partitions of the data set, on the points of the sample; not choosing: the first of them,
        which is all that other heads look at."""
        labels, landmarks = in_sample(partitions, self._seen), self._seen.landmarks
        # with a landmark among them, partitions of which the sample holds one cluster only are undefined, not refused
        among = PartitionSet(np.vstack([labels.labels, landmarks.labels[:1]]))
        values = self._engine.evaluate(among, self._table.measures).oriented()[:-1]
        if not choosing:
            return standing_features(values, labels, self._table.oriented(), landmarks)
        return partition_features(values, labels, self._table.oriented(), landmarks, self._borders)

    def score(self, partitions: PartitionSet, *, choosing: bool = False) -> Floats:
        """(p,) of the learned measure, greater is better; choosing: by its head that chooses one of many."""
        learned, features = self.model.learned, self.partition_features(partitions, choosing=choosing)
        return (learned.choice if choosing else learned.score)(self.features, features)

    @property
    def structure(self) -> Structure:
        """How sure it is that there are clusters at all; unknown to a model that did not learn it."""
        head = self.model.structure
        return UNKNOWN if head is None else head.structure(self.features)

    def pairs(self) -> Floats:
        """(m, g) features of each measure from X alone."""
        return points_basis(
            landmark_pairs(self._table, self._seen.landmarks), self._table.ranks(), self._landmark_scores
        )

    def pairs_on(self, candidates: PartitionSet, table: MeasureTable) -> Floats:
        """(m, g) features of each measure where the candidates are known; table (p, m) measures them."""
        ranks = table.select(self._table.measures).ranks()
        return candidates_basis(self._table.ranks(), self._landmark_scores, ranks, self.score(candidates))

    @cached_property
    def _engine(self) -> MeasureEngine:
        return MeasureEngine(self._seen.points)

    @cached_property
    def _borders(self) -> Borders:
        return Borders(self._seen.points.X)

    @cached_property
    def _landmark_scores(self) -> Floats:
        """(l,) of the learned measure."""
        landmarks, values = self._seen.landmarks, self._table.oriented()
        rows = standing_features(values, landmarks, values, landmarks)
        return np.asarray(self.model.learned.score(self.features, rows))
