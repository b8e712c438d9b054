"""The ClickHouse door: one Store over a server (HTTP) or the embedded engine (chDB). Same SQL, same tables.

Statements use server-side parameters (``{task:String}``); answers come as JSON rows. Every failure of a driver becomes
Unavailable (the same statement may succeed later) or StoreRejected (it never will), by class and ClickHouse's number.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Protocol, TypeVar

import clickhouse_connect
import orjson
import pyarrow as pa
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError
from urllib3.exceptions import HTTPError

from schema.disk import Disk
from schema.errors import EventsError, StoreRejected, Unavailable
from schema.rows import Row, in_rows

READ_SETTINGS: dict[str, Any] = {
    "readonly": 2,
    "max_execution_time": 60,
    "max_result_rows": 5_000_000,
    "max_memory_usage": 4 << 30,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_arrow_compression_method": "none",
    "merge_tree_coarse_index_granularity": 2,  # a tenth less for a search for several tasks
    "optimize_move_to_prewhere_if_final": 1,  # conditions on a row's identity only: before rows are merged
}
WRITE_SETTINGS: dict[str, Any] = {
    "async_insert": 0,
    "optimize_on_insert": 1,  # parts without duplicates: FINAL merges only those that overlap, a third of its time
    "max_insert_threads": 1,
    "output_format_json_quote_64bit_integers": 0,
    "optimize_move_to_prewhere_if_final": 1,
    "lightweight_deletes_sync": 0,  # what is deleted is hidden by its tombstone at once, and erased in the background
}
# Of both, where a server knows them; 25.8 does not.
NEWER_SETTINGS: dict[str, Any] = {
    "use_skip_indexes_on_data_read": 0,  # but before: parts without the task are not opened
}
# ClickHouse's numbers for "not now": unexpected end, no such table (not yet, or it is read anew), cannot open, read or
# write, timeouts, too many queries, sockets, no free connection, network, memory, read-only table, no space, too
# many parts, replicas, Keeper, cancelled, too many mutations, too many connections, no resources.
NOT_NOW = frozenset(
    (3, 60, 74, 75, 76, 96, 107, 159, 160, 164, 173, 198, 202, 203, 204, 209, 210, 236, 241, 242, 243, 252, 279)
) | frozenset(
    (285, 286, 294, 319, 394, 425, 439, 473, 499, 574, 677, 692, 722, 733, 735, 745, 749, 762, 776, 999, 1019, 1020)
)
NUMBER = re.compile(r"Code: (\d+)\.")
NO_SPACE = "No space left on device"  # comes with whatever number the code has that met it
# Without a number: the connection failed, or broke while the answer was read.
AWAY = (OperationalError, OSError, HTTPError)

Result = TypeVar("Result")


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
        self._disk = Disk(directory)

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


class Store:
    """Reads run on a pool of threads, one client each; ``insert`` and ``execute`` run on the calling thread.

    Everything raises Unavailable or StoreRejected, and nothing else.
    """

    def __init__(self, engine: Engine, readers: int = 4) -> None:
        self._engine = engine
        self._pool = ThreadPoolExecutor(readers, "store-read")
        self._local = threading.local()
        self._clients: list[Client] = []

    async def read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a SELECT; within READ_SETTINGS' bounds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._rows, "read", READ_SETTINGS, sql, parameters)

    async def read_columns(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        """The answer of a SELECT, each column a list; within READ_SETTINGS' bounds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._columns, sql, parameters)

    async def read_json(self, sql: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        """The rows of a SELECT as JSON, for ``rows_of``; within READ_SETTINGS' bounds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._json, "read", READ_SETTINGS, sql, parameters)

    async def read_table(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """The answer of a SELECT as columns; within READ_SETTINGS' bounds."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._table, sql, parameters)

    def select(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """The rows of a SELECT, on the calling thread."""
        return self._rows("write", WRITE_SETTINGS, sql, parameters)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """A statement without rows: DDL or DELETE."""
        self._write(lambda client: client.command(sql, parameters=dict(parameters or {})))

    def insert(self, table: str, data: pa.Table) -> None:
        """One insert of an Arrow table, columns by name."""
        self._write(lambda client: self._engine.insert(client, table, data))

    async def ping(self) -> None:
        """Raises Unavailable unless the store answers."""
        await self.read("SELECT 1")

    def close(self) -> None:
        """Wait for running reads and close every client."""
        self._pool.shutdown()
        for client in self._clients:
            client.close()
        self._engine.close()

    def _rows(
        self, role: str, settings: Mapping[str, Any], sql: str, parameters: Mapping[str, Any] | None
    ) -> list[Row]:
        return rows_of(self._json(role, settings, sql, parameters))

    def _columns(self, sql: str, parameters: Mapping[str, Any] | None) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = orjson.loads(self._json("read", READ_SETTINGS, sql, parameters))
        return columns

    def _json(self, role: str, settings: Mapping[str, Any], sql: str, parameters: Mapping[str, Any] | None) -> bytes:
        """In columns, which ClickHouse writes in less time than rows: a millisecond of 8, of 500 lines of a log."""
        statement = f"{sql}\nFORMAT JSONColumns"
        return self._call(role, settings, lambda c: c.raw_query(statement, parameters=dict(parameters or {})))

    def _table(self, sql: str, parameters: Mapping[str, Any] | None) -> pa.Table:
        def read(client: Client) -> pa.Table:
            body = client.raw_query(f"{sql}\nFORMAT ArrowStream", parameters=dict(parameters or {}))
            return pa.ipc.open_stream(body).read_all()

        return self._call("read", READ_SETTINGS, read)

    def _write(self, action: Callable[[Client], object]) -> None:
        def guarded(client: Client) -> None:
            with self._engine.writing(client):
                action(client)

        self._call("write", WRITE_SETTINGS, guarded)

    def _call(self, role: str, settings: Mapping[str, Any], action: Callable[[Client], Result]) -> Result:
        try:
            return action(self._client(role, settings))
        except EventsError:
            raise
        except Exception as error:
            raise translate(error) from error

    def _client(self, role: str, settings: Mapping[str, Any]) -> Client:
        """This thread's client for a role."""
        if (client := getattr(self._local, role, None)) is None:
            client = self._engine.connect(settings)
            for name in client.server_settings.keys() & NEWER_SETTINGS:
                client.set_client_setting(name, NEWER_SETTINGS[name])
            setattr(self._local, role, client)
            self._clients.append(client)
        return client


def rows_of(body: bytes) -> list[Row]:
    """The rows of what ``Store.read_json`` gave."""
    return in_rows(orjson.loads(body))


def translate(error: Exception) -> EventsError:
    """A driver's exception as one of ours: by ClickHouse's number where there is one, else by class."""
    number = getattr(error, "code", None) or _number_in(str(error))
    if number in NOT_NOW or (not number and isinstance(error, AWAY)) or NO_SPACE in str(error):
        return Unavailable(f"ClickHouse is not available: {error}", number or 0)
    if number or isinstance(error, ClickHouseError | pa.ArrowException):
        return StoreRejected(str(error), number or 0)
    raise error


def _number_in(text: str) -> int | None:
    found = NUMBER.search(text)
    return int(found[1]) if found else None
