"""Endpoints that make users and change their preferences."""

from __future__ import annotations

from typing import Any

from ingest.gateway import Gateway
from schema.api.requests import Boolean, Request
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import Forbidden, InvalidField
from schema.json_encoding import to_json
from schema.registry import WEB_ROLE

MAX_NAME = 200
DOT = "--DOT--"  # a dot inside a key
MAX_PREFERENCES_BYTES = 1 << 20
MAX_PATH_PARTS = 100  # of a preference
MAKERS = frozenset(("root", "admin", WEB_ROLE))  # roles that may make users

endpoints = Endpoints(Tier.GATEWAY)


class SetPreferences(Request):
    """Preferences by dotted path.

    Each replaces what is at its path, so that a filter can be taken away.
    """

    preferences: dict[str, Any]
    return_updated: Boolean = False


class CreateUser(Request):
    """A user to be impersonated: they have no credentials."""

    name: str
    email: str | None = None
    company: str | None = None


@endpoints.add("users.set_preferences")
async def set_preferences(gateway: Gateway, caller: Caller, request: SetPreferences) -> Answer:
    """Set preferences, and leave all others: ``{"updated"}``.

    Raises InvalidField for more than MAX_PREFERENCES_BYTES, of all of them, or MAX_PATH_PARTS.
    """
    if any(path.count(".") >= MAX_PATH_PARTS for path in request.preferences):
        raise InvalidField(f"preferences: a path has at most {MAX_PATH_PARTS} parts")
    merged: dict[str, Any] = {}

    def change(profile: dict[str, Any]) -> dict[str, Any]:
        merged.update(profile.get("preferences") or {})
        for path, value in request.preferences.items():
            _put(merged, [name.replace(DOT, ".") for name in path.split(".")], value)
        if len(to_json(merged)) > MAX_PREFERENCES_BYTES:
            raise InvalidField(f"preferences: at most {MAX_PREFERENCES_BYTES >> 20} MiB are kept for a user")
        return profile | {"preferences": merged}

    await gateway.registry.change_profile(caller.user, change)
    return {"updated": 1} | ({"fields": {"preferences": merged}} if request.return_updated else {})


@endpoints.add("auth.create_user", access=Access.WEB)
async def create_user(gateway: Gateway, caller: Caller, request: CreateUser) -> Answer:
    """Create a user of the caller's company: ``{"id"}``.

    Raises Forbidden for callers who could not act as that user either, and InvalidField.
    """
    if caller.role not in MAKERS:
        raise Forbidden("Only administrators may create users")
    return {"id": await gateway.registry.invite(caller.company, checked_name(request.name), "user")}


def checked_name(name: str) -> str:
    """Return a user's name without spaces around it. Raises InvalidField for none, and for one that is too long."""
    name = name.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidField(f"name: 1 to {MAX_NAME} characters are expected")
    return name


def _put(tree: dict[str, Any], path: list[str], value: Any) -> None:
    """Put a value at a path in place of what is there."""
    for name in path[:-1]:
        inner = tree.get(name)
        tree[name] = dict(inner) if isinstance(inner, dict) else {}
        tree = tree[name]
    tree[path[-1]] = value
