"""Runs of MLflow, which are tasks: read, searched, and their metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Annotated

from pydantic import Field

from query.adapters.mlflow.experiments import LIFECYCLES, ViewType, project_ids
from query.adapters.mlflow.filters import MANY, Fields, Selection, parse_filter, parse_order
from query.adapters.mlflow.points import START, history, interval, latest_metrics, number_of
from query.context import QueryContext
from schema.adapters.mlflow_documents import (
    INPUTS,
    OUTPUTS,
    pairs,
    params_of,
    run_info,
    tags_of,
)
from schema.adapters.requests import TextRequest
from schema.api.requests import Integer, Texts
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField, InvalidTask
from schema.events.rows import Row
from schema.events.tables import INT64_MAX, INT64_MIN
from schema.fairness.computing import compute_if
from schema.registry import TASKS, Document, OneOf, Order, PageBounds, every

SEARCH, HISTORY = "mlflow.runs_search", "mlflow.metrics_get_history"
PAGE_POINTS, MAX_POINTS = 25_000, 100_000
INTERVAL_POINTS, MAX_INTERVAL_RUNS = 2500, 100
DEFAULT_RESULTS, MAX_RESULTS, MAX_SHOWN = 1000, 50_000, 1000  # of a page; clients ask for the next
MAX_SORTED = 10_000  # runs that are sorted by what the registry does not sort by
NEWEST_FIRST = (Order("started", descending=True), Order("id"))

endpoints = Endpoints(Tier.QUERY)


class GetRun(TextRequest):
    """One run."""

    run_id: str = ""
    run_uuid: str = ""

    @property
    def run(self) -> str:
        """The id, under either name."""
        return self.run_id or self.run_uuid


class GetHistory(GetRun):
    """A page of a metric's points."""

    metric_key: str
    max_results: Annotated[Integer, Field(ge=1)] = PAGE_POINTS
    page_token: str = ""


class GetInterval(TextRequest):
    """Some points of one metric of several runs."""

    run_ids: Annotated[Texts, Field(max_length=MAX_INTERVAL_RUNS)] = []
    metric_key: str
    start_step: Annotated[Integer, Field(ge=INT64_MIN, le=INT64_MAX)] = INT64_MIN
    end_step: Annotated[Integer, Field(ge=INT64_MIN, le=INT64_MAX)] = INT64_MAX
    max_results: Annotated[Integer, Field(ge=1, le=INTERVAL_POINTS)] = 320


class SearchRuns(TextRequest):
    """A page of the runs of some experiments."""

    experiment_ids: Texts = []
    filter: str = ""
    run_view_type: ViewType = "ACTIVE_ONLY"
    max_results: Annotated[Integer, Field(ge=1, le=MAX_RESULTS)] = DEFAULT_RESULTS
    order_by: Annotated[Texts, Field(max_length=20)] = []
    page_token: str = ""


@dataclass
class Found:
    """A run with its latest metrics."""

    task: Document
    metrics: Sequence[Row] = field(default_factory=list)

    @property
    def fields(self) -> Fields:
        """The parts that filters and orders name."""
        metrics = {metric["key"]: number_of(metric) for metric in self.metrics}
        attributes = run_info(self.task)
        return {
            "metrics": metrics,
            "params": params_of(self.task),
            "tags": tags_of(self.task),
            "attributes": attributes,
        }

    @property
    def shown(self) -> Document:
        """The run as MLflow has it."""
        data = {
            "metrics": self.metrics,
            "params": pairs(params_of(self.task)),
            "tags": pairs(tags_of(self.task)),
        }
        inputs, outputs = (self.task.get(name) or {} for name in (INPUTS, OUTPUTS))
        used = {"dataset_inputs": inputs.get("datasets") or [], "model_inputs": inputs.get("models") or []}
        made = {"model_outputs": outputs.get("models") or []}
        return {"info": run_info(self.task), "data": data, "inputs": used, "outputs": made}


@endpoints.add("mlflow.runs_get")
async def get(context: QueryContext, caller: Caller, request: GetRun) -> Answer:
    """Return ``{"run"}`` with the latest value of each metric. Raises InvalidTask."""
    entity = await context.entity(caller, request.run)
    if (task := await context.registry.get(TASKS, entity.id)) is None:
        raise InvalidTask(f"Run '{request.run}' not found")
    metrics = await latest_metrics(context, [entity])
    return {"run": Found(task, metrics[entity.id]).shown}


