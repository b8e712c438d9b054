"""Listeners that speak HTTPS: real handshakes, before and after the certificate is replaced, in `up` and a tier."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from cryptography import x509

from tests.e2e.sdk import Sdk
from tests.harness.api import Origins, until
from tests.harness.deployment import (
    FIRST_USER,
    ROOT,
    Deployment,
    attempt_eventide,
    environment_with,
    run_eventide,
)
from tests.servers.process import Process, free_port
from tests.servers.tls import make_certificate

SOON = 15.0  # seconds within which new files are in use


@dataclass(frozen=True)
class Served:
    """A process that speaks HTTPS on a port, and the files that it has its certificate from."""

    port: int
    cert: Path
    key: Path
    process: Process
    files_port: int = 0

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    def client(self) -> httpx.Client:
        """One that trusts what is in the file now, and keeps its connection."""
        verified, kept = ssl.create_default_context(cafile=str(self.cert)), httpx.Limits(keepalive_expiry=60)
        return httpx.Client(verify=verified, base_url=self.url, limits=kept)

    def serial(self, port: int = 0) -> int:
        """The number of the certificate that a new connection is shown."""
        pem = ssl.get_server_certificate(("127.0.0.1", port or self.port), timeout=5)
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    def expected(self) -> int:
        return x509.load_pem_x509_certificate(self.cert.read_bytes()).serial_number

    def log(self) -> str:
        return self.process.log.read_text()

    def replace(self, directory: Path) -> None:
        """As an administrator does: first one file, then the other."""
        cert, key = make_certificate(directory)
        os.replace(cert, self.cert)
        os.replace(key, self.key)


@contextmanager
def running(
    command: str, directory: Path, settings: dict[str, str], port: int, files_port: int = 0
) -> Iterator[Served]:
    cert, key = make_certificate(directory / "own")
    own = {"TLS_CERT": str(cert), "TLS_KEY": str(key), "LOG_LEVEL": "info"}
    environment = environment_with(own | settings)
    process = Process([sys.executable, "-m", "deploy", command], directory / "log", env=environment, cwd=ROOT)
    process.start()
    served = Served(port, cert, key, process, files_port)
    try:
        with served.client() as client:
            process.wait_until(lambda: is_up(client), 60)
        yield served
    finally:
        process.terminate()


def is_up(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    directory, ports = tmp_path_factory.mktemp("up"), (free_port(), free_port())
    settings = {"DATA_DIR": str(directory / "data"), "PORT": str(ports[0]), "FILES_PORT": str(ports[1])}
    with running("up", directory, settings, *ports) as served:
        yield served


@pytest.fixture(scope="module")
def files_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The tier that needs neither Kafka nor ClickHouse."""
    directory, port = tmp_path_factory.mktemp("files"), free_port()
    settings = {"DATA_DIR": str(directory / "data"), "FILES_PORT": str(port)}
    settings["REGISTRY_URL"] = f"sqlite:///{directory / 'registry.db'}"
    run_eventide(["migrate"], environment_with(settings))
    with running("files", directory, settings, port) as served:
        yield served


@pytest.fixture(params=["up", "files_server"])
def served(request: pytest.FixtureRequest) -> Served:
    found: Served = request.getfixturevalue(request.param)
    return found


def test_a_client_that_knows_the_certificate_is_served_and_another_is_not(served: Served, tmp_path: Path) -> None:
    with served.client() as client:
        assert client.get("/healthz").status_code == 200
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{served.url}/healthz", verify=ssl.create_default_context())


def test_new_files_are_in_use_without_a_restart_and_open_connections_stay(served: Served, tmp_path: Path) -> None:
    with served.client() as client:
        assert client.get("/healthz").status_code == 200
        before = served.serial()
        served.replace(tmp_path)
        until(lambda: served.serial() == served.expected(), SOON)
        assert served.serial() != before
        assert client.get("/healthz").status_code == 200  # over the old connection: the new one it does not know
    with served.client() as client:
        assert client.get("/healthz").status_code == 200
    if served.files_port:
        assert served.serial(served.files_port) == served.expected()


