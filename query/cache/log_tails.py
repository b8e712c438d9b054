"""The newest lines of logs, cached: of logs that were read, and of logs that are new.

Only in the process that is the only one to write (``eventide up``), which adds what is written. If a line is written
again, or anything is deleted, the log is dropped, and read from the store again.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pyarrow as pa

from query.cache.cached_log_tail import CachedLogTail, page_of_tail
from query.cache.entity_index import EntityIndexCache
from query.pagination.log_page import LogPage
from query.pagination.paging import MAX_TIES, MAX_UNSCROLLED_TOTAL
from query.pagination.time_range import TimeRange
from schema.changefeed.change_batch import ChangeBatch, EntityKey
from schema.changefeed.changefeed import Changefeed
from schema.changefeed.log_tail import LOG_LINE_SCHEMA, LogTail
from schema.events.tables import LOG
from schema.lru_cache import LruCache

MAX_BYTES = 64 << 20  # of all of them
TAIL_SHARE = 8  # one takes no more than one in so many of them

PageAndTotal = tuple[LogPage, int]  # and how many lines the log has


class LogTailCache:
    """The tails of the logs that were read or written last, up to ``max_bytes``."""

    def __init__(self, entity_index: EntityIndexCache, changefeed: Changefeed, max_bytes: int = MAX_BYTES) -> None:
        self._entity_index = entity_index
        self._changefeed = changefeed
        self._tails: LruCache[EntityKey, CachedLogTail] = LruCache(
            "log_tails", max_bytes, lambda tail: tail.bytes, share=TAIL_SHARE
        )

    async def page(
        self, key: EntityKey, span: TimeRange, size: int, read: Callable[[], Awaitable[PageAndTotal]]
    ) -> PageAndTotal:
        """Return the first lines of a range of a log, as ``read`` finds them in the store."""
        if (tail := self._joined(key)) and (lines := page_of_tail(tail, span, size)) is not None:
            return LogPage(lines.to_pydict()), tail.total
        version = self._changefeed.version(key[1])
        page, total = await read()
        if span.is_newest and self._changefeed.version(key[1]) == version and len(page) < size + MAX_TIES:
            self._keep(key, page, total)
        return page, total

    def apply(self, batch: ChangeBatch) -> None:
        """Add new lines to cached tails, keep logs that had no lines before, drop invalidated ones."""
        for key in batch.invalidated:
            self._tails.pop(key)
        for number, logs in enumerate(batch.log_tails):
            for key in logs.keys() - batch.invalidated:
                if tail := logs[key]:
                    self._add(key, tail, is_first=self._is_first(key, batch, number))
                else:
                    self._tails.pop(key)

    def clear(self) -> None:
        """Invalidate everything."""
        self._tails.clear()

    def _add(self, key: EntityKey, new: LogTail, is_first: bool) -> None:
        if tail := self._tails.peek(key):
            tail.add(new)
            if tail.is_long or tail.bytes > self._tails.budget // self._tails.share:
                self._join(key, tail)
            else:
                self._tails.measure(key)
        elif is_first:
            self._tails.put(key, CachedLogTail(new))

    def _is_first(self, key: EntityKey, batch: ChangeBatch, number: int) -> bool:
        """Tell whether a log had no lines before the batch's insert of that number."""
        is_new = key in batch.created or not self._entity_index.had(key, LOG)
        return is_new and not any(key in logs for logs in batch.log_tails[:number])

    def _joined(self, key: EntityKey) -> LogTail | None:
        tail = self._tails.get(key)
        return self._join(key, tail) if tail else None

    def _join(self, key: EntityKey, tail: CachedLogTail) -> LogTail | None:
        """Join the lines of a tail, which may make it smaller; drop it if a line was written again."""
        joined = tail.joined()
        if joined is None:
            self._tails.pop(key)
        else:
            self._tails.measure(key)
        return joined

    def _keep(self, key: EntityKey, page: LogPage, total: int) -> None:
        """Keep a page of the newest lines, and how many there are."""
        rows = pa.table(page.columns, LOG_LINE_SCHEMA)
        if len(page) == total < MAX_UNSCROLLED_TOTAL:
            self._tails.put(key, CachedLogTail(LogTail(rows)))
        elif len(page):
            self._tails.put(key, CachedLogTail(LogTail(rows, page.times[-1], total - len(page))))
