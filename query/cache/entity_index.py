"""What is known of entities before their rows are read: the metric index, and what was deleted.

A process that is the only one to write (``eventide up``) remembers it of entities that were read or are new, and adds
what is written: two statements less for each read. Others ask the store each time.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from query.sql.metric_index import COLUMNS, IndexRow, read_index, read_tables
from query.sql.statements import MetricFilter
from query.sql.tombstones import read_tombstones
from schema.changefeed.changefeed import ChangeBatch, Changefeed, EntityKey
from schema.changefeed.points import CurveName
from schema.events.rows import Row
from schema.events.tables import SCALAR, SINGLE_VALUE_ITER
from schema.registry import Entity
from schema.store import Store

MAX_ROWS = 200_000  # of the index, of all entities that are remembered
MAX_ENTITY_ROWS = 10_000
MAX_LARGE = 10_000  # entities that have more
MAX_MISSING = 20  # entities that are read at once to be remembered
MAX_PENDING = 64  # writes of an entity; nobody reads one that has more


@dataclass
class CachedEntity:
    """What is known of an entity. ``pending``: rows of the index that were written since ``rows`` were merged."""

    tombstones: Sequence[Row] = ()
    rows: dict[tuple[str | int, ...], IndexRow] = field(default_factory=dict)
    pending: list[pa.Table] = field(default_factory=list)
    counted: int = 0

    def index(self) -> Iterable[IndexRow]:
        """Its rows, merged."""
        for row in read_tables(self.pending):
            known = self.rows.get(row.identity)
            self.rows[row.identity] = known.merged(row) if known else row
        self.pending.clear()
        return self.rows.values()

    @property
    def size(self) -> int:
        """In rows, and one for itself."""
        return 1 + len(self.rows) + sum(int(table.num_rows) for table in self.pending)


@dataclass(frozen=True)
class EntityIndex:
    """Of some entities: rows of the metric index, and of each what was deleted."""

    index: Sequence[IndexRow]
    tombstones: Mapping[str, Sequence[Row]]


class EntityIndexCache:
    """``changefeed``: of a process that is the only one to write; nothing is remembered without."""

    def __init__(self, store: Store, changefeed: Changefeed | None = None) -> None:
        self._store = store
        self._changefeed = changefeed
        self._entries: OrderedDict[EntityKey, CachedEntity] = OrderedDict()
        self._large: set[EntityKey] = set()
        self._rows = 0
        if changefeed:
            changefeed.listen(self)

    async def of(
        self, entities: Sequence[Entity], filters: Sequence[MetricFilter] = (), event_type: str = ""
    ) -> EntityIndex:
        """What is known of the entities; of their index these metrics, and this event type, if they are named."""
        keys = [entity.key for entity in entities]
        if self._changefeed is None or (filters and self._are_large(keys)):
            index = read_index(self._store, keys, filters, event_type)
            return EntityIndex(*await asyncio.gather(index, read_tombstones(self._store, keys)))
        variants = {entry.metric: entry.variants for entry in filters}
        entries = await self._remembered(self._changefeed, keys)
        rows = [row for entry in entries.values() for row in entry.index() if row.passes(variants, event_type)]
        return EntityIndex(rows, {task: entry.tombstones for (_, task), entry in entries.items()})

    def apply_changes(self, batch: ChangeBatch) -> None:
        """Rows are added to what is remembered; new entities are, those that lost something are not any more."""
        for key in batch.invalidated:
            self._forget(key)
        for key in batch.created:
            self._hold(key, CachedEntity())
        for rows in batch.indexed:
            for key, of_entity in rows.items():
                if entry := self._entries.get(key):
                    entry.pending.append(of_entity.select(COLUMNS))
                    self._count(key, entry)

    def forget(self) -> None:
        """Everything."""
        self._entries.clear()
        self._rows = 0

    def _are_large(self, keys: Sequence[EntityKey]) -> bool:
        """Whether the store is asked for a part of their index, as all of it is too much to remember."""
        missing = set(keys) - self._entries.keys()
        return len(missing) > MAX_MISSING or not missing.isdisjoint(self._large)

    async def tombstones(self, entity: Entity) -> Sequence[Row]:
        """What was deleted of an entity."""
        if self._changefeed is None:
            return (await read_tombstones(self._store, [entity.key]))[entity.id]
        return (await self._remembered(self._changefeed, [entity.key]))[entity.key].tombstones

    def had(self, key: EntityKey, event_type: str) -> bool:
        """Whether an entity ever had events of a type; True where that is not remembered."""
        return self._had(key, lambda row: row.event_type == event_type)

    def had_single_values(self, key: EntityKey) -> bool:
        """Whether an entity ever had values without iteration; True where that is not remembered."""
        return self._had(key, lambda row: row.event_type == SCALAR and row.low <= SINGLE_VALUE_ITER)

    def curves(self, key: EntityKey) -> set[CurveName] | None:
        """Of which metrics and variants an entity ever had scalars, if that is remembered."""
        if (entry := self._entries.get(key)) is None:
            return None
        return {row.name for row in entry.index() if row.event_type == SCALAR}

    def _had(self, key: EntityKey, is_meant: Callable[[IndexRow], bool]) -> bool:
        entry = self._entries.get(key)
        return entry is None or any(is_meant(row) for row in entry.index())

    async def _remembered(self, changefeed: Changefeed, keys: Sequence[EntityKey]) -> dict[EntityKey, CachedEntity]:
        held = {key: self._entries[key] for key in keys if key in self._entries}
        for key in held:
            self._entries.move_to_end(key)
        missing = [key for key in keys if key not in held]
        return held | await self._read(changefeed, missing) if missing else held

    async def _read(self, changefeed: Changefeed, keys: Sequence[EntityKey]) -> dict[EntityKey, CachedEntity]:
        """Those are remembered that nobody wrote in the meantime."""
        before = {key: changefeed.of(key[1]) for key in keys}
        rows, tombstones = await asyncio.gather(read_index(self._store, keys), read_tombstones(self._store, keys))
        entries = {key[1]: CachedEntity(tombstones[key[1]]) for key in keys}
        for row in rows:
            entries[row.task].rows[row.identity] = row
        for key in keys:
            if changefeed.of(key[1]) == before[key]:
                self._hold(key, entries[key[1]])
        return {key: entries[key[1]] for key in keys}

    def _hold(self, key: EntityKey, entry: CachedEntity) -> None:
        self._forget(key)
        self._entries[key] = entry
        self._count(key, entry)

    def _count(self, key: EntityKey, entry: CachedEntity) -> None:
        """Its size may have changed: what is too much is forgotten."""
        self._rows += entry.size - entry.counted
        entry.counted = entry.size
        if entry.size > MAX_ENTITY_ROWS:
            if len(self._large) >= MAX_LARGE:
                self._large.clear()
            self._large.add(key)
        if entry.size > MAX_ENTITY_ROWS or len(entry.pending) > MAX_PENDING:
            self._forget(key)
        while self._rows > MAX_ROWS:
            self._forget(next(iter(self._entries)))

    def _forget(self, key: EntityKey) -> None:
        if entry := self._entries.pop(key, None):
            self._rows -= entry.counted
            entry.counted = 0
