"""A bounded cache of what is read elsewhere and may be some seconds old; concurrent readers of a key share one read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from schema.lru_cache import LruCache

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class TtlCache(Generic[Key, Value]):
    """Values by key, read by ``load`` when they are asked for and older than ``seconds``.

    At most ``capacity`` values are kept, in an LruCache of that ``name``. What ``load`` raises reaches every reader
    that waits for it and is not kept. For one event loop.
    """

    def __init__(self, name: str, load: Callable[[Key], Awaitable[Value]], seconds: float, capacity: int) -> None:
        self._load = load
        self._seconds = seconds
        self._values: LruCache[Key, tuple[float, Value]] = LruCache(name, capacity)
        self._reads: dict[Key, asyncio.Task[Value]] = {}

    async def get(self, key: Key) -> Value:
        """Return the value of a key. Raises what ``load`` raises."""
        if kept := self._values.get(key, _is_fresh):
            return kept[1]
        if (read := self._reads.get(key)) is None:
            read = self._reads[key] = asyncio.create_task(self._read(key, time.monotonic()))
            read.add_done_callback(_retrieve)  # nobody may be waiting any more
        return await asyncio.shield(read)

    def invalidate(self, key: Key) -> None:
        """Read the value of a key anew when it is asked for, also if a read is under way."""
        self._values.pop(key)
        self._reads.pop(key, None)

    def clear(self) -> None:
        """Invalidate all keys."""
        self._values.clear()
        self._reads.clear()

    async def _read(self, key: Key, started: float) -> Value:
        """Load and keep a value. Its age counts from before the read, so that none is older than ``seconds``."""
        current = asyncio.current_task()
        try:
            value = await self._load(key)
            if self._reads.get(key) is current:
                self._values.put(key, (started + self._seconds, value))
            return value
        finally:
            if self._reads.get(key) is current:
                del self._reads[key]


def _is_fresh(kept: tuple[float, object]) -> bool:
    return time.monotonic() < kept[0]


def _retrieve(read: asyncio.Task[Value]) -> None:
    """Take note of a failure, so that asyncio does not log it as one that nobody saw."""
    if not read.cancelled():
        read.exception()
