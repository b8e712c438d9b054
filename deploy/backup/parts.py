"""The parts of a backup beside the store's: databases of SQLite, files, and the secrets of the data directory."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

SECRETS = ("token-secret", "credentials.json", "web-credentials.json")
BEING_WRITTEN = re.compile(r"#\d+$")  # how the object store's names end until a file is whole


def copy_database(source: Path, target: Path) -> None:
    """Copy a database of SQLite as it is at one moment, while others write to it."""
    source_uri = f"{source.resolve().as_uri()}?mode=ro"
    with closing(sqlite3.connect(source_uri, uri=True)) as reader, closing(sqlite3.connect(target)) as writer:
        reader.backup(writer)


def copy_secrets(source: Path, target: Path) -> None:
    """Copy the files by which keys and tokens stay good."""
    for name in SECRETS:
        with suppress(FileNotFoundError):
            shutil.copy2(source / name, target / name)


def copy_files(source: Path, target: Path, base: Path | None = None) -> int:
    """Copy a directory of files; return how many there are.

    Files that ``base`` has, of the same size and time, are hard links to those where the file system can. A file that
    is removed meanwhile is left out.
    """
    count = 0
    for file in _files(source):
        name = file.relative_to(source)
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            _copy(file, target / name, base / name if base else None)
            count += 1
    return count


def _files(directory: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(directory):
        yield from (Path(folder) / name for name in names if not BEING_WRITTEN.search(name))


def _copy(file: Path, target: Path, earlier: Path | None) -> None:
    if earlier and _is_same(file, earlier):
        with suppress(OSError):  # of a file system without links, or another one
            os.link(earlier, target)
            return
    shutil.copy2(file, target)


def _is_same(file: Path, earlier: Path) -> bool:
    try:
        was, now = earlier.stat(), file.stat()
    except FileNotFoundError:
        return False
    return (was.st_size, was.st_mtime_ns) == (now.st_size, now.st_mtime_ns)
