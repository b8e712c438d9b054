"""Databases of trackio -> parts of runs."""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ingest.importers.records import Image, Lines, Plot
from tests.harness.import_samples import curves, details, parts_of, runs_of, skipped, unpacked


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return unpacked("trackio", tmp_path) / "eventide-sample.db"


def log(project: Path, table: str, step: int | None, values: Mapping[str, Any]) -> None:
    """Log as trackio does."""
    (run,) = runs_of(project)
    columns = {"run_id": run.id, "run_name": run.name, "timestamp": "2026-11-30T07:00:00+00:00"}
    row = columns | {"metrics": json.dumps(values).encode()} | ({} if step is None else {"step": step})
    marks = ", ".join("?" * len(row))
    with sqlite3.connect(project) as connection:
        connection.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", [*row.values()])


def test_a_sample_of_trackio_is_read_whole(project: Path) -> None:
    (run,) = runs_of(project.parent)
    assert (run.id, run.name, run.project) == ("d7ee8fb3a1e64834a0862f7cf1f920d8", "run-a", "eventide-sample")
    parts = list(run.read())
    found = curves(parts)
    assert dict(found["train", "loss"]) == pytest.approx({step: math.exp(-step / 20) for step in range(100)})
    assert found["acc", "acc"] == [(step, step / 100) for step in range(100)]
    (image,) = (part for part in parts if isinstance(part, Image))
    assert isinstance(image.content, Path)
    assert (image.step, image.content.read_bytes()[:4]) == (100, b"\x89PNG")
    (alert,) = (part.lines[0] for part in parts if isinstance(part, Lines))
    assert (alert.text, alert.level) == ("[alert @ 100] t: x", "warning")
    assert details(parts).config == {"lr": 0.1}
    assert not skipped(parts)


def test_values_of_every_kind(project: Path) -> None:
    histogram = {"_type": "trackio.histogram", "bins": [0, 1, 2], "values": [3, 4]}
    table = {"_type": "trackio.table", "_value": [{"a": 1, "b": 2}, {"a": 3}]}
    values = {"inf": "Infinity", "deep": {"a": {"b": 7}}, "h": histogram, "t": table, "note": "hi", "l": [1], "n": None}
    log(project, "metrics", 7, values | {"x": {"_type": "trackio.new"}, "ok": True})
    parts = parts_of(project)
    found = curves(parts)
    assert (found["inf", "inf"], found["deep", "a/b"], found["ok", "ok"]) == ([(7, math.inf)], [(7, 7.0)], [(7, 1.0)])
    bars, cells = (part.figure["data"][0] for part in parts if isinstance(part, Plot))
    assert (bars["x"], bars["y"]) == ([0.0, 1.0], [3.0, 4.0])
    assert cells["cells"]["values"] == [[1, 3], [2, None]]
    assert "[note @ 7] hi" in [line.text for part in parts if isinstance(part, Lines) for line in part.lines]
    assert skipped(parts) == {"list of values": 1, "empty value": 1, "trackio.new value": 1}


def test_what_the_machine_is_like_is_a_monitor(project: Path) -> None:
    for _ in range(2):
        log(project, "system_metrics", None, {"cpu/percent": 12.5, "gpu/0/power": 70})
    found = curves(parts_of(project))
    assert found[":monitor:machine", "cpu/percent"] == [(0, 12.5), (1, 12.5)]
    assert found[":monitor:gpu", "gpu/0/power"] == [(0, 70.0), (1, 70.0)]
