"""Records on the events topic that no worker has applied yet: how many, and since when.

Workers report the lag of the partitions that they have; with no worker there is nobody to report it. So each gateway
measures it from the applied offsets that it follows anyway: while writes are answered 200 and nothing becomes readable,
its metrics and ``/readyz`` say so.
"""

from __future__ import annotations

import logging

from ingest.kafka.applied_offsets import AppliedOffsets
from ingest.kafka.lag import LagReader
from ingest.kafka.measurement import Measurement
from ingest.kafka.topic_lease import TopicLease
from schema.metrics import UNAPPLIED_RECORDS, UNAPPLIED_SECONDS


class UnappliedRecords(Measurement):
    """The ``age`` of the oldest record (s) and the number of ``records`` when last measured; None: not known."""

    seconds = 5.0
    what = "which records are applied"
    logger = logging.getLogger("eventide.unapplied")

    def __init__(self, reader: LagReader, applied: AppliedOffsets, current: TopicLease) -> None:
        self._applied = applied
        self._current = current
        self.age: float | None = None  # by the broker's clock
        self.records: int | None = None
        super().__init__(reader)

    def detail(self) -> str:
        """Return one line for ``/readyz``."""
        if self.records is None or self.age is None:
            return "not known"
        if not self.records:
            return "none"
        return f"{self.records} records, the oldest {self.age:.0f} s old"

    async def measure(self) -> None:
        """Measure. Raises Unavailable if Kafka is away, or the applied offsets are not known yet."""
        await self._applied.check()
        partitions = range(self._current.get().partitions)
        lags = await self._reader.behind({partition: self._applied.next_offset(partition) for partition in partitions})
        self._set(sum(lag.records for lag in lags), max((lag.seconds for lag in lags), default=0.0))

    def forget(self) -> None:
        """Have the metrics say that nothing is known."""
        self._set(None, None)

    def _set(self, records: int | None, age: float | None) -> None:
        self.records, self.age = records, age
        UNAPPLIED_RECORDS.set(float("nan") if records is None else records)
        UNAPPLIED_SECONDS.set(float("nan") if age is None else age)
