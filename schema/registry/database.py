"""Connections and transactions of the registry's database, and the translation of its failures.

Work runs on threads, each piece in one go: for SQLite, whose answers take microseconds, an async driver would spend
most of the time between threads. SQLite's writers queue on a thread of their own.
Companies share the threads fairly.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import orjson
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DataError, IntegrityError, InterfaceError, OperationalError, StatementError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from schema.errors import BadDocument, ConfigError, EventsError, InvalidField, InvalidRegex, NotUnique, Unavailable
from schema.fairness.fair_executor import FairExecutor
from schema.fairness.interruption import Interruption
from schema.metrics import REGISTRY_ERRORS, REGISTRY_SECONDS
from schema.registry.migrate import check_revision, upgrade
from schema.registry.patterns import TOO_SLOW, is_found
from schema.registry.pool_metrics import measure_pool
from schema.registry.postgres_tls import with_tls
from schema.registry.reading import read_within_bounds
from schema.registry.sqlite_statistics import set_statistics
from schema.tls_files import NO_FILES, TlsFiles
from schema.tracing import statement_span

LOCK_NUMBER = 0x6576656E  # of PostgreSQL's advisory lock
BACKENDS = ("sqlite", "postgresql")
# What SQLite and PostgreSQL say of conditions that are too large, and SQLite of odd names in documents.
TOO_MUCH = re.compile(
    "tree is too large|too many (SQL|terms|columns)|parser stack|stack depth|JSON path|too complex"
    "|interrupted|statement timeout|number of parameters"
)
THREADS = 4
CONNECTIONS = 2 * (THREADS + 1)  # of readers and writers, with a spare one each
BAD_PATTERN = "2201B"  # PostgreSQL's code
AWAY = (OperationalError, InterfaceError, PoolTimeout, OSError)  # anything else is a defect of ours
NUL = b"\\u0000"
MAX_DOCUMENT_BYTES = 32 << 20  # as much as one call may send; it is read and written whole

Result = TypeVar("Result")
Work = Callable[[sa.Connection], Result]


class Database:
    """The registry's database. Methods raise Unavailable while it is away.

    ``url``: SQLAlchemy's; ``tls``: of PostgreSQL. Raises ConfigError if it is none, or a file is none.
    """

    def __init__(self, url: str, tls: TlsFiles = NO_FILES) -> None:
        self._engine = _engine(url, tls)
        measure_pool(self._engine)
        self._writing = self._engine.execution_options(writes=True)
        self._readers = FairExecutor(THREADS, "registry-read")
        writers, spare = (1, 0) if self._is_sqlite else (THREADS, 1)
        self._writers = FairExecutor(writers, "registry-write", spare)

    async def create_schema(self) -> None:
        """Bring the schema up to date. Raises ConfigError if a newer version made it, or somebody else."""
        await self._write(self._migrate)

    async def check_schema(self) -> None:
        """Raise ConfigError if the schema is older than this process needs, for processes that do not change it."""
        await self._read(check_revision)

    async def settle(self) -> None:
        """Write what this process has put off."""

    async def ping(self) -> None:
        """Raise Unavailable unless the database answers."""
        await self._read(lambda connection: connection.execute(sa.select(1)))

    async def close(self) -> None:
        """Wait for what is running and close all connections."""
        for pool in (self._readers, self._writers):
            await asyncio.to_thread(pool.shutdown)
        self._engine.dispose()

    @asynccontextmanager
    async def exclusively(self) -> AsyncIterator[None]:
        """Hold the lock that all migrating processes share."""
        if self._is_sqlite:
            _make_directory(self._engine.url)
            with open(f"{self._engine.url.database}.migrating", "w") as file:  # noqa: ASYNC230
                await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
                yield
        else:
            connection = await asyncio.to_thread(_locked, self._engine)
            try:
                yield
            finally:
                await asyncio.to_thread(connection.close)

    @property
    def _is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    def _migrate(self, connection: sa.Connection) -> None:
        upgrade(connection)
        if self._is_sqlite:
            set_statistics(connection)

    async def _read(self, work: Work[Result]) -> Result:
        """Return the result of ``work``, run in a transaction of its own.

        Raises InvalidField if it takes more than ``READ_SECONDS``. Cancelled, it is interrupted.
        """
        return await self._readers.run_interruptible(partial(_read_once, self._engine, work))

    async def _write(self, work: Work[Result]) -> Result:
        """Return the result of ``work`` that changes something; if it raises, nothing is changed."""
        return await self._writers.run(_measured, "write", self._writing, work)


def _read_once(engine: sa.Engine, work: Work[Result], interruption: Interruption) -> Result:
    return _measured("read", engine, partial(read_within_bounds, work, interruption))


def insert_if_new(connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
    """Insert a row unless it exists, made by another process for example."""
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(table).values(row))
    except IntegrityError:
        return


def _measured(statement: str, engine: sa.Engine, work: Work[Result]) -> Result:
    """Run work in a transaction; measure and trace it, and count it if the database is not available."""
    with statement_span("registry", statement), REGISTRY_SECONDS.labels(statement).time():
        try:
            return _transact(engine, work)
        except Unavailable:
            REGISTRY_ERRORS.labels(statement).inc()
            raise


def _transact(engine: sa.Engine, work: Work[Result]) -> Result:
    """Run work in a transaction, and translate failures of the database: the only place where that is done."""
    try:
        with engine.begin() as connection:
            return work(connection)
    except EventsError:
        raise
    except IntegrityError as error:
        raise NotUnique("There is one of that name, or id, already") from error
    except UnicodeEncodeError as error:
        raise BadDocument("A text has half a character") from error
    except DataError as error:
        if getattr(error.orig, "sqlstate", None) == BAD_PATTERN:
            raise InvalidRegex(f"Invalid pattern: {error.orig}") from error
        raise BadDocument(f"The database refuses a value: {error.orig}") from error
    except AWAY as error:
        if "user-defined function" in str(error):
            raise InvalidRegex(TOO_SLOW) from error
        if TOO_MUCH.search(_cause(error)):
            raise InvalidField("The registry cannot look for this, or not for so much at once") from error
        raise Unavailable(f"The registry is not available: {_cause(error)}") from error
    except StatementError as error:  # as SQLAlchemy wraps what its functions raise
        raise (error.orig if isinstance(error.orig, EventsError) else error) from None


def _cause(error: Exception) -> str:
    """Return the database's message without the statement and its values."""
    return str(getattr(error, "orig", None) or error)


