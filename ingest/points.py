"""Events -> the points of each curve, for who remembers curves (``query/held.py``). All in arrays, like the index."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from ingest.index import GROUP_BY, Groups
from schema.points import Array, Name, Points
from schema.tables import SINGLE_VALUE_ITER


def points_by_curve(groups: Groups) -> dict[tuple[str, str], dict[Name, Points | None]]:
    """The points of every (company, task) in scalars (as inserted), by metric and variant.

    None for a curve that is not only points: events without an iteration, single values, two of the same iteration,
    values that are no numbers.
    """
    found: dict[tuple[str, str], dict[Name, Points | None]] = {}
    if not groups.count:
        return found
    curves = Curves(groups)
    keys = (groups.values(name, groups.bounds[:-1]).cast(pa.string()).to_pylist() for name in GROUP_BY)
    for number, (company, task, metric, variant) in enumerate(zip(*keys, strict=True)):
        found.setdefault((company, task), {})[metric, variant] = curves.points(number)
    return found


class Curves:
    """The rows of each group, by iteration."""

    def __init__(self, groups: Groups) -> None:
        self._bounds = groups.bounds
        self._is_later = np.diff(groups.of_row, prepend=-1) == 0
        names = ("iter", "received_at", "has_iter", "value")
        iters, received, has_iter, values = (groups.column(name) for name in names)
        if np.any(self._is_later & (np.diff(iters, prepend=0) < 0)):
            order = np.lexsort((iters, groups.of_row))
            iters, received, has_iter, values = (column[order] for column in (iters, received, has_iter, values))
        with np.errstate(over="ignore"):
            self._iters, self._values = iters, values.astype(np.float32)
        is_point = has_iter & np.isfinite(self._values) & (iters > SINGLE_VALUE_ITER)
        self._are_points = self._all(is_point & ~(self._is_later & (np.diff(iters, prepend=0) == 0)))
        self._ascend = self._all(~(self._is_later & (np.diff(received, prepend=0) < 0)))
        self._received = received

    def points(self, number: int) -> Points | None:
        """Those of a group, if all of its rows are points."""
        if not self._are_points[number]:
            return None
        start, end = self._bounds[number], self._bounds[number + 1]
        received = int(self._received[end - 1]) if self._ascend[number] else None
        return Points(self._iters[start:end], self._values[start:end], received)

    def _all(self, of_row: Array) -> Array:
        """Of each group, whether it is so of all of its rows."""
        found: Array = np.logical_and.reduceat(of_row, self._bounds[:-1])
        return found
