"""``eventide gateway``: takes events over HTTP and puts them on Kafka. Any number of them."""

from __future__ import annotations

from deploy import parts
from deploy.calls import all_calls
from deploy.serve import serve
from ingest.app import endpoints
from ingest.gateway import Gateway
from ingest.kafka.applied import AppliedOffsets
from ingest.kafka.current import CurrentTopic, read_topic
from ingest.kafka.log import KafkaLog
from ingest.touch import Toucher
from schema.health import Health
from schema.login import endpoints as login_endpoints
from schema.registry import Registry
from schema.settings import Settings
from schema.web import create_app


async def gateway(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    bootstrap = parts.required(settings.kafka_bootstrap, "EVENTIDE_KAFKA_BOOTSTRAP")
    registry = Registry(parts.registry_url(settings))
    topic = await read_topic(settings.kafka_topic, registry)
    producer = parts.producer(settings)
    applied = AppliedOffsets(bootstrap, topic.name)
    current = CurrentTopic(topic, registry, applied.restart)
    log = KafkaLog(producer, applied, current, settings.kafka_timeout_seconds)
    toucher = Toucher(registry)
    authenticator = parts.authenticator(registry, await parts.token_secret(registry, settings), settings)
    service = Gateway(registry, log, toucher, settings.ack, settings.validate_plots)
    table = endpoints.bind(service).merge(login_endpoints.bind(authenticator))
    health = Health(
        ready={"kafka": log.check, "applied": applied.check, "registry": registry.ping},
        alive={"producer": producer.check_alive, "applied": applied.check_alive, "topic": current.check_alive},
    )
    await serve(create_app(table, authenticator, health, parts.limits(settings), all_calls), health, settings)
    await current.close()
    await applied.close()
    await producer.close()
    await toucher.close()
    await registry.close()
