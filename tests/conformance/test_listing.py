"""Lists of tasks: order, filters and projections, as ClearML servers answer them."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest

from tests.harness.api import Api, Data


@pytest.fixture
def project(api: Api) -> str:
    return str(api.call("projects.create", name=f"listing {secrets.token_hex(4)}")["id"])


def ids(api: Api, **fields: object) -> list[str]:
    """The tasks that are listed, in order."""
    return [task["id"] for task in api.call("tasks.get_all_ex", dict(fields))["tasks"]]


# --- order ------------------------------------------------------------------------------------------------------------


def test_tasks_without_a_value_come_last_in_either_direction(api: Api, project: str) -> None:
    tasks = [api.create_task(f"task {number}", project=project) for number in range(5)]
    for number in (3, 1):
        api.call("tasks.started", task=tasks[number])
    empty = [tasks[number] for number in (0, 2, 4)]
    up, down = (ids(api, project=[project], order_by=[by]) for by in ("started", "-started"))
    assert (up[:2], sorted(up[2:])) == ([tasks[3], tasks[1]], sorted(empty))
    assert (down[:2], sorted(down[2:])) == ([tasks[1], tasks[3]], sorted(empty))
    pages = [ids(api, project=[project], order_by=["started"], page=page, page_size=2) for page in range(4)]
    assert [*map(len, pages)] == [2, 2, 1, 0]
    assert [task for page in pages for task in page] == up


def test_empty_texts_and_lists_come_last_too(api: Api, project: str) -> None:
    fields: list[Data] = [{"comment": "", "tags": []}, {"comment": "b", "tags": ["b"]}, {"comment": "a", "tags": ["a"]}]
    tasks = [api.create_task("a task", project=project, **given) for given in fields]
    for by in ("comment", "tags"):
        assert ids(api, project=[project], order_by=[by]) == [tasks[2], tasks[1], tasks[0]]
        assert ids(api, project=[project], order_by=[f"-{by}"]) == [tasks[1], tasks[2], tasks[0]]


def test_hyper_parameters_sort_by_their_numbers(api: Api, project: str) -> None:
    tasks = []
    for value in ("11", "2", "1"):
        item = {"section": "my.section", "name": "lr", "value": value, "type": "str"}
        tasks.append(api.create_task("a task", project=project, hyperparams={"my.section": {"lr": item}}))
    without = api.create_task("no parameters", project=project)
    for path in ("hyperparams.my%2Esection.lr", "hyperparams.my%2Esection.lr.value"):
        assert ids(api, project=[project], order_by=[path]) == [*reversed(tasks), without]
        assert ids(api, project=[project], order_by=[f"-{path}"]) == [*tasks, without]
    (first, *_) = ids(api, project=[project], order_by=["-hyperparams.my%2Esection"])
    assert first == tasks[1]  # sections compare as texts


# --- filters ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "lists", "found"),
    [
        ("any", {"include": ["a", "b"]}, [1, 2, 3]),
        ("any", {"exclude": ["b", "c"]}, [0, 1, 2]),
        ("any", {"include": ["a"], "exclude": ["b", "c"]}, [0, 1, 2, 3]),
        ("all", {"include": ["a", "b"]}, [2, 3]),
        ("all", {"exclude": ["b", "c"]}, [0, 1]),
        ("all", {"include": ["a", "b"], "exclude": ["c"]}, [2]),
        ("any", {"include": [None]}, [0]),
        ("any", {"include": ["c", None]}, [0, 3]),
        ("all", {"exclude": [None]}, [1, 2, 3]),
        ("all", {"include": ["a", None]}, []),
    ],
)
def test_list_filters(api: Api, project: str, mode: str, lists: Data, found: list[int]) -> None:
    tasks = [api.create_task("a task", project=project, tags=["a", "b", "c"][:count]) for count in range(4)]
    assert ids(api, id=tasks, filters={"tags": {mode: lists}}, order_by=["created"]) == [tasks[n] for n in found]


@pytest.mark.parametrize(
    ("filters", "failure"),
    [
        ({"filters": {"tags": {"test": ["a"]}}}, (400, 12)),
        ({"filters": {"tags": {"any": {"test": ["a"]}}}}, (400, 12)),
        ({"filters": {"tags": {"any": {"include": ["a"]}, "op": "xor"}}}, (400, 12)),
        ({"tags": ["__$nand", "a"]}, (400, 16)),
        ({"tags": ["a", "__$not"]}, (400, 16)),
        ({"active_duration": [1, 2, 3]}, (400, 12)),
    ],
)
def test_invalid_filters_are_refused(api: Api, filters: Data, failure: tuple[int, int]) -> None:
    assert api.fail("tasks.get_all_ex", filters) == failure


def test_dates_are_compared_one_by_one_in_any_and_in_all_fields(api: Api, project: str) -> None:
    tasks = [api.create_task("a task", project=project) for _ in range(2)]
    moment = datetime.now(UTC)
    now, before = moment.isoformat(), (moment - timedelta(minutes=1)).isoformat()
    api.call("tasks.ping", task=tasks[1])
    fields = ["last_update", "status_changed"]
    found: dict[str, list[Data]] = {
        "ping": [
            {"last_update": f">={now}"},
            {"last_update": [now, None]},
            {"_any_": {"datetime": f">={now}", "fields": fields}},
            {"_any_": {"datetime": [now, None], "fields": fields}},
        ],
        "earlier": [{"last_update": [f">={before}", f"<={now}"]}, {"last_update": [before, now]}],
        "none": [
            {"_all_": {"datetime": f">={now}", "fields": fields}},
            {"_all_": {"datetime": [now, None], "fields": fields}},
            {"started": [before, now]},
        ],
        "both": [{"started": [None, now]}],  # without a lower bound, with those that never started
    }
    expected = {"ping": [tasks[1]], "earlier": [tasks[0]], "none": [], "both": tasks}
    for name, filters in found.items():
        for given in filters:
            assert ids(api, project=[project], order_by=["created"], **given) == expected[name], given


def test_children_are_found_by_their_parent(api: Api) -> None:
    parent = api.create_task("the parent")
    child = api.create_task("the child", parent=parent)
    assert ids(api, parent=[parent]) == ids(api, parent=parent) == [child]
    assert [task["id"] for task in api.call("tasks.get_all", parent=parent)["tasks"]] == [child]


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_fields_can_be_left_out(api: Api) -> None:
    lr = {"section": "Args", "name": "lr", "value": "1"}
    task = api.create_task("a task", hyperparams={"Args": {"lr": lr}, "General": {"lr": lr}}, comment="c")
    (shown,) = api.call("tasks.get_all_ex", id=[task], only_fields=["-name", "-hyperparams.Args"])["tasks"]
    assert "name" not in shown
    assert (shown["type"], shown["comment"], shown["hyperparams"]) == ("training", "c", {"General": {"lr": lr}})
    (shown,) = api.call("tasks.get_all", id=[task], only_fields=["hyperparams", "-hyperparams.Args"])["tasks"]
    assert shown == {"id": task, "hyperparams": {"General": {"lr": lr}}}


def test_projection_is_another_name_for_only_fields(api: Api) -> None:
    task = api.create_task("a task")
    (shown,) = api.call("tasks.get_all_ex", id=[task], projection=["status"])["tasks"]
    assert shown == {"id": task, "status": "created"}
    (shown,) = api.call("tasks.get_all_ex", id=[task], projection=["*", "execution.*"])["tasks"]
    assert (shown["name"], shown["execution"]["artifacts"]) == ("a task", [])


def test_a_field_may_begin_as_another(api: Api, project: str) -> None:
    task, other = (api.create_task("a task", project=project) for _ in range(2))
    api.call("tasks.started", task=other, status_message="begun")
    fields = ["status", "status_message", "project.name", "started"]
    found = api.call("tasks.get_all_ex", project=[project], only_fields=fields, order_by=["-started"])["tasks"]
    assert [t["id"] for t in found] == [other, task]
    assert (found[0]["status"], found[0]["status_message"]) == ("in_progress", "begun")
    assert found[0]["project"]["name"].startswith("listing ")


def test_tags_are_shown_sorted(api: Api) -> None:
    task = api.create_task("a task", tags=["b", "a"], system_tags=["z", "y"])
    shown = api.task(task)
    assert (shown["tags"], shown["system_tags"]) == (["a", "b"], ["y", "z"])
