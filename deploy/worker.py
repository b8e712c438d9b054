"""The command ``eventide worker``: writes what is on Kafka to ClickHouse. Up to one for each partition.

The command itself is a supervisor (``deploy/supervisor.py``); this is the process that it keeps running.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import sys
from functools import partial
from pathlib import Path

from deploy import components, kafka
from deploy.serve import start
from deploy.supervisor import RESTART, STOP_FOR_GOOD
from deploy.tracing import start_tracing
from ingest.kafka.brokers import Brokers
from ingest.kafka.dlq import DlqLimit, DlqLimitExceeded
from ingest.kafka.faust_worker import WorkerConfig, create_worker, run
from ingest.kafka.lag import LagReader
from ingest.kafka.producer import Producer
from ingest.kafka.sink import Sink
from ingest.rollups.scheduler import RollupScheduler
from schema import tracing
from schema.errors import ConfigError, Unavailable
from schema.http.health import Health, create_health_app
from schema.loop_delay import watch_loop
from schema.settings import Settings
from schema.store import Store

logger = logging.getLogger("eventide.worker")


def worker_process(settings: Settings) -> None:
    """Run until stopped or crashed; ends the process, with the writer's thread wherever it is."""
    start_tracing("worker", settings)
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    brokers = loop.run_until_complete(kafka.let_in(settings))
    sink, producer = loop.run_until_complete(_sink(settings, brokers))
    config = WorkerConfig(
        brokers,
        settings.kafka_topic,
        settings.kafka_group,
        str(_faust_directory(settings)),
        socket.gethostname() if settings.worker_id == "hostname" else settings.worker_id or None,
    )
    app = create_worker(config, sink, LagReader(brokers, config.topic, sink.clock))
    code = 0
    try:
        run(app, partial(_serve_health, settings, sink, producer), loop)
    except Exception as error:
        logger.error("the worker process ends: %r", error)
        code = _exit_code(sink.fatal or error)
    sink.stop()
    tracing.stop()
    sys.stderr.flush()
    os._exit(code)


def _exit_code(error: Exception) -> int:
    """Return the exit code that tells the supervisor whether to start the process again."""
    if isinstance(error, DlqLimitExceeded):
        return STOP_FOR_GOOD
    if isinstance(error, ConfigError):
        return 2
    return RESTART if isinstance(error, Unavailable) else 1


def _faust_directory(settings: Settings) -> Path:
    """Create the directory that Faust wants; it creates no parents itself. Raises ConfigError."""
    directory = settings.data_dir.resolve() / "faust"
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"EVENTIDE_DATA_DIR: {error}") from error
    return directory


async def _sink(settings: Settings, brokers: Brokers) -> tuple[Sink, Producer]:
    limit = DlqLimit(settings.dlq_max_run, settings.dlq_max_ratio)
    store = Store(components.server_engine(settings), readers=1)
    await store.check_version()
    rollup_scheduler = RollupScheduler(store)
    rollup_scheduler.start()
    topic, stall_seconds = settings.kafka_topic, settings.stall_seconds
    producer = components.producer(settings, brokers)
    return Sink(store, producer, topic, limit, stall_seconds, rollup_scheduler.wrote), producer


async def _serve_health(settings: Settings, sink: Sink, producer: Producer) -> None:
    """Serve ``/healthz``, ``/readyz`` and ``/metrics`` for as long as the worker runs."""
    alive = {"progress": sink.check_progress, "producer": producer.check_alive}
    health = Health(ready={"worker": sink.check_ready}, alive=alive)
    watch_loop()
    runner, _ = await start(create_health_app(health), settings, settings.port)
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
