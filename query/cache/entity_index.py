"""The metric index and the tombstones of entities, cached: two statements less for each read.

A process that is the only one to write (``eventide up``) keeps them for entities that were read or are new, and adds
what is written. Other processes ask the store each time, as do all for entities of very many curves.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from query.sql.metric_index import (
    COLUMNS,
    IndexRow,
    count_index_rows,
    read_event_types,
    read_index,
    read_tables,
)
from query.sql.statements import MetricFilter
from query.sql.tombstone_filter import TombstoneFilter
from query.sql.tombstones import read_tombstones
from schema.changefeed.change_batch import ChangeBatch, EntityKey
from schema.changefeed.changefeed import Changefeed
from schema.changefeed.points import CurveName
from schema.events.rows import Row
from schema.events.tables import SCALAR, SINGLE_VALUE_ITER
from schema.lru_cache import LruCache
from schema.registry import Entity
from schema.store import Store

MAX_ROWS = 200_000  # of the index, of all entities that are cached
MAX_ENTITY_ROWS = 10_000
MAX_LARGE = 10_000  # entities that have more
MAX_UNMERGED = 5 * MAX_ENTITY_ROWS  # rows of an entity that are read to be cached: merged they may be few
MAX_MISSING = 20  # entities that are read at once to be cached
MAX_PENDING = 64  # inserts of an entity that nobody read since; beyond, it is evicted


@dataclass
class CachedEntity:
    """Tombstones and index rows of an entity. ``pending``: rows that were written since ``rows`` were merged."""

    tombstones: Sequence[Row] = ()
    rows: dict[tuple[str | int, ...], IndexRow] = field(default_factory=dict)
    pending: list[pa.Table] = field(default_factory=list)

    def index(self) -> Iterable[IndexRow]:
        """Merge the pending rows, and return all."""
        for row in read_tables(self.pending):
            before = self.rows.get(row.identity)
            self.rows[row.identity] = before.merged(row) if before else row
        self.pending.clear()
        return self.rows.values()

    @property
    def size(self) -> int:
        """Index rows, and one for the entity itself."""
        return 1 + len(self.rows) + sum(int(table.num_rows) for table in self.pending)


@dataclass(frozen=True)
class EntityIndex:
    """Rows of the metric index of some entities, and the tombstones of each by its id."""

    index: Sequence[IndexRow]
    tombstones: Mapping[str, Sequence[Row]]


class EntityIndexCache:
    """Index rows and tombstones of the entities that were read or written last, MAX_ROWS rows in all."""

    def __init__(self, store: Store, changefeed: Changefeed) -> None:
        self._store = store
        self._changefeed = changefeed
        self._entities: LruCache[EntityKey, CachedEntity] = LruCache(
            "entity_index", MAX_ROWS, lambda entity: entity.size
        )
        self._large: LruCache[EntityKey, bool] = LruCache("large_entities", MAX_LARGE)

    async def of(
        self, entities: Sequence[Entity], filters: Sequence[MetricFilter] = (), event_type: str = ""
    ) -> EntityIndex:
        """Return index and tombstones of entities; of the index these metrics and this event type, if named."""
        keys = [entity.key for entity in entities]
        cached = None if filters and self._are_many(keys) else await self.cached(entities)
        if cached is None:
            index = read_index(self._store, keys, filters, event_type)
            return EntityIndex(*await asyncio.gather(index, read_tombstones(self._store, keys)))
        variants = {entry.metric: entry.variants for entry in filters}
        return EntityIndex([row for row in cached.index if row.passes(variants, event_type)], cached.tombstones)

    async def cached(self, entities: Sequence[Entity]) -> EntityIndex | None:
        """Return the whole index and the tombstones of entities; None if one of them is too large to be cached.

        None also in a process that is not the only one to write.
        """
        found = await self._cached([entity.key for entity in entities])
        if found is None:
            return None
        rows = [row for entity in found.values() for row in entity.index()]
        return EntityIndex(rows, {task: entity.tombstones for (_, task), entity in found.items()})

    async def tombstones(self, entity: Entity) -> Sequence[Row]:
        """Return the tombstones of an entity."""
        if cached := await self._cached([entity.key]):
            return cached[entity.key].tombstones
        return (await read_tombstones(self._store, [entity.key]))[entity.id]

    async def event_types(self, entity: Entity) -> set[str]:
        """Return the event types that an entity ever had."""
        if cached := await self._cached([entity.key]):
            return {row.event_type for row in cached[entity.key].index()}
        return await read_event_types(self._store, entity.key)

    async def tombstone_filter(self, entity: Entity) -> TombstoneFilter:
        """Return the conditions that rows of an entity are not deleted now; later deletions may or may not be seen."""
        return TombstoneFilter.after(await self.tombstones(entity), entity)

    def had(self, key: EntityKey, event_type: str) -> bool:
        """Tell whether an entity ever had events of a type; True if it is not cached."""
        return self._had(key, lambda row: row.event_type == event_type)

    def had_single_values(self, key: EntityKey) -> bool:
        """Tell whether an entity ever had values without iteration; True if it is not cached."""
        return self._had(key, lambda row: row.event_type == SCALAR and row.low <= SINGLE_VALUE_ITER)

    def curves(self, key: EntityKey) -> set[CurveName] | None:
        """Return the metrics and variants of which an entity ever had scalars; None if it is not cached."""
        if (entity := self._entities.peek(key)) is None:
            return None
        return {row.name for row in entity.index() if row.event_type == SCALAR}

    def apply(self, batch: ChangeBatch) -> None:
        """Add index rows to cached entities, keep new entities, drop invalidated ones."""
        for key in batch.invalidated:
            self._entities.pop(key)
            self._large.pop(key)
        for key in batch.created:
            self._entities.put(key, CachedEntity())
        for rows in batch.index_rows:
            for key, of_entity in rows.items():
                if entity := self._entities.peek(key):
                    entity.pending.append(of_entity.select(COLUMNS))
                    self._measure(key, entity)

    def clear(self) -> None:
        """Invalidate everything."""
        self._entities.clear()

    def _are_many(self, keys: Sequence[EntityKey]) -> bool:
        """Tell whether the store is asked for a part of their index, as they are too many to be read for the cache."""
        return sum(key not in self._entities for key in keys) > MAX_MISSING

    def _had(self, key: EntityKey, is_meant: Callable[[IndexRow], bool]) -> bool:
        entity = self._entities.peek(key)
        return entity is None or any(is_meant(row) for row in entity.index())

    async def _cached(self, keys: Sequence[EntityKey]) -> dict[EntityKey, CachedEntity] | None:
        if not self._changefeed.is_live:
            return None
        found = {key: entity for key in keys if (entity := self._entities.get(key))}
        missing = [key for key in keys if key not in found]
        if not missing:
            return found
        if any(key in self._large for key in missing):
            return None
        read = await self._read(missing)
        return None if read is None else found | read

    async def _read(self, keys: Sequence[EntityKey]) -> dict[EntityKey, CachedEntity] | None:
        """Read entities, and keep those that nobody wrote in the meantime; None if one of them is too large."""
        before = {key: self._changefeed.version(key[1]) for key in keys}
        counts, tombstones = await asyncio.gather(
            count_index_rows(self._store, keys), read_tombstones(self._store, keys)
        )
        if large := [key for key in keys if counts.get(key[1], 0) > MAX_UNMERGED]:
            for key in large:
                self._large.put(key, True)
            return None
        entities = {key[1]: CachedEntity(tombstones[key[1]]) for key in keys}
        for row in await read_index(self._store, keys):
            entities[row.task].rows[row.identity] = row
        for key in keys:
            if self._changefeed.version(key[1]) == before[key]:
                self._entities.put(key, entities[key[1]])
                self._measure(key, entities[key[1]])
        return {key: entities[key[1]] for key in keys}

    def _measure(self, key: EntityKey, entity: CachedEntity) -> None:
        """Evict an entity that has become too large, and remember that it is."""
        if entity.size > MAX_ENTITY_ROWS:
            self._large.put(key, True)
        if entity.size > MAX_ENTITY_ROWS or len(entity.pending) > MAX_PENDING:
            self._entities.pop(key)
        elif key in self._entities:
            self._entities.measure(key)
