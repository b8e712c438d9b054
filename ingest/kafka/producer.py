"""An idempotent producer that replaces itself.

After an error that consumed sequence numbers (a leader unknown for longer than the request timeout), aiokafka reports
OutOfOrderSequenceNumber for ever; only a new producer id helps. Records in flight then fail with Unavailable: the
client sends them again, and their identity makes that harmless.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    OutOfOrderSequenceNumber,
    ProducerClosed,
    ProducerFenced,
    RecordTooLargeError,
    UnknownProducerId,
)
from aiokafka.structs import RecordMetadata

from ingest.kafka.access import check_access
from ingest.kafka.broker_clock import BrokerClock
from ingest.kafka.brokers import Brokers
from ingest.kafka.reachable import check_reachable
from schema.errors import BadValue, ConfigError, Unavailable
from schema.metrics import PENDING_RECORDS, PRODUCE_ERRORS, PRODUCER_RESTARTS

REQUEST_TIMEOUT_SECONDS = 15.0  # also how long a silent broker delays the records on their way to it
MAX_BATCH_BYTES = 1 << 20
RECORD_OVERHEAD_BYTES = 4096
RETRY_SECONDS = 0.5
REFUSED_RETRY_SECONDS, REFUSED_SECONDS = 10.0, 60.0
SILENT_SECONDS = 5.0
FLUSH_SECONDS = 5.0
FATAL = (OutOfOrderSequenceNumber, ProducerFenced, UnknownProducerId, ProducerClosed)
TOO_LARGE = (MessageSizeTooLargeError, RecordTooLargeError)
logger = logging.getLogger("eventide.producer")

Pending = asyncio.Future[RecordMetadata]


@dataclass(frozen=True)
class Message:
    """A message to one partition."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: dict[str, bytes]


@dataclass(frozen=True)
class Receipt:
    """The offset of a message, and when the broker appended it.

    ``appended_ms`` is None if the topic does not keep the broker's time.
    """

    offset: int
    appended_ms: int | None


