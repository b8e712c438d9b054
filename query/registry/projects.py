"""Endpoints that read projects, and what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from query.cache.statistics import ENTITIES_PER_STATEMENT, md5
from query.context import QueryContext
from query.registry.conform import conform
from query.registry.documents import Tree, expand
from query.registry.filters import Vocabulary, pattern
from query.registry.listing import Listing, in_projects, list_documents, with_subprojects
from query.registry.project_choice import GetProjects, GetProjectsEx, choice
from query.registry.project_contents import STATES, add_contents, count
from schema.api.requests import Boolean, Request
from schema.api.visibility import may_see, view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import InvalidProject
from schema.events.tables import SCALAR
from schema.registry import (
    EVERYTHING,
    MODELS,
    PROJECTS,
    TASKS,
    Condition,
    Document,
    Kind,
    Not,
    OneOf,
    PageBounds,
    every,
    owner_of,
)
from schema.registry.project_kinds import IS_DATASET, IS_PIPELINE, IS_REPORT, IS_RUN, NOT_ARCHIVED
from schema.store.tombstone_filters import OF_ENTITIES_SQL, RESET_SEQS_SQL

FILTERED = "id name basename user company description parent tags system_tags created last_update"
VOCABULARY = Vocabulary(
    PROJECTS,
    roots=frozenset(FILTERED.split()),
    patterns=frozenset(("name", "basename", "description")),
)
NOTHING = OneOf("id", ("",))
CONTENTS: dict[str, tuple[Kind, Condition]] = {
    "tasks": (TASKS, Not(IS_REPORT)),
    "reports": (TASKS, IS_REPORT),
    "models": (MODELS, EVERYTHING),
}
METRICS_SQL = f"""
SELECT metric, variant FROM metric_index
WHERE {OF_ENTITIES_SQL} AND event_type = '{SCALAR}' AND since_reset = {RESET_SEQS_SQL}[task]
GROUP BY metric, variant
"""

endpoints = Endpoints(Tier.QUERY)


class ProjectById(Request):
    """One project."""

    project: str


class GetUniqueMetricVariants(Request):
    """Metrics of the tasks, or models, of a project or of some tasks or models."""

    project: str | None = None
    ids: list[str] = []
    include_subprojects: Boolean = True
    model_metrics: Boolean = False


class GetTaskParents(Request):
    """Parents of the tasks in some projects; ``tasks_state``: active, archived or all. ``task_name``: a pattern."""

    projects: list[str] = []
    tasks_state: Literal["active", "archived"] | None = None
    task_name: str = ""
    include_subprojects: Boolean = True


class GetUserNames(Request):
    """Users who made something in some projects."""

    projects: list[str] = []
    include_subprojects: Boolean = True
    entity: str = "task"


@endpoints.add("projects.get_by_id")
async def get_by_id(context: QueryContext, caller: Caller, request: ProjectById) -> Answer:
    """Return ``{"project": document}``. Raises InvalidProject."""
    project = await visible_project(context, caller, request.project)
    conform(caller, PROJECTS, [project])
    return {"project": project}


@endpoints.add("projects.get_all")
async def get_all(context: QueryContext, caller: Caller, request: GetProjects) -> Answer:
    """Return ``{"projects": documents}``."""
    return await list_documents(context, caller, await _listing(context, caller, request), join=False)


@endpoints.add("projects.get_all_ex")
async def get_all_ex(context: QueryContext, caller: Caller, request: GetProjectsEx) -> Answer:
    """Return ``{"projects": documents}``, with references as objects and subprojects.

    Statistics are added if they are asked for.
    """
    answer = await list_documents(context, caller, await _listing(context, caller, request), join=True)
    await add_contents(context, caller, request, answer["projects"])
    return answer


@endpoints.add("projects.validate_delete")
async def validate_delete(context: QueryContext, caller: Caller, request: ProjectById) -> Answer:
    """Count what lies in a project and those under it, and what of that is not archived. Raises InvalidProject.

    ``pipelines`` and ``datasets``: those with runs and versions, which count in these only.
    """
    await visible_project(context, caller, request.project)
    inside = OneOf("id", tuple(await with_subprojects(context, caller, [request.project])))
    pipelines = await context.registry.find_ids(PROJECTS, view_of(caller), every(inside, IS_PIPELINE))
    datasets = await context.registry.find_ids(PROJECTS, view_of(caller), every(inside, IS_DATASET))
    others = OneOf("project", tuple(key for key in inside.values if key not in {*pipelines, *datasets}))
    counts: Document = {
        "pipelines": await _with_tasks(context, caller, pipelines, IS_RUN),
        "datasets": await _with_tasks(context, caller, datasets, EVERYTHING),
    }
    for name, (kind, condition) in CONTENTS.items():
        lying = every(others, condition) if others.values else NOTHING
        counts[name] = await count(context, caller, kind, lying)
        counts[f"non_archived_{name}"] = await count(context, caller, kind, every(lying, NOT_ARCHIVED))
    return counts


async def _with_tasks(context: QueryContext, caller: Caller, projects: Iterable[str], condition: Condition) -> int:
    """Count the projects among some that have such tasks which are not archived."""
    inside = OneOf("project", tuple(projects))
    if not inside.values:
        return 0
    found = every(inside, condition, NOT_ARCHIVED)
    return len(await context.registry.distinct(TASKS, view_of(caller), "project", found))


@endpoints.add("projects.get_unique_metric_variants")
async def get_unique_metric_variants(context: QueryContext, caller: Caller, request: GetUniqueMetricVariants) -> Answer:
    """Return the metrics and variants of scalars, each once, sorted."""
    kind = MODELS if request.model_metrics else TASKS
    condition: Condition = EVERYTHING
    if request.ids:
        condition = OneOf("id", tuple(request.ids))
    elif request.project:
        condition = await in_projects(context, caller, [request.project], request.include_subprojects)
    storage = await context.registry.find_ids(kind, view_of(caller), condition)
    await context.wait_until_readable(storage)
    found: set[tuple[str, str]] = set()
    for start in range(0, len(storage), ENTITIES_PER_STATEMENT):
        some = list(storage)[start : start + ENTITIES_PER_STATEMENT]
        rows = await context.store.read(METRICS_SQL, {"companies": sorted(set(storage.values())), "tasks": some})
        found.update((row["metric"], row["variant"]) for row in rows)
    return {"metrics": [_hashed(metric, variant) for metric, variant in sorted(found)]}


@endpoints.add("projects.get_task_parents")
async def get_task_parents(context: QueryContext, caller: Caller, request: GetTaskParents) -> Answer:
    """Return ``{"parents": [{id, name, project}]}``, by name."""
    inside = await in_projects(context, caller, request.projects, request.include_subprojects)
    condition = every(inside, STATES.get(request.tasks_state or "", EVERYTHING))
    ids = await context.registry.distinct(TASKS, view_of(caller), "parent", condition)
    named = pattern("name", request.task_name) if request.task_name else EVERYTHING
    page = PageBounds(fields=frozenset(("name", "project", "company")))
    parents = await context.registry.find(TASKS, view_of(caller), every(OneOf("id", tuple(ids)), named), page)
    shown = await expand(context, caller, TASKS, parents, Tree.of(("name", "project.name")))
    return {"parents": sorted(shown, key=lambda parent: parent.get("name") or "")}


@endpoints.add("projects.get_user_names")
async def get_user_names(context: QueryContext, caller: Caller, request: GetUserNames) -> Answer:
    """Return ``{"users": [{id, name}]}``, by name."""
    kind = MODELS if request.entity == "model" else TASKS
    inside = await in_projects(context, caller, request.projects, request.include_subprojects)
    ids = await context.registry.distinct(kind, view_of(caller), "user", inside)
    names = await context.registry.names_of_users(ids)
    return {"users": [{"id": key, "name": name} for key, name in sorted(names.items(), key=lambda item: item[1])]}


async def _listing(context: QueryContext, caller: Caller, request: GetProjects) -> Listing:
    return Listing(VOCABULARY, request, await choice(context, caller, request, VOCABULARY))


async def visible_project(context: QueryContext, caller: Caller, project_id: str) -> Document:
    """Return a project that the caller may see. Raises InvalidProject."""
    project = await context.registry.get(PROJECTS, project_id)
    if project is None or not may_see(caller, owner_of(PROJECTS, project)):
        raise InvalidProject(f"Invalid project id {project_id}")
    return project


def _hashed(metric: str, variant: str) -> Document:
    return {"metric": metric, "metric_hash": md5(metric), "variant": variant, "variant_hash": md5(variant)}
