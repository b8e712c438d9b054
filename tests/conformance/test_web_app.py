"""What the ClearML web application asks, as recorded: version 999.0, a cookie, and its own credential to log in."""

from __future__ import annotations

import secrets
from hashlib import md5

import httpx
import pytest

from tests.harness.api import Api, Data, until
from tests.harness.browser import VERSION, Browser, log_in
from tests.harness.deployment import WEB_APP, Deployment
from tests.harness.events import SINGLE_VALUE, image, log, plot, scalar

COOKIE = "clearml_token_basic"
UNKNOWN = "0" * 32
NOT_HIDDEN = ["__$not", "archived", "__$not", "pipeline", "__$not", "dataset", "__$not", "reports"]
TABLE: Data = {"id": [], "type": [], "user": [], "system_tags": NOT_HIDDEN, "include_subprojects": True, "size": 30}
COLUMNS = [
    "name",
    "status",
    "system_tags",
    "project.name",
    "company",
    "last_change",
    "last_update",
    "tags",
    "user.name",
]
SMALL_LISTS = {
    "projects.get_user_names": "users",
    "projects.get_task_tags": "tags",
    "projects.get_model_tags": "tags",
    "projects.get_project_tags": "tags",
    "projects.get_task_parents": "parents",
    "tasks.get_types": "types",
    "models.get_frameworks": "frameworks",
    "reports.get_all_ex": "tasks",
    "projects.get_unique_metric_variants": "metrics",
    "projects.get_hyper_parameters": "parameters",
}


# --- logging in -------------------------------------------------------------------------------------------------------


def test_nobody_is_told_how_to_log_in(browser: Browser) -> None:
    modes = browser.call("login.supported_modes", {})
    assert (modes["authenticated"], modes["basic"]["enabled"]) == (False, False)
    browser.client.cookies.set(COOKIE, "expired or forged")
    assert browser.call("login.supported_modes", {})["authenticated"] is False
    assert browser.ask("users.get_current_user", {}).status_code == 401


def test_a_name_is_enough_and_is_known_again(browser: Browser) -> None:
    name = f"Grace {secrets.token_hex(4)}"
    user = log_in(browser, name)
    assert browser.client.cookies[COOKIE]
    assert browser.call("login.supported_modes", {})["authenticated"] is True
    assert browser.call("users.get_current_user", {"get_supported_features": True})["user"]["id"] == user
    assert log_in(browser, name) == user
    browser.call("login.logout", {"redirect_url": "/"})
    assert COOKIE not in browser.client.cookies


def test_the_applications_credential_does_nothing_else(browser: Browser, api: Api, eventide: Deployment) -> None:
    own = httpx.BasicAuth(WEB_APP.access_key, WEB_APP.secret_key)
    for action in ("tasks.get_all", "users.get_current_user", "tasks.create", "events.get_task_log"):
        assert browser.ask(action, {}, auth=own).status_code == 403, action
    root = api.call("users.get_current_user")["user"]["id"]
    assert browser.ask("auth.login", auth=own, headers={"X-Clearml-Impersonate-As": root}).status_code != 200
    token = browser.call("auth.login", auth=own)["token"]
    bearer = {"Authorization": f"Bearer {token}"}
    assert browser.ask("tasks.get_all", {}, headers=bearer).status_code == 403
    assert all(user["name"] != "web application" for user in browser.call("users.get_all", auth=own)["users"])


def test_preferences_are_replaced_by_path(person: Browser) -> None:
    for path, value in (("a.b", {"c": 1}), ("a.b", {"d": 2}), ("a.e", 1), ("a.x--DOT--y", 3)):
        person.call("users.set_preferences", {"preferences": {path: value}, "return_updated": False})
    assert person.call("users.get_preferences", {})["preferences"] == {"a": {"b": {"d": 2}, "e": 1, "x.y": 3}}
    filters = "experiments.view.projectColumnFilters.p"
    for chosen in ({"status": {"value": ["failed"]}}, {}):  # cleared
        person.call("users.set_preferences", {"preferences": {filters: chosen}})
    assert person.call("users.get_preferences", {})["preferences"]["experiments"]["view"] == {
        "projectColumnFilters": {"p": {}}
    }


