"""Limits of lists, paths and batches: a clear error, before anything takes long (docs/api-contract.md, limits)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from deploy.endpoint_catalog import all_endpoints
from tests.harness.api import Api, failure_of
from tests.harness.events import log

ID = "0" * 32
MANY = [f"{number:06x}" for number in range(10_000)]
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
    ("events.get_multi_task_plots", {"tasks": [ID] * 10_001}, "at most 10000 items"),
    ("tasks.get_all_ex", {"only_fields": ["hyperparams." + ".".join("a" * 300)] * 1000}, "at most 50000 parts"),
    ("tasks.get_all", {"tags": ["__$all", *MANY[:5000]]}, "at most 500 conditions"),
    ("tasks.get_all", {"tags": [part for tag in MANY[:5000] for part in ("__$all", tag)]}, "at most 500 conditions"),
    ("models.get_all", {"filters": {"tags": {"all": {"include": MANY}}}}, "at most 500 conditions"),
    ("projects.get_all_ex", {"filters": {"tags": {"any": {"exclude": MANY}}}}, "at most 500 conditions"),
    ("tasks.get_all", {name: MANY for name in ("name", "status", "type", "user", "parent", "comment")}, "30000 values"),
]
LISTED = ("ids", "tasks", "projects")
CHANGES_OF_MANY = sorted(
    {
        (endpoint.name, name)
        for endpoint in all_endpoints()
        for name, field in endpoint.request.model_fields.items()
        if endpoint.is_change and name in LISTED and "list" in str(field.annotation)
    }
)


@pytest.mark.parametrize(("action", "fields", "reason"), TOO_MUCH, ids=lambda value: str(value)[:30])
def test_too_much_is_refused_at_once(api: Api, action: str, fields: dict[str, Any], reason: str) -> None:
    started = time.monotonic()
    response = api.raw(action, fields)
    assert failure_of(response) == (400, 12)
    assert reason in response.json()["meta"]["result_msg"]
    assert len(response.content) < 2000
    assert time.monotonic() - started < 5


NOT_TOO_MUCH: list[tuple[str, dict[str, Any]]] = [
    ("projects.get_all_ex", {"parent": MANY}),
    ("projects.get_all_ex", {"parent": MANY, "shallow_search": True}),
    ("tasks.get_all_ex", {"project": MANY, "include_subprojects": True}),
    ("tasks.get_all_ex", {"project": MANY[:50], "tags": ["__$all", *MANY[:20]]}),
    ("tasks.get_all_ex", {"filters": {"tags": {"any": {"include": MANY}, "all": {"exclude": MANY}}}}),
    ("users.get_all_ex", {"active_in_projects": MANY}),
]


@pytest.mark.parametrize(("action", "fields"), NOT_TOO_MUCH, ids=lambda value: str(value)[:30])
def test_long_lists_take_no_time_of_others(api: Api, action: str, fields: dict[str, Any]) -> None:
    """To compare each with each took the event loop half a minute."""
    started = time.monotonic()
    api.call(action, fields)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize(("action", "field"), CHANGES_OF_MANY)
def test_a_call_changes_at_most_a_thousand_documents(api: Api, action: str, field: str) -> None:
    response = api.raw(action, {field: [ID] * 1001})
    assert failure_of(response) == (400, 12)
    assert "at most 1000 items" in response.json()["meta"]["result_msg"]


def test_changes_of_many_are_all_there_is() -> None:
    found = {action for action, _ in CHANGES_OF_MANY}
    assert {"tasks.archive", "models.move", "projects.make_public", "pipelines.delete_runs"} < found
    assert len(found) > 20


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


def test_documents_do_not_grow_without_end(api: Api, task: str) -> None:
    """Each call sends what a call may send; what they make together is read and written whole."""
    text = "x" * (12 << 20)
    for name, expected in (("first", 200), ("second", 200), ("third", 400)):
        configuration = [{"name": name, "value": text, "type": "text"}]
        response = api.raw("tasks.edit_configuration", {"task": task, "configuration": configuration})
        assert response.status_code == expected
    assert failure_of(response) == (400, 800)
    assert sorted(api.task(task)["configuration"]) == ["first", "second"]


def test_preferences_do_not_grow_without_end(stranger: Api) -> None:
    half = "x" * (600 << 10)
    stranger.call("users.set_preferences", preferences={"a.b": half})
    assert stranger.fail("users.set_preferences", preferences={"a.c": half}) == (400, 12)
    stranger.call("users.set_preferences", preferences={"a.b": half})
    for parts in (101, 2000, 100_000):
        assert stranger.fail("users.set_preferences", preferences={"a." * parts + "a": 1}) == (400, 12)
    stranger.call("users.set_preferences", preferences={"a": {}})


@pytest.mark.parametrize("action", ["auth.create_credentials", "auth.edit_credentials"])
def test_labels_of_keys_are_short(api: Api, action: str) -> None:
    assert api.fail(action, label="x" * 201, access_key="any") == (400, 12)


@pytest.mark.parametrize("name", ["", "  ", "x" * 201])
def test_names_of_users_are_short(api: Api, name: str) -> None:
    assert api.fail("auth.create_user", name=name) == (400, 12)
