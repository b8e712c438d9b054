"""API contract 3.25 to 3.27: ``clear_task_log``, ``delete_for_task``, ``delete_for_model``."""

from __future__ import annotations

import time

import pytest

from tests.harness.api import Api
from tests.harness.events import column, log, model_events, one_of_each, plot, scalar

UNKNOWN = "0123456789abcdef0123456789abcdef"


def now_ms() -> int:
    return int(time.time() * 1000)


# --- clear_task_log ---------------------------------------------------------------------------------------------------


def test_clearing_deletes_all_log_lines_and_nothing_else(api: Api, task: str) -> None:
    api.add(*one_of_each(task), log(task), log(task, timestamp=now_ms() + 1_000_000))
    assert api.call("events.clear_task_log", task=task) == {"deleted": 3}
    assert api.logs(task) == []
    assert len(api.events(task)) == 4
    assert api.call("events.clear_task_log", task=task) == {"deleted": 0}


def test_clearing_what_is_old(api: Api, task: str) -> None:
    """Worked example: lines of now, -1 min … -4 min."""
    now = now_ms()
    api.add(*(log(task, str(minutes), timestamp=now - minutes * 60_000) for minutes in range(5)))
    assert api.call("events.clear_task_log", task=task, threshold_sec=90) == {"deleted": 3}
    assert column(api.logs(task), "msg") == ["1", "0"]


def test_a_zero_threshold_is_none(api: Api, task: str) -> None:
    api.add(log(task), log(task, timestamp=now_ms() + 1_000_000))
    assert api.call("events.clear_task_log", task=task, threshold_sec=0) == {"deleted": 2}


def test_a_negative_threshold_reaches_into_the_future(api: Api, task: str) -> None:
    now = now_ms()
    api.add(*(log(task, str(ahead), timestamp=now + ahead * 1000) for ahead in (-5, 50, 500)))
    assert api.call("events.clear_task_log", task=task, threshold_sec=-100) == {"deleted": 2}
    assert column(api.logs(task), "msg") == ["500"]


def test_a_line_without_a_time_is_never_old(api: Api, task: str) -> None:
    api.add(log(task, "old", timestamp=5), log(task, "none", timestamp=None))
    assert api.call("events.clear_task_log", task=task, threshold_sec=1) == {"deleted": 1}
    assert column(api.logs(task), "msg") == ["none"]


@pytest.mark.parametrize(
    ("fields", "left"),
    [
        ({"include_metrics": ["a"]}, ["", "b", "c"]),
        ({"include_metrics": ["a", "c"]}, ["", "b"]),
        ({"include_metrics": [""]}, ["a", "b", "c"]),
        ({"exclude_metrics": ["a"]}, ["a"]),
        ({"exclude_metrics": ["a", ""]}, ["", "a"]),
        ({"include_metrics": ["a", "b"], "exclude_metrics": ["b"]}, ["", "b", "c"]),
        ({"include_metrics": ["x"]}, ["", "a", "b", "c"]),
        ({"include_metrics": [], "exclude_metrics": []}, []),
        ({"include_metrics": None, "exclude_metrics": None}, []),
    ],
)
def test_clearing_by_metric(api: Api, task: str, fields: dict[str, object], left: list[str]) -> None:
    api.add(*(log(task, metric=name) for name in ("", "a", "b", "c")))
    assert api.call("events.clear_task_log", fields, task=task) == {"deleted": 4 - len(left)}
    assert sorted(column(api.logs(task), "metric")) == left


def test_plain_lines_and_lines_of_a_metric(api: Api, task: str) -> None:
    """The upstream test: ten plain lines and two of a metric."""
    api.add(*(log(task, str(number)) for number in range(10)), *(log(task, metric="metric") for _ in range(2)))
    answer = api.call("events.get_task_log", task=task, metrics=[{"metric": "metric"}])
    assert (answer["total"], answer["returned"]) == (2, 2)
    assert api.call("events.clear_task_log", task=task, exclude_metrics=["metric"]) == {"deleted": 10}
    assert api.call("events.get_task_log", task=task)["total"] == 2


def test_metric_and_age_together(api: Api, task: str) -> None:
    now = now_ms()
    api.add(*(log(task, f"{name}{age}", metric=name, timestamp=now - age * 1000) for name in "ab" for age in (0, 500)))
    answer = api.call("events.clear_task_log", task=task, threshold_sec=100, include_metrics=["a"])
    assert answer == {"deleted": 1}
    assert sorted(column(api.logs(task), "msg")) == ["a0", "b0", "b500"]


