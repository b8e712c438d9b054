"""Statements and inserts over either engine.

Statements use server-side parameters (``{task:String}``); answers come as JSON columns. Every failure of a driver
becomes Unavailable (the same statement may succeed later) or StoreRejected (it never will), by class and ClickHouse's
number.
"""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import orjson
import pyarrow as pa
from clickhouse_connect.driver.client import Client

from schema.errors import EventsError, Unavailable
from schema.events.rows import Row, rows_of_columns
from schema.fairness.fair_executor import FairExecutor
from schema.fairness.interruption import Interruption
from schema.metrics import STORE_CONNECTIONS
from schema.store.engines import Engine
from schema.store.errors import translate
from schema.store.measured import measured
from schema.store.versions import check_version

READ_SETTINGS: dict[str, Any] = {
    "readonly": 2,
    "max_execution_time": 60,
    "max_result_rows": 5_000_000,
    "max_memory_usage": 4 << 30,
    "output_format_json_quote_64bit_integers": 0,
    "output_format_json_quote_denormals": 0,
    "output_format_arrow_compression_method": "none",
    "merge_tree_coarse_index_granularity": 2,  # a tenth less time for a search for several tasks
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
# Of both, set once the version is checked: an older server would refuse to connect with them.
NEWER_SETTINGS: dict[str, Any] = {
    "use_skip_indexes_on_data_read": 0,  # but before: parts without the task are not opened
}
VERSION_SECONDS = 5.0
KILL_SQL = "KILL QUERY WHERE Settings['log_comment'] = {name:String} ASYNC"
Result = TypeVar("Result")


class Store:
    """The access to ClickHouse. Everything raises Unavailable or StoreRejected, and nothing else.

    Reads run on threads that companies share fairly, one client each; ``select``, ``insert`` and ``execute`` run on the
    calling thread. A read that is cancelled is killed.
    """

    def __init__(self, engine: Engine, readers: int = 4) -> None:
        self._engine = engine
        self._pool = FairExecutor(readers, "store-read")
        self._local = threading.local()
        self._clients: list[Client] = []
        STORE_CONNECTIONS.follow(self, lambda store: len(store._clients))

    async def read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return the rows of a SELECT, within the bounds of READ_SETTINGS."""
        return await self._on_thread(self._rows, "read", READ_SETTINGS, sql, parameters)

    async def read_columns(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        """Return the answer of a SELECT as a list for each column, within the bounds of READ_SETTINGS."""
        return await self._on_thread(self._columns, sql, parameters)

    async def read_json(self, sql: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        """Return the answer of a SELECT as JSON for ``rows_of``, within the bounds of READ_SETTINGS."""
        return await self._on_thread(self._json, "read", READ_SETTINGS, sql, parameters)

    async def read_table(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        """Return the answer of a SELECT as an Arrow table, within the bounds of READ_SETTINGS."""
        return await self._on_thread(self._table, sql, parameters)

    def select(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        """Return the rows of a SELECT, on the calling thread."""
        return self._rows("write", WRITE_SETTINGS, sql, parameters)

    def execute(self, sql: str, parameters: Mapping[str, Any] | None = None) -> None:
        """Run a statement without rows: DDL or DELETE."""
        self._write("execute", sql, lambda client: client.command(sql, parameters=dict(parameters or {})))

    def insert(self, table: str, data: pa.Table) -> None:
        """Insert an Arrow table with one statement, columns by name."""
        self._write("insert", table, lambda client: self._engine.insert(client, table, data))

    async def check_version(self) -> None:
        """Raise ConfigError if the engine answers within VERSION_SECONDS and is of a version that is not supported."""
        with suppress(Unavailable, TimeoutError):
            async with asyncio.timeout(VERSION_SECONDS):
                await self.ping()

    async def ping(self) -> None:
        """Raise Unavailable unless the store answers."""
        await self.read("SELECT 1")

    def close(self) -> None:
        """Wait for running reads and close every client."""
        self._pool.shutdown()
        for client in self._clients:
            client.close()
        self._engine.close()

    async def _on_thread(self, read: Callable[..., Result], *arguments: Any) -> Result:
        """Return the result of a read; cancelled, its statement is killed."""

        def interruptible(interruption: Interruption) -> Result:
            with interruption.by(partial(self._kill, self._thread_name())):
                return read(*arguments)

        return await self._pool.run_interruptible(interruptible)

    def _kill(self, thread_name: str) -> None:
        """End the statement that a thread runs, from another one."""
        self._call("write", WRITE_SETTINGS, lambda client: client.command(KILL_SQL, parameters={"name": thread_name}))

    def _thread_name(self) -> str:
        """Return what this thread's statements bear as their comment, so that they can be found and killed."""
        if (name := getattr(self._local, "name", None)) is None:
            name = self._local.name = f"eventide {secrets.token_hex(16)}"
        return str(name)

    def _rows(
        self, role: str, settings: Mapping[str, Any], sql: str, parameters: Mapping[str, Any] | None
    ) -> list[Row]:
        return rows_of(self._json(role, settings, sql, parameters))

    def _columns(self, sql: str, parameters: Mapping[str, Any] | None) -> dict[str, list[Any]]:
        columns: dict[str, list[Any]] = orjson.loads(self._json("read", READ_SETTINGS, sql, parameters))
        return columns

    def _json(self, role: str, settings: Mapping[str, Any], sql: str, parameters: Mapping[str, Any] | None) -> bytes:
        """Read the answer in columns: of 500 log lines, ClickHouse writes them in 7 ms in place of 8 for rows."""
        statement = f"{sql}\nFORMAT JSONColumns"
        with measured("read" if role == "read" else "select", sql):
            return self._call(role, settings, lambda c: c.raw_query(statement, parameters=dict(parameters or {})))

    def _table(self, sql: str, parameters: Mapping[str, Any] | None) -> pa.Table:
        def read(client: Client) -> pa.Table:
            body = client.raw_query(f"{sql}\nFORMAT ArrowStream", parameters=dict(parameters or {}))
            return pa.ipc.open_stream(body).read_all()

        with measured("read", sql):
            return self._call("read", READ_SETTINGS, read)

    def _write(self, statement: str, text: str, action: Callable[[Client], object]) -> None:
        def guarded(client: Client) -> None:
            with self._engine.writing(client):
                action(client)

        with measured(statement, text):
            self._call("write", WRITE_SETTINGS, guarded)

    def _call(self, role: str, settings: Mapping[str, Any], action: Callable[[Client], Result]) -> Result:
        try:
            return action(self._client(role, settings))
        except EventsError:
            raise
        except Exception as error:
            self._drop_client(role)
            raise translate(error) from error

    def _drop_client(self, role: str) -> None:
        """Close this thread's client after a failure.

        chDB (4.4) puts what a statement had found until it failed before the answer of the connection's next one.
        """
        if client := self._local.__dict__.pop(role, None):
            self._clients.remove(client)
            client.close()

    def _client(self, role: str, settings: Mapping[str, Any]) -> Client:
        """Return this thread's client for a role. Raises ConfigError if the engine is of a version too old."""
        if (client := getattr(self._local, role, None)) is None:
            client = self._engine.connect({**settings, "log_comment": self._thread_name()})
            self._clients.append(client)
            check_version(client.server_version)
            for name, value in NEWER_SETTINGS.items():
                client.set_client_setting(name, value)
            setattr(self._local, role, client)
        return client


def rows_of(body: bytes) -> list[Row]:
    """Return the rows of an answer of ``Store.read_json``."""
    return rows_of_columns(orjson.loads(body))
