"""Records -> tables. No Kafka, no Faust: the consumer hands over records in order, and commits afterwards.

To write the same records again, in whatever portions, changes nothing: rows carry their identity and ``seq``,
aggregates are idempotent, and a deletion is known by its tombstone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from ingest.writing.change_collector import ChangeCollector
from ingest.writing.deletes import PendingDeletes, covered_condition, covered_parameters
from ingest.writing.metric_index import Groups, dictionary_encoded, index_rows
from ingest.writing.rollup_marks import void_marks
from ingest.writing.tombstones import Entity, Tombstone, Tombstones
from schema.errors import StoreRejected
from schema.events.blocks import LOGS, Block, Deletion, Place, Record
from schema.events.rows import merge_rows
from schema.events.tables import LOG, TABLES
from schema.metrics import ROWS_WRITTEN
from schema.store import Store
from schema.store.tombstone_filters import LINE_NOT_DELETED_SQL, NOT_DELETED_SQL, OF_ENTITY_SQL

# ClickHouse's numbers for "this value cannot be stored"; others are defects of ours and stop the worker.
BAD_ROW = frozenset((6, 26, 27, 32, 33, 38, 41, 53, 69, 70, 72, 117, 128, 131, 190, 306, 321, 349, 469))
DELETED_SQL = f"SELECT deleted FROM tombstones FINAL WHERE {OF_ENTITY_SQL} AND seq = {{seq:UInt64}}"

COPIED_BYTES = 64 << 20  # below, many pieces cost more than a copy

Park = Callable[[pa.Table, str, str], None]  # rejected rows, their event type, the reason
Numbers = npt.NDArray[np.uint64]
Wrote = Callable[[Sequence[Record]], None]  # called with what is stored; returns at once


def refuse_to_park(rows: pa.Table, event_type: str, reason: str) -> None:
    """Fail the write: for callers that have nowhere to park rows."""
    raise StoreRejected(f"{event_type}: {reason}")


class Writer:
    """Blocking; use from one thread. Raises Unavailable (hand over the same records again) and StoreRejected.

    ``changes``: collects what it writes, where reads are cached.
    """

    def __init__(
        self,
        store: Store,
        park: Park = refuse_to_park,
        wrote: Wrote = lambda _: None,
        changes: ChangeCollector | None = None,
    ) -> None:
        self._store = store
        self._park = park
        self._wrote = wrote
        self._changes = changes
        self.tombstones = Tombstones(store)

    def write(self, records: Sequence[Record]) -> dict[Place, int]:
        """Store all records, in order; return how many events each deletion removed."""
        deleted: dict[Place, int] = {}
        blocks: list[tuple[Place, Block]] = []
        erasing = PendingDeletes()
        replayed = [record for record in records if record.arrived]
        for record in records:
            if isinstance(record.content, Block):
                blocks.append((record.place, record.content))
            else:
                self._store_blocks(blocks, replayed)
                blocks = []
                deleted[record.place] = self._delete(record.content, record.place.seq, erasing)
        self._store_blocks(blocks, replayed)
        erasing.run(self._store)
        void_marks(self._store, replayed, self.tombstones)
        self._wrote(records)
        return deleted

    def _store_blocks(self, blocks: list[tuple[Place, Block]], replayed: Sequence[Record]) -> None:
        by_type: dict[str, list[tuple[Place, Block]]] = {}
        for place, block in blocks:
            by_type.setdefault(block.event_type, []).append((place, block))
        index = [self._store_type(event_type, of_type, replayed) for event_type, of_type in sorted(by_type.items())]
        if any(rows.num_rows for rows in index):
            self._store.insert("metric_index", pa.concat_tables(index))

    def _store_type(self, event_type: str, blocks: list[tuple[Place, Block]], replayed: Sequence[Record]) -> pa.Table:
        """Insert the blocks of one type as one table; return their rows of the metric index."""
        events = _stored_rows(blocks)
        if event_type == LOG and replayed:
            events = events.append_column("arrived", pa.array(_arrivals(blocks, replayed)))
        entities = entities_of(blocks)
        self.tombstones.load(entities)
        events = self._insert(event_type, dictionary_encoded(self.tombstones.living(events, event_type, entities)))
        groups = Groups(events)
        since = {entity: self.tombstones.since(entity) for entity in entities}
        index = index_rows(event_type, groups, since, replayed)
        if self._changes:
            self._changes.stored(event_type, entities, events, groups, index)
        return index

    def _insert(self, event_type: str, events: pa.Table) -> pa.Table:
        """Insert events; rows that ClickHouse rejects are found by halving, and parked. Returns what was stored."""
        if not events.num_rows:
            return events
        try:
            self._store.insert(TABLES[event_type].name, events)
        except StoreRejected as error:
            if error.number not in BAD_ROW:
                raise
            return self._insert_without_bad_rows(event_type, events, str(error))
        ROWS_WRITTEN.labels(TABLES[event_type].name).inc(events.num_rows)
        return events

    def _insert_without_bad_rows(self, event_type: str, events: pa.Table, reason: str) -> pa.Table:
        if events.num_rows == 1:
            self._park(events, event_type, reason)
            return events.slice(1)
        middle = events.num_rows // 2
        halves = (events.slice(0, middle), events.slice(middle))
        return pa.concat_tables(self._insert(event_type, half) for half in halves)

    def _delete(self, deletion: Deletion, seq: int, erasing: PendingDeletes) -> int:
        """Insert the tombstone, and leave the rows to be erased; return how many events it removed.

        What a crash leaves undone, the replay of the record does.
        """
        entity = (deletion.company, deletion.entity)
        self.tombstones.load([entity])
        counts = self._count(deletion, seq)
        known = self._store.select(DELETED_SQL, covered_parameters(deletion, seq))
        deleted = int(known[0]["deleted"]) if known else sum(counts.values())
        if not known:
            self._store.insert("tombstones", _tombstone_row(deletion, seq, deleted))
        self.tombstones.add(entity, Tombstone.of(deletion, seq))
        erasing.add(deletion, seq, [name for name, count in counts.items() if count or known])
        return deleted

    def _count(self, deletion: Deletion, seq: int) -> dict[str, int]:
        """Count the events that a deletion covers and no tombstone does, by table."""
        types = (LOG,) if deletion.scope == LOGS else TABLES
        statement = " UNION ALL ".join(_count_sql(deletion, name) for name in types)
        return {row["name"]: int(row["n"]) for row in self._store.select(statement, covered_parameters(deletion, seq))}


def entities_of(blocks: Iterable[tuple[Place, Block]]) -> list[Entity]:
    """Return the distinct (company, task) of the blocks."""
    return list({(block.company, task) for _, block in blocks for task in block.tasks})


def _stored_rows(blocks: Sequence[tuple[Place, Block]]) -> pa.Table:
    """Return the blocks' rows in their order, with the columns that the writer adds: company, received_at, seq."""
    rows = pa.Table.from_batches(merge_rows(blocks[0][1].event_type, [block.rows for _, block in blocks]))
    if rows.nbytes < COPIED_BYTES:
        rows = rows.combine_chunks()
    counts = _counts(blocks)
    companies = pa.array([block.company for _, block in blocks]).dictionary_encode()
    known = {
        "company": pa.DictionaryArray.from_arrays(np.repeat(companies.indices, counts), companies.dictionary),
        "received_at": np.repeat([block.received_at for _, block in blocks], counts),
        "seq": _numbered([place.seq for place, _ in blocks], counts),
    }
    return pa.table(dict(zip(rows.column_names, rows.columns, strict=True)) | known)


