"""What the pages of the ClearML web application ask beyond what was recorded: requests as its source makes them."""

from __future__ import annotations

import csv
import io
import secrets
from hashlib import md5
from typing import Any

import httpx
import pytest

from tests.harness.api import Api, Data, data_of
from tests.harness.browser import VERSION, Browser
from tests.harness.deployment import Deployment
from tests.harness.events import scalar

CARDS: Data = {
    "stats_for_state": "active",
    "include_stats": True,
    "permission_roots_only": True,
    "scroll_id": None,
    "size": 16,
    "order_by": ["featured", "-last_update"],
    "only_fields": ["name", "company", "user", "created", "default_output_destination", "basename", "system_tags"],
}
TABLE: Data = {"id": [], "user": [], "scroll_id": None, "size": 30, "include_subprojects": True}
NOTHING: dict[str, Data] = {
    "queues.get_all_ex": {"queues": []},
    "queues.get_queue_metrics": {"queues": []},
    "workers.get_all": {"workers": []},
    "workers.get_stats": {"workers": []},
    "workers.get_activity_report": {"total": {"dates": [], "counts": []}, "active": {"dates": [], "counts": []}},
    "serving.get_endpoints": {"endpoints": []},
    "serving.get_loading_instances": {"instances": []},
    "reports.get_tags": {"tags": []},
    "storage.get_settings": {
        "settings": {"aws": {"buckets": []}, "google": {"buckets": []}, "azure": {"containers": []}}
    },
}


def make_project(api: Api, name: str, **fields: Any) -> str:
    """The id of a new project."""
    return str(api.call("projects.create", {"name": name, "description": ""} | fields)["id"])


@pytest.fixture
def name() -> str:
    """Of a project that is nobody else's."""
    return f"pages {secrets.token_hex(4)}"


# --- projects ---------------------------------------------------------------------------------------------------------


def cards(person: Browser, **fields: Any) -> list[str]:
    """The names of the projects on a page of cards."""
    return [project["name"] for project in person.call("projects.get_all_ex", CARDS | fields)["projects"]]


def test_a_project_by_its_id_alone(person: Browser, api: Api, name: str) -> None:
    project = make_project(api, name)
    assert person.call("projects.get_all_ex", {"id": project, "only_fields": ["name"]})["projects"][0]["name"] == name


def test_the_page_of_a_project_shows_what_lies_in_it(person: Browser, api: Api, name: str) -> None:
    project, _, _ = (make_project(api, path) for path in (name, f"{name}/b", f"{name}/b/target"))
    assert cards(person, shallow_search=True, parent=[project]) == [f"{name}/b"]
    search = {"pattern": "target", "fields": ["id", "basename", "description"]}
    assert cards(person, shallow_search=False, parent=[project], _any_=search) == [f"{name}/b/target"]


def test_a_card_does_not_count_hidden_projects(person: Browser, api: Api, name: str) -> None:
    project = make_project(api, name)
    make_project(api, f"{name}/.pipelines", system_tags=["hidden"])
    asked = CARDS | {"id": [project]}
    assert person.call("projects.get_all_ex", asked)["projects"][0]["sub_projects"] == []
    hidden = person.call("projects.get_all_ex", asked | {"search_hidden": True})["projects"][0]["sub_projects"]
    assert [one["name"] for one in hidden] == [f"{name}/.pipelines"]


def test_tasks_of_hidden_projects_count_if_these_are_asked_for(person: Browser, api: Api, name: str) -> None:
    """Of a card, of its own contents, and of the projects under it; statistics without children are its own tasks'."""
    project, below, hidden = (
        make_project(api, name),
        make_project(api, f"{name}/below"),
        make_project(api, f"{name}/.hidden", system_tags=["hidden"]),
    )
    for count, place in ((1, project), (2, below), (4, hidden)):
        for _ in range(count):
            api.create_task(project=place)

    def total(**fields: Any) -> tuple[int, int]:
        asked = CARDS | {"id": [project], "check_own_contents": True} | fields
        (found,) = person.call("projects.get_all_ex", asked)["projects"]
        return found["own_tasks"], found["stats"]["active"]["total_tasks"]

    assert (total(), total(search_hidden=True), total(stats_with_children=False)) == ((1, 3), (1, 7), (1, 1))
    listed = CARDS | {"shallow_search": True, "parent": [project]}
    for wish, names in ({}, [f"{name}/below"]), ({"search_hidden": True}, [f"{name}/.hidden", f"{name}/below"]):
        found = person.call("projects.get_all_ex", listed | wish)["projects"]
        assert sorted(one["name"] for one in found) == names
    by_id = person.call("projects.get_all_ex", CARDS | {"id": [hidden]})["projects"]
    assert [one["name"] for one in by_id] == [f"{name}/.hidden"]


