"""The Faust worker: Kafka records -> sink -> commit, in order and never before the rows are stored.

Four measures keep acknowledged events safe; they were measured on a real broker
(docs/adr/0006-faust-behind-an-offset-guard.md):

- raw bytes in, one agent, ``noack_take``; Faust's own acknowledgements are off (``acks=False``, ``enable_acks``): it
  would acknowledge what it drains when the agent dies, and commit over records that it skipped;
- a check for gaps before the write: after a rebalance Faust may skip records that nobody wrote. The process ends before
  anything behind such a gap is committed, and Kafka replays;
- only offsets that the offset tracker knows to be written are committed;
- static membership, and a supervisor that starts the process again (``deploy/supervisor.py``).

Every worker watches for partitions that are added later. Of a consumer group only the leader does, and a group of
static members may have none that knows: to a leader that is started again within its session Kafka gives its old
assignment without telling it that it leads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import faust
from faust.auth import OAuthCredentials, SASLCredentials, SSLCredentials
from faust.types import TP
from mode.utils.queues import ThrowableQueue

from ingest.kafka.admin import is_connection_lost
from ingest.kafka.brokers import Brokers
from ingest.kafka.lag import LagReader
from ingest.kafka.members import assigned_partitions
from ingest.kafka.offset_tracker import OffsetGap, OffsetTracker
from ingest.kafka.sink import Sink
from schema.errors import Unavailable
from schema.metrics import BUFFER_BYTES as BUFFER_BYTES_GAUGE
from schema.metrics import BUFFER_LIMIT, LAG_RECORDS, LAG_SECONDS, REBALANCES

TAKE, WITHIN_SECONDS = 200, 0.05
WRITE_BYTES = 32 << 20  # of messages that are written in one go
BUFFER_BYTES = 64 << 20  # of messages that wait while a batch is written
SESSION_SECONDS, HEARTBEAT_SECONDS = 10, 1
LONGEST_WRITE_SECONDS = 3600
COMMIT_SECONDS = 1.0
LAG_INTERVAL_SECONDS = 5.0
METADATA_SECONDS = 10.0

Beside = Callable[[], Awaitable[None]]
logger = logging.getLogger("eventide.worker")


@dataclass(frozen=True)
class WorkerConfig:
    """Brokers, topic, group and member of a worker."""

    brokers: Brokers
    topic: str
    group: str
    data_dir: str
    instance_id: str | None


def create_worker(config: WorkerConfig, sink: Sink, reader: LagReader) -> faust.App:
    """Create the Faust application that feeds ``sink``."""
    app = _app(config)
    topic = app.topic(config.topic, value_serializer="raw", key_serializer="raw", acks=False)
    progress = OffsetTracker(config.group, reader, lambda offsets: _commit(app, config.topic, offsets))

    @app.agent(topic, concurrency=1)
    async def consume(stream: Any) -> None:
        stream.enable_acks = False
        async for events in stream.noack_take(TAKE, within=WITHIN_SECONDS):
            for messages in portions([event.message for event in events]):
                await progress.check(messages)
                await sink.write(messages)
                progress.written(messages)

    @app.on_partitions_assigned.connect(weak=False)
    async def assigned(_: faust.App, assignment: Iterable[Any], **__: Any) -> None:
        REBALANCES.inc()
        await sink.assign(await progress.assign(tp.partition for tp in assignment if tp.topic == config.topic))

    @app.on_partitions_revoked.connect(weak=False)
    async def revoked(_: faust.App, revoked: Iterable[Any], **__: Any) -> None:
        partitions = [tp.partition for tp in revoked if tp.topic == config.topic]
        await progress.revoke(partitions)
        sink.revoke(partitions)

    app.task()(lambda: _commit_regularly(progress))
    app.task()(lambda: _measure_lag(reader, progress, sink))
    app.task()(lambda: _find_owners(app, config))
    return app


def run(app: faust.App, beside: Beside, loop: asyncio.AbstractEventLoop) -> None:
    """Run until a signal, with ``beside`` as a task of the same loop.

    Raises Unavailable if Kafka was lost or records were skipped, which a new process mends, else what crashed Faust.
    """
    app.task()(beside)
    worker = faust.Worker(app, loop=loop, loglevel=None, override_logging=False, redirect_stdouts=False, quiet=True)
    try:
        worker.execute_from_commandline()
    except SystemExit as end:
        reason = worker.crash_reason or app.crash_reason or end.__context__
        if end.code and (isinstance(reason, OffsetGap) or is_connection_lost(reason)):
            raise Unavailable(repr(reason)) from reason
        if end.code:
            raise reason or RuntimeError(f"Faust ended with {end.code}") from end


def portions(messages: Sequence[Any]) -> Iterator[list[Any]]:
    """Yield the messages in their order, WRITE_BYTES at a time, or a single larger one."""
    portion: list[Any] = []
    size = 0
    for message in messages:
        length = len(message.value or b"")
        if portion and size + length > WRITE_BYTES:
            yield portion
            portion, size = [], 0
        portion.append(message)
        size += length
    if portion:
        yield portion


async def _commit_regularly(progress: OffsetTracker) -> None:
    while True:
        await asyncio.sleep(COMMIT_SECONDS)
        await progress.commit()


async def _commit(app: faust.App, topic: str, offsets: dict[int, int]) -> bool:
    """Commit through Faust's consumer, past its own bookkeeping. Returns False if the group does not accept it."""
    consumer: Any = app.consumer
    return bool(await consumer._commit({TP(topic, partition): offset for partition, offset in offsets.items()}))


