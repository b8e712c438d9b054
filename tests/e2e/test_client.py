"""Eventide's client against a running Eventide: all that was logged is there, once, whatever happens in between."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import eventide_client
from eventide_client import __main__ as client_commands
from tests.e2e.client_scripts import PROJECT, STEPS
from tests.harness.api import Api, Data, until
from tests.harness.deployment import ROOT, Deployment, embedded, is_ready

LOST_MS = 100  # what a training that is killed may lose, at most


def environment(deployment: Deployment, spool: Path, **further: str) -> dict[str, str]:
    """What a user's shell has after ``eval "$(eventide env)"``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("EVENTIDE_", "CLEARML_"))}
    keys = deployment.credentials
    own = {"CLEARML_API_ACCESS_KEY": keys.access_key, "CLEARML_API_SECRET_KEY": keys.secret_key}
    return inherited | own | {"EVENTIDE_API": deployment.origins.gateway, "EVENTIDE_SPOOL": str(spool)} | further


def connection(deployment: Deployment, spool: Path) -> dict[str, Any]:
    """The same as arguments of ``start``."""
    keys = vars(deployment.credentials)
    return {"api": deployment.origins.gateway, "spool": spool, "monitors": False, **keys}


def script(name: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.e2e.client_scripts", name]
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def points(api: Api, task: str, metric: str) -> dict[str, list[float]]:
    """Iterations and values of a metric's only variant."""
    answer = api.call("events.scalar_metrics_iter_raw", task=task, metric={"metric": metric})
    (found,) = answer["variants"].values()
    assert len(set(found["iter"])) == len(found["iter"])
    return dict(found)


def test_all_that_is_logged_is_read_back(eventide: Deployment, api: Api, tmp_path: Path) -> None:
    config = {"lr": 0.1, "net": {"width": 3}}
    with eventide_client.start("client/all (of it)", "a run", config, **connection(eventide, tmp_path)) as run:
        for step in range(STEPS):
            run.log({"loss/train/a": 0.1 * step, "accuracy": np.float32(0.5), "flag": True}, step)
        run.log({"loss/train/a": float("nan"), "huge": 10**400})
        run.log_summary({"best": 0.25})
        run.log_text("hello \ud800 world", "warning")
        run.log_histogram("weights", [0.0, 1.0, 1.0, float("nan")], 3, bins=2)
        run.log_table("rows/first", [[1, "a"], [None, 0.5]], ["x", "y"])
        run.log_image("pictures/noise", np.full((2, 3, 3), 7, "uint8"), 4)
    assert list(tmp_path.iterdir()) == []

    task = api.task(run.id)
    assert (task["name"], task["status"]) == ("a run", "completed")
    assert api.call("projects.get_by_id", project=task["project"])["project"]["name"] == "client/all (of it)"
    parameters = {name: (item["value"], item["type"]) for name, item in task["hyperparams"]["General"].items()}
    assert parameters == {"lr": ("0.1", "float"), "net/width": ("3", "int")}
    assert points(api, run.id, "loss") == {"iter": [*range(STEPS)], "y": [0.1 * step for step in range(STEPS)]}
    assert points(api, run.id, "accuracy")["y"] == [0.5] * STEPS
    assert points(api, run.id, "flag")["y"] == [1] * STEPS
    texts = {event["metric"]: event["nonfinite"] for event in api.events(run.id) if "nonfinite" in event}
    assert texts == {"loss": "nan", "huge": "inf"}
    (single,) = api.call("events.get_task_single_value_metrics", tasks=[run.id])["tasks"][0]["values"]
    assert (single["variant"], single["value"]) == ("best", 0.25)
    (line,) = api.logs(run.id)
    assert (line["msg"], line["level"]) == ("hello \ufffd world", "warning")
    figures = {event["metric"]: json.loads(event["plot_str"])["data"][0] for event in api.events(run.id, "plot")}
    assert figures["weights"]["y"] == [1, 2]
    assert figures["rows"]["cells"]["values"] == [[1, None], ["a", 0.5]]


def test_images_can_be_looked_at(eventide: Deployment, api: Api, tmp_path: Path) -> None:
    pixels = np.arange(24, dtype="uint8").reshape(2, 4, 3)
    with eventide_client.start("client", "images", **connection(eventide, tmp_path)) as run:
        run.log_image("pictures/é", pixels, 4)
        run.log_image("pictures/pil", Image.fromarray(pixels), 4)
    images = api.events(run.id, "training_debug_image")
    assert [image["variant"] for image in images] == ["é", "pil"]
    for image in images:
        content = api.ask(image["url"], method="GET").content
        assert np.array_equal(np.asarray(Image.open(io.BytesIO(content))), pixels)


def test_a_training_that_is_killed_loses_less_than_a_tenth_of_a_second(
    eventide: Deployment, api: Api, tmp_path: Path
) -> None:
    settings = environment(eventide, tmp_path)
    training = script("endless", settings)
    assert training.stdout
    task, returned = training.stdout.readline().strip(), []
    for _ in range(1500):
        returned.append(training.stdout.readline().split())
    training.send_signal(signal.SIGKILL)
    killed = time.monotonic_ns()
    returned += [line.split() for line in training.stdout if line.endswith("\n")]
    training.wait()
    safe = [int(step) for step, at in returned if killed - int(at) > LOST_MS * 1_000_000]
    assert safe
    subprocess.run([sys.executable, "-m", "eventide_client", "sync", str(tmp_path)], env=settings, check=True)
    stored = [int(step) for step in points(api, task, "loss")["iter"]]
    assert stored == [*range(len(stored))]
    assert len(stored) > safe[-1]
    assert api.task(task)["status"] == "failed"
    assert list(tmp_path.iterdir()) == []


def test_an_uncaught_error_is_how_a_run_ended(eventide: Deployment, api: Api, tmp_path: Path) -> None:
    training = script("fails", environment(eventide, tmp_path))
    task = training.communicate(timeout=60)[0].strip()
    found = api.task(task)
    assert (found["status"], found["status_message"]) == ("failed", "RuntimeError: out of luck")
    assert points(api, task, "loss")["y"] == [1.0]


def test_processes_that_are_forked_log_to_the_same_run(eventide: Deployment, api: Api, tmp_path: Path) -> None:
    task = script("forks", environment(eventide, tmp_path)).communicate(timeout=60)[0].strip()
    for metric in ("parent", "child 0", "child 1"):
        assert points(api, task, metric)["iter"] == [*range(STEPS)]
    until(lambda: list(tmp_path.iterdir()) == [])
    assert points(api, task, "bare")["iter"] == [0]
    assert api.task(task)["status"] == "completed"


def test_ranks_are_one_run(eventide: Deployment, api: Api, tmp_path: Path) -> None:
    settings = environment(eventide, tmp_path)
    ranks = [script("rank", settings | {"RANK": str(number), "LOCAL_RANK": str(number)}) for number in range(4)]
    (task,) = {rank.communicate(timeout=60)[0].strip() for rank in ranks}
    for number in range(4):
        assert points(api, task, f"rank {number}")["iter"] == [*range(STEPS)]
    (project,) = api.call("projects.get_all", name=f"^{PROJECT}$")["projects"]
    assert len(api.call("tasks.get_all", project=[project["id"]], name="ranks")["tasks"]) == 1


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Deployment]:
    """An Eventide that may be stopped."""
    (tmp_path / "up").mkdir()
    with embedded(tmp_path / "up") as deployment:
        yield deployment


