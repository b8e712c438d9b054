"""What ``eventide export`` wrote (docs/export.md): every event as it was, with all its fields."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from ingest.importers import parquet_files
from ingest.importers.records import Artifact, Details, Events, Part, Run, Scalars, Skipped, UnreadableSource
from schema.events.tables import DEBUG_IMAGE, LOG, PLOT, SCALAR, VECTOR

MARKER, VERSION, FORMATS = "export.json", 1, ("parquet", "csv")
TABLES = {"scalars": SCALAR, "vectors": VECTOR, "debug_images": DEBUG_IMAGE, "plots": PLOT, "logs": LOG}
FIELDS = ("metric", "variant", "iter", "timestamp", "worker", "value", "x_axis_label")  # of most scalars
AS_JSON = {VECTOR: ("value",)}
HELPERS = ("task", "discriminator", "extras", "received_at", "iter", "timestamp")
NUMBERS = {name: pa.int64() for name in ("iter", "timestamp", "received_at")} | {"model_event": pa.bool_()}
TEXTS = ("task", "metric", "variant", "worker", "discriminator", "extras", "x_axis_label", "level", "msg", "url")
KEPT = ("hyperparams", "configuration", "script", "container", "type")
STATUSES = {"completed": "completed", "published": "completed", "closed": "completed", "failed": "failed"}
STATUSES |= {"stopped": "stopped", "in_progress": "in_progress"}
EVENTS_AT_ONCE, SCALARS_AT_ONCE = 500, 100_000


@dataclass(frozen=True)
class EventideExport:
    """The tasks of an export."""

    path: Path
    format: str = "eventide"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield them in the order of their ids."""
        try:
            projects = {found["id"]: found["name"] for found in json.loads((self.path / "projects.json").read_bytes())}
        except (OSError, ValueError, KeyError) as error:
            raise UnreadableSource(f"{self.path}: {error!r}") from error
        for marker in sorted(self.path.glob("tasks/*/task.json")):
            try:
                yield self._run(marker.parent, json.loads(marker.read_bytes()), projects)
            except (OSError, ValueError, KeyError) as error:
                yield Skipped("run that cannot be read", message=f"{marker}: {error!r}")
        yield Skipped("model", sum(1 for _ in self.path.glob("models/*/model.json")))

    def _run(self, folder: Path, task: Mapping[str, Any], projects: Mapping[str, str]) -> Run:
        details = Details(
            document={name: task[name] for name in KEPT if task.get(name)},
            tags=task.get("tags") or (),
            fields={"comment": task["comment"]} if task.get("comment") else {},
            status=STATUSES.get(task["status"], "in_progress"),  # type: ignore[arg-type]
        )
        weight = sum(file.stat().st_size for file in folder.iterdir())
        read = partial(_parts, folder, Files(self.path / "files"), task)
        return Run(task["id"], task["name"], projects.get(task.get("project") or "", ""), read, details, weight)


def is_eventide_export(path: Path) -> bool:
    """Tell whether a folder is an export of this version, with tables: one for TensorBoard is TensorBoard's."""
    try:
        found = json.loads((path / MARKER).read_bytes())
        return found["version"] == VERSION and found["format"] in FORMATS
    except (OSError, ValueError, KeyError, TypeError):
        return False


@dataclass(frozen=True)
class Files:
    """The files of an export."""

    folder: Path

    def find(self, url: str) -> tuple[str, Path] | None:
        """Return path and file of an address; None if it is not in the export.

        The addresses of files servers end in the path: it is the longest end of the address that is there.
        """
        parts = unquote(url.partition("?")[0]).split("/")[3:]
        for start in range(len(parts)):
            path = "/".join(parts[start:])
            if path and ".." not in parts and (file := self.folder / path).is_file():
                return path, file
        return None


def _parts(folder: Path, files: Files, task: Mapping[str, Any]) -> Iterator[Part]:
    for name, event_type in TABLES.items():
        for batch in _batches(folder / name):
            for start in range(0, batch.num_rows, SCALARS_AT_ONCE):
                yield from _of_table(pa.table(batch.slice(start, SCALARS_AT_ONCE)), event_type, files)
    for artifact in (task.get("execution") or {}).get("artifacts") or ():
        if found := files.find(artifact.get("uri") or ""):
            yield Artifact(artifact["key"], found[1])


def _batches(place: Path) -> Iterator[pa.RecordBatch]:
    if (path := place.with_suffix(".parquet")).exists():
        yield from parquet_files.batches(path)
    elif (path := place.with_suffix(".csv")).exists():
        types = NUMBERS | {name: pa.string() for name in TEXTS}
        types["value"] = pa.float64() if place.name == "scalars" else pa.string()
        options = pa_csv.ConvertOptions(column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False)
        parsing = pa_csv.ParseOptions(newlines_in_values=True)
        yield from pa_csv.open_csv(path, convert_options=options, parse_options=parsing)


def _of_table(table: pa.Table, event_type: str, files: Files) -> Iterator[Part]:
    """Yield scalars that say no more than most do as columns, and anything else as events."""
    if event_type == SCALAR:
        is_usual = pc.and_(pc.equal(table["discriminator"], ""), pc.equal(table["extras"], ""))
        for name in ("timestamp", "value"):
            is_usual = pc.and_(is_usual, pc.is_valid(table[name]))
        if (usual := table.filter(is_usual).select(FIELDS)).num_rows:
            yield Scalars(usual)
        table = table.filter(pc.invert(is_usual))
    for start in range(0, table.num_rows, EVENTS_AT_ONCE):
        events = [_event(row, event_type) for row in table.slice(start, EVENTS_AT_ONCE).to_pylist()]
        yield Events(events, _files_of(events, files))


def _event(row: Mapping[str, Any], event_type: str) -> dict[str, Any]:
    """Return the event of a row, without its task."""
    event: dict[str, Any] = {"type": event_type}
    event |= {name: value for name, value in row.items() if value is not None and name not in HELPERS}
    event |= {name: json.loads(event[name]) for name in AS_JSON.get(event_type, ()) if name in event}
    event["timestamp"] = row["timestamp"]
    state, _, key = row["discriminator"].partition("k")
    if state != "a":
        event["iter"] = row["iter"]
    if key:
        event["key"] = json.loads(key)
    return event | (json.loads(row["extras"]) if row["extras"] else {})


def _files_of(events: list[dict[str, Any]], files: Files) -> dict[str, tuple[str, Path]]:
    """Return path and file of the images in the export, by the addresses in the events."""
    urls = {event["url"] for event in events if isinstance(event.get("url"), str)}
    found = {url: files.find(url) for url in urls}
    return {url: file for url, file in found.items() if file}
