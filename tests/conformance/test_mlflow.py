"""MLflow's REST protocol: what its clients rely on, and who may do what. tests/e2e/test_mlflow.py runs its SDK."""

from __future__ import annotations

import base64
import json
import math
import secrets
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.harness.access import new_user
from tests.harness.api import Api, Credentials, until
from tests.harness.deployment import Deployment
from tests.harness.events import scalar
from tests.harness.mlflow import Mlflow, answer_of, failure_of

MISSING = (404, "RESOURCE_DOES_NOT_EXIST")
INVALID = (400, "INVALID_PARAMETER_VALUE")
NOT_SUPPORTED = (404, "ENDPOINT_NOT_FOUND")
UNKNOWN = "0" * 32


@pytest.fixture(scope="module")
def mlflow(api: Api, eventide: Deployment) -> Mlflow:
    """The first user."""
    return Mlflow(api, eventide.files)


@pytest.fixture(scope="module")
def other(stranger: Api, eventide: Deployment) -> Mlflow:
    """A user of another company."""
    return Mlflow(stranger, eventide.files)


@pytest.fixture
def experiment(mlflow: Mlflow) -> str:
    """A new experiment."""
    return str(mlflow.call("experiments/create", name=f"experiment {secrets.token_hex(6)}")["experiment_id"])


@pytest.fixture
def run(mlflow: Mlflow, experiment: str) -> str:
    """A new run in it."""
    return mlflow.run(experiment_id=experiment)


def point(key: str, value: object, step: int = 0, timestamp: int = 1000) -> dict[str, Any]:
    return {"key": key, "value": value, "step": step, "timestamp": timestamp}


# --- experiments ------------------------------------------------------------------------------------------------------


def test_an_experiment_is_found_by_id_and_name_and_is_a_project(mlflow: Mlflow, api: Api) -> None:
    name = f"team {secrets.token_hex(4)}/vision"
    made = mlflow.call("experiments/create", name=name, tags=[{"key": "owner", "value": "ada"}])["experiment_id"]
    found = mlflow.get("experiments/get-by-name", experiment_name=name)["experiment"]
    assert found == mlflow.get("experiments/get", experiment_id=made)["experiment"]
    assert (found["experiment_id"], found["name"], found["lifecycle_stage"]) == (made, name, "active")
    assert found["tags"] == [{"key": "owner", "value": "ada"}]
    assert api.call("projects.get_by_id", project=made)["project"]["name"] == name
    assert mlflow.fail("experiments/create", name=name) == (400, "RESOURCE_ALREADY_EXISTS")


def test_what_is_no_experiment(mlflow: Mlflow) -> None:
    assert mlflow.fail("experiments/get", "GET", experiment_id=UNKNOWN) == MISSING
    assert mlflow.fail("experiments/get-by-name", "GET", experiment_name="nobody made this") == MISSING
    assert mlflow.fail("experiments/create", name="//") == INVALID
    assert mlflow.fail("experiments/create") == INVALID


def test_the_default_experiment_is_there_from_the_start(eventide: Deployment) -> None:
    with new_user(eventide) as api:
        mlflow = Mlflow(api)
        assert mlflow.get("experiments/get", experiment_id="0")["experiment"]["name"] == "Default"
        assert mlflow.call("runs/search", experiment_ids=["0"])["runs"] == []
        run = mlflow.run()
        assert [found["info"]["run_id"] for found in mlflow.call("runs/search", experiment_ids=["0"])["runs"]] == [run]


def test_experiments_are_searched_deleted_and_restored(mlflow: Mlflow, experiment: str) -> None:
    name = mlflow.get("experiments/get", experiment_id=experiment)["experiment"]["name"]

    def found(**fields: Any) -> list[str]:
        answer = mlflow.call("experiments/search", filter=f"name = '{name}'", **fields)
        return [one["experiment_id"] for one in answer["experiments"]]

    assert found() == [experiment]
    mlflow.call("experiments/delete", experiment_id=experiment)
    assert (found(), found(view_type="DELETED_ONLY"), found(view_type="ALL")) == ([], [experiment], [experiment])
    mlflow.call("experiments/restore", experiment_id=experiment)
    mlflow.call("experiments/set-experiment-tag", experiment_id=experiment, key="a b", value="x")
    assert mlflow.call("experiments/search", filter="tags.`a b` LIKE '%'")["experiments"][0]["name"] == name
    mlflow.call("experiments/delete-experiment-tag", experiment_id=experiment, key="a b")
    mlflow.call("experiments/update", experiment_id=experiment, new_name=f"{name} new")
    assert mlflow.get("experiments/get", experiment_id=experiment)["experiment"]["tags"] == []


