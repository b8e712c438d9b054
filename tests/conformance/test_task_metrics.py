"""API contract 3.9: ``get_task_metrics``."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api
from tests.harness.events import ABSENT, SINGLE_VALUE, TYPES, log, model_events, one_of_each, plot, scalar

METRICS = "events.get_task_metrics"


def test_one_entry_for_each_requested_task(api: Api, task: str) -> None:
    other, empty = api.create_task(), api.create_task()
    api.add(scalar(task, 1, metric="loss"), scalar(task, 1, metric="acc"), scalar(other, 1, metric="é"))
    asked = [other, task, empty, task]
    assert api.call(METRICS, tasks=asked, event_type="training_stats_scalar") == {
        "metrics": [
            {"task": other, "metrics": ["é"]},
            {"task": task, "metrics": ["acc", "loss"]},
            {"task": empty, "metrics": []},
            {"task": task, "metrics": ["acc", "loss"]},
        ]
    }


@pytest.mark.parametrize("event_type", [*TYPES, "*"])
def test_of_one_type_or_all(api: Api, task: str, event_type: str) -> None:
    api.add(*(event | {"metric": event["type"]} for event in one_of_each(task)))
    names = sorted(TYPES) if event_type == "*" else [event_type]
    assert api.call(METRICS, tasks=[task], event_type=event_type)["metrics"] == [{"task": task, "metrics": names}]


@pytest.mark.parametrize("iteration", [ABSENT, None, SINGLE_VALUE, SINGLE_VALUE - 1])
def test_only_events_on_the_axis_of_iterations_count(api: Api, task: str, iteration: Any) -> None:
    """API contract 5, row 20: kept."""
    api.add(scalar(task, iteration, metric="off"), scalar(task, -5, metric="on"), log(task), plot(task, iteration))
    assert api.call(METRICS, tasks=[task], event_type="*")["metrics"] == [{"task": task, "metrics": ["on"]}]


def test_a_log_line_with_an_iteration_counts(api: Api, task: str) -> None:
    api.add(log(task, iter=3), log(task, iter=4, metric="m"))
    assert api.call(METRICS, tasks=[task], event_type="log")["metrics"] == [{"task": task, "metrics": ["", "m"]}]


def test_names_ascend_by_their_code_points(api: Api, task: str) -> None:
    names = ["b", "a", "Z", "é", "\U0001f600", "10", "9"]
    api.add(*(scalar(task, 1, metric=name) for name in names))
    (entry,) = api.call(METRICS, tasks=[task], event_type="*")["metrics"]
    assert entry["metrics"] == sorted(names)


def test_models(api: Api, model: str) -> None:
    api.add(*model_events([plot(model, 1)]))
    found = api.call(METRICS, tasks=[model], event_type="plot", model_events=True)["metrics"]
    assert found == [{"task": model, "metrics": ["m"]}]


@pytest.mark.parametrize(
    "fields",
    [
        {"tasks": []},
        {"tasks": None},
        {"tasks": "x"},
        {"tasks": [5]},
        {"event_type": None},
        {"event_type": ""},
        {"event_type": "scalar"},
        {"event_type": "training stats scalar"},
    ],
)
def test_malformed_requests(api: Api, task: str, fields: dict[str, Any]) -> None:
    assert api.fail(METRICS, {"tasks": [task], "event_type": "*"} | fields) == (400, 12)


def test_the_event_type_is_required(api: Api, task: str) -> None:
    assert api.fail(METRICS, tasks=[task]) == (400, 12)
