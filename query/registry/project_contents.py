"""What is in projects: how many tasks, in which state, and which projects under them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from query.context import QueryContext
from query.registry.listing import with_subprojects
from query.registry.project_choice import CHILDREN, GetProjectsEx
from query.registry.tasks import VOCABULARY as TASK_VOCABULARY
from schema.api.visibility import view_of
from schema.api.wire import Caller
from schema.registry import (
    EVERYTHING,
    MODELS,
    PROJECTS,
    TASKS,
    Between,
    Condition,
    Document,
    Kind,
    Not,
    OneOf,
    Order,
    PageBounds,
    every,
)

ARCHIVED = OneOf("system_tags", ("archived",))
STATES: dict[str, Condition] = {"active": Not(ARCHIVED), "archived": ARCHIVED}
UNFINISHED = OneOf("status", ("queued", "in_progress", "failed"))
STATS_OF_CHILDREN: dict[str, dict[str, Any]] = {
    "pipeline": {"system_tags": ["pipeline"], "type": ["controller"]},
    "report": {"system_tags": ["reports"], "type": ["report"]},
}
STATUSES = (
    "created",
    "queued",
    "in_progress",
    "stopped",
    "published",
    "publishing",
    "closed",
    "failed",
    "completed",
    "unknown",
)
Below = dict[str, list[Document]]  # each project with all under it, by name


async def add_contents(context: QueryContext, caller: Caller, request: GetProjectsEx, projects: list[Document]) -> None:
    """Add to each project its subprojects and, if asked for, statistics and counts of what lies in itself."""
    ids = [project["id"] for project in projects]
    below = await projects_below(context, caller, ids, hidden=request.search_hidden or bool(request.children_type))
    own = await _own(context, caller, request, ids) if request.check_own_contents else {}
    stats = await _stats(context, caller, request, below) if request.include_stats else {}
    sizes = await _dataset_sizes(context, caller, ids) if request.include_dataset_stats else {}
    for project in projects:
        key = project["id"]
        project["sub_projects"] = [{"id": sub["id"], "name": sub["name"]} for sub in below[key] if sub["id"] != key]
        project |= own.get(key, {}) | ({"stats": stats[key]} if stats else {})
        if request.include_dataset_stats:
            project["dataset_stats"] = sizes.get(key)


async def projects_below(context: QueryContext, caller: Caller, ids: Sequence[str], hidden: bool = True) -> Below:
    """Return each project with all projects under it. ``hidden``: also those that are hidden."""
    page = PageBounds(fields=frozenset(("name", "system_tags")))
    known = await with_subprojects(context, caller, ids)
    found = await context.registry.find(PROJECTS, view_of(caller), OneOf("id", tuple(known)), page) if known else []
    by_id = {project["id"]: project for project in found}
    shown = [p for p in found if hidden or p["id"] in ids or "hidden" not in (p.get("system_tags") or ())]
    by_name = sorted(shown, key=lambda project: str(project["name"]))
    return {
        key: [p for p in by_name if _is_below(p["name"], by_id[key]["name"])] if key in by_id else [] for key in ids
    }


def _is_below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}/")


def _counted(request: GetProjectsEx) -> Condition:
    """Return the condition of the tasks that count."""
    given = request.include_stats_filter or STATS_OF_CHILDREN.get(request.children_type or "", {})
    tags: dict[str, Any] = {}
    if request.children_type and not request.include_stats_filter:
        by_filter = {"filters": {"tags": request.children_tags_filter}}
        tags = by_filter if request.children_tags_filter else {"tags": request.children_tags}
    return every(TASK_VOCABULARY.condition(given | tags), request.made)


async def _own(
    context: QueryContext, caller: Caller, request: GetProjectsEx, ids: Sequence[str]
) -> dict[str, Document]:
    """Count the tasks and models that lie in each project itself."""
    own: dict[str, Document] = {key: {"own_tasks": 0, "own_models": 0} for key in ids}
    if request.children_type == "dataset":
        own = {key: {"own_datasets": 0} for key in ids}
    inside = OneOf("project", tuple(ids))
    for name, kind, condition, field in _kinds_of_contents(request, inside, ids):
        for tally in await context.registry.tally(kind, view_of(caller), condition, [field]) if ids else []:
            own[tally.values[0]][name] = tally.count
    return own


def _kinds_of_contents(
    request: GetProjectsEx, inside: Condition, ids: Sequence[str]
) -> list[tuple[str, Kind, Condition, str]]:
    """Return what to count: name, kind, condition, and the field of the project."""
    if request.children_type == "dataset":
        kind, dataset = CHILDREN["dataset"]
        return [("own_datasets", kind, every(dataset, OneOf("parent", tuple(ids))), "parent")]
    inside = every(inside, STATES.get(request.stats_for_state or "", EVERYTHING))
    tasks, models = every(inside, _counted(request)), every(inside, request.made)
    return [("own_tasks", TASKS, tasks, "project"), ("own_models", MODELS, models, "project")]


async def _stats(context: QueryContext, caller: Caller, request: GetProjectsEx, below: Below) -> dict[str, Document]:
    """Count the tasks of each project, and of those under it, by their state; or its datasets."""
    if request.children_type == "dataset":
        return {key: await _datasets(context, caller, projects) for key, projects in below.items()}
    states = [request.stats_for_state] if request.stats_for_state in STATES else list(STATES)
    counted = _counted(request)
    stats: dict[str, Document] = {key: {} for key in below}
    for key, projects in below.items():
        ids = [project["id"] for project in projects] if request.stats_with_children else [key]
        for state in states:
            inside = every(OneOf("project", tuple(ids or [key])), counted, STATES[state])
            stats[key][state] = await _activity(context, caller, inside)
    return stats


async def _datasets(context: QueryContext, caller: Caller, projects: Sequence[Document]) -> Document:
    """Count the datasets among some projects, and collect their tags."""
    condition = every(CHILDREN["dataset"][1], OneOf("id", tuple(project["id"] for project in projects)))
    tags = await context.registry.distinct(PROJECTS, view_of(caller), "tags", condition)
    return {"datasets": {"count": await count(context, caller, PROJECTS, condition), "tags": tags}}


async def _activity(context: QueryContext, caller: Caller, condition: Condition) -> Document:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="microseconds")
    recently = every(condition, Not(UNFINISHED), Between("completed", yesterday))
    tallies = await context.registry.tally(TASKS, view_of(caller), condition, ["status"])
    counts = {tally.values[0]: tally.count for tally in tallies}
    last = PageBounds([Order("started", descending=True)], limit=1, fields=frozenset(("started",)))
    newest = await context.registry.find(TASKS, view_of(caller), condition, last)
    return {
        "total_tasks": sum(counts.values()),
        "total_runtime": sum(tally.seconds for tally in tallies),
        "completed_tasks_24h": await count(context, caller, TASKS, recently),
        "last_task_run": newest[0].get("started") if newest else None,
        "status_count": {status: counts.get(status, 0) for status in STATUSES},
    }


async def _dataset_sizes(context: QueryContext, caller: Caller, ids: Sequence[str]) -> dict[str, Document]:
    """Return number of files and bytes of each project that has a task which tells them: those of the newest."""
    page = PageBounds([Order("last_update", descending=True)], fields=frozenset(("runtime",)))
    sizes = {}
    for key in ids:
        condition = every(OneOf("project", (key,)), STATES["active"])
        tasks = await context.registry.find(TASKS, view_of(caller), condition, page)
        if runtime := next((task["runtime"] for task in tasks if task.get("runtime")), None):
            sizes[key] = {
                "file_count": runtime.get("ds_file_count", 0),
                "total_size": runtime.get("ds_total_size", 0),
            }
    return sizes


async def count(context: QueryContext, caller: Caller, kind: Kind, condition: Condition = EVERYTHING) -> int:
    """Count documents."""
    return sum(tally.count for tally in await context.registry.tally(kind, view_of(caller), condition, []))
