"""Calls by which users give themselves credentials, and take these and their sessions back.

What is made in a session that a name alone opened ends with that session, and such a session takes back nothing else.
"""

from __future__ import annotations

import secrets
import time
from typing import Annotated

from pydantic import Field

from ingest.gateway import Gateway
from schema.api.requests import Integer, Request
from schema.api.scopes import FULL, Scope
from schema.api.wire import Access, Answer, Caller, Endpoints, Tier
from schema.errors import InvalidField, InvalidUser
from schema.registry import iso_of

ACCESS_KEY_BYTES, SECRET_KEY_BYTES = 15, 36
MAX_CREDENTIALS = 100
MAX_LABEL = 200  # characters
MAX_EXPIRATION_SECONDS = 10 * 365 * 86_400

endpoints = Endpoints(Tier.GATEWAY)


class CreateCredentials(Request):
    """A new credential.

    ``label``: its name. ``expires_in``, in seconds: for how long it is valid; absent: until it is revoked. Older
    clients call it ``expiration_sec``; of both the shorter counts. ``scope``: what it is good for, ``full``, ``write``
    (SDKs that report experiments) or ``read`` (dashboards).
    """

    label: Annotated[str, Field(max_length=MAX_LABEL)] | None = None
    expires_in: Integer | None = None
    expiration_sec: Integer | None = None
    scope: Scope = FULL


class RevokeCredentials(Request):
    """A credential of the caller's."""

    access_key: str


class EditCredentials(RevokeCredentials):
    """A credential to rename. ``label``: its new name."""

    label: Annotated[str, Field(max_length=MAX_LABEL)] | None = None


class RevokeSessions(Request):
    """Sessions of the caller's, by the ids that ``auth.get_sessions`` tells; none: all."""

    sessions: list[str] = []


@endpoints.add("auth.create_credentials", access=Access.ONESELF)
async def create(gateway: Gateway, caller: Caller, request: CreateCredentials) -> Answer:
    """Make a credential: ``{"credentials": {access_key, secret_key, label, expires, scope}}``. Raises InvalidField.

    This is the only time that the secret is returned. A key never outlives the key that made it; only those of scope
    ``full`` make any.
    """
    if len(await gateway.registry.credentials_of(caller.user)) >= MAX_CREDENTIALS:
        raise InvalidField(f"A user has at most {MAX_CREDENTIALS} credentials")
    access_key = secrets.token_hex(ACCESS_KEY_BYTES).upper()
    secret_key = secrets.token_urlsafe(SECRET_KEY_BYTES)
    expires_at = await _expiry(gateway, caller, request)
    await gateway.registry.add_credential(
        caller.user,
        access_key,
        secret_key,
        expires_at=expires_at,
        name_session=caller.name_session,
        scope=request.scope,
    )
    await gateway.registry.label_key(caller.user, access_key, request.label)
    made = {"access_key": access_key, "secret_key": secret_key, "label": request.label, "scope": request.scope}
    return {"credentials": made | {"expires": iso_of(expires_at)}}


@endpoints.add("auth.edit_credentials", access=Access.ONESELF)
async def edit(gateway: Gateway, caller: Caller, request: EditCredentials) -> Answer:
    """Rename a credential: ``{"updated"}``. Raises InvalidUser for one that is not the caller's."""
    if request.access_key not in {key.access_key for key in await gateway.registry.credentials_of(caller.user)}:
        raise InvalidUser("Invalid access key")
    await gateway.registry.label_key(caller.user, request.access_key, request.label)
    return {"updated": 1}


@endpoints.add("auth.revoke_credentials", access=Access.ONESELF)
async def revoke(gateway: Gateway, caller: Caller, request: RevokeCredentials) -> Answer:
    """Revoke a credential, and end the sessions that it opened: ``{"revoked"}``.

    Raises InvalidUser for one that is not the caller's.
    """
    if not await gateway.registry.remove_credential(caller.user, request.access_key, caller.name_session):
        raise InvalidUser("Invalid access key")
    await gateway.registry.label_key(caller.user, request.access_key, None)
    return {"revoked": 1}


@endpoints.add("auth.revoke_sessions", access=Access.ONESELF)
async def revoke_sessions(gateway: Gateway, caller: Caller, request: RevokeSessions) -> Answer:
    """End sessions: ``{"revoked"}``, their number.

    What was made in those that a name alone opened ends too.
    """
    if caller.name_session is None:
        return {"revoked": await gateway.registry.end_sessions(caller.user, *request.sessions)}
    if request.sessions not in ([], [caller.name_session]):
        raise InvalidUser("Invalid session")
    return {"revoked": await gateway.registry.end_sessions(caller.user, caller.name_session)}


async def _expiry(gateway: Gateway, caller: Caller, request: CreateCredentials) -> int | None:
    """Return when a new key ends. Raises InvalidField.

    That is as asked, but not after the key or the name's session that makes it.
    """
    asked = {"expires_in": request.expires_in, "expiration_sec": request.expiration_sec}
    limits = []
    for name, seconds in asked.items():
        if seconds is not None and not 0 < seconds <= MAX_EXPIRATION_SECONDS:
            raise InvalidField(f"{name}: 1 to {MAX_EXPIRATION_SECONDS} are expected")
        limits += [int(time.time()) + seconds] if seconds is not None else []
    if caller.name_session and caller.expires_at is not None:
        limits.append(caller.expires_at)
    for key in await gateway.registry.credentials_of(caller.user):
        if key.access_key == caller.access_key and key.expires_at is not None:
            limits.append(key.expires_at)
    return min(limits, default=None)
