"""Snapshots of a task's lines, read page by page: for scrolls and downloads."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Literal

from query.context import QueryContext
from query.logs.log_reader import LINES, WIDER, WITHIN, LogReader
from query.pagination.log_page import LogPage
from query.pagination.paging import Snapshot
from query.pagination.time_range import TimeRange
from query.sql.statements import document_columns
from query.sql.threads import ONE_THREAD
from schema.events.normalize import NO_TIMESTAMP
from schema.events.tables import INT64_MIN, LOG
from schema.registry import Entity

Order = Literal["asc", "desc"]

SNAPSHOT_SQL = f"SELECT count() AS n, max(seq) AS newest {LINES}"
# A snapshot's order as one ascending key; lines without a timestamp come last in both directions.
SNAPSHOT_KEYS = {"asc": "timestamp", "desc": f"if(timestamp = {NO_TIMESTAMP}, timestamp, bitNot(timestamp))"}
SNAPSHOT_PAGE_SQL = f"""
SELECT {document_columns(LOG)}, $key AS place {LINES} AND seq <= {{newest:UInt64}} AND ($within) AND $after
ORDER BY place, seq LIMIT {{size:UInt32}}{ONE_THREAD}
"""


async def take_snapshot(context: QueryContext, task: Entity, size: int) -> Snapshot:
    """Take a snapshot of the present lines, to be read in pages of ``size``."""
    lines = LogReader(context.store, task).living(await context.caches.entity_index.tombstone_filter(task))
    found = (await lines.read(SNAPSHOT_SQL))[0]
    return Snapshot((found["newest"],), found["n"], size)


async def next_page(context: QueryContext, task: Entity, snapshot: Snapshot, order: Order) -> tuple[LogPage, Snapshot]:
    """Return the page after the snapshot's position, and the snapshot moved behind it; an empty page is the end."""
    page = await _read(context, task, snapshot, order)
    if not page:
        return page, snapshot
    return page, replace(snapshot, position=(page.columns["place"][-1], page.columns["seq"][-1]))


async def _read(context: QueryContext, task: Entity, snapshot: Snapshot, order: Order) -> LogPage:
    """Read as far as it takes to fill a page: only the last page, which is empty, says that there is no more."""
    lines, span = LogReader(context.store, task), _rest(snapshot, order)
    near = snapshot.size + snapshot.size // 4  # some of the first timestamp were delivered before
    alive, end = await asyncio.gather(context.caches.entity_index.tombstone_filter(task), lines.end(span, near))
    lines = _of_snapshot(lines.living(alive), snapshot, order)
    while True:
        texts = {"$within": WITHIN if end is not None or order == "asc" else f"{WITHIN} OR timestamp = {NO_TIMESTAMP}"}
        page = await lines.read_page(SNAPSHOT_PAGE_SQL, texts, **span.until(end).parameters)
        if end is None or len(page) >= snapshot.size:
            return page
        near *= WIDER
        end = await lines.end(span, near)


def _rest(snapshot: Snapshot, order: Order) -> TimeRange:
    """Return the timestamps that follow.

    Lines without one come last, which in descending order is outside of the range.
    """
    place = snapshot.position[0] if snapshot.position else INT64_MIN
    if order == "asc":
        return TimeRange(place, NO_TIMESTAMP, "ASC")
    return TimeRange(INT64_MIN, min(~place, NO_TIMESTAMP - 1), "DESC")


def _of_snapshot(lines: LogReader, snapshot: Snapshot, order: Order) -> LogReader:
    lines = lines.where({"$key": SNAPSHOT_KEYS[order], "$after": "1"}, newest=snapshot.newest[0], size=snapshot.size)
    if not snapshot.position:
        return lines
    place, seq = snapshot.position
    after = {"$after": "place >= {place:Int64} AND (place > {place:Int64} OR seq > {seq:UInt64})"}
    return lines.where(after, place=place, seq=seq)
