"""Latest values of a task (API contract 3.21).

Cached curves answer from memory. The metric index says where the others end: of long ones only the end is read, and
those that have too few values there, as they ended earlier or have values at few iterations, are read whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from query.cache.points import PointCache
from query.context import QueryContext
from query.sql.metric_index import IndexRow
from query.sql.statements import MetricFilter, fill, filter_sql
from query.sql.threads import threads
from query.sql.tombstone_filter import TombstoneFilter
from schema.api.requests import Request
from schema.api.wire import Answer, Caller, Endpoints, Reply, Tier
from schema.changefeed.points import CurveName
from schema.events.rows import Row
from schema.events.tables import LOG, SCALAR
from schema.registry import Entity
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITY_SQL

VALUES = 100  # of each curve, for the mean
RECENT = 20_000  # iterations at the end of a long curve, at most; and at most
SHARE = 8  # one in so many of the longest: mostly more than VALUES, for less than a quarter of the time

LAST_LINE_SQL = f"""
SELECT iter FROM logs FINAL WHERE {OF_ENTITY_SQL} AND $living AND has_iter ORDER BY iter DESC LIMIT 1
"""
# PREWHERE: before rows of one identity are merged, which the highest seq survives; so only by identity and seq.
LATEST_SQL = f"""
SELECT metric, variant, argMin(single, place) AS last, avg(single) AS mean, max(received_at) AS newest, count() AS count
FROM
(
    SELECT metric, variant, received_at, toFloat64(toFloat32(assumeNotNull(value))) AS single,
        (NOT has_iter, bitNot(iter), seq) AS place
    FROM scalars FINAL PREWHERE {OF_ENTITY_SQL} AND $part AND $living WHERE value IS NOT NULL
    ORDER BY metric, variant, place LIMIT {VALUES} BY metric, variant
)
GROUP BY metric, variant$threads
"""

endpoints = Endpoints(Tier.QUERY)


class GetTaskLatestScalarValues(Request):
    """A task whose latest values are asked for."""

    task: str


@endpoints.add("events.get_task_latest_scalar_values")
async def get_task_latest_scalar_values(
    context: QueryContext, caller: Caller, request: GetTaskLatestScalarValues
) -> Reply:
    """Return ``{metrics: [{name, variants: [{name, last_value, …}]}], last_iter, name, …}``.

    ``last_value`` is the value at the greatest iteration; so, despite its name, is ``last_10_value``, as clients know
    it; ``last_100_value`` is the mean of the last 100. All are of 32-bit floats. ``last_iter`` is the greatest of the
    task's events of any type, ``last_timestamp`` when (ms) the newest of the values was received; both are 0 if there
    is none.
    """
    task = await context.entity(caller, request.task)
    return await context.caches.responses.answer(request, [task], lambda: latest_of(context, task))


async def latest_of(context: QueryContext, task: Entity) -> Answer:
    facts = await context.caches.entity_index.of([task])
    of_task = TombstoneFilter.after(facts.tombstones[task.id], task)
    known = [row for row in facts.index if row.since == of_task.since]
    scalars = [row for row in known if row.event_type == SCALAR]
    rows = _cached(context.caches.points, task, scalars)
    cached = {_name(row) for row in rows}
    if others := [curve for curve in scalars if curve.name not in cached]:
        found = await _latest(context.store, of_task, others, are_all=not cached)
        rows += [row for row in found if _name(row) not in cached]
    last_iter = await _last_iter(context.store, of_task, known)
    return {
        "metrics": _by_metric(rows),
        "last_iter": last_iter,
        "name": task.name,
        "status": task.status,
        "last_timestamp": float(max((row["newest"] for row in rows), default=0)),
    }


def _cached(cached: PointCache, task: Entity, curves: Sequence[IndexRow]) -> list[Row]:
    """Return rows as of LATEST_SQL, for the curves that are cached."""
    rows: list[Row] = []
    for curve in curves:
        points = cached.get(task.key, curve.name)
        if points is None or points.received is None:
            continue
        values = points.values[-VALUES:].astype(np.float64)
        names = {"metric": curve.metric, "variant": curve.variant}
        rows.append(names | {"last": float(values[-1]), "mean": float(values.mean()), "newest": points.received})
    return rows


async def _latest(store: Store, of_task: TombstoneFilter, curves: Sequence[IndexRow], are_all: bool) -> list[Row]:
    """Read these curves, and others of their metrics. ``are_all``: the task has no others."""
    part, parameters = filter_sql([] if are_all else _metrics(curves))
    end, longest = max(curve.high for curve in curves), max(curve.high - curve.low for curve in curves)
    if longest < VALUES * SHARE:
        return await _read(store, of_task, part, parameters, longest * len(curves))
    recent = min(longest // SHARE, RECENT)
    at_end = f"{part} AND iter > {{start:Int64}}"
    ends = await _read(store, of_task, at_end, parameters | {"start": end - recent}, recent * len(curves))
    enough = {_name(row): row for row in ends if row["count"] == VALUES}
    rest = _metrics(curve for curve in curves if curve.name not in enough)
    whole = await _read(store, of_task, *filter_sql(rest), longest * len(rest)) if rest else []
    return list((enough | {_name(row): row for row in whole}).values())


async def _read(store: Store, of_task: TombstoneFilter, part: str, parameters: Row, points: int) -> list[Row]:
    """Read a part of the task's points, of which there are about ``points``."""
    texts = {"$part": part, "$living": of_task.rows, "$threads": threads(points)}
    return await store.read(fill(LATEST_SQL, texts), of_task.parameters | parameters)


async def _last_iter(store: Store, of_task: TombstoneFilter, known: Sequence[IndexRow]) -> int:
    """Return the greatest iteration, from the index; of lines that were cleared by themselves, from the rows."""
    ends = [
        row.high for row in known if row.high >= row.low and not (of_task.were_lines_deleted and row.event_type == LOG)
    ]
    if of_task.were_lines_deleted:
        lines = await store.read(fill(LAST_LINE_SQL, {"$living": of_task.lines}), of_task.parameters)
        ends += [row["iter"] for row in lines]
    return max(ends, default=0)


def _metrics(curves: Iterable[IndexRow]) -> list[MetricFilter]:
    return [MetricFilter(metric=name) for name in sorted({curve.metric for curve in curves})]


def _name(row: Row) -> CurveName:
    return row["metric"], row["variant"]


def _by_metric(rows: Sequence[Row]) -> list[dict[str, Any]]:
    metrics: dict[str, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=_name):
        last, mean = float(row["last"]), float(row["mean"])
        value = {"name": row["variant"], "last_value": last, "last_10_value": last, "last_100_value": mean}
        metrics.setdefault(row["metric"], []).append(value)
    return [{"name": metric, "variants": variants} for metric, variants in metrics.items()]
