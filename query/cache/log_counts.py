"""Logs that have as many lines as are ever counted: to count them takes as long as to read a page.

True in any process: as long as nothing is deleted, lines only become more.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from query.pagination.paging import MAX_UNSCROLLED_TOTAL
from query.sql.tombstone_filter import TombstoneFilter
from schema.lru_cache import LruCache
from schema.registry import Entity

MAX_LOGS = 10_000


class LogCountCache:
    """Logs that were found to have MAX_UNSCROLLED_TOTAL lines, each by its entity and what was deleted of it."""

    def __init__(self) -> None:
        self._long: LruCache[tuple[str, str, str], bool] = LruCache("log_counts", MAX_LOGS)

    async def count(self, entity: Entity, alive: TombstoneFilter, count: Callable[[], Awaitable[int]]) -> int:
        """Return the number of an entity's lines that are not deleted; MAX_UNSCROLLED_TOTAL at most."""
        log = entity.storage_company, entity.id, repr(alive.parameters)
        if self._long.get(log):
            return MAX_UNSCROLLED_TOTAL
        total = await count()
        if total >= MAX_UNSCROLLED_TOTAL:
            self._long.put(log, True)
        return total
