"""The calls that make and change models."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import column, model_events, plot, scalar

UNKNOWN = "0" * 32


def test_a_new_model(api: Api, task: str) -> None:
    fields: Data = {
        "labels": {"cat": 1},
        "design": {"design": "d"},
        "framework": "PyTorch",
        "task": task,
        "tags": ["t"],
        "comment": "c",
        "of our own": [1, None],
    }
    made = api.call("models.create", name="m", uri="http://e/m", metadata=[{"key": "a", "value": "1"}], **fields)
    assert made["created"] is True
    model = api.model(made["id"])
    assert fields.items() <= model.items()
    assert (model["name"], model["uri"], model["ready"]) == ("m", "http://e/m", True)
    assert model["metadata"] == {"a": {"key": "a", "value": "1"}}
    assert (model["last_iteration"], model["last_metrics"]) == (0, {})


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({"name": None}, (400, 12)),
        ({"project": UNKNOWN}, (400, 401)),
        ({"task": UNKNOWN}, (400, 101)),
        ({"parent": UNKNOWN}, (400, 201)),
        ({"labels": []}, (400, 12)),
        ({"metadata": [{"value": "no key"}]}, (400, 12)),
    ],
)
def test_documents_that_cannot_be_stored(api: Api, fields: Data, failure: tuple[int, int]) -> None:
    assert api.fail("models.create", {"name": "m", "uri": "u"} | fields) == failure


@pytest.mark.parametrize("action", ["models.edit", "models.update"])
def test_an_edit_replaces_fields(api: Api, model: str, action: str) -> None:
    answer = api.call(action, model=model, comment="c", uri="http://e/new", labels={"dog": 2}, method="get")
    assert answer == {"updated": 1, "fields": {"comment": "c", "uri": "http://e/new", "labels": {"dog": 2}}}
    found = api.model(model)
    assert (found["comment"], found["uri"], found["labels"], found["name"]) == (
        "c",
        "http://e/new",
        {"dog": 2},
        "a model",
    )


def test_metadata(api: Api, model: str) -> None:
    def add(*keys: str, **fields: Any) -> None:
        entries = [{"key": key, "type": "int", "value": "1"} for key in keys]
        api.call("models.add_or_update_metadata", {"model": model, "metadata": entries} | fields)

    add("a", "b.c")
    add("d")
    assert set(api.model(model)["metadata"]) == {"a", "b.c", "d"}
    found = api.call("models.get_all", {"id": [model], "metadata.a.value": "1"})["models"]
    assert column(found, "id") == [model]
    assert api.call("models.get_all", {"id": [model], "metadata.a.value": "2"})["models"] == []
    api.call("models.delete_metadata", model=model, keys=["a"])
    assert set(api.model(model)["metadata"]) == {"b.c", "d"}
    add("e", replace_metadata=True)
    assert set(api.model(model)["metadata"]) == {"e"}


def test_filters(api: Api) -> None:
    """As the SDK looks for models: by name, address, task, project, state and tags."""
    name = f"model {secrets.token_hex(4)}"
    project = api.call("projects.create", name=name)["id"]
    task = api.create_task(project=project)
    one = api.create_model(name, uri=f"s3://{name}/1", project=project, task=task, framework="Keras", tags=["x"])
    two = api.create_model(name, uri=f"s3://{name}/2", project=project, ready=True, system_tags=["archived"])

    def found(**filters: Any) -> list[str]:
        return column(api.call("models.get_all", {"project": [project]} | filters)["models"], "id")

    assert found() == [one, two]
    assert found(order_by=["-created"]) == [two, one]
    assert found(ready=True) == [two]
    assert found(ready=False) == [one]
    assert found(ready=None) == [one, two]
    assert found(uri=[f"s3://{name}/2"], project=[]) == [two]
    assert found(task=[task]) == [one]
    assert found(framework=["Keras"]) == [one]
    assert found(system_tags=["-archived"]) == [one]
    assert found(tags=["x"], only_fields=["id", "name"]) == [one]
    assert found(name=f"^{name}$", page=0, page_size=1) == [one]
    assert api.call("models.get_frameworks", projects=[project])["frameworks"] == ["Keras"]
    (shown,) = api.call("models.get_by_id_ex", id=[one], only_fields=["name", "task.name", "project.name"])["models"]
    assert shown == {
        "id": one,
        "name": name,
        "task": {"id": task, "name": "a task"},
        "project": {"id": project, "name": name},
    }
    assert api.call("models.get_by_task_id", task=task)["model"]["id"] == one


def test_publishing(api: Api) -> None:
    task = api.create_task()
    model = api.create_model(task=task)
    api.call("tasks.started", task=task)
    api.call("tasks.stopped", task=task)
    answer = api.call("models.set_ready", model=model, publish_task=True)
    assert (answer["updated"], answer["published_task"]["id"]) == (1, task)
    assert (api.model(model)["ready"], api.task(task)["status"]) == (True, "published")
    other = api.create_model()
    assert api.call("models.publish", model=other) == {"updated": 1, "published_task": None}
    answer = api.call("models.publish_many", ids=[api.create_model(), UNKNOWN])
    assert (len(answer["succeeded"]), column(answer["failed"], "id")) == (1, [UNKNOWN])


def test_a_published_model_takes_no_more_events(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model)]))
    api.call("models.set_ready", model=model)
    assert api.fail("events.add", *model_events([plot(model)])) == (400, 131)


def test_deleting(api: Api) -> None:
    model = api.create_model(uri="http://e/m")
    api.add(*model_events([scalar(model)]))
    assert api.call("models.delete", model=model) == {"deleted": True, "url": "http://e/m"}
    assert api.fail("models.get_by_id", model=model) == (400, 201)
    assert api.fail("models.delete", model=model) == (400, 201)


def test_a_model_in_use_is_deleted_by_force_only(api: Api) -> None:
    task, model = api.create_task(), api.create_model()
    api.call("tasks.add_or_update_model", task=task, name="m", model=model, type="input")
    assert api.fail("models.delete", model=model) == (400, 205)
    answer = api.call("models.delete_many", ids=[model])
    assert answer["failed"][0]["error"]["codes"] == [400, 205]
    api.call("models.delete", model=model, force=True)


def test_the_model_of_a_published_task_is_deleted_by_force_only(api: Api) -> None:
    task = api.create_task()
    model = api.create_model(task=task)
    api.call("tasks.publish", task=task, force=True)
    assert api.fail("models.delete", model=model) == (400, 206)
    api.call("models.delete", model=model, force=True)


def test_the_model_that_a_task_made(api: Api) -> None:
    task = api.create_task("a task", execution={"framework": "f", "model_labels": {"cat": 1}})
    assert api.fail("models.update_for_task", task=task) == (400, 11)
    made = api.call("models.update_for_task", task=task, uri="http://e/1", iteration=3)
    assert made["created"] is True
    model = api.model(made["id"])
    assert (model["name"], model["framework"], model["labels"], model["task"]) == ("a task", "f", {"cat": 1}, task)
    again = api.call("models.update_for_task", task=task, uri="http://e/2")
    assert (again["id"], again["created"]) == (made["id"], False)
    assert api.model(made["id"])["uri"] == "http://e/2"
    other = api.create_model()
    assert api.call("models.update_for_task", task=task, override_model_id=other)["id"] == other
    assert column(api.task(task)["models"]["output"], "model") == [other]
    api.call("tasks.publish", task=task, force=True)
    assert api.fail("models.update_for_task", task=task, uri="http://e/3") == (400, 110)


def test_tags_archive_and_projects(api: Api, model: str) -> None:
    api.call("models.update_tags", ids=[model], add_tags=["a", "b"], remove_tags=[])
    api.call("models.update_tags", ids=[model], add_tags=[], remove_tags=["a"])
    assert api.model(model)["tags"] == ["b"]
    assert api.call("models.archive_many", ids=[model])["succeeded"] == [{"id": model, "archived": True}]
    assert api.model(model)["system_tags"] == ["archived"]
    api.call("models.unarchive_many", ids=[model])
    assert api.model(model)["system_tags"] == []
    project = api.call("models.move", ids=[model], project_name=f"moved {model}")["project_id"]
    assert api.model(model)["project"] == project


def test_other_companies(api: Api, stranger: Api, model: str) -> None:
    for action in ("get_by_id", "edit", "delete", "set_ready"):
        assert stranger.fail(f"models.{action}", model=model, force=True) == (400, 201)
    api.call("models.make_public", ids=[model])
    assert stranger.model(model)["company"] == ""
    assert stranger.fail("models.edit", model=model, comment="c") == (400, 201)
    assert stranger.fail("models.make_private", ids=[model]) == (400, 201)
    api.call("models.make_private", ids=[model])
    assert stranger.fail("models.get_by_id", model=model) == (400, 201)
    public = api.call("models.create", name="m", uri="u", public=True)["id"]
    assert stranger.model(public)["id"] == public
