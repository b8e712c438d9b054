"""Endpoints that make and change projects. A name is a path: ``a/b`` lies in ``a``, which is made with it."""

from __future__ import annotations

from ingest.gateway import Gateway
from ingest.permission import check_write, may_write
from ingest.registry.documents import change, create_document, given, new_document, own_document, updated
from ingest.registry.old_forms import present_form
from schema.api.requests import AnyFields, Request
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import (
    BadProjectMove,
    BadProjectName,
    NotUnique,
    NoWritePermission,
    ProjectPlaceFixed,
    ProjectTooDeep,
    PublicProjectExists,
    SameProjectPlace,
)
from schema.registry import PROJECTS, Document, OneOf, PageBounds, View, begins_with, owner_of

MAX_DEPTH = 10
PLACE = ("parent", "basename")  # fields that follow from the name
NEW_PROJECT: Document = {"description": "", "tags": [], "system_tags": []}

endpoints = Endpoints(Tier.GATEWAY)


class ProjectFields(AnyFields):
    """A project's document, or a part of it. Other fields are kept as they are."""

    name: str | None = None
    parent: str | None = None
    basename: str | None = None
    description: str | None = None
    tags: list[str] | None = None
    system_tags: list[str] | None = None
    default_output_destination: str | None = None


class CreateProject(ProjectFields):
    """A new project's document."""

    name: str


class EditProject(ProjectFields):
    """New values for some fields of a project."""

    project: str


class MoveProject(Request):
    """A project to move under the one of a name; no name: under none."""

    project: str
    new_location: str = ""


@endpoints.add("projects.create")
async def create(gateway: Gateway, caller: Caller, request: CreateProject) -> Answer:
    """Create a project: ``{"id"}``. Raises NotUnique if there is one of that name, and BadProjectName."""
    fields = present_form(caller, PROJECTS, given(request.model_dump(exclude_unset=True), "project"))
    return {"id": await _create(gateway, caller, fields)}


@endpoints.add("projects.update")
async def update(gateway: Gateway, caller: Caller, request: EditProject) -> Answer:
    """Change a project; with a new name all that lies in it is renamed along.

    Raises InvalidProject, NotUnique and BadProjectName, and ProjectPlaceFixed for a name or parent of another place.
    """
    fields = present_form(caller, PROJECTS, given(request.model_dump(exclude_unset=True), "project", *PLACE))
    project = await own_document(gateway, caller, PROJECTS, request.project)
    _check_place(project, request)
    if request.name is not None:
        name = normal_name(request.name)
        if place_of(name) != place_of(project["name"]):
            raise ProjectPlaceFixed(f"Project {project['name']} cannot be moved by an update")
        if name != project["name"]:
            await rename(gateway, caller, project, name)
        fields |= {"name": name, "basename": name.rpartition("/")[2]}
    await change(gateway, caller, PROJECTS, request.project, lambda project: project | fields)
    return updated(fields)


@endpoints.add("projects.move")
async def move(gateway: Gateway, caller: Caller, request: MoveProject) -> Answer:
    """Move a project: ``{"moved"}``.

    Raises InvalidProject, NotUnique, SameProjectPlace and BadProjectMove (under itself).
    """
    project = await own_document(gateway, caller, PROJECTS, request.project)
    location = normal_name(request.new_location) + "/" if request.new_location.strip("/ ") else ""
    if location.startswith(f"{project['name']}/"):
        raise BadProjectMove(f"Project {project['name']} cannot lie in itself")
    if location == place_of(project["name"]):
        raise SameProjectPlace(f"Project {project['name']} lies there already")
    return {"moved": await rename(gateway, caller, project, location + project["basename"])}


async def project_of_name(gateway: Gateway, caller: Caller, name: str, fields: Document | None = None) -> str:
    """Return the id of the caller's project of a name, made if there is none. ``fields``: of one that is made.

    Raises BadProjectName, ProjectTooDeep and PublicProjectExists.
    """
    name = normal_name(name)
    for _ in range(2):  # the second time another process has made it in between
        if found := await find_project(gateway, caller, name):
            return str(found["id"])
        try:
            return await _create(gateway, caller, (fields or {}) | {"name": name})
        except NotUnique:
            continue
    raise NotUnique(f"Project {name} comes and goes")


