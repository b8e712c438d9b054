"""``eventide user add|list|role|delete|revoke``: looks after users where nobody has to be logged in."""

from __future__ import annotations

import json

from deploy import components, first_start
from schema.errors import ConfigError
from schema.registry import Registry, User
from schema.settings import Settings


async def user(settings: Settings, action: str, name: str | None, role: str | None, user_id: str | None) -> None:
    """Do one thing, and print what it was done to as JSON, one line for each user.

    Raises ConfigError for a user who cannot be told, and Forbidden for the last root.
    """
    async with components.migrated_registry(settings) as registry:
        if action == "add":
            await _add(registry, settings, name, role or "user")
        elif action == "list":
            for found in await registry.find_users(name=name):
                _print(found)
        else:
            await _change(registry, action, await one_user(registry, settings, name, user_id), role)


async def _add(registry: Registry, settings: Settings, name: str | None, role: str) -> None:
    """Print a new user's credentials."""
    if not name:
        raise ConfigError("user add: --name is missing")
    made = first_start.make_credentials()
    found = await registry.add_user(settings.company, name, role, made.access_key, made.secret_key)
    print(json.dumps({**vars(made), "user": found.id, "company": found.company}))


async def _change(registry: Registry, action: str, found: User, role: str | None) -> None:
    """Change or delete a user; it takes effect within 5 s in running processes."""
    if action == "role":
        if role is None:
            raise ConfigError("user role: --role is missing")
        await registry.set_role(found.id, role)
    elif action == "delete":
        await registry.delete_user(found.id)
    else:
        for key in await registry.credentials_of(found.id):
            await registry.remove_credential(found.id, key.access_key)
        await registry.end_sessions(found.id)
    _print(await registry.user(found.id) or found)


async def one_user(registry: Registry, settings: Settings, name: str | None, user_id: str | None) -> User:
    """Return the user of an id, or the only one of a name in the company."""
    if user_id:
        found = [one for one in [await registry.user(user_id)] if one]
    else:
        found = await registry.find_users(settings.company, name) if name else []
    if len(found) != 1:
        raise ConfigError(f"{len(found)} users are meant: name one by --user ID (`eventide user list`)")
    return found[0]


def _print(found: User) -> None:
    print(json.dumps(vars(found)))
