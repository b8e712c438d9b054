"""Eventide's own: long series with minimum and maximum come from roll-ups, which follow in the background."""

from __future__ import annotations

import httpx
import numpy as np
import pyarrow as pa
import pytest

from tests.bench.reference import ARROW, arrow_stream
from tests.harness.api import Api, Data, data_of, until
from tests.harness.deployment import Deployment
from tests.harness.events import scalar
from tests.harness.reference import Point
from tests.harness.rolled_up import drawn

HISTOGRAM = "events.scalar_metrics_iter_histogram"
STEPS, SAMPLES, WIDTH = 150_000, 300, 500


def test_a_long_series_before_and_after_it_is_rolled_up(eventide: Deployment, api: Api, task: str) -> None:
    before, values = rolled_rows(eventide), np.sin(np.arange(STEPS) / 50)
    send(api, task, values)
    assert_drawn(api, task, values)
    until(lambda: rolled_rows(eventide) >= before + STEPS, 60)
    assert_drawn(api, task, values)
    for step in (0, 77_777, STEPS - 1):
        values[step] = 9.0 + step
        api.add(scalar(task, step, values[step], "loss", "train"))
    assert_drawn(api, task, values)
    api.call("events.delete_for_task", task=task)
    assert api.call(HISTOGRAM, task=task, samples=SAMPLES, aggregation="minmax") == {}


def assert_drawn(api: Api, task: str, values: np.ndarray) -> None:
    found: Data = api.call(HISTOGRAM, task=task, samples=SAMPLES, aggregation="minmax")["loss"]["train"]
    expected = drawn([Point(step, None, value) for step, value in enumerate(values.tolist())], WIDTH)
    assert found["x"] == expected["x"]
    for name in ("y", "y_min", "y_max"):
        assert found[name] == pytest.approx(expected[name])


def send(api: Api, task: str, values: np.ndarray) -> None:
    """A point for each step, as columns."""
    one = {"type": "training_stats_scalar", "task": task, "metric": "loss", "variant": "train"}
    columns = {name: pa.array([text] * len(values)).dictionary_encode() for name, text in one.items()}
    table = pa.table(columns | {"iter": np.arange(len(values)), "value": values})
    headers = {"Content-Type": ARROW}
    assert data_of(api.raw("events.add_batch", content=arrow_stream(table), headers=headers))["added"] == len(values)


def rolled_rows(eventide: Deployment) -> float:
    """How many rows whoever writes has rolled up."""
    text = httpx.get(f"{eventide.worker or eventide.origins.gateway}/metrics").text
    lines = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return float(lines["eventide_rolled_rows_total"])
