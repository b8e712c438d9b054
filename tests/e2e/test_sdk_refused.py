"""The SDK at a server that refuses its calls for a while: it waits, sends again, and loses nothing.

Calls of a company beyond its limit, and events faster than a quota, are 429; bodies beyond the room for them are 503.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.e2e.sdk import Sdk
from tests.harness.api import Api, json_lines
from tests.harness.deployment import Deployment, embedded
from tests.harness.events import scalar
from tests.harness.plain import plain_client

REFUSED = r'^eventide_http_requests_total\{{code="{}",endpoint="[^"]+"\}} ([\d.]+)$'
EVENTS_A_SECOND = 15
ROOM_BYTES, TAKEN_BYTES = 16 << 20, (8 << 20) - 1000  # half of the room is one user's
TAKEN_SECONDS, FREE_SECONDS = 4.0, 2.0
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


def refused(deployment: Deployment, code: int = 429) -> float:
    """How many calls were refused so far."""
    pattern = re.compile(REFUSED.format(code), re.M)
    with plain_client() as client:
        return sum(map(float, pattern.findall(client.get(f"{deployment.origins.gateway}/metrics").text)))


@contextmanager
def room_taken_now_and_then(deployment: Deployment) -> Iterator[None]:
    """Another client of the same user leaves most of a body in the server's memory, and never sends the rest."""
    with Api(deployment.origins, deployment.credentials) as api:
        url, stop = httpx.URL(api.origins.gateway), threading.Event()
        head = [
            "POST /events.add_batch HTTP/1.1",
            f"Host: {url.host}",
            f"Authorization: Bearer {api.token}",
            "Content-Type: application/json-lines",
            f"Content-Length: {ROOM_BYTES // 2}",
        ]

        def take() -> None:
            while not stop.wait(FREE_SECONDS):
                with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
                    connection.sendall("\r\n".join([*head, "", ""]).encode() + b" " * TAKEN_BYTES)
                    stop.wait(TAKEN_SECONDS)

        thread = threading.Thread(target=take)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def test_the_sdk_loses_nothing_when_it_is_refused(crowded: Deployment, tmp_path: Path) -> None:
    sdk = Sdk(crowded, tmp_path / "sdk")
    with another_client(crowded) as statuses:
        curves = sdk.run("two_processes")["curves"]
    sdk.close()
    assert refused(crowded) > statuses.count(429)
    assert set(statuses) <= {200, 429}
    assert curves == {"parent": list(range(300)), "child": list(range(300))}


def test_the_sdk_loses_nothing_to_a_quota_of_events(tmp_path: Path) -> None:
    with embedded(tmp_path, {"QUOTA_EVENTS_PER_SECOND": str(EVENTS_A_SECOND)}) as deployment:
        sdk = Sdk(deployment, tmp_path / "sdk")
        curves = sdk.run("two_processes")["curves"]
        sdk.close()
        assert refused(deployment) > 0
    assert curves == {"parent": list(range(300)), "child": list(range(300))}


def test_the_sdk_loses_nothing_while_the_server_is_full(tmp_path: Path) -> None:
    with embedded(tmp_path, {"MAX_INFLIGHT_BYTES": str(ROOM_BYTES)}) as deployment:
        sdk = Sdk(deployment, tmp_path / "sdk")
        with room_taken_now_and_then(deployment):
            curves = sdk.run("two_processes")["curves"]
        sdk.close()
        assert refused(deployment, 503) > 0
    assert curves == {"parent": list(range(300)), "child": list(range(300))}
