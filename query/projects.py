"""Projects as they are, and what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from query.filters import Vocabulary
from query.listing import GetAll, Listing, in_projects, list_documents, with_subprojects
from query.reader import Reader
from query.statistics import ENTITIES_PER_STATEMENT, md5
from query.tasks import VOCABULARY as TASK_VOCABULARY
from schema.errors import InvalidProject
from schema.living import ENTITIES, SINCES_RESET
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
    Page,
    every,
)
from schema.requests import Boolean, Integer, Request
from schema.tables import SCALAR
from schema.wire import Answer, Caller, Endpoints, Tier

FILTERED = "id name basename user company description parent tags system_tags created last_update"
VOCABULARY = Vocabulary(
    PROJECTS,
    roots=frozenset(FILTERED.split()),
    patterns=frozenset(("name", "basename", "description")),
)
MAX_TASKS = 2000  # that are looked through for the names of hyper parameters
ARCHIVED = OneOf("system_tags", ("archived",))
STATES: dict[str, Condition] = {"active": Not(ARCHIVED), "archived": ARCHIVED}
REPORT = OneOf("type", ("report",))
CONTENTS: dict[str, tuple[Kind, Condition]] = {
    "tasks": (TASKS, Not(REPORT)),
    "reports": (TASKS, REPORT),
    "models": (MODELS, EVERYTHING),
    "pipelines": (PROJECTS, OneOf("system_tags", ("pipeline",))),
    "datasets": (PROJECTS, OneOf("system_tags", ("dataset",))),
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

METRICS_SQL = f"""
SELECT metric, variant FROM metric_index
WHERE {ENTITIES} AND event_type = '{SCALAR}' AND since_reset = {SINCES_RESET}[task]
GROUP BY metric, variant
"""

endpoints = Endpoints(Tier.QUERY)


class ProjectById(Request):
    """One project."""

    project: str


class GetProjects(GetAll):
    """Projects. ``shallow_search``: only those that lie in no other."""

    shallow_search: Boolean = False


class GetProjectsEx(GetProjects):
    """Projects with what is in them."""

    include_stats: Boolean = False
    stats_for_state: str | None = None
    stats_with_children: Boolean = True
    include_stats_filter: dict[str, Any] = {}
    check_own_contents: Boolean = False


class GetUniqueMetricVariants(Request):
    """Metrics of the tasks, or models, of a project or of some tasks or models."""

    project: str | None = None
    ids: list[str] = []
    include_subprojects: Boolean = True
    model_metrics: Boolean = False


class GetHyperParameters(Request):
    """Hyper parameters of the tasks of a project."""

    project: str
    include_subprojects: Boolean = True
    page: Integer = 0
    page_size: Integer = 500


class GetHyperparamValues(Request):
    """The values of a hyper parameter; ``projects``: none means all."""

    section: str
    name: str
    projects: list[str] = []
    allow_public: Boolean = True
    include_subprojects: Boolean = True


class GetTags(Request):
    """Tags of the documents in some projects."""

    projects: list[str] = []
    include_system: Boolean = False


class GetTaskParents(Request):
    """Parents of the tasks in some projects; ``tasks_state``: active, archived or all."""

    projects: list[str] = []
    tasks_state: str | None = "active"
    include_subprojects: Boolean = True


class GetUserNames(Request):
    """Users who made something in some projects."""

    projects: list[str] = []
    include_subprojects: Boolean = True
    entity: str = "task"


@endpoints.add("projects.get_by_id")
async def get_by_id(reader: Reader, caller: Caller, request: ProjectById) -> Answer:
    """``{"project": document}``. Raises InvalidProject."""
    return {"project": await _visible(reader, caller, request.project)}


@endpoints.add("projects.get_all")
async def get_all(reader: Reader, caller: Caller, request: GetProjects) -> Answer:
    """``{"projects": documents}``."""
    return await list_documents(reader, caller, _listing(request), join=False)


@endpoints.add("projects.get_all_ex")
async def get_all_ex(reader: Reader, caller: Caller, request: GetProjectsEx) -> Answer:
    """``{"projects": documents}``, with references as objects, subprojects and, if asked for, statistics."""
    answer = dict(await list_documents(reader, caller, _listing(request), join=True))
    ids = [project["id"] for project in answer["projects"]]
    below = await _projects_below(reader, caller, ids)
    own = await _own_contents(reader, caller, ids) if request.check_own_contents else {}
    stats = await _stats(reader, caller, request, below) if request.include_stats else {}
    for project in answer["projects"]:
        key = project["id"]
        project["sub_projects"] = [{"id": sub["id"], "name": sub["name"]} for sub in below[key] if sub["id"] != key]
        project |= own.get(key, {}) | ({"stats": stats[key]} if stats else {})
    return answer


@endpoints.add("projects.validate_delete")
async def validate_delete(reader: Reader, caller: Caller, request: ProjectById) -> Answer:
    """How much lies in a project and those under it, and how much of that is not archived. Raises InvalidProject."""
    await _visible(reader, caller, request.project)
    ids = tuple(await with_subprojects(reader, caller, [request.project]))
    counts: Document = {}
    for name, (kind, condition) in CONTENTS.items():
        inside = every(OneOf("project" if kind is not PROJECTS else "id", ids), condition)
        counts[name] = await _count(reader, caller, kind, inside)
        if kind is not PROJECTS:
            counts[f"non_archived_{name}"] = await _count(reader, caller, kind, every(inside, Not(ARCHIVED)))
    return counts


@endpoints.add("projects.get_unique_metric_variants")
async def get_unique_metric_variants(reader: Reader, caller: Caller, request: GetUniqueMetricVariants) -> Answer:
    """The metrics and variants of scalars, each once, sorted."""
    kind = MODELS if request.model_metrics else TASKS
    condition: Condition = EVERYTHING
    if request.ids:
        condition = OneOf("id", tuple(request.ids))
    elif request.project:
        condition = await in_projects(reader, caller, [request.project], request.include_subprojects)
    storage = await reader.registry.find_ids(kind, caller.company, condition)
    await reader.settled(storage)
    found: set[tuple[str, str]] = set()
    for start in range(0, len(storage), ENTITIES_PER_STATEMENT):
        some = list(storage)[start : start + ENTITIES_PER_STATEMENT]
        rows = await reader.store.read(METRICS_SQL, {"companies": sorted(set(storage.values())), "tasks": some})
        found.update((row["metric"], row["variant"]) for row in rows)
    return {"metrics": [_hashed(metric, variant) for metric, variant in sorted(found)]}


@endpoints.add("projects.get_hyper_parameters")
async def get_hyper_parameters(reader: Reader, caller: Caller, request: GetHyperParameters) -> Answer:
    """A page of the sections and names of hyper parameters, each once, sorted; of the tasks that changed last."""
    names = {
        (section, name)
        for task in await _with_parameters(reader, caller, [request.project], request.include_subprojects)
        for section, parameters in (task.get("hyperparams") or {}).items()
        for name in parameters
    }
    start = request.page * request.page_size
    shown = sorted(names)[start : start + request.page_size]
    remaining = max(0, len(names) - start - len(shown))
    parameters = [{"section": section, "name": name} for section, name in shown]
    return {"parameters": parameters, "remaining": remaining, "total": len(names)}


@endpoints.add("projects.get_hyperparam_values")
async def get_hyperparam_values(reader: Reader, caller: Caller, request: GetHyperparamValues) -> Answer:
    """``{"total", "values"}``: what a hyper parameter is in the tasks that changed last, each value once, sorted."""
    values = {
        str((task.get("hyperparams") or {}).get(request.section, {}).get(request.name, {}).get("value") or "")
        for task in await _with_parameters(reader, caller, request.projects, request.include_subprojects)
        if request.allow_public or task["company"] == caller.company
    } - {""}
    return {"total": len(values), "values": sorted(values)}


async def _with_parameters(
    reader: Reader, caller: Caller, projects: Sequence[str], include_subprojects: bool
) -> list[Document]:
    """The tasks whose hyper parameters are looked through."""
    inside = await in_projects(reader, caller, projects, include_subprojects)
    fields = frozenset(("hyperparams", "company"))
    page = Page([Order("last_update", descending=True)], limit=MAX_TASKS, fields=fields)
    return await reader.registry.find(TASKS, caller.company, inside, page)


@endpoints.add("projects.get_task_tags")
async def get_task_tags(reader: Reader, caller: Caller, request: GetTags) -> Answer:
    """The tags of tasks."""
    return await _tags(reader, caller, TASKS, request)


@endpoints.add("projects.get_model_tags")
async def get_model_tags(reader: Reader, caller: Caller, request: GetTags) -> Answer:
    """The tags of models."""
    return await _tags(reader, caller, MODELS, request)


@endpoints.add("projects.get_project_tags")
async def get_project_tags(reader: Reader, caller: Caller, request: GetTags) -> Answer:
    """The tags of projects."""
    condition = OneOf("id", tuple(request.projects)) if request.projects else EVERYTHING
    return await _tags_of(reader, caller, PROJECTS, request, condition)


@endpoints.add("organization.get_tags")
async def get_all_tags(reader: Reader, caller: Caller, request: GetTags) -> Answer:
    """The tags of tasks and models."""
    answers = [await _tags(reader, caller, kind, request) for kind in (TASKS, MODELS)]
    return {name: sorted({tag for answer in answers for tag in answer[name]}) for name in answers[0]}


@endpoints.add("projects.get_task_parents")
async def get_task_parents(reader: Reader, caller: Caller, request: GetTaskParents) -> Answer:
    """``{"parents": [{id, name, project}]}``, by name."""
    inside = await in_projects(reader, caller, request.projects, request.include_subprojects)
    condition = every(inside, STATES.get(request.tasks_state or "", EVERYTHING))
    ids = await reader.registry.distinct(TASKS, caller.company, "parent", condition)
    fields = frozenset(("name", "project"))
    parents = (
        await reader.registry.find(TASKS, caller.company, OneOf("id", tuple(ids)), Page(fields=fields)) if ids else []
    )
    shown = [{"id": p["id"], "name": p.get("name"), "project": {"id": p.get("project")}} for p in parents]
    return {"parents": sorted(shown, key=lambda parent: parent["name"] or "")}


@endpoints.add("projects.get_user_names")
async def get_user_names(reader: Reader, caller: Caller, request: GetUserNames) -> Answer:
    """``{"users": [{id, name}]}``, by name."""
    kind = MODELS if request.entity == "model" else TASKS
    inside = await in_projects(reader, caller, request.projects, request.include_subprojects)
    ids = await reader.registry.distinct(kind, caller.company, "user", inside)
    names = await reader.registry.names_of_users(ids)
    return {"users": [{"id": key, "name": name} for key, name in sorted(names.items(), key=lambda item: item[1])]}


def _listing(request: GetProjects) -> Listing:
    return Listing(VOCABULARY, request, OneOf("parent", (None,)) if request.shallow_search else None)


async def _visible(reader: Reader, caller: Caller, project_id: str) -> Document:
    project = await reader.registry.get(PROJECTS, project_id)
    if project is None or project["company"] not in (caller.company, ""):
        raise InvalidProject(f"Invalid project id {project_id}")
    return project


async def _projects_below(reader: Reader, caller: Caller, ids: Sequence[str]) -> dict[str, list[Document]]:
    """Each project with all projects under it, by name."""
    page = Page(fields=frozenset(("name",)))
    known = await with_subprojects(reader, caller, ids)
    found = await reader.registry.find(PROJECTS, caller.company, OneOf("id", tuple(known)), page) if known else []
    by_id = {project["id"]: project for project in found}
    by_name = sorted(found, key=lambda project: str(project["name"]))
    return {
        key: [p for p in by_name if _is_below(p["name"], by_id[key]["name"])] if key in by_id else [] for key in ids
    }


def _is_below(name: str, parent: str) -> bool:
    return name == parent or name.startswith(f"{parent}/")


async def _own_contents(reader: Reader, caller: Caller, ids: Sequence[str]) -> dict[str, Document]:
    """How many tasks and models lie in each project itself."""
    inside = OneOf("project", tuple(ids))
    own: dict[str, Document] = {key: {"own_tasks": 0, "own_models": 0} for key in ids}
    for kind, name in ((TASKS, "own_tasks"), (MODELS, "own_models")):
        for tally in await reader.registry.tally(kind, caller.company, inside, ["project"]) if ids else []:
            own[tally.values[0]][name] = tally.count
    return own


async def _stats(
    reader: Reader, caller: Caller, request: GetProjectsEx, below: dict[str, list[Document]]
) -> dict[str, Document]:
    """What the tasks of each project, and of those under it, are doing, by their state."""
    states = [request.stats_for_state] if request.stats_for_state in STATES else list(STATES)
    stats: dict[str, Document] = {key: {} for key in below}
    for state in states:
        condition = every(TASK_VOCABULARY.condition(request.include_stats_filter), STATES[state])
        for key, projects in below.items():
            ids = [project["id"] for project in projects] if request.stats_with_children else [key]
            stats[key][state] = await _activity(reader, caller, every(OneOf("project", tuple(ids or [key])), condition))
    return stats


async def _activity(reader: Reader, caller: Caller, condition: Condition) -> Document:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).isoformat(timespec="microseconds")
    recently = every(condition, OneOf("status", ("completed",)), Between("completed", yesterday))
    tallies = await reader.registry.tally(TASKS, caller.company, condition, ["status"])
    counts = {tally.values[0]: tally.count for tally in tallies}
    return {
        "total_tasks": sum(counts.values()),
        "total_runtime": sum(tally.seconds for tally in tallies),
        "completed_tasks_24h": await _count(reader, caller, TASKS, recently),
        "status_count": {status: counts.get(status, 0) for status in STATUSES},
    }


async def _count(reader: Reader, caller: Caller, kind: Kind, condition: Condition) -> int:
    return sum(tally.count for tally in await reader.registry.tally(kind, caller.company, condition, []))


async def _tags(reader: Reader, caller: Caller, kind: Kind, request: GetTags) -> Answer:
    return await _tags_of(reader, caller, kind, request, await in_projects(reader, caller, request.projects))


async def _tags_of(reader: Reader, caller: Caller, kind: Kind, request: GetTags, condition: Condition) -> Answer:
    names = ("tags", "system_tags") if request.include_system else ("tags",)
    return {name: await reader.registry.distinct(kind, caller.company, name, condition) for name in names}


def _hashed(metric: str, variant: str) -> Document:
    return {"metric": metric, "metric_hash": md5(metric), "variant": variant, "variant_hash": md5(variant)}
