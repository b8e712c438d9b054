"""The registry on a PostgreSQL that takes only TLS: verified by settings or libpq's parameters."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import components
from schema.errors import ConfigError, Unavailable
from schema.registry import Registry
from schema.settings import read_settings
from schema.tls_files import TlsFiles
from tests.harness.deployment import attempt_eventide, environment_with
from tests.integration.registries import run
from tests.servers.postgres import PostgresServer, Tls
from tests.servers.process import Unavailable as NotToBeHad
from tests.servers.tls import make_certificate

IS_ENCRYPTED_SQL = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates: of the server, of somebody else, and of a client."""
    directory = tmp_path_factory.mktemp("certificates")
    make_certificate(directory / "server")
    make_certificate(directory / "other")
    make_certificate(directory / "client", "postgres")
    return directory


@pytest.fixture(scope="module")
def server(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    yield from started(files, tmp_path_factory, None)


@pytest.fixture(scope="module")
def asking(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A server that asks for a client's certificate."""
    yield from started(files, tmp_path_factory, files / "client/cert.pem")


def started(files: Path, directories: pytest.TempPathFactory, client_ca: Path | None) -> Iterator[PostgresServer]:
    tls = Tls(files / "server/cert.pem", files / "server/key.pem", client_ca)
    try:
        with PostgresServer(directories.mktemp("postgres") / "log", tls) as running:
            yield running
    except NotToBeHad as error:
        pytest.skip(str(error))


def first_value(url: str, tls: TlsFiles, sql: str) -> object:
    registry = Registry(url, tls)
    try:
        return run(registry._read(lambda connection: connection.exec_driver_sql(sql).scalar_one()))
    finally:
        run(registry.close())


def test_a_registry_is_made_over_tls_that_is_verified(server: PostgresServer, files: Path) -> None:
    given = {"EVENTIDE_REGISTRY_URL": server.url, "EVENTIDE_REGISTRY_CA": str(files / "server/cert.pem")}
    registry = components.unchecked_registry(read_settings(given, {}))
    run(registry.create_schema())
    assert run(registry._read(lambda connection: connection.exec_driver_sql(IS_ENCRYPTED_SQL).scalar_one())) is True
    run(registry.close())


@pytest.mark.parametrize("how", ["settings", "parameters"])
def test_a_server_that_is_not_verified_gets_nothing(server: PostgresServer, files: Path, how: str) -> None:
    other = str(files / "other/cert.pem")
    url, tls = server.url, TlsFiles(ca=other)
    if how == "parameters":
        url, tls = f"{url}?sslmode=verify-full&sslrootcert={other}", TlsFiles()
    with pytest.raises(Unavailable, match="certificate verify failed"):
        first_value(url, tls, "SELECT 1")


def test_authorities_that_are_not_named_are_the_systems(
    server: PostgresServer, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The OpenSSL in psycopg's wheel knows none of them by itself."""
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    with pytest.raises(Unavailable, match="certificate verify failed"):
        first_value(f"{server.url}?sslmode=verify-full", TlsFiles(), "SELECT 1")
    monkeypatch.setenv("SSL_CERT_FILE", str(files / "server/cert.pem"))
    assert first_value(f"{server.url}?sslmode=verify-full", TlsFiles(), IS_ENCRYPTED_SQL) is True


def test_the_name_is_verified_too(server: PostgresServer, files: Path) -> None:
    elsewhere = server.url.replace("127.0.0.1", "localhost")
    with pytest.raises(Unavailable, match="does not match host name"):
        first_value(elsewhere, TlsFiles(ca=str(files / "server/cert.pem")), "SELECT 1")


def test_plain_text_is_refused_by_such_a_server(server: PostgresServer) -> None:
    with pytest.raises(Unavailable, match="no encryption"):
        first_value(f"{server.url}?sslmode=disable", TlsFiles(), "SELECT 1")


def test_a_client_shows_its_certificate(asking: PostgresServer, files: Path) -> None:
    ca, cert, key = (str(files / name) for name in ("server/cert.pem", "client/cert.pem", "client/key.pem"))
    assert first_value(asking.url, TlsFiles(ca, cert, key), IS_ENCRYPTED_SQL) is True
    with pytest.raises(Unavailable, match="certificate"):
        first_value(asking.url, TlsFiles(ca), "SELECT 1")


def test_require_is_libpqs_and_says_that_it_verifies_nothing(
    server: PostgresServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        assert first_value(f"{server.url}?sslmode=require", TlsFiles(), IS_ENCRYPTED_SQL) is True
    assert "verifies no certificate" in caplog.text


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer"])
def test_a_mode_without_verification_contradicts_files(files: Path, mode: str) -> None:
    with pytest.raises(ConfigError, match=f"sslmode={mode}"):
        Registry(f"postgresql://u@h/d?sslmode={mode}", TlsFiles(ca=str(files / "server/cert.pem")))


def test_files_for_a_registry_that_is_none_are_refused(files: Path) -> None:
    with pytest.raises(ConfigError, match="no PostgreSQL"):
        Registry("sqlite:///:memory:", TlsFiles(ca=str(files / "server/cert.pem")))


def test_a_command_that_does_not_trust_the_server_ends_with_one_line(
    server: PostgresServer, files: Path, tmp_path: Path
) -> None:
    settings = {"REGISTRY_URL": server.url, "REGISTRY_CA": str(files / "other/cert.pem"), "DATA_DIR": str(tmp_path)}
    done = attempt_eventide(["migrate"], environment_with(settings))
    assert done.returncode == 1
    assert "certificate verify failed" in done.stderr
    assert len([line for line in done.stderr.splitlines() if line.startswith("eventide:")]) == 1
    assert "Traceback" not in done.stderr
