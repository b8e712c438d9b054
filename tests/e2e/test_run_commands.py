"""``eventide runs|show|compare|tail`` beside a running Eventide, as they are typed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.harness.api import Api, Data, until
from tests.harness.deployment import Deployment, attempt_eventide
from tests.harness.events import SINGLE_VALUE, log, scalar

PROJECT = "read by (scripts)"
POINTS = 3000  # more than a digest is made of, so that its ends have to be asked for


@pytest.fixture(scope="module")
def environment(eventide: Deployment) -> dict[str, str]:
    keys = eventide.credentials
    own = {"CLEARML_API_ACCESS_KEY": keys.access_key, "CLEARML_API_SECRET_KEY": keys.secret_key}
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("EVENTIDE", "CLEARML"))}
    return kept | own | {"CLEARML_API_HOST": eventide.origins.query, "EVENTIDE_LOG_LEVEL": "warning"}


@pytest.fixture(scope="module")
def tasks(api: Api) -> list[str]:
    """Two tasks with curves: of the second the loss has a spike and rises again."""
    project = api.call("projects.create", name=PROJECT)["id"]
    random = np.random.default_rng(30)
    made = []
    for number, rate in enumerate(("0.1", "0.01")):
        given = {"General": {"lr": {"section": "General", "name": "lr", "value": rate}, "seed": {"value": "1"}}}
        given["General"]["seed"] |= {"section": "General", "name": "seed"}
        task = api.create_task(f"run {number}", project=project, hyperparams=given)
        losses = 0.2 + 2 / np.sqrt(1 + np.arange(POINTS) / 5) + 0.01 * random.standard_normal(POINTS)
        if number:
            losses[1500:] += np.linspace(0, 0.8, POINTS - 1500)
            losses[777] = 30.25
        losses[-1] = 0.5
        api.add(*(scalar(task, step, value, "loss", "val") for step, value in enumerate(losses.tolist())))
        api.add(scalar(task, SINGLE_VALUE, 0.875, "Summary", "best"), log(task, "first line", timestamp=1000))
        made.append(task)
    return made


def said(environment: dict[str, str], *arguments: str) -> str:
    done = attempt_eventide(arguments, environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def answer(environment: dict[str, str], *arguments: str) -> Data:
    found: Data = json.loads(said(environment, *arguments, "--json"))
    return found


def test_runs_lists_tasks_by_the_filter_language(environment: dict[str, str], tasks: list[str]) -> None:
    columns = ["--project", PROJECT, "--columns", "name,lr,loss.val.max"]
    found = answer(environment, "runs", "lr < 0.05", *columns)
    assert found == {"total": 1, "runs": [{"id": tasks[1], "name": "run 1", "lr": "0.01", "loss.val.max": 30.25}]}
    lines = said(environment, "runs", *columns, "--order-by", "name", "--limit", "1").splitlines()
    assert lines[0].split() == ["id", "name", "lr", "loss.val.max"]
    assert lines[1].split()[:3] == [tasks[0], "run", "0"]
    assert lines[2] == "1 of 2"


def test_show_tells_exact_ends_and_what_is_odd(environment: dict[str, str], tasks: list[str]) -> None:
    found = answer(environment, "show", tasks[1][-12:])
    assert (found["id"], found["project"], found["hyperparams"]["General/lr"]) == (tasks[1], PROJECT, "0.01")
    assert found["values"] == {"Summary/best": 0.875}
    loss = found["curves"]["loss/val"]
    assert loss["max"] == {"step": 777, "value": 30.25}
    assert loss["last"] == {"step": POINTS - 1, "value": 0.5}
    assert (loss["spikes"]["count"], "turned" in loss) == (1, True)
    line = next(line for line in said(environment, "show", tasks[1]).splitlines() if line.startswith("loss/val "))
    assert "last 0.5@2999 " in line
    assert "max 30.25@777: turned up@" in line


def test_show_counts_refused_points(environment: dict[str, str], api: Api) -> None:
    task = api.create_task("with refused points")
    api.batch([scalar(task, 1, 1.0), scalar(task, 2, "NaN")])
    until(lambda: api.task(task).get("refused_events"))
    counts = answer(environment, "show", task)["refused_events"]
    assert sum(counts.values()) == 1


def test_compare_puts_tasks_side_by_side(environment: dict[str, str], tasks: list[str]) -> None:
    whole = answer(environment, "compare", *tasks)
    assert [run["name"] for run in whole["runs"]] == ["run 0", "run 1"]
    assert whole["hyperparams"] == {"General/lr": ["0.1", "0.01"], "General/seed": ["1", "1"]}
    assert whole["values"]["Summary/best"] == [{"value": 0.875}, {"value": 0.875}]
    different = answer(environment, "compare", *tasks, "--differences")
    assert different["hyperparams"] == {"General/lr": ["0.1", "0.01"]}
    assert list(different["values"]) == ["loss/val"]
    assert "General/lr" in said(environment, "compare", *tasks)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runs", "lr <"], "a value is expected"),
        (["show", "0" * 32], "0" * 32),
        (["show", "00000000"], "there is no such task"),
        (["compare", "0" * 32], "there is no task"),
        (["tail", "0" * 32], "0" * 32),
    ],
)
def test_what_is_not_there_is_told_in_one_line(arguments: list[str], message: str, environment: dict[str, str]) -> None:
    done = attempt_eventide(arguments, environment)
    assert (done.returncode, done.stderr.count("\n"), message in done.stderr) == (2, 1, True), done.stderr


@pytest.fixture
def followed(environment: dict[str, str], api: Api, tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A running task, and ``eventide tail`` of it."""
    task = api.create_task("followed")
    api.call("tasks.started", task=task)
    api.add(log(task, "from before", timestamp=1000))
    command = [sys.executable, "-m", "deploy", "tail", task, "--json"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        killer = threading.Timer(60, process.kill)
        killer.start()
        yield task, process
        killer.cancel()
        process.kill()


def test_tail_tells_what_comes_and_ends_with_the_task(api: Api, followed: tuple[str, subprocess.Popen[str]]) -> None:
    task, process = followed
    assert process.stdout
    assert json.loads(process.stdout.readline())["msg"] == "from before"
    api.add(log(task, "new", timestamp=2000), scalar(task, 7, 0.125, "loss", "val"))
    lines = [json.loads(process.stdout.readline()) for _ in range(2)]
    by_type = {line["type"]: line for line in lines}
    assert by_type["log"]["msg"] == "new"
    point = by_type["scalar"]
    assert (point["iter"], point["metric"], point["variant"], point["value"]) == (7, "loss", "val", 0.125)
    api.call("tasks.completed", task=task)
    assert json.loads(process.stdout.readline()) == {"type": "status", "status": "completed"}
    assert process.wait(30) == 0
