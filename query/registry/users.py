"""Endpoints that read users and their preferences, and the server's versions."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from query.context import QueryContext
from query.registry.listing import in_projects, with_subprojects
from schema.api.requests import Boolean, Nothing, Request, Texts
from schema.api.scopes import FULL
from schema.api.visibility import view_of
from schema.api.wire import MAX_VERSION, Access, Answer, Caller, Endpoints, Tier
from schema.errors import InvalidUser
from schema.registry import (
    EVERYTHING,
    LABELS,
    MODELS,
    PROJECTS,
    TASKS,
    Condition,
    Credential,
    Document,
    Kind,
    OneOf,
    Session,
    User,
    digest_of,
    iso_of,
)

endpoints = Endpoints(Tier.QUERY)


class GetCurrentUser(Request):
    """The caller. ``get_supported_features``: with what the server can do for them."""

    get_supported_features: Boolean = False


class UserById(Request):
    """One user."""

    user: str


class GetUsers(Request):
    """A listing of users; none named: all.

    ``active_in_projects``: those who made something in these, or them; in any, if it is empty.
    """

    id: Texts = []
    active_in_projects: list[str] | None = None


@endpoints.add("users.get_current_user")
async def get_current_user(context: QueryContext, caller: Caller, request: GetCurrentUser) -> Answer:
    """Return ``{"user": …}``. Raises InvalidUser if the caller does not exist any more."""
    profile = await context.registry.profile(caller.user)
    user = await context.registry.user(caller.user)
    if user is None:
        raise InvalidUser(f"Invalid user id {caller.user}")
    features = (
        {"settings": {"max_download_items": 1000}, "getting_started": None} if request.get_supported_features else {}
    )
    return {"user": _shown(user) | {"preferences": profile.get("preferences", {})}} | features


@endpoints.add("users.get_by_id")
async def get_by_id(context: QueryContext, caller: Caller, request: UserById) -> Answer:
    """Return ``{"user": …}``. Raises InvalidUser."""
    user = await context.registry.user(request.user)
    if user is None or user.company != caller.company:
        raise InvalidUser(f"Invalid user id {request.user}")
    return {"user": _shown(user)}


@endpoints.add("users.get_all", access=Access.WEB)
async def get_all(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return ``{"users": […]}``: all of the company."""
    return {"users": [_shown(user) for user in await context.registry.users_of(caller.company)]}


@endpoints.add("users.get_all_ex")
async def get_all_ex(context: QueryContext, caller: Caller, request: GetUsers) -> Answer:
    """Return ``{"users": […]}``: those of the company that are asked for."""
    users = await context.registry.users_of(caller.company)
    if request.active_in_projects is not None:
        active = await _active_in(context, caller, request.active_in_projects)
        users = [user for user in users if user.id in active]
    return {"users": [_shown(user) for user in users if not request.id or user.id in request.id]}


async def _active_in(context: QueryContext, caller: Caller, projects: Sequence[str]) -> set[str]:
    """Return who made some projects, one that lies in them, or tasks or models there; none: any of these at all."""
    inside = await in_projects(context, caller, projects)
    ids = await with_subprojects(context, caller, projects) if projects else []
    made: list[tuple[Kind, Condition]] = [(TASKS, inside), (MODELS, inside)]
    made.append((PROJECTS, OneOf("id", tuple(ids)) if ids else EVERYTHING))
    found = [await context.registry.distinct(kind, view_of(caller), "user", condition) for kind, condition in made]
    return {user for users in found for user in users}


@endpoints.add("auth.get_credentials")
async def get_credentials(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return the caller's access keys with labels, scopes and times; no endpoint returns a secret again."""
    labels = (await context.registry.profile(caller.user)).get(LABELS, {})
    keys = await context.registry.credentials_of(caller.user)
    return {"credentials": [_shown_credential(key, labels.get(key.access_key)) for key in keys]}


@endpoints.add("auth.get_sessions")
async def get_sessions(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """``{"sessions": [{id, created, expires, access_key, address, client, current}]}``: the caller's, newest first."""
    current = digest_of(caller.session) if caller.session else ""
    sessions = await context.registry.sessions_of(caller.user)
    return {"sessions": [_shown_session(session) | {"current": session.id == current} for session in sessions]}


@endpoints.add("users.get_preferences")
async def get_preferences(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return what ``set_preferences`` stored."""
    return {"preferences": (await context.registry.profile(caller.user)).get("preferences", {})}


@endpoints.add("server.info")
async def server_info(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return versions."""
    return {"version": version("eventide"), "build": "eventide", "commit": "", "api_version": MAX_VERSION}


@endpoints.add("server.report_stats_option")
async def report_stats_option(context: QueryContext, caller: Caller, request: Nothing) -> Answer:
    """Return that Eventide reports nothing to anybody."""
    return {"supported": False, "enabled": False, "enabled_time": None, "enabled_version": None, "enabled_user": None}


def _shown_credential(key: Credential, label: str | None) -> Document:
    """As ``auth.get_credentials`` tells a key; without times where none is known."""
    times = {"created": key.created_at, "expires": key.expires_at}
    known = {name: iso_of(at) for name, at in times.items() if at is not None}
    told = {"access_key": key.access_key, "label": label, "scope": key.scope or FULL}
    return told | {"last_used": iso_of(key.used_at)} | known


def _shown_session(session: Session) -> Document:
    times = {"created": iso_of(session.created_at), "expires": iso_of(session.expires_at)}
    told = {"id": session.id, "access_key": session.access_key, "address": session.address, "client": session.client}
    return told | times


def _shown(user: User) -> Document:
    given, _, family = user.name.partition(" ")
    return {
        "id": user.id,
        "name": user.name,
        "given_name": given,
        "family_name": family,
        "role": user.role,
        "company": {"id": user.company, "name": user.company_name},
    }
