"""TensorBoard: a folder of event files. Every folder that has some is a run, as TensorBoard itself shows it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ingest.importers.file_versions import version_of
from ingest.importers.protobuf import MalformedMessage
from ingest.importers.records import Details, Part, Points, Run, Skipped, UnreadableSource
from ingest.importers.tensorboard_events import EventReader, Scalar
from ingest.importers.tensorboard_scalars import ScalarRows, scalar_rows
from ingest.importers.tfrecords import Chunk, chunks
from schema.adapters.metric_keys import names_of_path

MARK = "tfevents"
FIRST_BYTES = 64  # of a file: length, checksums and time of its first event, which says when it was begun, to the µs


@dataclass(frozen=True)
class TensorBoard:
    """The runs in a folder, or of one event file."""

    path: Path
    format: str = "tensorboard"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield a run for each folder that has event files, in the order of their names."""
        if self.path.is_file():
            yield _run_or_reason(self.path.parent, self.path.parent.resolve().name, [self.path])
            return
        for folder, files in sorted(_folders(self.path)):
            if files:
                name = self.path.resolve().name if folder == self.path else str(folder.relative_to(self.path))
                yield _run_or_reason(folder, name, files)


def is_tensorboard(path: Path) -> bool:
    """Tell whether a path is an event file, or a folder with one below it."""
    if path.is_file():
        return MARK in path.name
    return any(files for _, files in _folders(path))


def _folders(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each folder with its event files. Links are followed; a folder that is reached twice is yielded once."""
    seen = set[str]()
    for folder, inner, files in os.walk(root, followlinks=True):
        if (place := os.path.realpath(folder)) in seen:
            inner.clear()
            continue
        seen.add(place)
        yield Path(folder), sorted(Path(folder, name) for name in files if MARK in name)


def _run_or_reason(folder: Path, name: str, files: list[Path]) -> Run | Skipped:
    try:
        return _run(folder, name, files)
    except OSError as error:
        return Skipped("run that cannot be read", message=f"{folder}: {error}")


def _run(folder: Path, name: str, files: list[Path]) -> Run:
    """Return the run of a folder. Its id stays the same when the folder is moved, and when files are added to it."""
    begun = hashlib.sha256()
    begun.update(f"{folder.resolve().name}/{files[0].name}/".encode())
    with files[0].open("rb") as file:
        begun.update(file.read(FIRST_BYTES))
    weight = sum(path.stat().st_size for path in files)
    return Run(
        begun.hexdigest()[:32],
        name,
        folder.resolve().parent.name,
        partial(_parts, files),
        weight=weight,
        version=version_of(files),
    )


def _parts(files: list[Path]) -> Iterator[Part]:
    """Yield the parts of a run; a file that is torn or damaged ends in one line, and the next one follows."""
    reader, details = EventReader(), Details()
    for path in files:
        try:
            for chunk in chunks(path):
                for part in _of_chunk(chunk, reader, path):
                    if isinstance(part, Details):
                        details = _merged(details, part)
                    else:
                        yield part
        except UnreadableSource as error:
            yield Skipped("torn or damaged file", message=str(error))
    yield details


def _merged(before: Details, new: Details) -> Details:
    return replace(
        before,
        config={**before.config, **new.config},
        tags=[*before.tags, *new.tags],
        status=new.status if new.status != "completed" else before.status,
        started=new.started or before.started,
        ended=new.ended or before.ended,
    )


def _of_chunk(chunk: Chunk, reader: EventReader, path: Path) -> Iterator[Part]:
    """Yield the parts of a chunk's events: scalars by tag, in the order of the file, and anything else."""
    if chunk.damaged:
        yield Skipped("damaged record", chunk.damaged, f"{path}: {chunk.damaged} records have wrong checksums")
    rows, others = scalar_rows(chunk)
    scalars: dict[str, list[tuple[int, Scalar]]] = {}
    for place in others.tolist():
        try:
            for found in reader.read(chunk.record(place)):
                if isinstance(found, Scalar):
                    scalars.setdefault(found.tag, []).append((place, found))
                else:
                    yield found
        except MalformedMessage as error:
            yield Skipped("malformed event", message=f"{path}: an event cannot be read: {error}")
    yield from _points(rows + [_as_rows(tag, of_tag) for tag, of_tag in scalars.items()])


def _as_rows(tag: str, scalars: list[tuple[int, Scalar]]) -> ScalarRows:
    return ScalarRows(
        tag,
        np.array([place for place, _ in scalars]),
        np.array([scalar.step for _, scalar in scalars]),
        np.array([scalar.value for _, scalar in scalars], np.float64),
        np.array([scalar.time for _, scalar in scalars]),
    )


def _points(rows: list[ScalarRows]) -> Iterator[Points]:
    by_tag: dict[str, list[ScalarRows]] = {}
    for part in rows:
        by_tag.setdefault(part.tag, []).append(part)
    for tag, parts in by_tag.items():
        order = np.argsort(np.concatenate([part.places for part in parts]), kind="stable")
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in ("steps", "values", "times"))
        steps, values, times = (column[order] for column in columns)
        yield Points(*names_of_path(tag), steps, values, times)
