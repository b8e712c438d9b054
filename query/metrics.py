"""The metrics and variants of entities (API contract 3.9, 3.15, 3.16 and 4).

They come from the index, which is exact but for log lines that were cleared apart from other events: of such logs lines
are read. Of entities whose index is not cached, ClickHouse groups the names.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated

from pydantic import Field

from query.cache.entity_index import EntityIndex
from query.context import QueryContext
from query.sql.metric_names import MetricNames, MetricPage, NameQuery, read_names
from query.sql.statements import ANY_TYPE, EventType, entities_parameters, event_types, fill
from query.sql.tombstone_filter import TombstoneFilter
from query.sql.tombstones import read_tombstones
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Reply, Tier
from schema.events.tables import LOG, SCALAR, SINGLE_VALUE_ITER, VECTOR
from schema.registry import Entity
from schema.store.tombstone_filters import LINE_NOT_DELETED_MANY_SQL, OF_ENTITIES_SQL

LINES_SQL = f"""
SELECT DISTINCT task, metric, variant FROM logs FINAL
WHERE {OF_ENTITIES_SQL} AND {LINE_NOT_DELETED_MANY_SQL} AND $condition
"""
ON_AXIS = f"has_iter AND iter > {SINGLE_VALUE_ITER}"

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


class GetMetricsAndVariants(MetricPage):
    """The metrics and variants of scalars of one entity, or some of them."""

    task: str
    model_events: Boolean = False


class GetVectorMetricsAndVariants(GetMetricsAndVariants):
    """The same of vectors: a type of its own, by which answers are cached."""


@endpoints.add("events.get_task_metrics")
async def get_task_metrics(context: QueryContext, caller: Caller, request: GetTaskMetrics) -> Reply:
    """Return ``{"metrics": [{task, metrics: [name]}]}``: an entry for each id asked for.

    Neither events without iteration nor single values count.
    """
    entities = await context.entities(caller, request.tasks, request.model_events)

    async def read() -> Answer:
        metrics: dict[str, list[str]] = {}
        for names in await _names(context, entities, request.event_type, on_axis=True):
            metrics.setdefault(names.task, []).append(names.metric)
        return {"metrics": [{"task": task, "metrics": metrics.get(task, [])} for task in request.tasks]}

    return await context.caches.responses.answer(request, entities, read)


@endpoints.add("events.get_multi_task_metrics")
async def get_multi_task_metrics(context: QueryContext, caller: Caller, request: GetMultiTaskMetrics) -> Reply:
    """Return ``{"metrics": [{metric, variants: [name]}]}``: what any of the entities has."""
    entities = await context.entities(caller, request.tasks, request.model_events)

    async def read() -> Answer:
        variants: dict[str, set[str]] = {}
        for names in await _names(context, entities, request.event_type):
            variants.setdefault(names.metric, set()).update(names.variants)
        return {"metrics": [{"metric": metric, "variants": sorted(variants[metric])} for metric in sorted(variants)]}

    return await context.caches.responses.answer(request, entities, read)


@endpoints.add("events.get_scalar_metrics_and_variants")
async def get_scalar_metrics_and_variants(
    context: QueryContext, caller: Caller, request: GetMetricsAndVariants
) -> Reply:
    """Return ``{"metrics": {metric: [variant]}}`` of scalars.

    Eventide's own: ``pattern``, ``page`` and ``page_size`` choose among the metrics by name; then ``total`` tells how
    many there are on all pages.
    """
    return await _metrics_and_variants(context, caller, request, SCALAR)


@endpoints.add("events.get_vector_metrics_and_variants")
async def get_vector_metrics_and_variants(
    context: QueryContext, caller: Caller, request: GetVectorMetricsAndVariants
) -> Reply:
    """Return ``{"metrics": {metric: [variant]}}`` of vectors, with the same choice as of scalars."""
    return await _metrics_and_variants(context, caller, request, VECTOR)


async def _metrics_and_variants(
    context: QueryContext, caller: Caller, request: GetMetricsAndVariants, event_type: str
) -> Reply:
    entity = await context.entity(caller, request.task, request.model_events)

    async def read() -> Answer:
        if request.is_part:
            page = await read_names(context.store, NameQuery([entity], event_type, page=request))
            return {**_variants_by_metric(page.metrics), "total": page.total}
        return _variants_by_metric(await _names(context, [entity], event_type))

    return await context.caches.responses.answer(request, [entity], read)


def _variants_by_metric(names: Iterable[MetricNames]) -> Answer:
    return {"metrics": {of_metric.metric: of_metric.variants for of_metric in names}}


async def _names(
    context: QueryContext, entities: Sequence[Entity], event_type: str, on_axis: bool = False
) -> Sequence[MetricNames]:
    """Return the names of the entities, sorted. ``on_axis``: of events with an iteration, other than single values."""
    cached = await context.caches.entity_index.cached(entities)
    stones = cached.tombstones if cached else await read_tombstones(context.store, [entity.key for entity in entities])
    alive = {entity.id: TombstoneFilter.after(stones[entity.id], entity) for entity in entities}
    has_lines = LOG in event_types(event_type)
    cleared = [entity for entity in entities if has_lines and alive[entity.id].were_lines_deleted]
    query = NameQuery(entities, event_type, on_axis, [entity.id for entity in cleared])
    found = _cached_names(cached, alive, query) if cached else (await read_names(context.store, query)).metrics
    return _merged([*found, *await _names_of_lines(context, cleared, on_axis)]) if cleared else found


def _cached_names(cached: EntityIndex, alive: Mapping[str, TombstoneFilter], query: NameQuery) -> list[MetricNames]:
    """Return what ``read_names`` reads, from the cached index."""
    wanted, unsure = event_types(query.event_type), {(task, LOG) for task in query.cleared}
    return _merged(
        MetricNames(row.task, row.metric, [row.variant])
        for row in cached.index
        if row.event_type in wanted
        and row.since == alive[row.task].since
        and (row.is_on_axis or not query.on_axis)
        and (row.task, row.event_type) not in unsure
    )


async def _names_of_lines(context: QueryContext, entities: Sequence[Entity], on_axis: bool) -> list[MetricNames]:
    statement = fill(LINES_SQL, {"$condition": ON_AXIS if on_axis else "1"})
    rows = await context.caches.responses.rows(statement, entities_parameters(entities), entities, LOG)
    return [MetricNames(row["task"], row["metric"], [row["variant"]]) for row in rows]


def _merged(names: Iterable[MetricNames]) -> list[MetricNames]:
    """Return each metric of an entity once, with all its variants, sorted."""
    variants: dict[tuple[str, str], set[str]] = {}
    for task, metric, some in names:
        variants.setdefault((task, metric), set()).update(some)
    return [MetricNames(*key, sorted(variants[key])) for key in sorted(variants)]
