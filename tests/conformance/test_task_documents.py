"""Parts of tasks in the forms that the versions of ClearML's API give them, and copies of tasks."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import column

UNKNOWN = "0" * 32


def parameter(section: str, name: str, value: str, kind: str = "legacy") -> Data:
    """A hyper parameter as documents have it."""
    return {"section": section, "name": name, "value": value, "type": kind}


def models_of(api: Api, task: str, kind: str) -> list[tuple[str, str]]:
    """Names and ids of a task's models; the same in each call that shows them."""
    (listed,) = api.call("tasks.get_all", id=[task])["tasks"]
    (joined,) = api.call("tasks.get_all_ex", id=[task])["tasks"]
    found = column(api.task(task)["models"][kind], "name", "model")
    assert found == column(listed["models"][kind], "name", "model")
    assert found == [(item["name"], item["model"]["id"]) for item in joined["models"][kind]]
    return [*found]


# --- hyper parameters and configuration -------------------------------------------------------------------------------


def test_parameters_of_the_old_form_are_hyper_parameters(api: Api) -> None:
    old = {"lr.x": 0.5, "a/b": "c", "TF_DEFINE/steps": 3}
    own = {"my/section": {"p.q": parameter("my/section", "p.q", "1", "int")}}
    task = api.create_task(execution={"parameters": old}, hyperparams=own)
    expected = own | {
        "Args": {"lr.x": parameter("Args", "lr.x", "0.5"), "a/b": parameter("Args", "a/b", "c")},
        "TF_DEFINE": {"steps": parameter("TF_DEFINE", "steps", "3")},
    }
    found = api.task(task)
    assert found["hyperparams"] == expected
    assert "parameters" not in found["execution"]
    old_found = api.call("tasks.get_by_id", task=task, version="2.8")["task"]
    assert old_found["execution"]["parameters"] == {"lr.x": "0.5", "a/b": "c", "TF_DEFINE/steps": "3"}
    assert old_found["hyperparams"] == expected
    (shown,) = api.call("tasks.get_all_ex", id=[task], only_fields=["execution.parameters"])["tasks"]
    assert shown == {"id": task, "hyperparams": {"Args": expected["Args"]}}


def test_parameters_of_the_old_form_replace_only_each_other(api: Api) -> None:
    own = {"General": {"p": parameter("General", "p", "1", "int")}}
    task = api.create_task(execution={"parameters": {"a": 1}, "model_desc": {"design": "x"}}, hyperparams=own)
    changefeed = {"parameters": {"b": 2}, "model_desc": {"design": "y"}}
    api.call("tasks.edit", task=task, execution=changefeed, version="2.8")
    (found,) = api.call("tasks.get_all_ex", id=[task], version="2.8")["tasks"]
    assert found["execution"]["parameters"] == {"b": "2"}
    assert found["execution"]["model_desc"] == {"design": "y"}
    assert found["hyperparams"] == own | {"Args": {"b": parameter("Args", "b", "2")}}
    assert found["configuration"] == {"design": {"name": "design", "value": "y", "type": "legacy"}}
    assert api.fail("tasks.edit", task=task, execution={"parameters": ["b"]}) == (400, 12)


def test_parameters_are_listed_by_section_and_name(api: Api) -> None:
    new = [parameter("1/1", "b/c", "10", "t"), parameter("1/1", "d", "20", "t"), parameter("2", "a", "x", "t")]
    task = api.create_task(execution={"parameters": {"z$1": "v"}})
    api.call("tasks.edit_hyper_params", task=task, hyperparams=[new[2], new[1], new[0]])
    (found,) = api.call("tasks.get_hyper_params", tasks=[task])["params"]
    assert found["hyperparams"] == [*new, parameter("Args", "z$1", "v")]
    api.call("tasks.started", task=task)
    api.call("tasks.edit_hyper_params", task=task, hyperparams=[{"section": "Properties", "name": "x", "value": "1"}])
    assert api.task(task)["hyperparams"]["properties"]["x"]["value"] == "1"
    api.call("tasks.delete_hyper_params", task=task, hyperparams=[{"section": "properties"}])
    assert "properties" not in api.task(task)["hyperparams"]


# --- models, containers and tags of the old form ----------------------------------------------------------------------


