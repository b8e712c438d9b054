"""Endpoints that give users roles in projects. The first member makes a project private, with all under it."""

from __future__ import annotations

from ingest.gateway import Gateway
from ingest.registry.documents import own_document
from schema.api.project_roles import ADMIN, ProjectRole
from schema.api.requests import Boolean, Request
from schema.api.roles import is_administrator
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import Forbidden, InvalidUser
from schema.registry import PROJECTS, Document

endpoints = Endpoints(Tier.GATEWAY)


class OneMember(Request):
    """A user in a project."""

    project: str
    user: str


class SetMember(OneMember):
    """A user in a project, and their role there."""

    role: ProjectRole


class RemoveMember(OneMember):
    """A user to take out of a project. ``force``: also the last one, after which it is everybody's again."""

    force: Boolean = False


@endpoints.add("projects.set_member", access=Access.ONESELF)
async def set_member(gateway: Gateway, caller: Caller, request: SetMember) -> Answer:
    """Give a user a role in a project and those under it: ``{"updated"}``. It takes effect within 5 s.

    Whoever makes a project of their own private becomes its administrator. Raises InvalidProject, InvalidUser,
    NoWritePermission, and Forbidden for a project that is everybody's and that another made.
    """
    project = await _administered(gateway, caller, request.project)
    user = await gateway.registry.user(request.user)
    if user is None or user.company != caller.company:
        raise InvalidUser(f"Invalid user id {request.user}")
    is_first = project["id"] not in caller.projects.roles and not is_administrator(caller.role)
    first = {caller.user: ADMIN} if is_first else {}
    await gateway.registry.set_members(caller.company, project["id"], first | {user.id: request.role})
    return {"updated": 1}


@endpoints.add("projects.remove_member", access=Access.ONESELF)
async def remove_member(gateway: Gateway, caller: Caller, request: RemoveMember) -> Answer:
    """Take a user's role in a project away: ``{"removed"}``. It takes effect within 5 s.

    Raises InvalidProject, NoWritePermission, and Forbidden for the last member.
    """
    project = await _administered(gateway, caller, request.project)
    members = await gateway.registry.members_of_project(project["id"])
    if [member.user for member in members] == [request.user] and not request.force:
        raise Forbidden("Without its last member the project is everybody's: use force")
    return {"removed": int(await gateway.registry.remove_member(project["id"], request.user))}


async def _administered(gateway: Gateway, caller: Caller, project_id: str) -> Document:
    """Return a project whose members the caller may choose.

    These are its administrators and the company's; of one that is everybody's also who made it.
    """
    project = await own_document(gateway, caller, PROJECTS, project_id)
    is_private = project["id"] in caller.projects.roles
    if not (is_private or is_administrator(caller.role) or project.get("user") == caller.user):
        raise Forbidden("Only its maker and administrators may make a project private")
    return project
