"""What an earlier version was filled with, and what the present one must say of it.

`python -m tests.harness.earlier REVISION FILE` has the code of a revision fill a data directory, ends it by SIGKILL
while its journal holds what was acknowledged last, and packs the directory. The archives in `tests/data` are such.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.api import Api, Data
from tests.harness.deployment import ROOT, embedded
from tests.harness.events import (
    IMAGE,
    LOG,
    PLOT,
    SCALAR,
    SINGLE_VALUE,
    VECTOR,
    image,
    log,
    model_events,
    plot,
    scalar,
    vector,
)

STEPS = 300
LONG_STEPS, LONG_STRIDE = 1500, 100  # long enough for roll-ups, from the day on that there were any
LATE = 7  # events that were acknowledged last
NAME, EMPTIED = "kept through upgrades", "emptied, and written again"
PARAMETER = {"section": "General", "name": "lr", "value": "0.1"}
KEPT = {SCALAR: 2 * STEPS + LONG_STEPS + 1, VECTOR: 3, PLOT: 4, IMAGE: 5, LOG: 6 + LATE}


def curve(step: int) -> float:
    """The values of every curve."""
    return 1 / (step + 1)


def fill(api: Api) -> None:
    """Store a bit of everything; the lines of ``LATE`` last."""
    project = api.call("projects.create", name="earlier/project", description="an earlier one")["id"]
    task = api.create_task(NAME, project=project, tags=["a", "ü"], comment="by an earlier version")
    api.call("tasks.edit", task=task, hyperparams={"General": {"lr": PARAMETER}})
    api.add(*(scalar(task, step, curve(step), "loss", name) for step in range(STEPS) for name in ("train", "ü/b")))
    api.add(*(scalar(task, step * LONG_STRIDE, curve(step), "long", "v") for step in range(LONG_STEPS)))
    api.add(scalar(task, 3, 99.0, "loss", "train"))
    api.add(scalar(task, 3, curve(3), "loss", "train"), scalar(task, SINGLE_VALUE, 0.875, "Summary", "accuracy"))
    api.add(*(vector(task, step) for step in range(3)), *(plot(task, step) for step in range(4)))
    api.add(*(image(task, step) for step in range(5)), *(log(task, f"line {n}", timestamp=n) for n in range(6)))
    emptied = api.create_task(EMPTIED)
    api.add(*(scalar(emptied, step, -1.0) for step in range(20)), log(emptied))
    assert api.call("events.delete_for_task", task=emptied)["deleted"] == 21
    api.add(*(scalar(emptied, step, curve(step)) for step in range(5)))
    model = api.create_model(NAME, task=task)
    api.add(*model_events(scalar(model, step, curve(step)) for step in range(10)))
    check(api, late=0)
    late = [log(task, f"late {n}", timestamp=100 + n) for n in range(LATE)]
    assert api.batch(late, headers={"X-Eventide-Ack": "durable"})["added"] == LATE


def check(api: Api, late: int = LATE) -> None:
    """Everything is as it was stored, exactly."""
    task, emptied = document(api, NAME), document(api, EMPTIED)
    assert (task["tags"], task["comment"]) == (["a", "ü"], "by an earlier version")
    assert task["hyperparams"]["General"]["lr"]["value"] == "0.1"
    assert api.call("projects.get_by_id", project=task["project"])["project"]["description"] == "an earlier one"
    counts = {name: len(api.events(task["id"], name)) for name in KEPT}
    assert counts == KEPT | {LOG: KEPT[LOG] - LATE + late}
    assert points(api, task["id"]) == {
        ("loss", "train"): [(step, curve(step)) for step in range(STEPS)],
        ("loss", "ü/b"): [(step, curve(step)) for step in range(STEPS)],
        ("long", "v"): [(step * LONG_STRIDE, curve(step)) for step in range(LONG_STEPS)],
        ("Summary", "accuracy"): [(SINGLE_VALUE, 0.875)],
    }
    assert points(api, emptied["id"]) == {("m", "v"): [(step, curve(step)) for step in range(5)]}
    messages = [f"line {n}" for n in range(6)] + [f"late {n}" for n in range(late)]
    assert [line["msg"] for line in api.logs(task["id"])] == messages
    (model,) = api.call("models.get_all", name=NAME)["models"]
    assert len(api.events(model["id"], SCALAR, model_events=True)) == 10
    last = [value for values in task["last_metrics"].values() for value in values.values() if value["metric"] == "loss"]
    found = {value["variant"]: (value["value"], value["max_value"]) for value in last}
    assert found["train"] == pytest.approx((curve(3), 99.0))  # of the newest batch, and of all that ever was
    assert found["ü/b"] == pytest.approx((curve(STEPS - 1), 1.0))


def check_goes_on(api: Api) -> None:
    """What is written now is on top of what was there: of one identity the new value counts, and deletions take all."""
    task, emptied = document(api, NAME)["id"], document(api, EMPTIED)["id"]
    api.add(scalar(task, 3, 7.0, "loss", "train"), scalar(task, STEPS, 8.0, "loss", "train"))
    of_curve = points(api, task)["loss", "train"]
    assert of_curve == [(step, {3: 7.0, STEPS: 8.0}.get(step, curve(step))) for step in range(STEPS + 1)]
    histogram = api.call("events.scalar_metrics_iter_histogram", task=task, samples=6000)["loss"]["train"]
    assert (len(histogram["x"]), histogram["y"][3], histogram["y"][-1]) == (STEPS + 1, 7.0, 8.0)
    assert api.call("events.delete_for_task", task=emptied)["deleted"] == 5
    assert api.call("events.delete_for_task", task=task)["deleted"] == sum(KEPT.values()) + 1
    assert api.events(task) == []


def document(api: Api, name: str) -> Data:
    """The only task of a name."""
    (found,) = api.call("tasks.get_all", name=f"^{name}$")["tasks"]
    return api.task(found["id"])


def points(api: Api, task: str) -> dict[tuple[str, str], list[tuple[int, float]]]:
    """The curves of a task."""
    curves: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for event in api.events(task, SCALAR):
        curves.setdefault((event["metric"], event["variant"]), []).append((event["iter"], event["value"]))
    return {names: sorted(found) for names, found in curves.items()}


def code_of(revision: str, directory: Path) -> Path:
    """The files of a revision of this repository."""
    archive = directory / "code.tar"
    subprocess.run(["git", "archive", "-o", archive, revision], cwd=ROOT, check=True)
    with tarfile.open(archive) as packed:
        packed.extractall(directory / "code", filter="data")
    return directory / "code"


def fill_and_kill(revision: str, directory: Path) -> Path:
    """A data directory that the code of a revision has filled and left without being asked to stop."""
    with embedded(directory, code=code_of(revision, directory)) as deployment:
        with Api(deployment.origins, deployment.credentials) as api:
            fill(api)
        deployment.processes["up"].kill()
    return directory / "data"


def waiting_records(data: Path) -> int:
    """The records that its journal holds; a directory of before there was one has none."""
    if not (data / "journal.sqlite").exists():
        return 0
    with closing(sqlite3.connect(data / "journal.sqlite")) as journal:
        return int(journal.execute("SELECT count(*) FROM records").fetchone()[0])


def main(revision: str, file: str) -> None:
    """Make a packed data directory."""
    with tempfile.TemporaryDirectory() as directory:
        data = fill_and_kill(revision, Path(directory))
        print(f"{waiting_records(data)} records wait in the journal")
        with tarfile.open(file, "w:xz") as packed:
            packed.add(data, "data")


if __name__ == "__main__":
    main(*sys.argv[1:])
