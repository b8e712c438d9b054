"""Dashboards that poll while events arrive, embedded."""

from __future__ import annotations

import json
import threading
import time

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import steady
from tests.bench.measure import Figure, percentile
from tests.bench.reads import HISTOGRAM, reader
from tests.bench.reference import line_bodies

DASHBOARDS, POLL_SECONDS, SECONDS = 16, 2.0, 20.0
EVENTS_PER_SECOND, PER_REQUEST = 50_000, 2500


def measure(bench: Bench) -> None:
    """What a poll of one task's curves takes while 50 000 events a second arrive."""
    with one_process() as service:
        tasks = service.tasks(20)
        bodies = line_bodies(tasks, PER_REQUEST, 400)
        with steady(service.clients(4), bodies, EVENTS_PER_SECOND / PER_REQUEST) as writes:
            reads = _poll(service, tasks, SECONDS * bench.scale)
        arrived = len(writes) * PER_REQUEST / (SECONDS * bench.scale)
        bench.results.add(Figure("16 dashboards, events arriving", arrived, "events/s", EVENTS_PER_SECOND * 0.95))
        bench.results.add(Figure("16 dashboards, a read, p50", percentile(reads, 50), "ms"))
        bench.results.add(Figure("16 dashboards, a read, p99", percentile(reads, 99), "ms", 250))
        bench.results.add(Figure("16 dashboards, a write of 2500, p99", percentile(writes, 99), "ms"))


def _poll(service: Service, tasks: list[str], seconds: float) -> list[float]:
    taken: list[float] = []
    end = time.monotonic() + seconds

    def work(number: int) -> None:
        client, body = reader(service), json.dumps({"task": tasks[number]}).encode()
        time.sleep(POLL_SECONDS * number / DASHBOARDS)
        while time.monotonic() < end:
            begun = time.perf_counter()
            client.send(HISTOGRAM, body)
            taken.append((time.perf_counter() - begun) * 1000)
            time.sleep(max(0.0, POLL_SECONDS - (time.perf_counter() - begun)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(DASHBOARDS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken
