"""The number of records that are parked on the DLQ, for a metric of gateways.

Nothing is ever removed from the topic: a replay adds a record that names the one it replayed. So each gateway reads
what was added, and counts.
"""

from __future__ import annotations

import asyncio
import logging

from ingest.kafka.brokers import Brokers
from ingest.kafka.dlq_replay import REPLAYED, dlq_records
from ingest.kafka.lag import LagReader
from ingest.kafka.topic_names import dlq_topic
from schema.errors import Unavailable
from schema.metrics import PARKED_NOW

MEASURE_SECONDS = 15.0
logger = logging.getLogger("eventide.dlq")


class DlqDepth:
    """Counts every MEASURE_SECONDS; the metric is NaN while Kafka is away."""

    def __init__(self, brokers: Brokers, events_topic: str) -> None:
        self._brokers = brokers
        self._events_topic = events_topic
        self._reader = LagReader(brokers, dlq_topic(events_topic))
        self._next = 0  # offset up to which records were read
        self._parked: set[int] = set()
        PARKED_NOW.set(float("nan"))
        self._task = asyncio.create_task(self._run())

    async def check_alive(self) -> None:
        """Raise Unavailable if the task that counts has ended, which is a defect."""
        if self._task.done():
            raise Unavailable("Records on the DLQ are not counted any more")

    async def close(self) -> None:
        """Stop counting and disconnect."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await self._reader.close()

    async def _run(self) -> None:
        while True:
            try:
                await self._measure()
                PARKED_NOW.set(len(self._parked))
            except Unavailable as error:
                logger.warning("it is not known how many records are on the DLQ: %s", error)
                PARKED_NOW.set(float("nan"))
            await asyncio.sleep(MEASURE_SECONDS)

    async def _measure(self) -> None:
        """Read what was added. Raises Unavailable."""
        (lag,) = await self._reader.behind({0: self._next})
        if lag.end < self._next:  # the topic was made anew
            self._next, self._parked = 0, set()
        if lag.end == self._next:
            return
        async for offset, headers, _ in dlq_records(self._brokers, self._events_topic, self._next):
            if REPLAYED in headers:
                self._parked.discard(int(headers[REPLAYED]))
            else:
                self._parked.add(offset)
            self._next = offset + 1
