"""A log and a store, and readers of both kinds: one that remembers what is written, one that asks each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from ingest.local.log import LocalLog
from ingest.local.wal import WriteAheadLog
from ingest.parsing.batch import read_events
from query.cache.read_caches import ReadCaches
from query.pagination.cursor import Cursors
from schema.api.wire import Caller
from schema.changefeed.changefeed import Changefeed, NoChangefeed
from schema.events.blocks import Block, Deletion, Scope
from schema.events.normalize import ParseContext
from schema.events.rows import Row
from schema.registry import Entity
from schema.store import EmbeddedEngine, Store
from schema.store.migrate import migrate
from tests.harness.events import Event

CONTEXT = ParseContext(now_ms=1, batch_id=b"b" * 16, fresh_id=b"f" * 16)
TASKS = [Entity(f"task {n}", "", "created", "", f"company {n % 2}", False) for n in range(4)]


class CountingStore(Store):
    """Knows how often it was asked, and with what parameters in all."""

    asked = 0

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.parameters: dict[str, Any] = {}

    async def read(self, sql: str, parameters: Mapping[str, Any] | None = None) -> list[Row]:
        self.asked += 1
        self.parameters |= parameters or {}
        return await super().read(sql, parameters)

    async def read_columns(self, sql: str, parameters: Mapping[str, Any] | None = None) -> dict[str, list[Any]]:
        self.asked += 1
        self.parameters |= parameters or {}
        return await super().read_columns(sql, parameters)

    async def read_json(self, sql: str, parameters: Mapping[str, Any] | None = None) -> bytes:
        self.asked += 1
        return await super().read_json(sql, parameters)

    async def read_table(self, sql: str, parameters: Mapping[str, Any] | None = None) -> pa.Table:
        self.asked += 1
        return await super().read_table(sql, parameters)


class Written:
    """``remembering`` and ``asking``: what reads need of a ``QueryContext``."""

    def __init__(self, store: CountingStore, log: LocalLog, changefeed: Changefeed, held_points: int) -> None:
        self.store = store
        self.log = log
        self.changefeed = changefeed
        self.remembering: Any = _context(store, changefeed, held_points)
        self.asking: Any = _context(store, NoChangefeed(), 0)
        self._now = 0

    async def write(self, task: Entity, *events: Event, context: ParseContext = CONTEXT) -> None:
        """Returns once it can be read. ``context``: of the request."""
        self._now += 1
        batch = read_events([event | {"task": task.id} for event in events], context)
        blocks = [Block(task.storage_company, name, self._now, rows) for name, rows in batch.columns.items()]
        await self.log.publish(blocks, True)

    async def delete(self, task: Entity, scope: Scope) -> None:
        """Returns once it is done."""
        await self.log.delete(Deletion(task.storage_company, task.id, scope, self._now))


@asynccontextmanager
async def writing(directory: Path, held_points: int = 1 << 20) -> AsyncIterator[Written]:
    """On an empty directory."""
    store, changefeed = CountingStore(EmbeddedEngine(directory / "chdb"), 2), Changefeed()
    migrate(store)
    log = LocalLog(store, WriteAheadLog(directory / "journal.sqlite"), changefeed)
    try:
        yield Written(store, log, changefeed, held_points)
    finally:
        await log.close()
        store.close()


async def _entities(_: Caller, ids: Sequence[str], is_model: bool = False) -> list[Entity]:
    return [task for task in TASKS if task.id in ids]


async def _entity(caller: Caller, entity_id: str, is_model: bool = False) -> Entity:
    return (await _entities(caller, [entity_id]))[0]


def _context(store: Store, changefeed: Changefeed, max_points: int) -> SimpleNamespace:
    caches = ReadCaches(store, changefeed, max_points)
    return SimpleNamespace(store=store, caches=caches, cursors=Cursors("secret"), entity=_entity, entities=_entities)
