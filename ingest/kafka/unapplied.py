"""Records on the events topic that no worker has applied yet: how many, and since when.

Workers report the lag of the partitions that they have; with no worker there is nobody to report it. So each gateway
measures it from the applied offsets that it follows anyway: while writes are answered 200 and nothing becomes readable,
its metrics and ``/readyz`` say so.
"""

from __future__ import annotations

import asyncio
import logging

from ingest.kafka.applied_offsets import AppliedOffsets
from ingest.kafka.lag import LagReader
from ingest.kafka.topic_lease import TopicLease
from schema.errors import Unavailable
from schema.metrics import UNAPPLIED_RECORDS, UNAPPLIED_SECONDS

MEASURE_SECONDS = 5.0
logger = logging.getLogger("eventide.unapplied")


class UnappliedRecords:
    """Measures every MEASURE_SECONDS; ``seconds`` and ``records`` are as of then, None while they are not known."""

    def __init__(self, reader: LagReader, applied: AppliedOffsets, current: TopicLease) -> None:
        self._reader = reader
        self._applied = applied
        self._current = current
        self.seconds: float | None = None  # age of the oldest, by the broker's clock
        self.records: int | None = None
        self._task = asyncio.create_task(self._run())

    def detail(self) -> str:
        """Return one line for ``/readyz``."""
        if self.records is None or self.seconds is None:
            return "not known"
        if not self.records:
            return "none"
        return f"{self.records} records, the oldest {self.seconds:.0f} s old"

    async def check_alive(self) -> None:
        """Raise Unavailable if the task that measures has ended, which is a defect."""
        if self._task.done():
            raise Unavailable("Unapplied records are not measured any more")

    async def close(self) -> None:
        """Stop measuring and disconnect."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._reader.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._measure()
            except Unavailable as error:
                logger.warning("it is not known which records are applied: %s", error)
                self._set(None, None)
            await asyncio.sleep(MEASURE_SECONDS)

    async def _measure(self) -> None:
        """Measure. Raises Unavailable if Kafka is away, or the applied offsets are not known yet."""
        await self._applied.check()
        partitions = range(self._current.get().partitions)
        lags = await self._reader.behind({partition: self._applied.next_offset(partition) for partition in partitions})
        self._set(sum(lag.records for lag in lags), max((lag.seconds for lag in lags), default=0.0))

    def _set(self, records: int | None, seconds: float | None) -> None:
        self.records, self.seconds = records, seconds
        UNAPPLIED_RECORDS.set(float("nan") if records is None else records)
        UNAPPLIED_SECONDS.set(float("nan") if seconds is None else seconds)
