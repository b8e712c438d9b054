"""What the files server is sent, and finds in its directory, by who means harm: a clear error, and nothing hangs."""

from __future__ import annotations

import gzip
import hashlib
import os
import random
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from schema.http.auth import Authenticator
from schema.http.client_address import Proxies
from schema.http.files_server import create_files_app
from schema.http.health import Health
from schema.registry import Registry
from schema.store.object_store import FileStore
from tests.integration.registries import run
from tests.integration.test_registry_files import Client, serving, token_of

COMPANY = "c"
COMPANY_ID = hashlib.md5(COMPANY.encode(), usedforsecurity=False).hexdigest()  # as the registry makes it
FORM = {"Content-Type": "multipart/form-data; boundary=x"}
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\ncontent\r\n--x--\r\n'


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of the files of the client's company."""
    directory = tmp_path_factory.mktemp("attacked") / "files" / COMPANY_ID
    directory.mkdir(parents=True)
    return directory


@pytest.fixture(scope="module")
def client(root: Path) -> Iterator[Client]:
    registry = Registry(f"sqlite:///{root.parent.parent / 'registry.db'}")
    run(registry.create_schema())
    authenticator = Authenticator(registry, "a secret that is long enough for these tests")
    app = create_files_app(FileStore(str(root.parent)), authenticator, Health(), 32 << 20)
    with serving(app) as address:
        yield Client(address, run(token_of(registry, authenticator, COMPANY)))
    run(registry.close())


