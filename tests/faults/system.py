"""Eventide as an operator runs it, every process of which can be killed, paused and started again at any time."""

from __future__ import annotations

import asyncio
import secrets
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import psutil

from ingest.kafka.brokers import Brokers
from ingest.kafka.lag import Lag, LagReader
from schema.errors import Unavailable
from tests.faults.topic import parked_events
from tests.faults.unit import Unit
from tests.harness.api import Credentials
from tests.harness.deployment import (
    EVENTIDE,
    FIRST_USER,
    attempt_eventide,
    environment_with,
    own_database,
    run_eventide,
)
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import KafkaCluster
from tests.servers.looks import look

PARTITIONS = 6
Found = TypeVar("Found")


@dataclass(frozen=True)
class Servers:
    """What installations stand on. Whoever harms them heals them."""

    kafka: KafkaCluster
    clickhouse: ClickHouseServer
    directory: Path


@contextmanager
def servers(directory: Path) -> Iterator[Servers]:
    """Three brokers and a ClickHouse."""
    with ExitStack() as stack:
        kafka = stack.enter_context(KafkaCluster(3, directory / "kafka"))
        clickhouse = stack.enter_context(ClickHouseServer(directory / "clickhouse"))
        yield Servers(kafka, clickhouse, directory)


class System:
    """One installation: a topic, a database and a registry of its own, and the processes between them.

    As a context manager it is migrated and up inside, and gone at the end. ``gateway``: the command of gateways.
    """

    def __init__(
        self,
        servers: Servers,
        *,
        gateways: int = 2,
        workers: int = 2,
        queries: int = 2,
        gateway: Sequence[str] = EVENTIDE,
        **settings: object,
    ) -> None:
        self.name = f"eventide_{secrets.token_hex(4)}"
        self.servers = servers
        self.kafka, self.clickhouse = servers.kafka, servers.clickhouse
        self.directory = servers.directory / self.name
        self.credentials: Credentials = FIRST_USER
        self._counts = {"gateway": gateways, "worker": workers, "query": queries}
        self._gateway = gateway
        self._settings = settings
        self._started = 0
        self.partitions = PARTITIONS
        self.gateways: list[Unit] = []
        self.workers: list[Unit] = []
        self.queries: list[Unit] = []

    def __enter__(self) -> System:
        self.directory.mkdir(parents=True)
        self.environment = environment_with(
            {
                "DATA_DIR": str(self.directory),
                "REGISTRY_URL": f"sqlite:///{self.directory / 'registry.db'}",
                "KAFKA_BOOTSTRAP": self.kafka.bootstrap,
                "KAFKA_TOPIC": self.name,
                "KAFKA_GROUP": self.name,
                "KAFKA_PARTITIONS": str(self.partitions),
                "KAFKA_REPLICATION": "3",
                "CLICKHOUSE_URL": own_database(self.clickhouse.url, self.name),
            }
            | {name.upper(): str(value) for name, value in self._settings.items()}
        )
        try:
            self.command("migrate")
            self.gateways = [self.new("gateway", command=self._gateway) for _ in range(self._counts["gateway"])]
            self.workers = [self.new_worker() for _ in range(self._counts["worker"])]
            self.queries = [self.new("query") for _ in range(self._counts["query"])]
            self.heal()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def units(self) -> list[Unit]:
        """All processes."""
        return [*self.gateways, *self.workers, *self.queries]

    @property
    def group(self) -> str:
        """The workers' consumer group."""
        return self.name

    def new(self, tier: str, *flags: str, command: Sequence[str] = EVENTIDE) -> Unit:
        """A process that is not started yet and belongs to no list."""
        self._started += 1
        name = f"{tier}-{self._started}"
        return Unit(name, [*command, tier, *flags], self.directory / f"{name}.log", self.environment)

    def new_worker(self, *flags: str, is_static: bool = True, command: Sequence[str] = EVENTIDE) -> Unit:
        """A worker with a lasting name of its own, unless ``is_static`` is not wanted."""
        identity = ("--worker-id", f"worker-{self._started}") if is_static else ()
        return self.new("worker", *identity, *flags, command=command)

    def command(self, *arguments: str) -> str:
        """The output of another ``eventide`` command with the same settings."""
        return run_eventide(arguments, self.environment)

    def attempt(self, *arguments: str, program: Sequence[str] = EVENTIDE) -> tuple[int, str]:
        """Exit code and output of a command that may fail."""
        done = attempt_eventide(arguments, self.environment, program)
        return done.returncode, done.stdout + done.stderr

    def heal(self, seconds: float = 90) -> None:
        """Everything is up, unpaused and without faults when this returns. Ends a fault."""
        self.kafka.heal()
        self.clickhouse.resume()
        if not self.clickhouse.alive:
            self.clickhouse.start()
        self.clickhouse.clear_faults()
        for unit in self.units:
            unit.resume()
            if not unit.alive:
                unit.start()
        for unit in self.units:
            unit.wait_ready(seconds)

    def stop(self) -> None:
        """Kill all processes."""
        for unit in self.units:
            unit.kill()

    def lags(self, group: str | None = None) -> list[Lag]:
        """How far the workers are behind. Raises Unavailable."""

        async def ask() -> list[Lag]:
            async with LagReader(Brokers(self.kafka.bootstrap), self.name) as reader:
                return await reader.of_group(group or self.group, range(self.partitions))

        return asyncio.run(ask())

    def parked(self) -> dict[str, Counter[str]]:
        """By task the events that are on the DLQ."""
        return parked_events(self.kafka.bootstrap, self.name)

    def situation(self) -> str:
        """Where everything stands, for whoever looks into a failure."""
        states = [f"{unit.name}: {'alive' if unit.alive else 'dead'}, {unit.health()}" for unit in self.units]
        try:
            lags = [str(lag) for lag in self.lags()]
        except Unavailable as error:
            lags = [str(error)]
        return "\n".join((*states, *lags))

    def is_drained(self, group: str | None = None) -> bool:
        """Whether everything on the topic is committed."""
        try:
            return not any(lag.records for lag in self.lags(group))
        except Unavailable:
            return False


class Memory:
    """The most that processes have used of memory, by tier, sampled while inside."""

    def __init__(self, system: System) -> None:
        self._system = system
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.most_mb: dict[str, float] = {}

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.5):
            for unit in self._system.units:
                tier = unit.name.partition("-")[0]
                self.most_mb[tier] = max(self.most_mb.get(tier, 0.0), _rss_mb(unit))


def _rss_mb(unit: Unit) -> float:
    total = 0.0
    for pid in unit.pids:
        try:
            total = max(total, psutil.Process(pid).memory_info().rss / 1e6)
        except psutil.NoSuchProcess:
            continue
    return total


def until(found: Callable[[], Found], seconds: float, what: str = "") -> Found:
    """What ``found`` gives once it is true. Raises AssertionError when the time is up."""
    end = time.monotonic() + seconds
    while not (value := look(found, 0.05)):
        assert time.monotonic() < end, f"not within {seconds:g} s: {what or found}"
    return value
