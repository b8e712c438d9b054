"""A log and a store, and readers of both kinds: one that remembers what is written, one that asks each time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa

from ingest.local.journal import Journal
from ingest.local.log import LocalLog
from query.cursor import Cursors
from query.curves.complete import Complete
from query.logs.paces import Paces
from query.memory.answers import Memory
from query.memory.held import Held
from query.memory.known import Known
from query.memory.tails import Tails
from query.memory.totals import Totals
from schema.batches import read_events
from schema.blocks import Block, Deletion, Scope
from schema.changes import Changes
from schema.events import Context
from schema.migrate import migrate
from schema.registry import Entity
from schema.rows import Row
from schema.store import EmbeddedEngine, Store
from schema.wire import Caller
from tests.harness.events import Event

CONTEXT = Context(now_ms=1, batch_id=b"b" * 16, fresh_id=b"f" * 16)
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
    """``remembering`` and ``asking``: what reads need of a ``Reader``."""

    def __init__(self, store: CountingStore, log: LocalLog, changes: Changes, held_points: int) -> None:
        self.store = store
        self.log = log
        self.changes = changes
        self.remembering: Any = _reader(store, changes, held_points)
        self.asking: Any = _reader(store, None, 0)
        self._now = 0

    async def write(self, task: Entity, *events: Event, context: Context = CONTEXT) -> None:
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
    store, changes = CountingStore(EmbeddedEngine(directory / "chdb"), 2), Changes()
    migrate(store)
    log = LocalLog(store, Journal(directory / "journal.sqlite"), changes)
    try:
        yield Written(store, log, changes, held_points)
    finally:
        await log.close()
        store.close()


async def _entities(_: Caller, ids: Sequence[str], is_model: bool = False) -> list[Entity]:
    return [task for task in TASKS if task.id in ids]


async def _entity(caller: Caller, entity_id: str, is_model: bool = False) -> Entity:
    return (await _entities(caller, [entity_id]))[0]


def _reader(store: Store, changes: Changes | None, held_points: int) -> SimpleNamespace:
    known, of_calls = Known(store, changes), {"entity": _entity, "entities": _entities, "cursors": Cursors("secret")}
    held, complete, tails = Held(known, changes, held_points), Complete(store, changes), Tails(known, changes)
    of_logs = {"tails": tails, "totals": Totals(), "paces": Paces()}
    memory = Memory(store, changes)
    return SimpleNamespace(store=store, memory=memory, known=known, held=held, complete=complete, **of_logs, **of_calls)
