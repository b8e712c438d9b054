"""The newest lines of logs, in memory: of those that were read, and of those that are new.

Only in the process that is the only one to write (``eventide up``), which adds what is written. If a line is written
again, or anything is deleted, the log is forgotten, and read from the store again.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable

import pyarrow as pa

from query.cache.cached_log_tail import CachedLogTail, page_of_tail
from query.cache.entity_index import EntityIndexCache
from query.pagination.log_page import LogPage
from query.pagination.paging import MAX_TIES, MAX_UNSCROLLED_TOTAL
from query.pagination.time_range import TimeRange
from schema.changefeed.changefeed import ChangeBatch, Changefeed, EntityKey
from schema.changefeed.log_tail import LOG_LINE_SCHEMA, LogTail
from schema.events.tables import LOG

MAX_BYTES = 64 << 20  # of all of them
TAIL_SHARE = 8  # one takes no more than one in so many of them

PageAndTotal = tuple[LogPage, int]  # and how many lines the log has


class LogTailCache:
    """``changefeed``: of a process that is the only one to write; nothing is remembered without."""

    def __init__(self, known: EntityIndexCache, changefeed: Changefeed | None, max_bytes: int = MAX_BYTES) -> None:
        self._known = known
        self._changefeed = changefeed
        self._tails: OrderedDict[EntityKey, CachedLogTail] = OrderedDict()
        self._bytes = 0
        self._max_bytes = max_bytes
        if changefeed:
            changefeed.listen(self)

    async def page(
        self, key: EntityKey, span: TimeRange, size: int, read: Callable[[], Awaitable[PageAndTotal]]
    ) -> PageAndTotal:
        """The first lines of a span of a log, as ``read`` finds them in the store."""
        if self._changefeed is None:
            return await read()
        if (newest := self._newest(key)) and (held := page_of_tail(newest, span, size)) is not None:
            return LogPage(held.to_pydict()), newest.total
        count = self._changefeed.of(key[1])
        found, total = await read()
        if span.is_newest and self._changefeed.of(key[1]) == count and len(found) < size + MAX_TIES:
            self._keep(key, found, total)
        return found, total

    def apply_changes(self, batch: ChangeBatch) -> None:
        """Logs that are held go on; those that had no lines before are held."""
        for key in batch.invalidated:
            self._forget(key)
        for number, logs in enumerate(batch.lines):
            for key in logs.keys() - batch.invalidated:
                if newest := logs[key]:
                    self._add(key, newest, is_first=self._is_first(key, batch, number))
                else:
                    self._forget(key)

    def forget(self) -> None:
        """Everything."""
        self._tails.clear()
        self._bytes = 0

    def _add(self, key: EntityKey, newest: LogTail, is_first: bool) -> None:
        if tail := self._tails.get(key):
            self._bytes -= tail.bytes
            tail.add(newest)
            self._bytes += tail.bytes
            if tail.is_long or self._is_too_much(tail):
                self._newest(key)
            self._limit()
        elif is_first:
            self._hold(key, newest)

    def _is_first(self, key: EntityKey, batch: ChangeBatch, number: int) -> bool:
        """Whether a log had no lines before these news' table of that number; ``known`` hears of them later."""
        is_new = key in batch.created or not self._known.had(key, LOG)
        return is_new and not any(key in logs for logs in batch.lines[:number])

    def _newest(self, key: EntityKey) -> LogTail | None:
        if (tail := self._tails.get(key)) is None:
            return None
        self._tails.move_to_end(key)
        self._bytes -= tail.bytes
        newest = tail.newest()
        self._bytes += tail.bytes
        if newest is None or self._is_too_much(tail):
            self._forget(key)
        return newest

    def _keep(self, key: EntityKey, newest: LogPage, total: int) -> None:
        """A page of the newest lines, and how many there are."""
        rows = pa.table(newest.columns, LOG_LINE_SCHEMA)
        if len(newest) == total < MAX_UNSCROLLED_TOTAL:
            self._hold(key, LogTail(rows))
        elif len(newest):
            self._hold(key, LogTail(rows, newest.times[-1], total - len(newest)))

    def _hold(self, key: EntityKey, newest: LogTail) -> None:
        self._forget(key)
        tail = CachedLogTail(newest)
        if not self._is_too_much(tail):
            self._tails[key] = tail
            self._bytes += tail.bytes
            self._limit()

    def _is_too_much(self, tail: CachedLogTail) -> bool:
        return tail.bytes > self._max_bytes // TAIL_SHARE

    def _limit(self) -> None:
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._tails)))

    def _forget(self, key: EntityKey) -> None:
        if tail := self._tails.pop(key, None):
            self._bytes -= tail.bytes
