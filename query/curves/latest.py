"""Latest values of a task (API contract 3.21).

Cached curves answer from memory; the metric index says where the others end. Of tasks whose index is not cached, the
statements choose among the curves, and no name is read that is not in the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from query.cache.entity_index import EntityIndex
from query.cache.points import PointCache
from query.context import QueryContext
from query.curves.stored_values import VALUES, CurvesExtent, StoredValues, name_of
from query.sql.metric_index import IndexRow
from query.sql.metric_names import MetricNames, MetricPage, NameQuery, read_names
from query.sql.statements import entity_parameters, fill
from query.sql.tombstone_filter import TombstoneFilter
from query.sql.tombstones import read_tombstones
from schema.api.wire import Answer, Caller, Endpoints, Reply, Tier
from schema.changefeed.points import CurveName
from schema.events.rows import Row
from schema.events.tables import INT64_MIN, LOG, SCALAR
from schema.registry import Entity
from schema.store.tombstone_filters import DELETED_SEQ_SQL, OF_ENTITY_SQL

LAST_LINE_SQL = f"""
SELECT iter FROM logs FINAL WHERE {OF_ENTITY_SQL} AND $living AND has_iter ORDER BY iter DESC LIMIT 1
"""
# Of each event type: how many curves there are, where the last ends, how many iterations the longest spans.
EXTENTS_SQL = f"""
SELECT event_type, count() AS curves, max(high) AS end, max(if(high < low, 0, toFloat64(high) - low)) AS longest
FROM
(
    SELECT event_type, metric, variant, min(min_iter) AS low, max(max_iter) AS high
    FROM metric_index WHERE {OF_ENTITY_SQL} AND since = {DELETED_SEQ_SQL}
    GROUP BY event_type, metric, variant
)
GROUP BY event_type
"""

endpoints = Endpoints(Tier.QUERY)


class GetTaskLatestScalarValues(MetricPage):
    """A task whose latest values, or a page of them, are asked for."""

    task: str


@dataclass(frozen=True)
class LatestValues:
    """Rows of curves, the last iteration of any event, and the number of metrics on all pages; None: there are none."""

    rows: Sequence[Row]
    last_iter: int
    total: int | None = None


@endpoints.add("events.get_task_latest_scalar_values")
async def get_task_latest_scalar_values(
    context: QueryContext, caller: Caller, request: GetTaskLatestScalarValues
) -> Reply:
    """Return ``{metrics: [{name, variants: [{name, last_value, …}]}], last_iter, name, …}``.

    ``last_value`` is the value at the greatest iteration; so, despite its name, is ``last_10_value``, as clients know
    it; ``last_100_value`` is the mean of the last 100. All are of 32-bit floats. ``last_iter`` is the greatest of the
    task's events of any type, ``last_timestamp`` when (ms) the newest of the values was received; both are 0 if there
    is none. Eventide's own: ``pattern``, ``page`` and ``page_size`` choose among the metrics by name; then ``total``
    tells how many there are on all pages.
    """
    task = await context.entity(caller, request.task)
    return await context.caches.responses.answer(request, [task], lambda: latest_of(context, task, request))


async def latest_of(context: QueryContext, task: Entity, page: MetricPage) -> Answer:
    """Return the answer of ``get_task_latest_scalar_values``."""
    cached = None if page.is_part else await context.caches.entity_index.cached([task])
    found = await (_by_index(context, task, cached) if cached else _by_statements(context, task, page))
    answer = {
        "metrics": _by_metric(found.rows),
        "last_iter": found.last_iter,
        "name": task.name,
        "status": task.status,
        "last_timestamp": float(max((row["newest"] for row in found.rows), default=0)),
    }
    return answer if found.total is None else answer | {"total": found.total}


async def _by_index(context: QueryContext, task: Entity, facts: EntityIndex) -> LatestValues:
    """Return the values of the curves in the index, those of cached curves from memory."""
    living = TombstoneFilter.after(facts.tombstones[task.id], task)
    known = [row for row in facts.index if row.since == living.since]
    scalars = [row for row in known if row.event_type == SCALAR]
    rows = _cached(context.caches.points, task, scalars)
    cached = {name_of(row) for row in rows}
    if others := [curve for curve in scalars if curve.name not in cached]:
        end, longest = max(curve.high for curve in others), max(curve.high - curve.low for curve in others)
        extent, names = CurvesExtent(len(others), end, longest), [curve.name for curve in others]
        found = await StoredValues(context.store, living).latest(names, extent, are_all=not cached)
        rows += [row for row in found if name_of(row) not in cached]
    ends = {row.event_type: row.high for row in sorted(known, key=lambda row: row.high) if row.high >= row.low}
    return LatestValues(rows, await _last_iter(context, living, ends))


async def _by_statements(context: QueryContext, task: Entity, page: MetricPage) -> LatestValues:
    """Return the values of a page of metrics. Which metrics those are is read only if not all of them are needed."""
    tombstones, extents = await asyncio.gather(read_tombstones(context.store, [task.key]), _extents(context, task))
    living, extent = TombstoneFilter.after(tombstones[task.id], task), extents.get(SCALAR)
    ends = {name: of_type.end for name, of_type in extents.items() if of_type.end != INT64_MIN}  # of none with an iter
    last_iter = await _last_iter(context, living, ends)
    if extent is None:
        return LatestValues([], last_iter, 0 if page.is_part else None)
    stored = StoredValues(context.store, living)
    if not page.is_part and stored.is_short(extent):
        return LatestValues(await stored.latest([], extent, are_all=True), last_iter)
    chosen = await read_names(context.store, NameQuery([task], SCALAR, page=page))
    names = _names(chosen.metrics)
    extent = CurvesExtent(len(names), extent.end, extent.longest)
    rows = await stored.latest(names, extent, are_all=not page.is_part) if names else []
    return LatestValues(rows, last_iter, chosen.total if page.is_part else None)


async def _extents(context: QueryContext, task: Entity) -> dict[str, CurvesExtent]:
    """Read the extent of the task's curves by event type."""
    rows = await context.store.read(EXTENTS_SQL, entity_parameters(task))
    return {row["event_type"]: CurvesExtent(row["curves"], row["end"], int(row["longest"])) for row in rows}


