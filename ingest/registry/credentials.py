"""Calls by which users give themselves credentials and take them back, and change their name."""

from __future__ import annotations

import secrets
from typing import Any

from ingest.gateway import Gateway
from schema.api.requests import Request
from schema.api.wire import Answer, Caller, Endpoints, Tier
from schema.errors import Forbidden, InvalidField, InvalidUser
from schema.registry import LABELS

ACCESS_KEY_BYTES, SECRET_KEY_BYTES = 15, 36
MAX_CREDENTIALS = 100
MAX_NAME = 200

endpoints = Endpoints(Tier.GATEWAY)


class CreateCredentials(Request):
    """``label``: what it is called."""

    label: str | None = None


class RevokeCredentials(Request):
    """A credential of the caller's."""

    access_key: str


class EditCredentials(RevokeCredentials):
    """``label``: what it is called from now on."""

    label: str | None = None


class UpdateUser(Request):
    """A user and their new name."""

    user: str
    name: str


@endpoints.add("auth.create_credentials")
async def create(gateway: Gateway, caller: Caller, request: CreateCredentials) -> Answer:
    """``{"credentials": {access_key, secret_key, label}}``; the secret is told this once. Raises InvalidField."""
    if len(await gateway.registry.access_keys(caller.user)) >= MAX_CREDENTIALS:
        raise InvalidField(f"A user has at most {MAX_CREDENTIALS} credentials")
    access_key = secrets.token_hex(ACCESS_KEY_BYTES).upper()
    secret_key = secrets.token_urlsafe(SECRET_KEY_BYTES)
    await gateway.registry.add_credential(caller.user, access_key, secret_key)
    await _label(gateway, caller, access_key, request.label)
    return {"credentials": {"access_key": access_key, "secret_key": secret_key, "label": request.label}}


@endpoints.add("auth.edit_credentials")
async def edit(gateway: Gateway, caller: Caller, request: EditCredentials) -> Answer:
    """``{"updated"}``. Raises InvalidUser for a credential that is not the caller's."""
    if request.access_key not in await gateway.registry.access_keys(caller.user):
        raise InvalidUser("Invalid access key")
    await _label(gateway, caller, request.access_key, request.label)
    return {"updated": 1}


@endpoints.add("auth.revoke_credentials")
async def revoke(gateway: Gateway, caller: Caller, request: RevokeCredentials) -> Answer:
    """``{"revoked"}``; tokens that were made with it live on. Raises InvalidUser as ``edit``."""
    if not await gateway.registry.remove_credential(caller.user, request.access_key):
        raise InvalidUser("Invalid access key")
    await _label(gateway, caller, request.access_key, None)
    return {"revoked": 1}


@endpoints.add("users.update")
async def update_user(gateway: Gateway, caller: Caller, request: UpdateUser) -> Answer:
    """``{"updated", "fields"}``. Raises Forbidden for others than oneself, InvalidField and InvalidUser."""
    if request.user != caller.user and caller.role not in ("root", "admin"):
        raise Forbidden("Only administrators may rename others")
    name = request.name.strip()
    if not 0 < len(name) <= MAX_NAME:
        raise InvalidField(f"name: 1 to {MAX_NAME} characters are expected")
    if not await gateway.registry.rename_user(request.user, caller.company, name):
        raise InvalidUser(f"Invalid user id {request.user}")
    return {"updated": 1, "fields": {"name": name}}


async def _label(gateway: Gateway, caller: Caller, access_key: str, label: str | None) -> None:
    def change(profile: dict[str, Any]) -> dict[str, Any]:
        others = {key: value for key, value in (profile.get(LABELS) or {}).items() if key != access_key}
        return profile | {LABELS: others | ({access_key: label} if label else {})}

    await gateway.registry.change_profile(caller.user, change)
