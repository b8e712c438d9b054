"""Scalars other than as downsampled curves: raw points, whole events, single values.

API contract 3.20, 3.22, 3.23 and 6.9.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from query.columns.events import event_tables, schema_of
from query.columns.formats import JSON, Format, stream
from query.context import QueryContext
from query.pagination.paging import MAX_PAGE, MAX_TIES
from query.snapshot_scroll import MaybeScrolled, Selection, scroll
from query.sql.statements import (
    Axis,
    MetricFilter,
    document_columns,
    documents,
    entities_parameters,
    entity_parameters,
    fill,
    filter_sql,
)
from schema.api.requests import Boolean, Integer, Request
from schema.api.wire import Answer, Caller, Endpoints, Stream, Tier
from schema.errors import InvalidModel, InvalidTask
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, INT64_MIN, SCALAR, SINGLE_VALUE_ITER
from schema.registry import Entity
from schema.store.tombstone_filters import NOT_DELETED_MANY_SQL, NOT_DELETED_SQL, OF_ENTITIES_SQL, OF_ENTITY_SQL

PAGE_EVENTS = 500
MAX_RAW_POINTS = 200_000
RAW = "scalar_metrics_iter_raw"
UINT64_MAX = 2**64 - 1
PointPosition = tuple[int, int]  # x of the last point delivered, and its seq, or UINT64_MAX if all of that x were
START = (INT64_MIN, 0)

# Metrics that ever had single values: those of a task with 100 000 others are found without a look at its points.
WITH_SINGLE_VALUES = f"""metric IN (SELECT metric FROM metric_index
    WHERE {OF_ENTITIES_SQL} AND event_type = '{SCALAR}' AND min_iter <= {SINGLE_VALUE_ITER})"""
SINGLE_VALUES_SQL = f"""
SELECT {document_columns(SCALAR)} FROM scalars FINAL
PREWHERE {OF_ENTITIES_SQL} AND {WITH_SINGLE_VALUES} AND has_iter AND iter = {SINGLE_VALUE_ITER} AND $filter
WHERE {NOT_DELETED_MANY_SQL}
ORDER BY min((received_at, seq, task)) OVER (PARTITION BY task), seq
"""
POINTS = f"""
    FROM scalars FINAL PREWHERE {OF_ENTITY_SQL} AND $filter
    WHERE {NOT_DELETED_SQL} AND value IS NOT NULL AND $has_field"""
TOTAL_SQL = f"SELECT count() AS n {POINTS}"
AFTER = "$field >= {place:Int64} AND ($field > {place:Int64} OR seq > {seq:UInt64})"
RAW_SQL = f"""
WITH
    (SELECT max(x) FROM (SELECT $field AS x {POINTS} AND {AFTER} ORDER BY x LIMIT {{size:UInt32}})) AS last_x,
    arraySort(groupArray((x, seq, y))) AS points
SELECT variant, arrayMap(point -> point.1, points) AS xs, arrayMap(point -> point.3, points) AS ys,
    (points[1].1, points[1].2) AS start, (points[-1].1, points[-1].2) AS position
