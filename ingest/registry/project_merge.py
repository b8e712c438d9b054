"""The endpoint that puts what lies in one project into another."""

from __future__ import annotations

from ingest.gateway import Gateway
from ingest.permission import may_write
from ingest.registry import foreign
from ingest.registry.documents import own_document
from ingest.registry.projects import find_project, rename
from schema.api.requests import Request
from schema.api.visibility import view_of
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import MergeIntoChild, SameProjectPlace
from schema.registry import MODELS, PROJECTS, TASKS, Document, OneOf, owner_of

endpoints = Endpoints(Tier.GATEWAY)


class MergeProject(Request):
    """A project whose contents go to the one of an id; no id: out of all projects."""

    project: str
    destination_project: str | None = None


@endpoints.add("projects.merge")
async def merge(gateway: Gateway, caller: Caller, request: MergeProject) -> Answer:
    """Move the contents of a project: ``{"moved_entities", "moved_projects"}``.

    Raises InvalidProject, SameProjectPlace and MergeIntoChild.
    """
    if request.project == request.destination_project:
        raise SameProjectPlace("A project cannot be merged into itself")
    source = await own_document(gateway, caller, PROJECTS, request.project)
    target = None
    if request.destination_project:
        target = await own_document(gateway, caller, PROJECTS, request.destination_project)
        if target["name"].startswith(f"{source['name']}/"):
            raise MergeIntoChild(f"Project {source['name']} cannot be merged into {target['name']}")
    moved = await _move_entities(gateway, caller, source["id"], target["id"] if target else None)
    children = await _children(gateway, caller, source["id"])
    for child in children:
        moved += await _move_child(gateway, caller, child, f"{target['name']}/" if target else "")
    await gateway.registry.delete(PROJECTS, source["id"])
    return {"moved_entities": moved, "moved_projects": len(children)}


async def _move_child(gateway: Gateway, caller: Caller, child: Document, location: str) -> int:
    """Move a project, into one that has its name there already; return how many tasks and models changed theirs."""
    name = location + child["basename"]
    there = await find_project(gateway, caller, name)
    if there is None:
        await rename(gateway, caller, child, name)
        return 0
    await foreign.check(gateway, caller, [foreign.Reference(PROJECTS.name, there["id"])])
    moved = await _move_entities(gateway, caller, child["id"], there["id"])
    for inner in await _children(gateway, caller, child["id"]):
        moved += await _move_child(gateway, caller, inner, f"{name}/")
    await gateway.registry.delete(PROJECTS, child["id"])
    return moved


async def _move_entities(gateway: Gateway, caller: Caller, source: str, target: str | None) -> int:
    """Give the caller's tasks and models of a project to another; return how many."""
    count = 0
    for kind in (TASKS, MODELS):
        found = await gateway.registry.find_ids(kind, view_of(caller), OneOf("project", (source,)))
        own = [document_id for document_id, company in found.items() if company == caller.company]
        count += await gateway.registry.update_in_parts(kind, own, lambda document: document | {"project": target})
    return count


async def _children(gateway: Gateway, caller: Caller, project_id: str) -> list[Document]:
    found = await gateway.registry.find(PROJECTS, view_of(caller), OneOf("parent", (project_id,)))
    return [project for project in found if may_write(caller, owner_of(PROJECTS, project))]
