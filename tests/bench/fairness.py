"""What calls of a quiet company take while another one floods the same process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from tests.bench.bench import Bench, Service, one_process
from tests.bench.floods import FLOODS, Flood, Tenant, quiet, running
from tests.bench.load import Client, send_all, settle
from tests.bench.measure import Figure, percentile
from tests.bench.reads import HISTOGRAM
from tests.bench.reference import ARROW, LINES, column_bodies
from tests.harness.api import Api
from tests.harness.deployment import Deployment

FLOODING_USERS, FLOODING_TASKS, LONG_NAMES = 8, 200, 100
LONG_NAME = "a" * 1000
ASKED, PAUSE_SECONDS = 300, 0.01
SAMPLES = 5900  # at most 6000 may be asked for; every answer is another, so that none is cached
MOST_TIMES = 2.0  # what a flood may make of the quiet p99

Probe = Callable[[], object]
Latencies = dict[str, list[float]]


def measure(bench: Bench) -> None:
    """Measure the calls of a quiet company alone, and beside each flood of another one: p99 at most twice as long."""
    with one_process() as service:
        flooding = _flooding(service)
        probes = _probes(service.deployment)
        times = bench.times(ASKED)
        for name, flood in FLOODS.items():
            alone = _beside(quiet, flooding, probes, times)  # each time anew: machines differ from minute to minute
            _compare(bench, name, alone, _beside(flood, flooding, probes, times))
            settle(service.pids("up"))


def _compare(bench: Bench, flood: str, alone: Latencies, beside: Latencies) -> None:
    for what, taken in beside.items():
        before = percentile(alone[what], 50), percentile(alone[what], 99)
        figure = f"{what}: {flood}"
        bench.results.add(Figure(f"{figure}, p50, quiet", before[0], "ms"))
        bench.results.add(Figure(f"{figure}, p50", percentile(taken, 50), "ms"))
        bench.results.add(Figure(f"{figure}, p99, quiet", before[1], "ms"))
        bench.results.add(Figure(f"{figure}, p99", percentile(taken, 99), "ms", MOST_TIMES * before[1]))


def _flooding(service: Service) -> Tenant:
    """Make the company that floods: users, tasks with points, and tasks with long names."""
    tasks = service.tasks(FLOODING_TASKS)
    send_all(service.clients(2), column_bodies(tasks[:20], 50_000, 20), ARROW)
    for number in range(LONG_NAMES):
        service.api.create_task(f"{LONG_NAME}{number}")
    users = [service.deployment.add_user("eventide", f"flood {number}") for number in range(FLOODING_USERS)]
    tokens = []
    for user in users:
        with Api(service.deployment.origins, user) as api:
            tokens.append(api.token)
    settle(service.pids("up"))
    return Tenant(service.deployment.origins.gateway, tokens, tasks)


def _probes(deployment: Deployment) -> Mapping[str, Probe]:
    """Return the calls of the quiet company, each about tasks of its own."""
    with Api(deployment.origins, deployment.add_user("quiet", "quiet")) as api:
        written, read = api.create_task("written"), api.create_task("read")
        client = Client(deployment.origins.gateway, {"Authorization": f"Bearer {api.token}"})
    client.send("events.add_batch", column_bodies([read], 50_000, 1)[0], ARROW)
    numbers = count()
    point = {"type": "training_stats_scalar", "task": written, "metric": "loss", "variant": "train", "value": 0.5}

    def send(action: str, content_type: str = "application/json", **fields: Any) -> bytes:
        return client.send(action, json.dumps(fields).encode(), content_type)

    return {
        "a small write": lambda: send("events.add_batch", LINES, **point, iter=next(numbers)),
        "a read": lambda: send(
            HISTOGRAM, task=read, samples=100 + next(numbers) % SAMPLES, metrics=[{"metric": "metric 07"}]
        ),
        "a registry call": lambda: send("tasks.get_all", page_size=10, only_fields=["id", "name"], name="re[a]d"),
        "a registry change": lambda: send("tasks.edit", task=written, comment=str(next(numbers)), force=True),
    }


def _beside(flood: Flood, flooding: Tenant, probes: Mapping[str, Probe], times: int) -> Latencies:
    """Return the latencies (ms) of each probe while a flood runs, the probes in turns."""
    taken: Latencies = {what: [] for what in probes}
    with running(flood, flooding):
        for _ in range(times):
            for what, probe in probes.items():
                taken[what].append(_milliseconds(probe))
                time.sleep(PAUSE_SECONDS)
    return taken


def _milliseconds(probe: Probe) -> float:
    started = time.perf_counter()
    probe()
    return (time.perf_counter() - started) * 1000
