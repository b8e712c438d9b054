"""MLflow's tracking store in SQLite -> parts of runs. In PostgreSQL: integration/test_mlflow_postgres.py."""

from __future__ import annotations

import math
import sqlite3
from pathlib import Path

import pytest

from ingest.importers.records import Artifact, UnreadableSource
from tests.harness.import_samples import curves, details, parts_of, runs_of, skipped, unpacked

RUN = "02588391c4b048d09e83cc0d5e68fe91"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return unpacked("mlflow", tmp_path) / "mlflow.db"


def test_a_sample_of_mlflow_is_read_whole(store: Path) -> None:
    (run,) = runs_of(store.parent)
    assert (run.id, run.name, run.project) == (RUN, "run-a", "eventide-sample")
    parts = list(run.read())
    found = curves(parts)
    assert dict(found["train", "loss"]) == pytest.approx({step: math.exp(-step / 20) for step in range(100)})
    assert math.isnan(found["nanv", "nanv"][0][1])
    about = details(parts)
    assert (about.config, about.tags, about.status) == ({"lr": "0.1", "model.depth": "3"}, ["team:x"], "completed")
    assert (about.started, about.ended) == (1796029394675, 1796029396162)
    (artifact,) = (part for part in parts if isinstance(part, Artifact))
    assert (artifact.key, artifact.content.read_text()) == ("notes.txt", "hello")


def test_of_one_key_and_step_the_latest_time_counts(store: Path) -> None:
    parts = parts_of(store)
    assert curves(parts)["acc", "acc"] == [(99, 0.91)]
    assert skipped(parts) == {"earlier value of the same key and step": 1}


def test_infinite_values_and_what_was_deleted(store: Path) -> None:
    with sqlite3.connect(store) as connection:
        for step, value in enumerate((1.7976931348623157e308, -1.7976931348623157e308)):
            values = ("inf", value, 1, RUN, step, 0)
            connection.execute(
                "INSERT INTO metrics (key, value, timestamp, run_uuid, step, is_nan) VALUES (?,?,?,?,?,?)", values
            )
        statement = "INSERT INTO runs (run_uuid, experiment_id, lifecycle_stage) VALUES ('gone', 1, 'deleted')"
        connection.execute(statement)
    parts = parts_of(store)
    assert curves(parts)["inf", "inf"] == [(0, math.inf), (1, -math.inf)]
    assert skipped(parts)["deleted run"] == 1


def test_a_store_whose_tables_have_damaged_names_is_no_store(store: Path) -> None:
    content = store.read_bytes()
    store.write_bytes(content.replace(b"CREATE TABLE", b"CREATE \xed\xed\xed\xed\xed"))
    with pytest.raises(UnreadableSource, match=str(store)):
        parts_of(store)


def test_a_store_that_is_damaged_says_so(store: Path) -> None:
    content = bytearray(store.read_bytes())
    content[4096:] = b"\xaa" * (len(content) - 4096)
    store.write_bytes(content)
    with pytest.raises(UnreadableSource, match=str(store)):
        parts_of(store)
