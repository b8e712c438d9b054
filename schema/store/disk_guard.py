"""A guard of the disk under the embedded store: it keeps room free, as chDB loses what it writes on a full disk.

chDB (4.4) goes on when a write fails for want of space: it publishes the part of an insert, a merge or a deletion with
empty files, and reports nothing. So nothing is written unless RESERVE is free, before and after: chDB's configuration
holds merges to it, and ``writing`` our statements. If another program fills the disk faster than that, tables are read
anew once there is room: chDB then puts broken parts aside and takes up those that they were made of.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from schema.errors import Unavailable

RESERVE = 512 << 20  # bytes; of a small disk an eighth
# Backups go where the command's caller says: it runs as the user that owns the data, and no client's SQL gets here.
CONFIG = """\
<clickhouse>
<storage_configuration><disks><default>
    <keep_free_space_bytes>{reserve}</keep_free_space_bytes>
</default></disks></storage_configuration>
<backups><allowed_path>/</allowed_path></backups>
</clickhouse>
"""
TABLES_SQL = "SELECT arrayStringConcat(groupArray(name), ' ') FROM system.tables WHERE database = currentDatabase()"
DETACHED_SQL = "SELECT arrayStringConcat(groupArray(table), ' ') FROM system.detached_tables"

Command = Callable[[str], object]


class DiskGuard:
    """The guard of one directory of chDB. ``config``: the file that chDB is to be started with."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.resolve()
        self._was_full = False
        self.config = self._directory / "disk.xml"
        wanted = CONFIG.format(reserve=_reserve(os.statvfs(directory)))
        if not self.config.exists() or self.config.read_text() != wanted:
            self.config.write_text(wanted)

    @contextmanager
    def writing(self, command: Command) -> Iterator[None]:
        """Guard a statement that writes.

        Raises Unavailable if there is no room before it, or after it: what it wrote may then be lost.
        """
        self._need_room()
        if self._was_full:
            _read_tables_anew(command)
            self._was_full = False
        try:
            yield
        finally:
            self._need_room()

    def _need_room(self) -> None:
        try:
            need_room(self._directory)
        except Unavailable:
            self._was_full = True
            raise


def need_room(directory: Path, reserves: float = 1) -> None:
    """Raise Unavailable unless this many times the reserve is free on the directory's disk."""
    state = os.statvfs(directory)
    needed = int(reserves * _reserve(state))
    if state.f_bavail * state.f_frsize < needed:
        raise Unavailable(f"Less than {needed >> 20} MiB are free on the disk of {directory}")


def _reserve(state: os.statvfs_result) -> int:
    return min(RESERVE, state.f_blocks * state.f_frsize // 8)


def _read_tables_anew(command: Command) -> None:
    for table in str(command(TABLES_SQL)).split():
        command(f"DETACH TABLE {table} SYNC")
    for table in str(command(DETACHED_SQL)).split():
        command(f"ATTACH TABLE {table}")
