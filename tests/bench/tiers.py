"""Separate processes between a Kafka broker and ClickHouse's engine over HTTP."""

from __future__ import annotations

import math
import re
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.bench.bench import Bench, Service
from tests.bench.load import resident_mb, send_all, settle, steady
from tests.bench.measure import Figure, percentile
from tests.bench.reference import LINES, line_bodies
from tests.harness.api import Api
from tests.harness.deployment import distributed
from tests.servers.clickhouse import ClickHouseServer
from tests.servers.kafka import KafkaCluster

EVENTS_PER_SECOND, PER_REQUEST, SECONDS = 20_000, 1000, 20.0


def measure(bench: Bench) -> None:
    """The gateway alone, the worker catching up alone, then freshness under a steady load."""
    with separate_processes() as service:
        _gateway_then_worker(bench, service)
        _visible(bench, service)
        _freshness(bench, service)
        for tier, goal in (("gateway", 150), ("worker", 400)):
            bench.results.add(Figure(f"memory, {tier}", _memory(service, tier), "MB", goal))


def _gateway_then_worker(bench: Bench, service: Service) -> None:
    """The worker stands still while the gateway works: each has the machine for itself."""
    bodies = line_bodies(service.tasks(20), 5000, bench.times(200))
    worker = service.deployment.processes["worker"]
    worker.terminate()
    sent = send_all(service.clients(4), bodies, LINES, service.pids("gateway"), ack="durable")
    events = len(bodies) * 5000
    bench.results.add(Figure("gateway with Kafka, a core-second", events / sent.cpu, "events/s", 150e3))
    bench.results.add(Figure("gateway with Kafka, 4 clients", events / sent.seconds, "events/s"))
    worker.start()
    first, last = _caught_up(service, events)
    rows = last.rows - first.rows
    bench.results.add(Figure("worker, a core-second", rows / (last.cpu - first.cpu), "rows/s", 600e3))
    bench.results.add(Figure("worker catching up", rows / (last.at - first.at), "rows/s"))


def _visible(bench: Bench, service: Service) -> None:
    (client,), bodies = service.clients(1), line_bodies(service.tasks(1), 50, bench.times(200))
    settle(service.pids("gateway"))
    sent = send_all([client], bodies, LINES, ack="visible")
    bench.results.add(Figure("visible acknowledgement, p50", percentile(sent.latencies, 50), "ms", 100))
    bench.results.add(Figure("visible acknowledgement, p99", percentile(sent.latencies, 99), "ms", 250))


def _freshness(bench: Bench, service: Service) -> None:
    bodies = line_bodies(service.tasks(20), PER_REQUEST, 400)
    before = _buckets(_metrics(service))
    with steady(service.clients(4), bodies, EVENTS_PER_SECOND / PER_REQUEST):
        time.sleep(SECONDS * bench.scale)
    time.sleep(2)
    bound = _quantile(before, _buckets(_metrics(service)), 0.99)
    bench.results.add(Figure("freshness at 20 k events/s, p99 (bound of its bucket)", bound * 1000, "ms", 1000))


@dataclass(frozen=True)
class Progress:
    """Rows written, CPU-seconds used, and when that was."""

    rows: float
    cpu: float
    at: float


def _caught_up(service: Service, events: int) -> tuple[Progress, Progress]:
    """The worker's progress at its first rows, and at so many."""
    first = _progress(service, 1)
    return first, _progress(service, events)


def _progress(service: Service, rows: float) -> Progress:
    while True:
        with suppress(OSError):
            text = _metrics(service)
            written = _value(text, 'eventide_rows_written_total{table="scalars"}')
            if written >= rows:
                return Progress(written, _value(text, "process_cpu_seconds_total"), time.perf_counter())
        time.sleep(0.05)


def _metrics(service: Service) -> str:
    with urllib.request.urlopen(f"{service.deployment.worker}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def _value(text: str, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _buckets(text: str) -> dict[float, float]:
    """Cumulative counts of the freshness histogram, by upper bound in seconds."""
    found = re.findall(r'^eventide_freshness_seconds_bucket\{le="(\S+)"\} (\S+)$', text, re.MULTILINE)
    return {float(bound.replace("+Inf", "inf")): float(count) for bound, count in found}


def _quantile(before: dict[float, float], after: dict[float, float], share: float) -> float:
    counts = {bound: count - before.get(bound, 0.0) for bound, count in after.items()}
    return min(bound for bound, count in counts.items() if count >= share * counts[math.inf])


def _memory(service: Service, tier: str) -> float:
    (pid,) = service.pids(tier)
    return resident_mb(pid) + sum(resident_mb(child.pid) for child in psutil.Process(pid).children(recursive=True))


@contextmanager
def separate_processes() -> Iterator[Service]:
    """Gateway, worker and query service on a broker and a database of their own."""
    with (
        TemporaryDirectory(prefix="eventide-bench-") as path,
        KafkaCluster(1, Path(path) / "kafka") as kafka,
        ClickHouseServer(Path(path) / "clickhouse") as clickhouse,
        distributed(Path(path), kafka.bootstrap, clickhouse.url) as deployment,
        Api(deployment.origins, deployment.credentials) as api,
    ):
        yield Service(deployment, api, Path(path))
