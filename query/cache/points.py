"""The points of curves, cached: those that were read, and those that are new.

Only in the process that is the only one to write (``eventide up``), which adds what is written. A curve is cached as
long as its points are simple: numbers, one for each iteration. When anything else is written to it, it is dropped, and
read from the store again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

import numpy as np

from query.cache.entity_index import EntityIndexCache
from schema.changefeed.change_batch import ChangeBatch, EntityKey
from schema.changefeed.changefeed import Changefeed
from schema.changefeed.points import CurveName, Points, join_points
from schema.lru_cache import LruCache

MAX_CACHED_POINTS = 16 << 20  # of 12 bytes each
CURVE_SHARE = 8  # a curve takes no more than one in so many of them
MAX_PENDING = 64

CurveOfEntity = tuple[EntityKey, CurveName]


class CachedCurve:
    """The points of a curve, and those that were written since they were joined."""

    def __init__(self, points: Points) -> None:
        self._points: Points | None = points
        self._pending: list[Points] = []
        self.count = len(points)

    def add(self, points: Points) -> None:
        """Add the points of a write."""
        self._pending.append(points)
        self.count += len(points)
        if len(self._pending) > MAX_PENDING:
            self.points()

    def points(self) -> Points | None:
        """Join and return all points; None once one was written again."""
        if self._pending:
            self._points = self._points and join_points((self._points, *self._pending))
            self._pending.clear()
        return self._points


class PointCache:
    """Curves that were read or written last, ``max_points`` in all."""

    def __init__(
        self, entity_index: EntityIndexCache, changefeed: Changefeed, max_points: int = MAX_CACHED_POINTS
    ) -> None:
        self._entity_index = entity_index
        self._changefeed = changefeed
        self._names: dict[EntityKey, set[CurveName]] = {}
        self._curves: LruCache[CurveOfEntity, CachedCurve] = LruCache(
            "points", max_points, lambda curve: curve.count, share=CURVE_SHARE, on_evict=self._forget_name
        )

    def get(self, key: EntityKey, name: CurveName) -> Points | None:
        """Return the points of a curve; with ``received`` if nothing but simple points was ever written to it."""
        curve = self._curves.get((key, name))
        points = curve.points() if curve else None
        if curve and points is None:
            self._drop(key, name)
        return points

    def versions(self, keys: Iterable[EntityKey]) -> dict[EntityKey, int]:
        """Return the versions of entities, for ``keep``; to be asked before their points are read."""
        return {key: self._changefeed.version(key[1]) for key in keys}

    def keep(self, read: Mapping[CurveOfEntity, Points], versions: Mapping[EntityKey, int]) -> None:
        """Keep points that were read, of entities that were not written since; but for those without a value.

        They have no ``received``: there may be events without an iteration beside them.
        """
        now = self.versions(versions)
        for (key, name), points in read.items():
            is_current = key in now and now[key] == versions[key]
            if is_current and (key, name) not in self._curves and np.isfinite(points.values).all():
                self._put(key, name, points)

    def apply(self, batch: ChangeBatch) -> None:
        """Add new points to cached curves, keep curves that had no events before, drop invalidated entities."""
        for key in batch.invalidated:
            for name in list(self._names.get(key, ())):
                self._drop(key, name)
        for number, curves in enumerate(batch.points):
            for key in curves.keys() - batch.invalidated:
                uncached = curves[key].keys() - self._names.get(key, set())
                self._add(key, curves[key])
                if uncached:
                    self._begin(key, curves[key], uncached, self._earlier(key, batch, number))

    def clear(self) -> None:
        """Invalidate everything."""
        self._curves.clear()
        self._names.clear()

    def _add(self, key: EntityKey, written: Mapping[CurveName, Points | None]) -> None:
        for name in written.keys() & self._names.get(key, set()):
            curve, points = self._curves.peek((key, name)), written[name]
            if curve and points:
                curve.add(points)
                self._curves.measure((key, name))
            else:
                self._drop(key, name)

    def _begin(
        self,
        key: EntityKey,
        written: Mapping[CurveName, Points | None],
        uncached: Set[CurveName],
        earlier: Set[CurveName] | None,
    ) -> None:
        """Keep curves that had no events before. ``earlier``: those that had; None if that is not known."""
        for name in () if earlier is None else uncached - earlier:
            if points := written[name]:
                self._put(key, name, points)

    def _earlier(self, key: EntityKey, batch: ChangeBatch, number: int) -> Set[CurveName] | None:
        """Return the curves that an entity had before the batch's insert of that number; None if not known."""
        before = set() if key in batch.created else self._entity_index.curves(key)
        return None if before is None else before.union(*(curves.get(key, ()) for curves in batch.points[:number]))

    def _put(self, key: EntityKey, name: CurveName, points: Points) -> None:
        self._names.setdefault(key, set()).add(name)
        self._curves.put((key, name), CachedCurve(points))

    def _drop(self, key: EntityKey, name: CurveName) -> None:
        self._curves.pop((key, name))
        self._forget_name((key, name))

    def _forget_name(self, curve: CurveOfEntity) -> None:
        key, name = curve
        self._names[key].discard(name)
        if not self._names[key]:
            del self._names[key]
