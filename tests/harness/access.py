"""Who may call what: every endpoint, and the clients of people whose access changes."""

from __future__ import annotations

import asyncio
import secrets
from base64 import b64encode

import httpx

from deploy.components import unchecked_registry
from deploy.endpoint_catalog import all_endpoints
from schema.api.wire import Access, Endpoint
from schema.settings import read_settings
from tests.harness.api import Api, Credentials, Data
from tests.harness.deployment import Deployment

REVOKED_SECONDS = 5.0  # within which whatever is taken back has ended, in every process
ENDPOINTS: dict[str, Endpoint] = {endpoint.name: endpoint for endpoint in all_endpoints()}
USERS_ONLY = sorted(name for name, found in ENDPOINTS.items() if found.access in (Access.USERS, Access.ONESELF))
KNOWN_ONLY = sorted(name for name, found in ENDPOINTS.items() if found.access is not Access.ANYONE)


def basic(credentials: Credentials) -> dict[str, str]:
    """The header of Basic credentials."""
    pair = f"{credentials.access_key}:{credentials.secret_key}"
    return {"Authorization": f"Basic {b64encode(pair.encode()).decode()}"}


def bearer(token: str) -> dict[str, str]:
    """The header of a token."""
    return {"Authorization": f"Bearer {token}"}


def status_of(response: httpx.Response) -> int:
    """The code of an answer, which is the same in its envelope."""
    code: int = response.json()["meta"]["result_code"]
    assert code == response.status_code
    return code


def statuses(api: Api, headers: dict[str, str], names: list[str], body: Data | None = None) -> dict[str, int]:
    """What each endpoint answers to a request with these headers."""
    return {name: status_of(api.raw(name, body or {}, headers=headers, auth=False)) for name in names}


def new_user(eventide: Deployment, role: str = "user", company: str | None = None) -> Api:
    """A user of a role, by default in a company of their own; without a command, which takes a second to start."""
    made = Credentials(secrets.token_hex(10), secrets.token_hex(10))
    company = company or f"company {secrets.token_hex(4)}"
    registry = unchecked_registry(read_settings(eventide.environment, {}))
    try:
        asyncio.run(registry.add_user(company, f"a {role}", role, made.access_key, made.secret_key))
    finally:
        asyncio.run(registry.close())
    return Api(eventide.origins, made)


def id_of(api: Api) -> str:
    """The id of the user whose client this is."""
    return str(api.call("users.get_current_user")["user"]["id"])
