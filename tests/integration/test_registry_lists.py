"""``get_all`` and ``get_all_ex``: what is listed, in which order, page by page, and what is shown of it."""

from __future__ import annotations

import hashlib
import re
import secrets
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.events import SINGLE_VALUE, column, scalar


def md5(name: str) -> str:
    return hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()


@pytest.fixture(scope="module")
def project(api: Api) -> str:
    return str(api.call("projects.create", name=f"lists {secrets.token_hex(4)}")["id"])


@pytest.fixture(scope="module")
def tasks(api: Api, project: str) -> list[str]:
    """Seven tasks, each with something of its own."""
    made = []
    for number in range(7):
        fields: Data = {
            "tags": [tag for tag, step in (("even", 2), ("third", 3)) if number % step == 0],
            "system_tags": ["archived"] if number == 6 else ["hidden"] if number == 5 else [],
            "type": "testing" if number == 4 else "training",
            "hyperparams": {"General": {"lr": {"section": "General", "name": "lr", "value": str(number)}}},
            "script": {"repository": f"git@host:{number}"},
        }
        made.append(str(api.call("tasks.create", {"name": f"task {number} (x)", "project": project} | fields)["id"]))
    api.call("tasks.started", task=made[1])
    api.call("tasks.started", task=made[2])
    api.call("tasks.completed", task=made[2])
    for number, task in enumerate(made[:4]):
        api.add(*(scalar(task, i, float(i * (number % 3)), "loss", "train") for i in range(number + 1)))
    return made


def numbers(api: Api, tasks: list[str], project: str, action: str = "tasks.get_all", **filters: Any) -> list[int]:
    """Which of the tasks are found, in order."""
    found = api.call(action, {"project": [project], "search_hidden": True} | filters)["tasks"]
    return [tasks.index(task["id"]) for task in found]


@pytest.mark.parametrize("action", ["tasks.get_all", "tasks.get_all_ex"])
@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, [0, 1, 2, 3, 4, 5, 6]),
        ({"search_hidden": False}, [0, 1, 2, 3, 4, 6]),
        ({"name": f"^{re.escape('task 3 (x)')}$"}, [3]),
        ({"name": "task [34]"}, [3, 4]),
        ({"name": "TASK 3"}, []),
        ({"status": ["in_progress", "completed"]}, [1, 2]),
        ({"type": ["testing"]}, [4]),
        ({"type": ["__$not", "testing"]}, [0, 1, 2, 3, 5, 6]),
        ({"tags": ["even"]}, [0, 2, 4, 6]),
        ({"tags": ["even", "third"]}, [0, 2, 3, 4, 6]),
        ({"tags": ["__$all", "even", "third"]}, [0, 6]),
        ({"tags": ["even", "-third"]}, [2, 4]),
        ({"system_tags": ["-archived"]}, [0, 1, 2, 3, 4, 5]),
        ({"system_tags": ["__$not", "archived", "__$not", "hidden"]}, [0, 1, 2, 3, 4]),
        ({"system_tags": ["__$and", "archived"]}, [6]),
        ({"filters": {"tags": {"any": {"include": ["third"], "exclude": []}}}}, [0, 3, 6]),
        ({"hyperparams.General.lr.value": "2"}, [2]),
        ({"_any_": {"pattern": "HOST:4", "fields": ["name", "script.repository"]}}, [4]),
        ({"_all_": {"pattern": "3", "fields": ["name", "script.repository"]}}, [3]),
        ({"search_text": "TASK 1"}, [1]),
        ({"id": [], "user": None, "type": [], "status": None}, [0, 1, 2, 3, 4, 5, 6]),
        ({"last_iteration": [1, 2]}, [1, 2]),
        ({"last_iteration": [None, 0]}, [0, 4, 5, 6]),
        ({"order_by": ["-name"]}, [6, 5, 4, 3, 2, 1, 0]),
        ({"order_by": ["type", "-created"]}, [4, 6, 5, 3, 2, 1, 0]),
        ({"order_by": ["unknown", "-name"], "page": 1, "page_size": 3}, [3, 2, 1]),
        ({"page": 2, "page_size": 3}, [6]),
        ({"page": 9, "page_size": 3}, []),
    ],
)
def test_filters(api: Api, tasks: list[str], project: str, action: str, filters: Data, found: list[int]) -> None:
    assert numbers(api, tasks, project, action, **filters) == found


