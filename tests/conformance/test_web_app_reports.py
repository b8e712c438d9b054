"""The reports pages of the ClearML web application: its calls, in the order in which it makes them."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.browser import Browser
from tests.harness.events import column, plot, scalar

FIELDS = [
    "name",
    "comment",
    "company.id",
    "tags",
    "report",
    "report_assets",
    "system_tags",
    "status",
    "last_update",
    "created",
    "user.name",
    "project.id",
    "project.name",
]
LIST: Data = {"only_fields": FIELDS, "size": 24, "order_by": ["-last_update"], "search_hidden": True}
IN_SIGHT = {"system_tags": ["__$not", "archived"]}
ARCHIVE = {"system_tags": ["__$and", "archived"]}


@pytest.fixture
def folder(person: Browser) -> Iterator[str]:
    """The name of a project that is nobody else's, and whose reports end with the test."""
    name = f"reports {secrets.token_hex(4)}"
    made = person.call("projects.create", {"name": name, "description": "", "default_output_destination": None})
    yield name
    inside = {"project": [made["id"]], "include_subprojects": True, "only_fields": ["name"]}
    for report in person.call("reports.get_all_ex", inside)["tasks"]:
        person.call("reports.delete", {"task": report["id"], "force": True})


def listed(person: Browser, **fields: Any) -> list[str]:
    """The names on a page of cards, of all of its parts: each asks with the scroll id of the one before."""
    found, scroll = [], None
    while True:
        answer = person.call("reports.get_all_ex", LIST | IN_SIGHT | fields | {"scroll_id": scroll})
        found += column(answer["tasks"], "name")
        if len(answer["tasks"]) < LIST["size"]:
            return found
        scroll = answer["scroll_id"]


def opened(person: Browser, report: str) -> Data:
    """A report's own page."""
    (found,) = person.call("reports.get_all_ex", {"id": [report], "only_fields": FIELDS})["tasks"]
    return dict(found)


def project_id(person: Browser, name: str) -> str:
    """The project that the picker offers for a name."""
    wanted = {"pattern": f"^{name}$", "fields": ["name"]}
    (found,) = person.call("projects.get_all_ex", {"_any_": wanted, "only_fields": ["name"], "size": 50})["projects"]
    return str(found["id"])


def test_from_a_draft_to_the_archive(person: Browser, folder: str) -> None:
    project = project_id(person, folder)
    made = person.call("reports.create", {"name": "draft", "comment": "why", "project": project, "tags": []})
    page = opened(person, made["id"])
    assert (page["name"], page["comment"], page["status"]) == ("draft", "why", "created")
    assert page["project"] == {"id": made["project_id"], "name": f"{folder}/.reports"}
    for change in (
        {"report": "# Title\n\ntext", "report_assets": ["http://f/a.png"]},
        {"tags": ["x"]},
        {"name": "new"},
    ):
        assert person.call("reports.update", {"task": made["id"]} | change)["updated"] == 1
    page = opened(person, made["id"])
    assert (page["report"], page["report_assets"], page["tags"]) == ("# Title\n\ntext", ["http://f/a.png"], ["x"])
    assert listed(person, project=[project]) == ["new"]
    assert "x" in person.call("reports.get_tags", {})["tags"]
    person.call("reports.publish", {"task": made["id"], "comment": ""})
    assert opened(person, made["id"])["status"] == "published"
    person.call("reports.archive", {"task": made["id"]})
    assert (listed(person, project=[project]), listed(person, project=[project], **ARCHIVE)) == ([], ["new"])
    person.call("reports.unarchive", {"task": made["id"]})
    assert listed(person, project=[project]) == ["new"]
    person.call("reports.archive", {"task": made["id"]})
    person.call("reports.delete", {"task": made["id"], "force": True})
    assert listed(person, project=[project], **ARCHIVE) == []


def test_search_and_the_filter_of_tags(person: Browser, folder: str) -> None:
    project = project_id(person, folder)
    for name, tags in (("loss of a", ["a"]), ("loss of b", ["b"]), ("other", ["a", "b"])):
        person.call("reports.create", {"name": name, "project": project, "tags": tags})
    search = {"pattern": "LOSS", "fields": ["id", "name", "tags", "report"]}
    assert sorted(listed(person, project=[project], _any_=search)) == ["loss of a", "loss of b"]
    both = {"tags": {"all": {"include": ["a", "b"], "exclude": []}}}
    assert listed(person, project=[project], filters=both) == ["other"]
    mine = person.call("users.get_current_user", {})["user"]["id"]
    assert len(listed(person, project=[project], user=[mine])) == 3
    assert listed(person, project=[project], user=["0" * 32]) == []


def test_a_long_list_is_scrolled(person: Browser, folder: str) -> None:
    project = project_id(person, folder)
    for number in range(LIST["size"] + 2):
        person.call("reports.create", {"name": f"report {number:02}", "project": project})
    names = listed(person, project=[project], order_by=["name"])
    assert names == [f"report {number:02}" for number in range(LIST["size"] + 2)]


def test_folders_of_reports(person: Browser, folder: str) -> None:
    """The nested view: projects that hold reports at any depth, with how many; a move empties one and fills another."""
    project = project_id(person, folder)
    inner = person.call("projects.create", {"name": f"{folder}/inner", "description": ""})["id"]
    person.call("projects.create", {"name": f"{folder}/none", "description": ""})
    one = person.call("reports.create", {"name": "one", "project": inner})["id"]
    two = person.call("reports.create", {"name": "two", "project": project})["id"]
    nested = {
        "children_type": "report",
        "parent": [project],
        "shallow_search": True,
        "include_stats": True,
        "check_own_contents": True,
        "stats_for_state": "active",
        "search_hidden": False,
    }

    def folders() -> dict[str, int]:
        found = person.call("projects.get_all_ex", nested)["projects"]
        return {project["basename"]: project["stats"]["active"]["total_tasks"] for project in found}

    assert folders() == {"inner": 1}
    person.call("reports.move", {"task": two, "project": inner})
    assert folders() == {"inner": 2}
    person.call("reports.move", {"task": two, "project_name": f"{folder}/another"})
    assert folders() == {"inner": 1, "another": 1}
    person.call("reports.archive", {"task": one})
    assert folders() == {"inner": 0, "another": 1}


def test_what_a_report_embeds(person: Browser, api: Api, folder: str) -> None:
    """A report's frames ask for a curve, a plot and a single value of the tasks that they name."""
    task = api.create_task("embedded", project=project_id(person, folder))
    api.add(scalar(task, 1, 0.5, "loss", "train"), plot(task, 1, metric="confusion", variant="v"))
    curve = person.call(
        "reports.get_task_data",
        {
            "id": [task],
            "only_fields": ["last_iteration", "name"],
            "scalar_metrics_iter_histogram": {"metrics": [{"metric": "loss", "variants": ["train"]}], "key": "iter"},
        },
    )
    assert curve["tasks"] == [{"id": task, "last_iteration": 1, "name": "embedded"}]
    assert curve["scalar_metrics_iter_histogram"]["loss"]["train"][task]["y"] == [0.5]
    figure = person.call(
        "reports.get_task_data",
        {"id": [task], "plots": {"iters": 1, "metrics": [{"metric": "confusion", "variants": ["v"]}]}},
    )
    assert figure["plots"]["confusion"]["v"][task]["1"]["plots"][0]["plot_str"] == "{}"
