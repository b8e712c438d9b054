"""What is known of entities before their rows are read: the metric index, and what was deleted.

A process that is the only one to write (``eventide up``) remembers it, and adds what is written: two statements less
for every read of a task that somebody looks at, or that is new. Others ask the store each time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, field

import pyarrow as pa

from query.indexed import Indexed, read_index
from query.rows import MetricFilter, Row
from query.tombstones import read_tombstones
from schema.changes import Changes, Key, News
from schema.errors import EventsError
from schema.registry import Entity
from schema.store import Store

MAX_ROWS = 100_000  # of the index, of all entities that are remembered
MAX_ENTITY_ROWS = 10_000
MAX_NEWS_ROWS = 20_000  # of one write: as long as any of them are pending, all take memory
MAX_PENDING = 16  # writes of an entity: beyond, to read it again takes no longer
MAX_NEW = 1000  # entities that are looked up after their first write
MAX_SEEN = 500_000
COLUMNS = ("task", "event_type", "metric", "variant", "since", "since_reset", "min_iter", "max_iter", "label")


@dataclass
class Entry:
    """What is known of an entity. ``pending``: rows that were written since ``rows`` were merged."""

    tombstones: Sequence[Row]
    rows: dict[tuple[str | int, ...], Indexed]
    pending: list[pa.Table] = field(default_factory=list)
    counted: int = 0

    def index(self) -> Iterable[Indexed]:
        """Its rows, merged."""
        for table in self.pending:
            for row in map(Indexed._make, zip(*(table[name].to_pylist() for name in COLUMNS), strict=True)):
                known = self.rows.get(row.identity)
                self.rows[row.identity] = known.merged(row) if known else row
        self.pending.clear()
        return self.rows.values()

    @property
    def size(self) -> int:
        """In rows, and one for itself."""
        return 1 + len(self.rows) + _rows(self.pending)

    @property
    def is_too_large(self) -> bool:
        """Whether it is better forgotten."""
        return len(self.pending) > MAX_PENDING or self.size > MAX_ENTITY_ROWS


@dataclass(frozen=True)
class Facts:
    """Of some entities: rows of the metric index, and of each what was deleted."""

    index: Sequence[Indexed]
    tombstones: Mapping[str, Sequence[Row]]


class Known:
    """``changes``: of a process that is the only one to write; nothing is remembered without."""

    def __init__(self, store: Store, changes: Changes | None = None) -> None:
        self._store = store
        self._changes = changes
        self._entries: OrderedDict[Key, Entry] = OrderedDict()
        self._rows = 0
        self._seen: set[Key] = set()
        self._looking: set[asyncio.Task[None]] = set()
        self._is_closed = False
        if changes:
            changes.listen(self._hear)

    async def of(self, entities: Sequence[Entity], filters: Sequence[MetricFilter] = (), event_type: str = "") -> Facts:
        """What is known of the entities; of their index these metrics, and this event type, if they are named."""
        keys = _keys(entities)
        if self._changes is None:
            index = read_index(self._store, keys, filters, event_type)
            return Facts(*await asyncio.gather(index, read_tombstones(self._store, keys)))
        variants = {entry.metric: entry.variants for entry in filters}
        entries = await self._remembered(self._changes, keys)
        rows = [row for entry in entries.values() for row in entry.index() if row.passes(variants, event_type)]
        return Facts(rows, {task: entry.tombstones for (_, task), entry in entries.items()})

    async def tombstones(self, entity: Entity) -> Sequence[Row]:
        """What was deleted of an entity."""
        (key,) = _keys([entity])
        if self._changes is None:
            return (await read_tombstones(self._store, [key]))[entity.id]
        return (await self._remembered(self._changes, [key]))[key].tombstones

    async def _remembered(self, changes: Changes, keys: Sequence[Key]) -> dict[Key, Entry]:
        held = {key: self._entries[key] for key in keys if key in self._entries}
        for key in held:
            self._entries.move_to_end(key)
        missing = [key for key in keys if key not in held]
        return held | await self._read(changes, missing) if missing else held

    async def _read(self, changes: Changes, keys: Sequence[Key]) -> dict[Key, Entry]:
        """Those are remembered that nobody wrote in the meantime."""
        before = {key: changes.of(key[1]) for key in keys}
        rows, tombstones = await asyncio.gather(read_index(self._store, keys), read_tombstones(self._store, keys))
        by_task: dict[str, dict[tuple[str | int, ...], Indexed]] = {task: {} for _, task in keys}
        for row in rows:
            by_task[row.task][row.identity] = row
        entries = {key: Entry(tombstones[key[1]], by_task[key[1]]) for key in keys}
        for key, entry in entries.items():
            if changes.of(key[1]) == before[key]:
                self._hold(key, entry)
        return entries

    def close(self) -> None:
        """Look nothing up any more."""
        self._is_closed = True
        for looking in self._looking:
            looking.cancel()

    def _hear(self, news: News) -> None:
        for key in news.deleted:
            self._forget(key)
        for rows in news.indexed:
            is_large = _rows(rows.values()) > MAX_NEWS_ROWS
            for key, of_entity in rows.items():
                self._forget(key) if is_large else self._add(key, of_entity)
        self._look_up({key for rows in news.indexed for key in rows})

    def _add(self, key: Key, rows: pa.Table) -> None:
        if entry := self._entries.get(key):
            entry.pending.append(rows.select(COLUMNS))
            self._hold(key, entry)

    def _look_up(self, written: Set[Key]) -> None:
        """Entities that were never written before: somebody will soon look at them."""
        assert self._changes
        new = written - self._seen - self._entries.keys()
        self._seen = {*written, *(self._seen if len(self._seen) < MAX_SEEN else ())}
        if new and len(new) <= MAX_NEW and not self._is_closed:
            looking = asyncio.create_task(self._read_ahead(self._changes, list(new)))
            self._looking.add(looking)
            looking.add_done_callback(self._looking.discard)

    async def _read_ahead(self, changes: Changes, keys: Sequence[Key]) -> None:
        with suppress(EventsError):
            await self._read(changes, keys)

    def _hold(self, key: Key, entry: Entry) -> None:
        self._forget(key)
        if entry.is_too_large:
            return
        self._entries[key] = entry
        entry.counted = entry.size
        self._rows += entry.counted
        while self._rows > MAX_ROWS:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: Key) -> None:
        if entry := self._entries.pop(key, None):
            self._rows -= entry.counted


def _keys(entities: Iterable[Entity]) -> list[Key]:
    return [(entity.storage_company, entity.id) for entity in entities]


def _rows(tables: Iterable[pa.Table]) -> int:
    return sum(int(table.num_rows) for table in tables)
