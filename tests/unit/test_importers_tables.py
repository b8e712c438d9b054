"""CSV and Parquet tables of anybody -> parts of runs."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.importers.csv_files import BLOCK_BYTES
from ingest.importers.formats import source_of
from ingest.importers.records import Points, Run, Skipped, UnreadableSource
from tests.harness.import_samples import curves, parts_of, runs_of, skipped

WIDE = """step,loss,acc/train,note
0,1.5,,a
1,1.25,0.5,b
2,nan,0.75,c
"""
LONG = """run,key,step,value,timestamp
r1,loss/train,0,1.0,1796021723
r2,loss/train,0,2.0,1796021723
r1,loss/train,1,0.5,1796021724.5
r1,acc,0.5,0.1,1796021723
r1,acc,1,,1796021723
"""


def write(path: Path, text: str) -> Path:
    """A file."""
    path.write_text(text)
    return path


def test_a_wide_table_has_a_curve_in_each_column(tmp_path: Path) -> None:
    path = write(tmp_path / "metrics.csv", WIDE)
    (run,) = runs_of(path)
    assert (run.name, run.project) == ("metrics", tmp_path.name)
    parts = list(run.read())
    found = curves(parts)
    assert found["acc", "train"] == [(1, 0.5), (2, 0.75)]
    assert found["loss", "loss"][:2] == [(0, 1.5), (1, 1.25)]
    assert math.isnan(found["loss", "loss"][2][1])
    assert skipped(parts) == {"column of string: note": 1}


def test_a_long_table_has_a_point_in_each_row(tmp_path: Path) -> None:
    runs = {run.name: list(run.read()) for run in runs_of(write(tmp_path / "long.csv", LONG))}
    assert curves(runs["r1"]) == {("loss", "train"): [(0, 1.0), (1, 0.5)], ("acc", "acc"): [(0.5, 0.1)]}
    assert curves(runs["r2"]) == {("loss", "train"): [(0, 2.0)]}
    assert skipped(runs["r1"]) == {"row without a value": 1}
    times = [part.times.tolist() for part in runs["r1"] if isinstance(part, Points)]
    assert sorted(map(tuple, times)) == [(1796021723000,), (1796021723000, 1796021724500)]


def test_the_step_column_may_be_named_or_missing(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", "batch,loss\n10,1\n20,2\n")
    (run,) = (run for run in source_of(str(path), "batch").runs() if isinstance(run, Run))
    assert curves(run.read()) == {("loss", "loss"): [(10, 1.0), (20, 2.0)]}
    assert curves(parts_of(path))["loss", "loss"] == [(0, 1.0), (1, 2.0)]
    (told,) = source_of(str(path), "nothing").runs()
    assert isinstance(told, Skipped)
    assert "there is no column nothing, but batch, loss" in told.message


def test_parquet_with_metric_variant_and_times(tmp_path: Path) -> None:
    columns = {
        "task": ["t1", "t1", "t2"],
        "metric": ["a/b", "a/b", "a/b"],
        "variant": ["x", "y", "x"],
        "iter": [2**60, 2**60 + 1, 3],
        "value": [1.0, 2.0, 3.0],
        "timestamp": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 3, pa.timestamp("us", "UTC")),
    }
    pq.write_table(pa.table(columns), tmp_path / "export.parquet")
    runs = {run.name: list(run.read()) for run in runs_of(tmp_path)}
    assert curves(runs["t1"]) == {("a/b", "x"): [(2**60, 1.0)], ("a/b", "y"): [(2**60 + 1, 2.0)]}
    assert [part.times.tolist() for part in runs["t2"] if isinstance(part, Points)] == [[1767225600000]]


def test_a_table_of_many_blocks_keeps_its_order_and_takes_fractions_late(tmp_path: Path) -> None:
    rows = BLOCK_BYTES // 5
    lines = [f"{step},{step}\n" for step in range(rows)]
    path = write(tmp_path / "t.csv", "step,loss\n" + "".join(lines) + f"{rows},0.5\n")
    (run,) = runs_of(path)
    parts = [part for part in run.read() if isinstance(part, Points)]
    assert len(parts) > 1
    assert [step for part in parts for step in part.steps.tolist()] == [*range(rows + 1)]
    assert parts[-1].values[-1] == 0.5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,loss\n0,1\n1,2,3\n", "Expected 2 columns, got 3"),
        ("step,loss\nx,1\n", "column step has no numbers"),
        ("", "empty"),
    ],
)
def test_bad_tables_end_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path / "t.csv", text)
    (told,) = (part for part in parts_of(path) if isinstance(part, Skipped))
    assert told.message.startswith(f"{path}: ")
    assert message.lower() in told.message.lower()
    assert "\n" not in told.message


def test_a_folder_without_anything_is_no_source(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="in no known format"):
        source_of(str(tmp_path))
