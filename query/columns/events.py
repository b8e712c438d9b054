"""The events of an entity of one type as columns, page by page in the order of the table's key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from query.context import QueryContext
from query.sql.statements import MetricFilter, fill, filter_sql
from query.sql.threads import ONE_THREAD
from query.sql.tombstone_filter import TombstoneFilter
from schema.events.normalize import NO_TIMESTAMP
from schema.events.rows import Row
from schema.events.tables import COMMON, DEBUG_IMAGE, LOG, PLOT, SCALAR, TABLES, VECTOR
from schema.registry import Entity
from schema.store.tombstone_filters import OF_ENTITY_SQL

# Rows of a statement, which takes 50 ms, and 0.7 µs a row. A plot may have megabytes.
PAGE_ROWS = {SCALAR: 1 << 17, DEBUG_IMAGE: 1 << 14, VECTOR: 1 << 8, PLOT: 1 << 4}
KEY = ("metric", "variant", "iter", "discriminator")
TABLE_ROWS = 1 << 16  # of those a table that is encoded at once, as its texts are written out: 7 MB
COMPUTED = frozenset(("source_urls", "valid_plot"))  # by the server, of what the client sent
HELPERS = ("has_iter",)
# Written out, as ClickHouse does not use its index for a comparison of tuples.
AFTER = """(metric > {metric:String} OR (metric = {metric:String} AND (variant > {variant:String} OR
    (variant = {variant:String} AND iter >= {iter:Int64}
     AND (iter > {iter:Int64} OR discriminator > {discriminator:String})))))"""
# In the order of the whole key rows are merged until the page is full; in that of KEY alone all that follow are, which
# takes twice as long. One thread and small blocks: half of the time again. Names as dictionaries: half of the memory.
PAGE_SQL = f"""
SELECT $columns FROM $table FINAL PREWHERE {OF_ENTITY_SQL} AND $filter AND $after
WHERE $living ORDER BY company, task, {", ".join(KEY)} LIMIT {{size:UInt32}}{ONE_THREAD}, $settings
"""
SETTINGS = "max_block_size = 8192, output_format_arrow_low_cardinality_as_dictionary = 1"


def columns_of(event_type: str) -> list[str]:
    """Return the names of the columns that events of a type have here, as docs/export.md describes them."""
    fields = [name for name in TABLES[event_type].fields if name not in COMPUTED]
    first = ["task", "metric", "variant", "iter", "timestamp", "worker", *fields]
    return [*first, *(name for name in COMMON if name not in (*first, *HELPERS)), "received_at"]


def schema_of(event_type: str) -> pa.Schema:
    """Return the columns with their types."""
    types = COMMON | TABLES[event_type].fields | {"received_at": pa.int64()}
    return pa.schema([(name, types[name]) for name in columns_of(event_type)])


def as_told(table: pa.Table, event_type: str) -> pa.Table:
    """Return rows as columns of ``schema_of``: what an event did not say is null."""
    iterations = pc.if_else(table["has_iter"], table["iter"], pa.scalar(None, pa.int64()))
    is_timed = pc.not_equal(table["timestamp"], NO_TIMESTAMP)
    times = pc.if_else(is_timed, table["timestamp"], pa.scalar(None, pa.int64()))
    columns = {name: table[name] for name in columns_of(event_type)} | {"iter": iterations, "timestamp": times}
    return pa.table(columns).cast(schema_of(event_type))


async def event_tables(
    context: QueryContext, entity: Entity, event_type: str, filters: Sequence[MetricFilter] = ()
) -> AsyncIterator[pa.Table]:
    """Yield the events of a type other than ``log``, each once, whatever is written meanwhile."""
    living = await context.caches.entity_index.tombstone_filter(entity)
    condition, parameters = filter_sql(filters)
    texts = {"$table": TABLES[event_type].name, "$filter": condition, "$living": living.rows}
    position: Row = {}
    while True:
        page = await _page(context, event_type, texts, parameters, living, position)
        for start in range(0, page.num_rows, TABLE_ROWS):
            yield as_told(page.slice(start, TABLE_ROWS), event_type)
        if page.num_rows < PAGE_ROWS[event_type]:
            return
        position = {name: page[name][-1].as_py() for name in KEY}


async def _page(
    context: QueryContext,
    event_type: str,
    texts: Mapping[str, str],
    parameters: Mapping[str, Any],
    living: TombstoneFilter,
    position: Row,
) -> pa.Table:
    columns = ", ".join((*columns_of(event_type), *HELPERS))
    statement = fill(
        PAGE_SQL, {**texts, "$columns": columns, "$after": AFTER if position else "1", "$settings": SETTINGS}
    )
    return await context.store.read_table(
        statement, {**parameters, **living.parameters, **position, "size": PAGE_ROWS[event_type]}
    )


def is_streamed(event_type: str) -> bool:
    """Tell whether ``event_tables`` has events of this type; log lines have an order of their own."""
    return event_type in TABLES and event_type != LOG
