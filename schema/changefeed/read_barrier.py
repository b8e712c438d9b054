"""The barrier that makes reads see acknowledged writes: a read waits for what is on its way to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable


class ReadBarrier:
    """Offsets of acknowledged writes that cannot be read yet, and the reads that wait for them."""

    def __init__(self) -> None:
        self._offsets: dict[str, int] = {}  # of each entity's newest write that cannot be read, ascending
        self._waiting: list[tuple[int, asyncio.Future[bool]]] = []
        self._is_failing = False
        self.wanted = asyncio.Event()  # set when a read begins to wait

    @property
    def is_awaited(self) -> bool:
        """Whether a read waits."""
        return bool(self._waiting)

    def raise_for(self, offset: int, ids: Iterable[str]) -> None:
        """Let reads of these entities wait for ``offset``, which is never lower than before."""
        self._offsets |= dict.fromkeys(ids, offset)

    def release(self, offset: int) -> None:
        """Let reads go on that wait for writes up to ``offset``."""
        self._offsets = {entity_id: newest for entity_id, newest in self._offsets.items() if newest > offset}
        self._is_failing = False
        self._wake(offset)

    def fail(self) -> None:
        """Let all reads go on without what they wait for, until something can be written again."""
        self._is_failing = True
        self._wake(max(self._offsets.values(), default=0))

    async def wait(self, ids: Iterable[str]) -> bool:
        """Return once all that was acknowledged of these entities can be read; False if it cannot be for now."""
        offset = max((self._offsets.get(entity_id, 0) for entity_id in ids), default=0) if self._offsets else 0
        if not offset:
            return True
        if self._is_failing:
            return False
        waiting: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((offset, waiting))
        self.wanted.set()
        return await waiting

    def _wake(self, offset: int) -> None:
        woken = [waiting for awaited, waiting in self._waiting if awaited <= offset]
        self._waiting = [(awaited, waiting) for awaited, waiting in self._waiting if awaited > offset]
        for waiting in woken:
            if not waiting.done():
                waiting.set_result(not self._is_failing)
