"""Rows that ClickHouse rejects, as records of their own with the places that they have."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from schema.events.blocks import Block, Place, Record
from schema.events.tables import TABLES


def record_of_row(row: pa.Table, event_type: str, records: Iterable[Record]) -> Record:
    """Return the record of one row with all columns of its table; ``records``: those that it may be of."""
    company, task, received_at, seq = (row[name][0].as_py() for name in ("company", "task", "received_at", "seq"))
    whole = next(record for record in records if _is_of(record, company, task) and record.place.holds(seq))
    origin = whole.place
    place = Place(origin.epoch, origin.partition, origin.offset, seq - Place(origin.epoch, 0, origin.offset).seq)
    schema = TABLES[event_type].block_schema
    batch = row.select(schema.names).cast(schema).combine_chunks().to_batches()[0]
    return Record(place, Block(company, event_type, received_at, batch), request=whole.request)


def _is_of(record: Record, company: str, task: str) -> bool:
    content = record.content
    return isinstance(content, Block) and content.company == company and task in content.tasks
