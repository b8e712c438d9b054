"""Responses, and rows of statements, about entities that were not written since: what dashboards ask again and again.

Only in a process that is the only one to write (``eventide up``): its changefeed tells of a write before the writer is
answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from schema.api.requests import Request
from schema.api.wire import Answer, Reply
from schema.changefeed.changefeed import Changefeed
from schema.events.rows import Row
from schema.json_encoding import encode
from schema.lru_cache import LruCache
from schema.registry import Entity
from schema.store import Store, rows_of

MAX_BYTES = 64 << 20  # of all of them, with their questions
SHARE = 2  # one takes no more than one in so many of them

ResponseKey = tuple[Any, ...]
Versions = tuple[int, ...]


@dataclass(frozen=True)
class CachedResponse:
    """JSON, the versions of its entities before it was read, and the bytes that it takes with its question."""

    versions: Versions
    body: bytes
    size: int


class ResponseCache:
    """The responses that were used last, up to ``max_bytes``."""

    def __init__(self, store: Store, changefeed: Changefeed, max_bytes: int = MAX_BYTES) -> None:
        self._store = store
        self._changefeed = changefeed
        self._responses: LruCache[ResponseKey, CachedResponse] = LruCache(
            "responses", max_bytes, lambda response: response.size, share=SHARE
        )

    async def answer(
        self, request: Request, entities: Sequence[Entity], read: Callable[[], Awaitable[Answer]]
    ) -> Reply:
        """Return what ``read`` answered to the same request before, if none of ``entities`` was written since."""
        if not self._changefeed.is_live:
            return Reply(await read())
        versions = tuple(self._changefeed.version(entity.id) for entity in entities)
        key = (request.model_dump_json(), type(request), *entities)
        if (body := self._get(key, versions)) is None:
            body = self._put(key, versions, await encode(await read()))
        return Reply(raw_data=body)

    async def rows(
        self, sql: str, parameters: Mapping[str, Any], entities: Iterable[Entity], event_type: str
    ) -> list[Row]:
        """Return the rows of a statement that depend on events of one type of ``entities``, and on nothing else.

        They are as they were before, if no such event was written since, and nothing deleted.
        """
        if not self._changefeed.is_live:
            return await self._store.read(sql, parameters)
        versions = tuple(self._changefeed.version(entity.id, event_type) for entity in entities)
        key = (repr(parameters), sql)
        if (body := self._get(key, versions)) is None:
            body = self._put(key, versions, await self._store.read_json(sql, parameters))
        return rows_of(body)

    def _get(self, key: ResponseKey, versions: Versions) -> bytes | None:
        found = self._responses.get(key, lambda response: response.versions == versions)
        return found.body if found else None

    def _put(self, key: ResponseKey, versions: Versions, body: bytes) -> bytes:
        self._responses.put(key, CachedResponse(versions, body, len(body) + len(key[0])))
        return body