@endpoints.add(HISTORY)
async def get_history(context: QueryContext, caller: Caller, request: GetHistory) -> Answer:
    """Return ``{"metrics", "next_page_token"}``: all points of a metric, by step. Raises InvalidTask."""
    entity = await context.entity(caller, request.run)
    position = START
    if request.page_token:
        position = tuple(context.cursors.read(request.page_token, HISTORY, caller, [entity.id], None))
    size = min(request.max_results, MAX_POINTS)
    metrics, end = await history(context, entity, request.metric_key, position, size)
    token = {"next_page_token": context.cursors.make(HISTORY, caller, [entity.id], end)} if end else {}
    return {"metrics": metrics} | token


@endpoints.add("mlflow.metrics_get_history_bulk_interval")
async def get_interval(context: QueryContext, caller: Caller, request: GetInterval) -> Answer:
    """Return ``{"metrics"}``: of each run about ``max_results`` points between two steps. Raises InvalidTask."""
    runs = await context.entities(caller, request.run_ids)
    steps = request.start_step, request.end_step
    return {"metrics": await interval(context, runs, request.metric_key, steps, request.max_results) if runs else []}


@endpoints.add(SEARCH)
async def search(context: QueryContext, caller: Caller, request: SearchRuns) -> Answer:
    """Return ``{"runs", "next_page_token"}``, by default the newest first; a page has at most MAX_SHOWN runs.

    Raises InvalidField, also for more than MAX_SORTED runs in an order that the registry does not have.
    """
    selection = Selection(parse_filter(request.filter), parse_order(request.order_by), attrgetter("fields"))
    projects = await project_ids(context, caller, request.experiment_ids)
    start = context.cursors.read(request.page_token, SEARCH, caller, projects, None) if request.page_token else 0
    if not projects:
        return {"runs": []}
    look = _sorted_runs if selection.orders else _newest_runs
    found, end = await look(RunSearch(context, caller, projects, request, selection), start)
    await with_metrics(context, caller, [run for run in found if not run.metrics])
    token = {"next_page_token": context.cursors.make(SEARCH, caller, projects, end)} if end is not None else {}
    return {"runs": await compute_if(len(found) >= MANY, _shown, found)} | token


def _shown(found: Sequence[Found]) -> list[Document]:
    return [run.shown for run in found]


@dataclass(frozen=True)
class RunSearch:
    """A search under way."""

    context: QueryContext
    caller: Caller
    projects: Sequence[str]
    request: SearchRuns
    selection: Selection

    @property
    def size(self) -> int:
        """How many runs a page has at most."""
        return min(self.request.max_results, MAX_SHOWN)

    async def tasks(self, offset: int, limit: int) -> list[Document]:
        """Return tasks of the projects, the newest first."""
        condition = every(OneOf("project", tuple(self.projects)), *LIFECYCLES[self.request.run_view_type])
        page = PageBounds(NEWEST_FIRST, offset, limit)
        return await self.context.registry.find(TASKS, view_of(self.caller), condition, page)

    async def runs(self, tasks: Sequence[Document]) -> list[Found]:
        """Return a run for each task, with metrics if they are compared."""
        runs = [Found(task) for task in tasks]
        if "metrics" in self.selection.kinds:
            await with_metrics(self.context, self.caller, runs)
        return runs


async def _newest_runs(search: RunSearch, start: int) -> tuple[list[Found], int | None]:
    """Return the next runs that match, and the number of tasks that were looked at; None: there are no more."""
    found: list[Found] = []
    for offset in range(start, start + MAX_SORTED, search.size):
        tasks = await search.tasks(offset, search.size)
        for place, run in enumerate(await search.selection.matching(await search.runs(tasks)), offset + 1):
            found += [run] if run else []
            if len(found) == search.size:
                return found, place
        if len(tasks) < search.size:
            return found, None
    return found, start + MAX_SORTED


async def _sorted_runs(search: RunSearch, start: int) -> tuple[list[Found], int | None]:
    """Return a page of all runs that match, sorted, and where the next begins; None: there are no more."""
    tasks = await search.tasks(0, MAX_SORTED + 1)
    if len(tasks) > MAX_SORTED:
        raise InvalidField(f"order_by: at most {MAX_SORTED} runs are sorted; search fewer experiments, or do not sort")
    found = await search.selection.selected(await search.runs(tasks))
    end = start + search.size
    return found[start:end], end if end < len(found) else None


async def with_metrics(context: QueryContext, caller: Caller, runs: Sequence[Found]) -> None:
    """Read the latest metrics of some runs."""
    await context.wait_until_readable([run.task["id"] for run in runs])
    for start in range(0, len(runs), MAX_SHOWN):
        some = {run.task["id"]: run for run in runs[start : start + MAX_SHOWN]}
        entities = await context.registry.entities(TASKS, some)
        for run_id, metrics in (await latest_metrics(context, list(entities.values()))).items():
            some[run_id].metrics = metrics
