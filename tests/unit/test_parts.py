"""``deploy/backup/parts.py``: copies of databases and files that change meanwhile."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

from deploy.backup.parts import copy_database, copy_files


def test_a_database_is_copied_while_it_is_written(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "a b#?%.db", isolation_level=None)) as writer:
        writer.executescript("PRAGMA journal_mode = WAL; CREATE TABLE t (a); INSERT INTO t VALUES (1)")
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("INSERT INTO t VALUES (2)")
        copy_database(tmp_path / "a b#?%.db", tmp_path / "copy.db")
        writer.execute("COMMIT")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT a FROM t").fetchall() == [(1,)]


def test_folders_may_be_deeper_than_python_calls_itself(tmp_path: Path) -> None:
    folder = tmp_path / "source"
    folder.mkdir()
    for _ in range(1200):
        folder = folder / "a"
        folder.mkdir()
    (folder / "file").write_text("deep")
    try:
        assert copy_files(tmp_path / "source", tmp_path / "copy") == 1
        assert (tmp_path / "copy" / folder.relative_to(tmp_path / "source") / "file").read_text() == "deep"
    finally:  # pytest would call itself for each folder
        subprocess.run(["rm", "-r", tmp_path / "source", tmp_path / "copy"], check=True)


def files(directory: Path) -> dict[str, str]:
    return {str(file.relative_to(directory)): file.read_text() for file in directory.rglob("*") if file.is_file()}


def test_files_of_the_base_are_links_and_what_changed_is_copied(tmp_path: Path) -> None:
    source, base, newer = tmp_path / "source", tmp_path / "base", tmp_path / "newer"
    for name, text in {"a/one": "1", "a/two": "2", "b#1": "half of a file"}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    assert copy_files(source, base) == 2
    (source / "a/two").write_text("3")
    os.utime(source / "a/two", (1, 1))
    (source / "new").write_text("4")
    assert copy_files(source, newer, base) == 3
    assert files(base) == {"a/one": "1", "a/two": "2"}
    assert files(newer) == {"a/one": "1", "a/two": "3", "new": "4"}
    assert (newer / "a/one").samefile(base / "a/one")
