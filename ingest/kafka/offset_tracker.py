"""Offsets of a worker: which may come next, what is written, what is committed.

Everything below a partition's tracked offset is stored. The offset starts from what the group has committed, or from
where the topic begins, and grows by records that follow without a gap. So no commit can pass a record that nobody
wrote, whatever the consumer does at a rebalance. Knows nothing of Faust.
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
    """Records were skipped that nobody wrote: the process must end before anything behind them is committed."""


class Numbered(Protocol):
    """A Kafka message, as far as its place."""

    partition: int
    offset: int


class OffsetTracker:
    """The offsets of one worker, over all partitions that it ever had."""

    def __init__(self, group: str, reader: LagReader, commit: Commit) -> None:
        self._group = group
        self._reader = reader
        self._commit = commit
        self._next: dict[int, int] = {}  # may come next, once what came before is written
        self._written: dict[int, int] = {}
        self._committed: dict[int, int] = {}  # of the partitions that are assigned; 0: nothing

    async def check(self, messages: Iterable[Numbered]) -> None:
        """Check that messages that are about to be written follow without a gap.

        Raises OffsetGap, or Unavailable if that cannot be found out.
        """
        for message in messages:
            expected = self._next.get(message.partition, 0)
            if message.offset > expected and message.offset > await self._floor(message):
                HOLES.inc()
                raise OffsetGap(f"Partition {message.partition}: got {message.offset}, next is {expected}")
            self._next[message.partition] = max(expected, message.offset + 1)

    def written(self, messages: Iterable[Numbered]) -> None:
        """Record that these messages, and all that were checked before them, are stored."""
        for message in messages:
            self._written[message.partition] = max(self._written.get(message.partition, 0), message.offset + 1)

    async def assign(self, partitions: Iterable[int]) -> dict[int, int | None]:
        """Take over partitions; return the group's committed offset of each."""
        numbers = sorted(partitions)
        logger.info("assigned partitions %s", numbers)
        known = await self._known() if numbers else {}
        self._committed = {partition: known.get(partition, 0) for partition in numbers}
        return {partition: known.get(partition) for partition in numbers}

    async def revoke(self, partitions: Iterable[int]) -> None:
        """Give up partitions, committing first so that the next worker need not write the same again."""
        await self.commit()
        for partition in partitions:
            self._committed.pop(partition, None)

    async def commit(self) -> None:
        """Commit what is written of our partitions. Whatever fails is committed later."""
        due = {p: self._written[p] for p, known in self._committed.items() if self._written.get(p, 0) > known}
        if not due:
            return
        try:
            if await self._commit(due):
                self._committed |= {p: offset for p, offset in due.items() if p in self._committed}
        except Exception as error:  # any error of the consumer's thread: nothing is lost by not committing
            logger.warning("offsets are not committed: %r", error)

    def positions(self) -> dict[int, int]:
        """Return the next offset of each of our partitions."""
        return {p: max(known, self._written.get(p, 0)) for p, known in self._committed.items()}

    async def _floor(self, message: Numbered) -> int:
        """Return where another worker, or retention, left off: asked once for each newly assigned partition."""
        committed = (await self._known()).get(message.partition)
        if committed is not None and message.offset <= committed:
            return committed
        (lag,) = await self._reader.behind({message.partition: message.offset})
        if committed is not None and committed < lag.begin:
            EXPIRED_RECORDS.inc(lag.begin - committed)
            logger.error("partition %d: retention removed %d..%d unwritten", lag.partition, committed, lag.begin - 1)
        return lag.begin

    async def _known(self) -> dict[int, int]:
        """Return the group's committed offsets; retries, as a coordinator that moves is away for a moment."""
        for _ in range(TRIES):
            try:
                return await self._reader.committed(self._group)
            except Unavailable as error:
                logger.warning("committed offsets are not known yet: %s", error)
            await asyncio.sleep(TRY_SECONDS)
        return await self._reader.committed(self._group)
