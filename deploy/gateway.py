"""``eventide gateway``: takes events over HTTP and puts them on Kafka. Any number of them."""

from __future__ import annotations

from deploy import first_start
from deploy.serve import serve
from ingest.app import endpoints
from ingest.gateway import Gateway
from ingest.kafka.applied import AppliedOffsets
from ingest.kafka.log import KafkaLog
from ingest.kafka.producer import Producer
from ingest.kafka.topics import read_topic
from ingest.touch import Toucher
from schema.auth import Authenticator
from schema.health import Health
from schema.login import endpoints as login_endpoints
from schema.registry import Registry
from schema.settings import Settings
from schema.web import create_app


async def gateway(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    bootstrap = first_start.required(settings.kafka_bootstrap, "EVENTIDE_KAFKA_BOOTSTRAP")
    registry = Registry(first_start.registry_url(settings))
    topic = await read_topic(settings.kafka_topic, registry)
    producer = Producer(bootstrap, settings.kafka_max_record_bytes, settings.kafka_timeout_seconds)
    applied = AppliedOffsets(bootstrap, topic.name)
    log = KafkaLog(producer, applied, topic, settings.kafka_timeout_seconds)
    toucher = Toucher(registry)
    authenticator = Authenticator(registry, await first_start.token_secret(registry, settings))
    service = Gateway(registry, log, toucher, settings.ack, settings.validate_plots)
    table = endpoints.bind(service).merge(login_endpoints.bind(authenticator))
    health = Health({"kafka": producer.check, "applied": applied.check, "registry": registry.ping})
    await serve(create_app(table, authenticator, health, settings.max_body_bytes), health, settings)
    await applied.close()
    await producer.close()
    await toucher.close()
    await registry.close()
