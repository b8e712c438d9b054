"""W&B: the folders of runs that it keeps on the machine, ``wandb/offline-run-…`` and ``wandb/run-…``.

Source: the files that wandb 0.31 writes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ingest.importers import wandb_records as w
from ingest.importers.console import Console
from ingest.importers.file_versions import version_of
from ingest.importers.leveldb_log import Damaged, records
from ingest.importers.logged_values import LoggedValues, Place
from ingest.importers.protobuf import MalformedMessage, fields, number, signed
from ingest.importers.reading import readable
from ingest.importers.records import SINGLE_VALUE, Artifact, Details, Line, Lines, Part, Run, Skipped, UnreadableSource
from ingest.importers.wandb_media import media_parts

PATTERNS = ("*.wandb", "*/*.wandb", "*/*/*.wandb")
MONITOR, GPU, GPU_MONITOR = ":monitor:machine", "gpu", ":monitor:gpu"
NO_PLACE = {
    w.ARTIFACT: "artifact",
    w.USE_ARTIFACT: "use of an artifact",
    w.METRIC: "definition of a metric",
    w.TB: "TensorBoard folder",
}
OWN_FILES = frozenset(("output.log",))  # the console, which comes as the log
MEDIA = "media"


@dataclass(frozen=True)
class Wandb:
    """The runs in a folder, or of one file."""

    path: Path
    format: str = "wandb"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield the run of each file."""
        for path in files(self.path):
            try:
                yield from readable(_run(path), str(path))
            except UnreadableSource as error:
                yield Skipped("run that cannot be read", message=str(error))


def is_wandb(path: Path) -> bool:
    """Tell whether a path is a run of W&B, or a folder of such."""
    return bool(files(path))


def files(path: Path) -> list[Path]:
    """Return the files of runs at a path; that of the latest run has a second name there."""
    if path.is_file():
        return [path] if path.suffix == ".wandb" else []
    found = (one.resolve() for pattern in PATTERNS for one in path.glob(pattern))
    return sorted(dict.fromkeys(found))


def _run(path: Path) -> Iterator[Run]:
    """Yield the run of a file, by the record that its writer begins with. Raises UnreadableSource."""
    for record in records(path):
        kind, message = w.kind_of(record) if isinstance(record, bytes) else (0, b"")
        if kind == w.RUN:
            texts = w.texts(message)
            run_id, entity, project = (texts.get(name, [""])[0] for name in (1, 2, 3))
            where = f"{entity}/{project}" if entity else project
            name = texts.get(8, [run_id])[0]
            read = partial(_parts, path)
            weight, version = path.stat().st_size, version_of([path])
            yield Run(
                run_id,
                name,
                where or "wandb",
                read,
                weight=weight,
                log=path.parent.name,
                version=f"{path.name} {version}",
            )
            return
    raise UnreadableSource(f"{path}: does not say which run it is of")


def _parts(path: Path) -> Iterator[Part]:
    reader = RunReader(path.parent / "files")
    try:
        for record in records(path):
            if isinstance(record, Damaged):
                yield Skipped("damaged record", message=f"{path}: damaged in the block at byte {record.offset}")
            else:
                yield from _of_record(reader, record, path)
    except UnreadableSource as error:
        yield Skipped("torn file", message=str(error))
    yield from reader.end()


def _of_record(reader: RunReader, record: bytes, path: Path) -> Iterator[Part]:
    try:
        yield from reader.read(record)
    except MalformedMessage as error:
        yield Skipped("malformed record", message=f"{path}: a record cannot be read: {error}")


