"""Consumed Kafka messages -> the writer, with retries, the DLQ and applied offsets. Knows nothing of Faust."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from itertools import islice
from typing import Any, Protocol

import pyarrow as pa

from ingest.kafka.applied_offsets import AppliedOffset, AppliedOffsetsPublisher
from ingest.kafka.dlq import Dlq, DlqLimit
from ingest.kafka.producer import Producer
from ingest.writing.backoff import backoff_seconds
from ingest.writing.rejected_rows import record_of_row
from ingest.writing.writer import Writer, Wrote
from schema.errors import EventsError, RecordError, Unavailable
from schema.events.blocks import Place, Record, decode, encode, is_late
from schema.events.request_context import REQUEST_ID
from schema.json_logging import about_request
from schema.metrics import ASSIGNED_PARTITIONS, FRESHNESS_SECONDS, LAST_WRITE, RECORDS, WRITE_RETRIES, WRITE_SECONDS
from schema.store import Store
from schema.tracing import follow, span

SLOW_SECONDS = 10.0
LOGGED_REQUESTS = 10  # of a batch
LOG_APPEND_TIME = 1  # Kafka's number for a timestamp set by the broker
logger = logging.getLogger("eventide.sink")


class Consumed(Protocol):
    """A Kafka message as consumers give it."""

    partition: int
    offset: int
    timestamp: float  # seconds
    timestamp_type: int
    value: bytes | None
    headers: Any  # pairs, or a mapping, of name and bytes


class Sink:
    """The consumer's side of the writer. One ``write`` at a time, from one event loop.

    ``stall_seconds``: how long there may be something to write, and no service known to be away, without progress.
    ``wrote`` is called with every batch that is stored.
    """

    def __init__(
        self,
        store: Store,
        producer: Producer,
        events_topic: str,
        limit: DlqLimit,
        stall_seconds: float,
        wrote: Wrote = lambda _: None,
    ) -> None:
        self._stopping = threading.Event()
        self._writer = Writer(store, self._park_row, wrote)
        self._announcer = AppliedOffsetsPublisher(producer, events_topic)
        self._dlq = Dlq(producer, events_topic, limit, self._stopping)
        self._thread = ThreadPoolExecutor(1, "writer")
        self._loop = asyncio.get_running_loop()
        self._stall_seconds = stall_seconds
        self._records: Sequence[Record] = ()
        self._parked: set[tuple[int, int]] = set()  # (partition, offset), of the batch at hand
        self._attempt_since: float | None = None
        self._progress_at = time.monotonic()
        self._retrying = ""
        self.clock = producer.clock  # Kafka's, known from applied offsets that it took
        self.assigned: set[int] = set()
        self.lag_records = 0  # as last measured; set by the consumer
        self.fatal: EventsError | None = None

    async def write(self, messages: Sequence[Consumed]) -> None:
        """Return once every record is stored or parked; retries for as long as a service is away.

        Raises StoreRejected and DlqLimitExceeded, and Unavailable only while stopping: nothing may be committed then.
        """
        self._dlq.begin_batch()
        self._parked = set()
        try:
            records = [record for message in messages if (record := await self._decode(message))]
            with follow("write records", (record.request.traceparent for record in records)):
                with WRITE_SECONDS.time():
                    deleted = await self._on_thread(records)
                with span("publish applied offsets"):
                    await self._announce(messages, deleted)
        except EventsError as error:
            self.fatal = error
            raise
        self._dlq.limit.written(len(records))
        self._progress_at = time.monotonic()
        _observe(records, len(self._parked), len(messages), self.clock.now_ms())

    async def assign(self, committed: Mapping[int, int | None]) -> None:
        """Take over partitions, and publish their committed offsets: gateways may have missed those."""
        self._writer.tombstones.forget()
        self.assigned |= committed.keys()
        self._progress_at = time.monotonic()
        ASSIGNED_PARTITIONS.set(len(self.assigned))
        for partition, offset in committed.items():
            if offset is not None:
                await self._announcer.say(partition, AppliedOffset(offset))

    def revoke(self, partitions: Iterable[int]) -> None:
        """Give up partitions to another worker."""
        self.assigned -= set(partitions)
        ASSIGNED_PARTITIONS.set(len(self.assigned))

    def stop(self) -> None:
        """Stop waiting for services; what is not committed is replayed."""
        self._stopping.set()

    async def check_ready(self) -> None:
        """Raise Unavailable while no partition is assigned, or a service is away or slow."""
        if not self.assigned:
            raise Unavailable("No partition is assigned")
        if blocked := self._retrying or self._dlq.blocked:
            raise Unavailable(blocked)
        if (seconds := self._attempt_seconds()) > SLOW_SECONDS:
            raise Unavailable(f"ClickHouse has been writing one batch for {seconds:.0f} seconds")

    async def check_progress(self) -> None:
        """Raise Unavailable if there is work and no progress, although no service is known to be away."""
        if self._retrying or self._dlq.blocked:
            return
        idle = time.monotonic() - self._progress_at
        is_waiting = self._attempt_since is None and self.lag_records > 0
        if self._attempt_seconds() > self._stall_seconds or (is_waiting and idle > self._stall_seconds):
            raise Unavailable(f"No progress for {idle:.0f} seconds")

    def _attempt_seconds(self) -> float:
        since = self._attempt_since
        return 0.0 if since is None else time.monotonic() - since

    async def _decode(self, message: Consumed) -> Record | None:
        """Return the record; None for a late one, and for an unreadable one, which is parked."""
        headers, value = dict(message.headers or {}), message.value or b""
        if message.timestamp_type == LOG_APPEND_TIME and is_late(headers, round(message.timestamp * 1000)):
            return None
        try:
            return decode(headers, value, message.partition, message.offset)
        except RecordError as error:
            with about_request(headers.get(REQUEST_ID, b"").decode(errors="replace")):
                await self._dlq.park(value, headers, Place(0, message.partition, message.offset), str(error))
            self._parked.add((message.partition, message.offset))
            return None

    async def _on_thread(self, records: Sequence[Record]) -> dict[Place, int]:
        """Write on the writer's thread, which knows the trace."""
        return await self._loop.run_in_executor(self._thread, copy_context().run, self._write_until_done, records)

    def _write_until_done(self, records: Sequence[Record]) -> dict[Place, int]:
        seconds, self._records = backoff_seconds(), records
        while True:
            try:
                self._attempt_since = time.monotonic()
                deleted = self._writer.write(records)
                self._retrying = ""
                return deleted
            except Unavailable as error:
                self._retrying = str(error)
                WRITE_RETRIES.labels(error.number).inc()
                logger.warning("the same batch is tried again: %s", error, extra={"fields": _requests_of(records)})
                if self._stopping.wait(next(seconds)):
                    raise
            finally:
                self._attempt_since = None

    def _park_row(self, row: pa.Table, event_type: str, reason: str) -> None:
        """Park a row that ClickHouse rejects, as a block of its own. Called from the writer's thread."""
        record = record_of_row(row, event_type, self._records)
        _, headers, value = encode(record.content, record.place.epoch)
        parking = self._dlq.park(value, headers | record.request.headers, record.place, reason)
        with about_request(record.request.request_id):
            asyncio.run_coroutine_threadsafe(parking, self._loop).result()

    async def _announce(self, messages: Sequence[Consumed], deleted: Mapping[Place, int]) -> None:
        following = {message.partition: message.offset + 1 for message in messages}
        for partition, offset in following.items():
            counts = {place.offset: count for place, count in deleted.items() if place.partition == partition}
            parked = frozenset(lost for of, lost in self._parked if of == partition)
            await self._announcer.say(partition, AppliedOffset(offset, counts, parked))


def _requests_of(records: Sequence[Record]) -> dict[str, list[str]]:
    """Return the first requests that records came with, as a field of a log line."""
    found = dict.fromkeys(record.request.request_id for record in records if record.request.request_id)
    return {"request_ids": list(islice(found, LOGGED_REQUESTS))}


def _observe(records: Sequence[Record], parked: int, messages: int, now_ms: int) -> None:
    """Tell metrics of a batch that is written. ``now_ms``: by the broker's clock; gateways and workers have others."""
    LAST_WRITE.set(time.time())
    counts = {"written": len(records), "parked": parked, "late": messages - len(records) - parked}
    for result, count in counts.items():
        RECORDS.labels(result).inc(count)
    for record in records:
        if not record.arrived:  # one that was replayed says nothing of how long writing takes
            received_ms = record.content.received_at + record.clock_skew_ms
            FRESHNESS_SECONDS.observe(max(0.0, (now_ms - received_ms) / 1000))