def test_experiments_come_in_pages(mlflow: Mlflow) -> None:
    name = f"paged {secrets.token_hex(6)}"
    made = {mlflow.call("experiments/create", name=f"{name} {place}")["experiment_id"] for place in range(3)}
    asked: dict[str, Any] = {"filter": f"name LIKE '{name}%'", "order_by": ["name DESC"], "max_results": 2}
    first = mlflow.call("experiments/search", **asked)
    rest = mlflow.call("experiments/search", **asked, page_token=first["next_page_token"])
    assert [one["name"][-1] for one in first["experiments"] + rest["experiments"]] == ["2", "1", "0"]
    assert {one["experiment_id"] for one in first["experiments"] + rest["experiments"]} == made
    assert "next_page_token" not in rest


# --- runs -------------------------------------------------------------------------------------------------------------


def test_a_run_is_a_task(mlflow: Mlflow, api: Api, experiment: str) -> None:
    tags = [{"key": "team", "value": "vision"}, {"key": "mlflow.note.content", "value": "a note"}]
    run = mlflow.run("ab", experiment_id=experiment, start_time=1_700_000_000_123, tags=tags)
    mlflow.call("runs/log-parameter", run_id=run, key="model/lr", value="0.1")
    info = mlflow.call("runs/update", run_id=run, status="FINISHED", end_time=1_700_000_060_456)["run_info"]
    assert (info["status"], info["start_time"], info["end_time"]) == ("FINISHED", 1_700_000_000_123, 1_700_000_060_456)
    task = api.task(run)
    assert (task["name"], task["project"], task["status"], task["comment"]) == ("ab", experiment, "completed", "a note")
    assert task["tags"] == ["team=vision"]
    assert task["hyperparams"]["General"]["model/lr"]["value"] == "0.1"
    data = mlflow.get("runs/get", run_id=run)["run"]["data"]
    assert data["params"] == [{"key": "model/lr", "value": "0.1"}]
    assert {tag["key"]: tag["value"] for tag in data["tags"]} == {
        "team": "vision",
        "mlflow.note.content": "a note",
        "mlflow.runName": "ab",
    }


@pytest.mark.parametrize(
    ("status", "task_status"), [("FAILED", "failed"), ("KILLED", "stopped"), ("FINISHED", "completed")]
)
def test_the_state_of_a_run(mlflow: Mlflow, api: Api, run: str, status: str, task_status: str) -> None:
    assert api.task(run)["status"] == "in_progress"
    mlflow.call("runs/update", run_id=run, status=status)
    assert api.task(run)["status"] == task_status
    mlflow.call("runs/log-metric", run_id=run, **point("after", 1.0))
    mlflow.call("runs/update", run_id=run, status="RUNNING", run_name="renamed")
    found = mlflow.get("runs/get", run_uuid=run)["run"]["info"]
    assert (found["status"], found["run_name"], "end_time" in found) == ("RUNNING", "renamed", False)


def test_a_task_of_a_clearml_client_is_a_run(mlflow: Mlflow, api: Api) -> None:
    task = api.create_task("by ClearML", tags=["nightly"], hyperparams={"Args": {"lr": {"value": "1"}}})
    api.add(scalar(task, 1, 0.1, "loss", "train"))
    run = mlflow.get("runs/get", run_id=task)["run"]
    assert (run["info"]["run_name"], run["info"]["status"]) == ("by ClearML", "SCHEDULED")
    assert run["data"]["params"] == [{"key": "Args/lr", "value": "1"}]
    assert {"key": "nightly", "value": ""} in run["data"]["tags"]
    assert mlflow.metrics(task) == {"loss/train": 0.1}


