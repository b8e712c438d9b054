"""``storage.get_usage`` (API contract 1.13): who may ask what a company's events take, and what is answered."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.access import new_user
from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment
from tests.harness.events import image, log, scalar

SCALAR, LOG, IMAGE = "training_stats_scalar", "log", "training_debug_image"
FORBIDDEN = (403, 20)


@pytest.fixture
def admin(eventide: Deployment) -> Iterator[Api]:
    """An administrator of a company of the test's own."""
    with new_user(eventide, "admin", f"company {secrets.token_hex(4)}") as made:
        yield made


def project_of(api: Api) -> str:
    return str(api.call("projects.create", name=f"room {secrets.token_hex(6)}")["id"])


def usage(api: Api, **asked: Any) -> Data:
    found: Data = api.call("storage.get_usage", **asked)
    return found


def rows(answer: Data) -> dict[str, int]:
    return {one["id"]: one["rows"] for one in answer["usage"]}


def test_a_company_has_the_rows_of_its_projects_and_tasks(admin: Api) -> None:
    assert usage(admin)["usage"] == []
    project, other = project_of(admin), project_of(admin)
    first, second = admin.create_task("first", project=project), admin.create_task("second", project=project)
    elsewhere = admin.create_task("elsewhere", project=other)
    admin.add(*(scalar(first, iter=n) for n in range(60)), *(scalar(second, iter=n) for n in range(30)))
    admin.add(*(scalar(elsewhere, iter=n) for n in range(10)), log(first), image(first))
    for task in (first, second, elsewhere):
        admin.events(task)  # written by now
    answer = usage(admin)
    assert {kind: one["rows"] for kind, one in answer["event_types"].items() if one["rows"]} == {
        SCALAR: 100,
        LOG: 1,
        IMAGE: 1,
    }
    assert rows(answer) == {project: 92, other: 10}
    assert answer["rows"] == 102
    assert answer["bytes"] == sum(one["bytes"] for one in answer["event_types"].values()) > 0
    assert [one["bytes"] for one in answer["usage"]] == sorted((one["bytes"] for one in answer["usage"]), reverse=True)
    tasks = usage(admin, by="task")
    assert rows(tasks) == {first: 62, second: 30, elsewhere: 10}
    assert {one["name"] for one in tasks["usage"]} == {"first", "second", "elsewhere"}
    pages = [usage(admin, by="task", page=page, page_size=1)["usage"] for page in range(4)]
    assert [one for page in pages for one in page] == tasks["usage"]
    assert [len(page) for page in pages] == [1, 1, 1, 0]


def test_only_administrators_ask_and_of_their_company(admin: Api, api: Api, eventide: Deployment) -> None:
    company = str(admin.call("users.get_current_user")["user"]["company"]["id"])
    admin.add(scalar(admin.create_task()))
    name = admin.call("users.get_current_user")["user"]["company"]["name"]
    with new_user(eventide, "user", name) as user:
        assert user.fail("storage.get_usage") == FORBIDDEN
    with new_user(eventide, "admin", f"company {secrets.token_hex(4)}") as other:
        assert other.fail("storage.get_usage", company=company) == FORBIDDEN
        assert usage(other)["rows"] == 0
    assert usage(api, company=company) == usage(admin)
    assert usage(admin, company=company)["company"] == company
    assert api.fail("storage.get_usage", company="nothing") == (400, 16)
    assert admin.fail("storage.get_usage", by="user") == (400, 12)
