"""API contract 1.11: roles in projects. A viewer changes nothing, and to others a private project does not exist."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from schema.api.wire import Tier
from tests.harness.access import ENDPOINTS, REVOKED_SECONDS, basic, id_of, new_user
from tests.harness.api import Api, Data, data_of, until
from tests.harness.deployment import Deployment
from tests.harness.events import SINGLE_VALUE, log, model_events, one_of_each, scalar
from tests.harness.listener import Listener
from tests.harness.plain import plain_client
from tests.harness.reads import MODEL_READS, READS, Read

UNKNOWN = {"task": "0123456789abcdef0123456789abcdef", "model": "1123456789abcdef0123456789abcdef"}
UNKNOWN["project"] = "2123456789abcdef0123456789abcdef"
SECRET = f"hidden-{secrets.token_hex(6)}"  # in whatever a private project has a name for
ROLE_TOO_LOW = (403, 21)
EVENTS = sorted(name for name in ENDPOINTS if name.startswith("events."))
CHANGES = sorted(name for name, endpoint in ENDPOINTS.items() if endpoint.tier is Tier.GATEWAY)
LISTS = sorted(name for name, endpoint in ENDPOINTS.items() if endpoint.tier is Tier.QUERY and name not in EVENTS)
ids = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Team:
    """Users of one company, and what lies in a private project: in one that is under it."""

    chief: Api  # an admin of the company
    maker: Api  # who made the project, and is its administrator
    writer: Api
    viewer: Api
    outsider: Api
    company: str
    entities: Mapping[str, str]  # a task, a model and a project, by kind
    name: str  # of the project above


@pytest.fixture(scope="module")
def team(eventide: Deployment) -> Iterator[Team]:
    company = f"company {secrets.token_hex(4)}"
    users = [new_user(eventide, role, company) for role in ("admin", "user", "user", "user", "user")]
    chief, maker, writer, viewer, outsider = users
    name = f"private/{SECRET}"
    above = maker.call("projects.create", name=name)["id"]
    project = maker.call("projects.create", name=f"{name}/inner", tags=[SECRET], description=SECRET)["id"]
    task = maker.create_task(
        SECRET,
        project=project,
        tags=[SECRET],
        hyperparams={SECRET: {SECRET: {"section": SECRET, "name": SECRET, "value": SECRET}}},
    )
    model = maker.create_model(SECRET, project=project, tags=[SECRET], framework=SECRET, task=task)
    child = outsider.create_task("child")
    maker.add(*one_of_each(task), scalar(task, SINGLE_VALUE, 0.5, "Summary", "acc"), scalar(task, 1, 1.0, SECRET))
    maker.add(*model_events(event for event in one_of_each(model) if event["type"] != "log"))
    for user, role in ((writer, "writer"), (viewer, "viewer")):
        maker.call("projects.set_member", project=above, user=id_of(user), role=role)
    time.sleep(REVOKED_SECONDS)
    entities = {"task": task, "model": model, "project": project, "above": above, "child": child}
    yield Team(chief, maker, writer, viewer, outsider, company, entities, name)
    for user in users:
        user.__exit__(None, None, None)


# Calls that a viewer may make with what ``body_of`` names: they change nothing of it, or are about something else.
OF_NOTHING_PRIVATE = frozenset(
    (
        "mlflow.experiments_create",
        "mlflow.logged_models_get",  # reads, but where its model is changed
        "projects.create",
        "tasks.validate",
        "trackio.bulk_alert",
        "trackio.bulk_log",
        "trackio.bulk_log_system",
        "trackio.bulk_upload_media",
        "users.set_preferences",
        "wandb.graphql",  # without an operation
    )
)


def body_of(entities: Mapping[str, str], name: str) -> Data:
    """What any call may need to name a task, model and project."""
    task, model, project = (entities[kind] for kind in ("task", "model", "project"))
    entity = {"tasks": task, "models": model, "projects": project}.get(name.partition(".")[0], task)
    names: Data = {"task": task, "tasks": [task], "model": model, "models": [model], "project": project}
    names |= {"projects": [project], "ids": [entity], "parent": task, "metrics": [{"task": task}]}
    fields: Data = {"metric": "m", "variant": "v", "iteration": 1, "event_type": "log", "type": "training"}
    fields["name"] = secrets.token_hex(16)  # as long as an id, for ``told``
    lists: Data = {key: [] for key in ("tags", "artifacts", "hyperparams", "configuration", "metadata")}
    others = {"uri": "file:///x", "force": True, "role": "viewer", "user": "nobody", "destination_project": project}
    more = {"new_location": "elsewhere", "keys": ["x"], "add_tags": ["x"], "model_events": name.endswith("_model")}
    mlflow = {"run_id": task, "experiment_id": project, "experiment_ids": [project], "model_id": model, "key": "k"}
    mlflow |= {"value": "1", "new_name": fields["name"], "model_json": "{}", "metric_key": "m"}
    return names | fields | lists | others | more | mlflow


def told(client: Api, name: str, entities: Mapping[str, str]) -> tuple[int, int, str]:
    """What a call answers: codes, and its text without ids."""
    answer = client.raw(name, body_of(entities, name))
    if "json" not in answer.headers["Content-Type"]:
        return answer.status_code, 0, ids.sub("ID", answer.text)
    meta = answer.json()["meta"]
    text = meta["result_msg"] + json.dumps(answer.json()["data"])
    return meta["result_code"], meta["result_subcode"], ids.sub("ID", text)


@pytest.mark.parametrize("read", READS, ids=str)
def test_members_read_and_others_do_not(team: Team, read: Read) -> None:
    body = read.body(team.entities["task"])
    for client in (team.viewer, team.writer, team.maker, team.chief):
        answer = client.raw(read.action, body, version=read.version)
        assert answer.status_code == 200
        assert any(name in answer.text for name in ('"m"', '"v"', '"acc"', "line")), answer.text
    assert team.outsider.fail(read.action, body, version=read.version) == (400, 101)


@pytest.mark.parametrize("read", MODEL_READS, ids=str)
def test_models_are_as_private(team: Team, read: Read) -> None:
    body = read.body(team.entities["model"]) | {"model_events": True}
    assert team.viewer.raw(read.action, body, version=read.version).status_code == 200
    assert team.outsider.fail(read.action, body, version=read.version) == (400, 201)


def test_a_viewer_writes_no_events(team: Team) -> None:
    task, model = team.entities["task"], team.entities["model"]
    viewer = team.viewer
    for action in ("events.delete_for_task", "events.clear_task_log"):
        assert viewer.fail(action, task=task) == ROLE_TOO_LOW
        assert team.outsider.fail(action, task=task) == (400, 101)
    assert viewer.fail("events.delete_for_model", model=model) == ROLE_TOO_LOW
    assert team.outsider.fail("events.delete_for_model", model=model) == (400, 201)
    for client in (viewer, team.outsider):
        assert client.fail("events.add", scalar(task, 2)) == (400, 131)
        assert client.fail_batch([log(task), *model_events([scalar(model, 2)])]) == (400, 131)
        own = client.create_task()
        assert client.batch([log(own), log(task)])["errors"] == 1
    assert len(team.maker.events(task)) == 7
    team.writer.add(log(task, "of the writer"))
    assert team.writer.call("events.clear_task_log", task=task)["deleted"] == 2
    team.maker.add(log(task))


@pytest.mark.parametrize("name", EVENTS)
def test_of_events_nobody_tells_a_private_task_from_none(team: Team, name: str) -> None:
    if name in ("events.add", "events.add_batch"):
        bodies = [json.dumps(log(kinds["task"])).encode() for kinds in (team.entities, UNKNOWN)]
        answers = [team.outsider.raw(name, content=body) for body in bodies]
        hidden, unknown = (ids.sub("ID", answer.json()["meta"]["result_msg"]) for answer in answers)
    else:
        hidden, unknown = (str(told(team.outsider, name, kinds)) for kinds in (team.entities, UNKNOWN))
    assert hidden == unknown


@pytest.mark.parametrize("name", CHANGES)
def test_no_change_tells_what_is_private_from_what_is_not_there(team: Team, name: str) -> None:
    before = {kind: team.maker.call(f"{kind}s.get_by_id", {kind: team.entities[kind]}) for kind in UNKNOWN}
    if name not in ("auth.create_credentials", "auth.revoke_sessions", "events.add", "events.add_batch"):
        hidden, unknown = (told(team.outsider, name, kinds) for kinds in (team.entities, UNKNOWN))
        assert hidden == unknown
        code, subcode, _ = told(team.viewer, name, team.entities)
        succeeded = code == 200 and name not in OF_NOTHING_PRIVATE
        assert not succeeded or '"succeeded": []' in told(team.viewer, name, team.entities)[2], (code, subcode)
    after = {kind: team.maker.call(f"{kind}s.get_by_id", {kind: team.entities[kind]}) for kind in UNKNOWN}
    assert after == before


@pytest.mark.parametrize("name", LISTS)
def test_no_list_shows_anything_private(team: Team, name: str) -> None:
    bodies: list[Data] = [{}, {"search_hidden": True, "include_stats": True, "check_own_contents": True}]
    bodies += [{"id": list(team.entities.values())}, {"name": SECRET}, body_of(team.entities, name)]
    bodies += [{"project": team.entities["project"]}, {"projects": [team.entities["project"]]}]
    for body in bodies:
        answer = team.outsider.raw(name, body)
        given = json.dumps(body)
        assert SECRET not in answer.text or SECRET in given, (name, body)
        assert answer.status_code < 500


def test_lists_show_members_what_they_hide_from_others(team: Team) -> None:
    """So that the test above looks for something that is there."""
    for kind in ("task", "model", "project"):
        for action in ("get_all", "get_all_ex"):
            listed = {
                client: [one["id"] for one in client.call(f"{kind}s.{action}", page_size=500)[f"{kind}s"]]
                for client in (team.viewer, team.chief, team.outsider)
            }
            found = [team.entities[kind] in listed[client] for client in listed]
            assert found == [True, True, False]
    assert SECRET in str(team.viewer.call("projects.get_task_tags"))
    assert SECRET in str(team.viewer.call("projects.get_hyper_parameters"))


def test_what_refers_to_private_things_does_not_name_them(team: Team) -> None:
    child, task = team.entities["child"], team.entities["task"]
    assert team.outsider.fail("tasks.edit", task=child, parent=task) == (400, 101)
    assert team.outsider.fail("tasks.edit", task=child, project=team.entities["project"]) == (400, 401)
    assert team.outsider.fail("tasks.move", ids=[child], project=team.entities["project"]) == (400, 401)
    assert team.outsider.fail("tasks.clone", task=task) == (400, 101)
    own = team.viewer.create_task()
    assert team.viewer.fail("tasks.edit", task=own, project=team.entities["project"]) == ROLE_TOO_LOW
    batch = {"task": own, "project": team.entities["project"]}
    assert team.viewer.fail("tasks.update_batch", batch) == ROLE_TOO_LOW
    assert team.outsider.fail("tasks.update_batch", batch | {"task": child}) == (400, 401)
    assert team.viewer.fail("tasks.move", ids=[own], project=team.entities["project"]) == ROLE_TOO_LOW
    assert (
        team.viewer.fail("tasks.create", name="a task", type="training", project=team.entities["above"]) == ROLE_TOO_LOW
    )
    assert team.viewer.fail("projects.create", name=f"{team.name}/of the viewer") == ROLE_TOO_LOW
    elsewhere = team.viewer.call("projects.create", name=f"open {secrets.token_hex(4)}")["id"]
    assert team.viewer.call("tasks.clone", task=task, new_task_project=elsewhere)["id"]


def test_writers_write_and_only_administrators_change_the_project(team: Team) -> None:
    task = team.writer.create_task(project=team.entities["project"])
    assert team.writer.call("tasks.edit", task=task, name="another")["updated"] == 1
    assert team.writer.call("tasks.delete", task=task)["deleted"]
    changes: dict[str, Data] = {
        "projects.update": {"description": "x"},
        "projects.delete": {"force": True},
        "projects.move": {"new_location": "x"},
        "projects.set_member": {"user": id_of(team.outsider), "role": "viewer"},
        "projects.remove_member": {"user": id_of(team.viewer)},
    }
    for action, fields in changes.items():
        for client in (team.writer, team.viewer):
            assert client.fail(action, fields, project=team.entities["above"]) == ROLE_TOO_LOW
        assert team.outsider.fail(action, fields, project=team.entities["above"]) == (400, 401)
    assert team.chief.call("projects.update", project=team.entities["above"], description="z")["updated"] == 1


def test_members_are_listed_with_those_above(team: Team) -> None:
    listed = team.viewer.call("projects.get_members", project=team.entities["project"])["members"]
    roles = {member["user"]: member["role"] for member in listed}
    assert roles == {id_of(team.maker): "admin", id_of(team.writer): "writer", id_of(team.viewer): "viewer"}
    assert {member["project"] for member in listed} == {team.entities["above"]}
    assert team.outsider.fail("projects.get_members", project=team.entities["project"]) == (400, 401)


def test_who_may_make_a_project_private(team: Team, stranger: Api) -> None:
    project = team.maker.call("projects.create", name=f"mine {secrets.token_hex(4)}")["id"]
    asked = {"project": project, "user": id_of(team.viewer), "role": "viewer"}
    assert team.outsider.fail("projects.set_member", asked) == (403, 20)
    assert team.maker.fail("projects.set_member", asked | {"user": id_of(stranger)}) == (400, 301)
    assert team.maker.fail("projects.set_member", asked | {"role": "owner"}) == (400, 12)
    assert stranger.fail("projects.set_member", asked) == (400, 401)
    acting = {"X-Clearml-Act-As": id_of(team.maker)}
    assert team.chief.raw("projects.set_member", asked, headers=acting).status_code == 403
    assert team.maker.call("projects.set_member", asked) == {"updated": 1}
    assert team.maker.call("projects.remove_member", asked) == {"removed": 1}
    me = {"project": project, "user": id_of(team.maker)}
    assert team.maker.fail("projects.remove_member", me) == (403, 20)
    assert team.maker.call("projects.remove_member", me, force=True) == {"removed": 1}
    time.sleep(REVOKED_SECONDS)
    assert team.outsider.call("projects.get_by_id", project=project)["project"]["id"] == project


def test_who_is_no_member_any_more_is_out_within_seconds(team: Team, eventide: Deployment) -> None:
    with new_user(eventide, "user", team.company) as guest:
        asked = {"project": team.entities["above"], "user": id_of(guest)}
        team.maker.call("projects.set_member", asked, role="viewer")
        until(lambda: guest.raw("tasks.get_by_id", {"task": team.entities["task"]}).status_code == 200)
        listener = Listener(guest, [team.entities["task"]])
        assert listener.is_ready()
        team.maker.call("projects.remove_member", asked)
        time.sleep(REVOKED_SECONDS)
        assert guest.fail("tasks.get_by_id", task=team.entities["task"]) == (400, 101)
        for step in range(10):
            team.maker.add(scalar(team.entities["task"], 1000 + step))
            time.sleep(0.5)
        until(lambda: not listener.thread.is_alive(), 30)
        team.maker.call("events.clear_task_log", task=team.entities["task"])
        team.maker.add(log(team.entities["task"]))


def test_what_lies_under_an_open_project_stays_private_when_that_changes(team: Team) -> None:
    name = f"open {secrets.token_hex(4)}"
    outer = team.outsider.call("projects.create", name=name)["id"]
    inner = team.maker.call("projects.create", name=f"{name}/inner")["id"]
    task = team.maker.create_task(project=inner)
    team.maker.call("projects.set_member", project=inner, user=id_of(team.viewer), role="viewer")
    time.sleep(REVOKED_SECONDS)
    assert team.outsider.call("projects.update", project=outer, name=f"{name} renamed")["updated"] == 1
    assert team.maker.call("projects.get_by_id", project=inner)["project"]["name"] == f"{name} renamed/inner"
    deleted = team.outsider.call("projects.delete", project=outer, force=True, delete_contents=True)
    assert (deleted["deleted"], deleted["deleted_tasks"]) == (1, 0)
    assert team.viewer.task(task)["project"] == inner
    assert team.outsider.fail("tasks.get_by_id", task=task) == (400, 101)


def test_files_of_private_tasks_are_their_members(team: Team, eventide: Deployment) -> None:
    def ask(client: Api, method: str) -> int:
        assert client.credentials
        path = f"p/t.{team.entities['task']}/artifacts/a.txt"
        place, form = ("", {"files": {path: b"text"}}) if method == "POST" else (path, {})
        with plain_client(timeout=60) as sender:
            url = f"{eventide.files}/{place}"
            options: dict[str, Any] = form
            return sender.request(method, url, headers=basic(client.credentials), **options).status_code

    methods = ("POST", "GET", "HEAD", "DELETE")
    assert [ask(team.writer, method) for method in methods[:-1]] == [200, 200, 200]
    assert [ask(team.viewer, method) for method in methods] == [403, 200, 200, 403]
    assert [ask(team.outsider, method) for method in methods] == [404, 404, 404, 404]
    assert ask(team.writer, "DELETE") == 200


def test_a_company_without_private_projects_is_as_before(api: Api, stranger: Api) -> None:
    project = api.call("projects.create", name=f"plain {secrets.token_hex(4)}")["id"]
    assert api.call("projects.get_members", project=project) == {"members": []}
    assert data_of(api.raw("projects.update", {"project": project, "description": "x"}))["updated"] == 1
