"""The endpoint that says what takes the room: estimated bytes of a company, its event types, projects and tasks.

The estimate is that of the quota ``stored_bytes``, see ``query/stored_bytes.py``.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field

from query.context import QueryContext
from query.stored_bytes import ROW_BYTES_SQL, ROWS_OF_COMPANY_SQL, ROWS_OF_ENTITIES_SQL
from schema.api.requests import Integer, Request
from schema.api.roles import is_administrator
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import BadValue, Forbidden
from schema.events.tables import TABLES
from schema.fairness.computing import compute
from schema.registry import EVERYTHING, MODELS, PROJECTS, TASKS, Kind, Registry, View

# Sizes travel as parameters: `system.parts` is read once a call.
SIZE_SQL = "transform(name, {tables:Array(String)}, {sizes:Array(Float64)}, 0.)"
SIZED_SQL = f"sum(counted.rows) AS rows, toUInt64(sum(counted.rows * {SIZE_SQL})) AS bytes"
BY_TABLE_SQL = f"SELECT name, {SIZED_SQL} FROM ({ROWS_OF_COMPANY_SQL}) AS counted GROUP BY name"
BY_ENTITY_SQL = f"SELECT entity AS id, {SIZED_SQL} FROM ({ROWS_OF_ENTITIES_SQL}) AS counted GROUP BY id"
PAGE_SQL = f"{BY_ENTITY_SQL} ORDER BY bytes DESC, id LIMIT {{size:UInt64}} OFFSET {{offset:UInt64}}"
EVENT_TYPES = {table.name: event_type for event_type, table in TABLES.items()}

endpoints = Endpoints(Tier.QUERY)


class GetStorageUsage(Request):
    """A page of projects or tasks (and models), largest first. ``company``: for roots; one's own without it."""

    by: Literal["project", "task"] = "project"
    company: str = ""
    page: Annotated[Integer, Field(ge=0, le=10_000)] = 0
    page_size: Annotated[Integer, Field(ge=1, le=1000)] = 100


@dataclass(frozen=True)
class Usage:
    """Rows of a project or of a task or model, and their estimated bytes; no ``id``: of tasks without a project."""

    id: str
    rows: int
    bytes: int


@endpoints.add("storage.get_usage")
async def get_usage(context: QueryContext, caller: Caller, request: GetStorageUsage) -> Answer:
    """Return the company's rows and bytes, ``event_types`` by type, and ``usage``: a page of projects or tasks.

    Each has ``rows`` and ``bytes``; those of ``usage`` an ``id`` and a ``name``, too.

    Raises Forbidden for others than administrators, and for another company; BadValue for an unknown one.
    """
    company = await _company(context.registry, caller, request.company)
    parameters = {"company": company, **await _row_bytes(context)}
    event_types = {
        EVENT_TYPES[row["name"]]: {"rows": int(row["rows"]), "bytes": int(row["bytes"])}
        for row in await context.store.read(BY_TABLE_SQL, parameters)
    }
    read = _of_projects if request.by == "project" else _of_entities
    usage = await read(context, parameters, request)
    names = await _names(context.registry, usage, (PROJECTS,) if request.by == "project" else (TASKS, MODELS))
    total = {unit: sum(one[unit] for one in event_types.values()) for unit in ("rows", "bytes")}
    shown = [{"name": names.get(one.id, ""), **vars(one)} for one in usage]
    return {"company": company, **total, "event_types": event_types, "usage": shown}


async def _company(registry: Registry, caller: Caller, asked: str) -> str:
    """Return the company that a caller asks about."""
    if not is_administrator(caller.role) or (caller.role != "root" and asked not in ("", caller.company)):
        raise Forbidden("Only administrators may read what is stored, of their company")
    if asked and not await registry.company_names([asked]):
        raise BadValue(f"Invalid company id {asked}")
    return asked or caller.company


async def _names(registry: Registry, usage: Sequence[Usage], kinds: Sequence[Kind]) -> dict[str, str]:
    """Return the names of what still exists, by id."""
    names: dict[str, str] = {}
    for kind in kinds:
        found = await registry.get_many(kind, [one.id for one in usage if one.id])
        names |= {document["id"]: document["name"] for document in found}
    return names


async def _row_bytes(context: QueryContext) -> Mapping[str, Any]:
    """Return the parameters of SIZED_SQL: tables, and the average bytes of one row of each."""
    found = {row["table"]: float(row["row_bytes"]) for row in await context.store.read(ROW_BYTES_SQL)}
    return {"tables": list(EVENT_TYPES), "sizes": [found.get(name, 0.0) for name in EVENT_TYPES]}


async def _of_entities(
    context: QueryContext, parameters: Mapping[str, Any], request: GetStorageUsage
) -> Sequence[Usage]:
    bounds = {"size": request.page_size, "offset": request.page * request.page_size}
    return _usage(await context.store.read(PAGE_SQL, {**parameters, **bounds}))


async def _of_projects(
    context: QueryContext, parameters: Mapping[str, Any], request: GetStorageUsage
) -> Sequence[Usage]:
    """Return a page of projects, without what is in their subprojects."""
    rows = await context.store.read(BY_ENTITY_SQL, parameters)
    projects: dict[str, str] = {}
    for kind in (TASKS, MODELS):
        found = await context.registry.find_values(kind, View(parameters["company"]), EVERYTHING, ["project"])
        projects |= {entity: project or "" for entity, (_, project) in found.items()}
    start = request.page * request.page_size
    return (await compute(_by_project, rows, projects))[start : start + request.page_size]


def _by_project(rows: Iterable[Mapping[str, Any]], projects: Mapping[str, str]) -> Sequence[Usage]:
    """Return the sums of each project, largest first."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in _usage(rows):
        of_project = sums[projects.get(one.id, "")]
        of_project[0] += one.rows
        of_project[1] += one.bytes
    usage = [Usage(project, *of_project) for project, of_project in sums.items()]
    return sorted(usage, key=lambda one: (-one.bytes, one.id))


def _usage(rows: Iterable[Mapping[str, Any]]) -> list[Usage]:
    return [Usage(row["id"], int(row["rows"]), int(row["bytes"])) for row in rows]
