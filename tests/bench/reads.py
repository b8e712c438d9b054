"""Embedded reads over HTTP, of 10 M stored points, long series and a long log."""

from __future__ import annotations

import json
from typing import Any

from schema.store import EmbeddedEngine, Store
from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import Client, send_all, settle
from tests.bench.measure import Figure, milliseconds, percentile
from tests.bench.reference import ARROW, ITERATIONS, LINES, METRICS, START_MS, column_bodies, columns

HISTOGRAM = "events.scalar_metrics_iter_histogram"
MULTI = "events.multi_task_scalar_metrics_iter_histogram"
PER_REQUEST = 100_000
LOG_LINES = 1_000_000


def measure(bench: Bench) -> None:
    """Fill, wait for merges, ask."""
    with one_process() as service:
        tasks = service.tasks(bench.times(200))
        requests = len(tasks) * ITERATIONS * len(METRICS) // PER_REQUEST
        send_all(service.clients(2), column_bodies(tasks, PER_REQUEST, requests), ARROW)
        settle(service.pids("up"))
        _curves(bench, service, tasks)
        series = _long_series(bench, service)
        _logs(bench, service)
        _disk(bench, service, len(tasks) * ITERATIONS * len(METRICS) + series)


def _curves(bench: Bench, service: Service, tasks: list[str]) -> None:
    task, scanned = tasks[len(tasks) // 2], len(METRICS) * ITERATIONS
    _ask(bench, service, "one task x 50 metrics", 20, scanned, HISTOGRAM, task=task)
    one = {"metrics": [{"metric": METRICS[7]}]}
    _ask(bench, service, "one metric x 20 tasks", 15, 20 * ITERATIONS, MULTI, tasks=tasks[:20], **one)
    _ask(bench, service, "latest values of a task", 3, None, "events.get_task_latest_scalar_values", task=task)
    _ask(bench, service, "all curves of 20 tasks", None, 20 * scanned, MULTI, tasks=tasks[:20])


def _long_series(bench: Bench, service: Service) -> int:
    """How many points they have."""
    points = 0
    for steps, samples, goals in ((1_000_000, 2000, (40, 40)), (10_000_000, 6000, (250, 50))):
        task, count = service.tasks(1)[0], bench.times(steps)
        bodies = [columns(task, ["loss"], first, 100_000) for first in range(0, count, 100_000)]
        send_all(service.clients(2), bodies, ARROW)
        settle(service.pids("up"))
        name, fields = f"series of {count / 1e6:g} M steps", {"task": task, "samples": samples}
        _ask(bench, service, f"{name}, exact", goals[0], count, HISTOGRAM, **fields)
        _ask(bench, service, f"{name}, min and max", goals[1], count, HISTOGRAM, aggregation="minmax", **fields)
        points += len(bodies) * 100_000
    return points


def _logs(bench: Bench, service: Service) -> None:
    task = service.tasks(1)[0]
    count = bench.times(LOG_LINES)
    send_all(service.clients(2), [_lines(task, first) for first in range(0, count, 5000)], LINES)
    settle(service.pids("up"))
    page = {"task": task, "batch_size": 500}
    _ask(bench, service, "log page of 500, newest", 10, None, "events.get_task_log", **page)
    middle = page | {"from_timestamp": START_MS + count // 2}
    _ask(bench, service, "log page of 500, from the middle", 10, None, "events.get_task_log", **middle)
    searched = page | {"search": f"loss {count // 3}"}
    _ask(bench, service, "text search in 1 M lines", 30, None, "events.get_task_log", **searched)


def _lines(task: str, first: int) -> bytes:
    words = ("epoch", "loss", "step", "gradient", "saved", "checkpoint")
    events = (
        {
            "type": "log",
            "task": task,
            "timestamp": START_MS + number,
            "level": "info",
            "worker": "trainer-1:gpu0",
            "msg": f"{words[number % 6]} {number} {words[number % 5]} = {number / 7:.4f}",
        }
        for number in range(first, first + 5000)
    )
    return b"\n".join(json.dumps(event).encode() for event in events)


def _disk(bench: Bench, service: Service, points: int) -> None:
    """After all merges; the process has ended, as it alone may open its directory."""
    service.deployment.processes["up"].terminate()
    store = Store(EmbeddedEngine(service.directory / "data" / "chdb"))
    store.execute("OPTIMIZE TABLE scalars FINAL")
    size = store.select("SELECT sum(bytes_on_disk) AS n FROM system.parts WHERE active AND table = 'scalars'")[0]["n"]
    store.close()
    bench.results.add(Figure("bytes on disk per stored point, merged", float(size) / points, "B", 8))


def _ask(
    bench: Bench, service: Service, what: str, goal: float | None, scanned: int | None, action: str, **fields: Any
) -> None:
    """A read's p50; the floor is the bare scan of as many rows."""
    client, body = reader(service), json.dumps(fields).encode()
    taken = milliseconds(lambda: client.send(action, body), bench.times(30))
    floor = scanned / bench.floors.scan * 1000 if scanned else None
    bench.results.add(Figure(what, percentile(taken, 50), "ms", goal, floor, "a bare scan"))


def reader(service: Service) -> Client:
    """A connection to the query service."""
    return Client(service.deployment.origins.query, {"Authorization": f"Bearer {service.api.token}"})
