"""Statements about a task's log lines: pages of them, and how many there are.

The table is sorted by timestamp, and a log may be long. A page is read without FINAL first, from its start until it is
full: mostly each line is there once. Else it is read between two timestamps, so that FINAL merges no more than that.
Its end is then looked up first, among all copies of lines, deleted ones too; so there may be fewer lines up to it than
expected, and then the next end is further away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from query.pagination.log_page import EMPTY_LOG_PAGE, LogPage
from query.pagination.paging import MAX_TIES, MAX_UNSCROLLED_TOTAL
from query.pagination.time_range import Direction, TimeRange
from query.sql.statements import document_columns, entity_parameters, fill
from query.sql.threads import ONE_THREAD
from query.sql.tombstone_filter import TombstoneFilter
from schema.events.normalize import NO_TIMESTAMP
from schema.events.rows import Row
from schema.events.tables import LOG
from schema.registry import Entity
from schema.store import Store
from schema.store.tombstone_filters import OF_ENTITY_SQL

WIDER = 16  # times further, if a page's end was too near
AT_ONCE = 1000  # timestamps of one statement: parameters travel in the URL
FEW_TIES = 32  # lines beyond a page: mostly enough to include all of its last timestamp

COPIES = f"FROM logs WHERE {OF_ENTITY_SQL}"  # with copies of lines that were written again
LINES = f"FROM logs FINAL WHERE {OF_ENTITY_SQL} AND $living"
WITHIN = "timestamp BETWEEN {low:Int64} AND {high:Int64}"
END_SQL = (
    f"SELECT timestamp {COPIES} AND {WITHIN} ORDER BY timestamp $direction LIMIT 1 OFFSET {{near:UInt64}}{ONE_THREAD}"
)
WHOLE_LINE = document_columns(LOG)
# Copies of a line share timestamp, batch and number; different lines may share this number alone.
LINE_COLUMNS = f"{WHOLE_LINE}, reinterpretAsUInt64(batch_id) + line AS copy_of"
PAGE_SQL = f"""
SELECT {LINE_COLUMNS} {LINES} AND $filter AND $within
ORDER BY timestamp $direction, seq LIMIT {{limit:UInt32}}{ONE_THREAD}
"""
# PREWHERE is explicit: to let ClickHouse choose takes a tenth of such a statement.
QUICK_PAGE_SQL = f"""
SELECT $columns FROM logs PREWHERE {OF_ENTITY_SQL} AND $living AND $filter AND {WITHIN}
ORDER BY timestamp $direction LIMIT {{limit:UInt32}}{ONE_THREAD}
"""
UNTIMED_PAGE_SQL = f"""
SELECT {LINE_COLUMNS} {LINES} AND timestamp = {NO_TIMESTAMP} AND $filter ORDER BY seq LIMIT {{size:UInt32}}
"""
# In the order of the table's key, ClickHouse takes twice as long to find the first 10 000 of many.
TOTAL_SQL = f"""
SELECT count() AS n FROM
(
    SELECT DISTINCT timestamp, batch_id, line {COPIES} AND $living AND $filter AND $indexed LIMIT {MAX_UNSCROLLED_TOTAL}
)
{ONE_THREAD}, optimize_distinct_in_order = 0
"""
MATCHES_SQL = f"""
SELECT timestamp, batch_id, line {COPIES} AND $living AND $filter AND $indexed LIMIT {MAX_UNSCROLLED_TOTAL}
"""
ARRIVALS_SQL = f"SELECT seq, arrived {COPIES} AND {WITHIN} AND arrived != seq"
NEXT_SQL = f"""
SELECT timestamp {COPIES} AND $living AND $filter AND $indexed AND {WITHIN}
ORDER BY timestamp $direction LIMIT {{near:UInt64}}
"""


@dataclass(frozen=True)
class Matches:
    """Keys of copies of the lines that pass a filter. ``are_all``: there are no others."""

    keys: pa.Table
    are_all: bool

    def count(self) -> int | None:
        """Return how many lines they are copies of, MAX_UNSCROLLED_TOTAL at most.

        None if there may be others that would have to be counted.
        """
        count = int(self.keys.group_by(self.keys.column_names).aggregate([]).num_rows)
        return count if self.are_all or count >= MAX_UNSCROLLED_TOTAL else None

    def within(self, span: TimeRange, near: int) -> pa.ChunkedArray | None:
        """Return the first ``near`` timestamps of them in a range; None if there may be others among these."""
        if not self.are_all:
            return None
        order = "descending" if span.direction == "DESC" else "ascending"
        keys = self.keys.filter(span.holds(self.keys["timestamp"])).sort_by([("timestamp", order)])
        return keys["timestamp"].slice(0, near)


@dataclass(frozen=True)
class LogReader:
    """Statements about a task's lines: their fixed parts and parameters.

    ``$indexed``: a condition that follows from ``$filter`` and uses an index, for statements that look through all
    lines.
    """

    store: Store
    entity: Entity
    texts: Mapping[str, str] = field(default_factory=lambda: {"$filter": "1", "$indexed": "1"})
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def living(self, alive: TombstoneFilter) -> LogReader:
        """Return a reader that leaves out deleted lines. Every statement but ``end`` needs that."""
        return self.where({"$living": alive.lines}, **alive.parameters)

    def where(self, texts: Mapping[str, str], **parameters: Any) -> LogReader:
        """Return a reader with more fixed parts and parameters."""
        return replace(self, texts={**self.texts, **texts}, parameters={**self.parameters, **parameters})

    async def read(self, sql: str, texts: Mapping[str, str] | None = None, **parameters: Any) -> list[Row]:
        """Return the rows of a statement."""
        asked = self.where(texts or {}, **parameters)
        return await self.store.read(fill(sql, asked.texts), asked.parameters)

    async def read_page(self, sql: str, texts: Mapping[str, str] | None = None, **parameters: Any) -> LogPage:
        """Return the rows of a statement as a page of lines."""
        asked = self.where(texts or {}, **parameters)
        return LogPage(await self.store.read_columns(fill(sql, asked.texts), asked.parameters))

    async def end(self, span: TimeRange, near: int) -> int | None:
        """Return the timestamp of the copy of a line that ``near`` precede in the range; None if none."""
        if span.is_empty:
            return None
        where = entity_parameters(self.entity) | span.parameters
        rows = await self.store.read(fill(END_SQL, {"$direction": span.direction}), where | {"near": near})
        return int(rows[0]["timestamp"]) if rows else None

    async def quick_page(self, span: TimeRange, size: int, with_copy_of: bool = True) -> LogPage | None:
        """Return the first ``size`` lines of a range, and all that share the last one's timestamp.

        None if ``page`` has to be used: lines were written again, or many share a timestamp. ``with_copy_of``: read
        that column; without it a page takes a twelfth less if no requests share a timestamp, and is read again if some
        do.
        """
        if not size or span.is_empty:
            return EMPTY_LOG_PAGE
        limit = size + FEW_TIES
        texts = {"$direction": span.direction, "$columns": LINE_COLUMNS if with_copy_of else WHOLE_LINE}
        lines = await self.read_page(QUICK_PAGE_SQL, texts, **span.parameters, limit=limit)
        if not with_copy_of and lines.may_have_copies:
            return await self.quick_page(span, size)
        if with_copy_of and lines.has_copies:
            return None
        whole = lines if len(lines) < limit else lines.without_last_time()
        if len(whole) < min(size, len(lines)):
            return None
        return whole.in_order(span.direction).with_ties(size)

    async def page(self, span: TimeRange, size: int, end: int | None) -> LogPage:
        """Return the first ``size`` lines of a range, and all that share the last one's timestamp.

        ``end``: an estimate of the last timestamp, from ``end``.
        """
        near = size
        while size and not span.is_empty:
            page = await self._page({"$within": WITHIN}, span.direction, size, **span.until(end).parameters)
            if end is None or len(page) >= size:
                return page
            near *= WIDER
            end = await self.end(span, near)
        return EMPTY_LOG_PAGE

    async def matching_page(self, span: TimeRange, size: int, found: Matches) -> LogPage:
        """Return a page of filtered lines. ``found``: the matches of the whole log."""
        near = size
        while size and not span.is_empty:
            first = found.within(span, near)
            if first is None:
                first = await self._next(span, near)
            page = await self._page_at(first, span.direction, size) if len(first) else EMPTY_LOG_PAGE
            if len(page) >= size or len(first) < near:
                return page
            near *= WIDER
        return EMPTY_LOG_PAGE

    async def matches(self) -> Matches:
        """Find filtered lines, as many as are counted, in no order: in order it takes twice as long."""
        keys = await self.store.read_table(fill(MATCHES_SQL, self.texts), self.parameters)
        return Matches(keys, keys.num_rows < MAX_UNSCROLLED_TOTAL)

    async def total(self) -> int:
        """Count the lines, up to MAX_UNSCROLLED_TOTAL."""
        return int((await self.read(TOTAL_SQL))[0]["n"])

    async def arrivals(self, page: LogPage) -> list[int]:
        """Return where each line of a page came: its ``seq``, unless it was parked and came again later."""
        if not len(page):
            return []
        where = entity_parameters(self.entity) | {"low": min(page.times), "high": max(page.times)}
        rows = await self.store.read(ARRIVALS_SQL, where)
        later = {row["seq"]: row["arrived"] for row in rows}
        return [later.get(seq, seq) for seq in page.columns["seq"]]

    async def untimed(self, size: int) -> LogPage:
        """Return the first lines without a timestamp, in write order."""
        return await self.read_page(UNTIMED_PAGE_SQL, size=size)

    async def _next(self, span: TimeRange, near: int) -> pa.ChunkedArray:
        """Return the timestamps of the first ``near`` copies of filtered lines in a range."""
        statement = fill(NEXT_SQL, {**self.texts, "$direction": span.direction})
        return (await self.store.read_table(statement, {**self.parameters, **span.parameters, "near": near}))[
            "timestamp"
        ]

    async def _page_at(self, timestamps: pa.ChunkedArray, direction: Direction, size: int) -> LogPage:
        bounds = pc.min_max(timestamps).as_py()
        texts, wanted = {"$within": WITHIN}, timestamps.unique().to_pylist()
        if len(wanted) <= AT_ONCE:  # so that only their granules are read
            texts = {"$within": f"{WITHIN} AND timestamp IN {{timestamps:Array(Int64)}}"}
        else:
            wanted = []
        return await self._page(texts, direction, size, low=bounds["min"], high=bounds["max"], timestamps=wanted)

    async def _page(self, texts: Mapping[str, str], direction: Direction, size: int, **parameters: Any) -> LogPage:
        page = await self.read_page(PAGE_SQL, {**texts, "$direction": direction}, **parameters, limit=size + MAX_TIES)
        return page.with_ties(size)
