"""Scalars -> the points of each curve, for the point cache (``query/cache/points.py``). In arrays, like the index."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pyarrow as pa

from ingest.writing.metric_index import GROUP_BY, Groups
from schema.changefeed.change_batch import EntityKey
from schema.changefeed.points import Array, CurveName, Points
from schema.events.tables import SINGLE_VALUE_ITER


def points_by_curve(groups: Groups) -> dict[EntityKey, dict[CurveName, Points | None]]:
    """Return the points of every (company, task) in scalars, as inserted, by metric and variant.

    None for a curve that is not only points: events without an iteration, single values, two of the same iteration,
    values that are no numbers.
    """
    found: dict[EntityKey, dict[CurveName, Points | None]] = {}
    if not groups.count:
        return found
    curves = Curves(groups)
    keys = zip(
        *(groups.values(name, groups.bounds[:-1]).cast(pa.string()).to_pylist() for name in GROUP_BY), strict=True
    )
    for entity, names in groupby(enumerate(keys), lambda numbered: numbered[1][:2]):
        found[entity] = curves.of_entity([(number, key[2:]) for number, key in names])
    return found


class Curves:
    """The rows of each group, by iteration."""

    def __init__(self, groups: Groups) -> None:
        self._bounds = groups.bounds.tolist()
        is_later = np.diff(groups.of_row, prepend=-1) == 0
        names = ("iter", "received_at", "has_iter", "value")
        iters, received, has_iter, values = (groups.column(name) for name in names)
        if np.any(is_later & (np.diff(iters, prepend=0) < 0)):
            order = np.lexsort((iters, groups.of_row))
            iters, received, has_iter, values = (column[order] for column in (iters, received, has_iter, values))
        with np.errstate(over="ignore"):
            self._iters, self._values = iters, values.astype(np.float32)
        is_point = has_iter & np.isfinite(self._values) & (iters > SINGLE_VALUE_ITER)
        self._are_points = self._all(is_point & ~(is_later & (np.diff(iters, prepend=0) == 0))).tolist()
        ascend = self._all(~(is_later & (np.diff(received, prepend=0) < 0)))
        newest = received[groups.bounds[1:] - 1].tolist()
        self._newest = [time if is_last else None for time, is_last in zip(newest, ascend.tolist(), strict=True)]

    def of_entity(self, names: Sequence[tuple[int, CurveName]]) -> dict[CurveName, Points | None]:
        """Return the points of groups that stand together, copied, as they may outlive the others."""
        start, end = self._bounds[names[0][0]], self._bounds[names[-1][0] + 1]
        iters, values = self._iters[start:end].copy(), self._values[start:end].copy()
        return {name: self._points(number, iters, values, start) for number, name in names}

    def _points(self, number: int, iters: Array, values: Array, offset: int) -> Points | None:
        if not self._are_points[number]:
            return None
        start, end = self._bounds[number] - offset, self._bounds[number + 1] - offset
        return Points(iters[start:end], values[start:end], self._newest[number])

    def _all(self, of_row: Array) -> Array:
        """Tell for each group whether something is so for all of its rows."""
        found: Array = np.logical_and.reduceat(of_row, self._bounds[:-1])
        return found
