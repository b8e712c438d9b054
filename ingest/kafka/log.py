"""The log on Kafka: one record for each block, all of an entity's in one partition."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence

from ingest.kafka.applied_offsets import AppliedOffsets
from ingest.kafka.producer import Message, Producer
from ingest.kafka.topic_lease import Topic, TopicLease
from ingest.log import IsAbandoned, current_request, never
from schema.errors import ClientGone, Unavailable
from schema.events.blocks import Block, Content, Deletion, encode, is_late, partition_of
from schema.tracing import PRODUCER, span

MAX_BLOCK_BYTES = 2 << 20  # uncompressed; a single row may be larger

Pieces = Sequence[tuple[int, Content]]  # with their partitions


class LateRecord(Unavailable):
    """A record was appended after its deadline, so that no worker applies it."""


class KafkaLog:
    """The implementation of ``ingest.log.Log`` on Kafka."""

    reads_wait = False

    def __init__(
        self, producer: Producer, applied: AppliedOffsets, current: TopicLease, timeout_seconds: float
    ) -> None:
        self._producer = producer
        self._applied = applied
        self._current = current
        self._timeout_seconds = timeout_seconds

    async def publish(self, blocks: Sequence[Block], visible: bool, is_abandoned: IsAbandoned = never) -> None:
        """Send every block's record, then await them all; if ``visible``, until they are readable."""

        def cut(topic: Topic) -> Pieces:
            return [piece for block in blocks for piece in block.split(topic.partitions, MAX_BLOCK_BYTES)]

        with span("publish", PRODUCER):
            places = await self._send_in_time(cut, is_abandoned)
        if visible:
            await self._wait(places)

    async def delete(self, deletion: Deletion, is_abandoned: IsAbandoned = never) -> int:
        """Send the deletion behind all that was written before, and wait until it is applied."""

        def cut(topic: Topic) -> Pieces:
            return [(partition_of(deletion.company, deletion.entity, topic.partitions), deletion)]

        with span("publish", PRODUCER):
            places = await self._send_in_time(cut, is_abandoned)
        return sum(await self._wait(places))

    async def check(self) -> None:
        """Raise Unavailable while nothing can be published."""
        self._current.get()
        await self._producer.check()

    async def _send_in_time(self, cut: Callable[[Topic], Pieces], is_abandoned: IsAbandoned) -> list[tuple[int, int]]:
        """Send what ``cut`` makes; again if only a clock that is not measured yet made it late: no worker applies that.

        Raises what ``_send`` raises.
        """
        until = time.monotonic() + self._timeout_seconds
        try:
            return await self._send(cut, until, is_abandoned)
        except LateRecord:
            if time.monotonic() > until:
                raise
            return await self._send(cut, until, is_abandoned)

    def _deadline_ms(self, until: float) -> int:
        """Return the deadline of records that are sent from now on, by the broker's clock.

        It is computed before the topic is read, so that no lease lasts longer than the deadline.
        """
        return self._producer.clock.now_ms() + round((until - time.monotonic()) * 1000)

    async def _send(
        self, cut: Callable[[Topic], Pieces], until: float, is_abandoned: IsAbandoned
    ) -> list[tuple[int, int]]:
        """Send the pieces of the topic as it is now; return (partition, offset) of each. ``until``: monotonic seconds.

        Raises LateRecord if one was appended to the topic after its deadline, Unavailable, and ClientGone if the client
        has left.
        """
        deadline_ms = self._deadline_ms(until)
        topic = self._current.get()
        pieces = cut(topic)
        skew_ms = round(self._producer.clock.skew_seconds * 1000)
        messages = [_message(topic, partition, content, deadline_ms, skew_ms) for partition, content in pieces]
        if is_abandoned():
            raise ClientGone("The client has closed its connection")
        receipts = await self._producer.send(messages)
        for message, receipt in zip(messages, receipts, strict=True):
            if receipt.appended_ms is None:
                raise Unavailable(f"Topic {topic.name} does not keep the broker's time: run `eventide migrate`")
            if is_late(message.headers, receipt.appended_ms):
                seconds = (receipt.appended_ms - deadline_ms) / 1000
                raise LateRecord(f"A record came {seconds:.1f} s late")
        return [(partition, receipt.offset) for (partition, _), receipt in zip(pieces, receipts, strict=True)]

    async def _wait(self, places: Sequence[tuple[int, int]]) -> list[int]:
        waits = (self._applied.wait(partition, offset, self._timeout_seconds) for partition, offset in places)
        with span("wait until visible"):
            return await asyncio.gather(*waits)


def _message(topic: Topic, partition: int, content: Content, deadline_ms: int, skew_ms: int) -> Message:
    key, headers, value = encode(content, topic.epoch, deadline_ms, clock_skew_ms=skew_ms)
    return Message(topic.name, partition, key, value, headers | current_request().headers)
