"""The dead-letter topic: records that can never be written go there with reason and origin, and are then acked."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from ingest.kafka.producer import Message, Producer
from ingest.kafka.topics import dlq_topic
from schema.errors import EventsError, Unavailable
from schema.metrics import PARKED

RETRY_SECONDS = 0.5
RATIO_FROM_RECORDS = 1000
logger = logging.getLogger("eventide.dlq")


class DlqLimitExceeded(EventsError):
    """Too much cannot be written for this to be about single records: a person must look."""


@dataclass
class DlqLimit:
    """How much may be parked before the worker stops rather than drain the topic."""

    max_run: int = 100  # parked records in a row
    max_ratio: float = 0.1  # of all records, once there are RATIO_FROM_RECORDS
    _run: int = field(default=0, init=False)
    _parked: int = field(default=0, init=False)
    _total: int = field(default=0, init=False)

    def written(self, records: int) -> None:
        """Records that were written."""
        if records:
            self._run = 0
        self._total += records

    def parked(self) -> None:
        """One that is about to be parked. Raises DlqLimitExceeded."""
        self._run, self._parked, self._total = self._run + 1, self._parked + 1, self._total + 1
        if self._run > self.max_run:
            raise DlqLimitExceeded(f"{self._run} records in a row cannot be written")
        if self._total >= RATIO_FROM_RECORDS and self._parked > self.max_ratio * self._total:
            raise DlqLimitExceeded(f"{self._parked} of {self._total} records cannot be written")


class Dlq:
    """Parks records of one events topic."""

    def __init__(self, producer: Producer, events_topic: str, limit: DlqLimit, stopping: threading.Event) -> None:
        self._producer = producer
        self._events_topic = events_topic
        self.limit = limit
        self._stopping = stopping
        self.blocked = ""

    async def park(self, value: bytes, headers: Mapping[str, bytes], partition: int, offset: int, reason: str) -> None:
        """Return once the record is on the topic, however long that takes: it is never dropped.

        Raises DlqLimitExceeded, and Unavailable only while stopping.
        """
        self.limit.parked()
        PARKED.inc()
        logger.error("parked %s-%d at %d: %s", self._events_topic, partition, offset, reason)
        origin = {"topic": self._events_topic, "partition": partition, "offset": offset, "reason": reason}
        origin["parked_at"] = time.time_ns() // 1_000_000
        all_headers = {**headers, **{f"dlq_{name}": str(text).encode() for name, text in origin.items()}}
        key = f"{partition}-{offset}".encode()
        await self._send(Message(dlq_topic(self._events_topic), 0, key, value, all_headers))

    async def _send(self, message: Message) -> None:
        while True:
            try:
                await self._producer.send([message])
                self.blocked = ""
                return
            except Unavailable as error:
                self.blocked = f"The DLQ cannot be written: {error}"
                if self._stopping.is_set():
                    raise
                await asyncio.sleep(RETRY_SECONDS)
