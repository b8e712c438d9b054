"""Which metrics and variants there are (specification sections 3.9, 3.15, 3.16 and 4).

From the index, which is exact but for log lines: those can be cleared apart from other events, and are read themselves.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from query.reader import Reader
from query.rows import ANY_TYPE, EventType, Row, event_types, fill, of_entities
from schema.living import ENTITIES, LIVING_LOGS_MANY, SINCES
from schema.registry import Entity
from schema.requests import Boolean, Request
from schema.tables import LOG, SCALAR, SINGLE_VALUE_ITER, VECTOR
from schema.wire import Answer, Caller, Endpoints, Tier

INDEX_SQL = f"""
    SELECT task, metric, variant FROM metric_index
    WHERE {ENTITIES} AND since = {SINCES}[task] AND event_type IN {{types:Array(String)}} AND $index_condition"""
LOGS_SQL = f"""
    UNION ALL
    SELECT task, metric, variant FROM logs FINAL WHERE {ENTITIES} AND {LIVING_LOGS_MANY} AND $logs_condition"""
METRICS_SQL = "SELECT task, arraySort(groupUniqArray(metric)) AS metrics FROM ($found) GROUP BY task"
VARIANTS_SQL = """
SELECT metric, arraySort(groupUniqArray(variant)) AS variants FROM ($found) GROUP BY metric ORDER BY metric
"""
ANY_ITER = {"$index_condition": "1", "$logs_condition": "1"}
# Neither events without iteration nor single values count.
ON_AXIS = {
    "$index_condition": f"min_iter <= max_iter AND max_iter > {SINGLE_VALUE_ITER}",
    "$logs_condition": f"has_iter AND iter > {SINGLE_VALUE_ITER}",
}

endpoints = Endpoints(Tier.QUERY)


class GetTaskMetrics(Request):
    """The metrics of several entities."""

    tasks: Annotated[list[str], Field(min_length=1)]
    event_type: EventType
    model_events: Boolean = False


class GetMultiTaskMetrics(Request):
    """The metrics and variants of several entities together."""

    tasks: Annotated[list[str], Field(min_length=1)]
    event_type: EventType = ANY_TYPE
    model_events: Boolean = False


class GetMetricsAndVariants(Request):
    """The metrics and variants of one entity."""

    task: str
    model_events: Boolean = False


@endpoints.add("events.get_task_metrics")
async def get_task_metrics(reader: Reader, caller: Caller, request: GetTaskMetrics) -> Answer:
    """``{"metrics": [{task, metrics: [name]}]}``: an entry for each id asked for.

    Neither events without iteration nor single values count.
    """
    entities = await reader.entities(caller, request.tasks, request.model_events)
    rows = await _read(reader, entities, METRICS_SQL, request.event_type, ON_AXIS)
    metrics = {row["task"]: row["metrics"] for row in rows}
    return {"metrics": [{"task": task, "metrics": metrics.get(task, [])} for task in request.tasks]}


@endpoints.add("events.get_multi_task_metrics")
async def get_multi_task_metrics(reader: Reader, caller: Caller, request: GetMultiTaskMetrics) -> Answer:
    """``{"metrics": [{metric, variants: [name]}]}``: what any of the entities has."""
    entities = await reader.entities(caller, request.tasks, request.model_events)
    return {"metrics": await _read(reader, entities, VARIANTS_SQL, request.event_type, ANY_ITER)}


@endpoints.add("events.get_scalar_metrics_and_variants")
async def get_scalar_metrics_and_variants(reader: Reader, caller: Caller, request: GetMetricsAndVariants) -> Answer:
    """``{"metrics": {metric: [variant]}}`` of scalars."""
    return await _metrics_and_variants(reader, caller, request, SCALAR)


@endpoints.add("events.get_vector_metrics_and_variants")
async def get_vector_metrics_and_variants(reader: Reader, caller: Caller, request: GetMetricsAndVariants) -> Answer:
    """``{"metrics": {metric: [variant]}}`` of vectors."""
    return await _metrics_and_variants(reader, caller, request, VECTOR)


async def _metrics_and_variants(
    reader: Reader, caller: Caller, request: GetMetricsAndVariants, event_type: str
) -> Answer:
    entity = await reader.entity(caller, request.task, request.model_events)
    rows = await _read(reader, [entity], VARIANTS_SQL, event_type, ANY_ITER)
    return {"metrics": {row["metric"]: row["variants"] for row in rows}}


async def _read(
    reader: Reader, entities: list[Entity], sql: str, event_type: str, conditions: dict[str, str]
) -> list[Row]:
    types = event_types(event_type)
    found = INDEX_SQL + (LOGS_SQL if LOG in types else "")
    parameters = of_entities(entities) | {"types": [name for name in types if name != LOG]}
    return await reader.store.read(fill(sql, {"$found": found} | conditions), parameters)
