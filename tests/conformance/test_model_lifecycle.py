"""Models that are published, updated and removed, and what becomes of the tasks that make and use them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import column

UNKNOWN = "0" * 32


@pytest.fixture
def made(api: Api) -> tuple[str, str]:
    """A running task, and the model that it has made."""
    task = api.create_task()
    api.call("tasks.started", task=task)
    return task, str(api.call("models.update_for_task", task=task, uri="file:///b", version="2.9")["id"])


def status(api: Api, task: str, model: str) -> tuple[str, bool]:
    """The status of a task, and whether a model is published."""
    return api.task(task)["status"], api.model(model)["ready"]


# --- publish ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["models.set_ready", "models.publish"])
def test_a_model_of_a_running_task_is_published_by_force_or_alone(api: Api, made: tuple[str, str], action: str) -> None:
    task, model = made
    assert api.fail(action, model=model) == (400, 110)
    assert status(api, *made) == ("in_progress", False)
    if action == "models.publish":
        answer = api.call(action, model=model, publish_task=False)
        assert answer == {"updated": 1, "published_task": None}
        assert status(api, *made) == ("in_progress", True)
    else:
        answer = api.call(action, model=model, force_publish_task=True)
        assert (answer["published_task"]["id"], answer["published_task"]["data"]["updated"]) == (task, 1)
        assert status(api, *made) == ("published", True)


def test_a_model_takes_its_stopped_task_along_and_is_published_once(api: Api, made: tuple[str, str]) -> None:
    task, model = made
    api.call("tasks.stopped", task=task)
    answer = api.call("models.set_ready", model=model)
    assert (answer["updated"], answer["published_task"]["id"]) == (1, task)
    assert status(api, *made) == ("published", True)
    assert api.fail("models.set_ready", model=model) == (400, 203)


def test_a_task_that_is_published_already_is_not_published_again(api: Api, made: tuple[str, str]) -> None:
    task, model = made
    api.call("tasks.stopped", task=task)
    api.call("tasks.publish", task=task, publish_model=False)
    assert status(api, *made) == ("published", False)
    assert api.call("models.set_ready", model=model) == {"updated": 1, "published_task": None}
    assert status(api, *made) == ("published", True)


def test_a_task_publishes_its_model_but_one_that_is_ready_stays_so(api: Api, made: tuple[str, str]) -> None:
    task, model = made
    api.call("models.set_ready", model=model, publish_task=False)
    api.call("tasks.stopped", task=task)
    assert api.call("tasks.publish", task=task)["updated"] == 1
    assert status(api, *made) == ("published", True)
    assert api.call("tasks.completed", task=api.create_task(), force=True, publish=True)["published"] == 1


def test_models_are_published_and_removed_together_as_far_as_they_can_be(api: Api) -> None:
    task = api.create_task()
    models = [api.create_model(uri=f"file:///{number}", ready=True) for number in range(2)]
    api.call("models.edit", model=models[0], ready=False, task=task)
    ids = [*models, UNKNOWN]

    def call(action: str, **fields: Any) -> tuple[list[Data], list[str]]:
        answer = api.call(f"models.{action}", ids=ids, **fields)
        return answer["succeeded"], column(answer["failed"], "id")

    done, failed = call("publish_many", publish_task=True, force_publish_task=True)
    assert (column(done, "id"), done[0]["published_task"]["id"]) == ([models[0]], task)
    assert failed == [models[1], UNKNOWN]
    for action, tags in (("archive_many", ["archived"]), ("unarchive_many", [])):
        assert column(call(action)[0], "id") == models
        assert [api.model(model)["system_tags"] for model in models] == [tags, tags]
    done, failed = call("delete_many", force=True)
    assert (column(done, "id", "url"), failed) == ([*zip(models, ["file:///0", "file:///1"], strict=True)], [UNKNOWN])
    assert api.call("models.get_all_ex", id=ids)["models"] == []


# --- update -----------------------------------------------------------------------------------------------------------


def test_an_iteration_that_comes_with_a_model_is_its_tasks_unless_it_is_lower(api: Api) -> None:
    task, model = api.create_task(), api.create_model()
    steps: list[tuple[str, Data, int]] = [
        ("models.update", {"model": model, "task": task, "iteration": 1000}, 1000),
        ("models.update", {"model": model, "task": task, "iteration": 500}, 1000),
        ("models.edit", {"model": model, "iteration": 1001}, 1001),
        ("models.update_for_task", {"task": task, "uri": "file:///b", "iteration": 1002}, 1002),
        ("models.update_for_task", {"task": task, "uri": "file:///c", "iteration": 1003}, 1003),
        ("models.update_for_task", {"task": task, "uri": "file:///d", "iteration": 9}, 1003),
    ]
    for action, fields, expected in steps:
        api.call(action, fields, version="2.9")
        (listed,) = api.call("tasks.get_all", id=[task], only_fields=["last_iteration"])["tasks"]
        assert listed["last_iteration"] == api.task(task)["last_iteration"] == expected, (action, fields)
    api.call("tasks.reset", task=task)
    assert api.task(task)["last_iteration"] == 0


def test_a_model_that_a_task_makes_says_what_the_task_does(api: Api) -> None:
    project = str(api.call("projects.create", name=f"frameworks of {api.create_task()}")["id"])
    used = api.create_model()
    models = {"input": [{"name": "i", "model": used}]}
    task = api.create_task("the maker", project=project, models=models, execution={"framework": "torch"})
    model = api.model(api.call("models.update_for_task", task=task, uri="file:///b")["id"])
    assert (model["name"], model["framework"], model["parent"]) == ("the maker", "torch", used)
    assert (model["project"], model["task"]) == (project, task)
    assert api.call("models.get_frameworks", projects=[project]) == {"frameworks": ["torch"]}
    api.call("tasks.delete", task=task, force=True)
    assert api.call("models.get_frameworks", projects=[project]) == {"frameworks": []}
    for fields in ({}, {"uri": "u", "override_model_id": used}):
        assert api.fail("models.update_for_task", fields | {"task": api.create_task()}) == (400, 11)


# --- remove -----------------------------------------------------------------------------------------------------------


def test_a_task_forgets_a_model_that_is_gone(api: Api, made: tuple[str, str]) -> None:
    task, model = made
    assert api.call("models.delete", model=model)["deleted"] is True
    assert api.fail("models.get_by_id", model=model) == (400, 201)
    assert api.task(task)["models"]["output"] == []


def test_a_published_task_names_a_model_that_is_gone_as_deleted(api: Api, made: tuple[str, str]) -> None:
    task, model = made
    api.call("tasks.stopped", task=task)
    api.call("tasks.publish", task=task, publish_model=False)
    assert api.fail("models.delete", model=model) == (400, 206)
    api.call("models.delete", model=model, force=True)
    found = api.task(task)
    assert column(found["models"]["output"], "model") == [f"__DELETED__{model}"]
    assert found["output"]["error"].startswith("model deleted on ")


def test_tasks_that_use_a_model_that_is_gone_name_it_as_deleted(api: Api, model: str) -> None:
    task = api.create_task(models={"input": [{"name": "i", "model": model}]})
    assert api.fail("models.delete", model=model) == (400, 205)
    api.call("models.delete", model=model, force=True)
    assert column(api.task(task)["models"]["input"], "name", "model") == [("i", f"__DELETED__{model}")]
