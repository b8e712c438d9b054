"""The object store of files over TLS: verified, with keys from settings, and never in plain text for https."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from deploy import components
from schema.errors import ConfigError, FileMissing, Unavailable
from schema.settings import read_settings
from schema.store.object_store import FileStore
from tests.integration.registries import run
from tests.servers.tls import make_certificate, tls_in_front_of

BASE = {"FILES_STORE": "s3://bucket/prefix", "FILES_REGION": "us-east-1", "FILES_ACCESS_KEY": "the-access-key"}
PUT = [b"a", b"b" * 1000]


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "ENDPOINT_URL", "ALLOW_HTTP", "REGION"):
        monkeypatch.delenv(f"AWS_{name}", raising=False)


@pytest.fixture(scope="module")
def s3() -> Iterator[int]:
    """The port of an S3 with a bucket, in plain text."""
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    _, port = server.get_host_and_port()
    httpx.put(f"http://127.0.0.1:{port}/bucket").raise_for_status()
    yield port
    server.stop()


@pytest.fixture
def listener() -> Iterator[tuple[int, list[str]]]:
    """A server that has no file, and whose name each request shows: the first words of a connection, or its key."""
    came: list[str] = []

    class Nothing(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            came.append(self.headers.get("Authorization", "nobody"))
            self.send_response(404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, came
        server.shutdown()


def store_with(directory: Path, **settings: str) -> FileStore:
    """A store by settings; its secret is in a file."""
    (directory / "secret").write_text("the-secret-key\n")
    given = {f"EVENTIDE_{name}": value for name, value in (BASE | settings).items()}
    return components.file_store(
        read_settings(given | {"EVENTIDE_FILES_SECRET_KEY_FILE": str(directory / "secret")}, {})
    )


async def chunks() -> AsyncIterator[bytes]:
    for chunk in PUT:
        yield chunk


async def stored(store: FileStore) -> bytes:
    await store.put("company", "a/file", chunks())
    info = await store.info("company", "a/file")
    return b"".join([piece async for piece in await store.open("company", "a/file", 0, info.size_bytes)])


def test_files_are_kept_over_tls_that_is_verified(s3: int, tmp_path: Path) -> None:
    with tls_in_front_of(s3, tmp_path) as (port, ca):
        store = store_with(tmp_path, FILES_ENDPOINT=f"https://127.0.0.1:{port}", FILES_CA=str(ca))
        assert run(stored(store)) == b"".join(PUT)


def test_a_server_that_is_not_verified_gets_nothing(s3: int, tmp_path: Path) -> None:
    other, _ = make_certificate(tmp_path / "other")
    with tls_in_front_of(s3, tmp_path) as (port, _):
        for settings in ({}, {"FILES_CA": str(other)}):
            store = store_with(tmp_path, FILES_ENDPOINT=f"https://127.0.0.1:{port}", **settings)
            with pytest.raises(Unavailable):
                run(store.info("company", "a/file"))


def test_the_key_of_the_settings_signs(listener: tuple[int, list[str]], tmp_path: Path) -> None:
    port, came = listener
    with pytest.raises(FileMissing):
        run(store_with(tmp_path, FILES_ENDPOINT=f"http://127.0.0.1:{port}").info("company", "a/file"))
    assert [word for word in came if "Credential=the-access-key/" in word] == came != []


def test_nothing_is_sent_in_plain_text_where_tls_is_asked_for(listener: tuple[int, list[str]], tmp_path: Path) -> None:
    port, came = listener
    with pytest.raises(Unavailable):
        run(store_with(tmp_path, FILES_ENDPOINT=f"https://127.0.0.1:{port}").info("company", "a/file"))
    assert came == []


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"FILES_CA": "/no/such/file"}, "EVENTIDE_FILES_CA"),
        ({"FILES_STORE": "gs://bucket"}, "EVENTIDE_FILES_STORE"),
        ({"FILES_STORE": "files"}, "EVENTIDE_FILES_STORE"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, str], named: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        store_with(tmp_path, **settings)
    assert "the-secret-key" not in str(caught.value)