def test_parameters_are_set_once_and_tags_change(mlflow: Mlflow, run: str) -> None:
    for _ in range(2):
        mlflow.call("runs/log-parameter", run_id=run, key="lr", value="1")
    assert mlflow.fail("runs/log-parameter", run_id=run, key="lr", value="2") == INVALID
    params = [{"key": "depth", "value": "3"}, {"key": "lr", "value": "2"}]
    assert mlflow.fail("runs/log-batch", run_id=run, params=params) == INVALID
    mlflow.call("runs/set-tag", run_id=run, key="stage", value="one")
    mlflow.call("runs/set-tag", run_id=run, key="stage", value="two")
    data = mlflow.get("runs/get", run_id=run)["run"]["data"]
    assert data["params"] == [{"key": "lr", "value": "1"}]
    assert {"key": "stage", "value": "two"} in data["tags"]
    mlflow.call("runs/delete-tag", run_id=run, key="stage")
    assert mlflow.fail("runs/delete-tag", run_id=run, key="stage") == INVALID


def test_a_deleted_run_takes_nothing_until_it_is_restored(mlflow: Mlflow, experiment: str, run: str) -> None:
    mlflow.call("runs/delete", run_id=run)
    assert mlflow.get("runs/get", run_id=run)["run"]["info"]["lifecycle_stage"] == "deleted"
    assert mlflow.fail("runs/log-metric", run_id=run, **point("m", 1.0)) == INVALID
    assert mlflow.fail("runs/set-tag", run_id=run, key="a", value="b") == INVALID
    shown = {view: runs_of(mlflow, experiment, run_view_type=view) for view in ("ACTIVE_ONLY", "DELETED_ONLY", "ALL")}
    assert shown == {"ACTIVE_ONLY": [], "DELETED_ONLY": [run], "ALL": [run]}
    mlflow.call("runs/restore", run_id=run)
    mlflow.call("runs/log-metric", run_id=run, **point("m", 1.0))


def runs_of(mlflow: Mlflow, experiment: str, **fields: Any) -> list[str]:
    found = mlflow.call("runs/search", experiment_ids=[experiment], **fields)["runs"]
    return [one["info"]["run_id"] for one in found]


def test_runs_are_searched_and_sorted(mlflow: Mlflow, experiment: str) -> None:
    runs = [mlflow.run(f"run {place}", experiment_id=experiment, start_time=1000 + place) for place in range(4)]
    for place, one in enumerate(runs):
        batch: dict[str, Any] = {"metrics": [point("acc", place / 4)], "params": [{"key": "n", "value": str(place)}]}
        mlflow.call("runs/log-batch", run_id=one, **batch)
    assert runs_of(mlflow, experiment) == runs[::-1]
    assert runs_of(mlflow, experiment, filter="metrics.acc >= 0.5 AND params.n != '3'") == [runs[2]]
    assert runs_of(mlflow, experiment, filter="attributes.run_name IN ('run 1', 'run 3')") == [runs[3], runs[1]]
    assert runs_of(mlflow, experiment, order_by=["metrics.acc ASC"]) == runs
    asked: dict[str, Any] = {"max_results": 2, "order_by": ["params.n DESC"]}
    first = mlflow.call("runs/search", experiment_ids=[experiment], **asked)
    assert [one["info"]["run_id"] for one in first["runs"]] == [runs[3], runs[2]]
    assert runs_of(mlflow, experiment, **asked, page_token=first["next_page_token"]) == [runs[1], runs[0]]
    plain = mlflow.call("runs/search", experiment_ids=[experiment], max_results=3)
    assert runs_of(mlflow, experiment, max_results=3, page_token=plain["next_page_token"]) == [runs[0]]
    assert mlflow.fail("runs/search", experiment_ids=[experiment], filter="metrics.acc > 'x' OR 1") == INVALID


# --- metrics ----------------------------------------------------------------------------------------------------------


