"""What somebody without credentials, or one user, may cost the others: nothing that they notice."""

from __future__ import annotations

import re
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from tests.harness.api import JSON_LINES, Api, failure_of
from tests.harness.deployment import EVENTIDE, FIRST_USER, ROOT, Deployment, embedded, environment_with, is_ready
from tests.harness.events import scalar
from tests.harness.plain import plain_client
from tests.servers.nginx import nginx
from tests.servers.process import Process, Unavailable, free_port

MEBIBYTE = 1 << 20
LIMITS = {
    "MAX_BODY_BYTES": str(64 * MEBIBYTE),
    "MAX_INFLIGHT_BYTES": str(128 * MEBIBYTE),
    "HEADER_SECONDS": "2",
    "BODY_SECONDS": "4",
}
OPEN_CALLS = ("login.logout", "login.supported_modes", "auth.login")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with embedded(tmp_path_factory.mktemp("hostile"), LIMITS) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def api(service: Deployment) -> Iterator[Api]:
    with Api(service.origins, service.credentials) as client:
        yield client


@contextmanager
def watched(api: Api, most_seconds: float) -> Iterator[None]:
    """Meanwhile somebody asks whether the process lives; no answer may take longer."""
    waits: list[float] = []
    stop = threading.Event()

    def ask() -> None:
        with plain_client(timeout=60) as client:
            while not waits or not stop.wait(0.02):
                started = time.monotonic()
                assert client.get(f"{api.origins.gateway}/healthz").status_code == 200
                waits.append(time.monotonic() - started)

    watcher = threading.Thread(target=ask)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
    assert waits
    assert max(waits) < most_seconds


def opened(api: Api, head: list[str], body: bytes = b"") -> socket.socket:
    """A connection on which the head of a request and so much of its body were sent."""
    url = httpx.URL(api.origins.gateway)
    connection = socket.create_connection((url.host, url.port or 80), timeout=30)
    connection.sendall("\r\n".join((*head, "Host: 127.0.0.1", "", "")).encode() + body)
    return connection


def batch_head(api: Api, *headers: str) -> list[str]:
    """Of an ``add_batch`` by the first user."""
    return [
        "POST /events.add_batch HTTP/1.1",
        f"Authorization: Bearer {api.token}",
        f"Content-Type: {JSON_LINES}",
        *headers,
    ]


# --- who is not known -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", OPEN_CALLS)
@pytest.mark.parametrize("content_type", ["application/json", FORM, "multipart/form-data; boundary=x", JSON_LINES])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_calls_for_anybody_take_little(api: Api, action: str, content_type: str, is_chunked: bool) -> None:
    body = b"[" + b"[]," * (5 * MEBIBYTE) + b"0]"
    content = (body[at : at + MEBIBYTE] for at in range(0, len(body), MEBIBYTE)) if is_chunked else body
    headers = {"Content-Type": content_type} | ({"Authorization": f"Bearer {api.token}"} if "auth" in action else {})
    with watched(api, 1.0), plain_client(timeout=30) as client:
        try:
            assert client.post(api.url(action), content=content, headers=headers).status_code == 413
        except httpx.WriteError:  # it was not read to its end
            assert is_chunked


def test_who_is_not_known_sends_no_body(api: Api) -> None:
    with ExitStack() as opens:
        for _ in range(8):
            head = [line for line in batch_head(api, "Content-Length: 60000000") if "Authorization" not in line]
            connection = opens.enter_context(opened(api, head, b"x" * 1000))
            assert connection.recv(100).startswith(b"HTTP/1.1 401")
        assert api.batch([scalar(api.create_task())])["added"] == 1


def test_the_description_is_made_once(api: Api) -> None:
    with plain_client(timeout=60) as client, watched(api, 1.0):
        for path in ("/openapi.json", "/docs"):
            first = client.get(f"{api.origins.query}{path}")
            started = time.monotonic()
            for _ in range(50):
                again = client.get(f"{api.origins.query}{path}")
                assert again.content == first.content
            assert time.monotonic() - started < 5
            assert client.get(str(again.url), headers={"If-None-Match": again.headers["ETag"]}).status_code == 304


# --- room for bodies --------------------------------------------------------------------------------------------------


