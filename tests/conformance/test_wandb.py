"""W&B's protocol: what its client relies on, and who may do what. tests/e2e/test_wandb.py runs its SDK."""

from __future__ import annotations

import json
import secrets
from base64 import b64encode
from typing import Any

import httpx
import pytest

from tests.harness.api import Api
from tests.harness.deployment import Deployment
from tests.harness.plain import plain_client

Variables = dict[str, Any]


class Wandb:
    """Calls as the user of an ``Api``, with a key of theirs in W&B's form."""

    def __init__(self, api: Api, key: str = "") -> None:
        self._origin = api.origins.gateway
        if not key:
            made = api.call("auth.create_credentials", scope="write")["credentials"]
            key = f"{made['access_key']}-{made['secret_key']}"
        authorization = f"Basic {b64encode(f'api:{key}'.encode()).decode()}"
        self.client = plain_client(timeout=60, headers={"Authorization": authorization})

    def ask(self, name: str, /, **variables: Any) -> httpx.Response:
        """The response to an operation."""
        body = {"query": f"mutation {name} {{ x }}", "operationName": name, "variables": variables}
        return self.client.post(f"{self._origin}/graphql", json=body)

    def data(self, name: str, /, **variables: Any) -> Any:
        """The data of an operation that succeeds."""
        answer = self.ask(name, **variables)
        assert answer.status_code == 200, answer.text
        assert "errors" not in answer.json(), answer.text
        return answer.json()["data"]

    def stream(self, run: Variables, body: Any) -> httpx.Response:
        """The response to pieces of a run's files."""
        path = f"/files/eventide/{run['project']}/{run['name']}/file_stream"
        return self.client.post(f"{self._origin}{path}", json=body)


@pytest.fixture(scope="module")
def wandb(api: Api) -> Wandb:
    """The first user."""
    return Wandb(api)


@pytest.fixture
def run() -> Variables:
    """A run that there is not yet."""
    return {"project": f"project-{secrets.token_hex(4)}", "name": secrets.token_hex(4)}


def begin(wandb: Wandb, run: Variables, **told: Any) -> str:
    """The id of the task of a run that begins."""
    return str(wandb.data("UpsertBucket", **run, **told)["upsertBucket"]["bucket"]["id"])


def history(*rows: Any, offset: int = 0) -> Any:
    return {"files": {"wandb-history.jsonl": {"offset": offset, "content": [json.dumps(row) for row in rows]}}}


def test_pieces_that_come_again_change_nothing(wandb: Wandb, api: Api, run: Variables) -> None:
    task = begin(wandb, run)
    body = history({"_step": 0, "_timestamp": 1.7e9, "a/b/c": 0.5, "n": {"x": 1}}, {"_step": 1, "a/b/c": True})
    lines = ["2026-01-02T03:04:05.678 same", "2026-01-02T03:04:05.678 same", "ERROR 50%\r100%"]
    body["files"]["output.log"] = {"offset": 0, "content": lines}
    body["files"]["wandb-events.jsonl"] = {
        "offset": 0,
        "content": ['{"_runtime":7.9,"system.gpu.0.gpu":1,"system.cpu":2}'],
    }
    for _ in range(3):
        assert wandb.stream(run, body).status_code == 200
    found = {(e["metric"], e["variant"], e["iter"]): e["value"] for e in api.events(task) if e["type"] != "log"}
    assert found == {
        ("a", "b/c", 0): 0.5,
        ("a", "b/c", 1): 1.0,
        ("n", "x", 0): 1.0,
        (":monitor:gpu", "gpu.0.gpu", 7): 1.0,
        (":monitor:machine", "cpu", 7): 2.0,
    }
    assert sorted((line["level"], line["msg"]) for line in api.logs(task)) == [
        ("error", "100%"),
        ("info", "same"),
        ("info", "same"),
    ]


def test_values_of_every_kind_are_kept(wandb: Wandb, api: Api, run: Variables) -> None:
    task = begin(wandb, run)
    image = {"_type": "image-file", "path": "media/images/a b.png", "caption": "c"}
    values = {
        "nan": float("nan"),
        "huge": 1e300,
        "packed": {"_type": "histogram", "packedBins": {"min": 1, "size": 0.5, "count": 2}, "values": [3, 4]},
        "image": image,
        "images": {"_type": "images/separated", "filenames": ["a.png", "b.png"], "captions": ["x", "y"]},
        "list": [1, 2],
        "nothing": None,
    }
    assert wandb.stream(run, history({"_step": 3} | values)).status_code == 200
    events = api.events(task)
    found = {event["metric"]: event for event in events}
    assert found.keys() == values.keys() - {"nothing"}
    assert (found["nan"]["exact_value"], found["huge"]["exact_value"]) == ("NaN", "1e+300")
    bars = json.loads(found["packed"]["plot_str"])["data"][0]
    assert (bars["x"], bars["y"], bars["width"]) == ([1.0, 1.5], [3, 4], [0.5, 0.5])
    assert found["image"]["url"].endswith(f"/files/wandb/{task}/media/images/a%20b.png")
    assert sorted(e["caption"] for e in events if e["metric"] == "images") == ["x", "y"]


