"""Cached curves as points of an answer: the same as ``query/curves/row_source.py`` makes of rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from query.curves.downsampling import Curve
from query.curves.row_source import Drawing
from schema.changefeed.points import Array, Points
from schema.events.rollups import rollup_width
from schema.events.rows import Row
from schema.events.tables import INT64_MAX
from schema.fairness.computing import compute_if

AT_ONCE = 50_000  # points; more are drawn beside the event loop


class Buckets:
    """The values of points, cut where buckets begin (``first``)."""

    def __init__(self, y: Array, first: Array) -> None:
        self._y = y
        self._first = first
        self.counts = np.diff(first, append=len(y))

    def mean(self) -> Array:
        means: Array = np.add.reduceat(self._y, self._first) / self.counts
        return means

    def extreme(self, reduce: np.ufunc) -> Array:
        """Return the minimum or maximum (``reduce``) of each bucket."""
        found: Array = reduce.reduceat(self._y, self._first)
        return found

    def last(self) -> Array:
        ends: Array = self._y[self._first + self.counts - 1]
        return ends


AGGREGATES: dict[str, Callable[[Buckets], dict[str, Array]]] = {
    "mean": lambda of: {"y": of.mean()},
    "minmax": lambda of: {"y": of.mean(), "y_min": of.extreme(np.minimum), "y_max": of.extreme(np.maximum)},
    "last": lambda of: {"y": of.last()},
}


class CachedSource:
    """A source of cached curves with their points, over iterations."""

    def __init__(self, curves: Mapping[Curve, Points], drawing: Drawing) -> None:
        self._curves = curves
        self._drawing = drawing

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """Return the buckets in the form of ``RowSource.buckets``."""
        return await compute_if(sum(map(len, self._curves.values())) > AT_ONCE, self._drawn)

    def _drawn(self) -> list[tuple[Curve, Row]]:
        drawn = ((curve, self._row(points, curve.interval)) for curve, points in self._curves.items())
        return [(curve, row) for curve, row in drawn if row]

    def _row(self, points: Points, interval: int) -> Row | None:
        """Return the buckets of a curve; None if no point is in the range."""
        drawing = self._drawing
        start, end = np.searchsorted(points.iters, drawing.x_min), np.searchsorted(points.iters, drawing.x_max, "right")
        if start >= end:
            return None
        x, y = points.iters[start:end], points.values[start:end].astype(np.float64)
        known = {"count": len(x), "low": int(x[0]), "high": int(x[-1])}
        width = min(interval, INT64_MAX)  # which spans everything
        if width == 1:  # nothing is aggregated
            return known | {"x": x} | dict.fromkeys(drawing.aggregates, y)
        starts = x - x % (rollup_width(width) if drawing.is_rolled else width)
        first = np.concatenate(([0], np.flatnonzero(np.diff(starts)) + 1))
        return known | {"x": starts[first]} | AGGREGATES[drawing.aggregation](Buckets(y, first))
