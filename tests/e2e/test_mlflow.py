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

SCRIPT = Path(__file__).parent / "sdk_scripts" / "mlflow_quick_start.py"
PACKAGES = ("mlflow-skinny", "scikit-learn", "pandas")


def quick_start(deployment: Deployment, cache: pytest.Cache, directory: Path) -> Any:
    """What the script prints, against a deployment with one address."""
    python = python_with(cache, "mlflow", *PACKAGES)
    told = {
        "MLFLOW_TRACKING_URI": deployment.origins.query,
        "MLFLOW_TRACKING_USERNAME": deployment.credentials.access_key,
        "MLFLOW_TRACKING_PASSWORD": deployment.credentials.secret_key,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    output = run_script(SCRIPT, python, directory, told)
    (result,) = (line.removeprefix("RESULT ") for line in output.splitlines() if line.startswith("RESULT "))
    return json.loads(result)


def check(found: Any) -> None:
    """Compare what the SDK read back with what the script logged."""
    assert found["status"] == ["FINISHED", "FINISHED"]
    assert {"training_accuracy_score", "training_f1_score", "training_log_loss"} <= set(found["autologged"])
    assert found["score"][0] == found["score"][1] > 0.9
    assert found["parameters"][0] > 10
    assert found["parameters"][1] == {"lr": "0.01", "epochs": "100"}
    assert found["predictions"] == found["expected"]
    assert len(found["datasets"]) == 1
    assert found["loss"] == [1 / (epoch + 1) for epoch in range(100)]
    assert found["batch"] == [step / 8 for step in range(1000)]
    assert found["twice"] == [2.0]
    assert found["metrics"] == {
        "train/loss": "0.01",
        "accuracy": "0.875",
        "undefined": "nan",
        "batch": "124.875",
        "twice": "2.0",
    }
    assert found["tags"] == {"team": "vision", "stage": "done"}
    assert (found["artifacts"], found["text"]) == (["notes"], "hello")
    assert (found["found"], found["children"]) == ([found["runs"][1]], [found["runs"][2]])
    assert found["refused"] == "ENDPOINT_NOT_FOUND"


@pytest.fixture(scope="module")
def found(eventide: Deployment, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Any:
    """What the script read back."""
    if eventide.origins.gateway != eventide.origins.query:
        pytest.skip("the SDK knows one address only")
    cache = pytestconfig.cache
    assert cache
    return quick_start(eventide, cache, tmp_path_factory.mktemp("mlflow"))


def test_the_sdk_reads_back_what_it_logged(found: Any) -> None:
    check(found)


def test_clearmls_api_has_the_same_events(found: Any, api: Api) -> None:
    _, by_hand, nested = found["runs"]
    counts = Counter((event["metric"], event["variant"]) for event in api.events(by_hand))
    assert counts == {
        ("train", "loss"): 100,
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
