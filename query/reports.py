"""Reports as they are, and the events that they show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from query.context import QueryContext
from query.curves.histograms import MultiTaskScalarMetricsIterHistogram, curves_of_several
from query.media.plots import GetMultiTaskPlots, get_multi_task_plots
from query.media.window_walk import IMAGES, Navigate, walk
from query.registry.listing import GetAll, Listing, list_documents, with_subprojects
from query.registry.models import VOCABULARY as MODEL_VOCABULARY
from query.registry.tasks import VOCABULARY as TASK_VOCABULARY
from query.scalars import GetTaskSingleValueMetrics, get_task_single_value_metrics
from query.sql.statements import MetricFilter
from schema.api.requests import AnyFields, Boolean, Nothing, Parameters
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import PROJECTS, TASKS, Condition, OneOf, every, some
from schema.registry.project_kinds import REPORTS_PROJECT

IS_REPORT = OneOf("type", ("report",))

endpoints = Endpoints(Tier.QUERY)


class GetReports(GetAll):
    """A listing of reports; ``project``: of some projects, null among them: of none."""

    search_hidden: Boolean = True

    @property
    def filters(self) -> dict[str, Any]:
        """The filters but for the project: reports lie in projects of their own under it."""
        return {name: value for name, value in super().filters.items() if name != "project"}

    @property
    def projects(self) -> list[str | None]:
        """The projects whose reports are meant; none: of all."""
        given = (self.model_extra or {}).get("project", [])
        return given if isinstance(given, list) else [given]


class EventsOf(AnyFields):
    """Events to return: parameters of the call for them."""

    metrics: list[MetricFilter] = []

    def of(self, **others: Any) -> Parameters:
        """Return the parameters with others."""
        return self.model_dump(exclude_unset=True) | others


class GetTaskData(GetAll):
    """A listing of tasks or models, and which of their events to return."""

    model_events: Boolean = False
    debug_images: EventsOf | None = None
    plots: EventsOf | None = None
    scalar_metrics_iter_histogram: EventsOf | None = None
    single_value_metrics: EventsOf | None = None


@endpoints.add("reports.get_all_ex")
async def get_all_ex(context: QueryContext, caller: Caller, request: GetReports) -> Answer:
    """List reports: ``{"tasks": documents}``, with references as objects. Raises as any filter."""
    condition = await _in_projects(context, caller, request)
    if condition is None:
        return {"tasks": []}
    return await list_documents(context, caller, Listing(TASK_VOCABULARY, request, condition), join=True)


@endpoints.add("reports.get_tags")
async def get_tags(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return the tags of the company's reports, sorted."""
    own = every(IS_REPORT, OneOf("company", (caller.company,)))
    return {"tags": await context.registry.distinct(TASKS, view_of(caller), "tags", own)}


@endpoints.add("reports.get_task_data")
async def get_task_data(context: QueryContext, caller: Caller, request: GetTaskData) -> Answer:
    """List tasks, or models, with the events that are asked for: ``{"tasks", "debug_images", "plots", …}``.

    Raises as any filter, and as the calls for these events.
    """
    vocabulary = MODEL_VOCABULARY if request.model_events else TASK_VOCABULARY
    listed = await list_documents(context, caller, Listing(vocabulary, request), join=True)
    documents: Sequence[dict[str, Any]] = listed[f"{vocabulary.kind.name}s"]
    scroll = {"scroll_id": listed["scroll_id"]} if "scroll_id" in listed else {}
    ids = [document["id"] for document in documents]
    return {"tasks": documents} | scroll | await _events(context, caller, request, ids)


async def _in_projects(context: QueryContext, caller: Caller, request: GetReports) -> Condition | None:
    """Return the condition of reports in the projects that are meant; None if these have no place for reports."""
    if not request.projects:
        return IS_REPORT
    ids: list[str | None] = [*request.projects]
    if request.include_subprojects:
        ids = await with_subprojects(context, caller, ids)
    named = tuple(project for project in ids if project)
    places = [OneOf("parent", tuple(ids)), *([OneOf("id", named)] if named else [])]
    holds = every(some(*places), OneOf("basename", (REPORTS_PROJECT,)))
    found = await context.registry.find_ids(PROJECTS, view_of(caller), holds)
    return every(IS_REPORT, OneOf("project", tuple(found))) if found else None


async def _events(context: QueryContext, caller: Caller, request: GetTaskData, ids: list[str]) -> dict[str, Any]:
    """Read what is asked for of entities; of none, nothing."""
    found: dict[str, Any] = {}
    of_all: Parameters = {"tasks": ids, "model_events": request.model_events}
    if request.debug_images:
        found["debug_images"] = await _debug_images(context, caller, request, request.debug_images, ids)
    if request.plots:
        plots = GetMultiTaskPlots.read(request.plots.of(**of_all)) if ids else None
        found["plots"] = (await get_multi_task_plots(context, caller, plots))["plots"] if plots else {}
    if request.scalar_metrics_iter_histogram:
        found["scalar_metrics_iter_histogram"] = await _curves(
            context, caller, request.scalar_metrics_iter_histogram.of(**of_all)
        )
    if request.single_value_metrics:
        values = GetTaskSingleValueMetrics.read(of_all) if ids else None
        answer = await get_task_single_value_metrics(context, caller, values) if values else {"tasks": []}
        found["single_value_metrics"] = answer["tasks"]
    return found


async def _debug_images(
    context: QueryContext, caller: Caller, request: GetTaskData, images: EventsOf, ids: Sequence[str]
) -> list[dict[str, Any]]:
    metrics = [metric.model_dump() for metric in images.metrics] or [{}]
    targets = [{"task": task} | metric for task in ids for metric in metrics]
    if not targets:
        return []
    navigate = Navigate.read(images.of(metrics=targets, model_events=request.model_events))
    return list((await walk(context, caller, navigate, IMAGES))["metrics"])


async def _curves(context: QueryContext, caller: Caller, parameters: Parameters) -> dict[str, Any]:
    if not parameters["tasks"]:
        return {}
    request = MultiTaskScalarMetricsIterHistogram.read(parameters)
    entities = await context.entities(caller, request.tasks, request.model_events)
    curves: dict[str, Any] = (await curves_of_several(context, entities, request))["metrics"]
    return curves