async def _find_owners(app: faust.App, config: WorkerConfig) -> None:
    """Rejoin the group while a partition belongs to no member: when the leader does, all are assigned anew."""
    owned = 0
    while True:
        await asyncio.sleep(METADATA_SECONDS)
        thread: Any = app.consumer._thread  # type: ignore[attr-defined]
        if (consumer := thread._consumer) is None or (known := _partition_count(consumer, config.topic)) == owned:
            continue
        try:
            assigned = await assigned_partitions(config.brokers, config.group, config.topic)
        except Unavailable as error:
            logger.warning("it is not known which partitions belong to whom: %s", error)
            continue
        owned = len(assigned or ())
        if assigned is not None and owned < known:
            logger.warning("only partitions %s of %d belong to somebody: joining again", sorted(assigned), known)
            thread.thread_loop.call_soon_threadsafe(consumer._coordinator.request_rejoin)


def _partition_count(consumer: Any, topic: str) -> int:
    return len(consumer.partitions_for_topic(topic) or ())


async def _measure_lag(reader: LagReader, progress: OffsetTracker, sink: Sink) -> None:
    """Measure the lag for the metrics, and for ``/healthz``, which must tell waiting from being stuck."""
    while True:
        try:
            lags = await reader.behind(progress.positions())
        except Unavailable as error:
            logger.warning("the lag is not known: %s", error)
            lags = []
        sink.lag_records = sum(lag.records for lag in lags)
        LAG_RECORDS.clear()
        LAG_SECONDS.clear()
        for lag in lags:
            LAG_RECORDS.labels(lag.partition).set(lag.records)
            LAG_SECONDS.labels(lag.partition).set(lag.seconds)
        await asyncio.sleep(LAG_INTERVAL_SECONDS)


class ByteBoundQueue(ThrowableQueue[Any]):
    """A queue that is also full at BUFFER_BYTES, so that large records do not fill the memory."""

    _bytes = 0

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        BUFFER_BYTES_GAUGE.follow(self, lambda queue: queue._bytes)
        BUFFER_LIMIT.follow(self, lambda _: BUFFER_BYTES)

    def full(self) -> bool:
        return super().full() or self._bytes >= BUFFER_BYTES

    def clear(self) -> None:
        super().clear()
        self._bytes = 0

    def _put(self, item: Any) -> None:
        super()._put(item)
        self._bytes += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self._bytes -= _size(item)
        return item


def _size(event: Any) -> int:
    return len(event.message.value or b"") if hasattr(event, "message") else 0


class App(faust.App):
    """A Faust application with a bound on what waits."""

    def FlowControlQueue(self, maxsize: int | None = None, *, clear_on_resume: bool = False) -> ThrowableQueue[Any]:
        return ByteBoundQueue(maxsize=maxsize, flow_control=self.flow_control, clear_on_resume=clear_on_resume)


def _credentials(brokers: Brokers) -> Any:
    """Return Faust's form of how connections are secured."""
    if brokers.sasl and brokers.sasl.tokens:
        return OAuthCredentials(oauth_cb=brokers.sasl.tokens, ssl_context=brokers.tls)
    if brokers.sasl:
        mechanism, name, password = brokers.sasl.mechanism, brokers.sasl.username, brokers.sasl.password
        return SASLCredentials(username=name, password=password, ssl_context=brokers.tls, mechanism=mechanism)
    return SSLCredentials(context=brokers.tls) if brokers.tls else None


def _app(config: WorkerConfig) -> faust.App:
    return App(
        config.group,
        broker=[f"kafka://{server}" for server in config.brokers.bootstrap.split(",")],
        broker_credentials=_credentials(config.brokers),
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
        consumer_metadata_max_age_ms=int(METADATA_SECONDS * 1000),
        broker_commit_interval=1.0,
        broker_max_poll_records=256,
        stream_buffer_maxsize=1024,
        broker_session_timeout=SESSION_SECONDS,
        broker_heartbeat_interval=HEARTBEAT_SECONDS,
        broker_request_timeout=60,
        broker_rebalance_timeout=60,
        broker_max_poll_interval=LONGEST_WRITE_SECONDS,
        producer_acks=-1,
    )
