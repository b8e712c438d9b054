"""The topics, as ``eventide migrate`` makes and changes them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from ingest.kafka.admin import admin
from ingest.kafka.brokers import Brokers
from ingest.kafka.lag import LagReader, until_applied
from ingest.kafka.topic_lease import LEASE_SECONDS, Topic
from ingest.kafka.topic_names import applied_topic, dlq_topic
from schema.errors import ConfigError, Unavailable
from schema.events.blocks import EPOCH_BITS
from schema.registry import Registry

ALREADY_EXISTS = 36
SET_ON_THE_TOPIC = 1  # where a configuration comes from
DELETION_SECONDS = 1.0
MARGIN_SECONDS = 1.0  # between the clocks of gateways and brokers
RETENTION_MS = 7 * 24 * 3600 * 1000
# Deadlines of records are compared with the broker's time; workers know its clock from applied offsets they publish.
BROKERS_TIME = {"message.timestamp.type": "LogAppendTime"}
logger = logging.getLogger("eventide.topic")


@dataclass(frozen=True)
class TopicPlan:
    """The wanted state of the topics, and what has to end before they change.

    ``group``: the workers'. ``record_seconds``: how long a record may be under way (the gateways' timeout).
    ``drain_seconds``: how long the workers may take to apply what is there.
    """

    name: str
    partitions: int
    replication: int
    max_record_bytes: int
    group: str
    record_seconds: float
    drain_seconds: float = 120.0


async def ensure_topics(brokers: Brokers, plan: TopicPlan, registry: Registry) -> Topic:
    """Create what is missing, add partitions if more are planned; the epoch rises with either.

    Entities move to other partitions when those change, and a new topic starts at offset 0: the epoch, the highest bits
    of every ``seq``, keeps what is written later on top. No two epochs are ever written, or applied, at the same time:
    gateways answer 503 from when the topic is closed until it is opened again, with nothing of the old epoch left to
    apply. Call while holding ``Registry.exclusively``. Raises Unavailable (call again) and ConfigError.
    """
    known = await registry.topic(plan.name)
    async with admin(brokers) as client:
        existing = await _partition_count(client, plan.name)
        partitions = max(existing, plan.partitions)
        if known is None:
            await _create(client, plan)
            return await _open(registry, Topic(plan.name, 1, partitions))
        topic = Topic(plan.name, *known)
        if topic.partitions == existing == partitions:
            await _create(client, plan)
            await _keep_brokers_time(client, plan.name, applied_topic(plan.name))
            return topic
        if existing and partitions > existing:  # the workers find them, empty, while the old ones drain
            await client.create_partitions({plan.name: NewPartitions(partitions)})
        await _close(registry, topic, plan)
        if existing:
            await _drain(brokers, registry, topic, plan)
        else:
            await _make_anew(client, plan)
        await _keep_brokers_time(client, plan.name, applied_topic(plan.name))
    return await _open(registry, Topic(plan.name, topic.epoch + 1, partitions))


async def _close(registry: Registry, topic: Topic, plan: TopicPlan) -> None:
    """Close the topic: when this returns, no gateway writes, and nothing that one has sent has an effect any more."""
    logger.warning("topic %s is closed, to be changed", topic.name)
    await registry.set_topic(topic.name, topic.epoch, -abs(topic.partitions))
    await asyncio.sleep(LEASE_SECONDS + plan.record_seconds + MARGIN_SECONDS)


async def _open(registry: Registry, topic: Topic) -> Topic:
    if topic.epoch >= 1 << EPOCH_BITS:
        raise ConfigError(f"Topic {topic.name} has been changed {topic.epoch - 1} times, which is all it can be")
    await registry.set_topic(topic.name, topic.epoch, topic.partitions)
    return topic


async def _drain(brokers: Brokers, registry: Registry, topic: Topic, plan: TopicPlan) -> None:
    """Wait until everything of the old epoch is applied; if it is not in time, open the topic as it was."""
    partitions = abs(topic.partitions)
    async with LagReader(brokers, plan.name) as reader:
        left = await until_applied(reader, plan.group, range(partitions), plan.drain_seconds)
    if left:
        await _open(registry, Topic(topic.name, topic.epoch, partitions))
        behind = sum(lag.records for lag in left)
        raise Unavailable(f"{behind} records are not applied yet: the partitions in use stay {partitions}, try later")


async def _make_anew(client: AIOKafkaAdminClient, plan: TopicPlan) -> None:
    await client.delete_topics([applied_topic(plan.name)])  # its offsets are those of another topic
    await asyncio.sleep(DELETION_SECONDS)
    await _create(client, plan)


async def _partition_count(client: AIOKafkaAdminClient, name: str) -> int:
    found = await client.describe_topics([name])
    return len(found[0]["partitions"]) if found and not found[0]["error_code"] else 0


async def _create(client: AIOKafkaAdminClient, plan: TopicPlan) -> None:
    in_sync = {"min.insync.replicas": str(max(1, plan.replication - 1)), "unclean.leader.election.enable": "false"}
    large = in_sync | {"max.message.bytes": str(plan.max_record_bytes), "retention.ms": str(RETENTION_MS)}
    topics = [
        _new_topic(plan.name, plan.partitions, plan, large | BROKERS_TIME),
        _new_topic(dlq_topic(plan.name), 1, plan, large | {"retention.ms": "-1"}),
        _new_topic(applied_topic(plan.name), 1, plan, in_sync | BROKERS_TIME | {"cleanup.policy": "compact"}),
    ]
    response = await client.create_topics(topics)
    for name, code, *text in response.topic_errors:
        if code not in (0, ALREADY_EXISTS):
            raise ConfigError(f"Topic {name} cannot be created: error {code} {' '.join(map(str, text))}")
    await asyncio.sleep(0.1)  # leaders appear within tens of milliseconds


def _new_topic(name: str, partitions: int, plan: TopicPlan, configs: Mapping[str, str]) -> NewTopic:
    return NewTopic(name, partitions, plan.replication, topic_configs=dict(configs))


async def _keep_brokers_time(client: AIOKafkaAdminClient, *names: str) -> None:
    """Have these topics keep the broker's time, also those of other origin or an earlier version.

    Kafka's call replaces all of a topic's settings, so the others are sent along.
    """
    for name in names:
        answers = await client.describe_configs([ConfigResource(ConfigResourceType.TOPIC, name)])
        entries = [entry for answer in answers for resource in answer.resources for entry in resource[4]]
        own = {entry[0]: entry[1] for entry in entries if entry[3] == SET_ON_THE_TOPIC}
        if not own.items() >= BROKERS_TIME.items():
            await client.alter_configs([ConfigResource(ConfigResourceType.TOPIC, name, own | BROKERS_TIME)])
