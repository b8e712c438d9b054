"""How far a worker has come: which offset may come next, what is written, what is committed.

What is known here of a partition is that everything below its offset is stored. It starts from what the group has
committed (of which the same is known) or from where the topic begins, and grows by records that follow without a hole.
So no commit can pass a record that nobody wrote, whatever the consumer does at a rebalance. Knows nothing of Faust.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from ingest.kafka.lag import LagReader
from schema.errors import EventsError, Unavailable
from schema.metrics import EXPIRED_RECORDS, HOLES

TRIES, TRY_SECONDS = 10, 1.0
Commit = Callable[[dict[int, int]], Awaitable[bool]]
logger = logging.getLogger("eventide.worker")


class OffsetGap(EventsError):
    """Records were skipped that nobody wrote: leave before anything behind them is committed."""


class Numbered(Protocol):
    """A Kafka message."""

    partition: int
    offset: int


class OffsetTracker:
    """Of one worker, over all partitions that it ever had."""

    def __init__(self, group: str, reader: LagReader, commit: Commit) -> None:
        self._group = group
        self._reader = reader
        self._commit = commit
        self._next: dict[int, int] = {}  # may come next, once what came before is written
        self._written: dict[int, int] = {}
        self._committed: dict[int, int] = {}  # of the partitions that are assigned; 0: nothing

    async def check(self, messages: Iterable[Numbered]) -> None:
        """Before these are written. Raises Hole, or Unavailable if that cannot be found out."""
        for message in messages:
            expected = self._next.get(message.partition, 0)
            if message.offset > expected and message.offset > await self._floor(message):
                HOLES.inc()
                raise OffsetGap(f"Partition {message.partition}: got {message.offset}, next is {expected}")
            self._next[message.partition] = max(expected, message.offset + 1)

    def written(self, messages: Iterable[Numbered]) -> None:
        """These are stored, and so is all that was checked before them."""
        for message in messages:
            self._written[message.partition] = max(self._written.get(message.partition, 0), message.offset + 1)

    async def assign(self, partitions: Iterable[int]) -> dict[int, int | None]:
        """These are ours now; what the group has committed of each."""
        numbers = sorted(partitions)
        logger.info("assigned partitions %s", numbers)
        known = await self._known() if numbers else {}
        self._committed = {partition: known.get(partition, 0) for partition in numbers}
        return {partition: known.get(partition) for partition in numbers}

    async def revoke(self, partitions: Iterable[int]) -> None:
        """These are another worker's next: it need not write again what is written."""
        await self.commit()
        for partition in partitions:
            self._committed.pop(partition, None)

    async def commit(self) -> None:
        """Commit what is written, of the partitions that are ours. Whatever fails comes again."""
        due = {p: self._written[p] for p, known in self._committed.items() if self._written.get(p, 0) > known}
        if not due:
            return
        try:
            if await self._commit(due):
                self._committed |= {p: offset for p, offset in due.items() if p in self._committed}
        except Exception as error:  # of the consumer's thread, whatever it is: nothing is lost by not committing
            logger.warning("offsets are not committed: %r", error)

    def positions(self) -> dict[int, int]:
        """The next offset of each partition that is ours."""
        return {p: max(known, self._written.get(p, 0)) for p, known in self._committed.items()}

    async def _floor(self, message: Numbered) -> int:
        """Where another worker, or retention, left off: asked once for each newly assigned partition."""
        committed = (await self._known()).get(message.partition)
        if committed is not None and message.offset <= committed:
            return committed
        (lag,) = await self._reader.behind({message.partition: message.offset})
        if committed is not None and committed < lag.begin:
            EXPIRED_RECORDS.inc(lag.begin - committed)
            logger.error("partition %d: retention removed %d..%d unwritten", lag.partition, committed, lag.begin - 1)
        return lag.begin

    async def _known(self) -> dict[int, int]:
        """What the group has committed. A coordinator that moves is away for a moment."""
        for _ in range(TRIES):
            try:
                return await self._reader.committed(self._group)
            except Unavailable as error:
                logger.warning("committed offsets are not known yet: %s", error)
            await asyncio.sleep(TRY_SECONDS)
        return await self._reader.committed(self._group)
