"""The Faust worker: Kafka records -> writer -> acknowledgement, in order and never before the rows are stored.

What keeps acknowledged events safe here was measured on a real broker (docs/delivery.md):
- raw bytes in, one agent, ``noack_take``, and acks in order after the write;
- ``enable_acks = False`` first: Faust would else acknowledge what it drains when the agent dies;
- a contiguity guard before the write: after a rebalance Faust may skip records that nobody wrote. The process leaves
  before anything behind such a hole is acknowledged, and Kafka replays;
- static membership, and a supervisor that starts it again (``deploy/supervise.py``).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any

import faust

from ingest.sink import Sink
from schema.errors import EventsError

TAKE, WITHIN_SECONDS = 200, 0.05
SESSION_SECONDS, HEARTBEAT_SECONDS = 10, 1
LONGEST_WRITE_SECONDS = 3600

Committed = Callable[[], Awaitable[dict[int, int]]]  # what the group has committed, by partition
logger = logging.getLogger("eventide.worker")


class Hole(EventsError):
    """Records were skipped that nobody wrote: leave before anything behind them is acknowledged."""


@dataclass(frozen=True)
class WorkerConfig:
    """Where a worker reads, and as whom."""

    bootstrap: str
    topic: str
    group: str
    data_dir: str
    instance_id: str | None


def create_worker(config: WorkerConfig, sink: Sink, committed: Committed) -> faust.App:
    """The Faust application that feeds ``sink``."""
    app = _app(config)
    topic = app.topic(config.topic, value_serializer="raw", key_serializer="raw")
    guard = Contiguity(app, committed)

    @app.agent(topic, concurrency=1)
    async def consume(stream: Any) -> None:
        stream.enable_acks = False
        async for events in stream.noack_take(TAKE, within=WITHIN_SECONDS):
            await guard.check(event.message for event in events)
            await sink.write([event.message for event in events])
            for event in events:
                await stream.ack(event)

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(_: faust.App, assignment: Iterable[Any], **__: Any) -> None:
        partitions = sorted(tp.partition for tp in assignment if tp.topic == config.topic)
        logger.info("assigned partitions %s", partitions)
        known = await committed()
        await sink.assign({partition: known.get(partition) for partition in partitions})

    @app.on_partitions_revoked.connect(weak=False)
    async def revoked(_: faust.App, revoked: Iterable[Any], **__: Any) -> None:
        sink.revoke(tp.partition for tp in revoked if tp.topic == config.topic)

    return app


def run(app: faust.App, beside: Callable[[], Awaitable[None]], loop: asyncio.AbstractEventLoop) -> None:
    """Run until a signal or a crash, with ``beside`` as a task of the same loop. Always raises SystemExit."""
    app.task()(beside)
    worker = faust.Worker(app, loop=loop, loglevel=None, override_logging=False, redirect_stdouts=False, quiet=True)
    worker.execute_from_commandline()


class Contiguity:
    """For each partition the offset that may come next: what this process wrote, or what the group has committed."""

    def __init__(self, app: faust.App, committed: Committed) -> None:
        self._app = app
        self._committed = committed
        self._next: dict[int, int] = {}

    async def check(self, messages: Iterable[Any]) -> None:
        """Raises Hole, or Unavailable if that cannot be found out."""
        for message in messages:
            expected = self._next.get(message.partition, 0)
            if message.offset > expected and message.offset > await self._floor(message):
                raise Hole(f"Partition {message.partition}: got {message.offset}, next is {expected}")
            self._next[message.partition] = max(expected, message.offset + 1)

    async def _floor(self, message: Any) -> int:
        """Where another worker, or retention, left off: one admin round trip for each newly assigned partition."""
        committed = (await self._committed()).get(message.partition)
        if committed is not None and message.offset <= committed:
            return committed
        earliest = await self._app.consumer.earliest_offsets(message.tp)
        return int(earliest[message.tp])


def _app(config: WorkerConfig) -> faust.App:
    return faust.App(
        config.group,
        broker=[f"kafka://{server}" for server in config.bootstrap.split(",")],
        store="memory://",
        datadir=config.data_dir,
        value_serializer="raw",
        key_serializer="raw",
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        agent_supervisor="mode.CrashingSupervisor",
        stream_wait_empty=False,
        consumer_group_instance_id=config.instance_id,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1 << 20,
        consumer_metadata_max_age_ms=30_000,
        broker_commit_interval=1.0,
        broker_commit_every=1000,
        broker_max_poll_records=256,
        stream_buffer_maxsize=1024,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_request_timeout=60,
        broker_rebalance_timeout=60,
        broker_max_poll_interval=LONGEST_WRITE_SECONDS,
        producer_acks=-1,
    )