class Producer:
    """A producer that connects, and replaces itself, in the background.

    ``timeout_seconds``: how long ``send`` waits. ``request_timeout_seconds``: aiokafka's.
    """

    def __init__(
        self,
        brokers: Brokers,
        max_record_bytes: int,
        timeout_seconds: float,
        request_timeout_seconds: float = REQUEST_TIMEOUT_SECONDS,
    ) -> None:
        self._brokers = brokers
        self._max_record_bytes = max_record_bytes
        self._timeout_seconds = timeout_seconds
        self._request_timeout_seconds = request_timeout_seconds
        self._producer: AIOKafkaProducer | None = None
        self._connects = asyncio.Event()
        self._broken = asyncio.Event()
        self._pending: dict[Pending, float] = {}  # since when, oldest first
        self._heard = time.monotonic()
        self._refused_since: float | None = None
        self.clock = BrokerClock()
        PENDING_RECORDS.follow(self, lambda producer: len(producer._pending))
        self._task = asyncio.create_task(self._maintain())

    async def send(self, messages: Sequence[Message]) -> list[Receipt]:
        """Send all, then wait for all, until every in-sync replica has them.

        Raises Unavailable (after the timeout at the latest; the messages may still arrive) and BadValue for a message
        that is larger than a record may be.
        """
        if any(len(message.value) > self._max_record_bytes for message in messages):
            raise self._too_large()
        deadline = asyncio.get_running_loop().time() + self._timeout_seconds
        futures: list[Pending] = []
        try:
            async with asyncio.timeout_at(deadline):
                for message in messages:
                    futures.append(await self.post(message))
                await asyncio.wait(futures)
        except TimeoutError as error:
            PRODUCE_ERRORS.labels("timeout").inc()
            raise Unavailable(f"Kafka did not acknowledge within {self._timeout_seconds:g} seconds") from error
        return [self._receipt(future) for future in futures]

    async def post(self, message: Message) -> Pending:
        """Send without waiting for the acknowledgement. Raises Unavailable and BadValue."""
        producer = self._connected()
        try:
            await _know_partition(producer, message)
            sent = time.monotonic()
            future: Pending = await producer.send(
                message.topic,
                message.value,
                message.key,
                partition=message.partition,
                headers=list(message.headers.items()),
            )
        except KafkaError as error:
            raise self._translate(producer, error) from error
        self._pending[future] = sent
        future.add_done_callback(partial(self._note, producer))
        return future

    async def check(self) -> None:
        """Raise Unavailable while there is no usable producer, no broker, or no acknowledgement for a while."""
        await check_reachable(self._brokers, self._connected().client)
        now = time.monotonic()
        oldest = next(iter(self._pending.values()), now)
        if now - oldest > SILENT_SECONDS and now - self._heard > SILENT_SECONDS:
            raise Unavailable(f"Kafka has acknowledged nothing for {now - self._heard:.0f} seconds")

    async def check_alive(self) -> None:
        """Raise Unavailable if the task that maintains the producer has ended, which is a defect.

        And if the brokers have refused this process for a while: started again, it has the files and secrets of today.
        """
        if self._task.done():
            raise Unavailable("The producer's keeper has stopped")
        if self._refused_since and time.monotonic() - self._refused_since > REFUSED_SECONDS:
            raise Unavailable("Kafka refuses this process's certificate or credentials")

    async def connected(self, seconds: float) -> None:
        """Wait for the first connection. Raises Unavailable."""
        try:
            async with asyncio.timeout(seconds):
                await self._connects.wait()
        except TimeoutError as error:
            raise Unavailable("Kafka is not reachable") from error

    async def close(self) -> None:
        """Flush for a while, and disconnect."""
        self._task.cancel()
        if self._producer is None:
            return
        stopping = asyncio.create_task(self._producer.stop())
        await asyncio.wait((stopping,), timeout=FLUSH_SECONDS)
        if not stopping.done():
            stopping.cancel()
            await _abandon(self._producer)

    def _connected(self) -> AIOKafkaProducer:
        if self._producer is None or self._broken.is_set():
            raise Unavailable("Kafka is not connected")
        return self._producer

    def _receipt(self, future: Pending) -> Receipt:
        if (error := future.exception()) is not None:
            raise self._translate(None, error) from error
        found = future.result()
        return Receipt(found.offset, found.timestamp if found.timestamp_type else None)

    def _note(self, producer: AIOKafkaProducer, future: Pending) -> None:
        """Note the outcome, also of what nobody waits for any more: it may say that the producer is broken."""
        sent = self._pending.pop(future, None)
        if future.cancelled():
            return
        if (error := future.exception()) is None:
            self._heard = time.monotonic()
            if sent is not None and future.result().timestamp_type:
                self.clock.observe(future.result().timestamp, self._heard - sent)
        else:
            PRODUCE_ERRORS.labels(type(error).__name__).inc()
            self._translate(producer, error)

    def _translate(self, producer: AIOKafkaProducer | None, error: BaseException) -> BadValue | Unavailable:
        """Translate an error. One that ``producer`` cannot recover from breaks it, unless it is replaced already."""
        if isinstance(error, TOO_LARGE):
            return self._too_large()
        if producer and producer is self._producer and (isinstance(error, FATAL) or _is_dead(producer)):
            self._broken.set()
        return Unavailable(f"Kafka is not available: {error!r}")

    def _too_large(self) -> BadValue:
        return BadValue(f"An event is larger than {self._max_record_bytes} bytes even when compressed")

    async def _maintain(self) -> None:
        """Connect; whenever the producer is broken, replace it."""
        while True:
            producer = await self._connect()
            self._broken.clear()
            self._producer = producer
            self._connects.set()
            await self._broken.wait()
            PRODUCER_RESTARTS.inc()
            logger.warning("the producer is replaced")
            self._producer = None
            await _abandon(producer)

    async def _connect(self) -> AIOKafkaProducer:
        while True:
            producer = AIOKafkaProducer(
                **self._brokers.options,
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_batch_size=MAX_BATCH_BYTES,
                max_request_size=self._max_record_bytes + RECORD_OVERHEAD_BYTES,
                request_timeout_ms=int(self._request_timeout_seconds * 1000),
            )
            try:
                await producer.start()
                self._refused_since = None
                return producer
            except (KafkaError, OSError, ValueError) as error:  # ValueError: a wrong answer during SCRAM
                await _abandon(producer)
                await self._wait_to_retry(error)

    async def _wait_to_retry(self, error: Exception) -> None:
        """Log why there is no connection, and wait: longer where the brokers refuse us, as the next try is as vain."""
        try:
            await check_access(self._brokers)
        except ConfigError as refusal:
            self._refused_since = self._refused_since or time.monotonic()
            logger.error("Kafka refuses this process: %s", refusal)
            await asyncio.sleep(REFUSED_RETRY_SECONDS)
            return
        self._refused_since = None
        logger.warning("Kafka is not reachable: %s", error)
        await asyncio.sleep(RETRY_SECONDS)


def _is_dead(producer: AIOKafkaProducer) -> bool:
    sender = producer._sender.sender_task
    return sender is not None and bool(sender.done())


async def _know_partition(producer: AIOKafkaProducer, message: Message) -> None:
    """Refresh metadata if the partition is unknown.

    aiokafka learns of added partitions after minutes, and refuses to send to them before.
    """
    if message.partition in await producer.partitions_for(message.topic):
        return
    await producer.client.force_metadata_update()
    if message.partition not in await producer.partitions_for(message.topic):
        raise Unavailable(f"Kafka does not know partition {message.partition} of {message.topic} yet")


async def _abandon(producer: AIOKafkaProducer) -> None:
    """End a producer without flushing it.

    ``stop`` would go on sending what waits, in the background and for as long as that takes: behind, and over, what its
    successor has sent and had acknowledged by then. So its sender is cancelled first, and what waits fails.
    """
    producer._closed = True
    sender = producer._sender.sender_task if producer._sender is not None else None
    if sender is not None:
        sender.cancel()
    producer._message_accumulator.fail_all(ProducerClosed())
    await producer.client.close()
    if sender is not None:
        await asyncio.wait((sender,), timeout=FLUSH_SECONDS)