def test_metrics_are_read_back_exactly_as_soon_as_they_are_logged(mlflow: Mlflow, run: str) -> None:
    for step in range(5):
        mlflow.call("runs/log-metric", run_id=run, **point("train/loss", 0.1 + step, step, 1000 + step))
        assert mlflow.metrics(run) == {"train/loss": 0.1 + step}
    assert mlflow.history(run, "train/loss") == [(step, 0.1 + step, 1000 + step) for step in range(5)]


def test_metrics_are_scalars(mlflow: Mlflow, api: Api, run: str) -> None:
    keys = ("train/loss/total", "acc", "system/gpu_0_utilization_percentage", "system/cpu_utilization_percentage")
    mlflow.call("runs/log-batch", run_id=run, metrics=[point(key, 1.5, 7) for key in keys])
    events = api.events(run)
    assert {(event["metric"], event["variant"]) for event in events} == {
        ("train", "loss/total"),
        ("acc", "acc"),
        (":monitor:gpu", "gpu_0_utilization_percentage"),
        (":monitor:machine", "cpu_utilization_percentage"),
    }
    assert {(event["iter"], event["timestamp"], event["value"]) for event in events} == {(7, 1000, 1.5)}
    assert mlflow.metrics(run) == dict.fromkeys(keys, 1.5)


def test_of_one_step_the_latest_timestamp_counts(mlflow: Mlflow, run: str) -> None:
    mlflow.call("runs/log-batch", run_id=run, metrics=[point("m", 2.0, 5, 2000), point("m", 1.0, 5, 1000)])
    assert mlflow.history(run, "m") == [(5, 2.0, 2000)]
    mlflow.call("runs/log-metric", run_id=run, **point("m", 3.0, 5, 3000))
    assert (mlflow.history(run, "m"), mlflow.metrics(run)) == ([(5, 3.0, 3000)], {"m": 3.0})


def test_the_latest_value_is_that_of_the_greatest_step(mlflow: Mlflow, run: str) -> None:
    for step in (9, 3):
        mlflow.call("runs/log-metric", run_id=run, **point("m", float(step), step))
    assert mlflow.metrics(run) == {"m": 9.0}


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", 1e300, 5e-324, -1.7976931348623157e308])
def test_every_double_comes_back(mlflow: Mlflow, api: Api, run: str, value: float | str) -> None:
    """Where no 32-bit float holds a value, curves have a gap."""
    mlflow.call("runs/log-batch", run_id=run, metrics=[point("m", 1.0, 1), point("m", value, 2), point("m", 3.0, 3)])
    assert [found for _, found, _ in mlflow.history(run, "m")] == [1.0, value, 3.0]
    mlflow.call("runs/log-metric", run_id=run, **point("m", value, 4))
    assert mlflow.metrics(run) == {"m": value}
    curve = api.call("events.scalar_metrics_iter_histogram", task=run)["m"]["m"]
    assert (curve["x"], curve["y"][::2]) == ([1, 2, 3, 4], [1.0, 3.0])
    assert curve["y"][1::2] == ([0.0, 0.0] if value == 5e-324 else [None, None])


def test_a_history_comes_in_pages_and_in_samples(mlflow: Mlflow, run: str) -> None:
    mlflow.call("runs/log-batch", run_id=run, metrics=[point("m", float(step), step) for step in range(1000)])
    found: list[int] = []
    token = ""
    while len(found) < 1000:
        page = mlflow.get("metrics/get-history", run_id=run, metric_key="m", max_results=300, page_token=token)
        found += [metric["step"] for metric in page["metrics"]]
        token = page.get("next_page_token", "")
        assert bool(token) == (len(page["metrics"]) == 300)
    assert found == list(range(1000))
    asked: dict[str, Any] = {"run_ids": [run], "metric_key": "m", "start_step": 100, "end_step": 499, "max_results": 40}
    steps = [metric["step"] for metric in mlflow.get("metrics/get-history-bulk-interval", **asked)["metrics"]]
    assert steps == [*range(100, 500, 10), 499]


