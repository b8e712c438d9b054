"""``eventide key create|list|revoke``: access keys of users, with a scope and an end."""

from __future__ import annotations

import json
import time

from deploy import components, first_start
from deploy.users import one_user
from schema.api.scopes import FULL
from schema.errors import ConfigError
from schema.registry import LABELS, Credential, Registry, User, iso_of
from schema.settings import Settings


async def key(
    settings: Settings,
    action: str,
    name: str | None,
    user_id: str | None,
    scope: str,
    expires_in: int | None,
    label: str | None,
    key_id: str | None,
) -> None:
    """Do one thing, and print the keys that it was done to as JSON, one a line. It takes effect within 5 s.

    Raises ConfigError for a user or key that cannot be told.
    """
    async with components.migrated_registry(settings) as registry:
        if action == "revoke":
            await _revoke(registry, key_id)
        elif action == "list":
            is_one = name or user_id
            for user in [await one_user(registry, settings, name, user_id)] if is_one else await registry.find_users():
                await _list(registry, user)
        else:
            await _create(registry, await one_user(registry, settings, name, user_id), scope, expires_in, label)


async def _create(registry: Registry, user: User, scope: str, expires_in: int | None, label: str | None) -> None:
    """Print a new key with its secret, which nothing prints again."""
    made = first_start.make_credentials()
    expires_at = int(time.time()) + expires_in if expires_in else None
    await registry.add_credential(user.id, made.access_key, made.secret_key, expires_at=expires_at, scope=scope)
    await registry.label_key(user.id, made.access_key, label)
    shown = _shown(user, Credential(made.access_key, expires_at=expires_at, scope=scope), label)
    print(json.dumps(shown | {"secret_key": made.secret_key}))


async def _list(registry: Registry, user: User) -> None:
    labels = (await registry.profile(user.id)).get(LABELS, {})
    for found in await registry.credentials_of(user.id):
        print(json.dumps(_shown(user, found, labels.get(found.access_key))))


async def _revoke(registry: Registry, access_key: str | None) -> None:
    owner = await registry.owner_of_key(access_key) if access_key else None
    if not access_key or owner is None:
        raise ConfigError("key revoke: --key names no access key (`eventide key list`)")
    await registry.remove_credential(owner, access_key)
    await registry.label_key(owner, access_key, None)
    print(json.dumps({"access_key": access_key, "user": owner}))


def _shown(user: User, found: Credential, label: str | None) -> dict[str, str | None]:
    times = {"created": found.created_at, "expires": found.expires_at, "last_used": found.used_at}
    told = {"access_key": found.access_key, "scope": found.scope or FULL, "label": label}
    return told | {"user": user.id, "name": user.name} | {name: iso_of(at) for name, at in times.items()}
