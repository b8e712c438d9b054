"""The endpoint that lists the members of a project."""

from __future__ import annotations

from query.context import QueryContext
from query.registry.projects import ProjectById, visible_project
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.registry import PROJECTS, OneOf, PageBounds, View

endpoints = Endpoints(Tier.QUERY)


@endpoints.add("projects.get_members")
async def get_members(context: QueryContext, caller: Caller, request: ProjectById) -> Answer:
    """Return ``{"members": [{user, name, role, project}]}``, also those of the projects around it.

    These have their roles here, too. No members: the project is everybody's of its company. Raises InvalidProject.
    """
    project = await visible_project(context, caller, request.project)
    parts = str(project["name"]).split("/")
    names = tuple("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
    page = PageBounds(fields=frozenset(("name", "company")))
    around = await context.registry.find(PROJECTS, View(caller.company), OneOf("name", names), page)
    own = [one["id"] for one in around if one["company"] == caller.company]
    found = [member for key in own for member in await context.registry.members_of_project(key)]
    return {"members": [{"user": m.user, "name": m.name, "role": m.role, "project": m.project} for m in found]}