def test_lines_after_a_clearing_live(api: Api, task: str) -> None:
    api.add(log(task, "before", timestamp=5, metric="a"))
    api.call("events.clear_task_log", task=task, include_metrics=["a"], threshold_sec=10)
    api.add(log(task, "after", timestamp=5, metric="a"), log(task, "other", timestamp=6))
    assert column(api.logs(task), "msg") == ["after", "other"]


# --- delete_for_task --------------------------------------------------------------------------------------------------


def test_deleting_counts_every_event_of_every_type(api: Api, task: str) -> None:
    api.add(*one_of_each(task), scalar(task, 1), scalar(task, 1, 5.0), plot(task, 7))
    assert api.call("events.delete_for_task", task=task) == {"deleted": 7}
    assert api.events(task) == []
    assert api.call("events.delete_for_task", task=task) == {"deleted": 0}


def test_deleting_leaves_other_tasks_alone(api: Api, task: str) -> None:
    other = api.create_task()
    api.add(*one_of_each(task), *one_of_each(other))
    assert api.call("events.delete_for_task", task=task) == {"deleted": 5}
    assert len(api.events(other)) == 5


def test_what_is_written_after_a_deletion_lives(api: Api, task: str) -> None:
    for number in range(3):
        api.add(scalar(task, 1, float(number)), log(task, str(number)))
        assert column(api.events(task, "training_stats_scalar"), "value") == [float(number)]
        assert api.call("events.delete_for_task", task=task) == {"deleted": 2}
    assert api.call("events.scalar_metrics_iter_histogram", task=task) == {}
    assert api.call("events.get_scalar_metrics_and_variants", task=task) == {"metrics": {}}


def test_every_read_forgets_what_was_deleted(api: Api, task: str) -> None:
    api.add(*one_of_each(task))
    api.call("events.delete_for_task", task=task)
    assert api.call("events.get_task_plots", task=task)["plots"] == []
    assert api.call("events.get_task_log", task=task)["total"] == 0
    assert api.call("events.get_vector_metrics_and_variants", task=task) == {"metrics": {}}
    assert api.call("events.debug_images", metrics=[{"task": task}])["metrics"] in (
        [],
        [{"task": task, "iterations": []}],
    )
    assert api.call("events.get_task_latest_scalar_values", task=task)["metrics"] == []


# --- locks ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["events.delete_for_task", "events.clear_task_log"])
def test_a_published_task_keeps_its_events(api: Api, task: str, action: str) -> None:
    api.add(log(task))
    api.call("tasks.publish", task=task, force=True)
    assert api.fail(action, task=task) == (400, 101)
    assert api.fail(action, task=task, allow_locked=False) == (400, 101)
    assert len(api.logs(task)) == 1
    assert api.call(action, task=task, allow_locked=True) == {"deleted": 1}


def test_a_ready_model_keeps_its_events(api: Api) -> None:
    ready = api.create_model(ready=True)
    api.add(*(event | {"allow_locked": True} for event in model_events([scalar(ready), plot(ready)])))
    assert api.fail("events.delete_for_model", model=ready) == (400, 201)
    assert api.call("events.delete_for_model", model=ready, allow_locked=True) == {"deleted": 2}


# --- delete_for_model -------------------------------------------------------------------------------------------------


def test_deleting_a_models_events(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model, 1), scalar(model, 2), plot(model)]))
    assert api.call("events.delete_for_model", model=model) == {"deleted": 3}
    assert api.events(model, model_events=True) == []
    assert api.call("events.delete_for_model", model=model) == {"deleted": 0}


# --- refusals ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "name", "subcode"),
    [
        ("events.delete_for_task", "task", 101),
        ("events.clear_task_log", "task", 101),
        ("events.delete_for_model", "model", 201),
    ],
)
def test_what_cannot_be_deleted(api: Api, task: str, model: str, action: str, name: str, subcode: int) -> None:
    wrong_kind = model if name == "task" else task
    assert api.fail(action) == (400, 12)
    assert api.fail(action, {name: 5}) == (400, 12)
    for unknown in (UNKNOWN, "", wrong_kind):
        assert api.fail(action, {name: unknown}) == (400, subcode)


@pytest.mark.parametrize("fields", [{"threshold_sec": "x"}, {"include_metrics": "a"}, {"exclude_metrics": [1]}])
def test_malformed_clearings_are_refused(api: Api, task: str, fields: dict[str, object]) -> None:
    api.add(log(task))
    assert api.fail("events.clear_task_log", fields, task=task) == (400, 12)
    assert len(api.logs(task)) == 1
