"""The registry: tasks, models, projects and users. SQLAlchemy over SQLite (embedded) or PostgreSQL.

A document is a JSON object; the fields that are looked up or sorted by are real columns, the rest is stored whole.
Documents come back as the client sent them, columns and rest together.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import hmac
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from schema.errors import Unavailable

Document = dict[str, Any]
Change = Callable[[Document], Document]

CACHE_SECONDS = 1.0
CACHED_ENTITIES = 50_000
LOCK_NUMBER = 0x6576656E  # of PostgreSQL's advisory lock

METADATA = sa.MetaData()


def _documents(name: str, *texts: str, **others: Any) -> sa.Table:
    columns = [sa.Column(text, sa.String) for text in texts]
    columns += [sa.Column(other, data_type) for other, data_type in others.items()]
    return sa.Table(
        name,
        METADATA,
        sa.Column("id", sa.String, primary_key=True),
        sa.Column("company", sa.String, nullable=False),
        sa.Column("company_origin", sa.String),  # whose it was before it became public
        *columns,
        sa.Column("document", sa.JSON, nullable=False),
        sa.Index(f"{name}_by_company", "company", "last_update"),
    )


DATES = ("created", "last_update")
TASKS = _documents("tasks", "name", "type", "status", "project", "user", "parent", "last_change", *DATES)
MODELS = _documents("models", "name", "project", "user", "task", "last_change", *DATES, ready=sa.Boolean)
PROJECTS = _documents("projects", "name", "user", *DATES)
COMPANIES = sa.Table(
    "companies", METADATA, sa.Column("id", sa.String, primary_key=True), sa.Column("name", sa.String, nullable=False)
)
USERS = sa.Table(
    "users",
    METADATA,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("company", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("document", sa.JSON, nullable=False),
)
CREDENTIALS = sa.Table(
    "credentials",
    METADATA,
    sa.Column("access_key", sa.String, primary_key=True),
    sa.Column("secret_hash", sa.String, nullable=False),
    sa.Column("user", sa.String, nullable=False),
)
SECRETS = sa.Table(
    "secrets", METADATA, sa.Column("name", sa.String, primary_key=True), sa.Column("value", sa.String, nullable=False)
)
TOPICS = sa.Table(
    "topics",
    METADATA,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("partitions", sa.Integer, nullable=False),
)


@dataclass(frozen=True)
class Entity:
    """What writes and reads of events need to know of a task or model."""

    id: str
    name: str
    status: str
    company: str
    storage_company: str
    is_locked: bool


@dataclass(frozen=True)
class User:
    """Who a credential or token stands for."""

    id: str
    name: str
    role: str
    company: str
    company_name: str


class Registry:
    """Methods raise Unavailable when the database is away. ``url``: SQLAlchemy's."""

    def __init__(self, url: str) -> None:
        self._engine = _engine(url)
        self._writing = self._engine.execution_options(writes=True)
        self._entities: dict[tuple[str, str], tuple[float, Entity]] = {}

    async def create_schema(self) -> None:
        """Create the tables that are missing."""
        async with self._write() as connection:
            await connection.run_sync(METADATA.create_all)

    async def ping(self) -> None:
        """Raises Unavailable unless the database answers."""
        async with self._read() as connection:
            await connection.execute(sa.select(1))

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()

    @asynccontextmanager
    async def exclusively(self) -> AsyncIterator[None]:
        """Hold the lock that all migrating processes share."""
        if self._engine.dialect.name == "sqlite":
            with open(f"{self._engine.url.database}.migrating", "w") as file:  # noqa: ASYNC230
                await asyncio.to_thread(fcntl.flock, file, fcntl.LOCK_EX)
                yield
        else:
            async with self._write() as connection:
                await connection.execute(sa.select(sa.func.pg_advisory_xact_lock(LOCK_NUMBER)))
                yield

    # --- documents ----------------------------------------------------------------------------------------------------

    async def create(self, table: sa.Table, document: Document) -> None:
        """Store a new document; it must have ``id`` and ``company``."""
        async with self._write() as connection:
            await connection.execute(sa.insert(table).values(_columns(table, document)))

    async def get(self, table: sa.Table, document_id: str) -> Document | None:
        """A document by its id."""
        found = await self.get_many(table, [document_id])
        return found[0] if found else None

    async def get_many(self, table: sa.Table, ids: Iterable[str]) -> list[Document]:
        """The documents that exist, in no order."""
        async with self._read() as connection:
            rows = await connection.execute(sa.select(table).where(table.c.id.in_(set(ids))))
            return [_document(row) for row in rows.mappings()]

    async def find(self, table: sa.Table, company: str, *conditions: sa.ColumnElement[bool]) -> list[Document]:
        """The documents of a company that match."""
        async with self._read() as connection:
            rows = await connection.execute(sa.select(table).where(table.c.company == company, *conditions))
            return [_document(row) for row in rows.mappings()]

    async def update(self, table: sa.Table, document_id: str, change: Change) -> Document | None:
        """Replace a document by what ``change`` makes of it, alone in its transaction; None if there is none."""
        async with self._write() as connection:
            query = sa.select(table).where(table.c.id == document_id).with_for_update()
            row = (await connection.execute(query)).mappings().first()
            if row is None:
                return None
            document = change(_document(row))
            update = sa.update(table).where(table.c.id == document_id).values(_columns(table, document))
            await connection.execute(update)
        self._entities.pop((table.name, document_id), None)
        return document

    async def delete(self, table: sa.Table, document_id: str) -> None:
        """Remove a document."""
        async with self._write() as connection:
            await connection.execute(sa.delete(table).where(table.c.id == document_id))
        self._entities.pop((table.name, document_id), None)

    async def touch(self, table: sa.Table, ids: Sequence[str], moment: str) -> None:
        """Move ``last_update`` and ``last_change`` forward to ``moment``."""
        async with self._write() as connection:
            update = sa.update(table).where(table.c.id.in_(ids), table.c.last_update < moment)
            await connection.execute(update.values(last_update=moment, last_change=moment))

    # --- entities -----------------------------------------------------------------------------------------------------

    async def entities(self, table: sa.Table, ids: Iterable[str]) -> dict[str, Entity]:
        """Those of the tasks or models that exist, by id; up to CACHE_SECONDS old."""
        now, wanted = time.monotonic(), set(ids)
        found = {}
        for entity_id in wanted:
            expires, entity = self._entities.get((table.name, entity_id), (0.0, None))
            if entity and now < expires:
                found[entity_id] = entity
        if missing := wanted - found.keys():
            fresh = {entity.id: entity for entity in await self._read_entities(table, missing)}
            self._remember(table, fresh, now + CACHE_SECONDS)
            found |= fresh
        return found

    async def _read_entities(self, table: sa.Table, ids: set[str]) -> list[Entity]:
        status = table.c.status if "status" in table.c else sa.case((table.c.ready, "published"), else_="created")
        columns = (table.c.id, table.c.name, status.label("status"), table.c.company, table.c.company_origin)
        async with self._read() as connection:
            rows = (await connection.execute(sa.select(*columns).where(table.c.id.in_(ids)))).mappings()
            return [_entity(row) for row in rows]

    def _remember(self, table: sa.Table, fresh: Mapping[str, Entity], expires: float) -> None:
        if len(self._entities) > CACHED_ENTITIES:
            self._entities.clear()
        self._entities.update({(table.name, entity_id): (expires, entity) for entity_id, entity in fresh.items()})

    # --- users and secrets --------------------------------------------------------------------------------------------

    async def add_user(self, company: str, name: str, role: str, access_key: str, secret_key: str) -> User:
        """A user with a credential, and their company if it is new. A known access key gets the new secret."""
        company_id = hashlib.md5(company.encode(), usedforsecurity=False).hexdigest()
        user = User(secrets.token_hex(16), name, role, company_id, company)
        async with self._write() as connection:
            known = sa.select(CREDENTIALS.c.user).where(CREDENTIALS.c.access_key == access_key)
            if (found := (await connection.execute(known)).scalar()) is not None:
                user = User(found, name, role, company_id, company)
                await connection.execute(sa.delete(CREDENTIALS).where(CREDENTIALS.c.access_key == access_key))
                await connection.execute(sa.delete(USERS).where(USERS.c.id == found))
            await self._insert_if_new(connection, COMPANIES, {"id": company_id, "name": company})
            row = {"id": user.id, "company": company_id, "name": name, "role": role, "document": {}}
            await connection.execute(sa.insert(USERS).values(row))
            credential = {"access_key": access_key, "secret_hash": hash_secret(secret_key), "user": user.id}
            await connection.execute(sa.insert(CREDENTIALS).values(credential))
        return user

    async def user_of_key(self, access_key: str, secret_key: str) -> User | None:
        """The user of a credential, if key and secret are right."""
        query = _user_query(CREDENTIALS.c.secret_hash).join(CREDENTIALS, CREDENTIALS.c.user == USERS.c.id)
        async with self._read() as connection:
            row = (await connection.execute(query.where(CREDENTIALS.c.access_key == access_key))).first()
        if row is None or not hmac.compare_digest(row[-1], hash_secret(secret_key)):
            return None
        return User(*row[:-1])

    async def user(self, user_id: str) -> User | None:
        """A user by id."""
        async with self._read() as connection:
            row = (await connection.execute(_user_query().where(USERS.c.id == user_id))).first()
        return User(*row) if row else None

    async def has_users(self) -> bool:
        """Whether anybody can log in yet."""
        async with self._read() as connection:
            return (await connection.execute(sa.select(USERS.c.id).limit(1))).first() is not None

    async def secret(self, name: str) -> str:
        """A random secret that all processes on this registry share; made when first asked for."""
        async with self._write() as connection:
            await self._insert_if_new(connection, SECRETS, {"name": name, "value": secrets.token_hex(32)})
        async with self._read() as connection:
            query = sa.select(SECRETS.c.value).where(SECRETS.c.name == name)
            return str((await connection.execute(query)).scalar_one())

    # --- topics -------------------------------------------------------------------------------------------------------

    async def topic(self, name: str) -> tuple[int, int] | None:
        """Epoch and partition count of a topic, as ``eventide migrate`` left them."""
        async with self._read() as connection:
            query = sa.select(TOPICS.c.epoch, TOPICS.c.partitions).where(TOPICS.c.name == name)
            row = (await connection.execute(query)).first()
        return (row.epoch, row.partitions) if row else None

    async def set_topic(self, name: str, epoch: int, partitions: int) -> None:
        """Remember a topic's epoch and partition count."""
        async with self._write() as connection:
            await connection.execute(sa.delete(TOPICS).where(TOPICS.c.name == name))
            await connection.execute(sa.insert(TOPICS).values(name=name, epoch=epoch, partitions=partitions))

    # --- connections --------------------------------------------------------------------------------------------------

    async def _insert_if_new(self, connection: AsyncConnection, table: sa.Table, row: Document) -> None:
        try:
            async with connection.begin_nested():
                await connection.execute(sa.insert(table).values(row))
        except IntegrityError:
            return  # another process was first

    def _read(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return _transaction(self._engine)

    def _write(self) -> AbstractAsyncContextManager[AsyncConnection]:
        return _transaction(self._writing)


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    """Errors of the database, but for broken constraints, are Unavailable."""
    try:
        async with engine.begin() as connection:
            yield connection
    except IntegrityError:
        raise
    except (SQLAlchemyError, OSError) as error:
        raise Unavailable(f"The registry is not available: {error}") from error


def _engine(url: str) -> AsyncEngine:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, pool_timeout=5)
    engine = create_async_engine(parsed.set(drivername="sqlite+aiosqlite"), connect_args={"timeout": 10})
    sa.event.listen(engine.sync_engine, "connect", _configure_sqlite)
    sa.event.listen(engine.sync_engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # transactions are begun by hand, below
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: sa.Connection) -> None:
    """A transaction that will write says so at once: one that read before could not begin to write later."""
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")