def test_filters_by_curves_and_ranges_of_them(api: Api, tasks: list[str], project: str) -> None:
    value = f"last_metrics.{md5('loss')}.{md5('train')}.value"
    filters: list[tuple[Data, list[int]]] = [
        ({value: [1, None]}, [1, 2]),
        ({value: [0, 1], "status": ["created", "in_progress"]}, [0, 1, 3]),
        ({value: [None, 100], "order_by": [f"-{value}", "name"]}, [2, 1, 0, 3, 4, 5, 6]),
    ]
    for given, found in filters:
        assert numbers(api, tasks, project, **given) == found
    assert numbers(api, tasks, project, order_by=[f"-{value}", "-name"])[:4] == [2, 1, 3, 0]
    assert numbers(api, tasks, project, order_by=["-last_iteration"], page_size=3)[:3] == [3, 2, 1]
    assert numbers(api, tasks, project, order_by=[value, "name"]) == [0, 3, 1, 2, 4, 5, 6]
    assert numbers(api, tasks, project, order_by=["type", value, "name"]) == [4, 5, 6, 0, 3, 1, 2]


def test_an_order_by_a_curve_follows_what_is_reported_and_deleted(api: Api) -> None:
    project = str(api.call("projects.create", name=f"moving {secrets.token_hex(4)}")["id"])
    tasks = [api.create_task(f"task {number}", project=project) for number in range(3)]
    value = f"last_metrics.{md5('loss')}.{md5('train')}.value"
    by_value: Data = {"order_by": [f"-{value}", "name"]}
    newest: Data = {"order_by": ["-last_iteration", "name"]}
    with_value: Data = {value: [0, None]}
    for number, task in enumerate(tasks):
        api.add(scalar(task, number, float(number), "loss", "train"))
    assert numbers(api, tasks, project, **by_value) == numbers(api, tasks, project, **newest) == [2, 1, 0]
    api.add(scalar(tasks[0], 9, 9.0, "loss", "train"))
    assert numbers(api, tasks, project, **by_value) == numbers(api, tasks, project, **newest) == [0, 2, 1]
    api.call("tasks.reset", task=tasks[2])
    assert numbers(api, tasks, project, **by_value) == numbers(api, tasks, project, **newest) == [0, 1, 2]
    assert numbers(api, tasks, project, **with_value) == [0, 1]
    api.call("events.delete_for_task", task=tasks[0])  # the latest values stay
    api.call("tasks.delete", task=tasks[1], force=True)
    assert numbers(api, tasks, project, **by_value) == [0, 2]


def test_dates(api: Api, tasks: list[str], project: str) -> None:
    created = api.task(tasks[3])["created"]
    assert numbers(api, tasks, project, created=[f">{created}"]) == [4, 5, 6]
    assert numbers(api, tasks, project, created=[f">={created}", f"<={created}"]) == [3]
    assert numbers(api, tasks, project, status_changed="<2020-01-01") == []


@pytest.mark.parametrize(
    ("filters", "failure"),
    [
        ({"name": "("}, (400, 21)),
        ({"page": -1}, (400, 12)),
        ({"page_size": 0}, (400, 12)),
        ({"size": 0}, (400, 12)),
        ({"order_by": {"name": 1}}, (400, 12)),
        ({"last_iteration": [1, 2, 3]}, (400, 12)),
        ({"created": "then"}, (400, 16)),
    ],
)
def test_nonsense(api: Api, filters: Data, failure: tuple[int, int]) -> None:
    assert api.fail("tasks.get_all", filters) == failure


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_only_the_fields_that_are_asked_for(api: Api, tasks: list[str]) -> None:
    def shown(*fields: str) -> Data:
        (found,) = api.call("tasks.get_all", id=[tasks[1]], only_fields=list(fields))["tasks"]
        return found  # type: ignore[no-any-return]

    assert shown("status", "status_message", "id") == {"id": tasks[1], "status": "in_progress", "status_message": ""}
    assert shown("last_iteration") == {"id": tasks[1], "last_iteration": 1}
    assert shown("hyperparams.General.lr.value") == {
        "id": tasks[1],
        "hyperparams": {"General": {"lr": {"value": "1"}}},
    }
    assert shown("nothing", "script.nothing") == {"id": tasks[1], "script": {}}
    path = f"last_metrics.{md5('loss')}.{md5('train')}.max_value"
    assert shown(path) == {"id": tasks[1], "last_metrics": {md5("loss"): {md5("train"): {"max_value": 1}}}}
    assert shown("unique_metrics") == {"id": tasks[1], "unique_metrics": ["loss/train"]}
    summary = shown("last_metrics")["last_metrics"][md5("loss")][md5("train")]
    assert (summary["count"], summary["mean_value"]) == (2, 0.5)


def test_everything_else(api: Api, tasks: list[str]) -> None:
    (found,) = api.call("tasks.get_all", id=[tasks[3]])["tasks"]
    whole = api.task(tasks[3])
    assert found["last_iteration"] == 3
    assert found.keys() <= whole.keys()
    assert {name: value for name, value in found.items() if name != "last_metrics"}.items() <= whole.items()