def test_my_work_is_what_i_made(person: Browser, api: Api, name: str) -> None:
    me = person.call("users.get_current_user", {})["user"]["id"]
    project, below = make_project(api, name), make_project(api, f"{name}/mine")
    api.create_task(project=project)
    mine = {"id": [project, below], "active_users": [me]}
    assert cards(person, **mine) == []
    person.call("tasks.create", {"name": "mine", "type": "training", "project": below})
    assert sorted(cards(person, **mine)) == [name, f"{name}/mine"]
    found = person.call("projects.get_all_ex", CARDS | mine | {"id": [project]})["projects"][0]
    assert found["stats"]["active"]["total_tasks"] == 1


@pytest.mark.parametrize("kind", ["pipeline", "dataset"])
def test_only_projects_with_pipelines_or_datasets(person: Browser, api: Api, name: str, kind: str) -> None:
    ids = [make_project(api, name), make_project(api, f"{name} without")]
    make_project(api, f"{name}/.{kind}s", system_tags=[kind, "hidden"])
    run = make_project(api, f"{name}/.{kind}s/one", system_tags=[kind, "hidden"], tags=["t"])
    api.create_task(project=run, system_tags=[kind, "hidden"], runtime={"ds_file_count": 3, "ds_total_size": 9})
    nested = {"id": ids, "children_type": kind, "shallow_search": True, "search_hidden": False}
    assert cards(person, **nested) == [name]
    tags = {"any": {"include": ["other"], "exclude": []}}
    assert cards(person, **nested, children_tags_filter={"tags": tags}["tags"]) == []
    flat = {"name": f"/\\.{kind}s/", "system_tags": [kind], "search_hidden": True, "shallow_search": False, "id": [run]}
    (found,) = person.call("projects.get_all_ex", CARDS | flat | {"include_dataset_stats": True})["projects"]
    assert found["name"] == f"{name}/.{kind}s/one"
    assert found["dataset_stats"] == {"file_count": 3, "total_size": 9}  # of any task that tells its size
    assert person.call("projects.get_project_tags", {"filter": {"system_tags": [kind]}})["tags"].count("t") == 1


def test_what_ended_within_a_day_counts_as_completed(person: Browser, api: Api, name: str) -> None:
    project = make_project(api, name)
    for action in ("stopped", "failed", "completed"):
        task = api.create_task(project=project)
        api.call("tasks.started", task=task)
        api.call(f"tasks.{action}", task=task)
    found = person.call("projects.get_all_ex", CARDS | {"id": [project]})["projects"][0]["stats"]["active"]
    assert (found["total_tasks"], found["completed_tasks_24h"]) == (3, 2)
    assert found["last_task_run"]


# --- tables -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def project(api: Api, name: str) -> str:
    """Three tasks, whose learning rates are 9, 10 and none, and whose losses are 0, 1 and 2."""
    made = make_project(api, name)
    for number, rate in enumerate(("9", "10", "")):
        values = {"General": {"learning.rate": {"section": "General", "name": "learning.rate", "value": rate}}}
        task = api.create_task(f"=task {number}", project=made, tags=["t"], hyperparams=values if rate else {})
        api.call("tasks.started", task=task)
        api.add(scalar(task, number, float(number), "loss", "train"))
    return made


def rows(person: Browser, project: str, **fields: Any) -> list[str]:
    """The last characters of the names in the table, sorted if no order is asked for."""
    asked = TABLE | {"project": [project], "only_fields": ["name"]} | fields
    found = [task["name"][-1] for task in person.call("tasks.get_all_ex", asked)["tasks"]]
    return found if "order_by" in fields else sorted(found)


def test_ranges_come_from_the_address_as_texts(person: Browser, project: str) -> None:
    hashes = (md5(part.encode(), usedforsecurity=False).hexdigest() for part in ("loss", "train"))
    loss = ".".join(("last_metrics", *hashes, "value"))
    for field in (loss, "last_iteration"):
        assert rows(person, project, **{field: ["1", None]}) == ["1", "2"]
        assert rows(person, project, **{field: ["0", "1"]}) == ["0", "1"]
    assert rows(person, project, active_duration=["0", None]) == []
    assert person.ask("tasks.get_all_ex", {"last_iteration": ["one", None]}).status_code == 400