def _user_query(*more: sa.ColumnElement[Any]) -> sa.Select[Any]:
    columns = (USERS.c.id, USERS.c.name, USERS.c.role, USERS.c.company, COMPANIES.c.name)
    return sa.select(*columns, *more).select_from(USERS).join(COMPANIES, COMPANIES.c.id == USERS.c.company)


def _columns(table: sa.Table, document: Document) -> Document:
    """A document as a row: real columns apart, the rest whole."""
    names = {column.name for column in table.c} - {"document"}
    rest = {name: value for name, value in document.items() if name not in names}
    return {name: document.get(name) for name in names} | {"document": rest}


def _document(row: sa.RowMapping) -> Document:
    columns: Document = {name: value for name, value in row.items() if name != "document" and value is not None}
    columns.update(row["document"])
    return columns


def _entity(row: sa.RowMapping) -> Entity:
    company, status = row["company"], row["status"]
    storage = company or row["company_origin"] or ""
    return Entity(row["id"], row["name"] or "", status, company, storage, status in ("publishing", "published"))


def hash_secret(secret_key: str) -> str:
    """Secrets are random and long: a plain digest is enough, and costs nothing on every call."""
    return hashlib.sha256(secret_key.encode()).hexdigest()


def iso_now() -> str:
    """Now, as documents write it; such texts sort by time."""
    return datetime.now(UTC).isoformat(timespec="microseconds")