def test_references_are_objects(api: Api, tasks: list[str], project: str) -> None:
    user, name = api.call("users.get_current_user")["user"], api.call("projects.get_by_id", project=project)["project"]
    fields = ["name", "project.name", "user.name", "company", "parent.name", "parent.project.name"]
    child = api.create_task("a child", parent=tasks[1], project=project)
    (found,) = api.call("tasks.get_all_ex", id=[child], only_fields=fields)["tasks"]
    assert found == {
        "id": child,
        "name": "a child",
        "project": {"id": project, "name": name["name"]},
        "user": {"id": user["id"], "name": user["name"]},
        "company": {"id": user["company"]["id"]},
        "parent": {"id": tasks[1], "name": "task 1 (x)", "project": {"id": project, "name": name["name"]}},
    }
    (whole,) = api.call("tasks.get_by_id_ex", id=[child])["tasks"]
    assert (whole["project"], whole["parent"], whole["runtime"]) == ({"id": project}, {"id": tasks[1]}, {})
    api.call("tasks.delete", task=child)


def test_models_of_tasks_are_objects(api: Api) -> None:
    task, model = api.create_task(), api.create_model("the model", framework="f")
    api.call("tasks.add_or_update_model", task=task, name="m", model=model, type="output")
    fields = ["models.output.name", "models.output.model.name", "models.output.model.framework"]
    (found,) = api.call("tasks.get_by_id_ex", id=[task], only_fields=fields)["tasks"]
    expected = {"name": "m", "model": {"id": model, "name": "the model", "framework": "f"}}
    assert found == {"id": task, "models": {"output": [expected]}}


# --- scrolling --------------------------------------------------------------------------------------------------------


def test_a_scroll_keeps_its_id_and_goes_on(api: Api, tasks: list[str], project: str) -> None:
    body = {"project": [project], "search_hidden": True, "order_by": ["name"], "size": 3}

    def page(**fields: Any) -> tuple[list[int], str]:
        answer = api.call("tasks.get_all_ex", body | fields)
        return [tasks.index(task["id"]) for task in answer["tasks"]], answer["scroll_id"]

    first, scroll = page(scroll_id=None, refresh_scroll=True)
    assert first == [0, 1, 2]
    assert page(scroll_id=scroll) == ([3, 4, 5], scroll)
    assert page(scroll_id=scroll, refresh_scroll=True) == ([0, 1, 2, 3, 4, 5], scroll)
    assert page(scroll_id=scroll) == ([6], scroll)
    assert page(scroll_id=scroll) == ([], scroll)
    assert page()[1] != scroll


def test_a_scroll_is_its_companys(api: Api, stranger: Api) -> None:
    scroll = api.call("tasks.get_all_ex", size=1)["scroll_id"]
    answer = stranger.call("tasks.get_all_ex", size=1, scroll_id=scroll)  # one that begins, as of any unknown id
    assert answer["scroll_id"] != scroll
    own = {task["id"] for task in stranger.call("tasks.get_all")["tasks"]}
    assert {task["id"] for task in answer["tasks"]} <= own


# --- subprojects ------------------------------------------------------------------------------------------------------


def test_subprojects_are_listed_along(api: Api) -> None:
    name = f"a.b {secrets.token_hex(4)}"
    top, below, beside = (
        api.call("projects.create", name=other)["id"] for other in (name, f"{name}/sub/sub", f"{name}x")
    )
    inside = [api.create_task(project=project) for project in (top, below, beside)]
    found = api.call("tasks.get_all", project=[top], include_subprojects=True)["tasks"]
    assert column(found, "id") == inside[:2]
    assert column(api.call("tasks.get_all", project=[top])["tasks"], "id") == inside[:1]


def test_more_tasks_than_a_page(api: Api) -> None:
    """Without paging 500 at most."""
    project = api.call("projects.create", name=f"many {secrets.token_hex(4)}")["id"]
    made = [api.create_task(f"number {number}", project=project) for number in range(60)]
    pages = [
        column(api.call("tasks.get_all", project=[project], page=page, page_size=25)["tasks"], "id")
        for page in range(3)
    ]
    assert [len(page) for page in pages] == [25, 25, 10]
    assert [task for page in pages for task in page] == made


def test_single_values_are_no_iterations(api: Api, task: str) -> None:
    api.add(scalar(task, SINGLE_VALUE))
    assert api.call("tasks.get_all", id=[task], only_fields=["last_iteration"])["tasks"][0]["last_iteration"] == 0
