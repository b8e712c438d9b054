"""What trackio's client asks when a run begins: which runs there are, and how far one has come."""

from __future__ import annotations

from typing import Any

from query.cache import statistics
from query.context import QueryContext
from schema.adapters.requests import NamedArguments
from schema.adapters.trackio import INTERNAL, task_id_of
from schema.api.requests import AnyFields
from schema.api.visibility import may_see, view_of
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.registry import PROJECTS, TASKS, Document, Not, OneOf, Order, PageBounds, every, owner_of

VERSION = {"version": "0.43.0", "api_version": 1, "writes_paused": False, "api_transport": "http"}
MAX_RUNS = 10_000  # of a project, the newest
FIELDS = frozenset(("name", "created", "status"))

endpoints = Endpoints(Tier.QUERY)


class GetRuns(NamedArguments):
    """A project by its name."""

    project: str


class GetRun(GetRuns):
    """A run by its name or id."""

    run: str | None = None
    run_id: str | None = None


@endpoints.add("trackio.version", access=Access.ANYONE)
async def version(context: QueryContext, caller: Caller, request: AnyFields) -> Answer:
    """Return the version of trackio's protocol, by which its client knows how to speak."""
    return VERSION | {"mcp_enabled": False, "mcp_path": None}


@endpoints.add("trackio.get_runs_for_project")
async def get_runs_for_project(context: QueryContext, caller: Caller, request: GetRuns) -> Answer:
    """Return ``{"data": [{id, name, created_at, status}]}``, the newest first; none of a project that there is not."""
    projects = await _projects(context, caller, request.project)
    condition = every(OneOf("project", tuple(projects)), Not(OneOf("system_tags", ("archived",))))
    page = PageBounds([Order("created", descending=True), Order("id")], 0, MAX_RUNS, FIELDS)
    found = await context.registry.find(TASKS, view_of(caller), condition, page) if projects else []
    return {"data": [_run(task) for task in found]}


@endpoints.add("trackio.get_run_summary")
async def get_run_summary(context: QueryContext, caller: Caller, request: GetRun) -> Answer:
    """Return ``{"data": {project, run, run_id, num_logs, metrics, config, last_step}}``; empty where there is no run.

    ``num_logs``: the number of steps up to the last, as every step is one entry of trackio's.
    """
    task_id = task_id_of(caller.company, request.project, request.run or "", request.run_id)
    task = await context.registry.get(TASKS, task_id)
    summary: dict[str, Any] = {"project": request.project, "run": request.run, "run_id": request.run_id}
    if task is None or not may_see(caller, owner_of(TASKS, task)):
        return {"data": summary | {"num_logs": 0, "metrics": [], "config": None, "last_step": None}}
    wanted = (statistics.LAST_ITERATION, statistics.UNIQUE_METRICS)
    storage = {task_id: task["company"] or task.get("company_origin") or ""}
    found = (await context.caches.statistics.of(storage, wanted))[task_id]
    last = found[statistics.LAST_ITERATION] if found[statistics.UNIQUE_METRICS] else None
    told = {"num_logs": 0 if last is None else last + 1, "metrics": found[statistics.UNIQUE_METRICS]}
    return {"data": summary | told | {"run": task["name"], "config": _config(task), "last_step": last}}


async def _projects(context: QueryContext, caller: Caller, name: str) -> list[str]:
    path = "/".join(part.strip() for part in name.split("/") if part.strip())
    found = await context.registry.find(PROJECTS, view_of(caller), OneOf("name", (path,)))
    return [project["id"] for project in found if project["company"] == caller.company]


def _run(task: Document) -> Document:
    return {"id": task["id"], "name": task["name"], "created_at": task["created"], "status": task["status"]}


def _config(task: Document) -> dict[str, str]:
    sections = (task.get("hyperparams") or {}).values()
    return {name: found.get("value") for section in sections for name, found in section.items() if name[:1] != INTERNAL}
