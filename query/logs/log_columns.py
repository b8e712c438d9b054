"""A console log as columns, oldest line first (API contract 6.9)."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pyarrow as pa

from query.columns.events import as_told, columns_of, schema_of
from query.columns.formats import Format, stream
from query.context import QueryContext
from query.logs.snapshot import next_page, take_snapshot
from schema.api.wire import Stream
from schema.events.tables import LOG
from schema.registry import Entity

PAGE_ROWS = 10_000


def log_stream(context: QueryContext, task: Entity, file_format: Format) -> Stream:
    """Return the answer that streams the lines that there are now."""
    return stream(file_format, f"task_{task.id}_log", schema_of(LOG), _tables(context, task))


async def _tables(context: QueryContext, task: Entity) -> AsyncIterator[pa.Table]:
    page, snapshot = await next_page(context, task, await take_snapshot(context, task, PAGE_ROWS), "asc")
    types = schema_of(LOG)
    while page:
        columns = {name: pa.array(page.columns[name], types.field(name).type) for name in columns_of(LOG)}
        yield as_told(pa.table(columns | {"has_iter": pa.array(page.columns["has_iter"], pa.bool_())}), LOG)
        page, snapshot = await next_page(context, task, snapshot, "asc")