def test_bodies_that_are_only_declared_take_no_room(api: Api) -> None:
    with ExitStack() as opens:
        for _ in range(10):
            opens.enter_context(opened(api, batch_head(api, f"Content-Length: {60 * MEBIBYTE}")))
        assert api.batch([scalar(api.create_task())])["added"] == 1


@pytest.mark.parametrize("is_chunked", [False, True])
def test_bodies_that_are_received_take_room_from_their_user_alone(
    service: Deployment, api: Api, is_chunked: bool
) -> None:
    """Half of 128 MiB for one user and one address; another user, of the same address here, is known by neither."""
    size = 40 * MEBIBYTE
    length = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {size + 1}"
    body = (f"{size:x}\r\n".encode() if is_chunked else b"") + b" " * size + (b"\r\n" if is_chunked else b"")
    with ExitStack() as opens:
        opens.enter_context(opened(api, batch_head(api, length), body))
        until_full = opens.enter_context(opened(api, batch_head(api, length), body[: size // 2]))
        with ExitStack() as more:
            connection = more.enter_context(opened(api, batch_head(api, length), body[: size // 2]))
            assert connection.recv(100).startswith(b"HTTP/1.1 503")
        until_full.setblocking(False)
        with pytest.raises(BlockingIOError):
            until_full.recv(100)
    with Api(service.origins, service.credentials) as again:  # what has left has given its room back
        assert again.batch([scalar(again.create_task())])["added"] == 1


@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_that_comes_slowly_is_given_up(api: Api, is_chunked: bool) -> None:
    length = "Transfer-Encoding: chunked" if is_chunked else "Content-Length: 1000"
    with opened(api, batch_head(api, length)) as connection:
        started = time.monotonic()
        connection.settimeout(0.2)
        answer = b""
        while not answer and time.monotonic() - started < 20:
            connection.sendall(b"1\r\n \r\n" if is_chunked else b" ")
            try:
                answer = connection.recv(100)
            except TimeoutError:
                continue
        assert answer.startswith(b"HTTP/1.1 400")
        assert 3 < time.monotonic() - started < 10


# --- documents and batches that take long -----------------------------------------------------------------------------

LISTS = b"[" + b"[]," * (5 * MEBIBYTE) + b"0]"
SLOW: list[tuple[str, str, bytes]] = [
    ("tasks.get_all", "application/json", b'{"id":' + LISTS + b"}"),
    ("tasks.get_all", "application/json", b'{"id":' + LISTS[: MEBIBYTE * 2 // 3 * 3 + 1] + b"0]}"),
    ("tasks.get_all", "application/json", b'{"name":"' + b"\\u00e9" * (5 * MEBIBYTE) + b'"}'),
    ("tasks.get_all", "application/json", b"{" + b'"a":1,' * (4 * MEBIBYTE) + b'"b":1}'),
    ("tasks.get_all", FORM, b"a=1&" * (MEBIBYTE // 4)),
    ("tasks.get_all", FORM, b"a.b=" + b"1" * MEBIBYTE),
    ("events.add", "application/json", b'{"type":"log","x":' + LISTS + b"}"),
    ("events.add_batch", JSON_LINES, b'{"type":"log","x":' + LISTS + b"}"),
    ("events.add_batch", JSON_LINES, b"{}\n" * (MEBIBYTE * 8)),
    ("events.add_batch", JSON_LINES, b"\n" * (MEBIBYTE * 60)),
]


@pytest.mark.parametrize(("action", "content_type", "body"), SLOW, ids=lambda value: str(value[:30]))
def test_nobody_waits_for_a_body_that_is_read(api: Api, action: str, content_type: str, body: bytes) -> None:
    with watched(api, 2.0):
        response = api.raw(action, content=body, headers={"Content-Type": content_type})
    assert response.status_code in (200, 400, 413)


# --- answers --------------------------------------------------------------------------------------------------------


def test_answers_are_nothing_to_show_or_to_keep(service: Deployment, api: Api) -> None:
    """No answer of the API's, nor an error, is read as a page, framed or kept; none tells what it is made of."""
    with plain_client() as client:
        gateway = api.origins.gateway
        answers = [api.raw("tasks.get_all", {}), api.raw("zz.zz"), api.raw("tasks.get_all", auth=False)]
        answers += [client.get(f"{gateway}{path}") for path in ("/healthz", "/metrics", "/x", "/page/zz.js", "/%ff")]
        answers += [client.get(f"{service.files}/none"), client.get(f"{service.files}/healthz")]
    for answer in answers:
        assert answer.headers["X-Content-Type-Options"] == "nosniff", answer.url
        assert answer.headers["Cache-Control"] in ("no-store", "private, no-cache"), answer.url
        assert re.search("frame-ancestors 'none'|sandbox", answer.headers["Content-Security-Policy"]), answer.url
        assert answer.headers["Server"] == "clearml"


def test_nginx_shows_nothing_of_the_operators_and_keeps_no_body(service: Deployment, tmp_path: Path) -> None:
    origins = service.origins
    try:
        with nginx(tmp_path, origins.gateway, origins.query, service.files) as address, plain_client() as client:
            paths = (
                "/metrics",
                "/metrics/",
                "//metrics",
                "/%6detrics",
                "/readyz",
                "/docs",
                "/openapi.json",
                "/x/../docs",
            )
            for path in paths:
                assert client.get(f"{address.api}{path}").status_code in (400, 404), path
            for path in ("/metrics", "/readyz"):
                assert client.get(f"{address.files}{path}").status_code == 404
            assert client.get(f"{address.api}/healthz").status_code == 200
            url = httpx.URL(address.api)
            head = b"POST /events.add_batch HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 60000000\r\n\r\n"
            with socket.create_connection((url.host, url.port or 80), timeout=10) as unknown:
                unknown.sendall(head + b"x" * 1000)
                assert unknown.recv(100).startswith(b"HTTP/1.1 401")  # without the rest of the body
    except Unavailable as reason:
        pytest.skip(str(reason))


# --- connections ------------------------------------------------------------------------------------------------------


def test_a_head_that_comes_slowly_ends_its_connection(api: Api) -> None:
    url = httpx.URL(api.origins.gateway)
    with socket.create_connection((url.host, url.port or 80), timeout=30) as connection:
        started = time.monotonic()
        with pytest.raises(OSError, match=r"reset|Broken"):
            send_slowly(connection, b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 1000)
        assert 1.5 < time.monotonic() - started < 8


def send_slowly(connection: socket.socket, head: bytes) -> None:
    """A byte every tenth of a second."""
    for byte in head:
        connection.sendall(bytes([byte]))
        time.sleep(0.1)


def test_what_is_no_http_is_refused_without_its_text(service: Deployment, api: Api) -> None:
    with opened(api, ["GET / HTTP/1.1", "Authorization: Bearer secret-of-somebody", "bad header"]) as connection:
        answer = connection.recv(4000)
    assert answer.startswith(b"HTTP/1.0 400")
    assert b"Server: clearml" in answer
    assert b"secret-of-somebody" not in answer
    assert "secret-of-somebody" not in service.processes["up"].log.read_text()


def test_silent_connections_stop_nobody(tmp_path: Path) -> None:
    """With 1024 file descriptors, of which the database needs its own; and the log stays small."""
    port = free_port()
    environment = environment_with({"DATA_DIR": str(tmp_path / "data"), "FILES_PORT": str(free_port())})
    command = ["bash", "-c", 'ulimit -n 1024; exec "$@"', "up", *EVENTIDE, "up", "--port", str(port)]
    process = Process(command, tmp_path / "up.log", env=environment, cwd=ROOT)
    process.start()
    try:
        origin = f"http://127.0.0.1:{port}"
        process.wait_until(lambda: is_ready(origin), 90)
        silent = [connecting(port) for _ in range(1500)]
        with plain_client(timeout=10) as client:
            for _ in range(20):
                user = (FIRST_USER.access_key, FIRST_USER.secret_key)
                assert client.post(f"{origin}/users.get_current_user", auth=user).status_code == 200
        assert (tmp_path / "up.log").stat().st_size < 20_000
        for connection in silent:
            connection.close()
    finally:
        process.terminate()


def connecting(port: int) -> socket.socket:
    """A connection of which nobody waits to see whether it is accepted."""
    connection = socket.socket()
    connection.setblocking(False)
    connection.connect_ex(("127.0.0.1", port))
    time.sleep(0.001)
    return connection


def test_a_call_that_is_refused_names_its_reason(api: Api) -> None:
    response = api.raw("tasks.get_all", content=SLOW[0][2], headers={"Content-Type": "application/json"})
    assert failure_of(response) == (400, 0)
    assert "500000 values" in response.json()["meta"]["result_msg"]
    assert sys.getsizeof(response.content) < 2000
