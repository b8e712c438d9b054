"""The one bounded cache of Eventide: evicts what was used longest ago, and counts hits, misses and evictions."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakSet

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")

caches_hit: ContextVar[set[str] | None] = ContextVar("caches_hit", default=None)  # by the request under way


@dataclass
class CacheCounts:
    """Hits, misses and evictions of all caches of one name, since the process started."""

    hits: int = 0
    misses: int = 0
    evictions: int = 0


counts_by_cache: dict[str, CacheCounts] = {}
caches: WeakSet[LruCache[Any, Any]] = WeakSet()  # those that are in use, for the metrics of their sizes


class LruCache(Generic[Key, Value]):
    """Values up to a ``budget``: the sum of their sizes, as ``size_of`` tells them (each 1 by default).

    A value larger than ``budget / share`` is not kept. ``name`` labels the metrics and the header that tells which
    caches an answer came from; caches of one name are counted together. ``on_evict`` is called with each key that
    leaves because the budget is spent. Not safe for use by several threads.
    """

    def __init__(
        self,
        name: str,
        budget: int,
        size_of: Callable[[Value], int] = lambda _: 1,
        *,
        share: int = 1,
        on_evict: Callable[[Key], None] = lambda _: None,
    ) -> None:
        self.budget, self.share = budget, share
        self.name = name
        self._size_of = size_of
        self._on_evict = on_evict
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._counts = counts_by_cache.setdefault(name, CacheCounts())
        self.size = 0
        caches.add(self)

    def get(self, key: Key, is_valid: Callable[[Value], bool] = lambda _: True) -> Value | None:
        """Return the value of a key, now the one used last; None if there is none, or ``is_valid`` denies it."""
        entry = self._entries.get(key)
        if entry is None or not is_valid(entry[0]):
            self._counts.misses += 1
            return None
        self._counts.hits += 1
        if (hit := caches_hit.get()) is not None:
            hit.add(self.name)
        self._entries.move_to_end(key)
        return entry[0]

    def peek(self, key: Key) -> Value | None:
        """Return the value of a key without a trace: neither counted nor used."""
        entry = self._entries.get(key)
        return entry[0] if entry else None

    def put(self, key: Key, value: Value) -> None:
        """Keep a value in place of the one before; evict others until all fit."""
        self.pop(key)
        self._entries[key] = value, 0
        self.measure(key)

    def measure(self, key: Key) -> None:
        """Take the size of a value that may have grown; evict it if it is too large, or others until all fit."""
        value, before = self._entries[key]
        size = self._size_of(value)
        self._entries[key] = value, size
        self.size += size - before
        if size > self.budget // self.share:
            self._evict(key)
        while self.size > self.budget:
            self._evict(next(iter(self._entries)))

    def pop(self, key: Key) -> Value | None:
        """Remove a key, and return its value if there was one; not counted as an eviction."""
        value, size = self._entries.pop(key, (None, 0))
        self.size -= size
        return value

    def clear(self) -> None:
        """Remove everything."""
        self._entries.clear()
        self.size = 0

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Key]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _evict(self, key: Any) -> None:
        self.pop(key)
        self._counts.evictions += 1
        self._on_evict(key)
