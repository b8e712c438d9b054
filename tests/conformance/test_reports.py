"""Reports: hidden tasks in hidden projects, which the web application's own page makes, moves, finds and fills."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Any

import pytest

from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment
from tests.harness.events import SINGLE_VALUE, column, image, model_events, plot, scalar


@pytest.fixture(scope="module")
def writer(eventide: Deployment) -> Iterator[Api]:
    """A user of a company that has no reports yet."""
    with Api(eventide.origins, eventide.add_user(f"writers-{secrets.token_hex(4)}", "writer")) as client:
        yield client


def create(api: Api, name: str = "a report", **fields: Any) -> str:
    """The id of a new report."""
    return str(api.call("reports.create", {"name": name} | fields)["id"])


def project_of(api: Api, report: str) -> Data:
    """The project in which a report lies."""
    found: Data = api.call("projects.get_by_id", project=api.task(report)["project"])["project"]
    return found


def names(api: Api, **filters: Any) -> list[str]:
    """The reports that are listed."""
    return column(api.call("reports.get_all_ex", filters)["tasks"], "name")


def test_a_report_is_a_hidden_task_in_a_hidden_project(writer: Api) -> None:
    report = create(writer, comment="mine", tags=["hello"])
    (task,) = writer.call("tasks.get_all_ex", id=[report])["tasks"]
    assert (task["type"], task["comment"], task["tags"]) == ("report", "mine", ["hello"])
    assert task["system_tags"] == ["hidden", "reports"]
    project = project_of(writer, report)
    assert (project["name"], project["system_tags"], "parent" in project) == (".reports", ["hidden", "reports"], False)
    asked = {"name": r"^\.reports$", "allow_public": False}
    assert writer.call("projects.get_all_ex", asked)["projects"] == []
    assert column(writer.call("projects.get_all_ex", asked, search_hidden=True)["projects"], "id") == [project["id"]]
    assert writer.call("tasks.get_all", project=[project["id"]])["tasks"] == []
    assert writer.call("reports.get_tags") == {"tags": ["hello"]}
    writer.call("reports.delete", task=report)


def test_a_draft_is_edited_and_a_published_report_only_renamed(writer: Api) -> None:
    report = create(writer)
    fields = {"comment": "new", "tags": ["b", "a"], "report": "# Title " + "text " * 50, "report_assets": ["file://a"]}
    answer = writer.call("reports.update", {"task": report} | fields)
    assert (answer["updated"], len(answer["fields"]["report"]) <= 100) == (1, True)
    found = writer.task(report)
    assert {name: found[name] for name in fields} == fields | {"tags": ["a", "b"]}
    assert writer.call("reports.publish", task=report, message="done")["updated"] == 1
    assert (writer.task(report)["status"], writer.task(report)["status_message"]) == ("published", "done")
    assert writer.fail("reports.update", task=report, report="other") == (400, 110)
    assert writer.call("reports.update", task=report, name="renamed", tags=["c"], comment="d")["updated"] == 1
    assert writer.call("reports.update", task=report) == {"updated": 0, "fields": {}}
    assert writer.fail("reports.delete", task=report) == (400, 123)
    assert writer.call("reports.archive", task=report) == {"archived": 1}
    assert writer.task(report)["system_tags"] == ["archived", "hidden", "reports"]
    assert writer.call("reports.unarchive", task=report) == {"unarchived": 1}
    assert writer.call("reports.delete", task=report, force=True) == {"deleted": 1}
    assert writer.fail("tasks.get_by_id", task=report) == (400, 101)


def test_a_report_moves_and_leaves_no_empty_project_behind(writer: Api) -> None:
    one, two = create(writer), create(writer)
    before = project_of(writer, one)["id"]
    project = writer.call("reports.move", task=one, project_name="papers")["project_id"]
    moved = project_of(writer, one)
    assert (moved["id"], moved["name"], moved["system_tags"]) == (project, "papers/.reports", ["hidden", "reports"])
    assert writer.call("projects.get_by_id", project=before)["project"]["id"] == before
    assert writer.call("reports.move", task=two, project=moved["parent"]) == {"project_id": project}
    assert writer.fail("projects.get_by_id", project=before) == (400, 401)
    found = writer.call("tasks.get_all_ex", project=project, search_hidden=True)["tasks"]
    assert sorted(column(found, "id")) == sorted([one, two])
    writer.call("reports.move", task=two, project=None)
    assert project_of(writer, two)["name"] == ".reports"
    assert writer.fail("reports.move", task=two) == (400, 11)
    for report in (one, two):
        writer.call("reports.delete", task=report)


def test_only_reports_are_reports(writer: Api) -> None:
    task = writer.create_task()
    for action, fields in (("update", {"name": "other"}), ("move", {"project_name": "p"}), ("publish", {})):
        assert writer.fail(f"reports.{action}", {"task": task} | fields) == (400, 150)
    for action in ("archive", "unarchive", "delete"):
        assert writer.fail(f"reports.{action}", task=task) == (400, 150)
    assert writer.fail("reports.create", name="ab") == (400, 800)
    assert writer.fail("reports.create", name="a report", project="0" * 32) == (400, 401)


def test_reports_are_found_by_text_and_project(writer: Api, stranger: Api) -> None:
    project = str(writer.call("projects.create", name=f"found {secrets.token_hex(4)}")["id"])
    inner = str(writer.call("projects.create", name=f"found {secrets.token_hex(4)}/i")["id"])
    above = writer.call("projects.get_by_id", project=inner)["project"]["parent"]
    create(writer, "at the root", report="Hello world")
    create(writer, "in a project", project=project)
    create(writer, "further in", project=inner)
    create(stranger, "somebody else's", report="Hello")
    writer.create_task("hello")
    found = {"pattern": "hello", "fields": ["name", "id", "tags", "report"]}
    assert names(writer, _any_=found) == ["at the root"]
    assert sorted(names(writer)) == ["at the root", "further in", "in a project"]
    assert names(writer, project=project) == names(writer, project=[project]) == ["in a project"]
    assert names(writer, project=[None]) == ["at the root"]
    assert (names(writer, project=[above]), names(writer, project=[above], include_subprojects=True)) == (
        [],
        ["further in"],
    )
    asked = {"children_type": "report", "include_stats": True, "check_own_contents": True, "search_hidden": True}
    (root,) = writer.call("projects.get_all_ex", asked, name=r"^\.reports$", allow_public=False)["projects"]
    assert (root["name"], root["own_tasks"], root["stats"]["active"]["total_tasks"]) == (".reports", 1, 1)


def test_projects_are_listed_by_the_tags_of_their_reports(writer: Api) -> None:
    root = f"tagged {secrets.token_hex(4)}"
    one, two = (str(writer.call("projects.create", name=f"{root}/{name}")["id"]) for name in ("one", "two"))
    top = writer.call("projects.get_by_id", project=one)["project"]["parent"]
    create(writer, project=one)
    create(writer, project=two, tags=["a", "b"])
    create(writer, project=two, tags=["a"])

    def found(**tags: Any) -> dict[str, int]:
        asked = {"parent": [top], "children_type": "report", "shallow_search": True, "include_stats": True}
        projects = writer.call("projects.get_all_ex", asked, **tags)["projects"]
        return {project["basename"]: project["stats"]["active"]["total_tasks"] for project in projects}

    assert found() == {"one": 1, "two": 2}
    expected: list[tuple[Data, dict[str, int]]] = [
        ({"children_tags": ["a", "b"]}, {"two": 2}),
        ({"children_tags": ["__$all", "a", "b"]}, {"two": 1}),
        ({"children_tags": ["-a", "-b"]}, {"one": 1}),
        ({"children_tags": ["__$any", "__$not", "a", "b"]}, {"one": 1, "two": 1}),
        ({"children_tags_filter": {"any": {"include": ["a", "b"]}}}, {"two": 2}),
        ({"children_tags_filter": {"all": {"include": ["a", "b"]}}}, {"two": 1}),
        ({"children_tags_filter": {"all": {"exclude": ["a", "b"]}}}, {"one": 1}),
    ]
    for tags, projects in expected:
        assert found(**tags) == projects, tags


@pytest.mark.parametrize("is_model", [False, True])
def test_a_report_shows_the_events_of_tasks_and_models(api: Api, is_model: bool) -> None:
    key = api.create_model("shown") if is_model else api.create_task("shown")
    pairs = [(f"metric {m}", f"variant {v}") for m in range(2) for v in range(2)]
    events = [
        event
        for metric, variant in pairs
        for event in (
            image(key, 1, f"http://f/{metric}.png", metric, variant),
            plot(key, 1, "{}", metric, variant),
            scalar(key, 1, 0.5, metric, variant),
            scalar(key, SINGLE_VALUE, 0.5, metric, variant),
        )
    ]
    api.add(*(model_events(events) if is_model else events))
    asked = {"id": [key], "only_fields": ["name"], "model_events": is_model}
    assert api.call("reports.get_task_data", asked) == {"tasks": [{"id": key, "name": "shown"}]}
    found = api.call(
        "reports.get_task_data",
        asked,
        debug_images={"metrics": []},
        plots={"metrics": [{"metric": "metric 1"}]},
        scalar_metrics_iter_histogram={},
        single_value_metrics={},
    )
    (images,) = found["debug_images"]
    assert (images["task"], len(images["iterations"]), len(images["iterations"][0]["events"])) == (key, 1, 4)
    assert set(found["plots"]) == {"metric 1"}
    shown = found["plots"]["metric 1"]["variant 0"][key]["1"]
    assert (shown["name"], column(shown["plots"], "task", "iter")) == ("shown", [(key, 1)])
    curves = found["scalar_metrics_iter_histogram"]
    assert all([*curves[metric][variant]] == [key] for metric, variant in pairs)
    (values,) = found["single_value_metrics"]
    assert (values["task"], values["task_name"]) == (key, "shown")
    assert sorted(column(values["values"], "metric", "variant")) == pairs
    nothing = api.call("reports.get_task_data", id=["0" * 32], plots={}, debug_images={}, single_value_metrics={})
    assert nothing == {"tasks": [], "plots": {}, "debug_images": [], "single_value_metrics": []}


def test_single_values_of_a_model_are_found_without_saying_that_it_is_one(api: Api, model: str) -> None:
    api.add(*model_events([scalar(model, SINGLE_VALUE, 0.5, "Summary", "accuracy")]))
    either: tuple[Data, ...] = ({}, {"model_events": True})
    for fields in either:
        (found,) = api.call("events.get_task_single_value_metrics", tasks=[model], **fields)["tasks"]
        assert (found["task"], found["values"][0]["variant"]) == (model, "accuracy")
    assert api.fail("events.get_task_single_value_metrics", tasks=["0" * 32]) == (400, 101)
