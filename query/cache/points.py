"""Curves whose points are in memory: those that were read as they are, and those that are new.

Only in the process that is the only one to write (``eventide up``), which adds what is written. A curve stays as long
as its points are simple: numbers, one of each iteration. When anything else is written of it, it is forgotten, and read
from the store again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Set

import numpy as np

from query.cache.entity_index import EntityIndexCache
from schema.changefeed.changefeed import ChangeBatch, Changefeed, EntityKey
from schema.changefeed.points import CurveName, Points, join_points

MAX_CACHED_POINTS = 16 << 20  # of 12 bytes each
CURVE_SHARE = 8  # a curve takes no more than one in so many of them
MAX_PENDING = 64


class CachedCurve:
    """The points of a curve, and those that were written since they were joined."""

    def __init__(self, points: Points) -> None:
        self._points: Points | None = points
        self._pending: list[Points] = []
        self.count = len(points)

    def add(self, points: Points) -> None:
        """Those of a write."""
        self._pending.append(points)
        self.count += len(points)
        if len(self._pending) > MAX_PENDING:
            self.points()

    def points(self) -> Points | None:
        """All of them; None once one was written again."""
        if self._pending:
            self._points = self._points and join_points((self._points, *self._pending))
            self._pending.clear()
        return self._points


class PointCache:
    """``changefeed``: of a process that is the only one to write; nothing is held without."""

    def __init__(
        self, known: EntityIndexCache, changefeed: Changefeed | None, max_points: int = MAX_CACHED_POINTS
    ) -> None:
        self._known = known
        self._changefeed = changefeed
        self._lines: OrderedDict[EntityKey, dict[CurveName, CachedCurve]] = OrderedDict()
        self._count = 0
        self._max_points = max_points
        self._max_line = max_points // CURVE_SHARE
        if changefeed:
            changefeed.listen(self)

    def points(self, key: EntityKey, name: CurveName) -> Points | None:
        """Those of a curve that is held; with ``received``, if nothing else was ever written of it."""
        line = self._lines.get(key, {}).get(name)
        if line is None:
            return None
        self._lines.move_to_end(key)
        points = line.points()
        if points is None:
            self._forget(key, name)
        return points

    def apply_changes(self, batch: ChangeBatch) -> None:
        """Curves that are held go on; those that had no events before are held."""
        for key in batch.invalidated:
            for name in list(self._lines.get(key, ())):
                self._forget(key, name)
        for number, curves in enumerate(batch.points):
            for key in curves.keys() - batch.invalidated:
                self._add(key, curves[key])
                if unheld := curves[key].keys() - self._lines.get(key, {}).keys():
                    self._begin(key, curves[key], unheld, self._earlier(key, batch, number))
        self._limit()

    def forget(self) -> None:
        """Everything."""
        self._lines.clear()
        self._count = 0

    def writes(self, keys: Iterable[EntityKey]) -> dict[EntityKey, int]:
        """How often entities were written, for ``keep``; to be asked before their points are read."""
        return {key: self._changefeed.of(key[1]) for key in keys} if self._changefeed else {}

    def keep(self, read: Mapping[tuple[EntityKey, CurveName], Points], writes: Mapping[EntityKey, int]) -> None:
        """Points that were read, of entities that were not written since; but for those without a value.

        They have no ``received``: there may be events without an iteration beside them.
        """
        now = self.writes(writes)
        for (key, name), points in read.items():
            is_true = key in now and now[key] == writes[key]
            if is_true and name not in self._lines.get(key, {}) and np.isfinite(points.values).all():
                self._hold(key, name, CachedCurve(points))
        self._limit()

    def _add(self, key: EntityKey, written: Mapping[CurveName, Points | None]) -> None:
        lines = self._lines.get(key, {})
        for name in written.keys() & lines.keys():
            if points := written[name]:
                lines[name].add(points)
                self._count += len(points)
            if not points or lines[name].count > self._max_line:
                self._forget(key, name)

    def _begin(
        self,
        key: EntityKey,
        written: Mapping[CurveName, Points | None],
        unheld: Set[CurveName],
        earlier: Set[CurveName] | None,
    ) -> None:
        """Curves that had no events before. ``earlier``: those that had; None if that is not known."""
        for name in () if earlier is None else unheld - earlier:
            if points := written[name]:
                self._hold(key, name, CachedCurve(points))

    def _earlier(self, key: EntityKey, batch: ChangeBatch, number: int) -> Set[CurveName] | None:
        """The curves that an entity had before these news' table of that number; ``known`` hears of them later."""
        known = set() if key in batch.created else self._known.curves(key)
        return None if known is None else known.union(*(curves.get(key, ()) for curves in batch.points[:number]))

    def _hold(self, key: EntityKey, name: CurveName, line: CachedCurve) -> None:
        if line.count <= self._max_line:
            self._lines.setdefault(key, {})[name] = line
            self._lines.move_to_end(key)
            self._count += line.count

    def _limit(self) -> None:
        while self._count > self._max_points:
            oldest, names = next(iter(self._lines.items()))
            self._forget(oldest, next(iter(names)))

    def _forget(self, key: EntityKey, name: CurveName) -> None:
        self._count -= self._lines[key].pop(name).count
        if not self._lines[key]:
            del self._lines[key]
