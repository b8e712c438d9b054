"""``eventide export``, then ``eventide import`` into another Eventide: each event is the same, to the last bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import eventide_client
from deploy.importing.api import Target
from tests.e2e.test_export import export
from tests.e2e.test_import import import_into
from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment, embedded
from tests.harness.events import ABSENT, SINGLE_VALUE, image, log, plot, scalar, vector

PROJECT = "there and back"
OF_THE_SERVER = ("@timestamp", "task", "url")


def told(events: list[Data]) -> list[str]:
    """Events without what a server gives them."""
    return sorted(
        json.dumps({name: event[name] for name in sorted(event) if name not in OF_THE_SERVER}) for event in events
    )


@pytest.fixture(scope="module")
def source(eventide: Deployment, api: Api, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """The ids of two tasks that have events of all kinds."""
    keys: dict[str, Any] = vars(eventide.credentials)
    connection = {"api": eventide.origins.gateway, "spool": tmp_path_factory.mktemp("spool"), "monitors": False, **keys}
    with eventide_client.start(PROJECT, "logged", {"lr": 0.1}, tags=["kept"], **connection) as run:
        for step in range(300):
            run.log({"loss/train": 1 / (step + 1), "loss/test": 0.1, "accuracy": step * 1e-300}, step)
        run.log({"loss/train": float("nan")})
        run.log_image("pictures/ü", b"\x89PNG\r\n\x1a\n" + bytes(range(256)), 3)
        run.log_text("done")
    (project,) = api.call("projects.get_all", name=f"^{PROJECT}$")["projects"]
    task = api.create_task("of all kinds", project=project["id"], comment="a comment")
    worker = {"worker": "of its own"}
    api.add(
        scalar(task, 1, 0.1 + 0.2, own={"field": [1, None, "ü"]}),
        scalar(task, ABSENT, 2**-149, "n", **worker),
        scalar(task, None, 5.0, "n"),
        scalar(task, 1, 5.0, "n", key="k", timestamp=None),
        scalar(task, SINGLE_VALUE, 3e38, "Summary", "best", timestamp=9.75),
        scalar(task, 3, ABSENT, "n", **worker),
        vector(task, 1, (1, 2.5, 10**30), **worker),
        plot(task, 1, '{"data": [ "ü" ],  "layout": {}}', skip_validation=True),
        plot(task, ABSENT, "no JSON"),
        *(log(task, f"line {number}\nü", timestamp=7 + number // 500, level="debug") for number in range(1200)),
        image(task, 5, "https://example.com/elsewhere.png"),
    )
    return run.id, task


@pytest.mark.parametrize("file_format", ["parquet", "csv"])
def test_there_and_back(
    eventide: Deployment, api: Api, source: tuple[str, str], tmp_path: Path, file_format: str
) -> None:
    exported = export(eventide, tmp_path / "out", "--project", PROJECT, "--format", file_format)
    (tmp_path / "up").mkdir()
    with embedded(tmp_path / "up") as other, Api(other.origins, other.credentials) as there:
        keys = other.credentials
        target = Target(other.origins.gateway, other.files, keys.access_key, keys.secret_key, other.files)
        report = check_twice(target, tmp_path / "out")
        assert report["points"] == exported["points"] + exported["vectors"]
        tasks = {task["name"]: task for task in there.call("tasks.get_all")["tasks"]}
        for original in map(api.task, source):
            found = there.task(tasks[original["name"]]["id"])
            for field in ("hyperparams", "tags"):
                assert found.get(field) == original.get(field)
            assert found["status"] == {"created": "in_progress"}.get(original["status"], original["status"])
            assert told(there.events(found["id"])) == told(api.events(original["id"]))
            assert lines_of(there, found) == lines_of(api, original)
        (picture,) = there.events(tasks["logged"]["id"], "training_debug_image")
        assert there.ask(picture["url"], method="GET").content.endswith(bytes(range(256)))


def lines_of(api: Api, task: Data) -> list[str]:
    """The console of a task, in its order."""
    return [line["msg"] for line in api.logs(task["id"])]


def check_twice(target: Target, path: Path) -> Data:
    """Import twice: the second time nothing is new. Returns the counts."""
    first, second = (import_into(target, path, PROJECT) for _ in range(2))
    assert first.added == first.points + first.logs + first.images + first.plots
    assert second.added == 0
    assert (first.verified, first.differences) == (900, 0)  # scalars that say no more than most
    assert first.skipped == {}
    return first.document(is_verified=True)
