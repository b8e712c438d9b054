"""What it costs that a lot is stored already: the same writes and reads at 1, 10 and 100 million points.

No points are held in memory, where those of the first size would all be, and of the last few.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import send_all, settle
from tests.bench.measure import Figure, milliseconds
from tests.bench.reads import ASKED, HISTOGRAM, LATEST, MULTI, PER_REQUEST, reader
from tests.bench.reference import ARROW, METRICS, column_bodies, line_bodies

SIZES = (1_000_000, 10_000_000, 100_000_000)  # points
AT_ONCE = 40  # tasks that are filled between two looks
METRIC = [{"metric": METRICS[7]}]
FLAT = 0.2  # how far the figures of the sizes may be apart
Measured = Iterator[tuple[str, float, str]]  # what, value, unit


def measure(bench: Bench) -> None:
    """Each figure beside its goal, which is that of the smallest size, give or take FLAT."""
    with one_process({"HELD_POINTS": "0"}) as service:
        tasks: list[str] = []
        smallest: dict[str, float] = {}
        for size in SIZES:
            _fill(service, tasks, bench.times(size))
            for what, value, unit in _figures(bench, service, tasks):
                first = smallest.setdefault(what, value)
                goal = first * (1 - FLAT if unit.endswith("/s") else 1 + FLAT)
                name = f"at {bench.times(size) / 1e6:g} M points: {what}"
                bench.results.add(Figure(name, value, unit, goal, first, "the smallest"))


def _fill(service: Service, tasks: list[str], points: int) -> None:
    """Until so many are stored, in ``tasks`` and as many more as are needed."""
    while len(tasks) * PER_REQUEST < points:
        some = service.tasks(min(AT_ONCE, -(-points // PER_REQUEST) - len(tasks)))
        send_all(service.clients(2), column_bodies(some, PER_REQUEST, len(some)), ARROW)
        tasks += some
    settle(service.pids("up"))


def _figures(bench: Bench, service: Service, tasks: list[str]) -> Measured:
    bodies = line_bodies(service.tasks(20), 5000, bench.times(100))
    yield "json lines, 5000 a request, 4 clients", send_all(service.clients(4), bodies).rate * 5000, "events/s"
    settle(service.pids("up"))
    step, circle = max(1, len(tasks) // ASKED), tasks + tasks
    groups = [circle[first : first + 20] for first in range(0, len(tasks), step)]
    one, several = [{"task": group[0]} for group in groups], [{"tasks": group, "metrics": METRIC} for group in groups]
    yield "latest values of a task", _p50(service, LATEST, one), "ms"
    yield "one task x 50 metrics", _p50(service, HISTOGRAM, one), "ms"
    yield "one metric x 20 tasks", _p50(service, MULTI, several), "ms"


def _p50(service: Service, action: str, asked: list[dict[str, object]]) -> float:
    """Each question once: answers are remembered."""
    client, bodies = reader(service), iter([json.dumps(fields).encode() for fields in asked])
    return statistics.median(milliseconds(lambda: client.send(action, next(bodies)), len(asked), warm=0))
