"""The files server on a directory and on an object store, and as ``eventide up`` runs it."""

from __future__ import annotations

import asyncio
import base64
import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schema.api.wire import Caller
from schema.errors import ConfigError
from schema.http.auth import Authenticator
from schema.http.files_server import create_files_app
from schema.http.health import Health
from schema.registry import Registry
from schema.store.object_store import FileStore
from tests.harness.api import Api
from tests.harness.deployment import ROOT, Deployment
from tests.integration.registries import run
from tests.servers.process import Process, free_port

LIMIT = 12 << 20
BIG = bytes(range(256)) * (40_000)  # three parts of an upload


@contextmanager
def serving(app: web.Application) -> Iterator[str]:
    """The address of an application that runs on a thread."""
    port, loop = free_port(), asyncio.new_event_loop()
    runner = web.AppRunner(app)

    async def start() -> None:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()

    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    asyncio.run_coroutine_threadsafe(start(), loop).result()
    yield f"http://127.0.0.1:{port}"
    asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def s3_url() -> Iterator[str]:
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    httpx.put(f"{address}/bucket").raise_for_status()
    names = {
        "ACCESS_KEY_ID": "a",
        "SECRET_ACCESS_KEY": "s",
        "ENDPOINT_URL": address,
        "ALLOW_HTTP": "1",
        "REGION": "us-east-1",
    }
    os.environ.update({f"AWS_{name}": value for name, value in names.items()})
    yield "s3://bucket/some/prefix"
    for name in names:
        del os.environ[f"AWS_{name}"]
    server.stop()


class Client:
    """A user of the files server."""

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.headers = {"Authorization": f"Bearer {token}"}

    def put(self, path: str, content: bytes, **files: bytes) -> httpx.Response:
        """As the SDK uploads: the field's name is the path."""
        form = {path: (path, content)} | {name: (name, value) for name, value in files.items()}
        return httpx.post(f"{self.address}/", files=form, headers=self.headers, timeout=30, verify=False)

    def ask(self, method: str, path: str, **headers: str) -> httpx.Response:
        return httpx.request(method, f"{self.address}{path}", headers=self.headers | headers, timeout=30, verify=False)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.ask("GET", path, **{name.replace("_", "-"): value for name, value in headers.items()})


async def token_of(registry: Registry, authenticator: Authenticator, company: str) -> str:
    """A token of a new user of a company."""
    user = await registry.add_user(company, "u", "user", f"key of {company}", "secret")
    return (await authenticator.log_in(Caller(user.id, user.company, user.role), 0)).token


@pytest.fixture(scope="module", params=["directory", "s3"])
def clients(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Client]]:
    """Two users of different companies."""
    directory: Path = tmp_path_factory.mktemp("files")
    url = request.getfixturevalue("s3_url") if request.param == "s3" else str(directory / "files")
    registry = Registry(f"sqlite:///{directory / 'registry.db'}")
    run(registry.create_schema())
    authenticator = Authenticator(registry, "a secret that is long enough for these tests")
    store = FileStore(url)
    with serving(create_files_app(store, authenticator, Health({"files": store.ping}), LIMIT)) as address:
        yield [Client(address, run(token_of(registry, authenticator, company))) for company in ("c", "d")]
    run(registry.close())


@pytest.fixture
def client(clients: list[Client]) -> Client:
    return clients[0]


@pytest.mark.parametrize(
    "path",
    [
        "/project/a task.0123/artifacts/x/x.txt",
        "plain",
        "/é 😀/ü.bin",
        "/percent %20 %/100%.txt",
        "/a'[]{}()$^,.; -_+-=&#1/file #1",
        '/quo"te/back\\slash',
        "/dots/a..b/.hidden",
    ],
)
def test_what_was_uploaded_is_downloaded(client: Client, path: str) -> None:
    response = client.put(path, b"content")
    assert response.status_code == 200, response.text
    (answered,) = response.json()
    assert answered == httpx.URL("http://h").copy_with(raw_path=answered.encode()).raw_path.decode()
    found = client.get(answered)
    assert (found.status_code, found.content) == (200, b"content")
    head = client.ask("HEAD", answered)
    assert (head.status_code, head.headers["Content-Length"], head.content) == (200, "7", b"")
    assert client.ask("DELETE", answered).status_code == 200
    assert client.get(answered).status_code == client.ask("DELETE", answered).status_code == 404


def test_big_files_and_new_versions(client: Client) -> None:
    assert client.put("/big.bin", b"old").status_code == 200
    old = client.get("/big.bin").headers["ETag"]
    assert client.put("/big.bin", BIG).status_code == 200
    found = client.get("/big.bin")
    assert found.content == BIG
    assert found.headers["ETag"] != old
    assert client.get("/big.bin", If_None_Match=found.headers["ETag"]).status_code == 304


def test_several_files_at_once(client: Client) -> None:
    assert client.put("/one", b"1", **{"/two": b"2"}).json() == ["/one", "/two"]
    assert (client.get("/one").content, client.get("/two").content) == (b"1", b"2")


@pytest.mark.parametrize(
    ("asked", "status", "content", "described"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-100", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-100", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
    ],
)
def test_ranges(client: Client, asked: str, status: int, content: bytes, described: str | None) -> None:
    client.put("/range", b"0123456789")
    found = client.get("/range", Range=asked)
    assert (found.status_code, found.content, found.headers.get("Content-Range")) == (status, content, described)


def test_empty_files(client: Client) -> None:
    client.put("/empty", b"")
    found = client.get("/empty")
    assert (found.status_code, found.content, found.headers["Content-Length"]) == (200, b"", "0")


@pytest.mark.parametrize("path", ["/../../etc/passwd", "/a/../../b", "/..", "/a/./b", "x" * 300])
def test_paths_lead_nowhere_else(client: Client, path: str) -> None:
    assert client.put(path, b"x").status_code == 400
    quoted = path.replace(".", "%2e")
    assert client.get(quoted if quoted.startswith("/") else f"/{quoted}").status_code == 400


@pytest.mark.parametrize("path", ["/%00", "/%0a", "/a%2fb/..%2f..%2fc", "/%ff"])
def test_odd_paths_are_refused_or_missing(client: Client, path: str) -> None:
    assert client.get(path).status_code in (400, 404)


def test_companies_have_files_of_their_own(clients: list[Client]) -> None:
    one, other = clients
    one.put("/same/path", b"one")
    assert other.get("/same/path").status_code == 404
    other.put("/same/path", b"other")
    assert (one.get("/same/path").content, other.get("/same/path").content) == (b"one", b"other")
    for path in ("/../c/same/path", "/c/same/path", "/..%2fc/same/path"):
        assert other.get(path).content != b"one"


def test_files_that_are_too_large_leave_nothing(client: Client) -> None:
    assert client.put("/large", bytes(LIMIT + 1)).status_code == 413
    boundary = b'--b\r\nContent-Disposition: form-data; name="/large"; filename="l"\r\n\r\n'
    chunks = iter([boundary, *[bytes(1 << 20)] * 13, b"\r\n--b--\r\n"])
    headers = client.headers | {"Content-Type": "multipart/form-data; boundary=b"}
    with suppress(httpx.TransportError):  # if the connection is closed while it is still sending
        assert httpx.post(f"{client.address}/", content=chunks, headers=headers, verify=False).status_code == 413
    assert client.get("/large").status_code == 404


def test_what_breaks_off_leaves_nothing(client: Client) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="/broken"; filename="b"\r\n\r\n' + bytes(6 << 20)
        raise RuntimeError

    headers = client.headers | {"Content-Type": "multipart/form-data; boundary=b"}
    with pytest.raises(RuntimeError):
        httpx.post(f"{client.address}/", content=chunks(), headers=headers, verify=False)
    assert client.get("/broken").status_code == 404


@pytest.mark.parametrize(
    ("content_type", "content"),
    [("application/json", b"{}"), ("multipart/form-data; boundary=b", b"--b--\r\n"), ("multipart/form-data", b"x")],
)
def test_other_bodies_are_refused(client: Client, content_type: str, content: bytes) -> None:
    headers = client.headers | {"Content-Type": content_type}
    assert httpx.post(f"{client.address}/", content=content, headers=headers, verify=False).status_code == 400


