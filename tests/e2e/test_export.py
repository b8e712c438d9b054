"""``eventide export`` of a running Eventide: all of a project is in the folder, and again only what changed."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

import eventide_client
from deploy.exporting.entity_export import TABLES
from ingest.importers.formats import source_of
from ingest.importers.records import Points, Run
from tests.harness.api import Api, Data
from tests.harness.deployment import Deployment, attempt_eventide
from tests.harness.events import PLOT, SCALAR, SINGLE_VALUE, image, log, plot, scalar, vector
from tests.servers.process import free_port

PROJECT = "exported (this)"
NOTHING = {"tasks": 0, "models": 0, "points": 0, "logs": 0, "images": 0, "plots": 0, "vectors": 0, "files": 0}


def environment(deployment: Deployment, **further: str) -> dict[str, str]:
    keys, origin = deployment.credentials, deployment.origins.gateway
    own = {"CLEARML_API_ACCESS_KEY": keys.access_key, "CLEARML_API_SECRET_KEY": keys.secret_key}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EVENTIDE", "CLEARML"))}
    return kept | own | {"CLEARML_API_HOST": origin, "EVENTIDE_LOG_LEVEL": "warning"} | further


def attempt(
    deployment: Deployment, out: Path, *arguments: str, settings: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    told = ["export", "--out", str(out), "--json", *arguments]
    return attempt_eventide(told, settings or environment(deployment))


def export(deployment: Deployment, out: Path, *arguments: str) -> Data:
    """What the command counted."""
    done = attempt(deployment, out, *(arguments or ("--project", PROJECT)))
    assert done.returncode == 0, done.stderr
    counted: Data = json.loads(done.stdout)
    return counted


@pytest.fixture(scope="module")
def tasks(eventide: Deployment, api: Api, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Tasks and a model by their names, in projects of which one is not meant."""
    project, other = (api.call("projects.create", name=name)["id"] for name in (PROJECT, f"{PROJECT}s"))
    keys: dict[str, Any] = vars(eventide.credentials)
    connection = {"api": eventide.origins.gateway, "spool": tmp_path_factory.mktemp("spool"), "monitors": False, **keys}
    with eventide_client.start(f"{PROJECT}/below", "logged", {"lr": 0.1}, **connection) as run:
        for step in range(100):
            run.log({"loss/train": 1 / (step + 1), "accuracy": 0.1}, step)
        run.log_image("pictures/a", np.zeros((2, 2), "uint8"), 3)
    task = api.create_task("of all kinds", project=project)
    elsewhere = ["https://example.com/a.png", f"{eventide.files}/../../escaped", f"{eventide.files}/not/there.png"]
    api.add(
        scalar(task, 1, 0.1 + 0.2, "m", "v", own={"field": [1, None]}),
        scalar(task, SINGLE_VALUE, 3e-39, "Summary", "best"),
        scalar(task, None, 5, "m", "of null"),
        vector(task, 1, (1, 2.5)),
        plot(task, 1, json.dumps({"data": ["ü"], "layout": {}})),
        log(task, "first\nsecond", timestamp=7),
        log(task, "third", timestamp=8),
        *(image(task, number, url) for number, url in enumerate(elsewhere)),
    )
    empty, foreign = api.create_task("without events", project=project), api.create_task("other", project=other)
    api.add(scalar(foreign, 1, 1.0))
    model = api.create_model("a model", project=project)
    api.add({**scalar(model, 2, 0.7), "model_event": True})
    return {"logged": run.id, "all": task, "empty": empty, "model": model, "other": foreign}


def test_all_of_a_project_is_there(eventide: Deployment, api: Api, tasks: dict[str, str], tmp_path: Path) -> None:
    counted = export(eventide, tmp_path)
    skipped = counted.pop("skipped")
    expected = {"tasks": 3, "models": 1, "points": 204, "logs": 2, "images": 4, "plots": 1, "vectors": 1, "files": 1}
    assert counted == expected | {"unchanged": 0}
    assert sum(skipped.values()) == 3
    assert {path.name for path in (tmp_path / "tasks").iterdir()} == {tasks["logged"], tasks["all"], tasks["empty"]}
    assert {path.name for path in (tmp_path / "tasks" / tasks["empty"]).iterdir()} == {"task.json"}
    names = {project["name"] for project in json.loads((tmp_path / "projects.json").read_text())}
    assert names == {PROJECT, f"{PROJECT}/below"}
    assert not (tmp_path.parent / "escaped").exists()

    scalars = pq.read_table(tmp_path / "tasks" / tasks["logged"] / "scalars.parquet").to_pylist()
    losses = [row["value"] for row in scalars if (row["metric"], row["variant"]) == ("loss", "train")]
    assert losses == [1 / (step + 1) for step in range(100)]
    document = json.loads((tmp_path / "tasks" / tasks["logged"] / "task.json").read_text())
    assert document["hyperparams"]["General"]["lr"]["value"] == "0.1"
    (picture,) = (row for row in api.events(tasks["logged"], "training_debug_image"))
    file = tmp_path / "files" / urlsplit(unquote(picture["url"])).path.removeprefix("/files/")
    assert file.read_bytes() == api.ask(picture["url"], method="GET").content
    (point,) = pq.read_table(tmp_path / "models" / tasks["model"] / "scalars.parquet").to_pylist()
    assert (point["iter"], point["value"], point["model_event"]) == (2, 0.7, True)