def test_hangup_loads_them_at_once(served: Served, tmp_path: Path) -> None:
    served.replace(tmp_path)
    os.kill(served.process.pid, signal.SIGHUP)
    until(lambda: served.serial() == served.expected(), 1.5)
    assert served.process.alive


def test_files_that_cannot_be_used_leave_the_old_one_and_are_said_once(served: Served, tmp_path: Path) -> None:
    said, before = served.log().count("certificate stays"), served.serial()
    kept = served.cert.read_bytes(), served.key.read_bytes()
    served.cert.write_text("-----BEGIN CERTIFICATE-----\nbroken\n-----END CERTIFICATE-----\n")
    until(lambda: served.log().count("certificate stays") > said, SOON)
    served.key.write_bytes(make_certificate(tmp_path)[1].read_bytes())
    served.cert.write_bytes(kept[0])  # whole, but the key is another's
    until(lambda: "the key is not the certificate's" in served.log(), SOON)
    assert served.serial() == before
    quiet = served.log()
    assert quiet.count("certificate stays") <= said + 3
    until(lambda: served.serial() == before, 5)
    for content, path in zip(kept, (served.cert, served.key), strict=True):
        path.write_bytes(content)
    os.kill(served.process.pid, signal.SIGHUP)
    until(lambda: served.log().count("a new certificate is in use") > quiet.count("a new certificate is in use"))
    assert "PRIVATE KEY" not in served.log()
    assert "Traceback" not in served.log()


@pytest.mark.parametrize(
    ("version", "works"),
    [(ssl.TLSVersion.TLSv1_1, False), (ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_3, True)],
)
@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_is_at_least_1_2(served: Served, version: ssl.TLSVersion, works: bool) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, version
    with socket.create_connection(("127.0.0.1", served.port), timeout=5) as connection:
        if works:
            assert context.wrap_socket(connection).version() == version.name.replace("_", ".")
        else:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(connection)


def test_plain_text_is_not_answered(served: Served) -> None:
    with pytest.raises(httpx.TransportError):
        httpx.get(f"http://127.0.0.1:{served.port}/healthz")


def test_the_expiry_is_a_metric(up: Served) -> None:
    with up.client() as client:
        found = re.search(r"^eventide_tls_certificate_expiry_seconds (\S+)$", client.get("/metrics").text, re.MULTILINE)
    assert found
    assert 0 < float(found[1]) <= 86_400


def test_cookies_are_secure_and_links_https(up: Served) -> None:
    with up.client() as client:
        keys = (FIRST_USER.access_key, FIRST_USER.secret_key)
        cookies = client.post("/auth.login", json={}, auth=keys).headers.get_list("set-cookie")
    assert cookies
    assert all("; Secure" in cookie for cookie in cookies)
    assert f"listens on {up.url}, its files server on https://127.0.0.1:{up.files_port}" in up.log()
    directory = str(up.process.log.parent / "data")
    exports = run_eventide(["env"], environment_with({"DATA_DIR": directory}))
    assert f"CLEARML_API_HOST={up.url}\n" in exports
    assert f"CLEARML_FILES_HOST=https://127.0.0.1:{up.files_port}\n" in exports


def test_an_sdk_that_knows_the_authority_reports_and_uploads(up: Served, tmp_path: Path) -> None:
    files = f"https://127.0.0.1:{up.files_port}"
    deployment = Deployment("embedded", Origins(up.url, up.url), files, FIRST_USER, {}, {})
    sdk = Sdk(deployment, tmp_path)
    try:
        sdk.run("examples", "artifacts", environment={"REQUESTS_CA_BUNDLE": str(up.cert)})
    finally:
        sdk.close()
    stored = (up.process.log.parent / "data" / "files").rglob("*")
    assert [path for path in stored if path.is_file() and "artifacts" in path.parts]


@pytest.mark.parametrize(("name", "value"), [("TLS_CERT", "/no/such/file"), ("TLS_KEY", "/no/such/file")])
def test_a_start_without_usable_files_is_refused(name: str, value: str, tmp_path: Path) -> None:
    ended = attempt_eventide(["up"], environment_with({"DATA_DIR": str(tmp_path / "data"), name: value}))
    assert (ended.returncode, f"EVENTIDE_{name}" in ended.stderr) == (2, True)
    assert not (tmp_path / "data").exists()
