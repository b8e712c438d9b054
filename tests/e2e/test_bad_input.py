"""What is bad gets the API contract's answer, stores nothing that it should not, and leaves the process alive."""

from __future__ import annotations

import base64
import re
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.harness.api import JSON_LINES, Api, failure_of, until
from tests.harness.deployment import Deployment, embedded
from tests.harness.events import scalar

MEBIBYTE = 1 << 20


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Eventide with its own limits."""
    with embedded(tmp_path_factory.mktemp("bad-input"), {"MAX_BODY_BYTES": str(128 * MEBIBYTE)}) as deployment:
        yield deployment


@pytest.fixture
def api(service: Deployment) -> Iterator[Api]:
    """A client that, in the end, sees the process alive."""
    with Api(service.origins, service.credentials) as client:
        yield client
        task = client.create_task()
        client.add(scalar(task))
        assert len(client.events(task)) == 1


GOOD = '{"type":"training_stats_scalar","task":"$TASK","iter":1,"metric":"m","value":1}'


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(GOOD + "\n{", id="malformed line"),
        pytest.param(GOOD + "\n\n" + GOOD, id="blank line"),
        pytest.param(GOOD + "\n[1]", id="line that is no object"),
        pytest.param(GOOD + '\n{"type":"log","msg":"\\ud800"}', id="lone surrogate"),
        pytest.param(GOOD.replace('"value":1', '"value":1e400'), id="number overflow"),
    ],
)
def test_one_bad_line_refuses_the_batch(api: Api, body: str) -> None:
    task = api.create_task()
    assert refused(api, body.replace("$TASK", task).encode()) == (400, 0)
    assert api.events(task) == []


def test_invalid_utf8_refuses_the_batch(api: Api) -> None:
    task = api.create_task()
    assert refused(api, GOOD.replace("$TASK", task).encode() + b'\n{"type":"log","msg":"\xff"}') == (400, 0)
    assert api.events(task) == []


@pytest.mark.parametrize("value", ["NaN", "Infinity", "1e39", "-1e39", "true", '"1"', "[1]"])
def test_a_value_that_is_no_32_bit_float_fails_its_event_only(api: Api, value: str) -> None:
    task = api.create_task()
    bad = GOOD.replace("$TASK", task).replace('"value":1', f'"value":{value}').replace('"iter":1', '"iter":2')
    answer = api.batch([GOOD.replace("$TASK", task), bad])
    assert (answer["added"], answer["errors"]) == (1, 1)
    assert [event["iter"] for event in api.events(task)] == [1]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"iter": 2**63}, id="iter beyond 64 bits"),
        pytest.param({"type": "no such type"}, id="unknown type"),
        pytest.param({"task": "0" * 32}, id="unknown task"),
        pytest.param({"task": None}, id="no task"),
        pytest.param({"timestamp": "now"}, id="timestamp that is none"),
    ],
)
def test_a_bad_event_is_counted_and_alone_is_an_error(api: Api, change: dict[str, Any]) -> None:
    task = api.create_task()
    bad = scalar(task, iter=2) | change
    answer = api.batch([scalar(task, iter=1), bad])
    assert (answer["added"], answer["errors"], len(answer["errors_info"])) == (1, 1, 1)
    assert api.fail_batch([bad]) == (400, 131)
    assert len(api.events(task)) == 1


def test_a_body_of_16_mebibytes_is_taken(api: Api) -> None:
    task = api.create_task()
    line = {"type": "log", "task": task, "msg": "x" * (16 * MEBIBYTE - 200)}
    assert api.batch([line])["added"] == 1


def test_a_body_of_129_mebibytes_is_refused(api: Api) -> None:
    headers = {"Content-Type": JSON_LINES, "Authorization": f"Bearer {api.token}"}
    chunks = (b"x" * MEBIBYTE for _ in range(129))
    response = httpx.post(api.url("events.add_batch"), content=chunks, headers=headers, timeout=60, verify=False)
    assert response.status_code == 413


def test_a_compressed_body_is_refused_before_anything_else(api: Api) -> None:
    response = api.raw("events.add_batch", content=b"", headers={"Content-Encoding": "gzip"}, auth=False)
    assert response.status_code == 415


@pytest.mark.parametrize(
    ("header", "subcode"),
    [
        ("Bearer not-a-token", 30),
        ("Basic " + base64.b64encode(b"nobody:nothing").decode(), 22),
        ("Digest x", 10),
    ],
)
def test_wrong_credentials(api: Api, header: str, subcode: int) -> None:
    response = api.raw("events.add_batch", content=b"{", headers={"Authorization": header}, auth=False)
    assert failure_of(response) == (401, subcode)


def test_a_client_that_leaves_amid_its_body_is_no_defect(service: Deployment, api: Api) -> None:
    before = left(api)
    with sent(api, b"{", 1000, "Expect: 100-continue") as connection:
        assert connection.recv(100).startswith(b"HTTP/1.1 100")  # somebody reads it now
    until(lambda: left(api) == before + 1)
    assert "unexpected error" not in service.processes["up"].log.read_text()


def test_what_a_paused_process_finds_of_clients_that_have_left_is_dropped(service: Deployment, api: Api) -> None:
    task, before = api.create_task(), left(api)
    body = GOOD.replace("$TASK", task).encode()
    service.processes["up"].pause()
    with sent(api, body, len(body)):
        pass
    service.processes["up"].resume()
    until(lambda: left(api) == before + 1)
    assert api.events(task) == []


def sent(api: Api, body: bytes, length: int, *headers: str) -> socket.socket:
    """The connection of an ``add_batch`` of which so much was sent."""
    url = httpx.URL(api.url("events.add_batch"))
    connection = socket.create_connection((url.host, url.port))
    head = (
        f"POST {url.path} HTTP/1.1",
        f"Host: {url.host}",
        f"Authorization: Bearer {api.token}",
        f"Content-Type: {JSON_LINES}",
        f"Content-Length: {length}",
        *headers,
    )
    connection.sendall("\r\n".join((*head, "", "")).encode() + body)
    return connection


def left(api: Api) -> float:
    """How many clients have left before their request was read."""
    text = httpx.get(f"{api.origins.gateway}/metrics").text
    return sum(map(float, re.findall(r'^eventide_http_requests_total{code="499",.*} (\S+)$', text, re.M)))


def refused(api: Api, body: bytes) -> tuple[int, int]:
    """Code and subcode of an ``add_batch`` with these bytes."""
    return failure_of(api.raw("events.add_batch", content=body, headers={"Content-Type": JSON_LINES}))
