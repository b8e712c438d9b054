"""Applied offsets: workers say on a small compacted topic how far they have written, gateways follow it.

Topic ``<events>.applied``, one partition; key ``<events>-<partition>``, value ``{"next": offset, "deleted": {…}}``:
every record below ``next`` is readable, and ``deleted`` holds what each deletion of the batch removed, by offset.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from ingest.kafka.names import applied_topic
from ingest.kafka.producer import Message, Producer
from schema.errors import Unavailable

REMEMBERED_DELETIONS = 10_000
RETRY_SECONDS = 1.0
ANSWER_MS = 10_000  # a broker that says nothing for so long leads nothing any more
logger = logging.getLogger("eventide.applied")


class Announcer:
    """A worker's side: says how far each partition is written, again and again until Kafka has it."""

    def __init__(self, producer: Producer, events_topic: str) -> None:
        self._producer = producer
        self._topic = events_topic
        self._unsaid: dict[int, tuple[int, dict[int, int]]] = {}  # by partition: next offset, deleted
        self._task: asyncio.Task[None] | None = None

    async def say(self, partition: int, next_offset: int, deleted: Mapping[int, int]) -> None:
        """Returns before Kafka has it."""
        self._task = self._task or asyncio.create_task(self._repeat())
        _, unsaid = self._unsaid.get(partition, (0, {}))
        self._unsaid[partition] = (next_offset, unsaid | dict(deleted))
        await self._post(partition)

    async def _post(self, partition: int) -> None:
        said = self._unsaid[partition]
        value = json.dumps({"next": said[0], "deleted": said[1]}).encode()
        key = f"{self._topic}-{partition}".encode()
        try:
            future = await self._producer.post(Message(applied_topic(self._topic), 0, key, value, {}))
        except Unavailable as error:
            logger.warning("applied offset not published: %s", error)
            return

        def heard(done: asyncio.Future[object]) -> None:
            if not done.cancelled() and done.exception() is None and self._unsaid.get(partition) is said:
                del self._unsaid[partition]

        future.add_done_callback(heard)

    async def _repeat(self) -> None:
        """What a broken producer lost, nobody else would say before the partition's next batch."""
        while True:
            before = dict(self._unsaid)
            await asyncio.sleep(RETRY_SECONDS)
            for partition, said in before.items():
                if self._unsaid.get(partition) is said:
                    await self._post(partition)


class AppliedOffsets:
    """A gateway's side: follows the topic; ``wait`` returns once a record is readable."""

    def __init__(self, bootstrap: str, events_topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = applied_topic(events_topic)
        self._next: dict[int, int] = {}
        self._deleted: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._waiting: dict[int, dict[asyncio.Future[None], int]] = {}  # by partition: for which offset
        self._is_current = False
        self._task = asyncio.create_task(self._run())

    async def wait(self, partition: int, offset: int, timeout_seconds: float) -> int:
        """Return what the record at ``offset`` deleted (0 for events) once it is applied.

        Raises Unavailable after the timeout: the record is durable but not yet readable.
        """
        if self._next.get(partition, 0) <= offset:
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
        return self._deleted.get((partition, offset), 0)

    async def check(self) -> None:
        """Raises Unavailable until everything said before the start has been read."""
        if not self._is_current:
            raise Unavailable("Applied offsets are not known yet")

    async def check_alive(self) -> None:
        """Raises Unavailable if nobody follows any more: a defect."""
        if self._task.done():
            raise Unavailable("Applied offsets are not followed any more")

    async def restart(self) -> None:
        """Forget everything and read again: the topic may be another one."""
        await self.close()
        self._next.clear()
        self._deleted.clear()
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
            bootstrap_servers=self._bootstrap,
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
            partition, said = int(key.rpartition(b"-")[2]), json.loads(value or b"{}")
            self._apply(partition, int(said["next"]), {int(offset): n for offset, n in said["deleted"].items()})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.error("not an applied offset: %r", error)

    def _apply(self, partition: int, next_offset: int, deleted: Mapping[int, int]) -> None:
        for offset, count in deleted.items():
            self._deleted[partition, offset] = count
        while len(self._deleted) > REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)
        self._next[partition] = max(self._next.get(partition, 0), next_offset)
        for reached, offset in self._waiting.get(partition, {}).items():
            if offset < self._next[partition] and not reached.done():
                reached.set_result(None)