# --- lists ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("action", "field"), SMALL_LISTS.items())
def test_small_lists_are_lists(person: Browser, api: Api, action: str, field: str) -> None:
    project = api.call("projects.create", name=f"small {secrets.token_hex(4)}")["id"]
    fields = {"projects": [project], "project": project, "include_subprojects": True, "tasks_state": "active"}
    assert isinstance(person.call(action, fields | {"entity": "task", "scroll_id": None})[field], list)


def test_the_table_pages_under_one_scroll_id_and_refreshes(person: Browser, api: Api) -> None:
    project = api.call("projects.create", name=f"table {secrets.token_hex(4)}")["id"]
    tasks = [api.create_task(f"row {number:02}", project=project) for number in range(40)]
    asked = TABLE | {"project": [project], "order_by": ["name"], "only_fields": COLUMNS}
    first = person.call("tasks.get_all_ex", asked | {"scroll_id": None, "refresh_scroll": True})
    assert [task["id"] for task in first["tasks"]] == tasks[:30]
    assert first["tasks"][0]["project"]["id"] == project
    rest = person.call("tasks.get_all_ex", asked | {"scroll_id": first["scroll_id"], "refresh_scroll": False})
    assert [task["id"] for task in rest["tasks"]] == tasks[30:]
    assert rest["scroll_id"] == first["scroll_id"]
    again = person.call("tasks.get_all_ex", asked | {"scroll_id": first["scroll_id"], "refresh_scroll": True})
    assert len(again["tasks"]) in (30, 40)
    assert again["scroll_id"] == first["scroll_id"]


def test_a_row_moves_when_events_arrive(person: Browser, api: Api, task: str) -> None:
    metric, variant = (md5(name.encode(), usedforsecurity=False).hexdigest() for name in ("m", "v"))
    column = f"last_metrics.{metric}.{variant}.value"
    asked = {"id": [task], "only_fields": ["last_change", "last_update", "last_iteration", column]}
    before = person.call("tasks.get_all_ex", asked)["tasks"][0]
    api.add(scalar(task, 3, 0.5))
    after = until(lambda: _moved(person.call("tasks.get_all_ex", asked)["tasks"][0], before["last_change"]))
    assert (after["last_iteration"], after["last_metrics"][metric][variant]["value"]) == (3, 0.5)
    assert (
        person.call("tasks.get_by_id_ex", {"id": [task], "only_fields": ["name", "runtime"]})["tasks"][0]["runtime"]
        == {}
    )


def _moved(row: Data, since: str) -> Data | None:
    return row if row["last_change"] > since else None


# --- the tabs of a task -----------------------------------------------------------------------------------------------


@pytest.fixture
def told(api: Api, task: str) -> str:
    """A task with something on every tab."""
    api.add(
        *(scalar(task, number, number / 2) for number in range(5)), scalar(task, SINGLE_VALUE, 7.0, metric="Summary")
    )
    api.add(
        plot(task, 1, '{"data":[]}'), *(image(task, number, url=f"http://files/{number}.png") for number in range(4))
    )
    api.add(*(log(task, f"line {number}", timestamp=1000 + number) for number in range(5)))
    return task


def test_the_scalars_tab(person: Browser, told: str) -> None:
    curves = person.call("events.scalar_metrics_iter_histogram", {"task": told, "key": "iter"})
    assert curves["m"]["v"] == {"name": "v", "x": [0, 1, 2, 3, 4], "y": [0.0, 0.5, 1.0, 1.5, 2.0]}
    values = person.call("events.get_task_single_value_metrics", {"tasks": [told]})["tasks"][0]
    assert values["task"] == told
    assert (values["values"][0]["variant"], values["values"][0]["value"]) == ("v", 7.0)
    raw = {"task": told, "metric": {"metric": "m"}, "key": "iter", "count_total": True, "batch_size": 200000}
    assert person.call("events.scalar_metrics_iter_raw", raw)["total"] == 5


def test_the_plots_tab_ends(person: Browser, told: str) -> None:
    found = person.call("events.get_task_plots", {"task": told, "iters": 1})
    assert (found["total"], len(found["plots"])) == (1, 1)
    asked = {"tasks": [told], "metrics": [{"metric": "m", "variants": ["v"]}], "iters": 1}
    asked |= {"last_iters_per_task_metric": True, "model_events": False}
    first = person.call("events.get_multi_task_plots", asked)
    assert first["returned"] == 1
    assert person.call("events.get_multi_task_plots", asked | {"scroll_id": first["scroll_id"]})["returned"] == 0


