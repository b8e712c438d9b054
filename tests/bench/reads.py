"""Embedded reads over HTTP, of 10 M stored points, long series and a long log."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from typing import Any

from ingest.rollups.builder import ENOUGH_ROWS
from schema.store import EmbeddedEngine, Store
from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import Client, send_all, settle
from tests.bench.measure import Figure, milliseconds, percentile
from tests.bench.reference import ARROW, ITERATIONS, LINES, METRICS, START_MS, column_bodies, columns

HISTOGRAM = "events.scalar_metrics_iter_histogram"
MULTI = "events.multi_task_scalar_metrics_iter_histogram"
LATEST = "events.get_task_latest_scalar_values"
LOG = "events.get_task_log"
PER_REQUEST = 50_000  # points: all of a task
AT_ONCE = 100_000  # points of a long series in a request
ASKED = 30  # times
LOG_LINES = 1_000_000
ROLL_UP_SECONDS = 120


def measure(bench: Bench) -> None:
    """Fill, wait for merges, ask."""
    with one_process() as service:
        tasks = fill(bench, service)
        _curves(bench, service, tasks)
        _tabs(bench, service, tasks[0])
        series = _long_series(bench, service)
        _logs(bench, service)
        _disk(bench, service, len(tasks) * ITERATIONS * len(METRICS) + series)


def fill(bench: Bench, service: Service) -> list[str]:
    """Tasks with PER_REQUEST points each."""
    tasks = service.tasks(bench.times(200))
    send_all(service.clients(2), column_bodies(tasks, PER_REQUEST, len(tasks)), ARROW)
    settle(service.pids("up"))
    return tasks


def _curves(bench: Bench, service: Service, tasks: list[str]) -> None:
    """Another task or group of tasks each time, as answers about the same are remembered; then the same again."""
    groups = [tasks[first : first + 20] for first in range(ASKED)]
    ask_curves(bench, service, tasks, groups)
    whole = [{"tasks": group} for group in groups]
    ask(bench, service, "all curves of 20 tasks", None, 20 * PER_REQUEST, MULTI, whole)
    ask_curves(bench, service, tasks[:1], groups[:1], ", again")


def ask_curves(
    bench: Bench,
    service: Service,
    tasks: Sequence[str],
    groups: Sequence[Sequence[str]],
    which: str = "",
    goals: Sequence[float | None] = (20, 15, 3),
) -> None:
    """One after the other of the tasks, and of the groups of 20."""
    one = [{"task": task} for task in tasks]
    several = [{"tasks": group, "metrics": [{"metric": METRICS[7]}]} for group in groups]
    ask(bench, service, f"one task x 50 metrics{which}", goals[0], PER_REQUEST, HISTOGRAM, one)
    ask(bench, service, f"one metric x 20 tasks{which}", goals[1], 20 * ITERATIONS, MULTI, several)
    ask(bench, service, f"latest values of a task{which}", goals[2], None, LATEST, one)


def _tabs(bench: Bench, service: Service, task: str) -> None:
    """What pages of a task ask for beside curves, each time a scalar has come."""
    (writer,), client = service.clients(1), reader(service)
    writer.send("events.add_batch", _of_tabs(task), LINES)
    asked = {action: json.dumps(fields).encode() for action, fields in _asked_by_tabs(task).items()}
    for action, body in asked.items():
        client.send(action, body)
    taken: list[float] = []
    for _ in range(bench.times(ASKED)):
        writer.send("events.add_batch", columns(task, METRICS[:1], ITERATIONS + len(taken), 1), ARROW)
        client.send(LATEST, json.dumps({"task": task}).encode())  # waits until it can be read
        for action, body in asked.items():
            taken += milliseconds(partial(client.send, action, body), 1)
    bench.results.add(Figure("plots, images, metrics of a task, a scalar having come", percentile(taken, 50), "ms"))
    bench.results.add(Figure("the same, p99", percentile(taken, 99), "ms"))


def _of_tabs(task: str) -> bytes:
    common = {"task": task, "variant": "v", "timestamp": START_MS}
    events: list[dict[str, Any]] = []
    for number in range(100):
        place = common | {"metric": f"m{number % 5}", "iter": number // 5}
        events.append(place | {"type": "plot", "plot_str": json.dumps({"data": [{"y": list(range(200))}]})})
        events.append(place | {"type": "training_debug_image", "url": f"http://files/{number}.png"})
    return b"\n".join(json.dumps(event).encode() for event in events)


def _asked_by_tabs(task: str) -> dict[str, dict[str, Any]]:
    return {
        "events.get_task_plots": {"task": task},
        "events.get_multi_task_plots": {"tasks": [task]},
        "events.debug_images": {"metrics": [{"task": task}], "iters": 3},
        "events.get_debug_image_sample": {"task": task, "metric": "m1", "variant": "v"},
        "events.get_task_metrics": {"tasks": [task], "event_type": "training_debug_image"},
        "events.get_scalar_metrics_and_variants": {"task": task},
        "events.get_task_single_value_metrics": {"tasks": [task]},
    }


def _long_series(bench: Bench, service: Service) -> int:
    """How many points they have. Asked for with another number of samples each time."""
    points = 0
    for steps, samples, goals in ((1_000_000, 2000, (40, 40)), (10_000_000, 6000, (250, 50))):
        task, count = fill_series(service, bench.times(steps))
        name, asked = f"series of {count / 1e6:g} M steps", drawn(task, samples)
        ask(bench, service, f"{name}, exact", goals[0], count, HISTOGRAM, asked)
        points += count
        _wait_until_rolled_up(service, points)
        spikes = [fields | {"aggregation": "minmax"} for fields in asked]
        ask(bench, service, f"{name}, min and max, rolled up", goals[1], count, HISTOGRAM, spikes)
        ask(bench, service, f"{name}, again", goals[1], count, HISTOGRAM, asked[:1])
    return points


def fill_series(service: Service, steps: int) -> tuple[str, int]:
    """A task with one curve, and how many points that has: whole requests."""
    (task,) = service.tasks(1)
    bodies = [columns(task, ["loss"], first, AT_ONCE) for first in range(0, steps, AT_ONCE)]
    send_all(service.clients(2), bodies, ARROW)
    settle(service.pids("up"))
    return task, len(bodies) * AT_ONCE


def drawn(task: str, samples: int) -> list[dict[str, Any]]:
    """Questions about a curve, each of another number of samples."""
    return [{"task": task, "samples": samples - number} for number in range(ASKED)]


def _wait_until_rolled_up(service: Service, points: int) -> None:
    """But for what readers are left to read; series that are too short for roll-ups have none."""
    end = time.monotonic() + ROLL_UP_SECONDS
    while _rolled_rows(service) < points - 3 * ENOUGH_ROWS and time.monotonic() < end:
        time.sleep(0.5)
    print(f"rolled up: {_rolled_rows(service):,.0f} of {points:,} points of long series")


def _rolled_rows(service: Service) -> float:
    with urllib.request.urlopen(f"{service.deployment.origins.query}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return next((float(line.split()[1]) for line in lines if line.startswith("eventide_rolled_rows_total ")), 0.0)


def _logs(bench: Bench, service: Service) -> None:
    """Another question each time, as answers are remembered, and by ClickHouse where a text is not."""
    task = service.tasks(1)[0]
    count = bench.times(LOG_LINES)
    send_all(service.clients(2), [_lines(task, first) for first in range(0, count, 5000)], LINES)
    settle(service.pids("up"))
    page = {"task": task, "batch_size": 500}
    newest = [page | {"batch_size": 500 - number} for number in range(ASKED)]
    ask(bench, service, "log page of 500, newest", 10, None, LOG, newest)
    ask(bench, service, "log page of 500, newest, again", 10, None, LOG, newest[:1])
    newer = [
        page | {"from_timestamp": START_MS + count - 1 - number, "navigate_earlier": False} for number in range(ASKED)
    ]
    ask(bench, service, "log lines newer than those on screen", 10, None, LOG, newer)
    middle = page | {"from_timestamp": START_MS + count // 2}
    ask(bench, service, "log page of 500, from the middle", 10, None, LOG, [middle])
    searched = [page | {"search": f"loss {count // 18 * 6 + 1 - number * 6} "} for number in range(100)]
    ask(bench, service, "text search in 1 M lines, one line", 30, None, LOG, searched)


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


def ask(
    bench: Bench,
    service: Service,
    what: str,
    goal: float | None,
    scanned: int | None,
    action: str,
    asked: Sequence[dict[str, Any]],
) -> None:
    """The p50 of reads, one question after the other; the floor is the bare scan of as many rows."""
    client, bodies = reader(service), cycle([json.dumps(fields).encode() for fields in asked])
    taken = milliseconds(lambda: client.send(action, next(bodies)), bench.times(ASKED))
    floor = scanned / bench.floors.scan * 1000 if scanned else None
    bench.results.add(Figure(what, percentile(taken, 50), "ms", goal, floor, "a bare scan"))


def reader(service: Service) -> Client:
    """A connection to the query service."""
    return Client(service.deployment.origins.query, {"Authorization": f"Bearer {service.api.token}"})
