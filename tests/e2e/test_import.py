"""``eventide import`` into a real server: what a source has is there, every value of it, and only once."""

from __future__ import annotations

import json
import math
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from deploy.first_start import lock_directory
from deploy.importing.api import Api as ImportApi
from deploy.importing.api import Target
from deploy.importing.command import Importer
from deploy.importing.finished import Finished
from deploy.importing.progress import Progress
from deploy.importing.report import Report
from deploy.importing.tasks import Naming, TaskDirectory
from ingest.importers.formats import source_of
from tests.harness.api import Api, Data
from tests.harness.deployment import (
    EVENTIDE,
    ROOT,
    Deployment,
    attempt_eventide,
    embedded,
    environment_with,
    run_eventide,
)
from tests.harness.import_samples import SAMPLES, unpacked
from tests.harness.tfevents import event, record, simple
from tests.servers.process import Process


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with embedded(tmp_path_factory.mktemp("import")) as running:
        yield running


@pytest.fixture(scope="module")
def api(deployment: Deployment) -> Iterator[Api]:
    with Api(deployment.origins, deployment.credentials) as client:
        yield client


@pytest.fixture(scope="module")
def target(deployment: Deployment) -> Target:
    keys = deployment.credentials
    origin = deployment.origins.gateway
    return Target(origin, deployment.files, keys.access_key, keys.secret_key, deployment.files)


def import_into(target: Target, path: Path, project: str, multiplier: float = 1.0, jobs: int = 2) -> Report:
    """The report of an import that compares every point."""
    client = ImportApi(target)
    tasks = TaskDirectory(client, Naming(project))
    return Importer(source_of(str(path)), multiplier, Progress(), True, client, tasks).report(jobs)


def tasks_of(api: Api, project: str) -> dict[str, Data]:
    """The tasks of a project, by name."""
    (found,) = api.call("projects.get_all", {"name": f"^{project}$"})["projects"]
    return {task["name"]: task for task in api.call("tasks.get_all", {"project": [found["id"]]})["tasks"]}


def raw(api: Api, task: str, metric: str, variant: str) -> dict[int, float]:
    """Every stored point of a curve."""
    asked = {"task": task, "metric": {"metric": metric, "variants": [variant]}}
    points = api.call("events.scalar_metrics_iter_raw", asked)["variants"][variant]
    return dict(zip(points["iter"], points["y"], strict=True))


def check_twice(target: Target, path: Path, project: str, multiplier: float = 1.0) -> Report:
    """Import again, once sending all and once not: only the first time is anything new, and the counts are the same."""
    first = import_into(target, path, project, multiplier)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Finished, "read", lambda _: None)
        sent_again = import_into(target, path, project, multiplier)
    for again in (sent_again, import_into(target, path, project, multiplier)):
        assert again.added == 0
        assert again.document(is_verified=True) | {"added": first.added} == first.document(is_verified=True)
    assert first.added == first.points + first.logs + first.images + first.plots
    assert (first.verified, first.differences) == (first.points, 0)
    return first


def test_tensorboard(api: Api, target: Target) -> None:
    report = check_twice(target, SAMPLES / "tensorboard", "tb")
    assert (report.tasks, report.points, report.logs, report.images, report.plots) == (4, 223, 1, 1, 2)
    tasks = tasks_of(api, "tb")
    assert set(tasks) == {"tbx_run", "tbx_run/1796021723.1448066", "tbx_run/multi/a", "tbx_run/multi/b"}
    loss = raw(api, tasks["tbx_run"]["id"], "loss", "train")
    assert loss == pytest.approx({step: math.exp(-step / 50) for step in range(200)}, rel=1e-7)
    hparams = tasks["tbx_run/1796021723.1448066"]
    assert {name: item["value"] for name, item in hparams["hyperparams"]["General"].items()} == {
        "lr": "0.1",
        "opt": "adam",
        "bs": "32",
    }
    assert hparams["status"] == "completed"


def test_trackio(api: Api, target: Target, tmp_path: Path) -> None:
    report = check_twice(target, unpacked("trackio", tmp_path), "trackio")
    assert (report.tasks, report.points, report.logs, report.images, report.skipped) == (1, 200, 1, 1, {})
    task = tasks_of(api, "trackio")["run-a"]
    assert raw(api, task["id"], "acc", "acc") == {step: step / 100 for step in range(100)}
    assert task["hyperparams"]["General"]["lr"]["value"] == "0.1"


def test_wandb(api: Api, target: Target) -> None:
    report = check_twice(target, SAMPLES / "wandb", "wandb")
    assert (report.tasks, report.logs, report.images, report.plots, report.files) == (1, 1, 1, 2, 1)
    assert report.skipped == {"artifact": 1, "NaN": 1}
    task = tasks_of(api, "wandb")["d1njc0hu"]
    assert {name: item["value"] for name, item in task["hyperparams"]["General"].items()} == {
        "lr": "0.1",
        "model/depth": "3",
    }
    single = api.call("events.get_task_single_value_metrics", {"tasks": [task["id"]]})["tasks"][0]["values"]
    assert [(one["metric"], one["value"]) for one in single] == [("best", 0.99)]


