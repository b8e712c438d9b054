"""MLflow's file store -> parts of runs."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from ingest.importers.records import Artifact
from tests.harness.import_samples import curves, details, parts_of, runs_of, skipped, unpacked


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return unpacked("mlflow", tmp_path) / "mlruns-fs"


def run_folder(store: Path) -> Path:
    """The folder of the only run."""
    (meta,) = store.glob("*/*/meta.yaml")
    return meta.parent


def test_a_sample_of_mlflow_is_read_whole(store: Path) -> None:
    (run,) = runs_of(store)
    assert (run.name, run.project, len(run.id)) == ("run-a", "eventide-sample", 32)
    parts = list(run.read())
    found = curves(parts)
    assert dict(found["train", "loss"]) == pytest.approx({step: math.exp(-step / 20) for step in range(100)})
    assert (found["acc", "acc"], math.isnan(found["nanv", "nanv"][0][1])) == ([(99, 0.91)], True)
    about = details(parts)
    assert (about.config, about.tags, about.status) == ({"lr": "0.1", "model.depth": "3"}, ["team:x"], "completed")
    (artifact,) = (part for part in parts if isinstance(part, Artifact))
    assert artifact.content.read_text() == "hello"
    assert skipped(parts) == {"earlier value of the same key and step": 1}


def test_torn_lines_are_told_and_the_rest_comes(store: Path) -> None:
    path = run_folder(store) / "metrics" / "train" / "loss"
    path.write_text("1 0.5 0\n2 0.25 1\n3 0.1")
    (run_folder(store) / "metrics" / "old").write_text("7 1.5\n")
    (run_folder(store) / "metrics" / "bad").write_text("7 one 5\n")
    parts = parts_of(store)
    assert curves(parts)["train", "loss"] == [(0, 0.1), (1, 0.25)]
    assert curves(parts)["old", "old"] == [(0, 1.5)]
    assert skipped(parts)["malformed line of a metric"] == 1


def test_deleted_runs_stay_away(store: Path) -> None:
    meta = run_folder(store) / "meta.yaml"
    meta.write_text(meta.read_text().replace("lifecycle_stage: active", "lifecycle_stage: deleted"))
    assert runs_of(store) == []
    assert skipped(parts_of(store)) == {"deleted run": 1}
