"""Points as they are met, one or many at a time -> parts of some 100 000 points."""

from __future__ import annotations

from array import array
from collections.abc import Iterator

import numpy as np

from ingest.importers.records import Points

FLUSH_POINTS = 100_000


class Curve:
    """The points of one curve that wait, in order."""

    __slots__ = ("decimal", "steps", "times", "values")

    def __init__(self) -> None:
        self.steps = array("q")
        self.values = array("d")
        self.times = array("q")
        self.decimal: array[float] | None = None  # the steps, once one of them is no whole number

    def add(self, step: float, value: float, time: int) -> None:
        """Add a point. ``time``: ms since the epoch."""
        if self.decimal is None and step != int(step):
            self.decimal = array("d", self.steps)
        if self.decimal is not None:
            self.decimal.append(step)
        else:
            self.steps.append(int(step))
        self.values.append(value)
        self.times.append(time)

    def points(self, metric: str, variant: str) -> Points:
        """Return what waits."""
        steps = np.array(self.steps) if self.decimal is None else np.array(self.decimal)
        return Points(metric, variant, steps, np.array(self.values), np.array(self.times))


class PointBuffer:
    """Points of many curves that wait until there are enough of them."""

    def __init__(self) -> None:
        self._curves: dict[tuple[str, str], Curve] = {}
        self._count = 0

    def add(self, names: tuple[str, str], step: float, value: float, time: int) -> None:
        """Add a point of a curve: metric and variant. ``time``: ms since the epoch."""
        curve = self._curves.get(names)
        if curve is None:
            curve = self._curves[names] = Curve()
        curve.add(step, value, time)
        self._count += 1

    def full(self) -> Iterator[Points]:
        """Yield what waits, if there is enough of it."""
        if self._count >= FLUSH_POINTS:
            yield from self.rest()

    def rest(self) -> Iterator[Points]:
        """Yield all that waits."""
        curves, self._curves, self._count = self._curves, {}, 0
        for names, curve in curves.items():
            yield curve.points(*names)
