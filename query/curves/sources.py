"""The sources of a request's points: the point cache, roll-ups, or rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from query.cache.rollup_coverage import CurveKey, RollupCoverage
from query.context import QueryContext
from query.curves.cached_source import CachedSource
from query.curves.curve_index import CurveIndex, scalar_curves
from query.curves.downsampling import Curve
from query.curves.rollup_source import NO_ROLLUPS, RollupSource, is_served, read_rollup_coverage
from query.curves.row_source import Drawing, RowSource
from query.sql.statements import MetricFilter
from schema.changefeed.change_batch import EntityKey
from schema.changefeed.points import Points
from schema.events.rows import Row
from schema.registry import Entity

MAX_CACHED_CURVES = 5000  # of one answer; to look up or keep so many takes 20 ms of the event loop
PERHAPS_WIDE = 250  # iterations of a bucket, as expected: in a group of curves it may become a tenth wider


class PointSource(Protocol):
    """A source of the points of some curves."""

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """Return for each curve with points ``count``, ``low`` and ``high``, and as arrays ``x`` and the aggregates."""


@dataclass(frozen=True)
class PointSources:
    """The sources of the curves of a request.

    ``versions``: of the entities, before anything was read. ``cached``: the points of curves that need not be read.
    """

    context: QueryContext
    drawing: Drawing
    index: CurveIndex
    keys: Mapping[str, EntityKey]
    versions: Mapping[EntityKey, int]
    cached: Mapping[CurveKey, Points]
    coverage: RollupCoverage

    def of(self, curves: Sequence[Curve]) -> Sequence[PointSource]:
        """Return sources that together have each of these curves once."""
        cached = {curve: self.cached[_name(curve)] for curve in curves if _name(curve) in self.cached}
        others = [curve for curve in curves if curve not in cached]
        rolled = [curve for curve in others if is_served(self.coverage, curve, self.index)]
        rest = [curve for curve in others if not is_served(self.coverage, curve, self.index)]
        sources: list[PointSource] = [CachedSource(cached, self.drawing)] if cached else []
        if rolled:
            stale = self.coverage.stale or {}
            sources.append(RollupSource(self.context.store, rolled, self.drawing, self.index, stale))
        return [*sources, self.rows(rest)] if rest else sources

    def rows(self, curves: Sequence[Curve]) -> RowSource:
        """Return the source that reads these curves from rows alone."""
        return RowSource(self.context.store, curves, self.drawing, self.index)

    def keep(self, drawn: Sequence[tuple[Curve, dict[str, Any]]]) -> None:
        """Cache the curves that were read as they are, without buckets."""
        if self.drawing.key != "iter" or not self.drawing.is_whole or len(drawn) > MAX_CACHED_CURVES:
            return
        simple = {
            (self.keys[curve.task], (curve.metric, curve.variant)): Points(read["x"], read["y"].astype(np.float32))
            for curve, read in drawn
            if _name(curve) not in self.cached and curve.interval == 1 and curve.count == len(read["x"])
        }
        self.context.caches.points.keep(simple, self.versions)


async def open_sources(
    context: QueryContext, entities: Sequence[Entity], filters: Sequence[MetricFilter], drawing: Drawing, samples: int
) -> PointSources:
    """Open the sources of the curves of these entities' metrics.

    What is written from now on may or may not be in the answer.
    """
    keys = {entity.id: entity.key for entity in entities}
    versions = context.caches.points.versions(keys.values())
    index = await scalar_curves(context.caches.entity_index, entities, filters)
    is_cached = drawing.key == "iter" and len(index.curves) <= MAX_CACHED_CURVES
    cached = _cached(context, keys, index) if is_cached else {}
    long = _long(index, samples) - cached.keys() if drawing.is_rolled else set()
    coverage = await _coverage(context, entities, filters, drawing, long) if long else NO_ROLLUPS
    return PointSources(context, drawing, index, keys, versions, cached, coverage)


async def _coverage(
    context: QueryContext,
    entities: Sequence[Entity],
    filters: Sequence[MetricFilter],
    drawing: Drawing,
    curves: Collection[CurveKey],
) -> RollupCoverage:
    async def read() -> RollupCoverage:
        return await read_rollup_coverage(context.store, entities, filters, drawing)

    cache = context.caches.rollup_coverage
    return await cache.coverage(entities, filters, curves, read, is_whole=drawing.is_whole)


def _long(index: CurveIndex, samples: int) -> set[CurveKey]:
    """Return the curves whose buckets may be wide."""
    return {_name_of(row) for row in index.curves if row["high"] - row["low"] >= PERHAPS_WIDE * samples}


def _cached(context: QueryContext, keys: Mapping[str, EntityKey], index: CurveIndex) -> dict[CurveKey, Points]:
    found = {}
    for task, metric, variant in map(_name_of, index.curves):
        if points := context.caches.points.get(keys[task], (metric, variant)):
            found[task, metric, variant] = points
    return found


def _name_of(row: Row) -> CurveKey:
    return row["task"], row["metric"], row["variant"]


def _name(curve: Curve) -> CurveKey:
    return curve.task, curve.metric, curve.variant
