"""The calls that make and change tasks, as the SDK and the web application use them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import column, log, one_of_each, scalar

UNKNOWN = "0" * 32


def start(api: Api, task: str, *then: str) -> None:
    for status in ("started", *then):
        api.call(f"tasks.{status}", task=task)


# --- create and edit --------------------------------------------------------------------------------------------------


def test_a_new_task(api: Api) -> None:
    project = api.call("projects.create", name=f"new {UNKNOWN} {id(api)}")["id"]
    fields = {
        "comment": "c",
        "tags": ["t"],
        "system_tags": ["development"],
        "script": {"repository": "r", "diff": "d"},
        "hyperparams": {"General": {"lr": {"section": "General", "name": "lr", "value": "0.1", "type": "float"}}},
        "configuration": {"c": {"name": "c", "value": "v", "type": "t", "description": ""}},
        "container": {"image": "i"},
        "of our own": {"kept": ["as", {"it": None}]},
    }
    task = api.task(api.create_task("a name", project=project, output_dest=" s3://b ", **fields))
    assert fields.items() <= task.items()
    assert (task["name"], task["type"], task["status"]) == ("a name", "training", "created")
    assert task["output"] == {"destination": "s3://b"}
    assert task["models"] == {"input": [], "output": []}
    assert (task["last_iteration"], task["last_metrics"]) == (0, {})
    user = api.call("users.get_current_user")["user"]
    assert (task["user"], task["company"]) == (user["id"], user["company"]["id"])
    assert task["created"] == task["last_update"] == task["last_change"]
    assert len(task["id"]) == 32


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({"name": "ab"}, (400, 800)),
        ({"name": "  a "}, (400, 800)),
        ({"name": "x" * 3000}, (400, 800)),
        ({"name": 5}, (400, 12)),
        ({"name": None}, (400, 12)),
        ({"type": "nonsense"}, (400, 12)),
        ({"tags": "a"}, (400, 12)),
        ({"hyperparams": {"a": "b"}}, (400, 12)),
        ({"execution": {"artifacts": ["a"]}}, (400, 12)),
        ({"project": UNKNOWN}, (400, 401)),
        ({"parent": UNKNOWN}, (400, 101)),
        ({"models": {"input": [{"name": "m", "model": UNKNOWN}]}}, (400, 201)),
    ],
)
def test_documents_that_cannot_be_stored(api: Api, fields: Data, failure: tuple[int, int]) -> None:
    assert api.fail("tasks.create", {"name": "a task", "type": "training"} | fields) == failure
    assert api.fail("tasks.validate", {"name": "a task", "type": "training"} | fields) == failure
    task = api.create_task()
    if fields not in ({"name": None},):
        assert api.fail("tasks.edit", {"task": task} | fields) == failure


def test_clients_cannot_set_what_eventide_knows(api: Api) -> None:
    own: Data = {
        "id": "x",
        "company": "x",
        "user": "x",
        "status": "published",
        "created": "x",
        "last_metrics": {"a": 1},
    }
    task = api.task(api.create_task(**own, method="get"))
    assert not any(task[name] == value for name, value in own.items())
    assert "method" not in task
    api.call("tasks.edit", {"task": task["id"]} | own)
    assert api.task(task["id"])["status"] == "created"


def test_an_edit_replaces_fields_and_merges_objects(api: Api) -> None:
    task = api.create_task(script={"diff": "d", "branch": "b"}, execution={"parameters": {"a": 1}}, runtime={"x": 1})
    fields = {"script": {"diff": "new"}, "execution": {"framework": "f"}, "runtime": {"y": 2}, "name": "new name"}
    answer = api.call("tasks.edit", {"task": task} | fields)
    assert answer == {"updated": 1, "fields": fields}
    found = api.task(task)
    assert found["script"] == {"diff": "new", "branch": "b"}
    assert found["execution"] == {"framework": "f", "artifacts": []}
    assert found["hyperparams"]["Args"]["a"]["value"] == "1"
    assert (found["runtime"], found["name"]) == ({"y": 2}, "new name")
    assert found["last_change"] > found["created"]


def test_an_edit_needs_force_once_a_task_runs(api: Api, task: str) -> None:
    start(api, task)
    assert api.fail("tasks.edit", task=task, comment="c") == (400, 110)
    api.call("tasks.edit", task=task, comment="c", force=True)
    assert api.task(task)["comment"] == "c"


def test_an_update_works_in_any_status_but_not_for_everything(api: Api, task: str) -> None:
    start(api, task, "completed", "publish")
    api.call("tasks.update", task=task, name="new name", tags=["t"], hyperparams={"a": {}})
    found = api.task(task)
    assert (found["name"], found["tags"], found["hyperparams"]) == ("new name", ["t"], {})


def test_requirements_stand_in_the_script(api: Api) -> None:
    task = api.create_task(script={"diff": "d"})
    api.call("tasks.set_requirements", task=task, requirements={"pip": "a", "conda": ""})
    assert api.task(task)["script"] == {"diff": "d", "requirements": {"pip": "a", "conda": ""}}


# --- status -----------------------------------------------------------------------------------------------------------


def test_the_life_of_a_task(api: Api, task: str) -> None:
    started = api.call("tasks.started", task=task, status_reason="r", status_message="m")
    assert (started["started"], started["updated"], started["fields"]["status"]) == (1, 1, "in_progress")
    found = api.task(task)
    assert (found["status"], found["status_reason"], found["status_message"]) == ("in_progress", "r", "m")
    assert found["started"] == found["status_changed"]
    assert api.call("tasks.completed", task=task, publish=False)["published"] == 0
    found = api.task(task)
    assert found["status"] == "completed"
    assert (found["status_reason"], found["status_message"]) == ("", "")
    assert found["completed"] >= found["started"]
    assert found["active_duration"] >= 0
    api.call("tasks.publish", task=task)
    assert api.task(task)["published"]


@pytest.mark.parametrize("action", ["completed", "failed", "stopped", "publish", "close"])
def test_what_has_not_started_cannot_end(api: Api, task: str, action: str) -> None:
    assert api.fail(f"tasks.{action}", task=task) == (400, 110)
    api.call(f"tasks.{action}", task=task, force=True)
    assert api.task(task)["status"] == {"publish": "published", "close": "closed"}.get(action, action)


def test_a_task_goes_on_from_when_it_first_started(api: Api, task: str) -> None:
    start(api, task, "stopped")
    first = api.task(task)["started"]
    start(api, task)
    assert api.task(task)["started"] == first
    start(api, task, "failed")
    assert api.fail("tasks.started", task=task) == (400, 110)
    api.call("tasks.started", task=task, force=True)


def test_a_stop_says_who_stopped(api: Api, task: str) -> None:
    start(api, task)
    answer = api.call("tasks.stop", task=task)
    assert answer["fields"]["status"] == "stopped"
    assert answer["fields"]["status_message"].startswith("Stopped by ")


def test_completed_can_publish_along(api: Api, task: str) -> None:
    model = api.create_model()
    start(api, task)
    api.call("tasks.add_or_update_model", task=task, name="m", model=model, type="output")
    answer = api.call("tasks.completed", task=task, publish=True)
    assert (answer["published"], answer["fields"]["status"]) == (1, "published")
    assert api.model(model)["ready"]
    assert api.fail("events.add", log(task)) == (400, 131)


@pytest.mark.parametrize("action", ["started", "completed", "edit", "reset", "delete", "ping", "update", "publish"])
def test_unknown_tasks(api: Api, action: str) -> None:
    assert api.fail(f"tasks.{action}", task=UNKNOWN) == (400, 101)
    assert api.fail(f"tasks.{action}") == (400, 12)


@pytest.mark.parametrize("action", ["enqueue", "dequeue", "enqueue_many", "dequeue_many"])
def test_there_are_no_queues(api: Api, task: str, action: str) -> None:
    assert api.fail(f"tasks.{action}", task=task, queue="q") == (400, 1)


# --- reset, delete, clone ---------------------------------------------------------------------------------------------


def test_a_reset_forgets_what_the_task_made(api: Api) -> None:
    artifacts = [{"key": "in", "type": "t", "mode": "input"}, {"key": "out", "type": "t"}]
    task = api.create_task(execution={"artifacts": artifacts, "framework": "f"}, runtime={"a": 1}, script={"diff": "d"})
    start(api, task)
    made, published = api.create_model(task=task), api.create_model(task=task, ready=True)
    api.call("tasks.add_or_update_model", task=task, name="m", model=made, type="output")
    api.add(*one_of_each(task))
    start(api, task, "completed")
    assert api.fail("tasks.reset", task=task) == (400, 123)  # of what is published
    answer = api.call("tasks.reset", task=task, force=True)
    assert (answer["updated"], answer["deleted_models"], answer["events"]) == (1, 1, {"deleted": 5})
    found = api.task(task)
    assert (found["status"], found["runtime"], found["models"]["output"]) == ("created", {}, [])
    assert not {"started", "completed", "active_duration"} & found.keys()
    assert found["execution"] == {"artifacts": artifacts[:1], "framework": "f"}
    assert found["script"] == {"diff": "d"}
    assert (found["last_iteration"], found["last_metrics"]) == (0, {})
    assert api.events(task) == []
    assert api.fail("models.get_by_id", model=made) == (400, 201)
    assert api.model(published)["ready"]
    assert "task" not in api.model(published)
    api.call("tasks.reset", task=task, clear_all=True)
    assert (api.task(task)["script"], api.task(task)["execution"]) == ({}, {"artifacts": []})


def test_a_published_task_is_reset_by_force_only(api: Api, task: str) -> None:
    start(api, task, "completed", "publish")
    assert api.fail("tasks.reset", task=task) == (400, 110)
    api.call("tasks.reset", task=task, force=True)
    assert api.task(task)["status"] == "created"


def test_what_ran_is_deleted_by_force_or_from_the_archive(api: Api) -> None:
    parent, forced, archived = api.create_task(), api.create_task(), api.create_task()
    child = api.create_task(parent=parent)
    assert api.call("tasks.delete", task=parent)["updated_children"] == 1
    assert api.task(child)["parent"] == f"__DELETED__{parent}"
    for task in (forced, archived):
        start(api, task)
        assert api.fail("tasks.delete", task=task) == (400, 123)
    assert api.call("tasks.delete", task=forced, force=True)["deleted"] is True
    api.call("tasks.archive", tasks=[archived])
    api.call("tasks.delete", task=archived)
    assert api.fail("tasks.get_by_id", task=forced) == (400, 101)
    assert api.call("tasks.get_all", id=[parent, forced, archived])["tasks"] == []


def test_a_deleted_task_takes_its_models_but_not_those_in_use(api: Api) -> None:
    task, user = api.create_task(), api.create_task()
    lonely, used = api.create_model(task=task), api.create_model(task=task)
    api.call("tasks.add_or_update_model", task=user, name="m", model=used, type="input")
    assert api.call("tasks.delete", task=task, force=True)["deleted_models"] == 1
    assert api.fail("models.get_by_id", model=lonely) == (400, 201)
    assert api.model(used)["id"] == used


def test_a_clone_starts_anew(api: Api) -> None:
    model = api.create_model()
    source = api.create_task(
        "the source",
        tags=["t"],
        system_tags=["development", "kept"],
        comment="c",
        script={"diff": "d"},
        hyperparams={"s": {"n": {"section": "s", "name": "n", "value": "1"}}},
        execution={"queue": "q", "artifacts": [{"key": "a", "type": "t", "mode": "input"}, {"key": "b", "type": "t"}]},
    )
    api.call("tasks.add_or_update_model", task=source, name="in", model=model, type="input")
    api.call("tasks.add_or_update_model", task=source, name="out", model=model, type="output")
    start(api, source)
    api.add(scalar(source))
    clone = api.task(api.call("tasks.clone", task=source)["id"])
    original = api.task(source)
    for field in ("name", "type", "comment", "tags", "script", "hyperparams"):
        assert clone[field] == original[field]
    assert (clone["status"], clone["system_tags"]) == ("created", ["kept"])
    assert [artifact["key"] for artifact in clone["execution"]["artifacts"]] == ["a"]
    assert "queue" not in clone["execution"]
    assert (len(clone["models"]["input"]), clone["models"]["output"]) == (1, [])
    assert clone["last_metrics"] == {}
    changed = api.call(
        "tasks.clone",
        task=source,
        new_task_name="another name",
        new_task_tags=["u"],
        new_task_parent=source,
        new_project_name=f"clones {source}",
        execution_overrides={"framework": "f"},
    )
    found = api.task(changed["id"])
    assert (found["name"], found["tags"], found["parent"]) == ("another name", ["u"], source)
    assert found["project"] == changed["new_project"]["id"]
    assert found["execution"]["framework"] == "f"


# --- parts ------------------------------------------------------------------------------------------------------------


def parameters(*names: str, section: str = "s") -> list[Data]:
    return [{"section": section, "name": name, "value": name * 2, "type": "str"} for name in names]


@pytest.mark.parametrize(
    ("replace", "left"),
    [
        ("none", {("s", "a"), ("s", "b"), ("other", "x")}),
        ("section", {("s", "b"), ("other", "x")}),
        ("all", {("s", "b")}),
    ],
)
def test_hyper_parameters_are_merged_or_replaced(api: Api, task: str, replace: str, left: set[Any]) -> None:
    api.call("tasks.edit_hyper_params", task=task, hyperparams=parameters("a") + parameters("x", section="other"))
    api.call("tasks.edit_hyper_params", task=task, hyperparams=parameters("b"), replace_hyperparams=replace)
    (found,) = api.call("tasks.get_hyper_params", tasks=[task])["params"]
    assert found["task"] == task
    assert {(one["section"], one["name"]) for one in found["hyperparams"]} == left


def test_hyper_parameters_are_deleted_one_by_one_or_by_section(api: Api, task: str) -> None:
    api.call("tasks.edit_hyper_params", task=task, hyperparams=parameters("a", "b") + parameters("x", section="o.p"))
    keys = [{"section": "s", "name": "a"}, {"section": "o.p"}, {"section": "none", "name": "none"}]
    assert api.call("tasks.delete_hyper_params", task=task, hyperparams=keys) == {"deleted": 1}
    assert api.task(task)["hyperparams"] == {"s": {"b": parameters("b")[0]}}


def test_parts_change_until_a_task_starts_or_by_force_until_it_ends(api: Api, task: str) -> None:
    changefeed: list[tuple[str, Data]] = [
        ("tasks.edit_hyper_params", {"hyperparams": parameters("a")}),
        ("tasks.delete_hyper_params", {"hyperparams": [{"section": "s", "name": "a"}]}),
        ("tasks.edit_configuration", {"configuration": [{"name": "c", "value": "v"}]}),
        ("tasks.delete_configuration", {"configuration": ["c"]}),
        ("tasks.add_or_update_artifacts", {"artifacts": [{"key": "k", "type": "t"}]}),
        ("tasks.delete_artifacts", {"artifacts": [{"key": "k"}]}),
    ]
    properties = {"hyperparams": parameters("p", section="properties")}
    for action, fields in changefeed:
        api.call(action, {"task": task} | fields)
    start(api, task)
    for action, fields in changefeed:
        if action.endswith("_artifacts"):  # which are made while the task runs
            api.call(action, {"task": task} | fields)
        else:
            assert api.fail(action, {"task": task} | fields) == (400, 110)
        api.call(action, {"task": task, "force": True} | fields)
    start(api, task, "completed")
    for action, fields in changefeed:
        assert api.fail(action, {"task": task, "force": True} | fields) == (400, 110)
    api.call("tasks.edit_hyper_params", {"task": task} | properties)
    assert api.task(task)["hyperparams"]["properties"]["p"]["value"] == "pp"


def test_configurations(api: Api, task: str) -> None:
    items = [{"name": name, "value": value, "type": "t"} for name, value in (("b", "1"), ("a.b", "2"), ("empty", ""))]
    api.call("tasks.edit_configuration", task=task, configuration=items)
    (found,) = api.call("tasks.get_configurations", tasks=[task])["configurations"]
    assert found == {"task": task, "configuration": [items[1], items[0], items[2]]}
    (found,) = api.call("tasks.get_configurations", tasks=[task], names=["b"])["configurations"]
    assert column(found["configuration"], "name") == ["b"]
    for skip, names in ((True, ["a.b", "b"]), (False, ["a.b", "b", "empty"])):
        (found,) = api.call("tasks.get_configuration_names", tasks=[task], skip_empty=skip)["configurations"]
        assert found["names"] == names
    api.call("tasks.edit_configuration", task=task, configuration=items[:1], replace_configuration=True)
    assert list(api.task(task)["configuration"]) == ["b"]
    assert api.fail("tasks.get_configurations", tasks=[task, UNKNOWN]) == (400, 101)


def test_artifacts_are_known_by_key_and_mode(api: Api, task: str) -> None:
    def add(key: str, **fields: Any) -> None:
        api.call("tasks.add_or_update_artifacts", task=task, artifacts=[{"key": key, "type": "t"} | fields])

    add("a", uri="1")
    add("b", uri="2", of_our_own={"x": 1})
    add("a", uri="3", mode="input")
    add("a", uri="4")
    artifacts = api.task(task)["execution"]["artifacts"]
    assert {(a["key"], a["mode"], a["uri"]) for a in artifacts} == {
        ("b", "output", "2"),
        ("a", "input", "3"),
        ("a", "output", "4"),
    }
    assert artifacts[2]["of_our_own"] == {"x": 1}
    api.call("tasks.delete_artifacts", task=task, artifacts=[{"key": "a"}, {"key": "b", "mode": "input"}])
    assert column(api.task(task)["execution"]["artifacts"], "uri") == ["3", "2"]


def test_models_of_a_task_are_known_by_name(api: Api, task: str) -> None:
    models = [api.create_model() for _ in range(3)]
    for name, model in zip("aba", models, strict=True):
        api.call("tasks.add_or_update_model", task=task, name=name, model=model, type="output")
    assert column(api.task(task)["models"]["output"], "name", "model") == [("a", models[2]), ("b", models[1])]
    api.call("tasks.add_or_update_model", task=task, name="c", model=UNKNOWN, type="input")
    assert column(api.task(task)["models"]["input"], "name", "model") == [("c", UNKNOWN)]
    api.call("tasks.delete_models", task=task, models=[{"name": "a", "type": "output"}, {"name": "b", "type": "input"}])
    assert column(api.task(task)["models"]["output"], "name") == ["b"]


# --- many -------------------------------------------------------------------------------------------------------------


def test_tags_are_added_and_removed(api: Api) -> None:
    tasks = [api.create_task(tags=["a", "b"]), api.create_task(tags=["c"])]
    assert api.call("tasks.update_tags", ids=tasks, add_tags=["d", "b"], remove_tags=["a"]) == {"updated": 2}
    assert [api.task(task)["tags"] for task in tasks] == [["b", "d"], ["b", "c", "d"]]


def test_archiving(api: Api, task: str) -> None:
    assert api.call("tasks.archive", tasks=[task]) == {"archived": 1}
    assert api.task(task)["system_tags"] == ["archived"]
    assert api.call("tasks.unarchive", tasks=[task]) == {"unarchived": 1}
    answer = api.call("tasks.archive_many", ids=[task, UNKNOWN])
    assert answer["succeeded"] == [{"id": task, "archived": True}]
    assert column(answer["failed"], "id") == [UNKNOWN]
    assert answer["failed"][0]["error"]["codes"] == [400, 101]


@pytest.mark.parametrize(
    ("action", "status"),
    [("stop_many", "stopped"), ("reset_many", "created"), ("publish_many", "published"), ("delete_many", None)],
)
def test_the_same_for_many(api: Api, action: str, status: str | None) -> None:
    tasks = [api.create_task() for _ in range(2)]
    for task in tasks:
        start(api, task)
    answer = api.call(f"tasks.{action}", ids=[*tasks, UNKNOWN], force=True)
    assert column(answer["succeeded"], "id") == tasks
    assert column(answer["failed"], "id") == [UNKNOWN]
    found = api.call("tasks.get_all", id=tasks)["tasks"]
    assert column(found, "status") == ([status] * 2 if status else [])


def test_moving(api: Api, task: str) -> None:
    project = api.call("tasks.move", ids=[task], project_name=f"moved/{task}")["project_id"]
    assert api.call("projects.get_by_id", project=project)["project"]["name"] == f"moved/{task}"
    assert api.task(task)["project"] == project
    api.call("tasks.move", ids=[task], project="")
    assert not api.task(task).get("project")
    assert api.fail("tasks.move", ids=[task], project=UNKNOWN) == (400, 401)


# --- other companies --------------------------------------------------------------------------------------------------


def test_public_tasks_are_read_by_all_and_changed_by_none(api: Api, stranger: Api, task: str) -> None:
    assert api.call("tasks.make_public", ids=[task]) == {"updated": 1}
    assert api.task(task)["company"] == ""
    for client in (api, stranger):
        assert client.task(task)["id"] == task
        assert client.fail("tasks.edit", task=task, comment="c") == (403, 21)
        assert client.fail("tasks.started", task=task) == (403, 21)
    assert column(stranger.call("tasks.get_all", id=[task])["tasks"], "id") == [task]
    assert stranger.fail("tasks.make_private", ids=[task]) == (400, 101)
    assert api.call("tasks.make_private", ids=[task]) == {"updated": 1}
    assert stranger.fail("tasks.get_by_id", task=task) == (400, 101)
    api.call("tasks.edit", task=task, comment="c")


def test_a_public_task_can_be_cloned_by_others(api: Api, stranger: Api, task: str) -> None:
    api.call("tasks.make_public", ids=[task])
    clone = stranger.task(stranger.call("tasks.clone", task=task)["id"])
    assert clone["company"] == stranger.call("users.get_current_user")["user"]["company"]["id"]


@pytest.mark.parametrize("action", ["edit", "update", "started", "delete", "reset", "clone", "set_requirements"])
def test_another_companys_task_cannot_be_changed(api: Api, stranger: Api, task: str, action: str) -> None:
    assert stranger.fail(f"tasks.{action}", task=task, force=True, requirements={}) == (400, 101)


@pytest.mark.parametrize("action", ["make_public", "archive_many", "update_tags", "move"])
def test_another_companys_tasks_cannot_be_changed(api: Api, stranger: Api, task: str, action: str) -> None:
    before = api.task(task)
    response = stranger.raw(f"tasks.{action}", {"ids": [task]})
    assert response.status_code == 400 or response.json()["data"]["succeeded"] == []
    assert api.task(task) == before