def test_clearml(api: Api, target: Target) -> None:
    report = check_twice(target, SAMPLES / "clearml-offline", "clearml")
    assert (report.tasks, report.points, report.logs, report.images, report.plots) == (1, 101, 3, 1, 1)
    task = tasks_of(api, "clearml")["run-a"]
    assert raw(api, task["id"], "Summary", "best") == {-(2**31): 0.99}
    assert (task["hyperparams"]["General"]["depth"]["value"], task["script"]["entry_point"]) == ("3", "cml.py")


def test_neptune(api: Api, target: Target) -> None:
    report = check_twice(target, SAMPLES / "neptune", "neptune", multiplier=10)
    assert (report.tasks, report.points, report.logs, report.plots) == (1, 100, 5, 1)
    assert report.skipped == {"file that cannot be read": 1}
    task = tasks_of(api, "neptune")["exp-a"]
    events = api.call("events.get_task_events", {"task": task["id"], "event_type": "training_stats_scalar"})["events"]
    assert [(event["iter"], event["step"]) for event in events[:2]] == [(5, 0.5), (15, 1.5)]
    assert (task["tags"], task["hyperparams"]["General"]["config/amp"]["value"]) == (["x", "y"], "true")


def test_tables(api: Api, target: Target, tmp_path: Path) -> None:
    rows = "".join(f"{run},loss/train,{step},{step / 7}\n" for step in range(50) for run in ("first", "second"))
    (tmp_path / "runs.csv").write_text(f"run,key,step,value\n{rows}")
    report = check_twice(target, tmp_path, "tables")
    assert (report.tasks, report.points) == (2, 100)
    assert raw(api, tasks_of(api, "tables")["second"]["id"], "loss", "train") == {step: step / 7 for step in range(50)}


@pytest.mark.parametrize("store", ["mlflow.db", "mlruns-fs"])
def test_mlflow(api: Api, target: Target, tmp_path: Path, store: str) -> None:
    report = check_twice(target, unpacked("mlflow", tmp_path) / store, f"mlflow {store[-2:]}")
    assert (report.tasks, report.points, report.files) == (1, 101, 1)
    assert report.skipped == {"NaN": 1, "earlier value of the same key and step": 1}
    task = tasks_of(api, f"mlflow {store[-2:]}")["run-a"]
    assert raw(api, task["id"], "acc", "acc") == {99: 0.91}
    assert (task["tags"], task["status"], task["started"][:10]) == (["team:x"], "completed", "2026-11-30")
    assert [artifact["key"] for artifact in task["execution"]["artifacts"]] == ["notes.txt"]


def test_notes_stand_above_where_a_run_is_from(api: Api, target: Target, tmp_path: Path) -> None:
    store = unpacked("mlflow", tmp_path) / "mlruns-fs"
    (tags,) = store.glob("*/*/tags")
    (tags / "mlflow.note.content").write_text("a note")
    import_into(target, store, "notes")
    comment = tasks_of(api, "notes")["run-a"]["comment"]
    assert comment == f"a note\n\nimported from mlflow, run {tags.parent.name} of eventide-sample"


def test_a_picture_can_be_fetched(deployment: Deployment, api: Api, target: Target) -> None:
    import_into(target, SAMPLES / "tensorboard", "pictures")
    task = tasks_of(api, "pictures")["tbx_run"]["id"]
    (image,) = api.call("events.debug_images", {"metrics": [{"task": task}]})["metrics"][0]["iterations"][0]["events"]
    response = httpx.get(image["url"], headers={"Authorization": f"Bearer {api.token}"})
    assert image["url"].startswith(f"{deployment.files}/import/{task}/")
    assert response.content.startswith(b"\x89PNG")


def test_what_came_later_is_all_that_is_added(api: Api, target: Target, tmp_path: Path) -> None:
    path = tmp_path / "run" / "events.out.tfevents.1"
    path.parent.mkdir()
    path.write_bytes(b"".join(record(event(step, simple("loss", step))) for step in range(5)))
    assert import_into(target, tmp_path, "grows").added == 5
    with path.open("ab") as file:
        file.write(b"".join(record(event(step, simple("loss", -step))) for step in range(4, 8)))
    report = import_into(target, tmp_path, "grows")
    assert (report.added, report.points, report.skipped) == (3, 8, {"replaced by a later value of the same step": 1})
    assert raw(api, tasks_of(api, "grows")["run"]["id"], "loss", "loss")[4] == -4.0