FROM
(
    SELECT variant, $field AS x, seq, assumeNotNull(value) AS y {POINTS} AND {AFTER} AND $field <= last_x
    ORDER BY x, seq LIMIT {{limit:UInt32}}
)
GROUP BY variant ORDER BY start
"""

endpoints = Endpoints(Tier.QUERY)


class GetTaskSingleValueMetrics(Request):
    """Values reported without iteration."""

    tasks: Annotated[list[str], Field(min_length=1)]
    metrics: list[MetricFilter] = []
    model_events: Boolean = False


class GetScalarMetricData(MaybeScrolled):
    """Whole events of one metric."""

    task: str
    metric: str
    model_events: Boolean = False


class ScalarMetricsIterRaw(Request):
    """A page of the raw points of a metric's curves; or, as columns, all scalars of a metric, or of all metrics.

    ``x_min``, ``x_max``: a part of the axis, both ends included, of pages.
    """

    task: str
    metric: MetricFilter | None = None
    format: Format = JSON
    key: Axis = "iter"
    batch_size: Annotated[Integer, Field(ge=0)] = 0
    count_total: Boolean = False
    model_events: Boolean = False
    scroll_id: str = ""
    x_min: Integer | None = None
    x_max: Integer | None = None

    @model_validator(mode="after")
    def _names_a_metric(self) -> Self:
        if self.metric is None and self.format == JSON:
            raise ValueError("metric: a field that is required")
        return self

    @property
    def filters(self) -> list[MetricFilter]:
        """The metric, if one is meant."""
        return [self.metric] if self.metric else []


@endpoints.add("events.get_task_single_value_metrics")
async def get_task_single_value_metrics(
    context: QueryContext, caller: Caller, request: GetTaskSingleValueMetrics
) -> Answer:
    """Return ``{"tasks": [{task, task_name, values: [{metric, variant, value, timestamp}]}]}``, in write order.

    Tasks without single values are left out.
    """
    entities = await _tasks_or_models(context, caller, request)
    names = {entity.id: entity.name for entity in entities}
    entities = [entity for entity in entities if context.caches.entity_index.had_single_values(entity.key)]
    if not entities:
        return {"tasks": []}
    condition, parameters = filter_sql(request.metrics)
    statement = fill(SINGLE_VALUES_SQL, {"$filter": condition})
    rows = await context.caches.responses.rows(statement, parameters | entities_parameters(entities), entities, SCALAR)
    values: dict[str, list[dict[str, Any]]] = {}
    for event in documents(rows, SCALAR):
        value = {name: event.get(name) for name in ("metric", "variant", "value", "timestamp")}
        values.setdefault(event["task"], []).append(value)
    return {"tasks": [{"task": task, "task_name": names[task], "values": found} for task, found in values.items()]}


async def _tasks_or_models(
    context: QueryContext, caller: Caller, request: GetTaskSingleValueMetrics
) -> Sequence[Entity]:
    """Return the entities, which may be models even if that is not said: on their pages web applications omit it."""
    try:
        return await context.entities(caller, request.tasks, request.model_events)
    except InvalidTask:
        try:
            return await context.entities(caller, request.tasks, True)
        except InvalidModel:
            pass
        raise


@endpoints.add("events.get_scalar_metric_data")
async def get_scalar_metric_data(context: QueryContext, caller: Caller, request: GetScalarMetricData) -> Answer:
    """Return ``{events, returned, total, scroll_id}``: pages of 500, newest iteration first."""
    entity = await context.entity(caller, request.task, request.model_events)
    page = await scroll(context, caller, "get_scalar_metric_data", [entity], request, _events_of_metric)
    events = documents(page.rows, SCALAR)
    return {"events": events, "returned": len(events), "total": page.total, "scroll_id": page.scroll_id}


def _events_of_metric(request: GetScalarMetricData) -> Selection:
    return Selection(SCALAR, PAGE_EVENTS, "metric = {metric:String}", {"metric": request.metric})


@endpoints.add("events.scalar_metrics_iter_raw", "2.16")
async def scalar_metrics_iter_raw(
    context: QueryContext, caller: Caller, request: ScalarMetricsIterRaw
) -> Answer | Stream:
    """Return ``{returned, total, scroll_id, variants: {variant: {y: [...], <key>: [...]}}}``, ascending by the key.

    Points without a value or a key are left out. ``iso_time`` gives times in ms, as ``timestamp`` does. A page is
    completed with all points of its last x, up to MAX_TIES of them.
    """
    entity = await context.entity(caller, request.task, request.model_events)
    if request.format != JSON:
        tables = event_tables(context, entity, SCALAR, request.filters)
        return stream(request.format, f"{entity.id}_scalars", schema_of(SCALAR), tables)
    state: dict[str, Any] = {"size": 0, "total": None, "position": START}
    if request.scroll_id:
        state = context.cursors.read(request.scroll_id, RAW, caller, [entity.id], lifetime=None)
    size = min(request.batch_size or state["size"] or MAX_PAGE, MAX_RAW_POINTS)
    if state["position"] is None:
        return {"returned": 0, "total": state["total"], "scroll_id": request.scroll_id, "variants": {}}
    (rows, position), total = await asyncio.gather(
        _read_points(context, entity, request, state["position"], size),
        _count(context, entity, request, state["total"]),
    )
    state = {"size": size, "total": total, "position": position}
    return {
        "returned": sum(len(row["xs"]) for row in rows),
        "total": total,
        "scroll_id": context.cursors.make(RAW, caller, [entity.id], state),
        "variants": {row["variant"]: {"y": [*map(float, row["ys"])], request.key: row["xs"]} for row in rows},
    }


async def _count(context: QueryContext, entity: Entity, request: ScalarMetricsIterRaw, total: int | None) -> int | None:
    if total is not None or not request.count_total:
        return total
    texts, parameters = _points(request)
    return int((await context.store.read(fill(TOTAL_SQL, texts), parameters | entity_parameters(entity)))[0]["n"])


async def _read_points(
    context: QueryContext, entity: Entity, request: ScalarMetricsIterRaw, start: PointPosition, size: int
) -> tuple[list[Row], PointPosition | None]:
    """Return a row for each variant, in the order of their first points, and the position after them.

    That is after all points of the last x, whatever metric is read next, unless there were too many of them; None if
    there are no points.
    """
    texts, parameters = _points(request)
    size = -(-size // MAX_PAGE) * MAX_PAGE if size > MAX_PAGE else size  # in whole pages, API contract 3.23
    parameters |= {"place": start[0], "seq": start[1], "size": size, "limit": size + MAX_TIES}
    rows = await context.store.read(fill(RAW_SQL, texts), parameters | entity_parameters(entity))
    if not rows:
        return [], None
    is_cut = sum(len(row["xs"]) for row in rows) == size + MAX_TIES
    x, seq = max(tuple(row["position"]) for row in rows)
    return rows, (x, seq if is_cut else UINT64_MAX)


def _points(request: ScalarMetricsIterRaw) -> tuple[dict[str, str], dict[str, Any]]:
    condition, parameters = filter_sql(request.filters)
    field, has_field = ("iter", "has_iter") if request.key == "iter" else ("timestamp", f"timestamp != {INT64_MAX}")
    for name, sign, bound in (("x_min", ">=", request.x_min), ("x_max", "<=", request.x_max)):
        if bound is not None:
            has_field += f" AND {field} {sign} {{{name}:Int64}}"
            parameters |= {name: min(max(bound, INT64_MIN), INT64_MAX)}
    return {"$filter": condition, "$has_field": has_field, "$field": field}, parameters