@pytest.mark.parametrize("refresh", [True, False])
def test_a_scroll_that_is_forgotten_begins_anew_under_another_id(person: Browser, project: str, refresh: bool) -> None:
    asked = TABLE | {"project": [project], "size": 2, "scroll_id": "0" * 32, "refresh_scroll": refresh}
    first = person.call("tasks.get_all_ex", asked)
    assert len(first["tasks"]) == 2
    assert first["scroll_id"] != asked["scroll_id"]
    rest = person.call("tasks.get_all_ex", asked | {"scroll_id": first["scroll_id"], "refresh_scroll": False})
    assert (len(rest["tasks"]), rest["scroll_id"]) == (1, first["scroll_id"])


def test_two_dates_are_a_range(person: Browser, project: str) -> None:
    for dates in (["2000-01-01", "2200-01-01"], ["2000-01-01T00:00:00", None], [">=2000-01-01", "<=2200-01-01"]):
        assert rows(person, project, started=dates) == ["0", "1", "2"]
    assert rows(person, project, started=["2000-01-01", "2000-01-02"]) == []


def test_a_hyper_parameter_with_a_dot_is_a_column_like_any(person: Browser, project: str) -> None:
    column = "hyperparams.General.learning%2Erate.value"
    assert rows(person, project, **{column: ["10"]}) == ["1"]
    assert rows(person, project, order_by=[column]) == ["0", "1", "2"]
    assert rows(person, project, order_by=[f"-{column}"]) == ["1", "0", "2"]
    asked = {"section": "General", "name": "learning%2Erate", "projects": [project], "page_size": 1}
    pages = [person.call("projects.get_hyperparam_values", asked | {"page": page})["values"] for page in range(3)]
    assert pages == [["10"], ["9"], []]
    assert person.call("projects.get_hyperparam_values", asked | {"pattern": "9"})["values"] == ["9"]


@pytest.mark.parametrize("action", ["tasks.get_all_ex", "models.get_all_ex", "projects.get_all_ex"])
def test_a_search_for_nothing_finds_all(person: Browser, api: Api, project: str, action: str) -> None:
    api.create_model(project=project)
    kind = action.partition(".")[0]
    assert person.call(action, {"_any_": {"fields": ["name", "id"]}, "scroll_id": None, "size": 30})[kind]


def test_what_there_is_in_all_projects(person: Browser, project: str) -> None:
    asked = {"project": None, "page_size": 5000, "include_subprojects": True}
    found = person.call("projects.get_hyper_parameters", asked)["parameters"]
    assert {"section": "General", "name": "learning.rate"} in found


def test_only_parents_whose_name_is_searched_for(person: Browser, api: Api, project: str) -> None:
    parents = [api.create_task(name, project=project) for name in ("Alpha", "beta")]
    for parent in parents:
        api.create_task(parent=parent, project=project)
    asked = {"projects": [project], "tasks_state": "active", "task_name": "(?i)alp"}
    (found,) = person.call("projects.get_task_parents", asked)["parents"]
    assert (found["id"], found["name"], found["project"]["id"]) == (parents[0], "Alpha", project)


def test_columns_of_models_are_their_metadata(person: Browser, api: Api, project: str) -> None:
    model = api.create_model(project=project, labels={"cat": 0, "dog": 1})
    api.call("models.add_or_update_metadata", model=model, metadata=[{"key": "k", "type": "str", "value": "v"}])
    assert person.call("projects.get_model_metadata_keys", {"project": project})["keys"] == ["k"]
    asked = {"projects": [project], "key": "k", "include_subprojects": True}
    assert person.call("projects.get_model_metadata_values", asked) == {"total": 1, "values": ["v"]}
    found = person.call("models.get_all_ex", {"id": [model], "only_fields": ["name"], "include_stats": True})["models"]
    assert found[0]["stats"] == {"labels_count": 2}


def test_a_task_without_artifacts_has_a_list_of_none(person: Browser, api: Api) -> None:
    asked = {"id": [api.create_task()], "only_fields": ["execution.artifacts"]}
    for action in ("tasks.get_all_ex", "tasks.get_by_id_ex"):
        assert person.call(action, asked)["tasks"][0]["execution"] == {"artifacts": []}


def test_the_table_as_a_file(person: Browser, project: str, eventide: Deployment) -> None:
    columns: list[Data] = [
        {"field": "name", "name": "=NAME()"},
        {"field": "tags", "name": "TAGS"},
        {"field": "last_iteration"},
    ]
    columns.append({"field": "status", "name": "STATUS", "values": [{"key": "in_progress", "value": "Running"}]})
    asked = TABLE | {"project": [project], "order_by": ["-name"], "refresh_scroll": True, "entity_type": "task"}
    asked |= {"only_fields": [], "field_mappings": columns}
    prepare_id = person.call("organization.prepare_download_for_get_all", asked)["prepare_id"]
    link = f"{eventide.origins.query}/v{VERSION}/organization.download_for_get_all"
    found = person.client.get(link, params={"prepare_id": prepare_id})
    assert found.headers["Content-Disposition"] == "attachment; filename=tasks.csv"
    lines = list(csv.reader(io.StringIO(found.content.decode("utf-8-sig"))))
    assert lines[:2] == [["'=NAME()", "TAGS", "last_iteration", "STATUS"], ["'=task 2", "t", "2", "Running"]]
    assert len(lines) == 4
    assert person.client.get(link, params={"prepare_id": f"{prepare_id}x"}).status_code == 400