def post(client: Client, content: bytes, **headers: str) -> httpx.Response:
    sent = client.headers | FORM | {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.post(f"{client.address}/", content=content, headers=sent, timeout=30, verify=False)


# --- what is in the directory -----------------------------------------------------------------------------------------


def test_nothing_is_read_written_or_deleted_through_a_link(client: Client, root: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (root / "file-link").symlink_to(tmp_path / "secret")
    (root / "folder-link").symlink_to(tmp_path)
    (root / "dangling").symlink_to(tmp_path / "nothing")
    for path in ("/file-link", "/folder-link/secret", "/dangling"):
        assert [client.ask(method, path).status_code for method in ("GET", "HEAD", "DELETE")] == [404] * 3
        assert client.put(path, b"overwritten").status_code == 400
    assert client.put("/folder-link/new", b"new").status_code == 400
    assert sorted(path.name for path in tmp_path.iterdir()) == ["secret"]
    assert (tmp_path / "secret").read_text() == "secret"


def test_a_file_where_a_folder_is_and_a_folder_where_a_file_is(client: Client) -> None:
    assert client.put("/folder/file", b"content").status_code == 200
    for size in (1, 12 << 20):
        assert client.put("/folder", b"x" * size).status_code == 400
        assert client.put("/folder/file/below", b"x" * size).status_code == 400
    for path in ("/folder", "/folder/", "/folder/file/below"):
        wrong = {client.ask(method, path).status_code for method in ("GET", "HEAD", "DELETE")}
        assert wrong <= {200, 400, 404} if path == "/folder/" else wrong == {404}
    assert client.get("/folder/file").content in (b"content", b"")


def test_what_is_no_file_is_not_read(client: Client, root: Path) -> None:
    os.mkfifo(root / "pipe")
    assert [client.ask(method, "/pipe").status_code for method in ("GET", "HEAD", "DELETE")] == [404] * 3
    assert client.put("/pipe", b"content").status_code == 400


# --- what is sent -----------------------------------------------------------------------------------------------------


def test_a_compressed_form_is_not_read(client: Client, root: Path) -> None:
    bomb = gzip.compress(PART.replace(b"content", bytes(8 << 20)))
    assert post(client, bomb, Content_Encoding="gzip").status_code == 415
    assert not (root / "file").exists()


def test_a_name_may_have_any_character(client: Client) -> None:
    for code in [*range(1, 0xA1), 0x2028, 0x202E, 0xFFFE, 0xFFFF, 0xE000]:
        name = f"/control/a{chr(code)}b"
        response = client.put(name, chr(code).encode())
        assert response.status_code in (200, 400), code
        if response.status_code == 200:
            assert client.get(response.json()[0]).content == chr(code).encode()


def test_odd_forms_are_refused(client: Client) -> None:
    """Broken at random places, from a seed that is the same in each run."""
    source = random.Random(7)
    nested = b"--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\r\n" * 300 + PART
    forms = [b"", b"--x", b"--x--", b"--x\r\n\r\n", b"--x\r\n: \r\n\r\n\r\n--x--", nested, b"\n" * 10_000]
    forms += [PART.replace(b"form-data", b"form-data; name*=utf-8''%ff"), PART.replace(b'"file"', b'"\xff\xfe"')]
    forms += [PART.replace(b"\r\n\r\n", f"\r\n{header}\r\n\r\n".encode(), 1) for header in ODD_HEADERS]
    for _ in range(300):
        broken = bytearray(PART)
        for _ in range(source.randint(1, 4)):
            place = source.randrange(len(broken))
            broken[place : place + source.randint(0, 3)] = source.randbytes(source.randint(0, 3))
        forms.append(bytes(broken))
    for form in forms:
        assert post(client, form).status_code in (200, 400, 413), form


ODD_HEADERS = [
    "Content-Length: -1",
    "Content-Length: 5",
    "Content-Length: x",
    "Content-Transfer-Encoding: zzz",
    "Content-Transfer-Encoding: base64",
    "Content-Encoding: zzz",
    "Content-Encoding: gzip",
    "Content-Type: multipart/mixed",
    "Content-Type: multipart/mixed; boundary=" + "y" * 100,
    "X: " + "y" * 9000,
]


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=" + "x" * 71, "; boundary=\x80", '; boundary="x'])
def test_odd_boundaries_are_refused(client: Client, boundary: str) -> None:
    headers = client.headers | {"Content-Type": "multipart/form-data" + boundary}
    encoded = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
    response = httpx.post(f"{client.address}/", content=PART, headers=encoded, timeout=30, verify=False)
    assert response.status_code in (200, 400)


# --- one version at a time --------------------------------------------------------------------------------------------


def test_a_download_is_of_one_version(client: Client) -> None:
    """While a file is overwritten, every download is whole, and has the tag of what it is."""
    versions = {bytes([number]) * (1 << 20) for number in range(4)}
    stop = threading.Event()

    def overwrite() -> None:
        while not stop.is_set():
            for version in versions:
                client.put("/overwritten", version)

    client.put("/overwritten", next(iter(versions)))
    writer = threading.Thread(target=overwrite)
    writer.start()
    try:
        tags: dict[str, bytes] = {}
        for number in range(100):
            found = client.get("/overwritten", **({"Range": "bytes=0-600000"} if number % 2 else {}))
            if found.status_code != 503:
                assert len(set(found.content)) == 1
                assert tags.setdefault(found.headers["ETag"], found.content[:1]) == found.content[:1]
    finally:
        stop.set()
        writer.join()


# --- who asks ---------------------------------------------------------------------------------------------------------


def test_guesses_of_one_client_behind_a_proxy_do_not_lock_out_another(tmp_path: Path) -> None:
    registry = Registry(f"sqlite:///{tmp_path / 'registry.db'}")
    run(registry.create_schema())
    authenticator = Authenticator(registry, "a secret that is long enough for these tests")
    app = create_files_app(FileStore(str(tmp_path)), authenticator, Health(), 1 << 20, Proxies("127.0.0.0/8"))

    def guess(address: str, number: int) -> int:
        sent = {"X-Forwarded-For": address}
        return httpx.get(f"{served}/x", headers=sent, auth=("key", f"guess {address} {number}")).status_code

    with serving(app) as served:
        assert 429 in [guess("203.0.113.1", number) for number in range(100)]
        assert guess("203.0.113.2", 0) == 401
    run(registry.close())