def normal_name(name: str) -> str:
    """Return a path without empty parts. Raises BadProjectName if nothing is left, ProjectTooDeep if too much."""
    parts = [part.strip() for part in name.split("/") if part.strip()]
    if not parts:
        raise BadProjectName(f"A project's name has a part that is not empty: {name!r}")
    return _not_too_deep("/".join(parts))


def place_of(name: str) -> str:
    """Return the path of the project in which one of a name lies, with a slash at its end; empty if in none."""
    place, slash, _ = name.rpartition("/")
    return place + slash


def _check_place(project: Document, request: EditProject) -> None:
    """Raise ProjectPlaceFixed for another place than the one that the name says: ``projects.move`` changes it."""
    basename = (request.name or project["name"]).rstrip("/ ").rpartition("/")[2].strip()
    places = {"parent": (project.get("parent"),), "basename": (project["basename"], basename)}
    for field, allowed in places.items():
        if field in request.model_fields_set and (getattr(request, field) or None) not in allowed:
            raise ProjectPlaceFixed(f"{field}: it follows from the name of project {project['name']}; projects.move")


def _not_too_deep(name: str) -> str:
    if name.count("/") >= MAX_DEPTH:
        raise ProjectTooDeep(f"At most {MAX_DEPTH} projects lie in one another: {name!r}")
    return name


async def _create(gateway: Gateway, caller: Caller, fields: Document) -> str:
    name = normal_name(fields["name"])
    await _check_not_public(gateway, caller, name)
    place = await _place(gateway, caller, name)
    document = new_document(caller, NEW_PROJECT | fields | place)
    await create_document(gateway, caller, PROJECTS, document)
    return str(document["id"])


async def _check_not_public(gateway: Gateway, caller: Caller, name: str) -> None:
    found = await gateway.registry.find(PROJECTS, view_of(caller), OneOf("name", (name,)))
    if any(not project["company"] for project in found):
        raise PublicProjectExists(f"There is a public project {name}")


async def _place(gateway: Gateway, caller: Caller, name: str) -> Document:
    """Return the fields that say where a project of this name lies; the projects above it are made."""
    above, _, basename = name.rpartition("/")
    parent = await project_of_name(gateway, caller, above) if above else None
    if not caller.projects.may_write(parent):
        raise NoWritePermission(f"The role in project {above} does not allow this")
    return {"name": name, "basename": basename, "parent": parent}


async def find_project(gateway: Gateway, caller: Caller, name: str) -> Document | None:
    """Return id and company of the caller's project of a name; None if there is none."""
    page = PageBounds(limit=2, fields=frozenset(("company",)))
    found = await gateway.registry.find(PROJECTS, view_of(caller), OneOf("name", (name,)), page)
    return next((project for project in found if project["company"] == caller.company), None)


async def rename(gateway: Gateway, caller: Caller, project: Document, name: str) -> int:
    """Give a project another name and place, with all that lies in it; how many were moved.

    Raises BadProjectMove into itself, NotUnique, and ProjectTooDeep.
    """
    old = project["name"]
    if name.startswith(f"{old}/"):
        raise BadProjectMove(f"Project {old} cannot lie in itself")
    place = await _place(gateway, caller, name)
    inside = await _below(gateway, View(caller.company), old)  # names follow, whoever sees them

    def renamed(document: Document) -> Document:
        if document["id"] == project["id"]:
            check_write(PROJECTS, caller, document["id"], owner_of(PROJECTS, document))
            return document | place
        return document | {"name": _not_too_deep(name + document["name"].removeprefix(old))}

    ids = [project["id"], *(below["id"] for below in inside)]
    return len(await gateway.registry.update_many(PROJECTS, ids, renamed))


async def projects_below(gateway: Gateway, caller: Caller, name: str) -> list[str]:
    """Return the ids of the projects that lie in the one of a name and that the caller may change."""
    found = await _below(gateway, view_of(caller), name)
    return [project["id"] for project in found if may_write(caller, owner_of(PROJECTS, project))]


async def _below(gateway: Gateway, view: View, name: str) -> list[Document]:
    page = PageBounds(fields=frozenset(("company",)))
    found = await gateway.registry.find(PROJECTS, view, begins_with("name", f"{name}/"), page)
    return [project for project in found if project["company"] == view.company]
