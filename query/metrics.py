"""Which metrics and variants there are (specification sections 3.9, 3.15, 3.16 and 4).

From the index, which is exact but for log lines that were cleared apart from other events: of such logs lines are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from query.memory.living import Living
from query.reader import Reader
from query.rows import ANY_TYPE, EventType, event_types, fill, of_entities
from schema.living import ENTITIES, LIVING_LOGS_MANY
from schema.registry import Entity
from schema.requests import Boolean, Request
from schema.tables import LOG, SCALAR, SINGLE_VALUE_ITER, VECTOR
from schema.wire import Answer, Caller, Endpoints, Tier

LINES_SQL = f"""
SELECT DISTINCT task, metric, variant FROM logs FINAL WHERE {ENTITIES} AND {LIVING_LOGS_MANY} AND $condition
"""
ON_AXIS = f"has_iter AND iter > {SINGLE_VALUE_ITER}"

Name = tuple[str, str, str]  # task, metric, variant

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
    metrics: dict[str, set[str]] = {}
    for task, metric, _ in await _names(reader, entities, request.event_type, on_axis=True):
        metrics.setdefault(task, set()).add(metric)
    return {"metrics": [{"task": task, "metrics": sorted(metrics.get(task, ()))} for task in request.tasks]}


@endpoints.add("events.get_multi_task_metrics")
async def get_multi_task_metrics(reader: Reader, caller: Caller, request: GetMultiTaskMetrics) -> Answer:
    """``{"metrics": [{metric, variants: [name]}]}``: what any of the entities has."""
    entities = await reader.entities(caller, request.tasks, request.model_events)
    variants = _by_metric(await _names(reader, entities, request.event_type))
    return {"metrics": [{"metric": metric, "variants": names} for metric, names in variants.items()]}


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
    return {"metrics": _by_metric(await _names(reader, [entity], event_type))}


async def _names(reader: Reader, entities: Sequence[Entity], event_type: str, on_axis: bool = False) -> set[Name]:
    """What the entities have. ``on_axis``: of events with an iteration, other than single values."""
    facts = await reader.known.of(entities, event_type="" if event_type == ANY_TYPE else event_type)
    alive = {entity.id: Living.after(facts.tombstones[entity.id], entity) for entity in entities}
    rows = [row for row in facts.index if row.since == alive[row.task].since and (row.is_on_axis or not on_axis)]
    cleared = [entity for entity in entities if alive[entity.id].were_lines_deleted]
    unsure = {(entity.id, LOG) for entity in cleared}
    names = {(row.task, row.metric, row.variant) for row in rows if (row.task, row.event_type) not in unsure}
    return names | await _of_lines(reader, cleared, on_axis) if LOG in event_types(event_type) else names


async def _of_lines(reader: Reader, entities: Sequence[Entity], on_axis: bool) -> set[Name]:
    if not entities:
        return set()
    statement = fill(LINES_SQL, {"$condition": ON_AXIS if on_axis else "1"})
    rows = await reader.memory.rows(statement, of_entities(entities), entities, LOG)
    return {(row["task"], row["metric"], row["variant"]) for row in rows}


def _by_metric(names: Iterable[Name]) -> dict[str, list[str]]:
    """The variants of each metric, both in order."""
    variants: dict[str, list[str]] = {}
    for metric, variant in sorted({(metric, variant) for _, metric, variant in names}):
        variants.setdefault(metric, []).append(variant)
    return variants
