"""ClickHouse over TLS: the scheme decides, whatever the port; a server that is not verified gets no password."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from schema.errors import ConfigError, Unavailable
from schema.store import ServerEngine, Store
from schema.tls_files import TlsFiles
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.tls import tls_in_front_of

pytest_plugins = ["tests.servers.fixtures"]

PASSWORD = "hidden-password"
ONE_SQL = "SELECT 1 AS one"


@pytest.fixture
def listener() -> Iterator[tuple[int, list[bytes]]]:
    """A port that takes whatever comes, and the first bytes of each connection."""
    came: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def take() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    came.append(connection.recv(1 << 16))

        threading.Thread(target=take, daemon=True).start()
        yield server.getsockname()[1], came
        server.shutdown(socket.SHUT_RDWR)


def url(scheme: str, port: int) -> str:
    return f"{scheme}://user:{PASSWORD}@127.0.0.1:{port}/default"


def test_a_server_whose_certificate_is_signed_by_the_given_authority_answers(
    clickhouse_local: ClickHouseServer, tmp_path: Path
) -> None:
    with tls_in_front_of(clickhouse_local.port, tmp_path) as (port, ca):
        store = Store(ServerEngine(url("https", port), TlsFiles(ca=str(ca))), readers=1)
        assert store.select(ONE_SQL) == [{"one": 1}]
        store.close()


def test_a_server_whose_certificate_is_not_verified_is_not_asked(
    clickhouse_local: ClickHouseServer, tmp_path: Path
) -> None:
    with tls_in_front_of(clickhouse_local.port, tmp_path) as (port, _):
        store = Store(ServerEngine(url("https", port)), readers=1)
        with pytest.raises(Unavailable):
            store.select(ONE_SQL)
        store.close()


def test_no_password_is_sent_in_plain_text_where_tls_is_asked_for(listener: tuple[int, list[bytes]]) -> None:
    port, came = listener
    store = Store(ServerEngine(url("https", port)), readers=1)
    with pytest.raises(Unavailable):
        store.select(ONE_SQL)
    store.close()
    assert came
    assert all(first.startswith(b"\x16\x03") for first in came)  # the record type of a TLS handshake


@pytest.mark.parametrize("file", ["ca", "cert"])
def test_a_file_that_is_not_there_is_named(file: str) -> None:
    with pytest.raises(ConfigError, match="/no/such/file"):
        ServerEngine(url("https", 8443), TlsFiles(**{file: "/no/such/file"}))
