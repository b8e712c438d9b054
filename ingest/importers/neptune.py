"""Neptune: the Parquet files that neptune-exporter writes, a row for each value of an attribute.

Source: the schema that it documents: project_id, run_id, attribute_path, attribute_type, step (decimal with six
digits), timestamp, and a column for each type of value. A run has one file or more.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ingest.importers import figures
from ingest.importers.file_versions import version_of
from ingest.importers.parquet_files import batches, column_names, is_parquet
from ingest.importers.reading import readable
from ingest.importers.records import (
    Artifact,
    Details,
    Doubles,
    Image,
    Integers,
    Line,
    Lines,
    Part,
    Plot,
    Points,
    Run,
    Skipped,
    UnreadableSource,
)
from schema.adapters.metric_keys import names_of_path

COLUMNS = frozenset(("project_id", "run_id", "attribute_path", "attribute_type", "step", "timestamp"))
FLOATS, TEXTS, HISTOGRAMS, FILES, FILE = "float_series", "string_series", "histogram_series", "file_series", "file"
VALUES = {"string": "string_value", "int": "int_value", "float": "float_value", "bool": "bool_value"}
VALUES |= {"datetime": "datetime_value", "string_set": "string_set_value"}
NAME, TAGS, CREATED, MODIFIED, FAILED = (
    "sys/name",
    "sys/tags",
    "sys/creation_time",
    "sys/modification_time",
    "sys/failed",
)
SERIES = ("attribute_path", "attribute_type", "step", "timestamp", "float_value")  # what points are made of
SYSTEM = "sys/"
CONSOLE = ("/stdout", "/stderr")


@dataclass(frozen=True)
class Neptune:
    """The runs of an export: a file, or a folder with files of any number of runs."""

    path: Path
    format: str = "neptune"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield the runs, in the order of their first files."""
        found: dict[tuple[str, str], list[Path]] = {}
        for path in exported_files(self.path):
            try:
                for run in readable(_runs_in(path), str(path)):
                    found.setdefault(run, []).append(path)
            except UnreadableSource as error:
                yield Skipped("file that cannot be read", message=str(error))
        for (project, run_id), paths in found.items():
            name = _name(paths, run_id) or run_id
            weight = sum(path.stat().st_size for path in paths)
            read = partial(_parts, self.path, paths, run_id)
            yield Run(run_id, name, project, read, weight=weight, version=version_of(paths))


def is_neptune(path: Path) -> bool:
    """Tell whether a path is an export, or a folder with one below it."""
    for one in exported_files(path)[:1]:
        try:
            return set(column_names(one)) >= COLUMNS
        except UnreadableSource:
            return False
    return False


def exported_files(path: Path) -> list[Path]:
    """Return the Parquet files at a path; of a run they are numbered."""
    found = [path] if path.is_file() else sorted(path.rglob("*.parquet"), key=_place)
    return [one for one in found if is_parquet(one)]


def _place(path: Path) -> tuple[str, int, str]:
    """Return what files are sorted by: those of a run by their number, which has no leading zeros."""
    stem, _, number = path.stem.rpartition("_part_")
    return (f"{path.parent}/{stem}", int(number), "") if number.isdigit() else (str(path), 0, "")


def _runs_in(path: Path) -> Iterator[tuple[str, str]]:
    seen: set[tuple[str, str]] = set()
    for batch in batches(path, ["project_id", "run_id"]):
        pairs = pa.Table.from_batches([batch]).group_by(["project_id", "run_id"]).aggregate([]).to_pylist()
        for pair in pairs:
            run = (pair["project_id"] or "neptune", pair["run_id"])
            if run not in seen:
                seen.add(run)
                yield run


def _name(paths: Sequence[Path], run_id: str) -> str | None:
    for path in paths:
        for batch in batches(path, ["run_id", "attribute_path", "string_value"]):
            is_name = pc.and_(pc.equal(batch["attribute_path"], NAME), pc.equal(batch["run_id"], run_id))
            for name in batch["string_value"].filter(is_name).to_pylist():
                return str(name)
    return None


def _parts(root: Path, paths: Sequence[Path], run_id: str) -> Iterator[Part]:
    attributes: dict[str, Any] = {}
    for path in paths:
        try:
            for batch in batches(path):
                yield from _of_rows(_only(batch, "run_id", run_id), attributes, root, path)
        except UnreadableSource as error:
            yield Skipped("file that cannot be read", message=str(error))
    yield _details(attributes)