@pytest.mark.parametrize("name", ["page.html", "image.svg", "script.js", "style.css", "text.txt", "data", "page.xhtml"])
def test_nothing_runs_in_a_browser(client: Client, name: str) -> None:
    client.put(f"/{name}", b"<script>alert(1)</script>")
    headers = client.get(f"/{name}").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"].startswith("sandbox; default-src 'none'")
    assert "javascript" not in headers["Content-Type"]


def test_only_those_who_are_known(client: Client) -> None:
    client.put("/known", b"x")
    for headers in (
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic " + base64.b64encode(b"a:b").decode()},
    ):
        assert httpx.get(f"{client.address}/known", headers=headers, verify=False).status_code == 401
        assert httpx.post(f"{client.address}/", files={"/x": b"x"}, headers=headers, verify=False).status_code == 401
    token = client.headers["Authorization"].removeprefix("Bearer ")
    assert httpx.get(f"{client.address}/known", cookies={"clearml_token_basic": token}, verify=False).content == b"x"


def test_sockets_are_not_shared_with_the_sdks_reporter(client: Client) -> None:
    assert client.put("/close", b"x").headers["Connection"] == "close"


def test_only_pages_of_allowed_origins_may_look(client: Client) -> None:
    client.put("/cors", b"x")
    own = client.address
    assert client.get("/cors", Origin=own).headers["Access-Control-Allow-Origin"] == own
    assert "Access-Control-Allow-Origin" not in client.get("/cors", Origin="http://web").headers
    assert client.ask("OPTIONS", "/cors").status_code == 200


def test_health(client: Client) -> None:
    assert httpx.get(f"{client.address}/readyz", verify=False).json() == {"ok": True, "failures": {}}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(st.characters(codec="utf-8", exclude_characters='\r\n"\0'), min_size=1, max_size=40))
def test_any_path_comes_back_or_is_refused(client: Client, path: str) -> None:
    response = client.put(path, path.encode())
    if response.status_code != 200:
        assert response.status_code == 400
    else:
        assert client.get(response.json()[0]).content == path.encode()


# --- beside the rest --------------------------------------------------------------------------------------------------


def test_the_apis_token_opens_files(eventide: Deployment, api: Api, stranger: Api) -> None:
    client, other = Client(eventide.files, api.token), Client(eventide.files, stranger.token)
    assert client.put("/e2e/file.txt", b"content").status_code == 200
    assert client.get("/e2e/file.txt").content == b"content"
    assert other.get("/e2e/file.txt").status_code == 404
    basic = httpx.BasicAuth(eventide.credentials.access_key, eventide.credentials.secret_key)
    assert httpx.get(f"{eventide.files}/e2e/file.txt", auth=basic, verify=False).content == b"content"


def test_a_process_of_its_own(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
    run(registry.create_schema())
    run(registry.add_user("company", "ann", "user", "key", "secret"))
    run(registry.close())
    port = free_port()
    environment = dict(os.environ) | {"EVENTIDE_DATA_DIR": str(tmp_path), "EVENTIDE_FILES_PORT": str(port)}
    process = Process([sys.executable, "-m", "deploy", "files"], tmp_path / "log", env=environment, cwd=ROOT)
    process.start()
    try:
        address, basic = f"http://127.0.0.1:{port}", httpx.BasicAuth("key", "secret")
        process.wait_until(lambda: _is_ready(address))
        assert httpx.post(f"{address}/", files={"/a/b": b"x"}, auth=basic, verify=False).json() == ["/a/b"]
        assert httpx.get(f"{address}/a/b", auth=basic, verify=False).content == b"x"
        assert [file.name for file in (tmp_path / "files").rglob("*") if file.is_file()] == ["b"]
    finally:
        assert process.terminate() == 0


def _is_ready(address: str) -> bool:
    try:
        return httpx.get(f"{address}/readyz", verify=False).status_code == 200
    except httpx.TransportError:
        return False


def test_a_store_that_is_none_is_a_wrong_setting() -> None:
    from deploy.components import file_store
    from schema.settings import read_settings

    with pytest.raises(ConfigError, match="EVENTIDE_FILES_STORE"):
        file_store(read_settings({"EVENTIDE_FILES_STORE": "nonsense://x"}, {}))
