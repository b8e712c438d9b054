"""Where the points of the curves of a request come from: memory, roll-ups, or rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from query.curves.buckets import Curve
from query.curves.held_scan import HeldScan
from query.curves.index import Index, scalar_curves
from query.curves.rollups import NOTHING_ROLLED, Rolled, RolledScan
from query.curves.scan import Drawing, Scan
from query.reader import Reader
from query.rows import MetricFilter
from schema.changes import Key
from schema.points import Points
from schema.registry import Entity
from schema.rows import Row

PERHAPS_WIDE = 250  # iterations of a bucket, as expected: in a group of curves it may become a tenth wider

Name = tuple[str, str, str]  # task, metric, variant


class Source(Protocol):
    """Some of the curves."""

    async def buckets(self) -> list[tuple[Curve, Row]]:
        """Of each curve with points ``count``, ``low`` and ``high``, and as arrays ``x`` and what is drawn."""


@dataclass(frozen=True)
class Scans:
    """``writes``: as ``Held.writes`` told before anything was read. ``held``: curves that need not be read."""

    reader: Reader
    drawing: Drawing
    index: Index
    keys: Mapping[str, Key]
    writes: Mapping[Key, int]
    held: Mapping[Name, Points]
    rolled: Rolled

    def of(self, curves: Sequence[Curve]) -> Sequence[Source]:
        """Together all of these curves, each once."""
        held = {curve: self.held[_name(curve)] for curve in curves if _name(curve) in self.held}
        others = [curve for curve in curves if curve not in held]
        rolled = [curve for curve in others if self.rolled.serve(curve, self.index)]
        rest = [curve for curve in others if not self.rolled.serve(curve, self.index)]
        sources: list[Source] = [HeldScan(held, self.drawing)] if held else []
        if rolled:
            stale = self.rolled.stale or {}
            sources.append(RolledScan(self.reader.store, rolled, self.drawing, self.index, stale))
        return [*sources, self.rows(rest)] if rest else sources

    def rows(self, curves: Sequence[Curve]) -> Scan:
        """Of rows alone."""
        return Scan(self.reader.store, curves, self.drawing, self.index)

    def keep(self, drawn: Sequence[tuple[Curve, dict[str, Any]]]) -> None:
        """In memory, those that were read as they are."""
        if not self.writes or self.drawing.key != "iter" or not self.drawing.is_whole:
            return
        simple = {
            (self.keys[curve.task], (curve.metric, curve.variant)): Points(read["x"], read["y"].astype(np.float32))
            for curve, read in drawn
            if _name(curve) not in self.held and curve.interval == 1 and curve.count == len(read["x"])
        }
        self.reader.held.keep(simple, self.writes)


async def scans_of(
    reader: Reader, entities: Sequence[Entity], filters: Sequence[MetricFilter], drawing: Drawing, samples: int
) -> Scans:
    """Of the curves of these entities' metrics. What is written from now on may or may not be in the answer."""
    keys = {entity.id: entity.key for entity in entities}
    writes = reader.held.writes(keys.values())
    index = await scalar_curves(reader.known, entities, filters)
    held = _held(reader, keys, index) if drawing.key == "iter" else {}
    long = _long(index, samples) - held.keys() if drawing.is_rolled else set()
    rolled = await reader.complete.rolled(entities, filters, drawing, long) if long else NOTHING_ROLLED
    return Scans(reader, drawing, index, keys, writes, held, rolled)


def _long(index: Index, samples: int) -> set[Name]:
    """Curves whose buckets may be wide."""
    return {_name_of(row) for row in index.curves if row["high"] - row["low"] >= PERHAPS_WIDE * samples}


def _held(reader: Reader, keys: Mapping[str, Key], index: Index) -> dict[Name, Points]:
    found = {}
    for task, metric, variant in map(_name_of, index.curves):
        if points := reader.held.points(keys[task], (metric, variant)):
            found[task, metric, variant] = points
    return found


def _name_of(row: Row) -> Name:
    return row["task"], row["metric"], row["variant"]


def _name(curve: Curve) -> Name:
    return curve.task, curve.metric, curve.variant
