"""The lag of a consumer group: in records, and in the age of the oldest that is not applied."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import GroupCoordinatorNotAvailableError, KafkaError
from aiokafka.structs import OffsetAndMetadata

from ingest.kafka.admin import admin
from ingest.kafka.broker_clock import BrokerClock
from ingest.kafka.brokers import Brokers
from schema.errors import Unavailable

LOOK_SECONDS = 3.0
ANSWER_MS = 10_000
STOP_SECONDS = 5.0
COORDINATOR_TRIES, COORDINATOR_SECONDS = 10, 0.3


@dataclass(frozen=True)
class Lag:
    """The lag of a group in one partition. ``committed``: 0 if nothing is."""

    partition: int
    committed: int
    begin: int
    end: int
    seconds: float = 0.0

    @property
    def records(self) -> int:
        """The records that are not applied, without those that retention has removed."""
        return max(0, self.end - max(self.committed, self.begin))


class LagReader:
    """A client that asks for offsets, as a member of no group.

    It connects by itself, and disconnects as a context manager. Every method raises Unavailable. ``clock``: by which
    records are old; without one, this process's, which may differ from the broker's that they bear the time of.
    """

    def __init__(self, brokers: Brokers, topic: str, clock: BrokerClock | None = None) -> None:
        self._brokers = brokers
        self._topic = topic
        self._clock = clock or BrokerClock()
        self._asked = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Disconnect; the next question connects again."""
        await self._disconnect()

    async def committed(self, group: str) -> dict[int, int]:
        """Return the committed offsets of a group, by partition."""
        return await committed_offsets(self._brokers, group, self._topic)

    async def of_group(self, group: str, partitions: Iterable[int]) -> list[Lag]:
        """Return the lag of a group, from its committed offsets."""
        committed = await self.committed(group)
        return await self.behind({partition: committed.get(partition, 0) for partition in partitions})

    async def behind(self, positions: Mapping[int, int]) -> list[Lag]:
        """Return the lag of a reader at these offsets, by partition."""
        tps = [TopicPartition(self._topic, partition) for partition in sorted(positions)]
        if not tps:
            return []
        async with self._asked:
            try:
                consumer = await self._connected()
                begins, ends = await consumer.beginning_offsets(tps), await consumer.end_offsets(tps)
                lags = [Lag(tp.partition, positions[tp.partition], begins[tp], ends[tp]) for tp in tps]
                starts = {lag.partition: max(lag.committed, lag.begin) for lag in lags if lag.records}
                since = await self._oldest(consumer, starts)
            except (KafkaError, OSError) as error:
                await self._disconnect()
                raise Unavailable(f"Kafka is not available: {error!r}") from error
        now = self._clock.now_ms() / 1000
        return [replace(lag, seconds=max(0.0, now - since.get(lag.partition, now))) for lag in lags]

    async def _connected(self) -> AIOKafkaConsumer:
        if self._consumer is None:
            # One record of each partition is read.
            self._consumer = AIOKafkaConsumer(
                **self._brokers.options,
                enable_auto_commit=False,
                max_partition_fetch_bytes=1,
                request_timeout_ms=ANSWER_MS,
            )
            await self._consumer.start()
        return self._consumer

    async def _disconnect(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_SECONDS):
                    await consumer.stop()

    async def _oldest(self, consumer: AIOKafkaConsumer, offsets: Mapping[int, int]) -> dict[int, float]:
        """Return when the record at each offset was appended, without those that cannot be read in LOOK_SECONDS.

        The consumer stays assigned: aiokafka may never stop one that has just been unsubscribed.
        """
        wanted = {TopicPartition(self._topic, partition): offset for partition, offset in offsets.items()}
        found: dict[int, float] = {}
        if not wanted:
            return found
        consumer.assign(list(wanted))
        for tp, offset in wanted.items():
            consumer.seek(tp, offset)
        end = time.monotonic() + LOOK_SECONDS
        while len(found) < len(wanted) and time.monotonic() < end:
            for tp, records in (await consumer.getmany(timeout_ms=200, max_records=len(wanted))).items():
                found.setdefault(tp.partition, records[0].timestamp / 1000)
        return found


async def committed_offsets(brokers: Brokers, group: str, topic: str) -> dict[int, int]:
    """Return the committed offsets of a group in a topic, by partition. Raises Unavailable."""
    async with admin(brokers) as client:
        found = await _group_offsets(client, group)
    offsets = {tp.partition: offset.offset for tp, offset in found.items() if tp.topic == topic}
    return {partition: offset for partition, offset in offsets.items() if offset >= 0}


async def _group_offsets(client: AIOKafkaAdminClient, group: str) -> Mapping[TopicPartition, OffsetAndMetadata]:
    """Ask for the offsets of a group; on a new cluster the first question makes the topic that holds them."""
    for _ in range(COORDINATOR_TRIES):
        with suppress(GroupCoordinatorNotAvailableError):
            return await client.list_consumer_group_offsets(group)  # type: ignore[no-any-return]
        await asyncio.sleep(COORDINATOR_SECONDS)
    return await client.list_consumer_group_offsets(group)  # type: ignore[no-any-return]


async def until_applied(reader: LagReader, group: str, partitions: Iterable[int], seconds: float) -> list[Lag]:
    """Wait until a group has applied everything that is there now; return the lags left when the time is up."""
    numbers, end = list(partitions), time.monotonic() + seconds
    ends = {lag.partition: lag.end for lag in await reader.of_group(group, numbers)}
    while True:
        lags = await reader.of_group(group, numbers)
        left = [lag for lag in lags if max(lag.committed, lag.begin) < ends[lag.partition]]
        if not left or time.monotonic() > end:
            return left
        await asyncio.sleep(0.5)
