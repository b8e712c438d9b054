"""Commands that administrate an installation: ``migrate``, ``topics``."""

from __future__ import annotations

import json

from deploy import components, first_start, kafka
from ingest.kafka.lag import LagReader
from ingest.kafka.topic_lease import read_topic
from ingest.kafka.topic_setup import TopicPlan, ensure_topics
from schema.registry import Registry
from schema.settings import Settings
from schema.store import Store
from schema.store.migrate import migrate as migrate_store


async def migrate(settings: Settings) -> None:
    """Bring registry, ClickHouse and topics up to date; safe to run again and at the same time."""
    brokers = await kafka.let_in(settings) if settings.kafka_bootstrap else None
    registry = components.unchecked_registry(settings)
    async with registry.exclusively():
        await registry.create_schema()
        if settings.clickhouse_url.get_secret_value():
            store = Store(components.server_engine(settings), readers=1)
            for name in migrate_store(store):
                print(f"applied {name}")
            store.close()
        if brokers:
            topic = await ensure_topics(brokers, _plan(settings), registry)
            print(f"topic {topic.name}: {topic.partitions} partitions, epoch {topic.epoch}")
        await _first_user(registry, settings)
    await registry.close()


async def topics(settings: Settings) -> None:
    """Print the events topic's partitions and how far the workers are behind."""
    brokers = await kafka.let_in(settings)
    registry = components.unchecked_registry(settings)
    topic = await read_topic(settings.kafka_topic, registry)
    await registry.close()
    state = ", closed (being changed)" if topic.is_closed else ""
    print(f"{topic.name}: {abs(topic.partitions)} partitions, epoch {topic.epoch}{state}")
    print("partition   committed         end  lag records  lag seconds")
    async with LagReader(brokers, topic.name) as reader:
        lags = await reader.of_group(settings.kafka_group, range(abs(topic.partitions)))
    for lag in lags:
        print(f"{lag.partition:9d}{lag.committed:12d}{lag.end:12d}{lag.records:13d}{lag.seconds:13.1f}")


async def _first_user(registry: Registry, settings: Settings) -> None:
    """Make sure of the first user: that of the settings, or, without any user, a made one, printed once."""
    if given := first_start.given_first(settings):
        await first_start.ensure_first_user(registry, settings, given)
    elif not await registry.has_users():
        made = first_start.make_credentials()
        await first_start.ensure_first_user(registry, settings, made)
        print(json.dumps(vars(made)))
    if first_start.given_web(settings):
        await first_start.ensure_web_user(registry, settings)


def _plan(settings: Settings) -> TopicPlan:
    return TopicPlan(
        settings.kafka_topic,
        settings.kafka_partitions,
        settings.kafka_replication,
        settings.kafka_max_record_bytes,
        settings.kafka_group,
        settings.kafka_timeout_seconds,
    )
