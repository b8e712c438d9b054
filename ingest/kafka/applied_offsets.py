"""Applied offsets: workers publish on a compacted topic how far they have written, and gateways follow it.

Topic ``<events>.applied``, one partition; key ``<events>-<partition>``, value ``{"next": offset, "deleted": {…},
"parked": […]}``: every record below ``next`` is readable, but for those ``parked``, which the worker could not read;
``deleted`` holds how many events each deletion of the batch removed, by offset.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from ingest.kafka.brokers import Brokers
from ingest.kafka.producer import Message, Producer
from ingest.kafka.topic_names import applied_topic
from schema.errors import Unavailable

REMEMBERED_OUTCOMES = 10_000
RETRY_SECONDS = 1.0
ANSWER_MS = 10_000  # a broker silent for so long is no leader any more
logger = logging.getLogger("eventide.applied")


@dataclass(frozen=True)
class AppliedOffset:
    """The applied offset of a partition, and, by offset, the outcome of records of the batch."""

    next_offset: int
    deleted: Mapping[int, int] = field(default_factory=dict)
    parked: frozenset[int] = frozenset()

    def after(self, earlier: AppliedOffset) -> AppliedOffset:
        """Return this offset with the outcomes of an earlier batch added."""
        return AppliedOffset(self.next_offset, {**earlier.deleted, **self.deleted}, earlier.parked | self.parked)

    def to_json(self) -> bytes:
        """Encode as the value of a record on the topic."""
        return json.dumps({"next": self.next_offset, "deleted": self.deleted, "parked": sorted(self.parked)}).encode()

    @classmethod
    def read(cls, value: bytes) -> AppliedOffset:
        """Decode a value of the topic. Raises ValueError, KeyError, TypeError or AttributeError."""
        said = json.loads(value)
        deleted = {int(offset): int(count) for offset, count in said["deleted"].items()}
        return cls(int(said["next"]), deleted, frozenset(map(int, said.get("parked", ()))))


class AppliedOffsetsPublisher:
    """A worker's side: publishes how far each partition is written, repeatedly until Kafka has it."""

    def __init__(self, producer: Producer, events_topic: str) -> None:
        self._producer = producer
        self._topic = events_topic
        self._unsaid: dict[int, AppliedOffset] = {}  # by partition
        self._task: asyncio.Task[None] | None = None

    async def say(self, partition: int, applied: AppliedOffset) -> None:
        """Publish an offset; returns before Kafka has it."""
        self._task = self._task or asyncio.create_task(self._repeat())
        self._unsaid[partition] = applied.after(self._unsaid.get(partition, AppliedOffset(0)))
        await self._post(partition)

    async def _post(self, partition: int) -> None:
        said = self._unsaid[partition]
        key = f"{self._topic}-{partition}".encode()
        try:
            future = await self._producer.post(Message(applied_topic(self._topic), 0, key, said.to_json(), {}))
        except Unavailable as error:
            logger.warning("applied offset not published: %s", error)
            return

        def heard(done: asyncio.Future[object]) -> None:
            if not done.cancelled() and done.exception() is None and self._unsaid.get(partition) is said:
                del self._unsaid[partition]

        future.add_done_callback(heard)

    async def _repeat(self) -> None:
        """Publish again what a broken producer lost: nobody else would before the partition's next batch."""
        while True:
            before = dict(self._unsaid)
            await asyncio.sleep(RETRY_SECONDS)
            for partition, said in before.items():
                if self._unsaid.get(partition) is said:
                    await self._post(partition)


class AppliedOffsets:
    """A gateway's side: follows the topic; ``wait`` returns once a record is readable."""

    def __init__(self, brokers: Brokers, events_topic: str) -> None:
        self._brokers = brokers
        self._topic = applied_topic(events_topic)
        self._next: dict[int, int] = {}
        self._outcomes: OrderedDict[tuple[int, int], int | None] = OrderedDict()  # events deleted; None: parked
        self._waiting: dict[int, dict[asyncio.Future[None], int]] = {}  # by partition: for which offset
        self._is_current = False
        self._task = asyncio.create_task(self._run())

    async def wait(self, partition: int, offset: int, timeout_seconds: float) -> int:
        """Return how many events the record at ``offset`` deleted (0 if it holds events) once it is applied.

        Raises Unavailable after the timeout (the record is durable but not yet readable), and if a worker of an older
        version parked the record.
        """
        if self.next_offset(partition) <= offset:
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            waiting = self._waiting.setdefault(partition, {})
            waiting[reached] = offset
            try:
                async with asyncio.timeout(timeout_seconds):
                    await reached
            except TimeoutError as error:
                raise Unavailable("The events are durable but not readable yet") from error
            finally:
                del waiting[reached]
        if (count := self._outcomes.get((partition, offset), 0)) is None:
            raise Unavailable("A worker cannot read this gateway's records: they are on the DLQ")
        return count

    def next_offset(self, partition: int) -> int:
        """Return the offset below which all records of a partition are applied; 0 if that is not known."""
        return self._next.get(partition, 0)

    async def check(self) -> None:
        """Raise Unavailable until everything published before the start has been read."""
        if not self._is_current:
            raise Unavailable("Applied offsets are not known yet")

    async def check_alive(self) -> None:
        """Raise Unavailable if the task that follows the topic has ended, which is a defect."""
        if self._task.done():
            raise Unavailable("Applied offsets are not followed any more")

    async def restart(self) -> None:
        """Discard everything and read again: the topic may be another one."""
        await self.close()
        self._next.clear()
        self._outcomes.clear()
        self._is_current = False
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop following."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._follow()
            except (KafkaError, OSError) as error:
                logger.warning("applied offsets cannot be followed: %r", error)
            self._is_current = False
            await asyncio.sleep(RETRY_SECONDS)

    async def _follow(self) -> None:
        consumer = AIOKafkaConsumer(
            **self._brokers.options,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="none",
            request_timeout_ms=ANSWER_MS,
            metadata_max_age_ms=ANSWER_MS,
        )
        await consumer.start()
        try:
            partition = TopicPartition(self._topic, 0)
            consumer.assign([partition])
            await consumer.seek_to_beginning(partition)
            end = (await consumer.end_offsets([partition]))[partition]
            while True:
                self._is_current = self._is_current or await consumer.position(partition) >= end
                for records in (await consumer.getmany(timeout_ms=1000)).values():
                    for record in records:
                        self._read(record.key, record.value)
        finally:
            await consumer.stop()

    def _read(self, key: bytes, value: bytes | None) -> None:
        try:
            self._apply(int(key.rpartition(b"-")[2]), AppliedOffset.read(value or b"{}"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.error("not an applied offset: %r", error)

    def _apply(self, partition: int, applied: AppliedOffset) -> None:
        outcomes = {**applied.deleted, **dict.fromkeys(applied.parked)}
        self._outcomes |= {(partition, offset): outcome for offset, outcome in outcomes.items()}
        while len(self._outcomes) > REMEMBERED_OUTCOMES:
            self._outcomes.popitem(last=False)
        self._next[partition] = max(self._next.get(partition, 0), applied.next_offset)
        for reached, offset in self._waiting.get(partition, {}).items():
            if offset < self._next[partition] and not reached.done():
                reached.set_result(None)
