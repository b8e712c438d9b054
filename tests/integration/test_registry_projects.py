"""The calls that make, change and look into projects."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

import pytest

from tests.harness.api import Api, Data, until
from tests.harness.events import SINGLE_VALUE, column, model_events, scalar

UNKNOWN = "0" * 32


@pytest.fixture
def name() -> str:
    return f"p.{secrets.token_hex(6)}"


def create(api: Api, name: str, **fields: Any) -> str:
    return str(api.call("projects.create", name=name, **fields)["id"])


def project(api: Api, project_id: str) -> Data:
    found: Data = api.call("projects.get_by_id", project=project_id)["project"]
    return found


def test_a_new_project(api: Api, name: str) -> None:
    made = project(api, create(api, name, description="d", tags=["t"], own={"a": None}, method="get"))
    assert (made["name"], made["basename"], made["description"], made["tags"]) == (name, name, "d", ["t"])
    assert made["own"] == {"a": None}
    assert isinstance(made["company"], str)
    assert "parent" not in made
    assert "method" not in made


@pytest.mark.parametrize("special", ["", " (1) [x] {2}", ".*+?^$|", " é 😀", "-#&~"])
def test_names_are_found_as_the_sdk_asks_for_them(api: Api, name: str, special: str) -> None:
    made = create(api, name + special)
    create(api, f"{name}{special} longer")
    pattern = f"^{re.escape(name + special)}$"
    body = {"name": pattern, "only_fields": ["id"], "search_hidden": True, "shallow_search": False, "method": "get"}
    assert api.call("projects.get_all", body)["projects"] == [{"id": made}]


def test_a_name_is_unique_in_its_company(api: Api, stranger: Api, name: str) -> None:
    create(api, name)
    assert api.fail("projects.create", name=name) == (400, 801)
    create(stranger, name)


@pytest.mark.parametrize(("bad", "failure"), [("", 407), ("/", 407), (" / ", 407), ("/".join("abcdefghijk"), 409)])
def test_bad_names(api: Api, bad: str, failure: int) -> None:
    assert api.fail("projects.create", name=bad) == (400, failure)


def test_a_path_makes_the_projects_on_its_way(api: Api, name: str) -> None:
    bottom = project(api, create(api, f" {name} / b/c"))
    assert (bottom["name"], bottom["basename"]) == (f"{name}/b/c", "c")
    middle = project(api, bottom["parent"])
    assert middle["name"] == f"{name}/b"
    top = project(api, middle["parent"])
    assert top["name"] == name
    shallow = api.call("projects.get_all", name=f"^{name}", shallow_search=True)["projects"]
    assert column(shallow, "id") == [top["id"]]


def test_hidden_projects_are_found_if_asked_for(api: Api, name: str) -> None:
    made = create(api, name, system_tags=["hidden"])
    assert api.call("projects.get_all", name=f"^{name}$")["projects"] == []
    assert column(api.call("projects.get_all", name=f"^{name}$", search_hidden=True)["projects"], "id") == [made]
    assert column(api.call("projects.get_all", id=[made])["projects"], "id") == [made]


def test_a_new_name_renames_what_lies_inside(api: Api, name: str) -> None:
    top, below = create(api, name), create(api, f"{name}/b")
    answer = api.call("projects.update", project=top, name=f"{name} new", description="d")
    assert answer["updated"] == 1
    assert (project(api, top)["name"], project(api, top)["basename"]) == (f"{name} new", f"{name} new")
    assert project(api, below)["name"] == f"{name} new/b"
    for elsewhere in (f"{name} new/under", "x/y"):
        assert api.fail("projects.update", project=top, name=elsewhere) == (400, 408)
    create(api, f"{name} taken")
    assert api.fail("projects.update", project=top, name=f"{name} taken") == (400, 801)


def test_a_project_cannot_have_the_name_of_a_public_one(api: Api, stranger: Api, name: str) -> None:
    public = create(stranger, name)
    stranger.call("projects.make_public", ids=[public])
    for clash in (name, f"{name}/below"):
        assert api.fail("projects.create", name=clash) == (400, 414)
    stranger.call("projects.make_private", ids=[public])
    create(api, name)


def test_too_deep_a_place(api: Api, name: str) -> None:
    deep = create(api, f"{name}/2/3/4/5/6/7/8/9")
    below = create(api, f"{name} other/b")
    top = project(api, below)["parent"]
    assert api.fail("projects.move", project=top, new_location=project(api, deep)["name"]) == (400, 409)
    assert project(api, below)["name"] == f"{name} other/b"


def test_moving(api: Api, name: str) -> None:
    one, two = create(api, f"{name}/one/deep"), create(api, f"{name}/two")
    parent = project(api, one)["parent"]
    assert api.call("projects.move", project=parent, new_location=f"{name}/two") == {"moved": 2}
    assert project(api, one)["name"] == f"{name}/two/one/deep"
    assert api.fail("projects.move", project=two, new_location=f"{name}/two/one") == (400, 411)
    api.call("projects.move", project=one)
    assert "parent" not in project(api, one)


def test_merging(api: Api, name: str) -> None:
    source, below, target = create(api, f"{name}/s"), create(api, f"{name}/s/b"), create(api, f"{name}/t")
    tasks = [api.create_task(project=source), api.create_task(project=below)]
    answer = api.call("projects.merge", project=source, destination_project=target)
    assert answer == {"moved_entities": 1, "moved_projects": 1}
    assert api.task(tasks[0])["project"] == target
    assert api.task(tasks[1])["project"] == below
    assert project(api, api.task(tasks[1])["project"])["name"] == f"{name}/t/b"
    assert api.fail("projects.get_by_id", project=source) == (400, 401)


def test_projects_of_one_name_become_one_in_a_merge(api: Api, name: str) -> None:
    below, same = create(api, f"{name}/s/b"), create(api, f"{name}/t/b")
    inner, task = create(api, f"{name}/s/b/c"), api.create_task(project=below)
    source, target = (project(api, key)["parent"] for key in (below, same))
    answer = api.call("projects.merge", project=source, destination_project=target)
    assert answer == {"moved_entities": 1, "moved_projects": 1}
    assert api.task(task)["project"] == same
    assert (project(api, inner)["name"], project(api, inner)["parent"]) == (f"{name}/t/b/c", same)
    assert api.fail("projects.get_by_id", project=below) == (400, 401)


def test_deleting(api: Api, name: str) -> None:
    top = create(api, name)
    below = create(api, f"{name}/b")
    task = api.create_task(project=below)
    assert api.fail("projects.delete", project=top) == (400, 402)
    answer = api.call("projects.delete", project=top, force=True)
    assert (answer["deleted"], answer["disassociated_tasks"], answer["deleted_tasks"]) == (2, 1, 0)
    assert "project" not in api.task(task) or not api.task(task)["project"]
    for invalidated in (top, below):
        assert api.fail("projects.get_by_id", project=invalidated) == (400, 401)


def test_deleting_with_contents(api: Api, name: str) -> None:
    top = create(api, name)
    task, model = api.create_task(project=top), api.create_model(project=top)
    api.add(scalar(task), *model_events([scalar(model)]))
    assert api.fail("projects.delete", project=top, delete_contents=True) == (400, 402)
    answer = api.call("projects.delete", project=top, delete_contents=True, force=True)
    assert (answer["deleted_tasks"], answer["deleted_models"]) == (1, 1)
    assert api.fail("tasks.get_by_id", task=task) == (400, 101)
    assert api.fail("models.get_by_id", model=model) == (400, 201)


def test_models_alone_hold_a_project_too(api: Api, name: str) -> None:
    top = create(api, name)
    model = api.create_model(project=top)
    assert api.fail("projects.delete", project=top) == (400, 405)
    api.call("models.archive_many", ids=[model])
    api.call("projects.delete", project=top)


def test_metrics(api: Api, name: str) -> None:
    top, below = create(api, name), create(api, f"{name}/b")
    one, two = api.create_task(project=top), api.create_task(project=below)
    api.add(scalar(one, metric="b"), scalar(one, metric="a", variant="y"), scalar(one, metric="a", variant="x"))
    api.add(scalar(two, SINGLE_VALUE, metric="Summary", variant="acc"), scalar(two, metric="b"))
    model = api.create_model(project=top)
    api.add(*model_events([scalar(model, metric="of the model")]))

    def metrics(**fields: Any) -> list[Any]:
        found = api.call("projects.get_unique_metric_variants", fields)["metrics"]
        for one in found:
            for part in ("metric", "variant"):
                assert one[f"{part}_hash"] == hashlib.md5(one[part].encode(), usedforsecurity=False).hexdigest()
        return column(found, "metric", "variant")

    assert metrics(project=top) == [("Summary", "acc"), ("a", "x"), ("a", "y"), ("b", "v")]
    assert metrics(project=top, include_subprojects=False) == [("a", "x"), ("a", "y"), ("b", "v")]
    assert metrics(ids=[two]) == [("Summary", "acc"), ("b", "v")]
    assert metrics(project=top, model_metrics=True) == [("of the model", "v")]
    assert metrics(project=create(api, f"{name}/empty")) == []
    api.call("tasks.reset", task=two)
    assert metrics(project=below) == []


def test_what_is_in_projects(api: Api, name: str) -> None:
    top, below = create(api, name), create(api, f"{name}/b")
    tasks = [api.create_task(project=top), api.create_task(project=below, tags=["t"]), api.create_task(project=below)]
    for task in tasks[:2]:
        api.call("tasks.started", task=task)
    api.call("tasks.completed", task=tasks[0])
    api.call("tasks.archive", tasks=[tasks[2]])
    model = api.create_model(project=top, tags=["m"], framework="f")
    body = {"id": [top, below], "include_stats": True, "check_own_contents": True, "stats_for_state": None}
    body["order_by"] = ["name"]
    one, two = api.call("projects.get_all_ex", body)["projects"]
    assert (one["id"], one["sub_projects"]) == (top, [{"id": below, "name": f"{name}/b"}])
    assert (one["own_tasks"], one["own_models"], two["own_tasks"]) == (1, 1, 2)
    active, archived = one["stats"]["active"], one["stats"]["archived"]
    assert (active["total_tasks"], active["completed_tasks_24h"], archived["total_tasks"]) == (2, 1, 1)
    assert (active["status_count"]["completed"], active["status_count"]["in_progress"]) == (1, 1)
    assert two["stats"]["active"]["total_tasks"] == 1
    (only,) = api.call("projects.get_all_ex", id=[top], only_fields=["name", "company.id"])["projects"]
    assert only["company"].keys() == {"id"}
    user = api.call("users.get_current_user")["user"]
    assert api.call("projects.get_user_names", projects=[top]) == {"users": [{"id": user["id"], "name": user["name"]}]}
    assert api.call("projects.get_task_tags", projects=[top])["tags"] == ["t"]
    assert api.call("projects.get_task_tags", projects=[top], include_system=True)["system_tags"] == ["archived"]
    assert api.call("projects.get_model_tags", projects=[top])["tags"] == ["m"]
    assert api.call("tasks.get_types", projects=[top])["types"] == ["training"]
    child = api.create_task(parent=tasks[0], project=below)
    (parent,) = api.call("projects.get_task_parents", projects=[below])["parents"]
    assert (parent["id"], parent["project"]) == (tasks[0], {"id": top, "name": name})
    api.call("tasks.delete", task=child)
    api.call("models.delete", model=model, force=True)


def test_hyper_parameters_of_a_project(api: Api, name: str) -> None:
    top = create(api, name)
    for parameter in ("lr", "n"):
        value = {"section": "Args", "name": parameter, "value": "1"}
        api.create_task(project=top, hyperparams={"Args": {parameter: value}, "General": {"x": value}})
    answer = api.call("projects.get_hyper_parameters", project=top)
    assert column(answer["parameters"], "section", "name") == [("Args", "lr"), ("Args", "n"), ("General", "x")]
    assert (answer["total"], answer["remaining"]) == (3, 0)
    page = api.call("projects.get_hyper_parameters", project=top, page_size=2)
    assert (len(page["parameters"]), page["remaining"]) == (2, 1)


def test_the_values_of_a_hyper_parameter(api: Api, name: str) -> None:
    top = create(api, name)
    below = create(api, f"{name}/below")
    for project_id, value in ((top, "0.1"), (top, "0.1"), (below, "0.01"), (below, None)):
        given = {"section": "Args", "name": "lr", "value": value}
        api.create_task(project=project_id, hyperparams={"Args": {"lr": given}})
    api.create_task(project=top)
    asked: Data = {"projects": [top], "section": "Args", "name": "lr"}
    assert api.call("projects.get_hyperparam_values", **asked) == {"total": 2, "values": ["0.01", "0.1"]}
    own = api.call("projects.get_hyperparam_values", **asked, include_subprojects=False, allow_public=False)
    assert own == {"total": 1, "values": ["0.1"]}
    assert api.call("projects.get_hyperparam_values", **asked | {"name": "x"}) == {"total": 0, "values": []}
    assert api.fail("projects.get_hyperparam_values", projects=[top], section="Args") == (400, 12)


def test_tasks_move_their_projects_time(api: Api, name: str) -> None:
    top = create(api, name)
    before = project(api, top)["last_update"]
    api.create_task(project=top)
    until(lambda: project(api, top)["last_update"] > before)


def test_other_companies(api: Api, stranger: Api, name: str) -> None:
    made = create(api, name)
    for action in ("get_by_id", "update", "delete"):
        assert stranger.fail(f"projects.{action}", project=made) == (400, 401)
    assert stranger.call("projects.get_all", id=[made])["projects"] == []
    assert stranger.fail("tasks.create", name="a task", type="training", project=made) == (400, 401)
    api.call("projects.make_public", ids=[made])
    assert stranger.call("projects.get_by_id", project=made)["project"]["id"] == made
    assert stranger.fail("projects.update", project=made, description="d") == (403, 21)
    api.call("projects.make_private", ids=[made])
    assert stranger.fail("projects.get_by_id", project=made) == (400, 401)
