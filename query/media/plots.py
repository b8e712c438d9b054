"""The endpoints ``get_task_plots``, ``get_multi_task_plots`` and ``plots`` (API contract 3.4, 3.13 and 3.14)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import Field

from query.context import QueryContext
from query.media.window_walk import PLOTS, Navigate, walk
from query.pagination.paging import MAX_PAGE
from query.snapshot_scroll import MaybeScrolled, Scrolled, ScrollPage, Selection, scroll
from query.sql.statements import (
    Event,
    Iterations,
    MetricFilter,
    document_columns,
    documents,
    entity_parameters,
    fill,
    filter_sql,
)
from schema.api.requests import Boolean, Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.events.tables import PLOT
from schema.registry import Entity
from schema.store.tombstone_filters import NOT_DELETED_SQL, OF_ENTITY_SQL

MULTI_PAGE = 1000
# Plots are large, so two steps: choose by narrow columns, then read only the chosen ones.
NEWEST_SQL = f"""
SELECT {document_columns(PLOT)} FROM plots FINAL PREWHERE {OF_ENTITY_SQL} AND seq IN
(
    SELECT seq FROM plots FINAL WHERE {OF_ENTITY_SQL} AND {NOT_DELETED_SQL} AND ifNull(valid_plot, true) AND $filter
    ORDER BY metric, variant, NOT has_iter, iter DESC, seq LIMIT {{iters:UInt32}} BY metric, variant
)
WHERE {NOT_DELETED_SQL}
ORDER BY metric, variant, NOT has_iter, iter DESC, seq
"""

endpoints = Endpoints(Tier.QUERY)


class GetTaskPlotsV1(Scrolled):
    """A page of plots, newest first."""

    task: str
    iters: Iterations = 1


class GetTaskPlots(Request):
    """The newest plots of each metric and variant."""

    task: str
    iters: Iterations = 1
    metrics: list[MetricFilter] = []
    model_events: Boolean = False


class GetMultiTaskPlotsV1(Scrolled):
    """A page of the plots of several tasks, newest first."""

    tasks: Annotated[list[str], Field(min_length=1)]
    iters: Iterations = 1


class GetMultiTaskPlots(MaybeScrolled):
    """The plots at the newest iterations of several entities."""

    tasks: Annotated[list[str], Field(min_length=1)]
    iters: Iterations = 1
    last_iters_per_task_metric: Boolean = True
    metrics: list[MetricFilter] = []
    model_events: Boolean = False


@endpoints.add("events.get_task_plots", "1.0")
async def get_task_plots_v1(context: QueryContext, caller: Caller, request: GetTaskPlotsV1) -> Answer:
    """Return ``{plots, returned, total, scroll_id}``.

    Of each page of 10 000 plots the newest ``iters`` of each metric and variant are returned.
    """
    task = await context.entity(caller, request.task)
    page = await scroll(context, caller, "get_task_plots", [task], request, _each_newest)
    plots = documents(page.rows, PLOT)
    return {"plots": plots, "returned": len(plots), "total": page.total, "scroll_id": page.scroll_id}


def _each_newest(request: GetTaskPlotsV1) -> Selection:
    return Selection(PLOT, MAX_PAGE, parameters={"iters": request.iters}, kept_of="concat(metric, variant)")


@endpoints.add("events.get_task_plots", "1.8")
async def get_task_plots(context: QueryContext, caller: Caller, request: GetTaskPlots) -> Answer:
    """Return ``{plots, returned, total, scroll_id: null}``: the ``iters`` newest valid plots of each variant.

    They are sorted by metric and variant, newest first. There is no scroll; ``total`` is what is returned.
    """
    entity = await context.entity(caller, request.task, request.model_events)
    condition, parameters = filter_sql(request.metrics)
    parameters |= entity_parameters(entity) | {"iters": request.iters}
    rows = await context.caches.responses.rows(fill(NEWEST_SQL, {"$filter": condition}), parameters, [entity], PLOT)
    plots = documents(rows, PLOT)
    return {"plots": plots, "returned": len(plots), "total": len(plots), "scroll_id": None}


@endpoints.add("events.get_multi_task_plots", "1.0")
async def get_multi_task_plots_v1(context: QueryContext, caller: Caller, request: GetMultiTaskPlotsV1) -> Answer:
    """Return the same as from version 1.8 on, in pages of 10 000 of all plots."""
    tasks = await context.entities(caller, request.tasks)
    return _nested(await scroll(context, caller, "get_multi_task_plots 1.0", tasks, request, _all_plots), tasks)


def _all_plots(request: GetMultiTaskPlotsV1) -> Selection:
    return Selection(PLOT, MAX_PAGE, parameters={"iters": request.iters}, kept_of="metric, variant, task")


@endpoints.add("events.get_multi_task_plots", "1.8")
async def get_multi_task_plots(context: QueryContext, caller: Caller, request: GetMultiTaskPlots) -> Answer:
    """Return ``{plots: {metric: {variant: {task: {iter: {name, plots}}}}}, returned, total, scroll_id}``.

    The plots are those at the ``iters`` newest iterations of each entity and metric, or of each entity, in pages of
    1000; a page keeps ``iters`` of each entity, metric and variant. ``name`` is the task's. All levels descend.
    ``returned`` counts metrics, ``total`` plots.
    """
    entities = await context.entities(caller, request.tasks, request.model_events)
    return _nested(await scroll(context, caller, "get_multi_task_plots", entities, request, _last_iterations), entities)


def _last_iterations(request: GetMultiTaskPlots) -> Selection:
    condition, parameters = filter_sql(request.metrics)
    return Selection(
        PLOT,
        MULTI_PAGE,
        f"has_iter AND {condition}",
        parameters | {"iters": request.iters},
        newest_of="task, metric" if request.last_iters_per_task_metric else "task",
        kept_of="metric, variant, task",
    )


@endpoints.add("events.plots")
async def plots(context: QueryContext, caller: Caller, request: Navigate) -> Answer:
    """Return the plots of the next iterations in either direction: ``{metrics, scroll_id}``, as ``debug_images``."""
    return await walk(context, caller, request, PLOTS)


def _nested(page: ScrollPage, entities: Sequence[Entity]) -> Answer:
    names = {entity.id: entity.name for entity in entities}
    nested: dict[str, Any] = {}
    plots = documents(page.rows, PLOT)  # newest iteration first
    for plot in sorted(plots, key=lambda plot: (plot["metric"], plot["variant"], plot["task"]), reverse=True):
        of_task = nested.setdefault(plot["metric"], {}).setdefault(plot["variant"], {}).setdefault(plot["task"], {})
        of_task.setdefault(_iter_key(plot), {"name": names[plot["task"]], "plots": []})["plots"].append(plot)
    scroll_id = page.scroll_id if page.total else None
    return {"plots": nested, "returned": len(nested), "total": page.total, "scroll_id": scroll_id}


def _iter_key(plot: Event) -> str:
    return "null" if plot.get("iter") is None else str(plot["iter"])
