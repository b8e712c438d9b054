"""Where the points of the curves of a request come from: memory, roll-ups, or rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from query.context import QueryContext
from query.curves.cached_source import CachedSource
from query.curves.curve_index import CurveIndex, scalar_curves
from query.curves.downsampling import Curve
from query.curves.rollup_source import NO_ROLLUPS, RollupCoverage, RollupSource
from query.curves.row_source import Drawing, RowSource
from query.sql.statements import MetricFilter
from schema.changefeed.changefeed import EntityKey
from schema.changefeed.points import Points
from schema.events.rows import Row
from schema.registry import Entity

PERHAPS_WIDE = 250  # iterations of a bucket, as expected: in a group of curves it may become a tenth wider

CurveKey = tuple[str, str, str]  # task, metric, variant


class PointSource(Protocol):
    """Some of the curves."""

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """Of each curve with points ``count``, ``low`` and ``high``, and as arrays ``x`` and what is drawn."""


@dataclass(frozen=True)
class PointSources:
    """``writes``: as ``Held.writes`` told before anything was read. ``held``: curves that need not be read."""

    context: QueryContext
    drawing: Drawing
    index: CurveIndex
    keys: Mapping[str, EntityKey]
    writes: Mapping[EntityKey, int]
    held: Mapping[CurveKey, Points]
    rolled: RollupCoverage

    def of(self, curves: Sequence[Curve]) -> Sequence[PointSource]:
        """Together all of these curves, each once."""
        held = {curve: self.held[_name(curve)] for curve in curves if _name(curve) in self.held}
        others = [curve for curve in curves if curve not in held]
        rolled = [curve for curve in others if self.rolled.serve(curve, self.index)]
        rest = [curve for curve in others if not self.rolled.serve(curve, self.index)]
        sources: list[PointSource] = [CachedSource(held, self.drawing)] if held else []
        if rolled:
            stale = self.rolled.stale or {}
            sources.append(RollupSource(self.context.store, rolled, self.drawing, self.index, stale))
        return [*sources, self.rows(rest)] if rest else sources

    def rows(self, curves: Sequence[Curve]) -> RowSource:
        """Of rows alone."""
        return RowSource(self.context.store, curves, self.drawing, self.index)

    def keep(self, drawn: Sequence[tuple[Curve, dict[str, Any]]]) -> None:
        """In memory, those that were read as they are."""
        if not self.writes or self.drawing.key != "iter" or not self.drawing.is_whole:
            return
        simple = {
            (self.keys[curve.task], (curve.metric, curve.variant)): Points(read["x"], read["y"].astype(np.float32))
            for curve, read in drawn
            if _name(curve) not in self.held and curve.interval == 1 and curve.count == len(read["x"])
        }
        self.context.points.keep(simple, self.writes)


async def open_sources(
    context: QueryContext, entities: Sequence[Entity], filters: Sequence[MetricFilter], drawing: Drawing, samples: int
) -> PointSources:
    """Of the curves of these entities' metrics. What is written from now on may or may not be in the answer."""
    keys = {entity.id: entity.key for entity in entities}
    writes = context.points.writes(keys.values())
    index = await scalar_curves(context.entity_index, entities, filters)
    held = _held(context, keys, index) if drawing.key == "iter" else {}
    long = _long(index, samples) - held.keys() if drawing.is_rolled else set()
    rolled = await context.rollup_coverage.rolled(entities, filters, drawing, long) if long else NO_ROLLUPS
    return PointSources(context, drawing, index, keys, writes, held, rolled)


def _long(index: CurveIndex, samples: int) -> set[CurveKey]:
    """Curves whose buckets may be wide."""
    return {_name_of(row) for row in index.curves if row["high"] - row["low"] >= PERHAPS_WIDE * samples}


def _held(context: QueryContext, keys: Mapping[str, EntityKey], index: CurveIndex) -> dict[CurveKey, Points]:
    found = {}
    for task, metric, variant in map(_name_of, index.curves):
        if points := context.points.points(keys[task], (metric, variant)):
            found[task, metric, variant] = points
    return found


def _name_of(row: Row) -> CurveKey:
    return row["task"], row["metric"], row["variant"]


def _name(curve: Curve) -> CurveKey:
    return curve.task, curve.metric, curve.variant
