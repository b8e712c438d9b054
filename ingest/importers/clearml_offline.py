"""ClearML: what its SDK keeps of a run in offline mode, a zip with ``task.json``, ``metrics.jsonl`` and ``log.jsonl``.

A line of these is a list of events as they would be sent; files that they name by a path on the writer's machine are
below ``data/``. Source: what clearml 2.1 writes, and uploads with ``Task.import_offline_session``.
"""

from __future__ import annotations

import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ingest.importers.file_versions import version_of
from ingest.importers.point_buffer import PointBuffer
from ingest.importers.reading import readable
from ingest.importers.records import Artifact, Details, Image, Line, Lines, Part, Plot, Run, Skipped, UnreadableSource
from schema.events.tables import DEBUG_IMAGE, LOG, PLOT, SCALAR

TASK, EVENTS = "task.json", ("metrics.jsonl", "log.jsonl")
FILES = "data/"
KEPT = ("hyperparams", "configuration", "script", "container", "type")  # fields that a task takes as they are
STATUSES = frozenset(("completed", "failed", "stopped", "in_progress"))


@dataclass(frozen=True)
class ClearmlOffline:
    """The runs of a zip, or of all in a folder."""

    path: Path
    format: str = "clearml"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield the run of each zip."""
        for path in archives(self.path):
            try:
                yield from readable(_run(path), str(path))
            except UnreadableSource as error:
                yield Skipped("run that cannot be read", message=str(error))


def is_clearml(path: Path) -> bool:
    """Tell whether a path is a zip of ClearML, or a folder of such."""
    return bool(archives(path))


def archives(path: Path) -> list[Path]:
    """Return the zips of ClearML at a path."""
    return [one for one in ([path] if path.is_file() else sorted(path.glob("*.zip"))) if _is_archive(one)]


def _is_archive(path: Path) -> bool:
    try:
        with _opened(path) as archive:
            return TASK in archive.namelist()
    except UnreadableSource:
        return False


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile) as error:
        raise UnreadableSource(f"{path}: {error}") from error


def _run(path: Path) -> Iterator[Run]:
    with _opened(path) as archive:
        task = json.loads(archive.read(TASK))
    document = {name: task[name] for name in KEPT if task.get(name)}
    status = task.get("status")
    details = Details(
        document=document,
        tags=task.get("tags") or (),
        comment=task.get("comment") or "",
        status=status if status in STATUSES else "completed",
    )
    name, project = task.get("name") or task["id"], task.get("project_name") or "clearml"
    read = partial(_parts, path, task)
    yield Run(task["id"], name, project, read, details, path.stat().st_size, version=version_of([path]))


def _parts(path: Path, task: Mapping[str, Any]) -> Iterator[Part]:
    with _opened(path) as archive, tempfile.TemporaryDirectory(prefix="eventide-import-") as folder:
        files = ArchivedFiles(archive, Path(folder))
        buffer = PointBuffer()
        try:
            for event in _events(archive):
                yield from _of_event(event, buffer, files)
                yield from buffer.full()
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError) as error:
            yield Skipped("damaged file", message=f"{path}: {error}")
        yield from buffer.rest()
        for artifact in (task.get("execution") or {}).get("artifacts") or ():
            yield from _artifact(artifact, files)


def _events(archive: zipfile.ZipFile) -> Iterator[Mapping[str, Any]]:
    for name in EVENTS:
        if name in archive.namelist():
            with archive.open(name) as file:
                for line in file:
                    yield from json.loads(line)


@dataclass(frozen=True)
class ArchivedFiles:
    """The files of an archive; they are unpacked into ``folder`` when they are needed."""

    archive: zipfile.ZipFile
    folder: Path

    def find(self, path: str) -> Path | None:
        """Return the file that the writer knew by a path; None if it is not in the archive."""
        name = FILES + path.rpartition(f"/{FILES}")[2].lstrip("/")
        return Path(self.archive.extract(name, self.folder)) if name in self.archive.namelist() else None


def _of_event(event: Mapping[str, Any], buffer: PointBuffer, files: ArchivedFiles) -> Iterator[Part]:
    kind, names = event.get("type"), (str(event.get("metric") or ""), str(event.get("variant") or ""))
    step, time = event.get("iter") or 0, int(event.get("timestamp") or 0)
    if kind == SCALAR and isinstance(event.get("value"), int | float):
        buffer.add(names, step, float(event["value"]), time)
    elif kind == LOG:
        yield Lines([Line(time, str(event.get("msg") or ""), str(event.get("level") or "info"))])
    elif kind == PLOT:
        yield _plot(event, names, step, time)
    elif kind == DEBUG_IMAGE and (path := files.find(str(event.get("url") or ""))):
        yield Image(*names, step, time, path.name, path)
    elif kind == DEBUG_IMAGE:
        yield Skipped("image that is not in the zip")
    else:
        yield Skipped(f"{kind} event")


def _plot(event: Mapping[str, Any], names: tuple[str, str], step: int, time: int) -> Part:
    try:
        return Plot(*names, step, time, json.loads(event["plot_str"]))
    except (KeyError, TypeError, ValueError):
        return Skipped("plot that is not JSON")


def _artifact(artifact: Mapping[str, Any], files: ArchivedFiles) -> Iterator[Part]:
    if path := files.find(str(artifact.get("uri") or "")):
        yield Artifact(str(artifact.get("key")), path)
    else:
        yield Skipped("artifact that is not in the zip")
