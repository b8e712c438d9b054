"""A process's write-ahead spool: a folder of segments, each of which is the body of one request.

``run.json``: whose events these are. ``00000001.jsonl``: a closed segment, which never changes and is removed once the
server has acknowledged it; its request bears the folder's name and this number as ``Idempotency-Key``, so that one that
is sent again stores nothing twice. ``00000002.open``: the segment that is written to. ``files/``: images that go
before the next segment. ``end.json``: how the run ended. ``*.refused``: what the server would not take.
What was written survives the end of this process by any signal, as the system has it. The lock belongs to the process
that writes; it is free as soon as that is gone.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

SEGMENT_BYTES = 4 << 20  # 25 000 scalars
RUN, END, LOCK, FILES, DONE = "run.json", "end.json", "lock", "files", "done.json"
OPEN, CLOSED, REFUSED = ".open", ".jsonl", ".refused"
DIGITS = 8


class SpoolFull(Exception):
    """There is no room for more: the limit is reached, or the disk is full."""


class Spool:
    """A spool that this process owns. Safe for concurrent use."""

    def __init__(self, folder: Path, max_bytes: int, lock: int | None = None) -> None:
        """Take a spool that is there. Raises BlockingIOError while somebody has it, FileNotFoundError if it is gone.

        ``lock``: the descriptor of its lock, of one that was just made.
        """
        self.folder = folder
        self._max_bytes = max_bytes
        self._mutex = threading.Lock()
        self._lock = _locked(folder / LOCK) if lock is None else lock
        if not (folder / RUN).exists():
            os.close(self._lock)
            raise FileNotFoundError(f"{folder} is no spool any more")
        self._descriptor: int | None = None
        self._open_bytes = 0
        self._close_left_segment()
        self._bytes = sum(path.stat().st_size for path in self.segments())
        self._number = max((int(path.stem) for path in folder.glob("[0-9]*.*")), default=0)

    @classmethod
    def create(cls, root: Path, run: Mapping[str, Any], max_bytes: int) -> Spool:
        """Make a new one below ``root``. ``run``: JSON that says whose events these are, with the task as ``id``."""
        folder = root / f"{run['id']}-{os.getpid()}-{secrets.token_hex(4)}"
        (folder / FILES).mkdir(parents=True, mode=0o700)
        lock = _locked(folder / LOCK)
        write_whole(folder / RUN, json.dumps(run).encode())
        return cls(folder, max_bytes, lock)

    @property
    def run(self) -> dict[str, Any]:
        """Whose events these are."""
        described: dict[str, Any] = json.loads((self.folder / RUN).read_bytes())
        return described

    @property
    def end(self) -> dict[str, Any] | None:
        """How the run ended; None if nobody has said so."""
        with suppress(FileNotFoundError):
            found: dict[str, Any] = json.loads((self.folder / END).read_bytes())
            return found
        return None

    def append(self, lines: bytes) -> None:
        """Write whole lines to the open segment. Raises SpoolFull, and writes none of them then."""
        with self._mutex:
            if self._bytes + self._open_bytes + len(lines) > self._max_bytes:
                raise SpoolFull(f"{self.folder} has {self._max_bytes} bytes")
            if self._descriptor is None:
                self._number += 1
                flags = os.O_CREAT | os.O_WRONLY | os.O_APPEND
                self._descriptor = os.open(self._path(OPEN), flags, 0o600)
            _write(self._descriptor, lines, self._open_bytes)
            self._open_bytes += len(lines)
            if self._open_bytes >= SEGMENT_BYTES:
                self._close_segment()

    def close_segment(self) -> None:
        """Let what was written so far be a segment; nothing happens if that is nothing."""
        with self._mutex:
            self._close_segment()

    def segments(self) -> list[Path]:
        """Return the closed segments, oldest first."""
        return sorted(self.folder.glob(f"[0-9]*{CLOSED}"))

    def files(self) -> list[Path]:
        """Return the files that are to be uploaded."""
        return sorted(path for path in (self.folder / FILES).iterdir() if path.suffix != ".part")

    def add_file(self, content: bytes) -> str:
        """Keep a file, and return its name here. Raises SpoolFull."""
        name = secrets.token_hex(8)
        with self._mutex:
            if self._bytes + self._open_bytes + len(content) > self._max_bytes:
                raise SpoolFull(f"{self.folder} has {self._max_bytes} bytes")
            self._bytes += len(content)
        try:
            write_whole(self.folder / FILES / name, content)
        except OSError as error:
            raise SpoolFull(str(error)) from error
        return name

    def remove(self, path: Path) -> None:
        """Remove a segment or file that the server has."""
        size = path.stat().st_size
        path.unlink()
        with self._mutex:
            self._bytes -= size

    def refuse(self, segment: Path) -> None:
        """Keep a segment that the server will never take out of the way, for people to look at."""
        segment.rename(segment.with_suffix(REFUSED))

    def finish(self, end: Mapping[str, Any]) -> None:
        """Note how the run ended."""
        write_whole(self.folder / END, json.dumps(end).encode())

    def discard(self) -> None:
        """Remove the spool, of which all is sent. What was refused stays in a folder that is no spool any more."""
        if list(self.folder.glob(f"*{REFUSED}")):
            (self.folder / RUN).rename(self.folder / DONE)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._lock)

    def release(self) -> None:
        """Give it up, as it is."""
        self.close_segment()
        os.close(self._lock)

    def abandon(self) -> None:
        """Leave it, in a process that was forked, to the one that has it: close this process's descriptors only."""
        for descriptor in (self._descriptor, self._lock):
            if descriptor is not None:
                os.close(descriptor)

    def _close_segment(self) -> None:
        if self._descriptor is None:
            return
        os.close(self._descriptor)
        self._descriptor = None
        self._path(OPEN).rename(self._path(CLOSED))
        self._bytes, self._open_bytes = self._bytes + self._open_bytes, 0

    def _path(self, ending: str) -> Path:
        return self.folder / f"{self._number:0{DIGITS}}{ending}"

    def _close_left_segment(self) -> None:
        """Close the segment of a process that is gone, without a last line that is not whole."""
        for path in self.folder.glob(f"*{OPEN}"):
            whole = path.read_bytes().rfind(b"\n") + 1
            os.truncate(path, whole)
            if whole:
                path.rename(path.with_suffix(CLOSED))
            else:
                path.unlink()


def spools_in(root: Path) -> list[Path]:
    """Return the folders of the spools below a folder, which may be one itself."""
    return sorted(path.parent for path in (*root.glob(RUN), *root.glob(f"*/{RUN}")))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole, or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    part.replace(path)


def _write(descriptor: int, lines: bytes, size: int) -> None:
    """Append to a segment of ``size`` bytes. Raises SpoolFull, and leaves it as it was."""
    try:
        done = os.write(descriptor, lines)
        while done < len(lines):
            done += os.write(descriptor, lines[done:])
    except OSError as error:
        os.ftruncate(descriptor, size)
        raise SpoolFull(str(error)) from error


def _locked(path: Path) -> int:
    """Return the descriptor that holds a lock. Raises BlockingIOError.

    Processes that are forked hold it, too, until they close it: see ``Spool.abandon``.
    """
    descriptor = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise BlockingIOError(f"Another process has {path.parent}") from error
    return descriptor
