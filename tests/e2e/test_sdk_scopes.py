"""An unmodified ClearML SDK runs whole experiments with a key that only reports."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.sdk import Sdk
from tests.harness.api import Api
from tests.harness.deployment import Deployment


@pytest.fixture(scope="module")
def sdk(eventide: Deployment, api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sdk]:
    """Both experiments run beside each other."""
    if eventide.origins.gateway != eventide.origins.query:
        pytest.skip("the SDK knows one address only")
    runner = Sdk(eventide, tmp_path_factory.mktemp("sdk"))
    made = api.call("auth.create_credentials", scope="write")["credentials"]
    key = {"CLEARML_API_ACCESS_KEY": made["access_key"], "CLEARML_API_SECRET_KEY": made["secret_key"]}
    steps = ("start", "reuse", "continue")
    runner.start("train", lambda: runner.run("train", "report", environment=key))
    runner.start("again", lambda: [runner.run("again", step, home="scoped", environment=key) for step in steps])
    yield runner
    runner.close()


def test_a_key_that_reports_is_enough_for_a_whole_experiment(sdk: Sdk, api: Api) -> None:
    ran = sdk.wait("train")
    task, model = api.task(ran["task"]), api.model(ran["model"])
    assert (task["status"], task["last_iteration"]) == ("completed", 49)
    assert sorted(artifact["key"] for artifact in task["execution"]["artifacts"]) == ["a file #1", "array", "object"]
    assert (model["name"], model["uri"].endswith("weights.bin")) == ("the model", True)
    assert "schedule" in task["configuration"]
    curves = api.call("events.scalar_metrics_iter_histogram", task=ran["task"])
    assert len(curves["loss"]["train"]["y"]) == 50
    assert api.call("events.get_task_plots", task=ran["task"])["total"] > 7
    assert len(api.logs(ran["task"])) > 3


def test_it_resets_and_continues_its_own_task(sdk: Sdk, api: Api) -> None:
    started, reused, continued = (step["task"] for step in sdk.wait("again"))
    assert started == reused == continued
    curves = api.call("events.scalar_metrics_iter_histogram", task=started)["curve"]
    assert set(curves) == {"reuse", "continue"}