def test_models_of_the_old_form_are_lists_of_models(api: Api) -> None:
    used, made = api.create_model(), api.create_model()
    fields: Data = {"name": "a task", "type": "testing", "execution": {"model": used}, "output": {"model": made}}
    task = str(api.call("tasks.create", fields, version="2.12")["id"])
    assert models_of(api, task, "input") == [("Input Model", used)]
    assert models_of(api, task, "output") == [("Output Model", made)]
    assert api.task(task)["execution"] == {"artifacts": []}
    old = api.call("tasks.get_by_id", task=task, version="2.12")["task"]
    assert (old["execution"]["model"], old["output"]["model"]) == (used, made)
    api.call("tasks.edit", task=task, execution={"model": ""}, version="2.12")
    assert models_of(api, task, "input") == []
    assert api.fail("tasks.edit", task=task, execution={"model": UNKNOWN}, version="2.12") == (400, 201)


def test_a_docker_command_is_a_container(api: Api) -> None:
    execution = {"docker_cmd": "image:1 -e A=1 --rm"}
    task = str(api.call("tasks.create", name="a task", type="testing", execution=execution, version="2.12")["id"])
    assert api.task(task)["container"] == {"image": "image:1", "arguments": "-e A=1 --rm"}
    assert api.call("tasks.get_by_id", task=task, version="2.12")["task"]["execution"]["docker_cmd"] == (
        "image:1 -e A=1 --rm"
    )


def test_old_clients_find_system_tags_among_the_tags(api: Api) -> None:
    name = f"old tags {secrets.token_hex(4)}"
    create: dict[str, tuple[str, Data]] = {
        "task": ("development", {"type": "testing"}),
        "model": ("archived", {"uri": "file:///m"}),
        "project": ("public", {}),
    }
    for kind, (system_tag, fields) in create.items():
        sent = {"name": name, "tags": [system_tag, "own"]} | fields
        key = str(api.call(f"{kind}s.create", sent, version="2.2")["id"])

        def shown(version: str, kind: str = kind, key: str = key) -> tuple[list[str], list[str]]:
            found = api.call(f"{kind}s.get_by_id", {kind: key}, version=version)[kind]
            return sorted(found["tags"]), sorted(found["system_tags"])

        assert shown("2.2")[0] == sorted([system_tag, "own"])
        assert shown("2.4") == (["own"], [system_tag])
        asked = {"name": name, "tags": [f"-{system_tag}"]}
        assert api.call(f"{kind}s.get_all", asked, version="2.2")[f"{kind}s"] == []
        api.call(f"{kind}s.update", {kind: key, "tags": ["own"]}, version="2.2")
        assert shown("2.4") == (["own"], [])


def test_tags_that_look_like_operators_are_refused(api: Api, task: str, model: str) -> None:
    assert api.fail("tasks.create", name="a task", type="testing", tags=["__$not"]) == (400, 16)
    assert api.fail("tasks.edit", task=task, system_tags=["__$all"]) == (400, 16)
    assert api.fail("tasks.update_tags", ids=[task], add_tags=["__$all"]) == (400, 16)
    assert api.fail("models.edit", model=model, tags=["__$all"]) == (400, 16)
    assert api.fail("projects.create", name=secrets.token_hex(4), tags=["__$all"]) == (400, 16)


# --- artifacts and models ---------------------------------------------------------------------------------------------


def test_artifacts_are_unique_and_sorted(api: Api) -> None:
    artifacts = [{"key": "b", "type": "s", "uri": "1"}, {"key": "a", "type": "s", "uri": "2", "mode": "input"}]
    task = api.create_task(execution={"artifacts": [*artifacts, artifacts[0] | {"uri": "3"}]})
    (listed,) = api.call("tasks.get_all_ex", id=[task])["tasks"]
    for found in (api.task(task), listed):
        shown = column(found["execution"]["artifacts"], "key", "mode", "uri")
        assert shown == [("a", "input", "2"), ("b", "output", "3")]
    api.call("tasks.started", task=task)
    api.call("tasks.add_or_update_artifacts", task=task, artifacts=[{"key": "c", "type": "s"}])
    api.call("tasks.delete_artifacts", task=task, artifacts=[{"key": "b"}])
    assert column(api.task(task)["execution"]["artifacts"], "key") == ["a", "c"]
    api.call("tasks.reset", task=task)
    assert column(api.task(task)["execution"]["artifacts"], "key") == ["a"]


def test_models_of_a_task_need_not_be_there(api: Api) -> None:
    used = api.create_model()
    task = api.create_task(models={"input": [{"name": "i", "model": used}], "output": [{"name": "o", "model": "gone"}]})
    assert (models_of(api, task, "input"), models_of(api, task, "output")) == ([("i", used)], [("o", "gone")])
    assert all("updated" in item for item in api.task(task)["models"]["output"])
    for kind, name, model in (("input", "i", "Test"), ("output", "p", "other")):
        sent = {"task": task, "name": name, "type": kind, "model": model, "iteration": 7}
        assert api.call("tasks.add_or_update_model", sent) == {"updated": 1}
    assert models_of(api, task, "input") == [("i", "Test")]
    assert models_of(api, task, "output") == [("o", "gone"), ("p", "other")]
    assert api.task(task)["last_iteration"] == 7
    names = [{"name": name, "type": kind} for name, kind in (("i", "input"), ("o", "output"), ("none", "output"))]
    assert api.call("tasks.delete_models", task=task, models=names) == {"updated": 1}
    assert (models_of(api, task, "input"), models_of(api, task, "output")) == ([], [("p", "other")])


