"""``X-Eventide-Cache`` names the caches that an answer came from, and only those of this answer."""

from __future__ import annotations

import httpx
import pytest

from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.harness.events import scalar
from tests.harness.plain import plain_client

HEADER = "X-Eventide-Cache"
LATEST = "events.get_task_latest_scalar_values"


@pytest.fixture
def kept(eventide: Deployment, api: Api) -> httpx.Client:
    """One connection, which is kept from call to call."""
    if eventide.origins.gateway != eventide.origins.query or "up" not in eventide.processes:
        pytest.skip("only a process that is the only one to write caches what it reads")
    return plain_client(base_url=eventide.origins.query, headers={"Authorization": f"Bearer {api.token}"})


def caches(client: httpx.Client, path: str, body: dict[str, str] | None = None) -> set[str]:
    """The caches that a call's answer says it came from."""
    answer = client.post(f"/{path}", json=body) if body else client.get(f"/{path}")
    return set(answer.headers.get(HEADER, "").replace(" ", "").split(",")) - {""}


def test_an_answer_says_which_caches_it_came_from(kept: httpx.Client, api: Api) -> None:
    with kept as client:
        task = api.create_task()
        api.add(scalar(task, 1, 0.5))
        assert "responses" not in caches(client, LATEST, {"task": task})
        assert caches(client, LATEST, {"task": task}) == {"responses"}
        assert caches(client, "healthz") == set()
        assert caches(client, LATEST, {"task": "unknown"}) == set()
        api.add(scalar(task, 2, 0.25))
        assert "responses" not in caches(client, LATEST, {"task": task})