def test_a_run_that_ends_has_its_state_and_what_its_summary_has_alone(wandb: Wandb, api: Api, run: Variables) -> None:
    task = begin(wandb, run, host="h", config=json.dumps({"lr": {"value": 1}, "_wandb": {"value": {"t": {}}}}))
    body = history({"_step": 4, "loss": 1.0})
    body["files"]["wandb-summary.json"] = {"offset": 0, "content": ['{"loss": 1.0, "best": 0.25, "_step": 4}']}
    wandb.stream(run, body)
    for _ in range(2):
        assert wandb.stream(run, {"complete": True, "exitcode": 3}).status_code == 200
    document = api.task(task)
    assert (document["status"], document["status_reason"]) == ("failed", "exit code 3")
    assert {e["metric"]: e["iter"] for e in api.events(task)} == {"loss": 4, "best": -(2**31)}
    bucket = wandb.data("RunResumeStatus", entity=None, **run)["model"]["bucket"]
    assert json.loads(json.loads(bucket["historyTail"])[0]) == {"_step": 4}
    assert json.loads(bucket["config"])["lr"] == {"value": 1}
    assert begin(wandb, run, host="h", displayName="again") == task
    document = api.task(task)
    assert (document["status"], document["name"]) == ("in_progress", "again")


def test_another_companys_runs_do_not_exist(wandb: Wandb, api: Api, stranger: Api, run: Variables) -> None:
    task = begin(wandb, run)
    other = Wandb(stranger)
    assert other.data("RunResumeStatus", **run)["model"]["bucket"] is None
    assert other.stream(run, history({"_step": 0, "a": 1})).status_code == 400
    assert other.ask("CreateRunFiles", project=run["project"], run=run["name"], files=["a"]).status_code == 400
    assert begin(other, run) != task
    assert api.events(task) == []


def test_files_are_put_where_the_answer_says(wandb: Wandb, eventide: Deployment, run: Variables) -> None:
    task = begin(wandb, run)
    made = wandb.data("CreateRunFiles", project=run["project"], run=run["name"], files=["a b.txt"])["createRunFiles"]
    name, _, value = made["uploadHeaders"][0].partition(":")
    path = made["files"][0]["uploadUrl"].partition("/wandb/")[2]
    assert path == f"files/{task}/a%20b.txt"
    url = f"{eventide.files}/wandb/{path}"
    assert httpx.put(url, content=b"kept").status_code == 401
    assert httpx.put(url, content=b"kept", headers={name: value}).status_code == 200
    fetched = httpx.get(f"{eventide.files}/wandb/{task}/a%20b.txt", headers={name: api_header(eventide)})
    assert (fetched.status_code, fetched.content) == (200, b"kept")


def api_header(deployment: Deployment) -> str:
    key = deployment.credentials
    return f"Basic {b64encode(f'{key.access_key}:{key.secret_key}'.encode()).decode()}"


def test_what_is_wrong_or_lacking_is_told(wandb: Wandb, api: Api, run: Variables) -> None:
    answer = wandb.ask("CreateArtifact", input={})
    assert answer.json()["errors"] == [{"message": "Not supported by Eventide: CreateArtifact"}]
    begin(wandb, run)
    wrong = [history([1]), history({"_step": "x", "a": 1}), history({"_step": 2**70, "a": 1}), {"files": {"a": 1}}]
    wrong += [{"files": {"wandb-history.jsonl": {"content": ["{"]}}}, {"files": []}]
    wrong += [history({"_step": 0, "h": {"_type": "histogram", "packedBins": [1]}})]
    wrong += [history({"_step": 0, "h": {"_type": "histogram", "bins": ["x"]}})]
    for body in wrong:
        answer = wandb.stream(run, body)
        assert (answer.status_code, answer.json().keys()) == (400, {"errors"}), body
    assert wandb.stream(run | {"name": "none"}, {}).status_code == 400
    for variables in ({}, {"name": 1}, run | {"config": "["}, run | {"config": "[]"}, {"name": "x" * 501}):
        assert wandb.ask("UpsertBucket", **variables).status_code == 400, variables
    answer = Wandb(api, "A" * 20 + "-" + "b" * 43).ask("Viewer")
    assert (answer.status_code, answer.json().keys()) == (401, {"errors"})


def test_a_token_is_a_key(api: Api) -> None:
    assert Wandb(api, api.token).data("Viewer")["viewer"]["entity"] == "eventide"