@dataclass
class RunReader:
    """Turns the records of one run into parts. ``files``: the folder of its files."""

    files: Path
    details: Details = field(
        default_factory=lambda: Details(status="stopped", status_reason="its end was not recorded")
    )

    def __post_init__(self) -> None:
        self._values = LoggedValues(partial(media_parts, self.files))
        self._console = Console()
        self._summary: dict[str, w.Item] = {}
        self._config: dict[str, w.Item] = {}
        self._keys: set[str] = set()
        self._steps = self._stats = self._time = 0
        self._readers: dict[int, Callable[[bytes], Iterator[Part]]] = {
            w.HISTORY: self._history,
            w.SUMMARY: self._changes(self._summary),
            w.CONFIG: self._changes(self._config),
            w.STATS: self._stats_parts,
            w.OUTPUT: self._output,
            w.OUTPUT_RAW: self._output,
            w.ALERT: self._alert,
            w.RUN: self._run_details,
            w.EXIT: self._exit,
            w.ENVIRONMENT: self._environment,
        }

    def read(self, record: bytes) -> Iterator[Part]:
        """Yield what a record says. Raises MalformedMessage."""
        kind, message = w.kind_of(record)
        if kind in NO_PLACE:
            yield Skipped(NO_PLACE[kind])
        elif kind in self._readers:
            yield from self._readers[kind](message)

    def end(self) -> Iterator[Part]:
        """Yield what waits until all records are read: values of the summary alone, files, and what is said of it."""
        yield from self._console.end()
        alone = [item for item in self._summary.values() if item.key not in self._keys]
        for key, value in w.tree(alone).items():
            if not key.startswith("_"):
                yield from self._values.read(value, Place(key, SINGLE_VALUE, self._time))
        yield from self._values.buffer.rest()
        yield from self._artifacts()
        own = {name: value for name, value in w.tree(self._config.values()).items() if name != "_wandb"}
        yield replace(self.details, config=own)

    def _history(self, message: bytes) -> Iterator[Part]:
        found = list(w.items(message, 1))
        self._keys.update(item.key for item in found)
        items, told = w.tree(found), w.step_of(message)
        step = int(items.get("_step", self._steps if told is None else told))
        self._steps = step + 1
        self._time = round(float(items.get("_timestamp", 0)) * 1000) or self._time
        for key, value in items.items():
            if not key.startswith("_"):
                yield from self._values.read(value, Place(key, step, self._time))
        yield from self._values.buffer.full()

    def _changes(self, mapping: dict[str, w.Item]) -> Callable[[bytes], Iterator[Part]]:
        def change(message: bytes) -> Iterator[Part]:
            mapping.update((item.key, item) for item in w.items(message, 1))
            for item in w.items(message, 2):
                mapping.pop(item.key, None)
            return iter(())

        return change

    def _stats_parts(self, message: bytes) -> Iterator[Part]:
        time = w.timestamp(message, 2) or self._time
        for item in w.items(message, 3):
            monitor = GPU_MONITOR if item.key.startswith(GPU) else MONITOR
            yield from self._values.read(item.value, Place(f"{monitor}/{item.key}", self._stats, time))
        self._stats += 1
        yield from self._values.buffer.full()

    def _output(self, message: bytes) -> Iterator[Part]:
        time = w.timestamp(message, 2) or self._time
        kind = next((number(value) for name, value in fields(message) if name == 1 and isinstance(value, int)), 0)
        for text in w.texts(message).get(3, ()):
            yield from self._console.write(kind, text, time)

    def _alert(self, message: bytes) -> Iterator[Part]:
        texts = w.texts(message)
        text = ": ".join(texts[name][0] for name in (1, 2) if name in texts)
        yield Lines([Line(self._time, f"[alert] {text}", "warning")])

    def _run_details(self, message: bytes) -> Iterator[Part]:
        texts = w.texts(message)
        for name, value in fields(message):
            if name == 4 and isinstance(value, bytes):
                self._changes(self._config)(value)
        started = w.timestamp(message, 17)
        names = {6: "group", 7: "job type", 12: "sweep", 13: "host"}
        said = {name: texts[place][0] for place, name in names.items() if place in texts}
        tags, notes = texts.get(10, []), texts.get(9, [""])[0]
        self.details = replace(self.details, tags=tags, comment=notes, started=started, fields=said)
        self._time = started or self._time
        return iter(())

    def _exit(self, message: bytes) -> Iterator[Part]:
        code = next((signed(number(value)) for name, value in fields(message) if name == 1), 0)
        reason = f"exit code {code}" if code else ""
        self.details = replace(self.details, status="failed" if code else "completed", status_reason=reason)
        return iter(())

    def _environment(self, message: bytes) -> Iterator[Part]:
        texts, names = w.texts(message), {1: "os", 2: "python", 6: "program", 12: "host", 14: "executable"}
        said: Mapping[str, str] = {name: texts[place][0] for place, name in names.items() if place in texts}
        self.details = replace(self.details, fields={**self.details.fields, **said})
        return iter(())

    def _artifacts(self) -> Iterator[Part]:
        for path in sorted(self.files.rglob("*")):
            name = path.relative_to(self.files)
            if path.is_file() and name.parts[0] != MEDIA and name.as_posix() not in OWN_FILES:
                yield Artifact(name.as_posix(), path)
