"""The partitions of a topic that the members of a consumer group have between them."""

from __future__ import annotations

from aiokafka.coordinator.protocol import ConsumerProtocol

from ingest.kafka.admin import admin
from ingest.kafka.brokers import Brokers

STABLE = "Stable"  # every member knows its partitions


async def assigned_partitions(brokers: Brokers, group: str, topic: str) -> set[int] | None:
    """Return the partitions that some member has; None during a rebalance. Raises Unavailable."""
    async with admin(brokers) as client:
        (answer,) = await client.describe_consumer_groups([group])
    ((_, _, state, _, _, members, *_),) = answer.groups
    if state != STABLE:
        return None
    assignments = [ConsumerProtocol.ASSIGNMENT.decode(assignment) for *_, assignment in members if assignment]
    return {tp.partition for one in assignments for tp in one.partitions() if tp.topic == topic}
