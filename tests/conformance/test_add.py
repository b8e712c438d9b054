"""API contract 3.1 and 3.2: ``add`` and ``add_batch``."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.harness.api import Api, Data, data_of, failure_of, json_lines
from tests.harness.events import IMAGE, PLOT, SCALAR, VECTOR, column, log, model_events, one_of_each, scalar

ADDED_ONE = {"added": 1, "errors": 0, "errors_info": {}}


def test_add_takes_each_type(api: Api, task: str) -> None:
    for event in one_of_each(task):
        assert api.call("events.add", event) == ADDED_ONE
    assert {event["type"] for event in api.events(task)} == {"log", PLOT, IMAGE, SCALAR, VECTOR}


def test_add_takes_a_model_event_at_any_version(api: Api, model: str) -> None:
    for iteration, version in enumerate(["1.0", "2.1", "2.22"]):
        event = scalar(model, iteration, model_event=True, allow_locked=False)
        assert api.call("events.add", event, version=version) == ADDED_ONE
    assert column(api.events(model, model_events=True), "iter") == [0, 1, 2]


def test_any_error_of_the_one_event_adds_nothing(api: Api, task: str) -> None:
    bad = [{}, {"type": "log"}, {"task": task}, log("x"), log(task) | {"type": "zz"}, scalar(task, "x")]
    for event in bad:
        assert api.fail("events.add", event) == (400, 131), event
    assert api.events(task) == []


def test_add_without_a_body_adds_nothing(api: Api) -> None:
    response = api.raw("events.add", method="GET")
    assert response.json()["meta"]["result_code"] == 400
    assert response.json()["meta"]["result_subcode"] == 131


def test_add_takes_an_event_from_the_query_string(api: Api, task: str) -> None:
    event = {"type": SCALAR, "task": task, "metric": "loss", "variant": "train", "iter": "4", "value": "0.5"}
    assert data_of(api.raw("events.add", method="GET", params=event)) == ADDED_ONE
    assert column(api.events(task, SCALAR), "metric", "variant", "iter", "value") == [("loss", "train", 4, 0.5)]


def test_the_worked_example_of_a_batch(api: Api, task: str) -> None:
    lines: list[Data] = [
        {"type": SCALAR, "task": task, "iter": 0, "metric": "loss", "variant": "train", "value": 0.9},
        {"type": "log", "task": task, "level": "info", "msg": "started"},
    ]
    assert api.batch(lines, version="2.22") == {"added": 2, "errors": 0, "errors_info": {}}
    (stored,) = api.events(task, SCALAR)
    written = stored.pop("@timestamp")
    now = stored.pop("timestamp")
    assert stored == lines[0] | {"worker": "<unknown>", "model_event": False}
    assert isinstance(written, str)
    assert isinstance(now, int)
    (line,) = api.logs(task)
    assert set(line) == {
        *("type", "task", "level", "msg", "metric", "variant", "timestamp", "@timestamp", "worker", "model_event")
    }


def test_what_was_added_is_there_at_once(api: Api, task: str) -> None:
    """API contract 1.12: read your writes, every time."""
    for number in range(8):
        api.add(log(task, str(number), timestamp=number))
        assert column(api.logs(task), "msg") == list(map(str, range(number + 1)))


def test_simultaneous_requests_are_all_kept(api: Api, task: str) -> None:
    def add(number: int) -> None:
        api.add(*(scalar(task, 10 * number + place) for place in range(10)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add, range(12)))
    assert column(api.events(task, SCALAR), "iter") == list(range(120))


def test_a_write_says_how_far_it_is_to_go_before_it_is_answered(api: Api, task: str) -> None:
    """Architecture, decision 8."""
    for ack in ("durable", "visible"):
        assert data_of(api.raw("events.add", log(task, ack), headers={"X-Eventide-Ack": ack})) == ADDED_ONE
    assert sorted(column(api.logs(task), "msg")) == ["durable", "visible"]
    assert failure_of(api.raw("events.add", log(task), headers={"X-Eventide-Ack": "soon"})) == (400, 12)
    assert len(api.logs(task)) == 2


@pytest.mark.parametrize("version", ["1.0", "2.1", "2.22", None])
def test_a_batch_at_any_version(api: Api, task: str, model: str, version: str | None) -> None:
    lines = [scalar(task), *model_events([scalar(model)])]
    assert api.batch(lines, version=version) == {"added": 2, "errors": 0, "errors_info": {}}


def test_the_order_of_lines_decides_overwrites(api: Api, task: str) -> None:
    api.add(scalar(task, 1, 1.0), scalar(task, 2, 2.0), scalar(task, 1, 3.0))
    assert column(api.events(task, SCALAR), "iter", "value") == [(1, 3.0), (2, 2.0)]


def test_the_sdk_sends_a_batch_in_a_get(api: Api, task: str) -> None:
    headers = {"Content-Type": "application/json-lines", "X-Clearml-Client": "clearml-2.1.12", "X-Clearml-Worker": "vm"}
    line = log(task, level="info", worker="vm", allow_locked=False, model_event=False, method="get", timestamp=5)
    response = api.raw("events.add_batch", method="GET", content=json_lines([line]), headers=headers, version="2.23")
    assert data_of(response) == ADDED_ONE
    assert column(api.logs(task), "worker", "msg") == [("vm", "line")]