def test_each_event_is_there_as_it_was_sent(
    eventide: Deployment, api: Api, tasks: dict[str, str], tmp_path: Path
) -> None:
    export(eventide, tmp_path)
    folder, events = tmp_path / "tasks" / tasks["all"], api.events(tasks["all"])
    rows = {
        event_type: pq.read_table(folder / f"{name}.parquet").to_pylist()
        for event_type, name in TABLES.items()
        if (folder / f"{name}.parquet").exists()
    }
    assert {kind: len(found) for kind, found in rows.items()} == {
        kind: sum(event["type"] == kind for event in events) for kind in rows
    }
    for kind in (SCALAR, PLOT):
        field = "value" if kind == SCALAR else "plot_str"
        read = {(row["metric"], row["variant"], row["iter"]): row for row in rows[kind]}
        for event in (event for event in events if event["type"] == kind):
            row = read[event["metric"], event["variant"], event.get("iter")]
            assert row[field] == event[field]
            assert row["timestamp"] == event["timestamp"]
            assert json.loads(row["extras"] or "{}") == {name: event[name] for name in ("own",) if name in event}
    assert [row["msg"] for row in rows["log"]] == ["first\nsecond", "third"]


def test_again_only_what_changed_is_written(
    eventide: Deployment, api: Api, tasks: dict[str, str], tmp_path: Path
) -> None:
    first = export(eventide, tmp_path)
    assert export(eventide, tmp_path) == NOTHING | {"unchanged": first["tasks"] + first["models"], "skipped": {}}
    interrupted = tmp_path / "tasks" / tasks["logged"]
    (interrupted / "task.json").unlink()
    (interrupted / "scalars.parquet").rename(interrupted / "scalars.parquet.part")
    again = export(eventide, tmp_path)
    assert (again["tasks"], again["points"], again["unchanged"]) == (1, 200, 3)
    assert sorted(path.name for path in interrupted.iterdir()) == [
        "debug_images.parquet",
        "scalars.parquet",
        "task.json",
    ]
    api.call("tasks.edit", task=tasks["empty"], comment="changed", force=True)
    assert export(eventide, tmp_path) | {"skipped": {}} == NOTHING | {"tasks": 1, "unchanged": 3, "skipped": {}}


def test_csv(eventide: Deployment, tasks: dict[str, str], tmp_path: Path) -> None:
    export(eventide, tmp_path, "--project", f"{PROJECT}/below", "--format", "csv")
    assert [path.name for path in (tmp_path / "tasks").iterdir()] == [tasks["logged"]]
    table = pa_csv.read_csv(tmp_path / "tasks" / tasks["logged"] / "scalars.csv")
    assert table.num_rows == 200
    assert set(table["value"].to_pylist()) == {0.1} | {1 / (step + 1) for step in range(100)}


def test_tensorboard(eventide: Deployment, api: Api, tasks: dict[str, str], tmp_path: Path) -> None:
    counted = export(eventide, tmp_path, "--project", PROJECT, "--format", "tensorboard")
    assert (counted["points"], counted["plots"]) == (204, 0)
    runs = {run.name: run for run in source_of(str(tmp_path)).runs() if isinstance(run, Run)}
    (logged,) = (run for name, run in runs.items() if tasks["logged"] in name)
    points = {(p.metric, p.variant): p for p in logged.read() if isinstance(p, Points)}
    losses = points["loss", "train"]
    assert losses.steps.tolist() == [*range(100)]
    assert losses.values.tolist() == [1 / (step + 1) for step in range(100)]
    times = [event["timestamp"] for event in api.events(tasks["logged"], SCALAR) if event["variant"] == "train"]
    assert losses.times.tolist() == times
    assert ("accuracy", "accuracy") in points


def test_what_cannot_be_exported_is_told_in_a_line(eventide: Deployment, tasks: dict[str, str], tmp_path: Path) -> None:
    assert tasks
    nowhere = environment(eventide, CLEARML_API_HOST=f"http://127.0.0.1:{free_port()}")
    denied = environment(eventide, CLEARML_API_SECRET_KEY="wrong")
    (tmp_path / "file").write_text("")
    for arguments, out, settings, code, said in (
        (("--project", "nobody's"), tmp_path / "a", None, 2, "there is no project nobody's"),
        (("--project", PROJECT), tmp_path / "file", None, 2, "file"),
        (("--project", PROJECT), tmp_path / "b", nowhere, 1, "Connection refused"),
        (("--project", PROJECT), tmp_path / "c", denied, 1, "401"),
    ):
        done = attempt(eventide, out, *arguments, settings=settings)
        assert (done.returncode, len(done.stderr.splitlines())) == (code, 1), done.stderr
        assert said in done.stderr
    assert not (tmp_path / "a").exists()


def test_another_company_has_no_such_project(eventide: Deployment, tasks: dict[str, str], tmp_path: Path) -> None:
    assert tasks
    stranger = replace(eventide, credentials=eventide.add_user("exporters", "stranger"))
    assert attempt(stranger, tmp_path, "--project", PROJECT).returncode == 2
