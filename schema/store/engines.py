"""The engines of a Store: a ClickHouse server (HTTP) or chDB in the process. Same SQL, same tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol
from urllib.parse import urlsplit

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schema.errors import ConfigError
from schema.store.disk_guard import DiskGuard
from schema.tls_files import NO_FILES, TlsFiles


class Engine(Protocol):
    """An engine that runs statements: it makes clients and inserts Arrow tables."""

    def connect(self, settings: Mapping[str, Any]) -> Client:
        """Return a client for the calling thread."""

    def insert(self, client: Client, table: str, data: pa.Table) -> None:
        """Insert a table with one statement; return once its rows are durable and readable."""

    def writing(self, client: Client) -> AbstractContextManager[None]:
        """Guard a statement that writes. Raises Unavailable if what it wrote cannot be relied on."""

    def close(self) -> None:
        """Release what ``connect`` and ``insert`` share."""


class ServerEngine:
    """A ClickHouse server over HTTP. ``url``: ``http://user:password@host:8123/database``, or ``https://…``.

    The scheme alone decides on TLS, whatever the port; the server's certificate is always verified.
    """

    def __init__(self, url: str, tls: TlsFiles = NO_FILES) -> None:
        tls.check()
        self._url = url
        self._tls = tls
        self._interface = urlsplit(url).scheme

    def connect(self, settings: Mapping[str, Any]) -> Client:
        return clickhouse_connect.get_client(
            dsn=self._url,
            interface=self._interface,
            verify=True,
            ca_cert=self._tls.ca or None,
            client_cert=self._tls.cert or None,
            client_cert_key=self._tls.key or None,
            settings=dict(settings),
            autogenerate_session_id=False,
            connect_timeout=5,
            send_receive_timeout=120,
            query_retries=0,
        )

    def insert(self, client: Client, table: str, data: pa.Table) -> None:
        client.insert_arrow(table, data)

    def writing(self, client: Client) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        """Do nothing: clients hold all that is open."""


class EmbeddedEngine:
    """chDB on a directory; one process at a time.

    Inserts are statements over a file in memory: chDB's streaming inserts (``send_insert``, 4.4) report success for
    what fails behind the parser, such as a full disk or a violated constraint.
    """

    def __init__(self, directory: Path) -> None:
        if find_spec("chdb") is None:
            raise ConfigError("`eventide up` needs chDB: `pip install chdb`, or the image without the tag `tiers`")
        directory.mkdir(parents=True, exist_ok=True)
        self._path = str(directory.resolve())
        self._disk = DiskGuard(directory)

    def connect(self, settings: Mapping[str, Any]) -> Client:
        options = {"config-file": str(self._disk.config)}
        return clickhouse_connect.get_client(
            interface="chdb", path=self._path, settings=dict(settings), chdb_options=options
        )

    def writing(self, client: Client) -> AbstractContextManager[None]:
        return self._disk.writing(client.command)

    def insert(self, client: Client, table: str, data: pa.Table) -> None:
        columns = ", ".join(data.schema.names)
        with _arrow_file(data) as path:
            client.command(
                f"INSERT INTO {table} ({columns}) FROM INFILE '{path}' COMPRESSION 'none' FORMAT ArrowStream"
            )

    def close(self) -> None:
        """Do nothing: clients hold all that is open."""


@contextmanager
def _arrow_file(data: pa.Table) -> Iterator[str]:
    """Yield the path of a file with the table as an Arrow stream; on Linux it is in memory."""
    if sys.platform == "linux":
        with os.fdopen(os.memfd_create("insert")) as file:
            path = f"/proc/self/fd/{file.fileno()}"
            _write_stream(data, path)
            yield path
    else:
        with NamedTemporaryFile() as file:
            _write_stream(data, file.name)
            yield file.name


def _write_stream(data: pa.Table, path: str) -> None:
    """Write a table as an Arrow stream to a file that Arrow opens itself.

    Into one of Python's files it would write piece by piece, and each piece waits for Python's lock.
    """
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, data.schema) as stream:
        stream.write_table(data)
