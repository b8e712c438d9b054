"""Embedded writes: acknowledged is durable, and a read waits for it; loads end when all of it can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import Sent, resident_mb, send_all, settle, timed
from tests.bench.measure import Figure, percentile
from tests.bench.reference import ARROW, LINES, column_bodies, line_bodies
from tests.bench.small import send_small

Bodies = Callable[[Sequence[str], int, int], list[bytes]]


def measure(bench: Bench) -> None:
    """Rates by size of request and number of clients, and the memory of the process."""
    with one_process() as service:
        (pid,) = service.pids("up")
        bench.results.add(Figure("memory, idle", resident_mb(pid), "MB", 350))
        _send(bench, service, 1, 5000, 100)
        sent = _send(bench, service, 1, 5000, 400)
        rate = sent.rate * 5000
        bench.results.add(_rate("json lines, 5000 a request, 1 client", rate, 150e3, bench.floors.decode, "decoding"))
        sent = _send(bench, service, 4, 5000, 400)
        rate = sent.rate * 5000
        bench.results.add(_rate("json lines, 5000 a request, 4 clients", rate, 250e3, bench.floors.insert, "inserting"))
        bench.results.add(Figure("memory, 4 clients", resident_mb(pid), "MB", 1000))
        per_cpu = len(sent.latencies) * 5000 / sent.cpu
        bench.results.add(
            _rate("json lines, a CPU-second of the server", per_cpu, 300e3, bench.floors.decode, "decoding")
        )
        sent = _send(bench, service, 4, 500, 2000)
        bench.results.add(_rate("json lines, 500 a request, 4 clients", sent.rate * 500, 100e3))
        sent = _send_small(bench, service, 32, 8000)
        bench.results.add(Figure("1 event a request, 32 clients", sent.rate, "req/s", 2000))
        bench.results.add(Figure("1 event a request, 32 clients, p99", percentile(sent.latencies, 99), "ms"))
        sent = _send(bench, service, 4, 5000, 1000, column_bodies, ARROW)
        bench.results.add(
            _rate("columns, 5000 a request, 4 clients", sent.rate * 5000, 500e3, bench.floors.insert, "inserting")
        )


def _send(
    bench: Bench,
    service: Service,
    clients: int,
    per_request: int,
    requests: int,
    bodies: Bodies = line_bodies,
    content_type: str = LINES,
) -> Sent:
    tasks = service.tasks(20)
    prepared = bodies(tasks, per_request, bench.times(requests))
    settle(service.pids("up"))  # merges of what came before are not this load's
    return send_all(service.clients(clients), prepared, content_type, service.pids("up"), tasks=tasks)


def _send_small(bench: Bench, service: Service, connections: int, requests: int) -> Sent:
    """One event each."""
    tasks, (client,) = service.tasks(20), service.clients(1)
    prepared = line_bodies(tasks, 1, bench.times(requests))
    settle(service.pids("up"))
    return timed(lambda: send_small(client, connections, prepared), client, service.pids("up"), tasks)


def _rate(what: str, value: float, goal: float, floor: float | None = None, floor_of: str = "") -> Figure:
    return Figure(what, value, "events/s", goal, floor, floor_of)