def _arrivals(blocks: Sequence[tuple[Place, Block]], replayed: Iterable[Record]) -> Numbers:
    """Return where each row came: its ``seq``, or, of a record that was parked, as much after where that came again."""
    came = {record.place: record.arrived for record in replayed}
    return _numbered([came.get(place, place.seq) for place, _ in blocks], _counts(blocks))


def _counts(blocks: Iterable[tuple[Place, Block]]) -> list[int]:
    return [len(block.rows) for _, block in blocks]


def _numbered(firsts: Sequence[int], counts: Sequence[int]) -> Numbers:
    """Return a rising number for each row of some blocks. ``firsts``: those of their first rows."""
    before = (np.cumsum(counts) - counts).astype(np.uint64)
    return np.repeat(np.array(firsts, np.uint64) - before, counts) + np.arange(sum(counts), dtype=np.uint64)


def _count_sql(deletion: Deletion, event_type: str) -> str:
    name, living = TABLES[event_type].name, LINE_NOT_DELETED_SQL if event_type == LOG else NOT_DELETED_SQL
    return f"SELECT '{name}' AS name, count() AS n FROM {name} FINAL WHERE {covered_condition(deletion)} AND {living}"


def _tombstone_row(deletion: Deletion, seq: int, deleted: int) -> pa.Table:
    row = asdict(deletion) | {"task": deletion.entity, "seq": seq, "deleted": deleted}
    del row["entity"]
    types = {"include": pa.list_(pa.string()), "exclude": pa.list_(pa.string()), "seq": pa.uint64()}
    return pa.table({name: pa.array([value], types.get(name)) for name, value in row.items()})
