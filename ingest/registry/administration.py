"""Endpoints by which administrators look after the users of their company, and roots after all users.

Nobody administers a user whose role is higher than their own, nor gives a higher one, nor does it in another's name.
"""

from __future__ import annotations

from typing import Literal

from ingest.gateway import Gateway
from ingest.registry.users import checked_name
from schema.api.requests import Request
from schema.api.roles import RANKS, is_administrator, is_over
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import Forbidden, InvalidUser
from schema.registry import User

endpoints = Endpoints(Tier.GATEWAY)


class OneUser(Request):
    """One user."""

    user: str


class SetRole(OneUser):
    """A user and their new role."""

    role: Literal["user", "admin", "root"]


class UpdateUser(OneUser):
    """A user and their new name."""

    name: str


@endpoints.add("auth.edit_user", access=Access.ONESELF)
@endpoints.add("users.set_role", access=Access.ONESELF)
async def set_role(gateway: Gateway, caller: Caller, request: SetRole) -> Answer:
    """Give a user another role: ``{"updated"}``. Raises Forbidden and InvalidUser.

    It takes effect within 5 s, also for existing sessions and keys.
    """
    user = await _administered(gateway, caller, request.user)
    if RANKS[request.role] > RANKS.get(caller.role, 0):
        raise Forbidden(f"A user of role {caller.role} cannot make a {request.role}")
    await gateway.registry.set_role(user.id, request.role)
    return {"updated": 1, "fields": {"role": request.role}}


@endpoints.add("users.delete", access=Access.ONESELF)
async def delete(gateway: Gateway, caller: Caller, request: OneUser) -> Answer:
    """Delete a user with keys and sessions; what they made stays: ``{"deleted"}``.

    Raises Forbidden and InvalidUser.
    """
    user = await _administered(gateway, caller, request.user)
    return {"deleted": int(await gateway.registry.delete_user(user.id))}


@endpoints.add("users.revoke_access", access=Access.ONESELF)
async def revoke_access(gateway: Gateway, caller: Caller, request: OneUser) -> Answer:
    """Revoke all keys of a user and end their sessions: ``{"credentials", "sessions"}``, counts.

    Raises Forbidden and InvalidUser.
    """
    user = await _administered(gateway, caller, request.user)
    keys = await gateway.registry.credentials_of(user.id)
    sessions = await gateway.registry.end_sessions(user.id)
    for key in keys:
        await gateway.registry.remove_credential(user.id, key.access_key)
    return {"credentials": len(keys), "sessions": sessions}


@endpoints.add("users.update")
async def update(gateway: Gateway, caller: Caller, request: UpdateUser) -> Answer:
    """Rename a user: ``{"updated", "fields"}``.

    Raises InvalidField, Forbidden for others than oneself, and InvalidUser.
    """
    if request.user != caller.user:
        await _administered(gateway, caller, request.user)
    name = checked_name(request.name)
    user = await gateway.registry.user(request.user)
    if user is None or not await gateway.registry.rename_user(user.id, user.company, name):
        raise InvalidUser(f"Invalid user id {request.user}")
    return {"updated": 1, "fields": {"name": name}}


async def _administered(gateway: Gateway, caller: Caller, user_id: str) -> User:
    """Return another user whom the caller administers.

    Raises Forbidden, and InvalidUser, which also hides other companies' users.
    """
    if not is_administrator(caller.role):
        raise Forbidden("Only administrators may do this")
    user = await gateway.registry.user(user_id)
    if user is None or (caller.role != "root" and user.company != caller.company):
        raise InvalidUser(f"Invalid user id {user_id}")
    if user.id == caller.user or not is_over(caller, user):
        raise Forbidden("Nobody may do this to themselves, or to a user of a higher role")
    return user
