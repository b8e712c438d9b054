"""W&B's own SDK, unmodified: what it logs is counted and compared by ClearML's API."""

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
from tests.harness.api import Api, until
from tests.harness.deployment import Deployment

SCRIPT = Path(__file__).parent / "sdk_scripts" / "wandb_quick_start.py"


def quick_start(api: Api, cache: pytest.Cache, directory: Path) -> Any:
    """The task of the run that the script makes, against a deployment with one address."""
    key = api.call("auth.create_credentials", scope="write")["credentials"]
    told = {
        "WANDB_BASE_URL": api.origins.query,
        "WANDB_API_KEY": f"{key['access_key']}-{key['secret_key']}",
        "WANDB_DIR": str(directory),
        "WANDB_ERROR_REPORTING": "false",
    }
    output = run_script(SCRIPT, python_with(cache, "wandb", "wandb", "numpy", "pillow"), directory, told)
    (result,) = (json.loads(line[7:]) for line in output.splitlines() if line.startswith("RESULT "))
    assert (result["run"], result["step"], result["lr"]) == (result["again"], 105, 0.01), output
    project = api.call("projects.get_all", name="^wandb quick start$")["projects"][0]["id"]
    tasks = api.call("tasks.get_all", project=[project], order_by=["-created"])["tasks"]
    task = next(task for task in tasks if task["wandb"]["run"] == result["run"])
    until(lambda: any(event["iter"] == 104 for event in api.events(task["id"]) if event["type"] != "log"))
    return task


def check(api: Api, task: Any) -> None:
    """Compare what is stored with what the script logged."""
    events = [event for event in api.events(task["id"]) if event["type"] != "log"]
    counts = Counter((e["type"], e["metric"], e["variant"]) for e in events if not e["metric"].startswith(":monitor"))
    assert counts == COUNTS | {
        ("training_stats_scalar", "best", "best"): 1,
        ("training_debug_image", "table", "table"): 1,
    }
    curves = curves_of(events)
    check_curves(curves)
    assert curves["best", -(2**31)] == 0.5
    lines = Counter((line["level"], line["msg"]) for line in api.logs(task["id"]))
    expected = [("info", "to the console"), ("error", "to the other"), ("warning", "ALERT Loss is high: 0.9")]
    assert [lines[line] for line in expected] == [1, 1, 1], lines
    document = api.task(task["id"])
    told = (document["name"], document["status"], document["comment"], document["tags"])
    assert told == ("first", "completed", "a note", ["a", "b"])
    parameters = {name: item["value"] for name, item in document["hyperparams"]["General"].items()}
    assert parameters == {"lr": "0.01", "model/depth": "3", "late": "7"}
    said = {name: item["value"] for name, item in document["hyperparams"]["wandb"].items()}
    assert (said["group"], said["job type"]) == ("some", "train")


def check_files(api: Api, task: Any) -> None:
    """Fetch the files that the script logged."""
    assert api.credentials
    urls = {event["metric"]: event["url"] for event in api.events(task["id"], "training_debug_image")}
    urls["notes"] = f"{api.origins.query}/files/wandb/{task['id']}/notes.txt"
    found = {name: httpx.get(url, headers=basic(api.credentials)).content for name, url in urls.items()}
    assert found["picture"].startswith(b"\x89PNG")
    assert json.loads(found["table"])["data"] == [["a", 1], ["b", 2]]
    assert found["notes"] == b"kept"


@pytest.fixture(scope="module")
def task(api: Api, tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Any:
    """The run's task."""
    if api.origins.gateway != api.origins.query:
        pytest.skip("the SDK knows one address only")
    assert pytestconfig.cache
    return quick_start(api, pytestconfig.cache, tmp_path_factory.mktemp("wandb"))


def test_what_the_sdk_logged_is_stored(api: Api, task: Any) -> None:
    check(api, task)


def test_its_files_are_where_the_events_say(api: Api, eventide: Deployment, task: Any) -> None:
    check_files(api, task)