# --- search, settings, and pages of what Eventide does not have -------------------------------------------------------


def test_the_search_says_where_something_was_found(person: Browser, api: Api, name: str) -> None:
    api.create_task(f"{name} a", project=make_project(api, name))
    api.create_task(f"{name} b", project=make_project(api, f"{name} hidden", system_tags=["hidden"]))
    wanted = {"_any_": {"pattern": name, "fields": ["name", "id"]}, "system_tags": ["-archived"]}
    asked = {kind: wanted for kind in ("projects", "tasks", "models", "datasets", "pipelines", "reports")}
    counts = person.call("organization.get_entities_count", asked)
    assert (counts["projects"], counts["tasks"], counts["models"], counts["reports"]) == (1, 2, 0, 0)
    assert counts["pipeline_runs"] == counts["dataset_versions"] == 0
    assert person.call("organization.get_entities_count", asked | {"limit": 1, "search_hidden": True})["tasks"] == 1


def test_people_make_name_and_revoke_credentials(person: Browser) -> None:
    made = person.call("auth.create_credentials", {"label": "laptop"})["credentials"]
    keys = httpx.BasicAuth(made["access_key"], made["secret_key"])
    me = person.call("users.get_current_user", {})["user"]["id"]
    assert data_of(person.ask("users.get_current_user", {}, auth=keys))["user"]["id"] == me
    person.call("auth.edit_credentials", {"access_key": made["access_key"], "label": "desk"})
    listed = person.call("auth.get_credentials", {})["credentials"]
    assert [(key["access_key"], key["label"]) for key in listed] == [(made["access_key"], "desk")]
    assert listed[0]["created"] <= listed[0]["last_used"] < listed[0]["expires"]
    assert person.call("auth.revoke_credentials", {"access_key": made["access_key"]}) == {"revoked": 1}
    assert person.call("auth.get_credentials", {})["credentials"] == []
    assert person.ask("auth.revoke_credentials", {"access_key": made["access_key"]}).status_code == 400


def test_nobody_revokes_what_is_anothers(person: Browser, eventide: Deployment) -> None:
    for action in ("auth.revoke_credentials", "auth.edit_credentials"):
        asked = {"access_key": eventide.credentials.access_key, "label": "mine"}
        assert person.ask(action, asked).status_code == 400
    assert person.call("auth.get_credentials", {})["credentials"] == []


def test_people_rename_themselves_and_nobody_else(person: Browser, api: Api) -> None:
    me, other = (
        person.call("users.get_current_user", {})["user"]["id"],
        api.call("users.get_current_user")["user"]["id"],
    )
    assert person.call("users.update", {"user": me, "name": "Ada L"}) == {"updated": 1, "fields": {"name": "Ada L"}}
    assert person.call("users.get_all_ex", {"id": [me], "order_by": ["name"]})["users"][0]["name"] == "Ada L"
    assert person.ask("users.update", {"user": other, "name": "x"}).status_code == 403
    assert person.ask("users.update", {"user": me, "name": " "}).status_code == 400


def test_users_are_those_who_made_something_in_a_project(person: Browser, api: Api, name: str) -> None:
    project = make_project(api, name)
    asked = {"order_by": ["name"], "only_fields": ["name"], "active_in_projects": [project]}
    maker = api.call("users.get_current_user")["user"]["id"]  # of the project itself
    assert [user["id"] for user in person.call("users.get_all_ex", asked)["users"]] == [maker]
    person.call("tasks.create", {"name": "mine", "type": "training", "project": project})
    me = person.call("users.get_current_user", {})["user"]["id"]
    assert {user["id"] for user in person.call("users.get_all_ex", asked)["users"]} == {maker, me}


@pytest.mark.parametrize(("action", "answer"), NOTHING.items())
def test_what_there_is_none_of_is_answered_empty(person: Browser, action: str, answer: Data) -> None:
    asked = {"from_date": 1, "to_date": 2, "interval": 40, "items": [{"key": "cpu_usage"}], "worker_ids": None}
    assert person.call(action, asked | {"only_fields": ["*", "entries.task.name"]}) == answer
