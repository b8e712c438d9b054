"""Logs that are known to have as many lines as are ever counted: to count them takes as long as to read a page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from query.pagination.paging import MAX_UNSCROLLED_TOTAL
from query.sql.tombstone_filter import TombstoneFilter
from schema.registry import Entity

MAX_LOGS = 10_000  # logs


class LogCountCache:
    """What is remembered stays true in any process: as long as nothing is deleted, lines only become more."""

    def __init__(self) -> None:
        self._long: set[tuple[str, str, str]] = set()

    async def of(self, entity: Entity, alive: TombstoneFilter, count: Callable[[], Awaitable[int]]) -> int:
        """The lines of an entity after those deletions; MAX_UNSCROLLED_TOTAL at most."""
        log = entity.storage_company, entity.id, repr(alive.parameters)
        if log in self._long:
            return MAX_UNSCROLLED_TOTAL
        total = await count()
        if total >= MAX_UNSCROLLED_TOTAL:
            self._remember(log)
        return total

    def _remember(self, log: tuple[str, str, str]) -> None:
        if len(self._long) >= MAX_LOGS:
            self._long.clear()
        self._long.add(log)