def test_the_debug_samples_tab(person: Browser, told: str) -> None:
    asked: Data = {"tasks": [told], "event_type": "training_debug_image"}
    assert person.call("events.get_task_metrics", asked)["metrics"] == [{"task": told, "metrics": ["m"]}]
    asked = {"metrics": [{"task": told, "metric": "m"}], "iters": 3, "scroll_id": None, "navigate_earlier": True}
    first = person.call("events.debug_images", asked | {"refresh": False})
    assert [entry["iter"] for entry in first["metrics"][0]["iterations"]] == [3, 2, 1]
    rest = person.call("events.debug_images", asked | {"scroll_id": first["scroll_id"], "refresh": False})
    assert [entry["iter"] for entry in rest["metrics"][0]["iterations"]] == [0]


def test_the_console_is_newest_first_and_is_downloaded_by_a_link(
    person: Browser, told: str, eventide: Deployment
) -> None:
    found = person.call("events.get_task_log", {"task": told, "batch_size": 1000, "navigate_earlier": True})
    assert [event["msg"] for event in found["events"]] == [f"line {number}" for number in (4, 3, 2, 1, 0)]
    link = f"{eventide.origins.query}/v{VERSION}/events.download_task_log?line_type=text&task={told}"
    assert "line 4" in person.client.get(link).text


# --- editing ----------------------------------------------------------------------------------------------------------
# Calls and fields are those of the application's source: they were not recorded.


def shown(person: Browser, kind: str, key: str, *fields: str) -> Data:
    """Some fields of a task, model or project, as its page reads them."""
    asked = {"id": [key], "only_fields": list(fields), "search_hidden": True}
    found: list[Data] = person.call(f"{kind}.get_all_ex", asked)[kind]
    return found[0] if found else {}


def test_what_says_which_task_it_is_changes_in_any_status(person: Browser, api: Api, task: str) -> None:
    end(api, task)
    before = shown(person, "tasks", task, "last_change")["last_change"]
    for changefeed in ({"name": "renamed"}, {"tags": ["a", "b"]}, {"comment": "a <b>comment</b>"}):
        answer = person.call("tasks.update", {"task": task} | changefeed)
        assert (answer["updated"], answer["fields"]) == (1, changefeed)
        assert {name: shown(person, "tasks", task, name)[name] for name in changefeed} == changefeed
    assert shown(person, "tasks", task, "last_change")["last_change"] > before
    assert person.ask("tasks.update", {"task": task, "name": "x"}).status_code == 400


def end(api: Api, task: str) -> None:
    """The task has run."""
    for action in ("started", "stopped"):
        api.call(f"tasks.{action}", task=task)


@pytest.mark.parametrize("kind", ["tasks", "models"])
def test_tags_of_many_at_once(person: Browser, api: Api, kind: str) -> None:
    ids = make(api, kind)
    assert person.call(f"{kind}.update_tags", {"ids": ids, "add_tags": ["new"]})["updated"] == len(ids)
    assert [shown(person, kind, key, "tags")["tags"] for key in ids] == [["new"]] * 2
    assert person.call(f"{kind}.update_tags", {"ids": ids, "remove_tags": ["new"]})["updated"] == len(ids)
    assert [shown(person, kind, key, "tags")["tags"] for key in ids] == [[]] * 2


def make(api: Api, kind: str) -> list[str]:
    """Two tasks or models."""
    return [api.create_task() if kind == "tasks" else api.create_model() for _ in range(2)]


@pytest.mark.parametrize("kind", ["tasks", "models"])
def test_archive_and_back(person: Browser, api: Api, kind: str) -> None:
    ids = make(api, kind)
    for action, tags in (("archive_many", ["archived"]), ("unarchive_many", [])):
        answer = person.call(f"{kind}.{action}", {"ids": [*ids, UNKNOWN], "include_pipeline_steps": False})
        assert [one["id"] for one in answer["succeeded"]] == ids
        assert [(one["id"], type(one["error"]["msg"])) for one in answer["failed"]] == [(UNKNOWN, str)]
        assert shown(person, kind, ids[0], "system_tags")["system_tags"] == tags


