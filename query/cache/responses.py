"""Answers, and rows of statements, about entities that were not written since: what dashboards ask again and again.

Only in a process that is the only one to write (``eventide up``): there ``Changefeed`` tells, before a writer is
answered.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schema.api.requests import Request
from schema.api.wire import Answer, Reply, to_json
from schema.changefeed.changefeed import Changefeed
from schema.events.rows import Row
from schema.registry import Entity
from schema.store import Store, rows_of

MAX_BYTES = 64 << 20  # of all of them, with what was asked
SHARE = 2  # one takes no more than one in so many of them

ResponseKey = tuple[Any, ...]
Versions = tuple[int, ...]


@dataclass(frozen=True)
class CachedResponse:
    """JSON, how often its entities had been written before it was read, and what it takes in all."""

    counts: Versions
    body: bytes
    bytes: int


class ResponseCache:
    """What was used last, up to ``max_bytes``; nothing at all without ``changefeed``."""

    def __init__(self, store: Store, changefeed: Changefeed | None, max_bytes: int = MAX_BYTES) -> None:
        self._store = store
        self._changefeed = changefeed
        self._max_bytes = max_bytes
        self._bytes = 0
        self._remembered: OrderedDict[ResponseKey, CachedResponse] = OrderedDict()

    async def answer(
        self, request: Request, entities: Sequence[Entity], read: Callable[[], Awaitable[Answer]]
    ) -> Reply:
        """The answer to a request about ``entities``: what ``read`` gave before, if none was written since."""
        if self._changefeed is None:
            return Reply(await read())
        counts = tuple(self._changefeed.of(entity.id) for entity in entities)
        key = (request.model_dump_json(), type(request), *entities)
        if (body := self._known(key, counts)) is None:
            body = self._remember(key, counts, to_json(await read()))
        return Reply(raw_data=body)

    async def rows(
        self, sql: str, parameters: Mapping[str, Any], entities: Iterable[Entity], event_type: str
    ) -> list[Row]:
        """The rows of a statement that depend on events of one type of ``entities``, and on nothing else.

        As they were before, if no such event was written since, and nothing deleted.
        """
        if self._changefeed is None:
            return await self._store.read(sql, parameters)
        counts = tuple(self._changefeed.of(entity.id, event_type) for entity in entities)
        key = (repr(parameters), sql)
        if (body := self._known(key, counts)) is None:
            body = self._remember(key, counts, await self._store.read_json(sql, parameters))
        return rows_of(body)

    def _known(self, key: ResponseKey, counts: Versions) -> bytes | None:
        known = self._remembered.get(key)
        if known is None or known.counts != counts:
            return None
        self._remembered.move_to_end(key)
        return known.body

    def _remember(self, key: ResponseKey, counts: Versions, body: bytes) -> bytes:
        if before := self._remembered.pop(key, None):
            self._bytes -= before.bytes
        size = len(body) + len(key[0])
        if size <= self._max_bytes // SHARE:
            self._remembered[key] = CachedResponse(counts, body, size)
            self._bytes += size
        while self._bytes > self._max_bytes:
            self._bytes -= self._remembered.popitem(last=False)[1].bytes
        return body
