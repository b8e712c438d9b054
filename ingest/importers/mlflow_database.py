"""MLflow's tracking store in SQLite or PostgreSQL."""

from __future__ import annotations

import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import psycopg
from psycopg.rows import dict_row

from ingest.importers.file_versions import version_of
from ingest.importers.mlflow_runs import artifacts, details, latest
from ingest.importers.records import Part, Run, Skipped, UnreadableSource
from ingest.importers.sqlite_files import is_database_with, opened, rows, sqlite_paths

TABLES = ("experiments", "runs", "metrics", "params", "tags")
SCHEMES = ("postgresql://", "postgresql+psycopg2://", "postgresql+psycopg://", "postgres://")
NO_PLACE = {
    "dataset": "SELECT count(*) AS n FROM datasets",
    "registered model": "SELECT count(*) AS n FROM registered_models",
    "model version": "SELECT count(*) AS n FROM model_versions",
    "logged model": "SELECT count(*) AS n FROM logged_models",
    "trace": "SELECT count(*) AS n FROM trace_info",
}
FETCHED_ROWS = 50_000
RUNS_SQL = """SELECT r.run_uuid AS id, r.name AS name, e.name AS experiment, r.status AS status,
    r.start_time AS started, r.end_time AS ended, r.artifact_uri AS uri, r.lifecycle_stage AS stage
    FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id ORDER BY r.start_time, r.run_uuid"""
PARAMS_SQL = "SELECT key, value FROM params WHERE run_uuid = $1 ORDER BY key"
TAGS_SQL = "SELECT key, value FROM tags WHERE run_uuid = $1 ORDER BY key"
METRICS_SQL = "SELECT key, step, value, timestamp, is_nan FROM metrics WHERE run_uuid = $1 ORDER BY key, step"
INFINITE = 1.7976931348623157e308  # MLflow keeps an infinite value as the greatest double
Row = Mapping[str, Any] | sqlite3.Row


class Database(Protocol):
    """Statements, with ``$1`` for their parameter."""

    def read(self, statement: str, *parameters: str) -> Iterator[Row]:
        """Yield rows by name. Raises UnreadableSource."""

    def version(self) -> str:
        """Return what changes with every write, or nothing."""


@dataclass(frozen=True)
class SqliteDatabase:
    """A store in a file."""

    path: Path

    def read(self, statement: str, *parameters: str) -> Iterator[Row]:
        """Yield rows by name. Raises UnreadableSource."""
        with opened(self.path) as connection:
            yield from rows(connection, statement.replace("$1", "?"), parameters)

    def version(self) -> str:
        """Return what changes with every write."""
        return version_of(sqlite_paths(self.path))


@dataclass(frozen=True)
class PostgresDatabase:
    """A store on a server. ``url``: as SQLAlchemy has it."""

    url: str

    def read(self, statement: str, *parameters: str) -> Iterator[Row]:
        """Yield rows by name, without keeping all of them at once. Raises UnreadableSource."""
        with self._cursor() as cursor:
            cursor.itersize = FETCHED_ROWS
            cursor.execute(statement.replace("$1", "%s").encode(), parameters)
            yield from cursor

    def version(self) -> str:
        """Return nothing: a server does not tell."""
        return ""

    @contextmanager
    def _cursor(self) -> Iterator[psycopg.ServerCursor[dict[str, Any]]]:
        try:
            address = "postgresql://" + self.url.partition("://")[2]
            with psycopg.connect(address) as connection, connection.cursor("eventide", row_factory=dict_row) as cursor:
                yield cursor
        except psycopg.Error as error:
            raise UnreadableSource(f"MLflow database: {error}".strip().replace("\n", " ")) from error


@dataclass(frozen=True)
class MlflowDatabase:
    """The runs of a tracking store. ``near``: the folder in which artifacts may be."""

    database: Database
    near: Path
    format: str = "mlflow"

    def runs(self) -> Iterator[Run | Skipped]:
        """Yield all runs but deleted ones."""
        version = self.database.version()
        for row in self.database.read(RUNS_SQL):
            if row["stage"] == "deleted":
                yield Skipped("deleted run")
            else:
                read = partial(self._parts, dict(row))
                yield Run(row["id"], row["name"] or row["id"], row["experiment"], read, version=version)
        for name, statement in NO_PLACE.items():
            with suppress(UnreadableSource):  # earlier versions of MLflow lack some of them
                yield from (Skipped(name, row["n"]) for row in self.database.read(statement) if row["n"])

    def _parts(self, run: Mapping[str, Any]) -> Iterator[Part]:
        found = self.database.read(METRICS_SQL, run["id"])
        for key, of_key in groupby(found, lambda row: str(row["key"])):
            yield from _points(key, of_key)
        yield from artifacts(run["uri"] or "", self.near)
        params = {row["key"]: row["value"] for row in self.database.read(PARAMS_SQL, run["id"])}
        tags = {row["key"]: row["value"] for row in self.database.read(TAGS_SQL, run["id"])}
        yield details(params, tags, run["status"] or "", run["started"], run["ended"])


def is_mlflow_sqlite(path: Path) -> bool:
    """Tell whether a path is a store in a file, or a folder with one called ``mlflow.db``."""
    return is_database_with(sqlite_file(path), *TABLES)


def sqlite_file(path: Path) -> Path:
    """Return the file of a store."""
    return path / "mlflow.db" if path.is_dir() else path


def open_sqlite(path: Path) -> MlflowDatabase:
    """Return the source at a path."""
    return MlflowDatabase(SqliteDatabase(sqlite_file(path)), sqlite_file(path).parent)


def open_postgres(url: str) -> MlflowDatabase:
    """Return the source at a URL."""
    return MlflowDatabase(PostgresDatabase(url), Path())


def _points(key: str, found: Iterable[Row]) -> Iterator[Part]:
    """Yield the points of one key, which takes 24 bytes for each."""
    steps, values, times = array("q"), array("d"), array("q")
    for row in found:
        steps.append(row["step"])
        values.append(float("nan") if row["is_nan"] else row["value"])
        times.append(row["timestamp"])
    numbers = np.array(values)
    numbers[np.abs(numbers) >= INFINITE] *= np.inf
    yield from latest(key, np.array(steps), numbers, np.array(times))
