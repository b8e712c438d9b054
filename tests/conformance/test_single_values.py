"""API contract 3.20: ``get_task_single_value_metrics``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.events import SINGLE_VALUE, column, log, model_events, scalar

SINGLE = "events.get_task_single_value_metrics"


def single(task: str, value: float, variant: str = "acc", metric: str = "Summary", **others: Any) -> dict[str, Any]:
    return scalar(task, SINGLE_VALUE, value, metric, variant, **others)


def test_the_worked_example(api: Api, task: str) -> None:
    api.add(single(task, 0.93, timestamp=1671640000000), scalar(task, 1, 0.5))
    value = {"metric": "Summary", "variant": "acc", "value": 0.93, "timestamp": 1671640000000}
    assert api.call(SINGLE, tasks=[task]) == {"tasks": [{"task": task, "task_name": "a task", "values": [value]}]}


def test_reporting_again_replaces_the_value(api: Api, task: str) -> None:
    """The upstream test."""
    for value in (0.5, 0.25):
        api.add(single(task, value))
        (entry,) = api.call(SINGLE, tasks=[task])["tasks"]
        assert column(entry["values"], "value") == [value]


def test_values_are_verbatim(api: Api, task: str) -> None:
    api.add(single(task, 0.1))
    (entry,) = api.call(SINGLE, tasks=[task])["tasks"]
    assert column(entry["values"], "value") == [0.1]


def test_values_are_in_write_order(api: Api, task: str) -> None:
    api.add(*(single(task, 1.0, name, metric) for name, metric in (("c", "M"), ("a", "Z"), ("b", "A"))))
    api.add(single(task, 2.0, "c", "M"))
    (entry,) = api.call(SINGLE, tasks=[task])["tasks"]
    assert column(entry["values"], "metric", "variant") == [("Z", "a"), ("A", "b"), ("M", "c")]


def test_tasks_are_in_the_order_of_their_first_event_and_those_without_left_out(api: Api) -> None:
    tasks = [api.create_task(name) for name in ("one", "two", "three")]
    api.add(single(tasks[2], 3.0), scalar(tasks[1], 1), log(tasks[1]))
    api.add(single(tasks[0], 1.0), single(tasks[2], 4.0, "later"))
    found = api.call(SINGLE, tasks=[*tasks, tasks[0]])["tasks"]
    assert column(found, "task", "task_name") == [(tasks[2], "three"), (tasks[0], "one")]
    assert [column(entry["values"], "value") for entry in found] == [[3.0, 4.0], [1.0]]


def test_nothing(api: Api, task: str) -> None:
    api.add(scalar(task, -(2**31) + 1), scalar(task, -(2**31) - 1))
    assert api.call(SINGLE, tasks=[task]) == {"tasks": []}


def test_the_metric_filter(api: Api, task: str) -> None:
    api.add(*(single(task, 1.0, variant, metric) for metric in "ab" for variant in "xy"))
    (entry,) = api.call(SINGLE, tasks=[task], metrics=[{"metric": "a", "variants": ["y"]}, {"metric": "b"}])["tasks"]
    assert column(entry["values"], "metric", "variant") == [("a", "y"), ("b", "x"), ("b", "y")]
    assert api.call(SINGLE, tasks=[task], metrics=[{"metric": "zz"}]) == {"tasks": []}


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([single(model, 0.5)]))
    (entry,) = api.call(SINGLE, tasks=[model], model_events=True)["tasks"]
    assert (entry["task"], column(entry["values"], "value")) == (model, [0.5])


@pytest.mark.parametrize("tasks", [None, [], "x", [5]])
def test_malformed_requests(api: Api, tasks: object) -> None:
    assert api.fail(SINGLE, tasks=tasks) == (400, 12)
