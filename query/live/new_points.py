"""The new points of entities: all of them where they are few, else buckets with their range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from query.live.messages import StreamMessage, reset_message
from query.sql.statements import by_task, entities_parameters
from schema.events.rows import Row
from schema.events.tables import SINGLE_VALUE_ITER
from schema.registry import Entity
from schema.store import Store
from schema.store.tombstone_filters import NOT_DELETED_MANY_SQL, OF_ENTITIES_SQL

ENTITIES_AT_ONCE = 100  # whose points are read in one statement
CURVE_POINTS = 200  # of one message
MAX_CURVES = 400  # of one message; beyond: a reset

NEW = f"""
PREWHERE {OF_ENTITIES_SQL} AND seq >= {{since:UInt64}} AND seq < {{until:UInt64}}
    AND seq >= transform(task, {{tasks:Array(String)}}, {{sinces:Array(UInt64)}}, {{until:UInt64}})
    AND seq < transform(task, {{tasks:Array(String)}}, {{untils:Array(UInt64)}}, {{since:UInt64}})
WHERE {NOT_DELETED_MANY_SQL} AND has_iter AND iter > {SINGLE_VALUE_ITER}
"""
CURVES = f"GROUP BY task, metric, variant ORDER BY task, metric, variant LIMIT {MAX_CURVES + 1} BY task"
POINTS_SQL = f"""
SELECT task, metric, variant, countIf(value IS NULL) AS removed,
    arraySort(groupArrayIf({CURVE_POINTS + 1})((iter, timestamp, assumeNotNull(value)), value IS NOT NULL)) AS points
FROM scalars FINAL {NEW} {CURVES}
"""
BUCKETS_SQL = f"""
SELECT task, metric, variant, arraySort(groupArray((x, t, mean, low, high, newest))) AS points FROM
(
    SELECT task, metric, variant, min(iter) AS x, min(timestamp) AS t, avg(value) AS mean, min(value) AS low,
        max(value) AS high, argMax(value, (iter, timestamp)) AS newest
    FROM
    (
        SELECT task, metric, variant, iter, timestamp, assumeNotNull(value) AS value,
            min(iter) OVER curve AS first, max(iter) OVER curve AS last
        FROM scalars FINAL {NEW} AND value IS NOT NULL
        WINDOW curve AS (PARTITION BY task, metric, variant)
    )
    GROUP BY task, metric, variant, intDiv(iter - first, greatest(1, intDiv(last - first, {CURVE_POINTS}) + 1))
) {CURVES}
"""
POINT = ("x", "t", "y", "y_min", "y_max", "y_last")


@dataclass(frozen=True)
class BatchRange:
    """The batches of an entity after one, through another."""

    entity: Entity
    after: int
    through: int


async def points(store: Store, gaps: Sequence[BatchRange]) -> dict[str, StreamMessage]:
    """Read the points of some ranges of batches; return a message for each entity that has any."""
    notices: dict[str, StreamMessage] = {}
    for start in range(0, len(gaps), ENTITIES_AT_ONCE):
        notices |= await _notices(store, gaps[start : start + ENTITIES_AT_ONCE])
    return notices


async def _notices(store: Store, gaps: Sequence[BatchRange]) -> dict[str, StreamMessage]:
    """Return the messages of some entities.

    Few points are read as they are, which costs a third; where there are more, they are read again as buckets.
    """
    found = by_task(await store.read(POINTS_SQL, _bounds(gaps)))
    resets = {task for task, rows in found.items() if _is_beyond_points(rows)}
    crowded = {task for task, rows in found.items() if any(_is_crowded(row["points"]) for row in rows)} - resets
    told = {task: rows for task, rows in found.items() if task not in resets | crowded}
    if crowded:
        told |= by_task(await store.read(BUCKETS_SQL, _bounds([gap for gap in gaps if gap.entity.id in crowded])))
    new = {task: StreamMessage("points", {"task": task, "metrics": _metrics(rows)}) for task, rows in told.items()}
    return new | {task: reset_message(task) for task in resets}


def _bounds(gaps: Sequence[BatchRange]) -> dict[str, Any]:
    """Return the parameters of POINTS_SQL."""
    sinces, untils = [(gap.after + 1) << 16 for gap in gaps], [(gap.through + 1) << 16 for gap in gaps]
    bounds = {"sinces": sinces, "untils": untils, "since": min(sinces), "until": max(untils)}
    return entities_parameters(gap.entity for gap in gaps) | bounds


def _is_beyond_points(rows: Sequence[Row]) -> bool:
    """Tell whether a reset is needed: there are too many curves, or some points lost their value."""
    return len(rows) > MAX_CURVES or any(row["removed"] for row in rows)


def _is_crowded(points: Sequence[Sequence[Any]]) -> bool:
    """Tell whether points have to be put into buckets."""
    return len(points) > CURVE_POINTS or len({point[0] for point in points}) < len(points)


def _metrics(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    metrics: dict[str, dict[str, Any]] = {}
    for row in rows:
        columns = list(map(list, zip(*row["points"], strict=True)))
        columns += columns[2:] * (len(POINT) - len(columns))  # of a point by itself all values are one
        metrics.setdefault(row["metric"], {})[row["variant"]] = dict(zip(POINT, columns, strict=True))
    return metrics
