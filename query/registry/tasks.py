"""Endpoints that read tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import Field

from query.cache import statistics
from query.context import QueryContext
from query.registry.conform import conform
from query.registry.documents import Tree, select
from query.registry.filters import Vocabulary
from query.registry.listing import (
    MAX_FIELDS,
    GetAll,
    Listing,
    in_projects,
    list_documents,
    statistics_of,
    with_artifacts,
    with_duration,
    with_statistics,
)
from query.registry.paths import shown_paths
from schema.api.requests import Boolean, Request, Texts
from schema.api.told_ids import told_ids
from schema.api.visibility import may_see, view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidTask
from schema.registry import TASKS, Document, owner_of

FILTERED = """
id name user company type status comment created started completed published parent project script tags system_tags
status_changed status_message status_reason last_worker last_update last_change last_changed_by active_duration
execution hyperparams configuration container models output runtime report report_assets
"""
VOCABULARY = Vocabulary(
    TASKS,
    roots=frozenset(FILTERED.split()),
    patterns=frozenset(("name", "comment", "report")),
)

endpoints = Endpoints(Tier.QUERY)


class TaskById(Request):
    """One task. ``only_fields``, Eventide's own: the fields to show; none: all."""

    task: str
    only_fields: Annotated[Texts, Field(max_length=MAX_FIELDS)] = []


class TasksById(Request):
    """Some tasks."""

    tasks: list[str]


class GetConfigurations(TasksById):
    """Configurations of some tasks; without ``names`` all of them."""

    names: list[str] = []


class GetConfigurationNames(TasksById):
    """Names of configurations; ``skip_empty``: only of those that have a value."""

    skip_empty: Boolean = True


class OfProjects(Request):
    """Projects with their subprojects; none: all."""

    projects: list[str] = []


@endpoints.add("tasks.get_by_id")
async def get_by_id(context: QueryContext, caller: Caller, request: TaskById) -> Answer:
    """Return ``{"task": document}`` with its statistics. Raises InvalidTask."""
    (task,) = await _visible(context, caller, [request.task])
    wanted = statistics_of(request.only_fields) if request.only_fields else statistics.ALL
    shown = await with_statistics(context, [with_artifacts(with_duration(task))], wanted)
    conform(caller, TASKS, shown)
    return {"task": select(shown, Tree.of(shown_paths(TASKS, request.only_fields)))[0]}


@endpoints.add("tasks.get_all")
async def get_all(context: QueryContext, caller: Caller, request: GetAll) -> Answer:
    """Return ``{"tasks": documents}``."""
    return await list_documents(context, caller, Listing(VOCABULARY, request), join=False)


@endpoints.add("tasks.get_all_ex")
async def get_all_ex(context: QueryContext, caller: Caller, request: GetAll) -> Answer:
    """Return ``{"tasks": documents}``, with references as objects."""
    return await list_documents(context, caller, Listing(VOCABULARY, request), join=True)


@endpoints.add("tasks.get_by_id_ex")
async def get_by_id_ex(context: QueryContext, caller: Caller, request: GetAll) -> Answer:
    """Return the tasks of some ids, with references as objects."""
    return await get_all_ex(context, caller, request)


@endpoints.add("tasks.get_hyper_params")
async def get_hyper_params(context: QueryContext, caller: Caller, request: TasksById) -> Answer:
    """Return every hyper parameter of each task, sorted. Raises InvalidTask."""
    tasks = await _visible(context, caller, request.tasks)
    return {"params": [{"task": task["id"], "hyperparams": list(_parameters(task))} for task in tasks]}


@endpoints.add("tasks.get_configurations")
async def get_configurations(context: QueryContext, caller: Caller, request: GetConfigurations) -> Answer:
    """Return the configurations of each task, sorted by name. Raises InvalidTask."""
    tasks = await _visible(context, caller, request.tasks)
    wanted = set(request.names)
    answer = []
    for task in tasks:
        items = sorted((task.get("configuration") or {}).items())
        answer.append({"task": task["id"], "configuration": [c for name, c in items if not wanted or name in wanted]})
    return {"configurations": answer}


@endpoints.add("tasks.get_configuration_names")
async def get_configuration_names(context: QueryContext, caller: Caller, request: GetConfigurationNames) -> Answer:
    """Return the names of each task's configurations, sorted. Raises InvalidTask."""
    answer = []
    for task in await _visible(context, caller, request.tasks):
        items: Mapping[str, Any] = task.get("configuration") or {}
        names = sorted(name for name, item in items.items() if item.get("value") or not request.skip_empty)
        answer.append({"task": task["id"], "names": names})
    return {"configurations": answer}


@endpoints.add("tasks.get_types")
async def get_types(context: QueryContext, caller: Caller, request: OfProjects) -> Answer:
    """Return the types of all tasks."""
    inside = await in_projects(context, caller, request.projects)
    return {"types": await context.registry.distinct(TASKS, view_of(caller), "type", inside)}


def _parameters(task: Document) -> list[Any]:
    sections: Mapping[str, Mapping[str, Any]] = task.get("hyperparams") or {}
    return [parameters[name] for _, parameters in sorted(sections.items()) for name in sorted(parameters)]


async def _visible(context: QueryContext, caller: Caller, ids: Sequence[str]) -> list[Document]:
    """Return the tasks of these ids, in their order. Raises InvalidTask unless the caller may see all."""
    found = {task["id"]: task for task in await context.registry.get_many(TASKS, ids)}
    named = [found[key] for key in dict.fromkeys(ids) if key in found]
    visible = [task for task in named if may_see(caller, owner_of(TASKS, task))]
    if len(visible) < len(set(ids)):
        missing = dict.fromkeys(ids).keys() - {task["id"] for task in visible}
        raise InvalidTask(f"Invalid task id {told_ids(sorted(missing))}")
    return visible
