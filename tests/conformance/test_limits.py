"""Limits of lists, paths and batches: a clear error, before anything takes long (docs/api-contract.md, limits)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.harness.api import Api, failure_of
from tests.harness.events import log

ID = "0" * 32
TOO_MUCH: list[tuple[str, dict[str, Any], str]] = [
    ("tasks.get_all", {"order_by": ["name"] * 21}, "at most 20"),
    ("tasks.get_all_ex", {"order_by": [f"hyperparams.a{number}" for number in range(400)]}, "at most 20"),
    ("models.get_all", {"order_by": ["metadata." + "a." * 3500 + "a"]}, "at most 500 characters"),
    ("tasks.get_all", {"order_by": ["hyperparams." + ".".join("a" * 20)]}, "at most 20 parts"),
    ("tasks.get_all", {"only_fields": ["name"] * 1001}, "at most 1000"),
    ("tasks.get_all", {"_any_": {"pattern": "a", "fields": ["name"] * 21}}, "at most 20"),
    ("projects.get_all", {"_all_": {"pattern": "a", "fields": ["name"] * 15_000}}, "at most"),
    ("tasks.get_all", {f"hyperparams.a{number}": ["x"] for number in range(101)}, "at most 100 filters"),
    (
        "tasks.get_all",
        {"filters": {f"hyperparams.a{n}": {"any": {"include": ["x"]}} for n in range(101)}},
        "100 filters",
    ),
    ("tasks.get_all", {"id": [f"{number:032x}" for number in range(10_001)]}, "at most 10000 items"),
    ("tasks.archive_many", {"ids": [ID] * 1001}, "at most 1000 items"),
    ("models.delete_many", {"ids": [ID] * 1001}, "at most 1000 items"),
    ("events.get_multi_task_plots", {"tasks": [ID] * 10_001}, "at most 10000 items"),
]


@pytest.mark.parametrize(("action", "fields", "reason"), TOO_MUCH, ids=lambda value: str(value)[:30])
def test_too_much_is_refused_at_once(api: Api, action: str, fields: dict[str, Any], reason: str) -> None:
    started = time.monotonic()
    response = api.raw(action, fields)
    assert failure_of(response) == (400, 12)
    assert reason in response.json()["meta"]["result_msg"]
    assert len(response.content) < 2000
    assert time.monotonic() - started < 5


def test_a_batch_of_very_many_tasks_is_refused(api: Api) -> None:
    assert api.fail_batch([log(f"{number:032x}") for number in range(10_001)]) == (400, 12)


def test_of_very_many_reasons_the_most_frequent_are_told(api: Api, task: str) -> None:
    odd = [{"type": f"type {number}", "task": task} for number in range(3000)]
    info = api.batch([log(task), *odd, {"type": "type 7", "task": task}])["errors_info"]
    assert len(info) == 1001
    assert info["Invalid event type type_7"] == 2
    assert info["other reasons"] == 2000
    assert sum(info.values()) == 3001


def test_wrong_values_without_end_are_counted(api: Api) -> None:
    response = api.raw("tasks.get_all", {"id": [1] * 9000})
    assert failure_of(response) == (400, 12)
    assert len(response.content) < 1000
