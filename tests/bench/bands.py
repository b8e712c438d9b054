"""One metric of 1000 tasks of 1000 steps compared, embedded, over HTTP: mean and quantiles of ten groups."""

from __future__ import annotations

from tests.bench.bench import Bench, one_process
from tests.bench.load import send_all, settle
from tests.bench.reads import ASKED, ask
from tests.bench.reference import ARROW, columns

TASKS, STEPS, GROUPS = 1000, 1000, 10


def measure(bench: Bench) -> None:
    """Fill, ask for another number of buckets each time, then the same again."""
    with one_process() as service:
        tasks = service.tasks(bench.times(TASKS))
        send_all(service.clients(2), [columns(task, ["loss"], 0, STEPS) for task in tasks], ARROW)
        settle(service.pids("up"))
        groups = [tasks[number::GROUPS] for number in range(GROUPS)]
        asked = [
            {"groups": groups, "metric": "loss", "variant": "train", "samples": STEPS - number}
            for number in range(ASKED)
        ]
        name, points = f"bands of {len(tasks)} tasks", len(tasks) * STEPS
        ask(bench, service, name, 300, points, "events.scalar_metrics_bands", asked)
        ask(bench, service, f"{name}, again", 100, points, "events.scalar_metrics_bands", asked[:1])
