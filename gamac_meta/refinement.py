"""Common refinement of partitions: the atoms of which all their clusters are unions.

Candidate partitions of one data set mostly cut it in the same places, so that 15 partitions of
thousands of points have a few hundred atoms. What is summed once over atoms need not be summed 15
times over points. Where partitions have nothing in common, every point is an atom of its own; they
are then refined in several groups, chosen to keep the work small.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gamac_meta.types import Floats, Ints, Labels

# points copied at once, where they are put in another order
PIECE = 1 << 14


@dataclass(frozen=True, eq=False)
class Refinement:
    """The atoms of a group of g partitions."""

    rows: Ints  # (g,) which partitions
    order: Ints  # (n,) points, atom by atom
    starts: Ints  # (A + 1,) where each atom begins in order
    labels: Labels  # (g, A) cluster of each atom in each partition, -1 outside

    @cached_property
    def atom_of(self) -> Ints:
        """(n,) atom of each point, in order."""
        return np.repeat(np.arange(self.starts.size - 1), np.diff(self.starts))

    @cached_property
    def clusters(self) -> tuple[Ints, Ints, Ints]:
        """Atoms of each cluster: (K + 1,) where each list begins, the lists, (g + 1,) first cluster of
        each partition among the concatenated (K,) clusters."""
        offsets = np.concatenate([[0], np.cumsum(self.labels.max(axis=1, initial=-1).astype(np.int64) + 1)])
        partition, atom = np.nonzero(self.labels >= 0)
        cluster = offsets[partition] + self.labels[partition, atom]
        order = np.argsort(cluster, kind="stable")
        starts = np.searchsorted(cluster[order], np.arange(offsets[-1] + 1))
        return starts, atom[order].astype(np.uint32), offsets

    @cached_property
    def noise(self) -> tuple[Ints, Ints]:
        """Atoms outside all clusters of each partition: (g + 1,) where each list begins, the lists."""
        partition, atom = np.nonzero(self.labels < 0)
        return np.searchsorted(partition, np.arange(self.rows.size + 1)), atom.astype(np.uint32)

    def cells(self, nearby: Ints, size: int) -> tuple[Ints, Ints, Ints]:
        """Atoms cut into cells of no more than size points, which lie together in the order nearby (n,): (n,)
        points, cell by cell, (C + 1,) where each cell begins, (A + 1,) the first cell of each atom."""
        atom = np.empty_like(self.order)
        atom[self.order] = self.atom_of
        order = nearby[np.argsort(atom[nearby], kind="stable")]
        pieces = -(-np.diff(self.starts) // size)
        first = np.concatenate([[0], np.cumsum(pieces)])
        within = np.arange(first[-1]) - np.repeat(first[:-1], pieces)
        starts = np.repeat(self.starts[:-1], pieces) + size * within
        return order, np.append(starts, order.size), first

    def columns(self, X: Floats) -> Floats:
        """(d, n) points in order, a dimension a row."""
        columns = np.empty((X.shape[1], self.order.size))
        for start in range(0, self.order.size, PIECE):
            columns[:, start : start + PIECE] = X[self.order[start : start + PIECE]].T
        return columns


def refine(labels: Labels) -> Refinement:
    """One refinement of all rows of labels (p, n)."""
    return _group(np.arange(len(labels)), labels, _atoms(labels))


class Refinements:
    """Refinements of the rows of labels (p, n), each made when first asked for, for all who walk over them."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels

    @cached_property
    def whole(self) -> Refinement:
        """One refinement of all rows."""
        return refine(self.labels)

    @cached_property
    def groups(self) -> list[Refinement]:
        """Refinements of groups of the rows, each row in one group.

        A walk over rows of distances costs a step for each point and group, and one for each atom and
        partition of a group: a partition joins the group whose cost it raises least, or opens a new one.
        """
        p, n = self.labels.shape
        if (self.whole.starts.size - 1) * p <= 2 * n:
            return [self.whole]
        groups: list[tuple[list[int], Ints, int]] = []  # partitions, atom of each point, number of atoms
        for row, own in enumerate(self.labels):
            best, least = None, n + int(own.max()) + 2
            for place, (members, codes, count) in enumerate(groups):
                joined = _joined(codes, own)
                size = int(joined.max()) + 1
                added = size * (len(members) + 1) - count * len(members)
                if added < least:
                    best, least = (place, joined, size), added
            if best is None:
                codes = own.astype(np.int64) + 1
                groups.append(([row], codes, int(codes.max()) + 1))
            else:
                place, joined, size = best
                groups[place] = ([*groups[place][0], row], joined, size)
        return [_group(np.array(members), self.labels, codes) for members, codes, _ in groups]


def _atoms(labels: Labels) -> Ints:
    """(n,) atom of each point under all rows of labels."""
    codes = np.zeros(labels.shape[1], dtype=np.int64)
    for row in labels:
        codes = _joined(codes, row)
    return codes


def _joined(codes: Ints, row: Labels) -> Ints:
    """(n,) codes of the pairs (code, cluster), without gaps."""
    pairs = codes * (int(row.max()) + 2) + row + 1
    if pairs.max() < 4 * pairs.size:
        present = np.bincount(pairs) > 0
        return np.asarray((np.cumsum(present) - 1)[pairs])
    return np.asarray(np.unique(pairs, return_inverse=True)[1])


def _group(rows: Ints, labels: Labels, codes: Ints) -> Refinement:
    order = np.argsort(codes, kind="stable")
    starts = np.append(np.flatnonzero(np.diff(codes[order], prepend=-1)), order.size)
    return Refinement(rows, order, starts, np.ascontiguousarray(labels[np.ix_(rows, order[starts[:-1]])]))
