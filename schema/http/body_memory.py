"""The memory that request bodies take: bounded for the process, for one caller and for one address."""

from __future__ import annotations

from collections.abc import Hashable
from types import TracebackType
from typing import Self

from schema.errors import Unavailable
from schema.metrics import BODY_BYTES, BODY_LIMIT

PROCESS = "process"
SHARE = 2  # a caller, and an address, have this part of the whole at most


class BodyMemory:
    """The bytes of bodies that were received and whose requests are not answered yet."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._taken: dict[Hashable, int] = {}
        BODY_LIMIT.set(limit_bytes)
        BODY_BYTES.set_function(lambda: self._taken.get(PROCESS, 0))

    def reserve(self, caller: Hashable, address: str) -> Reservation:
        """Return a reservation of nothing yet. ``address``: of the client, empty where a proxy hides it."""
        return Reservation(self, (PROCESS, caller, address) if address else (PROCESS, caller))

    def take(self, holder: Hashable, size_bytes: int, own_bytes: int) -> None:
        """Count bytes for a holder. Raises Unavailable beyond its limit; a body alone always fits.

        ``own_bytes``: what the same body has taken before.
        """
        taken = self._taken.get(holder, 0)
        limit = self._limit_bytes if holder is PROCESS else self._limit_bytes // SHARE
        if taken > own_bytes and taken + size_bytes > limit:
            raise Unavailable("Too many requests at once")
        self._taken[holder] = taken + size_bytes

    def give_back(self, holder: Hashable, size_bytes: int) -> None:
        """Release bytes of a holder."""
        left = self._taken[holder] - size_bytes
        if left:
            self._taken[holder] = left
        else:
            del self._taken[holder]


class Reservation:
    """The bytes of one body, released at the end of the ``with`` block."""

    __slots__ = ("_holders", "_memory", "_sizes")

    def __init__(self, memory: BodyMemory, holders: tuple[Hashable, ...]) -> None:
        self._memory, self._holders = memory, holders
        self._sizes = [0] * len(holders)

    def add(self, size_bytes: int) -> None:
        """Count bytes that were received.

        Raises Unavailable if the process, the caller or the address has too many.
        """
        for place, holder in enumerate(self._holders):
            self._memory.take(holder, size_bytes, self._sizes[place])
            self._sizes[place] += size_bytes

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for holder, size in zip(self._holders, self._sizes, strict=True):
            if size:
                self._memory.give_back(holder, size)
