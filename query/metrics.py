"""The metrics and variants of entities (API contract 3.9, 3.15, 3.16 and 4).

They come from the index, which is exact but for log lines that were cleared apart from other events: of such logs lines
are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from query.context import QueryContext
from query.sql.statements import ANY_TYPE, EventType, entities_parameters, event_types, fill
from query.sql.tombstone_filter import TombstoneFilter
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.events.tables import LOG, SCALAR, SINGLE_VALUE_ITER, VECTOR
from schema.registry import Entity
from schema.store.tombstone_filters import LINE_NOT_DELETED_MANY_SQL, OF_ENTITIES_SQL

LINES_SQL = f"""
SELECT DISTINCT task, metric, variant FROM logs FINAL
WHERE {OF_ENTITIES_SQL} AND {LINE_NOT_DELETED_MANY_SQL} AND $condition
"""
ON_AXIS = f"has_iter AND iter > {SINGLE_VALUE_ITER}"

CurveKey = tuple[str, str, str]  # task, metric, variant

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
async def get_task_metrics(context: QueryContext, caller: Caller, request: GetTaskMetrics) -> Answer:
    """Return ``{"metrics": [{task, metrics: [name]}]}``: an entry for each id asked for.

    Neither events without iteration nor single values count.
    """
    entities = await context.entities(caller, request.tasks, request.model_events)
    metrics: dict[str, set[str]] = {}
    for task, metric, _ in await _names(context, entities, request.event_type, on_axis=True):
        metrics.setdefault(task, set()).add(metric)
    return {"metrics": [{"task": task, "metrics": sorted(metrics.get(task, ()))} for task in request.tasks]}


@endpoints.add("events.get_multi_task_metrics")
async def get_multi_task_metrics(context: QueryContext, caller: Caller, request: GetMultiTaskMetrics) -> Answer:
    """Return ``{"metrics": [{metric, variants: [name]}]}``: what any of the entities has."""
    entities = await context.entities(caller, request.tasks, request.model_events)
    variants = _by_metric(await _names(context, entities, request.event_type))
    return {"metrics": [{"metric": metric, "variants": names} for metric, names in variants.items()]}


@endpoints.add("events.get_scalar_metrics_and_variants")
async def get_scalar_metrics_and_variants(
    context: QueryContext, caller: Caller, request: GetMetricsAndVariants
) -> Answer:
    """Return ``{"metrics": {metric: [variant]}}`` of scalars."""
    return await _metrics_and_variants(context, caller, request, SCALAR)


@endpoints.add("events.get_vector_metrics_and_variants")
async def get_vector_metrics_and_variants(
    context: QueryContext, caller: Caller, request: GetMetricsAndVariants
) -> Answer:
    """Return ``{"metrics": {metric: [variant]}}`` of vectors."""
    return await _metrics_and_variants(context, caller, request, VECTOR)


async def _metrics_and_variants(
    context: QueryContext, caller: Caller, request: GetMetricsAndVariants, event_type: str
) -> Answer:
    entity = await context.entity(caller, request.task, request.model_events)
    return {"metrics": _by_metric(await _names(context, [entity], event_type))}


async def _names(
    context: QueryContext, entities: Sequence[Entity], event_type: str, on_axis: bool = False
) -> set[CurveKey]:
    """Return the names of the entities. ``on_axis``: of events with an iteration, other than single values."""
    facts = await context.caches.entity_index.of(entities, event_type="" if event_type == ANY_TYPE else event_type)
    alive = {entity.id: TombstoneFilter.after(facts.tombstones[entity.id], entity) for entity in entities}
    rows = [row for row in facts.index if row.since == alive[row.task].since and (row.is_on_axis or not on_axis)]
    cleared = [entity for entity in entities if alive[entity.id].were_lines_deleted]
    unsure = {(entity.id, LOG) for entity in cleared}
    names = {(row.task, row.metric, row.variant) for row in rows if (row.task, row.event_type) not in unsure}
    return names | await _of_lines(context, cleared, on_axis) if LOG in event_types(event_type) else names


async def _of_lines(context: QueryContext, entities: Sequence[Entity], on_axis: bool) -> set[CurveKey]:
    if not entities:
        return set()
    statement = fill(LINES_SQL, {"$condition": ON_AXIS if on_axis else "1"})
    rows = await context.caches.responses.rows(statement, entities_parameters(entities), entities, LOG)
    return {(row["task"], row["metric"], row["variant"]) for row in rows}


def _by_metric(names: Iterable[CurveKey]) -> dict[str, list[str]]:
    """Return the variants of each metric, both sorted."""
    variants: dict[str, list[str]] = {}
    for metric, variant in sorted({(metric, variant) for _, metric, variant in names}):
        variants.setdefault(metric, []).append(variant)
    return variants
