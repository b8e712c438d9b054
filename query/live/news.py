"""The new points of entities: all where they are few, else with their range."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from query.live.notice import Notice, reset
from query.rows import of_entities
from schema.living import ENTITIES, LIVING_MANY
from schema.registry import Entity
from schema.rows import Row
from schema.store import Store
from schema.tables import SINGLE_VALUE_ITER

ENTITIES_AT_ONCE = 100  # whose points are read in one statement
CURVE_POINTS = 200  # of one notice
MAX_CURVES = 400  # of one notice; beyond: a reset

NEW = f"""
PREWHERE {ENTITIES} AND seq >= {{since:UInt64}} AND seq < {{until:UInt64}}
    AND seq >= transform(task, {{tasks:Array(String)}}, {{sinces:Array(UInt64)}}, {{until:UInt64}})
    AND seq < transform(task, {{tasks:Array(String)}}, {{untils:Array(UInt64)}}, {{since:UInt64}})
WHERE {LIVING_MANY} AND has_iter AND iter > {SINGLE_VALUE_ITER}
"""
CURVES = f"GROUP BY task, metric, variant ORDER BY task, metric, variant LIMIT {MAX_CURVES + 1} BY task"
POINTS_SQL = f"""
SELECT task, metric, variant, countIf(value IS NULL) AS removed,
    arraySort(groupArrayIf({CURVE_POINTS + 1})((iter, timestamp, assumeNotNull(value)), value IS NOT NULL)) AS points
FROM scalars FINAL {NEW} {CURVES}
"""
BUCKETS_SQL = f"""
SELECT task, metric, variant, 0 AS removed, arraySort(groupArray((x, t, mean, low, high))) AS points FROM
(
    SELECT task, metric, variant, min(iter) AS x, min(timestamp) AS t, avg(value) AS mean, min(value) AS low,
        max(value) AS high
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
POINT = ("x", "t", "y", "y_min", "y_max")


@dataclass(frozen=True)
class Gap:
    """The batches of an entity after one, through another."""

    entity: Entity
    after: int
    through: int


async def points(store: Store, gaps: Sequence[Gap]) -> dict[str, Notice]:
    """What to tell of the points in the gaps, by entity, where there are any."""
    notices: dict[str, Notice] = {}
    for start in range(0, len(gaps), ENTITIES_AT_ONCE):
        some = gaps[start : start + ENTITIES_AT_ONCE]
        by_task: dict[str, list[Row]] = {}
        for row in await _new_points(store, some):
            by_task.setdefault(row["task"], []).append(row)
        notices |= {g.entity.id: _news(g.entity, by_task[g.entity.id]) for g in some if g.entity.id in by_task}
    return notices


async def _new_points(store: Store, gaps: Sequence[Gap]) -> list[Row]:
    """Of few points all, which costs a third; where there are more, they are read again as few with their range."""
    rows = await store.read(POINTS_SQL, _bounds(gaps))
    crowded = {row["task"] for row in rows if _is_crowded(row["points"])}
    if not crowded:
        return rows
    buckets = await store.read(BUCKETS_SQL, _bounds([gap for gap in gaps if gap.entity.id in crowded]))
    return [row for row in rows if row["task"] not in crowded or row["removed"]] + buckets


def _bounds(gaps: Sequence[Gap]) -> dict[str, Any]:
    """The parameters of POINTS_SQL."""
    sinces, untils = [(gap.after + 1) << 16 for gap in gaps], [(gap.through + 1) << 16 for gap in gaps]
    bounds = {"sinces": sinces, "untils": untils, "since": min(sinces), "until": max(untils)}
    return of_entities(gap.entity for gap in gaps) | bounds


def _news(entity: Entity, rows: Sequence[Row]) -> Notice:
    """A reset where points lost their value, as only points are told."""
    if len(rows) > MAX_CURVES or any(row["removed"] for row in rows):
        return reset(entity.id)
    return Notice("points", {"task": entity.id, "metrics": _metrics(rows)})


def _is_crowded(points: Sequence[Sequence[Any]]) -> bool:
    """Whether some of the points are to become one."""
    return len(points) > CURVE_POINTS or len({point[0] for point in points}) < len(points)


def _metrics(rows: Iterable[Row]) -> dict[str, dict[str, Any]]:
    metrics: dict[str, dict[str, Any]] = {}
    for row in rows:
        columns = list(map(list, zip(*row["points"], strict=True)))
        columns += columns[2:] * (len(POINT) - len(columns))  # of a point by itself all three values are one
        metrics.setdefault(row["metric"], {})[row["variant"]] = dict(zip(POINT, columns, strict=True))
    return metrics
