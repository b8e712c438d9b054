"""SQLite databases of other programs, opened without changing them."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ingest.importers.records import UnreadableSource

HEADER = b"SQLite format 3\x00"
BUSY_SECONDS = 10.0


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Open a database to read. Raises UnreadableSource for whatever SQLite complains of."""
    try:
        with closing(_connect(path)) as connection:
            yield connection
    except (sqlite3.Error, UnicodeDecodeError) as error:  # a text may be damaged, too
        raise UnreadableSource(f"{path}: {error}") from error


def is_database_with(path: Path, *tables: str) -> bool:
    """Tell whether a file is an SQLite database that has these tables."""
    try:
        with path.open("rb") as file:
            if file.read(len(HEADER)) != HEADER:
                return False
        with opened(path) as connection:
            return set(tables) <= table_names(connection)
    except (OSError, UnreadableSource):
        return False


def table_names(connection: sqlite3.Connection) -> set[str]:
    """Return the names of all tables."""
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def sqlite_paths(path: Path) -> list[Path]:
    """Return the files of a database: itself, and its write-ahead log, where the newest changes may be."""
    return [one for one in (path, path.with_name(f"{path.name}-wal")) if one.exists()]


def rows(connection: sqlite3.Connection, statement: str, parameters: Sequence[Any] = ()) -> Iterator[sqlite3.Row]:
    """Yield the rows of a statement, by name."""
    connection.row_factory = sqlite3.Row
    yield from connection.execute(statement, parameters)


def _connect(path: Path) -> sqlite3.Connection:
    """Open a file, also one that others write to; in a folder without write permission as one that nobody does."""
    uri = path.resolve().as_uri()
    try:
        connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
        connection.execute("SELECT count(*) FROM sqlite_master")
        return connection
    except sqlite3.OperationalError:
        return sqlite3.connect(f"{uri}?mode=ro&immutable=1", uri=True, check_same_thread=False)