def test_what_did_not_change_is_not_read_again_unless_its_events_are_gone(
    api: Api, target: Target, tmp_path: Path
) -> None:
    path = tmp_path / "run" / "events.out.tfevents.1"
    path.parent.mkdir()
    path.write_bytes(b"".join(record(event(step, simple("loss", step))) for step in range(5)))
    import_into(target, tmp_path, "unchanged")
    task = tasks_of(api, "unchanged")["run"]["id"]
    calls: list[int] = []
    client = ImportApi(target)
    importer = Importer(
        source_of(str(tmp_path)), 1.0, Progress(), False, client, TaskDirectory(client, Naming("unchanged"))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ImportApi, "add_batch", lambda *_: calls.append(1))
        report = importer.report(1)
    assert (calls, report.points, report.added) == ([], 5, 0)
    api.call("events.delete_for_task", {"task": task})
    assert import_into(target, tmp_path, "unchanged").added == 5
    assert len(raw(api, task, "loss", "loss")) == 5


def test_numbers_that_cannot_be_stored_are_told(api: Api, target: Target, tmp_path: Path) -> None:
    values = [1.0, math.nan, math.inf, 2.0]
    path = tmp_path / "run" / "events.out.tfevents.1"
    path.parent.mkdir()
    path.write_bytes(b"".join(record(event(step, simple("loss", value))) for step, value in enumerate(values)))
    report = check_twice(target, tmp_path, "numbers")
    assert report.skipped == {"NaN": 1, "infinite": 1}
    assert raw(api, tasks_of(api, "numbers")["run"]["id"], "loss", "loss") == {0: 1.0, 3: 2.0}


def test_bad_files_end_in_one_line_each(target: Target, tmp_path: Path) -> None:
    shutil.copytree(SAMPLES / "tensorboard", tmp_path / "runs")
    (event_file,) = (tmp_path / "runs" / "tbx_run").glob("events.*")
    event_file.write_bytes(event_file.read_bytes()[:-1])
    report = import_into(target, tmp_path / "runs", "torn")
    assert report.skipped["torn or damaged file"] == 1
    assert (report.tasks, report.differences) == (4, 0)


def test_a_file_that_no_reader_expects_ends_in_one_line(
    target: Target, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = unpacked("trackio", tmp_path)
    with sqlite3.connect(folder / "eventide-sample.db") as connection:
        connection.execute("UPDATE metrics SET metrics = '{' WHERE step = 50")
    report = import_into(target, folder, "unexpected")
    assert report.skipped == {"run that cannot be read to its end": 1}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("eventide: run-a: not as expected: JSONDecodeError: ")


def test_the_command_starts_a_server_where_none_runs(tmp_path: Path) -> None:
    environment = environment_with({"DATA_DIR": str(tmp_path / "data")})
    arguments = ["import", str(SAMPLES / "tensorboard"), "--project", "P", "--json", "--verify"]
    told = json.loads(run_eventide(arguments, environment))
    assert told == {
        "tasks": 4,
        "points": 223,
        "logs": 1,
        "images": 1,
        "plots": 2,
        "files": 0,
        "skipped": {"hparams experiment description": 1},
        "added": 227,
        "verified": 223,
        "differences": 0,
    }
    dry = json.loads(run_eventide([*arguments, "--dry-run"], environment))
    assert dry == {name: value for name, value in told.items() if name not in ("verified", "differences")} | {
        "added": 0
    }
    assert not (tmp_path / "data" / "addresses.json").exists()


def test_an_interrupted_import_ends_its_server_and_goes_on(tmp_path: Path) -> None:
    for number in range(30):
        path = tmp_path / "runs" / f"run{number}" / "events.out.tfevents.1"
        path.parent.mkdir(parents=True)
        path.write_bytes(record(event(1, simple("loss", number), time=number)))
    data = tmp_path / "data"
    environment = environment_with({"DATA_DIR": str(data)})
    arguments = ["import", str(tmp_path / "runs"), "--project", "P", "--json"]
    process = Process([*EVENTIDE, *arguments], tmp_path / "log", env=environment, cwd=ROOT)
    process.start()
    process.wait_until(lambda: (data / "addresses.json").exists(), 60)
    assert process.terminate(60) == 130
    assert "goes on" in (tmp_path / "log").read_text()
    lock_directory(data).close()  # nobody has it
    told = json.loads(run_eventide(arguments, environment))
    assert (told["tasks"], told["points"]) == (30, 30)
    assert 0 < told["added"] <= 30


def test_the_command_finds_the_server_of_the_data_directory(deployment: Deployment, api: Api) -> None:
    told = deployment.command("import", str(SAMPLES / "tensorboard"), "--project", "by command", "--name", "{name}!")
    assert "4 tasks: 223 points" in told
    assert "tbx_run!" in tasks_of(api, "by command")


@pytest.mark.parametrize("path", ["nothing", "empty"])
def test_what_is_no_source_is_told(deployment: Deployment, tmp_path: Path, path: str) -> None:
    (tmp_path / "empty").mkdir()
    done = attempt_eventide(["import", str(tmp_path / path)], deployment.environment)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert str(tmp_path / path) in done.stderr
