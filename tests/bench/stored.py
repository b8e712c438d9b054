"""Embedded reads over HTTP of points that are not held in memory, as those of a query service of its own and the first
ones after a start: 10 M points, and a series of 1 M steps."""

from __future__ import annotations

from tests.bench.bench import Bench, one_process
from tests.bench.load import send_all, settle
from tests.bench.reads import ASKED, HISTOGRAM, LATEST, MULTI, ask, fill
from tests.bench.reference import ARROW, ITERATIONS, METRICS, columns


def measure(bench: Bench) -> None:
    """Fill, wait for merges, ask about another task, group of tasks or number of samples each time."""
    with one_process({"HELD_POINTS": "0"}) as service:
        tasks = fill(bench, service)
        one, metric = [{"task": task} for task in tasks], [{"metric": METRICS[7]}]
        several = [{"tasks": tasks[first : first + 20], "metrics": metric} for first in range(ASKED)]
        ask(bench, service, "one task x 50 metrics, stored", None, len(METRICS) * ITERATIONS, HISTOGRAM, one)
        ask(bench, service, "one metric x 20 tasks, stored", None, 20 * ITERATIONS, MULTI, several)
        ask(bench, service, "latest values of a task, stored", None, None, LATEST, one)
        series, steps = service.tasks(1)[0], bench.times(1_000_000)
        bodies = [columns(series, ["loss"], first, 100_000) for first in range(0, steps, 100_000)]
        send_all(service.clients(2), bodies, ARROW)
        settle(service.pids("up"))
        drawn = [{"task": series, "samples": 2000 - n} for n in range(ASKED)]
        ask(bench, service, f"series of {steps / 1e6:g} M steps, exact, stored", None, steps, HISTOGRAM, drawn)
