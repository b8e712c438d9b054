"""Tombstones as the writer knows them: which rows may still be written, and what a deletion removes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from schema.events.blocks import ALL, EVENTS, LOGS, Deletion
from schema.events.tables import LOG
from schema.store import Store

TOMBSTONES_SQL = """
SELECT company, task, seq, scope, through, include, exclude
FROM tombstones FINAL
WHERE company IN {companies:Array(String)} AND task IN {tasks:Array(String)}
"""
CACHED_ENTITIES = 100_000
ENTITIES_AT_ONCE = 1000  # parameters travel in the URL

Entity = tuple[str, str]  # company, task


@dataclass(frozen=True)
class Tombstone:
    """A tombstone: rows at or below ``seq`` are gone; for scope LOGS only the lines that its other fields name."""

    seq: int
    scope: str
    through: int
    include: tuple[str, ...]
    exclude: tuple[str, ...]

    @classmethod
    def of(cls, deletion: Deletion, seq: int) -> Tombstone:
        return cls(seq, deletion.scope, deletion.through, tuple(deletion.include), tuple(deletion.exclude))

    def covers(self, rows: pa.Table, event_type: str) -> pa.ChunkedArray:
        """Return which rows it removes, as booleans."""
        covered = pc.less_equal(rows["seq"], pa.scalar(self.seq, pa.uint64()))
        if self.scope != LOGS:
            return covered
        if event_type != LOG:
            return pc.and_(covered, False)
        covered = pc.and_(covered, pc.less_equal(rows["timestamp"], self.through))
        if self.include:
            covered = pc.and_(covered, pc.is_in(rows["metric"], pa.array(self.include)))
        return pc.and_(covered, pc.invert(pc.is_in(rows["metric"], pa.array(self.exclude, pa.string()))))


class Tombstones:
    """The tombstones of entities, cached once they are loaded: an entity has one writer at a time."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Entity, list[Tombstone]] = {}
        self._is_stale = False

    def load(self, entities: Iterable[Entity]) -> None:
        """Read the tombstones of these entities, unless they are cached. Raises Unavailable."""
        if self._is_stale or len(self._known) > CACHED_ENTITIES:
            self._is_stale = False
            self._known.clear()
        missing = sorted(set(entities) - self._known.keys())
        for start in range(0, len(missing), ENTITIES_AT_ONCE):
            self._known |= self._read(missing[start : start + ENTITIES_AT_ONCE])

    def _read(self, entities: Sequence[Entity]) -> dict[Entity, list[Tombstone]]:
        companies, tasks = zip(*entities, strict=True)
        rows = self._store.select(TOMBSTONES_SQL, {"companies": sorted(set(companies)), "tasks": sorted(set(tasks))})
        found: dict[Entity, list[Tombstone]] = {entity: [] for entity in entities}
        for row in rows:
            if (entity := (row["company"], row["task"])) in found:
                texts = ((*row["include"],), (*row["exclude"],))
                found[entity].append(Tombstone(row["seq"], row["scope"], row["through"], *texts))
        return found

    def add(self, entity: Entity, stone: Tombstone) -> None:
        """Add a tombstone that is now in the table. The entity must be loaded."""
        if stone not in self._known[entity]:
            self._known[entity].append(stone)

    def forget(self) -> None:
        """Invalidate the cache: another process may have deleted since.

        Call when partitions change hands, from any thread.
        """
        self._is_stale = True

    def since(self, entity: Entity) -> tuple[int, int]:
        """Return the ``seq`` of the newest deletion of events, and of everything; 0 where there is none."""
        stones = self._known[entity]
        return (
            max((stone.seq for stone in stones if stone.scope in (EVENTS, ALL)), default=0),
            max((stone.seq for stone in stones if stone.scope == ALL), default=0),
        )

    def living(self, rows: pa.Table, event_type: str, entities: Iterable[Entity]) -> pa.Table:
        """Return the rows that no tombstone covers. Only a replay brings others."""
        for company, task in entities:
            for stone in self._known[company, task]:
                covered = stone.covers(rows, event_type)
                if pc.any(covered).as_py():
                    theirs = pc.and_(pc.equal(rows["company"], company), pc.equal(rows["task"], task))
                    rows = rows.filter(pc.invert(pc.and_(theirs, covered)))
        return rows
