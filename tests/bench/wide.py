"""One task of 100 000 metrics, over HTTP, in one process: what its page and dashboards ask of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa

from tests.bench.bench import Bench, Service, one_process
from tests.bench.load import resident_mb, send_all, settle
from tests.bench.measure import Figure, milliseconds, percentile
from tests.bench.reference import ARROW, START_MS, arrow_stream
from tests.harness.api import Api

METRICS, STEPS = 100_000, 100
METRICS_PER_REQUEST, METRICS_AT_ONCE = 500, 10_000
VALUES, NAMES, BY_ID = (
    "events.get_task_latest_scalar_values",
    "events.get_scalar_metrics_and_variants",
    "tasks.get_by_id",
)
HISTOGRAM = "events.scalar_metrics_iter_histogram"


def measure(bench: Bench) -> None:
    """Fill, and ask each question for the first time and again."""
    with one_process() as service:
        (task,) = service.tasks(1)
        metrics = bench.times(METRICS)
        _write(bench, service, task, metrics)
        memory = [resident_mb(*service.pids("up"))]
        for what, action, body, first, again in _questions(task, metrics):
            ask: Callable[[], object] = partial(_answered, service.api, action, body)
            taken = milliseconds(ask, times=1, warm=0)[0], percentile(milliseconds(ask, times=5, warm=0), 50)
            bench.results.add(Figure(f"wide task: {what}, first", taken[0], "ms", first))
            bench.results.add(Figure(f"wide task: {what}, again", taken[1], "ms", again))
            memory.append(resident_mb(*service.pids("up")))
        bench.results.add(Figure("wide task: memory, at most", max(memory), "MB", 1200))


def _answered(api: Api, action: str, body: dict[str, Any]) -> None:
    """Read an answer and leave it as it is: to decode all curves takes as long as to make them."""
    assert api.raw(action, body).status_code == 200


def _write(bench: Bench, service: Service, task: str, metrics: int) -> None:
    """Send all points, as a model that logs each of its weights would: every metric of a part, step by step."""
    pids, seconds = service.pids("up"), 0.0
    for start in range(0, metrics, METRICS_AT_ONCE):
        end = min(start + METRICS_AT_ONCE, metrics)
        parts = [
            range(first, min(first + METRICS_PER_REQUEST, end)) for first in range(start, end, METRICS_PER_REQUEST)
        ]
        bodies = [points(task, part) for part in parts]
        seconds += send_all(service.clients(2), bodies, ARROW, pids, tasks=[task]).cpu
    bench.results.add(Figure("wide task: points, a CPU-second", metrics * STEPS / seconds, "points/s", 400_000))
    settle(pids)


def _parts(whole: range, size: int) -> list[range]:
    return [whole[start : start + size] for start in range(0, len(whole), size)]


def points(task: str, part: range) -> bytes:
    """An Arrow stream: all steps of some metrics."""
    count = len(part) * STEPS
    metric, step = np.unravel_index(np.arange(count), (len(part), STEPS))
    texts = {"task": [task], "type": ["training_stats_scalar"], "variant": ["value"]}
    columns: dict[str, Any] = {
        name: pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), values)
        for name, values in texts.items()
    }
    names = [f"layer {number // 100}/weight {number % 100}" for number in part]
    columns["metric"] = pa.DictionaryArray.from_arrays(pa.array(metric.astype(np.int32)), names)
    numbers = {"iter": step, "timestamp": START_MS + step * 1000, "value": np.random.default_rng().random(count)}
    return arrow_stream(pa.table(columns | numbers))


def _questions(task: str, metrics: int) -> list[tuple[str, str, dict[str, Any], float | None, float | None]]:
    """What is asked: a name, the call, its body, and the goals (ms) of the first time and of the next."""
    page = {"task": task, "page_size": 100}
    two = [{"metric": f"layer {number // 100}/weight {number % 100}"} for number in (metrics // 3, metrics // 2)]
    return [
        ("two chosen curves", HISTOGRAM, {"task": task, "metrics": two}, 50, 5),
        ("tasks.get_by_id", BY_ID, {"task": task}, 300, 50),
        ("tasks.get_by_id without metrics", BY_ID, {"task": task, "only_fields": ["name", "status"]}, 10, 10),
        ("names", NAMES, {"task": task}, 400, 50),
        ("names by pattern", NAMES, page | {"pattern": "weight 7$"}, 50, 50),
        ("metrics", "events.get_task_metrics", {"tasks": [task], "event_type": "training_stats_scalar"}, 400, 50),
        ("single values", "events.get_task_single_value_metrics", {"tasks": [task]}, 50, 50),
        ("100 latest values by pattern", VALUES, page | {"pattern": "weight 7$"}, 50, 50),
        ("latest values", VALUES, {"task": task}, 1000, 100),
        ("all curves", HISTOGRAM, {"task": task}, 3000, None),
    ]
