"""The command ``eventide gateway``: takes events over HTTP and puts them on Kafka. Any number of them."""

from __future__ import annotations

from functools import partial

from deploy import access, adapters, components, kafka
from deploy.endpoint_catalog import all_endpoints
from deploy.serve import serve
from deploy.tracing import start_tracing
from ingest.app import endpoints
from ingest.gateway import Gateway
from ingest.kafka.applied_offsets import AppliedOffsets
from ingest.kafka.dlq_depth import DlqDepth
from ingest.kafka.lag import LagReader
from ingest.kafka.log import KafkaLog
from ingest.kafka.topic_lease import TopicLease, read_topic
from ingest.kafka.unapplied import UnappliedRecords
from ingest.last_update import LastUpdateRecorder
from ingest.metric_quotas import MetricQuotas
from ingest.quotas import WriteQuotas
from ingest.refused_events import RefusedEvents
from schema.http.dispatcher import create_app
from schema.http.health import Health
from schema.http.login import endpoints as login_endpoints
from schema.settings import Settings


async def gateway(settings: Settings) -> None:
    """Run until stopped. Raises ConfigError."""
    start_tracing("gateway", settings)
    brokers = await kafka.let_in(settings)
    registry = await components.registry(settings)
    topic = await read_topic(settings.kafka_topic, registry)
    producer = components.producer(settings, brokers)
    applied = AppliedOffsets(brokers, topic.name)
    current = TopicLease(topic, registry, applied.restart)
    log = KafkaLog(producer, applied, current, settings.kafka_timeout_seconds)
    dlq = DlqDepth(brokers, topic.name)
    unapplied = UnappliedRecords(LagReader(brokers, topic.name, producer.clock), applied, current)
    last_update_recorder = LastUpdateRecorder(registry)
    refused_events = RefusedEvents(registry)
    authenticator = components.authenticator(registry, await access.token_secret(registry, settings), settings)
    ledger = await components.quota_ledger(settings, registry, is_gateway=True)
    quotas = WriteQuotas(ledger, MetricQuotas(ledger, registry))
    service = Gateway(
        registry, log, last_update_recorder, quotas, refused_events, settings.ack, settings.validate_plots
    )
    silent = adapters.silent(settings)
    table = endpoints.bind(service).merge(login_endpoints.bind(authenticator)).without(silent)
    health = Health(
        ready={"kafka": log.check, "applied": applied.check, "registry": registry.ping},
        alive={
            "producer": producer.check_alive,
            "applied": applied.check_alive,
            "topic": current.check_alive,
            "unapplied": unapplied.check_alive,
            "dlq": dlq.check_alive,
        },
        details={"unapplied": unapplied.detail, "clock": producer.clock.detail},
    )
    limits, proxies = components.limits(settings), components.proxies(settings)
    admission = components.admission(settings)
    described, spoken = partial(all_endpoints, silent), adapters.dialects(settings)
    who = table, authenticator, health, limits, described
    app = create_app(*who, proxies=proxies, admission=admission, dialects=spoken)
    await serve(app, health, settings, settings.port)
    for part in (unapplied, dlq, current, applied, producer, last_update_recorder, refused_events, ledger, registry):
        await part.close()