def test_a_refused_metric_is_told(mlflow: Mlflow, run: str) -> None:
    assert mlflow.fail("runs/log-metric", run_id=run, **point("m", "many")) == INVALID
    assert mlflow.fail("runs/log-metric", run_id=run, **point("m", 1.0, timestamp=2**70)) == INVALID
    both = [point("good", 1.0), point("x" * 40_000, 1.0)]
    assert mlflow.fail("runs/log-batch", run_id=run, metrics=both) == INVALID
    assert mlflow.fail("runs/log-batch", run_id=run, metrics=[{"key": "m"}]) == INVALID


def test_a_metric_keeps_what_it_was_measured_on(mlflow: Mlflow, run: str) -> None:
    source = {"model_id": "m-1", "dataset_name": "validation", "dataset_digest": "abc"}
    mlflow.call("runs/log-batch", run_id=run, metrics=[point("m", 0.5) | source])
    (found,) = mlflow.get("runs/get", run_id=run)["run"]["data"]["metrics"]
    assert found == point("m", 0.5) | source


# --- logged models and inputs -----------------------------------------------------------------------------------------


def test_a_logged_model_is_a_model(mlflow: Mlflow, api: Api, experiment: str, run: str) -> None:
    asked = {"experiment_id": experiment, "name": "classifier", "source_run_id": run, "model_type": "agent"}
    model = mlflow.call("logged-models", **asked, params=[{"key": "depth", "value": "3"}])["model"]["info"]
    assert (model["status"], model["source_run_id"]) == ("LOGGED_MODEL_PENDING", run)
    path = f"logged-models/{model['model_id']}"
    mlflow.call(path, "PATCH", model_id=model["model_id"], status="LOGGED_MODEL_READY")
    mlflow.call(f"{path}/tags", "PATCH", tags=[{"key": "best", "value": "yes"}])
    mlflow.call(f"{path}/params", params=[{"key": "width", "value": "9"}])
    found = mlflow.get(path)["model"]
    assert found["data"]["params"] == [{"key": "depth", "value": "3"}, {"key": "width", "value": "9"}]
    assert (found["info"]["status"], found["info"]["tags"]) == ("LOGGED_MODEL_READY", [{"key": "best", "value": "yes"}])
    searched = mlflow.call("logged-models/search", experiment_ids=[experiment], filter="name = 'classifier'")["models"]
    assert searched == [found]
    stored = api.model(model["model_id"])
    assert (stored["task"], stored["project"], stored["name"]) == (run, experiment, "classifier")
    assert mlflow.fail(path, "DELETE") == NOT_SUPPORTED


def test_inputs_and_outputs_of_a_run(mlflow: Mlflow, run: str) -> None:
    datasets = [{"dataset": {"name": "iris", "digest": "d"}, "tags": []}]
    for _ in range(2):
        mlflow.call("runs/log-inputs", run_id=run, datasets=datasets)
    mlflow.call("runs/outputs", run_id=run, models=[{"model_id": "m", "step": 1}])
    mlflow.call("runs/log-model", run_id=run, model_json='{"artifact_path": "model"}')
    found = mlflow.get("runs/get", run_id=run)["run"]
    assert found["inputs"]["dataset_inputs"] == datasets
    assert found["outputs"]["model_outputs"] == [{"model_id": "m", "step": 1}]
    assert {"key": "mlflow.log-model.history", "value": '[{"artifact_path": "model"}]'} in found["data"]["tags"]


# --- artifacts --------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(mlflow: Mlflow, run: str) -> str:
    """The path of a run's artifacts."""
    uri = str(mlflow.get("runs/get", run_id=run)["run"]["info"]["artifact_uri"])
    assert uri.startswith("mlflow-artifacts:/")
    return uri.removeprefix("mlflow-artifacts:")


