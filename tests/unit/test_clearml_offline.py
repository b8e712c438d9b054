"""Offline zips of ClearML -> parts of runs."""

from __future__ import annotations

import json
import math
import zipfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest.importers.records import SINGLE_VALUE, Artifact, Image, Lines, Plot, Run, Skipped
from tests.harness.import_samples import SAMPLES, curves, parts_of, runs_of, skipped

TASK = {"id": "offline-1", "name": "run", "project_name": "p", "type": "testing", "status": "failed", "tags": ["t"]}


def write(path: Path, events: list[Mapping[str, Any]], files: Mapping[str, bytes], **fields: Any) -> Path:
    """A zip as the SDK writes it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("task.json", json.dumps(TASK | fields))
        archive.writestr("metrics.jsonl", json.dumps(events) + "\n")
        for name, content in files.items():
            archive.writestr(f"data/{name}", content)
    return path


def test_a_sample_of_the_sdk_is_read_whole() -> None:
    (run,) = runs_of(SAMPLES / "clearml-offline")
    assert (run.name, run.project, run.id[:8]) == ("run-a", "eventide-sample", "offline-")
    found, read = Counter[str](), 0
    for part in run.read():
        if isinstance(part, Image):  # it is there only until the next part is asked for
            assert isinstance(part.content, Path)
            read += part.content.read_bytes().startswith(b"\xff\xd8")
        found[type(part).__name__] += 1
    assert (read, found) == (1, {"Image": 1, "Plot": 1, "Lines": 3, "Points": 2})
    parts = list(run.read())
    assert dict(curves(parts)["loss", "train"]) == pytest.approx({step: math.exp(-step / 20) for step in range(100)})
    assert curves(parts)["Summary", "best"] == [(SINGLE_VALUE, 0.99)]
    assert [part.figure["data"][0]["y"] for part in parts if isinstance(part, Plot)] == [[1, 2, 3]]
    assert "hello log" in "".join(line.text for part in parts if isinstance(part, Lines) for line in part.lines)
    assert run.details.document["hyperparams"]["General"]["lr"]["value"] == "0.1"


def test_names_with_slashes_stay_and_what_is_not_there_is_told(tmp_path: Path) -> None:
    scalar = {"type": "training_stats_scalar", "iter": 1, "metric": "a/b", "variant": "c/d", "value": 0.5}
    image = {"type": "training_debug_image", "iter": 1, "metric": "m", "variant": "v", "url": "/gone/data/x.png"}
    artifacts = [{"key": "model", "uri": "/tmp/offline-1/data/m/w.bin"}, {"key": "lost", "uri": "s3://bucket/x"}]
    path = write(
        tmp_path / "a.zip",
        [scalar, image, {"type": "plot", "plot_str": "no JSON"}, {"type": "training_stats_vector"}],
        {"m/w.bin": b"weights"},
        execution={"artifacts": artifacts},
    )
    (run,) = runs_of(path)
    parts = []
    for part in run.read():
        parts.append(part)
        if isinstance(part, Artifact):
            assert (part.key, part.content.read_bytes()) == ("model", b"weights")
    assert curves(parts) == {("a/b", "c/d"): [(1, 0.5)]}
    assert skipped(parts) == {
        "image that is not in the zip": 1,
        "plot that is not JSON": 1,
        "training_stats_vector event": 1,
        "artifact that is not in the zip": 1,
    }
    assert (run.details.status, run.details.tags) == ("failed", ["t"])


def test_damaged_zips_are_told_and_the_others_come(tmp_path: Path) -> None:
    damaged = write(tmp_path / "a.zip", [{"type": "log", "msg": "x" * 1000, "timestamp": 1}] * 100, {})
    content = bytearray(damaged.read_bytes())
    place = content.index(b"metrics.jsonl") + 40
    content[place : place + 20] = bytes(20)
    damaged.write_bytes(content)
    write(tmp_path / "b.zip", [{"type": "log", "msg": "whole", "timestamp": 1}], {}, id="offline-2")
    (tmp_path / "c.zip").write_bytes(b"PK nothing")
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("task.json", "{")
    bad_header = write(tmp_path / "e.zip", [], {})
    bad_header.write_bytes(b"\0\0\0\0" + bad_header.read_bytes()[4:])
    write(tmp_path / "f.zip", [{"type": "log", "msg": "whole", "timestamp": 1}], {}, id="offline-3")
    assert len(runs_of(tmp_path)) == 3
    parts = parts_of(tmp_path)
    assert [line.text for part in parts if isinstance(part, Lines) for line in part.lines][-1] == "whole"
    told = [part.message for part in parts if isinstance(part, Skipped) and part.message]
    assert [message.partition(".zip")[0][-1] for message in told] == ["a", "d", "e"]


def test_a_run_says_what_its_task_is_made_of(tmp_path: Path) -> None:
    path = write(tmp_path / "a.zip", [], {}, runtime={"a": 1}, script={"diff": "x"})
    (run,) = runs_of(path)
    assert isinstance(run, Run)
    assert run.details.document == {"type": "testing", "script": {"diff": "x"}}
