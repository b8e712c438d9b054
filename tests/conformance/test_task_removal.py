"""Tasks that are reset and removed: what goes with them, what stays, and what the answer tells of it."""

from __future__ import annotations

from typing import Any

from tests.harness.api import Api, Data
from tests.harness.events import column, image, plot


def publish(api: Api, task: str) -> None:
    """The task has run and is published."""
    for action in ("started", "stopped", "publish"):
        api.call(f"tasks.{action}", task=task)


def with_everything(api: Api, **fields: Any) -> str:
    """A task with a published model, a draft, artifacts, images and plots."""
    task = api.create_task(**fields)
    for uri, ready in (("ready", True), ("draft", False)):
        model = api.create_model(uri=uri, ready=ready, **fields)
        api.call("models.edit", model=model, task=task)
    artifacts = [{"key": "a", "type": "s", "uri": "in", "mode": "input"}, {"key": "b", "type": "s", "uri": "out"}]
    api.call("tasks.add_or_update_artifacts", task=task, artifacts=artifacts)
    api.add(image(task, 0), plot(task, 0))
    return task


def test_a_draft_goes_without_more_ado(api: Api, task: str) -> None:
    answer = api.call("tasks.delete", task=task)
    assert (answer["deleted"], answer.get("urls")) == (True, None)
    assert [answer[name] for name in ("updated_children", "updated_models", "deleted_models")] == [0, 0, 0]
    empty = api.call("tasks.delete", task=api.create_task(), return_file_urls=True)["urls"]
    assert empty == {"model_urls": [], "event_urls": [], "artifact_urls": []}


def test_what_is_published_takes_force(api: Api, task: str) -> None:
    publish(api, task)
    assert api.fail("tasks.delete", task=task) == (400, 123)
    assert api.fail("tasks.reset", task=task) == (400, 110)
    api.call("tasks.reset", task=task, force=True)
    api.call("tasks.delete", task=task)


def test_a_task_with_published_children_takes_force(api: Api, task: str) -> None:
    child = api.create_task(parent=task)
    publish(api, child)
    assert api.fail("tasks.delete", task=task) == (400, 123)
    assert api.call("tasks.delete", task=task, force=True)["updated_children"] == 1
    document = api.task(child)
    assert document["parent"] == f"__DELETED__{task}"
    assert api.call("tasks.validate", document) == {}
    (listed,) = api.call("tasks.get_all_ex", id=[child], only_fields=["parent.name"])["tasks"]
    assert listed["parent"] == {"id": f"__DELETED__{task}"}


def test_a_task_with_a_published_model_takes_force(api: Api, task: str) -> None:
    model = api.create_model(ready=True)
    api.call("models.edit", model=model, task=task, ready=True)
    assert api.fail("tasks.delete", task=task) == (400, 123)
    assert api.call("tasks.delete", task=task, force=True)["updated_models"] == 1
    assert api.model(model)["task"] == f"__DELETED__{task}"
    api.call("models.edit", model=model, task=f"__DELETED__{task}", comment="still to be edited")


def test_urls_of_drafts_and_of_artifacts_that_the_task_made(api: Api) -> None:
    expected = {"model_urls": ["draft"], "event_urls": [], "artifact_urls": ["out"]}
    answer = api.call("tasks.delete", task=with_everything(api), force=True, return_file_urls=True)
    assert (answer["urls"], answer["deleted_models"], answer["updated_models"]) == (expected, 1, 1)
    answer = api.call("tasks.reset", task=with_everything(api), force=True, return_file_urls=True)
    assert (answer["urls"], answer["deleted_models"]) == (expected, 1)
    assert "urls" not in api.call("tasks.reset", task=with_everything(api), force=True)


def test_many_are_reset_and_removed_as_far_as_they_can_be(api: Api) -> None:
    tasks = [with_everything(api) for _ in range(2)]
    ids = [*tasks, "0" * 32]
    for action, fields in (("reset_many", {"force": True}), ("delete_many", {"force": True})):
        answer = api.call(f"tasks.{action}", {"ids": ids, "return_file_urls": True} | fields)
        assert column(answer["succeeded"], "id") == tasks
        assert column(answer["failed"], "id") == ids[2:]
        if action == "reset_many":
            assert [done["urls"]["model_urls"] for done in answer["succeeded"]] == [["draft"], ["draft"]]
    assert api.call("tasks.get_all", id=ids)["tasks"] == []


def test_a_reset_says_so(api: Api, task: str) -> None:
    api.call("tasks.started", task=task)
    fields: Data = api.call("tasks.reset", task=task)["fields"]
    assert (fields["status"], fields["status_reason"], fields["status_message"]) == ("created", "reset", "reset")


def test_a_project_is_removed_with_or_without_its_contents(api: Api) -> None:
    project = str(api.call("projects.create", name=f"to be removed {api.create_task()}")["id"])
    task = api.create_task(project=project)
    answer = api.call("projects.delete", project=project, force=True)
    assert [answer[name] for name in ("deleted", "disassociated_tasks", "deleted_tasks")] == [1, 1, 0]
    assert "project" not in api.task(task)
    project = str(api.call("projects.create", name=f"to be removed {api.create_task()}")["id"])
    task, elsewhere = with_everything(api, project=project), api.create_model(uri="elsewhere")
    api.call("models.edit", model=elsewhere, task=task)
    answer = api.call("projects.delete", project=project, force=True, delete_contents=True)
    assert (sorted(answer["urls"]["model_urls"]), answer["urls"]["artifact_urls"]) == (["draft", "ready"], ["out"])
    counts = [answer[name] for name in ("deleted", "disassociated_tasks", "deleted_tasks", "deleted_models")]
    assert counts == [1, 0, 1, 2]
    assert api.fail("tasks.get_by_id", task=task) == (400, 101)
    assert api.model(elsewhere)["uri"] == "elsewhere"


def test_a_pipeline_takes_its_steps_along_if_asked_for(api: Api) -> None:
    pipeline = str(api.call("tasks.create", name="a pipeline", type="controller", system_tags=["pipeline"])["id"])
    steps = [api.create_task(f"step {number}", parent=pipeline, system_tags=["pipeline"]) for number in range(2)]
    ids = [pipeline, *steps]

    def archived() -> list[bool]:
        return ["archived" in api.task(task)["system_tags"] for task in ids]

    api.call("tasks.archive", tasks=[pipeline])
    assert archived() == [True, False, False]
    reasons = {"status_message": "over", "status_reason": "done"}
    api.call("tasks.archive", {"tasks": [pipeline], "include_pipeline_steps": True} | reasons)
    assert archived() == [True, True, True]
    assert {(task["status_message"], task["status_reason"]) for task in map(api.task, ids)} == {("over", "done")}
    api.call("tasks.unarchive_many", ids=[pipeline], include_pipeline_steps=True)
    assert archived() == [False, False, False]
    for task in ids:
        api.call("tasks.started", task=task)
    api.call("tasks.stop", task=pipeline, include_pipeline_steps=True)
    assert {api.task(task)["status"] for task in ids} == {"stopped"}
    api.call("tasks.delete", task=pipeline, force=True, include_pipeline_steps=True)
    assert api.call("tasks.get_all", id=ids, search_hidden=True)["tasks"] == []
