"""Applied offsets: workers say on a small compacted topic how far they have written, gateways follow it.

Topic ``<events>.applied``, one partition; key ``<events>-<partition>``, value ``{"next": offset, "deleted": {…}}``:
every record below ``next`` is readable, and ``deleted`` holds what each deletion of the batch removed, by offset.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import OrderedDict

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from ingest.kafka.producer import Message
from schema.errors import Unavailable

REMEMBERED_DELETIONS = 10_000
RETRY_SECONDS = 1.0
logger = logging.getLogger("eventide.applied")


def applied_topic(events_topic: str) -> str:
    """Its name."""
    return f"{events_topic}.applied"


def applied_message(events_topic: str, partition: int, next_offset: int, deleted: dict[int, int]) -> Message:
    """What a worker posts after a write."""
    value = json.dumps({"next": next_offset, "deleted": deleted}).encode()
    return Message(applied_topic(events_topic), 0, f"{events_topic}-{partition}".encode(), value, {})


class AppliedOffsets:
    """Follows the topic; ``wait`` returns once a record is readable."""

    def __init__(self, bootstrap: str, events_topic: str) -> None:
        self._bootstrap = bootstrap
        self._topic = applied_topic(events_topic)
        self._next: dict[int, int] = {}
        self._deleted: OrderedDict[tuple[int, int], int] = OrderedDict()
        self._waiting: dict[int, list[tuple[int, asyncio.Future[None]]]] = {}
        self._is_current = False
        self._task = asyncio.create_task(self._run())

    async def wait(self, partition: int, offset: int, timeout_seconds: float) -> int:
        """Return what the record at ``offset`` deleted (0 for events) once it is applied.

        Raises Unavailable after the timeout: the record is durable but not yet readable.
        """
        if self._next.get(partition, 0) <= offset:
            reached = asyncio.get_running_loop().create_future()
            self._waiting.setdefault(partition, []).append((offset, reached))
            try:
                async with asyncio.timeout(timeout_seconds):
                    await reached
            except TimeoutError as error:
                raise Unavailable("The events are durable but not readable yet") from error
        return self._deleted.get((partition, offset), 0)

    async def check(self) -> None:
        """Raises Unavailable until everything said before the start has been read."""
        if not self._is_current:
            raise Unavailable("Applied offsets are not known yet")

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
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=None, enable_auto_commit=False)
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
                        self._apply(record.key, record.value)
        finally:
            await consumer.stop()

    def _apply(self, key: bytes, value: bytes | None) -> None:
        partition, said = int(key.rpartition(b"-")[2]), json.loads(value or b"{}")
        for offset, count in said.get("deleted", {}).items():
            self._deleted[partition, int(offset)] = count
        while len(self._deleted) > REMEMBERED_DELETIONS:
            self._deleted.popitem(last=False)
        self._next[partition] = max(self._next.get(partition, 0), said.get("next", 0))
        self._release(partition)

    def _release(self, partition: int) -> None:
        waiting = self._waiting.pop(partition, [])
        for offset, reached in waiting:
            if offset >= self._next[partition]:
                self._waiting.setdefault(partition, []).append((offset, reached))
            elif not reached.done():
                reached.set_result(None)
