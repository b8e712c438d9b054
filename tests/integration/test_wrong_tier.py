"""A call that comes to the wrong tier is told to come again, as routes may be stale for a moment: no 404."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from deploy.endpoint_catalog import all_endpoints
from ingest.app import endpoints as write_endpoints
from query.app import endpoints as read_endpoints
from schema.api.wire import Endpoints
from schema.http.auth import Authenticator
from schema.http.bodies import Limits
from schema.http.dispatcher import create_app
from schema.http.health import Health
from schema.registry import Registry

Asked = tuple[int, str | None, str]
CALLS = [
    (read_endpoints, "events.add_batch", 503, "gateway"),
    (read_endpoints, "v2.9/tasks.create", 503, "gateway"),
    (write_endpoints, "api/v2.30/events.get_task_log", 503, "query service"),
    (write_endpoints, "auth.login", 503, "gateway and the query service"),
    (write_endpoints, "events.nothing", 404, "No endpoint"),
    (read_endpoints, "v0.9/events.add_batch", 404, "No endpoint"),
]


def ask(directory: Path, tier: Endpoints, path: str) -> Asked:
    """Status, Retry-After and message that a tier alone answers a call with."""

    async def asked() -> Asked:
        authenticator = Authenticator(Registry(f"sqlite:///{directory / 'registry.db'}"), "secret")
        app = create_app(tier, authenticator, Health(), Limits(1 << 20, 1 << 20), all_endpoints)
        async with TestClient(TestServer(app)) as client, client.post(f"/{path}", json={}) as answer:
            message = (await answer.json())["meta"]["result_msg"]
            return answer.status, answer.headers.get("Retry-After"), message

    return asyncio.run(asked())


@pytest.mark.parametrize(("tier", "path", "status", "text"), CALLS)
def test_a_call_at_the_wrong_tier(tmp_path: Path, tier: Endpoints, path: str, status: int, text: str) -> None:
    code, retry_after, message = ask(tmp_path, tier, path)
    assert (code, text in message) == (status, True), message
    assert bool(retry_after) == (status == 503)