@pytest.mark.parametrize("kind", ["tasks", "models"])
def test_to_another_project_by_id_or_by_name(person: Browser, api: Api, kind: str) -> None:
    ids, name = make(api, kind), f"p {secrets.token_hex(4)}"
    project = person.call(f"{kind}.move", {"ids": ids, "project_name": f"{name}/new"})["project_id"]
    assert shown(person, kind, ids[0], "project.name")["project"] == {"id": project, "name": f"{name}/new"}
    other = person.call("projects.create", {"name": f"{name}/other", "description": ""})["id"]
    answer = person.call(f"{kind}.move", {"ids": ids, "project": other, "project_name": "what the page calls it"})
    assert answer["project_id"] == other
    person.call(f"{kind}.move", {"ids": ids, "project": None, "project_name": None})
    assert not shown(person, kind, ids[0], "project.name").get("project")


def test_a_clone_is_a_draft_in_a_project_of_ones_own(person: Browser, api: Api) -> None:
    task = api.create_task("original", comment="c", tags=["t"])
    asked = {"task": task, "new_task_name": "copy", "new_task_comment": "mine", "new_task_parent": task}
    answer = person.call("tasks.clone", asked | {"new_project_name": f"clones {secrets.token_hex(4)}"})
    fields = ("name", "comment", "status", "tags", "parent.name", "project.name")
    copy = shown(person, "tasks", answer["id"], *fields)
    assert copy["project"] == answer["new_project"]
    assert (copy["name"], copy["comment"], copy["status"], copy["tags"]) == ("copy", "mine", "created", ["t"])
    assert copy["parent"] == {"id": task, "name": "original"}
    api.call("tasks.delete", task=answer["id"], force=True)


def test_stop_publish_and_reset_tell_each_rows_new_fields(person: Browser, api: Api) -> None:
    tasks = make(api, "tasks")
    for task in tasks:
        api.call("tasks.started", task=task)
    running = {"status": ["queued", "in_progress"], "parent": tasks, "page_size": 2000, "only_fields": ["name"]}
    assert person.call("tasks.get_all_ex", running)["tasks"] == []
    for action, status in (("stop_many", "stopped"), ("reset_many", "created")):
        asked = {"ids": [*tasks, UNKNOWN], "return_file_urls": True, "force": True, "delete_output_models": False}
        answer = person.call(f"tasks.{action}", asked if action == "reset_many" else {"ids": asked["ids"]})
        assert [(one["id"], one["fields"]["status"]) for one in answer["succeeded"]] == [(t, status) for t in tasks]
        assert [one["id"] for one in answer["failed"]] == [UNKNOWN]
    for task in tasks:
        end(api, task)
    answer = person.call("tasks.publish_many", {"ids": tasks})
    assert [one["fields"]["status"] for one in answer["succeeded"]] == ["published"] * 2
    assert answer["failed"] == []


@pytest.mark.parametrize("action", ["tasks.delete_many", "tasks.reset_many"])
def test_what_is_removed_says_where_its_files_are(person: Browser, api: Api, action: str) -> None:
    artifact = {"key": "a", "type": "custom", "uri": "http://files/a.pkl", "mode": "output"}
    task = api.create_task(execution={"artifacts": [artifact, artifact | {"key": "b", "mode": "input"}]})
    model = api.create_model(task=task, uri="http://files/m.pt", ready=False)
    asked = {"ids": [task], "delete_external_artifacts": True, "delete_output_models": True}
    answer = person.call(action, asked | {"return_file_urls": True, "force": True})
    urls = {"artifact_urls": ["http://files/a.pkl"], "model_urls": ["http://files/m.pt"], "event_urls": []}
    assert (answer["succeeded"][0]["urls"], answer["failed"]) == (urls, [])
    assert not shown(person, "models", model, "name")


def test_a_draft_is_edited_section_by_section(person: Browser, task: str) -> None:
    parameters = [{"section": "Args", "name": "lr", "value": "0.1", "type": "float", "description": ""}]
    asked = {"task": task, "hyperparams": parameters, "replace_hyperparams": "section"}
    assert person.call("tasks.edit_hyper_params", asked)["updated"] == 1
    assert shown(person, "tasks", task, "hyperparams")["hyperparams"]["Args"]["lr"]["value"] == "0.1"
    person.call("tasks.edit_hyper_params", asked | {"hyperparams": [{"section": "Args"}]})
    assert shown(person, "tasks", task, "hyperparams")["hyperparams"] == {}
    configuration = [{"name": "General", "value": "a: 1", "type": "yaml", "description": ""}]
    person.call("tasks.edit_configuration", {"task": task, "configuration": configuration})
    asked = {"tasks": [task], "names": ["General"]}
    assert person.call("tasks.get_configurations", asked)["configurations"][0]["configuration"] == configuration
    script = {"repository": "r", "branch": "main", "entry_point": "train.py", "diff": ""}
    assert person.call("tasks.edit", {"task": task, "script": script})["updated"] == 1
    assert shown(person, "tasks", task, "script")["script"]["branch"] == "main"