def _locked(engine: sa.Engine) -> sa.Connection:
    """Yield a connection that holds the lock until it is closed."""
    try:
        connection = engine.connect()
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_NUMBER)))
    except AWAY as error:
        raise Unavailable(f"The registry is not available: {_cause(error)}") from error
    return connection


def _parsed(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(f"EVENTIDE_REGISTRY_URL: {error}") from error
    if (name := parsed.get_backend_name()) not in BACKENDS:
        raise ConfigError(f"EVENTIDE_REGISTRY_URL: one of {', '.join(BACKENDS)} is expected, not {name}")
    return parsed


def _engine(url: str, tls: TlsFiles) -> sa.Engine:
    parsed = _parsed(url)
    json_options: dict[str, Any] = {"json_serializer": _dump, "json_deserializer": _load}
    if parsed.get_backend_name() == "postgresql":
        postgres = with_tls(parsed.set(drivername="postgresql+psycopg"), tls)
        return sa.create_engine(postgres, pool_pre_ping=True, pool_size=CONNECTIONS, pool_timeout=5, **json_options)
    if tls:
        raise ConfigError(f"{tls.settings}_*: files for TLS, but EVENTIDE_REGISTRY_URL names no PostgreSQL")
    engine = sa.create_engine(parsed.set(drivername="sqlite"), connect_args={"timeout": 10}, **json_options)
    sa.event.listen(engine, "do_connect", lambda *_: _make_directory(parsed))
    sa.event.listen(engine, "connect", _configure_sqlite)
    sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


def _make_directory(url: sa.URL) -> None:
    """Create the directory of a SQLite file. Raises ConfigError if that is not possible."""
    if not url.database or url.database == ":memory:":
        return
    try:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"EVENTIDE_REGISTRY_URL or EVENTIDE_DATA_DIR: {error}") from error


def _dump(value: Any) -> str:
    """Encode as JSON; what a parser on the way could not read, such as NUL characters, goes as JSON inside a text.

    Raises BadDocument for what is too large, also if it has grown to that by many calls, and for too many levels.
    """
    try:
        text = orjson.dumps(value)
        if len(text) > MAX_DOCUMENT_BYTES:
            raise BadDocument(f"A document has at most {MAX_DOCUMENT_BYTES >> 20} MiB")
        if NUL not in text:
            return text.decode()
    except TypeError:  # integers beyond 64 bits, half characters, many levels
        pass
    return _dump_as_text(value)


def _dump_as_text(value: Any) -> str:
    try:
        text = json.dumps(value)
    except RecursionError as error:
        raise BadDocument("A document has too many levels") from error
    if len(text) > 2 * MAX_DOCUMENT_BYTES:  # in which characters beyond ASCII are longer
        raise BadDocument(f"A document has at most {MAX_DOCUMENT_BYTES >> 20} MiB")
    return json.dumps(text)


def _load(text: str | bytes) -> Any:
    value = orjson.loads(text)
    return json.loads(value) if isinstance(value, str) else value


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by hand, below
    connection.create_function("regexp", 2, _regexp)
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -32768"):
        connection.execute(f"PRAGMA {pragma}")


def _regexp(pattern: str, text: str | None) -> bool:
    """Implement SQLite's REGEXP."""
    return text is not None and is_found(pattern, text)


def _begin_sqlite(connection: sa.Connection) -> None:
    """Begin a transaction that will write as one that writes.

    SQLite does not let a transaction that has read begin to write later.
    """
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")
