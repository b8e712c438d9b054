"""trackio: a project is an SQLite database, beside a folder ``media``; values are JSON objects, one for each step.

Source: the tables and files that trackio 0.43 writes.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from ingest.importers import figures
from ingest.importers.file_versions import version_of
from ingest.importers.logged_values import LoggedValues, Place
from ingest.importers.reading import readable
from ingest.importers.records import Details, Image, Line, Lines, Part, Plot, Run, Skipped, UnreadableSource
from ingest.importers.sqlite_files import is_database_with, opened, rows, sqlite_paths, table_names
from ingest.importers.times import milliseconds
from schema.adapters.metric_keys import names_of_path

TABLES = ("metrics", "configs", "system_metrics")
FILES = frozenset(f"trackio.{name}" for name in ("image", "audio", "video", "html", "object3d"))
MONITOR = ":monitor:machine"
GPU, GPU_MONITOR = "gpu", ":monitor:gpu"
LEVELS = {"warn": "warning"}
RUNS_SQL = """SELECT run_id, min(run_name) AS name, count(*) AS weight FROM (
    SELECT run_id, run_name FROM metrics UNION ALL SELECT run_id, run_name FROM configs
    UNION ALL SELECT run_id, run_name FROM system_metrics) GROUP BY run_id ORDER BY name"""
METRICS_SQL = "SELECT timestamp, step, metrics FROM metrics WHERE run_id = ? ORDER BY id"
SYSTEM_SQL = "SELECT timestamp, metrics FROM system_metrics WHERE run_id = ? ORDER BY id"
CONFIG_SQL = "SELECT config, created_at FROM configs WHERE run_id = ?"
ALERTS_SQL = "SELECT timestamp, title, text, level, step FROM alerts WHERE run_id = ? ORDER BY id"


@dataclass(frozen=True)
class Trackio:
    """The runs of a project's database, or of all in a folder."""

    path: Path
    format: str = "trackio"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield the runs of each database."""
        for path in databases(self.path):
            try:
                yield from readable(_runs(path), str(path))
            except UnreadableSource as error:
                yield Skipped("database that cannot be read", message=str(error))


def is_trackio(path: Path) -> bool:
    """Tell whether a path is a project of trackio, or a folder of such."""
    return bool(databases(path))


def databases(path: Path) -> list[Path]:
    """Return the databases of trackio at a path."""
    found = [path] if path.is_file() else sorted(path.glob("*.db"))
    return [one for one in found if is_database_with(one, *TABLES)]


def _runs(path: Path) -> Iterator[Run]:
    with opened(path) as connection:
        version = version_of(sqlite_paths(path))
        for row in rows(connection, RUNS_SQL):
            read = partial(_parts, path, row["run_id"])
            yield Run(row["run_id"], row["name"], path.stem, read, weight=row["weight"], version=version)


def _parts(path: Path, run_id: str) -> Iterator[Part]:
    with opened(path) as connection:
        values = LoggedValues(partial(_typed, path.parent / "media"))
        for row in rows(connection, METRICS_SQL, (run_id,)):
            yield from _logged(row, values, "", row["step"])
        for number, row in enumerate(rows(connection, SYSTEM_SQL, (run_id,))):
            yield from _logged(row, values, MONITOR, number)
        yield from values.buffer.rest()
        tables = table_names(connection)
        if "alerts" in tables:
            yield from (_alert(row) for row in rows(connection, ALERTS_SQL, (run_id,)))
        if "traces" in tables:
            (count,) = connection.execute("SELECT count(*) FROM traces WHERE run_id = ?", (run_id,)).fetchone()
            yield Skipped("trace", count)
        yield _details(connection, run_id)


def _logged(row: sqlite3.Row, values: LoggedValues, prefix: str, step: int) -> Iterator[Part]:
    """Yield what one call logged. ``prefix``: the metric of what the machine is like."""
    logged = json.loads(row["metrics"])
    time = milliseconds(row["timestamp"])
    for key, value in logged.items():
        name = key
        if prefix:
            name = f"{GPU_MONITOR if key.startswith(GPU) else prefix}/{key}"
        yield from values.read(value, Place(name, step, time))
    yield from values.buffer.full()


def _typed(media: Path, value: Mapping[str, Any], place: Place) -> Iterator[Part]:
    metric, variant = names_of_path(place.key)
    kind = value["_type"]
    if kind in FILES and value.get("file_path"):
        path = media / value["file_path"]
        yield Image(metric, variant, place.step, place.time, path.name, path)
    elif kind == "trackio.histogram":
        figure = figures.histogram(place.key, value.get("bins") or [], value.get("values") or [])
        yield Plot(metric, variant, place.step, place.time, figure)
    elif kind == "trackio.table":
        yield Plot(metric, variant, place.step, place.time, figures.table_of_mappings(place.key, value["_value"]))
    elif kind == "trackio.markdown":
        yield Lines([Line(place.time, f"[{place.key} @ {place.step:g}] {value.get('_value')}")])
    else:
        yield Skipped(f"{kind} value")


def _alert(row: sqlite3.Row) -> Lines:
    text = ": ".join(str(row[name]) for name in ("title", "text") if row[name])
    at = f" @ {row['step']}" if row["step"] is not None else ""
    return Lines([Line(milliseconds(row["timestamp"]), f"[alert{at}] {text}", LEVELS.get(row["level"], row["level"]))])


def _details(connection: sqlite3.Connection, run_id: str) -> Details:
    for row in rows(connection, CONFIG_SQL, (run_id,)):
        config = json.loads(row["config"])
        tags = [config["_Group"]] if config.get("_Group") else []
        own = {name: value for name, value in config.items() if not name.startswith("_")}
        return Details(config=own, tags=tags, started=milliseconds(config.get("_Created") or row["created_at"]))
    return Details()
