"""MLflow's file store: ``mlruns/EXPERIMENT/RUN/{meta.yaml, metrics/KEY, params/KEY, tags/KEY, artifacts/}``.

A metric's file has a line ``ms value step`` for each point; older ones have no step.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ingest.importers.file_versions import version_of
from ingest.importers.mlflow_runs import RUN_NAME, STATUS_NUMBERS, artifacts, details, latest
from ingest.importers.records import Part, Run, Skipped, UnreadableSource

META, TRASH = "meta.yaml", ".trash"


@dataclass(frozen=True)
class MlflowFiles:
    """The runs of a file store."""

    path: Path
    format: str = "mlflow"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield the runs of each experiment."""
        for experiment in _folders(self.path):
            name = read_meta(experiment / META).get("name") or experiment.name
            for folder in _folders(experiment):
                yield _run_or_reason(folder, name)


def is_mlflow_files(path: Path) -> bool:
    """Tell whether a path is a file store."""
    return path.is_dir() and any(_folders(path)) and any(_folders(folder) for folder in _folders(path))


def _folders(path: Path) -> list[Path]:
    """Return the folders in one that have metadata: experiments, or runs."""
    return [folder for folder in sorted(path.iterdir()) if folder.name != TRASH and (folder / META).is_file()]


def read_meta(path: Path) -> dict[str, str]:
    """Return the texts and numbers of a ``meta.yaml``, which MLflow writes one a line."""
    try:
        lines = path.read_text(errors="replace").splitlines()
    except OSError as error:
        raise UnreadableSource(f"{path}: {error.strerror}") from error
    pairs = (line.partition(":") for line in lines if not line.startswith((" ", "-", "#")))
    return {name.strip(): value.strip().strip("'\"") for name, _, value in pairs}


def _run_or_reason(folder: Path, experiment: str) -> Run | Skipped:
    try:
        meta = read_meta(folder / META)
        return Skipped("deleted run") if meta.get("lifecycle_stage") == "deleted" else _run(folder, experiment, meta)
    except (UnreadableSource, OSError) as error:
        return Skipped("run that cannot be read", message=str(error))


def _run(folder: Path, experiment: str, meta: Mapping[str, str]) -> Run:
    name = meta.get("run_name") or _texts(folder / "tags").get(RUN_NAME) or folder.name
    files = [path for path in folder.rglob("*") if path.is_file()]
    weight = sum(path.stat().st_size for path in files)
    run_id = meta.get("run_id") or meta.get("run_uuid") or folder.name
    return Run(run_id, name, experiment, partial(_parts, folder, meta), weight=weight, version=version_of(files))


def _parts(folder: Path, meta: Mapping[str, str]) -> Iterator[Part]:
    for path in sorted((folder / "metrics").rglob("*")):
        if path.is_file():
            yield from _points(path, path.relative_to(folder / "metrics").as_posix())
    yield from artifacts(str(folder / "artifacts"), folder)
    status = meta.get("status", "")
    status = STATUS_NUMBERS.get(int(status), "") if status.isdigit() else status
    times = (_integer(meta.get(name, "")) for name in ("start_time", "end_time"))
    yield details(_texts(folder / "params"), _texts(folder / "tags"), status, *times)


def _points(path: Path, key: str) -> Iterator[Part]:
    points: list[tuple[int, float, int]] = []
    torn = 0
    with path.open(errors="replace") as file:
        for line in file:
            try:
                time, value, *step = line.split()
                points.append((int(time), float(value), int(step[0]) if step else 0))
            except ValueError:
                torn += 1
    if torn:
        yield Skipped("malformed line of a metric", torn, f"{path}: {torn} lines are not 'time value step'")
    times, values, steps = zip(*points, strict=True) if points else ((), (), ())
    yield from latest(key, np.array(steps, np.int64), np.array(values, np.float64), np.array(times, np.int64))


def _texts(folder: Path) -> dict[str, str]:
    """Return the content of each file below a folder, by its path."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_text(errors="replace") for path in files}


def _integer(text: str) -> int | None:
    return int(text) if text.isdigit() else None
