"""The log on Kafka: one record for each block, all of an entity's in one partition."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from ingest.kafka.applied import AppliedOffsets
from ingest.kafka.producer import Message, Producer
from schema.blocks import Block, Content, Deletion, encode, partition_of

MAX_BLOCK_BYTES = 16 << 20  # uncompressed; a single row may be larger


@dataclass(frozen=True)
class Topic:
    """The events topic as ``eventide migrate`` left it."""

    name: str
    epoch: int
    partitions: int


class KafkaLog:
    """See ``ingest.log.Log``."""

    def __init__(self, producer: Producer, applied: AppliedOffsets, topic: Topic, timeout_seconds: float) -> None:
        self._producer = producer
        self._applied = applied
        self._topic = topic
        self._timeout_seconds = timeout_seconds

    async def publish(self, blocks: Sequence[Block], visible: bool) -> None:
        """Send every block's record, then await them all; if ``visible``, until they are readable."""
        pieces = [piece for block in blocks for piece in block.split(self._topic.partitions, MAX_BLOCK_BYTES)]
        places = await self._send(pieces)
        if visible:
            await self._wait(places)

    async def delete(self, deletion: Deletion) -> int:
        """Send the deletion behind all that was written before, and wait until it is applied."""
        partition = partition_of(deletion.company, deletion.entity, self._topic.partitions)
        return sum(await self._wait(await self._send([(partition, deletion)])))

    async def check(self) -> None:
        """Raises Unavailable while nothing can be published."""
        await self._producer.check()

    async def _send(self, pieces: Sequence[tuple[int, Content]]) -> list[tuple[int, int]]:
        """The (partition, offset) of each piece."""
        offsets = await self._producer.send([self._message(partition, content) for partition, content in pieces])
        return [(partition, offset) for (partition, _), offset in zip(pieces, offsets, strict=True)]

    def _message(self, partition: int, content: Content) -> Message:
        key, headers, value = encode(content, self._topic.epoch)
        return Message(self._topic.name, partition, key, value, headers)

    async def _wait(self, places: Sequence[tuple[int, int]]) -> list[int]:
        waits = (self._applied.wait(partition, offset, self._timeout_seconds) for partition, offset in places)
        return await asyncio.gather(*waits)