def test_a_model_is_renamed_edited_published_and_deleted(person: Browser, api: Api, task: str) -> None:
    model = api.create_model(task=task, ready=False, uri="http://files/m")
    for changefeed in ({"name": "renamed"}, {"tags": ["t"]}, {"comment": "c"}):
        answer = person.call("models.update", {"model": model} | changefeed)
        assert (answer["updated"], answer["fields"]) == (1, changefeed)
    whole = person.call("models.get_by_id_ex", {"id": [model], "only_fields": []})["models"][0]
    labels = {"labels": {"cat": 0}, "task": task, "model": model}
    assert person.call("models.edit", whole | labels)["updated"] == 1
    metadata = [{"key": "k", "type": "str", "value": "v"}]
    person.call("models.edit", {"model": model, "metadata": metadata})
    found = shown(person, "models", model, "labels", "metadata", "company.id", "name")
    assert (found["labels"], found["metadata"]["k"]["value"], found["name"]) == ({"cat": 0}, "v", "renamed")
    assert person.call("models.publish_many", {"ids": [model]})["failed"][0]["error"]["codes"] == [400, 110]
    alone = {"ids": [model], "publish_task": False}  # the task is a draft
    assert [one["id"] for one in person.call("models.publish_many", alone)["succeeded"]] == [model]
    answer = person.call("models.delete_many", {"ids": [model, UNKNOWN], "force": True})
    assert [(one["id"], one["url"]) for one in answer["succeeded"]] == [(model, "http://files/m")]
    assert [one["id"] for one in answer["failed"]] == [UNKNOWN]


def test_a_project_is_renamed_described_moved_and_tagged(person: Browser) -> None:
    name = f"p {secrets.token_hex(4)}"
    project = person.call("projects.create", {"name": name, "description": "d", "system_tags": []})["id"]
    person.call("projects.create", {"name": f"{name}/below", "description": ""})
    answer = person.call("projects.update", {"project": project, "name": f"{name} new"})
    assert answer == {"updated": 1, "fields": {"name": f"{name} new", "basename": f"{name} new"}}
    for changefeed in ({"description": "other"}, {"tags": ["t"]}, {"default_output_destination": "s3://b/k"}):
        assert person.call("projects.update", {"project": project} | changefeed) == {"updated": 1, "fields": changefeed}
    place = f"place {secrets.token_hex(4)}"
    assert person.call("projects.move", {"project": project, "new_location": place})["moved"] == 2
    assert shown(person, "projects", project, "name")["name"] == f"{place}/{name} new"


def test_a_project_is_deleted_once_all_in_it_is_archived(person: Browser, api: Api) -> None:
    project = person.call("projects.create", {"name": f"p {secrets.token_hex(4)}"})["id"]
    task = api.create_task(project=project, execution={"artifacts": [{"key": "a", "type": "t", "uri": "http://f/a"}]})
    model = api.create_model(project=project, uri="http://f/m")
    counts = person.call("projects.validate_delete", {"project": project})
    none = {"reports": 0, "non_archived_reports": 0, "pipelines": 0, "datasets": 0}
    assert counts == {"tasks": 1, "non_archived_tasks": 1, "models": 1, "non_archived_models": 1} | none
    asked = {"project": project, "delete_contents": True, "delete_external_artifacts": True}
    assert person.ask("projects.delete", asked).status_code == 400
    person.call("tasks.archive_many", {"ids": [task]})
    person.call("models.archive_many", {"ids": [model]})
    counts = person.call("projects.validate_delete", {"project": project})
    assert counts == {"tasks": 1, "non_archived_tasks": 0, "models": 1, "non_archived_models": 0} | none
    urls = {"artifact_urls": ["http://f/a"], "model_urls": ["http://f/m"], "event_urls": []}
    assert person.call("projects.delete", asked)["urls"] == urls
    assert not shown(person, "tasks", task, "name")
