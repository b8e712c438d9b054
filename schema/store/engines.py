"""What a Store speaks to: a ClickHouse server (HTTP) or the embedded engine (chDB). Same SQL, same tables."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schema.store.disk_guard import DiskGuard


class Engine(Protocol):
    """Makes clients and stores Arrow tables."""

    def connect(self, settings: Mapping[str, Any]) -> Client:
        """A client for the calling thread."""

    def insert(self, client: Client, table: str, data: pa.Table) -> None:
        """One insert; returns once the rows are durable and readable."""

    def writing(self, client: Client) -> AbstractContextManager[None]:
        """Around every statement that writes. Raises Unavailable if what it wrote cannot be relied on."""

    def close(self) -> None:
        """Give up what ``connect`` and ``insert`` share."""


class ServerEngine:
    """ClickHouse over HTTP. ``url``: ``http://user:password@host:8123/database``."""

    def __init__(self, url: str) -> None:
        self._url = url

    def connect(self, settings: Mapping[str, Any]) -> Client:
        return clickhouse_connect.get_client(
            dsn=self._url,
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
        """Clients hold all that is open."""


class EmbeddedEngine:
    """chDB on a directory; one process at a time.

    Inserts are statements of their own over a file in memory: chDB's streaming inserts (``send_insert``, 4.4) swallow
    what goes wrong behind the parser, a full disk or a violated constraint, and say that the rows are written.
    """

    def __init__(self, directory: Path) -> None:
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
        """Clients hold all that is open."""


@contextmanager
def _arrow_file(data: pa.Table) -> Iterator[str]:
    """The path of a file with the table as an Arrow stream; on Linux it takes no disk."""
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
    """Arrow opens the file itself: into one of Python's it writes piece by piece, each a wait for Python's lock."""
    with pa.OSFile(path, "wb") as file, pa.ipc.new_stream(file, data.schema) as stream:
        stream.write_table(data)