def _names(metrics: Sequence[MetricNames]) -> list[CurveName]:
    return [(of_metric.metric, variant) for of_metric in metrics for variant in of_metric.variants]


def _cached(cached: PointCache, task: Entity, curves: Sequence[IndexRow]) -> list[Row]:
    """Return rows as of StoredValues, for the curves that are cached."""
    rows: list[Row] = []
    for curve in curves:
        points = cached.get(task.key, curve.name)
        if points is None or points.received is None:
            continue
        values = points.values[-VALUES:].astype(np.float64)
        names = {"metric": curve.metric, "variant": curve.variant}
        rows.append(names | {"last": float(values[-1]), "mean": float(values.mean()), "newest": points.received})
    return rows


async def _last_iter(context: QueryContext, living: TombstoneFilter, ends: Mapping[str, int]) -> int:
    """Return the last iteration, of ``ends`` by event type; of lines that were cleared by themselves, from the rows."""
    known = [end for event_type, end in ends.items() if event_type != LOG or not living.were_lines_deleted]
    if living.were_lines_deleted:
        lines = await context.store.read(fill(LAST_LINE_SQL, {"$living": living.lines}), living.parameters)
        known += [row["iter"] for row in lines]
    return max(known, default=0)


def _by_metric(rows: Sequence[Row]) -> list[dict[str, Any]]:
    metrics: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=name_of):
        last, mean = float(row["last"]), float(row["mean"])
        value = {"name": row["variant"], "last_value": last, "last_10_value": last, "last_100_value": mean}
        metrics.setdefault(row["metric"], []).append(value)
    return [{"name": metric, "variants": variants} for metric, variants in metrics.items()]