def test_artifacts_are_stored_listed_and_fetched(mlflow: Mlflow, folder: str) -> None:
    for name in ("a.txt", "plots/b c%23.txt", "file/d"):
        assert mlflow.artifact("PUT", f"{folder}/{name}", content=name.encode()).status_code == 200
    listed = mlflow.artifact("GET", "", params={"path": folder}).json()["files"]
    assert listed == [
        {"path": "file", "is_dir": True},
        {"path": "plots", "is_dir": True},
        {"path": "a.txt", "is_dir": False, "file_size": 5},
    ]
    inside = mlflow.artifact("GET", "", params={"path": f"{folder}/plots"}).json()["files"]
    assert [file["path"] for file in inside] == ["b c#.txt"]
    for nothing in (f"{folder}/a.txt", f"{folder}/nothing"):
        assert mlflow.artifact("GET", "", params={"path": nothing}).json() == {"files": []}
    assert mlflow.artifact("GET", f"{folder}/plots/b c%23.txt").content == b"plots/b c%23.txt"
    assert mlflow.artifact("DELETE", f"{folder}/a.txt").status_code == 200
    assert failure_of(mlflow.artifact("GET", f"{folder}/a.txt")) == MISSING


def test_odd_paths_and_uploads_in_parts_are_refused(mlflow: Mlflow, folder: str) -> None:
    for path in ("/%2e%2e/x", f"{folder}/%2e%2e/%2e%2e/x", f"{folder}/%ff"):
        assert failure_of(mlflow.artifact("PUT", path, content=b"x")) == INVALID
    parts = mlflow.artifact("POST", f"/../mpu/create{folder}/x", json={})
    assert failure_of(parts) == NOT_SUPPORTED
    assert parts.json()["message"].startswith("Multipart upload is not supported")


# --- who may ----------------------------------------------------------------------------------------------------------


def test_another_companys_runs_do_not_exist(mlflow: Mlflow, other: Mlflow, run: str, folder: str) -> None:
    experiment = mlflow.get("runs/get", run_id=run)["run"]["info"]["experiment_id"]
    mlflow.call("runs/log-batch", run_id=run, metrics=[point("m", 1.0)])
    mlflow.artifact("PUT", f"{folder}/a.txt", content=b"secret")
    of_run = {"run_id": run}
    assert other.fail("runs/get", "GET", **of_run) == MISSING
    assert other.fail("metrics/get-history", "GET", **of_run, metric_key="m") == MISSING
    assert other.fail("metrics/get-history-bulk-interval", "GET", run_ids=[run], metric_key="m") == MISSING
    assert other.fail("experiments/get", "GET", experiment_id=experiment) == MISSING
    assert runs_of(other, experiment) == []
    assert other.call("logged-models/search", experiment_ids=[experiment])["models"] == []
    for call, fields in CHANGES.items():
        assert other.fail(f"runs/{call}", **of_run, **fields) == MISSING, call
    assert other.fail("runs/create", experiment_id=experiment) == MISSING
    assert other.fail("experiments/delete", experiment_id=experiment) == MISSING
    assert other.fail("logged-models", experiment_id=experiment, source_run_id=run) == MISSING
    assert failure_of(other.artifact("GET", f"{folder}/a.txt")) == MISSING
    assert other.artifact("GET", "", params={"path": folder}).json()["files"] == []
    assert mlflow.metrics(run) == {"m": 1.0}


CHANGES: dict[str, dict[str, Any]] = {
    "log-metric": point("m", 2.0),
    "log-batch": {"metrics": [point("m", 2.0)]},
    "log-parameter": {"key": "a", "value": "b"},
    "set-tag": {"key": "a", "value": "b"},
    "delete-tag": {"key": "a"},
    "update": {"status": "FAILED"},
    "delete": {},
    "restore": {},
    "log-inputs": {"models": [{"model_id": "x"}]},
    "outputs": {"models": [{"model_id": "x"}]},
    "log-model": {"model_json": "{}"},
}


@pytest.fixture(scope="module")
def reporter(eventide: Deployment, api: Api) -> Mlflow:
    """A key of scope ``write``."""
    made = api.call("auth.create_credentials", scope="write")["credentials"]
    key = Credentials(made["access_key"], made["secret_key"])
    return Mlflow(Api(eventide.origins, key), eventide.files)


