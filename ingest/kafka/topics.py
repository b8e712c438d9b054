"""Topics: made by ``eventide migrate``, looked at by ``eventide topics``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.errors import KafkaError

from ingest.kafka.applied import applied_topic
from ingest.kafka.log import Topic
from schema.errors import ConfigError, Unavailable
from schema.registry import Registry

ALREADY_EXISTS = 36
DELETION_SECONDS = 1
RETENTION_MS = 7 * 24 * 3600 * 1000


@dataclass(frozen=True)
class TopicPlan:
    """How topics are to be."""

    name: str
    partitions: int
    replication: int
    max_record_bytes: int


@dataclass(frozen=True)
class Lag:
    """How far a group is behind in one partition."""

    partition: int
    committed: int
    end: int

    @property
    def records(self) -> int:
        """Records not yet applied."""
        return max(0, self.end - self.committed)


def dlq_topic(events_topic: str) -> str:
    """Where records go that can never be written."""
    return f"{events_topic}.dlq"


async def ensure_topics(bootstrap: str, plan: TopicPlan, registry: Registry) -> Topic:
    """Create what is missing, add partitions if more are planned; the epoch rises with either.

    Entities change partitions when those change, and a new topic starts at offset 0: the epoch, the highest bits of
    every ``seq``, keeps what is written later on top. Raises Unavailable and ConfigError.
    """
    async with admin(bootstrap) as client:
        existing = await _partition_count(client, plan.name)
        if not existing and await _partition_count(client, applied_topic(plan.name)):
            await client.delete_topics([applied_topic(plan.name)])  # it speaks of another topic's offsets
            await asyncio.sleep(DELETION_SECONDS)
        await _create(client, plan)
        if existing and plan.partitions > existing:
            await client.create_partitions({plan.name: NewPartitions(plan.partitions)})
    partitions = max(existing, plan.partitions)
    known = await registry.topic(plan.name)
    epoch = _epoch(known, existing, partitions)
    if known != (epoch, partitions):
        await registry.set_topic(plan.name, epoch, partitions)
    return Topic(plan.name, epoch, partitions)


async def read_topic(name: str, registry: Registry) -> Topic:
    """The events topic. Raises ConfigError if there has been no ``eventide migrate``."""
    if (known := await registry.topic(name)) is None:
        raise ConfigError(f"Topic {name} is not known: run `eventide migrate` first")
    return Topic(name, *known)


async def group_lag(bootstrap: str, group: str, topic: Topic) -> list[Lag]:
    """The lag of every partition. Raises Unavailable."""
    partitions = [TopicPartition(topic.name, number) for number in range(topic.partitions)]
    committed = await committed_offsets(bootstrap, group, topic.name)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    try:
        await consumer.start()
        ends = await consumer.end_offsets(partitions)
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka is not available: {error!r}") from error
    finally:
        await consumer.stop()
    return [Lag(p.partition, committed.get(p.partition, 0), ends[p]) for p in partitions]


@asynccontextmanager
async def admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client. Kafka's errors are Unavailable."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await client.start()
        yield client
    except (KafkaError, OSError) as error:
        raise Unavailable(f"Kafka is not available: {error!r}") from error
    finally:
        await client.close()


async def committed_offsets(bootstrap: str, group: str, topic: str) -> dict[int, int]:
    """What a group has committed of a topic, by partition. Raises Unavailable."""
    async with admin(bootstrap) as client:
        found = await client.list_consumer_group_offsets(group)
    return {partition.partition: offset.offset for partition, offset in found.items() if partition.topic == topic}


def _epoch(known: tuple[int, int] | None, existing: int, partitions: int) -> int:
    if known is None:
        return 1
    epoch, known_partitions = known
    return epoch if existing and known_partitions == partitions else epoch + 1


async def _partition_count(client: AIOKafkaAdminClient, name: str) -> int:
    found = await client.describe_topics([name])
    return len(found[0]["partitions"]) if found and not found[0]["error_code"] else 0


async def _create(client: AIOKafkaAdminClient, plan: TopicPlan) -> None:
    in_sync = {"min.insync.replicas": str(max(1, plan.replication - 1)), "unclean.leader.election.enable": "false"}
    large = in_sync | {"max.message.bytes": str(plan.max_record_bytes), "retention.ms": str(RETENTION_MS)}
    topics = [
        _new_topic(plan.name, plan.partitions, plan, large),
        _new_topic(dlq_topic(plan.name), 1, plan, large | {"retention.ms": "-1"}),
        _new_topic(applied_topic(plan.name), 1, plan, in_sync | {"cleanup.policy": "compact"}),
    ]
    response = await client.create_topics(topics)
    for name, code, *text in response.topic_errors:
        if code not in (0, ALREADY_EXISTS):
            raise ConfigError(f"Topic {name} cannot be created: error {code} {' '.join(map(str, text))}")
    await asyncio.sleep(0.1)  # leaders appear within tens of milliseconds


def _new_topic(name: str, partitions: int, plan: TopicPlan, configs: Mapping[str, str]) -> NewTopic:
    return NewTopic(name, partitions, plan.replication, topic_configs=dict(configs))