def test_nothing_is_lost_or_twice_while_the_server_is_away(own: Deployment, tmp_path: Path) -> None:
    up, spool = own.processes["up"], tmp_path / "spool"
    run = eventide_client.start("client", "away", **connection(own, spool))
    for step in range(3):
        run.log({"loss": step}, step)
        run.log_text(f"line {step}")
        if step == 0:
            with Api(own.origins, own.credentials) as api:
                until(lambda: _is_there(api, run.id) and api.logs(run.id))
            up.kill()
        if step == 1:
            assert run.flush()
            time.sleep(1.5)
    assert not run.finish(seconds=0.5)
    until(lambda: client_commands.send(str(spool), 0.0) == client_commands.LEFT)  # once the last attempt has ended
    up.start()
    up.wait_until(lambda: is_ready(own.origins.gateway), 60)
    _sync_after_a_lost_answer(own, spool)
    with Api(own.origins, own.credentials) as api:
        assert points(api, run.id, "loss")["iter"] == [0, 1, 2]
        assert [line["msg"] for line in api.logs(run.id)] == ["line 0", "line 1", "line 2"]
        assert api.task(run.id)["status"] == "completed"
    assert list(spool.iterdir()) == []


def _sync_after_a_lost_answer(own: Deployment, spool: Path) -> None:
    """Send the segments twice, as somebody does who never saw the first answer."""
    (folder,) = spool.iterdir()
    kept = {path: path.read_bytes() for path in folder.glob("*.jsonl")}
    end = (folder / "end.json").read_bytes()
    described = (folder / "run.json").read_bytes()
    for _ in range(2):
        (folder / "files").mkdir(parents=True, exist_ok=True)
        for path, content in (kept | {folder / "end.json": end, folder / "run.json": described}).items():
            path.write_bytes(content)
        command = [sys.executable, "-m", "deploy", "sync", str(spool)]
        subprocess.run(command, env=dict(own.environment), cwd=ROOT, check=True)