def test_a_key_that_reports_logs_and_does_not_search(reporter: Mlflow, experiment: str) -> None:
    run = reporter.run(experiment_id=experiment)
    reporter.call("runs/log-batch", run_id=run, metrics=[point("m", 1.0)], tags=[{"key": "a", "value": "b"}])
    reporter.call("runs/update", run_id=run, status="FINISHED")
    assert reporter.metrics(run) == {"m": 1.0}
    assert reporter.fail("runs/search", experiment_ids=[experiment]) == (403, "PERMISSION_DENIED")
    assert reporter.fail("runs/delete", run_id=run) == (403, "PERMISSION_DENIED")


def test_credentials_come_as_basic_or_as_a_token(eventide: Deployment, api: Api) -> None:
    url = f"{api.origins.query}/api/2.0/mlflow/experiments/get?experiment_id=0"
    assert httpx.get(url, headers={"Authorization": f"Bearer {api.token}"}).status_code == 200
    wrong = base64.b64encode(f"nobody-{secrets.token_hex(4)}:wrong".encode()).decode()
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": f"Basic {wrong}"}):
        assert failure_of(httpx.get(url, headers=headers)) == (401, "UNAUTHENTICATED")


# --- what there is not ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("GET", "registered-models/search"),
        ("POST", "traces"),
        ("POST", "runs/log-batch/more"),
        ("GET", ""),
        ("PUT", "logged-models/x"),
        ("GET", "runs/a%20b"),  # nginx itself refuses %00
    ],
)
def test_what_is_lacking_is_told_in_mlflows_own_words(mlflow: Mlflow, method: str, call: str) -> None:
    assert failure_of(mlflow.raw(call, method)) == NOT_SUPPORTED


def test_bodies_that_are_none(mlflow: Mlflow) -> None:
    for content in (b"[1]", b"{", b"\xff", b"[" * 5000):
        answer = mlflow.raw("runs/create", content=content, headers={"Content-Type": "application/json"})
        assert failure_of(answer) == INVALID
    for content in (b"[1]", b"{", b"\xff", b'{"metrics": ' + b"[" * 5000, b'{"run_id": "\\ud800"}', b'{"run_id": 1}'):
        answer = mlflow.raw("runs/log-batch", content=content, headers={"Content-Type": "application/json"})
        assert failure_of(answer) == INVALID, content[:20]
    packed = mlflow.raw("runs/create", content=b"{}", headers={"Content-Encoding": "gzip"})
    assert failure_of(packed) == (415, "INVALID_PARAMETER_VALUE")


def test_numbers_that_are_none_may_come_as_python_writes_them(mlflow: Mlflow, run: str) -> None:
    content = json.dumps({"run_uuid": run, "metrics": [point("m", math.nan, 1), point("n", "0.5", 2)]}).encode()
    answer = mlflow.raw("runs/log-batch", content=content, headers={"Content-Type": "application/json"})
    assert answer_of(answer) == {}
    assert mlflow.metrics(run) == {"m": "NaN", "n": 0.5}


def test_texts_of_a_query_string_stay_texts(mlflow: Mlflow, run: str) -> None:
    mlflow.call("runs/log-batch", run_id=run, metrics=[point("1.50", 1.0), point("true", 2.0)])
    assert mlflow.history(run, "1.50") == [(0, 1.0, 1000)]
    assert mlflow.history(run, "true") == [(0, 2.0, 1000)]


@pytest.fixture
def limited(eventide: Deployment, api: Api) -> Iterator[Api]:
    """A user of a company that may store 10 events a second."""
    with new_user(eventide) as user:
        company = user.call("users.get_current_user")["user"]["company"]["id"]
        quota = {"scope": "company", "id": company, "kind": "events_per_second"}
        api.call("quotas.set", **quota, limit=10)
        yield user
        api.call("quotas.unset", **quota)


def test_a_quota_is_told_as_a_limit(limited: Api) -> None:
    mlflow = Mlflow(limited)
    run = mlflow.run()
    metrics = [point("m", float(step), step) for step in range(2000)]

    def is_refused() -> bool:
        answer = mlflow.raw("runs/log-batch", json={"run_id": run, "metrics": metrics})
        return answer.status_code == 429 and failure_of(answer) == (429, "REQUEST_LIMIT_EXCEEDED")

    assert until(is_refused, 20)