def _of_rows(rows: pa.RecordBatch, attributes: dict[str, Any], root: Path, path: Path) -> Iterator[Part]:
    yield from _points(_only(rows.select([*SERIES]), "attribute_type", FLOATS))
    others = pc.not_equal(rows["attribute_type"], FLOATS)
    for row in rows.filter(others).to_pylist() if pc.any(others).as_py() else ():
        kind, key = row["attribute_type"], row["attribute_path"]
        if kind in VALUES:
            attributes[key] = row[VALUES[kind]]
        else:
            yield _other(row, kind, key, root, path)


def _only(rows: pa.RecordBatch, column: str, value: str) -> pa.RecordBatch:
    """Return the rows that have a value in a column: mostly all of them, which are then not copied."""
    is_it = pc.equal(rows[column], value)
    return rows if pc.all(is_it).as_py() else rows.filter(is_it)


def _points(rows: pa.RecordBatch) -> Iterator[Points]:
    """Yield the points of each attribute, in the order of the rows."""
    if not rows.num_rows:
        return
    paths = rows["attribute_path"].dictionary_encode()
    numbers = paths.indices.to_numpy()
    order = np.argsort(numbers, kind="stable")
    steps, times = _steps(rows["step"])[order], _times(rows["timestamp"])[order]
    values = pc.fill_null(rows["float_value"], float("nan")).to_numpy(zero_copy_only=False)[order]
    names = paths.dictionary.to_pylist()
    for part in np.split(np.arange(len(order)), np.flatnonzero(np.diff(numbers[order])) + 1):
        metric, variant = names_of_path(names[numbers[order[part[0]]]])
        yield Points(metric, variant, steps[part], values[part], times[part])


def _steps(column: pa.Array) -> Integers | Doubles:
    """Return steps as whole numbers, if all of them are."""
    steps = pc.fill_null(pc.cast(column, pa.float64()), 0.0).to_numpy(zero_copy_only=False)
    whole: Integers = steps.astype(np.int64)
    exact: Doubles = steps
    return whole if bool((whole == exact).all()) else exact


def _times(column: pa.Array) -> Integers:
    times: Integers = pc.fill_null(pc.cast(pc.cast(column, pa.timestamp("ms")), pa.int64()), 0).to_numpy()
    return times


def _other(row: dict[str, Any], kind: str, key: str, root: Path, path: Path) -> Part:
    step, time = float(row["step"] or 0), _milliseconds(row["timestamp"])
    names = names_of_path(key)
    if kind == TEXTS:
        text = row["string_value"] or ""
        return Lines([Line(time, text if key.endswith(CONSOLE) else f"[{key} @ {step:g}] {text}")])
    if kind == HISTOGRAMS and row["histogram_value"]:
        found = row["histogram_value"]
        return Plot(*names, step, time, figures.histogram(key, found["edges"], found["values"]))
    if kind in (FILES, FILE) and row["file_value"]:
        content = _file(row["file_value"]["path"], root, path)
        return Image(*names, step, time, content.name, content) if kind == FILES else Artifact(key, content)
    return Skipped(f"{kind} value")


def _file(name: str, root: Path, path: Path) -> Path:
    """Return where a file is: the exporter keeps files beside the folder of its tables, or below the same one."""
    folders = [root, root / "files", *(parent / "files" for parent in path.parents[:4]), *path.parents[:3]]
    return next((folder / name for folder in folders if (folder / name).is_file()), root / name)


def _details(attributes: dict[str, Any]) -> Details:
    system = {name: str(value) for name, value in attributes.items() if name.startswith(SYSTEM)}
    created, modified = attributes.get(CREATED), attributes.get(MODIFIED)
    details = Details(
        config={name: value for name, value in attributes.items() if not name.startswith(SYSTEM)},
        tags=attributes.get(TAGS) or (),
        started=_milliseconds(created) or None,
        ended=_milliseconds(modified) or None,
        fields=system,
    )
    return replace(details, status="failed") if attributes.get(FAILED) else details


def _milliseconds(moment: datetime | None) -> int:
    return round(moment.timestamp() * 1000) if moment else 0
