"""Eventide's own options of the scalar histograms: what a bucket shows of its values, and a range of the curve."""

from __future__ import annotations

import random
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import scalar

HISTOGRAM = "events.scalar_metrics_iter_histogram"
POINTS = [(iteration, random.Random(iteration).randrange(-1000, 1000) / 8) for iteration in range(-7, 500, 3)]


@pytest.fixture(scope="module")
def noisy(api: Api) -> str:
    """A task with one curve of POINTS, a second apart."""
    task = api.create_task()
    api.add(*(scalar(task, iteration, value, timestamp=1000 * iteration) for iteration, value in POINTS))
    return task


def curve(api: Api, task: str, **fields: Any) -> Data:
    """The one curve of a task."""
    found: Data = api.call(HISTOGRAM, fields, task=task)["m"]["v"]
    assert found.pop("name") == "v"
    return found


def buckets(width: int) -> dict[int, list[float]]:
    """The values of each bucket, in the order of their iterations."""
    found: dict[int, list[float]] = {}
    for iteration, value in POINTS:
        found.setdefault(iteration // width * width, []).append(value)
    return found


def test_minmax_keeps_the_spikes(api: Api, noisy: str) -> None:
    expected = buckets(26)
    found = curve(api, noisy, samples=20, aggregation="minmax")
    assert found["x"] == list(expected)
    assert found["y"] == pytest.approx([sum(values) / len(values) for values in expected.values()])
    assert found["y_min"] == [min(values) for values in expected.values()]
    assert found["y_max"] == [max(values) for values in expected.values()]


def test_last_is_the_newest_of_a_bucket(api: Api, noisy: str) -> None:
    expected = buckets(26)
    assert curve(api, noisy, samples=20, aggregation="last") == {
        "x": list(expected),
        "y": [values[-1] for values in expected.values()],
    }


def test_the_mean_is_the_default(api: Api, noisy: str) -> None:
    assert curve(api, noisy, samples=20, aggregation="mean") == curve(api, noisy, samples=20)
    assert set(curve(api, noisy)) == {"x", "y"}


@pytest.mark.parametrize(("key", "unit"), [("iter", 1), ("timestamp", 1000)])
def test_a_range_is_sampled_by_itself(api: Api, noisy: str, key: str, unit: int) -> None:
    found = curve(api, noisy, key=key, x_min=100 * unit, x_max=160 * unit)
    inside = [(iteration * unit, value) for iteration, value in POINTS if 100 <= iteration <= 160]
    assert list(zip(found["x"], found["y"], strict=True)) == inside
    assert len(curve(api, noisy, key=key, x_min=100 * unit, samples=5)["x"]) <= 6


def test_an_empty_range(api: Api, noisy: str) -> None:
    assert api.call(HISTOGRAM, task=noisy, x_min=1000) == {}


def test_several_tasks(api: Api, noisy: str) -> None:
    fields: Data = {"samples": 20, "aggregation": "minmax", "x_min": 0}
    answer = api.call("events.multi_task_scalar_metrics_iter_histogram", fields, tasks=[noisy])
    assert answer["metrics"]["m"]["v"][noisy] | {"name": "v"} == curve(api, noisy, **fields) | {"name": "v"}


def test_an_unknown_aggregation(api: Api, noisy: str) -> None:
    assert api.fail(HISTOGRAM, task=noisy, aggregation="median") == (400, 12)
    assert api.fail(HISTOGRAM, task=noisy, x_min="left") == (400, 12)
