"""The SDK at a server that refuses calls of a company beyond its limit: it waits, sends again, and loses nothing."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.sdk import Sdk
from tests.harness.api import Api, json_lines
from tests.harness.deployment import Deployment, embedded
from tests.harness.events import scalar
from tests.harness.plain import plain_client

REFUSED = re.compile(r'^eventide_http_requests_total\{code="429",endpoint="[^"]+"\} ([\d.]+)$', re.M)
LINES, PAUSE_SECONDS = 5000, 0.1  # of the batches of another client, which takes the only place some of the time


@pytest.fixture
def crowded(tmp_path: Path) -> Iterator[Deployment]:
    """A company may make one change at a time."""
    with embedded(tmp_path, {"MAX_COMPANY_CALLS": "1"}) as deployment:
        yield deployment


@contextmanager
def another_client(deployment: Deployment) -> Iterator[list[int]]:
    """Batches of the same company, one after the other; yields the statuses of their answers."""
    with Api(deployment.origins, deployment.credentials) as api:
        task = api.create_task()
        body, stop = json_lines(scalar(task, number) for number in range(LINES)), threading.Event()
        headers, statuses = {"Content-Type": "application/json-lines"}, list[int]()

        def send() -> None:
            while not stop.wait(PAUSE_SECONDS):
                statuses.append(api.raw("events.add_batch", content=body, headers=headers).status_code)

        thread = threading.Thread(target=send)
        thread.start()
        try:
            yield statuses
        finally:
            stop.set()
            thread.join()


def refused(deployment: Deployment) -> float:
    """How many calls were refused so far."""
    with plain_client() as client:
        return sum(map(float, REFUSED.findall(client.get(f"{deployment.origins.gateway}/metrics").text)))


def test_the_sdk_loses_nothing_when_it_is_refused(crowded: Deployment, tmp_path: Path) -> None:
    sdk = Sdk(crowded, tmp_path / "sdk")
    with another_client(crowded) as statuses:
        curves = sdk.run("two_processes")["curves"]
    sdk.close()
    assert refused(crowded) > statuses.count(429)
    assert set(statuses) <= {200, 429}
    assert curves == {"parent": list(range(300)), "child": list(range(300))}
