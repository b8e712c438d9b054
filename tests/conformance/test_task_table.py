"""Tables of tasks: columns, filter, order and total in one call (API contract 6.10)."""

from __future__ import annotations

import secrets
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment

LOSSES = (0.5, 0.25, 0.125, 1.0 / 3.0)
RATES = ("0.1", "0.01", "0.10", "adam")
TAGS: tuple[list[str], ...] = (["baseline"], ["baseline", "best"], [], ["other"])


@pytest.fixture(scope="module")
def project(api: Api) -> str:
    return str(api.call("projects.create", name=f"table {secrets.token_hex(4)}")["id"])


@pytest.fixture(scope="module")
def tasks(api: Api, project: str) -> list[str]:
    """Four tasks, then one without anything."""
    found = []
    for number, (loss, rate, tags) in enumerate(zip(LOSSES, RATES, TAGS, strict=True)):
        task = api.create_task(f"run {number} of ResNet", project=project, tags=tags, hyperparams=parameters(lr=rate))
        api.add(*(scalar(task, step, value) for step, value in enumerate((2.0, loss / 2, loss))))
        found.append(task)
    return [*found, api.create_task("nothing yet", project=project)]


def parameters(section: str = "Args", **values: str) -> Data:
    return {section: {name: {"section": section, "name": name, "value": value} for name, value in values.items()}}


def scalar(task: str, iteration: int, value: float) -> Data:
    at = {"type": "training_stats_scalar", "task": task, "iter": iteration}
    return at | {"metric": "loss", "variant": "val", "value": value}


def table(api: Api, project: str, text: str = "", **fields: Any) -> Data:
    order = {"order_by": ["name"]} if "order_by" not in fields else {}
    found: Data = api.call("tasks.get_table", {"project": [project], "filter": text} | order | fields)
    return found


def names(answer: Data, tasks: list[str]) -> str:
    """The numbers of the tasks of a page."""
    return "".join(str(tasks.index(task["id"])) for task in answer["tasks"])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "40123"),
        ("resnet run", "0123"),
        ("RUN 2", "2"),
        ("/run [01]/", "01"),
        ("baseline", "01"),
        ("loss.val < 0.3", "12"),
        ("loss.val.min < 0.1", "2"),
        ("loss.val.max = 2", "0123"),
        ("loss.val = null", "4"),
        ("not loss.val < 0.3", "403"),
        ("lr = 0.1", "02"),
        ("lr in (0.1, 0.01)", "012"),
        ("lr not in (0.1, 0.01)", "43"),
        ("param.Args.lr ~ ^ad", "3"),
        ("param.General.lr = 0.1", ""),
        ('tag = "baseline"', "01"),
        ("tag = null", "42"),
        ("tag ~ BEST", "1"),
        ("tag != baseline", "423"),
        ("status = created", "40123"),
        ("status = running", ""),
        ("iteration >= 2", "0123"),
        ("created > 2020-01-01 and created < 2020-01-02", ""),
        ('loss.val < 0.3 and lr in (0.1, 0.01) and tag = "baseline"', "1"),
        ("loss.val = 0.5 or tag = best", "01"),
        ("not (loss.val = 0.5 or tag = best) and run", "23"),
        ("project ~ ^table", "40123"),
        ("user = nobody", ""),
        ("comment ~ x", ""),
        ("duration > 1h", ""),
    ],
)
def test_filters(api: Api, project: str, tasks: list[str], text: str, found: str) -> None:
    answer = table(api, project, text)
    assert (names(answer, tasks), answer["total"]) == (found, len(found))


@pytest.mark.parametrize(
    ("order", "found"),
    [
        (["loss.val"], "21304"),
        (["-loss.val"], "03124"),
        (["loss.val.min"], "21304"),
        (["lr", "name"], "10234"),
        (["-lr", "-loss.val"], "30214"),
        (["-name"], "32104"),
        (["-iteration", "name"], "01234"),
        (["created"], "01234"),
        (["user", "-created"], "43210"),
        (["duration", "name"], "40123"),
    ],
)
def test_orders(api: Api, project: str, tasks: list[str], order: list[str], found: str) -> None:
    assert names(table(api, project, order_by=order), tasks) == found
    pages = [table(api, project, order_by=order, offset=offset, limit=2) for offset in (0, 2, 4, 6)]
    assert "".join(names(page, tasks) for page in pages) == found
    assert {page["total"] for page in pages} == {5}


def test_values_are_those_of_the_columns(api: Api, project: str, tasks: list[str]) -> None:
    columns = ["name", "loss.val", "loss.val.min", "loss.val.max", "lr", "param.Args.lr", "tags", "status", "iteration"]
    answer = table(api, project, "run 3", columns=columns)
    third = 1.0 / 3.0  # the double that was reported, not its 32-bit float
    assert answer["tasks"] == [
        {
            "id": tasks[3],
            "values": ["run 3 of ResNet", third, third / 2, 2.0, "adam", "adam", ["other"], "created", 2],
        }
    ]
    (empty,) = table(api, project, "nothing", columns=[*columns, "project", "user", "duration", "started"])["tasks"]
    assert empty["values"][1:8] == [None, None, None, None, None, [], "created"]
    project_name, user_name, *times = empty["values"][9:]
    assert project_name.startswith("table ")
    assert user_name
    assert times == [None, None]


def test_the_first_section_that_has_a_parameter_counts(api: Api, project: str) -> None:
    both = parameters("Zoo", depth="9") | parameters("Args", depth="5") | parameters("General", width="1")
    task = api.create_task("sections", project=project, hyperparams=both)
    answer = table(api, project, "sections depth = 5", columns=["depth", "param.Zoo.depth", "width"])
    assert answer["tasks"] == [{"id": task, "values": ["5", "9", "1"]}]
    api.call("tasks.delete", task=task, force=True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"filter": "loss.val <"}, "filter, character 11: a value is expected"),
        ({"filter": "run and name < 3"}, "filter, character 9: < compares numbers and dates"),
        ({"filter": "created > soon"}, "filter, character 1: "),
        ({"filter": "loss.val < soon"}, "soon is no number"),
        ({"filter": "loss.val ~ 3"}, "~ compares texts"),
        ({"filter": "a.b.c.d = 1"}, "is no column"),
        ({"columns": ["a..b"]}, "is no column"),
        ({"order_by": ["tags"]}, "tags have no order"),
        ({"order_by": ["name"] * 6}, "order_by"),
        ({"columns": ["name"] * 101}, "columns"),
        ({"limit": 1001}, "limit"),
        ({"offset": -1}, "offset"),
    ],
)
def test_what_cannot_be_read_is_refused(api: Api, fields: Data, message: str) -> None:
    response = api.raw("tasks.get_table", fields)
    assert response.status_code == 400
    assert message in response.json()["meta"]["result_msg"]


def test_other_companies_see_nothing(api: Api, eventide: Deployment, project: str, tasks: list[str]) -> None:
    stranger = eventide.add_user(f"strangers-{secrets.token_hex(4)}", "stranger")
    with Api(eventide.origins, stranger) as other:
        for fields in ({}, {"filter": "loss.val < 9"}, {"order_by": ["loss.val"]}, {"filter": "project ~ ^table"}):
            assert other.call("tasks.get_table", fields) == {"total": 0, "tasks": []}, fields