def test_what_the_server_refuses_is_kept_for_people_to_look_at(
    eventide: Deployment, api: Api, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = eventide_client.start("client", "refused", **connection(eventide, tmp_path))
    until(lambda: _is_there(api, run.id))
    api.call("tasks.delete", task=run.id, force=True)
    run.log({"loss": 1.0}, 0)
    assert run.finish()
    (folder,) = tmp_path.iterdir()
    (segment,) = folder.glob("*.refused")
    assert b'"metric":"loss"' in segment.read_bytes()
    assert "events were refused" in caplog.text


@pytest.fixture(scope="module")
def read_from(eventide: Deployment, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[str]]:
    """A connection, and the ids of two runs of a project of their own."""
    given, ids = connection(eventide, tmp_path_factory.mktemp("read")), []
    for number in range(2):
        with eventide_client.start("client/read.(it)", f"run {number}", **given) as run:
            for step in range(10):
                run.log({"loss/train": number + step / 7, "loss/test": 1, "accuracy": 0.5}, step)
            run.log_text(f"line of {number}")
        ids.append(run.id)
    return given, ids


def test_runs_are_read_as_tables(read_from: tuple[dict[str, Any], list[str]]) -> None:
    given, ids = read_from
    every = eventide_client.read(project="client/read.(it)", **given)
    assert every.num_rows == 60
    assert dict(zip(every["task"].to_pylist(), every["task_name"].to_pylist(), strict=True)) == {
        ids[0]: "run 0",
        ids[1]: "run 1",
    }
    one = eventide_client.read(ids[1], metrics=["loss/train", "accuracy"], **given)
    assert set(one["variant"].to_pylist()) == {"train", "accuracy"}
    losses = [row["value"] for row in one.to_pylist() if row["metric"] == "loss"]
    assert losses == [1 + step / 7 for step in range(10)]
    both = eventide_client.read(ids, what="logs", to="pandas", **given)
    assert list(both["msg"]) == ["line of 0", "line of 1"]


@pytest.mark.parametrize(
    "asked",
    [{}, {"task": "a", "project": "b"}, {"task": "a" * 32}, {"project": "nobody's"}, {"task": "a", "what": "x"}],
)
def test_what_cannot_be_read_is_told(read_from: tuple[dict[str, Any], list[str]], asked: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"read:|there is no"):
        eventide_client.read(**asked, **read_from[0])


def _is_there(api: Api, task: str) -> Data | None:
    found = api.call("tasks.get_all", id=[task])["tasks"]
    return dict(found[0]) if found else None


@pytest.mark.parametrize(("address", "folder"), [("http://127.0.0.1:1", "nowhere"), ("ftp://x", ".")])
def test_a_wrong_configuration_is_told_in_a_line(
    address: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EVENTIDE_API", address)
    with pytest.raises(SystemExit) as end:
        client_commands.main(["sync", str(tmp_path / folder)])
    assert end.value.code == client_commands.WRONG
    assert len(capsys.readouterr().err.splitlines()) == 1
