"""The producer and a topic that gets more partitions."""

from __future__ import annotations

import asyncio
import secrets
import time
from pathlib import Path

import pytest
from aiokafka.admin import NewPartitions, NewTopic

from ingest.kafka.admin import admin
from ingest.kafka.brokers import Brokers
from ingest.kafka.producer import Message, Producer
from schema.errors import Unavailable
from tests.servers.choice import Kafka
from tests.servers.kafka import KafkaCluster


def test_partitions_that_were_added_are_written_to_at_once(kafka: Kafka) -> None:
    asyncio.run(write_before_and_after(kafka.bootstrap, f"grows-{secrets.token_hex(4)}"))


async def write_before_and_after(bootstrap: str, topic: str) -> None:
    """Partition 2 is unknown, and then it is not."""
    async with admin(Brokers(bootstrap)) as client:
        await client.create_topics([NewTopic(topic, 1, 1)])
        producer = Producer(Brokers(bootstrap), 1 << 20, 20)
        await producer.connected(20)
        await producer.send([message(topic, 0)])
        with pytest.raises(Unavailable):
            await producer.send([message(topic, 2)])
        await client.create_partitions({topic: NewPartitions(3)})
        receipts = await asyncio.gather(*(until_sent(producer, message(topic, number)) for number in range(3)))
        await producer.close()
    assert receipts == [1, 0, 0]


async def until_sent(producer: Producer, sent: Message) -> int:
    """Its offset; the brokers tell each other of new partitions within moments."""
    async with asyncio.timeout(20):
        while True:
            try:
                return (await producer.send([sent]))[0].offset
            except Unavailable:
                await asyncio.sleep(0.1)


def message(topic: str, partition: int) -> Message:
    """To one partition."""
    return Message(topic, partition, b"key", b"value", {})


def test_a_dead_kafka_is_noticed_at_once_though_nothing_is_sent(tmp_path: Path) -> None:
    with KafkaCluster(3, tmp_path) as cluster:
        asyncio.run(notice_death(cluster))


async def notice_death(cluster: KafkaCluster) -> None:
    """One of three brokers may be away, also the only one that is named; all may not."""
    producer = Producer(Brokers(cluster.address(1)), 1 << 20, 20)
    await producer.connected(20)
    await producer.check()
    await asyncio.to_thread(cluster.kill, 1)
    await producer.check()
    for node in (2, 3):
        await asyncio.to_thread(cluster.kill, node)
    started = time.monotonic()
    with pytest.raises(Unavailable, match="No Kafka broker accepts connections"):
        await producer.check()
    assert time.monotonic() - started < 2
    await producer.close()
