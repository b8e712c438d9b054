"""trackio's own SDK, unmodified: what it logs is counted and compared by ClearML's API."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.environments import python_with, run_script
from tests.e2e.quick_start import COUNTS, check_curves, curves_of
from tests.harness.access import basic
from tests.harness.api import Api
from tests.harness.deployment import Deployment

SCRIPT = Path(__file__).parent / "sdk_scripts" / "trackio_quick_start.py"


def quick_start(deployment: Deployment, cache: pytest.Cache, directory: Path) -> str:
    """The id of the run that the script makes, against a deployment with one address."""
    key = deployment.credentials
    told = {
        "TRACKIO_SERVER_URL": deployment.origins.query,
        "TRACKIO_WRITE_TOKEN": f"{key.access_key}:{key.secret_key}",
        "TRACKIO_DIR": str(directory / "trackio"),
        "HF_HUB_OFFLINE": "1",
    }
    output = run_script(SCRIPT, python_with(cache, "trackio", "trackio"), directory, told)
    (result,) = (json.loads(line[7:]) for line in output.splitlines() if line.startswith("RESULT "))
    assert result["run"] == result["again"], output
    return str(result["run"])


def check(api: Api, task: str) -> None:
    """Compare what is stored with what the script logged."""
    events = api.events(task)
    counts = Counter((event["type"], event["metric"], event["variant"]) for event in events if event["type"] != "log")
    assert counts == COUNTS | {
        ("training_stats_scalar", ":monitor:gpu", "gpu/0/utilization"): 1,
        ("training_stats_scalar", ":monitor:machine", "cpu/utilization"): 1,
        ("plot", "table", "table"): 1,
    }
    check_curves(curves_of(events))
    assert [line["msg"] for line in api.logs(task)] == ["ALERT Loss is high: 0.9"]
    document = api.task(task)
    assert (document["name"], document["status"]) == ("first", "in_progress")
    parameters = {name: item["value"] for name, item in document["hyperparams"]["General"].items()}
    assert parameters == {"lr": "0.01", "model/depth": "3"}
    project = api.call("projects.get_by_id", project=document["project"])["project"]
    assert project["name"] == "trackio quick start"


def image_of(api: Api, task: str) -> Any:
    """The response to a request for the image that the script logged."""
    (url,) = (event["url"] for event in api.events(task, "training_debug_image"))
    assert api.credentials
    return httpx.get(url, headers=basic(api.credentials))


@pytest.fixture(scope="module")
def task(eventide: Deployment, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> str:
    """The run's task."""
    if eventide.origins.gateway != eventide.origins.query:
        pytest.skip("the SDK knows one address only")
    assert pytestconfig.cache
    return quick_start(eventide, pytestconfig.cache, tmp_path_factory.mktemp("trackio"))


def test_what_the_sdk_logged_is_stored(api: Api, task: str) -> None:
    check(api, task)


def test_its_image_is_where_the_event_says(api: Api, task: str) -> None:
    answer = image_of(api, task)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "image/png")
    assert answer.content.startswith(b"\x89PNG")
