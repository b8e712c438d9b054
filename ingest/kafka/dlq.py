"""The dead-letter topic: records that can never be written go there with reason and origin, and are then committed."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.kafka.producer import Message, Producer
from ingest.kafka.topic_names import dlq_topic
from schema.errors import EventsError, Unavailable
from schema.events.blocks import Place
from schema.metrics import PARKED

RETRY_SECONDS = 0.5
RATIO_FROM_RECORDS = 1000
logger = logging.getLogger("eventide.dlq")


class DlqLimitExceeded(EventsError):
    """So many records were parked that the cause cannot be single records: a person must look."""


@dataclass
class DlqLimit:
    """The number and share of parked records at which the worker stops rather than drain the topic."""

    max_run: int = 100  # parked records in a row
    max_ratio: float = 0.1  # of all records, once there are RATIO_FROM_RECORDS
    _run: int = field(default=0, init=False)
    _parked: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)

    def written(self, records: int) -> None:
        """Count records that were written."""
        if records:
            self._run = 0
        self._total += records

    def parked(self) -> None:
        """Count one that is about to be parked. Raises DlqLimitExceeded."""
        self._run, self._parked, self._total = self._run + 1, self._parked + 1, self._total + 1
        if self._run > self.max_run:
            raise DlqLimitExceeded(f"{self._run} records in a row cannot be written")
        if self._total >= RATIO_FROM_RECORDS and self._parked > self.max_ratio * self._total:
            raise DlqLimitExceeded(f"{self._parked} of {self._total} records cannot be written")


class Dlq:
    """The DLQ of one events topic.

    A record on it has its original headers and value, and ``dlq_topic``, ``dlq_partition``, ``dlq_offset``, ``dlq_row``
    (of a single row of a block), ``dlq_reason`` and ``dlq_parked_at`` (ms).
    """

    def __init__(self, producer: Producer, events_topic: str, limit: DlqLimit, stopping: threading.Event) -> None:
        self._producer = producer
        self._events_topic = events_topic
        self.limit = limit
        self._stopping = stopping
        self._parked: set[tuple[int, int, int]] = set()  # of the batch at hand, which may be tried again
        self.blocked = ""

    def begin_batch(self) -> None:
        """Start another batch: what is parked from now on belongs to it."""
        self._parked.clear()

    async def park(self, value: bytes, headers: Mapping[str, bytes], place: Place, reason: str) -> None:
        """Return once the record is on the topic, however long that takes: it is never dropped.

        Raises DlqLimitExceeded, and Unavailable only while stopping.
        """
        number = (place.partition, place.offset, place.row)
        if number in self._parked:
            return
        self.limit.parked()
        logger.error("parked %s-%d at %d, row %d: %s", self._events_topic, *number, reason)
        origin: dict[str, str | int] = {"topic": self._events_topic, "partition": place.partition}
        origin |= {"offset": place.offset, "row": place.row, "reason": reason, "parked_at": time.time_ns() // 1_000_000}
        all_headers = {**headers, **{f"dlq_{name}": str(text).encode() for name, text in origin.items()}}
        key = "-".join(map(str, number)).encode()
        await self._send(Message(dlq_topic(self._events_topic), 0, key, value, all_headers))
        PARKED.inc()
        self._parked.add(number)

    async def _send(self, message: Message) -> None:
        while True:
            try:
                future = await self._producer.post(message)
                await self._until_done(future)
                if future.exception() is None:
                    self.blocked = ""
                    return
                self._block(repr(future.exception()))
            except Unavailable as error:
                self._block(str(error))
            if self._stopping.is_set():
                raise Unavailable(self.blocked)
            await asyncio.sleep(RETRY_SECONDS)

    async def _until_done(self, future: asyncio.Future[object]) -> None:
        """Wait on, rather than send again, which would park the record twice."""
        while not (await asyncio.wait((future,), timeout=RETRY_SECONDS * 4))[0]:
            self._block("no acknowledgement")
            if self._stopping.is_set():
                raise Unavailable(self.blocked)

    def _block(self, reason: str) -> None:
        self.blocked = f"The DLQ cannot be written: {reason}"
        logger.warning("%s", Unavailable(self.blocked))
