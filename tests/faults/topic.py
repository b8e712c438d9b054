"""Looks at topics from outside: what is on them, what is parked."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition

from ingest.kafka.names import dlq_topic
from schema.blocks import Block, decode
from schema.errors import RecordError
from tests.faults.system import System
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


def parked_events(system: System) -> dict[str, Counter[str]]:
    """By task the events that are on the DLQ; what is no block is left out."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for record in records(system.kafka.bootstrap, dlq_topic(system.name)):
        for event in _events(record):
            found[event["task"]][name_of(event)] += 1
    return found


def _events(record: Found) -> list[Event]:
    try:
        content = decode(record.headers, record.value, 0, 0).content
    except RecordError:
        return []
    if not isinstance(content, Block):
        return []
    return [row | {"type": content.event_type} for row in content.rows.to_pylist()]


async def _records(bootstrap: str, topic: str) -> list[Found]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends = await consumer.end_offsets(partitions)
        await consumer.seek_to_beginning(*partitions)
        found: list[Found] = []
        while [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            for tp, batch in (await consumer.getmany(timeout_ms=500)).items():
                found += [Found(tp.partition, r.offset, r.timestamp, dict(r.headers), r.value or b"") for r in batch]
        return found
    finally:
        await consumer.stop()
