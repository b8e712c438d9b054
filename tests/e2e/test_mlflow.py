"""MLflow's own SDK, the newest release, unmodified: what it logs is counted and compared, here and by ClearML's API."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.environments import python_with, run_script
from tests.harness.api import Api
from tests.harness.deployment import Deployment

SCRIPTS = Path(__file__).parent / "sdk_scripts"
PACKAGES = ("mlflow-skinny", "scikit-learn", "pandas")
EPOCHS = 20


def result_of(script: str, deployment: Deployment, cache: pytest.Cache, directory: Path) -> Any:
    """What a script prints, against a deployment with one address."""
    python = python_with(cache, "mlflow", *PACKAGES)
    told = {
        "MLFLOW_TRACKING_URI": deployment.origins.query,
        "MLFLOW_TRACKING_USERNAME": deployment.credentials.access_key,
        "MLFLOW_TRACKING_PASSWORD": deployment.credentials.secret_key,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_REQUIREMENTS_INFERENCE_TIMEOUT": "1",  # of what a model needs: half of the time of autologging
    }
    output = run_script(SCRIPTS / f"{script}.py", python, directory, told)
    (result,) = (line.removeprefix("RESULT ") for line in output.splitlines() if line.startswith("RESULT "))
    return json.loads(result)


def check(found: Any) -> None:
    """Compare what the quick start read back with what it logged."""
    assert found["status"] == "FINISHED"
    assert found["parameters"] == {"lr": "0.01", "epochs": str(EPOCHS)}
    assert found["loss"] == [1 / (epoch + 1) for epoch in range(EPOCHS)]
    assert found["batch"] == [step / 8 for step in range(1000)]
    assert found["twice"] == [2.0]
    assert found["metrics"] == {
        "train/loss": "0.05",
        "accuracy": "0.875",
        "undefined": "nan",
        "batch": "124.875",
        "twice": "2.0",
    }
    assert found["tags"] == {"team": "vision", "stage": "done"}
    assert (found["artifacts"], found["text"]) == (["notes"], "hello")
    assert (found["found"], found["children"]) == ([found["runs"][0]], [found["runs"][1]])
    assert found["refused"] == "ENDPOINT_NOT_FOUND"


@pytest.fixture(scope="module")
def cache(eventide: Deployment, pytestconfig: pytest.Config) -> pytest.Cache:
    """Where the SDK's environment is kept."""
    if eventide.origins.gateway != eventide.origins.query:
        pytest.skip("the SDK knows one address only")
    assert pytestconfig.cache
    return pytestconfig.cache


@pytest.fixture(scope="module")
def found(eventide: Deployment, cache: pytest.Cache, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """What the quick start read back."""
    return result_of("mlflow_quick_start", eventide, cache, tmp_path_factory.mktemp("mlflow"))


def test_the_sdk_reads_back_what_it_logged(found: Any) -> None:
    check(found)


def test_clearmls_api_has_the_same_events(found: Any, api: Api) -> None:
    by_hand, nested = found["runs"]
    counts = Counter((event["metric"], event["variant"]) for event in api.events(by_hand))
    assert counts == {
        ("train", "loss"): EPOCHS,
        ("accuracy", "accuracy"): 1,
        ("undefined", "undefined"): 1,
        ("batch", "batch"): 1000,
        ("twice", "twice"): 1,
    }
    task = api.task(by_hand)
    assert (task["name"], task["status"], task["tags"]) == ("by hand", "completed", ["stage=done", "team=vision"])
    assert api.task(nested)["parent"] == by_hand
    project = api.call("projects.get_by_id", project=task["project"])["project"]
    assert (project["id"], project["name"]) == (found["experiment"], "MLflow Quickstart")


def test_scikit_learn_logs_by_itself(eventide: Deployment, cache: pytest.Cache, tmp_path: Path) -> None:
    logged = result_of("mlflow_autolog", eventide, cache, tmp_path)
    assert logged["status"] == "FINISHED"
    assert {"training_accuracy_score", "training_f1_score", "training_log_loss"} <= set(logged["metrics"])
    assert logged["scores"][0] == logged["scores"][1] > 0.9
    assert logged["parameters"] > 10
    assert logged["predictions"] == logged["expected"]
    assert len(logged["datasets"]) == 1
