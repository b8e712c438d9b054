"""Exports of Neptune -> parts of runs."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.importers.records import Artifact, Image, Lines, Part, Plot, Skipped
from tests.harness.import_samples import SAMPLES, curves, details, parts_of, runs_of, skipped

SAMPLE = SAMPLES / "neptune"
FILE = next((SAMPLE / "data").rglob("*.parquet"))
SCHEMA = pq.read_schema(FILE)
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def row(run: str, path: str, kind: str, step: str | None = None, **values: Any) -> dict[str, Any]:
    """A value of an attribute."""
    at = {"step": Decimal(step), "timestamp": NOON} if step is not None else {}
    return {"project_id": "ws/p", "run_id": run, "attribute_path": path, "attribute_type": kind, **at, **values}


def write(path: Path, *rows: dict[str, Any]) -> Path:
    """A file of an export."""
    pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMA), path)
    return path


def lines_of(parts: list[Part]) -> list[str]:
    """The log."""
    return [line.text for part in parts if isinstance(part, Lines) for line in part.lines]


@pytest.mark.parametrize("path", [SAMPLE, FILE])
def test_a_sample_of_the_exporter_is_read_whole(path: Path) -> None:
    (run,) = runs_of(path)
    assert (run.id, run.name, run.project) == ("RUN-1", "exp-a", "ws/proj")
    parts = list(run.read())
    points = curves(parts)["metrics", "loss"]
    assert [step for step, _ in points] == [step + 0.5 for step in range(100)]
    assert points[0] == (0.5, 1.0)
    assert lines_of(parts) == [f"line {number}" for number in range(5)]
    (plot,) = (part for part in parts if isinstance(part, Plot))
    assert (plot.figure["data"][0]["x"], plot.figure["data"][0]["y"]) == ([0.0, 1.0], [3.0, 4.0])
    about = details(parts)
    assert about.config == {"config/lr": 0.1, "config/depth": 3, "config/amp": True}
    assert (about.tags, about.started) == (["x", "y"], 1769904000000)


def test_files_that_were_downloaded_are_found(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE / "data", tmp_path / "data")
    (tmp_path / "files" / "ws" / "RUN-1").mkdir(parents=True)
    (tmp_path / "files" / "ws" / "RUN-1" / "weights").write_bytes(b"w")
    rows = [row("RUN-1", "model", "file", file_value={"path": "ws/RUN-1/weights"})]
    write(tmp_path / "data" / "RUN-1-extra_part_1.parquet", *rows)
    parts = parts_of(tmp_path)
    (artifact,) = (part for part in parts if isinstance(part, Artifact))
    assert (artifact.key, artifact.content.read_bytes()) == ("model", b"w")
    (image,) = (part for part in parts if isinstance(part, Image))
    assert isinstance(image.content, Path)
    assert not image.content.exists()


def test_runs_of_several_files_and_files_of_several_runs(tmp_path: Path) -> None:
    for part in range(11):  # the number of a part has no leading zeros
        point = row("A", "loss", "float_series", f"{part}", float_value=float(part))
        write(tmp_path / f"A-0_part_{part}.parquet", point)
    both = [row(run, "x/y/z", "float_series", "1", float_value=float("nan")) for run in "BC"]
    write(
        tmp_path / "BC_part_0.parquet",
        *both,
        row("C", "a/set", "file_set"),
        row("C", "sys/failed", "bool", bool_value=True),
    )
    runs = {run.id: list(run.read()) for run in runs_of(tmp_path)}
    assert curves(runs["A"]) == {("loss", "loss"): [(step, float(step)) for step in range(11)]}
    assert [*curves(runs["B"])] == [*curves(runs["C"])] == [("x", "y/z")]
    assert (skipped(runs["C"]), details(runs["C"]).status) == ({"file_set value": 1}, "failed")


def test_a_torn_file_is_told_and_the_others_come(tmp_path: Path) -> None:
    torn = write(tmp_path / "B_part_0.parquet", row("B", "loss", "float_series", "1", float_value=1.0))
    torn.write_bytes(torn.read_bytes()[:-20])
    write(tmp_path / "A_part_0.parquet", row("A", "loss", "float_series", "1", float_value=1.0))
    parts = parts_of(tmp_path)
    assert curves(parts) == {("loss", "loss"): [(1, 1.0)]}
    (told,) = (part for part in parts if isinstance(part, Skipped))
    assert told.message.startswith(str(torn))
