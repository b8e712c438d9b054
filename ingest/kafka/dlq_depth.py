"""The number of records that are parked on the DLQ, for a metric of gateways.

Nothing is ever removed from the topic: a replay adds a record that names the one it replayed. So each gateway reads
what was added, and counts.
"""

from __future__ import annotations

import logging

from ingest.kafka.brokers import Brokers
from ingest.kafka.dlq_replay import REPLAYED, dlq_records
from ingest.kafka.lag import LagReader
from ingest.kafka.measurement import Measurement
from ingest.kafka.topic_names import dlq_topic
from schema.metrics import PARKED_NOW


class DlqDepth(Measurement):
    """A count of what is parked; the metric is NaN while Kafka is away."""

    seconds = 15.0
    what = "how many records are on the DLQ"
    logger = logging.getLogger("eventide.dlq")

    def __init__(self, brokers: Brokers, events_topic: str) -> None:
        self._brokers = brokers
        self._events_topic = events_topic
        self._next = 0  # offset up to which records were read
        self._parked: set[int] = set()
        self.forget()
        super().__init__(LagReader(brokers, dlq_topic(events_topic)))

    async def measure(self) -> None:
        """Read what was added, and count. Raises Unavailable."""
        await self._read_new()
        PARKED_NOW.set(len(self._parked))

    def forget(self) -> None:
        """Have the metric say that nothing is known."""
        PARKED_NOW.set(float("nan"))

    async def _read_new(self) -> None:
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
