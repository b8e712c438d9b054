"""Topics from outside: what is on them, what is parked; and what no gateway would do to them."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ingest.kafka.admin import admin
from ingest.kafka.brokers import Brokers
from ingest.kafka.topic_names import dlq_topic
from schema.errors import RecordError
from schema.events.blocks import Block, decode
from tests.faults.truth import Event, name_of


@dataclass(frozen=True)
class Found:
    """A record as it lies on a topic."""

    partition: int
    offset: int
    timestamp_ms: int
    headers: dict[str, bytes]
    value: bytes


def records(bootstrap: str, topic: str) -> list[Found]:
    """All records of a topic, partition by partition."""
    return asyncio.run(_records(bootstrap, topic))


def parked_events(bootstrap: str, events_topic: str) -> dict[str, Counter[str]]:
    """By task the events that are on the DLQ; what is no block is left out."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records(bootstrap, dlq_topic(events_topic)):
        for event in events_of(record):
            found[event["task"]][name_of(event)] += 1
    return found


def events_of(record: Found) -> list[Event]:
    """The events of a record; none if it is no block."""
    try:
        content = decode(record.headers, record.value, 0, 0).content
    except RecordError:
        return []
    if not isinstance(content, Block):
        return []
    return [row | {"type": content.event_type} for row in content.columns.to_pylist()]


def produce(
    bootstrap: str, topic: str, partition: int, messages: Iterable[tuple[Mapping[str, bytes], bytes]]
) -> list[int]:
    """Put records on a topic as no gateway would; their offsets, once they are there."""
    return asyncio.run(_produce(bootstrap, topic, partition, messages))


def configure(bootstrap: str, topic: str, **settings: str) -> None:
    """Replace all settings of a topic; underscores stand for dots."""
    asyncio.run(_configure(bootstrap, topic, {name.replace("_", "."): value for name, value in settings.items()}))


async def _produce(
    bootstrap: str, topic: str, partition: int, messages: Iterable[tuple[Mapping[str, bytes], bytes]]
) -> list[int]:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        sent = [
            await producer.send_and_wait(topic, value, partition=partition, headers=list(headers.items()))
            for headers, value in messages
        ]
        return [receipt.offset for receipt in sent]


async def _configure(bootstrap: str, topic: str, settings: Mapping[str, str]) -> None:
    async with admin(Brokers(bootstrap)) as client:
        await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic, dict(settings))])


async def _records(bootstrap: str, topic: str) -> list[Found]:
    # Not by seeking: the reset to the end, which a consumer begins with otherwise, may be over later than the seek.
    options = {"enable_auto_commit": False, "auto_offset_reset": "earliest"}
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, **options)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends = await consumer.end_offsets(partitions)
        found: list[Found] = []
        while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            for tp, batch in (await consumer.getmany(timeout_ms=500)).items():
                found += [Found(tp.partition, r.offset, r.timestamp, dict(r.headers), r.value or b"") for r in batch]
        return found
    finally:
        await consumer.stop()
