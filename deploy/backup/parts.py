"""The parts of a backup beside the store's: databases of SQLite, files, and the secrets of the data directory."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path

from deploy.data_directory import CREDENTIALS, TOKEN_SECRET_FILE, WEB_CREDENTIALS

SECRETS = (TOKEN_SECRET_FILE, CREDENTIALS, WEB_CREDENTIALS)
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
    count, folders = 0, [""]
    while folders:  # not os.walk, which calls itself: clients choose how deep folders are
        folder = folders.pop()
        os.makedirs(os.path.join(target, folder), exist_ok=True)
        for entry in _entries(os.path.join(source, folder)):
            name = os.path.join(folder, entry.name)
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            elif entry.is_file(follow_symlinks=False) and not BEING_WRITTEN.search(name):
                earlier = os.path.join(base, name) if base else None
                count += _is_copied(entry.path, os.path.join(target, name), earlier)
    return count


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except FileNotFoundError:
        return []


def _is_copied(file: str, target: str, earlier: str | None) -> bool:
    """Copy a file, or link what the earlier backup has; tell whether it was still there."""
    try:
        if earlier and _is_same(file, earlier):
            with suppress(OSError):  # of a file system without links, or another one
                os.link(earlier, target)
                return True
        shutil.copy2(file, target)
    except FileNotFoundError:
        return False
    return True


def _is_same(file: str, earlier: str) -> bool:
    try:
        was, now = os.stat(earlier), os.stat(file)
    except FileNotFoundError:
        return False
    return (was.st_size, was.st_mtime_ns) == (now.st_size, now.st_mtime_ns)