def test_texts_of_a_script_are_stripped(api: Api) -> None:
    task = api.create_task(script={"repository": " git@host:r \n", "diff": " keep "})
    assert api.task(task)["script"] == {"repository": "git@host:r", "diff": " keep "}


# --- copies -----------------------------------------------------------------------------------------------------------


def clone(api: Api, task: str, **fields: Any) -> Data:
    """The copy of a task."""
    return api.task(api.call("tasks.clone", task=task, **fields)["id"])


def test_a_copy_is_a_draft_with_changes(api: Api) -> None:
    artifacts = [{"key": "i", "type": "s", "mode": "input"}, {"key": "o", "type": "s"}]
    source = api.create_task(
        script={"diff": "d"}, tags=["t"], system_tags=["development", "test"], execution={"artifacts": artifacts}
    )
    overrides = {"framework": "f", "model_labels": {"cat": 1.0}, "parameters": {"a": 1}}
    copied = clone(api, source, new_task_name="the copy", new_task_tags=["u"], execution_overrides=overrides)
    assert (copied["name"], copied["tags"], copied["system_tags"]) == ("the copy", ["u"], ["test"])
    assert (copied["parent"], copied["status"], copied["script"]) == (source, "created", {"diff": "d"})
    assert (copied["execution"]["framework"], copied["execution"]["model_labels"]) == ("f", {"cat": 1})
    assert copied["hyperparams"] == {"Args": {"a": parameter("Args", "a", "1")}}
    assert column(copied["execution"]["artifacts"], "key") == ["i"]
    assert clone(api, copied["id"])["parent"] == source  # not the copy
    inputs = [
        {"key": key, "type": "s", "mode": mode} for key, mode in (("y", "input"), ("x", "input"), ("o", "output"))
    ]
    copied = clone(api, source, execution_overrides={"artifacts": inputs})
    assert column(copied["execution"]["artifacts"], "key") == ["x", "y"]


def test_models_of_a_copy_are_checked_if_they_are_new_or_on_demand(api: Api) -> None:
    model = api.create_model()
    source = api.create_task(models={"input": [{"name": "i", "model": model}]})
    api.call("models.delete", model=model, force=True)
    assert clone(api, source)["models"]["input"][0]["model"] == f"__DELETED__{model}"
    assert api.fail("tasks.clone", task=source, validate_references=True) == (400, 201)
    assert api.fail("tasks.clone", task=source, execution_overrides={"model": UNKNOWN}) == (400, 201)
    other = api.create_model()
    for fields in (
        {"execution_overrides": {"model": other}},
        {"new_task_input_models": [{"name": "n", "model": other}]},
    ):
        assert column(clone(api, source, **fields)["models"]["input"], "model") == [other]


@pytest.mark.parametrize("output", [True, "model", [1]])
def test_an_output_that_is_no_object_is_refused_in_old_forms(api: Api, output: Any) -> None:
    body = {"name": "old", "type": "training", "output": output}
    assert api.fail("tasks.create", body, version="1.0")[0] == 400


# --- ids that clients ask for -----------------------------------------------------------------------------------------


def test_a_task_has_the_id_that_its_client_asked_for(api: Api) -> None:
    wanted = secrets.token_hex(16)
    assert api.create_task("first", requested_id=wanted) == wanted
    assert api.create_task("asked for again", requested_id=wanted) == wanted
    found = api.task(wanted)
    assert found["name"] == "first"
    assert "requested_id" not in found


def test_an_id_of_somebody_else_is_refused(api: Api, stranger: Api) -> None:
    task = api.create_task()
    assert stranger.fail("tasks.create", name="mine", type="training", requested_id=task) == (400, 801)
    assert api.task(task)["name"] == "a task"


@pytest.mark.parametrize("wanted", ["", "x" * 32, "A" * 32, "a" * 31, "a" * 33, "a" * 32 + "\n"])
def test_an_id_is_32_hexadecimal_digits(api: Api, wanted: str) -> None:
    assert api.fail("tasks.create", name="a task", type="training", requested_id=wanted) == (400, 12)
