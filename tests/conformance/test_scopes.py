"""API contract 1.10: keys that only report, keys that only read, and keys that end."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import httpx
import jwt
import pytest

from schema.api.wire import Tier
from tests.harness.access import ENDPOINTS, basic, bearer, id_of, new_user, status_of, statuses
from tests.harness.api import Api, Credentials, Data, data_of, failure_of
from tests.harness.deployment import Deployment
from tests.harness.events import scalar
from tests.harness.plain import plain_client

OUT_OF_SCOPE = (403, 23)
LOG_IN = {"auth.login", "login.logout", "login.supported_modes"}
CHANGES = {name for name, endpoint in ENDPOINTS.items() if endpoint.tier is Tier.GATEWAY}
ABOUT_ACCESS = {name for name in ENDPOINTS if name.startswith(("audit.", "auth."))} - LOG_IN
# What may be called with a key that only reports, besides logging in.
REPORTS = """
events.add events.add_batch projects.create tasks.create tasks.started tasks.stop tasks.stopped tasks.completed
tasks.failed tasks.close tasks.publish tasks.reset tasks.ping tasks.edit tasks.update tasks.validate
tasks.set_requirements tasks.edit_hyper_params tasks.delete_hyper_params tasks.edit_configuration
tasks.delete_configuration tasks.add_or_update_artifacts tasks.delete_artifacts tasks.add_or_update_model
models.create models.edit models.update models.update_for_task models.set_ready models.add_or_update_metadata
tasks.get_by_id tasks.get_all tasks.get_hyper_params tasks.get_configurations models.get_by_id models.get_all
projects.get_by_id projects.get_all
mlflow.experiments_create mlflow.experiments_set_experiment_tag mlflow.runs_create mlflow.runs_update
mlflow.runs_log_batch mlflow.runs_log_metric mlflow.runs_log_parameter mlflow.runs_log_inputs mlflow.runs_log_model
mlflow.runs_outputs mlflow.runs_set_tag mlflow.runs_delete_tag mlflow.logged_models_create mlflow.logged_models_finalize
mlflow.logged_models_get mlflow.logged_models_log_params mlflow.logged_models_set_tags
trackio.bulk_log trackio.bulk_log_system trackio.bulk_alert trackio.bulk_upload_media trackio.get_run_summary
trackio.get_runs_for_project trackio.version
wandb.file_stream wandb.graphql
mlflow.experiments_get mlflow.experiments_get_by_name mlflow.runs_get mlflow.logged_models_search
"""
ALLOWED = {"read": ENDPOINTS.keys() - CHANGES - ABOUT_ACCESS, "write": set(REPORTS.split()) | LOG_IN}


def make_key(client: Api, **fields: object) -> Credentials:
    made = client.call("auth.create_credentials", dict(fields))["credentials"]
    return Credentials(made["access_key"], made["secret_key"])


@pytest.fixture(scope="module")
def user(eventide: Deployment) -> Iterator[Api]:
    with new_user(eventide, "admin") as client:
        yield client


@pytest.fixture(scope="module")
def keys(user: Api) -> dict[str, Credentials]:
    return {scope: make_key(user, scope=scope, label=f"to {scope}") for scope in ("read", "write")}


@pytest.fixture(scope="module")
def reporter(eventide: Deployment, keys: dict[str, Credentials]) -> Iterator[Api]:
    with Api(eventide.origins, keys["write"]) as client:
        yield client


@pytest.fixture(scope="module")
def dashboard(eventide: Deployment, keys: dict[str, Credentials]) -> Iterator[Api]:
    with Api(eventide.origins, keys["read"]) as client:
        yield client


@pytest.mark.parametrize("way", ["key", "token", "token of a token", "cookie"])
@pytest.mark.parametrize("scope", ["read", "write"])
def test_each_endpoint_answers_the_scopes_that_it_is_for(
    nobody: Api, keys: dict[str, Credentials], scope: str, way: str
) -> None:
    token = data_of(nobody.raw("auth.login", {}, headers=basic(keys[scope])))["token"]
    renewed = data_of(nobody.raw("auth.login", {}, headers=bearer(token)))["token"]
    cookie = {"Cookie": f"clearml_token_basic={token}", "X-Requested-With": "tests"}
    headers = {"key": basic(keys[scope]), "token": bearer(token), "token of a token": bearer(renewed), "cookie": cookie}
    others = sorted(ENDPOINTS.keys() - {"login.logout"})  # which would end the session
    answers = {name: nobody.raw(name, {}, headers=headers[way]).json()["meta"] for name in others}
    refused = {name for name, meta in answers.items() if (meta["result_code"], meta["result_subcode"]) == OUT_OF_SCOPE}
    assert refused == set(others) - ALLOWED[scope]
    assert not [name for name, meta in answers.items() if meta["result_code"] in (401, 500)]


def test_a_token_says_its_scope(reporter: Api, user: Api) -> None:
    for client, scope in ((reporter, "write"), (user, "full")):
        assert jwt.decode(client.token, options={"verify_signature": False})["scope"] == scope


@pytest.mark.parametrize("scope", ["read", "write"])
def test_no_key_makes_one_that_may_more(user: Api, nobody: Api, keys: dict[str, Credentials], scope: str) -> None:
    before = user.call("auth.get_credentials")["credentials"]
    for wanted in ("full", "write", "read"):
        answer = nobody.raw("auth.create_credentials", {"scope": wanted}, headers=basic(keys[scope]))
        assert failure_of(answer) == OUT_OF_SCOPE
    assert [key["access_key"] for key in user.call("auth.get_credentials")["credentials"]] == [
        key["access_key"] for key in before
    ]
    acting = basic(keys[scope]) | {"X-Clearml-Act-As": id_of(user)}
    assert failure_of(nobody.raw("projects.get_all", {}, headers=acting)) == (400, 6)


def test_keys_are_listed_with_scope_and_end(user: Api, keys: dict[str, Credentials]) -> None:
    ends = make_key(user, scope="read", expires_in=3600)
    both = make_key(user, expires_in=3600, expiration_sec=1800)
    listed = {key["access_key"]: key for key in user.call("auth.get_credentials")["credentials"]}
    shown = listed[keys["write"].access_key]
    assert (shown["scope"], shown["label"], "expires" in shown) == ("write", "to write", False)
    assert listed[ends.access_key]["scope"] == "read"
    assert listed[both.access_key]["expires"] < listed[ends.access_key]["expires"]
    assert user.credentials
    assert listed[user.credentials.access_key]["scope"] == "full"


@pytest.mark.parametrize(
    "fields",
    [{"scope": "admin"}, {"scope": ""}, {"expires_in": 0}, {"expires_in": -1}, {"expires_in": 10**12}],
    ids=str,
)
def test_odd_keys_are_refused(user: Api, fields: Data) -> None:
    assert user.fail("auth.create_credentials", fields) == (400, 12)


def test_a_key_ends_with_what_it_opened(user: Api, nobody: Api) -> None:
    key = make_key(user, scope="read", expires_in=2)
    token = data_of(nobody.raw("auth.login", {}, headers=basic(key)))["token"]
    time.sleep(6)
    answers = [status_of(nobody.raw("projects.get_all", {}, headers=way)) for way in (basic(key), bearer(token))]
    assert answers == [401, 401]


def test_a_reporting_key_sees_and_changes_what_its_user_made_alone(
    eventide: Deployment, user: Api, reporter: Api
) -> None:
    company = user.call("users.get_current_user")["user"]["company"]["name"]
    with new_user(eventide, "user", company) as colleague:
        theirs = {"task": colleague.create_task("theirs"), "model": colleague.create_model("theirs")}
    own = {"task": user.create_task("own"), "model": user.create_model("own")}
    for kind in ("task", "model"):
        assert reporter.call(f"{kind}s.get_by_id", {kind: own[kind]})[kind]["name"] == "own"
        listed = reporter.call(f"{kind}s.get_all", id=[own[kind], theirs[kind]])[f"{kind}s"]
        assert [document["id"] for document in listed] == [own[kind]]
        for action in ("get_by_id", "edit"):
            assert reporter.fail(f"{kind}s.{action}", {kind: theirs[kind]})[0] == 400
    assert reporter.fail("events.add", scalar(theirs["task"], 1, 0.5))[0] == 400
    assert reporter.fail("tasks.reset", task=theirs["task"], force=True) == (400, 101)
    assert reporter.call("events.add", scalar(own["task"], 1, 0.5))["added"] == 1
    assert reporter.call("tasks.reset", task=own["task"], force=True)
    assert reporter.fail("events.get_task_log", task=own["task"]) == OUT_OF_SCOPE


def test_files_are_sent_by_one_scope_and_fetched_by_the_other(
    eventide: Deployment, keys: dict[str, Credentials]
) -> None:
    def ask(scope: str, method: str) -> int:
        form: dict[str, Any] = {"files": {"a/scoped.txt": b"text"}} if method == "POST" else {}
        path = "" if form else "a/scoped.txt"
        with plain_client(timeout=60) as client:
            url = f"{eventide.files}/{path}"
            answer: httpx.Response = client.request(method, url, headers=basic(keys[scope]), **form)
            return answer.status_code

    assert [ask("write", method) for method in ("POST", "GET", "HEAD", "DELETE")] == [200, 403, 403, 403]
    assert [ask("read", method) for method in ("POST", "GET", "HEAD", "DELETE")] == [403, 200, 200, 403]


def test_a_reporting_key_changes_files_of_its_users_tasks_alone(
    eventide: Deployment, user: Api, keys: dict[str, Credentials]
) -> None:
    company = user.call("users.get_current_user")["user"]["company"]["name"]
    with new_user(eventide, "user", company) as colleague:
        theirs, own = colleague.create_task(), user.create_task()
    with plain_client(timeout=60) as client:
        answers = {}
        for task in (theirs, own):
            path = f"p/t.{task}/artifacts/a.txt"
            sent = client.post(f"{eventide.files}/", headers=basic(keys["write"]), files={path: b"text"})
            gone = client.delete(f"{eventide.files}/{path}", headers=basic(keys["write"]))
            answers[task] = (sent.status_code, gone.status_code)
    assert answers == {theirs: (403, 403), own: (200, 200)}


def test_a_dashboard_reads(user: Api, dashboard: Api) -> None:
    task = user.create_task()
    user.add(scalar(task, 1, 0.5))
    assert dashboard.call("events.scalar_metrics_iter_histogram", task=task)
    assert dashboard.fail("tasks.edit", task=task, name="x") == OUT_OF_SCOPE
    assert statuses(dashboard, bearer(dashboard.token), ["users.get_current_user"]) == {"users.get_current_user": 200}
