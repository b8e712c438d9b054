"""Consumed Kafka messages -> the writer, with retries, the DLQ and applied offsets. Knows nothing of Faust."""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import pyarrow as pa

from ingest.dlq import Dlq, DlqLimit
from ingest.kafka.applied import applied_message
from ingest.kafka.producer import Message, Producer
from ingest.writer import Writer
from schema.blocks import Block, Place, Record, decode, encode
from schema.errors import EventsError, RecordError, Unavailable
from schema.metrics import ASSIGNED_PARTITIONS, FRESHNESS_SECONDS, LAST_WRITE, RECORDS, WRITE_RETRIES, WRITE_SECONDS
from schema.store import Store
from schema.tables import TABLES

FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 0.2, 30.0
STALLED_SECONDS = 300.0
logger = logging.getLogger("eventide.sink")


class Consumed(Protocol):
    """A Kafka message as consumers give it."""

    partition: int
    offset: int
    value: bytes | None
    headers: Any  # pairs, or a mapping, of name and bytes


class Sink:
    """Writes what was consumed. One ``write`` at a time, from one event loop."""

    def __init__(self, store: Store, producer: Producer, events_topic: str, limit: DlqLimit) -> None:
        self._stopping = threading.Event()
        self._writer = Writer(store, self._park_row)
        self._producer = producer
        self._topic = events_topic
        self._dlq = Dlq(producer, events_topic, limit, self._stopping)
        self._thread = ThreadPoolExecutor(1, "writer")
        self._loop = asyncio.get_running_loop()
        self._records: Sequence[Record] = ()
        self._busy_since: float | None = None
        self._retrying = ""
        self.assigned: set[int] = set()
        self.fatal: EventsError | None = None

    async def write(self, messages: Sequence[Consumed]) -> None:
        """Return once every record is stored or parked; tries again for as long as a service is away.

        Raises StoreRejected and DlqLimitExceeded, and Unavailable only while stopping: nothing may be acked then.
        """
        self._busy_since = time.monotonic()
        try:
            records = [record for message in messages if (record := await self._decode(message))]
            with WRITE_SECONDS.time():
                deleted = await self._loop.run_in_executor(self._thread, self._write_until_done, records)
        except EventsError as error:
            self.fatal = error
            raise
        await self._publish_applied(messages, deleted)
        self._dlq.limit.written(len(records))
        _observe(messages, records)
        self._busy_since = None

    async def assign(self, committed: Mapping[int, int | None]) -> None:
        """These partitions are ours now, written up to their committed offsets: waiters may have missed that."""
        await self._loop.run_in_executor(self._thread, self._writer.tombstones.forget)
        self.assigned |= committed.keys()
        ASSIGNED_PARTITIONS.set(len(self.assigned))
        for partition, offset in committed.items():
            if offset is not None:
                await self._post(applied_message(self._topic, partition, offset, {}))

    def revoke(self, partitions: Iterable[int]) -> None:
        """These are another worker's now."""
        self.assigned -= set(partitions)
        ASSIGNED_PARTITIONS.set(len(self.assigned))

    def stop(self) -> None:
        """Give up waiting for services; what is not acked comes again."""
        self._stopping.set()

    async def check_ready(self) -> None:
        """Raises Unavailable while no partition is assigned or a service is away."""
        if not self.assigned:
            raise Unavailable("No partition is assigned")
        if blocked := self._retrying or self._dlq.blocked:
            raise Unavailable(blocked)

    async def check_progress(self) -> None:
        """Raises Unavailable if a batch is stuck although no service is known to be away."""
        blocked = self._retrying or self._dlq.blocked
        if self._busy_since and not blocked and time.monotonic() - self._busy_since > STALLED_SECONDS:
            raise Unavailable(f"No progress for {STALLED_SECONDS:g} seconds")

    async def _decode(self, message: Consumed) -> Record | None:
        """The record, or None once a message that is none is parked."""
        headers, value = dict(message.headers or {}), message.value or b""
        try:
            return decode(headers, value, message.partition, message.offset)
        except RecordError as error:
            await self._dlq.park(value, headers, message.partition, message.offset, str(error))
            return None

    def _write_until_done(self, records: Sequence[Record]) -> dict[Place, int]:
        delay, self._records = FIRST_RETRY_SECONDS, records
        while True:
            try:
                deleted = self._writer.write(records)
                self._retrying = ""
                return deleted
            except Unavailable as error:
                self._retrying = str(error)
                WRITE_RETRIES.inc()
                logger.warning("the same batch is tried again: %s", error)
                if self._stopping.wait(delay * random.uniform(0.5, 1.0)):
                    raise
                delay = min(delay * 2, LAST_RETRY_SECONDS)

    def _park_row(self, row: pa.Table, event_type: str, reason: str) -> None:
        """From the writer's thread: a row that ClickHouse refuses, as a block of its own."""
        company, received_at, seq = (row[name][0].as_py() for name in ("company", "received_at", "seq"))
        place = next(r.place for r in self._records if r.place.holds(seq) and r.content.company == company)
        batch = row.select(TABLES[event_type].block_schema.names).combine_chunks().to_batches()[0]
        _, headers, value = encode(Block(company, event_type, received_at, batch), place.epoch)
        parking = self._dlq.park(value, headers, place.partition, place.offset, reason)
        asyncio.run_coroutine_threadsafe(parking, self._loop).result()

    async def _publish_applied(self, messages: Sequence[Consumed], deleted: Mapping[Place, int]) -> None:
        following = {message.partition: message.offset + 1 for message in messages}
        for partition, offset in following.items():
            counts = {place.offset: count for place, count in deleted.items() if place.partition == partition}
            await self._post(applied_message(self._topic, partition, offset, counts))

    async def _post(self, message: Message) -> None:
        try:
            await self._producer.post(message)
        except Unavailable as error:  # the next one supersedes it
            logger.warning("applied offset not published: %s", error)


def _observe(messages: Sequence[Consumed], records: Sequence[Record]) -> None:
    now = time.time()
    LAST_WRITE.set(now)
    RECORDS.labels("written").inc(len(records))
    RECORDS.labels("parked").inc(len(messages) - len(records))
    for record in records:
        FRESHNESS_SECONDS.observe(max(0.0, now - record.content.received_at / 1000))
