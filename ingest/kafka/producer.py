"""An idempotent producer that replaces itself.

After an error that consumed sequence numbers (a leader unknown for longer than the request timeout), aiokafka reports
OutOfOrderSequenceNumber for ever; only a new producer id helps. Records in flight fail with Unavailable then: whoever
sent them sends them again, and their identity makes that harmless.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass

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

from schema.errors import BadValue, Unavailable
from schema.metrics import PRODUCER_RESTARTS

REQUEST_TIMEOUT_MS = 60_000
MAX_BATCH_BYTES = 1 << 20
RECORD_OVERHEAD_BYTES = 4096
RETRY_SECONDS = 0.5
FATAL = (OutOfOrderSequenceNumber, ProducerFenced, UnknownProducerId, ProducerClosed)
TOO_LARGE = (MessageSizeTooLargeError, RecordTooLargeError)
logger = logging.getLogger("eventide.producer")


@dataclass(frozen=True)
class Message:
    """What is sent to one partition."""

    topic: str
    partition: int
    key: bytes
    value: bytes
    headers: dict[str, bytes]


class Producer:
    """Sends messages; connects, and replaces itself, in the background."""

    def __init__(self, bootstrap: str, max_record_bytes: int, timeout_seconds: float) -> None:
        self._bootstrap = bootstrap
        self._max_record_bytes = max_record_bytes
        self._timeout_seconds = timeout_seconds
        self._producer: AIOKafkaProducer | None = None
        self._broken = asyncio.Event()
        self._task = asyncio.create_task(self._maintain())

    async def send(self, messages: Sequence[Message]) -> list[int]:
        """Send all, then wait for all: their offsets, once every in-sync replica has them.

        Raises Unavailable (after the timeout at the latest; the messages may still arrive) and BadValue for a message
        that is larger than a record may be.
        """
        deadline = time.monotonic() + self._timeout_seconds
        producer = await self._connected()
        try:
            async with asyncio.timeout_at(asyncio.get_running_loop().time() + deadline - time.monotonic()):
                futures = [await self._enqueue(producer, message) for message in messages]
        except TimeoutError as error:
            raise Unavailable("Kafka does not take records") from error
        except KafkaError as error:
            raise self._translate(error) from error
        await asyncio.wait(futures, timeout=max(0.0, deadline - time.monotonic()))
        return [self._offset(future) for future in futures]

    async def post(self, message: Message) -> None:
        """Send without waiting for the acknowledgement. Raises Unavailable."""
        producer = await self._connected()
        try:
            future = await self._enqueue(producer, message)
        except KafkaError as error:
            raise self._translate(error) from error
        future.add_done_callback(self._note)

    async def check(self) -> None:
        """Raises Unavailable while there is no usable producer."""
        await self._connected()

    async def close(self) -> None:
        """Flush and disconnect."""
        self._task.cancel()
        if self._producer is not None:
            await self._producer.stop()

    async def _connected(self) -> AIOKafkaProducer:
        if self._producer is None or self._broken.is_set():
            raise Unavailable("Kafka is not connected")
        return self._producer

    async def _enqueue(self, producer: AIOKafkaProducer, message: Message) -> asyncio.Future[object]:
        headers = list(message.headers.items())
        future: asyncio.Future[object] = await producer.send(
            message.topic, message.value, message.key, partition=message.partition, headers=headers
        )
        return future

    def _offset(self, future: asyncio.Future[object]) -> int:
        if not future.done():
            future.add_done_callback(self._note)
            raise Unavailable(f"Kafka did not acknowledge within {self._timeout_seconds:g} seconds")
        if (error := future.exception()) is not None:
            raise self._translate(error) from error
        return int(future.result().offset)  # type: ignore[attr-defined]

    def _note(self, future: asyncio.Future[object]) -> None:
        """The outcome that nobody waits for any more: it may still say that the producer is broken."""
        if not future.cancelled() and (error := future.exception()) is not None:
            self._translate(error)

    def _translate(self, error: BaseException) -> BadValue | Unavailable:
        if isinstance(error, TOO_LARGE):
            return BadValue(f"An event is larger than {self._max_record_bytes} bytes even when compressed")
        if isinstance(error, FATAL):
            self._broken.set()
        return Unavailable(f"Kafka is not available: {error!r}")

    async def _maintain(self) -> None:
        """Connect; whenever the producer is broken, replace it."""
        while True:
            self._producer = await self._connect()
            self._broken.clear()
            await self._broken.wait()
            PRODUCER_RESTARTS.inc()
            logger.warning("the producer is replaced")
            broken, self._producer = self._producer, None
            await _discard(broken)

    async def _connect(self) -> AIOKafkaProducer:
        while True:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                enable_idempotence=True,
                acks="all",
                linger_ms=0,
                max_batch_size=MAX_BATCH_BYTES,
                max_request_size=self._max_record_bytes + RECORD_OVERHEAD_BYTES,
                request_timeout_ms=REQUEST_TIMEOUT_MS,
            )
            try:
                await producer.start()
                return producer
            except (KafkaError, OSError) as error:
                logger.warning("Kafka is not reachable: %s", error)
                await _discard(producer)
                await asyncio.sleep(RETRY_SECONDS)


async def _discard(producer: AIOKafkaProducer) -> None:
    """Stop a producer that may not be able to flush."""
    try:
        async with asyncio.timeout(2):
            await producer.stop()
    except (KafkaError, OSError, TimeoutError) as error:
        logger.warning("the old producer did not stop cleanly: %r", error)
